"""Firms register themselves, tell of themselves once, and are found: actions, pages and the API."""

import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import httpx
import pytest
from litestar import Litestar

from market import clock
from market.accounts import actions as accounts
from market.accounts.sessions import actor_of
from market.accounts.tables import Organisation, Person
from market.audit.tables import Event, Outbox
from market.letters.tables import Letter
from market.refusals import NotFound, Refused
from market.suppliers import actions
from market.suppliers.actions import ProfileDraft, SupplierDraft
from market.suppliers.tables import Profile, ProfileVersion, Registration
from tests import given

pytestmark = pytest.mark.usefixtures("clean")

PASSWORD = "seven wooden kites"
TYPED = {
    "name": "Wetfoot Sensing Ltd",
    "person_name": "Nadia Karimova",
    "email": "Nadia@wetfoot.example",
    "password": PASSWORD,
    "summary": "Sensors the size of a jam jar that say when a gully stops draining.",
    "country": "GB",
    "scheme": "GB-COH",
    "identifier": "98041273",
    "region": "Yorkshire and the Humber",
    "website": "https://wetfoot.example",
    "employees": "14",
    "turnover_minor": "1,184,000",
    "balance_minor": "",
    "currency": "GBP",
    "cpv": "35125100\n90711500-4",
}
DRAFT = SupplierDraft(
    "Wetfoot Sensing Ltd",
    "Sensors the size of a jam jar.",
    person_name="Nadia Karimova",
    email="nadia@wetfoot.example",
    scheme="GB-COH",
    identifier="98041273",
    employees=14,
    turnover_minor=118_400_000,
)


@asynccontextmanager
async def visitor(app: Litestar, path: str = "/register") -> AsyncIterator[httpx.AsyncClient]:
    """Somebody not signed in, with the form's token."""
    async with given.browser(app) as client:
        page = await client.get(path)
        client.headers["x-csrf-token"] = page.text.split('csrf_token" value="')[1][:64]
        yield client


async def newest() -> Letter:
    letter: Letter = await Letter.objects().order_by(Letter.id, ascending=False).first()
    return letter


async def test_a_firm_registers_itself_by_letter_and_its_first_person_is_signed_in(app: Litestar) -> None:
    async with visitor(app) as client:
        asked = await client.post("/register", data=TYPED)
        assert asked.status_code in (200, 201)
        assert "nadia@wetfoot.example" in asked.text
        assert (await Organisation.count(), await Person.count()) == (0, 0)
        kept = await Registration.objects().first()
        assert PASSWORD not in kept.facts
        link = re.search(r"http://localhost:8000(/register/[\w-]+)", (await newest()).text)
        assert link
        assert "Wetfoot Sensing Ltd" in (await client.get(link[1])).text
        assert await Organisation.count() == 0
        done = await client.post(link[1])
        assert done.status_code == 303
        ref = done.headers["location"].split("/")[2]
        page = await client.get(done.headers["location"])
        assert page.status_code == 200
        assert 'value="1184000"' in page.text
        assert (await client.post(link[1])).status_code in (403, 410)
    firm = await Organisation.objects().get(Organisation.ref == ref)
    assert (firm.identifier, firm.turnover_minor, firm.employees) == ("98041273", 118_400_000, 14)
    assert (await Profile.objects().first()).cpv == ["35125100", "90711500"]
    person = await Person.objects().first()
    assert (await actor_of(person.id, "password")).wears("supplier-admin", organisation=firm.id)
    assert await accounts.sign_in("nadia@wetfoot.example", PASSWORD, "192.0.2.1")
    verbs = {row["verb"]: row["subject"] for row in await Event.select(Event.verb, Event.subject)}
    assert verbs["supplier.registered"] == f"supplier:{ref}"
    assert await Outbox.exists().where(Outbox.subject == f"supplier:{ref}")
    event = await Event.objects().get(Event.verb == "supplier.registered")
    assert "Nadia" not in event.body
    assert json.loads(event.body)["small"] is True


async def test_every_mistake_is_shown_at_once_and_nothing_typed_is_lost(app: Litestar) -> None:
    async with visitor(app) as client:
        first = await client.post("/register", data={**TYPED, "email": "nobody", "summary": "", "employees": "many"})
        assert first.status_code == 422
        for words in (
            "Email address must look like name@firm.example",
            "Enter what the firm does",
            "Staff must be a whole",
        ):
            assert words in first.text
        assert 'value="Wetfoot Sensing Ltd"' in first.text
        assert PASSWORD not in first.text
        second = await client.post(
            "/register", data={**TYPED, "identifier": "12", "scheme": "FR-RCS", "password": "short"}
        )
        assert second.status_code == 409
        for words in ("not of the country you chose", "9 digits", "at least 15 characters"):
            assert words in second.text
    assert await Letter.count() == 0


