"""The functions a rule may call: Spectral's core set. Each says which values it judges; others it lets pass.

A function is prepared once, when a ruleset is read: its options are checked then, so a mistake in a ruleset is told to
its author and never to a supplier. There is no way to add a function from a ruleset: the set is closed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from market.openapi import schemas
from market.openapi.filters import number_of, strictly_equal, truthy
from market.openapi.graph import MISSING, Graph, Match, View, pointer_steps
from market.openapi.limits import Deadline
from market.openapi.patterns import BadPattern, from_option


class BadOptions(Exception):
    """The options of a function are not what it takes."""


class Hit(NamedTuple):
    """A judgement against a value: what is wrong, and where below the value (or, `absolute`, in the document)."""

    message: str
    steps: tuple[Any, ...] = ()
    absolute: bool = False


class Call:
    """One value put before a function, with what surrounds it."""

    __slots__ = ("deadline", "formats", "graph", "match", "memory", "steps", "value", "view", "zone")

    def __init__(
        self,
        match: Match,
        value: Any,
        steps: tuple[Any, ...],
        view: View,
        formats: frozenset[str],
        deadline: Deadline,
        memory: dict[Any, Any],
    ) -> None:
        self.match = match
        self.value = value
        self.steps = steps
        self.view = view
        self.graph: Graph = view.graph
        self.formats = formats
        self.deadline = deadline
        self.memory = memory
        self.zone = ""

    def plain(self) -> Any:
        """The value with every reference inside it followed."""
        return self.view.plain_value(self.match) if type(self.value) in (dict, list) else self.value

    @property
    def name(self) -> str:
        """How a message names the value: its property, or the document."""
        last = self.steps[-1] if self.steps else self.match.key
        return "The document" if last is None else f'"{last}" property'


class Plainly:
    """A judgement that most values pass at once: `passes` decides, and only a refused value is talked about."""

    __slots__ = ("_say", "passes")

    def __init__(self, passes: Callable[[Any], bool], say: Callable[[Call], Hit]) -> None:
        self.passes = passes
        self._say = say

    def __call__(self, call: Call) -> list[Hit] | None:
        return None if self.passes(call.value) else [self._say(call)]


Judge = Callable[[Call], Iterable[Hit] | None]
Maker = Callable[[dict[str, Any]], Judge]


def shown(value: Any) -> str:
    """A value in a message, short."""
    if value is MISSING:
        return "undefined"
    if type(value) is dict:
        return "Object{}"
    if type(value) is list:
        return "Array[]"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else text[:117] + "…"


def only(options: dict[str, Any], **known: Callable[[Any], bool]) -> None:
    """Refuse (BadOptions) an option that is not among `known`, or a value that its test does not accept."""
    for name, value in options.items():
        if name not in known:
            raise BadOptions(f'does not take the option "{name}"')
        if not known[name](value):
            raise BadOptions(f'does not accept this value of the option "{name}"')


def no_options(options: dict[str, Any]) -> None:
    """Refuse (BadOptions) any option: the function takes none."""
    if options:
        raise BadOptions("takes no options")


def _text(value: Any) -> bool:
    return type(value) is str


def _flag(value: Any) -> bool:
    return type(value) is bool


def _texts(value: Any) -> bool:
    return type(value) is list and all(type(each) is str for each in value)


def make_truthy(options: dict[str, Any]) -> Judge:
    """Refuses absent, null, false, zero and empty text."""
    no_options(options)
    return Plainly(truthy, lambda call: Hit(f"{call.name} must be present and not empty"))


def make_falsy(options: dict[str, Any]) -> Judge:
    """Refuses anything that is not absent, null, false, zero or empty text."""
    no_options(options)
    return Plainly(lambda value: not truthy(value), lambda call: Hit(f"{call.name} must be absent or empty"))


def make_defined(options: dict[str, Any]) -> Judge:
    """Refuses absence; null is present."""
    no_options(options)
    return Plainly(lambda value: value is not MISSING, lambda call: Hit(f"{call.name} must be present"))


def make_undefined(options: dict[str, Any]) -> Judge:
    """Refuses presence."""
    no_options(options)
    return Plainly(lambda value: value is MISSING, lambda call: Hit(f"{call.name} must not be present"))


def make_pattern(options: dict[str, Any]) -> Judge:
    """Text must contain `match` and must not contain `notMatch`; other values pass."""
    only(options, match=_text, notMatch=_text)
    if not options:
        raise BadOptions('needs "match" or "notMatch"')
    try:
        wanted = from_option(options["match"]) if "match" in options else None
        barred = from_option(options["notMatch"]) if "notMatch" in options else None
    except BadPattern as error:
        raise BadOptions(str(error)) from None

    def judge(call: Call) -> list[Hit] | None:
        value = call.value
        if type(value) is not str:
            return None
        hits = []
        if wanted is not None and not wanted.search(value):
            hits.append(Hit(f"{shown(value)} must match the pattern {options['match']}"))
        if barred is not None and barred.search(value):
            hits.append(Hit(f"{shown(value)} must not match the pattern {options['notMatch']}"))
        return hits

    return judge


def make_enumeration(options: dict[str, Any]) -> Judge:
    """A scalar must be one of `values`."""
    only(options, values=lambda value: type(value) is list and not any(type(v) in (dict, list) for v in value))
    if "values" not in options:
        raise BadOptions('needs "values"')
    values = options["values"]
    words = ", ".join(shown(each) for each in values)

    def judge(call: Call) -> list[Hit] | None:
        value = call.value
        if value is MISSING or type(value) in (dict, list) or any(strictly_equal(value, each) for each in values):
            return None
        return [Hit(f"{shown(value)} must be one of {words}")]

    return judge


def make_length(options: dict[str, Any]) -> Judge:
    """The size of text, a list or an object, or the value of a number, must lie between `min` and `max`."""
    only(options, min=schemas.is_number, max=schemas.is_number)
    if not options:
        raise BadOptions('needs "min" or "max"')
    least, most = options.get("min"), options.get("max")

    def judge(call: Call) -> list[Hit] | None:
        value = call.value
        if type(value) in (str, list, dict):
            size: Any = len(value)
        elif schemas.is_number(value):
            size = value
        else:
            return None
        hits = []
        if least is not None and size < least:
            hits.append(Hit(f"{call.name} must not be shorter than {shown(least)}"))
        if most is not None and size > most:
            hits.append(Hit(f"{call.name} must not be longer than {shown(most)}"))
        return hits

    return judge


_CASES = {
    "flat": "[a-z][a-z{d}]*",
    "camel": "[a-z][a-z{d}]*(?:[A-Z{d}](?:[a-z{d}]+|$))*",
    "pascal": "[A-Z][a-z{d}]*(?:[A-Z{d}](?:[a-z{d}]+|$))*",
    "kebab": "[a-z][a-z{d}]*(?:-[a-z{d}]+)*",
    "cobol": "[A-Z][A-Z{d}]*(?:-[A-Z{d}]+)*",
    "snake": "[a-z][a-z{d}]*(?:_[a-z{d}]+)*",
    "macro": "[A-Z][A-Z{d}]*(?:_[A-Z{d}]+)*",
}


def make_casing(options: dict[str, Any]) -> Judge:
    """Text must be written in a case: flat, camel, pascal, kebab, cobol, snake or macro."""
    only(
        options,
        type=lambda value: type(value) is str and value in _CASES,
        disallowDigits=_flag,
        separator=lambda value: (
            type(value) is dict
            and type(value.get("char")) is str
            and len(value["char"]) <= 1
            and set(value) <= {"char", "allowLeading"}
            and type(value.get("allowLeading", False)) is bool
        ),
    )
    if "type" not in options:
        raise BadOptions('needs "type"')
    body = _CASES[options["type"]].replace("{d}", "" if options.get("disallowDigits") else "0-9")
    separator = options.get("separator")
    lead = ""
    if separator is None:
        source = f"^{body}$"
    else:
        mark = "[" + ("\\" if separator["char"] and separator["char"] in "\\]^-[" else "") + separator["char"] + "]"
        lead = separator["char"] if separator.get("allowLeading") else ""
        source = f"^{mark + '?' if lead else ''}{body}(?:{mark}{body})*$"
    try:
        pattern = from_option(source)
    except BadPattern as error:
        raise BadOptions(str(error)) from None

    def judge(call: Call) -> list[Hit] | None:
        value = call.value
        if type(value) is not str or not value or (lead and value == lead) or pattern.search(value):
            return None
        return [Hit(f"{shown(value)} must be written in {options['type']} case")]

    return judge


def _order(a: Any, b: Any) -> float:
    """Compares as Spectral does: numbers and numeric text by value, text by collation."""
    if (type(a) is not str or number_of(a) != number_of(a)) and (type(b) is not str or number_of(b) == number_of(b)):
        left, right = number_of(a), number_of(b)
        return left - right if left == left and right == right else 0
    if type(a) is not str or type(b) is not str:
        return 0
    left_key, right_key = _collated(a), _collated(b)
    return (left_key > right_key) - (left_key < right_key)


def _collated(text: str) -> tuple[list[tuple[int, str]], str]:
    """Punctuation before digits before letters, capitals after small letters: close to the ICU root collation."""
    ranks = []
    for sign in text:
        if sign.isalpha():
            ranks.append((2, sign.lower()))
        elif sign.isdigit():
            ranks.append((1, sign))
        else:
            ranks.append((0, {"_": "\x01", "-": "\x02", ",": "\x03"}.get(sign, sign)))
    return ranks, text.swapcase()


def make_alphabetical(options: dict[str, Any]) -> Judge:
    """Keys of an object, or items of a list (by their `keyedBy` member), must be in order."""
    only(options, keyedBy=_text)
    keyed = options.get("keyedBy")

    def judge(call: Call) -> list[Hit] | None:
        value = call.value
        if type(value) not in (dict, list):
            return None
        items: list[Any] = list(value)
        if len(items) < 2:
            return None
        if keyed is not None:
            members = []
            for item in items:
                item = call.view.deref(item)
                if type(item) not in (dict, list):
                    return [Hit(f"{call.name} must hold objects")]
                members.append(item.get(keyed, MISSING) if type(item) is dict else MISSING)
            items = members
        if not all(type(item) is str or schemas.is_number(item) for item in items):
            return [Hit(f"{call.name} must hold text or numbers")]
        for number in range(len(items) - 1):
            if _order(items[number], items[number + 1]) >= 1:
                if keyed is not None:
                    return [Hit("entries must be in alphabetical order")]
                step = number if type(value) is list else items[number]
                return [Hit(f"{shown(items[number])} must be placed after {shown(items[number + 1])}", (step,))]
        return None

    return judge


def _properties(options: dict[str, Any]) -> list[str]:
    only(options, properties=lambda value: _texts(value) and len(value) >= 2)
    if "properties" not in options:
        raise BadOptions('needs "properties", at least two')
    names: list[str] = options["properties"]
    return names


def _one_of_words(names: list[str]) -> str:
    return "at least one of " + ", ".join(f'"{name}"' for name in names) + " must be present"


def make_or(options: dict[str, Any]) -> Judge:
    """An object must have at least one of `properties`."""
    names = _properties(options)

    def judge(call: Call) -> list[Hit] | None:
        if type(call.value) is not dict or any(name in call.value for name in names):
            return None
        return [Hit(_one_of_words(names))]

    return judge


def make_xor(options: dict[str, Any]) -> Judge:
    """An object must have exactly one of `properties`."""
    names = _properties(options)

    def judge(call: Call) -> list[Hit] | None:
        if type(call.value) is not dict:
            return None
        present = [name for name in names if name in call.value]
        if not present:
            return [Hit(_one_of_words(names))]
        if len(present) > 1:
            return [Hit("only one of " + " and ".join(f'"{name}"' for name in present) + " may be present")]
        return None

    return judge


_DRAFTS = {
    "http://json-schema.org/draft-04/schema": "draft4",
    "http://json-schema.org/draft-06/schema": "draft6",
    "http://json-schema.org/draft-07/schema": "draft7",
    "https://json-schema.org/draft/2019-09/schema": "draft2019-09",
    "https://json-schema.org/draft/2020-12/schema": "draft2020-12",
}
DIALECTS = ("auto", "draft4", "draft6", "draft7", "draft2019-09", "draft2020-12")


def dialect_of(schema: Any, otherwise: str = "draft7") -> str:
    """The draft a schema declares in `$schema`."""
    declared = schema.get("$schema") if type(schema) is dict else None
    return _DRAFTS.get(
        str(declared).rstrip("#").replace("https://json-schema.org/draft-", "http://json-schema.org/draft-"), otherwise
    )


def faults_to_hits(faults: list[schemas.Fault], call: Call, below: tuple[Any, ...] = ()) -> list[Hit]:
    """Schema faults as judgements, named after the property they concern."""
    hits = []
    for fault in faults:
        steps = below + fault.path
        last = steps[-1] if steps else (call.steps[-1] if call.steps else call.match.key)
        bare = fault.keyword in ("additionalProperties", "errorMessage")
        name = "The value" if last is None else f"Item {last}" if type(last) is int else f'"{last}" property'
        hits.append(Hit(fault.message if bare else f"{name} {fault.message}", steps))
    return hits


def make_schema(options: dict[str, Any]) -> Judge:
    """The value must be valid against a JSON Schema; an absent value is refused."""
    only(
        options,
        schema=lambda value: type(value) is dict,
        dialect=lambda value: value in DIALECTS,
        allErrors=_flag,
        prepareResults=lambda value: False,
    )
    if "schema" not in options:
        raise BadOptions('needs "schema"')
    schema = options["schema"]
    dialect = options.get("dialect", "auto")
    if dialect == "auto":
        dialect = dialect_of(schema)
    try:
        check = schemas.Compiler(dialect, bool(options.get("allErrors"))).compile(inlined(schema))
    except (schemas.BadSchema, schemas.Unresolvable) as error:
        raise BadOptions(f"holds a schema that cannot be used: {error}") from None

    def judge(call: Call) -> list[Hit] | None:
        if call.value is MISSING:
            return [Hit(f"{call.name} must exist")]
        return faults_to_hits(schemas.validate(check, call.plain(), call.deadline), call)

    return judge


def inlined(schema: Any, budget: int = 5_000) -> Any:
    """A ruleset's schema with its own `#/definitions/…` references replaced. Circular ones are refused."""
    spent = 0

    def walk(value: Any, inside: tuple[str, ...]) -> Any:
        nonlocal spent
        spent += 1
        if spent > budget or len(inside) > 20:
            raise schemas.BadSchema("its references do not end")
        if type(value) is dict:
            pointer = value.get("$ref")
            if type(pointer) is str and pointer.startswith("#"):
                if pointer in inside:
                    raise schemas.BadSchema(f"{pointer} refers to itself")
                target = schema
                for step in pointer_steps(pointer):
                    if type(target) is not dict or step not in target:
                        raise schemas.BadSchema(f"{pointer} does not exist")
                    target = target[step]
                return walk(target, (*inside, pointer))
            return {key: walk(each, inside) for key, each in value.items()}
        if type(value) is list:
            return [walk(each, inside) for each in value]
        return value

    return walk(schema, ())


