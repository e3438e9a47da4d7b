"""Applying to a challenge: sent, changed and taken back until it closes."""

from __future__ import annotations

import hashlib
from typing import Annotated

import asyncpg
import msgspec
from msgspec import Meta

from challenges.applications import rules
from challenges.exercise import (
    ancestors,
    published,
    sealed,
)
from challenges.tables import Application, Challenge
from market import clock, drafts
from market.accounts.edits import Trace, revise
from market.accounts.people import tell
from market.actor import SUPPLIER_ROLES, Actor, Hat
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.outages import actions as outages
from market.proof import canonical
from market.refusals import Refused, insist
from market.standards.sanctions import actions as sanctions
from market.wording import N_


class ApplicationDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What a supplier answers. The panel reads it without knowing whose it is."""

    summary: Annotated[str, Meta(title=N_("Your idea in a few sentences"), min_length=10, max_length=1000)]
    approach: Annotated[str, Meta(title=N_("How it would work"), min_length=10, max_length=8000)]
    evidence: Annotated[str, Meta(title=N_("Evidence that it can work"), max_length=8000)] = ""
    team: Annotated[str, Meta(title=N_("Skills of the team"), max_length=4000)] = ""


async def apply(actor: Actor, ref: str, given: ApplicationDraft, supplier: int | None = None) -> Application:
    """Apply for a supplier (its id; without one, the first the actor belongs to), once for each challenge. A withdrawn
    application is sent anew. The receipt carries the digest of what was sent. Whom the deadline turns away is told should it
    move."""
    try:
        return await _apply(actor, ref, given, supplier)
    except Refused as refused:
        if any(each.code == rules.before_it_closes.code for each in refused.reasons):
            hat = actor.must_wear(*SUPPLIER_ROLES, organisation=supplier)
            await outages.turned_away(f"challenge:{ref}", hat.organisation)
        raise


async def _apply(actor: Actor, ref: str, given: ApplicationDraft, supplier: int | None) -> Application:
    async with transaction():
        challenge = await published(ref)
        hat = actor.must_wear(*SUPPLIER_ROLES, organisation=supplier)
        now = clock.arrived()
        insist(rules.APPLY, challenge, now)
        insist((rules.is_not_the_buyer,), challenge, hat.organisation)
        insist((rules.is_not_withheld,), await sanctions.withheld(hat.organisation, now))
        application = await maybe(
            Application,
            (Application.challenge == challenge.id) & (Application.supplier == hat.organisation),
            lock=True,
        )
        insist((rules.applies_once,), application)
        if application is None:
            application = Application(
                challenge=challenge.id,
                supplier=hat.organisation,
                submitted_at=now,
                submitted_by=actor.must_be_person(),
            )
        drafts.write(given, application)
        application.submitted_at, application.submitted_by = now, actor.must_be_person()
        application.edited_at = application.withdrawn_at = None
        try:
            await application.save()
        except asyncpg.UniqueViolationError:
            raise rules.applies_once.refused(application) from None
        await _receipt(challenge, application, hat)
        await _application_event(
            actor, "application.submitted", challenge, application, hat, digest=digest(application)
        )
    return application


async def change(actor: Actor, ref: str, given: ApplicationDraft, seen: str) -> Application:
    """Change an application (its reference), from the version that was `seen`, before the challenge closes."""
    async with transaction():
        challenge, application, hat = await _own_application(actor, ref)
        now = clock.arrived()
        insist(rules.APPLY, challenge, now)
        insist((rules.is_not_withdrawn,), application)
        await revise(given, seen, application, trace=Trace("application.edited", f"application:{ref}"), edited_at=now)
        await _receipt(challenge, application, hat)
        await _application_event(actor, "application.edited", challenge, application, hat, digest=digest(application))
    return application


async def withdraw(actor: Actor, ref: str) -> Application:
    """Take an application (its reference) back before the challenge closes; it can be sent again until then."""
    async with transaction():
        challenge, application, hat = await _own_application(actor, ref)
        now = clock.arrived()
        insist(rules.APPLY, challenge, now)
        insist((rules.is_not_withdrawn,), application)
        application.withdrawn_at = now
        await application.save([Application.withdrawn_at])
        await tell(
            application.supplier,
            "challenges/application-withdrawn.txt",
            roles=SUPPLIER_ROLES,
            about=f"application:{ref}",
            title=challenge.title,
            ref=challenge.ref,
            closes_at=challenge.closes_at,
        )
        await _application_event(actor, "application.withdrawn", challenge, application, hat)
    return application


async def application_of(actor: Actor, challenge: Challenge) -> Application | None:
    """What the actor's organisation sent to this challenge."""
    mine = actor.organisations(*SUPPLIER_ROLES)
    if not mine:
        return None
    return await maybe(Application, (Application.challenge == challenge.id) & Application.supplier.is_in(mine))


def digest(application: Application) -> str:
    """SHA-256 of what the supplier sent, over canonical JSON: the receipt in her letter, to be checked later."""
    said: dict[str, canonical.Plain] = {
        "application": application.ref,
        **drafts.stored(ApplicationDraft, application),
    }
    return hashlib.sha256(canonical.encode(said)).hexdigest()


# ── the pieces ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def _own_application(actor: Actor, ref: str) -> tuple[Challenge, Application, Hat]:
    """Parent before child: the challenge is locked first, then the application is read again."""
    found = await find(Application, Application.ref == ref)
    hat = actor.must_wear(*SUPPLIER_ROLES, organisation=found.supplier, secret=True)
    challenge = await find(Challenge, Challenge.id == found.challenge, lock=True)
    return challenge, await find(Application, Application.id == found.id, lock=True), hat


async def _receipt(challenge: Challenge, application: Application, hat: Hat) -> None:
    await tell(
        application.supplier,
        "challenges/application-received.txt",
        roles=SUPPLIER_ROLES,
        about=f"application:{application.ref}",
        title=challenge.title,
        ref=challenge.ref,
        application=application.ref,
        supplier=hat.organisation_name,
        changed=application.edited_at is not None,
        at=application.edited_at or application.submitted_at,
        digest=digest(application),
        closes_at=challenge.closes_at,
    )


async def _application_event(
    actor: Actor, verb: str, challenge: Challenge, application: Application, hat: Hat, **said: canonical.Plain
) -> None:
    await record(
        actor,
        verb,
        f"application:{application.ref}",
        said,
        about=await ancestors(challenge),
        organisation=hat.organisation_ref,
        sealed_by=sealed(challenge),
    )
