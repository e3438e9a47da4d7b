"""Evaluations, awards and complaints for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import msgspec
from litestar import Controller, get, post, put
from litestar.params import FromPath, JSONBody

from market.accounts import guards, scopes
from market.actor import Actor
from market.awards import actions, evaluation
from market.awards.readers import is_buyer, shown_reasons, standing_for
from market.awards.tables import Complaint, Decision
from market.db import find
from market.panels import actions as panels
from market.panels.actions import MarkGiven
from market.panels.api import (
    ConsensusView,
    DeclarationView,
    MemberView,
    ReasonView,
    consensus_view,
    declaration_view,
    member_views,
)
from market.panels.panel import NOTHING
from market.proof import canonical
from market.refusals import NotFound
from market.suppliers.rules import size_of
from market.tenders.tables import Lot, Tender
from market.web.api import IfMatch, Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class BidderView(msgspec.Struct):
    """An opened bid without its contents."""

    bid: str
    lot: str
    supplier: str
    supplier_name: str
    readable: bool


class EvaluationView(msgspec.Struct):
    """The evaluation of a tender. `waiting` says what is still owed before prices are shown; `panel` is for the buyer's
    officers and auditors, `declaration` a member's own. `consensus` is what the panel says where its marks lie far apart, for those who
    have no interest in any bidder."""

    tender: str
    opened_at: datetime | None
    complete: bool
    waiting: list[str]
    panel: list[MemberView]
    bids: list[BidderView]
    declaration: DeclarationView | None
    consensus: ConsensusView


class MarkedView(msgspec.Struct):
    """One's marks of a bid as they are kept, with the `etag` with which they can be changed."""

    marks: list[MarkGiven]
    etag: str


class ContentView(msgspec.Struct):
    """What was in a bid. `price_minor` is None until the panel has handed in; `marks` are the reader's own, and `etag` theirs."""

    bid: str
    lot: str
    supplier: str
    answers: dict[str, str]
    price_minor: int | None
    currency: str
    problem: str
    marks: list[MarkGiven]
    etag: str


class LineView(msgspec.Struct):
    """The points (in hundredths) of one criterion, explained."""

    criterion: str
    name: str
    weight: int
    points: int
    says: str


class ReasonsView(msgspec.Struct):
    """What the evaluators wrote under one criterion."""

    criterion: str
    name: str
    weight: int
    marks: list[ReasonView]


class PlacedView(msgspec.Struct):
    """A bid in the ranking; points are hundredths. `reasons` are there for the winner, for the bidder herself, and for those
    who evaluate or audit."""

    bid: str
    supplier: str
    name: str
    price_minor: int
    currency: str
    rank: int | None
    quality: int
    price_points: int
    total: int
    lines: list[LineView]
    excluded: str | None
    tie: str | None
    low: str | None
    reasons: list[ReasonsView] = []


class RankingView(msgspec.Struct):
    """The reckoning of a lot: the bids, the rules applied, what the limit on lots did, and which bids were set aside."""

    awarded: str
    placed: list[PlacedView]
    rules: list[str]
    allotment: list[str]
    set_aside: dict[str, str]
    seed: str


class AwardView(msgspec.Struct):
    """A decision about a lot. `supplier` is empty when it was awarded to nobody."""

    ref: str
    tender: str
    lot: str
    supplier: str
    supplier_name: str
    price_minor: int | None
    currency: str
    small_firm: bool | None
    reasons: str
    decided_at: datetime
    standstill_ends_at: datetime | None
    set_aside_at: datetime | None
    set_aside_reason: str
    contract: str
    complaints_open: int
    ranking: RankingView


class ComplaintView(msgspec.Struct):
    """A complaint. `supplier` and `text` are empty for those it does not concern."""

    ref: str
    award: str
    supplier: str
    text: str
    lodged_at: datetime
    answer: str
    upheld: bool
    answered_at: datetime | None


class QuestionView(msgspec.Struct):
    """A question about a price that looks abnormally low."""

    schema_name: ClassVar[str] = "PriceQuestionView"
    asked_at: datetime
    answer_by: datetime
    answer: str
    answered_at: datetime | None


