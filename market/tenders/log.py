"""What the log is told of a tender: the records it grew from, and what happens to a draft before anybody may know of it."""

from __future__ import annotations

from collections.abc import Mapping

from market.actor import Actor, Hat
from market.audit.actions import record
from market.proof import canonical
from market.reads import rows
from market.tenders import facts
from market.tenders.tables import Tender


async def ancestors(tender: Tender | facts.Tender) -> list[str]:
    """The records a tender grew from, for the log: its exercise and its mission. Those above it name them too."""
    mission = (
        await rows(str, "SELECT 'mission:' || ref FROM mission WHERE id = {}", tender.mission) if tender.mission else []
    )
    return [*([f"challenge:{tender.exercise}"] if tender.exercise else []), *mission]


async def written(
    actor: Actor, verb: str, tender: Tender | facts.Tender, hat: Hat, said: Mapping[str, canonical.Plain] | None = None
) -> None:
    """Record something about a draft: hidden from the public until the tender is published."""
    await record(
        actor,
        verb,
        f"tender:{tender.ref}",
        said,
        about=await ancestors(tender),
        organisation=hat.organisation_ref,
        sealed_by=f"publication:tender:{tender.ref}",
    )
