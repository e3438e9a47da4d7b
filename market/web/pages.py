"""Showing a page: the template, what every page needs, and the one sentence about what was just done."""

from __future__ import annotations

import base64
import json
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment
from litestar import Request, Response
from litestar.datastructures import State
from litestar.enums import MediaType
from litestar.response import Redirect

from market import clock, nesting
from market.actor import PUBLIC, Actor
from market.settings import ROOT, Settings, settings
from market.web import crossing
from market.web.static import Assets
from market.web.templating import Flash, Link, Site, environment, page
from market.wording import N_, _

Visitor = Request[Actor, Any, State]
"""A request whose `user` is an Actor, PUBLIC when nobody signed in."""

FLASH = "flash"

NAVIGATION = (
    (N_("Challenges"), "/challenges"),
    (N_("Tenders"), "/tenders"),
    (N_("Suppliers"), "/suppliers"),
    (N_("Contracts"), "/contracts"),
    (N_("What was learnt"), "/insights"),
    (N_("Waivers"), "/waivers"),
)
DESK = ((N_("Your desk"), "/desk"),)
"""For somebody signed in."""


@cache
def assets() -> Assets:
    """The static files of this process."""
    return Assets(ROOT / "templates" / "static")


@cache
def templates() -> Environment:
    """The template environment of this process."""
    return environment(assets=assets(), debug=not settings().production)


class _Token:
    """The form token, made only when a template asks for it: a page without a form sets no cookie."""

    def __init__(self, request: Visitor) -> None:
        self.request = request
        self.visit: str | None = None

    def __str__(self) -> str:
        key = self.request.scope.get("session_key") or crossing.visit_of(self.request)
        if not key:
            self.visit = self.visit or crossing.new_visit()
            key = self.visit
        return crossing.token_for(str(key))

    __html__ = __str__


def show(request: Visitor, template: str, *, status: int = 200, **context: Any) -> Response[bytes]:
    """Render `template` with the page contract of `templates/layout.html` and `context`."""
    token = _Token(request)
    flash = _flash(request)
    actor = request.scope.get("user") or PUBLIC
    common = page(
        site(),
        request.url.path,
        person=actor if actor.signed_in else None,
        navigation=[
            Link(_(text), href, request.url.path.startswith(href))
            for text, href in (*NAVIGATION, *(DESK if actor.signed_in else ()))
        ],
        flash=flash,
    )
    common["csrf_token"] = token
    common["actor"] = actor
    body = templates().get_template(template).render({**common, **context}).encode()
    response = Response(body, status_code=status, media_type=MediaType.HTML)
    if token.visit:
        response.set_cookie(crossing.cookie(crossing.VISIT, token.visit, seconds=None))
    if flash:
        response.set_cookie(crossing.cookie(FLASH, "", seconds=0))
    return response


def to(path: str, said: str = "", *, kind: str = "success") -> Redirect:
    """See other (303): after a form was acted on, show `path`, there with one sentence about what was done."""
    response = Redirect(path, status_code=303)
    if said:
        packed = base64.urlsafe_b64encode(json.dumps([kind, said]).encode()).decode()
        response.set_cookie(crossing.cookie(FLASH, packed, seconds=60))
    return response


def next_page(request: Visitor, cursor: int | None, name: str = "before") -> str | None:
    """The address of the next page with the same filters; None when this is the last."""
    if cursor is None:
        return None
    kept = [(key, value) for key, value in request.query_params.multi_items() if key != name and value]
    return f"{request.url.path}?{urlencode([*kept, (name, cursor)])}"


def sign_in_then(path: str) -> Redirect:
    """Ask to sign in and come back to `path`."""
    return Redirect(f"/sign-in?then={quote(path, safe='/')}", status_code=303)


def site() -> Site:
    """What is true of the whole site now."""
    known = settings()
    return Site(
        now=clock.now(),
        demo=known.demo,
        money_simulated=known.stripe_key is None,
        clock_moved=clock.moved(),
        goes_without=goes_without(known) if known.production else (),
    )


def goes_without(known: Settings) -> tuple[str, ...]:
    """What the operator chose to serve without, said to everybody whom it may fail."""
    said = []
    if known.stripe_key is None:
        said.append(_("Payments are simulated: no money moves, and amounts are entered in the ledger as if it did."))
    if known.smtp_url is None:
        said.append(_("No letters are sent: they are kept, and you read yours under Letters after signing in."))
    if known.meilisearch_url is None:
        said.append(
            _("The search has no server of its own, so new records may be found later than they are published.")
        )
    return tuple(said)


def _flash(request: Visitor) -> Flash | None:
    packed = request.cookies.get(crossing.cookie_name(FLASH), "")
    if not packed:
        return None
    try:
        kind, said = nesting.read(base64.urlsafe_b64decode(packed.encode()))
    except (ValueError, TypeError):
        return None
    return Flash("success" if kind == "success" else "notice", str(said)[:400])
