"""Changes of a contract from the proposal to the agreement, and what was tried to get round their limits."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from litestar import Litestar

from market import clock
from market.accounts.tables import Organisation
from market.actor import Actor
from market.audit.tables import Event
from market.contracts import actions, readers
from market.contracts import desk as desks
from market.contracts.changes import actions as changes
from market.contracts.changes import readers as limits
from market.contracts.changes.drafts import ChangeDraft
from market.contracts.tables import Contract, ContractChange, Milestone
from market.db import find, many
from market.letters.tables import Letter
from market.oversight.contracts import one_contract
from market.proof import canonical
from market.refusals import Refused
from market.tenders import evidence
from tests import given, given_awards

pytestmark = pytest.mark.usefixtures("clean")

WHY = "Drones of another firm would not read the marks of the first ones, and every bridge would be paid for twice."
MORE = "Two more bridges are inspected, which the flood of February undermined."
CODE = "71631450"
OPTION = "The buyer may order the inspection of up to sixty further bridges at the same price."


def codes(caught: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [each.code for each in caught.value.reasons]


class Held(msgspec.Struct):
    """A contract in force of £40,000 for a year and two days, with those who may change it."""

    contract: Contract
    buyer: Organisation
    proposer: Actor
    second: Actor
    firm: Actor
    rival: Actor

    def draft(self, pounds: int = 0, ground: str = "additional", **facts: Any) -> ChangeDraft:
        """A change that adds so much, or changes nothing but words."""
        money: dict[str, Any] = {
            "milestone_title": "Two bridges",
            "milestone_due_on": self.contract.ends_on,
            "milestone_minor": pounds * 100,
        }
        return ChangeDraft(ground, MORE, WHY, **{"same": True, **(money if pounds else {}), **facts})

    async def propose(self, pounds: int = 0, ground: str = "additional", **facts: Any) -> ContractChange:
        return await changes.propose(self.proposer, self.contract.ref, self.draft(pounds, ground, **facts))

    async def make(self, pounds: int = 0, ground: str = "additional", **facts: Any) -> ContractChange:
        """A change that all three agree to."""
        made = await self.propose(pounds, ground, **facts)
        await changes.approve(self.second, self.contract.ref, made.ref)
        return await changes.agree(self.firm, self.contract.ref, made.ref)

    async def now(self) -> Contract:
        return await find(Contract, Contract.ref == self.contract.ref)


async def held(**facts: Any) -> Held:
    """The contract, of a central department whose tender was below the threshold."""
    case, decision = await given_awards.awarded(**facts)
    contract = await given_awards.in_force(case, decision)
    return Held(contract, case.there.buyer, case.buyer, case.there.officers[1], case.firms[1], case.firms[0])


async def test_a_change_takes_two_of_the_buyer_and_one_of_the_supplier() -> None:
    there = await held()
    later = there.contract.ends_on + timedelta(days=60)
    with pytest.raises(Refused) as wrong:
        await changes.propose(
            there.proposer, there.contract.ref, ChangeDraft("because", "No.", new_ends_on=later, milestone_title="More")
        )
    assert codes(wrong) == ["change.ground-unknown", "change.text-missing", "change.milestone-incomplete"]
    change = await there.propose(5_000, new_ends_on=later)
    assert (await there.now()).value_minor == 4_000_000
    with pytest.raises(Refused) as second:
        await there.propose(5_000)
    assert codes(second) == ["change.one-at-a-time"]
    with pytest.raises(Refused) as early:
        await changes.agree(there.firm, there.contract.ref, change.ref)
    assert codes(early) == ["change.not-approved"]
    with pytest.raises(Refused) as alone:
        await changes.approve(there.proposer, there.contract.ref, change.ref)
    assert codes(alone) == ["change.same-person"]
    approved = await changes.approve(there.second, there.contract.ref, change.ref)
    assert (approved.approved_by, approved.standstill_ends_at) == (there.second.person, None)
    assert (await there.now()).value_minor == 4_000_000, "approved is not agreed"
    with pytest.raises(Refused) as twice:
        await changes.approve(there.second, there.contract.ref, change.ref)
    assert codes(twice) == ["change.approved-already"]
    with pytest.raises(Refused) as buyer:
        await changes.agree(there.proposer, there.contract.ref, change.ref)
    assert buyer.value.status == 403
    await changes.agree(there.firm, there.contract.ref, change.ref)
    after = await there.now()
    assert (after.value_minor, after.ends_on, after.digest) == (4_500_000, later, there.contract.digest)
    assert [row.number for row in await readers.milestones_of(after)] == [1, 2, 3]
    assert (change.before.split(". ")[-1], change.after.split(". ")[-1]) == ("Value £40,000.", "Value £45,000.")
    for act in (changes.agree(there.firm, after.ref, change.ref), changes.leave(there.firm, after.ref, change.ref)):
        with pytest.raises(Refused) as agreed:
            await act
        assert codes(agreed) == ["change.agreed-already"]
    with pytest.raises(Refused) as afterwards:
        await changes.approve(there.proposer, after.ref, change.ref)
    assert codes(afterwards) == ["change.agreed-already", "change.approved-already", "change.same-person"]


async def test_the_log_says_what_the_limits_were_judged_on() -> None:
    there = await held()
    await there.make(5_000)
    await there.make(3_000, "below-threshold")
    bodies = [
        canonical.decode(row["body"].encode())
        for row in await Event.select(Event.body).where(Event.verb == "contract.change-approved").order_by(Event.seq)
    ]
    told = [{key: body[key] for key in ("signed_minor", "limit_minor", "used_minor", "adds_minor")} for body in bodies]
    assert told == [
        {"signed_minor": 4_000_000, "limit_minor": 2_000_000, "used_minor": 0, "adds_minor": 500_000},
        {"signed_minor": 4_000_000, "limit_minor": 400_000, "used_minor": 0, "adds_minor": 300_000},
    ]
    assert {(body["gate"], body["gate_reference"]) for body in bodies} == {("below-threshold", "")}


async def test_letters_go_to_the_second_person_then_to_the_supplier_then_back() -> None:
    there = await held()

    async def told() -> list[str]:
        rows = await Letter.select(Letter.subject).where(Letter.subject.like("%change%")).order_by(Letter.id)
        return [row["subject"] for row in rows]

    change = await there.propose(5_000)
    assert {each.partition(" waits ")[2] for each in await told()} == {"for a second person"}
    proposed = len(await told())
    await changes.approve(there.second, there.contract.ref, change.ref)
    assert [each.partition(": ")[2] for each in (await told())[proposed:]] == ["please look at it"]
    await changes.agree(there.firm, there.contract.ref, change.ref)
    assert all(each.startswith("The supplier agreed") for each in (await told())[proposed + 1 :])
    assert len(await told()) > proposed + 1


async def test_a_change_can_be_left_by_either_side_and_another_proposed() -> None:
    there = await held()
    draft = there.draft(ground="not-substantial")
    taken = await changes.propose(there.proposer, there.contract.ref, draft)
    with pytest.raises(Refused) as stranger:
        await changes.leave(there.rival, there.contract.ref, taken.ref)
    assert stranger.value.status == 403
    with pytest.raises(Refused) as unasked:
        await changes.leave(there.firm, there.contract.ref, taken.ref)
    assert codes(unasked) == ["change.not-approved"]
    assert (await changes.leave(there.second, there.contract.ref, taken.ref)).left_by == "buyer"
    assert await Letter.count().where(Letter.subject.like("%took back%") & (Letter.person == there.firm.ref)) == 0
    refused = await changes.propose(there.proposer, there.contract.ref, draft)
    await changes.approve(there.second, there.contract.ref, refused.ref)
    both = await asyncio.gather(
        changes.leave(there.firm, there.contract.ref, refused.ref),
        changes.agree(there.firm, there.contract.ref, refused.ref),
        return_exceptions=True,
    )
    (late,) = [each for each in both if isinstance(each, Refused)]
    assert late.reasons[0].code in ("change.left-already", "change.agreed-already")
    with pytest.raises(Refused) as gone:
        await changes.approve(there.second, there.contract.ref, taken.ref)
    assert codes(gone) == ["change.left-already"]
    await changes.propose(there.proposer, there.contract.ref, draft)


async def test_nothing_takes_effect_before_the_standstill_of_the_notice_is_over() -> None:
    there = await held()
    change = await there.propose(5_000, standstill=True)
    noticed = given.TODAY.replace(year=2027, month=3, day=22)
    with clock.at(noticed):
        approved = await changes.approve(there.second, there.contract.ref, change.ref)
    ends_at = approved.standstill_ends_at
    assert ends_at is not None
    assert ends_at.astimezone(clock.ZONE).date() == date(2027, 4, 2), (
        "eight working days over Easter: 22 March is the first"
    )
    with clock.at(ends_at), pytest.raises(Refused) as early:
        await changes.agree(there.firm, there.contract.ref, change.ref)
    assert codes(early) == ["change.standstill"]
    with clock.at(ends_at):
        assert not [each for each in await desks.waiting(there.firm) if "Agree" in each.text]
    with clock.at(ends_at + timedelta(seconds=1)):
        assert [each for each in await desks.waiting(there.firm) if "Agree" in each.text]
        await changes.agree(there.firm, there.contract.ref, change.ref)
    assert (await there.now()).value_minor == 4_500_000


async def test_both_sides_are_told_once_that_the_standstill_of_a_change_is_over() -> None:
    there = await held()
    change = await there.propose(5_000, standstill=True)
    approved = await changes.approve(there.second, there.contract.ref, change.ref)
    assert approved.standstill_ends_at is not None

    async def told(person: Actor) -> list[str]:
        letters = Letter.objects().where(
            (Letter.person == person.ref) & (Letter.template == "contracts/change_standstill_over.txt")
        )
        return [each.subject for each in await letters]

    with clock.at(approved.standstill_ends_at):
        assert await changes.tell_standstills() == 0
    with clock.at(approved.standstill_ends_at + timedelta(seconds=1)):
        assert await changes.tell_standstills() == 1
        assert await changes.tell_standstills() == 0
    (firm,), (buyer,) = await told(there.firm), await told(there.proposer)
    assert firm.startswith("You can agree to the change")
    assert buyer.startswith("The standstill of the change")


async def test_of_a_change_that_was_taken_back_in_its_standstill_nobody_is_told_that_it_is_over() -> None:
    there = await held()
    change = await there.propose(5_000, standstill=True)
    approved = await changes.approve(there.second, there.contract.ref, change.ref)
    await changes.leave(there.second, there.contract.ref, change.ref)
    assert approved.standstill_ends_at is not None
    with clock.at(approved.standstill_ends_at + timedelta(days=1)):
        assert await changes.tell_standstills() == 0


async def test_during_the_standstill_the_buyer_can_still_take_the_change_back() -> None:
    there = await held()
    change = await there.propose(5_000, standstill=True)
    await changes.approve(there.second, there.contract.ref, change.ref)
    left = await changes.leave(there.second, there.contract.ref, change.ref)
    assert (left.left_by, (await there.now()).value_minor) == ("buyer", 4_000_000)
    assert await Letter.count().where(Letter.subject.like("%took back%") & (Letter.person == there.firm.ref)) == 1


async def test_two_second_persons_at_once_approve_it_once() -> None:
    there = await held()
    change = await there.propose(5_000)
    third = await given.person(there.buyer, "buyer")
    both = await asyncio.gather(
        changes.approve(there.second, there.contract.ref, change.ref),
        changes.approve(third, there.contract.ref, change.ref),
        return_exceptions=True,
    )
    (late,) = [each for each in both if isinstance(each, Refused)]
    assert late.reasons[0].code == "change.approved-already"


async def test_desks_show_the_second_person_and_nobody_else_what_waits() -> None:
    there = await held()

    async def asked(who: Actor) -> bool:
        return any("Approve the change" in each.text for each in await desks.waiting(who))

    change = await there.propose(5_000)
    assert (await asked(there.second), await asked(there.proposer), await asked(there.firm)) == (True, False, False)
    await changes.leave(there.second, there.contract.ref, change.ref)
    assert not await asked(there.second)
    assert not [each for each in await desks.waiting(there.firm) if "Agree" in each.text], (
        "what was left waits for nobody"
    )


async def test_what_was_proposed_is_kept_by_the_database_itself() -> None:
    there = await held()
    change = await there.propose(5_000)
    await changes.approve(there.second, there.contract.ref, change.ref)
    for tampered in (
        "milestone_minor = 100000000",
        "ground = 'urgency'",
        "approved_at = NULL, approved_by = NULL",
        "approved_by = by",
        "standstill_ends_at = now()",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await many(f"UPDATE contract_change SET {tampered} WHERE ref = {{}}", change.ref)
    with pytest.raises(asyncpg.RestrictViolationError):
        await many("DELETE FROM contract_change WHERE ref = {}", change.ref)


# ── what was tried ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ground", "expected"),
    [
        ("below-threshold", {"change.small", "change.threshold", "change.gate"}),
        ("not-substantial", {"change.small", "change.gate"}),
        ("additional", {"change.half", "change.gate"}),
        ("unforeseeable", {"change.half", "change.gate"}),
        ("known-risk", {"change.clause-missing", "change.half", "change.gate"}),
        ("provided-for", {"change.clause-missing", "change.standstill-owed", "change.gate"}),
    ],
)
async def test_forty_thousand_do_not_become_a_hundred_million_by_api(
    app: Litestar, ground: str, expected: set[str]
) -> None:
    there = await held()
    body = msgspec.to_builtins(there.draft(100_000_000, ground))
    headers = await given.token(there.proposer)
    async with given.browser(app) as client:
        answer = await client.post(f"/api/v1/contracts/{there.contract.ref}/changes", json=body, headers=headers)
        assert answer.status_code in (409, 422)
        assert {each["code"] for each in answer.json()["reasons"]} == expected
    assert await ContractChange.count() == 0
    assert (await there.now()).value_minor == 4_000_000


async def test_what_is_urgent_still_passes_the_gate_as_a_whole() -> None:
    """Urgency has no limit in the Act. A waiver signed for the tender's size stops it here."""
    there = await held()
    tender = there.contract.tender
    signed = {"buyer": there.buyer.id, "cpv": [CODE], "signed_by": "Helena Marchbanks", "completed_at": given.TODAY}
    await evidence.accept_evidence(
        there.proposer, ground="waiver", reference="W-SMALL", tender=tender, ceiling_minor=6_000_000, **signed
    )
    with pytest.raises(Refused) as refused:
        await there.propose(100_000_000, "urgency")
    assert codes(refused) == ["change.gate"]
    assert "W-SMALL was signed for £60,000; the lots are now £100,040,000" in refused.value.reasons[0].reason
    assert (await there.propose(20_000, "urgency")).milestone_minor == 2_000_000, "as large as was waived"


