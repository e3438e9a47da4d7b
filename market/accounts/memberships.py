"""Bodies and the people in them: founding an organisation, inviting, joining, and ending a membership.

Authority has dates. A membership is never deleted or rewritten: it ends, and another begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

import msgspec
from asyncpg.exceptions import UniqueViolationError
from msgspec import Meta

from market import clock, drafts
from market import organisations as registers
from market.accounts import passwords, rules
from market.accounts.actions import Email, others_with, plain_address
from market.accounts.bodies import Body
from market.accounts.edits import Trace, revise
from market.accounts.people import tell_person
from market.accounts.sessions import actor_of, digest, new_token
from market.accounts.tables import Invitation, Membership, Organisation, Person
from market.actor import SYSTEM, Actor, Role, role_words
from market.audit.actions import record
from market.db import find, many, maybe, transaction
from market.letters.actions import write
from market.reads import rows
from market.refusals import NotFound, Refusal, Refused, insist, refusals
from market.rules import ROLE_NEEDED
from market.touch import binds, declared, must_have_touched
from market.web.limits import Limit, spend
from market.wording import N_, either

INVITATION_GOOD_FOR = timedelta(days=14)
INVITATIONS = Limit("invitations", 60, 3600)
"""Letters to strangers that one body may cause."""

INVITING = declared("market.accounts.memberships.invite", N_("invite somebody to a role that binds a public body"))
"""What a firm's own people invite each other to is theirs: a small firm without a device must be able to bid."""
ENDING = declared("market.accounts.memberships.end", N_("end somebody's role in a public body"))

Kind = Literal["buyer", "audit", "operator"]
Tier = Literal["", "central", "sub-central", "local", "health", "other"]


Website = Annotated[
    str, Meta(title=N_("Website"), max_length=200, pattern=r"^(https?://\S+)?$", examples=["https://council.example"])
]


class OrganisationDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked about a body that an operator enters; suppliers register themselves."""

    name: Annotated[str, Meta(title=N_("Name"), min_length=3, max_length=160)]
    kind: Annotated[Kind, Meta(title=N_("Kind of organisation"))]
    tier: Annotated[Tier, Meta(title=N_("Tier of government"))] = ""
    department: Annotated[str, Meta(title=N_("Department that answers for it"), max_length=16)] = ""
    country: Annotated[str, Meta(title=N_("Country"), pattern="^[A-Z]{2}$")] = "GB"
    scheme: Annotated[str, Meta(title=N_("Register"), max_length=20)] = ""
    identifier: Annotated[str, Meta(title=N_("Number in the register"), max_length=40)] = ""
    region: Annotated[str, Meta(title=N_("Region"), max_length=80)] = ""
    website: Website = ""
    email: Annotated[str, Meta(title=N_("Public email address"), max_length=254)] = ""


class OrganisationChange(msgspec.Struct, forbid_unknown_fields=True):
    """What an operator may change of a body that was entered: its kind and its number stay, and what decides which rule binds
    it (tier, department) is changed by a ruling."""

    name: Annotated[str, Meta(title=N_("Name"), min_length=3, max_length=160)]
    region: Annotated[str, Meta(title=N_("Region"), max_length=80)] = ""
    website: Website = ""
    email: Annotated[str, Meta(title=N_("Public email address"), max_length=254)] = ""


class InvitationDraft(msgspec.Struct, forbid_unknown_fields=True):
    """Whom to invite, into which role; for a minister the title and the dates of office."""

    email: Email
    role: Annotated[Role, Meta(title=N_("Role"))]
    title: Annotated[str, Meta(title=N_("Title of the office"), max_length=120)] = ""
    office_since: Annotated[date | None, Meta(title=N_("First day in office"))] = None
    office_until: Annotated[date | None, Meta(title=N_("Last day in office"))] = None


class Acceptance(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked of somebody who accepts an invitation and has no account yet."""

    name: Annotated[str, Meta(title=N_("Your name"), min_length=2, max_length=120)]
    password: Annotated[str, Meta(title=N_("Password"), min_length=1, max_length=200)]


class Ending(msgspec.Struct, forbid_unknown_fields=True):
    """When a role ends: at the end of a day, or now when none is given."""

    last_day: Annotated[date | None, Meta(title=N_("Last day"))] = None


@dataclass(frozen=True, slots=True)
class Open:
    """An invitation as its letter's reader sees it: into which body, and whether the address has an account."""

    invitation: Invitation
    organisation: Organisation
    holder: Person | None


