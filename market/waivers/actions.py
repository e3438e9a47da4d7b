"""Waivers: asked for by the buyer, signed with a passkey or refused by the minister, checkable by anybody."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, ClassVar

import msgspec
from msgspec import Meta

from market import clock, workdays
from market.accounts import passkeys
from market.accounts.people import department_of, tell
from market.accounts.tables import Organisation
from market.actor import Actor, Hat
from market.audit.actions import record
from market.db import find, transaction
from market.hands.readers import hands_on
from market.hands.rules import Doing
from market.proof import canonical, signing
from market.reads import row, the
from market.refusals import NotFound, insist
from market.tenders import gate, log, readers
from market.tenders.evidence import Similar, accept_evidence, end_waiver, hold, similar_exercises
from market.tenders.facts import Candidate
from market.tenders.tables import Tender
from market.touch import binds
from market.waivers import rules, signatures
from market.waivers.delegations import actions as delegating
from market.waivers.delegations import readers as instruments
from market.waivers.delegations.rules import Instrument
from market.waivers.document import document, stamp
from market.waivers.grounds import label
from market.waivers.listing import Request
from market.waivers.reviews.actions import schedule
from market.waivers.tables import Waiver
from market.wording import N_, _

PURPOSE = "waiver.sign"


class WaiverRequest(msgspec.Struct, forbid_unknown_fields=True):
    """What a buyer tells the minister. `evidence` are references, addresses or names of documents, one each; `similar`
    says why the exercises found on the same subject do not serve; `valid_until` is the waiver's last day."""

    ground: Annotated[str, Meta(title=N_("Ground"), max_length=30)]
    statement: Annotated[str, Meta(title=N_("Why"), max_length=8000)]
    evidence: Annotated[list[Annotated[str, Meta(max_length=500)]], Meta(title=N_("Evidence"), max_length=20)]
    cost_of_waiting: Annotated[str, Meta(title=N_("What it costs to wait"), max_length=2000)]
    valid_until: Annotated[date, Meta(title=N_("Valid until"))]
    similar: Annotated[str, Meta(title=N_("Similar exercises"), max_length=4000)] = ""


class Reason(msgspec.Struct, forbid_unknown_fields=True):
    """Why the minister refuses; it is published."""

    schema_name: ClassVar[str] = "WaiverRefusal"
    reason: Annotated[str, Meta(title=N_("Why you refuse"), max_length=4000)]


# ── reading ────────────────────────────────────────────────────────────────────────────────────────────────────────


async def readable(actor: Actor, ref: str) -> Waiver:
    """The waiver, when this actor may read it: a decided one is everybody's; an open or withdrawn one is the buyer's, the
    department's minister's, the auditors' and the operators', whose reading of it is itself put on record. To all others
    it does not exist."""
    waiver = await find(Waiver, Waiver.ref == ref)
    if (
        waiver.decided_at is not None
        or actor.wears(*readers.BUYING_SIDE, organisation=waiver.buyer)
        or actor.wears("minister", organisation=waiver.department)
        or await _delegated(actor, waiver)
    ):
        return waiver
    if hat := actor.wears("auditor", "operator"):
        await _hidden(actor, "waiver.request-read", waiver, await find(Tender, Tender.id == waiver.tender), hat)
        return waiver
    raise NotFound("Waiver")


async def _delegated(actor: Actor, waiver: Waiver) -> bool:
    """Whether an instrument in force names this person and the body that asks."""
    held = [each for each in await instruments.in_force(actor) if each.department == waiver.department]
    if not held:
        return False
    buyer = await find(Organisation, Organisation.id == waiver.buyer)
    return any(buyer.ref in each.bodies for each in held)


async def used_at(waiver: Waiver) -> datetime | None:
    """When a tender was published under a waiver; None while none was."""
    return await row(
        datetime,
        "SELECT published_at FROM tender WHERE id = {} AND ground = 'waiver' AND ground_reference = {}",
        waiver.tender,
        waiver.ref,
    )


