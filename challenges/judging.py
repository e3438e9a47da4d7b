"""The panel: named, declaring interests, marking applications known by aliases, handing in; and the short list.

An evaluator declares against the list of the applicants' *names*, before she sees an application and without ever
learning which alias is whose. The system knows: what she has an interest in is neither shown to her nor counted from her.
Aliases are dealt to all applications at once, shuffled by a secret drawn for the occasion and kept nowhere, by whoever
comes first after the closing. Names meet aliases when the short list is made.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from challenges import rules, scoring
from challenges.actions import (
    ancestors,
    criteria_of,
    drafting,
    fee,
    live_applications,
    must_run,
    names,
    panel_of,
    sealed,
    tell_named,
)
from challenges.tables import Application, Challenge, Criterion, Evaluator, Pitch, Score
from market import clock, policy
from market.accounts.people import tell, tell_person
from market.accounts.tables import Organisation, Person
from market.actor import SUPPLIER_ROLES, Actor, Hat
from market.audit.actions import record
from market.audit.tables import Event
from market.awards.scoring import shown
from market.db import find, many, maybe, transaction
from market.money import Money
from market.proof.canonical import Plain
from market.refusals import NotFound, Refusal, Refused, insist

Sees = Literal["own", "panel", "all"]
"""As whom somebody reads an application: its supplier; an evaluator, without the name; the buyer and auditors, after the
short list, with it."""


class Naming(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to put on the panel (a person's reference), and why when it is after the closing."""

    person: Annotated[str, Meta(title="Evaluator", min_length=1, max_length=16)]
    reason: Annotated[str, Meta(title="Why only now", max_length=1000)] = ""


class Declaration(msgspec.Struct, forbid_unknown_fields=True):
    """An evaluator's word about her interests: `conflicts` are references of suppliers she has an interest in."""

    agreed: Annotated[bool, Meta(title="Your declaration")] = False
    conflicts: Annotated[list[str], Meta(title="Suppliers you have an interest in")] = msgspec.field(
        default_factory=list
    )
    statement: Annotated[str, Meta(title="What the interest is", max_length=2000)] = ""


class MarkGiven(msgspec.Struct, forbid_unknown_fields=True):
    """Points from 0 to the policy's highest on one criterion (its reference), with the reason the supplier reads."""

    criterion: Annotated[str, Meta(max_length=16)]
    points: int
    reason: Annotated[str, Meta(max_length=2000)]


class ShortlistNote(msgspec.Struct, forbid_unknown_fields=True):
    """Why the evaluators lie far apart, where they do."""

    note: Annotated[str, Meta(title="Why the evaluators lie far apart", max_length=4000)] = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """An application as somebody may read it; `supplier` is None for the panel before the short list."""

    application: Application
    challenge: Challenge
    sees: Sees
    supplier: Organisation | None
    evaluator: Evaluator | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far one member of the panel is: `missing` says what she has still to do, in sentences."""

    evaluator: Evaluator
    person: Person
    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """What concerns one person about a panel. An officer has the members and what keeps them from ranking; an evaluator
    the names to declare against until she has declared, then the applications she may mark and the aliases still unmarked."""

    seat: Evaluator | None
    members: Sequence[Progress]
    gaps: Sequence[str]
    applicants: Sequence[Organisation]
    applications: Sequence[Application]
    unmarked: Sequence[str]


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one application got on one criterion: the reckoning in a sentence, and each evaluator's mark and reason."""

    name: str
    says: str
    marks: tuple[tuple[int, str], ...]


# ── naming ──────────────────────────────────────────────────────────────────────────────────────────────────────────


