"""Tenders: drafted in sections, published through the gate, asked about, changed in the open, and ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta
from piccolo.columns import Column

from market import clock, drafts
from market.accounts.edits import Trace, revise
from market.accounts.people import department_of, holders, tell, tell_person
from market.accounts.tables import Organisation, Person
from market.actor import SUPPLIER_ROLES, Actor, Hat, Role
from market.audit.actions import record
from market.audit.thread import decided
from market.db import find, maybe, one, transaction
from market.missions.tables import Mission
from market.money import Money
from market.proof import canonical, sealing
from market.questions import actions as questions
from market.questions.rules import Topic
from market.questions.tables import PublicQuestion
from market.reads import rows, the
from market.refusals import NotFound, insist
from market.settings import settings
from market.standards import publishing as standards
from market.tenders import cpv, gate, rules
from market.tenders.tables import (
    Addendum,
    Follower,
    InnovationEvidence,
    Lot,
    LotCriterion,
    OpeningOfficer,
    Tender,
)
from market.wording import N_, _

BUYING_SIDE: tuple[Role, ...] = ("buyer", "evaluator", "contract-manager")
"""Who of a buyer may read its drafts and be an opening officer."""

Codes = Annotated[list[str], Meta(title="CPV codes", max_length=20)]


class NewTender(msgspec.Struct, forbid_unknown_fields=True):
    """What a draft begins with. `exercise` and `mission` are references; empty when there is none."""

    title: Annotated[str, Meta(title=N_("Title"), min_length=5, max_length=200)]
    description: Annotated[str, Meta(title=N_("What you want to buy"), max_length=8000)] = ""
    cpv: Codes = []
    region: Annotated[str, Meta(title=N_("Where"), max_length=120)] = ""
    mission: Annotated[str, Meta(title=N_("Mission"), max_length=16)] = ""
    exercise: Annotated[str, Meta(title=N_("Exercise"), max_length=16)] = ""
    terms: Annotated[str, Meta(title=N_("Terms"), max_length=8000)] = ""
    profile: Annotated[str, Meta(title=N_("Standards profile"), max_length=80)] = ""


class About(msgspec.Struct, forbid_unknown_fields=True):
    """The section of a draft that says what is bought."""

    title: Annotated[str, Meta(title=N_("Title"), min_length=5, max_length=200)]
    description: Annotated[str, Meta(title=N_("What you want to buy"), max_length=8000)] = ""
    cpv: Codes = []
    region: Annotated[str, Meta(title=N_("Where"), max_length=120)] = ""
    mission: Annotated[str, Meta(title=N_("Mission"), max_length=16)] = ""


class Origin(msgspec.Struct, forbid_unknown_fields=True):
    """The section that says why it may open: the exercise it came from, or that it is a commodity."""

    exercise: Annotated[str, Meta(title=N_("Exercise"), max_length=16)] = ""
    commodity_claimed: Annotated[bool, Meta(title=N_("This is a commodity"))] = False
    commodity_statement: Annotated[str, Meta(title=N_("Why this is a commodity"), max_length=2000)] = ""


class Dates(msgspec.Struct, forbid_unknown_fields=True):
    """The section of dates. Moments are aware; a page reads them in the zone of deadlines."""

    questions_until: Annotated[datetime, Meta(title=N_("Questions until"), tz=True)] | None = None
    closes_at: Annotated[datetime, Meta(title=N_("Bids until"), tz=True)] | None = None
    contract_begins_on: Annotated[date, Meta(title=N_("Contract begins on"))] | None = None
    contract_ends_on: Annotated[date, Meta(title=N_("Contract ends on"))] | None = None


class Terms(msgspec.Struct, forbid_unknown_fields=True):
    """The section of terms: rights and data, standards, and how lots are given out."""

    schema_name: ClassVar[str] = "TenderTerms"
    terms: Annotated[str, Meta(title=N_("Terms"), max_length=8000)] = ""
    profile: Annotated[str, Meta(title=N_("Standards profile"), max_length=80)] = ""
    lots_per_supplier: Annotated[int, Meta(title=N_("Lots per supplier"), ge=1, le=500)] | None = None
    undivided_reason: Annotated[str, Meta(title=N_("Why it is not divided into lots"), max_length=2000)] = ""


SECTIONS: tuple[type[About | Origin | Dates | Terms], ...] = (About, Origin, Dates, Terms)
"""The parts of a draft that are written at once."""


class LotDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked about one lot. The value is an estimate without VAT, in minor units of the tender's currency."""

    title: Annotated[str, Meta(title=N_("Title of the lot"), min_length=3, max_length=200)]
    value_minor: Annotated[int, Meta(title=N_("Estimated value"), ge=1, le=10**14)]
    cpv: Codes
    description: Annotated[str, Meta(title=N_("What this lot is"), max_length=4000)] = ""
    sme_suitable: Annotated[bool, Meta(title=N_("Suitable for small firms"))] = False


