"""Contracts for programs."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery, JSONBody

from market import clock
from market.accounts import guards
from market.contracts import actions, readers, rules
from market.contracts.changes import actions as changes
from market.contracts.changes import readers as changing
from market.contracts.changes.drafts import ChangeDraft
from market.contracts.tables import Change, Contract, Work
from market.db import find
from market.web.api import Items, json_document
from market.web.pages import Visitor
from market.web.problems import problem_responses


class ContractLine(msgspec.Struct):
    """A contract in a list. `stage` is `unsigned`, `in-force`, `ended` or `given-up`."""

    ref: str
    title: str
    buyer: str
    supplier: str
    value_minor: int
    currency: str
    begins_on: date | None
    ends_on: date | None
    stage: str


class MilestoneView(Work, frozen=True):
    """A milestone with what is owed and paid for it."""


class ChangeView(Change, frozen=True):
    """A change; it is in effect when it is agreed, which it can be once it is approved and its standstill is over, and never when
    it was left, by the `buyer` or the `supplier`."""

    schema_name: ClassVar[str] = "ContractChangeView"


class LimitView(msgspec.Struct):
    """How much of a limit on changes is used: the grounds that are added up, the most that may be added and what the changes in
    effect have added, without VAT, reckoned from the value as first signed; `percent` and `most_minor` are null where the law
    names no limit. The days are those by which the end may move and has moved, null where there is no limit."""

    schema_name: ClassVar[str] = "ContractChangeLimit"
    grounds: list[str]
    percent: int | None
    most_minor: int | None
    used_minor: int
    days_most: int | None
    days_used: int


class ContractView(msgspec.Struct):
    """A contract. `digest` is the SHA-256 of the document at `/api/v1/contracts/{ref}/document`."""

    ref: str
    title: str
    stage: str
    award: str
    tender: str
    lot: str
    buyer: str
    buyer_name: str
    supplier: str
    supplier_name: str
    small_firm: bool | None
    value_minor: int
    currency: str
    begins_on: date | None
    ends_on: date | None
    terms: str
    digest: str
    drawn_up_at: datetime
    buyer_signed_at: datetime | None
    supplier_signed_at: datetime | None
    ended_at: datetime | None
    ended_reason: str
    milestones: list[MilestoneView]
    changes: list[ChangeView]
    limits: list[LimitView]


class NewContract(actions.ContractDraft, kw_only=True):
    """A contract to draw up; `award` is the reference of the decision."""

    award: str


async def view(contract: Contract) -> ContractView:
    """The contract with its milestones and changes."""
    around = await readers.around(contract)
    return ContractView(
        ref=contract.ref,
        title=contract.title,
        stage=rules.standing(contract, clock.now()).stage,
        award=around.award,
        tender=around.tender,
        lot=around.lot,
        buyer=around.buyer,
        buyer_name=around.buyer_name,
        supplier=around.supplier,
        supplier_name=around.supplier_name,
        small_firm=around.small_firm,
        value_minor=contract.value_minor,
        currency=contract.currency,
        begins_on=contract.begins_on,
        ends_on=contract.ends_on,
        terms=contract.terms,
        digest=contract.digest,
        drawn_up_at=contract.drawn_up_at,
        buyer_signed_at=contract.buyer_signed_at,
        supplier_signed_at=contract.supplier_signed_at,
        ended_at=contract.ended_at,
        ended_reason=contract.ended_reason,
        milestones=msgspec.convert(await readers.milestones_of(contract), list[MilestoneView], from_attributes=True),
        changes=msgspec.convert(await readers.changes_of(contract), list[ChangeView], from_attributes=True),
        limits=[
            LimitView(
                grounds=list(each.grounds),
                percent=each.percent,
                most_minor=each.most.minor if each.most else None,
                used_minor=each.used.minor,
                days_most=each.days_most,
                days_used=each.days_used,
            )
            for each in await changing.allowances(contract)
        ],
    )


async def _now(ref: str) -> ContractView:
    return await view(await find(Contract, Contract.ref == ref))


class ContractsApi(Controller):
    """Contracts: drawing up, signing, milestones, changes."""

    path = "/api/v1/contracts"
    tags = ["Contracts"]

    @get(
        "/",
        guards=[guards.public],
        summary="List contracts",
        operation_id="listContracts",
    )
    async def index(self, before: FromQuery[str] = "") -> Items[ContractLine]:
        """All contracts, the newest first; `before` is the last reference of the page before."""
        rows = await readers.listed(before)
        shown = rows[: readers.PER_PAGE]
        return Items(
            [
                ContractLine(
                    ref=row.ref,
                    title=row.title,
                    buyer=row.buyer_ref,
                    supplier=row.supplier_ref,
                    value_minor=row.value_minor,
                    currency=row.currency,
                    begins_on=row.begins_on,
                    ends_on=row.ends_on,
                    stage=row.standing.stage,
                )
                for row in shown
            ],
            f"/api/v1/contracts?before={shown[-1].ref}" if len(rows) > len(shown) else None,
        )

    @post(
        "/",
        guards=[guards.signed_in],
        summary="Draw a contract up",
        operation_id="drawUpContract",
        responses=problem_responses(404, 409, 422),
    )
    async def draw_up(self, request: Visitor, data: JSONBody[NewContract]) -> ContractView:
        """Draw a contract up from an award after its standstill; its document is fixed here."""
        given = actions.ContractDraft(
            data.begins_on, data.ends_on, data.milestones, data.title, data.terms, data.indicators
        )
        return await view(await actions.draw_up(request.user, data.award, given))

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read a contract",
        operation_id="readContract",
        responses=problem_responses(404),
    )
    async def one(self, ref: FromPath[str]) -> ContractView:
        """A contract with its milestones, payments and changes."""
        return await _now(ref)

    @get(
        "/{ref:str}/document",
        guards=[guards.public],
        summary="Read the signed document",
        operation_id="readContractDocument",
        media_type=MediaType.JSON,
        responses={**json_document("The document"), **problem_responses(404)},
    )
    async def document(self, ref: FromPath[str]) -> Response[bytes]:
        """The document's canonical bytes, exactly as both sides sign them."""
        contract = await find(Contract, Contract.ref == ref)
        return Response(contract.document.encode(), media_type=MediaType.JSON)

    @post(
        "/{ref:str}/signatures",
        guards=[guards.signed_in],
        summary="Sign a contract",
        operation_id="signContract",
        responses=problem_responses(404, 409),
    )
    async def sign(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Signature]) -> ContractView:
        """Sign for one's side by naming the digest of the document; with both signatures it is in force."""
        return await view(await actions.sign(request.user, ref, data))

    @post(
        "/{ref:str}/milestones/{milestone:str}/delivery",
        guards=[guards.signed_in],
        summary="Deliver a milestone",
        operation_id="deliverMilestone",
        responses=problem_responses(404, 409),
    )
    async def deliver(
        self, request: Visitor, ref: FromPath[str], milestone: FromPath[str], data: JSONBody[actions.Delivery]
    ) -> ContractView:
        """The supplier marks a milestone delivered."""
        await actions.deliver(request.user, ref, milestone, data)
        return await _now(ref)

    @post(
        "/{ref:str}/milestones/{milestone:str}/acceptance",
        guards=[guards.signed_in],
        summary="Accept a milestone",
        operation_id="acceptMilestone",
        responses=problem_responses(404, 409),
    )
    async def accept(self, request: Visitor, ref: FromPath[str], milestone: FromPath[str]) -> ContractView:
        """The buyer accepts a delivery; its amount is owed from now on."""
        await actions.accept(request.user, ref, milestone)
        return await _now(ref)

    @post(
        "/{ref:str}/milestones/{milestone:str}/refusal",
        guards=[guards.signed_in],
        summary="Refuse a milestone",
        operation_id="refuseMilestone",
        responses=problem_responses(404, 409),
    )
    async def refuse(
        self, request: Visitor, ref: FromPath[str], milestone: FromPath[str], data: JSONBody[actions.RefusedDelivery]
    ) -> ContractView:
        """The buyer refuses a delivery and says what is wrong."""
        await actions.refuse(request.user, ref, milestone, data)
        return await _now(ref)

    @post(
        "/{ref:str}/changes",
        guards=[guards.signed_in],
        summary="Propose a change",
        operation_id="proposeContractChange",
        responses=problem_responses(404, 409, 422),
    )
    async def change(self, request: Visitor, ref: FromPath[str], data: JSONBody[ChangeDraft]) -> ContractView:
        """Propose a change on a coded ground, within the limits of the law; a second person of the buyer approves it before the
        supplier is asked, and it takes effect when the supplier agrees."""
        await changes.propose(request.user, ref, data)
        return await _now(ref)

    @post(
        "/{ref:str}/changes/{change:str}/approval",
        guards=[guards.signed_in],
        summary="Approve a proposed change",
        operation_id="approveContractChange",
        responses=problem_responses(404, 409),
    )
    async def approve(self, request: Visitor, ref: FromPath[str], change: FromPath[str]) -> ContractView:
        """A second person of the buyer approves a change: its notice is published, and the supplier is asked."""
        await changes.approve(request.user, ref, change)
        return await _now(ref)

    @post(
        "/{ref:str}/changes/{change:str}/agreement",
        guards=[guards.signed_in],
        summary="Agree to a change",
        operation_id="agreeContractChange",
        responses=problem_responses(404, 409),
    )
    async def agree(self, request: Visitor, ref: FromPath[str], change: FromPath[str]) -> ContractView:
        """The supplier agrees to an approved change whose standstill is over; it is in effect."""
        await changes.agree(request.user, ref, change)
        return await _now(ref)

    @post(
        "/{ref:str}/changes/{change:str}/leaving",
        guards=[guards.signed_in],
        summary="Leave a proposed change",
        operation_id="leaveContractChange",
        responses=problem_responses(404, 409),
    )
    async def leave(self, request: Visitor, ref: FromPath[str], change: FromPath[str]) -> ContractView:
        """The buyer takes a proposed change back, or the supplier does not agree; the contract stays as it is."""
        await changes.leave(request.user, ref, change)
        return await _now(ref)

    @post(
        "/{ref:str}/end",
        status_code=200,
        guards=[guards.signed_in],
        summary="End a contract",
        operation_id="endContract",
        responses=problem_responses(404, 409),
    )
    async def end(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.End]) -> ContractView:
        """End a contract in force, or give up one that both sides have not signed."""
        return await view(await actions.end(request.user, ref, data))
