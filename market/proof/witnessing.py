"""What a witness is asked and answers (C2SP `tlog-witness`), the proof that an event is in the log as one file (`tlog-proof`), and the
proof that a log was forked.

A witness keeps, for each log, the size and root of the longest state it has signed. It signs another only when a proof shows that it
begins with that one; so two people who trust the same witness were shown the same log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from market.proof import canonical, notes, tree

OTHER_SIZE = "text/x.tlog.size"
"""The type of an answer 409, which says the size that the witness knows."""

PROOF = "c2sp.org/tlog-proof@v1"
"""The first line of a proof's file."""

FORK = "prelude-log-fork"
"""The `format` of a proof that a log was forked."""


class State(NamedTuple):
    """The longest state of a log that a witness has signed; `(0, EMPTY)` before the first."""

    size: int = 0
    root: bytes = tree.EMPTY


class Asked(NamedTuple):
    """A request to cosign: the size the log believes the witness to have signed, the proof from there, and the checkpoint."""

    old: int
    proof: tuple[bytes, ...]
    checkpoint: bytes

    def encode(self) -> bytes:
        """The request's body."""
        lines = [f"old {self.old}", *map(notes.line_of, self.proof), "", ""]
        return "\n".join(lines).encode() + self.checkpoint


class Answer(NamedTuple):
    """What a witness answers: the status, and for a refusal why, in words (for 409: the size it knows)."""

    status: int
    words: str = ""


def asked(body: bytes) -> Asked:
    """Read a request; :class:`~market.proof.notes.NoteRefused` for what is not in the form."""
    head, parted, note = body.partition(b"\n\n")
    if not parted or len(body) > notes.LARGEST:
        raise notes.NoteRefused("a request is `old N`, lines of a proof, an empty line and a checkpoint")
    try:
        first, *lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise notes.NoteRefused("a request begins with `old N`") from error
    if not first.startswith("old ") or len(lines) > tree.LONGEST:
        raise notes.NoteRefused(f"a request begins with `old N` and at most {tree.LONGEST} lines of a proof")
    return Asked(notes.whole(first.removeprefix("old ")), tuple(map(notes.hash_of, lines)), note)


def judge(known: State, request: Asked, shown: notes.Checkpoint) -> Answer:
    """What a witness that has signed `known` answers to a checkpoint whose signature by the log was checked before; 200 where it
    may sign. It must keep the new state before it lets the signature go."""
    if request.old > shown.size:
        return Answer(400, f"a log of {shown.size} events cannot hold one of {request.old}")
    if request.old != known.size:
        return Answer(409, f"{known.size}\n")
    try:
        tree.check_consistency(request.proof, known.size, known.root, shown.size, shown.root)
        if shown.size == 0 and shown.root != tree.EMPTY:
            raise tree.ProofRefused("an empty log has another root")
    except tree.ProofRefused as refused:
        return Answer(422, str(refused))
    return Answer(200)


# ── the proof that an event is in the log, as one file ─────────────────────────────────────────────────────────────


class Inclusion(NamedTuple):
    """The proof that the leaf of this index (`place`) is in the log, with the checkpoint it leads to. `extra` is signed by nobody: the event's header, which
    must hash to the leaf's data, where everybody may see it."""

    place: int
    proof: tuple[bytes, ...]
    checkpoint: bytes
    extra: bytes = b""

    def encode(self) -> bytes:
        """The proof's file."""
        extra = [f"extra {notes.line_of(self.extra)}"] if self.extra else []
        lines = [PROOF, *extra, f"index {self.place}", *map(notes.line_of, self.proof), "", ""]
        return "\n".join(lines).encode() + self.checkpoint


def included(data: bytes) -> Inclusion:
    """Read a proof's file; :class:`~market.proof.notes.NoteRefused` for anything else."""
    head, parted, note = data.partition(b"\n\n")
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError as error:
        raise notes.NoteRefused("the file is no proof that something is in a log") from error
    if not parted or lines.pop(0) != PROOF or not lines:
        raise notes.NoteRefused(f"the file is no proof that something is in a log: it would begin with {PROOF}")
    extra = b""
    if lines[0].startswith("extra "):
        extra = notes.bytes_of(lines.pop(0).removeprefix("extra "))
    if not lines or not lines[0].startswith("index ") or len(lines) > tree.LONGEST + 1:
        raise notes.NoteRefused("the proof names no place in the log, or is too long")
    index = notes.whole(lines.pop(0).removeprefix("index "))
    return Inclusion(index, tuple(map(notes.hash_of, lines)), note, extra)


# ── the proof that a log was forked ────────────────────────────────────────────────────────────────────────────────


class Fork(NamedTuple):
    """Two checkpoints of one log that cannot both be true, signed by the log itself. Where they are of two sizes, `instead` is the
    root that the newer one has at the older one's size, and `proof` shows that it does; without them the two contradict each
    other only as long as the log shows no proof that one holds the other."""

    older: bytes
    newer: bytes
    instead: bytes = b""
    proof: tuple[bytes, ...] = ()

    def encode(self) -> bytes:
        """The file, canonical JSON."""
        return canonical.encode(
            {
                "format": FORK,
                "instead": self.instead.hex(),
                "newer": self.newer.decode(),
                "older": self.older.decode(),
                "proof": [each.hex() for each in self.proof],
                "version": 1,
            }
        )


