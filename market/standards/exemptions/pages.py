"""Exemptions for people: asking for one, signing or refusing it, ending it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Meta

from market import clock
from market.accounts import guards
from market.accounts.tables import Organisation
from market.db import find, maybe
from market.standards.exemptions import actions as exemptions
from market.standards.exemptions import rules
from market.standards.profiles import actions as publishing
from market.standards.tables import Service
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import N_, _


class ExemptionForm(msgspec.Struct):
    """What a buyer's officer fills in; `buyer` is the reference of her body where she belongs to several."""

    profile: Annotated[str, Meta(title="Profile", max_length=100)]
    ground: Annotated[str, Meta(title="Ground", max_length=20)]
    reason: Annotated[str, Meta(title=N_("Why the standard cannot be met"), max_length=4000)]
    control: Annotated[str, Meta(title=N_("What is done instead"), max_length=4000)]
    expires_on: Annotated[date, Meta(title=N_("Last day"))]
    buyer: Annotated[str, Meta(title=N_("Your body"), max_length=16)] = ""
    service: Annotated[str, Meta(title="Service", max_length=16)] = ""
    supplier: Annotated[str, Meta(title="Supplier", max_length=16)] = ""
    rules: Annotated[list[str], Meta(title="Rules")] = []
    scope: Annotated[str, Meta(title="Scope", max_length=2000)] = ""
    result: Annotated[str, Meta(title=N_("Signed result"), max_length=4_000_000)] = ""
    key: Annotated[str, Meta(title="Key", max_length=64)] = ""


class ExemptionPages(Controller):
    """Exemptions from a profile."""

    path = "/standards/exemptions"
    include_in_schema = False

    @get("/new", guards=[guards.buyer])
    async def new_exemption(self, request: Visitor, service: FromQuery[str] = "") -> Response[bytes]:
        """The form."""
        return await _exempting(request, forms.blank(ExemptionForm, service=service))

    @post("/new", guards=[guards.buyer])
    async def ask_exemption(self, request: Visitor) -> Response[Any]:
        """Ask, which is the buyer's signature."""
        form = await forms.read(request, ExemptionForm)
        with form.acting():
            given = msgspec.structs.asdict(form.data)
            said = given.pop("buyer")
            body = await maybe(Organisation, Organisation.ref == said) if said else None
            hat = request.user.must_wear("buyer", organisation=body.id if body else None)
            row = await exemptions.ask(request.user, hat.organisation, exemptions.ExemptionDraft(**given))
            return to(f"/standards/exemptions/{row.ref}", _("You have signed. The standards owner decides next."))
        return await _exempting(request, form)

    @get("/{ref:str}", guards=[guards.public])
    async def exemption(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One exemption."""
        return await _exemption(request, ref, forms.blank(exemptions.Refusing))

    @post("/{ref:str}/sign", guards=[guards.operator])
    async def sign_exemption(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """The standards owner's signature."""
        await exemptions.sign(request.user, ref)
        return to(f"/standards/exemptions/{ref}", _("The exemption is signed and holds from now."))

    @post("/{ref:str}/refuse", guards=[guards.operator])
    async def refuse_exemption(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """The standards owner does not sign."""
        form = await forms.read(request, exemptions.Refusing)
        with form.acting():
            await exemptions.refuse(request.user, ref, form.data)
            return to(f"/standards/exemptions/{ref}", _("The exemption is refused."))
        return await _exemption(request, ref, form)

    @post("/{ref:str}/end", guards=[guards.signed_in])
    async def end_exemption(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """It ends early."""
        await exemptions.end(request.user, ref)
        return to(f"/standards/exemptions/{ref}", _("The exemption has ended."))


async def _exempting(request: Visitor, form: forms.Form[ExemptionForm]) -> Response[bytes]:
    bodies = [(hat.organisation_ref, hat.organisation_name) for hat in request.user.hats if hat.role == "buyer"]
    return show(
        request,
        "standards/exempt.html",
        status=form.status,
        form=form,
        profiles=await publishing.choices(),
        grounds=[(value, _(words)) for value, words in rules.GROUNDS.items()],
        bodies=bodies,
    )


async def _exemption(request: Visitor, ref: str, form: forms.Form[exemptions.Refusing]) -> Response[bytes]:
    row = await exemptions.seen_by(request.user, ref)
    actor = request.user
    return show(
        request,
        "standards/exemption.html",
        status=form.status,
        form=form,
        row=row,
        ground=_(rules.GROUNDS[row.ground]),
        buyer=await find(Organisation, Organisation.id == row.buyer),
        supplier=await find(Organisation, Organisation.id == row.supplier),
        service=await maybe(Service, Service.id == row.service) if row.service else None,
        standing=rules.standing(row, clock.now()),
        may_sign=actor.wears("operator") is not None and rules.waits_for_the_owner(row, actor.must_be_person()) is None,
        may_end=row.signed_at is not None
        and row.ended_at is None
        and bool(actor.wears("operator") or actor.wears("buyer", organisation=row.buyer)),
    )
