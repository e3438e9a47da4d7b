"""The whole site assembled: every controller listed once, and what stands round all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any

from litestar import Litestar, Router
from litestar.exceptions import HTTPException
from litestar.logging import LoggingConfig
from litestar.middleware import DefineMiddleware
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, Contact, License, SecurityScheme
from litestar.types import ControllerRouterHandler

from challenges.api import ChallengesApi, MethodsApi, ShortlistApi
from challenges.applications.api import ApplicationsApi, MyApplicationsApi
from challenges.applications.pages import ApplicationPages
from challenges.changes.pages import ChallengeChangePages
from challenges.drafts.pages import DraftPages
from challenges.insights.api import InsightsApi, MeasuredApi, ReportApi
from challenges.insights.pages import InsightPages, MeasuredPages, ReportPages
from challenges.judging.api import MarksApi, PanelApi
from challenges.judging.pages import PanelPages
from challenges.pages import ChallengePages, MethodPages, RunPages
from challenges.pitches.api import PitchesApi
from challenges.pitches.pages import PitchPages
from challenges.quiet.api import QuietApi
from challenges.quiet.pages import QuietPages
from market import VERSION, clock, db, orphans
from market.accounts import guards, scopes
from market.accounts.api import MeApi, OrganisationsApi
from market.accounts.described import DescribedByItsGuard
from market.accounts.pages import AccountPages, InvitationPages, LetterPages, OrganisationPages, SignInPages
from market.accounts.rules import OUT_OF_SCOPE
from market.accounts.sessions import WhoAsks
from market.admissions.api import AdmissionsApi, DomainsApi
from market.admissions.pages import AdmissionPages, DomainPages
from market.appointments.api import AppointmentsApi
from market.appointments.pages import AppointmentPages
from market.awards.api import AwardsApi, EvaluationApi
from market.awards.pages import AwardPages, EvaluationPages
from market.bids import lanes
from market.bids.api import BidsApi
from market.bids.pages import BidPages
from market.budgets.api import BudgetsApi
from market.budgets.pages import BudgetPages
from market.builds.api import BuildsApi
from market.builds.pages import BuildPages
from market.confirming.api import PreparedApi
from market.confirming.asking import Confirming
from market.confirming.described import DescribedByItsAct
from market.confirming.pages import PreparedPages, TouchPages
from market.contracts.api import ContractsApi
from market.contracts.pages import ContractPages
from market.front.pages import AboutPages, DemoPages, DeskPages, HomePages
from market.loans.api import LoansApi
from market.loans.pages import LoanPages
from market.mandates.pages import MandatePages
from market.missions.api import MissionsApi
from market.missions.pages import MissionPages
from market.opendata.api import OpenDataApi
from market.opendata.pages import OpenDataPages
from market.outages import actions as outages
from market.outages import heartbeat
from market.oversight.api import AuditApi, LogApi
from market.oversight.files import LogFiles
from market.oversight.pages import AuditPages, LogPages
from market.payments.api import PaymentsApi
from market.payments.pages import PaymentPages
from market.portal.api import NoticeMergesApi, NoticePairsApi, NoticesApi, PortalsApi, QuarantineApi
from market.portal.pages import NoticePages, PortalPages
from market.portal.suppliers.api import ClaimsApi, ImportedSuppliersApi
from market.portal.suppliers.pages import ClaimPages, ImportedSupplierPages
from market.postroom.api import PostroomApi
from market.postroom.pages import PostroomPages
from market.reviewing.api import ReviewsApi
from market.reviewing.pages import ReviewPages
from market.rulings.api import RulingsApi
from market.rulings.pages import RulingPages
from market.settings import settings
from market.standards.api import StandardsApi
from market.standards.components.pages import ComponentPages
from market.standards.exemptions.pages import ExemptionPages
from market.standards.pages import StandardsPages, WellKnownPages
from market.standards.profiles.pages import ProfilePages
from market.standards.sanctions.pages import SanctionPages
from market.suppliers.api import SuppliersApi
from market.suppliers.pages import RegisterPages, SupplierPages
from market.tenders import cpv
from market.tenders.api import TendersApi
from market.tenders.changes.api import TenderChangesApi
from market.tenders.changes.pages import TenderChangePages
from market.tenders.drafts.api import TenderBudgetApi
from market.tenders.drafts.pages import TenderDraftPages
from market.tenders.pages import TenderPages
from market.waivers.api import WaiversApi
from market.waivers.delegations.api import DelegationsApi
from market.waivers.delegations.pages import DelegationPages
from market.waivers.pages import WaiverPages
from market.waivers.reviewing.api import WaiverReviewsApi
from market.waivers.reviewing.pages import WaiverReviewPages
from market.web import arrival, crossing, headers, heads, limits, problems
from market.web import static as static_files
from market.web.api import Asked
from market.web.once import Once
from market.web.pages import assets, templates
from market.web.schemas import NamedByNouns
from search.api import SearchApi
from search.inviting.pages import PartnerPages, ShortlistPages
from search.outbox import index
from search.pages import SearchPages
from search.precedents.api import PrecedentsApi
from search.precedents.pages import PrecedentPages
from search.saved.pages import SavingPages

FOR_WHOM = (
    "A token that a person made in her account. Who belongs to several organisations says for which of them she acts with "
    "the header `Prelude-Organisation: O-…`; without it, it is the first she joined. A token has scopes, which she ticked when she "
    "made it; each endpoint names the one it asks for (of several, one is enough), and answers 403 "
    f"(`{OUT_OF_SCOPE.code}`) to a token without it: "
    + "; ".join(f"`{name}`: {covered.title}. {covered.more}".rstrip(".") for name, covered in scopes.SCOPES.items())
    + ". What binds others is done by no token: it is prepared for its person, whatever the scopes."
)
"""For the description of the API."""

PAGES: tuple[ControllerRouterHandler, ...] = (
    SearchPages,
    SavingPages,
    PrecedentPages,
    ShortlistPages,
    PartnerPages,
    NoticePages,
    PortalPages,
    ImportedSupplierPages,
    ClaimPages,
    HomePages,
    DeskPages,
    DemoPages,
    AboutPages,
    OpenDataPages,
    LogPages,
    LogFiles,
    AuditPages,
    PaymentPages,
    BudgetPages,
    TenderPages,
    TenderChangePages,
    TenderDraftPages,
    WaiverPages,
    DelegationPages,
    WaiverReviewPages,
    BidPages,
    EvaluationPages,
    AwardPages,
    ContractPages,
    SignInPages,
    TouchPages,
    PreparedPages,
    MandatePages,
    AccountPages,
    InvitationPages,
    OrganisationPages,
    RegisterPages,
    SupplierPages,
    StandardsPages,
    ProfilePages,
    ExemptionPages,
    SanctionPages,
    ComponentPages,
    WellKnownPages,
    LetterPages,
    PostroomPages,
    MissionPages,
    AdmissionPages,
    AppointmentPages,
    ReviewPages,
    BuildPages,
    DomainPages,
    LoanPages,
    RulingPages,
    ChallengePages,
    ChallengeChangePages,
    DraftPages,
    ApplicationPages,
    PanelPages,
    RunPages,
    PitchPages,
    ReportPages,
    MeasuredPages,
    QuietPages,
    InsightPages,
    MethodPages,
)
"""For people: HTML, a session cookie, forms."""

API: tuple[ControllerRouterHandler, ...] = (
    OpenDataApi,
    LogApi,
    AuditApi,
    SearchApi,
    PrecedentsApi,
    NoticesApi,
    PortalsApi,
    QuarantineApi,
    NoticePairsApi,
    NoticeMergesApi,
    ImportedSuppliersApi,
    ClaimsApi,
    MeApi,
    PreparedApi,
    OrganisationsApi,
    AdmissionsApi,
    DomainsApi,
    AppointmentsApi,
    LoansApi,
    RulingsApi,
    SuppliersApi,
    StandardsApi,
    PaymentsApi,
    BudgetsApi,
    TendersApi,
    TenderBudgetApi,
    TenderChangesApi,
    WaiversApi,
    DelegationsApi,
    WaiverReviewsApi,
    BidsApi,
    EvaluationApi,
    AwardsApi,
    ContractsApi,
    MissionsApi,
    PostroomApi,
    ReviewsApi,
    BuildsApi,
    ChallengesApi,
    ApplicationsApi,
    PanelApi,
    MarksApi,
    ShortlistApi,
    PitchesApi,
    ReportApi,
    MeasuredApi,
    QuietApi,
    MyApplicationsApi,
    InsightsApi,
    MethodsApi,
)
"""For programs: JSON below /api/, a bearer token, problem details."""


SEALING = 4
"""Connections of each process that are kept for sealing and withdrawing bids."""


@asynccontextmanager
async def lifespan(app: Litestar) -> AsyncIterator[None]:
    """Open the pool for as long as the application serves; let go of the search engine at the end."""
    async with db.pool(sealing=SEALING, serving=True):
        watch = asyncio.create_task(orphans.end_with_parent())
        beats = asyncio.create_task(heartbeat.beating("web", outages.answers))
        yield
        beats.cancel()
        watch.cancel()
    await index().close()


class Site(Litestar):
    """The application, which answers HEAD wherever it answers GET."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One request, let in when all of it has come; or the lifespan."""
        await arrival.enter(self._answer, scope, receive, send)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        sealing = lanes.seals(scope)
        async with lanes.line(scope) if sealing else nullcontext(), db.held(sealing=sealing) as give_back:

            async def answering(message: Any) -> None:
                if message["type"] == "http.response.start":
                    await give_back()
                await send(message)

            if scope["method"] == "HEAD":
                await heads.answer(super().__call__, scope, receive, answering)
            else:
                await super().__call__(scope, receive, answering)