class CriterionDraft(msgspec.Struct, forbid_unknown_fields=True):
    """One thing that bids for a lot are scored on. `minimum` is a mark of 100 below which a bid is excluded, 0 for none."""

    schema_name: ClassVar[str] = "TenderCriterionDraft"
    name: Annotated[str, Meta(title=N_("Criterion"), min_length=3, max_length=160)]
    weight: Annotated[int, Meta(title=N_("Weight"), ge=1, le=100)]
    kind: Annotated[Literal["quality", "price"], Meta(title=N_("Kind"))] = "quality"
    description: Annotated[str, Meta(title=N_("What a good answer shows"), max_length=2000)] = ""
    minimum: Annotated[int, Meta(title=N_("Lowest mark"), ge=0, le=100)] = 0


class Change(msgspec.Struct, forbid_unknown_fields=True):
    """An addition to a published tender, and a later deadline when it needs one."""

    text: Annotated[str, Meta(title=N_("What changes, and why"), min_length=10, max_length=4000)]
    new_closes_at: Annotated[datetime, Meta(title=N_("New deadline"), tz=True)] | None = None


class Ending(msgspec.Struct, forbid_unknown_fields=True):
    """Why a tender is cancelled; it is published."""

    reason: Annotated[str, Meta(title=N_("Why it is cancelled"), min_length=20, max_length=2000)]


class Override(msgspec.Struct, forbid_unknown_fields=True):
    """Why an operator lets a buyer's claim stand against the list of commodities; it is published."""

    reason: Annotated[str, Meta(title=N_("Why the claim may stand"), min_length=20, max_length=2000)]


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def candidate(tender: Tender) -> rules.Candidate:
    """All that is looked at before this tender is published, as it stands now."""
    buyer = await find(Organisation, Organisation.id == tender.buyer)
    kin = await family(buyer)
    lots = await lots_of(tender)
    evidence = (
        await InnovationEvidence.objects()
        .where(InnovationEvidence.buyer.is_in(sorted(kin)) | (InnovationEvidence.tender == tender.id))
        .order_by(InnovationEvidence.id)
    )
    return rules.Candidate(
        tender=tender,
        buyer=buyer,
        now=clock.now(),
        lots=lots,
        criteria=await criteria_of(lots),
        officers=await officers_of(tender),
        evidence=evidence,
        family=kin,
    )


async def family(buyer: Organisation) -> frozenset[int]:
    """The ids of the bodies whose exercises serve this buyer: all of its department, the department and itself."""
    root = buyer.department or buyer.id
    return frozenset(await rows(int, "SELECT id FROM organisation WHERE id = {} OR department = {}", root, root))


async def exercises_for(buyer: Organisation) -> list[InnovationEvidence]:
    """The concluded exercises a tender of this buyer may name, newest first."""
    kin = sorted(await family(buyer))
    return (
        await InnovationEvidence.objects()
        .where((InnovationEvidence.ground == "exercise") & InnovationEvidence.buyer.is_in(kin))
        .order_by(InnovationEvidence.completed_at, ascending=False)
    )


class Published(msgspec.Struct, frozen=True):
    """What the log says of a publication."""

    subject: str
    body: str


async def titles_of(references: Sequence[str]) -> dict[str, str]:
    """The titles of exercises by reference, as the public log has them: the one source below them that knows."""
    if not references:
        return {}
    published = await rows(
        Published,
        """
        SELECT DISTINCT ON (subject) subject, body FROM event
        WHERE subject = ANY({}::text[]) AND verb = 'challenge.published' ORDER BY subject, seq DESC
        """,
        [f"challenge:{each}" for each in references],
    )
    found = {each.subject.partition(":")[2]: canonical.decode(each.body.encode()) for each in published}
    return {ref: str(body["title"]) for ref, body in found.items() if body.get("title")}


@dataclass(frozen=True, slots=True)
class Carried:
    """What a concluded exercise hands on to a tender."""

    exercise: str
    title: str
    cpv: list[str]
    mission: str


