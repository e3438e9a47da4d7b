"""Every test is run by `make test` or by `make long`, and none depends on how busy the machine is."""

from __future__ import annotations

import ast
import itertools
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression
from hypothesis import HealthCheck, settings

from tests.architecture.trees import ROOT, parsed, place, walk

FILES = sorted((ROOT / "tests").rglob("*.py"))
TREES = {place(path): parsed(path) for path in FILES}
OPTIONS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"]["ini_options"]
MARKS = [line.partition(":")[0] for line in OPTIONS["markers"]]


def recipe(target: str) -> list[list[str]]:
    """What a target of the Makefile runs, word by word, with its variables written out."""
    text = (ROOT / "Makefile").read_text()
    variables = dict(re.findall(r"^(\w+) := (.*)$", text, re.MULTILINE))
    lines = re.search(rf"^{target}:.*\n((?:\t.*\n)*)", text, re.MULTILINE)
    assert lines, f"make {target} is gone"
    written = re.sub(r"\$\((\w+)\)", lambda name: variables.get(name[1], ""), lines[1])
    return [
        shlex.split(re.sub(r"\$\((\w+)\)", lambda name: variables.get(name[1], ""), line))
        for line in written.splitlines()
    ]


def chosen(target: str) -> str:
    """Which tests a target runs, as the expression over marks that is the only thing it chooses by."""
    (line,) = (each for each in recipe(target) if any(word.endswith("pytest") for word in each))
    assert not [word for word in line if re.match(r"-k|--ignore|--deselect|--lf|tests|::", word)]
    return line[line.index("-m") + 1]


def takes(target: str, marks: frozenset[str]) -> bool:
    """Whether a target runs a test with these marks."""
    return Expression.compile(chosen(target)).evaluate(lambda name, **_: name in marks)


def test_no_test_falls_out_of_the_tiers_and_the_quick_ones_are_of_the_others() -> None:
    for marks in map(frozenset, itertools.chain(*(itertools.combinations(MARKS, n) for n in range(len(MARKS) + 1)))):
        assert takes("test", marks) != takes("long", marks), marks
        assert takes("test", marks) or not takes("quick", marks), marks
    assert takes("quick", frozenset())
    assert not any(takes("quick", frozenset({mark})) for mark in MARKS)


def test_continuous_integration_runs_both() -> None:
    commands = [line.split("#")[0].strip() for line in (ROOT / ".ci" / "run").read_text().splitlines()]
    assert [line for line in commands if "make" in line] == ["make test", "make long"]


def test_nothing_else_decides_what_is_run() -> None:
    assert OPTIONS["testpaths"] == ["tests"]
    assert not re.search(r"(^|\s)(-m|-k|--ignore|--deselect)", OPTIONS["addopts"])
    strays = [
        f"{path}: {node.name}"
        for path, tree in TREES.items()
        if not Path(path).name.startswith("test_")
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    ]
    assert strays == [], "pytest does not look for tests there"
    assert [path for path in TREES if "collect_ignore" in (ROOT / path).read_text() and path != HERE] == []


HERE = str(Path(__file__).relative_to(ROOT))
MAY_SKIP = {
    "tests/chromium.py": "a browser, which `make test` installs or names",
    "tests/search/engines.py": "a Meilisearch server, which `make test` fetches or names",
    "tests/market/test_embedded.py": "the rights of root",
    "tests/market/test_ports.py": "the rights of root, or IPv6",
    "tests/market/web/test_received.py": "a kernel that keeps when data came, which is Linux",
}


def test_a_clone_alone_skips_nothing_for_want_of_data() -> None:
    skipping = {
        path
        for path, tree in TREES.items()
        for node in walk(tree)
        if isinstance(node, ast.Attribute) and node.attr in ("skip", "skipif", "importorskip", "xfail") and path != HERE
    }
    assert skipping == set(MAY_SKIP)
    assert [path for path in TREES if "SHARED_DATA" in (ROOT / path).read_text() and path != HERE] == []


# ── busy machines ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_hypothesis_asks_as_one_profile_says_and_no_test_has_a_deadline_of_its_own() -> None:
    assert settings().deadline is None
    assert settings().print_blob
    assert HealthCheck.too_slow in settings().suppress_health_check
    own = [
        f"{path}:{node.lineno}"
        for path, tree in TREES.items()
        for node in walk(tree)
        if isinstance(node, ast.Call) and _asks_otherwise(node, path)
    ]
    assert own == []


def _asks_otherwise(call: ast.Call, path: str) -> bool:
    name = ast.unparse(call.func).rpartition(".")[2]
    if name in ("register_profile", "load_profile"):
        return path != "tests/conftest.py"
    return name == "settings" and path != "tests/conftest.py" and any(each.arg == "deadline" for each in call.keywords)


CLOCKS = {
    "time",
    "monotonic",
    "perf_counter",
    "process_time",
    "thread_time",
    "time_ns",
    "monotonic_ns",
    "perf_counter_ns",
}
READ_CLOCKS = {"tests/waiting.py", "tests/cost.py"}


def read_clocks(tree: ast.Module) -> Iterator[int]:
    """Where a clock of the machine is read."""
    for node in walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "time" and CLOCKS & {each.name for each in node.names}:
            yield node.lineno
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS and ast.unparse(node.value) in ("time", "loop"):
            yield node.lineno


def test_no_test_asks_how_long_something_took() -> None:
    asking = [f"{path}:{at}" for path, tree in TREES.items() for at in read_clocks(tree) if path not in READ_CLOCKS]
    assert asking == [], "wait with tests/waiting.py; what something costs the processor is for tests/cost.py"


def short_waits(tree: ast.Module) -> Iterator[int]:
    """Where waiting ends after a number that stands there. What is only the pause before asking again has a name."""
    for call in (node for node in walk(tree) if isinstance(node, ast.Call)):
        name = ast.unparse(call.func).rpartition(".")[2]
        ends = [each.value for each in call.keywords if each.arg in ("timeout", "timeout_seconds")]
        if name in ("wait_for", "join", "set_default_timeout", "settimeout") or (
            name == "wait" and len(call.args) == 1
        ):
            ends += call.args[-1:]
        if any(isinstance(end, ast.Constant) and isinstance(end.value, int | float) for end in ends):
            yield call.lineno


def test_waiting_has_one_bound() -> None:
    short = [f"{path}:{at}" for path, tree in TREES.items() for at in short_waits(tree)]
    assert short == [], "the bound of waiting is LONGEST of tests/waiting.py"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("import time\nassert time.monotonic() - began < 3", read_clocks),
        ("from time import perf_counter", read_clocks),
        ("process.wait(10)", short_waits),
        ("await asyncio.wait_for(reading, 20)", short_waits),
        ("subprocess.run(command, timeout=60)", short_waits),
        ("context.set_default_timeout(10_000)", short_waits),
    ],
)
def test_what_is_refused_is_noticed(text: str, what: object) -> None:
    assert callable(what)
    assert list(what(ast.parse(text)))
