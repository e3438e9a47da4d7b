"""Proposing, confirming and stopping an appointment, and the public register of them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from market import clock, mailboxes, policy
from market.accounts import invitations, memberships
from market.accounts import rules as accounts
from market.accounts.actions import Email, plain_address
from market.accounts.people import auditors, tell
from market.accounts.tables import Membership, Organisation, Person
from market.actor import Actor, Hat, Role, role_words
from market.appointments import rules
from market.appointments.tables import Appointment, Installed, Listed
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.hands import rules as hands
from market.hands.readers import links_in
from market.proof.canonical import Plain
from market.reads import rows, the
from market.refusals import insist
from market.touch import binds
from market.wording import N_, _, together

APPOINTERS: tuple[Role, ...] = ("operator", "auditor")
"""Who proposes, confirms and objects."""

Appointed = Literal["minister", "auditor", "operator"]


class AppointmentDraft(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to appoint, to what, and by which paper; for a minister the title and the days of office."""

    organisation: Annotated[str, Meta(title=N_("Body"), min_length=3, max_length=16)]
    name: Annotated[str, Meta(title=N_("Name"), min_length=2, max_length=120)]
    email: Email
    role: Annotated[Appointed, Meta(title=N_("Role"))]
    instrument: Annotated[str, Meta(title=N_("What appoints her"), max_length=1000)]
    title: Annotated[str, Meta(title=N_("Title of the office"), max_length=120)] = ""
    office_since: Annotated[date | None, Meta(title=N_("First day in office"))] = None
    office_until: Annotated[date | None, Meta(title=N_("Last day in office"))] = None


class Objection(msgspec.Struct, forbid_unknown_fields=True):
    """Why an appointment shall not take effect."""

    reason: Annotated[str, Meta(title=N_("Why it shall not take effect"), max_length=2000)] = ""


@binds(N_("propose somebody for an office"))
async def propose(actor: Actor, given: AppointmentDraft) -> Appointment:
    """Propose somebody as minister, auditor or operator. Those who may confirm it are told; nobody else is yet."""
    hat = _appoints(actor)
    async with transaction():
        body = await find(Organisation, Organisation.ref == given.organisation, lock=True)
        office = invitations.office_of(body, msgspec.structs.asdict(given))
        insist(accounts.INVITE, office)
        address = plain_address(given.email)
        me = await find(Person, Person.id == actor.must_be_person())
        minister = given.role == "minister"
        insist(
            rules.PROPOSE,
            rules.Proposal(
                role=given.role,
                since=office.since if minister else None,
                now=clock.arrived(),
                instrument=given.instrument,
                own=mailboxes.mailbox_of(address) == mailboxes.mailbox_of(me.email),
                shared=mailboxes.is_shared(address),
                others=await others_than(actor),
                auditors=await auditors(),
            ),
        )
        row = Appointment(
            organisation=body.id,
            name=" ".join(given.name.split()),
            email=address,
            role=given.role,
            title=given.title.strip(),
            instrument=given.instrument.strip(),
            since=office.since if minister else None,
            until=office.until if minister else None,
            proposed_by=me.id,
            proposed_at=clock.now(),
        )
        await row.save()
        for overseers in await rows(int, "SELECT id FROM organisation WHERE kind IN ('operator', 'audit') ORDER BY id"):
            await tell(
                overseers,
                "appointments/proposed.txt",
                roles=APPOINTERS,
                about=memberships.subject_of(body),
                appointment=row,
                role=role_words(row.role),
                body=body,
                proposer=actor.name,
            )
        await _record(actor, "appointment.proposed", body, row, hat)
    return row


@binds(N_("confirm an appointment"))
async def confirm(actor: Actor, ref: str) -> Appointment:
    """Confirm what somebody else proposed: it is public from now on, she is asked by letter to accept, and acts when the
    policy's hours are over and her office has begun."""
    hat = _appoints(actor)
    async with transaction():
        row = await find(Appointment, Appointment.ref == ref, lock=True)
        body = await find(Organisation, Organisation.id == row.organisation)
        insist(rules.CONFIRM, await confirming(actor, row))
        now = clock.now()
        published = now + timedelta(hours=policy.IN_FORCE.people.appointment_hours)
        proposer = await find(Person, Person.id == row.proposed_by)
        row.confirmed_by, row.confirmed_at = actor.must_be_person(), now
        row.effect_at = max(row.since or published, published)
        invitation, _token = await invitations.offer(
            actor,
            body,
            row.email,
            accounts.Office(body.kind, body.tier, row.role, row.title, row.effect_at, row.until),
            invitations.Admitted(row.name, _("Proposed by one, confirmed by another, and public."), row.instrument),
            inviter=together([proposer.name, actor.name]),
            invited_by=row.proposed_by,
        )
        row.invitation = invitation.id
        await row.save(
            [Appointment.confirmed_by, Appointment.confirmed_at, Appointment.effect_at, Appointment.invitation]
        )
        for audit in await rows(int, "SELECT id FROM organisation WHERE kind = 'audit' ORDER BY id"):
            await tell(
                audit,
                "appointments/confirmed.txt",
                roles=("auditor",),
                about=memberships.subject_of(body),
                appointment=row,
                role=role_words(row.role),
                body=body,
                proposer=proposer.name,
                confirmer=actor.name,
            )
        await _record(actor, "appointment.confirmed", body, row, hat)
    return row


