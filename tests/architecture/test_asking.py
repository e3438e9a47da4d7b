"""No page, desk or view decides by the clock what a rule decides: it asks the rule, so that the two never disagree by a second."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from tests.architecture.test_house import ROOT, SOURCES
from tests.architecture.trees import of, walk

SHOWS = {"pages.py", "desk.py", "views.py", "readers.py", "api.py"}
IN_TEMPLATE = re.compile(r"\{[%{][^%}]*?(?:[<>]=? *(?:site\.now|now\(\)|now\b)|(?:site\.now|now\(\)|\bnow) *[<>])")
NOW = {"now", "today", "moment"}


def compared(source: str) -> Iterator[int]:
    """The lines in which something is earlier or later than the present moment."""
    for node in walk(of(source)):
        if isinstance(node, ast.Compare) and any(
            isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE) for op in node.ops
        ):
            for side in (node.left, *node.comparators):
                name = side.func if isinstance(side, ast.Call) else side
                if getattr(name, "attr", getattr(name, "id", "")) in NOW:
                    yield node.lineno


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("may = row.until >= clock.now()", [1]),
        ("now = clock.now()\nmay = now < row.until", [2]),
        ("may = rules.takes_bids(row.closes_at, clock.now())", []),
        ("many = len(rows) > MOST", []),
    ],
)
def test_a_page_that_looks_at_the_clock_itself_is_found(source: str, found: list[int]) -> None:
    assert list(compared(source)) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("{% if pitch.scheduled_at and pitch.scheduled_at <= site.now %}", True),
        ("{% elif topic.until < now() %}", True),
        ("{% if may_deliver %}<p>now</p>{% endif %}", False),
        ("{{ row.closes_at | until }} <strong>now</strong>", False),
    ],
)
def test_a_template_that_looks_at_the_clock_itself_is_found(source: str, found: bool) -> None:
    assert bool(IN_TEMPLATE.search(source)) is found


def test_what_is_shown_asks_the_rules_what_time_allows() -> None:
    code = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in SOURCES
        if path.name in SHOWS
        for line in compared(path.read_text())
    ]
    templates = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "templates").rglob("*.html")
        if IN_TEMPLATE.search(path.read_text())
    ]
    assert code + templates == []
