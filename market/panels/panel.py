"""A panel as it stands: its members, what each may see and has marked, what it still owes, and where it disagrees.

Panels stand below the records they judge for. So the floors above say what is judged (`matter.Matter`), and a panel
is read beside it from the database once (:func:`of`) and then reckoned without it: page, API and decision see the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from market import drafts, policy
from market.accounts.marks import marks_of
from market.db import maybe
from market.panels import arithmetic, rules
from market.panels.matter import Criterion, Matter, Subject
from market.panels.tables import Consensus, Seat
from market.reads import rows
from market.refusals import refusals
from market.wording import _


@dataclass(frozen=True, slots=True)
class Member:
    """A seat with the reference and name of who sits on it, and what stands beside the name."""

    seat: Seat
    ref: str
    name: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """A mark with its reason."""

    points: int
    reason: str

    @property
    def word(self) -> str:
        """What the mark means."""
        return arithmetic.word(self.points)


def field(what: str, criterion: str) -> str:
    """The name of the field in which the points or the reason for a criterion (its reference) are typed."""
    return f"{what}_{criterion.replace('-', '_')}"


@dataclass(frozen=True, slots=True)
class Kept:
    """A sheet as it is kept: marks by the criterion's reference."""

    marks: Mapping[str, Given]

    @property
    def version(self) -> str:
        """What a change of it is written from."""
        return drafts.version_of("marks", self.shown) if self.marks else drafts.NOTHING

    @property
    def shown(self) -> dict[str, Any]:
        """The marks by the names of the fields in which they are typed."""
        return {
            name: value
            for criterion, mark in self.marks.items()
            for name, value in ((field("points", criterion), mark.points), (field("reason", criterion), mark.reason))
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """A criterion on which the marks for one thing lie far apart."""

    subject: Subject
    criterion: Criterion
    marks: tuple[int, ...]

    @property
    def says(self) -> str:
        """Where it is, in words, without the marks."""
        return _("{thing} on {criterion}", thing=self.subject.name, criterion=self.criterion.name)


NOTHING = Kept({})
"""The sheet of what was not marked."""


class Candidate(msgspec.Struct, frozen=True):
    """Somebody who may sit on the panel, with her office."""

    id: int
    ref: str
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel with everything it has done; `sheets` by seat and subject."""

    matter: Matter
    members: Sequence[Member]
    sheets: Mapping[tuple[int, str], Kept]
    consensus: Consensus | None

    @property
    def active(self) -> list[Member]:
        """The members who were not excused."""
        return [member for member in self.members if member.seat.excused_at is None]

    @property
    def leaving(self) -> list[tuple[str, str]]:
        """Who may still be excused, as choices: those who have not handed in."""
        return [(member.ref, member.name) for member in self.active if not member.seat.locked_at]

    def choices(self, candidates: Sequence[Candidate]) -> list[tuple[str, str]]:
        """Those of the candidates who are not on the panel yet, with what they are, to choose from."""
        taken = {member.ref for member in self.active}
        return [
            (person.ref, f"{person.name}, {person.title}" if person.title else person.name)
            for person in candidates
            if person.ref not in taken
        ]

    def member(self, person: int | None) -> Member | None:
        """The member who is this person, excused ones too."""
        return next((member for member in self.members if person is not None and member.seat.person == person), None)

    def interests(self, member: Member) -> str:
        """The names of the suppliers a member declared an interest in."""
        return ", ".join(self.matter.suppliers.get(ref, ref) for ref in member.seat.conflicts)

    def sheet(self, member: Member | None, subject: Subject) -> Kept:
        """What a member gave a thing so far."""
        return self.sheets.get((member.seat.id, subject.ref), NOTHING) if member else NOTHING

    def judges(self, subject: Subject) -> list[Member]:
        """Whose marks for a thing count: members who declared, without an interest in its supplier."""
        return [
            member
            for member in self.active
            if member.seat.declared_at and subject.supplier not in member.seat.conflicts
        ]

    def to_mark(self, member: Member) -> list[Subject]:
        """What a member marks: nothing before she has declared, and nothing of a supplier she has an interest in."""
        return [
            subject
            for subject in self.matter.subjects
            if member in self.judges(subject) and subject.readable and subject.criteria and not subject.closed
        ]

    def unmarked(self, member: Member) -> list[Subject]:
        """What a member has not marked on every criterion."""
        return [
            subject
            for subject in self.to_mark(member)
            if set(self.sheet(member, subject).marks) < {criterion.ref for criterion in subject.criteria}
        ]

    def missing(self, member: Member) -> str:
        """What a member still owes, in a sentence; empty when nothing."""
        if member.seat.declared_at is None:
            return _("{name} has not declared her or his interests.", name=member.name)
        left = self.unmarked(member)
        if not left and member.seat.locked_at is not None:
            return ""
        if not left:
            return _("{name} has not handed in.", name=member.name)
        what = self.matter.what.removesuffix("s") if len(left) == 1 else self.matter.what
        return _("{name} has still to mark {number} {things}.", name=member.name, number=len(left), things=what)

    def gaps(self) -> list[str]:
        """What keeps the marks from being reckoned, in sentences."""
        judged = [subject for subject in self.matter.subjects if subject.readable]
        if not judged:
            return []
        least = policy.IN_FORCE.panels.evaluators_minimum
        there = len(self.active)
        say = _("Name at least {least} evaluators; {there} on the panel now.", least=least, there=there)
        owed = [say] if there < least else []
        owed += [sentence for member in self.active if (sentence := self.missing(member))]
        if owed:
            return owed
        lonely = [each.name for each in judged if each.criteria and len(self.judges(each)) < least]
        names = ", ".join(dict.fromkeys(lonely))
        say = _("Fewer than {least} evaluators without a conflict of interest for: {names}.", least=least, names=names)
        return [say] if lonely else []

    def apart(self) -> list[Difference]:
        """Where the marks lie far apart; nothing before everybody has locked hers, so that nobody bends to another's."""
        if not self.locked:
            return []
        return [
            Difference(subject, criterion, tuple(marks))
            for subject in self.matter.subjects
            for criterion in subject.criteria
            if arithmetic.apart(marks := sorted(each.points for each in self.marks(subject, criterion.ref)))
        ]

    def waiting(self) -> list[str]:
        """What the panel owes before anything is ranked or any price is shown, in sentences."""
        return [refusal.reason for refusal in refusals(rules.READY, self.readiness())]

    def readiness(self) -> rules.Readiness:
        """What the rules judge before anything is ranked."""
        note = self.consensus.note if self.consensus else ""
        return rules.Readiness(self.gaps(), [difference.says for difference in self.apart()], note)

    @property
    def begun(self) -> bool:
        """Whether who joins now joins late: it is open, and another was named before that or has declared since."""
        opened = self.matter.opened_at
        seats = [member.seat for member in self.members]
        return opened is not None and any(seat.declared_at or seat.named_at < opened for seat in seats)

    @property
    def locked(self) -> bool:
        """Whether there was something to judge, and every mark it needs is given and locked."""
        return any(subject.readable for subject in self.matter.subjects) and not self.gaps()

    def marks(self, subject: Subject, criterion: str) -> list[Given]:
        """The marks that count for one criterion (its reference), each with its reason and without a name."""
        sheets = (self.sheet(member, subject) for member in self.judges(subject))
        return [sheet.marks[criterion] for sheet in sheets if criterion in sheet.marks]


class Judge(msgspec.Struct, frozen=True):
    """A person who has a seat."""

    id: int
    ref: str
    name: str


class Marked(msgspec.Struct, frozen=True):
    """One mark of the sheet of one seat."""

    seat: int
    subject: str
    criterion: str
    points: int
    reason: str


async def of(matter: Matter) -> Panel:
    """The panel of a matter as it stands."""
    seats = await Seat.objects().where(Seat.panel == matter.about).order_by(Seat.id)
    people = {
        each.id: each
        for each in await rows(
            Judge, "SELECT id, ref, name FROM person WHERE id = ANY({}::int[])", [seat.person for seat in seats]
        )
    }
    marked = await marks_of(matter.organisation)
    marks: dict[tuple[int, str], dict[str, Given]] = {}
    for each in await rows(
        Marked,
        """
        SELECT s.seat, s.subject, m.criterion, m.points, m.reason FROM sheet s JOIN mark m ON m.sheet = s.id
        WHERE s.seat = ANY({}::int[]) ORDER BY m.id
        """,
        [seat.id for seat in seats],
    ):
        marks.setdefault((each.seat, each.subject), {})[each.criterion] = Given(each.points, each.reason)
    return Panel(
        matter,
        [
            Member(seat, people[seat.person].ref, people[seat.person].name, marked.get(people[seat.person].ref, ""))
            for seat in seats
        ],
        {place: Kept(given) for place, given in marks.items()},
        await maybe(Consensus, Consensus.panel == matter.about),
    )
