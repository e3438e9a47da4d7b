"""What letters put on the operator's desk: those that came back."""

from __future__ import annotations

from market.actor import Actor
from market.reads import rows
from market.web.desk import Waiting
from market.wording import _n


async def waiting(actor: Actor) -> list[Waiting]:
    """One item for all letters that came back, but those to addresses known to be dead."""
    if not actor.wears("operator"):
        return []
    (stuck,) = await rows(
        int,
        """
        SELECT count(*) FROM letter l WHERE gave_up_at IS NOT NULL AND sent_at IS NULL
          AND NOT EXISTS (SELECT 1 FROM dead_address d WHERE d.address = lower(l.address))
        """,
    )
    words = _n("A letter came back", "{number} letters came back", stuck)
    return [Waiting(words, "/postroom?outcome=came-back")] if stuck else []


async def counts() -> dict[str, int]:
    """What the operator's desk says of letters."""
    (unsent,) = await rows(int, "SELECT count(*) FROM letter WHERE sent_at IS NULL")
    return {"unsent": unsent}
