"""Firms that register themselves, and the profile each tells once for every buyer."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from asyncpg.exceptions import UniqueViolationError
from msgspec import Meta

from market import clock, drafts
from market import organisations as registers
from market.accounts import memberships, passwords
from market.accounts import rules as account_rules
from market.accounts.actions import Email, plain_address
from market.accounts.edits import Trace, revise
from market.accounts.people import tell_person
from market.accounts.rules import REGISTERED_ALREADY
from market.accounts.sessions import actor_of, digest, new_token
from market.accounts.tables import Organisation, Person
from market.actor import Actor
from market.audit.actions import record
from market.db import find, many, maybe, transaction
from market.letters.actions import write
from market.proof import canonical
from market.reads import rows
from market.refusals import Refusal, Refused, insist, refusals
from market.suppliers import rules
from market.suppliers.tables import Profile, ProfileVersion, Registration
from market.web.limits import Limit, spend
from market.wording import N_

CONFIRM_WITHIN = timedelta(days=2)
BY_CLIENT = Limit("register-client", 20, 3600)
BY_ADDRESS = Limit("register-address", 3, 3600)
BY_PERSON = Limit("register-person", 5, 86_400)

PER_PAGE = 25

Codes = Annotated[list[Annotated[str, Meta(max_length=12)]], Meta(title="CPV codes", max_length=40)]
Words = Annotated[str, Meta(max_length=120)]
Count = Annotated[int, Meta(ge=0, le=10_000_000)]
Amount = Annotated[int, Meta(ge=0, le=10**15)]
Website = Annotated[
    str, Meta(title="Website", max_length=200, pattern=r"^(https?://\S+)?$", examples=["https://firm.example"])
]


class FirmDraft(msgspec.Struct, forbid_unknown_fields=True):
    """A firm that registers. `scheme` is a code of org-id.guide, empty for somebody who trades in her own name; money is in
    minor units of `currency`, of the last year, with linked and partner firms counted in."""

    name: Annotated[str, Meta(title=N_("Name of the firm"), min_length=2, max_length=160)]
    summary: Annotated[str, Meta(title=N_("What the firm does"), min_length=10, max_length=300)]
    country: Annotated[str, Meta(title="Country", pattern="^[A-Z]{2}$")] = "GB"
    scheme: Annotated[str, Meta(title="Register", max_length=20)] = ""
    identifier: Annotated[str, Meta(title=N_("Number in the register"), max_length=40)] = ""
    region: Annotated[str, Meta(title="Region", max_length=80)] = ""
    website: Website = ""
    employees: Annotated[Count | None, Meta(title="Staff")] = None
    turnover_minor: Annotated[Amount | None, Meta(title=N_("Turnover of the last year"))] = None
    balance_minor: Annotated[Amount | None, Meta(title=N_("Balance sheet total"))] = None
    currency: Annotated[Literal["GBP", "EUR"], Meta(title="Currency")] = "GBP"
    cpv: Codes = []


class SupplierDraft(FirmDraft, kw_only=True):
    """A firm that registers and its first person, who has no account yet."""

    person_name: Annotated[str, Meta(title=N_("Your name"), min_length=2, max_length=120)]
    email: Email


class SupplierForm(SupplierDraft, kw_only=True):
    """The page's form: the firm, its first person, and her password."""

    password: Annotated[str, Meta(title="Password", min_length=1, max_length=200)]


class ProfileDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What a supplier says of itself."""

    schema_name: ClassVar[str] = "SupplierProfileDraft"
    summary: Annotated[str, Meta(title=N_("What the firm does"), min_length=10, max_length=300)]
    description: Annotated[str, Meta(title=N_("More about it"), max_length=6000)] = ""
    capabilities: Annotated[list[Words], Meta(title="Capabilities", max_length=40)] = []
    cpv: Codes = []
    regions: Annotated[list[Words], Meta(title=N_("Regions served"), max_length=40)] = []
    certificates: Annotated[list[Words], Meta(title="Certificates", max_length=40)] = []
    founded: Annotated[Annotated[int, Meta(ge=1000, le=2100)] | None, Meta(title=N_("Year founded"))] = None
    open_to_partners: Annotated[bool, Meta(title=N_("Open to bidding together"))] = False
    region: Annotated[str, Meta(title="Region", max_length=80)] = ""
    website: Website = ""
    employees: Annotated[Count | None, Meta(title="Staff")] = None
    turnover_minor: Annotated[Amount | None, Meta(title=N_("Turnover of the last year"))] = None
    balance_minor: Annotated[Amount | None, Meta(title=N_("Balance sheet total"))] = None
    currency: Annotated[Literal["GBP", "EUR"], Meta(title="Currency")] = "GBP"


# ── registering ────────────────────────────────────────────────────────────────────────────────────────────────────


async def ask_to_register(given: SupplierDraft, password: str, client: str) -> None:
    """Take a firm's registration and write to the address; nothing is made before the letter's link is opened.

    An address with an account gets a letter that says so, and the page says the same as to everybody. That a company is
    here already is public, so it is said at once, with what to do.
    """
    address = plain_address(given.email)
    await spend(BY_CLIENT, client)
    await spend(BY_ADDRESS, hashlib.sha256(address.encode()).hexdigest())
    reasons = objections({**msgspec.structs.asdict(given), "password": password})
    if not reasons:
        reasons = await _registered_already(given)
    if reasons:
        raise Refused(*reasons)
    kept = await passwords.hashed(password)
    async with transaction():
        if person := await maybe(Person, Person.email == address):
            await tell_person(person.id, "accounts/registered-before.txt", organisation=given.name)
        else:
            await _write_confirmation(given, address, kept)


def objections(told: Mapping[str, Any]) -> list[Refusal]:
    """What the rules say of a registration as far as it could be read: of the fields of a :class:`SupplierForm` by name,
    some of which may be missing."""
    firm = rules.Firm(
        told.get("country", "GB"), told.get("scheme", ""), told.get("identifier", ""), told.get("cpv", ())
    )
    known = [told[name] for name in ("person_name", "name", "email") if told.get(name)]
    found = refusals(rules.REGISTER, firm)
    return [*found, *refusals(account_rules.PASSWORD, told["password"], known)] if "password" in told else found


async def _write_confirmation(given: SupplierDraft, address: str, password_hash: str) -> None:
    token, now = new_token(), clock.now()
    row = Registration(
        email=address,
        token_hash=digest(token),
        facts=msgspec.json.encode(drafts.part(SupplierDraft, given)).decode(),
        password_hash=password_hash,
        asked_at=now,
        expires_at=now + CONFIRM_WITHIN,
    )
    await row.save()
    await write(
        address,
        given.person_name,
        "accounts/confirm.txt",
        secret=True,
        organisation=given.name,
        token=token,
        until=row.expires_at,
    )


async def asked(token: str, *, lock: bool = False) -> tuple[Registration, SupplierDraft]:
    """The registration of a letter's link; refused when it is confirmed already or too old."""
    row = await find(Registration, Registration.token_hash == digest(token), lock=lock)
    if row.confirmed_at is not None:
        raise rules.CONFIRMED_ALREADY.refused()
    if row.expires_at <= clock.arrived():
        raise rules.CONFIRMED_TOO_LATE.refused()
    return row, msgspec.json.decode(row.facts, type=SupplierDraft)


async def confirm(token: str) -> tuple[Organisation, Person]:
    """Make the firm and its first person, who proved her address by the letter's link."""
    async with transaction():
        row, given = await asked(token, lock=True)
        row.confirmed_at = clock.now()
        await row.save([Registration.confirmed_at])
        return await register(given, row.password_hash)


async def register(given: SupplierDraft, password_hash: str = "") -> tuple[Organisation, Person]:
    """Make a firm, its first person as administrator, and the first version of its profile. The caller has proved the
    address. Without a password the account opens by a reset letter or a passkey only."""
    insist(rules.REGISTER, _firm(given))
    async with transaction():
        person = await _new_person(given, password_hash)
        firm = await _found(await actor_of(person.id, "letter"), person, given)
    return firm, person


