"""Changes of a contract in force: proposed by one of the buyer, approved by another, agreed to by the supplier, or left."""

from __future__ import annotations

import msgspec

from market import clock, workdays
from market.actor import Actor, Hat
from market.audit.actions import record
from market.budgets import counting
from market.budgets.rules import with_vat
from market.contracts import actions
from market.contracts.changes import readers, rules
from market.contracts.changes.drafts import ChangeDraft
from market.contracts.tables import Contract, ContractChange, Milestone, StandstillLetter
from market.dates import day
from market.db import find, transaction
from market.money import Money
from market.reads import row
from market.refusals import Refused, insist, refusals
from market.tenders.evidence import bought, take_turns
from market.tenders.tables import Tender
from market.touch import binds
from market.wording import N_, _


async def propose(actor: Actor, contract_ref: str, given: ChangeDraft) -> ContractChange:
    """One of the buyer proposes a change; it is public at once, and waits for a second person of the buyer."""
    async with transaction():
        contract = await find(Contract, Contract.ref == contract_ref, lock=True)
        hat = actor.must_wear(*actions.MANAGERS, organisation=contract.buyer)
        facts = await readers.changing(contract, given, waiting=await readers.waiting(contract) is not None)
        wrong = refusals(rules.CHANGE, facts)
        if wrong:
            raise Refused(*wrong, status=422 if all(each.field for each in wrong) else 409)
        tender = await find(Tender, Tender.id == contract.tender)
        await counting.must_have(f"tender:{tender.ref}", with_vat(given.milestone_minor))
        before, after = _before_and_after(contract, given)
        change = ContractChange(
            contract=contract.id,
            ground=given.ground,
            text=given.text.strip(),
            reasons=given.reasons.strip(),
            clause=given.clause.strip(),
            same=given.same,
            standstill=given.standstill,
            before=before,
            after=after,
            old_ends_on=contract.ends_on if given.new_ends_on is not None else None,
            new_ends_on=given.new_ends_on,
            milestone_title=given.milestone_title.strip(),
            milestone_due_on=given.milestone_due_on,
            milestone_minor=given.milestone_minor,
            at=clock.now(),
            by=actor.must_be_person(),
        )
        await change.save()
        await actions.notify(
            contract, contract.buyer, "contracts/change_to_approve.txt", actions.MANAGERS, change=change
        )
        await _record_change(actor, hat, contract, change, "contract.change-proposed", facts)
    return change


def _before_and_after(contract: Contract, given: ChangeDraft) -> tuple[str, str]:
    before, after = [], []
    if given.new_ends_on is not None and contract.ends_on is not None:
        before.append(_("Ends on {ends_on}.", ends_on=day(contract.ends_on)))
        after.append(_("Ends on {ends_on}.", ends_on=day(given.new_ends_on)))
    if given.milestone_minor:
        value = Money(contract.value_minor, contract.currency)
        before.append(_("Value {value}.", value=value))
        after.append(_("Value {value}.", value=value + Money(given.milestone_minor, contract.currency)))
    return " ".join(before), " ".join(after)


def _said(change: ContractChange) -> ChangeDraft:
    return msgspec.convert(change, ChangeDraft, from_attributes=True)


async def _in_turn(ref: str) -> Contract:
    """The contract, locked after its tender and what that passed the gate with: so everybody takes them, and in turn."""
    known = await find(Contract, Contract.ref == ref)
    tender = await find(Tender, Tender.id == known.tender, lock=True)
    await take_turns(tender.ground_reference, tender.exercise)
    return await find(Contract, Contract.id == known.id, lock=True)


async def _change(contract: Contract, ref: str) -> ContractChange:
    return await find(ContractChange, (ContractChange.ref == ref) & (ContractChange.contract == contract.id), lock=True)


@binds(N_("approve a change to a contract"))
async def approve(actor: Actor, contract_ref: str, change_ref: str) -> ContractChange:
    """A second person of the buyer approves a change, under the limits as they stand now. With it the contract change notice is
    published, the standstill begins where one was chosen, and the supplier is asked."""
    async with transaction():
        contract = await find(Contract, Contract.ref == contract_ref, lock=True)
        hat = actor.must_wear(*actions.MANAGERS, organisation=contract.buyer)
        change, approver = await _change(contract, change_ref), actor.must_be_person()
        insist(rules.APPROVE, await readers.deciding(contract, change, "buyer", actor))
        facts = await readers.changing(contract, _said(change), waiting=False)
        insist(rules.CHANGE, facts)
        change.approved_at, change.approved_by = clock.now(), approver
        if change.standstill:
            change.standstill_ends_at = workdays.change_standstill_ends_at(change.approved_at)
        await change.save([ContractChange.approved_at, ContractChange.approved_by, ContractChange.standstill_ends_at])
        await actions.notify(contract, contract.supplier, "contracts/change.txt", actions.SUPPLIERS, change=change)
        await _record_change(actor, hat, contract, change, "contract.change-approved", facts)
        await _count(actor, contract, with_vat(change.milestone_minor), "change-approved")
    return change


