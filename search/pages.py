"""Searching, for people."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from litestar import Controller, Response, get
from litestar.response import Redirect

from market import clock, money
from market.accounts import guards
from market.kinds import KINDS
from market.money import Money
from market.standing import Standing
from market.tenders import cpv
from market.web.pages import Visitor, show
from market.web.templating import Row
from market.wording import N_, _
from search import queries
from search.documents import Kind
from search.index import BadCursor, Hit, IndexUnavailable, Results, Sort
from search.outbox import behind, index
from search.standing import standing, still, word

SHOWN = 12
"""Values listed under one filter; the chosen ones always are."""


class SearchPages(Controller):
    """The one search."""

    path = "/search"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def find(self, request: Visitor) -> Response[Any]:
        """Results for what the address asks; with no answer from the index, the page says so and still works."""
        asked = queries.asked_in(request.query_params.multi_items())
        found: Results | None = None
        instead: list[tuple[str, str, int]] = []
        try:
            found = await index().search(asked.query(clock.now()))
            if not found.total:
                instead = await without_one(asked)
        except BadCursor:
            return Redirect(asked.address(), status_code=303)
        except IndexUnavailable:
            pass
        now = clock.now()
        endless = asked.kind is not None and KINDS[asked.kind].endless
        comparable = asked.kind is Kind.SUPPLIER and bool(found and len(found.hits) > 1)
        return show(
            request,
            "search/results.html",
            asked=asked,
            found=found,
            behind=await behind(),
            tabs=tabs(asked, found),
            groups=groups(asked, found) if found else [],
            chips=[(condition(name, value), less.address()) for name, value, less in conditions(asked)],
            clear=asked.wide().address(kind=asked.kind),
            instead=instead,
            bounded=not endless or asked.bounded,
            least=queries.typed(asked.at_least) if asked.at_least is not None else "",
            most=queries.typed(asked.at_most) if asked.at_most is not None else "",
            periods=[(days, _(text), days == asked.within) for days, text in queries.WITHIN.items()],
            shortlists=request.user.wears("buyer") is not None,
            sorts=[
                (_(text), asked.address(sort=order), order is asked.sort)
                for order, text in queries.SORTS.items()
                if not endless or order in (Sort.RELEVANCE, Sort.NEWEST, asked.sort)
            ],
            following=asked.page(found.next_cursor) if found and found.next_cursor else None,
            meant=asked.address(text=found.did_you_mean) if found and found.did_you_mean else None,
            everything=asked.wide().address(),
            feed=asked.address("/search/feed.atom"),
            tools=[
                (_("Save this search"), asked.address("/search/save")),
                ("Feed", asked.address("/search/feed.atom")),
                *([] if endless else [(_("Deadlines for your calendar"), asked.address("/search/feed.ics"))]),
                (_("As data"), asked.address("/api/v1/search")),
            ],
            comparable=comparable,
            rows=[row(hit, asked.text, now, choose=comparable) for hit in still(found.hits, asked.values("stage"), now)]
            if found
            else [],
        )


def tabs(asked: queries.Asked, found: Results | None) -> list[tuple[str, str, int | None, bool]]:
    """All and each kind that has results: words, address, count, whether it is the chosen one."""
    counts = found.kinds if found else {}
    made: list[tuple[str, str, int | None, bool]] = [
        (_("All"), asked.address(kind=None), sum(counts.values()) if found else None, asked.kind is None)
    ]
    for kind in Kind:
        if counts.get(kind) or kind is asked.kind:
            made.append((_(KINDS[kind].tab), asked.address(kind=kind), counts.get(kind, 0), kind is asked.kind))
    return made


def conditions(asked: queries.Asked) -> list[tuple[str, str, queries.Asked]]:
    """The conditions in force but for the tab, in the order of the filters, a sector before what lies within it."""
    order = list(queries.FILTERS)
    found = [each for each in asked.fewer() if each[0] != "kind"]
    return sorted(found, key=lambda each: (order.index(each[0]) if each[0] in order else len(order), len(each[1])))


async def without_one(asked: queries.Asked) -> list[tuple[str, str, int]]:
    """When nothing was found: each condition in words, the address without it, and how many results there would be. Only
    those that help, the most helpful first."""
    tries = asked.fewer()
    totals = await index().totals([less.query(clock.now(), facets=False) for _, _, less in tries])
    found = [
        (condition(name, value), less.address(), total)
        for (name, value, less), total in zip(tries, totals, strict=True)
        if total
    ]
    return sorted(found, key=lambda each: -each[2])


def within(asked: queries.Asked, counts: Mapping[str, int]) -> dict[str, int]:
    """Of the CPV tree what lies one step below the chosen: a sector's groups, a group's classes; with what was chosen."""
    chosen = [value for name, value in asked.chosen if name == "cpv"]
    above = {value for name, value in asked.chosen if name in ("sector", "cpv") and len(value) < 4}
    return {
        code: counts.get(code, 0)
        for code in sorted({*counts, *chosen})
        if code in chosen or (code[:-1] in above and len(code) <= 4)
    }


def groups(asked: queries.Asked, found: Results) -> list[dict[str, Any]]:
    """The filters with their values and counts, as the template's macro wants them; empty ones are left out."""
    made = []
    for name, legend in queries.FILTERS.items():
        counts = found.facets.get(queries.FACETS[name], {})
        if name == "cpv":
            counts = within(asked, counts)
        if name == "partners":
            counts = {value: count for value, count in counts.items() if value == "true"}
        chosen = {value for filtered, value in asked.chosen if filtered == name}
        listed = list(counts.items())
        if name == "year":
            listed.sort(reverse=True)
        most = len(listed) if name == "cpv" else SHOWN
        top = listed[:most] + [each for each in listed[most:] if each[0] in chosen]
        options = [(value, words(name, value, asked.kind), count, value in chosen) for value, count in top]
        options += [(value, words(name, value, asked.kind), 0, True) for value in sorted(chosen - set(counts))]
        if len(options) > 1 or chosen or (options and name in ("cpv", "partners")):
            made.append({"name": name, "legend": _(legend), "options": options})
    return made


