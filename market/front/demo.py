"""The demonstration: who may be tried out, signing in as her, and a clock that can be moved.

Only with `PRELUDE_DEMO=1`, which `market.settings` refuses in production; everywhere else the pages answer 404.
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import msgspec
import yaml
from msgspec import Meta

from market import clock
from market.actor import role_words
from market.reads import rows
from market.refusals import NotFound
from market.settings import ROOT, settings

PEOPLE = ROOT / "fixtures" / "demo" / "people.yaml"


class Choice(msgspec.Struct, forbid_unknown_fields=False):
    """Whom to be."""

    person: Annotated[str, Meta(title="Person", min_length=1, max_length=16)]


class Move(msgspec.Struct, forbid_unknown_fields=False):
    """How far to move the clock, in hours: at most a year at a time, never back."""

    hours: Annotated[int, Meta(title="Hours", ge=1, le=9000)]


class Guise(msgspec.Struct, frozen=True):
    """Somebody of the story: who she is, in which role of which body."""

    ref: str
    name: str
    email: str
    title: str
    role: str
    body: str

    @property
    def office(self) -> str:
        """Her title, or her role in words, and where."""
        return f"{self.title or role_words(self.role).capitalize()}, {self.body}"

    @property
    def line(self) -> str:
        """What a visitor can see by being her; empty for those the story does not put first."""
        return _story().get(self.email, "")


def must_be_demo() -> None:
    """404 unless this is a demonstration: outside it there is nothing here."""
    if not settings().demo:
        raise NotFound("Demonstration")


@cache
def _story() -> dict[str, str]:
    """Those the story puts first, in its order: e-mail address → line."""
    told: dict[str, Any] = yaml.safe_load(PEOPLE.read_text(encoding="utf-8"))
    address = {each["key"]: each["email"] for each in told["people"]}
    return {address[each["person"]]: each["line"] for each in told["sign_in"]}


async def guises() -> tuple[list[Guise], list[Guise]]:
    """Those the story puts first, in its order, and everybody else who can sign in, by body and name."""
    now = clock.now()
    found = await rows(
        Guise,
        """
        SELECT p.ref, p.name, p.email, m.title, m.role, o.name AS body FROM person p
        JOIN LATERAL (
          SELECT * FROM membership
          WHERE membership.person = p.id AND since <= {} AND (until IS NULL OR until > {}) ORDER BY id LIMIT 1
        ) m ON true
        JOIN organisation o ON o.id = m.organisation
        WHERE p.closed_at IS NULL ORDER BY o.kind, o.name, p.name LIMIT 400
        """,
        now,
        now,
    )
    story = list(_story())
    first = sorted((each for each in found if each.email in story), key=lambda each: story.index(each.email))
    return first, [each for each in found if each.email not in story]
