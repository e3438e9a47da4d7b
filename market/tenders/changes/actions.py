"""A change to a published tender: weighed by what it would do, judged by the rules of publication, told to everybody."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from market import clock
from market.actor import Actor, Hat
from market.audit.actions import record
from market.budgets import counting
from market.db import find, transaction
from market.money import Money
from market.proof import canonical
from market.refusals import Refused, ask, insist, refusals
from market.tenders import facts, gate
from market.tenders import rules as tenders
from market.tenders.actions import tell_followers
from market.tenders.changes import rules
from market.tenders.changes.rules import Changing, Deadline, Line
from market.tenders.drafts import rules as slips
from market.tenders.drafts.actions import known_codes
from market.tenders.facts import Candidate
from market.tenders.log import ancestors
from market.tenders.readers import addenda_of, candidate, reserves
from market.tenders.tables import Addendum, Lot, LotCriterion, Tender
from market.touch import binds
from market.wording import N_


class LotChange(msgspec.Struct, forbid_unknown_fields=True):
    """What becomes of one lot (its reference). What is not named stays; the value is in minor units, without VAT."""

    schema_name: ClassVar[str] = "TenderLotChange"
    lot: Annotated[str, Meta(max_length=16)]
    description: Annotated[str, Meta(title=N_("What this lot is"), max_length=4000)] | None = None
    value_minor: Annotated[int, Meta(title=N_("Estimated value"), ge=1, le=10**14)] | None = None
    cpv: Annotated[list[str], Meta(title="CPV codes", max_length=20)] | None = None


class CriterionChange(msgspec.Struct, forbid_unknown_fields=True):
    """What becomes of one criterion (its reference) that bids are scored on. What is not named stays."""

    schema_name: ClassVar[str] = "TenderCriterionChange"
    criterion: Annotated[str, Meta(max_length=16)]
    description: Annotated[str, Meta(title=N_("What a good answer shows"), max_length=2000)] | None = None
    weight: Annotated[int, Meta(title=N_("Weight"), ge=1, le=100)] | None = None
    minimum: Annotated[int, Meta(title=N_("Lowest mark"), ge=0, le=100)] | None = None


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """A change to a published tender. `alters_offer` is the buyer's answer to whether a bidder would have offered something else
    had it been there from the first day. `last` is the reference of the last change that the buyer has read, empty when there
    was none; it is asked for when lots, criteria or dates change."""

    schema_name: ClassVar[str] = "TenderChange"
    text: Annotated[str, Meta(title=N_("What changes, and why"), min_length=10, max_length=4000)]
    kind: Annotated[
        Literal["clarification", "material", "deadline", "correction"], Meta(title=N_("What kind of change it is"))
    ]
    alters_offer: Annotated[Literal["yes", "no"], Meta(title=N_("Whether a bidder would have offered something else"))]
    new_closes_at: Annotated[datetime, Meta(title=N_("New deadline"), tz=True)] | None = None
    contract_begins_on: Annotated[date, Meta(title=N_("Contract begins on"))] | None = None
    contract_ends_on: Annotated[date, Meta(title=N_("Contract ends on"))] | None = None
    lots: Annotated[list[LotChange], Meta(max_length=500)] = []
    criteria: Annotated[list[CriterionChange], Meta(max_length=2000)] = []
    last: Annotated[str, Meta(max_length=16)] = ""


@binds(N_("publish a change to a tender"))
async def change(actor: Actor, ref: str, given: Change, confirmed: Collection[str] = ()) -> Addendum:
    """Change a published tender in the open, by one person: a clarification or a later deadline. What takes two people goes
    through `proposals`."""
    async with transaction():
        tender, hat = await changed_by(actor, ref)
        insist(rules.ALONE, rules.Proposing(given.kind, ""))
        return await publish(actor, hat, tender, given, confirmed)


async def changed_by(actor: Actor, ref: str) -> tuple[Tender, Hat]:
    """The tender, locked, for somebody of its buyer."""
    tender = await find(Tender, Tender.ref == ref, lock=True)
    return tender, actor.must_wear("buyer", organisation=tender.buyer, secret=tender.published_at is None)


@dataclass(frozen=True, slots=True)
class Judged:
    """A change that every rule lets pass: what it does, what the gate says of the tender as it would be, and the codes of what
    was asked once more and confirmed."""

    changing: Changing
    passed: gate.Gate
    knowingly: list[str]


async def judge(ref: str, given: Change, confirmed: Collection[str]) -> Judged:
    """Judge a change by its own rules and, as the tender would be, by those of publication; then ask once more what looks like
    a slip."""
    insist((tenders.dates_are_of_this_century,), given.new_closes_at, given.contract_begins_on, given.contract_ends_on)
    changing = await weighed(ref, given)
    published_so = rules.as_if_published_so(changing)
    reasons = refusals(rules.CHANGE, changing)
    if changing.lines:
        reasons += refusals(rules.STILL, published_so)
    if reasons:
        raise Refused(*reasons)
    more = sum(reserves(after) - reserves(before) for before, after in dearer_or_cheaper(changing))
    await counting.must_have(f"tender:{ref}", more)
    return Judged(changing, gate.ask(published_so), _asked(changing, given, confirmed))


def dearer_or_cheaper(changing: Changing) -> list[tuple[facts.Lot, facts.Lot]]:
    """The lots for which the change would set another sum aside, each as it was and as it would be."""
    pairs = zip(changing.was.lots, changing.then.lots, strict=True)
    return [(before, after) for before, after in pairs if reserves(before) != reserves(after)]


@dataclass(frozen=True, slots=True)
class Proposed:
    """Where a published change came from: its proposal and the reference of who proposed it."""

    ref: str
    by: str


async def publish(
    actor: Actor,
    hat: Hat,
    tender: Tender,
    given: Change,
    confirmed: Collection[str],
    proposed: Proposed | None = None,
) -> Addendum:
    """Publish a change of a tender whose row the caller has locked. What stood there before is kept in the addendum and in the
    log; the tender as it would be is judged by the rules of publication. After a material change questions are taken again, and
    bids sealed before it count only when they are confirmed or replaced: whether there are any is not looked at."""
    judged = await judge(tender.ref, given, confirmed)
    changing = judged.changing
    was, then = changing.was.tender, changing.then.tender
    addendum = Addendum(
        tender=tender.id,
        text=given.text,
        new_closes_at=then.closes_at if changing.moves else None,
        at=clock.now(),
        by=actor.must_be_person(),
        kind=given.kind,
        closed_at_before=was.closes_at if changing.moves else None,
        changed=_kept(changing.lines),
        unconfirms=rules.unconfirms(changing),
    )
    await addendum.save()
    await _write(tender, changing)
    for _before, after in dearer_or_cheaper(changing):
        about, part = f"tender:{tender.ref}", f"lot:{after.ref}"
        await counting.keep(actor, about, part, reserved=reserves(after), committed=0, cause="changed")
    await tell_followers(
        tender,
        "tenders/changed.txt",
        text=given.text,
        kind=given.kind,
        moved=changing.moves,
        unconfirms=addendum.unconfirms,
        reopened=given.kind == "material",
    )
    await record(
        actor,
        "tender.changed",
        f"tender:{tender.ref}",
        {
            "addendum": addendum.ref,
            "kind": given.kind,
            "alters_offer": given.alters_offer,
            "confirmed": list(judged.knowingly),
            "unconfirms": addendum.unconfirms,
            "text": given.text,
            "closed_at_before": was.closes_at.isoformat() if was.closes_at else None,
            "closes_at": then.closes_at.isoformat() if then.closes_at else None,
            "changed": _plain(changing.lines),
            "ground": judged.passed.ground or "",
            "reference": judged.passed.reference,
            **({"proposal": proposed.ref, "proposed_by": proposed.by} if proposed else {}),
        },
        about=await ancestors(tender),
        organisation=hat.organisation_ref,
    )
    return addendum


def _asked(changing: Changing, given: Change, confirmed: Collection[str]) -> list[str]:
    """Ask once more about what looks like a slip; answers the codes of what was confirmed."""
    was, currency = changing.was, changing.was.tender.currency
    published = [was.tender.title, was.tender.description, was.tender.terms]
    published += [text for lot in was.lots for text in (lot.title, lot.description, str(lot.value_minor // 100))]
    published += [text for of in was.criteria.values() for each in of for text in (each.name, each.description)]
    planned = slips.Planned(given.new_closes_at, given.contract_begins_on, given.contract_ends_on, clock.arrived())
    knowingly = ask(rules.ASKED, confirmed, given.kind, given.text, published)
    knowingly += ask(slips.ASKED_OF_DATES, confirmed, planned)
    for each in given.lots:
        if each.value_minor is not None:
            knowingly += ask(slips.ASKED_OF_LOTS, confirmed, Money(each.value_minor, currency), None)
    return knowingly


async def weighed(ref: str, given: Change) -> Changing:
    """What this change would do to the tender with this reference, for the rules."""
    was = await candidate(ref)
    at, addenda = clock.arrived(), await addenda_of(was.tender)
    lots, criteria = _asked_for(was, given)
    tender = _dated(was.tender, given, at)
    then = replace(was, tender=tender, lots=lots, criteria=criteria)
    if was.tender.cpv == was.codes:
        then = replace(then, tender=msgspec.structs.replace(tender, cpv=then.codes))
    moved = next((each for each in reversed(addenda) if each.new_closes_at is not None), None)
    deadline = (
        Deadline(moved.at, moved.closed_at_before, moved.kind == "correction")
        if moved
        else Deadline(was.tender.published_at or at, None, False)
    )
    return Changing(
        was=was,
        then=then,
        kind=given.kind,
        alters=given.alters_offer == "yes",
        at=at,
        lines=_lines(was, then),
        deadline=deadline,
        read=given.last,
        last=addenda[-1].ref if addenda else "",
    )


def _dated(tender: facts.Tender, given: Change, at: datetime) -> facts.Tender:
    closes, until = given.new_closes_at or tender.closes_at, tender.questions_until
    if closes is not None and given.kind == "material":
        until = rules.reopened_until(until, closes, at)
    if closes is not None and given.kind == "correction" and until is not None:
        until = min(until, rules.last_question_at(closes))
    return msgspec.structs.replace(
        tender,
        closes_at=closes,
        questions_until=until,
        contract_begins_on=given.contract_begins_on or tender.contract_begins_on,
        contract_ends_on=given.contract_ends_on or tender.contract_ends_on,
    )


def _asked_for(was: Candidate, given: Change) -> tuple[list[facts.Lot], dict[int, list[facts.Criterion]]]:
    """The lots and criteria as they would be. A reference that is not of this tender is refused."""
    lots = {each.lot: each for each in given.lots}
    criteria = {each.criterion: each for each in given.criteria}
    known = {lot.ref for lot in was.lots} | {each.ref for of in was.criteria.values() for each in of}
    for ref in (*lots, *criteria):
        if ref not in known:
            raise rules.LOT_UNKNOWN.refused(ref=ref)
    return (
        [msgspec.structs.replace(lot, **_said(lots.get(lot.ref), "lot")) for lot in was.lots],
        {
            lot: [msgspec.structs.replace(each, **_said(criteria.get(each.ref), "criterion")) for each in of]
            for lot, of in was.criteria.items()
        },
    )


def _said(given: LotChange | CriterionChange | None, of: str) -> dict[str, Any]:
    """What a change says of one lot or criterion, by the fields' names; codes are the vocabulary's."""
    if given is None:
        return {}
    said = {name: value for name, value in msgspec.structs.asdict(given).items() if name != of and value is not None}
    if "cpv" in said:
        said["cpv"] = known_codes(said["cpv"])
    return said


FIELDS: Mapping[str, Sequence[str]] = {
    "tender": ("closes_at", "questions_until", "contract_begins_on", "contract_ends_on"),
    "lot": ("description", "value_minor", "cpv"),
    "criterion": ("description", "weight", "minimum"),
}
"""What a change can change, by the kind of thing."""


def _lines(was: Candidate, then: Candidate) -> list[Line]:
    pairs: list[tuple[str, Any, Any]] = [("tender", was.tender, then.tender)]
    for lot, changed in zip(was.lots, then.lots, strict=True):
        pairs.append(("lot", lot, changed))
        pairs += [
            ("criterion", before, after)
            for before, after in zip(was.criteria.get(lot.id, ()), then.criteria.get(lot.id, ()), strict=True)
        ]
    return [
        Line(before.ref, field, _text(getattr(before, field)), _text(getattr(after, field)))
        for kind, before, after in pairs
        for field in FIELDS[kind]
        if getattr(before, field) != getattr(after, field)
    ]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, date):
        return value.isoformat()
    return ", ".join(value) if isinstance(value, list) else str(value)


def _plain(lines: Iterable[Line]) -> list[canonical.Plain]:
    return [{"of": each.of, "field": each.field, "before": each.before, "after": each.after} for each in lines]


def _kept(lines: Sequence[Line]) -> str:
    return canonical.encode(_plain(lines)).decode() if lines else ""


async def _write(tender: Tender, changing: Changing) -> None:
    """Write what differs, and nothing else, into the rows."""
    then = changing.then
    for field in ("closes_at", "questions_until", "contract_begins_on", "contract_ends_on", "cpv"):
        setattr(tender, field, getattr(then.tender, field))
    await tender.save(
        [
            Tender.closes_at,
            Tender.questions_until,
            Tender.contract_begins_on,
            Tender.contract_ends_on,
            Tender.cpv,
        ]
    )
    touched = {line.of for line in changing.terms}
    for lot in then.lots:
        if lot.ref in touched:
            await Lot.update(
                {Lot.description: lot.description, Lot.value_minor: lot.value_minor, Lot.cpv: lot.cpv}
            ).where(Lot.id == lot.id)
        for each in then.criteria.get(lot.id, ()):
            if each.ref in touched:
                await LotCriterion.update(
                    {
                        LotCriterion.description: each.description,
                        LotCriterion.weight: each.weight,
                        LotCriterion.minimum: each.minimum,
                    }
                ).where(LotCriterion.id == each.id)
