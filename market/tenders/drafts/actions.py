"""A tender that is being drafted: its sections, its lots with their criteria, and the officers who will open its bids."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta
from piccolo.columns import Column

from market import clock, drafts
from market.accounts.edits import Trace, revise
from market.accounts.people import holders, tell_person
from market.accounts.tables import Organisation, Person
from market.actor import Actor, Hat
from market.budgets import readers as budgets
from market.db import find, maybe, transaction
from market.missions.tables import Mission
from market.money import Money
from market.proof import canonical, sealing
from market.reads import the
from market.refusals import ask, insist
from market.rulings import actions as rulings
from market.standards.profiles import actions as standards
from market.tenders import cpv, rules
from market.tenders.drafts import rules as slips
from market.tenders.log import written
from market.tenders.readers import BUYING_SIDE, exercises_for
from market.tenders.tables import Lot, LotCriterion, OpeningOfficer, Tender
from market.touch import binds
from market.wording import N_, _

Codes = Annotated[list[str], Meta(title="CPV codes", max_length=20)]


ContractKind = Literal["", "goods-services", "works", "light-touch", "concession", "utilities"]
"""What a tender may say it is; empty until it is said."""


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
    contract_kind: Annotated[ContractKind, Meta(title=N_("Kind of contract"))] = ""
    contract_kind_reason: Annotated[str, Meta(title=N_("Why it is of this kind"), max_length=2000)] = ""


class About(msgspec.Struct, forbid_unknown_fields=True):
    """The section of a draft that says what is bought."""

    title: Annotated[str, Meta(title=N_("Title"), min_length=5, max_length=200)]
    description: Annotated[str, Meta(title=N_("What you want to buy"), max_length=8000)] = ""
    cpv: Codes = []
    region: Annotated[str, Meta(title=N_("Where"), max_length=120)] = ""
    mission: Annotated[str, Meta(title=N_("Mission"), max_length=16)] = ""
    contract_kind: Annotated[ContractKind, Meta(title=N_("Kind of contract"))] = ""
    contract_kind_reason: Annotated[str, Meta(title=N_("Why it is of this kind"), max_length=2000)] = ""


class Origin(msgspec.Struct, forbid_unknown_fields=True):
    """The section that says why it may open: the exercise it came from, why the need is the same (and after “change” what
    changed), or that it is a commodity."""

    exercise: Annotated[str, Meta(title=N_("Exercise"), max_length=16)] = ""
    commodity_claimed: Annotated[bool, Meta(title=N_("This is a commodity"))] = False
    commodity_statement: Annotated[str, Meta(title=N_("Why this is a commodity"), max_length=2000)] = ""
    same_need: Annotated[str, Meta(title=N_("Why the need is the same"), max_length=4000)] = ""
    what_changed: Annotated[str, Meta(title=N_("What changed since the exercise"), max_length=4000)] = ""


class Dates(msgspec.Struct, forbid_unknown_fields=True):
    """The section of dates. Moments are aware; a page reads them in the zone of deadlines."""

    questions_until: Annotated[datetime, Meta(title=N_("Questions until"), tz=True)] | None = None
    closes_at: Annotated[datetime, Meta(title=N_("Bids until"), tz=True)] | None = None
    contract_begins_on: Annotated[date, Meta(title=N_("Contract begins on"))] | None = None
    contract_ends_on: Annotated[date, Meta(title=N_("Contract ends on"))] | None = None
    documents_later: Annotated[bool, Meta(title=N_("Some tender documents come later than the notice"))] = False
    planned_notice: Annotated[str, Meta(title=N_("Planned procurement notice"), max_length=300)] = ""
    planned_notice_on: Annotated[date, Meta(title=N_("Planned notice published on"))] | None = None
    urgency_reason: Annotated[str, Meta(title=N_("Why it is urgent"), max_length=2000)] = ""


class Terms(msgspec.Struct, forbid_unknown_fields=True):
    """The section of terms: rights and data, standards, and how lots are given out."""

    schema_name: ClassVar[str] = "TenderTerms"
    terms: Annotated[str, Meta(title=N_("Terms"), max_length=8000)] = ""
    profile: Annotated[str, Meta(title=N_("Standards profile"), max_length=80)] = ""
    lots_per_supplier: Annotated[int, Meta(title=N_("Lots per supplier"), ge=1, le=500)] | None = None
    undivided_reason: Annotated[str, Meta(title=N_("Why it is not divided into lots"), max_length=2000)] = ""


class Budget(msgspec.Struct, forbid_unknown_fields=True):
    """The section that says what it is paid from: a budget of the body, by its reference; empty while none is named."""

    schema_name: ClassVar[str] = "TenderBudget"
    budget: Annotated[str, Meta(title=N_("Budget"), max_length=16)] = ""


SECTIONS: tuple[type[About | Origin | Dates | Terms | Budget], ...] = (About, Origin, Dates, Terms, Budget)
"""The parts of a draft that are written at once."""


class LotDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked about one lot. The value is an estimate without VAT, in minor units of the tender's currency; so is the
    highest price, above which no bid is taken."""

    title: Annotated[str, Meta(title=N_("Title of the lot"), min_length=3, max_length=200)]
    value_minor: Annotated[int, Meta(title=N_("Estimated value"), ge=1, le=10**14)]
    cpv: Codes
    description: Annotated[str, Meta(title=N_("What this lot is"), max_length=4000)] = ""
    sme_suitable: Annotated[bool, Meta(title=N_("Suitable for small firms"))] = False
    maximum_minor: Annotated[int, Meta(title=N_("Highest price"), ge=1, le=10**14)] | None = None


