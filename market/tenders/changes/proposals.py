"""Changes of a running tender that take two people: proposed by one of the buyer, published by another, or left."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import msgspec

from market import clock
from market.accounts.people import tell, tell_person
from market.actor import Actor
from market.audit.actions import record
from market.db import find, transaction
from market.hands.readers import links_in
from market.hands.rules import Doing, Hand
from market.proof import canonical
from market.reads import row, rows, the
from market.refusals import insist
from market.tenders.changes import actions, rules
from market.tenders.changes.actions import Change
from market.tenders.changes.rules import Kind, Line
from market.tenders.log import ancestors
from market.tenders.tables import Addendum, Tender, TenderChange
from market.touch import binds
from market.wording import N_


class Proposal(msgspec.Struct, frozen=True):
    """A proposed change as the buyer reads it, with the names of who proposed and who decided; the addendum it became."""

    ref: str
    kind: Kind
    change: str
    confirmed: list[str]
    at: datetime
    by_ref: str
    by: str
    approved_at: datetime | None
    approved_by: str
    addendum: str
    left_at: datetime | None
    left_by: str

    @property
    def given(self) -> Change:
        """The change as it was sent."""
        return _sent(self.change)


_PROPOSALS = """
    SELECT c.ref, c.kind, c.change, c.confirmed, c.at, p.ref AS by_ref, p.name AS by, c.approved_at,
      COALESCE(a.name, '') AS approved_by, COALESCE(d.ref, '') AS addendum, c.left_at, COALESCE(l.name, '') AS left_by
    FROM tender_change c JOIN tender t ON t.id = c.tender JOIN person p ON p.id = c.by LEFT JOIN person a ON a.id = c.approved_by
    LEFT JOIN addendum d ON d.id = c.addendum LEFT JOIN person l ON l.id = c.left_by
    """


async def proposals_of(actor: Actor, tender_ref: str) -> list[Proposal]:
    """Every change of this tender that was proposed to a second person, oldest first, for its buyer; to others there are none to
    read."""
    tender = await find(Tender, Tender.ref == tender_ref)
    actor.must_wear("buyer", organisation=tender.buyer, secret=True)
    return await rows(Proposal, _PROPOSALS + "WHERE t.ref = {} ORDER BY c.id", tender_ref)


async def proposal(actor: Actor, tender_ref: str, ref: str) -> Proposal:
    """One of them (its reference)."""
    tender = await find(Tender, Tender.ref == tender_ref)
    actor.must_wear("buyer", organisation=tender.buyer, secret=True)
    return await the(Proposal, _PROPOSALS + "WHERE t.ref = {} AND c.ref = {}", tender_ref, ref)


async def waiting(tender: int) -> str:
    """The reference of the change of this tender (its id) that waits for a second person; empty when none does."""
    found = await row(
        str, "SELECT ref FROM tender_change WHERE tender = {} AND approved_at IS NULL AND left_at IS NULL", tender
    )
    return found or ""


@dataclass(frozen=True, slots=True)
class Weighed:
    """What a proposal would do now, and what this person may do about it."""

    lines: list[Line]
    deciding: rules.Deciding


async def weighed(actor: Actor, tender_ref: str, found: Proposal) -> Weighed:
    """A proposal for its page: nothing is judged here, the approval does."""
    changing = await actions.weighed(tender_ref, found.given)
    tender = await find(Tender, Tender.ref == tender_ref)
    return Weighed(list(changing.lines), await _deciding(actor, tender, found))


async def _deciding(actor: Actor, tender: Tender, found: Proposal) -> rules.Deciding:
    proposed = Hand("propose-tender-change", found.by_ref, found.by)
    doing = Doing("approve-tender-change", actor.ref, [proposed], await links_in(tender.buyer))
    return rules.Deciding(found.approved_at is not None, found.left_at is not None, doing)


def _sent(change: str) -> Change:
    return msgspec.convert(canonical.decode(change.encode()), Change)


async def send(actor: Actor, ref: str, given: Change, confirmed: Collection[str] = ()) -> Addendum | TenderChange:
    """Publish a change that one person may make, and propose one that takes two."""
    if given.kind in rules.BY_TWO:
        return await propose(actor, ref, given, confirmed)
    return await actions.change(actor, ref, given, confirmed)


async def propose(actor: Actor, ref: str, given: Change, confirmed: Collection[str] = ()) -> TenderChange:
    """Propose a material change, or the correction of a deadline, to a second person of the buyer. It is judged as if it were
    published now; nothing changes, and nobody outside the buyer reads it."""
    async with transaction():
        tender, hat = await actions.changed_by(actor, ref)
        insist(rules.PROPOSE, rules.Proposing(given.kind, await waiting(tender.id)))
        judged = await actions.judge(ref, given, confirmed)
        proposed = TenderChange(
            tender=tender.id,
            kind=given.kind,
            change=canonical.encode(msgspec.to_builtins(given)).decode(),
            confirmed=sorted(confirmed),
            at=clock.now(),
            by=actor.must_be_person(),
        )
        await proposed.save()
        await tell(
            tender.buyer,
            "tenders/change_to_approve.txt",
            roles=("buyer",),
            about=f"tender:{ref}",
            tender=tender,
            proposed=proposed,
            text=given.text,
            by=actor.name,
        )
        await record(
            actor,
            "tender.change-proposed",
            f"tender:{ref}",
            {"change": proposed.ref, "kind": given.kind, "confirmed": list(judged.knowingly)},
            private={"text": given.text},
            about=await ancestors(tender),
            organisation=hat.organisation_ref,
        )
    return proposed


@binds(N_("publish a change to a tender that a colleague proposed"))
async def approve(actor: Actor, ref: str, change_ref: str, confirmed: Collection[str] = ()) -> Addendum:
    """A second person of the buyer approves a proposed change, which publishes it: judged again by all rules, as the tender, the
    gate and the clock are now, and asked about once more where a figure has changed since."""
    async with transaction():
        tender, hat = await actions.changed_by(actor, ref)
        proposed = await find(
            TenderChange, (TenderChange.ref == change_ref) & (TenderChange.tender == tender.id), lock=True
        )
        found = await proposal(actor, ref, change_ref)
        insist(rules.APPROVE, await _deciding(actor, tender, found))
        addendum = await actions.publish(
            actor,
            hat,
            tender,
            found.given,
            {*found.confirmed, *confirmed},
            actions.Proposed(found.ref, found.by_ref),
        )
        proposed.approved_at, proposed.approved_by, proposed.addendum = addendum.at, addendum.by, addendum.id
        await proposed.save([TenderChange.approved_at, TenderChange.approved_by, TenderChange.addendum])
    return addendum


async def leave(actor: Actor, ref: str, change_ref: str) -> TenderChange:
    """Leave a proposed change as it is: its proposer takes it back, or a colleague does not approve it. Nothing changes, and
    another may be proposed."""
    async with transaction():
        tender, hat = await actions.changed_by(actor, ref)
        proposed = await find(
            TenderChange, (TenderChange.ref == change_ref) & (TenderChange.tender == tender.id), lock=True
        )
        found = await proposal(actor, ref, change_ref)
        insist(rules.LEAVE, await _deciding(actor, tender, found))
        proposed.left_at, proposed.left_by = clock.now(), actor.must_be_person()
        await proposed.save([TenderChange.left_at, TenderChange.left_by])
        if actor.ref != found.by_ref:
            await tell_person(
                proposed.by,
                "tenders/change_left.txt",
                about=f"tender:{ref}",
                tender=tender,
                proposed=proposed,
                by=actor.name,
            )
        await record(
            actor,
            "tender.change-left",
            f"tender:{ref}",
            {"change": proposed.ref, "kind": proposed.kind},
            about=await ancestors(tender),
            organisation=hat.organisation_ref,
        )
    return proposed
