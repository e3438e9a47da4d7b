"""The small fact the gate needs: innovation came first, or a minister waived it. Challenges and waivers write it here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

import msgspec

from market import policy
from market.actor import Actor
from market.audit.actions import record
from market.db import maybe, one, transaction
from market.proof import canonical
from market.reads import rows
from market.tenders import cpv
from market.tenders.tables import InnovationEvidence, Tender


@dataclass(frozen=True, slots=True)
class Effort:
    """What an exercise rests on: how many teams pitched and count, how many the policy asked for, how many success criteria were
    answered with a measured value, the reference of the approved statement why the market stayed away ('' without one), and
    what was too little for it to open anything ('' when nothing was)."""

    pitches: int
    pitches_least: int
    measures: int
    statement: str
    falls_short: Literal["", "method", "pitches"]


@dataclass(frozen=True, slots=True)
class Learnt:
    """What an exercise was about, how it ended, and what its challenge said beforehand would follow: the value without VAT in
    minor units of `currency`, the route, and the body (its id) that would pay. None and '' where nothing was said. `effort` is
    what it rests on."""

    outcome: Literal["go", "change", "stop"]
    title: str
    problem: str
    reasons: str
    follow_on_minor: int | None
    currency: str
    route: str
    payer: int | None
    effort: Effort


async def accept_evidence(
    actor: Actor,
    *,
    ground: Literal["exercise", "waiver"],
    reference: str,
    buyer: int,
    cpv: Sequence[str],
    signed_by: str,
    completed_at: datetime,
    expires_at: datetime | None = None,
    tender: int | None = None,
    ceiling_minor: int | None = None,
    about: Sequence[str] = (),
    learnt: Learnt | None = None,
    stops: Sequence[str] = (),
) -> InnovationEvidence:
    """Keep that the exercise or waiver with this reference is done, for the gate to find.

    Of an exercise `learnt` says what it was about and how it ended: one that ended with “stop” closes the gate, and one that
    fell short of what the policy asks opens nothing. Of a waiver
    `stops` are the references of such exercises that its statement names.

    `buyer` is the id of the body it belongs to; a waiver names its `tender` (id) and serves no other, and no more than
    `ceiling_minor` of value. `signed_by` is the name and office under it. Without `expires_at` an exercise serves for
    the policy's months. The same ground and reference are kept once. Runs inside the caller's transaction.
    """
    async with transaction():
        known = await maybe(
            InnovationEvidence,
            (InnovationEvidence.ground == ground) & (InnovationEvidence.reference == reference),
            lock=True,
        )
        if known is not None:
            return known
        evidence = InnovationEvidence(
            ground=ground,
            reference=reference,
            buyer=buyer,
            tender=tender,
            ceiling_minor=ceiling_minor,
            cpv=list(cpv),
            signed_by=signed_by,
            completed_at=completed_at,
            expires_at=expires_at,
            stops=list(stops),
            **_columns(learnt),
        )
        await evidence.save()
        kind = "challenge" if ground == "exercise" else "waiver"
        await record(
            actor,
            "evidence.accepted",
            f"{kind}:{reference}",
            {"ground": ground, "cpv": list(cpv), **_told(learnt), **({"stops": list(stops)} if stops else {})},
            about=about,
        )
    return evidence


def _columns(learnt: Learnt | None) -> dict[str, Any]:
    if learnt is None:
        return {}
    return {
        "outcome": learnt.outcome,
        "title": learnt.title,
        "problem": learnt.problem,
        "reasons": learnt.reasons,
        "follow_on_minor": learnt.follow_on_minor,
        "follow_on_currency": learnt.currency,
        "follow_on_route": learnt.route,
        "payer": learnt.payer,
        "pitches": learnt.effort.pitches,
        "pitches_least": learnt.effort.pitches_least,
        "measures": learnt.effort.measures,
        "statement": learnt.effort.statement,
        "falls_short": learnt.effort.falls_short,
    }


def _told(learnt: Learnt | None) -> dict[str, canonical.Plain]:
    if learnt is None:
        return {}
    return {
        "outcome": learnt.outcome,
        "follow_on_minor": learnt.follow_on_minor,
        "currency": learnt.currency,
        "pitches": learnt.effort.pitches,
        "measures": learnt.effort.measures,
        "statement": learnt.effort.statement,
        "falls_short": learnt.effort.falls_short,
    }


async def grow_in_turn(buyer: int, *references: str) -> None:
    """Wait until nobody else of this body (its id) awards or enlarges, nor anybody with the exercises or waivers of these
    references: what its tenders of one class are worth together, and what is left of each exercise, is counted once."""
    await rows(int, "SELECT id FROM organisation WHERE id = {} FOR NO KEY UPDATE", buyer)
    await take_turns(*references)


async def take_turns(*references: str) -> None:
    """Wait until nobody else publishes, awards or enlarges with the exercises or waivers of these references (empty ones are
    none): what is left of each is counted once."""
    await rows(
        int,
        "SELECT id FROM innovation_evidence WHERE reference = ANY({}::text[]) ORDER BY id FOR UPDATE",
        [each for each in references if each],
    )


async def bought(lot: int, minor: int | None) -> None:
    """From now on a lot (its id) counts with what it was bought for, 0 when it was awarded to nobody, or again with its
    estimate (None) when the decision is taken back. The caller may do it, and records why."""
    await one("UPDATE lot SET bought_minor = {} WHERE id = {} RETURNING id", minor, lot)


async def end_waiver(reference: str, at: datetime) -> None:
    """A waiver opens nothing from this moment on. The caller has locked its tender, may do it, and records why."""
    evidence = await maybe(
        InnovationEvidence,
        (InnovationEvidence.ground == "waiver") & (InnovationEvidence.reference == reference),
        lock=True,
    )
    if evidence is not None:
        evidence.revoked_at = at
        await evidence.save([InnovationEvidence.revoked_at])


async def review_waiver(
    reference: str,
    *,
    suspends_at: datetime | None,
    expires_at: datetime | None = None,
    ceiling_minor: int | None = None,
) -> None:
    """From when on a waiver opens nothing unless its review is answered (None: no review is owed), and what the answer
    narrowed: its last moment, its value without VAT. The caller has locked its tender, may do it, and records why."""
    evidence = await maybe(
        InnovationEvidence,
        (InnovationEvidence.ground == "waiver") & (InnovationEvidence.reference == reference),
        lock=True,
    )
    if evidence is None:
        return
    evidence.suspends_at = suspends_at
    if expires_at is not None:
        evidence.expires_at = expires_at
    if ceiling_minor is not None:
        evidence.ceiling_minor = ceiling_minor
    await evidence.save(
        [InnovationEvidence.suspends_at, InnovationEvidence.expires_at, InnovationEvidence.ceiling_minor]
    )


async def hold(tender: Tender, waiver: str) -> None:
    """Freeze a draft while the waiver request with this reference is with the minister, or let it go with ''. The caller
    has locked the tender and records why."""
    tender.waiver_asked = waiver
    await tender.save([Tender.waiver_asked])


class Similar(msgspec.Struct, frozen=True):
    """A concluded exercise on the same subject, whoever's it is, with what the log said when it was published."""

    reference: str
    body: str
    completed_at: datetime
    published: str | None

    @property
    def title(self) -> str:
        """As it was published."""
        return str(canonical.decode(self.published.encode()).get("title", "")) if self.published else ""


async def similar_exercises(codes: Sequence[str]) -> list[Similar]:
    """The concluded exercises of all bodies that share a CPV group with these codes, newest first, at most twenty: what a
    buyer is shown before she asks for a waiver, and what the minister sees beside it."""
    starts = sorted({cpv.normal(code)[: policy.IN_FORCE.gate.overlap_digits] for code in codes if cpv.known(code)})
    return await rows(
        Similar,
        """
        SELECT e.reference, o.name AS body, e.completed_at, (
          SELECT body FROM event WHERE subject = 'challenge:' || e.reference AND verb = 'challenge.published'
          ORDER BY seq DESC LIMIT 1
        ) AS published
        FROM innovation_evidence e JOIN organisation o ON o.id = e.buyer
        WHERE e.ground = 'exercise' AND (e.falls_short = '' OR e.outcome = 'stop')
          AND EXISTS (SELECT 1 FROM unnest(e.cpv) c WHERE left(c, {}) = ANY({}::text[]))
        ORDER BY e.completed_at DESC LIMIT 20
        """,
        policy.IN_FORCE.gate.overlap_digits,
        starts,
    )
