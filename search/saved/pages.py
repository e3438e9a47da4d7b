"""Keeping searches, feeds of any search, and suppliers side by side: pages."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from market.accounts import guards
from market.refusals import NotFound
from market.settings import settings
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _
from search import comparing, queries, rules
from search.index import IndexUnavailable
from search.saved import actions as alerts
from search.saved import feeds


class SavingPages(Controller):
    """Searches one keeps, and what other programs may follow."""

    path = "/search"
    include_in_schema = False

    @get("/saved", guards=[guards.signed_in])
    async def mine(self, request: Visitor) -> Response[bytes]:
        """The searches I keep."""
        rows = [(each, alerts.asked_of(each).address()) for each in await alerts.mine(request.user)]
        return show(request, "search/saved.html", rows=rows, site_url=settings().site_url)

    @get("/save", guards=[guards.signed_in])
    async def naming(self, request: Visitor) -> Response[bytes]:
        """Name the search of this address and say how often to write."""
        asked = queries.asked_in(request.query_params.multi_items())
        query = asked.address().partition("?")[2]
        return _naming(
            request, forms.blank(alerts.SaveDraft, query=query, name=asked.text.strip() or "Everything", rhythm="daily")
        )

    @post("/save", guards=[guards.signed_in])
    async def save(self, request: Visitor) -> Response[Any]:
        """Keep it."""
        form = await forms.read(request, alerts.SaveDraft)
        with form.acting():
            await alerts.save(request.user, form.data)
            return to("/search/saved", _("The search is saved."))
        return _naming(request, form)

    @post("/saved/{ref:str}/stop", guards=[guards.signed_in])
    async def stop(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Stop it."""
        saved = await alerts.stop(request.user, ref)
        return to("/search/saved", _("You hear no more of “{name}”.", name=saved.name))

    @get("/stop/{token:str}", guards=[guards.public])
    async def stopping(self, request: Visitor, token: FromPath[str]) -> Response[bytes]:
        """The link of a letter: one button, or that it was pressed before."""
        return show(request, "search/stop.html", saved=await alerts.ever(token))

    @post("/stop/{token:str}", guards=[guards.public], opt={"machine": True}, status_code=200)
    async def stop_by_letter(self, request: Visitor, token: FromPath[str]) -> Response[bytes]:
        """The button, or a mail program's own (RFC 8058): it has no session and follows no redirect, and the address is
        the secret."""
        return show(request, "search/stop.html", saved=await alerts.stop_by_token(token))

    @get(["/feed.atom", "/feed.json", "/feed.ics"], guards=[guards.public])
    async def feed(self, request: Visitor) -> Response[bytes]:
        """Any search as a feed: its address with another ending."""
        asked = queries.asked_in(request.query_params.multi_items())
        return await _feed(request, asked, asked.text or _("Everything published"))

    @get(
        ["/feed/{token:str}/new.atom", "/feed/{token:str}/new.json", "/feed/{token:str}/deadlines.ics"],
        guards=[guards.public],
    )
    async def private_feed(self, request: Visitor, token: FromPath[str]) -> Response[bytes]:
        """A saved search as a feed, under its own private address."""
        saved = await alerts.by_token(token)
        return await _feed(request, alerts.asked_of(saved), saved.name)

    @get("/compare", guards=[guards.public])
    async def compare(self, request: Visitor) -> Response[bytes]:
        """Up to four suppliers side by side."""
        refs = list(dict.fromkeys(request.query_params.getall("ref", [])))
        if not 2 <= len(refs) <= comparing.MOST:
            raise rules.COMPARE_TWO_TO_FOUR.refused()
        return show(request, "search/compare.html", firms=[await comparing.column(ref) for ref in refs])


def _naming(request: Visitor, form: forms.Form[alerts.SaveDraft]) -> Response[bytes]:
    return show(request, "search/save.html", status=form.status, form=form)


async def _feed(request: Visitor, asked: queries.Asked, title: str) -> Response[bytes]:
    here = f"{settings().site_url}{request.url.path}{'?' + request.url.query if request.url.query else ''}"
    ending = request.url.path.rpartition(".")[2]
    try:
        if ending == "ics":
            content = feeds.as_calendar(await feeds.closing(asked), title)
            return Response(content, media_type="text/calendar; charset=utf-8")
        hits = await feeds.newest(asked)
    except IndexUnavailable as down:
        raise rules.UNAVAILABLE.refused() from down
    if ending == "json":
        return Response(feeds.as_json(asked, hits, here, title), media_type="application/feed+json")
    if ending == "atom":
        return Response(feeds.as_atom(asked, hits, here, title), media_type="application/atom+xml; charset=utf-8")
    raise NotFound("feed")
