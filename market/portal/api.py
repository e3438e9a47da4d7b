"""Other portals' notices, for programs."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import Controller, get
from litestar.params import FromPath

from market.accounts import guards
from market.portal import matching, views
from market.portal.notices import Party
from market.web.api import Items
from market.web.problems import problem_responses


class OrganisationView(msgspec.Struct):
    """An organisation as its portal names it; `scheme` is a code of org-id.guide."""

    name: str
    scheme: str | None
    identifier: str | None


class OriginView(msgspec.Struct):
    """One portal on which the procurement stands, with the licence its data are under."""

    source: str
    portal: str
    ocid: str
    licence: str
    licence_url: str
    link: str | None
    updated_at: datetime | None


class VersionView(msgspec.Struct):
    """One release in the history of a notice."""

    at: datetime
    release: str
    tags: str


class ImportedNoticeView(msgspec.Struct):
    """A procurement published on other portals, shown once with all its sources. Money is minor units of `currency`."""

    ref: str
    title: str
    description: str
    stage: str
    buyer: OrganisationView | None
    suppliers: list[OrganisationView]
    cpv: list[str]
    region: str | None
    value_minor: int | None
    currency: str | None
    awarded_minor: int | None
    awarded_currency: str | None
    published_at: datetime | None
    opens_at: datetime | None
    closes_at: datetime | None
    awarded_at: datetime | None
    lots: int
    sme_suitable: bool | None
    test: bool
    sources: list[OriginView]
    history: list[VersionView]


class CheckView(msgspec.Struct):
    """One quality check that does not hold everywhere; `examples` are ocids."""

    code: str
    area: str
    asks: str
    asked: int
    failed: int
    examples: list[str]


class PortalView(msgspec.Struct):
    """A portal that is read. `score` (0 to 100) is None before its first run has ended."""

    name: str
    title: str
    home: str
    cadence: str
    licence: str
    licence_url: str
    notices: int
    quarantined: int
    last_read_at: datetime | None
    score: int | None
    areas: dict[str, int]
    failing: list[CheckView]


class NoticesApi(Controller):
    """Procurements published on other portals."""

    path = "/api/v1/notices"
    tags = ["Other portals"]

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read a notice of another portal",
        operation_id="readNotice",
        responses=problem_responses(404),
    )
    async def one(self, ref: FromPath[str]) -> ImportedNoticeView:
        """One procurement with all its sources. A notice that was joined to another answers as that one: compare `ref`."""
        shown = await views.notice(ref)
        while isinstance(shown, str):
            shown = await views.notice(shown)
        facts = shown.facts
        return ImportedNoticeView(
            ref=shown.ref,
            title=facts.title,
            description=facts.description,
            stage=shown.stage,
            buyer=OrganisationView(facts.buyer.name, facts.buyer.scheme, facts.buyer.identifier)
            if facts.buyer
            else None,
            suppliers=[_supplier(each) for each in facts.suppliers],
            cpv=list(facts.cpv),
            region=facts.region,
            value_minor=facts.value_minor,
            currency=facts.currency,
            awarded_minor=facts.awarded_minor,
            awarded_currency=facts.awarded_currency,
            published_at=facts.published_at,
            opens_at=facts.opens_at,
            closes_at=facts.closes_at,
            awarded_at=facts.awarded_at,
            lots=facts.lots,
            sme_suitable=facts.sme_suitable,
            test=facts.test,
            sources=[
                OriginView(
                    each.name, each.portal, each.ocid, each.licence, each.licence_url, each.link, each.updated_at
                )
                for each in shown.origins
            ],
            history=[VersionView(each.when, each.release, each.text) for each in shown.history],
        )


class PortalsApi(Controller):
    """The portals that are read, with the quality of their data."""

    path = "/api/v1/portals"
    tags = ["Other portals"]

    @get(
        "/",
        guards=[guards.public],
        summary="List the portals that are read",
        operation_id="listPortals",
        responses=problem_responses(),
    )
    async def index(self) -> Items[PortalView]:
        """Every portal that has been read, the one with most notices first."""
        return Items([_view(each) for each in await views.portals()])


def _supplier(party: Party) -> OrganisationView:
    """A supplier with its number only when that is on a register of organisations: a number of a person's own is hers."""
    number = matching.identifier(party.scheme, party.identifier)
    return OrganisationView(party.name, *(number or (None, None)))


def _view(shown: views.PortalShown) -> PortalView:
    row, quality = shown.row, shown.quality or {}
    return PortalView(
        row.name,
        row.title,
        row.home,
        row.cadence,
        row.licence,
        row.licence_url,
        shown.notices,
        shown.quarantined,
        shown.last_read,
        quality.get("score"),
        quality.get("areas", {}),
        [
            CheckView(each["code"], each["area"], each["asks"], each["asked"], each["failed"], each["examples"])
            for each in shown.failing
        ],
    )