def words(name: str, value: str, kind: Kind | None = None) -> str:
    """A filter's value as people read it, where results of one kind are asked for, or of all."""
    if name == "sector" or name == "cpv":
        label = cpv.label(value.ljust(8, "0")) if cpv.known(value.ljust(8, "0")) else ""
        return f"{label} ({value})" if label else value
    if name == "value":
        return _(queries.BANDS[value]) if value in queries.BANDS else value
    if name in ("sme", "profile", "partners"):
        return {"true": _("Yes"), "false": _("No")}.get(value, value)
    if name == "done":
        return _(queries.DONE[value]) if value in queries.DONE else value
    if name == "stage":
        return word(value, kind)
    return value


def condition(name: str, value: str) -> str:
    """A condition that is in force, in words that stand alone: among the chips, and where dropping it would help."""
    if name == "kind":
        return _("Only {kinds}", kinds=_(KINDS[value].tab).lower())
    if name in ("sme", "profile", "partners"):
        legend = _(queries.FILTERS[name])
        return legend if value == "true" else _("{legend}: no", legend=legend)
    if name in ("from", "to"):
        amount = str(Money(money.parse(value).minor)).replace("£", "")
        return _("Value from {amount}", amount=amount) if name == "from" else _("Value to {amount}", amount=amount)
    if name == "within":
        return _("Closing within {within}", within=_(queries.WITHIN[int(value)]))
    if name == "open":
        return _("Open now")
    return words(name, value)


FIELD_WORDS = {
    "title": N_("the title"),
    "ref": N_("the reference"),
    "supplier_names": N_("the supplier"),
    "buyer": N_("the buyer"),
    "region": N_("the region"),
    "keywords": N_("its subjects"),
    "track_record": N_("what it has done here"),
    "cpv": N_("its CPV codes"),
    "certificates": N_("its certificates"),
    "summary": N_("the summary"),
    "body": N_("the text"),
}
"""Where a match was found, in words."""


def row(hit: Hit, asked: str, now: datetime, *, choose: bool = False) -> Row:
    """A result: what, who, money, when, and why it was found; with a box to tick where suppliers are chosen."""
    found = hit.document
    stands = standing(found, now) or Standing("", "", "grey")
    why = ""
    if asked and hit.reasons:
        why = _("Found in {reasons}.", reasons=", ".join(_(FIELD_WORDS[reason.field]) for reason in hit.reasons))
    supplied = found.kind is not Kind.SUPPLIER and found.supplier_names
    who = [found.buyer, ", ".join(found.supplier_names) if supplied else "", found.region]
    return Row(
        href=found.url,
        title=hit.title,
        text=hit.snippet,
        note=why or None,
        kind=KINDS[found.kind].label,
        state=stands.word or None,
        tone=stands.tone,
        who=" · ".join(each for each in who if each) or None,
        money=str(Money(found.value_minor, found.currency or "GBP")) if found.value_minor else None,
        money_label=_("Per pitch") if found.kind is Kind.CHALLENGE else _("Value"),
        when=stands.when,
        when_label=stands.label,
        source=found.source or None,
        choice=found.ref if choose else None,
    )
