"""Sealed bids: what a supplier sends cannot be read by anyone until two opening officers and the platform open it.

Each tender has a key pair. Bids are encrypted on arrival to the public half with HPKE (RFC 9180: DHKEM(X25519,
HKDF-SHA256), HKDF-SHA256, AES-256-GCM), the context (tender, lot, supplier) bound into it. The private half exists in
whole twice: for the moment it is made, and for the moment of opening. In between it is split:

    private key  =  platform's part  XOR  officers' part
    officers' part  =  Shamir's scheme over GF(2^8): any `needed` of the officers' shares, fewer say nothing at all

The platform's part is stored encrypted under the platform key; each officer's share is stored encrypted to a key that
is derived from a code which only that officer keeps. So neither the database with the platform's secret, nor all the
officers together without the platform, can open anything; and an officer who loses her code does not lose the tender as
long as enough others keep theirs.

This module is arithmetic: when something may be opened, and by whom, is for `market/bids/rules.py`. Python cannot erase
memory with certainty; `docs/security.md` says what follows from that.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from market.proof import canonical

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_OVERHEAD = 32 + 16
"""What HPKE adds: the encapsulated key and the tag."""

MAGIC = b"PRELUDE-BID\x01"
"""First twelve bytes of every envelope; the last is the version of the format, which also fixes the suite."""

_HEADER = len(MAGIC) + 16 + 16
_LENGTH = 8

SMALLEST = 4096
_COARSE = 1024 * 1024
LONGEST = 128 * 1024 * 1024 - _LENGTH
"""Plaintexts longer than this are refused: large attachments belong in several envelopes."""

OFFICERS_AT_MOST = 32

_SHARE_MAGIC = b"PRELUDE-SHARE\x01"
_SHARE_HEADER = len(_SHARE_MAGIC) + 2 + 32 + 32
"""Magic and version · the share's number · how many are needed · the tender's public key · the officer's public key."""

_PLATFORM_SHARE = b"prelude/bids/platform-share/v1\0"
_HELD_SHARE = b"prelude/bids/held-share/v1\0"


class Unsealable(Exception):
    """Why something about a sealed bid could not be done. The message is for the person at the screen."""


class MistypedCode(Unsealable):
    """The code is not one this system gives out: a character is missing, added or mistyped."""


class NotThisOfficer(Unsealable):
    """The code is well formed but does not open this officer's share of this tender."""


class OfficersRefused(Unsealable):
    """The opening officers' keys cannot make a tender key: too few, too many, the same twice, or not a key."""


class OtherPlatformKey(Unsealable):
    """Something the platform keeps encrypted was altered, or was encrypted under another platform secret."""


class NotEnoughShares(Unsealable):
    """Fewer officers than the tender needs have contributed, or one contributed twice."""


class KeyRefused(Unsealable):
    """The tender's key record was altered, or the parts do not make the private half of its public key."""


class TooLong(Unsealable):
    """The plaintext is longer than an envelope may be."""


class NotAnEnvelope(Unsealable):
    """The bytes are not an envelope of a version known here, or are cut short."""


class OtherTenderKey(Unsealable):
    """The envelope was sealed to another tender's key."""


class MixedUp(Unsealable):
    """The envelope was sealed for another tender, lot or supplier than the one it is filed under."""


class Tampered(Unsealable):
    """The envelope was altered after it was sealed."""


class ReceiptRefused(Unsealable):
    """The receipt was altered, or is the receipt of another envelope."""


# ── the officers' codes ────────────────────────────────────────────────────────────────────────────────────────────

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no I, L, O or U, so that what is read aloud or copied by hand survives."""

_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None, "–": None, "\u00a0": None})
_SECRET_SYMBOLS, _CHECK_SYMBOLS = 25, 3


@dataclass(frozen=True, slots=True)
class OfficerSecret:
    """An opening officer's code (`7QK2-…`, 125 bits of chance, shown once) and the public key that is stored."""

    code: str = field(repr=False)
    public_key: bytes


