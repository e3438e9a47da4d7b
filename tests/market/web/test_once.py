"""What is sent twice is done once, and both are answered alike, whenever the second comes and whoever dies."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta

import httpx
import pytest
from litestar import Litestar

from market import clock
from market.accounts import passwords
from market.accounts.tables import Person
from market.db import many
from market.missions.tables import Mission
from market.web import once
from market.web.tables import Posted
from market.web.templating import TEMPLATES
from tests import given

pytestmark = pytest.mark.usefixtures("clean")

TYPED = {
    "title": "Safe bridges",
    "statement": "Every bridge every year.",
    "begins_on": "2026-01-01",
    "ends_on": "2030-12-31",
}


async def opened(app: Litestar) -> tuple[httpx.AsyncClient, dict[str, str]]:
    """An operator's browser at the form of a new mission, and what she is about to send."""
    department = await given.organisation("Department for Roads")
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    client = await given.signed_in(given.browser(app), operator)
    return client, {**TYPED, "owner": department.ref, "form_token": token_in((await client.get("/missions/new")).text)}


def token_in(page: str) -> str:
    found = re.findall(r'name="form_token" value="([\w-]{22})"', page)
    assert found
    return str(found[-1])


async def test_two_that_are_sent_truly_at_once_make_one_record_and_see_the_same_page(app: Litestar) -> None:
    client, typed = await opened(app)
    answers = await asyncio.gather(*(client.post("/missions/new", data=typed) for _ in range(4)))
    assert {each.status_code for each in answers} == {303}
    assert len({each.headers["location"] for each in answers}) == 1
    assert await Mission.count() == 1


async def test_something_else_in_the_same_form_is_a_new_attempt_and_so_is_another_form(app: Litestar) -> None:
    client, typed = await opened(app)
    for each in (typed, {**typed, "title": "Safer bridges"}, {**typed, "form_token": "another-form-of-mine--"}):
        assert (await client.post("/missions/new", data=each)).status_code == 303
    assert await Mission.count() == 3


async def test_a_form_that_was_refused_can_be_sent_again_with_its_own_token_or_that_of_the_page(app: Litestar) -> None:
    client, typed = await opened(app)
    wrong = {**typed, "ends_on": "2025-01-01"}
    refused = [await client.post("/missions/new", data=wrong) for _ in range(2)]
    assert [each.status_code for each in refused] == [409, 409]
    assert token_in(refused[0].text) != typed["form_token"]
    assert await Posted.count() == 0
    assert (await client.post("/missions/new", data=typed)).status_code == 303


async def test_a_token_is_of_its_own_session_and_its_answer_cannot_be_read_in_the_database(app: Litestar) -> None:
    client, typed = await opened(app)
    first = await client.post("/missions/new", data=typed)
    other = await given.person(await given.organisation(kind="operator"), "operator")
    stranger = await given.signed_in(given.browser(app), other)
    theirs = await stranger.post("/missions/new", data=typed)
    assert theirs.headers["location"] != first.headers["location"]
    kept = await Posted.select(Posted.key, Posted.answer)
    assert len(kept) == 2
    for each in kept:
        assert typed["form_token"] not in each["key"]
        assert first.headers["location"].encode() not in bytes(each["answer"])


