"""Reading the heartbeat into the database, finding the time in which no server answered, and moving deadlines by it.

One mechanism for whatever closes: the noun says what its deadline is (:class:`Closing`) and keeps the new one; what is
measured, judged, told and written down stands here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from market import clock
from market.accounts.people import tell
from market.actor import SUPPLIER_ROLES, SYSTEM
from market.audit.actions import record
from market.db import many, transaction
from market.outages import heartbeat, rules
from market.outages.heartbeat import Stretch
from market.outages.tables import DeadlineMove, Moved, Presence
from market.policy import IN_FORCE
from market.reads import row, rows, the
from market.refusals import refusals

LOCK = 7420260011
"""One process at a time reads its file into the table."""


class Silence(msgspec.Struct, frozen=True):
    """Time in which no server answered, as far as is known: who answered last, who answered first, and the digests of the
    lines that say so."""

    since: datetime
    until: datetime
    last_server: str
    first_server: str
    last_digest: str
    gap_digest: str


@dataclass(frozen=True, slots=True)
class Closing:
    """A published record that takes something until a deadline, its row locked by the caller."""

    record: str
    title: str
    closes_at: datetime
    opened: bool
    ended: bool
    buyer: int
    buyer_ref: str
    followers: Collection[int]
    """The bodies that are told, by their ids: who follows, bid or applied."""
    beside: Sequence[str]
    """Its ancestors, for the log."""


# ── reading the file ───────────────────────────────────────────────────────────────────────────────────────────────


class _Known(Stretch):
    id: int = 0


async def gather(server: str = "", folder: Path | None = None) -> int:
    """Read what is new in this server's file into the table; answers how many stretches were written or grew. Done by the job,
    and by whoever is about to open something. The story names a server of its own, whose file lies elsewhere: beside a site
    that runs already, its past would count as read."""
    async with transaction():
        await many("SELECT pg_advisory_xact_lock({})", LOCK)
        known = {
            each.server: each
            for each in await rows(
                _Known,
                """
                SELECT DISTINCT ON (server) id, server, since, until, machine_until, beats, digest, gap_digest, gap_beats
                FROM presence ORDER BY server, id DESC
                """,
            )
        }
        here = known.get(server or heartbeat.server())
        lines = await asyncio.to_thread(
            lambda: list(heartbeat.lines(here.machine_until if here else None, folder or heartbeat.folder()))
        )
        by_server: dict[str, list[bytes]] = {}
        for line in lines:
            if (beat := heartbeat.read(line)) is not None:
                by_server.setdefault(beat.server, []).append(line)
        done = 0
        for server, written in by_server.items():
            done += await _keep(known.get(server), written)
    return done


async def _keep(last: _Known | None, written: Sequence[bytes]) -> int:
    done = 0
    for number, each in enumerate(heartbeat.stretches(last, written)):
        if number or last is None:
            await Presence.insert(Presence(**{name: getattr(each, name) for name in Stretch.__struct_fields__}))
            done += 1
        elif each.beats > last.beats:
            await Presence.update(
                {
                    Presence.until: each.until,
                    Presence.machine_until: each.machine_until,
                    Presence.beats: each.beats,
                    Presence.digest: each.digest,
                }
            ).where(Presence.id == last.id)
            done += 1
    return done


async def silences(after: datetime) -> list[Silence]:
    """The times in which no server answered that ended after this moment and lasted the policy's least minutes, oldest first.
    Before the first beat and after the last nothing is known, so nothing is counted."""
    known = await rows(
        Stretch,
        """
        SELECT server, since, until, machine_until, beats, digest, gap_digest, gap_beats FROM presence
        WHERE until >= coalesce((SELECT max(until) FROM presence WHERE until < {}), {}) ORDER BY since, id
        """,
        after,
        after,
    )
    found: list[Silence] = []
    least = timedelta(minutes=IN_FORCE.outages.minutes_least)
    last: Stretch | None = None
    for each in known:
        if last is not None and each.since - last.until >= least:
            found.append(Silence(last.until, each.since, last.server, each.server, last.digest, each.gap_digest))
        if last is None or each.until > last.until:
            last = each
    return found


# ── moving a deadline ──────────────────────────────────────────────────────────────────────────────────────────────


async def move(closing: Closing) -> datetime | None:
    """Move this deadline when an outage says so: everybody who takes part, the buyer and the auditors are told, and the log
    names the measurement. Answers the new deadline, which the caller keeps in the same transaction; None when it stands."""
    window = timedelta(hours=IN_FORCE.outages.window_hours)
    for silence in await silences(closing.closes_at - window):
        if not refusals(rules.MOVE, await _facts(closing, silence)):
            return await _move(closing, silence)
    return None


async def _facts(closing: Closing, silence: Silence) -> rules.Deadline:
    before = await moves_of(closing.record)
    acts = await the(
        int,
        "SELECT count(*) FROM event WHERE actor <> 'system' AND at > {} AND at < {}",
        silence.since + heartbeat.BREAK,
        silence.until - heartbeat.BREAK,
    )
    return rules.Deadline(
        closes_at=closing.closes_at,
        opened=closing.opened,
        ended=closing.ended,
        moves=len(before),
        counted=any(each.away_since == silence.since for each in before),
        away_since=silence.since,
        away_until=silence.until,
        acts=acts,
    )


async def _move(closing: Closing, silence: Silence) -> datetime:
    now = clock.arrived()
    moved = Moved(
        record=closing.record,
        closed_at=closing.closes_at,
        closes_at=rules.moves_to(closing.closes_at, silence.until, now),
        away_since=silence.since,
        away_until=silence.until,
        last_server=silence.last_server,
        first_server=silence.first_server,
        last_digest=silence.last_digest,
        gap_digest=silence.gap_digest,
        at=now,
    )
    await DeadlineMove.insert(DeadlineMove(**msgspec.structs.asdict(moved)))
    kind = closing.record.partition(":")[0]
    said = {"title": closing.title, "record": closing.record, "kind": kind, "moved": moved}
    late = await rows(int, "SELECT organisation FROM late_comer WHERE record = {}", closing.record)
    for body in sorted({*closing.followers, *late}):
        await tell(body, "outages/moved.txt", roles=SUPPLIER_ROLES, about=closing.record, late=body in late, **said)
    await tell(closing.buyer, "outages/moved-buyer.txt", roles=("buyer",), about=closing.record, **said)
    for body in await rows(int, "SELECT id FROM organisation WHERE kind = 'audit' ORDER BY id"):
        await tell(body, "outages/alert.txt", roles=("auditor",), about=closing.record, **said)
    await record(
        SYSTEM,
        f"{kind}.deadline-moved",
        closing.record,
        {
            "closed_at_before": moved.closed_at.isoformat(),
            "closes_at": moved.closes_at.isoformat(),
            "away_since": moved.away_since.isoformat(),
            "away_until": moved.away_until.isoformat(),
            "last_server": moved.last_server,
            "first_server": moved.first_server,
            "last_digest": moved.last_digest,
            "gap_digest": moved.gap_digest,
        },
        about=closing.beside,
        organisation=closing.buyer_ref,
    )
    return moved.closes_at


async def moves_of(record: str) -> list[Moved]:
    """How an outage moved this record's deadline, oldest first."""
    return await rows(
        Moved,
        """
        SELECT record, closed_at, closes_at, away_since, away_until, last_server, first_server, last_digest, gap_digest, at
        FROM deadline_move WHERE record = {} ORDER BY id
        """,
        record,
    )


