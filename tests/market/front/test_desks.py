"""Everybody's desk: the right thing waits for the right person, and goes when it is done."""

import re
from datetime import timedelta

import pytest
from litestar import Litestar

from challenges.exercise import panel_of
from challenges.judging import actions as judging
from challenges.pitches import actions as pitches
from challenges.tables import Application
from market import clock
from market.accounts.tables import Organisation
from market.actor import Actor
from market.contracts.tables import Milestone
from market.db import engine, find, transaction
from market.drafts import version
from market.front import desks
from market.front.desks import desk
from market.panels import actions as panels
from market.panels.tables import Mark, Seat, Sheet
from market.payments.tables import Obligation
from market.questions.tables import PublicQuestion
from market.refusals import Refused
from market.settings import ROOT
from market.suppliers.tables import Profile
from market.tenders.tables import Tender
from market.waivers.tables import Waiver
from tests import given, given_awards, given_tenders
from tests.challenges import exercise
from tests.market.front.given_market import challenge, contract

pytestmark = pytest.mark.usefixtures("clean")


async def texts(actor: Actor) -> list[str]:
    return [item.text for item in (await desk(actor)).waiting]


async def test_a_buyer_answers_questions_in_time_for_the_closing_date() -> None:
    with clock.at(given.TODAY):
        town = await given.organisation("Calderwick", tier="local")
        buyer = await given.person(town, "buyer")
        stranger = await given.person(await given.organisation(), "buyer")
        problem = await challenge("Gullies flood streets", buyer=town.id)
        for text in ("Who maps the gullies?", "Is travel paid?"):
            asker, about = (await given.supplier()).id, f"challenge:{problem.ref}"
            await PublicQuestion(record=about, asker=asker, text=text, asked_at=clock.now()).save()
        (item,) = (await desk(buyer)).waiting
        assert await texts(stranger) == []
    assert item.text == "Answer 2 questions"
    assert item.href.startswith(f"/challenges/{problem.ref}/questions/Q-")
    assert item.when is not None
    assert problem.closes_at is not None
    assert item.when < problem.closes_at


async def test_an_exercise_moves_from_the_evaluators_to_the_buyer_and_to_its_end() -> None:
    made = await exercise.applied(2)
    judge, member = made.panel[1], made.firms[0]
    with clock.at(exercise.CLOSED):
        assert await texts(judge) == ["Declare your interests, then score"]
        assert await texts(made.officer) == []
        seen = given.declared((await panel_of(await made.row())).member(judge.person))
        await panels.declare(judge, judging.panel(made.ref), panels.Declaration(declared=True), seen)
        assert await texts(judge) == ["Score, give your reasons and hand in"]
        await Seat.update({Seat.declared_at: None}).where(Seat.person == judge.person)
    await exercise.marked(made, [90, 70])
    with clock.at(exercise.CLOSED + exercise.DAY):
        assert await texts(judge) == []
        assert await texts(made.officer) == ["Make the short list: every evaluator has handed in"]
        await judging.shortlist(made.officer, made.ref)
        assert await texts(made.officer) == ["Arrange 2 pitches"]
        for pitch in await pitches.pitches_of(await made.row()):
            seen = version(pitches.Schedule, pitch)
            await pitches.schedule(made.officer, pitch.ref, pitches.Schedule(exercise.HEARD, "Corn Street"), seen)
        assert await texts(made.officer) == []
    with clock.at(exercise.HEARD + timedelta(hours=1)):
        (item,) = (await desk(made.officer)).waiting
        assert item.text == "Say whether the pitch was delivered: the team is paid then"
        assert item.since == exercise.HEARD
        for pitch in await pitches.pitches_of(await made.row()):
            await pitches.deliver(made.panel[0], pitch.ref, pitches.Delivery("Poured forty litres into one."))
        assert "Write down what was learnt and decide: go, change or stop" in await texts(made.officer)
        play = (await desk(member)).supplying
    assert play is not None
    assert [each.next for each in play.in_play] == ["Pitched, fee owed"]


async def test_the_short_list_waits_for_whom_the_rule_lets_make_it() -> None:
    """Everybody has handed in, but somebody's marks are missing: making the list would be refused, so nobody is asked to."""
    made = await exercise.applied(2)
    await exercise.marked(made, [90, 70])
    with clock.at(exercise.CLOSED + exercise.DAY):
        sheets = Sheet.select(Sheet.id).where(Sheet.subject == f"application:{made.applications[0].ref}")
        await Mark.delete().where(Mark.sheet.is_in([row["id"] for row in await sheets]))
        assert await texts(made.officer) == []
        with pytest.raises(Refused):
            await judging.shortlist(made.officer, made.ref)