def officer_secret() -> OfficerSecret:
    """A fresh code for one officer and one tender: seven groups of four, the last three characters a checksum."""
    symbols = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_SYMBOLS))
    whole = symbols + _check(symbols)
    code = "-".join(whole[at : at + 4] for at in range(0, len(whole), 4))
    return OfficerSecret(code, public_key_of(code))


def public_key_of(code: str) -> bytes:
    """The public key that belongs to a code, to let an officer prove that she wrote it down correctly.

    Case, spaces and hyphens do not matter; O is read as 0, I and L as 1. Anything else is :class:`MistypedCode`.
    """
    return _officer_key(code).public_key().public_bytes_raw()


def _check(symbols: str) -> str:
    number = int.from_bytes(hashlib.sha256(b"prelude-officer-code-v1\0" + symbols.encode()).digest()[:2], "big") >> 1
    return _ALPHABET[number >> 10] + _ALPHABET[number >> 5 & 31] + _ALPHABET[number & 31]


def _officer_key(code: str) -> X25519PrivateKey:
    text = "".join(code.upper().translate(_READ_AS).split())
    expected = _SECRET_SYMBOLS + _CHECK_SYMBOLS
    if len(text) != expected:
        raise MistypedCode(f"An opening code has {expected} letters and digits; this has {len(text)}.")
    for symbol in text:
        if symbol not in _ALPHABET:
            raise MistypedCode(f"“{symbol}” never stands in an opening code.")
    symbols, check = text[:_SECRET_SYMBOLS], text[_SECRET_SYMBOLS:]
    if not hmac.compare_digest(_check(symbols), check):
        raise MistypedCode("The opening code is mistyped: its last three characters do not fit the others.")
    return X25519PrivateKey.from_private_bytes(_derive(symbols.encode(), b"prelude/bids/officer/v1"))


# ── the tender's key ───────────────────────────────────────────────────────────────────────────────────────────────


def platform_key(secret: bytes | str) -> bytes:
    """The key under which the platform keeps its parts, derived from the configured secret under its own label.

    The secret is at least 32 bytes of chance; shorter is refused, since this derivation does not slow down guessing.
    """
    material = secret.encode() if isinstance(secret, str) else secret
    if len(material) < 32:
        raise ValueError("the configured secret needs at least 32 bytes")
    return _derive(material, b"prelude/bids/platform/v1")


@dataclass(frozen=True, slots=True)
class TenderKey:
    """What is stored of a tender's key; without the platform's secret and the officers' codes it opens nothing.

    `platform_share` is the platform's part under the platform key; `officer_shares` are encrypted one to each officer.
    Both say in front which tender key they belong to. `commitment` is a digest of all the rest in hexadecimal: published
    when the tender is, it fixes who can open the bids and how many of them it takes.
    """

    public_key: bytes
    platform_share: bytes
    officer_shares: tuple[bytes, ...]
    commitment: str

    @property
    def needed(self) -> int:
        """How many officers it takes to open, together with the platform."""
        return _read_share(self.officer_shares[0]).needed

    @property
    def officer_public_keys(self) -> tuple[bytes, ...]:
        """The officers' keys in the order of `officer_shares`."""
        return tuple(_read_share(share).officer for share in self.officer_shares)

    @classmethod
    def of(
        cls, public_key: bytes, platform_share: bytes, officer_shares: Iterable[bytes], commitment: str
    ) -> TenderKey:
        """The key from stored rows, in any order; :class:`KeyRefused` when anything was altered since it was made."""
        shares = tuple(sorted(officer_shares, key=lambda share: share[:_SHARE_HEADER]))
        key = cls(public_key, platform_share, shares, commitment)
        check_key(key)
        return key

    def published(self) -> dict[str, canonical.Plain]:
        """The facts the commitment is the digest of, for the public log: keys in full, encrypted parts as digests."""
        return {
            "needed": self.needed,
            "officer_public_keys": [key.hex() for key in self.officer_public_keys],
            "officer_shares_sha256": [hashlib.sha256(share).hexdigest() for share in self.officer_shares],
            "platform_share_sha256": hashlib.sha256(self.platform_share).hexdigest(),
            "public_key": self.public_key.hex(),
            "suite": "RFC 9180 DHKEM(X25519,HKDF-SHA256) HKDF-SHA256 AES-256-GCM",
            "version": 1,
        }


