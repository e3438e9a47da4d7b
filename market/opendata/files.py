"""The whole by years, to download: JSON Lines of releases and of records, and the records flattened for spreadsheets.

A release stands in the file of the year it is dated in, a record in that of the year its process began, so each stands in
exactly one. A year's files are made anew only when something in it changed. They are written beside and then put in their
place at once, so a reader gets the old file or the new one, never half of one; what is in memory at a time is one page of
rows.
"""

from __future__ import annotations

import asyncio
import fcntl
import gzip
import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from market import clock
from market.beside import Beside
from market.opendata import actions, gathering, packages, sheets
from market.opendata.flattening import flatten
from market.reads import rows
from market.settings import settings
from market.wording import _

PAGE = 500
ROWS_OF_A_WORKBOOK = 100_000
"""With more processes in a year there is no workbook: spreadsheet programs take 1,048,576 rows a sheet (ECMA-376), and one
process has several items, parties and milestones. The tables are there all the same."""


class File(msgspec.Struct, frozen=True):
    """One file as the index lists it."""

    name: str
    kind: str
    year: int
    size: int
    sha256: str
    made_at: datetime
    count: int
    """Releases or records in it."""


class Index(msgspec.Struct):
    """What lies there. `made_of` is the state of each year the files were made of."""

    files: list[File] = []
    made_of: dict[str, str] = {}


def folder() -> Path:
    """Where the files lie."""
    return settings().var / "open-data"


def index() -> Index:
    """The index as it was last written; empty before the first files are made."""
    try:
        return msgspec.json.decode((folder() / "index.json").read_bytes(), type=Index)
    except (FileNotFoundError, msgspec.DecodeError):
        return Index()


def find(name: str) -> tuple[File, Path] | None:
    """A listed file by its name. Only what the index names is ever opened."""
    for each in index().files:
        if each.name == name and (path := folder() / name).is_file():
            return each, path
    return None


class Year(msgspec.Struct, frozen=True):
    """How many releases or processes a year has, and the place of the newest."""

    year: int
    newest: int
    number: int


async def states() -> dict[str, str]:
    """For each year with releases or processes what its files would be made of now."""
    years = await rows(
        Year,
        """
        SELECT EXTRACT(YEAR FROM at AT TIME ZONE 'UTC')::int AS year, MAX(event) AS newest, COUNT(*) AS number
        FROM release GROUP BY 1
        UNION ALL
        SELECT EXTRACT(YEAR FROM began_at AT TIME ZONE 'UTC')::int, MAX(last), COUNT(*) FROM process GROUP BY 1
        ORDER BY year, newest, number
        """,
    )
    anew = (await actions.state()).partition("-")[0]
    found: dict[str, str] = {}
    for each in years:
        found[str(each.year)] = f"{found.get(str(each.year), anew)} {each.newest}/{each.number}"
    return found


async def make() -> int:
    """Make the files of every year that changed; answers how many files were made. One run at a time: a second finds the
    lock taken and makes none."""
    made = 0
    with _alone() as mine:
        if not mine:
            return 0
        known, now = index(), await states()
        with _beside("LICENCE.txt") as path:
            path.write_text(licence())
        for year, state in now.items():
            if known.made_of.get(year) == state:
                continue
            files = await _year(int(year))
            others = [each for each in known.files if str(each.year) != year]
            known.files = sorted([*others, *files], key=lambda each: (-each.year, each.name))
            known.made_of[year] = state
            _keep(known)
            made += len(files)
        if known.made_of.keys() != now.keys():
            known.files = [each for each in known.files if str(each.year) in now]
            known.made_of = {year: state for year, state in known.made_of.items() if year in now}
            _keep(known)
        _tidy({"index.json", "LICENCE.txt", ".lock", *(each.name for each in known.files)})
    return made


def _tidy(kept: set[str]) -> None:
    """Remove what is no longer listed, and what a killed run left."""
    for path in folder().iterdir():
        if path.name not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()


_making = Beside("open-data-files")