def create() -> Site:
    """The application, ready for any ASGI server."""
    if settings().demo:
        settings().var.mkdir(parents=True, exist_ok=True)
        clock.follow(settings().var / "clock")
    templates().filters["cpv"] = cpv.named
    return Site(
        route_handlers=[
            *PAGES,
            Router("/", route_handlers=list(API), opt={"machine": True}, include_in_schema=True),
            static_files.router(assets(), [guards.public]),
        ],
        guards=[crossing.own_pages_only, limits.not_flooding, scopes.within_its_scope],
        middleware=[DefineMiddleware(WhoAsks), DefineMiddleware(Once), DefineMiddleware(Confirming)],
        before_send=[headers.protect],
        request_class=Asked,
        exception_handlers={HTTPException: problems.answer, Exception: problems.answer},
        lifespan=[lifespan],
        plugins=[DescribedByItsGuard(), DescribedByItsAct(), NamedByNouns()],
        logging_config=LoggingConfig(log_exceptions="never", root={"level": "WARNING", "handlers": ["queue_listener"]}),
        openapi_config=OpenAPIConfig(
            title="Prelude",
            version=VERSION,
            use_handler_docstrings=True,
            description="Challenges, tenders, bids, contracts and their public record. Money is integer minor units; moments are UTC.",
            license=License(name="Apache-2.0", identifier="Apache-2.0"),
            contact=Contact(name="The operator of this service", url=settings().site_url),
            components=Components(
                security_schemes={"token": SecurityScheme(type="http", scheme="bearer", description=FOR_WHOM)}
            ),
            render_plugins=[JsonRenderPlugin(path="/openapi.json")],
            openapi_router=Router("/api/v1", route_handlers=[], guards=[guards.public], include_in_schema=False),
        ),
        request_max_body_size=arrival.MOST,
    )
