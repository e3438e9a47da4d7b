"""Putting a problem to the market: drafting and publishing a challenge, public questions, applying, cancelling.

What the panel does stands in `challenges.judging`; pitches, the insight report and the conclusion in `challenges.pitches`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, TypeAlias

import asyncpg
import msgspec
from msgspec import Meta

from challenges import rules
from challenges.tables import Application, Challenge, Criterion
from market import clock, drafts
from market.accounts.edits import Trace, revise
from market.accounts.people import tell
from market.accounts.tables import Organisation
from market.actor import SUPPLIER_ROLES, Actor, Hat
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.missions.tables import Mission
from market.money import Money
from market.panels import actions as panel_actions
from market.panels import matter
from market.panels import panel as panels
from market.panels.panel import Panel
from market.proof import canonical
from market.questions import actions as questions
from market.questions.rules import Topic
from market.questions.tables import PublicQuestion
from market.reads import rows, the
from market.refusals import NotFound, insist
from market.standards.sanctions import actions as sanctions
from market.tenders import cpv
from market.wording import N_


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
    """What a pitch is paid (minor units of the challenge's currency), how many teams at the most, where, and when."""

    fee_minor: Annotated[int, Meta(title=N_("Fee for each pitch"), ge=0, le=10_000_000_00)] = 0
    places: Annotated[int, Meta(title=N_("Paid places"), ge=0, le=50)] = 0
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


Section: TypeAlias = Problem | Success | Offer | Terms | Subject
"""A part of a draft that is written at once."""
SECTIONS: tuple[type[Section], ...] = (Problem, Success, Offer, Terms, Subject)


class CriterionDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What applications are scored on, with its weight of 100."""

    schema_name: ClassVar[str] = "ChallengeCriterionDraft"
    name: Annotated[str, Meta(title=N_("Criterion"), min_length=2, max_length=160)]
    weight: Annotated[int, Meta(title=N_("Weight"), ge=1, le=100)]
    description: Annotated[str, Meta(title=N_("What you look for"), max_length=2000)] = ""


class ApplicationDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What a supplier answers. The panel reads it without knowing whose it is."""

    summary: Annotated[str, Meta(title=N_("Your idea in a few sentences"), min_length=10, max_length=1000)]
    approach: Annotated[str, Meta(title=N_("How it would work"), min_length=10, max_length=8000)]
    evidence: Annotated[str, Meta(title=N_("Evidence that it can work"), max_length=8000)] = ""
    team: Annotated[str, Meta(title=N_("Skills of the team"), max_length=4000)] = ""


class Because(msgspec.Struct, forbid_unknown_fields=True):
    """A reason that stays on record."""

    reason: Annotated[str, Meta(title=N_("The reason"), min_length=1, max_length=4000)]


# ── who, and what it grew from ──────────────────────────────────────────────────────────────────────────────────────


def may_see(actor: Actor, challenge: Challenge) -> None:
    """A draft is seen by its buyer's people and the operator only; to everybody else it does not exist."""
    if challenge.published_at is None and not (
        actor.wears("operator")
        or actor.wears("buyer", "evaluator", "contract-manager", "minister", organisation=challenge.buyer)
    ):
        raise NotFound("Challenge")


def must_run(actor: Actor, challenge: Challenge) -> Hat:
    """The buyer officer's hat; for a draft, others are not told that it exists."""
    return actor.must_wear("buyer", organisation=challenge.buyer, secret=challenge.published_at is None)


async def ancestors(challenge: Challenge, *beside: str) -> list[str]:
    """What a record below this challenge grew from: `beside`, the challenge, its mission."""
    mission = await maybe(Mission, Mission.id == challenge.mission) if challenge.mission else None
    return [*beside, f"challenge:{challenge.ref}", *([f"mission:{mission.ref}"] if mission else [])]


def sealed(challenge: Challenge) -> str:
    """Until the short list is made nobody outside sees the events of applications and of the panel."""
    return f"opening:challenge:{challenge.ref}" if challenge.shortlisted_at is None else ""


def drafting(challenge: Challenge) -> str:
    """Events of a draft are public when it is published."""
    return f"publication:challenge:{challenge.ref}" if challenge.published_at is None else ""


def fee(challenge: Challenge) -> Money:
    """What every delivered pitch is paid."""
    return Money(challenge.fee_minor, challenge.currency)


# ── drafting ────────────────────────────────────────────────────────────────────────────────────────────────────────


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
            sealed_by=drafting(challenge),
        )
    return challenge


