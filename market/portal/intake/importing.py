"""One run: reads a file, a folder or an address from where the last batch ended, keeps it, and puts what is new in order.

A run that was killed, or whose portal stopped answering, is found again by source and origin and goes on; one that came
to its end is begun anew and, when nothing was published since, changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from market import clock
from market.actor import SYSTEM, Actor
from market.audit.actions import record
from market.db import engine, find, many, one, transaction
from market.portal import rules
from market.portal.intake import keeping, scoring, sources
from market.portal.intake.fetching import Fetcher, Patience, Unreachable, fetching
from market.portal.intake.keeping import Counts
from market.portal.intake.reading import Defect, Found, read
from market.portal.intake.reading import Position as Place
from market.portal.intake.sources import Paging
from market.portal.intake.tabular import read_table
from market.portal.sameness import joining
from market.portal.tables import ImportRun, Source
from market.refusals import Refusal, Refused, insist

BATCH = 500
"""Items kept in one transaction."""

BATCH_BYTES = 8 * 1024**2
"""A batch ends early when its items together are larger, so that memory stays flat."""

SHORT = Patience(tries=2)
"""How long the job insists before it lets the other jobs have their turn."""

log = logging.getLogger("prelude.portal")

RUN_LOCK = 742026010
"""The first half of the advisory lock on a source; the second is the source's id."""


class Position(msgspec.Struct, frozen=True):
    """How far a run has come: `done` items of `part` (a file's name or a page's address), which looked like `mark` then.
    A part that looks otherwise now is read from its beginning. `finished` says that all was read."""

    part: str = ""
    mark: str = ""
    done: int = 0
    finished: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One file to be read: its name in positions, what it looks like, where it lies, and whether it is a table."""

    name: str
    mark: str
    path: Path
    table: bool
    empty: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands, for a bar: bytes of the present part and its size (0 when unknown), and the counts so far."""

    part: str
    at: int
    size: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class Wanted:
    """One thing to import: the source's name, the origin as it was named, and the files, empty for an address."""

    source: str
    origin: str
    files: tuple[tuple[str, Path], ...] = ()


Watch = Callable[[Progress], None]


def plan(what: str, source: str | None = None) -> list[Wanted]:
    """What a file, a folder or an address comes to: one run for each source that its files are from."""
    if source is not None and source not in sources.portals():
        raise Refused(
            Refusal(
                "portal.unknown",
                f"No portal is called “{source}”. Known are: {', '.join(sorted(sources.portals()))}. "
                "Add an entry to fixtures/reference/portal-sources.yaml.",
            )
        )
    if "://" in what:
        insist((rules.web_address,), what)
        return [Wanted(source or sources.of_address(what) or sources.BY_HAND, what)]
    path = Path(what).resolve()
    if not path.exists():
        raise Refused(Refusal("portal.no-such-file", f"There is no file or folder {what}."))
    if path.is_file():
        return [Wanted(source or sources.of_file(path), str(path), ((path.name, path),))]
    by_source: dict[str, list[tuple[str, Path]]] = {}
    for each in sorted(path.rglob("*")):
        name = each.relative_to(path)
        if each.is_file() and not any(part.startswith(".") for part in name.parts):
            by_source.setdefault(source or sources.of_file(each), []).append((str(name), each))
    if not by_source:
        raise Refused(Refusal("portal.folder-empty", f"The folder {what} holds no file."))
    return [Wanted(name, str(path), tuple(files)) for name, files in by_source.items()]


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
        row = await _begun(source, wanted.origin)
        reader = _Run(source, row, watch)
        if not reader.position.finished:
            if wanted.files:
                await reader.files(wanted.files)
            else:
                async with fetching(patience, allow_private=allow_private) as fetcher:
                    await reader.pages(wanted.origin, fetcher, pages)
        if reader.position.finished:
            await _settle(source)
            await _end(actor, source, row)
    return await find(ImportRun, ImportRun.id == row.id)


