"""What must hold when an insight report is written, and where it stands. Pure: facts in, reasons out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

import msgspec

from challenges import meaning
from challenges.rules import TAKING, stage, still_too_little
from market import dates, policy, workdays
from market.arrival import Arrival
from market.refusals import rule
from market.standing import Standing, Tone
from market.wording import N_, _

if TYPE_CHECKING:
    from challenges.tables import Challenge


DECISIONS: dict[str, tuple[str, Tone]] = {
    "go": (N_("Goes on"), "green"),
    "change": (N_("Changes"), "amber"),
    "stop": (N_("Stops"), "grey"),
}
"""What was decided at the end of an exercise, in words, with the tone of its tag."""


class Dates(msgspec.Struct, frozen=True):
    """What the standing of an insight report is reckoned from: its exercise's decision, and when it became public."""

    decision: str
    published_at: datetime | None


def standing(report: Dates, now: datetime) -> Standing:
    """Where an insight report stands: how its exercise ended."""
    if report.published_at is None or now < report.published_at:
        return Standing("draft", _("Draft"), "grey")
    word, tone = DECISIONS.get(report.decision, (N_("Published"), "grey"))
    return Standing(report.decision, _(word), tone, report.published_at, _("Published"))


@rule("report.published")
def report_is_open(challenge: Challenge, now: Arrival) -> str | None:
    """The report is written after the closing and stands once the challenge is concluded."""
    found = stage(challenge, now)
    if found == "concluded":
        return _("The insight report is published and stays as it is.")
    if found == "cancelled":
        return _("This challenge was cancelled.")
    if found in ("draft", *TAKING):
        return _("Write the insight report after the challenge has closed.")
    return None


REPORT = (report_is_open,)
"""For `actions.write_report`."""


@dataclass(frozen=True, slots=True)
class Measuring:
    """What is known when a measured value is written down: the challenge, the day and the way of measuring, and the moment."""

    challenge: Challenge
    on: date
    how: str
    now: Arrival


@rule("report.measured-outside", field="measured_on")
def is_measured_during_the_exercise(measuring: Measuring) -> str | None:
    """A value answers a criterion when it was measured after the challenge was published and by now: what was known before is
    where it stood."""
    published = measuring.challenge.published_at
    if published is not None and measuring.on < workdays.local_day(published):
        return _("Choose a day of this exercise: it was published on {day}.", day=dates.day(published))
    if measuring.on > workdays.local_day(measuring.now):
        return _("Choose a day that has come.")
    return None


@rule("report.measured-how", field="how", source=str(policy.number("challenges.answer_words").source))
def says_how_it_was_measured(measuring: Measuring) -> str | None:
    """Beside each value stands how it was measured, so that somebody else could do it again."""
    return None if meaning.is_answer(measuring.how) else still_too_little([_("how it was measured")])


MEASURE = (is_measured_during_the_exercise, says_how_it_was_measured)
"""For `actions.measure`, after `REPORT`."""
