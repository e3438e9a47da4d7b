"""What a tender has become worth since it was published: prices that were awarded, contracts that grew. Pure, like the rules."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from market.arrival import Arrival
from market.tenders import gate
from market.tenders.facts import Candidate
from market.tenders.gate import Gate


def at_its_price(candidate: Candidate, lot: int, price_minor: int) -> Gate | None:
    """What the gate says of a tender, were this lot (its id) awarded at this price: every lot at what it was bought for, the
    undecided ones at their estimates. None where the whole is worth no more than what was published: that was asked then.
    Without VAT, in minor units of the tender's currency."""
    lots = [
        msgspec.structs.replace(each, value_minor=price_minor if each.id == lot else each.worth_minor)
        for each in candidate.lots
    ]
    if sum(each.value_minor for each in lots) <= candidate.value.minor:
        return None
    return gate.ask(
        _with_later(replace(candidate, lots=[each for each in lots if each.value_minor], now=published(candidate)))
    )


def grown(candidate: Candidate, lot: int, whole_minor: int) -> Gate:
    """What the gate says of a tender, were the contract of this lot (its id) worth this whole; no lot counts for less than its
    estimate. Two contracts of one tender that grow a little each are judged together."""
    lots = [
        msgspec.structs.replace(
            each, value_minor=max(each.value_minor, whole_minor if each.id == lot else each.worth_minor)
        )
        for each in candidate.lots
    ]
    return gate.ask(_with_later(replace(candidate, lots=lots, now=published(candidate))))


def _with_later(candidate: Candidate) -> Candidate:
    """The same, added up with what the body published in the same classes since as well. When those tenders were judged they were
    added up with this one as it was then: were it free to grow beside them, two small ones would grow past the threshold."""
    tender = candidate.tender
    whole = msgspec.structs.replace(
        tender, alike_minor=tender.alike_minor + tender.later_minor, alike=sorted({*tender.alike, *tender.later})
    )
    return replace(candidate, tender=whole)


def published(candidate: Candidate) -> Arrival:
    """The day the gate is asked about: that of the publication. What was in force then counts, and what ended since does not
    count against it."""
    at = candidate.tender.published_at
    return Arrival(at) if at else candidate.now
