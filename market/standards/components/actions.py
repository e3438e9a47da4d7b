"""Listing services, lodging their documents, checking them, and what a run brings about: a certificate, or a notice."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import asyncpg
import msgspec
from msgspec import Meta

from market import clock, drafts, policy
from market.accounts.edits import Trace, revise
from market.accounts.people import tell
from market.accounts.tables import Organisation
from market.actor import SUPPLIER_ROLES, SYSTEM, Actor
from market.audit.actions import record
from market.db import find, transaction
from market.openapi.limits import MAX_BYTES
from market.proof.certificates import Outcome
from market.reads import row, rows
from market.refusals import Refused, insist, refusals
from market.standards.certificates import actions as certificates
from market.standards.certificates import rules as certified
from market.standards.checking import apart
from market.standards.checking.outcome import Run
from market.standards.components import rules
from market.standards.exemptions import actions as exemptions
from market.standards.profiles import actions as publishing
from market.standards.sanctions import actions as sanctions
from market.standards.sandboxes import actions as sandboxes
from market.standards.tables import CheckRun, IssuedCertificate, Lodgement, PublishedProfile, Service
from market.web.limits import Limit, spend
from market.wording import N_, _

Cause = Literal["lodged", "asked", "periodic", "live"]
Line = Annotated[str, Meta(max_length=120)]

CHECKS = Limit("standards-check", 20, 300)
"""Checks of one stranger: twenty at once, refilled over five minutes."""


class ServiceDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What a supplier says of a service."""

    title: Annotated[str, Meta(title="Name", min_length=3, max_length=120)]
    does: Annotated[str, Meta(title=N_("What it does"), min_length=20, max_length=4000)]
    profiles: Annotated[list[Line], Meta(title="Profiles", max_length=10)] = []
    used_by: Annotated[str, Meta(title=N_("Who uses it"), max_length=2000)] = ""
    licence: Annotated[str, Meta(title="Licence", max_length=80)] = ""
    price_terms: Annotated[str, Meta(title="Price", max_length=2000)] = ""
    cpv: Annotated[list[Line], Meta(title="CPV codes", max_length=20)] = []
    maturity: Annotated[str, Meta(title="Maturity", max_length=10)] = "live"
    private: Annotated[bool, Meta(title="Confidential")] = False
    public_url: Annotated[str, Meta(title="Address", max_length=400)] = ""
    offered_for: Annotated[list[Line], Meta(title=N_("Tenders it is offered for"), max_length=40)] = []


Events = list[tuple[str, dict[str, Any]]]
"""What a run brings about, verbs and facts, gathered so that the log is written last."""


# ── checking without lodging ────────────────────────────────────────────────────────────────────────────────────────


async def check(raw: bytes, profile: str, *, name: str = "", who: str = "") -> Run:
    """Check a document for anybody, and keep nothing. `who` is whose allowance pays for it (an address, a person)."""
    if who:
        await spend(CHECKS, who)
    wrong = refusals((rules.lodges_something, rules.is_not_too_large), rules.Lodging(False, len(raw), MAX_BYTES, False))
    if wrong:
        raise Refused(*wrong, status=422)
    row = await publishing.must_be_named(profile)
    found = await apart.ask(raw, publishing.composed_of(row), row.description, at=clock.now(), name=name)
    return found.run


# ── services ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def list_service(actor: Actor, given: ServiceDraft, supplier: int | None = None) -> Service:
    """List a service in the catalogue; its API is lodged next."""
    async with transaction():
        hat = actor.must_wear(*SUPPLIER_ROLES, organisation=supplier)
        await _insist_listing(given, False)
        service = Service(
            supplier=hat.organisation,
            listed_at=clock.now(),
            listed_by=actor.must_be_person(),
            **drafts.facts(given, **_plain(given)),
        )
        await service.save()
        await _say(actor, "service.listed", service, hat.organisation_ref)
    return service


