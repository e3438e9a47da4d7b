"""JSON Schema checks that report what Spectral would: the first error of each branch, at the place it occurs.

The structural validity of a whole OpenAPI document is checked by jsonschema-rs (see :mod:`oas`). This validator
serves the two cases where the *choice and order* of errors is part of a ruleset's meaning: the `schema` function and
the checks of examples. It reads values with references already followed, so nothing is ever fetched or expanded;
schemas are compiled once per schema object and stop at the first error unless `all_errors` is asked, in the keyword
order of the ajv library that Spectral uses. Drafts 4, 6, 7, 2019-09 and 2020-12.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from market.openapi import limits
from market.openapi.document import Path
from market.openapi.formats import FORMATS, is_regex
from market.openapi.limits import Deadline, OutOfTime
from market.openapi.patterns import BadPattern, Pattern, compiled


class BadSchema(Exception):
    """The schema itself is invalid: a finding about the schema, not about the value."""


class Unresolvable(Exception):
    """The schema still holds a reference (it is circular, or broken): its values are not checked."""


class Fault:
    """One error: the keyword that failed, where, and the message."""

    __slots__ = ("keyword", "message", "path")

    def __init__(self, keyword: str, path: Path, message: str) -> None:
        self.keyword, self.path, self.message = keyword, path, message


class Run:
    """The state of one validation: faults so far and the stopwatch."""

    __slots__ = ("deadline", "depth", "faults")

    def __init__(self, deadline: Deadline) -> None:
        self.faults: list[Fault] = []
        self.deadline = deadline
        self.depth = 0

    def enter(self) -> None:
        """Go into one more schema. Raises OutOfTime when the schemas stand too deep in one another."""
        self.deadline.tick()
        self.depth += 1
        if self.depth > limits.MAX_SCHEMA_DEPTH:
            raise OutOfTime("the schema recurses too deep")


Check = Callable[[Any, Path, Run], bool]
_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")
_NUMBER_KEYS = ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf")
_FOR_TYPE = {
    "number": _NUMBER_KEYS,
    "string": ("maxLength", "minLength", "pattern"),
    "array": (
        [
            "maxItems",
            "minItems",
            "uniqueItems",
            "items",
            "additionalItems",
            "prefixItems",
            "contains",
            "unevaluatedItems",
        ]
    ),
    "object": (
        [
            "maxProperties",
            "minProperties",
            "required",
            "propertyNames",
            "additionalProperties",
            "dependencies",
            "properties",
            "patternProperties",
            "dependentRequired",
            "dependentSchemas",
            "unevaluatedProperties",
        ]
    ),
}


def is_number(value: Any) -> bool:
    """A JSON number; true and false are none."""
    kind = type(value)
    return kind is int or (kind is float and math.isfinite(value))


def has_type(value: Any, name: str) -> bool:
    """Whether a value has a JSON Schema type; 1.0 is an integer."""
    kind = type(value)
    if name == "string":
        return kind is str
    if name == "object":
        return kind is dict
    if name == "array":
        return kind is list
    if name == "boolean":
        return kind is bool
    if name == "null":
        return value is None
    if name == "number":
        return is_number(value)
    return kind is int or (kind is float and value.is_integer())


def same(left: Any, right: Any, depth: int = 0) -> bool:
    """JSON equality: 1 is 1.0, true is not 1."""
    kind, other = type(left), type(right)
    if kind is bool or other is bool:
        return left is right
    if kind is dict and other is dict:
        if depth > limits.MAX_DEPTH or len(left) != len(right):
            return False
        return all(key in right and same(value, right[key], depth + 1) for key, value in left.items())
    if kind is list and other is list:
        if depth > limits.MAX_DEPTH or len(left) != len(right):
            return False
        return all(same(a, b, depth + 1) for a, b in zip(left, right, strict=True))
    if kind in (int, float) and other in (int, float):
        return bool(left == right)
    return kind is other and bool(left == right)


class Compiler:
    """Compiles schemas of one dialect. `relax` drops from `required` the properties marked read-only or write-only,
    because a request example need not hold what only responses carry (OpenAPI 3.0.3, section 4.7.24.1)."""

    def __init__(self, dialect: str, all_errors: bool = False, relax: tuple[str, ...] = (), nullable: str = "nullable"):
        self.dialect = dialect
        self.all_errors = all_errors
        self.relax = relax
        self.nullable = nullable
        self._made: dict[tuple[int, bool], Check] = {}
        self._kept: list[Any] = []
        self._depth = 0
        self._deadline: Deadline | None = None
        self._parts = 0

    def compile(self, schema: Any, deadline: Deadline | None = None) -> Check:
        """A check for `schema`. Raises :class:`BadSchema` or :class:`Unresolvable`, for the whole schema at once, and
        OutOfTime: the patterns of a schema are compiled here, and somebody chose them."""
        self._deadline = deadline
        return self._check(schema, False)

    def _regular(self, source: Any) -> Pattern:
        if self._deadline is not None:
            self._deadline.check()
        pattern = _pattern_in(source)
        self._parts += pattern.parts
        if self._parts > limits.MAX_ALL_PATTERN_PARTS:
            raise OutOfTime("the patterns of its schemas")
        return pattern

    def _check(self, schema: Any, negated: bool) -> Check:
        if schema is True:
            return _accept
        if schema is False:
            return _refuse
        if type(schema) is not dict:
            raise BadSchema("schema must be object or boolean")
        key = (id(schema), negated)
        made = self._made.get(key)
        if made is None:
            if self._depth > 60:
                return self._later(schema, negated)
            self._depth += 1
            try:
                made = self._compile(schema, negated)
            finally:
                self._depth -= 1
            self._made[key] = made
            self._kept.append(schema)
        return made

    def _later(self, schema: dict[str, Any], negated: bool) -> Check:
        """A check that is compiled when a value reaches it: for chains of schemas too long to compile at once."""
        made: list[Check] = []

        def check(value: Any, path: Path, run: Run) -> bool:
            if not made:
                made.append(self._check(schema, negated))
            return made[0](value, path, run)

        return check

    def _compile(self, schema: dict[str, Any], negated: bool) -> Check:
        ref = schema.get("$ref")
        if type(ref) is str and ref not in ("#", "#/"):
            raise Unresolvable(ref)
        if self.dialect in ("draft2019-09", "draft2020-12") and type(schema.get("$dynamicRef")) is str:
            raise Unresolvable(schema["$dynamicRef"])
        types = self._types(schema)
        groups: list[tuple[str | None, list[Check]]] = []
        untyped = self._untyped(schema, negated)
        if untyped:
            groups.append((None, untyped))
        typed = False
        for name, make in (
            ("number", self._numeric),
            ("string", self._textual),
            ("array", self._listed),
            ("object", self._keyed),
        ):
            if any(key in schema for key in _FOR_TYPE[name]) or ("format" in schema and name in ("number", "string")):
                checks = make(schema, negated)
                groups.append((name, checks))
                if types == [name]:
                    typed = True
        type_message = f"must be {','.join(types)}"
        if not groups and not types:
            return _accept
        if not groups:
            return _type_only(types, type_message)
        return _grouped(groups, types, typed, type_message, self.all_errors)

    def _types(self, schema: dict[str, Any]) -> list[str]:
        given = schema.get("type")
        types = list(given) if type(given) is list else [given] if given else []
        for name in types:
            if type(name) is not str or name not in _TYPES:
                raise BadSchema(f"type must be one of {', '.join(_TYPES)}")
        nullable = schema.get(self.nullable, schema.get("nullable"))
        if "null" in types:
            if nullable is False:
                raise BadSchema("type null contradicts nullable: false")
        else:
            if not types and nullable is not None:
                raise BadSchema('"nullable" cannot be used without "type"')
            if nullable is True:
                types.append("null")
        return types

    # --- keywords for every type ---

    def _untyped(self, schema: dict[str, Any], negated: bool) -> list[Check]:
        checks: list[Check] = []
        if "const" in schema:
            constant = schema["const"]
            checks.append(_simple("const", "must be equal to constant", lambda value: same(value, constant)))
        if "enum" in schema:
            checks.append(_enum(schema["enum"]))
        if "not" in schema:
            inner = self._check(schema["not"], True)
            checks.append(_negation(inner))
        for name in ("anyOf", "oneOf"):
            if name in schema:
                branches = [self._check(each, negated) for each in _list_of(schema, name)]
                trivial = any(self._trivial(each) for each in schema[name])
                if name == "anyOf":
                    if not trivial:
                        checks.append(_any_of(branches))
                else:
                    checks.append(_one_of(branches))
        if "allOf" in schema:
            branches = [self._check(each, negated) for each in _list_of(schema, "allOf")]
            checks.append(_all_of(branches, self.all_errors))
        if "if" in schema and self.dialect != "draft4":
            test = self._check(schema["if"], negated)
            yes = self._check(schema["then"], negated) if "then" in schema else _accept
            no = self._check(schema["else"], negated) if "else" in schema else _accept
            if "then" in schema or "else" in schema:
                checks.append(_conditional(test, yes, no))
        return checks

    def _trivial(self, schema: Any) -> bool:
        return schema is True or (type(schema) is dict and self._check(schema, False) is _accept)

    # --- numbers, strings ---

    def _numeric(self, schema: dict[str, Any], negated: bool) -> list[Check]:
        checks: list[Check] = []
        for name, fails, words in (
            ("maximum", lambda v, limit: v > limit, "<="),
            ("minimum", lambda v, limit: v < limit, ">="),
        ):
            if name not in schema:
                continue
            limit = _number_in(schema, name)
            strict = self.dialect == "draft4" and schema.get(_exclusive(name)) is True
            if strict:
                fails = (lambda v, limit: v >= limit) if name == "maximum" else (lambda v, limit: v <= limit)
                words = words[0]
            checks.append(_limit(name, limit, fails, f"must be {words} {_shown(limit)}"))
        if self.dialect != "draft4":
            for name, fails, words in (
                ("exclusiveMaximum", lambda v, limit: v >= limit, "<"),
                ("exclusiveMinimum", lambda v, limit: v <= limit, ">"),
            ):
                if name in schema:
                    limit = _number_in(schema, name)
                    checks.append(_limit(name, limit, fails, f"must be {words} {_shown(limit)}"))
        if "multipleOf" in schema:
            divisor = _number_in(schema, "multipleOf")
            if divisor <= 0:
                raise BadSchema("multipleOf must be > 0")
            message = f"must be multiple of {_shown(divisor)}"
            checks.append(_simple("multipleOf", message, lambda value: _is_multiple(value, divisor)))
        self._format(schema, "number", checks)
        return checks

    def _textual(self, schema: dict[str, Any], negated: bool) -> list[Check]:
        checks: list[Check] = []
        if "maxLength" in schema:
            most = _count_in(schema, "maxLength")
            message = f"must NOT have more than {most} characters"
            checks.append(_simple("maxLength", message, lambda value: len(value) <= most))
        if "minLength" in schema:
            least = _count_in(schema, "minLength")
            message = f"must NOT have fewer than {least} characters"
            checks.append(_simple("minLength", message, lambda value: len(value) >= least))
        if "pattern" in schema:
            checks.append(_pattern(self._regular(schema["pattern"])))
        self._format(schema, "string", checks)
        return checks

    def _format(self, schema: dict[str, Any], kind: str, checks: list[Check]) -> None:
        name = schema.get("format")
        if name is None:
            return
        if type(name) is not str:
            raise BadSchema("format must be string")
        test = FORMATS.get((kind, name))
        if test is not None:
            checks.append(_simple("format", f'must match format "{name}"', test))

    # --- arrays ---

    def _listed(self, schema: dict[str, Any], negated: bool) -> list[Check]:
        checks: list[Check] = []
        if "maxItems" in schema:
            most = _count_in(schema, "maxItems")
            checks.append(
                _simple("maxItems", f"must NOT have more than {most} items", lambda value: len(value) <= most)
            )
        if "minItems" in schema:
            least = _count_in(schema, "minItems")
            checks.append(
                _simple("minItems", f"must NOT have fewer than {least} items", lambda value: len(value) >= least)
            )
        if schema.get("uniqueItems") is True:
            checks.append(_unique)
        modern = self.dialect == "draft2020-12"
        head, rest = ("prefixItems", "items") if modern else ("items", "additionalItems")
        fixed: list[Check] = []
        if type(schema.get(head)) is list:
            fixed = [self._check(each, negated) for each in schema[head]]
            checks.append(_positional(fixed, self.all_errors))
            if rest in schema:
                if schema[rest] is False:
                    size = len(fixed)
                    message = f"must NOT have more than {size} items"
                    checks.append(_simple(rest, message, lambda value: len(value) <= size))
                else:
                    checks.append(_each(self._check(schema[rest], negated), len(fixed), self.all_errors))
        elif "items" in schema:
            checks.append(_each(self._check(schema["items"], negated), 0, self.all_errors))
        if "contains" in schema and self.dialect != "draft4":
            checks.append(_contains(self._check(schema["contains"], negated)))
        return checks

    # --- objects ---

    def _keyed(self, schema: dict[str, Any], negated: bool) -> list[Check]:
        checks: list[Check] = []
        if "maxProperties" in schema:
            most = _count_in(schema, "maxProperties")
            message = f"must NOT have more than {most} properties"
            checks.append(_simple("maxProperties", message, lambda value: len(value) <= most))
        if "minProperties" in schema:
            least = _count_in(schema, "minProperties")
            message = f"must NOT have fewer than {least} properties"
            checks.append(_simple("minProperties", message, lambda value: len(value) >= least))
        if "required" in schema:
            checks.append(_required(self._required_names(schema, negated), self.all_errors))
        if "propertyNames" in schema and self.dialect != "draft4":
            checks.append(_names(self._check(schema["propertyNames"], negated)))
        properties = schema.get("properties", {})
        patterns = schema.get("patternProperties", {})
        if type(properties) is not dict or type(patterns) is not dict:
            raise BadSchema("properties must be object")
        matching = [(self._regular(source), self._check(inner, negated)) for source, inner in patterns.items()]
        if "additionalProperties" in schema:
            extra = schema["additionalProperties"]
            if extra is not True:
                inner = None if extra is False else self._check(extra, negated)
                checks.append(_additional(frozenset(properties), [p for p, _ in matching], inner, self.all_errors))
        for name in ("dependencies", "dependentRequired", "dependentSchemas"):
            if name in schema:
                if type(schema[name]) is not dict:
                    raise BadSchema(f"{name} must be object")
                checks.extend(self._dependencies(schema[name], negated))
        if properties:
            named = [(name, self._check(inner, negated)) for name, inner in properties.items()]
            named = [(name, check) for name, check in named if check is not _accept]
            checks.append(_properties(named, self.all_errors))
        if matching:
            checks.append(_pattern_properties(matching, self.all_errors))
        return checks

    def _required_names(self, schema: dict[str, Any], negated: bool) -> list[str]:
        names = schema["required"]
        if type(names) is not list or not all(type(name) is str for name in names):
            raise BadSchema("required must be array")
        if not self.relax or negated:
            return names
        properties = schema.get("properties")
        if type(properties) is not dict:
            return names
        kept = []
        for name in names:
            fragment = properties.get(name)
            if type(fragment) is dict and any(fragment.get(mark) is True for mark in self.relax):
                continue
            kept.append(name)
        return kept

    def _dependencies(self, given: dict[str, Any], negated: bool) -> list[Check]:
        checks: list[Check] = []
        for name, then in given.items():
            if type(then) is list:
                wanted = [each for each in then if type(each) is str]
                inner = _required(wanted, self.all_errors)
            else:
                inner = self._check(then, negated)
            checks.append(_when_present(name, inner))
        return checks


# --- is the schema a schema? ---------------------------------------------------------------------------------------


def _count(value: Any) -> bool:
    return has_type(value, "integer") and value >= 0


def _names_list(value: Any) -> bool:
    return type(value) is list and all(type(each) is str for each in value) and len(set(value)) == len(value)


def _type_word(value: Any) -> bool:
    if type(value) is list:
        return bool(value) and all(each in _TYPES for each in value if type(each) is str) and _names_list(value)
    return type(value) is str and value in _TYPES


def _is_schema(value: Any) -> bool:
    return type(value) in (dict, bool)


def _is_text(value: Any) -> bool:
    return type(value) is str


def _is_flag(value: Any) -> bool:
    return type(value) is bool


def _schema_map(value: Any) -> bool:
    return type(value) is dict and all(_is_schema(each) for each in value.values())


def _schema_list(value: Any) -> bool:
    return type(value) is list and bool(value) and all(_is_schema(each) for each in value)


def _distinct(value: list[Any]) -> bool:
    return len({sign_of(each) for each in value}) == len(value)


_META: dict[str, Callable[[Any], bool]] = {
    "$ref": _is_text,
    "title": _is_text,
    "description": _is_text,
    "multipleOf": lambda value: is_number(value) and value > 0,
    "maximum": is_number,
    "minimum": is_number,
    "exclusiveMaximum": is_number,
    "exclusiveMinimum": is_number,
    "maxLength": _count,
    "minLength": _count,
    "pattern": lambda value: type(value) is str and is_regex(value),
    "items": _is_schema,
    "additionalItems": _is_schema,
    "maxItems": _count,
    "minItems": _count,
    "uniqueItems": _is_flag,
    "contains": _is_schema,
    "maxProperties": _count,
    "minProperties": _count,
    "required": _names_list,
    "additionalProperties": _is_schema,
    "properties": _schema_map,
    "patternProperties": _schema_map,
    "definitions": _schema_map,
    "propertyNames": _is_schema,
    "enum": lambda value: type(value) is list,
    "type": _type_word,
    "format": _is_text,
    "if": _is_schema,
    "then": _is_schema,
    "else": _is_schema,
    "allOf": _schema_list,
    "anyOf": _schema_list,
    "oneOf": _schema_list,
    "not": _is_schema,
}
_META_DRAFT4: dict[str, Callable[[Any], bool]] = {
    **{key: test for key, test in _META.items() if key not in ("contains", "propertyNames", "if", "then", "else")},
    "exclusiveMaximum": _is_flag,
    "exclusiveMinimum": _is_flag,
    "items": lambda value: type(value) is dict or (type(value) is list and all(type(e) is dict for e in value)),
    "not": lambda value: type(value) is dict,
    "required": lambda value: _names_list(value) and bool(value),
    "enum": lambda value: type(value) is list and bool(value) and _distinct(value),
}
_META_MODERN = {
    **_META,
    "prefixItems": _schema_list,
    "$defs": _schema_map,
    "dependentSchemas": _schema_map,
    "unevaluatedProperties": _is_schema,
    "unevaluatedItems": _is_schema,
    "deprecated": _is_flag,
    "readOnly": _is_flag,
    "writeOnly": _is_flag,
    "examples": lambda value: type(value) is list,
}
_META_MIDDLE = {
    **_META,
    "items": lambda value: _is_schema(value) or (type(value) is list and all(_is_schema(each) for each in value)),
    "readOnly": _is_flag,
    "examples": lambda value: type(value) is list,
}
_INNER = ["items", "additionalItems", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else"]
_INNER_LISTS = ("items", "allOf", "anyOf", "oneOf", "prefixItems")
_INNER_MAPS = ("properties", "patternProperties", "definitions", "$defs", "dependentSchemas")


class MetaCheck:
    """Whether schemas are schemas of their dialect, each object looked at once."""

    def __init__(self, dialect: str) -> None:
        self._tests = {"draft4": _META_DRAFT4, "draft2020-12": _META_MODERN, "draft2019-09": _META_MIDDLE}.get(
            dialect, _META_MIDDLE
        )
        self._draft4 = dialect == "draft4"
        self._sound: dict[int, Any] = {}

    def check(self, schema: Any, deadline: Deadline) -> None:
        """Raise :class:`BadSchema` naming the first keyword that is not what the dialect says."""
        stack = [schema]
        met: list[Any] = []
        while stack:
            here = stack.pop()
            if type(here) is not dict or id(here) in self._sound:
                continue
            self._sound[id(here)] = here
            met.append(here)
            if "pattern" in here:
                deadline.check()
            for key, value in here.items():
                test = self._tests.get(key)
                if test is not None and not test(value):
                    self._forget(met)
                    raise BadSchema(f"the schema is not valid: {key} is not what JSON Schema allows")
            if self._draft4 and any(key in here and key[9:].lower() not in here for key in _EXCLUSIVES):
                self._forget(met)
                raise BadSchema("the schema is not valid: an exclusive limit without its limit")
            for key in _INNER:
                if key in here:
                    stack.append(here[key])
            for key in _INNER_LISTS:
                if type(here.get(key)) is list:
                    stack.extend(here[key])
            for key in _INNER_MAPS:
                if type(here.get(key)) is dict:
                    stack.extend(here[key].values())

    def _forget(self, met: list[Any]) -> None:
        for each in met:
            self._sound.pop(id(each), None)


_EXCLUSIVES = ("exclusiveMaximum", "exclusiveMinimum")


# --- schema reading -----------------------------------------------------------------------------------------------


def _list_of(schema: dict[str, Any], name: str) -> list[Any]:
    value = schema[name]
    if type(value) is not list or not value:
        raise BadSchema(f"{name} must be a non-empty array")
    return value


def _number_in(schema: dict[str, Any], name: str) -> Any:
    value = schema[name]
    if not is_number(value):
        raise BadSchema(f"{name} must be number")
    return value


def _count_in(schema: dict[str, Any], name: str) -> int:
    value = schema[name]
    if not has_type(value, "integer") or value < 0:
        raise BadSchema(f"{name} must be a whole number, not negative")
    return int(value)


def _pattern_in(source: Any) -> Pattern:
    if type(source) is not str:
        raise BadSchema("pattern must be string")
    try:
        return compiled(source)
    except BadPattern as error:
        raise BadSchema(str(error)) from None


def _exclusive(name: str) -> str:
    return "exclusive" + name[0].upper() + name[1:]


def _shown(value: Any) -> str:
    return str(int(value)) if type(value) is float and value.is_integer() and abs(value) < 1e15 else str(value)


def _is_multiple(value: Any, divisor: Any) -> bool:
    try:
        quotient = value / divisor
    except OverflowError:
        return True
    return math.isfinite(quotient) and quotient == int(quotient)


# --- checks -------------------------------------------------------------------------------------------------------


def _accept(value: Any, path: Path, run: Run) -> bool:
    return True


def _refuse(value: Any, path: Path, run: Run) -> bool:
    run.faults.append(Fault("false schema", path, "boolean schema is false"))
    return False


def _type_only(types: list[str], message: str) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        for name in types:
            if has_type(value, name):
                return True
        run.faults.append(Fault("type", path, message))
        return False

    return check


def _grouped(
    groups: list[tuple[str | None, list[Check]]], types: list[str], typed: bool, message: str, everything: bool
) -> Check:
    """The keyword groups of one schema in ajv's order: any type, numbers, strings, arrays, objects."""

    def check(value: Any, path: Path, run: Run) -> bool:
        run.enter()
        good = True
        if types and not typed and not any(has_type(value, name) for name in types):
            run.faults.append(Fault("type", path, message))
            good = False
        for name, checks in groups:
            if not good and name is not None and not everything:
                break
            if name is None or has_type(value, name):
                for each in checks:
                    if not each(value, path, run):
                        good = False
                        if not everything:
                            break
            elif typed and types[0] == name:
                run.faults.append(Fault("type", path, message))
                good = False
        run.depth -= 1
        return good

    return check


