"""The reading of one run: a file, a folder or an address, from where the last batch ended, kept batch by batch.

A run that was killed, or whose portal stopped answering, is found again by source and origin and goes on; one that came
to its end is begun anew and, when nothing was published since, changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec

from market.db import transaction
from market.portal import rules
from market.portal.intake import keeping, sources
from market.portal.intake.fetching import Fetcher, Unreachable
from market.portal.intake.keeping import Counts
from market.portal.intake.reading import Defect, Found, published
from market.portal.intake.reading import Position as Place
from market.portal.intake.sources import Paging
from market.portal.intake.tabular import read_table
from market.portal.tables import ImportRun, Source
from market.refusals import insist
from market.wording import _

BATCH = 500
"""Items kept in one transaction."""

BATCH_BYTES = 8 * 1024**2
"""A batch ends early when its items together are larger, so that memory stays flat."""


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
        raise rules.PORTAL_UNKNOWN.refused(name=source, known=", ".join(sorted(sources.portals())))
    if "://" in what:
        insist((rules.web_address,), what)
        return [Wanted(source or sources.of_address(what) or sources.BY_HAND, what)]
    path = Path(what).resolve()
    if not path.exists():
        raise rules.NO_SUCH_FILE.refused(name=what)
    if path.is_file():
        return [Wanted(source or sources.of_file(path), str(path), ((path.name, path),))]
    by_source: dict[str, list[tuple[str, Path]]] = {}
    for each in sorted(path.rglob("*")):
        name = each.relative_to(path)
        if each.is_file() and not any(part.startswith(".") for part in name.parts):
            by_source.setdefault(source or sources.of_file(each), []).append((str(name), each))
    if not by_source:
        raise rules.FOLDER_EMPTY.refused(name=what)
    return [Wanted(name, str(path), tuple(files)) for name, files in by_source.items()]


class Run:
    """The reading of one run: parts, batches, position."""

    def __init__(self, source: Source, row: ImportRun, watch: Watch | None) -> None:
        self.source, self.row, self.watch = source, row, watch
        self.position = msgspec.json.decode(row.position or "{}", type=Position)
        self.counts = Counts(row.read, row.new, row.changed, row.unchanged, row.rejected)
        self._batch: list[Found | Defect] = []
        self._bytes = 0
        self._from_table = False

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
                await self._stopped(_("The portal's pages lead in a circle."))
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
        if part.table != self._from_table:
            await self._flush()
            self._from_table = part.table
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
                counts = await keeping.keep(self.source, self.row.id, self._batch, from_table=self._from_table)
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
        yield Defect(Place(part.name), _("The file cannot be opened: {strerror}.", strerror=error.strerror or error)), 0
        return
    with stream:
        found = read_table(stream, name=part.name) if part.table else published(stream, name=part.name)
        for each in found:
            yield each, stream.tell()