async def name_evaluator(actor: Actor, ref: str, given: Naming) -> Evaluator:
    """Put one of the buyer's people (an evaluator or officer) on the panel. After the closing it needs a reason."""
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = must_run(actor, challenge)
        now = clock.now()
        insist(rules.NAME, challenge, now)
        insist((rules.says_why_after_closing,), challenge, given.reason, now)
        person = next((row for row in await candidates(challenge) if row["ref"] == given.person), None)
        if person is None:
            raise Refused(
                Refusal(
                    "panel.not-of-the-buyer",
                    "Choose one of your organisation's evaluators or buyer officers.",
                    "person",
                )
            )
        evaluator = await maybe(
            Evaluator, (Evaluator.challenge == challenge.id) & (Evaluator.person == person["id"]), lock=True
        )
        if evaluator is not None and evaluator.excused_at is None:
            raise Refused(Refusal("panel.already-named", f"{person['name']} is on the panel already.", "person"))
        if evaluator is None:
            evaluator = Evaluator(challenge=challenge.id, person=person["id"], named_at=now)
        evaluator.named_at, evaluator.named_because = now, given.reason.strip()
        evaluator.excused_at, evaluator.excused_because = None, ""
        evaluator.declared_at = evaluator.submitted_at = None
        evaluator.conflicts, evaluator.statement = [], ""
        await evaluator.save()
        if challenge.published_at is not None:
            await tell_named(challenge, evaluator)
        await record(
            actor,
            "challenge.evaluator-named",
            f"challenge:{ref}",
            {"person": person["ref"], "reason": evaluator.named_because},
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
            sealed_by=drafting(challenge) or sealed(challenge),
        )
    return evaluator


async def excuse_evaluator(actor: Actor, ref: str, person_ref: str, reason: str) -> Evaluator:
    """Take somebody off the panel, with the reason; her marks no longer count."""
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = must_run(actor, challenge)
        insist(rules.NAME, challenge, clock.now())
        if not reason.strip():
            raise Refused(Refusal("panel.excuse-reason-missing", "Say why she leaves the panel.", "reason"))
        person = await find(Person, Person.ref == person_ref)
        evaluator = await find(
            Evaluator,
            (Evaluator.challenge == challenge.id) & (Evaluator.person == person.id) & Evaluator.excused_at.is_null(),
            lock=True,
        )
        evaluator.excused_at, evaluator.excused_because = clock.now(), reason.strip()
        await evaluator.save([Evaluator.excused_at, Evaluator.excused_because])
        await record(
            actor,
            "challenge.evaluator-excused",
            f"challenge:{ref}",
            {"person": person.ref, "reason": evaluator.excused_because},
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
            sealed_by=drafting(challenge) or sealed(challenge),
        )
    return evaluator


# ── declaring, marking, handing in ──────────────────────────────────────────────────────────────────────────────────


async def declare(actor: Actor, ref: str, given: Declaration) -> Evaluator:
    """Declare one's interests against the applicants' names, after the closing and before seeing an application. The
    first to come deals the aliases."""
    async with transaction():
        challenge, evaluator = await _on_the_panel(actor, ref)
        insist(rules.OPEN_PANEL, challenge, clock.now())
        insist((rules.declares_once, rules.has_not_submitted), evaluator)
        if not given.agreed:
            raise Refused(
                Refusal("panel.declaration-missing", "Confirm that what you declare is true and complete.", "agreed")
            )
        if given.conflicts and not given.statement.strip():
            raise Refused(Refusal("panel.interest-unsaid", "Say what the interest is.", "statement"))
        applicants = await applicants_of(challenge)
        unknown = set(given.conflicts) - {each.ref for each in applicants}
        if unknown:
            raise Refused(
                Refusal(
                    "panel.not-an-applicant", f"Not among the applicants: {', '.join(sorted(unknown))}.", "conflicts"
                )
            )
        await _deal(challenge)
        evaluator.declared_at = clock.now()
        evaluator.conflicts, evaluator.statement = sorted(set(given.conflicts)), given.statement.strip()
        await evaluator.save([Evaluator.declared_at, Evaluator.conflicts, Evaluator.statement])
        await record(
            actor,
            "challenge.interests-declared",
            f"challenge:{ref}",
            about=await ancestors(challenge),
            private={"conflicts": list(evaluator.conflicts), "statement": evaluator.statement},
            organisation=_acting_for(actor, challenge).organisation_ref,
            sealed_by=sealed(challenge),
        )
    return evaluator


async def read(actor: Actor, ref: str) -> Reading:
    """Read an application (its reference): its supplier always; an evaluator once she has declared, without the name;
    the buyer's people and auditors after the short list. Whoever else asks is not told that it exists. That a person who
    is not its supplier has read it is written down, once for each person and application."""
    async with transaction():
        application = await find(Application, Application.ref == ref)
        challenge = await find(Challenge, Challenge.id == application.challenge)
        reading = await _reading(actor, challenge, application)
        if reading.sees != "own" and not await _read_before(actor, ref):
            await find(Application, Application.id == application.id, lock=True)
            if not await _read_before(actor, ref):
                hat = actor.wears("buyer", "evaluator", organisation=challenge.buyer) or actor.wears(
                    "auditor", "operator"
                )
                await record(
                    actor,
                    "application.read",
                    f"application:{ref}",
                    about=await ancestors(challenge),
                    private={"as": reading.sees, "alias": application.alias},
                    organisation=hat.organisation_ref if hat else "",
                    sealed_by=sealed(challenge),
                )
    return reading


