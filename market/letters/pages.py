"""Letters for people to read: what was written to them, whether or not mail leaves this site."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get
from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler
from litestar.params import FromPath, FromQuery

from market.actor import Actor
from market.letters import actions
from market.settings import settings
from market.web.pages import Visitor, show


def reader(connection: ASGIConnection[Any, Actor, Any, Any], handler: BaseRouteHandler) -> None:
    """Anybody with an account, for her own letters; in demo mode everybody."""
    if not settings().demo:
        connection.user.must_be_person()


class LetterPages(Controller):
    """The list of letters and one letter."""

    path = "/letters"
    include_in_schema = False

    @get("/", guards=[reader])
    async def index(
        self, request: Visitor, to: FromQuery[str] = "", before: FromQuery[int | None] = None
    ) -> Response[bytes]:
        """One's own letters, newest first; in demo mode everybody's, or those to one address."""
        found = await actions.letters_for(request.user, before, to)
        page = found[: actions.PER_PAGE]
        return show(
            request,
            "letters/list.html",
            letters=page,
            to=to,
            next=page[-1].id if len(found) > actions.PER_PAGE else None,
            kept=settings().smtp_url is None,
        )

    @get("/{ref:str}", guards=[reader])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One letter as it was written."""
        letter = await actions.read(request.user, ref)
        return show(request, "letters/one.html", letter=letter, site_url=settings().site_url)
