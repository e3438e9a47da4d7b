"""What the tests of portal in share: the golden packages, packages made to size, and a picture of everything kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from market.db import many
from market.portal import importing
from market.portal.tables import ImportRun

GOLDEN = Path(__file__).resolve().parents[3] / "fixtures" / "ocds"


async def bring(path: Path | str, source: str | None = None, **how: Any) -> ImportRun:
    """Import one file, folder or address that is of one source."""
    (wanted,) = importing.plan(str(path), source)
    return await importing.run(wanted, **how)


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
)

OF_THE_RUN = (
    "SELECT origin, position, read, new, changed, unchanged, rejected, failure, ended_at IS NULL AS runs FROM import_run ORDER BY id",
    "SELECT DISTINCT subject, verb FROM outbox WHERE subject LIKE 'notice:%' ORDER BY subject, verb",
    "SELECT verb, (body::json)->>'facts' AS facts FROM event ORDER BY seq",
)


async def picture(*, with_runs: bool = False) -> list[list[dict[str, Any]]]:
    """Everything kept of other portals, without row numbers and moments of keeping; with the runs' own traces if wanted."""
    return [await many(each) for each in (*QUESTIONS, *(OF_THE_RUN if with_runs else ()))]