class CriterionDraft(msgspec.Struct, forbid_unknown_fields=True):
    """One thing that bids for a lot are scored on. `minimum` is a mark of 100 below which a bid is excluded, 0 for none."""

    schema_name: ClassVar[str] = "TenderCriterionDraft"
    name: Annotated[str, Meta(title=N_("Criterion"), min_length=3, max_length=160)]
    weight: Annotated[int, Meta(title=N_("Weight"), ge=1, le=100)]
    kind: Annotated[Literal["quality", "price"], Meta(title=N_("Kind"))] = "quality"
    description: Annotated[str, Meta(title=N_("What a good answer shows"), max_length=2000)] = ""
    minimum: Annotated[int, Meta(title=N_("Lowest mark"), ge=0, le=100)] = 0


# ── sections ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def draft(actor: Actor, buyer: int, given: NewTender) -> Tender:
    """Begin a tender of the body `buyer` (its id), from scratch or carried over from a concluded exercise."""
    async with transaction():
        body = await find(Organisation, Organisation.id == buyer)
        hat = actor.must_wear("buyer", organisation=body.id)
        mission = await _mission(given.mission)
        await _may_name(body.id, given.exercise)
        tender = Tender(
            **drafts.facts(
                given,
                buyer=body.id,
                mission=mission.id if mission else None,
                cpv=known_codes(given.cpv),
                created_at=clock.now(),
                created_by=actor.must_be_person(),
            )
        )
        await tender.save()
        await written(actor, "tender.drafted", tender, hat, {"exercise": given.exercise})
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
            cpv=known_codes(given.cpv),
        )
        await _claim_lapses(actor, tender)
        await written(actor, "tender.revised", tender, hat, {"section": "about"})
    return tender


async def explain_origin(actor: Actor, ref: str, given: Origin, seen: str) -> Tender:
    """Say why it may open: the exercise it came from, or that it is a commodity. A new claim needs a new confirmation."""
    async with transaction():
        tender, hat = await _editing(actor, ref)
        await _may_name(tender.buyer, given.exercise)
        changed = (tender.commodity_claimed, tender.commodity_statement) != (
            given.commodity_claimed,
            given.commodity_statement,
        )
        await revise(given, seen, tender, trace=_section_of(ref, "origin"))
        if changed:
            await _claim_lapses(actor, tender)
        await written(actor, "tender.revised", tender, hat, {"section": "origin"})
    return tender


async def set_dates(actor: Actor, ref: str, given: Dates, seen: str, confirmed: Collection[str] = ()) -> Tender:
    """Set until when questions and bids are taken, and the days of the contract. Moments without a zone are refused; what is
    further away or longer than usual is asked about once more (`confirmed`)."""
    insist(
        (rules.dates_are_of_this_century,), *(each for each in msgspec.structs.astuple(given) if isinstance(each, date))
    )
    async with transaction():
        tender, hat = await _editing(actor, ref)
        planned = slips.Planned(given.closes_at, given.contract_begins_on, given.contract_ends_on, clock.arrived())
        knowingly = ask(slips.ASKED_OF_DATES, confirmed, planned)
        await revise(given, seen, tender, trace=_section_of(ref, "dates"))
        await written(actor, "tender.revised", tender, hat, {"section": "dates", **_confirmed(knowingly)})
    return tender


