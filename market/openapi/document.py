"""Reading a supplier's document: JSON (RFC 8259) or YAML 1.2 core, with the line of every value, within budgets.

YAML is read from the parser's events, never with a constructor, so a tag can make nothing but a string, a recursive
alias is noticed, nesting costs no stack, and an alias bomb is counted before a single copy is made. Scalars follow the
YAML 1.2 core schema (`no` and `2020-01-01` stay strings), because OpenAPI 3 recommends it and dates must reach the
JSON Schema checks as text.
"""

from __future__ import annotations

import hashlib
import json
import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import Any

import msgspec
import yaml

from market import nesting
from market.openapi import limits

Path = tuple[str | int, ...]


class Unreadable(Exception):
    """The document cannot be checked at all; `code` is stable, `reason` says in plain words why, `line` counts from 1."""

    def __init__(self, code: str, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.code, self.reason, self.line = code, reason, line


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the text itself that did not stop the reading: `kind` is duplicate-key, incompatible-value
    or syntax. Spectral reports all three under the code `parser`."""

    kind: str
    message: str
    path: Path
    line: int
    column: int


@dataclass(slots=True)
class Document:
    """A document as a tree of dict, list and scalars in which no container occurs twice, and where its parts stand."""

    data: Any
    text: str
    syntax: str
    digest: str
    problems: list[Problem] = field(default_factory=list)
    marks: dict[int, Any] | None = None
    """YAML only: id of a container to the (line, column) of its keys or items."""

    def locate(self, path: Path) -> tuple[int, int]:
        """Line and column, both from 1, of the value at `path` or of the closest part that exists."""
        return self.locate_all([path])[path]

    def locate_all(self, paths: Iterable[Path]) -> dict[Path, tuple[int, int]]:
        """The places of many paths in one pass over the text."""
        wanted = set(paths)
        if self.marks is not None:
            return {path: self._mark(path) for path in wanted}
        return _places_in_json(self.text, wanted)

    def _mark(self, path: Path) -> tuple[int, int]:
        place = (1, 1)
        here: Any = self.data
        for step in path:
            marks = (self.marks or {}).get(id(here))
            try:
                here = here[step]
            except (KeyError, IndexError, TypeError):
                break
            if marks is not None:
                place = marks.get(step, place)
        return place


def digest(raw: bytes) -> str:
    """The name of these exact bytes: `sha256:` and 64 hexadecimal digits."""
    return "sha256:" + hashlib.sha256(raw).hexdigest()


def load(raw: bytes) -> Document:
    """Read `raw`. Refused as :class:`Unreadable`: too large, not text, not JSON or YAML, too deep, too many values,
    aliases that multiply, NaN and infinities, several documents in one file."""
    if len(raw) > limits.MAX_BYTES:
        raise Unreadable("too-large", f"The document has {len(raw):,} bytes; at most {limits.MAX_BYTES:,} are read.")
    text = _decoded(raw)
    name = digest(raw)
    stripped = text.lstrip()
    if not stripped:
        raise Unreadable("empty", "The document is empty.")
    if stripped[0] in "{[":
        try:
            data, duplicated = _json(text)
        except json.JSONDecodeError:
            try:
                return _yaml(text, name)
            except Unreadable as also:
                if also.code != "syntax":
                    raise
                raise _malformed(text) from None
        document = Document(data, text, "json", name)
        _measure(data)
        if duplicated:
            document.problems.extend(_json_duplicates(text))
        return document
    return _yaml(text, name)


_MALFORMED = re.compile(r"JSON is malformed: (.+) \(byte (\d+)\)")


def _decoded(raw: bytes) -> str:
    encoding = "utf-8-sig"
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        raise Unreadable("not-text", f"The document is not UTF-8 text (byte {error.start:,} cannot be read).") from None
    if "\x00" in text:
        raise Unreadable("not-text", "The document contains a NUL character: it is not text.")
    return text


def _refuse_constant(name: str) -> Any:
    raise Unreadable("not-a-number", f"{name} is not a JSON value (RFC 8259, section 6).")


def _json(text: str) -> tuple[Any, bool]:
    duplicated = False

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal duplicated
        made = dict(items)
        if len(made) != len(items):
            duplicated = True
        return made

    try:
        nesting.check(text, limits.MAX_DEPTH)
        return json.loads(text, object_pairs_hook=pairs, parse_constant=_refuse_constant), duplicated
    except nesting.TooDeep:
        raise Unreadable("too-deep", f"The document nests deeper than {limits.MAX_DEPTH} levels.") from None
    except json.JSONDecodeError:
        raise
    except ValueError:
        raise Unreadable("number", "A number in the document has thousands of digits.") from None


def _malformed(text: str) -> Unreadable:
    """Why it is not JSON, in the words of a reader that says the same under every version of Python."""
    raw, cause = text.encode(), "it ends in the middle of a value"
    place = len(raw)
    try:
        msgspec.json.decode(raw)
    except msgspec.DecodeError as error:
        found = _MALFORMED.fullmatch(str(error))
        if found is not None:
            cause, place = found.group(1), int(found.group(2))
    return Unreadable("syntax", f"The document starts like JSON but is not: {cause}.", raw.count(b"\n", 0, place) + 1)


def _measure(data: Any) -> None:
    """Depth, count and string budgets for a tree the JSON reader made."""
    nodes = 0
    surrogate = re.compile("[\ud800-\udfff]")
    stack: list[tuple[Any, int]] = [(data, 1)]
    while stack:
        here, depth = stack.pop()
        if depth > limits.MAX_DEPTH:
            raise Unreadable("too-deep", f"The document nests deeper than {limits.MAX_DEPTH} levels.")
        if type(here) is dict:
            values: Any = here.values()
            for key in here:
                if not key.isascii() and surrogate.search(key):
                    raise Unreadable("not-text", "A name in the document contains half a character (lone surrogate).")
        elif type(here) is list:
            values = here
        else:
            values = (here,)
        nodes += len(values)
        if nodes > limits.MAX_NODES:
            raise Unreadable("too-many-values", f"The document has more than {limits.MAX_NODES:,} values.")
        for value in values:
            kind = type(value)
            if kind is str:
                if len(value) > limits.MAX_SCALAR:
                    raise Unreadable("too-long", f"A string has more than {limits.MAX_SCALAR:,} characters.")
                if not value.isascii() and surrogate.search(value):
                    raise Unreadable("not-text", "A string in the document contains half a character (lone surrogate).")
            elif kind is dict or kind is list:
                stack.append((value, depth + 1))


# --- places in JSON text -----------------------------------------------------------------------------------------

_SPACE = re.compile(r"[ \t\n\r]*")
_skip = json.JSONDecoder(strict=False).scan_once  # type: ignore[attr-defined]


def _places_in_json(text: str, paths: set[Path]) -> dict[Path, tuple[int, int]]:
    wanted: dict[Any, Any] = {}
    for path in paths:
        here = wanted
        for step in path:
            here = here.setdefault(step, {})
    offsets: dict[Path, int] = {}
    start = _after_space(text, 0)
    stack: list[tuple[int, dict[Any, Any], Path]] = [(start, wanted, ())]
    while stack:
        at, branch, path = stack.pop()
        if not branch:
            continue
        sign = text[at]
        if sign == "{":
            for key, key_at, value_at in _members(text, at):
                if key in branch:
                    offsets[(*path, key)] = key_at
                    stack.append((value_at, branch[key], (*path, key)))
        elif sign == "[":
            for number, value_at in enumerate(_items(text, at)):
                if number in branch:
                    offsets[(*path, number)] = value_at
                    stack.append((value_at, branch[number], (*path, number)))
    breaks = [match.start() for match in re.finditer("\n", text)]
    places: dict[Path, tuple[int, int]] = {}
    for path in paths:
        known = path
        while known and known not in offsets:
            known = known[:-1]
        offset = offsets.get(known, start)
        line = bisect_right(breaks, offset - 1) if offset else 0
        places[path] = (line + 1, offset - (breaks[line - 1] if line else -1))
    return places


def _after_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _members(text: str, at: int) -> Iterable[tuple[str, int, int]]:
    at = _after_space(text, at + 1)
    while text[at] == '"':
        key, end = scanstring(text, at + 1, False)
        value_at = _after_space(text, _after_space(text, end) + 1)
        yield key, at, value_at
        _, end = _skip(text, value_at)
        at = _after_space(text, end)
        if text[at] != ",":
            return
        at = _after_space(text, at + 1)


def _items(text: str, at: int) -> Iterable[int]:
    at = _after_space(text, at + 1)
    while text[at] != "]":
        yield at
        _, end = _skip(text, at)
        at = _after_space(text, end)
        if text[at] != ",":
            return
        at = _after_space(text, at + 1)


def _json_duplicates(text: str) -> list[Problem]:
    found: list[Problem] = []
    stack: list[tuple[int, Path]] = [(_after_space(text, 0), ())]
    while stack and len(found) < limits.MAX_FINDINGS_PER_RULE:
        at, path = stack.pop()
        if text[at] == "{":
            seen: set[str] = set()
            for key, key_at, value_at in _members(text, at):
                if key in seen:
                    line = text.count("\n", 0, key_at)
                    column = key_at - text.rfind("\n", 0, key_at)
                    where = (*path, key)
                    found.append(Problem("duplicate-key", f"Duplicate key: {key}", where, line + 1, column))
                seen.add(key)
                if text[value_at] in "{[":
                    stack.append((value_at, (*path, key)))
        elif text[at] == "[":
            for number, value_at in enumerate(_items(text, at)):
                if text[value_at] in "{[":
                    stack.append((value_at, (*path, number)))
    return found


# --- YAML ----------------------------------------------------------------------------------------------------------

_NULL = {"", "~", "null", "Null", "NULL"}
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)\Z|\.(nan|NaN|NAN)\Z")
_CORE_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "map", "seq")}
_MAYBE_NUMBER = frozenset("0123456789-+.")


def plain_scalar(text: str) -> Any:
    """The value of an untagged plain YAML scalar by the core schema (YAML 1.2.2, section 10.3.2). Refused: .nan, .inf."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if text[0] not in _MAYBE_NUMBER:
        return text
    if _INT.match(text):
        if len(text) > 400:
            raise Unreadable("number", "A number in the document has hundreds of digits.")
        if text.startswith("0o"):
            return int(text[2:], 8)
        return int(text, 16) if text.startswith("0x") else int(text)
    if _FLOAT.match(text):
        return float(text)
    if _NOT_FINITE.match(text):
        raise Unreadable("not-a-number", f"{text} has no JSON form; write a string or a number.")
    return text


def _key_text(value: Any) -> str:
    if value is True:
        return "true"
    if value is False:
        return "false"
    if value is None:
        return "null"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value)