async def test_a_contract_waits_for_the_moment_from_which_the_rule_lets_it_be_drawn_up() -> None:
    case, decision = await given_awards.awarded()
    assert decision.standstill_ends_at is not None
    drawing = "Draw up the contract: the standstill has passed"
    with clock.at(decision.standstill_ends_at + timedelta(milliseconds=500)):
        assert drawing not in await texts(case.buyer), "the last second is part of the standstill"
    with clock.at(decision.standstill_ends_at + timedelta(seconds=1)):
        assert drawing in await texts(case.buyer)
        await given_awards.drawn_up(case, decision)
        assert await texts(case.buyer) == ["Sign the contract"]


async def test_officers_enter_their_codes_once_the_deadline_has_passed() -> None:
    with clock.at(given.TODAY):
        case = await given_tenders.published(closes_in=timedelta(days=30))
        assert await texts(case.officers[0]) == []
    with clock.at(given.TODAY + timedelta(days=31)):
        assert await texts(case.officers[0]) == ["Enter your code to open the bids"]
        (item,) = (await desk(case.officers[0])).waiting
        assert (item.when, item.since) == (None, given.TODAY + timedelta(days=30))
        assert await texts(case.officer) == ["The bids may be opened: two opening officers must enter their codes"]
        await given_tenders.opened(case)
        assert await texts(case.officers[0]) == ["Name the evaluators of the bids"]


async def test_contracts_deliveries_and_payments_wait_for_the_side_whose_turn_it_is() -> None:
    with clock.at(given.TODAY):
        town = await given.organisation("Calderwick", tier="local")
        buyer, other = await given.person(town, "buyer"), await given.person(town, "finance-officer")
        firm = await given.supplier()
        member = await given.person(firm, "supplier-admin")
        await contract(firm, 5_000_000, buyer=town, signed=False)
        assert "Sign the contract" in await texts(buyer)
        assert await texts(member) == ["Sign the contract"]
        running = await contract(firm, 5_000_000, buyer=town)
        part = Milestone(
            contract=running.id, number=1, title="First ten bridges", due_on=given.TODAY.date(), amount_minor=1_000_000
        )
        await part.save()
        assert "Deliver “First ten bridges”" in await texts(member)
        part.delivered_at = clock.now()
        await part.save([Milestone.delivered_at])
        assert "Accept or refuse “First ten bridges”" in await texts(buyer)
        assert "Deliver “First ten bridges”" not in await texts(member)
        await Obligation.insert(
            Obligation(
                cause="milestone:MS-2222222",
                payer=town.id,
                payee=firm.id,
                amount_minor=1_000_000,
                purpose="First ten bridges",
                about=f"contract:{running.ref}",
                accepted_by=buyer.ref,
                incurred_at=clock.now(),
                due_at=clock.now() + timedelta(days=30),
            )
        )
        release = f"Release £10,000 to {firm.name}"
        assert release in await texts(other)
        assert release not in await texts(buyer), "whoever accepted the delivery may not release the money"
        supplying = (await desk(member)).supplying
        assert supplying is not None
        assert [str(each) for each in supplying.owed] == ["£10,000"]
        assert supplying.paid == []


async def test_a_supplier_sees_what_fits_her_codes_those_of_her_region_first() -> None:
    with clock.at(given.TODAY):
        firm = await given.supplier(region="Wales")
        member = await given.person(firm, "supplier-member")
        bare = (await desk(member)).supplying
        assert bare is not None
        assert len(bare.lacks) == 1
        await Profile.insert(
            Profile(organisation=firm.id, summary="Drones", cpv=["71631000"], updated_at=clock.now(), regions=["Wales"])
        )
        far = await challenge("Bridges in the north", cpv=["71631450"], closes_in=timedelta(days=2))
        near = await challenge("Bridges in Wales", cpv=["71630000"], region="Wales")
        await challenge("School meals", cpv=["55524000"], region="Wales")
        found = (await desk(member)).supplying
        assert found is not None
        assert [each.title for each in found.fits] == [near.title, far.title]
        assert found.fits[0].near is True
        assert "Add what you can do, in a few words each." in found.lacks
        assert not any("codes" in each for each in found.lacks)
        await Application.insert(
            Application(challenge=far.id, supplier=firm.id, submitted_at=clock.now(), submitted_by=member.person)
        )
        found = (await desk(member)).supplying
        assert found is not None
        assert [each.title for each in found.fits] == [near.title]