async def score(actor: Actor, ref: str, given: Sequence[MarkGiven]) -> Evaluator:
    """Mark an application (its reference) on some or all criteria, each with its reason; until handing in, marks can be
    given again."""
    async with transaction():
        found = await find(Application, Application.ref == ref)
        row = await find(Challenge, Challenge.id == found.challenge)
        challenge, evaluator = await _on_the_panel(actor, row.ref)
        insist(rules.OPEN_PANEL, challenge, clock.now())
        insist((rules.has_declared, rules.has_not_submitted), evaluator)
        await _reading(actor, challenge, found)
        known = {each.ref: each for each in await criteria_of(challenge)}
        reasons: list[Refusal] = []
        for mark in given:
            criterion = known.get(mark.criterion)
            if criterion is None:
                reasons.append(
                    Refusal("panel.unknown-criterion", f"{mark.criterion} is not a criterion of this challenge.")
                )
                continue
            for refusal in (each(mark.points, mark.reason) for each in rules.MARK):
                if refusal:
                    field = f"{refusal.field or 'points'}_{criterion.place}"
                    reasons.append(Refusal(refusal.code, f"{criterion.name}: {refusal.reason}", field))
        if reasons:
            raise Refused(*reasons, status=422)
        for mark in given:
            await _mark(evaluator, found, known[mark.criterion], mark)
        await record(
            actor,
            "application.scored",
            f"application:{ref}",
            about=await ancestors(challenge),
            private={"marks": [{"criterion": each.criterion, "points": each.points} for each in given]},
            organisation=_acting_for(actor, challenge).organisation_ref,
            sealed_by=sealed(challenge),
        )
    return evaluator


async def submit(actor: Actor, ref: str) -> Evaluator:
    """Hand in one's marks: they are locked."""
    async with transaction():
        challenge, evaluator = await _on_the_panel(actor, ref)
        insist(rules.OPEN_PANEL, challenge, clock.now())
        insist((rules.has_declared, rules.has_not_submitted), evaluator)
        insist((rules.has_marked_everything,), await unmarked(challenge, evaluator))
        evaluator.submitted_at = clock.now()
        await evaluator.save([Evaluator.submitted_at])
        await record(
            actor,
            "challenge.marks-handed-in",
            f"challenge:{ref}",
            about=await ancestors(challenge),
            organisation=_acting_for(actor, challenge).organisation_ref,
            sealed_by=sealed(challenge),
        )
    return evaluator


async def tell_panels() -> int:
    """A job: when a challenge has closed, write to its panel that it may begin. Answers how many panels were told."""
    async with transaction():
        now = clock.now()
        row = await (
            Challenge.objects()
            .where(
                (Challenge.closes_at < now)
                & Challenge.published_at.is_not_null()
                & Challenge.closing_told_at.is_null()
                & Challenge.shortlisted_at.is_null()
                & Challenge.cancelled_at.is_null()
            )
            .order_by(Challenge.closes_at)
            .first()
            .lock_rows("UPDATE", skip_locked=True)
        )
        if row is None:
            return 0
        row.closing_told_at = now
        await row.save([Challenge.closing_told_at])
        for evaluator in await panel_of(row):
            await tell_person(
                evaluator.person,
                "challenges/panel-begins.txt",
                about=f"challenge:{row.ref}",
                title=row.title,
                ref=row.ref,
                decision_by=row.decision_by,
            )
    return 1


# ── the short list ──────────────────────────────────────────────────────────────────────────────────────────────────