async def carried_over(buyer: Organisation, exercise: str) -> Carried:
    """What the log knows of an exercise that this buyer may name; NotFound for any other."""
    evidence = next((each for each in await exercises_for(buyer) if each.reference == exercise), None)
    if evidence is None:
        raise NotFound("Exercise")
    missions = await rows(
        str,
        """
        SELECT unnest(about) AS above FROM (
          SELECT about, seq FROM event WHERE subject = {} AND sealed_by = '' ORDER BY seq DESC LIMIT 5
        ) last
        ORDER BY seq DESC
        """,
        f"challenge:{exercise}",
    )
    missions = [each.partition(":")[2] for each in missions if each.startswith("mission:")]
    titles = await titles_of([exercise])
    return Carried(exercise, titles.get(exercise, ""), list(evidence.cpv), missions[0] if missions else "")


async def lots_of(tender: Tender) -> list[Lot]:
    """The lots in the order of their numbers."""
    return await Lot.objects().where(Lot.tender == tender.id).order_by(Lot.number)


async def criteria_of(lots: Sequence[Lot]) -> dict[int, list[LotCriterion]]:
    """The criteria of each lot, by the lot's id, in their order."""
    found: dict[int, list[LotCriterion]] = {lot.id: [] for lot in lots}
    if lots:
        criteria = LotCriterion.objects().where(LotCriterion.lot.is_in(list(found)))
        for criterion in await criteria.order_by(LotCriterion.place):
            found[criterion.lot].append(criterion)
    return found


async def officers_of(tender: Tender) -> list[OpeningOfficer]:
    """The opening officers in the order in which they were named."""
    return await OpeningOfficer.objects().where(OpeningOfficer.tender == tender.id).order_by(OpeningOfficer.id)


async def addenda_of(tender: Tender) -> list[Addendum]:
    """All changes since publication, oldest first."""
    return await Addendum.objects().where(Addendum.tender == tender.id).order_by(Addendum.id)


async def readable(actor: Actor, ref: str) -> Tender:
    """The tender, when this actor may read it: a published one is everybody's; a draft is its buyer's, its minister's,
    the auditors' and the operators', whose reading of it is itself put on record. To all others it does not exist."""
    tender = await find(Tender, Tender.ref == ref)
    if tender.published_at is not None or works_for(actor, tender):
        return tender
    if hat := actor.wears("auditor", "operator"):
        await _written(actor, "tender.draft-read", tender, hat)
        return tender
    if actor.wears("minister") and tender.waiver_asked:
        department = await department_of(tender.buyer)
        if actor.wears("minister", organisation=department.id):
            return tender
    raise NotFound("Tender")


def works_for(actor: Actor, tender: Tender) -> bool:
    """Whether the actor is on the buying side of this tender."""
    return actor.wears(*BUYING_SIDE, organisation=tender.buyer) is not None


async def drafts_of(actor: Actor) -> list[Tender]:
    """The drafts of the bodies this actor buys for, newest first."""
    mine = actor.organisations(*BUYING_SIDE)
    if not mine:
        return []
    return (
        await Tender.objects()
        .where(Tender.buyer.is_in(mine) & Tender.published_at.is_null())
        .order_by(Tender.id, ascending=False)
    )


async def total_of(tender: Tender) -> Money:
    """What all lots are estimated to be worth."""
    total = await the(int, "SELECT COALESCE(SUM(value_minor), 0)::bigint FROM lot WHERE tender = {}", tender.id)
    return Money(total, tender.currency)


# ── drafting ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def draft(actor: Actor, buyer: int, given: NewTender) -> Tender:
    """Begin a tender of the body `buyer` (its id), from scratch or carried over from a concluded exercise."""
    async with transaction():
        body = await find(Organisation, Organisation.id == buyer)
        hat = actor.must_wear("buyer", organisation=body.id)
        mission = await _mission(given.mission)
        await _may_name(body, given.exercise)
        tender = Tender(
            **drafts.facts(
                given,
                buyer=body.id,
                mission=mission.id if mission else None,
                cpv=_codes(given.cpv),
                created_at=clock.now(),
                created_by=actor.must_be_person(),
            )
        )
        await tender.save()
        await _written(actor, "tender.drafted", tender, hat, {"exercise": given.exercise})
    return tender


async def describe(actor: Actor, ref: str, given: About, seen: str) -> Tender:
    """Say what is bought."""
    async with transaction():
        tender, hat = await _editing(actor, ref)
        mission = await _mission(given.mission)
        await revise(
            given,
            seen,
            tender,
            trace=_section_of(ref, "about"),
            shown=await shown_about(tender),
            mission=mission.id if mission else None,
            cpv=_codes(given.cpv),
        )
        await _claim_lapses(tender)
        await _written(actor, "tender.revised", tender, hat, {"section": "about"})
    return tender


