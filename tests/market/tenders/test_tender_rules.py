"""The rules of tenders as truth tables, on rows in memory: stages, the gate, publication, changes, the end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from market.arrival import Arrival
from market.budgets.rules import Naming
from market.refusals import refusals
from market.tenders import gate, rules
from market.tenders.facts import Candidate, Criterion, Evidence, Lot, Officer, Tender
from tests import given

NOW = given.TODAY
SENSORS, LAPTOPS, LETTERS = "35125100", "30213100", "79822500"
DAY = timedelta(days=1)


def tender(**facts: Any) -> Tender:
    return given.facts(
        Tender,
        **{
            "id": 7,
            "ref": "T-TEST",
            "currency": "GBP",
            "contract_kind": "goods-services",
            "title": "Sensors",
            "description": "Sensors for gullies.",
            "cpv": [],
            "questions_until": NOW + 14 * DAY,
            "closes_at": NOW + 35 * DAY,
            "contract_begins_on": date(2027, 3, 1),
            "contract_ends_on": date(2030, 3, 1),
            "undivided_reason": "One crew looks after all of it, with one tool.",
            **facts,
        },
    )


def lot(number: int = 1, codes: Sequence[str] = (SENSORS,), value: int = 200_000_00, **facts: Any) -> Lot:
    return given.facts(Lot, id=number, number=number, cpv=list(codes), value_minor=value, **facts)


def criterion(weight: int, kind: str = "quality") -> Criterion:
    return given.facts(Criterion, weight=weight, kind=kind)


def evidence(ground: str = "exercise", reference: str = "CH-1", **facts: Any) -> Evidence:
    return given.facts(
        Evidence,
        **{
            "ground": ground,
            "reference": reference,
            "kin": True,
            "tender": 7 if ground == "waiver" else None,
            "cpv": [SENSORS],
            "completed_at": NOW - 30 * DAY,
            "signed_by": "A Minister",
            "outcome": "go" if ground == "exercise" else "",
            "follow_on_minor": 400_000_00,
            "follow_on_currency": "GBP",
            "payer": 0,
            **facts,
        },
    )


SHORT = {"falls_short": "pitches", "pitches": 1, "pitches_least": 2, "measures": 1}
ENOUGH = {"pitches": 3, "pitches_least": 2, "measures": 2}


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({}, "CH-1 was concluded before its pitches were counted."),
        (ENOUGH, "3 teams pitched in CH-1 and were paid. 2 targets were measured."),
        (
            {**ENOUGH, "pitches": 1, "statement": "QS-1"},
            "1 of 2 teams pitched in CH-1; the innovation team approved the buyer's statement why the market stayed away "
            "(QS-1). 2 targets were measured.",
        ),
    ],
)
def test_the_gate_says_what_an_exercise_rests_on(facts: dict[str, Any], says: str) -> None:
    found = gate.ask(candidate(tender(**NAMED), records=[evidence(**facts)]))
    assert found.ground == "exercise"
    assert [line.says for line in found.lines if line.code == "effort"] == [says]


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        (SHORT, "One team pitched in CH-1, and it took 2; no statement why the market stayed away was approved."),
        ({**SHORT, "pitches": 0}, "0 teams pitched in CH-1, and it took 2;"),
        ({**SHORT, "falls_short": "method"}, "CH-1 was run by a method that opens nothing."),
    ],
)
def test_an_exercise_that_fell_short_opens_nothing_and_is_not_suggested(facts: dict[str, Any], says: str) -> None:
    short = evidence(**facts)
    found = gate.ask(candidate(tender(**NAMED), records=[short]))
    assert found.ground is None
    refusal = rules.enough_was_done(candidate(tender(**NAMED), records=[short]))
    assert refusal is not None
    assert refusal.reason.startswith(says)
    unnamed = candidate(tender(), records=[short])
    assert gate.suggested(unnamed) == []
    stop = evidence(reference="CH-0", outcome="stop", completed_at=NOW - 60 * DAY)
    assert [each.reference for each in gate.stopping(candidate(tender(**NAMED), records=[stop, short]))] == ["CH-0"]
    whole = evidence()
    assert gate.stopping(candidate(tender(**NAMED), records=[stop, whole])) == []


SAME = given.SAME
NAMED = {"exercise": "CH-1", "same_need": SAME}
WAIVER = {"ground": "waiver", "reference": "W-1", "expires_at": NOW + 30 * DAY, "ceiling_minor": 200_000_00}


def candidate(
    row: Tender | None = None,
    tier: str = "central",
    lots: Sequence[Lot] | None = None,
    criteria: dict[int, list[Criterion]] | None = None,
    records: Sequence[Evidence] = (),
    enrolled: Sequence[bool] = (True, True),
    naming: Naming | None = None,
) -> Candidate:
    chosen = [lot()] if lots is None else lots
    return Candidate(
        msgspec.structs.replace(row or tender(), buyer_name="Department for Roads", buyer_tier=tier),
        NOW,
        chosen,
        criteria or {each.id: [criterion(60), criterion(40, "price")] for each in chosen},
        [
            given.facts(Officer, person_ref=f"P-{number}", enrolled_at=NOW if each else None)
            for number, each in enumerate(enrolled)
        ],
        records,
        (),
        naming or given.naming(),
    )


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, "draft"),
        ({"published_at": NOW}, "questions"),
        ({"published_at": NOW, "questions_until": NOW}, "questions"),
        ({"published_at": NOW, "questions_until": NOW - timedelta(microseconds=1)}, "open"),
        ({"published_at": NOW, "questions_until": NOW - DAY, "closes_at": NOW + timedelta(seconds=1)}, "open"),
        ({"published_at": NOW, "closes_at": NOW}, "closed"),
        ({"published_at": NOW, "closes_at": NOW, "opened_at": NOW}, "evaluation"),
        ({"published_at": NOW, "cancelled_at": NOW}, "cancelled"),
        ({"published_at": NOW, "opened_at": NOW, "cancelled_at": NOW}, "cancelled"),
    ],
)
def test_the_stage_follows_from_the_dates_alone(facts: dict[str, Any], expected: str) -> None:
    assert rules.stage(tender(**facts), NOW) == expected
    assert expected in rules.STAGES


@pytest.mark.parametrize(
    ("situation", "ground", "reference"),
    [
        (candidate(tier="local"), "not-central", ""),
        (candidate(tender(**NAMED), tier="local", records=[evidence()]), "exercise", "CH-1"),
        (candidate(tender(exercise="CH-1"), tier="local", records=[evidence()]), "not-central", ""),
        (candidate(tender(**NAMED), tier="local", records=[evidence(cpv=[LETTERS])]), "not-central", ""),
        (candidate(tier="local", records=[evidence()]), "not-central", ""),
        (candidate(tender(commodity_claimed=True), tier="local", lots=[lot(codes=[LAPTOPS])]), "commodity", ""),
        (candidate(tender(commodity_claimed=True), tier="local"), "not-central", ""),
        (candidate(), None, ""),
        (candidate(records=[evidence()]), None, ""),
        (candidate(tender(exercise="CH-1"), records=[evidence()]), None, ""),
        (candidate(tender(exercise="CH-1", same_need=SAME[:79]), records=[evidence()]), None, ""),
        (candidate(tender(**NAMED), records=[evidence()]), "exercise", "CH-1"),
        (candidate(tender(**NAMED), records=[evidence(kin=False)]), None, ""),
        (candidate(tender(**NAMED), records=[evidence(cpv=["35125000"])]), "exercise", "CH-1"),
        (candidate(tender(**NAMED), records=[evidence(cpv=["35121000"])]), "exercise", "CH-1"),
        (candidate(tender(**NAMED), records=[evidence(cpv=["35110000"])]), None, ""),
        (candidate(tender(**NAMED), records=[evidence(cpv=["35100000"])]), None, ""),
        (candidate(tender(**NAMED), records=[evidence(cpv=[LETTERS])]), None, ""),
        (candidate(tender(**NAMED), records=[evidence(cpv=[])]), None, ""),
        (candidate(tender(**NAMED), records=[evidence(completed_at=NOW - 800 * DAY)]), None, ""),
        (candidate(tender(**NAMED), records=[evidence(expires_at=NOW - DAY)]), None, ""),
        (candidate(tender(**NAMED), lots=[lot(), lot(2, [LETTERS])], records=[evidence()]), None, ""),
        (candidate(tender(**NAMED), lots=[lot(), lot(2, [LAPTOPS])], records=[evidence()]), "exercise", "CH-1"),
        (candidate(tender(exercise="CH-2", same_need=SAME), records=[evidence()]), None, ""),
        (
            candidate(tender(exercise="CH-2", same_need=SAME), records=[evidence(), evidence(reference="CH-2")]),
            "exercise",
            "CH-2",
        ),
        (candidate(tender(**NAMED), records=[evidence(outcome="")]), None, ""),
        (candidate(tender(**NAMED), records=[evidence(outcome="stop")]), None, ""),
        (candidate(tender(**NAMED), records=[evidence(outcome="change")]), None, ""),
        (candidate(tender(**NAMED, what_changed=SAME[:79]), records=[evidence(outcome="change")]), None, ""),
        (candidate(tender(**NAMED, what_changed=SAME), records=[evidence(outcome="change")]), "exercise", "CH-1"),
        (candidate(tender(**NAMED), records=[evidence(follow_on_minor=None)]), None, ""),
        (candidate(tender(**NAMED), records=[evidence(payer=8)]), None, ""),
        (candidate(tender(**NAMED), records=[evidence(payer=None)]), None, ""),
        (candidate(tender(**NAMED), records=[evidence(follow_on_currency="EUR")]), None, ""),
        (candidate(tender(**NAMED), lots=[lot(value=600_000_00)], records=[evidence()]), "exercise", "CH-1"),
        (candidate(tender(**NAMED), lots=[lot(value=600_000_01)], records=[evidence()]), None, ""),
        (candidate(tender(**NAMED), records=[evidence(used_minor=400_000_00)]), "exercise", "CH-1"),
        (candidate(tender(**NAMED), records=[evidence(used_minor=400_000_01)]), None, ""),
        (candidate(records=[evidence(**WAIVER)]), "waiver", "W-1"),
        (candidate(records=[evidence(**WAIVER, tender=8)]), None, ""),
        (candidate(records=[evidence(**WAIVER, revoked_at=NOW)]), None, ""),
        (candidate(records=[evidence(**{**WAIVER, "expires_at": NOW - DAY})]), None, ""),
        (candidate(records=[evidence(**{**WAIVER, "ceiling_minor": 199_999_99})]), None, ""),
        (candidate(records=[evidence(**WAIVER, used_minor=1)]), None, ""),
        (candidate(lots=[lot(codes=[SENSORS, LETTERS])], records=[evidence(**WAIVER)]), None, ""),
        (candidate(records=[evidence(cpv=[LETTERS]), evidence(**WAIVER)]), "waiver", "W-1"),
        (candidate(records=[evidence(outcome="stop"), evidence(**WAIVER)]), None, ""),
        (candidate(records=[evidence(outcome="stop"), evidence(**WAIVER, stops=["CH-1"])]), "waiver", "W-1"),
        (candidate(tender(commodity_claimed=True), lots=[lot(codes=[LAPTOPS])]), "commodity", ""),
        (candidate(lots=[lot(codes=[LAPTOPS])]), None, ""),
        (candidate(tender(commodity_claimed=True)), None, ""),
        (candidate(tender(commodity_claimed=True, commodity_confirmed_at=NOW)), "commodity", ""),
        (candidate(tender(commodity_confirmed_at=NOW)), None, ""),
    ],
)
def test_the_gate(situation: Candidate, ground: str | None, reference: str) -> None:
    found = gate.ask(situation)
    assert (found.ground, found.reference) == (ground, reference)
    refused = rules.innovation_first(situation)
    assert (refused is None) == (ground is not None)
    if ground != "not-central":
        assert found.lines[-1].holds == (ground is not None)


def test_the_gates_refusal_says_what_was_found_and_what_to_do() -> None:
    refused = rules.innovation_first(candidate(tender(exercise="CH-1"), records=[evidence(cpv=[LETTERS])]))
    assert refused is not None
    for words in ("CH-1 was about something else than lot 1", "ask the minister for a waiver", "35125100"):
        assert words in refused.reason


GOOD = {"records": [evidence(**{**WAIVER, "ceiling_minor": None, "cpv": [SENSORS, "99999999"]})]}
W, P = criterion(60), criterion(40, "price")


@pytest.mark.parametrize(
    ("situation", "codes"),
    [
        (candidate(**GOOD), []),
        (candidate(tender(published_at=NOW), **GOOD), ["tender.already-published"]),
        (candidate(tender(cancelled_at=NOW), **GOOD), ["tender.already-published"]),
        (candidate(tender(waiver_asked="W-9"), **GOOD), ["tender.waiver-outstanding"]),
        (candidate(), ["tender.innovation-first"]),
        (candidate(tender(description=" "), **GOOD), ["tender.description-missing"]),
        (candidate(lots=[lot(value=400_00)]), []),
        (candidate(tender(contract_kind=""), **GOOD), ["tender.kind-missing"]),
        (candidate(tender(contract_kind="works"), **GOOD), ["tender.kind-wrong"]),
        (candidate(tender(contract_kind="concession"), **GOOD), ["tender.kind-wrong"]),
        (
            candidate(tender(commodity_claimed=True), lots=[lot(codes=[LAPTOPS])]),
            ["tender.commodity-statement-missing"],
        ),
        (candidate(tender(**NAMED), records=[evidence()]), []),
        (candidate(lots=[], **GOOD), ["tender.lots-missing"]),
        (candidate(lots=[lot(value=0)], **GOOD), ["tender.lot-incomplete"]),
        (candidate(lots=[lot(codes=[SENSORS, "99999999"])], **GOOD), ["tender.lot-incomplete"]),
        (candidate(tender(undivided_reason="too short"), **GOOD), ["tender.undivided-reason-missing"]),
        (candidate(tender(undivided_reason=""), lots=[lot(), lot(2)], **GOOD), []),
        (candidate(tender(lots_per_supplier=2), **GOOD), ["tender.lots-limit-wrong"]),
        (candidate(tender(lots_per_supplier=1), **GOOD), []),
        (candidate(criteria={1: [criterion(59), P]}, **GOOD), ["tender.weights-wrong"]),
        (candidate(criteria={1: []}, **GOOD), ["tender.weights-wrong"]),
        (
            candidate(criteria={1: [W, criterion(20, "price"), criterion(20, "price")]}, **GOOD),
            ["tender.price-weight-wrong"],
        ),
        (candidate(criteria={1: [criterion(100)]}, **GOOD), ["tender.price-weight-wrong"]),
        (candidate(criteria={1: [criterion(29), criterion(71, "price")]}, **GOOD), ["tender.price-weight-wrong"]),
        (candidate(criteria={1: [criterion(30), criterion(70, "price")]}, **GOOD), []),
        (candidate(criteria={1: [criterion(91), criterion(9, "price")]}, **GOOD), ["tender.price-weight-wrong"]),
        (
            candidate(
                tender(commodity_claimed=True, commodity_statement="Standard laptops."),
                lots=[lot(codes=[LAPTOPS])],
                criteria={1: [criterion(100, "price")]},
            ),
            [],
        ),
        (candidate(tender(closes_at=None), **GOOD), ["tender.tendering-period-short"]),
        (candidate(tender(closes_at=NOW + 24 * DAY), **GOOD), ["tender.tendering-period-short"]),
        (candidate(tender(closes_at=NOW + 25 * DAY), **GOOD), []),
        (candidate(tender(questions_until=None), **GOOD), ["tender.questions-dates-wrong"]),
        (candidate(tender(questions_until=NOW), **GOOD), ["tender.questions-dates-wrong"]),
        (candidate(tender(questions_until=NOW + 35 * DAY), **GOOD), ["tender.questions-dates-wrong"]),
        (candidate(tender(contract_begins_on=None), **GOOD), ["tender.contract-dates-wrong"]),
        (candidate(tender(contract_begins_on=date(2026, 12, 28)), **GOOD), ["tender.contract-dates-wrong"]),
        # Bids close on 28 December, a holiday: eight working days of standstill are over on 11 January.
        (candidate(tender(contract_begins_on=date(2027, 1, 11)), **GOOD), ["tender.contract-dates-wrong"]),
        (candidate(tender(contract_begins_on=date(2027, 1, 12)), **GOOD), []),
        (candidate(tender(contract_ends_on=date(2027, 2, 1)), **GOOD), ["tender.contract-dates-wrong"]),
        (candidate(enrolled=[True], **GOOD), ["tender.officers-missing"]),
        (candidate(enrolled=[True, True, False], **GOOD), ["tender.officers-missing"]),
    ],
)
def test_what_publication_insists_on(situation: Candidate, codes: list[str]) -> None:
    assert [refusal.code for refusal in refusals(rules.PUBLISH, situation)] == codes


@pytest.mark.parametrize(
    ("situation", "codes"),
    [
        (candidate(records=[evidence()]), ["tender.innovation-first"]),
        (candidate(tender(exercise="CH-1"), records=[evidence()]), ["tender.innovation-first", "tender.need-unsaid"]),
        (
            candidate(tender(**NAMED), records=[evidence(outcome="change")]),
            ["tender.innovation-first", "tender.need-unsaid"],
        ),
        (
            candidate(tender(**NAMED), records=[evidence(payer=8)]),
            ["tender.innovation-first", "tender.follow-on-exceeded"],
        ),
        (
            candidate(tender(**NAMED), records=[evidence(used_minor=600_000_00)]),
            ["tender.innovation-first", "tender.follow-on-exceeded"],
        ),
        (candidate(records=[evidence(outcome="stop")]), ["tender.innovation-first", "tender.after-a-stop"]),
        (
            candidate(tender(exercise="CH-1"), records=[evidence(), evidence(outcome="stop", reference="CH-2")]),
            ["tender.innovation-first", "tender.need-unsaid"],
        ),
    ],
)
def test_each_question_of_the_gate_that_stays_open_has_a_code_of_its_own(
    situation: Candidate, codes: list[str]
) -> None:
    assert [refusal.code for refusal in refusals(rules.PUBLISH, situation)] == codes


STOP = {"outcome": "stop", "reference": "CH-STOP", "follow_on_minor": None, "payer": None}


@pytest.mark.parametrize(
    ("records", "codes", "closing"),
    [
        ([evidence(**STOP)], [SENSORS], ["CH-STOP"]),
        ([evidence(**STOP, kin=False)], [SENSORS], []),
        ([evidence(**STOP)], [LETTERS], []),
        # One class closes; a broader code is no way around it, and a finer one neither.
        ([evidence(**STOP)], ["35121000"], ["CH-STOP"]),
        ([evidence(**STOP)], ["35110000"], []),
        ([evidence(**STOP)], ["35100000"], ["CH-STOP"]),
        ([evidence(**{**STOP, "cpv": ["35100000"]})], [SENSORS], ["CH-STOP"]),
        ([evidence(**STOP)], [LETTERS, SENSORS], ["CH-STOP"]),
        # The newest conclusion on the same need counts, either way.
        ([evidence(**STOP), evidence(completed_at=NOW - DAY)], [SENSORS], []),
        ([evidence(**STOP), evidence(completed_at=NOW - 31 * DAY)], [SENSORS], ["CH-STOP"]),
        ([evidence(**STOP), evidence(completed_at=NOW - DAY, cpv=[LETTERS])], [SENSORS], ["CH-STOP"]),
        ([evidence(**STOP), evidence(completed_at=NOW - DAY, kin=False)], [SENSORS], ["CH-STOP"]),
        # It counts no longer than an exercise that goes on would.
        ([evidence(**STOP, expires_at=NOW - DAY)], [SENSORS], []),
        ([evidence(**{**STOP, "completed_at": NOW - 800 * DAY})], [SENSORS], []),
    ],
)
def test_which_stops_close_the_gate(records: list[Evidence], codes: list[str], closing: list[str]) -> None:
    situation = candidate(tender(**NAMED), lots=[lot(codes=codes)], records=records)
    assert [each.reference for each in gate.stopping(situation)] == closing
    assert ("tender.after-a-stop" in {each.code for each in refusals(rules.PUBLISH, situation)}) == bool(closing)


def test_the_gate_suggests_what_could_be_named_and_keeps_every_question_it_asked() -> None:
    found = gate.ask(candidate(records=[evidence(title="Blocked gullies"), evidence(reference="CH-2", payer=9)]))
    assert [(line.code, line.holds) for line in found.lines] == [
        ("central", True),
        ("value", False),
        ("commodity", False),
        ("stop", True),
        ("exercise", False),
        ("waiver", False),
    ]
    assert "It could be CH-1 (“Blocked gullies”)" in found.lines[4].says
    assert "CH-2" not in found.lines[4].says
    named = gate.ask(candidate(tender(**NAMED), records=[evidence()]))
    assert [(line.code, line.holds) for line in named.lines[3:]] == [
        ("stop", True),
        ("exercise", True),
        ("effort", True),
        ("need", True),
        ("follow-on", True),
    ]


OPEN = {"published_at": NOW - DAY}


@pytest.mark.parametrize(
    ("facts", "decided", "codes"),
    [
        ({}, False, ["tender.not-running"]),
        (OPEN, False, []),
        ({**OPEN, "closes_at": NOW, "opened_at": NOW}, False, []),
        ({**OPEN, "cancelled_at": NOW}, False, ["tender.not-running"]),
        (OPEN, True, ["tender.already-awarded"]),
    ],
)
def test_cancelling(facts: dict[str, Any], decided: bool, codes: list[str]) -> None:
    assert [each.code for each in refusals(rules.CANCEL, tender(**facts), decided)] == codes


@pytest.mark.parametrize(
    ("claim", "statement", "code", "codes"),
    [
        (True, "Sold by many firms.", SENSORS, []),
        (False, "Sold by many firms.", SENSORS, ["tender.not-overridden-by-list"]),
        (True, " ", SENSORS, ["tender.not-overridden-by-list"]),
        (True, "Sold by many firms.", LAPTOPS, ["tender.not-overridden-by-list"]),
    ],
)
def test_an_operator_confirms_only_what_the_list_denies(
    claim: bool, statement: str, code: str, codes: list[str]
) -> None:
    row = tender(commodity_claimed=claim, commodity_statement=statement)
    assert [each.code for each in refusals(rules.CONFIRM, row, [code], Arrival(NOW))] == codes


def test_dates_outside_the_century_are_slips() -> None:
    assert rules.dates_are_of_this_century(datetime(1026, 1, 1, tzinfo=UTC), None) is not None
    assert rules.dates_are_of_this_century(NOW, None, date(2030, 1, 1)) is None
