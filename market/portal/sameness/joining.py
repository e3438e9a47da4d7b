"""Shows one procurement once: finds the likes of new notices, joins those that are the same, asks about the doubtful.

Joining moves nothing: every notice stays as its portal published it, and points to the one it is shown under. So a
joining can be undone at any time, and what was once undone or judged different is never joined again by itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

import msgspec

from market.columns import new_ref
from market.db import many
from market.portal.intake.keeping import connection, facts_of, tell
from market.portal.intake.notices import Notice
from market.portal.sameness.grouping import Joint, hold, joined_with
from market.portal.sameness.matching import Match, by_number, compare_procurements, procurement_keys
from market.reads import rows

AT_ONCE = 500
"""Notices compared with their likes in one transaction."""

TOO_COMMON = 30
"""A key under which more notices stand says nothing: a framework's number, a title that every buyer uses."""

MOST_DOUBTS = 5
"""How many doubtful pairs one new notice may bring to the queue; the likeliest go first."""


class _Notice(msgspec.Struct, frozen=True):
    id: int
    source: int
    facts: str


class _Place(msgspec.Struct, frozen=True):
    id: int
    ref: str
    shown_as: int | None


async def compare_waiting(now: datetime) -> dict[int, Notice]:
    """Compare the next notices that have not been compared; answers them, none when all are. The caller's transaction
    has called :func:`~market.portal.sameness.grouping.hold`."""
    waiting = await rows(
        _Notice, "SELECT id, source, facts FROM imported_notice WHERE matched_at IS NULL ORDER BY id LIMIT {}", AT_ONCE
    )
    if not waiting:
        return {}
    facts = {each.id: facts_of(each.facts) for each in waiting}
    await _file({each.id: each.source for each in waiting}, facts)
    found = await _compared(facts)
    joined = await _joined(found, now)
    await _doubted(found, set(facts), now)
    await many("UPDATE imported_notice SET matched_at = {} WHERE id = ANY({}::int[])", now, list(facts))
    if joined:
        await regroup(joined, now)
    return facts


async def regroup(notices: Iterable[int], now: datetime) -> list[str]:
    """Reckon anew under which notice each of these, and all that are joined with them, are shown: the one that came first.

    Answers the references of those whose public face changed; they are announced.
    """
    await hold()
    left, changed = set(notices), []
    while left:
        joined = await joined_with(left.pop(), "notice_merge")
        left -= joined
        root = min(joined)
        places = await rows(
            _Place, "SELECT id, ref, shown_as FROM imported_notice WHERE id = ANY({}::int[])", sorted(joined)
        )
        for place in places:
            wanted = None if place.id == root else root
            if place.shown_as != wanted:
                await many("UPDATE imported_notice SET shown_as = {} WHERE id = {}", wanted, place.id)
            if place.shown_as != wanted or place.id == root:
                changed.append(place.ref)
    await tell(sorted(changed), "notice.joined", now)
    return changed


async def _file(sources: dict[int, int], facts: dict[int, Notice]) -> None:
    """File the notices under their keys, instead of those they had before."""
    await many("DELETE FROM notice_key WHERE notice = ANY({}::int[])", list(facts))
    filed = [
        (each, sources[each], number)
        for each, notice in facts.items()
        for number in sorted(map(_number, procurement_keys(notice)))
    ]
    await connection().copy_records_to_table("notice_key", columns=("notice", "source", "key"), records=filed)


def _number(key: str) -> int:
    number = int.from_bytes(hashlib.sha256(key.encode(errors="replace")).digest()[:8], "big", signed=True)
    return number & ~1 if key.startswith("n:") else number | 1


async def _compared(facts: dict[int, Notice]) -> list[tuple[int, int, Match]]:
    """Every pair of one of these with another notice under a common key that may be the same; the earlier notice first."""
    pairs = await rows(
        Joint,
        """
        WITH telling AS (
            SELECT k.key FROM notice_key k WHERE k.key IN (SELECT key FROM notice_key WHERE notice = ANY({}::int[]))
            GROUP BY k.key HAVING count(*) BETWEEN 2 AND {}
        )
        SELECT DISTINCT least(mine.notice, theirs.notice) AS one, greatest(mine.notice, theirs.notice) AS other
        FROM telling
        JOIN notice_key mine ON mine.key = telling.key AND mine.notice = ANY({}::int[])
        JOIN notice_key theirs ON theirs.key = telling.key AND theirs.notice <> mine.notice
            AND (theirs.source <> mine.source OR theirs.key & 1 = 0)
        ORDER BY 1, 2
        """,
        list(facts),
        TOO_COMMON,
        list(facts),
    )
    absent = sorted({each for pair in pairs for each in (pair.one, pair.other)} - facts.keys())
    others = await rows(_Notice, "SELECT id, source, facts FROM imported_notice WHERE id = ANY({}::int[])", absent)
    every = {**facts, **{each.id: facts_of(each.facts) for each in others}}
    found = []
    for pair in pairs:
        one, other = every[pair.one], every[pair.other]
        match = compare_procurements(one, other)
        if match.verdict != "different" and (one.source != other.source or by_number(match)):
            found.append((pair.one, pair.other, match))
    return found


async def _joined(found: list[tuple[int, int, Match]], now: datetime) -> set[int]:
    """Join what is the same without doubt, unless it was joined, parted or judged before. Answers whom it concerns."""
    concerned: set[int] = set()
    for one, other, match in found:
        if match.verdict != "same":
            continue
        merged = await many(
            "INSERT INTO notice_merge (ref, one, other, score, evidence, at) "
            "SELECT {}, {}::int, {}::int, {}::int, {}, {}::timestamptz WHERE NOT EXISTS (SELECT 1 FROM doubtful_pair "
            "WHERE one = {} AND other = {} AND answered_at IS NOT NULL) ON CONFLICT (one, other) DO NOTHING RETURNING id",
            new_ref("NM"), one, other, round(match.score * 1000), _told(match), now, one, other,
        )  # fmt: skip
        if merged:
            concerned |= {one, other}
            await many("DELETE FROM doubtful_pair WHERE one = {} AND other = {} AND answered_at IS NULL", one, other)
    return concerned


async def _doubted(found: list[tuple[int, int, Match]], fresh: set[int], now: datetime) -> None:
    """Ask about the rest, the likeliest first, each pair once, and nothing about what is shown as one already."""
    asked: dict[int, int] = {}
    for one, other, match in sorted(found, key=lambda each: (-each[2].score, each[0], each[1])):
        new = other if other in fresh else one
        if match.verdict == "same" or asked.get(new, 0) >= MOST_DOUBTS:
            continue
        doubts = await many(
            "INSERT INTO doubtful_pair (ref, one, other, score, evidence, found_at) SELECT {}, {}::int, {}::int, {}::int, {}, "
            "{}::timestamptz WHERE NOT EXISTS (SELECT 1 FROM notice_merge WHERE one = {} AND other = {}) "
            "ON CONFLICT (one, other) DO NOTHING RETURNING id",
            new_ref("DP"), one, other, round(match.score * 1000), _told(match), now, one, other,
        )  # fmt: skip
        asked[new] = asked.get(new, 0) + len(doubts)


def _told(match: Match) -> str:
    return msgspec.json.encode(match.evidence).decode()
