"""The rules of evaluation, decision and complaint, on rows in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from market.awards import rules
from market.awards.tables import Complained, Complaint, Decision, PriceQuestion, Seated
from market.refusals import Refusal, refusals
from market.tenders.tables import Tender
from tests import given

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OPEN = given.row(Tender, published_at=NOW, opened_at=NOW)
SEALED = given.row(Tender, published_at=NOW)
CANCELLED = given.row(Tender, published_at=NOW, opened_at=NOW, cancelled_at=NOW)
LONG = "A reason that somebody can check."


def codes(found: list[Refusal]) -> list[str]:
    return [each.code for each in found]


ASKED = given.row(PriceQuestion, asked_at=NOW, answer_by=NOW + timedelta(days=7))
ANSWERED = given.row(PriceQuestion, asked_at=NOW, answer_by=NOW + timedelta(days=7), answered_at=NOW)
PROFILED = given.row(Tender, published_at=NOW, opened_at=NOW, profile="council-api@1")
DECIDING = rules.Deciding(OPEN, False, (), ("B-1", "B-2"), "B-1", "Heron Ltd", "B-1", {}, LONG, NOW, (), None, None)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="the first is awarded"),
        pytest.param({"winner": ""}, [], id="or nobody"),
        pytest.param({"tender": CANCELLED}, ["award.tender-cancelled"], id="not a cancelled tender"),
        pytest.param({"tender": SEALED}, ["award.not-opened"], id="not sealed bids"),
        pytest.param({"decided": True}, ["award.decided-already"], id="not twice"),
        pytest.param(
            {"waiting": ["Name two."], "winner": "B-2"}, ["award.panel-incomplete"], id="not before the panel is done"
        ),
        pytest.param({"reasons": "Best."}, ["award.reasons-missing"], id="not without reasons"),
        pytest.param({"winner": "B-2"}, ["award.not-the-first"], id="not the second while the first stands"),
        pytest.param(
            {"winner": "B-2", "expected": "B-2", "set_aside": {"B-1": LONG}}, [], id="the next after a set-aside"
        ),
        pytest.param({"set_aside": {"B-2": "no"}}, ["award.set-aside-unreasoned"], id="a set-aside has a reason"),
        pytest.param({"set_aside": {"B-9": LONG}}, ["award.set-aside-unknown"], id="of this lot"),
        pytest.param(
            {"expected": "", "winner": "B-1"}, ["award.not-the-first"], id="nobody is left by the limit on lots"
        ),
        pytest.param({"winner": "B-9"}, ["award.not-the-first"], id="not a bid of another lot"),
        pytest.param(
            {"low": [rules.Low("B-1", None)]}, ["award.price-unexplained"], id="a low price was not asked about"
        ),
        pytest.param({"low": [rules.Low("B-1", ASKED)]}, ["award.price-unexplained"], id="or has time left to answer"),
        pytest.param({"low": [rules.Low("B-1", ANSWERED)]}, [], id="it was explained"),
        pytest.param(
            {"low": [rules.Low("B-1", ASKED)], "now": NOW + timedelta(days=8)}, [], id="or its time has passed"
        ),
        pytest.param({"tender": PROFILED, "certificate": ""}, [], id="the certificate is in force"),
        pytest.param(
            {"tender": PROFILED, "certificate": "It has expired."}, ["award.certificate-missing"], id="or is not"
        ),
        pytest.param({"certificate": "It has expired."}, [], id="no profile is asked for"),
        pytest.param({"tender": PROFILED, "certificate": "None.", "winner": ""}, [], id="nobody needs no certificate"),
    ],
)
def test_deciding(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(rules.DECIDE, replace(DECIDING, **facts))) == expected


END = NOW + timedelta(days=10)
STANDING = given.row(Decision, winner=1, standstill_ends_at=END)
GONE = given.row(Decision, winner=1, standstill_ends_at=END, set_aside_at=NOW)
CONTRACTED = given.row(Decision, winner=1, standstill_ends_at=END, contract="C-1")
COMPLAINING = rules.Complaining(STANDING, True, False, None, NOW)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="a bidder in standstill"),
        pytest.param({"now": END + timedelta(microseconds=999_999)}, [], id="in its last second"),
        pytest.param({"now": END + timedelta(seconds=1)}, ["complaint.too-late"], id="not a second later"),
        pytest.param({"bidder": False}, ["complaint.not-a-bidder"], id="nobody else"),
        pytest.param({"won": True}, ["complaint.won"], id="not the winner"),
        pytest.param({"decision": GONE}, ["complaint.decision-set-aside"], id="not about what has no effect"),
        pytest.param({"before": given.row(Complaint)}, ["complaint.lodged-already"], id="once"),
    ],
)
def test_complaining(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(rules.COMPLAIN, replace(COMPLAINING, **facts))) == expected


def test_a_late_complaint_is_told_about_the_courts() -> None:
    (refusal,) = refusals(rules.COMPLAIN, replace(COMPLAINING, now=END + timedelta(days=1)))
    assert "30 days" in refusal.reason


@pytest.mark.parametrize(
    ("decision", "complaint", "answer", "expected"),
    [
        (STANDING, given.row(Complaint), LONG, []),
        (STANDING, given.row(Complaint), "No.", ["complaint.answer-missing"]),
        (STANDING, given.row(Complaint, answered_at=NOW), LONG, ["complaint.answered-already"]),
        (GONE, given.row(Complaint), LONG, ["complaint.decision-gone"]),
    ],
)
def test_answering(decision: Decision, complaint: Complaint, answer: str, expected: list[str]) -> None:
    assert codes(refusals(rules.ANSWER, rules.Answering(decision, complaint, answer))) == expected


@pytest.mark.parametrize(
    ("decision", "reason", "expected"),
    [
        (STANDING, LONG, []),
        (STANDING, "", ["award.set-aside-reason-missing"]),
        (GONE, LONG, ["award.set-aside-already"]),
        (CONTRACTED, LONG, ["award.contracted"]),
    ],
)
def test_setting_aside(decision: Decision, reason: str, expected: list[str]) -> None:
    assert codes(refusals(rules.SET_ASIDE, rules.SettingAside(decision, reason))) == expected


@pytest.mark.parametrize(
    ("facts", "ask", "explain"),
    [
        (rules.Asking(OPEN, "Low.", False, None, LONG), [], ["price.not-asked"]),
        (rules.Asking(OPEN, None, False, None, LONG), ["price.not-low"], ["price.not-asked"]),
        (rules.Asking(OPEN, "Low.", False, ASKED, LONG), ["price.asked-already"], []),
        (rules.Asking(OPEN, "Low.", False, ASKED, ""), ["price.asked-already"], ["price.answer-missing"]),
        (rules.Asking(OPEN, "Low.", False, ANSWERED, LONG), ["price.asked-already"], ["price.answered-already"]),
        (
            rules.Asking(OPEN, "Low.", True, ASKED, LONG),
            ["price.lot-decided", "price.asked-already"],
            ["price.lot-decided"],
        ),
    ],
)
def test_asking_about_a_price_and_explaining_it(facts: rules.Asking, ask: list[str], explain: list[str]) -> None:
    assert codes(refusals(rules.ASK, facts)) == ask
    assert codes(refusals(rules.EXPLAIN, facts)) == explain


@pytest.mark.parametrize(
    ("tender", "owed", "undecided", "stage"),
    [
        (SEALED, (), 1, "sealed"),
        (CANCELLED, (), 1, "cancelled"),
        (OPEN, ("Name two.",), 0, "scoring"),
        (OPEN, (), 1, "ready"),
        (OPEN, (), 0, "decided"),
    ],
)
def test_where_an_evaluation_stands(tender: Tender, owed: tuple[str, ...], undecided: int, stage: str) -> None:
    assert rules.standing_of_evaluation(tender, owed, undecided).stage == stage


@pytest.mark.parametrize(
    ("said", "stage", "label"),
    [
        ({}, "sealed", "Closes"),
        ({"opened_at": NOW}, "declaring", "Opened"),
        ({"opened_at": NOW, "declared_at": NOW}, "marking", "Opened"),
        ({"opened_at": NOW, "declared_at": NOW, "locked_at": NOW}, "handed-in", "Opened"),
        ({"opened_at": NOW, "locked_at": NOW, "excused_at": NOW}, "excused", "Opened"),
        ({"excused_at": NOW, "cancelled_at": NOW}, "cancelled", "Closes"),
    ],
)
def test_what_an_evaluator_has_to_do(said: dict[str, Any], stage: str, label: str) -> None:
    standing = rules.standing_of_seat(given.facts(Seated, **said))
    assert (standing.stage, standing.label) == (stage, label)


@pytest.mark.parametrize(
    ("said", "complaints", "stage"),
    [
        ({"winner": 1}, 0, "standstill"),
        ({"winner": 1}, 1, "stopped"),
        ({"winner": 1, "standstill_ends_at": NOW - timedelta(days=1)}, 0, "over"),
        ({"winner": 1, "standstill_ends_at": NOW - timedelta(days=1)}, 1, "stopped"),
        ({"standstill_ends_at": NOW - timedelta(days=1)}, 0, "not-awarded"),
        ({"winner": 1, "contract": "C-1"}, 0, "contracted"),
        ({"winner": 1, "contract": "C-1", "set_aside_at": NOW}, 1, "set-aside"),
    ],
)
def test_where_a_decision_stands(said: dict[str, Any], complaints: int, stage: str) -> None:
    dates = {"decided_at": NOW, "standstill_ends_at": NOW + timedelta(days=1), **said}
    assert rules.standing_of_decision(given.row(Decision, **dates), complaints, NOW).stage == stage


@pytest.mark.parametrize(
    ("said", "stage"),
    [({}, "open"), ({"answered_at": NOW}, "rejected"), ({"answered_at": NOW, "upheld": True}, "upheld")],
)
def test_where_a_complaint_stands(said: dict[str, Any], stage: str) -> None:
    assert rules.standing_of_complaint(given.facts(Complained, lodged_at=NOW, **said)).stage == stage
