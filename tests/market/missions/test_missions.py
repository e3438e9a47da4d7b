"""Missions through actions, pages and the API, on a real database."""

import re
from datetime import date

import msgspec
import pytest
from litestar import Litestar

from market import clock
from market.audit.actions import record
from market.audit.tables import Event, Outbox
from market.missions import actions
from market.missions.tables import Mission
from market.refusals import Refused
from tests import given

pytestmark = pytest.mark.usefixtures("clean")

DRAFT = actions.MissionDraft("Safe bridges", "Every bridge every year.", date(2026, 1, 1), date(2030, 12, 31))
CRITERION = actions.CriterionDraft("Bridges inspected", "61 in 100", "100 in 100", date(2030, 1, 1))


async def test_publishing_needs_a_criterion_and_leaves_a_record() -> None:
    department = await given.organisation()
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    mission = await actions.draft(operator, department.id, DRAFT)
    with pytest.raises(Refused) as refused:
        await actions.publish(operator, mission.ref)
    assert [reason.code for reason in refused.value.reasons] == ["mission.criteria-missing"]
    await actions.add_criterion(operator, mission.ref, CRITERION)
    await actions.publish(operator, mission.ref)
    verbs = [row["verb"] for row in await Event.select(Event.verb).order_by(Event.seq)]
    assert verbs == ["mission.drafted", "mission.criterion-added", "mission.published"]
    assert await Outbox.count() == 3


async def test_a_supplier_may_not_draft_a_mission() -> None:
    department = await given.organisation()
    stranger = await given.person(await given.supplier(), "supplier-admin")
    with pytest.raises(Refused) as refused:
        await actions.draft(stranger, department.id, DRAFT)
    assert refused.value.status == 403
    assert await Mission.count() == 0


async def test_a_draft_does_not_exist_for_the_public(app: Litestar) -> None:
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    mission = await actions.draft(operator, (await given.organisation()).id, DRAFT)
    async with given.browser(app) as client:
        assert (await client.get(f"/missions/{mission.ref}")).status_code == 404
        assert (await client.get(f"/api/v1/missions/{mission.ref}")).json()["status"] == 404
        await given.signed_in(client, operator)
        page = await client.get(f"/missions/{mission.ref}")
    assert page.status_code == 200
    assert "Before it can be published" in page.text


async def test_the_page_drafts_adds_a_criterion_and_publishes(app: Litestar) -> None:
    department = await given.organisation("Department for Roads")
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    async with given.browser(app) as client:
        await given.signed_in(client, operator)
        wrong = await client.post("/missions/new", data={"title": "Too", "owner": department.ref})
        assert wrong.status_code == 422
        assert "Title must be at least 5 characters long" in wrong.text
        assert "Enter the first day" in wrong.text
        typed = {
            "title": "Safe bridges",
            "owner": department.ref,
            "statement": "Every bridge every year.",
            "begins_on": "2026-01-01",
            "ends_on": "2030-12-31",
        }
        kept = await client.post("/missions/new", data=typed)
        assert kept.status_code == 303
        place = kept.headers["location"]
        criterion = {"measure": "Bridges inspected", "baseline": "61", "target": "100", "due_on": "2030-01-01"}
        assert (await client.post(f"{place}/criteria", data=criterion)).status_code == 303
        assert (await client.post(f"{place}/publish")).status_code == 303
        assert "Safe bridges" in (await client.get("/missions")).text


async def test_a_draft_is_found_again_written_anew_and_rid_of_a_criterion(app: Litestar) -> None:
    department = await given.organisation("Department for Roads")
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    minister = await given.person(department, "minister")
    stranger = await given.person(await given.organisation(), "buyer")
    mission = await actions.draft(operator, department.id, DRAFT)
    place = f"/missions/{mission.ref}"
    for measure in ("Bridges inspected", "Bridges closed"):
        await actions.add_criterion(minister, mission.ref, msgspec.structs.replace(CRITERION, measure=measure))
    async with given.browser(app) as client:
        await given.signed_in(client, stranger)
        assert place not in (await client.get("/missions")).text
        assert (await client.get(f"{place}/edit")).status_code == 404
        assert (await client.post(f"{place}/criteria/1/remove")).status_code == 404
        assert (await client.post(f"{place}/publish")).status_code == 404
        await given.signed_in(client, minister)
        assert place in (await client.get("/missions")).text
        assert 'value="Safe bridges"' in (await client.get(f"{place}/edit")).text
        typed = {"title": "Safer", "statement": "Every bridge.", "begins_on": "2026-01-01", "ends_on": "2025-01-01"}
        wrong = await client.post(f"{place}/edit", data={**typed, "statement": ""})
        assert "The last day has to come after the first." in wrong.text
        assert "Enter what shall be different" in wrong.text
        assert (await given.filled(client, f"{place}/edit", typed)).status_code == 409
        assert (await given.filled(client, f"{place}/edit", {**typed, "ends_on": "2030-01-01"})).status_code == 303
        assert (await client.post(f"{place}/criteria/1/remove")).status_code == 303
        page = (await client.get(place)).text
        assert "Safer" in page
        assert "Bridges closed" in page
        assert "Bridges inspected" not in page
        await actions.add_criterion(minister, mission.ref, CRITERION)
        assert (await client.post(f"{place}/publish")).status_code == 303
        assert (await client.get(f"{place}/edit")).status_code == 303
        assert (await client.post(f"{place}/criteria/2/remove")).status_code == 409
    assert [each.place for each in await actions.criteria_of(mission.id)] == [2, 3]


