"""Bodies and the people in them: founding an organisation, beginning and ending a membership.

Authority has dates. A membership is never deleted or rewritten: it ends, and another begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

import msgspec
from asyncpg.exceptions import UniqueViolationError
from msgspec import Meta

from market import clock, drafts, mailboxes
from market import organisations as registers
from market.accounts import rules
from market.accounts.actions import others_with, plain_address
from market.accounts.bodies import Body
from market.accounts.edits import Trace, revise
from market.accounts.people import tell_person
from market.accounts.sessions import digest, new_token
from market.accounts.tables import Invitation, Membership, Organisation, Person
from market.actor import SYSTEM, Actor, Role, role_words
from market.audit.actions import record
from market.db import find, many, maybe, transaction
from market.reads import rows
from market.refusals import NotFound, Refusal, Refused, insist, refusals
from market.rules import ROLE_NEEDED
from market.touch import binds, declared, must_have_touched
from market.wording import N_, _, either

INVITATION_GOOD_FOR = timedelta(days=14)

FOUNDERS = 2
"""How many operators whoever runs a site lets in: as many as it takes to appoint others together."""

ENDING = declared("market.accounts.memberships.end", N_("end somebody's role in a public body"))

Kind = Literal["buyer", "audit", "operator"]
Tier = Literal["", "central", "sub-central", "local", "health", "other"]


Website = Annotated[
    str, Meta(title=N_("Website"), max_length=200, pattern=r"^(https?://\S+)?$", examples=["https://council.example"])
]


class OrganisationDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked about a body that an operator enters; suppliers register themselves. Which department answers for it is no
    part of it: that decides whose exercises open the gate, so two people say it, by a ruling."""

    name: Annotated[str, Meta(title=N_("Name"), min_length=3, max_length=160)]
    kind: Annotated[Kind, Meta(title=N_("Kind of organisation"))]
    tier: Annotated[Tier, Meta(title=N_("Tier of government"))] = ""
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


