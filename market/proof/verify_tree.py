"""Checking what the tree of the log proves, from files: a checkpoint, that an event is in the log, that a log grew from an earlier
one, that it was forked. Sentences and exit codes as in :mod:`market.proof.verify`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from market import nesting
from market.proof import canonical, chain, notes, tree, witnessing

Shown = Callable[[datetime], str]
Said = tuple[list[str], int]

NOBODY = "        No witness was named: nobody but the log itself vouches for this."


def checkpoint(
    file: Path,
    key: str,
    *,
    policy: Path | None = None,
    events: Path | None = None,
    older: Path | None = None,
    proof: Path | None = None,
    shown: Shown = chain.moment,
) -> Said:
    """Check a checkpoint: that the log signed it, which witnesses of the policy did and whether they suffice; with `events`, that a
    kept copy of the log has this root at this size; with `older` and `proof`, that it holds an earlier checkpoint unchanged."""
    try:
        log = notes.Key.read(key.strip())
        note, found = notes.opened(file.read_bytes(), log)
        lines = [f"holds   {log.name} signed that it has {found.size} events."]
        said, code = _witnessed(note, policy, shown)
        lines += said
        if events is not None:
            lines.append(_recomputed(events, found))
        if older is not None:
            lines.append(_grown(older, proof, log, found))
    except OSError as error:
        return [f"{error.filename} cannot be read: {error.strerror}."], 2
    except (notes.NoteRefused, tree.ProofRefused, chain.NotALog) as refused:
        return [f"BROKEN  {_sentence(refused)}"], 1
    return [*lines, f"Root: {found.root.hex()}"], code


def inclusion(
    file: Path, key: str, *, event: str | None = None, policy: Path | None = None, shown: Shown = chain.moment
) -> Said:
    """Check the proof that an event is in the log. `event` is its hash, 64 hexadecimal letters; without it, that of the header that
    the file brings along."""
    try:
        log = notes.Key.read(key.strip())
        found = witnessing.included(file.read_bytes())
        note, state = notes.opened(found.checkpoint, log)
        data, lines = _leaf(found, event)
        tree.check_inclusion(found.proof, found.place, tree.leaf(data), state.size, state.root)
        lines.append(f"holds   It is event {found.place + 1} of the {state.size} that {log.name} signed.")
        said, code = _witnessed(note, policy, shown)
    except OSError as error:
        return [f"{error.filename} cannot be read: {error.strerror}."], 2
    except (notes.NoteRefused, tree.ProofRefused) as refused:
        return [f"BROKEN  {_sentence(refused)}"], 1
    return [*lines, *said, f"Event: {data.hex()}"], code


def fork(file: Path, key: str) -> Said:
    """Check a proof that a log was forked: 0 when it proves it, 2 when the two states contradict each other only as long as the
    log shows no proof, 1 when it proves nothing."""
    try:
        log = notes.Key.read(key.strip())
        older, newer, alone = witnessing.contradiction(witnessing.fork(file.read_bytes()), log)
    except OSError as error:
        return [f"{error.filename} cannot be read: {error.strerror}."], 2
    except notes.NoteRefused as refused:
        return [f"This proves no fork: {refused}."], 1
    lines = [
        f"holds   {log.name} signed a log of {older.size} events with the root {older.root.hex()}.",
        f"holds   {log.name} signed a log of {newer.size} events with the root {newer.root.hex()}.",
    ]
    if alone:
        return [*lines, "Both cannot be true: two logs were shown, and the log's own signatures prove it."], 0
    return [*lines, "No proof was shown that the second holds the first. Ask the log for one: it owes it."], 2


def _sentence(refused: Exception) -> str:
    words = str(refused)
    return words[0].upper() + words[1:] + ("" if words.endswith(".") else ".")


def _witnessed(note: notes.Note, policy: Path | None, shown: Shown) -> Said:
    """Who cosigned, and whether they are as many as the policy asks for."""
    if policy is None:
        return [NOBODY], 0
    try:
        wanted = witnessing.policy(policy.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise notes.NoteRefused("the policy is not text") from error
    met = notes.cosignatures(note, wanted.keys)
    lines = [
        f"holds   {each.witness} saw it at {shown(datetime.fromtimestamp(each.at, UTC))}, and nothing that it had seen before was changed."
        for each in met
    ]
    if not wanted.witnesses:
        return [NOBODY], 0
    if wanted.quorum and not wanted.met(note):
        counted = len(notes.cosignatures(note, wanted.counted))
        return [*lines, f"BROKEN  Of the witnesses that count {wanted.quorum} must have seen it; {counted} did."], 1
    return lines or ["        None of the witnesses has seen it yet."], 0


def _leaf(found: witnessing.Inclusion, event: str | None) -> tuple[bytes, list[str]]:
    """The leaf's data: the hash that was given, which the header must have if there is one."""
    given = b""
    if event is not None:
        try:
            given = bytes.fromhex(event.strip())
        except ValueError:
            given = b""
        if len(given) != tree.SIZE:
            raise notes.NoteRefused("the event's hash is not 64 hexadecimal letters")
    if not found.extra:
        if not given:
            raise notes.NoteRefused("the file does not say what was done: give the event's hash with --event")
        return given, []
    made = hashlib.sha256(b"prelude-event-v1\0" + found.extra).digest()
    if given and made != given:
        raise notes.NoteRefused("the file's event is another than the one you gave")
    try:
        header: Any = canonical.decode(found.extra)
        what = f"{header['verb']} of {header['subject']} by {header['actor']}, {header['at']}"
    except (canonical.NotCanonical, KeyError, TypeError) as error:
        raise notes.NoteRefused("the file's event is no event of such a log") from error
    return made, [f"        The event: {what}."]


def _recomputed(events: Path, found: notes.Checkpoint) -> str:
    """That the first events of a kept copy, as many as the checkpoint says, have its root and follow from one another."""

    def first() -> Iterator[bytes]:
        with events.open("rb") as lines:
            for row in chain.from_lines(lines):
                if row.seq > found.size:
                    return
                yield bytes.fromhex(row.hash)

    size, root = tree.root_of(first())
    if size < found.size:
        raise notes.NoteRefused(f"this copy of the log ends at event {size}, before the checkpoint's {found.size}")
    if root != found.root:
        raise notes.NoteRefused(f"the first {size} events of this copy are not those that the log signed")
    return f"holds   The first {size} events of this copy of the log are those that were signed."


def _grown(older: Path, proof: Path | None, log: notes.Key, found: notes.Checkpoint) -> str:
    _, before = notes.opened(older.read_bytes(), log)
    hashes: Sequence[bytes] = ()
    if proof is not None:
        try:
            plain = nesting.read(proof.read_bytes())
            hashes = [bytes.fromhex(each) for each in plain["proof"]]
        except (ValueError, KeyError, TypeError) as error:
            raise notes.NoteRefused(
                "the file is no proof of consistency as /api/v1/log/consistency answers it"
            ) from error
    tree.check_consistency(hashes, before.size, before.root, found.size, found.root)
    return f"holds   It holds the {before.size} events of the earlier checkpoint unchanged."
