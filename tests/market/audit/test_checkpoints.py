"""The tree behind the log: it grows, is signed and published; it is killed, meets itself, and a copy from before, and never forks."""

from __future__ import annotations

import asyncio
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from market.actor import SYSTEM
from market.audit import checkpoints, outside
from market.audit.actions import record
from market.audit.outside import Amiss
from market.db import many
from market.proof import notes, tiles, tree
from market.proof.tiles import Tile
from market.reads import rows
from market.settings import ROOT, settings
from tests.market.proof.test_tree import mth

pytestmark = pytest.mark.usefixtures("clean")


async def happen(times: int = 1) -> None:
    for number in range(times):
        await record(SYSTEM, "mission.drafted", f"mission:M-{number}", {"number": number})


async def hashes() -> list[bytes]:
    return [bytes.fromhex(each) for each in await rows(str, "SELECT hash FROM event ORDER BY seq")]


async def shown() -> tuple[notes.Key, notes.Checkpoint]:
    key, newest = await checkpoints.vkey(), await checkpoints.newest()
    assert key is not None
    assert newest is not None
    return key, notes.opened(newest.note.encode(), key)[1]


async def refused() -> str:
    with pytest.raises(Amiss) as amiss:
        await checkpoints.advance()
    return str(amiss.value)


async def test_an_empty_log_has_no_checkpoint_and_no_key() -> None:
    assert await checkpoints.grow() == 0
    assert await checkpoints.newest() is None
    assert await checkpoints.vkey() is None
    assert not outside.folder().exists()


async def test_what_happened_is_signed_kept_outside_and_shown() -> None:
    await happen(3)
    assert await checkpoints.grow() == 3
    key, state = await shown()
    assert (state.size, state.root) == (3, mth(await hashes()))
    assert state.origin.startswith("localhost/log-")
    assert outside.newest(key) == state
    assert oct(outside.key_file().stat().st_mode)[-3:] == "600"
    assert await checkpoints.grow() == 0
    await happen(2)
    assert await checkpoints.grow() == 2
    assert (await shown())[1].root == mth(await hashes())
    assert await rows(int, "SELECT size FROM checkpoint ORDER BY size") == [3, 5]


@pytest.mark.slow
async def test_it_grows_through_every_boundary_and_its_tiles_prove_it() -> None:
    await many(
        """
        INSERT INTO event (seq, at, actor, verb, subject, about, body, body_digest, hash)
        SELECT n, now(), 'system', 'mission.drafted', 'mission:M-1', '{{}}', '{{}}', '', encode(sha256(n::text::bytea), 'hex')
        FROM generate_series(1, 66100) n
        """
    )
    assert await checkpoints.grow() == checkpoints.ROUND
    while await checkpoints.grow():
        pass
    leaves = await hashes()
    _, state = await shown()
    assert (state.size, state.root) == tree.root_of(leaves) == (66_100, state.root)
    assert await rows(int, "SELECT count(*) FROM tree_node WHERE level = 1") == [66_100 // 256]
    assert await rows(int, "SELECT count(*) FROM tree_node WHERE level = 2") == [1]
    for index in (0, 255, 256, 65_535, 65_536, 66_099):
        made = await checkpoints.proof(tree.inclusion(index, 66_100), 66_100)
        tree.check_inclusion(made, index, tree.leaf(leaves[index]), 66_100, state.root)
    for old in (1, 255, 256, 257, 5000, 65_536, 65_537):
        made = await checkpoints.proof(tree.consistency(old, 66_100), 66_100)
        tree.check_consistency(made, old, tree.root_of(leaves[:old])[1], 66_100, state.root)
    assert tiles.entries(await checkpoints.tile(Tile(tiles.ENTRIES, 258, 52))) == leaves[66_048:]
    assert len(await checkpoints.tile(Tile(0, 0))) == 8192
    assert await checkpoints.tile(Tile(2, 0, 1)) == mth(leaves[:65_536])


async def test_a_round_that_was_cut_off_after_signing_is_finished_by_the_next() -> None:
    await happen(4)
    assert await checkpoints._extend() == 4  # here the process is killed: signed, not yet kept, not shown
    assert await checkpoints.newest() is None
    key = outside.signer().key
    assert outside.newest(key) is None
    assert await checkpoints.grow() == 0
    assert (await shown())[1].size == 4
    assert outside.newest(key) == (await shown())[1]


async def test_two_workers_at_once_make_one_log() -> None:
    for _ in range(5):
        await happen(7)
        await asyncio.gather(*(checkpoints.grow() for _ in range(6)))
    await checkpoints.grow()
    assert (await shown())[1].root == mth(await hashes())
    await consistent()


async def consistent() -> None:
    """Every checkpoint ever signed is of this log."""
    leaves = await hashes()
    signed = await rows(str, "SELECT note FROM checkpoint ORDER BY size")
    key = await checkpoints.vkey()
    assert key is not None
    for note in signed:
        state = notes.opened(note.encode(), key)[1]
        assert tree.root_of(leaves[: state.size]) == (state.size, state.root)


GROWING = """
import asyncio
from market import db
from market.audit import checkpoints
checkpoints.ROUND = 3
async def main():
    async with db.pool(2):
        print("begun", flush=True)
        while True:
            await checkpoints.advance()
asyncio.run(main())
"""


def growing() -> subprocess.Popen[bytes]:
    """A process that lets the tree grow, three events at a time, until it is killed."""
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", GROWING], cwd=ROOT, stdout=subprocess.PIPE, env=dict(os.environ)
    )


