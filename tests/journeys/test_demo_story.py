"""The whole demo story, played once through the real actions; then it is looked at as strangers would."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from litestar import Litestar

from market import clock, seed
from market.audit import proofs
from market.audit.thread import thread
from market.db import many, one
from market.opendata import actions as opendata
from market.opendata import gathering, packages, releases
from market.proof import chain
from market.seed.script import story as story_as_of
from market.tenders import rules as tenders
from search import outbox
from search.documents import Kind
from search.embedded import EmbeddedIndex
from search.index import Query, read_synonyms
from tests import given
from tests.conftest import EMPTY
from tests.journeys.agreeing import heading_of, rows_of
from tests.market.opendata import conformance
from tests.search.engines import used

pytestmark = [pytest.mark.slow]


@pytest.fixture(scope="module")
async def story(database: None) -> AsyncIterator[dict[str, int]]:
    """Played once for this module."""
    await many(EMPTY.replace("{", "{{").replace("}", "}}"))
    counts = await seed.play()
    while await opendata.publish():
        pass
    yield counts
    await many(EMPTY.replace("{", "{{").replace("}", "}}"))


async def test_the_story_is_as_full_as_a_service_in_use(story: dict[str, int]) -> None:
    row = await one(
        "SELECT (SELECT count(*) FROM organisation WHERE kind = 'supplier') AS suppliers, "
        "(SELECT count(*) FROM challenge) AS challenges, (SELECT count(*) FROM tender) AS tenders, "
        "(SELECT count(*) FROM contract WHERE buyer_signed_at IS NOT NULL AND supplier_signed_at IS NOT NULL) AS contracts, "
        "(SELECT count(*) FROM insight_report WHERE published_at IS NOT NULL) AS reports, "
        "(SELECT count(*) FROM payment WHERE state = 'paid') AS payments, "
        "(SELECT count(*) FROM tender WHERE ground = 'exercise') AS gated, "
        "(SELECT count(*) FROM tender WHERE ground = 'waiver') AS waived, "
        "(SELECT count(*) FROM tender WHERE ground = 'commodity') AS commodities"
    )
    assert row["suppliers"] >= 40
    assert row["challenges"] >= 12
    assert row["tenders"] >= 15
    assert min(row["contracts"], row["reports"], row["payments"]) >= 4
    assert min(row["gated"], row["waived"], row["commodities"]) >= 1


async def test_every_release_and_record_of_the_story_is_valid_ocds(story: dict[str, int]) -> None:
    bodies = [packages.decode(row["body"]) for row in await many("SELECT body FROM release ORDER BY id")]
    assert len(bodies) > 60
    package = packages.release_package(
        bodies, gathering.publisher(), uri="http://localhost:8000/api/ocds/releases", published_at=given.TODAY
    )
    assert conformance.structural_errors(packages.encode(package)) == []
    records = [
        packages.record([each for each in bodies if each["ocid"] == ocid]) for ocid in {each["ocid"] for each in bodies}
    ]
    package = packages.record_package(
        records, gathering.publisher(), uri="http://localhost:8000/api/ocds/records", published_at=given.TODAY
    )
    assert conformance.structural_errors(packages.encode(package)) == []


async def test_the_tender_names_its_exercise_as_its_planning(story: dict[str, int]) -> None:
    row = await one("SELECT ref, ground_reference FROM tender WHERE ground = 'exercise' ORDER BY id LIMIT 1")
    process, _ = await opendata.process(opendata.ocid_of(f"tender:{row['ref']}"))
    compiled = packages.decode(process.compiled)
    assert compiled["relatedProcesses"][0]["relationship"] == ["planning"]
    assert compiled["relatedProcesses"][0]["identifier"] == opendata.ocid_of(f"challenge:{row['ground_reference']}")


async def test_open_data_pages_link_on_without_repeats_and_answer_304(story: dict[str, int], app: Litestar) -> None:
    seen: list[str] = []
    async with given.browser(app) as client:
        address: str | None = "/api/ocds/releases?limit=25"
        while address:
            answer = await client.get(address)
            assert answer.status_code == 200
            package = answer.json()
            seen += [each["id"] for each in package["releases"]]
            address = package.get("links", {}).get("next")
        again = await client.get(
            "/api/ocds/records", headers={"if-none-match": (await client.get("/api/ocds/records")).headers["etag"]}
        )
        bad = await client.get("/api/ocds/releases?cursor=x")
    assert len(seen) == len(set(seen)) == (await one("SELECT count(*) AS n FROM release"))["n"]
    assert again.status_code == 304
    assert bad.status_code == 400


async def test_the_log_holds_and_a_changed_event_is_named(story: dict[str, int]) -> None:
    report = await proofs.verify_log()
    assert report.holds
    assert report.events > 500
    rows = [proofs.as_row(row) async for batch in proofs.events() for row in batch]
    body = rows[200].body or ""
    changed = rows[200]._replace(body=body.replace("{", '{"forged":1,', 1), body_digest=None)
    broken = chain.verify([*rows[:200], changed, *rows[201:]]).broken
    assert broken is not None
    assert broken.seq == 201


async def test_the_public_log_verifies_without_the_private_parts(story: dict[str, int]) -> None:
    text = b"".join([part async for part in proofs.public_log()])
    report = chain.verify(chain.from_lines(text.splitlines()))
    assert report.holds
    assert report.events_withheld > 0
    for name in ("Nadia Karimova", "Maya Thornley"):
        assert name.encode() not in text


async def test_from_a_paid_milestone_one_walks_back_to_the_problem(story: dict[str, int]) -> None:
    row = await one(
        "SELECT c.ref FROM contract c JOIN tender t ON t.id = c.tender JOIN milestone m ON m.contract = c.id "
        "JOIN obligation o ON o.cause = 'milestone:' || m.ref JOIN payment p ON p.obligation = o.id "
        "WHERE t.ground = 'exercise' AND p.state = 'paid' LIMIT 1"
    )
    steps = {step.name: step for step in await thread(f"contract:{row['ref']}")}
    assert list(steps) == ["Problem", "Exercise", "Tender", "Award", "Contract", "Payments"]
    assert all(steps[name].state == "done" for name in ("Problem", "Exercise", "Tender", "Award", "Contract"))
    assert (steps["Problem"].href or "").startswith("/challenges/")


async def test_searching_finds_the_story_and_agrees_with_the_database(story: dict[str, int], tmp_path: Path) -> None:
    engine = EmbeddedIndex(tmp_path / "search", read_synonyms())
    count = await outbox.reindex(engine)
    assert count > 60
    assert not await outbox.check(engine)
    found = await engine.search(Query(text="drone inspecton"))
    assert any(hit.document.kind.value == "challenge" for hit in found.hits)
    assert any(hit.document.kind.value == "supplier" for hit in found.hits)
    await engine.close()


LISTS = {
    Kind.CHALLENGE: "/challenges",
    Kind.TENDER: "/tenders",
    Kind.CONTRACT: "/contracts",
    Kind.INSIGHT_REPORT: "/insights",
    Kind.COMPONENT: "/components",
    Kind.WAIVER: "/waivers",
}


async def test_list_search_page_api_and_open_data_say_the_same_at_every_moment(
    story: dict[str, int], app: Litestar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The index is filled once and never told what time it is: what is shown of a found record is true all the same."""
    compared = 0
    async with used(EmbeddedIndex(tmp_path / "search", read_synonyms()), monkeypatch), given.browser(app) as client:
        now = clock.now()
        await outbox.reindex()
        for days in (0, 9, 40, 900):
            with clock.at(now + timedelta(days=days)):
                for kind, address in LISTS.items():
                    found, listed = await rows_of(client, f"/search?kind={kind}"), await rows_of(client, address)
                    assert found, kind
                    differing = {
                        href: (said, listed.get(href)) for href, said in found.items() if listed.get(href) != said
                    }
                    assert differing == {}, f"after {days} days"
                    for href, said in found.items():
                        assert await heading_of(client, href) == (said.word, said.tone), href
                    compared += len(found)
                items = (await client.get("/api/v1/search?kind=tender")).json()["items"]
                for item in [*items, *(await client.get("/api/v1/search?kind=challenge")).json()["items"]]:
                    assert (await client.get(f"/api/v1{item['url']}")).json()["stage"] == item["stage"], item["url"]
        for item in items:
            process, _ = await opendata.process(opendata.ocid_of(f"tender:{item['ref']}"))
            status = packages.decode(process.compiled)["tender"]["status"]
            in_vain = item["stage"] == "decided" and not await _awarded(item["ref"])
            assert status == ("unsuccessful" if in_vain else releases.TENDER_STATUS[item["stage"]]), item["ref"]
    assert compared > 100


