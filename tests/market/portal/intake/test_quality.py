"""The score of a source and the checks that fail."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from market.portal.intake.notices import Link, Notice, Party
from market.portal.intake.quality import AREAS, CHECKS, Quality, plain
from market.portal.intake.reading import Note

NOW = datetime(2025, 6, 1, tzinfo=UTC)

GOOD = Notice(
    ocid="ocds-abc123-1",
    source="s",
    title="Drone inspection of walls",
    description="Two surveys a year of 140 walls.",
    buyer=Party("Town", "GB-COH-01234567", "GB-COH", "01234567"),
    suppliers=(Party("Fern Ltd", "GB-COH-09990001", "GB-COH", "09990001"),),
    cpv=("71631400",),
    value_minor=8_400_000,
    currency="GBP",
    published_at=NOW - timedelta(days=90),
    opens_at=NOW - timedelta(days=90),
    closes_at=NOW - timedelta(days=60),
    awarded_at=NOW - timedelta(days=20),
    starts_at=NOW,
    ends_at=NOW + timedelta(days=300),
    reached="award",
    method="open",
    lots=2,
    link="https://t.example/1",
    documents=(Link("https://t.example/1", "Notice", "tenderNotice"),),
)

FAILURES: dict[str, dict[str, Any]] = {
    "title": {"title": "x"},
    "description": {"description": "Walls."},
    "buyer": {"buyer": None},
    "deadline": {"reached": "tender", "closes_at": None},
    "value": {"value_minor": None},
    "classification": {"cpv": ()},
    "method": {"method": None},
    "supplier": {"suppliers": ()},
    "link": {"link": None},
    "real": {"test": True},
    "not-in-the-future": {"published_at": NOW + timedelta(days=9)},
    "deadline-after-opening": {"opens_at": NOW - timedelta(days=50)},
    "award-after-deadline": {"awarded_at": NOW - timedelta(days=70)},
    "end-after-start": {"ends_at": NOW - timedelta(days=1)},
    "plausible": {"value_minor": 100},
    "ocid": {"ocid": "17"},
    "buyer-register": {"buyer": Party("Town", "1", "GB-CFS", "1")},
    "supplier-register": {"suppliers": (Party("Fern Ltd", "1"),)},
}

NOTED = {
    "plain-text": "text.markup",
    "release-date": "release.date-missing",
    "date-spelling": "date.invalid",
    "currency": "currency.missing",
    "amounts-are-numbers": "number.text",
    "net-amount": "amount.gross-only",
    "one-currency": "currency.mixed",
    "release-id": "release.id-reused",
    "item-ids": "item.id-repeated",
    "party-ids": "party.id-shared",
}


def test_a_sound_source_scores_a_hundred() -> None:
    quality = Quality("s")
    assert quality.add(GOOD, (), NOW) == ()
    report = quality.report()
    assert (report.score, report.areas, report.failing) == (100, dict.fromkeys(AREAS, 100), ())
    assert Quality("empty").report().score == 100


@pytest.mark.parametrize("code", sorted(FAILURES))
def test_each_check_of_the_notice_fails_when_it_should_and_alone(code: str) -> None:
    assert Quality("s").add(msgspec.structs.replace(GOOD, **FAILURES[code]), (), NOW) == (code,)


@pytest.mark.parametrize("code", sorted(NOTED))
def test_each_check_of_the_notes_fails_when_it_should_and_alone(code: str) -> None:
    assert Quality("s").add(GOOD, (Note(NOTED[code], "p", "w"),), NOW) == (code,)


def test_every_check_has_a_test_of_its_own() -> None:
    assert {check.code for check in CHECKS} == FAILURES.keys() | NOTED.keys()


def test_what_does_not_apply_is_not_asked() -> None:
    planned = msgspec.structs.replace(
        GOOD, reached="planning", suppliers=(), value_minor=None, cpv=(), method=None, closes_at=None, awarded_at=None
    )
    assert Quality("s").add(planned, (), NOW) == ()


def test_the_score_is_the_mean_of_the_areas_and_names_examples() -> None:
    quality = Quality("s")
    for number in range(10):
        cpv = GOOD.cpv if number % 2 else ()
        quality.add(msgspec.structs.replace(GOOD, ocid=f"ocds-abc123-{number}", cpv=cpv), (), NOW)
    report = quality.report()
    (failing,) = report.failing
    assert (failing.code, failing.asked, failing.failed, failing.share) == ("classification", 10, 5, 0.5)
    assert failing.examples == tuple(f"ocds-abc123-{number}" for number in (0, 2, 4, 6, 8))
    assert report.areas["completeness"] == 95
    assert report.score == 99 == round(sum(report.areas.values()) / 4)
    assert plain(report)["checks"][0]["code"] == "classification"


def test_one_supplier_id_for_every_supplier_is_found_across_notices() -> None:
    quality = Quality("s")
    for name in ("Alder", "Birch", "Cedar"):
        quality.add(msgspec.structs.replace(GOOD, suppliers=(Party(f"{name} Ltd", "GB-COH-09990001"),)), (), NOW)
    assert [(each.code, each.failed) for each in quality.report().failing] == [("supplier-id-reuse", 1)]
