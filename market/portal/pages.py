"""Other portals' notices, for people: the notice, the portals and how good their data are, and the operator's queues."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from market.accounts import guards
from market.db import find
from market.portal import actions, reports, views
from market.portal.intake import keeping, names
from market.portal.sameness import actions as sameness
from market.portal.sameness.pairs import Decision
from market.portal.suppliers import views as supplier_views
from market.portal.tables import ImportRun, Quarantined, Source
from market.tenders import cpv
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _

AMOUNTS = {
    "tender": "as estimated",
    "lots": "the lots together",
    "awards": "as awarded",
    "contracts": "as contracted",
    "budget": "the budget",
}
"""What a notice's amount is."""

PAGE = 50
"""Broken items on one page."""

SHOWN_BYTES = 200_000
"""How much of a broken item is shown for mending; a larger one is mended in its file."""


class NoticePages(Controller):
    """A notice of another portal."""

    path = "/notices"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self) -> Redirect:
        """The list is the search for notices."""
        return Redirect("/search?kind=notice", status_code=303)

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """A notice with its sources; one that was joined to another leads there."""
        shown = await views.notice(ref)
        if isinstance(shown, str):
            return Redirect(f"/notices/{shown}", status_code=302)
        return show(
            request,
            "portal/notice.html",
            notice=shown,
            facts=shown.facts,
            amount=AMOUNTS.get(shown.facts.value_from or "", ""),
            records=await supplier_views.refs_of(shown.ref),
            number=names.identifier,
            codes=[(code, cpv.label(code) if cpv.known(code) else "") for code in shown.facts.cpv[:20]],
            operates=_operates(request),
        )


class PortalPages(Controller):
    """The portals that are read, and for operators what their data need."""

    path = "/portals"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor) -> Response[bytes]:
        """Every portal with its counts and its quality score."""
        return show(request, "portal/list.html", portals=await views.portals(), operates=_operates(request))

    @get("/quarantine", guards=[guards.operator])
    async def quarantine(
        self, request: Visitor, source: FromQuery[str] = "", before: FromQuery[int | None] = None
    ) -> Response[bytes]:
        """What could not be read and waits to be mended."""
        items = await views.quarantine(source, before, PAGE + 1)
        following = f"/portals/quarantine?source={source}&before={items[PAGE - 1].id}" if len(items) > PAGE else None
        return show(request, "portal/quarantine.html", items=items[:PAGE], source=source, following=following)

    @get("/quarantine/{ref:str}", guards=[guards.operator])
    async def broken(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One broken item with its bytes."""
        return await _broken(request, ref, None)

    @post("/quarantine/{ref:str}", guards=[guards.operator])
    async def replay(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Bring it in as mended."""
        form = await forms.read(request, actions.Mending)
        with form.acting():
            await actions.replay(request.user, ref, form.data)
            return to("/portals/quarantine", _("It is imported."))
        return await _broken(request, ref, form)

    @get("/doubtful", guards=[guards.operator])
    async def doubtful(self, request: Visitor) -> Response[bytes]:
        """Pairs that may be one procurement, and the joinings that stand."""
        waiting, pairs = await views.doubtful()
        return show(request, "portal/doubtful.html", waiting=waiting, pairs=pairs, merges=await views.merges())

    @post("/doubtful/{ref:str}", guards=[guards.operator])
    async def decide(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Say whether a pair is one procurement."""
        given = (await forms.read(request, Decision)).data
        await sameness.decide(request.user, ref, given)
        said = (
            _("They are shown as one from now on.")
            if given.same
            else _("They stay apart, and you will not be asked again.")
        )
        return to("/portals/doubtful", said)

    @post("/merges/{ref:str}/undo", guards=[guards.operator])
    async def undo(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take two joined notices apart."""
        await sameness.take_apart(request.user, ref)
        return to("/portals/doubtful", _("They are shown apart again."))

    @get("/runs/{ref:str}", guards=[guards.operator])
    async def run(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The report of one run."""
        row = await find(ImportRun, ImportRun.ref == ref)
        source = await find(Source, Source.id == row.source)
        return show(
            request, "portal/run.html", run=row, source=source, rejected=await reports.rejected(source, row)
        )  # fmt: skip

    @get("/{name:str}", guards=[guards.public])
    async def one(self, request: Visitor, name: FromPath[str]) -> Response[bytes]:
        """One portal: where its data come from, how good they are and what fails."""
        return await _portal(request, name, None)

    @post("/{name:str}/rhythm", guards=[guards.operator])
    async def rhythm(self, request: Visitor, name: FromPath[str]) -> Response[Any]:
        """Set how often it is fetched."""
        form = await forms.read(request, actions.Rhythm)
        with form.acting():
            await actions.fetch_every(request.user, name, form.data, form.version)
            return to(f"/portals/{name}", _("Kept. The next page is fetched within a minute."))
        return await _portal(request, name, form)


def _operates(request: Visitor) -> bool:
    return request.user.wears("operator") is not None


async def _portal(request: Visitor, name: str, form: forms.Form[actions.Rhythm] | None) -> Response[bytes]:
    portal = await views.portal(name)
    operates = _operates(request)
    return show(
        request,
        "portal/one.html",
        status=form.status if form else 200,
        portal=portal,
        source=portal.row,
        operates=operates,
        runs=await views.runs(portal.row.id) if operates else [],
        form=form or forms.stored(actions.Rhythm, portal.row),
    )


async def _broken(request: Visitor, ref: str, form: forms.Form[actions.Mending] | None) -> Response[bytes]:
    item = await find(Quarantined, Quarantined.ref == ref)
    raw = keeping.unpacked(item.content)
    text = raw.decode("utf-8", "replace") if len(raw) <= SHOWN_BYTES else ""
    return show(
        request,
        "portal/broken.html",
        status=form.status if form else 200,
        item=item,
        source=await find(Source, Source.id == item.source),
        size=len(raw),
        too_large=len(raw) > SHOWN_BYTES,
        package={key: value for key, value in msgspec.json.decode(item.package or "{}").items() if value},
        form=form or forms.blank(actions.Mending, text=text),
    )