async def evaluation_view(actor: Actor, ref: str) -> EvaluationView:
    """The evaluation as this actor may see it."""
    standing, member = await standing_for(actor, ref)
    insider = is_buyer(actor, standing.tender) or actor.wears("auditor") is not None
    lots = {lot.id: lot.ref for lot in standing.lots}
    return EvaluationView(
        tender=ref,
        opened_at=standing.tender.opened_at,
        complete=standing.complete,
        waiting=standing.panel.waiting(),
        panel=member_views(standing.panel) if insider else [],
        bids=[
            BidderView(bid.ref, lots[bid.lot], bid.supplier_ref, bid.supplier_name, not bid.problem)
            for bid in standing.bids
        ],
        declaration=declaration_view(member),
        consensus=consensus_view(actor, standing.panel),
    )


def _ranking(protocol: dict[str, Any], shown: set[str]) -> RankingView:
    placed = [{**each, "reasons": each["reasons"] if each["bid"] in shown else []} for each in protocol["placed"]]
    return msgspec.convert({**protocol, "placed": placed}, RankingView)


async def award_view(actor: Actor, decision: Decision) -> AwardView:
    """The decision with its ranking, as this actor may see it."""
    tender = await find(Tender, Tender.id == decision.tender)
    lot = await find(Lot, Lot.id == decision.lot)
    winner = await actions.winner_of(decision)
    protocol = canonical.decode(decision.ranking.encode())
    best = next((each for each in protocol["placed"] if winner and each["supplier"] == winner.ref), None)
    return AwardView(
        ref=decision.ref,
        tender=tender.ref,
        lot=lot.ref,
        supplier=winner.ref if winner else "",
        supplier_name=winner.name if winner else "",
        price_minor=best["price_minor"] if best else None,
        currency=tender.currency,
        small_firm=size_of(winner).small if winner else None,
        reasons=decision.reasons,
        decided_at=decision.decided_at,
        standstill_ends_at=decision.standstill_ends_at,
        set_aside_at=decision.set_aside_at,
        set_aside_reason=decision.set_aside_reason,
        contract=decision.contract,
        complaints_open=await actions.open_complaints(decision),
        ranking=_ranking(protocol, await shown_reasons(actor, tender, decision)),
    )


async def complaint_view(actor: Actor, decision: Decision, ref: str) -> ComplaintView:
    """One complaint, as this actor may see it."""
    return next(each for each in await complaint_views(actor, decision) if each.ref == ref)


async def complaint_views(actor: Actor, decision: Decision) -> list[ComplaintView]:
    """The complaints about a decision, as this actor may see them."""
    tender = await find(Tender, Tender.id == decision.tender)
    mine = actor.organisations("supplier-admin", "supplier-member")
    insider = is_buyer(actor, tender) or actor.wears("auditor") is not None
    return [
        ComplaintView(
            ref=each.ref,
            award=decision.ref,
            supplier=each.supplier_ref if insider or each.supplier in mine else "",
            text=each.text if insider or each.supplier in mine else "",
            lodged_at=each.lodged_at,
            answer=each.answer,
            upheld=each.upheld,
            answered_at=each.answered_at,
        )
        for each in await actions.complaints_of(decision)
    ]


