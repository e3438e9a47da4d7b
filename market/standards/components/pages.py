"""Components for people: the catalogue, one component, and what its supplier does with it."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery
from msgspec import Meta

from market.accounts import guards
from market.db import find
from market.openapi.limits import MAX_BYTES
from market.refusals import NotFound, Refused
from market.settings import settings
from market.standards.certificates import actions as certificates
from market.standards.checking.outcome import Run
from market.standards.components import actions, catalogue, conformance, fetching, rules
from market.standards.profiles import actions as publishing
from market.standards.sanctions import actions as sanctions
from market.standards.sandboxes import actions as sandboxes
from market.standards.sandboxes import live
from market.standards.tables import CheckRun, IssuedCertificate, Lodgement, Service
from market.web import forms
from market.web.pages import Visitor, show, templates, to
from market.wording import N_, _

FINDINGS = 100
"""Findings on one page; the record as JSON has all."""


class LodgeForm(msgspec.Struct):
    """A document to lodge: a pasted one, or one at a public address; a file is read beside."""

    document: Annotated[str, Meta(title="Document", max_length=MAX_BYTES)] = ""
    address: Annotated[str, Meta(title=N_("Address of the document"), max_length=1000)] = ""


class OfferForm(msgspec.Struct):
    """The tender that a service is offered for."""

    tender: Annotated[str, Meta(title="Tender", max_length=16)]


async def uploaded(request: Visitor, pasted: str) -> tuple[bytes, str]:
    """The file that was chosen, else the text that was pasted; with the file's name."""
    posted = await request.form()
    chosen = posted.get("file")
    if isinstance(chosen, UploadFile):
        raw = await chosen.read()
        if raw:
            return raw, chosen.filename
    return pasted.strip().encode(), ""


