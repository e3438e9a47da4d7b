"""Searching through faces, outbox, pages and the API, with the embedded engine over a real database."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from litestar import Litestar

from market import clock
from market.accounts.tables import Organisation
from market.audit.actions import announce
from market.audit.tables import Outbox
from market.suppliers.tables import Profile
from market.tenders.tables import Tender
from search import faces, outbox
from search.documents import Kind
from search.embedded import EmbeddedIndex
from search.index import Index, IndexUnavailable, Query, read_synonyms
from tests import given, given_tenders

pytestmark = pytest.mark.usefixtures("clean")


@pytest.fixture
async def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: None) -> AsyncIterator[Index]:
    """An empty embedded index in a folder of its own, used by the whole application."""
    made = EmbeddedIndex(tmp_path / "search", read_synonyms())
    await made.prepare()
    await made.rebuild(_nothing())
    monkeypatch.setattr(outbox, "index", lambda: made)
    monkeypatch.setattr("search.pages.index", lambda: made)
    monkeypatch.setattr("search.api.index", lambda: made)
    yield made
    await made.close()


async def _nothing() -> AsyncIterator[faces.SearchDocument]:
    for nothing in ():
        yield nothing


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
    assert await outbox.reindex() == 2
    assert set(await engine.ids()) >= {f"tender:{there.tender.ref}"}
    assert not await outbox.check()
    assert await outbox.drain() == 0


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