async def explain_origin(actor: Actor, ref: str, given: Origin, seen: str) -> Tender:
    """Say why it may open: the exercise it came from, or that it is a commodity. A new claim needs a new confirmation."""
    async with transaction():
        tender, hat = await _editing(actor, ref)
        await _may_name(await find(Organisation, Organisation.id == tender.buyer), given.exercise)
        changed = (tender.commodity_claimed, tender.commodity_statement) != (
            given.commodity_claimed,
            given.commodity_statement,
        )
        await revise(given, seen, tender, trace=_section_of(ref, "origin"))
        if changed:
            await _claim_lapses(tender)
        await _written(actor, "tender.revised", tender, hat, {"section": "origin"})
    return tender


async def set_dates(actor: Actor, ref: str, given: Dates, seen: str) -> Tender:
    """Set until when questions and bids are taken, and the days of the contract. Moments without a zone are refused."""
    insist((rules.dates_are_of_this_century,), *msgspec.structs.astuple(given))
    async with transaction():
        tender, hat = await _editing(actor, ref)
        await revise(given, seen, tender, trace=_section_of(ref, "dates"))
        await _written(actor, "tender.revised", tender, hat, {"section": "dates"})
    return tender


async def set_terms(actor: Actor, ref: str, given: Terms, seen: str) -> Tender:
    """Set rights and data, the standards profile, and how lots are given out."""
    async with transaction():
        tender, hat = await _editing(actor, ref)
        await revise(given, seen, tender, trace=_section_of(ref, "terms"), profile=await _profile(given.profile))
        await _written(actor, "tender.revised", tender, hat, {"section": "terms"})
    return tender


async def shown_about(tender: Tender) -> dict[str, str]:
    """What a form of :class:`About` shows for columns that people name otherwise: the mission by its reference."""
    mission = await maybe(Mission, Mission.id == tender.mission) if tender.mission else None
    return {"mission": mission.ref if mission else ""}


def _section_of(ref: str, section: str) -> Trace:
    return Trace("tender.revised", f"tender:{ref}", {"section": section})


async def _profile(said: str) -> str:
    """The label of the published profile version that a buyer names; refused when there is none of that name."""
    found = await standards.named(said) if said.strip() else None
    insist((rules.profile_is_published,), said.strip(), found is not None)
    return standards.label(found) if found is not None else ""


async def add_lot(actor: Actor, ref: str, given: LotDraft) -> Lot:
    """Add a lot to a draft."""
    async with transaction():
        tender, hat = await _editing(actor, ref)
        last = await the(int, "SELECT COALESCE(MAX(number), 0) FROM lot WHERE tender = {}", tender.id)
        lot = Lot(tender=tender.id, number=last + 1, **drafts.facts(given, cpv=_codes(given.cpv)))
        await lot.save()
        await _claim_lapses(tender)
        await _written(actor, "tender.lot-added", tender, hat, {"lot": lot.ref, "title": lot.title})
    return lot


async def revise_lot(actor: Actor, ref: str, given: LotDraft, seen: str) -> Lot:
    """Change a lot (its reference is `ref`) of a draft."""
    async with transaction():
        lot, tender, hat = await _editing_lot(actor, ref)
        trace = Trace("tender.lot-revised", f"tender:{tender.ref}", {"lot": ref})
        await revise(given, seen, lot, trace=trace, cpv=_codes(given.cpv))
        await _claim_lapses(tender)
        await _written(actor, "tender.lot-revised", tender, hat, {"lot": lot.ref, "title": lot.title})
    return lot


async def drop_lot(actor: Actor, ref: str) -> Tender:
    """Take a lot with its criteria out of a draft; the lots after it move up."""
    async with transaction():
        lot, tender, hat = await _editing_lot(actor, ref)
        await LotCriterion.delete().where(LotCriterion.lot == lot.id)
        await Lot.delete().where(Lot.id == lot.id)
        for later in (
            await Lot.objects().where((Lot.tender == tender.id) & (Lot.number > lot.number)).order_by(Lot.number)
        ):
            later.number -= 1
            await later.save([Lot.number])
        await _claim_lapses(tender)
        await _written(actor, "tender.lot-dropped", tender, hat, {"lot": ref})
    return tender


