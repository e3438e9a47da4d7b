"""A minister's signature with a passkey, in a form a stranger can check years later without this product's servers.

WebAuthn (Level 3) signs `authenticatorData || SHA-256(clientDataJSON)`, and clientDataJSON carries a challenge. Here the
challenge is the digest of a *statement*, the statement carries the digest of the *document*, so the device's signature
covers the very bytes of the document, who signed them in which office, when, and for what purpose:

    document   canonical JSON (RFC 8785)
    statement  canonical JSON {document_sha256, nonce, purpose, signed_at, signer, version}
    challenge  SHA-256("prelude-signature-v1" NUL statement)

A *bundle* is one JSON file with all of it and the evidence of how the key was registered. Checking one needs SHA-256, a
CBOR reader and the three signature algorithms (ES256, EdDSA with Ed25519, RS256) and nothing else: no network, no
database, no clock.

What a good bundle proves: the holder of this key, verified by her device, answered for these bytes at this origin. It
does not prove what her screen showed, nor by itself that the key is hers or when she signed; for these a reader compares
the key's fingerprint with the published register of keys and the entry in the public log with a head kept elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import cbor2

from market import nesting
from market.proof import canonical
from market.proof.cose import ALGORITHMS, algorithm_of, first_item, signed_by
from market.proof.spelling import from64, integer, moment, once, read_object, stamp, text_of, to64

DOMAIN = b"prelude-signature-v1\0"
FORMAT = "prelude-signed-document"
LARGEST_FILE = 4 * 1024 * 1024

POLICY: dict[str, canonical.Plain] = {
    "algorithms": sorted(ALGORITHMS, reverse=True),
    "cross_origin": False,
    "user_presence": True,
    "user_verification": True,
    "version": 1,
}
"""The policy under which signatures of version 1 are made. A bundle names it; one that names a laxer one is refused."""

_PRESENT, _VERIFIED, _BACKUP_ELIGIBLE, _BACKED_UP, _ATTESTED, _EXTENSIONS = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80


class NotVerified(Exception):
    """The signature does not hold. `report` says of every check whether it passed."""

    def __init__(self, report: Report) -> None:
        super().__init__(" ".join(check.sentence for check in report.checks if not check.passed))
        self.report = report


class NotABundle(Exception):
    """The file is not a signed document of a version known here."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs, in which office. It stands inside the statement, so the signature covers it.

    `since` and `until` are the dates of office as they stood when the statement was made; None means still in office.
    """

    person: str
    name: str
    office: str
    organisation: str
    since: datetime
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Key:
    """A passkey's public half with the evidence of its registration.

    `attestation_object` and `client_data_json` are the browser's bytes, `challenge` what it was asked to answer, and
    `bound_by` says in words how the person was tied to the key. `revoked_at` is None while it is good.
    """

    credential_id: bytes
    public_key: bytes
    registered_at: datetime
    attestation_object: bytes
    client_data_json: bytes
    challenge: bytes
    bound_by: str
    revoked_at: datetime | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the COSE key in hexadecimal: what the published register of keys lists."""
        return hashlib.sha256(self.public_key).hexdigest()


