"""Working days and calendar days, counted in the zone where the deadline is written.

Procurement Act 2023 section 123(1): a working day is not a Saturday, a Sunday, Christmas Day, Good Friday or a bank
holiday in *any* part of the United Kingdom — which is why `anywhere` is the calendar unless another is named. Every
answer is a whole day, and ends at 23:59:59 by the local clock: an hour more or less on the day the clocks change
moves nothing. The last functions name the moments the policy derives from others — end of standstill, end of questions —
so that rules, pages and letters cannot reckon them differently. Nothing here asks what time it is.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

import holidays

from market import policy
from market.wording import N_

Calendar = Literal["anywhere", "england-and-wales", "scotland", "northern-ireland"]
"""Whose bank holidays do not count; `anywhere` takes those of every nation of the United Kingdom together."""

NATIONS: Final[dict[str, tuple[str, ...]]] = {
    "anywhere": ("ENG", "WLS", "SCT", "NIR"),
    "england-and-wales": ("ENG", "WLS"),
    "scotland": ("SCT",),
    "northern-ireland": ("NIR",),
}
ZONE: Final = ZoneInfo(policy.IN_FORCE.zone)
"""Where deadlines are written; the same zone as `market.clock.ZONE`, which a test sees to."""
_LAST: Final = time(23, 59, 59)


def _default() -> Calendar:
    if policy.IN_FORCE.calendar.bank_holidays not in get_args(Calendar):
        raise ValueError(
            f"the policy's calendar {policy.IN_FORCE.calendar.bank_holidays!r} is not one of {', '.join(get_args(Calendar))}"
        )
    return policy.IN_FORCE.calendar.bank_holidays  # type: ignore[return-value]


LAW: Final = _default()
"""The calendar the policy file names: what a law means when it says “working day”."""


@lru_cache
def proclaimed() -> frozenset[date]:
    """The bank holidays that were proclaimed late, as the policy lists them. A word that is no day is refused (ValueError)."""
    return frozenset(date.fromisoformat(each) for each in policy.IN_FORCE.calendar.extra_days.split())


@lru_cache(maxsize=256)
def bank_holidays(year: int, calendar: Calendar = LAW) -> dict[date, str]:
    """The bank holidays of one year by day, substitute days and those proclaimed late included, with the name of each. Unknown calendars are refused."""
    if calendar not in NATIONS:
        raise ValueError(f"{calendar!r} is not a calendar: use one of {', '.join(NATIONS)}")
    found: dict[date, str] = {}
    for nation in NATIONS[calendar]:
        found |= dict(holidays.country_holidays("GB", subdiv=nation, years=year))
    found |= {day: N_("Proclaimed bank holiday") for day in proclaimed() if day.year == year}
    return dict(sorted(found.items()))


def holiday(day: date, calendar: Calendar = LAW) -> str | None:
    """The name of the bank holiday on `day`, or None."""
    return bank_holidays(day.year, calendar).get(day)


def is_working_day(day: date, calendar: Calendar = LAW) -> bool:
    """Whether `day` is neither at a weekend nor a bank holiday."""
    return day.weekday() < 5 and day not in bank_holidays(day.year, calendar)


def local_day(moment: datetime) -> date:
    """The day `moment` falls on where deadlines are written. A naive moment is refused: it names no day."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone before it can be said which day it falls on")
    return moment.astimezone(ZONE).date()


def end_of_day(day: date) -> datetime:
    """The last second of `day` in the zone: what is done at that second is still in time."""
    return datetime.combine(day, _LAST, tzinfo=ZONE)


def is_over(end: datetime, now: datetime) -> bool:
    """Whether a period that ends at the last second `end` is over: that second is part of it up to its last microsecond."""
    return now.replace(microsecond=0) > end


def add_working_days(moment: datetime, n: int, calendar: Calendar = LAW) -> datetime:
    """The end of the nth working day *after* the day of `moment`; the day itself never counts.

    With n = 0 it is the end of the day itself, working or not. Negative numbers are refused: see :func:`working_days_before`.
    """
    _counted(n)
    day = local_day(moment)
    while n:
        day += timedelta(days=1)
        n -= is_working_day(day, calendar)
    return end_of_day(day)


