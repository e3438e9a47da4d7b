"""The public register of appointments; proposing, confirming and objecting for operators and auditors."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from market import clock, policy
from market.accounts import bodies, guards
from market.accounts.people import auditors
from market.accounts.rules import APPOINTED
from market.actor import role_words
from market.appointments import actions, rules
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class AppointmentPages(Controller):
    """Who was appointed, by whom, on what paper, from when."""

    path = "/appointments"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor) -> Response[bytes]:
        """The register; operators and auditors also see what waits for a second person."""
        return await _register(request, forms.blank(actions.Objection))

    @get("/new", guards=[guards.overseer])
    async def new(self, request: Visitor) -> Response[bytes]:
        """An empty proposal."""
        return await _proposing(request, forms.blank(actions.AppointmentDraft))

    @post("/new", guards=[guards.overseer])
    async def propose(self, request: Visitor) -> Response[Any]:
        """Propose somebody."""
        form = await forms.read(request, actions.AppointmentDraft)
        with form.acting():
            await actions.propose(request.user, form.data)
            return to("/appointments", _("Proposed. Somebody else confirms it; they are told by letter."))
        return await _proposing(request, form)

    @post("/{ref:str}/confirm", guards=[guards.overseer])
    async def confirm(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Confirm what somebody else proposed."""
        await actions.confirm(request.user, ref)
        return to("/appointments", _("Confirmed and published. A letter asks her to accept."))

    @post("/{ref:str}/withdraw", guards=[guards.overseer])
    async def withdraw(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Stop an appointment before it takes effect."""
        form = await forms.read(request, actions.Objection)
        with form.acting():
            await actions.withdraw(request.user, ref, form.data)
            return to("/appointments", _("The appointment is stopped. Your reason stands beside it."))
        return await _register(request, form)


async def _register(request: Visitor, form: forms.Form[actions.Objection]) -> Response[bytes]:
    found = await actions.register(request.user)
    now = clock.now()
    return show(
        request,
        "appointments/list.html",
        status=form.status,
        form=form,
        waiting=[each for each in found if rules.waits(each)],
        coming=[each for each in found if rules.is_coming(each, now)],
        settled=[each for each in found if not rules.waits(each) and not rules.is_coming(each, now)],
        appoints=request.user.wears(*actions.APPOINTERS) is not None,
        installed=await actions.at_installation(),
        hours=policy.IN_FORCE.people.appointment_hours,
    )


async def _proposing(request: Visitor, form: forms.Form[actions.AppointmentDraft]) -> Response[bytes]:
    return show(
        request,
        "appointments/new.html",
        status=form.status,
        form=form,
        bodies=[(each.ref, each.name) for each in await bodies.everybody_but_suppliers()],
        roles=[(role, role_words(role).capitalize()) for role in APPOINTED],
        others=await actions.others_than(request.user),
        auditors=await auditors(),
        hours=policy.IN_FORCE.people.appointment_hours,
    )
