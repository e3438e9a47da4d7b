"""Sanctions for people: a notice or a withholding with its appeal."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from market import clock
from market.accounts import guards
from market.accounts.tables import Organisation
from market.db import find
from market.refusals import refusals
from market.standards.sanctions import actions as sanctions
from market.standards.sanctions import rules
from market.standards.tables import PublishedProfile, Service
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class SanctionPages(Controller):
    """Notices, and the appeals against them."""

    path = "/standards/notices"
    include_in_schema = False

    @get("/{ref:str}", guards=[guards.signed_in])
    async def notice(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """A notice or a withholding with its appeal."""
        return await _notice(request, ref, forms.blank(sanctions.Appeal))

    @post("/{ref:str}/appeal", guards=[guards.supplier])
    async def appeal(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """The supplier appeals."""
        form = await forms.read(request, sanctions.Appeal)
        with form.acting():
            await sanctions.appeal(request.user, ref, form.data)
            return to(f"/standards/notices/{ref}", _("Your appeal is with the operator, who answers in writing."))
        return await _notice(request, ref, form)

    @post("/{ref:str}/answer", guards=[guards.operator])
    async def answer(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """The operator answers."""
        form = await forms.read(request, sanctions.Ruling)
        with form.acting():
            await sanctions.answer(request.user, ref, form.data)
            return to(f"/standards/notices/{ref}", _("The appeal is answered."))
        return await _notice(request, ref, form)


async def _notice(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    row = await sanctions.seen_by(request.user, ref)
    now = clock.arrived()
    until = sanctions.appeal_until(row)
    supplies = request.user.wears("supplier-admin", "supplier-member", organisation=row.supplier) is not None
    return show(
        request,
        "standards/notice.html",
        status=form.status,
        form=form,
        row=row,
        state=rules.sanction(row, now),
        service=await find(Service, Service.id == row.service),
        supplier=await find(Organisation, Organisation.id == row.supplier),
        profile=await find(PublishedProfile, PublishedProfile.id == row.profile),
        until=until,
        may_appeal=supplies and not refusals(rules.MAY_APPEAL, rules.Appealing(row, until, "", now)),
        may_answer=request.user.wears("operator") is not None and rules.an_appeal_waits(row, "") is None,
    )