class Ending(msgspec.Struct, forbid_unknown_fields=True):
    """When a role ends: at the end of a day, or now when none is given."""

    last_day: Annotated[date | None, Meta(title=N_("Last day"))] = None


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
    it as central government until a ruling says otherwise, and no department answers for it before one does."""
    hat = actor.must_wear("operator")
    async with transaction():
        if reasons := await objections(msgspec.structs.asdict(given)):
            raise Refused(*reasons)
        number = number_of(given.scheme, given.identifier)
        row = await keep(
            Organisation(
                **drafts.facts(
                    given,
                    name=" ".join(given.name.split()),
                    tier="central" if given.tier else "",
                    tier_entered=given.tier,
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
            organisation=acting_for(actor, row.id),
            announce=await _told_of(ref) if told["name"] != before["name"] else (),
        )
    return row


async def _told_of(ref: str) -> list[str]:
    """The records on which the log has this body act: they name it."""
    return await rows(str, "SELECT DISTINCT subject FROM event WHERE organisation = {} ORDER BY subject", ref)


async def objections(told: Mapping[str, Any]) -> list[Refusal]:
    """What stands against entering a body as far as it could be read: of the fields of an :class:`OrganisationDraft` by
    name, some of which may be missing."""
    found = refusals(rules.CREATE, told.get("kind", ""), told.get("tier", ""))
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


async def found_site(people: Sequence[tuple[str, str]], organisation: str) -> list[str]:
    """Let in the first two operators of a site, by name and address: together, or one after the other, the first of whom founds
    the operator's body, named `organisation`. The two then appoint others. Answers the token of each one's invitation, for
    whoever typed the command. Refused once there are two, and for two addresses that one person reads."""
    async with transaction():
        addresses = [plain_address(email) for _name, email in people]
        await many("LOCK TABLE organisation IN SHARE ROW EXCLUSIVE MODE")
        body = await maybe(Organisation, Organisation.kind == "operator")
        operators = await rows(
            str, "SELECT DISTINCT p.email FROM membership m JOIN person p ON p.id = m.person WHERE m.role = 'operator'"
        )
        if len(operators) + len(people) > FOUNDERS or set(addresses) & set(operators):
            raise rules.FOUNDED_ALREADY.refused()
        shared = next((each for each in addresses if mailboxes.is_shared(each)), None)
        if shared is not None:
            raise rules.FOUNDER_SHARED.refused(address=shared)
        read = [mailboxes.mailbox_of(each) for each in [*operators, *addresses]]
        if len(set(read)) < len(read):
            raise rules.FOUNDED_BY_ONE.refused()
        if body is None:
            body = Organisation(name=organisation, kind="operator", tier="", created_at=clock.now())
            await body.save()
            await record(SYSTEM, "organisation.created", subject_of(body), {"name": body.name, "kind": "operator"})
        return [await _found(body, name, address) for (name, _email), address in zip(people, addresses, strict=True)]


async def _found(body: Organisation, name: str, address: str) -> str:
    person = await maybe(Person, Person.email == address)
    if person is None:
        person = Person(name=name, email=address, created_at=clock.now())
        await person.save()
    await begin(SYSTEM, person, body, "operator")
    await record(
        SYSTEM,
        "appointment.at-installation",
        subject_of(body),
        {"role": "operator", "person": person.ref, "instrument": "market operator"},
        private={"name": person.name},
        about=[f"person:{person.ref}"],
    )
    token = new_token()
    await Invitation.insert(
        Invitation(
            organisation=body.id,
            email=person.email,
            name=person.name,
            role="operator",
            ground=_("Founded the site."),
            paper=_("Whoever runs the site let her in with “market operator”."),
            token_hash=digest(token),
            invited_by=person.id,
            invited_at=clock.now(),
            sent_at=clock.now(),
            expires_at=clock.now() + INVITATION_GOOD_FOR,
        )
    )
    return token


# ── memberships ────────────────────────────────────────────────────────────────────────────────────────────────────


async def begin(
    actor: Actor,
    person: Person,
    organisation: Organisation,
    role: str,
    title: str = "",
    since: datetime | None = None,
    until: datetime | None = None,
    invitation: int | None = None,
) -> Membership:
    """Begin a person's role in a body, now or at the first day of her office; no second time while it lasts. `invitation` (its
    id) is the one by which she was let in, if she was."""
    now = clock.now()
    insist(rules.INVITE, rules.Office(organisation.kind, organisation.tier, role, title, since, until))
    async with transaction():
        lent = await maybe(
            Membership,
            (Membership.person == person.id)
            & (Membership.organisation == organisation.id)
            & (Membership.lent_by.is_not_null())
            & (Membership.until > now),
        )
        if lent is not None:
            raise rules.LENT_HERE.refused()
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
            invitation=invitation,
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
            organisation=acting_for(actor, body.id),
        )
    return row


def may_see_people(actor: Actor, organisation: int) -> bool:
    """Whether the names of a body's people are this actor's business: its own members, operators and auditors."""
    return bool(actor.wears("operator", "auditor") or organisation in actor.organisations())


def roles_to_give(actor: Actor, organisation: Body) -> list[Role]:
    """The roles of this body that the actor may give."""
    return [role for role in rules.ROLES[organisation.kind] if rules.may_give(actor, organisation.id, role)]


def must_give(actor: Actor, organisation: int, role: Role) -> None:
    """Refused (403) unless the actor may give this role in this body (its id)."""
    if not rules.may_give(actor, organisation, role):
        actor.must_be_person()
        givers = rules.GIVERS[role] or ("operator",)
        raise ROLE_NEEDED.refused(roles=either(map(role_words, givers)))


def acting_for(actor: Actor, organisation: int) -> str:
    """For which body (its reference) the log has the actor act on a body (its id): itself, else the operator's."""
    hat = next((hat for hat in actor.hats if hat.organisation == organisation), None) or actor.wears("operator")
    return hat.organisation_ref if hat else ""
