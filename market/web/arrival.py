"""The entrance: a request is let in when all of it is here, and the moment of that is the one that decides about deadlines.

It stands outside of everything else. Nobody has been asked for a connection, a token or a person when the last byte is read, so
nobody is late because others queue; and what is not complete at a deadline is late, however early it began. While this process is
busy a byte waits to be read: the moment is the one at which it reached the machine (`market.web.received`). It is
carried with the request: `market.clock.arrived` answers it to rules and actions.

A body waits in memory while it is small and in a file of this process's own after that, so that whoever sends slowly, or much,
costs neither a connection to the database nor memory.
"""

from __future__ import annotations

import asyncio
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from litestar import Request
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from market import clock
from market.refusals import Refused
from market.rules import BY_STATUS
from market.web import headers, problems, received
from market.wording import _

MOST = 12_000_000
"""Bytes of a body. What is larger is refused before anybody parses it, and before all of it was read."""

STALL = 30.0
"""Seconds in which something of the body has to come."""

LONGEST = 300.0
"""Seconds in which all of it has to be here: 12 million bytes on a line of 320 kbit/s."""

IN_MEMORY = 256 * 1024
CHUNK = 64 * 1024

BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})
"""What asks and sends nothing; a body that comes with it is read by nobody."""


class _Gone(Exception):
    """Whoever sent it has hung up."""


async def enter(app: ASGIApp, scope: Any, receive: Receive, send: Send) -> None:
    """Read the body, take the moment, then let the request in. Refused are a body that is too large (413) and one that does
    not come (408); who hung up gets no answer, and nothing was done."""
    if scope["type"] != "http" or scope["method"] in BODILESS:
        with clock.arriving(clock.now()):
            await app(scope, receive, send)
        return
    with SpooledTemporaryFile(IN_MEMORY) as body:
        try:
            await _read(scope, receive, body)
        except _Gone:
            return
        except Refused as refused:
            await _answer(refused, scope, receive, send)
            return
        with clock.arriving(received.came(scope, clock.now)):
            await app(scope, _again(body, receive), send)


async def _read(scope: Scope, receive: Receive, body: IO[bytes]) -> None:
    """The whole body, into the file."""
    told = dict(scope["headers"]).get(b"content-length", b"")
    if told.isdigit() and (len(told) > len(str(MOST)) or int(told) > MOST):
        raise _too_large()
    size = 0
    try:
        async with asyncio.timeout(LONGEST):
            while True:
                async with asyncio.timeout(STALL):
                    message: Any = await receive()
                if message["type"] == "http.disconnect":
                    raise _Gone
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > MOST:
                    raise _too_large()
                body.write(chunk)
                if not message.get("more_body", False):
                    return
    except TimeoutError:
        raise BY_STATUS[408].refused(why=_("Not all of it came. Nothing was done. Send it again.")) from None


def _too_large() -> Refused:
    return BY_STATUS[413].refused(why=_("This is larger than {most} million bytes.", most=MOST // 1_000_000))


def _again(body: IO[bytes], receive: Receive) -> Receive:
    """What was read, handed on as if it came now; then whatever else the sender does."""
    size, done = body.tell(), False
    body.seek(0)

    async def handing() -> Any:
        nonlocal done
        if done:
            return await receive()
        chunk = body.read(CHUNK)
        done = body.tell() >= size
        return {"type": "http.request", "body": chunk, "more_body": not done}

    return handing


async def _answer(refused: Exception, scope: Scope, receive: Receive, send: Send) -> None:
    """Say why, and that the connection ends: what was not read must not be taken for another request."""
    request: Request[Any, Any, Any] = Request(scope, receive)
    response = problems.answer(request, refused)
    response.headers["connection"] = "close"

    async def protected(message: Message) -> None:
        await headers.protect(message, scope)
        await send(message)

    await response.to_asgi_response(app=None, request=request)(scope, receive, protected)
