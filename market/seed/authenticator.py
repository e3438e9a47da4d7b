"""A software passkey: what a browser and an authenticator together answer, as JSON that the real verifiers accept.

It holds one credential. `register` answers navigator.credentials.create() with attestation `none`; `sign` answers
navigator.credentials.get(). Both take a raw challenge or the options JSON of the `webauthn` library. Everything a test
may want to get wrong is a field or an argument: `user_present`, `user_verified`, `cross_origin`, the origin, the rp id.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from webauthn.helpers import base64url_to_bytes as from64
from webauthn.helpers import bytes_to_base64url as to64

ES256, EDDSA, RS256 = -7, -8, -257

PrivateKey = ec.EllipticCurvePrivateKey | Ed25519PrivateKey | rsa.RSAPrivateKey


def new_private_key(algorithm: int) -> PrivateKey:
    """A fresh key for one of the three algorithms."""
    if algorithm == ES256:
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm == EDDSA:
        return Ed25519PrivateKey.generate()
    if algorithm == RS256:
        return rsa.generate_private_key(65537, 2048)
    raise ValueError(algorithm)


def cose_key(private: PrivateKey) -> bytes:
    """The public half as a COSE_Key (RFC 9052, RFC 8230)."""
    if isinstance(private, ec.EllipticCurvePrivateKey):
        point = private.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: ES256, -1: 1, -2: point.x.to_bytes(32, "big"), -3: point.y.to_bytes(32, "big")})
    if isinstance(private, Ed25519PrivateKey):
        return cbor2.dumps({1: 1, 3: EDDSA, -1: 6, -2: private.public_key().public_bytes_raw()})
    numbers = private.public_key().public_numbers()
    modulus = numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")
    return cbor2.dumps({1: 3, 3: RS256, -1: modulus, -2: numbers.e.to_bytes(3, "big")})


@dataclass
class Authenticator:
    """One passkey on one device, used at one origin."""

    origin: str = "https://prelude.example"
    rp_id: str = "prelude.example"
    algorithm: int = ES256
    user_present: bool = True
    user_verified: bool = True
    synced: bool = False
    cross_origin: bool | None = False
    user_handle: bytes | None = None
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    private: PrivateKey | None = None
    count: int = 0

    def __post_init__(self) -> None:
        if self.private is None:
            self.private = new_private_key(self.algorithm)

    @property
    def public_key(self) -> bytes:
        """The COSE_Key bytes a server stores."""
        assert self.private is not None
        return cose_key(self.private)

    def register(self, challenge: bytes | str | dict[str, Any]) -> dict[str, Any]:
        """RegistrationResponseJSON for a raw challenge or for the options' JSON."""
        client = self.client_data("webauthn.create", _challenge(challenge))
        identifier = self.credential_id
        attested = bytes(16) + len(identifier).to_bytes(2, "big") + identifier + self.public_key
        statement = {"fmt": "none", "attStmt": {}, "authData": self.data(0x40) + attested}
        return {
            **self._named(),
            "response": {
                "clientDataJSON": to64(client),
                "attestationObject": to64(cbor2.dumps(statement)),
                "transports": ["internal"],
                "publicKeyAlgorithm": self.algorithm,
            },
        }

    def sign(self, challenge: bytes | str | dict[str, Any], *, client_data: bytes | None = None) -> dict[str, Any]:
        """AuthenticationResponseJSON for a raw challenge or for the options' JSON; counts up as hardware keys do."""
        if not self.synced:
            self.count += 1
        client = client_data or self.client_data("webauthn.get", _challenge(challenge))
        data = self.data(0)
        signature = self.raw_signature(data + hashlib.sha256(client).digest())
        response = {"clientDataJSON": to64(client), "authenticatorData": to64(data), "signature": to64(signature)}
        if self.user_handle is not None:
            response["userHandle"] = to64(self.user_handle)
        return {**self._named(), "response": response}

    def data(self, flags: int) -> bytes:
        """The first 37 bytes of authenticator data: rp id hash, flags, counter."""
        flags |= self.user_present * 0x01 | self.user_verified * 0x04 | self.synced * 0x18
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")

    def client_data(self, kind: str, challenge: bytes) -> bytes:
        """The bytes a browser makes; `cross_origin` None leaves the field out, as older browsers do."""
        facts: dict[str, Any] = {"type": kind, "challenge": to64(challenge), "origin": self.origin}
        if self.cross_origin is not None:
            facts["crossOrigin"] = self.cross_origin
        return json.dumps(facts, separators=(",", ":")).encode()

    def raw_signature(self, data: bytes) -> bytes:
        """The key's signature over `data`, with this credential's algorithm."""
        if isinstance(self.private, ec.EllipticCurvePrivateKey):
            return self.private.sign(data, ec.ECDSA(hashes.SHA256()))
        if isinstance(self.private, Ed25519PrivateKey):
            return self.private.sign(data)
        assert isinstance(self.private, rsa.RSAPrivateKey)
        return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())

    def _named(self) -> dict[str, Any]:
        name = to64(self.credential_id)
        return {
            "id": name,
            "rawId": name,
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
        }


def _challenge(given: bytes | str | dict[str, Any]) -> bytes:
    if isinstance(given, bytes):
        return given
    options = json.loads(given) if isinstance(given, str) else given
    return from64(options.get("publicKey", options)["challenge"])