def subject_of(organisation: Organisation) -> str:
    """What the log calls a body: suppliers have their own kind of record."""
    return f"{'supplier' if organisation.kind == 'supplier' else 'organisation'}:{organisation.ref}"


def first_moment(day: date | None) -> datetime | None:
    """When a day of office begins, by the site's clock on the wall."""
    return None if day is None else datetime.combine(day, time(), clock.ZONE).astimezone(UTC)


def after(day: date | None) -> datetime | None:
    """When a last day of office is over: the first moment of the day after."""
    return None if day is None else first_moment(day + timedelta(days=1))


def number_of(scheme: str, identifier: str) -> registers.Identifier | None:
    """The number in its register as it is kept; None when none is given. A wrong one is refused beside its field."""
    if not scheme and not identifier:
        return None
    if not scheme:
        raise rules.REGISTER_MISSING.refused()
    try:
        return registers.check(scheme, identifier)
    except ValueError as error:
        raise rules.NUMBER_NOT_VALID.refused(why=error) from None


# ── organisations ──────────────────────────────────────────────────────────────────────────────────────────────────


@binds(N_("enter an organisation"))
async def create_organisation(actor: Actor, given: OrganisationDraft) -> Organisation:
    """Enter a buyer, the audit body or another operator; an operator's act. Whatever tier a buyer is entered with, the rule binds
    it as central government until a ruling says otherwise."""
    hat = actor.must_wear("operator")
    async with transaction():
        if reasons := await objections(msgspec.structs.asdict(given)):
            raise Refused(*reasons)
        department = await maybe(Organisation, Organisation.ref == given.department) if given.department else None
        number = number_of(given.scheme, given.identifier)
        row = await keep(
            Organisation(
                **drafts.facts(
                    given,
                    name=" ".join(given.name.split()),
                    tier="central" if given.tier else "",
                    tier_entered=given.tier,
                    department=department.id if department else None,
                    scheme=number.scheme if number else "",
                    identifier=number.number if number else "",
                    created_at=clock.now(),
                )
            )
        )
        await record(
            actor,
            "organisation.created",
            subject_of(row),
            {
                "name": row.name,
                "kind": row.kind,
                "tier": row.tier_entered,
                "scheme": row.scheme,
                "identifier": row.identifier,
            },
            organisation=hat.organisation_ref,
        )
    return row


@binds(N_("change what is known of an organisation"))
async def change_organisation(actor: Actor, ref: str, given: OrganisationChange, seen: str) -> Organisation:
    """Change what is told of a body that was entered; an operator's act. What the body published before is told again, because
    its name stands there. Suppliers change their own profile."""
    actor.must_wear("operator")
    async with transaction():
        row = await find(Organisation, (Organisation.ref == ref) & (Organisation.kind != "supplier"), lock=True)
        told = {"name": " ".join(given.name.split())}
        before = {name: getattr(row, name) for name in told}
        await revise(
            given,
            seen,
            row,
            trace=Trace("organisation.changed", subject_of(row)),
            name=told["name"],
        )
        await record(
            actor,
            "organisation.changed",
            subject_of(row),
            {**told, "before": before},
            organisation=_acting_for(actor, row.id),
            announce=await _told_of(ref) if told["name"] != before["name"] else (),
        )
    return row


async def _told_of(ref: str) -> list[str]:
    """The records on which the log has this body act: they name it."""
    return await rows(str, "SELECT DISTINCT subject FROM event WHERE organisation = {} ORDER BY subject", ref)


async def objections(told: Mapping[str, Any]) -> list[Refusal]:
    """What stands against entering a body as far as it could be read: of the fields of an :class:`OrganisationDraft` by
    name, some of which may be missing."""
    chosen = told.get("department", "")
    department = await maybe(Organisation, Organisation.ref == chosen) if chosen else None
    found = []
    if chosen and (department is None or department.tier_entered not in ("", "central")):
        found.append(rules.DEPARTMENT_UNKNOWN.refusal())
    found += refusals(rules.CREATE, told.get("kind", ""), told.get("tier", ""), department)
    try:
        number_of(told.get("scheme", ""), told.get("identifier", ""))
    except Refused as refused:
        found += refused.reasons
    return found


