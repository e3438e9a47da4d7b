"""Waiting for another process. How long that takes depends on the machine, so there is one bound for all of it, which only a fault
reaches; no test measures how long something took (tests/architecture/test_tiers.py)."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

LONGEST = 180.0
"""Seconds after which nobody waits any more, however busy the machine is."""


def _nothing() -> str:
    return "it never came to hold"


def until(holds: Callable[[], bool], otherwise: Callable[[], str] = _nothing) -> None:
    """Wait until it holds; `otherwise` says what is known when it never does."""
    end = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < end, otherwise()
        time.sleep(0.02)


async def until_awaited(holds: Callable[[], Awaitable[bool]], otherwise: Callable[[], str] = _nothing) -> None:
    """The same of what has to be awaited."""
    end = time.monotonic() + LONGEST
    while not await holds():
        assert time.monotonic() < end, otherwise()
        await asyncio.sleep(0.05)
