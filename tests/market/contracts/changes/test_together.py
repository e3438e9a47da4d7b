"""Contracts that grow beside each other do not take together what the gate had for one."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from market import clock
from market.contracts.changes import actions as changes
from market.contracts.changes.drafts import ChangeDraft
from market.contracts.tables import Contract
from market.db import find
from market.refusals import Refused
from market.tenders import readers
from tests import given, given_awards

pytestmark = pytest.mark.usefixtures("clean")

WHY = "Drones of another firm would not read the marks of the first ones, and every bridge would be paid for twice."
MORE = "Two more bridges are inspected, which the flood of February undermined."
BRIDGES = ["71631450"]


async def approved(case: given_awards.Evaluated, contract: Contract, pounds: int) -> tuple[str, str]:
    """A change that adds so much is proposed and approved; the contract's reference and the change's."""
    added = {"milestone_title": "Two bridges", "milestone_due_on": contract.ends_on, "milestone_minor": pounds * 100}
    change = await changes.propose(case.buyer, contract.ref, ChangeDraft("urgency", MORE, WHY, same=True, **added))
    await changes.approve(case.there.officers[1], contract.ref, change.ref)
    return contract.ref, change.ref


async def held(**facts: Any) -> tuple[given_awards.Evaluated, Contract]:
    """A contract in force of £40,000."""
    case, decision = await given_awards.awarded(**facts)
    return case, await given_awards.in_force(case, decision)


async def test_two_contracts_that_grow_at_once_do_not_use_one_follow_on_twice() -> None:
    """£100,000 stated, £150,000 opened: each may grow to £100,000 alone, both may not."""
    body = await given.organisation("Department for Roads")
    await given.exercise(body, "CH-BRIDGE", BRIDGES, follow_on_minor=10_000_000)
    said = {"exercise": "CH-BRIDGE", "same_need": given.SAME, "ground": "exercise", "ground_reference": "CH-BRIDGE"}
    both = [await held(body=body, **said) for _ in range(2)]
    waiting = [await approved(case, contract, 60_000) for case, contract in both]
    tried = await asyncio.gather(
        *(
            changes.agree(case.firms[1], contract, change)
            for (case, _), (contract, change) in zip(both, waiting, strict=True)
        ),
        return_exceptions=True,
    )
    told = [each for each in tried if isinstance(each, Refused)]
    assert [[reason.code for reason in each.reasons] for each in told] == [["change.gate"]]
    assert "Other tenders have used £100,000 of it" in told[0].reasons[0].reason
    worth = sorted([(await find(Contract, Contract.id == contract.id)).value_minor for _, contract in both])
    assert worth == [4_000_000, 10_000_000]
    counted = [(await readers.lots_of(case.there.tender))[0].bought_minor for case, _ in both]
    assert sorted(each or 0 for each in counted) == worth


async def test_contracts_of_two_lots_that_grow_a_little_each_are_judged_together() -> None:
    """Below the threshold of £135,018 with VAT: £40,000 twice, and each lot's contract grows by £30,000."""
    case = await given_awards.opened([5_000_000, 5_000_000], [4_000_000, 4_000_000], lots=2, ground="below-threshold")
    for lot in case.there.lots:
        lot.value_minor = 4_000_000
        await lot.save([type(lot).value_minor])
    await given_awards.panel(case)
    await given_awards.scored(case)
    decisions = [await given_awards.decided(case, 1, lot) for lot in range(2)]
    contracts = [await given_awards.in_force(case, decision) for decision in decisions]
    waiting = [await approved(case, contract, 30_000) for contract in contracts]
    first, second = waiting
    await changes.agree(case.firms[1], *first)
    with pytest.raises(Refused) as refused, clock.at(clock.now() + timedelta(minutes=1)):
        await changes.agree(case.firms[1], *second)
    assert [reason.code for reason in refused.value.reasons] == ["change.gate"]
    assert "£140,000" in refused.value.reasons[0].reason or "£168,000" in refused.value.reasons[0].reason
