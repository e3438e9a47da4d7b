"""Suppliers for people: registering, the list, a firm's page, and changing one's own profile."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery

from market import organisations as registers
from market.accounts import guards
from market.accounts.actions import plain_address
from market.accounts.pages import with_session
from market.accounts.sessions import begin
from market.accounts.tables import Organisation
from market.proof import canonical
from market.refusals import refusals
from market.suppliers import actions, rules
from market.web import forms
from market.web.limits import client_of
from market.web.pages import Visitor, show, to
from market.wording import N_, _

COUNTRIES = (
    ("GB", N_("United Kingdom")),
    ("AU", N_("Australia")),
    ("AT", N_("Austria")),
    ("BE", N_("Belgium")),
    ("CZ", N_("Czechia")),
    ("DK", N_("Denmark")),
    ("EE", N_("Estonia")),
    ("FI", N_("Finland")),
    ("FR", N_("France")),
    ("DE", N_("Germany")),
    ("GG", N_("Guernsey")),
    ("IE", N_("Ireland")),
    ("IM", N_("Isle of Man")),
    ("JE", N_("Jersey")),
    ("MD", N_("Moldova")),
    ("NL", N_("Netherlands")),
    ("NO", N_("Norway")),
    ("PL", N_("Poland")),
    ("SE", N_("Sweden")),
    ("UA", N_("Ukraine")),
    ("US", N_("United States")),
)
"""Countries with a register whose numbers can be checked; firms of others register with a worldwide number (LEI)."""

REGIONS = (
    N_("East Midlands"),
    N_("East of England"),
    "London",
    N_("North East"),
    N_("North West"),
    N_("Northern Ireland"),
    "Scotland",
    N_("South East"),
    N_("South West"),
    "Wales",
    N_("West Midlands"),
    N_("Yorkshire and the Humber"),
)
"""The nations and regions of the United Kingdom (ITL 1), offered while typing."""


class RegisterPages(Controller):
    """A firm registers itself."""

    path = "/register"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def form(self, request: Visitor) -> Response[bytes]:
        """The form."""
        kind = actions.FirmDraft if request.user.signed_in else actions.SupplierForm
        return _registering(request, forms.blank(kind, country="GB", scheme="GB-COH", currency="GBP"))

    @post("/", guards=[guards.public])
    async def ask(self, request: Visitor) -> Response[Any]:
        """Take it and write to the address; for somebody who is signed in make the firm at once."""
        if request.user.signed_in:
            return await _registering_another(request)
        form = await forms.read(request, actions.SupplierForm)
        form.beside(actions.objections(form.found))
        with form.acting():
            await actions.ask_to_register(form.data, form.data.password, client_of(request))
            return show(request, "suppliers/asked.html", email=plain_address(form.data.email), firm=form.data.name)
        return _registering(request, form)

    @get("/{token:str}", guards=[guards.public])
    async def confirming(self, request: Visitor, token: FromPath[str]) -> Response[bytes]:
        """What the letter's link opens: a button, because some mail programs open every link by themselves."""
        _, given = await actions.asked(token)
        return show(request, "suppliers/confirm.html", given=given, token=token)

    @post("/{token:str}", guards=[guards.public])
    async def confirm(self, request: Visitor, token: FromPath[str]) -> Response[Any]:
        """Make the firm and its first person, and sign her in."""
        firm, person = await actions.confirm(token)
        page = to(f"/suppliers/{firm.ref}/edit", _("{name} is registered. Now say what it can do.", name=firm.name))
        return await with_session(request, page, await begin(person.id, "password"))


class SupplierPages(Controller):
    """The list of suppliers, one of them, its earlier profiles, and changing one's own."""

    path = "/suppliers"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor, q: FromQuery[str] = "", after: FromQuery[str] = "") -> Response[bytes]:
        """Suppliers by name, with every word of a text filter."""
        rows, following = await actions.page_of(q, after)
        onward = f"/suppliers?{urlencode({'q': q, 'after': following})}" if following else None
        return show(request, "suppliers/list.html", suppliers=rows, q=q, next=onward)

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """A supplier's profile."""
        firm = await actions.supplier(ref)
        actor = request.user
        own = actor.wears("supplier-admin", "supplier-member", organisation=firm.id) is not None
        return show(
            request,
            "suppliers/one.html",
            firm=firm,
            profile=await actions.profile_of(firm),
            verdict=rules.size_of(firm),
            number=actions.number_of(firm),
            register={known.code: known.name for known in registers.schemes()}.get(firm.scheme, firm.scheme),
            country=_(dict(COUNTRIES).get(firm.country, firm.country)),
            own=own,
            may_edit=actor.wears("supplier-admin", organisation=firm.id) is not None,
            sees_figures=own
            or actor.wears("buyer", "evaluator", "contract-manager", "auditor", "operator") is not None,
            versions=await actions.versions_of(firm),
        )

    @get("/{ref:str}/versions/{version:int}", guards=[guards.public])
    async def version(self, request: Visitor, ref: FromPath[str], version: FromPath[int]) -> Response[bytes]:
        """The profile as it stood."""
        firm = await actions.supplier(ref)
        row = await actions.version_of(firm, version)
        told = canonical.decode(row.snapshot.encode())
        return show(request, "suppliers/version.html", firm=firm, row=row, told=told)

    @get("/{ref:str}/edit", guards=[guards.supplier_admin])
    async def editing(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One's own profile as a form."""
        firm = await actions.supplier(ref)
        request.user.must_wear("supplier-admin", organisation=firm.id)
        profile = await actions.profile_of(firm)
        return _editing(request, firm, forms.stored(actions.ProfileDraft, profile, firm))

    @post("/{ref:str}/edit", guards=[guards.supplier_admin])
    async def edit(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep a new version."""
        firm = await actions.supplier(ref)
        form = await forms.read(request, actions.ProfileDraft)
        form.beside(refusals(rules.UPDATE, form.found.get("cpv", ())))
        with form.acting():
            await actions.update_profile(request.user, ref, form.data, form.version)
            return to(f"/suppliers/{ref}", _("The profile is saved. Every buyer can read it now."))
        return _editing(request, firm, form)


async def _registering_another(request: Visitor) -> Response[Any]:
    form = await forms.read(request, actions.FirmDraft)
    form.beside(actions.objections(form.found))
    with form.acting():
        firm = await actions.register_another(request.user, form.data)
        return to(f"/suppliers/{firm.ref}/edit", _("{name} is registered. Now say what it can do.", name=firm.name))
    return _registering(request, form)


def _registering(request: Visitor, form: forms.Form[Any]) -> Response[bytes]:
    form.values = {**form.values, "password": ""}
    names = {code: _(name) for code, name in COUNTRIES}
    schemes = [
        (each.code, f"{names.get(each.country, _('Worldwide'))}: {each.name}")
        for each in sorted(registers.schemes(), key=lambda each: (each.country != "GB", names.get(each.country, "zz")))
        if each.kind != "public body"
    ]
    return show(
        request,
        "suppliers/register.html",
        status=form.status,
        form=form,
        schemes=schemes,
        countries=list(names.items()),
        regions=REGIONS,
    )


def _editing(request: Visitor, firm: Organisation, form: forms.Form[Any]) -> Response[bytes]:
    return show(request, "suppliers/edit.html", status=form.status, form=form, firm=firm, regions=REGIONS)
