"""Migrations are applied whole or not at all, whatever happens to the process that applies them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from market.settings import ROOT
from tests.processes import newcomer, run

pytestmark = [pytest.mark.slow, pytest.mark.long]

KILLED = """
import os, sys
from piccolo.apps.migrations.tables import Migration
noted, times = Migration.insert, int(sys.argv.pop())
def insert(*rows):
    global times
    times -= 1
    if not times:
        os._exit(9)
    return noted(*rows)
Migration.insert = insert
from market.__main__ import main
sys.argv = ["market", "migrate"]
sys.exit(main())
"""


@pytest.mark.parametrize("at", [1, 9])
def test_killed_between_a_migration_and_its_note_the_next_run_applies_them_all(at: int, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(at)], cwd=ROOT, env=newcomer(tmp_path), check=False)
    assert done.returncode == 9
    again = run("migrate", "--check", var=tmp_path)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