async def set_terms(actor: Actor, ref: str, given: Terms, seen: str) -> Tender:
    """Set rights and data, the standards profile, and how lots are given out."""
    async with transaction():
        tender, hat = await _editing(actor, ref)
        await revise(given, seen, tender, trace=_section_of(ref, "terms"), profile=await profile_named(given.profile))
        await written(actor, "tender.revised", tender, hat, {"section": "terms"})
    return tender


async def name_budget(actor: Actor, ref: str, given: Budget, seen: str) -> Tender:
    """Say what it is paid from. While the minister reads the draft this may change: it is no part of what she decides."""
    async with transaction():
        tender, hat = await _drafting(actor, ref)
        chosen = await budgets.known(tender.buyer, given.budget)
        await revise(
            given, seen, tender, trace=_section_of(ref, "budget"), shown=await shown_budget(tender), budget=chosen
        )
        await written(actor, "tender.revised", tender, hat, {"section": "budget", "budget": given.budget})
    return tender


async def shown_budget(tender: Tender) -> dict[str, str]:
    """What a form of :class:`Budget` shows for the column: the budget's reference."""
    row = await budgets.by_id(tender.budget)
    return {"budget": row.ref if row else ""}


async def shown_about(tender: Tender) -> dict[str, str]:
    """What a form of :class:`About` shows for columns that people name otherwise: the mission by its reference."""
    mission = await maybe(Mission, Mission.id == tender.mission) if tender.mission else None
    return {"mission": mission.ref if mission else ""}


def _section_of(ref: str, section: str) -> Trace:
    return Trace("tender.revised", f"tender:{ref}", {"section": section})


async def profile_named(said: str) -> str:
    """The label of the published profile version that a buyer names; refused when there is none of that name."""
    profile = await standards.named(said) if said.strip() else None
    insist((rules.profile_is_published,), said.strip(), profile is not None)
    return standards.label(profile) if profile is not None else ""


def _confirmed(codes: Sequence[str]) -> dict[str, canonical.Plain]:
    """For the log: what was confirmed when it was asked about once more."""
    return {"confirmed": list(codes)} if codes else {}


def _asked(given: LotDraft, tender: Tender, confirmed: Collection[str]) -> list[str]:
    return ask(
        slips.ASKED_OF_LOTS,
        confirmed,
        Money(given.value_minor, tender.currency),
        None if given.maximum_minor is None else Money(given.maximum_minor, tender.currency),
    )


async def add_lot(actor: Actor, ref: str, given: LotDraft, confirmed: Collection[str] = ()) -> Lot:
    """Add a lot to a draft. An unusual value, or a highest price below it, is asked about once more (`confirmed`)."""
    async with transaction():
        tender, hat = await _editing(actor, ref)
        knowingly = _asked(given, tender, confirmed)
        last = await the(int, "SELECT COALESCE(MAX(number), 0) FROM lot WHERE tender = {}", tender.id)
        lot = Lot(tender=tender.id, number=last + 1, **drafts.facts(given, cpv=known_codes(given.cpv)))
        await lot.save()
        await _claim_lapses(actor, tender)
        await written(
            actor, "tender.lot-added", tender, hat, {"lot": lot.ref, "title": lot.title, **_confirmed(knowingly)}
        )
    return lot


async def revise_lot(actor: Actor, ref: str, given: LotDraft, seen: str, confirmed: Collection[str] = ()) -> Lot:
    """Change a lot (its reference is `ref`) of a draft; what is unusual is asked about as when it is added."""
    async with transaction():
        lot, tender, hat = await _editing_lot(actor, ref)
        knowingly = _asked(given, tender, confirmed)
        trace = Trace("tender.lot-revised", f"tender:{tender.ref}", {"lot": ref})
        await revise(given, seen, lot, trace=trace, cpv=known_codes(given.cpv))
        await _claim_lapses(actor, tender)
        await written(
            actor, "tender.lot-revised", tender, hat, {"lot": lot.ref, "title": lot.title, **_confirmed(knowingly)}
        )
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
        await _claim_lapses(actor, tender)
        await written(actor, "tender.lot-dropped", tender, hat, {"lot": ref})
    return tender


async def add_criterion(actor: Actor, lot: str, given: CriterionDraft) -> LotCriterion:
    """Add a criterion to the lot with this reference."""
    async with transaction():
        row, tender, hat = await _editing_lot(actor, lot)
        last = await the(int, "SELECT COALESCE(MAX(place), 0) FROM lot_criterion WHERE lot = {}", row.id)
        minimum = 0 if given.kind == "price" else given.minimum
        criterion = LotCriterion(lot=row.id, place=last + 1, **drafts.facts(given, minimum=minimum))
        await criterion.save()
        await written(
            actor, "tender.criterion-added", tender, hat, {"lot": lot, "name": given.name, "weight": given.weight}
        )
    return criterion


