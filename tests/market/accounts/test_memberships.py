"""Organisations entered by operators, invitations by letter, joining, and ending a role."""

import asyncio
import re
from datetime import UTC, date, datetime, timedelta

import pytest
from litestar import Litestar

from market import clock
from market.accounts import actions, invitations, memberships
from market.accounts.invitations import Acceptance, Admitted
from market.accounts.memberships import OrganisationDraft, after, first_moment
from market.accounts.rules import Office
from market.accounts.sessions import actor_of, begin
from market.accounts.tables import ApiToken, Invitation, Membership, Organisation, Person, Session
from market.actor import PUBLIC, Actor
from market.audit.actions import record
from market.audit.tables import Event, Outbox
from market.letters.tables import Letter
from market.refusals import NotFound, Refused
from tests import given

pytestmark = pytest.mark.usefixtures("clean")

PASSWORD = "seven wooden kites"


async def operator() -> Actor:
    return await given.person(await given.organisation(kind="operator"), "operator")


async def newest_link(pattern: str) -> str:
    letter = await Letter.objects().order_by(Letter.id, ascending=False).first()
    found = re.search(rf"http://localhost:8000({pattern})", letter.text)
    assert found, letter.text
    return found[1]


async def test_the_operator_enters_a_department_and_its_minister_takes_office(app: Litestar) -> None:
    async with given.browser(app) as client:
        await given.signed_in(client, await operator())
        wrong = await client.post("/organisations/new", data={"name": "X", "tier": "local", "scheme": "GB-COH"})
        assert wrong.status_code == 422
        assert "Name must be at least 3 characters long" in wrong.text
        assert "Enter the kind of organisation" in wrong.text
        assert "Only buyers have a tier." in wrong.text
        assert "as it stands in the register (Companies House)" in wrong.text
        typed = {"name": "Department for Places", "kind": "buyer", "tier": "central", "country": "GB"}
        made = await client.post("/organisations/new", data=typed)
        assert made.status_code == 303
        people = made.headers["location"]
        ref = people.split("/")[2]
        page = (await client.get(people)).text
        assert "appointed by two people" in page
        assert 'value="minister"' not in page
        known = {"ground": "Her appointment is in the Gazette.", "paper": "Letter of appointment of 6 July 2026"}
        asked = {"email": "Helena@places.example", "role": "minister", "name": "Helena Marchbanks", **known}
        unread = await client.post(f"/organisations/{ref}/invitations", data={**asked, "email": "helena"})
        for words in ("must look like name@firm.example", "Enter the first day in office.", "the title of the office"):
            assert words in unread.text
        office = {**asked, "title": "Minister for Places", "office_since": "2026-07-06", "office_until": "2029-07-05"}
        alone = await client.post(f"/organisations/{ref}/invitations", data=office)
        assert alone.status_code == 409
        assert "Nobody makes a minister, an auditor or an operator alone." in alone.text
        body = await Organisation.objects().get(Organisation.ref == ref)
        terms = Office(
            "buyer",
            "central",
            "minister",
            "Minister for Places",
            first_moment(date(2026, 7, 6)),
            after(date(2029, 7, 5)),
        )
        two = await operator()
        assert two.person is not None
        await invitations.offer(
            two,
            body,
            "Helena@places.example",
            terms,
            Admitted("Helena Marchbanks", "Proposed by one, confirmed by another.", "Letter of appointment"),
            inviter="Sam and Leila",
            invited_by=two.person,
        )
        assert "helena@places.example" in (await client.get(people)).text
        assert "Department for Places" in (await client.get("/organisations")).text
    link = await newest_link(r"/invitations/[\w-]+")
    async with given.browser(app) as client:
        page = await client.get(link)
        assert "Minister for Places" in page.text
        client.headers["x-csrf-token"] = page.text.split('csrf_token" value="')[1][:64]
        short = await client.post(link, data={"name": "", "password": "short"})
        assert short.status_code == 422
        assert "Enter your name" in short.text
        assert (await client.post(link, data={"name": "Helena Marchbanks", "password": PASSWORD})).status_code == 303
        assert "Minister for Places" in (await client.get("/account")).text
        assert (await client.get(link)).status_code == 410
    held = await Membership.objects().order_by(Membership.id, ascending=False).first()
    assert (held.role, held.title, held.since) == (
        "minister",
        "Minister for Places",
        datetime(2026, 7, 5, 23, tzinfo=UTC),
    )
    assert held.until == datetime(2029, 7, 5, 23, tzinfo=UTC)
    event = await Event.objects().order_by(Event.seq, ascending=False).first()
    assert event.verb == "membership.began"
    assert "Minister for Places" in event.body
    assert "Helena" not in event.body
    assert "Helena" in (event.private_body or "")


