"""The house keeps its shape: what these tests refuse cannot be merged, however well it works."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from piccolo.columns import ForeignKey
from piccolo.columns.base import OnDelete, OnUpdate
from piccolo.table import Table

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("market", "challenges", "search")
SOURCES = sorted(
    path for package in PACKAGES for path in (ROOT / package).rglob("*.py") if "piccolo_migrations" not in path.parts
)


def modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        for each in pkgutil.walk_packages(importlib.import_module(package).__path__, f"{package}."):
            if "piccolo_migrations" not in each.name and not each.name.endswith("__main__"):
                yield importlib.import_module(each.name)


def tables() -> list[type[Table]]:
    from market.piccolo_conf import APP_REGISTRY

    return [table for app in PACKAGES for table in APP_REGISTRY.get_table_classes(app)]


def handlers(app: Litestar) -> list[tuple[str, HTTPRouteHandler]]:
    found = {}
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler):
                found[f"{'/'.join(sorted(map(str, handler.http_methods)))} {route.path}"] = handler
    return sorted(found.items())


def test_every_route_names_who_may_come_in(app: Litestar) -> None:
    from market.accounts import guards

    known = {
        each
        for each in vars(guards).values()
        if callable(each) and getattr(each, "__module__", "") == guards.__name__ and not inspect.isclass(each)
    }
    open_doors = []
    for name, handler in handlers(app):
        own = [guard for guard in handler.resolve_guards() if getattr(guard, "func", guard) in known]
        if not own and name != "OPTIONS" and "OPTIONS" not in name.split()[0]:
            open_doors.append(name)
    assert open_doors == []


def test_nothing_is_written_by_a_get(app: Litestar) -> None:
    """A GET handler calls nothing that inserts, saves or records; reading a sealed thing is the exception that is named."""
    writing = []
    for name, handler in handlers(app):
        if not name.startswith("GET") or handler.opt.get("reading_is_an_event"):
            continue
        source = inspect.getsource(handler.fn)
        if re.search(r"\.(insert|save|delete|update)\(|\brecord\(", source):
            writing.append(name)
    assert writing == []


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


def test_every_action_that_changes_something_leaves_a_record() -> None:
    """A function of an `actions` module that saves or inserts also records, itself or through a function it calls there."""
    silent = []
    for path in SOURCES:
        if path.name != "actions.py" or path.parent.name in ("audit", "letters"):
            continue
        tree = ast.parse(path.read_text())
        functions = {node.name: node for node in tree.body if isinstance(node, ast.AsyncFunctionDef)}
        calls = {
            name: {
                call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
                for call in ast.walk(node)
                if isinstance(call, ast.Call)
            }
            for name, node in functions.items()
        }
        recording = {name for name, made in calls.items() if "record" in made}
        for _ in range(6):
            recording |= {name for name, made in calls.items() if made & recording}
        called = set().union(*calls.values()) if calls else set()
        for name, made in calls.items():
            changes = made & {"save", "insert", "delete"}
            if changes and name not in recording and not (name.startswith("_") and name in called):
                silent.append(f"{path.relative_to(ROOT)}:{name}")
    assert silent == sorted(set(silent) & ALLOWED_TO_BE_SILENT)


ALLOWED_TO_BE_SILENT = {
    "market/panels/actions.py:tell_begun",
    "market/panels/actions.py:unlock",
    "market/bids/actions.py:tell_officers",
    "market/opendata/actions.py:publish",
    "market/payments/actions.py:read_provider",
    "market/questions/actions.py:tell_waiting",
}
"""A reminder changes nothing but that it was sent; publishing repeats what the log already says; reading a provider's events changes nothing for people but what is recorded
where it does."""


def test_refusal_codes_are_nouns_with_kebab_reasons_and_used_once() -> None:
    from market.rulebook import modules as rule_modules
    from market.rulebook import rules_of

    codes = [rule.code for module in rule_modules() for rule in rules_of(module)]
    assert [code for code in codes if not re.fullmatch(r"[a-z]+(-[a-z]+)*\.[a-z0-9]+(-[a-z0-9]+)*", code)] == []
    assert [code for code, times in Counter(codes).items() if times > 1] == []


def test_every_rule_states_its_norm() -> None:
    from market.rulebook import modules as rule_modules
    from market.rulebook import rules_of

    bare = [rule.code for module in rule_modules() for rule in rules_of(module) if not (rule.__doc__ or "").strip()]
    assert bare == []


def test_every_public_thing_is_documented() -> None:
    promised = {
        method.name
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and any(getattr(each, "id", "") == "Protocol" for each in node.bases)
        for method in node.body
        if isinstance(method, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(method)
    }
    bare = []
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        if not ast.get_docstring(tree) and path.read_text().strip():
            bare.append(str(path.relative_to(ROOT)))
        for node in public(tree):
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
        for node in ast.walk(ast.parse(path.read_text())):
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


def test_the_openapi_document_is_current() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "market", "openapi"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert (ROOT / "docs" / "openapi.json").read_text() == made, "run: make documents"


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
    from market.migrations import missing

    assert await missing() == []


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
            {f"market/standards/live.py: {name}" for name in ("hypothesis", "schemathesis")},
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
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add((node.module or "").partition(".")[0])
    return found
