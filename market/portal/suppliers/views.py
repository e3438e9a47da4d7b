"""What pages and API show of the suppliers that other portals' notices name: read here once, so that both say the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

import msgspec

from market.accounts.tables import Organisation
from market.db import find
from market.money import Money
from market.portal.intake import names
from market.portal.intake.notices import money
from market.portal.sameness.evidence import evidence_of, reasons_for
from market.portal.sameness.grouping import joined_with
from market.portal.sameness.matching import Evidence
from market.portal.suppliers import claims
from market.portal.tables import ImportedSupplier
from market.reads import row, rows, the

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


class Registered(msgspec.Struct, frozen=True):
    """A supplier that is registered here."""

    ref: str
    name: str


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
    registered: Registered | None


async def supplier(ref: str, before: int | None = None) -> Record | str:
    """The supplier with this reference, or the reference it is shown under. Its notices come in pages; `before` is where
    the next one begins."""
    known = await find(ImportedSupplier, ImportedSupplier.ref == ref)
    if known.shown_as is not None:
        return str((await find(ImportedSupplier, ImportedSupplier.id == known.shown_as)).ref)
    group = sorted(await joined_with(known.id, "supplier_merge"))
    spellings = await _spellings(known.id, group)
    notices = await _notices(group, before)
    numbers = await claims.numbers_of(group)
    total = await the(
        int,
        """
        SELECT count(DISTINCT coalesce(n.shown_as, n.id))
        FROM supplier_mention m JOIN imported_notice n ON n.id = m.notice
        WHERE m.supplier = ANY({}::int[])
        """,
        group,
    )
    scales = await rows(
        str, "SELECT DISTINCT scale FROM imported_supplier WHERE id = ANY({}::int[]) AND scale <> ''", group
    )
    return Record(
        row=known,
        group=group,
        spellings=spellings,
        numbers=numbers,
        places=list(dict.fromkeys(each.place for each in spellings if each.place)),
        scale=scales[0] if len(scales) == 1 else "",
        total=total,
        notices=[
            Named(each.ref, each.title, each.buyer, money(each.value_minor, each.currency), each.updated_at)
            for each in notices[:PER_PAGE]
        ],
        before=notices[PER_PAGE - 1].id if len(notices) > PER_PAGE else None,
        holder=await _holder(group),
        registered=await _registered(numbers),
    )


class _Written(msgspec.Struct, frozen=True):
    id: int
    ref: str
    name: str
    scheme: str
    identifier: str
    place: str
    notices: int


class _Joining(msgspec.Struct, frozen=True):
    ref: str
    other: int
    evidence: str
    by: int | None


async def _spellings(root: int, group: list[int]) -> list[Spelling]:
    written = await rows(
        _Written,
        """
        SELECT s.id, s.ref, s.name, s.scheme, s.identifier, s.place,
            (SELECT count(*) FROM supplier_mention m WHERE m.supplier = s.id) AS notices
        FROM imported_supplier s WHERE s.id = ANY({}::int[]) ORDER BY s.id
        """,
        group,
    )
    joinings = await rows(
        _Joining,
        """
        SELECT ref, other, evidence, by FROM supplier_merge
        WHERE undone_at IS NULL AND other = ANY({}::int[]) ORDER BY id DESC
        """,
        group,
    )
    why = {each.other: each for each in joinings}
    spellings = []
    for each in written:
        merge = why.get(each.id) if each.id != root else None
        spellings.append(
            Spelling(
                ref=each.ref,
                name=each.name,
                number=(each.scheme, each.identifier) if each.identifier else None,
                place=each.place,
                notices=each.notices,
                merge=merge.ref if merge else None,
                because=reasons_for(merge.evidence) if merge else "",
                by_person=merge is not None and merge.by is not None,
            )
        )
    return spellings


class _Naming(msgspec.Struct, frozen=True):
    id: int
    ref: str
    title: str
    buyer: str
    value_minor: int | None
    currency: str
    updated_at: datetime | None


async def _notices(group: list[int], before: int | None) -> list[_Naming]:
    return await rows(
        _Naming,
        """
        SELECT DISTINCT r.id, r.ref, r.title, r.buyer, r.value_minor, r.currency, r.updated_at
        FROM supplier_mention m
        JOIN imported_notice n ON n.id = m.notice
        JOIN imported_notice r ON r.id = coalesce(n.shown_as, n.id)
        WHERE m.supplier = ANY({}::int[]) AND r.id < {} ORDER BY r.id DESC LIMIT {}
        """,
        group,
        before or 2**31 - 1,
        PER_PAGE + 1,
    )


async def _holder(group: list[int]) -> Holder | None:
    claim = await claims.claim_of(group)
    if claim is None:
        return None
    firm = await find(Organisation, Organisation.id == claim.organisation)
    return Holder(firm.id, firm.ref, firm.name, claim.answered_at, claim.ref)


async def _registered(numbers: list[tuple[str, str]]) -> Registered | None:
    for scheme, number in numbers:
        firm = await row(
            Registered,
            "SELECT ref, name FROM organisation WHERE kind = 'supplier' AND scheme = {} AND identifier = {}",
            scheme,
            number,
        )
        if firm is not None:
            return firm
    return None


@dataclass(frozen=True, slots=True)
class Line:
    """A supplier in the list, with how many notices and spellings it has, and who holds it."""

    ref: str
    name: str
    place: str
    notices: int
    spellings: int
    holder: str | None


class _Listed(msgspec.Struct, frozen=True):
    id: int
    ref: str
    name: str
    place: str
    at: str


class _Counts(msgspec.Struct, frozen=True):
    notices: int
    spellings: int
    holder: str | None


async def page_of(q: str = "", after: str = "") -> tuple[list[Line], str | None]:
    """Suppliers by name, those in one of whose spellings words begin with every word of `q`, or that have it for a number;
    `after` is where the next page begins."""
    name, _, place = after.rpartition("~")
    words = [rf"\m{word}" for word in re.findall(r"\w+", q.casefold())[:8]]
    listed = await rows(
        _Listed,
        """
        SELECT r.id, r.ref, r.name, r.place, lower(r.name) AS at
        FROM imported_supplier r
        WHERE (lower(r.name), r.id) > ({}, {}) AND r.shown_as IS NULL
        AND ({} OR r.id IN (
            SELECT coalesce(s.shown_as, s.id) FROM imported_supplier s
            WHERE ({} AND lower(s.name) ~ ALL({}::text[])) OR s.identifier = {}
        ))
        AND EXISTS (
            SELECT 1 FROM imported_supplier s JOIN supplier_mention m ON m.supplier = s.id
            WHERE s.id = r.id OR s.shown_as = r.id
        )
        ORDER BY lower(r.name), r.id LIMIT {}
        """,
        name,
        int(place) if place.isdigit() else 0,
        not q.strip(),
        bool(words),
        words,
        q.strip().upper(),
        PER_PAGE + 1,
    )
    page = listed[:PER_PAGE]
    lines = [await _line(each) for each in page]
    return lines, f"{page[-1].at}~{page[-1].id}" if len(listed) > PER_PAGE else None


async def _line(listed: _Listed) -> Line:
    counts = await the(
        _Counts,
        """
        SELECT count(DISTINCT m.notice) AS notices, count(DISTINCT s.id) AS spellings, (
            SELECT o.name FROM supplier_claim c
            JOIN organisation o ON o.id = c.organisation
            JOIN imported_supplier h ON h.id = c.supplier
            WHERE (h.id = {} OR h.shown_as = {}) AND c.granted AND c.released_at IS NULL LIMIT 1
        ) AS holder
        FROM imported_supplier s LEFT JOIN supplier_mention m ON m.supplier = s.id
        WHERE s.id = {} OR s.shown_as = {}
        """,
        *[listed.id] * 4,
    )
    return Line(listed.ref, listed.name, listed.place, counts.notices, counts.spellings, counts.holder)


def _literal(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


class Held(msgspec.Struct, frozen=True):
    """A record that a registered supplier holds, and how many notices name it."""

    ref: str
    name: str
    notices: int


async def of_organisation(organisation: int) -> list[Held]:
    """The records that a registered supplier holds, each with how many notices name it."""
    return await rows(
        Held,
        """
        SELECT DISTINCT r.ref, r.name, (
            SELECT count(DISTINCT m.notice) FROM imported_supplier s JOIN supplier_mention m ON m.supplier = s.id
            WHERE s.id = r.id OR s.shown_as = r.id
        ) AS notices
        FROM supplier_claim c
        JOIN imported_supplier h ON h.id = c.supplier
        JOIN imported_supplier r ON r.id = coalesce(h.shown_as, h.id)
        WHERE c.organisation = {} AND c.granted AND c.released_at IS NULL ORDER BY r.name
        """,
        organisation,
    )


class Likely(msgspec.Struct, frozen=True):
    """A record that may be a registered supplier's own, and the spelling by which it was found."""

    id: int
    ref: str
    name: str
    place: str
    spelling: str
    scheme: str
    identifier: str


