"""Exemptions from a profile: asked and signed by a buyer, signed or refused by the standards owner, with an end."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, structs

from market import clock, policy, workdays
from market.accounts.people import tell
from market.accounts.tables import Organisation
from market.actor import SUPPLIER_ROLES, Actor
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.proof import certificates as signed
from market.reads import rows
from market.refusals import NotFound, Refused, insist, refusals
from market.standards.checking.outcome import Waiver
from market.standards.exemptions import rules
from market.standards.keys import public_keys
from market.standards.profiles import actions as publishing
from market.standards.tables import Exemption, PublishedProfile, Service
from market.standing import Standing
from market.touch import binds
from market.wording import N_, _

Line = Annotated[str, Meta(max_length=120)]


class ExemptionDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What a buyer asks: from which profile, on which ground, why, what is done instead, until when.

    `service` is the reference of the service; for national security `supplier` alone is named, with the signed result of the
    check that ran at the buyer's (`result`) and the public key it was signed with (`key`, 64 hexadecimal letters).
    """

    profile: Annotated[str, Meta(title="Profile", max_length=100)]
    ground: Annotated[str, Meta(title="Ground", max_length=20)]
    reason: Annotated[str, Meta(title=N_("Why the standard cannot be met"), max_length=4000)]
    control: Annotated[str, Meta(title=N_("What is done instead"), max_length=4000)]
    expires_on: Annotated[date, Meta(title=N_("Last day"))]
    service: Annotated[str, Meta(title="Service", max_length=16)] = ""
    supplier: Annotated[str, Meta(title="Supplier", max_length=16)] = ""
    rules: Annotated[list[Line], Meta(title="Rules", max_length=60)] = []
    scope: Annotated[str, Meta(title="Scope", max_length=2000)] = ""
    result: Annotated[str, Meta(title=N_("Signed result"), max_length=4_000_000)] = ""
    key: Annotated[str, Meta(title="Key", max_length=64)] = ""


class Refusing(msgspec.Struct, forbid_unknown_fields=True):
    """Why the standards owner does not sign."""

    reason: Annotated[str, Meta(title="Reason", min_length=10, max_length=4000)]


async def ask(actor: Actor, buyer: int, given: ExemptionDraft) -> Exemption:
    """A buyer (its id) asks for an exemption; asking is its signature. The standards owner signs or refuses it."""
    hat = actor.must_wear("buyer", organisation=buyer)
    async with transaction():
        service = await maybe(Service, Service.ref == given.service.strip()) if given.service.strip() else None
        said = given.supplier.strip()
        supplier = (
            await find(Organisation, Organisation.id == service.supplier)
            if service is not None
            else await maybe(Organisation, (Organisation.ref == said) & (Organisation.kind == "supplier"))
        )
        profile = await publishing.named(given.profile)
        now = clock.arrived()
        expires = workdays.end_of_day(given.expires_on)
        result = _result(given, profile)
        wrong = refusals(
            rules.EXEMPT,
            rules.Exempting(
                ground=given.ground,
                profile=given.profile,
                rules=given.rules,
                rules_of=list(publishing.composed_of(profile).cards) if profile else None,
                has_service=(supplier if given.ground == "national-security" else service) is not None,
                reason=given.reason,
                control=given.control,
                expires_at=expires,
                latest=workdays.add_months(now, policy.IN_FORCE.standards.exemption_maximum_months),
                result=result,
                now=now,
            ),
        )
        if wrong or profile is None or supplier is None:
            raise Refused(*wrong, status=422)
        row = Exemption(
            supplier=supplier.id,
            buyer=buyer,
            service=service.id if service is not None and given.ground != "national-security" else None,
            profile=publishing.label(profile),
            ground=given.ground,
            rules=given.rules if given.ground == "rules" else [],
            scope=given.scope.strip(),
            reason=given.reason.strip(),
            control=given.control.strip(),
            result=given.result.strip().encode() if given.ground == "national-security" else b"",
            asked_at=now,
            asked_by=actor.must_be_person(),
            expires_at=expires,
        )
        await row.save()
        for operator in await Organisation.objects().where(Organisation.kind == "operator"):
            await tell(
                operator.id, "standards/exemption_asked.txt", roles=("operator",), about=f"exemption:{row.ref}", row=row
            )
        await _record(actor, "exemption.asked", row, hat.organisation_ref)
    return row


