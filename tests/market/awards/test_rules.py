"""The rules of evaluation, decision and complaint, on rows in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from market.awards import rules
from market.awards.tables import Complaint, Decision, Panelist, PriceQuestion
from market.refusals import Refusal, refusals
from market.tenders.tables import Tender
from tests import given

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OPEN = given.row(Tender, published_at=NOW, opened_at=NOW)
SEALED = given.row(Tender, published_at=NOW)
DRAFT = given.row(Tender)
CANCELLED = given.row(Tender, published_at=NOW, opened_at=NOW, cancelled_at=NOW)
NAMED = given.row(Panelist)
DECLARED = given.row(Panelist, declared_at=NOW)
CONFLICTED = given.row(Panelist, declared_at=NOW, conflicts="O-1\nO-2")
SUBMITTED = given.row(Panelist, declared_at=NOW, submitted_at=NOW)
EXCUSED = given.row(Panelist, declared_at=NOW, excused_at=NOW)
LONG = "A reason that somebody can check."


def codes(found: list[Refusal]) -> list[str]:
    return [each.code for each in found]


NAMING = rules.Naming(OPEN, True, None, False, "")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="an evaluator of the buyer is named"),
        pytest.param({"tender": SEALED}, [], id="before the opening too"),
        pytest.param({"tender": DRAFT}, ["panel.tender-not-published"], id="not for a draft"),
        pytest.param({"tender": CANCELLED}, ["panel.tender-cancelled"], id="not when it is cancelled"),
        pytest.param({"qualified": False}, ["panel.evaluator-unknown"], id="nobody from outside"),
        pytest.param({"known": NAMED}, ["panel.named-already"], id="once"),
        pytest.param({"known": EXCUSED}, ["panel.named-already"], id="not again after she was excused"),
        pytest.param({"prices_shown": True}, ["panel.prices-shown"], id="not when prices are shown"),
    ],
)
def test_naming(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(rules.NAME, replace(NAMING, **facts))) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"known": DECLARED, "reason": LONG}, [], id="somebody who has not submitted is excused"),
        pytest.param({"known": DECLARED, "reason": "ill"}, ["panel.excuse-unreasoned"], id="with a reason"),
        pytest.param({"known": SUBMITTED, "reason": LONG}, ["panel.submitted-stays"], id="not for what she scored"),
        pytest.param({"known": EXCUSED, "reason": LONG}, ["panel.not-on-it"], id="not twice"),
        pytest.param({"known": None, "reason": LONG}, ["panel.not-on-it"], id="nobody else"),
    ],
)
def test_excusing(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(rules.EXCUSE, replace(NAMING, **facts))) == expected


DECLARING = rules.Declaring(OPEN, NAMED, (), ("O-1", "O-2"), "", True)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="no interest at all"),
        pytest.param({"statement": "We met once at a conference."}, [], id="a small thing that is no conflict"),
        pytest.param(
            {"conflicts": ["O-1"], "statement": "My sister works there."}, [], id="a conflict that is explained"
        ),
        pytest.param({"conflicts": ["O-1"]}, ["panel.interest-unsaid"], id="a conflict without a word"),
        pytest.param(
            {"conflicts": ["O-9"], "statement": "Old."}, ["panel.not-a-bidder"], id="somebody who did not bid"
        ),
        pytest.param({"declared": False}, ["panel.declaration-missing"], id="silence"),
        pytest.param({"tender": SEALED}, ["panel.not-opened"], id="before she can know who has bid"),
        pytest.param({"panelist": SUBMITTED}, ["panel.locked"], id="after she has submitted"),
        pytest.param({"panelist": EXCUSED}, ["panel.excused"], id="after she was excused"),
    ],
)
def test_declaring(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(rules.DECLARE, replace(DECLARING, **facts))) == expected


SCORING = rules.Scoring(
    OPEN,
    DECLARED,
    "O-1",
    True,
    False,
    {"CR-1": "Method", "CR-2": "Team"},
    {"CR-1": (80, "Good."), "CR-2": (0, "None.")},
)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="every criterion with a reason, zero included"),
        pytest.param({"panelist": NAMED}, ["score.declare-first"], id="not before declaring"),
        pytest.param({"panelist": CONFLICTED}, ["score.conflict"], id="not a firm she has an interest in"),
        pytest.param({"panelist": CONFLICTED, "supplier": "O-3"}, [], id="but the others"),
        pytest.param({"panelist": CONFLICTED, "supplier": "O-"}, [], id="a reference is compared whole"),
        pytest.param({"panelist": SUBMITTED}, ["score.locked"], id="not after submitting"),
        pytest.param({"panelist": EXCUSED}, ["score.excused"], id="not when excused"),
        pytest.param({"decided": True}, ["score.lot-decided"], id="not a decided lot"),
        pytest.param({"readable": False}, ["score.unreadable"], id="not what cannot be read"),
        pytest.param({"marks": {"CR-1": (80, "Good.")}}, ["score.criterion-missing"], id="not half of it"),
        pytest.param(
            {"marks": {"CR-1": (-1, "Bad."), "CR-2": (101, "Over.")}}, ["score.out-of-range"], id="from 0 to 100 only"
        ),
        pytest.param({"marks": {"CR-1": (1, " "), "CR-2": (2, "Weak.")}}, ["score.reason-missing"], id="with reasons"),
        pytest.param(
            {"marks": {**SCORING.marks, "CR-9": (5, "Why?")}},
            ["score.criterion-unknown"],
            id="not the price or another",
        ),
    ],
)
def test_scoring(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(rules.SCORE, replace(SCORING, **facts))) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="everything is scored"),
        pytest.param({"missing": ["Heron, lot 1"]}, ["panel.scores-missing"], id="something is not"),
        pytest.param({"panelist": NAMED}, ["panel.undeclared"], id="she has not declared"),
        pytest.param({"tender": SEALED}, ["panel.undeclared"], id="nothing is open"),
        pytest.param({"panelist": SUBMITTED}, ["panel.submitted-already"], id="once"),
        pytest.param({"panelist": EXCUSED}, ["panel.excused-already"], id="not when excused"),
    ],
)
def test_submitting(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(rules.SUBMIT, replace(rules.Submitting(OPEN, DECLARED, ()), **facts))) == expected


ASKED = given.row(PriceQuestion, asked_at=NOW, answer_by=NOW + timedelta(days=7))
ANSWERED = given.row(PriceQuestion, asked_at=NOW, answer_by=NOW + timedelta(days=7), answered_at=NOW)
PROFILED = given.row(Tender, published_at=NOW, opened_at=NOW, profile="council-api@1")
DECIDING = rules.Deciding(OPEN, False, (), ("B-1", "B-2"), "B-1", "Heron Ltd", "B-1", {}, LONG, NOW, (), None)


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
