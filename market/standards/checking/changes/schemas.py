"""What changed in schemas, which may only grow more lenient where callers send them, and only stricter where they receive them."""

from __future__ import annotations

from typing import Any, Final, Literal

from market.nesting import TooDeep
from market.standards.checking.changes.differences import Differences
from market.standards.checking.changes.parts import Part
from market.wording import _

Direction = Literal["sent", "received"]

DEEPEST: Final = 500
"""Schemas that stand within one another, also by reference; the words of a change name every one on the way to it."""

BOUNDS: Final = {
    "maxLength": True,
    "maximum": True,
    "maxItems": True,
    "maxProperties": True,
    "minLength": False,
    "minimum": False,
    "minItems": False,
    "minProperties": False,
}
"""The bounds of a value, and whether each is an upper one."""


class Schemas:
    """Compares schemas; each pair once in each direction."""

    def __init__(self, differences: Differences) -> None:
        self.say = differences.say
        self.deadline = differences.deadline
        self.compared: set[tuple[int, int, str]] = set()
        self.within: list[tuple[str, Part, Part]] = []

    def compare(self, place: str, old: Part, new: Part, direction: Direction) -> None:
        """Compare two schemas and all within them."""
        waiting = [(1, (place, old, new))]
        while waiting:
            depth, pair = waiting.pop()
            if depth > DEEPEST:
                raise TooDeep(DEEPEST)
            self.within = []
            self._schema(*pair, direction)
            waiting += [(depth + 1, inner) for inner in reversed(self.within)]

    def _schema(self, place: str, old: Part, new: Part, direction: Direction) -> None:
        """Compare two schemas; what stands within them is laid into :attr:`within`."""
        old, new = old.followed(), new.followed()
        one, other = _effective(old), _effective(new)
        key = (id(old.value), id(new.value), direction)
        if key in self.compared or (not one.value and not other.value):
            return
        self.compared.add(key)
        self.deadline.tick()
        self._types(place, one, other, direction)
        self._formats(place, one, other, direction)
        self._enumerations(place, one, other, direction)
        self._bounds(place, one, other, direction)
        self._patterns(place, one, other, direction)
        self._properties(place, one, other, direction)
        self._alternatives(place, one, other, direction)
        if one.has("items") and other.has("items"):
            self.within.append((f"{place} › {_('each item')}", one.at("items"), other.at("items")))

    def _types(self, place: str, old: Part, new: Part, direction: Direction) -> None:
        one, other = _types(old.value), _types(new.value)
        if one == other:
            return
        lost, gained = one - other, other - one
        code, level = "type-changed", "breaking"
        if "any" in one | other:
            level = _judged(direction, "any" in one)
        elif (lost, gained) in (({"integer"}, {"number"}), ({"number"}, {"integer"})):
            level = _judged(direction, gained == {"integer"})
        elif not gained:
            code, level = "type-narrowed", _judged(direction, True)
        elif not lost:
            code, level = "type-widened", _judged(direction, False)
        facts = {"before": ", ".join(sorted(one)), "after": ", ".join(sorted(other))}
        self.say(code, level, new.path, "type-changed", place=place, **facts)

    def _formats(self, place: str, old: Part, new: Part, direction: Direction) -> None:
        one, other = old.at("format").value, new.at("format").value
        if one == other or not _types(old.value) & _types(new.value):
            return
        sent = direction == "sent"
        if other is None:
            code, level = "format-removed", "compatible" if sent else "attention"
        elif one is None:
            code, level = "format-added", "attention" if sent else "compatible"
        else:
            code, level = "format-changed", "breaking" if _far(one, other) else "attention"
        self.say(code, level, new.path, place=place, before=or_none(one), after=or_none(other))

    def _enumerations(self, place: str, old: Part, new: Part, direction: Direction) -> None:
        one, other = old.at("enum").value, new.at("enum").value
        sent = direction == "sent"
        if type(one) is not list and type(other) is not list:
            return
        if type(one) is not list:
            self.say("enum-introduced", _judged(direction, True), new.path, place=place)
        elif type(other) is not list:
            self.say("enum-lifted", "compatible" if sent else "attention", new.path, place=place)
        else:
            lost = [value for value in one if value not in other]
            gained = [value for value in other if value not in one]
            if lost:
                self.say("enum-narrowed", _judged(direction, True), new.path, place=place, values=_shown(lost))
            if gained:
                level = "compatible" if sent else "attention"
                self.say("enum-widened", level, new.path, place=place, values=_shown(gained))

    def _bounds(self, place: str, old: Part, new: Part, direction: Direction) -> None:
        for name, upper in BOUNDS.items():
            one, other = old.at(name).value, new.at(name).value
            if one == other or not _number_or_none(one) or not _number_or_none(other):
                continue
            narrower = one is None or (other is not None and (other < one) is upper)
            facts = {"place": place, "name": name, "before": one, "after": other}
            self.say(f"{name}-changed", _judged(direction, narrower), new.path, _turned("bound", one, other), **facts)
        if not old.says("uniqueItems") and new.says("uniqueItems"):
            self.say("unique-items", _judged(direction, True), new.path, place=place)

    def _patterns(self, place: str, old: Part, new: Part, direction: Direction) -> None:
        one, other = old.at("pattern").value, new.at("pattern").value
        if one != other:
            level = "attention" if direction == "received" else "compatible" if other is None else "breaking"
            facts = {"place": place, "before": or_none(one), "after": or_none(other)}
            self.say("pattern-changed", level, new.path, _turned("pattern", one, other), **facts)

    def _properties(self, place: str, old: Part, new: Part, direction: Direction) -> None:
        one, other = old.at("properties").members(), new.at("properties").members()
        needed_before, needed_after = _needed(old), _needed(new)
        for name, schema in one.items():
            facts = {"place": place, "name": name}
            if _ignored(schema, direction):
                continue
            if name not in other:
                self._removed(schema, new, direction, facts)
                continue
            if name in needed_after and name not in needed_before and direction == "sent":
                self.say("property-required", "breaking", other[name].path, **facts)
            elif name in needed_before and name not in needed_after:
                level = "compatible" if direction == "sent" else "breaking"
                self.say("property-optional", level, other[name].path, **facts)
            self.within.append((f"{place} › {name}", schema, other[name]))
        for name, schema in other.items():
            if name in one or _ignored(schema, direction):
                continue
            if direction == "sent" and name in needed_after:
                self.say("property-added-required", "breaking", schema.path, place=place, name=name)
            else:
                self.say("property-added", "compatible", schema.path, place=place, name=name)
        if direction == "sent" and _closed(new) and not _closed(old):
            self.say("object-closed", "breaking", new.path, place=place)

    def _removed(self, schema: Part, new: Part, direction: Direction, facts: dict[str, str]) -> None:
        if direction == "received":
            self.say("property-removed", "breaking", schema.path, **facts)
        elif _closed(new):
            self.say("property-removed", "breaking", schema.path, "property-refused", **facts)
        else:
            self.say("property-removed", "attention", schema.path, "property-undescribed", **facts)

    def _alternatives(self, place: str, old: Part, new: Part, direction: Direction) -> None:
        sent = direction == "sent"
        for word in ("oneOf", "anyOf"):
            one, other = old.at(word).items(), new.at(word).items()
            if not one or not other:
                if one or other:
                    sentence = "alternatives-removed" if one else "alternatives-introduced"
                    self.say("alternatives-changed", "attention", new.path, sentence, place=place, word=word)
                continue
            names, later = [_named(each) for each in one], [_named(each) for each in other]
            if None in names or None in later or len(set(names)) < len(names) or len(set(later)) < len(later):
                names, later = list(range(len(one))), list(range(len(other)))
            for number, name in enumerate(names):
                if name in later:
                    alternative = _("alternative {number}", number=number + 1)
                    self.within.append((f"{place} › {alternative}", one[number], other[later.index(name)]))
                else:
                    level = "breaking" if sent else "compatible"
                    self.say("alternative-removed", level, one[number].path, place=place, alternative=or_none(name))
            for number, name in enumerate(later):
                if name not in names:
                    level = "compatible" if sent else "attention"
                    self.say("alternative-added", level, other[number].path, place=place, alternative=or_none(name))