async def add_criterion(actor: Actor, lot: str, given: CriterionDraft) -> LotCriterion:
    """Add a criterion to the lot with this reference."""
    async with transaction():
        row, tender, hat = await _editing_lot(actor, lot)
        last = await the(int, "SELECT COALESCE(MAX(place), 0) FROM lot_criterion WHERE lot = {}", row.id)
        minimum = 0 if given.kind == "price" else given.minimum
        criterion = LotCriterion(lot=row.id, place=last + 1, **drafts.facts(given, minimum=minimum))
        await criterion.save()
        await _written(
            actor, "tender.criterion-added", tender, hat, {"lot": lot, "name": given.name, "weight": given.weight}
        )
    return criterion


async def drop_criterion(actor: Actor, ref: str) -> Lot:
    """Take the criterion with this reference out of its lot."""
    async with transaction():
        criterion = await find(LotCriterion, LotCriterion.ref == ref)
        lot, tender, hat = await _editing_lot(actor, (await find(Lot, Lot.id == criterion.lot)).ref)
        await LotCriterion.delete().where(LotCriterion.id == criterion.id)
        await _written(actor, "tender.criterion-dropped", tender, hat, {"lot": lot.ref, "name": criterion.name})
    return lot


async def copy_criteria(actor: Actor, lot: str, source: str) -> Lot:
    """Replace the criteria of a lot with those of another lot of the same tender."""
    async with transaction():
        row, tender, hat = await _editing_lot(actor, lot)
        other = await find(Lot, (Lot.ref == source) & (Lot.tender == tender.id))
        if other.id == row.id:
            raise rules.SAME_LOT.refused()
        copied = (await criteria_of([other]))[other.id]
        await LotCriterion.delete().where(LotCriterion.lot == row.id)
        for each in copied:
            await LotCriterion.insert(LotCriterion(lot=row.id, place=each.place, **drafts.stored(CriterionDraft, each)))
        await _written(actor, "tender.criteria-copied", tender, hat, {"lot": lot, "source": source})
    return row


async def confirm_commodity(actor: Actor, ref: str, given: Override) -> Tender:
    """As an operator, let the buyer's claim stand against the list of commodities. The reason is published with the
    tender, under the operator's reference; any later change of the codes or the claim undoes it."""
    async with transaction():
        hat = actor.must_wear("operator", secret=True)
        tender = await find(Tender, Tender.ref == ref, lock=True)
        insist(rules.EDIT, tender)
        insist(rules.CONFIRM, tender, (await candidate(tender)).codes)
        tender.commodity_confirmed_at = clock.now()
        tender.commodity_confirmed_by = actor.must_be_person()
        tender.commodity_confirmed_reason = given.reason
        await tender.save(
            [Tender.commodity_confirmed_at, Tender.commodity_confirmed_by, Tender.commodity_confirmed_reason]
        )
        await tell(
            tender.buyer,
            "tenders/commodity-confirmed.txt",
            roles=("buyer",),
            about=f"tender:{ref}",
            tender=tender,
            reason=given.reason,
        )
        await _written(actor, "tender.commodity-confirmed", tender, hat, {"reason": given.reason})
    return tender


# ── opening officers ───────────────────────────────────────────────────────────────────────────────────────────────


async def name_officer(actor: Actor, ref: str, person: str) -> OpeningOfficer:
    """Name a person of the buyer (her reference) as an opening officer; she is asked by letter to write down her code."""
    async with transaction():
        tender, hat = await _drafting(actor, ref)
        who = next((each for each in await holders(tender.buyer, *BUYING_SIDE) if each.ref == person), None)
        if who is None:
            raise rules.OFFICER_ELSEWHERE.refused()
        named = (OpeningOfficer.tender == tender.id) & (OpeningOfficer.person == who.id)
        if await maybe(OpeningOfficer, named):
            raise rules.OFFICER_NAMED_ALREADY.refused(name=who.name)
        officer = OpeningOfficer(tender=tender.id, person=who.id)
        await officer.save()
        await tell_person(
            who.id, "tenders/officer-named.txt", about=f"tender:{ref}", tender=tender, named_by=actor.name
        )
        await _written(actor, "tender.officer-named", tender, hat, {"person": person})
    return officer


async def drop_officer(actor: Actor, ref: str, person: str) -> Tender:
    """Take an opening officer off a draft; her code, if she wrote one down, is worth nothing from now on."""
    async with transaction():
        tender, hat = await _drafting(actor, ref)
        row = await find(Person, Person.ref == person)
        named = (OpeningOfficer.tender == tender.id) & (OpeningOfficer.person == row.id)
        officer = await find(OpeningOfficer, named)
        await OpeningOfficer.delete().where(OpeningOfficer.id == officer.id)
        await _written(actor, "tender.officer-dropped", tender, hat, {"person": person})
    return tender


