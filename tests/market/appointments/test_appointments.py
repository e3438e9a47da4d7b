"""Nobody makes a minister, an auditor or an operator alone, looks back to do it, or does it by a second mailbox."""

from datetime import date, timedelta
from typing import Any

import asyncpg
import httpx
import pytest
from litestar import Litestar

from market import clock, policy
from market.accounts import invitations
from market.accounts.sessions import actor_of
from market.accounts.tables import Invitation, Organisation, Person
from market.actor import PUBLIC, Actor
from market.appointments import actions, rules
from market.appointments.tables import Appointment
from market.arrival import Arrival
from market.audit.tables import Event
from market.db import many
from market.hands import rules as hands
from market.letters.tables import Letter
from market.refusals import Refused, refusals
from market.touch import TouchNeeded
from tests import given

HOURS = timedelta(hours=policy.IN_FORCE.people.appointment_hours)
PAPER = "Letter of the Prime Minister, 3 November 2026"
TODAY = given.TODAY


# ── the rules alone ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({}, []),
        ({"role": "auditor", "since": None}, []),
        ({"role": "buyer"}, ["appointment.not-appointed"]),
        ({"since": TODAY - timedelta(days=1)}, ["appointment.back-dated"]),
        ({"instrument": " a letter          "}, ["appointment.instrument-missing"]),
        ({"own": True}, ["appointment.own"]),
        ({"shared": True}, ["appointment.shared-mailbox"]),
        ({"others": 0}, ["appointment.nobody-confirms"]),
        ({"auditors": 0}, ["appointment.auditor-first"]),
        ({"auditors": 0, "role": "operator", "since": None}, ["appointment.auditor-first"]),
        ({"auditors": 0, "role": "auditor", "since": None}, []),
    ],
)
def test_a_proposal_needs_a_paper_a_day_to_come_and_somebody_who_confirms(
    facts: dict[str, Any], codes: list[str]
) -> None:
    said: dict[str, Any] = {
        "role": "minister",
        "since": TODAY,
        "now": Arrival(TODAY),
        "instrument": PAPER,
        "own": False,
        "shared": False,
        "others": 1,
        "auditors": 1,
        **facts,
    }
    assert [each.code for each in refusals(rules.PROPOSE, rules.Proposal(**said))] == codes


@pytest.mark.parametrize(
    ("row", "who", "links", "own", "operator", "codes"),
    [
        ({}, "B", (), False, True, []),
        ({"confirmed_at": TODAY}, "B", (), False, True, ["appointment.decided"]),
        ({"withdrawn_at": TODAY}, "B", (), False, True, ["appointment.decided"]),
        ({}, "A", (), False, True, ["appointment.same-person"]),
        ({}, "B", (hands.Link("A", "B", TODAY + HOURS),), False, True, ["appointment.one-pair-of-hands"]),
        ({}, "B", (), True, True, ["appointment.own-confirmed"]),
        ({}, "B", (), False, False, ["appointment.no-operator"]),
    ],
)
def test_another_person_confirms(
    row: dict[str, Any], who: str, links: tuple[hands.Link, ...], own: bool, operator: bool, codes: list[str]
) -> None:
    doing = hands.Doing("confirm-appointment", who, [hands.Hand("propose-appointment", "A", "Sam")], links)
    facts = rules.Confirming(given.row(Appointment, **row), doing, own, operator)
    assert [each.code for each in refusals(rules.CONFIRM, facts)] == codes


@pytest.mark.parametrize(
    ("row", "reason", "codes"),
    [
        ({}, "She left the office last week.", []),
        ({"effect_at": TODAY + HOURS}, "She left the office last week.", []),
        ({"effect_at": TODAY}, "She left the office last week.", ["appointment.in-effect"]),
        ({"withdrawn_at": TODAY}, "She left the office last week.", ["appointment.in-effect"]),
        ({}, "No.", ["appointment.objection-unreasoned"]),
    ],
)
def test_an_appointment_is_stopped_with_a_reason_before_it_takes_effect(
    row: dict[str, Any], reason: str, codes: list[str]
) -> None:
    facts = rules.Withdrawing(given.row(Appointment, **row), reason, TODAY)
    assert [each.code for each in refusals(rules.WITHDRAW, facts)] == codes


