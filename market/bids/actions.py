"""Sealing, withdrawing and opening bids."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import asyncpg
import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from msgspec import Meta

from market import clock
from market.accounts.people import holders, tell, tell_person
from market.accounts.tables import Organisation
from market.actor import BUYER_ROLES, SUPPLIER_ROLES, Actor, Hat
from market.arrival import Arrival
from market.audit.actions import record
from market.bids import lanes, reading, rules
from market.bids.contents import Answers, Price, Written
from market.bids.tables import Bid, Entry, Envelope, Opening, Sent
from market.db import find, maybe, transaction
from market.money import Money
from market.outages import actions as outages
from market.proof import canonical, sealing
from market.reads import row, rows
from market.refusals import NotFound, Refused, ask, insist, refusals
from market.settings import settings
from market.standards.certificates import actions as certificates
from market.standards.sanctions import actions as sanctions
from market.tenders import outage
from market.tenders.actions import add_follower
from market.tenders.readers import criteria_of, lots_of, published
from market.tenders.tables import Lot, OpeningOfficer, Tender
from market.touch import binds
from market.wording import N_, together

Code = Annotated[str, Meta(title=N_("Your opening secret"), max_length=80)]
"""What an opening officer wrote down when she took her secret."""


class CodeForm(msgspec.Struct):
    """An opening officer's secret."""

    code: Code


class BidDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What a supplier seals. `answers` maps each quality criterion's reference to the text that will be scored. `read` is the
    reference of the last change after which bids sealed before it must be confirmed, as the supplier has read it; empty when it
    knows of none. It is not sealed: it says on which state of the tender the bid was written."""

    price_minor: Price
    answers: Answers = {}
    declared: bool = False
    read: Annotated[str, Meta(max_length=16)] = ""


@dataclass(frozen=True, slots=True)
class Sealed:
    """The row that was kept and the receipt for the supplier to keep."""

    bid: Bid
    receipt: sealing.Receipt


def platform_key() -> bytes:
    """The platform's half of every tender's lock, derived from its configured secret."""
    return sealing.platform_key(settings().secret)


def _hat(actor: Actor) -> Hat:
    return actor.must_wear(*SUPPLIER_ROLES)


async def counting(tender: int) -> list[Envelope]:
    """Of each supplier and lot what arrived last, when that is not a withdrawal: it counts unless it is unconfirmed. For the opening
    only."""
    return await rows(
        Envelope,
        """
        SELECT b.id, b.ref, b.lot, b.supplier, b.envelope, b.digest, b.receipt, b.received_at,
          l.ref AS lot_ref, o.ref AS supplier_ref, o.name AS supplier_name, COALESCE((
            SELECT a.ref FROM addendum a
            WHERE a.tender = b.tender AND a.unconfirms AND a.at >= b.received_at AND NOT EXISTS (
              SELECT 1 FROM bid_confirmation c WHERE c.bid = b.id AND c.addendum >= a.id
            ) ORDER BY a.id DESC LIMIT 1
          ), '') AS unconfirmed
        FROM (
          SELECT DISTINCT ON (lot, supplier) * FROM bid WHERE tender = {}
          ORDER BY lot, supplier, received_at DESC, id DESC
        ) b
        JOIN lot l ON l.id = b.lot JOIN organisation o ON o.id = b.supplier
        WHERE b.act = 'submit' ORDER BY l.number, b.received_at, b.id
        """,
        tender,
    )


async def submit(
    actor: Actor, tender_ref: str, lot_ref: str, given: BidDraft, confirmed: Collection[str] = ()
) -> Sealed:
    """Seal a bid for a lot. It replaces what the supplier sealed for that lot before; the last envelope counts.

    The moment of arrival decides, so that nobody is late because others queue. A firm's own envelopes wait for each other,
    and are refused beyond its allowance. A price far from the estimate is asked about once more (`confirmed`), and so is a bid
    that was written before a change it has not read. Encrypted before anything is written; the clear text is never stored.
    """
    arrived, hat = clock.arrived(), _hat(actor)
    async with lanes.lane(hat.organisation):
        try:
            return await _submit(actor, hat, tender_ref, lot_ref, given, arrived, confirmed)
        except Refused as refused:
            if any(each.code == rules.before_the_deadline.code for each in refused.reasons):
                await outages.turned_away(f"tender:{tender_ref}", hat.organisation)
            raise


async def _submit(
    actor: Actor,
    hat: Hat,
    tender_ref: str,
    lot_ref: str,
    given: BidDraft,
    arrived: Arrival,
    confirmed: Collection[str],
) -> Sealed:
    tender = await published(tender_ref)
    lot = await maybe(Lot, (Lot.ref == lot_ref) & (Lot.tender == tender.id))
    _may_seal(await bidding(actor, tender, lot, arrived))
    if lot is None:
        raise NotFound("Lot")
    criteria = (await criteria_of([lot]))[lot.id]
    plain = Written(
        answers=given.answers,
        currency=tender.currency,
        declared=given.declared,
        lot=lot.ref,
        price_minor=given.price_minor,
        supplier=hat.organisation_ref,
        tender=tender.ref,
    ).to_bytes()
    wrong = refusals(
        rules.CONTENT,
        rules.Content(
            given.price_minor,
            given.answers,
            given.declared,
            criteria,
            len(plain),
            lot.maximum_minor,
            tender.currency,
        ),
    )
    if wrong:
        raise Refused(*wrong, status=422)
    ask(rules.WRITTEN, confirmed, given.read, await last_change(tender.id))
    ask(
        rules.ASKED,
        confirmed,
        Money(given.price_minor, tender.currency),
        Money(lot.value_minor, tender.currency),
    )
    context = sealing.Context(tender.ref, lot.ref, hat.organisation_ref)
    envelope = sealing.seal(await published_key(tender), context, plain)
    return await _keep(actor, hat, (tender.id, lot.id), context, envelope, arrived, (given.read, confirmed))


async def last_change(tender: int) -> rules.LastChange | None:
    """The last change of this tender (its id) after which bids sealed before it must be confirmed; None when there was none."""
    return await row(
        rules.LastChange,
        "SELECT ref, at, text FROM addendum WHERE tender = {} AND unconfirms ORDER BY id DESC LIMIT 1",
        tender,
    )


async def published_key(tender: Tender) -> bytes:
    """The key that bids are sealed to, when it is the one that was published with the tender: its record fits the
    commitment, and the log names that commitment since publication. Another would let somebody else read what is sealed to
    it, so it is refused before anything is sealed."""
    shares = await rows(bytes, "SELECT share FROM opening_officer WHERE tender = {} AND length(share) > 0", tender.id)
    published = await row(
        str,
        "SELECT body FROM event WHERE subject = {} AND verb = 'tender.published' ORDER BY seq LIMIT 1",
        f"tender:{tender.ref}",
    )
    try:
        key = sealing.TenderKey.of(
            tender.public_key,
            tender.platform_share,
            shares,
            tender.key_commitment,
        )
        named = canonical.decode(published.encode()).get("key_commitment") if published else None
    except sealing.KeyRefused:
        named = ""
    if named not in (None, tender.key_commitment):
        raise rules.KEY_ALTERED.refused()
    return key.public_key


async def withdraw(actor: Actor, tender_ref: str, lot_ref: str) -> Sealed:
    """Withdraw the supplier's bid for a lot; another may be sealed until the deadline."""
    arrived, hat = clock.arrived(), _hat(actor)
    async with lanes.lane(hat.organisation):
        tender = await published(tender_ref)
        lot = await maybe(Lot, (Lot.ref == lot_ref) & (Lot.tender == tender.id))
        insist(rules.WITHDRAW, await bidding(actor, tender, lot, arrived))
        if lot is None:
            raise NotFound("Lot")
        context = sealing.Context(tender.ref, lot.ref, hat.organisation_ref)
        return await _keep(actor, hat, (tender.id, lot.id), context, b"", arrived, ("", ()))


async def bidding(actor: Actor, tender: Tender, lot: Lot | None, arrived: Arrival) -> rules.Bidding:
    """All that the rules look at, as it stands now: before anything is sealed, and again under the tender's lock."""
    hat = _hat(actor)
    sent = await rows(
        datetime,
        "SELECT received_at FROM bid WHERE lot = {} AND supplier = {} AND act = 'submit' AND received_at > {} ORDER BY received_at",
        lot.id if lot else 0,
        hat.organisation,
        rules.counted_since(arrived),
    )
    return rules.Bidding(
        tender,
        lot is not None,
        arrived,
        sealed_before=lot is not None and await _counts(lot.id, hat.organisation),
        withheld=await sanctions.withheld(hat.organisation, arrived),
        sent=sent,
    )


