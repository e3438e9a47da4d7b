"""What rules look at has no innocent default: whoever asks a rule says every fact, or the rule is empty and nobody sees it."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
from piccolo.table import Table

from market.refusals import rule
from market.rulebook import modules, rules_of
from tests.architecture.trees import of, walk


def meant(module: ModuleType, name: str) -> Any:
    """What a name in an annotation stands for in this module, also when it is imported for the type checker only."""
    if name in vars(module):
        return vars(module)[name]
    home, named = imported(module).get(name, ("", ""))
    return getattr(importlib.import_module(home), named, None) if home else None


@cache
def imported(module: ModuleType) -> dict[str, tuple[str, str]]:
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in walk(of(Path(str(module.__file__)).read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module
        for alias in node.names
    }


def asked_of(function: Callable[..., Any]) -> Iterator[str]:
    """The parameters of a function that may be left out."""
    for each in inspect.signature(function).parameters.values():
        if each.default is not each.empty:
            yield f"{function.__module__}.{function.__name__}({each.name})"


def may_be_left_out(facts: type[Any]) -> Iterator[str]:
    """The fields of a struct of facts that have a default, whatever it is made of."""
    if dataclasses.is_dataclass(facts):
        names = [
            each.name
            for each in dataclasses.fields(facts)
            if each.init
            and (each.default is not dataclasses.MISSING or each.default_factory is not dataclasses.MISSING)
        ]
    elif issubclass(facts, msgspec.Struct):
        names = [each.name for each in msgspec.structs.fields(facts) if not each.required]
    else:
        names = list(getattr(facts, "_field_defaults", ()))
    yield from (f"{facts.__module__}.{facts.__name__}.{name}" for name in names)


def facts_of(module: ModuleType, annotations: dict[str, Any], known: set[type[Any]]) -> None:
    """Gather the structs that these annotations name, and those that their fields name."""
    for said in annotations.values():
        for name in re.findall(r"[A-Za-z_]\w*", said if isinstance(said, str) else getattr(said, "__name__", "")):
            found = meant(module, name)
            if not inspect.isclass(found) or found in known or issubclass(found, Table):
                continue
            # Who acts, money and what a check found are values of the whole house, made elsewhere; facts are made for rules.
            if not found.__module__.endswith((".rules", ".facts", __name__)):
                continue
            if dataclasses.is_dataclass(found) or issubclass(found, msgspec.Struct | tuple):
                known.add(found)
                facts_of(importlib.import_module(found.__module__), inspect.get_annotations(found), known)


def test_every_fact_that_a_rule_looks_at_is_said_by_whoever_asks() -> None:
    loose: list[str] = []
    known: set[type[Any]] = set()
    for module in modules():
        for each in rules_of(module):
            loose += asked_of(each.norm)
            facts_of(module, inspect.get_annotations(each.norm), known)
        for function in vars(module).values():
            if inspect.isfunction(function) and function.__module__ == module.__name__:
                loose += asked_of(function)
                facts_of(module, inspect.get_annotations(function), known)
    assert len(known) > 30
    for facts in known:
        loose += may_be_left_out(facts)
    assert sorted(loose) == []


@dataclasses.dataclass(frozen=True)
class Loose:
    withheld: str = ""


@rule("test.is-open")
def is_open(facts: Loose, late: bool = False) -> str | None:
    """A rule that can be asked without its facts."""
    return facts.withheld or ("Late." if late else None)


@pytest.mark.parametrize("loose", ["tests.architecture.test_facts.Loose.withheld"])
def test_a_default_would_be_found(loose: str) -> None:
    known: set[type[Any]] = set()
    facts_of(importlib.import_module(__name__), inspect.get_annotations(is_open.norm), known)
    assert [each for facts in known for each in may_be_left_out(facts)] == [loose]
    assert list(asked_of(is_open.norm)) == ["tests.architecture.test_facts.is_open(late)"]