class EvaluationApi(Controller):
    """The panel of a tender, its marks, and the decisions about its lots."""

    path = "/api/v1/tenders/{ref:str}/evaluation"
    tags = ["Evaluation"]

    @get(
        "/",
        guards=[guards.signed_in],
        summary="Read an evaluation",
        operation_id="readEvaluation",
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> EvaluationView:
        """How far the evaluation is; for the buyer, the panel and auditors. To everybody else it does not exist."""
        return await evaluation_view(request.user, ref)

    @post(
        "/panel",
        guards=[guards.signed_in],
        summary="Name an evaluator",
        operation_id="nameBidEvaluator",
        responses=problem_responses(404, 409),
    )
    async def name(self, request: Visitor, ref: FromPath[str], data: JSONBody[panels.Naming]) -> EvaluationView:
        """Name an evaluator or buyer officer of the buyer, by her reference."""
        await panels.name(request.user, evaluation.panel(ref), data)
        return await evaluation_view(request.user, ref)

    @post(
        "/excuses",
        guards=[guards.signed_in],
        summary="Excuse an evaluator",
        operation_id="excuseBidEvaluator",
        responses=problem_responses(404, 409),
    )
    async def excuse(self, request: Visitor, ref: FromPath[str], data: JSONBody[panels.Excuse]) -> EvaluationView:
        """Excuse an evaluator who has not handed in, with a reason."""
        await panels.excuse(request.user, evaluation.panel(ref), data)
        return await evaluation_view(request.user, ref)

    @put(
        "/declaration",
        guards=[guards.signed_in],
        summary="Declare interests",
        operation_id="declareInterestsInBidders",
        responses=problem_responses(404, 409, 428),
    )
    async def declare(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[panels.Declaration], if_match: IfMatch = ""
    ) -> EvaluationView:
        """Declare one's interests in the bidders, or that there are none; until you hand in, add to them."""
        await panels.declare(request.user, evaluation.panel(ref), data, if_match)
        return await evaluation_view(request.user, ref)

    @post(
        "/bids/{bid:str}/read",
        status_code=200,
        guards=[guards.signed_in],
        summary="Read an opened bid",
        operation_id="readBid",
        responses=problem_responses(404, 409),
    )
    async def read(self, request: Visitor, ref: FromPath[str], bid: FromPath[str]) -> ContentView:
        """What was in a bid. That you read it is written into the log, the first time."""
        await actions.read_bid(request.user, ref, bid)
        standing, member = await standing_for(request.user, ref)
        found = standing.bid(bid)
        if found is None:
            raise NotFound("Bid")
        subject = standing.panel.matter.subject(found.subject)
        kept = standing.panel.sheet(member, subject) if subject else NOTHING
        return ContentView(
            bid=found.ref,
            lot=next(lot.ref for lot in standing.lots if lot.id == found.lot),
            supplier=found.supplier_ref,
            answers=found.answers,
            price_minor=found.price_minor if standing.complete and not found.problem else None,
            currency=found.currency,
            problem=found.problem,
            marks=[MarkGiven(criterion, mark.points, mark.reason) for criterion, mark in kept.marks.items()],
            etag=kept.version,
        )

    @put(
        "/bids/{bid:str}/marks",
        guards=[guards.signed_in],
        summary="Mark a bid",
        operation_id="markBid",
        responses=problem_responses(404, 409, 422, 428),
    )
    async def mark(
        self,
        request: Visitor,
        ref: FromPath[str],
        bid: FromPath[str],
        data: JSONBody[panels.Marks],
        if_match: IfMatch = "",
    ) -> MarkedView:
        """Mark a bid on every quality criterion of its lot, with a reason for each; again until you hand in."""
        etag = await panels.mark(request.user, evaluation.panel(ref), f"bid:{bid}", data, if_match)
        return MarkedView(data.marks, etag)

    @put(
        "/consensus",
        guards=[guards.signed_in],
        summary="Say why marks of bids lie far apart",
        operation_id="explainBidMarks",
        responses=problem_responses(404, 409, 428),
    )
    async def say(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[panels.ConsensusDraft], if_match: IfMatch = ""
    ) -> EvaluationView:
        """What the panel says where its marks lie far apart, when all have handed in; owed before prices are shown."""
        await panels.explain(request.user, evaluation.panel(ref), data, if_match)
        return await evaluation_view(request.user, ref)

    @post(
        "/submit",
        status_code=200,
        guards=[guards.signed_in],
        summary="Hand in marks of bids",
        operation_id="handInBidMarks",
        responses=problem_responses(404, 409),
    )
    async def submit(self, request: Visitor, ref: FromPath[str]) -> EvaluationView:
        """Lock one's marks; when everybody has, the prices are shown."""
        await panels.lock(request.user, evaluation.panel(ref))
        return await evaluation_view(request.user, ref)

    @post(
        "/bids/{bid:str}/price-question",
        guards=[guards.signed_in],
        summary="Ask about a low price",
        operation_id="askAboutPrice",
        responses=problem_responses(404, 409),
    )
    async def ask(self, request: Visitor, ref: FromPath[str], bid: FromPath[str]) -> QuestionView:
        """Ask a bidder to explain a price that looks abnormally low."""
        asked = await actions.ask_about_price(request.user, ref, bid)
        return QuestionView(asked.asked_at, asked.answer_by, asked.answer, asked.answered_at)

    @put(
        "/bids/{bid:str}/price-question",
        guards=[guards.signed_in],
        summary="Explain a low price",
        operation_id="explainPrice",
        opt=scopes.BIDS,
        responses=problem_responses(404, 409),
    )
    async def explain(
        self, request: Visitor, ref: FromPath[str], bid: FromPath[str], data: JSONBody[actions.Explanation]
    ) -> QuestionView:
        """The bidder explains its price."""
        asked = await actions.explain_price(request.user, ref, bid, data)
        return QuestionView(asked.asked_at, asked.answer_by, asked.answer, asked.answered_at)

    @get(
        "/lots/{lot:str}/ranking",
        guards=[guards.signed_in],
        summary="Read the ranking of a lot",
        operation_id="readRanking",
        responses=problem_responses(404),
    )
    async def ranking(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> RankingView:
        """The ranking before the decision; it does not exist before the whole panel has handed in."""
        standing, _ = await standing_for(request.user, ref, ranking=True)
        found = standing.lot(lot)
        if found is None or not standing.complete or found.id in standing.decisions:
            raise NotFound("Ranking")
        return _ranking(standing.protocol(found, {}), {bid.ref for bid in standing.bids})

    @post(
        "/lots/{lot:str}/decision",
        guards=[guards.signed_in],
        summary="Decide a lot",
        operation_id="decideLot",
        responses=problem_responses(404, 409),
    )
    async def decide(
        self, request: Visitor, ref: FromPath[str], lot: FromPath[str], data: JSONBody[actions.DecisionDraft]
    ) -> AwardView:
        """Award a lot to the bid that ranks first, or to nobody; 409 with every rule that does not hold."""
        return await award_view(request.user, await actions.decide(request.user, ref, lot, data))


class AwardsApi(Controller):
    """Decisions and complaints about them."""

    path = "/api/v1/awards"
    tags = ["Awards"]

    @get(
        "/of/{tender:str}",
        guards=[guards.public],
        summary="List the awards of a tender",
        operation_id="listAwards",
        responses=problem_responses(404),
    )
    async def of_tender(self, request: Visitor, tender: FromPath[str]) -> Items[AwardView]:
        """Every decision about the lots of a tender, those set aside too, oldest first."""
        found = await find(Tender, Tender.ref == tender)
        if found.published_at is None:
            raise NotFound("Tender")
        return Items([await award_view(request.user, each) for each in await actions.decisions_of(found)])

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read an award",
        operation_id="readAward",
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> AwardView:
        """A decision with its ranking and reasons."""
        return await award_view(request.user, await find(Decision, Decision.ref == ref))

    @post(
        "/{ref:str}/set-aside",
        status_code=200,
        guards=[guards.signed_in],
        summary="Set an award aside",
        operation_id="setAwardAside",
        responses=problem_responses(404, 409),
    )
    async def set_aside(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.TakingBack]) -> AwardView:
        """Take a decision back, with a reason; the lot can be decided again."""
        return await award_view(request.user, await actions.set_aside(request.user, ref, data))

    @get(
        "/{ref:str}/complaints",
        guards=[guards.public],
        summary="List complaints",
        operation_id="listComplaints",
        responses=problem_responses(404),
    )
    async def complaints(self, request: Visitor, ref: FromPath[str]) -> Items[ComplaintView]:
        """The complaints about a decision, oldest first; the text for those it concerns."""
        return Items(await complaint_views(request.user, await find(Decision, Decision.ref == ref)))

    @post(
        "/{ref:str}/complaints",
        guards=[guards.signed_in],
        summary="Complain",
        operation_id="lodgeComplaint",
        opt=scopes.BIDS,
        responses=problem_responses(404, 409),
    )
    async def complain(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.ComplaintDraft]
    ) -> ComplaintView:
        """Complain about a decision within its standstill; no contract is drawn up until it is answered."""
        lodged: Complaint = await actions.complain(request.user, ref, data)
        return await complaint_view(request.user, await find(Decision, Decision.ref == ref), lodged.ref)

    @post(
        "/{ref:str}/complaints/{complaint:str}/answer",
        status_code=200,
        guards=[guards.signed_in],
        summary="Answer a complaint",
        operation_id="answerComplaint",
        responses=problem_responses(404, 409),
    )
    async def answer(
        self,
        request: Visitor,
        ref: FromPath[str],
        complaint: FromPath[str],
        data: JSONBody[actions.ComplaintAnswer],
    ) -> ComplaintView:
        """Uphold a complaint, which sets the decision aside, or reject it with reasons."""
        await actions.answer_complaint(request.user, ref, complaint, data)
        return await complaint_view(request.user, await find(Decision, Decision.ref == ref), complaint)