class _Frame:
    """A mapping or sequence that is being read."""

    __slots__ = ("anchor", "is_map", "key", "marks", "merging", "size", "value")

    def __init__(self, is_map: bool, anchor: str | None) -> None:
        self.is_map = is_map
        self.value: Any = {} if is_map else []
        self.marks: dict[Any, tuple[int, int]] = {}
        self.anchor = anchor
        self.key: Any = _NO_KEY
        self.merging = False
        self.size = 1


class _NoKey:
    pass


_NO_KEY = _NoKey()
_SKIP = _NoKey()


class _Reader:
    """Turns YAML events into a tree. One instance reads one document."""

    def __init__(self, text: str, name: str) -> None:
        self.document = Document(None, text, "yaml", name, marks={})
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.open_anchors: set[str] = set()
        self.stack: list[_Frame] = []
        self.nodes = 0
        self.copied = 0
        self.done = False

    def problem(self, kind: str, message: str, key: Any, line: int, column: int) -> None:
        if len(self.document.problems) < limits.MAX_FINDINGS_PER_RULE:
            steps: list[str | int] = []
            for frame in self.stack:
                if frame.is_map:
                    if isinstance(frame.key, str):
                        steps.append(frame.key)
                else:
                    steps.append(len(frame.value))
            if key is not None:
                steps.append(key)
            self.document.problems.append(Problem(kind, message, tuple(steps), line + 1, column + 1))

    def count(self, more: int = 1) -> None:
        self.nodes += more
        if self.nodes > limits.MAX_NODES:
            raise Unreadable("too-many-values", f"The document has more than {limits.MAX_NODES:,} values.")

    def open(self, is_map: bool, event: Any) -> None:
        mark = event.start_mark
        if len(self.stack) >= limits.MAX_DEPTH:
            reason = f"The document nests deeper than {limits.MAX_DEPTH} levels."
            raise Unreadable("too-deep", reason, mark.line + 1)
        self.count()
        frame = _Frame(is_map, event.anchor)
        if event.anchor is not None:
            self.open_anchors.add(event.anchor)
        if event.tag is not None and event.tag not in _CORE_TAGS and event.tag != "!":
            self.problem("syntax", f"Unknown tag {event.tag}", None, mark.line, mark.column)
        if self.stack:
            self.place(mark)
        self.stack.append(frame)

    def place(self, mark: Any) -> None:
        """Remember where the item that starts now stands (keys are marked when they are read)."""
        parent = self.stack[-1]
        if not parent.is_map:
            parent.marks[len(parent.value)] = (mark.line + 1, mark.column + 1)

    def close(self) -> None:
        frame = self.stack.pop()
        if self.document.marks is not None and frame.marks:
            self.document.marks[id(frame.value)] = frame.marks
        if frame.anchor is not None:
            self.open_anchors.discard(frame.anchor)
            self.anchors[frame.anchor] = (frame.value, frame.size)
        self.add(frame.value, frame.size, None)

    def scalar(self, event: Any) -> None:
        text = event.value
        if len(text) > limits.MAX_SCALAR:
            raise Unreadable("too-long", f"A string has more than {limits.MAX_SCALAR:,} characters.")
        self.count()
        tag = event.tag
        if tag is None or tag == "!":
            value = plain_scalar(text) if event.implicit[0] and tag is None else text
        else:
            value = self.tagged(tag, text, event.start_mark)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1)
        if self.stack:
            self.place(event.start_mark)
        self.add(value, 1, event.start_mark)

    def tagged(self, tag: str, text: str, mark: Any) -> Any:
        if tag not in _CORE_TAGS:
            self.problem("syntax", f"Unknown tag {tag}", None, mark.line, mark.column)
            return text
        if tag.endswith(":str"):
            return text
        value = plain_scalar(text)
        if tag.endswith(":float") and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        return value

    def alias(self, event: Any) -> None:
        mark = event.start_mark
        if event.anchor in self.open_anchors:
            raise Unreadable("alias-loop", f"The alias *{event.anchor} contains itself.", mark.line + 1)
        if event.anchor not in self.anchors:
            raise Unreadable("syntax", f"The alias *{event.anchor} refers to nothing.", mark.line + 1)
        value, size = self.anchors[event.anchor]
        self.copied += size
        self.count(size)
        if self.copied > limits.MAX_ALIAS_NODES:
            reason = f"YAML aliases multiply the document to more than {limits.MAX_ALIAS_NODES:,} copied values."
            raise Unreadable("alias-bomb", reason, mark.line + 1)
        if self.stack:
            self.place(mark)
        self.add(self.copy(value, len(self.stack)), size, mark)

    def copy(self, value: Any, depth: int) -> Any:
        if type(value) is not dict and type(value) is not list:
            return value
        if depth > limits.MAX_DEPTH:
            raise Unreadable("too-deep", f"The document nests deeper than {limits.MAX_DEPTH} levels.")
        made: Any
        if type(value) is dict:
            made = {key: self.copy(each, depth + 1) for key, each in value.items()}
        else:
            made = [self.copy(each, depth + 1) for each in value]
        marks = self.document.marks
        if marks is not None and id(value) in marks:
            marks[id(made)] = marks[id(value)]
        return made

    def add(self, value: Any, size: int, mark: Any) -> None:
        if not self.stack:
            if self.done:
                raise Unreadable("several-documents", "The file holds several YAML documents; lodge one.")
            self.document.data, self.done = value, True
            return
        frame = self.stack[-1]
        frame.size += size
        if not frame.is_map:
            frame.value.append(value)
            return
        if frame.key is _NO_KEY:
            self.begin_key(frame, value, mark)
            return
        key, frame.key = frame.key, _NO_KEY
        if key is _SKIP:
            return
        if frame.merging:
            frame.merging = False
            self.merge(frame, value)
            return
        frame.value.pop(key, None)
        frame.value[key] = value

    def begin_key(self, frame: _Frame, value: Any, mark: Any) -> None:
        if type(value) is dict or type(value) is list:
            frame.key = _SKIP
            self.problem("incompatible-value", "Mapping key must be a string scalar", None, 0, 0)
            return
        text = value if isinstance(value, str) else _key_text(value)
        line, column = (mark.line, mark.column) if mark is not None else (0, 0)
        if not isinstance(value, str):
            kind = {bool: "boolean", type(None): "null"}.get(type(value), "number")
            message = f"Mapping key must be a string scalar rather than {kind}"
            self.problem("incompatible-value", message, text, line, column)
        if text == "<<":
            frame.merging = True
        elif text in frame.marks:
            self.problem("duplicate-key", f"Duplicate key: {text}", text, line, column)
        frame.marks[text] = (line + 1, column + 1)
        frame.key = text

    def merge(self, frame: _Frame, value: Any) -> None:
        """A YAML 1.1 merge key, still common: earlier maps of a list win, later keys of the mapping override."""
        merged: dict[str, Any] = {}
        if type(value) is list:
            for item in reversed(value):
                if type(item) is dict:
                    merged.update(item)
        elif type(value) is dict:
            merged = value
        for key, each in merged.items():
            frame.value.pop(key, None)
            frame.value[key] = each
            frame.marks.setdefault(key, frame.marks.get("<<", (1, 1)))


def _yaml(text: str, name: str) -> Document:
    reader = _Reader(text, name)
    loader = yaml.CSafeLoader(text)
    following = loader.get_event
    try:
        while True:
            event = following()
            kind = type(event)
            if kind is yaml.ScalarEvent:
                reader.scalar(event)
            elif kind is yaml.MappingStartEvent:
                reader.open(True, event)
            elif kind is yaml.SequenceStartEvent:
                reader.open(False, event)
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                reader.close()
            elif kind is yaml.AliasEvent:
                reader.alias(event)
            elif kind is yaml.StreamEndEvent:
                break
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or getattr(error, "reason", None) or "it cannot be read"
        line = mark.line + 1 if mark is not None else None
        raise Unreadable("syntax", f"The document is not YAML: {said}.", line) from None
    except UnicodeError:
        raise Unreadable("not-text", "The document contains half a character (lone surrogate).") from None
    finally:
        loader.dispose()
    if not reader.done:
        raise Unreadable("empty", "The document is empty.")
    return reader.document