async def similar_to(waiver: Waiver) -> list[Similar]:
    """What similar exercises are on record now, for the minister to compare with what the buyer was shown."""
    tender = await find(Tender, Tender.id == waiver.tender)
    return await similar_exercises((await readers.candidate(tender.ref)).codes)


def _wish_of(waiver: Waiver, candidate: Candidate) -> rules.Wish:
    """What was asked, as the rules look at it, with the tender as it stands now."""
    return rules.Wish(
        tender=candidate,
        ground=waiver.ground,
        statement=waiver.statement,
        evidence=waiver.evidence.splitlines(),
        similar=waiver.similar,
        cost_of_waiting=waiver.cost_of_waiting,
        valid_until=waiver.valid_until or candidate.now,
        shown=waiver.shown,
    )


# ── the buyer ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def ask(actor: Actor, tender: str, given: WaiverRequest) -> Waiver:
    """Ask the minister of the buyer's department to waive the rule for the draft with this reference. From now on the
    draft is frozen as she reads it. The request is public once it is decided."""
    async with transaction():
        draft = await find(Tender, Tender.ref == tender, lock=True)
        hat = actor.must_wear("buyer", organisation=draft.buyer, secret=draft.published_at is None)
        candidate = await readers.candidate(draft.ref)
        shown = [exercise.reference for exercise in await similar_exercises(candidate.codes)]
        evidence = [" ".join(text.split()) for text in given.evidence if text.strip()]
        until = workdays.end_of_day(given.valid_until)
        wish = rules.Wish(
            tender=candidate,
            ground=given.ground,
            statement=given.statement,
            evidence=evidence,
            similar=given.similar,
            cost_of_waiting=given.cost_of_waiting,
            valid_until=until,
            shown=shown,
        )
        insist(rules.ASK, wish)
        department = await department_of(draft.buyer)
        waiver = Waiver(
            tender=draft.id,
            buyer=draft.buyer,
            department=department.id,
            ground=given.ground,
            statement=given.statement,
            evidence="\n".join(evidence),
            shown=shown,
            similar=given.similar,
            cost_of_waiting=given.cost_of_waiting,
            asked_at=clock.now(),
            asked_by=actor.must_be_person(),
            valid_until=until,
        )
        await waiver.save()
        await hold(draft, waiver.ref)
        await tell(
            department.id,
            "waivers/asked.txt",
            roles=("minister",),
            about=f"waiver:{waiver.ref}",
            waiver=waiver,
            tender=draft,
            buyer=candidate.tender.buyer_name,
            ground=label(waiver.ground),
            value=candidate.value,
        )
        await _hidden(actor, "waiver.requested", waiver, draft, hat, {"ground": waiver.ground, "tender": draft.ref})
    return waiver


async def withdraw(actor: Actor, ref: str) -> Waiver:
    """Take an open request back; the draft may be changed again. The request never becomes public."""
    async with transaction():
        waiver, tender = await _locked(ref)
        hat = actor.must_wear("buyer", organisation=waiver.buyer, secret=True)
        insist(rules.WITHDRAW, waiver, clock.arrived())
        waiver.withdrawn_at = clock.arrived()
        await waiver.save([Waiver.withdrawn_at])
        await hold(tender, "")
        await tell(
            waiver.department,
            "waivers/withdrawn.txt",
            roles=("minister",),
            about=f"waiver:{ref}",
            waiver=waiver,
            tender=tender,
        )
        await _hidden(actor, "waiver.withdrawn", waiver, tender, hat)
    return waiver


# ── the minister ───────────────────────────────────────────────────────────────────────────────────────────────────


async def begin_signing(actor: Actor, ref: str) -> dict[str, Any]:
    """What the browser of the minister, or of her delegate, needs to sign this request with her passkey (WebAuthn request
    options as JSON). The challenge is the digest of a statement with the document's own digest, her office and its dates."""
    waiver = await readable(actor, ref)
    tender = await find(Tender, Tender.id == waiver.tender)
    candidate = await readers.candidate(tender.ref)
    signer, under = await _signer(actor, waiver, candidate)
    insist(rules.SIGN, waiver, clock.arrived())
    insist(rules.NAMED, _wish_of(waiver, candidate))
    return await signatures.asked(actor, await document(waiver, tender, under), signer, PURPOSE)


