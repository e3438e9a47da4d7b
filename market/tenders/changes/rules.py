"""What a change to a published tender must say of itself, and what it may not do. Pure: facts in, reasons out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from market import dates, policy, workdays
from market.arrival import Arrival
from market.budgets import rules as budgets
from market.hands import rules as hands
from market.refusals import Denial, rule
from market.tenders import rules as tenders
from market.tenders.facts import Candidate
from market.tenders.periods import rules as periods
from market.wording import N_, _, together

Kind = Literal["clarification", "material", "deadline", "correction"]

KINDS: Final[dict[str, str]] = {
    "clarification": N_("Clarification"),
    "material": N_("Material change"),
    "deadline": N_("Later deadline"),
    "correction": N_("Correction of a slip"),
}
"""The word for each kind of change."""


class Line(msgspec.Struct, frozen=True):
    """One fact that a change changed: `of` is the reference of the tender, a lot or a criterion, `field` its name there; what
    stood there and what stands there now are written as text (money in minor units, moments as ISO 8601)."""

    of: str
    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Deadline:
    """How the deadline in force came to be: when it was set, what it was before (None: it is the first), and whether it
    corrected a slip itself."""

    set_at: datetime
    before: datetime | None
    corrected: bool


@dataclass(frozen=True, slots=True)
class Changing:
    """A tender as it is (`was`) and as the change would leave it (`then`), with what the buyer says of the change. `at` is when
    it arrived; `lines` are the facts that would differ, dates among them; `alters` is the buyer's answer to whether a bidder
    would have offered something else."""

    was: Candidate
    then: Candidate
    kind: Kind
    alters: bool
    at: Arrival
    lines: Sequence[Line]
    deadline: Deadline
    read: str
    """The last change that the buyer had read; empty when there was none."""
    last: str
    """The last change that there is."""

    @property
    def moves(self) -> bool:
        """Whether the deadline would be another one."""
        return self.then.tender.closes_at != self.was.tender.closes_at

    @property
    def earlier(self) -> bool:
        """Whether the deadline would be an earlier one."""
        new, old = self.then.tender.closes_at, self.was.tender.closes_at
        return new is not None and old is not None and new < old

    @property
    def terms(self) -> list[Line]:
        """What would differ of what is asked for, dates left out."""
        return [line for line in self.lines if line.of != self.was.tender.ref]


def unconfirms(changing: Changing) -> bool:
    """Whether bids that were sealed before count only when their suppliers confirm or replace them: after a material change, and
    when the deadline becomes an earlier one. Whether any was sealed is not asked, so that nobody learns it from the answer."""
    return changing.kind == "material" or changing.earlier


def reopened_until(questions_until: datetime | None, closes_at: datetime, at: datetime) -> datetime:
    """Until when questions are taken after a material change: the policy's share of what is left, never less than before, and
    early enough that the last answer is there in time."""
    least = workdays.questions_close_at(at, closes_at)
    return min(max(questions_until or least, least), last_question_at(closes_at))


def last_question_at(closes_at: datetime) -> datetime:
    """The latest moment until which questions may be taken before this deadline: the last answer is due then."""
    return workdays.answers_due_at(closes_at)


def as_if_published_so(changing: Changing) -> Candidate:
    """The tender as it would be, had its publication arrived so: what the rules of publication judge."""
    published = changing.was.tender.published_at
    return replace(changing.then, now=Arrival(published) if published else changing.was.now)


OFFICERS = (tenders.enough_officers_hold_a_code, tenders.codes_are_in_several_hands)
STILL = tuple(each for each in tenders.PUBLISH if each not in (tenders.draft_only, *OFFICERS, *budgets.NAMED))
"""The rules of publication that every change is judged by: all but those about what no change can change, that it is published
once, who opens the bids and what it is paid from; whether that is still enough is counted (`counting.keep`)."""


@rule("tender.closed-to-addenda")
def change_while_bids_are_taken(changing: Changing) -> str | None:
    """A tender changes only while suppliers can still act on the change."""
    if tenders.stage(changing.was.tender, changing.at) not in tenders.TAKING:
        return _("Bids are no longer taken, so nothing can be changed any more.")
    return None


@rule("tender.changed-since", field="text")
def what_is_changed_was_read(changing: Changing) -> str | None:
    """Who changes lots or dates has read the change before it: nobody takes back by oversight what a colleague changed."""
    if changing.lines and changing.read != changing.last:
        return _("Somebody else changed this tender meanwhile. Read that change first, then send yours again.")
    return None


@rule("tender.change-is-material", field="kind", source="Procurement Act 2023 section 31: modifying a procurement")
def what_alters_an_offer_is_material(changing: Changing) -> str | None:
    """What would have changed a bidder's offer is a material change, whatever it is called: what a lot is, its value, its codes
    and what bids are scored on."""
    if changing.kind == "material":
        return None
    if changing.terms:
        return _("What a lot asks for, its value, codes or criteria would change: call it a material change.")
    if changing.alters:
        return _("A bidder would have offered something else: call it a material change.")
    return None


@rule("tender.clarification-changes", field="kind")
def a_clarification_changes_nothing(changing: Changing) -> str | None:
    """A clarification explains what is published already. It changes no date, no lot and no criterion."""
    if changing.kind == "clarification" and changing.lines:
        return _("A clarification changes nothing. Say what kind of change this is, or leave the dates as they are.")
    return None


@rule("tender.deadline-missing", field="new_closes_at")
def names_its_deadline(changing: Changing) -> str | None:
    """A change of the deadline, and the correction of one, names the new deadline."""
    if changing.kind in ("deadline", "correction") and not changing.moves:
        return _("Say until when bids are taken now.")
    return None


@rule(
    "tender.deadline-earlier", field="new_closes_at", source="Procurement Act 2023 section 31: modifying a procurement"
)
def deadline_only_moves_later(changing: Changing) -> str | None:
    """A published deadline may be moved later, never earlier: somebody has planned by it. Only a slip is corrected, soon after."""
    if changing.kind != "correction" and changing.earlier:
        return _("The new deadline must be later than the present one, unless you correct a slip.")
    return None


@rule("tender.slip-not-earlier", field="kind")
def a_slip_is_corrected_to_an_earlier_deadline(changing: Changing) -> str | None:
    """The correction of a slip takes back a deadline that was set too late; a later one is moved as any other."""
    if changing.kind == "correction" and changing.moves and not changing.earlier:
        return _("The new deadline is later than the present one: that is a later deadline and corrects no slip.")
    return None


@rule("tender.slip-too-old", field="new_closes_at", source="Policy: tendering.slip_hours")
def a_slip_is_corrected_soon(changing: Changing) -> str | None:
    """A slip in the deadline is corrected within the policy's hours after it was published, and once."""
    if changing.kind != "correction" or not changing.earlier:
        return None
    if changing.deadline.corrected:
        return _("This deadline corrected a slip already. It can be moved later, but not back again.")
    hours = policy.IN_FORCE.tendering.slip_hours
    if changing.at > changing.deadline.set_at + timedelta(hours=hours):
        return _(
            "A slip can be corrected within {hours} hours, and this deadline was published on {day}. Cancel the tender if it cannot "
            "stay as it is.",
            hours=hours,
            day=dates.moment_zone(changing.deadline.set_at),
        )
    return None


