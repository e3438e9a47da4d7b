"""What programs put on people's desks: what they prepared."""

from __future__ import annotations

from market.actor import Actor
from market.confirming.actions import prepared_for
from market.confirming.readers import HERE
from market.touch import ACTS
from market.web.desk import Waiting
from market.wording import _


async def waiting(actor: Actor) -> list[Waiting]:
    """What a program of hers prepared and she can still confirm."""
    return [
        Waiting(
            _("Confirm or withdraw what a program prepared: {act}", act=ACTS[row.act].words),
            f"{HERE}/{row.ref}",
            when=row.expires_at,
        )
        for row in await prepared_for(actor, waiting=True)
    ]
