"""Searching through faces, outbox, pages and the API, with either engine over a real database."""

import argparse
import asyncio
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from litestar import Litestar

from market import __main__ as commands
from market import clock
from market.accounts.tables import Organisation
from market.audit.actions import announce
from market.audit.tables import Outbox
from market.suppliers.tables import Profile
from market.tenders.tables import Tender
from search import outbox
from search.documents import Kind, SearchDocument
from search.engines import open_index
from search.index import Index, IndexRefused, IndexUnavailable, Query
from tests import given, given_tenders
from tests.search.engines import either as engine
from tests.search.engines import needed_program, serving, used

__all__ = ["engine"]

pytestmark = pytest.mark.usefixtures("clean")


async def firm(name: str, *capabilities: str) -> Organisation:
    row = await given.supplier(name)
    await Profile.insert(
        Profile(
            organisation=row.id,
            summary=f"{name} works with {' and '.join(capabilities)}",
            capabilities=list(capabilities),
            updated_at=clock.now(),
        )
    )
    await announce(f"supplier:{row.ref}")
    return row


async def test_a_misspelt_search_finds_the_firm_that_inspects_by_drone(engine: Index, app: Litestar) -> None:
    row = await firm("Kestrel Ltd", "drone inspection")
    await firm("Heron Ltd", "catering")
    assert await outbox.drain() == 2
    async with given.browser(app) as client:
        page = await client.get("/search", params={"q": "drone inspecton"})
        found = (await client.get("/api/v1/search", params={"q": "drone inspecton"})).json()
    assert page.status_code == 200
    assert f"/suppliers/{row.ref}" in page.text
    assert "Heron" not in page.text
    assert [each["ref"] for each in found["items"]] == [row.ref]


async def test_a_draft_is_never_found_and_a_published_tender_is(engine: Index) -> None:
    there = await given_tenders.published()
    draft = Tender(buyer=there.buyer.id, title="Secret draft", created_at=clock.now(), created_by=there.officer.person)
    await draft.save()
    await announce(f"tender:{there.tender.ref}", f"tender:{draft.ref}")
    await outbox.drain()
    assert list(await engine.ids()) == [f"tender:{there.tender.ref}"]
    assert (await engine.search(Query(text="secret draft", relax=False))).total == 0


async def test_repeats_and_reorderings_converge_and_what_is_gone_is_forgotten(engine: Index) -> None:
    row = await firm("Kestrel Ltd", "drones")
    subject = f"supplier:{row.ref}"
    await announce(subject, subject)
    await outbox.drain()
    await Profile.update({Profile.summary: "Now it makes maps"}).where(Profile.organisation == row.id)
    await announce(subject)
    await outbox.drain()
    assert (await engine.search(Query(text="maps"))).total == 1
    assert not await outbox.check()
    await Organisation.update({Organisation.kind: "buyer"}).where(Organisation.id == row.id)
    await announce(subject)
    await outbox.drain()
    assert await engine.ids() == {}


