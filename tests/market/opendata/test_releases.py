"""What we publish says what happened, to the penny, and passes the Open Contracting Partnership's own check."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.money import Money
from market.opendata.facts import BidCount, Contract
from market.opendata.packages import compiled_release, encode, record, record_package, release_package
from market.opendata.releases import amount, challenge_release, date, tender_release
from market.portal.intake.merging import merge
from market.portal.intake.notices import notice, stage
from market.portal.intake.reading import Found, published
from market.portal.intake.upgrading import Upgraded, upgrade
from tests.market.opendata.conformance import check, structural_errors
from tests.market.opendata.stories import BUYER, CHALLENGE, PUBLISHER, SMALL, TENDER, WAIVER, day, many, step

URI = "https://prelude.example/api/ocds/releases"


def packaged(*releases: dict[str, Any], **more: Any) -> bytes:
    return encode(release_package(releases, PUBLISHER, uri=URI, published_at=day(400), **more))


def told() -> list[dict[str, Any]]:
    """The tender's whole life as the releases that would announce it."""
    bare = replace(TENDER, bids=(), awards=(), contracts=())
    opened = replace(TENDER, awards=(), contracts=())
    awarded = replace(TENDER, contracts=())
    return [
        tender_release(bare, step("e1", 70, "tender"), PUBLISHER),
        tender_release(opened, step("e2", 102, "tenderUpdate"), PUBLISHER),
        tender_release(awarded, step("e3", 111, "award"), PUBLISHER),
        tender_release(TENDER, step("e4", 125, "contract"), PUBLISHER),
        tender_release(TENDER, step("e5", 200, "implementation"), PUBLISHER),
    ]


def test_the_highest_price_of_a_lot_is_said_in_its_description() -> None:
    north, south = TENDER.lots
    lots = (replace(north, maximum=Money(13_000_000)), south)
    capped = replace(TENDER, lots=lots, bids=(), awards=(), contracts=())
    said = [lot["description"] for lot in tender_release(capped, step("e1", 70, "tender"), PUBLISHER)["tender"]["lots"]]
    assert said[0].endswith("Highest price that is taken: £130,000")
    assert said[1] == "28 km"


def test_a_challenge_is_a_planning_process_whose_fees_can_be_followed() -> None:
    release = challenge_release(
        CHALLENGE, step("e9", 61, "planningUpdate", "award", "contract", "implementation"), PUBLISHER
    )
    assert release["ocid"] == "ocds-prelud-challenge-sea-walls"
    assert release["id"] == "ocds-prelud-challenge-sea-walls-e9"
    assert release["planning"]["budget"]["amount"] == {"amount": 15000, "currency": "GBP"}
    assert release["planning"]["budget"]["project"] == "Safe coasts by 2035"
    assert release["planning"]["documents"][0]["title"] == "What we learnt"
    assert [each["status"] for each in release["planning"]["milestones"]] == ["met", "scheduled", "met"]
    assert release["tender"]["status"] == "planning"
    paid, owed = release["contracts"]
    assert paid["implementation"]["transactions"][0]["value"] == {"amount": 7500, "currency": "GBP"}
    assert paid["status"] == "terminated"
    assert owed["status"] == "active"
    assert "transactions" not in owed["implementation"]
    roles = {party["name"]: party["roles"] for party in release["parties"]}
    assert roles == {
        "Department for Coasts": ["buyer", "payer"],
        "Tidewatch Ltd": ["supplier", "tenderer", "payee"],
        "Groyne & Daughters": ["supplier", "tenderer"],
    }
    assert structural_errors(packaged(release)) == []


def test_a_tender_names_the_exercise_it_rests_on_and_its_lots() -> None:
    first = told()[0]
    assert first["relatedProcesses"][0]["relationship"] == ["planning"]
    assert first["relatedProcesses"][0]["identifier"] == "ocds-prelud-challenge-sea-walls"
    assert first["tender"]["value"] == {"amount": Decimal("320000.34"), "currency": "GBP"}
    assert [lot["status"] for lot in first["tender"]["lots"]] == ["active", "active"]
    assert first["tender"]["items"][0]["relatedLot"] == "1"
    assert "Quality 60 of 100, Price 40 of 100" in first["tender"]["lots"][0]["description"]
    assert not {"bids", "awards", "contracts"} & first.keys()