async def enrol(actor: Actor, ref: str) -> sealing.OfficerSecret:
    """Make the actor's own code for this tender. The answer is the only place where it ever stands: her public key alone
    is kept. Until publication she may make a new one, which puts the old one out of use."""
    async with transaction():
        tender = await find(Tender, Tender.ref == ref, lock=True)
        hat = actor.must_wear(*BUYING_SIDE, organisation=tender.buyer, secret=True)
        insist((rules.still_a_draft,), tender)
        named = (OpeningOfficer.tender == tender.id) & (OpeningOfficer.person == actor.must_be_person())
        officer = await maybe(OpeningOfficer, named, lock=True)
        if officer is None:
            raise rules.NOT_AN_OFFICER.refused()
        secret = sealing.officer_secret()
        officer.public_key, officer.enrolled_at = secret.public_key, clock.now()
        await officer.save([OpeningOfficer.public_key, OpeningOfficer.enrolled_at])
        await _written(
            actor,
            "tender.officer-enrolled",
            tender,
            hat,
            {"person": actor.ref, "public_key": secret.public_key.hex()},
        )
    return secret


# ── publishing ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def publish(actor: Actor, ref: str) -> Tender:
    """Open the tender to bids: everything of `rules.PUBLISH` holds, the key that bids are sealed to is made and split,
    what the gate found is kept, and all of it is in the log."""
    async with transaction():
        tender = await find(Tender, Tender.ref == ref, lock=True)
        hat = actor.must_wear("buyer", organisation=tender.buyer, secret=tender.published_at is None)
        facts = await candidate(tender)
        insist(rules.PUBLISH, facts)
        tender.profile = await _profile(tender.profile)
        found = gate.ask(facts)
        key = await _seal_key(tender, facts.officers)
        tender.published_at = facts.now
        tender.ground, tender.ground_reference = found.ground or "", found.reference
        tender.gate_trace = _trace(found)
        if not tender.cpv:
            tender.cpv = facts.codes
        await tender.save(
            [
                Tender.published_at,
                Tender.profile,
                Tender.ground,
                Tender.ground_reference,
                Tender.gate_trace,
                Tender.cpv,
                Tender.public_key,
                Tender.platform_share,
                Tender.key_commitment,
            ]
        )
        for officer in facts.officers:
            await tell_person(officer.person, "tenders/keep-your-code.txt", about=f"tender:{ref}", tender=tender)
        kind = {"exercise": "challenge", "waiver": "waiver"}.get(tender.ground, "")
        rests_on = [f"{kind}:{tender.ground_reference}"] if kind else []
        await record(
            actor,
            "tender.published",
            f"tender:{ref}",
            _announced(tender, facts, key),
            about=[*rests_on, *await ancestors(tender)],
            organisation=hat.organisation_ref,
            announce=rests_on,
        )
    return tender


def _announced(tender: Tender, facts: rules.Candidate, key: sealing.TenderKey) -> dict[str, canonical.Plain]:
    lots: list[canonical.Plain] = [
        {"ref": lot.ref, "title": lot.title, "value_minor": lot.value_minor, "cpv": list(lot.cpv)} for lot in facts.lots
    ]
    closes_at = tender.closes_at.isoformat() if tender.closes_at else None
    return {
        "title": tender.title,
        "ground": tender.ground,
        "reference": tender.ground_reference,
        "gate": canonical.decode(tender.gate_trace.encode()),
        "lots": lots,
        "method": list(facts.method),
        "value_minor": facts.value.minor,
        "currency": tender.currency,
        "closes_at": closes_at,
        "key": key.published(),
        "key_commitment": key.commitment,
    }


async def _seal_key(tender: Tender, officers: Sequence[OpeningOfficer]) -> sealing.TenderKey:
    """Make the tender's key, hand each officer her share, and keep what is kept; the private half is forgotten."""
    key = sealing.make_key([officer.public_key for officer in officers], sealing.platform_key(settings().secret))
    for officer, share in zip(officers, key.officer_shares, strict=True):
        officer.share = share
        await officer.save([OpeningOfficer.share])
    tender.public_key, tender.platform_share, tender.key_commitment = key.public_key, key.platform_share, key.commitment
    return key


def _trace(found: gate.Gate) -> str:
    lines: list[canonical.Plain] = [{"code": line.code, "holds": line.holds, "says": line.says} for line in found.lines]
    return canonical.encode({"ground": found.ground, "reference": found.reference, "lines": lines}).decode()


def gate_lines(tender: Tender) -> list[gate.Line]:
    """What the gate found at publication, read back from the row; empty for a draft."""
    if not tender.gate_trace:
        return []
    kept = canonical.decode(tender.gate_trace.encode())
    return [gate.Line(line["code"], line["holds"], line["says"]) for line in kept["lines"]]


