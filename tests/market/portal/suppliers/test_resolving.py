"""The suppliers that notices name become one record each, whatever the spelling; a person decides what is doubtful."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from market.actor import Actor
from market.audit.tables import Event
from market.db import many
from market.portal.sameness.pairs import Decision
from market.portal.suppliers import actions, resolving
from market.portal.suppliers import views as supplier_views
from market.portal.tables import DoubtfulSuppliers, ImportedSupplier, SupplierMention, SupplierMerge
from market.refusals import Refused
from tests import given
from tests.market.portal.library import awarded, bring, package, release

pytestmark = pytest.mark.usefixtures("clean")


async def operator() -> Actor:
    return await given.person(await given.organisation(kind="operator"), "operator")


async def shown() -> list[list[str]]:
    """The records, each with the spellings shown under it, in the order in which they were met."""
    rows = await many("SELECT name, coalesce(shown_as, id) AS root FROM imported_supplier ORDER BY id")
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row["root"], []).append(row["name"])
    return list(found.values())


async def name_them(tmp_path: Path, *named: dict[str, Any] | str, source: str = "moldova") -> None:
    """Import one awarded notice for each name, with a buyer of its own."""
    every = [awarded(number, each) for number, each in enumerate(named, start=1)]
    await bring(package(tmp_path / f"{source}.json", every), source)


async def test_one_firm_under_several_spellings_is_one_record_with_all_its_notices(tmp_path: Path) -> None:
    await name_them(
        tmp_path, "Ardglass Boatbuilders Ltd", "ARDGLASS BOATBUILDERS LIMITED", "Ardglas Boatbuilders", "Elm Café"
    )
    assert await shown() == [
        ["Ardglass Boatbuilders Ltd", "ARDGLASS BOATBUILDERS LIMITED", "Ardglas Boatbuilders"],
        ["Elm Café"],
    ]
    first = await ImportedSupplier.objects().get(ImportedSupplier.name == "Ardglass Boatbuilders Ltd")
    assert first is not None
    record = await supplier_views.supplier(first.ref)
    assert not isinstance(record, str)
    assert (record.total, len(record.notices)) == (3, 3)
    assert all(each.because for each in record.spellings[1:])
    misspelt = await ImportedSupplier.objects().get(ImportedSupplier.name == "Ardglas Boatbuilders")
    assert misspelt is not None
    assert await supplier_views.supplier(misspelt.ref) == first.ref


async def test_the_same_number_joins_and_a_different_one_keeps_apart(tmp_path: Path) -> None:
    await name_them(
        tmp_path,
        {"name": "Fernhollow Instruments Ltd", "identifier": {"scheme": "GB-COH", "id": "08407369"}},
        {"name": "Fernhollow Instr.", "identifier": {"scheme": "GB-COH", "id": "8407369"}},
        {"name": "Fernhollow Instruments Ltd", "identifier": {"scheme": "GB-COH", "id": "09990001"}},
    )
    assert await shown() == [
        ["Fernhollow Instruments Ltd", "Fernhollow Instr."],
        ["Fernhollow Instruments Ltd"],
    ]
    (merge,) = await SupplierMerge.objects()
    assert [each["code"] for each in json.loads(merge.evidence)] == ["identifier.same"]


async def test_a_number_under_another_name_is_asked_about_and_one_given_to_all_counts_for_nothing(
    tmp_path: Path,
) -> None:
    number = {"scheme": "GB-COH", "id": "08407369"}
    await name_them(tmp_path, *({"name": name, "identifier": number} for name in ("Fernhollow", "Zenith Haulage")))
    assert len(await shown()) == 2
    (pair,) = await DoubtfulSuppliers.objects()
    assert {"identifier.same", "name.other"} <= {each["code"] for each in json.loads(pair.evidence)}
    await name_them(
        tmp_path, *({"name": name, "identifier": number} for name in ("Quarry Brook", "Millrace")), source="ukraine"
    )
    assert len(await shown()) == 4
    assert await SupplierMerge.count() == 0


async def test_suppliers_of_one_notice_are_different_suppliers(tmp_path: Path) -> None:
    together = awarded(1, "Foster Care Associates", "The Foster Care Co-operative", "Foster Care Associates Ltd")
    await bring(package(tmp_path / "x.json", [together]), "moldova")
    assert await shown() == [
        ["Foster Care Associates", "Foster Care Associates Ltd"],
        ["The Foster Care Co-operative"],
    ]


async def test_a_name_that_names_nobody_makes_no_record(tmp_path: Path) -> None:
    await name_them(tmp_path, "n/a", "Various", "See attached", "-", "12345", "TBC", "Nessuno Costruzioni")
    assert await shown() == [["Nessuno Costruzioni"]]


async def test_half_a_name_is_asked_about_once_and_joined_by_the_answer(tmp_path: Path) -> None:
    await name_them(tmp_path, "Mitie Property Services (UK) Ltd", "Mitie Landscapes Ltd")
    (pair,) = await DoubtfulSuppliers.objects()
    waiting, pairs = await supplier_views.doubtful()
    assert (waiting, pairs[0].ref, len(pairs[0].sides)) == (1, pair.ref, 2)
    actor = await operator()
    with pytest.raises(Refused, match="role of operator"):
        await actions.decide(await given.person(await given.organisation(), "buyer"), pair.ref, Decision(True))
    await actions.decide(actor, pair.ref, Decision(True))
    assert await shown() == [["Mitie Property Services (UK) Ltd", "Mitie Landscapes Ltd"]]
    with pytest.raises(Refused, match="decided this pair already"):
        await actions.decide(actor, pair.ref, Decision(False))
    events = await Event.objects().where(Event.verb == "imported_supplier.joined")
    assert len(events) == 1


async def test_a_joining_can_be_undone_and_is_not_made_again(tmp_path: Path) -> None:
    await name_them(tmp_path, "Ardglass Boatbuilders Ltd", "ARDGLASS BOATBUILDERS LIMITED")
    (merge,) = await SupplierMerge.objects()
    actor = await operator()
    with pytest.raises(Refused):
        await actions.take_apart(await given.person(await given.supplier(), "supplier-admin"), merge.ref)
    await actions.take_apart(actor, merge.ref)
    apart = [["Ardglass Boatbuilders Ltd"], ["ARDGLASS BOATBUILDERS LIMITED"]]
    assert await shown() == apart
    with pytest.raises(Refused, match="taken apart already"):
        await actions.take_apart(actor, merge.ref)
    await many("UPDATE imported_notice SET matched_at = NULL")
    await bring(package(tmp_path / "again.json", [awarded(9, "ARDGLASS BOATBUILDERS LIMITED")]), "moldova")
    assert await shown() == apart


async def test_a_notice_that_changes_names_its_new_supplier_only(tmp_path: Path) -> None:
    await bring(package(tmp_path / "one.json", [awarded(1, "Elm Café")]), "moldova")
    later = awarded(1, "Beech Café") | {"id": "1-2", "date": "2026-03-09T09:00:00Z", "tag": ["awardUpdate"]}
    await bring(package(tmp_path / "two.json", [later]), "moldova")
    rows = await many(
        "SELECT s.name FROM supplier_mention m JOIN imported_supplier s ON s.id = m.supplier ORDER BY s.id"
    )
    assert [row["name"] for row in rows] == ["Beech Café"]
    assert [each.name for each in (await supplier_views.page_of())[0]] == ["Beech Café"]


async def test_the_list_finds_by_words_of_any_spelling_and_by_number_and_comes_in_pages(tmp_path: Path) -> None:
    numbered = {"name": "Ardglass Boatbuilders Ltd", "identifier": {"scheme": "GB-COH", "id": "08407369"}}
    many_ = [f"{name} Pumps" for name in ("Aldine", "Birkett", "Corran", "Dunmore", "Eskdale", "Farrier", "Glamis")]
    await name_them(tmp_path, numbered, "ARDGLASS BOATBUILDERS LIMITED", *many_)
    for words in ("boatbuilders limited", "08407369", "ardglass"):
        rows, following = await supplier_views.page_of(words)
        assert ([each.name for each in rows], following) == (["Ardglass Boatbuilders Ltd"], None)
    assert (rows[0].notices, rows[0].spellings, rows[0].holder) == (2, 2, None)
    for words in ("oatbuilders", "100%_", ".*", "\\m", "(", "–"):
        assert await supplier_views.page_of(words) == ([], None), words
    supplier_views.PER_PAGE, kept = 3, supplier_views.PER_PAGE
    try:
        seen, after = [], ""
        while True:
            rows, following = await supplier_views.page_of("", after)
            seen += [each.name for each in rows]
            if following is None:
                break
            after = following
    finally:
        supplier_views.PER_PAGE = kept
    assert seen == sorted(["Ardglass Boatbuilders Ltd", *many_], key=str.lower)


async def test_an_address_that_two_parties_of_a_notice_share_reaches_nobody(tmp_path: Path) -> None:
    own = {
        "name": "Elm Café",
        "contactPoint": {"email": "Hello@Elm.example"},
        "address": {"streetAddress": "1 Mill Lane", "postalCode": "EX1 1AA"},
    }
    shared = {"name": "Beech Café", "contactPoint": {"email": "tenders@ward.example"}}
    one, two = awarded(1, own), awarded(2, shared)
    for each in (one, two):
        each["parties"].append(
            {"id": "b", "name": "Council", "roles": ["buyer"], "contactPoint": {"email": "tenders@ward.example"}}
        )
    await bring(package(tmp_path / "x.json", [one, two]), "moldova")
    rows = await many("SELECT name, emails, addresses FROM imported_supplier ORDER BY id")
    assert rows == [
        {"name": "Elm Café", "emails": ["hello@elm.example"], "addresses": ["1 Mill Lane\nEX1 1AA"]},
        {"name": "Beech Café", "emails": [], "addresses": []},
    ]


async def test_the_record_is_the_same_however_the_notices_are_cut_into_portions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [
        f"{first} {second}"
        for first in ("Ardglass", "Ardglas", "Birkett", "Corran")
        for second in ("Boats", "Boat Ltd", "Pumps", "Pump")
    ]
    await name_them(tmp_path, *names)
    whole = await shown()
    for table in ("supplier_merge", "doubtful_suppliers", "supplier_key", "supplier_mention", "imported_supplier"):
        await many(f"DELETE FROM {table}")
    await many("UPDATE imported_notice SET matched_at = NULL")
    monkeypatch.setattr(resolving, "AT_ONCE", 3)
    await bring(package(tmp_path / "again.json", [release(99)]), "moldova")
    assert await shown() == whole
    assert 1 < len(whole) < len(names)


async def test_a_test_notice_names_no_supplier(tmp_path: Path) -> None:
    trial = awarded(1, "Elm Café")
    trial["tender"]["title"] = "Test notice - please ignore"
    await bring(package(tmp_path / "x.json", [trial]), "moldova")
    assert await SupplierMention.count() == 0