async def revise_service(actor: Actor, ref: str, given: ServiceDraft, seen: str) -> Service:
    """Change what is said of a service. A profile that is added needs a check; one that is left ends its certificate."""
    async with transaction():
        service = await find(Service, Service.ref == ref, lock=True)
        hat = actor.must_wear(*SUPPLIER_ROLES, organisation=service.supplier)
        await _insist_listing(given, service.withdrawn_at is not None)
        await revise(given, seen, service, trace=Trace("service.revised", f"service:{ref}"), **_plain(given))
        hidden = service.private and not await exemptions.private(service, clock.now())
        for held in await certificates.of_service(service):
            profile = await find(PublishedProfile, PublishedProfile.id == held.profile)
            if held.revoked_at is None and publishing.label(profile) not in service.profiles:
                await certificates.revoke(held, _("The supplier no longer has it checked under this profile."))
            elif held.revoked_at is None and hidden:
                await certificates.revoke(
                    held, _("The supplier made its description confidential without an exemption.")
                )
        await _say(actor, "service.revised", service, hat.organisation_ref)
    return service


async def offer_service(actor: Actor, ref: str, tender: str) -> Service:
    """Name a tender that a service is offered for: its certificate is the one an award there asks for."""
    async with transaction():
        service = await find(Service, Service.ref == ref, lock=True)
        hat = actor.must_wear(*SUPPLIER_ROLES, organisation=service.supplier)
        insist(rules.OFFER, rules.Offering(service.withdrawn_at is not None, tender, service.offered_for))
        if tender not in service.offered_for:
            service.offered_for = [*service.offered_for, tender]
            await service.save([Service.offered_for])
            await _say(actor, "service.revised", service, hat.organisation_ref)
    return service


async def withdraw_service(actor: Actor, ref: str) -> Service:
    """Take a service out of the catalogue: its certificates end, and so do notices about it. Its record stays."""
    async with transaction():
        service = await find(Service, Service.ref == ref, lock=True)
        hat = actor.must_wear(*SUPPLIER_ROLES, organisation=service.supplier)
        if service.withdrawn_at is None:
            service.withdrawn_at = clock.now()
            await service.save([Service.withdrawn_at])
            for held in await certificates.of_service(service):
                if certified.in_force(held, clock.now()):
                    await certificates.revoke(held, _("The service was withdrawn."))
            for profile in await _profiles(service):
                await sanctions.restore(service, profile, _("The service was withdrawn."))
            await _say(actor, "service.withdrawn", service, hat.organisation_ref)
    return service


async def _insist_listing(given: ServiceDraft, withdrawn: bool) -> None:
    known = await publishing.labels()
    facts = rules.Listing(given.profiles, known, given.cpv, given.maturity, given.public_url.strip(), withdrawn)
    wrong = refusals(rules.LIST, facts)
    if wrong:
        raise Refused(*wrong, status=409 if withdrawn else 422)


def _plain(given: ServiceDraft) -> dict[str, Any]:
    kept = {
        name: value.strip() if isinstance(value, str) else value
        for name, value in msgspec.structs.asdict(given).items()
    }
    kept["cpv"] = [code.split("-")[0] for code in given.cpv]
    kept["profiles"] = list(dict.fromkeys(given.profiles))
    return kept


async def _say(actor: Actor, verb: str, service: Service, by: str) -> None:
    facts: dict[str, Any] = {"private": bool(service.private)}
    if not service.private:
        facts |= {"title": service.title, "profiles": list(service.profiles)}
    await _record(actor, service, by, [(verb, facts)])


async def _record(actor: Actor, service: Service, by: str, events: Events) -> None:
    supplier = await find(Organisation, Organisation.id == service.supplier)
    for verb, facts in events:
        await record(actor, verb, f"service:{service.ref}", facts, about=[f"supplier:{supplier.ref}"], organisation=by)


# ── lodging and checking ────────────────────────────────────────────────────────────────────────────────────────────