@rule("tender.slip-too-short", field="new_closes_at", source="Procurement Act 2023 section 54(4)")
def a_corrected_deadline_leaves_the_time_of_the_law(changing: Changing) -> str | None:
    """A corrected deadline is never earlier than the one before the slip, nor than the law's shortest period counted from the
    correction."""
    closes = changing.then.tender.closes_at
    if changing.kind != "correction" or closes is None or not changing.earlier or changing.deadline.corrected:
        return None
    before, least = changing.deadline.before, periods.shortest(changing.then.tender)
    if before is not None and closes < before:
        return _(
            "The deadline before the slip was {before}. The corrected one must not be earlier.",
            before=dates.moment_zone(before),
        )
    if workdays.full_days_between(changing.at, closes) < least:
        day = dates.day(workdays.local_day(changing.at) + timedelta(days=least))
        return _(
            "From the correction on bids must be taken for at least {least} days: until {day} or later.",
            least=least,
            day=day,
        )
    return None


@rule("tender.change-too-late", field="new_closes_at", source="Policy: tendering.days_left_after_change")
def time_enough_after_a_change(changing: Changing) -> str | None:
    """After a change suppliers have a week to take it into account."""
    closes, least = changing.then.tender.closes_at, policy.IN_FORCE.tendering.days_left_after_change
    if closes is not None and workdays.full_days_between(changing.at, closes) < least:
        day = dates.day(workdays.local_day(changing.at) + timedelta(days=least))
        return _(
            "At least {least} days must be left after a change: move the deadline to {day} or later.",
            least=least,
            day=day,
        )
    return None


@rule(
    "tender.change-leaves-no-questions",
    field="new_closes_at",
    source=str(policy.number("questions.answer_working_days_before_close").source),
)
def questions_are_taken_again(changing: Changing) -> str | None:
    """After a material change questions are taken again, and the last answer is there in time."""
    until = changing.then.tender.questions_until
    if changing.kind == "material" and (until is None or until <= changing.at):
        return _("No time would be left for questions about the change and their answers. Move the deadline further.")
    return None


