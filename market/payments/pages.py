"""Money owed and paid, for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from litestar import Controller, Request, Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Meta

from market import clock
from market.accounts import guards
from market.accounts.marks import marks_of
from market.accounts.tables import Organisation
from market.actor import SUPPLIER_ROLES, Actor, Hat
from market.audit.thread import thread
from market.dates import day
from market.db import find
from market.payments import actions, holds, rules
from market.payments.stripe import read_event
from market.payments.tables import Entry, Obligation, Payment, PayoutAccount
from market.reads import rows
from market.refusals import NotFound, refusals
from market.settings import settings
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


def state_of(row: Entry) -> tuple[str, str]:
    """The word and tone of an obligation's state."""
    if row.confirmed_at:
        return _("Received"), "green"
    if row.state == "paid":
        return _("Paid"), "green"
    if rules.waits(row.held_until, clock.now()):
        return _("Waits for an auditor"), "amber"
    if row.state in ("due", "unknown"):
        return _("Being paid"), "amber"
    if rules.overdue(row.due_at, clock.now()):
        return _("Overdue"), "red"
    return (_("Refused, owed"), "red") if row.state == "refused" else (_("Owed"), "amber")


PER_PAGE = 50


class WhoseAccount(msgspec.Struct):
    """For which firm an account is begun (an organisation's reference)."""

    organisation: Annotated[str, Meta(title="Firm", max_length=16)] = ""


