"""Paid pitches, the insight report, and the end of an exercise: go, change or stop."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from challenges import rules
from challenges.actions import ancestors, fee, must_run, names, tell_applicants
from challenges.tables import Application, Challenge, InsightReport, Pitch
from market import clock, policy, workdays
from market.accounts.edits import Trace, revise
from market.accounts.people import tell
from market.actor import SUPPLIER_ROLES, Actor, Hat, role_words
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.payments.actions import owe
from market.refusals import NotFound, insist
from market.standing import Standing
from market.tenders.evidence import accept_evidence
from market.wording import N_, _


class Schedule(msgspec.Struct, forbid_unknown_fields=True):
    """When a team pitches, and where (a place or a link)."""

    scheduled_at: Annotated[datetime, Meta(title=N_("When"), tz=True)]
    place_or_link: Annotated[str, Meta(title=N_("Where"), min_length=2, max_length=500)]


class Delivery(msgspec.Struct, forbid_unknown_fields=True):
    """What was seen at the pitch, for the buyer's own record."""

    schema_name: ClassVar[str] = "PitchDelivery"
    note: Annotated[str, Meta(title=N_("What you saw"), max_length=4000)] = ""


class ReportDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What was learnt, for everybody who has the same problem."""

    title: Annotated[str, Meta(title=N_("Title of the report"), min_length=5, max_length=200)]
    tried: Annotated[str, Meta(title=N_("What was tried"), max_length=20000)] = ""
    worked: Annotated[str, Meta(title=N_("What worked"), max_length=20000)] = ""
    did_not_work: Annotated[str, Meta(title=N_("What did not work"), max_length=20000)] = ""
    evidence: Annotated[str, Meta(title=N_("The evidence"), max_length=20000)] = ""
    others: Annotated[str, Meta(title=N_("What others should know"), max_length=20000)] = ""


class Conclusion(msgspec.Struct, forbid_unknown_fields=True):
    """The decision and its reasons."""

    decision: Annotated[Literal["go", "change", "stop"], Meta(title=N_("Decision"))]
    reasons: Annotated[str, Meta(title=N_("Reasons"), min_length=1, max_length=8000)]


# ── pitches ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def schedule(actor: Actor, ref: str, given: Schedule, seen: str) -> Pitch:
    """Arrange a pitch (its reference), or arrange it anew from what was `seen` of it; the team is told by letter."""
    async with transaction():
        challenge, pitch = await _pitch(ref)
        hat = must_run(actor, challenge)
        now = clock.now()
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


async def deliver(actor: Actor, ref: str, given: Delivery | None = None) -> Pitch:
    """Mark a pitch (its reference) as delivered: its fee is owed from now on, win or lose."""
    async with transaction():
        challenge, pitch = await _pitch(ref)
        hat = _heard(actor, challenge)
        now = clock.now()
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
        insist(rules.MISS, challenge, pitch, clock.now())
        insist((rules.says_why_it_was_missed,), reason)
        pitch.missed_at, pitch.missed_because = clock.now(), reason.strip()
        await pitch.save([*_MISSED])
        await _tell_team(challenge, pitch, "challenges/pitch-missed.txt", reason=pitch.missed_because)
        await _pitch_event(actor, "pitch.missed", challenge, pitch, hat, {"reason": pitch.missed_because})
    return pitch


# ── the report and the end ──────────────────────────────────────────────────────────────────────────────────────────


async def write_report(actor: Actor, ref: str, given: ReportDraft, seen: str) -> InsightReport:
    """Write the insight report of a challenge, or write it anew from what was `seen` of it; it is published when the
    challenge is concluded."""
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = must_run(actor, challenge)
        insist(rules.REPORT, challenge, clock.now())
        report = await maybe(InsightReport, InsightReport.challenge == challenge.id, lock=True)
        author = actor.must_be_person()
        if report is None:
            report = InsightReport(challenge=challenge.id, written_by=author)
        trace = Trace("insight_report.drafted", f"insight_report:{report.ref}")
        await revise(given, seen, report, trace=trace, written_by=author)
        await record(
            actor,
            "insight_report.drafted",
            f"insight_report:{report.ref}",
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
            sealed_by=f"publication:insight_report:{report.ref}",
        )
    return report


async def conclude(actor: Actor, ref: str, given: Conclusion) -> Challenge:
    """End an exercise with go, change or stop, publish its insight report, and hand the gate its evidence. Everybody who
    applied is told."""
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = must_run(actor, challenge)
        now = clock.now()
        insist(rules.CONCLUDE, await ending(challenge, given.decision, given.reasons))
        report = await find(InsightReport, InsightReport.challenge == challenge.id, lock=True)
        challenge.concluded_at, challenge.decision = now, given.decision
        challenge.decision_reasons = given.reasons.strip()
        await challenge.save([Challenge.concluded_at, Challenge.decision, Challenge.decision_reasons])
        report.published_at = now
        await report.save([InsightReport.published_at])
        await tell_applicants(
            challenge,
            "challenges/concluded.txt",
            decision=given.decision,
            reasons=challenge.decision_reasons,
            report=report.ref,
        )
        grown = await ancestors(challenge)
        await record(
            actor,
            "insight_report.published",
            f"insight_report:{report.ref}",
            {"title": report.title},
            about=grown,
            organisation=hat.organisation_ref,
        )
        shut = rules.keeps_the_gate_shut(challenge, await delivered(challenge))
        if shut is None:
            await accept_evidence(
                actor,
                ground="exercise",
                reference=challenge.ref,
                buyer=challenge.buyer,
                cpv=challenge.cpv,
                signed_by=f"{actor.name}, {hat.title or role_words(hat.role)}, {hat.organisation_name}",
                completed_at=now,
                expires_at=workdays.exercise_valid_until(now),
                about=grown,
            )
        await record(
            actor,
            "challenge.concluded",
            f"challenge:{ref}",
            {"decision": given.decision, "reasons": challenge.decision_reasons, "opens_the_gate": shut is None},
            about=[f"insight_report:{report.ref}", *grown],
            organisation=hat.organisation_ref,
        )
    return challenge


# ── reads ───────────────────────────────────────────────────────────────────────────────────────────────────────────


async def ending(challenge: Challenge, decision: str = "", reasons: str = "") -> rules.Ending:
    """What concluding looks at."""
    still = [each for each in await pitches_of(challenge) if each.delivered_at is None and each.missed_at is None]
    teams = await names([each.supplier for each in still])
    report = await report_of(challenge)
    return rules.Ending(
        challenge, [teams[each.supplier].name for each in still], report, decision, reasons, clock.now()
    )


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


async def belongs(challenge_ref: str, ref: str) -> None:
    """A pitch under another challenge's address is not there."""
    row = await find(Pitch, Pitch.ref == ref)
    if (await find(Challenge, Challenge.id == row.challenge)).ref != challenge_ref:
        raise NotFound("Pitch")


