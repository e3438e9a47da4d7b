"""An exercise walked by programs, and what the API must not tell."""

from __future__ import annotations

from typing import Any

import pytest
from litestar import Litestar

from challenges.tables import Application
from market import clock
from market.actor import Actor
from tests import given
from tests.challenges import exercise
from tests.challenges.exercise import BEGINS, CLOSED, CLOSES, DAY, HEARD

pytestmark = pytest.mark.usefixtures("clean")

HOME = "/api/v1/challenges"
TEXT = {"summary": "A sensor under the grate.", "approach": "It listens to the fall of the water."}


class Program:
    """Somebody's program: JSON with her token."""

    def __init__(self, app: Litestar, headers: dict[str, str]) -> None:
        self.client = given.browser(app)
        self.headers = headers

    async def __call__(self, method: str, path: str, body: Any = None, expect: int = 200, seen: str = "") -> Any:
        headers = {**self.headers, **({"if-match": seen} if seen else {})}
        answer = await self.client.request(method, path, json=body, headers=headers)
        assert answer.status_code == expect, answer.text
        return answer.json()


async def of(app: Litestar, actor: Actor | None = None) -> Program:
    return Program(app, await given.token(actor) if actor else {"accept": "application/json"})


MEASURE = {
    "measure": "Hours between a gully blocking and the crew knowing",
    "unit": "hours",
    "baseline": "19.5",
    "better": "at-most",
    "target": "2",
    "due_on": "2027-02-01",
    "how": "From the sensor's time stamp to the crew's list.",
}