def test_a_waiver_is_published_as_the_reason_for_the_procedure() -> None:
    release = tender_release(replace(TENDER, exercise=None, waiver=WAIVER), step("e1", 110, "tender"), PUBLISHER)
    assert "relatedProcesses" not in release
    (waiver,) = (
        each for each in release["tender"]["documents"] if each["documentType"] == "procurementMethodRationale"
    )
    assert waiver["url"] == "https://prelude.example/waivers/w1"
    assert "Another department ran one." in release["tender"]["procurementMethodRationale"]


@pytest.mark.parametrize(
    "opened",
    [day(99), day(100) - timedelta(seconds=1), day(300)],
    ids=["day before", "second before", "later than now"],
)
def test_how_many_bids_came_is_refused_before_the_envelopes_are_open(opened: datetime) -> None:
    with pytest.raises(ValueError, match="not published before the envelopes are open"):
        tender_release(replace(TENDER, bids=(BidCount("1", opened, 3),)), step("e", 200, "tenderUpdate"), PUBLISHER)


def test_nothing_dated_later_than_the_step_is_told() -> None:
    release = tender_release(replace(TENDER, bids=()), step("e", 115, "award"), PUBLISHER)
    assert release["contracts"][0]["status"] == "pending"
    assert "dateSigned" not in release["contracts"][0]
    assert "transactions" not in release["contracts"][0]["implementation"]
    assert "awards" not in tender_release(replace(TENDER, bids=(), contracts=()), step("e", 105, "tender"), PUBLISHER)


def test_statuses_follow_from_dates() -> None:
    def status(number: float, **change: Any) -> str:
        bare = replace(TENDER, bids=(), contracts=(), **change)
        return str(tender_release(bare, step("e", number, "tender"), PUBLISHER)["tender"]["status"])

    assert [status(60), status(80), status(115)] == ["planned", "active", "complete"]
    assert status(115, awards=()) == "active"
    assert status(115, cancelled_at=day(90)) == "cancelled"
    assert status(115, awards=(), lots=TENDER.lots[1:]) == "unsuccessful"
    withdrawn = replace(TENDER.awards[0], withdrawn_at=day(112))
    assert status(115, awards=(withdrawn,)) == "active"


def test_a_contract_of_an_unknown_award_is_refused() -> None:
    with pytest.raises(ValueError, match="not among the facts"):
        tender_release(
            replace(TENDER, contracts=(Contract("c", "a9", "C", Money(1)),)), step("e", 200, "contract"), PUBLISHER
        )


@pytest.mark.parametrize("tags", [(), ("compiled",), ("tender", "party")])
def test_tags_outside_the_standard_are_refused(tags: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="tags"):
        tender_release(TENDER, step("e", 200, *tags), PUBLISHER)


def test_naive_moments_are_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        date(datetime(2026, 1, 1))  # noqa: DTZ001


@given(st.integers(-(10**17), 10**17), st.sampled_from(["GBP", "JPY", "KWD"]))
def test_amounts_leave_digit_for_digit(minor: int, currency: str) -> None:
    money = Money(minor, currency)
    assert json.loads(encode(amount(money)), parse_float=Decimal, parse_int=Decimal) == money.major


def test_the_same_facts_give_the_same_bytes_and_a_story_compiles_in_any_order() -> None:
    assert [encode(each) for each in told()] == [encode(each) for each in told()]
    assert encode(compiled_release(told())) == encode(compiled_release(reversed(told())))
    compiled = compiled_release(told())
    assert compiled["tag"] == ["compiled"]
    assert compiled["contracts"][0]["status"] == "active"
    assert compiled["bids"]["statistics"][0]["value"] == 4
    with pytest.raises(ValueError, match="no release"):
        compiled_release([])


