"""An exercise that means something: the sham of 0.1.0 refused at each step, and the statement why the market stayed away."""

from __future__ import annotations

from dataclasses import replace

import asyncpg
import httpx
import pytest
from litestar import Litestar

from challenges import actions as challenges
from challenges.drafts import actions as drafting
from challenges.exercise import effort_of, measures_of
from challenges.insights import actions as insights
from challenges.judging import actions as judging
from challenges.pitches import actions as pitches
from challenges.quiet import actions as quiet
from challenges.tables import Challenge, MeasuredValue, QuietStatement
from market import clock, drafts
from market.accounts.sessions import actor_of
from market.accounts.tables import Membership
from market.audit.tables import Event
from market.db import many
from market.letters.tables import Letter
from market.refusals import NotFound, Refused
from market.tenders import gate
from market.tenders import rules as tender_rules
from market.tenders.readers import candidate
from market.tenders.tables import InnovationEvidence
from tests import given
from tests.challenges import exercise
from tests.challenges.exercise import BEGINS, CLOSED, CLOSES, DAY, HEARD, Exercise

pytestmark = pytest.mark.usefixtures("clean")

GO = challenges.Conclusion("go", "It met the target.")
AGREED = quiet.Verdict("approved", "Forty letters and two open days are enough.")


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


def said(answer: httpx.Response) -> str:
    return " ".join(answer.text.split())


# ── the sham of 0.1.0 ──────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_fee_of_a_penny_and_one_letter_texts_are_not_published() -> None:
    made = await exercise.drafted(fee_minor=1, least_mark=0)
    with clock.at(BEGINS):
        mission = made.mission.ref
        letters = drafting.Problem(exercise.PROBLEM.title, mission, "open-challenge", "x", "x", "x")
        await drafting.edit(made.officer, made.ref, letters, await given.as_is(drafting.Problem, Challenge, made.ref))
        (measure,) = await measures_of(await made.row())
        await drafting.remove_measure(made.officer, made.ref, measure.ref)
        with pytest.raises(Refused) as refused:
            await drafting.publish(made.officer, made.ref)
    assert codes(refused) == [
        "challenge.text-says-nothing",
        "challenge.success-missing",
        "challenge.fee-too-small",
        "challenge.least-mark-missing",
    ]


async def test_a_fee_below_its_share_is_not_published_and_a_smaller_follow_on_opens_less() -> None:
    made = await exercise.drafted(fee_minor=299_900)
    with clock.at(BEGINS), pytest.raises(Refused) as refused:
        await drafting.publish(made.officer, made.ref)
    assert codes(refused) == ["challenge.fee-below-share"]
    assert "at least £3,000" in refused.value.reasons[0].reason
    understated = replace_follow_on(40_000_000)
    with clock.at(BEGINS):
        await drafting.edit(
            made.officer, made.ref, understated, await given.as_is(drafting.FollowOn, Challenge, made.ref)
        )
        await given.approved("challenge", made.ref, made.officer)
        await drafting.publish(made.officer, made.ref)
        stated = await drafting.stated(await made.row())
    assert stated is not None
    assert stated.most.minor == 60_000_000, "whoever pays less opens less"


def replace_follow_on(minor: int) -> drafting.FollowOn:
    """The follow-on of the exercise with another value."""
    return drafting.FollowOn(minor, "tender", "", exercise.FOLLOW_ON.follow_on_by)


async def test_one_applicant_marked_one_of_ten_is_not_short_listed() -> None:
    made = await exercise.applied(1)
    await exercise.marked(made, [10])
    with clock.at(CLOSED + DAY):
        await judging.shortlist(made.officer, made.ref)
    assert await pitches.pitches_of(await made.row()) == []
    letter = await Letter.select(Letter.text).where(Letter.about == f"application:{made.applications[0].ref}")
    assert any("Nobody with fewer than 50 points of 100 is short-listed" in each["text"] for each in letter)


async def test_at_the_least_mark_she_is_short_listed_and_below_it_not_however_many_places_are_free() -> None:
    made = await exercise.applied(3, places=5)
    await exercise.marked(made, [50, 49, 51])
    with clock.at(CLOSED + DAY):
        await judging.shortlist(made.officer, made.ref)
    invited = {each.supplier for each in await pitches.pitches_of(await made.row())}
    assert invited == {made.suppliers[0].id, made.suppliers[2].id}


