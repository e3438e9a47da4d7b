"""The conditions of JSONPath filters `[?( … )]`: a small JavaScript expression language, parsed and made closures of.

Only what rulesets use: `@` and its relatives, members, comparison, logic, arithmetic, literals, and a closed list of
string and array methods. There is no assignment, no function value and no name that leads outside the document, so
a condition can compute but never act. A condition that would throw in JavaScript (a member of null or undefined) is
*no match* here, and noted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from market.openapi import limits
from market.openapi.graph import MISSING, View
from market.openapi.patterns import BadPattern, Pattern, compiled


class BadFilter(Exception):
    """The condition is outside the language."""


class Thrown(Exception):
    """JavaScript would have thrown here."""


class Env:
    """What `@` and its relatives mean at one entry."""

    __slots__ = ("key", "parent", "parent_key", "path", "root", "value", "view")

    def __init__(self, view: View) -> None:
        self.view = view
        self.root: Any = view.graph.data
        self.value: Any = None
        self.key: Any = None
        self.parent: Any = MISSING
        self.parent_key: Any = MISSING
        self.path: Callable[[], str] = lambda: "$"


Closure = Callable[[Env], Any]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>0x[0-9a-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)
    | (?P<name>[@A-Za-z_$][@\w$]*)
    | (?P<string>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<sign>===|!==|==|!=|<=|>=|&&|\|\||\?\?|\?\.|~=|[-+*/%<>!?:.,()\[\]])
    )""",
    re.VERBOSE | re.DOTALL,
)
_LEVELS = [("||", "??"), ("&&",), ("===", "!==", "==", "!=", "~="), ("<", ">", "<=", ">=", "in", "instanceof")]
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0"}
MAX_DEPTH = 60


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition ready to run. `needs` is what must hold for it to be true at all: each set lists keys of which the
    value must hold at least one; `key` is the only key it can be true for, when it says so."""

    source: str
    run: Closure
    needs: tuple[frozenset[str], ...] = ()
    key: str | None = None
    uses: frozenset[str] = field(default_factory=frozenset)

    def __call__(self, env: Env) -> bool:
        return truthy(self.run(env))


def truthy(value: Any) -> bool:
    """JavaScript's truth: false for undefined, null, false, 0, NaN and the empty string; true for [] and {}."""
    kind = type(value)
    if kind is dict or kind is list:
        return True
    if kind is float and math.isnan(value):
        return False
    return bool(value)


def parse(source: str) -> Filter:
    """Read a condition. Refused as :class:`BadFilter` with what is not understood."""
    reader = _Parser(source)
    tree = reader.expression()
    reader.end()
    _measure(tree)
    run = _build(tree)
    needs, key = _needs(tree)
    return Filter(source, run, tuple(needs), key, frozenset(_uses(tree)))


Tree = tuple[Any, ...]


