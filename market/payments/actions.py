"""What is owed and how it is paid. The nouns above call :func:`owe`; nothing here knows what the money is for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from market import clock
from market.accounts.tables import Organisation
from market.actor import Actor
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.money import Money
from market.payments.tables import Obligation


async def owe(
    actor: Actor,
    *,
    cause: str,
    payer: int,
    payee: int,
    amount: Money,
    purpose: str,
    about: str,
    ancestors: Sequence[str] = (),
    days: int,
) -> Obligation:
    """Write down that `payer` owes `payee` because of `cause` (`pitch:PI-…`, `milestone:MS-…`), due in `days` days.

    The same cause is owed once: asked again, the first obligation is answered and nothing is written. `about` is the
    challenge or contract; `ancestors` what that grew from. `actor` accepted the deliverable and so may not release the
    money. Runs inside the caller's transaction.
    """
    async with transaction():
        known = await maybe(Obligation, Obligation.cause == cause, lock=True)
        if known is not None:
            return known
        now = clock.now()
        obligation = Obligation(
            cause=cause,
            payer=payer,
            payee=payee,
            amount_minor=amount.minor,
            currency=amount.currency,
            purpose=purpose,
            about=about,
            ancestors=list(dict.fromkeys([cause, about, *ancestors])),
            accepted_by=actor.ref,
            incurred_at=now,
            due_at=now + timedelta(days=days),
        )
        await obligation.save()
        debtor = await find(Organisation, Organisation.id == payer)
        creditor = await find(Organisation, Organisation.id == payee)
        await record(
            actor,
            "obligation.incurred",
            f"obligation:{obligation.ref}",
            {
                "amount_minor": amount.minor,
                "currency": amount.currency,
                "payer": debtor.ref,
                "payee": creditor.ref,
                "purpose": purpose,
                "cause": cause,
            },
            about=obligation.ancestors,
            organisation=debtor.ref,
        )
    return obligation
