"""What pages and API show of the suppliers that other portals' notices name: read here once, so that both say the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from market.accounts.tables import Organisation
from market.db import find, many, one
from market.money import Money
from market.portal.intake import names
from market.portal.intake.notices import money
from market.portal.sameness.evidence import evidence_of
from market.portal.sameness.grouping import joined_with
from market.portal.suppliers import claims
from market.portal.suppliers.claims import Offered
from market.portal.tables import ImportedSupplier

PER_PAGE = 25


@dataclass(frozen=True, slots=True)
class Spelling:
    """One way the supplier is named, by how many notices, and why it is taken for the same."""

    ref: str
    name: str
    number: tuple[str, str] | None
    place: str
    notices: int
    merge: str | None
    because: str
    by_person: bool


@dataclass(frozen=True, slots=True)
class Named:
    """A notice that names the supplier."""

    ref: str
    title: str
    buyer: str
    value: Money | None
    updated_at: datetime | None


@dataclass(frozen=True, slots=True)
class Holder:
    """The registered supplier that proved the record to be its own, by which claim and since when."""

    organisation: int
    ref: str
    name: str
    since: datetime
    claim: str


@dataclass(frozen=True, slots=True)
class Record:
    """One supplier as other portals know it. `registered` is the firm that is registered here under the same number."""

    row: ImportedSupplier
    group: list[int]
    spellings: list[Spelling]
    numbers: list[tuple[str, str]]
    places: list[str]
    scale: str
    total: int
    notices: list[Named]
    before: int | None
    holder: Holder | None
    registered: dict[str, Any] | None


async def supplier(ref: str, before: int | None = None) -> Record | str:
    """The supplier with this reference, or the reference it is shown under. Its notices come in pages; `before` is where
    the next one begins."""
    row = await find(ImportedSupplier, ImportedSupplier.ref == ref)
    if row.shown_as is not None:
        return str((await find(ImportedSupplier, ImportedSupplier.id == row.shown_as)).ref)
    group = sorted(await joined_with(row.id, "supplier_merge"))
    spellings = await _spellings(row.id, group)
    notices = await _notices(group, before)
    numbers = await claims.numbers_of(group)
    total = await one(
        "SELECT count(DISTINCT coalesce(n.shown_as, n.id)) AS n FROM supplier_mention m JOIN imported_notice n ON n.id = m.notice "
        "WHERE m.supplier = ANY({}::int[])",
        group,
    )
    scales = await many("SELECT DISTINCT scale FROM imported_supplier WHERE id = ANY({}::int[]) AND scale <> ''", group)
    return Record(
        row,
        group,
        spellings,
        numbers,
        list(dict.fromkeys(each.place for each in spellings if each.place)),
        scales[0]["scale"] if len(scales) == 1 else "",
        total["n"],
        [
            Named(each["ref"], each["title"], each["buyer"], _value(each), each["updated_at"])
            for each in notices[:PER_PAGE]
        ],
        notices[PER_PAGE - 1]["id"] if len(notices) > PER_PAGE else None,
        await _holder(group),
        await _registered(numbers),
    )


async def _spellings(root: int, group: list[int]) -> list[Spelling]:
    rows = await many(
        "SELECT s.id, s.ref, s.name, s.scheme, s.identifier, s.place, (SELECT count(*) FROM supplier_mention m WHERE m.supplier = s.id) "
        "AS notices FROM imported_supplier s WHERE s.id = ANY({}::int[]) ORDER BY s.id",
        group,
    )
    merges = {
        row["other"]: row
        for row in await many(
            "SELECT ref, one, other, evidence, by FROM supplier_merge WHERE undone_at IS NULL AND other = ANY({}::int[]) "
            "ORDER BY id DESC",
            group,
        )
    }
    made = []
    for each in rows:
        merge = merges.get(each["id"]) if each["id"] != root else None
        told = evidence_of(merge["evidence"]) if merge else []
        made.append(
            Spelling(
                each["ref"],
                each["name"],
                (each["scheme"], each["identifier"]) if each["identifier"] else None,
                each["place"],
                each["notices"],
                merge["ref"] if merge else None,
                " ".join(said["words"] for said in told if said["weight"] > 0),
                merge is not None and merge["by"] is not None,
            )
        )
    return made


async def _notices(group: list[int], before: int | None) -> list[dict[str, Any]]:
    return await many(
        "SELECT DISTINCT r.id, r.ref, r.title, r.buyer, r.value_minor, r.currency, r.updated_at FROM supplier_mention m "
        "JOIN imported_notice n ON n.id = m.notice JOIN imported_notice r ON r.id = coalesce(n.shown_as, n.id) "
        "WHERE m.supplier = ANY({}::int[]) AND r.id < {} ORDER BY r.id DESC LIMIT {}",
        group,
        before or 2**31 - 1,
        PER_PAGE + 1,
    )


def _value(row: dict[str, Any]) -> Money | None:
    return money(row["value_minor"], row["currency"])


async def _holder(group: list[int]) -> Holder | None:
    claim = await claims.claim_of(group)
    if claim is None:
        return None
    firm = await find(Organisation, Organisation.id == claim.organisation)
    return Holder(firm.id, firm.ref, firm.name, claim.answered_at, claim.ref)


async def _registered(numbers: list[tuple[str, str]]) -> dict[str, Any] | None:
    for scheme, number in numbers:
        rows = await many(
            "SELECT ref, name FROM organisation WHERE kind = 'supplier' AND scheme = {} AND identifier = {}",
            scheme,
            number,
        )
        if rows:
            return rows[0]
    return None


async def ways(found: Record) -> list[Offered]:
    """How control over a record can be proved, beside an operator's check."""
    return await claims.ways_of(found.group)


