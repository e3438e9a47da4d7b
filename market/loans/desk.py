"""What loans put on desks: that another body asks to lend or borrow somebody."""

from __future__ import annotations

from market.actor import Actor
from market.loans import actions
from market.web.desk import Waiting
from market.wording import _


async def waiting(actor: Actor) -> list[Waiting]:
    """Loans to which she can agree for her body."""
    return [
        Waiting(
            _(
                "Agree that {name} is lent by {lender} to {borrower}",
                name=each.name,
                lender=each.lender,
                borrower=each.borrower,
            ),
            "/loans",
            each.instrument,
            since=each.proposed_at,
        )
        for body in actor.organisations(actions.GIVER)
        for each in await actions.loans(body)
        if actions.may_agree(actor, each)
    ]
