"""Our procurements as releases of the Open Contracting Data Standard 1.1.5.

A challenge is a planning process with an ocid of its own; a tender is another process that names it in
`relatedProcesses` with the relationship `planning`
(https://standard.open-contracting.org/1.1/en/guidance/map/related_processes/). Each release says everything that is
public at its moment, and its tags say what changed, so a reader may take the latest alone or merge them all.

Amounts leave as exact decimals of the minor units, moments in UTC. How many bids came is published only once the
envelopes of that lot are open; a count that claims otherwise is refused, since it would betray a sealed competition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from market import ocds, workdays
from market.contracts import rules as contracts
from market.money import Money
from market.opendata.facts import (
    Award,
    BidCount,
    Challenge,
    Contract,
    Document,
    Lot,
    Milestone,
    Organisation,
    Payment,
    Pitch,
    Publisher,
    Step,
    Tender,
)
from market.tenders import rules as tenders
from market.wording import _

TAGS = ocds.release_tags() - {"compiled"}
"""The tags a release of ours may carry (OCDS releaseTag, closed list, without `compiled`)."""


def challenge_ocid(publisher: Publisher, key: str) -> str:
    """The ocid of a challenge. It never changes, whatever becomes of the challenge."""
    return f"{publisher.prefix}-challenge-{key}"


def tender_ocid(publisher: Publisher, key: str) -> str:
    """The ocid of a tender and of everything that follows from it."""
    return f"{publisher.prefix}-tender-{key}"


def challenge_release(challenge: Challenge, step: Step, publisher: Publisher) -> dict[str, Any]:
    """A challenge as a planning release: the problem, the money for pitches, the milestones, what was paid and learnt.

    Each paid place is an award and a contract of its own within the process, so that the fees can be followed to the
    transaction.
    """
    parties = _Parties(publisher)
    buyer = parties.add(challenge.buyer, "buyer")
    release = _frame(challenge_ocid(publisher, challenge.key), step, publisher)
    release["title"] = challenge.title
    release["description"] = challenge.problem
    release["buyer"] = buyer
    rationale = [
        challenge.problem,
        challenge.evidence,
        *(_("Success means: {each}", each=each) for each in challenge.success),
    ]
    fees, budget = Money(challenge.fee.minor * challenge.places, challenge.fee.currency), challenge.budget
    planning: dict[str, Any] = {
        "rationale": "\n\n".join(each for each in rationale if each),
        "budget": _filled(
            id=budget.key if budget else "pitches",
            description=_("{places} paid places at the same fee, win or lose", places=challenge.places),
            amount=_value(budget.reserved if budget else fees),
            project=challenge.mission,
            projectID=challenge.mission_key,
        ),
    }
    planning["documents"] = _documents(challenge.documents)
    planning["milestones"] = _milestones(_challenge_milestones(challenge), step.at)
    release["planning"] = _pruned(planning)
    status = "cancelled" if _past(challenge.cancelled_at, step.at) else "planning"
    release["tender"] = _filled(
        id=challenge.key,
        title=challenge.title,
        description=challenge.problem,
        status=status,
        mainProcurementCategory=challenge.category,
        procurementMethodDetails=challenge.method,
        items=_items(challenge.cpv, None) or None,
        documents=_cancellation(
            challenge.key, challenge.cancelled_at, challenge.cancelled_because, publisher, "challenges"
        ),
    )
    pitches = [each for each in challenge.pitches if each.agreed_at <= step.at]
    if pitches:
        release["awards"] = [_pitch_award(each, parties, step.at) for each in pitches]
        release["contracts"] = [_pitch_contract(each, parties, step.at) for each in pitches]
    release["parties"] = parties.listed()
    return release


def tender_release(tender: Tender, step: Step, publisher: Publisher) -> dict[str, Any]:
    """A tender with its lots and whatever has followed by the moment of `step`: bids opened, awards, contracts, payments.

    Refused (ValueError): a count of bids that were not yet opened, or opened before the deadline.
    """
    parties = _Parties(publisher)
    release = _frame(tender_ocid(publisher, tender.key), step, publisher)
    release["title"] = tender.title
    release["buyer"] = parties.add(tender.buyer, "buyer", "procuringEntity")
    if tender.budget is not None:
        reserved = _value(tender.budget.reserved)
        release["planning"] = {
            "budget": _filled(id=tender.budget.key, description=tender.budget.purpose, amount=reserved)
        }
    release["tender"] = _tender(tender, step.at, publisher, parties)
    statistics = [_statistics(each, tender, step.at) for each in tender.bids]
    if statistics:
        release["bids"] = {"statistics": [one for each in statistics for one in each]}
    awards = [each for each in tender.awards if each.decided_at <= step.at]
    if awards:
        release["awards"] = [_award(each, tender, parties, step.at) for each in awards]
    if tender.contracts:
        release["contracts"] = [_contract(each, tender, parties, step.at) for each in tender.contracts]
    if tender.exercise is not None:
        release["relatedProcesses"] = [
            _filled(
                id="1",
                relationship=["planning"],
                title=tender.exercise.title,
                scheme="ocid",
                identifier=tender.exercise.ocid,
                uri=tender.exercise.uri,
            )
        ]
    release["parties"] = parties.listed()
    return release


def amount(money: Money) -> int | Decimal:
    """The amount in major units, exact: 1234 minor units of GBP are 12.34, of JPY 1234. Never through a float."""
    major = money.major
    return int(major) if major == major.to_integral_value() else major


def date(moment: datetime) -> str:
    """A moment as RFC 3339 in UTC. A naive moment is refused: readers would place it in another hour."""
    if moment.tzinfo is None:
        raise ValueError("a published moment needs its zone")
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds" if moment.microsecond else "seconds")
    return text.replace("+00:00", "Z")


# ── parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Parties:
    """The organisations of one release, each once, with the roles they were met in."""

    def __init__(self, publisher: Publisher) -> None:
        self._prefix = publisher.prefix
        self._met: dict[str, tuple[Organisation, list[str]]] = {}

    def add(self, organisation: Organisation, *roles: str) -> dict[str, Any]:
        known = organisation.scheme and organisation.number
        own = f"{organisation.scheme}-{organisation.number}" if known else f"{self._prefix}-org-{organisation.key}"
        met = self._met.setdefault(own, (organisation, []))[1]
        met += [role for role in roles if role not in met]
        return {"id": own, "name": organisation.name}

    def listed(self) -> list[dict[str, Any]]:
        return [self._party(own, one, roles) for own, (one, roles) in self._met.items()]

    @staticmethod
    def _party(own: str, one: Organisation, roles: list[str]) -> dict[str, Any]:
        identifier = None
        if one.scheme and one.number:
            identifier = _filled(scheme=one.scheme, id=one.number, legalName=one.name, uri=one.uri)
        address = _filled(
            streetAddress=one.street,
            locality=one.locality,
            region=one.region,
            postalCode=one.postcode,
            countryName=one.country,
        )
        details = {"scale": one.scale} if one.scale else None
        return _filled(
            id=own, name=one.name, identifier=identifier, address=address or None, roles=roles, details=details
        )


def _frame(ocid: str, step: Step, publisher: Publisher) -> dict[str, Any]:
    unknown = set(step.tags) - TAGS
    if unknown or not step.tags:
        raise ValueError(f"a release needs tags of the standard's list, not {sorted(unknown) or 'none'}")
    return {
        "ocid": ocid,
        "id": f"{ocid}-{step.key}",
        "date": date(step.at),
        "tag": list(step.tags),
        "initiationType": "tender",
        "language": publisher.language,
        "parties": [],
    }


def _tender(tender: Tender, now: datetime, publisher: Publisher, parties: _Parties) -> dict[str, Any]:
    held = [each.value for each in tender.lots if each.value is not None]
    whole = None
    if held and len(held) == len(tender.lots) and len({each.currency for each in held}) == 1:
        whole = Money(sum(each.minor for each in held), held[0].currency)
    documents = [*_documents(tender.documents), *(_waiver(tender) or ())]
    cancelled = _cancellation(tender.key, tender.cancelled_at, tender.cancelled_because, publisher, "tenders")
    documents += cancelled or ()
    limits = _filled(
        maximumLotsBidPerSupplier=tender.most_lots_bid, maximumLotsAwardedPerSupplier=tender.most_lots_awarded
    )
    starts = [each.starts_at for each in tender.lots if each.starts_at]
    ends = [each.ends_at for each in tender.lots if each.ends_at]
    return _filled(
        id=tender.key,
        title=tender.title,
        description=tender.description,
        status=_tender_status(tender, now),
        procuringEntity=parties.add(tender.buyer, "procuringEntity"),
        value=_value(whole) if whole else None,
        procurementMethod=tender.method,
        procurementMethodDetails=tender.method_details,
        procurementMethodRationale=_rationale(tender),
        mainProcurementCategory=tender.category,
        awardCriteria="ratedCriteria" if any(each.criteria for each in tender.lots) else None,
        submissionMethod=["electronicSubmission"],
        submissionMethodDetails=f"{publisher.site}/tenders/{tender.key}",
        tenderPeriod=_period(tender.published_at, tender.closes_at),
        enquiryPeriod=_period(tender.published_at, tender.questions_close_at) if tender.questions_close_at else None,
        hasEnquiries=tender.has_questions,
        contractPeriod=_period(min(starts, default=None), max(ends, default=None)),
        items=[item for each in tender.lots for item in _items(each.cpv, each.key)] or None,
        lots=[_lot(each, tender, now) for each in tender.lots],
        lotDetails=limits or None,
        documents=documents or None,
        milestones=_milestones(tender.milestones, now) or None,
        suitability={"sme": tender.sme_suitable} if tender.sme_suitable is not None else None,
    )


def _rationale(tender: Tender) -> str | None:
    said = [tender.rationale]
    if tender.waiver:
        said.append(
            _("Tendered without an innovation exercise under a signed waiver: {ground}", ground=tender.waiver.ground)
        )
    elif tender.exercise:
        said.append(
            _(
                "Follows the innovation exercise {title} ({ocid}).",
                title=tender.exercise.title,
                ocid=tender.exercise.ocid,
            )
        )
    if tender.undivided_because:
        said.append(_("Not divided into lots: {undivided_because}", undivided_because=tender.undivided_because))
    return " ".join(each for each in said if each) or None


def _waiver(tender: Tender) -> list[dict[str, Any]] | None:
    if tender.waiver is None:
        return None
    return [
        {
            "id": f"waiver-{tender.waiver.key}",
            "documentType": "procurementMethodRationale",
            "title": tender.waiver.title,
            "description": tender.waiver.ground,
            "url": tender.waiver.url,
            "datePublished": date(tender.waiver.signed_at),
        }
    ]


def _cancellation(
    key: str, at: datetime | None, because: str | None, publisher: Publisher, folder: str
) -> list[dict[str, Any]] | None:
    if at is None:
        return None
    return [
        _filled(
            id=f"cancellation-{key}",
            documentType="cancellationDetails",
            title=_("Why this was cancelled"),
            description=because,
            url=f"{publisher.site}/{folder}/{key}",
            datePublished=date(at),
        )
    ]


TENDER_STATUS: dict[str, str] = {
    "draft": "planned",
    "questions": "active",
    "open": "active",
    "closed": "active",
    "evaluation": "active",
    "decided": "complete",
    "cancelled": "cancelled",
}
CONTRACT_STATUS: dict[str, str] = {
    "unsigned": "pending",
    "in-force": "active",
    "ended": "terminated",
    "given-up": "cancelled",
}
"""The code of OCDS's own lists (tenderStatus, contractStatus) for each stage."""


