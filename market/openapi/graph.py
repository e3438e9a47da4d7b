"""A document as a graph of containers, and two ways to see it: as written, and with every `$ref` followed.

Spectral evaluates rules on the *expanded* tree and then maps each finding back to the place the last `$ref` pointed
to, dropping repeats. Expansion can be exponential; the graph is not. Every container is a node with one canonical
path; the resolved view replaces a child that is a reference by the node it refers to, so each node is visited once
and its findings carry the canonical path at once. Three particulars are kept because findings depend on them:

* a reference that would close a circle is left unresolved (both views then show the `$ref` object);
* a reference with siblings is shown as its target, but findings on it and on its siblings' keys keep the place of
  the reference itself (such nodes are *virtual*) - but only as long as no reference was followed on the way there;
  past the first one a node has a *twin* in which references with siblings count like any other;
* a reference outside the document is never fetched: it stays as it is and becomes a finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from market.openapi import limits
from market.openapi.document import Path, Unreadable


class _Missing:
    """The absent value: JavaScript's `undefined`, distinct from null."""

    def __repr__(self) -> str:
        return "undefined"

    def __bool__(self) -> bool:
        return False


MISSING = _Missing()


class Match(NamedTuple):
    """One value found by an expression: the container it is reported under, its key there, the value, the node it is
    (-1 for scalars), and the match it was reached through."""

    home: int
    key: Any
    value: Any
    node: int
    above: Match | None


class Broken(NamedTuple):
    """A reference that leads nowhere, or out of the document; told once per target (per file, when it is outside)."""

    path: Path
    target: str
    external: bool


def pointer_steps(pointer: str) -> list[str]:
    """The steps of a local reference `#/a/b~1c` (RFC 6901 in a URI fragment)."""
    plain = unquote(pointer[1:])
    if plain in ("", "/"):
        return []
    return [step.replace("~1", "/").replace("~0", "~") for step in plain.removeprefix("/").split("/")]


class Graph:
    """The containers of one document, numbered in document order, and where its references lead."""

    def __init__(self, data: Any) -> None:
        self.data = data
        self.content: list[Any] = []
        self.up: list[int] = []
        self.key: list[Any] = []
        self.number: dict[int, int] = {}
        self.refs: dict[int, str] = {}
        self.broken: list[Broken] = []
        self.guide: dict[int, tuple[Any, int]] = {}
        self.base: dict[int, int] = {}
        """Twins: nodes reached through a reference, in documents where that makes a difference; to the node itself."""
        self._paths: dict[int, Path] = {}
        if type(data) is dict or type(data) is list:
            self._number(data)
        self.target = self._resolve()
        self.circular = self._circles()
        self.referenced = self._referenced()
        self.resolved = View(self, True)
        self.unresolved = View(self, False) if self.target else self.resolved

    def _number(self, data: Any) -> None:
        stack: list[tuple[Any, int, Any]] = [(data, -1, None)]
        content, up, keys, number, refs = self.content, self.up, self.key, self.number, self.refs
        while stack:
            here, above, key = stack.pop()
            me = len(content)
            content.append(here)
            up.append(above)
            keys.append(key)
            number[id(here)] = me
            if type(here) is dict:
                ref = here.get("$ref")
                if type(ref) is str:
                    refs[me] = ref
                inner = [(value, me, k) for k, value in here.items() if type(value) is dict or type(value) is list]
            else:
                inner = [(value, me, k) for k, value in enumerate(here) if type(value) is dict or type(value) is list]
            inner.reverse()
            stack.extend(inner)

    def path(self, node: int) -> Path:
        """Canonical path of a node."""
        known = self._paths.get(node)
        if known is None:
            steps: list[Any] = []
            here = node
            while self.up[here] >= 0:
                steps.append(self.key[here])
                here = self.up[here]
            known = tuple(reversed(steps))
            self._paths[node] = known
        return known

    # --- references ---

    def _resolve(self) -> dict[int, Any]:
        """For each reference node: the node (int) or scalar it finally leads to. Broken ones are noted and absent."""
        direct: dict[int, Any] = {}
        by_pointer: dict[str, Any] = {}
        reported: set[str] = set()
        for node, pointer in self.refs.items():
            if not pointer.startswith("#"):
                self._report(node, pointer, True, reported)
                continue
            if pointer not in by_pointer:
                by_pointer[pointer] = self._follow(pointer)
            found = by_pointer[pointer]
            if found is MISSING:
                self._report(node, pointer, False, reported)
            else:
                direct[node] = found
        final: dict[int, Any] = {}
        for node in direct:
            trail: dict[int, None] = {}
            here: Any = _Node(node)
            while type(here) is _Node and here.number in direct and here.number not in trail:
                if here.number in final:
                    here = final[here.number]
                    break
                trail[here.number] = None
                here = direct[here.number]
            if type(here) is _Node and here.number in trail:
                continue
            for each in trail:
                final[each] = here
        return final

    def _referenced(self) -> set[str]:
        """Every local pointer that a reference outside its own target mentions."""
        return {
            pointer
            for node, pointer in self.refs.items()
            if pointer.startswith("#") and not self._within(node, pointer)
        }

    def _within(self, node: int, pointer: str) -> bool:
        steps = pointer_steps(pointer)
        path = self.path(node)
        return bool(steps) and [str(step) for step in path[: len(steps)]] == steps

    def _report(self, node: int, pointer: str, external: bool, reported: set[str]) -> None:
        sign = pointer.partition("#")[0] if external else pointer
        if sign not in reported and len(reported) < limits.MAX_FINDINGS_PER_RULE:
            reported.add(sign)
            self.broken.append(Broken((*self.path(node), "$ref"), pointer, external))

    def _follow(self, pointer: str) -> Any:
        here: Any = self.data
        hops = 0
        for step in pointer_steps(pointer):
            while type(here) is dict and step not in here and type(here.get("$ref")) is str:
                hops += 1
                onward = here["$ref"]
                if hops > 20 or not onward.startswith("#") or onward == pointer:
                    return MISSING
                here = self._plain(onward)
            if type(here) is dict and step in here:
                here = here[step]
            elif type(here) is list and step.isdigit() and len(step) < 9 and int(step) < len(here):
                here = here[int(step)]
            else:
                return MISSING
        if type(here) is dict or type(here) is list:
            return _Node(self.number[id(here)])
        return here

    def _plain(self, pointer: str) -> Any:
        here: Any = self.data
        for step in pointer_steps(pointer):
            if type(here) is dict and step in here:
                here = here[step]
            elif type(here) is list and step.isdigit() and len(step) < 9 and int(step) < len(here):
                here = here[int(step)]
            else:
                return MISSING
        return here

    def _circles(self) -> set[int]:
        """The reference nodes whose expansion would contain themselves: each edge inside a strongly connected set."""
        targets: set[int] = {found.number for found in self.target.values() if type(found) is _Node}
        onward: dict[int, list[int]] = {target: [] for target in targets}
        inside: dict[int, list[int]] = {}
        for node, found in self.target.items():
            if type(found) is not _Node:
                continue
            holders: list[int] = []
            here = node
            while here >= 0:
                if here in targets:
                    holders.append(here)
                    onward[here].append(found.number)
                here = self.up[here]
            inside[node] = holders
        group = _groups(onward)
        circular: set[int] = set()
        for node, holders in inside.items():
            target = self.target[node].number
            if any(group[holder] == group[target] for holder in holders):
                circular.add(node)
        return circular


