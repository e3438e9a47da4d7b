"""Suppliers a buyer keeps in mind and points to what is open to all; suppliers who look for somebody to bid with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from challenges import rules as challenge_rules
from challenges.exercise import ancestors
from challenges.listing import running
from challenges.tables import Challenge
from market import clock
from market.accounts.bodies import Body, supplier
from market.accounts.people import holders, tell
from market.accounts.tables import Organisation
from market.actor import SUPPLIER_ROLES, Actor, Hat
from market.audit.actions import record
from market.db import find, transaction
from market.kinds import address
from market.reads import rows, the
from market.refusals import NotFound, insist
from market.tenders import log
from market.tenders import rules as tender_rules
from market.tenders.listing import taking_bids
from market.tenders.tables import Tender
from market.wording import N_
from search import rules
from search.tables import Approach, Invited, Shortlisted


class Invitation(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to tell of what: `record` is `challenge:reference` or `tender:reference`. There is no field for words of one's
    own, so that nobody learns more than what is published."""

    record: Annotated[str, Meta(title=N_("What is open"), max_length=40)]
    suppliers: Annotated[list[str], Meta(title="Suppliers")] = msgspec.field(default_factory=list)


class Letter(msgspec.Struct, forbid_unknown_fields=True):
    """What one supplier writes to another."""

    text: Annotated[str, Meta(title=N_("Your letter"), min_length=20, max_length=2000)]


@dataclass(frozen=True, slots=True)
class Open:
    """Something of a buyer's that everybody may answer now."""

    subject: str
    title: str
    buyer: int
    open: bool
    closes_at: datetime | None
    about: list[str]

    @property
    def url(self) -> str:
        """Its public page."""
        return address(self.subject) or ""


# ── the short list ─────────────────────────────────────────────────────────────────────────────────────────────────


class Listed(msgspec.Struct, frozen=True):
    """A supplier on a short list; `told` are the subjects it was invited to."""

    ref: str
    name: str
    region: str
    summary: str | None
    told: list[str]


async def listed(actor: Actor) -> list[Listed]:
    """The suppliers on the short list of the actor's body, by name."""
    return await rows(
        Listed,
        """
        SELECT o.ref, o.name, o.region, p.summary, ARRAY(SELECT subject FROM invited WHERE supplier = o.id) AS told
        FROM shortlisted s JOIN organisation o ON o.id = s.supplier LEFT JOIN profile p ON p.organisation = o.id
        WHERE s.buyer = {} ORDER BY lower(o.name), o.id
        """,
        actor.must_wear("buyer").organisation,
    )


async def shortlist(actor: Actor, refs: Sequence[str]) -> int:
    """Put suppliers on the short list of the actor's body; those already there stay. Answers how many are new."""
    hat = actor.must_wear("buyer")
    async with transaction():
        await find(Organisation, Organisation.id == hat.organisation, lock=True)
        here = {firm.ref for firm in await listed(actor)}
        fresh = [ref for ref in dict.fromkeys(refs) if ref not in here]
        if len(here) + len(fresh) > rules.LISTED_MOST:
            raise rules.SHORTLIST_FULL.refused(most=rules.LISTED_MOST)
        for ref in fresh:
            firm = await supplier(ref)
            await Shortlisted.insert(
                Shortlisted(
                    buyer=hat.organisation, supplier=firm.id, added_by=actor.must_be_person(), added_at=clock.now()
                )
            )
        if fresh:
            await _kept(actor, hat, "search.shortlisted", {"suppliers": fresh})
    return len(fresh)


async def unlist(actor: Actor, ref: str) -> Body:
    """Take a supplier off the short list."""
    hat = actor.must_wear("buyer")
    async with transaction():
        firm = await supplier(ref)
        row = await find(
            Shortlisted, (Shortlisted.buyer == hat.organisation) & (Shortlisted.supplier == firm.id), lock=True
        )
        await row.remove()
        await _kept(actor, hat, "search.unlisted", {"supplier": ref})
    return firm


async def _kept(actor: Actor, hat: Hat, verb: str, private: dict[str, Any]) -> None:
    """A short list is its body's own affair: the log keeps who changed it, and shows it to auditors alone."""
    subject = f"organisation:{hat.organisation_ref}"
    await record(
        actor, verb, subject, private=private, organisation=hat.organisation_ref, sealed_by=f"publication:{subject}"
    )


# ── invitations ────────────────────────────────────────────────────────────────────────────────────────────────────


async def open_records(actor: Actor) -> list[tuple[str, str]]:
    """What the actor's bodies have open to everybody now, soonest closing first: subject and title."""
    buyers = actor.organisations("buyer")
    far = datetime.max.replace(tzinfo=UTC)
    found = [
        (challenge.closes_at or far, f"challenge:{challenge.ref}", challenge.title)
        for challenge in await running(buyers)
        if challenge.stage in challenge_rules.TAKING
    ]
    found += [(tender.closes_at, f"tender:{tender.ref}", tender.title) for tender in await taking_bids(buyers)]
    return [(subject, title) for _closes_at, subject, title in sorted(found)]


