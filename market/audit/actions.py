"""Writing the log: one call, last in every action's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from market import clock
from market.actor import Actor
from market.audit.tables import Event, Outbox
from market.db import one, one_transaction
from market.proof import canonical, chain

CHAIN_LOCK = 7420260002
"""The advisory lock that lets one transaction at a time add to the chain; held until that transaction ends."""


async def record(
    actor: Actor,
    verb: str,
    subject: str,
    facts: Mapping[str, canonical.Plain] | None = None,
    *,
    private: Mapping[str, canonical.Plain] | None = None,
    about: Sequence[str] = (),
    organisation: str = "",
    sealed_by: str = "",
    announce: Sequence[str] = (),
) -> Event:
    """Write down what was done, in the same transaction, linked to the event before; and tell those above by the outbox.

    `verb` is `noun.past-participle`; `subject` and every entry of `about` and `announce` are `kind:reference`. `facts`
    are public, plain data without floats (see `market.proof.canonical`), naming persons and bodies by reference; what is
    personal or confidential goes into `private`. `organisation` is the reference of the body the actor acted for.
    `sealed_by` hides even the header from the public until `opening:tender:T-…` (a tender's bids) or `publication:kind:ref` (a
    draft). `announce` adds outbox entries for other records whose public face changed; the subject's own is always made.

    Call it last: from here to the commit everybody else who acts is waiting.
    """
    now = clock.now()
    beside = list(dict.fromkeys([subject, *about]))
    async with one_transaction():
        await Outbox.insert(
            *(Outbox(subject=changed, verb=verb, at=now) for changed in dict.fromkeys([subject, *announce]))
        )
        await one("SELECT pg_advisory_xact_lock({})", CHAIN_LOCK)
        last = await one("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1")
        after = (last["seq"], last["hash"]) if last else (0, chain.GENESIS)
        hidden = {} if private is None and sealed_by else private
        row = chain.append(after, now, actor.ref, organisation, verb, subject, beside, facts or {}, hidden)
        event = Event(
            seq=row.seq,
            at=row.at,
            actor=row.actor,
            organisation=row.organisation,
            verb=row.verb,
            subject=row.subject,
            about=beside,
            body=row.body,
            private_body=row.private_body,
            body_digest=row.body_digest,
            hash=row.hash,
            sealed_by=sealed_by,
        )
        await Event.insert(event)
    return event


async def announce(*subjects: str, verb: str = "search.asked") -> None:
    """Ask that the public face of these records be told again, without an event (nothing happened to them)."""
    for subject in subjects:
        await Outbox.insert(Outbox(subject=subject, verb=verb, at=clock.now()))
