"""Agreeing to people outside a body's domains, and the domains themselves: for who lets people in, and operators."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from market.accounts import bodies, guards
from market.accounts.tables import Invitation
from market.admissions import actions, rules
from market.db import find
from market.refusals import NotFound, refusals
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class AdmissionPages(Controller):
    """What waits for a second person before somebody outside is let in, or a domain is a body's own."""

    path = "/admissions"
    include_in_schema = False

    @get("/", guards=[guards.signed_in])
    async def index(self, request: Visitor) -> Response[bytes]:
        """The invitations to outside addresses that wait, and the domains."""
        found = []
        for each in await actions.waiting_for(request.user):
            row = await find(Invitation, Invitation.ref == each.ref)
            words = await actions.words_for(each.id)
            reasons = refusals(rules.BACK, await actions.backing(request.user, row))
            found.append((each, words, await actions.lacking(each.role, each.organisation, words), reasons))
        operator = request.user.wears("operator") is not None
        return show(
            request,
            "admissions/list.html",
            waiting=found,
            domains=[
                each for each in await actions.domains() if each.confirmed_at is None and each.withdrawn_at is None
            ]
            if operator
            else [],
        )

    @post("/{ref:str}/agree", guards=[guards.signed_in])
    async def agree(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Agree to let in whom the invitation names."""
        row = await actions.agree(request.user, ref)
        said = _("You agreed. The letter is on its way.") if row.sent_at else _("You agreed. Others have to as well.")
        return to("/admissions", said)

    @post("/domains/{ref:str}/confirm", guards=[guards.operator])
    async def confirm(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Confirm a domain that somebody else proposed."""
        row = await actions.confirm_domain(request.user, ref)
        return to("/admissions", _("{domain} is confirmed.", domain=row.domain))

    @post("/domains/{ref:str}/withdraw", guards=[guards.signed_in])
    async def withdraw(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take a domain back."""
        row = await actions.withdraw_domain(request.user, ref)
        return to("/organisations", _("{domain} is withdrawn. Addresses in it are outside now.", domain=row.domain))


class DomainPages(Controller):
    """The domains of a body."""

    path = "/organisations/{ref:str}/domains"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Which domains are the body's own, and what shows it."""
        return await _domains(request, ref, forms.blank(actions.DomainDraft))

    @post("/", guards=[guards.signed_in])
    async def propose(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Propose another."""
        form = await forms.read(request, actions.DomainDraft)
        with form.acting():
            made = await actions.propose_domain(request.user, ref, form.data)
            return to(
                f"/organisations/{ref}/domains",
                _("{domain} is proposed. An operator confirms it; they are told by letter.", domain=made.domain),
            )
        return await _domains(request, ref, form)


async def _domains(request: Visitor, ref: str, form: forms.Form[actions.DomainDraft]) -> Response[bytes]:
    body = await bodies.body(ref)
    if body.kind == "supplier":
        raise NotFound("Organisation")
    proposes = actions.may_propose(request.user, body)
    found = await actions.domains(body.id)
    return show(
        request,
        "admissions/domains.html",
        status=form.status,
        form=form,
        body=body,
        domains=[each for each in found if each.withdrawn_at is None and (each.confirmed_at or proposes)],
        proposes=proposes,
    )
