"""Letting people in: by name, on somebody's word, by a letter to an address; and joining as the letter says.

Where an address is outside the verified domains of a public body the letter waits until others have agreed
(`market.admissions`): a mailbox that anybody can open shows nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from asyncpg.exceptions import UniqueViolationError
from msgspec import Meta

from market import clock, mailboxes
from market.accounts import passwords, rules
from market.accounts.actions import Email, plain_address
from market.accounts.bodies import Body
from market.accounts.marks import is_outside
from market.accounts.memberships import (
    INVITATION_GOOD_FOR,
    acting_for,
    after,
    begin,
    first_moment,
    must_give,
    subject_of,
)
from market.accounts.people import tell
from market.accounts.sessions import actor_of, digest, new_token
from market.accounts.tables import Invitation, InvitationVoice, Organisation, Person
from market.actor import Actor, Role, role_words
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.letters.actions import write
from market.proof.canonical import Plain
from market.reads import rows
from market.refusals import NotFound, Refusal, Refused, insist, refusals
from market.touch import declared, must_have_touched
from market.web.limits import Limit, spend
from market.wording import N_

INVITING = declared("market.accounts.invitations.invite", N_("invite somebody to a role that binds a public body"))
"""What a firm's own people invite each other to is theirs: a small firm without a device must be able to bid."""
INVITATIONS = Limit("invitations", 60, 3600)
"""Letters to strangers that one body may cause."""