async def lodge(actor: Actor, ref: str, raw: bytes, name: str = "") -> Lodgement:
    """Lodge a document for a service: it is kept as it came, compared with the one before, and checked under every profile
    of the service. A pass is certified at once; a failure ends the certificate that stood, and notice is given."""
    service = await find(Service, Service.ref == ref)
    hat = actor.must_wear(*SUPPLIER_ROLES, organisation=service.supplier)
    before = await certificates.latest_lodgement(service)
    same = before is not None and before.digest == _digest(raw)
    wrong = refusals(rules.LODGE, rules.Lodging(service.withdrawn_at is not None, len(raw), MAX_BYTES, same))
    if wrong:
        raise Refused(*wrong, status=422)
    now = clock.now()
    profiles = await _profiles(service)
    number = (before.number if before is not None else 0) + 1
    earlier = await _compared(service, number)
    checked = [await _ask(service, profile, raw, name, earlier, now) for profile in profiles]
    async with transaction():
        service = await find(Service, Service.ref == ref, lock=True)
        latest = await certificates.latest_lodgement(service)
        if (latest.id if latest else None) != (before.id if before else None):
            raise rules.LODGED_MEANWHILE.refused()
        first = checked[0]
        row = Lodgement(
            service=service.id,
            number=number,
            compared=earlier.lodgement.number if earlier is not None else 0,
            document=raw,
            digest=_digest(raw),
            name=name[:200],
            api_title=first.run.api_title,
            api_version=first.run.api_version,
            changes=msgspec.json.encode(first.changes).decode(),
            breaking=sum(each.level == "breaking" for each in first.changes),
            outline=msgspec.json.encode(first.outline).decode(),
            lodged_at=now,
            lodged_by=actor.must_be_person(),
        )
        try:
            await row.save()
        except asyncpg.UniqueViolationError as raced:
            raise rules.LODGED_MEANWHILE.refused() from raced
        events: Events = []
        facts = {"number": row.number, "document_sha256": row.digest, "breaking": row.breaking}
        facts["outcomes"] = {
            publishing.label(profile): each.run.outcome.value for profile, each in zip(profiles, checked, strict=True)
        }
        events.append(("service.lodged", facts))
        for profile, each in zip(profiles, checked, strict=True):
            run = await _keep(service, row, profile, each.run, "lodged")
            await _bring_about(service, profile, row, run, each.run, events)
        await sandboxes.queue(service, row)
        await _record(actor, service, hat.organisation_ref, events)
    return row


async def may_lodge(actor: Actor, ref: str) -> None:
    """Refuse whoever may not lodge for a service, before anything is fetched for her; takes one of her checks."""
    service = await find(Service, Service.ref == ref)
    actor.must_wear(*SUPPLIER_ROLES, organisation=service.supplier)
    await spend(CHECKS, actor.ref)


async def check_again(actor: Actor, ref: str) -> list[CheckRun]:
    """Check the lodged document again under every profile of its service, as often as the supplier likes."""
    service = await find(Service, Service.ref == ref)
    hat = actor.must_wear(*SUPPLIER_ROLES, "operator", organisation=None)
    if hat.role != "operator":
        hat = actor.must_wear(*SUPPLIER_ROLES, organisation=service.supplier)
    await spend(CHECKS, actor.ref)
    return await _check(actor, service, await _profiles(service), "asked", hat.organisation_ref)


class Due(msgspec.Struct, frozen=True):
    """A service (its id) whose certificate under a profile is to be checked again."""

    service: int
    profile: int


async def recheck() -> int:
    """The job: check every certified service whose certificate is a month old or about to end. A pass renews it; a failure
    ends it and gives notice; *could not check* changes nothing and is tried again the next day."""
    now = clock.now()
    due = now - timedelta(days=policy.IN_FORCE.standards.recheck_days)
    certified = await rows(
        Due,
        """
        SELECT DISTINCT c.service, c.profile FROM issued_certificate c JOIN service s ON s.id = c.service
        WHERE s.withdrawn_at IS NULL AND c.revoked_at IS NULL AND (c.issued_at <= {} OR c.valid_until <= {})
          AND NOT EXISTS (
            SELECT 1 FROM check_run r
            WHERE r.service = c.service AND r.profile = c.profile AND r.cause = 'periodic' AND r.started_at > {}
          )
        ORDER BY c.service, c.profile LIMIT 20
        """,
        due,
        now + timedelta(days=1),
        now - timedelta(days=1),
    )
    for each in certified:
        service = await find(Service, Service.id == each.service)
        profile = await find(PublishedProfile, PublishedProfile.id == each.profile)
        await _check(SYSTEM, service, [profile], "periodic", "")
    return len(certified)


