"""What the page that asks for a key needs from us."""

from __future__ import annotations

from typing import Any

from litestar import Controller, post

from market.accounts import guards, passkeys
from market.web.pages import Visitor


class TouchPages(Controller):
    """The challenge that a key answers."""

    path = "/touch"
    include_in_schema = False

    @post("/options", guards=[guards.signed_in], status_code=200)
    async def options(self, request: Visitor) -> dict[str, Any]:
        """What the browser needs to have the person's key used in this session."""
        return await passkeys.touch_options(request.user, str(request.scope.get("session_key", "")))
