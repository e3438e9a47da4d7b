"""Every page and letter that names money says so while payments are simulated."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from market.web.templating import TEMPLATES

NAMES_MONEY = re.compile(r"\|\s*money\b|map\(\"money\"\)|money_field|\bmoney=|\bfee\b|\bpaid\b|\bamount\b|\bvalue \}\}")
"""An amount, a field for one, a list with a column of them; in letters also what is owed or paid, in words."""

OF_NO_PAYMENT_HERE = {
    "portal/doubtful.html": "the money of notices on other portals",
    "portal/list.html": "the money of notices on other portals",
    "portal/notice.html": "the money of notices on other portals",
    "portal/supplier.html": "the money of notices on other portals",
}
"""Amounts nobody pays through this site, simulated or not."""


def _named(text: str, *, letter: bool) -> bool:
    words = re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)
    if letter:
        return NAMES_MONEY.search(words) is not None
    return re.search(r"\|\s*money\b|map\(\"money\"\)|money_field|\bmoney=", words) is not None


def _sources() -> list[str]:
    found = [*TEMPLATES.rglob("*.html"), *(TEMPLATES / "email").rglob("*.txt")]
    return sorted(str(path.relative_to(TEMPLATES)) for path in found if "static" not in path.parts)


@pytest.mark.parametrize("name", [each for each in _sources() if each not in OF_NO_PAYMENT_HERE])
def test_what_names_money_says_when_it_is_simulated(name: str) -> None:
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    if not re.match(r"\{% extends \"(email/)?layout\.", text):
        return  # a part: the page that takes it in says so
    if _named(text, letter=name.startswith("email/")):
        assert "{% set mentions_money = true %}" in text, f"{name} names money"


def test_the_exceptions_are_still_there() -> None:
    assert all(Path(TEMPLATES / name).exists() for name in OF_NO_PAYMENT_HERE)