@binds(N_("agree to a change of a contract"))
async def agree(actor: Actor, contract_ref: str, change_ref: str) -> ContractChange:
    """The supplier agrees to an approved change whose standstill is over: it takes effect.

    The gate is asked once more, while nobody else buys with the same exercise or waiver: two contracts that were approved
    beside each other may not take together what there is for one.
    """
    async with transaction():
        contract = await _in_turn(contract_ref)
        hat = actor.must_wear(*actions.SIGNATORIES, organisation=contract.supplier)
        change = await _change(contract, change_ref)
        person = actor.must_be_person()
        insist(rules.AGREE, await readers.deciding(contract, change, "supplier", actor))
        facts = await readers.changing(contract, _said(change), waiting=False)
        insist((rules.whole_passes_the_gate,), facts)
        change.agreed_at, change.agreed_by = clock.now(), person
        await change.save([ContractChange.agreed_at, ContractChange.agreed_by])
        if change.new_ends_on is not None:
            contract.ends_on = change.new_ends_on
        contract.value_minor += change.milestone_minor
        await contract.save([Contract.ends_on, Contract.value_minor])
        await bought(contract.lot, contract.value_minor)
        if change.milestone_minor:
            number = await Milestone.count().where(Milestone.contract == contract.id)
            await Milestone(
                contract=contract.id,
                number=number + 1,
                title=change.milestone_title,
                due_on=change.milestone_due_on,
                amount_minor=change.milestone_minor,
                change=change.id,
            ).save()
        await actions.notify(contract, contract.buyer, "contracts/change_agreed.txt", actions.MANAGERS, change=change)
        await _record_change(actor, hat, contract, change, "contract.changed", facts)
        await _count(actor, contract, 0, "change-agreed")
    return change


async def leave(actor: Actor, contract_ref: str, change_ref: str) -> ContractChange:
    """Leave a change as it is, before it takes effect: the buyer takes it back or does not approve it, or the supplier does not
    agree. Nothing changes, it stays on record, and another may be proposed."""
    async with transaction():
        contract = await find(Contract, Contract.ref == contract_ref, lock=True)
        side, hat = actions.must_have_side(actor, contract)
        change = await _change(contract, change_ref)
        insist(rules.LEAVE, await readers.deciding(contract, change, side, actor))
        change.left_at, change.left_by = clock.now(), side
        await change.save([ContractChange.left_at, ContractChange.left_by])
        if side == "supplier" or change.approved_at is None:
            await actions.notify(contract, contract.buyer, "contracts/change_left.txt", actions.MANAGERS, change=change)
        else:
            await actions.notify(
                contract, contract.supplier, "contracts/change_left.txt", actions.SUPPLIERS, change=change
            )
        await _record_change(actor, hat, contract, change, "contract.change-left")
        if change.approved_at is not None:
            await _count(actor, contract, 0, "change-left")
    return change


async def _count(actor: Actor, contract: Contract, adds: int, cause: str) -> None:
    """What a contract takes from its budget, VAT included: its value as it is, and what an approved change would add, which is
    set aside before the supplier is asked."""
    tender = await find(Tender, Tender.id == contract.tender)
    about, part = f"tender:{tender.ref}", f"contract:{contract.ref}"
    await counting.keep(actor, about, part, reserved=adds, committed=with_vat(contract.value_minor), cause=cause)


async def tell_standstills() -> int:
    """A job: when the standstill of a change is over and nobody took the change back meanwhile, write so to both sides, once.
    Answers how many changes were told of. Nothing depends on it: the supplier may agree because the time has come."""
    async with transaction():
        change = await row(
            int,
            """
            SELECT g.id FROM contract_change g JOIN contract c ON c.id = g.contract
            WHERE g.standstill_ends_at < {} AND g.approved_at IS NOT NULL AND g.agreed_at IS NULL AND g.left_at IS NULL
              AND c.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM standstill_letter w WHERE w.change = g.id)
            ORDER BY g.standstill_ends_at LIMIT 1 FOR UPDATE OF g SKIP LOCKED
            """,
            clock.now().replace(microsecond=0),
        )
        if change is None:
            return 0
        told = await find(ContractChange, ContractChange.id == change)
        contract = await find(Contract, Contract.id == told.contract)
        await StandstillLetter(change=told.id, at=clock.now()).save()
        for side, organisation, roles in (
            ("supplier", contract.supplier, actions.SUPPLIERS),
            ("buyer", contract.buyer, actions.MANAGERS),
        ):
            await actions.notify(
                contract, organisation, "contracts/change_standstill_over.txt", roles, change=told, side=side
            )
    return 1


async def _record_change(
    actor: Actor,
    hat: Hat,
    contract: Contract,
    change: ContractChange,
    verb: str,
    judged: rules.Changing | None = None,
) -> None:
    """Write it down, with what the limits were judged on where they were."""
    ends_at = change.standstill_ends_at
    await record(
        actor,
        verb,
        f"contract:{contract.ref}",
        {
            "change": change.ref,
            "ground": change.ground,
            "before": change.before,
            "after": change.after,
            "value_minor": contract.value_minor,
            "currency": contract.currency,
            "ends_on": contract.ends_on.isoformat(),
            **({"standstill_ends_at": ends_at.isoformat()} if ends_at else {}),
            **(readers.rested_on(judged) if judged else {}),
        },
        private={"text": change.text, "reasons": change.reasons, "clause": change.clause},
        about=await actions.ancestors(contract),
        organisation=hat.organisation_ref,
    )