def _result(given: ExemptionDraft, profile: PublishedProfile | None) -> str | None:
    """What is wrong with the signed result; None when none was lodged, empty when it proves a pass under the profile."""
    if not given.result.strip():
        return None
    keys = public_keys()
    try:
        raw = bytes.fromhex(given.key.strip())
    except ValueError:
        return _("The key is not 64 hexadecimal letters.")
    if len(raw) == 32:
        keys = {**keys, signed.key_name(raw): raw}
    try:
        verified = signed.verify(given.result.strip().encode(), keys)
        if verified.kind != signed.RESULT:
            return _("This is a certificate; lodge the signed result of the check.")
        outcome = signed.outcome_of(verified)
    except signed.NotValid as invalid:
        return _("The signed result does not hold: {invalid}", invalid=invalid)
    if not outcome.passed:
        return _("The result is: {words}. Only a pass can be lodged.", words=outcome.words.lower())
    if profile is not None and verified.statement.get("profile_digest") != profile.digest:
        return _("The result is of another profile than {publishing}.", publishing=publishing.label(profile))
    return ""


@binds(N_("sign an exemption from a standard"))
async def sign(actor: Actor, ref: str) -> Exemption:
    """The standards owner (the operator) signs: the exemption holds from now until its end."""
    hat = actor.must_wear("operator")
    async with transaction():
        row = await find(Exemption, Exemption.ref == ref, lock=True)
        insist(rules.SIGN, row, actor.must_be_person())
        row.signed_at, row.signed_by = clock.now(), actor.must_be_person()
        await row.save([Exemption.signed_at, Exemption.signed_by])
        await _tell_decided(row)
        await _record(actor, "exemption.signed", row, hat.organisation_ref)
    return row


async def refuse(actor: Actor, ref: str, given: Refusing) -> Exemption:
    """The standards owner does not sign, and says why."""
    hat = actor.must_wear("operator")
    async with transaction():
        row = await find(Exemption, Exemption.ref == ref, lock=True)
        insist(rules.SIGN, row, actor.must_be_person())
        row.refused_at, row.refused_reason = clock.now(), given.reason.strip()
        await row.save([Exemption.refused_at, Exemption.refused_reason])
        await _tell_decided(row)
        await _record(actor, "exemption.refused", row, hat.organisation_ref)
    return row


@binds(N_("end an exemption from a standard"))
async def end(actor: Actor, ref: str) -> Exemption:
    """The buyer or the standards owner ends an exemption early; what depends on it fails at the next check."""
    async with transaction():
        row = await find(Exemption, Exemption.ref == ref, lock=True)
        hat = actor.wears("operator") or actor.must_wear("buyer", organisation=row.buyer)
        row.ended_at = row.ended_at or clock.now()
        await row.save([Exemption.ended_at])
        await _record(actor, "exemption.ended", row, hat.organisation_ref)
    return row


async def _tell_decided(row: Exemption) -> None:
    await tell(row.buyer, "standards/exemption_decided.txt", roles=("buyer",), about=f"exemption:{row.ref}", row=row)
    await tell(
        row.supplier, "standards/exemption_decided.txt", roles=SUPPLIER_ROLES, about=f"exemption:{row.ref}", row=row
    )


async def _record(actor: Actor, verb: str, row: Exemption, organisation: str) -> None:
    """Of an exemption for national security the log says that it exists, its ground and its end, and nothing else."""
    secret = row.ground == "national-security"
    supplier = await find(Organisation, Organisation.id == row.supplier)
    service = await maybe(Service, Service.id == row.service) if row.service else None
    facts: dict[str, Any] = {"ground": row.ground, "expires_at": row.expires_at.isoformat()}
    if not secret:
        facts |= {"profile": row.profile, "rules": list(row.rules), "supplier": supplier.ref}
    private: dict[str, Any] = {"reason": row.reason, "control": row.control, "scope": row.scope}
    if secret:
        private |= {"profile": row.profile, "supplier": supplier.ref}
    await record(
        actor,
        verb,
        f"exemption:{row.ref}",
        facts,
        private=private,
        about=[f"service:{service.ref}"] if service is not None else [],
        organisation=organisation,
    )


class Holding(rules.Dates, frozen=True):
    """An exemption of a service that holds: the rules it waives under which profile, and the buyer (its id) who signed it."""

    ref: str
    ground: str
    profile: str
    rules: list[str]
    buyer: int


