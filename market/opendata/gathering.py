"""Filling the open data's facts from the rows, as things stood at a moment. What is not public never gets here: drafts have
no release, bids count only once they are open, people are never named.

The past is derived, so that publishing everything anew gives what was published at first: what has a date later than the
moment is left out, a deadline that was moved later and a contract that was changed later are taken back by the log and the
changes. Only the names, places and sizes of organisations are those of today, since no history of them is kept.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Literal

import msgspec

from challenges.exercise import measures_of
from challenges.tables import Challenge, InsightReport
from market import clock
from market import organisations as registers
from market.accounts.tables import Organisation
from market.db import find, maybe
from market.missions.tables import Mission
from market.money import Money
from market.opendata import facts
from market.opendata.releases import challenge_ocid
from market.proof import canonical
from market.questions.tables import PublicQuestion
from market.reads import rows
from market.settings import settings
from market.tenders.tables import Lot, LotCriterion, Tender
from market.waivers.grounds import label
from market.waivers.tables import Waiver
from market.wording import N_, _


def publisher() -> facts.Publisher:
    """Who publishes and on what terms."""
    site = settings().site_url
    return facts.Publisher(
        name="Prelude",
        prefix=settings().ocds_prefix,
        site=site,
        license="https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
        policy=f"{site}/open-data/policy",
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


class Paid(msgspec.Struct, frozen=True):
    """A payment that arrived."""

    ref: str
    amount_minor: int
    currency: str
    paid_at: datetime


async def _payments(
    cause: str, payer: facts.Organisation, payee: facts.Organisation, at: datetime
) -> tuple[facts.Payment, ...]:
    paid = await rows(
        Paid,
        """
        SELECT p.ref, o.amount_minor, o.currency, p.paid_at FROM payment p JOIN obligation o ON o.id = p.obligation
        WHERE o.cause = {} AND p.state = 'paid' AND p.paid_at <= {} ORDER BY p.id
        """,
        cause,
        at,
    )
    return tuple(
        facts.Payment(each.ref, Money(each.amount_minor, each.currency), each.paid_at, payer, payee) for each in paid
    )


def _by(moment: datetime | None, at: datetime) -> datetime | None:
    """The moment, when it had come by `at`."""
    return moment if moment is not None and moment <= at else None


class Pitched(msgspec.Struct, frozen=True):
    """A pitch of a challenge whose teams are short-listed."""

    ref: str
    supplier: int
    shortlisted_at: datetime
    delivered_at: datetime | None
    missed_at: datetime | None


class Reserved(msgspec.Struct, frozen=True):
    """What was reserved from a budget by a publication."""

    ref: str
    purpose: str
    currency: str
    minor: int


async def _budget(about: str) -> facts.Budget | None:
    """What a challenge or tender is paid from; None for one published before budgets were asked for."""
    reserved = await rows(
        Reserved,
        """
        SELECT b.ref, b.purpose, b.currency, sum(e.amount_minor)::bigint AS minor FROM budget_entry e
        JOIN budget b ON b.id = e.budget WHERE e.about = {} AND e.cause = 'published' GROUP BY b.id
        """,
        about,
    )
    return next((facts.Budget(each.ref, each.purpose, Money(each.minor, each.currency)) for each in reserved), None)


async def challenge(ref: str, at: datetime) -> facts.Challenge:
    """A published challenge with the pitches, payments, report and end that it had by `at`."""
    row = await find(Challenge, (Challenge.ref == ref) & (Challenge.published_at.is_not_null()))
    buyer = await _body(row.buyer)
    mission = await maybe(Mission, Mission.id == row.mission) if row.mission else None
    pitches = []
    for each in await rows(
        Pitched,
        """
        SELECT p.ref, p.supplier, c.shortlisted_at, p.delivered_at, p.missed_at
        FROM pitch p JOIN challenge c ON c.id = p.challenge WHERE p.challenge = {} ORDER BY p.id
        """,
        row.id,
    ):
        team = await _body(each.supplier)
        paid = await _payments(f"pitch:{each.ref}", buyer, team, at)
        fee = Money(row.fee_minor, row.currency)
        delivered, missed = _by(each.delivered_at, at), _by(each.missed_at, at)
        pitches.append(facts.Pitch(each.ref, team, fee, each.shortlisted_at, delivered, paid, missed))
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
    if report is not None and _by(report.published_at, at):
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
    concluded = _by(row.concluded_at, at)
    cancelled = _by(row.cancelled_at, at)
    decision: Literal["go", "change", "stop"] | None = (row.decision or None) if concluded else None  # type: ignore[assignment]
    return facts.Challenge(
        key=row.ref,
        title=row.title,
        problem=row.problem,
        buyer=buyer,
        method=row.method,
        published_at=row.published_at,
        opens_at=row.published_at,
        closes_at=await _closes_at(row, f"challenge:{row.ref}", at),
        fee=Money(row.fee_minor, row.currency),
        places=row.places,
        budget=await _budget(f"challenge:{row.ref}"),
        success=(
            *(each.sentence for each in await measures_of(row)),
            *(line.removeprefix("- ").strip() for line in row.success.splitlines() if line.strip()),
        ),
        evidence=row.evidence or None,
        mission=mission.title if mission else None,
        mission_key=mission.ref if mission else None,
        cpv=tuple(row.cpv),
        pitches=tuple(pitches),
        documents=tuple(documents),
        decision=decision,
        concluded_at=concluded,
        cancelled_at=cancelled,
        cancelled_because=(row.cancelled_reason or None) if cancelled else None,
    )


async def tender(ref: str, at: datetime) -> facts.Tender:
    """A published tender with everything that had followed by `at`."""
    row = await find(Tender, (Tender.ref == ref) & (Tender.published_at.is_not_null()))
    buyer = await _body(row.buyer)
    lots = await Lot.objects().where(Lot.tender == row.id).order_by(Lot.number)
    answered = await PublicQuestion.exists().where(
        (PublicQuestion.record == f"tender:{row.ref}") & (PublicQuestion.answered_at <= at)
    )
    cancelled = _by(row.cancelled_at, at)
    return facts.Tender(
        key=row.ref,
        title=row.title,
        description=row.description,
        buyer=buyer,
        budget=await _budget(f"tender:{row.ref}"),
        published_at=row.published_at,
        closes_at=await _closes_at(row, f"tender:{row.ref}", at),
        lots=tuple([await _lot(row, lot, at) for lot in lots]),
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
        bids=await _bids(row, lots) if _by(row.opened_at, at) else (),
        awards=await _awards(row, at),
        contracts=await _contracts(row, buyer, at),
        cancelled_at=cancelled,
        cancelled_because=(row.cancelled_reason or None) if cancelled else None,
    )


async def _closes_at(row: Tender | Challenge, subject: str, at: datetime) -> datetime:
    """The deadline as it stood: the first later change of it says in the log what it was before."""
    moved = await rows(
        str,
        """
        SELECT body FROM event
        WHERE verb IN ('tender.changed', 'tender.deadline-moved', 'challenge.deadline-moved') AND subject = {} AND at > {}
        ORDER BY seq LIMIT 1
        """,
        subject,
        at,
    )
    before = canonical.decode(moved[0].encode())["closed_at_before"] if moved else None
    return datetime.fromisoformat(before) if before else row.closes_at


RATIONALES = {
    "commodity": N_("An off-the-shelf supply, to which the innovation-first rule does not apply."),
    "not-central": N_("The buyer is not part of central government, which the innovation-first rule binds."),
    "below-threshold": N_(
        "Its value, VAT included, is below the threshold from which the innovation-first rule applies."
    ),
}
"""Why a tender needed neither exercise nor waiver."""


async def _lot(row: Tender, lot: Lot, at: datetime) -> facts.Lot:
    criteria = await LotCriterion.objects().where(LotCriterion.lot == lot.id).order_by(LotCriterion.place)
    decided = await rows(
        datetime,
        """
        SELECT decided_at FROM decision
        WHERE lot = {} AND winner IS NULL AND decided_at <= {} AND (set_aside_at IS NULL OR set_aside_at > {})
        ORDER BY id DESC LIMIT 1
        """,
        lot.id,
        at,
        at,
    )
    return facts.Lot(
        key=lot.ref,
        title=lot.title,
        description=lot.description,
        value=Money(lot.value_minor, row.currency),
        maximum=None if lot.maximum_minor is None else Money(lot.maximum_minor, row.currency),
        cpv=tuple(lot.cpv),
        starts_at=_day(row.contract_begins_on),
        ends_at=_day(row.contract_ends_on, end=True),
        sme_suitable=lot.sme_suitable,
        criteria=tuple((each.name, each.weight) for each in criteria),
        unsuccessful_at=decided[0] if decided else None,
        cancelled_at=_by(row.cancelled_at, at),
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
        _("Waiver of the innovation-first rule, signed by {office}", office=given.office),
        label(given.ground),
        _address(f"/waivers/{given.ref}"),
        given.decided_at,
    )


class Bidding(msgspec.Struct, frozen=True):
    """An opened bid: whose it is, and why it could not be read."""

    supplier: int
    problem: str


async def _bids(row: Tender, lots: list[Lot]) -> tuple[facts.BidCount, ...]:
    counted = []
    for lot in lots:
        bids = await rows(Bidding, "SELECT supplier, problem FROM opened_bid WHERE lot = {}", lot.id)
        firms = [await find(Organisation, Organisation.id == each.supplier) for each in bids]
        small = sum(_scale(firm) == "sme" for firm in firms)
        valid = sum(not each.problem for each in bids)
        counted.append(facts.BidCount(lot.ref, row.opened_at, len(bids), valid, small))
    return tuple(counted)


class Awarded(msgspec.Struct, frozen=True):
    """The award of a lot, with the bid it went to."""

    ref: str
    title: str
    lot: str
    supplier: int
    price_minor: int
    currency: str
    reasons: str
    decided_at: datetime
    standstill_ends_at: datetime | None
    set_aside_at: datetime | None


async def _awards(row: Tender, at: datetime) -> tuple[facts.Award, ...]:
    made = []
    for each in await rows(
        Awarded,
        """
        SELECT d.ref, l.title, l.ref AS lot, b.supplier, b.price_minor, b.currency, d.reasons, d.decided_at,
          d.standstill_ends_at, d.set_aside_at
        FROM decision d JOIN lot l ON l.id = d.lot JOIN opened_bid b ON b.id = d.winner
        WHERE d.tender = {} AND d.decided_at <= {} ORDER BY d.id
        """,
        row.id,
        at,
    ):
        made.append(
            facts.Award(
                key=each.ref,
                title=each.title,
                lots=(each.lot,),
                suppliers=(await _body(each.supplier),),
                value=Money(each.price_minor, each.currency),
                decided_at=each.decided_at,
                reasons=each.reasons or None,
                standstill_ends_at=each.standstill_ends_at,
                withdrawn_at=_by(each.set_aside_at, at),
            )
        )
    return tuple(made)


class Signed(msgspec.Struct, frozen=True):
    """A contract that both sides signed, the second of them at `signed_at`."""

    id: int
    ref: str
    award: str
    title: str
    supplier: int
    value_minor: int
    currency: str
    begins_on: date | None
    document: str
    signed_at: datetime
    ended_at: datetime | None


class Noticed(msgspec.Struct, frozen=True):
    """A change whose contract change notice is published (Procurement Act 2023 section 75), agreed to or not."""

    ref: str
    approved_at: datetime


class Changed(msgspec.Struct, frozen=True):
    """A change that both sides agreed to."""

    ref: str
    ground: str
    text: str
    agreed_at: datetime
    milestone_minor: int
    new_ends_on: date | None


async def _contracts(row: Tender, buyer: facts.Organisation, at: datetime) -> tuple[facts.Contract, ...]:
    made = []
    for each in await rows(
        Signed,
        """
        SELECT c.id, c.ref, d.ref AS award, c.title, c.supplier, c.value_minor, c.currency, c.begins_on, c.document,
          greatest(c.buyer_signed_at, c.supplier_signed_at) AS signed_at, c.ended_at
        FROM contract c JOIN decision d ON d.id = c.decision
        WHERE c.tender = {} AND c.buyer_signed_at <= {} AND c.supplier_signed_at <= {} ORDER BY c.id
        """,
        row.id,
        at,
        at,
    ):
        supplier = await _body(each.supplier)
        milestones, payments = await _work(each, buyer, supplier, at)
        changes = await rows(
            Changed,
            """
            SELECT ref, ground, text, agreed_at, milestone_minor, new_ends_on FROM contract_change
            WHERE contract = {} AND agreed_at IS NOT NULL ORDER BY agreed_at, id
            """,
            each.id,
        )
        notices = await rows(
            Noticed,
            "SELECT ref, approved_at FROM contract_change WHERE contract = {} AND approved_at <= {} ORDER BY approved_at, id",
            each.id,
            at,
        )
        made_by_then = [change for change in changes if change.agreed_at <= at]
        added = sum(change.milestone_minor for change in changes if change.agreed_at > at)
        made.append(
            facts.Contract(
                key=each.ref,
                award=each.award,
                title=each.title,
                value=Money(each.value_minor - added, each.currency),
                starts_at=_day(each.begins_on),
                ends_at=_day(_ends_on(each, made_by_then), end=True),
                signed_at=each.signed_at,
                terminated_at=_by(each.ended_at, at),
                milestones=milestones,
                payments=payments,
                changes=tuple(
                    facts.Change(change.ref, change.agreed_at, change.text, change.ground) for change in made_by_then
                ),
                documents=(
                    facts.Document(
                        each.ref,
                        "contractNotice",
                        each.title,
                        _address(f"/contracts/{each.ref}"),
                        each.signed_at,
                        format="text/html",
                    ),
                    *(
                        facts.Document(
                            notice.ref,
                            "contractChangeNotice",
                            _("Contract change notice {ref}", ref=notice.ref),
                            _address(f"/contracts/{each.ref}#{notice.ref}"),
                            notice.approved_at,
                            format="text/html",
                        )
                        for notice in notices
                    ),
                ),
            )
        )
    return tuple(made)


def _ends_on(contract: Signed, changes: list[Changed]) -> date:
    """The end as the changes made by then have it; without one, as it was signed."""
    moved = [change.new_ends_on for change in changes if change.new_ends_on]
    return moved[-1] if moved else date.fromisoformat(canonical.decode(contract.document.encode())["ends_on"])


class Part(msgspec.Struct, frozen=True):
    """A milestone of a contract."""

    ref: str
    title: str
    due_on: date | None
    accepted_at: datetime | None


async def _work(
    contract: Signed, buyer: facts.Organisation, supplier: facts.Organisation, at: datetime
) -> tuple[tuple[facts.Milestone, ...], tuple[facts.Payment, ...]]:
    milestones: list[facts.Milestone] = []
    payments: list[facts.Payment] = []
    for part in await rows(
        Part,
        """
        SELECT m.ref, m.title, m.due_on, m.accepted_at FROM milestone m LEFT JOIN contract_change c ON c.id = m.change
        WHERE m.contract = {} AND (m.change IS NULL OR c.agreed_at <= {}) ORDER BY m.number
        """,
        contract.id,
        at,
    ):
        due = _day(part.due_on, end=True)
        milestones.append(facts.Milestone(part.ref, part.title, "delivery", due, _by(part.accepted_at, at)))
        payments += await _payments(f"milestone:{part.ref}", buyer, supplier, at)
    return tuple(milestones), tuple(payments)
