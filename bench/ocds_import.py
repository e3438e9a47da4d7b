"""How many releases a second one core reads, mends, merges and flattens; and whether memory stays flat.

Run: `python bench/ocds_import.py [--large MEGABYTES] [--store COUNT]`. With `--store` the releases are imported into a database
of their own as `python -m market import` would, and searched for the same procurement on other portals; the processor time of
this process and of PostgreSQL's are both counted. Real files are taken from `../shared/data/ocds` (or
`$PRELUDE_SHARED_DATA`) when they are there, otherwise the golden packages of `fixtures/ocds`, multiplied to
size with fresh ocids. Every figure is printed beside that of plain `json.loads` and `ocdsmerge` alone over the same bytes
in the same run, since absolute figures drift from machine to machine.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import io
import json
import os
import re
import resource
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

from ocdsmerge.merge import Merger  # noqa: E402

from market import ocds  # noqa: E402
from market.db import stop_embedded  # noqa: E402
from market.portal.intake.merging import merge  # noqa: E402
from market.portal.intake.notices import notice  # noqa: E402
from market.portal.intake.quality import Quality  # noqa: E402
from market.portal.intake.reading import Defect, Found, published, unfold  # noqa: E402
from market.portal.intake.upgrading import Upgraded, upgrade  # noqa: E402
from market.settings import settings  # noqa: E402

SHARED = Path(os.environ.get("PRELUDE_SHARED_DATA", HERE.parent / "shared" / "data")) / "ocds"


def corpus(folder: Path) -> list[bytes]:
    """Every release in a folder, written anew so that commas and encodings are sound."""
    every = (inner for found in published(folder) if isinstance(found, Found) for inner in unfold(found))
    return [json.dumps(inner.data).encode() for inner in every if isinstance(inner, Found)]


_NUMBERS = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def multiplied(releases: list[bytes], count: int) -> bytes:
    """A release package of `count` releases, each with an ocid of its own and long numbers of its own."""
    return b"".join(package(releases, count, []))


def package(releases: list[bytes], count: int, firms: list[str]) -> Iterator[bytes]:
    """The pieces of that package. With `firms` every awarded supplier is one of these, in turn."""
    yield b'{"uri": "https://bench.example", "version": "1.1", "publisher": {"name": "Bench"}, "releases": ['
    for number in range(count):
        turn, place = divmod(number, len(releases))
        mark = f"{turn:08x}".encode()
        one = json.loads(_NUMBERS.sub(lambda found, mark=mark: mark + found[0][8:], releases[place]))
        one["ocid"] = f"{one.get('ocid', 'ocds-none')}-{number}"
        if firms:
            rename(one, firms, number)
        yield (b"," if number else b"") + json.dumps(one).encode()
    yield b"]}"


def rename(release: dict[str, Any], firms: list[str], number: int) -> None:
    """Give the suppliers of a release the names of real firms, and ids that are no register's."""
    named: dict[Any, tuple[str, str]] = {}
    for award in release.get("awards") or ():
        for each in award.get("suppliers") or ():
            place = len(named)
            told = named.setdefault(each.get("id"), (f"s{place}", firms[(number + place) % len(firms)]))
            each["id"], each["name"] = told
    for party in release.get("parties") or ():
        if party.get("id") in named:
            party["id"], party["name"] = named[party["id"]]
            party.pop("identifier", None)


def firms() -> list[str]:
    """The names of 15,513 real firms, where they are at hand."""
    path = SHARED.parent / "suppliers" / "us-sbir-firms-to-2013.jsonl.gz"
    if not path.is_file():
        return []
    with gzip.open(path, "rt") as lines:
        return [json.loads(line)["name"] for line in lines]


class Repeated(io.RawIOBase):
    """A package of about `size` bytes that repeats `items`, made while it is read."""

    def __init__(self, items: list[bytes], size: int) -> None:
        self._pieces, self._rest = self._made(items, size), b""

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        given, self._rest = self._rest[:size], self._rest[size:]
        return given

    @staticmethod
    def _made(items: list[bytes], size: int) -> Iterator[bytes]:
        yield b'{"releases": ['
        done = number = 0
        while done < size:
            one = items[number % len(items)]
            yield (b"," if number else b"") + one
            done, number = done + len(one), number + 1
        yield b'], "version": "1.1"}'