@dataclass(frozen=True, slots=True)
class Share:
    """One officer's share in the open, between her contribution and the opening. Never store it as it is: `hold` it."""

    public_key: bytes
    number: int
    value: bytes = field(repr=False)


def make_key(officer_public_keys: Sequence[bytes], platform_key: bytes, *, needed: int = 2) -> TenderKey:
    """Make a tender's key pair, split the private half, and forget it.

    `officer_public_keys` are the named officers' own: two at least, each once. `needed` of them, two unless the buyer
    wants more, open the bids together with the platform. `officer_shares[n]` is for `officer_public_keys[n]`.
    """
    officers = tuple(officer_public_keys)
    if not 2 <= needed <= len(officers) <= OFFICERS_AT_MOST:
        raise OfficersRefused(
            f"A tender needs at least two opening officers and at most {OFFICERS_AT_MOST}; {len(officers)} are named "
            f"and {needed} of them should be enough to open."
        )
    if len(set(officers)) != len(officers):
        raise OfficersRefused("Two of the opening officers have the same key: each needs a code of her own.")
    private = X25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw()
    platform_part = secrets.token_bytes(32)
    officers_part = _xor(private.private_bytes_raw(), platform_part)
    shares = []
    for number, (officer, value) in enumerate(
        zip(officers, split(officers_part, len(officers), needed), strict=True), 1
    ):
        header = _SHARE_MAGIC + bytes([number, needed]) + public + officer
        try:
            shares.append(header + _SUITE.encrypt(value, X25519PublicKey.from_public_bytes(officer), info=header))
        except ValueError as error:
            raise OfficersRefused(f"What is stored for opening officer {number} is not a public key.") from error
    platform_share = _lock(platform_key, _PLATFORM_SHARE + public, platform_part)
    return TenderKey(
        public, platform_share, tuple(shares), _commitment(TenderKey(public, platform_share, tuple(shares), ""))
    )


def check_key(key: TenderKey) -> None:
    """Raise :class:`KeyRefused` unless all parts belong together and the commitment is the one that they make."""
    if not key.officer_shares:
        raise KeyRefused("The tender's key record names no opening officers.")
    parts = [_read_share(share) for share in key.officer_shares]
    together = all(part.public_key == key.public_key and part.needed == parts[0].needed for part in parts)
    if not together or not hmac.compare_digest(_commitment(key).encode(), key.commitment.encode()):
        raise KeyRefused("The tender's key record was altered after it was made: it does not fit its commitment.")


def contribute(code: str, officer_share: bytes) -> Share:
    """Open an officer's share with her code. A wrong code is refused and says in which way it is wrong."""
    part = _read_share(officer_share)
    private = _officer_key(code)
    if not hmac.compare_digest(private.public_key().public_bytes_raw(), part.officer):
        raise NotThisOfficer("This is an opening code, but not yours for this tender.")
    try:
        value = _SUITE.decrypt(officer_share[_SHARE_HEADER:], private, info=officer_share[:_SHARE_HEADER])
    except (InvalidTag, ValueError) as error:
        raise KeyRefused(
            "Your share of this tender's key was altered; another officer's may still be whole."
        ) from error
    return Share(part.public_key, part.number, value)


def hold(share: Share, platform_key: bytes) -> bytes:
    """One officer's contribution, encrypted under the platform key, to be kept until enough others have come."""
    return _lock(platform_key, _HELD_SHARE + share.public_key, bytes([share.number]) + share.value)


