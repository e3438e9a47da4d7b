"""One suite for both engines: whatever answers behind the seam, the same question finds the same things."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

import pytest

from search.documents import Kind, SearchDocument
from search.index import BadCursor, Index, IndexUnavailable, Query, Range, Results, Sort, tie
from tests.cost import at_most
from tests.search import given
from tests.search.given import DAY, DOCUMENTS, EPOCH


def refs(results: Results) -> list[str]:
    return [hit.document.ref for hit in results.hits]


async def found(index: Index, text: str = "", **more: object) -> list[str]:
    return refs(await index.search(Query(text=text, **more)))  # type: ignore[arg-type]


async def flow(documents: Iterable[SearchDocument]) -> AsyncIterator[SearchDocument]:
    for document in documents:
        yield document


# Words


async def test_a_misspelt_word_finds_what_was_meant(shelf: Index) -> None:
    results = await shelf.search(Query(text="drone inspecton"))
    assert refs(results)[0] == "C-1"
    assert results.did_you_mean == "drone inspection"
    assert not results.relaxed


async def test_two_typos_are_forgiven_in_a_long_word_and_none_in_a_short_one(shelf: Index) -> None:
    assert "S-1" in await found(shelf, "photogramettry ")
    assert await found(shelf, "surveys tre", relax=False) == ["ocds-b5fd17-7d067852"], "an unfinished tree"
    assert await found(shelf, "surveys trei ", relax=False) == []


async def test_a_typo_in_the_first_letter_counts_for_two(shelf: Index) -> None:
    assert await found(shelf, "vurniture ", relax=False) == ["T-2"]
    assert await found(shelf, "varbour ", relax=False) == []


async def test_the_last_word_may_be_unfinished(shelf: Index) -> None:
    assert await found(shelf, "office furn") == ["T-2"]
    assert await found(shelf, "office furn ", relax=False) == []


async def test_all_words_must_be_there(shelf: Index) -> None:
    assert await found(shelf, "tidal bridges") == ["C-1"]


async def test_a_phrase_is_found_as_it_stands_only(shelf: Index) -> None:
    assert set(await found(shelf, '"bridge inspection"')) == {"T-1", "S-1", "C-1"}
    assert await found(shelf, '"inspection bridge"', relax=False) == []


async def test_a_phrase_does_not_reach_over_the_end_of_a_sentence(shelf: Index) -> None:
    assert await found(shelf, '"reported late"') == ["C-2"]
    assert await found(shelf, '"late the"', relax=False) == []


async def test_a_word_with_a_minus_keeps_documents_away(shelf: Index) -> None:
    everything = await found(shelf, "bridges")
    without = await found(shelf, "bridges -river")
    assert "C-1" in everything
    assert "C-1" not in without
    assert without


async def test_a_phrase_with_a_minus_keeps_documents_away(shelf: Index) -> None:
    assert set(await found(shelf, "bridge")) - set(await found(shelf, 'bridge -"bridge inspection"')) == {
        "T-1",
        "S-1",
        "C-1",
    }


async def test_only_what_is_unwanted_may_be_said(shelf: Index) -> None:
    results = await shelf.search(Query(text="-bridge", limit=50))
    assert results.total == len(results.hits)
    assert "T-2" in refs(results)
    assert "W-1" not in refs(results)


async def test_accents_and_capitals_do_not_matter(shelf: Index) -> None:
    assert await found(shelf, "CAFE NUMERIQUE") == ["S-2", "API-1"]
    assert await found(shelf, "Brucken") == ["ocds-abc-2"]
    assert await found(shelf, "zurich") == ["C-2"]


async def test_words_that_mean_the_same_find_each_other(shelf: Index) -> None:
    assert "T-1" in await found(shelf, "drone"), "it says unmanned aircraft"
    assert {"C-1", "S-1"} <= set(await found(shelf, "uav"))
    assert "C-1" in await found(shelf, "unmanned aircraft")


async def test_a_word_may_be_split_or_joined(shelf: Index) -> None:
    assert "T-2" in await found(shelf, "officefurniture ")
    assert "C-1" in await found(shelf, "with out closing")


async def test_a_code_a_reference_and_a_name_are_words_too(shelf: Index) -> None:
    assert set(await found(shelf, "72222300")) == {"T-1", "T-3"}
    assert (await found(shelf, "ocds-b5fd17-7d067852"))[0] == "ocds-b5fd17-7d067852"
    assert (await found(shelf, "kestrel surveys"))[0] == "S-1"
    assert (await found(shelf, "o'brien"))[0] == "S-3"


async def test_when_nothing_has_all_words_fewer_are_looked_for_and_it_is_said(shelf: Index) -> None:
    results = await shelf.search(Query(text="drone inspection xylophonists"))
    assert results.relaxed
    assert results.dropped == ("xylophonists",)
    assert results.searched_for == "drone inspection"
    assert refs(results)[0] == "C-1"


async def test_words_that_never_stand_together_are_dropped_from_the_right(shelf: Index) -> None:
    results = await shelf.search(Query(text="furniture postcode "))
    assert results.relaxed
    assert results.dropped == ("postcode",)
    assert refs(results) == ["T-2"]


async def test_a_word_that_is_known_is_not_taken_for_a_mistake(shelf: Index) -> None:
    there = await shelf.search(Query(text="bridges", filters={"region": ["Wales"]}))
    assert (refs(there), there.did_you_mean) == (["S-3"], None), "others are about bridges, this one about a bridge"


async def test_a_word_too_far_from_any_is_asked_back_about(shelf: Index) -> None:
    nothing = await shelf.search(Query(text="emergancies"))
    assert (nothing.total, nothing.did_you_mean) == (0, None), "nothing begins so and is near"
    alone = await shelf.search(Query(text="furnutrie "))
    assert (alone.total, alone.did_you_mean) == (0, "furniture")
    beside = await shelf.search(Query(text="office furnutrie "))
    assert (beside.relaxed, beside.searched_for, beside.did_you_mean) == (True, "office", "office furniture")
    there = await shelf.search(Query(text="furniture", filters={"region": ["Wales"]}))
    assert (there.total, there.did_you_mean) == (0, None), "it is spelt well, the filter is what hides it"


async def test_relaxing_never_lets_go_of_filters_or_exclusions(shelf: Index) -> None:
    results = await shelf.search(Query(text="bridge xylophonists -unmanned", kinds=(Kind.TENDER,)))
    assert results.total == 0
    assert not results.hits


async def test_relaxing_can_be_declined(shelf: Index) -> None:
    results = await shelf.search(Query(text="drone xylophonists", relax=False))
    assert (results.total, results.relaxed) == (0, False)


# What comes back


async def test_matches_are_marked_and_everything_else_is_escaped(shelf: Index) -> None:
    hit = (await shelf.search(Query(text="furniture"))).hits[0]
    assert hit.title == "Office <mark>furniture</mark>"
    hit = (await shelf.search(Query(text="brien"))).hits[0]
    assert hit.title == "O&#39;<mark>Brien</mark> &amp; Sons (Ironworks)"


async def test_an_unfinished_word_is_marked_whole(shelf: Index) -> None:
    hit = (await shelf.search(Query(text="furnit"))).hits[0]
    assert hit.title == "Office <mark>furniture</mark>"


async def test_a_result_says_in_which_fields_and_words_it_matched(shelf: Index) -> None:
    results = await shelf.search(Query(text="kestrel harbour"))
    reasons = {reason.field: reason.words for reason in results.hits[0].reasons}
    assert reasons == {"title": ("harbour",), "supplier_names": ("Kestrel",)}


async def test_the_snippet_shows_the_part_of_the_body_that_matched(index: Index) -> None:
    body = " ".join(f"filler{number}" for number in range(300)) + " the hidden lighthouse keeper " + "end " * 100
    await index.upsert([given.a(Kind.TENDER, "T-9", "A title", summary="A summary.", body=body)])
    hit = (await index.search(Query(text="lighthouse"))).hits[0]
    assert "<mark>lighthouse</mark> keeper" in hit.snippet
    assert len(hit.snippet) < 400
    assert hit.document.body == ""


async def test_a_document_cannot_bring_markup_of_its_own(index: Index) -> None:
    bad = "<script>alert(1)</script> \ue000forged\ue001 harbour"
    await index.upsert([given.a(Kind.TENDER, "T-9", bad, summary=bad, body=bad, buyer=bad)])
    hit = (await index.search(Query(text="harbour"))).hits[0]
    assert "<script" not in hit.title + hit.snippet
    assert "<mark>forged" not in hit.title + hit.snippet
    assert "<mark>harbour</mark>" in hit.title


# Choosing


async def test_the_tabs_count_every_kind_whichever_is_chosen(shelf: Index) -> None:
    results = await shelf.search(Query(text="bridge", kinds=(Kind.TENDER,)))
    assert refs(results) == ["T-1"]
    assert results.total == 1
    assert results.kinds[Kind.TENDER] == 1
    assert results.kinds[Kind.CHALLENGE] == 1
    assert results.kinds[Kind.WAIVER] == 1


async def test_without_words_everything_is_there_the_most_popular_first(shelf: Index) -> None:
    results = await shelf.search(Query(limit=100))
    assert results.total == len(DOCUMENTS)
    assert refs(results)[:3] == ["API-1", "C-1", "T-1"]


async def test_values_of_a_facet_are_alternatives_and_facets_must_all_hold(shelf: Index) -> None:
    both = await found(shelf, filters={"region": ["Wales", "London"]}, limit=50)
    assert set(both) == {"C-3", "S-2", "S-3", "T-2", "ocds-b5fd17-7d067852"}
    assert set(await found(shelf, filters={"region": ["Wales", "London"], "kind": ["supplier"]})) == {"S-2", "S-3"}


async def test_a_facet_counts_as_if_nothing_were_chosen_in_it(shelf: Index) -> None:
    results = await shelf.search(
        Query(filters={"region": ["Wales"], "stage": ["open"]}, facets=("region", "stage", "year"))
    )
    assert results.total == 1
    assert results.facets["region"] == {"North East": 2, "South West": 2, "Köln": 1, "Wales": 1}
    assert results.facets["stage"] == {"concluded": 1, "open": 1}
    assert results.facets["year"] == {"2026": 1}


async def test_every_level_of_the_cpv_tree_is_a_filter(shelf: Index) -> None:
    for prefix in ("72", "722", "7222", "72222", "722223"):
        assert {"T-1", "T-3"} <= set(await found(shelf, filters={"cpv_path": [prefix]}, limit=50)), prefix
    assert set(await found(shelf, filters={"sector": ["77"]})) == {"ocds-b5fd17-7d067852"}


async def test_questions_with_two_answers_are_facets_too(shelf: Index) -> None:
    results = await shelf.search(Query(facets=("sme_suitable", "profile_passed")))
    assert results.facets == {"sme_suitable": {"true": 4, "false": 1}, "profile_passed": {"false": 1, "true": 1}}
    assert await found(shelf, filters={"profile_passed": ["false"]}) == ["API-2"]


async def test_each_facet_can_be_counted_and_filtered_by(shelf: Index) -> None:
    from search.index import FACETS

    results = await shelf.search(Query(facets=FACETS))
    for facet in FACETS:
        assert results.facets[facet], facet
        for value, count in results.facets[facet].items():
            assert (await shelf.search(Query(filters={facet: [value]}, limit=0))).total == count, (facet, value)


async def test_numbers_are_bounded_on_either_side(shelf: Index) -> None:
    assert set(await found(shelf, ranges={"value_minor": Range(7_500_000, 18_000_000)})) == {"T-1", "K-1"}
    assert set(await found(shelf, ranges={"value_minor": Range(at_least=18_000_001)})) == {"T-3"}
    assert set(await found(shelf, ranges={"closes_at": Range(at_most=EPOCH - DAY)})) == {"T-2", "C-3"}
    assert "C-3" not in await found(shelf, ranges={"value_minor": Range()}, limit=50)


async def test_an_unknown_facet_or_range_is_refused_before_any_engine_sees_it(shelf: Index) -> None:
    with pytest.raises(ValueError, match="not a facet: secret"):
        await shelf.search(Query(filters={"secret": ["1"]}))
    with pytest.raises(ValueError, match="not a range: tie"):
        await shelf.search(Query(ranges={"tie": Range(1)}))


# Order and pages


async def test_closing_soon_lists_what_never_closes_last(shelf: Index) -> None:
    order = await found(shelf, sort=Sort.CLOSING_SOON, ranges={"closes_at": Range(at_least=EPOCH)})
    assert order == ["ocds-b5fd17-7d067852", "C-2", "ocds-abc-2", "T-3", "C-1", "T-1"]
    everything = await found(shelf, sort=Sort.CLOSING_SOON, limit=50)
    assert everything[:2] == ["C-3", "T-2"]
    assert "S-1" in everything[8:]


async def test_newest_and_highest_value_come_first_even_with_words(shelf: Index) -> None:
    assert (await found(shelf, sort=Sort.NEWEST))[:3] == ["T-3", "T-1", "C-1"]
    assert (await found(shelf, sort=Sort.VALUE))[:3] == ["T-3", "T-1", "K-1"]
    with_words = await found(shelf, "inspection", sort=Sort.VALUE)
    assert with_words[:4] == ["T-3", "T-1", "C-2", "C-1"]
    assert set(with_words[4:]) == {"R-1", "S-1"}, "those without a value last"


async def test_what_arrived_last_comes_first_and_can_be_bounded_by_its_number(shelf: Index) -> None:
    suppliers = (Kind.SUPPLIER,)
    latest = await shelf.search(Query(kinds=suppliers, sort=Sort.ARRIVED))
    assert [hit.document.ref for hit in latest.hits] == ["S-2", "S-1", "S-3"]
    since = await shelf.search(Query(kinds=suppliers, sort=Sort.ARRIVED, ranges={"arrival": Range(at_least=10)}))
    assert [hit.document.ref for hit in since.hits] == ["S-2"]


async def test_a_supplier_is_found_by_what_it_has_done_and_by_where_it_is(shelf: Index) -> None:
    done = await shelf.search(Query(text="harbour divers", kinds=(Kind.SUPPLIER,)))
    assert [(hit.document.ref, hit.reasons[0].field) for hit in done.hits] == [("S-1", "track_record")]
    assert await found(shelf, "ironworks wales") == ["S-3"]


@pytest.mark.parametrize("sort", list(Sort))
@pytest.mark.parametrize("text", ["", "warehouse"])
async def test_pages_follow_each_other_without_repeats_or_gaps(warehouses: Index, sort: Sort, text: str) -> None:
    seen: list[str] = []
    cursor: str | None = ""
    pages = 0
    while cursor is not None:
        results = await warehouses.search(Query(text=text, sort=sort, cursor=cursor, limit=37, facets=("region",)))
        assert results.total == 260
        assert sum(results.facets["region"].values()) == 260, "counts are of all matches, on every page"
        seen += refs(results)
        cursor = results.next_cursor
        pages += 1
    assert pages == 8
    assert len(seen) == len(set(seen)) == 260


async def test_both_engines_put_equals_in_the_same_order(warehouses: Index) -> None:
    by_value = sorted(given.many(260), key=lambda document: (-(document.value_minor or 0), -tie(document.id)))
    assert await found(warehouses, sort=Sort.VALUE, limit=100) == [document.ref for document in by_value[:100]]


async def test_a_cursor_of_another_question_is_refused(warehouses: Index) -> None:
    cursor = (await warehouses.search(Query(text="warehouse", limit=5))).next_cursor
    assert cursor
    for bad in (cursor[:-3], "nonsense", "AAAA" + cursor, "é", "=" * 50):
        with pytest.raises(BadCursor):
            await warehouses.search(Query(text="warehouse", limit=5, cursor=bad))
    with pytest.raises(BadCursor):
        await warehouses.search(Query(text="grain", limit=5, cursor=cursor))


async def test_a_relaxed_question_stays_relaxed_on_its_next_pages(warehouses: Index) -> None:
    first = await warehouses.search(Query(text="warehouse xylophonists", limit=200))
    assert first.relaxed
    assert first.next_cursor
    second = await warehouses.search(Query(text="warehouse xylophonists", limit=200, cursor=first.next_cursor))
    assert second.relaxed
    assert second.dropped == ("xylophonists",)
    assert len({*refs(first), *refs(second)}) == 260


# What should never do harm

HOSTILE = [
    '"', '""', '"unclosed', "'", "\\", '\\"', "-", "--", '-"', "- -", "*", "%", "(", "a AND b OR NOT c", "kind = waiver",
    '" OR kind = "waiver', "x\x00y", "\x1b[31m", "\u202e\u200b", "😀", "\ud800", "ﷺ", "a" * 10_000, "word " * 2_000,
    '"' * 5_000, "-" * 5_000, "{}", "[[", "title:bridge", "field0:bridge", "/etc/passwd", "<script>", "٣", "१२", "ß", "İ",
    "\n\n", "   ",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
async def test_any_text_is_only_a_text(shelf: Index, text: str) -> None:
    with at_most(3):
        results = await shelf.search(Query(text=text, facets=("kind", "region")))
    assert 0 <= results.total <= len(DOCUMENTS)


@pytest.mark.parametrize(
    "value",
    [
        '" OR kind = "waiver',
        '"] OR kind IN ["waiver',
        "\\",
        '\\"',
        "x' OR 1=1",
        "\x00",
        "",
        "a" * 5_000,
        "NULL",
        "EXISTS",
    ],
)
async def test_a_filter_value_cannot_become_a_filter(shelf: Index, value: str) -> None:
    assert (await shelf.search(Query(filters={"region": [value]}))).total == 0
    assert (await shelf.search(Query(filters={"region": [value, "Wales"]}))).total == 3


async def test_a_value_full_of_signs_is_still_found(shelf: Index) -> None:
    assert set(await found(shelf, filters={"buyer": ['Ministry of Works & "Public" Estates']})) == {"T-2", "W-1"}


# Keeping


async def test_writing_again_replaces(index: Index) -> None:
    await index.upsert(DOCUMENTS)
    await index.upsert(DOCUMENTS)
    changed = given.a(Kind.TENDER, "T-2", "Standing desks", summary="Now with legs.")
    await index.upsert([changed])
    assert (await index.search(Query(limit=0))).total == len(DOCUMENTS)
    assert len(await index.ids()) == len(DOCUMENTS)
    assert await found(index, "furniture", relax=False) == []
    assert await found(index, "standing desks") == ["T-2"]


async def test_the_same_document_twice_in_one_batch_counts_once(index: Index) -> None:
    await index.upsert([given.a(Kind.TENDER, "T-1", "Old"), given.a(Kind.TENDER, "T-1", "New")])
    assert [hit.document.title for hit in (await index.search(Query())).hits] == ["New"]


async def test_what_is_deleted_is_gone_and_deleting_again_is_harmless(index: Index) -> None:
    await index.upsert(DOCUMENTS)
    await index.delete(["tender:T-2", "tender:never-was", 'x" OR 1=1'])
    await index.delete(["tender:T-2"])
    await index.delete([])
    assert (await index.search(Query(limit=0))).total == len(DOCUMENTS) - 1
    assert await found(index, "furniture", relax=False) == []


async def test_the_ids_come_with_fingerprints_that_tell_content_apart(index: Index) -> None:
    await index.upsert(DOCUMENTS)
    assert await index.ids() == {document.id: document.fingerprint for document in DOCUMENTS}


async def test_a_rebuild_replaces_everything_in_one_step_while_searches_go_on(index: Index) -> None:
    await index.upsert(given.many(300))
    seen: set[int] = set()
    done = asyncio.Event()

    async def keep_searching() -> None:
        while not done.is_set():
            seen.add((await index.search(Query(text="warehouse", limit=1, relax=False))).total)

    async def slowly() -> AsyncIterator[SearchDocument]:
        for document in given.many(200):
            await asyncio.sleep(0)
            yield document

    searching = asyncio.create_task(keep_searching())
    try:
        assert await index.rebuild(slowly()) == 200
        after = (await index.search(Query(text="warehouse"))).total
    finally:
        done.set()
        await searching
    assert after == 200
    assert seen <= {300, 200}, "never half an index"
    assert 300 in seen


async def test_a_write_during_a_rebuild_is_in_the_rebuilt_index(index: Index) -> None:
    await index.upsert(DOCUMENTS)
    begun = asyncio.Event()

    async def slowly() -> AsyncIterator[SearchDocument]:
        for document in DOCUMENTS:
            begun.set()
            await asyncio.sleep(0.005)
            yield document

    rebuilding = asyncio.create_task(index.rebuild(slowly()))
    await begun.wait()
    await index.upsert([given.a(Kind.TENDER, "T-LATE", "Written meanwhile")])
    await rebuilding
    assert await found(index, "meanwhile") == ["T-LATE"]
    assert (await index.search(Query(limit=0))).total == len(DOCUMENTS) + 1


async def test_a_rebuild_that_fails_leaves_the_old_index_in_place(index: Index) -> None:
    await index.upsert(DOCUMENTS)

    async def broken() -> AsyncIterator[SearchDocument]:
        yield DOCUMENTS[0]
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="the database went away"):
        await index.rebuild(broken())
    assert (await index.search(Query(limit=0))).total == len(DOCUMENTS)
    await index.upsert([given.a(Kind.TENDER, "T-9", "Afterwards")])
    assert await found(index, "afterwards") == ["T-9"]


async def test_a_rebuild_from_nothing_empties_the_index(index: Index) -> None:
    await index.upsert(DOCUMENTS)
    assert await index.rebuild(flow([])) == 0
    assert (await index.search(Query())).total == 0


async def test_an_index_wants_a_rebuild_until_one_was_completed(index: Index) -> None:
    assert await index.prepare()
    await index.upsert(DOCUMENTS[:1])
    assert await index.prepare(), "one document written is not all there are"
    await index.rebuild(flow(DOCUMENTS))
    assert not await index.prepare()
    assert not await index.prepare()


async def test_many_searches_at_once_all_get_their_own_answer(shelf: Index) -> None:
    texts = ["furniture", "kestrel harbour", "zurich", "72222300"] * 10
    answers = await asyncio.gather(*(found(shelf, text) for text in texts))
    assert answers == answers[:4] * 10


async def test_what_cannot_answer_raises_one_named_error(unavailable: Index) -> None:
    with pytest.raises(IndexUnavailable):
        await unavailable.search(Query(text="bridge"))
    with pytest.raises(IndexUnavailable) as why:
        await unavailable.ids()
    assert str(why.value)
