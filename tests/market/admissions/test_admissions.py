"""Two people are two people when somebody is let in: by name, on a paper, from inside the body's domains or with others' word."""

import re

import pytest
from litestar import Litestar

from market import clock
from market.accounts import invitations, memberships
from market.accounts.marks import marks_of
from market.accounts.rules import ADMIT, Admission
from market.accounts.sessions import actor_of
from market.accounts.tables import Invitation, InvitationVoice, MailDomain, Membership, Organisation, Person
from market.actor import PUBLIC, Actor, Role
from market.admissions import actions, rules
from market.audit.tables import Event
from market.db import find
from market.front.desks import desk
from market.letters.tables import Letter
from market.refusals import NotFound, Refused, refusals
from tests import given

PASSWORD = "three words that rhyme not"
OUTSIDE = "second@mail.example"


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [each.code for each in refused.value.reasons]


def admission(**said: object) -> Admission:
    known = {"kind": "buyer", "address": "maya@town.example", "ground": "I have met her at work.", "own": False}
    return Admission(**{**known, "paper": "Contract of 2 March 2026", "another_of": False, **said})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, None),
        ({"own": True}, "invitation.own"),
        ({"another_of": True}, "invitation.same-mailbox"),
        ({"address": "info@town.example"}, "invitation.shared-mailbox"),
        ({"address": "info@firm.example", "kind": "supplier"}, None),
        ({"ground": "known"}, "invitation.ground-missing"),
        ({"paper": " " * 40}, "invitation.paper-missing"),
        ({"ground": "", "paper": "", "kind": "supplier"}, None),
    ],
)
def test_whoever_is_let_in_is_somebody_else_with_a_mailbox_and_a_paper_of_her_own(said: dict, code: str | None) -> None:
    assert [each.code for each in refusals(ADMIT, admission(**said))] == ([code] if code else [])


@pytest.mark.parametrize(
    ("role", "administrators", "voices", "body", "team"),
    [
        ("evaluator", 2, [], 2, 0),
        ("evaluator", 2, ["body"], 1, 0),
        ("evaluator", 9, ["body", "body"], 0, 0),
        ("evaluator", 1, ["body"], 0, 1),
        ("evaluator", 0, ["team"], 0, 1),
        ("evaluator", 0, ["team", "team"], 0, 0),
        ("buyer", 2, ["body"], 1, 1),
        ("buyer", 2, ["body", "body"], 0, 1),
        ("buyer", 2, ["body", "body", "team"], 0, 0),
        ("buyer", 1, ["body"], 0, 2),
        ("buyer", 1, ["body", "team"], 0, 1),
        ("buyer", 0, ["team"], 0, 1),
        ("contract-manager", 2, ["body", "body"], 0, 1),
        ("a role of tomorrow", 2, ["body", "body"], 0, 1),
    ],
)
def test_who_has_to_agree_follows_from_the_role_and_who_is_there(
    role: str, administrators: int, voices: list[str], body: int, team: int
) -> None:
    assert rules.lacking(role, administrators, voices) == rules.Lacking(body, team)


def test_what_is_lacking_is_said_in_words() -> None:
    assert str(rules.Lacking(1, 2)) == "one more person of the body who gives this role and 2 operators"
    assert not rules.Lacking(0, 0)


@pytest.mark.parametrize(
    ("domain", "evidence", "known", "code"),
    [
        ("town.example", "The register names it.", False, None),
        ("town", "The register names it.", False, "domain.not-a-domain"),
        ("xn--twn-sna.example", "The register names it.", False, "domain.look-alike"),
        ("gov.uk", "The register names it.", False, "domain.nobodys"),
        ("gmail.com", "The register names it.", False, "domain.nobodys"),
        ("town.example", "ours", False, "domain.evidence-missing"),
        ("town.example", "The register names it.", True, "domain.known-already"),
    ],
)
def test_a_domain_is_one_that_can_be_a_bodys_and_rests_on_something(
    domain: str, evidence: str, known: bool, code: str | None
) -> None:
    found = refusals(rules.PROPOSE, rules.Proposing(domain, evidence, known))
    assert [each.code for each in found] == ([code] if code else [])


# ── the attacks ────────────────────────────────────────────────────────────────────────────────────────────────────


