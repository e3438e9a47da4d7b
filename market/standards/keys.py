"""The key that signs certificates, and the public one that everybody may verify them with."""

from __future__ import annotations

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from market.proof import certificates as signed
from market.settings import settings


def derived(label: str) -> bytes:
    """32 raw bytes derived from the platform's secret, under a label of their own."""
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=label.encode()).derive(settings().secret.encode())


def private_key() -> bytes:
    """The 32 raw bytes of the key that signs certificates."""
    return derived("prelude/standards/certificate/v1")


def public_keys() -> dict[str, bytes]:
    """The published keys by name: what verifies every certificate this site issued."""
    public = signed.public_bytes(private_key())
    return {signed.key_name(public): public}
