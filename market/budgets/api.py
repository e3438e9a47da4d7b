"""Budgets for programs."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery, JSONBody

from market.accounts import guards
from market.accounts.tables import Organisation
from market.budgets import actions, readers, rules
from market.budgets.tables import Listed
from market.db import find
from market.web.api import Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class LineView(msgspec.Struct):
    """What was proposed of a budget and what became of it; `kind` is open, raise, lower or close."""

    schema_name: ClassVar[str] = "BudgetLineView"
    ref: str
    kind: str
    amount_minor: int
    proposed_at: datetime
    proposer: str
    approved_at: datetime | None
    approver: str
    left_at: datetime | None
    leaver: str


class UseView(msgspec.Struct):
    """What a challenge or tender (`kind:reference`) takes from a budget."""

    schema_name: ClassVar[str] = "BudgetUseView"
    about: str
    reserved_minor: int
    committed_minor: int


class BudgetLineOf(msgspec.Struct):
    """A budget in a list. Sums are in minor units of `currency`, VAT included, but what is `paid`, which is without; `stage` is
    proposed, open, over (its year) or closed; `year` the year in which its financial year begins."""

    schema_name: ClassVar[str] = "BudgetSummary"
    ref: str
    body: str
    body_name: str
    year: int
    purpose: str
    stage: str
    currency: str
    amount_minor: int
    reserved_minor: int
    committed_minor: int
    left_minor: int
    paid_minor: int


class BudgetView(BudgetLineOf):
    """A budget with its lines, oldest first, and what takes from it."""

    lines: list[LineView] = []
    uses: list[UseView] = []


class NewBudget(actions.BudgetDraft):
    """A budget that is proposed for a body (its reference)."""

    body: str = ""


def _summary(budget: Listed) -> dict[str, object]:
    return {
        "ref": budget.ref,
        "body": budget.body_ref,
        "body_name": budget.body_name,
        "year": budget.year,
        "purpose": budget.purpose,
        "stage": rules.standing(budget, readers.today()).stage,
        "currency": budget.currency,
        "amount_minor": budget.amount_minor,
        "reserved_minor": budget.reserved_minor,
        "committed_minor": budget.committed_minor,
        "left_minor": budget.left_minor,
        "paid_minor": budget.paid_minor,
    }


async def view(ref: str) -> BudgetView:
    """One budget, by its reference."""
    budget = await readers.one(ref)
    return msgspec.convert(
        {
            **_summary(budget),
            "lines": [
                msgspec.convert(each, LineView, from_attributes=True) for each in await readers.lines_of(budget.id)
            ],
            "uses": [msgspec.convert(each, UseView, from_attributes=True) for each in await readers.uses_of(budget.id)],
        },
        BudgetView,
    )


class BudgetsApi(Controller):
    """What bodies may spend, and what is promised from it; public to read."""

    path = "/api/v1/budgets"
    tags = ["Budgets"]

    @get(
        "/",
        guards=[guards.public],
        summary="List budgets",
        operation_id="listBudgets",
        responses=problem_responses(404),
    )
    async def index(self, organisation: FromQuery[str] = "") -> Items[BudgetLineOf]:
        """Budgets, the latest financial year first; `organisation` keeps those of one body (`O-…`)."""
        bodies = [int((await find(Organisation, Organisation.ref == organisation)).id)] if organisation else None
        return Items([msgspec.convert(_summary(each), BudgetLineOf) for each in await readers.listed(bodies)])

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read a budget",
        operation_id="readBudget",
        responses=problem_responses(404),
    )
    async def one(self, ref: FromPath[str]) -> BudgetView:
        """One budget with its lines and what takes from it."""
        return await view(ref)

    @post(
        "/",
        guards=[guards.signed_in],
        summary="Propose a budget",
        operation_id="proposeBudget",
        responses=problem_responses(404, 409, 422),
    )
    async def propose(self, request: Visitor, data: JSONBody[NewBudget]) -> BudgetView:
        """Propose a budget of a body, as a buyer or a finance officer of it. It counts when another person approved it."""
        body = await find(Organisation, Organisation.ref == data.body)
        said = msgspec.structs.asdict(data)
        del said["body"]
        return await view((await actions.propose(request.user, body.id, actions.BudgetDraft(**said))).ref)

    @post(
        "/{ref:str}/lines",
        guards=[guards.signed_in],
        summary="Propose a change of a budget",
        operation_id="changeBudget",
        responses=problem_responses(404, 409, 422),
    )
    async def change(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.LineDraft]) -> BudgetView:
        """Propose that it is raised, lowered (never below what is promised) or closed."""
        await actions.change(request.user, ref, data)
        return await view(ref)

    @post(
        "/{ref:str}/lines/{line:str}/approve",
        status_code=200,
        guards=[guards.signed_in],
        summary="Approve what was proposed of a budget",
        operation_id="approveBudget",
        responses=problem_responses(404, 409),
    )
    async def approve(self, request: Visitor, ref: FromPath[str], line: FromPath[str]) -> BudgetView:
        """As a finance officer who did not propose it."""
        await actions.approve(request.user, ref, line)
        return await view(ref)

    @post(
        "/{ref:str}/lines/{line:str}/leave",
        status_code=200,
        guards=[guards.signed_in],
        summary="Leave what was proposed of a budget",
        operation_id="leaveBudget",
        responses=problem_responses(404, 409),
    )
    async def leave(self, request: Visitor, ref: FromPath[str], line: FromPath[str]) -> BudgetView:
        """Take it back, or do not approve it: nothing changes."""
        await actions.leave(request.user, ref, line)
        return await view(ref)