async def sign(actor: Actor, ref: str, credential: str) -> Waiver:
    """Grant the request with the browser's answer to :func:`begin_signing` (`credential.toJSON()`, as text).

    Everything a stranger will check is checked here first, with the same code: that the passkey is hers and in force,
    that she was verified by her device, that the document is still the one she was asked to sign. The second of two
    decisions is refused. A delegate signs within her instrument, whose ceiling is counted while nobody else signs under it.
    """
    waiver = await readable(actor, ref)
    if not actor.wears("minister", organisation=waiver.department) and not await _delegated(actor, waiver):
        actor.must_wear("minister", organisation=waiver.department)
    insist(rules.SIGN, waiver, clock.arrived())
    signed = await passkeys.signed(actor, credential)
    async with transaction():
        waiver, tender = await _locked(ref)
        now = clock.arrived()
        insist(rules.SIGN, waiver, now)
        candidate = await readers.candidate(tender.ref)
        signer, under = await _signer(actor, waiver, candidate, lock=True)
        bundle, verified = await signatures.kept(signed, await document(waiver, tender, under), PURPOSE)
        insist(rules.NAMED, _wish_of(waiver, candidate))
        waiver.delegation = under.id if under else None
        await _decide(waiver, actor, signer, now)
        department = await find(Organisation, Organisation.id == waiver.department)
        about = await _about(waiver, tender)
        await accept_evidence(
            actor,
            ground="waiver",
            reference=waiver.ref,
            buyer=waiver.buyer,
            tender=tender.id,
            cpv=candidate.codes,
            ceiling_minor=candidate.value.minor,
            signed_by=f"{signer.name}, {signer.office}",
            completed_at=now,
            expires_at=waiver.valid_until,
            about=about,
            stops=[each.reference for each in gate.stopping(candidate)],
        )
        await schedule(waiver, now)
        await hold(tender, "")
        await _tell_buyer(waiver, tender, "waivers/granted.txt", office=signer.office, minister=signer.name)
        if under is not None:
            await tell(
                department.id,
                "waivers/signed-for-you.txt",
                roles=("minister",),
                about=f"waiver:{ref}",
                waiver=waiver,
                tender=tender,
                instrument=under,
                value=candidate.value,
            )
        await _published(actor, waiver, tender, department.ref, about)
        waiver.document, waiver.bundle = bundle.document.decode(), bundle.to_text()
        await waiver.save([Waiver.document, Waiver.bundle])
        await record(
            actor,
            "waiver.granted",
            f"waiver:{ref}",
            {
                **_public_facts(waiver, tender, signer),
                "cpv": candidate.codes,
                "value_minor": candidate.value.minor,
                "currency": tender.currency,
                "bundle": bundle.digest(),
                "key": verified.key_fingerprint,
                **({"delegation": under.ref, "used_minor": under.used_minor} if under else {}),
            },
            about=[*about, *([f"delegation:{under.ref}"] if under else [])],
            organisation=department.ref,
        )
    return waiver


@binds(N_("refuse a waiver"), paper=False)
async def refuse(actor: Actor, ref: str, given: Reason) -> Waiver:
    """Refuse the request with a reason everybody reads. It stays on the register; only a new request may follow."""
    await readable(actor, ref)
    async with transaction():
        waiver, tender = await _locked(ref)
        hat = actor.must_wear("minister", organisation=waiver.department)
        actor.must_have_passkey()
        insist(rules.REFUSE, waiver, clock.arrived())
        insist((rules.refusal_says_why,), given.reason)
        signer = await signatures.minister(actor, waiver.department)
        waiver.refusal_reason = given.reason
        waiver.document = (await document(waiver, tender)).decode()
        await waiver.save([Waiver.refusal_reason, Waiver.document])
        await _decide(waiver, actor, signer, clock.arrived())
        await hold(tender, "")
        await _tell_buyer(waiver, tender, "waivers/refused.txt", office=signer.office, minister=signer.name)
        about = await _about(waiver, tender)
        await _published(actor, waiver, tender, hat.organisation_ref, about)
        await record(
            actor,
            "waiver.refused",
            f"waiver:{ref}",
            {**_public_facts(waiver, tender, signer), "reason": given.reason},
            about=about,
            organisation=hat.organisation_ref,
        )
    return waiver