# ── questions, changes, the end ────────────────────────────────────────────────────────────────────────────────────


def topic_of(tender: Tender) -> Topic:
    """What is known of this tender where questions about it are asked and answered."""
    return Topic(
        record=f"tender:{tender.ref}",
        title=tender.title,
        buyer=tender.buyer,
        until=tender.questions_until,
        closes_at=tender.closes_at,
        sends="bids",
        taking=rules.stage(tender, clock.now()) in rules.TAKING,
        remedy=_("If it was wrong, add a change to the tender."),
    )


async def hold(ref: str) -> questions.Held:
    """A published tender for what is asked about it, its row locked: one question is dealt with at a time. Who follows it
    reads every answer."""
    tender = await find(Tender, Tender.ref == ref, lock=True)
    if tender.published_at is None:
        raise NotFound("Tender")
    followers = await rows(int, "SELECT organisation FROM follower WHERE tender = {}", tender.id)
    return questions.Held(topic_of(tender), set(followers), await ancestors(tender))


async def ask(actor: Actor, ref: str, given: questions.QuestionDraft) -> PublicQuestion:
    """Ask about a published tender as a supplier; from now on its body is written to when the tender changes."""
    async with transaction():
        question = await questions.ask(actor, await hold(ref), given)
        await add_follower(await find(Tender, Tender.ref == ref), question.asker)
    return question


async def answer(actor: Actor, ref: str, question: str, given: questions.AnswerDraft) -> PublicQuestion:
    """Answer a question (its reference) about this tender, once and for everybody."""
    async with transaction():
        return await questions.answer(actor, await hold(ref), question, given)


async def change(actor: Actor, ref: str, given: Change) -> Addendum:
    """Add a change to a published tender; the deadline may move later with it. Nothing published is overwritten: the
    notice of publication keeps the first deadline, this one the new."""
    async with transaction():
        tender = await find(Tender, Tender.ref == ref, lock=True)
        hat = actor.must_wear("buyer", organisation=tender.buyer, secret=tender.published_at is None)
        insist((rules.dates_are_of_this_century,), given.new_closes_at)
        now, before = clock.now(), tender.closes_at
        insist(rules.CHANGE, tender, now, given.new_closes_at)
        addendum = Addendum(
            tender=tender.id, text=given.text, new_closes_at=given.new_closes_at, at=now, by=actor.must_be_person()
        )
        await addendum.save()
        if given.new_closes_at is not None:
            tender.closes_at = given.new_closes_at
            await tender.save([Tender.closes_at])
        await _tell_followers(tender, "tenders/changed.txt", text=given.text, moved=given.new_closes_at is not None)
        await record(
            actor,
            "tender.changed",
            f"tender:{ref}",
            {
                "addendum": addendum.ref,
                "text": given.text,
                "closed_at_before": before.isoformat() if before else None,
                "closes_at": tender.closes_at.isoformat() if tender.closes_at else None,
            },
            about=await ancestors(tender),
            organisation=hat.organisation_ref,
        )
    return addendum


async def cancel(actor: Actor, ref: str, given: Ending) -> Tender:
    """End a published tender without an award, with a reason everybody reads. Envelopes not opened yet stay sealed for ever."""
    async with transaction():
        tender = await find(Tender, Tender.ref == ref, lock=True)
        hat = actor.must_wear("buyer", organisation=tender.buyer, secret=tender.published_at is None)
        insist(rules.CANCEL, tender, await _decided(tender))
        tender.cancelled_at, tender.cancelled_reason = clock.now(), given.reason
        await tender.save([Tender.cancelled_at, Tender.cancelled_reason])
        await _tell_followers(tender, "tenders/cancelled.txt", reason=given.reason)
        await record(
            actor,
            "tender.cancelled",
            f"tender:{ref}",
            {"title": tender.title, "reason": given.reason},
            about=await ancestors(tender),
            organisation=hat.organisation_ref,
        )
    return tender


async def follow(actor: Actor, ref: str, wanted: bool = True) -> Tender:
    """As a supplier, be written to when a published tender changes; or, with `wanted` False, no longer."""
    async with transaction():
        tender = await readable(actor, ref)
        hat = actor.must_wear(*SUPPLIER_ROLES)
        if wanted:
            await add_follower(tender, hat.organisation)
        else:
            await Follower.delete().where((Follower.tender == tender.id) & (Follower.organisation == hat.organisation))
        await record(
            actor,
            "tender.followed" if wanted else "tender.unfollowed",
            f"tender:{ref}",
            organisation=hat.organisation_ref,
            sealed_by=f"follower:{ref}",
        )
    return tender


