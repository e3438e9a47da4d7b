"""The policy file: complete, typed, sourced, and its document current."""

from __future__ import annotations

import ast
from pathlib import Path

import msgspec
import pytest
import yaml

from market import applied, policy
from market.applied import applied_by

ROOT = Path(__file__).resolve().parents[2]


def test_the_document_of_the_numbers_is_current() -> None:
    assert (ROOT / "docs" / "policy.md").read_text(encoding="utf-8") == policy.as_markdown(), (
        "run: python -m market.policy > docs/policy.md"
    )


@pytest.mark.parametrize("name", policy.numbers())
def test_every_number_has_a_law_or_says_that_it_is_our_own(name: str) -> None:
    entry = policy.number(name)
    laws = (
        "Procurement Act 2023",
        "Interpretation Act 1978",
        "Value Added Tax Act 1994",
        "Recommendation 2003/361/EC",
        "Own default",
    )
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


APPLIED = applied_by()
HEAD = {"jurisdiction"}
"""Names the law that the numbers come from, and is none."""


@pytest.mark.parametrize("name", sorted(set(policy.numbers()) - HEAD))
def test_every_number_is_applied_by_a_rule_or_an_act(name: str) -> None:
    assert APPLIED.get(name), f"{name} is read by nothing: apply it, or take it out of the policy file"


def test_the_code_reads_no_number_that_the_policy_does_not_have() -> None:
    """Small firms of the Kingdom have no finer classes; the shape has a place for them all the same."""
    finer = {f"small_firms_uk.{each.name}" for each in msgspec.structs.fields(policy.SmallFirms) if not each.required}
    assert set(APPLIED) <= set(policy.numbers()) | finer


def test_a_number_that_is_only_shown_is_not_applied() -> None:
    groups, methods = {"award": "Award"}, {("Award", "limit"): {"share"}}

    def found(text: str) -> dict[str, set[str]]:
        functions = applied._of_module(ast.parse(text), "market/x.py", groups, methods)
        return {function.name: function.reads for function in functions}

    assert found("def a():\n    return policy.IN_FORCE.award.days") == {"a": {"award.days"}}
    assert found("def a():\n    b = policy.IN_FORCE.award\n    return b.days") == {"a": {"award.days"}}
    assert found("def a():\n    return policy.IN_FORCE.award.limit(2)") == {"a": {"award.share"}}
    assert found("LEAST = policy.IN_FORCE.award.days\ndef a():\n    return LEAST") == {"a": {"award.days"}}
    assert found("def a(limits: policy.Award):\n    return limits.days") == {"a": {"award.days"}}
    assert found("def a():\n    return policy.IN_FORCE.award") == {"a": set()}


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
    assert str(policy.number("bids.envelope_bytes")) == "100 MiB"
