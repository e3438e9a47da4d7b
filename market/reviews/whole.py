"""Everything that a draft would publish, in one list: what a reviewer reads and what she approves are the same thing.

A noun says what its draft consists of (`Part`s, made from the very structs that its forms write); the page shows the list, and
the version is a digest of it. So a field that is added to a form is read, and makes an approval lapse, without anybody
thinking of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec

from market.dates import day, moment_zone
from market.money import Money
from market.proof import canonical
from market.wording import _


@dataclass(frozen=True, slots=True)
class Fact:
    """One field: its name, what people call it, and what it says: plain for the digest, in words for the reader (empty where
    nothing is said)."""

    name: str
    label: str
    plain: canonical.Plain
    says: str


@dataclass(frozen=True, slots=True)
class Part:
    """A section, a lot or a criterion of a draft."""

    title: str
    facts: tuple[Fact, ...]


def part(title: str, kind: type[msgspec.Struct], stored: dict[str, Any], currency: str) -> Part:
    """The part of a draft that the form `kind` writes, from what is stored of it (`market.drafts.stored`)."""
    labels = {field.name: _label(field) for field in msgspec.structs.fields(kind)}
    return Part(
        title,
        tuple(Fact(name, labels[name], _plain(value), _says(name, value, currency)) for name, value in stored.items()),
    )


def version(parts: Sequence[Part]) -> str:
    """What an approval holds for: SHA-256 over the names and values of every field of every part, in their order."""
    said: list[canonical.Plain] = [[[fact.name, fact.plain] for fact in each.facts] for each in parts]
    return hashlib.sha256(b"prelude/review/v1\n" + canonical.encode(said)).hexdigest()


def digest_of(text: str) -> str:
    """What an answer about precedents holds for: SHA-256 of the words that were looked for, however they are spaced."""
    return hashlib.sha256(re.sub(r"\s+", " ", text).strip().encode()).hexdigest()


def _label(field: msgspec.structs.FieldInfo) -> str:
    info = msgspec.inspect.type_info(field.type)
    options = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    for each in options:
        title = (getattr(each, "extra_json_schema", None) or {}).get("title")
        if title:
            return _(title)
    raise TypeError(f"{field.name} has no title: whoever reads it as a whole could not tell what it is")


def _plain(value: Any) -> canonical.Plain:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, str | int) else str(value)


def _says(name: str, value: Any, currency: str) -> str:
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if name.endswith("_minor"):
        return str(Money(value, currency))
    if isinstance(value, datetime):
        return moment_zone(value)
    if isinstance(value, date):
        return day(value)
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
