"""The one spelling that bytes, moments and objects have in a signed file: what is spelt otherwise is refused, so that two
files that say the same are the same."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

from market import nesting


def read_object(data: bytes) -> dict[str, Any]:
    """A JSON object, none of whose keys stands twice."""
    found = nesting.read(data.decode(), object_pairs_hook=once)
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON; refused (ValueError) when a key stands twice, since readers differ in which one they take."""
    made = dict(pairs)
    if len(made) != len(pairs):
        raise ValueError("an object names the same key twice")
    return made


def to64(data: bytes) -> str:
    """Base64url without padding (RFC 4648 section 5)."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def from64(text: str) -> bytes:
    """Base64url without padding, and only in the one spelling that stands for these bytes."""
    data = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to64(data) != text:
        raise ValueError("not base64url")
    return data


def stamp(at: datetime) -> str:
    """A moment in UTC with six digits of a second: `2026-11-24T17:00:00.000000Z`."""
    if at.tzinfo is None:
        raise ValueError("a moment needs its zone")
    return at.astimezone(UTC).isoformat("T", "microseconds")[:26] + "Z"


def moment(text: str) -> datetime:
    """The moment that :func:`stamp` spelt so, and no other spelling."""
    at = datetime.fromisoformat(text)
    if stamp(at) != text:
        raise ValueError("not a moment in UTC")
    return at


def text_of(value: object) -> str:
    """The value, which must be text."""
    if not isinstance(value, str):
        raise TypeError("not text")
    return value


def integer(value: object) -> int:
    """The value, which must be a whole number; true and false are none."""
    if type(value) is not int:
        raise TypeError("not a whole number")
    return value
