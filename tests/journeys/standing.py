"""`python -m tests.journeys.standing`, run in a site's environment: enters a tender that names a standards profile and waits
for its decision, another that is open for bids, and the people of both, and prints who they are as JSON.

The documents that are lodged, the decision and everything else is done by the people themselves, in their browsers.
"""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

from market import clock, db
from market.accounts.passwords import hashed
from market.accounts.tables import Person
from market.standards.profiles import actions as publishing
from tests import given, given_awards, given_tenders

PASSWORD = "a long walk along the wet street"
CORE = "uk-core@1.0.0"


async def enter() -> dict[str, str]:
    """References, and the address of each person by the part she plays."""
    with clock.at(given.TODAY):
        await publishing.ensure_profiles()
        case = await given_awards.opened(5_000_000, 4_000_000, profile=CORE, title="Findings of bridge inspections")
        await given_awards.panel(case)
        await given_awards.scored(case)
        later = await given_tenders.published(closes_in=timedelta(days=200), title="Gully sensors for the lower town")
    await Person.update({Person.password_hash: await hashed(PASSWORD)}, force=True)
    emails = {row["id"]: row["email"] for row in await db.many("SELECT id, email FROM person")}
    assert case.buyer.person is not None
    kestrel, heron = (emails[firm.person] for firm in case.firms)
    return {
        "now": (case.opened_at + timedelta(days=2)).isoformat(),
        "tender": case.ref,
        "lot": str(case.there.lots[0].ref),
        "later": str(later.tender.ref),
        "later_lot": str(later.lots[0].ref),
        "buyer": emails[case.buyer.person],
        "kestrel": kestrel,
        "heron": heron,
    }


async def main() -> None:
    """Enter them and print them."""
    async with db.pool(2):
        print(json.dumps(await enter()))


if __name__ == "__main__":
    asyncio.run(main())