async def test_a_document_that_the_engine_refuses_is_kept_with_its_reason_and_stops_nobody_else(
    engine: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [await firm(f"Kestrel {number} Ltd", "drones") for number in range(5)]
    refused = f"supplier:{rows[2].ref}"
    really = engine.upsert

    async def fussy(documents: Iterable[SearchDocument]) -> None:
        wanted = list(documents)
        if refused in {document.id for document in wanted}:
            raise IndexRefused("it is too large")
        await really(wanted)

    monkeypatch.setattr(engine, "upsert", fussy)
    assert await outbox.drain() == 4
    assert sorted(await engine.ids()) == sorted(f"supplier:{row.ref}" for row in rows if row is not rows[2])
    kept = await Outbox.objects().get(Outbox.subject == refused)
    assert kept is not None
    assert (kept.done_at, kept.failure) == (None, "it is too large")


async def test_an_unknown_kind_is_kept_with_its_reason_and_stops_nobody_else(engine: Index) -> None:
    row = await firm("Kestrel Ltd", "drones")
    await announce("teapot:TP-1")
    assert await outbox.drain() == 1
    assert list(await engine.ids()) == [f"supplier:{row.ref}"]
    kept = await Outbox.objects().get(Outbox.subject == "teapot:TP-1")
    assert kept is not None
    assert kept.done_at is None
    assert "teapot" in kept.failure


async def test_while_the_engine_is_down_nothing_is_lost_and_the_page_works(
    engine: Index, app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    await firm("Kestrel Ltd", "drones")

    async def down(*_: object) -> None:
        raise IndexUnavailable("down")

    with monkeypatch.context() as outage:
        for name in ("search", "upsert", "delete"):
            outage.setattr(engine, name, down)
        assert await outbox.drain() == 0
        async with given.browser(app) as client:
            page = await client.get("/search", params={"q": "drones"})
            api = await client.get("/api/v1/search", params={"q": "drones"})
    assert page.status_code == 200
    assert "being put right" in page.text
    assert api.status_code == 503
    assert await outbox.drain() == 1
    assert (await engine.search(Query(text="drones"))).total == 1


async def test_while_changes_wait_the_page_says_that_results_may_lag(
    engine: Index, app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "LOOK_EVERY", -1)
    said = "Results may lag: what changed after"
    async with given.browser(app) as client:
        with clock.at(given.TODAY):
            await firm("Kestrel Ltd", "drones")
            assert said not in (await client.get("/search", params={"q": "drones"})).text
        with clock.at(given.TODAY + timedelta(minutes=5)):
            page = await client.get("/search", params={"q": "drones"})
            assert f"{said} Mon 23 Nov 2026, 09:00" in page.text
            assert (await client.get("/api/v1/search")).json()["behind_since"] == "2026-11-23T09:00:00Z"
            await outbox.drain()
            assert said not in (await client.get("/search", params={"q": "drones"})).text
            assert (await client.get("/api/v1/search")).json()["behind_since"] is None


async def test_a_passed_deadline_changes_the_stage_without_anybody_acting(engine: Index) -> None:
    there = await given_tenders.published()
    await announce(f"tender:{there.tender.ref}")
    await outbox.drain()
    assert (await engine.search(Query(kinds=(Kind.TENDER,), facets=("stage",)))).facets["stage"] == {"questions": 1}
    with clock.at(there.tender.closes_at + timedelta(minutes=1)):
        assert await outbox.turn() == 1
        assert await outbox.turn() == 0
        await outbox.drain()
    assert (await engine.search(Query(kinds=(Kind.TENDER,), facets=("stage",)))).facets["stage"] == {"closed": 1}


async def test_building_from_nothing_finds_everything_that_is_public(engine: Index) -> None:
    await firm("Kestrel Ltd", "drones")
    there = await given_tenders.published()
    await announce(f"tender:{there.tender.ref}")
    assert await outbox.reindex() == 2
    assert set(await engine.ids()) >= {f"tender:{there.tender.ref}"}
    assert not await outbox.check()
    # Nobody was told of them yet, so they are still numbered, once.
    assert await outbox.drain() == 2
    numbered = await outbox.arrived()
    await announce(f"tender:{there.tender.ref}")
    with clock.at(clock.now() + timedelta(seconds=1)):
        assert await outbox.reindex() == 2
    assert not await outbox.check()
    assert await outbox.drain() == 0
    assert await outbox.arrived() == numbered


async def test_the_address_is_the_whole_state_and_wrong_ones_are_mended_or_refused(
    engine: Index, app: Litestar
) -> None:
    await firm("Kestrel Ltd", "drones")
    await outbox.drain()
    async with given.browser(app) as client:
        stale = await client.get("/search", params={"q": "drones", "cursor": "not a cursor"})
        assert stale.status_code == 303
        assert stale.headers["location"] == "/search?q=drones"
        assert (await client.get("/search", params={"kind": "teapot"})).status_code == 400
        page = await client.get(
            "/search", params={"q": "drones", "region": "Yorkshire and the Humber", "kind": "supplier"}
        )
    assert "Kestrel" in page.text
    assert 'name="region"' in page.text


async def test_the_old_index_answers_until_the_new_one_is_whole_and_no_change_is_lost(engine: Index) -> None:
    for number in range(12):
        await firm(f"Kestrel {number} Ltd", "drones")
    await outbox.reindex()
    seen: set[int] = set()
    building = asyncio.create_task(outbox.reindex())
    late = await firm("Latecomer Ltd", "drones")
    while not building.done():
        seen.add((await engine.search(Query(text="drones"))).total)
        await asyncio.sleep(0)
    assert await building in (12, 13)
    assert seen <= {12, 13}
    await outbox.drain()
    assert (await engine.search(Query(text="latecomer"))).hits[0].document.ref == late.ref
    assert not await outbox.check()


@pytest.mark.meilisearch
async def test_an_hour_without_the_server_loses_nothing_and_the_commands_say_what_differs(
    app: Litestar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(needed_program()) as server:
        made = open_index(url=server.url, key=server.key, folder=tmp_path / "never used")
        async with used(made, monkeypatch) as engine, given.browser(app) as client:
            kestrel = await firm("Kestrel Ltd", "drones")
            gone = await firm("Heron Ltd", "drones")
            began = clock.now()
            with clock.at(began):
                assert await outbox.drain() == 2
            server.kill()
            with clock.at(began + timedelta(minutes=10)):
                await firm("Plover Ltd", "drones")
                await Profile.update({Profile.summary: "It makes maps now"}).where(Profile.organisation == kestrel.id)
                await Organisation.update({Organisation.kind: "buyer"}).where(Organisation.id == gone.id)
                await announce(f"supplier:{kestrel.ref}", f"supplier:{gone.ref}")
                assert await outbox.drain() == 0
                page = await client.get("/search", params={"q": "drones"})
                assert (page.status_code, "being put right" in page.text) == (200, True)
                assert (await client.get("/api/v1/search", params={"q": "drones"})).status_code == 503
                with pytest.raises(IndexUnavailable):
                    await engine.ids()
            server.begin()
            with clock.at(began + timedelta(hours=1)):
                differing = await outbox.check()
                assert (len(differing.missing), len(differing.stale), len(differing.surplus)) == (1, 1, 1)
                assert await outbox.drain() == 3
                assert not await outbox.check()
                page = await client.get("/search", params={"q": "maps"})
                assert "Kestrel Ltd" in page.text
            nothing = argparse.Namespace()
            assert await commands.search_check(nothing) == 0
            await engine.delete([f"supplier:{kestrel.ref}"])
            assert await commands.search_check(nothing) == 1
            assert await commands.reindex(argparse.Namespace(if_needed=True)) == 0
            assert await commands.search_check(nothing) == 1, "it is whole as far as it knows"
            assert await commands.reindex(argparse.Namespace(if_needed=False)) == 0
            assert not await outbox.check()
    told = capsys.readouterr().out.splitlines()
    differ = [f"missing: supplier:{kestrel.ref}", "They differ."]
    assert told == ["They agree.", *differ, "The index is whole.", *differ, "2 documents"]


async def test_a_server_that_lost_everything_is_noticed_and_filled_again(
    app: Litestar, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(needed_program()) as server:
        made = open_index(url=server.url, key=server.key, folder=tmp_path / "never used")
        async with used(made, monkeypatch), given.browser(app) as client:
            await firm("Kestrel Ltd", "drones")
            await outbox.drain()
            server.lose()
            await firm("Heron Ltd", "drones")
            await outbox.drain()
            page = await client.get("/search", params={"q": "drones", "region": "UKM"})
            assert (page.status_code, "being put right" in page.text) == (200, True), "it has none of our settings"
            assert await outbox.reindex(only_if_needed=True) == 2
            await outbox.drain()
            assert not await outbox.check()
            assert "Kestrel Ltd" in (await client.get("/search", params={"q": "drones"})).text
            assert await outbox.reindex(only_if_needed=True) == -1
