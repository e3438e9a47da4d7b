"""The register of waivers, and that of the ministers' keys, in one query each; for the pages and the API alike."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from market import clock
from market.db import many
from market.money import Money
from market.standing import Standing, dates_of
from market.waivers import rules
from market.waivers.grounds import label


@dataclass(frozen=True, slots=True)
class Listed:
    """One decided request: what it was for, who decided, and whether it was used."""

    ref: str
    title: str
    buyer: str
    department: str
    ground: str
    ground_label: str
    value: Money
    standing: Standing
    office: str
    minister: str
    asked_at: datetime
    decided_at: datetime
    valid_until: datetime | None
    used_by: str


async def listed(standing: str = "") -> list[Listed]:
    """The decided requests, newest first: all, or those that are `in-force`, `expired` or `refused`. Anything else is
    refused (400)."""
    if standing not in ("", "in-force", "expired", "refused"):
        raise rules.STANDING_UNKNOWN.refused()
    rows = await many(
        "SELECT w.*, t.title, t.ref AS tender_ref, t.currency, t.ground AS t_ground, t.ground_reference, b.name AS buyer_name, "
        "d.name AS department_name, p.name AS minister_name, (SELECT COALESCE(SUM(value_minor), 0) FROM lot WHERE "
        "lot.tender = t.id) AS total, e.ceiling_minor FROM waiver w JOIN tender t ON t.id = w.tender "
        "JOIN organisation b ON b.id = w.buyer JOIN organisation d ON d.id = w.department "
        "LEFT JOIN person p ON p.id = w.minister LEFT JOIN innovation_evidence e ON e.ground = 'waiver' AND "
        "e.reference = w.ref WHERE w.decided_at IS NOT NULL ORDER BY w.decided_at DESC, w.id DESC",
    )
    now = clock.now()
    found = []
    for row in rows:
        used = row["t_ground"] == "waiver" and row["ground_reference"] == row["ref"]
        minor = row["total"] if row["ceiling_minor"] is None else row["ceiling_minor"]
        found.append(
            Listed(
                row["ref"],
                row["title"],
                row["buyer_name"],
                row["department_name"],
                row["ground"],
                label(row["ground"]),
                Money(int(minor), row["currency"]),
                rules.standing(dates_of(rules.Dates, row), now),
                row["office"],
                row["minister_name"] or "",
                row["asked_at"],
                row["decided_at"],
                row["valid_until"],
                row["tender_ref"] if used else "",
            )
        )
    return [each for each in found if standing in ("", each.standing.stage)]


@dataclass(frozen=True, slots=True)
class MinistersKey:
    """A passkey of somebody who holds or held an office that decides about waivers. `fingerprint` is what a signed file and
    its checker name: SHA-256 of the public key."""

    minister: str
    person: str
    office: str
    department: str
    since: datetime
    until: datetime | None
    fingerprint: str
    registered_at: datetime
    revoked_at: datetime | None


async def ministers_keys() -> list[MinistersKey]:
    """The register of keys: of every office-holder, present and former, the passkeys that were good while she held the
    office. By department, the present office first."""
    rows = await many(
        "SELECT p.name, p.ref, m.title, o.name AS department, m.since, m.until, k.public_key, k.created_at, k.revoked_at "
        "FROM membership m JOIN person p ON p.id = m.person JOIN organisation o ON o.id = m.organisation "
        "JOIN passkey k ON k.person = p.id WHERE m.role = 'minister' AND (m.until IS NULL OR k.created_at < m.until) "
        "AND (k.revoked_at IS NULL OR k.revoked_at > m.since) ORDER BY o.name, m.since DESC, m.id, k.id"
    )
    return [
        MinistersKey(
            row["name"],
            row["ref"],
            row["title"] or "Minister",
            row["department"],
            row["since"],
            row["until"],
            hashlib.sha256(row["public_key"]).hexdigest(),
            row["created_at"],
            row["revoked_at"],
        )
        for row in rows
    ]
