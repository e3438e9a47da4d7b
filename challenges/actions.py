"""A published challenge: what is asked about it, and how it ends. Writing one stands in `challenges.drafts`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from challenges import rules
from challenges.exercise import (
    ancestors,
    effort_of,
    fees,
    live_applications,
    measures_of,
    must_run,
    open_teams,
    panel_of,
    published,
    tell_applicants,
)
from challenges.insights.actions import report_of
from challenges.pitches.actions import delivered
from challenges.tables import Challenge, InsightReport
from market import clock, policy, workdays
from market.actor import Actor, role_words
from market.audit.actions import record
from market.budgets import counting
from market.db import find, transaction
from market.panels import actions as panel_actions
from market.questions import actions as questions
from market.questions.rules import Topic
from market.questions.tables import PublicQuestion
from market.refusals import insist
from market.tenders.evidence import Effort, Learnt, accept_evidence
from market.touch import binds
from market.wording import N_, _


@binds(N_("cancel a challenge"))
async def cancel(actor: Actor, ref: str, reason: str) -> Challenge:
    """End a published challenge without a conclusion. Everybody who applied is told why; delivered pitches stay owed."""
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = must_run(actor, challenge)
        now = clock.arrived()
        insist(rules.CANCEL, challenge, reason, now)
        challenge.cancelled_at, challenge.cancelled_reason = now, reason.strip()
        await challenge.save([Challenge.cancelled_at, Challenge.cancelled_reason])
        await tell_applicants(challenge, "challenges/cancelled.txt", reason=challenge.cancelled_reason)
        await panel_actions.release(await panel_of(challenge), challenge.cancelled_reason)
        await record(
            actor,
            "challenge.cancelled",
            f"challenge:{ref}",
            {"reason": challenge.cancelled_reason},
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
        )
        await _count_what_was_pitched(actor, challenge, "cancelled")
    return challenge


async def _count_what_was_pitched(actor: Actor, challenge: Challenge, cause: str) -> None:
    """At the end only the fees of delivered pitches are taken from the budget."""
    about = f"challenge:{challenge.ref}"
    pitched = fees(challenge, await delivered(challenge))
    await counting.keep(actor, about, about, reserved=0, committed=pitched, cause=cause)


class Asked(rules.Dates, frozen=True):
    """A challenge as far as questions about it need to know it; `buyer` is the id of its organisation."""

    ref: str
    title: str
    buyer: int


def topic_of(challenge: Challenge | Asked) -> Topic:
    """What is known of this challenge where questions about it are asked and answered."""
    return Topic(
        record=f"challenge:{challenge.ref}",
        title=challenge.title,
        buyer=challenge.buyer,
        until=challenge.questions_until,
        closes_at=challenge.closes_at,
        sends="applications",
        taking=rules.stage(challenge, clock.arrived()) in rules.TAKING,
        remedy=_("If it was wrong, add a change to the challenge."),
    )


async def hold(ref: str) -> questions.Held:
    """A published challenge for what is asked about it, its row locked: one question is dealt with at a time. Who applied
    reads every answer."""
    challenge = await published(ref)
    applied = {each.supplier for each in await live_applications(challenge)}
    return questions.Held(topic_of(challenge), applied, await ancestors(challenge))


async def ask(actor: Actor, ref: str, given: questions.QuestionDraft) -> PublicQuestion:
    """Ask about a published challenge, as any registered supplier."""
    async with transaction():
        return await questions.ask(actor, await hold(ref), given)


async def answer(actor: Actor, ref: str, question: str, given: questions.AnswerDraft) -> PublicQuestion:
    """Answer a question (its reference) about this challenge, once and for everybody."""
    async with transaction():
        return await questions.answer(actor, await hold(ref), question, given)


class Conclusion(msgspec.Struct, forbid_unknown_fields=True):
    """The decision and its reasons."""

    decision: Annotated[Literal["go", "change", "stop"], Meta(title=N_("Decision"))]
    reasons: Annotated[str, Meta(title=N_("Reasons"), min_length=1, max_length=8000)]


@binds(N_("conclude a challenge"))
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
        effort, measures = await effort_of(challenge), await measures_of(challenge)
        short = rules.falls_short(effort)
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
            learnt=Learnt(
                outcome=given.decision,
                title=challenge.title,
                problem=challenge.problem,
                reasons=challenge.decision_reasons,
                follow_on_minor=challenge.follow_on_minor,
                currency=challenge.currency,
                route=challenge.follow_on_route,
                payer=challenge.follow_on_payer,
                effort=Effort(
                    pitches=effort.pitches,
                    pitches_least=policy.IN_FORCE.challenges.pitches_least,
                    measures=sum(bool(each.value) for each in measures),
                    statement=effort.statement,
                    falls_short=short,
                ),
            ),
        )
        await record(
            actor,
            "challenge.concluded",
            f"challenge:{ref}",
            {
                "decision": given.decision,
                "reasons": challenge.decision_reasons,
                "opens_the_gate": not short and given.decision != "stop",
                "pitches": effort.pitches,
                "statement": effort.statement,
                "measured": [
                    {"measure": each.measure, "target": each.wanted, "value": each.found, "met": each.met}
                    for each in measures
                    if each.value
                ],
            },
            about=[f"insight_report:{report.ref}", *grown],
            organisation=hat.organisation_ref,
        )
        await _count_what_was_pitched(actor, challenge, "ended")
    return challenge


async def ending(challenge: Challenge, decision: str = "", reasons: str = "") -> rules.Ending:
    """What concluding looks at."""
    unmeasured = [each.measure for each in await measures_of(challenge) if not each.value]
    return rules.Ending(
        challenge=challenge,
        open_teams=await open_teams(challenge),
        pitched=await delivered(challenge),
        unmeasured=unmeasured,
        report=await report_of(challenge),
        decision=decision,
        reasons=reasons,
        now=clock.arrived(),
    )