async def keep(row: Organisation) -> Organisation:
    """Insert a body; a second with the same number is refused with the name of the first."""
    try:
        async with transaction():
            await row.save()
    except UniqueViolationError:
        first = await find(
            Organisation, (Organisation.scheme == row.scheme) & (Organisation.identifier == row.identifier)
        )
        raise rules.REGISTERED_ALREADY.refused(name=first.name) from None
    return row


async def found_site(name: str, email: str, organisation: str) -> str:
    """Let in one of the first two operators of a site: the first founds the operator's body, named `organisation`; the second
    joins it, so that the two can appoint others together. Answers the token of her invitation, for whoever typed the command.
    Refused once there are two."""
    async with transaction():
        address = plain_address(email)
        await many("LOCK TABLE organisation IN SHARE ROW EXCLUSIVE MODE")
        body = await maybe(Organisation, Organisation.kind == "operator")
        operators = await rows(
            str, "SELECT DISTINCT p.email FROM membership m JOIN person p ON p.id = m.person WHERE m.role = 'operator'"
        )
        if len(operators) > 1 or address in operators:
            raise rules.FOUNDED_ALREADY.refused()
        if body is None:
            body = Organisation(name=organisation, kind="operator", tier="", created_at=clock.now())
            await body.save()
            await record(SYSTEM, "organisation.created", subject_of(body), {"name": body.name, "kind": "operator"})
        person = await maybe(Person, Person.email == address)
        if person is None:
            person = Person(name=name, email=address, created_at=clock.now())
            await person.save()
        await begin(SYSTEM, person, body, "operator")
        token = new_token()
        await Invitation.insert(
            Invitation(
                organisation=body.id,
                email=person.email,
                role="operator",
                token_hash=digest(token),
                invited_by=person.id,
                invited_at=clock.now(),
                expires_at=clock.now() + INVITATION_GOOD_FOR,
            )
        )
    return token


# ── invitations ────────────────────────────────────────────────────────────────────────────────────────────────────


async def invite(actor: Actor, organisation: str, given: InvitationDraft) -> tuple[Invitation, str]:
    """Invite an address to a role in a body, by letter; also answers the letter's token. A second invitation of the same
    address to the same role replaces the first. Whether the address has an account is not told. Ministers, auditors and
    operators are appointed by two people instead."""
    body = await find(Organisation, Organisation.ref == organisation)
    if body.kind != "supplier":
        must_have_touched(actor, INVITING)
    _must_give(actor, body.id, given.role)
    if given.role in rules.APPOINTED:
        raise rules.APPOINTED_BY_TWO.refused()
    await spend(INVITATIONS, body.ref)
    async with transaction():
        office = office_of(body, msgspec.structs.asdict(given))
        insist(rules.INVITE, office)
        return await offer(actor, body, given.email, office, inviter=actor.name, invited_by=actor.must_be_person())