async def add_follower(tender: Tender, organisation: int) -> None:
    """Write to this body (its id) from now on when the tender changes; for those who asked or bid. Inside the caller's
    transaction, without an event of its own."""
    await one(
        "INSERT INTO follower (tender, organisation, since) VALUES ({}, {}, {}) ON CONFLICT DO NOTHING",
        tender.id,
        organisation,
        clock.now(),
    )


async def follows(actor: Actor, tender: Tender) -> bool:
    """Whether a body the actor supplies for follows this tender."""
    mine = actor.organisations(*SUPPLIER_ROLES)
    return bool(mine) and await Follower.exists().where(
        (Follower.tender == tender.id) & Follower.organisation.is_in(mine)
    )


# ── what several of them share ─────────────────────────────────────────────────────────────────────────────────────


async def ancestors(tender: Tender) -> list[str]:
    """The records a tender grew from, for the log: its exercise and its mission. Those above it name them too."""
    found = [f"challenge:{tender.exercise}"] if tender.exercise else []
    if tender.mission is not None:
        found.append(f"mission:{(await find(Mission, Mission.id == tender.mission)).ref}")
    return found


async def _drafting(actor: Actor, ref: str) -> tuple[Tender, Hat]:
    tender = await find(Tender, Tender.ref == ref, lock=True)
    hat = actor.must_wear("buyer", organisation=tender.buyer, secret=tender.published_at is None)
    insist((rules.still_a_draft,), tender)
    return tender, hat


async def _editing(actor: Actor, ref: str) -> tuple[Tender, Hat]:
    tender, hat = await _drafting(actor, ref)
    insist(rules.EDIT, tender)
    return tender, hat


async def _editing_lot(actor: Actor, ref: str) -> tuple[Lot, Tender, Hat]:
    lot = await find(Lot, Lot.ref == ref)
    tender, hat = await _editing(actor, (await find(Tender, Tender.id == lot.tender)).ref)
    return await find(Lot, Lot.ref == ref, lock=True), tender, hat


async def _claim_lapses(tender: Tender) -> None:
    """What an operator confirmed was about these codes and this claim; when they change it is to be asked anew."""
    if tender.commodity_confirmed_at is not None:
        tender.commodity_confirmed_at, tender.commodity_confirmed_by = None, None
        tender.commodity_confirmed_reason = ""
        columns: list[Column | str] = [
            Tender.commodity_confirmed_at,
            Tender.commodity_confirmed_by,
            Tender.commodity_confirmed_reason,
        ]
        await tender.save(columns)


async def _written(
    actor: Actor, verb: str, tender: Tender, hat: Hat, facts: Mapping[str, canonical.Plain] | None = None
) -> None:
    """Record something about a draft: hidden from the public until the tender is published."""
    await record(
        actor,
        verb,
        f"tender:{tender.ref}",
        facts,
        about=await ancestors(tender),
        organisation=hat.organisation_ref,
        sealed_by=f"publication:tender:{tender.ref}",
    )


async def _tell_followers(tender: Tender, template: str, **facts: Any) -> None:
    for row in await Follower.objects().where(Follower.tender == tender.id).order_by(Follower.id):
        await tell(
            row.organisation, template, roles=SUPPLIER_ROLES, about=f"tender:{tender.ref}", tender=tender, **facts
        )


async def _decided(tender: Tender) -> bool:
    """Whether an award of this tender stands, by the log: awards are decided above this floor."""
    return bool(await decided([tender.ref]))


async def _mission(ref: str) -> Mission | None:
    if not ref:
        return None
    found = await maybe(Mission, (Mission.ref == ref) & Mission.published_at.is_not_null())
    if found is None:
        raise rules.MISSION_UNKNOWN.refused()
    return found


async def _may_name(buyer: Organisation, exercise: str) -> None:
    if exercise and exercise not in {each.reference for each in await exercises_for(buyer)}:
        raise rules.EXERCISE_UNKNOWN.refused(exercise=exercise)


def _codes(given: Sequence[str]) -> list[str]:
    """CPV codes of 8 digits, each once; refused beside the field with what to type."""
    try:
        return list(dict.fromkeys(cpv.normal(code) for code in given))
    except ValueError as error:
        raise rules.CPV_UNKNOWN.refused(why=error) from None


def _lot_facts(given: LotDraft) -> dict[str, Any]:
    return {**msgspec.structs.asdict(given), "cpv": _codes(given.cpv)}
