"""Sandboxes: where a supplier's service can be tried, the token that shows control of the host, and asking for a live check.

Nothing here calls anybody: a check is asked by a row, and :mod:`conformance` makes it. What the last finished live check
found counts in every later check of the description, until a live check finds nothing.
"""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated, Any

import asyncpg
import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from msgspec import Meta

from market import clock
from market.accounts.edits import Trace, revise
from market.accounts.tables import Organisation
from market.actor import SUPPLIER_ROLES, Actor
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.derivation import derived
from market.reads import rows
from market.refusals import insist
from market.settings import settings
from market.standards.certificates import actions as certificates
from market.standards.checking.outcome import Finding, Run
from market.standards.profiles import actions as publishing
from market.standards.sandboxes import live, rules
from market.standards.tables import CheckRun, LiveCheck, Lodgement, PublishedProfile, Sandbox, Service
from market.web.limits import Limit, spend
from market.wording import N_

ASKED = Limit("standards-live", 10, 3600)
"""Live checks that one supplier may ask for: each is up to two hundred requests to somebody's machine."""


class SandboxDraft(msgspec.Struct, forbid_unknown_fields=True):
    """Where the service can be tried. `credential` is what the header `header` must say for a call to be let in; empty
    keeps the one there is."""

    address: Annotated[str, Meta(title=N_("Address of the sandbox"), max_length=400)]
    writable: Annotated[bool, Meta(title=N_("Everything may be called"))] = False
    header: Annotated[str, Meta(title=N_("Header with the credential"), max_length=80)] = ""
    credential: Annotated[str, Meta(title="Credential", max_length=4000)] = ""


async def of_service(service: Service) -> Sandbox | None:
    """The sandbox of a service, None without one."""
    return await maybe(Sandbox, Sandbox.service == service.id)


async def name(actor: Actor, ref: str, given: SandboxDraft, seen: str) -> Sandbox:
    """Name the sandbox of a service, or change it from what was `seen`. Another host gets another token: control is shown anew."""
    async with transaction():
        service = await find(Service, Service.ref == ref, lock=True)
        hat = actor.must_wear(*SUPPLIER_ROLES, organisation=service.supplier)
        row = await of_service(service)
        naming = rules.Naming(
            service.withdrawn_at is not None,
            given.address.strip(),
            given.header.strip(),
            bool(given.credential.strip() or (row is not None and row.credential)),
            settings().loopback,
        )
        insist(rules.NAME_SANDBOX, naming)
        moved = row is None or rules.host_of(row.address) != rules.host_of(given.address)
        if row is None:
            row = Sandbox(service=service.id, token="", named_at=clock.now(), named_by=actor.must_be_person())
        credential = row.credential
        if not given.header.strip():
            credential = b""
        elif given.credential.strip():
            credential = _sealed(given.credential.strip(), service)
        await revise(
            given,
            seen,
            row,
            trace=Trace("service.sandbox-named", f"service:{ref}"),
            shown={"credential": given.credential},  # what is kept is never shown, so it is not compared in words
            address=given.address.strip().rstrip("/"),
            header=given.header.strip(),
            credential=credential,
            token=secrets.token_urlsafe(24) if moved else row.token,
            named_at=clock.now(),
            named_by=actor.must_be_person(),
        )
        await _say(actor, "service.sandbox-named", service, hat.organisation_ref, {"writable": bool(row.writable)})
    return row


async def drop(actor: Actor, ref: str) -> None:
    """Take the sandbox away. Refused while the last live check found something: it is mended, not hidden."""
    async with transaction():
        service = await find(Service, Service.ref == ref, lock=True)
        hat = actor.must_wear(*SUPPLIER_ROLES, organisation=service.supplier)
        open_findings = [
            each
            for said in service.profiles
            for profile in [await publishing.named(said)]
            if profile is not None
            for each in await standing(service, profile)
        ]
        insist(rules.DROP_SANDBOX, len(open_findings))
        row = await of_service(service)
        if row is not None:
            await Sandbox.delete().where(Sandbox.id == row.id)
            await _say(actor, "service.sandbox-dropped", service, hat.organisation_ref, {})


