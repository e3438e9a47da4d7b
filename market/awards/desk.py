"""What awards put on people's desks: panels to be named and heard, lots to be decided, complaints, prices to be explained."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from market import clock
from market.actor import SUPPLIER_ROLES, Actor
from market.awards import evaluation
from market.reads import rows
from market.tenders.rules import takes_bids
from market.tenders.tables import Tender
from market.web.desk import InPlay, Waiting
from market.wording import _, _n


class Complained(msgspec.Struct, frozen=True):
    """A complaint without an answer, and the lot it is about."""

    award: str
    title: str
    number: int
    lodged_at: datetime


class Seat(msgspec.Struct, frozen=True):
    """A place on the panel of an opened tender, not handed in yet."""

    ref: str
    title: str
    declared_at: datetime | None
    opened_at: datetime


class LowPrice(msgspec.Struct, frozen=True):
    """A question about a price that a bidder may still answer."""

    bid: str
    title: str
    answer_by: datetime


class Bidding(msgspec.Struct, frozen=True):
    """A tender that was bid for and is not decided."""

    ref: str
    title: str
    closes_at: datetime
    opened_at: datetime | None


async def waiting(actor: Actor) -> list[Waiting]:
    """For buyers panels, decisions and complaints; for evaluators what they score; for bidders prices to be explained."""
    buyers, firms = actor.organisations("buyer"), actor.organisations(*SUPPLIER_ROLES)
    return [
        *(await _of_buyers(buyers) if buyers else []),
        *await _of_evaluators(actor),
        *(await _of_bidders(firms) if firms else []),
    ]


async def _of_buyers(buyers: Sequence[int]) -> list[Waiting]:
    found = []
    for tender in await _undecided(buyers):
        found += await _deciding(tender)
    return found + [
        Waiting(
            _("Answer the complaint"),
            f"/awards/{each.award}",
            _("{title}, lot {number}", title=each.title, number=each.number),
            since=each.lodged_at,
        )
        for each in await rows(
            Complained,
            """
            SELECT d.ref AS award, t.title, l.number, min(c.lodged_at) AS lodged_at FROM complaint c
            JOIN decision d ON d.id = c.decision JOIN tender t ON t.id = d.tender JOIN lot l ON l.id = d.lot
            WHERE t.buyer = ANY({}::int[]) AND c.answered_at IS NULL AND d.set_aside_at IS NULL AND d.winner IS NOT NULL
            GROUP BY d.id, t.id, l.id ORDER BY d.id
            """,
            list(buyers),
        )
    ]


async def _of_evaluators(actor: Actor) -> list[Waiting]:
    return [
        Waiting(
            _("Score, give your reasons and hand in") if seat.declared_at else _("Declare your interests, then score"),
            f"/tenders/{seat.ref}/evaluation",
            seat.title,
            since=seat.opened_at,
        )
        for seat in await rows(
            Seat,
            """
            SELECT t.ref, t.title, s.declared_at, t.opened_at FROM seat s JOIN tender t ON s.panel = 'tender:' || t.ref
            WHERE s.person = {} AND s.excused_at IS NULL AND s.locked_at IS NULL AND t.opened_at IS NOT NULL
              AND t.cancelled_at IS NULL
            """,
            actor.person,
        )
    ]


async def _of_bidders(firms: Sequence[int]) -> list[Waiting]:
    return [
        Waiting(_("Explain your price"), f"/awards/prices/{each.bid}", each.title, each.answer_by)
        for each in await rows(
            LowPrice,
            """
            SELECT e.ref AS bid, t.title, q.answer_by FROM price_question q JOIN opened_bid b ON b.id = q.bid
            JOIN bid e ON e.id = b.bid JOIN tender t ON t.id = b.tender
            WHERE b.supplier = ANY({}::int[]) AND q.answered_at IS NULL AND q.answer_by > {} ORDER BY q.answer_by
            """,
            list(firms),
            clock.now(),
        )
    ]


async def _undecided(buyers: Sequence[int]) -> list[Tender]:
    """The opened tenders of these bodies that go on and have a lot without a decision, in the order of their opening."""
    opened = (
        await Tender.objects()
        .where(Tender.buyer.is_in(list(buyers)) & Tender.opened_at.is_not_null() & Tender.cancelled_at.is_null())
        .order_by(Tender.opened_at)
    )
    decided = await _decided(buyers)
    return [tender for tender in opened if tender.id not in decided]


async def _deciding(tender: Tender) -> list[Waiting]:
    here = f"/tenders/{tender.ref}/evaluation"
    found = await evaluation.of(tender)
    if not found.panel.active:
        return [Waiting(_("Name the evaluators of the bids"), here, tender.title, since=tender.opened_at)]
    if found.panel.gaps():
        return []
    undecided = sum(lot.id not in found.decisions for lot in found.lots)
    words = _n("Decide a lot: the panel has finished", "Decide {number} lots: the panel has finished", undecided)
    handed_in = [each.seat.locked_at for each in found.panel.active if each.seat.locked_at]
    return [Waiting(words, here, tender.title, since=max(handed_in, default=tender.opened_at))]


async def _decided(buyers: Sequence[int]) -> set[int]:
    """The tenders (ids) of these bodies all of whose lots are decided."""
    return set(
        await rows(
            int,
            """
            SELECT l.tender FROM lot l JOIN tender t ON t.id = l.tender LEFT JOIN decision d ON d.lot = l.id
              AND d.set_aside_at IS NULL WHERE t.buyer = ANY({}::int[]) GROUP BY l.tender HAVING count(*) = count(d.id)
            """,
            list(buyers),
        )
    )


async def in_play(firms: Sequence[int]) -> list[InPlay]:
    """What these firms bid for and is not decided."""
    found = await rows(
        Bidding,
        """
        SELECT DISTINCT t.ref, t.title, t.closes_at, t.opened_at FROM bid b JOIN tender t ON t.id = b.tender
        WHERE b.supplier = ANY({}::int[]) AND t.cancelled_at IS NULL AND EXISTS (SELECT 1 FROM lot l WHERE l.tender = t.id
          AND NOT EXISTS (SELECT 1 FROM decision d WHERE d.lot = l.id AND d.set_aside_at IS NULL)) ORDER BY t.closes_at
        """,
        list(firms),
    )
    return [InPlay("Bid", f"/tenders/{each.ref}", each.title, *_next(each)) for each in found]


def _next(each: Bidding) -> tuple[str, datetime | None]:
    """What happens next with a bid, and when."""
    if each.opened_at is not None:
        return _("Bids are being scored"), None
    if takes_bids(each.closes_at, clock.now()):
        return _("You may replace or withdraw it until it closes"), each.closes_at
    return _("Two officers open the bids"), None


async def counts() -> dict[str, int]:
    """What the auditor's desk says of awards."""
    (complaints,) = await rows(int, "SELECT count(*) FROM complaint WHERE answered_at IS NULL")
    return {"complaints": complaints}
