"""Budgets on a real database: proposed by one and approved by another, named, counted against, and attacked."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from challenges import actions as challenges
from challenges.drafts import actions as challenge_drafts
from challenges.tables import Challenge
from market import clock, drafts
from market.accounts import invitations
from market.accounts.sessions import actor_of
from market.accounts.tables import Organisation
from market.actor import PUBLIC, SYSTEM, Actor, Role
from market.audit.tables import Event
from market.budgets import actions, counting, desk, readers
from market.budgets.tables import Budget, BudgetEntry, BudgetLine, Listed
from market.contracts import actions as contracts
from market.contracts.changes import actions as changes
from market.contracts.changes.drafts import ChangeDraft
from market.contracts.tables import Contract
from market.db import many
from market.letters.tables import Letter
from market.refusals import NotFound, Refused
from market.tenders import actions as tenders
from market.tenders.changes import actions as tender_changes
from market.tenders.changes import proposals
from market.tenders.drafts import actions as drafting
from market.tenders.tables import Tender
from tests import given, given_awards
from tests.challenges import exercise

pytestmark = pytest.mark.usefixtures("clean")

NEW = actions.BudgetDraft("Streets that drain", 2026, 10_000_000, reason="The council's plan, line 12.")
WHY = "The county has paid its share of the flood levy."


async def refused(doing: Any) -> list[str]:
    """The codes with which this is refused."""
    with pytest.raises(Refused) as caught:
        await doing
    return [each.code for each in caught.value.reasons]


async def stands(ref: str) -> tuple[int, int, int]:
    """What of a budget is reserved, committed and left, in pounds."""
    row = await readers.one(ref)
    return row.reserved_minor // 100, row.committed_minor // 100, row.left_minor // 100


async def waiting(ref: str) -> str:
    """The line that waits."""
    return (await readers.one(ref)).waiting


class House:
    """A body with a buyer and two finance officers."""

    body: Organisation
    buyer: Actor
    finance: Actor
    other: Actor


async def house() -> House:
    made = House()
    made.body = await given.organisation(tier="local")
    made.buyer = await given.person(made.body, "buyer")
    made.finance, made.other = [await given.person(made.body, "finance-officer") for _ in range(2)]
    return made


async def proposed(there: House) -> Listed:
    """A budget of £100,000 that waits."""
    return await readers.one((await actions.propose(there.buyer, there.body.id, NEW)).ref)


# ── two people ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_what_a_buyer_proposes_counts_when_a_finance_officer_approves_it() -> None:
    with clock.at(given.TODAY):
        there = await house()
        row = await proposed(there)
        assert (row.amount_minor, row.opened_at) == (0, None)
        letters = await Letter.objects()
        assert {each.person for each in letters} == {there.finance.ref, there.other.ref}
        assert [each.text for each in await desk.waiting(there.finance)] == ["Approve a budget of £100,000, or not"]
        assert await desk.waiting(there.buyer) == []
        await actions.approve(there.finance, row.ref, row.waiting)
        assert await stands(row.ref) == (0, 0, 100_000)
        assert await desk.waiting(there.other) == []
        told = await Letter.objects().where(Letter.person == there.buyer.ref)
        assert [each.subject for each in told] == [f"What you proposed of budget {row.ref} was approved"]
        assert [each["verb"] for each in await Event.select(Event.verb).order_by(Event.seq)] == [
            "budget.proposed",
            "budget.approved",
        ]
        with pytest.raises(Refused):
            await actions.approve(there.other, row.ref, row.waiting)


@pytest.mark.parametrize("role", ["buyer", "contract-manager", "evaluator", "minister"])
async def test_nobody_but_a_finance_officer_of_the_body_approves(role: Role) -> None:
    with clock.at(given.TODAY):
        there = await house()
        row = await proposed(there)
        assert await refused(actions.approve(await given.person(there.body, role), row.ref, row.waiting))
        stranger = await given.person(await given.organisation(), "finance-officer")
        assert await refused(actions.approve(stranger, row.ref, row.waiting))
        assert (await readers.one(row.ref)).opened_at is None


async def test_one_person_with_both_roles_does_not_approve_what_she_proposed() -> None:
    with clock.at(given.TODAY):
        there = await house()
        both = await given.also(there.buyer, there.body, "finance-officer")
        row = await readers.one((await actions.propose(both, there.body.id, NEW)).ref)
        assert await refused(actions.approve(both, row.ref, row.waiting)) == ["budget.same-person"]


async def test_a_mailbox_that_the_buyer_let_in_is_no_second_person() -> None:
    with clock.at(given.TODAY):
        there = await house()
        await given.domain(there.body, "mail.example")
        asked = given.invited("second@mail.example", "finance-officer")
        _, token = await invitations.invite(there.buyer, there.body.ref, asked)
        person = await invitations.accept(PUBLIC, token, invitations.Acceptance("", "three words that rhyme not"))
        mailbox = given.touched(await actor_of(person.id, "password"))
        row = await proposed(there)
        assert await refused(actions.approve(mailbox, row.ref, row.waiting)) == ["budget.one-pair-of-hands"]
        assert await desk.waiting(mailbox) == []


async def test_what_is_not_approved_changes_nothing_and_is_kept() -> None:
    with clock.at(given.TODAY):
        there = await house()
        row = await proposed(there)
        with pytest.raises(Refused):
            await actions.leave(await given.person(there.body, "evaluator"), row.ref, row.waiting)
        await actions.leave(there.finance, row.ref, row.waiting)
        assert await refused(actions.approve(there.other, row.ref, row.waiting)) == ["budget.decided"]
        (line,) = await readers.lines_of(row.id)
        assert (line.leaver, line.approved_at) == (there.finance.name, None)


@pytest.mark.parametrize("amount", [0, -1, 10**15])
async def test_sums_that_are_none_negative_or_huge_are_refused(amount: int) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"purpose": "Streets that drain", "year": 2026, "amount_minor": amount}, actions.BudgetDraft)
    if amount > 0:
        return
    with clock.at(given.TODAY):
        there = await house()
        given_now = actions.BudgetDraft("Streets that drain", 2026, amount)
        assert await refused(actions.propose(there.buyer, there.body.id, given_now)) == ["budget.sum-missing"]


async def test_the_database_keeps_what_was_proposed_approved_and_counted() -> None:
    with clock.at(given.TODAY):
        body = await given.organisation(tier="local")
        row = await given.budget(body, 100_000)
        await counting.keep(SYSTEM, "tender:T-1", "lot:L-1", reserved=5, committed=0, cause="published", budget=row.id)
        for statement in (
            "UPDATE budget_line SET amount_minor = 999999999",
            "UPDATE budget_line SET approved_at = NULL, approved_by = NULL",
            "DELETE FROM budget_line",
            "UPDATE budget_entry SET amount_minor = 1",
            "DELETE FROM budget_entry",
            "UPDATE budget SET body = 1",
        ):
            with pytest.raises(asyncpg.PostgresError):
                await many(statement)
        line = await BudgetLine.objects().first()
        assert line is not None
        with pytest.raises(asyncpg.PostgresError):
            await BudgetLine.insert(
                BudgetLine(
                    budget=row.id,
                    kind="raise",
                    amount_minor=5,
                    proposed_at=clock.now(),
                    proposed_by=line.proposed_by,
                    approved_at=clock.now(),
                    approved_by=line.proposed_by,
                )
            )


# ── changing one ───────────────────────────────────────────────────────────────────────────────────────────────────


async def approved(there: House, ref: str, kind: Any, pounds: int = 0) -> None:
    """A change that one proposes and another approves."""
    line = await actions.change(there.finance, ref, actions.LineDraft(kind, WHY, pounds * 100))
    await actions.approve(there.other, ref, line.ref)


async def test_a_budget_is_raised_lowered_and_closed_but_never_below_what_is_promised() -> None:
    with clock.at(given.TODAY):
        there = await house()
        row = await given.budget(there.body, 10_000_000)
        await counting.keep(
            SYSTEM, "tender:T-1", "lot:L-1", reserved=6_000_000, committed=0, cause="published", budget=row.id
        )
        await approved(there, row.ref, "raise", 20_000)
        assert await stands(row.ref) == (60_000, 0, 60_000)
        too_much = actions.LineDraft("lower", WHY, 6_000_001)
        assert await refused(actions.change(there.finance, row.ref, too_much)) == ["budget.below-taken"]
        line = await actions.change(there.finance, row.ref, actions.LineDraft("lower", WHY, 6_000_000))
        again = actions.LineDraft("raise", WHY, 1)
        assert await refused(actions.change(there.other, row.ref, again)) == ["budget.line-waits"]
        await counting.keep(SYSTEM, "tender:T-2", "lot:L-2", reserved=1, committed=0, cause="published", budget=row.id)
        assert await refused(actions.approve(there.other, row.ref, line.ref)) == ["budget.taken-since"]
        await actions.leave(there.finance, row.ref, line.ref)
        await approved(there, row.ref, "close")
        keeping = counting.keep(SYSTEM, "tender:T-2", "lot:L-2", reserved=2, committed=0, cause="changed")
        assert await refused(keeping) == ["budget.closed-since"]
        await counting.keep(SYSTEM, "tender:T-1", "lot:L-1", reserved=0, committed=0, cause="cancelled")
        assert (await stands(row.ref))[0] == 0


# ── naming one ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def name(made: given.Tendering, ref: str) -> None:
    """The first officer names a budget."""
    seen = await given.as_is(drafting.Budget, Tender, made.ref)
    await drafting.name_budget(made.officers[0], made.ref, drafting.Budget(ref), seen)


async def test_a_tender_reserves_what_its_lots_may_cost_and_frees_it_when_it_is_cancelled() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering(await given.organisation(tier="local"))
        row = await given.budget(made.buyer, 18_720_000)
        await name(made, row.ref)
        await made.publish()
        assert await stands(row.ref) == (187_200, 0, 0), "£156,000 with VAT, to the penny"
        assert {each.about for each in await readers.uses_of(row.id)} == {f"tender:{made.ref}"}
        reason = tenders.Ending("The need has gone away with the river's new bed.")
        await tenders.cancel(made.officers[0], made.ref, reason)
        assert await stands(row.ref) == (0, 0, 187_200)


async def test_a_stated_highest_price_is_what_is_reserved() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering(await given.organisation(tier="local"), lots=1)
        row = await given.budget(made.buyer, 10**9)
        await name(made, row.ref)
        (lot,) = await drafting.Lot.objects()
        wanted = drafting.LotDraft("The lot", 15_600_000, given.CODES, "Eleven streets", True, 16_000_000)
        seen = await given.as_is(drafting.LotDraft, drafting.Lot, lot.ref)
        await drafting.revise_lot(made.officers[0], lot.ref, wanted, seen)
        await made.publish()
        assert (await stands(row.ref))[0] == 192_000


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"minor": 18_719_999}, "budget.too-small"),
        ({"year": 2025}, "budget.year-over"),
        ({"approved": False}, "budget.not-approved"),
        ({"currency": "EUR"}, "budget.other-currency"),
    ],
)
async def test_a_tender_is_not_published_from_such_a_budget(said: dict[str, Any], code: str) -> None:
    with clock.at(given.TODAY):
        made = await given.tendering(await given.organisation(tier="local"))
        await name(made, (await given.budget(made.buyer, **said)).ref)
        assert await refused(made.publish()) == [code]
        assert await BudgetEntry.count() == 0


async def test_nothing_is_published_without_a_budget_and_none_of_another_body_is_named() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering(await given.organisation(tier="local"))
        await name(made, "")
        assert await refused(made.publish()) == ["budget.missing"]
        theirs = await given.budget(await given.organisation())
        assert await refused(name(made, theirs.ref)) == ["budget.unknown"]
        assert await refused(name(made, "BU-2222222")) == ["budget.unknown"]
        await many("UPDATE tender SET budget = {} WHERE ref = {}", theirs.id, made.ref)
        assert await refused(made.publish()) == ["budget.other-body"]


async def test_two_tenders_published_at_once_do_not_overdraw_one_budget() -> None:
    with clock.at(given.TODAY):
        body = await given.organisation(tier="local")
        both = [await given.tendering(body) for _ in range(2)]
        row = await given.budget(body, 30_000_000)
        for made in both:
            await name(made, row.ref)
        tried = await asyncio.gather(*(made.publish() for made in both), return_exceptions=True)
        codes = [[reason.code for reason in each.reasons] for each in tried if isinstance(each, Refused)]
        assert codes in ([["budget.not-enough"]], [["budget.too-small"]])
        assert await stands(row.ref) == (187_200, 0, 112_800)


async def test_a_change_that_makes_a_lot_dearer_needs_the_money_for_it() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering(await given.organisation(tier="local"), lots=1)
        row = await given.budget(made.buyer, 20_000_000)
        await name(made, row.ref)
        await made.publish()
        (lot,) = await drafting.Lot.objects()

        def dearer(minor: int) -> tender_changes.Change:
            one = tender_changes.LotChange(lot.ref, value_minor=minor)
            later = clock.now() + timedelta(days=50)
            return tender_changes.Change(
                "Four more streets are added to the eleven.", "material", "yes", later, lots=[one]
            )

        beyond = proposals.propose(made.officers[0], made.ref, dearer(17_000_000))
        assert await refused(beyond) == ["budget.not-enough"]
        assert (await stands(row.ref))[0] == 187_200
        proposed = await proposals.propose(made.officers[0], made.ref, dearer(16_000_000))
        await counting.keep(
            SYSTEM, "tender:T-9", "lot:L-9", reserved=1_000_000, committed=0, cause="published", budget=row.id
        )
        approving = proposals.approve(made.officers[1], made.ref, proposed.ref)
        assert await refused(approving) == ["budget.not-enough"], "somebody else took it meanwhile"
        await counting.keep(SYSTEM, "tender:T-9", "lot:L-9", reserved=0, committed=0, cause="cancelled")
        await proposals.approve(made.officers[1], made.ref, proposed.ref)
        assert (await stands(row.ref))[0] == 192_000


# ── challenges ─────────────────────────────────────────────────────────────────────────────────────────────────────


async def paid_from(made: exercise.Exercise) -> str:
    """The reference of the budget of an exercise."""
    row = await readers.by_id((await made.row()).budget)
    assert row is not None
    return row.ref


async def test_a_challenge_reserves_every_place_and_commits_the_teams_that_were_invited() -> None:
    made = await exercise.opened()
    ref = await paid_from(made)
    assert (await stands(ref))[:2] == (9_600, 0), "two places of £4,000 with VAT"
    with clock.at(exercise.BEGINS):
        await challenges.cancel(made.officer, made.ref, "The street was dug up and the drain is gone.")
    assert (await stands(ref))[:2] == (0, 0)


async def test_at_the_end_of_an_exercise_only_what_was_pitched_is_taken() -> None:
    made = await exercise.shortlisted([90, 70, 30])
    ref = await paid_from(made)
    assert (await stands(ref))[:2] == (0, 9_600)
    with clock.at(exercise.CLOSED + exercise.DAY):
        await challenges.cancel(made.officer, made.ref, "The street was dug up and the drain is gone.")
    assert (await stands(ref))[:2] == (0, 0)
    done = await exercise.concluded()
    assert (await stands(await paid_from(done)))[:2] == (0, 9_600)


async def test_a_challenge_names_its_budget_too() -> None:
    made = await exercise.drafted()
    with clock.at(exercise.BEGINS):
        small = await given.budget(made.buyer, 959_999)
        for ref, code in (("", "budget.missing"), (small.ref, "budget.too-small")):
            seen = await given.as_is(challenge_drafts.Budget, Challenge, made.ref)
            await challenge_drafts.edit(made.officer, made.ref, challenge_drafts.Budget(ref), seen)
            assert await refused(challenge_drafts.publish(made.officer, made.ref)) == [code]


# ── awards and contracts ───────────────────────────────────────────────────────────────────────────────────────────


async def counted(pounds: int) -> tuple[given_awards.Evaluated, Budget]:
    """Bids of £50,000 and £40,000 for a lot of £60,000, whose tender is paid from a budget of so much."""
    body = await given.organisation("Department for Roads", tier="local")
    row = await given.budget(body, pounds * 100)
    case = await given_awards.opened(body=body, budget=row.id)
    await counting.keep(
        SYSTEM,
        f"tender:{case.ref}",
        f"lot:{case.there.lots[0].ref}",
        reserved=7_200_000,
        committed=0,
        cause="published",
        budget=row.id,
    )
    await given_awards.panel(case)
    await given_awards.scored(case)
    return case, row


async def test_an_award_keeps_its_price_a_contract_commits_it_and_its_end_frees_the_rest() -> None:
    case, row = await counted(72_000)
    decision = await given_awards.decided(case, 1)
    assert await stands(row.ref) == (48_000, 0, 24_000)
    contract = await given_awards.in_force(case, decision)
    assert await stands(row.ref) == (0, 48_000, 24_000)
    with clock.at(clock.now() + timedelta(days=40)):
        await contracts.end(case.buyer, contract.ref, contracts.End("The bridge was pulled down by the county."))
    assert await stands(row.ref) == (0, 0, 72_000)


async def growing(case: given_awards.Evaluated, contract: Contract, pounds: int) -> str:
    """A change that adds so much, proposed; its reference."""
    change = await changes.propose(
        case.buyer,
        contract.ref,
        ChangeDraft(
            "urgency",
            "Two more bridges are inspected, which the flood of February undermined.",
            "Drones of another firm would not read the marks of the first, and every bridge would be paid for twice.",
            same=True,
            milestone_title="Two bridges",
            milestone_due_on=contract.ends_on,
            milestone_minor=pounds * 100,
        ),
    )
    return str(change.ref)


async def test_a_contract_does_not_grow_past_its_budget() -> None:
    case, row = await counted(72_000)
    contract = await given_awards.in_force(case, await given_awards.decided(case, 1))
    assert await refused(growing(case, contract, 20_001)) == ["budget.not-enough"]
    change = await growing(case, contract, 10_000)
    await counting.keep(
        SYSTEM, "tender:T-9", "lot:L-9", reserved=2_000_000, committed=0, cause="published", budget=row.id
    )
    approving = changes.approve(case.there.officers[1], contract.ref, change)
    assert await refused(approving) == ["budget.not-enough"], "somebody else took it meanwhile"
    await counting.keep(SYSTEM, "tender:T-9", "lot:L-9", reserved=0, committed=0, cause="cancelled")
    await changes.approve(case.there.officers[1], contract.ref, change)
    assert await stands(row.ref) == (12_000, 48_000, 12_000)
    await changes.agree(case.firms[1], contract.ref, change)
    assert await stands(row.ref) == (0, 60_000, 12_000)


async def test_a_change_that_is_left_frees_what_was_set_aside_for_it() -> None:
    case, row = await counted(72_000)
    contract = await given_awards.in_force(case, await given_awards.decided(case, 1))
    change = await growing(case, contract, 10_000)
    await changes.approve(case.there.officers[1], contract.ref, change)
    await changes.leave(case.firms[1], contract.ref, change)
    assert await stands(row.ref) == (0, 48_000, 24_000)


async def test_every_count_is_an_event_that_says_what_is_left() -> None:
    with clock.at(given.TODAY):
        made = await given.tendering(await given.organisation(tier="local"), lots=1)
        await made.publish()
        row = await readers.of_record(f"tender:{made.ref}")
        assert row is not None
        (event,) = await Event.objects().where(Event.verb == "budget.counted")
        assert event.subject == f"budget:{row.ref}"
        assert f"tender:{made.ref}" in event.about
        said = msgspec.json.decode(event.body)
        assert (said["reserved_minor"], said["left_minor"]) == (18_720_000, row.left_minor)


async def test_a_tender_from_before_budgets_were_asked_for_goes_on_without_one() -> None:
    case, decision = await given_awards.awarded()
    await given_awards.in_force(case, decision)
    assert await BudgetEntry.count() == 0
    with pytest.raises(NotFound):
        await readers.one("BU-2222222")
    assert drafts.version(drafting.Budget, case.there.tender)