def test_every_step_of_the_story_passes_libcoveocds() -> None:
    said = check(packaged(*told(), following=f"{URI}?after=5"))
    assert said["validation_errors"] == []
    assert said["additional_closed_codelist_values"] == {}
    assert [each["field"] for each in said["additional_fields"]] == ["links"]
    assert structural_errors(packaged(*told())) == []


def test_records_pass_with_embedded_and_with_linked_releases() -> None:
    for one in (record(told()), record(told(), embedded=False, at=URI)):
        package = record_package(
            [one], PUBLISHER, uri="https://prelude.example/api/ocds/records", published_at=day(400)
        )
        assert structural_errors(encode(package)) == []
    with pytest.raises(ValueError, match="address"):
        record(told(), embedded=False)


def test_the_check_itself_finds_what_is_wrong() -> None:
    broken = json.loads(packaged(*told()))
    broken["releases"][0]["date"] = "yesterday"
    broken["releases"][1]["bids"]["statistics"][0].pop("measure")
    broken["releases"][2]["tender"]["lots"][0]["id"] = 7
    broken["releases"][3]["tender"]["value"]["currency"] = "POUND"
    errors = structural_errors(json.dumps(broken).encode())
    assert [
        word for word in ("yesterday", "measure", "lots", "POUND") if not any(word in error for error in errors)
    ] == []
    unknown = {**json.loads(packaged(told()[0])), "extensions": ["https://nowhere.example/extension.json"]}
    assert structural_errors(json.dumps(unknown).encode()) != []


def test_a_generated_set_passes_libcoveocds() -> None:
    releases = [
        challenge_release(facts, at, PUBLISHER) if hasattr(facts, "places") else tender_release(facts, at, PUBLISHER)
        for facts, at in many(800)
    ]
    assert structural_errors(packaged(*releases)) == []
    assert len({each["id"] for each in releases}) == 800


def test_only_extensions_in_use_are_named() -> None:
    bare = replace(CHALLENGE, pitches=(), cpv=())
    package = json.loads(packaged(challenge_release(bare, step("e", 1, "planning"), PUBLISHER)))
    assert [each.split("/")[4] for each in package["extensions"]] == ["ocds_process_title_extension"]
    package = json.loads(packaged(*told()))
    assert [each.split("/")[4] for each in package["extensions"]] == [
        "ocds_process_title_extension", "ocds_lots_extension", "ocds_bid_extension", "ocds_suitability_extension",
        "ocds_partyDetails_scale_extension",
    ]  # fmt: skip
    assert package["publisher"] == {
        "name": "Prelude",
        "uri": "https://prelude.example",
        "scheme": "GB-COH",
        "uid": "00000000",
    }


def test_what_we_publish_reads_back_through_our_own_portal_without_a_note() -> None:
    every = [upgrade(each) for each in published(packaged(*told())) if isinstance(each, Found)]
    upgraded = [each for each in every if isinstance(each, Upgraded)]
    assert [each.notes for each in upgraded] == [()] * 5
    merged = merge(upgraded)
    one = notice(merged.compiled, source="prelude", tags=("tender", "award", "contract"))
    assert (one.value_minor, one.awarded_minor, one.lots) == (32_000_034, 11_500_010, 2)
    assert (one.buyer and one.buyer.name, [each.name for each in one.suppliers]) == (BUYER.name, [SMALL.name])
    assert one.related == ("ocds-prelud-challenge-sea-walls",)
    assert stage(one, day(300)) == "contract"


@pytest.mark.parametrize(
    "change", [{"prefix": "ocds-1"}, {"prefix": "prelud"}, {"site": "prelude.example"}, {"site": "https://p.example/"}]
)
def test_a_publisher_without_a_sound_prefix_or_site_is_refused(change: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"prefix|site"):
        replace(PUBLISHER, **change)
