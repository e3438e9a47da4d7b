"""Dates and amounts in whatever spelling they were published, and what each comes to."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)")
_DATED = re.compile(
    r"(?P<a>\d{4})-(?P<b>\d{1,2})-(?P<c>\d{1,2})"
    r"(?:[T ](?P<time>\d{1,2}:\d\d(?::\d\d)?)(?P<fraction>\.\d*)?)?\s*(?P<zone>Z|[+-]\d\d:?\d\d)?"
)
_DAY_FIRST = re.compile(
    r"(?P<day>\d{1,2})[/.-](?P<month>\d{1,2})[/.-](?P<year>\d{4})(?:[T ]+(?P<time>\d\d:\d\d(?::\d\d)?))?"
)
_NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_CONTINENTAL = re.compile(r"[-+]?(?:\d{1,3}(?:[. ]\d{3})+|\d+)(?:,\d{1,2})?")


@lru_cache(maxsize=65536)
def moment(text: str) -> tuple[str | None, str | None]:
    """A date of whatever spelling as RFC 3339, with the code of what was done to it; None when it is no date at all.

    `2016-20-16` is none. `2016-20-04` has day and month exchanged. A date without a time is midnight UTC, and a time
    without a zone is UTC, since nothing better is known. A placeholder such as the year 1 or 9999 is no date.
    """
    if _RFC3339.fullmatch(text):
        try:
            datetime.fromisoformat(text)
        except ValueError:
            pass
        else:
            return (text, None) if "1900" <= text[:4] < "2200" else (None, "date.placeholder")
    stripped = text.strip()
    if found := _DAY_FIRST.fullmatch(stripped):
        day, month, year = int(found["day"]), int(found["month"]), int(found["year"])
        made = _made(year, month, day, found["time"], None)
        return (made, "date.day-first") if made else (None, "date.invalid")
    found = _DATED.match(stripped)
    if found is None or (found.end() < len(stripped) and not found["time"]):
        return None, "date.invalid"
    year, second, third = int(found["a"]), int(found["b"]), int(found["c"])
    if not 1900 <= year < 2200:
        return None, "date.placeholder"
    zone, code = found["zone"], "date.respelt"
    if zone is None and (offset := re.search(r"[+-]\d\d:?\d\d$", stripped[found.end() :])):
        zone = offset.group()
    made = _made(year, second, third, found["time"], zone)
    if made is None:
        made, code = _made(year, third, second, found["time"], zone), "date.month-and-day-exchanged"
    elif found["time"] is None:
        code = "date.without-time"
    elif zone is None:
        code = "date.without-zone"
    return (made, code) if made else (None, "date.invalid")


def instant(text: str) -> datetime:
    """A date that :func:`moment` made, as an aware moment in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)


def number(text: str) -> float | int | None:
    """An amount written as text: “1,234.50”, “1.234,50”, “£ 1 234”; None when it is no number."""
    plain = text.strip().strip("£€$¥ ").replace("\u00a0", " ").strip()
    if _NUMBER.fullmatch(plain):
        value = float(plain)
    elif _THOUSANDS.fullmatch(plain):
        value = float(plain.replace(",", ""))
    elif _CONTINENTAL.fullmatch(plain):
        value = float(plain.replace(".", "").replace(" ", "").replace(",", "."))
    else:
        return None
    if value in (float("inf"), float("-inf")):
        return None
    return int(value) if value.is_integer() else value


def _made(year: int, month: int, day: int, time: str | None, zone: str | None) -> str | None:
    clock = time or "00:00:00"
    clock = clock.rjust(len(clock) + (clock.index(":") == 1), "0")
    if clock.count(":") == 1:
        clock += ":00"
    if zone and zone != "Z" and ":" not in zone:
        zone = f"{zone[:3]}:{zone[3:]}"
    made = f"{year:04}-{month:02}-{day:02}T{clock}{zone or 'Z'}"
    try:
        datetime.fromisoformat(made)
    except ValueError:
        return None
    return made