class InvitationDraft(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to invite, by her full name, into which role; into a public body also how she is known and the paper kept with it;
    for a minister the title and the dates of office."""

    email: Email
    role: Annotated[Role, Meta(title=N_("Role"))]
    name: Annotated[str, Meta(title=N_("Full name"), min_length=2, max_length=120)]
    ground: Annotated[str, Meta(title=N_("How you know that it is she"), max_length=1000)] = ""
    paper: Annotated[str, Meta(title=N_("Paper that is kept"), max_length=1000)] = ""
    title: Annotated[str, Meta(title=N_("Title of the office"), max_length=120)] = ""
    office_since: Annotated[date | None, Meta(title=N_("First day in office"))] = None
    office_until: Annotated[date | None, Meta(title=N_("Last day in office"))] = None


class Acceptance(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked of somebody who accepts an invitation and has no account yet. The name is that of the invitation; it is asked
    only where an older invitation has none."""

    name: Annotated[str, Meta(title=N_("Your name"), max_length=120)]
    password: Annotated[str, Meta(title=N_("Password"), min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class Admitted:
    """Who is let in, and on what: her name, how she is known, and the paper."""

    name: str
    ground: str
    paper: str


@dataclass(frozen=True, slots=True)
class Open:
    """An invitation as its letter's reader sees it: into which body, and whether the address has an account."""

    invitation: Invitation
    organisation: Organisation
    holder: Person | None


async def invite(actor: Actor, organisation: str, given: InvitationDraft) -> tuple[Invitation, str]:
    """Invite somebody to a role in a body, by a letter to her address; also answers the letter's token. A second invitation of
    the same address to the same role replaces the first. Whether the address has an account is not told. An address outside a
    public body's domains waits for others first. Ministers, auditors and operators are appointed by two people instead."""
    body = await find(Organisation, Organisation.ref == organisation)
    if body.kind != "supplier":
        must_have_touched(actor, INVITING)
    must_give(actor, body.id, given.role)
    if given.role in rules.APPOINTED:
        raise rules.APPOINTED_BY_TWO.refused()
    await spend(INVITATIONS, body.ref)
    async with transaction():
        told = msgspec.structs.asdict(given)
        insist(rules.INVITE, office_of(body, told))
        insist(rules.ADMIT, await admission_of(actor, body, told))
        return await offer(
            actor,
            body,
            given.email,
            office_of(body, told),
            Admitted(" ".join(given.name.split()), given.ground.strip(), given.paper.strip()),
            inviter=actor.name,
            invited_by=actor.must_be_person(),
            waits=body.kind != "supplier" and await is_outside(body.id, given.email),
        )


async def objections(actor: Actor, body: Body, told: Mapping[str, Any]) -> list[Refusal]:
    """What stands against an invitation as far as it could be read: of the fields of an :class:`InvitationDraft` by name."""
    return [
        *refusals(rules.INVITE, office_of(body, told)),
        *refusals(rules.ADMIT, await admission_of(actor, body, told)),
    ]


async def admission_of(actor: Actor, body: Organisation | Body, told: Mapping[str, Any]) -> rules.Admission:
    """What the rules judge of letting somebody into a body, from fields by name, some of which may be missing."""
    address = plain_address(told.get("email", ""))
    me = await find(Person, Person.id == actor.must_be_person())
    there = await rows(
        str,
        "SELECT DISTINCT p.email FROM membership m JOIN person p ON p.id = m.person WHERE m.organisation = {}",
        body.id,
    )
    mailbox = mailboxes.mailbox_of(address)
    return rules.Admission(
        kind=body.kind,
        address=address,
        ground=told.get("ground", ""),
        paper=told.get("paper", ""),
        own=mailbox == mailboxes.mailbox_of(me.email),
        another_of=any(each != address and mailboxes.mailbox_of(each) == mailbox for each in there),
    )


async def offer(
    actor: Actor,
    body: Organisation,
    email: str,
    office: rules.Office,
    admitted: Admitted,
    *,
    inviter: str,
    invited_by: int,
    waits: bool = False,
) -> tuple[Invitation, str]:
    """Write down an invitation whose right was judged before: the actor's own, or that of two who appoint (`inviter` names
    them), and send its letter unless it waits for others. `invited_by` is on whose word she comes."""
    async with transaction():
        now, address, token = clock.now(), plain_address(email), new_token()
        await Invitation.update({Invitation.withdrawn_at: now}).where(
            (Invitation.organisation == body.id)
            & (Invitation.email == address)
            & (Invitation.role == office.role)
            & (Invitation.accepted_at.is_null())
            & (Invitation.withdrawn_at.is_null())
        )
        appointed = office.role in rules.APPOINTED
        row = Invitation(
            organisation=body.id,
            email=address,
            name=admitted.name,
            ground=admitted.ground,
            paper=admitted.paper,
            outside=waits,
            role=office.role,
            title=office.title.strip(),
            office_since=office.since if appointed else None,
            office_until=office.until if appointed else None,
            token_hash=digest(token),
            invited_by=invited_by,
            invited_at=now,
            expires_at=now + INVITATION_GOOD_FOR,
        )
        await row.save()
        if not waits:
            return row, await send(actor, row, body, inviter)
        await speak_for(actor, row)
        facts = {"invitation": row, "body": body, "inviter": inviter, "role": row.title or role_words(office.role)}
        await tell(
            body.id, "accounts/invitation-waits.txt", roles=rules.GIVERS[office.role], about=subject_of(body), **facts
        )
        for team in await rows(int, "SELECT id FROM organisation WHERE kind = 'operator' ORDER BY id"):
            await tell(team, "accounts/invitation-waits.txt", roles=("operator",), about=subject_of(body), **facts)
        await record(
            actor,
            "invitation.proposed",
            subject_of(body),
            {"invitation": row.ref, "role": row.role},
            private=_kept(row),
            organisation=acting_for(actor, body.id),
        )
    return row, ""


async def speak_for(actor: Actor, row: Invitation) -> None:
    """Keep the actor's word for an invitation to an outside address: for the body where she may give the role there, else for
    the operator. Part of an action that writes down why."""
    own = actor.wears(*rules.GIVERS[row.role], organisation=row.organisation)
    await InvitationVoice.insert(
        InvitationVoice(
            invitation=row.id,
            person=actor.must_be_person(),
            side="body" if own else "team",
            given_at=clock.arrived(),
        )
    )


async def send(actor: Actor, row: Invitation, body: Organisation, inviter: str) -> str:
    """Write the letter of an invitation, which is good for two weeks from now; answers its token."""
    async with transaction():
        now, token = clock.now(), new_token()
        row.sent_at, row.expires_at, row.token_hash = now, now + INVITATION_GOOD_FOR, digest(token)
        await row.save([Invitation.sent_at, Invitation.expires_at, Invitation.token_hash])
        await write(
            row.email,
            "",
            "accounts/invitation.txt",
            for_people_of=body.id,
            about=subject_of(body),
            secret=True,
            organisation=body.name,
            inviter=inviter,
            invited=row.name,
            role=row.title or role_words(row.role),
            token=token,
            until=row.expires_at,
        )
        await record(
            actor,
            "invitation.sent",
            subject_of(body),
            {"invitation": row.ref, "role": row.role, "outside": row.outside},
            private=_kept(row),
            organisation=acting_for(actor, body.id),
        )
    return token


def _kept(row: Invitation) -> dict[str, Plain]:
    return {"name": row.name, "email": row.email, "ground": row.ground, "paper": row.paper}


async def take_back(invitation: int) -> None:
    """Put an invitation (its id) out of use that was not accepted yet; part of an action that writes down why."""
    await Invitation.update({Invitation.withdrawn_at: clock.now()}).where(
        (Invitation.id == invitation) & Invitation.accepted_at.is_null() & Invitation.withdrawn_at.is_null()
    )


def office_of(body: Organisation | Body, told: Mapping[str, Any]) -> rules.Office:
    """The role an invitation offers, from the fields of an :class:`InvitationDraft` by name, some of which may be missing."""
    return rules.Office(
        body.kind,
        body.tier,
        told.get("role", ""),
        told.get("title", ""),
        first_moment(told.get("office_since")),
        after(told.get("office_until")),
    )


async def withdraw_invitation(actor: Actor, organisation: str, ref: str) -> Invitation:
    """Take an invitation into a body back: its letter no longer opens anything."""
    async with transaction():
        body = await find(Organisation, Organisation.ref == organisation)
        row = await find(Invitation, (Invitation.ref == ref) & (Invitation.organisation == body.id), lock=True)
        if not rules.may_give(actor, body.id, row.role):
            raise NotFound("Invitation")
        insist((rules.still_open,), row, clock.arrived())
        row.withdrawn_at = clock.arrived()
        await row.save([Invitation.withdrawn_at])
        await record(
            actor,
            "invitation.withdrawn",
            subject_of(body),
            {"invitation": row.ref},
            organisation=acting_for(actor, body.id),
        )
    return row


async def open_invitation(token: str) -> Open:
    """The invitation of a letter; unknown tokens are a 404, spent ones say what to do."""
    row = await find(Invitation, Invitation.token_hash == digest(token))
    if reasons := refusals(rules.ACCEPT, row, clock.arrived()):
        raise Refused(*reasons, status=410)
    body = await find(Organisation, Organisation.id == row.organisation)
    return Open(row, body, await maybe(Person, Person.email == row.email))


async def accept(actor: Actor, token: str, given: Acceptance | None = None) -> Person:
    """Join as the letter says. The letter proves the address: somebody with an account must be signed in to it, somebody
    without gets one, in the name of the invitation. Without a password (`given.password` empty) the account opens by passkey or
    a reset letter only.
    """
    offered = await open_invitation(token)
    holder, kept = offered.holder, ""
    chooses = holder is None or (not holder.password_hash and actor.person != holder.id)
    if holder is not None and not chooses and actor.person != holder.id:
        raise rules.SIGN_IN_AS_INVITED.refused(email=holder.email)
    name = offered.invitation.name
    if chooses:
        typed = given or Acceptance("", "")
        insist((rules.has_a_name, rules.is_the_one_invited), name, typed.name)
        name = name or " ".join(typed.name.split())
        if given is not None and given.password:
            insist(rules.PASSWORD, given.password, (name, offered.invitation.email))
            kept = await passwords.hashed(given.password)
    async with transaction():
        row = await find(Invitation, Invitation.id == offered.invitation.id, lock=True)
        insist(rules.ACCEPT, row, clock.arrived())
        row.accepted_at = clock.arrived()
        await row.save([Invitation.accepted_at])
        person = await maybe(Person, Person.email == row.email, lock=True) or Person(
            email=row.email, created_at=clock.arrived()
        )
        if chooses and person.password_hash:  # somebody with a letter to the same address was quicker
            raise rules.SIGN_IN_AS_INVITED.refused(email=person.email)
        if chooses:
            person.name, person.password_hash = name, kept
            await _keep_person(person, new=not person.id)
        else:
            insist((rules.is_the_one_invited,), row.name, person.name)
        joined = await actor_of(person.id, "letter")
        await begin(
            joined,
            person,
            offered.organisation,
            row.role,
            row.title,
            _first(row),
            until=row.office_until,
            invitation=row.id,
        )
    return person


async def accept_here(actor: Actor, ref: str) -> Organisation:
    """Join as an invitation (its reference) to one's own address says, from one's account: the address was proved when the
    account was made, so the letter is not needed. Invitations to other addresses are not there, nor those that wait."""
    async with transaction():
        person = await find(Person, Person.id == actor.must_be_person())
        row = await find(
            Invitation,
            (Invitation.ref == ref) & (Invitation.email == person.email) & (Invitation.sent_at.is_not_null()),
            lock=True,
        )
        insist(rules.ACCEPT, row, clock.arrived())
        insist((rules.is_the_one_invited,), row.name, person.name)
        row.accepted_at = clock.arrived()
        await row.save([Invitation.accepted_at])
        body = await find(Organisation, Organisation.id == row.organisation)
        await begin(actor, person, body, row.role, row.title, _first(row), until=row.office_until, invitation=row.id)
    return body


def _first(invitation: Invitation) -> datetime | None:
    """When the role begins: an office as it was published, another role when it is accepted and not before it was published."""
    since = invitation.office_since
    return since if since is None or invitation.role == "minister" else max(since, clock.now())


async def _keep_person(person: Person, *, new: bool) -> None:
    try:
        async with transaction():
            await person.save(None if new else [Person.name, Person.password_hash])
    except UniqueViolationError:
        raise rules.SIGN_IN_AS_INVITED.refused(email=person.email) from None
