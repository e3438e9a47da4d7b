"""The deadline of a challenge that an outage moves (`market.outages`)."""

from __future__ import annotations

from challenges.exercise import ancestors, live_applications
from challenges.tables import Challenge
from market.db import find, transaction
from market.outages import actions as outages
from market.reads import the

RUNNING = """
    SELECT c.ref, c.closes_at FROM challenge c
    WHERE c.published_at IS NOT NULL AND c.cancelled_at IS NULL AND c.concluded_at IS NULL AND c.shortlisted_at IS NULL
    AND c.closes_at IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM application a WHERE a.challenge = c.id AND a.alias <> '')
    """
"""For `outages.settle`: the deadlines that may still move."""


async def settle(ref: str) -> bool:
    """Move the challenge's deadline when an outage says so; answers whether it did. In a transaction of its own."""
    async with transaction():
        return await moved(await find(Challenge, Challenge.ref == ref, lock=True))


async def moved(challenge: Challenge) -> bool:
    """The same for a challenge whose row the caller has locked: before its applications are dealt to the panel under aliases,
    which is their opening."""
    if challenge.published_at is None or challenge.closes_at is None:
        return False
    applied = await live_applications(challenge)
    later = await outages.move(
        outages.Closing(
            record=f"challenge:{challenge.ref}",
            title=challenge.title,
            closes_at=challenge.closes_at,
            opened=challenge.shortlisted_at is not None or any(each.alias for each in applied),
            ended=challenge.cancelled_at is not None or challenge.concluded_at is not None,
            buyer=challenge.buyer,
            buyer_ref=await the(str, "SELECT ref FROM organisation WHERE id = {}", challenge.buyer),
            followers={each.supplier for each in applied},
            beside=await ancestors(challenge),
        )
    )
    if later is None:
        return False
    challenge.closes_at = later
    await challenge.save([Challenge.closes_at])
    return True
