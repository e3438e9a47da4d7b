"""What must hold when a pitch is arranged, given or missed, and where it stands. Pure: facts in, reasons out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from challenges import rules as challenges
from challenges.rules import stage
from market import dates
from market.arrival import Arrival
from market.refusals import rule
from market.standing import Standing
from market.wording import _

if TYPE_CHECKING:
    from challenges.tables import Challenge, Pitch


class Dates(msgspec.Struct, frozen=True):
    """What the standing of a pitch is reckoned from."""

    scheduled_at: datetime | None
    delivered_at: datetime | None
    missed_at: datetime | None


@rule("pitch.not-now")
def challenge_is_pitching(challenge: Challenge | challenges.Dates, pitch: Pitch | Dates, now: Arrival) -> str | None:
    """Pitches are arranged and heard between the short list and the conclusion."""
    if stage(challenge, now) != "pitching":
        return _("Pitches are arranged and heard between the short list and the conclusion.")
    return None


@rule("pitch.already-delivered")
def pitch_is_not_delivered(challenge: Challenge | challenges.Dates, pitch: Pitch | Dates, now: Arrival) -> str | None:
    """What was delivered is written down once: its fee is owed."""
    if pitch.delivered_at is not None:
        return _("This pitch is marked as delivered; its fee is owed.")
    return None


@rule("pitch.already-missed")
def pitch_is_not_missed(challenge: Challenge | challenges.Dates, pitch: Pitch | Dates, now: Arrival) -> str | None:
    """That a pitch was not given is written down once; if it was a mistake it can still be arranged anew or delivered."""
    if pitch.missed_at is not None:
        return _("This pitch is marked as not given already.")
    return None


@rule("pitch.reason-missing", field="reason")
def says_why_it_was_missed(reason: str) -> str | None:
    """No fee is owed for a pitch that was not given, so it is said why."""
    return None if reason.strip() else _("Say why the pitch was not given.")


@rule("pitch.not-scheduled")
def pitch_is_scheduled(challenge: Challenge | challenges.Dates, pitch: Pitch | Dates, now: Arrival) -> str | None:
    """A pitch is heard at a time the team was told."""
    if pitch.scheduled_at is None:
        return _("Arrange a time for this pitch first; the team is told by letter.")
    return None


@rule("pitch.too-early")
def pitch_time_has_come(challenge: Challenge | challenges.Dates, pitch: Pitch | Dates, now: Arrival) -> str | None:
    """Nothing is marked as delivered before its time."""
    if pitch.scheduled_at is not None and now < pitch.scheduled_at:
        return _(
            "This pitch is arranged for {scheduled_at}. Mark it when it has been given.",
            scheduled_at=dates.moment(pitch.scheduled_at),
        )
    return None


SCHEDULE = (challenge_is_pitching, pitch_is_not_delivered)
"""For `actions.schedule`."""


DELIVER = (challenge_is_pitching, pitch_is_not_delivered, pitch_is_scheduled, pitch_time_has_come)
"""For `actions.deliver`."""


MISS = (challenge_is_pitching, pitch_is_not_delivered, pitch_is_not_missed)
"""For `actions.miss`."""


@rule("pitch.time-passed", field="scheduled_at")
def is_arranged_ahead(scheduled_at: datetime, now: Arrival) -> str | None:
    """A pitch is arranged for a time to come."""
    if scheduled_at <= now:
        return _("Choose a time to come.")
    return None


def standing(pitch: Pitch | Dates) -> Standing:
    """Where a pitch stands, in words, and the date that matters."""
    if pitch.delivered_at is not None:
        return Standing("delivered", _("Delivered"), "green", pitch.delivered_at, _("Given"))
    if pitch.missed_at is not None:
        return Standing("missed", _("Not given"), "red", pitch.missed_at, _("Marked"))
    if pitch.scheduled_at is not None:
        return Standing("arranged", _("Arranged"), "teal", pitch.scheduled_at, _("Pitch"))
    return Standing("to-arrange", _("To arrange"), "amber")
