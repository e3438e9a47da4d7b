"""What a draft of a tender is paid from, for programs."""

from __future__ import annotations

from typing import ClassVar

import msgspec
from litestar import Controller, put
from litestar.params import FromPath, JSONBody

from market import drafts
from market.accounts import guards
from market.db import find
from market.tenders import readers
from market.tenders.drafts import actions
from market.tenders.tables import Tender
from market.web.api import IfMatch
from market.web.pages import Visitor
from market.web.problems import problem_responses


class NamedBudgetView(msgspec.Struct):
    """The budget that a tender names (empty while it names none), what publishing it sets aside in minor units, VAT included,
    and what a change of this names as If-Match."""

    schema_name: ClassVar[str] = "TenderBudgetView"
    ref: str
    budget: str
    needed_minor: int
    currency: str
    etag: str


class TenderBudgetApi(Controller):
    """The budget section of a draft."""

    path = "/api/v1/tenders"
    tags = ["Tenders"]

    @put(
        "/{ref:str}/budget",
        guards=[guards.signed_in],
        summary="Name the budget a tender is paid from",
        operation_id="nameTenderBudget",
        responses=problem_responses(404, 409, 422, 428),
    )
    async def name(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Budget], if_match: IfMatch = ""
    ) -> NamedBudgetView:
        """Name a budget of the body, or none."""
        await actions.name_budget(request.user, ref, data, if_match)
        naming = (await readers.candidate(ref)).naming
        return NamedBudgetView(
            ref=ref,
            budget=naming.budget.ref if naming.budget else "",
            needed_minor=naming.needed_minor,
            currency=naming.currency,
            etag=drafts.version(actions.Budget, await find(Tender, Tender.ref == ref)),
        )