@dataclass(frozen=True, slots=True)
class Bundle:
    """Everything a stranger needs to check one signature. Binary parts are the authenticator's and browser's own bytes."""

    document: bytes
    statement: bytes
    client_data_json: bytes
    authenticator_data: bytes
    signature: bytes
    algorithm: int
    key: Key
    rp_id: str
    origins: tuple[str, ...]
    user_handle: bytes | None = None
    log_entry: str | None = None
    policy: Mapping[str, canonical.Plain] | None = None

    @property
    def signed_policy(self) -> Mapping[str, canonical.Plain]:
        """The policy the bundle was made under; of this version where it names none."""
        return POLICY if self.policy is None else self.policy

    def digest(self) -> str:
        """SHA-256 of the bundle without its log entry: what the log's event carries, so that each can name the other."""
        return hashlib.sha256(canonical.encode({**self._plain(), "log_entry": None})).hexdigest()

    def to_text(self) -> str:
        """The file: one JSON object in canonical form; documents as text, binary parts in base64url without padding."""
        return canonical.encode(self._plain()).decode()

    def with_log_entry(self, event_hash: str) -> Bundle:
        """The same bundle, naming the hash of the log event that recorded it."""
        return Bundle(**{**{name: getattr(self, name) for name in self.__slots__}, "log_entry": event_hash})

    def _plain(self) -> dict[str, canonical.Plain]:
        key = self.key
        return {
            "algorithm": self.algorithm,
            "authenticator_data": to64(self.authenticator_data),
            "client_data_json": to64(self.client_data_json),
            "document": self.document.decode(),
            "format": FORMAT,
            "key": {
                "attestation_object": to64(key.attestation_object),
                "bound_by": key.bound_by,
                "challenge": to64(key.challenge),
                "client_data_json": to64(key.client_data_json),
                "credential_id": to64(key.credential_id),
                "public_key": to64(key.public_key),
                "registered_at": stamp(key.registered_at),
                "revoked_at": None if key.revoked_at is None else stamp(key.revoked_at),
            },
            "log_entry": self.log_entry,
            "origins": list(self.origins),
            "policy": dict(self.signed_policy),
            "rp_id": self.rp_id,
            "signature": to64(self.signature),
            "statement": self.statement.decode(),
            "user_handle": None if self.user_handle is None else to64(self.user_handle),
            "version": 1,
        }

    @classmethod
    def from_text(cls, text: str | bytes) -> Bundle:
        """Read a bundle's file; :class:`NotABundle` says what is wrong with one that is not."""
        try:
            plain = nesting.read(text, object_pairs_hook=once)
            if plain["format"] != FORMAT or plain["version"] != 1:
                raise NotABundle(f"This is {plain['format']} version {plain['version']}, not {FORMAT} version 1.")
            key = plain["key"]
            return cls(
                document=plain["document"].encode(),
                statement=plain["statement"].encode(),
                client_data_json=from64(plain["client_data_json"]),
                authenticator_data=from64(plain["authenticator_data"]),
                signature=from64(plain["signature"]),
                algorithm=integer(plain["algorithm"]),
                key=Key(
                    credential_id=from64(key["credential_id"]),
                    public_key=from64(key["public_key"]),
                    registered_at=moment(key["registered_at"]),
                    attestation_object=from64(key["attestation_object"]),
                    client_data_json=from64(key["client_data_json"]),
                    challenge=from64(key["challenge"]),
                    bound_by=text_of(key["bound_by"]),
                    revoked_at=None if key["revoked_at"] is None else moment(key["revoked_at"]),
                ),
                rp_id=text_of(plain["rp_id"]),
                origins=tuple(text_of(origin) for origin in plain["origins"]),
                user_handle=None if plain["user_handle"] is None else from64(plain["user_handle"]),
                log_entry=None if plain["log_entry"] is None else text_of(plain["log_entry"]),
                policy=dict(plain["policy"]),
            )
        except NotABundle:
            raise
        except KeyError as error:
            raise NotABundle(f"The file is not a signed document: it has no {error}.") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise NotABundle("The file is not a signed document.") from error


class _Unread(Exception):
    """A check needs a fact of a statement that could not be read."""


class Check(NamedTuple):
    """One thing that was looked at, in one sentence."""

    name: str
    passed: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Verified:
    """What a signature that holds says. `document` is the decoded document; `purpose` is what it was signed for."""

    document: Any
    document_sha256: str
    purpose: str
    signer: Signer
    signed_at: datetime
    algorithm: str
    key_fingerprint: str
    origin: str
    synced: bool
    log_entry: str | None


@dataclass(frozen=True, slots=True)
class Report:
    """Every check in the order it was made, and what holds when all passed."""

    checks: tuple[Check, ...]
    verified: Verified | None

    @property
    def holds(self) -> bool:
        """Whether every check passed."""
        return self.verified is not None

    def failed(self) -> tuple[str, ...]:
        """The names of the checks that did not pass."""
        return tuple(check.name for check in self.checks if not check.passed)


LIMITS = (
    "Whether the key is the signer's: compare its fingerprint with the published register of keys.",
    "When it was signed: the time is the signer's own; the entry in the public log fixes it from the other side.",
    "What the signer's screen showed while she signed.",
)
"""What no bundle proves by itself, for every page and print of a report."""


# ── making one ─────────────────────────────────────────────────────────────────────────────────────────────────────


