"""A search as its address says it: read from the query string, written back into links. The URL is the whole state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlencode

from market import money
from market.money import Money
from market.wording import N_
from search import rules
from search.documents import VALUE_BANDS, Kind
from search.index import Query, Range, Sort

FILTERS = {
    "stage": N_("Stage"),
    "buyer": N_("Buyer"),
    "sector": N_("Sector"),
    "cpv": N_("Within the sector"),
    "region": N_("Region"),
    "value": N_("Value"),
    "sme": N_("Suits small firms"),
    "certificate": N_("Certificate"),
    "done": N_("Has done here"),
    "partners": N_("Open to bidding together"),
    "source": N_("Published on"),
    "year": N_("Year"),
    "profile": N_("API passes its profile"),
    "licence": N_("Licence"),
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
    "done": "experience",
    "source": "source",
    "year": "year",
    "profile": "profile_passed",
    "licence": "licence",
    "cpv": "cpv_path",
    "partners": "open_to_partners",
}
"""The name in the address and the facet of the index."""

SORTS = {
    Sort.RELEVANCE: N_("Best match"),
    Sort.CLOSING_SOON: N_("Closing soon"),
    Sort.NEWEST: N_("Newest"),
    Sort.VALUE: N_("Highest value"),
}

DONE = {
    "contract": N_("Contracts"),
    "pitch": N_("Paid pitches"),
    "insight-report": N_("Taught us something, in a report"),
    "component": N_("A component whose API passes"),
}
BANDS = {
    "under-10k": N_("Under 10,000"),
    "10k-50k": N_("10,000 to 50,000"),
    "50k-100k": N_("50,000 to 100,000"),
    "100k-500k": N_("100,000 to 500,000"),
    "500k-1m": N_("500,000 to 1 million"),
    "1m-10m": N_("1 to 10 million"),
    "10m-and-more": N_("10 million and more"),
}
WITHIN = {7: N_("a week"), 14: N_("two weeks"), 30: N_("30 days"), 90: N_("90 days")}
"""“Closing within”: days from the present moment, and how people say them."""

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
    at_least: int | None = None
    """A value from here on, in minor units of whichever currency; what has no value is then left out."""
    at_most: int | None = None
    within: int | None = None
    """Closing within so many days of now; it means “open” too."""

    def query(self, now: datetime, *, facets: bool = True, limit: int = 20) -> Query:
        """The question to the index."""
        filters: dict[str, list[str]] = {}
        for name, value in self.chosen:
            filters.setdefault(FACETS[name], []).append(value)
        if "cpv_path" in filters:
            filters["cpv_path"] = _finest(filters["cpv_path"])
        ranges = {}
        if self.within is not None:
            ends = now + timedelta(days=self.within)
            ranges["closes_at"] = Range(at_least=int(now.timestamp()), at_most=int(ends.timestamp()))
        elif self.open_only or self.sort is Sort.CLOSING_SOON:
            ranges["closes_at"] = Range(at_least=int(now.timestamp()))
        if self.at_least is not None or self.at_most is not None:
            ranges["value_minor"] = Range(at_least=self.at_least, at_most=self.at_most)
        return Query(
            text=self.text,
            kinds=(self.kind,) if self.kind else (),
            filters=filters,
            ranges=ranges,
            sort=self.sort,
            cursor=self.cursor,
            limit=limit,
            facets=tuple(FACETS[name] for name in FILTERS if name != "cpv" or self._drills) if facets else (),
        )

    @property
    def _drills(self) -> bool:
        """Whether a sector is chosen, so that its groups and classes are offered: nobody reads them otherwise."""
        return any(name in ("sector", "cpv") for name, _ in self.chosen)

    def address(self, path: str = "/search", **changes: object) -> str:
        """The address of this search with some parts changed; a change always begins at the first page."""
        return _address(replace(self, cursor="", **changes), path)  # type: ignore[arg-type]

    def page(self, cursor: str, path: str = "/search") -> str:
        """The address of another page of this search."""
        return _address(replace(self, cursor=cursor), path)

    def fewer(self) -> list[tuple[str, str, Asked]]:
        """The same search with one of its conditions dropped: the condition's name and value, and what is then asked.
        A sector goes with the groups and classes that were chosen within it."""
        found = [
            (name, value, replace(self, cursor="", chosen=_left(self.chosen, name, value)))
            for name, value in self.chosen
        ]
        if self.kind is not None:
            found.append(("kind", self.kind.value, replace(self, cursor="", kind=None)))
        if self.at_least is not None:
            found.append(("from", typed(self.at_least), replace(self, cursor="", at_least=None)))
        if self.at_most is not None:
            found.append(("to", typed(self.at_most), replace(self, cursor="", at_most=None)))
        if self.within is not None:
            found.append(("within", str(self.within), replace(self, cursor="", within=None)))
        if self.open_only:
            found.append(("open", "1", replace(self, cursor="", open_only=False)))
        return found

    def values(self, name: str) -> list[str]:
        """What is chosen under one filter."""
        return [value for chosen, value in self.chosen if chosen == name]

    @property
    def narrowed(self) -> bool:
        """Whether anything but words and the order was chosen."""
        return bool(self.fewer())

    @property
    def bounded(self) -> bool:
        """Whether a value or an end is asked for."""
        return self.at_least is not None or self.at_most is not None or self.within is not None

    def wide(self) -> Asked:
        """The same words and order without any condition."""
        return Asked(text=self.text, sort=self.sort)

    def kept(self) -> list[tuple[str, str]]:
        """What the filter form sends along unseen: all that it has no field for."""
        found = [("q", self.text)] if self.text else []
        if self.kind:
            found.append(("kind", self.kind.value))
        if self.sort is not Sort.RELEVANCE:
            found.append(("sort", self.sort.value))
        if self.open_only:
            found.append(("open", "1"))
        return found

    def fields(self) -> list[tuple[str, str]]:
        """What the filter form has fields for."""
        found = list(self.chosen)
        if self.at_least is not None:
            found.append(("from", typed(self.at_least)))
        if self.at_most is not None:
            found.append(("to", typed(self.at_most)))
        if self.within is not None:
            found.append(("within", str(self.within)))
        return found


def _address(asked: Asked, path: str) -> str:
    pairs = [*asked.kept(), *asked.fields()]
    if asked.cursor:
        pairs.append(("cursor", asked.cursor))
    return f"{path}?{'&'.join(_pair(name, value) for name, value in pairs)}" if pairs else path


@lru_cache(4096)
def _pair(name: str, value: str) -> str:
    """A name and its value as an address writes them; a page writes the same ones twenty times."""
    return urlencode([(name, value)])


def typed(minor: int) -> str:
    """An amount as it is typed into a field and written in an address: “1500.50”, “1500”."""
    return f"{Money(minor).major:f}".removesuffix(".00")


def _left(chosen: tuple[tuple[str, str], ...], name: str, value: str) -> tuple[tuple[str, str], ...]:
    within = name in ("sector", "cpv")
    return tuple(
        each
        for each in chosen
        if each != (name, value) and not (within and each[0] == "cpv" and each[1].startswith(value))
    )


def _finest(codes: list[str]) -> list[str]:
    """Of a group and a class within it the class: whoever goes deeper wants less, not both."""
    return [code for code in codes if not any(other != code and other.startswith(code) for other in codes)]


def asked_in(pairs: Iterable[tuple[str, str]]) -> Asked:
    """What these pairs of a query string ask. Unknown names are passed over; an unknown kind or order is refused."""
    text, kind, sort, cursor, open_only = "", None, Sort.RELEVANCE, "", False
    chosen: list[tuple[str, str]] = []
    least, most, within = None, None, None
    for name, value in pairs:
        if name == "q":
            # A space at the end says that the last word is finished.
            text = f"{value.strip()[:400]}{' ' if value.strip() and value[-1].isspace() else ''}"
        elif name == "kind" and value:
            if value not in set(Kind):
                raise rules.UNKNOWN_KIND.refused(kind=value[:40])
            kind = Kind(value)
        elif name == "sort" and value:
            if value not in set(Sort):
                raise rules.UNKNOWN_ORDER.refused(order=value[:40])
            sort = Sort(value)
        elif name == "cursor":
            cursor = value[:2000]
        elif name == "open":
            open_only = value == "1"
        elif name == "from" and value.strip():
            least = _amount(name, value)
        elif name == "to" and value.strip():
            most = _amount(name, value)
        elif name == "within" and value:
            if not value.isdecimal() or int(value) not in WITHIN:
                raise rules.UNKNOWN_PERIOD.refused()
            within = int(value)
        elif name in FACETS and value and (name, value) not in chosen:
            chosen.append((name, value[:300]))
    return Asked(
        text=text,
        kind=kind,
        chosen=tuple(chosen[:50]),
        sort=sort,
        cursor=cursor,
        open_only=open_only,
        at_least=least,
        at_most=most,
        within=within,
    )


def _amount(name: str, value: str) -> int:
    try:
        return money.parse(value[:30]).minor
    except ValueError as wrong:
        raise rules.NOT_AN_AMOUNT.refused(beside=name, why=wrong) from None
