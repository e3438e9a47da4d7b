"""The limits of contract changes, on rows in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from market import policy
from market.arrival import Arrival
from market.contracts.changes import rules
from market.contracts.changes.rules import GROUNDS, Earlier
from market.contracts.rules import Part
from market.contracts.tables import Contract, ContractChange
from market.hands import rules as hands
from market.money import Money
from market.refusals import Refusal, refusals
from market.tenders.gate import Gate, Line
from tests import given

NOW = Arrival(datetime(2027, 3, 1, 9, tzinfo=UTC))
FIRST, LAST = date(2027, 1, 1), date(2027, 12, 31)
"""365 days: the end may move by 36 of them."""
IN_FORCE = given.row(Contract, begins_on=FIRST, ends_on=LAST, buyer_signed_at=NOW, supplier_signed_at=NOW)
HALF = given.row(Contract, begins_on=FIRST, ends_on=LAST, buyer_signed_at=NOW)
ENDED = given.row(Contract, begins_on=FIRST, ends_on=LAST, buyer_signed_at=NOW, supplier_signed_at=NOW, ended_at=NOW)
OVER = given.row(Contract, begins_on=FIRST, ends_on=date(2027, 2, 27), buyer_signed_at=NOW, supplier_signed_at=NOW)
CLAUSE = "The buyer may order up to forty more gullies at the price of the first."
SIGNED = rules.Signed(Money(71_400_00), FIRST, LAST, f"Readings are public.  {CLAUSE}\nNothing else.")
WHY = "The sensors of another maker would not speak with those that are fitted, and all would be paid for twice."
PASSES = Gate("exercise", "CH-1", ())
CLOSED = Gate(None, "", (Line("waiver", False, "W-1 was signed for £80,000; the lots are now £91,400."),))
CHANGING = rules.Changing(
    contract=IN_FORCE,
    signed=SIGNED,
    earlier=(),
    waiting=False,
    ground="additional",
    text="A reason that somebody can check.",
    reasons=WHY,
    clause="",
    same=True,
    standstill=False,
    new_ends_on=None,
    added=None,
    notice=f"Sensors in gullies. {CLAUSE} The road at Toll Bar may be closed by floods.",
    kind="goods-services",
    threshold=Money(policy.IN_FORCE.thresholds.sub_central),
    gate=None,
    now=NOW,
)


def part(pounds: int, title: str = "Part", due: date | None = LAST) -> Part:
    return Part(title, due, pounds * 100)


def codes(found: list[Refusal]) -> list[str]:
    return [each.code for each in found]


def found(**facts: Any) -> list[str]:
    return codes(refusals(rules.CHANGE, replace(CHANGING, **facts)))


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="a change in words"),
        pytest.param({"new_ends_on": date(2029, 1, 1), "added": part(5)}, [], id="with a new end and a milestone"),
        pytest.param({"contract": HALF}, ["change.not-in-force"], id="not before it is in force"),
        pytest.param({"contract": ENDED}, ["change.not-in-force"], id="not after it was ended"),
        pytest.param({"contract": OVER}, ["change.not-in-force"], id="not after its last day"),
        pytest.param({"waiting": True}, ["change.one-at-a-time"], id="one at a time"),
        pytest.param({"ground": "because"}, ["change.ground-unknown"], id="on a ground in law"),
        pytest.param({"text": "More."}, ["change.text-missing"], id="in words"),
        pytest.param({"reasons": "It is."}, ["change.reasons-missing"], id="with reasons for the ground"),
        pytest.param({"new_ends_on": FIRST}, ["change.dates"], id="not ending as it begins"),
        pytest.param({"added": part(0)}, ["change.milestone-incomplete"], id="with a whole milestone"),
        pytest.param({"same": False}, [], id="additional work may be of another kind"),
        pytest.param({"ground": "urgency", "same": False}, [], id="and so may what is urgent"),
    ],
)
def test_proposing(facts: dict[str, Any], expected: list[str]) -> None:
    assert found(**facts) == expected


@pytest.mark.parametrize("ground", [code for code, row in GROUNDS.items() if row.same])
def test_the_nature_of_the_contract_stays_where_the_ground_asks_for_it(ground: str) -> None:
    assert "change.nature" in found(ground=ground, same=False, clause=CLAUSE)
    assert found(ground=ground, clause=CLAUSE) == []


@pytest.mark.parametrize(
    ("ground", "clause", "holds"),
    [
        ("provided-for", CLAUSE, True),
        ("provided-for", "  the BUYER may order up to\nforty more gullies", True),
        ("provided-for", "", False),
        ("provided-for", "more gullies", False),
        ("provided-for", "The buyer may order whatever it likes, as often as it likes.", False),
        ("provided-for", "The road at Toll Bar may be closed by floods.", False),
        ("known-risk", "The road at Toll Bar may be closed by floods.", True),
        ("known-risk", "The road at Long Street may be closed by floods.", False),
        ("known-risk", "", False),
        ("unforeseeable", "", True),
    ],
)
def test_what_a_change_relies_on_is_quoted_from_contract_and_tender(ground: str, clause: str, holds: bool) -> None:
    assert ("change.clause-missing" not in found(ground=ground, clause=clause)) is holds


def test_words_of_the_contract_that_the_tender_never_had_are_no_ground() -> None:
    assert found(ground="provided-for", clause=CLAUSE, notice="Sensors in gullies.") == ["change.clause-missing"]


@pytest.mark.parametrize(
    ("ground", "kind", "pounds", "expected"),
    [
        ("additional", "goods-services", 35_700, []),
        ("additional", "goods-services", 35_701, ["change.half"]),
        ("unforeseeable", "works", 35_700, []),
        ("unforeseeable", "works", 35_701, ["change.half"]),
        ("known-risk", "goods-services", 35_701, ["change.half"]),
        ("additional", "utilities", 35_701, []),
        ("below-threshold", "goods-services", 7_140, []),
        ("below-threshold", "goods-services", 7_141, ["change.small"]),
        ("below-threshold", "works", 10_710, []),
        ("below-threshold", "works", 10_711, ["change.small"]),
        ("not-substantial", "goods-services", 7_140, []),
        ("not-substantial", "goods-services", 7_141, ["change.small"]),
        ("provided-for", "goods-services", 35_700, []),
        ("provided-for", "goods-services", 35_701, ["change.standstill-owed"]),
        ("urgency", "goods-services", 500_000, []),
        ("below-threshold", "goods-services", 100_000_000, ["change.small", "change.threshold"]),
    ],
)
def test_how_much_each_ground_may_add(ground: str, kind: str, pounds: int, expected: list[str]) -> None:
    clause = "The road at Toll Bar may be closed by floods." if ground == "known-risk" else CLAUSE
    assert found(ground=ground, kind=kind, added=part(pounds), clause=clause) == expected


def test_a_large_increase_that_was_provided_for_passes_with_a_standstill() -> None:
    assert found(ground="provided-for", clause=CLAUSE, added=part(90_000), standstill=True) == []
    grown = (Earlier("provided-for", 30_000_00, 0),)
    assert found(ground="provided-for", clause=CLAUSE, added=part(6_000), earlier=grown) == ["change.standstill-owed"]


def test_ten_changes_of_nine_per_cent_are_one_of_ninety() -> None:
    nine = 6_426
    assert found(ground="below-threshold", added=part(nine)) == []
    once = [Earlier("below-threshold", nine * 100, 0)]
    assert found(ground="below-threshold", added=part(nine), earlier=once) == ["change.small"]
    assert found(ground="not-substantial", added=part(nine), earlier=once) == ["change.small"], "nor by its other name"


def test_half_is_half_on_whichever_of_the_three_grounds() -> None:
    before = [Earlier("unforeseeable", 30_000_00, 0)]
    assert found(ground="additional", added=part(5_700), earlier=before) == []
    assert found(ground="additional", added=part(5_701), earlier=before) == ["change.half"]
    risk = "The road at Toll Bar may be closed by floods."
    assert found(ground="known-risk", clause=risk, added=part(5_701), earlier=before) == ["change.half"]


def test_the_basis_is_what_was_first_signed_and_not_what_changes_made_of_it() -> None:
    grown = given.row(
        Contract,
        begins_on=FIRST,
        ends_on=LAST,
        buyer_signed_at=NOW,
        supplier_signed_at=NOW,
        value_minor=107_100_00,
    )
    before = [Earlier("additional", 35_700_00, 0)]
    assert found(contract=grown, earlier=before, added=part(1)) == ["change.half"]


@pytest.mark.parametrize("ground", ["not-substantial", "below-threshold"])
def test_the_end_moves_by_a_tenth_of_the_term_and_not_twice(ground: str) -> None:
    last = LAST + timedelta(days=36)
    assert found(ground=ground, new_ends_on=last) == []
    assert found(ground=ground, new_ends_on=last + timedelta(days=1)) == ["change.term"]
    assert found(ground=ground, new_ends_on=LAST - timedelta(days=36)) == []
    assert found(ground=ground, new_ends_on=LAST - timedelta(days=37)) == ["change.term"]
    longer = given.row(Contract, begins_on=FIRST, ends_on=last, buyer_signed_at=NOW, supplier_signed_at=NOW)
    for earlier in GROUNDS:
        again = found(
            ground=ground, contract=longer, new_ends_on=last + timedelta(days=36), earlier=[Earlier(earlier, 0, 36)]
        )
        assert again == (["change.term"] if earlier in rules.sharing("small") else []), earlier


def test_what_was_added_below_the_threshold_stays_below_it_with_vat() -> None:
    large = replace(SIGNED, value=Money(10_000_000_00))
    facts = {"ground": "below-threshold", "signed": large}
    assert found(**facts, added=part(173_099)) == [], "£207,718.80 with VAT"
    assert found(**facts, added=part(173_100)) == ["change.threshold"], "£207,720, the threshold itself"
    before = [Earlier("below-threshold", 173_000_00, 0), Earlier("not-substantial", 100_000_00, 0)]
    assert found(**facts, added=part(99), earlier=before) == []
    assert found(**facts, added=part(100), earlier=before) == ["change.threshold"]
    assert found(**{**facts, "signed": replace(large, value=Money(10**9, "EUR"))}, added=part(1)) == [
        "change.threshold"
    ]


def test_the_whole_passes_the_gate_again_when_it_grows() -> None:
    assert found(added=part(20_000), gate=PASSES) == []
    refused = refusals(rules.CHANGE, replace(CHANGING, added=part(20_000), gate=CLOSED))
    assert codes(refused) == ["change.gate"]
    assert "W-1 was signed for £80,000" in refused[0].reason


@pytest.mark.parametrize(
    ("kept", "change", "person", "approve", "leave", "agree"),
    [
        (IN_FORCE, {}, 2, [], ["change.not-approved"], ["change.not-approved"]),
        (IN_FORCE, {}, 1, ["change.same-person"], ["change.not-approved"], ["change.not-approved"]),
        (IN_FORCE, {"approved_at": NOW}, 2, ["change.approved-already"], [], []),
        (
            IN_FORCE,
            {"approved_at": NOW, "standstill_ends_at": NOW},
            2,
            ["change.approved-already"],
            [],
            ["change.standstill"],
        ),
        (
            IN_FORCE,
            {"approved_at": NOW, "standstill_ends_at": NOW - timedelta(seconds=1)},
            2,
            ["change.approved-already"],
            [],
            [],
        ),
        (
            IN_FORCE,
            {"approved_at": NOW, "agreed_at": NOW},
            2,
            ["change.agreed-already", "change.approved-already"],
            ["change.agreed-already"],
            ["change.agreed-already"],
        ),
        (
            IN_FORCE,
            {"left_at": NOW},
            2,
            ["change.left-already"],
            ["change.left-already", "change.not-approved"],
            ["change.left-already", "change.not-approved"],
        ),
        (
            ENDED,
            {"approved_at": NOW},
            2,
            ["change.ended", "change.approved-already"],
            ["change.ended"],
            ["change.ended"],
        ),
    ],
)
def test_who_decides_about_a_change_and_when(
    kept: Contract, change: dict[str, Any], person: int, approve: list[str], leave: list[str], agree: list[str]
) -> None:
    facts = rules.Deciding(
        kept,
        given.row(ContractChange, by=1, **change),
        "supplier",
        hands.Doing("approve-change", f"P-{person}", [hands.Hand("propose-change", "P-1", "Maya")], []),
        NOW,
    )
    assert codes(refusals(rules.APPROVE, replace(facts, side="buyer"))) == approve
    assert codes(refusals(rules.LEAVE, facts)) == leave
    assert codes(refusals(rules.AGREE, facts)) == agree
    own = [each for each in leave if each != "change.not-approved"]
    assert codes(refusals(rules.LEAVE, replace(facts, side="buyer"))) == own, (
        "the buyer may take back what nobody approved"
    )


def test_what_is_used_of_a_limit_and_when_it_is_near() -> None:
    before = [Earlier("additional", 20_000_00, 10), Earlier("known-risk", 8_000_00, 0), Earlier("urgency", 1_00, 400)]
    half = rules.allowance(SIGNED, before, "half", "goods-services")
    assert (half.percent, half.most, half.used, half.left) == (
        50,
        Money(35_700_00),
        Money(28_000_00),
        Money(7_700_00),
    )
    assert not half.near
    assert rules.allowance(SIGNED, [*before, Earlier("additional", 560_00, 0)], "half", "goods-services").near
    small = rules.allowance(SIGNED, [Earlier("not-substantial", 0, 29)], "small", "works")
    assert (small.percent, small.days_most, small.days_used, small.near) == (15, 36, 29, True)
    free = rules.allowance(SIGNED, before, "none", "goods-services")
    assert (free.percent, free.most, free.left, free.used, free.near) == (None, None, None, Money(1_00), False)
    assert not rules.allowance(SIGNED, (), "small", "works").near, "nothing is near that nobody has begun to use"


def test_the_table_that_people_read_has_the_grounds_and_their_sources() -> None:
    text = (Path(__file__).parents[4] / "docs" / "decisions" / "contract-changes.md").read_text(encoding="utf-8")
    lines = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    assert list(lines) == list(GROUNDS)
    for code, ground in GROUNDS.items():
        percent = rules.percent_of(ground.limit, "goods-services")
        assert (f"{percent} per cent" if percent else "no limit in the Act") in lines[code], code
        assert ground.source.removeprefix("Procurement Act 2023 ").split(",")[0] in lines[code], code


def test_a_mailbox_that_the_proposer_let_in_lately_is_no_second_person() -> None:
    def deciding(*links: hands.Link) -> rules.Deciding:
        doing = hands.Doing("approve-change", "P-2", [hands.Hand("propose-change", "P-1", "Maya")], links)
        return rules.Deciding(IN_FORCE, given.row(ContractChange, by=1), "buyer", doing, NOW)

    assert refusals(rules.APPROVE, deciding()) == []
    link = hands.Link("P-1", "P-2", NOW + timedelta(days=9))
    assert codes(refusals(rules.APPROVE, deciding(link))) == ["change.one-pair-of-hands"]
