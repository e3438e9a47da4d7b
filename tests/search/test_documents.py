"""Only public facts can be sent, and what follows from them is derived once."""

from __future__ import annotations

import msgspec
import pytest

from search.documents import Kind, SearchDocument, clean, cpv_prefixes, facet_values, value_band
from search.index import FACETS, RANGES, SYNONYMS_FILE, read_synonyms
from tests.search.given import a

PUBLIC = {
    "kind", "ref", "url", "title", "summary", "body", "keywords", "buyer", "supplier_names", "cpv", "region", "stage", "dates",
    "value_minor", "currency", "sme_suitable", "source", "opens_at", "closes_at", "published_at", "certificates",
    "profile_passed", "licence", "open_to_partners", "popularity", "track_record", "experience", "arrival",
}  # fmt: skip


def test_the_fields_that_may_leave_the_database_are_exactly_these() -> None:
    assert set(SearchDocument.__struct_fields__) == PUBLIC


def test_a_field_that_is_not_public_cannot_be_sent() -> None:
    with pytest.raises(TypeError, match="email"):
        a(Kind.SUPPLIER, "S-1", "Kestrel", email="someone@example.org")
    with pytest.raises(msgspec.ValidationError, match="email"):
        msgspec.json.decode(b'{"kind":"supplier","ref":"S","url":"/","title":"T","email":"x"}', type=SearchDocument)


def test_a_code_brings_every_level_above_it() -> None:
    assert cpv_prefixes(("72222300-0",)) == ("72", "722", "7222", "72222", "722223")
    assert cpv_prefixes(("72000000",)) == ("72",)
    assert cpv_prefixes(("30000000", "30100000")) == ("30", "301")
    assert cpv_prefixes(("", "x", "7")) == ()


@pytest.mark.parametrize(
    ("minor", "band"),
    [
        (0, "under-10k"),
        (999_999, "under-10k"),
        (1_000_000, "10k-50k"),
        (50_000_000, "500k-1m"),
        (10**15, "10m-and-more"),
    ],
)
def test_a_value_belongs_to_one_band(minor: int, band: str) -> None:
    assert value_band(minor) == band


def test_the_year_is_the_one_on_the_wall_where_deadlines_are_read() -> None:
    in_summer_time = 1_782_860_400
    assert a(Kind.TENDER, "T", "t", published_at=1_767_225_599).year == "2025"
    assert a(Kind.TENDER, "T", "t", published_at=in_summer_time).year == "2026"
    assert a(Kind.TENDER, "T", "t").year == ""


def test_the_fingerprint_follows_the_content_and_not_its_spelling() -> None:
    composed, decomposed = a(Kind.TENDER, "T", "Caf\u00e9"), a(Kind.TENDER, "T", "Cafe\u0301")
    assert composed.fingerprint == decomposed.fingerprint
    assert composed.fingerprint != a(Kind.TENDER, "T", "Cafe").fingerprint


def test_what_nobody_can_see_is_cleaned_away() -> None:
    assert clean("a\x00b\ue000c\u200bd\ud800e") == "a b c d e"
    assert a(Kind.TENDER, "T", "x\x07", keywords=("y\ue001",)).cleaned().keywords == ("y ",)


@pytest.mark.parametrize("facet", FACETS)
def test_every_facet_is_a_fact_of_a_document(facet: str) -> None:
    assert isinstance(facet_values(a(Kind.TENDER, "T", "t"), facet), tuple)


def test_every_range_is_a_number_of_a_document() -> None:
    assert set(RANGES) <= PUBLIC


def test_the_editable_list_of_synonyms_can_be_read() -> None:
    assert SYNONYMS_FILE.exists()
    assert ("drone",) in read_synonyms().of_words(("uav",))
