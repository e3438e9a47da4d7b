"""The rules of contracts, on rows in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from market import policy
from market.awards.tables import Decision
from market.contracts import rules
from market.contracts.tables import Contract, Milestone
from market.money import Money
from market.refusals import Refusal, refusals
from tests import given

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
OVER = NOW - timedelta(seconds=1)
AWARDED = given.row(Decision, winner=1, standstill_ends_at=OVER)
DIGEST = "ab" * 32
LONG = "A reason that somebody can check."
FIRST, LAST = date(2027, 1, 1), date(2027, 12, 31)


def codes(found: list[Refusal]) -> list[str]:
    return [each.code for each in found]


def part(amount: int, due: date | None = LAST, title: str = "Part") -> rules.Part:
    return rules.Part(title, due, amount)


DRAWING = rules.DrawingUp(AWARDED, 0, Money(100_00), FIRST, LAST, (part(60_00), part(40_00)), (), NOW, "")
LARGE = Money(policy.IN_FORCE.contracts.kpi_value + 1)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="after standstill, without complaints, the amounts make the price"),
        pytest.param(
            {"now": OVER + timedelta(microseconds=999_999)},
            ["contract.standstill"],
            id="not in the last second of standstill",
        ),
        pytest.param({"open_complaints": 1}, ["contract.complaint-open"], id="not while a complaint is open"),
        pytest.param(
            {"decision": given.row(Decision, standstill_ends_at=OVER)}, ["contract.nothing-awarded"], id="nobody won"
        ),
        pytest.param(
            {"decision": given.row(Decision, winner=1, standstill_ends_at=OVER, set_aside_at=NOW)},
            ["contract.nothing-awarded"],
            id="the decision was set aside",
        ),
        pytest.param(
            {"decision": given.row(Decision, winner=1, standstill_ends_at=OVER, contract="C-1")},
            ["contract.drawn-up-already"],
            id="once",
        ),
        pytest.param({"milestones": ()}, ["contract.no-milestones"], id="with milestones"),
        pytest.param({"milestones": (part(99_99),)}, ["contract.amounts"], id="a penny under"),
        pytest.param({"milestones": (part(100_01),)}, ["contract.amounts"], id="a penny over"),
        pytest.param({"milestones": (part(100_00), part(0))}, ["contract.milestone-incomplete"], id="for nothing"),
        pytest.param(
            {"milestones": (part(100_00, title=" "),)}, ["contract.milestone-incomplete"], id="without a name"
        ),
        pytest.param({"milestones": (part(100_00, None),)}, ["contract.milestone-incomplete"], id="without a date"),
        pytest.param(
            {"milestones": (part(100_00, date(2028, 1, 1)),)}, ["contract.milestone-dates"], id="after the end"
        ),
        pytest.param(
            {"milestones": (part(100_00, date(2026, 12, 31)),)}, ["contract.milestone-dates"], id="before the start"
        ),
        pytest.param({"begins_on": LAST}, ["contract.dates"], id="ends as it begins"),
        pytest.param(
            {"price": LARGE, "milestones": (part(LARGE.minor),), "indicators": ("a", "b", " ")},
            ["contract.indicators"],
            id="a large one with too few indicators",
        ),
        pytest.param(
            {"price": LARGE, "milestones": (part(LARGE.minor),), "indicators": ("a", "b", "c")}, [], id="or with enough"
        ),
    ],
)
def test_drawing_up(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(rules.DRAW_UP, replace(DRAWING, **facts))) == expected


def contract(**facts: Any) -> Contract:
    return given.row(Contract, digest=DIGEST, begins_on=FIRST, ends_on=LAST, **facts)


IN_FORCE = contract(buyer_signed_at=NOW, supplier_signed_at=NOW)
HALF = contract(buyer_signed_at=NOW)
ENDED = contract(buyer_signed_at=NOW, supplier_signed_at=NOW, ended_at=NOW)
SIGNING = rules.Signing(contract(), "buyer", DIGEST, False, True, 0, False, "")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param({}, [], id="the document as it stands"),
        pytest.param({"digest": f" {DIGEST.upper()} "}, [], id="typed in capitals"),
        pytest.param({"digest": "0" * 64}, ["contract.other-document"], id="not another document"),
        pytest.param({"agreed": False}, ["contract.not-confirmed"], id="deliberately"),
        pytest.param({"contract": HALF}, ["contract.signed-already"], id="once for each side"),
        pytest.param({"contract": HALF, "side": "supplier"}, [], id="in either order"),
        pytest.param({"signed_other_side": True}, ["contract.both-sides"], id="not for both sides"),
        pytest.param({"contract": contract(ended_at=NOW)}, ["contract.ended"], id="not what was given up"),
        pytest.param({"open_complaints": 1}, ["contract.signing-suspended"], id="not while a complaint waits"),
        pytest.param({"set_aside": True}, ["contract.award-set-aside"], id="not what follows from no award any more"),
    ],
)
def test_signing(facts: dict[str, Any], expected: list[str]) -> None:
    assert codes(refusals(rules.SIGN, replace(SIGNING, **facts))) == expected


OPEN = given.row(Milestone)
DELIVERED = given.row(Milestone, delivered_at=NOW)
REFUSED = given.row(Milestone, delivered_at=NOW, refused_reason="Eleven failed.")
ACCEPTED = given.row(Milestone, delivered_at=NOW, accepted_at=NOW)


@pytest.mark.parametrize(
    ("kept", "milestone", "deliver", "accept"),
    [
        (IN_FORCE, OPEN, [], ["milestone.not-delivered"]),
        (IN_FORCE, DELIVERED, ["milestone.delivered-already"], []),
        (IN_FORCE, REFUSED, [], ["milestone.not-delivered"]),
        (
            IN_FORCE,
            ACCEPTED,
            ["milestone.accepted-already", "milestone.delivered-already"],
            ["milestone.accepted-already"],
        ),
        (HALF, OPEN, ["milestone.not-in-force"], ["milestone.not-delivered"]),
        (ENDED, OPEN, ["milestone.not-in-force"], ["milestone.not-delivered"]),
        (ENDED, DELIVERED, ["milestone.not-in-force", "milestone.delivered-already"], []),
    ],
)
def test_a_milestone_is_delivered_then_accepted(
    kept: Contract, milestone: Milestone, deliver: list[str], accept: list[str]
) -> None:
    facts = rules.Working(kept, milestone, LONG, "", "")
    assert codes(refusals(rules.DELIVER, facts)) == deliver
    assert codes(refusals(rules.ACCEPT, facts)) == accept
    assert codes(refusals(rules.REFUSE, facts)) == accept


def test_a_delivery_and_a_refusal_say_something() -> None:
    assert codes(refusals(rules.DELIVER, rules.Working(IN_FORCE, OPEN, " ", "", ""))) == ["milestone.note-missing"]
    assert codes(refusals(rules.REFUSE, rules.Working(IN_FORCE, DELIVERED, "Bad", "", ""))) == [
        "milestone.reason-missing"
    ]


@pytest.mark.parametrize(
    ("kept", "reason", "expected"),
    [
        (IN_FORCE, LONG, []),
        (HALF, LONG, []),
        (IN_FORCE, "Enough", ["contract.end-reason-missing"]),
        (ENDED, LONG, ["contract.ended-already"]),
    ],
)
def test_ending(kept: Contract, reason: str, expected: list[str]) -> None:
    assert codes(refusals(rules.END, rules.Ending(kept, reason))) == expected
