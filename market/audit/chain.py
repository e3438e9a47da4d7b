"""The chain of events: who did what, for ever, in a form that an outsider can recompute with a hash function alone.

Every event has a *header* (seq, at, actor, verb, subject, the digest of its body, the hash of the event before) and a
*body* (what was decided, in canonical bytes). The event's hash is SHA-256 over a label and the header in canonical JSON
(RFC 8785), so nothing can be changed, removed, inserted or moved without changing every hash after it.

Two things may be withheld and the chain still holds. A body (personal data, a sealed thing) is withheld by leaving it
out: its digest is salted with 16 random bytes kept beside it, so a digest tells nothing even about a guessable body, and
erasing body and salt leaves a number that means nothing. A whole header is withheld (the count of bids before opening)
by showing only its seq and hash; when it is shown later it must hash to what was shown before.

The chain alone does not stop its keeper from rewriting everything after some point. What does is a :class:`Head`: seq,
hash and moment, signed with Ed25519, which anybody may keep; a log that does not pass through every head ever signed
has been rewritten or cut. Headers are public: actor and subject are references (`person:17`), never names.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from json.encoder import encode_basestring as _quoted
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from market import canonical

EVENT = b"prelude-event-v1\0"
BODY = b"prelude-event-body-v1\0"
HEAD = b"prelude-log-head-v1\0"

GENESIS = hashlib.sha256(b"prelude-log-genesis-v1\0").digest()
"""What the first event (seq 1) names as the hash before it."""

SALT = 16
"""Bytes of chance in every body's digest: 128 bits, more than anybody can try."""

_NO_OFFSET = timedelta(0)


class Row(NamedTuple):
    """One event as it is stored. The header's seven facts are columns; the header's bytes are made from them anew.

    `body` and `salt` are both None when the body is withheld or erased.
    """

    seq: int
    at: datetime
    actor: str
    verb: str
    subject: str
    body_digest: bytes
    hash: bytes
    body: bytes | None = None
    salt: bytes | None = None


class Withheld(NamedTuple):
    """An event whose header is not shown yet: only that it exists, and the hash it will have to match."""

    seq: int
    hash: bytes


class Why(StrEnum):
    """What is wrong with the first broken link."""

    BODY = "altered-body"
    HEADER = "altered-header"
    MISSING = "missing-sequence"
    ORDER = "re-ordered"
    TRUNCATED = "truncated"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True)
class Break:
    """The first place where the log is not what it was: the event's seq, the kind of change, and a sentence."""

    seq: int
    why: Why
    words: str


@dataclass(frozen=True, slots=True)
class Report:
    """What a verification found. `seq` and `hash` are the last good event's; `broken` is None when all of it holds."""

    events: int
    seq: int
    hash: bytes
    bodies_withheld: int
    headers_withheld: int
    heads_met: int
    broken: Break | None

    @property
    def holds(self) -> bool:
        """Whether every link and every known head was met."""
        return self.broken is None


@dataclass(frozen=True, slots=True)
class Head:
    """The log's state at a moment, as an outsider keeps it; `signature` is Ed25519 over :func:`head_bytes`."""

    seq: int
    hash: bytes
    at: datetime
    signature: bytes

    def to_plain(self) -> dict[str, canonical.Plain]:
        """The head as plain data, for a page, a feed or a file."""
        return {
            "at": moment(self.at),
            "hash": self.hash.hex(),
            "seq": self.seq,
            "signature": self.signature.hex(),
            "version": 1,
        }

    @classmethod
    def from_plain(cls, data: Any) -> Head:
        """Read :meth:`to_plain` back; anything else is a :class:`NotALog`."""
        try:
            if data["version"] != 1 or not _whole(data["seq"]):
                raise ValueError
            return cls(data["seq"], _digest(data["hash"]), _when(data["at"]), bytes.fromhex(data["signature"]))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NotALog("this is not a signed head of version 1") from error


class NotALog(Exception):
    """The text given is not an event or head of this log's format."""


class HeadRefused(Exception):
    """The head was not signed by this key, or was changed since."""


def moment(at: datetime) -> str:
    """A moment as it stands in a header: UTC, always six decimals, `2026-11-22T09:30:00.000000Z` (RFC 3339)."""
    text = at.isoformat("T", "microseconds")
    if text[26:] == "+00:00":
        return text[:26] + "Z"
    if at.tzinfo is None:
        raise ValueError("an event's moment needs its zone")
    return at.astimezone(UTC).isoformat("T", "microseconds")[:26] + "Z"


