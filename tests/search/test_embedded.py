"""What only the embedded engine has to promise: its folder is shared by processes, and disposable."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from search import embedded
from search.documents import Kind
from search.embedded import EmbeddedIndex
from search.index import IndexUnavailable, Query, Synonyms
from tests.search import given
from tests.search.engines import ROOT
from tests.search.test_engines import flow

WRITER = """
import asyncio, sys
from pathlib import Path
from search.embedded import EmbeddedIndex
from search.words import Synonyms
from tests.search import given
from search.documents import Kind

async def main():
    index = EmbeddedIndex(Path(sys.argv[1]), Synonyms())
    print("ready", flush=True)
    number = 0
    while True:
        await index.upsert([given.a(Kind.TENDER, f"P-{number}", f"Confirmed paper {number}")])
        print(number, flush=True)
        number += 1

asyncio.run(main())
"""


def opened(folder: Path) -> EmbeddedIndex:
    return EmbeddedIndex(folder, Synonyms())


async def total(index: EmbeddedIndex) -> int:
    return (await index.search(Query(limit=0))).total


async def test_another_reader_of_the_folder_sees_a_write_at_once(tmp_path: Path) -> None:
    writer, reader = opened(tmp_path), opened(tmp_path)
    await writer.upsert(given.DOCUMENTS[:2])
    assert await total(reader) == 2
    await writer.upsert(given.DOCUMENTS[:5])
    assert await total(reader) == 5
    await writer.rebuild(flow(given.DOCUMENTS))
    assert await total(reader) == len(given.DOCUMENTS)
    await writer.close()
    await reader.close()


async def test_two_writers_take_turns(tmp_path: Path) -> None:
    first, second = opened(tmp_path), opened(tmp_path)
    await asyncio.gather(*(
        engine.upsert([given.a(Kind.TENDER, f"T-{number}-{name}", "Turn")])
        for number in range(5)
        for name, engine in (("a", first), ("b", second))
    ))  # fmt: skip
    assert await total(first) == await total(second) == 10
    await first.close()
    await second.close()


async def test_a_writer_that_waits_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "_LOCK_PATIENCE", 0.1)
    busy, waiting = opened(tmp_path), opened(tmp_path)
    with busy._locked(), pytest.raises(IndexUnavailable, match="another process is writing"):
        await waiting.upsert(given.DOCUMENTS[:1])
    await waiting.upsert(given.DOCUMENTS[:1])
    assert await total(waiting) == 1
    await busy.close()
    await waiting.close()


def killed_after(confirmations: int, folder: Path) -> int:
    """Let a process write until it has confirmed that many writes, kill it, and give back the last one confirmed."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    confirmed = -1
    for line in process.stdout:
        if line.strip().isdigit():
            confirmed = int(line)
            if confirmed >= confirmations:
                break
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    return confirmed


async def test_killing_the_writer_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    reader = opened(tmp_path)
    for confirmations in (3, 6):
        confirmed = await asyncio.to_thread(killed_after, confirmations, tmp_path)
        found = await reader.search(Query(text='"confirmed paper"', limit=1000))
        assert {f"P-{number}" for number in range(confirmed + 1)} <= {hit.document.ref for hit in found.hits}
    await reader.upsert(given.DOCUMENTS[:1])
    await reader.close()


async def test_an_index_of_an_older_version_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "SCHEMA_VERSION", 0)
    old = opened(tmp_path)
    await old.rebuild(flow(given.DOCUMENTS))
    assert not await old.prepare()
    monkeypatch.undo()
    new = opened(tmp_path)
    assert await new.prepare()
    await new.rebuild(flow(given.DOCUMENTS))
    assert await total(new) == len(given.DOCUMENTS)
    await old.close()
    await new.close()


def generations(folder: Path) -> int:
    return len([path for path in folder.iterdir() if path.is_dir()])


async def test_rebuilding_again_and_again_does_not_fill_the_disk(tmp_path: Path) -> None:
    index = opened(tmp_path)
    for _ in range(4):
        await index.rebuild(flow(given.DOCUMENTS))
    assert generations(tmp_path) == 2, "the present one and the one before"
    await index.close()


async def test_a_deleted_folder_is_begun_again_by_the_next_write(tmp_path: Path) -> None:
    import shutil

    index = opened(tmp_path / "search")
    await index.upsert(given.DOCUMENTS)
    shutil.rmtree(tmp_path / "search")
    with pytest.raises(IndexUnavailable):
        await index.search(Query())
    await index.upsert(given.DOCUMENTS[:1])
    assert await total(index) == 1
    assert await index.prepare(), "and says that it is not whole"
    await index.close()
