"""Strangers watch: two witnesses with keys of their own look at the running log over HTTP, cosign it, and refuse a fork; what the log
shows them, and takes from them; and a second reading of it all, offline."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from litestar import Litestar

from market import witness as witnesses
from market.actor import SYSTEM
from market.audit import checkpoints, outside
from market.audit.actions import record
from market.proof import notes, tiles, tree, verify_tree, witnessing
from market.proof.tree import Node
from market.reads import rows
from market.settings import ROOT, InTheWay, settings
from tests import given
from tests.market.audit.test_checkpoints import happen, without_triggers
from tests.market.proof.test_tree import grown, mth, path, subproof

pytestmark = pytest.mark.usefixtures("clean")

Answering = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]


@asynccontextmanager
async def at_an_address(answering: Answering) -> AsyncIterator[str]:
    """A server on this machine that answers so; its address, with `/log`."""

    async def handle(request: web.Request) -> web.Response:
        status, body = await answering(request.method, request.path, await request.read())
        return web.Response(status=status, body=body)

    server = web.Application()
    server.router.add_route("*", "/{rest:.*}", handle)
    runner = web.AppRunner(server)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/log"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running(app: Litestar) -> AsyncIterator[str]:
    """The product itself at an address."""
    async with given.browser(app) as client:

        async def answering(method: str, path: str, body: bytes) -> tuple[int, bytes]:
            answer = await client.request(method, path, content=body)
            return answer.status_code, answer.content

        async with at_an_address(answering) as address:
            yield address


@asynccontextmanager
async def telling(leaves: Sequence[bytes], signer: notes.Signer, *, lies: bool = False) -> AsyncIterator[str]:
    """A server of files that shows these leaves as the log; with `lies`, with tiles that are not the tree's."""
    edge, nodes = grown(leaves)

    async def answering(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if path == "/log/checkpoint":
            return 200, notes.sign(notes.Checkpoint(signer.name, edge.size, edge.root()).text(), signer).encode()
        if method == "POST":
            return 403, b"no"
        wanted = tiles.named(path.removeprefix("/log/"))
        return 200, b"".join(
            bytes(32) if lies else nodes[Node(wanted.level * 8, wanted.number * 256 + place)]
            for place in range(wanted.width)
        )

    async with at_an_address(answering) as address:
        yield address


async def seen(mine: witnesses.Witness, *addresses: str) -> int:
    return await witnesses.watch(mine, list(addresses), every=None)


async def leaves() -> list[bytes]:
    return [bytes.fromhex(each) for each in await rows(str, "SELECT hash FROM event ORDER BY seq")]


@pytest.fixture
async def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[list[witnesses.Witness]]:
    """A log of three events with a policy of two witnesses, both of whom must have seen it."""
    await happen(3)
    await checkpoints.grow()
    key = str(await checkpoints.vkey())
    both = [witnesses.witness(tmp_path / name, key, f"{name}.example/watch") for name in ("audit", "press")]
    lines = [f"witness {number} {each.signer.key}" for number, each in enumerate(both)]
    file = tmp_path / "policy"
    file.write_text("\n".join([*lines, "group outside all 0 1", "quorum outside", ""]))
    monkeypatch.setenv("PRELUDE_WITNESSES", str(file))
    settings.cache_clear()
    yield both
    monkeypatch.undo()
    settings.cache_clear()


async def test_two_witnesses_cosign_the_log_and_a_receiver_checks_it_all_offline(
    app: Litestar, watched: list[witnesses.Witness], tmp_path: Path
) -> None:
    audit, press = watched
    async with running(app) as address, aiohttp.ClientSession() as session, given.browser(app) as client:
        assert "has confirmed nothing yet" in (await client.get("/log")).text
        assert await seen(audit, address) == 0
        assert (await client.get("/log/cosigned")).status_code == 404
        assert await seen(press, address) == 0
        await happen(400)
        await checkpoints.grow()
        assert "the 3 seen before among them, unchanged" in (await witnesses.look(audit, address, session)).said
        page = (await client.get("/log")).text
        assert "audit.example/watch confirmed the first 403 events" in page
        assert "press.example/watch confirmed the first 3 events" in page
        first = await client.get("/log/cosigned")
        _, state = notes.opened(first.content, audit.log)
        assert state.size == 3
        assert await seen(press, address) == 0
        proof = await client.get("/log/events/2.tlog-proof")
        newest = await client.get("/log/cosigned")
        policy = await client.get("/log/witnesses")
        events = await client.get("/log/events.jsonl")
        grew = await client.get("/api/v1/log/consistency?old=3")
    files = {}
    for name, answer in {
        "proof": proof,
        "new": newest,
        "old": first,
        "policy": policy,
        "log": events,
        "grew": grew,
    }.items():
        files[name] = tmp_path / f"{name}.file"
        files[name].write_bytes(answer.content)
    assert witnessing.policy(files["policy"].read_text()).quorum == 2
    key = str(audit.log)
    lines, code = verify_tree.inclusion(files["proof"], key, policy=files["policy"])
    assert code == 0
    assert "mission.drafted of mission:M-1 by system" in lines[0]
    assert sum("saw it at" in each for each in lines) == 2
    lines, code = verify_tree.checkpoint(
        files["new"], key, policy=files["policy"], events=files["log"], older=files["old"], proof=files["grew"]
    )
    assert code == 0
    assert len([each for each in lines if each.startswith("holds")]) == 5
    command = [sys.executable, "-W", "ignore", "-m", "market", "verify", "proof", str(files["proof"]), "--key", key]
    told = await asyncio.to_thread(
        subprocess.run,
        [*command, "--policy", str(files["policy"])],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0
    assert "event 2 of the 403" in told.stdout


async def test_the_command_begins_a_witness_and_looks_once(app: Litestar, tmp_path: Path) -> None:
    await happen(2)
    await checkpoints.grow()
    key = str(await checkpoints.vkey())

    async def command(address: str, *more: str) -> tuple[int | None, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "ignore", "-m", "market", "witness", address, "--log", key, "--state", tmp_path / "w", "--once", *more,
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ),
        )  # fmt: skip
        said, _ = await process.communicate()
        return process.returncode, said.decode()

    async with running(app) as address:
        code, said = await command(address)
        assert code == 2
        assert "needs a name for ever" in said
        code, said = await command(address, "--name", "audit.example/watch")
        assert code == 0
        assert "has 2 events, the first that this witness sees of it" in said
        assert "not taken (403): it carries no cosignature of a witness that this log knows" in said
        code, said = await command(address)
        assert "has 2 events, as before" in said
    code, said = await command("http://127.0.0.1:9/log")
    assert code == 1
    assert "cannot be reached" in said


@pytest.mark.parametrize(("events", "later"), [(5, 0), (5, 4), (8, 300), (1, 1)])
async def test_a_fork_is_refused_and_kept_as_proof_that_anybody_can_check(
    tmp_path: Path, watched: list[witnesses.Witness], events: int, later: int, capsys: pytest.CaptureFixture[str]
) -> None:
    signer, mine = outside.signer(), watched[0]
    honest = [os.urandom(32) for _ in range(events)]
    async with telling(honest, signer) as address:
        assert await seen(mine, address) == 0
    before = mine.file.read_bytes()
    forked = [*honest[:-1], os.urandom(32), *(os.urandom(32) for _ in range(later))]
    async with telling(forked, signer) as address:
        assert await seen(mine, address) == 3
    said = capsys.readouterr().out
    assert "REFUSED" in said
    assert f"\n{events}\n" in said
    assert f"\n{events + later}\n" in said
    assert mine.file.read_bytes() == before
    (file,) = mine.folder.glob("*.fork")
    lines, code = verify_tree.fork(file, str(signer.key))
    assert code == 0
    assert "the log's own signatures prove it" in lines[-1]


async def test_a_tree_that_does_not_hold_together_is_refused_and_the_two_states_are_kept(
    watched: list[witnesses.Witness],
) -> None:
    signer, mine = outside.signer(), watched[0]
    some = [os.urandom(32) for _ in range(9)]
    async with telling(some[:5], signer) as address:
        assert await seen(mine, address) == 0
    async with telling(some, signer, lies=True) as address:
        assert await seen(mine, address) == 3
    (file,) = mine.folder.glob("*.fork")
    assert verify_tree.fork(file, str(signer.key))[1] == 2


async def test_a_log_that_shrank_another_logs_checkpoint_and_no_checkpoint_are_not_signed(
    watched: list[witnesses.Witness], capsys: pytest.CaptureFixture[str]
) -> None:
    signer, mine = outside.signer(), watched[0]
    some = [os.urandom(32) for _ in range(9)]
    async with telling(some, signer) as address:
        assert await seen(mine, address) == 0
    before = mine.file.read_bytes()
    for shown, by in ((some[:5], signer), (some, notes.Signer.new(signer.name, notes.LOG))):
        async with telling(shown, by) as address:
            assert await seen(mine, address) == 1
    assert mine.file.read_bytes() == before
    said = capsys.readouterr().out
    assert "shows 5 events; 9 were seen before" in said
    assert "shows no checkpoint of" in said


async def test_two_addresses_of_one_log_are_held_to_one_another(watched: list[witnesses.Witness]) -> None:
    signer, mine = outside.signer(), watched[0]
    some = [os.urandom(32) for _ in range(9)]
    async with telling(some, signer) as one, telling([*some[:8], os.urandom(32)], signer) as other:
        assert await seen(mine, one, other) == 3


async def test_a_witness_never_forgets_by_itself(watched: list[witnesses.Witness]) -> None:
    mine = watched[0]
    mine.file.write_text("nothing")
    with pytest.raises(InTheWay, match="cannot be read"):
        mine.known()
    with pytest.raises(InTheWay, match="for ever, not"):
        witnesses.witness(mine.folder, str(mine.log), "another.example/name")
    with pytest.raises(InTheWay, match="of type 4"):
        witnesses.witness(mine.folder, str(mine.signer.key), None)


# ── what the log takes ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_log_takes_the_word_of_witnesses_it_knows_about_what_it_has_shown(
    app: Litestar, watched: list[witnesses.Witness]
) -> None:
    newest = await checkpoints.newest()
    assert newest is not None
    note, audit = notes.read(newest.note.encode()), watched[0]
    now = 1_750_000_000
    name, said = notes.cosign(note.text, audit.signer, now)
    forged = notes.Signature(name, said[:20] + bytes([said[20] ^ 1]) + said[21:])
    other = notes.Checkpoint(audit.log.name, 2, bytes(32)).text()
    async with given.browser(app) as client:

        async def brought(note: notes.Note) -> tuple[int, str]:
            answer = await client.post("/log/add-cosignature", content=note.encode())
            return answer.status_code, answer.text.strip()

        assert await brought(note) == (403, "it carries no cosignature of a witness that this log knows")
        assert (await brought(note.also([forged])))[0] == 403
        stranger = notes.Signer.new("stranger.example/w", notes.WITNESS)
        assert (await brought(note.also([notes.cosign(note.text, stranger, now)])))[0] == 403
        unseen = notes.sign(other, outside.signer()).also([notes.cosign(other, audit.signer, now)])
        assert await brought(unseen) == (403, "this is no checkpoint that this log has shown")
        unsigned = notes.Note(note.text, (notes.cosign(note.text, audit.signer, now),))
        assert (await brought(unsigned))[0] == 403
        tomorrow = notes.cosign(note.text, audit.signer, 4_000_000_000)
        assert "before ours" in (await brought(note.also([tomorrow])))[1]
        assert await rows(int, "SELECT count(*) FROM cosignature") == [0]
        good = note.also([notes.cosign(note.text, audit.signer, now)])
        assert await brought(good) == (200, "1 kept")
        assert await brought(good) == (200, "0 kept")
        assert await brought(note.also([notes.cosign(note.text, audit.signer, now + 60)])) == (200, "0 kept")
        assert await brought(note.also([notes.cosign(note.text, audit.signer, now + 600)])) == (200, "1 kept")
        shown = notes.read((await client.get("/log/checkpoint")).content)
        assert notes.cosignatures(shown, [audit.signer.key]) == [notes.Cosigned(audit.signer.name, now + 600)]
        assert (await client.post("/log/add-cosignature", content=b"nothing")).status_code == 403


