"""Money owed and paid, for programs."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlencode

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, FromQuery

from market.accounts import guards
from market.payments import actions
from market.payments.tables import Entry
from market.web.api import Items
from market.web.pages import Visitor
from market.web.problems import problem_responses

PER_PAGE = 100


class ObligationView(msgspec.Struct):
    """A sum owed and its last attempt to pay. Amounts are minor units of `currency`; `cause` and `about` are
    `kind:reference`; `state` is null until it was released, then due, unknown, paid or refused; `provider` is stripe or
    simulated (then no money moved); `days_to_pay` are whole days from the fact to the payment; `held_until` is when money that
    was accepted and released from one device is sent at the latest, earlier when an auditor has looked."""

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
    days_to_pay: int | None
    confirmed_at: datetime | None
    held_until: datetime | None


def view(row: Entry) -> ObligationView:
    """A row of the ledger as the API shows it."""
    return ObligationView(
        ref=row.ref,
        cause=row.cause,
        about=row.about,
        purpose=row.purpose,
        payer=row.payer_ref,
        payee=row.payee_ref,
        amount_minor=row.amount_minor,
        currency=row.currency,
        incurred_at=row.incurred_at,
        due_at=row.due_at,
        payment=row.payment,
        state=row.state,
        provider=row.provider,
        paid_at=row.paid_at,
        days_to_pay=actions.days_to_pay(row.incurred_at, row.paid_at) if row.paid_at else None,
        confirmed_at=row.confirmed_at,
        held_until=row.held_until,
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
    )
    async def index(self, about: FromQuery[str] = "", before: FromQuery[str] = "") -> Items[ObligationView]:
        """Obligations with their last attempt to pay, the newest first; `about` keeps those of one challenge or contract
        (`challenge:CH-…`). `before` is the last reference of the page before."""
        rows = await actions.ledger(about=about or None, before=before, limit=PER_PAGE + 1)
        shown = [view(row) for row in rows[:PER_PAGE]]
        onward = {"before": shown[-1].ref, **({"about": about} if about else {})} if len(rows) > PER_PAGE else {}
        return Items(shown, f"/api/v1/payments?{urlencode(onward)}" if onward else None)

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
        responses=problem_responses(404, 409),
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
        responses=problem_responses(404, 409),
    )
    async def confirm(self, request: Visitor, ref: FromPath[str]) -> ObligationView:
        """The payee says that the money of this payment (PY-…) arrived."""
        await actions.confirm(request.user, ref)
        return view(await actions.entry(ref))
