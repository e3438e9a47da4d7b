"""The deadline of a tender that an outage moves (`market.outages`)."""

from __future__ import annotations

from market.db import find, transaction
from market.outages import actions as outages
from market.reads import rows, the
from market.tenders.log import ancestors
from market.tenders.tables import Tender

RUNNING = """
    SELECT ref, closes_at FROM tender
    WHERE published_at IS NOT NULL AND cancelled_at IS NULL AND opened_at IS NULL AND closes_at IS NOT NULL
    """
"""For `outages.settle`: the deadlines that may still move."""


async def settle(ref: str) -> bool:
    """Move the tender's deadline when an outage says so; answers whether it did. In a transaction of its own, so that it stands
    whatever is refused afterwards."""
    async with transaction():
        tender = await find(Tender, Tender.ref == ref, lock=True)
        if tender.published_at is None or tender.closes_at is None:
            return False
        moved = await outages.move(
            outages.Closing(
                record=f"tender:{ref}",
                title=tender.title,
                closes_at=tender.closes_at,
                opened=tender.opened_at is not None,
                ended=tender.cancelled_at is not None,
                buyer=tender.buyer,
                buyer_ref=await the(str, "SELECT ref FROM organisation WHERE id = {}", tender.buyer),
                followers=set(await rows(int, "SELECT organisation FROM follower WHERE tender = {}", tender.id)),
                beside=await ancestors(tender),
            )
        )
        if moved is None:
            return False
        # The officers were perhaps told that they can open it: they are told again when they can.
        tender.closes_at, tender.closing_told_at = moved, None
        await tender.save([Tender.closes_at, Tender.closing_told_at])
    return True
