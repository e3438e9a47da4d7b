"""Bids that a change made unconfirmed: their suppliers are told, confirm them, or are told that they did not count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from market import clock, policy
from market.accounts.people import tell
from market.accounts.tables import Organisation
from market.actor import SUPPLIER_ROLES, Actor
from market.audit.actions import record
from market.bids import actions, rules
from market.bids.tables import Bid, BidConfirmation
from market.db import find, one, transaction
from market.proof import confirming, sealing
from market.reads import row, rows
from market.refusals import NotFound, insist
from market.tenders.readers import published
from market.tenders.tables import Addendum, Lot, Tender
from market.wording import N_


class Word(msgspec.Struct, forbid_unknown_fields=True):
    """A supplier's word that the envelope with this digest still stands after the change that it names."""

    schema_name: ClassVar[str] = "BidConfirmationDraft"
    envelope_sha256: Annotated[str, Meta(title=N_("The envelope's fingerprint"), min_length=64, max_length=64)]
    addendum: Annotated[str, Meta(title=N_("The change that you have read"), min_length=1, max_length=16)]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """The row that was kept and the receipt for the supplier to keep."""

    row: BidConfirmation
    receipt: confirming.Confirmation


class Last(msgspec.Struct, frozen=True):
    """What a supplier sent last for a lot, and the change that it has not confirmed yet (empty: it counts as it is)."""

    id: int
    ref: str
    digest: str
    unconfirmed: str


async def _last(lot: int, supplier: int) -> Last | None:
    return await row(
        Last,
        """
        SELECT b.id, b.ref, b.digest, COALESCE((
            SELECT a.ref FROM addendum a
            WHERE a.tender = b.tender AND a.unconfirms AND a.at >= b.received_at AND NOT EXISTS (
              SELECT 1 FROM bid_confirmation c WHERE c.bid = b.id AND c.addendum >= a.id
            ) ORDER BY a.id DESC LIMIT 1
          ), '') AS unconfirmed
        FROM bid b WHERE b.lot = {} AND b.supplier = {} ORDER BY b.received_at DESC, b.id DESC LIMIT 1
        """,
        lot,
        supplier,
    )


async def confirm(actor: Actor, tender_ref: str, lot_ref: str, given: Word) -> Confirmed:
    """As the supplier, say that the bid it sealed for this lot still stands after a change. Only its own last envelope can be
    meant; judged by when the word arrived, kept in an append-only row, and sealed in the log until the opening."""
    arrived = clock.arrived()
    hat = actor.must_wear(*SUPPLIER_ROLES)
    async with transaction():
        tender = await published(tender_ref, lock=True)
        lot = await find(Lot, (Lot.ref == lot_ref) & (Lot.tender == tender.id))
        insist(rules.CONFIRM, await actions.bidding(actor, tender, lot, arrived))
        last = await _last(lot.id, hat.organisation)
        if last is None:
            raise NotFound("Bid")
        insist(
            rules.CONFIRMED,
            rules.Confirming(last.digest, last.unconfirmed, given.envelope_sha256, given.addendum),
        )
        addendum = await find(Addendum, (Addendum.ref == last.unconfirmed) & (Addendum.tender == tender.id))
        context = sealing.Context(tender.ref, lot.ref, hat.organisation_ref)
        receipt = confirming.confirmation(context, last.digest, addendum.ref, arrived)
        kept = BidConfirmation(
            tender=tender.id,
            bid=last.id,
            addendum=addendum.id,
            person=actor.must_be_person(),
            digest=last.digest,
            receipt=receipt.digest,
            confirmed_at=arrived,
        )
        await kept.save()
        await tell(
            hat.organisation,
            "bids/confirmed.txt",
            roles=SUPPLIER_ROLES,
            about=f"tender:{tender.ref}",
            tender=tender,
            lot=lot,
            addendum=addendum,
            confirmation=kept,
        )
        await record(
            actor,
            "bid.confirmed",
            f"bid:{last.ref}",
            {
                "addendum": addendum.ref,
                "confirmed_at": arrived.isoformat(),
                "envelope_sha256": last.digest,
                "lot": lot.ref,
                "receipt": kept.receipt,
            },
            about=[f"tender:{tender.ref}"],
            organisation=hat.organisation_ref,
            sealed_by=f"opening:tender:{tender.ref}",
        )
    return Confirmed(kept, receipt)


