"""Who sits on a panel, when she declares, marks and hands in, and what a panel owes before anything is ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from market import policy
from market.hands import rules as hands
from market.panels.matter import Matter, Subject
from market.refusals import rule
from market.wording import N_, _

if TYPE_CHECKING:
    from market.panels.tables import Seat

REASON = 20
"""The fewest characters of a reason that somebody is owed."""

CONFLICTS = N_(
    "Procurement Act 2023 sections 81 to 83: conflicts of interest are identified, mitigated and kept on record"
)
FAIRNESS = N_("Procurement Act 2023 section 12: suppliers are treated alike")


@dataclass(frozen=True, slots=True)
class Naming:
    """What is known when somebody is named or excused. `qualified`: she is an evaluator or officer of the buyer; `seat` is
    hers, None when she was never named; `begun`: the work of the panel she would join has begun; `complete`: every mark it needs is locked."""

    matter: Matter
    seat: Seat | None
    qualified: bool
    begun: bool
    complete: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Declaring:
    """What is known when a member declares: the suppliers she names, what she says, whether she confirms."""

    matter: Matter
    seat: Seat
    conflicts: Sequence[str]
    statement: str
    declared: bool


@dataclass(frozen=True, slots=True)
class Marking:
    """What is known when a member reads or marks something. `marks` are points and reasons by criterion."""

    matter: Matter
    seat: Seat
    subject: Subject
    marks: Mapping[str, tuple[int, str]]


@dataclass(frozen=True, slots=True)
class Locking:
    """What is known when a member hands in. `missing` names what she has not marked."""

    matter: Matter
    seat: Seat
    missing: Sequence[str]


@dataclass(frozen=True, slots=True)
class Explaining:
    """What is known when the panel says why its marks lie far apart. `locked`: everybody has handed in; `speaks`: who says it
    is an officer or on the panel, and has no interest in any of those who sent something."""

    matter: Matter
    locked: bool
    speaks: bool


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is known before anything is ranked: what members still owe, where their marks lie far apart, what they say."""

    gaps: Sequence[str]
    apart: Sequence[str]
    note: str


# Rules that several acts share take any of their facts: what they read of them has the same name in each.

# ── who sits ────────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("panel.settled")
def may_change(facts: Any) -> str | None:
    """Panel and marks stand once what they were for is decided or given up."""
    return facts.matter.settled or None


@rule("panel.not-of-the-buyer", field="person", source=FAIRNESS)
def is_of_the_buyer(facts: Naming) -> str | None:
    """A panel is made of the buyer's evaluators and officers: somebody answers for each of them."""
    return None if facts.qualified else _("Choose one of your organisation's evaluators or buyer officers.")


@rule("panel.drafted-it", field="person", source=FAIRNESS)
def did_not_write_it(doing: hands.Doing) -> str | None:
    """Who wrote the challenge or the tender does not mark what is sent for it."""
    return hands.both(doing)


@rule("panel.named-already", field="person")
def is_not_on_it(facts: Naming) -> str | None:
    """Somebody is named once."""
    return _("She is on this panel already.") if facts.seat and facts.seat.excused_at is None else None


@rule("panel.left-for-good", field="person", source=FAIRNESS)
def has_not_left(facts: Naming) -> str | None:
    """Who was excused after she had declared has seen what was sent, and does not come back to it."""
    left = facts.seat is not None and facts.seat.excused_at is not None and facts.seat.declared_at is not None
    return _("She was excused from this panel after she had begun, so she does not come back.") if left else None


@rule("panel.complete", source=FAIRNESS)
def is_not_complete(facts: Naming) -> str | None:
    """The panel is fixed once its marks are complete: nobody marks who could know what the others gave, or a price."""
    return _("Everybody on the panel has handed in, so it stands.") if facts.complete else None


@rule("panel.late-unexplained", field="reason", source=FAIRNESS)
def says_why_only_now(facts: Naming) -> str | None:
    """Whoever joins a panel whose work has begun is named with a reason that stays on record."""
    return (
        _("The panel's work has begun: say why she joins only now.")
        if facts.begun and not facts.reason.strip()
        else None
    )


@rule("panel.not-on-it")
def is_on_it(facts: Naming) -> str | None:
    """Only somebody who is on the panel can be excused."""
    return None if facts.seat and facts.seat.excused_at is None else _("She is not on this panel.")