def _by(at: datetime | None, now: datetime) -> datetime | None:
    return at if _past(at, now) else None


def _tender_status(tender: Tender, now: datetime) -> str:
    states = [_lot_status(each, tender, now) for each in tender.lots]
    decided = [each.decided_at for each in tender.awards] + [each.unsuccessful_at for each in tender.lots]
    opened = min((at for at in decided if at is not None and at <= now), default=None)
    dates = tenders.Dates(
        published_at=_by(tender.published_at, now),
        questions_until=None,
        closes_at=tender.closes_at,
        opened_at=opened,
        cancelled_at=_by(tender.cancelled_at, now),
        waiver_asked="",
        lots=len(states),
        decided=len([each for each in states if each in ("complete", "unsuccessful", "cancelled")]),
    )
    status = TENDER_STATUS[tenders.standing(dates, now).stage]
    if states and set(states) == {"cancelled"}:
        return "cancelled"
    return "unsuccessful" if status == "complete" and "complete" not in states else status


def _lot_status(lot: Lot, tender: Tender, now: datetime) -> str:
    if _past(lot.cancelled_at, now) or _past(tender.cancelled_at, now):
        return "cancelled"
    if _past(lot.unsuccessful_at, now):
        return "unsuccessful"
    stands = any(
        lot.key in each.lots and each.decided_at <= now and not _past(each.withdrawn_at, now) for each in tender.awards
    )
    if stands:
        return "complete"
    return "planned" if now < tender.published_at else "active"


