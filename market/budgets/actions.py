"""Proposing what may be spent, approving it as another person, and changing it the same way."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from market import clock
from market.accounts.people import tell, tell_person
from market.accounts.tables import Organisation, Person
from market.actor import Actor, Hat, Role
from market.audit.actions import record
from market.budgets import readers, rules
from market.budgets.tables import Budget, BudgetLine, Listed
from market.db import find, transaction
from market.hands.readers import links_in
from market.hands.rules import Doing, Hand
from market.money import Money
from market.proof.canonical import Plain
from market.refusals import Refused, refusals
from market.touch import binds
from market.wording import N_

PROPOSERS: tuple[Role, ...] = ("buyer", "finance-officer")
"""Who proposes a budget or a change of one."""
APPROVERS: tuple[Role, ...] = ("finance-officer",)
"""Who approves what another proposed."""

MOST = 10**14
"""The largest sum of one line, in minor units."""


class BudgetDraft(msgspec.Struct, forbid_unknown_fields=True):
    """A budget that is proposed: what for, in which financial year (the year in which it begins), and how much, VAT included, in
    minor units of `currency`."""

    purpose: Annotated[str, Meta(title=N_("What it is for"), min_length=5, max_length=300)]
    year: Annotated[int, Meta(title=N_("Financial year"), ge=2000, le=2100)]
    amount_minor: Annotated[int, Meta(title=N_("Sum"), ge=1, le=MOST)]
    currency: Annotated[str, Meta(title=N_("Currency"), pattern="^[A-Z]{3}$", examples=["GBP"])] = "GBP"
    reason: Annotated[str, Meta(title=N_("Where the money comes from"), max_length=2000)] = ""


class LineDraft(msgspec.Struct, forbid_unknown_fields=True):
    """A change of a budget: raised or lowered by a sum in minor units, VAT included, or closed; and why."""

    schema_name: ClassVar[str] = "BudgetLineDraft"
    kind: Annotated[Literal["raise", "lower", "close"], Meta(title=N_("What changes"))]
    reason: Annotated[str, Meta(title=N_("Why"), min_length=10, max_length=2000)]
    amount_minor: Annotated[int, Meta(title=N_("By how much"), ge=0, le=MOST)] = 0


async def propose(actor: Actor, body: int, given: BudgetDraft) -> Budget:
    """Propose a budget of the body (its id). It counts when a finance officer who did not propose it has approved it."""
    async with transaction():
        owner = await find(Organisation, Organisation.id == body)
        hat = actor.must_wear(*PROPOSERS, organisation=body)
        _insist(rules.Proposing(None, "open", given.amount_minor, given.year, readers.today()))
        budget = Budget(
            body=owner.id,
            year=given.year,
            purpose=given.purpose.strip(),
            currency=given.currency,
            created_at=clock.now(),
        )
        await budget.save()
        line = await _line(actor, budget, "open", given.amount_minor, given.reason)
        await _ask(actor, budget, line)
        await _record(actor, "budget.proposed", budget, line, hat, {"purpose": budget.purpose, "year": budget.year})
    return budget


async def change(actor: Actor, ref: str, given: LineDraft) -> BudgetLine:
    """Propose that a budget (its reference) is raised, lowered or closed. It is as it was until that is approved."""
    async with transaction():
        budget = await find(Budget, Budget.ref == ref, lock=True)
        hat = actor.must_wear(*PROPOSERS, organisation=budget.body)
        row = await readers.one(ref)
        _insist(rules.Proposing(row, given.kind, given.amount_minor, budget.year, readers.today()))
        line = await _line(actor, budget, given.kind, given.amount_minor, given.reason)
        await _ask(actor, budget, line)
        await _record(actor, "budget.proposed", budget, line, hat)
    return line


@binds(N_("approve what a body may spend"))
async def approve(actor: Actor, ref: str, line_ref: str) -> BudgetLine:
    """As a finance officer, approve what another person proposed of a budget: it counts from now on."""
    async with transaction():
        budget, line = await _found(ref, line_ref)
        hat = actor.must_wear(*APPROVERS, organisation=budget.body)
        facts = await deciding(actor, await readers.one(ref), line)
        if wrong := refusals(rules.APPROVE, facts):
            raise Refused(*wrong)
        line.approved_at, line.approved_by = clock.now(), actor.must_be_person()
        await line.save([BudgetLine.approved_at, BudgetLine.approved_by])
        await _answer(actor, budget, line, "budgets/approved.txt")
        proposer = await find(Person, Person.id == line.proposed_by)
        await _record(actor, "budget.approved", budget, line, hat, {"proposed_by": proposer.ref})
    return line


async def leave(actor: Actor, ref: str, line_ref: str) -> BudgetLine:
    """Take back what one proposed of a budget, or as a finance officer do not approve it. Nothing changes; it stays on record."""
    async with transaction():
        budget, line = await _found(ref, line_ref)
        hat = actor.must_wear(*APPROVERS, *PROPOSERS, organisation=budget.body)
        if line.proposed_by != actor.must_be_person():
            hat = actor.must_wear(*APPROVERS, organisation=budget.body)
        if wrong := refusals(rules.LEAVE, await deciding(actor, await readers.one(ref), line)):
            raise Refused(*wrong)
        line.left_at, line.left_by = clock.now(), actor.must_be_person()
        await line.save([BudgetLine.left_at, BudgetLine.left_by])
        await _answer(actor, budget, line, "budgets/left.txt")
        await _record(actor, "budget.left", budget, line, hat)
    return line


async def deciding(actor: Actor, budget: Listed, line: BudgetLine) -> rules.Deciding:
    """What is known when this person decides about a line, for the action, the page and the desk alike."""
    proposer = await find(Person, Person.id == line.proposed_by)
    before = Hand("propose-budget", proposer.ref, proposer.name)
    return rules.Deciding(budget, line, Doing("approve-budget", actor.ref, [before], await links_in(budget.body)))


async def waiting_line(budget: Listed) -> BudgetLine | None:
    """The line of a budget that waits for approval."""
    return await find(BudgetLine, BudgetLine.ref == budget.waiting) if budget.waiting else None


def _insist(facts: rules.Proposing) -> None:
    if wrong := refusals(rules.PROPOSE, facts):
        raise Refused(*wrong, status=422 if all(each.field for each in wrong) else 409)


async def _line(actor: Actor, budget: Budget, kind: str, amount_minor: int, reason: str) -> BudgetLine:
    line = BudgetLine(
        budget=budget.id,
        kind=kind,
        amount_minor=amount_minor,
        reason=reason.strip(),
        proposed_at=clock.now(),
        proposed_by=actor.must_be_person(),
    )
    await line.save()
    return line


async def _found(ref: str, line_ref: str) -> tuple[Budget, BudgetLine]:
    budget = await find(Budget, Budget.ref == ref, lock=True)
    return budget, await find(BudgetLine, (BudgetLine.ref == line_ref) & (BudgetLine.budget == budget.id), lock=True)


async def _ask(actor: Actor, budget: Budget, line: BudgetLine) -> None:
    """Those who may approve it are told."""
    await tell(
        budget.body,
        "budgets/to-approve.txt",
        roles=APPROVERS,
        about=f"budget:{budget.ref}",
        budget=budget,
        line=line,
        amount=Money(line.amount_minor, budget.currency),
        year=rules.year_words(budget.year),
        proposer=actor.name,
    )


async def _answer(actor: Actor, budget: Budget, line: BudgetLine, template: str) -> None:
    """Who proposed it is told what became of it, unless she did it herself."""
    if line.proposed_by == actor.person:
        return
    await tell_person(
        line.proposed_by,
        template,
        about=f"budget:{budget.ref}",
        budget=budget,
        line=line,
        amount=Money(line.amount_minor, budget.currency),
        by=actor.name,
    )


async def _record(
    actor: Actor, verb: str, budget: Budget, line: BudgetLine, hat: Hat, more: dict[str, Plain] | None = None
) -> None:
    row = await readers.one(budget.ref)
    await record(
        actor,
        verb,
        f"budget:{budget.ref}",
        {
            "line": line.ref,
            "kind": line.kind,
            "changes_minor": line.amount_minor,
            "amount_minor": row.amount_minor,
            "taken_minor": row.taken_minor,
            "currency": budget.currency,
            **(more or {}),
        },
        private={"reason": line.reason} if line.reason else None,
        organisation=hat.organisation_ref,
    )
