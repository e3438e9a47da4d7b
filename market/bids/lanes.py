"""Lanes: bids go over connections of their own, and one firm has one of them at a time.

Whether a request belongs to them is read off its address, before anything is asked. So whoever reads much, or holds hundreds of
connections, takes nothing from those who bid. What is sent with one token or session stands in one line, of which three at a
time are let on to be asked who they are; of what one firm sends, with however many of them, one at a time is sealed. The rest
waits for each other, and nobody else for them.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from market import db
from market.bids import rules

SEALS = re.compile(r"(?:/api/v1)?/tenders/[^/]+/lots/[^/]+/(?:bid|bids|bids/withdraw|withdraw|bids/confirm|confirm)/?")
"""The addresses to which bids, confirmations and withdrawals are sent."""

MOST_WAITING = 20
"""Of one firm, in one process; one more is told at once to come again."""


def seals(scope: Mapping[str, Any]) -> bool:
    """Whether this request seals, confirms or withdraws a bid."""
    return scope["method"] == "POST" and SEALS.fullmatch(scope["path"]) is not None


AT_ONCE = 3
"""Requests of one token or session that are looked at at the same time, in one process."""


@dataclass(slots=True)
class _Line:
    turn: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))
    inside: int = 0


_lines: dict[bytes, _Line] = {}


@asynccontextmanager
async def line(scope: Mapping[str, Any]) -> AsyncIterator[None]:
    """The turn of whoever shows this token or session, or none; asked before it is looked up whose it is."""
    shown = b" ".join(value for name, value in scope["headers"] if name in (b"authorization", b"cookie"))
    key = hashlib.sha256(shown).digest()
    mine = _lines.setdefault(key, _Line())
    mine.inside += 1
    try:
        async with mine.turn:
            yield
    finally:
        mine.inside -= 1
        if not mine.inside:
            _lines.pop(key, None)


@dataclass(slots=True)
class _Lane:
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    inside: int = 0


_lanes: dict[int, _Lane] = {}


@asynccontextmanager
async def lane(firm: int) -> AsyncIterator[None]:
    """The firm's turn. Who waits for it holds no connection. Refused (429) when too many of the firm's own wait already."""
    mine = _lanes.setdefault(firm, _Lane())
    if mine.inside > MOST_WAITING:
        raise rules.TOO_MANY_AT_ONCE.refused()
    mine.inside += 1
    try:
        if mine.turn.locked():
            await db.let_go()
        async with mine.turn:
            yield
    finally:
        mine.inside -= 1
        if not mine.inside:
            _lanes.pop(firm, None)