def _lot(lot: Lot, tender: Tender, now: datetime) -> dict[str, Any]:
    criteria = ", ".join(_("{name} {weight} of 100", name=name, weight=weight) for name, weight in lot.criteria)
    said = lot.description
    if criteria:
        said = _("{description}\n\nAward criteria: {criteria}", description=said, criteria=criteria)
    if lot.maximum is not None:
        # The lots extension has a value and no highest price: it is said in words.
        said = _("{description}\n\nHighest price that is taken: {maximum}", description=said, maximum=lot.maximum)
    return _filled(
        id=lot.key,
        title=lot.title,
        description=said,
        status=_lot_status(lot, tender, now),
        value=_value(lot.value) if lot.value else None,
        contractPeriod=_period(lot.starts_at, lot.ends_at),
        suitability={"sme": lot.sme_suitable} if lot.sme_suitable is not None else None,
    )


def _items(cpv: Iterable[str], lot: str | None) -> list[dict[str, Any]]:
    codes = list(dict.fromkeys(cpv))
    if not codes:
        return []
    return [
        _filled(
            id=lot or "1",
            classification={"scheme": "CPV", "id": codes[0]},
            additionalClassifications=[{"scheme": "CPV", "id": code} for code in codes[1:]] or None,
            relatedLot=lot,
        )
    ]


