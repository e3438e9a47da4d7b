"""The only place that asks what time it is.

Deadlines decide who may bid, so every module takes the moment from here: tests freeze it, the demo story plays its
chapters at their own dates, and a demonstration server can be moved forward with a file that all its processes read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from market.arrival import Arrival

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)
_arrived: ContextVar[Arrival | None] = ContextVar("arrived", default=None)
_offset_file: Path | None = None
_offset_seen: tuple[int, timedelta] = (0, timedelta(0))

ZONE = ZoneInfo("Europe/London")
"""The zone in which deadlines are written and working days counted; stored moments are always UTC."""


def now() -> datetime:
    """The present moment, aware and in UTC; the frozen one inside :func:`at`, the shifted one in a demonstration."""
    frozen = _frozen.get()
    if frozen is not None:
        return frozen
    return datetime.now(UTC) + _offset()


def machine() -> datetime:
    """The machine's own time, which nobody freezes or moves: for what is measured between two looks at it, never for a deadline."""
    return datetime.now(UTC)


def arrived() -> Arrival:
    """The moment by which a deadline is judged: when the last byte of the present request had been read, whatever it waited
    for since. Where nobody sent anything (a job, the story, a test that calls an action) it is the present moment."""
    return _arrived.get() or Arrival(now())


@contextmanager
def arriving(moment: datetime) -> Iterator[None]:
    """Everything inside answers what had arrived completely at `moment`. For the entrance alone (`market.web.arrival`)."""
    token = _arrived.set(Arrival(moment))
    try:
        yield
    finally:
        _arrived.reset(token)


@contextmanager
def at(moment: datetime) -> Iterator[None]:
    """Everything inside happens at `moment`. A naive moment is refused: it would mean another hour on another machine."""
    if moment.tzinfo is None:
        raise ValueError("a moment needs its zone, for example datetime(2026, 11, 22, 9, tzinfo=UTC)")
    token = _frozen.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)


def follow(file: Path | None) -> None:
    """From now on shift time by the whole seconds written in `file` (demonstration and tests only); None stops it."""
    global _offset_file, _offset_seen
    _offset_file, _offset_seen = file, (0, timedelta(0))


def shift(by: timedelta) -> None:
    """Move the demonstration clock of every process that follows the same file. Refused when none is followed."""
    if _offset_file is None:
        raise RuntimeError("the clock can only be moved in demo mode")
    seconds = int((_offset() + by).total_seconds())
    beside = _offset_file.with_suffix(f".{os.getpid()}")
    beside.write_text(str(seconds))
    beside.replace(_offset_file)


def reset() -> None:
    """Set the demonstration clock of every process that follows the same file back to the machine's time."""
    shift(-_offset())


def _offset() -> timedelta:
    global _offset_seen
    if _offset_file is None:
        return timedelta(0)
    try:
        stamp = _offset_file.stat().st_mtime_ns
    except FileNotFoundError:
        return timedelta(0)
    if stamp != _offset_seen[0]:
        _offset_seen = (stamp, timedelta(seconds=int(_offset_file.read_text() or "0")))
    return _offset_seen[1]


def moved() -> bool:
    """Whether the demonstration clock shows another time than the machine's."""
    return _offset() != timedelta(0)
