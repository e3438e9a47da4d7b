"""What the description of the API says of every endpoint, because it follows from the guard and the path.

A handler declares what it answers itself (404, 409, 422 …); nobody types what happens before it is reached.
"""

from __future__ import annotations

from litestar.handlers import HTTPRouteHandler
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

from market.accounts import guards
from market.web.arrival import BODILESS
from market.web.limits import limit_of
from market.web.problems import problem_responses

SIGNED_IN = [{"token": list[str]()}]
"""A bearer token is needed."""


class DescribedByItsGuard(ReceiveRoutePlugin):
    """Adds to each endpoint of the description the token that it asks for, and the refusals it may answer unread."""

    def receive_route(self, route: BaseRoute) -> None:
        """Called for every route when it is registered, its guards known."""
        if not isinstance(route, HTTPRoute):
            return
        for handler in route.route_handlers:
            if handler.resolve_include_in_schema():
                handler.responses = {**problem_responses(*unread(handler, route.path)), **(handler.responses or {})}
                if asks_who(handler):
                    handler.security = SIGNED_IN


def asks_who(handler: HTTPRouteHandler) -> bool:
    """Whether nobody comes in unknown."""
    return guards.public not in handler.resolve_guards()


def unread(handler: HTTPRouteHandler, path: str) -> list[int]:
    """What may be answered before the handler is called: 400 where the request cannot be read or holds what cannot be kept
    (RFC 9110 section 15.5.1), 401 without a token, 403 when the guard wants a role or the token's person does not belong
    to the organisation she names, 408 and 413 where a body is sent that does not come or is too large, 429 where the address
    has an allowance, 503 while the database is away or full."""
    sends = not handler.http_methods <= BODILESS
    return [
        400,
        *((401, 403) if asks_who(handler) else ()),
        *((408, 413) if sends else ()),
        *((429,) if limit_of(path) else ()),
        503,
    ]
