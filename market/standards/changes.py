"""What changed between two versions of an API's description, in plain words, and whether it breaks those who call it.

A change is judged from the caller's side. What callers send may only be asked less strictly; what they receive may only
be promised more strictly. `breaking` changes make a conforming caller fail; `attention` changes may surprise one;
`compatible` changes cannot. Semantic Versioning 2.0.0, item 8, asks for a new major version when a change breaks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from market.nesting import TooDeep
from market.openapi.document import Path, Unreadable, load
from market.openapi.graph import pointer_steps
from market.openapi.limits import Deadline, OutOfTime, run_seconds
from market.standards.outcome import Finding
from market.standards.profiles import Profile
from market.wording import _, either, together

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
LEVELS = ("breaking", "attention", "compatible")
MOST = 2_000
"""Changes listed; more are not looked for."""
DEEPEST = 500
"""Schemas that stand within one another, also by reference; the words of a change name every one on the way to it."""

_Pair = tuple[str, Any, Any, Path, Path, str]


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: a stable code, how it touches callers, what changed in words, and where (in the new document, or
    in the old one for what was removed)."""

    code: str
    level: str
    words: str
    path: Path

    @property
    def breaking(self) -> bool:
        """Whether a caller that conformed to the old description may fail against the new."""
        return self.level == "breaking"


@dataclass(frozen=True, slots=True)
class Comparison:
    """All changes between two documents, their versions, and why nothing could be compared where that is so."""

    changes: tuple[Change, ...]
    old_version: str
    new_version: str
    reason: str = ""

    @property
    def breaking(self) -> list[Change]:
        """The changes that break callers."""
        return [change for change in self.changes if change.breaking]

    @property
    def new_major(self) -> bool:
        """Whether the new version announces a break: a higher major version, or both below 1.0.0 with a higher minor
        (Semantic Versioning, item 4: anything may change below 1.0.0)."""
        old, new = _numbers(self.old_version), _numbers(self.new_version)
        if old[0] == 0 and new[0] == 0:
            return new[:2] > old[:2]
        return new[0] > old[0]


def _numbers(version: str) -> tuple[int, int, int]:
    match = re.match(r"\D{0,3}(\d{1,9})(?:\.(\d{1,9}))?(?:\.(\d{1,9}))?", version)
    if match is None:
        return 0, 0, 0
    return int(match.group(1)), int(match.group(2) or 0), int(match.group(3) or 0)


def compare_files(old: bytes, new: bytes) -> Comparison:
    """Compare two documents as they were lodged. What cannot be read is a reason, never an exception."""
    try:
        before, after = load(old).data, load(new).data
    except Unreadable as error:
        return Comparison((), "", "", error.reason)
    return compare(before, after, run_seconds(len(old) + len(new)))


def compare(old: Any, new: Any, seconds: float = 5.0) -> Comparison:
    """Compare two documents as data."""
    if type(old) is not dict or type(new) is not dict:
        return Comparison((), "", "", _("One of the two is not an OpenAPI document."))
    walk = _Comparer(old, new, Deadline(seconds, "the comparison"))
    reason = ""
    try:
        walk.documents()
    except OutOfTime:
        reason = _("The comparison did not finish in its time.")
    except TooDeep:
        reason = _("The documents nest too deep to be compared.")
    order = {level: number for number, level in enumerate(LEVELS)}
    changes = sorted(walk.changes.values(), key=lambda each: (order[each.level], [str(step) for step in each.path]))
    return Comparison(tuple(changes), _version(old), _version(new), reason)


def findings(comparison: Comparison, against: Profile) -> list[Finding]:
    """The findings of a change under a profile: each breaking change without a new major version, where the profile has
    a rule about changes."""
    cards = against.of_kind("change")
    if not cards or comparison.new_major:
        return []
    card = cards[0]
    return [
        Finding(
            rule=card.rule,
            tier=card.tier,
            severity="error",
            path=list(change.path),
            message=change.words,
            detail=_(
                "{words} (version {old_version} to {new_version})",
                words=change.words,
                old_version=comparison.old_version,
                new_version=comparison.new_version,
            ),
            title=card.title,
            why=card.why,
            source=card.source,
            source_url=card.source_url,
            mend=card.mend,
        )
        for change in comparison.breaking
    ]