async def edit(actor: Actor, ref: str, given: Section, seen: str) -> Challenge:
    """Write one section of a draft anew, from the version of it that was `seen`; fields that are left out become empty."""
    async with transaction():
        challenge, hat = await _draft(actor, ref)
        computed: dict[str, Any] = {}
        if isinstance(given, Problem):
            computed["mission"] = await _mission(given.mission)
        if isinstance(given, Subject):
            computed["cpv"] = _codes(given.cpv)
        trace = Trace("challenge.edited", f"challenge:{ref}", {"section": type(given).__name__.lower()})
        await revise(given, seen, challenge, trace=trace, shown=await shown_in(challenge), **computed)
        await record(
            actor,
            "challenge.edited",
            f"challenge:{ref}",
            {"section": type(given).__name__.lower()},
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
            sealed_by=drafting(challenge),
        )
    return challenge


async def shown_in(challenge: Challenge) -> dict[str, Any]:
    """What a form of a section shows for columns that people name otherwise: the mission by its reference."""
    mission = await maybe(Mission, Mission.id == challenge.mission) if challenge.mission else None
    return {"mission": mission.ref if mission else ""}


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
            sealed_by=drafting(challenge),
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
            sealed_by=drafting(challenge),
        )
    return challenge


async def publish(actor: Actor, ref: str) -> Challenge:
    """Publish a challenge: it is public from now on, and takes questions and applications."""
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = must_run(actor, challenge)
        now = clock.now()
        insist(rules.PUBLISH, await facts(challenge, now))
        challenge.questions_until = rules.questions_end(challenge, now)
        challenge.published_at = now
        await challenge.save([Challenge.questions_until, Challenge.published_at])
        await panel_actions.tell_named(await panel_of(challenge))
        await record(
            actor,
            "challenge.published",
            f"challenge:{ref}",
            {
                "title": challenge.title,
                "fee_minor": challenge.fee_minor,
                "currency": challenge.currency,
                "places": challenge.places,
                "cpv": list(challenge.cpv),
                "method": challenge.method,
                "closes_at": _iso(challenge.closes_at),
                "criteria": [{"name": each.name, "weight": each.weight} for each in await criteria_of(challenge)],
            },
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
        )
    return challenge


async def cancel(actor: Actor, ref: str, reason: str) -> Challenge:
    """End a published challenge without a conclusion. Everybody who applied is told why; delivered pitches stay owed."""
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = must_run(actor, challenge)
        now = clock.now()
        insist(rules.CANCEL, challenge, reason, now)
        challenge.cancelled_at, challenge.cancelled_reason = now, reason.strip()
        await challenge.save([Challenge.cancelled_at, Challenge.cancelled_reason])
        await tell_applicants(challenge, "challenges/cancelled.txt", reason=challenge.cancelled_reason)
        await panel_actions.release(await panel_of(challenge), challenge.cancelled_reason)
        await record(
            actor,
            "challenge.cancelled",
            f"challenge:{ref}",
            {"reason": challenge.cancelled_reason},
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
        )
    return challenge


# ── questions ───────────────────────────────────────────────────────────────────────────────────────────────────────


def topic_of(challenge: Challenge) -> Topic:
    """What is known of this challenge where questions about it are asked and answered."""
    return Topic(
        record=f"challenge:{challenge.ref}",
        title=challenge.title,
        buyer=challenge.buyer,
        until=challenge.questions_until,
        closes_at=challenge.closes_at,
        sends="applications",
        taking=rules.stage(challenge, clock.now()) in rules.TAKING,
        remedy="",
    )


async def hold(ref: str) -> questions.Held:
    """A published challenge for what is asked about it, its row locked: one question is dealt with at a time. Who applied
    reads every answer."""
    challenge = await _published(ref)
    applied = {each.supplier for each in await live_applications(challenge)}
    return questions.Held(topic_of(challenge), applied, await ancestors(challenge))


async def ask(actor: Actor, ref: str, given: questions.QuestionDraft) -> PublicQuestion:
    """Ask about a published challenge, as any registered supplier."""
    async with transaction():
        return await questions.ask(actor, await hold(ref), given)


async def answer(actor: Actor, ref: str, question: str, given: questions.AnswerDraft) -> PublicQuestion:
    """Answer a question (its reference) about this challenge, once and for everybody."""
    async with transaction():
        return await questions.answer(actor, await hold(ref), question, given)


