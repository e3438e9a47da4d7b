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
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from market import canonical

_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_OVERHEAD = 32 + 16
"""What HPKE adds: the encapsulated key and the tag."""

MAGIC = b"PRELUDE-BID\x01"
"""First twelve bytes of every envelope; the last is the version of the format, which also fixes the suite."""

_HEADER = len(MAGIC) + 16 + 16
_LENGTH = 8

SMALLEST = 4096
LONGEST = 32 * 1024 * 1024 - _LENGTH
"""Plaintexts longer than this are refused: large attachments belong in several envelopes."""

OFFICERS_AT_MOST = 32


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
    """What is stored of a tender's key. Nothing in it is secret from the suppliers' point of view but the platform key.

    `platform_share` is the platform's part under the platform key. `officer_shares[n]` is encrypted to
    `officer_public_keys[n]`. `commitment` is the SHA-256 of everything else: published when the tender is, it fixes who
    can open the bids and how many of them it takes.
    """

    public_key: bytes
    needed: int
    officer_public_keys: tuple[bytes, ...]
    officer_shares: tuple[bytes, ...]
    platform_share: bytes
    commitment: bytes

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

    def to_bytes(self) -> bytes:
        """The whole record in canonical JSON, for one column."""
        return canonical.encode(
            {
                "commitment": self.commitment.hex(),
                "needed": self.needed,
                "officer_public_keys": [key.hex() for key in self.officer_public_keys],
                "officer_shares": [share.hex() for share in self.officer_shares],
                "platform_share": self.platform_share.hex(),
                "public_key": self.public_key.hex(),
                "version": 1,
            }
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> TenderKey:
        """Read :meth:`to_bytes` back and check the commitment; :class:`KeyRefused` when anything was altered."""
        try:
            plain: Any = canonical.decode(data)
            if plain["version"] != 1 or type(plain["needed"]) is not int:
                raise ValueError
            key = cls(
                bytes.fromhex(plain["public_key"]),
                plain["needed"],
                tuple(bytes.fromhex(each) for each in plain["officer_public_keys"]),
                tuple(bytes.fromhex(each) for each in plain["officer_shares"]),
                bytes.fromhex(plain["platform_share"]),
                bytes.fromhex(plain["commitment"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise KeyRefused("The tender's key record cannot be read.") from error
        check_key(key)
        return key


@dataclass(frozen=True, slots=True)
class Share:
    """One officer's share in the open, between her contribution and the opening. Never store it as it is: `hold` it."""

    public_key: bytes
    number: int
    value: bytes = field(repr=False)


def make_key(officer_public_keys: Sequence[bytes], platform_key: bytes, *, needed: int = 2) -> TenderKey:
    """Make a tender's key pair, split the private half, and forget it.

    `officer_public_keys` are the named officers' own, in an order that is kept: two at least, each once. `needed` of
    them, two unless the buyer wants more, open the bids together with the platform.
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
    for number, (officer, value) in enumerate(zip(officers, split(officers_part, len(officers), needed), strict=True), 1):
        try:
            to = X25519PublicKey.from_public_bytes(officer)
            shares.append(_SUITE.encrypt(value, to, info=_share_info(public, number)))
        except ValueError as error:
            raise OfficersRefused(f"What is stored for opening officer {number} is not a public key.") from error
    platform_share = _lock(platform_key, b"prelude/bids/platform-share/v1\0" + public, platform_part)
    made = TenderKey(public, needed, officers, tuple(shares), platform_share, b"")
    return TenderKey(public, needed, officers, tuple(shares), platform_share, _commitment(made))


def check_key(key: TenderKey) -> None:
    """Raise :class:`KeyRefused` unless the commitment is the one that these facts make."""
    if len(key.officer_shares) != len(key.officer_public_keys) or not hmac.compare_digest(
        _commitment(key), key.commitment
    ):
        raise KeyRefused("The tender's key record was altered after it was made: it does not fit its commitment.")


def contribute(code: str, key: TenderKey, officer_public_key: bytes) -> Share:
    """Open this officer's share with her code. A wrong code is refused and says in which way it is wrong."""
    check_key(key)
    private = _officer_key(code)
    if officer_public_key not in key.officer_public_keys:
        raise NotThisOfficer("You are not one of this tender's opening officers.")
    at = key.officer_public_keys.index(officer_public_key)
    if not hmac.compare_digest(private.public_key().public_bytes_raw(), officer_public_key):
        raise NotThisOfficer("This is an opening code, but not yours for this tender.")
    try:
        value = _SUITE.decrypt(key.officer_shares[at], private, info=_share_info(key.public_key, at + 1))
    except (InvalidTag, ValueError) as error:
        raise KeyRefused("Your share of this tender's key was altered; another officer's may still be whole.") from error
    return Share(key.public_key, at + 1, value)


def hold(share: Share, platform_key: bytes) -> bytes:
    """One officer's contribution, encrypted under the platform key, to be kept until enough others have come."""
    label = b"prelude/bids/held-share/v1\0" + share.public_key
    return _lock(platform_key, label, bytes([share.number]) + share.value)


def unhold(held: bytes, key: TenderKey, platform_key: bytes) -> Share:
    """The contribution as it was given; refused when it was altered or belongs to another tender."""
    plain = _unlock(platform_key, b"prelude/bids/held-share/v1\0" + key.public_key, held)
    return Share(key.public_key, plain[0], plain[1:])


def reassemble(key: TenderKey, platform_key: bytes, shares: Sequence[Share]) -> X25519PrivateKey:
    """The tender's private key, from the platform's share and at least `needed` officers' shares.

    Checked twice: the record against its commitment, the result against the public key that the suppliers sealed to.
    """
    check_key(key)
    if any(share.public_key != key.public_key for share in shares):
        raise KeyRefused("One of the shares belongs to another tender.")
    numbers = {share.number for share in shares}
    if len(numbers) != len(shares):
        raise NotEnoughShares("One officer's share was given twice; it counts once.")
    if len(shares) < key.needed:
        raise NotEnoughShares(f"{key.needed} opening officers are needed; {len(shares)} gave their share.")
    platform_part = _unlock(platform_key, b"prelude/bids/platform-share/v1\0" + key.public_key, key.platform_share)
    try:
        officers_part = join({share.number: share.value for share in shares})
        private = X25519PrivateKey.from_private_bytes(_xor(platform_part, officers_part))
    except ValueError as error:
        raise KeyRefused("One of the shares is not a share of a key.") from error
    if not hmac.compare_digest(private.public_key().public_bytes_raw(), key.public_key):
        raise KeyRefused("The shares do not make this tender's key: one of them was altered.")
    return private


def _commitment(key: TenderKey) -> bytes:
    return hashlib.sha256(b"prelude-tender-key-v1\0" + canonical.encode(key.published())).digest()


def _share_info(public_key: bytes, number: int) -> bytes:
    return b"prelude/bids/officer-share/v1\0" + public_key + bytes([number])


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
    power of two of at least 4 KiB, so the length says no more than which of a dozen sizes it has.
    """
    if len(plaintext) > LONGEST:
        raise TooLong(f"A sealed bid holds at most {LONGEST // 1024 // 1024} MiB.")
    header = MAGIC + _key_mark(public_key) + _context_mark(context)
    framed = len(plaintext).to_bytes(_LENGTH, "big") + plaintext
    padded = framed + bytes(bucket(len(plaintext)) - len(framed))
    try:
        to = X25519PublicKey.from_public_bytes(public_key)
        return header + _SUITE.encrypt(padded, to, info=_envelope_info(header, context))
    except ValueError as error:
        raise KeyRefused("The tender's public key is not a key.") from error


def bucket(length: int) -> int:
    """How many bytes a plaintext of `length` takes inside an envelope, its own length field and padding included."""
    return max(SMALLEST, 1 << (length + _LENGTH - 1).bit_length())


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
    """What a supplier takes away. `digest` covers the rest and stands in the log, so neither side can change its mind."""

    context: Context
    envelope_sha256: bytes
    received_at: datetime
    digest: bytes

    def to_plain(self) -> dict[str, canonical.Plain]:
        """The receipt as plain data for a page, a letter or the API; anybody can recompute the digest from it."""
        return {**_receipt_facts(self.context, self.envelope_sha256, self.received_at), "digest": self.digest.hex()}

    @classmethod
    def from_plain(cls, data: Any) -> Receipt:
        """Read :meth:`to_plain` back, for a supplier who asks whether her receipt is good."""
        try:
            made = cls(
                Context(data["tender"], data["lot"], data["supplier"]),
                bytes.fromhex(data["envelope_sha256"]),
                datetime.fromisoformat(data["received_at"]),
                bytes.fromhex(data["digest"]),
            )
            if made.to_plain() != data:
                raise ValueError
        except (KeyError, TypeError, ValueError) as error:
            raise ReceiptRefused("This is not a receipt of version 1.") from error
        return made


def receipt(envelope: bytes, context: Context, received_at: datetime) -> Receipt:
    """The receipt for these very bytes, received at this moment, filed under this context."""
    envelope_sha256 = hashlib.sha256(envelope).digest()
    return Receipt(context, envelope_sha256, received_at, _receipt_digest(context, envelope_sha256, received_at))


def check_receipt(given: Receipt, envelope: bytes | None = None) -> None:
    """Raise :class:`ReceiptRefused` unless the receipt's digest covers its facts, and `envelope` is what it was for."""
    made = _receipt_digest(given.context, given.envelope_sha256, given.received_at)
    if not hmac.compare_digest(made, given.digest):
        raise ReceiptRefused("The receipt was altered: its digest does not cover what it says.")
    if envelope is not None and hashlib.sha256(envelope).digest() != given.envelope_sha256:
        raise ReceiptRefused("The receipt is good, but it is for another envelope.")


def _receipt_facts(context: Context, envelope_sha256: bytes, received_at: datetime) -> dict[str, canonical.Plain]:
    if received_at.tzinfo is None:
        raise ValueError("the moment of receipt needs its zone")
    return {
        "envelope_sha256": envelope_sha256.hex(),
        "lot": context.lot,
        "received_at": received_at.astimezone(UTC).isoformat("T", "microseconds")[:26] + "Z",
        "supplier": context.supplier,
        "tender": context.tender,
        "version": 1,
    }


def _receipt_digest(context: Context, envelope_sha256: bytes, received_at: datetime) -> bytes:
    facts = _receipt_facts(context, envelope_sha256, received_at)
    return hashlib.sha256(b"prelude-bid-receipt-v1\0" + canonical.encode(facts)).digest()
