"""Signed notes (C2SP `signed-note`), and the two that a transparency log is made of: its checkpoints (`tlog-checkpoint`) and the
cosignatures of its witnesses (`tlog-cosignature` version 1, Ed25519).

A note is a text and, after an empty line, lines of signatures, each with the name of its key. A checkpoint's text is three lines: the
log's origin, its size, and the root of its tree. A witness signs the same text with the moment before it: *at that moment this was
the longest log of this origin that I had seen, and it held every shorter one unchanged*.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from market.proof import tree

LOG: Final = 1
"""The type of a key that signs notes: Ed25519."""
WITNESS: Final = 4
"""The type of a key that signs cosignatures: Ed25519 over the text with a moment before it."""

LARGEST = 100_000
"""Bytes of a note that is read at all; one of sixteen cosignatures has 2,000."""

MOST = 100
"""Lines of signatures that a note may have."""

_LATEST = 2**63
"""Moments are seconds below this (`tlog-cosignature`)."""


class NoteRefused(Exception):
    """The note, or key, is not in its form, or does not carry the signature it should; the message says which."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key by its name: of a log, whose name is its origin, or of a witness."""

    name: str
    kind: int
    public: bytes

    def __post_init__(self) -> None:
        if not _is_name(self.name) or self.kind not in (LOG, WITNESS) or len(self.public) != 32:
            raise NoteRefused("a key has a name without spaces and plus signs, a known type and 32 bytes")

    @property
    def id(self) -> bytes:
        """The four bytes that stand before each of its signatures."""
        named = self.name.encode() + b"\n" + bytes([self.kind]) + self.public
        return hashlib.sha256(named).digest()[:4]

    def __str__(self) -> str:
        """The key in one line, as it is published: `name+id+key`."""
        return f"{self.name}+{self.id.hex()}+{_base64(bytes([self.kind]) + self.public)}"

    @classmethod
    def read(cls, line: str) -> Key:
        """The key of its line; :class:`NoteRefused` for anything else."""
        name, _, rest = line.partition("+")
        given, _, encoded = rest.partition("+")
        data = _decoded(encoded, "the key")
        if len(data) != 33 or data[0] not in (LOG, WITNESS):
            raise NoteRefused("this is no key of a log (type 1) or a witness (type 4)")
        key = cls(name, data[0], data[1:])
        if key.id.hex() != given:
            raise NoteRefused("the key's number is not the one of its name and bytes")
        return key


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key by its name."""

    name: str
    kind: int
    private: Ed25519PrivateKey

    @property
    def key(self) -> Key:
        """The public half."""
        return Key(self.name, self.kind, self.private.public_key().public_bytes_raw())

    def __str__(self) -> str:
        """The private key in one line, as Go's package for notes writes it: to be kept, never shown."""
        return f"PRIVATE+KEY+{self.name}+{self.key.id.hex()}+{_base64(bytes([self.kind]) + self.private.private_bytes_raw())}"

    @classmethod
    def read(cls, line: str) -> Signer:
        """The private key of its line."""
        if not line.startswith("PRIVATE+KEY+"):
            raise NoteRefused("this is no private key: it would begin with PRIVATE+KEY+")
        name, _, rest = line.removeprefix("PRIVATE+KEY+").partition("+")
        given, _, encoded = rest.partition("+")
        data = _decoded(encoded, "the key")
        if len(data) != 33 or data[0] not in (LOG, WITNESS):
            raise NoteRefused("this is no private key of a log (type 1) or a witness (type 4)")
        made = cls(name, data[0], Ed25519PrivateKey.from_private_bytes(data[1:]))
        if made.key.id.hex() != given:
            raise NoteRefused("the private key's number is not the one of its name and bytes")
        return made

    @classmethod
    def new(cls, name: str, kind: int) -> Signer:
        """A fresh key."""
        made = cls(name, kind, Ed25519PrivateKey.generate())
        made.key  # refuses a bad name  # noqa: B018
        return made


class Signature(NamedTuple):
    """One line of signature: the name, and the bytes after it, whose first four name the key."""

    name: str
    data: bytes

    def line(self) -> str:
        """As it stands in a note."""
        return f"— {self.name} {_base64(self.data)}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text with its signatures, none of them checked."""

    text: str
    signatures: tuple[Signature, ...] = ()

    def encode(self) -> bytes:
        """The note as it is published."""
        return (self.text + "\n" + "".join(each.line() for each in self.signatures)).encode()

    def also(self, signatures: Iterable[Signature]) -> Note:
        """The note with these signatures after its own, each once."""
        return Note(self.text, tuple(dict.fromkeys([*self.signatures, *signatures])))


class Checkpoint(NamedTuple):
    """The state of a log: so many events, and the root of the tree over them."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{_base64(self.root)}\n"


class Cosigned(NamedTuple):
    """A witness's word, checked: its name, and the second at which it gave it (seconds since 1970)."""

    witness: str
    at: int