def _simple(keyword: str, message: str, test: Callable[[Any], bool]) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        if test(value):
            return True
        run.faults.append(Fault(keyword, path, message))
        return False

    return check


def _limit(keyword: str, limit: Any, fails: Callable[[Any, Any], bool], message: str) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        if not fails(value, limit):
            return True
        run.faults.append(Fault(keyword, path, message))
        return False

    return check


def _enum(values: Any) -> Check:
    if type(values) is not list:
        raise BadSchema("enum must be array")
    simple = {value for value in values if type(value) is str}
    others = [value for value in values if type(value) is not str]
    shown = ", ".join(repr(value) if type(value) is str else str(value) for value in values[:10])
    message = f"must be equal to one of the allowed values: {shown}"

    def check(value: Any, path: Path, run: Run) -> bool:
        if type(value) is str:
            if value in simple:
                return True
        elif any(same(value, each) for each in others):
            return True
        run.faults.append(Fault("enum", path, message))
        return False

    return check


def _pattern(pattern: Pattern) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        if pattern.search(value):
            return True
        run.faults.append(Fault("pattern", path, f'must match pattern "{pattern.source}"'))
        return False

    return check


def _negation(inner: Check) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        before = len(run.faults)
        if inner(value, path, run):
            run.faults.append(Fault("not", path, "must NOT be valid"))
            return False
        del run.faults[before:]
        return True

    return check