# ── applying ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def apply(actor: Actor, ref: str, given: ApplicationDraft, supplier: int | None = None) -> Application:
    """Apply for a supplier (its id; without one, the first the actor belongs to), once for each challenge. A withdrawn
    application is sent anew. The receipt carries the digest of what was sent."""
    async with transaction():
        challenge = await _published(ref)
        hat = actor.must_wear(*SUPPLIER_ROLES, organisation=supplier)
        now = clock.now()
        insist(rules.APPLY, challenge, now)
        insist((rules.is_not_the_buyer,), challenge, hat.organisation)
        insist((rules.is_not_withheld,), await sanctions.withheld(hat.organisation, now))
        application = await maybe(
            Application,
            (Application.challenge == challenge.id) & (Application.supplier == hat.organisation),
            lock=True,
        )
        insist((rules.applies_once,), application)
        if application is None:
            application = Application(
                challenge=challenge.id,
                supplier=hat.organisation,
                submitted_at=now,
                submitted_by=actor.must_be_person(),
            )
        drafts.write(given, application)
        application.submitted_at, application.submitted_by = now, actor.must_be_person()
        application.edited_at = application.withdrawn_at = None
        try:
            await application.save()
        except asyncpg.UniqueViolationError:
            raise rules.applies_once.refused(application) from None
        await _receipt(challenge, application, hat)
        await _application_event(
            actor, "application.submitted", challenge, application, hat, digest=digest(application)
        )
    return application


async def change(actor: Actor, ref: str, given: ApplicationDraft, seen: str) -> Application:
    """Change an application (its reference), from the version that was `seen`, before the challenge closes."""
    async with transaction():
        challenge, application, hat = await _own_application(actor, ref)
        now = clock.now()
        insist(rules.APPLY, challenge, now)
        insist((rules.is_not_withdrawn,), application)
        await revise(given, seen, application, trace=Trace("application.edited", f"application:{ref}"), edited_at=now)
        await _receipt(challenge, application, hat)
        await _application_event(actor, "application.edited", challenge, application, hat, digest=digest(application))
    return application


async def withdraw(actor: Actor, ref: str) -> Application:
    """Take an application (its reference) back before the challenge closes; it can be sent again until then."""
    async with transaction():
        challenge, application, hat = await _own_application(actor, ref)
        now = clock.now()
        insist(rules.APPLY, challenge, now)
        insist((rules.is_not_withdrawn,), application)
        application.withdrawn_at = now
        await application.save([Application.withdrawn_at])
        await tell(
            application.supplier,
            "challenges/application-withdrawn.txt",
            roles=SUPPLIER_ROLES,
            about=f"application:{ref}",
            title=challenge.title,
            ref=challenge.ref,
            closes_at=challenge.closes_at,
        )
        await _application_event(actor, "application.withdrawn", challenge, application, hat)
    return application


def digest(application: Application) -> str:
    """SHA-256 of what the supplier sent, over canonical JSON: the receipt in her letter, to be checked later."""
    said: dict[str, canonical.Plain] = {
        "application": application.ref,
        **drafts.stored(ApplicationDraft, application),
    }
    return hashlib.sha256(canonical.encode(said)).hexdigest()


# ── reads that pages, programs and other actions share ──────────────────────────────────────────────────────────────


async def facts(challenge: Challenge, now: datetime) -> rules.Draft:
    """What publication looks at."""
    mission = await maybe(Mission, Mission.id == challenge.mission) if challenge.mission else None
    panel = await panel_of(challenge)
    return rules.Draft(challenge, mission, await criteria_of(challenge), len(panel.active), now)


async def criteria_of(challenge: Challenge) -> list[Criterion]:
    """The scoring criteria in their order."""
    return await Criterion.objects().where(Criterion.challenge == challenge.id).order_by(Criterion.place)


async def live_applications(challenge: Challenge) -> list[Application]:
    """The applications that were not withdrawn, in the order of their aliases (before they are dealt, of nothing)."""
    return (
        await Application.objects()
        .where((Application.challenge == challenge.id) & Application.withdrawn_at.is_null())
        .order_by(Application.alias, Application.ref)
    )


async def applications_by(organisations: Sequence[int]) -> list[Application]:
    """What these suppliers sent, the newest first."""
    return (
        await Application.objects()
        .where(Application.supplier.is_in(list(organisations)))
        .order_by(Application.submitted_at, ascending=False)
        if organisations
        else []
    )