async def test_programs_walk_the_whole_exercise(app: Litestar) -> None:
    with clock.at(BEGINS):
        buyer = await given.organisation("Calderwick Council", tier="central")
        drafter = await given.person(buyer, "buyer")
        officer = await of(app, drafter)
        people = [await given.person(buyer, "evaluator") for _ in range(2)]
        panel = [await of(app, each) for each in people]
        mission = await given.mission(buyer)
        made = await officer("POST", HOME, {"buyer": buyer.ref, "title": exercise.PROBLEM.title}, 201)
        at = f"{HOME}/{made['ref']}"
        assert made["stage"] == "draft"
        early = await officer("POST", f"{at}/publish", expect=409)
        assert "challenge.fee-missing" in [reason["code"] for reason in early["reasons"]]
        problem = {name: getattr(exercise.PROBLEM, name) for name in exercise.PROBLEM.__struct_fields__}
        await officer("PUT", f"{at}/problem", {**problem, "mission": mission.ref}, seen=made["etags"]["problem"])
        await officer(
            "PUT",
            f"{at}/success",
            {"success": "Within two hours.", "out_of_scope": "Emptying."},
            seen=made["etags"]["success"],
        )
        dates = {"closes_at": CLOSES, "pitches_by": CLOSES + 30 * DAY, "decision_by": CLOSES + 45 * DAY}
        offer = {
            "fee_minor": 400_000,
            "places": 2,
            "least_mark": 50,
            **{name: moment.isoformat() for name, moment in dates.items()},
        }
        await officer("PUT", f"{at}/offer", offer, seen=made["etags"]["offer"])
        paid_from = {"budget": (await given.budget(buyer)).ref}
        await officer("PUT", f"{at}/budget", paid_from, seen=made["etags"]["budget"])
        follow = {"follow_on_minor": 100_000_000, "follow_on_route": "tender", "follow_on_by": "2099-01-01"}
        await officer("PUT", f"{at}/follow-on", follow, seen=made["etags"]["follow-on"])
        await officer(
            "PUT",
            f"{at}/terms",
            {"intellectual_property": "Y", "data_terms": "O", "revenue_share": "N"},
            seen=made["etags"]["terms"],
        )
        unknown = await officer("PUT", f"{at}/subject", {"cpv": ["00000001"]}, 422, made["etags"]["subject"])
        assert unknown["reasons"][0]["field"] == "cpv"
        await officer("PUT", f"{at}/subject", {"cpv": ["90711500"]}, seen=made["etags"]["subject"])
        await officer("POST", f"{at}/criteria", {"name": "Idea", "weight": 60}, 201)
        extra = await officer("POST", f"{at}/criteria", {"name": "Evidence", "weight": 50}, 201)
        await officer("DELETE", f"{at}/criteria/{extra['criteria'][1]['ref']}")
        await officer("POST", f"{at}/criteria", {"name": "Evidence", "weight": 40}, 201)
        vague = await officer("POST", f"{at}/measures", {**MEASURE, "target": "soon"}, 422)
        assert (vague["reasons"][0]["code"], vague["reasons"][0]["field"]) == ("challenge.not-a-figure", "target")
        twice = [await officer("POST", f"{at}/measures", MEASURE, 201) for _again in range(2)][-1]
        assert [each["target"] for each in twice["measures"]] == ["2", "2"]
        await officer("DELETE", f"{at}/measures/{twice['measures'][1]['ref']}")
        for each in people:
            await officer("POST", f"{at}/panel", {"person": each.ref}, 201)
        checks = await officer("GET", f"{at}/checklist")
        assert [check["code"] for check in checks["items"] if check["reason"]] == [
            "review.precedents-unseen",
            "review.not-approved",
            "review.team-not-approved",
        ]
        early = await officer("POST", f"{at}/publish", expect=409)
        assert len(early["reasons"]) == 3
        await given.approved("challenge", made["ref"], drafter)
        await officer("POST", f"{at}/publish")
        suppliers = [await given.supplier(f"Firm {n}") for n in range(3)]
        firms = [await of(app, await given.person(each, "supplier-admin")) for each in suppliers]
        question = await firms[0]("POST", f"{at}/questions", {"text": "Which streets?"}, 201)
        await officer("POST", f"{at}/questions/{question['ref']}/answer", {"answer": "Eleven."})
    with clock.at(CLOSES - DAY):
        sent = [await firm("POST", f"{at}/applications", TEXT, 201) for firm in firms]
        again = await firms[0]("POST", f"{at}/applications", TEXT, 409)
        assert again["reasons"][0]["code"] == "application.already-there"
        own = await firms[0](
            "PUT", f"{at}/applications/{sent[0]['ref']}", {**TEXT, "team": "Two."}, seen=sent[0]["etag"]
        )
        assert own["digest"] != sent[0]["digest"]
        await firms[2]("POST", f"{at}/applications/{sent[2]['ref']}/withdraw")
        await firms[2]("POST", f"{at}/applications", TEXT, 201)
        listed = await firms[1]("GET", "/api/v1/applications")
        assert [each["ref"] for each in listed["items"]] == [sent[1]["ref"]]
    with clock.at(CLOSED):
        late = await firms[0]("PUT", f"{at}/applications/{sent[0]['ref']}", TEXT, 409, own["etag"])
        assert late["reasons"][0]["code"] == "application.too-late"
        for place, (member, points) in enumerate(zip(panel, (90, 80), strict=True)):
            before = await member("GET", f"{at}/panel")
            assert len(before["applicants"]) == 3
            assert before["applications"] == []
            await member("POST", f"{at}/panel/declaration", {"declared": True}, seen=before["declaration"]["etag"])
            seen = await member("GET", f"{at}/applications")
            assert [each["supplier"] for each in seen["items"]] == [None] * 3
            assert [each["submitted_at"] for each in seen["items"]] == [None] * 3
            criteria = (await member("GET", at))["criteria"]
            for each in seen["items"]:
                given_points = points if each["ref"] != sent[2]["ref"] else 20
                marks = [{"criterion": c["ref"], "points": given_points, "reason": "So."} for c in criteria]
                await member("PUT", f"{at}/applications/{each['ref']}/marks", {"marks": marks}, seen="new")
            if place == 0:
                waiting = await officer("POST", f"{at}/shortlist", {}, 409)
                assert waiting["reasons"][0]["code"] == "panel.not-done"
            await member("POST", f"{at}/panel/submit")
        done = await officer("POST", f"{at}/shortlist", {})
        assert done["stage"] == "pitching"
        assert done["applications"] == 3
        assert done["shortlisted"] == sorted([suppliers[0].ref, suppliers[1].ref])
        mine = await firms[2]("GET", f"{at}/applications/{sent[2]['ref']}")
        assert (mine["shortlisted"], mine["rank"], mine["total"]) == (False, 3, "20.00")
        assert mine["feedback"][0]["marks"] == [{"points": 20, "word": "poor", "reason": "So."}] * 2
        pitches = (await officer("GET", f"{at}/pitches"))["items"]
        assert len((await firms[0]("GET", f"{at}/pitches"))["items"]) == 1
        for pitch in pitches:
            when = {"scheduled_at": HEARD.isoformat(), "place_or_link": "Corn Street"}
            await officer("POST", f"{at}/pitches/{pitch['ref']}/schedule", when, seen=pitch["etag"])
    with clock.at(HEARD):
        await panel[0]("POST", f"{at}/pitches/{pitches[0]['ref']}/deliver", {"note": "Good."})
        await officer("POST", f"{at}/pitches/{pitches[1]['ref']}/miss", {"reason": "Ill."})
        said = {name: getattr(exercise.REPORT, name) for name in exercise.REPORT.__struct_fields__}
        report = {**said, "title": "What we learnt"}
        await officer("PUT", f"{at}/report", report, seen=(await officer("GET", at))["etags"]["report"])
        end = {"decision": "go", "reasons": "It met the target."}
        early = await officer("POST", f"{at}/conclude", end, 409)
        assert [each["code"] for each in early["reasons"]] == ["challenge.not-measured"]
        measure = twice["measures"][0]["ref"]
        value = {"value": "1.1", "measured_on": HEARD.date().isoformat(), "how": exercise.HOW}
        kept = await officer("POST", f"{at}/measures/{measure}/values", value, 201)
        assert (kept["value"], kept["target"], kept["better"]) == ("1.1", "2", "at-most")
        assert (await officer("GET", at))["measures"][0]["value"] is None
        ended = await officer("POST", f"{at}/conclude", end)
        assert ended["stage"] == "concluded"
        public = await of(app)
        insight = await public("GET", f"/api/v1/insights/{ended['insight_report']}")
        assert insight["challenge"] == made["ref"]
        assert [each["value"] for each in insight["measured"]] == ["1.1"]
        assert [each["value"] for each in ended["measures"]] == ["1.1"]
        assert len((await public("GET", "/api/v1/insights"))["items"]) == 1
        assert len((await public("GET", f"{HOME}?stage=concluded"))["items"]) == 1
        assert (await public("GET", f"{HOME}?stage=open"))["items"] == []
        assert (await public("GET", f"{HOME}?stage=nonsense", expect=400))["status"] == 400