async def receipt_of(actor: Actor, ref: str) -> confirming.Confirmation:
    """The receipt of a confirmation (its reference) again, for the supplier whose word it was."""
    kept = await find(BidConfirmation, BidConfirmation.ref == ref)
    bid = await find(Bid, Bid.id == kept.bid)
    if bid.supplier not in actor.organisations(*SUPPLIER_ROLES):
        raise NotFound("BidConfirmation")
    tender = await find(Tender, Tender.id == bid.tender)
    lot = await find(Lot, Lot.id == bid.lot)
    supplier = await find(Organisation, Organisation.id == bid.supplier)
    addendum = await find(Addendum, Addendum.id == kept.addendum)
    context = sealing.Context(tender.ref, lot.ref, supplier.ref)
    return confirming.confirmation(context, kept.digest, addendum.ref, kept.confirmed_at)


# ── letters ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Untold(msgspec.Struct, frozen=True):
    """An unconfirmed bid of whose state its supplier has not been told, or not been reminded."""

    bid: int
    addendum: int
    supplier: int
    tender: int
    lot: int
    last: bool


async def _untold(now: datetime) -> list[Untold]:
    remind = now + timedelta(hours=policy.IN_FORCE.bids.confirm_reminder_hours)
    return await rows(
        Untold,
        """
        SELECT b.id AS bid, a.id AS addendum, b.supplier, b.tender, b.lot, t.closes_at <= {} AS last
        FROM tender t
        JOIN LATERAL (
          SELECT DISTINCT ON (lot, supplier) * FROM bid WHERE tender = t.id ORDER BY lot, supplier, received_at DESC, id DESC
        ) b ON b.act = 'submit'
        JOIN LATERAL (
          SELECT * FROM addendum WHERE tender = t.id AND unconfirms AND at >= b.received_at ORDER BY id DESC LIMIT 1
        ) a ON NOT EXISTS (SELECT 1 FROM bid_confirmation c WHERE c.bid = b.id AND c.addendum >= a.id)
        WHERE t.published_at IS NOT NULL AND t.cancelled_at IS NULL AND t.opened_at IS NULL AND t.closes_at > {}
          AND NOT EXISTS (
            SELECT 1 FROM confirmation_letter w
            WHERE w.bid = b.id AND w.addendum = a.id AND (w.last OR t.closes_at > {})
          )
        ORDER BY t.closes_at, b.id LIMIT 20
        """,
        remind,
        now,
        remind,
    )


async def tell_unconfirmed() -> int:
    """A job: write to suppliers whose bids a change made unconfirmed, once when it came and once before the deadline. Answers how
    many letters were due. Nothing depends on it: an unconfirmed bid is one by its dates, and its page says so."""
    now = clock.now()
    waiting = await _untold(now)
    for each in waiting:
        async with transaction():
            if not await one(
                "INSERT INTO confirmation_letter (bid, addendum, last, at) VALUES ({}, {}, {}, {}) ON CONFLICT DO NOTHING RETURNING id",
                each.bid,
                each.addendum,
                each.last,
                now,
            ):
                continue
            tender = await find(Tender, Tender.id == each.tender)
            await tell(
                each.supplier,
                "bids/unconfirmed.txt",
                roles=SUPPLIER_ROLES,
                about=f"tender:{tender.ref}",
                tender=tender,
                lot=await find(Lot, Lot.id == each.lot),
                addendum=await find(Addendum, Addendum.id == each.addendum),
                last=each.last,
            )
    return len(waiting)
