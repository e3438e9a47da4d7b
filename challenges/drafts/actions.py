"""Writing a challenge: its sections and criteria, each saved by itself, and publishing it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import msgspec
from msgspec import Meta

from challenges import meaning
from challenges.drafts import rules
from challenges.effort import rules as effort
from challenges.effort.facts import Draft
from challenges.exercise import (
    Named,
    ancestors,
    criteria_of,
    fees,
    measures_of,
    must_run,
    panel_of,
)
from challenges.tables import Challenge, Criterion, SuccessMeasure
from market import clock, drafts, policy
from market.accounts.edits import Trace, revise
from market.accounts.tables import Organisation
from market.actor import Actor, Hat
from market.arrival import Arrival
from market.audit.actions import record
from market.budgets import counting
from market.budgets import readers as budgets
from market.db import find, maybe, transaction
from market.missions.tables import Mission
from market.money import Money
from market.panels import actions as panels
from market.proof import canonical
from market.reads import rows, the
from market.refusals import ask, insist
from market.reviews import readers as reviewed
from market.reviews import rules as reviews
from market.reviews import whole
from market.reviews.actions import Matter
from market.reviews.rules import Ready
from market.tenders import cpv
from market.touch import binds
from market.wording import N_, _


class Problem(msgspec.Struct, forbid_unknown_fields=True):
    """The problem, who has it, and how that is known. `mission` is a mission's reference."""

    schema_name: ClassVar[str] = "ChallengeProblem"
    title: Annotated[str, Meta(title=N_("The problem in one sentence"), min_length=10, max_length=200)]
    mission: Annotated[str, Meta(title=N_("Mission"), max_length=16)] = ""
    method: Annotated[str, Meta(title=N_("Method"), max_length=40)] = "open-challenge"
    problem: Annotated[str, Meta(title=N_("The problem"), max_length=8000)] = ""
    who_has_it: Annotated[str, Meta(title=N_("Who has it"), max_length=4000)] = ""
    evidence: Annotated[str, Meta(title=N_("How you know"), max_length=8000)] = ""


class Success(msgspec.Struct, forbid_unknown_fields=True):
    """How everybody will see that it is solved, and what is not asked for."""

    success: Annotated[str, Meta(title=N_("How we shall know"), max_length=8000)] = ""
    out_of_scope: Annotated[str, Meta(title=N_("What is out of scope"), max_length=4000)] = ""


class Offer(msgspec.Struct, forbid_unknown_fields=True):
    """What a pitch is paid (minor units of the challenge's currency), how many teams at the most, the mark of 100 below which
    nobody is short-listed, where, and when."""

    fee_minor: Annotated[int, Meta(title=N_("Fee for each pitch"), ge=0, le=10_000_000_00)] = 0
    places: Annotated[int, Meta(title=N_("Paid places"), ge=0, le=50)] = 0
    least_mark: Annotated[int, Meta(title=N_("Least mark"), ge=0, le=100)] = 0
    region: Annotated[str, Meta(title=N_("Region"), max_length=120)] = ""
    questions_until: Annotated[datetime, Meta(title=N_("Questions until"), tz=True)] | None = None
    closes_at: Annotated[datetime, Meta(title=N_("Applications close"), tz=True)] | None = None
    pitches_by: Annotated[datetime, Meta(title=N_("Pitches heard by"), tz=True)] | None = None
    decision_by: Annotated[datetime, Meta(title=N_("Decision by"), tz=True)] | None = None


class Terms(msgspec.Struct, forbid_unknown_fields=True):
    """Who owns the result, who owns the data, what share of later sales comes back."""

    schema_name: ClassVar[str] = "ChallengeTerms"
    intellectual_property: Annotated[str, Meta(title=N_("Who owns what comes out"), max_length=4000)] = ""
    data_terms: Annotated[str, Meta(title=N_("Whose the data are"), max_length=4000)] = ""
    revenue_share: Annotated[str, Meta(title=N_("What share comes back"), max_length=4000)] = ""


class Subject(msgspec.Struct, forbid_unknown_fields=True):
    """Codes of the procurement vocabulary, and the API standards profile a digital service must pass (`name@version`)."""

    cpv: Annotated[list[Annotated[str, Meta(max_length=12)]], Meta(title="CPV codes", max_length=20)] = msgspec.field(
        default_factory=list
    )
    profile: Annotated[str, Meta(title="API standards profile", max_length=80)] = ""


