"""Keys for one purpose each, made of the platform's secret."""

from __future__ import annotations

from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from market.settings import settings


def derived(label: str) -> bytes:
    """32 raw bytes derived from the platform's secret (HKDF-SHA-256, RFC 5869), under a label of their own: whoever learns one learns
    nothing of another, nor of the secret."""
    return _derived(settings().secret, label)


@cache
def _derived(secret: str, label: str) -> bytes:
    return HKDF(hashes.SHA256(), 32, salt=None, info=label.encode()).derive(secret.encode())