async def panel_of(challenge: Challenge) -> Panel:
    """The panel of a challenge, with what it judges once that is closed: applications by their aliases."""
    now = clock.now()
    buyer = await find(Organisation, Organisation.id == challenge.buyer)
    closes = challenge.closes_at if challenge.published_at else None
    closed = challenge.shortlisted_at is not None or (closes is not None and now > closes)
    live = await live_applications(challenge) if closed else []
    suppliers = await names([application.supplier for application in live])
    criteria = tuple(
        matter.Criterion(each.ref, each.name, each.weight, each.description) for each in await criteria_of(challenge)
    )
    return await panels.of(
        matter.Matter(
            about=f"challenge:{challenge.ref}",
            title=challenge.title,
            organisation=buyer.id,
            organisation_ref=buyer.ref,
            organisation_name=buyer.name,
            href=f"/challenges/{challenge.ref}/panel",
            officer_href=f"/challenges/{challenge.ref}/manage",
            what="applications",
            suppliers={
                firm.ref: firm.name for firm in sorted(suppliers.values(), key=lambda firm: firm.name.casefold())
            },
            subjects=[
                matter.Subject(
                    f"application:{application.ref}",
                    application.alias,
                    suppliers[application.supplier].ref,
                    criteria,
                    True,
                    "",
                )
                for application in live
            ],
            opened_at=challenge.closes_at if closed else None,
            opens_at=challenge.closes_at,
            due=challenge.decision_by,
            blind=True,
            settled=rules.panel_stands(challenge, now),
            draft=challenge.published_at is None,
            beside=(await ancestors(challenge))[1:],
        )
    )


async def tell_applicants(challenge: Challenge, template: str, **said: object) -> None:
    """Write the same letter to everybody with an application that was not withdrawn."""
    for application in await live_applications(challenge):
        await tell(
            application.supplier,
            template,
            roles=SUPPLIER_ROLES,
            about=f"application:{application.ref}",
            title=challenge.title,
            ref=challenge.ref,
            **said,
        )


class Named(msgspec.Struct, frozen=True):
    """A body by its name."""

    id: int
    ref: str
    name: str


async def names(organisations: Sequence[int]) -> dict[int, Named]:
    """These bodies by their id."""
    found = await rows(Named, "SELECT id, ref, name FROM organisation WHERE id = ANY({}::int[])", list(organisations))
    return {each.id: each for each in found}


# ── the pieces ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def _mission(ref: str) -> int | None:
    if not ref:
        return None
    mission = await maybe(Mission, (Mission.ref == ref) & Mission.published_at.is_not_null())
    if mission is None:
        raise rules.MISSION_UNKNOWN.refused()
    return int(mission.id)


def _codes(given: Sequence[str]) -> list[str]:
    unknown = [code for code in given if not cpv.known(code)]
    if unknown:
        raise rules.CPV_UNKNOWN.refused(codes=", ".join(unknown))
    return list(dict.fromkeys(cpv.normal(code) for code in given))


async def _draft(actor: Actor, ref: str) -> tuple[Challenge, Hat]:
    challenge = await find(Challenge, Challenge.ref == ref, lock=True)
    hat = must_run(actor, challenge)
    insist(rules.EDIT, await facts(challenge, clock.now()))
    return challenge, hat


async def _published(ref: str) -> Challenge:
    challenge = await find(Challenge, Challenge.ref == ref, lock=True)
    if challenge.published_at is None:
        raise NotFound("Challenge")
    return challenge


async def _own_application(actor: Actor, ref: str) -> tuple[Challenge, Application, Hat]:
    """Parent before child: the challenge is locked first, then the application is read again."""
    found = await find(Application, Application.ref == ref)
    hat = actor.must_wear(*SUPPLIER_ROLES, organisation=found.supplier, secret=True)
    challenge = await find(Challenge, Challenge.id == found.challenge, lock=True)
    return challenge, await find(Application, Application.id == found.id, lock=True), hat


async def _receipt(challenge: Challenge, application: Application, hat: Hat) -> None:
    await tell(
        application.supplier,
        "challenges/application-received.txt",
        roles=SUPPLIER_ROLES,
        about=f"application:{application.ref}",
        title=challenge.title,
        ref=challenge.ref,
        application=application.ref,
        supplier=hat.organisation_name,
        changed=application.edited_at is not None,
        at=application.edited_at or application.submitted_at,
        digest=digest(application),
        closes_at=challenge.closes_at,
    )


async def _application_event(
    actor: Actor, verb: str, challenge: Challenge, application: Application, hat: Hat, **said: canonical.Plain
) -> None:
    await record(
        actor,
        verb,
        f"application:{application.ref}",
        said,
        about=await ancestors(challenge),
        organisation=hat.organisation_ref,
        sealed_by=sealed(challenge),
    )


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