class ComponentPages(Controller):
    """The catalogue, one component, and what its supplier does with it."""

    path = "/components"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(
        self,
        request: Visitor,
        q: FromQuery[str] = "",
        profile: FromQuery[list[str] | None] = None,
        sector: FromQuery[list[str] | None] = None,
        licence: FromQuery[list[str] | None] = None,
        maturity: FromQuery[list[str] | None] = None,
    ) -> Response[bytes]:
        """Components by word and facet."""
        chosen = {
            "profile": profile or [],
            "sector": sector or [],
            "licence": licence or [],
            "maturity": maturity or [],
        }
        found = await catalogue.listed(q, chosen)
        return show(
            request,
            "components/list.html",
            found=found,
            q=q,
            groups=_groups(found, chosen),
            filtered=bool(q or any(chosen.values())),
            maturity=rules.MATURITY,
        )

    @get("/mine", guards=[guards.supplier])
    async def mine(self, request: Visitor, offer: FromQuery[str] = "") -> Response[bytes]:
        """My firm's services, and what is open against them; with `offer`, a tender that one of them can be offered for."""
        suppliers = request.user.organisations("supplier-admin", "supplier-member")
        return show(
            request,
            "components/mine.html",
            items=await catalogue.mine(request.user),
            notices=[notice for supplier in suppliers for notice in await sanctions.register(supplier)],
            offer=_tender(offer),
        )

    @get("/new", guards=[guards.supplier])
    async def new(self, request: Visitor, offer: FromQuery[str] = "") -> Response[bytes]:
        """An empty listing, offered for a tender when one was named."""
        offered = [_tender(offer)] if _tender(offer) else []
        return await _listing(request, forms.blank(actions.ServiceDraft, maturity="live", offered_for=offered), None)

    @post("/new", guards=[guards.supplier])
    async def create(self, request: Visitor) -> Response[Any]:
        """List it and go on to its document."""
        form = await forms.read(request, actions.ServiceDraft)
        with form.acting():
            service = await actions.list_service(request.user, form.data)
            return to(
                f"/components/{service.ref}/lodge",
                _("{title} is listed. Now lodge its OpenAPI document.", title=service.title),
            )
        return await _listing(request, form, None)

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """A component with its API reference and its history."""
        seen = await catalogue.component(request.user, ref)
        listed = (await catalogue.listed(ref=ref)).items
        held = await certificates.listed(seen.service)
        return show(
            request,
            "components/one.html",
            seen=seen,
            standing=listed[0].standing if listed else catalogue.withdrawn() if seen.service.withdrawn_at else None,
            versions=await actions.lodgements_of(seen.service) if seen.open else [],
            runs=await actions.runs_of(seen.service) if seen.open else [],
            held=[certificate for certificate in held if seen.open or not certificate.replaced][:12],
            maturity=rules.MATURITY,
            tones=catalogue.TONES,
            site_url=settings().site_url,
        )

    @get("/{ref:str}/edit", guards=[guards.supplier])
    async def edit(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The listing to change."""
        service = await _own(request, ref)
        return await _listing(request, forms.stored(actions.ServiceDraft, service), service)

    @post("/{ref:str}/edit", guards=[guards.supplier])
    async def revise(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep it."""
        form = await forms.read(request, actions.ServiceDraft)
        with form.acting():
            await actions.revise_service(request.user, ref, form.data, form.version)
            return to(f"/components/{ref}", _("Your changes are saved."))
        return await _listing(request, form, await _own(request, ref))

    @post("/{ref:str}/offer", guards=[guards.supplier])
    async def offer(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Offer it for a tender."""
        form = await forms.read(request, OfferForm)
        with form.acting():
            service = await actions.offer_service(request.user, ref, form.data.tender.strip())
            named = _(
                "{title} is offered for {tender}: an award there asks for its certificate.",
                title=service.title,
                tender=form.data.tender,
            )
            return to(f"/components/{ref}", named)
        return to("/components/mine", " ".join(form.errors.values()), kind="notice")

    @post("/{ref:str}/withdraw", guards=[guards.supplier])
    async def withdraw(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take it out of the catalogue."""
        await actions.withdraw_service(request.user, ref)
        return to("/components/mine", _("The service is out of the catalogue. Its record stays."))

    @get("/{ref:str}/lodge", guards=[guards.supplier])
    async def lodging(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """A document to lodge."""
        return show(request, "components/lodge.html", service=await _own(request, ref), form=forms.blank(LodgeForm))

    @post("/{ref:str}/lodge", guards=[guards.supplier])
    async def lodge(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Lodge it; the result is there at once."""
        form = await forms.read(request, LodgeForm)
        with form.acting():
            raw, name = await uploaded(request, form.data.document)
            if not raw and form.data.address.strip():
                await actions.may_lodge(request.user, ref)
                raw, name = await fetching.document(form.data.address)
            row = await actions.lodge(request.user, ref, raw, name)
            return to(f"/components/{ref}/result", _("Version {number} is lodged and checked.", number=row.number))
        return show(request, "components/lodge.html", status=form.status, service=await _own(request, ref), form=form)

    @post("/{ref:str}/check", guards=[guards.signed_in])
    async def check_again(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Check the lodged document again."""
        checked = actions.check_again(request.user, ref)
        return await _or_notice(
            checked, f"/components/{ref}/result", _("The document was checked again."), f"/components/{ref}"
        )

    @get("/{ref:str}/sandbox", guards=[guards.supplier])
    async def sandbox(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Where it can be tried, and the live checks so far."""
        service = await _own(request, ref)
        row = await sandboxes.of_service(service)
        form = forms.stored(sandboxes.SandboxDraft, row, credential="")
        return await _sandbox(request, service, form)

    @post("/{ref:str}/sandbox", guards=[guards.supplier])
    async def name_sandbox(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep it."""
        form = await forms.read(request, sandboxes.SandboxDraft)
        with form.acting():
            await sandboxes.name(request.user, ref, form.data, form.version)
            return to(
                f"/components/{ref}/sandbox", _("The sandbox is kept. Put the token at its host, then check it live.")
            )
        return await _sandbox(request, await _own(request, ref), form)

    @post("/{ref:str}/sandbox/check", guards=[guards.supplier])
    async def check_live(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Ask for a live check."""
        return await _or_notice(
            sandboxes.ask(request.user, ref),
            f"/components/{ref}/sandbox",
            _("The live check waits. Look again in a minute."),
        )

    @post("/{ref:str}/sandbox/drop", guards=[guards.supplier])
    async def drop_sandbox(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take it away."""
        return await _or_notice(
            sandboxes.drop(request.user, ref), f"/components/{ref}/sandbox", _("The sandbox is taken away.")
        )

    @get("/{ref:str}/result", guards=[guards.public])
    async def result(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The latest run under every profile, with its findings."""
        seen = await catalogue.component(request.user, ref)
        runs = [(each, Run.from_json(each.run.result.encode())) for each in seen.under if each.run is not None]
        if not seen.open:
            raise NotFound("CheckRun")
        return show(request, "components/result.html", seen=seen, runs=runs, tones=catalogue.TONES, most=FINDINGS)

    @get("/{ref:str}/runs/{run:str}", guards=[guards.public])
    async def run(self, request: Visitor, ref: FromPath[str], run: FromPath[str]) -> Response[bytes]:
        """One run as it was recorded."""
        seen = await catalogue.component(request.user, ref)
        row = await find(CheckRun, (CheckRun.ref == run) & (CheckRun.service == seen.service.id))
        if not seen.open:
            raise NotFound("CheckRun")
        return show(
            request,
            "components/run.html",
            seen=seen,
            row=row,
            run=Run.from_json(row.result.encode()),
            tones=catalogue.TONES,
            most=FINDINGS,
        )

    @get("/{ref:str}/versions/{number:int}/document", guards=[guards.public])
    async def document(self, request: Visitor, ref: FromPath[str], number: FromPath[int]) -> Response[bytes]:
        """The document exactly as it was lodged, to save: it is never shown as a page."""
        seen = await catalogue.component(request.user, ref)
        row = await find(Lodgement, (Lodgement.service == seen.service.id) & (Lodgement.number == number))
        if not seen.open:
            raise NotFound("Lodgement")
        kind = "json" if bytes(row.document).lstrip()[:1] == b"{" else "yaml"
        return Response(
            bytes(row.document),
            media_type="text/plain; charset=utf-8",
            headers={"content-disposition": f'attachment; filename="{ref}-{number}.{kind}"'},
        )

    @get("/{ref:str}/certificates/{certificate:str}", guards=[guards.public])
    async def certificate(self, request: Visitor, ref: FromPath[str], certificate: FromPath[str]) -> Response[bytes]:
        """The signed file, to keep and to verify anywhere."""
        seen = await catalogue.component(request.user, ref)
        number = certificate.removesuffix(".json")
        row = await find(
            IssuedCertificate, (IssuedCertificate.ref == number) & (IssuedCertificate.service == seen.service.id)
        )
        return Response(
            bytes(row.file),
            media_type=MediaType.JSON,
            headers={"content-disposition": f'attachment; filename="{number}.json"'},
        )


def _tender(said: str) -> str:
    """The reference of a tender as it stands in an address; empty when it is none."""
    return said if rules.TENDER.fullmatch(said) else ""


async def _or_notice(act: Awaitable[Any], path: str, done: str, otherwise: str = "") -> Response[Any]:
    """Do what a button asks and go to `path`; a refusal is a notice there (or at `otherwise`), because there is no form."""
    try:
        await act
    except Refused as refused:
        if refused.status == 403:
            raise
        return to(otherwise or path, " ".join(each.reason for each in refused.reasons), kind="notice")
    return to(path, done)


async def _sandbox(request: Visitor, service: Service, form: forms.Form[sandboxes.SandboxDraft]) -> Response[bytes]:
    row = await sandboxes.of_service(service)
    return show(
        request,
        "components/sandbox.html",
        status=form.status,
        form=form,
        service=service,
        sandbox=row,
        control_at=live.control_address(row.address) if row is not None else "",
        checks=await sandboxes.checks_of(service),
        runs=[each for each in await actions.runs_of(service, 100) if each.cause == "live"][:6],
        tones=catalogue.TONES,
        installed=live.available(),
        requests=conformance.REQUESTS,
    )


async def _own(request: Visitor, ref: str) -> Service:
    service = await find(Service, Service.ref == ref)
    request.user.must_wear("supplier-admin", "supplier-member", organisation=service.supplier, secret=True)
    return service


async def _listing(
    request: Visitor, form: forms.Form[actions.ServiceDraft], service: Service | None
) -> Response[bytes]:
    return show(
        request,
        "components/edit.html",
        status=form.status,
        form=form,
        service=service,
        profiles=await publishing.choices(),
        maturity=[(value, _(words)) for value, words in rules.MATURITY.items()],
    )


def _groups(found: catalogue.Found, chosen: dict[str, list[str]]) -> list[dict[str, Any]]:
    titles = {
        "profile": _("Profile passed"),
        "sector": "Sector",
        "licence": "Licence",
        "maturity": "Maturity",
    }
    groups = []
    for name, title in titles.items():
        counts = found.counts[name]
        options = [
            (
                value,
                _option(name, value),
                counts.get(value, 0),
                value in chosen[name],
            )
            for value in sorted({*counts, *chosen[name]})
        ]
        if options:
            groups.append({"name": name, "legend": title, "options": options})
    return groups


def _option(name: str, value: str) -> str:
    """The words of a choice. Names of CPV codes stand above standards: templates are given them when the site is put together."""
    if name == "sector":
        return str(templates().filters["cpv"](value))
    return _(rules.MATURITY.get(value, value)).partition(":")[0] if name == "maturity" else value
