"""Reading the story's files and turning its moments (“-210d 09:30”) into real ones."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

import yaml

from market import clock
from market.settings import ROOT

FOLDER = ROOT / "fixtures" / "demo"
_MOMENT = re.compile(r"([+-]\d+)d(?: (\d\d):(\d\d))?")
_order = count()
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same safe reader, in C where it was built."""


REFS: dict[str, str] = {}
"""The references that the story's keys became: `mission:…`, `challenge:…`, `tender:…`, `waiver:…`, `budget:…` with its year."""


@dataclass(frozen=True)
class Act:
    """Something somebody does at a moment. `refused` acts must be refused. `order` keeps acts of one moment in the order
    they were written."""

    at: datetime
    name: str
    do: Callable[[], Awaitable[object]]
    refused: bool = False
    order: int = field(default_factory=lambda: next(_order))

    @property
    def kind(self) -> str:
        """The first word of the name."""
        return self.name.split()[0]


@dataclass(frozen=True)
class Script:
    """The story's files as plain data, and the moment that counts as now."""

    now: datetime
    files: dict[str, dict[str, Any]]

    @property
    def today(self) -> date:
        """The day that counts as today."""
        return self.now.astimezone(clock.ZONE).date()

    def __getitem__(self, name: str) -> Any:
        for found in self.files.values():
            if name in found:
                return found[name]
        raise KeyError(name)

    def moment(self, text: str) -> datetime:
        """“-210d 09:30”: that many calendar days from today, at that London wall-clock time; 09:00 when none is named."""
        match = _MOMENT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is not a moment of the story")
        day = self.today + timedelta(days=int(match[1]))
        at = time(int(match[2] or 9), int(match[3] or 0))
        return datetime.combine(day, at, clock.ZONE).astimezone(UTC)

    def day(self, text: str) -> date:
        """The calendar day of a moment."""
        return self.moment(text).astimezone(clock.ZONE).date()


def story(now: datetime) -> Script:
    """The story's files, told as of `now`."""
    files = {path.stem: yaml.load(path.read_bytes(), _Loader) for path in sorted(FOLDER.glob("*.yaml"))}  # noqa: S506 - a safe loader
    return Script(now, files)
