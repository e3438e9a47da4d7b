"""Who has no device signs on paper: a second person enters it, and every way to make of it more than she signed is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from asyncpg.exceptions import CheckViolationError, RestrictViolationError
from litestar import Litestar

from market import clock
from market.accounts.tables import Invitation, Membership, Organisation, Person
from market.actor import Actor, OnPaper
from market.arrival import Arrival
from market.audit.actions import record
from market.audit.tables import Event
from market.confirming import paper
from market.confirming.tables import Mandate
from market.db import find, many
from market.hands import rules as hands
from market.hands.readers import doing, links_in
from market.letters.tables import Letter
from market.mandates import actions, rules
from market.mandates.desk import waiting
from market.missions import actions as missions
from market.missions.tables import Mission
from market.money import Money
from market.payments import actions as payments
from market.policy import IN_FORCE
from market.refusals import Refused, refusals
from market.touch import ACTS, TouchNeeded
from tests import given
from tests.market.confirming.test_touching import drafted, published, with_key

DAYS = timedelta(days=IN_FORCE.people.mandate_days)
PLACE = "Register of mandates 2026, sheet 14, legal department"
NOW = given.TODAY
DAY = date(2026, 5, 4)
LATELY = hands.Link("A", "B", NOW + timedelta(days=1))


# ── the rules ──────────────────────────────────────────────────────────────────────────────────────────────────────


def entering(
    *,
    by: str = "B",
    links: Sequence[hands.Link] = (),
    done: bool = False,
    withdrawn: bool = False,
    ends: timedelta = DAYS,
    same_text: bool = True,
    signed: int = 0,
    kept_at: str = PLACE,
) -> rules.Entering:
    """A wrote it, B enters it, and all is in order but what is said."""
    row = given.row(
        Mandate,
        expires_at=NOW + ends,
        done_at=NOW if done else None,
        withdrawn_at=NOW if withdrawn else None,
        prepared_at=NOW,
    )
    return rules.Entering(
        mandate=row,
        at=Arrival(NOW),
        doing=hands.Doing("enter-mandate", by, [hands.Hand("sign-mandate", "A", "Ada")], links),
        same_text=same_text,
        signed_on=DAY + timedelta(days=signed),
        printed_on=DAY,
        today=DAY + timedelta(days=1),
        kept_at=kept_at,
    )


@pytest.mark.parametrize(
    ("facts", "codes"),
    [
        (entering(), []),
        (entering(signed=1), []),
        (entering(by="A"), ["mandate.same-person"]),
        (entering(links=[LATELY]), ["mandate.one-pair-of-hands"]),
        (entering(links=[hands.Link("B", "A", LATELY.until)]), ["mandate.one-pair-of-hands"]),
        (
            entering(links=[hands.Link("C", "A", LATELY.until), hands.Link("C", "B", LATELY.until)]),
            ["mandate.one-pair-of-hands"],
        ),
        (entering(links=[hands.Link("A", "C", LATELY.until)]), []),
        (entering(done=True), ["mandate.done"]),
        (entering(withdrawn=True), ["mandate.withdrawn"]),
        (entering(ends=timedelta(microseconds=1)), []),
        (entering(ends=timedelta(0)), ["mandate.expired"]),
        (entering(ends=timedelta(0), withdrawn=True), ["mandate.withdrawn"]),
        (entering(same_text=False), ["mandate.other-text"]),
        (entering(signed=-1), ["mandate.signed-on"]),
        (entering(signed=2), ["mandate.signed-on"]),
        (entering(kept_at=" " * 30), ["mandate.paper-unnamed"]),
        (entering(by="A", same_text=False), ["mandate.same-person", "mandate.other-text"]),
    ],
)
def test_a_paper_is_entered_by_another_pair_of_hands_in_time_once_and_as_it_was_printed(
    facts: rules.Entering, codes: list[str]
) -> None:
    assert [each.code for each in refusals(rules.ENTER, facts)] == codes


@pytest.mark.parametrize(("done", "withdrawn", "refused"), [(0, 0, False), (1, 0, True), (0, 1, True)])
def test_a_mandate_is_withdrawn_until_it_is_done(done: int, withdrawn: int, refused: bool) -> None:
    row = given.row(Mandate, done_at=NOW if done else None, withdrawn_at=NOW if withdrawn else None)
    assert bool(refusals(rules.WITHDRAW, rules.Withdrawing(row))) == refused


def test_no_paper_stands_for_a_key_of_her_own() -> None:
    assert sorted(name for name, act in ACTS.items() if not act.mandated) == [
        "market.accounts.actions.make_token",
        "market.accounts.passkeys.register",
        "market.bids.actions.contribute",
        "market.mandates.actions.enter",
        "market.tenders.drafts.actions.enrol",
        "market.waivers.actions.refuse",
        "market.waivers.actions.revoke",
        "market.waivers.delegations.actions.revoke",
    ]


# ── what is done ───────────────────────────────────────────────────────────────────────────────────────────────────

pytestmark = pytest.mark.usefixtures("clean")


async def body_of(actor: Actor) -> Organisation:
    """The body she works for."""
    return await find(Organisation, Organisation.id == actor.hats[0].organisation)


async def printed(client: httpx.AsyncClient, path: str, **typed: str) -> str:
    """She has no device: the page offers a paper, and she takes it. Answers its reference."""
    asked = await client.post(path, data=typed)
    assert (asked.status_code, 'name="touch" value="on paper"' in asked.text) == (403, True)
    told = await client.post(path, data={**typed, "touch": "on paper"})
    assert told.status_code == 303, told.text
    return told.headers["location"].rpartition("/")[2]


def characters(row: Mandate) -> str:
    return row.digest[: paper.CHARACTERS]


async def on_paper(app: Litestar, actor: Actor, path: str, **typed: str) -> Mandate:
    async with given.browser(app, confirms=False) as client:
        await given.signed_in(client, actor, touched_at=None)
        ref = await printed(client, path, **typed)
    return await find(Mandate, Mandate.ref == ref)


async def entered(app: Litestar, actor: Actor, row: Mandate, **said: str) -> httpx.Response:
    """She types what is on the paper and enters it."""
    async with given.browser(app) as client:
        await given.signed_in(client, actor)
        today = clock.now().astimezone(clock.ZONE).date().isoformat()
        facts = {"characters": characters(row), "signed_on": today, "kept_at": PLACE}
        return await client.post(f"/mandates/{row.ref}/enter", data={**facts, **said})


async def test_a_person_without_a_device_publishes_by_a_paper_that_a_colleague_enters(app: Litestar) -> None:
    ada, mission = await drafted()
    bea = await given.person(await body_of(ada), "contract-manager", "Bea Coe")
    async with given.browser(app, confirms=False) as client:
        await given.signed_in(client, ada, touched_at=None)
        ref = await printed(client, f"/missions/{mission.ref}/publish?from=desk", note="A “word” & more")
        page = (await client.get(f"/mandates/{ref}")).text
    row = await find(Mandate, Mandate.ref == ref)
    for said in (
        "publish a mission",
        "Ada Byrne",
        "A “word” &amp; more",
        row.digest,
        f"{row.digest[:4]} {row.digest[4:8]} {row.digest[8:12]}",
        mission.ref,
        "Signature",
    ):
        assert said in page, said
    assert not await published(mission)
    assert [each.href for each in await waiting(ada)] == [f"/mandates/{ref}"]
    async with given.browser(app) as client:
        await given.signed_in(client, bea)
        assert "A “word”" not in (await client.get(f"/mandates/{ref}")).text, "nothing without the paper"
        found = await client.post("/mandates/find", data={"ref": ref.lower(), "characters": row.digest[:12].upper()})
        assert found.status_code == 303
        assert parse_qs(urlsplit(found.headers["location"]).query) == {"characters": [row.digest[:12].upper()]}
        shown = (await client.get(found.headers["location"])).text
        assert "A “word” &amp; more" in shown
    done = await entered(app, bea, row)
    assert done.status_code == 303, done.text
    assert await published(mission)
    events = await Event.select(Event.verb, Event.actor, Event.body).order_by(Event.seq)
    acted = [(each["verb"], each["actor"]) for each in events][-2:]
    assert acted == [("mandate.entered", bea.ref), ("mission.published", ada.ref)]
    assert f'"by_mandate":{{"entered_by":"{bea.ref}","mandate":"{ref}"}}' in events[-1]["body"]
    letters = await Letter.select(Letter.template, Letter.name).order_by(Letter.id)
    assert [(each["template"], each["name"]) for each in letters] == [
        ("mandates/prepared.txt", "Ada Byrne"),
        ("mandates/entered.txt", "Ada Byrne"),
        ("mandates/entered-by-you.txt", "Bea Coe"),
    ]
    async with given.browser(app) as client:
        await given.signed_in(client, await given.person(await given.organisation(kind="audit"), "auditor"))
        listed = (await client.get("/audit/mandates")).text
        assert all(each in listed for each in (ref, "Ada Byrne", "Bea Coe", PLACE, row.digest[:12]))
        assert "by mandate on paper, entered by" in (await client.get("/log")).text
    assert await waiting(ada) == []


async def never(actor: Actor, row: object) -> Sequence[actions.Reason]:
    """What a refused paper does."""
    raise AssertionError


async def refused(app: Litestar, actor: Actor, row: Mandate, mission: Mission, **said: str) -> str:
    """Entering it is refused, nothing is done, and it waits as before. Answers the page."""
    answer = await entered(app, actor, row, **said)
    assert answer.status_code == 409, answer.text
    assert not await published(mission)
    kept = await find(Mandate, Mandate.ref == row.ref)
    assert (kept.done_at, kept.entered_by) == (row.done_at, row.entered_by)
    return answer.text


async def test_nobody_enters_her_own(app: Litestar) -> None:
    ada, mission = await drafted()
    row = await on_paper(app, ada, f"/missions/{mission.ref}/publish")
    assert "Nobody enters her own mandate" in await refused(app, ada, row, mission)
    today = clock.now().astimezone(clock.ZONE).date()
    with pytest.raises(Refused) as told:
        await actions.enter(ada, row.ref, actions.Entry(characters(row), today, PLACE), never)
    assert [each.code for each in told.value.reasons] == ["mandate.same-person"]
    with pytest.raises(CheckViolationError):
        await many(
            "UPDATE mandate SET done_at = prepared_at, signed_on = '2026-01-01', kept_at = 'here', entered_by = person"
        )


async def test_nobody_whom_she_let_in_lately_enters_it(app: Litestar) -> None:
    ada, mission = await drafted()
    body = await body_of(ada)
    eve = await given.person(body, "buyer", "Eve")
    whose = await find(Person, Person.id == eve.person)
    await Invitation.insert(
        Invitation(
            organisation=body.id,
            email=whose.email,
            role="buyer",
            invited_by=ada.person,
            token_hash="x",
            invited_at=clock.now(),
            expires_at=clock.now() + DAYS,
            accepted_at=clock.now(),
        )
    )
    row = await on_paper(app, ada, f"/missions/{mission.ref}/publish")
    assert "count as one pair of hands" in await refused(app, eve, row, mission)


async def test_nobody_of_another_body_finds_it(app: Litestar) -> None:
    ada, mission = await drafted()
    row = await on_paper(app, ada, f"/missions/{mission.ref}/publish")
    stranger = await given.person(await given.organisation(), "buyer")
    assert (await entered(app, stranger, row)).status_code == 404
    assert not await published(mission)


async def test_whoever_is_lent_to_the_body_enters_nothing(app: Litestar) -> None:
    ada, mission = await drafted()
    lender = await given.organisation()
    lent = await given.person(lender, "buyer")
    await Membership.insert(
        Membership(
            person=lent.person,
            organisation=ada.hats[0].organisation,
            role="evaluator",
            since=clock.now() - timedelta(days=1),
            until=clock.now() + DAYS,
            lent_by=lender.id,
        )
    )
    row = await on_paper(app, ada, f"/missions/{mission.ref}/publish")
    assert (await entered(app, lent, row)).status_code == 403
    assert not await published(mission)


async def test_another_text_than_the_one_printed_is_not_done(app: Litestar) -> None:
    ada, mission = await drafted()
    bea = await given.person(await body_of(ada), "buyer")
    row = await on_paper(app, ada, f"/missions/{mission.ref}/publish")
    other = await on_paper(app, ada, f"/missions/{mission.ref}/publish", note="other")
    assert "not the characters" in await refused(app, bea, row, mission, characters=characters(other))
    for change in ("body = 'note=other'", "path = '/missions/M-OTHER/publish'", "person = person + 1"):
        with pytest.raises(RestrictViolationError):
            await many(f"UPDATE mandate SET {change} WHERE ref = {{}}", row.ref)
    with pytest.raises(RestrictViolationError):
        await many("DELETE FROM mandate WHERE ref = {}", row.ref)
    await many("ALTER TABLE mandate DISABLE TRIGGER mandate_keeps_what_was_printed")
    try:
        await many("UPDATE mandate SET body = 'note=other' WHERE ref = {}", row.ref)
    finally:
        await many("ALTER TABLE mandate ENABLE TRIGGER mandate_keeps_what_was_printed")
    assert "not the characters" in await refused(app, bea, row, mission)


async def test_it_is_entered_in_time_and_not_after_it_was_withdrawn(app: Litestar) -> None:
    ada, mission = await drafted()
    bea = await given.person(await body_of(ada), "buyer")
    with clock.at(NOW):
        late = await on_paper(app, ada, f"/missions/{mission.ref}/publish")
        back = await on_paper(app, ada, f"/missions/{mission.ref}/publish", note="other")
        async with given.browser(app) as client:
            await given.signed_in(client, bea)
            assert (await client.post(f"/mandates/{back.ref}/withdraw")).status_code == 404
            await given.signed_in(client, ada, touched_at=None)
            assert (await client.post(f"/mandates/{back.ref}/withdraw")).status_code == 303
        assert "has withdrawn it" in await refused(app, bea, await find(Mandate, Mandate.ref == back.ref), mission)
    with clock.at(NOW + DAYS):
        assert "not entered in time" in await refused(app, bea, late, mission)


async def test_it_is_done_once(app: Litestar) -> None:
    ada, mission = await drafted()
    bea = await given.person(await body_of(ada), "buyer")
    cleo = await given.person(await body_of(ada), "buyer")
    row = await on_paper(app, ada, f"/missions/{mission.ref}/publish")
    assert (await entered(app, bea, row)).status_code == 303
    assert "entered already" in (await entered(app, cleo, row)).text
    assert await Event.count().where(Event.verb == "mission.published") == 1
    with pytest.raises(Refused) as late:
        await actions.withdraw(ada, row.ref)
    assert [each.code for each in late.value.reasons] == ["mandate.ended"]


async def test_whoever_enters_it_uses_her_own_passkey_which_no_paper_stands_for(app: Litestar) -> None:
    ada, mission = await drafted()
    bea = await given.person(await body_of(ada), "buyer")
    await with_key(bea)
    row = await on_paper(app, ada, f"/missions/{mission.ref}/publish")
    said = {"characters": characters(row), "signed_on": "2026-05-04", "kept_at": PLACE}
    async with given.browser(app, confirms=False) as client:
        await given.signed_in(client, bea, touched_at=None)
        path = f"/mandates/{row.ref}/enter"
        asked = await client.post(path, data=said)
        assert (asked.status_code, "on paper" in re.findall(r'name="touch" value="([^"]*)"', asked.text)) == (
            403,
            False,
        )
        assert "rests on a key or a code that is yours alone" in asked.text
        trick = await client.post(path, data={**said, "touch": "on paper"})
        assert (trick.status_code, "yours alone" in trick.text) == (409, True)
    assert not await published(mission)
    assert await Mandate.count() == 1
    with pytest.raises(TouchNeeded):
        await actions.enter(replace(bea, touched_at=None), row.ref, actions.Entry("", DAY, ""), never)


async def test_the_rules_are_asked_again_and_what_is_refused_may_be_entered_later(app: Litestar) -> None:
    ada, _ = await drafted()
    bea = await given.person(await body_of(ada), "buyer")
    mission = await given.mission(await body_of(ada), published_at=None)
    row = await on_paper(app, ada, f"/missions/{mission.ref}/publish")
    assert "success criterion" in await refused(app, bea, row, mission)
    async with given.browser(app) as client:
        await given.signed_in(client, ada, touched_at=None)
        assert "success criterion" in (await client.get(f"/mandates/{row.ref}")).text
    measure = missions.CriterionDraft("Flooded streets a year", "312", "50", mission.ends_on)
    await missions.add_criterion(ada, mission.ref, measure)
    await Membership.update({Membership.until: clock.now()}).where(Membership.person == ada.person)
    assert (await entered(app, bea, row)).status_code == 409, "she has left the body"
    await Membership.update({Membership.until: None}).where(Membership.person == ada.person)
    assert (await entered(app, bea, row)).status_code == 303
    assert await published(mission)
    verbs = [each["verb"] for each in await Event.select(Event.verb).order_by(Event.seq)]
    assert (verbs.count("mandate.refused"), verbs.count("mandate.entered")) == (2, 1)


async def owed(actor: Actor) -> str:
    """What her body owes a firm for what she accepted."""
    firm = await given.supplier()
    obligation = await payments.owe(
        actor,
        cause=f"milestone:{firm.ref}",
        payer=actor.hats[0].organisation,
        payee=firm.id,
        amount=Money(7_140_000, "GBP"),
        purpose="Sensors",
        about="contract:C-1",
        days=30,
    )
    return str(obligation.ref)


async def test_who_accepted_does_not_release_by_the_paper_of_a_colleague(app: Litestar) -> None:
    body = await given.organisation()
    maya, colin = await given.person(body, "buyer"), await given.person(body, "finance-officer")
    third = await given.person(body, "evaluator")
    ref = await owed(maya)
    row = await on_paper(app, colin, f"/payments/{ref}/release")
    answer = await entered(app, maya, row)
    assert answer.status_code == 409
    assert "one pair of hands" in answer.text
    assert (await entered(app, third, row)).status_code == 303


async def test_who_entered_her_paper_is_no_second_person_beside_her() -> None:
    with clock.at(NOW):
        body = await given.organisation()
        maya, colin = await given.person(body, "buyer"), await given.person(body, "finance-officer")
        ref = await owed(maya)
        await Mandate.insert(
            Mandate(
                person=maya.person,
                organisation=body.id,
                act="market.missions.actions.publish",
                prepared_at=NOW,
                expires_at=NOW + DAYS,
                entered_by=colin.person,
                signed_on=DAY,
                kept_at=PLACE,
                done_at=NOW,
            )
        )
        with pytest.raises(Refused) as release:
            await payments.release(colin, ref)
        assert [each.code for each in release.value.reasons] == ["payment.one-pair-of-hands"]
        asked = await doing("release", colin.ref, f"obligation:{ref}", body.id)
        assert hands.as_one(asked) is not None
    with clock.at(NOW + timedelta(days=IN_FORCE.people.invited_days)):
        assert await links_in(body.id) == []


async def test_what_was_entered_for_another_counts_as_done_by_both_for_ever() -> None:
    body = await given.organisation()
    maya, colin = await given.person(body, "buyer", "Maya"), await given.person(body, "buyer", "Colin")
    by_mandate = replace(maya, on_paper=OnPaper("MA-1", colin.ref))
    await record(by_mandate, "review.approved", "challenge:CH-1")
    done = (await doing("draft", "P-X", "challenge:CH-1", body.id)).hands
    assert {(each.act, each.name) for each in done} == {
        ("approve-publication", "Maya"),
        ("approve-publication", "Colin"),
    }


async def test_a_paper_is_for_one_body_and_takes_along_no_role_in_another(app: Litestar) -> None:
    ada, _ = await drafted()
    second = await given.organisation()
    await Membership.insert(
        Membership(person=ada.person, organisation=second.id, role="buyer", since=clock.now() - timedelta(days=1))
    )
    elsewhere = await given.mission(second, published_at=None)
    row = await on_paper(app, ada, f"/missions/{elsewhere.ref}/publish")
    bea = await given.person(await body_of(ada), "buyer")
    answer = await entered(app, bea, row)
    assert answer.status_code == 409
    assert "nothing that you may see" in answer.text
    assert not await published(elsewhere)


async def test_who_has_just_used_a_key_and_asks_for_a_paper_has_done_nothing(app: Litestar) -> None:
    ada, mission = await drafted()
    async with given.browser(app) as client:
        await given.signed_in(client, ada)
        told = await client.post(f"/missions/{mission.ref}/publish", data={"touch": "on paper"})
        assert told.headers["location"].startswith("/mandates/MA-")
        outside = await client.post(
            f"/missions/{mission.ref}/publish",
            data={"touch": "on paper"},
            headers={"origin": "https://elsewhere.example", "sec-fetch-site": "cross-site"},
        )
        assert outside.status_code == 403
    assert not await published(mission)
    assert await Mandate.count() == 1
