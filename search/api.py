"""Searching, for programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from litestar import Controller, get
from litestar.openapi.spec import Example, OpenAPIType, Operation, Parameter, Schema
from litestar.params import FromQuery

from market import clock
from market.accounts import guards
from market.web.pages import Visitor
from market.web.problems import problem_responses
from search import queries, rules
from search.documents import Kind
from search.index import BadCursor, Hit, IndexUnavailable, Sort
from search.outbox import behind, index
from search.standing import standing, still


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
    behind_since: datetime | None
    """What changed after this moment may not be in the results yet; null when nothing waits."""
    next: str | None


_ANY = Schema(type=OpenAPIType.STRING, max_length=300)
_YES_OR_NO = Schema(type=OpenAPIType.STRING, enum=["true", "false"])
_AMOUNT = Schema(type=OpenAPIType.STRING, pattern=r"^[0-9]{1,12}(\.[0-9]{2})?$")

_FILTERS: dict[str, tuple[str, Schema, str]] = {
    "stage": ("Where it stands", _ANY, "open"),
    "buyer": ("The buyer's name, exactly", _ANY, "Calderwick Council"),
    "sector": ("A CPV division: two digits", Schema(type=OpenAPIType.STRING, pattern="^[0-9]{2}$"), "72"),
    "cpv": ("A CPV group, class or code: the digits before its zeros", Schema(type=OpenAPIType.STRING, pattern="^[0-9]{2,8}$"), "7222"),
    "region": ("The region's name, exactly", _ANY, "Yorkshire and the Humber"),
    "value": ("A band of values, in the record's own currency", Schema(type=OpenAPIType.STRING, enum=list(queries.BANDS)), "10k-50k"),
    "sme": ("Whether it suits small firms; of a supplier, whether it is one", _YES_OR_NO, "true"),
    "certificate": ("A certificate that a supplier has", _ANY, "ISO 27001"),
    "done": ("What a supplier has done here", Schema(type=OpenAPIType.STRING, enum=list(queries.DONE)), "pitch"),
    "partners": ("Whether a supplier is open to bidding together", _YES_OR_NO, "true"),
    "source": ("The portal a notice comes from", _ANY, "Contracts Finder"),
    "year": ("The year of publication", Schema(type=OpenAPIType.STRING, pattern="^[0-9]{4}$"), "2026"),
    "profile": ("Whether a component's API passes its profile", _YES_OR_NO, "true"),
    "licence": ("A component's licence", _ANY, "MIT"),
}  # fmt: skip
"""Each filter's meaning, what it may be, and an example."""

_BOUNDS: dict[str, tuple[str, Schema, str]] = {
    "from": ("A value of at least this, in major units", _AMOUNT, "1500.50"),
    "to": ("A value of at most this, in major units", _AMOUNT, "50000"),
    "within": ("Closing within so many days", Schema(type=OpenAPIType.INTEGER, enum=list(queries.WITHIN)), "14"),
    "open": ("1 leaves out what has closed", Schema(type=OpenAPIType.STRING, enum=["1"]), "1"),
}

if set(_FILTERS) != set(queries.FILTERS):
    raise AssertionError("every filter is described")


@dataclass
class _Searching(Operation):
    """The filters are read from the address as the page reads them, so they are described here and not in a signature."""

    def __post_init__(self) -> None:
        several = {name: (words, Schema(type=OpenAPIType.ARRAY, items=each), example)
                   for name, (words, each, example) in _FILTERS.items()}  # fmt: skip
        self.parameters = [
            *(self.parameters or ()),
            *(
                Parameter(
                    name=name,
                    param_in="query",
                    required=False,
                    description=f"{words}{'; as often as wanted, any of them will do' if name in several else ''}",
                    schema=schema,
                    examples={name: Example(value=[example] if name in several else example)},
                )
                for name, (words, schema, example) in {**several, **_BOUNDS}.items()
            ),
        ]


def _moment(value: int | None) -> datetime | None:
    return datetime.fromtimestamp(value, UTC) if value is not None else None


def view(hit: Hit, now: datetime) -> FoundView:
    """A result as the API shows it."""
    found = hit.document
    stands = standing(found, now)
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
        stage=stands.stage if stands else "",
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
        responses=problem_responses(503),
        operation_class=_Searching,
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
        """Words, a kind, an order and any of the filters; `next` is the address of the following page. `counts=false` leaves
        the facets empty, which is quicker. 503 while the index is down."""
        asked = queries.asked_in(request.query_params.multi_items())
        now = clock.now()
        try:
            found = await index().search(asked.query(now, facets=counts))
        except BadCursor as bad:
            raise rules.BAD_CURSOR.refused(why=bad) from bad
        except IndexUnavailable as down:
            raise rules.UNAVAILABLE.refused() from down
        return SearchView(
            total=found.total,
            items=[view(hit, now) for hit in still(found.hits, asked.values("stage"), now)],
            kinds={each.value: count for each, count in found.kinds.items()},
            facets=found.facets,
            relaxed=found.relaxed,
            searched_for=found.searched_for,
            did_you_mean=found.did_you_mean,
            behind_since=await behind(),
            next=asked.page(found.next_cursor, "/api/v1/search") if found.next_cursor else None,
        )
