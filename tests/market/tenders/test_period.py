"""The tendering periods of the Act, by what a tender states."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from market.tenders import rules
from market.tenders.facts import Candidate, Tender
from market.tenders.periods import rules as period
from tests import given

NOW = given.TODAY
DAY = timedelta(days=1)
WHY = "The pumping station failed on Sunday night, and the next spring tide is in nineteen days from now."


def tender(**facts: Any) -> Tender:
    return given.facts(Tender, **facts)


def candidate(**facts: Any) -> Candidate:
    return Candidate(tender(**facts), NOW, (), {}, (), (), (), given.naming())


@pytest.mark.parametrize(
    ("stated", "days"),
    [
        pytest.param({}, 25, id="every document with the notice"),
        pytest.param({"documents_later": True}, 30, id="some documents later"),
        pytest.param({"planned_notice": "2026/S 000-1"}, 10, id="after a planned notice"),
        pytest.param({"urgency_reason": WHY}, 10, id="urgent"),
        pytest.param({"documents_later": True, "urgency_reason": WHY}, 10, id="urgent, documents later"),
    ],
)
def test_the_shortest_time_to_bid_follows_from_what_the_tender_states(stated: dict[str, Any], days: int) -> None:
    assert period.shortest(tender(**stated)) == days
    for given_days, holds in ((days - 1, False), (days, True)):
        asked = candidate(closes_at=NOW + given_days * DAY, **stated)
        assert (rules.time_enough_to_bid(asked) is None) == holds


TODAY = NOW.date()


@pytest.mark.parametrize(
    ("published_on", "holds"),
    [
        (TODAY - 39 * DAY, False),
        (TODAY - 40 * DAY, True),
        (TODAY.replace(year=TODAY.year - 1), True),
        (TODAY.replace(year=TODAY.year - 1) - DAY, False),
        (TODAY + DAY, False),
    ],
)
def test_a_planned_notice_is_neither_too_young_nor_too_old(published_on: date, holds: bool) -> None:
    assert period.qualifies(published_on, NOW) == holds
    asked = candidate(planned_notice="2026/S 000-1", planned_notice_on=published_on)
    assert (period.planned_notice_qualifies(asked) is None) == holds


@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ({"planned_notice": "2026/S 000-1"}, "tender.planned-notice-wrong"),
        ({"planned_notice_on": TODAY - 60 * DAY}, "tender.planned-notice-wrong"),
        ({"urgency_reason": "It is late."}, "tender.urgency-unexplained"),
    ],
)
def test_a_shorter_time_is_not_had_by_a_word(stated: dict[str, Any], code: str) -> None:
    asked = candidate(**stated)
    found = [each(asked) for each in (period.planned_notice_qualifies, period.urgency_is_explained)]
    assert [refusal.code for refusal in found if refusal] == [code]
    assert period.urgency_is_explained(candidate(urgency_reason=WHY)) is None
    assert period.planned_notice_qualifies(candidate()) is None
