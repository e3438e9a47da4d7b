"""The small fact the gate needs: innovation came first, or a minister waived it. Challenges and waivers write it here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from market import policy
from market.actor import Actor
from market.audit.actions import record
from market.db import maybe, transaction
from market.proof import canonical
from market.reads import rows
from market.tenders import cpv
from market.tenders.tables import InnovationEvidence, Tender


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
) -> InnovationEvidence:
    """Keep that the exercise or waiver with this reference is done, for the gate to find.

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
        )
        await evidence.save()
        kind = "challenge" if ground == "exercise" else "waiver"
        await record(
            actor,
            "evidence.accepted",
            f"{kind}:{reference}",
            {"ground": ground, "cpv": list(cpv)},
            about=about,
        )
    return evidence


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
        WHERE e.ground = 'exercise' AND EXISTS (SELECT 1 FROM unnest(e.cpv) c WHERE left(c, {}) = ANY({}::text[]))
        ORDER BY e.completed_at DESC LIMIT 20
        """,
        policy.IN_FORCE.gate.overlap_digits,
        starts,
    )
