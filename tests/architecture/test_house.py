"""The house keeps its shape: what these tests refuse cannot be merged, however well it works."""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest
from litestar import Litestar
from piccolo.columns import ForeignKey
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.table import Table

from market.__main__ import parser
from tests.architecture.trees import PACKAGES, ROOT, SOURCES, nodes, parsed


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for each in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if not each.name.endswith("__main__"):
                yield importlib.import_module(each.name)


def tables() -> list[type[Table]]:
    from market.piccolo_conf import APP_REGISTRY

    return [table for app in PACKAGES for table in APP_REGISTRY.get_table_classes(app)]


def test_no_key_cascades_and_every_key_is_deliberate() -> None:
    loose = [
        f"{table.__name__}.{column._meta.name}"
        for table in tables()
        for column in table._meta.columns
        if isinstance(column, ForeignKey)
        and (
            column._foreign_key_meta.on_delete is not OnDelete.restrict
            or column._foreign_key_meta.on_update is not OnUpdate.restrict
        )
    ]
    assert loose == []


def test_no_money_is_kept_as_a_fraction() -> None:
    wrong = [
        f"{table.__name__}.{column._meta.name}"
        for table in tables()
        for column in table._meta.columns
        if type(column).__name__ in ("Numeric", "Real", "DoublePrecision", "Decimal", "Float")
        and (table.__name__, column._meta.name) != ("Allowance", "tries")
    ]
    assert wrong == []


def test_every_rule_states_its_norm() -> None:
    from market.rulebook import denials_of, rules_of
    from market.rulebook import modules as rule_modules

    norms = [
        pair
        for module in rule_modules()
        for pair in (
            *((rule.code, rule.__doc__ or "") for rule in rules_of(module)),
            *((denial.code, denial.norm) for denial in denials_of(module).values()),
        )
    ]
    assert [code for code, norm in norms if not norm.strip()] == []


def test_every_public_thing_is_documented() -> None:
    promised = {
        method.name
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.ClassDef) and any(getattr(each, "id", "") == "Protocol" for each in node.bases)
        for method in node.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(method)
    }
    bare = []
    for path in SOURCES:
        if not ast.get_docstring(parsed(path)) and path.read_text().strip():
            bare.append(str(path.relative_to(ROOT)))
        for node in public(parsed(path)):
            if not ast.get_docstring(node) and node.name not in promised:
                bare.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert bare == []


def public(tree: ast.Module) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    """The classes, functions and methods that others may use: no underscore, not inside a function or a private class."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                waiting += node.body


REFUSED_NAMES = {
    "utils",
    "util",
    "helpers",
    "helper",
    "common",
    "lib",
    "base",
    "core",
    "service",
    "services",
    "manager",
}


def test_nothing_is_named_for_what_it_is_made_of() -> None:
    tracked = [
        path for path in SOURCES if path.stem in REFUSED_NAMES or REFUSED_NAMES & set(path.relative_to(ROOT).parts)
    ]
    assert tracked == []


def test_every_template_compiles_under_strict_undefined() -> None:
    from market.web.pages import templates
    from market.web.templating import warm

    assert warm(templates()) > 20


def test_every_template_a_handler_names_exists() -> None:
    missing = []
    for path in SOURCES:
        for name in re.findall(r'"([a-z_]+/[a-z_-]+\.html)"', path.read_text()):
            if not (ROOT / "templates" / name).exists():
                missing.append(f"{path.relative_to(ROOT)}: {name}")
        for name in re.findall(r'(?:tell|tell_person|write)\([^)]*?"([a-z_]+/[a-z_-]+\.txt)"', path.read_text(), re.S):
            if not (ROOT / "templates" / "email" / name).exists():
                missing.append(f"{path.relative_to(ROOT)}: email/{name}")
    assert missing == []


def letters_out_of_place() -> list[str]:
    """Letters' files that no code names in full, names without a file, and names that are put together. What another template
    includes or imports is a part of it."""
    folder = ROOT / "templates" / "email"
    files = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.txt")}
    parts = {"layout.txt"}
    for text in files.values():
        parts |= set(re.findall(r'{% (?:include|import|extends) "email/([^"]+)"', text))
    named: set[str] = set()
    made_up: list[str] = []
    for path in SOURCES:
        for node in nodes(path):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if re.fullmatch(r"[a-z]+/[a-z_-]+\.txt", node.value):
                    named.add(node.value)
            elif isinstance(node, ast.JoinedStr) and ast.unparse(node).endswith((".txt'", '.txt"')):
                made_up.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    apart = [place for place in made_up if not place.startswith("market/front/")]
    return [*apart, *sorted(named ^ (set(files) - parts))]


def test_every_letter_is_named_in_full_where_it_is_written() -> None:
    """Whoever asks where a letter comes from finds its file's name in the code, and every name there is a file."""
    assert letters_out_of_place() == []


