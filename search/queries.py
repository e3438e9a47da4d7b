"""A search as its address says it: read from the query string, written back into links. The URL is the whole state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlencode

from market.refusals import Refusal, Refused
from search.documents import VALUE_BANDS, Kind
from search.index import Query, Range, Sort

FILTERS = {
    "stage": "Stage",
    "buyer": "Buyer",
    "sector": "Sector",
    "region": "Region",
    "value": "Value",
    "sme": "Suits small firms",
    "certificate": "Certificate",
    "source": "Published on",
    "year": "Year",
    "profile": "API passes its profile",
    "licence": "Licence",
}
"""The filters people see, in their order: the name in the address and the legend."""

FACETS = {
    "stage": "stage",
    "buyer": "buyer",
    "sector": "sector",
    "region": "region",
    "value": "value_band",
    "sme": "sme_suitable",
    "certificate": "certificates",
    "source": "source",
    "year": "year",
    "profile": "profile_passed",
    "licence": "licence",
    "cpv": "cpv_path",
}
"""The name in the address and the facet of the index."""

TABS = {
    Kind.CHALLENGE: "Challenges",
    Kind.TENDER: "Tenders",
    Kind.SUPPLIER: "Suppliers",
    Kind.CONTRACT: "Contracts",
    Kind.INSIGHT_REPORT: "What was learnt",
    Kind.COMPONENT: "Components",
    Kind.NOTICE: "Other portals",
    Kind.WAIVER: "Waivers",
}

SORTS = {
    Sort.RELEVANCE: "Best match",
    Sort.CLOSING_SOON: "Closing soon",
    Sort.NEWEST: "Newest",
    Sort.VALUE: "Highest value",
}

BANDS = {
    "under-10k": "Under 10,000",
    "10k-50k": "10,000 to 50,000",
    "50k-100k": "50,000 to 100,000",
    "100k-500k": "100,000 to 500,000",
    "500k-1m": "500,000 to 1 million",
    "1m-10m": "1 to 10 million",
    "10m-and-more": "10 million and more",
}
if set(BANDS) != {name for name, _ in VALUE_BANDS}:
    raise AssertionError("every value band has its words")


@dataclass(frozen=True)
class Asked:
    """What the address asks."""

    text: str = ""
    kind: Kind | None = None
    chosen: tuple[tuple[str, str], ...] = ()
    """Filter and value, in the order of the address."""
    sort: Sort = Sort.RELEVANCE
    cursor: str = ""
    open_only: bool = False

    def query(self, now: datetime, *, facets: bool = True, limit: int = 20) -> Query:
        """The question to the index."""
        filters: dict[str, list[str]] = {}
        for name, value in self.chosen:
            filters.setdefault(FACETS[name], []).append(value)
        ranges = {}
        if self.open_only or self.sort is Sort.CLOSING_SOON:
            ranges["closes_at"] = Range(at_least=int(now.timestamp()))
        return Query(
            text=self.text,
            kinds=(self.kind,) if self.kind else (),
            filters=filters,
            ranges=ranges,
            sort=self.sort,
            cursor=self.cursor,
            limit=limit,
            facets=tuple(FACETS[name] for name in FILTERS) if facets else (),
        )

    def address(self, path: str = "/search", **changes: object) -> str:
        """The address of this search with some parts changed; a change always begins at the first page."""
        return _address(replace(self, cursor="", **changes), path)  # type: ignore[arg-type]

    def page(self, cursor: str, path: str = "/search") -> str:
        """The address of another page of this search."""
        return _address(replace(self, cursor=cursor), path)

    def without(self, name: str, value: str) -> str:
        """The address without one filter."""
        return self.address(chosen=tuple(each for each in self.chosen if each != (name, value)))

    def kept(self) -> list[tuple[str, str]]:
        """What the filter form sends along: all but the filters."""
        found = [("q", self.text)] if self.text else []
        if self.kind:
            found.append(("kind", self.kind.value))
        if self.sort is not Sort.RELEVANCE:
            found.append(("sort", self.sort.value))
        if self.open_only:
            found.append(("open", "1"))
        return found


def _address(asked: Asked, path: str) -> str:
    pairs = [*asked.kept(), *asked.chosen]
    if asked.cursor:
        pairs.append(("cursor", asked.cursor))
    return f"{path}?{urlencode(pairs)}" if pairs else path


def read(pairs: Iterable[tuple[str, str]]) -> Asked:
    """What these pairs of a query string ask. Unknown names are passed over; an unknown kind or order is refused."""
    text, kind, sort, cursor, open_only = "", None, Sort.RELEVANCE, "", False
    chosen: list[tuple[str, str]] = []
    for name, value in pairs:
        if name == "q":
            text = value.strip()[:400]
        elif name == "kind" and value:
            if value not in set(Kind):
                raise Refused(
                    Refusal("search.unknown-kind", f"There are no results of the kind “{value[:40]}”."), status=400
                )
            kind = Kind(value)
        elif name == "sort" and value:
            if value not in set(Sort):
                raise Refused(Refusal("search.unknown-order", f"“{value[:40]}” is not an order."), status=400)
            sort = Sort(value)
        elif name == "cursor":
            cursor = value[:2000]
        elif name == "open":
            open_only = value == "1"
        elif name in FACETS and value and (name, value) not in chosen:
            chosen.append((name, value[:300]))
    return Asked(text, kind, tuple(chosen[:50]), sort, cursor, open_only)
