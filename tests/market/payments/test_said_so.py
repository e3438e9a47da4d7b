"""Every page and letter that names money says so while payments are simulated."""

from __future__ import annotations

import re
from pathlib import Path

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


def test_what_names_money_says_when_it_is_simulated() -> None:
    pages, silent = 0, []
    for name in _sources():
        text = (TEMPLATES / name).read_text(encoding="utf-8")
        if not re.match(r"\{% extends \"(email/)?layout\.", text):
            continue  # a part: the page that takes it in says so
        if name not in OF_NO_PAYMENT_HERE and _named(text, letter=name.startswith("email/")):
            pages += 1
            if "{% set mentions_money = true %}" not in text:
                silent.append(name)
    assert silent == [], "these name money and do not say that it is simulated"
    assert pages > 20, "hardly anything was looked at"


def test_the_exceptions_are_still_there() -> None:
    assert all(Path(TEMPLATES / name).exists() for name in OF_NO_PAYMENT_HERE)