class _Parser:
    def __init__(self, source: str) -> None:
        self.source = source
        self.at = 0
        self.depth = 0

    def peek(self) -> tuple[str, str, int]:
        match = _TOKEN.match(self.source, self.at)
        if match is None or match.end() == self.at:
            rest = self.source[self.at :].strip()
            if not rest:
                return "end", "", len(self.source)
            return "other", rest[0], self.at
        kind = match.lastgroup or "end"
        return kind, match.group(kind), match.end()

    def take(self, *signs: str) -> str | None:
        kind, text, end = self.peek()
        if kind in ("sign", "name") and text in signs:
            self.at = end
            return text
        return None

    def need(self, sign: str) -> None:
        if self.take(sign) is None:
            raise BadFilter(f"expected {sign!r} at character {self.at} of {self.source!r}")

    def end(self) -> None:
        kind, text, _ = self.peek()
        if kind != "end":
            raise BadFilter(f"{text!r} is not understood at character {self.at} of {self.source!r}")

    def expression(self) -> Tree:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise BadFilter("the condition nests too deep")
        test = self.level(0)
        if self.take("?"):
            yes = self.expression()
            self.need(":")
            no = self.expression()
            test = ("if", test, yes, no)
        self.depth -= 1
        return test

    def level(self, number: int) -> Tree:
        if number == len(_LEVELS):
            return self.sum()
        left = self.level(number + 1)
        while (sign := self.take(*_LEVELS[number])) is not None:
            left = ("op", sign, left, self.level(number + 1))
        return left

    def sum(self) -> Tree:
        left = self.product()
        while (sign := self.take("+", "-")) is not None:
            left = ("op", sign, left, self.product())
        return left

    def product(self) -> Tree:
        left = self.unary()
        while (sign := self.take("*", "/", "%")) is not None:
            left = ("op", sign, left, self.unary())
        return left

    def unary(self) -> Tree:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise BadFilter("the condition nests too deep")
        sign = self.take("!", "-", "+", "typeof", "void")
        made = ("unary", sign, self.unary()) if sign is not None else self.member()
        self.depth -= 1
        return made

    def member(self) -> Tree:
        left = self.primary()
        while True:
            if self.take("?."):
                kind, name, end = self.peek()
                if kind != "name":
                    raise BadFilter(f"a name must follow ?. in {self.source!r}")
                self.at = end
                left = ("get?", left, ("value", name))
            elif self.take("."):
                kind, name, end = self.peek()
                if kind != "name":
                    raise BadFilter(f"a name must follow the dot at character {self.at} of {self.source!r}")
                self.at = end
                left = ("get", left, ("value", name))
            elif self.take("["):
                inner = self.expression()
                self.need("]")
                left = ("get", left, inner)
            elif self.take("("):
                arguments: list[Tree] = []
                if not self.take(")"):
                    arguments.append(self.expression())
                    while self.take(","):
                        arguments.append(self.expression())
                    self.need(")")
                left = ("call", left, tuple(arguments))
            else:
                return left

    def primary(self) -> Tree:
        kind, text, end = self.peek()
        if kind == "sign" and text == "/":
            return self.regular(end)
        if kind == "sign" and text == "(":
            self.at = end
            inner = self.expression()
            self.need(")")
            return inner
        if kind == "sign" and text == "[":
            self.at = end
            items: list[Tree] = []
            if not self.take("]"):
                items.append(self.expression())
                while self.take(","):
                    items.append(self.expression())
                self.need("]")
            return ("list", tuple(items))
        if kind == "number":
            self.at = end
            number = int(text, 16) if text.startswith("0x") else float(text)
            return ("value", int(number) if float(number).is_integer() else number)
        if kind == "string":
            self.at = end
            return ("value", _unquoted(text))
        if kind == "name":
            self.at = end
            return _named(text, self.source)
        raise BadFilter(f"{text or 'the end'!r} is not understood at character {self.at} of {self.source!r}")

    def regular(self, start: int) -> Tree:
        at, in_class = start, False
        while at < len(self.source):
            sign = self.source[at]
            if sign == "\\":
                at += 1
            elif sign == "[":
                in_class = True
            elif sign == "]":
                in_class = False
            elif sign == "/" and not in_class:
                break
            at += 1
        else:
            raise BadFilter(f"the regular expression does not end in {self.source!r}")
        flags = re.compile(r"[a-z]*").match(self.source, at + 1)
        text = flags.group() if flags else ""
        body = self.source[start:at]
        self.at = at + 1 + len(text)
        try:
            return ("value", compiled(body, text))
        except BadPattern as error:
            raise BadFilter(str(error)) from None


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match.group(1), match.group(1)), text[1:-1], flags=re.DOTALL)


_CONSTANTS: dict[str, Any] = {
    "true": True,
    "false": False,
    "null": None,
    "undefined": MISSING,
    "NaN": math.nan,
    "Infinity": math.inf,
}
_AT = {"@", "@property", "@parent", "@parentProperty", "@path", "@root", "$", "index"}
_SHORTHANDS: dict[str, Callable[[Any], bool]] = {
    "@string": lambda v: type(v) is str,
    "@number": lambda v: type(v) in (int, float),
    "@boolean": lambda v: type(v) is bool,
    "@scalar": lambda v: type(v) not in (dict, list),
    "@array": lambda v: type(v) is list,
    "@null": lambda v: v is None,
    "@object": lambda v: type(v) in (dict, list),
    "@integer": lambda v: type(v) is int or (type(v) is float and v.is_integer()),
}


def _named(name: str, source: str) -> Tree:
    if name in _CONSTANTS:
        return ("value", _CONSTANTS[name])
    if name in _AT:
        return ("at", "@property" if name == "index" else "@root" if name == "$" else name)
    if name in _SHORTHANDS:
        return ("short", name)
    if name in ("Object", "Array", "Number", "String"):
        return ("global", name)
    raise BadFilter(f"{name!r} is not known in {source!r}")


