"""What this market did for the public, in numbers that anybody can count again from the published record.

Every figure says how it is counted (:data:`COUNTED`). A figure without a case yet is None and is shown as words, never as
zero: nobody has been paid in 0 days when nobody has been paid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from market import policy
from market.db import many, one
from market.money import Money
from market.organisations import Size, size_of
from market.payments.actions import speed

COUNTED = {
    "small-firms": "Contracts that both sides signed. A firm is small when it has fewer than "
    f"{policy.UK.small_firms_uk.staff_fewer_than} staff and its turnover or its balance sheet is within the limit of the Procurement Act 2023, section 123(1), by the figures it gave us; firms that gave them in euros are judged by Recommendation 2003/361/EC. Firms whose size is not known "
    "count as not small. Values are the agreed ones without VAT; money of another currency is not converted and is left out of the share.",
    "time-to-pay": "Whole days from the moment a pitch was marked as delivered to the moment its fee was paid. The figure is the median: half "
    "of the teams waited no longer.",
    "in-time": "Everything that was owed here, for pitches and for accepted milestones, and has been paid: the share that was paid by the day "
    "it was due.",
    "innovation-first": "Tenders that were published, by the ground on which the innovation-first rule let them pass. Cancelled ones are counted: "
    "they passed too.",
    "waivers": "Requests for a waiver that a minister decided, and how many she granted. The rate is the published tenders that passed with a "
    "waiver out of those that needed an exercise or a waiver.",
    "problem-to-contract": "Days from the publication of a challenge to the first contract signed by both sides that grew from it. The figure is "
    "the median.",
    "pitch-fees": "Fees paid to teams for pitching, whether they won or not.",
    "missions": "What is filed under each published mission. Value is that of contracts both sides signed; the pitch fees are those paid.",
}
"""How each figure is counted, in the words the page shows; the keys are its places on the page."""


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What one mission set in motion."""

    ref: str
    title: str
    owner: str
    ends_on: Any
    challenges: int
    concluded: int
    tenders: int
    contracts: int
    value: Money
    to_small: int | None
    """Percent of that value that went to small firms; None without a contract."""
    fees: Money


@dataclass(frozen=True, slots=True)
class Figures:
    """All public figures at one state of the record."""

    contracts: int = 0
    contracts_to_small: int = 0
    value: Money = field(default_factory=lambda: Money(0))
    small_share: int | None = None
    """Percent of the value."""
    pitches_paid: int = 0
    days_to_pay: int | None = None
    fees: Money = field(default_factory=lambda: Money(0))
    paid: int = 0
    paid_in_time: int = 0
    tenders: int = 0
    by_ground: dict[str, int] = field(default_factory=dict)
    waivers_granted: int = 0
    waivers_refused: int = 0
    waivers_waiting: int = 0
    days_to_contract: int | None = None
    contracts_from_problems: int = 0
    missions: tuple[Portfolio, ...] = ()

    @property
    def bound(self) -> int:
        """The published tenders that needed an exercise or a waiver."""
        return self.by_ground.get("exercise", 0) + self.by_ground.get("waiver", 0)

    @property
    def waiver_rate(self) -> int | None:
        """Percent of the tenders that needed an exercise or a waiver and had a waiver."""
        return percent(self.by_ground.get("waiver", 0), self.bound)

    @property
    def in_time(self) -> int | None:
        """Percent of what was paid that was paid by the day it was due."""
        return percent(self.paid_in_time, self.paid)


def percent(part: int, whole: int) -> int | None:
    """A whole percentage, rounded half up; None of nothing."""
    return (200 * part + whole) // (2 * whole) if whole else None


def is_small(row: dict[str, Any]) -> bool:
    """Whether a firm is small by the figures it gave; `row` has staff, turnover_minor, balance_minor and firm_currency."""

    def given(name: str) -> Money | None:
        return Money(row[name], row["firm_currency"]) if row[name] is not None else None

    definition: Literal["uk", "eu"] = "eu" if row["firm_currency"] == "EUR" else "uk"
    return size_of(Size(row["staff"], given("turnover_minor"), given("balance_minor")), definition).small is True


_seen: tuple[str, Figures] = ("", Figures())


async def figures() -> Figures:
    """The figures now. They are reckoned anew only when the log has grown since this process last did: nothing they count
    changes without an event."""
    global _seen
    last = await one("SELECT hash FROM event ORDER BY seq DESC LIMIT 1")
    state = str(last.get("hash", ""))
    if state and state == _seen[0]:
        return _seen[1]
    found = await reckon()
    _seen = (state, found)
    return found


async def reckon() -> Figures:
    """Count everything from the tables."""
    currency = policy.UK.currency
    won = await _won()
    here = [row for row in won if row["currency"] == currency]
    value, to_small = sum(row["value"] for row in here), sum(row["value"] for row in here if is_small(row))
    paid = await _paid(currency)
    waivers = await one(
        "SELECT count(*) FILTER (WHERE decided_at IS NOT NULL AND refusal_reason = '') AS granted, "
        "count(*) FILTER (WHERE decided_at IS NOT NULL AND refusal_reason <> '') AS refused, "
        "count(*) FILTER (WHERE decided_at IS NULL AND withdrawn_at IS NULL) AS waiting FROM waiver"
    )
    grounds = await many(
        "SELECT ground, count(*) AS tenders FROM tender WHERE published_at IS NOT NULL AND ground <> '' GROUP BY ground"
    )
    way = await _problem_to_contract()
    fast = await speed()
    return Figures(
        contracts=sum(row["contracts"] for row in won),
        contracts_to_small=sum(row["contracts"] for row in won if is_small(row)),
        value=Money(value, currency),
        small_share=percent(to_small, value),
        pitches_paid=fast.paid,
        days_to_pay=fast.median,
        fees=Money(paid["fees"], currency),
        paid=paid["paid"],
        paid_in_time=paid["in_time"],
        tenders=sum(row["tenders"] for row in grounds),
        by_ground={row["ground"]: row["tenders"] for row in grounds},
        waivers_granted=waivers["granted"],
        waivers_refused=waivers["refused"],
        waivers_waiting=waivers["waiting"],
        days_to_contract=int(way["days"]) if way["days"] is not None else None,
        contracts_from_problems=way["contracts"],
        missions=tuple(await _portfolios(won, currency)),
    )


