"""What Babel reads of a module (`pyproject.toml`): the sentences that are marked for the catalogue, and the norms of rules,
which checklists show in the reader's language."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import IO, Any

from babel.messages.extract import extract_python

from market.refusals import first_paragraph


def extract(file: IO[bytes], keywords: Any, comment_tags: Any, options: Any) -> Iterator[Any]:
    """Line, function, message and comments of each, as Babel asks for them."""
    yield from extract_python(file, keywords, comment_tags, options)
    file.seek(0)
    for node in ast.walk(ast.parse(file.read())):
        if isinstance(node, ast.FunctionDef) and any(_makes_a_rule(each) for each in node.decorator_list):
            yield node.lineno, "_", first_paragraph(ast.get_docstring(node) or ""), []


def _makes_a_rule(decorator: ast.expr) -> bool:
    return isinstance(decorator, ast.Call) and getattr(decorator.func, "id", "") == "rule"
