"""What binds asks for the key of who does it: the page goes on with what was typed, and every way round it is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import httpx
import pytest
from litestar import Litestar

from market import clock
from market.accounts import passkeys
from market.accounts.sessions import digest
from market.accounts.tables import Session
from market.actor import Actor
from market.arrival import Arrival
from market.audit.tables import Event
from market.db import find
from market.missions import actions as missions
from market.missions.tables import Mission
from market.policy import IN_FORCE
from market.rules import touched_freshly
from market.seed.authenticator import Authenticator
from market.settings import settings
from market.touch import TouchNeeded
from tests import given

MINUTES = IN_FORCE.people.touch_minutes
NOW = Arrival(given.TODAY)


@pytest.mark.parametrize(
    ("ago", "fresh"),
    [
        (None, False),
        (timedelta(0), True),
        (timedelta(minutes=MINUTES), True),
        (timedelta(minutes=MINUTES, microseconds=1), False),
        (timedelta(days=1), False),
    ],
)
def test_a_touch_is_fresh_for_the_minutes_of_the_policy(ago: timedelta | None, fresh: bool) -> None:
    refused = touched_freshly(given.TODAY - ago if ago is not None else None, NOW)
    assert (refused is None) == fresh
    assert fresh or (refused is not None and refused.code == "touch.needed")


pytestmark = pytest.mark.usefixtures("clean")


async def drafted() -> tuple[Actor, Mission]:
    """A buyer and a mission of her department that nobody published yet."""
    body = await given.organisation()
    ada = await given.person(body, "buyer", "Ada Byrne")
    mission = await given.mission(body, published_at=None)
    measure = missions.CriterionDraft("Flooded streets a year", "312", "50", date(2030, 6, 30))
    await missions.add_criterion(ada, mission.ref, measure)
    return ada, mission


@pytest.fixture
def demonstration(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The site is a demonstration."""
    monkeypatch.setenv("PRELUDE_DEMO", "1")
    settings.cache_clear()
    yield
    monkeypatch.undo()
    settings.cache_clear()


async def with_key(actor: Actor) -> Authenticator:
    """Her device, registered."""
    device = Authenticator(origin="http://localhost:8000", rp_id="localhost")
    await passkeys.register(actor, json.dumps(device.register(await passkeys.registration_options(actor))), "Laptop")
    return device


async def published(mission: Mission) -> bool:
    """Whether it happened."""
    return (await find(Mission, Mission.id == mission.id)).published_at is not None


async def challenge(client: httpx.AsyncClient) -> dict[str, object]:
    """What the page's script is given for her device."""
    answer = await client.post("/touch/options", headers={"accept": "application/json"})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def test_a_session_that_touched_no_key_binds_nobody() -> None:
    ada, mission = await drafted()
    with pytest.raises(TouchNeeded) as refused:
        await missions.publish(replace(ada, touched_at=None), mission.ref)
    assert [reason.code for reason in refused.value.reasons] == ["touch.needed"]
    assert not await published(mission)
    with clock.at(given.TODAY):
        await missions.publish(replace(ada, touched_at=given.TODAY - timedelta(minutes=MINUTES)), mission.ref)
    assert await published(mission)


async def test_the_page_asks_for_the_key_keeps_what_was_typed_and_goes_on(app: Litestar) -> None:
    ada, mission = await drafted()
    device = await with_key(ada)
    async with given.browser(app) as client:
        await given.signed_in(client, ada, touched_at=None)
        asked = await client.post(
            f"/missions/{mission.ref}/publish?from=desk", data={"note": "A “word”", "list": ["1", "2"]}
        )
        assert asked.status_code == 403
        assert "publish a mission" in asked.text
        assert f'action="/missions/{mission.ref}/publish?from=desk"' in asked.text
        assert sorted(re.findall(r'name="(note|list)" value="([^"]*)"', asked.text)) == [
            *[("list", "1")] * 2,
            *[("list", "2")] * 2,
            *[("note", "A “word”")] * 2,
        ], "in the form of the key, and in that of the paper"
        assert not await published(mission)
        answer = json.dumps(device.sign(await challenge(client)))
        done = await client.post(f"/missions/{mission.ref}/publish", data={"touch": answer, "form_token": "one"})
        assert done.status_code == 303, done.text
        assert await published(mission)
        again = await client.post(f"/missions/{mission.ref}/publish", data={"touch": answer, "form_token": "one"})
        assert (again.status_code, again.headers["location"]) == (303, done.headers["location"])
    verbs = [row["verb"] for row in await Event.select(Event.verb).order_by(Event.seq)]
    assert verbs[-2:] == ["person.touched", "mission.published"]


async def test_who_has_no_key_is_told_how_to_get_one(app: Litestar) -> None:
    ada, mission = await drafted()
    async with given.browser(app) as client:
        await given.signed_in(client, ada, touched_at=None)
        asked = await client.post(f"/missions/{mission.ref}/publish")
    assert asked.status_code == 403
    assert "/account#passkeys" in asked.text
    assert "data-passkey" not in asked.text


