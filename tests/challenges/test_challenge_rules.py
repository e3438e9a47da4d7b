"""The rules of challenges as truth tables, on rows in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from challenges import meaning
from challenges import rules as challenge_rules
from challenges.applications import rules as application_rules
from challenges.drafts import rules as draft_rules
from challenges.effort.facts import Draft
from challenges.insights import rules as insight_rules
from challenges.judging import rules as shortlist_rules
from challenges.pitches import rules as pitch_rules
from challenges.quiet import rules as quiet_rules
from challenges.tables import Application, Challenge, Criterion, InsightReport, Measure, Pitch, Statement
from market import policy, workdays
from market.budgets.rules import Naming
from market.hands.rules import Doing, Hand, Link
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
    "problem": "Half of the visits find nothing, and the other half come too late.",
    "who_has_it": "1,140 homes in eleven streets.",
    "evidence": "312 reports last winter.",
    "success": "Within two hours.",
    "out_of_scope": "Emptying.",
    "cpv": ["90711500"],
    "fee_minor": 400_000,
    "places": 2,
    "least_mark": 50,
    "currency": "GBP",
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


MEASURE = Measure(
    ref="ME-1",
    measure="Hours between a gully blocking and the crew knowing",
    unit="hours",
    baseline="19.5",
    better="at-most",
    target="2",
    due_on=(NOW + 90 * DAY).date(),
    how="From the sensor's time stamp to the crew's list.",
    value="",
    measured_on=None,
    measured_how="",
)


def measured(**facts: Any) -> tuple[Measure, ...]:
    return (msgspec.structs.replace(MEASURE, **facts),)


def draft(
    mission: Mission | None = MISSION,
    criteria: Any = CRITERIA,
    panel: int = 2,
    measures: tuple[Measure, ...] = (MEASURE,),
    naming: Naming | None = None,
    **facts: Any,
) -> Draft:
    return Draft(challenge(**facts), mission, measures, criteria, panel, naming or given.naming(), NOW)


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
        pytest.param(draft(success=""), [], id="words beside the figures are not owed"),
        pytest.param(draft(measures=()), ["challenge.success-missing"], id="how success is measured"),
        pytest.param(draft(measures=measured(how="Somehow.")), ["challenge.measure-says-nothing"], id="and how"),
        pytest.param(
            draft(measures=measured(measure="Drains", unit="drains")), ["challenge.measure-says-nothing"], id="what"
        ),
        pytest.param(draft(measures=measured(baseline="")), [], id="where it stands may be unknown"),
        pytest.param(draft(measures=measured(baseline="2")), ["challenge.measure-met-already"], id="not met already"),
        pytest.param(
            draft(measures=measured(baseline="3", better="at-least")), ["challenge.measure-met-already"], id="nor so"
        ),
        pytest.param(draft(measures=(MEASURE, *measured(baseline="2"))), [], id="but one may only not get worse"),
        pytest.param(
            draft(measures=measured(due_on=(NOW + 20 * DAY).date())), ["challenge.measure-due-early"], id="due later"
        ),
        pytest.param(draft(problem="a " * 400), ["challenge.text-says-nothing"], id="one letter four hundred times"),
        pytest.param(draft(problem="flood " * 400), ["challenge.text-says-nothing"], id="one word"),
        pytest.param(
            draft(problem="Half of the visits find nothing, and the other half come too late. " * 30),
            ["challenge.text-says-nothing"],
            id="one sentence thirty times",
        ),
        pytest.param(draft(problem="Too short a problem."), ["challenge.text-says-nothing"], id="three words"),
        pytest.param(draft(who_has_it="Us"), ["challenge.text-says-nothing"], id="who it is"),
        pytest.param(draft(evidence="x y z w v u"), ["challenge.text-says-nothing"], id="letters are no words"),
        pytest.param(draft(fee_minor=1), ["challenge.fee-too-small"], id="not a penny"),
        pytest.param(draft(fee_minor=99_999), ["challenge.fee-too-small"], id="nor a penny below the least fee"),
        pytest.param(draft(fee_minor=100_000), [], id="the least fee"),
        pytest.param(
            draft(fee_minor=299_999, follow_on_minor=100_000_000), ["challenge.fee-below-share"], id="and its share"
        ),
        pytest.param(draft(fee_minor=300_000, follow_on_minor=100_000_000), [], id="three per mille"),
        pytest.param(
            draft(fee_minor=2_499_999, follow_on_minor=90_000_000_000), ["challenge.fee-below-share"], id="of millions"
        ),
        pytest.param(draft(fee_minor=2_500_000, follow_on_minor=90_000_000_000), [], id="up to a ceiling"),
        pytest.param(draft(currency="EUR"), ["challenge.fee-too-small"], id="in the currency of the policy"),
        pytest.param(draft(least_mark=0), ["challenge.least-mark-missing"], id="a least mark"),
        pytest.param(draft(least_mark=39), ["challenge.least-mark-missing"], id="not below the floor"),
        pytest.param(draft(least_mark=40), [], id="at the floor"),
        pytest.param(draft(least_mark=70), [], id="at the ceiling"),
        pytest.param(draft(least_mark=71), ["challenge.least-mark-missing"], id="which keeps nobody out for good"),
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
        pytest.param(draft(closes_at=NOW + 14 * DAY), ["challenge.too-short"], id="two weeks with a bank holiday"),
        pytest.param(draft(closes_at=NOW + 15 * DAY), [], id="ten working days are enough"),
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
def test_what_blocks_publication(given_draft: Draft, codes: list[str]) -> None:
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


SAID = {
    "title": "T",
    "tried": "Three sensors in eleven streets.",
    "worked": "Listening to the falling water.",
    "did_not_work": "",
    "evidence": "All readings are open data.",
    "others": "Walk the streets before ordering.",
}
REPORT = given.row(InsightReport, **SAID)
EMPTY = given.row(InsightReport, **{**SAID, "worked": "W", "did_not_work": "a a a a a a"})
WORKS = "It met the target."


@pytest.mark.parametrize(
    ("facts", "teams", "report", "decision", "reasons", "codes"),
    [
        (PITCHING, (), REPORT, "go", WORKS, []),
        (PITCHING, ("Wetfoot",), REPORT, "stop", "It does not help anybody.", ["challenge.pitches-open"]),
        (PITCHING, (), None, "change", "Radio does not reach them.", ["challenge.report-missing"]),
        (PITCHING, (), given.row(InsightReport, title="T"), "go", WORKS, ["challenge.report-missing"]),
        (PITCHING, (), EMPTY, "go", WORKS, ["challenge.report-says-nothing"]),
        (PITCHING, (), REPORT, "maybe", "", ["challenge.decision-missing", "challenge.reasons-missing"]),
        (PITCHING, (), REPORT, "go", "x", ["challenge.reasons-missing"]),
        (PUBLISHED, (), REPORT, "go", WORKS, ["challenge.not-short-listed"]),
        ({**PITCHING, "concluded_at": AT}, (), REPORT, "go", WORKS, ["challenge.already-ended"]),
        ({**PITCHING, "cancelled_at": AT}, (), REPORT, "go", WORKS, ["challenge.already-ended"]),
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
    ending = challenge_rules.Ending(challenge(**facts), teams, 2, (), report, decision, reasons, AT)
    assert [refusal.code for refusal in refusals(challenge_rules.CONCLUDE, ending)] == codes


@pytest.mark.parametrize(
    ("pitched", "unmeasured", "codes"),
    [(2, (), []), (2, ("Hours",), ["challenge.not-measured"]), (0, ("Hours",), [])],
)
def test_each_criterion_is_measured_where_anybody_pitched(
    pitched: int, unmeasured: tuple[str, ...], codes: list[str]
) -> None:
    ending = challenge_rules.Ending(challenge(**PITCHING), (), pitched, unmeasured, REPORT, "go", WORKS, AT)
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


@pytest.mark.parametrize(
    ("method", "pitches", "statement", "short"),
    [
        ("open-challenge", 2, "", ""),
        ("open-challenge", 1, "", "pitches"),
        ("open-challenge", 0, "", "pitches"),
        ("open-challenge", 1, "QS-1", ""),
        ("handshake", 3, "QS-1", "method"),
    ],
)
def test_only_an_exercise_enough_teams_took_part_in_opens_the_gate(
    method: str, pitches: int, statement: str, short: str
) -> None:
    effort = challenge_rules.Effort(method, pitches, statement)
    assert challenge_rules.falls_short(effort) == short
    assert (challenge_rules.keeps_the_gate_shut(effort) is None) == (short == "")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("47", "47"),
        ("1,140", "1140"),
        (" 7.6 ", "7.6"),
        ("-3", "-3"),
        ("\N{MINUS SIGN}3", "-3"),
        ("47 per cent", None),
        ("1,14", None),
        ("soon", None),
        ("", None),
        ("1e9", None),
        ("NaN", None),
        ("9" * 25, None),
    ],
)
def test_a_figure_is_a_figure(typed: str, kept: str | None) -> None:
    assert meaning.figure(typed) == kept


def test_success_lies_on_its_side_of_the_target() -> None:
    assert [meaning.reaches(value, "at-most", "2") for value in ("1.1", "2.0", "2.1")] == [True, True, False]
    assert [meaning.reaches(value, "at-least", "80") for value in ("79.9", "80", "100")] == [False, True, True]


def test_honest_texts_say_something_however_short_or_long() -> None:
    assert meaning.is_answer("312 reports last winter.")
    assert meaning.is_problem("Crews empty gullies by the calendar; half of the visits find nothing.")
    story = yaml.safe_load((Path(__file__).parents[2] / "fixtures" / "demo" / "challenges.yaml").read_text("utf-8"))
    for each in story["challenges"]:
        assert meaning.is_problem(each["problem"]), each["key"]
    everything = " ".join(str(each) for each in story["challenges"])
    assert len(meaning.words(everything)) > 10_000
    assert meaning.says_something(everything[:20_000], 8)


@pytest.mark.parametrize(
    ("days", "how", "codes"),
    [
        (10, "From the sensor to the list.", []),
        (-1, "From the sensor to the list.", ["report.measured-outside"]),
        (31, "From the sensor to the list.", ["report.measured-outside"]),
        (10, "Somehow", ["report.measured-how"]),
    ],
)
def test_a_value_is_measured_during_the_exercise_and_says_how(days: int, how: str, codes: list[str]) -> None:
    measuring = insight_rules.Measuring(challenge(**PITCHING), (NOW + days * DAY).date(), how, AT)
    assert [each.code for each in refusals(insight_rules.MEASURE, measuring)] == codes


def said(verdict: str = "") -> Statement:
    at = AT if verdict else None
    return Statement("QS-1", "", "Maya", AT, verdict, "", "", at)


QUIET = " ".join(
    [
        "We",
        "wrote",
        "to",
        "forty",
        "firms",
        "that",
        "clean",
        "drains,",
        "held",
        "two",
        "open",
        "days",
        "and",
        "asked",
        "in",
        "the",
        "trade",
        "journal;",
        "eleven",
        "answered",
        "that",
        "the",
        "season",
        "was",
        "full",
        "and",
        "that",
        "winter",
        "work",
        "pays",
        "them",
        "more.",
    ]
)


@pytest.mark.parametrize(
    ("facts", "pitches", "teams", "before", "text", "codes"),
    [
        (PITCHING, 1, (), (), QUIET, []),
        (PITCHING, 1, (), (said("refused"),), QUIET, []),
        (PUBLISHED, 0, (), (), QUIET, ["quiet.not-now"]),
        ({**PITCHING, "concluded_at": AT}, 1, (), (), QUIET, ["quiet.not-now"]),
        (PITCHING, 1, ("Wetfoot",), (), QUIET, ["quiet.pitches-open"]),
        (PITCHING, 2, (), (), QUIET, ["quiet.not-needed"]),
        (PITCHING, 1, (), (said(),), QUIET, ["quiet.said-already"]),
        (PITCHING, 1, (), (said("approved"),), QUIET, ["quiet.said-already"]),
        (PITCHING, 1, (), (), "Nobody came. " * 30, ["quiet.too-short"]),
    ],
)
def test_when_a_buyer_may_say_that_the_market_stayed_away(
    facts: dict[str, Any], pitches: int, teams: Any, before: Any, text: str, codes: list[str]
) -> None:
    stating = quiet_rules.Stating(challenge(**facts), pitches, teams, before, text, AT)
    assert [each.code for each in refusals(quiet_rules.STATE, stating)] == codes


@pytest.mark.parametrize(
    ("facts", "statement", "person", "done", "links", "ours", "reasons", "codes"),
    [
        (PITCHING, said(), "B", "explain-quiet", [], False, WORKS, []),
        (PITCHING, said("refused"), "B", "explain-quiet", [], False, WORKS, ["quiet.decided-already"]),
        ({**PITCHING, "concluded_at": AT}, said(), "B", "draft", [], False, WORKS, ["quiet.decided-already"]),
        (PITCHING, said(), "B", "explain-quiet", [], True, WORKS, ["quiet.own-body"]),
        (PITCHING, said(), "A", "explain-quiet", [], False, WORKS, ["quiet.same-person"]),
        (PITCHING, said(), "A", "draft", [], False, WORKS, ["quiet.same-person"]),
        (PITCHING, said(), "B", "draft", [("A", "B")], False, WORKS, ["quiet.one-pair-of-hands"]),
        (PITCHING, said(), "B", "explain-quiet", [], False, "ok", ["quiet.unreasoned"]),
    ],
)
def test_who_may_agree_that_the_market_stayed_away(
    facts: dict[str, Any],
    statement: Statement,
    person: str,
    done: str,
    links: list[tuple[str, str]],
    ours: bool,
    reasons: str,
    codes: list[str],
) -> None:
    hands = [Hand(done, "A", "Maya")]
    doing = Doing("agree-quiet", person, hands, [Link(*each, AT + DAY) for each in links])
    deciding = quiet_rules.Deciding(challenge(**facts), statement, doing, ours, reasons, AT)
    assert [each.code for each in refusals(quiet_rules.DECIDE, deciding)] == codes


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
