"""The organisations and people of the story, entered as the operator and they themselves would."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any

from market import clock, drafts
from market.accounts import invitations, memberships, passkeys
from market.accounts.passwords import hashed
from market.accounts.sessions import actor_of
from market.accounts.tables import Invitation, Organisation, Person
from market.actor import Actor, Role
from market.admissions import actions as admissions
from market.appointments import actions as offices
from market.appointments.tables import Appointment
from market.db import find
from market.loans import actions as lending
from market.seed.authenticator import Authenticator
from market.seed.script import Act, Script
from market.settings import settings
from market.suppliers import actions as suppliers

PASSWORD = "a demonstration needs no secret"  # noqa: S105 - printed at the start of every demonstration
"""The password of those a visitor may sign in as."""


FIRST = "-520d 09:00"
"""When the site is founded, before anything of the story."""


@dataclass
class Cast:
    """Who is who: the story's keys and the rows and persons they became."""

    organisations: dict[str, Organisation] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    people_of: dict[str, list[str]] = field(default_factory=dict)
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)
    devices: dict[str, Authenticator] = field(default_factory=dict)
    password: str = ""
    """The hash of the one password, reckoned once."""
    known: dict[str, Actor] = field(default_factory=dict)
    appointed: dict[str, str] = field(default_factory=dict)
    """The references of appointments by the person they are of."""
    lent: dict[str, str] = field(default_factory=dict)
    """The references of loans by the person who is lent."""

    async def actor(self, key: str) -> Actor:
        """The person with this key, as she may act at the clock's moment, her own key just used: who plays the story is
        everybody in it. Ministers signed in with theirs."""
        if "minister" in self.roles[key]:
            return replace(await actor_of(self.people[key], "passkey"), proved_at=clock.now(), touched_at=clock.now())
        if key not in self.known:
            self.known[key] = await actor_of(self.people[key], "password")
        return replace(self.known[key], proved_at=clock.now(), touched_at=clock.now())

    async def firm(self, key: str) -> Actor:
        """Who acts for a supplier: its one person who may."""
        return await self.actor(next(each for each in self.people_of[key] if "supplier-admin" in self.roles[each]))

    def other(self, organisation: str, than: str, *roles: Role) -> str:
        """Another person of a body with one of these roles: two persons for public money."""
        for each in self.people_of[organisation]:
            if each != than and set(roles) & set(self.roles[each]):
                return each
        raise LookupError(f"{organisation} has nobody but {than} with the role of {' or '.join(roles)}")


async def engage(script: Script) -> Cast:
    """Found the site, enter every body and person, let every supplier register and describe itself."""
    cast = Cast()
    operator = await _found(script, cast)
    for kind, listed in (("buyer", script["buyers"]), ("audit", script["audit_bodies"])):
        for each in listed:
            cast.organisations[each["key"]] = await memberships.create_organisation(operator, _body(kind, each))
    people = script["people"]
    signing = {person["organisation"]: person for person in reversed(people) if "supplier-admin" in person["roles"]}
    for firm in script["suppliers"]:
        await _register(script, cast, firm, signing[firm["key"]])
    shown = {each["person"] for each in script["sign_in"]}
    for each in people:
        await _join(script, cast, each, each["key"] in shown)
    await _domains(script, cast)
    return cast


def ministers(script: Script, cast: Cast) -> Iterator[Act]:
    """On her first day in office every minister registers a passkey on her own device."""
    for each in script["people"]:
        for office in each.get("minister_of", []):
            if office["to"] is None:
                yield Act(
                    max(script.moment(office["from"]), script.moment(FIRST)) + timedelta(hours=2),
                    f"passkey {each['key']}",
                    partial(_give_passkey, cast, each["key"]),
                )


def appointments(script: Script, cast: Cast) -> Iterator[Act]:
    """Who was appointed while the story ran: proposed by one, confirmed by another, accepted by herself."""
    for each in script["appointments"]:
        who = each["person"]
        yield Act(script.moment(each["proposed_at"]), f"proposal {who}", partial(_propose, script, cast, each))
        yield Act(script.moment(each["confirmed_at"]), f"appointment {who}", partial(_confirm, cast, each))
        yield Act(script.moment(each["accepted_at"]), f"acceptance {who}", partial(_accept, cast, each))


def loans(script: Script, cast: Cast) -> Iterator[Act]:
    """Whom one body lends to another: proposed by one, agreed by the other."""
    for each in script["loans"]:
        who = each["person"]
        yield Act(script.moment(each["proposed_at"]), f"loan {who}", partial(_lend, script, cast, each))
        yield Act(script.moment(each["agreed_at"]), f"agreement {who}", partial(_agree, cast, each))


async def _lend(script: Script, cast: Cast, each: dict[str, Any]) -> None:
    draft = lending.LoanDraft(
        lender=cast.organisations[each["lender"]].ref,
        borrower=cast.organisations[each["borrower"]].ref,
        person=(await cast.actor(each["person"])).ref,
        role=each["role"],
        instrument=each["instrument"],
        since=script.day(each["since"]),
        until=script.day(each["until"]),
    )
    cast.lent[each["person"]] = (await lending.propose(await cast.actor(each["proposed_by"]), draft)).ref


async def _agree(cast: Cast, each: dict[str, Any]) -> None:
    await lending.agree(await cast.actor(each["agreed_by"]), cast.lent[each["person"]])
    cast.known.pop(each["person"], None)


