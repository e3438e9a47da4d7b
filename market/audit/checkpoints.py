"""The tree over the log: it grows behind the chain, a checkpoint at a time, and never into two.

A round signs, keeps and publishes: in one transaction the new events become leaves and the new state is signed; after it the checkpoint
is brought to a file outside of the database; after that it may be shown. Killed between any two of these, the next round goes on from
there. One round at a time: whoever does not get the lock leaves it to whoever has it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime

import msgspec

from market import clock
from market.audit import outside
from market.audit.outside import Amiss
from market.audit.tables import Checkpoint, LogKey, PublishedCheckpoint, TreeNode
from market.db import transaction
from market.proof import notes, tiles, tree
from market.proof.tiles import Tile
from market.reads import row, rows

log = logging.getLogger("prelude.log")

LOCK = 7420260003
"""The advisory lock of whoever lets the tree grow."""

ROUND = 5000
"""The most events of one round: what is put off is never long, however many came at once."""

REPEAT = 60.0
"""Seconds between two times that the same refusal is written to the log of the process."""

_said: dict[str, float] = {}


class Grown(msgspec.Struct, frozen=True):
    """A signed state as it is stored."""

    id: int
    size: int
    root: str
    edge: list[str]
    note: str
    signed_at: datetime


class Leaf(msgspec.Struct, frozen=True):
    """An event as a leaf."""

    seq: int
    hash: str


class Unshown(msgspec.Struct, frozen=True):
    """A checkpoint that was signed and may not be shown yet."""

    id: int
    size: int
    note: str


LAST_SIGNED = "SELECT id, size, root, edge, note, signed_at FROM checkpoint ORDER BY size DESC LIMIT 1"
"""The last state that was signed, as a :class:`Grown`."""


async def grow() -> int:
    """One round, as a job: how many events it added. What is amiss is said in the log of this process, and no further checkpoint is
    signed until somebody has seen to it; the marketplace goes on."""
    try:
        return await advance()
    except Amiss as refused:
        if time.monotonic() - _said.get(str(refused), float("-inf")) >= REPEAT:
            _said[str(refused)] = time.monotonic()
            log.error("no checkpoint of the log is signed: %s", refused)
        return 0


async def advance() -> int:
    """One round: publish what an earlier one left behind, add the new events, sign, keep, publish; how many were added. Raises
    :class:`Amiss` instead of making a second log of the same name."""
    await _publish()
    added = await _extend()
    if added:
        await _publish()
    return added


async def _extend() -> int:
    """Add the events that are new, and sign the state they make: all in one transaction."""
    waiting = await rows(
        bool, "SELECT coalesce((SELECT max(seq) FROM event), 0) > coalesce((SELECT max(size) FROM checkpoint), 0)"
    )
    if not waiting[0]:
        return 0
    signer = await asyncio.to_thread(outside.signer)
    async with transaction():
        if not await _alone():
            return 0
        await _same_key(signer.key)
        last = await row(Grown, LAST_SIGNED)
        await _not_behind(signer.key, last)
        edge = _edge(signer.key, last)
        leaves = await rows(Leaf, "SELECT seq, hash FROM event WHERE seq > {} ORDER BY seq LIMIT {}", edge.size, ROUND)
        above: list[TreeNode] = []
        for each in leaves:
            if each.seq != edge.size + 1:
                raise Amiss(f"Event {edge.size + 1} is missing from the log: run `python -m market verify log`.")
            for node, made in edge.add(tree.leaf(bytes.fromhex(each.hash))):
                if node.level and node.level % tiles.HEIGHT == 0:
                    above.append(TreeNode(level=node.level // tiles.HEIGHT, place=node.place, hash=made.hex()))
        if not leaves:
            return 0
        if above:
            await TreeNode.insert(*above)
        state = notes.Checkpoint(signer.name, edge.size, edge.root())
        await Checkpoint.insert(
            Checkpoint(
                size=edge.size,
                root=state.root.hex(),
                edge=[each.hex() for each in edge.hashes],
                note=notes.sign(state.text(), signer).encode().decode(),
                signed_at=clock.now(),
            )
        )
    return len(leaves)


async def _publish() -> None:
    """Bring the newest signed checkpoint out of the database, and then say that it may be shown. Those before it need not be shown."""
    waiting = await row(
        Unshown,
        """
        SELECT c.id, c.size, c.note FROM checkpoint c
        WHERE c.size = (SELECT max(size) FROM checkpoint) AND NOT EXISTS (SELECT FROM published_checkpoint WHERE checkpoint = c.id)
        """,
    )
    if waiting is None:
        return
    key = (await asyncio.to_thread(outside.signer)).key
    async with transaction():
        if not await _alone():
            return
        await _same_key(key)
        last = await row(Grown, LAST_SIGNED)
        await _not_behind(key, last)
        shown = await rows(int, "SELECT id FROM published_checkpoint WHERE checkpoint = {}", waiting.id)
        if shown or last is None or last.id != waiting.id:
            return
        await asyncio.to_thread(outside.keep, key, waiting.note.encode())
        await PublishedCheckpoint.insert(PublishedCheckpoint(checkpoint=waiting.id, published_at=clock.now()))


async def _alone() -> bool:
    """Whether this transaction is the one that lets the tree grow; the lock goes with it."""
    (alone,) = await rows(bool, "SELECT pg_try_advisory_xact_lock({})", LOCK)
    return alone


async def _same_key(key: notes.Key) -> None:
    """The key that the log was begun with; the first writes it down."""
    begun = await rows(str, "SELECT key FROM log_key")
    if not begun:
        await LogKey.insert(LogKey(key=str(key), begun_at=clock.now()))
    elif begun != [str(key)]:
        raise Amiss(
            f"This log's checkpoints are signed by {begun[0]}; the key in {outside.key_file()} is {key}. Put the first one there "
            "again: another key is another log, and whoever kept the old one's checkpoints could not tell what became of it."
        )


async def _not_behind(key: notes.Key, last: Grown | None) -> None:
    """The database holds what was published; a copy from before it, or another history, goes no further."""
    kept = await asyncio.to_thread(outside.newest, key)
    if kept is None:
        return
    signed = await rows(str, "SELECT root FROM checkpoint WHERE size = {}", kept.size)
    if signed == [kept.root.hex()]:
        return
    stands = last.size if last else 0
    raise Amiss(
        f"A checkpoint of {kept.size} events was published, and this database "
        + (f"ends at {stands}" if stands < kept.size else "holds other events")
        + ": it is a copy from before, or another log. Going on from here would be a second log of the same name. Bring back the database "
        "that holds them (docs/operations.md, *The log behind what was published*)."
    )


def _edge(key: notes.Key, last: Grown | None) -> tree.Edge:
    """Where the tree goes on: the edge of the last state, which must have the root that was signed."""
    if last is None:
        return tree.Edge()
    try:
        state = notes.opened(last.note.encode(), key)[1]
        edge = tree.Edge(last.size, [bytes.fromhex(each) for each in last.edge])
    except (notes.NoteRefused, ValueError) as error:
        raise Amiss(f"The last checkpoint in the database, of {last.size} events, was changed: {error}.") from error
    if (edge.size, edge.root()) != (state.size, state.root) or state.root.hex() != last.root:
        raise Amiss(f"The last checkpoint in the database, of {last.size} events, was changed.")
    return edge


# ── what is shown of it ────────────────────────────────────────────────────────────────────────────────────────────


class Shown(msgspec.Struct, frozen=True):
    """A checkpoint that may be shown."""

    id: int
    size: int
    root: str
    note: str
    signed_at: datetime


SHOWN = """
    SELECT c.id, c.size, c.root, c.note, c.signed_at
    FROM published_checkpoint p JOIN checkpoint c ON c.id = p.checkpoint
