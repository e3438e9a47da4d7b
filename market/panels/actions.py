"""Naming and excusing, declaring, marking, handing in, and what a panel says where its marks lie far apart.

Every action takes the panel as something still to be convened: the floor above finds and locks its record then, inside the
action's transaction, so that what is judged is what was locked. `judging.panel(ref)` and `evaluation.panel(ref)` are such.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import Meta

from market import clock, drafts, policy
from market.accounts.edits import Trace, must_have_seen
from market.accounts.people import tell, tell_person
from market.actor import BUYER_ROLES, Actor, Role
from market.audit.actions import record
from market.db import transaction
from market.hands import readers as hands
from market.hands.rules import Doing
from market.panels import rules
from market.panels.matter import Matter, Subject
from market.panels.panel import Candidate, Given, Kept, Member, Panel, field
from market.panels.tables import Consensus, Mark, Seat, Sheet
from market.proof.canonical import Plain
from market.reads import row, rows, the
from market.refusals import NotFound, Refusal, Refused, insist, refusals
from market.wording import N_

ROLES: tuple[Role, ...] = ("evaluator", "buyer")
"""Who of the buyer may sit on a panel; whoever no longer has one of these roles there judges nothing."""


Convening: TypeAlias = Callable[[], Awaitable[Panel]]
"""Finds a record, locks it until the transaction ends, and answers its panel."""


class Naming(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to put on a panel (a person's reference), and why when its work has begun."""

    person: Annotated[str, Meta(title=N_("Evaluator"), min_length=3, max_length=16)]
    reason: Annotated[str, Meta(title=N_("Why only now"), max_length=1000)] = ""


class Excuse(msgspec.Struct, forbid_unknown_fields=True):
    """Who leaves a panel (a person's reference), and why."""

    member: Annotated[str, Meta(title=N_("Evaluator who leaves"), min_length=3, max_length=16)]
    because: Annotated[str, Meta(title=N_("Why she leaves"), max_length=4000)]


class Interests(msgspec.Struct, forbid_unknown_fields=True):
    """The suppliers (by reference) that an evaluator has an interest in, and what it is. A statement without a supplier is
    an interest she does not hold to be a conflict."""

    conflicts: Annotated[
        list[Annotated[str, Meta(max_length=16)]], Meta(title=N_("Suppliers you have an interest in"), max_length=1000)
    ] = msgspec.field(default_factory=list)
    statement: Annotated[str, Meta(title=N_("What the interest is"), max_length=2000)] = ""


class Declaration(Interests):
    """What an evaluator declares. `declared` confirms that this is all of it."""

    declared: bool = False


class MarkGiven(msgspec.Struct, forbid_unknown_fields=True):
    """Points from 0 to the policy's highest for one criterion (its reference), and the reason that the supplier will read."""

    criterion: Annotated[str, Meta(max_length=16)]
    points: int
    reason: Annotated[str, Meta(max_length=4000)]


class Marks(msgspec.Struct, forbid_unknown_fields=True):
    """An evaluator's marks for one thing: one for each criterion."""

    marks: Annotated[list[MarkGiven], Meta(max_length=50)]


class ConsensusDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What the panel says where its marks lie far apart."""

    note: Annotated[str, Meta(title=N_("Why the marks lie far apart"), min_length=1, max_length=4000)]


# ── who sits ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def name(actor: Actor, convene: Convening, given: Naming) -> Seat:
    """The buyer puts one of its evaluators or officers on a panel; she is told by letter once the record is public."""
    async with transaction():
        panel = await convene()
        _officer(actor, panel.matter)
        person = next((row for row in await candidates(panel.matter) if row.ref == given.person), None)
        known = panel.member(person.id) if person else None
        seat = known.seat if known else None
        insist(
            rules.NAME,
            rules.Naming(panel.matter, seat, person is not None, panel.begun, panel.locked, given.reason),
        )
        insist(rules.JUDGE, await _doing(panel.matter, given.person))
        if person is None:
            raise NotFound("Person")
        if seat is None:
            seat = Seat(panel=panel.matter.about, person=person.id, named_at=clock.now(), named_by=0)
        seat.named_at, seat.named_by, seat.named_because = clock.now(), actor.must_be_person(), given.reason.strip()
        seat.excused_at, seat.excused_because, seat.begun_told_at = None, "", None
        await seat.save()
        if not panel.matter.draft:
            await _tell(seat, "panels/named.txt", panel.matter)
        await _record(actor, "panel.named", panel.matter, {"evaluator": given.person}, {"reason": seat.named_because})
    return seat


async def excuse(actor: Actor, convene: Convening, given: Excuse) -> Seat:
    """The buyer excuses a member who has not handed in; her marks do not count."""
    async with transaction():
        panel = await convene()
        _officer(actor, panel.matter)
        known = next((member for member in panel.members if member.ref == given.member), None)
        seat = known.seat if known else None
        insist(rules.EXCUSE, rules.Naming(panel.matter, seat, True, False, panel.locked, given.because))
        if seat is None:
            raise NotFound("Seat")
        seat.excused_at, seat.excused_because = clock.now(), given.because.strip()
        await seat.save([Seat.excused_at, Seat.excused_because])
        if not panel.matter.draft:
            await _tell(seat, "panels/excused.txt", panel.matter)
        await _record(
            actor, "panel.excused", panel.matter, {"evaluator": given.member}, {"reason": seat.excused_because}
        )
    return seat


async def candidates(matter: Matter) -> list[Candidate]:
    """The buyer's people who may sit on the panel, by name: evaluators and officers."""
    now = clock.arrived()
    return await rows(
        Candidate,
        """
        SELECT id, ref, name, title FROM (
          SELECT DISTINCT ON (p.id) p.id, p.ref, p.name, m.title FROM membership m JOIN person p ON p.id = m.person
          WHERE m.organisation = {} AND m.role = ANY({}::text[]) AND m.since <= {} AND (m.until IS NULL OR m.until > {})
            AND p.closed_at IS NULL
          ORDER BY p.id, m.id
        ) candidate
        ORDER BY name, id
        """,
        matter.organisation,
        list(ROLES),
        now,
        now,
    )


# ── declaring, marking, handing in ──────────────────────────────────────────────────────────────────────────────────


async def declare(actor: Actor, convene: Convening, given: Declaration, seen: str) -> Seat:
    """A member declares her interests against the names of those who sent something, or that she has none; until she hands in
    she adds to them from the version of her :class:`Interests` that was `seen`. What she marked of a supplier she names now
    is removed."""
    async with transaction():
        panel = await convene()
        seat = seated(actor, panel).seat
        named = list(dict.fromkeys(given.conflicts))
        facts = rules.Declaring(panel.matter, seat, named, given.statement, given.declared)
        insist(rules.DECLARE, facts)
        stored = drafts.stored(Interests, seat)
        trace = Trace("panel.declared", panel.matter.about, {"evaluator": actor.ref})
        await must_have_seen(seen, drafts.version(Interests, seat), stored, trace)
        insist(rules.DECLARATION, facts)
        interests = drafts.part(Interests, given)
        await drafts.keep(interests, seat, conflicts=named, statement=given.statement.strip())
        seat.declared_at = clock.now()
        await seat.save([Seat.declared_at])
        touched = [subject.ref for subject in panel.matter.subjects if subject.supplier in named]
        for sheet in await Sheet.objects().where((Sheet.seat == seat.id) & Sheet.subject.is_in(touched or [""])):
            await Mark.delete().where(Mark.sheet == sheet.id)
            await sheet.remove()
        await _record(
            actor,
            "panel.declared",
            panel.matter,
            {"conflicts": len(named), "evaluator": actor.ref},
            {"suppliers": list(named), "statement": seat.statement},
        )
    return seat


async def mark(actor: Actor, convene: Convening, ref: str, given: Marks, seen: str) -> str:
    """A member marks a thing (its `kind:reference`) on every criterion, with a reason for each; again until she hands in.
    `seen` is the version of the marks they were changed from; answers that of those kept now."""
    async with transaction():
        panel = await convene()
        member, subject = visible(actor, panel, ref)
        marks = {each.criterion: (each.points, each.reason.strip()) for each in given.marks}
        facts = rules.Marking(panel.matter, member.seat, subject, marks)
        insist(rules.MARK, facts)
        insist(rules.JUDGE, await _doing(panel.matter, actor.ref))
        wrong = [*refusals(rules.SHEET, facts), *mistakes(subject, marks)]
        if wrong:
            raise Refused(*wrong, status=422)
        kept = panel.sheet(member, subject)
        await must_have_seen(seen, kept.version, kept.shown, Trace("panel.marked", ref, {"evaluator": actor.ref}))
        sheet = await Sheet.objects().get((Sheet.seat == member.seat.id) & (Sheet.subject == ref))
        sheet = sheet or Sheet(seat=member.seat.id, subject=ref, at=clock.now())
        sheet.at = clock.now()
        await sheet.save()
        await Mark.delete().where(Mark.sheet == sheet.id)
        for criterion, (points, reason) in marks.items():
            await Mark.insert(Mark(sheet=sheet.id, criterion=criterion, points=points, reason=reason))
        told: dict[str, Plain] = {key: {"points": points, "reason": why} for key, (points, why) in marks.items()}
        public: dict[str, Plain] = {"criteria": len(marks), "evaluator": actor.ref}
        await _record(actor, "panel.marked", panel.matter, public, {"marks": told}, subject=ref)
    return Kept({criterion: Given(*each) for criterion, each in marks.items()}).version


