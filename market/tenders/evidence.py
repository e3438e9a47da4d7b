"""The small fact the gate needs: innovation came first, or a minister waived it. Challenges and waivers write it here."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from market.actor import Actor
from market.audit.actions import record
from market.db import maybe, transaction
from market.tenders.tables import InnovationEvidence


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