async def report_of(challenge: Challenge) -> InsightReport | None:
    """The insight report of a challenge, published or not."""
    return await maybe(InsightReport, InsightReport.challenge == challenge.id)


def heard(pitch: Pitch) -> Standing:
    """Where a pitch stands, in words, and the date that matters."""
    if pitch.delivered_at is not None:
        return Standing("delivered", _("Delivered"), "green", pitch.delivered_at, _("Given"))
    if pitch.missed_at is not None:
        return Standing("missed", _("Not given"), "red", pitch.missed_at, _("Marked"))
    if pitch.scheduled_at is not None:
        return Standing("arranged", _("Arranged"), "teal", pitch.scheduled_at, _("Pitch"))
    return Standing("to-arrange", _("To arrange"), "amber")


def learnt(report: InsightReport, challenge: Challenge) -> Standing:
    """Where a report stands now."""
    return rules.learnt(rules.Learnt(challenge.decision, report.published_at), clock.now())


async def report(ref: str) -> tuple[InsightReport, Challenge]:
    """A published insight report with its challenge; a draft does not exist for anybody here."""
    row = await find(InsightReport, InsightReport.ref == ref)
    if row.published_at is None:
        raise NotFound("InsightReport")
    return row, await find(Challenge, Challenge.id == row.challenge)


# ── the pieces ──────────────────────────────────────────────────────────────────────────────────────────────────────


_MISSED = (Pitch.missed_at, Pitch.missed_because)


async def _pitch(ref: str) -> tuple[Challenge, Pitch]:
    """Parent before child."""
    found = await find(Pitch, Pitch.ref == ref)
    challenge = await find(Challenge, Challenge.id == found.challenge, lock=True)
    return challenge, await find(Pitch, Pitch.id == found.id, lock=True)


def _heard(actor: Actor, challenge: Challenge) -> Hat:
    return actor.must_wear("buyer", "evaluator", organisation=challenge.buyer)


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