class Town:
    """A body with a domain, two buyers, and a team of two operators."""

    body: Organisation
    maya: Actor
    ruth: Actor
    sam: Actor
    leila: Actor

    async def __call__(self) -> "Town":
        self.body = await given.organisation("Calderwick Council", tier="local")
        await given.domain(self.body, "calderwick.example")
        self.maya, self.ruth = await given.person(self.body, "buyer"), await given.person(self.body, "buyer")
        for actor, name in ((self.maya, "maya"), (self.ruth, "ruth")):
            await Person.update({Person.email: f"{name}@calderwick.example"}).where(Person.id == actor.person)
        team = await given.organisation(kind="operator")
        self.sam, self.leila = await given.person(team, "operator"), await given.person(team, "operator")
        return self


async def asked(by: Actor, body: Organisation, role: Role, address: str, name: str = "New Person") -> Invitation:
    row, _token = await invitations.invite(by, body.ref, given.invited(address, role, name))
    return row


async def newest_token() -> str:
    letter = (
        await Letter.objects()
        .where(Letter.template == "accounts/invitation.txt")
        .order_by(Letter.id, ascending=False)
        .first()
    )
    found = re.search(r"/invitations/([\w-]+)", letter.text)
    assert found
    return found[1]


async def joined(name: str = "New Person") -> Actor:
    person = await invitations.accept(PUBLIC, await newest_token(), invitations.Acceptance(name, PASSWORD))
    return given.touched(await actor_of(person.id, "password"))


@pytest.mark.usefixtures("clean")
async def test_an_outside_mailbox_waits_for_a_second_administrator_and_an_operator() -> None:
    there = await Town()()
    row = await asked(there.maya, there.body, "contract-manager", OUTSIDE)
    assert (row.outside, row.sent_at) == (True, None)
    assert not await Letter.exists().where(Letter.address == OUTSIDE)
    with pytest.raises(Refused) as refused:
        await actions.agree(there.maya, row.ref)
    assert codes(refused) == ["invitation.same-person"]
    assert "Agree to let New Person into Calderwick Council" in str((await desk(there.ruth)).waiting)
    assert "New Person" not in str((await desk(there.maya)).waiting)
    assert (await actions.agree(there.ruth, row.ref)).sent_at is None
    assert (await actions.agree(there.sam, row.ref)).sent_at is not None
    with pytest.raises(Refused) as refused:
        await actions.agree(there.leila, row.ref)
    assert "invitation.decided" in codes(refused)
    second = await joined()
    assert second.wears("contract-manager", organisation=there.body.id)
    assert dict(await marks_of(there.body.id)) == {second.ref: "outside"}
    verbs = [each["verb"] for each in await Event.select(Event.verb).order_by(Event.seq)]
    assert verbs == ["invitation.proposed", *["invitation.backed"] * 2, "invitation.sent", "membership.began"]
    body = (await Event.objects().get(Event.verb == "invitation.sent")).body
    assert "New Person" not in body
    assert OUTSIDE not in body


@pytest.mark.usefixtures("clean")
async def test_somebody_inside_comes_on_one_word_and_stays_unmarked() -> None:
    there = await Town()()
    row = await asked(there.maya, there.body, "contract-manager", "new@mail.calderwick.example")
    assert (row.outside, row.sent_at is not None) == (False, True)
    assert (await joined()).wears("contract-manager")
    assert dict(await marks_of(there.body.id)) == {}


@pytest.mark.usefixtures("clean")
async def test_look_alikes_of_the_domain_wait_too() -> None:
    there = await Town()()
    for address in ("a@calderwick.example.evil.example", "b@evilcalderwick.example", "c@xn--caldewick-9o.example"):
        assert (await asked(there.maya, there.body, "evaluator", address)).sent_at is None


@pytest.mark.usefixtures("clean")
async def test_two_operators_do_not_take_the_place_of_a_bodys_own_second() -> None:
    there = await Town()()
    row = await asked(there.maya, there.body, "buyer", OUTSIDE)
    await actions.agree(there.sam, row.ref)
    with pytest.raises(Refused) as refused:
        await actions.agree(there.leila, row.ref)
    assert codes(refused) == ["invitation.side-not-wanted"]
    await actions.agree(there.ruth, row.ref)
    assert (await joined()).wears("buyer")


