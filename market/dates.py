"""How days and moments are written wherever a person reads them: pages, letters, refusals, printed records.

One way each, so that two pages never disagree about the same deadline, and a refusal names the day as the page does. Moments
are shown in the zone in which deadlines are set (`clock.ZONE`), whatever zone they were stored in; a naive moment is refused
because it would be another hour on another machine.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache

from market import clock
from market.wording import N_, _, _n

_DAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))
_MONTHS = (
    *(N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"), N_("May"), N_("Jun")),
    *(N_("Jul"), N_("Aug"), N_("Sep"), N_("Oct"), N_("Nov"), N_("Dec")),
)


@lru_cache(4096)
def local(moment: datetime) -> datetime:
    """The moment in the zone in which deadlines are written."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone cannot be shown: nobody would know when it is")
    return moment.astimezone(clock.ZONE)


@lru_cache(4096)
def day(value: date | datetime) -> str:
    """“Tue 24 Nov 2026”."""
    there = local(value) if isinstance(value, datetime) else value
    return f"{_(_DAYS[there.weekday()])} {there.day} {_(_MONTHS[there.month - 1])} {there.year}"


def moment(value: datetime) -> str:
    """“Tue 24 Nov 2026, 17:00”: for things that happened, where the zone is not in question."""
    return f"{day(value)}, {local(value):%H:%M}"


def moment_zone(value: datetime) -> str:
    """“Tue 24 Nov 2026, 17:00 GMT”: for deadlines, where an hour's misunderstanding would lose a bid."""
    return f"{moment(value)} {local(value):%Z}"


@lru_cache(4096)
def iso(value: date | datetime) -> str:
    """The machine-readable form for `<time datetime>`: RFC 3339 with the offset, or the date alone."""
    return local(value).isoformat(timespec="seconds") if isinstance(value, datetime) else value.isoformat()


def lasting(time: timedelta) -> str:
    """“22 years”, “14 months”: how long a long time is, rounded down, so that it is said alike when it is asked twice."""
    years = time.days // 365
    if years >= 2:
        return _n("{number} year", "{number} years", years)
    return _n("{number} month", "{number} months", time.days // 30)