class FollowOn(msgspec.Struct, forbid_unknown_fields=True):
    """What may be bought when it goes well (without VAT, minor units of the challenge's currency), by which route, who would
    pay (the reference of a body of the same department; empty for the buyer itself), and by when that is decided."""

    follow_on_minor: Annotated[int, Meta(title=N_("Value of what may follow"), ge=0, le=10**14)] | None = None
    follow_on_route: Annotated[
        Literal["", "tender", "call-off", "other-body"], Meta(title=N_("How it would be bought"))
    ] = ""
    follow_on_payer: Annotated[str, Meta(title=N_("Who would pay"), max_length=16)] = ""
    follow_on_by: Annotated[date, Meta(title=N_("Decided by"))] | None = None


class Budget(msgspec.Struct, forbid_unknown_fields=True):
    """What the pitches are paid from: a budget of the body, by its reference; empty while none is named."""

    schema_name: ClassVar[str] = "ChallengeBudget"
    budget: Annotated[str, Meta(title=N_("Budget"), max_length=16)] = ""


Section: TypeAlias = Problem | Success | Offer | Budget | FollowOn | Terms | Subject
"""A part of a draft that is written at once."""


SECTIONS: dict[str, type[Section]] = {
    "problem": Problem,
    "success": Success,
    "offer": Offer,
    "budget": Budget,
    "follow-on": FollowOn,
    "terms": Terms,
    "subject": Subject,
}
"""The sections by the last part of their address."""


TITLES: dict[str, str] = {
    "problem": N_("The problem"),
    "success": N_("Success and scope"),
    "offer": N_("Fee, places and dates"),
    "budget": N_("Budget"),
    "follow-on": N_("What may follow"),
    "terms": N_("Terms"),
    "subject": N_("Subject and standards"),
}
"""What the sections are called."""


class CriterionDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What applications are scored on, with its weight of 100."""

    schema_name: ClassVar[str] = "ChallengeCriterionDraft"
    name: Annotated[str, Meta(title=N_("Criterion"), min_length=2, max_length=160)]
    weight: Annotated[int, Meta(title=N_("Weight"), ge=1, le=100)]
    description: Annotated[str, Meta(title=N_("What you look for"), max_length=2000)] = ""


class MeasureDraft(msgspec.Struct, forbid_unknown_fields=True):
    """A success criterion: what is measured in which unit, where it stands (a figure, empty when nobody knows), on which side of
    which target success lies, by when, and how it is measured."""

    measure: Annotated[str, Meta(title=N_("What is measured"), min_length=5, max_length=300)]
    unit: Annotated[str, Meta(title=N_("Unit"), min_length=1, max_length=60)]
    target: Annotated[str, Meta(title=N_("Target"), min_length=1, max_length=40)]
    due_on: Annotated[date, Meta(title=N_("By when"))]
    how: Annotated[str, Meta(title=N_("How it is measured"), min_length=1, max_length=2000)]
    better: Annotated[Literal["at-least", "at-most"], Meta(title=N_("Success is"))]
    baseline: Annotated[str, Meta(title=N_("Where it stands"), max_length=40)] = ""


async def draft(actor: Actor, buyer: int, given: Problem) -> Challenge:
    """Begin a challenge of the body `buyer` (its id)."""
    async with transaction():
        hat = actor.must_wear("buyer", organisation=buyer)
        challenge = Challenge(
            **drafts.facts(
                given,
                buyer=buyer,
                mission=await _mission(given.mission),
                created_at=clock.now(),
                created_by=actor.must_be_person(),
            )
        )
        await challenge.save()
        await record(
            actor,
            "challenge.drafted",
            f"challenge:{challenge.ref}",
            {"title": challenge.title},
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
            sealed_by=_sealed(challenge),
        )
    return challenge


async def edit(actor: Actor, ref: str, given: Section, seen: str, confirmed: Collection[str] = ()) -> Challenge:
    """Write one section of a draft anew, from the version of it that was `seen`; fields that are left out become empty. A fee
    or a date that looks like a slip is asked about once more (`confirmed`)."""
    async with transaction():
        challenge, hat = await _draft(actor, ref)
        computed: dict[str, Any] = {}
        if isinstance(given, Problem):
            computed["mission"] = await _mission(given.mission)
        if isinstance(given, FollowOn):
            computed["follow_on_payer"] = await _payer(challenge, given.follow_on_payer)
        if isinstance(given, Budget):
            computed["budget"] = await budgets.known(challenge.buyer, given.budget)
        if isinstance(given, Subject):
            computed["cpv"] = _codes(given.cpv)
        knowingly = _asked(given, challenge, confirmed)
        trace = Trace("challenge.edited", f"challenge:{ref}", {"section": type(given).__name__.lower()})
        await revise(given, seen, challenge, trace=trace, shown=await shown_in(challenge), **computed)
        await record(
            actor,
            "challenge.edited",
            f"challenge:{ref}",
            {"section": type(given).__name__.lower(), **({"confirmed": list(knowingly)} if knowingly else {})},
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
            sealed_by=_sealed(challenge),
        )
    return challenge


def _asked(given: Section, challenge: Challenge, confirmed: Collection[str]) -> list[str]:
    if not isinstance(given, Offer):
        return []
    offered = rules.Offered(
        Money(given.fee_minor, challenge.currency),
        given.closes_at,
        given.pitches_by,
        given.decision_by,
        clock.arrived(),
    )
    return ask(rules.ASKED, confirmed, offered)


async def shown_in(challenge: Challenge) -> dict[str, Any]:
    """What a form of a section shows for columns that people name otherwise: the mission, the budget and the body that would
    pay by their references."""
    mission = await maybe(Mission, Mission.id == challenge.mission) if challenge.mission else None
    payer = (
        await maybe(Organisation, Organisation.id == challenge.follow_on_payer) if challenge.follow_on_payer else None
    )
    budget = await budgets.by_id(challenge.budget)
    return {
        "mission": mission.ref if mission else "",
        "follow_on_payer": payer.ref if payer else "",
        "budget": budget.ref if budget else "",
    }


async def add_criterion(actor: Actor, ref: str, given: CriterionDraft) -> Criterion:
    """Add what applications are scored on to a draft."""
    async with transaction():
        challenge, hat = await _draft(actor, ref)
        last = await the(int, "SELECT COALESCE(MAX(place), 0) FROM criterion WHERE challenge = {}", challenge.id)
        criterion = Criterion(challenge=challenge.id, place=last + 1, **drafts.facts(given))
        await criterion.save()
        await record(
            actor,
            "challenge.criterion-added",
            f"challenge:{ref}",
            {"name": given.name, "weight": given.weight},
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
            sealed_by=_sealed(challenge),
        )
    return criterion


async def remove_criterion(actor: Actor, ref: str, criterion_ref: str) -> Challenge:
    """Take a criterion out of a draft."""
    async with transaction():
        challenge, hat = await _draft(actor, ref)
        row = await find(Criterion, (Criterion.ref == criterion_ref) & (Criterion.challenge == challenge.id))
        await row.remove()
        await record(
            actor,
            "challenge.criterion-removed",
            f"challenge:{ref}",
            {"name": row.name},
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
            sealed_by=_sealed(challenge),
        )
    return challenge


async def add_measure(actor: Actor, ref: str, given: MeasureDraft) -> SuccessMeasure:
    """Add a success criterion to a draft. Refused: what is no figure where a figure belongs."""
    async with transaction():
        challenge, hat = await _draft(actor, ref)
        last = await the(int, "SELECT COALESCE(MAX(place), 0) FROM success_measure WHERE challenge = {}", challenge.id)
        figures = {
            "target": _figure(given.target, "target"),
            "baseline": _figure(given.baseline, "baseline") if given.baseline.strip() else "",
        }
        row = SuccessMeasure(challenge=challenge.id, place=last + 1, **drafts.facts(given, **figures))
        await row.save()
        await record(
            actor,
            "challenge.measure-added",
            f"challenge:{ref}",
            {"measure": given.measure, "unit": given.unit, **figures, "due": given.due_on.isoformat()},
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
            sealed_by=_sealed(challenge),
        )
    return row


async def remove_measure(actor: Actor, ref: str, measure: str) -> Challenge:
    """Take a success criterion (its reference) out of a draft."""
    async with transaction():
        challenge, hat = await _draft(actor, ref)
        row = await find(SuccessMeasure, (SuccessMeasure.ref == measure) & (SuccessMeasure.challenge == challenge.id))
        await row.remove()
        await record(
            actor,
            "challenge.measure-removed",
            f"challenge:{ref}",
            {"measure": row.measure},
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
            sealed_by=_sealed(challenge),
        )
    return challenge


@binds(N_("publish a challenge"))
async def publish(actor: Actor, ref: str) -> Challenge:
    """Publish a challenge that a second person approved as it is (and the innovation team, where it is one of the body's first):
    it is public from now on, and takes questions and applications."""
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = must_run(actor, challenge)
        now = clock.arrived()
        asked = await facts_of(challenge, now)
        insist(rules.PUBLISH, asked)
        ready = await ready_of(challenge)
        insist(reviews.PUBLISH, ready)
        challenge.questions_until = rules.questions_end(challenge, now)
        challenge.published_at = now
        await challenge.save([Challenge.questions_until, Challenge.published_at])
        await panels.tell_named(await panel_of(challenge))
        await record(
            actor,
            "challenge.published",
            f"challenge:{ref}",
            {
                "title": challenge.title,
                "fee_minor": challenge.fee_minor,
                "currency": challenge.currency,
                "places": challenge.places,
                "budget": asked.naming.budget.ref if asked.naming.budget else "",
                "least_mark": challenge.least_mark,
                "measures": [each.sentence for each in await measures_of(challenge)],
                "cpv": list(challenge.cpv),
                "follow_on": await _follow_on(challenge),
                "method": challenge.method,
                "closes_at": challenge.closes_at.isoformat() if challenge.closes_at else None,
                "criteria": [{"name": each.name, "weight": each.weight} for each in await criteria_of(challenge)],
                **reviews.announced(ready),
            },
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
        )
        await counting.keep(
            actor,
            f"challenge:{ref}",
            f"challenge:{ref}",
            reserved=asked.naming.needed_minor,
            committed=0,
            cause="published",
            budget=challenge.budget,
        )
    return challenge


async def parts_of(challenge: Challenge) -> list[whole.Part]:
    """Every field of every form of the draft, with what it says: what a reviewer reads and approves."""
    shown = await shown_in(challenge)
    found = []
    for name, kind in SECTIONS.items():
        ours = {each: said for each, said in shown.items() if each in kind.__struct_fields__}
        found.append(whole.part(_(TITLES[name]), kind, drafts.stored(kind, challenge, **ours), challenge.currency))
    for measure in await measures_of(challenge):
        said = {name: getattr(measure, name) for name in MeasureDraft.__struct_fields__}
        found.append(
            whole.part(_("Success criterion: {name}", name=measure.measure), MeasureDraft, said, challenge.currency)
        )
    for each in await criteria_of(challenge):
        criterion = drafts.stored(CriterionDraft, each)
        found.append(whole.part(_("Criterion: {name}", name=each.name), CriterionDraft, criterion, challenge.currency))
    return found


async def words_of(challenge: Challenge) -> str:
    """What others' work is compared with, the title twice as the weightiest."""
    texts = [
        challenge.title,
        challenge.title,
        challenge.problem,
        challenge.who_has_it,
        challenge.evidence,
        challenge.success,
        *(each.sentence for each in await measures_of(challenge)),
    ]
    return "\n".join([*texts, *(cpv.label(code) for code in challenge.cpv if cpv.known(code))])


async def team_reads(buyer: int) -> bool:
    """Whether the standing innovation team reads the next exercise of this body (its id): it has concluded fewer than the
    policy's number. One that was founded yesterday has concluded none."""
    concluded = await the(
        int,
        "SELECT count(*) FROM challenge WHERE buyer = {} AND concluded_at IS NOT NULL AND cancelled_at IS NULL",
        buyer,
    )
    return concluded < policy.IN_FORCE.reviews.team_exercises


async def matter_of(challenge: Challenge) -> Matter:
    """The draft as it is reviewed."""
    body = await find(Organisation, Organisation.id == challenge.buyer)
    return Matter(
        kind="challenge",
        ref=challenge.ref,
        title=challenge.title,
        body=body.id,
        body_ref=body.ref,
        parts=await parts_of(challenge),
        published=challenge.published_at is not None,
        team=await team_reads(challenge.buyer),
        about=await ancestors(challenge),
    )


async def ready_of(challenge: Challenge) -> Ready:
    """What publication asks beside the rules of challenges."""
    return await reviewed.ready(
        f"challenge:{challenge.ref}",
        version=whole.version(await parts_of(challenge)),
        words=whole.digest_of(await words_of(challenge)),
        team=await team_reads(challenge.buyer),
    )


async def facts_of(challenge: Challenge, now: Arrival) -> Draft:
    """What publication looks at."""
    mission = await maybe(Mission, Mission.id == challenge.mission) if challenge.mission else None
    panel = await panel_of(challenge)
    naming = await budgets.naming(
        challenge.budget, challenge.buyer, challenge.currency, fees(challenge, challenge.places)
    )
    return Draft(
        challenge=challenge,
        mission=mission,
        measures=await measures_of(challenge),
        criteria=await criteria_of(challenge),
        panel=len(panel.active),
        naming=naming,
        now=now,
    )


# ── the pieces ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _sealed(challenge: Challenge) -> str:
    """Events of a draft are public when it is published."""
    return f"publication:challenge:{challenge.ref}" if challenge.published_at is None else ""


async def payers(buyer: int) -> list[Named]:
    """The bodies that may pay for what follows an exercise of this buyer (its id): itself, and those of its department."""
    return await rows(
        Named,
        """
        SELECT o.ref, o.name FROM organisation b JOIN organisation o ON COALESCE(b.department, b.id) IN (o.id, o.department)
        WHERE b.id = {} AND o.kind = 'buyer' ORDER BY o.id <> b.id, o.name
        """,
        buyer,
    )


@dataclass(frozen=True, slots=True)
class Stated:
    """What a challenge says may follow it, for its page: the value and the most that tenders it opens may be worth together
    (`percent` of it), who would pay, how it would be bought, in words, and by when that is decided."""

    value: Money
    most: Money
    percent: int
    payer: str
    route: str
    by: date


async def stated(challenge: Challenge) -> Stated | None:
    """The follow-on as it is stated; None while a part of it is missing."""
    row, percent = challenge, policy.IN_FORCE.gate.follow_on_percent
    if not (row.follow_on_minor and row.follow_on_route and row.follow_on_payer and row.follow_on_by):
        return None
    payer = await find(Organisation, Organisation.id == row.follow_on_payer)
    most = Money(row.follow_on_minor * percent // 100, row.currency)
    words = _(rules.ROUTES[row.follow_on_route])
    return Stated(Money(row.follow_on_minor, row.currency), most, percent, payer.name, words, row.follow_on_by)


async def _payer(challenge: Challenge, ref: str) -> int | None:
    """The id of the body that would pay; the buyer itself where nobody is named. Refused: a body of another department."""
    if not ref:
        return int(challenge.buyer)
    if ref not in {each.ref for each in await payers(challenge.buyer)}:
        raise rules.PAYER_UNKNOWN.refused()
    return int((await find(Organisation, Organisation.ref == ref)).id)


async def _follow_on(challenge: Challenge) -> dict[str, canonical.Plain]:
    payer = await find(Organisation, Organisation.id == challenge.follow_on_payer)
    return {
        "value_minor": challenge.follow_on_minor,
        "route": challenge.follow_on_route,
        "payer": payer.ref,
        "by": challenge.follow_on_by.isoformat() if challenge.follow_on_by else None,
    }


async def _mission(ref: str) -> int | None:
    if not ref:
        return None
    mission = await maybe(Mission, (Mission.ref == ref) & Mission.published_at.is_not_null())
    if mission is None:
        raise rules.MISSION_UNKNOWN.refused()
    return int(mission.id)


def _figure(typed: str, field: str) -> str:
    found = meaning.figure(typed)
    if found is None:
        raise effort.NOT_A_FIGURE.refused(beside=field)
    return found


def _codes(given: Sequence[str]) -> list[str]:
    unknown = [code for code in given if not cpv.known(code)]
    if unknown:
        raise rules.CPV_UNKNOWN.refused(codes=", ".join(unknown))
    return list(dict.fromkeys(cpv.normal(code) for code in given))


async def _draft(actor: Actor, ref: str) -> tuple[Challenge, Hat]:
    challenge = await find(Challenge, Challenge.ref == ref, lock=True)
    hat = must_run(actor, challenge)
    insist(rules.EDIT, await facts_of(challenge, clock.arrived()))
    return challenge, hat