async def moves() -> list[Moved]:
    """Every deadline that an outage moved, newest first, at most two hundred."""
    return await rows(
        Moved,
        """
        SELECT record, closed_at, closes_at, away_since, away_until, last_server, first_server, last_digest, gap_digest, at
        FROM deadline_move ORDER BY id DESC LIMIT 200
        """,
    )


async def turned_away(closed: str, organisation: int) -> None:
    """Note that the deadline of this record turned a body away, so that it is told should the deadline move."""
    async with transaction():
        await many(
            "INSERT INTO late_comer (record, organisation, at) VALUES ({}, {}, {}) ON CONFLICT DO NOTHING",
            closed,
            organisation,
            clock.now(),
        )


Settle = Callable[[str], Awaitable[bool]]
"""Locks one record by its reference and moves its deadline if an outage says so; answers whether it did."""


class _Near(msgspec.Struct, frozen=True):
    ref: str
    closes_at: datetime


async def settle(nouns: Mapping[str, tuple[str, Settle]]) -> int:
    """A job: read the heartbeat, then move what has to move. `nouns` says for each kind how its running deadlines are asked
    for (`ref` and `closes_at` of what is published, not ended and not opened) and how one is settled. Answers how many moved."""
    await gather()
    found = await silences(clock.now() - timedelta(days=31))
    if not found:
        return 0
    moved = 0
    window = timedelta(hours=IN_FORCE.outages.window_hours)
    for kind, (running, one) in nouns.items():
        for near in await rows(_Near, running):
            touched = [each for each in found if each.since < near.closes_at and each.until > near.closes_at - window]
            counted = {each.away_since for each in await moves_of(f"{kind}:{near.ref}")} if touched else set()
            if any(each.since not in counted for each in touched):
                moved += await one(near.ref)
    return moved


async def present() -> list[Stretch]:
    """What is known of each server: its last stretch."""
    return await rows(
        Stretch,
        """
        SELECT DISTINCT ON (server) server, since, until, machine_until, beats, digest, gap_digest, gap_beats
        FROM presence ORDER BY server, id DESC
        """,
    )


async def answers() -> None:
    """The question of a heartbeat."""
    await row(int, "SELECT 1")
