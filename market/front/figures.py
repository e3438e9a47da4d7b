"""What this market did for the public, in numbers that anybody can count again from the published record.

Every figure says how it is counted (:data:`COUNTED`). A figure without a case yet is None and is shown as words, never as
zero: nobody has been paid in 0 days when nobody has been paid.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

import msgspec

from market import policy
from market.money import Money
from market.organisations import Size, size_of
from market.payments.actions import speed
from market.reads import row, rows, the
from market.wording import N_, _

COUNTED = {
    "small-firms": N_(
        "Contracts that both sides signed. A firm is small when it has fewer than {staff} staff and its turnover or its "
        "balance sheet is within the limit of the Procurement Act 2023, section 123(1), by the figures it gave us; firms "
        "that gave them in euros are judged by Recommendation 2003/361/EC. Firms whose size is not known count as not "
        "small. Values are the agreed ones without VAT; money of another currency is not converted and is left out of the "
        "share."
    ),
    "time-to-pay": N_(
        "Whole days from the moment a pitch was marked as delivered to the moment its fee was paid. The "
        "figure is the median: half of the teams waited no longer."
    ),
    "in-time": N_(
        "Everything that was owed here, for pitches and for accepted milestones, and has been paid: the "
        "share that was paid by the day it was due."
    ),
    "innovation-first": N_(
        "Tenders that were published, by the ground on which the innovation-first rule let them pass. "
        "Cancelled ones are counted: they passed too."
    ),
    "waivers": N_(
        "Requests for a waiver that a minister decided, and how many she granted. The rate is the "
        "published tenders that passed with a waiver out of those that needed an exercise or a waiver."
    ),
    "problem-to-contract": N_(
        "Days from the publication of a challenge to the first contract signed by both sides that grew "
        "from it. The figure is the median."
    ),
    "pitch-fees": N_("Fees paid to teams for pitching, whether they won or not."),
    "missions": N_(
        "What is filed under each published mission. Value is that of contracts both sides signed; the "
        "pitch fees are those paid."
    ),
}
"""How each figure is counted; the keys are its places on the page."""


def counted() -> dict[str, str]:
    """How each figure is counted, in the words the page shows."""
    staff = policy.IN_FORCE.small_firms_uk.staff_fewer_than
    return {place: _(words, staff=staff) for place, words in COUNTED.items()}


@dataclass(frozen=True, slots=True)
class Portfolio:
    """What one mission set in motion."""

    ref: str
    title: str
    owner: str
    ends_on: date
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


class Won(msgspec.Struct, frozen=True):
    """The signed contracts of one firm under one mission in one currency, with the figures the firm gave."""

    mission: int | None
    currency: str
    contracts: int
    value_minor: int
    employees: int | None
    turnover_minor: int | None
    balance_minor: int | None
    firm_currency: str

    @property
    def small(self) -> bool:
        """Whether the firm is small by its figures."""
        turnover, balance = (
            None if minor is None else Money(minor, self.firm_currency)
            for minor in (self.turnover_minor, self.balance_minor)
        )
        definition: Literal["uk", "eu"] = "eu" if self.firm_currency == "EUR" else "uk"
        return size_of(Size(self.employees, turnover, balance), definition).small is True


_seen: tuple[str | None, Figures] = ("", Figures())


async def figures() -> Figures:
    """The figures now. They are reckoned anew only when the log has grown since this process last did: nothing they count
    changes without an event."""
    global _seen
    state = await row(str, "SELECT hash FROM event ORDER BY seq DESC LIMIT 1")
    if state and state == _seen[0]:
        return _seen[1]
    found = await reckon()
    _seen = (state, found)
    return found


async def reckon() -> Figures:
    """Count everything from the tables."""
    currency = policy.IN_FORCE.currency
    won = await _won()
    value, to_small = _worth(won, currency)
    paid = await _paid(currency)
    waivers = await _waived()
    grounds = await _by_ground()
    way = await _problem_to_contract()
    fast = await speed()
    return Figures(
        contracts=sum(each.contracts for each in won),
        contracts_to_small=sum(each.contracts for each in won if each.small),
        value=Money(value, currency),
        small_share=percent(to_small, value),
        pitches_paid=fast.paid,
        days_to_pay=fast.median,
        fees=Money(paid.fees, currency),
        paid=paid.paid,
        paid_in_time=paid.in_time,
        tenders=sum(grounds.values()),
        by_ground=grounds,
        waivers_granted=waivers.granted,
        waivers_refused=waivers.refused,
        waivers_waiting=waivers.waiting,
        days_to_contract=way.days,
        contracts_from_problems=way.contracts,
        missions=tuple(await _portfolios(won, currency)),
    )


async def _won() -> list[Won]:
    """Signed contracts by mission, firm and currency."""
    return await rows(
        Won,
        """
        SELECT c.mission, c.currency, count(*) AS contracts, sum(c.value_minor)::bigint AS value_minor, s.employees,
          s.turnover_minor, s.balance_minor, s.currency AS firm_currency
        FROM contract c JOIN organisation s ON s.id = c.supplier
        WHERE c.buyer_signed_at IS NOT NULL AND c.supplier_signed_at IS NOT NULL GROUP BY c.mission, c.currency, s.id
        """,
    )


class Waived(msgspec.Struct, frozen=True):
    """How many requests for a waiver were granted, were refused, and wait."""

    granted: int
    refused: int
    waiting: int


async def _waived() -> Waived:
    return await the(
        Waived,
        """
        SELECT count(*) FILTER (WHERE decided_at IS NOT NULL AND refusal_reason = '') AS granted,
          count(*) FILTER (WHERE decided_at IS NOT NULL AND refusal_reason <> '') AS refused,
          count(*) FILTER (WHERE decided_at IS NULL AND withdrawn_at IS NULL) AS waiting
        FROM waiver
        """,
    )


class Passed(msgspec.Struct, frozen=True):
    """How many published tenders passed on one ground."""

    ground: str
    tenders: int


async def _by_ground() -> dict[str, int]:
    found = await rows(
        Passed,
        """
        SELECT ground, count(*) AS tenders FROM tender WHERE published_at IS NOT NULL AND ground <> '' GROUP BY ground
        """,
    )
    return {each.ground: each.tenders for each in found}


class Paid(msgspec.Struct, frozen=True):
    """What was paid: how much of it in time, and the fees for pitches."""

    paid: int
    in_time: int
    fees: int


async def _paid(currency: str) -> Paid:
    return await the(
        Paid,
        """
        SELECT count(*) AS paid, count(*) FILTER (WHERE p.paid_at <= o.due_at) AS in_time,
          coalesce(sum(o.amount_minor) FILTER (WHERE o.cause LIKE 'pitch:%' AND o.currency = {}), 0)::bigint AS fees
        FROM payment p JOIN obligation o ON o.id = p.obligation WHERE p.state = 'paid'
        """,
        currency,
    )


class Led(msgspec.Struct, frozen=True):
    """How many problems led to a contract, and in how many days."""

    contracts: int
    days: int | None


async def _problem_to_contract() -> Led:
    return await the(
        Led,
        """
        SELECT count(*) AS contracts, percentile_disc(0.5) WITHIN GROUP (
          ORDER BY floor(EXTRACT(EPOCH FROM (signed_at - published_at)) / 86400)
        )::int AS days
        FROM (
          SELECT h.id, h.published_at, min(greatest(c.buyer_signed_at, c.supplier_signed_at)) AS signed_at
          FROM contract c JOIN tender t ON t.id = c.tender JOIN challenge h ON h.ref = t.exercise
          WHERE c.buyer_signed_at IS NOT NULL AND c.supplier_signed_at IS NOT NULL GROUP BY h.id
        ) first
        """,
    )


class Filed(msgspec.Struct, frozen=True):
    """A published mission with what is counted under it."""

    id: int
    ref: str
    title: str
    owner: str
    ends_on: date
    challenges: int
    concluded: int
    tenders: int
    fees: int


async def _portfolios(won: list[Won], currency: str) -> list[Portfolio]:
    missions = await rows(
        Filed,
        """
        SELECT m.id, m.ref, m.title, o.name AS owner, m.ends_on,
          (SELECT count(*) FROM challenge h WHERE h.mission = m.id AND h.published_at IS NOT NULL) AS challenges,
          (SELECT count(*) FROM challenge h WHERE h.mission = m.id AND h.concluded_at IS NOT NULL) AS concluded,
          (SELECT count(*) FROM tender t WHERE t.mission = m.id AND t.published_at IS NOT NULL) AS tenders,
          (SELECT coalesce(sum(b.amount_minor), 0)::bigint FROM challenge h
            JOIN obligation b ON b.about = 'challenge:' || h.ref JOIN payment p ON p.obligation = b.id AND p.state = 'paid'
            WHERE h.mission = m.id AND b.cause LIKE 'pitch:%' AND b.currency = {}) AS fees
        FROM mission m JOIN organisation o ON o.id = m.owner WHERE m.published_at IS NOT NULL ORDER BY m.ends_on, m.id
        """,
        currency,
    )
    return [_portfolio(mission, [each for each in won if each.mission == mission.id], currency) for mission in missions]


def _portfolio(mission: Filed, won: list[Won], currency: str) -> Portfolio:
    value, small = _worth(won, currency)
    return Portfolio(
        ref=mission.ref,
        title=mission.title,
        owner=mission.owner,
        ends_on=mission.ends_on,
        challenges=mission.challenges,
        concluded=mission.concluded,
        tenders=mission.tenders,
        contracts=sum(each.contracts for each in won),
        value=Money(value, currency),
        to_small=percent(small, value),
        fees=Money(mission.fees, currency),
    )


def _worth(won: list[Won], currency: str) -> tuple[int, int]:
    """What the contracts in this currency are worth, and those of small firms."""
    here = [each for each in won if each.currency == currency]
    return sum(each.value_minor for each in here), sum(each.value_minor for each in here if each.small)


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


async def open_challenges(now: datetime, limit: int) -> list[OpenChallenge]:
    """Challenges one may still apply to, closing soonest first."""
    return await rows(
        OpenChallenge,
        """
        SELECT c.ref, c.title, o.name AS buyer, c.fee_minor, c.currency, c.places, c.closes_at, count(*) OVER () AS total
        FROM challenge c JOIN organisation o ON o.id = c.buyer
        WHERE c.published_at IS NOT NULL AND c.cancelled_at IS NULL AND c.concluded_at IS NULL AND c.shortlisted_at IS NULL
          AND c.closes_at >= {} ORDER BY c.closes_at, c.id LIMIT {}
        """,
        now,
        limit,
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


async def open_lots(now: datetime, limit: int) -> list[OpenLot]:
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
        now,
        limit,
    )
