"""The JSONPath of rulesets: the JSONPath-Plus dialect as Spectral's engine reads it, over a view of a document.

Understood: `$`, `.name`, `..name`, `.*`, `[*]`, `['a','b']`, `[a,b]`, indexes and slices, `[?( condition )]`, `~` (the
key), `^` (the parent), `.'quoted'`. One quirk is kept because published rulesets depend on it: `.[` means `..[`.

Evaluation goes set by set: a step takes all values found so far to all values one step on. A value reached twice is
followed once, so the work is bounded by the document, not by its expansion.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from market.openapi import limits
from market.openapi.filters import BadFilter, Env, Filter, Thrown, parse
from market.openapi.graph import MISSING, Kid, Match, View
from market.openapi.limits import Deadline
from market.openapi.patterns import PatternTimeout


class BadPath(Exception):
    """The expression cannot be read; a ruleset that holds it is refused at import."""


@dataclass(frozen=True, slots=True)
class Names:
    """Members by name (or index)."""

    names: tuple[str | int, ...]
    deep: bool


@dataclass(frozen=True, slots=True)
class Wild:
    """Every member."""

    deep: bool


@dataclass(frozen=True, slots=True)
class Slice:
    """Items `start:stop:step` of an array."""

    start: int
    stop: int | None
    stride: int
    deep: bool


@dataclass(frozen=True, slots=True)
class Where:
    """Members for which the condition holds."""

    condition: Filter
    deep: bool


@dataclass(frozen=True, slots=True)
class Up:
    """The container of what was found, in the middle of an expression: `[?(@ == 'id')]^.schema`."""

    deep: bool = False


Segment = Names | Wild | Slice | Where | Up


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression: its steps, how many parents up at the end, whether the key is wanted, `$..` alone."""

    source: str
    segments: tuple[Segment, ...]
    parents: int = 0
    keyed: bool = False
    containers: bool = False


_NAME = re.compile(r"[^\[\]().,~^*'\"?\s]+")
_CLIMBING = re.compile(r"\^+(?=[.\[])")
_SHORTHAND = re.compile(r"@[A-Za-z]+\(\)")


def compile_path(source: str) -> Expression:
    """Read an expression. Refused as :class:`BadPath`, saying what and where."""
    if len(source) > limits.MAX_EXPRESSION:
        raise BadPath("the expression is too long")
    try:
        return _Reader(source).read()
    except BadFilter as error:
        raise BadPath(str(error)) from None