def unreferenced(call: Call, location: str, names: Iterable[str]) -> list[Hit]:
    """The named reusable objects at `location` (`#/components/schemas`) that no reference in the document mentions."""
    mentioned = call.memory.get("mentioned")
    if mentioned is None:
        mentioned = {tuple(pointer_steps(pointer)) for pointer in call.graph.referenced}
        call.memory["mentioned"] = mentioned
    base = tuple(pointer_steps(location))
    return [
        Hit("is defined but nothing refers to it", (*base, name), True)
        for name in names
        if (*base, name) not in mentioned
    ]


def make_unreferenced(options: dict[str, Any]) -> Judge:
    """Each reusable object must be referred to somewhere in the document."""
    only(options, reusableObjectsLocation=lambda value: type(value) is str and value.startswith("#"))
    if "reusableObjectsLocation" not in options:
        raise BadOptions('needs "reusableObjectsLocation"')
    location = options["reusableObjectsLocation"]
    return lambda call: unreferenced(call, location, list(call.value)) if type(call.value) is dict else None


def json_type(value: Any, integers: bool) -> str:
    """The JSON Schema type of a value; `integer` for whole numbers when asked."""
    if value is None:
        return "null"
    kind = type(value)
    if kind in (int, float):
        return "integer" if integers and (kind is int or value.is_integer()) else "number"
    return {str: "string", bool: "boolean", list: "array"}.get(kind, "object")


