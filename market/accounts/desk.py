"""What accounts put on people's desks: that letters do not reach somebody."""

from __future__ import annotations

from market.accounts.people import is_unreachable
from market.actor import Actor
from market.web.desk import Waiting
from market.wording import _


async def waiting(actor: Actor) -> list[Waiting]:
    """One item for whoever's address is marked as dead."""
    if actor.person is None or not await is_unreachable(actor.person):
        return []
    return [Waiting(_("Letters do not reach you: your address is marked as dead"), "/account")]
