"""Doing what was prepared: the very call of the program, inside this process, as the person who confirmed it."""

from __future__ import annotations

from collections.abc import Mapping
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
    headers = {
        "accept": "application/json",
        "content-type": row.content_type,
        "content-length": str(len(row.body)),
        "idempotency-key": f"prepared-{row.ref}-{row.digest}{more}",
        "if-match": row.seen,
        "prelude-confirm": ",".join(each for each in (row.confirmed, more) if each),
        FOR: row.organisation,
    }
    noted = {CONFIRMED_BY: await _for(request.user, row.organisation)}
    return await call(request, row.method, row.path, headers, row.body, noted)


async def call(
    request: Request[Any, Any, Any],
    method: str,
    path: str,
    headers: Mapping[str, str],
    body: bytes,
    noted: Mapping[str, Any],
) -> tuple[int, str]:
    """Make a call inside this process, beside the request that brought it; `noted` is what nothing from outside can note there.
    Answers its status and what it said."""
    address, _, query = path.partition("?")
    scope: Any = {
        **{key: request.scope[key] for key in ("type", "asgi", "http_version", "scheme", "server", "client")},
        "method": method,
        "path": address,
        "raw_path": address.encode(),
        "root_path": "",
        "query_string": query.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items() if value],
        "state": {},
        **noted,
    }
    status, said = 500, b""

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, said
        if message["type"] == "http.response.start":
            status = message["status"]
        elif message["type"] == "http.response.body":
            said += message.get("body", b"")

    # The entrance and the connection are those of the request that confirms.
    await Litestar.__call__(request.app, scope, receive, send)
    return status, said.decode("utf-8", "replace")


async def _for(actor: Actor, organisation: str) -> Actor:
    """The person with the hats of the body that her program acts for first."""
    if not organisation:
        return actor
    if organisation not in dict(actor.bodies):
        raise NOT_YOUR_ORGANISATION.refused()
    first = await actor_of(actor.must_be_person(), actor.method, first=organisation)
    return replace(first, proved_at=actor.proved_at, touched_at=actor.touched_at)