async def test_the_least_mark_and_the_criteria_stay_as_suppliers_read_them() -> None:
    made = await exercise.opened()
    row = await made.row()
    lower = drafting.Offer(**{**drafts.stored(drafting.Offer, row), "least_mark": 40})
    (measure,) = await measures_of(row)
    with clock.at(BEGINS + DAY):
        for act in (
            drafting.edit(made.officer, made.ref, lower, drafts.version(drafting.Offer, row)),
            drafting.add_measure(made.officer, made.ref, exercise.MEASURE),
            drafting.remove_measure(made.officer, made.ref, measure.ref),
        ):
            with pytest.raises(Refused) as refused:
                await act
            assert codes(refused) == ["challenge.already-published"]
    assert (await made.row()).least_mark == 50


async def test_nothing_is_concluded_without_a_measured_value_of_each_criterion() -> None:
    made = await exercise.heard()
    with clock.at(HEARD + DAY):
        await insights.write_report(made.officer, made.ref, exercise.REPORT, drafts.NOTHING)
        with pytest.raises(Refused) as refused:
            await challenges.conclude(made.officer, made.ref, GO)
        assert codes(refused) == ["challenge.not-measured"]
        (measure,) = await measures_of(await made.row())
        for value, on, how, code in (
            ("much better", HEARD.date(), exercise.HOW, "challenge.not-a-figure"),
            ("1.1", (BEGINS - DAY).date(), exercise.HOW, "report.measured-outside"),
            ("1.1", (HEARD + 9 * DAY).date(), exercise.HOW, "report.measured-outside"),
            ("1.1", HEARD.date(), "a a a a a a", "report.measured-how"),
        ):
            with pytest.raises(Refused) as refused:
                await insights.measure(made.officer, made.ref, measure.ref, insights.ValueDraft(value, on, how))
            assert codes(refused) == [code]
        with pytest.raises(NotFound):
            await insights.measure(
                made.officer, made.ref, "ME-NOTHING", insights.ValueDraft("1.1", HEARD.date(), exercise.HOW)
            )
        await exercise.measured(made, "1.9")
        await exercise.measured(made, "1.1")
        await challenges.conclude(made.officer, made.ref, GO)
        with pytest.raises(Refused) as late:
            await exercise.measured(made, "0.1")
    assert codes(late) == ["report.published"]
    (found,) = await measures_of(await made.row())
    assert (found.value, found.met, await MeasuredValue.count()) == ("1.1", True, 2)
    event = await Event.objects().where(Event.verb == "challenge.concluded").first()
    assert event is not None
    assert '"value":"1.1 hours"' in event.body
    secret = await Event.select(Event.body).where(Event.verb == "challenge.measured")
    assert not any("1.9" in each["body"] for each in secret), "a value is public with the report"
    with pytest.raises(asyncpg.RestrictViolationError):
        await many("UPDATE measured_value SET value = '0'")


# ── too few teams ──────────────────────────────────────────────────────────────────────────────────────────────────


async def sister_tender(made: Exercise) -> given.Tendering:
    """A tender of the body that ran the exercise, on its codes, for the rule that binds central government."""
    made.buyer.tier = "central"
    await made.buyer.save()
    tender = await given.tendering(made.buyer, codes=["90711500"], exercised=False)
    await given.origin(tender, made.ref)
    return tender


async def test_a_go_after_one_pitch_stands_but_opens_nothing_and_the_gate_says_so() -> None:
    made = await exercise.one_team()
    with clock.at(HEARD + DAY):
        await challenges.conclude(made.officer, made.ref, GO)
        tender = await sister_tender(made)
        with pytest.raises(Refused) as refused:
            await tender.publish()
    reasons = {each.code: each.reason for each in refused.value.reasons}
    assert set(reasons) == {"tender.innovation-first", "tender.exercise-too-small"}
    assert reasons["tender.exercise-too-small"].startswith(f"One team pitched in {made.ref}, and it took 2;")
    kept = await InnovationEvidence.objects().first()
    assert kept is not None
    assert (kept.outcome, kept.pitches, kept.measures, kept.falls_short) == ("go", 1, 1, "pitches")
    event = await Event.objects().where(Event.verb == "challenge.concluded").first()
    assert event is not None
    assert '"opens_the_gate":false' in event.body


async def test_two_paid_pitches_open_the_gate_which_says_what_it_rests_on() -> None:
    made = await exercise.concluded()
    with clock.at(HEARD + DAY):
        tender = await sister_tender(made)
        found = gate.ask(await candidate(tender.ref))
        await tender.publish()
    assert found.ground == "exercise"
    (effort,) = [line for line in found.lines if line.code == "effort"]
    assert effort.says == f"2 teams pitched in {made.ref} and were paid. One target was measured."