async def ask(actor: Actor, ref: str) -> LiveCheck:
    """Ask for a live check of the newest document; a job makes it within a minute."""
    service = await find(Service, Service.ref == ref)
    actor.must_wear(*SUPPLIER_ROLES, organisation=service.supplier)
    lodged = await certificates.latest_lodgement(service)
    profiles = [await publishing.named(each) for each in service.profiles]
    kinds = [each for each in profiles if each is not None and publishing.composed_of(each).of_kind("live")]
    asking = rules.Trying(
        service.withdrawn_at is not None,
        await of_service(service) is not None,
        lodged is not None,
        bool(kinds),
        live.available(),
    )
    insist(rules.TRY, asking)
    await spend(ASKED, str(service.supplier))
    row = await queue(service, lodged, actor) if lodged is not None else None
    if row is None:
        raise rules.CHECK_WAITING.refused()
    return row


async def queue(service: Service, lodged: Lodgement, actor: Actor | None = None) -> LiveCheck | None:
    """Leave a row for the job; None when one waits, when the service has no sandbox, or where live checks are not made."""
    sandbox = await of_service(service)
    if sandbox is None or not live.available():
        return None
    row = LiveCheck(
        service=service.id,
        lodgement=lodged.id,
        address=sandbox.address,
        asked_at=clock.now(),
        asked_by=actor.person if actor is not None else None,
    )
    try:
        async with transaction():
            await row.save()
    except asyncpg.UniqueViolationError:
        return None
    return row


async def standing(service: Service, profile: PublishedProfile) -> list[Finding]:
    """What the last finished live check of a service found under a profile: it decides in every check until one finds
    nothing. A check that could not be finished changes nothing."""
    runs = (
        await CheckRun.objects()
        .where(
            (CheckRun.service == service.id)
            & (CheckRun.profile == profile.id)
            & (CheckRun.cause == "live")
            & (CheckRun.outcome != "could-not-check")
        )
        .order_by(CheckRun.id, ascending=False)
        .limit(1)
    )
    names = {card.rule for card in publishing.composed_of(profile).of_kind("live")}
    return [each for row in runs for each in Run.from_json(row.result.encode()).findings if each.rule in names]


class Called(msgspec.Struct, frozen=True):
    """A live check, and the version of the document it was made with."""

    ref: str
    address: str
    asked_at: datetime
    began_at: datetime | None
    finished_at: datetime | None
    stopped: str
    requests: int
    number: int


async def checks_of(service: Service) -> list[Called]:
    """The live checks of a service, newest first."""
    return await rows(
        Called,
        """
        SELECT c.ref, c.address, c.asked_at, c.began_at, c.finished_at, c.stopped, c.requests, l.number
        FROM live_check c JOIN lodgement l ON l.id = c.lodgement WHERE c.service = {} ORDER BY c.id DESC LIMIT 20
        """,
        service.id,
    )


def credentials(row: Sandbox, service: Service) -> dict[str, str]:
    """The headers that authenticate a call; empty without a credential, or when the platform's secret has changed."""
    if not row.header or not row.credential:
        return {}
    sealed = bytes(row.credential)
    try:
        opened = AESGCM(derived("prelude/standards/sandbox/v1")).decrypt(
            sealed[:12], sealed[12:], str(service.ref).encode()
        )
    except InvalidTag:
        return {}
    return {str(row.header): opened.decode()}


def _sealed(credential: str, service: Service) -> bytes:
    nonce = secrets.token_bytes(12)
    return nonce + AESGCM(derived("prelude/standards/sandbox/v1")).encrypt(
        nonce, credential.encode(), str(service.ref).encode()
    )


async def _say(actor: Actor, verb: str, service: Service, by: str, facts: dict[str, Any]) -> None:
    supplier = await find(Organisation, Organisation.id == service.supplier)
    await record(actor, verb, f"service:{service.ref}", facts, about=[f"supplier:{supplier.ref}"], organisation=by)
