"""Signing in with a password, staying signed in, signing out, and a forgotten password."""

import hashlib
import re
from datetime import timedelta

import pytest
from litestar import Litestar

from challenges.tables import Challenge
from market import clock, settings
from market.accounts import actions, memberships, passwords
from market.accounts.pages import own_path
from market.accounts.tables import Person, Session
from market.actor import Actor
from market.audit.tables import Event
from market.letters.tables import Letter
from market.refusals import NotFound, Refused
from market.web.limits import spend
from tests import given

pytestmark = pytest.mark.usefixtures("clean")

PASSWORD = "seven wooden kites"


async def somebody(password: str = PASSWORD) -> tuple[Actor, Person]:
    """A buyer with a password."""
    actor = await given.person(await given.organisation(), "buyer", "Maya Thornley")
    kept = await passwords.hashed(password)
    await Person.update({Person.password_hash: kept}).where(Person.ref == actor.ref)
    return actor, await Person.objects().get(Person.ref == actor.ref)


async def link_in_the_last_letter(pattern: str) -> str:
    """The path of the link that the newest letter holds."""
    letter = await Letter.objects().order_by(Letter.id, ascending=False).first()
    found = re.search(rf"http://localhost:8000({pattern})", letter.text)
    assert found, letter.text
    return found[1]


async def test_the_form_signs_in_under_a_fresh_token_and_goes_on(app: Litestar) -> None:
    _, person = await somebody()
    async with given.browser(app) as client:
        asked = await client.get("/account")
        assert asked.headers["location"] == "/sign-in?then=/account"
        page = await client.get("/sign-in?then=/missions")
        token = re.search(r'name="csrf_token" value="([0-9a-f]{64})"', page.text)
        assert token
        client.cookies.set("session", "planted" * 6)
        typed = {
            "email": f" {person.email.upper()} ",
            "password": PASSWORD,
            "then": "/missions",
            "csrf_token": token[1],
        }
        answer = await client.post("/sign-in", data=typed)
        assert (answer.status_code, answer.headers["location"]) == (303, "/missions")
        cookie = answer.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "samesite=lax" in cookie.lower()
        assert "planted" not in cookie
        client.cookies.delete("session", domain="")
        assert "Maya Thornley" in (await client.get("/account")).text
        assert (await client.get("/sign-in")).status_code == 303


async def test_a_wrong_password_and_an_unknown_address_are_answered_alike(app: Litestar) -> None:
    _, person = await somebody()
    answers = []
    async with given.browser(app) as client:
        page = await client.get("/sign-in")
        client.headers["x-csrf-token"] = re.search(r'csrf_token" value="([^"]+)', page.text)[1]  # type: ignore[index]
        for email in (person.email, "nobody@nowhere.example"):
            answer = await client.post("/sign-in", data={"email": email, "password": "not the password"})
            assert "set-cookie" not in answer.headers
            same = re.sub(r'form_token" value="[^"]+"', "", answer.text.replace(email, ""))
            answers.append((answer.status_code, same))
    assert answers[0] == answers[1]
    assert answers[0][0] == 422
    assert "The email address or the password is not right." in answers[0][1]
    assert await Session.count() == 0


async def test_nobody_guesses_on_and_on(app: Litestar) -> None:
    with clock.at(given.TODAY):
        for _ in range(actions.TRIES_BY_ACCOUNT.burst - 1):
            await spend(actions.TRIES_BY_ACCOUNT, hashlib.sha256(b"nobody@nowhere.example").hexdigest())
        with pytest.raises(Refused) as refused:
            await actions.sign_in("nobody@nowhere.example", "not the password", "192.0.2.1")
        assert refused.value.status == 422
        with pytest.raises(Refused) as refused:
            await actions.sign_in("nobody@nowhere.example", "not the password", "192.0.2.99")
        assert refused.value.status == 429
    with clock.at(given.TODAY + timedelta(minutes=10)), pytest.raises(Refused) as refused:
        await actions.sign_in("nobody@nowhere.example", "not the password", "192.0.2.1")
    assert refused.value.status == 422


@pytest.mark.parametrize(
    ("then", "goes_to"),
    [
        ("/tenders/T-7KQ4M2X", "/tenders/T-7KQ4M2X"),
        ("/search?q=drone%20inspection", "/search?q=drone%20inspection"),
        ("", "/desk"),
        ("https://elsewhere.example/", "/desk"),
        ("//elsewhere.example", "/desk"),
        ("/\\elsewhere.example", "/desk"),
        ("/ok\r\nSet-Cookie: a=b", "/desk"),
        ("javascript:alert(1)", "/desk"),
        ("/sign-out", "/desk"),
        ("/" + "a" * 600, "/desk"),
    ],
)
def test_signing_in_leads_to_this_site_only(then: str, goes_to: str) -> None:
    assert own_path(then) == goes_to