async def test_what_the_rules_say_stands_beside_what_could_not_be_read(app: Litestar) -> None:
    async with visitor(app) as client:
        typed = {**TYPED, "email": "nobody", "identifier": "ABC", "cpv": "7200", "password": "short"}
        page = (await client.post("/register", data=typed)).text
        for words in (
            "must look like name@firm.example",
            "stands in the register",
            "This is none: 7200",
            "at least 15 characters",
        ):
            assert words in page
        firm, person = await actions.register(DRAFT)
        await given.signed_in(client, await actor_of(person.id, "password"))
        wrong = {"version": "1", "summary": "", "cpv": "7200", "currency": "GBP"}
        page = (await client.post(f"/suppliers/{firm.ref}/edit", data=wrong)).text
    assert "Enter what the firm does" in page
    assert "This is none: 7200" in page


async def test_who_has_an_account_registers_a_further_firm_without_a_letter(app: Litestar) -> None:
    officer = await given.person(await given.organisation(), "buyer", "Maya Thornley")
    asked = {name: TYPED[name] for name in TYPED if name not in ("person_name", "email", "password")}
    async with given.browser(app) as client:
        await given.signed_in(client, officer)
        page = (await client.get("/register")).text
        assert "Maya Thornley" in page
        assert 'name="password"' not in page
        wrong = await client.post("/register", data={**asked, "identifier": "ABC", "summary": ""})
        assert "Enter what the firm does" in wrong.text
        assert "as it stands in the register (Companies House)" in wrong.text
        made = await client.post("/register", data=asked)
        assert made.status_code == 303
        again = await client.post("/register", data=asked)
        assert again.status_code == 409
        assert "is here already with this number" in again.text
    firm = await Organisation.objects().get(Organisation.kind == "supplier")
    assert made.headers["location"] == f"/suppliers/{firm.ref}/edit"
    assert (await actor_of(officer.person or 0, "password")).wears("supplier-admin", organisation=firm.id)
    assert await Person.count() == 1


async def test_the_same_company_twice_is_told_whom_to_ask(app: Litestar) -> None:
    await actions.register(DRAFT)
    async with visitor(app) as client:
        answer = await client.post("/register", data={**TYPED, "name": "Another Name", "email": "x@y.example"})
    assert answer.status_code == 409
    assert "Wetfoot Sensing Ltd is here already with this number. Ask somebody there to invite you" in answer.text


async def test_an_address_with_an_account_learns_nothing_on_the_page(app: Litestar) -> None:
    known = await given.person(await given.organisation(), "buyer")
    email = (await Person.objects().get(Person.ref == known.ref)).email
    pages = []
    for address, number in ((email, "98041273"), ("new@wetfoot.example", "98041274")):
        async with visitor(app) as client:
            answer = await client.post("/register", data={**TYPED, "email": address, "identifier": number})
            pages.append((answer.status_code, answer.text.replace(address, "")))
    assert pages[0] == pages[1]
    assert await Registration.count() == 1
    subjects = [row["subject"] for row in await Letter.select(Letter.subject).order_by(Letter.id)]
    assert subjects == ["You have an account already", "Confirm that Wetfoot Sensing Ltd registers on Prelude"]


async def test_two_who_confirm_the_same_company_are_one_firm_and_one_refusal() -> None:
    for address in ("first@wetfoot.example", "second@wetfoot.example"):
        typed = {name: getattr(DRAFT, name) for name in SupplierDraft.__struct_fields__} | {"email": address}
        await actions.ask_to_register(SupplierDraft(**typed), PASSWORD, "192.0.2.1")
    tokens = [
        re.search(r"/register/([\w-]+)", letter.text)[1]  # type: ignore[index]
        for letter in await Letter.objects().order_by(Letter.id)
    ]
    await actions.confirm(tokens[1])
    with pytest.raises(Refused) as refused:
        await actions.confirm(tokens[0])
    assert [reason.code for reason in refused.value.reasons] == ["organisation.registered-already"]
    assert (await Organisation.count(), await Person.count(), await Profile.count()) == (1, 1, 1)