async def shortlist(actor: Actor, ref: str, given: ShortlistNote | None = None) -> Challenge:
    """Make the short list from the panel's marks. Every applicant gets her scores and reasons by letter; every team on
    the list gets a pitch to be arranged. Names are known from now on."""
    note = (given or ShortlistNote()).note.strip()
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = must_run(actor, challenge)
        now = clock.now()
        insist(rules.SHORTLIST, await reckoning(challenge, note))
        applications = {each.alias: each for each in await live_applications(challenge)}
        panel = await ranking(challenge)
        for standing in panel.standings:
            application = applications[standing.alias]
            application.rank, application.shortlisted = standing.rank, standing.shortlisted
            application.total = shown(standing.total)
            await application.save([Application.rank, Application.shortlisted, Application.total])
            if standing.shortlisted:
                await Pitch.insert(
                    Pitch(application=application.id, challenge=challenge.id, supplier=application.supplier)
                )
        challenge.shortlisted_at, challenge.panel_note = now, note
        await challenge.save([Challenge.shortlisted_at, Challenge.panel_note])
        for standing in panel.standings:
            await _tell_result(challenge, applications[standing.alias], panel, standing)
        suppliers = await names([applications[alias].supplier for alias in panel.shortlist])
        await record(
            actor,
            "challenge.shortlisted",
            f"challenge:{ref}",
            {
                "applications": len(applications),
                "shortlisted": [suppliers[applications[alias].supplier].ref for alias in panel.shortlist],
                "places": challenge.places,
                "rules": list(panel.rules),
            },
            about=await ancestors(challenge),
            private={"note": note, "ranking": _kept(panel, applications)},
            organisation=hat.organisation_ref,
        )
    return challenge


async def reckoning(challenge: Challenge, note: str = "") -> rules.Reckoning:
    """What short-listing looks at now: what the panel still owes, and where the evaluators lie far apart."""
    gaps = await open_points(challenge)
    apart: list[str] = []
    if not gaps and challenge.shortlisted_at is None:
        for standing in (await ranking(challenge)).standings:
            apart += [f"{standing.alias} on {criterion}" for criterion in standing.apart]
    return rules.Reckoning(challenge, gaps, apart, note, clock.now())


async def open_points(challenge: Challenge) -> tuple[str, ...]:
    """What keeps the panel from ranking, as sentences with names."""
    if not await live_applications(challenge):
        return ()
    sentences: list[str] = []
    for each in await progress(challenge):
        sentences += each.missing
    if sentences:
        return tuple(sentences)
    criteria, aliases, evaluators, marks, conflicts = await _matter(challenge)
    return scoring.gaps(criteria, aliases, evaluators, marks, conflicts)


async def ranking(challenge: Challenge) -> scoring.Panel:
    """The panel's ranking as it stands; refused (ValueError) while it has gaps. With no application it is empty."""
    criteria, aliases, evaluators, marks, conflicts = await _matter(challenge)
    return scoring.rank(criteria, aliases, evaluators, marks, conflicts, challenge.places)


async def readable(actor: Actor, challenge: Challenge) -> list[Reading]:
    """Every application of a challenge that this person may read; each reading is written down."""
    found = []
    rows = (
        await Application.objects()
        .where(Application.challenge == challenge.id)
        .order_by(Application.alias, Application.ref)
    )
    for row in rows:
        try:
            found.append(await read(actor, row.ref))
        except NotFound:
            continue
    return found


async def desk(actor: Actor, challenge: Challenge) -> Desk:
    """What concerns this person about the panel; whoever is neither officer nor member is told nothing."""
    seat = await membership(actor, challenge)
    officer = actor.wears("buyer", organisation=challenge.buyer)
    if officer is None and seat is None:
        raise NotFound("Panel")
    closed = rules.stage(challenge, clock.now()) == "closed"
    marking = seat is not None and closed and bool(actor.wears("evaluator", "buyer", organisation=challenge.buyer))
    return Desk(
        seat,
        await progress(challenge) if officer else [],
        await open_points(challenge) if officer and closed else (),
        await applicants_of(challenge) if marking and seat is not None and seat.declared_at is None else [],
        await to_mark(challenge, seat) if marking and seat is not None else [],
        await unmarked(challenge, seat) if marking and seat is not None else [],
    )


async def progress(challenge: Challenge) -> list[Progress]:
    """How far each member of the panel is."""
    found = []
    for evaluator in await panel_of(challenge):
        person = await find(Person, Person.id == evaluator.person)
        missing: list[str] = []
        if evaluator.declared_at is None:
            missing.append(f"{person.name} has not declared her or his interests.")
        elif evaluator.submitted_at is None:
            left = len(await unmarked(challenge, evaluator))
            missing.append(
                f"{person.name} has still to mark {left} {'application' if left == 1 else 'applications'}."
                if left
                else f"{person.name} has marked everything and not handed in."
            )
        found.append(Progress(evaluator, person, tuple(missing)))
    return found