def _any_of(branches: list[Check]) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        before = len(run.faults)
        for branch in branches:
            if branch(value, path, run):
                del run.faults[before:]
                return True
        run.faults.append(Fault("anyOf", path, "must match a schema in anyOf"))
        return False

    return check


def _one_of(branches: list[Check]) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        before = len(run.faults)
        passing = 0
        for branch in branches:
            if branch(value, path, run):
                passing += 1
                if passing > 1:
                    break
        if passing == 1:
            del run.faults[before:]
            return True
        run.faults.append(Fault("oneOf", path, "must match exactly one schema in oneOf"))
        return False

    return check


def _all_of(branches: list[Check], everything: bool) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        good = True
        for branch in branches:
            if not branch(value, path, run):
                good = False
                if not everything:
                    break
        return good

    return check


def _conditional(test: Check, yes: Check, no: Check) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        before = len(run.faults)
        holds = test(value, path, run)
        del run.faults[before:]
        if (yes if holds else no)(value, path, run):
            return True
        run.faults.append(Fault("if", path, f'must match "{"then" if holds else "else"}" schema'))
        return False

    return check


def sign_of(value: Any) -> Any:
    """A hashable stand-in: two values have the same one exactly when they are equal as JSON."""
    kind = type(value)
    if kind is dict:
        return dict, frozenset((key, sign_of(each)) for key, each in value.items())
    if kind is list:
        return list, tuple(sign_of(each) for each in value)
    if kind is int or kind is float:
        return float, value
    return kind, value


