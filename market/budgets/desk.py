"""What budgets put on desks: what waits for a finance officer's approval."""

from __future__ import annotations

from market.actor import Actor
from market.budgets import actions, readers, rules
from market.money import Money
from market.refusals import refusals
from market.web.desk import Waiting
from market.wording import _


async def waiting(actor: Actor) -> list[Waiting]:
    """For finance officers: what others proposed, and they may approve."""
    bodies = actor.organisations(*actions.APPROVERS)
    if not bodies:
        return []
    found = []
    for budget in await readers.listed(bodies):
        line = await actions.waiting_line(budget)
        if line is None or refusals(rules.APPROVE, await actions.deciding(actor, budget, line)):
            continue
        words = {
            "open": _("Approve a budget of {money}, or not", money=Money(line.amount_minor, budget.currency)),
            "raise": _("Approve that a budget is raised by {money}", money=Money(line.amount_minor, budget.currency)),
            "lower": _("Approve that a budget is lowered by {money}", money=Money(line.amount_minor, budget.currency)),
            "close": _("Approve that a budget is closed"),
        }[line.kind]
        found.append(Waiting(words, f"/budgets/{budget.ref}", budget.purpose, since=line.proposed_at))
    return found