async def feedback(challenge: Challenge, application: Application) -> list[Feedback]:
    """What an application got, criterion by criterion, with every evaluator's reason and no evaluator's name; empty
    before the short list."""
    if challenge.shortlisted_at is None or not application.alias:
        return []
    panel = await ranking(challenge)
    standing = next((each for each in panel.standings if each.alias == application.alias), None)
    if standing is None:
        return []
    counted = [int(each) for each in standing.evaluators]
    scores = (
        await Score.objects()
        .where((Score.application == application.id) & Score.evaluator.is_in(counted))
        .order_by(Score.evaluator)
    )
    by_ref = {each.ref: each.id for each in await criteria_of(challenge)}
    return [
        Feedback(
            line.name,
            line.says,
            tuple((each.points, each.reason) for each in scores if each.criterion == by_ref[line.criterion]),
        )
        for line in standing.lines
    ]


# ── reads ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def candidates(challenge: Challenge) -> list[dict[str, Any]]:
    """The buyer's people who may sit on the panel (id, ref, name): evaluators and officers, by name."""
    now = clock.now()
    return await many(
        "SELECT DISTINCT p.id, p.ref, p.name FROM membership m JOIN person p ON p.id = m.person WHERE m.organisation = {} "
        "AND m.role IN ('buyer', 'evaluator') AND m.since <= {} AND (m.until IS NULL OR m.until > {}) "
        "AND p.closed_at IS NULL ORDER BY p.name, p.id",
        challenge.buyer,
        now,
        now,
    )


async def membership(actor: Actor, challenge: Challenge) -> Evaluator | None:
    """The actor's seat on the panel, None without one."""
    if actor.person is None:
        return None
    return await maybe(
        Evaluator,
        (Evaluator.challenge == challenge.id) & (Evaluator.person == actor.person) & Evaluator.excused_at.is_null(),
    )


async def applicants_of(challenge: Challenge) -> list[Organisation]:
    """Who applied, by name in the order of the alphabet; for the declaration, and never before the closing."""
    insist((rules.has_closed,), challenge, clock.now())
    found = await names([each.supplier for each in await live_applications(challenge)])
    return sorted(found.values(), key=lambda each: each.name.casefold())


async def to_mark(challenge: Challenge, evaluator: Evaluator) -> list[Application]:
    """The applications an evaluator may see, in the order of their aliases: none before she has declared."""
    if evaluator.declared_at is None:
        return []
    barred = await _barred(evaluator)
    return [each for each in await live_applications(challenge) if each.supplier not in barred]


async def marks_by(evaluator: Evaluator, application: Application | None = None) -> list[Score]:
    """The marks an evaluator has given (to one application)."""
    query = Score.objects().where(Score.evaluator == evaluator.id)
    return await (query.where(Score.application == application.id) if application else query)


async def unmarked(challenge: Challenge, evaluator: Evaluator) -> list[str]:
    """The aliases an evaluator has not marked on every criterion."""
    whole = await Criterion.count().where(Criterion.challenge == challenge.id)
    given: dict[int, int] = {}
    for mark in await marks_by(evaluator):
        given[mark.application] = given.get(mark.application, 0) + 1
    return [each.alias for each in await to_mark(challenge, evaluator) if given.get(each.id, 0) < whole]


# ── the pieces ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def _on_the_panel(actor: Actor, ref: str) -> tuple[Challenge, Evaluator]:
    """The challenge and the actor's seat, both locked; who has no seat is told nothing."""
    challenge = await find(Challenge, Challenge.ref == ref, lock=True)
    person = actor.must_be_person()
    evaluator = await find(
        Evaluator,
        (Evaluator.challenge == challenge.id) & (Evaluator.person == person) & Evaluator.excused_at.is_null(),
        lock=True,
    )
    _acting_for(actor, challenge)
    return challenge, evaluator


def _acting_for(actor: Actor, challenge: Challenge) -> Hat:
    return actor.must_wear("evaluator", "buyer", organisation=challenge.buyer, secret=True)


