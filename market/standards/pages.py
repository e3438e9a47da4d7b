"""Standards for people: profiles and their rules, checking an API, the catalogue of components, exemptions, the register."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from datetime import date
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.datastructures import UploadFile
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery
from msgspec import Meta

from market import clock
from market.accounts import guards
from market.accounts.tables import Organisation
from market.db import find, maybe
from market.openapi.limits import MAX_BYTES
from market.refusals import NotFound, Refused, refusals
from market.settings import settings
from market.standards import (
    actions,
    catalogue,
    certificates,
    conformance,
    exemptions,
    fetching,
    live,
    publishing,
    rules,
    sanctions,
    sandboxes,
)
from market.standards.outcome import Run
from market.standards.profiles import Profile
from market.standards.tables import CheckRun, IssuedCertificate, Lodgement, PublishedProfile, Service
from market.web import forms
from market.web.limits import client_of
from market.web.pages import Visitor, show, templates, to
from market.wording import N_, _

FINDINGS = 100
"""Findings on one page; the record as JSON has all."""


class CheckForm(msgspec.Struct):
    """A document to check: a pasted one; a file is read beside."""

    profile: Annotated[str, Meta(title="Profile", max_length=100)]
    document: Annotated[str, Meta(title="Document", max_length=MAX_BYTES)] = ""


class LodgeForm(msgspec.Struct):
    """A document to lodge: a pasted one, or one at a public address; a file is read beside."""

    document: Annotated[str, Meta(title="Document", max_length=MAX_BYTES)] = ""
    address: Annotated[str, Meta(title=N_("Address of the document"), max_length=1000)] = ""


class OfferForm(msgspec.Struct):
    """The tender that a service is offered for."""

    tender: Annotated[str, Meta(title="Tender", max_length=16)]


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


async def _document(request: Visitor, pasted: str) -> tuple[bytes, str]:
    """The file that was chosen, else the text that was pasted; with the file's name."""
    posted = await request.form()
    chosen = posted.get("file")
    if isinstance(chosen, UploadFile):
        raw = await chosen.read()
        if raw:
            return raw, chosen.filename
    return pasted.strip().encode(), ""