async def drop_criterion(actor: Actor, ref: str) -> Lot:
    """Take the criterion with this reference out of its lot."""
    async with transaction():
        criterion = await find(LotCriterion, LotCriterion.ref == ref)
        lot, tender, hat = await _editing_lot(actor, (await find(Lot, Lot.id == criterion.lot)).ref)
        await LotCriterion.delete().where(LotCriterion.id == criterion.id)
        await written(actor, "tender.criterion-dropped", tender, hat, {"lot": lot.ref, "name": criterion.name})
    return lot


async def copy_criteria(actor: Actor, lot: str, source: str) -> Lot:
    """Replace the criteria of a lot with those of another lot of the same tender."""
    async with transaction():
        row, tender, hat = await _editing_lot(actor, lot)
        other = await find(Lot, (Lot.ref == source) & (Lot.tender == tender.id))
        if other.id == row.id:
            raise rules.SAME_LOT.refused()
        await LotCriterion.delete().where(LotCriterion.lot == row.id)
        for criterion in await LotCriterion.objects().where(LotCriterion.lot == other.id).order_by(LotCriterion.place):
            copy = drafts.stored(CriterionDraft, criterion)
            await LotCriterion.insert(LotCriterion(lot=row.id, place=criterion.place, **copy))
        await written(actor, "tender.criteria-copied", tender, hat, {"lot": lot, "source": source})
    return row


# ── opening officers ───────────────────────────────────────────────────────────────────────────────────────────────


async def name_officer(actor: Actor, ref: str, person: str) -> OpeningOfficer:
    """Name a person of the buyer (her reference) as an opening officer; she is asked by letter to write down her code."""
    async with transaction():
        tender, hat = await _drafting(actor, ref)
        who = next((holder for holder in await holders(tender.buyer, *BUYING_SIDE) if holder.ref == person), None)
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
        await written(actor, "tender.officer-named", tender, hat, {"person": person})
    return officer


async def drop_officer(actor: Actor, ref: str, person: str) -> Tender:
    """Take an opening officer off a draft; her code, if she wrote one down, is worth nothing from now on."""
    async with transaction():
        tender, hat = await _drafting(actor, ref)
        row = await find(Person, Person.ref == person)
        named = (OpeningOfficer.tender == tender.id) & (OpeningOfficer.person == row.id)
        officer = await find(OpeningOfficer, named)
        await OpeningOfficer.delete().where(OpeningOfficer.id == officer.id)
        await written(actor, "tender.officer-dropped", tender, hat, {"person": person})
    return tender


@binds(N_("make your opening code"), prepared=False)
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
        await written(
            actor,
            "tender.officer-enrolled",
            tender,
            hat,
            {"person": actor.ref, "public_key": secret.public_key.hex()},
        )
    return secret


# ── what several of them share ─────────────────────────────────────────────────────────────────────────────────────


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


async def _claim_lapses(actor: Actor, tender: Tender) -> None:
    """What operators let stand was about these codes and this claim; when they change it is to be asked anew."""
    await rulings.lapse(actor, tender.ref, _("The codes of the draft, or what its buyer states, have changed."))
    if tender.commodity_confirmed_at is not None:
        tender.commodity_confirmed_at, tender.commodity_confirmed_by = None, None
        tender.commodity_confirmed_reason = ""
        columns: list[Column | str] = [
            Tender.commodity_confirmed_at,
            Tender.commodity_confirmed_by,
            Tender.commodity_confirmed_reason,
        ]
        await tender.save(columns)


async def _mission(ref: str) -> Mission | None:
    if not ref:
        return None
    mission = await maybe(Mission, (Mission.ref == ref) & Mission.published_at.is_not_null())
    if mission is None:
        raise rules.MISSION_UNKNOWN.refused()
    return mission


async def _may_name(buyer: int, exercise: str) -> None:
    if exercise and exercise not in {concluded.reference for concluded in await exercises_for(buyer)}:
        raise rules.EXERCISE_UNKNOWN.refused(exercise=exercise)


def known_codes(given: Sequence[str]) -> list[str]:
    """CPV codes of 8 digits, each once; refused beside the field with what to type."""
    try:
        return list(dict.fromkeys(cpv.normal(code) for code in given))
    except ValueError as error:
        raise rules.CPV_UNKNOWN.refused(why=error) from None