@pytest.mark.slow
async def test_killed_at_any_moment_two_processes_beside_each_other_never_fork() -> None:
    chance = random.Random(7)
    for _ in range(6):
        both = [growing(), growing()]
        for each in both:
            assert each.stdout is not None
            assert await asyncio.to_thread(each.stdout.readline) == b"begun\n"
        for _ in range(chance.randrange(1, 40)):
            await happen(2)
        for each in both:
            each.send_signal(signal.SIGKILL)
            await asyncio.to_thread(each.wait)
            assert each.stdout is not None
            each.stdout.close()
    while await checkpoints.advance():
        pass
    leaves = await hashes()
    assert (await shown())[1].root == mth(leaves)
    assert (await shown())[1].size == len(leaves)
    assert len(await rows(int, "SELECT size FROM checkpoint")) > 3
    await consistent()


# ── what would make a second log of the same name ──────────────────────────────────────────────────────────────────


async def without_triggers(statement: str) -> None:
    """What somebody does who holds the database."""
    await many(f"DO $$ BEGIN SET LOCAL session_replication_role = replica; {statement}; END $$")


async def test_a_restored_database_is_refused_instead_of_forked() -> None:
    await happen(3)
    await checkpoints.grow()
    await happen(2)
    await checkpoints.grow()
    await without_triggers(
        "DELETE FROM published_checkpoint WHERE checkpoint IN (SELECT id FROM checkpoint WHERE size > 3)"
    )
    await without_triggers("DELETE FROM checkpoint WHERE size > 3")
    await without_triggers("DELETE FROM event WHERE seq > 3")
    await happen(4)
    words = await refused()
    assert "A checkpoint of 5 events was published, and this database ends at 3" in words
    assert "a second log of the same name" in words
    assert await checkpoints.grow() == 0
    assert (await shown())[1].size == 3


async def test_an_emptied_database_and_one_with_another_history_are_refused() -> None:
    await happen(3)
    await checkpoints.grow()
    await without_triggers(
        "DELETE FROM published_checkpoint; DELETE FROM checkpoint; DELETE FROM log_key; DELETE FROM event"
    )
    await record(SYSTEM, "mission.drafted", "mission:M-9", {})
    assert "ends at 0" in await refused()
    assert await rows(str, "SELECT key FROM log_key") == []
    await without_triggers(
        "INSERT INTO checkpoint (size, root, edge, note, signed_at) VALUES (3, 'ab', '{{}}', '', now())"
    )
    await happen(3)
    assert "holds other events" in await refused()


async def test_another_key_is_refused_and_the_old_one_put_back_goes_on() -> None:
    await happen()
    await checkpoints.grow()
    begun = outside.key_file()
    aside = begun.with_name("aside")
    begun.rename(aside)
    await happen()
    words = await refused()
    assert "another key is another log" in words
    aside.replace(begun)
    assert await checkpoints.advance() == 1


async def test_a_file_that_is_no_key_or_no_checkpoint_is_named(tmp_path: Path) -> None:
    await happen()
    await checkpoints.grow()
    await happen()
    for file in outside.folder().glob("*.checkpoint"):
        file.write_text("nothing")
        assert str(file) in await refused()
        file.unlink()
    outside.key_file().write_text("nothing")
    assert "cannot be read" in await refused()


async def test_the_loss_of_the_file_alone_stops_nothing() -> None:
    await happen()
    await checkpoints.grow()
    for file in outside.folder().glob("*.checkpoint"):
        file.unlink()
    await happen()
    assert await checkpoints.advance() == 1
    assert outside.newest((await shown())[0]) == (await shown())[1]


async def test_an_edge_that_a_database_writer_changed_is_not_grown_from() -> None:
    await happen(3)
    await checkpoints.grow()
    await happen()
    forged = hashlib.sha256(b"forged").hexdigest()
    await without_triggers(f"UPDATE checkpoint SET edge = ARRAY[edge[1], '{forged}']")
    assert "was changed" in await refused()


async def test_an_event_that_is_missing_is_named() -> None:
    await happen(3)
    await without_triggers("DELETE FROM event WHERE seq = 2")
    assert "Event 2 is missing" in await refused()


@pytest.mark.parametrize("table", ["log_key", "tree_node", "checkpoint", "published_checkpoint", "cosignature"])
async def test_what_was_signed_is_never_changed(table: str) -> None:
    await happen(300)
    await checkpoints.grow()
    await many(
        "INSERT INTO cosignature (checkpoint, witness, seen_at, line, received_at) SELECT id, 'w', now(), '', now() FROM checkpoint"
    )
    for statement in (f"UPDATE {table} SET id = id + 1", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await many(statement)


async def test_a_key_of_ones_own_is_used_and_never_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = notes.Signer.new("council.example/log", notes.LOG)
    file = tmp_path / "log.key"
    monkeypatch.setenv("PRELUDE_LOG_KEY", str(file))
    settings.cache_clear()
    try:
        await happen()
        assert "cannot be read" in await refused()
        assert not file.exists()
        file.write_text(f"{own}\n")
        assert await checkpoints.advance() == 1
        assert (await shown())[1].origin == "council.example/log"
    finally:
        monkeypatch.undo()
        settings.cache_clear()
        shutil.rmtree(outside.folder(), ignore_errors=True)
