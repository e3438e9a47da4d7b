"""Filling the open data's facts from the rows. What is not public never gets here: drafts have no release, bids count only
once they are open, people are never named."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any, Literal

from challenges.tables import Challenge, InsightReport
from market import clock
from market import organisations as registers
from market.accounts.tables import Organisation
from market.db import find, many, maybe
from market.missions.tables import Mission
from market.money import Money
from market.opendata import facts
from market.opendata.releases import challenge_ocid
from market.settings import settings
from market.tenders.tables import Lot, LotCriterion, Tender, TenderQuestion
from market.waivers.grounds import label
from market.waivers.tables import Waiver


def publisher() -> facts.Publisher:
    """Who publishes and on what terms."""
    site = settings().site_url
    return facts.Publisher(
        name="Prelude",
        prefix=settings().ocds_prefix,
        site=site,
        license="https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
        policy=f"{site}/open-data",
    )


def _address(path: str) -> str:
    return f"{settings().site_url}{path}"


def _scale(row: Organisation) -> facts.Scale | None:
    if row.kind != "supplier":
        return None
    verdict = registers.size_of(
        registers.Size(
            row.employees,
            None if row.turnover_minor is None else Money(row.turnover_minor, row.currency),
            None if row.balance_minor is None else Money(row.balance_minor, row.currency),
        ),
        "eu" if row.currency == "EUR" else "uk",
    )
    if verdict.small is None:
        return None
    return "sme" if verdict.small else "large"


def body(row: Organisation) -> facts.Organisation:
    """A buyer or a supplier."""
    return facts.Organisation(
        key=row.ref,
        name=row.name,
        scheme=row.scheme or None,
        number=row.identifier or None,
        region=row.region or None,
        country=row.country,
        uri=_address(f"/suppliers/{row.ref}") if row.kind == "supplier" else None,
        scale=_scale(row),
    )


async def _body(number: int) -> facts.Organisation:
    return body(await find(Organisation, Organisation.id == number))


def _day(value: date | None, *, end: bool = False) -> datetime | None:
    if value is None:
        return None
    at = time(23, 59, 59) if end else time(0, 0)
    return datetime.combine(value, at, clock.ZONE).astimezone(UTC)


async def _payments(cause: str, payer: facts.Organisation, payee: facts.Organisation) -> tuple[facts.Payment, ...]:
    rows = await many(
        "SELECT p.ref, p.paid_at, o.amount_minor, o.currency FROM payment p JOIN obligation o ON o.id = p.obligation "
        "WHERE o.cause = {} AND p.state = 'paid' ORDER BY p.id",
        cause,
    )
    return tuple(
        facts.Payment(row["ref"], Money(row["amount_minor"], row["currency"]), row["paid_at"], payer, payee)
        for row in rows
    )


async def challenge(ref: str) -> facts.Challenge:
    """A published challenge with its pitches, payments, report and end."""
    row = await find(Challenge, (Challenge.ref == ref) & (Challenge.published_at.is_not_null()))
    buyer = await _body(row.buyer)
    mission = await maybe(Mission, Mission.id == row.mission) if row.mission else None
    pitches = []
    for each in await many(
        "SELECT p.ref, p.supplier, p.delivered_at, c.shortlisted_at FROM pitch p JOIN challenge c ON c.id = p.challenge "
        "WHERE p.challenge = {} ORDER BY p.id",
        row.id,
    ):
        team = await _body(each["supplier"])
        paid = await _payments(f"pitch:{each['ref']}", buyer, team)
        fee = Money(row.fee_minor, row.currency)
        pitches.append(facts.Pitch(each["ref"], team, fee, each["shortlisted_at"], each["delivered_at"], paid))
    report = await maybe(InsightReport, InsightReport.challenge == row.id)
    documents: list[facts.Document] = [
        facts.Document(
            row.ref,
            "marketEngagementNotice",
            row.title,
            _address(f"/challenges/{row.ref}"),
            row.published_at,
            format="text/html",
        )
    ]
    if report is not None and report.published_at is not None:
        documents.append(
            facts.Document(
                report.ref,
                "marketStudies",
                report.title,
                _address(f"/insights/{report.ref}"),
                report.published_at,
                format="text/html",
            )
        )
    decision: Literal["go", "change", "stop"] | None = row.decision or None  # type: ignore[assignment]
    return facts.Challenge(
        key=row.ref,
        title=row.title,
        problem=row.problem,
        buyer=buyer,
        method=row.method,
        published_at=row.published_at,
        opens_at=row.published_at,
        closes_at=row.closes_at,
        fee=Money(row.fee_minor, row.currency),
        places=row.places,
        success=tuple(line.removeprefix("- ").strip() for line in row.success.splitlines() if line.strip()),
        evidence=row.evidence or None,
        mission=mission.title if mission else None,
        mission_key=mission.ref if mission else None,
        cpv=tuple(row.cpv),
        pitches=tuple(pitches),
        documents=tuple(documents),
        decision=decision,
        concluded_at=row.concluded_at,
        cancelled_at=row.cancelled_at,
        cancelled_because=row.cancelled_reason or None,
    )


async def tender(ref: str, at: datetime) -> facts.Tender:
    """A published tender with everything that had followed by `at`."""
    row = await find(Tender, (Tender.ref == ref) & (Tender.published_at.is_not_null()))
    buyer = await _body(row.buyer)
    lots = await Lot.objects().where(Lot.tender == row.id).order_by(Lot.number)
    answered = await TenderQuestion.exists().where(
        (TenderQuestion.tender == row.id) & (TenderQuestion.answered_at.is_not_null())
    )
    return facts.Tender(
        key=row.ref,
        title=row.title,
        description=row.description,
        buyer=buyer,
        published_at=row.published_at,
        closes_at=row.closes_at,
        lots=tuple([await _lot(row, lot) for lot in lots]),
        method="selective" if row.procedure == "competitive-flexible" else "open",
        method_details=row.procedure,
        rationale=RATIONALES.get(row.ground),
        exercise=await _exercise(row),
        waiver=await _waiver(row),
        questions_close_at=row.questions_until,
        has_questions=answered or None,
        sme_suitable=any(lot.sme_suitable for lot in lots),
        most_lots_awarded=row.lots_per_supplier,
        undivided_because=row.undivided_reason or None,
        documents=(
            facts.Document(
                row.ref,
                "tenderNotice",
                row.title,
                _address(f"/tenders/{row.ref}"),
                row.published_at,
                format="text/html",
            ),
        ),
        bids=await _bids(row, lots) if row.opened_at and row.opened_at <= at else (),
        awards=await _awards(row),
        contracts=await _contracts(row, buyer, at),
        cancelled_at=row.cancelled_at,
        cancelled_because=row.cancelled_reason or None,
    )


RATIONALES = {
    "commodity": "An off-the-shelf supply, to which the innovation-first rule does not apply.",
    "not-central": "The buyer is not part of central government, which the innovation-first rule binds.",
}
"""Why a tender needed neither exercise nor waiver."""


async def _lot(row: Tender, lot: Lot) -> facts.Lot:
    criteria = await LotCriterion.objects().where(LotCriterion.lot == lot.id).order_by(LotCriterion.place)
    decided = await many(
        "SELECT decided_at FROM decision WHERE lot = {} AND winner IS NULL AND set_aside_at IS NULL", lot.id
    )
    return facts.Lot(
        key=lot.ref,
        title=lot.title,
        description=lot.description,
        value=Money(lot.value_minor, row.currency),
        cpv=tuple(lot.cpv),
        starts_at=_day(row.contract_begins_on),
        ends_at=_day(row.contract_ends_on, end=True),
        sme_suitable=lot.sme_suitable,
        criteria=tuple((each.name, each.weight) for each in criteria),
        unsuccessful_at=decided[0]["decided_at"] if decided else None,
        cancelled_at=row.cancelled_at,
    )


async def _exercise(row: Tender) -> facts.Exercise | None:
    ref = row.ground_reference if row.ground == "exercise" else row.exercise
    source = await maybe(Challenge, Challenge.ref == ref) if ref else None
    if source is None:
        return None
    return facts.Exercise(challenge_ocid(publisher(), source.ref), source.title, _address(f"/challenges/{source.ref}"))


async def _waiver(row: Tender) -> facts.Waiver | None:
    if row.ground != "waiver":
        return None
    given = await find(Waiver, Waiver.ref == row.ground_reference)
    return facts.Waiver(
        given.ref,
        f"Waiver of the innovation-first rule, signed by {given.office}",
        label(given.ground),
        _address(f"/waivers/{given.ref}"),
        given.decided_at,
    )


async def _bids(row: Tender, lots: list[Lot]) -> tuple[facts.BidCount, ...]:
    counted = []
    for lot in lots:
        bids = await many("SELECT supplier, problem FROM opened_bid WHERE lot = {}", lot.id)
        firms = [await find(Organisation, Organisation.id == each["supplier"]) for each in bids]
        small = sum(_scale(firm) == "sme" for firm in firms)
        valid = sum(not each["problem"] for each in bids)
        counted.append(facts.BidCount(lot.ref, row.opened_at, len(bids), valid, small))
    return tuple(counted)


async def _awards(row: Tender) -> tuple[facts.Award, ...]:
    made = []
    for each in await many(
        "SELECT d.ref, d.reasons, d.decided_at, d.standstill_ends_at, d.set_aside_at, l.ref AS lot, l.title, "
        "b.supplier, b.price_minor, b.currency FROM decision d JOIN lot l ON l.id = d.lot "
        "JOIN opened_bid b ON b.id = d.winner WHERE d.tender = {} ORDER BY d.id",
        row.id,
    ):
        made.append(
            facts.Award(
                key=each["ref"],
                title=each["title"],
                lots=(each["lot"],),
                suppliers=(await _body(each["supplier"]),),
                value=Money(each["price_minor"], each["currency"]),
                decided_at=each["decided_at"],
                reasons=each["reasons"] or None,
                standstill_ends_at=each["standstill_ends_at"],
                withdrawn_at=each["set_aside_at"],
            )
        )
    return tuple(made)


async def _contracts(row: Tender, buyer: facts.Organisation, at: datetime) -> tuple[facts.Contract, ...]:
    made = []
    for each in await many(
        "SELECT c.*, d.ref AS award FROM contract c JOIN decision d ON d.id = c.decision WHERE c.tender = {} "
        "AND c.buyer_signed_at <= {} AND c.supplier_signed_at <= {} ORDER BY c.id",
        row.id,
        at,
        at,
    ):
        supplier = await _body(each["supplier"])
        milestones, payments = await _work(each, buyer, supplier)
        changes = await many(
            "SELECT ref, ground, text, agreed_at FROM contract_change WHERE contract = {} AND agreed_at IS NOT NULL ORDER BY id",
            each["id"],
        )
        made.append(
            facts.Contract(
                key=each["ref"],
                award=each["award"],
                title=each["title"],
                value=Money(each["value_minor"], each["currency"]),
                starts_at=_day(each["begins_on"]),
                ends_at=_day(each["ends_on"], end=True),
                signed_at=max(each["buyer_signed_at"], each["supplier_signed_at"]),
                terminated_at=each["ended_at"],
                milestones=milestones,
                payments=payments,
                changes=tuple(
                    facts.Change(change["ref"], change["agreed_at"], change["text"], change["ground"])
                    for change in changes
                ),
                documents=(
                    facts.Document(
                        each["ref"],
                        "contractNotice",
                        each["title"],
                        _address(f"/contracts/{each['ref']}"),
                        max(each["buyer_signed_at"], each["supplier_signed_at"]),
                        format="text/html",
                    ),
                ),
            )
        )
    return tuple(made)


async def _work(
    contract: dict[str, Any], buyer: facts.Organisation, supplier: facts.Organisation
) -> tuple[tuple[facts.Milestone, ...], tuple[facts.Payment, ...]]:
    milestones: list[facts.Milestone] = []
    payments: list[facts.Payment] = []
    for part in await many("SELECT * FROM milestone WHERE contract = {} ORDER BY number", contract["id"]):
        due = _day(part["due_on"], end=True)
        milestones.append(facts.Milestone(part["ref"], part["title"], "delivery", due, part["accepted_at"]))
        payments += await _payments(f"milestone:{part['ref']}", buyer, supplier)
    return tuple(milestones), tuple(payments)