def _version(data: dict[str, Any]) -> str:
    info = data.get("info")
    return str(info.get("version", "")) if type(info) is dict else ""


class _Side:
    """One document and its references."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def follow(self, value: Any, path: Path) -> tuple[Any, Path]:
        """A value with its reference followed, and where it stands."""
        for _turn in range(20):
            if type(value) is not dict or type(value.get("$ref")) is not str:
                return value, path
            pointer = value["$ref"]
            if not pointer.startswith("#/"):
                return {}, path
            here: Any = self.data
            steps: list[Any] = []
            for step in pointer_steps(pointer):
                if type(here) is dict and step in here:
                    here = here[step]
                    steps.append(step)
                elif type(here) is list and step.isdigit() and len(step) < 6 and int(step) < len(here):
                    here = here[int(step)]
                    steps.append(int(step))
                else:
                    return {}, path
            value, path = here, tuple(steps)
        return {}, path


def _objects(value: Any) -> dict[str, Any]:
    return value if type(value) is dict else {}


def _items(value: Any) -> list[Any]:
    return value if type(value) is list else []


class _Comparer:
    def __init__(self, old: dict[str, Any], new: dict[str, Any], deadline: Deadline) -> None:
        self.old, self.new = _Side(old), _Side(new)
        self.deadline = deadline
        self.changes: dict[tuple[str, Path, str], Change] = {}
        self.compared: set[tuple[int, int, str]] = set()
        self.within: list[_Pair] = []

    def say(self, code: str, level: str, words: str, path: Path) -> None:
        self.deadline.tick()
        if len(self.changes) < MOST:
            self.changes.setdefault((code, path, words), Change(code, level, words, path))

    # --- paths and operations ---

    def documents(self) -> None:
        old, new = self.routes(self.old), self.routes(self.new)
        for shape, (path, item, where) in old.items():
            if shape not in new:
                self.say("path-removed", "breaking", _("The path {path} was removed", path=path), where)
                continue
            self.path_items(path, item, new[shape][1], where, new[shape][2])
        for shape, (path, _item, where) in new.items():
            if shape not in old:
                self.say("path-added", "compatible", _("The path {path} was added", path=path), where)
        self.schemes()
        before = [_objects(each).get("url") for each in _items(self.old.data.get("servers"))]
        after = [_objects(each).get("url") for each in _items(self.new.data.get("servers"))]
        for url in before:
            if url not in after:
                self.say(
                    "server-removed",
                    "attention",
                    _("The server {url} is no longer named", url=str(url)[:200]),
                    ("servers",),
                )

    def routes(self, side: _Side) -> dict[str, tuple[str, dict[str, Any], Path]]:
        """Paths by their shape, so that renaming a parameter in a path is no change of the path."""
        found: dict[str, tuple[str, dict[str, Any], Path]] = {}
        for path, item in _objects(side.data.get("paths")).items():
            if path.startswith("/"):
                value, where = side.follow(item, ("paths", path))
                found[re.sub(r"\{[^}]*\}", "{}", path)] = (path, _objects(value), where)
        return found

    def path_items(self, path: str, old: dict[str, Any], new: dict[str, Any], before: Path, after: Path) -> None:
        for method in METHODS:
            name = f"{method.upper()} {path}"
            one, other = old.get(method), new.get(method)
            if type(one) is dict and type(other) is not dict:
                self.say("operation-removed", "breaking", _("{name} was removed", name=name), (*before, method))
            elif type(one) is not dict and type(other) is dict:
                self.say("operation-added", "compatible", _("{name} was added", name=name), (*after, method))
            elif type(one) is dict and type(other) is dict:
                shared = _items(old.get("parameters")), _items(new.get("parameters"))
                self.operations(name, one, other, shared, (*before, method), (*after, method))

    def operations(
        self,
        name: str,
        old: dict[str, Any],
        new: dict[str, Any],
        shared: tuple[list[Any], list[Any]],
        before: Path,
        after: Path,
    ) -> None:
        if old.get("operationId") and old.get("operationId") != new.get("operationId"):
            words = _(
                "{name}: the operationId {operation} was changed; generated clients rename a method",
                name=name,
                operation=str(old["operationId"])[:80],
            )
            self.say("operation-id-changed", "attention", words, after)
        if new.get("deprecated") is True and old.get("deprecated") is not True:
            self.say("operation-deprecated", "attention", _("{name} is now deprecated", name=name), after)
        self.parameters(name, old, new, shared, before, after)
        self.bodies(name, old, new, before, after)
        self.responses(name, old, new, before, after)
        self.security(name, old, new, after)

    # --- what callers send ---

    def parameters(
        self,
        name: str,
        old: dict[str, Any],
        new: dict[str, Any],
        shared: tuple[list[Any], list[Any]],
        before: Path,
        after: Path,
    ) -> None:
        one = self.by_name(self.old, shared[0], _items(old.get("parameters")), before)
        other = self.by_name(self.new, shared[1], _items(new.get("parameters")), after)
        for key, (parameter, where) in one.items():
            called = _("the {place} parameter {parameter}", place=key[0], parameter=key[1])
            if key not in other:
                level = "breaking" if key[0] in ("body", "formData") else "attention"
                self.say("parameter-removed", level, _("{name}: {called} was removed", name=name, called=called), where)
                continue
            again, there = other[key]
            if again.get("required") is True and parameter.get("required") is not True:
                self.say(
                    "parameter-required",
                    "breaking",
                    _("{name}: {called} is now required", name=name, called=called),
                    there,
                )
            elif parameter.get("required") is True and again.get("required") is not True:
                self.say(
                    "parameter-optional",
                    "compatible",
                    _("{name}: {called} is no longer required", name=name, called=called),
                    there,
                )
            context = f"{name}: {called}"
            if "schema" in parameter or "schema" in again:
                self.schemas(
                    context,
                    parameter.get("schema"),
                    again.get("schema"),
                    (*where, "schema"),
                    (*there, "schema"),
                    "sent",
                )
            else:
                self.schemas(context, parameter, again, where, there, "sent")
        for key, (parameter, where) in other.items():
            if key in one:
                continue
            called = _("the {place} parameter {parameter}", place=key[0], parameter=key[1])
            if parameter.get("required") is True:
                self.say(
                    "parameter-added-required",
                    "breaking",
                    _("{name}: {called} was added and is required", name=name, called=called),
                    where,
                )
            else:
                self.say(
                    "parameter-added", "compatible", _("{name}: {called} was added", name=name, called=called), where
                )

    def by_name(
        self, side: _Side, shared: list[Any], own: list[Any], where: Path
    ) -> dict[tuple[str, str], tuple[dict[str, Any], Path]]:
        found: dict[tuple[str, str], tuple[dict[str, Any], Path]] = {}
        places = [((*where[:-1], "parameters", n), each) for n, each in enumerate(shared)]
        places += [((*where, "parameters", n), each) for n, each in enumerate(own)]
        in_path = 0
        for place, each in places:
            value, there = side.follow(each, place)
            if type(value) is dict and type(value.get("name")) is str:
                kind, called = str(value.get("in")), value["name"]
                if kind == "path":
                    index = str(where[1]).find("{" + called + "}") if len(where) > 1 else -1
                    called = f"number {in_path if index < 0 else str(where[1])[:index].count('{') + 1}"
                    in_path += 1
                found[(kind, called)] = (value, there)
        return found

    def bodies(self, name: str, old: dict[str, Any], new: dict[str, Any], before: Path, after: Path) -> None:
        one, here = self.old.follow(old.get("requestBody"), (*before, "requestBody"))
        other, there = self.new.follow(new.get("requestBody"), (*after, "requestBody"))
        if type(one) is not dict and type(other) is not dict:
            return
        if type(one) is not dict:
            level = "breaking" if _objects(other).get("required") is True else "compatible"
            self.say(
                "body-added",
                level,
                _("{name} now takes a body, which is required", name=name)
                if level == "breaking"
                else _("{name} now takes a body", name=name),
                there,
            )
            return
        if type(other) is not dict:
            self.say("body-removed", "breaking", _("{name} no longer takes a body", name=name), here)
            return
        if other.get("required") is True and one.get("required") is not True:
            self.say("body-required", "breaking", _("{name}: the body is now required", name=name), there)
        self.contents(_("{name}: the body", name=name), one, other, here, there, "sent")

    # --- what callers receive ---

    def responses(self, name: str, old: dict[str, Any], new: dict[str, Any], before: Path, after: Path) -> None:
        one, other = _objects(old.get("responses")), _objects(new.get("responses"))
        for status, response in one.items():
            place = (*before, "responses", status)
            if status not in other:
                good = status[:1] in "23"
                words = _("{name}: the response {status} is no longer described", name=name, status=status)
                self.say("response-removed", "breaking" if good else "attention", words, place)
                continue
            mine, here = self.old.follow(response, place)
            theirs, there = self.new.follow(other[status], (*after, "responses", status))
            mine, theirs = _objects(mine), _objects(theirs)
            context = _("{name}: the response {status}", name=name, status=status)
            self.headers(context, mine, theirs, here, there)
            if "content" in mine or "content" in theirs:
                self.contents(context, mine, theirs, here, there, "received")
            elif "schema" in mine or "schema" in theirs:
                self.schemas(
                    context, mine.get("schema"), theirs.get("schema"), (*here, "schema"), (*there, "schema"), "received"
                )
        for status in other:
            if status not in one:
                words = _("{name}: the response {status} was added", name=name, status=status)
                self.say("response-added", "compatible", words, (*after, "responses", status))

    def headers(self, context: str, old: dict[str, Any], new: dict[str, Any], before: Path, after: Path) -> None:
        known = {name.lower() for name in _objects(new.get("headers"))}
        for name, header in _objects(old.get("headers")).items():
            if name.lower() not in known:
                value, _place = self.old.follow(header, before)
                level = "breaking" if _objects(value).get("required") is True else "attention"
                self.say(
                    "header-removed",
                    level,
                    _("{context} no longer has the header {name}", context=context, name=name),
                    (*before, "headers", name),
                )

    def contents(
        self, context: str, old: dict[str, Any], new: dict[str, Any], before: Path, after: Path, direction: str
    ) -> None:
        one, other = _objects(old.get("content")), _objects(new.get("content"))
        for kind, media in one.items():
            if kind not in other:
                words = _(
                    "{context} can no longer be {direction} as {kind}", context=context, direction=direction, kind=kind
                )
                self.say("media-type-removed", "breaking", words, (*before, "content", kind))
                continue
            self.schemas(
                context,
                _objects(media).get("schema"),
                _objects(other[kind]).get("schema"),
                (*before, "content", kind, "schema"),
                (*after, "content", kind, "schema"),
                direction,
            )
        for kind in other:
            if kind not in one:
                words = _(
                    "{context} can now also be {direction} as {kind}", context=context, direction=direction, kind=kind
                )
                self.say("media-type-added", "compatible", words, (*after, "content", kind))

    # --- schemas ---

    def schemas(self, context: str, old: Any, new: Any, before: Path, after: Path, direction: str) -> None:
        """Compare two schemas and all within them. `sent` may only grow more lenient, `received` only stricter."""
        waiting = [(1, (context, old, new, before, after, direction))]
        while waiting:
            depth, pair = waiting.pop()
            if depth > DEEPEST:
                raise TooDeep(DEEPEST)
            self.within = []
            self.schema(*pair)
            waiting += [(depth + 1, each) for each in reversed(self.within)]

    def schema(self, context: str, old: Any, new: Any, before: Path, after: Path, direction: str) -> None:
        """Compare two schemas; what stands within them is laid into :attr:`within`."""
        old, before = self.old.follow(old, before)
        new, after = self.new.follow(new, after)
        one, other = _effective(self.old, old), _effective(self.new, new)
        key = (id(old), id(new), direction)
        if key in self.compared or (not one and not other):
            return
        self.compared.add(key)
        self.deadline.tick()
        self.types(context, one, other, after, direction)
        self.enumerations(context, one, other, after, direction)
        self.bounds(context, one, other, after, direction)
        self.properties(context, one, other, before, after, direction)
        self.alternatives(context, one, other, before, after, direction)
        if "items" in one and "items" in other:
            places = (*before, "items"), (*after, "items")
            self.within.append(
                (_("{context}, each item", context=context), one["items"], other["items"], *places, direction)
            )

    def judged(self, direction: str, narrower: bool) -> str:
        """Narrowing what is sent, or widening what is received, breaks."""
        return "breaking" if (direction == "sent") is narrower else "compatible"

    def types(self, context: str, old: dict[str, Any], new: dict[str, Any], path: Path, direction: str) -> None:
        one, other = _types(old), _types(new)
        if one != other:
            lost, gained = one - other, other - one
            said = _(
                "{context}: the type changed from {before} to {after}",
                context=context,
                before=_listed(one),
                after=_listed(other),
            )
            if "any" in one or "any" in other:
                self.say("type-changed", self.judged(direction, "any" in one), said, path)
            elif lost and gained:
                widened = gained == {"number"} and lost == {"integer"}
                narrowed = gained == {"integer"} and lost == {"number"}
                level = self.judged(direction, narrowed) if widened or narrowed else "breaking"
                self.say("type-changed", level, said, path)
            elif lost:
                self.say("type-narrowed", self.judged(direction, True), said, path)
            else:
                self.say("type-widened", self.judged(direction, False), said, path)
        if old.get("format") != new.get("format") and one & other:
            said = _(
                "{context}: the format changed from {before} to {after}",
                context=context,
                before=old.get("format") or _("none"),
                after=new.get("format") or _("none"),
            )
            if new.get("format") is None:
                self.say("format-removed", "compatible" if direction == "sent" else "attention", said, path)
            elif old.get("format") is None:
                self.say("format-added", "attention" if direction == "sent" else "compatible", said, path)
            else:
                self.say(
                    "format-changed", "breaking" if _far(old["format"], new["format"]) else "attention", said, path
                )

    def enumerations(self, context: str, old: dict[str, Any], new: dict[str, Any], path: Path, direction: str) -> None:
        one, other = old.get("enum"), new.get("enum")
        if type(one) is not list and type(other) is not list:
            return
        if type(one) is not list:
            level = "breaking" if direction == "sent" else "compatible"
            self.say("enum-introduced", level, _("{context} is now limited to listed values", context=context), path)
            return
        if type(other) is not list:
            level = "compatible" if direction == "sent" else "attention"
            self.say("enum-lifted", level, _("{context} is no longer limited to listed values", context=context), path)
            return
        lost = [each for each in one if each not in other]
        gained = [each for each in other if each not in one]
        if lost:
            said = _("{context}: the values {shown} were removed", context=context, shown=_shown(lost))
            self.say("enum-narrowed", self.judged(direction, True), said, path)
        if gained:
            level = "compatible" if direction == "sent" else "attention"
            self.say(
                "enum-widened",
                level,
                _("{context}: the values {shown} were added", context=context, shown=_shown(gained)),
                path,
            )

    def bounds(self, context: str, old: dict[str, Any], new: dict[str, Any], path: Path, direction: str) -> None:
        for name, upper in _BOUNDS.items():
            one, other = old.get(name), new.get(name)
            if one == other or not _number_or_none(one) or not _number_or_none(other):
                continue
            narrower = one is None or (other is not None and (other < one) is upper)
            said = _(
                "{context}: {name} changed from {before} to {after}",
                context=context,
                name=name,
                before=_none(one),
                after=_none(other),
            )
            self.say(f"{name}-changed", self.judged(direction, narrower), said, path)
        if old.get("pattern") != new.get("pattern"):
            said = _(
                "{context}: the pattern changed from {before} to {after}",
                context=context,
                before=_none(old.get("pattern")),
                after=_none(new.get("pattern")),
            )
            loosened = new.get("pattern") is None
            level = ("compatible" if loosened else "breaking") if direction == "sent" else "attention"
            self.say("pattern-changed", level, said, path)
        if old.get("uniqueItems") is not True and new.get("uniqueItems") is True:
            self.say(
                "unique-items",
                self.judged(direction, True),
                _("{context}: items must now differ", context=context),
                path,
            )

    def properties(
        self, context: str, old: dict[str, Any], new: dict[str, Any], before: Path, after: Path, direction: str
    ) -> None:
        one, other = _objects(old.get("properties")), _objects(new.get("properties"))
        needed_before = {name for name in _items(old.get("required")) if type(name) is str}
        needed_after = {name for name in _items(new.get("required")) if type(name) is str}
        for name, schema in one.items():
            called = _("{context}, property {name}", context=context, name=name)
            if self.ignored(self.old, schema, direction):
                continue
            if name not in other:
                self.removed(called, name, old, new, before, direction)
                continue
            if name in needed_after and name not in needed_before and direction == "sent":
                self.say(
                    "property-required",
                    "breaking",
                    _("{called}: is now required", called=called),
                    (*after, "properties", name),
                )
            elif name in needed_before and name not in needed_after:
                level = "compatible" if direction == "sent" else "breaking"
                self.say(
                    "property-optional",
                    level,
                    _("{called}: may now be absent", called=called),
                    (*after, "properties", name),
                )
            places = (*before, "properties", name), (*after, "properties", name)
            self.within.append((called, schema, other[name], *places, direction))
        for name, schema in other.items():
            if name in one or self.ignored(self.new, schema, direction):
                continue
            called, place = _("{context}, property {name}", context=context, name=name), (*after, "properties", name)
            if direction == "sent" and name in needed_after:
                self.say(
                    "property-added-required",
                    "breaking",
                    _("{called}: was added and is required", called=called),
                    place,
                )
            else:
                self.say("property-added", "compatible", _("{called}: was added", called=called), place)
        if (
            direction == "sent"
            and new.get("additionalProperties") is False
            and old.get("additionalProperties") is not False
        ):
            self.say(
                "object-closed",
                "breaking",
                _("{context}: other properties are no longer accepted", context=context),
                after,
            )

    def ignored(self, side: _Side, schema: Any, direction: str) -> bool:
        """Read-only properties are not sent, write-only ones not received."""
        value, _ = side.follow(schema, ())
        mark = "readOnly" if direction == "sent" else "writeOnly"
        return type(value) is dict and value.get(mark) is True

    def removed(
        self, called: str, name: str, old: dict[str, Any], new: dict[str, Any], before: Path, direction: str
    ) -> None:
        place = (*before, "properties", name)
        if direction == "received":
            self.say("property-removed", "breaking", _("{called}: was removed", called=called), place)
        elif new.get("additionalProperties") is False:
            self.say("property-removed", "breaking", _("{called}: is no longer accepted", called=called), place)
        else:
            self.say("property-removed", "attention", _("{called}: is no longer described", called=called), place)

    def alternatives(
        self, context: str, old: dict[str, Any], new: dict[str, Any], before: Path, after: Path, direction: str
    ) -> None:
        for word in ("oneOf", "anyOf"):
            one, other = _items(old.get(word)), _items(new.get(word))
            if not one or not other:
                if one or other:
                    said = f"{context}: alternatives ({word}) were {'removed' if one else 'introduced'}"
                    self.say("alternatives-changed", "attention", said, after)
                continue
            names, later = [_named(each) for each in one], [_named(each) for each in other]
            if None in names or None in later or len(set(names)) < len(names) or len(set(later)) < len(later):
                names, later = list(range(len(one))), list(range(len(other)))
            for number, name in enumerate(names):
                if name in later:
                    again = later.index(name)
                    places = (*before, word, number), (*after, word, again)
                    called = _("{context}, alternative {number}", context=context, number=number + 1)
                    self.within.append((called, one[number], other[again], *places, direction))
                else:
                    level = "breaking" if direction == "sent" else "compatible"
                    said = _(
                        "{context}: the alternative {alternative} was removed", context=context, alternative=_none(name)
                    )
                    self.say("alternative-removed", level, said, (*before, word, number))
            for number, name in enumerate(later):
                if name not in names:
                    level = "compatible" if direction == "sent" else "attention"
                    said = _(
                        "{context}: the alternative {alternative} was added", context=context, alternative=_none(name)
                    )
                    self.say("alternative-added", level, said, (*after, word, number))

    # --- security ---

    def security(self, name: str, old: dict[str, Any], new: dict[str, Any], after: Path) -> None:
        one = _requirements(old.get("security", self.old.data.get("security")))
        other = _requirements(new.get("security", self.new.data.get("security")))
        place = (*after, "security")
        if one == other:
            return
        if frozenset() in one and frozenset() not in other:
            self.say("security-added", "breaking", _("{name} was open and now needs authentication", name=name), place)
            return
        for way in one:
            if not any(again <= way for again in other):
                said = _("{name} can no longer be called with {way}", name=name, way=_way(way))
                self.say("security-removed", "breaking", said, place)
        for way in other:
            if way not in one:
                self.say(
                    "security-widened",
                    "compatible",
                    _("{name} can now be called with {way}", name=name, way=_way(way)),
                    place,
                )

    def schemes(self) -> None:
        one, other = _schemes(self.old.data), _schemes(self.new.data)
        for name, (scheme, _place) in one.items():
            if name in other:
                again, place = other[name]
                for member in ("type", "in", "name", "scheme"):
                    if scheme.get(member) != again.get(member):
                        said = _(
                            "The security scheme {name}: {member} changed from {before} to {after}",
                            name=name,
                            member=member,
                            before=_none(scheme.get(member)),
                            after=_none(again.get(member)),
                        )
                        self.say("security-scheme-changed", "breaking", said, place)


_BOUNDS = {
    "maxLength": True,
    "maximum": True,
    "maxItems": True,
    "maxProperties": True,
    "minLength": False,
    "minimum": False,
    "minItems": False,
    "minProperties": False,
}


def _effective(side: _Side, schema: Any, depth: int = 0) -> dict[str, Any]:
    """A schema with the parts of `allOf` laid into it."""
    if type(schema) is not dict:
        return {}
    parts = _items(schema.get("allOf"))
    if not parts or depth > 20:
        return schema
    made: dict[str, Any] = {"properties": {}, "required": []}
    for part in [*parts, {key: value for key, value in schema.items() if key != "allOf"}]:
        value, _ = side.follow(part, ())
        inner = _effective(side, value, depth + 1)
        for key, each in inner.items():
            if key == "properties":
                made["properties"].update(_objects(each))
            elif key == "required":
                made["required"] = [*made["required"], *_items(each)]
            else:
                made[key] = each
    return made


def _types(schema: dict[str, Any]) -> set[str]:
    given = schema.get("type")
    types = {str(each) for each in given} if type(given) is list else {str(given)} if given else set()
    if not types and "properties" in schema and schema["properties"]:
        types = {"object"}
    if types and (schema.get("nullable") is True or schema.get("x-nullable") is True):
        types.add("null")
    return types or set(_ANY)


_ANY = ("any",)


def _listed(types: set[str]) -> str:
    return either(sorted(types))


def _far(old: Any, new: Any) -> bool:
    """Whether two formats exclude each other's values; int32 to int64 does not."""
    return {old, new} not in ({"int32", "int64"}, {"float", "double"})