def read(data: bytes) -> Note:
    """The note; :class:`NoteRefused` for what is not in the form."""
    if len(data) > LARGEST:
        raise NoteRefused("the note is too large to be one")
    try:
        whole = data.decode()
    except UnicodeDecodeError as error:
        raise NoteRefused("the note is not text in UTF-8") from error
    if any(ord(each) < 32 and each != "\n" for each in whole):
        raise NoteRefused("the note holds a control character")
    text, parted, lines = whole.rpartition("\n\n")
    if not parted or not lines.endswith("\n"):
        raise NoteRefused("the note has no lines of signatures after an empty line")
    signatures = [_signature(line) for line in lines[:-1].split("\n")]
    if len(signatures) > MOST:
        raise NoteRefused(f"the note has more than {MOST} lines of signatures")
    return Note(text + "\n", tuple(signatures))


def read_lines(data: bytes) -> tuple[Signature, ...]:
    """The signatures of a witness's answer, which is lines of signatures alone."""
    return read(b"-\n\n" + data).signatures


def _signature(line: str) -> Signature:
    sign, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    if sign != "—" or not _is_name(name):
        raise NoteRefused("a line after the empty line is no signature")
    data = _decoded(encoded, "a signature", strictly=False)
    if len(data) < 5:
        raise NoteRefused("a line after the empty line is no signature")
    return Signature(name, data)


def sign(text: str, signer: Signer) -> Note:
    """The text signed by a log's key."""
    if not text.endswith("\n") or any(ord(each) < 32 and each != "\n" for each in text):
        raise NoteRefused("a note's text ends with a line end and has no control characters")
    return Note(text, (Signature(signer.name, signer.key.id + signer.private.sign(text.encode())),))


def cosign(text: str, signer: Signer, at: int) -> Signature:
    """A witness's cosignature of a checkpoint's text at this second."""
    return Signature(signer.name, signer.key.id + at.to_bytes(8, "big") + signer.private.sign(_cosigned(text, at)))


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def verify(note: Note, key: Key) -> int:
    """Check that the note carries the key's signature; the second a witness gave it at, 0 for a log's own. Lines of other keys
    are passed over, as are types nobody knows yet; one of this key that does not hold refuses the note."""
    found: int | None = None
    for each in note.signatures:
        if each.name != key.name or each.data[:4] != key.id:
            continue
        at, signature, signed = 0, each.data[4:], note.text.encode()
        if key.kind == WITNESS:
            at, signature = int.from_bytes(each.data[4:12], "big"), each.data[12:]
            signed = _cosigned(note.text, at)
            if not 0 < at < _LATEST:
                raise NoteRefused(f"a cosignature of {key.name} names no moment")
        try:
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature, signed)
        except (InvalidSignature, ValueError) as error:
            raise NoteRefused(f"a signature of {key.name} does not hold") from error
        found = max(found or 0, at)
    if found is None:
        raise NoteRefused(f"the note does not carry a signature of {key.name}")
    return found


def checkpoint(text: str) -> Checkpoint:
    """The checkpoint that a text says; lines after the third are passed over. One whose size or root is spelled otherwise is
    refused."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
        raise NoteRefused("a checkpoint has three lines: origin, size and root")
    return Checkpoint(lines[0], whole(lines[1]), _root(lines[2]))


def opened(data: bytes, key: Key) -> tuple[Note, Checkpoint]:
    """A log's checkpoint, with the log's own signature checked, and that it is of the log which the key's name is."""
    note = read(data)
    if key.kind != LOG:
        raise NoteRefused("this is a witness's key; a log's checkpoint is checked with the log's")
    verify(note, key)
    found = checkpoint(note.text)
    if found.origin != key.name:
        raise NoteRefused(f"the checkpoint is of the log {found.origin}, not of {key.name}")
    return note, found


def cosignatures(note: Note, witnesses: Sequence[Key]) -> list[Cosigned]:
    """Which of these witnesses cosigned the note, each once, in their order. One whose cosignature does not hold is left out."""
    found = []
    for key in dict.fromkeys(witnesses):
        try:
            found.append(Cosigned(key.name, verify(note, key)))
        except NoteRefused:
            continue
    return found


def whole(text: str) -> int:
    """A whole number in its one decimal spelling, below 2**63."""
    if not (text.isascii() and text.isdigit()) or (text != "0" and text.startswith("0")) or len(text) > 19:
        raise NoteRefused("a number is not in its decimal spelling")
    if (found := int(text)) >= 2**63:
        raise NoteRefused("a number is too large")
    return found


def hash_of(line: str) -> bytes:
    """A hash of its line in base64, in its one spelling."""
    return _root(line)


def bytes_of(line: str) -> bytes:
    """The bytes of a line in base64, in its one spelling."""
    return _decoded(line, "a line")


def line_of(found: bytes) -> str:
    """Bytes as base64 with padding, as notes have them."""
    return _base64(found)


def _root(line: str) -> bytes:
    data = _decoded(line, "a hash")
    if len(data) != tree.SIZE:
        raise NoteRefused("a hash has not 32 bytes")
    return data


def _is_name(name: str) -> bool:
    return bool(name) and "+" not in name and not any(each.isspace() or ord(each) < 32 for each in name)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _decoded(text: str, what: str, *, strictly: bool = True) -> bytes:
    """The bytes of base64; strictly, in its one spelling. Signatures are read leniently, as Go's readers do: the bits that pad
    their last letter mean nothing."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteRefused(f"{what} is not in base64") from error
    if strictly and _base64(data) != text:
        raise NoteRefused(f"{what} is not in the one spelling of base64")
    return data
