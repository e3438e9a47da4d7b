"""Changes of a contract in force: proposed by the buyer, agreed to by the supplier, or left."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from market import clock
from market.actor import Actor, Hat
from market.audit.actions import record
from market.contracts import actions, rules
from market.contracts.tables import Contract, ContractChange, Milestone
from market.dates import day
from market.db import find, transaction
from market.money import Money
from market.refusals import Refused, insist, refusals
from market.wording import N_, _


class ChangeDraft(msgspec.Struct, forbid_unknown_fields=True):
    """A change: its coded ground (`market.contracts.rules.GROUNDS`), what and why in words, and where it applies a new last
    day or one added milestone."""

    ground: Annotated[str, Meta(title=N_("Ground"), max_length=30)]
    text: Annotated[str, Meta(title=N_("What changes and why"), max_length=8000)]
    new_ends_on: Annotated[date | None, Meta(title=N_("New last day"))] = None
    milestone_title: Annotated[str, Meta(title=N_("Added milestone"), max_length=300)] = ""
    milestone_due_on: Annotated[date | None, Meta(title=N_("Due"))] = None
    milestone_minor: Annotated[int, Meta(title=N_("Amount"), ge=0, le=10**13)] = 0


async def propose(actor: Actor, contract_ref: str, given: ChangeDraft) -> ContractChange:
    """The buyer proposes a change; it is published at once and takes effect when the supplier agrees."""
    async with transaction():
        contract = await find(Contract, Contract.ref == contract_ref, lock=True)
        hat = actor.must_wear(*actions.MANAGERS, organisation=contract.buyer)
        waiting = await ContractChange.exists().where(
            (ContractChange.contract == contract.id)
            & ContractChange.agreed_at.is_null()
            & ContractChange.left_at.is_null()
        )
        typed = bool(given.milestone_title.strip() or given.milestone_due_on or given.milestone_minor)
        added = rules.Part(given.milestone_title, given.milestone_due_on, given.milestone_minor) if typed else None
        facts = rules.Changing(contract, given.ground, given.text, given.new_ends_on, added, waiting)
        wrong = refusals(rules.CHANGE, facts)
        if wrong:
            raise Refused(*wrong, status=422 if all(each.field for each in wrong) else 409)
        before, after = _before_and_after(contract, given)
        change = ContractChange(
            contract=contract.id,
            ground=given.ground,
            text=given.text.strip(),
            before=before,
            after=after,
            new_ends_on=given.new_ends_on,
            milestone_title=given.milestone_title.strip(),
            milestone_due_on=given.milestone_due_on,
            milestone_minor=given.milestone_minor,
            at=clock.now(),
            by=actor.must_be_person(),
        )
        await change.save()
        await actions.notify(contract, contract.supplier, "contracts/change.txt", actions.SUPPLIERS, change=change)
        await _record_change(actor, hat, contract, change, "contract.change-proposed")
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


async def _open(contract: Contract, ref: str) -> ContractChange:
    """A change of a contract, locked; refused when it is neither to be agreed to nor to be left any more."""
    change = await find(
        ContractChange, (ContractChange.ref == ref) & (ContractChange.contract == contract.id), lock=True
    )
    insist(rules.AGREE, rules.Agreeing(contract, change))
    return change


async def agree(actor: Actor, contract_ref: str, change_ref: str) -> ContractChange:
    """The supplier agrees to a change: it takes effect."""
    async with transaction():
        contract = await find(Contract, Contract.ref == contract_ref, lock=True)
        hat = actor.must_wear(*actions.SIGNATORIES, organisation=contract.supplier)
        change = await _open(contract, change_ref)
        change.agreed_at, change.agreed_by = clock.now(), actor.must_be_person()
        await change.save([ContractChange.agreed_at, ContractChange.agreed_by])
        if change.new_ends_on is not None:
            contract.ends_on = change.new_ends_on
        contract.value_minor += change.milestone_minor
        await contract.save([Contract.ends_on, Contract.value_minor])
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
        await _record_change(actor, hat, contract, change, "contract.changed")
    return change


async def leave(actor: Actor, contract_ref: str, change_ref: str) -> ContractChange:
    """Leave a proposed change as it is: the buyer takes it back, or the supplier does not agree. Nothing changes, it stays on
    record, and another may be proposed."""
    async with transaction():
        contract = await find(Contract, Contract.ref == contract_ref, lock=True)
        side, hat = actions.must_have_side(actor, contract)
        change = await _open(contract, change_ref)
        change.left_at, change.left_by = clock.now(), side
        await change.save([ContractChange.left_at, ContractChange.left_by])
        other, roles = (contract.supplier, actions.SUPPLIERS) if side == "buyer" else (contract.buyer, actions.MANAGERS)
        await actions.notify(contract, other, "contracts/change_left.txt", roles, change=change)
        await _record_change(actor, hat, contract, change, "contract.change-left")
    return change


async def _record_change(actor: Actor, hat: Hat, contract: Contract, change: ContractChange, verb: str) -> None:
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
        },
        private={"text": change.text},
        about=await actions.ancestors(contract),
        organisation=hat.organisation_ref,
    )
