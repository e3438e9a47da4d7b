"""Delegations of waivers: drafted by the minister, signed with her passkey, taken back at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from market import clock, policy, workdays
from market.accounts import passkeys
from market.accounts.people import tell_person
from market.actor import Actor
from market.audit.actions import record
from market.db import find, transaction
from market.money import Money
from market.proof import canonical
from market.proof.delegations import PURPOSE
from market.proof.spelling import stamp
from market.refusals import NotFound, insist
from market.tenders.drafts.actions import known_codes
from market.tenders.facts import Candidate
from market.touch import binds
from market.waivers import signatures
from market.waivers.delegations import readers, rules
from market.waivers.delegations.rules import Instrument
from market.waivers.tables import Delegation
from market.wording import N_


class DelegationDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What a minister lets an office-holder do for her. `delegate` is a person's reference, `bodies` are references; the ceiling
    is without VAT, for all waivers together, in the policy's currency."""

    delegate: Annotated[str, Meta(title=N_("Who signs for you"), max_length=16)]
    title: Annotated[str, Meta(title=N_("In which office"), max_length=120)]
    cpv: Annotated[list[Annotated[str, Meta(max_length=20)]], Meta(title=N_("For what"), max_length=50)]
    bodies: Annotated[list[Annotated[str, Meta(max_length=16)]], Meta(title=N_("For which bodies"), max_length=500)]
    ceiling_minor: Annotated[int, Meta(title=N_("Up to what value together"), ge=0, le=10**14)]
    begins_on: Annotated[date, Meta(title=N_("First day"))]
    ends_on: Annotated[date, Meta(title=N_("Last day"))]
    reason: Annotated[str, Meta(title=N_("Why"), max_length=4000)]


class TakingBack(msgspec.Struct, forbid_unknown_fields=True):
    """Why a delegation is taken back; it is published."""

    schema_name: ClassVar[str] = "DelegationRevocation"
    reason: Annotated[str, Meta(title=N_("Why you take it back"), max_length=4000)]


async def draft(actor: Actor, given: DelegationDraft, department: int | None = None) -> Delegation:
    """A minister writes down what she will let an office-holder do. It does nothing, and nobody else sees it, until she signs."""
    async with transaction():
        hat = actor.must_wear("minister", organisation=department)
        held = await signatures.office_of(actor, hat.organisation)
        midnight = datetime.combine(given.begins_on, time(), tzinfo=clock.ZONE)
        wish = await _wish(
            actor.must_be_person(),
            hat.organisation,
            given.delegate,
            title=given.title.strip(),
            cpv=known_codes([each for each in given.cpv if each.strip()]),
            bodies=list(dict.fromkeys(given.bodies)),
            ceiling_minor=given.ceiling_minor,
            begins_at=midnight,
            until=workdays.end_of_day(given.ends_on),
            reason=given.reason.strip(),
        )
        insist(rules.DRAFT, wish)
        row = Delegation(
            department=hat.organisation,
            minister=wish.minister,
            membership=held.id,
            delegate=wish.delegate.id if wish.delegate else None,
            title=wish.title,
            cpv=list(wish.cpv),
            bodies=list(wish.bodies),
            ceiling_minor=wish.ceiling_minor,
            currency=_home(),
            begins_at=wish.begins_at,
            until=wish.until,
            reason=wish.reason,
            drafted_at=clock.now(),
        )
        await row.save()
        await record(
            actor,
            "delegation.drafted",
            f"delegation:{row.ref}",
            organisation=hat.organisation_ref,
            sealed_by=f"publication:delegation:{row.ref}",
        )
    return row


def _home() -> str:
    """The currency that the policy's sums are in."""
    return policy.IN_FORCE.currency


async def _wish(minister: int, department: int, delegate: str, **said: Any) -> rules.Wish:
    """What the rules look at, with who could be named and for which bodies as things stand now."""
    return rules.Wish(
        now=clock.arrived(),
        minister=minister,
        delegate=next((each for each in await readers.delegates(department) if each.ref == delegate), None),
        family=list(await readers.family(department)),
        **said,
    )