class _Run:
    """The reading of one run: parts, batches, position."""

    def __init__(self, source: Source, row: ImportRun, watch: Watch | None) -> None:
        self.source, self.row, self.watch = source, row, watch
        self.position = msgspec.json.decode(row.position or "{}", type=Position)
        self.counts = Counts(row.read, row.new, row.changed, row.unchanged, row.rejected)
        self._batch: list[Found | Defect] = []
        self._bytes = 0
        self._rows = False

    async def files(self, files: tuple[tuple[str, Path], ...]) -> None:
        """Read files in their order, those before the position left out."""
        names = [name for name, _ in files]
        first = names.index(self.position.part) if self.position.part in names else 0
        for name, path in files[first:]:
            seen = path.stat() if path.exists() else None
            mark = f"{seen.st_size}:{seen.st_mtime_ns}" if seen else ""
            await self._part(Part(name, mark, path, self.source.format == "table" or sources.is_table(path)))
        await self._flush(finished=True)

    async def pages(self, origin: str, fetcher: Fetcher, most: int | None) -> None:
        """Fetch and read page after page, from the page of the position."""
        paging = msgspec.json.decode(self.source.paging, type=Paging) if self.source.paging else None
        url: str | None = self.position.part or origin
        seen: set[str] = set()
        while url is not None and (most is None or len(seen) < most):
            if url in seen:
                await self._stopped("The portal's pages lead in a circle.")
                return
            seen.add(url)
            before = self.counts.new + self.counts.changed + self.counts.rejected
            try:
                page = await fetcher.page(url, paging)
            except Unreachable as error:
                await self._stopped(str(error))
                return
            table = self.source.format == "table" or sources.is_table(Path(url.split("?")[0]))
            try:
                await self._part(Part(url, page.digest, page.path, table, page.empty))
            finally:
                page.path.unlink(missing_ok=True)
            url = page.next
            known = self.counts.new + self.counts.changed + self.counts.rejected == before
            if paging is not None and paging.newest_first and known:
                url = None
            if url is not None:
                self.position = Position(url)
            await self._flush(finished=url is None)

    async def _part(self, part: Part) -> None:
        if part.empty:
            return
        skip = self.position.done if (self.position.part, self.position.mark) == (part.name, part.mark) else 0
        if part.table != self._rows:
            await self._flush()
            self._rows = part.table
        self.position = Position(part.name, part.mark, skip)
        size = part.path.stat().st_size if part.path.exists() else 0
        for number, (item, at) in enumerate(_items(part), start=1):
            if number <= skip:
                continue
            self._batch.append(item)
            self._bytes += len(item.raw)
            self.position = Position(part.name, part.mark, number)
            if len(self._batch) >= BATCH or self._bytes >= BATCH_BYTES:
                await self._flush()
                if self.watch is not None:
                    self.watch(Progress(part.name, at, size, self.counts))
        if self.watch is not None:
            self.watch(Progress(part.name, size, size, self.counts))

    async def _flush(self, *, finished: bool = False) -> None:
        if finished:
            self.position = msgspec.structs.replace(self.position, finished=True)
        async with transaction():
            counts = Counts()
            if self._batch:
                counts = await keeping.keep(self.source, self.row.id, self._batch, rows=self._rows)
            counts += self.counts
            await ImportRun.update(
                {
                    **{name: getattr(counts, name) for name in Counts.__slots__},
                    ImportRun.position: msgspec.json.encode(self.position).decode(),
                }
            ).where(ImportRun.id == self.row.id)
        self.counts = counts
        self._batch, self._bytes = [], 0

    async def _stopped(self, why: str) -> None:
        await self._flush()
        await ImportRun.update({ImportRun.failure: why}).where(ImportRun.id == self.row.id)


def _items(part: Part) -> Iterator[tuple[Found | Defect, int]]:
    """The items of a file, each with the byte its reading has come to."""
    try:
        stream: BinaryIO = part.path.open("rb")
    except OSError as error:
        yield Defect(Place(part.name), f"The file cannot be opened: {error.strerror or error}."), 0
        return
    with stream:
        found = read_table(stream, name=part.name) if part.table else read(stream, name=part.name)
        for each in found:
            yield each, stream.tell()


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
        row = (
            await ImportRun.objects()
            .where((ImportRun.source == source.id) & (ImportRun.origin == origin) & ImportRun.ended_at.is_null())
            .order_by(ImportRun.id, ascending=False)
            .first()
        )
        if row is None:
            row = ImportRun(source=source.id, origin=origin, started_at=clock.now())
            await row.save()
        elif row.failure:
            await ImportRun.update({ImportRun.failure: ""}).where(ImportRun.id == row.id)
    return row


async def _settle(source: Source) -> None:
    """After everything was read: find the likes of what is new, and score the source."""
    while await joining.match_waiting():
        continue
    await scoring.score(source)


async def _end(actor: Actor, source: Source, row: ImportRun) -> None:
    async with transaction():
        ended = await find(ImportRun, ImportRun.id == row.id, lock=True)
        ended.ended_at = clock.now()
        await ended.save([ImportRun.ended_at])
        counts = {name: getattr(ended, name) for name in Counts.__slots__}
        await record(actor, "import.finished", f"import_run:{ended.ref}", {"source": source.name, **counts})


async def due(*, allow_private: bool = False, patience: Patience | None = None) -> int:
    """The job: fetch one page of each source whose turn it is, and go on at the next turn. Answers how many items were read.

    A source whose run stopped rests until an hour after that run began; one that is being read elsewhere is left alone.
    """
    now = clock.now()
    rows = await many(
        "SELECT s.name, s.url FROM source s WHERE s.every_hours > 0 AND s.url <> '' AND ("
        "NOT EXISTS (SELECT 1 FROM import_run r WHERE r.source = s.id AND r.origin = s.url) OR "
        "EXISTS (SELECT 1 FROM import_run r WHERE r.source = s.id AND r.origin = s.url AND r.ended_at IS NULL "
        "AND (r.failure = '' OR r.started_at < {}::timestamptz - interval '1 hour')) OR "
        "(SELECT max(r.started_at) FROM import_run r WHERE r.source = s.id AND r.origin = s.url) "
        "< {}::timestamptz - s.every_hours * interval '1 hour') ORDER BY s.id",
        now,
        now,
    )
    done = 0
    for row in rows:
        before = await _read_so_far(row["name"], row["url"])
        try:
            ended = await run(
                Wanted(row["name"], row["url"]), pages=1, patience=patience or SHORT, allow_private=allow_private
            )
        except Refused as refused:
            log.warning("the portal %s was not read: %s", row["name"], refused)
            continue
        done += max(0, ended.read - before)
    return done


async def _read_so_far(name: str, url: str) -> int:
    row = await one(
        "SELECT r.read FROM import_run r JOIN source s ON s.id = r.source WHERE s.name = {} AND r.origin = {} "
        "AND r.ended_at IS NULL ORDER BY r.id DESC LIMIT 1",
        name,
        url,
    )
    return int(row["read"]) if row else 0