# --- running ---------------------------------------------------------------------------------------------------


def _build(tree: Tree) -> Closure:
    kind = tree[0]
    if kind == "value":
        constant = tree[1]
        return lambda env: constant
    if kind == "at":
        return _relative(tree[1])
    if kind == "short":
        test = _SHORTHANDS[tree[1]]
        return lambda env: test(env.value)
    if kind == "if":
        condition, yes, no = (_build(part) for part in tree[1:])
        return lambda env: yes(env) if truthy(condition(env)) else no(env)
    if kind == "list":
        items = [_build(part) for part in tree[1]]
        return lambda env: [item(env) for item in items]
    if kind == "unary":
        return _unary(tree[1], _build(tree[2]))
    if kind == "op":
        return _binary(tree[1], tree[2], tree[3])
    if kind == "get" or kind == "get?":
        return _getter(tree)
    if kind == "call":
        return _call(tree)
    raise BadFilter("a name stands alone that only makes sense before a dot")


def _relative(name: str) -> Closure:
    if name == "@":
        return lambda env: env.value
    if name == "@property":
        return lambda env: env.key
    if name == "@parent":
        return lambda env: env.parent
    if name == "@parentProperty":
        return lambda env: env.parent_key
    if name == "@path":
        return lambda env: env.path()
    return lambda env: env.root


def _getter(tree: Tree) -> Closure:
    if tree[1][0] == "global":
        raise BadFilter(f"{tree[1][1]} can only be called")
    source = _build(tree[1])
    lenient = tree[0] == "get?"
    if tree[2][0] == "value" and isinstance(tree[2][1], str):
        name = tree[2][1]

        def by_name(env: Env) -> Any:
            value = source(env)
            if type(value) is dict:
                found = value.get(name, MISSING)
                if type(found) is dict and "$ref" in found:
                    return env.view.deref(found)
                if found is MISSING and name == "constructor":
                    return _Constructor(value)
                return found
            if lenient and (value is None or value is MISSING):
                return MISSING
            return _member(value, name)

        return by_name
    key = _build(tree[2])

    def by_key(env: Env) -> Any:
        value, name = source(env), key(env)
        if type(value) is dict:
            return env.view.deref(value.get(text_of(name), MISSING))
        if type(value) is list:
            if type(name) is int and 0 <= name < len(value):
                return env.view.deref(value[name])
            return _member(value, text_of(name))
        return _member(value, text_of(name))

    return by_key


class _Constructor:
    """What `.constructor` answers; only its name can be asked."""

    def __init__(self, of: Any) -> None:
        kind = type(of)
        if kind is list:
            self.name = "Array"
        elif kind is str:
            self.name = "String"
        elif kind is bool:
            self.name = "Boolean"
        elif kind in (int, float):
            self.name = "Number"
        else:
            self.name = "Object"


def _member(value: Any, name: str) -> Any:
    if value is None or value is MISSING:
        raise Thrown(f"cannot read {name} of {'null' if value is None else 'undefined'}")
    if isinstance(value, _Constructor):
        return value.name if name == "name" else MISSING
    if name == "constructor":
        return _Constructor(value)
    if (type(value) is str and (name in _STRING_METHODS or name in _PATTERN_METHODS)) or (
        type(value) is list and name in _LIST_METHODS
    ):
        return _METHOD
    if name == "length" and type(value) in (str, list):
        return len(value)
    if type(value) in (str, list) and name.isdigit() and int(name) < len(value):
        return value[int(name)]
    return MISSING


class _Method:
    """A method that is asked about but not called; it is there, and that is all."""


_METHOD = _Method()


def _unary(sign: str, inner: Closure) -> Closure:
    if sign == "!":
        return lambda env: not truthy(inner(env))
    if sign == "void":
        return lambda env: MISSING
    if sign == "typeof":
        return lambda env: type_name(inner(env))
    if sign == "-":
        return lambda env: -number_of(inner(env))
    return lambda env: number_of(inner(env))


def type_name(value: Any) -> str:
    """JavaScript's `typeof`."""
    if value is MISSING:
        return "undefined"
    kind = type(value)
    return {bool: "boolean", int: "number", float: "number", str: "string"}.get(kind, "object")


