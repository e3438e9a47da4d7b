"""What is a challenge's own about its panel: aliases, reading applications under them, and the short list.

Seats, declarations and marks are `market.panels`. An evaluator declares against the list of the applicants' *names*, before
she sees an application and without learning which alias is whose; what she adds later she no longer reads or marks either. The system knows: what she has an interest in is
neither shown to her nor counted from her. Aliases are dealt to all applications at once, shuffled by a secret drawn for the occasion and kept nowhere, by whoever
comes first after the closing. Names meet aliases when the short list is made.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Literal

from challenges import outage
from challenges import rules as challenge_rules
from challenges.exercise import (
    Named,
    ancestors,
    body,
    fee,
    fees,
    live_applications,
    must_run,
    panel_of,
    sealed,
)
from challenges.judging import rules, scoring
from challenges.tables import Application, Challenge, Pitch
from market import clock, policy
from market.accounts.people import tell
from market.actor import SUPPLIER_ROLES, Actor
from market.audit.actions import record
from market.budgets import counting
from market.db import find, maybe, transaction
from market.money import Money
from market.outages import actions as outages
from market.panels import actions as panels
from market.panels import rules as panel_rules
from market.panels.arithmetic import shown
from market.panels.panel import Given, Member, Panel
from market.panels.tables import Seat
from market.proof.canonical import Plain
from market.reads import rows
from market.refusals import NotFound, insist
from market.touch import binds
from market.wording import N_

Sees = Literal["own", "panel", "all"]
"""As whom somebody reads an application: its supplier; an evaluator, without the name; the buyer and auditors, after the
short list, with it."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An application as somebody may read it; `supplier` is None for the panel before the short list."""

    application: Application
    challenge: Challenge
    sees: Sees
    supplier: Named | None
    member: Member | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """What one application got on one criterion: the reckoning in a sentence, and each evaluator's mark and reason."""

    name: str
    says: str
    marks: tuple[Given, ...]


# ── the panel, and reading under aliases ────────────────────────────────────────────────────────────────────────────


def panel(ref: str) -> panels.Convening:
    """The panel of a challenge, for its actions: convening it locks the challenge, and the first to come after the closing
    deals the aliases."""

    async def convene() -> Panel:
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        if challenge_rules.stage(challenge, clock.arrived()) == "closed":
            await _deal(challenge)
        return await panel_of(challenge)

    return convene


async def seat(actor: Actor, challenge: Challenge) -> Seat | None:
    """The actor's seat on the panel, None without one and for who was excused."""
    if actor.person is None:
        return None
    about = f"challenge:{challenge.ref}"
    return await maybe(Seat, (Seat.panel == about) & (Seat.person == actor.person) & Seat.excused_at.is_null())


async def read_application(actor: Actor, ref: str, marking: Panel | None = None) -> Reading:
    """Read an application (its reference): its supplier always; an evaluator once she has declared, without the name;
    the buyer's people and auditors after the short list. Whoever else asks is not told that it exists. That a person who
    is not its supplier has read it is written down, once for each person and application. `marking` is the panel, where it was
    read already."""
    async with transaction():
        application = await find(Application, Application.ref == ref)
        challenge = await find(Challenge, Challenge.id == application.challenge)
        reading = await _reading(actor, challenge, application, marking)
        if reading.sees != "own" and not await panels.has_read(actor, f"application:{ref}"):
            hat = actor.wears("buyer", "evaluator", organisation=challenge.buyer) or actor.wears("auditor", "operator")
            await panels.write_down_reading(
                actor,
                "application.read",
                f"application:{ref}",
                partial(find, Application, Application.id == application.id, lock=True),
                about=await ancestors(challenge),
                private={"as": reading.sees, "alias": application.alias},
                organisation=hat.organisation_ref if hat else "",
                sealed_by=sealed(challenge),
            )
    return reading


async def readable(actor: Actor, challenge: Challenge) -> list[Reading]:
    """Every application of a challenge that this person may read; each reading is written down."""
    marking, readings = await panel_of(challenge), []
    for ref in await rows(str, "SELECT ref FROM application WHERE challenge = {} ORDER BY alias, ref", challenge.id):
        with suppress(NotFound):
            readings.append(await read_application(actor, ref, marking))
    return readings


async def tell_panels() -> int:
    """A job: when a challenge has closed, write to those on its panel that they may begin. Answers how many were told."""
    closed = """
        SELECT ref, closes_at AS opened_at FROM challenge
        WHERE closes_at < {} AND published_at IS NOT NULL AND shortlisted_at IS NULL AND cancelled_at IS NULL
        """
    return await panels.tell_next_begun("challenge", closed, panel, clock.now())


# ── the short list ──────────────────────────────────────────────────────────────────────────────────────────────────


