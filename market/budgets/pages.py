"""Budgets for people: those of the body, and one with its story."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from market.accounts import guards
from market.audit.thread import thread
from market.audit.titles import titles_of
from market.budgets import actions, readers, rules
from market.kinds import address
from market.money import Money
from market.refusals import refusals
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class BudgetPages(Controller):
    """What a body may spend, who approved it, and what is promised from it."""

    path = "/budgets"
    include_in_schema = False

    @get("/", guards=[guards.signed_in])
    async def index(self, request: Visitor) -> Response[bytes]:
        """The budgets of one's bodies; all for auditors and operators."""
        found = await readers.listed(readers.bodies_of(request.user))
        day = readers.today()
        return show(
            request,
            "budgets/list.html",
            budgets=[(each, rules.year_words(each.year), rules.standing(each, day)) for each in found],
            several=len({each.body for each in found}) > 1,
            proposes=request.user.wears(*actions.PROPOSERS) is not None,
        )

    @get("/new", guards=[guards.spending_side])
    async def new(self, request: Visitor) -> Response[bytes]:
        """An empty proposal."""
        return _proposing(request, forms.blank(actions.BudgetDraft, year=rules.year_of(readers.today())))

    @post("/new", guards=[guards.spending_side])
    async def propose(self, request: Visitor) -> Response[Any]:
        """Propose a budget."""
        form = await forms.read(request, actions.BudgetDraft)
        with form.acting():
            hat = request.user.must_wear(*actions.PROPOSERS)
            budget = await actions.propose(request.user, hat.organisation, form.data)
            return to(f"/budgets/{budget.ref}", _("Proposed. It counts when a finance officer has approved it."))
        return _proposing(request, form)

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One budget with its story; public, as the money is."""
        return await _one(request, ref, forms.blank(actions.LineDraft))

    @post("/{ref:str}/lines", guards=[guards.spending_side])
    async def change(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Propose a change."""
        form = await forms.read(request, actions.LineDraft)
        with form.acting():
            await actions.change(request.user, ref, form.data)
            return to(f"/budgets/{ref}", _("Proposed. It counts when a finance officer has approved it."))
        return await _one(request, ref, form)

    @post("/{ref:str}/lines/{line:str}/approve", guards=[guards.paying_side])
    async def approve(self, request: Visitor, ref: FromPath[str], line: FromPath[str]) -> Response[Any]:
        """Approve what another proposed."""
        await actions.approve(request.user, ref, line)
        return to(f"/budgets/{ref}", _("Approved. It counts from now on."))

    @post("/{ref:str}/lines/{line:str}/leave", guards=[guards.spending_side])
    async def leave(self, request: Visitor, ref: FromPath[str], line: FromPath[str]) -> Response[Any]:
        """Take it back, or do not approve it."""
        await actions.leave(request.user, ref, line)
        return to(f"/budgets/{ref}", _("Left as it is. What was proposed stays on record."))


def _proposing(request: Visitor, form: forms.Form[actions.BudgetDraft]) -> Response[bytes]:
    now = rules.year_of(readers.today())
    return show(
        request,
        "budgets/new.html",
        status=form.status,
        form=form,
        body=request.user.must_wear(*actions.PROPOSERS).organisation_name,
        example=rules.year_words(now),
        now=now,
    )


async def _one(request: Visitor, ref: str, form: forms.Form[actions.LineDraft]) -> Response[bytes]:
    budget, actor = await readers.one(ref), request.user
    line = await actions.waiting_line(budget)
    proposes = actor.wears(*actions.PROPOSERS, organisation=budget.body) is not None
    approves = actor.wears(*actions.APPROVERS, organisation=budget.body) is not None
    blocked = refusals(rules.APPROVE, await actions.deciding(actor, budget, line)) if line and approves else []
    uses = await readers.uses_of(budget.id)
    titles = await titles_of({each.about for each in uses})
    return show(
        request,
        "budgets/one.html",
        status=form.status,
        form=form,
        budget=budget,
        year=rules.year_words(budget.year),
        last_day=rules.last_day(budget.year),
        standing=rules.standing(budget, readers.today()),
        lines=[
            (each, _words(each.kind), Money(each.amount_minor, budget.currency))
            for each in await readers.lines_of(budget.id)
        ],
        uses=[
            (
                titles.get(each.about, each.about.partition(":")[2]),
                address(each.about),
                Money(each.reserved_minor, budget.currency),
                Money(each.committed_minor, budget.currency),
            )
            for each in uses
        ],
        waits=line,
        waits_amount=Money(line.amount_minor, budget.currency) if line else None,
        approves=approves and not blocked,
        blocked=blocked,
        leaves=line is not None and (approves or (proposes and line.proposed_by == actor.person)),
        changes=proposes and line is None and budget.opened_at is not None and budget.closed_at is None,
        kinds=[
            ("raise", _("Raise it")),
            ("lower", _("Lower it")),
            ("close", _("Close it: nothing more is promised from it")),
        ],
        steps=await thread(f"budget:{ref}"),
    )


def _words(kind: str) -> str:
    return _(rules.KINDS_OF_LINE[kind])