async def test_an_invitation_to_somebody_with_an_account_needs_her_session(app: Litestar) -> None:
    body, other = await given.organisation(), await given.organisation()
    officer = await given.person(body, "buyer")
    colleague = await given.person(other, "evaluator")
    row = await Person.objects().get(Person.ref == colleague.ref)
    await Person.update({Person.password_hash: "kept"}).where(Person.id == row.id)
    await given.domain(body, row.email.split("@")[1])
    _, token = await invitations.invite(officer, body.ref, given.invited(row.email, "evaluator", row.name))
    with pytest.raises(Refused) as refused:
        await invitations.accept(PUBLIC, token, Acceptance("An impostor", PASSWORD))
    assert [reason.code for reason in refused.value.reasons] == ["invitation.sign-in-first"]
    with pytest.raises(Refused):
        await invitations.accept(officer, token)
    async with given.browser(app) as client:
        assert "Sign in" in (await client.get(f"/invitations/{token}")).text
        await given.signed_in(client, colleague)
        assert (await client.post(f"/invitations/{token}")).status_code == 303
    assert colleague.person is not None
    assert (await actor_of(colleague.person, "password")).wears("evaluator", organisation=body.id)
    assert (await Person.objects().get(Person.id == row.id)).name == row.name


async def test_whether_an_address_has_an_account_is_not_told_to_who_invites() -> None:
    body = await given.organisation()
    officer = await given.person(body, "buyer")
    known = await given.person(await given.organisation(), "buyer")
    email = (await Person.objects().get(Person.ref == known.ref)).email
    for address in (email, "nobody@nowhere.example"):
        await invitations.invite(officer, body.ref, given.invited(address, "evaluator"))
    first, second = await Letter.objects().order_by(Letter.id)
    assert (first.subject, first.name, first.person) == (second.subject, second.name, second.person)


async def test_a_second_invitation_replaces_the_first_and_a_withdrawn_one_opens_nothing() -> None:
    body = await given.organisation()
    await given.domain(body, "places.example")
    officer = await given.person(body, "buyer")
    draft = given.invited("new@places.example", "evaluator")
    _, first = await invitations.invite(officer, body.ref, draft)
    row, second = await invitations.invite(officer, body.ref, draft)
    with pytest.raises(Refused):
        await invitations.open_invitation(first)
    await invitations.withdraw_invitation(officer, body.ref, row.ref)
    with pytest.raises(Refused):
        await invitations.accept(PUBLIC, second, Acceptance("New Person", PASSWORD))
    with pytest.raises(NotFound):
        await invitations.open_invitation("guessed")


async def test_an_invitation_lapses_after_two_weeks() -> None:
    body = await given.organisation()
    await given.domain(body, "places.example")
    officer = await given.person(body, "buyer")
    with clock.at(given.TODAY):
        _, token = await invitations.invite(officer, body.ref, given.invited("new@places.example", "evaluator"))
    with clock.at(given.TODAY + timedelta(days=14)), pytest.raises(Refused) as refused:
        await invitations.accept(PUBLIC, token, Acceptance("New Person", PASSWORD))
    assert refused.value.status == 410


async def test_only_those_who_may_give_a_role_invite_withdraw_and_end() -> None:
    body = await given.organisation()
    officer, evaluator = await given.person(body, "buyer"), await given.person(body, "evaluator")
    stranger = await given.person(await given.organisation(), "buyer")
    draft = given.invited("new@places.example", "evaluator")
    for actor in (evaluator, stranger):
        with pytest.raises(Refused) as refused:
            await invitations.invite(actor, body.ref, draft)
        assert refused.value.status == 403
    row, _ = await invitations.invite(officer, body.ref, draft)
    held = await Membership.objects().get(Membership.person == officer.person)
    for actor in (evaluator, stranger):
        with pytest.raises(NotFound):
            await invitations.withdraw_invitation(actor, body.ref, row.ref)
        with pytest.raises(NotFound):
            await memberships.end(actor, body.ref, held.id)


