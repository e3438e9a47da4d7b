"""Reads files of open contracting data one release at a time, however large the file and whatever its wrapping.

A publisher may offer a release package, a record package, a list of packages, a bare release or record, a file with one
document a line, any of these compressed with gzip or zip, or a folder of them. All give the same thing here: a
:class:`Found` for each release or record, with the bytes exactly as they were published, or a :class:`Defect` with a
reason that a person understands. A defect in one release never stops the ones after it. Memory stays constant: one
release at a time is held, and a single one larger than :data:`LARGEST_ITEM` is refused.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal, cast

import msgspec

from market import nesting
from market.portal.intake.faults import not_json, not_ocds, plain, shown
from market.portal.intake.streams import Broken, Cursor, Limited, Readable, Rejoined, TooLarge, TooMuch
from market.wording import _

Kind = Literal["release", "compiled", "record"]
"""`compiled` is a release that sums up all others of its process; `record` holds releases, a compiled one, or both."""

WHOLE = 4 * 1024 * 1024
"""A document of up to this many bytes is taken whole; above it a package is read release by release."""

LARGEST_ITEM = 64 * 1024 * 1024
"""The largest single release that is read. Real ones stay far below 10 MB; more would be an attack on memory."""

DEEPEST = 100
"""How many lists and objects may stand inside one another; real releases have about ten."""

_TRAILING_COMMA = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")|,(?=\s*[}\]])', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Note:
    """Something that was put right or that a reader should know: a stable code, the path in the release, the words."""

    code: str
    path: str
    words: str


@dataclass(frozen=True, slots=True)
class Position:
    """Where in the input: the file (inside an archive after `!`), the path of the item, and its first byte if known."""

    file: str
    item: str = ""
    byte: int | None = None

    def __str__(self) -> str:
        return f"{self.file}, {self.item}" if self.item else self.file


@dataclass(slots=True)
class Package:
    """What a package says of itself. It fills in while a large file is read, since publishers also write it last."""

    uri: str | None = None
    version: str | None = None
    published: str | None = None
    publisher: str | None = None
    license: str | None = None
    next: str | None = None
    extensions: tuple[str, ...] = ()

    def learn(self, key: str, value: Any) -> None:
        """Take one top-level field of the package; a value of the wrong type is passed over."""
        if key in ("uri", "version", "license") and isinstance(value, str):
            setattr(self, key, value)
        elif key == "publishedDate" and isinstance(value, str):
            self.published = value
        elif key == "publisher" and isinstance(value, dict) and isinstance(value.get("name"), str):
            self.publisher = value["name"].strip() or None
        elif key == "links" and isinstance(value, dict) and isinstance(value.get("next"), str):
            self.next = value["next"]
        elif key == "extensions" and isinstance(value, list):
            self.extensions = tuple(each for each in value if isinstance(each, str))


@dataclass(frozen=True, slots=True)
class Found:
    """One release or record. `raw` are the bytes as published, never altered; `data` is what they say."""

    raw: bytes
    kind: Kind
    position: Position
    data: dict[str, Any]
    package: Package = field(default_factory=Package)
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class Defect:
    """Something that could not be read, where, and why, in words for the person who has to mend it."""

    position: Position
    reason: str
    raw: bytes = b""


def published(source: Path | str | bytes | BinaryIO, *, name: str | None = None) -> Iterator[Found | Defect]:
    """Every release and record in a file, a folder, bytes or a binary stream, in order, each as soon as it is read.

    A folder is read in the order of its names, hidden files left out. `name` is how the input is called in positions.
    """
    if isinstance(source, bytes):
        yield from _stream(io.BytesIO(source), name or "input", 0)
        return
    if not isinstance(source, (str, Path)):
        yield from _stream(source, name or str(getattr(source, "name", "input")), 0)
        return
    path = Path(source)
    if path.is_dir():
        for each in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in each.relative_to(path).parts)
            if each.is_file() and not hidden:
                yield from published(each, name=str(each.relative_to(path)))
        return
    try:
        with path.open("rb") as stream:
            yield from _stream(stream, name or path.name, 0)
    except OSError as error:
        yield Defect(
            Position(name or path.name), _("The file cannot be opened: {strerror}.", strerror=error.strerror or error)
        )


NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, nesting.TooDeep)
"""What :func:`decode` raises."""


def decode(text: bytes, kind: Any = Any) -> Any:
    """What JSON in UTF-8 says, as `kind`; text that is not such JSON, or nests deeper than any real release, is refused."""
    nesting.check(text, DEEPEST)
    return msgspec.json.decode(text, type=kind)


def reread(raw: bytes, kind: Kind, position: Position, package: Package) -> Found | Defect:
    """An item that was kept (:attr:`Found.raw`), read again as what it was recognised as."""
    notes: tuple[Note, ...] = ()
    try:
        data = decode(raw)
    except NOT_JSON as error:
        mended, notes = _mend_text(raw)
        try:
            data = decode(mended)
        except NOT_JSON:
            return Defect(position, plain(error), raw)
    if not isinstance(data, dict):
        return Defect(position, _("A release was expected here but {raw} came.", raw=shown(raw)), raw)
    return Found(raw, kind, position, data, package, notes)


def unfold(found: Found) -> Iterator[Found | Defect]:
    """The releases inside a record, or the release itself.

    Embedded releases are preferred, since they carry the history; otherwise the compiled release stands for all of them.
    Of a versioned release alone the latest values are taken. A record that only links to releases elsewhere cannot be
    merged. `raw` of what was inside a record is its JSON written anew; the bytes as published are those of the record.
    """
    if found.kind != "record":
        yield found
        return
    record, outer = found.data, found.position
    ocid = record.get("ocid")
    releases = record.get("releases")
    given = releases if isinstance(releases, list) else [releases] if isinstance(releases, dict) else []
    embedded = [each for each in given if isinstance(each, dict) and not _is_link(each)]
    for number, release in enumerate(embedded):
        where = Position(outer.file, f"{outer.item}.releases[{number}]".lstrip("."), outer.byte)
        yield _inside(found, release, ocid, "compiled" if _is_compiled(release) else "release", where)
    compiled = record.get("compiledRelease")
    if not embedded and isinstance(compiled, dict):
        where = Position(outer.file, f"{outer.item}.compiledRelease".lstrip("."), outer.byte)
        yield _inside(found, compiled, ocid, "compiled", where)
    elif not embedded and isinstance(record.get("versionedRelease"), dict):
        where = Position(outer.file, f"{outer.item}.versionedRelease".lstrip("."), outer.byte)
        latest = _latest(record["versionedRelease"])
        note = Note("record.versioned-only", "versionedRelease", _("The latest value of each field was taken."))
        one = _inside(found, latest, ocid, "compiled", where)
        yield Found(one.raw, one.kind, one.position, one.data, one.package, (*one.notes, note))
    elif not embedded:
        yield Defect(outer, _("The record only links to releases kept elsewhere; it holds none itself."), found.raw)


def _inside(record: Found, release: dict[str, Any], ocid: Any, kind: Kind, where: Position) -> Found:
    notes = record.notes
    if not release.get("ocid") and isinstance(ocid, str) and ocid:
        release["ocid"] = ocid
        notes = (*notes, Note("ocid.from-record", "ocid", _("The ocid was taken from the record around the release.")))
    return Found(msgspec.json.encode(release), kind, where, release, record.package, notes)


def _latest(value: Any) -> Any:
    """A versioned release without its history: each list of versioned values becomes its last value."""
    if isinstance(value, list):
        if value and all(isinstance(each, dict) and "releaseDate" in each and "value" in each for each in value):
            newest = max(value, key=lambda each: str(each.get("releaseDate") or ""))
            return newest["value"]
        return [_latest(each) for each in value]
    if isinstance(value, dict):
        return {key: _latest(each) for key, each in value.items()}
    return value


def _is_link(release: dict[str, Any]) -> bool:
    return "url" in release and not any(key in release for key in ("ocid", "tender", "buyer", "awards", "planning"))


def _is_compiled(release: dict[str, Any]) -> bool:
    tag = release.get("tag")
    return tag == "compiled" or (isinstance(tag, list) and "compiled" in tag)


# ── wrappings ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _stream(stream: Readable, name: str, depth: int) -> Iterator[Found | Defect]:
    start = stream.read(4)
    if start[:2] == b"\x1f\x8b":
        yield from _packed(stream, start, name, depth)
    elif start == b"PK\x03\x04":
        yield from _zipped(stream, start, name, depth)
    elif start == b"PK\x05\x06":
        yield Defect(Position(name), _("The archive is empty: it holds no file."))
    else:
        yield from _Document(Cursor(stream, start), name).items()


def _packed(stream: Readable, start: bytes, name: str, depth: int) -> Iterator[Found | Defect]:
    if depth >= 2:
        yield Defect(Position(name), _("The file is compressed more than twice over; unpack it first."))
        return
    inner = name.removesuffix(".gz")
    unpacked = gzip.GzipFile(fileobj=cast("BinaryIO", Rejoined(start, stream)))
    try:
        yield from _stream(Limited(unpacked), inner, depth + 1)
    except (OSError, EOFError, zlib.error) as error:
        yield Defect(
            Position(name), _("The compressed file is damaged or cut short ({error}); fetch it again.", error=error)
        )
    except TooMuch:
        yield Defect(Position(name), _("The compressed file unpacks to more than 64 GB and was not read further."))


def _zipped(stream: Readable, start: bytes, name: str, depth: int) -> Iterator[Found | Defect]:
    if depth >= 2:
        yield Defect(Position(name), _("The file is compressed more than twice over; unpack it first."))
        return
    seekable = cast("BinaryIO", stream)
    if not (hasattr(stream, "seekable") and seekable.seekable()):
        yield Defect(
            Position(name), _("A zip archive can only be read from a file, since its table stands at the end.")
        )
        return
    seekable.seek(-len(start), io.SEEK_CUR)
    try:
        with zipfile.ZipFile(seekable) as archive:
            members = sorted((each for each in archive.infolist() if not each.is_dir()), key=lambda each: each.filename)
            if not members:
                yield Defect(Position(name), _("The archive is empty: it holds no file."))
            for member in members:
                inner = f"{name}!{member.filename}"
                try:
                    with archive.open(member) as opened:
                        yield from _stream(Limited(opened), inner, depth + 1)
                except (zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError) as error:
                    yield Defect(
                        Position(inner), _("This part of the archive cannot be unpacked ({error}).", error=error)
                    )
                except TooMuch:
                    yield Defect(
                        Position(inner), _("This part of the archive unpacks to more than 64 GB and was left.")
                    )
    except zipfile.BadZipFile as error:
        yield Defect(Position(name), _("The archive is damaged or cut short ({error}); fetch it again.", error=error))


# ── the document ─────────────────────────────────────────────────────────────────────────────────────────────────────


class _Document:
    """One file's text: finds the releases and records in it."""

    def __init__(self, cursor: Cursor, name: str) -> None:
        self._cursor, self._name, self._found = cursor, name, 0

    def items(self) -> Iterator[Found | Defect]:
        cursor = self._cursor
        first = cursor.peek()
        if not first:
            empty = cursor.byte == 0
            yield self._defect(
                _("The file is empty (0 bytes).") if empty else _("The file holds nothing but blank space.")
            )
            return
        if first not in (b"{", b"["):
            yield self._defect(not_json(cursor.excerpt()))
            return
        rest = cursor.rest(WHOLE)
        if rest is not None and _decodes(rest):
            yield from self._whole(rest.strip(), "", Package(), cursor.byte)
            return
        if first == b"{" and (yield from self._lines()):
            return
        number = 0
        while (first := cursor.peek()) != b"":
            if first == b"," and number:
                cursor.take()
                continue
            if first not in (b"{", b"["):
                yield self._defect(
                    _(
                        "After the first document comes something that is not JSON: {cursor}.",
                        cursor=shown(cursor.excerpt()),
                    )
                )
                return
            where = f"document[{number}]" if number else ""
            try:
                yield from self._value(where, Package())
            except Broken as broken:
                yield self._defect(self._broken_off(str(broken)), where)
                return
            number += 1

    def _lines(self) -> Generator[Found | Defect, None, bool]:
        """Read one document a line, if the file is so made; returns whether it was. A bad line spoils only itself."""
        cursor = self._cursor
        seen = cursor.first_line(WHOLE)
        if seen is None or seen[1] != b"{":
            return False
        if not _decodes(seen[0]) and seen[0].rstrip()[-1:] in (b"{", b"[", b":", b","):
            return False
        number = 0
        while True:
            number += 1
            start = cursor.byte
            line = cursor.line(LARGEST_ITEM)
            if line is None:
                yield self._defect(
                    _("A line is larger than 64 MB, more than one release may have; reading stops here.")
                )
                return True
            if not line:
                return True
            if text := line.strip().rstrip(b","):
                yield from self._whole(text, f"line {number}", Package(), start)

    def _value(self, where: str, package: Package) -> Iterator[Found | Defect]:
        """One object or list at the cursor: taken whole when it is small, walked when it is large or not quite JSON."""
        start = self._cursor.byte
        try:
            text = self._cursor.value(WHOLE)
        except (TooLarge, Broken):
            yield from self._walk(where, package)
            return
        yield from self._whole(text, where, package, start)

    def _whole(self, text: bytes, where: str, package: Package, start: int) -> Iterator[Found | Defect]:
        if text[:1] not in (b"{", b"["):
            yield self._defect(_("A release was expected here but {text} came.", text=shown(text)), where, text, start)
            return
        try:
            fields: dict[str, msgspec.Raw] | list[msgspec.Raw]
            fields = decode(text, _FIELDS) if text[:1] == b"{" else decode(text, _ITEMS)
        except NOT_JSON as error:
            yield from self._mended(text, where, package, start, error)
            return
        if isinstance(fields, list):
            if not fields:
                yield self._defect(_("The list is empty: it holds no release."), where)
            for number, each in enumerate(fields):
                yield from self._whole(bytes(each), f"{where}[{number}]", package, start)
            return
        kind = _wrapping(fields)
        if kind is None:
            yield self._item(text, where, package, start)
            return
        for key, value in fields.items():
            if key not in ("releases", "records"):
                package.learn(key, _decoded(bytes(value)))
        if bytes(fields[kind])[:1] != b"[":
            only = bytes(fields[kind])
            if only[:1] == b"{":
                yield self._item(only, _path(where, kind, None), package, start)
            else:
                yield self._defect(_("The package's `{kind}` is not a list.", kind=kind), where, text)
            return
        items = msgspec.json.decode(fields[kind], type=_ITEMS)
        if not items:
            yield self._defect(_("The package is empty: its `{kind}` holds nothing.", kind=kind), where)
        for number, each in enumerate(items):
            yield self._item(bytes(each), _path(where, kind, number), package, start)

    def _mended(
        self, text: bytes, where: str, package: Package, start: int, error: Exception
    ) -> Iterator[Found | Defect]:
        """The document is not quite JSON: walk it with patience, so that only the broken release is lost."""
        inner = _Document(Cursor(io.BytesIO(text)), self._name)
        before = self._found
        try:
            for each in inner._walk(where, package):
                self._found += isinstance(each, Found)
                yield each
        except Broken as broken:
            if self._found == before and not str(broken):
                yield self._defect(plain(error), where, text, start)
            else:
                yield self._defect(self._broken_off(str(broken)), where, text if self._found == before else b"", start)

    def _walk(self, where: str, package: Package) -> Iterator[Found | Defect]:
        """Read a document by its outermost brackets only, forgiving trailing and missing commas between its parts."""
        cursor = self._cursor
        start = cursor.byte
        opening = cursor.peek()
        cursor.take()
        if opening == b"[":
            yield from self._walk_list(where, package, None)
            return
        seen: dict[str, bytes] = {}
        listed = False
        while True:
            first = cursor.peek()
            if first == b"}":
                cursor.take()
                break
            if first == b",":
                cursor.take()
                continue
            if first == b"":
                raise Broken("the file ends in the middle of a value")
            if first != b'"':
                raise Broken(
                    _("a field name in double quotes was expected but {cursor} came", cursor=shown(cursor.excerpt()))
                )
            name = cursor.value(WHOLE)
            key = str(_decoded(name) or name.decode("utf-8", "replace").strip('"'))
            if cursor.peek() != b":":
                raise Broken(
                    _("a colon was expected after “{key}” but {cursor} came", key=key, cursor=shown(cursor.excerpt()))
                )
            cursor.take()
            opener = cursor.peek()
            if key in ("releases", "records") and opener == b"[" and "ocid" not in seen:
                listed = True
                cursor.take()
                yield from self._walk_list(where, package, key)
                continue
            try:
                value = cursor.value(LARGEST_ITEM)
            except TooLarge as error:
                raise Broken(_("the field “{key}” is larger than 64 MB", key=key)) from error
            if listed:
                package.learn(key, _decoded(value))
            else:
                seen[key] = value
                package.learn(key, _decoded(value) if len(value) < 65536 else None)
        if not listed:
            text = b"{" + b",".join(msgspec.json.encode(key) + b":" + value for key, value in seen.items()) + b"}"
            yield self._item(text, where, package, start)

    def _walk_list(self, where: str, package: Package, kind: str | None) -> Iterator[Found | Defect]:
        cursor, number = self._cursor, 0
        while True:
            first = cursor.peek()
            if first == b"]":
                cursor.take()
                break
            if first == b",":
                cursor.take()
                continue
            path = _path(where, kind, number)
            if first == b"":
                raise Broken(_("the file ends before the list is closed, after {number} items", number=number))
            if first not in (b"{", b"["):
                value = cursor.value(WHOLE)
                if not value:
                    raise Broken(_("{cursor} stands where a release was expected", cursor=shown(cursor.excerpt())))
                yield self._defect(
                    _("A release was expected here but the list holds {value}.", value=shown(value)), path, value
                )
            elif kind is None:
                yield from self._value(path, Package())
            else:
                start = cursor.byte
                try:
                    yield self._item(cursor.value(LARGEST_ITEM), path, package, start)
                except TooLarge as error:
                    raise Broken(_("{path} is larger than 64 MB, more than one release may have", path=path)) from error
            number += 1
        if number == 0:
            yield self._defect(_("The list is empty: it holds no release."), where)

    def _item(self, text: bytes, where: str, package: Package, start: int) -> Found | Defect:
        """One release or record from its bytes, forgiving Latin-1 and trailing commas (each with a note)."""
        position = Position(self._name, where, start)
        made = reread(text, "release", position, package)
        if isinstance(made, Defect):
            return made
        data, notes = made.data, made.notes
        kind = _kind(data)
        if kind is None:
            return Defect(position, not_ocds(data), text)
        self._found += 1
        if "packageInfo" in data and isinstance(data["packageInfo"], dict):
            own = Package(package.uri, package.version, package.published, package.publisher, package.license)
            for key, value in data["packageInfo"].items():
                own.learn(key, value)
            package = own
        elif where == "" or where.startswith(("line", "[", "document")):
            package = Package()
            for key in ("uri", "version", "publishedDate", "publisher", "license"):
                if key in data:
                    package.learn(key, data[key])
        return Found(text, kind, position, data, package, notes)

    def _broken_off(self, why: str) -> str:
        after = _(" after {found} releases were read", found=self._found) if self._found else ""
        return _("The file stops being readable{after}: {why}.", after=after, why=why)

    def _defect(self, reason: str, where: str = "", raw: bytes = b"", start: int | None = None) -> Defect:
        return Defect(Position(self._name, where, start), reason, raw)