async def drop(actor: Actor, ref: str) -> Delegation:
    """Drop what was not signed; another may be drafted."""
    async with transaction():
        row, instrument = await _hers(actor, ref)
        insist(rules.SIGN, instrument, clock.arrived())
        row.dropped_at = clock.now()
        await row.save([Delegation.dropped_at])
        await record(
            actor,
            "delegation.dropped",
            f"delegation:{ref}",
            organisation=instrument.department_ref,
            sealed_by=f"publication:delegation:{ref}",
        )
    return row


async def begin_signing(actor: Actor, ref: str) -> dict[str, Any]:
    """What the minister's browser needs to sign the instrument with her passkey (WebAuthn request options as JSON)."""
    row, instrument = await _hers(actor, ref)
    insist(rules.SIGN, instrument, clock.arrived())
    signer = await signatures.minister(actor, row.department)
    return await signatures.asked(actor, await document(instrument), signer, PURPOSE)


async def sign(actor: Actor, ref: str, credential: str) -> Delegation:
    """Put the instrument in force with the browser's answer to :func:`begin_signing`: it is public, and the delegate is told."""
    await _hers(actor, ref)
    signed = await passkeys.signed(actor, credential)
    async with transaction():
        row, instrument = await _hers(actor, ref, lock=True)
        insist(rules.SIGN, instrument, clock.arrived())
        said = {
            name: getattr(row, name)
            for name in ("title", "cpv", "bodies", "ceiling_minor", "begins_at", "until", "reason")
        }
        insist(rules.DRAFT, await _wish(row.minister, row.department, instrument.delegate_ref, **said))
        signer = await signatures.minister(actor, row.department)
        bundle, verified = await signatures.kept(signed, await document(instrument), PURPOSE)
        row.signed_at, row.office = clock.arrived(), f"{signer.office}, {signer.organisation}"
        row.document, row.bundle = bundle.document.decode(), bundle.to_text()
        await row.save([Delegation.signed_at, Delegation.office, Delegation.document, Delegation.bundle])
        await tell_person(row.delegate, "waivers/delegated.txt", about=f"delegation:{ref}", instrument=instrument)
        await record(
            actor,
            "delegation.signed",
            f"delegation:{ref}",
            {
                "delegate": instrument.delegate_ref,
                "title": row.title,
                "cpv": row.cpv,
                "bodies": row.bodies,
                "ceiling_minor": row.ceiling_minor,
                "currency": row.currency,
                "begins_at": stamp(row.begins_at),
                "until": stamp(row.until),
                "bundle": bundle.digest(),
                "key": verified.key_fingerprint,
            },
            organisation=instrument.department_ref,
        )
        await record(actor, "delegation.published", f"delegation:{ref}", organisation=instrument.department_ref)
    return row


@binds(N_("revoke a delegation of waivers"), paper=False)
async def revoke(actor: Actor, ref: str, given: TakingBack) -> Delegation:
    """Take a signed instrument back at once, with a reason everybody reads. What was signed under it before stays; each waiver
    can be revoked for itself."""
    async with transaction():
        row = await find(Delegation, Delegation.ref == ref, lock=True)
        hat = actor.must_wear("minister", organisation=row.department, secret=row.signed_at is None)
        actor.must_have_passkey()
        insist(rules.REVOKE, await readers.instrument(ref), clock.arrived())
        insist((rules.revocation_says_why,), given.reason)
        row.revoked_at, row.revoked_by = clock.arrived(), actor.must_be_person()
        row.revocation_reason = given.reason.strip()
        await row.save([Delegation.revoked_at, Delegation.revoked_by, Delegation.revocation_reason])
        await tell_person(
            row.delegate, "waivers/delegation-revoked.txt", about=f"delegation:{ref}", row=row, minister=actor.name
        )
        await record(
            actor,
            "delegation.revoked",
            f"delegation:{ref}",
            {"reason": row.revocation_reason},
            organisation=hat.organisation_ref,
        )
    return row


