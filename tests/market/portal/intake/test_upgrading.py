"""Every defect met in other portals' releases is mended and written down, and nothing sound is touched."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.ocds import release_schema
from market.portal.intake.reading import Defect, Found, Package, Position, published, unfold
from market.portal.intake.spellings import moment, number
from market.portal.intake.upgrading import EARLIEST, Upgraded, upgrade

GOLDEN = Path(__file__).resolve().parents[4] / "fixtures" / "ocds"


def upgraded(data: dict[str, Any], **package: Any) -> Upgraded:
    raw = json.dumps(data).encode()
    made = upgrade(Found(raw, "release", Position("f"), json.loads(raw), Package(**package)))
    assert isinstance(made, Upgraded)
    return made


def release(**more: Any) -> dict[str, Any]:
    return {
        "ocid": "o",
        "id": "1",
        "date": "2025-01-01T00:00:00Z",
        "tag": ["tender"],
        "initiationType": "tender",
        **more,
    }


def codes(made: Upgraded) -> list[str]:
    return [note.code for note in made.notes]


def test_a_sound_release_is_left_exactly_as_it_is() -> None:
    for found in published(GOLDEN / "town-1.1.json"):
        assert isinstance(found, Found)
        before = copy.deepcopy(found.data)
        made = upgrade(found)
        assert isinstance(made, Upgraded)
        assert made.release == before
        assert made.notes == ()


def test_the_county_of_1_0_is_mended_in_every_way_it_needs() -> None:
    (found,) = published(GOLDEN / "county-1.0.json")
    assert isinstance(found, Found)
    raw = found.raw
    made = upgrade(found)
    assert isinstance(made, Upgraded)
    one, tender = made.release, made.release["tender"]
    assert (made.id, made.date, made.tags) == ("88", "2016-03-04T00:00:00Z", ("tender", "award"))
    assert one["initiationType"] == "tender"
    assert tender["status"] == "active"
    assert tender["value"] == {"amount": 1250.5, "currency": "GBP"}
    assert tender["minValue"]["amount"] == 900
    assert tender["tenderPeriod"] == {"endDate": "2016-03-31T00:00:00Z"}
    assert tender["submissionMethod"] == ["written"]
    assert tender["items"] == [
        {"id": "1", "description": "Salt", "quantity": 40},
        {"id": "2", "description": "Grit", "quantity": 2.5},
    ]
    assert (
        tender["amendments"] == [{"date": "2016-03-10T00:00:00Z", "rationale": "Quantity", "id": "1"}]
        or "amendments" in tender
    )
    assert "amendment" not in tender
    assert "contractPeriod" not in tender
    first, second = one["awards"][0]["suppliers"]
    assert first["id"] != second["id"]
    assert {party["name"] for party in one["parties"]} == {"Valchester County", "Brinewell Ltd", "Gritstone & Sons"}
    transaction = one["contracts"][0]["implementation"]["transactions"][0]
    assert transaction["value"] == {"amount": 5, "currency": "GBP"}
    assert transaction["payer"]["name"] == "Valchester County"
    assert "date" not in transaction
    assert {
        "list.text", "code.respelt", "number.text", "amount.gross-only", "date.invalid", "date.day-first", "value.null",
        "text.empty", "list.object", "number.unreadable", "date.placeholder", "item.id-missing", "party.id-shared",
        "version.upgraded", "currency.mixed", "date.without-time", "date.without-zone",
    } <= set(codes(made))  # fmt: skip
    assert found.raw == raw
    assert b'"amount": "1,250.50"' in raw


@pytest.mark.parametrize(
    ("published", "kept", "code"),
    [
        ("2025-01-02T03:04:05Z", "2025-01-02T03:04:05Z", None),
        ("2025-01-02T03:04:05.123+02:00", "2025-01-02T03:04:05.123+02:00", None),
        ("2025-01-02", "2025-01-02T00:00:00Z", "date.without-time"),
        ("2025-01-02T03:04:05", "2025-01-02T03:04:05Z", "date.without-zone"),
        ("2025-01-02 03:04", "2025-01-02T03:04:00Z", "date.without-zone"),
        ("2015-07-14T00:00:00.-06:00", "2015-07-14T00:00:00-06:00", "date.respelt"),
        ("2025-01-02T03:04:05+0100", "2025-01-02T03:04:05+01:00", "date.respelt"),
        ("2016-20-04", "2016-04-20T00:00:00Z", "date.month-and-day-exchanged"),
        ("2016-20-16", None, "date.invalid"),
        ("2016-02-30", None, "date.invalid"),
        ("31/03/2016", "2016-03-31T00:00:00Z", "date.day-first"),
        ("31.3.2016 14:30", "2016-03-31T14:30:00Z", "date.day-first"),
        ("0001-01-01T00:00:00Z", None, "date.placeholder"),
        ("9999-12-31T23:59:59Z", None, "date.placeholder"),
        ("soon", None, "date.invalid"),
        ("2025", None, "date.invalid"),
    ],
)
def test_dates_of_every_spelling(published: str, kept: str | None, code: str | None) -> None:
    assert moment(published) == (kept, code)


@given(st.text(max_size=40))
def test_no_text_breaks_the_reading_of_dates_and_numbers(text: str) -> None:
    made, _ = moment(text)
    assert made is None or moment(made) == (made, None)
    assert number(text) is None or isinstance(number(text), (int, float))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1,234.50", 1234.5),
        ("1.234,50", 1234.5),
        ("£ 1 234", 1234),
        ("1e3", 1000),
        ("-5", -5),
        ("12,5", 12.5),
        ("ten", None),
        ("1e999", None),
    ],
)
def test_amounts_written_as_text(text: str, value: float | None) -> None:
    assert number(text) == value


def test_without_an_ocid_nothing_can_be_filed() -> None:
    for data in ({"tag": ["tender"], "tender": {}}, release(ocid=" "), release(ocid=None)):
        made = upgrade(Found(b"raw", "release", Position("f"), data, Package()))
        assert isinstance(made, Defect)
        assert "no ocid" in made.reason
        assert made.raw == b"raw"


def test_missing_id_date_and_tag_follow_from_the_content_and_are_stable() -> None:
    bare = {
        "ocid": "o",
        "tender": {"title": "t", "datePublished": "2025-02-03"},
        "awards": [{"id": "a", "date": "2025-03-01"}],
    }
    one, again = upgraded(bare), upgraded(dict(reversed(bare.items())))
    assert one.id == again.id == f"o-{one.content[:12]}"
    assert one.date == "2025-03-01T00:00:00Z"
    assert one.tags == ("tender", "award")
    assert upgraded({"ocid": "o"}).date == EARLIEST
    assert upgraded({"ocid": "o"}, published="2024-05-05").date == "2024-05-05T00:00:00Z"
    assert upgraded({"ocid": "o", "tag": ["bid"]}).tags == ("planning",)
    assert {"release.id-missing", "release.date-missing", "release.tag-missing"} <= set(codes(one))


def test_names_from_before_1_0_are_understood() -> None:
    made = upgraded(
        {
            "ocid": "o",
            "releaseID": "r",
            "releaseDate": "2014-01-01T00:00:00Z",
            "releaseTag": "tender",
            "formation": {"title": "x"},
        }
    )
    assert (made.id, made.tags, made.release["tender"]) == ("r", ("tender",), {"title": "x"})


def test_one_id_for_every_supplier_keeps_them_apart_and_the_references_follow() -> None:
    parties = [
        {"id": "0", "name": "Alder Ltd", "roles": ["supplier"]},
        {"id": "0", "name": "Birch Ltd", "roles": ["supplier"]},
    ]
    award = {"id": "a", "suppliers": [{"id": "0", "name": "Alder Ltd"}, {"id": "0", "name": "Birch Ltd"}]}
    made = upgraded(release(parties=parties, awards=[award]), version="1.1")
    assert len({party["id"] for party in made.release["parties"]}) == 2
    named = {party["id"]: party["name"] for party in made.release["parties"]}
    assert [named[each["id"]] for each in made.release["awards"][0]["suppliers"]] == ["Alder Ltd", "Birch Ltd"]


def test_the_same_party_twice_is_one_party_with_both_roles() -> None:
    parties = [{"id": "1", "name": "Town", "roles": ["buyer"]}, {"id": "1", "name": "TOWN ", "roles": ["payer"]}]
    made = upgraded(release(parties=parties))
    assert made.release["parties"] == [{"id": "1", "name": "Town", "roles": ["buyer", "payer"]}]


def test_repeated_ids_would_lose_items_in_the_merge_so_they_are_told_apart() -> None:
    documents = [{"id": "1", "url": "https://a"}, {"id": "1", "url": "https://b"}, {"id": "1", "url": "https://a"}]
    made = upgraded(release(tender={"documents": documents}))
    assert [each["id"] for each in made.release["tender"]["documents"]] == ["1", "1-2"]
    foreign = upgraded(release(tender={"bonds": [{"id": "x", "v": 1}, {"id": "x", "v": 2}]}))
    assert [each["id"] for each in foreign.release["tender"]["bonds"]] == ["x", "x-2"]


def test_signs_written_as_html_become_signs_in_text_and_stay_in_addresses() -> None:
    release = {
        "ocid": "ocds-abc123-1",
        "id": "a&amp;b",
        "date": "2026-03-02T09:00:00Z",
        "tag": ["tender"],
        "initiationType": "tender",
        "tender": {
            "id": "1",
            "title": "Health &amp; Care: A&apos;Wing &#8211; AT&T; &nosuch; R&D",
            "description": "Twice on its way: Arts &amp;amp; Crafts",
            "documents": [{"id": "d", "title": "One &lt;two&gt;", "url": "https://portal.example/?a=1&copy=2"}],
        },
    }
    made = upgraded(release)
    tender = made.release["tender"]
    assert tender["title"] == "Health & Care: A'Wing – AT&T; &nosuch; R&D"
    assert tender["description"] == "Twice on its way: Arts & Crafts"
    assert (tender["documents"][0]["title"], made.release["id"]) == ("One <two>", "a&amp;b")
    assert tender["documents"][0]["url"] == "https://portal.example/?a=1&copy=2"
    assert "text.markup" in {note.code for note in made.notes}


def test_like_changes_at_like_places_are_told_once_with_how_often() -> None:
    items = [{"id": str(each), "quantity": "3"} for each in range(7)]
    (note,) = upgraded(release(tender={"items": items})).notes
    assert note.path == "tender.items[0].quantity"
    assert note.words.endswith("The same at 6 more places.")


def test_nulls_of_simple_fields_stay_since_they_erase_in_a_merge() -> None:
    made = upgraded(release(tender={"description": None, "value": None}))
    assert made.release["tender"] == {"description": None}


def _types(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    rubbish = st.recursive(
        st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["id", "name", "amount", "value", "0"]), inner, max_size=3)
        ),
        max_leaves=8,
    )
    return st.dictionaries(st.sampled_from(sorted(schema["properties"])), rubbish, max_size=6)


@given(
    _types(release_schema()),
    _types(release_schema()["definitions"]["Tender"]),
    _types(release_schema()["definitions"]["Award"]),
)
def test_no_shape_of_data_breaks_the_mending_and_mending_again_changes_nothing(
    top: dict[str, Any], tender: dict[str, Any], award: dict[str, Any]
) -> None:
    made = upgraded({**top, "ocid": "o", "tender": tender, "awards": [award]})
    again = upgraded(copy.deepcopy(made.release))
    assert again.release == made.release
    assert {
        code
        for code in codes(again)
        if code not in ("currency.missing", "identifier.id-missing", "identifier.scheme-missing")
    } == set()


def test_real_records_keep_their_ocid() -> None:
    for found in published(GOLDEN / "records-1.1.json"):
        assert isinstance(found, Found)
        for inner in unfold(found):
            if isinstance(inner, Found):
                made = upgrade(inner)
                assert isinstance(made, Upgraded)
                assert made.ocid == found.data["ocid"]


@pytest.mark.parametrize("depth", [150, 400, 900, 5000])
@pytest.mark.parametrize(("opening", "closing"), [('{"x": ', "}"), ("[", "]"), ('[{"x": ', "}]")])
def test_nesting_deeper_than_any_real_release_is_refused_in_words(depth: int, opening: str, closing: str) -> None:
    odd = opening * depth + "1" + closing * depth
    (found,) = published(f'{{"ocid": "o", "tag": ["tender"], "tender": {{"odd": {odd}}}}}'.encode())
    made = upgrade(found) if isinstance(found, Found) else found
    assert isinstance(made, Defect)
    assert "nested deeper" in made.reason
