"""Whom bodies lend each other, for the people of both, operators and auditors."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from market import clock, policy
from market.accounts import bodies, guards
from market.accounts.rules import ROLES
from market.actor import role_words
from market.loans import actions, rules
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class LoanPages(Controller):
    """The loans of one's bodies, and proposing one."""

    path = "/loans"
    include_in_schema = False

    @get("/", guards=[guards.signed_in])
    async def index(self, request: Visitor) -> Response[bytes]:
        """What waits, what runs, what is over."""
        return await _loans(request, forms.blank(actions.LoanDraft))

    @post("/", guards=[guards.buyer])
    async def propose(self, request: Visitor) -> Response[Any]:
        """Propose one."""
        form = await forms.read(request, actions.LoanDraft)
        with form.acting():
            await actions.propose(request.user, form.data)
            return to("/loans", _("Proposed. The other body agrees; it is told by letter."))
        return await _loans(request, form)

    @post("/{ref:str}/agree", guards=[guards.buyer])
    async def agree(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Agree for the other body."""
        await actions.agree(request.user, ref)
        return to("/loans", _("Agreed. She is told by letter, and marked as lent wherever her name stands."))

    @post("/{ref:str}/end", guards=[guards.buyer])
    async def end(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """End one now."""
        await actions.end(request.user, ref)
        return to("/loans", _("The loan has ended."))


async def _loans(request: Visitor, form: forms.Form[actions.LoanDraft]) -> Response[bytes]:
    actor, now = request.user, clock.now()
    if actor.wears("operator", "auditor"):
        found = await actions.loans()
    else:
        found = list({each.ref: each for body in actor.organisations() for each in await actions.loans(body)}.values())
    roles = [role for role in ROLES["buyer"] if role not in rules.NEVER_LENT]
    return show(
        request,
        "loans/list.html",
        status=form.status,
        form=form,
        loans=[(each, rules.waits(each), rules.is_in_force(each, now)) for each in found],
        may_agree=[each.ref for each in found if actions.may_agree(actor, each)],
        may_end=[each.ref for each in found if actions.may_end(actor, each)],
        proposes=actor.wears(actions.GIVER) is not None,
        bodies=[(each.ref, each.name) for each in await bodies.everybody_but_suppliers() if each.kind == "buyer"],
        roles=[(role, role_words(role).capitalize()) for role in roles],
        days=policy.IN_FORCE.people.loan_days,
        percent=policy.IN_FORCE.people.lent_percent,
    )
