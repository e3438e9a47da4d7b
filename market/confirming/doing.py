"""Doing what was prepared: the very call of the program, inside this process, as the person who confirmed it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from litestar import Litestar, Request
from litestar.types import Message

from market.accounts.rules import NOT_YOUR_ORGANISATION
from market.accounts.sessions import CONFIRMED_BY, FOR, actor_of
from market.actor import Actor
from market.confirming.tables import Prepared


async def do(request: Request[Actor, Any, Any], row: Prepared, more: str = "") -> tuple[int, str]:
    """Make the call that was prepared, judged by the rules of this moment; `more` confirms what it asked. Answers its status and
    its JSON. It carries a key of idempotency, so that it is done once however often it is confirmed."""
    path, _, query = row.path.partition("?")
    headers = {
        "accept": "application/json",
        "content-type": row.content_type,
        "content-length": str(len(row.body)),
        "idempotency-key": f"prepared-{row.ref}-{row.digest}{more}",
        "if-match": row.seen,
        "prelude-confirm": ",".join(each for each in (row.confirmed, more) if each),
        FOR: row.organisation,
    }
    scope: Any = {
        **{key: request.scope[key] for key in ("type", "asgi", "http_version", "scheme", "server", "client")},
        "method": row.method,
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items() if value],
        "state": {},
        CONFIRMED_BY: await _for(request.user, row.organisation),
    }
    status, body = 500, b""

    async def receive() -> Any:
        return {"type": "http.request", "body": row.body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, body
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            body += message.get("body", b"")

    # The entrance and the connection are those of the request that confirms.
    await Litestar.__call__(request.app, scope, receive, send)
    return status, body.decode("utf-8", "replace")


async def _for(actor: Actor, organisation: str) -> Actor:
    """The person with the hats of the body that her program acts for first."""
    if not organisation:
        return actor
    if organisation not in dict(actor.bodies):
        raise NOT_YOUR_ORGANISATION.refused()
    first = await actor_of(actor.must_be_person(), actor.method, first=organisation)
    return replace(first, proved_at=actor.proved_at, touched_at=actor.touched_at)