class _Reader:
    def __init__(self, source: str) -> None:
        self.source = source.strip()
        self.at = 0

    def bad(self, what: str) -> BadPath:
        return BadPath(f"{what} at character {self.at} of {self.source!r}")

    def read(self) -> Expression:
        if not self.source.startswith("$"):
            raise self.bad("an expression starts with $,")
        self.at = 1
        segments: list[Segment] = []
        parents, keyed, containers = 0, False, False
        while self.at < len(self.source):
            rest = self.source[self.at :]
            climbing = _CLIMBING.match(rest)
            if climbing is not None:
                segments += [Up()] * climbing.end()
                self.at += climbing.end()
                continue
            if rest[0] in "~^":
                for sign in rest:
                    if sign not in "~^":
                        raise self.bad("nothing can follow ~ and ^, found something")
                    keyed, parents = (True, 0) if sign == "~" else (keyed, parents + 1)
                self.at = len(self.source)
                break
            deep = False
            if rest.startswith(".."):
                deep = True
                self.at += 2
                if self.at == len(self.source) or self.source[self.at] in "~^":
                    if segments:
                        raise self.bad("a name or bracket must follow ..")
                    containers = True
                    continue
            elif rest[0] == ".":
                self.at += 1
                deep = self.source[self.at : self.at + 1] == "["
            elif rest[0] != "[":
                raise self.bad("expected . or [")
            segments.append(self.segment(deep))
        if segments and isinstance(segments[0], Up):
            raise self.bad("nothing is above the document,")
        return Expression(self.source, tuple(segments), parents, keyed, containers)

    def segment(self, deep: bool) -> Segment:
        sign = self.source[self.at : self.at + 1]
        if sign == "*":
            self.at += 1
            return Wild(deep)
        if sign == "[":
            return self.bracket(deep)
        if sign in ("'", '"'):
            return Names((self.quoted(),), deep)
        shorthand = _SHORTHAND.match(self.source, self.at)
        if shorthand:
            self.at = shorthand.end()
            return Where(parse(shorthand.group()), deep)
        match = _NAME.match(self.source, self.at)
        if match is None:
            raise self.bad("a name was expected")
        self.at = match.end()
        return Names((match.group(),), deep)

    def quoted(self) -> str:
        quote = self.source[self.at]
        end = self.at + 1
        out: list[str] = []
        while end < len(self.source) and self.source[end] != quote:
            if self.source[end] == "\\" and end + 1 < len(self.source):
                end += 1
            out.append(self.source[end])
            end += 1
        if end >= len(self.source):
            raise self.bad("the quoted name does not end")
        self.at = end + 1
        return "".join(out)

    def bracket(self, deep: bool) -> Segment:
        start = self.at
        self.at += 1
        self.space()
        sign = self.source[self.at : self.at + 1]
        if sign == "?":
            condition = self.balanced(self.source.find("(", self.at))
            self.close()
            return Where(parse(condition), deep)
        if sign == "(":
            inner = re.sub(r"\s", "", self.balanced(self.at))
            self.close()
            back = re.fullmatch(r"@\.length-(\d{1,6})", inner)
            if back is None:
                raise self.bad(f"the script ({inner}) is not supported")
            return Slice(-int(back.group(1)), None if back.group(1) == "1" else -int(back.group(1)) + 1, 1, deep)
        if sign == "*":
            self.at += 1
            self.close()
            return Wild(deep)
        shorthand = _SHORTHAND.match(self.source, self.at)
        if shorthand:
            self.at = shorthand.end()
            self.close()
            return Where(parse(shorthand.group()), deep)
        slicing = re.compile(r"\s*(-?\d{0,9})\s*:\s*(-?\d{0,9})\s*(?::\s*(-?\d{0,9})\s*)?\]").match(
            self.source, self.at
        )
        if slicing:
            self.at = slicing.end()
            first, last, stride = slicing.group(1), slicing.group(2), slicing.group(3) or ""
            if first == "-" or last == "-" or stride in ("-", "0") or stride.startswith("-"):
                raise self.bad("the slice is not a slice")
            return Slice(int(first or 0), int(last) if last else None, int(stride or 1), deep)
        names: list[str | int] = []
        while True:
            self.space()
            if self.source[self.at : self.at + 1] in ("'", '"'):
                name: str | int = self.quoted()
            else:
                end = self.at
                while end < len(self.source) and self.source[end] not in ",]":
                    end += 1
                name = self.source[self.at : end].strip()
                if not name or any(sign in name for sign in "[('\""):
                    self.at = start
                    raise self.bad("the bracket is not understood")
                self.at = end
                if re.fullmatch(r"-\d{1,9}", name):
                    self.close()
                    number = int(name)
                    return Slice(number, None if number == -1 else number + 1, 1, deep)
            names.append(name)
            self.space()
            if self.source[self.at : self.at + 1] == ",":
                self.at += 1
                continue
            self.close()
            return Names(tuple(dict.fromkeys(names)), deep)

    def space(self) -> None:
        while self.source[self.at : self.at + 1].isspace():
            self.at += 1

    def close(self) -> None:
        self.space()
        if self.source[self.at : self.at + 1] != "]":
            raise self.bad("] was expected")
        self.at += 1

    def balanced(self, start: int) -> str:
        """The text between the parenthesis at `start` and its partner; strings and regular expressions are skipped."""
        if start < 0:
            raise self.bad("( was expected")
        at, depth = start, 0
        before = ""
        while at < len(self.source):
            sign = self.source[at]
            if sign in "'\"" or (sign == "/" and before in "(,=&|!?:"):
                end = self.past_literal(at)
                at, before = end, "x"
                continue
            if sign == "(":
                depth += 1
            elif sign == ")":
                depth -= 1
                if depth == 0:
                    self.at = at + 1
                    return self.source[start + 1 : at]
            if not sign.isspace():
                before = sign
            at += 1
        raise self.bad("the parenthesis does not close,")

    def past_literal(self, at: int) -> int:
        quote = self.source[at]
        at += 1
        in_class = False
        while at < len(self.source):
            sign = self.source[at]
            if sign == "\\":
                at += 1
            elif quote == "/" and sign == "[":
                in_class = True
            elif quote == "/" and sign == "]":
                in_class = False
            elif sign == quote and not in_class:
                return at + 1
            at += 1
        raise self.bad("a string or regular expression does not end,")


