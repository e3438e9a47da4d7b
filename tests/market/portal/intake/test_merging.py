"""One current view and one history, whatever order and however often releases arrive."""

from __future__ import annotations

import itertools
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ocdsmerge.merge import Merger

from market import ocds
from market.portal.intake.merging import merge
from market.portal.intake.reading import Found, Package, Position, published, unfold
from market.portal.intake.upgrading import Upgraded, upgrade

GOLDEN = Path(__file__).resolve().parents[4] / "fixtures" / "ocds"


def upgraded(data: dict[str, Any], kind: Any = "release") -> Upgraded:
    raw = json.dumps(data).encode()
    made = upgrade(Found(raw, kind, Position("f"), json.loads(raw), Package(version="1.1")))
    assert isinstance(made, Upgraded)
    return made


def release(number: int, day: int, **tender: Any) -> dict[str, Any]:
    return {
        "ocid": "o",
        "id": f"{number}",
        "date": f"2025-01-{day:02}T00:00:00Z",
        "tag": ["tender"],
        "initiationType": "tender",
        "tender": tender,
    }


def golden(name: str, ocid: str) -> list[Upgraded]:
    every = [
        upgrade(inner)
        for found in published(GOLDEN / name)
        if isinstance(found, Found)
        for inner in unfold(found)
        if isinstance(inner, Found)
    ]
    return [each for each in every if isinstance(each, Upgraded) and each.ocid == ocid]


def test_the_town_s_tender_has_its_current_view_and_its_history() -> None:
    merged = merge(golden("town-1.1.json", "ocds-mrrwby-2025-017"))
    tender = merged.compiled["tender"]
    assert tender["tenderPeriod"] == {"startDate": "2025-03-03T09:00:00Z", "endDate": "2025-04-11T12:00:00+01:00"}
    assert tender["status"] == "complete"
    assert len(tender["lots"]) == 2
    assert [party["name"] for party in merged.compiled["parties"]] == [
        "Marrowby Borough Council",
        "Fernlight Surveys Ltd",
    ]
    assert merged.compiled["tag"] == ["compiled"]
    assert [version.release_id for version in merged.history] == ["2025-017-1", "2025-017-2", "2025-017-3"]
    assert "tender.tenderPeriod.endDate" in merged.history[1].changed
    assert "awards[a1].value.amount" in merged.history[2].changed
    assert "tender.status" in merged.history[2].changed
    assert "tender.title" not in merged.history[2].changed
    assert merged.notes == ()


def test_the_order_and_repetition_of_releases_change_nothing() -> None:
    releases = golden("town-1.1.json", "ocds-mrrwby-2025-017")
    results = {merge(order).encoded() for order in itertools.permutations(releases)}
    results |= {merge([*releases, *releases]).encoded()}
    assert len(results) == 1
    assert merge([*releases, *releases]).history == merge(releases).history


def test_a_release_id_over_two_texts_is_kept_twice_and_noted() -> None:
    first, second = upgraded(release(1, 1, title="Old", status="active")), upgraded(release(1, 2, title="New"))
    merged = merge([second, first])
    assert merged.compiled["tender"] == {"title": "New", "status": "active"}
    assert [version.release_id for version in merged.history] == ["1", f"1~{second.content[:8]}"]
    assert [note.code for note in merged.notes] == ["release.id-reused"]


def test_dates_are_compared_as_moments_not_as_text() -> None:
    early = upgraded({**release(1, 1, title="early"), "date": "2025-01-01T23:00:00+05:00"})
    late = upgraded({**release(2, 1, title="late"), "date": "2025-01-01T20:00:00Z"})
    assert merge([late, early]).compiled["tender"]["title"] == "late"


def test_a_compiled_release_is_the_base_only_where_single_releases_are_wanting() -> None:
    compiled = upgraded({**release(9, 5, title="sum"), "tag": ["compiled"]}, "compiled")
    later = upgraded(release(2, 7, status="cancelled"))
    assert merge([later, compiled]).compiled["tender"] == {"title": "sum", "status": "cancelled"}
    assert len(merge([later, compiled]).history) == 2
    before = upgraded(release(1, 1, title="first"))
    merged = merge([compiled, before])
    assert merged.compiled["tender"] == {"title": "first"}
    newer = upgraded({**release(9, 8, title="newer sum"), "tag": ["compiled"]}, "compiled")
    both = merge([compiled, newer])
    assert both.compiled["tender"]["title"] == "newer sum"
    assert [note.code for note in both.notes] == ["release.compiled-again"]


def test_a_null_erases_what_was_said_before() -> None:
    merged = merge([upgraded(release(1, 1, title="t", description="wrong")), upgraded(release(2, 2, description=None))])
    assert merged.compiled["tender"] == {"title": "t"}


def test_contradictory_shapes_fall_back_to_the_latest_release() -> None:
    first = upgraded(release(1, 1, special=[{"id": "a", "x": 1}]))
    second = upgraded(release(2, 2, special={"x": 2}))
    merged = merge([first, second])
    assert merged.compiled["tender"]["special"] == {"x": 2}
    assert [note.code for note in merged.notes] == ["merge.inconsistent"]


def test_other_people_s_releases_cannot_be_mixed_in() -> None:
    with pytest.raises(ValueError, match="different ocids"):
        merge([upgraded(release(1, 1)), upgraded({**release(1, 1), "ocid": "other"})])
    with pytest.raises(ValueError, match="no release"):
        merge([])


def by_ocdsmerge(release: dict[str, Any]) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled: dict[str, Any] = Merger(merge_rules=ocds.merge_rules()).create_compiled_release([release])
    return compiled


_PARTS = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "title", "value", "documents", "roles", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(
    st.dictionaries(
        st.sampled_from(["planning", "tender", "parties", "awards", "contracts", "bids", "x"]), _PARTS, max_size=5
    )
)
def test_a_single_release_is_merged_as_ocdsmerge_would(parts: dict[str, Any]) -> None:
    one = upgraded({**parts, "ocid": "o", "id": "1", "date": "2025-01-01T00:00:00Z", "tag": ["tender"]})
    assert merge([one]).compiled == by_ocdsmerge(one.release)


@given(
    st.lists(
        st.dictionaries(st.sampled_from(["tender", "parties", "awards", "x"]), _PARTS, max_size=4),
        min_size=2,
        max_size=3,
    )
)
def test_no_releases_whatever_break_the_merge(bodies: list[dict[str, Any]]) -> None:
    every = [
        upgraded(
            {**body, "ocid": "o", "id": f"{number}", "date": f"2025-01-0{number + 1}T00:00:00Z", "tag": ["tender"]}
        )
        for number, body in enumerate(bodies)
    ]
    assert merge(every).encoded() == merge(every[::-1]).encoded()


def test_every_release_of_the_golden_packages_is_merged_as_ocdsmerge_would() -> None:
    compared = 0
    for found in published(GOLDEN):
        for inner in unfold(found) if isinstance(found, Found) else ():
            if isinstance(inner, Found):
                one = upgrade(inner)
                assert isinstance(one, Upgraded)
                assert merge([one]).compiled == by_ocdsmerge(one.release)
                compared += 1
    assert compared > 8