async def _awarded(tender: str) -> bool:
    """Whether a decision for a bid stands in any lot of it."""
    standing = await one(
        "SELECT count(*) AS n FROM decision d JOIN tender t ON t.id = d.tender "
        "WHERE t.ref = {} AND d.winner IS NOT NULL AND d.set_aside_at IS NULL",
        tender,
    )
    return bool(standing["n"])


async def test_what_is_chosen_by_its_stage_stands_there(
    story: dict[str, int], app: Litestar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with used(EmbeddedIndex(tmp_path / "search", read_synonyms()), monkeypatch), given.browser(app) as client:
        await outbox.reindex()
        with clock.at(clock.now() + timedelta(days=40)):
            stale = await rows_of(client, "/search?kind=tender&stage=open&stage=questions")
            assert {said.word for said in stale.values()} <= {"Open", "Open, taking questions"}
            await outbox.turn()
            while await outbox.drain():
                pass
            listed = await rows_of(client, "/tenders")
            for stage, (word, _) in tenders.STAGES.items():
                chosen = await rows_of(client, f"/search?kind=tender&stage={stage}")
                there = {
                    href
                    for href, said in listed.items()
                    if said.word == word or (stage == "evaluation" and said.word.endswith("lots decided"))
                }
                assert set(chosen) == there, stage


async def test_every_public_page_of_the_story_answers(story: dict[str, int], app: Litestar) -> None:
    records = {
        "challenges": "SELECT ref FROM challenge WHERE published_at IS NOT NULL",
        "tenders": "SELECT ref FROM tender WHERE published_at IS NOT NULL",
        "suppliers": "SELECT ref FROM organisation WHERE kind = 'supplier'",
        "contracts": "SELECT ref FROM contract",
        "awards": "SELECT ref FROM decision",
        "insights": "SELECT ref FROM insight_report WHERE published_at IS NOT NULL",
        "waivers": "SELECT ref FROM waiver WHERE decided_at IS NOT NULL",
        "missions": "SELECT ref FROM mission",
        "payments": "SELECT ref FROM obligation",
    }
    failed = []
    async with given.browser(app) as client:
        for folder, query in records.items():
            addresses = [f"/{folder}"] if folder not in ("awards", "payments") else []
            addresses += [f"/{folder}/{row['ref']}" for row in await many(query)]
            for address in addresses:
                answer = await client.get(address)
                if answer.status_code != 200:
                    failed.append((address, answer.status_code))
    assert failed == []


async def test_drafts_and_sealed_things_are_not_there_for_the_public(story: dict[str, int], app: Litestar) -> None:
    hidden = [f"/challenges/{row['ref']}" for row in await many("SELECT ref FROM challenge WHERE published_at IS NULL")]
    hidden += [f"/tenders/{row['ref']}" for row in await many("SELECT ref FROM tender WHERE published_at IS NULL")]
    hidden += [f"/waivers/{row['ref']}" for row in await many("SELECT ref FROM waiver WHERE decided_at IS NULL")]
    assert len(hidden) >= 4
    async with given.browser(app) as client:
        for address in hidden:
            assert (await client.get(address)).status_code == 404, address
            assert (await client.get(f"/api/v1{address}")).status_code == 404, address


def test_the_story_can_be_told_on_any_day() -> None:
    script = story_as_of(given.TODAY)
    early = replace(script, now=script.now.replace(year=2027, month=3, day=28))
    assert early.moment("+0d 09:00").hour == 8


async def test_of_the_bids_sealed_before_a_change_one_is_confirmed_one_replaced_and_one_not(
    story: dict[str, int],
) -> None:
    sent = await many(
        """
        SELECT o.name, count(*) AS sent, count(c.id) AS confirmed, max(b.received_at) > max(a.at) AS after
        FROM tender t JOIN addendum a ON a.tender = t.id AND a.unconfirms JOIN bid b ON b.tender = t.id
        JOIN organisation o ON o.id = b.supplier LEFT JOIN bid_confirmation c ON c.bid = b.id
        WHERE t.title LIKE 'Find the likely damp homes%' GROUP BY o.name ORDER BY o.name
        """
    )
    assert sorted((row["sent"], row["confirmed"], row["after"]) for row in sent) == [
        (1, 0, False),
        (1, 1, False),
        (2, 0, True),
    ]
