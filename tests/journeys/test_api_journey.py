"""The main journey over JSON with bearer tokens only: from a problem to a contract that an auditor walks back from."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from litestar import Litestar

from market import clock
from market.audit import proofs
from market.db import one
from market.opendata import packages
from market.proof import signing
from tests import witness
from tests.conftest import EMPTY
from tests.journeys.journey import BEGINS, DAY, STEPS, Inside, cast
from tests.market.opendata import conformance

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
async def walked(database: None, app: Litestar) -> AsyncIterator[Inside]:
    """The journey walked once for this module."""
    from market.db import many

    await many(EMPTY.replace("{", "{{").replace("}", "}}"))
    with clock.at(BEGINS - DAY):
        people = await cast()
    journey = Inside(people, app)
    async with witness.of_the_lock() as written:
        for step in STEPS:
            await getattr(journey, step)()
        await journey.work()
        journey.under_the_lock = await written()
    yield journey
    await journey.client.aclose()
    await many(EMPTY.replace("{", "{{").replace("}", "}}"))


async def test_every_step_is_done_over_json(walked: Inside) -> None:
    contract = walked.contract
    assert contract["supplier"] == walked.cast.organisations["heron"]
    assert contract["milestones"][0]["confirmed_at"]
    row = await one("SELECT count(*) AS n, count(DISTINCT obligation) AS d FROM payment WHERE state = 'paid'")
    assert (row["n"], row["d"]) == (3, 3)


def test_while_the_log_is_locked_nothing_but_the_log_is_written(walked: Inside) -> None:
    assert walked.under_the_lock == []


async def test_the_records_are_ocds_and_name_each_other(walked: Inside) -> None:
    package = await walked.ask("", "GET", "/api/ocds/records")
    assert conformance.structural_errors(json.dumps(package).encode()) == []
    compiled = {each["ocid"]: each["compiledRelease"] for each in package["records"]}
    tender = next(each for ocid, each in compiled.items() if walked.tender in ocid)
    related = tender["relatedProcesses"][0]
    assert related["relationship"] == ["planning"]
    assert walked.challenge in related["identifier"]
    assert tender["contracts"][0]["implementation"]["transactions"][0]["value"]["amount"] == 20_000
    assert {"planning", "tender", "award", "contract"} & set(tender.get("tag", [])) or "contracts" in tender
    releases = await walked.ask("", "GET", "/api/ocds/releases")
    assert conformance.structural_errors(json.dumps(releases).encode()) == []
    one_record = await walked.ask("", "GET", f"/api/ocds/records/{tender['ocid']}")
    assert len(one_record["records"][0]["releases"]) >= 4
    assert packages.record(one_record["records"][0]["releases"])["compiledRelease"]["ocid"] == tender["ocid"]


async def test_the_auditor_walks_back_and_everything_verifies(walked: Inside) -> None:
    await walked.ask("kestrel", "GET", "audit/contracts", expect=403)
    await walked.ask("", "GET", "audit/contracts", expect=401)
    found = await walked.ask("auditor", "GET", "audit/contracts?q=gullies")
    assert [each["ref"] for each in found["items"]] == [walked.contract["ref"]]
    seen = {}
    subjects = [("contract", walked.contract["ref"]), ("award", walked.award["ref"]), ("tender", walked.tender)]
    subjects += [("challenge", walked.challenge), ("waiver", walked.waiver), ("tender", walked.waived)]
    for kind, ref in subjects:
        walk = await walked.ask("auditor", "GET", f"audit/records/{kind}/{ref}")
        assert walk["events"], kind
        assert all(each["holds"] for each in walk["checks"]), [each for each in walk["checks"] if not each["holds"]]
        seen[kind, ref] = walk
    thread = {each["name"]: each["state"] for each in seen["contract", walked.contract["ref"]]["thread"]}
    assert list(thread) == ["Problem", "Exercise", "Tender", "Award", "Contract", "Payments"]
    assert {thread[name] for name in ("Problem", "Exercise", "Tender", "Award", "Contract")} == {"done"}
    reasons = {"why": "Complaint 2027/3 asks who opened the bids and when each of them did so."}
    private = await walked.ask("auditor", "POST", f"audit/records/tender/{walked.tender}/private", reasons)
    assert private["items"]
    newest = (await walked.ask("", "GET", "log"))["items"]
    assert newest[0]["verb"].startswith("audit.") or "read" in newest[0]["verb"]


async def test_the_log_tells_the_journey_and_verifies(walked: Inside) -> None:
    verbs: list[str] = []
    address: str | None = "log"
    while address:
        page = await walked.ask("", "GET", address)
        verbs += [each["verb"] for each in page["items"]]
        address = page["next"]
    for verb in [
        "challenge.published",
        "challenge.concluded",
        "tender.published",
        "waiver.granted",
        "tender.opened",
        "award.decided",
        "contract.signed",
        "milestone.accepted",
        "payment.paid",
        "payment.confirmed",
        "insight_report.published",
    ]:
        assert verb in verbs, verb
    report = await proofs.verify_log()
    assert report.holds
    assert report.events > 80


async def test_the_signed_waiver_verifies_away_from_here(walked: Inside, tmp_path: Path) -> None:
    answer = await walked.send("GET", f"/api/v1/waivers/{walked.waiver}/bundle", None, {})
    file = tmp_path / "bundle.json"
    file.write_bytes(answer.content)
    report = signing.verify_file(file, origin="http://localhost:8000")
    assert report.verified is not None
    assert report.verified.document["waiver"] == walked.waiver


async def test_everything_public_is_found(walked: Inside) -> None:
    for words, kind, ref in (
        ("gully blocked", "challenge", walked.challenge),
        ("sensors gullies", "tender", walked.tender),
        ("measuring silt", "tender", walked.waived),
        ("kestrel", "supplier", walked.cast.organisations["kestrel"]),
    ):
        found = await walked.ask("", "GET", f"search?q={words}")
        assert (kind, ref) in [(each["kind"], each["ref"]) for each in found["items"]], words


async def test_lists_go_on_where_they_ended(walked: Inside) -> None:
    (line,) = (await walked.ask("", "GET", "challenges?stage=concluded"))["items"]
    assert (line["ref"], line["buyer_name"]) == (walked.challenge, "Department for Roads")
    assert (await walked.ask("", "GET", "challenges?stage=open")) == {"items": [], "next": None}
    after = await walked.ask("", "GET", f"challenges?before={walked.challenge}")
    assert after == {"items": [], "next": None}