async def offer(
    actor: Actor, body: Organisation, email: str, office: rules.Office, *, inviter: str, invited_by: int
) -> tuple[Invitation, str]:
    """Write the letter of an invitation whose right was judged before: the actor's own, or that of two who appoint (`inviter`
    names them). `invited_by` is on whose word she comes."""
    async with transaction():
        now, token, address = clock.now(), new_token(), plain_address(email)
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
        await write(
            address,
            "",
            "accounts/invitation.txt",
            for_people_of=body.id,
            about=subject_of(body),
            secret=True,
            organisation=body.name,
            inviter=inviter,
            role=row.title or role_words(office.role),
            token=token,
            until=row.expires_at,
        )
        await record(
            actor,
            "invitation.sent",
            subject_of(body),
            {"invitation": row.ref, "role": row.role},
            organisation=_acting_for(actor, body.id),
        )
    return row, token


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
            organisation=_acting_for(actor, body.id),
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
    without gets one. Without a password (`given.password` empty) the account opens by passkey or a reset letter only.
    """
    offered = await open_invitation(token)
    holder, kept = offered.holder, ""
    chooses = holder is None or (not holder.password_hash and actor.person != holder.id)
    if chooses and given is None:
        raise rules.NAME_NEEDED.refused()
    if holder is not None and not chooses and actor.person != holder.id:
        raise rules.SIGN_IN_AS_INVITED.refused(email=holder.email)
    if chooses and given is not None and given.password:
        insist(rules.PASSWORD, given.password, (given.name, offered.invitation.email))
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
        if chooses and given is not None:
            person.name, person.password_hash = " ".join(given.name.split()), kept
            await _keep_person(person, new=not person.id)
        joined = await actor_of(person.id, "letter")
        await begin(joined, person, offered.organisation, row.role, row.title, _first(row), row.office_until)
    return person


async def accept_here(actor: Actor, ref: str) -> Organisation:
    """Join as an invitation (its reference) to one's own address says, from one's account: the address was proved when the
    account was made, so the letter is not needed. Invitations to other addresses are not there."""
    async with transaction():
        person = await find(Person, Person.id == actor.must_be_person())
        row = await find(Invitation, (Invitation.ref == ref) & (Invitation.email == person.email), lock=True)
        insist(rules.ACCEPT, row, clock.arrived())
        row.accepted_at = clock.arrived()
        await row.save([Invitation.accepted_at])
        body = await find(Organisation, Organisation.id == row.organisation)
        await begin(actor, person, body, row.role, row.title, _first(row), row.office_until)
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


# ── memberships ────────────────────────────────────────────────────────────────────────────────────────────────────


async def begin(
    actor: Actor,
    person: Person,
    organisation: Organisation,
    role: str,
    title: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
) -> Membership:
    """Begin a person's role in a body, now or at the first day of her office; no second time while it lasts."""
    now = clock.now()
    insist(rules.INVITE, rules.Office(organisation.kind, organisation.tier, role, title, since, until))
    async with transaction():
        held = await maybe(
            Membership,
            (Membership.person == person.id)
            & (Membership.organisation == organisation.id)
            & (Membership.role == role)
            & ((Membership.until.is_null()) | (Membership.until > now)),
        )
        if held is not None:
            return held
        row = Membership(
            person=person.id,
            organisation=organisation.id,
            role=role,
            title=title,
            since=since or now,
            until=until,
        )
        await row.save()
        facts: dict[str, Any] = {"person": person.ref, "role": role}
        if role == "minister":
            facts |= {
                "title": title,
                "since": row.since.isoformat(),
                "until": row.until.isoformat() if row.until else None,
            }
        await record(
            actor,
            "membership.began",
            subject_of(organisation),
            facts,
            private={"name": person.name},
            about=[f"person:{person.ref}"],
            organisation=organisation.ref,
        )
    return row


async def end(actor: Actor, organisation: str, membership: int, on: date | None = None) -> Membership:
    """End a role: one's own, or one that the actor may give; now, or (an operator, for an office) at the end of a day."""
    async with transaction():
        body = await find(Organisation, Organisation.ref == organisation, lock=True)
        row = await find(Membership, (Membership.id == membership) & (Membership.organisation == body.id), lock=True)
        own = row.person == actor.must_be_person()
        if not own and body.kind != "supplier":
            must_have_touched(actor, ENDING)
        if not own and not rules.may_give(actor, body.id, row.role):
            raise NotFound("Membership")
        now = clock.arrived()
        insist(rules.END, row, await others_with(row), now)
        row.until = max(after(on) or now, row.since)
        await row.save([Membership.until])
        person = await find(Person, Person.id == row.person)
        if not own:
            await tell_person(
                person.id,
                "accounts/membership-ended.txt",
                about=subject_of(body),
                organisation=body.name,
                role=row.title or role_words(row.role),
                until=row.until,
            )
        await record(
            actor,
            "membership.ended",
            subject_of(body),
            {"person": person.ref, "role": row.role, "until": row.until.isoformat()},
            about=[f"person:{person.ref}"],
            organisation=_acting_for(actor, body.id),
        )
    return row


def may_see_people(actor: Actor, organisation: int) -> bool:
    """Whether the names of a body's people are this actor's business: its own members, operators and auditors."""
    return bool(actor.wears("operator", "auditor") or organisation in actor.organisations())


def roles_to_give(actor: Actor, organisation: Body) -> list[Role]:
    """The roles of this body that the actor may give."""
    return [role for role in rules.ROLES[organisation.kind] if rules.may_give(actor, organisation.id, role)]


def _must_give(actor: Actor, organisation: int, role: Role) -> None:
    if not rules.may_give(actor, organisation, role):
        actor.must_be_person()
        givers = rules.GIVERS[role] or ("operator",)
        raise ROLE_NEEDED.refused(roles=either(map(role_words, givers)))


def _acting_for(actor: Actor, organisation: int) -> str:
    hat = next((hat for hat in actor.hats if hat.organisation == organisation), None) or actor.wears("operator")
    return hat.organisation_ref if hat else ""