@binds(N_("decide the short list"))
async def shortlist(actor: Actor, ref: str) -> Challenge:
    """Make the short list from the panel's marks. Every applicant gets her scores and reasons by letter; every team on
    the list gets a pitch to be arranged. Names are known from now on."""
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = must_run(actor, challenge)
        now = clock.arrived()
        insist(rules.SHORTLIST, challenge, now)
        marked = await panel_of(challenge)
        insist(panel_rules.READY, marked.readiness())
        applications = {each.alias: each for each in await _live(challenge)}
        ranked = ranking(challenge, marked)
        for standing in ranked.standings:
            application = applications[standing.alias]
            application.rank, application.shortlisted = standing.rank, standing.shortlisted
            application.total = shown(standing.total)
            await application.save([Application.rank, Application.shortlisted, Application.total])
            if standing.shortlisted:
                await Pitch.insert(
                    Pitch(application=application.id, challenge=challenge.id, supplier=application.supplier)
                )
        challenge.shortlisted_at = now
        await challenge.save([Challenge.shortlisted_at])
        for standing in ranked.standings:
            await _tell_result(challenge, applications[standing.alias], marked, ranked, standing)
        suppliers = {subject.name: subject.supplier for subject in marked.matter.subjects}
        await record(
            actor,
            "challenge.shortlisted",
            f"challenge:{ref}",
            {
                "applications": len(applications),
                "shortlisted": [suppliers[alias] for alias in ranked.shortlist],
                "places": challenge.places,
                "least_mark": challenge.least_mark,
                "rules": list(ranked.rules),
            },
            about=await ancestors(challenge),
            private={"note": note_of(marked), "ranking": _kept(ranked, applications)},
            organisation=hat.organisation_ref,
        )
        about, owed = f"challenge:{ref}", fees(challenge, len(ranked.shortlist))
        await counting.keep(actor, about, about, reserved=0, committed=owed, cause="short-listed")
    return challenge


def ranking(challenge: Challenge, panel: Panel) -> scoring.Ranking:
    """The ranking of a panel that owes nothing; with no application it is empty."""
    criteria = panel.matter.subjects[0].criteria if panel.matter.subjects else ()
    return scoring.rank(
        [scoring.Criterion(each.ref, each.name, each.weight) for each in criteria],
        {
            subject.name: {
                each.ref: [mark.points for mark in panel.marks(subject, each.ref)] for each in subject.criteria
            }
            for subject in panel.matter.subjects
        },
        challenge.places,
        least=challenge.least_mark,
    )


def note_of(panel: Panel) -> str:
    """What the panel says where its marks lay far apart; empty where they did not."""
    return panel.consensus.note if panel.consensus else ""


async def feedback(challenge: Challenge, application: Application) -> list[Feedback]:
    """What an application got, criterion by criterion, with every evaluator's reason and no evaluator's name; empty
    before the short list."""
    if challenge.shortlisted_at is None or not application.alias:
        return []
    marked = await panel_of(challenge)
    standings = ranking(challenge, marked).standings
    return _feedback(marked, application, next((each for each in standings if each.alias == application.alias), None))


def _feedback(panel: Panel, application: Application, standing: scoring.Standing | None) -> list[Feedback]:
    subject = panel.matter.subject(f"application:{application.ref}")
    if standing is None or subject is None:
        return []
    return [Feedback(line.name, line.says, tuple(panel.marks(subject, line.criterion))) for line in standing.lines]


# ── the pieces ──────────────────────────────────────────────────────────────────────────────────────────────────────


async def _reading(actor: Actor, challenge: Challenge, application: Application, marking: Panel | None) -> Reading:
    if actor.wears(*SUPPLIER_ROLES, organisation=application.supplier):
        return Reading(application, challenge, "own", await body(application.supplier))
    marking = marking or await panel_of(challenge)
    member = marking.member(actor.person)
    seated = member in marking.active and actor.wears(*panels.ROLES, organisation=challenge.buyer) is not None
    mine = [subject.ref for subject in marking.to_mark(member)] if member else []
    if seated and not marking.matter.settled and f"application:{application.ref}" in mine:
        return Reading(application, challenge, "panel", None, member)
    known = challenge.shortlisted_at is not None and application.withdrawn_at is None
    if known and (
        actor.wears("buyer", "evaluator", organisation=challenge.buyer) or actor.wears("auditor", "operator")
    ):
        return Reading(application, challenge, "all", await body(application.supplier), member if seated else None)
    raise NotFound("Application")


async def _live(challenge: Challenge) -> list[Application]:
    """The rows of what was not withdrawn, to be written."""
    return (
        await Application.objects()
        .where((Application.challenge == challenge.id) & Application.withdrawn_at.is_null())
        .order_by(Application.ref)
    )


async def _deal(challenge: Challenge) -> None:
    applications = await _live(challenge)
    if not applications or any(each.alias for each in applications):
        return
    await outages.gather()
    if await outage.moved(challenge):
        return
    firms = [each.supplier_name for each in await live_applications(challenge)]
    called = [*firms, *(each.team for each in applications)]
    dealt = scoring.aliases([each.ref for each in applications], secrets.token_hex(32), called)
    for each in applications:
        each.alias = dealt[each.ref]
        await each.save([Application.alias])


def _kept(ranked: scoring.Ranking, applications: Mapping[str, Application]) -> list[Plain]:
    return [
        {
            "application": applications[each.alias].ref,
            "alias": each.alias,
            "rank": each.rank,
            "total": shown(each.total),
            "shortlisted": each.shortlisted,
        }
        for each in ranked.standings
    ]


async def _tell_result(
    challenge: Challenge, application: Application, panel: Panel, ranked: scoring.Ranking, standing: scoring.Standing
) -> None:
    money: Money = fee(challenge)
    await tell(
        application.supplier,
        "challenges/shortlisted.txt" if standing.shortlisted else "challenges/not-shortlisted.txt",
        roles=SUPPLIER_ROLES,
        about=f"application:{application.ref}",
        title=challenge.title,
        ref=challenge.ref,
        application=application.ref,
        fee=money,
        fee_days=policy.IN_FORCE.payments.pitch_fee_days,
        pitches_by=challenge.pitches_by,
        applications=len(ranked.standings),
        invited=len(ranked.shortlist),
        places=challenge.places,
        rank=standing.rank,
        total=shown(standing.total),
        evaluators=standing.evaluators,
        lines=_feedback(panel, application, standing),
        rules=ranked.rules,
        note=note_of(panel),
    )