# ── on rows ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Site:
    """A team of two operators, an auditor, a department."""

    sam: Actor
    leila: Actor
    yusuf: Actor
    team: Organisation
    audit: Organisation
    department: Organisation


async def site() -> Site:
    made = Site()
    made.team = await given.organisation(kind="operator")
    made.audit, made.department = await given.organisation(kind="audit"), await given.organisation()
    made.sam, made.leila = await given.person(made.team, "operator"), await given.person(made.team, "operator")
    made.yusuf = await given.person(made.audit, "auditor")
    return made


def minister(there: Site, **facts: Any) -> actions.AppointmentDraft:
    said: dict[str, Any] = {
        "organisation": there.department.ref,
        "name": "Helena Marchbanks",
        "email": "helena@places.example",
        "role": "minister",
        "instrument": PAPER,
        "title": "Minister for Places",
        "office_since": date(2026, 11, 24),
        **facts,
    }
    return actions.AppointmentDraft(**said)


def auditor(there: Site, **facts: Any) -> actions.AppointmentDraft:
    return minister(there, organisation=there.audit.ref, role="auditor", title="", office_since=None, **facts)


async def accepted(row: Appointment) -> int:
    """She accepts as the letter says; answers her id."""
    letter = await Letter.objects().where(Letter.address == row.email).order_by(Letter.id, ascending=False).first()
    token = letter.text.split("/invitations/")[1].split()[0]
    person = await invitations.accept(PUBLIC, token, invitations.Acceptance(row.name, "seven wooden kites fly"))
    return int(person.id)


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [each.code for each in refused.value.reasons]


@pytest.mark.usefixtures("clean")
async def test_two_people_appoint_a_minister_who_acts_when_it_was_published_long_enough() -> None:
    with clock.at(TODAY):
        there = await site()
        proposed = await actions.propose(there.sam, minister(there))
        assert [each.ref for each in await actions.register(PUBLIC)] == []
        assert [each.ref for each in await actions.register(there.yusuf)] == [proposed.ref]
        with pytest.raises(Refused) as refused:
            await actions.confirm(there.sam, proposed.ref)
        assert codes(refused) == ["appointment.same-person"]
        row = await actions.confirm(there.leila, proposed.ref)
        assert row.effect_at == TODAY + HOURS
        (public,) = await actions.register(PUBLIC)
        assert (public.name, public.instrument, public.confirmer) == ("Helena Marchbanks", PAPER, there.leila.name)
        person = await accepted(row)
        assert not (await actor_of(person, "passkey")).wears("minister")
    with clock.at(TODAY + HOURS - timedelta(seconds=1)):
        assert not (await actor_of(person, "passkey")).wears("minister")
    with clock.at(TODAY + HOURS):
        hat = (await actor_of(person, "passkey")).wears("minister")
        assert hat is not None
        assert hat.title == "Minister for Places"
    verbs = [each.verb for each in await Event.objects().order_by(Event.seq)]
    assert [verb for verb in verbs if verb.startswith("appointment.")] == [
        "appointment.proposed",
        "appointment.confirmed",
    ]
    event = await Event.objects().get(Event.verb == "appointment.confirmed")
    assert PAPER in event.body
    assert "Helena" not in event.body


@pytest.mark.usefixtures("clean")
async def test_an_operator_cannot_make_her_second_mailbox_minister_auditor_or_operator() -> None:
    with clock.at(TODAY):
        there = await site()
        tries = [(there.department, "minister"), (there.audit, "auditor"), (there.team, "operator")]
        for body, role in tries:
            office = {"title": "Minister for Places", "office_since": date(2020, 1, 1)} if role == "minister" else {}
            draft = invitations.InvitationDraft("second@mail.example", role, "Second Mailbox", **office)  # type: ignore[arg-type]
            with pytest.raises(Refused) as refused:
                await invitations.invite(there.sam, body.ref, draft)
            assert codes(refused) == ["invitation.appointed-by-two"]
        own = (await Person.objects().get(Person.id == there.sam.person)).email
        with pytest.raises(Refused) as refused:
            await actions.propose(there.sam, minister(there, email=own.upper()))
        assert codes(refused) == ["appointment.own"]
    assert await Invitation.count() == 0