def _number_or_none(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and value == value)


def _none(value: Any) -> str:
    return _("none") if value is None else str(value)[:120]


def _shown(values: list[Any]) -> str:
    words = ", ".join(str(value)[:60] for value in values[:8])
    return _("{some} and more", some=words) if len(values) > 8 else words


def _named(schema: Any) -> Any:
    """What an alternative is called: its reference or its title."""
    value = _objects(schema)
    name = value.get("$ref", value.get("title"))
    return name if type(name) is str else None


def _requirements(given: Any) -> set[frozenset[tuple[str, str]]]:
    """Each way to authenticate as the set of schemes and scopes it asks; the empty set is open access."""
    if type(given) is not list or not given:
        return {frozenset()}
    return {frozenset(_asked(each)) for each in given if type(each) is dict}


def _asked(requirement: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, scopes in requirement.items():
        yield name, ""
        for scope in _items(scopes):
            yield name, str(scope)


def _way(way: frozenset[tuple[str, str]]) -> str:
    names = sorted({name for name, _scope in way})
    scopes = sorted(scope for _name, scope in way if scope)
    said = together(names) or _("no authentication")
    return said + (_(" (scopes {scopes})", scopes=", ".join(scopes)) if scopes else "")


def _schemes(data: dict[str, Any]) -> dict[str, tuple[dict[str, Any], Path]]:
    newer = _objects(_objects(data.get("components")).get("securitySchemes"))
    older = _objects(data.get("securityDefinitions"))
    found: dict[str, tuple[dict[str, Any], Path]] = {
        name: (_objects(each), ("components", "securitySchemes", name)) for name, each in newer.items()
    }
    found.update({name: (_objects(each), ("securityDefinitions", name)) for name, each in older.items()})
    return found
