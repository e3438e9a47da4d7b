"""`python -m tests.journeys.firms ROUND`, run in a site's environment: enters firms with profiles, and tells the index of
them, as registering and editing a profile would. Round 1 is the market a buyer searches; round 2 is who comes later."""

from __future__ import annotations

import asyncio
import sys
import zlib

from market import clock, db
from market.audit.actions import announce
from market.suppliers.tables import Profile
from tests import given

NORTH, WALES = "North East", "Wales"
ROUNDS = {
    "1": (
        ("Gannet Aerial Ltd", NORTH, "drone inspection", ["ISO 27001"], True),
        ("Petrel Surveys Ltd", NORTH, "drone inspection of bridges", ["Cyber Essentials"], True),
        ("Fulmar Robotics Ltd", WALES, "drone inspection of dams", ["ISO 27001"], True),
        ("Skua Catering Ltd", NORTH, "canteens", [], False),
    ),
    "2": (("Shearwater Flight Ltd", NORTH, "drone inspection of pylons", ["ISO 9001"], False),),
}


async def enter(firms: tuple[tuple[str, str, str, list[str], bool], ...]) -> None:
    """Write them down and tell the index."""
    for name, region, what, certificates, partners in firms:
        row = await given.supplier(name, region=region, identifier=f"SC{zlib.crc32(name.encode()) % 1_000_000:06d}")
        await Profile.insert(
            Profile(
                organisation=row.id,
                summary=f"{name} offers {what}.",
                capabilities=[what],
                certificates=certificates,
                open_to_partners=partners,
                updated_at=clock.now(),
            )
        )
        await announce(f"supplier:{row.ref}")


async def main() -> None:
    """The round that was asked for."""
    async with db.pool(2):
        await enter(ROUNDS[sys.argv[1]])


if __name__ == "__main__":
    asyncio.run(main())