async def lock(actor: Actor, convene: Convening) -> Seat:
    """A member hands in: her marks are locked. The buyer is told when she was the last."""
    async with transaction():
        panel = await convene()
        member = seated(actor, panel)
        missing = [subject.name for subject in panel.unmarked(member)]
        insist(rules.LOCK, rules.Locking(panel.matter, member.seat, missing))
        insist(rules.JUDGE, await _doing(panel.matter, actor.ref))
        member.seat.locked_at = clock.now()
        await member.seat.save([Seat.locked_at])
        if all(each.seat.locked_at for each in panel.active):
            await tell(
                panel.matter.organisation,
                "panels/complete.txt",
                roles=BUYER_ROLES,
                about=panel.matter.about,
                matter=panel.matter,
                waiting=panel.waiting(),
            )
        await _record(actor, "panel.submitted", panel.matter, {"marked": len(panel.to_mark(member))})
    return member.seat


async def explain(actor: Actor, convene: Convening, given: ConsensusDraft, seen: str) -> Consensus:
    """The buyer's officer or a member writes down what the panel says where its marks lie far apart, from the version of
    it that was `seen`."""
    async with transaction():
        panel = await convene()
        matter = panel.matter
        if not actor.wears(*BUYER_ROLES, organisation=matter.organisation):
            seated(actor, panel)
        insist(rules.EXPLAIN, rules.Explaining(matter, panel.locked, speaks(actor, panel)))
        row = panel.consensus
        stored = drafts.stored(ConsensusDraft, row) if row else {}
        trace = Trace("panel.explained", matter.about)
        await must_have_seen(seen, drafts.version(ConsensusDraft, row), stored, trace)
        row = row or Consensus(panel=matter.about, at=clock.now(), by=actor.must_be_person())
        row.at, row.by = clock.now(), actor.must_be_person()
        drafts.write(given, row)
        await row.save()
        await _record(actor, "panel.explained", matter, {}, {"note": row.note})
    return row


# ── letters that others send ────────────────────────────────────────────────────────────────────────────────────────


async def tell_named(panel: Panel) -> None:
    """When a draft becomes public: write to those who were named in it what they are asked to do."""
    for member in panel.active:
        await _tell(member.seat, "panels/named.txt", panel.matter)


async def tell_begun(panel: Panel) -> int:
    """When there is something to judge: write to those who were named before. Answers how many were told; whoever is named
    after it learns it with her naming."""
    opened = panel.matter.opened_at
    waiting = [
        member.seat
        for member in panel.active
        if opened and member.seat.named_at < opened and not member.seat.begun_told_at and not member.seat.locked_at
    ]
    for seat in waiting:
        seat.begun_told_at = clock.now()
        await seat.save([Seat.begun_told_at])
        await _tell(seat, "panels/begun.txt", panel.matter)
    return len(waiting)


async def tell_next_begun(kind: str, opened: str, convening: Callable[[str], Convening], *arguments: Any) -> int:
    """Part of a job: :func:`tell_begun` for the record that was opened longest ago and whose panel waits to be told. `opened`
    asks for `ref` and `opened_at` of all records of this kind that are open for their panels. Answers how many were told."""
    async with transaction():
        ref = await row(
            str,
            f"""
            SELECT o.ref FROM ({opened}) o WHERE EXISTS (
              SELECT 1 FROM seat s WHERE s.panel = {{}} || o.ref AND s.named_at < o.opened_at
              AND s.begun_told_at IS NULL AND s.excused_at IS NULL AND s.locked_at IS NULL
            )
            ORDER BY o.opened_at LIMIT 1 FOR UPDATE OF o SKIP LOCKED
            """,  # noqa: S608 - a query of the floor above, with its own arguments
            *arguments,
            f"{kind}:",
        )
        return await tell_begun(await convening(ref)()) if ref else 0