async def likely(firm: Organisation) -> list[Likely]:
    """Records that may be a registered supplier's own: the same number, or a name with the same words; at most ten."""
    number = names.identifier(firm.scheme, firm.identifier) or ("", "")
    wanted = set(names.words(firm.name))
    longest = max(wanted, key=len)
    near = await rows(
        Likely,
        """
        SELECT DISTINCT r.id, r.ref, r.name, r.place, s.name AS spelling, s.scheme, s.identifier
        FROM imported_supplier s JOIN imported_supplier r ON r.id = coalesce(s.shown_as, s.id)
        WHERE (s.scheme = {} AND s.identifier = {} AND s.identifier <> '') OR lower(s.name) LIKE {}
        ORDER BY r.id LIMIT 200
        """,
        *number,
        f"%{_literal(longest)}%",
    )
    found = {
        each.ref: each
        for each in near
        if (each.scheme, each.identifier) == number or set(names.words(each.spelling)) == wanted
    }
    return list(found.values())[:10]


class Side(msgspec.Struct, frozen=True):
    """One of two spellings that may be the same, and three of the buyers it worked for."""

    id: int
    ref: str
    name: str
    scheme: str
    identifier: str
    place: str
    notices: int
    buyers: str | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two spellings that may be one supplier, how likely that is in hundredths, and why."""

    ref: str
    percent: int
    evidence: list[Evidence]
    sides: list[Side]


class _Doubt(msgspec.Struct, frozen=True):
    ref: str
    score: int
    evidence: str
    one: int
    other: int


async def doubtful(most: int = 20) -> tuple[int, list[Pair]]:
    """How many pairs of spellings wait for a decision, and the likeliest of them with the evidence."""
    waiting = await the(int, "SELECT count(*) FROM doubtful_suppliers WHERE answered_at IS NULL")
    doubts = await rows(
        _Doubt,
        """
        SELECT p.ref, p.score, p.evidence, p.one, p.other FROM doubtful_suppliers p
        WHERE p.answered_at IS NULL ORDER BY p.score DESC, p.id LIMIT {}
        """,
        most,
    )
    sides = {each.id: each for each in await _sides([side for each in doubts for side in (each.one, each.other)])}
    return waiting, [
        Pair(
            ref=each.ref,
            percent=each.score // 10,
            evidence=evidence_of(each.evidence),
            sides=[sides[each.one], sides[each.other]],
        )
        for each in doubts
    ]


async def _sides(spellings: list[int]) -> list[Side]:
    return await rows(
        Side,
        """
        SELECT s.id, s.ref, s.name, s.scheme, s.identifier, s.place,
            (SELECT count(*) FROM supplier_mention m WHERE m.supplier = s.id) AS notices,
            (
                SELECT string_agg(DISTINCT n.buyer, '; ') FROM (
                    SELECT n.buyer FROM supplier_mention m JOIN imported_notice n ON n.id = m.notice
                    WHERE m.supplier = s.id AND n.buyer <> '' ORDER BY m.id LIMIT 3
                ) n
            ) AS buyers
        FROM imported_supplier s WHERE s.id = ANY({}::int[])
        """,
        spellings,
    )


class Merge(msgspec.Struct, frozen=True):
    """Two spellings that are shown as one, since when, by whom (None when it followed by itself) and why."""

    ref: str
    at: datetime
    by: int | None
    kept: str
    one_ref: str
    one_name: str
    other_ref: str
    other_name: str

    @property
    def evidence(self) -> list[Evidence]:
        """The reasons for and against."""
        return evidence_of(self.kept)


async def merges(most: int = 30) -> list[Merge]:
    """The latest joinings of spellings that stand, newest first."""
    return await rows(
        Merge,
        """
        SELECT m.ref, m.at, m.by, m.evidence AS kept,
            a.ref AS one_ref, a.name AS one_name, b.ref AS other_ref, b.name AS other_name
        FROM supplier_merge m
        JOIN imported_supplier a ON a.id = m.one
        JOIN imported_supplier b ON b.id = m.other
        WHERE m.undone_at IS NULL ORDER BY m.id DESC LIMIT {}
        """,
        most,
    )


class _Shown(msgspec.Struct, frozen=True):
    name: str
    ref: str


async def refs_of(notice: str) -> dict[str, str]:
    """For the suppliers that a notice names, by their names: under which reference each is shown."""
    shown = await rows(
        _Shown,
        """
        SELECT s.name, r.ref FROM imported_notice n
        JOIN supplier_mention m ON m.notice = n.id
        JOIN imported_supplier s ON s.id = m.supplier
        JOIN imported_supplier r ON r.id = coalesce(s.shown_as, s.id)
        WHERE n.ref = {}
        """,
        notice,
    )
    return {each.name: each.ref for each in shown}
