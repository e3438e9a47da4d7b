"""Standards for programs: checking, services, documents, runs, certificates and profiles."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, ClassVar

import msgspec
from litestar import Controller, Response, delete, get, post, put
from litestar.enums import MediaType
from litestar.params import FromPath, FromQuery, JSONBody
from msgspec import Meta

from market import drafts
from market.accounts import guards, scopes
from market.actor import SUPPLIER_ROLES
from market.db import find
from market.openapi.limits import MAX_BYTES
from market.refusals import NotFound
from market.standards.certificates import actions as certificates
from market.standards.checking.outcome import Run
from market.standards.components import actions, catalogue, fetching
from market.standards.exemptions import actions as exemptions
from market.standards.keys import public_keys
from market.standards.profiles import actions as publishing
from market.standards.sandboxes import actions as sandboxes
from market.standards.sandboxes import live
from market.standards.tables import CheckRun, IssuedCertificate, PublishedProfile, Sandbox, Service
from market.web.api import IfMatch, Items
from market.web.limits import client_of
from market.web.pages import Visitor
from market.web.problems import problem_responses

Text = Annotated[str, Meta(title="Document", max_length=MAX_BYTES)]
RefOrName = Annotated[str, Meta(max_length=100)]


class ToCheck(msgspec.Struct, forbid_unknown_fields=True):
    """A document to check: its text as it would be lodged (YAML or JSON), and the profile, `name` or `name@version`."""

    document: Text
    profile: RefOrName = "uk-core"
    name: RefOrName = ""


class ToLodge(msgspec.Struct, forbid_unknown_fields=True):
    """A document to lodge: as text, or the public `address` where it is fetched once, now; `name` is its file's name."""

    document: Text = ""
    name: RefOrName = ""
    address: Annotated[str, Meta(max_length=1000)] = ""


class SandboxView(msgspec.Struct):
    """Where a service can be tried. `token` must stand, alone, at `control_address` before anything else is called."""

    address: str
    writable: bool
    header: str
    token: str
    control_address: str
    etag: str


class LiveCheckView(msgspec.Struct):
    """A live check: `stopped` is why it could not be finished; what it found is in the runs whose cause is live."""

    ref: str
    address: str
    asked_at: datetime
    finished_at: datetime | None
    stopped: str
    requests: int


class RuleView(msgspec.Struct):
    """A rule of a profile: `tier` is gate or advisory, `gate_from` the day it becomes a gate, `kind` document, change or
    live."""

    rule: str
    tier: str
    kind: str
    title: str
    why: str
    mend: str
    source: str
    source_url: str
    gate_from: date | None


class ProfileLine(msgspec.Struct):
    """A profile version in a list."""

    name: str
    version: str
    title: str
    digest: str
    effective_on: date | None
    published_at: datetime


class ProfileView(msgspec.Struct):
    """A profile version whole; `ruleset` is in the Spectral format."""

    name: str
    version: str
    title: str
    says: str
    digest: str
    effective_on: date | None
    published_at: datetime
    rules: list[RuleView]
    ruleset: str


class StandingView(msgspec.Struct):
    """A service under one profile: the outcome of its latest run, and the certificate in force, null without one."""

    profile: str
    outcome: str | None
    checked_at: datetime | None
    certificate: str | None


class ServiceView(msgspec.Struct):
    """A component; of a confidential one the texts are empty for those who may not read them."""

    ref: str
    supplier: str
    title: str
    does: str
    used_by: str
    licence: str
    price_terms: str
    cpv: list[str]
    maturity: str
    private: bool
    public_url: str
    api_version: str
    listed_at: datetime
    withdrawn_at: datetime | None
    under: list[StandingView]


class ServiceLine(msgspec.Struct):
    """A component in the catalogue; `passed` are the profiles it holds certificates under."""

    ref: str
    title: str
    supplier: str
    licence: str
    maturity: str
    passed: list[str]


class ChangeView(msgspec.Struct):
    """A difference from the version before; `level` is breaking, attention or compatible."""

    schema_name: ClassVar[str] = "DocumentChangeView"
    code: str
    level: str
    words: str
    path: list[str]


class LodgementView(msgspec.Struct):
    """A version lodged for a service."""

    ref: str
    number: int
    digest: str
    api_title: str
    api_version: str
    breaking: int
    changes: list[ChangeView]
    lodged_at: datetime