@binds(N_("revoke a waiver"), paper=False)
async def revoke(actor: Actor, ref: str, given: Reason) -> Waiver:
    """Take a signed waiver back, with a reason everybody reads: from now on it opens nothing. What was published with it stays
    as it is; whether it is ended is the buyer's to decide, who is told."""
    async with transaction():
        waiver, tender = await _locked(ref)
        hat = actor.must_wear("minister", organisation=waiver.department, secret=waiver.decided_at is None)
        actor.must_have_passkey()
        now = clock.arrived()
        insist(rules.REVOKE, waiver, now)
        insist((rules.refusal_says_why,), given.reason)
        signer = await signatures.minister(actor, waiver.department)
        waiver.revoked_at, waiver.revoked_by, waiver.revocation_reason = now, actor.must_be_person(), given.reason
        await waiver.save([Waiver.revoked_at, Waiver.revoked_by, Waiver.revocation_reason])
        await end_waiver(ref, now)
        await _tell_buyer(
            waiver,
            tender,
            "waivers/revoked.txt",
            office=signer.office,
            minister=signer.name,
            used=await used_at(waiver) is not None,
        )
        await record(
            actor,
            "waiver.revoked",
            f"waiver:{ref}",
            {**_public_facts(waiver, tender, signer), "reason": given.reason},
            about=await _about(waiver, tender),
            organisation=hat.organisation_ref,
            announce=[f"tender:{tender.ref}"] if tender.published_at else [],
        )
    return waiver


# ── checking ───────────────────────────────────────────────────────────────────────────────────────────────────────


async def signed_file(waiver: Waiver | Request) -> str:
    """The bundle of a granted waiver, naming the log's event that names its digest. Raises NotFound for a request that was not
    granted."""
    if not waiver.bundle:
        raise NotFound("Bundle")
    return await signatures.file(waiver.bundle, f"waiver:{waiver.ref}", "waiver.granted")


async def check(waiver: Waiver | Request) -> signatures.Checked | None:
    """Check a granted waiver's bundle as a stranger would, and besides against the register of keys and the log here; one that
    a delegate signed against the instrument it names too. None for a request that was not granted."""
    if not waiver.bundle or waiver.minister is None:
        return None
    file = await signed_file(waiver)
    return await signatures.check(
        file, waiver.minister, f"waiver:{waiver.ref}", "waiver.granted", await _instrument(waiver)
    )


async def _instrument(waiver: Waiver | Request) -> signing.Bundle | None:
    """The signed instrument under which a waiver was signed; None where the minister signed herself."""
    text = await row(
        str, "SELECT d.bundle FROM waiver w JOIN delegation d ON d.id = w.delegation WHERE w.ref = {}", waiver.ref
    )
    return signing.Bundle.from_text(text) if text else None


# ── what several of them share ─────────────────────────────────────────────────────────────────────────────────────


async def _locked(ref: str) -> tuple[Waiver, Tender]:
    """The waiver and its tender, both locked, the tender first as everywhere."""
    known = await find(Waiver, Waiver.ref == ref)
    tender = await find(Tender, Tender.id == known.tender, lock=True)
    return await find(Waiver, Waiver.id == known.id, lock=True), tender