async def test_a_purchase_below_the_threshold_does_not_grow_above_it_without_an_exercise() -> None:
    """£40,000 passed the gate as a small purchase; with £72,515 more it is worth £135,018 with VAT, the threshold itself."""
    there = await held()
    with pytest.raises(Refused) as refused:
        await there.propose(72_515, "urgency")
    assert codes(refused) == ["change.gate"]
    await there.make(72_514, "urgency")
    with pytest.raises(Refused) as further:
        await there.propose(1, "urgency")
    assert codes(further) == ["change.gate"], "nor in two steps"


async def test_a_waiver_signed_since_for_the_whole_opens_the_gate_to_the_change() -> None:
    there = await held()
    with pytest.raises(Refused) as refused:
        await there.propose(80_000, "urgency")
    assert codes(refused) == ["change.gate"]
    signed = {"buyer": there.buyer.id, "cpv": [CODE], "signed_by": "Helena Marchbanks", "completed_at": clock.now()}
    await evidence.accept_evidence(
        there.proposer,
        ground="waiver",
        reference="W-LATER",
        tender=there.contract.tender,
        ceiling_minor=10**9,
        **signed,
    )
    assert (await there.make(80_000, "urgency")).agreed_at is not None


async def test_ten_changes_of_nine_per_cent_stop_at_the_second() -> None:
    there = await held()
    await there.make(3_600, "below-threshold")
    for ground in ("below-threshold", "not-substantial"):
        with pytest.raises(Refused) as refused:
            await there.propose(3_600, ground)
        assert codes(refused) == ["change.small"]
    await there.make(400, "not-substantial")
    assert (await there.now()).value_minor == 4_400_000