class _Node:
    """A container a reference leads to, as opposed to a scalar value it leads to."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


def _groups(onward: dict[int, list[int]]) -> dict[int, int]:
    """Strongly connected sets (Tarjan, without recursion): every node to the number of its set."""
    order: dict[int, int] = {}
    low: dict[int, int] = {}
    group: dict[int, int] = {}
    pending: list[int] = []
    on_stack: set[int] = set()
    for root in onward:
        if root in order:
            continue
        work: list[tuple[int, Iterator[int]]] = [(root, iter(onward[root]))]
        order[root] = low[root] = len(order)
        pending.append(root)
        on_stack.add(root)
        while work:
            here, rest = work[-1]
            for after in rest:
                if after not in order:
                    order[after] = low[after] = len(order)
                    pending.append(after)
                    on_stack.add(after)
                    work.append((after, iter(onward[after])))
                    break
                if after in on_stack:
                    low[here] = min(low[here], order[after])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[here])
                if low[here] == order[here]:
                    while True:
                        member = pending.pop()
                        on_stack.discard(member)
                        group[member] = here
                        if member == here:
                            break
    return group


class Kid(NamedTuple):
    """One entry of a container: its key, its value with references followed, its node or -1, and the container under
    whose path it is reported."""

    key: Any
    value: Any
    node: int
    home: int


class View:
    """The document as rules see it: `resolved` with references followed, or as written."""

    def __init__(self, graph: Graph, resolved: bool) -> None:
        self.graph = graph
        self.resolved = resolved
        self._kids: dict[int, list[Kid]] = {}
        self._inner: dict[int, list[tuple[Any, int]]] = {}
        self._led_to_scalars: dict[int, dict[Any, Any]] = {}
        self._virtual: dict[int, int] = {}
        self._plain: dict[int, Any] = {}
        self._twins: dict[int, int] = {}
        self._siblings = resolved and any(len(graph.content[node]) > 1 for node in graph.target)
        self._index: Index | None = None
        self._reach: dict[tuple[int, ...], frozenset[int]] = {}

    def root(self) -> Match:
        """The whole document."""
        data = self.graph.data
        node = 0 if type(data) is dict or type(data) is list else -1
        return Match(-1, None, data, node, None)

    def enter(self, value: Any, crossed: bool = False) -> tuple[Any, int]:
        """A raw value of the document as this view shows it, with its node. `crossed` says that a reference was followed
        on the way to it."""
        if type(value) is not dict and type(value) is not list:
            return value, -1
        graph = self.graph
        node = graph.number[id(value)]
        found: Any = MISSING
        if self.resolved and node in graph.refs and node not in graph.circular:
            found = graph.target.get(node, MISSING)
        if found is MISSING:
            return value, self._twin(node) if crossed else node
        if type(found) is not _Node:
            return found, -1
        if len(value) == 1 or crossed:
            return graph.content[found.number], self._twin(found.number)
        return self._stand_in(node, found.number, value)

    def _twin(self, node: int) -> int:
        """The node as it is when a reference led to it; itself where no reference has siblings."""
        if not self._siblings or node in self.graph.base:
            return node
        made = self._twins.get(node)
        if made is None:
            graph = self.graph
            made = len(graph.content)
            if made > limits.MAX_NODES:
                raise Unreadable("too-many-values", "References with siblings multiply the document beyond its budget.")
            graph.content.append(graph.content[node])
            graph.up.append(graph.up[node])
            graph.key.append(graph.key[node])
            graph._paths[made] = graph.path(node)
            graph.base[made] = node
            self._twins[node] = made
        return made

    def deref(self, value: Any) -> Any:
        """A raw value of the document, a reference replaced by what it leads to."""
        if type(value) is dict and "$ref" in value:
            number = self.graph.number.get(id(value))
            if number is not None and self.resolved and number not in self.graph.circular:
                found = self.graph.target.get(number, MISSING)
                if found is not MISSING:
                    return self.graph.content[found.number] if type(found) is _Node else found
        return value

    def _stand_in(self, node: int, target: int, guide: Any) -> tuple[Any, int]:
        made = self._virtual.get(node)
        if made is None:
            graph = self.graph
            made = self._new_virtual(graph.content[target], graph.up[node], graph.key[node], guide, target)
            self._virtual[node] = made
        return self.graph.content[made], made

    def _new_virtual(self, content: Any, up: int, key: Any, guide: Any, target: int) -> int:
        graph = self.graph
        made = len(graph.content)
        if made > limits.MAX_NODES:
            raise Unreadable("too-many-values", "References with siblings multiply the document beyond its budget.")
        graph.content.append(content)
        graph.up.append(up)
        graph.key.append(key)
        graph.guide[made] = (guide, target)
        return made

    def kids(self, node: int) -> list[Kid]:
        """The entries of a container."""
        known = self._kids.get(node)
        if known is not None:
            return known
        graph = self.graph
        guided = graph.guide.get(node)
        made: list[Kid] = []
        if guided is not None:
            made = self._guided_kids(node, *guided)
        else:
            here = graph.content[node]
            crossed = node in graph.base
            for key, value in here.items() if type(here) is dict else enumerate(here):
                if type(value) is dict or type(value) is list:
                    seen, child = self.enter(value, crossed)
                    made.append(Kid(key, seen, child, node))
                else:
                    made.append(Kid(key, value, -1, node))
        self._kids[node] = made
        return made

    def inner(self, node: int) -> list[tuple[Any, int]]:
        """The entries of a container that are containers: key and node. Cheaper than :meth:`kids`."""
        known = self._inner.get(node)
        if known is not None:
            return known
        made: list[tuple[Any, int]] = []
        if node in self.graph.guide:
            made = [(kid.key, kid.node) for kid in self.kids(node) if kid.node >= 0]
        else:
            here = self.graph.content[node]
            crossed = node in self.graph.base
            for key, value in here.items() if type(here) is dict else enumerate(here):
                if type(value) is dict or type(value) is list:
                    seen, child = self.enter(value, crossed)
                    if child >= 0:
                        made.append((key, child))
                    else:
                        self._led_to_scalars.setdefault(node, {})[key] = seen
        self._inner[node] = made
        return made

    def _guided_kids(self, node: int, guide: Any, target: int) -> list[Kid]:
        """The entries of a virtual node: those that stand beside the reference keep its place, the others belong to
        what it leads to."""
        made: list[Kid] = []
        for kid in self.kids(self._twin(target)):
            if type(guide) is not dict or kid.key not in guide or len(self.graph.guide) > limits.MAX_STAND_INS:
                made.append(kid)
            elif kid.node < 0:
                made.append(Kid(kid.key, kid.value, -1, node))
            else:
                stand = self._new_virtual(kid.value, node, kid.key, guide[kid.key], kid.node)
                made.append(Kid(kid.key, kid.value, stand, node))
        return made

    def step(self, node: int, key: Any) -> Kid | None:
        """The entry of a container under one key, or None."""
        here = self.graph.content[node]
        if type(here) is dict:
            if type(key) is not str:
                key = str(key)
            if key not in here:
                return None
        else:
            if type(key) is str:
                if not key.isdigit() or len(key) > 9:
                    return None
                key = int(key)
            if type(key) is not int or not 0 <= key < len(here):
                return None
        if node in self.graph.guide:
            return next((kid for kid in self.kids(node) if kid.key == key), None)
        value = here[key]
        if type(value) is dict or type(value) is list:
            seen, child = self.enter(value, node in self.graph.base)
            return Kid(key, seen, child, node)
        return Kid(key, value, -1, node)

    def place(self, match: Match) -> Path:
        """Where a finding on this match is reported."""
        if match.node >= 0:
            return self.graph.path(match.node)
        if match.home < 0:
            return ()
        return (*self.graph.path(match.home), match.key)

    def place_below(self, match: Match, steps: Iterable[Any]) -> Path:
        """Where a finding `steps` below this match is reported: at the deepest part that exists. What a reference leads to
        may lack a member that stands beside the reference: the finding stands there."""
        path = self.place(match)
        node = match.node
        for step in steps:
            if node < 0:
                break
            kid = self.step(node, step)
            if kid is None:
                beside, _ = self.graph.guide.get(node, (None, -1))
                if type(beside) is dict and step in beside:
                    path = (*path, step)
                break
            node = kid.node
            path = self.graph.path(node) if node >= 0 else (*self.graph.path(kid.home), kid.key)
        return path

    def plain(self, node: int) -> Any:
        """The container as a value with references followed, sharing what is shared (never an expanded copy)."""
        if not self.resolved:
            return self.graph.content[node]
        node = self.graph.base.get(node, node)
        known = self._plain.get(node, MISSING)
        if known is not MISSING:
            return known
        stack = [node]
        while stack:
            here = stack[-1]
            if here in self._plain:
                stack.pop()
                continue
            inner = self.inner(here)
            waiting = [child for _, child in inner if child not in self._plain]
            if waiting:
                if len(stack) > limits.MAX_EDGES:
                    raise Unreadable("too-deep", "References nest too deep.")
                stack.extend(waiting)
                continue
            stack.pop()
            self._plain[here] = self._assembled(here, inner)
        return self._plain[node]

    def _assembled(self, here: int, inner: list[tuple[Any, int]]) -> Any:
        """The content itself when nothing in it is a reference; else a copy of this one level."""
        content = self.graph.content[here]
        plain = self._plain
        changed = {key: plain[child] for key, child in inner if plain[child] is not content[key]}
        changed.update(self._led_to_scalars.get(here, {}))
        if not changed:
            return content
        made = content.copy()
        for key, value in changed.items():
            made[key] = value
        return made

    def plain_value(self, match: Match) -> Any:
        """The value of a match with references followed."""
        return self.plain(match.node) if match.node >= 0 else match.value

    def reach(self, start: Iterable[int]) -> frozenset[int]:
        """Every container at or below the given ones."""
        key = tuple(sorted(set(start)))
        known = self._reach.get(key)
        if known is not None:
            return known
        seen = set(key)
        stack = list(key)
        while stack:
            for _, child in self.inner(stack.pop()):
                if child not in seen:
                    seen.add(child)
                    stack.append(child)
        if len(self._reach) > 64:
            self._reach.clear()
        self._reach[key] = frozenset(seen)
        return self._reach[key]

    def index(self) -> Index:
        """The entries of all containers below the root, by key and by child; made once."""
        if self._index is None:
            self._index = Index(self)
        return self._index


class Index:
    """For deep expressions: every container below the root, those that hold each key, and what leads to each."""

    def __init__(self, view: View) -> None:
        self.leading: dict[int, list[tuple[int, Any]]] = {}
        self.holding: dict[str, list[int]] = {}
        self.nodes: list[int] = []
        root = view.root()
        if root.node < 0:
            return
        seen = {root.node}
        stack = [root.node]
        leading, holding = self.leading, self.holding
        content = view.graph.content
        edges = 0
        while stack:
            here = stack.pop()
            self.nodes.append(here)
            value = content[here]
            edges += len(value)
            if edges > limits.MAX_EDGES:
                raise Unreadable("too-many-values", f"The document has more than {limits.MAX_EDGES:,} entries to walk.")
            if type(value) is dict:
                for key in value:
                    if key in holding:
                        holding[key].append(here)
                    else:
                        holding[key] = [here]
            fresh: list[int] = []
            for key, child in view.inner(here):
                if child in leading:
                    leading[child].append((here, key))
                else:
                    leading[child] = [(here, key)]
                if child not in seen:
                    seen.add(child)
                    fresh.append(child)
            fresh.reverse()
            stack.extend(fresh)