def _unique(value: Any, path: Path, run: Run) -> bool:
    seen: set[Any] = set()
    for item in value:
        run.deadline.tick()
        sign = sign_of(item)
        if sign in seen:
            run.faults.append(Fault("uniqueItems", path, "must NOT have duplicate items"))
            return False
        seen.add(sign)
    return True


def _positional(checks: list[Check], everything: bool) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        good = True
        for number, (each, item) in enumerate(zip(checks, value, strict=False)):
            if not each(item, (*path, number), run):
                good = False
                if not everything:
                    break
        return good

    return check


def _each(inner: Check, start: int, everything: bool) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        good = True
        if inner is _accept:
            return True
        for number in range(start, len(value)):
            if not inner(value[number], (*path, number), run):
                good = False
                if not everything:
                    break
        return good

    return check


def _contains(inner: Check) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        before = len(run.faults)
        for number, item in enumerate(value):
            if inner(item, (*path, number), run):
                del run.faults[before:]
                return True
        run.faults.append(Fault("contains", path, "must contain at least 1 valid item(s)"))
        return False

    return check


def _required(names: list[str], everything: bool) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        good = True
        for name in names:
            if name not in value:
                run.faults.append(Fault("required", path, f"must have required property '{name}'"))
                good = False
                if not everything:
                    break
        return good

    return check


