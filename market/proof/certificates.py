"""Certificates: a signed statement that a document passed a profile, which anyone can verify offline.

The statement is canonical JSON (RFC 8785), signed with Ed25519 (RFC 8032) over a fixed prefix and the canonical bytes,
so a signature made for anything else never verifies here. The file carries statement, key name and signature; the
public key is published, and its name is the digest of the key, so no other key can take its place. The same envelope
signs a run record that was made offline, for APIs whose description may not leave a building.

Key material is passed in; nothing here reads a file or knows where keys are kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from market.proof import canonical

CERTIFICATE = "prelude-api-certificate-v1"
RESULT = "prelude-api-result-v1"
LARGEST = 4_000_000
"""Bytes of a file that verification will read."""


class Outcome(StrEnum):
    """The four answers."""

    PASS = "pass"  # noqa: S105 -- a pass, not a password
    PASS_WITH_WAIVERS = "pass-with-waivers"  # noqa: S105 -- the same
    FAIL = "fail"
    COULD_NOT_CHECK = "could-not-check"

    @property
    def passed(self) -> bool:
        """Whether a certificate may be issued on it."""
        return self in (Outcome.PASS, Outcome.PASS_WITH_WAIVERS)

    @property
    def exit_code(self) -> int:
        """What the command answers to a script: 0 passed, 1 failed, 2 could not check."""
        return 0 if self.passed else 1 if self is Outcome.FAIL else 2

    @property
    def words(self) -> str:
        """As a page says it."""
        return _WORDS[self]


_WORDS = {
    Outcome.PASS: "Pass",
    Outcome.PASS_WITH_WAIVERS: "Pass with waivers",
    Outcome.FAIL: "Fail",
    Outcome.COULD_NOT_CHECK: "Could not check",
}


class NotValid(Exception):
    """The file proves nothing; the reason is in plain words."""


class Certificate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is certified: this document (by digest) of this service passed this profile version on this day.

    Dates are ISO 8601 in UTC. `waivers` are the references of waivers the pass depends on. `valid_until` is when it
    lapses unless renewed; a certificate says nothing about a document with another digest.
    """

    number: str
    service: str
    service_title: str
    supplier: str
    document: str
    api_version: str
    profile: str
    profile_version: str
    profile_digest: str
    outcome: str
    waivers: list[str]
    run_started_at: str
    run_finished_at: str
    engine: str
    issued_at: str
    valid_until: str
    issuer: str

    def in_force(self, at: datetime) -> bool:
        """Whether it holds at a moment (aware)."""
        return moment(self.issued_at) <= at <= moment(self.valid_until)


class Verified(msgspec.Struct, frozen=True):
    """What verification established: the kind, the statement, and the key that signed it."""

    kind: str
    statement: dict[str, Any]
    key: str

    @property
    def certificate(self) -> Certificate:
        """The statement as a certificate. Refused (NotValid) when it is a result."""
        if self.kind != CERTIFICATE:
            raise NotValid("This is a signed result, not a certificate.")
        try:
            return msgspec.convert(self.statement, Certificate)
        except msgspec.ValidationError as error:
            raise NotValid(f"The statement is not a certificate: {error}.") from None


def moment(text: str) -> datetime:
    """An ISO 8601 moment; aware, UTC when it says nothing."""
    read = datetime.fromisoformat(text)
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)


def key_name(public: bytes) -> str:
    """The name of a public key: the first 32 hexadecimal digits of its SHA-256."""
    return "ed25519:" + hashlib.sha256(public).hexdigest()[:32]


def public_bytes(private: bytes) -> bytes:
    """The 32 raw bytes of the public key that belongs to 32 raw private bytes."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def sign(kind: str, statement: dict[str, Any], private: bytes) -> bytes:
    """The signed file of a statement."""
    key = Ed25519PrivateKey.from_private_bytes(private)
    body = canonical.encode(statement)
    signature = key.sign(_covered(kind, body))
    envelope: dict[str, canonical.Plain] = {
        "format": kind,
        "key": key_name(key.public_key().public_bytes_raw()),
        "signature": base64.b64encode(signature).decode(),
        "statement": statement,
    }
    return canonical.encode(envelope)


def _covered(kind: str, body: bytes) -> bytes:
    return kind.encode() + b"\0" + body


def verify(data: bytes, keys: Mapping[str, bytes]) -> Verified:
    """Verify a signed file with published keys (name to 32 raw bytes). Raises :class:`NotValid` with the reason.

    Needs neither network nor clock: whether a certificate is still in force is :meth:`Certificate.in_force`.
    """
    if len(data) > LARGEST:
        raise NotValid("The file is too large to be a certificate.")
    try:
        envelope = canonical.decode(data.strip())
    except canonical.NotCanonical:
        raise NotValid("The file is not canonical JSON; it may have been edited or reformatted.") from None
    if not isinstance(envelope, dict) or set(envelope) != {"format", "key", "signature", "statement"}:
        raise NotValid("The file is not a certificate or a signed result.")
    kind, name, statement = envelope["format"], envelope["key"], envelope["statement"]
    if kind not in (CERTIFICATE, RESULT) or not isinstance(statement, dict) or not isinstance(name, str):
        raise NotValid("The file is of a kind or version that is not known here.")
    public = keys.get(name)
    if public is None:
        raise NotValid(f"The key {name} is not among the published keys.")
    if key_name(public) != name:
        raise NotValid("The published key does not have the name the file gives it.")
    try:
        signature = base64.b64decode(str(envelope["signature"]), validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _covered(kind, canonical.encode(statement)))
    except (InvalidSignature, ValueError, binascii.Error):
        raise NotValid("The signature does not match: the statement was changed after it was signed.") from None
    return Verified(kind, statement, name)


def outcome_of(verified: Verified) -> Outcome:
    """The outcome a certificate or a signed result states."""
    try:
        return Outcome(str(verified.statement.get("outcome")))
    except ValueError:
        raise NotValid("The statement names no outcome.") from None