def _may_seal(facts: rules.Bidding) -> None:
    """Refused for good (409), or until the firm's allowance has room again (429)."""
    insist(rules.SUBMIT, facts)
    if wrong := refusals(rules.ALLOWED, facts):
        again = rules.may_send_again_at(facts) or facts.at
        raise Refused(*wrong, status=429, wait=max(1, math.ceil((again - facts.at).total_seconds())))


async def _counts(lot: int, supplier: int) -> bool:
    """Whether the supplier has an envelope for this lot that counts: what it sent last is not a withdrawal."""
    last = "SELECT act FROM bid WHERE lot = {} AND supplier = {} ORDER BY received_at DESC, id DESC LIMIT 1"
    return await row(str, last, lot, supplier) == "submit"


async def _keep(
    actor: Actor,
    hat: Hat,
    place: tuple[int, int],
    context: sealing.Context,
    envelope: bytes,
    arrived: Arrival,
    knowing: tuple[str, Collection[str]],
) -> Sealed:
    """Keep an envelope, or a withdrawal, which is an empty one, in its `place`: tender and lot, by their ids. `knowing` is the
    change that the supplier had read, and what it confirmed: a change that came while the envelope waited for its turn is asked
    about, too."""
    act = "submit" if envelope else "withdraw"
    receipt = sealing.receipt(envelope, context, arrived)
    tender_id, lot_id = place
    async with transaction():
        tender = await find(Tender, Tender.id == tender_id, lock=True)
        lot = await find(Lot, Lot.id == lot_id)
        facts = await bidding(actor, tender, lot, arrived)
        changed = await last_change(tender_id)
        if act == "submit":
            _may_seal(facts)
            ask(rules.WRITTEN, knowing[1], knowing[0], changed)
        else:
            insist(rules.WITHDRAW, facts)
        bid = Bid(
            tender=tender_id,
            lot=lot_id,
            supplier=hat.organisation,
            person=actor.must_be_person(),
            act=act,
            envelope=envelope,
            digest=receipt.envelope_sha256,
            receipt=receipt.digest,
            received_at=arrived,
        )
        await bid.save()
        await add_follower(tender, hat.organisation)
        await tell(
            hat.organisation,
            "bids/submit.txt" if act == "submit" else "bids/withdraw.txt",
            roles=SUPPLIER_ROLES,
            about=f"tender:{tender.ref}",
            tender=tender,
            lot=lot,
            bid=bid,
        )
        await record(
            actor,
            "bid.sealed" if act == "submit" else "bid.withdrawn",
            f"bid:{bid.ref}",
            {
                "envelope_sha256": bid.digest,
                "lot": lot.ref,
                "receipt": bid.receipt,
                "received_at": bid.received_at.isoformat(),
                **({"after_change": changed.ref} if changed and act == "submit" else {}),
            },
            about=[f"tender:{tender.ref}"],
            organisation=hat.organisation_ref,
            sealed_by=f"opening:tender:{tender.ref}",
        )
    return Sealed(bid, receipt)


async def warned(actor: Actor, tender: Tender) -> tuple[str, str]:
    """For the bid's page: why the actor's access is withheld, and what is missing for the certificate that an award will
    ask for; both empty when nothing is."""
    supplier, now = _hat(actor).organisation, clock.now()
    missing = await certificates.problem(supplier, tender.profile, now, buyer=tender.buyer, tender=tender.ref)
    return await sanctions.withheld(supplier, now), missing