def number_of(value: Any) -> float:
    """JavaScript's `Number(value)`."""
    kind = type(value)
    if kind in (int, float):
        return float(value) if kind is float or abs(value) < 2**63 else math.inf
    if kind is bool:
        return float(value)
    if value is None:
        return 0.0
    if kind is str:
        text = value.strip()
        if not text:
            return 0.0
        if re.match(r"[-+]?(\d+\.?\d*([eE][-+]?\d+)?|\.\d+([eE][-+]?\d+)?|Infinity)\Z", text, re.ASCII):
            return float(text.replace("Infinity", "inf"))
        if re.match(r"0[xX][0-9a-fA-F]+\Z", text):
            return float(int(text, 16)) if len(text) < 200 else math.inf
        return math.nan
    return math.nan


def text_of(value: Any) -> str:
    """JavaScript's `String(value)`, near enough for conditions."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if value is None:
        return "null"
    if value is MISSING:
        return "undefined"
    if kind is float and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    if kind is list:
        return ",".join("" if item is None or item is MISSING else text_of(item) for item in value[:1000])
    if kind is dict:
        return "[object Object]"
    return str(value)


def strictly_equal(left: Any, right: Any) -> bool:
    """JavaScript's `===`: numbers by value, containers by identity, true is not 1."""
    kind, other = type(left), type(right)
    if kind is bool or other is bool:
        return left is right
    if kind in (int, float) and other in (int, float):
        return bool(left == right)
    if kind is dict or kind is list or other is dict or other is list:
        return left is right
    return kind is other and bool(left == right)


def loosely_equal(left: Any, right: Any) -> bool:
    """JavaScript's `==`."""
    if left is None or left is MISSING or right is None or right is MISSING:
        return (left is None or left is MISSING) and (right is None or right is MISSING)
    if type(left) is type(right) or {type(left), type(right)} <= {int, float}:
        return strictly_equal(left, right)
    if type(left) in (dict, list) or type(right) in (dict, list):
        return text_of(left) == text_of(right)
    return number_of(left) == number_of(right)


def _compare(sign: str, left: Any, right: Any) -> bool:
    a: Any = left
    b: Any = right
    if not (type(left) is str and type(right) is str):
        a, b = number_of(left), number_of(right)
        if math.isnan(a) or math.isnan(b):
            return False
    if sign == "<":
        return bool(a < b)
    if sign == ">":
        return bool(a > b)
    return bool(a <= b) if sign == "<=" else bool(a >= b)


def _arithmetic(sign: str, left: Any, right: Any) -> Any:
    if sign == "+" and (type(left) is str or type(right) is str):
        joined = text_of(left) + text_of(right)
        if len(joined) > 100_000:
            raise Thrown("the text grows too long")
        return joined
    a, b = number_of(left), number_of(right)
    if sign == "+":
        return a + b
    if sign == "-":
        return a - b
    if sign == "*":
        return a * b
    if b == 0:
        return math.nan
    return a / b if sign == "/" else math.fmod(a, b) if math.isfinite(a) else math.nan


def _binary(sign: str, left_tree: Tree, right_tree: Tree) -> Closure:
    if sign == "~=":
        if right_tree[0] != "value" or not isinstance(right_tree[1], str):
            raise BadFilter("a string must follow ~=")
        try:
            pattern = compiled(right_tree[1])
        except BadPattern as error:
            raise BadFilter(str(error)) from None
        subject = _build(left_tree)
        return lambda env: pattern.search(text_of(subject(env)))
    left, right = _build(left_tree), _build(right_tree)
    if sign == "&&":
        return lambda env: right(env) if truthy(value := left(env)) else value
    if sign == "||":
        return lambda env: value if truthy(value := left(env)) else right(env)
    if sign == "??":
        return lambda env: right(env) if (value := left(env)) is None or value is MISSING else value
    if sign == "===":
        return lambda env: strictly_equal(left(env), right(env))
    if sign == "!==":
        return lambda env: not strictly_equal(left(env), right(env))
    if sign == "==":
        return lambda env: loosely_equal(left(env), right(env))
    if sign == "!=":
        return lambda env: not loosely_equal(left(env), right(env))
    if sign == "in":
        return lambda env: _within(left(env), right(env))
    if sign in ("<", ">", "<=", ">="):
        return lambda env: _compare(sign, left(env), right(env))
    if sign in ("+", "-", "*", "/", "%"):
        return lambda env: _arithmetic(sign, left(env), right(env))
    raise BadFilter(f"{sign} is not supported")


