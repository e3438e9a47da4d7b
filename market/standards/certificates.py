"""Certificates as the gates see them: issued, revoked, verified, and what is wrong when one is missing."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from market import clock, policy
from market.accounts.tables import Organisation
from market.db import find
from market.proof import certificates as signed
from market.settings import settings
from market.standards import issuing, publishing, rules
from market.standards.outcome import Run
from market.standards.tables import CheckRun, Exemption, IssuedCertificate, Lodgement, PublishedProfile, Service
from market.wording import _


def private_key() -> bytes:
    """The 32 raw bytes of the key that signs certificates, derived from the platform's secret under a label of its own."""
    secret = settings().secret.encode()
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"prelude/standards/certificate/v1").derive(
        secret
    )


def public_keys() -> dict[str, bytes]:
    """The published keys by name: what verifies every certificate this site issued."""
    public = signed.public_bytes(private_key())
    return {signed.key_name(public): public}


async def problem(
    supplier: int,
    profile: str,
    at: datetime,
    *,
    buyer: int | None = None,
    tender: str = "",
    pinned: date | None = None,
) -> str:
    """What keeps a supplier (its id) from passing a gate under a profile (`name@version`) at a moment; '' when nothing.

    Nothing does when a certificate in force exists under that version, or an exemption for national security covers the
    supplier at this `buyer`. With a `tender` (its reference) only services that name it as what they are offered for count: a
    certificate for something else says nothing about what will be delivered.
    With `pinned`, the day whose gates a running contract is held to, a run that fails only by rules that became gates
    later does not close the gate.
    """
    if not profile:
        return ""
    row = await publishing.named(profile)
    if row is None:
        return _(
            "The profile {profile} is not published here, so nobody can hold a certificate under it. Ask the operator.",
            profile=profile,
        )
    label = f"{row.name} {row.version}"
    services = await Service.objects().where((Service.supplier == supplier) & Service.withdrawn_at.is_null())
    checked = [each for each in services if publishing.label(row) in each.profiles]
    offered = [each for each in services if tender in each.offered_for] if tender else checked
    standings = [await _standing(each, row, pinned) for each in offered]
    exempt = await _exempt(supplier, publishing.label(row), buyer, at)
    return rules.wanting(label, standings, exempt, at, unoffered=tender if checked else "")


async def _standing(service: Service, profile: PublishedProfile, pinned: date | None) -> rules.Standing:
    held = await IssuedCertificate.objects().where(
        (IssuedCertificate.service == service.id) & (IssuedCertificate.profile == profile.id)
    )
    latest = await latest_run(service, profile)
    later = False
    if pinned is not None and latest is not None and latest.outcome == "fail" and held:
        later = rules.only_later_gates(Run.read(latest.result.encode()), pinned)
    return rules.Standing(service, held, latest, later)


async def _exempt(supplier: int, label: str, buyer: int | None, at: datetime) -> bool:
    if buyer is None:
        return False
    rows = await Exemption.objects().where(
        (Exemption.supplier == supplier)
        & (Exemption.buyer == buyer)
        & (Exemption.profile == label)
        & (Exemption.ground == "national-security")
    )
    return any(rules.exempts(row, at) for row in rows)


async def latest_run(service: Service, profile: PublishedProfile) -> CheckRun | None:
    """The newest run of a service under a profile version."""
    row: CheckRun | None = (
        await CheckRun.objects()
        .where((CheckRun.service == service.id) & (CheckRun.profile == profile.id))
        .order_by(CheckRun.id, ascending=False)
        .first()
    )
    return row


async def latest_lodgement(service: Service) -> Lodgement | None:
    """The newest document of a service, None before one is lodged."""
    row: Lodgement | None = (
        await Lodgement.objects()
        .where(Lodgement.service == service.id)
        .order_by(Lodgement.number, ascending=False)
        .first()
    )
    return row


async def of_service(service: Service) -> list[IssuedCertificate]:
    """Every certificate of a service, newest first."""
    return (
        await IssuedCertificate.objects()
        .where(IssuedCertificate.service == service.id)
        .order_by(IssuedCertificate.id, ascending=False)
    )


async def in_force(service: Service, profile: PublishedProfile) -> IssuedCertificate | None:
    """The certificate of a service under a version that holds now, None without one."""
    now = clock.now()
    held = await IssuedCertificate.objects().where(
        (IssuedCertificate.service == service.id) & (IssuedCertificate.profile == profile.id)
    )
    return next((each for each in sorted(held, key=lambda row: -row.id) if rules.in_force(each, now)), None)


async def issue(service: Service, profile: PublishedProfile, run: CheckRun, record: Run) -> IssuedCertificate:
    """Sign and keep the certificate of a run that passed; the caller has insisted and records it. It ends with the
    policy's days, or earlier with the first waiver it depends on."""
    now = clock.now()
    supplier = await find(Organisation, Organisation.id == service.supplier)
    made = IssuedCertificate(
        service=service.id,
        supplier=service.supplier,
        profile=profile.id,
        run=run.id,
        document=run.document,
        issued_at=now,
        valid_until=await _until(service, record, now),
    )
    private = bool(service.private)
    made.file = issuing.issue(
        record,
        number=str(made.ref),
        service=str(service.ref),
        service_title="(private)" if private else str(service.title),
        supplier=str(supplier.ref),
        issuer=settings().site_url,
        issued_at=now,
        valid_until=made.valid_until,
        private=private_key(),
    )
    await made.save()
    return made


async def _until(service: Service, record: Run, now: datetime) -> datetime:
    ends = now + timedelta(days=policy.IN_FORCE.standards.certificate_days)
    waived = {finding.waived for finding in record.findings if finding.waived}
    if waived or service.private:
        rows = await Exemption.objects().where(Exemption.service == service.id)
        needed = [row for row in rows if rules.exempts(row, now) and (row.ref in waived or row.ground == "private")]
        ends = min([ends, *(row.expires_at for row in needed)])
    return ends


async def revoke(certificate: IssuedCertificate, reason: str, *, replaced: bool = False) -> None:
    """End a certificate now; the caller records it."""
    certificate.revoked_at, certificate.revoked_reason, certificate.replaced = clock.now(), reason, replaced
    await certificate.save([IssuedCertificate.revoked_at, IssuedCertificate.revoked_reason, IssuedCertificate.replaced])
