"""Proposing, confirming and withdrawing a body's domains; agreeing to let in somebody outside of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from market import clock, mailboxes
from market.accounts import invitations, memberships
from market.accounts import rules as accounts
from market.accounts.bodies import Body
from market.accounts.people import holders, tell
from market.accounts.tables import Invitation, MailDomain, Organisation, Person
from market.actor import Actor
from market.admissions import rules
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.hands import rules as hands
from market.hands.readers import links_in
from market.proof.canonical import Plain
from market.reads import rows
from market.refusals import NotFound, insist
from market.touch import binds
from market.wording import N_, together


class DomainDraft(msgspec.Struct, forbid_unknown_fields=True):
    """Which domain is a body's own, and what shows it."""

    domain: Annotated[str, Meta(title=N_("Domain"), min_length=1, max_length=253, examples=["council.example"])]
    evidence: Annotated[str, Meta(title=N_("What shows that it is this body's"), max_length=1000)] = ""


class Domain(msgspec.Struct, frozen=True):
    """A domain as it is read, with its body and who proposed and confirmed it."""

    ref: str
    body: str
    body_ref: str
    domain: str
    evidence: str
    proposer: str
    proposer_ref: str
    proposed_at: datetime
    confirmer: str | None
    confirmed_at: datetime | None
    withdrawn_at: datetime | None


class Waiting(msgspec.Struct, frozen=True):
    """An invitation to an outside address that waits, as those read it who may agree."""

    id: int
    ref: str
    organisation: int
    body: str
    body_ref: str
    email: str
    name: str
    role: str
    ground: str
    paper: str
    invited_at: datetime
    expires_at: datetime


class _Word(msgspec.Struct, frozen=True):
    ref: str
    name: str
    side: str


# ── domains ────────────────────────────────────────────────────────────────────────────────────────────────────────


def may_propose(actor: Actor, body: Body) -> bool:
    """Whether somebody may propose a domain for a body: who lets people in there, and operators."""
    return body.kind != "supplier" and bool(memberships.roles_to_give(actor, body))


@binds(N_("propose a domain as a body's own"))
async def propose_domain(actor: Actor, ref: str, given: DomainDraft) -> MailDomain:
    """Propose a domain as a body's own, with what shows it; operators are told."""
    actor.must_be_person()
    async with transaction():
        row = await find(Organisation, (Organisation.ref == ref) & (Organisation.kind != "supplier"), lock=True)
        if not any(accounts.may_give(actor, row.id, role) for role in accounts.ROLES[row.kind]):
            raise NotFound("Organisation")
        domain = mailboxes.plain_domain(given.domain)
        known = await rows(
            int,
            "SELECT id FROM mail_domain WHERE organisation = {} AND domain = {} AND withdrawn_at IS NULL",
            row.id,
            domain,
        )
        insist(rules.PROPOSE, rules.Proposing(domain, given.evidence, bool(known)))
        made = MailDomain(
            organisation=row.id,
            domain=domain,
            evidence=given.evidence.strip(),
            proposed_by=actor.must_be_person(),
            proposed_at=clock.now(),
        )
        await made.save()
        for team in await rows(int, "SELECT id FROM organisation WHERE kind = 'operator' ORDER BY id"):
            await tell(
                team,
                "admissions/domain-proposed.txt",
                roles=("operator",),
                about=memberships.subject_of(row),
                domain=made,
                body=row,
                proposer=actor.name,
            )
        await _record(actor, "domain.proposed", row, made)
    return made


@binds(N_("confirm a domain as a body's own"))
async def confirm_domain(actor: Actor, ref: str) -> MailDomain:
    """Confirm a domain that somebody else proposed; an operator's act."""
    actor.must_wear("operator")
    async with transaction():
        row = await find(MailDomain, MailDomain.ref == ref, lock=True)
        body = await find(Organisation, Organisation.id == row.organisation)
        proposer = await find(Person, Person.id == row.proposed_by)
        before = hands.Hand("propose-domain", proposer.ref, proposer.name)
        links = await _links(body.id)
        insist(rules.CONFIRM, rules.Confirming(row, hands.Doing("confirm-domain", actor.ref, [before], links)))
        row.confirmed_by, row.confirmed_at = actor.must_be_person(), clock.now()
        await row.save([MailDomain.confirmed_by, MailDomain.confirmed_at])
        await _record(actor, "domain.confirmed", body, row)
    return row


async def withdraw_domain(actor: Actor, ref: str) -> MailDomain:
    """Take a domain back, proposed or confirmed: from now on addresses in it are outside. Who may propose one, alone."""
    actor.must_be_person()
    async with transaction():
        row = await find(MailDomain, MailDomain.ref == ref, lock=True)
        body = await find(Organisation, Organisation.id == row.organisation)
        if not any(accounts.may_give(actor, body.id, role) for role in accounts.ROLES[body.kind]):
            raise NotFound("MailDomain")
        insist(rules.WITHDRAW, row)
        row.withdrawn_by, row.withdrawn_at = actor.must_be_person(), clock.now()
        await row.save([MailDomain.withdrawn_by, MailDomain.withdrawn_at])
        await _record(actor, "domain.withdrawn", body, row)
    return row