@pytest.mark.usefixtures("clean")
async def test_whom_she_made_operator_with_a_colleague_does_not_confirm_for_her_next() -> None:
    with clock.at(TODAY):
        there = await site()
        first = minister(there, organisation=there.team.ref, role="operator", title="", office_since=None)
        row = await actions.confirm(there.leila, (await actions.propose(there.sam, first)).ref)
        person = await accepted(row)
    with clock.at(TODAY + HOURS):
        second = given.touched(await actor_of(person, "password"))
        assert second.wears("operator")
        proposed = await actions.propose(there.sam, auditor(there, email="third@mail.example"))
        with pytest.raises(Refused) as refused:
            await actions.confirm(second, proposed.ref)
        assert codes(refused) == ["appointment.one-pair-of-hands"]


@pytest.mark.usefixtures("clean")
async def test_an_office_is_not_back_dated() -> None:
    with clock.at(TODAY):
        there = await site()
        with pytest.raises(Refused) as refused:
            await actions.propose(there.sam, minister(there, office_since=date(2026, 11, 22)))
        assert codes(refused) == ["appointment.back-dated"]
        proposed = await actions.propose(there.sam, minister(there, office_since=date(2026, 11, 23)))
    with clock.at(TODAY + timedelta(days=5)):
        assert (await actions.confirm(there.leila, proposed.ref)).effect_at == TODAY + timedelta(days=5) + HOURS


@pytest.mark.usefixtures("clean")
async def test_auditors_alone_make_no_auditor_and_one_operator_alone_nobody() -> None:
    with clock.at(TODAY):
        there = await site()
        agnes = await given.person(there.audit, "auditor")
        proposed = await actions.propose(there.yusuf, auditor(there))
        with pytest.raises(Refused) as refused:
            await actions.confirm(agnes, proposed.ref)
        assert codes(refused) == ["appointment.no-operator"]
        assert (await actions.confirm(there.sam, proposed.ref)).confirmed_at == TODAY
        for who in (there.leila, there.yusuf, agnes):
            await many("UPDATE membership SET until = {} WHERE person = {}", TODAY, who.person)
        with pytest.raises(Refused) as refused:
            await actions.propose(there.sam, auditor(there, email="fourth@mail.example"))
        assert codes(refused) == ["appointment.nobody-confirms"]


@pytest.mark.usefixtures("clean")
async def test_while_there_is_no_auditor_the_first_is_appointed_and_nobody_else() -> None:
    with clock.at(TODAY):
        there = await site()
        assert [each.role for each in await actions.at_installation()] == ["operator", "operator", "auditor"]
        await many("UPDATE membership SET until = {} WHERE person = {}", TODAY, there.yusuf.person)
        with pytest.raises(Refused) as refused:
            await actions.propose(there.sam, minister(there))
        assert codes(refused) == ["appointment.auditor-first"]
        row = await actions.confirm(there.leila, (await actions.propose(there.sam, auditor(there))).ref)
        person = await accepted(row)
        with pytest.raises(Refused) as refused:
            await actions.propose(there.sam, minister(there))
        assert codes(refused) == ["appointment.auditor-first"], "she can object to nothing before she is in office"
    with clock.at(TODAY + HOURS):
        assert (await actor_of(person, "password")).wears("auditor")
        await actions.propose(there.sam, minister(there, office_since=date(2026, 11, 27)))
        assert len(await actions.at_installation()) == 3, "whom two people appointed stands in the register"


@pytest.mark.usefixtures("clean")
async def test_nobody_stops_an_appointment_without_the_key_in_her_hand() -> None:
    with clock.at(TODAY):
        there = await site()
        row = await actions.confirm(there.leila, (await actions.propose(there.sam, minister(there))).ref)
        assert there.yusuf.person is not None
        bare = await actor_of(there.yusuf.person, "password")
        with pytest.raises(TouchNeeded):
            await actions.withdraw(bare, row.ref, actions.Objection("The letter names somebody else."))
    assert (await Appointment.objects().get(Appointment.ref == row.ref)).withdrawn_at is None


