"""The flat public view: what it takes from a compiled release, and what it leaves out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from market.portal.intake.merging import merge
from market.portal.intake.notices import Link, Notice, Party, cpv_code, minor_units, notice, stage
from market.portal.intake.reading import Found, published
from market.portal.intake.upgrading import Upgraded, upgrade

GOLDEN = Path(__file__).resolve().parents[4] / "fixtures" / "ocds"
NOON = datetime(2025, 3, 15, 12, tzinfo=UTC)


def town(count: int = 3) -> Notice:
    every = [upgrade(each) for each in published(GOLDEN / "town-1.1.json") if isinstance(each, Found)]
    releases = sorted(
        (each for each in every if isinstance(each, Upgraded) and each.ocid.endswith("017")), key=lambda one: one.date
    )
    merged = merge(releases[:count])
    return notice(merged.compiled, source="marrowby", tags=tuple(tag for each in merged.history for tag in each.tags))


def shown(**compiled: Any) -> Notice:
    return notice({"ocid": "o", "date": "2025-01-01T00:00:00Z", **compiled}, source="s")


def test_the_town_s_notice_before_the_award() -> None:
    one = town(1)
    assert one.title == "Drone inspection of roadside retaining walls"
    assert one.buyer == Party("Marrowby Borough Council", "GB-LAC-E0000042", "GB-LAC", "E0000042", "Marrowby")
    assert (one.value_minor, one.currency, one.value_from) == (8_400_000, "GBP", "tender")
    assert one.cpv == ("71631400", "71355000")
    assert (one.lots, one.sme_suitable, one.regions, one.method) == (2, True, ("UKC1",), "open")
    assert one.closes_at == datetime(2025, 4, 4, 11, tzinfo=UTC)
    assert one.published_at == datetime(2025, 3, 3, 9, tzinfo=UTC)
    assert one.documents == (Link("https://tenders.marrowby.example/notice/17", "Notice", "tenderNotice"),)
    assert one.link == "https://tenders.marrowby.example/notice/17"
    assert stage(one, NOON) == "open"
    assert stage(one, NOON - timedelta(days=20)) == "planning"
    assert stage(one, NOON + timedelta(days=30)) == "closed"


def test_the_town_s_notice_after_the_contract() -> None:
    one = town()
    assert one.suppliers == (
        Party("Fernlight Surveys Ltd", "GB-COH-09990001", "GB-COH", "09990001", "Marrowby", "sme"),
    )
    assert (one.awarded_minor, one.awarded_currency) == (7_950_050, "GBP")
    assert one.signed_at == datetime(2025, 5, 30, tzinfo=UTC)
    assert stage(one, NOON) == "contract"


@pytest.mark.parametrize(
    ("compiled", "wanted"),
    [
        ({"tender": {"status": "cancelled"}, "awards": [{"status": "active"}]}, "cancelled"),
        ({"tender": {}, "awards": [{"status": "active"}]}, "awarded"),
        (
            {"tender": {"tenderPeriod": {"endDate": "2025-03-16T00:00:00Z"}}, "awards": [{"status": "unsuccessful"}]},
            "open",
        ),
        ({"awards": [{"status": "cancelled"}]}, "cancelled"),
        ({"planning": {"rationale": "x"}}, "planning"),
        ({"tender": {"status": "planned"}}, "planning"),
        ({"tender": {"status": "active"}}, "open"),
        ({"tender": {"status": "active"}, "date": "2020-01-01T00:00:00Z"}, "closed"),
        ({"tender": {"status": "unsuccessful"}}, "closed"),
        ({"contracts": [{"id": "c"}]}, "contract"),
    ],
)
def test_the_stage_follows_from_dates_and_statuses(compiled: dict[str, Any], wanted: str) -> None:
    assert stage(shown(**compiled), NOON) == wanted


def test_the_value_says_where_it_comes_from_and_currencies_are_never_added() -> None:
    def value(amount: float, currency: str = "GBP") -> dict[str, Any]:
        return {"value": {"amount": amount, "currency": currency}}

    assert shown(tender={"lots": [value(1), value(2)]}).value_from == "lots"
    assert shown(tender={"lots": [value(1), value(2)]}).value_minor == 300
    assert shown(tender={"lots": [value(1), value(2, "EUR")]}).value_minor is None
    assert shown(awards=[value(5)]).value_from == "awards"
    assert shown(contracts=[value(5)]).value_from == "contracts"
    assert shown(planning={"budget": {"amount": {"amount": 7, "currency": "GBP"}}}).value_from == "budget"


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [(0.1, "GBP", 10), (388455.97, "MXN", 38845597), (1.005, "GBP", 101), (54803600, "UGX", 54803600), (1.2345, "KWD", 1235),
     (5, None, None), (1e30, "GBP", None), ("5", "GBP", None), (True, "GBP", None), (-0.29, "GBP", -29)],
)  # fmt: skip
def test_amounts_become_minor_units_without_the_error_of_floats(amount: Any, currency: Any, minor: int | None) -> None:
    assert minor_units(amount, currency) == minor


def test_cpv_codes_lose_their_check_digit_and_nothing_else_passes() -> None:
    assert [cpv_code(each) for each in ("45000000-7", 45000000, " 45000000 ", "4500", None, "x")] == [
        "45000000"
    ] * 3 + [None] * 3


def test_addresses_that_a_browser_should_not_follow_are_left_out() -> None:
    bad = [
        {"url": each}
        for each in ("javascript:alert(1)", "data:text/html,x", "//x", 'https://x/"onclick=', "ftp://x", 5)
    ]
    assert shown(tender={"documents": [*bad, {"url": "https://ok.example/a"}]}).documents == (
        Link("https://ok.example/a", "Document"),
    )


def test_people_are_left_out() -> None:
    contact = {"name": "Jo Example", "email": "jo@x.example", "telephone": "0123"}
    one = shown(
        parties=[{"id": "b", "name": "Buyer", "roles": ["buyer"], "contactPoint": contact}],
        tender={"contactPoint": contact},
    )
    assert one.buyer is not None
    assert "Jo" not in msgspec.json.encode(one).decode()
    assert "jo@x" not in msgspec.json.encode(one).decode()


@pytest.mark.parametrize(
    "title", ["TEST", "Test notice - please ignore", "Dummy tender 3", "Training notice", "DO NOT BID: x"]
)
def test_test_notices_published_as_real_are_recognised(title: str) -> None:
    assert shown(tender={"title": title}).test


@pytest.mark.parametrize(
    "title", ["COVID-19 test kits", "Testing of fire doors", "Training for nurses", "Contest for pupils"]
)
def test_real_notices_about_tests_are_not_taken_for_test_notices(title: str) -> None:
    assert not shown(tender={"title": title}).test


def test_a_notice_without_any_words_still_has_a_title() -> None:
    assert shown().title == "Untitled notice"
    assert shown(awards=[{"title": "Award of x"}]).title == "Award of x"
    long = "word " * 60
    assert shown(tender={"description": long}).title.endswith("word…")


def test_it_survives_the_way_to_json_and_back() -> None:
    one = town()
    assert msgspec.json.decode(msgspec.json.encode(one), type=Notice) == one
    assert json.loads(msgspec.json.encode(one))["closes_at"] == "2025-04-11T11:00:00Z"
