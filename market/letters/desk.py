"""What letters put on the operator's desk: those that could not be sent."""

from __future__ import annotations

from market.actor import Actor
from market.reads import rows
from market.web.desk import Waiting
from market.wording import _n


async def waiting(actor: Actor) -> list[Waiting]:
    """One item for all letters that failed."""
    if not actor.wears("operator"):
        return []
    (stuck,) = await rows(int, "SELECT count(*) FROM letter WHERE sent_at IS NULL AND failure <> ''")
    words = _n("A letter could not be sent", "{number} letters could not be sent", stuck)
    return [Waiting(words, "/letters")] if stuck else []


async def counts() -> dict[str, int]:
    """What the operator's desk says of letters."""
    (unsent,) = await rows(int, "SELECT count(*) FROM letter WHERE sent_at IS NULL")
    return {"unsent": unsent}