class PaymentPages(Controller):
    """My payments, one payment, releasing and confirming."""

    path = "/payments"
    include_in_schema = False

    @get("/", guards=[guards.signed_in])
    async def mine(self, request: Visitor, before: FromQuery[str] = "") -> Response[bytes]:
        """What my organisations owe and are owed, newest first."""
        return await _mine(request, before, forms.blank(WhoseAccount))

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One obligation and how it was paid; public, as every payment of public money. What the provider said of the
        supplier's account when it refused is for the payer, the payee and those who oversee."""
        return await _one(request, ref, forms.blank(holds.Look))

    @post("/{ref:str}/release", guards=[guards.paying_side])
    async def release(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Release the money."""
        await actions.release(request.user, ref)
        row = await actions.entry(ref)
        if row.held_until is not None:
            return to(
                f"/payments/{ref}",
                _(
                    "The money is released. It was accepted on this device too, so an auditor looks at it first; it is sent by {day} "
                    "at the latest.",
                    day=day(row.held_until),
                ),
            )
        return to(f"/payments/{ref}", _("The money is released. It is sent within minutes, and the supplier is told."))

    @post("/{ref:str}/look", guards=[guards.auditor])
    async def look(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """An auditor has looked at money that waits (PY-…)."""
        form = await forms.read(request, holds.Look)
        with form.acting():
            await holds.look(request.user, ref, form.data)
            row = await actions.entry(ref)
            return to(f"/payments/{row.ref}", _("Written down. The money goes on."))
        return await _one(request, ref, form)

    @post("/{ref:str}/confirm", guards=[guards.supplier])
    async def confirm(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """The payee says that it arrived."""
        payment = await actions.confirm(request.user, ref)
        obligation = await find(Obligation, Obligation.id == payment.obligation)
        return to(f"/payments/{obligation.ref}", _("Thank you. Receipt is confirmed."))

    @post("/account", guards=[guards.supplier_admin])
    async def account(self, request: Visitor) -> Response[Any]:
        """Begin the supplier's account at the payment provider, or go on with it. The way there is a link on a page of ours:
        the content security policy lets no form lead to another site."""
        form = await forms.read(request, WhoseAccount)
        with form.acting():
            there = await actions.open_account(request.user, await _firm(request, form.data), _back())
            return show(request, "payments/account.html", there=there)
        return await _mine(request, "", form)

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
            raise rules.WEBHOOK_REFUSED.refused(why=wrong) from wrong
        if live != settings().production:
            raise rules.WEBHOOK_REFUSED.refused(why=_("Live and test events are kept apart."))
        return {"new": await actions.told("stripe", event, kind, body.decode())}


async def _one(request: Visitor, ref: str, form: forms.Form[holds.Look]) -> Response[bytes]:
    row = await actions.entry(ref)
    obligation = await find(Obligation, Obligation.ref == row.ref)
    attempts = await actions.attempts_of(obligation)
    actor = request.user
    releasing = actor.wears(*actions.RELEASERS, organisation=obligation.payer)
    receiving = actor.wears(*SUPPLIER_ROLES, organisation=obligation.payee)
    inside = releasing or receiving or actor.wears("auditor", "operator")
    blocked = refusals(rules.RELEASE, await actions.release_facts(actor, obligation)) if releasing else []
    overseeing = releasing or actor.wears("auditor", "operator")
    hold = await holds.of_obligation(row.ref) if overseeing else None
    waits = rules.waits(row.held_until, clock.now())
    return show(
        request,
        "payments/one.html",
        status=form.status,
        form=form,
        hold=hold,
        waits=waits,
        may_look=waits and actor.wears("auditor") is not None,
        row=row,
        shown=state_of(row),
        attempts=[(each.ref, each.asked_at, _outcome(each, told=inside is not None)) for each in attempts],
        days=actions.days_to_pay(row.incurred_at, row.paid_at) if row.paid_at else None,
        awaits=releasing is None
        and row.state in (None, "refused")
        and actor.wears("buyer", "contract-manager", organisation=obligation.payer) is not None,
        may_release=releasing is not None and rules.not_paid_yet.code not in {each.code for each in blocked},
        blocked=blocked,
        hands=await _hands(obligation, attempts) if overseeing else [],
        steps=await thread(f"obligation:{row.ref}"),
        may_confirm=bool(receiving and attempts) and not refusals(rules.CONFIRM, attempts[-1]),
    )


async def _firm(request: Visitor, given: WhoseAccount) -> int:
    if not given.organisation:
        return request.user.must_wear("supplier-admin").organisation
    return int((await find(Organisation, Organisation.ref == given.organisation)).id)


def _back() -> str:
    return f"{settings().site_url}/payments"


class Named(msgspec.Struct, frozen=True):
    """Somebody by her reference and name."""

    ref: str
    name: str


async def _hands(obligation: Obligation, attempts: Sequence[Payment]) -> list[tuple[str, str, str]]:
    """Who accepted what is paid for and who released the money, each with what stands beside her name; for who oversees it."""
    did = [(obligation.accepted_by, _("Accepted by")), *((each.approved_by, _("Released by")) for each in attempts)]
    people = await rows(Named, "SELECT ref, name FROM person WHERE ref = ANY({}::text[])", [ref for ref, _act in did])
    names, marks = {each.ref: each.name for each in people}, await marks_of(obligation.payer)
    return [(names[ref], marks.get(ref, ""), act) for ref, act in did if ref in names]


async def _mine(request: Visitor, before: str, form: forms.Form[WhoseAccount]) -> Response[bytes]:
    mine = request.user.organisations()
    found = await actions.ledger(mine, before=before, limit=PER_PAGE + 1)
    rows = [(row, state_of(row)) for row in found[:PER_PAGE]]
    return show(
        request,
        "payments/mine.html",
        status=form.status,
        form=form,
        owed=[(row, shown) for row, shown in rows if row.payer in mine],
        due=[(row, shown) for row, shown in rows if row.payee in mine],
        accounts=await _accounts(request.user),
        next=f"/payments?before={found[PER_PAGE - 1].ref}" if len(found) > PER_PAGE else None,
    )


async def _accounts(actor: Actor) -> list[tuple[Hat, PayoutAccount | None]]:
    """The firms this person administers, each with its account at the provider; none while payments are simulated."""
    if actions.provider().name != "stripe":
        return []
    hats = {hat.organisation: hat for hat in actor.hats if hat.role == "supplier-admin"}
    known = await actions.accounts_of(list(hats))
    return [(hat, known.get(organisation)) for organisation, hat in hats.items()]


def _outcome(payment: Payment, *, told: bool) -> str:
    """What became of an attempt, in words."""
    words = {
        "due": _("Released"),
        "unknown": _("Sent, no answer yet"),
        "paid": _("Paid"),
        "refused": _("Refused"),
    }[payment.state]
    if payment.provider == "simulated":
        words = _("{words} (simulated: no money moves)", words=words)
    return f"{words}: {payment.refusal}" if payment.refusal and told else words
