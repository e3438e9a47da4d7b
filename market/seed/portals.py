"""Another portal's notices in the story: brought as files, read by the real importer, and claimed by two suppliers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import msgspec

from market.db import find
from market.money import Money
from market.opendata.releases import amount, date
from market.portal import imports
from market.portal.intake import importing, sources
from market.portal.suppliers import claims
from market.portal.suppliers import views as supplier_views
from market.portal.tables import ImportedSupplier
from market.reads import the
from market.seed.cast import Cast
from market.seed.script import REFS, Act, Script
from market.settings import settings


def portals(script: Script, cast: Cast) -> Iterator[Act]:
    """Every file that is brought, every claim, and the codes that prove some."""
    notices = {each["key"]: each for each in script["notices"]}
    for number, brought in enumerate(script["brought"], 1):
        some = [notices[key] for key in brought["notices"]]
        yield Act(script.moment(brought["at"]), f"import {number}", partial(_bring, script, number, some))
    for each in script["claims"]:
        yield Act(script.moment(each["at"]), f"claim {each['supplier']}", partial(_claim, cast, each))
        if "proved_at" in each:
            yield Act(script.moment(each["proved_at"]), f"claim {each['supplier']}", partial(_prove, cast, each))


async def _bring(script: Script, number: int, notices: list[dict[str, Any]]) -> None:
    folder = settings().var / "brought"  # not the shared temporary folder: a story that is cut off leaves it behind
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"gazette-{number}.json"
    path.write_bytes(msgspec.json.encode({"version": "1.1", "releases": [_release(script, each) for each in notices]}))
    await imports.run(importing.Wanted(sources.BY_HAND, path.name, ((path.name, path),)))
    path.unlink()


def _release(script: Script, text: dict[str, Any]) -> dict[str, Any]:
    """The release that the other portal would have published of a notice."""
    published = date(script.moment(text["published"]))
    value = {"amount": amount(Money(text["value_minor"])), "currency": "GBP"} if "value_minor" in text else None
    tender: dict[str, Any] = {
        "id": text["key"],
        "title": text["title"],
        "description": text["description"],
        "status": "planned" if text.get("planned") else "complete" if "winners" in text else "active",
        "items": [{"id": code, "classification": {"scheme": "CPV", "id": code}} for code in text["cpv"]],
        "procurementMethod": "open",
    }
    if value:
        tender["value"] = value
    if "closes" in text:
        tender["tenderPeriod"] = {"startDate": published, "endDate": date(script.moment(text["closes"]))}
    release: dict[str, Any] = {
        "ocid": f"ocds-gazett-{text['number']}" if "number" in text else None,
        "id": f"{text['key']}-1",
        "date": date(script.moment(text["won_at"])) if "won_at" in text else published,
        "tag": ["planning" if text.get("planned") else "award" if "winners" in text else "tender"],
        "initiationType": "tender",
        "buyer": {"id": "buyer", "name": text["buyer"]},
        "parties": [{"id": "buyer", "name": text["buyer"], "roles": ["buyer"]}],
        "tender": tender,
    }
    winners = [_winner(text["key"], place, each) for place, each in enumerate(text.get("winners", []), 1)]
    if winners:
        release["parties"] += winners
        named = [{"id": each["id"], "name": each["name"]} for each in winners]
        award = {
            "id": f"{text['key']}-a",
            "status": "active",
            "date": release["date"],
            "suppliers": named,
            "value": value,
        }
        release["awards"] = [award]
    return release


def _winner(key: str, place: int, text: dict[str, Any]) -> dict[str, Any]:
    party: dict[str, Any] = {"id": f"{key}-s{place}", "name": text["name"], "roles": ["supplier"]}
    if "number" in text:
        party["identifier"] = {"scheme": "GB-COH", "id": text["number"]}
    if "email" in text:
        party["contactPoint"] = {"email": text["email"]}
    if "town" in text:
        party["address"] = {"locality": text["town"], "countryName": "United Kingdom"}
    if "street" in text:
        party["address"] |= {"streetAddress": text["street"], "postalCode": text["postcode"]}
    return party


async def _claim(cast: Cast, text: dict[str, Any]) -> None:
    one = await find(ImportedSupplier, ImportedSupplier.name == text["record"])
    known = await supplier_views.supplier(str((await claims.shown(one.ref)).ref))
    assert not isinstance(known, str)
    ways = {each.kind: each.way for each in await claims.ways_of(known.group)}
    given = claims.Claiming(ways.get(text["way"], text["way"]), text.get("statement", "").strip())
    REFS[f"claim:{text['supplier']}"] = str((await claims.ask(await cast.firm(text["supplier"]), one.ref, given)).ref)


async def _prove(cast: Cast, text: dict[str, Any]) -> None:
    """Type the code that the letter brought."""
    ref = REFS[f"claim:{text['supplier']}"]
    written = await the(
        str, "SELECT text FROM letter WHERE text LIKE {} ORDER BY id DESC LIMIT 1", f"%/portals/claims/{ref}%"
    )
    found = re.search(r"^[2-9A-Z]{4}-[2-9A-Z]{4}$", written, re.MULTILINE)
    assert found is not None
    await claims.prove(await cast.firm(text["supplier"]), ref, claims.Code(found[0]))