async def _record(actor: Actor, verb: str, body: Organisation, row: MailDomain) -> None:
    said: dict[str, Plain] = {"domain": row.domain, "evidence": row.evidence, "mail_domain": row.ref}
    await record(actor, verb, memberships.subject_of(body), said, organisation=memberships.acting_for(actor, body.id))


async def domains(organisation: int | None = None) -> list[Domain]:
    """Every domain of a body (its id), or of all, the newest first; withdrawn ones too."""
    return await rows(
        Domain,
        """
        SELECT d.ref, o.name AS body, o.ref AS body_ref, d.domain, d.evidence, p.name AS proposer, p.ref AS proposer_ref,
            d.proposed_at, c.name AS confirmer, d.confirmed_at, d.withdrawn_at
        FROM mail_domain d JOIN organisation o ON o.id = d.organisation JOIN person p ON p.id = d.proposed_by
        LEFT JOIN person c ON c.id = d.confirmed_by
        WHERE {}::int IS NULL OR d.organisation = {} ORDER BY d.id DESC
        """,
        organisation,
        organisation,
    )


# ── somebody outside ───────────────────────────────────────────────────────────────────────────────────────────────


@binds(N_("let somebody in from outside a body's domains"))
async def agree(actor: Actor, ref: str) -> Invitation:
    """Agree to let in whom an invitation to an outside address names. When nobody is lacking any more the letter goes."""
    actor.must_be_person()
    async with transaction():
        row = await find(Invitation, Invitation.ref == ref, lock=True)
        if not accounts.may_give(actor, row.organisation, row.role):
            raise NotFound("Invitation")
        body = await find(Organisation, Organisation.id == row.organisation)
        insist(rules.BACK, await backing(actor, row))
        await invitations.speak_for(actor, row)
        await record(
            actor,
            "invitation.backed",
            memberships.subject_of(body),
            {"invitation": row.ref, "role": row.role},
            organisation=memberships.acting_for(actor, body.id),
        )
        words = await words_for(row.id)
        if not await lacking(row.role, row.organisation, words):
            await invitations.send(actor, row, body, together([each.name for each in words]))
    return row


async def backing(actor: Actor, row: Invitation) -> rules.Backing:
    """What the rules judge when somebody agrees, for the action and the page alike."""
    me = await maybe(Person, Person.id == actor.person)
    words = await words_for(row.id)
    missing = await lacking(row.role, row.organisation, words)
    own_side = actor.wears(*accounts.GIVERS[row.role], organisation=row.organisation) is not None
    return rules.Backing(
        invitation=row,
        doing=hands.Doing(
            "back-invitation",
            actor.ref,
            [hands.Hand("invite", each.ref, each.name) for each in words],
            await _links(row.organisation),
        ),
        own=me is not None and mailboxes.mailbox_of(me.email) == mailboxes.mailbox_of(row.email),
        wanted=bool(missing.body if own_side else missing.team),
        now=clock.arrived(),
    )


async def lacking(role: str, organisation: int, words: list[_Word]) -> rules.Lacking:
    """Who still has to agree that somebody holds this role in a body (its id)."""
    able = [each.ref for each in await holders(organisation, *accounts.GIVERS[role])]
    administrators = hands.pairs_of_hands(able, await links_in(organisation))
    return rules.lacking(role, administrators, [each.side for each in words])


async def words_for(invitation: int) -> list[_Word]:
    """Who spoke for an invitation (its id), in order, and for which side."""
    return await rows(
        _Word,
        """
        SELECT p.ref, p.name, v.side FROM invitation_voice v JOIN person p ON p.id = v.person
        WHERE v.invitation = {} ORDER BY v.id
        """,
        invitation,
    )


async def waiting_for(actor: Actor) -> list[Waiting]:
    """The invitations that wait and that this person could agree to: all for operators, those of her body for who gives the role."""
    found = await rows(
        Waiting,
        """
        SELECT i.id, i.ref, i.organisation, o.name AS body, o.ref AS body_ref, i.email, i.name, i.role, i.ground, i.paper,
            i.invited_at, i.expires_at
        FROM invitation i JOIN organisation o ON o.id = i.organisation
        WHERE i.sent_at IS NULL AND i.withdrawn_at IS NULL AND i.expires_at > {}
        ORDER BY i.id
        """,
        clock.arrived(),
    )
    return [each for each in found if accounts.may_give(actor, each.organisation, each.role)]


async def _links(organisation: int) -> list[hands.Link]:
    """Who let whom in lately, in a body (its id) and among operators."""
    team = await rows(int, "SELECT id FROM organisation WHERE kind = 'operator' AND id <> {} ORDER BY id", organisation)
    return [link for each in (organisation, *team) for link in await links_in(each)]
