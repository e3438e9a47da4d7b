"""What pages and the API show of other portals: read here once, so that both say the same."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from market import clock
from market.db import find, maybe
from market.money import Money
from market.portal.intake import keeping
from market.portal.intake.merging import Version
from market.portal.intake.notices import Notice, minor_units, money, standing
from market.portal.intake.reading import Note
from market.portal.intake.spellings import instant, moment
from market.portal.sameness.evidence import evidence_of, reasons_for
from market.portal.sameness.matching import Evidence
from market.portal.tables import ImportedNotice, Source
from market.reads import rows, the
from market.refusals import NotFound
from market.standing import Standing
from market.wording import N_, _


@dataclass(frozen=True, slots=True)
class LotShown:
    """One lot as the notice describes it."""

    title: str
    description: str
    value: Money | None
    status: str


@dataclass(frozen=True, slots=True)
class Step:
    """One release in the history of a notice: its tags as they were published, what they mean, and what it touched."""

    when: datetime
    release: str
    text: str
    words: str
    detail: str | None


TAGS = {
    "planning": N_("Planned"),
    "planningUpdate": N_("Plans changed"),
    "tender": N_("Published"),
    "tenderAmendment": N_("Changed"),
    "tenderUpdate": N_("Updated"),
    "tenderCancellation": N_("Cancelled"),
    "award": N_("Awarded"),
    "awardUpdate": N_("Award changed"),
    "awardCancellation": N_("Award taken back"),
    "contract": N_("Contract"),
    "contractUpdate": N_("Contract updated"),
    "contractAmendment": N_("Contract changed"),
    "contractTermination": N_("Contract ended"),
    "implementation": N_("Carried out"),
    "implementationUpdate": N_("Progress told"),
    "compiled": N_("Compiled"),
}
"""What the release tags of the Open Contracting Data Standard mean to people."""

TOUCHED = {
    "tender.tenderPeriod": "the time to bid",
    "tender.enquiryPeriod": "the time for questions",
    "tender.value": "the value",
    "tender.documents": "the documents",
    "tender.amendments": "the amendments",
    "tender.title": "the title",
    "tender.description": "the description",
    "tender.items": "what is bought",
    "tender.lots": "the lots",
    "tender.status": "the status",
    "tender": "the tender",
    "awards": "the awards",
    "contracts": "the contracts",
    "bids": "the bids",
    "buyer": "the buyer",
    "parties": "the parties",
    "planning": "the plans",
}
"""Parts of a release as people name them; the first that a changed path begins with says it."""


@dataclass(frozen=True, slots=True)
class Origin:
    """One portal on which the procurement stands: the portal, the notice there, and why it is taken for the same."""

    ref: str
    ocid: str
    portal: str
    name: str
    licence: str
    licence_url: str
    link: str | None
    updated_at: datetime | None
    merge: str | None = None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """One procurement with everything its page needs. The first origin is the notice itself."""

    ref: str
    facts: Notice
    standing: Standing
    value: Money | None
    awarded: Money | None
    lots: list[LotShown]
    history: list[Step]
    notes: list[Note]
    origins: list[Origin]


@dataclass(frozen=True, slots=True)
class PortalShown:
    """One source with its counts, its last run and its quality report (None before the first run ended)."""

    row: Source
    notices: int
    quarantined: int
    last_read: datetime | None
    quality: dict[str, Any] | None

    @property
    def failing(self) -> list[dict[str, Any]]:
        """The checks that did not hold everywhere, the worst first."""
        return [each for each in self.quality["checks"] if each["failed"]] if self.quality else []


async def notice(ref: str) -> Shown | str:
    """The procurement with this reference, or the reference it is shown under when it was joined to another."""
    row = await find(ImportedNotice, ImportedNotice.ref == ref)
    if row.shown_as is not None:
        return str((await find(ImportedNotice, ImportedNotice.id == row.shown_as)).ref)
    facts = keeping.facts_of(row.facts)
    compiled = msgspec.json.decode(keeping.unpacked(row.compiled))
    return Shown(
        ref=row.ref,
        facts=facts,
        standing=standing(facts, clock.now()),
        value=money(facts.value_minor, facts.currency),
        awarded=money(facts.awarded_minor, facts.awarded_currency),
        lots=_lots(compiled),
        history=_history(row.history),
        notes=msgspec.json.decode(row.notes or "[]", type=list[Note]),
        origins=await _origins(row),
    )


def _lots(compiled: dict[str, Any]) -> list[LotShown]:
    tender = compiled.get("tender")
    lots = tender.get("lots") if isinstance(tender, dict) else None
    shown = []
    for each in lots if isinstance(lots, list) else []:
        value = each.get("value") if isinstance(each.get("value"), dict) else {}
        minor = minor_units(value.get("amount"), value.get("currency"))
        title = each.get("title") or f"Lot {each.get('id')}"
        shown.append(
            LotShown(
                str(title), str(each.get("description") or ""), money(minor, value.get("currency")), str(each.get("status") or "")
            )
        )  # fmt: skip
    return shown


def _history(text: str) -> list[Step]:
    steps: list[Step] = []
    for each in msgspec.json.decode(text or "[]", type=list[Version]):
        made = moment(each.date)[0]
        if made is None:
            continue
        first = not steps
        words = ", ".join(_(TAGS.get(tag, tag)) for tag in each.tags) or _("Released")
        touched = ", ".join(dict.fromkeys(_part(path) for path in each.changed))
        detail = (
            (_("About: {parts}.", parts=touched) if first else _("Changed: {parts}.", parts=touched))
            if touched
            else None
        )
        steps.append(Step(instant(made), each.release_id, ", ".join(each.tags) or "release", words, detail))
    return steps[::-1]


def _part(path: str) -> str:
    """What a path such as `awards[a1].date` or `tender.tenderPeriod.endDate` is about."""
    plain = re.sub(r"\[[^]]*\]", "", path)
    return next((words for start, words in TOUCHED.items() if plain == start or plain.startswith(f"{start}.")), plain)


class _Published(msgspec.Struct, frozen=True):
    id: int
    ref: str
    ocid: str
    facts: str
    updated_at: datetime | None
    portal: str
    name: str
    licence: str
    licence_url: str
    home: str


class _Joining(msgspec.Struct, frozen=True):
    ref: str
    other: int
    evidence: str


async def _origins(row: ImportedNotice) -> list[Origin]:
    published = await rows(
        _Published,
        """
        SELECT n.id, n.ref, n.ocid, n.facts, n.updated_at, s.title AS portal, s.name, s.licence, s.licence_url, s.home
        FROM imported_notice n JOIN source s ON s.id = n.source
        WHERE n.id = {} OR n.shown_as = {} ORDER BY n.id
        """,
        row.id,
        row.id,
    )
    joinings = await rows(
        _Joining,
        """
        SELECT ref, other, evidence FROM notice_merge
        WHERE undone_at IS NULL AND other = ANY({}::int[]) ORDER BY id
        """,
        [each.id for each in published],
    )
    why = {each.other: each for each in joinings}
    origins = []
    for each in published:
        merge = why.get(each.id) if each.id != row.id else None
        origins.append(
            Origin(
                ref=each.ref,
                ocid=each.ocid,
                portal=each.portal,
                name=each.name,
                licence=each.licence,
                licence_url=each.licence_url,
                link=keeping.facts_of(each.facts).link or each.home or None,
                updated_at=each.updated_at,
                merge=merge.ref if merge else None,
                because=reasons_for(merge.evidence) if merge else "",
            )
        )
    return origins


async def portals() -> list[PortalShown]:
    """Every source that has been read, the one with most notices first."""
    return [each for each in await _portals() if each.notices or each.last_read]


async def portal(name: str) -> PortalShown:
    """One source by its name, read or not."""
    row = await maybe(Source, Source.name == name)
    if row is None:
        raise NotFound("Source")
    return (await _portals(row))[0]


class _Counts(msgspec.Struct, frozen=True):
    id: int
    notices: int
    quarantined: int
    last_read: datetime | None


async def _portals(only: Source | None = None) -> list[PortalShown]:
    counted = await rows(
        _Counts,
        """
        SELECT s.id,
            (SELECT count(*) FROM imported_notice n WHERE n.source = s.id) AS notices,
            (SELECT count(*) FROM quarantined q WHERE q.source = s.id AND q.mended_at IS NULL) AS quarantined,
            (SELECT max(ended_at) FROM import_run r WHERE r.source = s.id) AS last_read
        FROM source s
        """,
    )
    counts = {each.id: each for each in counted}
    sources = [only] if only else await Source.objects().order_by(Source.name)
    shown = [
        PortalShown(
            row=source,
            notices=counts[source.id].notices,
            quarantined=counts[source.id].quarantined,
            last_read=counts[source.id].last_read,
            quality=msgspec.json.decode(source.quality) if source.quality else None,
        )
        for source in sources
    ]
    return sorted(shown, key=lambda each: (-each.notices, each.row.name))


class RunShown(msgspec.Struct, frozen=True):
    """One run of a source: what it read and what became of that."""

    ref: str
    origin: str
    started_at: datetime
    ended_at: datetime | None
    read: int
    new: int
    changed: int
    unchanged: int
    rejected: int
    failure: str


async def runs(source: int) -> list[RunShown]:
    """The last runs of a source, newest first."""
    return await rows(
        RunShown,
        """
        SELECT ref, origin, started_at, ended_at, read, new, changed, unchanged, rejected, failure
        FROM import_run WHERE source = {} ORDER BY id DESC LIMIT 20
        """,
        source,
    )


class Broken(msgspec.Struct, frozen=True):
    """Something that waits to be mended: where it stood, why it could not be read, and at which portal."""

    id: int
    ref: str
    position: str
    reason: str
    at: datetime
    portal: str
    name: str


async def quarantine(source: str, before: int | None, most: int = 50) -> list[Broken]:
    """What waits to be mended, newest first: of one source (its name) or of all (an empty one), before the id `before`."""
    return await rows(
        Broken,
        """
        SELECT q.id, q.ref, q.position, q.reason, q.at, s.title AS portal, s.name
        FROM quarantined q JOIN source s ON s.id = q.source
        WHERE q.mended_at IS NULL AND ({} = '' OR s.name = {}) AND q.id < {}
        ORDER BY q.id DESC LIMIT {}
        """,
        source,
        source,
        before or 2**31 - 1,
        most,
    )


@dataclass(frozen=True, slots=True)
class Side:
    """One of two notices that may be the same."""

    ref: str
    portal: str
    title: str
    buyer: str
    closes_at: datetime | None
    value: Money | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two notices that may be one procurement, how likely that is in hundredths, and why."""

    ref: str
    percent: int
    evidence: list[Evidence]
    sides: list[Side]