def per_second(name: str, text: bytes, count: int) -> None:
    """One line of the table: our whole way against its parts alone, over the same bytes."""
    started = time.perf_counter()
    plain = json.loads(text)["releases"]
    parsed = time.perf_counter() - started
    merger = Merger(merge_rules=ocds.merge_rules())
    started = time.perf_counter()
    for one in plain:
        try:
            merger.create_compiled_release([one])
        except Exception:
            continue
    merged_alone = time.perf_counter() - started
    started = time.perf_counter()
    made, mended = 0, 0
    for found in published(text):
        if isinstance(found, Defect):
            continue
        one = upgrade(found)
        if isinstance(one, Upgraded):
            merged = merge([one])
            notice(merged.compiled, source="bench", tags=one.tags)
            merged.encoded()
            made += 1
            mended += bool(one.notes)
    whole = time.perf_counter() - started
    size = len(text) / count / 1000
    print(
        f"{name:28} {size:5.1f} kB  {made / whole:7,.0f}/s whole way   json.loads {count / parsed:8,.0f}/s   "
        f"ocdsmerge alone {count / merged_alone:7,.0f}/s   ratio {whole / (parsed + merged_alone):.2f}   mended {mended / made:.0%}"
    )


def resident() -> float:
    """Megabytes of memory that this process holds now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def server_seconds(postmaster: int) -> float:
    """Processor seconds that PostgreSQL's processes have used so far."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == postmaster or int(stat.parent.name) == postmaster:
            ticks += sum(int(each) for each in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


async def stored(releases: list[bytes], count: int) -> None:
    """Import `count` releases end to end, then match and score them, then import them again."""
    from market import db, migrations
    from market.db import many
    from market.portal import imports
    from market.portal.intake import importing, scoring, sources
    from market.portal.tables import ImportedNotice, ImportedSupplier, Source
    from search import outbox
    from search.engines import open_index

    folder = settings().var
    path = folder / "bench.json"
    names = firms()
    with path.open("wb") as file:
        file.writelines(package(releases, count, names))
    some = b"".join(package(releases, min(count, 8000), names))
    started = time.process_time()
    for found in published(some):
        made = upgrade(found)
        if isinstance(made, Upgraded):
            merged = merge([made])
            notice(merged.compiled, source="bench", tags=made.tags)
            merged.encoded()
    pure = (time.process_time() - started) / min(count, 8000)
    del some, names
    async with db.pool(2):
        await migrations.migrate()
        await sources.settle()
        postmaster = int((folder / "postgres" / "postmaster.pid").read_text().split()[0])
        source = await Source.objects().get(Source.name == "uk-contracts-finder")
        row = await imports._begun(source, str(path))
        sizes = [resident()]
        reader = importing.Run(source, row, lambda _: sizes.append(resident()))
        before = server_seconds(postmaster)
        wall, own = time.perf_counter(), time.process_time()
        await reader.files((("bench.json", path),))
        wall, own = time.perf_counter() - wall, time.process_time() - own
        server = server_seconds(postmaster) - before
        middle = len(sizes) // 2
        grown = max(sizes[middle:]) - max(sizes[: middle + 1])
        kept = await ImportedNotice.count()
        print(
            f"stored {kept:,} procurements from {path.stat().st_size / 1e6:,.0f} MB: {count / (own + server):,.0f} releases a second of processor time "
            f"({own / count * 1e6:.0f} µs here, {server / count * 1e6:.0f} µs in PostgreSQL), {count / wall:,.0f}/s by the clock; "
            f"ratio to reading, mending and merging alone {(own + server) / count / pure:.2f}; {max(sizes):.0f} MB of memory, in the second half {grown:+.0f} MB"
        )
        peak, before = resident(), server_seconds(postmaster)
        started = time.process_time()
        while await imports.match_waiting():
            peak = max(peak, resident())
        matched = time.process_time() - started
        server = server_seconds(postmaster) - before
        spelt = await ImportedSupplier.count()
        records = await ImportedSupplier.count().where(ImportedSupplier.shown_as.is_null())
        started = time.process_time()
        await scoring.score(source)
        print(
            f"then {count / (matched + server):,.0f}/s of processor time compared with their likes, {spelt:,} spellings of suppliers "
            f"resolved into {records:,} records, {peak:.0f} MB of memory; "
            f"{count / (time.process_time() - started):,.0f}/s scored"
        )
        started = time.process_time()
        again = importing.Run(source, await imports._begun(source, "again"), None)
        await again.files((("bench.json", path),))
        took = time.process_time() - started
        print(f"again, nothing new: {count / took:,.0f}/s, {again.counts.unchanged:,} unchanged")
        engine = open_index(url=None, key=None, folder=folder / "search")
        await engine.prepare()
        await outbox.reindex(engine)
        await many("UPDATE outbox SET done_at = NULL")
        started, told = time.perf_counter(), 0
        while did := await outbox.drain(engine):
            told += did
        print(f"the search was told of {told:,} at {told / (time.perf_counter() - started):,.0f}/s by the clock")
        await engine.close()


def survey(root: Path) -> None:
    """A table of every portal's files: what was read, what was refused, what was mended, and the quality score."""
    now = datetime.now(UTC)
    print(
        f"{'portal':30} {'files':>5} {'items':>6} {'refused':>7} {'releases':>8} {'ocids':>6} {'score':>5}  most frequent notes"
    )
    reasons: Counter[str] = Counter()
    for folder in sorted(each for each in root.iterdir() if each.is_dir()):
        by_ocid: dict[str, list[Upgraded]] = {}
        counted: Counter[str] = Counter()
        noted: Counter[str] = Counter()
        for found in published(folder):
            inner = [found] if isinstance(found, Defect) else [*unfold(found)]
            counted["items"] += isinstance(found, Found)
            for each in inner:
                made = upgrade(each) if isinstance(each, Found) else each
                if isinstance(made, Defect):
                    counted["refused"] += 1
                    reasons[f"{folder.name}: {made.reason}"] += 1
                    continue
                counted["releases"] += 1
                noted.update(note.code for note in made.notes)
                by_ocid.setdefault(made.ocid, []).append(made)
        quality = Quality(folder.name)
        for releases in by_ocid.values():
            merged = merge(releases)
            tags = tuple(tag for version in merged.history for tag in version.tags)
            notes = (*merged.notes, *(note for one in releases for note in one.notes))
            quality.add(notice(merged.compiled, source=folder.name, tags=tags), notes, now)
        files = sum(each.is_file() for each in folder.rglob("*"))
        often = ", ".join(f"{code} {count}" for code, count in noted.most_common(4))
        print(
            f"{folder.name:30} {files:5} {counted['items']:6} {counted['refused']:7} {counted['releases']:8} "
            f"{len(by_ocid):6} {quality.report().score:5}  {often}"
        )
    print("\nWhat was refused, and why:")
    for reason, count in reasons.most_common():
        print(f"{count:4} {reason}")


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=3000, help="releases in each set")
    options.add_argument("--large", type=int, default=0, metavar="MEGABYTES", help="also read one package of this size")
    options.add_argument(
        "--store", type=int, default=0, metavar="COUNT", help="import so many releases into a database"
    )
    options.add_argument("--survey", action="store_true", help="print what every portal's files come to, and stop")
    chosen = options.parse_args()
    if chosen.survey:
        survey(SHARED if SHARED.is_dir() else HERE / "fixtures")
        return
    warnings.simplefilter("ignore")
    if SHARED.is_dir():
        sets = {folder.name: corpus(folder) for folder in sorted(SHARED.iterdir())}
        uk = sets["uk-contracts-finder"]
        mixed = [raw for every in sets.values() for raw in every]
    else:
        print("The shared data are not on this machine; the golden packages are used.")
        uk = mixed = corpus(HERE / "fixtures" / "ocds")
    if chosen.store:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            os.environ["PRELUDE_VAR"] = folder
            os.environ.pop("DATABASE_URL", None)
            os.environ["PICCOLO_CONF"] = "market.piccolo_conf"
            asyncio.run(stored(uk, chosen.store))
            stop_embedded()
        return
    per_second("UK Contracts Finder", multiplied(uk, chosen.count), chosen.count)
    per_second("all portals mixed", multiplied(mixed, chosen.count), chosen.count)
    if chosen.large:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        kinds = Counter(type(each).__name__ for each in published(Repeated(uk, chosen.large * 1_000_000), name="large"))
        took = time.perf_counter() - started
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1000
        print(
            f"one package of {chosen.large} MB: {dict(kinds)}, {chosen.large / took:.0f} MB/s, memory grew by {grown:.0f} MB"
        )


if __name__ == "__main__":
    main()