def statement(
    document: bytes, signer: Signer, signed_at: datetime, nonce: bytes, *, purpose: str = "waiver.sign"
) -> bytes:
    """The canonical statement about `document` that the challenge is made of.

    The document must itself be canonical JSON; the nonce at least 16 bytes of chance, never used twice. `purpose` keeps a
    signature given for one thing from being shown for another.
    """
    canonical.decode(document)
    if len(nonce) < 16:
        raise ValueError("a statement's nonce is at least 16 bytes")
    return canonical.encode(
        {
            "document_sha256": hashlib.sha256(document).hexdigest(),
            "nonce": nonce.hex(),
            "purpose": purpose,
            "signed_at": stamp(signed_at),
            "signer": {
                "name": signer.name,
                "office": signer.office,
                "organisation": signer.organisation,
                "person": signer.person,
                "since": stamp(signer.since),
                "until": None if signer.until is None else stamp(signer.until),
            },
            "version": 1,
        }
    )


def challenge(statement: bytes) -> bytes:
    """The 32 bytes the browser is asked to have signed."""
    return hashlib.sha256(DOMAIN + statement).digest()


def bundle(
    document: bytes, statement: bytes, response: Mapping[str, Any], key: Key, rp_id: str, origins: Sequence[str]
) -> Bundle:
    """The bundle from the browser's answer (`credential.toJSON()` of WebAuthn Level 3). Not yet checked: `verify` it."""
    try:
        parts = response["response"]
        if from64(response["rawId"]) != key.credential_id:
            raise NotABundle("The signature was made with another passkey than the one that was asked.")
        handle = parts.get("userHandle")
        public, _ = first_item(key.public_key)
        return Bundle(
            document=document,
            statement=statement,
            client_data_json=from64(parts["clientDataJSON"]),
            authenticator_data=from64(parts["authenticatorData"]),
            signature=from64(parts["signature"]),
            algorithm=integer(public[3]),
            key=key,
            rp_id=rp_id,
            origins=tuple(origins),
            user_handle=from64(handle) if handle else None,
        )
    except NotABundle:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NotABundle("The browser's answer is not a WebAuthn assertion.") from error


# ── checking one ───────────────────────────────────────────────────────────────────────────────────────────────────


def verify(given: Bundle, *, fingerprint: str | None = None, origin: str | None = None) -> Verified:
    """What the signature says, or :class:`NotVerified` with every reason. See :func:`examine` for the two arguments."""
    report = examine(given, fingerprint=fingerprint, origin=origin)
    if report.verified is None:
        raise NotVerified(report)
    return report.verified