async def test_a_minister_finds_the_request_and_her_portfolio(app: Litestar) -> None:
    with clock.at(given.TODAY):
        department = await given.organisation("Department for Places")
        agency = await given.organisation("Roads Agency", tier="sub-central", department=department.id)
        minister = await given.person(department, "minister", title="Minister for Places")
        elsewhere = await given.person(await given.organisation(), "minister")
        await given.mission(department, title="Dry streets")
        case = await given_tenders.published(buyer=agency.id, published_at=None)
        await Waiver.insert(
            Waiver(
                tender=case.tender.id,
                buyer=agency.id,
                department=department.id,
                ground="urgency",
                asked_at=clock.now(),
                asked_by=case.officer.person,
            )
        )
        await challenge("Gullies flood streets", buyer=agency.id)
        assert await texts(minister) == ["Sign or refuse: Roads Agency asks for a waiver"]
        assert await texts(elsewhere) == []
        async with given.browser(app) as client:
            page = (await (await given.signed_in(client, minister)).get("/desk")).text
    assert "Dry streets" in page
    assert "Gullies flood streets" in page
    assert "Minister for Places" in page


async def test_nothing_is_asked_for_a_hat_that_somebody_does_not_wear() -> None:
    evaluator = await given.person(await given.organisation(), "evaluator")
    asked: list[str] = []
    async with transaction():
        connection = engine().current_transaction.get().connection
        with connection.query_logger(lambda record: asked.append(record.query)):
            await desk(evaluator)
    assert any("FROM seat" in query for query in asked)
    theirs = r"\b(FROM|JOIN) (waiver|public_question|complaint|price_question|obligation|payment|contract)\b"
    assert [query for query in asked if re.search(theirs, query)] == []


async def test_records_stand_by_stage_and_drafts_first(app: Litestar) -> None:
    with clock.at(given.TODAY):
        case = await given_tenders.published()
        buyer = await find(Organisation, Organisation.id == case.tender.buyer)
        await Tender.insert(
            Tender(buyer=buyer.id, title="Half a draft", created_at=clock.now(), created_by=case.officer.person)
        )
        await contract(await given.supplier(), 1_000_000, buyer=buyer)
        stages = dict((await desk(case.officer)).buying or [])
        assert ("Half a draft", "Tender. Draft") in {(each[0], each[2]) for each in stages["Drafts"]}
        assert [each[2] for each in stages["Open"]] == ["Tender. Open, taking questions"]
        assert stages["Contracts"][0][2] is not None
        assert stages["Contracts"][0][2].endswith("In force")
        async with given.browser(app) as client:
            page = (await (await given.signed_in(client, case.officer)).get("/desk")).text
    assert "Half a draft" in page


@pytest.mark.parametrize("role", ["auditor", "operator", "supplier-admin", "evaluator"])
async def test_every_hat_has_a_desk(app: Litestar, role: str) -> None:
    kind = {"auditor": "audit", "operator": "operator", "supplier-admin": "supplier"}.get(role, "buyer")
    someone = await given.person(await given.organisation(kind=kind), role)  # type: ignore[arg-type]
    async with given.browser(app) as client:
        assert (await client.get("/desk")).status_code == 303
        page = await (await given.signed_in(client, someone)).get("/desk")
    assert page.status_code == 200
    assert "Nothing waits for you" in page.text


def test_every_noun_with_work_for_people_is_gathered_and_the_front_asks_no_table() -> None:
    paths = [*(ROOT / "market").glob("*/desk.py"), *(ROOT / "challenges").glob("desk.py")]
    work = {
        f"{path.parent.relative_to(ROOT)}/desk".replace("/", ".")
        for path in paths
        if re.search(r"^async def waiting\(actor: Actor\)", path.read_text(), re.M)
    }
    assert {noun.__name__ for noun in desks.WAITING} == work
    assert not re.search(r"\bSELECT\b|\.tables\b|\.rules\b", (ROOT / "market/front/desks.py").read_text())