def body_digest(body: bytes, salt: bytes) -> bytes:
    """The digest of a body that stands in the header. `body` is canonical bytes, made once and stored as they are."""
    if len(salt) != SALT:
        raise ValueError(f"a body's salt is {SALT} bytes")
    return hashlib.sha256(BODY + salt + body).digest()


def new_salt() -> bytes:
    """A fresh salt for one body; it is published with the body and erased with it."""
    return secrets.token_bytes(SALT)


def header(
    previous_hash: bytes, seq: int, at: datetime, actor: str, verb: str, subject: str, body_digest: bytes
) -> bytes:
    """The header's canonical bytes: exactly what `market.canonical.encode` makes of the same seven facts.

    Written out by hand because a log of millions is verified event by event and this is five times as fast.
    """
    return (
        f'{{"actor":{_quoted(actor)},"at":"{moment(at)}","body":"{body_digest.hex()}",'
        f'"previous":"{previous_hash.hex()}","seq":{seq},"subject":{_quoted(subject)},"verb":{_quoted(verb)}}}'
    ).encode()


def link(
    previous_hash: bytes, seq: int, at: datetime, actor: str, verb: str, subject: str, body_digest: bytes
) -> bytes:
    """The hash of the event with these facts, which the next event will name. Refuses what could not be a link."""
    if len(previous_hash) != 32 or len(body_digest) != 32:
        raise ValueError("hashes and digests are 32 bytes")
    if not 1 <= seq <= canonical.EXACT:
        raise ValueError("events are numbered from 1")
    return hashlib.sha256(EVENT + header(previous_hash, seq, at, actor, verb, subject, body_digest)).digest()


def append(after: tuple[int, bytes], at: datetime, actor: str, verb: str, subject: str, body: bytes) -> Row:
    """The next event as a row ready to store, after the event with this (seq, hash); (0, GENESIS) begins a log."""
    salt = new_salt()
    digest = body_digest(body, salt)
    seq = after[0] + 1
    return Row(seq, at, actor, verb, subject, digest, link(after[1], seq, at, actor, verb, subject, digest), body, salt)


def verify(
    rows: Iterable[Row | Withheld], *, heads: Sequence[Head] = (), after: tuple[int, bytes] = (0, GENESIS)
) -> Report:
    """Recompute the chain over rows in the order given and name the first broken link, if there is one.

    `heads` are the anchors the reader kept (check their signatures with :func:`verify_head` first): the log must pass
    through each of them, and must not end before the last. `after` is the (seq, hash) to begin from, for a reader who
    verified up to there before; it is trusted. Rows are streamed, nothing is kept: a log of any length fits.
    """
    sha256, quoted = hashlib.sha256, _quoted
    known = {head.seq: head.hash for head in heads}
    two_faced = _two_faced(heads)
    last_head = max(known, default=0)
    start, previous = after
    seen, previous_hex = start, previous.hex()
    bodies = headers = met = 0

    def report(broken: Break | None) -> Report:
        return Report(seen - start, seen, previous, bodies, headers, met, broken)

    if two_faced is not None:
        return report(two_faced)
    if start in known and known[start] != previous:
        return report(Break(start, Why.REWRITTEN, f"The hash of event {start} is not the one a signed head gives it."))
    for row in rows:
        seq = row[0]
        if seq != seen + 1:
            if seq <= seen:
                return report(Break(seq, Why.ORDER, f"Event {seq} stands after event {seen}."))
            words = f"Event {seen + 1} is missing: event {seq} follows event {seen}."
            return report(Break(seen + 1, Why.MISSING, words))
        if isinstance(row, Withheld):
            found = row.hash
            headers += 1
        else:
            _, at, actor, verb, subject, digest, found, body, salt = row
            if body is None:
                bodies += 1
            elif sha256(BODY + (salt or b"") + body).digest() != digest or salt is None or len(salt) != SALT:
                return report(Break(seq, Why.BODY, f"The body of event {seq} is not the one that was recorded."))
            stamp = at.isoformat("T", "microseconds")
            if stamp[26:] != "+00:00":
                stamp = moment(at)
            made = sha256(
                (
                    f'prelude-event-v1\0{{"actor":{quoted(actor)},"at":"{stamp[:26]}Z","body":"{digest.hex()}",'
                    f'"previous":"{previous_hex}","seq":{seq},"subject":{quoted(subject)},"verb":{quoted(verb)}}}'
                ).encode()
            )
            if made.digest() != found:
                words = f"The header of event {seq}, or its hash, is not the one that was recorded after event {seen}."
                return report(Break(seq, Why.HEADER, words))
        if seq in known:
            if known[seq] != found:
                words = f"The log was rewritten at or before event {seq}: a signed head gives it another hash."
                return report(Break(seq, Why.REWRITTEN, words))
            met += 1
        seen, previous, previous_hex = seq, found, found.hex()
    if seen < last_head:
        words = f"The log ends at event {seen}, but a signed head shows that it reached event {last_head}."
        return report(Break(seen + 1, Why.TRUNCATED, words))
    return report(None)