async def page_of(q: str = "", after: str = "") -> tuple[list[dict[str, Any]], str | None]:
    """Suppliers by name, those in one of whose spellings words begin with every word of `q`, or that have it for a number;
    `after` is where the next page begins."""
    name, _, place = after.rpartition("~")
    words = [rf"\m{word}" for word in re.findall(r"\w+", q.casefold())[:8]]
    rows = await many(
        "SELECT r.id, r.ref, r.name, r.place, r.scheme, r.identifier, lower(r.name) AS at FROM imported_supplier r "
        "WHERE (lower(r.name), r.id) > ({}, {}) AND r.shown_as IS NULL AND ({} OR r.id IN (SELECT coalesce(s.shown_as, s.id) "
        "FROM imported_supplier s WHERE ({} AND lower(s.name) ~ ALL({}::text[])) OR s.identifier = {})) "
        "AND EXISTS (SELECT 1 FROM imported_supplier s JOIN supplier_mention m ON m.supplier = s.id "
        "WHERE s.id = r.id OR s.shown_as = r.id) ORDER BY lower(r.name), r.id LIMIT {}",
        name,
        int(place) if place.isdigit() else 0,
        not q.strip(),
        bool(words),
        words,
        q.strip().upper(),
        PER_PAGE + 1,
    )
    page = rows[:PER_PAGE]
    for row in page:
        row |= await one(
            "SELECT count(DISTINCT m.notice) AS notices, count(DISTINCT s.id) AS spellings, (SELECT o.name FROM supplier_claim c "
            "JOIN organisation o ON o.id = c.organisation JOIN imported_supplier h ON h.id = c.supplier WHERE (h.id = {} OR "
            "h.shown_as = {}) AND c.granted AND c.released_at IS NULL LIMIT 1) AS holder FROM imported_supplier s LEFT JOIN "
            "supplier_mention m ON m.supplier = s.id WHERE s.id = {} OR s.shown_as = {}",
            *[row["id"]] * 4,
        )
    return page, f"{page[-1]['at']}~{page[-1]['id']}" if len(rows) > PER_PAGE else None


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def of_organisation(organisation: int) -> list[dict[str, Any]]:
    """The records that a registered supplier holds, each with how many notices name it."""
    return await many(
        "SELECT DISTINCT r.ref, r.name, (SELECT count(DISTINCT m.notice) FROM imported_supplier s JOIN supplier_mention m "
        "ON m.supplier = s.id WHERE s.id = r.id OR s.shown_as = r.id) AS notices FROM supplier_claim c JOIN imported_supplier h "
        "ON h.id = c.supplier JOIN imported_supplier r ON r.id = coalesce(h.shown_as, h.id) WHERE c.organisation = {} AND c.granted "
        "AND c.released_at IS NULL ORDER BY r.name",
        organisation,
    )


