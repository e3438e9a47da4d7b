"""The public face of each record: the row as it is now, turned into what strangers may find, or into nothing.

Every builder takes a reference and answers a document, or None when the record is not public (a draft, a sealed bid, a
record that does not exist): the index then forgets it. Only published facts are read here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime

import msgspec

from challenges.exercise import measures_of
from challenges.insights.rules import Dates as Learnt
from challenges.tables import Challenge, InsightReport
from market import clock
from market.accounts.tables import Organisation
from market.contracts.tables import Contract
from market.db import maybe
from market.kinds import KINDS
from market.portal.intake import keeping
from market.portal.intake import notices as imported
from market.reads import rows
from market.standards.components import catalogue
from market.standards.tables import Service
from market.suppliers import rules as supplier_rules
from market.suppliers.tables import Profile
from market.tenders import cpv
from market.tenders.listing import dates as tendering
from market.tenders.tables import Lot, Tender
from market.waivers.tables import Waiver
from search import experience
from search.documents import Kind, SearchDocument
from search.standing import kept

MOST_DONE = 200
"""Titles of what a supplier has done here that it is found by, those of contracts first."""

Face = Callable[[str], Awaitable[SearchDocument | None]]
Bulk = Callable[[list[str]], Awaitable[dict[str, SearchDocument]]]


def seconds(moment: datetime | None) -> int | None:
    """A moment as whole seconds since 1970 (UTC)."""
    return int(moment.timestamp()) if moment is not None else None


def shortened(text: str, longest: int = 320) -> str:
    """The beginning of a text, cut at a word."""
    flat = " ".join(text.split())
    return flat if len(flat) <= longest else flat[:longest].rsplit(" ", 1)[0] + " …"


def labels(codes: list[str]) -> tuple[str, ...]:
    """What CPV codes mean, in words people would type."""
    return tuple(dict.fromkeys(cpv.label(code) for code in codes if cpv.known(code)))


async def _name(organisation: int) -> str:
    row = await maybe(Organisation, Organisation.id == organisation)
    return row.name if row else ""


async def challenge(ref: str) -> SearchDocument | None:
    """A published challenge; its value is what each pitch is paid."""
    row = await maybe(Challenge, Challenge.ref == ref)
    if row is None or row.published_at is None:
        return None
    measures = [each.sentence for each in await measures_of(row)]
    return SearchDocument(
        kind=Kind.CHALLENGE,
        ref=row.ref,
        url=KINDS["challenge"].address + row.ref,
        title=row.title,
        summary=shortened(row.problem),
        body="\n".join([row.problem, row.who_has_it, row.evidence, row.success, *measures, row.out_of_scope]),
        keywords=labels(row.cpv),
        buyer=await _name(row.buyer),
        cpv=tuple(row.cpv),
        region=row.region,
        **kept("challenge", row, clock.now()),
        value_minor=row.fee_minor,
        currency=row.currency,
        sme_suitable=True,
        opens_at=seconds(row.published_at),
        closes_at=seconds(row.closes_at),
        published_at=seconds(row.published_at),
        popularity=20,
    )


async def tender(ref: str) -> SearchDocument | None:
    """A published tender with what stands in its lots."""
    row = await maybe(Tender, Tender.ref == ref)
    if row is None or row.published_at is None:
        return None
    lots = await Lot.objects().where(Lot.tender == row.id).order_by(Lot.number)
    codes = list(dict.fromkeys([*row.cpv, *(code for lot in lots for code in lot.cpv)]))
    return SearchDocument(
        kind=Kind.TENDER,
        ref=row.ref,
        url=KINDS["tender"].address + row.ref,
        title=row.title,
        summary=shortened(row.description),
        body="\n".join([row.description, *(f"{lot.title}\n{lot.description}" for lot in lots)]),
        keywords=labels(codes),
        buyer=await _name(row.buyer),
        cpv=tuple(codes),
        region=row.region,
        **kept("tender", (await tendering([ref]))[ref], clock.now()),
        value_minor=sum(lot.value_minor for lot in lots),
        currency=row.currency,
        sme_suitable=any(lot.sme_suitable for lot in lots),
        opens_at=seconds(row.published_at),
        closes_at=seconds(row.closes_at),
        published_at=seconds(row.published_at),
        popularity=20,
    )


async def suppliers(refs: list[str]) -> dict[str, SearchDocument]:
    """Suppliers by what they say they can do and what they have done here, many in three queries."""
    firms = await Organisation.objects().where(Organisation.ref.is_in(refs or [""]) & (Organisation.kind == "supplier"))
    ids = [firm.id for firm in firms]
    profiles = {row.organisation: row for row in await Profile.objects().where(Profile.organisation.is_in(ids or [0]))}
    done = await experience.of(ids)
    return {str(firm.ref): _supplier(firm, profiles.get(firm.id), done[firm.id]) for firm in firms}


async def supplier(ref: str) -> SearchDocument | None:
    """One supplier."""
    return (await suppliers([ref])).get(ref)


def _supplier(firm: Organisation, profile: Profile | None, done: list[experience.Done]) -> SearchDocument:
    codes = list(profile.cpv) if profile else []
    counted = Counter(each.kind for each in done)
    return SearchDocument(
        kind=Kind.SUPPLIER,
        ref=firm.ref,
        url=KINDS["supplier"].address + firm.ref,
        title=firm.name,
        summary=profile.summary if profile else "",
        body=profile.description if profile else "",
        keywords=(
            *(profile.capabilities if profile else []),
            *labels(codes),
            *([firm.identifier] if firm.identifier else []),
        ),
        track_record=tuple(dict.fromkeys(each.title for each in done))[:MOST_DONE],
        supplier_names=(firm.name,),
        cpv=tuple(codes),
        region=firm.region,
        sme_suitable=supplier_rules.size_of(firm).small,
        published_at=seconds(firm.created_at),
        certificates=tuple(profile.certificates) if profile else (),
        open_to_partners=bool(profile and profile.open_to_partners),
        experience=tuple(kind for kind in experience.KINDS if counted[kind]),
        popularity=min(1_000, 2 * counted["pitch"] + 5 * counted["contract"]),
    )


async def contract(ref: str) -> SearchDocument | None:
    """A contract that both sides signed."""
    row = await maybe(Contract, Contract.ref == ref)
    if row is None or row.buyer_signed_at is None or row.supplier_signed_at is None:
        return None
    lot = await maybe(Lot, Lot.id == row.lot)
    tendered = await maybe(Tender, Tender.id == row.tender)
    firm = await maybe(Organisation, Organisation.id == row.supplier)
    signed = max(row.buyer_signed_at, row.supplier_signed_at)
    codes = list(lot.cpv) if lot else []
    return SearchDocument(
        kind=Kind.CONTRACT,
        ref=row.ref,
        url=KINDS["contract"].address + row.ref,
        title=row.title,
        summary=shortened(f"{tendered.title if tendered else ''}. {lot.description if lot else ''}"),
        body=row.terms,
        keywords=labels(codes),
        buyer=await _name(row.buyer),
        supplier_names=(firm.name,) if firm else (),
        cpv=tuple(codes),
        region=tendered.region if tendered else "",
        **kept("contract", row, clock.now()),
        value_minor=row.value_minor,
        currency=row.currency,
        sme_suitable=supplier_rules.size_of(firm).small if firm else None,
        published_at=seconds(signed),
        popularity=10,
    )


async def insight_report(ref: str) -> SearchDocument | None:
    """What an exercise taught, once it is published."""
    row = await maybe(InsightReport, InsightReport.ref == ref)
    if row is None or row.published_at is None:
        return None
    exercise = await maybe(Challenge, Challenge.id == row.challenge)
    if exercise is None:
        return None
    return SearchDocument(
        kind=Kind.INSIGHT_REPORT,
        ref=row.ref,
        url=KINDS["insight_report"].address + row.ref,
        title=row.title,
        summary=shortened(row.worked),
        body="\n".join([row.tried, row.worked, row.did_not_work, row.evidence, row.others, exercise.title]),
        keywords=labels(exercise.cpv),
        buyer=await _name(exercise.buyer),
        cpv=tuple(exercise.cpv),
        region=exercise.region,
        **kept("insight_report", Learnt(exercise.decision, row.published_at), clock.now()),
        published_at=seconds(row.published_at),
        popularity=15,
    )


async def waiver(ref: str) -> SearchDocument | None:
    """A waiver that a minister has granted or refused."""
    row = await maybe(Waiver, Waiver.ref == ref)
    if row is None or row.decided_at is None:
        return None
    waived = await maybe(Tender, Tender.id == row.tender)
    if waived is None:
        return None
    return SearchDocument(
        kind=Kind.WAIVER,
        ref=row.ref,
        url=KINDS["waiver"].address + row.ref,
        title=f"Waiver {'refused' if row.refusal_reason else 'granted'}: {waived.title}",
        summary=shortened(row.statement),
        body="\n".join([row.statement, row.cost_of_waiting, row.refusal_reason]),
        keywords=labels(waived.cpv),
        buyer=await _name(row.buyer),
        cpv=tuple(waived.cpv),
        region=waived.region,
        **kept("waiver", row, clock.now()),
        published_at=seconds(row.decided_at),
        closes_at=None if row.refusal_reason else seconds(row.valid_until),
    )


async def component(ref: str) -> SearchDocument | None:
    """A component of the catalogue, with the profiles it is certified under; of a confidential one that it exists."""
    row = await maybe(Service, Service.ref == ref)
    if row is None or row.withdrawn_at is not None:
        return None
    found = (await catalogue.listed(ref=ref)).items
    if not found:
        return None
    shown = found[0]
    return SearchDocument(
        kind=Kind.COMPONENT,
        ref=row.ref,
        url=KINDS["component"].address + row.ref,
        title=shown.title,
        summary=shortened(shown.does),
        body="" if row.private else "\n".join([row.does, row.used_by, row.price_terms]),
        keywords=(*shown.passed, *labels(list(shown.cpv))),
        supplier_names=(shown.supplier,),
        cpv=tuple(shown.cpv),
        **kept("component", shown, clock.now()),
        published_at=seconds(row.listed_at),
        profile_passed=bool(shown.passed) if shown.versions else None,
        licence=shown.licence,
        popularity=10 + 20 * bool(shown.passed),
    )


class Elsewhere(msgspec.Struct, frozen=True):
    """A notice as it is kept, with the portal it stands on."""

    ref: str
    facts: str
    portal: str
    licence: str


async def notices(refs: list[str]) -> dict[str, SearchDocument]:
    """Notices of other portals, by reference, in one query: those that are shown themselves and are no tests."""
    found = await rows(
        Elsewhere,
        """
        SELECT n.ref, n.facts, s.title AS portal, s.licence FROM imported_notice n JOIN source s ON s.id = n.source
        WHERE n.ref = ANY({}::text[]) AND n.shown_as IS NULL AND NOT n.test
        """,
        refs,
    )
    now = clock.now()
    return {each.ref: _notice(each.ref, keeping.facts_of(each.facts), each.portal, each.licence, now) for each in found}


async def notice(ref: str) -> SearchDocument | None:
    """One notice of another portal."""
    return (await notices([ref])).get(ref)


def _notice(ref: str, facts: imported.Notice, portal: str, licence: str, now: datetime) -> SearchDocument:
    return SearchDocument(
        kind=Kind.NOTICE,
        ref=ref,
        url=KINDS["notice"].address + ref,
        title=facts.title,
        summary=shortened(facts.description),
        body=facts.description,
        keywords=labels(list(facts.cpv)),
        buyer=facts.buyer.name if facts.buyer else "",
        supplier_names=tuple(dict.fromkeys(each.name for each in facts.suppliers)),
        cpv=facts.cpv,
        region=facts.region or "",
        **kept("notice", facts, now),
        value_minor=facts.value_minor,
        currency=facts.currency or "",
        sme_suitable=facts.sme_suitable,
        source=portal,
        licence=licence,
        opens_at=seconds(facts.opens_at),
        closes_at=seconds(facts.closes_at),
        published_at=seconds(facts.published_at),
    )


FACES: dict[str, Face] = {
    "challenge": challenge,
    "tender": tender,
    "supplier": supplier,
    "contract": contract,
    "insight_report": insight_report,
    "waiver": waiver,
    "component": component,
    "notice": notice,
}
"""How each kind that can be found is shown."""

BULK: dict[str, Bulk] = {"notice": notices, "supplier": suppliers}
"""Kinds that come by the thousand, and how many of them are read at once; who is left out of the answer is not public."""


class UnknownKind(ValueError):
    """The outbox names what is no kind of record."""


async def subjects_behind(subject: str) -> list[str]:
    """The subject itself and every record whose face it changes. An unknown kind is an error, never passed over."""
    kind, _, ref = subject.partition(":")
    if kind not in KINDS:
        raise UnknownKind(f"{kind!r} is no kind of record")
    query = KINDS[kind].behind
    behind = await rows(str, query, *[ref] * query.count("{}")) if query else []
    return [subject] * KINDS[kind].findable + behind


async def faces_of(subjects: list[str]) -> dict[str, SearchDocument | None]:
    """The documents of many subjects; kinds that come by the thousand are read together."""
    found: dict[str, SearchDocument | None] = dict.fromkeys(subjects)
    by_kind: dict[str, list[str]] = {}
    for subject in subjects:
        kind, _, ref = subject.partition(":")
        by_kind.setdefault(kind, []).append(ref)
    for kind, refs in by_kind.items():
        if kind in BULK:
            found.update({f"{kind}:{ref}": document for ref, document in (await BULK[kind](refs)).items()})
        else:
            for ref in refs:
                found[f"{kind}:{ref}"] = await FACES[kind](ref)
    return found


async def face(subject: str) -> SearchDocument | None:
    """The document of `kind:reference` as the record is now, None when it is not public."""
    kind, _, ref = subject.partition(":")
    return await FACES[kind](ref)
