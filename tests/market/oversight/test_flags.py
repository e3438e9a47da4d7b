"""The red flags, each against the facts that raise it and those that just do not."""

from datetime import date, timedelta
from typing import Any

import pytest

from market import policy
from market.contracts.changes import rules
from market.money import Money
from market.oversight import flags
from market.oversight.flags import BidFact, Facts
from tests import given

LEAST = policy.IN_FORCE.tendering.days_electronic_all_documents
WE, THEY, OTHERS = "O-2222222", "O-3333333", "O-4444444"


def facts(**said: Any) -> Facts:
    return Facts(**{"supplier": WE, "value_minor": 100_000_00, "estimate_minor": 100_000_00, **said})


def bids(*each: tuple[str, int] | tuple[str, int, bool]) -> dict[str, Any]:
    return {"bids": [BidFact(*one) for one in each]}


def days(number: int, more: timedelta = timedelta(0)) -> dict[str, Any]:
    return {"published_at": given.TODAY, "closes_at": given.TODAY + timedelta(days=number) + more}


def changes(*each: tuple[str, int] | tuple[str, int, int]) -> dict[str, Any]:
    """What changes on these grounds added in pounds (and days) to a contract first signed for £100,000 and a year."""
    first = rules.Signed(Money(100_000_00), date(2027, 1, 1), date(2027, 12, 31), "")
    made = [rules.Earlier(one[0], one[1] * 100, one[2] if len(one) > 2 else 0) for one in each]
    used = [rules.allowance(first, made, limit, "goods-services") for limit in rules.KINDS_OF_LIMIT]
    return {"signed_minor": first.value.minor, "allowances": used}


TRUTH: list[tuple[str, dict[str, Any], bool]] = [
    ("single-bid", bids((WE, 10)), True),
    ("single-bid", bids((WE, 10), (THEY, 11)), False),
    ("single-bid", {}, False),
    ("short-tendering", days(LEAST - 1), True),
    ("short-tendering", days(LEAST, timedelta(seconds=-1)), True),
    ("short-tendering", days(LEAST), False),
    ("short-tendering", {"closes_at": given.TODAY}, False),
    ("waiver", {"ground": "waiver"}, True),
    ("waiver", {"ground": "exercise"}, False),
    ("over-estimate", {"value_minor": 130_000_00}, True),
    ("over-estimate", {"value_minor": 129_999_99}, False),
    ("over-estimate", {"estimate_minor": 0}, False),
    ("only-winner-valid", bids((WE, 10), (THEY, 9, True), (OTHERS, 8, True)), True),
    ("only-winner-valid", bids((WE, 10), (THEY, 9, True), (OTHERS, 8)), False),
    ("only-winner-valid", bids((WE, 10)), False),
    ("lowest-excluded", {"price_only": True, **bids((WE, 10), (THEY, 9, True))}, True),
    ("lowest-excluded", {"price_only": True, **bids((WE, 10), (THEY, 11, True))}, False),
    ("lowest-excluded", {"price_only": False, **bids((WE, 10), (THEY, 9, True))}, False),
    ("many-excluded", bids((WE, 1), (THEY, 2, True), (OTHERS, 3, True), ("O-5555555", 4, True)), True),
    ("many-excluded", bids((WE, 1), (THEY, 2, True), (OTHERS, 3, True)), False),
    ("many-excluded", bids(*((WE, n) for n in range(4)), *((THEY, n, True) for n in range(3))), False),
    ("identical-prices", bids((WE, 10), (THEY, 10)), True),
    ("identical-prices", bids((WE, 10), (WE, 10)), False),
    ("identical-prices", bids((WE, 10), (THEY, 11)), False),
    ("identical-prices", bids((WE, 0), (THEY, 0)), False),
    ("heavy-discount", bids((WE, 70), (THEY, 100)), True),
    ("heavy-discount", bids((WE, 71), (THEY, 100)), False),
    ("heavy-discount", bids((WE, 70), (THEY, 75, True), (OTHERS, 100)), True),
    ("heavy-discount", bids((WE, 70)), False),
    ("changed", {"changes": 1}, True),
    ("changed", {"changes": 0}, False),
    ("changes-near-limit", changes(("additional", 25_000), ("known-risk", 15_000)), True),
    ("changes-near-limit", changes(("additional", 25_000), ("known-risk", 14_999)), False),
    ("changes-near-limit", changes(("below-threshold", 8_000)), True),
    ("changes-near-limit", changes(("below-threshold", 7_999)), False),
    ("changes-near-limit", changes(("not-substantial", 0, 29)), True),
    ("changes-near-limit", changes(("not-substantial", 0, 28), ("urgency", 0, 400)), False),
    ("changes-near-limit", {}, False),
    ("changes-without-limit", changes(("provided-for", 30_000), ("urgency", 20_001)), True),
    ("changes-without-limit", changes(("provided-for", 30_000), ("urgency", 20_000), ("additional", 9)), False),
    ("changes-without-limit", {}, False),
    ("repeated-winner", {"with_this_supplier": 3, "of_this_buyer": 6}, True),
    ("repeated-winner", {"with_this_supplier": 3, "of_this_buyer": 7}, False),
    ("repeated-winner", {"with_this_supplier": 2, "of_this_buyer": 2}, False),
]


@pytest.mark.parametrize(("code", "said", "up"), TRUTH)
def test_a_flag_is_up_exactly_when_its_facts_say_so(code: str, said: dict[str, Any], up: bool) -> None:
    assert (code in {each.code for each in flags.raised(facts(**said))}) is up


def test_every_flag_is_tried_both_ways_and_says_what_it_means() -> None:
    for each in flags.FLAGS:
        assert {up for code, _, up in TRUTH if code == each.code} == {True, False}, each.code
        assert len(each.norm) > 40
        assert each.source
    assert len({each.code for each in flags.FLAGS}) == len(flags.FLAGS)


def test_a_raised_flag_names_the_numbers_that_raised_it() -> None:
    said = facts(value_minor=150_000_00, **bids((WE, 150_000_00), (THEY, 150_000_00)))
    sentences = {each.code: each.says for each in flags.raised(said)}
    assert sentences["over-estimate"] == "£150,000 is 50% above the estimate of £100,000."
    assert "£150,000" in sentences["identical-prices"]
