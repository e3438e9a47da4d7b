"""The key that signs certificates, and the public one that everybody may verify them with."""

from __future__ import annotations

from market.derivation import derived
from market.proof import certificates as signed


def private_key() -> bytes:
    """The 32 raw bytes of the key that signs certificates."""
    return derived("prelude/standards/certificate/v1")


def public_keys() -> dict[str, bytes]:
    """The published keys by name: what verifies every certificate this site issued."""
    public = signed.public_bytes(private_key())
    return {signed.key_name(public): public}
