"""What names and register numbers of firms come to: one spelling of a number, and the words of a name that tell whose it is.

What legal forms, small words and registers there are stands in `fixtures/reference/supplier-names.yaml` and `org-id.csv`.
"""

from __future__ import annotations

import csv
import html
import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import yaml

REFERENCE = Path(__file__).resolve().parents[3] / "fixtures" / "reference"


def identifier(scheme: str | None, number: str | None) -> tuple[str, str] | None:
    """A register and a number in one spelling, or None when they identify nobody.

    Only registers of org-id.guide that list companies or other organisations count: a portal's own numbering
    (`GB-CFS-…`, `1`) says nothing outside it. A register that a portal calls by another name is told by
    `supplier-names.yaml`. Companies House numbers get their leading zeros back.
    """
    if not scheme or not number:
        return None
    code = scheme.strip().upper()
    if code not in _registers():
        code = re.sub(r"[\s_]+", "-", code)
        code = _register_names().get(" ".join(words(scheme)), code)
    if code not in _registers():
        return None
    plain = re.sub(r"[\s.\-/]", "", number).upper().removeprefix(re.sub(r"[-_]", "", code))
    if code == "GB-COH":
        if re.fullmatch(r"[A-Z]{2}\d{1,6}", plain):
            plain = plain[:2] + plain[2:].zfill(6)
        elif re.fullmatch(r"\d{1,8}", plain):
            plain = plain.zfill(8)
        else:
            return None
    return (code, plain) if re.search(r"[1-9]", plain) else None


@lru_cache(maxsize=65536)
def words(name: str) -> tuple[str, ...]:
    """The words of a name that tell whose it is: without accents, legal forms and small words; initials joined.

    “The Ardglass Boat Co. Ltd” and “ARDGLASS BOAT” have the same words; “J. P. Byrne & Sons” has `jp byrne sons`. A name
    of nothing but legal forms keeps them.
    """
    form = _forms()
    text = unicodedata.normalize("NFKD", html.unescape(name) if "&" in name else name)
    text = "".join(each for each in text if not unicodedata.combining(each)).casefold().replace("&", " and ")
    parts = re.sub(r"[^\w]+|_", " ", text.replace("'", "").replace("’", "")).split()
    joined: list[str] = []
    initials = ""
    for part in (*parts, ""):
        if len(part) == 1:
            initials += part
            continue
        if initials:
            joined.append(initials)
            initials = ""
        if part:
            joined.append(part)
    named = [part for part in joined if part not in form["legal_forms"]] or joined
    return tuple([part for part in named if part not in form["small_words"]] or named)


def name_variants(name: str) -> tuple[str, ...]:
    """The name, and the legal and the trading name apart where it holds both (“Ash Ltd t/a Elm Café”)."""
    parts = _trading().split(name)
    whole = [part.strip(" ,.;()-") for part in parts]
    return tuple(dict.fromkeys([name, *(part for part in whole if len(words(part)) > 0 and part)]))


def stands_for_several(name: str) -> bool:
    """Whether the name speaks of a joint venture, a consortium or a reseller: it is then nobody's alone."""
    return bool(set(re.findall(r"\w+", name.casefold())) & _forms()["joint_marks"])


def number_in(given: str | None) -> tuple[str, str] | None:
    """The register and number that a party's id is made of, like `GB-COH-01234567`; None where it is not."""
    found = re.match(r"([A-Z]{2,3}-[A-Z0-9_]{2,10})-(.+)$", given or "")
    return identifier(found.group(1), found.group(2)) if found else None


@cache
def _forms() -> dict[str, frozenset[str]]:
    given: dict[str, Any] = yaml.safe_load((REFERENCE / "supplier-names.yaml").read_text())
    return {key: frozenset(text.split()) for key, text in given.items() if isinstance(text, str)}


@cache
def _trading() -> re.Pattern[str]:
    given: dict[str, Any] = yaml.safe_load((REFERENCE / "supplier-names.yaml").read_text())
    marks = "|".join(re.escape(mark) for mark in given["trading_marks"])
    return re.compile(rf"(?:^|[\s(,])(?:{marks})(?=[\s:)]|$)", re.IGNORECASE)


def nobody() -> frozenset[str]:
    """Words that stand where a name belongs and name nobody."""
    return _forms()["nobody"]


def common_words() -> frozenset[str]:
    """Words that many suppliers share."""
    return _forms()["common_words"]


@cache
def _register_names() -> dict[str, str]:
    given: dict[str, Any] = yaml.safe_load((REFERENCE / "supplier-names.yaml").read_text())
    return {" ".join(words(name)): code for name, code in given["registers"].items()}


@cache
def _registers() -> frozenset[str]:
    with (REFERENCE / "org-id.csv").open(newline="") as file:
        return frozenset(row["code"] for row in csv.DictReader(file) if row["deprecated"] != "yes")
