"""Tenders for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, ClassVar

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody

from market import drafts
from market.accounts import guards, scopes
from market.accounts.marks import marks_of
from market.accounts.tables import Organisation
from market.db import find
from market.outages import actions as outages
from market.outages.tables import Moved
from market.questions import actions as questions
from market.questions.api import QuestionView, question_view
from market.refusals import checklist
from market.reviews import rules as reviews
from market.tenders import actions, facts, gate, method, readers, rules, value
from market.tenders.changes import actions as changing
from market.tenders.changes import proposals
from market.tenders.changes import words as changing_words
from market.tenders.changes.rules import Line
from market.tenders.drafts import actions as drafting
from market.tenders.drafts.whole import ready_of
from market.tenders.listing import listed
from market.tenders.tables import Lot, Tender
from market.web.api import Confirm, IfMatch, Items, confirmed
from market.web.pages import Visitor
from market.web.problems import problem_responses


class TenderLine(msgspec.Struct):
    """A tender in a list. Money is in minor units of `currency`; moments are UTC."""

    ref: str
    title: str
    buyer: str
    buyer_name: str
    stage: str
    value_minor: int
    currency: str
    lots: int
    ground: str
    ground_reference: str
    published_at: datetime
    questions_until: datetime | None
    closes_at: datetime | None


class CriterionView(msgspec.Struct):
    """A criterion with its weight of 100; `minimum` is the mark below which a bid is not taken, 0 for none."""

    schema_name: ClassVar[str] = "TenderCriterionView"
    ref: str
    name: str
    kind: str
    weight: int
    description: str
    minimum: int


class LotView(msgspec.Struct):
    """A lot with its criteria; `etag` is what a change of it names as If-Match."""

    ref: str
    number: int
    title: str
    description: str
    cpv: list[str]
    value_minor: int
    maximum_minor: int | None
    sme_suitable: bool
    criteria: list[CriterionView]
    etag: str


class AddendumView(msgspec.Struct):
    """A change since publication. `kind` is clarification, material, deadline or correction (empty for those made before changes
    had a kind); after one that `unconfirms`, bids sealed before it count only when their suppliers confirm or replace them."""

    ref: str
    kind: str
    text: str
    new_closes_at: datetime | None
    closed_at_before: datetime | None
    at: datetime
    unconfirms: bool
    changed: list[Line]


class GateLine(msgspec.Struct):
    """One question the gate asked before publication, and what it found."""

    code: str
    holds: bool
    says: str


class OfficerView(msgspec.Struct):
    """An opening officer, what stands beside her name (`outside` when her address is in none of the buyer's domains), and whether
    her code is written down; told to the buying side only."""

    person: str
    name: str
    mark: str
    enrolled_at: datetime | None


class Check(msgspec.Struct):
    """One rule of publication: its code, whether it holds, and if not why."""

    code: str
    holds: bool
    reason: str = ""


class TenderView(msgspec.Struct):
    """A tender as the API shows it. `checks` and `officers` are there for the buying side of a draft; `etags` say for each
    section what a change of it names as If-Match."""

    ref: str
    buyer: str
    buyer_name: str
    stage: str
    title: str
    description: str
    cpv: list[str]
    region: str
    mission: str
    budget: str
    exercise: str
    same_need: str
    what_changed: str
    procedure: str
    currency: str
    contract_kind: str
    contract_kind_reason: str
    value_minor: int
    value_with_vat_minor: int
    """What is compared with the threshold."""
    threshold_minor: int
    """From which the law covers this kind of contract of this buyer, VAT included; that of goods and services while no kind
    is said that fits."""
    commodity_claimed: bool
    commodity_statement: str
    undivided_reason: str
    lots_per_supplier: int | None
    method: list[str]
    """The rules by which bids are scored and ranked, in sentences."""
    profile: str
    terms: str
    questions_until: datetime | None
    closes_at: datetime | None
    contract_begins_on: date | None
    contract_ends_on: date | None
    documents_later: bool
    planned_notice: str
    planned_notice_on: date | None
    urgency_reason: str
    published_at: datetime | None
    opened_at: datetime | None
    cancelled_at: datetime | None
    cancelled_reason: str
    waiver_asked: str
    ground: str
    ground_reference: str
    gate: list[GateLine]
    key_commitment: str
    lots: list[LotView]
    questions: list[QuestionView]
    addenda: list[AddendumView]
    deadline_moves: list[Moved]
    officers: list[OfficerView]
    checks: list[Check]
    etags: dict[str, str]


class NewTender(drafting.NewTender, kw_only=True):
    """A tender to draft; `buyer` is the reference of the body it is for."""

    buyer: str


class PersonNamed(msgspec.Struct, forbid_unknown_fields=True):
    """A person by her reference."""

    person: str


class LotNamed(msgspec.Struct, forbid_unknown_fields=True):
    """A lot by its reference."""

    source: str


class Wanted(msgspec.Struct, forbid_unknown_fields=True):
    """Whether letters about changes are wanted."""

    wanted: bool


def lot_view(lot: Lot, criteria: Sequence[facts.Criterion]) -> LotView:
    """A lot with its criteria."""
    return LotView(
        ref=lot.ref,
        number=lot.number,
        **drafts.stored(drafting.LotDraft, lot),
        criteria=msgspec.convert(criteria, list[CriterionView], from_attributes=True),
        etag=drafts.version(drafting.LotDraft, lot),
    )


async def tender_view(request: Visitor, ref: str) -> TenderView:
    """The tender with this reference as this reader, who may see it, sees it. Versions are of rows, so those are read too."""
    row = await find(Tender, Tender.ref == ref)
    lots = await Lot.objects().where(Lot.tender == row.id).order_by(Lot.number)
    candidate = await readers.candidate(ref)
    tender, draft = candidate.tender, candidate.tender.published_at is None
    marked = await marks_of(tender.buyer) if readers.works_for(request.user, tender) else {}
    trace = gate.ask(candidate).lines if draft else readers.gate_lines(tender)
    sections: dict[str, Any] = {}
    worth = value.worth(candidate)
    for section in drafting.SECTIONS:
        budget = candidate.naming.budget.ref if candidate.naming.budget else ""
        sections |= drafts.stored(section, row, mission=tender.mission_ref, budget=budget)
    checks = [*checklist(rules.PUBLISH, candidate), *checklist(reviews.PUBLISH, await ready_of(row))] if draft else []
    return TenderView(
        ref=tender.ref,
        buyer=tender.buyer_ref,
        buyer_name=tender.buyer_name,
        stage=(await readers.standing_of(candidate)).stage,
        **sections,
        procedure=tender.procedure,
        currency=tender.currency,
        value_minor=candidate.value.minor,
        value_with_vat_minor=worth.total.minor,
        threshold_minor=worth.threshold.minor,
        method=list(method.stated(candidate)),
        published_at=tender.published_at,
        opened_at=tender.opened_at,
        cancelled_at=tender.cancelled_at,
        cancelled_reason=tender.cancelled_reason,
        waiver_asked=tender.waiver_asked,
        ground=tender.ground,
        ground_reference=tender.ground_reference,
        gate=[GateLine(line.code, line.holds, line.says) for line in trace],
        key_commitment=tender.key_commitment,
        lots=[lot_view(lot, candidate.criteria[lot.id]) for lot in lots],
        questions=[
            question_view(question)
            for question in await questions.questions_shown(request.user, readers.topic_of(tender))
        ],
        addenda=[
            AddendumView(
                ref=each.ref,
                kind=each.kind,
                text=each.text,
                new_closes_at=each.new_closes_at,
                closed_at_before=each.closed_at_before,
                at=each.at,
                unconfirms=each.unconfirms,
                changed=changing_words.lines_of(each),
            )
            for each in await readers.addenda_of(tender)
        ],
        deadline_moves=await outages.moves_of(f"tender:{tender.ref}"),
        officers=[
            OfficerView(officer.person_ref, officer.name, marked.get(officer.person_ref, ""), officer.enrolled_at)
            for officer in candidate.officers
            if readers.works_for(request.user, tender)
        ],
        checks=[Check(rule.code, refusal is None, refusal.reason if refusal else "") for rule, refusal in checks],
        etags={section.__name__.lower(): drafts.version(section, row) for section in drafting.SECTIONS},
    )


async def lot_of(ref: str) -> LotView:
    """A lot that was just written, by its reference."""
    lot = await find(Lot, Lot.ref == ref)
    return lot_view(lot, (await readers.criteria_of([lot]))[lot.id])


class TendersApi(Controller):
    """Tenders: their drafts, their publication, questions and changes."""

    path = "/api/v1/tenders"
    tags = ["Tenders"]

    @get(
        "/",
        guards=[guards.public],
        summary="List tenders",
        operation_id="listTenders",
    )
    async def index(self, stage: FromQuery[str] = "", after: FromQuery[str] = "") -> Items[TenderLine]:
        """Published tenders: those that take bids first, soonest deadline first. `stage` is `questions`, `open`,
        `closed`, `evaluation` or `cancelled`; `after` is the cursor of an earlier page."""
        page = await listed(stage, after)
        next_page = f"/api/v1/tenders?stage={stage}&after={page.next}" if page.next else None
        return Items(msgspec.convert(page.items, list[TenderLine], from_attributes=True), next_page)

    @post(
        "/",
        guards=[guards.signed_in],
        summary="Draft a tender",
        operation_id="draftTender",
        responses=problem_responses(404, 422),
    )
    async def create(self, request: Visitor, data: JSONBody[NewTender]) -> TenderView:
        """Draft a tender for a body, from scratch or from a concluded exercise (`exercise`)."""
        body = await find(Organisation, Organisation.ref == data.buyer)
        facts = msgspec.structs.asdict(data)
        del facts["buyer"]
        return await tender_view(
            request, (await drafting.draft(request.user, body.id, drafting.NewTender(**facts))).ref
        )

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read a tender",
        operation_id="readTender",
        opt={"reading_is_an_event": True},
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> TenderView:
        """A published tender; a draft for its buyer, its minister while a waiver is asked for, auditors and operators."""
        return await tender_view(request, (await readers.readable(request.user, ref)).ref)

    @put(
        "/{ref:str}/about",
        guards=[guards.signed_in],
        summary="Say what is bought",
        operation_id="describeTender",
        responses=problem_responses(404, 409, 422, 428),
    )
    async def describe(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[drafting.About], if_match: IfMatch = ""
    ) -> TenderView:
        """Replace this section of a draft."""
        return await tender_view(request, (await drafting.describe(request.user, ref, data, if_match)).ref)

    @put(
        "/{ref:str}/origin",
        guards=[guards.signed_in],
        summary="Say where it comes from",
        operation_id="explainTenderOrigin",
        responses=problem_responses(404, 409, 422, 428),
    )
    async def explain(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[drafting.Origin], if_match: IfMatch = ""
    ) -> TenderView:
        """Name the exercise, or claim a commodity with a statement."""
        return await tender_view(request, (await drafting.explain_origin(request.user, ref, data, if_match)).ref)

    @put(
        "/{ref:str}/dates",
        guards=[guards.signed_in],
        summary="Set the dates",
        operation_id="setTenderDates",
        responses=problem_responses(404, 409, 428),
    )
    async def dates(
        self,
        request: Visitor,
        ref: FromPath[str],
        data: JSONBody[drafting.Dates],
        if_match: IfMatch = "",
        confirm: Confirm = "",
    ) -> TenderView:
        """Replace the dates of a draft. Moments need an offset or Z. Unusual ones are asked about once more."""
        tender = await drafting.set_dates(request.user, ref, data, if_match, confirmed(confirm))
        return await tender_view(request, tender.ref)

    @put(
        "/{ref:str}/terms",
        guards=[guards.signed_in],
        summary="Set the terms",
        operation_id="setTenderTerms",
        responses=problem_responses(404, 409, 428),
    )
    async def terms(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[drafting.Terms], if_match: IfMatch = ""
    ) -> TenderView:
        """Replace the terms of a draft."""
        return await tender_view(request, (await drafting.set_terms(request.user, ref, data, if_match)).ref)

    @post(
        "/{ref:str}/lots",
        guards=[guards.signed_in],
        summary="Add a lot",
        operation_id="addLot",
        responses=problem_responses(404, 409, 422),
    )
    async def add_lot(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[drafting.LotDraft], confirm: Confirm = ""
    ) -> LotView:
        """Add a lot to a draft; its criteria follow. Unusual sums are asked about once more."""
        return await lot_of((await drafting.add_lot(request.user, ref, data, confirmed(confirm))).ref)

    @put(
        "/lots/{lot:str}",
        guards=[guards.signed_in],
        summary="Change a lot",
        operation_id="reviseLot",
        responses=problem_responses(404, 409, 422, 428),
    )
    async def revise_lot(
        self,
        request: Visitor,
        lot: FromPath[str],
        data: JSONBody[drafting.LotDraft],
        if_match: IfMatch = "",
        confirm: Confirm = "",
    ) -> LotView:
        """Replace what a draft's lot is; its criteria stay. Unusual sums are asked about once more."""
        return await lot_of((await drafting.revise_lot(request.user, lot, data, if_match, confirmed(confirm))).ref)

    @delete(
        "/lots/{lot:str}",
        guards=[guards.signed_in],
        status_code=200,
        summary="Take a lot out",
        operation_id="dropLot",
        responses=problem_responses(404, 409),
    )
    async def drop_lot(self, request: Visitor, lot: FromPath[str]) -> TenderView:
        """Take a lot out of a draft; the lots after it move up."""
        return await tender_view(request, (await drafting.drop_lot(request.user, lot)).ref)

    @post(
        "/lots/{lot:str}/criteria",
        guards=[guards.signed_in],
        summary="Add a criterion",
        operation_id="addLotCriterion",
        responses=problem_responses(404, 409),
    )
    async def add_criterion(
        self, request: Visitor, lot: FromPath[str], data: JSONBody[drafting.CriterionDraft]
    ) -> LotView:
        """Add a criterion to a draft's lot."""
        await drafting.add_criterion(request.user, lot, data)
        return await lot_of(lot)

    @delete(
        "/criteria/{criterion:str}",
        guards=[guards.signed_in],
        status_code=200,
        summary="Take a criterion out",
        operation_id="dropLotCriterion",
        responses=problem_responses(404, 409),
    )
    async def drop_criterion(self, request: Visitor, criterion: FromPath[str]) -> LotView:
        """Take a criterion out of a draft's lot."""
        return await lot_of((await drafting.drop_criterion(request.user, criterion)).ref)

    @post(
        "/lots/{lot:str}/criteria/copy",
        guards=[guards.signed_in],
        summary="Copy criteria",
        operation_id="copyLotCriteria",
        responses=problem_responses(404, 409),
    )
    async def copy(self, request: Visitor, lot: FromPath[str], data: JSONBody[LotNamed]) -> LotView:
        """Replace the criteria of a lot with those of another lot of the same draft."""
        return await lot_of((await drafting.copy_criteria(request.user, lot, data.source)).ref)

    @post(
        "/{ref:str}/officers",
        guards=[guards.signed_in],
        summary="Name an opening officer",
        operation_id="nameOpeningOfficer",
        responses=problem_responses(404, 409, 422),
    )
    async def name_officer(self, request: Visitor, ref: FromPath[str], data: JSONBody[PersonNamed]) -> TenderView:
        """Name a person of the buyer; she is asked by letter to make her code."""
        await drafting.name_officer(request.user, ref, data.person)
        return await tender_view(request, ref)

    @delete(
        "/{ref:str}/officers/{person:str}",
        guards=[guards.signed_in],
        status_code=200,
        summary="Take an opening officer off",
        operation_id="dropOpeningOfficer",
        responses=problem_responses(404, 409),
    )
    async def drop_officer(self, request: Visitor, ref: FromPath[str], person: FromPath[str]) -> TenderView:
        """Take a person off the opening officers of a draft."""
        return await tender_view(request, (await drafting.drop_officer(request.user, ref, person)).ref)

    @post(
        "/{ref:str}/publish",
        guards=[guards.signed_in],
        status_code=200,
        summary="Publish a tender",
        operation_id="publishTender",
        responses=problem_responses(404, 409),
    )
    async def publish(self, request: Visitor, ref: FromPath[str]) -> TenderView:
        """Publish a draft through the gate; 409 with every rule that does not hold."""
        return await tender_view(request, (await actions.publish(request.user, ref)).ref)

    @post(
        "/{ref:str}/questions",
        guards=[guards.signed_in],
        summary="Ask a question",
        operation_id="askTenderQuestion",
        opt=scopes.BIDS,
        responses=problem_responses(404, 409, 429),
    )
    async def ask(self, request: Visitor, ref: FromPath[str], data: JSONBody[questions.QuestionDraft]) -> QuestionView:
        """Ask as a supplier while questions are taken. It is published with its answer; nobody is told who asked."""
        return question_view(await actions.ask(request.user, ref, data))

    @post(
        "/questions/{question:str}/answer",
        guards=[guards.signed_in],
        status_code=200,
        summary="Answer a question",
        operation_id="answerTenderQuestion",
        responses=problem_responses(404, 409),
    )
    async def answer(
        self, request: Visitor, question: FromPath[str], data: JSONBody[questions.AnswerDraft]
    ) -> QuestionView:
        """Answer for everybody, once; 409 when somebody else has answered."""
        ref = await questions.record_of("tender", question)
        return question_view(await actions.answer(request.user, ref, question, data))

    @post(
        "/{ref:str}/changes",
        guards=[guards.signed_in],
        summary="Add a change",
        operation_id="changeTender",
        responses=problem_responses(404, 409),
    )
    async def change(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[changing.Change], confirm: Confirm = ""
    ) -> TenderView:
        """Add a change to a published tender and say what kind it is. A material one reopens questions, and bids sealed before it
        count only when their suppliers confirm or replace them. It, and a correction, waits for a second person of the buyer
        (`…/changes`), and the tender is answered as it stays. 409 with every rule that the tender would break."""
        await proposals.send(request.user, ref, data, confirmed(confirm))
        return await tender_view(request, ref)

    @post(
        "/{ref:str}/cancel",
        guards=[guards.signed_in],
        status_code=200,
        summary="Cancel a tender",
        operation_id="cancelTender",
        responses=problem_responses(404, 409),
    )
    async def cancel(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Ending]) -> TenderView:
        """End a published tender without an award."""
        return await tender_view(request, (await actions.cancel(request.user, ref, data)).ref)

    @put(
        "/{ref:str}/following",
        guards=[guards.signed_in],
        summary="Follow a tender",
        operation_id="followTender",
        opt=scopes.BIDS,
        responses=problem_responses(404),
    )
    async def follow(self, request: Visitor, ref: FromPath[str], data: JSONBody[Wanted]) -> TenderView:
        """As a supplier, be written to when it changes, or no longer."""
        return await tender_view(request, (await actions.follow(request.user, ref, data.wanted)).ref)