async def test_the_letters_link_is_good_for_two_days_and_then_forgotten() -> None:
    with clock.at(given.TODAY):
        await actions.ask_to_register(DRAFT, PASSWORD, "192.0.2.1")
    token = re.search(r"/register/([\w-]+)", (await newest()).text)[1]  # type: ignore[index]
    with clock.at(given.TODAY + actions.CONFIRM_WITHIN), pytest.raises(Refused) as refused:
        await actions.confirm(token)
    assert refused.value.status == 410
    with clock.at(given.TODAY + actions.CONFIRM_WITHIN + timedelta(days=7)):
        assert await actions.forget_unconfirmed() == 0
    with clock.at(given.TODAY + actions.CONFIRM_WITHIN + timedelta(days=7, seconds=1)):
        assert await actions.forget_unconfirmed() == 1
    with pytest.raises(NotFound):
        await actions.confirm(token)


async def test_a_sole_trader_registers_without_a_number_and_so_does_the_next() -> None:
    for address in ("a@one.example", "b@two.example"):
        await actions.register(
            SupplierDraft("Own Name", "Draws maps by hand for councils.", person_name="Own Name", email=address)
        )
    assert await Organisation.count() == 2


async def test_registering_again_and_again_is_slowed_down() -> None:
    with clock.at(given.TODAY):
        for _ in range(actions.BY_ADDRESS.burst):
            await actions.ask_to_register(DRAFT, PASSWORD, "192.0.2.1")
        with pytest.raises(Refused) as refused:
            await actions.ask_to_register(DRAFT, PASSWORD, "192.0.2.2")
    assert refused.value.status == 429


def told(**facts: Any) -> ProfileDraft:
    return ProfileDraft("Sensors that hang under a gully grate.", **facts)


async def seen(firm: Organisation) -> str:
    return await given.seen(ProfileDraft, await actions.profile_of(firm), firm)


async def test_a_profile_has_versions_that_are_read_later() -> None:
    firm, person = await actions.register(DRAFT)
    actor = await actor_of(person.id, "password")
    monitoring = told(capabilities=["gully monitoring", " gully  monitoring ", "radio"])
    await actions.update_profile(actor, firm.ref, monitoring, await seen(firm))
    await actions.update_profile(actor, firm.ref, told(capabilities=["radio"], employees=300), await seen(firm))
    rows = await ProfileVersion.objects().order_by(ProfileVersion.version)
    assert [row.version for row in rows] == [1, 2, 3]
    second, third = (json.loads(row.snapshot) for row in rows[1:])
    assert (second["capabilities"], second["small"]) == (["gully monitoring", "radio"], None)
    assert (third["capabilities"], third["small"]) == (["radio"], False)
    assert "employees" not in third
    events = await Event.objects().where(Event.verb == "profile.updated").order_by(Event.seq)
    assert [json.loads(event.body)["version"] for event in events] == [2, 3]


async def test_two_who_change_a_profile_at_once_do_not_overwrite_each_other(app: Litestar) -> None:
    firm, person = await actions.register(DRAFT)
    actor = await actor_of(person.id, "password")
    async with given.browser(app) as client:
        await given.signed_in(client, actor)
        typed = {
            "version": await seen(firm),
            "summary": "Sensors that hang under a gully grate.",
            "capabilities": "radio\nflood alerts",
        }
        assert (await client.post(f"/suppliers/{firm.ref}/edit", data=typed)).status_code == 303
        again = await client.post(f"/suppliers/{firm.ref}/edit", data={**typed, "summary": "Mine, written meanwhile."})
        assert again.status_code == 409
        assert f"{person.name} saved this on" in again.text
        assert "Sensors that hang under a gully grate." in again.text
        assert "Mine, written meanwhile." in again.text
    assert (await Profile.objects().first()).capabilities == ["radio", "flood alerts"]


async def test_only_its_administrator_changes_a_profile(app: Litestar) -> None:
    firm, _ = await actions.register(DRAFT)
    member = await given.person(firm, "supplier-member")
    rival = await given.person(await given.supplier(), "supplier-admin")
    async with given.browser(app) as client:
        await given.signed_in(client, rival)
        assert (await client.get(f"/suppliers/{firm.ref}/edit")).status_code == 403
        assert (
            await client.post(f"/suppliers/{firm.ref}/edit", data={"summary": "Not yours at all"})
        ).status_code == 403
    with pytest.raises(Refused):
        await actions.update_profile(member, firm.ref, told(), await seen(firm))


