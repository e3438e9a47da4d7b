"""One supplier under many names, one procurement on several portals, each with its reasons."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.portal.intake.merging import merge
from market.portal.intake.names import identifier, name_variants, number_in, words
from market.portal.intake.notices import Notice, Party, notice
from market.portal.intake.reading import Found, published
from market.portal.intake.upgrading import Upgraded, upgrade
from market.portal.sameness.matching import (
    AUTOMATIC,
    Supplier,
    Suppliers,
    by_number,
    compare_procurements,
    procurement_keys,
    procurement_numbers,
)

ROOT = Path(__file__).resolve().parents[4]

FERN = Supplier("fern", ("Fernlight Surveys Ltd",), (("GB-COH", "09990001"),), "Marrowby")
KNOWN = (
    FERN,
    Supplier("alder", ("Alder & Ash Engineering Limited",)),
    Supplier("quill", ("Quillmere Data Systems plc",)),
    Supplier("north", ("Northern Construction Services Ltd",)),
    Supplier("jp", ("J. P. Byrne Group",)),
)


def verdict(name: str, **more: Any) -> tuple[str, str]:
    found = Suppliers(KNOWN).resolve(Supplier("?", (name,), **more))
    return (found[0].other, found[0].verdict) if found else ("", "different")


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("The Ardglass Boat Co. Ltd", ("ardglass", "boat")),
        ("ARDGLASS BOAT", ("ardglass", "boat")),
        ("J. P. Byrne & Sons", ("jp", "byrne", "sons")),
        ("Société Générale d'Équipement S.A.R.L.", ("societe", "generale", "dequipement")),
        ("Straßenbau GmbH", ("strassenbau",)),
        ("ТОВ «Промінь»", ("тов", "промінь")),
        ("Limited", ("limited",)),
        ("The The Ltd", ("the", "the")),
        ("", ()),
    ],
)
def test_the_words_of_a_name(name: str, parts: tuple[str, ...]) -> None:
    assert words(name) == parts


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("FERNLIGHT SURVEYS LIMITED", ("fern", "same")),
        ("Fernlihgt Survey", ("fern", "same")),
        ("Fernlight Surveys (Scotland)", ("fern", "same")),
        ("Brightfold Ltd trading as Fernlight Surveys", ("fern", "same")),
        ("JP Byrne", ("jp", "same")),
        ("Alder and Ash Engineering", ("alder", "same")),
        ("Fernlight Surveys and Brightfold joint venture", ("fern", "doubtful")),
        ("Quillmere", ("quill", "same")),
        ("Brightfold Surveys Ltd", ("", "different")),
        ("Totally Other Firm", ("", "different")),
    ],
)
def test_names_alone(name: str, wanted: tuple[str, str]) -> None:
    assert verdict(name) == wanted


def test_the_same_number_on_one_register_decides_and_a_different_one_too() -> None:
    assert verdict("Something Else Entirely", identifiers=(("GB-COH", "09990001"),)) == ("fern", "same")
    assert verdict("Fernlight Surveys Ltd", identifiers=(("GB-COH", "01111111"),)) == ("", "different")
    assert verdict("Fernlight Surveys Ltd", identifiers=(("GB-CHC", "123"),)) == ("fern", "same")
    match = Suppliers(KNOWN).compare(Supplier("?", ("X",), (("GB-COH", "01111111"),)), FERN)
    assert match.evidence[0].words == "On the register GB-COH they have different numbers, 01111111 and 09990001."


def test_a_number_given_to_every_supplier_identifies_nobody() -> None:
    shared = (("GB-COH", "12345678"),)
    many = [
        Supplier(str(n), (name,), shared)
        for n, name in enumerate(("Alpha Quarry", "Beetroot Farm", "Cobalt Media", "Dunlin Boats"))
    ]
    found = Suppliers(many).resolve(Supplier("?", ("Eelgrass Nets",), shared))
    assert all(each.verdict != "same" for each in found)


def test_two_nearly_equal_candidates_are_for_a_person() -> None:
    twins = [Supplier("a", ("Harrowgate Survey North",)), Supplier("b", ("Harrowgate Survey South",))]
    found = Suppliers(twins).resolve(Supplier("?", ("Harrowgate Survey",)))
    assert [each.verdict for each in found] == ["doubtful", "doubtful"]
    assert "lead.short" in {each.code for each in found[0].evidence}


def test_a_name_of_nothing_but_common_words_is_for_a_person() -> None:
    one = Suppliers([Supplier("a", ("Advanced Systems Ltd",))]).resolve(Supplier("?", ("Advanced Systems Inc",)))
    assert [each.verdict for each in one] == ["doubtful"]


def test_place_and_work_shift_the_score_but_never_decide_alone() -> None:
    known = Suppliers(KNOWN)
    here = known.compare(
        Supplier("?", ("Fernlight",), place="MARROWBY", buyers=frozenset({"x"})), replace(FERN, buyers=frozenset({"x"}))
    )
    there = known.compare(Supplier("?", ("Fernlight",), place="Oslo", country="NO"), replace(FERN, country="GB"))
    assert here.score > known.compare(Supplier("?", ("Fernlight",)), FERN).score > there.score
    assert {"place.same", "buyer.same"} <= {each.code for each in here.evidence}
    stranger = known.compare(Supplier("?", ("Brightfold",), place="Marrowby"), FERN)
    assert stranger.verdict == "different"


@pytest.mark.parametrize(
    ("scheme", "number", "wanted"),
    [
        ("GB-COH", "1234567", ("GB-COH", "01234567")),
        ("gb_coh", "sc 12345", ("GB-COH", "SC012345")),
        ("GB-COH", "GB-COH-01234567", ("GB-COH", "01234567")),
        ("GB-COH", "not known", None),
        ("GB-COH", "00000000", None),
        ("GB-CFS", "154774", None),
        ("", "1", None),
        ("UA-EDR", "21560766", ("UA-EDR", "21560766")),
    ],
)
def test_register_numbers_have_one_spelling(scheme: str, number: str, wanted: tuple[str, str] | None) -> None:
    assert identifier(scheme, number) == wanted


def test_a_party_id_may_be_a_register_s_number() -> None:
    assert number_in("GB-COH-9990001") == ("GB-COH", "09990001")
    assert number_in("GB-CFS-1") is None
    assert number_in(None) is None


def test_legal_and_trading_names_are_taken_apart() -> None:
    assert name_variants("Ash Ltd t/a Elm Café") == ("Ash Ltd t/a Elm Café", "Ash Ltd", "Elm Café")
    assert name_variants("Data Ltd") == ("Data Ltd",)


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_names_break_the_comparison_and_each_is_like_itself(one: str, other: str) -> None:
    known = Suppliers([Supplier("a", (other,))])
    score = known.compare(Supplier("b", (one,)), Supplier("a", (other,))).score
    assert 0 <= score <= 1
    if len(words(one)) > 0 and len(words(one)[0]) > 3:
        assert known.compare(Supplier("b", (one,)), Supplier("c", (one,))).score > AUTOMATIC


LABELLED = {
    "Fernlight Surveys Ltd": (
        "FERNLIGHT SURVEYS",
        "Fernlight Surveys Limited",
        "Fernlite Surveys Ltd.",
        "Fernlight Survey Ltd",
    ),
    "Alder & Ash Engineering Limited": (
        "Alder and Ash Engineering",
        "ALDER & ASH ENGINEERING LTD",
        "Alder + Ash Engineering Ltd",
    ),
    "Quillmere Data Systems plc": ("Quillmere Data Systems", "QUILLMERE DATA SYSTEMS PLC", "Quilmere Data Systems plc"),
    "Northern Construction Services Ltd": ("Northern Construction Services", "NORTHERN CONSTRUCTION SERVICES LIMITED"),
    "Northern Consulting Services Ltd": ("Northern Consulting Services", "Northern Consulting Services (UK) Ltd"),
    "J. P. Byrne Group": ("JP Byrne Group", "J.P. BYRNE GROUP"),
    "Byrne Group Holdings": ("Byrne Group Holdings Ltd",),
    "Société Cartographique d'Ardglass": (
        "Societe Cartographique d Ardglass",
        "SOCIÉTÉ CARTOGRAPHIQUE D'ARDGLASS SARL",
    ),
    "Ardglass Boat Company": ("The Ardglass Boat Co. Ltd", "ARDGLASS BOAT CO"),
    "Ardglass Rope Company": ("Ardglass Rope Co Ltd", "Ardglass Rope Company Limited"),
    "Kestrel Aerial Imaging Ltd": ("Kestrel Aerial Imaging", "Kestrel Arial Imaging Ltd"),
    "Kestrel Aerospace Ltd": ("KESTREL AEROSPACE", "Kestrel Aerospace Limited"),
}
"""Firms, and names under which they turn up; several of them are alike. Of 3,498 real names tells `bench/matching.py`."""


def test_firms_are_recognised_under_their_many_names_and_hardly_one_is_taken_for_another() -> None:
    known = Suppliers(Supplier(name, (name,)) for name in LABELLED)
    answers = [(firm, known.resolve(Supplier("?", (name,)))) for firm, names in LABELLED.items() for name in names]
    sure = [(firm, found[0].other) for firm, found in answers if found and found[0].verdict == "same"]
    assert [(firm, other) for firm, other in sure if firm != other] == []
    assert len(sure) / len(answers) >= 0.68


def notices(name: str, source: str) -> list[Notice]:
    every = [upgrade(each) for each in published(ROOT / "fixtures" / "ocds" / name) if isinstance(each, Found)]
    by: dict[str, list[Upgraded]] = {}
    for each in every:
        assert isinstance(each, Upgraded)
        by.setdefault(each.ocid, []).append(each)
    return [notice(merge(each).compiled, source=source) for each in by.values()]


def wall() -> Notice:
    (one,) = (each for each in notices("town-1.1.json", "marrowby") if each.ocid.endswith("017"))
    return one


def changed(one: Notice, **fields: Any) -> Notice:
    return msgspec.structs.replace(one, **{"source": "other", "ocid": "ocds-zz-1", "link": None, **fields})


def test_the_town_s_tender_is_found_at_the_aggregator() -> None:
    pairs = product(notices("town-1.1.json", "marrowby"), notices("aggregator-1.1.json", "national"))
    likely = [(one, other) for one, other in pairs if procurement_keys(one) & procurement_keys(other)]
    matches = [compare_procurements(one, other) for one, other in likely]
    (match,) = [each for each in matches if each.verdict != "different"]
    assert {match.one, match.other} == {"marrowby:ocds-mrrwby-2025-017", "national:ocds-agg000-77812"}
    assert match.verdict == "same"
    assert {"title.same", "buyer.same", "value.same", "cpv.same"} <= {each.code for each in match.evidence}


def test_shared_numbers_decide() -> None:
    one = msgspec.structs.replace(wall(), ocid="ocds-b5fd17-7d067852-1260-448e-b84a-186d028f9991")
    other = changed(one, ocid="ocds-b5fd17raw-7d067852-1260-448e-b84a-186d028f9991", title="Quite another title")
    assert compare_procurements(one, other).evidence[0].code == "number.same"
    named = changed(wall(), title="Another", related=(wall().ocid,))
    assert compare_procurements(wall(), named).verdict == "same"


def test_digits_of_a_publisher_s_prefix_or_inside_a_digest_are_no_shared_number() -> None:
    one = msgspec.structs.replace(wall(), ocid="ocds-a1234567-mt-06d3a76c", title="Light panel", link=None, buyer=None)
    other = changed(one, ocid="ocds-a1234567-mt-479ed5", title="Televisions", value_minor=5, closes_at=None)
    assert compare_procurements(one, other).verdict == "different"
    inside = msgspec.structs.replace(one, ocid="ocds-zzzzzz-ab9749286e4"), changed(other, ocid="ocds-yyyyyy-9749286e49")
    assert not any("9749286" in number for each in inside for number in procurement_numbers(each) if number.isdigit())


def test_a_bare_number_in_both_needs_buyer_or_title_beside_it() -> None:
    one = msgspec.structs.replace(wall(), link="https://one.example/notice/52462340")
    strange = changed(
        one, link="https://two.example/52462340", title="Coffee and tea", buyer=Party("Elsewhere"), closes_at=None
    )
    assert compare_procurements(one, strange).verdict == "different"
    moved = changed(one, link="https://two.example/52462340", closes_at=None, value_minor=None)
    assert compare_procurements(one, moved).verdict == "same"


def test_two_call_offs_that_name_one_framework_are_not_one_procurement() -> None:
    one = msgspec.structs.replace(wall(), related=("ocds-fw-1234567",))
    other = changed(one, title="Playground equipment", related=("ocds-fw-1234567",), value_minor=5, cpv=("37535200",))
    assert compare_procurements(one, other).verdict == "different"


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, "same"),
        ({"title": "Inspection of roadside retaining walls by drone"}, "same"),
        ({"closes_at": datetime(2026, 4, 11, 11, tzinfo=UTC), "value_minor": 1}, "different"),
        ({"closes_at": None, "value_minor": None}, "doubtful"),
        ({"buyer": Party("Valchester County")}, "doubtful"),
        ({"buyer": Party("Valchester County"), "closes_at": None, "value_minor": 9}, "different"),
        ({"title": "Grounds maintenance", "cpv": ("77314000",)}, "different"),
    ],
)
def test_evidence_adds_up(fields: dict[str, Any], wanted: str) -> None:
    assert compare_procurements(wall(), changed(wall(), **fields)).verdict == wanted


def test_this_year_s_tender_is_not_last_year_s() -> None:
    closes = datetime(2024, 9, 1, tzinfo=UTC)
    last = changed(wall(), title="Road salt 2024/25", closes_at=closes, value_minor=9_000_000)
    later = closes + timedelta(days=365)
    this = changed(wall(), ocid="ocds-zz-2", title="Road salt 2025/26", closes_at=later, value_minor=9_900_000)
    assert compare_procurements(last, this).verdict == "different"


def test_two_notices_of_one_portal_are_only_joined_by_number() -> None:
    again = msgspec.structs.replace(wall(), ocid="ocds-mrrwby-2025-018", link=None)
    assert not by_number(compare_procurements(wall(), again))
    assert procurement_keys(wall()) & procurement_keys(again)


def test_registers_that_portals_call_otherwise_are_known_and_a_person_s_number_is_no_register_s() -> None:
    assert identifier(
        "Registro Único de Contribuyente emitido por el Ministerio de Hacienda del Gobierno de Paraguay", "80002612-8"
    ) == ("PY-RUC", "800026128")
    assert identifier("NIT", "800.101.684-3") == ("CO-NIT", "8001016843")
    assert identifier("Cédula de Ciudadanía", "79396575") is None
    assert identifier("MX-CMX_CPA", "01") == ("MX-CMX_CPA", "01")
    assert identifier("PY-RUC", "NULL") is None


def test_where_the_right_one_may_be_unknown_a_name_alone_must_be_nearly_the_same() -> None:
    known = Suppliers([Supplier("bell", ("Bell Canada",)), Supplier("elm", ("Elm Café Exeter",), place="Exeter")])
    assert known.resolve(Supplier("?", ("Bell Helicopter",)))[0].verdict == "same"
    assert known.resolve(Supplier("?", ("Bell Helicopter",)), young=True)[0].verdict == "doubtful"
    assert known.resolve(Supplier("?", ("BELL CANADA LTD",)), young=True)[0].verdict == "same"
    assert known.resolve(Supplier("?", ("Elm Café Exeter",), place="Leeds"), young=True)[0].verdict == "doubtful"
    assert known.resolve(Supplier("?", ("Elm Café Exeter",), place="exeter"), young=True)[0].verdict == "same"
