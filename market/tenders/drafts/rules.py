"""What looks like a slip in a draft of a tender, or in a later change of its deadline, and is asked about once more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from market import dates, policy, workdays
from market.arrival import Arrival
from market.money import Money
from market.refusals import rule
from market.wording import _


@dataclass(frozen=True, slots=True)
class Planned:
    """Dates as they are typed: until when bids are taken, the days of the contract, each None where nothing was said; and
    the moment. For a later change of the deadline the contract's days are None."""

    closes_at: datetime | None
    contract_begins_on: date | None
    contract_ends_on: date | None
    now: Arrival


@rule("tender.deadline-far", field="closes_at", source="Policy: asks.deadline_days", asks=True)
def deadline_is_near(planned: Planned) -> str | None:
    """A deadline further away than a year is asked about once more: it is nearly always a mistyped year."""
    closes = planned.closes_at
    if closes is None or closes - planned.now <= timedelta(days=policy.IN_FORCE.asks.deadline_days):
        return None
    return _(
        "Bids would be taken until {moment}. That is in more than {time}. Is it the deadline you mean?",
        moment=dates.moment_zone(closes),
        time=dates.lasting(closes - planned.now),
    )


@rule("tender.contract-far", field="contract_begins_on", source="Policy: asks.deadline_days", asks=True)
def contract_begins_near(planned: Planned) -> str | None:
    """A contract that begins more than a year from now is asked about once more."""
    begins = planned.contract_begins_on
    if begins is None or begins - workdays.local_day(planned.now) <= timedelta(days=policy.IN_FORCE.asks.deadline_days):
        return None
    return _(
        "The contract would begin on {day}. That is in more than {time}. Is it the day you mean?",
        day=dates.day(begins),
        time=dates.lasting(begins - workdays.local_day(planned.now)),
    )


@rule("tender.contract-before-bids", field="contract_begins_on", asks=True)
def contract_begins_after_bids(planned: Planned) -> str | None:
    """A contract that would begin before bids close is asked about at once: it cannot be published so."""
    begins, closes = planned.contract_begins_on, planned.closes_at
    if begins is None or closes is None or begins > workdays.local_day(closes):
        return None
    return _(
        "The contract would begin on {day}, before bids close on {closes}. It cannot be published so. Keep it in the draft "
        "all the same?",
        day=dates.day(begins),
        closes=dates.day(closes),
    )


@rule("tender.contract-long", field="contract_ends_on", source="Policy: asks.contract_years", asks=True)
def contract_runs_a_usual_time(planned: Planned) -> str | None:
    """A contract that runs longer than usual is asked about once more: others cannot win it for that long."""
    begins, ends = planned.contract_begins_on, planned.contract_ends_on
    if begins is None or ends is None or ends - begins <= timedelta(days=366 * policy.IN_FORCE.asks.contract_years):
        return None
    return _(
        "The contract would run from {begins} to {ends}: more than {time}. Is that what you mean?",
        begins=dates.day(begins),
        ends=dates.day(ends),
        time=dates.lasting(ends - begins),
    )


ASKED_OF_DATES = (deadline_is_near, contract_begins_near, contract_begins_after_bids, contract_runs_a_usual_time)
"""For `drafts.actions.set_dates`, when nothing forbids them; the first alone for a later change of the deadline."""


@rule(
    "tender.lot-value-unusual",
    field="value_minor",
    source="Policy: asks.lot_value_from and asks.lot_value_under",
    asks=True,
)
def lot_value_is_usual(value: Money, maximum: Money | None) -> str | None:
    """A lot that is estimated to be worth very much or next to nothing is asked about once more."""
    asks = policy.IN_FORCE.asks
    if asks.lot_value_under <= value.minor < asks.lot_value_from:
        return None
    return _("This lot would be estimated at {value}, without VAT. Is that the sum you mean?", value=value)


@rule("tender.maximum-below-estimate", field="maximum_minor", asks=True)
def maximum_reaches_the_estimate(value: Money, maximum: Money | None) -> str | None:
    """A highest price below the buyer's own estimate is asked about once more: it may leave the lot without a bid."""
    if maximum is None or value <= maximum:
        return None
    return _(
        "Bids above {maximum} would not be taken, and you estimate this lot at {value}. Is that what you mean?",
        maximum=maximum,
        value=value,
    )


ASKED_OF_LOTS = (lot_value_is_usual, maximum_reaches_the_estimate)
"""For `drafts.actions.add_lot` and `revise_lot`."""