class _Doubt(msgspec.Struct, frozen=True):
    ref: str
    score: int
    evidence: str
    one_ref: str
    one_facts: str
    one_portal: str
    other_ref: str
    other_facts: str
    other_portal: str


async def doubtful(most: int = 20) -> tuple[int, list[Pair]]:
    """How many pairs wait for a decision, and the likeliest of them with both notices and the evidence."""
    waiting = await the(int, "SELECT count(*) FROM doubtful_pair WHERE answered_at IS NULL")
    doubts = await rows(
        _Doubt,
        """
        SELECT p.ref, p.score, p.evidence, a.ref AS one_ref, a.facts AS one_facts, sa.title AS one_portal,
            b.ref AS other_ref, b.facts AS other_facts, sb.title AS other_portal
        FROM doubtful_pair p
        JOIN imported_notice a ON a.id = p.one JOIN source sa ON sa.id = a.source
        JOIN imported_notice b ON b.id = p.other JOIN source sb ON sb.id = b.source
        WHERE p.answered_at IS NULL ORDER BY p.score DESC, p.id LIMIT {}
        """,
        most,
    )
    return waiting, [
        Pair(
            ref=each.ref,
            percent=each.score // 10,
            evidence=evidence_of(each.evidence),
            sides=[
                _side(each.one_ref, each.one_portal, keeping.facts_of(each.one_facts)),
                _side(each.other_ref, each.other_portal, keeping.facts_of(each.other_facts)),
            ],
        )
        for each in doubts
    ]