@binds(N_("stop an appointment"))
async def withdraw(actor: Actor, ref: str, given: Objection) -> Appointment:
    """Stop an appointment before it takes effect, with a reason that everybody reads: an operator, or any auditor."""
    hat = _appoints(actor)
    async with transaction():
        row = await find(Appointment, Appointment.ref == ref, lock=True)
        body = await find(Organisation, Organisation.id == row.organisation)
        now = clock.arrived()
        insist(rules.WITHDRAW, rules.Withdrawing(row, given.reason, now))
        row.withdrawn_by, row.withdrawn_at, row.withdrawn_because = actor.must_be_person(), now, given.reason.strip()
        await row.save([Appointment.withdrawn_by, Appointment.withdrawn_at, Appointment.withdrawn_because])
        if row.invitation is not None:
            await invitations.take_back(row.invitation)
            person = await maybe(Person, Person.email == row.email)
            if person is not None:  # who has accepted already would have begun later: now she never does
                await Membership.update({Membership.until: Membership.since}).where(
                    (Membership.person == person.id)
                    & (Membership.organisation == body.id)
                    & (Membership.role == row.role)
                    & (Membership.since > now)
                )
        await _record(actor, "appointment.withdrawn", body, row, hat, {"reason": row.withdrawn_because})
    return row


# ── reads ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def register(actor: Actor) -> list[Listed]:
    """Every appointment, newest first; those that are only proposed for operators and auditors alone."""
    return await rows(
        Listed,
        """
        SELECT a.ref, o.name AS body, o.ref AS body_ref, a.name, a.role, a.title, a.instrument, a.since, a.until,
          p.name AS proposer, a.proposed_at, c.name AS confirmer, a.confirmed_at, a.effect_at, w.name AS withdrawer,
          a.withdrawn_at, a.withdrawn_because
        FROM appointment a JOIN organisation o ON o.id = a.organisation JOIN person p ON p.id = a.proposed_by
        LEFT JOIN person c ON c.id = a.confirmed_by LEFT JOIN person w ON w.id = a.withdrawn_by
        WHERE {} OR a.confirmed_at IS NOT NULL ORDER BY a.id DESC
        """,
        actor.wears(*APPOINTERS) is not None,
    )


async def confirming(actor: Actor, row: Appointment) -> rules.Confirming:
    """What the rules of a confirmation judge, for the action and the page alike."""
    me = await find(Person, Person.id == actor.must_be_person())
    proposer = await find(Person, Person.id == row.proposed_by)
    bodies = await rows(
        int,
        """
        SELECT DISTINCT m.organisation FROM membership m JOIN organisation o ON o.id = m.organisation
        WHERE m.person = ANY({}::int[]) AND o.kind IN ('operator', 'audit')
        """,
        [me.id, proposer.id],
    )
    links = [link for each in bodies for link in await links_in(each)]
    before = hands.Hand("propose-appointment", proposer.ref, proposer.name)
    operator = await the(
        bool,
        """
        SELECT EXISTS (SELECT 1 FROM membership m WHERE m.person = {} AND m.role = 'operator' AND m.since <= {}
          AND (m.until IS NULL OR m.until > {}))
        """,
        proposer.id,
        row.proposed_at,
        row.proposed_at,
    )
    return rules.Confirming(
        row,
        hands.Doing("confirm-appointment", actor.ref, [before], links),
        row.email == me.email,
        operator or actor.wears("operator") is not None,
    )


async def others_than(actor: Actor) -> int:
    """How many others could confirm what this person proposes; an auditor's is confirmed by operators only."""
    return await the(
        int,
        """
        SELECT count(DISTINCT m.person) FROM membership m JOIN person p ON p.id = m.person
        WHERE m.role = ANY({}::text[]) AND m.person <> {} AND m.since <= {} AND (m.until IS NULL OR m.until > {})
          AND p.closed_at IS NULL
        """,
        list(APPOINTERS) if actor.wears("operator") else ["operator"],
        actor.must_be_person(),
        clock.now(),
        clock.now(),
    )


async def at_installation() -> list[Installed]:
    """Ministers, auditors and operators whom no appointment made: those with whom the site began, oldest first. Whoever was
    written into the database stands here too."""
    return await rows(
        Installed,
        """
        SELECT p.name, m.role, m.title, o.name AS body, o.ref AS body_ref, m.since, m.until
        FROM membership m JOIN person p ON p.id = m.person JOIN organisation o ON o.id = m.organisation
        WHERE m.role = ANY({}::text[])
          AND NOT EXISTS (SELECT 1 FROM appointment a WHERE a.invitation = m.invitation)
        ORDER BY m.since, m.id
        """,
        list(accounts.APPOINTED),
    )


def _appoints(actor: Actor) -> Hat:
    if actor.method == "token":
        raise rules.NO_PROGRAM.refused()
    return actor.must_wear(*APPOINTERS)


async def _record(
    actor: Actor,
    verb: str,
    body: Organisation,
    row: Appointment,
    hat: Hat,
    more: dict[str, Plain] | None = None,
) -> None:
    said: dict[str, Plain] = {
        "appointment": row.ref,
        "role": row.role,
        "title": row.title,
        "instrument": row.instrument,
        "since": row.since.isoformat() if row.since else None,
        "until": row.until.isoformat() if row.until else None,
        "effect": row.effect_at.isoformat() if row.effect_at else None,
        **(more or {}),
    }
    await record(
        actor,
        verb,
        memberships.subject_of(body),
        said,
        private={"name": row.name, "email": row.email},
        organisation=hat.organisation_ref,
    )