async def test_a_sham_go_does_not_open_again_what_an_honest_stop_closed() -> None:
    stop = await exercise.heard()
    with clock.at(HEARD + DAY):
        await insights.write_report(stop.officer, stop.ref, exercise.REPORT, drafts.NOTHING)
        await exercise.measured(stop)
        await challenges.conclude(
            stop.officer, stop.ref, challenges.Conclusion("stop", "It does not help anybody at all.")
        )
        await given.exercise(
            stop.buyer, "CH-SHAM", ["90711500"], "go", effort=replace(given.ENOUGH, pitches=1, falls_short="pitches")
        )
        tender = await sister_tender(stop)
        await given.origin(tender, "CH-SHAM")
        with pytest.raises(Refused) as refused:
            await tender.publish()
    assert "tender.after-a-stop" in codes(refused)
    assert tender_rules.enough_was_done.code in codes(refused)


async def test_a_pitch_below_the_least_mark_does_not_count() -> None:
    made = await exercise.heard()
    assert (await effort_of(await made.row())).pitches == 2
    await many("UPDATE application SET total = '49.99' WHERE ref = {}", made.applications[1].ref)
    assert (await effort_of(await made.row())).pitches == 1


async def test_the_innovation_team_agrees_in_public_and_then_the_gate_opens() -> None:
    made = await exercise.one_team()
    operator = await exercise.innovation_team()
    with clock.at(HEARD + DAY):
        await quiet.state(made.officer, made.ref, quiet.StatementDraft(exercise.QUIET))
        assert [each.ref for each in await quiet.waiting()] == [made.ref]
        with pytest.raises(Refused) as twice:
            await quiet.state(made.officer, made.ref, quiet.StatementDraft(exercise.QUIET))
        await quiet.decide(operator, made.ref, quiet.Verdict("refused", "Nobody asked the firms of the next county."))
        again = await quiet.state(
            made.officer, made.ref, quiet.StatementDraft(f"{exercise.QUIET} Also in the next county.")
        )
        await quiet.decide(operator, made.ref, AGREED)
        with pytest.raises(Refused) as decided:
            await quiet.decide(operator, made.ref, AGREED)
        await challenges.conclude(made.officer, made.ref, GO)
        tender = await sister_tender(made)
        found = gate.ask(await candidate(tender.ref))
        await tender.publish()
    assert (codes(twice), codes(decided)) == (["quiet.said-already"], ["quiet.decided-already"])
    assert found.ground == "exercise"
    (effort,) = [line for line in found.lines if line.code == "effort"]
    assert f"1 of 2 teams pitched in {made.ref}; the innovation team approved" in effort.says
    assert again.ref in effort.says
    verbs = await Event.select(Event.verb).where(Event.verb.like("challenge.quiet-%")).order_by(Event.seq)
    assert [each["verb"].rpartition("-")[2] for each in verbs] == ["stated", "refused", "stated", "approved"]
    told = await Letter.select(Letter.subject, Letter.person).order_by(Letter.id)
    asked = [each for each in told if each["subject"].startswith("Decide whether the market stayed away")]
    assert sum(each["person"] == operator.ref for each in asked) == 2
    assert any(each["subject"].startswith("Approved: why few teams pitched") for each in told)
    for change in ("text = 'Nobody came.'", "verdict = 'refused'"):
        with pytest.raises(asyncpg.RaiseError):
            await many(f"UPDATE quiet_statement SET {change}")


async def test_the_buyers_own_people_do_not_approve_her_statement() -> None:
    made = await exercise.one_team()
    team = await given.organisation("Innovation Team", kind="operator")
    agency = await given.organisation("Agency for Drains", tier="local", department=made.buyer.id)
    colleague, sister = await given.person(made.buyer, "buyer"), await given.person(agency, "buyer")
    with clock.at(HEARD + DAY):
        await quiet.state(made.officer, made.ref, quiet.StatementDraft(exercise.QUIET))
        with pytest.raises(Refused) as stranger:
            await quiet.decide(colleague, made.ref, AGREED)
        assert stranger.value.status == 403
        for each, expected in (
            (made.officer, ["quiet.own-body", "quiet.same-person"]),
            (colleague, ["quiet.own-body"]),
            (sister, ["quiet.own-body"]),
        ):
            assert each.person is not None
            await Membership.insert(Membership(person=each.person, organisation=team.id, role="operator", since=BEGINS))
            hatted = given.touched(await actor_of(each.person, "password"))
            with pytest.raises(Refused) as refused:
                await quiet.decide(hatted, made.ref, AGREED)
            assert codes(refused) == expected
    assert await QuietStatement.count().where(QuietStatement.verdict == "") == 1


