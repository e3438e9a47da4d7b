"""From a draft to its row and back. What is saved, what a form shows and what a change was written from all follow from
the fields of one struct: a field that is added to it and to its table is kept, shown and guarded everywhere at once."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

import msgspec
from piccolo.table import Table

from market.refusals import Refusal, Refused
from market.settings import settings

T = TypeVar("T", bound=msgspec.Struct)

NOTHING = "new"
"""The version of what was never stored: the first who writes it must not overwrite another first."""


class Overtaken(Refused):
    """Somebody saved the same thing meanwhile: nothing of what came now is kept, and nothing of either is lost. `stored` is
    what the record says now, as a form shows it; `version` is what a change that knows it names; `by` and `at` tell who
    saved it and when, empty and None where the log does not know."""

    def __init__(self, reason: Refusal, stored: Mapping[str, Any], version: str, by: str, at: datetime | None) -> None:
        super().__init__(reason)
        self.stored, self.version, self.by, self.at = dict(stored), version, by, at


def facts(given: msgspec.Struct, /, **computed: Any) -> dict[str, Any]:
    """The columns of a new row: every field of the draft, and what was computed for some of them or beside them."""
    return {**msgspec.structs.asdict(given), **computed}


def part(kind: type[T], given: msgspec.Struct) -> T:
    """The fields of a wider draft that make up this one."""
    return kind(**{name: getattr(given, name) for name in _names(kind)})


def write(given: msgspec.Struct, /, *rows: Table, **computed: Any) -> None:
    """Write every field of the draft to the row that has its column, with what was computed for some of them or beside
    them; nothing is saved yet. Raises TypeError for a field that no row has: it would be lost."""
    for name, value in facts(given, **computed).items():
        setattr(_owner(name, type(given), rows), name, value)


async def keep(given: msgspec.Struct, /, *rows: Table, **computed: Any) -> None:
    """Write the draft to the rows and save exactly the columns that were written, of a new row all."""
    write(given, *rows, **computed)
    names = facts(given, **computed)
    for row in rows:
        if columns := [row._meta.get_column_by_name(name) for name in names if _owner(name, type(given), rows) is row]:
            await row.save(columns)


def stored(kind: type[msgspec.Struct], /, *rows: Table, **shown: Any) -> dict[str, Any]:
    """What the rows hold in the fields of `kind`, for a form or a view: `shown` says what stands for a column that people
    name otherwise (a mission's reference for its number), or may not read."""
    return {name: shown[name] if name in shown else getattr(_owner(name, kind, rows), name) for name in _names(kind)}


def version(kind: type[msgspec.Struct], *rows: Table | None) -> str:
    """What a change of these fields is written from: a keyed digest of which rows they are and what their columns hold now. It
    changes when they do and not when something else of the record does, so two people at two sections are not in each other's way."""
    there = [row for row in rows if row is not None and row._exists_in_db]
    if len(there) < len(rows):
        return NOTHING
    # Of these rows alone: who may not read all of another's values could otherwise save guesses in rows of her own and compare.
    which = [(row._meta.tablename, getattr(row, row._meta.primary_key._meta.name)) for row in there]
    return version_of(kind.__name__, [which, {name: getattr(_owner(name, kind, there), name) for name in _names(kind)}])


def version_read(kind: type[msgspec.Struct], table: type[Table], read: Any) -> str:
    """The same of one row that was read into a struct with its `id` and every field of `kind` under the column's name."""
    values = {name: getattr(read, name) for name in _names(kind)}
    return version_of(kind.__name__, [[(table._meta.tablename, read.id)], values])


def version_of(kind: str, values: Any) -> str:
    """The version of plain values that one change writes together, such as the marks of one evaluator."""
    said = kind.encode() + b"\n" + msgspec.json.encode(values, order="sorted")
    # Keyed, because a version is shown to people who may not read all of the values and could try them out.
    return hmac.new(b"prelude/drafts/v1" + settings().secret.encode(), said, hashlib.sha256).hexdigest()[:20]


def _names(kind: type[msgspec.Struct]) -> tuple[str, ...]:
    return kind.__struct_fields__


def _owner(name: str, kind: type[msgspec.Struct], rows: tuple[Table, ...] | list[Table]) -> Table:
    for row in rows:
        if any(column._meta.name == name for column in row._meta.columns):
            return row
    raise TypeError(f"{kind.__name__}.{name} has no column in {', '.join(type(row).__name__ for row in rows)}")
