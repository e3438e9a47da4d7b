"""What a budget must be before it is proposed, approved, changed, named and counted against: truth tables, without a database."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from market.budgets import rules
from market.budgets.tables import BudgetLine, Listed
from market.hands.rules import Doing, Hand, Link
from market.refusals import refusals
from tests import given

TODAY = given.TODAY.date()


def budget(**facts: Any) -> Listed:
    """An approved budget of £1,000 with £300 promised."""
    stated = {
        "ref": "BU-1",
        "year": 2026,
        "currency": "GBP",
        "created_at": given.TODAY,
        "opened_at": given.TODAY,
        "amount_minor": 100_000,
        "reserved_minor": 20_000,
        "committed_minor": 10_000,
    }
    return given.facts(Listed, **{**stated, **facts})


@pytest.mark.parametrize(
    ("day", "year", "words"),
    [
        (date(2026, 3, 31), 2025, "2025/26"),
        (date(2026, 4, 1), 2026, "2026/27"),
        (date(2026, 12, 31), 2026, "2026/27"),
        (date(2027, 3, 31), 2026, "2026/27"),
        (date(2100, 1, 1), 2099, "2099/00"),
    ],
)
def test_a_financial_year_begins_on_the_first_of_april(day: date, year: int, words: str) -> None:
    assert rules.year_of(day) == year
    assert rules.year_words(year) == words
    assert rules.first_day(year) <= day <= rules.last_day(year)


@pytest.mark.parametrize(
    ("row", "kind", "amount", "year", "codes"),
    [
        pytest.param(None, "open", 1, 2026, [], id="this year"),
        pytest.param(None, "open", 1, 2029, [], id="three years ahead"),
        pytest.param(None, "open", 1, 2030, ["budget.year-wrong"], id="four years ahead"),
        pytest.param(None, "open", 1, 2025, ["budget.year-wrong"], id="a year that is over"),
        pytest.param(None, "open", 0, 2026, ["budget.sum-missing"], id="no sum"),
        pytest.param(None, "open", -5, 2026, ["budget.sum-missing"], id="a negative sum"),
        pytest.param({}, "raise", 1, 2026, [], id="raised"),
        pytest.param({}, "raise", -1, 2026, ["budget.sum-missing"], id="raised by less than nothing"),
        pytest.param({}, "close", 1, 2026, ["budget.sum-missing"], id="closed with a sum"),
        pytest.param({}, "close", 0, 2026, [], id="closed"),
        pytest.param({}, "lower", 70_000, 2026, [], id="lowered to what is promised"),
        pytest.param({}, "lower", 70_001, 2026, ["budget.below-taken"], id="lowered below it"),
        pytest.param({"waiting": "BL-1"}, "raise", 1, 2026, ["budget.line-waits"], id="another change waits"),
        pytest.param({"closed_at": given.TODAY}, "raise", 1, 2026, ["budget.not-open"], id="raised when closed"),
        pytest.param({"opened_at": None}, "raise", 1, 2026, ["budget.not-open"], id="raised before it was approved"),
        pytest.param({"year": 2024}, "close", 0, 2024, [], id="an old one is closed"),
    ],
)
def test_what_may_be_proposed(row: dict[str, Any] | None, kind: str, amount: int, year: int, codes: list[str]) -> None:
    facts = rules.Proposing(None if row is None else budget(**row), kind, amount, year, TODAY)
    assert [each.code for each in refusals(rules.PROPOSE, facts)] == codes


ANNA, BEN, CARL = (Hand("propose-budget", f"P-{name}", name) for name in ("Anna", "Ben", "Carl"))
SOON = given.TODAY + timedelta(days=30)


@pytest.mark.parametrize(
    ("asking", "links", "line", "codes"),
    [
        pytest.param(BEN, [], {}, [], id="another person"),
        pytest.param(ANNA, [], {}, ["budget.same-person"], id="the same person"),
        pytest.param(BEN, [Link("P-Anna", "P-Ben", SOON)], {}, ["budget.one-pair-of-hands"], id="whom she let in"),
        pytest.param(
            BEN,
            [Link("P-Carl", "P-Ben", SOON), Link("P-Carl", "P-Anna", SOON)],
            {},
            ["budget.one-pair-of-hands"],
            id="two mailboxes of one",
        ),
        pytest.param(BEN, [], {"approved_at": given.TODAY}, ["budget.decided"], id="approved already"),
        pytest.param(BEN, [], {"left_at": given.TODAY}, ["budget.decided"], id="left already"),
        pytest.param(BEN, [], {"kind": "lower", "amount_minor": 70_000}, [], id="lowered to what is promised"),
        pytest.param(BEN, [], {"kind": "lower", "amount_minor": 70_001}, ["budget.taken-since"], id="below it"),
    ],
)
def test_who_may_approve_what(asking: Hand, links: list[Link], line: dict[str, Any], codes: list[str]) -> None:
    row = given.row(BudgetLine, **{"kind": "raise", "amount_minor": 1, "approved_at": None, "left_at": None, **line})
    doing = Doing("approve-budget", asking.person, [ANNA], links)
    assert [each.code for each in refusals(rules.APPROVE, rules.Deciding(budget(), row, doing))] == codes


class Draft:
    """What is published, as far as its budget goes."""

    def __init__(self, naming: rules.Naming) -> None:
        self.naming = naming


@pytest.mark.parametrize(
    ("row", "needed", "day", "codes"),
    [
        pytest.param({}, 70_000, TODAY, [], id="enough to the penny"),
        pytest.param({}, 70_001, TODAY, ["budget.too-small"], id="a penny short"),
        pytest.param(None, 0, TODAY, ["budget.missing"], id="none"),
        pytest.param({"body": 2}, 1, TODAY, ["budget.other-body"], id="of another body"),
        pytest.param({"opened_at": None}, 1, TODAY, ["budget.not-approved"], id="not approved"),
        pytest.param({"closed_at": given.TODAY}, 1, TODAY, ["budget.not-approved"], id="closed"),
        pytest.param({"currency": "EUR"}, 1, TODAY, ["budget.other-currency"], id="another currency"),
        pytest.param({}, 1, date(2027, 3, 31), [], id="on the last day of its year"),
        pytest.param({}, 1, date(2027, 4, 1), ["budget.year-over"], id="the day after"),
        pytest.param({"year": 2027}, 1, TODAY, [], id="of the next year"),
    ],
)
def test_what_may_be_named_for_publication(
    row: dict[str, Any] | None, needed: int, day: date, codes: list[str]
) -> None:
    named = None if row is None else budget(**{"body": 1, **row})
    spending = Draft(rules.Naming(named, 1, "GBP", needed, day))
    assert [each.code for each in refusals(rules.NAMED, spending)] == codes


@pytest.mark.parametrize(
    ("row", "more", "codes"),
    [
        ({}, 70_000, []),
        ({}, 70_001, ["budget.not-enough"]),
        ({}, 10**15, ["budget.not-enough"]),
        ({}, -10, []),
        ({"reserved_minor": 200_000}, 0, []),
        ({"closed_at": given.TODAY}, 1, ["budget.closed-since"]),
        ({"closed_at": given.TODAY}, 0, []),
    ],
)
def test_nothing_is_promised_that_is_not_there(row: dict[str, Any], more: int, codes: list[str]) -> None:
    assert [each.code for each in refusals(rules.GROW, rules.Growing(budget(**row), more))] == codes


@pytest.mark.parametrize(
    ("row", "stage"),
    [
        ({"opened_at": None}, "proposed"),
        ({}, "open"),
        ({"year": 2025}, "over"),
        ({"closed_at": given.TODAY}, "closed"),
    ],
)
def test_where_a_budget_stands(row: dict[str, Any], stage: str) -> None:
    assert rules.standing(budget(**row), TODAY).stage == stage