async def register_another(actor: Actor, given: FirmDraft) -> Organisation:
    """Make a firm for somebody who has an account: a person may act for several. Her address was proved when the account
    was made, so no letter is needed."""
    person = await find(Person, Person.id == actor.must_be_person())
    await spend(BY_PERSON, actor.ref)
    insist(rules.REGISTER, _firm(given))
    if reasons := await _registered_already(given):
        raise Refused(*reasons)
    async with transaction():
        return await _found(actor, person, given)


async def _found(actor: Actor, person: Person, given: FirmDraft) -> Organisation:
    """The firm with its administrator and the first version of its profile, in the caller's transaction."""
    now, number = clock.now(), memberships.number_of(given.scheme, given.identifier)
    firm = Organisation(kind="supplier", tier="", email=person.email, created_at=now)
    profile = Profile(organisation=0, version=1, updated_at=now)  # whose it is, is known when the firm is kept
    drafts.write(
        drafts.part(FirmDraft, given),
        firm,
        profile,
        name=" ".join(given.name.split()),
        scheme=number.scheme if number else "",
        identifier=number.number if number else "",
        region=given.region.strip(),
        website=given.website.strip(),
        summary=given.summary.strip(),
        cpv=rules.plain_cpv(given.cpv),
    )
    firm = await memberships.keep(firm)
    await memberships.begin(actor, person, firm, "supplier-admin")
    profile.organisation = firm.id
    await profile.save()
    await _keep_version(firm, profile, person.id)
    await tell_person(
        person.id, "accounts/registered.txt", about=f"supplier:{firm.ref}", organisation=firm.name, ref=firm.ref
    )
    await record(
        actor,
        "supplier.registered",
        f"supplier:{firm.ref}",
        {
            "name": firm.name,
            "country": firm.country,
            "scheme": firm.scheme,
            "identifier": firm.identifier,
            "small": rules.size_of(firm).small,
        },
        about=[f"person:{person.ref}"],
        organisation=firm.ref,
    )
    return firm


async def _new_person(given: SupplierDraft, password_hash: str) -> Person:
    person = Person(
        name=" ".join(given.person_name.split()),
        email=plain_address(given.email),
        password_hash=password_hash,
        created_at=clock.now(),
    )
    try:
        async with transaction():
            await person.save()
    except UniqueViolationError:
        raise rules.ADDRESS_TAKEN.refused() from None
    return person


async def _registered_already(given: FirmDraft) -> list[Refusal]:
    number = memberships.number_of(given.scheme, given.identifier)
    if number is None:
        return []
    first = await maybe(
        Organisation, (Organisation.scheme == number.scheme) & (Organisation.identifier == number.number)
    )
    return [] if first is None else [REGISTERED_ALREADY.refusal(name=first.name)]


async def forget_unconfirmed() -> int:
    """A job: delete registrations a week after their link expired or was used; answers how many."""
    gone = await many("DELETE FROM registration WHERE expires_at < {} RETURNING id", clock.now() - timedelta(days=7))
    return len(gone)


def _firm(given: FirmDraft) -> rules.Firm:
    return rules.Firm(given.country, given.scheme, given.identifier, given.cpv)


# ── the profile ────────────────────────────────────────────────────────────────────────────────────────────────────


async def update_profile(actor: Actor, ref: str, given: ProfileDraft, seen: str) -> Profile:
    """Keep a new version of one's own profile, written from what was `seen`. Earlier versions stay: what a buyer relied on
    can be read later."""
    async with transaction():
        firm = await find(Organisation, (Organisation.ref == ref) & (Organisation.kind == "supplier"), lock=True)
        actor.must_wear("supplier-admin", organisation=firm.id)
        insist(rules.UPDATE, given.cpv)
        profile = await profile_of(firm)
        await revise(
            given,
            seen,
            profile,
            firm,
            trace=Trace("profile.updated", f"supplier:{ref}"),
            region=given.region.strip(),
            website=given.website.strip(),
            summary=given.summary.strip(),
            description=given.description.strip(),
            capabilities=_once(given.capabilities),
            cpv=rules.plain_cpv(given.cpv),
            regions=_once(given.regions),
            certificates=_once(given.certificates),
            version=profile.version + 1,
            updated_at=clock.now(),
        )
        kept = await _keep_version(firm, profile, actor.must_be_person())
        await record(
            actor,
            "profile.updated",
            f"supplier:{ref}",
            {"version": profile.version, "sha256": hashlib.sha256(kept.snapshot.encode()).hexdigest()},
            organisation=ref,
        )
    return profile