async def _won() -> list[dict[str, Any]]:
    """Signed contracts by mission, firm and currency."""
    return await many(
        "SELECT c.mission, c.currency, count(*) AS contracts, sum(c.value_minor)::bigint AS value, s.employees AS staff, "
        "s.turnover_minor, s.balance_minor, s.currency AS firm_currency FROM contract c "
        "JOIN organisation s ON s.id = c.supplier "
        "WHERE c.buyer_signed_at IS NOT NULL AND c.supplier_signed_at IS NOT NULL GROUP BY c.mission, c.currency, s.id"
    )


async def _paid(currency: str) -> dict[str, Any]:
    return await one(
        "SELECT count(*) AS paid, count(*) FILTER (WHERE p.paid_at <= o.due_at) AS in_time, "
        "coalesce(sum(o.amount_minor) FILTER (WHERE o.cause LIKE 'pitch:%' AND o.currency = {}), 0)::bigint AS fees "
        "FROM payment p JOIN obligation o ON o.id = p.obligation WHERE p.state = 'paid'",
        currency,
    )


async def _problem_to_contract() -> dict[str, Any]:
    return await one(
        "SELECT count(*) AS contracts, percentile_disc(0.5) WITHIN GROUP (ORDER BY floor(EXTRACT(EPOCH FROM "
        "(signed_at - published_at)) / 86400)) AS days FROM (SELECT h.id, h.published_at, "
        "min(greatest(c.buyer_signed_at, c.supplier_signed_at)) AS signed_at FROM contract c JOIN tender t ON t.id = c.tender "
        "JOIN challenge h ON h.ref = t.exercise WHERE c.buyer_signed_at IS NOT NULL AND c.supplier_signed_at IS NOT NULL "
        "GROUP BY h.id) first"
    )


async def _portfolios(won: list[dict[str, Any]], currency: str) -> list[Portfolio]:
    rows = await many(
        "SELECT m.id, m.ref, m.title, m.ends_on, o.name AS owner, "
        "(SELECT count(*) FROM challenge h WHERE h.mission = m.id AND h.published_at IS NOT NULL) AS challenges, "
        "(SELECT count(*) FROM challenge h WHERE h.mission = m.id AND h.concluded_at IS NOT NULL) AS concluded, "
        "(SELECT count(*) FROM tender t WHERE t.mission = m.id AND t.published_at IS NOT NULL) AS tenders, "
        "(SELECT coalesce(sum(b.amount_minor), 0)::bigint FROM challenge h JOIN obligation b ON b.about = 'challenge:' || h.ref "
        "JOIN payment p ON p.obligation = b.id AND p.state = 'paid' WHERE h.mission = m.id AND b.cause LIKE 'pitch:%' "
        "AND b.currency = {}) AS fees "
        "FROM mission m JOIN organisation o ON o.id = m.owner WHERE m.published_at IS NOT NULL ORDER BY m.ends_on, m.id",
        currency,
    )
    made = []
    for row in rows:
        mine = [each for each in won if each["mission"] == row["id"]]
        here = [each for each in mine if each["currency"] == currency]
        value = sum(each["value"] for each in here)
        small = sum(each["value"] for each in here if is_small(each))
        made.append(
            Portfolio(
                row["ref"],
                row["title"],
                row["owner"],
                row["ends_on"],
                row["challenges"],
                row["concluded"],
                row["tenders"],
                sum(each["contracts"] for each in mine),
                Money(value, currency),
                percent(small, value),
                Money(row["fees"], currency),
            )
        )
    return made


async def open_challenges(now: datetime, limit: int) -> list[dict[str, Any]]:
    """Challenges one may still apply to, closing soonest first; `total` counts all of them."""
    return await many(
        "SELECT c.ref, c.title, c.fee_minor, c.currency, c.places, c.closes_at, o.name AS buyer, count(*) OVER () AS total "
        "FROM challenge c JOIN organisation o ON o.id = c.buyer WHERE c.published_at IS NOT NULL AND c.cancelled_at IS NULL "
        "AND c.concluded_at IS NULL AND c.shortlisted_at IS NULL AND c.closes_at >= {} ORDER BY c.closes_at, c.id LIMIT {}",
        now,
        limit,
    )


async def open_lots(now: datetime, limit: int) -> list[dict[str, Any]]:
    """Lots that suit small firms and may still be bid for, closing soonest first, the smaller first; `total` counts all."""
    return await many(
        "SELECT t.ref, t.title AS tender, l.number, l.title, l.value_minor, t.currency, t.closes_at, o.name AS buyer, "
        "count(*) OVER () AS total FROM lot l JOIN tender t ON t.id = l.tender JOIN organisation o ON o.id = t.buyer "
        "WHERE l.sme_suitable AND t.published_at IS NOT NULL AND t.cancelled_at IS NULL AND t.opened_at IS NULL "
        "AND t.closes_at > {} ORDER BY t.closes_at, l.value_minor, l.id LIMIT {}",
        now,
        limit,
    )