@pytest.mark.usefixtures("clean")
async def test_a_mailbox_let_in_lately_is_no_second_administrator_and_a_ring_is_one_pair_of_hands() -> None:
    with clock.at(given.TODAY):
        there = await Town()()
        await asked(there.maya, there.body, "buyer", "one@calderwick.example", "Mailbox One")
        one = await joined("Mailbox One")
        await asked(one, there.body, "buyer", "two@calderwick.example", "Mailbox Two")
        two = await joined("Mailbox Two")
        row = await asked(two, there.body, "evaluator", OUTSIDE)
        for who in (one, there.maya):
            with pytest.raises(Refused) as refused:
                await actions.agree(who, row.ref)
            assert codes(refused) == ["invitation.one-pair-of-hands"]
        assert (await actions.agree(there.ruth, row.ref)).sent_at is not None


@pytest.mark.usefixtures("clean")
async def test_a_body_of_one_pair_of_hands_and_a_body_without_a_domain_need_operators() -> None:
    with clock.at(given.TODAY):
        there = await Town()()
        parish = await given.organisation("Parish Council", tier="local")
        row = await asked(there.sam, parish, "buyer", "clerk.jones@mail.example", "Clerk Jones")
        assert row.sent_at is None
        with pytest.raises(Refused) as refused:
            await actions.agree(there.sam, row.ref)
        assert codes(refused) == ["invitation.same-person"]
        await actions.agree(there.leila, row.ref)
        clerk = await joined("Clerk Jones")
        row = await asked(clerk, parish, "buyer", OUTSIDE)
        await actions.agree(there.sam, row.ref)
        assert (await actions.agree(there.leila, row.ref)).sent_at is not None
        assert dict(await marks_of(parish.id)) == {}, (
            "where there is no domain nothing is outside of it: its page says so"
        )


@pytest.mark.usefixtures("clean")
async def test_nobody_invites_herself_nor_a_second_name_of_a_mailbox_that_is_here() -> None:
    there = await Town()()
    person = await find(Person, Person.id == there.maya.person)
    name, host = person.email.split("@")
    for address, code in (
        (person.email, "invitation.own"),
        (f"{name}+money@{host}", "invitation.own"),
        ("procurement@calderwick.example", "invitation.shared-mailbox"),
    ):
        with pytest.raises(Refused) as refused:
            await asked(there.maya, there.body, "contract-manager", address)
        assert code in codes(refused)
    ruth = await find(Person, Person.id == there.ruth.person)
    with pytest.raises(Refused) as refused:
        await asked(there.maya, there.body, "contract-manager", ruth.email.replace("@", "+two@"))
    assert codes(refused) == ["invitation.same-mailbox"]


@pytest.mark.usefixtures("clean")
async def test_an_invitation_opens_for_the_one_it_names_and_for_nobody_else() -> None:
    there = await Town()()
    row = await asked(there.maya, there.body, "evaluator", "new@calderwick.example", "Zadie Holmes")
    with pytest.raises(Refused) as refused:
        await joined("Maya's Other Name")
    assert codes(refused) == ["invitation.another-name"]
    assert (await joined("zadie  holmes")).name == "Zadie Holmes"
    assert (await find(Invitation, Invitation.id == row.id)).accepted_at is not None
    other = await given.person(await given.organisation(), "evaluator", "Gareth Pike")
    address = (await find(Person, Person.id == other.person)).email
    row = await asked(there.maya, there.body, "evaluator", address, "Somebody Else")
    await actions.agree(there.ruth, row.ref)
    with pytest.raises(Refused) as refused:
        await invitations.accept_here(other, row.ref)
    assert codes(refused) == ["invitation.another-name"]


@pytest.mark.usefixtures("clean")
async def test_whoever_waits_cannot_accept_and_who_is_invited_does_not_agree_to_it() -> None:
    there = await Town()()
    stranger = await given.person(await given.organisation(), "buyer")
    address = (await find(Person, Person.id == stranger.person)).email
    row = await asked(there.maya, there.body, "evaluator", address, stranger.name)
    with pytest.raises(NotFound):
        await invitations.accept_here(stranger, row.ref)
    with pytest.raises(NotFound):
        await actions.agree(stranger, row.ref)
    twin = (await find(Person, Person.id == there.leila.person)).email
    row = await asked(there.maya, there.body, "buyer", twin, there.leila.name)
    with pytest.raises(Refused) as refused:
        await actions.agree(there.leila, row.ref)
    assert codes(refused) == ["invitation.own-backed"]