def working_days_beginning_with(moment: datetime, n: int, calendar: Calendar = LAW) -> datetime:
    """The end of a period of n working days that *begins with* the day of `moment`, as Procurement Act 2023 section 51(2)
    counts the standstill: the day itself is the first when it is a working day. n is at least 1."""
    _counted(n)
    if n == 0:
        raise ValueError("a period that begins with a day has at least one day")
    day = local_day(moment)
    return add_working_days(moment, n - is_working_day(day, calendar), calendar)


def working_days_before(moment: datetime, n: int, calendar: Calendar = LAW) -> datetime:
    """The end of the last day that leaves n full working days before the day of `moment`.

    With a deadline on Friday at noon and n = 1 it is Wednesday 23:59:59: all of Thursday is left.
    """
    _counted(n)
    day = local_day(moment)
    while n:
        day -= timedelta(days=1)
        n -= is_working_day(day, calendar)
    return end_of_day(day - timedelta(days=1))


def working_days_between(start: datetime, end: datetime, calendar: Calendar = LAW) -> int:
    """How many working days lie after the day of `start`, up to and with the day of `end`; 0 when `end` is not later."""
    first, last = local_day(start), local_day(end)
    return sum(is_working_day(first + timedelta(days=n), calendar) for n in range(1, (last - first).days + 1))


def add_days(moment: datetime, n: int) -> datetime:
    """The end of the nth calendar day after the day of `moment`: n full days, whatever the clocks do in between."""
    _counted(n)
    return end_of_day(local_day(moment) + timedelta(days=n))


def full_days_between(start: datetime, end: datetime) -> int:
    """How many calendar days a period has that begins the day after `start` and ends on the day of `end`; the last day
    counts whatever the hour. 0 when `end` is not on a later day."""
    return max(0, (local_day(end) - local_day(start)).days)


def add_months(moment: datetime, n: int) -> datetime:
    """The end of the corresponding day n months later, or of the month's last day where it has no such day (31 January
    and a month: 28 February)."""
    _counted(n)
    day = local_day(moment)
    year, month = divmod(day.year * 12 + day.month - 1 + n, 12)
    following = date(year + (month == 11), (month + 1) % 12 + 1, 1)
    return end_of_day(min(following - timedelta(days=1), date(year, month + 1, 1) + timedelta(days=day.day - 1)))


def standstill_ends_at(published: datetime) -> datetime:
    """The last moment at which the contract may not yet be signed, for an award notice published then (Procurement Act
    2023 section 51(2))."""
    return working_days_beginning_with(published, policy.IN_FORCE.award.standstill_working_days)


def change_standstill_ends_at(noticed: datetime) -> datetime:
    """The last moment at which a contract may not be changed yet, for a contract change notice published then that provides
    for a voluntary standstill (Procurement Act 2023 section 76(2))."""
    return working_days_beginning_with(noticed, policy.IN_FORCE.contracts.change_standstill_working_days)


def questions_close_at(published: datetime, closes: datetime) -> datetime:
    """When questions on a challenge or tender end: at the policy's share of its window, to the full minute."""
    start = published.astimezone(UTC)  # a difference of local times would be an hour wrong when the clocks change
    span = (closes.astimezone(UTC) - start) * policy.IN_FORCE.questions.close_percent / 100
    return (start + span).replace(second=0, microsecond=0).astimezone(ZONE)


def answers_due_at(closes: datetime) -> datetime:
    """The last moment to publish an answer, so that the policy's full working days are left before closing."""
    return working_days_before(closes, policy.IN_FORCE.questions.answer_working_days_before_close)


def exercise_valid_until(concluded: datetime) -> datetime:
    """Until when an exercise concluded then opens the gate."""
    return add_months(concluded, policy.IN_FORCE.gate.exercise_valid_months)


def waiver_ends_by_default(asked: datetime) -> datetime:
    """Until when a waiver asked for then is offered to last; the buyer may write a shorter or a longer time."""
    return add_months(asked, policy.IN_FORCE.gate.waiver_default_months)


def pitch_fee_due_at(delivered: datetime) -> datetime:
    """Until when the fee of a pitch delivered then is promised to be paid."""
    return add_days(delivered, policy.IN_FORCE.payments.pitch_fee_days)


def _counted(n: int) -> None:
    if n < 0:
        raise ValueError("days and months are counted forwards: the number may not be negative")
