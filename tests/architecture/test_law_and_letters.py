"""“How to change a rule of law” and “How to find out why a letter came” (docs/conventions.md) are true: a standstill of ten days is
made law in a copy of the tree, in the files that the text names and in no others; and a letter is followed to the line that wrote it."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from litestar import Litestar

from market.accounts import invitations
from market.db import one
from tests import given
from tests.architecture.calls import house
from tests.architecture.trees import ROOT, SOURCES, module_of, nodes, parsed, place
from tests.processes import newcomer

LAW = "How to change a rule of law"
CAUSE = "How to find out why a letter came"

COPIED = ("market", "challenges", "search", "templates", "fixtures", "locale", "docs", "tests", "pyproject.toml")

ASKED = """
from datetime import UTC, datetime
from types import SimpleNamespace as Facts
from market import workdays
from market.awards.rules import within_the_standstill
from market.contracts.rules import standstill_is_over
from market.rulebook import as_markdown

decision = Facts(standstill_ends_at=workdays.standstill_ends_at(datetime(2026, 11, 9, 10, tzinfo=UTC)))
for day in (19, 21):
    facts = Facts(decision=decision, now=datetime(2026, 11, day, 10, tzinfo=UTC))
    print(day, standstill_is_over.norm(facts), "|", within_the_standstill.norm(facts))
print(open("docs/rules.md").read() == as_markdown())
"""


def steps(title: str) -> list[set[str]]:
    """The files that each numbered step of a section names."""
    text = (ROOT / "docs" / "conventions.md").read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    numbered = re.findall(r"^\d\. ((?:.|\n(?!\d\. |\n))+)", text, re.MULTILINE)
    return [set(re.findall(r"`([\w/.-]+/[\w.-]+\.\w+)`", step)) for step in numbered]


@pytest.mark.parametrize("title", [LAW, CAUSE])
def test_the_files_of_the_lists_are_there(title: str) -> None:
    assert len(steps(title)) >= 5
    assert [path for files in steps(title) for path in files if not (ROOT / path).is_file()] == []


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The tree without what is made when it runs."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def run(tree: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Python in the copy, with no database: nothing of this needs one."""
    nowhere = {"PRELUDE_TEST_DATABASE_URL": "postgresql://nobody@localhost:1/none"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=tree,
        env=newcomer(tree / "var", **nowhere),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_a_longer_standstill_is_one_number_with_its_document_and_its_tests(copy: Path) -> None:
    law, *_, tests, documents = steps(LAW)
    (path,) = law
    before = (copy / path).read_text()
    after = re.sub(r"(  standstill_working_days:\n    value: )8\n", r"\g<1>10\n", before)
    assert before != after
    (copy / path).write_text(after)

    answer = run(copy, "-c", ASKED)
    assert answer.returncode == 0, answer.stderr
    held, over, rules_are_as_they_were = answer.stdout.splitlines()
    assert "after Fri 20 Nov 2026" in held.partition("|")[0]
    assert held.endswith("| None"), "a complaint stops the contract until then"
    assert over.startswith("21 None |")
    assert not over.endswith("| None")
    assert rules_are_as_they_were == "True"

    written = run(copy, "-m", "market.policy").stdout
    old = (copy / "docs/policy.md").read_text()
    assert [line for line in written.splitlines() if line not in old.splitlines()] == [
        line.replace("| 8 working", "| 10 working")
        for line in old.splitlines()
        if "`award.standstill_working_days`" in line
    ]
    assert documents == {"docs/policy.md", "docs/rules.md"}
    asked = run(copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not database", "--tb=no", *sorted(tests))
    failing = re.findall(r"^FAILED (\S+?)::", asked.stdout, re.MULTILINE)
    assert failing, asked.stdout + asked.stderr
    assert set(failing) <= tests


NUMBERED = re.compile(
    r"standstill[^.\n]{0,40}\b(\d+|seven|eight|nine|ten)\b[^.\n]{0,10}\bdays?\b"
    r"|\b(\d+|seven|eight|nine|ten)\b[^.\n]{0,20}\bdays?\b[^.\n]{0,20}standstill",
    re.IGNORECASE,
)


def test_nothing_else_says_how_long_the_standstill_is() -> None:
    """Neither pages nor letters nor rules nor documents: they say the date, or ask for the number."""
    read = [*SOURCES, *(ROOT / "templates").rglob("*.html"), *(ROOT / "templates").rglob("*.txt"), ROOT / "README.md"]
    assert [place(path) for path in read if NUMBERED.search(path.read_text(encoding="utf-8"))] == []
    assert NUMBERED.search("Leave time for evaluation and the standstill of 8 working days.")
    reckoning = {
        path for path in SOURCES for node in nodes(path) if getattr(node, "attr", "") == "standstill_working_days"
    }
    assert {place(path) for path in reckoning} == {"market/workdays.py", "market/tenders/drafts/pages.py"}


# ── a letter's cause ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("clean")
async def test_a_letter_is_followed_to_the_line_that_wrote_it(app: Litestar) -> None:
    page, deeds, template, action, jobs = steps(CAUSE)
    body = await given.organisation()
    actor = await given.person(body, "buyer")
    await given.domain(body, "places.example")
    await invitations.invite(actor, body.ref, given.invited("x@places.example", "evaluator"))
    letter = await one("SELECT l.ref, l.template, e.verb FROM letter l JOIN event e ON e.seq = l.event")

    operator = await given.person(await given.organisation(kind="operator"), "operator")
    async with given.browser(app) as client:
        await given.signed_in(client, operator)
        shown = (await client.get(f"/postroom/{letter['ref']}")).text
    assert page == {"market/postroom/pages.py"}
    assert letter["template"] in shown
    assert 'href="/log?before=' in shown

    (kinds,) = deeds
    assert f'"{letter["verb"]}"' in (ROOT / kinds).read_text()
    assert template == {f"templates/email/{letter['template']}"}

    naming = {
        place(path)
        for path in SOURCES
        for node in nodes(path)
        if isinstance(node, ast.Constant) and node.value == letter["template"]
    }
    assert naming == action
    (home,) = action
    (function,) = (
        node
        for node in parsed(ROOT / home).body
        if isinstance(node, ast.AsyncFunctionDef) and f"'{letter['template']}'" in ast.unparse(node)
    )
    assert f"'{letter['verb']}'" in ast.unparse(function)
    calls = house().functions[f"{module_of(ROOT / home)}.{function.name}"].calls
    assert {"market.audit.actions.record", "market.letters.actions.write"} <= calls
    assert jobs == {"market/worker.py"}