@pytest.mark.usefixtures("clean")
async def test_what_an_invitation_rested_on_and_whose_word_was_given_stay_as_they_were() -> None:
    there = await Town()()
    row = await asked(there.maya, there.body, "evaluator", OUTSIDE)
    for statement in (
        Invitation.update({Invitation.outside: False}, force=True),
        Invitation.update({Invitation.paper: "Another paper"}, force=True),
        Invitation.delete(force=True),
        InvitationVoice.update({InvitationVoice.person: there.ruth.person}, force=True),
        InvitationVoice.delete(force=True),
        MailDomain.update({MailDomain.domain: "mail.example"}, force=True),
        MailDomain.delete(force=True),
    ):
        with pytest.raises(Exception, match=r"stays? as it was|append-only|never"):
            await statement
    assert row.outside


@pytest.mark.usefixtures("clean")
async def test_a_domain_takes_two_people_and_its_withdrawal_marks_everybody_in_it() -> None:
    there = await Town()()
    draft = actions.DomainDraft("@Works.Calderwick.EXAMPLE", "The council's order of 3 May names it.")
    made = await actions.propose_domain(there.sam, there.body.ref, draft)
    assert made.domain == "works.calderwick.example"
    with pytest.raises(Refused) as refused:
        await actions.confirm_domain(there.sam, made.ref)
    assert codes(refused) == ["domain.same-person"]
    with pytest.raises(Refused):
        await actions.confirm_domain(there.maya, made.ref)
    with pytest.raises(Refused) as refused:
        await actions.propose_domain(there.maya, there.body.ref, draft)
    assert codes(refused) == ["domain.known-already"]
    assert (await asked(there.maya, there.body, "evaluator", OUTSIDE)).sent_at is None
    await actions.confirm_domain(there.leila, made.ref)
    with pytest.raises(Refused) as refused:
        await actions.confirm_domain(there.leila, made.ref)
    assert codes(refused) == ["domain.decided"]
    await asked(there.maya, there.body, "evaluator", "one@works.calderwick.example")
    one = await joined()
    for row in await actions.domains(there.body.id):
        await actions.withdraw_domain(there.maya, row.ref)
    assert dict(await marks_of(there.body.id)) == {}
    await given.domain(there.body, "new.example")
    assert (await marks_of(there.body.id))[one.ref] == "outside"


@pytest.mark.usefixtures("clean")
async def test_the_pages_say_it_before_the_button_and_show_who_let_whom_in(app: Litestar) -> None:
    there = await Town()()
    ref = there.body.ref
    typed = {
        "email": OUTSIDE,
        "name": "Colin Abara",
        "role": "contract-manager",
        "ground": "He has worked beside me since March.",
        "paper": "Contract of employment of 2 March 2026",
    }
    async with given.browser(app) as client:
        await given.signed_in(client, there.maya)
        page = (await client.get(f"/organisations/{ref}/people")).text
        assert "at calderwick.example" in page
        wrong = await client.post(
            f"/organisations/{ref}/invitations", data={**typed, "email": "info@calderwick.example"}
        )
        assert "Several people read this mailbox." in wrong.text
        sent = await client.post(f"/organisations/{ref}/invitations", data=typed)
        assert sent.status_code == 303
        assert "the letter waits until others have agreed" in (await client.get(f"/organisations/{ref}/people")).text
        mine = (await client.get("/admissions")).text
        assert "Whoever spoke for her already" in mine
        assert "Agree to let in" not in mine
        row = await Invitation.objects().first()
        await given.signed_in(client, there.ruth)
        assert (
            "one more person of the body who gives this role and one operator" in (await client.get("/admissions")).text
        )
        assert (await client.post(f"/admissions/{row.ref}/agree")).status_code == 303
        await given.signed_in(client, there.sam)
        assert (await client.post(f"/admissions/{row.ref}/agree")).status_code == 303
        client.cookies.clear()
        link = f"/invitations/{await newest_token()}"
        page = (await client.get(link)).text
        assert "The invitation is for <bdi>Colin Abara</bdi>" in page
        client.headers["x-csrf-token"] = page.split('csrf_token" value="')[1][:64]
        assert (await client.post(link, data={"name": "Colin Abara", "password": PASSWORD})).status_code == 303
        await given.signed_in(client, there.ruth)
        page = (await client.get(f"/organisations/{ref}/people")).text
        assert re.search(r"Colin Abara</bdi> <strong[^>]*>outside", page)
        assert f"Let in by {there.maya.name}." in page
        assert "Paper: Contract of employment of 2 March 2026" in page
        evaluator = await given.person(there.body, "evaluator")
        await given.signed_in(client, evaluator)
        assert "Contract of employment" not in (await client.get(f"/organisations/{ref}/people")).text


