"""The documents say what is there: every path, address, command and name in backticks is looked up, the floors are those that are
checked, and the walks are walked."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import itertools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar
from piccolo.table import Table

from market import policy
from market.__main__ import parser
from tests.architecture.calls import house, name_of
from tests.architecture.test_house import tables
from tests.architecture.trees import ROOT, SOURCES, module_of, nodes, place

READ = {".py", ".html", ".txt", ".sql", ".yaml", ".toml", ".sh", ".js", ".json"}
GENERATED = {"rules.md", "policy.md"}
DOCUMENTS = [
    ROOT / "README.md",
    *sorted(path for path in (ROOT / "docs").glob("*.md") if path.name not in GENERATED),
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
    ROOT / "market" / "proof" / "README.md",
]
ABOVE = (
    "", "market/", "tests/", "tests/market/", "templates/", "tests/market/portal/", "market/portal/", "fixtures/reference/"
)  # fmt: skip
"""Where what a document names may begin: it need not say again in which tree it is."""

OF_OTHERS = {
    "README.md": {"var/log"},
    "docs/open-data.md": {"bids/statistics"},
    "docs/operations.md": {
        "pg_dump",
        "pginstall18/bin",
        "tlog-witness",
        "var/heartbeat/",
        "var/log/",
        "var/log/key",
        "var/postgres",
        "var/postgres.keeper",
        "var/postgres.log",
        "var/postgres.users",
    },
    "docs/portal.md": {"31/03/2016", "n/a", "challenges/uk-digital-outcomes-opportunities.csv"},
    "docs/security.md": {"var/log/"},
    "market/proof/README.md": {
        ".p/W",
        "/log/tile/L/N",
        "/log/tile/entries/N",
        "signed-note",
        "tlog-checkpoint",
        "tlog-cosignature",
        "tlog-tiles",
        "x001/x234/067",
    },
    "docs/search.md": {"var/corpus", "var/search"},
    "docs/decisions/embedded-postgresql.md": {"CAP_DAC_READ_SEARCH", "PR_SET_PDEATHSIG"},
    "docs/decisions/questions.md": {"askQuestion", "answerQuestion"},
    "docs/decisions/vendored-govuk-frontend.md": {"govuk_frontend_jinja/components/…/macro.html"},
}
"""What others call so, what is made when it runs, what a document says is called otherwise now, and values that look like paths."""


def backticked(path: Path) -> list[str]:
    """The names in backticks, without blocks of code, and without the sections of additions, which are walked elsewhere."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
    text = re.sub(r"^## How to add .*?(?=^## (?!How to add))", "", text, flags=re.S | re.M)
    return re.findall(r"`([^`\n]+)`", text)


# ── what is there ──────────────────────────────────────────────────────────────────────────────────────────────────