class RunLine(msgspec.Struct):
    """A run in a list; `gates` counts what must be mended, `cause` is lodged, asked, periodic or live."""

    ref: str
    profile: str
    outcome: str
    gates: int
    advisories: int
    cause: str
    document: str
    profile_digest: str
    engine: str
    started_at: datetime
    finished_at: datetime


class CertificateLine(msgspec.Struct):
    """A certificate; the signed file is at its own address."""

    ref: str
    profile: str
    document: str
    issued_at: datetime
    valid_until: datetime
    revoked_at: datetime | None
    revoked_reason: str
    state: str


class KeyView(msgspec.Struct):
    """A public key that verifies certificates: 64 hexadecimal letters."""

    name: str
    ed25519: str


def _plain(run: Run) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(run)
    return plain


async def _service(request: Visitor, ref: str) -> ServiceView:
    seen = await catalogue.component(request.user, ref)
    service, shown = seen.service, seen.open
    return ServiceView(
        ref=service.ref,
        supplier=seen.supplier.ref,
        title=service.title if shown else "",
        does=service.does if shown else "",
        used_by=service.used_by if shown else "",
        licence=service.licence if shown else "",
        price_terms=service.price_terms if shown else "",
        cpv=list(service.cpv) if shown else [],
        maturity=service.maturity,
        private=service.private,
        public_url=service.public_url if shown else "",
        api_version=seen.lodged.api_version if seen.lodged is not None and shown else "",
        listed_at=service.listed_at,
        withdrawn_at=service.withdrawn_at,
        under=[
            StandingView(
                publishing.label(each.profile),
                each.run.outcome if each.run is not None else None,
                each.run.started_at if each.run is not None else None,
                each.certificate.ref if each.certificate is not None else None,
            )
            for each in seen.under
        ],
    )