async def _check(
    actor: Actor, service: Service, profiles: list[PublishedProfile], cause: Cause, by: str
) -> list[CheckRun]:
    lodged = await certificates.latest_lodgement(service)
    if lodged is None:
        raise rules.NOTHING_LODGED.refused()
    now = clock.now()
    earlier = await _compared(service, lodged.number)
    checked = [await _ask(service, each, bytes(lodged.document), str(lodged.name), earlier, now) for each in profiles]
    runs = []
    async with transaction():
        service = await find(Service, Service.id == service.id, lock=True)
        events: Events = []
        for profile, each in zip(profiles, checked, strict=True):
            run = await _keep(service, lodged, profile, each.run, cause)
            runs.append(run)
            events.append(
                (
                    "service.checked",
                    {"profile": publishing.label(profile), "outcome": run.outcome, "run": run.ref, "cause": cause},
                )
            )
            await _bring_about(service, profile, lodged, run, each.run, events)
        if cause == "periodic":
            await sandboxes.queue(service, lodged)
        await _record(actor, service, by, events)
    return runs


async def settle_live(service: Service, lodged: Lodgement, profile: PublishedProfile, found: Run) -> CheckRun:
    """Keep the run of a live check, and what follows from it: what the service does counts like what its document says."""
    async with transaction():
        service = await find(Service, Service.id == service.id, lock=True)
        events: Events = []
        run = await _keep(service, lodged, profile, found, "live")
        events.append(
            (
                "service.tried",
                {"profile": publishing.label(profile), "outcome": run.outcome, "run": run.ref},
            )
        )
        await _bring_about(service, profile, lodged, run, found, events)
        await _record(SYSTEM, service, "", events)
    return run


@dataclass(frozen=True, slots=True)
class _Earlier:
    """The version a document is compared with. Only one that passed binds: callers rely on it, and what breaks it decides."""

    lodgement: Lodgement
    passed: bool


class Before(msgspec.Struct, frozen=True):
    """A version by its row, and whether it passed."""

    id: int
    passed: bool


async def _compared(service: Service, number: int) -> _Earlier | None:
    """What version `number` of a service is compared with: the last before it that passed, else the one before."""
    before = await row(
        Before,
        """
        SELECT l.id, EXISTS (SELECT 1 FROM check_run r WHERE r.lodgement = l.id AND r.outcome LIKE 'pass%') AS passed
        FROM lodgement l WHERE l.service = {} AND l.number < {} ORDER BY passed DESC, l.number DESC LIMIT 1
        """,
        service.id,
        number,
    )
    return _Earlier(await find(Lodgement, Lodgement.id == before.id), before.passed) if before else None


async def _ask(
    service: Service, profile: PublishedProfile, raw: bytes, name: str, earlier: _Earlier | None, now: datetime
) -> apart.Checked:
    return await apart.ask(
        raw,
        publishing.composed_of(profile),
        profile.description,
        at=now,
        name=name,
        waivers=await exemptions.waivers_of(service, publishing.label(profile), now),
        previous=bytes(earlier.lodgement.document) if earlier is not None else None,
        gating=earlier is not None and earlier.passed,
        extra=await sandboxes.standing(service, profile),
    )


async def _keep(service: Service, lodged: Lodgement, profile: PublishedProfile, found: Run, cause: Cause) -> CheckRun:
    run = CheckRun(
        service=service.id,
        lodgement=lodged.id,
        profile=profile.id,
        document=found.document,
        profile_digest=found.profile_digest,
        engine=found.engine,
        cause=cause,
        outcome=found.outcome.value,
        gates=len(found.gates),
        advisories=len(found.advisories),
        started_at=found.started_at,
        finished_at=found.finished_at,
        result=found.json().decode(),
    )
    await run.save()
    return run


