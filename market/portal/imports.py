"""A whole import: one run from where the last ended, then what is new put in order and the source scored; and the job.

This is where the portal's wings meet: intake reads and keeps, sameness joins procurements, suppliers are resolved.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from market import clock
from market.actor import SYSTEM, Actor
from market.audit.actions import record
from market.db import engine, find, transaction
from market.portal import rules
from market.portal.intake import scoring, sources
from market.portal.intake.fetching import Patience, fetching
from market.portal.intake.importing import Run, Wanted, Watch
from market.portal.intake.keeping import Counts
from market.portal.sameness import joining
from market.portal.sameness.grouping import hold
from market.portal.suppliers import resolving
from market.portal.tables import ImportRun, Source
from market.reads import row, rows
from market.refusals import Refused, insist

RUN_LOCK = 742026010
"""The first half of the advisory lock on a source; the second is the source's id."""

SHORT = Patience(tries=2)
"""How long the job insists before it lets the other jobs have their turn."""

log = logging.getLogger("prelude.portal")


async def run(
    wanted: Wanted,
    *,
    actor: Actor = SYSTEM,
    allow_private: bool = False,
    patience: Patience | None = None,
    pages: int | None = None,
    watch: Watch | None = None,
) -> ImportRun:
    """Import one thing, from where an unfinished run of it ended. Answers the run with its counts.

    `pages` bounds how many pages are fetched now; the next call goes on. Refused while another process reads the source.
    """
    await sources.settle()
    source = await find(Source, Source.name == wanted.source)
    async with _alone(source):
        begun = await _begun(source, wanted.origin)
        reader = Run(source, begun, watch)
        if not reader.position.finished:
            if wanted.files:
                await reader.files(wanted.files)
            else:
                async with fetching(patience, allow_private=allow_private) as fetcher:
                    await reader.pages(wanted.origin, fetcher, pages)
        if reader.position.finished:
            await _settle(source)
            await _end(actor, source, begun)
    return await find(ImportRun, ImportRun.id == begun.id)


@asynccontextmanager
async def _alone(source: Source) -> AsyncIterator[None]:
    """Hold the source for this run, on a connection of its own: a killed run lets go by itself."""
    connection = await engine().get_new_connection()
    try:
        free = False
        for _ in range(20):
            free = await connection.fetchval("SELECT pg_try_advisory_lock($1::int, $2::int)", RUN_LOCK, source.id)
            if free:
                break
            await asyncio.sleep(0.1)  # the server notices within a moment that a killed run's connection is gone
        insist((rules.nobody_else_reads_it,), free)
        yield
    finally:
        await connection.close()


async def _begun(source: Source, origin: str) -> ImportRun:
    """The unfinished run of this origin, or a new one."""
    async with transaction():
        unfinished = (
            await ImportRun.objects()
            .where((ImportRun.source == source.id) & (ImportRun.origin == origin) & ImportRun.ended_at.is_null())
            .order_by(ImportRun.id, ascending=False)
            .first()
        )
        if unfinished is None:
            unfinished = ImportRun(source=source.id, origin=origin, started_at=clock.now())
            await unfinished.save()
        elif unfinished.failure:
            await ImportRun.update({ImportRun.failure: ""}).where(ImportRun.id == unfinished.id)
    return unfinished


async def match_waiting() -> int:
    """Put the next notices in order that have not been compared: join those that are the same, and resolve the suppliers
    they name, in one transaction. Answers how many there were."""
    async with transaction():
        await hold()
        now = clock.now()
        facts = await joining.compare_waiting(now)
        if facts:
            await resolving.resolve(facts, now)
    return len(facts)


async def _settle(source: Source) -> None:
    """After everything was read: find the likes of what is new, and score the source."""
    while await match_waiting():
        continue
    await scoring.score(source)


async def _end(actor: Actor, source: Source, begun: ImportRun) -> None:
    async with transaction():
        ended = await find(ImportRun, ImportRun.id == begun.id, lock=True)
        ended.ended_at = clock.now()
        await ended.save([ImportRun.ended_at])
        counts = {name: getattr(ended, name) for name in Counts.__slots__}
        await record(actor, "import.finished", f"import_run:{ended.ref}", {"source": source.name, **counts})


class _Turn(msgspec.Struct, frozen=True):
    name: str
    url: str


async def due(*, allow_private: bool = False, patience: Patience | None = None) -> int:
    """The job: fetch one page of each source whose turn it is, and go on at the next turn. Answers how many items were read.

    A source whose run stopped rests until an hour after that run began; one that is being read elsewhere is left alone.
    """
    now = clock.now()
    turns = await rows(
        _Turn,
        """
        SELECT s.name, s.url FROM source s
        WHERE s.every_hours > 0 AND s.url <> '' AND (
            NOT EXISTS (SELECT 1 FROM import_run r WHERE r.source = s.id AND r.origin = s.url)
            OR EXISTS (
                SELECT 1 FROM import_run r WHERE r.source = s.id AND r.origin = s.url AND r.ended_at IS NULL
                AND (r.failure = '' OR r.started_at < {}::timestamptz - interval '1 hour')
            )
            OR (SELECT max(r.started_at) FROM import_run r WHERE r.source = s.id AND r.origin = s.url)
                < {}::timestamptz - s.every_hours * interval '1 hour'
        )
        ORDER BY s.id
        """,
        now,
        now,
    )
    done = 0
    for turn in turns:
        before = await _read_so_far(turn.name, turn.url)
        try:
            ended = await run(
                Wanted(turn.name, turn.url), pages=1, patience=patience or SHORT, allow_private=allow_private
            )
        except Refused as refused:
            log.warning("the portal %s was not read: %s", turn.name, refused)
            continue
        done += max(0, ended.read - before)
    return done


async def _read_so_far(name: str, url: str) -> int:
    read = await row(
        int,
        """
        SELECT r.read FROM import_run r JOIN source s ON s.id = r.source
        WHERE s.name = {} AND r.origin = {} AND r.ended_at IS NULL
        ORDER BY r.id DESC LIMIT 1
        """,
        name,
        url,
    )
    return read or 0
