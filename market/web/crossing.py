"""Whether a request that changes something really came from a page of ours (cross-site request forgery).

Two independent checks for every unsafe method outside the API (programs there bring a token in a header and no cookie is
read): what the browser says of the request's origin (Fetch Metadata, the Origin header), and a token that only our pages
know, bound to the session or, before signing in, to a random cookie. Litestar's own check is not bound to the session.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.datastructures import Cookie
from litestar.handlers.base import BaseRouteHandler

from market.derivation import derived
from market.rules import FORM_EXPIRED
from market.settings import settings

SAFE = {"GET", "HEAD", "OPTIONS"}
VISIT = "visit"
"""The cookie of somebody not signed in, set only when a form is shown to her."""


def token_for(key: str) -> str:
    """The token of a session (its hash) or a visit (its random id)."""
    return hmac.new(derived("prelude/web/form/v1"), key.encode(), hashlib.sha256).hexdigest()


def cookie_name(name: str) -> str:
    """`__Host-` binds a cookie to this host and TLS (RFC 6265bis); without TLS browsers refuse the prefix."""
    return f"__Host-{name}" if settings().secure else name


def cookie(name: str, value: str, *, seconds: int | None, http_only: bool = True) -> Cookie:
    """A cookie of ours: not sent by other sites' forms, never readable by scripts."""
    return Cookie(
        key=cookie_name(name),
        value=value,
        path="/",
        secure=settings().secure,
        httponly=http_only,
        samesite="lax",
        max_age=seconds,
    )


def visit_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str | None:
    """The visit id the browser brought, when it looks like one of ours."""
    found = connection.cookies.get(cookie_name(VISIT), "")
    return found if len(found) == 43 else None


def new_visit() -> str:
    """A random visit id of 256 bits."""
    return secrets.token_urlsafe(32)


async def own_pages_only(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """The application's first guard; see the module. Routes for machines opt out with `opt={"machine": True}`."""
    if connection.scope.get("method", "GET") in SAFE or handler.opt.get("machine"):
        return
    came_from = connection.headers.get("sec-fetch-site", "")
    origin = connection.headers.get("origin", "")
    if came_from not in ("", "same-origin", "none") or (origin not in ("", "null") and not _ours(connection, origin)):
        raise FORM_EXPIRED.refused()
    if origin == "null" and came_from not in ("same-origin", "none"):
        raise FORM_EXPIRED.refused()
    key = connection.scope.get("session_key") or visit_of(connection)
    if not key:
        raise FORM_EXPIRED.refused()
    brought = connection.headers.get("x-csrf-token", "")
    if not brought:
        request: Request[Any, Any, Any] = Request(connection.scope, receive=connection.receive)
        brought = str((await request.form()).get("csrf_token", ""))
    if not hmac.compare_digest(brought.encode(), token_for(str(key)).encode()):
        raise FORM_EXPIRED.refused()


def _ours(connection: ASGIConnection[Any, Any, Any, Any], origin: str) -> bool:
    return origin == settings().site_url or (
        not settings().production and origin == f"{connection.url.scheme}://{connection.headers.get('host', '')}"
    )
