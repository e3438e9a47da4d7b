"""What payments put on people's desks: releasing what is owed, and saying that it has arrived."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from market import clock
from market.actor import SUPPLIER_ROLES, Actor
from market.money import Money
from market.payments import actions, rules
from market.payments.tables import Obligation
from market.reads import rows
from market.refusals import refusals
from market.web.desk import Waiting
from market.wording import _


class Owed(msgspec.Struct, frozen=True):
    """A sum owed to a payee that no attempt to pay is under way for."""

    ref: str
    amount_minor: int
    currency: str
    payee: str
    purpose: str
    due_at: datetime


class Paid(msgspec.Struct, frozen=True):
    """A sum that was sent, and that the payee has not confirmed."""

    ref: str
    amount_minor: int
    currency: str
    purpose: str
    paid_at: datetime


async def waiting(actor: Actor) -> list[Waiting]:
    """For the payer's finance officers what they may release; for payees what they may confirm."""
    payers, payees = actor.organisations(*actions.RELEASERS), actor.organisations(*SUPPLIER_ROLES)
    return [*(await _to_release(actor, payers) if payers else []), *(await _to_confirm(payees) if payees else [])]


async def _to_release(actor: Actor, payers: Sequence[int]) -> list[Waiting]:
    return [
        Waiting(
            _("Release {money} to {payee}", money=Money(each.amount_minor, each.currency), payee=each.payee),
            f"/payments/{each.ref}",
            each.purpose,
            each.due_at,
        )
        for each in await rows(
            Owed,
            """
            SELECT o.ref, o.amount_minor, o.currency, s.name AS payee, o.purpose, o.due_at FROM obligation o
            JOIN organisation s ON s.id = o.payee WHERE o.payer = ANY({}::int[]) AND NOT EXISTS
              (SELECT 1 FROM payment p WHERE p.obligation = o.id AND p.state <> 'refused') ORDER BY o.due_at
            """,
            list(payers),
        )
        if await _may_release(actor, each.ref)
    ]


async def _to_confirm(payees: Sequence[int]) -> list[Waiting]:
    return [
        Waiting(
            _("Say whether {money} has arrived", money=Money(each.amount_minor, each.currency)),
            f"/payments/{each.ref}",
            each.purpose,
            since=each.paid_at,
        )
        for each in await rows(
            Paid,
            """
            SELECT o.ref, o.amount_minor, o.currency, o.purpose, p.paid_at FROM payment p
            JOIN obligation o ON o.id = p.obligation WHERE o.payee = ANY({}::int[]) AND p.state = 'paid'
              AND p.confirmed_at IS NULL ORDER BY p.paid_at
            """,
            list(payees),
        )
    ]


async def _may_release(actor: Actor, ref: str) -> bool:
    """Whoever accepted the delivery does not release its money, nor anybody who counts as one with her."""
    obligation = await Obligation.objects().where(Obligation.ref == ref).first()
    return obligation is not None and not refusals(rules.TWO_PEOPLE, await actions.release_facts(actor, obligation))


async def counts() -> dict[str, int]:
    """What the operator's desk says of payments."""
    (late,) = await rows(
        int,
        """
        SELECT count(*) FROM obligation o WHERE o.due_at < {} AND NOT EXISTS (SELECT 1 FROM payment p
          WHERE p.obligation = o.id AND p.state = 'paid')
        """,
        clock.now(),
    )
    return {"late": late}