async def likely(firm: Organisation) -> list[dict[str, Any]]:
    """Records that may be a registered supplier's own: the same number, or a name with the same words; at most ten."""
    number = names.identifier(firm.scheme, firm.identifier) or ("", "")
    wanted = set(names.words(firm.name))
    longest = max(wanted, key=len)
    rows = await many(
        "SELECT DISTINCT r.id, r.ref, r.name, r.place, s.name AS spelling, s.scheme, s.identifier FROM imported_supplier s "
        "JOIN imported_supplier r ON r.id = coalesce(s.shown_as, s.id) WHERE (s.scheme = {} AND s.identifier = {} AND s.identifier <> '') "
        "OR lower(s.name) LIKE {} ORDER BY r.id LIMIT 200",
        *number,
        f"%{_literal(longest)}%",
    )
    found = {
        row["ref"]: row
        for row in rows
        if (row["scheme"], row["identifier"]) == number or set(names.words(row["spelling"])) == wanted
    }
    return list(found.values())[:10]


async def doubtful(most: int = 20) -> tuple[int, list[dict[str, Any]]]:
    """How many pairs of spellings wait for a decision, and the likeliest of them with the evidence."""
    count = await one("SELECT count(*) AS n FROM doubtful_suppliers WHERE answered_at IS NULL")
    rows = await many(
        "SELECT p.ref, p.score, p.evidence, p.one, p.other FROM doubtful_suppliers p WHERE p.answered_at IS NULL "
        "ORDER BY p.score DESC, p.id LIMIT {}",
        most,
    )
    sides = {each["id"]: each for each in await _sides([side for row in rows for side in (row["one"], row["other"])])}
    return count["n"], [
        {
            "ref": row["ref"],
            "percent": row["score"] // 10,
            "evidence": evidence_of(row["evidence"]),
            "sides": [sides[row["one"]], sides[row["other"]]],
        }
        for row in rows
    ]


async def _sides(spellings: list[int]) -> list[dict[str, Any]]:
    return await many(
        "SELECT s.id, s.ref, s.name, s.scheme, s.identifier, s.place, (SELECT count(*) FROM supplier_mention m WHERE m.supplier = s.id) "
        "AS notices, (SELECT string_agg(DISTINCT n.buyer, '; ') FROM (SELECT n.buyer FROM supplier_mention m JOIN imported_notice n "
        "ON n.id = m.notice WHERE m.supplier = s.id AND n.buyer <> '' ORDER BY m.id LIMIT 3) n) AS buyers FROM imported_supplier s "
        "WHERE s.id = ANY({}::int[])",
        spellings,
    )


async def merges(most: int = 30) -> list[dict[str, Any]]:
    """The latest joinings of spellings that stand, newest first."""
    rows = await many(
        "SELECT m.ref, m.at, m.by, m.evidence, a.ref AS one_ref, a.name AS one_name, b.ref AS other_ref, b.name AS other_name "
        "FROM supplier_merge m JOIN imported_supplier a ON a.id = m.one JOIN imported_supplier b ON b.id = m.other "
        "WHERE m.undone_at IS NULL ORDER BY m.id DESC LIMIT {}",
        most,
    )
    return [{**row, "evidence": evidence_of(row["evidence"])} for row in rows]


async def refs_of(notice: str) -> dict[str, str]:
    """For the suppliers that a notice names, by their names: under which reference each is shown."""
    rows = await many(
        "SELECT s.name, r.ref FROM imported_notice n JOIN supplier_mention m ON m.notice = n.id "
        "JOIN imported_supplier s ON s.id = m.supplier JOIN imported_supplier r ON r.id = coalesce(s.shown_as, s.id) "
        "WHERE n.ref = {}",
        notice,
    )
    return {row["name"]: row["ref"] for row in rows}
