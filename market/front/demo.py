"""The demonstration: who may be tried out, signing in as her, and a clock that can be moved.

Only with `PRELUDE_DEMO=1`, which `market.settings` refuses in production; everywhere else the pages answer 404.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

from market import clock
from market.db import many
from market.refusals import NotFound
from market.settings import ROOT, settings

PEOPLE = ROOT / "fixtures" / "demo" / "people.yaml"


class Choice(msgspec.Struct, forbid_unknown_fields=False):
    """Whom to be."""

    person: Annotated[str, Meta(title="Person", min_length=1, max_length=16)]


class Move(msgspec.Struct, forbid_unknown_fields=False):
    """How far to move the clock, in hours: at most a year at a time, never back."""

    hours: Annotated[int, Meta(title="Hours", ge=1, le=9000)]


@dataclass(frozen=True, slots=True)
class Guise:
    """Somebody of the story: who she is, and what a visitor can see by being her (empty for the others)."""

    ref: str
    name: str
    office: str
    line: str = ""


def must_be_demo() -> None:
    """404 unless this is a demonstration: outside it there is nothing here."""
    if not settings().demo:
        raise NotFound("Demonstration")


@cache
def _story() -> tuple[tuple[str, str], ...]:
    """(e-mail address, line) of those the story puts first, in its order."""
    told: dict[str, Any] = yaml.safe_load(PEOPLE.read_text(encoding="utf-8"))
    address = {each["key"]: each["email"] for each in told["people"]}
    return tuple((address[each["person"]], each["line"]) for each in told["sign_in"])


async def guises() -> tuple[list[Guise], list[Guise]]:
    """Those the story puts first, in its order, and everybody else who can sign in, by body and name."""
    now = clock.now()
    rows = await many(
        "SELECT p.ref, p.name, p.email, m.title, m.role, o.name AS body FROM person p "
        "JOIN LATERAL (SELECT * FROM membership WHERE membership.person = p.id AND since <= {} "
        "AND (until IS NULL OR until > {}) ORDER BY id LIMIT 1) m ON true JOIN organisation o ON o.id = m.organisation "
        "WHERE p.closed_at IS NULL ORDER BY o.kind, o.name, p.name LIMIT 400",
        now,
        now,
    )
    lines = dict(_story())
    found = {
        row["email"]: Guise(
            row["ref"],
            row["name"],
            f"{row['title'] or row['role'].replace('-', ' ').capitalize()}, {row['body']}",
            lines.get(row["email"], ""),
        )
        for row in rows
    }
    first = [found[address] for address, _ in _story() if address in found]
    return first, [each for each in found.values() if each not in first]
