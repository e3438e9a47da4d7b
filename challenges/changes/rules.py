"""What a change to a published challenge may do. Pure: facts in, reasons out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from challenges import rules as challenges
from market import dates, policy, workdays
from market.arrival import Arrival
from market.refusals import rule
from market.wording import _

if TYPE_CHECKING:
    from challenges.tables import Challenge


class Dates(msgspec.Struct, frozen=True):
    """The dates of a challenge as a change would leave them."""

    questions_until: datetime
    closes_at: datetime
    pitches_by: datetime
    decision_by: datetime


@dataclass(frozen=True, slots=True)
class Changing:
    """A published challenge, its dates as the change would leave them, and when the change arrived."""

    challenge: Challenge
    then: Dates
    at: Arrival


def questions_until(before: datetime, closed_at: datetime, closes_at: datetime, at: datetime) -> datetime:
    """Until when questions are taken: with a later deadline for the policy's share of what is left, never less than before, and
    early enough that the last answer is there in time; else as before."""
    if closes_at <= closed_at:
        return before
    least = workdays.questions_close_at(at, closes_at)
    return min(max(before, least), workdays.answers_due_at(closes_at))


@rule("challenge.closed-to-changes")
def change_while_applications_are_taken(changing: Changing) -> str | None:
    """A challenge changes only while suppliers can still act on the change."""
    if challenges.stage(changing.challenge, changing.at) in challenges.TAKING:
        return None
    return _("Applications are no longer taken, so nothing can be changed any more.")


@rule("challenge.deadline-earlier", field="new_closes_at")
def deadline_only_moves_later(changing: Changing) -> str | None:
    """A published deadline may be moved later, never earlier: somebody has planned by it."""
    before = changing.challenge.closes_at
    if before is not None and changing.then.closes_at < before:
        return _("The new deadline must be later than the present one.")
    return None


@rule("challenge.change-too-late", field="new_closes_at", source="Policy: challenges.days_left_after_change")
def time_enough_after_a_change(changing: Changing) -> str | None:
    """After a change suppliers have the policy's days to take it into account."""
    least = policy.IN_FORCE.challenges.days_left_after_change
    if workdays.full_days_between(changing.at, changing.then.closes_at) >= least:
        return None
    return _(
        "At least {least} days must be left after a change: move the deadline to {day} or later.",
        least=least,
        day=dates.day(workdays.local_day(changing.at) + timedelta(days=least)),
    )


@rule("challenge.change-out-of-order", field="pitches_by")
def what_follows_stays_in_order(changing: Changing) -> str | None:
    """Questions end before applications close, pitches are heard after that, and it is decided last."""
    then = changing.then
    if then.questions_until <= then.closes_at < then.pitches_by <= then.decision_by:
        return None
    return _("Pitches are heard after applications close, and it is decided after that. Move these dates too.")


CHANGE = (
    change_while_applications_are_taken,
    deadline_only_moves_later,
    time_enough_after_a_change,
    what_follows_stays_in_order,
)
"""For `changes.actions.change`."""