async def _propose(script: Script, cast: Cast, each: dict[str, Any]) -> None:
    person = next(who for who in script["people"] if who["key"] == each["person"])
    draft = offices.AppointmentDraft(
        organisation=cast.organisations[person["organisation"]].ref,
        name=person["name"],
        email=person["email"],
        role=each["role"],
        instrument=each["instrument"],
        title=person["title"],
    )
    proposed = await offices.propose(await cast.actor(each["proposed_by"]), draft)
    cast.appointed[each["person"]] = proposed.ref


async def _confirm(cast: Cast, each: dict[str, Any]) -> None:
    await offices.confirm(await cast.actor(each["confirmed_by"]), cast.appointed[each["person"]])


async def _accept(cast: Cast, each: dict[str, Any]) -> None:
    appointment = await find(Appointment, Appointment.ref == cast.appointed[each["person"]])
    invitation = await find(Invitation, Invitation.id == appointment.invitation)
    await invitations.accept_here(await actor_of(cast.people[each["person"]], "password"), invitation.ref)


async def _found(script: Script, cast: Cast) -> Actor:
    body = script["operators"][0]
    first, second = [each for each in script["people"] if each["organisation"] == body["key"]][: memberships.FOUNDERS]
    await memberships.found_site([(each["name"], each["email"]) for each in (first, second)], body["name"])
    row = await find(Person, Person.email == first["email"])
    cast.organisations[body["key"]] = await find(Organisation, Organisation.kind == "operator")
    cast.people[first["key"]] = row.id
    cast.people[second["key"]] = (await find(Person, Person.email == second["email"])).id
    return replace(await actor_of(row.id, "password"), proved_at=clock.now(), touched_at=clock.now())


async def _domains(script: Script, cast: Cast) -> None:
    """The domain of every public body: proposed by one operator, confirmed by another."""
    one, other = [await cast.actor(key) for key in cast.people_of[script["operators"][0]["key"]]][:2]
    for each in [*script["buyers"], *script["audit_bodies"], *script["operators"]]:
        draft = admissions.DomainDraft(
            each["domain"], f"Its entry in the register names www.{each['domain']} as its site."
        )
        made = await admissions.propose_domain(one, cast.organisations[each["key"]].ref, draft)
        await admissions.confirm_domain(other, made.ref)


def _body(kind: str, each: dict[str, Any]) -> memberships.OrganisationDraft:
    return memberships.OrganisationDraft(
        name=each["name"],
        kind=kind,  # type: ignore[arg-type]
        tier=each.get("tier", ""),
        scheme=each["identifier"]["scheme"],
        identifier=each["identifier"]["id"],
        region=each["region"],
        website=f"https://www.{each['domain']}",
        email=f"hello@{each['domain']}",
    )


async def _register(script: Script, cast: Cast, each: dict[str, Any], first: dict[str, Any]) -> None:
    summary = each["about"].strip().split(". ")[0].strip()[:290]
    firm, person = await suppliers.register(
        suppliers.SupplierDraft(
            name=each["name"],
            person_name=first["name"],
            email=first["email"],
            summary=summary if len(summary) >= 10 else each["about"][:290],
            country=each["country"],
            scheme=each["identifier"]["scheme"],
            identifier=each["identifier"]["id"],
            region=each["region"],
            website=f"https://www.{each['domain']}",
            employees=each["employees"],
            turnover_minor=each["turnover_minor"],
            cpv=each["cpv"],
        )
    )
    cast.organisations[each["key"]], cast.people[first["key"]] = firm, person.id
    await suppliers.update_profile(
        await actor_of(person.id, "password"),
        firm.ref,
        suppliers.ProfileDraft(
            summary=summary if len(summary) >= 10 else each["about"][:290],
            description=each["about"],
            capabilities=each["capabilities"],
            cpv=each["cpv"],
            regions=[each["region"]],
            certificates=each["certificates"],
            founded=each["founded"],
            open_to_partners=each["employees"] < 20,
            region=each["region"],
            website=f"https://www.{each['domain']}",
            employees=each["employees"],
            turnover_minor=each["turnover_minor"],
        ),
        drafts.version(suppliers.ProfileDraft, await suppliers.profile_of(firm), firm),
    )


async def _join(script: Script, cast: Cast, each: dict[str, Any], shown: bool) -> None:
    organisation = cast.organisations[each["organisation"]]
    if each["key"] in cast.people:
        person = await find(Person, Person.id == cast.people[each["key"]])
    else:
        person = Person(name=each["name"], email=each["email"], created_at=clock.now())
        await person.save()
        cast.people[each["key"]] = person.id
    if shown:
        cast.password = cast.password or await hashed(PASSWORD)
        person.password_hash = cast.password
        await person.save([Person.password_hash])
    cast.roles[each["key"]] = tuple(each["roles"])
    cast.people_of.setdefault(each["organisation"], []).append(each["key"])
    joining = await actor_of(person.id, "letter")
    later = {(who["person"], who["role"]) for who in script["appointments"]}
    for role in each["roles"]:
        if (each["key"], role) in later:
            continue
        if role == "minister":
            for office in each["minister_of"]:
                await memberships.begin(
                    joining,
                    person,
                    cast.organisations[office["department"]],
                    "minister",
                    each["title"],
                    script.moment(office["from"]),
                    script.moment(office["to"]) if office["to"] else None,
                )
        else:
            await memberships.begin(joining, person, organisation, role, each["title"])


async def _give_passkey(cast: Cast, key: str) -> None:
    """The minister registers a device, as she would in her browser."""
    device = Authenticator(origin=settings().site_url, rp_id=settings().host)
    actor = await cast.actor(key)
    options = await passkeys.registration_options(actor)
    await passkeys.register(actor, json.dumps(device.register(options)), "Office telephone")
    cast.devices[key] = device
