"""Money that waits until an auditor has looked, because it was accepted and released from one device.

A shared desk is no fraud, so nothing is refused; but two names at one keyboard may be one person, and money is hard to get back. The
mark is a cookie that a browser keeps for everybody who signs in on it. Whoever means to deceive takes another browser: what this
finds is carelessness, and what it costs the honest is two working days at most.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta
from piccolo.columns.combination import WhereRaw

from market import clock
from market.accounts.people import tell
from market.actor import Actor
from market.audit.actions import record
from market.db import find, transaction
from market.money import Money
from market.payments import rules
from market.payments.tables import Hold, Obligation, Payment
from market.reads import row, rows
from market.refusals import insist
from market.wording import N_


class Look(msgspec.Struct):
    """What an auditor says of money that waits for her."""

    found: Annotated[str, Meta(title=N_("What you found"), min_length=10, max_length=2000)]


class Held(msgspec.Struct, frozen=True):
    """A payment that waited, or waits, with the names of the two."""

    obligation: str
    payment: str
    amount_minor: int
    currency: str
    accepted_by: str
    released_by: str
    held_at: datetime
    until: datetime
    looked_at: datetime | None
    looked_by: str
    found: str


_HELD = """
SELECT o.ref AS obligation, p.ref AS payment, o.amount_minor, o.currency, h.held_at, h.until, h.looked_at, h.found,
    COALESCE(a.name, h.accepted_by) AS accepted_by, COALESCE(b.name, h.released_by) AS released_by,
    COALESCE(c.name, '') AS looked_by
FROM hold h JOIN payment p ON p.id = h.payment JOIN obligation o ON o.id = p.obligation
LEFT JOIN person a ON a.ref = h.accepted_by LEFT JOIN person b ON b.ref = h.released_by
LEFT JOIN person c ON c.ref = h.looked_by
"""


async def of_obligation(ref: str) -> Held | None:
    """Why the newest payment of an obligation waited, or waits; None when it did not."""
    return await row(Held, _HELD + "WHERE o.ref = {} ORDER BY p.attempt DESC LIMIT 1", ref)


async def waiting() -> list[Held]:
    """What waits for an auditor now, the one that ends first before the others."""
    return await rows(
        Held,
        _HELD + "WHERE h.looked_at IS NULL AND h.until > {} AND p.state = 'due' ORDER BY h.until, h.id",
        clock.now(),
    )


def not_held() -> WhereRaw:
    """The payments that wait for nobody, as a condition of the very statement that chooses one: asked beside it, money could leave whose
    release and hold were kept in between."""
    return WhereRaw(
        "NOT EXISTS (SELECT FROM hold h WHERE h.payment = payment.id AND h.looked_at IS NULL AND h.until > {})",
        clock.now(),
    )


async def devices_of(person: str, at: datetime) -> frozenset[str]:
    """The marks of the devices on which a person (her reference) was signed in at a moment. Those of a demonstration do not
    count: there everybody sits at one desk."""
    return frozenset(
        await rows(
            str,
            """
            SELECT DISTINCT s.device FROM session s JOIN person p ON p.id = s.person
            WHERE p.ref = {} AND s.device <> '' AND s.method <> 'demo' AND s.began_at <= {}
              AND COALESCE(s.ended_at, s.expires_at) >= {}
            """,
            person,
            at,
            at,
        )
    )


async def hold(actor: Actor, obligation: Obligation, payment: Payment, payer: str) -> None:
    """Let a payment that is being released wait when its delivery was accepted on the same device, and tell auditors. `payer` is
    the body's reference. Of a mandate on paper the device is that of whoever entered it. Runs inside the transaction of the
    release."""
    now = clock.now()
    before_it = actor.on_paper.entered_by if actor.on_paper else actor.ref
    until = rules.held_until(
        await devices_of(obligation.accepted_by, obligation.incurred_at), await devices_of(before_it, now), now
    )
    if until is None:
        return
    made = Hold(payment=payment.id, accepted_by=obligation.accepted_by, released_by=actor.ref, held_at=now, until=until)
    await made.save()
    about = [f"obligation:{obligation.ref}", *obligation.ancestors]
    await record(
        actor,
        "payment.held",
        f"payment:{payment.ref}",
        {"until": until.isoformat(), "why": "one-device"},
        private={"accepted_by": made.accepted_by, "released_by": made.released_by},
        about=about,
        organisation=payer,
    )
    for body in await rows(int, "SELECT id FROM organisation WHERE kind = 'audit' ORDER BY id"):
        await tell(
            body,
            "payments/one-device.txt",
            roles=("auditor",),
            about=f"payment:{payment.ref}",
            obligation=obligation,
            amount=Money(obligation.amount_minor, obligation.currency),
            until=until,
        )


async def look(actor: Actor, payment_ref: str, given: Look) -> Hold:
    """An auditor says that she has looked, and what she found; the money goes on. What she found is read by the payer's people who
    release, and by those who oversee."""
    hat = actor.must_wear("auditor", secret=True)
    async with transaction():
        payment = await find(Payment, Payment.ref == payment_ref, lock=True)
        made = await find(Hold, Hold.payment == payment.id, lock=True)
        insist(rules.LOOK, rules.Looking(actor.ref, made, clock.arrived()))
        obligation = await find(Obligation, Obligation.id == payment.obligation)
        made.looked_at, made.looked_by, made.found = clock.now(), actor.ref, given.found.strip()
        await made.save([Hold.looked_at, Hold.looked_by, Hold.found])
        await record(
            actor,
            "payment.looked-at",
            f"payment:{payment.ref}",
            private={"found": made.found},
            about=[f"obligation:{obligation.ref}", *obligation.ancestors],
            organisation=hat.organisation_ref,
        )
    return made
