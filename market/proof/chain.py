"""The chain of events: who did what, for ever, in a form that an outsider can recompute with a hash function alone.

Every event has a *header* (its seq, moment, actor, organisation, verb, subject, what else it is about, the digest of its
body, the hash of the event before) and a *body* (what was decided, as canonical text). The event's hash is SHA-256 over
a label and the header in canonical JSON (RFC 8785), so nothing can be changed, removed, inserted or moved without
changing every hash after it. Hashes and digests are 64 hexadecimal letters throughout, as they are stored and published.

What may not be public can be withheld, and the chain still holds:

- *Private facts* stand in a text of their own (:func:`conceal`), with 128 bits of chance inside it. Only its digest
  stands in the public body; it tells nothing even about a guessable fact, and erasing the text leaves a number that
  means nothing.
- A *body* may be left out, its digest shown. This hides it only if it holds a concealed digest or is otherwise not
  guessable.
- A *whole event* may be shown as its seq and hash alone (:class:`Withheld`), as with bids before their opening, whose
  number is secret. When it is shown later it must hash to what was shown before.

The chain alone does not stop its keeper from rewriting everything after some point. What does is a :class:`Head`: seq,
hash and moment, signed with Ed25519, which anybody may keep; a log that does not pass through every head ever signed
has been rewritten or cut. Headers are public: actor and subject are references (`P-7KQ4M2X`), never names.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from json.encoder import encode_basestring as _quoted
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from market.proof import canonical

GENESIS = hashlib.sha256(b"prelude-log-genesis-v1\0").hexdigest()
"""What the first event (seq 1) names as the hash before it."""

_BODY = b"prelude-event-body-v1\0"
_PRIVATE = b"prelude-event-private-v1\0"
_HEAD = b"prelude-log-head-v1\0"


class Row(NamedTuple):
    """One event as it is stored. The header's facts are columns; its bytes are made from them anew at verification.

    `body` is None when it is withheld; `body_digest` may be None when the body is there to compute it from.
    `private_body` is what :func:`conceal` made, None when there is none or the reader may not see it.
    """

    seq: int
    at: datetime
    actor: str
    organisation: str
    verb: str
    subject: str
    about: Sequence[str]
    hash: str
    body: str | None
    body_digest: str | None = None
    private_body: str | None = None


class Withheld(NamedTuple):
    """An event that is not shown yet: only that it exists, and the hash it will have to match."""

    seq: int
    hash: str


class Why(StrEnum):
    """What is wrong with the first broken link."""

    BODY = "altered-body"
    PRIVATE = "altered-private-body"
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
    hash: str
    bodies_withheld: int
    events_withheld: int
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
    hash: str
    at: datetime
    signature: bytes

    def to_plain(self) -> dict[str, canonical.Plain]:
        """The head as plain data, for a page, a feed or a file."""
        return {
            "at": moment(self.at),
            "hash": self.hash,
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


def body_digest(body: str) -> str:
    """The digest of a body that stands in the header. `body` is canonical text, made once and stored as it is."""
    return hashlib.sha256(_BODY + body.encode()).hexdigest()


def conceal(private: Mapping[str, canonical.Plain]) -> tuple[str, str]:
    """Private facts as (the text to store apart, the digest to put into the public body under `private_sha256`)."""
    if "salt" in private:
        raise ValueError("“salt” is added here")
    text = canonical.encode({**private, "salt": secrets.token_hex(16)}).decode()
    return text, private_digest(text)


def private_digest(private_body: str) -> str:
    """The digest of a concealed text, to compare with the one in the public body when the text is shown."""
    return hashlib.sha256(_PRIVATE + private_body.encode()).hexdigest()


def header(
    previous: str,
    seq: int,
    at: datetime,
    actor: str,
    organisation: str,
    verb: str,
    subject: str,
    about: Sequence[str],
    body_digest: str,
) -> bytes:
    """The header's canonical bytes: exactly what `market.proof.canonical.encode` makes of the same facts.

    Written out by hand, because a log of millions is verified event by event and this is many times as fast.
    """
    # Only `about`, actor, organisation, subject and verb are quoted: moment, digests and number hold nothing to escape, and
    # :func:`link` has refused what is no digest. The members stand in the order that sorting gives them, and a member
    # more would be another version with another label: a header that grew in place would let one hash stand for two
    # headers. `previous` is inside the header, so the chain hangs on nothing but this hash; the body is inside by its
    # digest alone, so that it can be withheld, or erased, without a gap in the chain.
    return (
        f'{{"about":[{",".join(map(_quoted, about))}],"actor":{_quoted(actor)},"at":"{moment(at)}",'
        f'"body":"{body_digest}","organisation":{_quoted(organisation)},"previous":"{previous}","seq":{seq},'
        f'"subject":{_quoted(subject)},"verb":{_quoted(verb)},"version":1}}'
    ).encode()


def link(
    previous: str,
    seq: int,
    at: datetime,
    actor: str,
    organisation: str,
    verb: str,
    subject: str,
    about: Sequence[str],
    body_digest: str,
) -> str:
    """The hash of the event with these facts, which the next event will name. Refuses what could not be a link."""
    _digest(previous), _digest(body_digest)
    if not 1 <= seq <= canonical.EXACT:
        raise ValueError("events are numbered from 1")
    facts = header(
        previous=previous,
        seq=seq,
        at=at,
        actor=actor,
        organisation=organisation,
        verb=verb,
        subject=subject,
        about=about,
        body_digest=body_digest,
    )
    return hashlib.sha256(b"prelude-event-v1\0" + facts).hexdigest()


def append(
    after: tuple[int, str],
    at: datetime,
    actor: str,
    organisation: str,
    verb: str,
    subject: str,
    about: Sequence[str],
    body: Mapping[str, canonical.Plain],
    private: Mapping[str, canonical.Plain] | None = None,
) -> Row:
    """The next event as a row ready to store, after the event with this (seq, hash); (0, GENESIS) begins a log.

    Private facts are concealed and their digest is put into the body. An event that will be :class:`Withheld` for a time
    needs some, `{}` at least: the salt is what keeps its hash from being guessed.
    """
    text, hidden = written(body, private)
    digest, seq = body_digest(text), after[0] + 1
    made = link(
        previous=after[1],
        seq=seq,
        at=at,
        actor=actor,
        organisation=organisation,
        verb=verb,
        subject=subject,
        about=about,
        body_digest=digest,
    )
    return Row(
        seq=seq,
        at=at,
        actor=actor,
        organisation=organisation,
        verb=verb,
        subject=subject,
        about=tuple(about),
        hash=made,
        body=text,
        body_digest=digest,
        private_body=hidden,
    )


def written(
    body: Mapping[str, canonical.Plain], private: Mapping[str, canonical.Plain] | None = None
) -> tuple[str, str | None]:
    """A body as canonical text, and the concealed text of the private facts whose digest it then holds."""
    facts, hidden = dict(body), None
    if private is not None:
        if "private_sha256" in facts:
            raise ValueError("“private_sha256” is added here")
        hidden, facts["private_sha256"] = conceal(private)
    return canonical.encode(facts).decode(), hidden


def verify(
    rows: Iterable[Row | Withheld], *, heads: Sequence[Head] = (), after: tuple[int, str] = (0, GENESIS)
) -> Report:
    """Recompute the chain over rows in the order given and name the first broken link, if there is one.

    `heads` are the anchors the reader kept (check their signatures with :func:`verify_head` first): the log must pass
    through each of them, and must not end before the last. `after` is the (seq, hash) to begin from, for a reader who
    verified up to there before; it is trusted. Rows are streamed, nothing is kept: a log of any length fits.
    """
    sha256, quoted = hashlib.sha256, _quoted
    known = {head.seq: head.hash for head in heads}
    last_head = max(known, default=0)
    start, previous = after
    seen, bodies, withheld, met = start, 0, 0, 0

    def report(broken: Break | None) -> Report:
        return Report(seen - start, seen, previous, bodies, withheld, met, broken)

    if (two_faced := _two_faced(heads)) is not None:
        return report(two_faced)
    if start in known:
        if known[start] != previous:
            return report(Break(start, Why.REWRITTEN, f"A signed head gives event {start} another hash."))
        met += 1
    for row in rows:
        seq = row[0]
        if seq != seen + 1:
            if seq <= seen:
                return report(Break(seq, Why.ORDER, f"Event {seq} stands after event {seen}."))
            words = f"Event {seen + 1} is missing: event {seq} follows event {seen}."
            return report(Break(seen + 1, Why.MISSING, words))
        if isinstance(row, Withheld):
            found = row.hash
            withheld += 1
        else:
            _, at, actor, organisation, verb, subject, about, found, body, digest, private = row
            if body is None:
                bodies += 1
            else:
                made = sha256(_BODY + body.encode()).hexdigest()
                if digest is not None and made != digest:
                    words = f"The body of event {seq} is not the one that was recorded."
                    return report(Break(seq, Why.BODY, words))
                digest = made
            # The bytes that `header` makes, written in place: no call for each of millions of events. `test_chain` holds the
            # three (this, `header`, `canonical.encode`) to one another.
            stamp = at.isoformat("T", "microseconds")
            stamp = stamp[:26] + "Z" if stamp[26:] == "+00:00" else moment(at)
            facts = (
                f'prelude-event-v1\0{{"about":[{",".join(map(quoted, about))}],"actor":{quoted(actor)},"at":"{stamp}",'
                f'"body":"{digest}","organisation":{quoted(organisation)},"previous":"{previous}","seq":{seq},'
                f'"subject":{quoted(subject)},"verb":{quoted(verb)},"version":1}}'
            )
            if sha256(facts.encode()).hexdigest() != found:
                words = f"Event {seq}, or its hash, is not the one that was recorded after event {seen}."
                return report(Break(seq, Why.HEADER, words))
            if private is not None and f'"private_sha256":"{private_digest(private)}"' not in (body or ""):
                words = f"The private body of event {seq} is not the one that was recorded."
                return report(Break(seq, Why.PRIVATE, words))
        if seq in known:
            if known[seq] != found:
                words = f"The log was rewritten at or before event {seq}: a signed head gives it another hash."
                return report(Break(seq, Why.REWRITTEN, words))
            met += 1
        seen, previous = seq, found
    if seen < last_head:
        words = f"The log ends at event {seen}, but a signed head shows that it reached event {last_head}."
        return report(Break(seen + 1, Why.TRUNCATED, words))
    return report(None)


def _two_faced(heads: Sequence[Head]) -> Break | None:
    """Two heads that give one event two hashes prove, by themselves, that two versions of the log were shown."""
    seen: dict[int, str] = {}
    for head in heads:
        if seen.setdefault(head.seq, head.hash) != head.hash:
            words = f"Two signed heads give event {head.seq} different hashes: two versions of the log were shown."
            return Break(head.seq, Why.REWRITTEN, words)
    return None


# ── the public form ────────────────────────────────────────────────────────────────────────────────────────────────


def to_line(row: Row | Withheld, *, body: bool) -> bytes:
    """One event of the public log, in canonical JSON without a line end; the body only when asked, private facts never."""
    if isinstance(row, Withheld):
        return canonical.encode({"hash": row.hash, "seq": row.seq})
    digest = body_digest(row.body) if row.body is not None else row.body_digest
    shown: dict[str, canonical.Plain] = {
        "about": list(row.about),
        "actor": row.actor,
        "at": moment(row.at),
        "body_digest": digest,
        "hash": row.hash,
        "organisation": row.organisation,
        "seq": row.seq,
        "subject": row.subject,
        "verb": row.verb,
    }
    if body and row.body is not None:
        shown["body"] = row.body
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
            yield Row(
                seq=data["seq"],
                at=_when(data["at"]),
                actor=_text(data["actor"]),
                organisation=_text(data["organisation"]),
                verb=_text(data["verb"]),
                subject=_text(data["subject"]),
                about=tuple(_text(each) for each in data["about"]),
                hash=_digest(data["hash"]),
                body=_text(data["body"]) if "body" in data else None,
                body_digest=_digest(data["body_digest"]),
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise NotALog(f"line {number} is not an event of this log") from error


def _whole(value: object) -> bool:
    return type(value) is int and value >= 1


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _digest(value: str) -> str:
    if len(value) != 64 or bytes.fromhex(value).hex() != value:
        raise ValueError("hashes and digests are 64 lower-case hexadecimal letters")
    return value


def _when(value: str) -> datetime:
    at = datetime.fromisoformat(value)
    if moment(at) != value:
        raise ValueError
    return at


# ── signed heads ───────────────────────────────────────────────────────────────────────────────────────────────────


def head_key(secret: bytes | str) -> Ed25519PrivateKey:
    """The key that signs heads, derived from the configured secret of at least 32 bytes under a label of its own."""
    secret = secret.encode() if isinstance(secret, str) else secret
    if len(secret) < 32:
        raise ValueError("the configured secret needs at least 32 bytes")
    seed = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"prelude/audit/head/v1").derive(secret)
    return Ed25519PrivateKey.from_private_bytes(seed)


def head_bytes(seq: int, hash: str, at: datetime) -> bytes:
    """What a head's signature covers: a label and the canonical JSON of at, hash and seq."""
    return _HEAD + canonical.encode({"at": moment(at), "hash": _digest(hash), "seq": seq})


def sign_head(private: Ed25519PrivateKey, seq: int, hash: str, at: datetime) -> Head:
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