@rule("panel.marks-count", source=FAIRNESS)
def has_not_handed_in(facts: Naming) -> str | None:
    """Marks that were handed in count: nobody is taken off a panel for what she marked."""
    return _("She has handed in her marks, so they count.") if facts.seat and facts.seat.locked_at else None


@rule("panel.excuse-unreasoned", field="because")
def says_why_she_leaves(facts: Naming) -> str | None:
    """Why somebody left the panel is written down."""
    return (
        None
        if len(facts.reason.strip()) >= REASON
        else _("Say why she leaves, in at least {least} characters.", least=REASON)
    )


# ── interests ───────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("panel.not-open", source=FAIRNESS)
def is_open(facts: Any) -> str | None:
    """Nobody at the buyer sees who has sent something, or how many have, before all of it is open at once."""
    if facts.matter.opened_at is None:
        return _("The {things} are not open yet. Declare when you can see who has sent one.", things=facts.matter.what)
    return None


@rule("panel.excused")
def is_still_on_it(facts: Any) -> str | None:
    """Who was excused declares, reads and marks nothing more."""
    return _("You were excused from this panel.") if facts.seat.excused_at else None


@rule("panel.locked")
def is_not_locked(facts: Any) -> str | None:
    """What was handed in stands, and so does what was declared before it."""
    return _("You have handed in, so your marks stand and what you declared too.") if facts.seat.locked_at else None


@rule("panel.interest-taken-back", field="conflicts", source=CONFLICTS)
def takes_no_interest_back(facts: Declaring) -> str | None:
    """An interest that was declared stays declared: another can be added until she hands in, none is talked away."""
    gone = [facts.matter.suppliers.get(ref, ref) for ref in facts.seat.conflicts if ref not in facts.conflicts]
    return _("You declared an interest in {names}; that stays.", names=", ".join(gone)) if gone else None


@rule("panel.supplier-unknown", field="conflicts")
def names_those_who_sent_something(facts: Declaring) -> str | None:
    """A conflict is with somebody who has sent something."""
    unknown = sorted(set(facts.conflicts) - set(facts.matter.suppliers))
    return _("These have sent nothing: {names}.", names=", ".join(unknown)) if unknown else None


@rule("panel.interest-unsaid", field="statement", source=CONFLICTS)
def says_what_the_interest_is(facts: Declaring) -> str | None:
    """Who declares a conflict says what it is, so that others can judge it."""
    unsaid = bool(facts.conflicts) and not facts.statement.strip()
    return _("Say what your interest in each of them is.") if unsaid else None


@rule("panel.declaration-missing", field="declared", source="Procurement Act 2023 section 83: conflicts assessment")
def declares_in_full(facts: Declaring) -> str | None:
    """An evaluator confirms that she named every interest she has; silence is not a declaration."""
    return None if facts.declared else _("Confirm that you have declared every interest you have.")


@rule("panel.undeclared", source=CONFLICTS)
def has_declared(facts: Any) -> str | None:
    """Nobody reads or marks before she has declared her interests, or that she has none."""
    return None if facts.seat.declared_at else _("First declare whether you have an interest in any of the suppliers.")


@rule("panel.interest-declared", source=CONFLICTS)
def has_no_interest(facts: Marking) -> str | None:
    """Who has an interest in a supplier neither reads nor marks what it sent."""
    barred = facts.subject.supplier in facts.seat.conflicts
    return _("You declared an interest in this supplier, so the others mark what it sent.") if barred else None


# ── marks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("panel.unreadable")
def can_be_read(facts: Marking) -> str | None:
    """What could not be read cannot be marked."""
    return None if facts.subject.readable else _("This could not be read, so there is nothing to mark.")


@rule("panel.subject-closed")
def is_not_closed(facts: Marking) -> str | None:
    """What was decided is marked no more while the decision stands."""
    return facts.subject.closed or None


@rule("panel.criterion-unknown")
def marks_the_criteria_alone(facts: Marking) -> str | None:
    """Marks are for the published criteria; a price is reckoned, not marked."""
    extra = sorted(set(facts.marks) - {criterion.ref for criterion in facts.subject.criteria})
    return _("These are not criteria to be marked: {names}.", names=", ".join(extra)) if extra else None