def _names(inner: Check) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        for name in value:
            if not inner(name, path, run):
                run.faults.append(Fault("propertyNames", path, "property name must be valid"))
                return False
        return True

    return check


def _additional(known: frozenset[str], patterns: list[Pattern], inner: Check | None, everything: bool) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        good = True
        for name, item in value.items():
            if name in known or any(pattern.search(name) for pattern in patterns):
                continue
            if inner is None:
                run.faults.append(Fault("additionalProperties", path, f'Property "{name}" is not expected to be here'))
            elif inner(item, (*path, name), run):
                continue
            good = False
            if not everything:
                break
        return good

    return check


def _properties(named: list[tuple[str, Check]], everything: bool) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        good = True
        for name, inner in named:
            if name in value and not inner(value[name], (*path, name), run):
                good = False
                if not everything:
                    break
        return good

    return check


def _pattern_properties(matching: list[tuple[Pattern, Check]], everything: bool) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        good = True
        for pattern, inner in matching:
            for name, item in value.items():
                if pattern.search(name) and not inner(item, (*path, name), run):
                    good = False
                    if not everything:
                        return False
        return good

    return check


def _when_present(name: str, inner: Check) -> Check:
    def check(value: Any, path: Path, run: Run) -> bool:
        return name not in value or inner(value, path, run)

    return check


