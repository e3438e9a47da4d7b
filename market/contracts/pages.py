"""Contracts for people."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery
from msgspec import Meta

from market import clock, policy
from market.accounts import guards
from market.audit.thread import thread
from market.awards import actions as awards
from market.awards.tables import Decision
from market.contracts import actions, readers, rules
from market.contracts.changes import actions as changes
from market.contracts.changes import readers as changing
from market.contracts.changes.drafts import ChangeDraft
from market.contracts.changes.rules import GROUNDS
from market.contracts.tables import Contract
from market.db import find
from market.proof import canonical
from market.refusals import NotFound, Refused, checklist, refusals
from market.tenders.tables import Lot, Tender
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import N_, _

ROWS = 8
"""How many milestones the form has room for; the API takes more."""


class DraftForm(msgspec.Struct):
    """A contract as the page asks for it; milestones are read from `m1_title`, `m1_due_on`, `m1_amount_minor` and so on."""

    begins_on: Annotated[date, Meta(title=N_("First day"))]
    ends_on: Annotated[date, Meta(title=N_("Last day"))]
    title: Annotated[str, Meta(title=N_("Title"), max_length=300)] = ""
    terms: Annotated[str, Meta(title=N_("Terms"), max_length=40_000)] = ""
    indicators: Annotated[str, Meta(title=N_("Performance indicators"), max_length=20_000)] = ""


class RowForm(msgspec.Struct):
    """One milestone of the form."""

    title: Annotated[str, Meta(title=N_("Milestone"), max_length=300)]
    due_on: Annotated[date, Meta(title=N_("Due"))]
    amount_minor: Annotated[int, Meta(title=N_("Amount"), ge=1, le=10**13)]


class ContractPages(Controller):
    """The list of contracts, one contract, and what each side does with it."""

    path = "/"
    include_in_schema = False

    @get("/contracts", guards=[guards.public])
    async def index(self, request: Visitor, before: FromQuery[str] = "") -> Response[bytes]:
        """All contracts, the newest first."""
        found = await readers.listed(before)
        rows, more = found[: readers.PER_PAGE], len(found) > readers.PER_PAGE
        following = f"/contracts?before={rows[-1].ref}" if more else None
        return show(
            request,
            "contracts/list.html",
            rows=rows,
            before=before,
            following=following,
        )

    @get("/contracts/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """A contract: parties, value, thread, milestones with their payments, changes."""
        return await _contract(request, ref)

    @get("/contracts/{ref:str}/document.json", guards=[guards.public])
    async def document(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The document exactly as it is signed; its SHA-256 is the digest."""
        contract = await find(Contract, Contract.ref == ref)
        return Response(
            contract.document.encode(),
            media_type=MediaType.JSON,
            headers={"content-disposition": f'attachment; filename="contract-{ref}.json"'},
        )

    @get("/awards/{ref:str}/contract", guards=[guards.buying_side])
    async def empty(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Draw a contract up from a decision."""
        return await _drawing(request, ref, None)

    @post("/awards/{ref:str}/contract", guards=[guards.buying_side])
    async def draw_up(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Fix the document and ask both sides to sign."""
        form = await forms.read(request, DraftForm)
        with form.acting():
            contract = await actions.draw_up(request.user, ref, _draft(form))
            return to(f"/contracts/{contract.ref}", _("The contract is drawn up. Both sides are asked to sign it."))
        return await _drawing(request, ref, form)

    @post("/contracts/{ref:str}/sign", guards=[guards.signed_in])
    async def sign(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Sign it for my side."""
        form = await forms.read(request, actions.Signature)
        with form.acting():
            contract = await actions.sign(request.user, ref, form.data)
            in_force = contract.buyer_signed_at and contract.supplier_signed_at
            return to(
                f"/contracts/{ref}",
                _("Signed. The contract is in force.")
                if in_force
                else _("Signed. It is in force when the other side signs."),
            )
        return await _contract(request, ref, signing=form)

    @post("/contracts/{ref:str}/milestones/{milestone:str}/deliver", guards=[guards.supplier])
    async def deliver(self, request: Visitor, ref: FromPath[str], milestone: FromPath[str]) -> Response[Any]:
        """Mark a milestone delivered."""
        form = await forms.read(request, actions.Delivery)
        with form.acting():
            await actions.deliver(request.user, ref, milestone, form.data)
            return to(f"/contracts/{ref}#milestones", _("Marked delivered. The buyer is told."))
        return await _contract(request, ref, delivering=form)

    @post("/contracts/{ref:str}/milestones/{milestone:str}/accept", guards=[guards.buying_side])
    async def accept(self, request: Visitor, ref: FromPath[str], milestone: FromPath[str]) -> Response[Any]:
        """Accept a delivery."""
        await actions.accept(request.user, ref, milestone)
        return to(
            f"/contracts/{ref}#milestones", _("Accepted. Its amount is now owed; somebody else releases the payment.")
        )

    @post("/contracts/{ref:str}/milestones/{milestone:str}/refuse", guards=[guards.buying_side])
    async def refuse(self, request: Visitor, ref: FromPath[str], milestone: FromPath[str]) -> Response[Any]:
        """Refuse a delivery."""
        form = await forms.read(request, actions.RefusedDelivery)
        with form.acting():
            await actions.refuse(request.user, ref, milestone, form.data)
            return to(f"/contracts/{ref}#milestones", _("The supplier is told what is wrong."))
        return await _contract(request, ref, refusing=form)

    @post("/contracts/{ref:str}/changes", guards=[guards.buying_side])
    async def change(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Propose a change."""
        form = await forms.read(request, ChangeDraft)
        with form.acting():
            await changes.propose(request.user, ref, form.data)
            return to(
                f"/contracts/{ref}#changes",
                _(
                    "The change is proposed. A second person of your body has to approve it before the supplier is asked."
                ),
            )
        return await _contract(request, ref, changing=form)

    @post("/contracts/{ref:str}/changes/{change:str}/approve", guards=[guards.buying_side])
    async def approve(self, request: Visitor, ref: FromPath[str], change: FromPath[str]) -> Response[Any]:
        """Approve a change that a colleague proposed."""
        await changes.approve(request.user, ref, change)
        return to(
            f"/contracts/{ref}#changes", _("Approved. The notice is published, and the supplier is asked to agree.")
        )

    @post("/contracts/{ref:str}/changes/{change:str}/agree", guards=[guards.supplier_admin])
    async def agree(self, request: Visitor, ref: FromPath[str], change: FromPath[str]) -> Response[Any]:
        """Agree to a change."""
        await changes.agree(request.user, ref, change)
        return to(f"/contracts/{ref}#changes", _("You agreed. The change is in effect."))

    @post("/contracts/{ref:str}/changes/{change:str}/leave", guards=[guards.signed_in])
    async def leave(self, request: Visitor, ref: FromPath[str], change: FromPath[str]) -> Response[Any]:
        """Take a proposed change back, or do not agree to it."""
        await changes.leave(request.user, ref, change)
        return to(
            f"/contracts/{ref}#changes",
            _("The change is left. The contract stays as it is, and the other side is told."),
        )

    @post("/contracts/{ref:str}/end", guards=[guards.buying_side])
    async def end(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """End it, or give it up."""
        form = await forms.read(request, actions.End)
        with form.acting():
            contract = await actions.end(request.user, ref, form.data)
            return to(
                f"/contracts/{ref}",
                _(
                    "The contract is {contract}. Both sides are told.",
                    contract=rules.standing(contract, clock.now()).word.lower(),
                ),
            )
        return await _contract(request, ref, ending=form)


def _draft(form: forms.Form[DraftForm]) -> actions.ContractDraft:
    """The contract as typed; every mistake of every row is beside its field."""
    milestones, wrong = [], {}
    for place in range(1, ROWS + 1):
        typed = {name: str(form.values.get(f"m{place}_{name}", "")) for name in ("title", "due_on", "amount_minor")}
        if not any(value.strip() for value in typed.values()):
            continue
        row = forms.Form(RowForm, {name: [value] for name, value in typed.items()})
        wrong.update({f"m{place}_{name}": said for name, said in row.errors.items()})
        if not row.errors:
            milestones.append(actions.MilestoneDraft(row.data.title, row.data.due_on, row.data.amount_minor))
    form.errors.update(wrong)
    if wrong:
        form.status = forms.INVALID
        raise Refused(status=forms.INVALID)
    given = form.data
    lines = [line.strip() for line in given.indicators.splitlines() if line.strip()]
    return actions.ContractDraft(given.begins_on, given.ends_on, milestones, given.title, given.terms, lines)


async def _drawing(request: Visitor, ref: str, form: forms.Form[DraftForm] | None) -> Response[bytes]:
    decision = await find(Decision, Decision.ref == ref)
    tender = await find(Tender, Tender.id == decision.tender)
    if request.user.wears(*actions.MANAGERS, organisation=tender.buyer) is None:
        raise NotFound("Decision")
    lot = await find(Lot, Lot.id == decision.lot)
    facts = await actions.drawing(decision)
    blank = forms.blank(
        DraftForm,
        begins_on=tender.contract_begins_on,
        ends_on=tender.contract_ends_on,
        title=await actions.title_of(tender, lot),
        terms=tender.terms,
    )
    return show(
        request,
        "contracts/draft.html",
        status=form.status if form else 200,
        decision=decision,
        tender=tender,
        lot=lot,
        winner=await awards.winner_of(decision),
        price=facts.price,
        checks=checklist(rules.READY, facts),
        ready=not refusals(rules.READY, facts),
        rows=ROWS,
        form=form or blank,
    )


async def _contract(request: Visitor, ref: str, **typed: forms.Form[Any]) -> Response[bytes]:
    contract = await find(Contract, Contract.ref == ref)
    actor = request.user
    given: dict[str, forms.Form[Any]] = {
        "signing": forms.blank(actions.Signature),
        "delivering": forms.blank(actions.Delivery),
        "refusing": forms.blank(actions.RefusedDelivery),
        "changing": forms.blank(ChangeDraft),
        "ending": forms.blank(actions.End),
        **typed,
    }
    wrong = next(iter(typed.values()), given["signing"])
    side = actions.side_of(actor, contract)
    facts = await actions.signing(
        contract,
        side[0] if side else "buyer",
        actions.Signature(contract.digest),
        signed_other_side=False,
        certificate="",
    )
    waits = side is not None and not refusals(rules.WAITS, facts)
    return show(
        request,
        "contracts/one.html",
        status=wrong.status,
        contract=contract,
        standing=rules.standing(contract, clock.now()),
        document=canonical.decode(contract.document.encode()),
        around=await readers.around(contract),
        milestones=await readers.milestones_of(contract),
        changes=await readers.changes_of(contract),
        change_steps=await changing.steps(contract, actor),
        grounds=GROUNDS,
        ground_choices=[(code, _(ground.words), _(ground.asks)) for code, ground in GROUNDS.items()],
        standstill_days=policy.IN_FORCE.contracts.change_standstill_working_days,
        allowances=await changing.allowances(contract),
        first_signed=changing.signed(contract),
        in_force=rules.not_in_force(contract) is None,
        to_sign=side[0] if side and waits else None,
        suspended=refusals(rules.SUSPENDS, facts),
        manages=actor.wears(*actions.MANAGERS, organisation=contract.buyer) is not None,
        supplies=actor.wears(*actions.SUPPLIERS, organisation=contract.supplier) is not None,
        binds=actor.wears(*actions.SIGNATORIES, organisation=contract.supplier) is not None,
        today=clock.now(),
        steps=await thread(f"contract:{ref}"),
        form=wrong,
        **given,
    )
