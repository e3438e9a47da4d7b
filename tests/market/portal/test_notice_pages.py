"""Notices and portals as people, programs and operators see them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from litestar import Litestar

from market.actor import Actor
from market.portal.tables import DoubtfulPair, ImportedNotice, ImportRun, NoticeMerge, Quarantined
from search import outbox
from search.documents import Kind
from search.embedded import EmbeddedIndex
from search.index import Index, Query, read_synonyms
from tests import given
from tests.market.portal.library import GOLDEN, bring, package, release

pytestmark = pytest.mark.usefixtures("clean")


async def operator() -> Actor:
    return await given.person(await given.organisation(kind="operator"), "operator")


@pytest.fixture
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Index]:
    """An empty embedded index, used by the whole application."""
    made = EmbeddedIndex(tmp_path / "search", read_synonyms())
    await made.prepare()
    await made.rebuild(_nothing())
    for place in ("search.outbox.index", "search.pages.index", "search.api.index"):
        monkeypatch.setattr(place, lambda: made)
    yield made
    await made.close()


async def _nothing() -> AsyncIterator[outbox.SearchDocument]:
    for nothing in ():
        yield nothing


async def test_the_notice_says_where_it_is_from_and_links_there(app: Litestar) -> None:
    await bring(GOLDEN / "town-1.1.json", "uk-contracts-finder")
    await bring(GOLDEN / "aggregator-1.1.json", "uk-spend-network-raw")
    town, copy = sorted(
        [each for each in await ImportedNotice.objects() if "rone" in each.title], key=lambda each: int(each.id)
    )
    async with given.browser(app) as client:
        page = await client.get(f"/notices/{town.ref}")
        moved = await client.get(f"/notices/{copy.ref}")
        gone = await client.get("/notices/N-NOTHERE")
        data = (await client.get(f"/api/v1/notices/{copy.ref}")).json()
        missing = await client.get("/api/v1/notices/N-NOTHERE")
    assert page.status_code == 200
    text = re.sub(r"\s+", " ", page.text)
    assert "<strong>Imported.</strong>" in text
    assert "Contracts Finder, United Kingdom" in text
    assert "as collected by Spend Network" in text
    assert "Open Government Licence v3.0" in text
    assert "Shown together because" in text
    assert "Take them apart" not in text
    assert "ocds-mrrwby-2025-017" in text
    assert (moved.status_code, moved.headers["location"]) == (302, f"/notices/{town.ref}")
    assert (gone.status_code, missing.status_code) == (404, 404)
    assert data["ref"] == town.ref
    assert [each["source"] for each in data["sources"]] == ["uk-contracts-finder", "uk-spend-network-raw"]
    assert isinstance(data["value_minor"], int)
    assert len(data["history"]) == 3


async def test_a_notice_without_anything_but_a_title_is_still_a_page(app: Litestar, tmp_path: Path) -> None:
    bare = {"ocid": "ocds-bare-1", "tender": {"title": "<script>alert(1)</script>"}, "tag": ["tender"]}
    odd = release(2)
    odd["tender"] |= {"value": {"amount": 5, "currency": "doubloons"}, "lots": [{"id": 1, "value": {"amount": "x"}}]}
    await bring(package(tmp_path / "x.json", [bare, odd]))
    async with given.browser(app) as client:
        for row in await ImportedNotice.objects():
            page = await client.get(f"/notices/{row.ref}")
            assert page.status_code == 200
            assert "<script>alert" not in page.text


async def test_portals_are_listed_with_counts_licence_and_failing_checks(app: Litestar, tmp_path: Path) -> None:
    async with given.browser(app) as client:
        assert "No other portal has been read yet" in (await client.get("/portals")).text
        await bring(
            package(tmp_path / "x.json", [release(1), release(2), {"tag": ["tender"], "tender": {}}]), "moldova"
        )
        page = await client.get("/portals")
        one = await client.get("/portals/moldova")
        data = (await client.get("/api/v1/portals")).json()["items"]
        unknown = await client.get("/portals/atlantis")
    assert "MTender, Moldova" in page.text
    assert "The buyer has a number on a public register" in one.text
    assert "Runs" not in one.text
    assert unknown.status_code == 404
    (moldova,) = data
    assert (moldova["name"], moldova["notices"], moldova["quarantined"]) == ("moldova", 2, 1)
    assert 0 < moldova["score"] < 100
    assert "buyer-register" in {each["code"] for each in moldova["failing"]}


async def test_operators_see_runs_mend_and_decide_by_the_forms_they_are_shown(app: Litestar, tmp_path: Path) -> None:
    nameless = '{"tag": ["tender"], "tender": {"title": "nameless"}}'
    (tmp_path / "x.json").write_text(f'{{"releases": [{nameless}]}}')
    run = await bring(tmp_path / "x.json", "moldova")
    one, other = release(7), release(7, ocid="ocds-zzz999-7")
    other["tender"] = {key: value for key, value in other["tender"].items() if key not in ("value", "tenderPeriod")}
    await bring(package(tmp_path / "one.json", [one]), "moldova")
    await bring(package(tmp_path / "two.json", [other]), "ukraine")
    (item,) = await Quarantined.objects()
    (pair,) = await DoubtfulPair.objects()
    async with given.browser(app) as client:
        assert (await client.get("/portals/quarantine")).status_code in (303, 401)
        await given.signed_in(client, await operator())
        assert "no ocid" in (await client.get(f"/portals/runs/{run.ref}")).text
        assert item.ref in (await client.get("/portals/quarantine?source=moldova")).text
        assert "nameless" in (await client.get(f"/portals/quarantine/{item.ref}")).text
        refused = await client.post(f"/portals/quarantine/{item.ref}", data={"text": nameless})
        assert refused.status_code == 409
        assert "still cannot be read" in refused.text
        mended = nameless.replace("{", '{"ocid": "ocds-abc123-9", ', 1)
        assert (await client.post(f"/portals/quarantine/{item.ref}", data={"text": mended})).status_code == 303
        assert "Mended" in (await client.get(f"/portals/quarantine/{item.ref}")).text
        assert "Footbridge 7" in (await client.get("/portals/doubtful")).text
        assert (await client.post(f"/portals/doubtful/{pair.ref}", data={"same": "yes"})).status_code == 303
        (merge,) = await NoticeMerge.objects()
        assert "An operator decided so" in (await client.get("/portals/doubtful")).text
        assert (await client.post(f"/portals/merges/{merge.ref}/undo")).status_code == 303
        kept = await given.filled(
            client, "/portals/uk-contracts-finder/rhythm", {"every_hours": "24"}, at="/portals/uk-contracts-finder"
        )
        assert kept.status_code == 303
        wrong = await client.post("/portals/uk-contracts-finder/rhythm", data={"every_hours": "often"})
        assert wrong.status_code == 422
        page = (await client.get("/portals/uk-contracts-finder")).text
    assert "every 24 hours" in page


async def test_nobody_but_operators_comes_to_the_queues(app: Litestar) -> None:
    buyer = await given.person(await given.organisation(), "buyer")
    async with given.browser(app) as client:
        await given.signed_in(client, buyer)
        for path in ("/portals/quarantine", "/portals/doubtful", "/portals/runs/IR-X", "/portals/quarantine/Q-X"):
            assert (await client.get(path)).status_code == 403


async def test_imported_notices_are_found_beside_our_own_and_tests_are_not(
    engine: Index, app: Litestar, tmp_path: Path
) -> None:
    trial = release(3)
    trial["tender"]["title"] = "Test notice - please ignore"
    await bring(package(tmp_path / "x.json", [release(1), release(2), trial]), "uk-contracts-finder")
    assert await ImportRun.count() == 1
    while await outbox.drain():
        continue
    found = await engine.search(Query(text="footbrige", facets=("source", "kind")))
    assert found.total == 2
    assert found.facets["source"] == {"Contracts Finder, United Kingdom": 2}
    assert not await outbox.check()
    document = found.hits[0].document
    assert (document.kind, document.source) == (Kind.NOTICE, "Contracts Finder, United Kingdom")
    assert document.url == f"/notices/{document.ref}"
    async with given.browser(app) as client:
        page = await client.get("/search?q=footbridge&kind=notice")
        every = await client.get("/notices/")
    assert document.url in page.text
    assert (every.status_code, every.headers["location"]) == (303, "/search?kind=notice")
    assert await outbox.reindex() == 2


async def test_draining_reads_notices_in_one_query_for_each_batch(
    engine: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bring(package(tmp_path / "x.json", [release(n) for n in range(40)]))
    asked: list[str] = []
    rows = outbox.faces.rows

    async def counted(kind: type[object], sql: str, *arguments: object) -> list[object]:
        asked.append(sql)
        return await rows(kind, sql, *arguments)

    monkeypatch.setattr(outbox.faces, "rows", counted)
    assert await outbox.drain() == 41
    assert len(asked) == 1
    assert len(await engine.ids()) == 40


async def test_operators_do_by_program_what_they_do_by_clicking(app: Litestar, tmp_path: Path) -> None:
    nameless = '{"tag": ["tender"], "tender": {"title": "nameless"}}'
    (tmp_path / "x.json").write_text(f'{{"releases": [{nameless}]}}')
    await bring(tmp_path / "x.json", "moldova")
    one, other = release(7), release(7, ocid="ocds-zzz999-7")
    other["tender"] = {key: value for key, value in other["tender"].items() if key not in ("value", "tenderPeriod")}
    await bring(package(tmp_path / "one.json", [one]), "moldova")
    await bring(package(tmp_path / "two.json", [other]), "ukraine")
    async with given.browser(app) as client:
        assert (await client.get("/api/v1/quarantine")).status_code == 401
        buyer = await given.token(await given.person(await given.organisation(), "buyer"))
        assert (await client.get("/api/v1/notice-pairs", headers=buyer)).status_code == 403
        client.headers.update(await given.token(await operator()))
        (item,) = (await client.get("/api/v1/quarantine?source=moldova")).json()["items"]
        assert "no ocid" in item["reason"]
        assert (await client.get(f"/api/v1/quarantine/{item['ref']}")).json()["text"] == nameless
        refused = await client.post(f"/api/v1/quarantine/{item['ref']}/replay", json={"text": nameless})
        assert (refused.status_code, refused.json()["reasons"][0]["code"]) == (409, "quarantine.still-broken")
        mended = nameless.replace("{", '{"ocid": "ocds-abc123-9", ', 1)
        done = await client.post(f"/api/v1/quarantine/{item['ref']}/replay", json={"text": mended})
        assert (done.status_code, done.json()["mended_at"] is not None) == (200, True)
        assert (await client.get("/api/v1/quarantine")).json()["items"] == []
        (pair,) = (await client.get("/api/v1/notice-pairs")).json()["items"]
        assert {each["code"] for each in pair["evidence"] if each["supports"]} >= {"title.same", "buyer.same"}
        decided = await client.post(f"/api/v1/notice-pairs/{pair['ref']}/decision", json={"same": True})
        assert decided.json()["same"] is True
        (merge,) = (await client.get("/api/v1/notice-merges")).json()["items"]
        assert merge["notices"] == pair["notices"]
        undone = await client.post(f"/api/v1/notice-merges/{merge['ref']}/undo")
        assert (undone.status_code, undone.json()["same"]) == (200, False)
        again = await client.post(f"/api/v1/notice-merges/{merge['ref']}/undo")
        assert (again.status_code, again.json()["reasons"][0]["code"]) == (409, "merge.undone-already")
        rhythm, seen = {"every_hours": 24}, {"if-match": "new"}
        unseen = await client.post("/api/v1/portals/uk-contracts-finder/rhythm", json=rhythm, headers=seen)
        assert (unseen.status_code, unseen.json()["stored"]) == (409, {"every_hours": 0})
        seen = {"if-match": unseen.json()["etag"]}
        kept = await client.post("/api/v1/portals/uk-contracts-finder/rhythm", json=rhythm, headers=seen)
        assert kept.json()["every_hours"] == 24
        assert (await client.post("/api/v1/portals/by-hand/rhythm", json=rhythm, headers=seen)).status_code == 404
        runs = (await client.get("/api/v1/portals/moldova/runs")).json()["items"]
        assert [each["rejected"] for each in runs] == [0, 1]
