"""Loans of people between bodies, for programs."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from market.accounts import guards
from market.loans import actions
from market.loans.tables import Listed
from market.refusals import NotFound
from market.web.api import Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class LoanView(msgspec.Struct):
    """A person of one body (`lender`) who works for another (`borrower`), all by their references. It binds from `agreed_at`."""

    ref: str
    lender: str
    borrower: str
    person: str
    name: str
    role: str
    instrument: str
    since: datetime
    until: datetime
    agreed_at: datetime | None
    ended_at: datetime | None


def view(row: Listed) -> LoanView:
    """A loan as the people of its bodies read it."""
    return LoanView(
        ref=row.ref,
        lender=row.lender_ref,
        borrower=row.borrower_ref,
        person=row.person_ref,
        name=row.name,
        role=row.role,
        instrument=row.instrument,
        since=row.since,
        until=row.until,
        agreed_at=row.agreed_at,
        ended_at=row.ended_at,
    )


async def _one(ref: str) -> LoanView:
    found = next((each for each in await actions.loans() if each.ref == ref), None)
    if found is None:
        raise NotFound("Loan")
    return view(found)


class LoansApi(Controller):
    """Whom bodies lend each other."""

    path = "/api/v1/loans"
    tags = ["People and organisations"]

    @get("/", guards=[guards.signed_in], summary="List loans of people", operation_id="listLoans")
    async def index(self, request: Visitor) -> Items[LoanView]:
        """Those to and from one's own bodies; all for operators and auditors."""
        if request.user.wears("operator", "auditor"):
            return Items([view(each) for each in await actions.loans()])
        mine = {each.ref: view(each) for body in request.user.organisations() for each in await actions.loans(body)}
        return Items(list(mine.values()))

    @post(
        "/",
        guards=[guards.buyer],
        summary="Propose that a person is lent",
        operation_id="proposeLoan",
        responses=problem_responses(404, 409),
    )
    async def propose(self, request: Visitor, data: JSONBody[actions.LoanDraft]) -> LoanView:
        """Propose it for either body; the other one agrees."""
        return await _one((await actions.propose(request.user, data)).ref)

    @post(
        "/{ref:str}/agree",
        status_code=200,
        guards=[guards.buyer],
        summary="Agree that a person is lent",
        operation_id="agreeToLoan",
        responses=problem_responses(404, 409),
    )
    async def agree(self, request: Visitor, ref: FromPath[str]) -> LoanView:
        """Agree for the body that did not propose it."""
        return await _one((await actions.agree(request.user, ref)).ref)

    @post(
        "/{ref:str}/end",
        status_code=200,
        guards=[guards.buyer],
        summary="End the loan of a person",
        operation_id="endLoan",
        responses=problem_responses(404, 409),
    )
    async def end(self, request: Visitor, ref: FromPath[str]) -> LoanView:
        """End it now, for either body."""
        return await _one((await actions.end(request.user, ref)).ref)
