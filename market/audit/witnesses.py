"""Who outside watches the log: whose cosignatures are taken, which came, and what they vouch for together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import asyncpg
import msgspec

from market import clock
from market.audit import checkpoints
from market.audit.tables import Cosignature
from market.db import transaction
from market.proof import notes, witnessing
from market.reads import row, rows
from market.settings import InTheWay, settings

AGAIN = timedelta(minutes=5)
"""A witness that says the same of the same checkpoint is kept no sooner than this after its last word."""

AHEAD = timedelta(minutes=10)
"""How far a witness's clock may be before ours."""

RECENT = 200
"""The newest checkpoints with a cosignature among which the newest that suffices is looked for."""


class NotTaken(Exception):
    """The cosignatures are not taken; the message says why."""


def policy() -> witnessing.Policy:
    """The log's own policy; an empty one where PRELUDE_WITNESSES names no file. Raises :class:`~market.settings.InTheWay` for a file
    that is none."""
    file = settings().witnesses
    if file is None:
        return witnessing.Policy()
    try:
        return _read(file, file.stat().st_mtime_ns)
    except (OSError, UnicodeDecodeError, notes.NoteRefused) as error:
        raise InTheWay(f"PRELUDE_WITNESSES: {file} is no list of witnesses: {error}") from error


@lru_cache(maxsize=4)
def _read(file: Path, changed: int) -> witnessing.Policy:
    return witnessing.policy(file.read_text(encoding="utf-8"))


class Word(msgspec.Struct, frozen=True):
    """What a witness said of a checkpoint."""

    checkpoint: int
    size: int
    witness: str
    seen_at: datetime
    line: str


class Watching(msgspec.Struct, frozen=True):
    """A witness, and the last that it vouched for; no size where it has not been heard."""

    name: str
    size: int | None
    seen_at: datetime | None


async def take(data: bytes) -> int:
    """Keep the cosignatures of a checkpoint that was shown, by witnesses of the policy; how many were new. `data` is the note with
    the witness's lines. Raises :class:`NotTaken` when there is none that may be kept."""
    key = await checkpoints.vkey()
    if key is None:
        raise NotTaken("this log has no checkpoint yet")
    try:
        note, state = notes.opened(data, key)
    except notes.NoteRefused as refused:
        raise NotTaken(str(refused)) from refused
    shown = await checkpoints.of_size(state.size)
    if shown is None or notes.read(shown.note.encode()).text != note.text:
        raise NotTaken("this is no checkpoint that this log has shown")
    found: list[tuple[notes.Key, notes.Signature, datetime]] = []
    for witness in policy().keys:
        if not notes.cosignatures(note, [witness]):
            continue
        for each in note.signatures:
            if (each.name, each.data[:4]) == (witness.name, witness.id):
                found.append((witness, each, datetime.fromtimestamp(int.from_bytes(each.data[4:12], "big"), UTC)))
    if not found:
        raise NotTaken("it carries no cosignature of a witness that this log knows")
    now, kept = max(clock.now(), clock.machine()), 0
    for witness, signature, seen_at in found:
        if seen_at > now + AHEAD:
            raise NotTaken(f"the clock of {witness.name} is {seen_at - now} before ours")
        kept += await _keep(shown.id, witness, signature, seen_at)
    return kept


async def _keep(checkpoint: int, witness: notes.Key, signature: notes.Signature, seen_at: datetime) -> bool:
    """Keep one word; False where the witness said the same a moment ago."""
    try:
        async with transaction():
            (said,) = await rows(
                bool,
                "SELECT EXISTS (SELECT FROM cosignature WHERE checkpoint = {} AND witness = {} AND seen_at > {})",
                checkpoint,
                str(witness),
                seen_at - AGAIN,
            )
            if said:
                return False
            await Cosignature.insert(
                Cosignature(
                    checkpoint=checkpoint,
                    witness=str(witness),
                    seen_at=seen_at,
                    line=signature.line(),
                    received_at=clock.now(),
                )
            )
    except asyncpg.UniqueViolationError:
        return False
    return True


async def cosigned(shown: checkpoints.Shown) -> notes.Note:
    """The checkpoint with what witnesses said of it, the newest word of each."""
    lines = await rows(
        str,
        "SELECT DISTINCT ON (witness) line FROM cosignature WHERE checkpoint = {} ORDER BY witness, seen_at DESC",
        shown.id,
    )
    signatures = [each for line in lines for each in notes.read_lines(line.encode())]
    return notes.read(shown.note.encode()).also(signatures)


async def vouched() -> tuple[checkpoints.Shown, notes.Note] | None:
    """The newest checkpoint that as many witnesses have seen as the policy asks for; None where there is none."""
    wanted = policy()
    if not wanted.quorum:
        return None
    found = await rows(
        checkpoints.Shown,
        f"""
        {checkpoints.SHOWN} WHERE EXISTS (SELECT FROM cosignature WHERE checkpoint = c.id) ORDER BY c.size DESC LIMIT {{}}
        """,
        RECENT,
    )
    for each in found:
        note = await cosigned(each)
        if wanted.met(note):
            return each, note
    return None


async def watching() -> list[Watching]:
    """Every witness of the policy with its last word."""
    answers = []
    for key in policy().keys:
        word = await row(
            Word,
            """
            SELECT c.id AS checkpoint, c.size, s.witness, s.seen_at, s.line
            FROM cosignature s JOIN checkpoint c ON c.id = s.checkpoint WHERE s.witness = {} ORDER BY c.size DESC, s.seen_at DESC LIMIT 1
            """,
            str(key),
        )
        answers.append(Watching(key.name, word.size if word else None, word.seen_at if word else None))
    return answers
