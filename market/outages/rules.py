"""Whether a deadline moves because the service was away, and until when. Pure: what was measured in, reasons out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from market import policy, workdays
from market.arrival import Arrival
from market.refusals import rule
from market.wording import _


@dataclass(frozen=True, slots=True)
class Deadline:
    """What is known of a deadline and of time in which no server answered, as far as the heartbeats are known."""

    closes_at: datetime
    opened: bool
    """Whether anything that was sent could have been read: an envelope opened, an application dealt to its panel."""
    ended: bool
    """Whether the record was cancelled or concluded."""
    moves: int
    """How often an outage moved this deadline before."""
    counted: bool
    """Whether this very outage moved it before."""
    away_since: datetime
    """The last answer of any server before."""
    away_until: datetime
    """The first answer of any server after."""
    acts: int
    """How many acts of people the log has from within that time, a heartbeat's break from its ends."""


def away(facts: Deadline) -> timedelta:
    """How much of the policy's last hours before the deadline the service was away. Where it was away at the deadline itself, what
    follows counts too: whoever was cut off in the last second could neither send nor try again."""
    begins = facts.closes_at - timedelta(hours=policy.IN_FORCE.outages.window_hours)
    across = facts.away_since < facts.closes_at < facts.away_until
    ends = facts.away_until if across else min(facts.away_until, facts.closes_at)
    return max(timedelta(0), ends - max(facts.away_since, begins))


@rule("outage.opened-already", source="Policy: outages.minutes_least")
def nothing_is_opened(facts: Deadline) -> str | None:
    """A deadline never moves when something that was sent for it could have been read."""
    return _("What was sent has been opened, so the deadline stands.") if facts.opened else None


@rule("outage.ended")
def still_running(facts: Deadline) -> str | None:
    """What was cancelled or has ended has no deadline that could move."""
    return _("It has ended, so no deadline can move.") if facts.ended else None


@rule("outage.too-short", source="Policy: outages.minutes_least and outages.window_hours")
def away_long_enough(facts: Deadline) -> str | None:
    """Time without the service counts when it is the policy's minutes or more within the policy's last hours before the deadline;
    when the service was away at the deadline itself, with the time until it was back."""
    least = policy.IN_FORCE.outages.minutes_least
    if away(facts) >= timedelta(minutes=least):
        return None
    return _(
        "The service was away for less than {least} minutes of the last {hours} hours before the deadline, and not across it.",
        least=least,
        hours=policy.IN_FORCE.outages.window_hours,
    )


@rule("outage.counted-already")
def counts_once(facts: Deadline) -> str | None:
    """One outage moves a deadline once."""
    return _("This outage has moved the deadline already.") if facts.counted else None


@rule("outage.moved-often-enough", source="Policy: outages.moves_most")
def moves_have_an_end(facts: Deadline) -> str | None:
    """Outages move one deadline no more often than the policy says: whoever could cause them must not buy time for ever."""
    most = policy.IN_FORCE.outages.moves_most
    if facts.moves < most:
        return None
    return _("Outages have moved this deadline {most} times already. The buyer can still move it.", most=most)


@rule("outage.log-contradicts", source="Own default: a heartbeat that people's own acts contradict is not believed")
def log_agrees(facts: Deadline) -> str | None:
    """A service in which people acted was not away, whatever a heartbeat says."""
    if not facts.acts:
        return None
    return _("The log has acts from the time in which no server is said to have answered.")


MOVE = (nothing_is_opened, still_running, away_long_enough, counts_once, moves_have_an_end, log_agrees)
"""For `actions.move`: the deadline moves when all hold, by nobody's choice."""


def moves_to(closes_at: datetime, away_until: datetime, now: Arrival) -> datetime:
    """The new deadline: the hour of the old one, the policy's number of working days after the last of three days — that of
    the old deadline, of the end of the outage, and of this announcement. Always later than the old one, never before anybody
    can read of it."""
    last = max(closes_at, away_until, now)
    day = workdays.add_working_days(last, policy.IN_FORCE.outages.longer_working_days)
    hour: time = closes_at.astimezone(workdays.ZONE).timetz().replace(tzinfo=None)
    return datetime.combine(workdays.local_day(day), hour, tzinfo=workdays.ZONE).astimezone(closes_at.tzinfo)