async def test_the_public_page_tells_who_is_small_and_by_which_law_but_no_figures(app: Litestar) -> None:
    firm, person = await actions.register(DRAFT)
    async with given.browser(app) as client:
        public = await client.get(f"/suppliers/{firm.ref}")
        assert public.status_code == 200
        assert "Procurement Act 2023 section 123(1)" in public.text
        assert "£1,184,000" not in public.text
        assert "14 staff" not in public.text
        assert "company/98041273" in public.text
        assert (await client.get(f"/suppliers/{firm.ref}/versions/1")).status_code == 200
        assert (await client.get(f"/suppliers/{firm.ref}/versions/2")).status_code == 404
        assert (await client.get(f"/organisations/{firm.ref}")).headers["location"] == f"/suppliers/{firm.ref}"
        assert (await client.get(f"/suppliers/{(await given.organisation()).ref}")).status_code == 404
        await given.signed_in(client, await actor_of(person.id, "password"))
        own = await client.get(f"/suppliers/{firm.ref}")
        assert "£1,184,000" in own.text
        assert "Change the profile" in own.text


async def test_suppliers_are_listed_by_name_found_by_every_word_and_paged(app: Litestar) -> None:
    for number in range(actions.PER_PAGE + 2):
        await given.supplier(f"Firm {number:02d} Ltd")
    firm, person = await actions.register(DRAFT)
    actor = await actor_of(person.id, "password")
    await actions.update_profile(actor, firm.ref, told(capabilities=["100% uptime"]), await seen(firm))
    async with given.browser(app) as client:
        first = await client.get("/suppliers")
        assert first.text.count('class="pre-row"') == actions.PER_PAGE
        following = re.search(r'href="(/suppliers\?q=&amp;after=[\w-]+)"', first.text)
        assert following
        second = await client.get(following[1].replace("&amp;", "&"))
        assert second.text.count('class="pre-row"') == 3
        found = await client.get("/suppliers?q=GULLY+wetfoot")
        assert found.text.count('class="pre-row"') == 1
        assert (await client.get("/suppliers?q=100%25+uptime")).text.count('class="pre-row"') == 1
        assert "No supplier has all of these words." in (await client.get("/suppliers?q=%25_wetfoot")).text
        page = (await client.get("/api/v1/suppliers")).json()
        assert (len(page["items"]), page["next"].startswith("/api/v1/suppliers?")) == (actions.PER_PAGE, True)
        assert (await client.get(page["next"])).json()["next"] is None


async def test_the_api_reads_and_changes_a_profile(app: Litestar) -> None:
    firm, person = await actions.register(DRAFT)
    headers = await given.token(await actor_of(person.id, "password"))
    stranger = await given.token(await given.person(await given.supplier(), "supplier-admin"))
    path = f"/api/v1/suppliers/{firm.ref}"
    body = {"summary": "Sensors under a gully grate.", "cpv": ["35125100"], "employees": 14}
    async with given.browser(app) as client:
        read = (await client.get(path)).json()
        assert (read["small"], read["size"], read["version"]) == (True, "sme", 1)
        assert "employees" not in read
        assert (await client.put(f"{path}/profile", json=body)).status_code == 401
        assert (await client.put(f"{path}/profile", json=body, headers=stranger)).status_code == 403
        blind = await client.put(f"{path}/profile", json=body, headers=headers)
        assert (blind.status_code, blind.json()["reasons"][0]["code"]) == (428, "record.version-missing")
        headers["if-match"] = f'"{read["etag"]}"'
        assert (await client.put(f"{path}/profile", json={**body, "cpv": ["x"]}, headers=headers)).status_code == 409
        assert (await client.put(f"{path}/profile", json={**body, "more": 1}, headers=headers)).status_code == 400
        assert (await client.put(f"{path}/profile", json=body, headers=headers)).json()["version"] == 2
        late = await client.put(f"{path}/profile", json={**body, "region": "Wales"}, headers=headers)
        assert (late.status_code, late.json()["reasons"][0]["code"]) == (409, "record.changed-meanwhile")
        assert late.headers["content-type"] == "application/problem+json"
        assert (late.json()["stored"]["summary"], late.json()["stored"]["region"]) == (body["summary"], "")
        headers["if-match"] = late.json()["etag"]
        known = await client.put(f"{path}/profile", json={**body, "region": "Wales"}, headers=headers)
        assert (known.json()["version"], known.json()["region"]) == (3, "Wales")
        assert (await client.get(f"{path}/versions/1")).json()["profile"]["summary"] == DRAFT.summary
        assert (await client.get("/api/v1/suppliers/O-NOTHERE")).status_code == 404
