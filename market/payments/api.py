"""Money owed and paid, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath

from market.accounts import guards
from market.payments import actions
from market.web.api import SIGNED_IN, Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class ObligationView(msgspec.Struct):
    """A sum owed and its last attempt to pay. Amounts are minor units of `currency`; `cause` and `about` are
    `kind:reference`; `state` is null until it was released, then due, unknown, paid or refused."""

    ref: str
    cause: str
    about: str
    purpose: str
    payer: str
    payee: str
    amount_minor: int
    currency: str
    incurred_at: datetime
    due_at: datetime
    payment: str | None
    state: str | None
    provider: str | None
    paid_at: datetime | None
    confirmed_at: datetime | None


def view(row: dict[str, Any]) -> ObligationView:
    """A row of the ledger as the API shows it."""
    return ObligationView(
        row["ref"],
        row["cause"],
        row["about"],
        row["purpose"],
        row["payer_ref"],
        row["payee_ref"],
        row["amount_minor"],
        row["currency"],
        row["incurred_at"],
        row["due_at"],
        row["payment"],
        row["state"],
        row["provider"],
        row["paid_at"],
        row["confirmed_at"],
    )


class PaymentsApi(Controller):
    """Obligations and payments; public, newest first."""

    path = "/api/v1/payments"
    tags = ["Payments"]

    @get(
        "/",
        guards=[guards.public],
        summary="List obligations",
        operation_id="listObligations",
        responses=problem_responses(),
    )
    async def index(self) -> Items[ObligationView]:
        """The newest five hundred obligations with their last attempt to pay."""
        return Items([view(row) for row in await actions.ledger()])

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read an obligation",
        operation_id="readObligation",
        responses=problem_responses(404),
    )
    async def one(self, ref: FromPath[str]) -> ObligationView:
        """One obligation, by its own reference or that of a payment."""
        return view(await actions.entry(ref))

    @post(
        "/{ref:str}/release",
        status_code=200,
        guards=[guards.signed_in],
        summary="Release a payment",
        operation_id="releasePayment",
        security=SIGNED_IN,
        responses=problem_responses(401, 404, 409),
    )
    async def release(self, request: Visitor, ref: FromPath[str]) -> ObligationView:
        """Release the money for an obligation; never by the person who accepted the delivery."""
        await actions.release(request.user, ref)
        return view(await actions.entry(ref))

    @post(
        "/{ref:str}/confirm",
        status_code=200,
        guards=[guards.signed_in],
        summary="Confirm receipt",
        operation_id="confirmPayment",
        security=SIGNED_IN,
        responses=problem_responses(401, 404, 409),
    )
    async def confirm(self, request: Visitor, ref: FromPath[str]) -> ObligationView:
        """The payee says that the money of this payment (PY-…) arrived."""
        await actions.confirm(request.user, ref)
        return view(await actions.entry(ref))