async def record_of(subject: str) -> Open:
    """The challenge or tender a buyer points to; 404 for anything else and for drafts."""
    kind, _, ref = subject.partition(":")
    now = clock.arrived()
    if kind == "challenge":
        row = await find(Challenge, (Challenge.ref == ref) & Challenge.published_at.is_not_null(), lock=True)
        taking = challenge_rules.stage(row, now) in challenge_rules.TAKING
        return Open(subject, row.title, row.buyer, taking, row.closes_at, await ancestors(row))
    if kind == "tender":
        tender = await find(Tender, (Tender.ref == ref) & Tender.published_at.is_not_null(), lock=True)
        taking = tender_rules.stage(tender, now) in tender_rules.TAKING
        return Open(subject, tender.title, tender.buyer, taking, tender.closes_at, await log.ancestors(tender))
    raise NotFound("Record")


async def invite(actor: Actor, given: Invitation) -> int:
    """Tell suppliers of something open by letter, each once; who was told is public at once, so that nobody gains by it.
    Answers how many were told."""
    async with transaction():
        wanted = await record_of(given.record)
        hat = actor.must_wear("buyer", organisation=wanted.buyer)
        firms = [await supplier(ref) for ref in dict.fromkeys(given.suppliers)]
        before = await rows(
            int,
            "SELECT supplier FROM invited WHERE subject = {} AND supplier = ANY({}::int[])",
            wanted.subject,
            [firm.id for firm in firms],
        )
        silent = [firm.name for firm in firms if not await holders(firm.id, *SUPPLIER_ROLES)]
        already = tuple(firm.name for firm in firms if firm.id in before)
        insist(rules.INVITE, rules.Invitations(wanted.open, len(firms), already, tuple(silent)))
        body = await find(Organisation, Organisation.id == wanted.buyer)
        now = clock.now()
        for firm in firms:
            await Invited.insert(Invited(subject=wanted.subject, supplier=firm.id, by=actor.must_be_person(), at=now))
            await tell(
                firm.id,
                "search/invitation.txt",
                roles=("supplier-admin",),
                about=wanted.subject,
                firm=firm.name,
                body=body.name,
                title=wanted.title,
                url=wanted.url,
                closes_at=wanted.closes_at,
            )
        await record(
            actor,
            "supplier.invited",
            wanted.subject,
            {"suppliers": [firm.ref for firm in firms]},
            about=wanted.about,
            organisation=hat.organisation_ref,
        )
    return len(firms)


class Told(msgspec.Struct, frozen=True):
    """A supplier that was told of a record, and when."""

    ref: str
    name: str
    at: datetime


async def invited(subject: str) -> list[Told]:
    """The suppliers that were told of a record, in the order they were."""
    return await rows(
        Told,
        """
        SELECT o.ref, o.name, i.at FROM invited i JOIN organisation o ON o.id = i.supplier WHERE i.subject = {} ORDER BY i.id
        """,
        subject,
    )


# ── bidding together ───────────────────────────────────────────────────────────────────────────────────────────────


async def approach(actor: Actor, ref: str, given: Letter) -> Approach:
    """Write to another supplier about bidding together. The letter names the sending firm and person, and an address of
    this site to answer at; no e-mail address is told to either side."""
    async with transaction():
        hat = actor.must_wear(*SUPPLIER_ROLES)
        sender = await find(Organisation, Organisation.id == hat.organisation, lock=True)
        firm = await supplier(ref)
        insist(rules.CONTACT, await contact(sender.id, firm.id))
        letter = Approach(
            sender=sender.id, receiver=firm.id, text=given.text.strip(), by=actor.must_be_person(), at=clock.now()
        )
        await letter.save()
        await tell(
            firm.id,
            "search/approach.txt",
            roles=("supplier-admin",),
            about=f"supplier:{sender.ref}",
            firm=firm.name,
            sender=sender.name,
            writer=actor.name,
            text=letter.text,
            answer=f"/search/partners/{sender.ref}",
        )
        await record(
            actor,
            "supplier.approached",
            f"supplier:{firm.ref}",
            private={"letter": letter.ref, "text": letter.text},
            organisation=hat.organisation_ref,
            sealed_by=f"publication:approach:{letter.ref}",
        )
    return letter


async def contact(sender: int, firm: int) -> rules.Contact:
    """What decides whether one supplier (its id) may write to another now."""
    return await the(
        rules.Contact,
        """
        SELECT f.id = s.id AS own, COALESCE(p.open_to_partners, false) AS open_to_partners,
            EXISTS (SELECT 1 FROM approach WHERE sender = f.id AND receiver = s.id) AS wrote_first,
            (SELECT count(*) FROM approach WHERE sender = s.id AND at > {}) AS today,
            (SELECT count(*) FROM approach WHERE sender = s.id AND receiver = f.id AND at > {}) AS to_them_today, f.name
        FROM organisation s, organisation f LEFT JOIN profile p ON p.organisation = f.id WHERE s.id = {} AND f.id = {}
        """,
        *[clock.arrived() - timedelta(days=1)] * 2,
        sender,
        firm,
    )


class Written(msgspec.Struct, frozen=True):
    """A letter between two firms, with the name of the one that wrote it."""

    ref: str
    sender: str
    at: datetime
    text: str


async def between(sender: int, firm: int) -> list[Written]:
    """The letters between two firms (their ids), oldest first."""
    return await rows(
        Written,
        """
        SELECT a.ref, o.name AS sender, a.at, a.text FROM approach a JOIN organisation o ON o.id = a.sender
        WHERE a.sender = {} AND a.receiver = {} OR a.sender = {} AND a.receiver = {} ORDER BY a.id
        """,
        *(sender, firm),
        *(firm, sender),
    )