def verify_file(path: Path, *, fingerprint: str | None = None, origin: str | None = None) -> Report:
    """Check a downloaded bundle offline. A file that is not a bundle is a report with one failed check, not an error."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise NotABundle("The file is far larger than a signed document.")
        given = Bundle.from_text(path.read_bytes())
    except (NotABundle, OSError) as error:
        sentence = str(error) if isinstance(error, NotABundle) else f"The file cannot be read: {error.strerror}."
        return Report((Check("file", False, sentence),), None)
    return examine(given, fingerprint=fingerprint, origin=origin)


def examine(given: Bundle, *, fingerprint: str | None = None, origin: str | None = None) -> Report:
    """Make every check and say of each, in one sentence, what was found. Never raises, whatever the bundle holds.

    A bundle vouches for itself only: one made from start to end by a forger is consistent. A reader who knows the
    signer's key (`fingerprint`, from the register) or the product's address (`origin`) gives them, and they must match.
    """
    # Every check is made even after one has failed, so that a reader sees all that is wrong at once; and each may meet
    # bytes that a forger chose, so whatever looking at them raises means "does not hold", never a crash. Facts pass from
    # one check to the next in `said` and `client`, and what was not read there makes the later ones fail, not pass.
    checks: list[Check] = []

    def check(name: str, look: Callable[[], bool], good: str, bad: str) -> bool:
        try:
            passed = bool(look())
        except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
            passed = False
        except cbor2.CBORError:
            passed = False
        except _Unread:
            passed, bad = False, f"The check “{name}” could not be made, because the statement cannot be read."
        checks.append(Check(name, passed, good if passed else bad))
        return passed

    said: dict[str, Any] = {}
    client: dict[str, Any] = {}
    data = given.authenticator_data

    def stated(fact: str) -> Any:
        if fact not in said:
            raise _Unread
        return said[fact]

    def document_is_canonical() -> bool:
        said["document"] = canonical.decode(given.document)
        return True

    def statement_is_one() -> bool:
        facts = canonical.decode(given.statement)
        if set(facts) != {"document_sha256", "nonce", "purpose", "signed_at", "signer", "version"}:
            return False
        who = facts["signer"]
        if set(who) != {"name", "office", "organisation", "person", "since", "until"} or facts["version"] != 1:
            return False
        until = None if who["until"] is None else moment(who["until"])
        said["signer"] = Signer(
            text_of(who["person"]),
            text_of(who["name"]),
            text_of(who["office"]),
            text_of(who["organisation"]),
            moment(who["since"]),
            until,
        )
        said["signed_at"], said["purpose"] = moment(facts["signed_at"]), text_of(facts["purpose"])
        said["document_sha256"] = text_of(facts["document_sha256"])
        return len(bytes.fromhex(facts["nonce"])) >= 16

    # From the inside out: the document is what the statement says, the statement is what the browser was asked to have
    # signed, the browser's words are what the device signed. One link missing, and a good signature stands for other bytes.
    check("format", document_is_canonical, "The document is canonical JSON.", "The document is not canonical JSON.")
    check("statement", statement_is_one, "The statement is complete.", "The statement is not one of version 1.")
    check(
        "document",
        lambda: hashlib.sha256(given.document).hexdigest() == stated("document_sha256"),
        "The document is the one the statement speaks of, byte for byte.",
        "The document was altered: its digest is not the one in the statement.",
    )
    check(
        "policy",
        lambda: canonical.encode(dict(given.signed_policy)) == canonical.encode(POLICY),
        "It was signed under the known policy: the person present and verified, not from inside another site.",
        "It was signed under a policy that is not known here.",
    )

    def client_data_is_read() -> bool:
        client.update(read_object(given.client_data_json))
        return bool(client["type"] == "webauthn.get")

    check(
        "ceremony",
        client_data_is_read,
        "The browser made a signature (webauthn.get), not a registration.",
        "The browser's data is not that of a signature.",
    )
    check(
        "challenge",
        lambda: from64(client["challenge"]) == challenge(given.statement),
        "The browser was asked to sign exactly this statement.",
        "The browser was asked to sign something else: the statement was altered or belongs to another signature.",
    )
    check(
        "origin",
        lambda: client["origin"] in given.origins and _belongs(client["origin"], given.rp_id),
        f"It was signed at {client.get('origin')}, an address of {given.rp_id}.",
        f"It was signed at {client.get('origin')}, which is not an accepted address of {given.rp_id}.",
    )
    # `topOrigin` is set by browsers of Level 3 alone, and only inside another site, so its mere presence refuses; older
    # ones leave both members out, which is no sign of anything.
    check(
        "same-site",
        lambda: client.get("crossOrigin", False) is False and "topOrigin" not in client,
        "The page was not shown inside another site.",
        "The page was shown inside another site.",
    )
    check(
        "relying-party",
        lambda: data[:32] == hashlib.sha256(given.rp_id.encode()).digest() and _assertion_is_whole(data),
        f"The device signed for {given.rp_id}.",
        f"The device did not sign for {given.rp_id}.",
    )
    check(
        "presence",
        lambda: bool(data[32] & _PRESENT),
        "The device says that a person was present.",
        "The device does not say that a person was present.",
    )
    check(
        "verification",
        lambda: bool(data[32] & _VERIFIED),
        "The device says that it verified the person (finger, face or PIN).",
        "The device does not say that it verified the person.",
    )
    # A key says which algorithm it is for, and the signature is checked by that. The bundle's number has to agree, and is
    # never what decides: else whoever writes the file would choose how its bytes are read.
    check(
        "algorithm",
        lambda: given.algorithm in ALGORITHMS and algorithm_of(given.key.public_key) == given.algorithm,
        f"The algorithm is {ALGORITHMS.get(given.algorithm)}, and the key is one for it.",
        f"The algorithm {given.algorithm} is not accepted, or the key is not one for it.",
    )
    check(
        "signature",
        lambda: signed_by(
            given.key.public_key, given.signature, data + hashlib.sha256(given.client_data_json).digest()
        ),
        "The signature was made with this key over exactly these data.",
        "The signature was not made with this key over these data.",
    )
    check(
        "registration",
        lambda: _registered(given),
        "The evidence of registration is about this key and was given at the same site; the maker's attestation in it "
        "is kept but not judged.",
        "The evidence of registration is not about this key at this site.",
    )
    # Both dates are the bundle's own words. They show that a true bundle was made in order; against a false one stand the
    # register of keys and the log, which is why :data:`LIMITS` is printed under every report.
    check(
        "key-in-force",
        lambda: (
            given.key.registered_at <= stated("signed_at")
            and (given.key.revoked_at is None or stated("signed_at") < given.key.revoked_at)
        ),
        "The key was registered before the signature and not revoked by then.",
        "The key was not in force when the signature says it was made.",
    )

    def in_office() -> bool:
        who, at = stated("signer"), stated("signed_at")
        return bool(who.since <= at and (who.until is None or at < who.until))

    check(
        "office",
        in_office,
        "The signer held the office on that day, as the signed statement says.",
        "The signer did not hold the office on that day, by the statement's own dates.",
    )
    if fingerprint is not None:
        check(
            "known-key",
            lambda: fingerprint.replace(":", "").lower() == given.key.fingerprint,
            "The key is the one you gave the fingerprint of.",
            f"The key is not the one you gave the fingerprint of; its own is {given.key.fingerprint}.",
        )
    if origin is not None:
        check(
            "known-origin",
            lambda: client["origin"] == origin.rstrip("/"),
            "It was signed at the address you gave.",
            f"It was signed at {client.get('origin')}, not at the address you gave.",
        )
    if not all(each.passed for each in checks):
        return Report(tuple(checks), None)
    verified = Verified(
        document=said["document"],
        document_sha256=said["document_sha256"],
        purpose=said["purpose"],
        signer=said["signer"],
        signed_at=said["signed_at"],
        algorithm=ALGORITHMS[given.algorithm],
        key_fingerprint=given.key.fingerprint,
        origin=client["origin"],
        synced=bool(data[32] & _BACKED_UP),
        log_entry=given.log_entry,
    )
    return Report(tuple(checks), verified)


def _assertion_is_whole(data: bytes) -> bool:
    """An assertion's authenticator data is 37 bytes, and extensions in CBOR when its flag says so (Level 3, 6.1)."""
    flags = data[32]
    if flags & _ATTESTED or (flags & _BACKED_UP and not flags & _BACKUP_ELIGIBLE):
        return False
    if flags & _EXTENSIONS:
        extensions, used = first_item(data[37:])
        return isinstance(extensions, dict) and used == len(data) - 37
    return len(data) == 37