async def mine(actor: Actor, tender: int | None = None) -> list[Sent]:
    """What the actor's suppliers sent, newest first. Never the contents: they are sealed."""
    return await rows(
        Sent,
        """
        SELECT b.ref, b.act, b.digest, b.receipt, b.received_at, t.ref AS tender_ref, t.title AS tender_title, t.opened_at,
          t.cancelled_at, l.ref AS lot_ref, l.number AS lot_number, l.title AS lot_title,
          b.id = first_value(b.id) OVER (PARTITION BY b.lot, b.supplier ORDER BY b.received_at DESC, b.id DESC) AS latest,
          EXISTS (
            SELECT 1 FROM opening o
            WHERE o.tender = t.id AND b.act = 'submit' AND position(b.digest IN o.register) > 0
          ) AS registered, COALESCE(ob.problem, '') AS problem, COALESCE((
            SELECT a.ref FROM addendum a
            WHERE a.tender = b.tender AND a.unconfirms AND a.at >= b.received_at AND NOT EXISTS (
              SELECT 1 FROM bid_confirmation c WHERE c.bid = b.id AND c.addendum >= a.id
            ) ORDER BY a.id DESC LIMIT 1
          ), '') AS unconfirmed, COALESCE((
            SELECT c.ref FROM bid_confirmation c WHERE c.bid = b.id ORDER BY c.addendum DESC LIMIT 1
          ), '') AS confirmation
        FROM bid b JOIN tender t ON t.id = b.tender JOIN lot l ON l.id = b.lot LEFT JOIN opened_bid ob ON ob.bid = b.id
        WHERE b.supplier = ANY({}::int[]) AND ({}::int IS NULL OR b.tender = {}) ORDER BY b.received_at DESC, b.id DESC
        """,
        actor.organisations(*SUPPLIER_ROLES),
        tender,
        tender,
    )


async def receipt_of(actor: Actor, bid_ref: str) -> sealing.Receipt:
    """The supplier's own receipt again, as it was first given."""
    bid = await find(Bid, Bid.ref == bid_ref)
    if bid.supplier not in actor.organisations(*SUPPLIER_ROLES):
        raise NotFound("Bid")
    tender = await find(Tender, Tender.id == bid.tender)
    lot = await find(Lot, Lot.id == bid.lot)
    supplier = await find(Organisation, Organisation.id == bid.supplier)
    context = sealing.Context(tender.ref, lot.ref, supplier.ref)
    return sealing.receipt(bid.envelope, context, bid.received_at)


@binds(N_("bring your code to the opening of bids"), prepared=False)
async def contribute(actor: Actor, tender_ref: str, code: str) -> Opening | None:
    """An opening officer brings her secret. The first one's share waits, encrypted; with the second one's the envelopes
    are opened in the same transaction. Answers the opening when it took place, None while another officer is needed.

    Refused before the deadline: the platform's own share is not even read then. A wrong secret changes nothing.
    """
    person = actor.must_be_person()
    await outages.gather()
    await outage.settle(tender_ref)
    async with transaction():
        tender = await published(tender_ref, lock=True)
        now = clock.arrived()
        officers = await OpeningOfficer.objects().where(OpeningOfficer.tender == tender.id).order_by(OpeningOfficer.id)
        me = next((each for each in officers if each.person == person), None)
        asked = rules.Opening(
            tender, now, me is not None, bool(me and me.share), bool(me and me.contributed_at is not None)
        )
        insist(rules.OPEN, asked)
        if me is None:
            raise NotFound("OpeningOfficer")
        try:
            share = sealing.contribute(code, me.share)
        except sealing.Unsealable as wrong:
            raise rules.WRONG_SECRET.refused(why=wrong) from wrong
        me.contributed_at = now
        first = next((each for each in officers if each.contributed_at and each.id != me.id), None)
        buyer = await find(Organisation, Organisation.id == tender.buyer)
        if first is None:
            me.held = sealing.hold(share, platform_key())
            await me.save([OpeningOfficer.contributed_at, OpeningOfficer.held])
            for other in officers:
                if other.id != me.id and other.share:
                    await tell_person(
                        other.person,
                        "bids/second_secret.txt",
                        about=f"tender:{tender.ref}",
                        tender=tender,
                        first=actor.name,
                    )
            await record(
                actor,
                "opening.contributed",
                f"tender:{tender.ref}",
                {"officer": actor.ref},
                organisation=buyer.ref,
                sealed_by=f"opening:tender:{tender.ref}",
            )
            return None
        await me.save([OpeningOfficer.contributed_at])
        try:
            key = sealing.TenderKey.of(
                tender.public_key,
                tender.platform_share,
                [each.share for each in officers if each.share],
                tender.key_commitment,
            )
            earlier = sealing.unhold(first.held, tender.public_key, platform_key())
            private = sealing.reassemble(key, [earlier, share], platform_key())
        except sealing.Unsealable as broken:
            raise rules.KEY_REFUSED.refused(why=broken) from broken
        try:
            return await _open(actor, tender, buyer, first.person, person, private)
        except asyncpg.UniqueViolationError as raced:
            tender.opened_at = now
            raise rules.opened_once.refused(asked) from raced


