"""Certificates as the gates see them: issued, revoked, verified, and what is wrong when one is missing."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from market import clock, policy
from market.accounts.tables import Organisation
from market.db import find
from market.reads import rows
from market.settings import settings
from market.standards.certificates import issuing, rules
from market.standards.checking.outcome import Run
from market.standards.exemptions import actions as exemptions
from market.standards.keys import private_key
from market.standards.profiles import actions as publishing
from market.standards.tables import CheckRun, IssuedCertificate, Lodgement, PublishedProfile, Service
from market.standing import Standing
from market.wording import _


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
    if await exemptions.secures(supplier, publishing.label(row), buyer, at):
        return ""
    shown = await rows(
        rules.Evidence,
        """
        SELECT s.ref, s.title, s.private, s.listed_at, s.profiles, s.offered_for, c.held, c.in_force, r.outcome, r.gates, r.started_at,
          CASE WHEN r.outcome = 'fail' THEN r.result END AS result
        FROM service s
          CROSS JOIN LATERAL (SELECT count(*) > 0 AS held, count(*) FILTER (WHERE issued_at <= {} AND valid_until >= {}
              AND (revoked_at IS NULL OR revoked_at > {})) > 0 AS in_force
            FROM issued_certificate WHERE service = s.id AND profile = {}) c
          LEFT JOIN LATERAL (SELECT outcome, gates, started_at, result FROM check_run
            WHERE service = s.id AND profile = {} ORDER BY id DESC LIMIT 1) r ON true
        WHERE s.supplier = {} AND s.withdrawn_at IS NULL ORDER BY s.id
        """,
        *[at] * 3,
        *[row.id] * 2,
        supplier,
    )
    checked = [evidence for evidence in shown if publishing.label(row) in evidence.profiles]
    offered = [evidence for evidence in shown if tender in evidence.offered_for] if tender else checked
    return rules.wanting(f"{row.name} {row.version}", offered, pinned, unoffered=tender if checked else "")


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


class Issued(rules.Dates, frozen=True):
    """A certificate of a service as its page lists it; `profile` is the label of the version it was issued under."""

    ref: str
    profile: str
    document: str
    revoked_reason: str

    @property
    def standing(self) -> Standing:
        """Where it stands now."""
        return rules.standing(self, clock.now())

    @property
    def state(self) -> str:
        """The same for programs: in-force, replaced, revoked or lapsed."""
        return self.standing.stage


async def listed(service: Service) -> list[Issued]:
    """Every certificate of a service, newest first."""
    return await rows(
        Issued,
        """
        SELECT c.ref, p.name || '@' || p.version AS profile, c.document, c.issued_at, c.valid_until, c.revoked_at,
          c.revoked_reason, c.replaced
        FROM issued_certificate c JOIN published_profile p ON p.id = c.profile WHERE c.service = {} ORDER BY c.id DESC
        """,
        service.id,
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
        needed = [row for row in await exemptions.holding(service, now) if row.ref in waived or row.ground == "private"]
        ends = min([ends, *(row.expires_at for row in needed)])
    return ends


async def revoke(certificate: IssuedCertificate, reason: str, *, replaced: bool = False) -> None:
    """End a certificate now; the caller records it."""
    certificate.revoked_at, certificate.revoked_reason, certificate.replaced = clock.now(), reason, replaced
    await certificate.save([IssuedCertificate.revoked_at, IssuedCertificate.revoked_reason, IssuedCertificate.replaced])
