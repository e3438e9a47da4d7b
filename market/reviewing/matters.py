"""A draft of any kind as it is reviewed: found, locked, described, with what a reviewer should notice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from challenges.drafts import actions as challenges
from challenges.drafts import rules as challenge_rules
from challenges.tables import Challenge
from market import clock
from market.actor import Actor
from market.builds import actions as builds
from market.builds import rules as build_rules
from market.builds.tables import Build
from market.db import find
from market.money import Money
from market.refusals import NotFound, refusals
from market.reviews import actions, rules
from market.reviews.actions import Matter
from market.reviews.rules import Ready
from market.tenders import readers, value
from market.tenders import rules as tender_rules
from market.tenders.drafts import rules as slips
from market.tenders.drafts import whole as tenders
from market.tenders.tables import Tender
from market.wording import _


@dataclass(frozen=True, slots=True)
class Seen:
    """What a reviewer sees beside the draft itself: what publication still lacks by the rules of the noun, what is not forbidden
    but unusual, and where the review stands."""

    matter: Matter
    ready: Ready
    lacks: Sequence[str]
    unusual: Sequence[str]


async def matter_of(kind: str, ref: str, *, lock: bool = False) -> Matter:
    """The draft of this kind and reference, for whoever asks; 404 for kinds that nobody reviews."""
    if kind == "challenge":
        return await challenges.matter_of(await find(Challenge, Challenge.ref == ref, lock=lock))
    if kind == "tender":
        return await tenders.matter_of(await find(Tender, Tender.ref == ref, lock=lock))
    if kind == "build":
        return await builds.matter_of(await find(Build, Build.ref == ref, lock=lock))
    raise NotFound("Record")


async def readable(actor: Actor, kind: str, ref: str) -> Matter:
    """The same, for the people of its body on the buying side and, where it reads it too, the innovation team; to everybody
    else there is none."""
    matter = await matter_of(kind, ref)
    if actor.wears(*actions.APPROVING, organisation=matter.body) or (matter.team and actor.wears("operator")):
        return matter
    raise NotFound("Record")


async def seen_of(matter: Matter) -> Seen:
    """What the page and the API show of it."""
    if matter.kind == "challenge":
        row = await find(Challenge, Challenge.ref == matter.ref)
        now = clock.arrived()
        lacking = refusals(challenge_rules.PUBLISH, await challenges.facts_of(row, now))
        offered = challenge_rules.Offered(
            Money(row.fee_minor, row.currency), row.closes_at, row.pitches_by, row.decision_by, now
        )
        asked = refusals(challenge_rules.ASKED, offered)
        return Seen(
            matter, await challenges.ready_of(row), [each.reason for each in lacking], [each.reason for each in asked]
        )
    if matter.kind == "build":
        build = await find(Build, Build.ref == matter.ref)
        lacking = refusals(build_rules.PUBLISH, builds.decision_of(build))
        return Seen(matter, await builds.ready_of(build), [each.reason for each in lacking], [])
    tender = await find(Tender, Tender.ref == matter.ref)
    candidate = await readers.candidate(matter.ref)
    lacking = refusals(tender_rules.PUBLISH, candidate)
    dates = slips.Planned(tender.closes_at, tender.contract_begins_on, tender.contract_ends_on, candidate.now)
    asked = refusals(slips.ASKED_OF_DATES, dates)
    for lot in candidate.lots:
        most = None if lot.maximum_minor is None else Money(lot.maximum_minor, tender.currency)
        asked += refusals(slips.ASKED_OF_LOTS, Money(lot.value_minor, tender.currency), most)
    unusual = [each.reason for each in asked]
    worth = value.worth(candidate)
    if worth.near:
        unusual.append(
            _(
                "With what your body bought or drafts in the same classes it is worth {total}, just below the threshold of {most}.",
                total=worth.together,
                most=worth.threshold,
            )
        )
    return Seen(matter, await tenders.ready_of(tender), [each.reason for each in lacking], unusual)


def may(actor: Actor, seen: Seen) -> rules.Side | None:
    """For whom the actor would answer: her body, or the innovation team; None when for nobody."""
    if actor.wears(*actions.APPROVING, organisation=seen.matter.body):
        return "body"
    return "team" if seen.matter.team and actor.wears("operator") else None