def make_typed_enum(options: dict[str, Any]) -> Judge:
    """Each value of an `enum` must have the `type` beside it."""
    no_options(options)

    def judge(call: Call) -> list[Hit] | None:
        value = call.plain()
        if type(value) is not dict or type(value.get("enum")) is not list or "type" not in value:
            return None
        types = value["type"]
        if type(types) is not str and not _texts(types):
            return None
        wanted = {types} if type(types) is str else set(types)
        if ("oas3.0" in call.formats and value.get("nullable") is True) or (
            "oas2" in call.formats and value.get("x-nullable") is True
        ):
            wanted.add("null")
        integers = "integer" in wanted
        return [
            Hit(f"Enum value {shown(each)} must be {' or '.join(sorted(wanted))}", ("enum", number))
            for number, each in enumerate(value["enum"])
            if json_type(each, integers) not in wanted
        ]

    return judge


CORE: dict[str, Maker] = {
    "alphabetical": make_alphabetical,
    "casing": make_casing,
    "defined": make_defined,
    "enumeration": make_enumeration,
    "falsy": make_falsy,
    "length": make_length,
    "or": make_or,
    "pattern": make_pattern,
    "schema": make_schema,
    "truthy": make_truthy,
    "typedEnum": make_typed_enum,
    "undefined": make_undefined,
    "unreferencedReusableObject": make_unreferenced,
    "xor": make_xor,
}