async def supplier(ref: str) -> Organisation:
    """The firm with this reference; bodies of other kinds are not found here."""
    return await find(Organisation, (Organisation.ref == ref) & (Organisation.kind == "supplier"))


async def profile_of(firm: Organisation) -> Profile:
    """A firm's present profile; an empty one, not yet kept, for a firm that never told any."""
    found = await maybe(Profile, Profile.organisation == firm.id)
    return found or Profile(organisation=firm.id, version=1, updated_at=firm.created_at)


class Version(msgspec.Struct, frozen=True):
    """That there is a version of a profile, and since when."""

    version: int
    at: datetime


async def versions_of(firm: Organisation) -> list[Version]:
    """Every version of a firm's profile, newest first."""
    return await rows(
        Version, "SELECT version, at FROM profile_version WHERE organisation = {} ORDER BY version DESC", firm.id
    )


async def version_of(firm: Organisation, version: int) -> ProfileVersion:
    """One version of a firm's profile."""
    return await find(ProfileVersion, (ProfileVersion.organisation == firm.id) & (ProfileVersion.version == version))


class Listed(msgspec.Struct, frozen=True):
    """A supplier as lists show it."""

    ref: str
    name: str
    country: str
    region: str
    summary: str
    capabilities: list[str]


async def page_of(query: str = "", after: str = "") -> tuple[list[Listed], str | None]:
    """A page of suppliers by name, those that hold every word of `query`; and the reference to go on after, None on the last
    page. `after` is a supplier's reference."""
    found = await rows(
        Listed,
        """
        SELECT o.ref, o.name, o.country, o.region, COALESCE(p.summary, '') AS summary,
            COALESCE(p.capabilities, ARRAY[]::text[]) AS capabilities
        FROM organisation o LEFT JOIN profile p ON p.organisation = o.id
        WHERE o.kind = 'supplier'
            AND concat_ws(' ', o.name, o.region, p.summary, array_to_string(p.capabilities, ' '), o.identifier)
                ILIKE ALL ({}::text[])
            AND ({} = '' OR (lower(o.name), o.id) > (SELECT lower(name), id FROM organisation WHERE ref = {}))
        ORDER BY lower(o.name), o.id LIMIT {}
        """,
        [f"%{_literal(word)}%" for word in query.split()[:8]],
        after,
        after,
        PER_PAGE + 1,
    )
    return found[:PER_PAGE], found[PER_PAGE - 1].ref if len(found) > PER_PAGE else None


async def _keep_version(firm: Organisation, profile: Profile, by: int) -> ProfileVersion:
    row = ProfileVersion(
        organisation=firm.id,
        version=profile.version,
        snapshot=canonical.encode(snapshot(firm, profile)).decode(),
        at=profile.updated_at,
        by=by,
    )
    await row.save()
    return row


def snapshot(firm: Organisation, profile: Profile) -> dict[str, canonical.Plain]:
    """What everybody may know of a firm: its profile, who it is, whether it is small — not its figures."""
    verdict = rules.size_of(firm)
    return {
        "capabilities": list(profile.capabilities),
        "certificates": list(profile.certificates),
        "country": firm.country,
        "cpv": list(profile.cpv),
        "description": profile.description,
        "founded": profile.founded,
        "identifier": firm.identifier,
        "name": firm.name,
        "open_to_partners": profile.open_to_partners,
        "ref": firm.ref,
        "region": firm.region,
        "regions": list(profile.regions),
        "scheme": firm.scheme,
        "size": verdict.size,
        "small": verdict.small,
        "small_by": verdict.source,
        "summary": profile.summary,
        "version": profile.version,
        "website": firm.website,
    }


def number_of(firm: Organisation) -> registers.Identifier | None:
    """The firm's number in its register, None for somebody who trades in her own name."""
    return registers.Identifier(firm.scheme, firm.identifier) if firm.identifier else None


def _once(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(" ".join(text.split()) for text in texts if text.strip()))


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