async def _bring_about(
    service: Service, profile: PublishedProfile, lodged: Lodgement, run: CheckRun, found: Run, events: Events
) -> None:
    """What follows from a run: a certificate and the end of a sanction; or the end of the certificate, and notice."""
    now, label = clock.now(), publishing.label(profile)
    standing = await _unrevoked(service, profile)
    newest = await certificates.latest_lodgement(service)
    facts = certified.Certifying(
        found.outcome.passed,
        newest is not None and newest.id == lodged.id,
        service.withdrawn_at is not None,
        bool(service.private),
        await exemptions.private(service, now),
    )
    wrong = refusals(certified.CERTIFY, facts)
    if not wrong:
        renewed = any(certified.in_force(each, now) for each in standing)
        for each in standing:
            await certificates.revoke(each, _("A newer certificate took its place."), replaced=True)
        made = await certificates.issue(service, profile, run, found)
        events.append(
            (
                "certificate.issued",
                {
                    "certificate": made.ref,
                    "profile": label,
                    "document_sha256": made.document,
                    "valid_until": made.valid_until.isoformat(),
                },
            )
        )
        if not renewed:
            await tell(
                service.supplier,
                "standards/certified.txt",
                roles=SUPPLIER_ROLES,
                about=f"service:{service.ref}",
                service=service,
                profile=profile,
                certificate=made,
            )
        await sanctions.restore(service, profile, _("The check passed."))
    elif standing and found.outcome is not Outcome.COULD_NOT_CHECK:
        failed = found.outcome is Outcome.FAIL
        for each in standing:
            ended = (
                _("Version {number} of its document does not pass.", number=lodged.number)
                if failed
                else wrong[0].reason
            )
            await certificates.revoke(each, ended)
            events.append(
                ("certificate.revoked", {"certificate": each.ref, "profile": label, "reason": each.revoked_reason})
            )
        name = _("the service {ref}", ref=service.ref) if service.private else f"“{service.title}”"
        reason = _(
            "The API of {name} no longer passes {profile} {version}.",
            name=name,
            profile=profile.name,
            version=profile.version,
        )
        if not failed:
            reason = _(
                "The API of {name} is no longer certified under {profile} {version}. {reason}",
                name=name,
                profile=profile.name,
                version=profile.version,
                reason=wrong[0].reason,
            )
        await sanctions.give_notice(service, profile, reason)


async def _unrevoked(service: Service, profile: PublishedProfile) -> list[IssuedCertificate]:
    """The certificates of a service under a version that nobody revoked, run out or not."""
    return await IssuedCertificate.objects().where(
        (IssuedCertificate.service == service.id)
        & (IssuedCertificate.profile == profile.id)
        & IssuedCertificate.revoked_at.is_null()
    )


async def _profiles(service: Service) -> list[PublishedProfile]:
    found = [await publishing.named(each) for each in service.profiles]
    return [each for each in found if each is not None]


def _digest(raw: bytes) -> str:
    return "sha256:" + hashlib.sha256(raw).hexdigest()


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class Version(msgspec.Struct, frozen=True):
    """A version lodged for a service, without its document; `changed` are its changes as JSON."""

    ref: str
    number: int
    digest: str
    name: str
    api_title: str
    api_version: str
    changed: str
    compared: int
    breaking: int
    lodged_at: datetime
    size: int

    @property
    def changes(self) -> list[apart.Changed]:
        """What changed since the version before."""
        return msgspec.json.decode(self.changed, type=list[apart.Changed])


async def lodgements_of(service: Service) -> list[Version]:
    """Every version lodged for a service, newest first."""
    return await rows(
        Version,
        """
        SELECT ref, number, digest, name, api_title, api_version, changes AS changed, compared, breaking, lodged_at,
          octet_length(document) AS size
        FROM lodgement WHERE service = {} ORDER BY number DESC
        """,
        service.id,
    )


class Ran(msgspec.Struct, frozen=True):
    """A run without its findings, and the version of the document that it checked."""

    ref: str
    cause: str
    outcome: str
    gates: int
    advisories: int
    started_at: datetime
    finished_at: datetime
    document: str
    profile_digest: str
    engine: str
    profile: str
    number: int
    api_version: str


async def runs_of(service: Service, most: int = 30) -> list[Ran]:
    """The runs of a service, newest first."""
    return await rows(
        Ran,
        """
        SELECT r.ref, r.cause, r.outcome, r.gates, r.advisories, r.started_at, r.finished_at, r.document, r.profile_digest,
          r.engine, p.name || '@' || p.version AS profile, l.number, l.api_version
        FROM check_run r JOIN published_profile p ON p.id = r.profile JOIN lodgement l ON l.id = r.lodgement
        WHERE r.service = {} ORDER BY r.id DESC LIMIT {}
        """,
        service.id,
        most,
    )


async def may_see_findings(actor: Actor, service: Service) -> bool:
    """Findings quote the document: those of a confidential one are for its readers only."""
    return not service.private or await exemptions.may_read_private(actor, service)
