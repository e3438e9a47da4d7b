"""Lists of published tenders, in one query and page by page; for the pages and the API alike."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from market import clock
from market.audit.thread import decided
from market.db import many
from market.money import Money
from market.rules import CURSOR_UNKNOWN
from market.standing import Standing, dates_of
from market.tenders import rules

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


@dataclass(frozen=True, slots=True)
class Listed:
    """One row of a list: enough to decide whether to read on."""

    ref: str
    title: str
    buyer: str
    buyer_ref: str
    standing: Standing
    value: Money
    lots: int
    ground: str
    ground_reference: str
    published_at: datetime
    questions_until: datetime | None
    closes_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
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
    rows = await many(
        "SELECT t.*, (SELECT COUNT(*) FROM lot WHERE lot.tender = t.id) AS lots, "  # noqa: S608 - all parts are ours
        "(SELECT COALESCE(SUM(value_minor), 0) FROM lot WHERE lot.tender = t.id) AS total FROM ("
        "SELECT t.*, o.name AS buyer_name, o.ref AS buyer_ref, r.waits, "
        "(CASE WHEN r.waits = 0 THEN 1 ELSE -1 END * EXTRACT(EPOCH FROM t.closes_at) * 1000000)::bigint AS key "
        "FROM tender t JOIN organisation o ON o.id = t.buyer, LATERAL (SELECT CASE WHEN t.closes_at > {} AND "
        f"t.cancelled_at IS NULL THEN 0 ELSE 1 END AS waits) r WHERE t.published_at IS NOT NULL AND {condition}) t "
        f"WHERE (t.waits, t.key, t.id) > ({{}}, {{}}, {{}}) ORDER BY t.waits, t.key, t.id LIMIT {PAGE + 1}",
        now,
        *[now] * condition.count("{}"),
        *_cursor(after),
    )
    more = len(rows) > PAGE
    last = rows[PAGE - 1] if more else {}
    settled = await decided([row["ref"] for row in rows[:PAGE]])
    return Page(
        [_row(row, now, settled.get(row["ref"], 0)) for row in rows[:PAGE]],
        _packed(last["waits"], last["key"], last["id"]) if more else "",
    )


async def dates(refs: Sequence[str]) -> dict[str, rules.Dates]:
    """What the standing of these tenders is reckoned from, by reference."""
    rows = await many(
        "SELECT t.*, (SELECT COUNT(*) FROM lot WHERE lot.tender = t.id) AS lots FROM tender t WHERE ref = ANY({}::text[])",
        list(refs),
    )
    settled = await decided(refs)
    return {row["ref"]: dates_of(rules.Dates, row, decided=settled.get(row["ref"], 0)) for row in rows}


async def standings(refs: Sequence[str]) -> dict[str, Standing]:
    """Where these tenders stand now, by reference."""
    now = clock.now()
    return {ref: rules.standing(found, now) for ref, found in (await dates(refs)).items()}


def _row(row: dict[str, Any], now: datetime, settled: int) -> Listed:
    return Listed(
        row["ref"],
        row["title"],
        row["buyer_name"],
        row["buyer_ref"],
        rules.standing(dates_of(rules.Dates, row, decided=settled), now),
        Money(int(row["total"]), row["currency"]),
        row["lots"],
        row["ground"],
        row["ground_reference"],
        row["published_at"],
        row["questions_until"],
        row["closes_at"],
    )


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