def _side(ref: str, portal: str, facts: Notice) -> Side:
    return Side(
        ref=ref,
        portal=portal,
        title=facts.title,
        buyer=facts.buyer.name if facts.buyer else _("not named"),
        closes_at=facts.closes_at,
        value=money(facts.value_minor, facts.currency),
    )


class Merge(msgspec.Struct, frozen=True):
    """Two notices that are shown as one, since when, by whom (None when it followed by itself) and why."""

    ref: str
    at: datetime
    by: int | None
    kept: str
    one_ref: str
    one_title: str
    one_portal: str
    other_ref: str
    other_title: str
    other_portal: str

    @property
    def evidence(self) -> list[Evidence]:
        """The reasons for and against."""
        return evidence_of(self.kept)


async def merges(most: int = 30) -> list[Merge]:
    """The latest joinings that stand, newest first."""
    return await rows(
        Merge,
        """
        SELECT m.ref, m.at, m.by, m.evidence AS kept, a.ref AS one_ref, a.title AS one_title, sa.title AS one_portal,
            b.ref AS other_ref, b.title AS other_title, sb.title AS other_portal
        FROM notice_merge m
        JOIN imported_notice a ON a.id = m.one JOIN source sa ON sa.id = a.source
        JOIN imported_notice b ON b.id = m.other JOIN source sb ON sb.id = b.source
        WHERE m.undone_at IS NULL ORDER BY m.id DESC LIMIT {}
        """,
        most,
    )