def _statistics(count: BidCount, tender: Tender, now: datetime) -> Iterator[dict[str, Any]]:
    if count.opened_at < tender.closes_at or count.opened_at > now:
        raise ValueError("how many bids came is not published before the envelopes are open")
    measures = (("bids", count.received), ("validBids", count.valid), ("smeBids", count.from_sme))
    for measure, value in measures:
        if value is not None:
            yield {
                "id": f"{measure}-{count.lot}",
                "measure": measure,
                "date": date(count.opened_at),
                "value": value,
                "relatedLot": count.lot,
            }


def _award(award: Award, tender: Tender, parties: _Parties, now: datetime) -> dict[str, Any]:
    codes = [code for lot in tender.lots if lot.key in award.lots for code in lot.cpv]
    waits = _("Standstill until {date}.", date=date(award.standstill_ends_at)) if award.standstill_ends_at else None
    return _filled(
        id=award.key,
        title=award.title,
        description=" ".join(each for each in (award.reasons, waits) if each) or None,
        status="cancelled" if _past(award.withdrawn_at, now) else "active",
        date=date(award.decided_at),
        value=_value(award.value),
        suppliers=[parties.add(each, "supplier") for each in award.suppliers],
        items=_items(codes, None) or None,
        relatedLots=list(award.lots) or None,
        documents=_documents(award.documents) or None,
    )


def _contract(contract: Contract, tender: Tender, parties: _Parties, now: datetime) -> dict[str, Any]:
    award = next((each for each in tender.awards if each.key == contract.award), None)
    if award is None:
        raise ValueError(f"contract {contract.key} names the award {contract.award}, which is not among the facts")
    signed = _by(contract.signed_at, now)
    dates = contracts.Dates(
        drawn_up_at=None,
        buyer_signed_at=signed,
        supplier_signed_at=signed,
        ends_on=workdays.local_day(contract.ends_at) if contract.ends_at else None,
        ended_at=_by(contract.terminated_at, now),
    )
    changes = [
        _filled(id=each.key, date=date(each.agreed_at), rationale=each.rationale, description=each.description)
        for each in contract.changes
    ]
    return _filled(
        id=contract.key,
        awardID=contract.award,
        title=contract.title,
        description=contract.description,
        status=CONTRACT_STATUS[contracts.standing(dates, now).stage],
        period=_period(contract.starts_at, contract.ends_at),
        value=_value(contract.value),
        dateSigned=date(contract.signed_at) if contract.signed_at and signed else None,
        documents=_documents(contract.documents) or None,
        amendments=changes or None,
        implementation=_implementation(contract.payments, contract.milestones, parties, now),
    )