def fork(data: bytes) -> Fork:
    """Read a fork's file; :class:`~market.proof.notes.NoteRefused` for anything else."""
    try:
        plain: Any = canonical.decode(data.strip())
        if set(plain) != {"format", "instead", "newer", "older", "proof", "version"}:
            raise ValueError
        if (plain["format"], plain["version"]) != (FORK, 1):
            raise ValueError
        proof = tuple(bytes.fromhex(each) for each in plain["proof"])
        return Fork(plain["older"].encode(), plain["newer"].encode(), bytes.fromhex(plain["instead"]), proof)
    except (ValueError, TypeError, AttributeError) as error:
        raise notes.NoteRefused("the file is no proof of a fork") from error


def contradiction(found: Fork, key: notes.Key) -> tuple[notes.Checkpoint, notes.Checkpoint, bool]:
    """The two checkpoints, whose signatures by the log hold, and whether they contradict each other by themselves. Raises
    :class:`~market.proof.notes.NoteRefused` for a signature that does not hold, and for two states that agree."""
    (_, older), (_, newer) = notes.opened(found.older, key), notes.opened(found.newer, key)
    if older.size > newer.size:
        raise notes.NoteRefused("the older checkpoint is of the longer log")
    if older.size == newer.size:
        if older.root == newer.root:
            raise notes.NoteRefused("the two checkpoints say the same")
        return older, newer, True
    if not found.instead:
        return older, newer, False
    if found.instead == older.root:
        raise notes.NoteRefused("the newer checkpoint has the older one's root at its size")
    try:
        tree.check_consistency(found.proof, older.size, found.instead, newer.size, newer.root)
    except tree.ProofRefused as refused:
        raise notes.NoteRefused(f"the proof of the fork does not hold: {refused}") from refused
    return older, newer, True


# ── whose word counts ──────────────────────────────────────────────────────────────────────────────────────────────


class Policy(NamedTuple):
    """Whose word counts (C2SP `tlog-policy`, the part that is needed here): the log's key, the witnesses with their addresses where
    they are asked, and how many of which of them must have cosigned."""

    log: notes.Key | None = None
    witnesses: tuple[tuple[notes.Key, str], ...] = ()
    quorum: int = 0
    counted: tuple[notes.Key, ...] = ()

    @property
    def keys(self) -> tuple[notes.Key, ...]:
        """The witnesses' keys."""
        return tuple(key for key, _ in self.witnesses)

    def met(self, note: notes.Note) -> bool:
        """Whether as many witnesses as the quorum asks for cosigned the note; never without a quorum."""
        return self.quorum > 0 and len(notes.cosignatures(note, self.counted)) >= self.quorum


def policy(text: str) -> Policy:
    """Read a policy: lines `log KEY [url]`, `witness name KEY [url]`, `group name k|any|all members…`, `quorum name|none`, and `#`
    before a remark. One group of witnesses is understood, not groups of groups; :class:`~market.proof.notes.NoteRefused`
    names the line that is not."""
    log: notes.Key | None = None
    witnesses: dict[str, tuple[notes.Key, str]] = {}
    groups: dict[str, tuple[int, tuple[str, ...]]] = {}
    quorum: str | None = None
    for number, line in enumerate(text.split("\n"), 1):
        words = line.split()
        try:
            match words:
                case [first, *_] if first.startswith("#"):
                    continue
                case []:
                    continue
                case ["log", key, *url] if len(url) < 2 and log is None:
                    log = _of(key, notes.LOG)
                case ["witness", name, key, *url] if len(url) < 2 and name not in {*witnesses, *groups, "none"}:
                    witnesses[name] = (_of(key, notes.WITNESS), url[0] if url else "")
                case ["group", name, least, *members] if members and name not in {*witnesses, *groups, "none"}:
                    groups[name] = (_needed(least, members, witnesses), tuple(members))
                case ["quorum", name] if quorum is None and name in {*witnesses, *groups, "none"}:
                    quorum = name
                case _:
                    raise notes.NoteRefused("it is not a line of a policy, or says a thing twice")
        except notes.NoteRefused as refused:
            raise notes.NoteRefused(f"line {number} of the policy: {refused}") from refused
    counted = list(witnesses)
    needed = 0
    if quorum in groups:
        needed, counted = groups[quorum][0], list(groups[quorum][1])
    elif quorum in witnesses:
        needed, counted = 1, [quorum]
    if len({key.public for key, _ in witnesses.values()}) < len(witnesses):
        raise notes.NoteRefused(
            "two witnesses of the policy have one key: version 1 of a cosignature does not sign the name"
        )
    return Policy(log, tuple(witnesses.values()), needed, tuple(witnesses[name][0] for name in counted))


def _of(line: str, kind: int) -> notes.Key:
    key = notes.Key.read(line)
    if key.kind != kind:
        raise notes.NoteRefused("the key is of another kind: a log's is of type 1, a witness's of type 4")
    return key


def _needed(text: str, members: Sequence[str], known: dict[str, tuple[notes.Key, str]]) -> int:
    if len(set(members)) < len(members) or not set(members) <= set(known):
        raise notes.NoteRefused("a group names witnesses from the lines before it, each once")
    found = {"any": 1, "all": len(members)}.get(text) or notes.whole(text)
    if not 1 <= found <= len(members):
        raise notes.NoteRefused("a group asks for as many of its members as it has, at most, and for one at least")
    return found