async def test_swapping_grounds_does_not_give_half_three_times() -> None:
    there = await held()
    await there.make(20_000, "additional")
    with pytest.raises(Refused) as refused:
        await there.propose(1, "unforeseeable")
    assert codes(refused) == ["change.half"]
    assert "added £20,000" in refused.value.reasons[0].reason


async def test_the_term_is_not_lengthened_by_a_tenth_twice() -> None:
    there = await held()
    first = there.contract.ends_on
    await there.make(ground="not-substantial", new_ends_on=first + timedelta(days=36))
    for ground in ("not-substantial", "below-threshold"):
        with pytest.raises(Refused) as refused:
            await there.propose(ground=ground, new_ends_on=first + timedelta(days=72))
        assert codes(refused) == ["change.term"]


async def test_what_the_contract_provided_for_is_quoted_or_refused() -> None:
    there = await held(terms=f"Readings are public. {OPTION}")
    with pytest.raises(Refused) as unsaid:
        await there.propose(10_000, "provided-for")
    assert codes(unsaid) == ["change.clause-missing"]
    with pytest.raises(Refused) as invented:
        await there.propose(10_000, "provided-for", clause="The buyer may order whatever it wishes to order.")
    assert codes(invented) == ["change.clause-missing"]
    made = await there.make(10_000, "provided-for", clause=OPTION)
    assert made.clause == OPTION