async def test_a_buyer_does_not_keep_everybody_out_with_a_mark_nobody_reaches() -> None:
    made = await exercise.drafted(least_mark=100)
    with clock.at(BEGINS), pytest.raises(Refused) as refused:
        await drafting.publish(made.officer, made.ref)
    assert codes(refused) == ["challenge.least-mark-missing"]
    assert "from 40 to 70" in refused.value.reasons[0].reason


async def test_a_statement_nobody_needs_or_too_early_is_refused() -> None:
    made = await exercise.shortlisted()
    with clock.at(HEARD), pytest.raises(Refused) as open_pitches:
        await quiet.state(made.officer, made.ref, quiet.StatementDraft(exercise.QUIET))
    await exercise.teams_heard(made, 2)
    with clock.at(HEARD + DAY), pytest.raises(Refused) as unneeded:
        await quiet.state(made.officer, made.ref, quiet.StatementDraft("Nobody came. " * 30))
    assert codes(open_pitches) == ["quiet.pitches-open"]
    assert codes(unneeded) == ["quiet.not-needed", "quiet.too-short"]


# ── pages and programs ─────────────────────────────────────────────────────────────────────────────────────────────


async def test_the_buyer_explains_and_the_innovation_team_decides_on_one_page(app: Litestar) -> None:
    made = await exercise.one_team()
    operator = await exercise.innovation_team()
    place = f"/challenges/{made.ref}/quiet"
    with clock.at(HEARD + DAY):
        maya = await given.signed_in(given.browser(app), made.officer)
        assert place in (await maya.get(f"/challenges/{made.ref}/manage")).text
        assert "This exercise will not open the gate for a tender." in said(
            await maya.get(f"/challenges/{made.ref}/conclude")
        )
        short = await maya.post(place, data={"text": "Nobody came."})
        assert short.status_code == 409
        assert "in at least 20 different words" in short.text
        assert (await maya.post(place, data={"text": exercise.QUIET})).status_code == 303
        assert "It waits for the innovation team." in said(await maya.get(place))
        sam = await given.signed_in(given.browser(app), operator)
        assert place in (await sam.get("/desk")).text
        page = said(await sam.get(place))
        assert "Pitched and counted" in page
        assert "winter work pays them more" in page
        assert (await sam.post(f"{place}/verdict", data={"verdict": "approved", "reasons": "ok"})).status_code == 409
        given_now = {"verdict": "approved", "reasons": AGREED.reasons}
        assert (await sam.post(f"{place}/verdict", data=given_now)).status_code == 303
        assert (await sam.post(f"{place}/verdict", data=given_now)).status_code == 409
        assert place not in (await sam.get("/desk")).text
        public = said(await given.browser(app).get(f"/challenges/{made.ref}"))
        assert "Approved by the innovation team" in public
        stranger = await given.signed_in(given.browser(app), made.firms[0])
        assert (await stranger.get(place)).status_code == 404
        assert "will not open the gate" not in said(await maya.get(f"/challenges/{made.ref}/conclude"))


async def test_programs_read_and_decide_statements(app: Litestar) -> None:
    made = await exercise.one_team()
    operator = await exercise.innovation_team()
    at = f"/api/v1/challenges/{made.ref}/statements"
    with clock.at(HEARD + DAY):
        client = given.browser(app)
        buyer, team = await given.token(made.officer), await given.token(operator)
        client.cookies.clear()
        sent = await client.post(at, json={"text": exercise.QUIET}, headers=buyer)
        assert sent.status_code == 201
        verdict = {"verdict": "approved", "reasons": AGREED.reasons}
        refused = await client.post(f"{at}/verdict", json=verdict, headers=buyer)
        assert refused.status_code == 403
        decided = await client.post(f"{at}/verdict", json=verdict, headers=team)
        assert decided.status_code == 200
        (view,) = (await client.get(at, headers={"accept": "application/json"})).json()["items"]
        assert (view["verdict"], view["reasons"]) == ("approved", AGREED.reasons)


async def test_an_exercise_that_drew_nobody_is_explained_too() -> None:
    made = await exercise.opened()
    operator = await exercise.innovation_team()
    with clock.at(CLOSES + DAY):
        await judging.shortlist(made.officer, made.ref)
        await quiet.state(made.officer, made.ref, quiet.StatementDraft(exercise.QUIET))
        await quiet.decide(operator, made.ref, AGREED)
        await insights.write_report(made.officer, made.ref, exercise.REPORT, drafts.NOTHING)
        await challenges.conclude(made.officer, made.ref, challenges.Conclusion("change", "We ask in another season."))
    kept = await InnovationEvidence.objects().first()
    assert kept is not None
    assert (kept.outcome, kept.pitches, kept.falls_short, bool(kept.statement)) == ("change", 0, "", True)