def _within(left: Any, right: Any) -> bool:
    if type(right) is list:
        return any(strictly_equal(left, item) for item in right)
    if type(right) is dict:
        return text_of(left) in right
    if type(right) is str:
        return text_of(left) in right
    raise Thrown("in needs an object or a list")


_STRING_METHODS: dict[str, Callable[..., Any]] = {
    "includes": lambda s, what: text_of(what) in s,
    "startsWith": lambda s, what: s.startswith(text_of(what)),
    "endsWith": lambda s, what: s.endswith(text_of(what)),
    "indexOf": lambda s, what: s.find(text_of(what)),
    "lastIndexOf": lambda s, what: s.rfind(text_of(what)),
    "toLowerCase": lambda s: s.lower(),
    "toUpperCase": lambda s: s.upper(),
    "toString": lambda s: s,
    "trim": lambda s: s.strip(),
    "charAt": lambda s, at=0: s[int(number_of(at)) : int(number_of(at)) + 1],
    "split": lambda s, by=MISSING: [s] if by is MISSING else s.split(text_of(by)) if by != "" else list(s),
    "slice": lambda s, *at: s[slice(*_bounds(at))],
    "substring": lambda s, *at: s[slice(*[max(0, bound) for bound in _bounds(at)])],
    "concat": lambda s, *more: s + "".join(text_of(each) for each in more),
}
_LIST_METHODS: dict[str, Callable[..., Any]] = {
    "includes": lambda items, what: any(strictly_equal(each, what) for each in items),
    "indexOf": lambda items, what: next((n for n, each in enumerate(items) if strictly_equal(each, what)), -1),
    "join": lambda items, by=",": text_of(by).join(text_of(each) for each in items),
    "slice": lambda items, *at: items[slice(*_bounds(at))],
    "toString": lambda items: text_of(items),
    "concat": lambda items, *more: items + [each for part in more for each in (part if type(part) is list else [part])],
}
_PATTERN_METHODS = ("match", "search", "test", "exec", "replace")


def _bounds(at: tuple[Any, ...]) -> list[int]:
    values = [number_of(each) for each in at[:2]]
    return [int(value) if math.isfinite(value) else 0 for value in values] + ([] if len(at) > 1 else [2**31])


def _call(tree: Tree) -> Closure:
    target, arguments = tree[1], [_build(part) for part in tree[2]]
    if target[0] == "at" or target[0] == "short":
        return _build(target)
    if target[0] not in ("get", "get?") or target[2][0] != "value" or not isinstance(target[2][1], str):
        raise BadFilter("only the listed string and array methods can be called")
    name = target[2][1]
    if target[1][0] == "global":
        return _static(target[1][1], name, arguments)
    known = name in _STRING_METHODS or name in _LIST_METHODS or name in _PATTERN_METHODS or name == "hasOwnProperty"
    if not known:
        raise BadFilter(f"the method {name} is not supported")
    subject = _build(target[1])
    of_key = target[1] == ("at", "@property")

    def called(env: Env) -> Any:
        value = subject(env)
        if of_key and type(value) is int:
            value = str(value)
        given = [argument(env) for argument in arguments]
        return _method(value, name, given)

    return called


def _static(owner: str, name: str, arguments: list[Closure]) -> Closure:
    if len(arguments) != 1:
        raise BadFilter(f"{owner}.{name} takes one value")
    only = arguments[0]
    if owner == "Object" and name in ("keys", "values"):

        def listed(env: Env) -> Any:
            value = only(env)
            if type(value) is dict:
                return list(value) if name == "keys" else [env.view.deref(each) for each in value.values()]
            if type(value) is list:
                return [str(n) for n in range(len(value))] if name == "keys" else list(value)
            if value is None or value is MISSING:
                raise Thrown(f"Object.{name} of nothing")
            return []

        return listed
    if owner == "Array" and name == "isArray":
        return lambda env: type(only(env)) is list
    if owner == "Number" and name == "isInteger":
        return lambda env: _SHORTHANDS["@integer"](only(env))
    raise BadFilter(f"{owner}.{name} is not supported")


