"""What a tender is worth where the law asks: kinds of contract, VAT, thresholds, and the gate below them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from market import policy
from market.budgets.rules import with_vat
from market.money import Money
from market.tenders import cpv, gate, rules, value
from market.tenders.facts import Candidate, Evidence, Lot, Tender
from tests import given

SOFTWARE, ROADS, INTERPRETERS, BUS = "48000000", "45233140", "79540000", "60112000"
CARE = "85311000"


def candidate(
    *values: int, tier: str = "central", kind: str = "goods-services", codes: Sequence[str] = (SOFTWARE,), **facts: Any
) -> Candidate:
    """A tender of lots of these values, without VAT, in pence."""
    said = {"id": 7, "ref": "T-TEST", "currency": "GBP", "buyer_tier": tier, "buyer_name": "Roads", **facts}
    lots = [
        given.facts(Lot, id=number, number=number, cpv=list(codes), value_minor=each)
        for number, each in enumerate(values, 1)
    ]
    return Candidate(given.facts(Tender, contract_kind=kind, **said), given.TODAY, lots, {}, (), (), (), given.naming())


@pytest.mark.parametrize(("without", "with_"), [(0, 0), (100, 120), (1, 2), (11_251_500, 13_501_800), (333, 400)])
def test_vat_is_added_and_rounded_up(without: int, with_: int) -> None:
    assert with_vat(without) == with_


@pytest.mark.parametrize(
    ("tier", "kind", "threshold"),
    [
        ("central", "goods-services", 13_501_800),
        ("local", "goods-services", 20_772_000),
        ("sub-central", "goods-services", 20_772_000),
        ("health", "goods-services", 20_772_000),
        ("other", "goods-services", 20_772_000),
        ("central", "works", 519_300_000),
        ("local", "works", 519_300_000),
        ("central", "light-touch", 66_354_000),
        ("central", "concession", 519_300_000),
        ("local", "utilities", 41_544_000),
    ],
)
def test_each_kind_of_contract_has_the_threshold_of_the_act(tier: str, kind: str, threshold: int) -> None:
    assert policy.IN_FORCE.thresholds.binding(tier, kind) == threshold


def test_every_kind_that_a_tender_may_say_has_a_threshold() -> None:
    for kind in value.kinds():
        assert policy.IN_FORCE.thresholds.binding("central", kind) > 0
    assert [value.kind_label(kind) for kind in ("works", "of-another-law")] == ["Works", "of-another-law"]


@pytest.mark.parametrize(
    ("situation", "ground"),
    [
        pytest.param(candidate(400_00, codes=[INTERPRETERS]), "below-threshold", id="an interpreter for £400"),
        pytest.param(candidate(11_251_499), "below-threshold", id="a penny under, with VAT"),
        pytest.param(candidate(11_251_500), None, id="the threshold itself, with VAT"),
        pytest.param(candidate(13_000_000), None, id="under it only without VAT"),
        pytest.param(candidate(6_000_000, 6_000_000), None, id="lots are added up"),
        pytest.param(candidate(), None, id="no lot says what it is worth"),
        pytest.param(candidate(100_00, 0), None, id="one lot does not say what it is worth"),
        pytest.param(candidate(400_00, kind=""), None, id="no kind of contract"),
        pytest.param(candidate(400_00, kind="barter"), None, id="a kind that is not on the list"),
        pytest.param(candidate(400_00, currency="EUR"), None, id="another currency than the law's"),
        pytest.param(
            candidate(300_000_000, kind="works", codes=[ROADS]), "below-threshold", id="works of £3.6 million"
        ),
        pytest.param(candidate(300_000_000, kind="works"), None, id="software that is called works"),
        pytest.param(candidate(300_000_000, kind="works", codes=[ROADS, SOFTWARE]), None, id="software beside works"),
        pytest.param(candidate(50_000_000, kind="light-touch", codes=[CARE]), "below-threshold", id="care"),
        pytest.param(candidate(50_000_000, kind="light-touch"), None, id="software that is called light touch"),
        pytest.param(candidate(30_000_000, kind="utilities", codes=[BUS]), None, id="a department as a utility"),
        pytest.param(candidate(300_000_000, kind="concession"), None, id="a concession without a reason"),
        pytest.param(
            candidate(300_000_000, kind="concession", contract_kind_reason="Users pay the operator at the gate."),
            "below-threshold",
            id="a concession that says why",
        ),
        pytest.param(candidate(50_000_000, tier="local"), "not-central", id="whom the rule does not bind"),
    ],
)
def test_below_the_threshold_the_gate_opens_and_at_it_no_more(situation: Candidate, ground: str | None) -> None:
    found = gate.ask(situation)
    assert found.ground == ground
    assert (rules.innovation_first(situation) is None) == (ground is not None)
    assert [line.code for line in found.lines][:2] == (
        ["central"] if situation.tender.buyer_tier == "local" else ["central", "value"]
    )


def test_the_ground_is_stated_with_the_sum_that_includes_vat() -> None:
    (line,) = [line for line in gate.ask(candidate(400_00, codes=[INTERPRETERS])).lines if line.code == "value"]
    assert line.holds
    assert line.says == "With 20% VAT it is worth £480, below the threshold of £135,018 for goods or services."
    above = value.worth(candidate(50_000_000_00))
    assert (above.total, above.threshold, above.below) == (Money(60_000_000_00), Money(13_501_800), False)


def test_a_small_purchase_that_names_its_exercise_keeps_that_ground() -> None:
    exercise = given.facts(
        Evidence,
        ground="exercise",
        reference="CH-1",
        kin=True,
        cpv=[SOFTWARE],
        completed_at=given.TODAY,
        outcome="go",
        follow_on_minor=400_00,
        follow_on_currency="GBP",
        payer=0,
    )
    small = candidate(400_00, exercise="CH-1", same_need=given.SAME)
    found = gate.ask(Candidate(small.tender, small.now, small.lots, {}, (), [exercise], (), given.naming()))
    assert (found.ground, found.reference) == ("exercise", "CH-1")


@pytest.mark.parametrize(
    ("situation", "words"),
    [
        (candidate(1, kind="works"), "put what is of another kind into a tender of its own"),
        (candidate(1, kind="utilities", codes=[BUS]), "not for central government"),
        (candidate(1, kind="utilities", codes=[BUS], tier="local"), "The reason is published"),
        (
            candidate(1, kind="light-touch", codes=[CARE, SOFTWARE]),
            "Software package and information systems (48000000)",
        ),
    ],
)
def test_a_kind_that_does_not_fit_is_refused_and_says_why(situation: Candidate, words: str) -> None:
    refused = rules.kind_fits_the_codes(situation)
    assert refused is not None
    assert (refused.code, refused.field) == ("tender.kind-wrong", "contract_kind")
    assert words in refused.reason


def test_the_codes_of_every_kind_are_in_the_vocabulary() -> None:
    for kind in value.kinds().values():
        for start in kind.codes:
            assert cpv.known(start.ljust(8, "0")), start


@pytest.mark.parametrize(
    ("own", "alike", "below", "near"),
    [
        (400_00, 0, True, False),
        (400_00, 11_211_499, True, True),
        (400_00, 11_211_500, False, False),
        (10_126_349, 0, True, False),
        (10_126_350, 0, True, True),
        (11_251_500, 0, False, False),
    ],
)
def test_like_purchases_are_added_up_and_near_misses_are_seen(own: int, alike: int, below: bool, near: bool) -> None:
    found = value.worth(candidate(own, alike_minor=alike))
    assert (found.below, found.near) == (below, near)
    assert found.total == Money(with_vat(own))
