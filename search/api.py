"""Searching, for programs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.params import FromQuery

from market import clock
from market.accounts import guards
from market.refusals import Refusal, Refused
from market.web.pages import Visitor
from market.web.problems import problem_responses
from search import queries
from search.documents import Kind
from search.index import BadCursor, Hit, IndexUnavailable, Sort
from search.outbox import index


class FoundView(msgspec.Struct, omit_defaults=True):
    """One result. `url` is a path of this site or an address on the portal it came from; `why` maps each field that matched
    to the words in it."""

    kind: Kind
    ref: str
    url: str
    title: str
    summary: str = ""
    buyer: str = ""
    suppliers: list[str] = []
    cpv: list[str] = []
    region: str = ""
    stage: str = ""
    value_minor: int | None = None
    currency: str = ""
    experience: list[str] = []
    source: str = ""
    closes_at: datetime | None = None
    published_at: datetime | None = None
    why: dict[str, list[str]] = {}


class SearchView(msgspec.Struct):
    """A page of results. `relaxed` says that no record has all the words, and `searched_for` which were kept."""

    total: int
    items: list[FoundView]
    kinds: dict[str, int]
    facets: dict[str, dict[str, int]]
    relaxed: bool
    searched_for: str
    did_you_mean: str | None
    next: str | None


def _moment(value: int | None) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if value is not None else None


def view(hit: Hit) -> FoundView:
    """A result as the API shows it."""
    found = hit.document
    return FoundView(
        kind=found.kind,
        ref=found.ref,
        url=found.url,
        title=found.title,
        summary=found.summary,
        buyer=found.buyer,
        suppliers=list(found.supplier_names),
        cpv=list(found.cpv),
        region=found.region,
        stage=found.stage,
        value_minor=found.value_minor,
        currency=found.currency,
        experience=list(found.experience),
        source=found.source,
        closes_at=_moment(found.closes_at),
        published_at=_moment(found.published_at),
        why={reason.field: list(reason.words) for reason in hit.reasons},
    )


class SearchApi(Controller):
    """One search over everything public."""

    path = "/api/v1/search"
    tags = ["Search"]

    @get(
        "/",
        guards=[guards.public],
        summary="Search everything public",
        operation_id="search",
        responses=problem_responses(400, 503),
    )
    async def find(
        self,
        request: Visitor,
        q: FromQuery[Annotated[str, msgspec.Meta(max_length=400)]] = "",
        kind: FromQuery[Kind | None] = None,
        sort: FromQuery[Sort] = Sort.RELEVANCE,
        cursor: FromQuery[Annotated[str, msgspec.Meta(max_length=2000)]] = "",
        counts: FromQuery[bool] = True,
    ) -> SearchView:
        """Words, a kind, an order, and any of the filters stage, buyer, sector, cpv, region, value, sme, certificate, partners,
        source, year, profile, licence, each as often as wanted; `from` and `to` bound the value (major units), `within` is 7,
        14, 30 or 90 days until closing, `open=1` leaves out what has closed. `counts=false` leaves the facets empty, which is
        quicker. 503 while the index is down."""
        asked = queries.read(request.query_params.multi_items())
        try:
            found = await index().search(asked.query(clock.now(), facets=counts))
        except BadCursor as bad:
            raise Refused(Refusal("search.bad-cursor", str(bad), "cursor"), status=400) from bad
        except IndexUnavailable as down:
            raise Refused(
                Refusal("search.unavailable", "The search is being put right. Try again soon."), status=503
            ) from down
        return SearchView(
            total=found.total,
            items=[view(hit) for hit in found.hits],
            kinds={each.value: count for each, count in found.kinds.items()},
            facets=found.facets,
            relaxed=found.relaxed,
            searched_for=found.searched_for,
            did_you_mean=found.did_you_mean,
            next=asked.page(found.next_cursor, "/api/v1/search") if found.next_cursor else None,
        )