def _method(value: Any, name: str, given: list[Any]) -> Any:
    try:
        if isinstance(value, Pattern):
            if name in ("test", "exec"):
                return value.search(text_of(given[0]) if given else "undefined")
            raise Thrown(f"{name} of a regular expression")
        if type(value) is str:
            if name in ("match", "search", "replace"):
                return _by_pattern(value, name, given)
            if name in _STRING_METHODS:
                return _STRING_METHODS[name](value, *given)
        if type(value) is list and name in _LIST_METHODS:
            return _LIST_METHODS[name](value, *given)
        if name == "toString" and type(value) in (int, float, bool, dict):
            return text_of(value)
        if name == "hasOwnProperty" and type(value) is dict and given:
            return text_of(given[0]) in value
    except (TypeError, IndexError) as error:
        raise Thrown(str(error)) from None
    raise Thrown(f"{name} is not a method of this value")


def _by_pattern(value: str, name: str, given: list[Any]) -> Any:
    pattern = given[0] if given and isinstance(given[0], Pattern) else None
    if pattern is None:
        try:
            pattern = compiled(text_of(given[0]) if given else "")
        except BadPattern as error:
            raise Thrown(str(error)) from None
    if name == "replace":
        return pattern.substitute(value, text_of(given[1]) if len(given) > 1 else "undefined")
    found = pattern.match(value)
    if name == "search":
        return found.start() if found else -1
    if found is None:
        return None
    return [MISSING if each is None else each for each in (found.group(), *found.groups())]


# --- what must hold --------------------------------------------------------------------------------------------


def _needs(tree: Tree) -> tuple[list[frozenset[str]], str | None]:
    """Sound preconditions: sets of keys of which the value must hold one, and the only possible key."""
    if tree[0] == "op" and tree[1] == "&&":
        left, key = _needs(tree[2])
        right, other = _needs(tree[3])
        return left + right, key or other
    if tree[0] == "op" and tree[1] == "||":
        left, _ = _needs(tree[2])
        right, _ = _needs(tree[3])
        if left and right:
            return [left[0] | right[0]], None
        return [], None
    if tree[0] == "op" and tree[1] in ("===", "==", "!==", "!="):
        return _needs_of_equality(tree)
    name = _own_member(tree)
    if name is not None:
        return [frozenset((name,))], None
    if tree[0] == "call" and tree[1][0] == "get":
        name = _own_member(tree[1][1])
        return ([frozenset((name,))], None) if name is not None else ([], None)
    return [], None


def _needs_of_equality(tree: Tree) -> tuple[list[frozenset[str]], str | None]:
    for side, other in ((tree[2], tree[3]), (tree[3], tree[2])):
        constant = _constant(other)
        if constant is _NOT_CONSTANT:
            continue
        if side == ("at", "@property") and tree[1] in ("===", "==") and type(constant) is str:
            return [], constant
        name = _own_member(side)
        if name is None:
            continue
        absent = constant is MISSING or constant is None
        if tree[1] in ("===", "==") and not absent:
            return [frozenset((name,))], None
        if tree[1] == "!==" and constant is MISSING:
            return [frozenset((name,))], None
        if tree[1] == "!=" and absent:
            return [frozenset((name,))], None
    return [], None


class _NotConstant:
    pass


_NOT_CONSTANT = _NotConstant()


def _constant(tree: Tree) -> Any:
    if tree[0] == "value":
        return tree[1]
    if tree[0] == "unary" and tree[1] == "void":
        return MISSING
    return _NOT_CONSTANT


def _own_member(tree: Tree) -> str | None:
    """The key K when the tree is `@.K` or `@.K.…`; nothing for names that every string or array has."""
    if tree[0] != "get" or tree[2][0] != "value" or not isinstance(tree[2][1], str):
        return None
    if tree[1] == ("at", "@"):
        name = tree[2][1]
        return None if name in ("length", "constructor") or name.isdigit() else name
    return _own_member(tree[1])


def _measure(tree: Tree) -> None:
    waiting: list[tuple[Any, int]] = [(tree, 1)]
    while waiting:
        part, depth = waiting.pop()
        if depth > limits.MAX_CONDITION_DEPTH:
            raise BadFilter("the condition nests too deep")
        if isinstance(part, tuple):
            waiting.extend((each, depth + 1) for each in part)


def _uses(tree: Tree) -> set[str]:
    found: set[str] = set()
    waiting: list[Any] = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple) and part:
            if part[0] == "at":
                found.add(part[1])
            else:
                waiting.extend(part)
    return found
