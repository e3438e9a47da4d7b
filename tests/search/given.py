"""A small shelf of documents that the tests of both engines search."""

from __future__ import annotations

from typing import Any

from search.documents import Kind, SearchDocument

DAY = 86_400
EPOCH = 1_790_000_000
"""A moment in September 2026; the shelf's dates count from it."""


def a(kind: Kind, ref: str, title: str, **more: Any) -> SearchDocument:
    """A document with an address of its own."""
    return SearchDocument(kind=kind, ref=ref, url=f"/{kind.value}/{ref}", title=title, **more)


DOCUMENTS = [
    a(
        Kind.CHALLENGE, "C-1", "Drone inspection of river bridges",
        summary="Bridges over tidal rivers are inspected by boat, twice a year, at great cost.",
        body="The county keeps 212 bridges. A diver and a boat crew inspect the piers. We look for safer ways to see cracks"
        " before winter floods, for example from the air, without closing the road.",
        buyer="Northmoor County Council", cpv=("71631450",), keywords=("Bridge-inspection services",), region="North East",
        stage="open", value_minor=2_500_000, currency="GBP", sme_suitable=True, opens_at=EPOCH, closes_at=EPOCH + 20 * DAY,
        published_at=EPOCH, popularity=40,
    ),
    a(
        Kind.CHALLENGE, "C-2", "Finding damp in social housing before tenants fall ill",
        summary="Sensors, letters or visits: how would you find damp homes early?",
        body="Eleven thousand homes; mould is reported late. The inspection of each home takes an hour.",
        buyer="Zürich-on-Sea Borough", cpv=("79700000",), region="South West", stage="open", value_minor=4_000_000,
        currency="GBP", sme_suitable=True, opens_at=EPOCH, closes_at=EPOCH + 5 * DAY, published_at=EPOCH - 3 * DAY,
        popularity=10,
    ),
    a(
        Kind.CHALLENGE, "C-3", "Shorter waits in accident and emergency departments",
        summary="Patients wait for beds that are free and not yet known to be free.",
        buyer="Vale Health Trust", cpv=("72200000", "85110000"), region="Wales", stage="concluded", currency="GBP",
        published_at=EPOCH - 400 * DAY, closes_at=EPOCH - 300 * DAY, popularity=5,
    ),
    a(
        Kind.TENDER, "T-1", "Bridge inspection framework, lot 2: unmanned aircraft",
        summary="Photographs and laser scanning of highway structures.",
        body="Follows the exercise C-1. The supplier delivers images within ten working days of each flight.",
        buyer="Northmoor County Council", cpv=("71631450", "72222300"), region="North East", stage="open",
        value_minor=18_000_000, currency="GBP", sme_suitable=True, opens_at=EPOCH + DAY, closes_at=EPOCH + 40 * DAY,
        published_at=EPOCH + DAY, popularity=30,
    ),
    a(
        Kind.TENDER, "T-2", "Office furniture",
        summary="Desks and chairs for 40 people. A commodity by its code.",
        buyer="Ministry of Works & \"Public\" Estates", cpv=("39130000",), region="London", stage="closed",
        value_minor=900_000, currency="GBP", sme_suitable=False, closes_at=EPOCH - 10 * DAY, published_at=EPOCH - 30 * DAY,
    ),
    a(
        Kind.TENDER, "T-3", "Information systems for flood warning",
        summary="A service that warns households two hours earlier.", body="Inspection reports feed the model.",
        buyer="Environment Directorate", cpv=("72222300", "72212000"), region="South West", stage="open",
        value_minor=120_000_000, currency="GBP", closes_at=EPOCH + 12 * DAY, published_at=EPOCH + 2 * DAY, popularity=3,
    ),
    a(
        Kind.SUPPLIER, "S-1", "Kestrel Surveys Ltd", summary="Eleven people who fly small aircraft under bridges.",
        keywords=("drone surveys", "photogrammetry", "bridge inspection"), region="North East", cpv=("71631450",),
        certificates=("ISO 27001", "Cyber Essentials"), sme_suitable=True, published_at=EPOCH - 100 * DAY, popularity=12,
        open_to_partners=True, experience=("contract", "pitch"), track_record=("Harbour divers",), arrival=9,
    ),
    a(
        Kind.SUPPLIER, "S-2", "Café Numérique SARL", summary="Logiciels libres pour les collectivités.",
        keywords=("open source", "données ouvertes"), region="London", cpv=("72000000",), certificates=("ISO 27001",),
        published_at=EPOCH - 90 * DAY, popularity=2, open_to_partners=False, experience=("pitch",), arrival=30,
    ),
    a(
        Kind.SUPPLIER, "S-3", "O'Brien & Sons (Ironworks)", summary="Gates, railings, bridge bearings.", region="Wales",
        cpv=("44212000",), published_at=EPOCH - 80 * DAY,
    ),
    a(
        Kind.CONTRACT, "K-1", "Underwater survey of harbour walls", summary="Annual survey by divers.",
        buyer="Northmoor County Council", supplier_names=("Kestrel Surveys Ltd", "Deep Blue GmbH"), cpv=("71353100",),
        region="North East", stage="in-force", value_minor=7_500_000, currency="GBP", published_at=EPOCH - 50 * DAY,
        popularity=7,
    ),
    a(
        Kind.INSIGHT_REPORT, "R-1", "What we learnt from inspecting bridges with drones",
        summary="Three of five teams found every crack; wind stopped two.", buyer="Northmoor County Council",
        cpv=("71631450",), region="North East", published_at=EPOCH - 20 * DAY, popularity=25,
    ),
    a(
        Kind.COMPONENT, "API-1", "Notify: letters and messages as a service", summary="One API for letters, e-mail and texts.",
        supplier_names=("Café Numérique SARL",), profile_passed=True, licence="MIT", cpv=("72510000",),
        published_at=EPOCH - 60 * DAY, popularity=90,
    ),
    a(
        Kind.COMPONENT, "API-2", "Address lookup", summary="Finds an address from a postcode.", profile_passed=False,
        licence="Apache-2.0", cpv=("72319000",), published_at=EPOCH - 61 * DAY,
    ),
    a(
        Kind.NOTICE, "ocds-b5fd17-7d067852", "Grounds maintenance and tree surveys",
        summary="Imported from another portal.", buyer="Lakeside District", cpv=("77310000",), region="Wales",
        stage="open", source="Contracts Finder", value_minor=3_000_000, currency="GBP", closes_at=EPOCH + 3 * DAY,
        published_at=EPOCH - DAY,
    ),
    a(
        Kind.NOTICE, "ocds-abc-2", "Überprüfung der Brücken", summary="Prüfung von 30 Brücken.", buyer="Stadt Köln",
        cpv=("71631450",), region="Köln", stage="open", source="TED", value_minor=5_500_000, currency="EUR",
        closes_at=EPOCH + 9 * DAY, published_at=EPOCH - 2 * DAY,
    ),
    a(
        Kind.WAIVER, "W-1", "Waiver: urgent repair of the Ferry Lane bridge", summary="Signed by the Minister for Roads.",
        buyer="Ministry of Works & \"Public\" Estates", cpv=("45221119",), published_at=EPOCH - 5 * DAY,
    ),
]  # fmt: skip


def many(count: int, kind: Kind = Kind.NOTICE) -> list[SearchDocument]:
    """Numbered documents that all answer to `warehouse`, in groups of equal date and value."""
    return [
        a(
            kind, f"N-{number:05d}", f"Warehouse number {number}", summary="A warehouse for grain.",
            published_at=EPOCH + (number // 7) * DAY if number % 5 else None, value_minor=(number % 3) * 100_000,
            closes_at=EPOCH + (number % 11) * DAY if number % 4 else None, currency="GBP", region=f"Region {number % 6}",
        )
        for number in range(count)
    ]  # fmt: skip
