"""How fast open data goes out: a page of 100 releases, the export of records, the yearly files; and whether a generated
set passes the Open Contracting Partnership's check.

Run: `python bench/opendata.py [--processes N] [--conformance N]`. It fills an embedded database of its own in a temporary
folder with generated procurements (those of the tests), serves it with one process over a loopback socket, and prints each
figure beside a named baseline measured in the same run:

- *bare*: an application of the same framework and server that answers the same bytes from memory;
- *zlib alone*: compressing the same lines, since a compressed export can be no faster.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))


def free() -> int:
    """A free loopback port."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


PORT, BARE_PORT = free(), free()
BARE = """
import os, pathlib
from litestar import Litestar, Response, get

CONTENT = pathlib.Path(os.environ["BENCH_CONTENT"]).read_bytes()

@get("/")
async def same() -> Response[bytes]:
    return Response(CONTENT, media_type="application/json")

def create() -> Litestar:
    return Litestar([same], openapi_config=None)
"""


def releases(count: int) -> Iterator[tuple[str, dict[str, object]]]:
    """Releases of as many generated procurements, each with the kind and reference of its process."""
    from market.opendata import gathering
    from market.opendata.releases import challenge_release, tender_release
    from tests.market.opendata.stories import many

    who = gathering.publisher()
    for facts, step in many(count):
        if hasattr(facts, "places"):
            yield f"challenge:{facts.key}", challenge_release(facts, step, who)
        else:
            yield f"tender:{facts.key}", tender_release(facts, step, who)


async def fill(count: int) -> None:
    """Put them into the tables as the publisher would, in statements of 200 rows."""
    from datetime import datetime

    from market.opendata import packages
    from market.opendata.tables import Process, Release
    from market.settings import settings

    rows: list[Release] = []
    processes: list[Process] = []
    for number, (subject, release) in enumerate(releases(count), 1):
        body, at = packages.encode(release).decode(), datetime.fromisoformat(str(release["date"]))
        key, ocid, tags = str(release["id"]), str(release["ocid"]), list(release["tag"])  # type: ignore[call-overload]
        used = packages.extensions_of(release)
        link = {"url": f"{settings().site_url}/api/ocds/releases/{key}", "date": release["date"], "tag": tags}
        compiled = packages.encode(packages.compiled_release([release])).decode()
        rows.append(Release(key=key, ocid=ocid, event=number, at=at, tags=tags, extensions=used, body=body))
        processes.append(
            Process(
                ocid=ocid,
                subject=subject,
                last=number,
                began_at=at,
                changed_at=at,
                tags=tags,
                extensions=used,
                listed=packages.encode([link]).decode(),
                compiled=compiled,
            )
        )
        if len(rows) == 200 or number == count:
            await Release.insert(*rows)
            await Process.insert(*processes)
            rows, processes = [], []