async def test_a_role_that_ended_is_worn_no_longer_and_the_person_is_told(app: Litestar) -> None:
    body = await given.organisation()
    officer, evaluator = await given.person(body, "buyer"), await given.person(body, "evaluator")
    held = await Membership.objects().get(Membership.person == evaluator.person)
    async with given.browser(app) as client:
        await given.signed_in(client, officer)
        assert evaluator.name in (await client.get(f"/organisations/{body.ref}/people")).text
        assert (await client.post(f"/organisations/{body.ref}/people/{held.id}/end")).status_code == 303
        assert (await client.post(f"/organisations/{body.ref}/people/{held.id}/end")).status_code == 409
    assert evaluator.person is not None
    assert (await actor_of(evaluator.person, "password")).hats == ()
    assert "has ended" in (await Letter.objects().first()).subject
    subjects = [row["subject"] for row in await Outbox.select(Outbox.subject)]
    assert f"organisation:{body.ref}" in subjects


async def test_an_office_ends_at_the_end_of_its_last_day(app: Litestar) -> None:
    department = await given.organisation()
    minister = await given.person(department, "minister", title="Minister for Places")
    held = await Membership.objects().get(Membership.person == minister.person)
    path = f"/organisations/{department.ref}/people"
    with clock.at(given.TODAY):
        async with given.browser(app) as client:
            await given.signed_in(client, await operator())
            wrong = await client.post(f"{path}/{held.id}/end", data={"last_day": "30 November"})
            assert wrong.status_code == 422
            assert "Last day must be a real date" in wrong.text
            assert (await client.post(f"{path}/{held.id}/end", data={"last_day": "2026-11-30"})).status_code == 303
            assert "until Mon 30 Nov 2026" in (await client.get(path)).text
    assert minister.person is not None
    last = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)
    assert (await actor_of(minister.person, "passkey", last)).wears("minister")
    assert not (await actor_of(minister.person, "passkey", last + timedelta(minutes=1))).wears("minister")


async def test_two_invitations_of_a_new_address_make_one_account() -> None:
    one, other = await given.organisation(), await given.organisation()
    tokens = []
    for body in (one, other):
        await given.domain(body, "places.example")
        officer = await given.person(body, "buyer")
        _, token = await invitations.invite(officer, body.ref, given.invited("new@places.example", "evaluator"))
        tokens.append(token)
    answers = await asyncio.gather(
        *(invitations.accept(PUBLIC, token, Acceptance("New Person", PASSWORD)) for token in tokens),
        return_exceptions=True,
    )
    refused = [answer for answer in answers if isinstance(answer, Refused)]
    assert [reason.code for each in refused for reason in each.reasons] == ["invitation.sign-in-first"]
    assert await Person.count().where(Person.email == "new@places.example") == 1


async def test_the_people_of_a_body_are_not_strangers_business(app: Litestar) -> None:
    body = await given.organisation()
    async with given.browser(app) as client:
        await given.signed_in(client, await given.person(await given.organisation(), "buyer"))
        assert (await client.get(f"/organisations/{body.ref}/people")).status_code == 404
        assert (await client.get(f"/organisations/{body.ref}")).status_code == 200


async def test_a_new_site_gets_its_first_two_operators_and_no_third_from_the_command(app: Litestar) -> None:
    (token,) = await memberships.found_site([("Sam Ferrier", "Sam@team.example")], "Innovation Team")
    for name, address, code in (
        ("Sam Again", "sam@team.example", "organisation.founded-already"),
        ("Sam Too", "sam+second@team.example", "organisation.founded-by-one"),
        ("Team", "info@team.example", "organisation.founder-shared"),
    ):
        with pytest.raises(Refused) as refused:
            await memberships.found_site([(name, address)], "Innovation Team")
        assert [reason.code for reason in refused.value.reasons] == [code]
    person = await invitations.accept(PUBLIC, token, Acceptance("Sam Ferrier", PASSWORD))
    sam = await actor_of(person.id, "password")
    assert sam.wears("operator")
    assert await actions.sign_in("sam@team.example", PASSWORD, "192.0.2.1")
    assert await Membership.count() == 1
    async with given.browser(app) as client:
        await given.signed_in(client, sam)
        for page in ("/appointments/new", "/rulings/new", "/rulings/department", "/rulings/text"):
            said = (await client.get(page)).text
            assert "Nobody else here can confirm yet." in said
            assert ">Propose</button>" not in said.replace("\n", "").replace("  ", "")
    (second,) = await memberships.found_site([("Leila Haddadin", "leila@team.example")], "Another Team")
    leila = await invitations.accept(PUBLIC, second, Acceptance("Leila Haddadin", PASSWORD))
    assert (await actor_of(leila.id, "password")).wears("operator")
    assert await Organisation.count().where(Organisation.kind == "operator") == 1
    with pytest.raises(Refused) as refused:
        await memberships.found_site([("Third", "third@team.example")], "Innovation Team")
    assert [reason.code for reason in refused.value.reasons] == ["organisation.founded-already"]
    async with given.browser(app) as client:
        public = (await client.get("/appointments")).text
        assert "At installation" in public
        assert "Leila Haddadin" in public
        await given.signed_in(client, sam)
        for page in ("/appointments/new", "/rulings/new", "/rulings/department", "/rulings/text"):
            assert "There is no auditor yet who could object." in (await client.get(page)).text
        assert 'name="department"' not in (await client.get("/organisations/new")).text