async def unlock(panel: Panel, template: str, **facts: Any) -> None:
    """Have everything marked again: every member's marks are unlocked, and she is told by this letter. Part of an action
    of the floor above, which writes down why."""
    for member in panel.active:
        member.seat.locked_at = None
        await member.seat.save([Seat.locked_at])
        await tell_person(member.seat.person, template, about=panel.matter.about, **facts)


async def release(panel: Panel, reason: str) -> None:
    """When what they were to judge is given up: write to the members that there is nothing more to do."""
    for member in panel.active:
        await _tell(member.seat, "panels/released.txt", panel.matter, reason=reason)


# ── the pieces ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def has_read(actor: Actor, ref: str) -> bool:
    """Whether the log knows that the actor has read what a panel judges (`bid:B-…`)."""
    verb = f"{ref.partition(':')[0]}.read"
    return await the(
        bool,
        "SELECT EXISTS (SELECT 1 FROM event WHERE subject = {} AND verb = {} AND actor = {})",
        ref,
        verb,
        actor.ref,
    )


async def write_down_reading(
    actor: Actor, verb: str, ref: str, locked: Callable[[], Awaitable[Any]], **said: Any
) -> None:
    """Record that somebody has read what a panel judges, once for each person: `locked` locks its row, so that two readings at
    the same moment are one."""
    await locked()
    if not await has_read(actor, ref):
        await record(actor, verb, ref, **said)


def seated(actor: Actor, panel: Panel) -> Member:
    """The actor's place on the panel; who has none, or is no longer of the buyer, is told nothing."""
    actor.must_be_person()
    member = panel.member(actor.person)
    if member is None:
        raise NotFound("Panel")
    actor.must_wear(*ROLES, organisation=panel.matter.organisation, secret=True)
    return member


def speaks(actor: Actor, panel: Panel) -> bool:
    """Whether the actor sees where the marks lie far apart, and may say why: an officer or member who has no interest in any
    of those who sent something."""
    member = panel.member(actor.person)
    if member and member.seat.conflicts:
        return False
    officer = actor.wears(*BUYER_ROLES, organisation=panel.matter.organisation) is not None
    return officer or (
        member in panel.active and actor.wears(*ROLES, organisation=panel.matter.organisation) is not None
    )


def visible(actor: Actor, panel: Panel, ref: str) -> tuple[Member, Subject]:
    """The actor's place and the thing of this `kind:reference`. Where things are read under aliases, one of a supplier she
    has an interest in does not exist for her: a refusal would tell her whose it is."""
    member, subject = seated(actor, panel), panel.matter.subject(ref)
    if subject is None or (panel.matter.blind and subject.supplier in member.seat.conflicts):
        raise NotFound("Subject")
    return member, subject


async def _doing(matter: Matter, person: str) -> Doing:
    """What somebody did to the record before she marks what was sent for it."""
    return await hands.doing("mark", person, matter.about, matter.organisation)


def _officer(actor: Actor, matter: Matter) -> None:
    actor.must_wear(*BUYER_ROLES, organisation=matter.organisation, secret=matter.draft)


def mistakes(subject: Subject, marks: dict[str, tuple[int, str]]) -> list[Refusal]:
    """What is wrong with single marks, each reason beside the field in which it was typed."""
    return [
        replace(
            refusal,
            reason=f"{criterion.name}: {refusal.reason}",
            field=field(refusal.field or "points", criterion.ref),
        )
        for criterion in subject.criteria
        if criterion.ref in marks
        for refusal in refusals(rules.EACH_MARK, *marks[criterion.ref])
    ]


async def _tell(seat: Seat, template: str, matter: Matter, **facts: Any) -> None:
    await tell_person(
        seat.person,
        template,
        about=matter.about,
        matter=matter,
        seat=seat,
        highest=policy.IN_FORCE.panels.highest_mark,
        **facts,
    )


async def _record(
    actor: Actor,
    verb: str,
    matter: Matter,
    facts: dict[str, Plain],
    private: dict[str, Plain] | None = None,
    *,
    subject: str = "",
) -> None:
    """Write into the log, under a seal that is never broken for the public: who judges is nobody's business outside."""
    await record(
        actor,
        verb,
        subject or matter.about,
        facts,
        private=private,
        about=[*([matter.about] if subject else []), *matter.beside],
        organisation=matter.organisation_ref,
        sealed_by=f"evaluation:{matter.about}",
    )
