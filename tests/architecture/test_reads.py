"""What is read from the database is a typed row, and nothing is built from a line of unnamed values."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator

import pytest

from tests.architecture import trees
from tests.architecture.trees import walk

ROOT, SOURCES = trees.ROOT, trees.SOURCES

READS = {"rows", "row", "the"}
ASKS = {"many", "one", "fetched"}
TAKE_MANY = READS | ASKS | {"fetch", "fetchval", "execute", "problem_responses"}
"""Functions that take however many of one kind: a query's arguments, a route's refusals."""
GROUND = {"market/db.py", "market/reads.py"}
UNNAMED_AT_MOST = 7
CHANGES = re.compile(
    r"\s*(INSERT|UPDATE|DELETE|LOCK|COMMENT|CREATE|DROP|ALTER|TRUNCATE|SET|SELECT (pg_|set_config|setval)|WITH\b[^;]*?\b(INSERT INTO|UPDATE|DELETE FROM)\b)",
    re.S,
)


def name_of(call: ast.Call) -> str:
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def calls_in(tree: ast.AST) -> Iterator[ast.Call]:
    return (each for each in walk(tree) if isinstance(each, ast.Call))


def words_of(node: ast.expr) -> str:
    """The beginning of a query as far as it is written where it is asked."""
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
    if isinstance(node, ast.BinOp):
        return words_of(node.left)
    return str(node.value) if isinstance(node, ast.Constant) else ""


def dictionaries(source: str) -> Iterator[tuple[int, str]]:
    """Where rows of the database are read into dictionaries."""
    tree = trees.of(source)
    asks = {
        alias.asname or alias.name
        for each in walk(tree)
        if isinstance(each, ast.ImportFrom) and each.module == "market.db"
        for alias in each.names
        if alias.name in ASKS
    }
    for call in calls_in(tree):
        of_db = isinstance(call.func, ast.Attribute) and ast.unparse(call.func.value) == "db" and call.func.attr in ASKS
        asked = of_db or (isinstance(call.func, ast.Name) and call.func.id in asks)
        if asked and call.args and not CHANGES.match(words_of(call.args[0])):
            yield call.lineno, "a SELECT through market.db answers dictionaries: ask with market.reads"
        if (
            isinstance(call.func, ast.Attribute)
            and call.func.attr == "select"
            and ast.unparse(call.func.value)[:1].isupper()
        ):
            yield call.lineno, "Piccolo's select answers dictionaries: ask with market.reads"


def unnamed(source: str) -> Iterator[tuple[int, str]]:
    """Where more values stand in a line without their names than anybody can count."""
    for call in calls_in(trees.of(source)):
        if len(call.args) > UNNAMED_AT_MOST and name_of(call) not in TAKE_MANY:
            yield call.lineno, f"{name_of(call)} is given {len(call.args)} values without their names"


def in_pieces(source: str) -> Iterator[tuple[int, str]]:
    """Where a query of several lines is not one triple-quoted text."""
    lines = source.splitlines()
    for call in calls_in(trees.of(source)):
        for query in call.args[1:2] if name_of(call) in READS else ():
            several = isinstance(query, ast.Constant | ast.JoinedStr) and query.lineno != query.end_lineno
            if several and '"""' not in lines[query.lineno - 1][query.col_offset :][:4]:
                yield query.lineno, "a query of several lines is one text in triple quotes"


@pytest.mark.parametrize("rule", [dictionaries, unnamed, in_pieces], ids=["typed rows", "named values", "one text"])
def test_what_is_read_is_typed_and_what_is_built_is_named(rule: Callable[[str], Iterator[tuple[int, str]]]) -> None:
    found = []
    for path in SOURCES:
        name = path.relative_to(ROOT).as_posix()
        if name not in GROUND:
            found += [f"{name}:{line}: {wrong}" for line, wrong in rule(path.read_text())]
    assert found == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('from market.db import many\nasync def f(): await many("SELECT ref FROM tender")', 1),
        ('from market import db\nasync def f(): return await db.one("SELECT 1 AS n")', 1),
        ('from market.db import many\nasync def f(): await many("DELETE FROM tender RETURNING id")', 0),
        (
            'from market.db import many\nasync def f(): await many(f"WITH new AS (INSERT INTO {name} VALUES (1)) SELECT 1")',
            0,
        ),
        ("async def f(): return await Tender.select(Tender.ref)", 1),
        ('async def f() -> list[Seat]: return await rows(Seat, "SELECT 1")', 0),
    ],
)
def test_dictionaries_are_found(source: str, count: int) -> None:
    assert len(list(dictionaries(source))) == count


def test_unnamed_values_are_found() -> None:
    assert len(list(unnamed("Line(a, b, c, d, e, f, g, h)"))) == 1
    assert list(unnamed('Line(a=1, b=2, c=3, d=4, e=5, f=6, g=7, h=8)\nrows(Seat, "", 1, 2, 3, 4, 5, 6, 7)')) == []


def test_queries_in_pieces_are_found() -> None:
    assert len(list(in_pieces('rows(Seat,\n "SELECT ref "\n "FROM seat")'))) == 1
    assert list(in_pieces('rows(Seat, f"""\n SELECT ref\n """)')) == []
