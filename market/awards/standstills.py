"""Standstills that end later because a bank holiday was proclaimed while they ran."""

from __future__ import annotations

from market import clock, workdays
from market.accounts.people import tell
from market.actor import BUYER_ROLES, SUPPLIER_ROLES, SYSTEM
from market.audit.actions import record
from market.awards.actions import ancestors
from market.awards.tables import Decision
from market.db import find, transaction
from market.reads import rows, the
from market.tenders.tables import Lot, Tender


async def move_waiting() -> int:
    """A job: reckon the end of every running standstill anew, and move one that ends later by now; those who bid and the buyer
    are told, and the log says from when to when. Answers how many moved. What ended stays ended, and none ends earlier."""
    running = await rows(
        str,
        "SELECT ref FROM decision WHERE standstill_ends_at >= {} AND set_aside_at IS NULL ORDER BY id",
        clock.now().replace(microsecond=0),
    )
    moved = 0
    for ref in running:
        moved += await _move(ref)
    return moved


async def _move(ref: str) -> bool:
    async with transaction():
        decision = await find(Decision, Decision.ref == ref, lock=True)
        before, then = decision.standstill_ends_at, workdays.standstill_ends_at(decision.decided_at)
        if before is None or decision.set_aside_at is not None or then <= before:
            return False
        decision.standstill_ends_at = then
        await decision.save([Decision.standstill_ends_at])
        tender = await find(Tender, Tender.id == decision.tender)
        lot = await find(Lot, Lot.id == decision.lot)
        said = {"tender": tender, "lot": lot, "decision": decision, "before": before}
        bidders = await rows(
            int,
            "SELECT DISTINCT b.supplier FROM bid b JOIN opened_bid o ON o.bid = b.id WHERE b.lot = {} ORDER BY b.supplier",
            lot.id,
        )
        for body, roles in (*((each, SUPPLIER_ROLES) for each in bidders), (tender.buyer, BUYER_ROLES)):
            await tell(body, "awards/standstill_moved.txt", roles=roles, about=f"award:{ref}", **said)
        await record(
            SYSTEM,
            "award.standstill-moved",
            f"award:{ref}",
            {
                "standstill_ended_at_before": before.isoformat(),
                "standstill_ends_at": then.isoformat(),
                "proclaimed": [
                    each.isoformat()
                    for each in sorted(workdays.proclaimed())
                    if workdays.local_day(decision.decided_at) <= each <= workdays.local_day(then)
                ],
            },
            about=ancestors(tender),
            organisation=await the(str, "SELECT ref FROM organisation WHERE id = {}", tender.buyer),
        )
    return True