async def test_terms_that_only_the_contract_has_provide_for_nothing() -> None:
    """The buyer's own addition after the award: the tender never said it, so others did not bid for it."""
    there = await held(terms="Readings are public.")
    document = canonical.decode(there.contract.document.encode())
    document["terms"] = OPTION
    await many(
        "UPDATE contract SET document = {} WHERE id = {}", canonical.encode(document).decode(), there.contract.id
    )
    with pytest.raises(Refused) as refused:
        await there.propose(10_000, "provided-for", clause=OPTION)
    assert codes(refused) == ["change.clause-missing"]
    assert "tender as it was published" in refused.value.reasons[0].reason


async def test_an_approval_is_under_the_limits_as_they_are_then() -> None:
    """What was proposed while a waiver was on record is not approved when the gate has closed since."""
    there = await held()
    signed = {"buyer": there.buyer.id, "cpv": [CODE], "signed_by": "Helena Marchbanks", "completed_at": clock.now()}
    await evidence.accept_evidence(
        there.proposer, ground="waiver", reference="W-1", tender=there.contract.tender, ceiling_minor=10**9, **signed
    )
    change = await there.propose(80_000, "urgency")
    await many("ALTER TABLE innovation_evidence DISABLE TRIGGER USER")
    await many("DELETE FROM innovation_evidence")
    await many("ALTER TABLE innovation_evidence ENABLE TRIGGER USER")
    with pytest.raises(Refused) as refused:
        await changes.approve(there.second, there.contract.ref, change.ref)
    assert codes(refused) == ["change.gate"]
    assert (await find(ContractChange, ContractChange.ref == change.ref)).approved_at is None


