"""“How to add a letter” and “How to add a job” (docs/conventions.md) are true: each is added to a copy of the tree, in files that
the text names and in no others, and nothing is missing then."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from market.settings import ROOT

LETTER = """{% extends "email/layout.txt" %}
{% block subject %}Payment {{ payment.ref }} was released{% endblock %}
{% block body %}
It is on its way.
{% endblock %}
"""

TELLING = """        await payment.save()
        await tell(
            obligation.payee,
            "payments/released.txt",
            roles=SUPPLIER_ROLES,
            about=f"payment:{payment.ref}",
            payment=payment,
        )
"""

JOB = '''async def forget_tries() -> int:
    """A job: forget the tries of letters that left a year ago."""
    return 0


async def _converse('''

ASKED = "from tests.architecture.test_house import letters_out_of_place; print(*letters_out_of_place())"

RUN = """
import asyncio
from market import worker
job = next(job for job in worker.JOBS if job.name == "old tries")
assert asyncio.run(worker.once((job,))) == {"old tries": 0}
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The tree without what is made when it runs."""
    for name in ("market", "challenges", "search", "tests", "templates", "fixtures", "locale"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def named(heading: str) -> set[str]:
    """The files that the numbered lines of a section begin with."""
    text = (ROOT / "docs/conventions.md").read_text(encoding="utf-8")
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\d\. `([^`]+)`", section, re.MULTILINE))


def change(tree: Path, path: str, place: str, text: str) -> None:
    file = tree / path
    before = file.read_text(encoding="utf-8")
    assert place in before, f"{path} has no place for it"
    file.write_text(before.replace(place, text, 1), encoding="utf-8")


def run(tree: Path, script: str) -> str:
    """What it printed."""
    answer = subprocess.run([sys.executable, "-c", script], cwd=tree, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr[-2000:]
    return answer.stdout.strip()


@pytest.mark.slow
def test_a_letter_needs_its_template_and_the_line_that_writes_it(copy: Path) -> None:
    template, action = "templates/email/payments/released.txt", "market/payments/actions.py"
    assert {template, action} <= named("How to add a letter")
    (copy / template).write_text(LETTER, encoding="utf-8")
    assert run(copy, ASKED) == "payments/released.txt"
    change(copy, action, "        await payment.save()\n", TELLING)
    assert run(copy, ASKED) == ""
    (copy / template).unlink()
    assert run(copy, ASKED) == "payments/released.txt"


@pytest.mark.slow
def test_a_job_needs_its_function_and_a_line_in_the_table(copy: Path) -> None:
    function, table = "market/letters/sending.py", "market/worker.py"
    assert {function, table} <= named("How to add a job")
    change(copy, function, "async def _converse(", JOB)
    change(
        copy,
        table,
        "JOBS: tuple[Job, ...] = (\n",
        'JOBS: tuple[Job, ...] = (\n    Job("old tries", 3600, sending.forget_tries),\n',
    )
    assert run(copy, RUN) == ""


@pytest.mark.parametrize("heading", ["How to add a letter", "How to add a job"])
def test_the_files_of_the_lists_are_there(heading: str) -> None:
    files = named(heading) - {"templates/email/payments/released.txt"}
    assert len(files) >= 3
    assert [path for path in files if not (ROOT / path).exists()] == []
