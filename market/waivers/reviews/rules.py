"""When a waiver is reviewed, who may call for it, and what the minister may answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

import msgspec

from market import dates, policy, workdays
from market.arrival import Arrival
from market.money import Money
from market.refusals import Denial, rule
from market.waivers.rules import Stage
from market.wording import N_, _

ANSWERS: Mapping[str, str] = MappingProxyType(
    {"keeps": N_("Keep it as it is"), "narrows": N_("Narrow it"), "revokes": N_("Revoke it")}
)
"""What a minister may answer, by the code that is kept."""

_LONG_ENOUGH = policy.IN_FORCE.gate.waiver_reason_characters


class Review(msgspec.Struct, frozen=True):
    """A review as it is read. `waiver` is the reference of what is reviewed, `department` the id of whose minister answers."""

    id: int
    ref: str
    waiver: str
    department: int
    title: str
    buyer: str
    called_by: str
    why: str
    begins_at: datetime
    answer_by: datetime
    answer: str
    says: str
    new_until: datetime | None
    new_ceiling_minor: int | None
    currency: str
    answered_at: datetime | None
    answered_name: str
    office: str
    bundle: str

    @property
    def answer_words(self) -> str:
        """The answer in words, empty before one was written down."""
        return _(ANSWERS[self.answer]) if self.answer else ""

    @property
    def new_ceiling(self) -> Money | None:
        """What a narrower waiver is good for; None where the value stays."""
        return None if self.new_ceiling_minor is None else Money(self.new_ceiling_minor, self.currency)


def is_open(review: Review, now: datetime) -> bool:
    """Whether it has begun and waits for the minister."""
    return review.answered_at is None and review.begins_at <= now


def begins_at(decided_at: datetime, valid_until: datetime) -> datetime:
    """When a waiver signed then is reviewed: at the end of the day on which the policy's share of its life is over."""
    share = (valid_until - decided_at).total_seconds() * policy.IN_FORCE.gate.waiver_review_percent / 100
    return workdays.end_of_day(workdays.local_day(decided_at + timedelta(seconds=share)))


def answer_by(begins: datetime) -> datetime:
    """Until when the minister answers a review that begins then."""
    return workdays.add_days(begins, policy.IN_FORCE.gate.waiver_review_days)


# ── calling ────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Calling:
    """An auditor is about to call for a review: where the waiver stands, the reviews it has had and has, and why."""

    stage: Stage
    reviews: Sequence[Review]
    why: str
    now: Arrival


@rule("review.not-in-force")
def there_is_something_to_review(calling: Calling) -> str | None:
    """A waiver is reviewed while it is in force; what has ended opens nothing anyway."""
    return None if calling.stage == "in-force" else _("Only a waiver that is in force is reviewed.")


@rule("review.open-already")
def one_at_a_time(calling: Calling) -> str | None:
    """One review waits for the minister at a time, so that calling again and again moves no date."""
    found = next((each for each in calling.reviews if is_open(each, calling.now)), None)
    if found is None:
        return None
    return _("A review waits for the minister already: she answers until {day}.", day=dates.day(found.answer_by))


@rule("review.why-short", field="why", source="Policy: gate.waiver_reason_characters")
def the_call_says_why(calling: Calling) -> str | None:
    """Who calls for a review says what should be looked at; the minister and the public read it."""
    if len(calling.why.strip()) >= _LONG_ENOUGH:
        return None
    return _("Say what the minister should look at, in at least {least} characters.", least=_LONG_ENOUGH)


CALL = (there_is_something_to_review, one_at_a_time, the_call_says_why)
"""For `actions.call`."""


# ── answering ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Answering:
    """What the minister is about to answer, beside the waiver as it stands: until when and what it is good for now."""

    review: Review
    stage: Stage
    answer: str
    says: str
    new_until: datetime | None
    new_ceiling_minor: int | None
    valid_until: datetime | None
    ceiling: Money
    now: Arrival


@rule("review.answered-already")
def answered_once(answering: Answering) -> str | None:
    """A review is answered once."""
    return None if answering.review.answered_at is None else _("This review was answered already.")


@rule("review.not-begun")
def it_has_begun(answering: Answering) -> str | None:
    """A review is answered when its day has come: an answer on the day of the signature would review nothing."""
    if answering.review.begins_at <= answering.now:
        return None
    return _("This review begins on {day}.", day=dates.day(answering.review.begins_at))


@rule("review.waiver-over")
def the_waiver_lives(answering: Answering) -> str | None:
    """A waiver that was revoked or has ended is reviewed no more."""
    return (
        None if answering.stage in ("in-force", "suspended") else _("This waiver has ended. Nothing is left to answer.")
    )


@rule("review.answer-unknown", field="answer")
def the_answer_is_one(answering: Answering) -> str | None:
    """The minister keeps a waiver, narrows it or revokes it."""
    return None if answering.answer in ANSWERS else _("Choose one of the three answers.")


@rule("review.says-short", field="says", source="Policy: gate.waiver_reason_characters")
def the_answer_says_why(answering: Answering) -> str | None:
    """And says why, whichever it is; the public reads it."""
    if len(answering.says.strip()) >= _LONG_ENOUGH:
        return None
    return _("Say why in at least {least} characters: the buyer, and the public, read it.", least=_LONG_ENOUGH)


@rule("review.narrows-nothing", field="new_until")
def it_is_narrower(answering: Answering) -> str | None:
    """A narrower waiver ends earlier or is good for less, and in no way for more."""
    if answering.answer != "narrows":
        return None
    until, most = answering.new_until, answering.new_ceiling_minor
    wider = (until is not None and (answering.valid_until is None or until > answering.valid_until)) or (
        most is not None and most > answering.ceiling.minor
    )
    earlier = until is not None and answering.valid_until is not None and answering.now < until < answering.valid_until
    less = most is not None and 0 < most < answering.ceiling.minor
    over = until is not None and until <= answering.now
    if not wider and not over and (earlier or less):
        return None
    return _(
        "Say an earlier last day (before {day}), a lower value (below {value}), or both. To end it now, revoke it.",
        day=dates.day(answering.valid_until) if answering.valid_until else "",
        value=answering.ceiling,
    )


ANSWER = (answered_once, it_has_begun, the_waiver_lives, the_answer_is_one, the_answer_says_why, it_is_narrower)
"""For `actions.write`, `actions.begin_signing` and `actions.sign`."""


REWRITTEN = Denial(
    "review.rewritten-meanwhile",
    N_(
        "{name} wrote another answer meanwhile: “{answer}. {says}” That is what would be signed now, not what you read. Load the "
        "page again, read it, then sign."
    ),
    norm="A minister signs the words that she read, and no others.",
)

NOT_WRITTEN = Denial(
    "review.not-written",
    N_("Write your answer down first, then sign it."),
    norm="A minister signs the answer that she reads.",
)