"""


async def newest() -> Shown | None:
    """The newest checkpoint that may be shown; None before the first."""
    return await row(Shown, f"{SHOWN} ORDER BY c.size DESC LIMIT 1")


async def of_size(size: int) -> Shown | None:
    """The checkpoint of this size, if it was shown."""
    return await row(Shown, f"{SHOWN} WHERE c.size = {{}}", size)


async def vkey() -> notes.Key | None:
    """The key of this log as it is published; None before the first checkpoint."""
    begun = await rows(str, "SELECT key FROM log_key")
    return notes.Key.read(begun[0]) if begun else None


async def tile(wanted: Tile) -> bytes:
    """The bytes of a tile that stands in the tree: made of the events below, of the nodes that were kept above."""
    first = wanted.number * tiles.WIDTH
    if wanted.level < 1:
        found = await rows(
            str,
            "SELECT hash FROM event WHERE seq > {} AND seq <= {} ORDER BY seq",
            first,
            first + wanted.width,
        )
        leaves = [bytes.fromhex(each) for each in found]
        return tiles.bundle(leaves) if wanted.level == tiles.ENTRIES else b"".join(map(tree.leaf, leaves))
    kept = await rows(
        str,
        "SELECT hash FROM tree_node WHERE level = {} AND place >= {} AND place < {} ORDER BY place",
        wanted.level,
        first,
        first + wanted.width,
    )
    return bytes.fromhex("".join(kept))


async def proof(stretches: list[list[tree.Node]], size: int) -> list[bytes]:
    """The hashes of a proof within the tree of this size."""
    fetched = {each: await tile(each) for each in tiles.needed(tree.nodes_of(stretches), size)}
    return tree.proof(stretches, tiles.Fetched(fetched, size))
