"""What the tests of portal in share: the golden packages, packages made to size, and a picture of everything kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from market.db import many
from market.portal import imports
from market.portal.intake import importing
from market.portal.tables import ImportRun

GOLDEN = Path(__file__).resolve().parents[3] / "fixtures" / "ocds"


async def bring(path: Path | str, source: str | None = None, **how: Any) -> ImportRun:
    """Import one file, folder or address that is of one source."""
    (wanted,) = importing.plan(str(path), source)
    return await imports.run(wanted, **how)


def release(number: int, **fields: Any) -> dict[str, Any]:
    """A small sound release about the procurement `number`."""
    return {
        "ocid": f"ocds-abc123-{number:06d}",
        "id": f"{number}-1",
        "date": "2026-03-02T09:00:00Z",
        "tag": ["tender"],
        "initiationType": "tender",
        "buyer": {"id": "b", "name": f"Council of Ward {number % 17}"},
        "tender": {
            "id": str(number),
            "title": f"Footbridge {number} over the Ald",
            "description": "A footbridge that a crew of two can put up in a day.",
            "status": "active",
            "value": {"amount": 1000 + number, "currency": "GBP"},
            "tenderPeriod": {"endDate": f"2026-{4 + number % 6:02d}-{1 + number % 28:02d}T12:00:00Z"},
        },
    } | fields


def awarded(number: int, *suppliers: dict[str, Any] | str, **fields: Any) -> dict[str, Any]:
    """A release that awards the procurement `number` to these suppliers, named or told as parties, by a buyer of its own."""
    parties = []
    for place, each in enumerate(suppliers, start=1):
        told = {"name": each} if isinstance(each, str) else each
        parties.append({"id": f"{number}-s{place}", "roles": ["supplier"], **told})
    named = [{"id": each["id"], "name": each["name"]} for each in parties]
    award = {"id": f"{number}-a", "status": "active", "date": "2026-03-02T09:00:00Z", "suppliers": named}
    buyer = {"id": "b", "name": f"{WARDS[number % len(WARDS)]} District"}
    return release(number, tag=["award"], buyer=buyer, parties=parties, awards=[award], **fields)


WARDS = (
    "Aldermoor",
    "Brackley",
    "Cotswold",
    "Dartmouth",
    "Elmbridge",
    "Fenland",
    "Gosport",
    "Hexham",
    "Ilkley",
    "Jarrow",
)
"""Buyers whose names have nothing in common."""


def package(path: Path, releases: list[Any], **fields: Any) -> Path:
    """A release package in a file."""
    made = {"uri": "https://portal.example", "version": "1.1", "publisher": {"name": "Ward"}, "releases": releases}
    path.write_text(json.dumps(made | fields))
    return path


QUESTIONS = (
    "SELECT s.name, r.ocid, r.digest, r.content, r.kind, r.package, r.position FROM raw_item r "
    "JOIN source s ON s.id = r.source ORDER BY s.name, r.digest",
    "SELECT s.name, q.digest, q.content, q.position, q.reason, q.mended_at IS NULL AS waits FROM quarantined q "
    "JOIN source s ON s.id = q.source ORDER BY s.name, q.digest",
    "SELECT n.ref, n.ocid, n.title, n.buyer, n.value_minor, n.currency, n.published_at, n.updated_at, n.closes_at, n.reached, "
    "n.cancelled, n.test, n.facts, n.compiled, n.history, n.notes, n.note_codes, n.matched_at IS NULL AS waits, r.ref AS shown "
    "FROM imported_notice n LEFT JOIN imported_notice r ON r.id = n.shown_as ORDER BY n.ref",
    "SELECT n.ref, k.key FROM notice_key k JOIN imported_notice n ON n.id = k.notice ORDER BY n.ref, k.key",
    "SELECT a.ref AS one, b.ref AS other, m.score, m.evidence, m.undone_at IS NULL AS stands FROM notice_merge m "
    "JOIN imported_notice a ON a.id = m.one JOIN imported_notice b ON b.id = m.other ORDER BY 1, 2",
    "SELECT a.ref AS one, b.ref AS other, p.score, p.evidence, p.same FROM doubtful_pair p "
    "JOIN imported_notice a ON a.id = p.one JOIN imported_notice b ON b.id = p.other ORDER BY 1, 2",
    "SELECT s.ref, s.name, s.scheme, s.identifier, s.place, s.scale, s.buyers, s.cpv, s.emails, s.addresses, r.ref AS shown "
    "FROM imported_supplier s LEFT JOIN imported_supplier r ON r.id = s.shown_as ORDER BY s.ref",
    "SELECT s.ref, n.ref AS notice FROM supplier_mention m JOIN imported_supplier s ON s.id = m.supplier "
    "JOIN imported_notice n ON n.id = m.notice ORDER BY 1, 2",
    "SELECT s.ref, k.key FROM supplier_key k JOIN imported_supplier s ON s.id = k.supplier ORDER BY 1, 2",
    "SELECT a.ref AS one, b.ref AS other, m.score, m.evidence, m.undone_at IS NULL AS stands FROM supplier_merge m "
    "JOIN imported_supplier a ON a.id = m.one JOIN imported_supplier b ON b.id = m.other ORDER BY 1, 2",
    "SELECT a.ref AS one, b.ref AS other, p.score, p.evidence, p.same FROM doubtful_suppliers p "
    "JOIN imported_supplier a ON a.id = p.one JOIN imported_supplier b ON b.id = p.other ORDER BY 1, 2",
)

OF_THE_RUN = (
    "SELECT origin, position, read, new, changed, unchanged, rejected, failure, ended_at IS NULL AS runs FROM import_run ORDER BY id",
    "SELECT DISTINCT subject, verb FROM outbox WHERE subject LIKE 'notice:%' ORDER BY subject, verb",
    "SELECT verb, (body::json)->>'facts' AS facts FROM event ORDER BY seq",
)


async def picture(*, with_runs: bool = False) -> list[list[dict[str, Any]]]:
    """Everything kept of other portals, without row numbers and moments of keeping; with the runs' own traces if wanted."""
    return [await many(each) for each in (*QUESTIONS, *(OF_THE_RUN if with_runs else ()))]