@pytest.mark.usefixtures("clean")
async def test_a_buyer_appoints_nobody_and_neither_does_a_program(app: Litestar) -> None:
    with clock.at(TODAY):
        there = await site()
        buyer = await given.person(there.department, "buyer")
        with pytest.raises(Refused) as refused:
            await actions.propose(buyer, minister(there))
        assert codes(refused) == ["access.role-needed"]
        proposed = await actions.propose(there.sam, minister(there))
        assert there.leila.person is not None
        program = given.touched(await actor_of(there.leila.person, "token"))
        for attempt in (
            actions.confirm(program, proposed.ref),
            actions.propose(program, minister(there)),
            actions.withdraw(program, proposed.ref, actions.Objection("She left the office last week.")),
        ):
            with pytest.raises(Refused) as refused:
                await attempt
            assert codes(refused) == ["appointment.by-program"]
        async with given.browser(app) as client:
            bearer = await given.token(there.leila)
            answer = await client.post(f"/appointments/{proposed.ref}/confirm", headers=bearer)
            assert answer.status_code in (401, 403)
    assert (await Appointment.objects().get(Appointment.ref == proposed.ref)).confirmed_at is None


@pytest.mark.usefixtures("clean")
async def test_a_program_prepares_an_appointment_that_two_people_make(app: Litestar) -> None:
    """What it sends is nothing before each of the two confirmed it with her key."""
    there = await site()
    body = {
        "organisation": there.audit.ref,
        "name": "Agnes Wylie",
        "email": "agnes@audit.example",
        "role": "auditor",
        "instrument": PAPER,
    }
    api = "/api/v1/appointments"
    async with given.browser(app, confirms=False) as client:
        hers, bare = await given.token(there.sam), {"accept": "application/json"}
        prepared = await client.post(api, headers=hers, json=body)
        assert (prepared.status_code, await Appointment.count()) == (202, 0)
        assert prepared.json()["act"] == "propose somebody for an office"
        await confirmed(client, there.sam, prepared.json())
        (listed,) = (await client.get(api, headers=hers)).json()["items"]
        assert (listed["state"], listed["name"], listed["proposed_by"]) == ("waiting", "Agnes Wylie", there.sam.name)
        one = f"{api}/{listed['ref']}"
        assert (await client.get(api, headers=bare)).json()["items"] == []
        assert (await client.get(one, headers=bare)).status_code == 404
        buyers = await given.token(await given.person(there.department, "buyer"))
        assert (await client.get(one, headers=buyers)).status_code == 404
        assert (await client.post(f"{one}/confirm", headers=buyers)).status_code == 403
        again = await client.post(f"{one}/confirm", headers=await given.token(there.leila))
        assert again.status_code == 202
        assert (await client.get(one, headers=hers)).json()["state"] == "waiting"
        await confirmed(client, there.leila, again.json())
        public = (await client.get(one, headers=bare)).json()
        assert (public["state"], public["confirmed_by"]) == ("coming", there.leila.name)
        assert public["organisation"] == there.audit.ref
        assert "agnes@audit.example" not in str(public)
        own = await client.post(f"{one}/confirm", headers=await given.token(there.sam))
        refused = await confirmed(client, there.sam, own.json())
        assert "This appointment is confirmed already." in refused


async def confirmed(client: httpx.AsyncClient, person: Actor, prepared: dict[str, Any]) -> str:
    """She confirms what her program prepared; answers what its page says then."""
    await given.signed_in(client, person)
    page = await client.get(prepared["confirm_at"])
    digest = page.text.partition('name="digest" value="')[2].partition('"')[0]
    answer = await client.post(f"/prepared/{prepared['ref']}/confirm", data={"digest": digest})
    client.cookies.clear()
    return answer.text


