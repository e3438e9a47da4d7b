"""What this market did for the public, in numbers that anybody can count again from the published record.

Every figure says how it is counted (:data:`COUNTED`). A figure without a case yet is None and is shown as words, never as
zero: nobody has been paid in 0 days when nobody has been paid.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from statistics import median_low

from challenges import listing as challenges
from challenges.desk import NO_CHALLENGE, by_mission
from market import policy
from market.contracts import figures as contracts
from market.missions import actions as missions
from market.money import Money
from market.payments import actions as payments
from market.reads import row
from market.tenders import listing as tenders
from market.waivers import actions as waivers
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
    ends_on: date | None
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


_seen: tuple[str | None, Figures] = ("", Figures())


async def figures() -> Figures:
    """The figures now. They are reckoned anew only when the log has grown since this process last did: nothing they count
    changes without an event."""
    global _seen
    state = await row(str, "SELECT hash FROM event ORDER BY seq DESC LIMIT 1")
    if state and state == _seen[0]:
        return _seen[1]
    reckoned = await reckon()
    _seen = (state, reckoned)
    return reckoned


async def reckon() -> Figures:
    """Count everything: each noun answers for its own rows."""
    currency = policy.IN_FORCE.currency
    signed = await contracts.won()
    value, to_small = _worth(signed, currency)
    fees = await payments.pitch_fees(currency)
    settled = await payments.settled()
    asked = await waivers.statistics()
    passed = await tenders.passed()
    grounds: Counter[str] = Counter()
    for published in passed:
        if published.ground:
            grounds[published.ground] += published.tenders
    days = await _days_to_contract()
    return Figures(
        contracts=sum(firm.contracts for firm in signed),
        contracts_to_small=sum(firm.contracts for firm in signed if firm.small),
        value=Money(value, currency),
        small_share=percent(to_small, value),
        pitches_paid=settled.pitches,
        days_to_pay=settled.days,
        fees=Money(sum(fees.values()), currency),
        paid=settled.paid,
        paid_in_time=settled.in_time,
        tenders=grounds.total(),
        by_ground=dict(grounds),
        waivers_granted=asked.granted,
        waivers_refused=asked.refused,
        waivers_waiting=asked.waiting,
        days_to_contract=median_low(days) if days else None,
        contracts_from_problems=len(days),
        missions=tuple(await _portfolios(signed, passed, fees, currency)),
    )


async def _days_to_contract() -> list[int]:
    """Of every problem that led to a contract the days from its publication to the first one."""
    begun = await contracts.first_signed()
    published = await challenges.published_at([first.exercise for first in begun])
    return [(first.signed_at - published[first.exercise]).days for first in begun if first.exercise in published]


async def _portfolios(
    signed: list[contracts.Won], passed: list[tenders.Passed], fees: dict[str, int], currency: str
) -> list[Portfolio]:
    """What each published mission set in motion; `fees` are those paid, by the `challenge:reference` they were for."""
    published = await missions.published()
    exercises = await by_mission([mission.id for mission in published])
    portfolios = []
    for mission in published:
        exercise = exercises.get(mission.id, NO_CHALLENGE)
        ours = [firm for firm in signed if firm.mission == mission.id]
        value, small = _worth(ours, currency)
        portfolios.append(
            Portfolio(
                ref=mission.ref,
                title=mission.title,
                owner=mission.owner_name,
                ends_on=mission.ends_on,
                challenges=exercise.published,
                concluded=exercise.concluded,
                tenders=sum(tender.tenders for tender in passed if tender.mission == mission.id),
                contracts=sum(firm.contracts for firm in ours),
                value=Money(value, currency),
                to_small=percent(small, value),
                fees=Money(sum(fees.get(subject, 0) for subject in exercise.subjects), currency),
            )
        )
    return portfolios


def _worth(signed: list[contracts.Won], currency: str) -> tuple[int, int]:
    """What the contracts in this currency are worth, and those of small firms."""
    here = [firm for firm in signed if firm.currency == currency]
    return sum(firm.value_minor for firm in here), sum(firm.value_minor for firm in here if firm.small)
