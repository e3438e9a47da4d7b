"""`python -m tests.journeys.people`, run in a site's environment: enters the organisations, people with passwords, and a
published mission that a journey starts from, and prints who they are as JSON.

Everything after that is done by the people themselves, in their browsers.
"""

from __future__ import annotations

import asyncio
import json
from datetime import date

from market import db
from market.accounts.passwords import hashed
from market.accounts.tables import Person
from market.actor import Actor
from tests import given

PASSWORD = "a long walk along the wet street"

MISSION = "Streets that drain"


async def enter() -> dict[str, dict[str, str]]:
    """The department, the audit office and two firms with their people: name, address and reference by key."""
    department = await given.organisation("Department for Roads")
    office = await given.organisation("National Audit Chamber", kind="audit")
    team = await given.organisation("The Innovation Team", kind="operator")
    kestrel, heron = await given.supplier("Kestrel Sensing Ltd"), await given.supplier("Heron Works Ltd")
    people: dict[str, Actor] = {
        "ada": await given.person(department, "buyer", "Ada Byrne"),
        "ben": await given.person(department, "buyer", "Ben Okafor"),
        "fay": await given.person(department, "finance-officer", "Fay Ilves"),
        "cleo": await given.person(department, "evaluator", "Cleo Marsh"),
        "dan": await given.person(department, "evaluator", "Dan Ferris"),
        "minister": await given.person(department, "minister", "Helena Marchbanks", "Minister for Roads"),
        "auditor": await given.person(office, "auditor", "Ines Roth"),
        "operator": await given.person(team, "operator", "Sam Ferrier"),
        "kestrel": await given.person(kestrel, "supplier-admin", "Karl Estrel"),
        "heron": await given.person(heron, "supplier-admin", "Hana Eron"),
    }
    await given.mission(
        department, title=MISSION, begins_on=date(2020, 1, 1), ends_on=date(2099, 12, 31), statement="No street floods."
    )
    await Person.update({Person.password_hash: await hashed(PASSWORD)}, force=True)
    rows = {row["id"]: row["email"] for row in await db.many("SELECT id, email FROM person")}
    return {
        key: {"name": actor.name, "email": rows[actor.person], "password": PASSWORD, "ref": actor.ref}
        for key, actor in people.items()
    }


async def main() -> None:
    """Enter them and print them."""
    async with db.pool(2):
        print(json.dumps(await enter()))


if __name__ == "__main__":
    asyncio.run(main())