def unhold(held: bytes, public_key: bytes, platform_key: bytes) -> Share:
    """The contribution to this tender key as it was given; refused when it was altered or belongs to another tender."""
    plain = _unlock(platform_key, _HELD_SHARE + public_key, held)
    return Share(public_key, plain[0], plain[1:])


def reassemble(key: TenderKey, shares: Sequence[Share], platform_key: bytes) -> X25519PrivateKey:
    """The tender's private key, from the platform's share and at least `needed` officers' shares.

    Checked twice: the record against its commitment, the result against the public key that the suppliers sealed to.
    """
    check_key(key)
    if any(share.public_key != key.public_key for share in shares):
        raise KeyRefused("One of the shares belongs to another tender.")
    if len({share.number for share in shares}) != len(shares):
        raise NotEnoughShares("One officer's share was given twice; it counts once.")
    if len(shares) < key.needed:
        raise NotEnoughShares(f"{key.needed} opening officers are needed; {len(shares)} gave their share.")
    platform_part = _unlock(platform_key, _PLATFORM_SHARE + key.public_key, key.platform_share)
    try:
        officers_part = join({share.number: share.value for share in shares})
        private = X25519PrivateKey.from_private_bytes(_xor(platform_part, officers_part))
    except ValueError as error:
        raise KeyRefused("One of the shares is not a share of a key.") from error
    if not hmac.compare_digest(private.public_key().public_bytes_raw(), key.public_key):
        raise KeyRefused("The shares do not make this tender's key: one of them was altered.")
    return private


class _Part(NamedTuple):
    """What stands in clear, and authenticated, in front of an officer's encrypted share."""

    number: int
    needed: int
    public_key: bytes
    officer: bytes


def _read_share(officer_share: bytes) -> _Part:
    start = len(_SHARE_MAGIC)
    if len(officer_share) != _SHARE_HEADER + _OVERHEAD + 32 or officer_share[:start] != _SHARE_MAGIC:
        raise KeyRefused("What is stored as an officer's share is not one.")
    number, needed = officer_share[start : start + 2]
    return _Part(number, needed, officer_share[start + 2 : start + 34], officer_share[start + 34 : start + 66])


def _commitment(key: TenderKey) -> str:
    return hashlib.sha256(b"prelude-tender-key-v1\0" + canonical.encode(key.published())).hexdigest()


def _derive(material: bytes, label: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=label).derive(material)


def _lock(key: bytes, label: bytes, plain: bytes) -> bytes:
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(key).encrypt(nonce, plain, label)


def _unlock(key: bytes, label: bytes, locked: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(locked[:12], locked[12:], label)
    except (InvalidTag, ValueError) as error:
        raise OtherPlatformKey(
            "What the platform keeps of this tender's key does not open: it was altered, moved from another tender, or "
            "the platform's secret is not the one it was made with."
        ) from error


def _xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=True))


# ── Shamir's secret sharing over GF(2^8), x^8 + x^4 + x^3 + x + 1 ─────────────────────────────────────────────────


def split(secret: bytes, among: int, needed: int) -> list[bytes]:
    """Shares number 1 to `among` of `secret`; any `needed` of them make it, fewer are independent of it (Shamir 1979).

    Every byte is the value at 0 of a polynomial of degree `needed - 1` with coefficients of chance; share x is its value
    at x. No branch and no table depends on a secret byte.
    """
    if not 1 <= needed <= among <= 255:
        raise ValueError("among is 1 to 255 and needed is 1 to among")
    coefficients = [secret, *(secrets.token_bytes(len(secret)) for _ in range(needed - 1))]
    shares = []
    for x in range(1, among + 1):
        value = bytes(len(secret))
        for coefficient in reversed(coefficients):
            value = _xor(_scale(value, x), coefficient)
        shares.append(value)
    return shares


