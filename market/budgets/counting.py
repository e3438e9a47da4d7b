"""Counting what is promised against a budget, under its lock. The nouns above say how much a record takes now; what differs
from before is written down."""

from __future__ import annotations

from market import clock
from market.actor import Actor
from market.audit.actions import record
from market.budgets import readers, rules
from market.budgets.tables import Budget, BudgetEntry, Listed
from market.db import find, transaction
from market.refusals import insist


async def keep(
    actor: Actor,
    about: str,
    part: str,
    *,
    reserved: int,
    committed: int,
    cause: str,
    budget: int | None = None,
    as_far_as_there_is: bool = False,
) -> None:
    """From now on this part (`kind:reference`) of a challenge or tender (`about`) takes so much from its budget: reserved and
    committed, VAT included, in minor units of its currency.

    `budget` is its id where the record names one for the first time; later it is found by what was counted before, and a
    record that was published before budgets were asked for has none, so that nothing is counted. More than is left is
    refused, or with `as_far_as_there_is` reserved as far as it is there. Runs inside the caller's transaction; the budget's
    row is locked until its end, after every row of the record itself.
    """
    async with transaction():
        before = await readers.levels(about)
        chosen = budget if budget is not None else before[0].budget if before else None
        if chosen is None:
            return
        await find(Budget, Budget.id == chosen, lock=True)
        known = next((each for each in await readers.levels(about) if each.part == part), None)
        was = (known.reserved_minor, known.committed_minor) if known else (0, 0)
        row = await readers.by_id(chosen)
        if row is None:
            return
        more = reserved + committed - sum(was)
        room = 0 if row.closed_at else max(row.left_minor, 0)
        if as_far_as_there_is and more > room:
            reserved, more = reserved - (more - room), room
        insist(rules.GROW, rules.Growing(row, more))
        await _write(actor, row, about, part, reserved - was[0], committed - was[1], cause)


async def _write(
    actor: Actor, budget: Listed, about: str, part: str, reserved: int, committed: int, cause: str
) -> None:
    changed = {kind: minor for kind, minor in (("reserved", reserved), ("committed", committed)) if minor}
    if not changed:
        return
    await BudgetEntry.insert(
        *(
            BudgetEntry(
                budget=budget.id, about=about, part=part, kind=kind, amount_minor=minor, cause=cause, at=clock.now()
            )
            for kind, minor in changed.items()
        )
    )
    await record(
        actor,
        "budget.counted",
        f"budget:{budget.ref}",
        {
            "part": part,
            "cause": cause,
            "reserved_minor": reserved,
            "committed_minor": committed,
            "left_minor": budget.left_minor - reserved - committed,
            "currency": budget.currency,
        },
        about=[about],
        organisation=budget.body_ref if budget.body in actor.organisations() else "",
    )


async def must_have(about: str, more: int) -> None:
    """Refused unless the budget of a record has so much left, for what is only proposed; the budget is not locked."""
    before = await readers.levels(about)
    row = await readers.by_id(before[0].budget) if before else None
    if row is not None:
        insist(rules.GROW, rules.Growing(row, more))


async def release(actor: Actor, about: str, cause: str) -> None:
    """Nothing of a challenge or tender is reserved any more; what is committed stays."""
    for each in await readers.levels(about):
        if each.reserved_minor:
            await keep(actor, about, each.part, reserved=0, committed=each.committed_minor, cause=cause)
