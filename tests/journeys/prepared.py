"""`python -m tests.journeys.prepared`, run in a site's environment after the demo story: what the story leaves out and some
page shows. An invitation, a forgotten password, a registration not yet confirmed, a kept search, components with their
checks, and notices of other portals. Prints the addresses that only a letter or a page shown once would tell, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from market import clock, db
from market.accounts import actions as accounts
from market.accounts import invitations
from market.accounts.sessions import actor_of
from market.accounts.tables import Organisation, Person
from market.actor import Actor
from market.awards import actions as awards
from market.confirming import actions as confirming
from market.confirming import paper
from market.missions import actions as missions
from market.portal.tables import Source
from market.standards.components import actions as standards
from market.standards.exemptions import actions as exemptions
from market.standards.profiles import actions as publishing
from market.standards.sanctions import actions as sanctions
from market.standards.tables import IssuedCertificate, PublishedProfile
from market.suppliers import actions as suppliers
from market.touch import ACTS
from market.waivers.delegations import actions as delegations
from search.saved import actions as alerts
from tests import given, given_awards
from tests.market.portal.library import GOLDEN, bring, package, release
from tests.market.standards.documents import failing, good

CORE = "uk-core@1.0.0"


async def person(beginning: str) -> Actor:
    """Somebody of the story by the beginning of her address."""
    row = await db.find(Person, Person.email.like(f"{beginning}@%"))
    return given.touched(await actor_of(row.id, "password"))


async def letters() -> dict[str, str]:
    """Pages one comes to by a letter only."""
    maya = await person("maya.thornley")
    body = maya.hats[0].organisation_ref
    _, invited = await invitations.invite(maya, body, given.invited("new.colleague@calderwick.example", "evaluator"))
    await accounts.ask_reset("maya.thornley@calderwick.example", "198.51.100.7")
    firm = suppliers.SupplierDraft(
        name="Tern & Tide Ltd",
        person_name="Tess Ern",
        email="tess@tern.example",
        summary="Boats that measure how deep the silt lies.",
        country="GB",
        scheme="GB-COH",
        identifier="09876543",
        region="South West",
        employees=4,
        turnover_minor=30_000_000,
        cpv=["71351923"],
    )
    await suppliers.ask_to_register(firm, "a long enough password for a firm", "198.51.100.8")
    _, kept = await alerts.save(await person("nadia.karimova"), alerts.SaveDraft("q=drone", "Drones", "daily"))
    reset = await db.one(
        "SELECT substring(text from '/password/[^[:space:]]+') AS address FROM letter WHERE text LIKE '%/password/%' "
        "AND address = 'maya.thornley@calderwick.example' ORDER BY id DESC LIMIT 1"
    )
    asked = await db.one(
        "SELECT substring(text from '/register/[^[:space:]]+') AS address FROM letter WHERE address = 'tess@tern.example'"
    )
    return {
        "/invitations/{token:str}": f"/invitations/{invited}",
        "/password/{token:str}": reset["address"],
        "/register/{token:str}": asked["address"],
        "/search/stop/{token:str}": f"/search/stop/{kept}",
    }


async def delegation() -> None:
    """An instrument with which a minister lets somebody sign waivers for her."""
    department = await given.organisation("Department for Harbours")
    minister, device = await given.minister(department, "Rosa Field")
    secretary = await given.person(department, "evaluator", "Anna Wye")
    today = clock.now().astimezone(clock.ZONE).date()
    draft = delegations.DelegationDraft(
        delegate=secretary.ref,
        title="Parliamentary Secretary",
        cpv=["35120000"],
        bodies=[department.ref],
        ceiling_minor=20_000_000,
        begins_on=today,
        ends_on=today + timedelta(days=90),
        reason="The minister is away at the conference until March, and requests for sensors must not wait for her return.",
    )
    row = await delegations.draft(minister, draft)
    answer = device.sign(await delegations.begin_signing(minister, row.ref))
    await delegations.sign(minister, row.ref, json.dumps(answer))


async def mission() -> None:
    """A mission that is still a draft, with one success criterion."""
    sam = await person("sam.ferrier")
    department = await db.find(Organisation, Organisation.tier == "central")
    begins = clock.now().date()
    draft = missions.MissionDraft(
        "Quieter nights", "Nobody is woken by a road works at three.", begins, begins + timedelta(days=900)
    )
    made = await missions.draft(sam, department.id, draft)
    await missions.add_criterion(
        sam, made.ref, missions.CriterionDraft("Complaints at night", "940", "100", begins + timedelta(days=800))
    )


async def program() -> None:
    """What a buyer's program prepared for her to confirm."""
    maya = await person("maya.thornley")
    await given.token(maya)
    token = await db.one("SELECT ref FROM api_token WHERE person = {} ORDER BY id DESC LIMIT 1", maya.person)
    path = "/api/v1/challenges/CH-0000000/cancel"
    call = confirming.Call("POST", path, "", "application/json", b'{"reason": "The bridge is closed."}', "", "")
    await confirming.prepare(replace(maya, token=token["ref"]), ACTS["challenges.actions.cancel"], call)


