"""The rules of panels as truth tables, on rows in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from market.panels import rules
from market.panels.matter import Criterion, Matter, Subject
from market.panels.tables import Seat
from market.refusals import Refusal, refusals
from tests import given

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
CRITERIA = (Criterion("CR-1", "Method", 60), Criterion("CR-2", "Team", 40))
SUBJECT = Subject("bid:B-1", "Heron Ltd, lot 1", "O-1", CRITERIA, True, "")
MATTER = Matter(
    about="tender:T-1",
    title="Bridges",
    organisation=1,
    organisation_ref="O-9",
    organisation_name="Calderwick",
    href="/tenders/T-1/evaluation",
    officer_href="/tenders/T-1/evaluation",
    what="bids",
    suppliers={"O-1": "Heron Ltd", "O-2": "Kestrel Ltd"},
    subjects=[SUBJECT],
    opened_at=NOW,
    opens_at=NOW,
    due=None,
    blind=False,
    settled="",
    draft=False,
    beside=[],
)
BLIND = replace(MATTER, blind=True)
SEALED = replace(MATTER, opened_at=None, suppliers={}, subjects=[])
SETTLED = replace(MATTER, settled="This tender was cancelled.")
NAMED = given.row(Seat)
DECLARED = given.row(Seat, declared_at=NOW)
CONFLICTED = given.row(Seat, declared_at=NOW, conflicts=["O-1", "O-2"])
LOCKED = given.row(Seat, declared_at=NOW, locked_at=NOW)
EXCUSED = given.row(Seat, declared_at=NOW, excused_at=NOW)
EXCUSED_EARLY = given.row(Seat, excused_at=NOW)
LONG = "She has fallen ill for a month."


def codes(found: list[Refusal]) -> list[str]:
    return [refusal.code for refusal in found]


NAMING = rules.Naming(MATTER, None, True, False, False, "")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="an evaluator of the buyer is named"),
        pytest.param({"matter": SEALED}, [], id="before the opening too"),
        pytest.param({"matter": SETTLED}, ["panel.settled"], id="not when it is over"),
        pytest.param({"qualified": False}, ["panel.not-of-the-buyer"], id="nobody from outside"),
        pytest.param({"seat": NAMED}, ["panel.named-already"], id="once"),
        pytest.param({"seat": EXCUSED}, ["panel.left-for-good"], id="not again after she has seen what was sent"),
        pytest.param({"seat": EXCUSED_EARLY}, [], id="again when she left before that"),
        pytest.param({"complete": True}, ["panel.complete"], id="not when all marks are locked"),
        pytest.param({"begun": True, "reason": " "}, ["panel.late-unexplained"], id="not late without a reason"),
        pytest.param({"begun": True, "reason": "Ill."}, [], id="late with one"),
    ],
)
def test_naming(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(rules.NAME, replace(NAMING, **facts))) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({"seat": DECLARED, "reason": LONG}, [], id="somebody who has not handed in is excused"),
        pytest.param({"seat": DECLARED, "reason": "ill"}, ["panel.excuse-unreasoned"], id="with a reason"),
        pytest.param({"seat": LOCKED, "reason": LONG}, ["panel.marks-count"], id="not for what she marked"),
        pytest.param({"seat": EXCUSED, "reason": LONG}, ["panel.not-on-it"], id="not twice"),
        pytest.param({"seat": None, "reason": LONG}, ["panel.not-on-it"], id="nobody else"),
        pytest.param({"seat": DECLARED, "reason": LONG, "matter": SETTLED}, ["panel.settled"], id="not afterwards"),
    ],
)
def test_excusing(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(rules.EXCUSE, replace(NAMING, **facts))) == expected


DECLARING = rules.Declaring(MATTER, NAMED, (), "", True)
SAID = "My sister works there."


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="no interest at all"),
        pytest.param({"statement": "We met once at a conference."}, [], id="a small thing that is no conflict"),
        pytest.param({"conflicts": ["O-1"], "statement": SAID}, [], id="a conflict that is explained"),
        pytest.param({"conflicts": ["O-1"]}, ["panel.interest-unsaid"], id="a conflict without a word"),
        pytest.param({"conflicts": ["O-9"], "statement": SAID}, ["panel.supplier-unknown"], id="who sent nothing"),
        pytest.param({"declared": False}, ["panel.declaration-missing"], id="silence"),
        pytest.param({"matter": SEALED}, ["panel.not-open"], id="before she can know who has sent something"),
        pytest.param({"seat": LOCKED}, ["panel.locked"], id="after she has handed in"),
        pytest.param({"seat": EXCUSED}, ["panel.excused"], id="after she was excused"),
        pytest.param({"seat": DECLARED, "conflicts": ["O-1"], "statement": SAID}, [], id="another interest later"),
        pytest.param({"seat": CONFLICTED}, ["panel.interest-taken-back"], id="an interest talked away"),
        pytest.param({"seat": DECLARED, "matter": BLIND}, [], id="again under aliases"),
    ],
)
def test_declaring(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals((*rules.DECLARE, *rules.DECLARATION), replace(DECLARING, **facts))) == expected


MARKING = rules.Marking(MATTER, DECLARED, SUBJECT, {"CR-1": (80, "Good."), "CR-2": (0, "None.")})


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="every criterion with a reason, zero included"),
        pytest.param({"seat": NAMED}, ["panel.undeclared"], id="not before declaring"),
        pytest.param({"seat": CONFLICTED}, ["panel.interest-declared"], id="not whom she has an interest in"),
        pytest.param({"seat": CONFLICTED, "subject": replace(SUBJECT, supplier="O-3")}, [], id="but the others"),
        pytest.param({"seat": CONFLICTED, "subject": replace(SUBJECT, supplier="O-")}, [], id="compared whole"),
        pytest.param({"seat": LOCKED}, ["panel.locked"], id="not after handing in"),
        pytest.param({"seat": EXCUSED}, ["panel.excused"], id="not when excused"),
        pytest.param({"matter": SETTLED}, ["panel.settled"], id="not when it is over"),
        pytest.param({"matter": SEALED}, ["panel.not-open"], id="not before it is open"),
        pytest.param(
            {"subject": replace(SUBJECT, closed="Decided.")}, ["panel.subject-closed"], id="not a decided lot"
        ),
        pytest.param({"subject": replace(SUBJECT, readable=False)}, ["panel.unreadable"], id="not what cannot be read"),
        pytest.param({"marks": {"CR-1": (80, "Good.")}}, ["panel.criterion-missing"], id="not half of it"),
        pytest.param(
            {"marks": {**MARKING.marks, "CR-9": (5, "Why?")}},
            ["panel.criterion-unknown"],
            id="not the price or another",
        ),
    ],
)
def test_marking(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals((*rules.MARK, *rules.SHEET), replace(MARKING, **facts))) == expected


@pytest.mark.parametrize(
    ("points", "reason", "expected"),
    [
        (0, "Not answered.", []),
        (100, "Excellent.", []),
        (101, "Beyond.", ["panel.mark-out-of-range"]),
        (-1, "Below.", ["panel.mark-out-of-range"]),
        (50, " ", ["panel.reason-missing"]),
        (120, "", ["panel.mark-out-of-range", "panel.reason-missing"]),
    ],
)
def test_a_mark_has_bounds_and_a_reason(points: int, reason: str, expected: list[str]) -> None:
    assert codes(refusals(rules.EACH_MARK, points, reason)) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="everything is marked"),
        pytest.param({"missing": ["Heron, lot 1"]}, ["panel.marks-missing"], id="something is not"),
        pytest.param({"seat": NAMED}, ["panel.undeclared"], id="she has not declared"),
        pytest.param({"matter": SEALED}, ["panel.not-open"], id="nothing is open"),
        pytest.param({"seat": LOCKED}, ["panel.locked"], id="once"),
        pytest.param({"seat": EXCUSED}, ["panel.excused"], id="not when excused"),
        pytest.param({"matter": SETTLED}, ["panel.settled"], id="not when it is over"),
    ],
)
def test_handing_in(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(rules.LOCK, replace(rules.Locking(MATTER, DECLARED, ()), **facts))) == expected


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="all marks are locked"),
        pytest.param({"locked": False}, ["panel.marks-open"], id="not while somebody marks"),
        pytest.param({"speaks": False}, ["panel.not-impartial"], id="nobody with an interest"),
        pytest.param({"matter": SETTLED}, ["panel.settled"], id="not afterwards"),
    ],
)
def test_saying_why_marks_lie_far_apart(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(rules.EXPLAIN, replace(rules.Explaining(MATTER, True, True), **facts))) == expected


@pytest.mark.parametrize(
    ("gaps", "apart", "note", "expected"),
    [
        ((), (), "", []),
        (("Ada has not handed in.",), (), "", ["panel.not-done"]),
        ((), ("Wren 20 on Idea",), " ", ["panel.spread-unexplained"]),
        ((), ("Wren 20 on Idea",), "One saw it in the rain.", []),
    ],
)
def test_before_anything_is_ranked(
    gaps: tuple[str, ...], apart: tuple[str, ...], note: str, expected: list[str]
) -> None:
    assert codes(refusals(rules.READY, rules.Readiness(gaps, apart, note))) == expected
