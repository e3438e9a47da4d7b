"""What waits on a desk: one's own papers that nobody has entered yet."""

from __future__ import annotations

from market import clock
from market.actor import Actor
from market.confirming import paper
from market.mandates.rules import state
from market.touch import ACTS
from market.web.desk import Waiting
from market.wording import _


async def waiting(actor: Actor) -> list[Waiting]:
    """Her mandates that can still be entered."""
    if actor.person is None:
        return []
    return [
        Waiting(
            _("Sign it on paper and have a colleague enter it, or withdraw it: {act}", act=ACTS[row.act].words),
            f"{paper.HERE}/{row.ref}",
            when=row.expires_at,
        )
        for row in await paper.of(actor.person)
        if row.person == actor.person and state(row, clock.arrived()) == "waiting"
    ]