Note = Callable[[str], None]


def evaluate(expression: Expression, view: View, deadline: Deadline, note: Note) -> list[Match]:
    """All matches of an expression. `note` is told of conditions that would have thrown."""
    ups = expression.parents + sum(isinstance(each, Up) for each in expression.segments)
    return _Walk(view, deadline, note, ups > 1).run(expression)


def evaluate_below(expression: Expression, view: View, start: Match, deadline: Deadline, note: Note) -> list[Match]:
    """All matches of an expression whose `$` is `start` (a rule's `field` that is a JSONPath)."""
    return _Walk(view, deadline, note, True).run(expression, start)


class _Walk:
    def __init__(self, view: View, deadline: Deadline, note: Note, chained: bool) -> None:
        self.view = view
        self.deadline = deadline
        self.note = note
        self.chained = chained
        self.env = Env(view)

    def run(self, expression: Expression, start: Match | None = None) -> list[Match]:
        found = [start if start is not None else self.view.root()]
        if expression.containers:
            found = self.containers(found[0])
        last = len(expression.segments) - 1
        for number, segment in enumerate(expression.segments):
            if isinstance(segment, Up):
                found = self.unique([match.above for match in found if match.above is not None], False)
                continue
            whole = start is None and number == 0
            distinct = number == last and (expression.keyed or expression.parents > 0)
            found = self.apply(segment, found, whole, distinct)
            if not found:
                return found
        for _ in range(expression.parents):
            found = self.unique([match.above for match in found if match.above is not None], False)
        if expression.keyed:
            found = [match._replace(value=match.key) for match in found if match.home >= 0]
            found = [Match(m.home, m.key, m.value, m.node, _KEYED) for m in found]
        return found

    def containers(self, start: Match) -> list[Match]:
        if start.node < 0:
            return []
        graph = self.view.graph
        return [
            Match(graph.up[n], graph.key[n], graph.content[n], n, None) for n in sorted(self.view.reach([start.node]))
        ]

    def apply(self, segment: Segment, found: list[Match], whole: bool, distinct: bool) -> list[Match]:
        if segment.deep and not self.chained:
            return self.deep(segment, found, whole, distinct)
        sources = self.below(found) if segment.deep else found
        out: list[Match] = []
        for match in sources:
            self.deadline.tick()
            if match.node >= 0:
                self.children(segment, match, out)
        return self.unique(out, distinct)

    def below(self, found: list[Match]) -> list[Match]:
        """The matches themselves and every container below them, each once, with the match it was reached through."""
        seen: set[int] = set()
        out: list[Match] = []
        stack = [match for match in reversed(found) if match.node >= 0]
        while stack:
            match = stack.pop()
            if match.node in seen:
                continue
            self.deadline.tick()
            seen.add(match.node)
            out.append(match)
            if len(seen) > limits.MAX_EDGES:
                raise limits.OutOfTime("the walk is too long")
            content = self.view.graph.content
            inner = [Match(match.node, key, content[node], node, match) for key, node in self.view.inner(match.node)]
            stack.extend(reversed(inner))
        return out

    def unique(self, found: Iterable[Match], distinct: bool) -> list[Match]:
        seen: set[Any] = set()
        out: list[Match] = []
        for match in found:
            if match.node >= 0:
                sign: Any = (match.node, match.key) if distinct else match.node
            else:
                sign = (match.home, match.key, "scalar")
            if distinct and self.chained and match.above is not None:
                sign = (sign, match.above.node)
            if sign not in seen:
                seen.add(sign)
                out.append(match)
        return out

    def children(self, segment: Segment, match: Match, out: list[Match]) -> None:
        view = self.view
        if isinstance(segment, Names):
            for name in segment.names:
                kid = view.step(match.node, name)
                if kid is not None:
                    out.append(Match(kid.home, kid.key, kid.value, kid.node, match))
            return
        kids = view.kids(match.node)
        if isinstance(segment, Wild):
            for kid in kids:
                out.append(Match(kid.home, kid.key, kid.value, kid.node, match))
        elif isinstance(segment, Slice):
            if type(view.graph.content[match.node]) is list:
                for kid in kids[segment.start : segment.stop : segment.stride]:
                    out.append(Match(kid.home, kid.key, kid.value, kid.node, match))
        elif isinstance(segment, Where):
            for kid in kids:
                if self.holds(segment.condition, match.node, kid):
                    out.append(Match(kid.home, kid.key, kid.value, kid.node, match))

    def holds(self, condition: Filter, source: int, kid: Kid) -> bool:
        if condition.key is not None and kid.key != condition.key:
            return False
        value = kid.value
        for keys in condition.needs:
            if type(value) is not dict or keys.isdisjoint(value):
                return False
        self.deadline.tick()
        env = self.env
        env.value, env.key = value, kid.key
        if condition.uses:
            graph = self.view.graph
            env.parent = graph.content[source]
            env.parent_key = graph.key[source] if graph.up[source] >= 0 else MISSING
            env.path = lambda: path_text((*graph.path(source), kid.key))
        try:
            return condition(env)
        except (Thrown, PatternTimeout) as error:
            self.note(f"{condition.source}: {error}")
            return False

    # --- deep steps, by index ---

    def deep(self, segment: Segment, found: list[Match], whole: bool, distinct: bool) -> list[Match]:
        view = self.view
        starts = [match.node for match in found if match.node >= 0]
        if not starts:
            return []
        index = view.index()
        inside = None if whole else view.reach(starts)
        out: list[Match] = []
        if isinstance(segment, Names):
            for name in segment.names:
                for source in index.holding.get(str(name), ()):
                    kid = view.step(source, name) if inside is None or source in inside else None
                    if kid is not None:
                        out.append(Match(kid.home, kid.key, kid.value, kid.node, self.at(source)))
                if str(name).isdigit():
                    self.indexed(int(name), inside if inside is not None else index.nodes, out)
        elif isinstance(segment, Where):
            self.deep_where(segment.condition, inside, out)
        else:
            for node in sorted(inside) if inside is not None else index.nodes:
                self.deadline.tick()
                self.children(segment, self.at(node), out)
        return self.unique(out, distinct)

    def indexed(self, number: int, nodes: Iterable[int], out: list[Match]) -> None:
        for node in sorted(nodes):
            if type(self.view.graph.content[node]) is list:
                kid = self.view.step(node, number)
                if kid is not None:
                    out.append(Match(kid.home, kid.key, kid.value, kid.node, self.at(node)))

    def at(self, node: int) -> Match:
        graph = self.view.graph
        return Match(graph.up[node], graph.key[node], graph.content[node], node, None)

    def deep_where(self, condition: Filter, inside: frozenset[int] | None, out: list[Match]) -> None:
        index = self.view.index()
        if condition.needs:
            keys = min(condition.needs, key=lambda some: sum(len(index.holding.get(key, ())) for key in some))
            nodes: list[int] = []
            known: set[int] = set()
            for key in keys:
                for node in index.holding.get(key, ()):
                    if node not in known:
                        known.add(node)
                        nodes.append(node)
            tried: dict[tuple[int, Any], bool] = {}
            for node in nodes:
                for source, key in index.leading.get(node, ()):
                    kid = self.view.step(source, key) if inside is None or source in inside else None
                    if kid is None:
                        continue
                    if condition.uses <= _OWN:
                        sign = (node, kid.key if "@property" in condition.uses else None)
                        holds = tried.get(sign)
                        if holds is None:
                            holds = tried[sign] = self.holds(condition, source, kid)
                    else:
                        holds = self.holds(condition, source, kid)
                    if holds:
                        out.append(Match(kid.home, kid.key, kid.value, kid.node, self.at(source)))
            return
        if condition.key is not None:
            for source in index.holding.get(condition.key, ()):
                kid = self.view.step(source, condition.key) if inside is None or source in inside else None
                if kid is not None and self.holds(condition, source, kid):
                    out.append(Match(kid.home, kid.key, kid.value, kid.node, self.at(source)))
            return
        for node in sorted(inside) if inside is not None else index.nodes:
            for kid in self.view.kids(node):
                if self.holds(condition, node, kid):
                    out.append(Match(kid.home, kid.key, kid.value, kid.node, self.at(node)))


_OWN = frozenset(("@", "@property", "@root"))
_KEYED = Match(-1, "~", None, -1, None)


def is_keyed(match: Match) -> bool:
    """Whether the match stands for a key (`~`) rather than the value under it."""
    return match.above is _KEYED


def path_text(path: Iterable[Any]) -> str:
    """`$['a'][0]`, as `@path` answers."""
    return "$" + "".join(f"['{step}']" if type(step) is str else f"[{step}]" for step in path)