def _registered(given: Bundle) -> bool:
    """Whether the registration's own bytes name the same site, person verified, credential and public key."""
    key = given.key
    client = read_object(key.client_data_json)
    if client["type"] != "webauthn.create" or from64(client["challenge"]) != key.challenge or len(key.challenge) < 16:
        return False
    if client["origin"] not in given.origins or client.get("crossOrigin", False) is not False:
        return False
    attestation, used = first_item(key.attestation_object)
    data = attestation["authData"]
    if used != len(key.attestation_object) or data[:32] != hashlib.sha256(given.rp_id.encode()).digest():
        return False
    if data[32] & (_PRESENT | _VERIFIED | _ATTESTED) != _PRESENT | _VERIFIED | _ATTESTED:
        return False
    length = int.from_bytes(data[53:55], "big")
    credential_id, rest = data[55 : 55 + length], data[55 + length :]
    _, used = first_item(rest)
    return bool(credential_id == key.credential_id and rest[:used] == key.public_key)


def _belongs(origin: str, rp_id: str) -> bool:
    """Whether a page at `origin` may use `rp_id`: the same host or one below it, over TLS or on this machine."""
    parts = urlsplit(origin)
    host = parts.hostname or ""
    secure = parts.scheme == "https" or (
        parts.scheme == "http" and (host == "localhost" or host.endswith(".localhost"))
    )
    return bool(rp_id) and secure and (host == rp_id or host.endswith("." + rp_id))