@functools.cache
def words() -> frozenset[str]:
    """Every word of the code, the templates, the tests and what they read; but what the code says of itself proves nothing."""
    known: set[str] = set()
    for folder in ("market", "challenges", "search", "templates", "tests", "bench", "fixtures", ".ci", "docs"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in READ and path.stat().st_size < 1_500_000 and path != Path(__file__):
                text = path.read_text(encoding="utf-8", errors="replace")
                if path.suffix == ".py":
                    text = re.sub(r'^ *""".*?"""|  # [^\n]*', "", text, flags=re.DOTALL | re.MULTILINE)
                known.update(re.findall(r"[\w$@#.:/-]+", text))
    for name in ("Makefile", "pyproject.toml", "requirements.lock", ".ci/run"):
        known.update(re.findall(r"[\w.-]+", (ROOT / name).read_text(encoding="utf-8")))
    parts = {part for word in known for part in re.findall(r"\w+(?:-\w+)*", word)}
    return frozenset(
        known | parts | {part.removeprefix("test_") for part in parts} | {"_".join(word.split("-")) for word in parts}
    )


def a_file(name: str) -> bool:
    """Whether a path is there, from the root or from where its tree begins; `…`, `NAME` and `<noun>` stand for any name."""
    pattern = re.sub(r"<\w+>|…|\b[A-Z]{3,}\b(?=/|$)", "*", name).rstrip("/")
    return any((ROOT / above / name).exists() or any(ROOT.glob(above + pattern)) for above in ABOVE) or name in _files()


@functools.cache
def _files() -> set[str]:
    """Names of files, for documents that say which folder they speak of."""
    migrations = ROOT.glob("*/piccolo_migrations/*.sql")
    return {path.name for path in [*SOURCES, *migrations, *(ROOT / "tests").rglob("*.py")]}


def named(name: str) -> bool:
    """Whether `file.name`, `Class.method`, `macros.macro`, `table.column` or `noun.number` of the policy is there."""
    first, _, last = name.rpartition(".")
    return (
        an_object(name) is not None
        or any(each.endswith(f".{name}") for each in house().functions)
        or any(an_object(f"{first}.{kind}") is not None for kind in _keepers().get(last, ()))
        or a_macro(name)
        or any(
            first in (table._meta.tablename, table.__name__)
            and last in {column._meta.name for column in table._meta.columns}
            for table in tables()
        )
        or functools.reduce(lambda thing, part: getattr(thing, part, None), name.split("."), policy.IN_FORCE)
        is not None
    )


def a_macro(name: str) -> bool:
    """Whether `file.name` is a macro of the templates."""
    first, _, last = name.rpartition(".")
    return any(f"macro {last}(" in path.read_text() for path in ROOT.glob(f"templates/parts/{first}.html"))


@functools.cache
def _keepers() -> dict[str, set[str]]:
    """The classes that have a method of a name."""
    answer: dict[str, set[str]] = {}
    for function in house().functions:
        *_, kind, method = function.split(".")
        answer.setdefault(method, set()).add(kind)
    return answer


def an_object(name: str) -> Any:
    """What `room/file.name`, `market.module.name` or `module.name` stands for, None when it stands for nothing."""
    parts = name.replace("/", ".").split(".")
    homes = [module for module in _modules() if _ends_with(module, parts[:-1]) or _ends_with(module, parts)]
    for length in range(len(parts), 0, -1):
        for module in homes or [module for module in _modules() if _ends_with(module, parts[:length])]:
            if not _ends_with(module, parts[:length]):
                continue
            thing: Any = importlib.import_module(module)
            for part in parts[length:]:
                found = inspect.getattr_static if inspect.isclass(thing) or inspect.ismodule(thing) else getattr
                thing = found(thing, part, None)
            if thing is not None:
                return thing
    return None


@functools.cache
def _modules() -> list[str]:
    tests = [path for path in (ROOT / "tests").rglob("*.py") if not path.stem.startswith(("test_", "__"))]
    return sorted({module_of(path) for path in [*SOURCES, *tests]}, key=lambda name: (name.count("."), name))


def _ends_with(module: str, parts: list[str]) -> bool:
    return bool(parts) and module.split(".")[-len(parts) :] == parts


def a_command(text: str) -> bool:
    """Whether a command can be given: a target of the Makefile, a command of ours, a bench."""
    said = text.split()
    if said[0] == "make":
        targets = set(re.findall(r"^([a-z-]+)(?: [a-z-]+)*:", (ROOT / "Makefile").read_text(), re.MULTILINE))
        return all(word in targets or "=" in word for word in said[1:])
    if said[:3] == ["python", "-m", "market"]:
        commands = next(action.choices for action in parser()._actions if isinstance(action.choices, dict))
        return len(said) == 3 or said[3].startswith("--") or said[3] in commands
    if said[:2] == ["python", "-m"]:
        return a_file(said[2].replace(".", "/") + ".py")
    return said[0] != "python" or a_file(said[1])


def an_address(app: Litestar, text: str) -> bool:
    """Whether something answers at an address; capitals, braces and `…` stand for what a route takes."""
    asked = re.split(r"[?]", text)[0].strip("/").split("/")
    for route in app.routes:
        parts = route.path.strip("/").split("/")
        long_enough = len(parts) == len(asked) or (len(parts) > len(asked) and text.endswith(("/", "…")))
        if long_enough and all(
            there == said or there.startswith("{") or re.search(r"[{<…]|^[A-Z]+$", said)
            for there, said in zip(parts, asked, strict=False)
        ):
            return True
    return False


def unknown(text: str, app: Litestar) -> bool:
    """Whether a document names something that is not there."""
    text = text.removeprefix("await ").removeprefix("with ").removeprefix("async def ").removeprefix(".venv/bin/")
    if re.match(r"(make|python) ", text):
        return not a_command(text.split(" > ")[0].split(" && ")[0])
    if re.fullmatch(r"/[\w{}<>|…./?=-]*", text):
        return not an_address(app, text)
    name = re.sub(r"\(.*\)$", "", text)
    if re.fullmatch(r"[\w.<>…-]+(/[\w.<>…-]*)+", name):
        return not (a_file(name) or named(name.replace("/", ".")) or text in words())
    if re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", name):
        return not (named(name) or a_file(name) or name in words())
    if re.fullmatch(r"\w+(-\w+)*", name):
        return not ({name, name.lower()} & words() or an_object(name) is not None)
    return False


@pytest.mark.parametrize("path", DOCUMENTS, ids=place)
def test_what_a_document_names_is_there(path: Path, app: Litestar) -> None:
    wrong = [text for text in backticked(path) if unknown(text, app)]
    assert sorted(set(wrong) - OF_OTHERS.get(place(path), set())) == []


@pytest.mark.parametrize(
    "text",
    [
        *(
            "market/nowhere.py",
            "bids/pages.nothing",
            "nowhere/",
            "/nowhere-at-all",
            "/tenders/REF/nowhere",
            "make nothing",
        ),
        *(
            "python -m market nothing",
            "python bench/nothing.py",
            "PRELUDE_NOTHING",
            "market.clock.nothing()",
            "forms.nothing",
        ),
        *("nothing_called_so", "tender.nothing_called_so", "Index.nothing_called_so(…)"),
    ],
)
def test_what_is_not_there_is_noticed(text: str, app: Litestar) -> None:
    assert unknown(text, app)


# ── the floors ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_floors_that_are_drawn_are_those_that_are_checked() -> None:
    """The drawing says each floor of `pyproject.toml`, from the roof down: `→` for the next floor, `,` for what stands on the same."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    checked = [{room.strip(" ()").removeprefix("market.") for room in layer.split("|")} for layer in layers]
    text = (ROOT / "docs" / "architecture.md").read_text().partition("## The floors\n")[2]
    drawing = re.sub(r"^(roof|nouns|ground) ", "→ ", text.split("```")[1], flags=re.MULTILINE)
    drawn = [{room.strip() for room in floor.split(",")} for floor in drawing.split("→") if floor.strip()]
    assert drawn == checked


# ── the walks ──────────────────────────────────────────────────────────────────────────────────────────────────────


def walks() -> dict[str, list[list[str]]]:
    """The steps of each walk, by its name: every unbroken row of arrows."""
    section = (ROOT / "docs" / "architecture.md").read_text().partition("## Walks to make in under a minute\n")[2]
    lines = re.findall(r"^\d\. \*\*(.+?)\*\*: ((?:.|\n(?!\d\. |\n))+)", section.partition("\n## ")[0], re.MULTILINE)
    rows = {
        name: [
            re.findall(r"`([^`]+)`", row)
            for row in re.findall(r"`[^`]+`(?:\s+→\s+`[^`]+`)+", re.sub(r"\s\([^()]*\)", "", text))
        ]
        for name, text in lines
    }
    return {name.rstrip("?"): row for name, row in rows.items()}


def step(text: str) -> Any:
    """What a step is: a command's function, a function, a method of a room's file, a class, a table of jobs or controllers."""
    if text.startswith("python -m market "):
        return parser().parse_args(text.split()[3:]).act
    first, _, last = text.rpartition(".")
    thing = an_object(text)
    for kind in () if thing is not None else _keepers().get(last, ()):
        if (keeper := an_object(f"{first}.{kind}")) is not None:
            thing = inspect.getattr_static(keeper, last)
    assert thing is not None, f"{text} is not there"
    return thing


def runs(thing: Any) -> set[str]:
    """The functions that a step runs, itself among them: of a table, those that its members hold; of a class, its methods."""
    held = [getattr(member, name) for member in thing for name in dir(member)] if isinstance(thing, tuple) else [thing]
    waiting = [name for member in held if (name := name_of(getattr(member, "func", member)))]
    seen = set(waiting)
    while waiting:
        function = house().functions.get(waiting.pop())
        more = (function.calls if function else set()) - seen
        seen |= more
        waiting += more
    return seen


def leads(here: Any, there: Any) -> bool:
    """Whether one step runs, holds or reads the next. A row that was left is taken up by whoever reads its table."""
    if inspect.isclass(here) and issubclass(here, Table):
        return leads(there, here)
    functions = [house().functions[name] for name in runs(here) if name in house().functions]
    if inspect.isclass(there):
        name = there._meta.tablename if issubclass(there, Table) else ""
        return any(id(there) in function.touches or name in function.reads for function in functions)
    return name_of(there) in {function.name for function in functions}


def test_the_walks_can_be_walked() -> None:
    found = walks()
    assert {name: sum(map(len, rows)) for name, rows in found.items()} == {
        "Seal a bid": 4,
        "Pay a pitch": 7,
        "Find something": 5,
        "Why this letter": 9,
        "Verify the log": 3,
        "Sign the log": 8,
    }
    for name, rows in found.items():
        for row in rows:
            for here, there in itertools.pairwise(row):
                assert leads(step(here), step(there)), f"{name}: {here} does not lead to {there}"


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("bids/actions.submit", "payments/actions.pay_waiting"),
        ("letters/tables.LetterTry", "payments/actions.pay_waiting"),
        ("worker.JOBS", "bids/actions.submit"),
    ],
)
def test_a_step_that_leads_elsewhere_is_noticed(here: str, there: str) -> None:
    assert not leads(step(here), step(there))


# ── what the code says of itself ───────────────────────────────────────────────────────────────────────────────────


def said_of_names(path: Path) -> Iterator[tuple[int, str]]:
    """The dotted names in backticks in the docstrings of a file."""
    for node in nodes(path):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            for text in re.findall(r"`~?([^`\n]+)`", node.value.value):
                name = re.sub(r"\(.*\)$", "", text)
                if re.fullmatch(r"[A-Za-z_][\w/]*(\.[A-Za-z_]\w*)+", name):
                    yield node.lineno, name


def astray(path: Path) -> list[str]:
    """Those that are not there. A name may begin in its own file; what names a file of its own room is looked for nowhere else."""
    return [
        f"{place(path)}:{line} {name}"
        for line, name in said_of_names(path)
        if not is_there(name, module_of(path), path.name == "__init__.py")
    ]


def is_there(name: str, module: str, is_room: bool = False) -> bool:
    """Whether a name that a module says is there."""
    first = name.partition(".")[0]
    if vars(importlib.import_module(module)).get(first) is not None:
        return True
    room = module if is_room else module.rpartition(".")[0]
    if f"{room}.{first}" in _modules() and not name.endswith(".py"):
        return an_object(f"{room}.{name}") is not None or a_macro(name)
    return named(name) or a_file(name) or name in words()


def test_the_names_in_docstrings_are_there() -> None:
    assert [stray for path in SOURCES for stray in astray(path)] == []


def test_a_name_of_another_room_does_not_stand_for_one_of_this() -> None:
    assert is_there("actions.release", "market.payments.rules")
    assert not is_there("actions.release", "challenges.rules")
    assert is_there("actions.publish", "market.missions.pages")
    assert not is_there("market.clock.nothing", "market.missions.pages")
