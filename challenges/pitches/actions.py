"""Paid pitches: arranged, given, or written down as missed."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from challenges.exercise import (
    ancestors,
    fee,
    must_run,
)
from challenges.pitches import rules
from challenges.tables import Application, Challenge, Pitch
from market import clock, policy, workdays
from market.accounts.edits import Trace, revise
from market.accounts.people import tell
from market.actor import SUPPLIER_ROLES, Actor, Hat
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.payments.actions import owe
from market.refusals import insist
from market.touch import binds
from market.wording import N_, _


class Schedule(msgspec.Struct, forbid_unknown_fields=True):
    """When a team pitches, and where (a place or a link)."""

    scheduled_at: Annotated[datetime, Meta(title=N_("When"), tz=True)]
    place_or_link: Annotated[str, Meta(title=N_("Where"), min_length=2, max_length=500)]


class Delivery(msgspec.Struct, forbid_unknown_fields=True):
    """What was seen at the pitch, for the buyer's own record."""

    schema_name: ClassVar[str] = "PitchDelivery"
    note: Annotated[str, Meta(title=N_("What you saw"), max_length=4000)] = ""


async def schedule(actor: Actor, ref: str, given: Schedule, seen: str) -> Pitch:
    """Arrange a pitch (its reference), or arrange it anew from what was `seen` of it; the team is told by letter."""
    async with transaction():
        challenge, pitch = await _pitch(ref)
        hat = must_run(actor, challenge)
        now = clock.arrived()
        insist(rules.SCHEDULE, challenge, pitch, now)
        insist((rules.is_arranged_ahead,), given.scheduled_at, now)
        moved = pitch.scheduled_at is not None
        trace = Trace("pitch.scheduled", f"pitch:{ref}")
        await revise(given, seen, pitch, trace=trace, missed_at=None, missed_because="")
        await _tell_team(challenge, pitch, "challenges/pitch-scheduled.txt", moved=moved)
        await _pitch_event(
            actor, "pitch.scheduled", challenge, pitch, hat, {"scheduled_at": given.scheduled_at.isoformat()}
        )
    return pitch


@binds(N_("confirm that a pitch was delivered, which makes its fee due"))
async def deliver(actor: Actor, ref: str, given: Delivery | None = None) -> Pitch:
    """Mark a pitch (its reference) as delivered: its fee is owed from now on, win or lose."""
    async with transaction():
        challenge, pitch = await _pitch(ref)
        hat = actor.must_wear("buyer", "evaluator", organisation=challenge.buyer)
        now = clock.arrived()
        insist(rules.DELIVER, challenge, pitch, now)
        pitch.delivered_at, pitch.delivered_by = now, actor.must_be_person()
        pitch.note = (given or Delivery()).note.strip()
        pitch.missed_at, pitch.missed_because = None, ""
        await pitch.save([Pitch.delivered_at, Pitch.delivered_by, Pitch.note, *_MISSED])
        await _tell_team(challenge, pitch, "challenges/pitch-delivered.txt", due_at=workdays.pitch_fee_due_at(now))
        await owe(
            actor,
            cause=f"pitch:{pitch.ref}",
            payer=challenge.buyer,
            payee=pitch.supplier,
            amount=fee(challenge),
            purpose=_("Fee for the pitch to “{title}”", title=challenge.title),
            about=f"challenge:{challenge.ref}",
            ancestors=await _grown(challenge, pitch),
            days=policy.IN_FORCE.payments.pitch_fee_days,
        )
        await _pitch_event(actor, "pitch.delivered", challenge, pitch, hat)
    return pitch


async def miss(actor: Actor, ref: str, reason: str) -> Pitch:
    """Write down that a pitch (its reference) was not given, and why; no fee is owed for it. A mistake is mended by
    arranging or delivering it after all."""
    async with transaction():
        challenge, pitch = await _pitch(ref)
        hat = must_run(actor, challenge)
        insist(rules.MISS, challenge, pitch, clock.arrived())
        insist((rules.says_why_it_was_missed,), reason)
        pitch.missed_at, pitch.missed_because = clock.arrived(), reason.strip()
        await pitch.save([*_MISSED])
        await _tell_team(challenge, pitch, "challenges/pitch-missed.txt", reason=pitch.missed_because)
        await _pitch_event(actor, "pitch.missed", challenge, pitch, hat, {"reason": pitch.missed_because})
    return pitch


# ── reads ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def pitches_of(challenge: Challenge) -> list[Pitch]:
    """The pitches of the short-listed teams, in the order in which they are heard."""
    return await Pitch.objects().where(Pitch.challenge == challenge.id).order_by(Pitch.scheduled_at, Pitch.id)


async def pitch_of(application: Application) -> Pitch | None:
    """The pitch of a short-listed application."""
    return await maybe(Pitch, Pitch.application == application.id)


async def delivered(challenge: Challenge) -> int:
    """How many teams have pitched."""
    return int(await Pitch.count().where((Pitch.challenge == challenge.id) & Pitch.delivered_at.is_not_null()))


def may_see(actor: Actor, challenge: Challenge, pitch: Pitch) -> bool:
    """Whether somebody sees when and where a team pitches: the team, the buyer's people, auditors and operators."""
    return bool(
        actor.wears(*SUPPLIER_ROLES, organisation=pitch.supplier)
        or actor.wears("buyer", "evaluator", organisation=challenge.buyer)
        or actor.wears("auditor", "operator")
    )


# ── the pieces ──────────────────────────────────────────────────────────────────────────────────────────────────────


_MISSED = (Pitch.missed_at, Pitch.missed_because)


async def _pitch(ref: str) -> tuple[Challenge, Pitch]:
    """Parent before child."""
    found = await find(Pitch, Pitch.ref == ref)
    challenge = await find(Challenge, Challenge.id == found.challenge, lock=True)
    return challenge, await find(Pitch, Pitch.id == found.id, lock=True)


async def _grown(challenge: Challenge, pitch: Pitch) -> list[str]:
    application = await find(Application, Application.id == pitch.application)
    return await ancestors(challenge, f"application:{application.ref}")


async def _pitch_event(
    actor: Actor, verb: str, challenge: Challenge, pitch: Pitch, hat: Hat, facts: dict[str, str] | None = None
) -> None:
    await record(
        actor,
        verb,
        f"pitch:{pitch.ref}",
        facts or {},
        about=await _grown(challenge, pitch),
        organisation=hat.organisation_ref,
        announce=[f"challenge:{challenge.ref}"],
    )


async def _tell_team(challenge: Challenge, pitch: Pitch, template: str, **said: object) -> None:
    application = await find(Application, Application.id == pitch.application)
    await tell(
        pitch.supplier,
        template,
        roles=SUPPLIER_ROLES,
        about=f"pitch:{pitch.ref}",
        title=challenge.title,
        ref=challenge.ref,
        application=application.ref,
        scheduled_at=pitch.scheduled_at,
        place_or_link=pitch.place_or_link,
        fee=fee(challenge),
        fee_days=policy.IN_FORCE.payments.pitch_fee_days,
        **said,
    )