async def test_signing_out_ends_the_session_for_good(app: Litestar) -> None:
    actor, _ = await somebody()
    async with given.browser(app) as client:
        await given.signed_in(client, actor)
        token = client.cookies["session"]
        answer = await client.post("/sign-out")
        assert answer.headers["location"] == "/"
        client.cookies.clear()
        client.cookies.set("session", token)
        assert (await client.get("/account")).status_code == 303
    assert (await Session.objects().first()).ended_at is not None


async def test_signing_in_is_on_record_but_not_in_public() -> None:
    _, person = await somebody()
    await actions.sign_in(person.email, PASSWORD, "192.0.2.1")
    event = await Event.objects().first()
    assert (event.verb, event.subject) == ("person.signed-in", f"person:{person.ref}")
    assert event.sealed_by


async def test_a_closed_account_does_not_open() -> None:
    _, person = await somebody()
    await Person.update({Person.closed_at: clock.now()}).where(Person.id == person.id)
    with pytest.raises(Refused):
        await actions.sign_in(person.email, PASSWORD, "192.0.2.1")


async def test_nobody_signs_in_as_another_outside_a_demonstration() -> None:
    actor, _ = await somebody()
    with pytest.raises(NotFound):
        await actions.sign_in_as(actor.ref)


async def test_a_forgotten_password_is_chosen_anew_once(app: Litestar) -> None:
    actor, person = await somebody()
    async with given.browser(app) as client:
        page = await client.get("/password/forgotten")
        client.headers["x-csrf-token"] = re.search(r'csrf_token" value="([^"]+)', page.text)[1]  # type: ignore[index]
        known = await client.post("/password/forgotten", data={"email": person.email})
        link = await link_in_the_last_letter(r"/password/[\w-]+")
        unknown = await client.post("/password/forgotten", data={"email": "nobody@nowhere.example"})
        assert known.headers["location"] == unknown.headers["location"]
        assert known.headers["set-cookie"] == unknown.headers["set-cookie"]
        assert "no account" in (await Letter.objects().order_by(Letter.id, ascending=False).first()).subject
        assert person.email in (await client.get(link)).text
        short = await client.post(link, data={"password": "short"})
        assert short.status_code == 409
        assert "at least 15 characters" in short.text
        assert (await client.post(link, data={"password": "blue ladder teapot"})).status_code == 303
        assert (await client.get(link)).status_code == 410
        spent = await client.post(link, data={"password": "another teapot ladder"})
        assert spent.status_code == 410
    assert await actions.sign_in(person.email, "blue ladder teapot", "192.0.2.1")
    with pytest.raises(Refused):
        await actions.sign_in(person.email, PASSWORD, "192.0.2.1")
    assert "password was changed" in (await Letter.objects().order_by(Letter.id, ascending=False).first()).subject
    assert actor.ref == person.ref


async def test_the_reset_letter_is_good_for_an_hour() -> None:
    _, person = await somebody()
    with clock.at(given.TODAY):
        await actions.ask_reset(person.email, "192.0.2.1")
        token = (await link_in_the_last_letter(r"/password/[\w-]+")).removeprefix("/password/")
    with clock.at(given.TODAY + timedelta(hours=1)), pytest.raises(Refused):
        await actions.reset(token, "blue ladder teapot")
    with clock.at(given.TODAY + timedelta(minutes=59)):
        await actions.reset(token, "blue ladder teapot")


async def test_changing_the_password_asks_for_the_present_one_and_ends_other_sessions(app: Litestar) -> None:
    actor, person = await somebody()
    elsewhere = await actions.sign_in(person.email, PASSWORD, "192.0.2.1")
    async with given.browser(app) as client:
        await given.signed_in(client, actor)
        wrong = await client.post("/account/password", data={"present": "guessed", "password": "blue ladder teapot"})
        assert wrong.status_code == 422
        assert "This is not your present password." in wrong.text
        changed = await client.post("/account/password", data={"present": PASSWORD, "password": "blue ladder teapot"})
        assert changed.status_code == 303
        assert (await client.get("/account")).status_code == 200
        client.cookies.clear()
        client.cookies.set("session", elsewhere)
        assert (await client.get("/account")).status_code == 303