async def _signer(
    actor: Actor, waiver: Waiver, candidate: Candidate, *, lock: bool = False
) -> tuple[signing.Signer, Instrument | None]:
    """Who signs: the minister in her office, or her delegate in hers and the instrument that lets her; refused for others."""
    if actor.wears("minister", organisation=waiver.department):
        insist(rules.SIGNER, await signing_by(actor, waiver))
        return await signatures.minister(actor, waiver.department), None
    under = await delegating.for_this(actor, waiver.department, candidate, waiver.asked_by, lock=lock)
    if under is None:
        actor.must_wear("minister", organisation=waiver.department)
        raise rules.NOT_IN_OFFICE.refused()
    office = _(
        "{title}, for the minister {minister}, {office}, under instrument {ref}",
        title=under.title,
        minister=under.minister_name,
        office=under.office,
        ref=under.ref,
    )
    return signing.Signer(actor.ref, actor.name, office, under.department_name, under.begins_at, under.ends), under


async def signing_by(actor: Actor, waiver: Waiver) -> Doing:
    """What the table of hands is asked with before this person signs a waiver, for the action and the page alike."""
    return Doing("sign-waiver", actor.ref, await hands_on(f"waiver:{waiver.ref}", "sign-waiver"), [])


async def _decide(waiver: Waiver, actor: Actor, signer: signing.Signer, now: datetime) -> None:
    waiver.decided_at, waiver.minister = now, actor.must_be_person()
    waiver.office = signer.office if waiver.delegation else f"{signer.office}, {signer.organisation}"
    await waiver.save([Waiver.decided_at, Waiver.minister, Waiver.office, Waiver.delegation])


async def _tell_buyer(waiver: Waiver, tender: Tender, template: str, **facts: Any) -> None:
    await tell(
        waiver.buyer, template, roles=("buyer",), about=f"waiver:{waiver.ref}", waiver=waiver, tender=tender, **facts
    )


def _public_facts(waiver: Waiver, tender: Tender, signer: signing.Signer) -> dict[str, canonical.Plain]:
    return {
        "tender": tender.ref,
        "title": tender.title,
        "ground": waiver.ground,
        "valid_until": stamp(waiver.valid_until) if waiver.valid_until else None,
        "signer": signer.person,
        "office": waiver.office,
    }


async def _about(waiver: Waiver, tender: Tender) -> list[str]:
    """Waiver → its tender, and the tender's own ancestors."""
    return [f"tender:{tender.ref}", *await log.ancestors(tender)]


async def _hidden(
    actor: Actor,
    verb: str,
    waiver: Waiver,
    tender: Tender,
    hat: Hat,
    facts: dict[str, canonical.Plain] | None = None,
) -> None:
    """Record something about an open request: hidden from the public until the request is decided."""
    await record(
        actor,
        verb,
        f"waiver:{waiver.ref}",
        facts,
        about=await _about(waiver, tender),
        organisation=hat.organisation_ref,
        sealed_by=f"publication:waiver:{waiver.ref}",
        announce=[f"tender:{tender.ref}"],
    )


async def _published(actor: Actor, waiver: Waiver, tender: Tender, department: str, about: Sequence[str]) -> None:
    """Break the seal on the request: with its decision the public reads when it was asked, by whom and on what ground."""
    await record(
        actor,
        "waiver.published",
        f"waiver:{waiver.ref}",
        {"ground": waiver.ground, "tender": tender.ref, "asked_at": stamp(waiver.asked_at)},
        about=about,
        organisation=department,
        announce=[f"tender:{tender.ref}"],
    )


class Counts(msgspec.Struct, frozen=True):
    """How many requests were granted, were refused, are in force now, and wait for a minister."""

    granted: int
    refused: int
    waiting: int
    in_force: int


async def statistics() -> Counts:
    """The numbers at the head of the register, and those of the public figures."""
    return await the(
        Counts,
        """
        SELECT count(*) FILTER (WHERE decided_at IS NOT NULL AND refusal_reason = '') AS granted,
            count(*) FILTER (WHERE decided_at IS NOT NULL AND refusal_reason <> '') AS refused,
            count(*) FILTER (WHERE decided_at IS NULL AND withdrawn_at IS NULL) AS waiting,
            count(*) FILTER (WHERE decided_at IS NOT NULL AND refusal_reason = '' AND revoked_at IS NULL
                AND valid_until >= {} AND (suspends_at IS NULL OR suspends_at >= {})) AS in_force
        FROM waiver
        """,
        clock.now(),
        clock.now(),
    )