# --- reporting ------------------------------------------------------------------------------------------------------


def reported(faults: list[Fault]) -> list[Fault]:
    """The faults worth telling: where an `anyOf` failed and there are faults below it, those speak for it; where only
    enumerations failed beside other faults, the others do."""
    root = _Spot()
    for fault in faults:
        spot = root
        for step in _steps(fault.path):
            spot = spot.below.setdefault(step, _Spot())
        spot.faults.append(fault)
    _drop_redundant(root)
    out: list[Fault] = []
    stack = [root]
    while stack:
        spot = stack.pop()
        if spot.faults and all(fault.keyword == "enum" for fault in spot.faults):
            out.append(spot.faults[0])
        else:
            out.extend(spot.faults)
        stack.extend(reversed(list(spot.below.values())))
    return out


def _steps(path: Path) -> list[Any]:
    """The path in Spectral's grouping: an index belongs to the name before it, and the whole value stands beside its
    parts, not above them."""
    if not path:
        return [""]
    steps: list[Any] = []
    at = 0
    while at < len(path):
        if at + 1 < len(path) and str(path[at + 1]).isdigit():
            steps.append((path[at], path[at + 1]))
            at += 2
        else:
            steps.append(path[at])
            at += 1
    return steps


class _Spot:
    __slots__ = ("below", "faults")

    def __init__(self) -> None:
        self.below: dict[Any, _Spot] = {}
        self.faults: list[Fault] = []


def _drop_redundant(root: _Spot) -> None:
    stack: list[tuple[_Spot, _Spot | None, Any]] = [(root, None, None)]
    while stack:
        spot, above, key = stack.pop()
        if above is not None and key not in above.below:
            continue
        if spot.below and any(fault.keyword == "anyOf" for fault in spot.faults):
            spot.faults = []
        enums = spot.faults and all(fault.keyword == "enum" for fault in spot.faults)
        if enums and above is not None and len(above.below) > 1:
            del above.below[key]
            continue
        stack.extend((child, spot, name) for name, child in reversed(list(spot.below.items())))


def validate(check: Check, value: Any, deadline: Deadline) -> list[Fault]:
    """The faults of `value` that are worth telling; empty when it is valid."""
    run = Run(deadline)
    try:
        if check(value, (), run):
            return []
    except (BadSchema, Unresolvable):
        return []
    except RecursionError:
        raise OutOfTime("the schema recurses too deep") from None
    return reported(run.faults)
