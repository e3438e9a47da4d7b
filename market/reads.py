"""Reading: plain SQL in, frozen structs out.

    class Seat(msgspec.Struct, frozen=True):
        person: str
        locked_at: datetime | None

    seats = await rows(Seat, "SELECT p.ref AS person, s.locked_at FROM seat s JOIN person p … WHERE s.panel = {}", panel)

The columns of the query are the fields of the struct, by name and in any order: a query that answers others is refused at its
first row. A struct stands beside its table, or beside the one function that asks for it. `{}` stands for each argument, `{{`
and `}}` for braces. A plain type instead of a struct takes the first column: `rows(str, "SELECT ref …")`.

Piccolo's objects are for writing: making one costs more than the statement that reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, TypeVar

import msgspec

from market import db
from market.refusals import NotFound

T = TypeVar("T")

_checked = False
"""Whether each row is held to the types of its struct: see :func:`check_types`."""


def check_types(on: bool = True) -> None:
    """Hold every row to the declared types, NULL included. For tests: annotations promise what only the database keeps, and
    asking each value again would cost a reader more than reading it."""
    global _checked
    _checked = on


async def rows(kind: type[T], sql: str, *arguments: Any) -> list[T]:
    """All rows of the query, each as a `kind`."""
    found = await db.fetched(sql, *arguments)
    if not found:
        return []
    make = _maker(kind, tuple(found[0].keys()))  # type: ignore[arg-type]  # a class is hashable
    answers = [make(record) for record in found]
    return _held_to(kind, answers) if _checked else answers


async def row(kind: type[T], sql: str, *arguments: Any) -> T | None:
    """The first row, None where there is none."""
    found = await rows(kind, sql, *arguments)
    return found[0] if found else None


async def the(kind: type[T], sql: str, *arguments: Any) -> T:
    """The first row, or :class:`~market.refusals.NotFound` (404) where there is none."""
    found = await rows(kind, sql, *arguments)
    if not found:
        raise NotFound(kind.__name__)
    return found[0]


@lru_cache(maxsize=2048)
def _maker(kind: type[Any], columns: tuple[str, ...]) -> Callable[[Sequence[Any]], Any]:
    """How a record with these columns becomes a `kind`. Reckoned once: handing over by position is several times faster than
    by name, and is right because the names are compared here."""
    if not issubclass(kind, msgspec.Struct):
        return itemgetter(0)
    fields = kind.__struct_fields__
    if missing := set(fields) ^ set(columns):
        raise TypeError(
            f"{kind.__name__} and its query differ in {', '.join(sorted(missing))}: name every field once in the SELECT"
        )
    if fields == columns:
        return lambda record: kind(*record)
    places = itemgetter(*(columns.index(name) for name in fields))
    return lambda record: kind(*places(record))


def _held_to(kind: type[T], answers: list[T]) -> list[T]:
    """The same rows; raises `msgspec.ValidationError` for a value that the struct's annotations do not allow."""
    if issubclass(kind, msgspec.Struct):
        for answer in answers:
            for field in msgspec.structs.fields(kind):
                _one_of(f"{kind.__name__}.{field.name}", getattr(answer, field.name), field.type)
    else:
        for answer in answers:
            _one_of(kind.__name__, answer, kind)
    return answers


def _one_of(name: str, value: Any, declared: Any) -> None:
    try:
        msgspec.convert(value, declared, strict=True)
    except msgspec.ValidationError as reason:
        raise TypeError(f"{name} is declared {declared} and the database says {value!r}: {reason}") from None