async def test_one_command_lets_in_both_and_not_one_person_twice_nor_three() -> None:
    for people, code in (
        ([("Sam", "sam@team.example"), ("Sam", "sam+two@team.example")], "organisation.founded-by-one"),
        ([("Sam", "sam@team.example"), ("Sam", "Sam@team.example")], "organisation.founded-by-one"),
        ([("A", "a@team.example"), ("B", "b@team.example"), ("C", "c@team.example")], "organisation.founded-already"),
    ):
        with pytest.raises(Refused) as refused:
            await memberships.found_site(people, "Innovation Team")
        assert [reason.code for reason in refused.value.reasons] == [code]
    assert await Organisation.count() == 0, "nothing of a refused foundation stays"
    tokens = await memberships.found_site(
        [("Sam Ferrier", "sam@team.example"), ("Leila Haddadin", "leila@team.example")], "Innovation Team"
    )
    assert len(set(tokens)) == memberships.FOUNDERS
    with pytest.raises(Refused):
        await memberships.found_site([("Third", "third@team.example")], "Innovation Team")
    events = [each.body for each in await Event.objects().where(Event.verb == "appointment.at-installation")]
    assert len(events) == memberships.FOUNDERS
    assert not any("Sam" in each for each in events)


async def test_a_body_is_entered_once_with_a_number_that_can_be_right() -> None:
    actor = await operator()
    draft = OrganisationDraft("City Council", "buyer", "local", scheme="GB-COH", identifier="8407369")
    made = await memberships.create_organisation(actor, draft)
    assert made.identifier == "08407369"
    with pytest.raises(Refused) as refused:
        await memberships.create_organisation(actor, draft)
    assert [reason.code for reason in refused.value.reasons] == ["organisation.registered-already"]
    assert "City Council" in str(refused.value)
    wrong = OrganisationDraft("City Council", "buyer", scheme="GB-COH", identifier="XX1")
    with pytest.raises(Refused) as refused:
        await memberships.create_organisation(actor, wrong)
    assert [reason.code for reason in refused.value.reasons] == [
        "organisation.tier-missing",
        "organisation.number-not-valid",
    ]


async def test_closing_an_account_ends_everything_in_it_and_forgets_the_address(app: Litestar) -> None:
    body = await given.organisation()
    officer = await given.person(body, "buyer", "Maya Thornley")
    headers = await given.token(officer)
    async with given.browser(app) as client:
        await given.signed_in(client, officer)
        assert (await client.get("/account/close")).status_code == 200
        assert (await client.post("/account/close")).status_code == 303
        assert (await client.get("/account")).status_code == 303
        client.cookies.clear()
        assert (await client.get("/api/v1/me", headers=headers)).status_code == 401
    row = await Person.objects().get(Person.ref == officer.ref)
    assert (row.name, row.email, row.password_hash) == ("Maya Thornley", f"{officer.ref.lower()}@closed.invalid", "")
    assert (await Membership.objects().first()).until is not None


async def test_the_only_administrator_of_a_firm_cannot_leave_it_headless() -> None:
    firm = await given.supplier()
    admin = await given.person(firm, "supplier-admin")
    with pytest.raises(Refused) as refused:
        await actions.close_account(admin)
    assert [reason.code for reason in refused.value.reasons] == ["membership.last-of-its-kind"]
    await given.person(firm, "supplier-admin")
    await actions.close_account(admin)