# ── what the log shows ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_before_the_first_checkpoint_there_is_nothing_to_show(app: Litestar) -> None:
    async with given.browser(app) as client:
        for address in ("checkpoint", "cosigned", "vkey", "witnesses", "tile/0/000.p/1", "events/1.tlog-proof"):
            assert (await client.get(f"/log/{address}")).status_code == 404, address
        assert (await client.get("/api/v1/log/consistency?old=0")).status_code == 404
        assert (await client.get("/log")).status_code == 200


async def test_nobody_outside_watches_yet_and_the_page_says_so(app: Litestar) -> None:
    await happen(2)
    await checkpoints.grow()
    await happen(1)
    async with given.browser(app) as client:
        page = " ".join((await client.get("/log")).text.split())
        assert "Nobody outside watches yet" in page
        assert "The first 2 events were signed together" in page
        assert "One newer event waits" in page
        assert (await client.get("/log/cosigned")).status_code == 404
        assert "quorum none" in (await client.get("/log/witnesses")).text


async def test_tiles_proofs_and_consistency_are_the_specifications_and_may_be_kept(app: Litestar) -> None:
    await happen(300)
    await checkpoints.grow()
    await happen(1)
    all_leaves = await leaves()
    async with given.browser(app) as client:
        full = await client.get("/log/tile/0/000")
        assert full.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert full.headers["content-type"] == "application/octet-stream"
        assert full.content == b"".join(map(tree.leaf, all_leaves[:256]))
        assert (await client.get("/log/tile/1/000.p/1")).content == mth(all_leaves[:256])
        assert tiles.entries((await client.get("/log/tile/entries/001.p/44")).content) == all_leaves[256:300]
        for missing in ("0/001", "0/001.p/45", "0/002.p/1", "1/000.p/2", "2/000.p/1", "x/000", "0/0", "entries/001"):
            assert (await client.get(f"/log/tile/{missing}")).status_code == 404, missing
        assert (await client.get("/log/checkpoint")).headers["cache-control"] == "public, max-age=2"
        for seq in (1, 256, 257, 300):
            told = (await client.get(f"/api/v1/log/events/{seq}/proof")).json()
            assert told["hash"] == all_leaves[seq - 1].hex()
            assert [bytes.fromhex(each) for each in told["proof"]] == path(seq - 1, all_leaves[:300])
        for old in (0, 1, 128, 256, 299, 300):
            told = (await client.get(f"/api/v1/log/consistency?old={old}")).json()
            assert [bytes.fromhex(each) for each in told["proof"]] == (
                subproof(old, all_leaves[:300], True) if old else []
            )
        for address in (
            "events/301/proof",
            "events/0/proof",
            "consistency?old=301",
            "consistency?old=1&size=299",
            "consistency?old=-1",
            f"events/{10**30}/proof",
            f"consistency?old={10**30}",
            f"consistency?old=1&size={10**30}",
            "consistency?old=0&size=-5",
        ):
            assert (await client.get(f"/api/v1/log/{address}")).status_code == 404, address
        for name in ("301.tlog-proof", "0.tlog-proof", "01.tlog-proof", "1.proof", "1", "-1.tlog-proof"):
            assert (await client.get(f"/log/events/{name}")).status_code == 404, name