async def test_strangers_neither_propose_nor_approve() -> None:
    there = await held()
    change = await there.propose(5_000)
    other = await given.person(await given.organisation("Another department"), "contract-manager")
    evaluator = await given.person(there.buyer, "evaluator")
    for who in (other, evaluator, there.firm, there.rival):
        with pytest.raises(Refused) as refused:
            await changes.approve(who, there.contract.ref, change.ref)
        assert refused.value.status == 403


async def test_the_added_milestone_is_there_only_when_the_change_is_in_effect() -> None:
    there = await held()
    change = await there.propose(5_000, standstill=True)
    await changes.approve(there.second, there.contract.ref, change.ref)
    assert await Milestone.count().where(Milestone.contract == there.contract.id) == 2
    ends_at = (await find(ContractChange, ContractChange.ref == change.ref)).standstill_ends_at
    assert ends_at is not None
    with clock.at(ends_at + timedelta(seconds=1)):
        await changes.agree(there.firm, there.contract.ref, change.ref)
        added = await find(Milestone, (Milestone.contract == there.contract.id) & (Milestone.number == 3))
        await actions.deliver(there.firm, there.contract.ref, added.ref, actions.Delivery("Both bridges, in the rain."))
    assert added.change == change.id


async def test_auditors_see_what_is_near_a_limit_and_what_has_none() -> None:
    there = await held(terms=OPTION)
    quiet = await one_contract(there.contract.ref)
    assert quiet is not None
    assert not {"changes-near-limit", "changes-without-limit"} & {each.code for each in quiet.raised}
    await there.make(16_000, "additional")
    near = await one_contract(there.contract.ref)
    assert near is not None
    assert "changes-near-limit" in {each.code for each in near.raised}
    assert "changes-without-limit" not in {each.code for each in near.raised}
    await there.make(20_001, "urgency")
    free = await one_contract(there.contract.ref)
    assert free is not None
    assert "changes-without-limit" in {each.code for each in free.raised}


async def test_the_sums_are_those_of_the_changes_in_effect() -> None:
    there = await held()
    await there.make(5_000, "additional")
    await there.propose(3_000, "unforeseeable")
    half, small, free = await limits.allowances(await there.now())
    assert (half.used.minor, small.used.minor, free.used.minor) == (500_000, 0, 0)
    assert half.most is not None
    assert half.most.minor == 2_000_000
