"""No file imports one of a floor above it, and no two files import each other in a circle, not even for the type checker alone.

import-linter (`make check`) leaves out what stands under `TYPE_CHECKING`, because rules look at rows whose tables they never
load. What is above and what goes round is no better for being read by mypy only: whoever wants to understand the one file
has to know the other. So the same two contracts are held here over all imports."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.architecture.trees import PACKAGES, ROOT

LEFT_OUT = "exclude_type_checking_imports = true"


def broken(tree: Path, config: Path) -> str:
    """What import-linter says of the floors and circles of a tree when it counts every import; empty when all hold."""
    told = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert told.count(LEFT_OUT) == 1
    told = told.replace(LEFT_OUT, LEFT_OUT.replace("true", "false"))
    config.write_text(told, encoding="utf-8")
    command = ["--config", str(config), "--no-cache", "--no-logo", "--contract", "floors", "--contract", "circles"]
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(linter), *command], cwd=tree, capture_output=True, text=True, check=False)
    assert "Contracts: " in done.stdout, done.stdout + done.stderr
    return done.stdout if done.returncode else ""


def test_no_import_goes_up_or_round_whoever_reads_it(tmp_path: Path) -> None:
    assert broken(ROOT, tmp_path / "all.toml") == ""


def test_an_arrow_up_and_a_circle_for_the_type_checker_alone_are_found(tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for below, above in (("rules", "actor import Actor"), ("panels/matter", "panels.panel import Panel")):
        path = tmp_path / "market" / f"{below}.py"
        path.write_text(f"{path.read_text()}\nif TYPE_CHECKING:\n    from market.{above}\n", encoding="utf-8")
    said = broken(tmp_path, tmp_path / "all.toml")
    assert "market.rules is not allowed to import market.actor" in said
    assert "market.panels" in said.partition("No circles: neither among rooms nor among the files of one\n---")[2]
