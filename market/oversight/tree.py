"""What strangers ask of the log's tree: the proof of an event, the proof that it only grew, and how far it is signed and by whom."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from market import clock
from market.audit import checkpoints, proofs, witnesses
from market.audit.checkpoints import Shown
from market.audit.witnesses import Watching
from market.proof import chain, notes, tiles, tree, witnessing
from market.reads import row, rows, the
from market.refusals import NotFound

OVERDUE = timedelta(minutes=1)
"""How long after an event its checkpoint is due; later, the page says that none is signed."""


LARGEST = 2**63
"""No log has so many events: larger numbers are no number of an event, nor of the database."""


class Proven(msgspec.Struct, frozen=True):
    """The proof that an event is in the log, in its parts and as the file that is checked offline."""

    seq: int
    hash: str
    size: int
    hashes: list[str]
    checkpoint: str
    file: bytes


class Grew(msgspec.Struct, frozen=True):
    """The proof that the log of `size` begins with the log of `old`."""

    old: int
    size: int
    proof: list[str]
    checkpoint: str


class _Event(msgspec.Struct, frozen=True):
    seq: int
    at: datetime
    actor: str
    organisation: str
    verb: str
    subject: str
    about: list[str]
    body_digest: str
    hash: str
    sealed_by: str
    previous: str


async def proof_of(seq: int) -> Proven:
    """The proof that event `seq` is in the newest log that as many witnesses have seen as the policy asks for, or where none covers it
    yet in the newest that was signed; 404 before it is signed. While an event is sealed, its proof tells its hash alone."""
    if not 0 < seq < LARGEST:
        raise NotFound("Event")
    found = await the(
        _Event,
        """
        SELECT e.seq, e.at, e.actor, e.organisation, e.verb, e.subject, e.about, e.body_digest, e.hash, e.sealed_by,
            coalesce(p.hash, {}) AS previous
        FROM event e LEFT JOIN event p ON p.seq = e.seq - 1 WHERE e.seq = {}
        """,
        chain.GENESIS,
        seq,
    )
    shown, note = await _state(seq)
    hidden = found.sealed_by and found.sealed_by not in await proofs.unsealed()
    header = chain.header(
        previous=found.previous,
        seq=found.seq,
        at=found.at,
        actor=found.actor,
        organisation=found.organisation,
        verb=found.verb,
        subject=found.subject,
        about=found.about,
        body_digest=found.body_digest,
    )
    made = await checkpoints.proof(tree.inclusion(seq - 1, shown.size), shown.size)
    file = witnessing.Inclusion(seq - 1, tuple(made), note.encode(), b"" if hidden else header)
    return Proven(
        seq=seq,
        hash=found.hash,
        size=shown.size,
        hashes=[each.hex() for each in made],
        checkpoint=note.encode().decode(),
        file=file.encode(),
    )


async def _state(seq: int) -> tuple[Shown, notes.Note]:
    vouched = await witnesses.vouched()
    if vouched is not None and vouched[0].size >= seq:
        return vouched
    newest = await checkpoints.newest()
    if newest is None or newest.size < seq:
        raise NotFound("Checkpoint")
    return newest, await witnesses.cosigned(newest)


async def grew(old: int, size: int | None) -> Grew:
    """The proof that the log of `size` (the newest without it) begins with the log of `old`; 404 for a size that it has not, or whose
    checkpoint was not shown."""
    if size is not None and not 0 < size < LARGEST:
        raise NotFound("Checkpoint")
    shown = await checkpoints.newest() if size is None else await checkpoints.of_size(size)
    if shown is None or not 0 <= old <= shown.size:
        raise NotFound("Checkpoint")
    made = await checkpoints.proof(tree.consistency(old, shown.size), shown.size)
    return Grew(old, shown.size, [each.hex() for each in made], (await witnesses.cosigned(shown)).encode().decode())


async def tile(path: str) -> bytes:
    """The tile of this path; 404 for a path that names none, or one that the log does not fill."""
    try:
        wanted = tiles.named(path)
    except tiles.NoSuchTile as wrong:
        raise NotFound("Tile") from wrong
    newest = await checkpoints.newest()
    if newest is None or not tiles.stands(wanted, newest.size):
        raise NotFound("Tile")
    return await checkpoints.tile(wanted)


class Watched(msgspec.Struct, frozen=True):
    """How far the log is signed, and who outside has seen it."""

    key: str
    newest: Shown
    waiting: int
    """Events that are not signed yet."""
    overdue: bool
    """Whether one of them waits for longer than it should."""
    witnesses: Sequence[Watching]
    quorum: int
    vouched: Shown | None


async def watched() -> Watched | None:
    """What the public page says of it; None before the first checkpoint."""
    key, newest = await checkpoints.vkey(), await checkpoints.newest()
    if key is None or newest is None:
        return None
    (waiting,) = await rows(int, "SELECT count(*) FROM event WHERE seq > {}", newest.size)
    first = await row(datetime, "SELECT at FROM event WHERE seq = {}", newest.size + 1)
    vouched = await witnesses.vouched()
    return Watched(
        key=str(key),
        newest=newest,
        waiting=waiting,
        overdue=first is not None and clock.now() - first > OVERDUE,
        witnesses=await witnesses.watching(),
        quorum=witnesses.policy().quorum,
        vouched=vouched[0] if vouched else None,
    )
