"""The filters of the search page: what each one promises is what choosing it gives, with both engines."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest

from market import clock
from market.refusals import Refused
from search import pages, queries
from search.documents import Kind
from search.index import Index, Results
from tests.search.given import DAY, EPOCH

NOW = datetime.fromtimestamp(EPOCH + 2 * DAY, UTC)


def asked(address: str) -> queries.Asked:
    """What an address asks."""
    return queries.asked_in(parse_qsl(urlsplit(address).query))


async def answered(index: Index, address: str) -> tuple[queries.Asked, Results]:
    read = asked(address)
    return read, await index.search(read.query(NOW, limit=100))


async def options(index: Index, address: str, name: str) -> dict[str, int]:
    """Value and count of one filter of the page at this address."""
    read, found = await answered(index, address)
    group = next((each for each in pages.groups(read, found) if each["name"] == name), {"options": []})
    return {value: count for value, _, count, _ in group["options"]}


async def refs(index: Index, address: str) -> set[str]:
    return {hit.document.ref for hit in (await answered(index, address))[1].hits}


async def test_every_count_beside_a_filter_is_what_choosing_it_gives(shelf: Index) -> None:
    read, found = await answered(shelf, "/search")
    seen = set()
    for group in pages.groups(read, found):
        for value, _, count, chosen in group["options"]:
            narrowed = read.address(chosen=((group["name"], value),))
            assert not chosen
            assert (await answered(shelf, narrowed))[1].total == count, narrowed
            seen.add(group["name"])
    assert seen >= {
        "stage", "buyer", "sector", "region", "value", "sme", "certificate", "partners", "source", "year", "profile", "licence",
    }  # fmt: skip


async def test_a_sector_offers_its_groups_and_a_group_its_classes(shelf: Index) -> None:
    assert await options(shelf, "/search", "cpv") == {}
    assert await options(shelf, "/search?sector=72", "cpv") == {"722": 3, "723": 1, "725": 1}
    assert await options(shelf, "/search?sector=72&cpv=722", "cpv") == {
        "722": 3, "7221": 1, "7222": 2, "723": 1, "725": 1,
    }  # fmt: skip
    assert await refs(shelf, "/search?sector=72&cpv=722") == {"C-3", "T-1", "T-3"}
    assert await refs(shelf, "/search?sector=72&cpv=722&cpv=7222") == {"T-1", "T-3"}
    assert await refs(shelf, "/search?sector=72&cpv=7222&cpv=723") == {"T-1", "T-3", "API-2"}


def test_dropping_a_sector_drops_what_was_chosen_within_it() -> None:
    read = asked("/search?sector=72&cpv=722&cpv=7222&region=Wales")
    without = {(name, value): less.address() for name, value, less in read.fewer()}
    assert without["sector", "72"] == "/search?region=Wales"
    assert without["cpv", "722"] == "/search?sector=72&region=Wales"
    assert without["cpv", "7222"] == "/search?sector=72&cpv=722&region=Wales"


async def test_values_are_typed_in_pounds_from_and_to(shelf: Index) -> None:
    assert await refs(shelf, "/search?from=75,000&to=180000.00") == {"T-1", "K-1"}
    assert await refs(shelf, "/search?from=180000.01") == {"T-3"}
    assert asked("/search?from=%C2%A375,000&to=&within=").address() == "/search?from=75000"


async def test_closing_within_leaves_out_what_closed_and_what_closes_later(shelf: Index) -> None:
    assert await refs(shelf, "/search?within=7") == {"C-2", "ocds-b5fd17-7d067852", "ocds-abc-2"}
    assert await refs(shelf, "/search?within=14&kind=tender") == {"T-3"}


async def test_those_who_want_to_bid_together_are_found_and_nobody_is_named_for_not_saying_so(shelf: Index) -> None:
    assert await options(shelf, "/search?kind=supplier", "partners") == {"true": 1}
    assert await refs(shelf, "/search?partners=true") == {"S-1"}


async def test_when_nothing_is_found_each_condition_to_drop_comes_with_what_it_would_give(
    shelf: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "index", lambda: shelf)
    everything = "/search?q=bridge&kind=supplier&region=Wales&certificate=ISO+27001"
    with clock.at(NOW):
        assert await pages.without_one(asked(f"{everything}&from=1")) == []
        tries = await pages.without_one(asked(everything))
    assert not (await answered(shelf, everything))[1].total
    assert {(text, total) for text, _, total in tries} == {("ISO 27001", 1), ("Wales", 1)}
    for _, address, total in tries:
        assert (await answered(shelf, address))[1].total == total


def test_what_cannot_be_read_is_refused_with_what_to_type() -> None:
    for address, code in (
        ("/search?from=much", "search.not-an-amount"),
        ("/search?to=-3", "search.not-an-amount"),
        ("/search?within=3", "search.unknown-period"),
    ):
        with pytest.raises(Refused) as refused:
            asked(address)
        assert refused.value.reasons[0].code == code


def test_a_space_at_the_end_says_that_the_last_word_is_finished() -> None:
    assert asked("/search?q=+drone+++").text == "drone "
    assert asked("/search?q=+drone+++").address() == "/search?q=drone+"
    assert asked("/search?q=++").text == ""


def test_an_address_is_written_as_it_was_read() -> None:
    address = (
        "/search?q=bridge&kind=tender&sort=newest&open=1&region=Wales&sector=72&cpv=722&from=10&to=99.50&within=30"
    )
    read = asked(address)
    assert read.address() == address
    assert read.kind is Kind.TENDER
    assert [each[0] for each in read.fewer()] == ["region", "sector", "cpv", "kind", "from", "to", "within", "open"]
