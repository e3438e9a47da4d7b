"""HEAD wherever GET is answered: the same status and headers, no body (RFC 9110, section 9.3.2).

Litestar answers HEAD only where a handler names it, and 405 elsewhere. Link checkers, caches and monitors ask so. A handler
that does name it (because the body would be long) is left alone.
"""

from __future__ import annotations

from litestar.types import ASGIApp, Message, Receive, Scope, Send


async def answer(app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer a HEAD request with what `app` says to HEAD, or else with what it says to GET, without the body."""
    only_get = False

    async def unless_only_get(message: Message) -> None:
        nonlocal only_get
        if message["type"] == "http.response.start" and message["status"] == 405:
            only_get = any(name == b"allow" and b"GET" in value for name, value in message["headers"])
        if not only_get:
            await send(message)

    async def without_body(message: Message) -> None:
        if message["type"] == "http.response.body":
            message["body"] = b""
        await send(message)

    await app(_copy(scope), receive, unless_only_get)
    if only_get:
        asked = _copy(scope)
        asked["method"] = "GET"  # type: ignore[typeddict-unknown-key]
        await app(asked, receive, without_body)


def _copy(scope: Scope) -> Scope:
    """A scope of its own: Litestar writes into the one that it is given."""
    copied = scope.copy()
    copied["state"] = dict(scope.get("state") or {})
    return copied