async def _hers(actor: Actor, ref: str, *, lock: bool = False) -> tuple[Delegation, Instrument]:
    """The draft, of the minister who wrote it and still holds the office under which she did."""
    row = await find(Delegation, Delegation.ref == ref, lock=lock)
    actor.must_wear("minister", organisation=row.department, secret=row.signed_at is None)
    held = await signatures.office_of(actor, row.department)
    if row.minister != actor.must_be_person() or row.membership != held.id:
        raise rules.NOT_THE_MINISTER.refused()
    return row, await readers.instrument(ref)


async def document(instrument: Instrument) -> bytes:
    """What the minister signs: who may sign for her, for whom and what, up to what value, from when until when, as canonical
    JSON. The same rows always make the same bytes."""
    bodies = await readers.named(instrument.bodies)
    facts: dict[str, Any] = {
        "type": N_("delegation of waivers of the innovation-first rule"),
        "version": 1,
        "delegation": instrument.ref,
        "grants": N_(
            "The delegate may sign waivers for the minister, for tenders of these bodies whose every CPV code is named here or lies "
            "below one that is, good together for no more than the ceiling, from the first to the last moment, and no longer than "
            "the minister holds her office or until she takes this back."
        ),
        "minister": {"ref": instrument.minister_ref, "name": instrument.minister_name},
        "department": {"ref": instrument.department_ref, "name": instrument.department_name},
        "delegate": {"ref": instrument.delegate_ref, "name": instrument.delegate_name, "office": instrument.title},
        "cpv": list(instrument.cpv),
        "bodies": [{"ref": each, "name": bodies.get(each, "")} for each in instrument.bodies],
        "ceiling_minor": instrument.ceiling_minor,
        "currency": instrument.currency,
        "begins_at": stamp(instrument.begins_at),
        "until": stamp(instrument.until),
        "reason": instrument.reason,
    }
    return canonical.encode(facts)


# ── signing under it ───────────────────────────────────────────────────────────────────────────────────────────────


async def for_this(
    actor: Actor, department: int, candidate: Candidate, asked_by: int, *, lock: bool = False
) -> Instrument | None:
    """The instrument under which this person may sign the waiver that was asked for a tender of a department (its id) by a
    person (her id): refused with every reason where the instruments that name her do not reach so far; None where none does.
    With `lock` it is held until the transaction ends, so that two waivers never use the same part of its ceiling."""
    held = await readers.held_by(actor, department)
    if not held:
        return None
    if lock:
        for each in sorted(held, key=lambda found: found.id):
            await find(Delegation, Delegation.id == each.id, lock=True)
        held = await readers.held_by(actor, department)
    uses = [await _use(actor, each, candidate, asked_by) for each in held]
    fits = next((each for each in uses if not _refused(each)), None)
    if fits is None:
        insist(rules.USE, uses[0])
    return fits.instrument if fits else None


def _refused(use: rules.Use) -> Sequence[str]:
    return [each.code for each in rules.USE if each(use) is not None]


async def _use(actor: Actor, instrument: Instrument, candidate: Candidate, asked_by: int) -> rules.Use:
    tender = candidate.tender
    return rules.Use(
        instrument=instrument,
        now=clock.arrived(),
        buyer=tender.buyer_ref,
        buyer_name=tender.buyer_name,
        codes=candidate.codes,
        value=Money(candidate.value.minor, tender.currency),
        own=await readers.own_business(actor, instrument, tender.id, asked_by),
    )


async def signed_file(instrument: Instrument) -> str:
    """The bundle of a signed instrument, naming the log's event that names its digest. Raises NotFound for a draft."""
    if not instrument.bundle:
        raise NotFound("Bundle")
    return await signatures.file(instrument.bundle, f"delegation:{instrument.ref}", "delegation.signed")


async def check(instrument: Instrument) -> signatures.Checked | None:
    """Check the signature under an instrument as a stranger would, and besides against the register of keys and the log here.
    None for a draft."""
    if not instrument.bundle:
        return None
    row = await find(Delegation, Delegation.ref == instrument.ref)
    file = await signed_file(instrument)
    return await signatures.check(file, row.minister, f"delegation:{instrument.ref}", "delegation.signed")