async def test_what_is_hidden_stays_hidden(app: Litestar) -> None:
    made = await exercise.applied()
    draft = await exercise.drafted()
    public, officer, firm = await of(app), await of(app, made.officer), await of(app, made.firms[0])
    at, other = f"{HOME}/{made.ref}", made.applications[1].ref
    with clock.at(CLOSES - DAY):
        assert (await public("GET", at))["applications"] is None
        assert (await officer("GET", f"{at}/applications"))["items"] == []
        assert [each["ref"] for each in (await firm("GET", f"{at}/applications"))["items"]] == [
            made.applications[0].ref
        ]
        await firm("GET", f"{at}/applications/{other}", expect=404)
        await firm("PUT", f"{at}/applications/{other}", TEXT, 404, "new")
        await officer("GET", f"{at}/applications/{other}", expect=404)
        await firm("GET", f"{HOME}/{draft.ref}/applications/{made.applications[0].ref}", expect=404)
        await public("GET", f"{HOME}/{draft.ref}", expect=404)
        await public("POST", f"{at}/applications", TEXT, 401)
        await firm("GET", f"{at}/panel", expect=404)
        await firm("POST", f"{at}/cancel", {"reason": "No."}, 403)
        await firm("POST", f"{at}/shortlist", {}, 403)
    with clock.at(CLOSED):
        member = await of(app, made.panel[0])
        await member("GET", f"{at}/applications/{other}", expect=404)
        view = await officer("GET", f"{at}/panel")
        assert view["applicants"] == view["applications"] == []
        assert any("has not declared" in gap for gap in view["gaps"])
    assert await Application.count().where(Application.alias == "") == 3