def join(shares: dict[int, bytes]) -> bytes:
    """What the polynomial through these shares, by number, is at 0. Too few or wrong ones give chance, not an error."""
    lengths = {len(value) for value in shares.values()}
    if len(lengths) != 1 or not all(1 <= x <= 255 for x in shares):
        raise ValueError("shares are numbered 1 to 255 and equally long")
    secret = bytes(lengths.pop())
    for x, value in shares.items():
        weight = 1
        for other in shares:
            if other != x:
                weight = _times(weight, _times(other, _inverse(other ^ x)))
        secret = _xor(secret, _scale(value, weight))
    return secret


def _scale(value: bytes, by: int) -> bytes:
    return bytes(_times(each, by) for each in value)


def _times(a: int, b: int) -> int:
    """The product in GF(2^8), eight steps whatever the operands are."""
    product = 0
    for _ in range(8):
        product ^= a & -(b & 1)
        a = (a << 1 ^ 0x11B & -(a >> 7)) & 0xFF
        b >>= 1
    return product


def _inverse(a: int) -> int:
    """a^254; shares' numbers only, which are public, and never 0."""
    power = 1
    for _ in range(254):
        power = _times(power, a)
    return power


# ── envelopes ──────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Context:
    """Where an envelope belongs. It is bound into the encryption, so it opens there and nowhere else."""

    tender: str
    lot: str
    supplier: str

    def __post_init__(self) -> None:
        if not (self.tender and self.lot and self.supplier):
            raise ValueError("an envelope's context names a tender, a lot and a supplier")

    def to_bytes(self) -> bytes:
        """The context in canonical JSON, as it is bound into the envelope."""
        return canonical.encode({"lot": self.lot, "supplier": self.supplier, "tender": self.tender})


def seal(public_key: bytes, context: Context, plaintext: bytes) -> bytes:
    """An envelope that only the private half of this tender's key opens, and only in this context.

    Layout: 12 bytes magic and version · 16 bytes of the key's digest · 16 bytes of the context's digest · HPKE's
    encapsulated key (32 bytes) and ciphertext. All before the ciphertext is authenticated. The plaintext is padded to a
    size of :func:`bucket`, so the length says little.
    """
    if len(plaintext) > LONGEST:
        raise TooLong(f"A sealed bid holds at most {(LONGEST + _LENGTH) // 1024 // 1024} MiB.")
    header = MAGIC + _key_mark(public_key) + _context_mark(context)
    framed = len(plaintext).to_bytes(_LENGTH, "big") + plaintext
    padded = framed + bytes(bucket(len(plaintext)) - len(framed))
    try:
        to = X25519PublicKey.from_public_bytes(public_key)
        return header + _SUITE.encrypt(padded, to, info=_envelope_info(header, context))
    except ValueError as error:
        raise KeyRefused("The tender's public key is not a key.") from error