async def _open(
    actor: Actor, tender: Tender, buyer: Organisation, first: int, second: int, private: X25519PrivateKey
) -> Opening:
    now = clock.now()
    sealed = await counting(tender.id)
    envelopes = [each for each in sealed if not each.unconfirmed]
    register = canonical.encode(
        [
            {
                "bid": each.ref,
                "envelope_sha256": each.digest,
                "lot": each.lot_ref,
                "received_at": each.received_at.isoformat(),
                "supplier": each.supplier_ref,
                "supplier_name": each.supplier_name,
                **({"unconfirmed": each.unconfirmed} if each.unconfirmed else {}),
            }
            for each in sealed
        ]
    ).decode()
    opening = Opening(
        tender=tender.id,
        first_officer=first,
        second_officer=second,
        opened_at=now,
        register=register,
        digest=hashlib.sha256(register.encode()).hexdigest(),
    )
    await opening.save()
    lots = {lot.id: lot for lot in await lots_of(tender)}
    criteria = await criteria_of(list(lots.values()))
    set_aside = [
        said
        for each in envelopes
        if (said := await reading.keep(each, tender, lots[each.lot], criteria[each.lot], private)) is not None
    ]
    tender.opened_at = now
    await tender.save([Tender.opened_at])
    # The officers' waiting shares have done their work: from here on the key is needed no more.
    await OpeningOfficer.update({OpeningOfficer.held: b""}).where(OpeningOfficer.tender == tender.id)
    for supplier in dict.fromkeys(each.supplier for each in envelopes):
        await tell(
            supplier,
            "bids/opened.txt",
            roles=SUPPLIER_ROLES,
            about=f"tender:{tender.ref}",
            tender=tender,
            opening=opening,
            count=len(envelopes),
        )
    for supplier in dict.fromkeys(each.supplier for each in sealed if each.unconfirmed):
        await tell(
            supplier,
            "bids/not_counted.txt",
            roles=SUPPLIER_ROLES,
            about=f"tender:{tender.ref}",
            tender=tender,
            opening=opening,
            changes=together(sorted({each.unconfirmed for each in sealed if each.supplier == supplier} - {""})),
        )
    for each in set_aside:
        await reading.tell_set_aside(actor, tender, opening, each)
    await tell(
        tender.buyer,
        "bids/opened_buyer.txt",
        roles=BUYER_ROLES,
        about=f"tender:{tender.ref}",
        tender=tender,
        opening=opening,
        count=len(envelopes),
        set_aside=len(set_aside),
    )
    officers = [person.ref for person in await holders(tender.buyer) if person.id in (first, second)]
    await record(
        actor,
        "tender.opened",
        f"tender:{tender.ref}",
        {
            "bids": len(envelopes),
            "not_counted": len(sealed) - len(envelopes),
            "officers": sorted(officers),
            "opening": opening.ref,
            "register_sha256": opening.digest,
            "set_aside": [
                {"bid": each.envelope.ref, "codes": each.codes, "supplier": each.envelope.supplier_ref}
                for each in set_aside
            ],
        },
        about=[f"opening:{opening.ref}", *([f"challenge:{tender.exercise}"] if tender.exercise else [])],
        organisation=buyer.ref,
    )
    return opening


async def tell_officers() -> int:
    """A job: when the bids of a tender may be opened, write so to its opening officers. Answers
    how many tenders' officers were told."""
    async with transaction():
        now = clock.now()
        tender = await (
            Tender.objects()
            .where(
                (Tender.closes_at <= rules.opened_when_closed_at(now))
                & Tender.published_at.is_not_null()
                & Tender.closing_told_at.is_null()
                & Tender.opened_at.is_null()
                & Tender.cancelled_at.is_null()
            )
            .order_by(Tender.closes_at)
            .first()
            .lock_rows("UPDATE", skip_locked=True)
        )
        if tender is None:
            return 0
        tender.closing_told_at = now
        await tender.save([Tender.closing_told_at])
        for officer in await OpeningOfficer.objects().where(OpeningOfficer.tender == tender.id):
            if officer.share and officer.contributed_at is None:
                await tell_person(officer.person, "bids/ready.txt", about=f"tender:{tender.ref}", tender=tender)
    return 1


def register_of(opening: Opening) -> list[Entry]:
    """The register's entries, with their moments read."""
    return msgspec.convert(canonical.decode(opening.register.encode()), list[Entry])