def ask(
    port: int, path: str, rounds: int, headers: dict[str, str] | None = None, *, fresh: bool = False
) -> tuple[float, bytes]:
    """The median seconds of one answer over one kept connection, and the content. With `fresh` every question is asked for
    the first time, so that no answer is one that the server kept."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    took, content = [], b""
    for _ in range(rounds):
        began = time.perf_counter()
        connection.request("GET", f"{path}&n={next(_number)}" if fresh else path, headers=headers or {})
        answer = connection.getresponse()
        content = answer.read()
        took.append(time.perf_counter() - began)
        if answer.status not in (200, 304):
            raise SystemExit(f"{path}: {answer.status} {content[:200]!r}")
    connection.close()
    return statistics.median(took), content


_number = iter(range(10_000_000, 100_000_000))


def up(port: int, path: str) -> None:
    """Wait until it serves."""
    for _ in range(900):
        try:
            ask(port, path, 1)
            return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def pages(work: Path, rounds: int) -> None:
    """A page of 100 beside the same bytes from memory."""
    ours = subprocess.Popen([sys.executable, "-m", "market", "serve", "--port", str(PORT), "--no-worker"], cwd=HERE)
    bare = None
    try:
        up(PORT, "/api/ocds/releases?limit=1")
        for name in ("releases", "records"):
            _, content = ask(PORT, f"/api/ocds/{name}?limit=100", 5)
            (work / "bare_answer.py").write_text(BARE)
            (work / "content").write_bytes(content)
            bare = subprocess.Popen(
                [sys.executable, "-m", "granian", "bare_answer:create", "--factory", "--interface", "asgi", "--port",
                 str(BARE_PORT), "--log-level", "warning", "--loop", "uvloop"],
                cwd=work, env={**os.environ, "BENCH_CONTENT": str(work / "content")},
            )  # fmt: skip
            up(BARE_PORT, "/")
            ask(BARE_PORT, "/", 20)
            page, again, base = [], [], []
            for _ in range(5):
                page.append(ask(PORT, f"/api/ocds/{name}?limit=100", rounds, fresh=True)[0])
                again.append(ask(PORT, f"/api/ocds/{name}?limit=100", rounds)[0])
                base.append(ask(BARE_PORT, "/", rounds)[0])
            one, same, other = min(page), min(again), min(base)
            print(
                f"page of 100 {name}, {len(content):,} bytes: {one * 1000:.2f} ms; bare {other * 1000:.2f} ms; "
                f"ratio {one / other:.1f} (at most 5); asked for again before anything is published {same * 1000:.2f} ms, "
                f"ratio {same / other:.1f}"
            )
            bare.terminate()
            bare.wait(10)
            bare = None
        gzip = {"accept-encoding": "gzip"}
        packed, _ = ask(PORT, "/api/ocds/releases?limit=100", rounds, gzip, fresh=True)
        kept, _ = ask(PORT, "/api/ocds/releases?limit=100", rounds, gzip)
        began = time.perf_counter()
        for _ in range(20):
            zlib.compress(content, 5)
        alone = (time.perf_counter() - began) / 20
        print(
            f"the same with gzip: {packed * 1000:.2f} ms; zlib alone {alone * 1000:.2f} ms; ratio {packed / alone:.1f}; "
            f"asked for again {kept * 1000:.2f} ms"
        )
        for name in ("records.csv", "contracts.csv"):
            took, content = ask(PORT, f"/api/ocds/{name}", 3)
            lines = content.count(b"\r\n") - 1
            print(f"{name}: {lines:,} rows, {len(content):,} bytes in {took:.2f} s")
    finally:
        for each in (ours, bare):
            if each is not None:
                each.terminate()
                each.wait(60)


async def export(count: int) -> None:
    """All records, page by page, as a mirror reads them; and as the yearly file."""
    from market.opendata import actions, files, sheets

    began, number, size, after = time.perf_counter(), 0, 0, 0
    lines: list[bytes] = []
    while True:
        page = await actions.page_of_records(after, 500)
        number, after = number + len(page.bodies), page.place
        size += sum(map(len, page.bodies))
        lines += page.bodies if len(lines) < 5_000 else []
        if not page.more:
            break
    took = time.perf_counter() - began
    print(f"export of records: {number:,}, {size / 1e6:.1f} MB, {number / took:,.0f}/s (at least 2,000)")
    began = time.perf_counter()
    rows = sum([piece.count(b"\r\n") async for piece in sheets.written(sheets.PROCESSES, sheets.process_rows)]) - 1
    took = time.perf_counter() - began
    print(f"rows of the table: {rows:,}, {rows / took:,.0f}/s")
    files.folder().mkdir(parents=True, exist_ok=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.perf_counter()
    written = 0
    for year in sorted(await files.states()):
        written += await files.write_records(int(year))
    took = time.perf_counter() - began
    packer = zlib.compressobj(6)
    began = time.perf_counter()
    for line in lines:
        packer.compress(line)
    alone = (time.perf_counter() - began) / len(lines)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"yearly JSON Lines of records, compressed: {written:,}, {written / took:,.0f}/s; zlib alone {1 / alone:,.0f}/s; "
        f"ratio {took / written / alone:.1f}; memory grew by {grown:.0f} MB"
    )


def conformance(count: int) -> int:
    """How many structural errors libcoveocds finds in a generated set, in packages of 1,000."""
    from market.opendata import packages
    from tests.market.opendata.conformance import structural_errors
    from tests.market.opendata.stories import PUBLISHER, day

    found = [release for _, release in releases(count)]
    errors: list[str] = []
    began = time.perf_counter()
    for start in range(0, count, 1_000):
        part = found[start : start + 1_000]
        uri = f"https://prelude.example/api/ocds/releases?cursor={start}"
        errors += structural_errors(
            packages.encode(packages.release_package(part, PUBLISHER, uri=uri, published_at=day(400)))
        )
    print(
        f"libcoveocds: {count:,} generated procurements, {len(errors)} structural errors, {time.perf_counter() - began:.0f} s"
    )
    for each in errors[:5]:
        print(f"  {each}")
    return len(errors)


async def everything(arguments: argparse.Namespace, work: Path) -> None:
    from market import db, migrations
    from market.rulings.texts import register_first

    async with db.pool(4):
        await migrations.migrate()
        await register_first()
        await fill(arguments.processes)
        await db.many("ANALYZE")
        print(f"{arguments.processes:,} generated processes, one process on one core, PostgreSQL beside it")
        await export(arguments.processes)
        await asyncio.to_thread(pages, work, arguments.rounds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--conformance", type=int, default=0, metavar="N", help="only check a generated set of N")
    arguments = parser.parse_args()
    if arguments.conformance:
        return 1 if conformance(arguments.conformance) else 0
    work = Path(tempfile.mkdtemp(prefix="prelude-bench-"))
    os.environ["PRELUDE_VAR"] = str(work / "var")
    for name in ("DATABASE_URL", "PRELUDE_DEMO"):
        os.environ.pop(name, None)
    from market import db

    try:
        asyncio.run(everything(arguments, work))
    finally:
        db.stop_embedded()
        shutil.rmtree(work, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