async def _reading(actor: Actor, challenge: Challenge, application: Application) -> Reading:
    if actor.wears(*SUPPLIER_ROLES, organisation=application.supplier):
        return Reading(application, challenge, "own", (await names([application.supplier]))[application.supplier])
    stage = rules.stage(challenge, clock.now())
    evaluator = await membership(actor, challenge)
    seated = evaluator is not None and actor.wears("evaluator", "buyer", organisation=challenge.buyer)
    if (
        stage == "closed"
        and evaluator is not None
        and seated
        and application.id in {each.id for each in await to_mark(challenge, evaluator)}
    ):
        return Reading(application, challenge, "panel", None, evaluator)
    known = challenge.shortlisted_at is not None and application.withdrawn_at is None
    if known and (
        actor.wears("buyer", "evaluator", organisation=challenge.buyer) or actor.wears("auditor", "operator")
    ):
        supplier = (await names([application.supplier]))[application.supplier]
        return Reading(application, challenge, "all", supplier, evaluator)
    raise NotFound("Application")


async def _read_before(actor: Actor, ref: str) -> bool:
    return await Event.exists().where(
        (Event.subject == f"application:{ref}") & (Event.verb == "application.read") & (Event.actor == actor.ref)
    )


async def _deal(challenge: Challenge) -> None:
    applications = await live_applications(challenge)
    if not applications or any(each.alias for each in applications):
        return
    dealt = scoring.aliases([each.ref for each in applications], secrets.token_hex(32))
    for each in applications:
        each.alias = dealt[each.ref]
        await each.save([Application.alias])


async def _barred(evaluator: Evaluator) -> set[int]:
    """The ids of the suppliers an evaluator has an interest in."""
    if not evaluator.conflicts:
        return set()
    rows = await Organisation.select(Organisation.id).where(Organisation.ref.is_in(list(evaluator.conflicts)))
    return {row["id"] for row in rows}


async def _mark(evaluator: Evaluator, application: Application, criterion: Criterion, given: MarkGiven) -> None:
    row = await maybe(
        Score,
        (Score.evaluator == evaluator.id) & (Score.application == application.id) & (Score.criterion == criterion.id),
    )
    if row is None:
        row = Score(evaluator=evaluator.id, application=application.id, criterion=criterion.id, at=clock.now())
    row.points, row.reason, row.at = given.points, given.reason.strip(), clock.now()
    await row.save()


async def _matter(
    challenge: Challenge,
) -> tuple[list[scoring.Criterion], list[str], list[str], list[scoring.Mark], Mapping[str, list[str]]]:
    """What the reckoning needs: evaluators and criteria by id and reference, applications by alias."""
    criteria = await criteria_of(challenge)
    applications = await live_applications(challenge)
    evaluators = await panel_of(challenge)
    alias = {each.id: each.alias for each in applications}
    refs = {each.id: each.ref for each in criteria}
    marks = [
        scoring.Mark(str(evaluator.id), alias[mark.application], refs[mark.criterion], mark.points)
        for evaluator in evaluators
        for mark in await marks_by(evaluator)
        if mark.application in alias
    ]
    conflicts = {}
    for evaluator in evaluators:
        barred = await _barred(evaluator)
        conflicts[str(evaluator.id)] = [each.alias for each in applications if each.supplier in barred]
    return (
        [scoring.Criterion(each.ref, each.name, each.weight) for each in criteria],
        list(alias.values()),
        [str(each.id) for each in evaluators],
        marks,
        conflicts,
    )


def _kept(panel: scoring.Panel, applications: Mapping[str, Application]) -> list[Plain]:
    return [
        {
            "application": applications[each.alias].ref,
            "alias": each.alias,
            "rank": each.rank,
            "total": shown(each.total),
            "shortlisted": each.shortlisted,
        }
        for each in panel.standings
    ]


async def _tell_result(
    challenge: Challenge, application: Application, panel: scoring.Panel, standing: scoring.Standing
) -> None:
    money: Money = fee(challenge)
    await tell(
        application.supplier,
        "challenges/shortlisted.txt" if standing.shortlisted else "challenges/not-shortlisted.txt",
        roles=SUPPLIER_ROLES,
        about=f"application:{application.ref}",
        title=challenge.title,
        ref=challenge.ref,
        application=application.ref,
        fee=money,
        fee_days=policy.UK.payments.pitch_fee_days,
        pitches_by=challenge.pitches_by,
        applications=len(panel.standings),
        invited=len(panel.shortlist),
        places=challenge.places,
        rank=standing.rank,
        total=shown(standing.total),
        evaluators=len(standing.evaluators),
        lines=await feedback(challenge, application),
        rules=panel.rules,
        note=challenge.panel_note,
    )
