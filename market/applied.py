"""Which rule applies each number of the policy: found by reading the code, so that no number is published that nothing heeds.

A function applies a number when it reads it of the policy in force, by whatever local name, through a method of the group,
or through a constant of its module. Who calls such a function applies it too; the first rules met on that way up are those
that `docs/policy.md` names. What only shows a number (pages, the API, desks, the front, the story) applies nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGES: Final = ("market", "challenges", "search")
SHOWING: Final = frozenset({"pages.py", "api.py", "desk.py"})
"""Files that show numbers to people and programs."""
TELLING: Final = frozenset({"front", "seed"})
"""Folders that do."""
_HOPS: Final = 4


@dataclass
class Function:
    """A function: where it stands, its rule's code when it is one, the numbers it reads, and what it mentions by name."""

    module: str
    name: str
    code: str
    reads: set[str] = field(default_factory=set)
    mentions: set[tuple[str, str]] = field(default_factory=set)

    def __str__(self) -> str:
        return f"`{self.module}` {self.name}"


def applied_by() -> Mapping[str, tuple[str, ...]]:
    """For each number that something applies, by its dotted name: the codes of the rules that do, else the functions."""
    functions = _functions()
    found: dict[str, tuple[str, ...]] = {}
    for number in sorted({each for function in functions for each in function.reads}):
        reached = [function for function in functions if number in function.reads]
        first = reached
        for _hop in range(_HOPS):
            if rules := sorted({f"`{function.code}`" for function in reached if function.code}):
                found[number] = tuple(rules)
                break
            reached = [caller for caller in functions if any(_calls(caller, each) for each in reached)]
        else:
            found[number] = tuple(sorted({str(function) for function in first}))
    return found


def _calls(caller: Function, called: Function) -> bool:
    stem = called.module.rpartition("/")[2].removesuffix(".py")
    inside = caller.module == called.module and ("", called.name) in caller.mentions
    return caller is not called and (inside or (stem, called.name) in caller.mentions)


@lru_cache(maxsize=1)
def _functions() -> tuple[Function, ...]:
    policy = ast.parse((ROOT / "market" / "policy.py").read_text(encoding="utf-8"))
    groups, methods = _groups(policy), _methods(policy)
    found: list[Function] = []
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            inside = path.relative_to(ROOT)
            if path.name in SHOWING or TELLING & set(inside.parts) or inside.as_posix() == "market/policy.py":
                continue
            text = path.read_text(encoding="utf-8")
            found += _of_module(ast.parse(text), inside.as_posix(), groups, methods)
    return tuple(found)


def _groups(policy: ast.Module) -> dict[str, str]:
    """The groups of the policy by name, with the class of each; a number without a group has no class of ours."""
    (whole,) = (each for each in policy.body if isinstance(each, ast.ClassDef) and each.name == "Policy")
    fields = (each for each in whole.body if isinstance(each, ast.AnnAssign))
    return {each.target.id: ast.unparse(each.annotation) for each in fields if isinstance(each.target, ast.Name)}


def _methods(policy: ast.Module) -> dict[tuple[str, str], set[str]]:
    """What each method of a group's class reads of its own numbers."""
    found: dict[tuple[str, str], set[str]] = {}
    for group in (each for each in policy.body if isinstance(each, ast.ClassDef)):
        for method in group.body:
            if isinstance(method, ast.FunctionDef):
                found[group.name, method.name] = {
                    node.attr
                    for node in ast.walk(method)
                    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
                }
    return found


def _of_module(
    tree: ast.Module, module: str, groups: Mapping[str, str], methods: Mapping[tuple[str, str], set[str]]
) -> Iterator[Function]:
    constants: dict[str, set[str]] = {}
    elsewhere: dict[str, tuple[str, str]] = {}
    """Names taken from other modules: the module's own name and the name there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for taken in node.names:
                elsewhere[taken.asname or taken.name] = (node.module.rpartition(".")[2], taken.name)
    for statement in tree.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign) and (read := _reads(statement, {}, groups, methods)):
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            constants |= {each.id: read for each in targets if isinstance(each, ast.Name)}
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        function = Function(module, node.name, _code(node))
        aliases = {
            given.arg: {group for group, kind in groups.items() if said == f"policy.{kind}"}
            for given in [*node.args.args, *node.args.kwonlyargs]
            if (said := ast.unparse(given.annotation) if given.annotation else "")
        }
        for each in ast.walk(node):
            if isinstance(each, ast.Assign) and len(each.targets) == 1 and isinstance(each.targets[0], ast.Name):
                named = {
                    group
                    for part in ast.walk(each.value)
                    if (group := _group(part)) in groups and not _deeper(each.value, part)
                }
                if named:
                    aliases[each.targets[0].id] = {str(group) for group in named}
        function.reads = _reads(node, aliases, groups, methods)
        for each in ast.walk(node):
            if isinstance(each, ast.Name):
                function.reads |= constants.get(each.id, set())
                function.mentions |= {("", each.id), elsewhere.get(each.id, ("", each.id))}
            elif isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
                function.mentions.add((elsewhere.get(each.value.id, ("", each.value.id))[1], each.attr))
        yield function


def _code(node: ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    """The code of the rule that a function is, or nothing."""
    for each in node.decorator_list:
        if isinstance(each, ast.Call) and ast.unparse(each.func) in ("rule", "flag") and each.args:
            (first, *_) = each.args
            return str(first.value) if isinstance(first, ast.Constant) else ""
    return ""


def _group(node: ast.AST) -> str | None:
    """The group of the policy in force that an attribute names."""
    if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "policy.IN_FORCE":
        return node.attr
    return None


def _deeper(whole: ast.AST, part: ast.AST) -> bool:
    """Whether an attribute of this part is taken within the whole."""
    return any(isinstance(each, ast.Attribute) and each.value is part for each in ast.walk(whole))


def _reads(
    node: ast.AST,
    aliases: Mapping[str, set[str]],
    groups: Mapping[str, str],
    methods: Mapping[tuple[str, str], set[str]],
) -> set[str]:
    found: set[str] = set()
    for each in ast.walk(node):
        if not isinstance(each, ast.Attribute):
            continue
        if (group := _group(each)) is not None and groups.get(group) in ("str", "int"):
            found.add(group)
        within = {_group(each.value)} - {None}
        if isinstance(each.value, ast.Name):
            within = within | aliases.get(each.value.id, set())
        for name in within:
            taken = methods.get((groups.get(str(name), ""), each.attr), {each.attr})
            found |= {f"{name}.{number}" for number in taken}
    return found
