"""Lists of published tenders, in one query and page by page; for the pages and the API alike."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import datetime

import msgspec
from msgspec import structs

from market import clock
from market.actor import Actor
from market.audit.thread import decided
from market.money import Money
from market.reads import rows
from market.rules import CURSOR_UNKNOWN
from market.standing import Standing, dates_of
from market.tenders import rules
from market.tenders.readers import BUYING_SIDE

PAGE = 20

_WHERE = {
    "": "TRUE",
    "questions": "t.cancelled_at IS NULL AND t.opened_at IS NULL AND t.questions_until >= {} AND t.closes_at > {}",
    "open": "t.cancelled_at IS NULL AND t.opened_at IS NULL AND t.closes_at > {}",
    "closed": "t.cancelled_at IS NULL AND t.opened_at IS NULL AND t.closes_at <= {}",
    "evaluation": "t.cancelled_at IS NULL AND t.opened_at IS NOT NULL",
    "cancelled": "t.cancelled_at IS NOT NULL",
}
"""The stages as conditions: the same comparisons with now as `rules.stage`; `open` takes in those with questions, `evaluation` those
that are decided."""


class Listed(rules.Dates, frozen=True):
    """One row of a list: enough to decide whether to read on, and its place among the others."""

    ref: str
    title: str
    buyer: str
    buyer_name: str
    value_minor: int
    currency: str
    ground: str
    ground_reference: str
    waits: int
    key: int
    id: int

    @property
    def value(self) -> Money:
        """What all its lots are estimated at."""
        return Money(self.value_minor, self.currency)

    @property
    def standing(self) -> Standing:
        """Where it stands now."""
        return rules.standing(self, clock.now())

    @property
    def stage(self) -> str:
        """The same, for programs."""
        return self.standing.stage


class Page(msgspec.Struct, frozen=True):
    """A page of a list and the cursor of the next one, '' on the last."""

    items: list[Listed]
    next: str


async def listed(stage: str = "", after: str = "") -> Page:
    """Published tenders: those that take bids first, soonest deadline first; then the rest, latest deadline first.

    `stage` is one of these conditions, or empty for all; `after` is a cursor that an earlier page gave.
    Anything else is refused (400).
    """
    if stage not in _WHERE:
        raise rules.STAGE_UNKNOWN.refused()
    now = clock.now()
    condition = _WHERE[stage]
    tenders = await rows(
        Listed,
        f"""
        SELECT t.ref, t.title, o.ref AS buyer, o.name AS buyer_name, t.currency, t.ground, t.ground_reference, t.published_at,
          t.questions_until, t.closes_at, t.opened_at, t.cancelled_at, t.waiver_asked, l.lots, l.value_minor, 0 AS decided,
          t.waits, t.key, t.id
        FROM (
          SELECT t.*, (CASE WHEN w.waits = 0 THEN 1 ELSE -1 END * EXTRACT(EPOCH FROM t.closes_at) * 1000000)::bigint AS key,
            w.waits
          FROM tender t, LATERAL (
            SELECT CASE WHEN t.closes_at > {{}} AND t.cancelled_at IS NULL THEN 0 ELSE 1 END AS waits
          ) w
          WHERE t.published_at IS NOT NULL AND {condition}
        ) t
        JOIN organisation o ON o.id = t.buyer, LATERAL (
          SELECT count(*) AS lots, COALESCE(SUM(value_minor), 0)::bigint AS value_minor FROM lot WHERE lot.tender = t.id
        ) l
        WHERE (t.waits, t.key, t.id) > ({{}}, {{}}, {{}}) ORDER BY t.waits, t.key, t.id LIMIT {PAGE + 1}
        """,  # noqa: S608 - all parts are ours
        now,
        *[now] * condition.count("{}"),
        *_cursor(after),
    )
    settled = await decided([each.ref for each in tenders[:PAGE]])
    items = [structs.replace(each, decided=settled.get(each.ref, 0)) for each in tenders[:PAGE]]
    return Page(items, _packed(items[-1].waits, items[-1].key, items[-1].id) if len(tenders) > PAGE else "")


class Taking(msgspec.Struct, frozen=True):
    """A tender that everybody may bid for until it closes."""

    ref: str
    title: str
    closes_at: datetime


async def taking_bids(buyers: Sequence[int]) -> list[Taking]:
    """The tenders of these buyers (ids) that take bids now."""
    return await rows(
        Taking,
        f"""
        SELECT ref, title, closes_at FROM tender t
        WHERE t.buyer = ANY({{}}::int[]) AND t.published_at IS NOT NULL AND {_WHERE["open"]}
        """,  # noqa: S608 - a constant
        list(buyers),
        clock.now(),
    )


class OpenLot(msgspec.Struct, frozen=True):
    """A lot one may bid for, and the title of its tender (`ref`); `total` counts all of them."""

    ref: str
    tender: str
    number: int
    title: str
    buyer: str
    value_minor: int
    currency: str
    closes_at: datetime
    total: int


async def open_lots(limit: int) -> list[OpenLot]:
    """Lots that suit small firms and may still be bid for, closing soonest first, the smaller first."""
    return await rows(
        OpenLot,
        """
        SELECT t.ref, t.title AS tender, l.number, l.title, o.name AS buyer, l.value_minor, t.currency, t.closes_at,
          count(*) OVER () AS total
        FROM lot l JOIN tender t ON t.id = l.tender JOIN organisation o ON o.id = t.buyer
        WHERE l.sme_suitable AND t.published_at IS NOT NULL AND t.cancelled_at IS NULL AND t.opened_at IS NULL
          AND t.closes_at > {} ORDER BY t.closes_at, l.value_minor, l.id LIMIT {}
        """,
        clock.now(),
        limit,
    )


class Passed(msgspec.Struct, frozen=True):
    """How many published tenders of one mission (its id) passed on one ground, empty where none was asked for."""

    mission: int | None
    ground: str
    tenders: int


async def passed() -> list[Passed]:
    """The published tenders by mission and ground, cancelled ones too."""
    return await rows(
        Passed,
        """
        SELECT mission, ground, count(*) AS tenders FROM tender WHERE published_at IS NOT NULL GROUP BY mission, ground
        """,
    )


class Dated(rules.Dates, frozen=True):
    """The dates of a tender with its reference."""

    ref: str


class Drafted(Dated, frozen=True):
    """A draft in the list of those who write it."""

    title: str

    @property
    def standing(self) -> Standing:
        """Where it stands now."""
        return rules.standing(self, clock.now())


async def drafts_of(actor: Actor) -> list[Drafted]:
    """The drafts of the bodies this actor buys for, newest first."""
    ours = actor.organisations(*BUYING_SIDE)
    if not ours:
        return []
    return await rows(
        Drafted,
        """
        SELECT ref, title, published_at, questions_until, closes_at, opened_at, cancelled_at, waiver_asked,
          (SELECT count(*) FROM lot WHERE lot.tender = t.id) AS lots, 0 AS decided
        FROM tender t WHERE buyer = ANY({}::int[]) AND published_at IS NULL ORDER BY id DESC
        """,
        ours,
    )


async def dates(refs: Sequence[str]) -> dict[str, rules.Dates]:
    """What the standing of these tenders is reckoned from, by reference."""
    found = await rows(
        Dated,
        """
        SELECT ref, published_at, questions_until, closes_at, opened_at, cancelled_at, waiver_asked,
          (SELECT count(*) FROM lot WHERE lot.tender = t.id) AS lots, 0 AS decided
        FROM tender t WHERE ref = ANY({}::text[])
        """,
        list(refs),
    )
    settled = await decided(refs)
    return {each.ref: dates_of(rules.Dates, each, decided=settled.get(each.ref, 0)) for each in found}


async def standings(refs: Sequence[str]) -> dict[str, Standing]:
    """Where these tenders stand now, by reference."""
    now = clock.now()
    return {ref: rules.standing(found, now) for ref, found in (await dates(refs)).items()}


_LARGEST = 2**63 - 1


def _packed(*place: int) -> str:
    return urlsafe_b64encode(".".join(str(each) for each in place).encode()).decode().rstrip("=")


def _cursor(after: str) -> tuple[int, int, int]:
    """The place a cursor names; before everything for none. Refused (400) when it is not one of ours."""
    if not after:
        return -1, 0, 0
    try:
        waits, key, row = (int(each) for each in urlsafe_b64decode(after + "=" * (-len(after) % 4)).decode().split("."))
    except ValueError:
        waits, key, row = 9, 0, 0
    if waits not in (0, 1) or abs(key) > _LARGEST or not 0 <= row < 2**31:
        raise CURSOR_UNKNOWN.refused()
    return waits, key, row
