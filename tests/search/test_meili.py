"""What only the Meilisearch side has to promise: its settings are code, its tasks are watched, its absence is survived."""

from __future__ import annotations

import secrets
from typing import Any

import meilisearch
import msgspec
import pytest

from search import meili, records
from search.documents import Kind, SearchDocument
from search.index import IndexRefused, IndexUnavailable, Query, read_synonyms
from search.meili import MeilisearchIndex
from search.words import Synonyms
from tests.search import given
from tests.search.engines import Server, program, serving
from tests.search.test_engines import flow

pytestmark = pytest.mark.meilisearch


def opened(server: Server, name: str | None = None, synonyms: Synonyms | None = None) -> MeilisearchIndex:
    return MeilisearchIndex(server.url, server.key, name or f"test_{secrets.token_hex(4)}", synonyms or read_synonyms())


async def test_the_server_holds_nothing_but_public_and_derived_fields(meilisearch_server: Server) -> None:
    index = opened(meilisearch_server)
    await index.upsert([msgspec.structs.replace(document, dates="{}") for document in given.DOCUMENTS])
    client = meilisearch.Client(meilisearch_server.url, meilisearch_server.key)
    fields = set(client.index(index._uid).http.get(f"indexes/{index._uid}/stats")["fieldDistribution"])
    derived = {"key", "id", "fingerprint", "cpv_path", "sector", "year", "value_band", "tie"}
    orders = {"by_closing", "by_newest", "by_value", "by_popularity", "by_arrival"}
    assert fields == set(SearchDocument.__struct_fields__) | derived | orders
    await index.close()


async def test_a_task_that_fails_is_not_taken_for_success(
    meilisearch_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = opened(meilisearch_server)
    await index.prepare()
    monkeypatch.setattr(records, "key", lambda id_: "not a key!")
    with pytest.raises(IndexRefused, match="invalid"):
        await index.upsert(given.DOCUMENTS[:1])
    await index.close()


async def test_a_changed_list_of_synonyms_is_told_to_the_server(meilisearch_server: Server) -> None:
    before = opened(meilisearch_server, "synonyms_change", Synonyms())
    await before.rebuild(flow([given.a(Kind.TENDER, "T", "Kayak hire")]))
    assert (await before.search(Query(text="canoe "))).total == 0
    after = opened(meilisearch_server, "synonyms_change", Synonyms.of([["kayak", "canoe"]]))
    assert not await after.prepare()
    assert (await after.search(Query(text="canoe "))).total == 1
    await before.close()
    await after.close()


async def test_preparing_twice_asks_the_server_for_nothing_new(meilisearch_server: Server) -> None:
    index = opened(meilisearch_server, "prepared_twice")
    await index.prepare()
    client = meilisearch.Client(meilisearch_server.url, meilisearch_server.key)

    def tasks() -> Any:
        return client.get_tasks({"indexUids": index._uid}).total

    before = tasks()
    await index.prepare()
    assert tasks() == before
    await index.close()


async def test_a_rebuild_leaves_no_second_index_behind(meilisearch_server: Server) -> None:
    index = opened(meilisearch_server, "tidy")
    await index.rebuild(flow(given.DOCUMENTS))
    client = meilisearch.Client(meilisearch_server.url, meilisearch_server.key)
    names = {found.uid for found in client.get_indexes({"limit": 1000})["results"] if found.uid.startswith("tidy_")}
    assert names == {index._uid, f"{index._uid}_built"}
    await index.close()


async def test_the_index_of_an_older_version_goes_when_the_new_one_is_complete(
    meilisearch_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(meili, "SCHEMA_VERSION", 0)
    old = opened(meilisearch_server, "upgraded")
    await old.rebuild(flow(given.DOCUMENTS))
    monkeypatch.undo()
    new = opened(meilisearch_server, "upgraded")
    assert await new.prepare()
    assert (await old.search(Query())).total == len(given.DOCUMENTS), "the old one answers until then"
    await new.rebuild(flow(given.DOCUMENTS))
    assert (await new.search(Query())).total == len(given.DOCUMENTS)
    with pytest.raises(IndexUnavailable):
        await old.search(Query())
    await old.close()
    await new.close()


async def test_a_server_that_goes_away_and_comes_back_is_found_again(meilisearch_server: Server) -> None:
    path = program()
    assert path is not None
    with serving(path) as server:
        index = opened(server)
        await index.upsert(given.DOCUMENTS[:2])
        assert (await index.search(Query())).total == 2
        server.process.terminate()
        server.process.wait()
        for attempt in (
            index.search(Query()),
            index.upsert(given.DOCUMENTS),
            index.delete(["x"]),
            index.rebuild(flow([])),
            index.ids(),
        ):
            with pytest.raises(IndexUnavailable):
                await attempt
        await index.close()
    index = opened(meilisearch_server)
    await index.upsert(given.DOCUMENTS[:1])
    await index.close()
    assert (await index.search(Query())).total == 1, "a closed index opens itself again"
    await index.close()
