"""The sources, read and parsed once for all tests that look at how they are written."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("market", "challenges", "search")
SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


@cache
def of(source: str) -> ast.Module:
    """The syntax of a text. Whoever asks changes nothing in it: others read the same one."""
    return ast.parse(source)


@cache
def parsed(path: Path) -> ast.Module:
    """The syntax of a file."""
    return of(path.read_text(encoding="utf-8"))


def walk(node: ast.AST) -> list[ast.AST]:
    """A node and all below it, in the order of `ast.walk`. Many tests look at the same trees, so what was walked is kept with the
    node it began at."""
    found: list[ast.AST] | None = getattr(node, "walked", None)
    if found is None:
        found = [node]
        for each in found:  # it grows behind the place that is read
            for name in each._fields:
                below = getattr(each, name, None)
                if isinstance(below, ast.AST):
                    found.append(below)
                elif isinstance(below, list):
                    found += [part for part in below if isinstance(part, ast.AST)]
        node.walked = found  # type: ignore[attr-defined]
    return found


def nodes(path: Path) -> list[ast.AST]:
    """All nodes of a file."""
    return walk(parsed(path))


def module_of(path: Path) -> str:
    """The name under which a source is imported."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def place(path: Path) -> str:
    """Where a file stands, as people name it."""
    return path.relative_to(ROOT).as_posix()
