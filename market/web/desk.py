"""What stands on a person's desk. Each noun answers for its own in its `desk.py`; `market.front.desks` only gathers.

Nothing is stored for a desk: an item is there because of what the rows and the rules say now, so it goes by itself when
somebody acts, and two people of one body see the same.
"""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from market.kind import Kind
from market.standing import Standing


class Waiting(msgspec.Struct, frozen=True):
    """One thing to do: in words, where it is done, which record it is about, by when where there is a deadline, and since
    when it waits where there is none."""

    text: str
    href: str
    about: str | None = None
    when: datetime | None = None
    since: datetime | None = None


class Placed(msgspec.Struct, frozen=True):
    """A record of a buyer's, under the stage its desk shows it in."""

    stage: str
    title: str
    href: str
    note: str


class Open(msgspec.Struct, frozen=True):
    """Something open that fits a supplier; `near` when it is in one of its regions. Money in minor units."""

    kind: str
    href: str
    title: str
    buyer: str
    closes_at: datetime
    minor: int | None
    currency: str
    near: bool


class InPlay(msgspec.Struct, frozen=True):
    """What a supplier takes part in, with what happens next and when."""

    kind: str
    href: str
    title: str
    next: str
    when: date | datetime | None


class Running(msgspec.Struct, frozen=True):
    """What a body of a minister's department is running, and where it stands."""

    kind: Kind
    ref: str
    title: str
    buyer: str
    standing: Standing


class Fitting(msgspec.Struct, frozen=True):
    """What a supplier is looked for by: its firms (ids), the beginnings of its codes that the gate compares, its regions."""

    firms: list[int]
    heads: list[str]
    places: list[str]
