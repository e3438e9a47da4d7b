"""The rules of challenges as truth tables, on rows in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from challenges import rules as challenge_rules
from challenges.applications import rules as application_rules
from challenges.drafts import rules as draft_rules
from challenges.insights import rules as insight_rules
from challenges.judging import rules as shortlist_rules
from challenges.pitches import rules as pitch_rules
from challenges.tables import Application, Challenge, Criterion, InsightReport, Pitch
from market import policy, workdays
from market.missions.tables import Mission
from market.money import Money
from market.refusals import refusals
from tests import given

NOW = given.TODAY
DAY = timedelta(days=1)
MISSION = given.row(Mission, title="Dry streets", published_at=NOW)
CRITERIA = (given.row(Criterion, name="Idea", weight=60), given.row(Criterion, name="Evidence", weight=40))
WHOLE: dict[str, Any] = {
    "title": "We learn that a drain is blocked when the street floods",
    "method": "open-challenge",
    "problem": "Half of the visits find nothing.",
    "who_has_it": "1,140 homes.",
    "evidence": "312 reports.",
    "success": "Within two hours.",
    "out_of_scope": "Emptying.",
    "cpv": ["90711500"],
    "fee_minor": 400_000,
    "places": 2,
    "intellectual_property": "Yours.",
    "data_terms": "Ours.",
    "revenue_share": "None.",
    "profile": "",
    "follow_on_minor": 20_000_000,
    "follow_on_route": "tender",
    "follow_on_payer": 1,
    "follow_on_by": (NOW + 70 * DAY).date(),
    "questions_until": None,
    "closes_at": NOW + 21 * DAY,
    "pitches_by": NOW + 40 * DAY,
    "decision_by": NOW + 60 * DAY,
    "published_at": None,
    "shortlisted_at": None,
    "concluded_at": None,
    "cancelled_at": None,
    "buyer": 1,
}
PUBLISHED = {"published_at": NOW, "questions_until": NOW + 10 * DAY}


def challenge(**facts: Any) -> Challenge:
    return given.row(Challenge, **{**WHOLE, **facts})


def draft(
    mission: Mission | None = MISSION, criteria: Any = CRITERIA, panel: int = 2, **facts: Any
) -> draft_rules.Draft:
    return draft_rules.Draft(challenge(**facts), mission, criteria, panel, NOW)


@pytest.mark.parametrize(
    ("facts", "days", "stage"),
    [
        ({}, 0, "draft"),
        ({"closes_at": None}, 0, "draft"),
        (PUBLISHED, 0, "questions"),
        (PUBLISHED, 10, "questions"),
        (PUBLISHED, 10.001, "open"),
        (PUBLISHED, 21, "open"),
        (PUBLISHED, 21.001, "closed"),
        ({**PUBLISHED, "questions_until": None}, 1, "open"),
        ({**PUBLISHED, "shortlisted_at": NOW}, 30, "pitching"),
        ({**PUBLISHED, "shortlisted_at": NOW, "concluded_at": NOW}, 30, "concluded"),
        ({**PUBLISHED, "cancelled_at": NOW}, 5, "cancelled"),
        ({**PUBLISHED, "shortlisted_at": NOW, "cancelled_at": NOW}, 30, "cancelled"),
    ],
)
def test_the_stage_follows_from_the_dates(facts: dict[str, Any], days: float, stage: str) -> None:
    assert challenge_rules.stage(challenge(**facts), NOW + days * DAY) == stage
    assert stage in challenge_rules.STAGES


@pytest.mark.parametrize(
    ("given_draft", "codes"),
    [
        pytest.param(draft(), [], id="a whole draft may be published"),
        pytest.param(draft(published_at=NOW), ["challenge.already-published"], id="once"),
        pytest.param(draft(mission=None), ["challenge.mission-missing"], id="under a mission"),
        pytest.param(
            draft(mission=given.row(Mission, published_at=None)), ["challenge.mission-missing"], id="that is published"
        ),
        pytest.param(draft(title=" "), ["challenge.problem-missing"], id="a problem in a sentence"),
        pytest.param(draft(who_has_it=""), ["challenge.problem-missing"], id="who has it"),
        pytest.param(draft(evidence="\n"), ["challenge.problem-missing"], id="how that is known"),
        pytest.param(draft(success=""), ["challenge.success-missing"], id="how success is seen"),
        pytest.param(draft(out_of_scope=""), ["challenge.scope-missing"], id="what is out of scope"),
        pytest.param(draft(method="handshake"), ["challenge.method-not-approved"], id="an approved method"),
        pytest.param(draft(cpv=[]), ["challenge.cpv-missing"], id="a CPV code"),
        pytest.param(draft(cpv=["90711500", "00000001"]), ["challenge.cpv-missing"], id="a known one"),
        pytest.param(draft(cpv=["90711500", "35125100", "71700000"]), [], id="three at the most"),
        pytest.param(
            draft(cpv=["90711500", "35125100", "71700000", "79822500"]), ["challenge.too-many-codes"], id="not four"
        ),
        pytest.param(draft(cpv=["72000000"]), ["challenge.code-too-wide"], id="not a whole division"),
        pytest.param(draft(cpv=["72300000"]), [], id="a group is narrow enough"),
        pytest.param(draft(follow_on_minor=None), ["challenge.follow-on-missing"], id="what may follow"),
        pytest.param(draft(follow_on_minor=0), ["challenge.follow-on-missing"], id="which is worth something"),
        pytest.param(draft(follow_on_route=""), ["challenge.follow-on-missing"], id="how it is bought"),
        pytest.param(draft(follow_on_payer=None), ["challenge.follow-on-missing"], id="who pays"),
        pytest.param(draft(follow_on_by=None), ["challenge.follow-on-missing"], id="decided when"),
        pytest.param(draft(follow_on_payer=2), ["challenge.follow-on-route-wrong"], id="another body buys itself"),
        pytest.param(draft(follow_on_payer=2, follow_on_route="other-body"), [], id="and then it may"),
        pytest.param(draft(follow_on_route="other-body"), ["challenge.follow-on-route-wrong"], id="which is another"),
        pytest.param(
            draft(follow_on_by=(NOW + 59 * DAY).date()), ["challenge.follow-on-too-early"], id="not before it is known"
        ),
        pytest.param(draft(follow_on_by=(NOW + 60 * DAY).date()), [], id="on the same day"),
        pytest.param(draft(profile="open-services"), ["challenge.profile-malformed"], id="a profile with its version"),
        pytest.param(draft(profile="open-services@1.2"), [], id="which may be 1.2"),
        pytest.param(draft(fee_minor=0), ["challenge.fee-missing"], id="a fee"),
        pytest.param(draft(places=1), ["challenge.too-few-places"], id="enough places"),
        pytest.param(draft(revenue_share=""), ["challenge.terms-missing"], id="terms"),
        pytest.param(draft(criteria=()), ["challenge.criteria-missing"], id="criteria"),
        pytest.param(draft(criteria=CRITERIA[:1]), ["challenge.weights-not-100"], id="that weigh 100"),
        pytest.param(draft(decision_by=None), ["challenge.dates-missing"], id="all dates"),
        pytest.param(draft(pitches_by=NOW + 20 * DAY), ["challenge.dates-out-of-order"], id="in order"),
        pytest.param(draft(decision_by=NOW + 40 * DAY), ["challenge.dates-out-of-order"], id="none at once"),
        pytest.param(draft(closes_at=NOW + 13 * DAY), ["challenge.too-short"], id="thirteen days are too few"),
        pytest.param(draft(closes_at=NOW + 14 * DAY), [], id="fourteen are enough"),
        pytest.param(draft(closes_at=NOW - DAY), ["challenge.too-short"], id="a date gone by is none"),
        pytest.param(
            draft(questions_until=NOW - DAY),
            ["challenge.questions-end-wrongly"],
            id="questions do not end before they begin",
        ),
        pytest.param(
            draft(questions_until=NOW + 20.9 * DAY),
            ["challenge.questions-end-wrongly"],
            id="nor too late for an answer to be used",
        ),
        pytest.param(draft(questions_until=NOW + 17 * DAY), [], id="a working day before the last is in time"),
        pytest.param(draft(panel=1), ["challenge.panel-too-small"], id="two evaluators"),
    ],
)
def test_what_blocks_publication(given_draft: draft_rules.Draft, codes: list[str]) -> None:
    assert [refusal.code for refusal in refusals(draft_rules.PUBLISH, given_draft)] == codes


def test_questions_end_at_the_policys_share_unless_the_buyer_says_otherwise() -> None:
    usual = draft_rules.questions_end(challenge(), NOW)
    assert usual is not None
    share = (usual - NOW) / (21 * DAY)
    assert share == pytest.approx(policy.IN_FORCE.questions.close_percent / 100, abs=0.001)
    said = NOW + 5 * DAY
    assert draft_rules.questions_end(challenge(questions_until=said), NOW) == said
    assert draft_rules.questions_end(challenge(closes_at=None), NOW) is None


@pytest.mark.parametrize(
    ("facts", "days", "codes"),
    [
        (PUBLISHED, 20, []),
        (PUBLISHED, 21, []),
        (PUBLISHED, 21.00001, ["application.too-late"]),
        ({}, 0, ["application.not-open"]),
        ({**PUBLISHED, "cancelled_at": NOW}, 1, ["application.not-open"]),
        ({**PUBLISHED, "shortlisted_at": NOW + 22 * DAY}, 23, ["application.too-late"]),
    ],
)
def test_applying_ends_with_the_closing_moment(facts: dict[str, Any], days: float, codes: list[str]) -> None:
    assert [
        refusal.code for refusal in refusals(application_rules.APPLY, challenge(**facts), NOW + days * DAY)
    ] == codes


@pytest.mark.parametrize(
    ("facts", "days", "codes"),
    [
        (PUBLISHED, 22, []),
        (PUBLISHED, 20, ["shortlist.not-closed"]),
        ({**PUBLISHED, "shortlisted_at": NOW}, 22, ["shortlist.already-made"]),
        ({**PUBLISHED, "cancelled_at": NOW}, 22, ["shortlist.already-made"]),
    ],
)
def test_when_the_short_list_is_made(facts: dict[str, Any], days: int, codes: list[str]) -> None:
    found = refusals(shortlist_rules.SHORTLIST, challenge(**facts), NOW + days * DAY)
    assert [refusal.code for refusal in found] == codes


PITCHING = {**PUBLISHED, "shortlisted_at": NOW + 23 * DAY}
AT = NOW + 30 * DAY


@pytest.mark.parametrize(
    ("facts", "pitch", "now", "schedule", "deliver", "miss"),
    [
        (PITCHING, {}, AT, [], ["pitch.not-scheduled"], []),
        (PITCHING, {"scheduled_at": AT}, AT, [], [], []),
        (PITCHING, {"scheduled_at": AT}, AT - DAY, [], ["pitch.too-early"], []),
        (
            PITCHING,
            {"scheduled_at": AT, "delivered_at": AT},
            AT,
            ["pitch.already-delivered"],
            ["pitch.already-delivered"],
            ["pitch.already-delivered"],
        ),
        (PITCHING, {"scheduled_at": AT, "missed_at": AT}, AT, [], [], ["pitch.already-missed"]),
        (
            {**PITCHING, "concluded_at": AT},
            {"scheduled_at": AT},
            AT,
            ["pitch.not-now"],
            ["pitch.not-now"],
            ["pitch.not-now"],
        ),
    ],
)
def test_a_pitch_is_arranged_given_or_missed(
    facts: dict[str, Any],
    pitch: dict[str, Any],
    now: datetime,
    schedule: list[str],
    deliver: list[str],
    miss: list[str],
) -> None:
    row = given.row(Pitch, **{"scheduled_at": None, "delivered_at": None, "missed_at": None, **pitch})
    for guarded, codes in ((pitch_rules.SCHEDULE, schedule), (pitch_rules.DELIVER, deliver), (pitch_rules.MISS, miss)):
        assert [refusal.code for refusal in refusals(guarded, challenge(**facts), row, now)] == codes


def test_a_pitch_is_arranged_for_a_time_to_come() -> None:
    assert pitch_rules.is_arranged_ahead(NOW + DAY, NOW) is None
    assert pitch_rules.is_arranged_ahead(NOW, NOW) is not None


REPORT = given.row(InsightReport, title="T", tried="T", worked="W", did_not_work="", evidence="E", others="O")


@pytest.mark.parametrize(
    ("facts", "teams", "report", "decision", "reasons", "codes"),
    [
        (PITCHING, (), REPORT, "go", "It works.", []),
        (PITCHING, ("Wetfoot",), REPORT, "stop", "It does not.", ["challenge.pitches-open"]),
        (PITCHING, (), None, "change", "Radio.", ["challenge.report-missing"]),
        (PITCHING, (), given.row(InsightReport, title="T"), "go", "It works.", ["challenge.report-missing"]),
        (PITCHING, (), REPORT, "maybe", "", ["challenge.decision-missing", "challenge.reasons-missing"]),
        (PUBLISHED, (), REPORT, "go", "It works.", ["challenge.not-short-listed"]),
        ({**PITCHING, "concluded_at": AT}, (), REPORT, "go", "It works.", ["challenge.already-ended"]),
        ({**PITCHING, "cancelled_at": AT}, (), REPORT, "go", "It works.", ["challenge.already-ended"]),
    ],
)
def test_what_the_conclusion_waits_for(
    facts: dict[str, Any],
    teams: tuple[str, ...],
    report: InsightReport | None,
    decision: str,
    reasons: str,
    codes: list[str],
) -> None:
    ending = challenge_rules.Ending(challenge(**facts), teams, report, decision, reasons, AT)
    assert [refusal.code for refusal in refusals(challenge_rules.CONCLUDE, ending)] == codes


@pytest.mark.parametrize(
    ("facts", "reason", "codes"),
    [
        (PUBLISHED, "The street is closed.", []),
        (PITCHING, "The street is closed.", []),
        (PUBLISHED, "", ["challenge.cancel-reason-missing"]),
        ({}, "Why not.", ["challenge.cannot-cancel"]),
        ({**PITCHING, "concluded_at": AT}, "Too late.", ["challenge.cannot-cancel"]),
        ({**PUBLISHED, "cancelled_at": AT}, "Twice.", ["challenge.cannot-cancel"]),
    ],
)
def test_what_may_be_cancelled(facts: dict[str, Any], reason: str, codes: list[str]) -> None:
    assert [refusal.code for refusal in refusals(challenge_rules.CANCEL, challenge(**facts), reason, AT)] == codes


@pytest.mark.parametrize(
    ("facts", "days", "refused"), [(PUBLISHED, 1, True), (PUBLISHED, 22, False), (PITCHING, 30, False), ({}, 0, True)]
)
def test_the_report_is_written_after_the_closing(facts: dict[str, Any], days: int, refused: bool) -> None:
    assert bool(refusals(insight_rules.REPORT, challenge(**facts), NOW + days * DAY)) is refused


def test_only_an_exercise_somebody_took_part_in_opens_the_gate() -> None:
    assert challenge_rules.keeps_the_gate_shut(challenge(), 1) is None
    assert challenge_rules.keeps_the_gate_shut(challenge(), 0) is not None
    assert challenge_rules.keeps_the_gate_shut(challenge(method="handshake"), 3) is not None


def test_the_panel_stands_when_its_work_is_used_or_given_up() -> None:
    assert challenge_rules.panel_stands(challenge(**PUBLISHED), NOW + 22 * DAY) == ""
    assert challenge_rules.panel_stands(challenge(**PITCHING), AT) != ""
    assert challenge_rules.panel_stands(challenge(**PUBLISHED, cancelled_at=NOW), NOW + 22 * DAY) != ""


def test_a_supplier_has_one_application_that_lives() -> None:
    live = given.row(Application, withdrawn_at=None)
    gone = given.row(Application, withdrawn_at=datetime(2026, 1, 1, tzinfo=UTC))
    assert application_rules.applies_once(None) is None
    assert application_rules.applies_once(gone) is None
    assert application_rules.applies_once(live) is not None
    assert application_rules.is_not_withdrawn(live) is None
    assert application_rules.is_not_withdrawn(gone) is not None
    assert application_rules.is_not_the_buyer(challenge(), 1) is not None
    assert application_rules.is_not_the_buyer(challenge(), 2) is None


def application_dates(**facts: Any) -> application_rules.Dates:
    """The dates of an application to a challenge that closed five days ago, unless said otherwise."""
    names = application_rules.Dates.__struct_fields__
    begun = {"published_at": NOW - 30 * DAY, "closes_at": NOW - 5 * DAY, "decision_by": NOW + 40 * DAY}
    return application_rules.Dates(**{**dict.fromkeys(names), "shortlisted": False, **begun, **facts})


CUT = {"shortlisted_at": NOW - DAY, "pitches_by": NOW + 20 * DAY}
INVITED = CUT | {"shortlisted": True}


@pytest.mark.parametrize(
    ("facts", "stage", "word", "tone", "when"),
    [
        ({"closes_at": NOW}, "sent", "Sent", "green", NOW),
        ({}, "scored", "Being scored", "amber", NOW + 40 * DAY),
        ({"withdrawn_at": NOW - 6 * DAY}, "withdrawn", "Withdrawn", "grey", NOW - 6 * DAY),
        ({"cancelled_at": NOW}, "cancelled", "Cancelled", "red", NOW),
        (CUT, "left-out", "Not short-listed", "grey", NOW - DAY),
        (INVITED, "invited", "Invited to pitch", "teal", NOW + 20 * DAY),
        (INVITED | {"scheduled_at": NOW + DAY}, "invited", "Invited to pitch", "teal", NOW + DAY),
        (INVITED | {"missed_at": NOW}, "missed", "Pitch not given", "red", NOW),
        (INVITED | {"delivered_at": NOW}, "owed", "Pitched, fee owed", "amber", workdays.pitch_fee_due_at(NOW)),
        (INVITED | {"delivered_at": NOW - DAY, "paid_at": NOW}, "paid", "Pitched and paid", "green", NOW),
        (
            INVITED | {"delivered_at": NOW - DAY, "concluded_at": NOW},
            "owed",
            "Pitched, fee owed",
            "amber",
            workdays.pitch_fee_due_at(NOW - DAY),
        ),
    ],
)
def test_an_application_has_come_as_far_as_its_dates_say(
    facts: dict[str, Any], stage: str, word: str, tone: str, when: datetime
) -> None:
    standing = application_rules.standing(application_dates(**facts), NOW)
    assert (standing.stage, standing.word, standing.tone, standing.when) == (stage, word, tone, when)


@pytest.mark.parametrize(
    ("fee", "days", "codes"),
    [
        (400_000, (30, 60, 90), []),
        (4_999_999, (365, 365, 365), []),
        (5_000_000, (30, 60, 90), ["challenge.fee-unusual"]),
        (400_000, (30, 60, 366), ["challenge.dates-far"]),
        (400_000_00, (8000, 8030, 8060), ["challenge.fee-unusual", "challenge.dates-far"]),
        (0, (None, None, None), []),
    ],
)
def test_a_fee_or_a_date_that_looks_like_a_slip_is_asked_about(
    fee: int, days: tuple[int | None, int | None, int | None], codes: list[str]
) -> None:
    closes, pitches, decision = (None if each is None else NOW + timedelta(days=each) for each in days)
    asked = refusals(draft_rules.ASKED, draft_rules.Offered(Money(fee), closes, pitches, decision, NOW))
    assert [each.code for each in asked] == codes
    assert all(each.confirm for each in asked)