@pytest.mark.parametrize(
    ("row", "state"),
    [
        ({}, "waiting"),
        ({"confirmed_at": TODAY, "effect_at": TODAY + HOURS}, "coming"),
        ({"confirmed_at": TODAY - HOURS, "effect_at": TODAY}, "in-effect"),
        ({"withdrawn_at": TODAY}, "withdrawn"),
        ({"confirmed_at": TODAY, "effect_at": TODAY + HOURS, "withdrawn_at": TODAY}, "withdrawn"),
    ],
)
def test_where_an_appointment_stands_follows_from_its_dates(row: dict[str, Any], state: str) -> None:
    assert rules.state_code(given.row(Appointment, **row), TODAY) == state


@pytest.mark.usefixtures("clean")
async def test_an_auditor_objects_in_time_and_the_office_never_begins() -> None:
    with clock.at(TODAY):
        there = await site()
        row = await actions.confirm(there.leila, (await actions.propose(there.sam, minister(there))).ref)
        person = await accepted(row)
    with clock.at(TODAY + HOURS - timedelta(minutes=1)):
        await actions.withdraw(there.yusuf, row.ref, actions.Objection("The letter names somebody else."))
    with clock.at(TODAY + HOURS + timedelta(days=1)):
        assert not (await actor_of(person, "passkey")).wears("minister")
        assert (await actions.register(PUBLIC))[0].withdrawn_because == "The letter names somebody else."
        with pytest.raises(Refused) as refused:
            await actions.withdraw(there.yusuf, row.ref, actions.Objection("The letter names somebody else."))
        assert codes(refused) == ["appointment.in-effect"]


@pytest.mark.usefixtures("clean")
async def test_what_was_proposed_and_confirmed_cannot_be_rewritten_even_in_the_database() -> None:
    with clock.at(TODAY):
        there = await site()
        row = await actions.confirm(there.leila, (await actions.propose(there.sam, minister(there))).ref)
    for change in (
        "name = 'Another'",
        "instrument = ''",
        f"proposed_by = {there.leila.person}",
        "effect_at = confirmed_at",
    ):
        with pytest.raises(asyncpg.PostgresError):
            await many(f"UPDATE appointment SET {change} WHERE ref = {{}}", row.ref)
    with pytest.raises(asyncpg.PostgresError):
        await many("DELETE FROM appointment WHERE ref = {}", row.ref)


@pytest.mark.usefixtures("clean")
async def test_the_pages_propose_confirm_and_object(app: Litestar) -> None:
    with clock.at(TODAY):
        there = await site()
        async with given.browser(app) as client:
            await given.signed_in(client, there.sam)
            page = await client.get("/appointments/new")
            assert "Nobody makes a minister, an auditor or an operator alone." in page.text
            typed = {
                "organisation": there.department.ref,
                "name": "Helena Marchbanks",
                "email": "helena@places.example",
                "role": "minister",
                "instrument": PAPER,
                "title": "Minister for Places",
                "office_since": "2026-11-20",
            }
            wrong = await client.post("/appointments/new", data=typed)
            assert wrong.status_code == 409
            assert "The first day in office cannot be before today" in wrong.text
            assert (
                await client.post("/appointments/new", data={**typed, "office_since": "2026-11-24"})
            ).status_code == 303
            mine = (await client.get("/appointments")).text
            assert "Waiting for a second person" in mine
            assert "Confirm Helena" not in mine
        row = await Appointment.objects().first()
        async with given.browser(app) as client:
            await given.signed_in(client, there.leila)
            assert "Confirm Helena Marchbanks" in (await client.get("/desk")).text
            assert (await client.post(f"/appointments/{row.ref}/confirm")).status_code == 303
            short = await client.post(f"/appointments/{row.ref}/withdraw", data={"reason": "No."})
            assert "Say why, in at least 20 characters." in short.text
        async with given.browser(app) as client:
            public = (await client.get("/appointments")).text
            assert PAPER in public
            assert "In effect from Thu 26 Nov 2026, 09:00" in public
            assert "Object" not in public
        async with given.browser(app) as client:
            await given.signed_in(client, there.yusuf)
            assert "takes office at" in (await client.get("/desk")).text
    subjects = [each.subject for each in await Letter.objects().order_by(Letter.id)]
    assert any(each.startswith("Proposed: Helena Marchbanks") for each in subjects)
    assert any(each.startswith("Appointed: Helena Marchbanks") for each in subjects)
