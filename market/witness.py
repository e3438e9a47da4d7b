"""A witness of somebody's log: keeps the longest state of it that it has seen, confirms a longer one when a proof shows that it holds
that one unchanged, and keeps the proof when none can (`python -m market witness`).

It needs a folder, the log's key and its address, and nothing of this product's: no database, no search, no account. It asks the log
(C2SP has logs ask witnesses; behind a firewall the other way round is the simpler one), makes the proof itself of the log's tiles, and
brings its cosignature. What it has signed is on the disk before the signature leaves.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from market import VERSION, clock
from market.audit import outside
from market.proof import notes, tiles, tree, witnessing
from market.proof.tiles import Tile
from market.proof.witnessing import Fork, State
from market.settings import InTheWay

LARGEST = 1_000_000
"""Bytes of an answer that are read: a tile has 8,192."""

PATIENCE = aiohttp.ClientTimeout(total=30)


class Unreachable(Exception):
    """The log did not answer as it should."""


class Forked(Exception):
    """The log showed two histories, or did not show that it has one; the proof is in the file that the message names."""


@dataclass(frozen=True, slots=True)
class Look:
    """What one look found, in a sentence, and whether it was signed."""

    said: str
    signed: bool


@dataclass(frozen=True, slots=True)
class Witness:
    """A witness by its folder, where its key and what it has signed lie, and the key of the log it watches."""

    folder: Path
    signer: notes.Signer
    log: notes.Key

    @property
    def file(self) -> Path:
        """The longest checkpoint of this log that was signed, as it was shown."""
        return self.folder / f"{hashlib.sha256(self.log.name.encode()).hexdigest()[:16]}.checkpoint"

    @contextmanager
    def alone(self) -> Iterator[None]:
        """While no other process of this folder looks."""
        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def known(self) -> tuple[State, bytes]:
        """The longest state that was signed, and its note. Raises :class:`~market.settings.InTheWay` for a file that is none of this
        log: what was seen is never forgotten by itself."""
        try:
            data = self.file.read_bytes()
            _, found = notes.opened(data, self.log)
        except FileNotFoundError:
            return State(), b""
        except (OSError, notes.NoteRefused) as error:
            raise InTheWay(f"What this witness has seen, in {self.file}, cannot be read: {error}.") from error
        return State(found.size, found.root), data


def witness(folder: Path, log: str, name: str | None) -> Witness:
    """The witness whose things lie in this folder; its key is made there the first time, with the name it is given. Raises
    :class:`~market.settings.InTheWay`."""
    file = folder / "key"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not file.exists():
            if not name:
                raise InTheWay("A new witness needs a name for ever, such as --name audit.example/witness")
            handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as stream:
                stream.write(f"{notes.Signer.new(name, notes.WITNESS)}\n")
        signer = notes.Signer.read(file.read_text(encoding="ascii").strip())
        key = notes.Key.read(log.strip())
    except (OSError, UnicodeDecodeError, notes.NoteRefused) as error:
        raise InTheWay(f"This witness cannot begin: {error}.") from error
    if signer.kind != notes.WITNESS or key.kind != notes.LOG:
        raise InTheWay("A witness signs with a key of type 4, and watches a log by its key of type 1.")
    if name and name != signer.name:
        raise InTheWay(f"The witness in {folder} is called {signer.name} for ever, not {name}.")
    return Witness(folder, signer, key)


async def look(mine: Witness, address: str, session: aiohttp.ClientSession) -> Look:
    """Look at the log at this address once, and bring it a cosignature if it only grew. Raises :class:`Unreachable` and
    :class:`Forked`."""
    data = await _get(session, f"{address}/checkpoint")
    try:
        note, shown = notes.opened(data, mine.log)
    except notes.NoteRefused as refused:
        raise Unreachable(f"{address} shows no checkpoint of {mine.log.name}: {refused}") from refused
    bare = notes.Note(note.text, tuple(each for each in note.signatures if each.name == mine.log.name)).encode()
    known, before = mine.known()
    if shown.size < known.size:
        return Look(
            f"{address} shows {shown.size} events; {known.size} were seen before. Nothing was signed. A copy may lag; if it stays so, "
            "the log was cut.",
            signed=False,
        )
    proof, instead = await _proof(mine, address, session, known, shown)
    with mine.alone():
        if mine.known()[0] != known:
            said = f"Another process of this witness looked at {mine.log.name} at the same time; nothing was signed."
            return Look(said, signed=False)
        asked = witnessing.Asked(known.size, proof, bare)
        answer = witnessing.judge(known, asked, shown)
        if answer.status != 200:
            raise Forked(_evidence(mine, Fork(before, bare, instead, proof), answer.words))
        outside.bring(mine.file, bare)
    signature = notes.cosign(note.text, mine.signer, int(clock.machine().timestamp()))
    took = await _bring(
        session, f"{address}/add-cosignature", notes.Note(note.text, (*note.signatures, signature)).encode()
    )
    if not known.size:
        grown = "the first that this witness sees of it"
    elif shown.size == known.size:
        grown = "as before"
    else:
        grown = f"the {known.size} seen before among them, unchanged"
    return Look(f"{mine.log.name} has {shown.size} events, {grown}. {took}", signed=True)


async def _proof(
    mine: Witness, address: str, session: aiohttp.ClientSession, known: State, shown: notes.Checkpoint
) -> tuple[tuple[bytes, ...], bytes]:
    """The proof that what is shown holds what is known, made of the log's tiles, and the root that those tiles have at the known
    size. Tiles that cannot be had leave both empty: a log that does not show its tree has proven nothing."""
    stretches = tree.consistency(known.size, shown.size)
    if not stretches:
        return (), b""
    wanted = [*stretches, tree.complete(0, known.size)]
    fetched: dict[Tile, bytes] = {}
    for each in tiles.needed(tree.nodes_of(wanted), shown.size):
        fetched[each] = await _get(session, f"{address}/{tiles.path(each)}")
    try:
        hashes = tree.proof(wanted, tiles.Fetched(fetched, shown.size))
    except tiles.NoSuchTile as wrong:
        raise Unreachable(f"{address} shows no tree: {wrong}") from wrong
    return tuple(hashes[:-1]), hashes[-1]


def _evidence(mine: Witness, found: Fork, words: str) -> str:
    """Keep what proves the fork, and say it. Where the newer tree does not even hold together, the notes alone are kept."""
    try:
        witnessing.contradiction(found, mine.log)
    except notes.NoteRefused:
        found = Fork(found.older, found.newer)
    file = mine.file.with_suffix(f".{hashlib.sha256(found.newer).hexdigest()[:8]}.fork")
    outside.bring(file, found.encode() + b"\n")
    return (
        f"REFUSED {mine.log.name}: {words}. Nothing was signed.\nWhat was seen before:\n{found.older.decode()}\nWhat was shown now:\n"
        f"{found.newer.decode()}\nThe proof is in {file}; anybody can check it:\n"
        f"  python -m market verify fork {file} --key '{mine.log}'"
    )


async def _get(session: aiohttp.ClientSession, address: str) -> bytes:
    try:
        async with session.get(address, allow_redirects=False) as answer:
            data = await answer.content.read(LARGEST + 1)
            while len(data) <= LARGEST and (more := await answer.content.read(LARGEST + 1 - len(data))):
                data += more
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise Unreachable(f"{address} cannot be reached: {str(error) or type(error).__name__}") from error
    if answer.status != 200 or len(data) > LARGEST:
        raise Unreachable(f"{address} answered {answer.status}")
    return data


async def _bring(session: aiohttp.ClientSession, address: str, note: bytes) -> str:
    """Bring the cosignature; what the log said of it. That it was not taken is the log's affair: it was seen all the same."""
    try:
        async with session.post(address, data=note, allow_redirects=False) as answer:
            said = (await answer.content.read(500)).decode(errors="replace").strip()
    except (aiohttp.ClientError, TimeoutError) as error:
        return f"The cosignature could not be brought: {str(error) or type(error).__name__}."
    if answer.status == 200:
        return "The cosignature was brought."
    return f"The cosignature was not taken ({answer.status}): {said}."


async def watch(mine: Witness, addresses: list[str], *, every: float | None) -> int:
    """Look at every address, once or again and again, and say what was found; 0 when all is well, 1 when something could not be seen,
    3 for a fork, after which nothing more is signed until somebody begins this anew."""
    code = 0
    headers = {"user-agent": f"prelude-witness/{VERSION}"}
    async with aiohttp.ClientSession(timeout=PATIENCE, headers=headers, trust_env=True) as session:
        while True:
            for address in addresses:
                try:
                    found = await look(mine, address.rstrip("/"), session)
                    code = max(code, int(not found.signed))
                    print(found.said, flush=True)
                except Unreachable as error:
                    print(f"{error}. Nothing was signed.", flush=True)
                    code = 1
                except Forked as forked:
                    print(forked, flush=True)
                    return 3
            if every is None:
                return code
            await asyncio.sleep(every)
