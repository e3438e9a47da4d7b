"""Writing the log: what an action records is put at the end of the chain as the last thing its transaction does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from market import clock
from market.actor import Actor
from market.audit.tables import LAST, Event, Link, Outbox
from market.db import many, one_transaction, put_off
from market.lent import MAY
from market.proof import canonical, chain
from market.reads import row
from market.rules import LENT

CHAIN_LOCK = 7420260002
"""The advisory lock that lets one transaction at a time add to the chain; taken just before it commits."""

Tie = Callable[[list[tuple[int, int]]], Awaitable[None]]
"""Writes the numbers of events beside the rows they caused, given as (row's id, event's seq): one short statement."""


@dataclass(frozen=True, slots=True)
class _Effect:
    """A row that an event of the same transaction caused."""

    row: int
    about: str
    tie: Tie


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
) -> None:
    """Write down what was done, in the same transaction, linked to the event before; and tell those above by the outbox.

    `verb` is `noun.past-participle`; `subject` and every entry of `about` and `announce` are `kind:reference`. `facts`
    are public, plain data without floats (see `market.proof.canonical`), naming persons and bodies by reference; what is
    personal or confidential goes into `private`. `organisation` is the reference of the body the actor acted for.
    `sealed_by` hides even the header from the public until `opening:tender:T-…` (a tender's bids) or `publication:kind:ref` (a
    draft). `announce` adds outbox entries for other records whose public face changed; the subject's own is always made.

    The event is composed here and linked at the end of the outermost transaction, together with all others it recorded, in
    their order: everybody else who acts waits from the link to the commit, so nothing else may happen in between. Its
    number and hash are therefore not known before, and nothing is answered.

    Whoever is lent to the body she acts for does what :data:`market.lent.MAY` names; anything else is refused here, where every act
    passes, and its transaction with it. What is done by a mandate on paper says so among its facts (`by_mandate`), and who
    entered it.
    """
    if verb not in MAY and (lender := actor.lent_to(organisation)):
        raise LENT.refused(lender=lender)
    now = clock.now()
    beside = list(dict.fromkeys([subject, *about]))
    hidden = {} if private is None and sealed_by else private
    if actor.on_paper is not None:
        facts = {
            **(facts or {}),
            "by_mandate": {"entered_by": actor.on_paper.entered_by, "mandate": actor.on_paper.ref},
        }
    body, private_body = chain.written(facts or {}, hidden)
    event = Event(
        at=now,
        actor=actor.ref,
        organisation=organisation,
        verb=verb,
        subject=subject,
        about=beside,
        body=body,
        private_body=private_body,
        body_digest=chain.body_digest(body),
        sealed_by=sealed_by,
    )
    async with one_transaction():
        await Outbox.insert(
            *(Outbox(subject=changed, verb=verb, at=now) for changed in dict.fromkeys([subject, *announce]))
        )
        put_off(_write_down, event)


def caused(row: int, about: str, tie: Tie) -> None:
    """Keep beside this row which event of the present transaction caused it: the first that happened to the record `about`,
    else the first that names it, else the first of all. Without an event, or without a transaction, nothing is kept."""
    put_off(_write_down, _Effect(row, about, tie))


async def _write_down(put: list[Event | _Effect]) -> None:
    """Link the events to the chain and insert them. From the lock to the commit that follows, everybody else waits."""
    events = [each for each in put if isinstance(each, Event)]
    if not events:
        return
    await many("SELECT pg_advisory_xact_lock({})", CHAIN_LOCK)
    last = await row(Link, LAST)
    seq, previous = (last.seq, last.hash) if last else (0, chain.GENESIS)
    for event in events:
        seq += 1
        previous = chain.link(
            previous=previous,
            seq=seq,
            at=event.at,
            actor=event.actor,
            organisation=event.organisation,
            verb=event.verb,
            subject=event.subject,
            about=event.about,
            body_digest=event.body_digest,
        )
        event.seq, event.hash = seq, previous
    await Event.insert(*events)
    ties: dict[Tie, list[tuple[int, int]]] = {}
    for effect in put:
        if isinstance(effect, _Effect):
            ties.setdefault(effect.tie, []).append((effect.row, _cause(effect.about, events)))
    for tie, pairs in ties.items():
        await tie(pairs)


def _cause(about: str, events: Sequence[Event]) -> int:
    at_it = [event.seq for event in events if event.subject == about]
    beside = [event.seq for event in events if about in event.about]
    return int((at_it or beside or [events[0].seq])[0])


async def announce(*subjects: str, verb: str = "search.asked") -> None:
    """Ask that the public face of these records be told again, without an event (nothing happened to them)."""
    for subject in subjects:
        await Outbox.insert(Outbox(subject=subject, verb=verb, at=clock.now()))