@rule("panel.criterion-missing")
def marks_every_criterion(facts: Marking) -> str | None:
    """A thing is marked as a whole, on every criterion."""
    missing = [criterion.name for criterion in facts.subject.criteria if criterion.ref not in facts.marks]
    return _("Mark every criterion: {names}.", names=", ".join(missing)) if missing else None


@rule("panel.mark-out-of-range", field="points", source=str(policy.number("panels.highest_mark").source))
def is_on_the_scale(points: int, reason: str) -> str | None:
    """Marks are whole numbers from 0 to the highest mark of the policy."""
    highest = policy.IN_FORCE.panels.highest_mark
    return None if 0 <= points <= highest else _("Enter a mark from 0 to {highest}.", highest=highest)


@rule(
    "panel.reason-missing",
    field="reason",
    source="Procurement Act 2023 section 50(3): the assessment summary gives the reasons for each score",
)
def has_a_reason(points: int, reason: str) -> str | None:
    """Every mark has a reason: the supplier will read it."""
    return None if reason.strip() else _("Say why, for the supplier to read.")


@rule("panel.marks-missing")
def has_marked_everything(facts: Locking) -> str | None:
    """Everything without a conflict is marked before marks are locked: silence is not a zero."""
    return _("Still to mark: {names}.", names="; ".join(facts.missing)) if facts.missing else None


# ── what the panel says together ────────────────────────────────────────────────────────────────────────────────────


@rule("panel.marks-open", source=FAIRNESS)
def marks_are_locked(facts: Explaining) -> str | None:
    """The panel talks about differences when all marks are locked, so that each was given independently."""
    return None if facts.locked else _("Write it when everybody on the panel has handed in.")


@rule("panel.not-impartial", source=CONFLICTS)
def is_impartial(facts: Explaining) -> str | None:
    """Who has an interest in one of those who sent something leaves it to the others to talk about the marks."""
    return (
        None if facts.speaks else _("You have an interest in one of them, or left the panel, so the others say this.")
    )


@rule("panel.not-done", source=str(policy.number("panels.evaluators_minimum").source))
def everybody_is_done(facts: Readiness) -> str | None:
    """Everybody has declared, marked all she may mark, and handed in; everything has enough evaluators."""
    return " ".join(facts.gaps) or None


@rule("panel.spread-unexplained", field="note", source=str(policy.number("panels.spread_points").source))
def differences_are_explained(facts: Readiness) -> str | None:
    """Where marks lie far apart the panel talks about it and says why before anything is ranked."""
    if facts.apart and not facts.note.strip():
        return _("The marks lie far apart: {where}. Talk about it and write down why.", where="; ".join(facts.apart))
    return None


NAME = (may_change, is_of_the_buyer, is_not_on_it, has_not_left, is_not_complete, says_why_only_now)
"""For `actions.name`."""
JUDGE = (did_not_write_it,)
"""For `actions.name`, `actions.mark` and `actions.lock`: whether she is somebody else than who wrote it."""
EXCUSE = (may_change, is_on_it, has_not_handed_in, says_why_she_leaves)
"""For `actions.excuse`."""
DECLARE = (may_change, is_open, is_still_on_it, is_not_locked)
"""For `actions.declare`: whether she declares now."""
DECLARATION = (
    takes_no_interest_back,
    names_those_who_sent_something,
    says_what_the_interest_is,
    declares_in_full,
)
"""For `actions.declare`: whether what she declares is whole."""
READ = (is_still_on_it, has_declared, has_no_interest)
"""For whatever a member of the panel reads."""
MARK = (may_change, is_open, *READ, is_not_locked, can_be_read, is_not_closed)
"""For `actions.mark`: whether she marks this now."""
SHEET = (marks_the_criteria_alone, marks_every_criterion)
"""For `actions.mark`: whether all criteria are marked and no other."""
EACH_MARK = (is_on_the_scale, has_a_reason)
"""For `actions.mark`: each mark by itself."""
LOCK = (may_change, is_open, is_still_on_it, has_declared, is_not_locked, has_marked_everything)
"""For `actions.lock`."""
EXPLAIN = (may_change, marks_are_locked, is_impartial)
"""For `actions.explain`."""
READY = (everybody_is_done, differences_are_explained)
"""For whatever is ranked by a panel's marks."""
