"""Reads the table (CSV) that a portal without open contracting data offers for download, row by row, into releases.

Which column means what is data: `fixtures/reference/portal-tables.yaml`. What comes out is the same :class:`Found` that
:mod:`~market.portal.intake.reading` gives, so that everything after it — mending, merging, matching — is shared. `raw` holds
the row as it was, each cell under its heading; a cell that says nothing intelligible is left out and noted.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec
import yaml

from market.portal.intake.reading import Defect, Found, Note, Package, Position
from market.portal.intake.spellings import moment, number
from market.wording import _

TABLES = Path(__file__).resolve().parents[3] / "fixtures" / "reference" / "portal-tables.yaml"

LARGEST_CELL = 4 * 1024 * 1024
"""The most characters one cell may have; a missing closing quote would otherwise swallow the rest of the file."""

_NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "ten": 10}
_DURATION = re.compile(r"(\d+|one|two|three|four|five|six|ten)\s*(day|week|month)s?", re.IGNORECASE)
_DAYS = {"day": 1, "week": 7, "month": 30}


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"kind": "as"}):
    """Where the value of one path comes from; exactly one of column, template and constant is given."""

    column: str | None = None
    template: str | None = None
    constant: str | None = None
    kind: Literal["text", "date", "amount", "whole", "boolean", "list"] = "text"
    codes: dict[str, str] | None = None
    after: str | None = None
    when: str | None = None

    def __post_init__(self) -> None:
        given = [each for each in (self.column, self.template, self.constant) if each is not None]
        if len(given) != 1:
            raise ValueError("a field comes from one of column, template and constant")


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of table: how to recognise it, and the path in the release that each field fills."""

    title: str
    headings: tuple[str, ...]
    fields: dict[str, Field]


@cache
def tables() -> dict[str, Table]:
    """Every kind of table that is understood, by its name. A mistake in the file is refused with its place."""
    return msgspec.convert(yaml.safe_load(TABLES.read_text()), dict[str, Table])


def recognise(headings: list[str]) -> str | None:
    """The kind of table that has these headings; the one that asks for most of them when several fit."""
    present = {_plain(each) for each in headings}
    fitting = [
        (len(table.headings), name)
        for name, table in tables().items()
        if {_plain(each) for each in table.headings} <= present
    ]
    return max(fitting)[1] if fitting else None


def recognise_file(path: Path) -> str | None:
    """The kind of table a file holds, by its first line; None when no mapping fits or it cannot be opened."""
    try:
        with path.open("rb") as stream:
            start = stream.readline(65536)
    except OSError:
        return None
    line = start.decode("utf-8-sig" if _is_utf8(start) else "cp1252", errors="replace")
    return recognise(next(csv.reader([line], delimiter=max(",;\t", key=line.count)), []))


def reread_row(raw: bytes, position: Position, package: Package) -> Found | Defect:
    """A row that was kept (:attr:`Found.raw`), read again by the mapping its package names, as it is now."""
    table = next((each for each in tables().values() if each.title == package.publisher), None)
    if table is None:
        return Defect(
            position, _("There is no column mapping called “{publisher}” any more.", publisher=package.publisher), raw
        )
    data, notes = _release(msgspec.json.decode(raw, type=dict[str, str]), table)
    if "ocid" not in data:
        return Defect(position, _("The row has no reference of its own, so it cannot be told from others."), raw)
    return Found(raw, "release", position, data, package, tuple(notes))


def read_table(
    source: Path | str | bytes | BinaryIO, *, kind: str | None = None, name: str | None = None
) -> Iterator[Found | Defect]:
    """Each row as a release. `kind` names the mapping; without it the headings decide.

    UTF-8 (with or without a mark) and Windows-1252 are read, and commas, semicolons or tabs between cells.
    """
    if isinstance(source, (str, Path)):
        path = Path(source)
        try:
            with path.open("rb") as stream:
                yield from _rows(stream, kind, name or path.name)
        except OSError as error:
            yield Defect(
                Position(name or path.name),
                _("The file cannot be opened: {strerror}.", strerror=error.strerror or error),
            )
        return
    yield from _rows(io.BytesIO(source) if isinstance(source, bytes) else source, kind, name or "table")


