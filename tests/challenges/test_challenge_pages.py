"""The pages of an exercise, walked as buyer, supplier, evaluator and the public, posting what a browser would post."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest
from litestar import Litestar

from challenges import actions as challenges
from challenges.exercise import measures_of
from challenges.pitches import actions as pitches
from challenges.tables import Application, Challenge
from market import clock
from market.actor import Actor
from market.audit.tables import Event
from market.panels.panel import field
from market.panels.tables import Seat
from market.payments import actions as payments
from market.questions.actions import QuestionDraft
from tests import given
from tests.challenges import exercise
from tests.challenges.exercise import BEGINS, CLOSED, CLOSES, DAY, HEARD

pytestmark = pytest.mark.usefixtures("clean")


async def visiting(app: Litestar, actor: Actor | None = None) -> httpx.AsyncClient:
    client = given.browser(app)
    return await given.signed_in(client, actor) if actor else client


def said(page: httpx.Response) -> str:
    """The words of a page without its marks."""
    text = re.sub(r"<[^>]+>", " ", page.text)
    return re.sub(r"\s+", " ", text)


async def test_a_buyer_drafts_section_by_section_and_publishes(app: Litestar) -> None:
    with clock.at(BEGINS):
        buyer = await given.organisation("Calderwick Council")
        officer = await given.person(buyer, "buyer", "Maya Thornley")
        evaluators = [await given.person(buyer, "evaluator") for _ in range(2)]
        mission = await given.mission(buyer)
        client = await visiting(app, officer)
        short = await client.post("/challenges/new", data={"title": "Drains", "method": "open-challenge"})
        assert short.status_code == 422
        assert "The problem in one sentence must be at least 10 characters long" in short.text
        made = await client.post(
            "/challenges/new",
            data={"title": exercise.PROBLEM.title, "mission": mission.ref, "method": "open-challenge"},
        )
        assert made.status_code == 303
        draft = made.headers["location"]
        ref = draft.split("/")[2]
        first = await client.get(draft)
        assert "Name at least 2 evaluators; there are none." in said(first)
        early = await client.post(f"/challenges/{ref}/publish")
        assert early.status_code == 409
        assert "It is not published yet" in early.text
        sections = {
            "problem": {
                "title": exercise.PROBLEM.title,
                "mission": mission.ref,
                "method": "open-challenge",
                "problem": "Half of the visits find nothing, and the other half come too late.",
                "who_has_it": "1,140 homes in eleven streets.",
                "evidence": "312 reports last winter.",
            },
            "success": {"success": "Within two hours.", "out_of_scope": "Emptying."},
            "offer": {
                "fee_minor": "4,000",
                "places": "2",
                "least_mark": "50",
                "region": "Yorkshire",
                "closes_at": "2026-12-14T17:00",
                "pitches_by": "2027-01-14T17:00",
                "decision_by": "2027-02-01T17:00",
            },
            "budget": {"budget": (await given.budget(buyer)).ref},
            "follow-on": {
                "follow_on_minor": "1,000,000",
                "follow_on_route": "tender",
                "follow_on_payer": "",
                "follow_on_by": "2027-02-01",
            },
            "terms": {"intellectual_property": "Yours.", "data_terms": "Ours.", "revenue_share": "None."},
            "subject": {"cpv": "90711500", "profile": ""},
        }
        for name, typed in sections.items():
            assert (await given.filled(client, f"{draft}/{name}", typed)).status_code == 303, name
        found = await client.get(f"{draft}/subject?q=sewer")
        assert "90711500" in found.text
        assert found.text.count('name="cpv"') > 1
        slip = {**sections["offer"], "decision_by": "2049-02-01T17:00"}
        asked = await given.filled(client, f"{draft}/offer", slip)
        assert asked.status_code == 409
        assert "You would decide by Mon 1 Feb 2049, 17:00 GMT. That is in more than 22 years." in asked.text
        wrong = await client.post(f"{draft}/offer", data={"fee_minor": "lots", "closes_at": "soon"})
        assert wrong.status_code == 422
        assert "lots" in wrong.text
        assert (await client.get(f"{draft}/nothing")).status_code == 404
        measure = {
            "measure": "Hours between a gully blocking and the crew knowing",
            "unit": "hours",
            "baseline": "19.5",
            "better": "at-most",
            "target": "2",
            "due_on": "2027-02-01",
            "how": "From the sensor's time stamp to the crew's list.",
        }
        vague = await client.post(f"{draft}/measures", data={**measure, "target": "soon"})
        assert vague.status_code == 422
        assert "Write a figure, such as 47 or 7.6" in vague.text
        for _again in range(2):
            assert (await client.post(f"{draft}/measures", data=measure)).status_code == 303
        listed = await client.get(f"{draft}/measures")
        assert "From 19.5 hours to at most 2 hours, by Mon 1 Feb 2027." in said(listed)
        taken = re.findall(r'action="([^"]+/remove)"', listed.text)[-1]
        assert (await client.post(taken)).status_code == 303
        for name, weight in (("How well", "60"), ("Evidence", "30"), ("People", "10")):
            added = await client.post(f"{draft}/criteria", data={"name": name, "weight": weight})
            assert added.status_code == 303
        page = await client.get(f"{draft}/criteria")
        remove = re.findall(r'action="([^"]+/remove)"', page.text)[-1]
        assert (await client.post(remove)).status_code == 303
        assert "Not yet 100" in (await client.get(f"{draft}/criteria")).text
        await client.post(f"{draft}/criteria", data={"name": "People", "weight": "10"})
        for each in evaluators:
            named = await client.post(f"/challenges/{ref}/evaluators", data={"person": each.ref})
            assert named.status_code == 303
        assert "Nobody else of your body has read it. Send it for review." in said(await client.get(draft))
        await given.approved("challenge", ref, officer)
        ready = await client.get(draft)
        assert "all 41 are met." in said(ready)
        assert "Needs attention" not in ready.text
        assert (await (await visiting(app)).get(f"/challenges/{ref}")).status_code == 404
        published = await client.post(f"/challenges/{ref}/publish")
        assert published.status_code == 303
        public = await (await visiting(app)).get(f"/challenges/{ref}")
    assert public.status_code == 200
    assert "£4,000" in public.text
    assert "Nobody with fewer than 50 points of 100 is invited to pitch" in said(public)
    assert "at most 2 hours" in said(public)
    assert "Mon 14 Dec 2026, 17:00 GMT" in public.text
    assert "Run this challenge" not in public.text


async def test_a_supplier_finds_asks_applies_changes_and_withdraws(app: Litestar) -> None:
    made = await exercise.opened()
    firm = await given.person(await given.supplier("Wetfoot Ltd"), "supplier-admin")
    with clock.at(BEGINS + DAY):
        client = await visiting(app, firm)
        listed = await client.get("/challenges?stage=open")
        assert exercise.PROBLEM.title in listed.text
        assert exercise.PROBLEM.title not in (await client.get("/challenges?stage=ended")).text
        assert "You have not applied" in (await client.get("/applications")).text
        asked = await client.post(f"/challenges/{made.ref}/questions", data={"text": "Is there a radio network?"})
        assert asked.status_code == 303
        empty = await client.post(f"/challenges/{made.ref}/apply", data={"summary": "Short"})
        assert empty.status_code == 422
        assert "Your idea in a few sentences must be at least 10 characters long" in empty.text
        assert "Enter how it would work" in empty.text
        typed = {"summary": "A sensor under the grate.", "approach": "It listens to the fall of the water."}
        sent = await client.post(f"/challenges/{made.ref}/apply", data=typed)
        assert sent.status_code == 303
        place = sent.headers["location"]
        own = await client.get(place)
        assert "Change it" in own.text
        assert (await client.get(f"/challenges/{made.ref}/apply")).headers["location"] == place
        assert "It listens" in (await client.get(f"{place}/change")).text
        changed = await given.filled(client, f"{place}/change", {**typed, "team": "Two engineers"})
        assert changed.status_code == 303
        assert (await client.post(f"{place}/withdraw")).status_code == 303
        assert "Apply again" in (await client.get(place)).text
        assert (await client.post(f"/challenges/{made.ref}/apply", data=typed)).status_code == 303
        assert "Sent" in (await client.get("/applications")).text
        stranger = await visiting(app, await given.person(await given.supplier(), "supplier-admin"))
        assert (await stranger.get(place)).status_code == 404
        assert (await stranger.get(f"{place}/change")).status_code == 404
        public = await (await visiting(app)).get(f"/challenges/{made.ref}")
        assert "Is there a radio network?" not in public.text
        assert "Wetfoot" not in public.text
        away = await (await visiting(app)).get(f"/challenges/{made.ref}/apply")
        assert away.status_code == 303
        assert "/sign-in" in away.headers["location"]
    with clock.at(CLOSED):
        client = await visiting(app, firm)
        late = await given.filled(client, f"{place}/change", {**typed, "team": "Three engineers"})
        assert late.status_code == 409
        assert "This challenge closed on Mon 14 Dec 2026, 09:00" in late.text
        assert "Three engineers" in late.text
        assert "Being scored" in (await client.get(place)).text


async def test_who_would_apply_to_a_cancelled_challenge_is_told_that_it_was(app: Litestar) -> None:
    made = await exercise.opened()
    firm = await given.person(await given.supplier("Wetfoot Ltd"), "supplier-admin")
    with clock.at(BEGINS + DAY):
        await challenges.cancel(made.officer, made.ref, "The street is closed for good.")
        client = await visiting(app, firm)
        typed = {"summary": "A sensor in every grate.", "approach": "It listens to the water all day."}
        for page in (
            await client.get(f"/challenges/{made.ref}/apply"),
            await client.post(f"/challenges/{made.ref}/apply", data=typed),
        ):
            assert "This challenge was cancelled on" in page.text
            assert "This challenge closed" not in page.text
            assert "You can change or withdraw it" not in page.text
        assert "It listens to the water all day." in page.text


async def test_the_buyer_answers_and_sees_no_applications_before_the_closing(app: Litestar) -> None:
    made = await exercise.applied()
    with clock.at(BEGINS + DAY):
        question = await challenges.ask(made.firms[0], made.ref, QuestionDraft("Which streets are meant?"))
        client = await visiting(app, made.officer)
        manage = await client.get(f"/challenges/{made.ref}/manage")
        assert "Which streets are meant?" in manage.text
        place = f"/challenges/{made.ref}/questions/{question.ref}"
        assert (await client.get(place)).status_code == 200
        assert (await client.post(place, data={"answer": ""})).status_code == 422
        assert (await client.post(place, data={"answer": "Eleven of them."})).status_code == 303
        assert "Eleven of them." in (await client.get(f"/challenges/{made.ref}")).text
    with clock.at(CLOSES - timedelta(hours=1)):
        client = await visiting(app, made.officer)
        manage = await client.get(f"/challenges/{made.ref}/manage")
        assert "Firm A" not in manage.text
        assert "3 applications" not in said(manage)
        assert (await client.get(f"/applications/{made.applications[0].ref}")).status_code == 404
        panel = await (await visiting(app, made.panel[0])).get(f"/challenges/{made.ref}/panel")
        assert "Firm A" not in panel.text


async def test_evaluators_declare_mark_hand_in_and_the_officer_makes_the_list(app: Litestar) -> None:
    made = await exercise.applied(evaluators=3)
    criteria = await made.criteria()
    barred = made.suppliers[0]
    with clock.at(CLOSED):
        for place, member in enumerate(made.panel):
            client = await visiting(app, member)
            here = f"/challenges/{made.ref}/panel"
            declare = await client.get(here)
            assert "Firm A Ltd" in declare.text
            wordless = await given.filled(client, f"{here}/declaration", {"conflicts": barred.ref}, at=here)
            assert wordless.status_code == 409
            typed = (
                {"declared": "yes"} if place else {"declared": "yes", "conflicts": barred.ref, "statement": "A cousin."}
            )
            done = await given.filled(client, f"{here}/declaration", typed, at=here)
            assert done.status_code == 303
            page = await client.get(here)
            assert "Firm" not in page.text.partition('<div id="declaration">')[0]
            links = re.findall(rf'href="(/challenges/{made.ref}/panel/AP-[^"]+)"', page.text)
            assert len(links) == (3 if place else 2)
            early = await client.post(f"/challenges/{made.ref}/panel/submit")
            assert early.status_code == 409
            assert "Still to mark" in early.text
            for link in links:
                seen = await client.get(link)
                assert "Firm" not in said(seen)
                first = criteria[0].ref.replace("-", "_")
                bad = await client.post(link, data={f"points_{first}": "120", f"reason_{first}": "Good"})
                assert bad.status_code == 422
                assert "Enter a mark from 0 to 100" in bad.text
                marks = {field("points", each.ref): "70" for each in criteria}
                marks |= {field("reason", each.ref): "Works in the rain." for each in criteria}
                assert (await given.filled(client, link, marks)).status_code == 303
            assert (await client.post(f"/challenges/{made.ref}/panel/submit")).status_code == 303
            assert "Locked" in (await client.get(f"/challenges/{made.ref}/panel")).text
            assert "Works in the rain." in (await client.get(links[0])).text
        officer = await visiting(app, made.officer)
        assert (await officer.get(f"/challenges/{made.ref}/panel")).status_code == 404
        assert "3 applications for 2 paid places" in said(await officer.get(f"/challenges/{made.ref}/manage"))
        made_list = await officer.post(f"/challenges/{made.ref}/shortlist", data={})
        assert made_list.status_code == 303
        manage = await officer.get(f"/challenges/{made.ref}/manage")
        assert "Firm A Ltd" in manage.text
        again = await officer.post(f"/challenges/{made.ref}/shortlist", data={})
        assert again.status_code == 409
        read = await officer.get(f"/applications/{made.applications[0].ref}")
        assert "Works in the rain." in read.text
        loser = await visiting(app, made.firms[0])
        assert "Works in the rain." in (await loser.get(f"/applications/{made.applications[0].ref}")).text
        public = await (await visiting(app)).get(f"/challenges/{made.ref}")
        assert "3 suppliers applied" in said(public)
    readings = await Event.count().where(Event.verb == "application.read")
    assert readings == 2 + 3 + 3 + 1


async def test_the_officer_arranges_marks_reports_and_concludes(app: Litestar) -> None:
    made = await exercise.shortlisted()
    row = await made.row()
    first, second = await pitches.pitches_of(row)
    with clock.at(CLOSED + 2 * DAY):
        client = await visiting(app, made.officer)
        place = f"/challenges/{made.ref}/pitches/{first.ref}"
        assert (await client.get(place)).status_code == 200
        when = {"scheduled_at": HEARD.strftime("%Y-%m-%dT%H:%M"), "place_or_link": "Corn Street"}
        assert (await client.post(f"{place}/schedule", data={"place_or_link": ""})).status_code == 422
        assert (await given.filled(client, f"{place}/schedule", when, at=place)).status_code == 303
        early = await client.post(f"{place}/deliver", data={"note": "Good"})
        assert early.status_code == 409
        assert "Mark it when it has been given" in early.text
        teams = {each.id: firm for each, firm in zip(made.suppliers, made.firms, strict=True)}
        team = await visiting(app, teams[first.supplier])
        application = await Application.objects().where(Application.id == first.application).first()
        assert application is not None
        assert "Corn Street" in (await team.get(f"/applications/{application.ref}")).text
    with clock.at(HEARD):
        client, team = await visiting(app, made.officer), await visiting(app, teams[first.supplier])
        evaluator = await visiting(app, made.panel[0])
        assert (await evaluator.post(f"{place}/deliver", data={"note": "Forty litres"})).status_code == 303
        missed = f"/challenges/{made.ref}/pitches/{second.ref}/miss"
        assert (await client.post(missed, data={"reason": "Ill."})).status_code == 303
        assert "is owed, win or lose" in (await team.get(f"/applications/{application.ref}")).text
        blocked = await client.get(f"/challenges/{made.ref}/conclude")
        assert "Write the insight report." in blocked.text
        report = {
            "title": "What we learnt",
            "tried": "Three sensors in eleven streets.",
            "worked": "Listening to the falling water.",
            "evidence": "All readings are open data.",
            "others": "Walk the streets before ordering.",
        }
        assert (await given.filled(client, f"/challenges/{made.ref}/report", report)).status_code == 303
        assert "Three" in (await client.get(f"/challenges/{made.ref}/report")).text
        assert (await client.post(f"/challenges/{made.ref}/conclude", data={"decision": "maybe"})).status_code == 422
        decided = {"decision": "change", "reasons": "Radio does not reach deep streets."}
        unmeasured = await client.post(f"/challenges/{made.ref}/conclude", data=decided)
        assert unmeasured.status_code == 409
        assert "Still without a value: Hours between a gully blocking and the crew knowing." in said(unmeasured)
        assert "One team pitched, and it takes 2" in said(unmeasured)
        (measure,) = await measures_of(row)
        value = {"measure": measure.ref, "value": "1.1", "measured_on": HEARD.date().isoformat()}
        here = f"/challenges/{made.ref}/measured"
        assert (await client.post(here, data={**value, "how": "Somehow."})).status_code == 409
        assert (await client.post(here, data={**value, "how": exercise.HOW})).status_code == 303
        assert "1.1 hours , target reached" in said(await client.get(here))
        assert "1.1 hours" not in (await (await visiting(app)).get(f"/challenges/{made.ref}")).text
        ended = await client.post(f"/challenges/{made.ref}/conclude", data=decided)
        assert ended.status_code == 303
        public = await visiting(app)
        listed = await public.get("/insights")
        assert "What we learnt" in listed.text
        link = re.findall(r'href="(/insights/IR-[^"]+)"', listed.text)[0]
        assert "Radio does not reach" in (await public.get(link)).text
        assert "1.1 hours" in (await public.get(link)).text
        assert "1.1 hours" in (await public.get(f"/challenges/{made.ref}")).text
        page = await public.get(f"/challenges/{made.ref}")
        assert link in page.text
        assert "<strong>Changes.</strong>" in page.text
        assert (await client.get(f"/challenges/{made.ref}/manage")).status_code == 200


async def test_cancelling_asks_why_and_shows_the_reason_in_public(app: Litestar) -> None:
    made = await exercise.applied(1)
    with clock.at(CLOSES - timedelta(hours=1)):
        client = await visiting(app, made.officer)
        place = f"/challenges/{made.ref}/cancel"
        assert (await client.get(place)).status_code == 200
        assert (await client.post(place, data={"reason": ""})).status_code == 422
        assert (await client.post(place, data={"reason": "The street is closed."})).status_code == 303
        assert "The street is closed." in (await (await visiting(app)).get(f"/challenges/{made.ref}")).text
        firm = await visiting(app, made.firms[0])
        assert "Cancelled" in (await firm.get("/applications")).text


async def test_pages_of_others_are_not_there(app: Litestar) -> None:
    made = await exercise.applied()
    draft = await exercise.drafted()
    outsider = await visiting(app, await given.person(await given.organisation(), "buyer"))
    for path in (
        "draft",
        "draft/problem",
        "draft/criteria",
        "draft/measures",
        "evaluators",
        "manage",
        "cancel",
        "report",
        "measured",
        "conclude",
    ):
        assert (await outsider.get(f"/challenges/{draft.ref}/{path}")).status_code == 404, path
        assert (await outsider.get(f"/challenges/{made.ref}/{path}")).status_code == 403, path
    supplier = await visiting(app, made.firms[0])
    assert (await supplier.get(f"/challenges/{made.ref}/panel")).status_code == 403
    nobody = await visiting(app)
    assert (await nobody.get("/challenges/CH-NOTHING")).status_code == 404
    assert (await nobody.get("/insights/IR-NOTHING")).status_code == 404


async def test_the_panel_is_changed_from_its_page(app: Litestar) -> None:
    made = await exercise.applied()
    third = await given.person(made.buyer, "evaluator", "Latecomer")
    with clock.at(CLOSED):
        client = await visiting(app, made.officer)
        place = f"/challenges/{made.ref}/evaluators"
        assert "Latecomer" in (await client.get(place)).text
        assert (await client.post(place, data={"person": third.ref})).status_code == 409
        named = await client.post(place, data={"person": third.ref, "reason": "Evaluator 1 is ill."})
        assert named.status_code == 303
        gone = await client.post(
            f"{place}/excuse", data={"member": made.panel[0].ref, "because": "She has fallen ill for a month."}
        )
        assert gone.status_code == 303
    assert await Seat.count().where(Seat.excused_at.is_null()) == 2
    assert await Challenge.count() == 1


async def test_a_supplier_sees_when_her_fee_is_due_and_then_when_it_was_paid(app: Litestar) -> None:
    made = await exercise.heard()
    (owed, *_) = await payments.ledger([made.suppliers[0].id])
    with clock.at(HEARD + DAY):
        async with await visiting(app, made.firms[0]) as hana:
            for place in ("/applications", "/desk"):
                assert "Pitched, fee owed" in said(await hana.get(place))
            assert "is owed, win or lose, by" in said(await hana.get(f"/applications/{made.applications[0].ref}"))
            await payments.release(await given.person(made.buyer, "finance-officer"), owed.ref)
            assert await payments.pay_waiting() == 1
            assert "Pitched and paid" in said(await hana.get("/applications"))
            page = await hana.get(f"/applications/{made.applications[0].ref}")
    assert "was paid on" in said(page)
    assert f'href="/payments/{owed.ref}"' in page.text