async def test_a_process_that_dies_before_its_answer_has_done_it_once_and_who_sends_again_is_told(
    app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, typed = await opened(app)
    assert (await client.post("/missions/new", data=typed)).status_code == 303
    await many("UPDATE posted SET answer = NULL")
    monkeypatch.setattr(once, "PATIENCE", 0.1)
    again = await client.post("/missions/new", data=typed)
    assert again.status_code == 409
    assert "This was sent before, and how that ended is not known." in again.text
    assert await Mission.count() == 1


async def test_a_change_that_is_sent_twice_is_no_conflict_with_itself(app: Litestar) -> None:
    client, typed = await opened(app)
    place = f"{(await client.post('/missions/new', data=typed)).headers['location']}/edit"
    page = (await client.get(place)).text
    seen = re.search(r'name="version" value="(\w+)"', page)
    assert seen
    change = {**TYPED, "title": "Safer bridges", "version": seen[1], "form_token": token_in(page)}
    answers = await asyncio.gather(*(client.post(place, data=change) for _ in range(2)))
    assert [each.status_code for each in answers] == [303, 303]


async def test_who_signed_out_signs_in_again_with_the_form_that_is_still_open(app: Litestar) -> None:
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    kept = await passwords.hashed("seven wooden kites")
    person = await Person.objects().get(Person.ref == operator.ref)
    await Person.update({Person.password_hash: kept}).where(Person.id == person.id)
    async with given.browser(app) as client:
        page = (await client.get("/sign-in")).text
        csrf = re.search(r'name="csrf_token" value="(\w+)"', page)
        assert csrf
        typed = {
            "csrf_token": csrf[1],
            "form_token": token_in(page),
            "email": person.email,
            "password": "seven wooden kites",
        }
        for _ in range(2):
            assert (await client.post("/sign-in", data=typed)).headers["location"] == "/desk"
            desk = await client.get("/desk")
            assert desk.status_code == 200, "she is signed in, in a session that lives"
            out = re.search(r'name="csrf_token" value="(\w+)"', desk.text)
            assert out
            await client.post("/sign-out", data={"csrf_token": out[1], "form_token": token_in(desk.text)})


async def test_answers_are_forgotten_after_a_day(app: Litestar) -> None:
    client, typed = await opened(app)
    with clock.at(given.TODAY):
        await client.post("/missions/new", data=typed)
    with clock.at(given.TODAY + timedelta(hours=23)):
        assert await once.forget() == 0
    with clock.at(given.TODAY + timedelta(hours=25)):
        assert await once.forget() == 1


async def test_another_site_that_sends_the_same_form_is_not_answered_as_before(app: Litestar) -> None:
    client, typed = await opened(app)
    assert (await client.post("/missions/new", data=typed)).status_code == 303
    for elsewhere in (
        {"sec-fetch-site": "cross-site"},
        {"origin": "https://other.example"},
        {"x-csrf-token": "made up"},
    ):
        answer = await client.post("/missions/new", data=typed, headers=elsewhere)
        assert (answer.status_code, answer.headers.get("location")) == (403, None), elsewhere
    assert (await client.post("/missions/new", data=typed)).status_code == 303


async def test_a_program_that_repeats_its_key_is_answered_as_before(app: Litestar) -> None:
    department = await given.organisation("Department for Roads")
    operator = await given.person(await given.organisation(kind="operator"), "operator")
    headers = {**await given.token(operator), "idempotency-key": '"8e03978e-40d5-43e8-bc93-6894a57f9324"'}
    body = {**TYPED, "owner": department.ref}
    async with given.browser(app) as client:
        answers = await asyncio.gather(*(client.post("/api/v1/missions", json=body, headers=headers) for _ in range(3)))
        assert {each.status_code for each in answers} == {201}
        assert len({each.content for each in answers}) == 1
        other = await client.post("/api/v1/missions", json={**body, "title": "Safer bridges"}, headers=headers)
        assert (other.status_code, other.json()["reasons"][0]["code"]) == (422, "form.key-reused")
        keyless = {name: value for name, value in headers.items() if name != "idempotency-key"}
        assert (await client.post("/api/v1/missions", json=body, headers=keyless)).status_code == 201
    assert await Mission.count() == 2


async def test_every_form_that_is_posted_carries_a_token_of_its_own(app: Litestar) -> None:
    """The fields that every form needs are written by one macro, and every form that is posted calls it."""
    by_hand = [
        str(path.relative_to(TEMPLATES))
        for path in TEMPLATES.rglob("*.html")
        if 'name="csrf_token"' in path.read_text() and path.name != "forms.html"
    ]
    assert by_hand == []
    client, _ = await opened(app)
    page = (await client.get("/missions/new")).text
    tokens = re.findall(r'name="form_token" value="([\w-]+)"', page)
    assert len(set(tokens)) == len(tokens) == page.count('name="csrf_token"') == page.count('method="post"') == 2