_FIELDS = dict[str, msgspec.Raw]
_ITEMS = list[msgspec.Raw]


def _wrapping(fields: dict[str, msgspec.Raw]) -> str | None:
    if "records" in fields:
        return "records"
    if "releases" in fields and not {"ocid", "compiledRelease", "versionedRelease"} & fields.keys():
        return "releases"
    return None


def _kind(data: dict[str, Any]) -> Kind | None:
    if "compiledRelease" in data or "versionedRelease" in data or ("releases" in data and "ocid" in data):
        return "record"
    if "ocid" in data or "releaseID" in data:
        return "compiled" if _is_compiled(data) else "release"
    if "tag" in data and any(key in data for key in ("tender", "awards", "contracts", "planning")):
        return "release"
    return None


def _mend_text(text: bytes) -> tuple[bytes, tuple[Note, ...]]:
    notes: list[Note] = []
    try:
        text.decode()
    except UnicodeDecodeError:
        text = text.decode("cp1252", errors="replace").encode()
        notes.append(Note("text.not-utf-8", "", _("The text is not UTF-8; it was read as Windows-1252 (Latin-1).")))
    without = _TRAILING_COMMA.sub(lambda match: match.group(1) or b"", text)
    if without != text:
        notes.append(Note("text.trailing-comma", "", _("A comma before a closing bracket was passed over.")))
    return without, tuple(notes)


def _decodes(text: bytes) -> bool:
    try:
        decode(text, _FIELDS if text[:1] == b"{" else _ITEMS)
    except NOT_JSON:
        return False
    return True


def _decoded(text: bytes) -> Any:
    try:
        return decode(text)
    except NOT_JSON:
        return None


def _path(where: str, kind: str | None, number: int | None) -> str:
    step = kind or ""
    if number is not None:
        step += f"[{number}]"
    return f"{where}.{step}" if where and kind else f"{where}{step}"