def _implementation(
    payments: Iterable[Payment], milestones: Iterable[Milestone], parties: _Parties, now: datetime
) -> dict[str, Any] | None:
    transactions = [
        _filled(
            id=each.key,
            source=each.reference,
            date=date(each.paid_at),
            value=_value(each.amount),
            payer=parties.add(each.payer, "payer"),
            payee=parties.add(each.payee, "payee"),
        )
        for each in payments
        if each.paid_at <= now
    ]
    for each in transactions:
        if "source" in each and not str(each["source"]).startswith(("http://", "https://")):
            del each["source"]
    return _filled(transactions=transactions or None, milestones=_milestones(milestones, now) or None) or None


def _pitch_award(pitch: Pitch, parties: _Parties, now: datetime) -> dict[str, Any]:
    return {
        "id": f"pitch-{pitch.key}",
        "title": _("Paid pitch by {name}", name=pitch.team.name),
        "status": "cancelled" if _past(pitch.missed_at, now) else "active",
        "date": date(pitch.agreed_at),
        "value": _value(pitch.fee),
        "suppliers": [parties.add(pitch.team, "supplier", "tenderer")],
    }


def _pitch_contract(pitch: Pitch, parties: _Parties, now: datetime) -> dict[str, Any]:
    missed = _past(pitch.missed_at, now)
    done = Milestone("delivered", _("Pitch delivered"), "delivery", met_at=pitch.delivered_at, failed=missed)
    ended = "terminated" if _past(pitch.delivered_at, now) and pitch.payments else "active"
    return _filled(
        id=f"pitch-{pitch.key}",
        awardID=f"pitch-{pitch.key}",
        title=_("Paid pitch by {name}", name=pitch.team.name),
        status="cancelled" if missed else ended,
        value=_value(pitch.fee),
        dateSigned=date(pitch.agreed_at),
        implementation=_implementation(pitch.payments, (done,), parties, now),
    )


def _challenge_milestones(challenge: Challenge) -> Iterator[Milestone]:
    yield Milestone("applications", _("Applications close"), "engagement", challenge.closes_at, challenge.closes_at)
    yield from challenge.milestones
    if challenge.decision and challenge.concluded_at:
        words = {"go": "go on", "change": "change course", "stop": "stop"}[challenge.decision]
        title = f"Concluded: {words}"
        yield Milestone("concluded", title, "assessment", challenge.concluded_at, challenge.concluded_at)


def _milestones(milestones: Iterable[Milestone], now: datetime) -> list[dict[str, Any]]:
    def status(one: Milestone) -> str:
        if one.failed:
            return "notMet"
        if _past(one.met_at, now):
            return "met"
        return "scheduled"

    return [
        _filled(
            id=each.key,
            title=each.title,
            type=each.type,
            description=each.description,
            dueDate=date(each.due_at) if each.due_at else None,
            dateMet=date(each.met_at) if each.met_at and status(each) == "met" else None,
            status=status(each),
        )
        for each in milestones
    ]


def _documents(documents: Iterable[Document]) -> list[dict[str, Any]]:
    return [
        _filled(
            id=each.key,
            documentType=each.type,
            title=each.title,
            description=each.description,
            url=each.url,
            datePublished=date(each.published_at),
            format=each.format,
            relatedLots=list(each.lots) or None,
        )
        for each in documents
    ]


def _value(money: Money) -> dict[str, Any]:
    return {"amount": amount(money), "currency": money.currency}


def _period(start: datetime | None, end: datetime | None) -> dict[str, Any] | None:
    return _filled(startDate=date(start) if start else None, endDate=date(end) if end else None) or None


def _past(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment <= now


def _filled(**fields: Any) -> dict[str, Any]:
    """The fields that have something to say; OCDS wants the others left out, not empty."""
    return {key: value for key, value in fields.items() if value is not None}


def _pruned(fields: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value not in (None, [], {})}
