"""Shapes that every endpoint shares."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

SIGNED_IN = [{"token": list[str]()}]
"""For the OpenAPI document: a bearer token is needed."""


class Items(msgspec.Struct, Generic[T]):
    """A page of a list. `next` is the address of the next page, None on the last."""

    items: list[T]
    next: str | None = None