async def test_a_token_is_shown_once_and_revoked(app: Litestar) -> None:
    officer = await given.person(await given.organisation(), "buyer", "Maya Thornley")
    async with given.browser(app) as client:
        await given.signed_in(client, officer)
        unnamed = await client.post("/account/tokens", data={"name": "", "days": "7", "scopes": "read"})
        assert unnamed.status_code == 422
        assert "Enter what it is for" in unnamed.text
        page = await client.post("/account/tokens", data={"name": "Nightly export", "days": "30", "scopes": "read"})
        found = re.search(r"prelude_[\w-]{43}", page.text)
        assert found
        assert found[0] not in (await client.get("/account")).text
        row = await ApiToken.objects().first()
        assert found[0] not in (row.token_hash, row.name)
        headers = {"authorization": f"Bearer {found[0]}", "accept": "application/json"}
        me = await client.get("/api/v1/me", headers=headers)
        assert (me.status_code, me.json()["name"]) == (200, "Maya Thornley")
        assert (await client.post(f"/account/tokens/{row.ref}/revoke")).status_code == 303
        assert (await client.get("/api/v1/me", headers=headers)).status_code == 401


async def test_other_sessions_are_ended_and_this_one_goes_on(app: Litestar) -> None:
    officer = await given.person(await given.organisation(), "buyer")
    async with given.browser(app) as here, given.browser(app) as there:
        await given.signed_in(there, officer)
        await given.signed_in(here, officer)
        assert "Sign out everywhere else" in (await here.get("/account")).text
        assert (await here.post("/account/sessions/end-others")).status_code == 303
        assert (await here.get("/account")).status_code == 200
        assert (await there.get("/account")).status_code == 303


async def test_what_expired_long_ago_is_forgotten() -> None:
    officer = await given.person(await given.organisation(), "buyer")
    assert officer.person is not None
    with clock.at(given.TODAY):
        await begin(officer.person, "password")
    with clock.at(given.TODAY + timedelta(days=30)):
        assert await actions.forget_expired() == 0
    with clock.at(given.TODAY + timedelta(days=31)):
        assert await actions.forget_expired() == 1
    assert await Session.count() == 0


async def test_the_api_invites_lists_and_ends(app: Litestar) -> None:
    body = await given.organisation("Department for Places")
    officer, evaluator = await given.person(body, "buyer"), await given.person(body, "evaluator")
    headers, stranger = (
        await given.token(officer),
        await given.token(await given.person(await given.supplier(), "supplier-admin")),
    )
    async with given.browser(app) as client:
        path = f"/api/v1/organisations/{body.ref}"
        assert (await client.get(path)).json()["name"] == "Department for Places"
        assert (await client.get("/api/v1/organisations")).json()["items"][0]["tier"] == "central"
        assert (await client.get("/api/v1/organisations/O-NOTHERE")).status_code == 404
        asked = {"email": "new@places.example", "role": "evaluator", "name": "New Person"}
        unknown = await client.post(f"{path}/invitations", json=asked, headers=headers)
        assert [each["code"] for each in unknown.json()["reasons"]] == [
            "invitation.ground-missing",
            "invitation.paper-missing",
        ]
        asked |= {"ground": "She has worked beside me for years.", "paper": "Contract of 2 March 2026"}
        assert (await client.post(f"{path}/invitations", json=asked)).status_code == 401
        assert (await client.post(f"{path}/invitations", json=asked, headers=stranger)).status_code == 403
        assert (await client.post(f"{path}/invitations", json=asked, headers=headers)).status_code == 201
        assert (await client.get(f"{path}/people", headers=stranger)).status_code == 404
        people = (await client.get(f"{path}/people", headers=headers)).json()["items"]
        assert {person["role"] for person in people} == {"buyer", "evaluator"}
        ends = next(person["id"] for person in people if person["person"] == evaluator.ref)
        assert (await client.post(f"{path}/people/{ends}/end", headers=headers)).status_code == 200
        assert (await client.post(f"{path}/people/{ends}/end", headers=headers)).status_code == 409
        new = {"name": "City Council", "kind": "buyer", "tier": "local"}
        assert (await client.post("/api/v1/organisations", json=new, headers=headers)).status_code == 403
        boss = await given.token(await operator())
        assert (await client.post("/api/v1/organisations", json=new, headers=boss)).status_code == 201
    assert await Invitation.count() == 1
    assert await Organisation.exists().where(Organisation.name == "City Council")


