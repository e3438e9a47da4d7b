"""The policy file: complete, typed, sourced, and its document current."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import yaml

from market import policy

ROOT = Path(__file__).resolve().parents[2]


def test_the_document_of_the_numbers_is_current() -> None:
    assert (ROOT / "docs" / "policy.md").read_text(encoding="utf-8") == policy.as_markdown(), (
        "run: python -m market.policy > docs/policy.md"
    )


@pytest.mark.parametrize("name", policy.numbers())
def test_every_number_has_a_law_or_says_that_it_is_our_own(name: str) -> None:
    entry = policy.number(name)
    laws = ("Procurement Act 2023", "Value Added Tax Act 1994", "Recommendation 2003/361/EC", "Own default")
    assert entry.source.startswith(laws)
    assert entry.says.endswith(".")
    assert entry.unit


@pytest.mark.parametrize(
    ("name", "value"),
    [
        pytest.param("award.standstill_working_days", 8, id="standstill, section 51(2)"),
        pytest.param("tendering.days_electronic_all_documents", 25, id="tendering period, section 54"),
        pytest.param("tendering.days_after_planned_notice", 10, id="after a planned notice, section 54"),
        pytest.param("payments.terms_days", 30, id="payment terms, section 68"),
        pytest.param("contracts.kpi_minimum", 3, id="key performance indicators, section 52"),
        pytest.param("contracts.change_term_percent", 10, id="substantial change of the term, section 74(3)(a)"),
        pytest.param("contracts.change_percent", 10, id="small changes of goods and services, section 74(4)(a)(i)"),
        pytest.param("contracts.change_works_percent", 15, id="small changes of works, section 74(4)(a)(ii)"),
        pytest.param("contracts.change_grounds_percent", 50, id="grounds with a limit, Schedule 8"),
        pytest.param("contracts.change_standstill_working_days", 8, id="voluntary standstill, section 76(2)"),
    ],
)
def test_the_numbers_of_the_act(name: str, value: int) -> None:
    assert policy.number(name).value == value
    assert not policy.number(name).own


def test_a_choice_of_ours_is_never_passed_off_as_law() -> None:
    assert policy.number("payments.pitch_fee_days").own
    assert policy.number("gate.exercise_valid_months").own


@pytest.mark.parametrize(
    ("electronic", "documents", "planned", "urgent", "days"),
    [
        pytest.param(True, True, False, False, 25, id="electronic with all documents"),
        pytest.param(True, False, False, False, 30, id="electronic, documents later"),
        pytest.param(False, True, False, False, 30, id="on paper with all documents"),
        pytest.param(False, False, False, False, 35, id="neither"),
        pytest.param(False, False, True, False, 10, id="after a qualifying planned notice"),
        pytest.param(True, True, False, True, 10, id="urgent"),
    ],
)
def test_the_shortest_tendering_period(
    electronic: bool, documents: bool, planned: bool, urgent: bool, days: int
) -> None:
    found = policy.IN_FORCE.tendering.minimum_days(
        electronic=electronic, all_documents=documents, planned_notice=planned, urgent=urgent
    )
    assert found == days


@pytest.mark.parametrize(("lots", "limit"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (10, 5)])
def test_half_of_the_lots_rounded_up_to_one_supplier(lots: int, limit: int) -> None:
    assert policy.IN_FORCE.award.lots_limit(lots) == limit


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda t: t["award"].pop("standstill_working_days"), id="a missing number"),
        pytest.param(lambda t: t["award"]["claims_days"].update(value="thirty"), id="a word for a number"),
        pytest.param(lambda t: t["award"].update(clams_days=t["award"]["claims_days"]), id="a misspelt number"),
        pytest.param(lambda t: t["award"]["claims_days"].pop("source"), id="a number without source"),
    ],
)
def test_a_broken_policy_file_is_refused(change: object, tmp_path: Path) -> None:
    tree = yaml.safe_load((policy.REFERENCE / "policy.yaml").read_text(encoding="utf-8"))
    change(tree)  # type: ignore[operator]
    broken = tmp_path / "policy.yaml"
    broken.write_text(yaml.safe_dump(tree), encoding="utf-8")
    with pytest.raises(msgspec.ValidationError):
        policy.load(broken)


def test_money_is_shown_as_money() -> None:
    assert str(policy.number("thresholds.central")) == "£135,018"
    assert str(policy.number("small_firms_eu.turnover_at_most")) == "€50,000,000"
    assert str(policy.number("bids.file_bytes")) == "25 MiB"
