"""Until when questions are taken, how many, when they are answered, and when letters tell of it. Pure: facts in, reasons out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from market import dates, kinds, policy, workdays
from market.arrival import Arrival
from market.refusals import rule
from market.wording import _


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A record that is asked about, as its own noun describes it: its `kind:reference`, until when questions are taken, what
    suppliers send it, and whether it takes that now."""

    record: str
    title: str
    buyer: int
    until: datetime | None
    closes_at: datetime | None
    sends: Literal["applications", "bids"]
    taking: bool
    remedy: str
    """What the buyer does when a published answer was wrong, as a sentence; empty when nothing can be done."""

    @property
    def kind(self) -> str:
        """The word of its kind."""
        return self.record.partition(":")[0]

    @property
    def ref(self) -> str:
        """Its reference."""
        return self.record.partition(":")[2]

    @property
    def address(self) -> str:
        """Its page."""
        return kinds.address(self.record) or ""

    @property
    def answers_due(self) -> datetime | None:
        """The last moment at which an answer still leaves the policy's full working days before closing."""
        return workdays.answers_due_at(self.closes_at) if self.closes_at else None

    def asks(self, now: datetime) -> bool:
        """Whether questions are taken at this moment."""
        return self.taking and are_taken(self.until, now)

    def over(self, now: datetime) -> bool:
        """Whether the time for questions has passed."""
        return self.until is not None and not are_taken(self.until, now)


def are_taken(until: datetime | None, now: datetime) -> bool:
    """Whether the time for questions still runs: what is asked at the stated moment itself is in time."""
    return until is not None and now <= until


# ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody asks now: about what, and when her organisation asked about it before, oldest first."""

    topic: Topic
    now: Arrival
    before: Sequence[datetime]


@rule("question.time-over", field="text", source=str(policy.number("questions.close_percent").source))
def while_questions_are_taken(asking: Asking) -> str | None:
    """Questions are taken until the stated moment, and only while suppliers can use the answer."""
    if not asking.topic.taking:
        return _(
            "This {kind} takes no {sends} now, so nobody could use an answer. Your question was not sent.",
            kind=asking.topic.kind,
            sends=asking.topic.sends,
        )
    if not are_taken(asking.topic.until, asking.now):
        return _(
            "Questions are no longer taken. Your question was not sent; what has been answered stands on this page."
        )
    return None


@rule("question.too-many-in-a-day", field="text", source=str(policy.number("questions.most_in_a_day").source))
def within_the_allowance(asking: Asking) -> str | None:
    """One organisation asks so many questions about one record within 24 hours: each is work for the buyer's officers, and
    its answer a letter to everybody who takes part."""
    most, day = policy.IN_FORCE.questions.most_in_a_day, timedelta(days=1)
    recent = [at for at in asking.before if at > asking.now - day]
    if len(recent) < most:
        return None
    return _(
        "Your organisation has asked {most} questions about this {kind} within a day, and no more are taken. Send this one "
        "after {time} on {day}, and put what belongs together into one question.",
        most=most,
        kind=asking.topic.kind,
        **_at(recent[-most] + day),
    )


ASK = (while_questions_are_taken, within_the_allowance)
"""For `actions.ask`."""


# ── answering ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Answering:
    """An officer answers now: about what, and when the question was answered already."""

    topic: Topic
    now: Arrival
    answered_at: datetime | None


@rule("question.answered-already", field="answer", source="Own default: what suppliers rely on is not rewritten")
def answered_once(answering: Answering) -> str | None:
    """A question is answered once: suppliers rely on what they have read. Of two officers the second is told."""
    if answering.answered_at is None:
        return None
    reason = _(
        "This question was answered at {time} on {day}. That answer is public and stays as it is; yours was not sent.",
        **_at(answering.answered_at),
    )
    return f"{reason} {answering.topic.remedy}".rstrip()


@rule("question.answer-too-late", field="answer")
def answered_in_time(answering: Answering) -> str | None:
    """Answers are given while suppliers can still use them."""
    if not answering.topic.taking:
        return _(
            "This {kind} takes no {sends} now, so an answer would serve nobody. Yours was not sent.",
            kind=answering.topic.kind,
            sends=answering.topic.sends,
        )
    return None


ANSWER = (answered_once, answered_in_time)
"""For `actions.answer`."""


# ── letters ────────────────────────────────────────────────────────────────────────────────────────────────────────


def a_letter_is_due(before: datetime | None, closes_at: datetime | None, now: datetime) -> bool:
    """Whether a letter about a record's questions goes out now: the first at once, further ones so many hours after the one
    before (with everything that came in between), and none waits into the last hours before closing."""
    apart = timedelta(hours=policy.IN_FORCE.questions.letters_hours_apart)
    return before is None or now - before >= apart or (closes_at is not None and closes_at - now <= apart)


def _at(moment: datetime) -> dict[str, str]:
    """The time and the day of a moment, as a sentence names them."""
    return {"time": f"{dates.local(moment):%H:%M}", "day": dates.day(moment)}