def _two_faced(heads: Sequence[Head]) -> Break | None:
    """Two heads that give one event two hashes prove, by themselves, that two versions of the log were shown."""
    seen: dict[int, bytes] = {}
    for head in heads:
        if seen.setdefault(head.seq, head.hash) != head.hash:
            words = f"Two signed heads give event {head.seq} different hashes: two versions of the log were shown."
            return Break(head.seq, Why.REWRITTEN, words)
    return None


# ── the public form ────────────────────────────────────────────────────────────────────────────────────────────────


def to_line(row: Row | Withheld, *, body: bool) -> bytes:
    """One event of the public log, in canonical JSON without a line end; the body (as text) and salt only when asked."""
    if isinstance(row, Withheld):
        return canonical.encode({"hash": row.hash.hex(), "seq": row.seq})
    shown: dict[str, canonical.Plain] = {
        "actor": row.actor,
        "at": moment(row.at),
        "body_digest": row.body_digest.hex(),
        "hash": row.hash.hex(),
        "seq": row.seq,
        "subject": row.subject,
        "verb": row.verb,
    }
    if body and row.body is not None and row.salt is not None:
        shown["body"], shown["salt"] = row.body.decode(), row.salt.hex()
    return canonical.encode(shown)


def from_lines(lines: Iterable[bytes]) -> Iterator[Row | Withheld]:
    """Read the public log back; a line that is not an event is a :class:`NotALog` with its number."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            data = canonical.decode(line.strip())
            if not _whole(data["seq"]):
                raise ValueError
            if "body_digest" not in data:
                yield Withheld(data["seq"], _digest(data["hash"]))
                continue
            body, salt = data.get("body"), data.get("salt")
            yield Row(
                data["seq"],
                _when(data["at"]),
                _text(data["actor"]),
                _text(data["verb"]),
                _text(data["subject"]),
                _digest(data["body_digest"]),
                _digest(data["hash"]),
                None if body is None else body.encode(),
                None if salt is None else bytes.fromhex(salt),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NotALog(f"line {number} is not an event of this log") from error


def _whole(value: object) -> bool:
    return type(value) is int and value >= 1


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _digest(value: str) -> bytes:
    digest = bytes.fromhex(value)
    if len(digest) != 32:
        raise ValueError
    return digest


def _when(value: str) -> datetime:
    at = datetime.fromisoformat(value)
    if moment(at) != value:
        raise ValueError
    return at


# ── signed heads ───────────────────────────────────────────────────────────────────────────────────────────────────


def head_key(secret: bytes) -> Ed25519PrivateKey:
    """The key that signs heads, derived from the configured secret of at least 32 bytes under a label of its own."""
    if len(secret) < 32:
        raise ValueError("the configured secret needs at least 32 bytes")
    seed = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"prelude/audit/head/v1").derive(secret)
    return Ed25519PrivateKey.from_private_bytes(seed)


def head_bytes(seq: int, hash: bytes, at: datetime) -> bytes:
    """What a head's signature covers: a label and the canonical JSON of at, hash and seq."""
    if len(hash) != 32:
        raise ValueError("hashes are 32 bytes")
    return HEAD + canonical.encode({"at": moment(at), "hash": hash.hex(), "seq": seq})


def sign_head(private: Ed25519PrivateKey, seq: int, hash: bytes, at: datetime) -> Head:
    """Sign the log's state, for outsiders to keep. Publish the public key where the operator cannot quietly change it."""
    return Head(seq, hash, at, private.sign(head_bytes(seq, hash, at)))


def verify_head(public: Ed25519PublicKey | bytes, head: Head) -> None:
    """Raise :class:`HeadRefused` unless `head` was signed by this key (32 raw bytes or the key itself)."""
    try:
        key = Ed25519PublicKey.from_public_bytes(public) if isinstance(public, bytes) else public
        key.verify(head.signature, head_bytes(head.seq, head.hash, head.at))
    except (InvalidSignature, ValueError) as error:
        raise HeadRefused(
            f"The head at event {head.seq} does not carry a valid signature of this log's key."
        ) from error
