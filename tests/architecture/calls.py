"""Who calls whom, and who writes: read from the syntax, with every name resolved as Python resolves it.

Names collide (`record`, `save`, `draft` …), so a name stands for what it is bound to in its module, through whatever import.
Handing a function on counts as calling it. A method of an object whose class the syntax does not tell counts as every method
of that name that we have: a caller too many is seen, a caller too few would not be.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from types import ModuleType
from typing import Any

from litestar.handlers import HTTPRouteHandler
from piccolo.table import Table

from tests.architecture.trees import PACKAGES, SOURCES, module_of, parsed, walk

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

WRITING_SQL = re.compile(
    r'\b(INSERT\s+INTO|DELETE\s+FROM|UPDATE\s+(ONLY\s+)?("?\w+"?|\{\w*\})(\s+(AS\s+)?\w+)?\s+SET|TRUNCATE|MERGE\s+INTO)\b'
)
TABLE_IN_SQL = re.compile(r'\b(?:FROM|JOIN|INTO|UPDATE)\s+"?([a-z_]+)')
OF_A_TABLE = {"insert", "update", "delete"}


@dataclass
class Function:
    """A function or method, with everything that is nested in it."""

    name: str
    calls: set[str] = field(default_factory=set)
    perhaps: set[str] = field(default_factory=set)
    touches: set[int] = field(default_factory=set)
    """The `id` of the classes, and of the tuples, lists and dictionaries of a module, that it names."""
    reads: set[str] = field(default_factory=set)
    """The names of tables in its SQL."""
    writes: bool = False


@dataclass
class Graph:
    """All functions by `module.name` or `module.Class.name`."""

    functions: dict[str, Function]

    def callers(self, perhaps: bool = False) -> dict[str, set[str]]:
        """Who calls each; with `perhaps` also who may."""
        answer: dict[str, set[str]] = defaultdict(set)
        for function in self.functions.values():
            for called in (function.calls | (function.perhaps if perhaps else set())) - {function.name}:
                answer[called].add(function.name)
        return answer

    def reaching(self, goals: set[str]) -> set[str]:
        """The functions that call one of the goals, themselves or through others; the goals too."""
        callers, reached, waiting = self.callers(), set(goals), list(goals)
        while waiting:
            for caller in callers[waiting.pop()] - reached:
                reached.add(caller)
                waiting.append(caller)
        return reached

    def writing(self) -> set[str]:
        """The functions that write rows themselves."""
        return {name for name, function in self.functions.items() if function.writes}

    def silent(self, goal: str, excused: set[str]) -> set[str]:
        """The writing functions that neither reach the goal nor are called by functions that do, and by no other. What is excused is taken as if it did."""
        heard, callers = self.reaching({goal}) | excused, self.callers(perhaps=True)
        while True:
            more = {name for name in self.functions if name not in heard and callers[name] and callers[name] <= heard}
            if not more:
                return self.writing() - heard
            heard |= more


class _Names:
    """What the names in a module stand for."""

    def __init__(self, module: ModuleType) -> None:
        self.module = module

    def of(self, node: ast.expr, local: dict[str, Any]) -> Any:
        """The object that an expression of names and attributes stands for, None when the syntax does not tell."""
        if isinstance(node, ast.Name):
            return local[node.id] if node.id in local else vars(self.module).get(node.id)
        if isinstance(node, ast.Attribute):
            owner = self.of(node.value, local)
            if isinstance(owner, _Instance):
                return inspect.getattr_static(owner.kind, node.attr, None)
            if inspect.ismodule(owner) or inspect.isclass(owner):
                return inspect.getattr_static(owner, node.attr, None)
            return None
        if isinstance(node, ast.Call):
            made = self.of(node.func, local)
            return _Instance(made) if inspect.isclass(made) else None
        return None


@dataclass(frozen=True)
class _Instance:
    """An object of a class."""

    kind: type[Any]


def plain(thing: Any) -> Any:
    """The function behind a handler, a decorator, a method."""
    if isinstance(thing, HTTPRouteHandler):
        thing = thing.fn
    if isinstance(thing, staticmethod | classmethod):
        thing = thing.__func__
    if isinstance(thing, property):
        thing = thing.fget
    if inspect.ismethod(thing):
        thing = thing.__func__
    return inspect.unwrap(thing) if callable(thing) else thing


def name_of(thing: Any) -> str:
    """`module.name` of a function of ours, empty otherwise."""
    thing = plain(thing)
    module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
    if not inspect.isfunction(thing) or not isinstance(name, str) or str(module).partition(".")[0] not in _OURS:
        return ""
    return f"{module}.{name.partition('.<locals>')[0]}"


_OURS = {*PACKAGES, "tests"}


def _methods(kind: type[Any]) -> Iterator[str]:
    """What making an object of a class runs."""
    for method in ("__init__", "__post_init__"):
        if name := name_of(inspect.getattr_static(kind, method, None)):
            yield name


def read(sources: dict[ModuleType, ast.Module]) -> Graph:
    """The graph of these modules."""
    functions: dict[str, Function] = {}
    methods: dict[str, set[str]] = defaultdict(set)
    bodies: list[tuple[ModuleType, Function, FunctionNode, type[Any] | None]] = []
    for module, tree in sources.items():
        for node, owner in _defined(tree):
            name = f"{module.__name__}.{owner}.{node.name}" if owner else f"{module.__name__}.{node.name}"
            functions[name] = function = functions.get(name) or Function(name)
            kind = vars(module).get(owner) if owner else None
            bodies.append((module, function, node, kind if inspect.isclass(kind) else None))
            if owner:
                methods[node.name].add(name)
    for module, function, node, kind in bodies:
        _look(_Names(module), function, node, kind, methods)
    return Graph(functions)


def _defined(tree: ast.Module) -> Iterator[tuple[FunctionNode, str]]:
    """Functions, and methods with the name of their class."""
    waiting: list[tuple[ast.stmt, str]] = [(node, "") for node in tree.body]
    while waiting:
        node, owner = waiting.pop()
        if isinstance(node, FunctionNode):
            yield node, owner
        elif isinstance(node, ast.ClassDef):
            waiting += [(inner, node.name) for inner in node.body]
        elif isinstance(node, ast.If | ast.Try):
            waiting += [(inner, owner) for inner in node.body]


def _look(
    names: _Names, function: Function, node: FunctionNode, kind: type[Any] | None, methods: dict[str, set[str]]
) -> None:
    parts = walk(node)
    local = _local(names, node, kind, parts)
    docstrings = {id(part.value) for part in parts if isinstance(part, ast.Expr)}
    awaited = {id(inner) for part in parts if isinstance(part, ast.Await) for inner in _chain(part.value)}
    for part in parts:
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and id(part) not in docstrings:
            function.writes |= bool(WRITING_SQL.search(part.value))
            function.reads.update(TABLE_IN_SQL.findall(part.value))
        elif isinstance(part, ast.JoinedStr):
            text = "".join(str(each.value) if isinstance(each, ast.Constant) else "{}" for each in part.values)
            function.writes |= bool(WRITING_SQL.search(text))
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Load):
            thing = names.of(part, local)
            if isinstance(thing, str):
                function.writes |= bool(WRITING_SQL.search(thing))
                function.reads.update(TABLE_IN_SQL.findall(thing))
            _call(function, thing)
        elif isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Load):
            thing = names.of(part, local)
            if isinstance(thing, str):
                function.writes |= bool(WRITING_SQL.search(thing))
            elif thing is not None and (name_of(thing) or isinstance(thing, tuple | list | dict | type)):
                _call(function, thing)
            elif names.of(part.value, local) is None:
                function.perhaps |= methods.get(part.attr, set())
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute):
            owner = names.of(part.func.value, local)
            function.writes |= _writes(part, owner, id(part) in awaited)


def _writes(call: ast.Call, owner: Any, awaited: bool) -> bool:
    """Whether this call of a method writes rows through Piccolo."""
    assert isinstance(call.func, ast.Attribute)
    attribute = call.func.attr
    if inspect.ismodule(owner) or (isinstance(owner, _Instance) and not issubclass(owner.kind, Table)):
        return False
    if attribute in OF_A_TABLE:
        return awaited or (inspect.isclass(owner) and issubclass(owner, Table))
    return attribute == "save" or (attribute == "remove" and not call.args)


def _chain(node: ast.expr) -> Iterator[ast.expr]:
    """`Table.insert(…)` within `await Table.insert(…).on_conflict(…).returning(…)`."""
    while isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        yield node
        node = node.func.value


def _call(function: Function, thing: Any) -> None:
    if isinstance(thing, tuple | list | dict) or inspect.isclass(thing):
        function.touches.add(id(thing))
    if inspect.isclass(thing):
        function.calls |= set(_methods(thing))
    elif name := name_of(thing):
        function.calls.add(name)


def _local(names: _Names, node: FunctionNode, kind: type[Any] | None, parts: list[ast.AST]) -> dict[str, Any]:
    """What names mean inside the function only: its parameters, its variables, its own imports."""
    local: dict[str, Any] = {}
    for part in parts:
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            local[part.id] = None
        elif isinstance(part, ast.arg):
            meant = names.of(part.annotation, {}) if part.annotation else None
            local[part.arg] = _Instance(meant) if inspect.isclass(meant) else None
        elif isinstance(part, FunctionNode) and part is not node:
            local[part.name] = None
    arguments = node.args.posonlyargs + node.args.args
    if kind is not None and arguments and arguments[0].arg in ("self", "cls"):
        local[arguments[0].arg] = _Instance(kind)
    for part in parts:
        if isinstance(part, ast.ImportFrom) and part.module:
            home = importlib.import_module(part.module)
            for alias in part.names:
                local[alias.asname or alias.name] = _imported(home, alias.name)
        elif isinstance(part, ast.Import):
            for alias in part.names:
                top = alias.name if alias.asname else alias.name.partition(".")[0]
                local[alias.asname or top] = importlib.import_module(top)
    for part in parts:
        if isinstance(part, ast.Assign | ast.NamedExpr):
            targets = part.targets if isinstance(part, ast.Assign) else [part.target]
            meant = names.of(part.value, local)
            if len(targets) == 1 and isinstance(targets[0], ast.Name) and isinstance(meant, _Instance):
                local[targets[0].id] = meant
    return local


def _imported(home: ModuleType, name: str) -> Any:
    if name in vars(home):
        return vars(home)[name]
    try:
        return importlib.import_module(f"{home.__name__}.{name}")
    except ModuleNotFoundError:
        return None


@cache
def house() -> Graph:
    """The graph of the whole product."""
    return read({importlib.import_module(module_of(path)): parsed(path) for path in SOURCES})