async def test_in_a_demonstration_anybody_becomes_anybody_and_only_there(
    app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    actor, _ = await somebody()
    monkeypatch.setenv("PRELUDE_DEMO", "1")
    settings.settings.cache_clear()
    try:
        token = await actions.sign_in_as(actor.ref)
        async with given.browser(app) as client:
            client.cookies.set("session", token)
            assert "the demonstration" in (await client.get("/account")).text
        with pytest.raises(NotFound):
            await actions.sign_in_as("P-NOTHERE")
    finally:
        monkeypatch.undo()
        settings.settings.cache_clear()
    async with given.browser(app) as client:
        client.cookies.set("session", token)
        assert (await client.get("/account")).status_code == 303


@pytest.mark.parametrize(
    "path", ["/suppliers/%00", "/api/v1/suppliers?q=%00", "/letters/%00", "/api/v1/organisations/%00"]
)
async def test_an_address_that_the_database_cannot_hold_is_no_failure_of_ours(app: Litestar, path: str) -> None:
    async with given.browser(app) as client:
        await given.signed_in(client, (await somebody())[0])
        assert (await client.get(path)).status_code in (400, 404)


async def test_who_belongs_to_several_organisations_chooses_for_which_she_acts(app: Litestar) -> None:
    roads, firm = await given.organisation("Department for Roads"), await given.supplier("Kestrel Ltd")
    other = await given.supplier("Other Ltd")
    first = await given.person(roads, "buyer")
    person = await Person.objects().get(Person.ref == first.ref)
    both = await given.organisation("Council of Calderwick")
    for body, role in ((both, "buyer"), (firm, "supplier-admin")):
        await memberships.begin(first, person, body, role)
    async with given.browser(app) as client:
        await given.signed_in(client, first)
        page = (await client.get("/account")).text
        assert "You act for <strong>Department for Roads</strong>" in page
        assert (await client.post("/account/acting-for", data={"organisation": other.ref})).status_code == 404
        chosen = await client.post(
            "/account/acting-for", data={"organisation": both.ref, "then": "https://evil.example"}
        )
        assert chosen.headers["location"] == "/desk"
        assert "You act for <strong>Council of Calderwick</strong>" in (await client.get("/account")).text
        made = await client.post(
            "/challenges/new", data={"title": "Nobody knows which bins are full", "method": "open-challenge"}
        )
        assert made.status_code == 303
        headers = await given.token(first)
        assert (await client.get("/api/v1/me", headers=headers)).json()["roles"][0]["organisation"] == roads.ref
        named = {**headers, "Prelude-Organisation": firm.ref}
        assert (await client.get("/api/v1/me", headers=named)).json()["roles"][0]["organisation"] == firm.ref
        refused = await client.get("/api/v1/me", headers={**headers, "Prelude-Organisation": other.ref})
        assert refused.status_code == 403
        assert refused.json()["reasons"][0]["code"] == "access.not-your-organisation"
    drafted = await Challenge.objects().first()
    assert drafted is not None
    assert drafted.buyer == both.id


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("way", ["changed", "reset"])
async def test_tokens_end_with_the_password_unless_they_are_kept_knowingly(app: Litestar, way: str, kept: bool) -> None:
    actor, _ = await somebody()
    assert actor.person is not None
    headers = await given.token(actor)
    typed = {"password": "a very different long password", **({"keep_tokens": "yes"} if kept else {})}
    async with given.browser(app) as client:
        assert (await client.get("/api/v1/me", headers=headers)).status_code == 200
        if way == "changed":
            await given.signed_in(client, actor, method="passkey")
            page = "/account/password"
        else:
            await actions.ask_reset((await Person.objects().get(Person.id == actor.person)).email, "192.0.2.1")
            text = (await Letter.objects().order_by(Letter.id, ascending=False).first()).text
            page = "/password/" + text.split("/password/")[1].split()[0]
        shown = await client.get(page)
        assert "I made all of these: keep them" in shown.text
        client.headers["x-csrf-token"] = shown.text.split('csrf_token" value="')[1][:64]
        assert (await client.post(page, data=typed)).status_code == 303
        client.cookies.clear()
        assert (await client.get("/api/v1/me", headers=headers)).status_code == (200 if kept else 401)
    told = (await Letter.objects().order_by(Letter.id, ascending=False).first()).text
    assert (
        "You kept the tokens of your programs: test." if kept else "The tokens of your programs ended: test."
    ) in told