async def test_a_mission_of_nobody_or_of_a_council_is_refused_beside_its_field(app: Litestar) -> None:
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    council = await given.organisation("Calderwick", tier="local")
    typed = {"statement": "Every bridge.", "begins_on": "2026-01-01", "ends_on": "2030-01-01"}
    async with given.browser(app) as client:
        await given.signed_in(client, operator)
        both = await client.post("/missions/new", data={**typed, "title": "No", "owner": "O-NOBODY"})
        assert both.status_code == 422
        assert "Choose a department from the list." in both.text
        assert "at least 5 characters" in both.text
        for owner in ("O-NOBODY", council.ref):
            answer = await client.post("/missions/new", data={**typed, "title": "Safe bridges", "owner": owner})
            assert answer.status_code == 409
            assert 'href="#owner"' in answer.text
    assert await Mission.count() == 0


async def test_the_api_does_the_same_with_a_token(app: Litestar) -> None:
    department = await given.organisation("Department for Roads")
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    headers = await given.token(operator)
    body = {
        "owner": department.ref,
        "title": "Safe bridges",
        "statement": "Every bridge every year.",
        "begins_on": "2026-01-01",
        "ends_on": "2030-12-31",
    }
    async with given.browser(app) as client:
        refused = await client.post("/api/v1/missions", json=body)
        assert refused.status_code == 401
        made = await client.post("/api/v1/missions", json=body, headers=headers)
        assert made.status_code == 201
        ref = made.json()["ref"]
        again = {key: value for key, value in body.items() if key != "owner"} | {"title": "Safer bridges"}
        blind = await client.put(f"/api/v1/missions/{ref}", json=again, headers=headers)
        assert (blind.status_code, blind.json()["reasons"][0]["code"]) == (428, "record.version-missing")
        seen = {**headers, "if-match": made.json()["etag"]}
        written = await client.put(f"/api/v1/missions/{ref}", json=again, headers=seen)
        assert written.json()["title"] == "Safer bridges"
        early = await client.post(f"/api/v1/missions/{ref}/publish", headers=headers)
        assert early.status_code == 409
        assert early.headers["content-type"] == "application/problem+json"
        assert early.json()["reasons"][0]["code"] == "mission.criteria-missing"


async def test_a_form_from_another_site_is_refused(app: Litestar) -> None:
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    async with given.browser(app) as client:
        await given.signed_in(client, operator)
        client.headers["origin"] = "https://elsewhere.example"
        assert (await client.post("/missions/new", data={})).status_code == 403
        client.headers["origin"] = "http://localhost:8000"
        client.headers["x-csrf-token"] = "0" * 64
        assert (await client.post("/missions/new", data={})).status_code == 403


async def test_a_mission_lists_what_grew_under_it(app: Litestar) -> None:
    body = await given.organisation()
    mission = await given.mission(body)
    buyer = await given.person(body, "buyer")
    under = [f"mission:{mission.ref}"]
    await record(buyer, "challenge.published", "challenge:CH-RUST", {"title": "Bridges rust unseen"}, about=under)
    await record(buyer, "tender.published", "tender:T-RUST", {"title": "Forty cameras"}, about=under)
    await record(buyer, "tender.published", "tender:T-ELSE", {"title": "Something else"}, about=["mission:M-ELSE"])
    async with given.browser(app) as client:
        page = (await client.get(f"/missions/{mission.ref}")).text
    assert '<a class="govuk-link" href="/challenges/CH-RUST">Bridges rust unseen</a>' in page
    assert '<a class="govuk-link" href="/tenders/T-RUST">Forty cameras</a>' in page
    assert "Something else" not in page


async def test_who_saves_second_is_shown_both_texts_and_may_save_again_knowingly(app: Litestar) -> None:
    department = await given.organisation("Department for Roads")
    first, second = [await given.person(department, "minister", name=name) for name in ("Ada Green", "Bo Hill")]
    mission = await actions.draft(first, department.id, DRAFT)
    place = f"/missions/{mission.ref}/edit"
    typed = {"title": "Safe bridges", "begins_on": "2026-01-01", "ends_on": "2030-01-01"}
    async with given.browser(app) as client:
        await given.signed_in(client, second)
        opened = re.search(r'name="version" value="(\w+)"', (await client.get(place)).text)
        assert opened
        with clock.at(given.TODAY):
            meanwhile = actions.MissionDraft("Bridges that hold", "Ada wrote this.", DRAFT.begins_on, DRAFT.ends_on)
            await actions.edit(first, mission.ref, meanwhile, await given.seen(actions.MissionDraft, mission))
        late = await client.post(place, data={**typed, "statement": "Bo wrote that.", "version": opened[1]})
        assert late.status_code == 409
        for words in (
            "Ada Green saved this on Mon 23 Nov 2026, 09:00",
            '<a href="#statement">What shall be different: compare with what is saved now</a>',
            'aria-describedby="statement-hint statement-saved statement-info"',
            "Ada wrote this.",
            "Bo wrote that.",
            "Bridges that hold",
            "Tue 31 Dec 2030",
        ):
            assert words in late.text
        await mission.refresh()
        assert mission.statement == "Ada wrote this."
        knowing = re.search(r'name="version" value="(\w+)"', late.text)
        assert knowing
        assert knowing[1] != opened[1]
        again = await client.post(place, data={**typed, "statement": "Bo wrote that.", "version": knowing[1]})
        assert again.status_code == 303
    await mission.refresh()
    assert mission.statement == "Bo wrote that."
