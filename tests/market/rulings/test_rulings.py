"""Nobody switches the rule off alone, by her second mailbox, in silence, or for what is already running."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from litestar import Litestar

from market import clock, policy, workdays
from market.accounts import bodies, memberships
from market.accounts.tables import Invitation, Organisation
from market.actor import Actor
from market.arrival import Arrival
from market.audit.tables import Event
from market.db import find, many
from market.hands import rules as hands
from market.letters.tables import Letter
from market.refusals import Refused, refusals
from market.rulings import actions, desk, readers, rules
from market.rulings.tables import Listed, Ruling
from tests import given

TODAY = given.TODAY
DAY = timedelta(days=1)
UNTIL = workdays.add_working_days(TODAY, policy.IN_FORCE.rulings.wait_working_days)
"""The last second in which an auditor objects to what is confirmed today."""
HOLDS = UNTIL + timedelta(seconds=policy.IN_FORCE.bids.opening_wait_seconds)
WHY = "It is elected by the people of its area and raises its own tax; no minister directs what it buys or from whom."
PAPER = "Local Government Act 1972, section 2"


# ── the rules alone ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        ({}, []),
        ({"after": "central"}, ["ruling.changes-nothing"]),
        ({"ground": "It is none." + " " * 80}, ["ruling.ground-missing"]),
        ({"instrument": " an Act            "}, ["ruling.instrument-missing"]),
        ({"belongs": True}, ["ruling.own-body"]),
        ({"others": 0}, ["ruling.nobody-confirms"]),
        ({"auditors": 0}, ["ruling.nobody-objects"]),
        ({"open_already": "R-1"}, ["ruling.open-already"]),
    ],
)
def test_a_proposal_changes_something_and_says_on_what_ground_and_paper(
    facts: dict[str, Any], codes: list[str]
) -> None:
    said: dict[str, Any] = {
        "before": "central",
        "after": "local",
        "ground": WHY,
        "instrument": PAPER,
        "others": 1,
        "auditors": 1,
        "belongs": False,
        "open_already": "",
        **facts,
    }
    assert [each.code for each in refusals(rules.PROPOSE, rules.Proposal(**said))] == codes


@pytest.mark.parametrize(
    ("row", "who", "links", "operator", "belongs", "stands", "codes"),
    [
        ({}, "B", (), True, False, "central", []),
        ({"confirmed_at": TODAY}, "B", (), True, False, "central", ["ruling.decided"]),
        ({"withdrawn_at": TODAY}, "B", (), True, False, "central", ["ruling.decided"]),
        ({}, "A", (), True, False, "central", ["ruling.same-person"]),
        ({}, "B", (hands.Link("A", "B", TODAY + DAY),), True, False, "central", ["ruling.one-pair-of-hands"]),
        ({}, "B", (), False, False, "central", ["ruling.no-operator"]),
        ({}, "B", (), True, True, "central", ["ruling.own-body-confirmed"]),
        ({}, "B", (), True, False, "health", ["ruling.overtaken"]),
    ],
)
def test_another_person_confirms_what_still_changes_what_holds(
    row: dict[str, Any],
    who: str,
    links: tuple[hands.Link, ...],
    operator: bool,
    belongs: bool,
    stands: str,
    codes: list[str],
) -> None:
    doing = hands.Doing("confirm-ruling", who, [hands.Hand("propose-ruling", "A", "Sam")], links)
    facts = rules.Confirming(listed(**row), doing, operator, belongs, stands)
    assert [each.code for each in refusals(rules.CONFIRM, facts)] == codes


@pytest.mark.parametrize(
    ("row", "now", "codes"),
    [
        ({}, TODAY, ["ruling.too-late-to-object"]),
        ({"objections_until": UNTIL}, UNTIL + timedelta(microseconds=999_999), []),
        ({"objections_until": UNTIL}, UNTIL + timedelta(seconds=1), ["ruling.too-late-to-object"]),
        ({"objections_until": UNTIL, "withdrawn_at": TODAY}, TODAY, ["ruling.too-late-to-object"]),
        ({"objections_until": UNTIL, "objected_at": TODAY}, TODAY, ["ruling.objected-already"]),
    ],
)
def test_an_auditor_objects_until_the_last_second(row: dict[str, Any], now: datetime, codes: list[str]) -> None:
    said = rules.Stopping(listed(**row), "The company does not exist yet.", False, Arrival(now))
    assert [each.code for each in refusals(rules.OBJECT, said)] == codes


@pytest.mark.parametrize(
    ("row", "now", "state"),
    [
        ({}, TODAY, "waiting"),
        ({"confirmed_at": TODAY, "effect_at": HOLDS}, HOLDS - timedelta(seconds=1), "published"),
        ({"confirmed_at": TODAY, "effect_at": HOLDS}, HOLDS, "in-force"),
        ({"confirmed_at": TODAY, "effect_at": HOLDS, "objected_at": UNTIL}, HOLDS + 900 * DAY, "objected"),
        ({"confirmed_at": TODAY, "effect_at": HOLDS, "objected_at": UNTIL, "withdrawn_at": UNTIL}, HOLDS, "withdrawn"),
    ],
)
def test_where_a_ruling_stands_follows_from_its_dates(row: dict[str, Any], now: datetime, state: str) -> None:
    assert rules.state_code(listed(**row), now) == state


def listed(**facts: Any) -> Listed:
    return given.facts(Listed, before="central", after="local", about="tier", proposed_at=TODAY, **facts)


# ── on rows ────────────────────────────────────────────────────────────────────────────────────────────────────────


class Site:
    """A team of two operators, an auditor, a department, and a council that was entered today."""

    sam: Actor
    leila: Actor
    yusuf: Actor
    team: Organisation
    department: Organisation
    council: Organisation


async def site() -> Site:
    made = Site()
    made.team, made.department = await given.organisation(kind="operator"), await given.organisation()
    made.sam, made.leila = await given.person(made.team, "operator"), await given.person(made.team, "operator")
    made.yusuf = await given.person(await given.organisation(kind="audit"), "auditor")
    entered = memberships.OrganisationDraft("Calderwick Borough Council", "buyer", "local")
    made.council = await memberships.create_organisation(made.sam, entered)
    return made


def tier(body: Organisation, after: str = "local") -> actions.TierDraft:
    return actions.TierDraft(body.ref, after, WHY, PAPER)


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [each.code for each in refused.value.reasons]


clean = pytest.mark.usefixtures("clean")


@clean
async def test_a_body_is_bound_as_central_until_two_people_and_a_week_without_objection_say_otherwise() -> None:
    with clock.at(TODAY):
        there = await site()
        assert (await bodies.body(there.council.ref)).tier == "central"
        (waiting,) = [item for item in await desk.waiting(there.sam) if "Calderwick" in item.text]
        assert waiting.href == f"/rulings/new?organisation={there.council.ref}"
        early = await given.tendering(there.council, lots=1, exercised=False)
        with pytest.raises(Refused) as refused:
            await early.publish()
        assert codes(refused) == ["tender.innovation-first"]
        ruling = await actions.propose_tier(there.sam, tier(there.council))
        await actions.confirm(there.leila, ruling.ref)
    with clock.at(HOLDS - timedelta(seconds=1)):
        assert (await bodies.body(there.council.ref)).tier == "central"
        assert await actions.tell_in_force() == 0
    with clock.at(HOLDS):
        assert (await bodies.body(there.council.ref)).tier == "local", "by its date, before any job has run"
        late = await given.tendering(there.council, lots=1, exercised=False)
        assert (await late.publish()).ground == "not-central"
        assert await actions.tell_in_force() == 1
        assert await actions.tell_in_force() == 0
        with pytest.raises(Refused) as refused:
            await early.publish()
        assert codes(refused) == ["tender.innovation-first"], "what was begun before stays bound as it was"
    assert (await find(Organisation, Organisation.id == there.council.id)).tier == "local"
    verbs = await many("SELECT verb FROM event WHERE subject = {} ORDER BY seq", f"ruling:{ruling.ref}")
    assert [each["verb"] for each in verbs] == ["ruling.proposed", "ruling.confirmed", "ruling.in-force"]
    assert await Letter.exists().where(Letter.template == "rulings/in-force.txt")


@clean
async def test_one_operator_cannot_change_a_tier_alone_nor_with_her_second_mailbox() -> None:
    with clock.at(TODAY):
        there = await site()
        ruling = await actions.propose_tier(there.sam, tier(there.department, "other"))
        with pytest.raises(Refused) as refused:
            await actions.confirm(there.sam, ruling.ref)
        assert codes(refused) == ["ruling.same-person"]
        mailbox = await given.person(there.team, "operator")
        (known,) = await many("SELECT email FROM person WHERE id = {}", mailbox.person)
        await Invitation.insert(
            given.row(
                Invitation,
                organisation=there.team.id,
                email=known["email"],
                role="operator",
                token_hash="x",
                invited_by=there.sam.person,
                invited_at=TODAY - 2 * DAY,
                expires_at=TODAY + 9 * DAY,
                accepted_at=TODAY - DAY,
            )
        )
        with pytest.raises(Refused) as refused:
            await actions.confirm(mailbox, ruling.ref)
        assert codes(refused) == ["ruling.one-pair-of-hands"]
    with clock.at(TODAY + 400 * DAY):
        assert (await bodies.body(there.department.ref)).tier == "central"


@clean
async def test_neither_form_nor_program_changes_a_tier_beside_the_register(app: Litestar) -> None:
    there = await site()
    async with given.browser(app) as client:
        program = await given.token(there.sam)
        read = await client.get(f"/api/v1/organisations/{there.department.ref}", headers=program)
        change = {"name": "Department of Roads", "tier": "other"}
        headers = {**program, "if-match": read.json()["etag"]}
        answer = await client.put(f"/api/v1/organisations/{there.department.ref}", json=change, headers=headers)
        assert answer.status_code == 400
    by_token = Actor(there.sam.ref, there.sam.name, there.sam.person, there.sam.hats, "token", touched_at=given.ALWAYS)
    with pytest.raises(Refused) as refused:
        await actions.propose_tier(by_token, tier(there.department, "other"))
    assert codes(refused) == ["ruling.by-program"]


@clean
async def test_who_profits_neither_proposes_nor_confirms() -> None:
    there = await site()
    both = await given.person(there.team, "operator")
    await many(
        "INSERT INTO membership (person, organisation, role, title, since) VALUES ({}, {}, 'buyer', '', {}) RETURNING id",
        both.person,
        there.council.id,
        TODAY - DAY,
    )
    with pytest.raises(Refused) as refused:
        await actions.propose_tier(both, tier(there.council))
    assert codes(refused) == ["ruling.own-body"]
    ruling = await actions.propose_tier(there.sam, tier(there.council))
    with pytest.raises(Refused) as refused:
        await actions.confirm(both, ruling.ref)
    assert codes(refused) == ["ruling.own-body-confirmed"]


@clean
async def test_an_objection_in_the_last_second_stops_it_until_it_is_lifted_and_the_wait_begins_anew() -> None:
    with clock.at(TODAY):
        there = await site()
        ruling = await actions.propose_tier(there.sam, tier(there.department, "other"))
        await actions.confirm(there.leila, ruling.ref)
    with clock.at(UNTIL):
        with pytest.raises(Refused) as refused:
            await actions.object_to(there.yusuf, ruling.ref, actions.Reason("No."))
        assert codes(refused) == ["ruling.reason-missing"]
        with pytest.raises(Refused):
            await actions.object_to(there.sam, ruling.ref, actions.Reason("The company does not exist yet."))
        await actions.object_to(there.yusuf, ruling.ref, actions.Reason("The company does not exist yet."))
    with clock.at(HOLDS + 30 * DAY):
        assert await actions.tell_in_force() == 0
        assert (await bodies.body(there.department.ref)).tier == "central"
        with pytest.raises(Refused) as refused:
            await actions.propose_tier(there.leila, tier(there.department, "other"))
        assert codes(refused) == ["ruling.open-already"], "a second proposal would hide what the first was stopped for"
        await actions.lift(there.yusuf, ruling.ref)
        assert (await bodies.body(there.department.ref)).tier == "central"
        again = (await readers.one(ruling.ref)).effect_at
    assert again is not None
    assert again > HOLDS + 35 * DAY
    with clock.at(again):
        assert (await bodies.body(there.department.ref)).tier == "other"
        with pytest.raises(Refused) as refused:
            await actions.object_to(there.yusuf, ruling.ref, actions.Reason("It was a bad idea after all."))
        assert codes(refused) == ["ruling.too-late-to-object"]


@clean
async def test_a_tier_that_changes_while_a_tender_is_drafted_never_frees_it_and_one_that_binds_harder_binds_at_once() -> (
    None
):
    with clock.at(TODAY):
        there = await site()
        made = await given.tendering(there.department, lots=1, exercised=False)
        ruling = await actions.propose_tier(there.sam, tier(there.department, "other"))
        await actions.confirm(there.leila, ruling.ref)
        town = await given.organisation(tier="local")
        free = await given.tendering(town, lots=1, exercised=False)
        harder = await actions.propose_tier(there.sam, tier(town, "central"))
        await actions.confirm(there.leila, harder.ref)
        with pytest.raises(Refused) as refused:
            await free.publish()
        assert codes(refused) == ["tender.innovation-first"], "what is confirmed and binds harder does not wait"
    with clock.at(HOLDS + timedelta(hours=1)), pytest.raises(Refused) as refused:
        await made.publish()
    assert codes(refused) == ["tender.innovation-first"]


@clean
async def test_the_department_that_answers_for_a_body_changes_only_by_a_ruling() -> None:
    with clock.at(TODAY):
        there = await site()
        draft = actions.DepartmentDraft(there.council.ref, there.department.ref, WHY, PAPER)
        ruling = await actions.propose_department(there.sam, draft)
        await actions.confirm(there.yusuf, ruling.ref)
        await actions.tell_in_force()
        assert (await bodies.body(there.council.ref)).department is None
    with clock.at(HOLDS):
        await actions.tell_in_force()
    assert (await bodies.body(there.council.ref)).department == there.department.id


@clean
async def test_a_ruling_is_withdrawn_before_it_holds_and_nothing_of_it_is_rewritten() -> None:
    with clock.at(TODAY):
        there = await site()
        ruling = await actions.propose_tier(there.sam, tier(there.council))
        await actions.withdraw(there.leila, ruling.ref, actions.Reason("The paper says district, not borough."))
        with pytest.raises(Refused) as refused:
            await actions.confirm(there.leila, ruling.ref)
        assert codes(refused) == ["ruling.decided"]
        held = await actions.propose_tier(there.sam, tier(there.council))
        await actions.confirm(there.leila, held.ref)
    with clock.at(HOLDS), pytest.raises(Refused) as refused:
        await actions.withdraw(there.sam, held.ref, actions.Reason("The paper says district, not borough."))
    assert codes(refused) == ["ruling.in-force"]
    for change in ("after = 'other'", "ground = ''", "effect_at = effect_at - interval '1 day'", "confirmed_by = NULL"):
        with pytest.raises(asyncpg.RestrictViolationError):
            await many(f"UPDATE ruling SET {change} WHERE ref = {{}} RETURNING id", held.ref)
    with pytest.raises(asyncpg.PostgresError):
        await many("DELETE FROM ruling RETURNING id")


@clean
async def test_everybody_reads_the_register_and_the_desks_say_what_waits(app: Litestar) -> None:
    with clock.at(TODAY):
        there = await site()
        async with given.browser(app) as client:
            await given.signed_in(client, there.sam)
            said = {"organisation": there.department.ref, "after": "other", "ground": "None.", "instrument": PAPER}
            short = await client.post("/rulings/new", data=said)
            assert short.status_code == 409
            assert "Say why, in at least 80 characters" in short.text
            made = await client.post("/rulings/new", data={**said, "ground": WHY})
            assert made.status_code == 303
            own = (await client.get(made.headers["location"])).text
            assert "Whoever proposed that the rule binds otherwise does not confirm it" in own
        ref = made.headers["location"].rpartition("/")[2]
        assert [item.href for item in await desk.waiting(there.yusuf)] == [f"/rulings/{ref}"]
        async with given.browser(app) as client:
            await given.signed_in(client, there.leila)
            assert "From now on auditors can object for 5 working days" in (await client.get(f"/rulings/{ref}")).text
            assert (await client.post(f"/rulings/{ref}/confirm", data={})).status_code == 303
        async with given.browser(app) as client:
            await given.signed_in(client, there.yusuf)
            answer = await client.post(f"/rulings/{ref}/object", data={"reason": "The company does not exist yet."})
            assert answer.status_code == 303
        public = given.browser(app)
        async with public:
            for path in ("/rulings", f"/rulings/{ref}"):
                page = (await public.get(path)).text
                assert "Stopped by an objection" in page
                assert "from Central government to Other public body" in page.replace("From", "from")
            read = (await public.get(f"/api/v1/rulings/{ref}", headers={"accept": "application/json"})).json()
            every = (await public.get("/api/v1/rulings", headers={"accept": "application/json"})).json()
    assert read["state"] == "objected"
    assert (read["before"], read["after"], read["body"]) == ("central", "other", there.department.ref)
    assert [each["ref"] for each in every["items"]] == [ref]
    templates = {each["template"] for each in await many("SELECT DISTINCT template FROM letter")}
    assert {"rulings/proposed.txt", "rulings/confirmed.txt", "rulings/objected.txt"} <= templates
    assert await Event.exists().where(Event.verb == "ruling.objected")
    assert await Ruling.count() == 1