class StandardsApi(Controller):
    """Profiles, checks, and the components that are certified under them."""

    path = "/api/v1/standards"
    tags = ["Standards"]

    @post(
        "/check",
        status_code=200,
        guards=[guards.public],
        summary="Check an API description",
        operation_id="checkApi",
        responses=problem_responses(404, 422, 503),
    )
    async def check(self, request: Visitor, data: JSONBody[ToCheck]) -> dict[str, Any]:
        """The run record: outcome, and every finding with rule, why, source, place, value and how to mend it. Nothing is
        kept."""
        who = request.user.ref if request.user.signed_in else client_of(request)
        return _plain(await actions.check(data.document.encode(), data.profile, name=data.name, who=who))

    @get("/profiles", guards=[guards.public], summary="List profiles", operation_id="listProfiles")
    async def profiles(self) -> Items[ProfileLine]:
        """Every published profile version."""
        return Items(
            [
                ProfileLine(each.name, each.version, each.title, each.digest, each.effective_on, each.published_at)
                for each in await publishing.published()
            ]
        )

    @post(
        "/profiles",
        guards=[guards.signed_in],
        summary="Publish a profile version",
        operation_id="publishProfile",
        opt=scopes.TEAM,
        responses=problem_responses(422),
    )
    async def publish(self, request: Visitor, data: JSONBody[publishing.ProfileDraft]) -> ProfileView:
        """Publish a version, which never changes afterwards; 422 with everything the engine refuses."""
        return _profile(await publishing.publish(request.user, data))

    @get(
        "/profiles/{name:str}/{version:str}",
        guards=[guards.public],
        summary="Read a profile version",
        operation_id="readProfile",
        responses=problem_responses(404),
    )
    async def profile(self, name: FromPath[str], version: FromPath[str]) -> ProfileView:
        """One version with its rules and its ruleset."""
        return _profile(
            await find(PublishedProfile, (PublishedProfile.name == name) & (PublishedProfile.version == version))
        )

    @get(
        "/services",
        guards=[guards.public],
        summary="List components",
        operation_id="listComponents",
    )
    async def services(
        self,
        q: FromQuery[str] = "",
        profile: FromQuery[str] = "",
        sector: FromQuery[str] = "",
        licence: FromQuery[str] = "",
        maturity: FromQuery[str] = "",
    ) -> Items[ServiceLine]:
        """The catalogue: those with every word of `q`, certified under `profile` (`name@version`), of a `sector` (the first
        two digits of a CPV code), a `licence` and a `maturity` (beta, live, retiring), where one is named."""
        chosen = {"profile": profile, "sector": sector, "licence": licence, "maturity": maturity}
        found = await catalogue.listed(q, {name: [value] for name, value in chosen.items() if value})
        return Items(
            [
                ServiceLine(each.ref, each.title, each.supplier_ref, each.licence, each.maturity, each.passed)
                for each in found.items
            ]
        )

    @post(
        "/services",
        guards=[guards.signed_in],
        summary="List a service",
        operation_id="listService",
        responses=problem_responses(422),
    )
    async def create(self, request: Visitor, data: JSONBody[actions.ServiceDraft]) -> ServiceView:
        """List a service in the catalogue; its document is lodged next."""
        service = await actions.list_service(request.user, data)
        return await _service(request, str(service.ref))

    @get(
        "/services/{ref:str}",
        guards=[guards.public],
        summary="Read a component",
        operation_id="readComponent",
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> ServiceView:
        """One component with its standing under each of its profiles."""
        return await _service(request, ref)

    @get(
        "/services/{ref:str}/lodgements",
        guards=[guards.public],
        summary="List the versions of a component's API",
        operation_id="listLodgements",
        responses=problem_responses(404),
    )
    async def lodgements(self, request: Visitor, ref: FromPath[str]) -> Items[LodgementView]:
        """Every version lodged, newest first, with what changed."""
        service = await _open(request, ref)
        return Items(msgspec.convert(await actions.lodgements_of(service), list[LodgementView], from_attributes=True))

    @post(
        "/services/{ref:str}/lodgements",
        guards=[guards.signed_in],
        summary="Lodge an API description",
        operation_id="lodgeApi",
        responses=problem_responses(404, 409, 422, 503),
    )
    async def lodge(self, request: Visitor, ref: FromPath[str], data: JSONBody[ToLodge]) -> LodgementView:
        """Lodge a document: it is checked under every profile of the service, and a pass is certified at once."""
        raw, name = data.document.encode(), data.name
        if not raw and data.address:
            await actions.may_lodge(request.user, ref)
            raw, name = await fetching.document(data.address)
        row = await actions.lodge(request.user, ref, raw, data.name or name)
        service = await find(Service, Service.id == row.service)
        return msgspec.convert((await actions.lodgements_of(service))[0], LodgementView, from_attributes=True)

    @post(
        "/services/{ref:str}/check",
        status_code=200,
        guards=[guards.signed_in],
        summary="Check a component again",
        operation_id="checkComponent",
        responses=problem_responses(404, 409, 503),
    )
    async def check_again(self, request: Visitor, ref: FromPath[str]) -> Items[RunLine]:
        """Check the lodged document again under every profile of the service."""
        made = {str(each.ref) for each in await actions.check_again(request.user, ref)}
        service = await find(Service, Service.ref == ref)
        runs = [each for each in await actions.runs_of(service) if each.ref in made]
        return Items(msgspec.convert(runs, list[RunLine], from_attributes=True))

    @get(
        "/services/{ref:str}/sandbox",
        guards=[guards.signed_in],
        summary="Read the sandbox of a component",
        operation_id="readSandbox",
        responses=problem_responses(404),
    )
    async def sandbox(self, request: Visitor, ref: FromPath[str]) -> SandboxView:
        """Where the service can be tried, and the token that shows control of its host; for its supplier."""
        service = await find(Service, Service.ref == ref)
        request.user.must_wear(*SUPPLIER_ROLES, organisation=service.supplier, secret=True)
        row = await sandboxes.of_service(service)
        if row is None:
            raise NotFound("Sandbox")
        return _sandbox(row)

    @put(
        "/services/{ref:str}/sandbox",
        guards=[guards.signed_in],
        summary="Name the sandbox of a component",
        operation_id="nameSandbox",
        responses=problem_responses(404, 409, 428),
    )
    async def name_sandbox(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[sandboxes.SandboxDraft], if_match: IfMatch = ""
    ) -> SandboxView:
        """Name it or change it; another host gets another token."""
        return _sandbox(await sandboxes.name(request.user, ref, data, if_match))

    @delete(
        "/services/{ref:str}/sandbox",
        guards=[guards.signed_in],
        summary="Take the sandbox of a component away",
        operation_id="dropSandbox",
        responses=problem_responses(404, 409),
    )
    async def drop_sandbox(self, request: Visitor, ref: FromPath[str]) -> None:
        """Refused while the last live check found something."""
        await sandboxes.drop(request.user, ref)

    @post(
        "/services/{ref:str}/live-checks",
        guards=[guards.signed_in],
        summary="Ask for a live check",
        operation_id="askLiveCheck",
        responses=problem_responses(404, 409),
    )
    async def ask_live(self, request: Visitor, ref: FromPath[str]) -> LiveCheckView:
        """A job makes it within a minute: the sandbox is called, and what it does is judged by the profile."""
        row = await sandboxes.ask(request.user, ref)
        return LiveCheckView(row.ref, row.address, row.asked_at, None, "", 0)

    @get(
        "/services/{ref:str}/live-checks",
        guards=[guards.signed_in],
        summary="List the live checks of a component",
        operation_id="listLiveChecks",
        responses=problem_responses(404),
    )
    async def live_checks(self, request: Visitor, ref: FromPath[str]) -> Items[LiveCheckView]:
        """The newest twenty; for its supplier."""
        service = await find(Service, Service.ref == ref)
        request.user.must_wear(*SUPPLIER_ROLES, organisation=service.supplier, secret=True)
        return Items(msgspec.convert(await sandboxes.checks_of(service), list[LiveCheckView], from_attributes=True))

    @get(
        "/services/{ref:str}/runs",
        guards=[guards.public],
        summary="List the checks of a component",
        operation_id="listRuns",
        responses=problem_responses(404),
    )
    async def runs(self, request: Visitor, ref: FromPath[str]) -> Items[RunLine]:
        """The newest hundred runs, newest first, without their findings."""
        runs = await actions.runs_of(await _open(request, ref), 100)
        return Items(msgspec.convert(runs, list[RunLine], from_attributes=True))

    @get(
        "/runs/{ref:str}",
        guards=[guards.public],
        summary="Read a check",
        operation_id="readRun",
        responses=problem_responses(404),
    )
    async def run(self, request: Visitor, ref: FromPath[str]) -> dict[str, Any]:
        """One run record as it was kept, with every finding. Of a live check everybody reads how much was called; the calls
        themselves are for the supplier, the operator and auditors."""
        row = await find(CheckRun, CheckRun.ref == ref)
        service = await find(Service, Service.id == row.service)
        await _open(request, str(service.ref))
        run = Run.from_json(row.result.encode())
        if run.live is not None and not await exemptions.may_read_private(request.user, service):
            counted = {name: len(run.live.get(name, ())) for name in ("requests", "operations")}
            run = msgspec.structs.replace(run, live=counted)
        return _plain(run)

    @get(
        "/services/{ref:str}/certificates",
        guards=[guards.public],
        summary="List the certificates of a component",
        operation_id="listCertificates",
        responses=problem_responses(404),
    )
    async def certificates(self, request: Visitor, ref: FromPath[str]) -> Items[CertificateLine]:
        """Every certificate of a component, newest first."""
        seen = await catalogue.component(request.user, ref)
        held = await certificates.listed(seen.service)
        return Items(msgspec.convert(held, list[CertificateLine], from_attributes=True))

    @get(
        "/certificates/{ref:str}",
        guards=[guards.public],
        summary="Take a certificate",
        operation_id="readCertificate",
        responses=problem_responses(404),
    )
    async def certificate(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The signed file, byte for byte: `python -m market verify certificate FILE` verifies it."""
        row = await find(IssuedCertificate, IssuedCertificate.ref == ref)
        service = await find(Service, Service.id == row.service)
        await catalogue.component(request.user, str(service.ref))
        return Response(bytes(row.file), media_type=MediaType.JSON)

    @get("/keys", guards=[guards.public], summary="List the keys of certificates", operation_id="listKeys")
    async def keys(self) -> Items[KeyView]:
        """The public keys that verify certificates issued here."""
        return Items([KeyView(name, key.hex()) for name, key in public_keys().items()])


async def _open(request: Visitor, ref: str) -> Service:
    seen = await catalogue.component(request.user, ref)
    if not seen.open:
        raise NotFound("Service")
    return seen.service


def _sandbox(row: Sandbox) -> SandboxView:
    return SandboxView(
        address=row.address,
        writable=row.writable,
        header=row.header,
        token=row.token,
        control_address=live.control_address(row.address),
        etag=drafts.version(sandboxes.SandboxDraft, row),
    )


def _profile(row: PublishedProfile) -> ProfileView:
    cards = publishing.composed_of(row).cards.values()
    return ProfileView(
        **{name: getattr(row, name) for name in ProfileView.__struct_fields__ if name != "rules"},
        rules=[RuleView(**{name: getattr(card, name) for name in RuleView.__struct_fields__}) for card in cards],
    )