def bucket(length: int) -> int:
    """How many bytes a plaintext of `length` takes inside an envelope, its own length field and padding included.

    4 KiB, then powers of two up to 1 MiB, then steps of an eighth of the power of two below: a bid of words says which
    of nine sizes it has, a bid with drawings how large it is to about a tenth.
    """
    whole = length + _LENGTH
    above = 1 << (whole - 1).bit_length()
    if above <= _COARSE:
        return max(SMALLEST, above)
    step = above // 16
    return -(-whole // step) * step


def open_envelope(private: X25519PrivateKey, context: Context, envelope: bytes) -> bytes:
    """What the supplier wrote. Altered, cut, foreign and misfiled envelopes are refused, each by its own name."""
    if len(envelope) < _HEADER + _OVERHEAD + SMALLEST or envelope[: len(MAGIC)] != MAGIC:
        raise NotAnEnvelope("This is not a sealed bid of a known version, or it is cut short.")
    header = envelope[:_HEADER]
    key_mark, context_mark = header[len(MAGIC) : len(MAGIC) + 16], header[len(MAGIC) + 16 :]
    if key_mark != _key_mark(private.public_key().public_bytes_raw()):
        raise OtherTenderKey("This bid was sealed to another tender's key.")
    if context_mark != _context_mark(context):
        raise MixedUp("This bid was sealed for another tender, lot or supplier than the one it is filed under.")
    try:
        padded = _SUITE.decrypt(envelope[_HEADER:], private, info=_envelope_info(header, context))
    except (InvalidTag, ValueError) as error:
        raise Tampered("This bid was altered after it was sealed.") from error
    length = int.from_bytes(padded[:_LENGTH], "big")
    if len(padded) != bucket(length) or any(padded[_LENGTH + length :]):
        raise NotAnEnvelope("This bid was sealed by a program that does not keep to the format.")
    return padded[_LENGTH : _LENGTH + length]


def _envelope_info(header: bytes, context: Context) -> bytes:
    return b"prelude/bids/envelope/v1\0" + header + context.to_bytes()


def _key_mark(public_key: bytes) -> bytes:
    return hashlib.sha256(b"prelude-tender-public-key-v1\0" + public_key).digest()[:16]


def _context_mark(context: Context) -> bytes:
    return hashlib.sha256(b"prelude-bid-context-v1\0" + context.to_bytes()).digest()[:16]


# ── receipts ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a supplier takes away; digests in hexadecimal. `digest` covers the rest and stands in the log, so neither side
    can change its mind."""

    context: Context
    envelope_sha256: str
    received_at: datetime
    digest: str

    def to_plain(self) -> dict[str, canonical.Plain]:
        """The receipt as plain data for a page, a letter or the API; anybody can recompute the digest from it."""
        return {**_receipt_facts(self.context, self.envelope_sha256, self.received_at), "digest": self.digest}

    @classmethod
    def from_plain(cls, data: Any) -> Receipt:
        """Read :meth:`to_plain` back, for a supplier who asks whether her receipt is good."""
        try:
            made = cls(
                Context(data["tender"], data["lot"], data["supplier"]),
                _hexadecimal(data["envelope_sha256"]),
                datetime.fromisoformat(data["received_at"]),
                _hexadecimal(data["digest"]),
            )
            if made.to_plain() != data:
                raise ValueError
        except (KeyError, TypeError, ValueError) as error:
            raise ReceiptRefused("This is not a receipt of version 1.") from error
        return made


def receipt(envelope: bytes, context: Context, received_at: datetime) -> Receipt:
    """The receipt for these very bytes, received at this moment, filed under this context."""
    envelope_sha256 = hashlib.sha256(envelope).hexdigest()
    return Receipt(context, envelope_sha256, received_at, _receipt_digest(context, envelope_sha256, received_at))


def check_receipt(given: Receipt, envelope: bytes | None = None) -> None:
    """Raise :class:`ReceiptRefused` unless the receipt's digest covers its facts, and `envelope` is what it was for."""
    made = _receipt_digest(given.context, given.envelope_sha256, given.received_at)
    if made != given.digest:
        raise ReceiptRefused("The receipt was altered: its digest does not cover what it says.")
    if envelope is not None and hashlib.sha256(envelope).hexdigest() != given.envelope_sha256:
        raise ReceiptRefused("The receipt is good, but it is for another envelope.")


def _hexadecimal(digest: str) -> str:
    if len(bytes.fromhex(digest)) != 32:
        raise ValueError
    return digest


def _receipt_facts(context: Context, envelope_sha256: str, received_at: datetime) -> dict[str, canonical.Plain]:
    if received_at.tzinfo is None:
        raise ValueError("the moment of receipt needs its zone")
    return {
        "envelope_sha256": envelope_sha256,
        "lot": context.lot,
        "received_at": received_at.astimezone(UTC).isoformat("T", "microseconds")[:26] + "Z",
        "supplier": context.supplier,
        "tender": context.tender,
        "version": 1,
    }


def _receipt_digest(context: Context, envelope_sha256: str, received_at: datetime) -> str:
    facts = _receipt_facts(context, envelope_sha256, received_at)
    return hashlib.sha256(b"prelude-bid-receipt-v1\0" + canonical.encode(facts)).hexdigest()
