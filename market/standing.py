"""Where a record stands: one shape, which the rules of every noun answer from its dates and the present moment.

Lists, pages, search, desks, feeds and open data ask it and say no word of their own. What is asked is a handful of dates (each
noun's `Dates`), read from a row, from a query, or from what the search keeps of a record; so nobody builds a table's object
to know a stage, and an old copy answers what is true now.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal, TypeVar

import msgspec

Tone = Literal["green", "amber", "red", "teal", "grey"]

T = TypeVar("T", bound=msgspec.Struct)


class Standing(msgspec.Struct, frozen=True):
    """Where a record stands at a moment: the stage for programs, its word and the colour of its tag for people, and the date
    that matters now with what happens then (“Closes”) or happened (“Closed”)."""

    stage: str
    word: str
    tone: Tone
    when: datetime | date | None = None
    label: str = ""


def dates_of(dates: type[T], row: Any, **more: Any) -> T:
    """The dates of a row, whether it is a table's object or what a query answered; `more` are those that it does not have."""
    given = row if isinstance(row, dict) else {name: getattr(row, name, None) for name in dates.__struct_fields__}
    return dates(**{name: more.get(name, given.get(name)) for name in dates.__struct_fields__})
