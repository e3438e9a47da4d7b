"""Lists of challenges and of what was learnt in them, each in one query; for pages, programs and desks alike."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from challenges import rules
from market import clock
from market.money import Money
from market.reads import rows
from market.standing import Standing


class Listed(rules.Dates, frozen=True):
    """A challenge as a list shows it: its dates, and enough to decide whether to read on."""

    ref: str
    title: str
    buyer: str
    buyer_id: int
    buyer_name: str
    method: str
    cpv: list[str]
    region: str
    fee_minor: int
    currency: str
    places: int
    decision: str

    @property
    def standing(self) -> Standing:
        """Where it stands now."""
        return rules.standing(self, clock.now())

    @property
    def stage(self) -> str:
        """The same, for programs."""
        return rules.stage(self, clock.now())

    @property
    def fee(self) -> Money | None:
        """What a pitch is paid, None while that is not said."""
        return Money(self.fee_minor, self.currency) if self.fee_minor else None

    @property
    def href(self) -> str:
        """Where it is read; a draft, where it is written."""
        return f"/challenges/{self.ref}{'/draft' if self.stage == 'draft' else ''}"


async def _listed(condition: str, *arguments: Any) -> list[Listed]:
    return await rows(
        Listed,
        f"""
        SELECT c.ref, c.title, o.ref AS buyer, o.id AS buyer_id, o.name AS buyer_name, c.method, c.cpv, c.region, c.fee_minor,
          c.currency, c.places, c.decision, c.created_at, c.published_at, c.questions_until, c.closes_at, c.shortlisted_at,
          c.decision_by, c.concluded_at, c.cancelled_at
        FROM challenge c JOIN organisation o ON o.id = c.buyer WHERE {condition}
        """,  # noqa: S608 - the conditions stand below
        *arguments,
    )


async def published() -> list[Listed]:
    """All published challenges, the newest first."""
    return await _listed("c.published_at IS NOT NULL ORDER BY c.published_at DESC")


async def drafts_of(organisations: Sequence[int]) -> list[Listed]:
    """The drafts of these buyers, the newest first."""
    return await _listed(
        "c.published_at IS NULL AND c.buyer = ANY({}::int[]) ORDER BY c.created_at DESC", list(organisations)
    )


async def of_bodies(bodies: Sequence[int]) -> list[Listed]:
    """All challenges of these bodies, drafts too, the newest first."""
    return await _listed("c.buyer = ANY({}::int[]) ORDER BY c.id DESC", list(bodies))


async def running(bodies: Sequence[int]) -> list[Listed]:
    """The published challenges of these bodies that have not ended."""
    return await _listed(
        "c.buyer = ANY({}::int[]) AND c.published_at IS NOT NULL AND c.concluded_at IS NULL AND c.cancelled_at IS NULL",
        list(bodies),
    )


class OpenChallenge(msgspec.Struct, frozen=True):
    """A challenge one may apply to; `total` counts all of them."""

    ref: str
    title: str
    buyer: str
    fee_minor: int
    currency: str
    places: int
    closes_at: datetime
    total: int


async def open_now(limit: int) -> list[OpenChallenge]:
    """Challenges one may still apply to, closing soonest first."""
    return await rows(
        OpenChallenge,
        """
        SELECT c.ref, c.title, o.name AS buyer, c.fee_minor, c.currency, c.places, c.closes_at, count(*) OVER () AS total
        FROM challenge c JOIN organisation o ON o.id = c.buyer
        WHERE c.published_at IS NOT NULL AND c.cancelled_at IS NULL AND c.concluded_at IS NULL AND c.shortlisted_at IS NULL
          AND c.closes_at >= {} ORDER BY c.closes_at, c.id LIMIT {}
        """,
        clock.now(),
        limit,
    )


class Published(msgspec.Struct, frozen=True):
    """Since when a challenge is public."""

    ref: str
    published_at: datetime


async def published_at(refs: Sequence[str]) -> dict[str, datetime]:
    """Since when these challenges are public, by reference; drafts and unknown ones are left out."""
    public = await rows(
        Published,
        "SELECT ref, published_at FROM challenge WHERE ref = ANY({}::text[]) AND published_at IS NOT NULL",
        list(refs),
    )
    return {challenge.ref: challenge.published_at for challenge in public}
