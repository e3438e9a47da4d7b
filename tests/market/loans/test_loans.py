"""A small body borrows its second person, visibly; whoever is lent does nothing that is the body's own to do."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from litestar import Litestar

from market import clock, lent, policy
from market.accounts import invitations
from market.accounts.marks import marks_of
from market.accounts.sessions import actor_of
from market.accounts.tables import Membership, Organisation, Person
from market.actor import PUBLIC, Actor
from market.arrival import Arrival
from market.audit.actions import record
from market.audit.tables import Event
from market.front.desks import desk
from market.hands import rules as hands
from market.kinds import DEEDS
from market.loans import actions, rules
from market.loans.tables import Loan
from market.money import Money
from market.payments import actions as payments
from market.refusals import NotFound, Refused, refusals
from market.reviewing.matters import matter_of
from market.reviews import actions as reviews
from market.tenders import actions as tenders
from market.tenders.drafts import actions as drafting
from market.tenders.tables import Tender
from tests import given

TODAY = given.TODAY
PAPER = "Shared service agreement of 2 November 2026"


def terms(**said: Any) -> rules.Terms:
    known: dict[str, Any] = {
        "role": "evaluator",
        "instrument": PAPER,
        "since": TODAY,
        "until": TODAY + timedelta(days=90),
        "now": Arrival(TODAY),
        "kinds": ("buyer", "buyer"),
        "same": False,
        "of_lender": True,
        "of_borrower": False,
        "own": 2,
        "lent": 0,
        "herself": False,
    }
    return rules.Terms(**{**known, **said})


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({}, None),
        ({"role": "contract-manager"}, None),
        ({"role": "buyer"}, "loan.role-not-lent"),
        ({"role": "minister"}, "loan.role-not-lent"),
        ({"same": True}, "loan.between-bodies"),
        ({"kinds": ("supplier", "buyer")}, "loan.between-bodies"),
        ({"kinds": ("buyer", "operator")}, "loan.between-bodies"),
        ({"instrument": "agreed"}, "loan.instrument-missing"),
        ({"until": TODAY}, "loan.too-long"),
        ({"until": TODAY + timedelta(days=367)}, "loan.too-long"),
        ({"until": TODAY + timedelta(days=366)}, None),
        ({"of_lender": False}, "loan.not-theirs"),
        ({"of_borrower": True}, "loan.belongs-here"),
        ({"lent": 1}, None),
        ({"lent": 2}, "loan.too-many"),
        ({"own": 1}, None),
        ({"own": 0}, "loan.too-many"),
        ({"herself": True}, "loan.own"),
    ],
)
def test_a_loan_is_between_two_bodies_for_a_time_on_paper(said: dict[str, Any], code: str | None) -> None:
    assert [each.code for each in refusals(rules.PROPOSE, terms(**said))] == ([code] if code else [])


def test_what_somebody_lent_may_do_and_what_is_a_bodys_own_are_told_apart_by_one_table() -> None:
    own = {verb for act in hands.ACTS.values() if act.own for verb in act.verbs}
    others = {verb for act in hands.ACTS.values() if not act.own for verb in act.verbs}
    assert not own & lent.MAY
    assert others <= lent.MAY
    assert set(DEEDS) >= lent.MAY


# ── through the actions ────────────────────────────────────────────────────────────────────────────────────────────


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [each.code for each in refused.value.reasons]


@dataclass
class Bodies:
    """A parish of two, and a county that could lend."""

    parish: Organisation
    county: Organisation
    clerk: Actor
    second: Actor
    head: Actor
    gareth: Actor

    def draft(self, who: Actor, role: str = "evaluator", **said: Any) -> actions.LoanDraft:
        facts = {"lender": self.county.ref, "borrower": self.parish.ref, "instrument": PAPER}
        days = {"since": clock.now().date(), "until": clock.now().date() + timedelta(days=200)}
        return actions.LoanDraft(**{**facts, **days, "person": who.ref, "role": role, **said})  # type: ignore[arg-type]

    async def lent(self, who: Actor, role: str = "evaluator") -> Actor:
        """Somebody of the county who works for the parish now."""
        made = await actions.propose(self.clerk, self.draft(who, role))
        await actions.agree(self.head, made.ref)
        return given.touched(await actor_of(who.person or 0, "password"))


async def bodies() -> Bodies:
    parish = await given.organisation("Parish of Three", tier="local")
    county = await given.organisation("County", tier="local")
    return Bodies(
        parish,
        county,
        await given.person(parish, "buyer"),
        await given.person(parish, "buyer"),
        await given.person(county, "buyer"),
        await given.person(county, "evaluator", "Gareth Pike"),
    )


@pytest.mark.usefixtures("clean")
async def test_both_bodies_say_so_and_her_name_is_marked() -> None:
    with clock.at(TODAY):
        there = await bodies()
        made = await actions.propose(there.clerk, there.draft(there.gareth))
        for who in (there.clerk, there.second):
            with pytest.raises(NotFound):
                await actions.agree(who, made.ref)
        assert "Agree that Gareth Pike is lent by County to Parish of Three" in str((await desk(there.head)).waiting)
        await actions.agree(there.head, made.ref)
        with pytest.raises(Refused) as refused:
            await actions.agree(there.head, made.ref)
        assert "loan.decided" in codes(refused)
        gareth = await actor_of(there.gareth.person or 0, "password")
        assert gareth.lent_to(there.parish.ref) == "County"
        assert gareth.lent_to(there.county.ref) == ""
        assert dict(await marks_of(there.parish.id)) == {gareth.ref: "lent by County"}
        verbs = [
            each["verb"] for each in await Event.select(Event.verb).where(Event.verb.like("loan.%")).order_by(Event.seq)
        ]
        assert verbs == ["loan.proposed", "loan.agreed"]
    with clock.at(TODAY + timedelta(days=202)):
        assert (await actor_of(there.gareth.person or 0, "password")).wears(
            "evaluator", organisation=there.parish.id
        ) is None


@pytest.mark.usefixtures("clean")
async def test_whoever_is_lent_releases_money_and_accepts_nothing() -> None:
    with clock.at(TODAY):
        there = await bodies()
        lent_one = await there.lent(there.gareth, "finance-officer")
        firm = await given.supplier()
        owed = {"payer": there.parish.id, "payee": firm.id, "amount": Money(70_000, "GBP"), "purpose": "Sensors"}
        with pytest.raises(Refused) as refused:
            await payments.owe(lent_one, cause="milestone:MS-1", about="contract:C-1", days=30, **owed)  # type: ignore[arg-type]
        assert codes(refused) == ["access.lent"]
        made = await payments.owe(there.clerk, cause="milestone:MS-1", about="contract:C-1", days=30, **owed)  # type: ignore[arg-type]
        assert (await payments.release(lent_one, made.ref)).state == "due"


@pytest.mark.usefixtures("clean")
async def test_no_own_act_of_a_body_is_ever_written_down_for_somebody_lent() -> None:
    with clock.at(TODAY):
        there = await bodies()
        lent_one = await there.lent(there.gareth)
        own = {verb for act in hands.ACTS.values() if act.own for verb in act.verbs}
        for verb in sorted(
            own | {"contract.signed", "contract.change-approved", "award.decided", "a-verb.of-tomorrow"}
        ):
            with pytest.raises(Refused) as refused:
                await record(lent_one, verb, "tender:T-1", organisation=there.parish.ref)
            assert codes(refused) == ["access.lent"], verb
        await record(there.clerk, "contract.signed", "tender:T-1", organisation=there.parish.ref)
        await record(lent_one, "panel.marked", "tender:T-1", organisation=there.parish.ref)
        await record(lent_one, "challenge.edited", "challenge:CH-1", organisation=there.county.ref)


@pytest.mark.usefixtures("clean")
async def test_a_lent_officer_holds_a_code_and_names_nobody() -> None:
    with clock.at(TODAY):
        there = await bodies()
        made = await given.tendering(there.parish, exercised=False)
        lent_one = await there.lent(there.gareth)
        await drafting.name_officer(made.officers[0], made.ref, lent_one.ref)
        assert (await drafting.enrol(lent_one, made.ref)).code
        manager = await there.lent(await given.person(there.county, "contract-manager"), "contract-manager")
        with pytest.raises(NotFound):
            await drafting.name_officer(manager, made.ref, manager.ref)


@pytest.mark.usefixtures("clean")
async def test_nobody_is_lent_on_back_or_into_a_role_of_her_own() -> None:
    with clock.at(TODAY):
        there = await bodies()
        lent_one = await there.lent(there.gareth)
        third = await given.organisation("Third Town", tier="local")
        head = await given.person(third, "buyer")
        on = there.draft(lent_one, lender=there.parish.ref, borrower=third.ref)
        with pytest.raises(Refused) as refused:
            await actions.propose(head, on)
        assert codes(refused) == ["loan.not-theirs"]
        back = there.draft(lent_one, lender=there.parish.ref, borrower=there.county.ref)
        with pytest.raises(Refused) as refused:
            await actions.propose(there.head, back)
        assert set(codes(refused)) == {"loan.not-theirs", "loan.belongs-here"}
        with pytest.raises(Refused) as refused:
            await actions.propose(there.clerk, there.draft(lent_one, "contract-manager"))
        assert codes(refused) == ["loan.belongs-here"]
        await given.domain(there.parish, "parish.example")
        row, _token = await invitations.invite(
            there.clerk,
            there.parish.ref,
            given.invited(await _address(lent_one, "parish.example"), "buyer", "Gareth Pike"),
        )
        with pytest.raises(Refused) as refused:
            await invitations.accept_here(lent_one, row.ref)
        assert codes(refused) == ["membership.lent"]
        mine = await given.person(there.county, "buyer")
        with pytest.raises(Refused) as refused:
            await actions.propose(mine, there.draft(mine))
        assert codes(refused) == ["loan.own"]


async def _address(actor: Actor, host: str) -> str:
    await Person.update({Person.email: f"gareth@{host}"}).where(Person.id == actor.person)
    return f"gareth@{host}"


@pytest.mark.usefixtures("clean")
async def test_a_body_does_not_consist_of_borrowed_people_and_mailboxes_do_not_count() -> None:
    with clock.at(TODAY):
        there = await bodies()
        for _ in range(2):
            await there.lent(await given.person(there.county, "evaluator"))
        with pytest.raises(Refused) as refused:
            await actions.propose(there.clerk, there.draft(await given.person(there.county, "evaluator")))
        assert codes(refused) == ["loan.too-many"]
        assert f"{policy.IN_FORCE.people.lent_percent}%" in str(refused.value)
        await given.domain(there.parish, "parish.example")
        _, token = await invitations.invite(
            there.clerk, there.parish.ref, given.invited("box@parish.example", "evaluator", "A Mailbox")
        )
        await invitations.accept(PUBLIC, token, invitations.Acceptance("", "three words that rhyme not"))
        with pytest.raises(Refused) as refused:
            await actions.propose(there.clerk, there.draft(await given.person(there.county, "evaluator")))
        assert codes(refused) == ["loan.too-many"], "a mailbox let in this morning is no third person of its own"


@pytest.mark.usefixtures("clean")
async def test_who_proposed_a_loan_does_not_agree_to_it_for_the_other_body_too() -> None:
    """A clerk who is in both bodies would lend herself a second pair of hands."""
    with clock.at(TODAY):
        there = await bodies()
        both = await given.also(there.clerk, there.county, "buyer")
        made = await actions.propose(both, there.draft(there.gareth))
        with pytest.raises(Refused) as refused:
            await actions.agree(both, made.ref)
        assert codes(refused) == ["loan.same-person"]


@pytest.mark.usefixtures("clean")
async def test_either_body_ends_it_and_what_was_agreed_stays() -> None:
    with clock.at(TODAY):
        there = await bodies()
        await there.lent(there.gareth)
        row = await Loan.objects().first()
    with clock.at(TODAY + timedelta(days=3)):
        for statement in (
            Loan.update({Loan.role: "buyer"}, force=True),
            Loan.delete(force=True),
            Membership.update({Membership.lent_by: None}, force=True),
        ):
            with pytest.raises(Exception, match=r"stays as it was|append-only|never"):
                await statement
        stranger = await given.person(await given.organisation(), "buyer")
        with pytest.raises(NotFound):
            await actions.end(stranger, row.ref)
        await actions.end(there.head, row.ref)
        with pytest.raises(Refused) as refused:
            await actions.end(there.clerk, row.ref)
        assert codes(refused) == ["loan.ended-already"]
        assert (await actor_of(there.gareth.person or 0, "password")).wears(
            "evaluator", organisation=there.parish.id
        ) is None


@pytest.mark.usefixtures("clean")
async def test_pages_and_programs_meet_the_same_rules(app: Litestar) -> None:
    with clock.at(TODAY):
        there = await bodies()
        typed = {
            "lender": there.county.ref,
            "borrower": there.parish.ref,
            "person": there.gareth.ref,
            "role": "evaluator",
            "instrument": PAPER,
            "since": "2026-11-23",
            "until": "2027-05-31",
        }
        async with given.browser(app) as client:
            await given.signed_in(client, there.clerk)
            page = (await client.get("/loans")).text
            assert "At most 50%" in page
            wrong = await client.post("/loans", data={**typed, "person": "P-NOBODY"})
            assert "Nobody of that body has this reference." in wrong.text
            assert (await client.post("/loans", data=typed)).status_code == 303
            assert "/agree" not in (await client.get("/loans")).text
            await given.signed_in(client, there.head)
            assert "Agree to lend Gareth Pike" in (await client.get("/loans")).text
            row = await Loan.objects().first()
            assert (await client.post(f"/loans/{row.ref}/agree")).status_code == 303
            assert "lent by County" in (await client.get("/loans")).text
            people = (await client.get(f"/organisations/{there.county.ref}/people")).text
            assert "lent by County" not in people
            await given.signed_in(client, there.clerk)
            assert "lent by County" in (await client.get(f"/organisations/{there.parish.ref}/people")).text
            clerk, gareth = await given.token(there.clerk), await given.token(there.gareth)
            listed = (await client.get("/api/v1/loans", headers=clerk)).json()["items"]
            assert [each["person"] for each in listed] == [there.gareth.ref]
            assert (await client.post("/api/v1/loans", json=typed, headers=gareth)).status_code == 403
            again = await client.post("/api/v1/loans", json=typed, headers=clerk)
            assert [each["code"] for each in again.json()["reasons"]] == ["loan.belongs-here"]
            ended = await client.post(f"/api/v1/loans/{row.ref}/end", headers=clerk)
            assert ended.status_code == 200


@pytest.mark.usefixtures("clean")
async def test_a_body_of_two_publishes_a_small_purchase_that_a_borrowed_person_read() -> None:
    with clock.at(TODAY):
        there = await bodies()
        made = await given.tendering(there.parish, lots=1)
        for officer in made.officers:
            named = drafting.About(
                f"Sensors, by {officer.ref}", "They say when.", given.CODES, "", "", "goods-services"
            )
            seen = await given.as_is(drafting.About, Tender, made.ref)
            await drafting.describe(officer, made.ref, named, seen)
        matter = await matter_of("tender", made.ref)
        for drafter in made.officers:
            with pytest.raises(Refused) as refused:
                await reviews.ask(made.officers[0], matter, reviews.ReviewRequest(drafter.ref))
            assert codes(refused) == ["review.asked-a-drafter"]
        gareth = await there.lent(there.gareth)
        await given.looked("tender", made.ref, made.officers[0])
        await reviews.ask(made.officers[0], matter, reviews.ReviewRequest(gareth.ref))
        await reviews.approve(gareth, matter, matter.version)
        tender = await tenders.publish(made.officers[1], made.ref)
    assert tender.published_at is not None
    assert tender.ground in ("below-threshold", "not-central")