async def test_a_sealed_events_proof_tells_its_hash_alone_and_after_the_seal_the_same_leaf(
    app: Litestar, tmp_path: Path
) -> None:
    await record(SYSTEM, "mission.drafted", "mission:M-7", {"title": "secret"}, sealed_by="publication:mission:M-7")
    await checkpoints.grow()
    key, file = str(await checkpoints.vkey()), tmp_path / "proof"
    async with given.browser(app) as client:
        sealed = (await client.get("/log/events/1.tlog-proof")).content
        assert b"extra" not in sealed
        file.write_bytes(sealed)
        (event,) = await leaves()
        assert verify_tree.inclusion(file, key, event=event.hex())[1] == 0
        await record(SYSTEM, "mission.published", "mission:M-7", {})
        await checkpoints.grow()
        file.write_bytes((await client.get("/log/events/1.tlog-proof")).content)
    lines, code = verify_tree.inclusion(file, key, event=event.hex())
    assert code == 0
    assert "mission.drafted of mission:M-7" in lines[0]


async def test_whoever_rewrites_what_a_witness_saw_is_found_by_the_next_look(
    app: Litestar, watched: list[witnesses.Witness], capsys: pytest.CaptureFixture[str]
) -> None:
    """The operator, with the database and the log's key in hand, writes an event anew and signs another tree."""
    mine = watched[0]
    async with running(app) as address:
        assert await seen(mine, address) == 0
        await without_triggers(f"UPDATE event SET hash = ''{os.urandom(32).hex()}'' WHERE seq = 2".replace("''", "'"))
        await without_triggers("DELETE FROM published_checkpoint; DELETE FROM checkpoint")
        for file in outside.folder().glob("*.checkpoint"):
            file.unlink()
        await happen(1)
        assert await checkpoints.advance() == 4
        assert await seen(mine, address) == 3
    (file,) = mine.folder.glob("*.fork")
    assert verify_tree.fork(file, str(mine.log))[1] == 0
    assert json.loads(file.read_bytes())["older"].split("\n")[1] == "3"
