"""Copies of the tree, to which something is added as `docs/conventions.md` says; and what the sections of that page say."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

from market.settings import ROOT
from tests.processes import newcomer

COPIED = ("market", "challenges", "search", "templates", "fixtures", "locale", "docs", "tests", "pyproject.toml")


def section(title: str) -> str:
    """What the conventions say under a heading."""
    text = (ROOT / "docs" / "conventions.md").read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]
    assert text, f"docs/conventions.md has no section “{title}”"
    return text


def named(title: str) -> set[str]:
    """The files that the numbered steps of a section name."""
    steps = re.findall(r"^\d+\. (.*)", section(title), re.MULTILINE)
    return {name for step in steps for name in re.findall(r"`([\w/.-]+/[\w.-]+\.\w+)`", step)}


class Copy:
    """The tree again, to add something to as a newcomer would."""

    def __init__(self, tree: Path, **environment: str) -> None:
        self.tree, self.environment = tree, environment
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, tree / name)
        self.before = self._files()

    def _files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.tree)): path.read_bytes()
            for path in self.tree.rglob("*")
            if path.is_file() and not {"__pycache__", "var", ".pytest_cache"} & set(path.parts)
        }

    def changed(self) -> set[str]:
        """The files that are new or not as they were."""
        now = self._files()
        return {path for path in now.keys() | self.before.keys() if now.get(path) != self.before.get(path)}

    def add(self, path: str, text: str, *, after: str = "") -> None:
        """A new file, or lines after one that is there once."""
        file = self.tree / path
        old = file.read_text() if after else ""
        assert old.count(after) == 1 or not after, f"{path} has changed: correct this walk, and the section if need be"
        file.write_text(old.replace(after, after + text) if after else text)

    def run(self, *command: str, into: str = "") -> None:
        """A module of Python's, to its good end; what it says may go into a file."""
        done = self._done(*command)
        assert done.returncode == 0, done.stdout + done.stderr
        if into:
            (self.tree / into).write_text(done.stdout)

    def refused(self, *command: str) -> str:
        """What the same says that ends badly."""
        done = self._done(*command)
        assert done.returncode != 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def _done(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", *command],
            cwd=self.tree,
            env=newcomer(self.tree / "var", **self.environment),
            capture_output=True,
            text=True,
            check=False,
        )