@pytest.mark.usefixtures("clean")
async def test_programs_meet_the_same_rules_and_read_the_mark(app: Litestar) -> None:
    there = await Town()()
    path = f"/api/v1/organisations/{there.body.ref}"
    asked_for = {
        "email": OUTSIDE,
        "name": "Colin Abara",
        "role": "buyer",
        "ground": "He has worked beside me since March.",
        "paper": "Contract of employment of 2 March 2026",
    }
    async with given.browser(app) as client:
        maya, ruth = await given.token(there.maya), await given.token(there.ruth)
        sam, leila = await given.token(there.sam), await given.token(there.leila)
        made = (await client.post(f"{path}/invitations", json=asked_for, headers=maya)).json()
        assert made["waits"] is True
        again = await client.post(f"/api/v1/admissions/{made['ref']}/agree", headers=maya)
        assert [each["code"] for each in again.json()["reasons"]] == ["invitation.same-person"]
        (listed,) = (await client.get("/api/v1/admissions", headers=ruth)).json()["items"]
        assert (listed["lacking_body"], listed["lacking_team"], listed["spoken"]) == (1, 1, [there.maya.name])
        for headers in (ruth, sam):
            assert (await client.post(f"/api/v1/admissions/{made['ref']}/agree", headers=headers)).status_code == 204
        await joined("Colin Abara")
        people = (await client.get(f"{path}/people", headers=maya)).json()["items"]
        assert {each["name"]: each["mark"] for each in people}["Colin Abara"] == "outside"
        draft = {"domain": "mail.example", "evidence": "The register names this domain."}
        one = (await client.post(f"{path}/domains", json=draft, headers=sam)).json()
        refused = await client.post(f"/api/v1/admissions/domains/{one['ref']}/confirm", headers=sam)
        assert [each["code"] for each in refused.json()["reasons"]] == ["domain.same-person"]
        assert len((await client.get(f"{path}/domains")).json()["items"]) == 1
        assert (await client.post(f"/api/v1/admissions/domains/{one['ref']}/confirm", headers=leila)).status_code == 200
        assert len((await client.get(f"{path}/domains")).json()["items"]) == 2
        people = (await client.get(f"{path}/people", headers=maya)).json()["items"]
        assert {each["name"]: each["mark"] for each in people}["Colin Abara"] == ""
        gone = await client.post(f"/api/v1/admissions/domains/{one['ref']}/withdraw", headers=maya)
        assert gone.status_code == 200
        assert len((await client.get(f"{path}/domains")).json()["items"]) == 1


@pytest.mark.usefixtures("clean")
async def test_who_left_and_comes_back_comes_on_somebodys_word_again() -> None:
    with clock.at(given.TODAY):
        there = await Town()()
        await asked(there.maya, there.body, "buyer", "one@calderwick.example", "Mailbox One")
        one = await joined("Mailbox One")
        (held,) = [each for each in await _members(there.body) if each["person"] == one.person]
        await memberships.end(one, there.body.ref, held["id"])
        row = await asked(there.ruth, there.body, "buyer", "one@calderwick.example", "Mailbox One")
        one = given.touched(await actor_of(one.person or 0, "password"))
        await invitations.accept_here(one, row.ref)
        one = given.touched(await actor_of(one.person or 0, "password"))
        waiting = await asked(one, there.body, "evaluator", OUTSIDE)
        for who in (there.maya, there.ruth):
            with pytest.raises(Refused) as refused:
                await actions.agree(who, waiting.ref)
            assert "invitation.one-pair-of-hands" in codes(refused)


async def _members(body: Organisation) -> list[dict[str, object]]:
    return await Membership.select(Membership.id, Membership.person).where(Membership.organisation == body.id)