def test_no_page_holds_inline_script_or_style() -> None:
    wrong = []
    for path in (ROOT / "templates").rglob("*.html"):
        text = path.read_text()
        if re.search(r"<style|<[a-z][^>{]*\s(style|on[a-z]+)=|<script(?![^>]*\bsrc=)", text):
            wrong.append(str(path.relative_to(ROOT)))
    assert wrong == []


def test_the_rule_book_is_current() -> None:
    from market.rulebook import as_markdown

    assert (ROOT / "docs" / "rules.md").read_text() == as_markdown(), "run: make documents"


def test_the_openapi_document_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    parser().parse_args(["openapi"]).act(None)
    assert (ROOT / "docs" / "openapi.json").read_text() == capsys.readouterr().out, "run: make documents"


def test_every_endpoint_is_described_and_named_once(app: Litestar) -> None:
    schema = app.openapi_schema.to_schema()
    operations = [
        (f"{method.upper()} {path}", operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
        if not operation["operationId"].startswith("OpenAPI") and method in ("get", "post", "put", "patch", "delete")
    ]
    assert [name for name, operation in operations if not operation.get("summary")] == []
    assert [name for name, operation in operations if not operation.get("tags")] == []
    names = Counter(operation["operationId"] for _, operation in operations)
    assert [name for name, times in names.items() if times > 1] == []


def test_time_is_asked_in_one_place() -> None:
    asking = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path.name != "clock.py"
        and re.search(r"datetime\.(now|utcnow|today)\(|time\.time\(|date\.today\(", path.read_text())
    ]
    assert asking == []


def test_only_payments_speaks_stripe() -> None:
    speaking = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(r"^\s*(import stripe|from stripe)", path.read_text(), re.M)
    ]
    assert speaking == ["market/payments/stripe.py"]


async def test_the_migrations_make_exactly_these_tables(database: None) -> None:
    from market.migrations import check

    assert await check() == []


@pytest.mark.parametrize(
    "path", ["README.md", "docs/architecture.md", "docs/operations.md", "docs/security.md", "CHANGELOG.md"]
)
def test_the_documents_are_there_and_name_no_machine(path: str) -> None:
    text = (ROOT / path).read_text()
    assert len(text) > 400
    assert not re.search(r"(^|[^A-Za-z0-9_.])/(work|root)/", text)


@pytest.mark.parametrize(
    ("folders", "lock", "optional"),
    [
        (
            PACKAGES,
            "requirements.lock",
            {f"market/standards/sandboxes/live.py: {name}" for name in ("hypothesis", "schemathesis")},
        ),
        (("tests", "bench"), "requirements-dev.lock", set()),
    ],
)
def test_what_is_imported_is_installed(folders: tuple[str, ...], lock: str, optional: set[str]) -> None:
    locked = {_plain(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", (ROOT / lock).read_text(), re.MULTILINE)}
    given_by = packages_distributions()
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for name in _imported(path)
        if name not in sys.stdlib_module_names
        and name not in (*PACKAGES, "tests", "bench")
        and not locked & {_plain(each) for each in given_by.get(name, ())}
    }
    assert missing == optional


def _plain(name: str) -> str:
    """A distribution's name as the index compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _imported(path: Path) -> set[str]:
    """The packages that a file imports, wherever in it."""
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found
