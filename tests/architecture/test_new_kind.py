"""“How to add a kind” (docs/conventions.md) is true: a show-and-tell is added to a copy of the tree, in the files that the text
names and in no others, and nothing is missing then."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from market.settings import ROOT

WRITTEN = {
    "market/shows/__init__.py": '"""Shows-and-tell."""\n',
    "market/shows/tables.py": '''"""Afternoons on which a public body shows what it has."""

from piccolo.columns import Serial
from piccolo.table import Table

from market.accounts.tables import Organisation
from market.columns import belongs_to, moment, reference, words
from market.kinds import KINDS


class ShowAndTell(Table):
    """One afternoon: what is shown, and when."""

    id: Serial
    ref = reference(KINDS["show_and_tell"].prefix)
    buyer = belongs_to(Organisation)
    title = words()
    published_at = moment()
    begins_at = moment()
''',
    "market/shows/rules.py": '''"""Where a show-and-tell stands."""

from datetime import datetime

import msgspec

from market.standing import Standing, Tone

STAGES: dict[str, tuple[str, Tone]] = {"coming": ("To come", "green"), "over": ("Over", "grey")}


class Dates(msgspec.Struct, frozen=True):
    """What its standing is reckoned from."""

    begins_at: datetime


def standing(show: Dates, now: datetime) -> Standing:
    """It is to come until it begins."""
    stage, label = ("coming", "Begins") if now < show.begins_at else ("over", "Was")
    return Standing(stage, *STAGES[stage], show.begins_at, label)
''',
    "market/shows/pages.py": '''"""Shows-and-tell, for people."""

from litestar import Controller, Response, get
from litestar.params import FromPath

from market.accounts import guards
from market.db import find
from market.shows.tables import ShowAndTell
from market.web.pages import Visitor, show


class ShowPages(Controller):
    """One show-and-tell."""

    path = "/shows"
    include_in_schema = False

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Its page."""
        return show(request, "shows/one.html", row=await find(ShowAndTell, ShowAndTell.ref == ref))
''',
    "templates/shows/one.html": '{% extends "layout.html" %}\n{% block title %}{{ row.title }}{% endblock %}\n',
}
"""New files. A real kind has actions, an API, tests and a migration as well, which the text names too."""

ROW = """    Kind(
        "show_and_tell",
        "a show-and-tell",
        "shows-and-tell",
        prefix="ST",
        address="/shows/",
        tab="Shows",
        titles="SELECT ref, title FROM show_and_tell WHERE published_at IS NOT NULL AND ref = ANY({}::text[])",
        public="SELECT ref FROM show_and_tell WHERE published_at IS NOT NULL",
        turns="SELECT ref, begins_at AS at FROM show_and_tell WHERE published_at IS NOT NULL",
        appears="show_and_tell.published",
        deeds={"show_and_tell.published": "published the show-and-tell {it}"},
    ),
"""

FACE = '''async def show_and_tell(ref: str) -> SearchDocument | None:
    """A show-and-tell."""
    row = await maybe(ShowAndTell, ShowAndTell.ref == ref)
    return None if row is None else SearchDocument(
        kind=Kind.SHOW_AND_TELL, ref=ref, url=KINDS["show_and_tell"].address + ref, title=row.title,
        **kept("show_and_tell", row, clock.now()),
    )


FACES: dict[str, Face] = {
    "show_and_tell": show_and_tell,
'''

CHANGED = [
    ("market/kinds.py", "ROWS: Final = (\n", "ROWS: Final = (\n" + ROW),
    ("market/app.py", "PAGES: tuple[ControllerRouterHandler, ...] = (\n", "PAGES: tuple[ControllerRouterHandler, ...] = (\n    ShowPages,\n"),
    ("market/app.py", "from market.settings", "from market.shows.pages import ShowPages\nfrom market.settings"),
    ("market/piccolo_app.py", "TABLES = [\n", 'TABLES = [\n    "market.shows.tables",\n'),
    ("search/documents.py", "class Kind(StrEnum):\n", 'class Kind(StrEnum):\n    SHOW_AND_TELL = "show_and_tell"\n'),
    ("search/faces.py", "FACES: dict[str, Face] = {\n", FACE),
    ("search/faces.py", "from market.db", "from market.shows.tables import ShowAndTell\nfrom market.db"),
    ("search/standing.py", "STANDINGS: dict[str, Stands] = {\n", 'STANDINGS: dict[str, Stands] = {\n    "show_and_tell": Stands(shows.Dates, shows.standing, shows.STAGES),\n'),
    ("search/standing.py", "from market.standards", "from market.shows import rules as shows\nfrom market.standards"),
    ("tests/search/test_leaks.py", "CASES = {\n", 'CASES = {\n    "show_and_tell": challenge,\n'),
]  # fmt: skip
"""What is added to files that there are: the file, where, and what stands there then."""

ASKED = """
from market.app import create
from market.kinds import KINDS
from tests.architecture.test_kinds import lacking
for missing in lacking(KINDS["show_and_tell"], create()):
    print(missing)
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The tree without what is made when it runs."""
    for name in ("market", "challenges", "search", "tests", "templates", "fixtures", "locale", "pyproject.toml"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (ROOT / name).exists():
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def named() -> set[str]:
    """The files that the text names."""
    text = (ROOT / "docs/conventions.md").read_text(encoding="utf-8")
    section = text.partition("## How to add a kind\n")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([\w./]+)`", row.split("|")[1])}


def lacking_in(tree: Path) -> list[str]:
    """What the kind lacks in this tree, in words."""
    answer = subprocess.run([sys.executable, "-c", ASKED], cwd=tree, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    return answer.stdout.splitlines()


@pytest.mark.slow
def test_a_show_and_tell_needs_the_files_that_the_text_names_and_no_others(copy: Path) -> None:
    """First its row alone, so that what is missing is named; then all the rest."""
    assert {*WRITTEN, *(path for path, _, _ in CHANGED)} <= named()
    for path in named():
        assert (ROOT / path).exists() or "shows" in path, path
    for path, text in WRITTEN.items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).write_text(text, encoding="utf-8")
    for path, place, text in CHANGED:
        file = copy / path
        before = file.read_text(encoding="utf-8")
        assert place in before, f"{path} has no place for it"
        file.write_text(before.replace(place, text, 1), encoding="utf-8")
    assert lacking_in(copy) == []
    for path, place, text, words in (
        ("search/faces.py", '    "show_and_tell": show_and_tell,\n', "", "its public face in search.faces.FACES"),
        ("market/app.py", "    ShowPages,\n", "", "a page at /shows/…"),
        ("market/piccolo_app.py", '    "market.shows.tables",\n', "", "a table whose references begin with ST-"),
    ):
        file = copy / path
        whole = file.read_text(encoding="utf-8")
        file.write_text(whole.replace(place, text, 1), encoding="utf-8")
        assert lacking_in(copy) == [words]
        file.write_text(whole, encoding="utf-8")
