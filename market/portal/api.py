"""Other portals' notices, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar
from urllib.parse import urlencode

import msgspec
from litestar import Controller, get, post
from litestar.openapi.spec import Example
from litestar.params import FromPath, JSONBody, QueryParameter

from market import drafts
from market.accounts import guards
from market.db import find
from market.portal import actions, views
from market.portal.intake import keeping, names
from market.portal.intake.notices import Party
from market.portal.sameness import actions as sameness
from market.portal.sameness.evidence import EvidenceView, said_of
from market.portal.sameness.pairs import Decision
from market.portal.tables import Quarantined, Source
from market.web.api import IfMatch, Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class OrganisationView(msgspec.Struct):
    """An organisation as its portal names it; `scheme` is a code of org-id.guide."""

    schema_name: ClassVar[str] = "NoticeOrganisationView"
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

    schema_name: ClassVar[str] = "NoticeVersionView"
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

    schema_name: ClassVar[str] = "QualityCheckView"
    code: str
    area: str
    asks: str
    asked: int
    failed: int
    examples: list[str]


class PortalView(msgspec.Struct):
    """A portal that is read. `score` (0 to 100) is None before its first run has ended; `every_hours` is 0 for one that
    is read by hand, and `etag` is what a change of that names as If-Match."""

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
    every_hours: int
    etag: str


class QuarantinedLine(msgspec.Struct):
    """Something that could not be read, in a list: where it stood and why."""

    ref: str
    source: str
    position: str
    reason: str
    at: datetime


class QuarantinedView(msgspec.Struct):
    """Something that could not be read, with its text as it was published."""

    ref: str
    source: str
    position: str
    reason: str
    at: datetime
    text: str
    mended_at: datetime | None


class PairView(msgspec.Struct):
    """Two notices that may be one procurement, how likely that is in hundredths, and why."""

    ref: str
    percent: int
    notices: list[str]
    evidence: list[EvidenceView]


class MergeView(msgspec.Struct):
    """Two notices that are shown as one, and why."""

    ref: str
    notices: list[str]
    at: datetime
    evidence: list[EvidenceView]


class DecidedView(msgspec.Struct):
    """What was decided about a pair: whether the two are shown as one."""

    ref: str
    same: bool


class RunView(msgspec.Struct):
    """One run: what it read and what became of that. `failure` says why it stopped early."""

    ref: str
    origin: str
    started_at: datetime
    ended_at: datetime | None
    read: int
    new: int
    changed: int
    unchanged: int
    rejected: int
    failure: str


OfSource = Annotated[
    str,
    QueryParameter(
        max_length=60, description="The name of one portal", examples=[Example(value="uk-contracts-finder")]
    ),
]
Before = Annotated[int | None, QueryParameter(ge=1, description="Where to go on: from `next` of the page before")]

PAGE = 50


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
            stage=shown.standing.stage,
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
    )
    async def index(self) -> Items[PortalView]:
        """Every portal that has been read, the one with most notices first."""
        return Items([_view(each) for each in await views.portals()])

    @get(
        "/{name:str}/runs",
        guards=[guards.operator],
        summary="List the runs of a portal",
        operation_id="listImportRuns",
        responses=problem_responses(404),
    )
    async def runs(self, name: FromPath[str]) -> Items[RunView]:
        """The last twenty runs, newest first."""
        portal = await views.portal(name)
        return Items([msgspec.convert(run, RunView, from_attributes=True) for run in await views.runs(portal.row.id)])

    @post(
        "/{name:str}/rhythm",
        guards=[guards.operator],
        status_code=200,
        summary="Set how often a portal is read",
        operation_id="scheduleImport",
        responses=problem_responses(404, 409, 428),
    )
    async def rhythm(
        self, request: Visitor, name: FromPath[str], data: JSONBody[actions.Rhythm], if_match: IfMatch = ""
    ) -> PortalView:
        """Fetch it by itself every so many hours; 0 is by hand. A portal without an address is not found."""
        await actions.fetch_every(request.user, name, data, if_match)
        return _view(await views.portal(name))


class QuarantineApi(Controller):
    """What could not be read of other portals, and bringing it in."""

    path = "/api/v1/quarantine"
    tags = ["Other portals"]

    @get(
        "/",
        guards=[guards.operator],
        summary="List what could not be read",
        operation_id="listQuarantined",
    )
    async def index(self, source: OfSource = "", before: Before = None) -> Items[QuarantinedLine]:
        """What waits to be mended, newest first, of one portal or of all."""
        items = await views.quarantine(source, before, PAGE + 1)
        lines = [QuarantinedLine(each.ref, each.name, each.position, each.reason, each.at) for each in items[:PAGE]]
        asked = urlencode({"source": source, "before": items[PAGE - 1].id}) if len(items) > PAGE else ""
        return Items(lines, f"/api/v1/quarantine?{asked}" if asked else None)

    @get(
        "/{ref:str}",
        guards=[guards.operator],
        summary="Read what could not be read",
        operation_id="readQuarantined",
        responses=problem_responses(404),
    )
    async def one(self, ref: FromPath[str]) -> QuarantinedView:
        """One item with its bytes as they were published, as text; what is no UTF-8 in it is shown as �."""
        row = await find(Quarantined, Quarantined.ref == ref)
        return await _broken(row)

    @post(
        "/{ref:str}/replay",
        guards=[guards.operator],
        status_code=200,
        summary="Bring in what was mended",
        operation_id="replayQuarantined",
        responses=problem_responses(404, 409),
    )
    async def replay(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Mending]) -> QuarantinedView:
        """Read the mended text with the same reader; with an empty one the kept bytes are read again. What was published
        stays beside it."""
        return await _broken(await actions.replay(request.user, ref, data))


class NoticePairsApi(Controller):
    """Notices that may be one procurement."""

    path = "/api/v1/notice-pairs"
    tags = ["Other portals"]

    @get(
        "/",
        guards=[guards.operator],
        summary="List doubtful pairs of notices",
        operation_id="listNoticePairs",
    )
    async def index(self) -> Items[PairView]:
        """The likeliest pairs that wait for a decision, at most a hundred."""
        _, pairs = await views.doubtful(100)
        return Items(
            [
                PairView(each.ref, each.percent, [side.ref for side in each.sides], said_of(each.evidence))
                for each in pairs
            ]
        )

    @post(
        "/{ref:str}/decision",
        guards=[guards.operator],
        status_code=200,
        summary="Decide a doubtful pair of notices",
        operation_id="decideNotices",
        responses=problem_responses(404, 409),
    )
    async def decide(self, request: Visitor, ref: FromPath[str], data: JSONBody[Decision]) -> DecidedView:
        """Say whether two notices are one procurement. Joined, they are shown as one from now on."""
        pair = await sameness.decide(request.user, ref, data)
        return DecidedView(pair.ref, bool(pair.same))


class NoticeMergesApi(Controller):
    """Notices that are shown as one."""

    path = "/api/v1/notice-merges"
    tags = ["Other portals"]

    @get(
        "/",
        guards=[guards.operator],
        summary="List joined notices",
        operation_id="listNoticeMerges",
    )
    async def index(self) -> Items[MergeView]:
        """The latest joinings that stand, at most a hundred."""
        return Items(
            [
                MergeView(each.ref, [each.one_ref, each.other_ref], each.at, said_of(each.evidence))
                for each in await views.merges(100)
            ]
        )

    @post(
        "/{ref:str}/undo",
        guards=[guards.operator],
        status_code=200,
        summary="Take joined notices apart",
        operation_id="partNotices",
        responses=problem_responses(404, 409),
    )
    async def undo(self, request: Visitor, ref: FromPath[str]) -> DecidedView:
        """Show two notices apart again; they are never joined by themselves after that."""
        return DecidedView((await sameness.take_apart(request.user, ref)).ref, False)


async def _broken(row: Quarantined) -> QuarantinedView:
    source = await find(Source, Source.id == row.source)
    raw = keeping.unpacked(row.content)
    return QuarantinedView(
        row.ref, source.name, row.position, row.reason, row.at, raw.decode("utf-8", "replace"), row.mended_at
    )


def _supplier(party: Party) -> OrganisationView:
    """A supplier with its number only when that is on a register of organisations: a number of a person's own is hers."""
    number = names.identifier(party.scheme, party.identifier)
    return OrganisationView(party.name, *(number or (None, None)))


def _view(shown: views.PortalShown) -> PortalView:
    row, quality = shown.row, shown.quality or {}
    return PortalView(
        name=row.name,
        title=row.title,
        home=row.home,
        cadence=row.cadence,
        licence=row.licence,
        licence_url=row.licence_url,
        notices=shown.notices,
        quarantined=shown.quarantined,
        last_read_at=shown.last_read,
        score=quality.get("score"),
        areas=quality.get("areas", {}),
        failing=[
            CheckView(each["code"], each["area"], each["asks"], each["asked"], each["failed"], each["examples"])
            for each in shown.failing
        ],
        every_hours=row.every_hours,
        etag=drafts.version(actions.Rhythm, row),
    )
