"""What desks say of the log and of what is still to be told to the search."""

from __future__ import annotations

from market.reads import rows


async def counts() -> dict[str, int]:
    """How many events there are, and how many changes the search has not heard of."""
    (events,) = await rows(int, "SELECT count(*) FROM event")
    (untold,) = await rows(int, "SELECT count(*) FROM outbox WHERE done_at IS NULL")
    return {"events": events, "untold": untold}