class StandardsPages(Controller):
    """Profiles, checking without lodging, the register, and publishing."""

    path = "/standards"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor) -> Response[bytes]:
        """The profiles, and what happens to whom."""
        newest: dict[str, PublishedProfile] = {}
        for row in await publishing.published():
            newest.setdefault(str(row.name), row)
        profiles = [
            (row, publishing.composed_of(row), await publishing.certified_under(row)) for row in newest.values()
        ]
        waiting = await exemptions.waiting() if request.user.wears("operator") else []
        return show(request, "standards/index.html", profiles=profiles, waiting=waiting)

    @get("/check", guards=[guards.public])
    async def check_form(self, request: Visitor, profile: FromQuery[str] = "") -> Response[bytes]:
        """The form."""
        return await _checking(request, forms.blank(CheckForm, profile=profile or "uk-core"), None)

    @post("/check", guards=[guards.public])
    async def check(self, request: Visitor) -> Response[bytes]:
        """The result; nothing is kept."""
        form = await forms.read(request, CheckForm)
        run: Run | None = None
        with form.acting():
            raw, name = await _document(request, form.data.document)
            who = request.user.ref if request.user.signed_in else client_of(request)
            run = await actions.check(raw, form.data.profile, name=name, who=who)
        return await _checking(request, form, run)

    @get("/register", guards=[guards.public])
    async def register(self, request: Visitor) -> Response[bytes]:
        """Access that is or was withheld, exemptions, certificates in force."""
        now = clock.now()
        return show(
            request,
            "standards/register.html",
            notices=await sanctions.register(),
            exemptions=await exemptions.register(),
            certificates=await catalogue.certificates_in_force(),
            grounds=rules.GROUNDS,
            now=now,
        )

    @get("/publish", guards=[guards.operator])
    async def publishing_form(self, request: Visitor) -> Response[bytes]:
        """The two texts of a new version."""
        return show(request, "standards/publish.html", form=forms.blank(publishing.ProfileDraft))

    @post("/publish", guards=[guards.operator])
    async def publish(self, request: Visitor) -> Response[Any]:
        """Publish it."""
        form = await forms.read(request, publishing.ProfileDraft)
        with form.acting():
            row = await publishing.publish(request.user, form.data)
            return to(
                f"/standards/profiles/{row.name}/{row.version}",
                _("{title}, version {version}, is published.", title=row.title, version=row.version),
            )
        return show(request, "standards/publish.html", status=form.status, form=form)

    @get("/profiles/{name:str}/{version:str}", guards=[guards.public])
    async def profile(self, request: Visitor, name: FromPath[str], version: FromPath[str]) -> Response[bytes]:
        """A profile version with its rules in plain words."""
        row = await _version(name, version)
        return show(
            request,
            "standards/profile.html",
            row=row,
            profile=publishing.composed_of(row),
            today=clock.now().date(),
            versions=await publishing.versions_of(name),
            certified=await publishing.certified_under(row),
        )

    @get("/profiles/{name:str}/{version:str}/ruleset.yaml", guards=[guards.public])
    async def ruleset(self, request: Visitor, name: FromPath[str], version: FromPath[str]) -> Response[bytes]:
        """The ruleset as published: any linter that reads the Spectral format can run it."""
        row = await _version(name, version)
        return Response(str(row.ruleset).encode(), media_type="application/yaml; charset=utf-8")

    @get("/profiles/{name:str}/{version:str}/rules/{rule:str}", guards=[guards.public])
    async def rule(
        self, request: Visitor, name: FromPath[str], version: FromPath[str], rule: FromPath[str]
    ) -> Response[bytes]:
        """One rule: why it exists, how to mend a finding, examples that pass and fail."""
        row = await _version(name, version)
        profile = publishing.composed_of(row)
        card = profile.cards.get(rule)
        if card is None:
            raise NotFound("rule")
        return show(
            request,
            "standards/rule.html",
            row=row,
            card=card,
            tier=card.tier_on(clock.now().date()),
            passing=_examples(profile, card.passing),
            failing=_examples(profile, card.failing),
            definition=_definition(profile, rule),
        )

    # ── exemptions ──

    @get("/exemptions/new", guards=[guards.buyer])
    async def new_exemption(self, request: Visitor, service: FromQuery[str] = "") -> Response[bytes]:
        """The form."""
        return await _exempting(request, forms.blank(ExemptionForm, service=service))

    @post("/exemptions/new", guards=[guards.buyer])
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

    @get("/exemptions/{ref:str}", guards=[guards.public])
    async def exemption(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One exemption."""
        return await _exemption(request, ref, forms.blank(exemptions.Refusing))

    @post("/exemptions/{ref:str}/sign", guards=[guards.operator])
    async def sign_exemption(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """The standards owner's signature."""
        await exemptions.sign(request.user, ref)
        return to(f"/standards/exemptions/{ref}", _("The exemption is signed and holds from now."))

    @post("/exemptions/{ref:str}/refuse", guards=[guards.operator])
    async def refuse_exemption(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """The standards owner does not sign."""
        form = await forms.read(request, exemptions.Refusing)
        with form.acting():
            await exemptions.refuse(request.user, ref, form.data)
            return to(f"/standards/exemptions/{ref}", _("The exemption is refused."))
        return await _exemption(request, ref, form)

    @post("/exemptions/{ref:str}/end", guards=[guards.signed_in])
    async def end_exemption(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """It ends early."""
        await exemptions.end(request.user, ref)
        return to(f"/standards/exemptions/{ref}", _("The exemption has ended."))

    # ── notices ──

    @get("/notices/{ref:str}", guards=[guards.signed_in])
    async def notice(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """A notice or a withholding with its appeal."""
        return await _notice(request, ref, forms.blank(sanctions.Words))

    @post("/notices/{ref:str}/appeal", guards=[guards.supplier])
    async def appeal(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """The supplier appeals."""
        form = await forms.read(request, sanctions.Words)
        with form.acting():
            await sanctions.appeal(request.user, ref, form.data)
            return to(f"/standards/notices/{ref}", _("Your appeal is with the operator, who answers in writing."))
        return await _notice(request, ref, form)

    @post("/notices/{ref:str}/answer", guards=[guards.operator])
    async def answer(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """The operator answers."""
        form = await forms.read(request, sanctions.Answer)
        with form.acting():
            await sanctions.answer(request.user, ref, form.data)
            return to(f"/standards/notices/{ref}", _("The appeal is answered."))
        return await _notice(request, ref, form)


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
        held = await certificates.of_service(seen.service)
        return show(
            request,
            "components/one.html",
            seen=seen,
            standing=listed[0].standing if listed else catalogue.WITHDRAWN if seen.service.withdrawn_at else None,
            versions=await actions.lodgements_of(seen.service) if seen.open else [],
            runs=await actions.runs_of(seen.service) if seen.open else [],
            held=[(each, *catalogue.held(each)) for each in held if seen.open or not each.replaced][:12],
            labels={each.id: publishing.label(each) for each in await publishing.published()},
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
            raw, name = await _document(request, form.data.document)
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
        runs = [(each, Run.read(each.run.result.encode())) for each in seen.under if each.run is not None]
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
            run=Run.read(row.result.encode()),
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


class WellKnownPages(Controller):
    """What programs look for at fixed places."""

    path = "/.well-known"
    include_in_schema = False

    @get("/api-catalog", guards=[guards.public])
    async def catalog(self) -> Response[bytes]:
        """Our own API and those of the components in the catalogue (RFC 9727, as a linkset of RFC 9264): of each its
        description and its documentation; of a confidential one that it exists."""
        site = settings().site_url
        apis = [
            {
                "anchor": f"{site}/api/v1",
                "service-desc": [{"href": f"{site}/api/v1/openapi.json", "type": "application/json"}],
                "service-doc": [{"href": f"{site}/api/v1", "type": "text/html"}],
            }
        ]
        for each in (await catalogue.listed()).items:
            page = f"{site}/components/{each.ref}"
            api: dict[str, Any] = {"anchor": page}
            if each.versions and not each.private:
                document = f"{page}/versions/{each.versions}/document"
                api["service-desc"] = [{"href": document, "type": "text/plain", "title": each.title}]
            api["service-doc"] = [{"href": page, "type": "text/html", "title": each.title}]
            api["status"] = [{"href": f"{site}/api/v1/standards/services/{each.ref}", "type": "application/json"}]
            apis.append(api)
        items = [{"href": each["anchor"]} for each in apis]
        linkset = {"linkset": [{"anchor": f"{site}/.well-known/api-catalog", "item": items}, *apis]}
        return Response(
            json.dumps(linkset).encode(),
            media_type='application/linkset+json; profile="https://www.rfc-editor.org/info/rfc9727"',
            headers={"link": f'<{site}/.well-known/api-catalog>; rel="api-catalog"'},
        )

    @get("/api-certificate-keys.json", guards=[guards.public])
    async def keys(self) -> Response[bytes]:
        """The public keys that verify certificates: name and 64 hexadecimal letters of each."""
        listed = [{"name": name, "ed25519": key.hex()} for name, key in certificates.public_keys().items()]
        return Response(json.dumps({"keys": listed}).encode(), media_type=MediaType.JSON)


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


async def _version(name: str, version: str) -> PublishedProfile:
    return await find(PublishedProfile, (PublishedProfile.name == name) & (PublishedProfile.version == version))


async def _own(request: Visitor, ref: str) -> Service:
    service = await find(Service, Service.ref == ref)
    request.user.must_wear("supplier-admin", "supplier-member", organisation=service.supplier, secret=True)
    return service


async def _options() -> list[tuple[str, str]]:
    return [(publishing.label(row), f"{row.title}, version {row.version}") for row in await publishing.published()]


async def _checking(request: Visitor, form: forms.Form[CheckForm], run: Run | None) -> Response[bytes]:
    row = await publishing.named(str(form.values.get("profile", "")))
    if row is not None:
        form.values["profile"] = publishing.label(row)
    return show(
        request,
        "standards/check.html",
        status=form.status,
        form=form,
        profiles=await _options(),
        run=run,
        row=row,
        tones=catalogue.TONES,
        most=FINDINGS,
    )


async def _listing(
    request: Visitor, form: forms.Form[actions.ServiceDraft], service: Service | None
) -> Response[bytes]:
    return show(
        request,
        "components/edit.html",
        status=form.status,
        form=form,
        service=service,
        profiles=await _options(),
        maturity=[(value, _(words)) for value, words in rules.MATURITY.items()],
    )


async def _exempting(request: Visitor, form: forms.Form[ExemptionForm]) -> Response[bytes]:
    bodies = [(hat.organisation_ref, hat.organisation_name) for hat in request.user.hats if hat.role == "buyer"]
    return show(
        request,
        "standards/exempt.html",
        status=form.status,
        form=form,
        profiles=await _options(),
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
        standing=rules.exemption(row, clock.now()),
        may_sign=actor.wears("operator") is not None and rules.waits_for_the_owner(row, actor.must_be_person()) is None,
        may_end=row.signed_at is not None
        and row.ended_at is None
        and bool(actor.wears("operator") or actor.wears("buyer", organisation=row.buyer)),
    )


async def _notice(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    row = await sanctions.seen_by(request.user, ref)
    now = clock.now()
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


def _examples(profile: Profile, examples: Any) -> list[str]:
    """What each example puts into the base document or drops from it, as lines; the base itself as such."""
    told = []
    for each in examples:
        lines = [f"{pointer}: {json.dumps(value, ensure_ascii=False)}" for pointer, value in each.put.items()]
        lines += [_("without {pointer}", pointer=pointer) for pointer in each.drop]
        told.append("\n".join(lines) or _("the base document as it stands"))
    return told


def _definition(profile: Profile, rule: str) -> str:
    """The lines of the ruleset that define a rule, as published."""
    lines, taken, indent = profile.text.splitlines(), [], -1
    for line in lines:
        bare = line.lstrip()
        depth = len(line) - len(bare)
        if indent >= 0:
            if bare and depth <= indent:
                break
            taken.append(line)
        elif bare.startswith((f"{rule}:", f'"{rule}":')):
            indent = depth
            taken.append(line)
    return "\n".join(taken).rstrip()