async def holding(service: Service, at: datetime) -> list[Holding]:
    """The exemptions of a service that hold at a moment."""
    asked = await rows(
        Holding,
        """
        SELECT ref, ground, profile, rules, buyer, asked_at, signed_at, refused_at, expires_at, ended_at
        FROM exemption WHERE service = {} ORDER BY id
        """,
        service.id,
    )
    return [exemption for exemption in asked if rules.exempts(exemption, at)]


async def secures(supplier: int, profile: str, buyer: int | None, at: datetime) -> bool:
    """Whether an exemption for national security covers a supplier at a buyer (ids) under a profile at a moment."""
    asked = await rows(
        rules.Dates,
        """
        SELECT asked_at, signed_at, refused_at, expires_at, ended_at FROM exemption
        WHERE supplier = {} AND buyer = {} AND profile = {} AND ground = 'national-security'
        """,
        supplier,
        buyer,
        profile,
    )
    return any(rules.exempts(exemption, at) for exemption in asked)


async def waivers_of(service: Service, profile: str, at: datetime) -> list[Waiver]:
    """The waived rules of a service under a profile version at a moment, as the engine takes them."""
    return [
        Waiver(rule, exemption.ref, exemption.expires_at.date())
        for exemption in await holding(service, at)
        if exemption.ground == "rules" and exemption.profile == profile
        for rule in exemption.rules
    ]


async def private(service: Service, at: datetime) -> bool:
    """Whether a signed exemption lets a service's description stay confidential."""
    return any(exemption.ground == "private" for exemption in await holding(service, at))


async def may_read_private(actor: Actor, service: Service) -> bool:
    """Whether somebody may read a confidential description: the supplier, the operator as assessor, auditors, and the buyer
    whose exemption keeps it confidential, while that holds. Asking for one opens nothing: the standards owner has to sign."""
    if actor.wears(*SUPPLIER_ROLES, organisation=service.supplier) or actor.wears("operator", "auditor"):
        return True
    return any(
        exemption.ground == "private" and actor.wears("buyer", organisation=exemption.buyer)
        for exemption in await holding(service, clock.now())
    )


async def seen_by(actor: Actor, ref: str) -> Exemption:
    """One exemption for those it concerns; everybody may read one that is signed and not for national security."""
    row = await find(Exemption, Exemption.ref == ref)
    concerned = (
        actor.wears("buyer", organisation=row.buyer)
        or actor.wears(*SUPPLIER_ROLES, organisation=row.supplier)
        or actor.wears("operator", "auditor")
    )
    if not concerned and (row.signed_at is None or row.ground == "national-security"):
        raise NotFound("Exemption")
    return row


class Registered(rules.Dates, frozen=True):
    """A signed exemption of the public register; without a service when it is for all that a supplier offers."""

    ref: str
    ground: str
    profile: str
    rules: list[str]
    scope: str
    control: str
    buyer: str
    supplier: str
    service_ref: str | None
    title: str | None
    private: bool | None

    @property
    def standing(self) -> Standing:
        """Where it stands now."""
        return rules.standing(self, clock.now())


async def register() -> list[Registered]:
    """Every signed exemption for the public register, newest first; of those for national security only that they exist."""
    exemptions = await rows(
        Registered,
        """
        SELECT x.ref, x.ground, x.profile, x.rules, x.scope, x.control, x.asked_at, x.signed_at, x.refused_at, x.expires_at,
          x.ended_at, b.name AS buyer, o.name AS supplier, s.ref AS service_ref, s.title, s.private
        FROM exemption x JOIN organisation b ON b.id = x.buyer JOIN organisation o ON o.id = x.supplier
          LEFT JOIN service s ON s.id = x.service
        WHERE x.signed_at IS NOT NULL ORDER BY x.id DESC LIMIT 500
        """,
    )
    return [
        structs.replace(each, profile="", rules=[], scope="", control="", supplier="", service_ref=None, title=None)
        if each.ground == "national-security"
        else each
        for each in exemptions
    ]


class Asked(msgspec.Struct, frozen=True):
    """An exemption that waits for the standards owner."""

    ref: str
    profile: str
    asked_at: datetime


async def waiting() -> list[Asked]:
    """Exemptions that wait for the standards owner, the oldest first."""
    return await rows(
        Asked,
        "SELECT ref, profile, asked_at FROM exemption WHERE signed_at IS NULL AND refused_at IS NULL ORDER BY id",
    )
