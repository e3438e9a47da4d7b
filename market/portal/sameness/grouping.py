"""What joined rows have in common, be they notices or suppliers: one hand at a time, and who is joined with whom."""

from __future__ import annotations

from typing import Literal

import msgspec

from market.db import one
from market.reads import rows

MATCH_LOCK = 7420260101


async def hold() -> None:
    """Wait until nobody else joins or parts, and keep them waiting until the transaction ends. Call it before any row is
    locked."""
    await one("SELECT pg_advisory_xact_lock({})", MATCH_LOCK)


class Joint(msgspec.Struct, frozen=True):
    """The ids of two rows that are one, or may be."""

    one: int
    other: int


async def joined_with(start: int, merges: Literal["notice_merge", "supplier_merge"]) -> set[int]:
    """A row's id with those of everything that is joined with it, directly or through others."""
    found, edge = {start}, [start]
    while edge:
        pairs = await rows(
            Joint,
            f"""
            SELECT one, other FROM {merges}
            WHERE undone_at IS NULL AND (one = ANY({{}}::int[]) OR other = ANY({{}}::int[]))
            """,  # noqa: S608 - one of two tables of ours
            edge,
            edge,
        )
        edge = sorted({each for pair in pairs for each in (pair.one, pair.other)} - found)
        found.update(edge)
    return found