async def test_a_session_that_began_with_a_passkey_has_touched_it_until_the_minutes_are_over(app: Litestar) -> None:
    ada, mission = await drafted()
    device = await with_key(ada)
    with clock.at(given.TODAY):
        token = await passkeys.sign_in(
            json.dumps(device.sign(await passkeys.sign_in_options("192.0.2.1"))), "192.0.2.1"
        )
    async with given.browser(app) as client:
        await given.signed_in(client, ada)
        client.cookies.set("session", token)
        client.headers["x-csrf-token"] = given.crossing.token_for(digest(token))
        with clock.at(given.TODAY + timedelta(minutes=MINUTES, seconds=1)):
            late = await client.post(f"/missions/{mission.ref}/publish")
        with clock.at(given.TODAY + timedelta(minutes=MINUTES)):
            in_time = await client.post(f"/missions/{mission.ref}/publish")
    assert (late.status_code, in_time.status_code) == (403, 303)


async def test_a_stolen_session_publishes_nothing_and_makes_no_key(app: Litestar) -> None:
    ada, mission = await drafted()
    thief = Authenticator(origin="http://localhost:8000", rp_id="localhost")
    async with given.browser(app) as client:
        with clock.at(given.TODAY):
            await given.signed_in(client, ada, touched_at=None)
        with clock.at(given.TODAY + timedelta(minutes=MINUTES, seconds=1)):
            assert (await client.post(f"/missions/{mission.ref}/publish")).status_code == 403
            refused = await client.post("/account/passkeys/options", headers={"accept": "application/json"})
            assert [reason["code"] for reason in refused.json()["reasons"]] == ["passkey.sign-in-again"]
    await with_key(ada)
    async with given.browser(app) as client:
        await given.signed_in(client, ada, method="passkey", touched_at=None)
        options = (await client.post("/account/passkeys/options", headers={"accept": "application/json"})).json()
        added = await client.post("/account/passkeys", data={"credential": json.dumps(thief.register(options))})
        assert added.status_code == 403
        foreign = json.dumps(thief.sign(await challenge(client)))
        assert (await client.post(f"/missions/{mission.ref}/publish", data={"touch": foreign})).status_code == 403
    assert not await published(mission)
    assert len(await passkeys.keys_of(ada.person or 0)) == 1


async def test_a_touch_counts_in_its_own_session_once_and_for_its_own_person(app: Litestar) -> None:
    ada, mission = await drafted()
    device = await with_key(ada)
    ben = await given.person(await given.organisation(), "buyer")
    await with_key(ben)
    path = f"/missions/{mission.ref}/publish"
    async with given.browser(app) as hers, given.browser(app) as copied, given.browser(app) as his:
        with clock.at(given.TODAY):
            for client, actor in ((hers, ada), (copied, ada), (his, ben)):
                await given.signed_in(client, actor, touched_at=None)
            answer = json.dumps(device.sign(await challenge(hers)))
            assert (await copied.post(path, data={"touch": answer})).status_code == 403
            assert (await his.post(path, data={"touch": answer})).status_code == 403
            assert (await hers.post(path, data={"touch": answer})).status_code == 403, "it was spent where it was tried"
            answer = json.dumps(device.sign(await challenge(hers)))
            assert (await hers.post("/touch/nowhere", data={"touch": answer})).status_code == 404
        assert not await published(mission)
        with clock.at(given.TODAY + timedelta(minutes=MINUTES, seconds=1)):
            assert (await hers.post(path, data={"touch": answer})).status_code == 403, "replayed"
    assert not await published(mission)


async def test_a_page_of_another_site_touches_nothing(app: Litestar) -> None:
    ada, mission = await drafted()
    device = await with_key(ada)
    async with given.browser(app) as client:
        await given.signed_in(client, ada, touched_at=None)
        answer = json.dumps(device.sign(await challenge(client)))
        foreign = {"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"}
        refused = await client.post(f"/missions/{mission.ref}/publish", data={"touch": answer}, headers=foreign)
        assert refused.status_code == 403
    assert [row["touched_at"] for row in await Session.select(Session.touched_at)] == [None]


@pytest.mark.usefixtures("demonstration")
async def test_the_demonstration_has_a_key_that_says_what_it_is(app: Litestar) -> None:
    ada, mission = await drafted()
    async with given.browser(app) as client:
        await given.signed_in(client, ada, method="demo", touched_at=None)
        asked = await client.post(f"/missions/{mission.ref}/publish")
        assert (asked.status_code, "demonstration key" in asked.text) == (403, True)
        done = await client.post(f"/missions/{mission.ref}/publish", data={"touch": "demonstration key"})
        assert done.status_code == 303
    event = await Event.objects().where(Event.verb == "person.touched").first()
    assert event is not None
    assert "demonstration key" in (event.private_body or "")


async def refused_key(app: Litestar, method: str) -> None:
    """Whoever brings the demonstration's key in such a session binds nobody."""
    ada, mission = await drafted()
    async with given.browser(app) as client:
        await given.signed_in(client, ada, method=method, touched_at=None)
        asked = await client.post(f"/missions/{mission.ref}/publish", data={"touch": "demonstration key"})
        assert asked.status_code == 403
    assert not await published(mission)


@pytest.mark.parametrize("method", ["demo", "password", "passkey"])
async def test_outside_of_it_there_is_no_such_key(app: Litestar, method: str) -> None:
    await refused_key(app, method)
