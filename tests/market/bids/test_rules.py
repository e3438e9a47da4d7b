"""When bids are taken and opened: truth tables on rows in memory."""

from datetime import UTC, datetime, timedelta

import pytest

from market import policy
from market.bids import rules
from market.bids.tables import Sent
from market.money import Money
from market.refusals import refusals
from market.tenders.facts import Criterion
from market.tenders.tables import Tender
from tests import given

CLOSES = datetime(2026, 12, 1, 17, 0, tzinfo=UTC)
BEFORE, AFTER = CLOSES - timedelta(microseconds=1), CLOSES
QUALITY = given.facts(Criterion, ref="CR-AAAAAAA", name="Method", kind="quality")

OPENS = CLOSES + timedelta(seconds=policy.IN_FORCE.bids.opening_wait_seconds)


def tender(**facts: object) -> Tender:
    row = given.row(Tender, published_at=CLOSES - timedelta(days=30), closes_at=CLOSES)
    for name, value in facts.items():
        setattr(row, name, value)
    return row


@pytest.mark.parametrize(
    ("row", "lot", "at", "codes"),
    [
        (tender(), True, BEFORE, []),
        (tender(), True, AFTER, ["bid.too-late"]),
        (tender(published_at=None), True, BEFORE, ["bid.tender-not-published"]),
        (tender(cancelled_at=BEFORE), True, BEFORE, ["bid.tender-cancelled"]),
        (tender(), False, BEFORE, ["bid.unknown-lot"]),
        (tender(opened_at=AFTER), True, AFTER, ["bid.too-late", "bid.opened-already"]),
    ],
)
def test_a_bid_is_taken_until_the_microsecond_before_the_deadline(
    row: Tender, lot: bool, at: datetime, codes: list[str]
) -> None:
    assert [each.code for each in refusals(rules.SUBMIT, rules.Bidding(row, lot, at, False, "", []))] == codes


def test_a_supplier_whose_access_is_withheld_may_not_bid() -> None:
    found = refusals(
        rules.SUBMIT, rules.Bidding(tender(), True, BEFORE, False, withheld="Your API fails its profile.", sent=[])
    )
    assert [each.code for each in found] == ["bid.access-withheld"]


def test_nothing_can_be_withdrawn_when_nothing_is_sealed() -> None:
    facts = rules.Bidding(tender(), True, BEFORE, False, "", [])
    assert [each.code for each in refusals(rules.WITHDRAW, facts)] == ["bid.nothing-to-withdraw"]
    assert refusals(rules.WITHDRAW, rules.Bidding(tender(), True, BEFORE, True, "", [])) == []


@pytest.mark.parametrize(
    ("price", "answers", "declared", "codes"),
    [
        (1, {"CR-AAAAAAA": "Like this."}, True, []),
        (0, {"CR-AAAAAAA": "Like this."}, True, ["bid.price-missing"]),
        (1, {}, True, ["bid.answers-missing"]),
        (1, {"CR-AAAAAAA": "  "}, True, ["bid.answers-missing"]),
        (1, {"CR-AAAAAAA": "x", "CR-ZZZZZZZ": "y"}, True, ["bid.unknown-criterion"]),
        (1, {"CR-AAAAAAA": "x"}, False, ["bid.declaration-missing"]),
    ],
)
def test_a_bid_is_complete_or_says_what_is_missing(
    price: int, answers: dict[str, str], declared: bool, codes: list[str]
) -> None:
    content = rules.Content(price, answers, declared, [QUALITY], 100, None, "GBP")
    assert [each.code for each in refusals(rules.CONTENT, content)] == codes


@pytest.mark.parametrize(
    ("price", "maximum", "codes"),
    [(100, None, []), (100, 100, []), (101, 100, ["bid.above-the-maximum"]), (10**13, 1, ["bid.above-the-maximum"])],
)
def test_a_bid_is_not_above_the_highest_price_that_was_published(
    price: int, maximum: int | None, codes: list[str]
) -> None:
    content = rules.Content(price, {"CR-AAAAAAA": "Like this."}, True, [QUALITY], 100, maximum, "GBP")
    assert [each.code for each in refusals(rules.CONTENT, content)] == codes


@pytest.mark.parametrize(
    ("price", "estimate", "number"),
    [
        (6_000_000, 6_000_000, ""),
        (18_000_000, 6_000_000, ""),
        (18_000_001, 6_000_000, "3 times"),
        (300_000_000, 6_000_000, "50 times"),
        (2_000_000, 6_000_000, ""),
        (1_999_999, 6_000_000, "3 times"),
        (60_000, 6_000_000, "100 times"),
        (0, 6_000_000, ""),
        (5, 0, ""),
    ],
)
def test_a_price_far_from_the_estimate_is_asked_about_with_both_figures(price: int, estimate: int, number: str) -> None:
    asked = rules.price_is_near_the_estimate(Money(price), Money(estimate))
    assert bool(asked) is bool(number)
    if asked:
        assert asked.confirm
        assert all(words in asked.reason for words in (number, str(Money(price)), str(Money(estimate))))


@pytest.mark.parametrize(
    ("row", "at", "officer", "enrolled", "contributed", "codes"),
    [
        (tender(), OPENS, True, True, False, []),
        (tender(), BEFORE, True, True, False, ["opening.too-early"]),
        (tender(), OPENS - timedelta(seconds=1), True, True, False, ["opening.too-early"]),
        (tender(), OPENS, False, False, False, ["opening.not-an-officer"]),
        (tender(), OPENS, True, False, False, ["opening.not-an-officer"]),
        (tender(), OPENS, True, True, True, ["opening.contributed-already"]),
        (tender(opened_at=AFTER), OPENS, True, True, False, ["opening.done"]),
        (tender(cancelled_at=BEFORE), OPENS, True, True, False, ["opening.tender-cancelled"]),
    ],
)
def test_bids_are_opened_once_after_the_deadline_by_enrolled_officers(
    row: Tender, at: datetime, officer: bool, enrolled: bool, contributed: bool, codes: list[str]
) -> None:
    facts = rules.Opening(row, at, officer, enrolled, contributed)
    assert [each.code for each in refusals(rules.OPEN, facts)] == codes


@pytest.mark.parametrize(
    ("said", "stage", "tone"),
    [
        ({}, "counts", "green"),
        ({"opened_at": AFTER}, "opened", "green"),
        ({"act": "withdraw"}, "withdrawn", "grey"),
        ({"latest": False, "opened_at": AFTER}, "replaced", "grey"),
        ({"latest": False, "act": "withdraw"}, "replaced", "grey"),
        ({"cancelled_at": AFTER}, "cancelled", "grey"),
    ],
)
def test_what_was_sent_last_for_a_lot_counts_until_the_tender_is_cancelled(
    said: dict[str, object], stage: str, tone: str
) -> None:
    standing = rules.standing(given.facts(Sent, **{"act": "submit", "latest": True, "received_at": BEFORE, **said}))
    assert (standing.stage, standing.tone, standing.when) == (stage, tone, BEFORE)
