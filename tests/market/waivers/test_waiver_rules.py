"""The rules of waivers as truth tables, on rows in memory."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from market.refusals import refusals
from market.tenders.facts import Candidate, Evidence, Lot, Tender
from market.waivers import rules
from market.waivers.grounds import grounds
from market.waivers.tables import Waiver
from tests import given

NOW = given.TODAY
DAY = timedelta(days=1)
SENSORS = "35125100"
LONG = "Calderwick finished an exercise on the same problem eight weeks ago, with the same iron and the same users."


def candidate(
    tier: str = "central", lots: bool = True, shut: bool = True, stopped: bool = False, **facts: Any
) -> Candidate:
    said = {
        "id": 7,
        "ref": "T-TEST",
        "title": "Sensors",
        "description": "For gullies.",
        "buyer_tier": tier,
        "currency": "GBP",
        **({} if shut else {"exercise": "CH-1", "same_need": given.SAME}),
        "contract_kind": "goods-services",
        **facts,
    }
    tender = given.facts(Tender, **said)
    evidence = given.facts(
        Evidence,
        ground="exercise",
        reference="CH-1",
        kin=True,
        cpv=[SENSORS],
        completed_at=NOW,
        outcome="stop" if stopped else "go",
        follow_on_minor=200_000_00,
        follow_on_currency="GBP",
        payer=0,
    )
    return Candidate(
        tender,
        NOW,
        [given.facts(Lot, id=1, number=1, cpv=[SENSORS], value_minor=200_000_00)] if lots else [],
        {},
        (),
        [] if shut and not stopped else [evidence],
        (),
        given.naming(),
    )


def wish(tender: Candidate | None = None, **facts: Any) -> rules.Wish:
    said: dict[str, Any] = {
        "ground": "urgency",
        "statement": LONG,
        "evidence": ["Letter of the flood lead"],
        "similar": "",
        "cost_of_waiting": "One winter of floods.",
        "valid_until": NOW + 180 * DAY,
        "shown": (),
        **facts,
    }
    return rules.Wish(tender or candidate(), **said)


@pytest.mark.parametrize(
    ("asked", "codes"),
    [
        (wish(), []),
        (wish(candidate(published_at=NOW)), ["waiver.not-a-draft"]),
        (wish(candidate(waiver_asked="W-1")), ["waiver.asked-already"]),
        (wish(candidate(tier="local")), ["waiver.not-needed"]),
        (wish(candidate(shut=False)), ["waiver.not-needed"]),
        (wish(candidate(stopped=True)), ["waiver.stop-unnamed"]),
        (wish(candidate(stopped=True), statement=f"{LONG} What CH-1 stopped is not what we buy."), []),
        (wish(candidate(shut=False, stopped=True)), ["waiver.stop-unnamed"]),
        (wish(candidate(lots=False)), ["waiver.tender-incomplete"]),
        (wish(candidate(description="")), ["waiver.tender-incomplete"]),
        (wish(ground="because"), ["waiver.ground-unknown"]),
        (wish(statement="We are late."), ["waiver.statement-short"]),
        (wish(evidence=[]), ["waiver.evidence-missing"]),
        (wish(ground="equivalent-exercise"), ["waiver.exercise-unnamed"]),
        (wish(ground="equivalent-exercise", evidence=["CH-7KQ4M2X, concluded in May"]), []),
        (wish(ground="equivalent-exercise", evidence=["https://elsewhere.example/report"]), []),
        (wish(shown=["CH-1"]), ["waiver.similar-unanswered"]),
        (wish(shown=["CH-1"], similar="It looked into culverts, which block from the front."), []),
        (wish(cost_of_waiting="-"), ["waiver.cost-missing"]),
        (wish(valid_until=NOW), ["waiver.validity-wrong"]),
        (wish(valid_until=NOW + 364 * DAY), []),
        (wish(valid_until=NOW + 367 * DAY), ["waiver.validity-wrong"]),
    ],
)
def test_what_asking_insists_on(asked: rules.Wish, codes: list[str]) -> None:
    assert [each.code for each in refusals(rules.ASK, asked)] == codes


def waiver(**facts: datetime | str) -> Waiver:
    return given.row(Waiver, ref="W-1", **{"valid_until": NOW + DAY, "refusal_reason": "", **facts})


@pytest.mark.parametrize(
    ("facts", "standing", "signing", "refusing"),
    [
        ({}, "asked", [], []),
        ({"valid_until": NOW - DAY}, "asked", ["waiver.out-of-date"], []),
        ({"withdrawn_at": NOW}, "withdrawn", ["waiver.already-decided"], ["waiver.already-decided"]),
        ({"decided_at": NOW}, "in-force", ["waiver.already-decided"], ["waiver.already-decided"]),
        (
            {"decided_at": NOW, "valid_until": NOW - DAY},
            "expired",
            ["waiver.already-decided", "waiver.out-of-date"],
            ["waiver.already-decided"],
        ),
        (
            {"decided_at": NOW, "refusal_reason": LONG},
            "refused",
            ["waiver.already-decided"],
            ["waiver.already-decided"],
        ),
    ],
)
def test_where_a_request_stands_and_who_may_still_decide(
    facts: dict[str, Any], standing: str, signing: list[str], refusing: list[str]
) -> None:
    row = waiver(**facts)
    assert rules.stage(row, NOW) == standing
    assert standing in rules.STAGES
    assert [each.code for each in refusals(rules.SIGN, row, NOW)] == signing
    assert [each.code for each in refusals(rules.REFUSE, row, NOW)] == refusing
    assert [each.code for each in refusals(rules.WITHDRAW, row, NOW)] == refusing


def test_a_refusal_says_why() -> None:
    assert rules.refusal_says_why("No.") is not None
    assert rules.refusal_says_why(LONG) is None


def test_every_ground_says_why_it_is_one_and_what_it_is_modelled_on() -> None:
    assert len(grounds()) >= 5
    for code, ground in grounds().items():
        assert code == code.lower()
        assert ground.why.endswith(".")
        assert ground.asks.endswith(".")
        assert ground.source
