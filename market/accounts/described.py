"""What the description of the API says of every endpoint, because it follows from the guard and the path.

A handler declares what it answers itself (404, 409, 422 …); nobody types what happens before it is reached.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass

from litestar.handlers import HTTPRouteHandler
from litestar.openapi.spec import OpenAPIType, Operation, Parameter, Schema
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

from market import rules
from market.accounts import guards, scopes
from market.web import once
from market.web.arrival import BODILESS
from market.web.limits import limit_of
from market.web.problems import problem_responses

SIGNED_IN = [{"token": list[str]()}]
"""A bearer token is needed."""


IDEMPOTENCY_KEY = Parameter(
    name="Idempotency-Key",
    param_in="header",
    required=False,
    schema=Schema(type=OpenAPIType.STRING),
    description="Any text of yours that you use for this request alone, such as a UUID. Send the same request with the same key again, when its answer was "
    f"lost: it is done once and answered as before, for {once.KEPT.days * 24} hours. When it was done and the answer is not known it is 409 "
    f"(`{rules.SENT_TWICE.code}`); something else under the same key is 422 (`{rules.KEY_REUSED.code}`).",
)
"""What :mod:`market.web.once` heeds."""


@dataclass
class DoneOnce(Operation):
    """An operation that is done once however often it is sent."""

    def __post_init__(self) -> None:
        """Name the key beside the parameters of its own."""
        self.parameters = [*(self.parameters or []), IDEMPOTENCY_KEY]


class DescribedByItsGuard(ReceiveRoutePlugin):
    """Adds to each endpoint of the description the token that it asks for with its scope, the key of idempotency that it heeds, and the
    refusals it may answer unread."""

    def receive_route(self, route: BaseRoute) -> None:
        """Called for every route when it is registered, its guards known."""
        if not isinstance(route, HTTPRoute):
            return
        for handler in route.route_handlers:
            if handler.resolve_include_in_schema():
                handler.responses = {**problem_responses(*unread(handler, route.path)), **(handler.responses or {})}
                if asks_who(handler):
                    handler.security = SIGNED_IN
                    told = inspect.getdoc(handler.fn) or ""
                    handler.description = f"{told}\n\n{scope_words(handler)}".strip()
                if takes_key(handler):
                    handler.operation_class = DoneOnce


def scope_words(handler: HTTPRouteHandler) -> str:
    """What the description says of the scope that a token needs. It is said in words, because the schemes of OpenAPI define scopes
    for OAuth alone, and programs that check descriptions refuse others."""
    asked = scopes.asked_by(handler)
    named = " or ".join(f"`{each}`" for each in asked)
    return f"A token needs the scope {named}." if asked else "Every token may, whatever its scopes."


def asks_who(handler: HTTPRouteHandler) -> bool:
    """Whether nobody comes in unknown."""
    return guards.public not in handler.resolve_guards()


def takes_key(handler: HTTPRouteHandler) -> bool:
    """Whether a key of idempotency is heeded: the key is one asker's own, so it needs to be known who asks."""
    return asks_who(handler) and any(once.acted_on_once(method, handler.opt) for method in handler.http_methods)


def unread(handler: HTTPRouteHandler, path: str) -> list[int]:
    """What may be answered before the handler is called: 400 where the request cannot be read or holds what cannot be kept
    (RFC 9110 section 15.5.1), 401 without a token, 403 when the token lacks the scope, the guard wants a role or the token's person does not belong
    to the organisation she names, 408 and 413 where a body is sent that does not come or is too large, 409 and 422 where a key
    of idempotency was sent before, 429 where the address has an allowance, 503 while the database is away or full."""
    sends = not handler.http_methods <= BODILESS
    return [
        400,
        *((401, 403) if asks_who(handler) else ()),
        *((408, 413) if sends else ()),
        *((rules.SENT_TWICE.status, rules.KEY_REUSED.status) if takes_key(handler) else ()),
        *((429,) if limit_of(path) else ()),
        503,
    ]