async def due() -> int:
    """The job: when a year changed, make its files in a process of its own, so that letters and search do not wait for
    it. Always answers 0: nothing is left to do at once."""
    if not _making.running and index().made_of != await states():
        await _making.begin()
    return 0


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether this run is the only one; the lock is free again when its process ends, in whatever way."""
    folder().mkdir(parents=True, exist_ok=True)
    with (folder() / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True


@contextmanager
def _beside(name: str) -> Iterator[Path]:
    """A path to write to, put in the place of `name` at once when all is written; nothing stays of a failure."""
    part = folder() / f".{name}.part"
    try:
        yield part
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(folder() / name)
    finally:
        part.unlink(missing_ok=True)


def _keep(known: Index) -> None:
    with _beside("index.json") as path:
        path.write_bytes(msgspec.json.format(msgspec.json.encode(known)))


async def _year(year: int) -> list[File]:
    made: list[File] = []
    with _beside(f"releases-{year}.jsonl.gz") as path:
        count = await _lines(path, _releases(year))
    made.append(_listed(f"releases-{year}.jsonl.gz", "releases", year, count))
    with tempfile.TemporaryDirectory(dir=folder(), prefix=".work-") as work:
        flat = Path(work) / "records.json"
        with flat.open("wb") as kept:
            count = await write_records(year, kept)
        made.append(_listed(f"records-{year}.jsonl.gz", "records", year, count))
        if count:
            with _temporary(work):
                made += await asyncio.to_thread(_tables, year, count, flat, Path(work))
    return made


@contextmanager
def _temporary(work: str) -> Iterator[None]:
    """What the makers of tables keep while they work lies in our own folder: it goes with it, also when this is cut off."""
    before, tempfile.tempdir = tempfile.tempdir, work
    try:
        yield
    finally:
        tempfile.tempdir = before


async def write_records(year: int, flat: BinaryIO | None = None) -> int:
    """The file of a year's records; into `flat` what its tables are made from. Answers how many records there are."""
    with _beside(f"records-{year}.jsonl.gz") as path:
        return await _lines(path, _records(year, flat))


async def _lines(path: Path, lines: AsyncIterator[bytes]) -> int:
    """Write lines, compressed, without name or time in the file: the same lines are the same bytes."""
    count = 0
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        async for line in lines:
            packed.write(line + b"\n")
            count += 1
    return count


class Line(msgspec.Struct, frozen=True):
    """A release as its text, and its place."""

    event: int
    body: str


async def _releases(year: int) -> AsyncIterator[bytes]:
    begin, end, after = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC), 0
    while lines := await rows(
        Line,
        "SELECT event, body FROM release WHERE event > {} AND at >= {} AND at < {} ORDER BY event LIMIT {}",
        after,
        begin,
        end,
        PAGE,
    ):
        for line in lines:
            yield line.body.encode()
        after = lines[-1].event


async def _records(year: int, flat: BinaryIO | None) -> AsyncIterator[bytes]:
    """The records, and on the way each compiled release made safe for a spreadsheet into `flat`."""
    after, between = 0, b'{"releases":['
    while processes := await actions.page_of_processes(after, PAGE, year=year):
        for process in processes:
            yield actions.record_of(process)
            if flat is not None:
                flat.write(between + packages.encode(_safe(packages.decode(process.compiled))))
                between = b","
        after = processes[-1].last
    if flat is not None:
        flat.write(b"]}")


def _safe(value: Any) -> Any:
    """The same data with every text that a spreadsheet would run as a formula made plain."""
    if isinstance(value, str):
        return sheets.plain(value)
    if isinstance(value, dict):
        return {key: _safe(each) for key, each in value.items()}
    return [_safe(each) for each in value] if isinstance(value, list) else value


def _tables(year: int, count: int, flat: Path, work: Path) -> list[File]:
    made: list[File] = []
    tables = work / "csv"
    flatten(flat, tables, "csv")
    with _beside(f"records-{year}-csv.zip") as path, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for table in sorted(tables.glob("*.csv")):
            packed.write(table, table.name)
        packed.writestr("LICENCE.txt", licence())
    made.append(_listed(f"records-{year}-csv.zip", "csv", year, count))
    if count <= ROWS_OF_A_WORKBOOK:
        flatten(flat, work / "workbook.xlsx", "xlsx")
        with _beside(f"records-{year}.xlsx") as path:
            shutil.move(work / "workbook.xlsx", path)
        made.append(_listed(f"records-{year}.xlsx", "xlsx", year, count))
    return made


def _listed(name: str, kind: str, year: int, count: int) -> File:
    path = folder() / name
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(name, kind, year, path.stat().st_size, digest, clock.now(), count)


def licence() -> str:
    """The licence of the data as it lies beside them."""
    who = gathering.publisher()
    return _(
        "This data may be used under the Open Government Licence v3.0:\n{license}\n\nName the source: "
        "Contains public sector information published on {name} ({site}) and licensed under the Open "
        "Government Licence v3.0.\n\nWhat is in it, and what never is: {policy}\n",
        license=who.license,
        name=who.name,
        site=who.site,
        policy=who.policy,
    )