async def on_paper() -> None:
    """What a buyer without a device has put on paper, to be signed and entered."""
    maya = await person("maya.thornley")
    said = [("reason", "The bridge is closed.")]
    await paper.prepare(maya, ACTS["challenges.actions.cancel"], "/challenges/CH-0000000/cancel", said)


async def components() -> None:
    """Two components: one certified, one that fails, with an exemption and a notice that access may be withheld."""
    await publishing.ensure_profiles()
    nadia, priya = await person("nadia.karimova"), await person("priya.venkataraman")
    listed = [
        await standards.list_service(
            nadia,
            standards.ServiceDraft(title=title, does=does, profiles=[CORE], licence="MIT", cpv=["72212000"]),
        )
        for title, does in (
            ("Gully levels", "Tells how full each gully is, every ten minutes."),
            ("Permit look-up", "Tells a council whether a permit is valid and until when."),
        )
    ]
    await standards.lodge(nadia, listed[0].ref, good(), "levels.json")
    await standards.lodge(nadia, listed[1].ref, failing(), "permits.json")
    draft = exemptions.ExemptionDraft(
        profile=CORE,
        ground="private",
        reason="The old register answers in its own way until it is replaced next year.",
        control="A converter in front of it, tested every night.",
        expires_on=(clock.now() + timedelta(days=90)).date(),
        service=listed[1].ref,
    )
    await exemptions.ask(priya, priya.hats[0].organisation, draft)
    held = await db.find(IssuedCertificate, IssuedCertificate.service == listed[0].id)
    profile = await db.find(PublishedProfile, PublishedProfile.id == held.profile)
    await sanctions.give_notice(listed[0], profile, "The API answers otherwise than its document says.")


async def portals() -> None:
    """Notices of three portals, one broken item, one pair that may be the same."""
    await bring(GOLDEN / "town-1.1.json", "uk-contracts-finder")
    await bring(GOLDEN / "aggregator-1.1.json", "uk-spend-network-raw")
    with tempfile.TemporaryDirectory() as folder:
        broken = release(2, ocid="")
        await bring(package(Path(folder) / "moldova.json", [release(1), broken]), "moldova")
    assert await Source.exists()


async def price() -> None:
    """A tender on which one bidder asks so little that it has to explain its price."""
    with clock.at(clock.now() - timedelta(days=40)):
        case = await given_awards.opened(10_000_000, 3_000_000, title="Cleaning of road signs")
    await given_awards.panel(case)
    await given_awards.scored(case)
    with clock.at(clock.now() - timedelta(days=1)):
        await awards.ask_about_price(case.buyer, case.ref, case.bids[1, 0])


async def main() -> None:
    """Do all of it and print the addresses."""
    async with db.pool(2):
        addresses = await letters()
        await delegation()
        await mission()
        await program()
        await on_paper()
        await components()
        await portals()
        await price()
        assert await Organisation.exists()
        print(json.dumps(addresses))


if __name__ == "__main__":
    asyncio.run(main())
