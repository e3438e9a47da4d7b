"""Money owed and paid, for people."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath

from market import clock
from market.accounts import guards
from market.actor import Actor
from market.db import find
from market.payments import actions, rules
from market.payments.stripe import read_event
from market.payments.tables import Obligation
from market.refusals import NotFound, Refusal, Refused, refusals
from market.settings import settings
from market.web.pages import Visitor, show, to


def state_of(row: dict[str, Any]) -> tuple[str, str]:
    """The word and tone of an obligation's state."""
    if row["confirmed_at"]:
        return "Received", "green"
    if row["state"] == "paid":
        return "Paid", "green"
    if row["state"] in ("due", "unknown"):
        return "Being paid", "amber"
    if row["due_at"] < clock.now():
        return "Overdue", "red"
    return ("Refused, owed", "red") if row["state"] == "refused" else ("Owed", "amber")


class PaymentPages(Controller):
    """My payments, one payment, releasing and confirming."""

    path = "/payments"
    include_in_schema = False

    @get("/", guards=[guards.signed_in])
    async def mine(self, request: Visitor) -> Response[bytes]:
        """What my organisations owe and are owed, newest first."""
        mine = request.user.organisations()
        rows = [{**row, "shown": state_of(row)} for row in await actions.ledger(mine)]
        return show(
            request,
            "payments/mine.html",
            owed=[row for row in rows if row["payer"] in mine],
            due=[row for row in rows if row["payee"] in mine],
        )

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One obligation and how it was paid; public, as every payment of public money."""
        row = await actions.entry(ref)
        obligation = await find(Obligation, Obligation.ref == row["ref"])
        attempts = await actions.attempts_of(obligation)
        releasing = request.user.wears("buyer", "contract-manager", organisation=obligation.payer)
        receiving = request.user.wears("supplier-admin", "supplier-member", organisation=obligation.payee)
        blocked = refusals(rules.RELEASE, await actions.release_facts(request.user, obligation)) if releasing else []
        return show(
            request,
            "payments/one.html",
            row=row,
            shown=state_of(row),
            attempts=attempts,
            may_release=releasing is not None and row["state"] != "paid",
            blocked=blocked,
            may_confirm=receiving is not None and row["state"] == "paid" and row["confirmed_at"] is None,
        )

    @post("/{ref:str}/release", guards=[guards.buying_side])
    async def release(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Release the money."""
        await actions.release(request.user, ref)
        return to(f"/payments/{ref}", "The money is released. It is sent within minutes, and the supplier is told.")

    @post("/{ref:str}/confirm", guards=[guards.supplier])
    async def confirm(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """The payee says that it arrived."""
        payment = await actions.confirm(request.user, ref)
        obligation = await find(Obligation, Obligation.id == payment.obligation)
        return to(f"/payments/{obligation.ref}", "Thank you. Receipt is confirmed.")

    @post("/account", guards=[guards.supplier_admin])
    async def account(self, request: Visitor) -> Response[Any]:
        """Begin the supplier's account at the payment provider, and go there."""
        hat = request.user.must_wear("supplier-admin")
        return to(await actions.open_account(request.user, hat.organisation, f"{settings().site_url}/payments"))

    @post("/stripe/webhook", guards=[guards.public], opt={"machine": True}, status_code=200)
    async def webhook(self, request: Request[Actor, Any, Any]) -> dict[str, bool]:
        """What Stripe tells us: verified, kept, answered; a job acts on it."""
        secret = settings().stripe_webhook_secret
        if not secret or actions.provider().name != "stripe":
            raise NotFound("webhook")
        body = await request.body()
        try:
            event, kind, live = read_event(body, request.headers.get("stripe-signature", ""), secret)
        except ValueError as wrong:
            raise Refused(Refusal("payment.webhook-refused", str(wrong)), status=400) from wrong
        if live != settings().production:
            raise Refused(Refusal("payment.webhook-refused", "live and test events are kept apart"), status=400)
        return {"new": await actions.told("stripe", event, kind, body.decode())}
