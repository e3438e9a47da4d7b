"""Keys as authenticators write them (COSE, RFC 9052), and the three kinds of signature that are taken."""

from __future__ import annotations

import io
from typing import Any

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from market.proof.spelling import integer

ALGORITHMS = {-7: "ES256", -8: "EdDSA", -257: "RS256"}
"""COSE algorithm numbers that are taken, and what they are called (IANA COSE registry)."""


def first_item(data: bytes) -> tuple[Any, int]:
    """The first CBOR item in `data` and how many bytes it took."""
    stream = io.BytesIO(data)
    return cbor2.load(stream), stream.tell()


def algorithm_of(cose: bytes) -> int:
    """The algorithm a key is for."""
    return public_key(cose)[0]


def public_key(cose: bytes) -> tuple[int, ec.EllipticCurvePublicKey | Ed25519PublicKey | rsa.RSAPublicKey]:
    """A COSE_Key (RFC 9052, RFC 8230) of one of the three kinds taken; anything else is a ValueError."""
    fields, used = first_item(cose)
    if used != len(cose):
        raise ValueError("bytes follow the key")
    algorithm = integer(fields[3])
    match algorithm, fields[1], fields.get(-1):
        case -7, 2, 1:
            x, y = fields[-2], fields[-3]
            if len(x) != 32 or len(y) != 32:
                raise ValueError("not a point of P-256")
            return algorithm, ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
        case -8, 1, 6:
            return algorithm, Ed25519PublicKey.from_public_bytes(fields[-2])
        case -257, 3, bytes(modulus):
            numbers = rsa.RSAPublicNumbers(int.from_bytes(fields[-2], "big"), int.from_bytes(modulus, "big"))
            if numbers.n.bit_length() < 2048:
                raise ValueError("an RSA key shorter than 2048 bits")
            return algorithm, numbers.public_key()
    raise ValueError("a key of a kind that is not taken")


def signed_by(cose: bytes, signature: bytes, data: bytes) -> bool:
    """Whether the key made this signature over these bytes."""
    _, key = public_key(cose)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
        elif isinstance(key, Ed25519PublicKey):
            key.verify(signature, data)
        else:
            key.verify(signature, data, padding.PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True