def _judged(direction: Direction, narrower: bool) -> str:
    """Narrowing what is sent, or widening what is received, breaks."""
    return "breaking" if (direction == "sent") is narrower else "compatible"


def _turned(what: str, one: Any, other: Any) -> str:
    """Which sentence says that a value changed: it was there before, is there now, or both."""
    return f"{what}-added" if one is None else f"{what}-removed" if other is None else f"{what}-changed"


def _effective(part: Part, depth: int = 0) -> Part:
    """A schema with the parts of `allOf` laid into it; what is no object is an empty one."""
    schema = part.value if type(part.value) is dict else {}
    parts = part.at("allOf").items()
    if not parts or depth > 20:
        return Part(part.document, schema, part.path)
    merged: dict[str, Any] = {"properties": {}, "required": []}
    own = {key: value for key, value in schema.items() if key != "allOf"}
    for inner in [*(_effective(each.followed(), depth + 1).value for each in parts), own]:
        for key, value in inner.items():
            if key == "properties":
                merged["properties"].update(value if type(value) is dict else {})
            elif key == "required":
                merged["required"] = [*merged["required"], *(value if type(value) is list else [])]
            else:
                merged[key] = value
    return Part(part.document, merged, part.path)


def _types(schema: dict[str, Any]) -> set[str]:
    given = schema.get("type")
    types = {str(each) for each in given} if type(given) is list else {str(given)} if given else set()
    if not types and schema.get("properties"):
        types = {"object"}
    if types and (schema.get("nullable") is True or schema.get("x-nullable") is True):
        types.add("null")
    return types or {"any"}


def _needed(schema: Part) -> set[str]:
    return {name.value for name in schema.at("required").items() if type(name.value) is str}


def _closed(schema: Part) -> bool:
    return schema.at("additionalProperties").value is False


def _ignored(schema: Part, direction: Direction) -> bool:
    """Read-only properties are not sent, write-only ones not received."""
    return schema.followed().says("readOnly" if direction == "sent" else "writeOnly")


def _far(old: Any, new: Any) -> bool:
    """Whether two formats exclude each other's values; int32 to int64 does not."""
    return {old, new} not in ({"int32", "int64"}, {"float", "double"})


def _number_or_none(value: Any) -> bool:
    return value is None or (type(value) in (int, float) and value == value)


def or_none(value: Any) -> str:
    """A value in a sentence, in as many letters as can be read."""
    return _("none") if value is None else str(value)[:120]


def _shown(values: list[Any]) -> str:
    return ", ".join([str(value)[:60] for value in values[:8]] + ["…"] * (len(values) > 8))


def _named(schema: Part) -> Any:
    """What an alternative is called: its reference or its title."""
    name = (schema.at("$ref") if schema.has("$ref") else schema.at("title")).value
    return name if type(name) is str else None
