"""A program prepares what binds and its person confirms it: the page shows what would be done, and every trick is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from asyncpg.exceptions import RestrictViolationError
from litestar import Litestar

from market import clock
from market.audit.tables import Event
from market.confirming import actions
from market.confirming.desk import waiting
from market.confirming.tables import PreparedAct
from market.db import find, many
from market.missions import actions as missions
from market.missions.tables import Mission
from market.policy import IN_FORCE
from market.refusals import NotFound, Refused
from market.touch import TouchNeeded
from tests import given
from tests.market.confirming.test_touching import drafted, published, with_key

pytestmark = pytest.mark.usefixtures("clean")

HOURS = timedelta(hours=IN_FORCE.people.prepared_hours)


async def asked(client: httpx.AsyncClient, mission: Mission, headers: dict[str, str], **more: Any) -> httpx.Response:
    """A program asks to publish."""
    return await client.post(f"/api/v1/missions/{mission.ref}/publish", headers={**headers, **more})


async def test_a_program_prepares_and_its_person_confirms(app: Litestar) -> None:
    ada, mission = await drafted()
    headers = await given.token(ada)
    async with given.browser(app, confirms=False) as client:
        told = await asked(client, mission, headers)
        assert told.status_code == 202
        view = told.json()
        assert (view["act"], view["state"]) == ("publish a mission", "waiting")
        assert told.headers["location"] == view["status_at"]
        assert not await published(mission)
        assert [each.href for each in await waiting(ada)] == [f"/prepared/{view['ref']}"]
        assert (await client.get(view["status_at"], headers=headers)).json() == view
        await given.signed_in(client, ada)
        page = (await client.get(view["confirm_at"])).text
        assert "Publish a mission" in page
        assert f"/missions/{mission.ref}" in page
        digest = re.findall(r'name="digest" value="(\w+)"', page)[0]
        done = await client.post(f"/prepared/{view['ref']}/confirm", data={"digest": digest})
        assert done.status_code == 303
        assert await published(mission)
        told = (await client.get(view["status_at"], headers=headers)).json()
        assert (told["state"], told["status"], told["answer"]["ref"]) == ("done", 200, mission.ref)
        again = await client.post(f"/prepared/{view['ref']}/confirm", data={"digest": digest})
        assert again.status_code == 409
        assert await waiting(ada) == []
    events = [(row["verb"], row["actor"]) for row in await Event.select(Event.verb, Event.actor).order_by(Event.seq)]
    assert events[-3:] == [("act.prepared", ada.ref), ("mission.published", ada.ref), ("act.confirmed", ada.ref)]


async def test_a_session_without_its_key_confirms_nothing(app: Litestar) -> None:
    ada, mission = await drafted()
    await with_key(ada)
    async with given.browser(app, confirms=False) as client:
        ref = (await asked(client, mission, await given.token(ada))).json()["ref"]
        await given.signed_in(client, ada, touched_at=None)
        digest = (await actions.prepared(ada, ref)).digest
        answer = await client.post(f"/prepared/{ref}/confirm", data={"digest": digest})
        assert (answer.status_code, "publish a mission" in answer.text) == (403, True)
        assert f'name="digest" value="{digest}"' in answer.text
    with pytest.raises(TouchNeeded):
        await actions.confirm(replace(ada, touched_at=None), ref, digest)
    assert not await published(mission)


async def test_what_is_prepared_is_the_persons_alone(app: Litestar) -> None:
    ada, mission = await drafted()
    eve = await given.person(await given.organisation(), "buyer")
    async with given.browser(app, confirms=False) as client:
        ref = (await asked(client, mission, await given.token(ada))).json()["ref"]
        row = await actions.prepared(ada, ref)
        hers = await given.token(eve)
        assert (await client.get(f"/api/v1/me/prepared/{ref}", headers=hers)).status_code == 404
        assert (await client.post(f"/api/v1/me/prepared/{ref}/withdraw", headers=hers)).status_code == 404
        await given.signed_in(client, eve)
        assert (await client.get(f"/prepared/{ref}")).status_code == 404
        answer = await client.post(f"/prepared/{ref}/confirm", data={"digest": row.digest})
        assert answer.status_code == 404
    with pytest.raises(NotFound):
        await actions.confirm(eve, ref, row.digest)
    assert not await published(mission)


async def test_what_was_shown_is_what_is_confirmed(app: Litestar) -> None:
    ada, mission = await drafted()
    other = await given.mission(await given.organisation(), published_at=None)
    async with given.browser(app, confirms=False) as client:
        headers = await given.token(ada)
        shown = (await asked(client, mission, headers)).json()["ref"]
        another = (await asked(client, other, headers)).json()["ref"]
        digest = (await actions.prepared(ada, shown)).digest
        await given.signed_in(client, ada)
        answer = await client.post(f"/prepared/{another}/confirm", data={"digest": digest})
        assert answer.status_code == 409
        assert "not what was shown" in answer.text
    for change in (
        "body = 'other'",
        "path = '/api/v1/me'",
        "person = person + 1",
        "expires_at = expires_at + interval '1 day'",
    ):
        with pytest.raises(RestrictViolationError):
            await many(f"UPDATE prepared_act SET {change} WHERE ref = {{}}", shown)
    with pytest.raises(RestrictViolationError):
        await many("DELETE FROM prepared_act WHERE ref = {}", shown)


async def test_a_row_that_somebody_changed_behind_the_database_is_not_done(app: Litestar) -> None:
    ada, mission = await drafted()
    async with given.browser(app, confirms=False) as client:
        ref = (await asked(client, mission, await given.token(ada))).json()["ref"]
    row = await actions.prepared(ada, ref)
    await many("ALTER TABLE prepared_act DISABLE TRIGGER prepared_act_keeps_what_was_sent")
    try:
        await many("UPDATE prepared_act SET path = {} WHERE ref = {}", "/api/v1/missions/M-OTHER/publish", ref)
    finally:
        await many("ALTER TABLE prepared_act ENABLE TRIGGER prepared_act_keeps_what_was_sent")
    with pytest.raises(Refused) as refused:
        await actions.confirm(ada, ref, row.digest)
    assert [reason.code for reason in refused.value.reasons] == ["prepared.other"]


async def test_it_is_judged_when_it_is_confirmed_and_may_be_tried_again(app: Litestar) -> None:
    ada, _ = await drafted()
    mission = await given.mission(await find_owner(ada), published_at=None)
    async with given.browser(app, confirms=False) as client:
        headers = await given.token(ada)
        ref = (await asked(client, mission, headers)).json()["ref"]
        await given.signed_in(client, ada)
        digest = (await actions.prepared(ada, ref)).digest
        early = await client.post(f"/prepared/{ref}/confirm", data={"digest": digest})
        assert early.status_code == 409
        assert "success criterion" in early.text
        told = (await client.get(f"/api/v1/me/prepared/{ref}", headers=headers)).json()
        assert (told["state"], told["status"]) == ("refused", 409)
        assert [reason["code"] for reason in told["answer"]["reasons"]]
        measure = missions.CriterionDraft("Flooded streets a year", "312", "50", mission.ends_on)
        await missions.add_criterion(ada, mission.ref, measure)
        assert (await client.post(f"/prepared/{ref}/confirm", data={"digest": digest})).status_code == 303
    assert await published(mission)


async def find_owner(ada: Any) -> Any:
    """The body she works for."""
    from market.accounts.tables import Organisation

    return await find(Organisation, Organisation.id == ada.hats[0].organisation)


async def test_it_expires_and_can_be_withdrawn(app: Litestar) -> None:
    ada, mission = await drafted()
    headers = await given.token(ada)
    async with given.browser(app, confirms=False) as client:
        with clock.at(given.TODAY):
            late = (await asked(client, mission, headers)).json()["ref"]
            withdrawn = (await asked(client, mission, headers)).json()["ref"]
            back = await client.post(f"/api/v1/me/prepared/{withdrawn}/withdraw", headers=headers)
            assert back.json()["state"] == "withdrawn"
        codes = {}
        for ref, moment in ((late, given.TODAY + HOURS), (withdrawn, given.TODAY)):
            with clock.at(moment), pytest.raises(Refused) as refused:
                await actions.confirm(ada, ref, (await actions.prepared(ada, ref)).digest)
            codes[ref] = [reason.code for reason in refused.value.reasons]
        assert codes == {late: ["prepared.expired"], withdrawn: ["prepared.withdrawn"]}
        with clock.at(given.TODAY + HOURS):
            assert (await client.get(f"/api/v1/me/prepared/{late}", headers=headers)).json()["state"] == "expired"
    assert not await published(mission)


async def test_a_program_that_sends_again_prepares_once(app: Litestar) -> None:
    ada, mission = await drafted()
    headers = await given.token(ada)
    async with given.browser(app, confirms=False) as client:
        first = await asked(client, mission, headers, **{"idempotency-key": "one"})
        second = await asked(client, mission, headers, **{"idempotency-key": "one"})
    assert (first.status_code, first.json()) == (second.status_code, second.json())
    assert await PreparedAct.count() == 1


async def test_what_is_too_long_to_be_read_is_not_prepared(app: Litestar) -> None:
    ada, mission = await drafted()
    headers = {**await given.token(ada), "content-type": "application/json"}
    async with given.browser(app, confirms=False) as client:
        path = f"/api/v1/missions/{mission.ref}/publish"
        answer = await client.post(path, headers=headers, content=b" " * 200_001)
    assert answer.status_code == 413
    assert [reason["code"] for reason in answer.json()["reasons"]] == ["prepared.too-large"]