async def test_an_invitation_to_ones_own_address_is_accepted_from_the_account(app: Litestar) -> None:
    buyer, firm = await given.organisation("Department for Roads"), await given.supplier("Kestrel Ltd")
    officer, member = await given.person(buyer, "buyer"), await given.person(firm, "supplier-member")
    other = await given.person(firm, "supplier-member")
    address = (await Person.objects().get(Person.ref == member.ref)).email
    await given.domain(buyer, address.split("@")[1])
    row, _ = await invitations.invite(officer, buyer.ref, given.invited(address, "evaluator", member.name))
    async with given.browser(app) as client:
        await given.signed_in(client, other)
        assert "You are invited" not in (await client.get("/account")).text
        assert (await client.post(f"/account/invitations/{row.ref}")).status_code == 404
        await given.signed_in(client, member)
        assert "You are invited to Department for Roads" in (await client.get("/account")).text
        assert (await client.post(f"/account/invitations/{row.ref}")).status_code == 303
        assert (await client.post(f"/account/invitations/{row.ref}")).status_code == 409
        page = (await client.get("/account")).text
        assert "You are invited" not in page
        assert "Department for Roads" in page
    roles = {(hat.role, hat.organisation) for hat in (await actor_of(member.person or 0, "password")).hats}
    assert roles == {("supplier-member", firm.id), ("evaluator", buyer.id)}


async def test_an_operator_changes_what_is_told_of_a_body_and_its_records_are_told_again(app: Litestar) -> None:
    team = await operator()
    parent = await given.organisation("Department for Places")
    body = await given.organisation("Calderwik Council", tier="local")
    officer = await given.person(body, "buyer")
    await record(officer, "challenge.published", "challenge:CH-AAAAAAA", organisation=body.ref)
    address = f"/organisations/{body.ref}/edit"
    async with given.browser(app) as client:
        await given.signed_in(client, officer)
        assert (await client.get(address)).status_code == 403
        await given.signed_in(client, team)
        assert 'value="Calderwik Council"' in (await client.get(address)).text
        wrong = await client.post(address, data={"name": "X"})
        assert "at least 3 characters" in wrong.text
        typed = {"name": "Calderwick Council", "region": "North", "tier": "other", "department": parent.ref}
        assert (await given.filled(client, address, typed)).status_code == 303
        page = (await client.get(f"/organisations/{body.ref}")).text
        assert "Calderwick Council" in page
        assert "Local government" in page, "what binds it is no field of this form"
        assert "Department for Places" not in page
        headers = await given.token(team)
        headers["if-match"] = (await client.get(f"/api/v1{address[:-5]}")).json()["etag"]
        told = await client.put(f"/api/v1{address[:-5]}", json={"name": "Calderwick"}, headers=headers)
        assert (told.json()["tier"], told.json()["department"]) == ("local", None)
        firm = await given.supplier()
        assert (await client.get(f"/organisations/{firm.ref}/edit")).status_code == 404
    event = await Event.objects().where(Event.verb == "organisation.changed").order_by(Event.seq).first()
    assert event is not None
    assert '"before":{"name":"Calderwik Council"}' in event.body
    assert await Outbox.count().where(Outbox.subject == "challenge:CH-AAAAAAA") == 3


async def test_programs_list_and_withdraw_invitations_of_the_body_they_may_invite_to(app: Litestar) -> None:
    body, other = await given.organisation(), await given.organisation()
    officer, evaluator = await given.person(body, "buyer"), await given.person(body, "evaluator")
    row, _ = await invitations.invite(officer, body.ref, given.invited("new@places.example", "evaluator"))
    async with given.browser(app) as client:
        mine = await given.token(officer)
        listed = await client.get(f"/api/v1/organisations/{body.ref}/invitations", headers=mine)
        assert [each["email"] for each in listed.json()["items"]] == ["new@places.example"]
        theirs = await given.token(evaluator)
        assert (await client.get(f"/api/v1/organisations/{body.ref}/invitations", headers=theirs)).status_code == 404
        wrong = f"/api/v1/organisations/{other.ref}/invitations/{row.ref}/withdraw"
        assert (await client.post(wrong, headers=mine)).status_code == 404
        place = f"/api/v1/organisations/{body.ref}/invitations/{row.ref}/withdraw"
        assert (await client.post(place, headers=mine)).status_code == 200
        assert (await client.post(place, headers=mine)).status_code == 409