CHANGE = (
    change_while_bids_are_taken,
    what_is_changed_was_read,
    what_alters_an_offer_is_material,
    a_clarification_changes_nothing,
    names_its_deadline,
    deadline_only_moves_later,
    a_slip_is_corrected_to_an_earlier_deadline,
    a_slip_is_corrected_soon,
    a_corrected_deadline_leaves_the_time_of_the_law,
    time_enough_after_a_change,
    questions_are_taken_again,
)
"""For `changes.actions.change`, beside the rules of publication (`STILL`)."""


_NUMBER = re.compile(r"\d[\d,. ]*\d|\d")


def numbers_in(texts: Iterable[str]) -> set[str]:
    """The numbers that texts name, without what separates thousands."""
    return {re.sub(r"[,. ]", "", found) for text in texts for found in _NUMBER.findall(text)}


def new_numbers(text: str, published: Iterable[str]) -> list[str]:
    """The numbers a change names that stand nowhere in what was published: in a clarification they deserve a second look. Single
    digits are left out: they count lots and pages."""
    return sorted(number for number in numbers_in([text]) - numbers_in(published) if len(number) > 1)


@rule("tender.clarification-names-numbers", field="text", asks=True)
def a_clarification_names_no_new_numbers(kind: Kind, text: str, published: Sequence[str]) -> str | None:
    """A clarification that names numbers which stand nowhere in the tender is asked about once more: what asks for more is a
    material change. The question and its answer are in the log."""
    numbers = new_numbers(text, published) if kind == "clarification" else []
    if not numbers:
        return None
    return _(
        "Your clarification names {numbers}, which stands nowhere in the tender. Does it really change nothing that a bidder offers?",
        numbers=together(numbers),
    )


ASKED = (a_clarification_names_no_new_numbers,)
"""For `changes.actions.change`: what is asked once more, beside what is asked of dates and lots in a draft."""


# ── two people ─────────────────────────────────────────────────────────────────────────────────────────────────────

BY_TWO: Final[tuple[Kind, ...]] = ("material", "correction")
"""The kinds of change that a second person approves: those that make sealed bids unconfirmed."""


@dataclass(frozen=True, slots=True)
class Proposing:
    """What is known when somebody sends a change: its kind, and the change that waits for a second person (empty: none)."""

    kind: Kind
    waiting: str


@dataclass(frozen=True, slots=True)
class Deciding:
    """What is known when somebody decides about a proposed change: whether it was approved or left already, and what the
    table of hands is asked with."""

    approved: bool
    left: bool
    doing: hands.Doing


@rule("tender.change-needs-two", field="kind", source="Own default: one person alone makes no sealed bid unconfirmed")
def one_person_changes_no_offer(proposing: Proposing) -> str | None:
    """A material change, and the correction of a deadline, is published by two people of the buyer: one proposes it, another
    approves."""
    if proposing.kind in BY_TWO:
        return _("This change takes two people of your body: propose it, and somebody else approves it.")
    return None


@rule("tender.change-waits", source="Own default: one person alone makes no sealed bid unconfirmed")
def no_other_change_waits(proposing: Proposing) -> str | None:
    """One change of a tender waits for a second person at a time."""
    if proposing.waiting:
        return _(
            "Change {waiting} waits for a second person. Have it approved, or take it back, before you propose another.",
            waiting=proposing.waiting,
        )
    return None


@rule("tender.change-decided")
def is_not_decided(deciding: Deciding) -> str | None:
    """A proposed change is approved or left once."""
    if deciding.approved:
        return _("This change was approved already and is published.")
    return _("This change was taken back, or not approved. Propose it anew if it is needed.") if deciding.left else None


@rule("tender.change-same-person", source="Own default: one person alone makes no sealed bid unconfirmed")
def second_person_approves(deciding: Deciding) -> str | None:
    """Whoever proposed a change of a running tender does not approve it."""
    return hands.both(deciding.doing)


@rule("tender.change-one-pair-of-hands", source=str(policy.number("people.invited_days").source))
def not_somebody_let_in_lately(deciding: Deciding) -> str | None:
    """Nor does whoever was lately let into the body by the one who proposed, who let her in, or whom the same person let in."""
    return hands.as_one(deciding.doing)


ALONE = (one_person_changes_no_offer,)
"""For `actions.change`, which publishes at once."""
PROPOSE = (no_other_change_waits,)
"""For `proposals.propose`, beside all that the change is judged by."""
APPROVE = (is_not_decided, second_person_approves, not_somebody_let_in_lately)
"""For `proposals.approve`, beside all that the change is judged by again."""
LEAVE = (is_not_decided,)
"""For `proposals.leave`."""


LOT_UNKNOWN = Denial(
    "tender.change-of-unknown-lot",
    N_("{ref} is neither a lot nor a criterion of this tender."),
    norm="A change names lots and criteria of its own tender.",
    field="lots",
    status=422,
)