def _rows(stream: BinaryIO, kind: str | None, name: str) -> Iterator[Found | Defect]:
    start = stream.read(65536)
    if not start.strip():
        yield Defect(Position(name), _("The table is empty."))
        return
    encoding = "utf-8-sig" if _is_utf8(start) else "cp1252"
    text = codecs.iterdecode(chain([start], iter(lambda: stream.read(65536), b"")), encoding, errors="replace")
    lines = _lines(text)
    first = next(lines)
    delimiter = max(",;\t", key=first.count)
    csv.field_size_limit(LARGEST_CELL)
    rows = csv.reader(chain([first], lines), delimiter=delimiter)
    headings = [_plain(each) for each in next(rows)]
    chosen = kind or recognise(headings)
    if chosen is None or chosen not in tables():
        known = "; ".join(f"{key}: {', '.join(table.headings)}" for key, table in tables().items())
        yield Defect(
            Position(name),
            _("No column mapping fits this table's headings. Those that are known — {known}.", known=known),
        )
        return
    table = tables()[chosen]
    missing = [each for each in table.headings if _plain(each) not in headings]
    if missing:
        yield Defect(
            Position(name), _("The table has no column {missing}.", missing=", ".join(f"“{each}”" for each in missing))
        )
        return
    package = Package(version="1.1", publisher=table.title)
    line = 1
    while True:
        line += 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            yield Defect(
                Position(name, f"row {line}"),
                _("The row cannot be read ({error}); a closing quote may be missing.", error=error),
            )
            continue
        if not any(each.strip() for each in cells):
            continue
        row = dict(zip(headings, (each.strip() for each in cells), strict=False))
        raw = msgspec.json.encode(row)
        where = Position(name, f"row {line}")
        if len(cells) > len(headings):
            yield Defect(
                where,
                _("The row has {cells} cells under {headings} headings.", cells=len(cells), headings=len(headings)),
                raw,
            )
            continue
        data, notes = _release(row, table)
        if "ocid" not in data:
            yield Defect(where, _("The row has no reference of its own, so it cannot be told from others."), raw)
            continue
        yield Found(raw, "release", where, data, package, tuple(notes))


def _release(row: dict[str, str], table: Table) -> tuple[dict[str, Any], list[Note]]:
    data: dict[str, Any] = {"initiationType": "tender"}
    notes: list[Note] = []
    for path, one in table.fields.items():
        if one.when is not None and not row.get(_plain(one.when)):
            continue
        value = _cell(row, one, path, notes)
        if value is not None:
            _place(data, path.split("."), value)
    return _squeezed(data), notes


def _cell(row: dict[str, str], one: Field, path: str, notes: list[Note]) -> Any:
    if one.constant is not None:
        return one.constant
    if one.template is not None:
        names = re.findall(r"\{([^}]*)\}", one.template)
        if not all(row.get(_plain(each)) for each in names):
            return None
        return re.sub(r"\{([^}]*)\}", lambda found: row[_plain(found.group(1))], one.template)
    text = row.get(_plain(one.column or ""), "")
    if not text:
        return None
    if one.after is not None:
        return _later(text, row.get(_plain(one.after), ""), path, notes)
    if one.codes is not None:
        code = one.codes.get(text.casefold())
        if code is None:
            notes.append(
                Note(
                    "table.code-unknown",
                    path,
                    _("“{text}” has no code in the mapping and was left out.", text=text[:40]),
                )
            )
            return None
        return [code] if one.kind == "list" else code
    return _typed(text, one, path, notes)


def _typed(text: str, one: Field, path: str, notes: list[Note]) -> Any:
    if one.kind == "text":
        return text
    if one.kind == "list":
        return [each.strip() for each in re.split(r"[;|,]", text) if each.strip()]
    if one.kind == "date":
        made, _told = moment(text)
        if made is None:
            notes.append(Note("date.invalid", path, _("“{text}” is not a date and was left out.", text=text[:40])))
        return made
    if one.kind == "boolean":
        said = {"yes": True, "true": True, "y": True, "1": True, "no": False, "false": False, "n": False, "0": False}
        return said.get(text.casefold())
    value = number(text)
    if value is None:
        notes.append(Note("number.unreadable", path, _("“{text}” is not a number and was left out.", text=text[:40])))
    return int(value) if value is not None and one.kind == "whole" else value


def _later(text: str, start: str, path: str, notes: list[Note]) -> str | None:
    made, _told = moment(start)
    length = _DURATION.search(text)
    if made is None or length is None:
        notes.append(
            Note("date.invalid", path, _("“{text}” is not a length of time and was left out.", text=text[:40]))
        )
        return None
    many = length.group(1).casefold()
    days = (_NUMBERS.get(many) or int(many)) * _DAYS[length.group(2).casefold()]
    try:
        return (datetime.fromisoformat(made) + timedelta(days=days)).isoformat().replace("+00:00", "Z")
    except OverflowError:
        return None


def _place(data: dict[str, Any], steps: list[str], value: Any) -> None:
    """Put a value at a path; a list is kept as an object of its places until :func:`_squeezed`."""
    for step in steps[:-1]:
        data = data.setdefault(step, {})
    data[steps[-1]] = value


def _squeezed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {key: _squeezed(each) for key, each in value.items()}
    if inner and all(key.isdigit() for key in inner):
        return [inner[key] for key in sorted(inner, key=int)]
    return inner


def _plain(heading: str) -> str:
    return " ".join(heading.replace("\ufeff", "").casefold().split())


def _is_utf8(start: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return False
    return True


def _lines(texts: Iterator[str]) -> Iterator[str]:
    rest = ""
    for text in texts:
        *whole, rest = (rest + text).splitlines(keepends=True) or [""]
        if rest.endswith("\n"):
            whole.append(rest)
            rest = ""
        yield from whole
    if rest:
        yield rest
