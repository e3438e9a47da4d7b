"""Who decides by time decides by the arrival: no rule takes a bare moment, and nobody else compares a deadline with the clock."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from datetime import datetime
from typing import Any, get_type_hints

import pytest

from market.arrival import Arrival
from market.refusals import rule
from market.rulebook import modules, rules_of
from tests.architecture.test_facts import meant
from tests.architecture.test_house import ROOT, SOURCES

MOMENT = {"now", "at", "arrived", "moment", "today"}
"""What a present moment is called among the facts of a rule."""

BY_THE_CLOCK = {
    "market/accounts/memberships.py:begin": "whether a membership runs that is to begin",
    "market/audit/witnesses.py:take": "whether the clock of a witness is ahead of ours",
    "market/bids/actions.py:tell_officers": "a job: nobody sent anything",
    "market/letters/sending.py:send_waiting": "a job",
    "market/letters/sending.py:_send_next": "a job",
    "market/oversight/tree.py:watched": "how far the tree over the log is behind",
    "market/payments/actions.py:look_after_accounts": "a job",
    "market/payments/actions.py:pay_waiting": "a job",
    "market/payments/stripe.py:_sent": "how long the provider keeps a key",
    "market/standards/sanctions/actions.py:tell_withheld": "a job",
    "search/meili.py:_tidy": "a job",
    "search/outbox.py:behind": "how far the index is behind",
    "search/pages.py:find": "what a page of results offers",
    "search/saved/actions.py:tell_waiting": "a job",
}
"""Who compares something with the clock itself, and why that is no deadline for anybody who sends something."""


def bare(norm: Any, home: Any) -> Iterator[str]:
    """The moments that a rule is told as if anybody could read them off a clock."""
    for name, each in inspect.signature(norm).parameters.items():
        word = str(each.annotation)
        if name in MOMENT and word == "datetime":
            yield name
        facts = meant(home, word.strip("'\""))
        if isinstance(facts, type):
            for field, kind in getattr(facts, "__annotations__", {}).items():
                if field in MOMENT and kind in ("datetime", datetime):
                    yield f"{word}.{field}"


@rule("example.too-late")
def _by_the_clock(closes_at: datetime, now: datetime) -> str | None:
    """A rule as it must not be."""
    return "late" if now >= closes_at else None


@rule("example.in-time")
def _by_the_arrival(closes_at: datetime, now: Arrival) -> str | None:
    """A rule as it must be."""
    return "late" if now >= closes_at else None


def test_a_rule_that_takes_a_bare_moment_is_found() -> None:
    import sys

    here = sys.modules[__name__]
    assert list(bare(_by_the_clock.norm, here)) == ["now"]
    assert list(bare(_by_the_arrival.norm, here)) == []
    assert get_type_hints(_by_the_arrival.norm)["now"] is Arrival


def test_every_rule_that_decides_by_time_decides_by_the_arrival() -> None:
    found = [
        f"{each.code}: {name}"
        for module in modules()
        for each in rules_of(module)
        for name in bare(each.norm, inspect.getmodule(each.norm))
    ]
    assert found == []


def compared(source: str) -> Iterator[str]:
    """The functions in which something is earlier or later than the clock, read there."""
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        names = set()
        for node in ast.walk(function):
            if isinstance(node, ast.Assign):
                target, value = node.targets[0], node.value
                pairs = (
                    zip(target.elts, value.elts, strict=False)
                    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple)
                    else [(target, value)]
                )
                names |= {one.id for one, what in pairs if isinstance(one, ast.Name) and _reads_the_clock(what)}
        for node in ast.walk(function):
            earlier = isinstance(node, ast.Compare) and any(
                isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in node.ops
            )
            if earlier and any(
                _reads_the_clock(side) or (isinstance(side, ast.Name) and side.id in names) for side in ast.walk(node)
            ):
                yield function.name


def _reads_the_clock(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Call) and ast.unparse(each.func) == "clock.now" for each in ast.walk(node))


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def act():\n  return row.until > clock.now()", ["act"]),
        ("async def act():\n  a, now = 1, clock.now()\n  return now >= row.until", ["act"]),
        ("async def act():\n  before = clock.now() - timedelta(days=1)\n  return Table.at < before", ["act"]),
        ("async def act():\n  now = clock.arrived()\n  return now >= row.until", []),
    ],
)
def test_who_compares_with_the_clock_is_found(source: str, found: list[str]) -> None:
    assert list(compared(source)) == found


def test_nobody_who_answers_a_request_compares_a_deadline_with_the_clock() -> None:
    rooms = [path for path in SOURCES if not {"seed", "proof"} & set(path.parts) and path.name != "clock.py"]
    found = {f"{path.relative_to(ROOT)}:{name}" for path in rooms for name in compared(path.read_text())}
    assert found - BY_THE_CLOCK.keys() == set()
    assert BY_THE_CLOCK.keys() - found == set(), "who no longer does comes off the list"
