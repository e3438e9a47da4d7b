"""What is sent twice is done once, and both are answered alike.

Every form that is shown carries a token of its own (the macro `csrf` in `parts/forms.html`); a program may send an
`Idempotency-Key`. Who sends the same again (a second click, a page loaded anew, a network that was lost) gets the first
answer: the second waits while the first is still at work. Something else in the same form is a new attempt.

Nothing can be made twice and nothing is lost, whenever a process dies: the claim is the first statement of the action's own
transaction, so it stands exactly when what was done stands, and whoever comes second waits at its key for that to be decided.
The answer is written after it. Should a process die between the two, what was done stands, and who sends again is told so.

Answers may say what nobody else may read (a code that is shown once): they are kept encrypted, with a key that follows from
the form's token, which is not kept.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from litestar import Request
from litestar.datastructures import UploadFile
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from market import clock
from market.db import at_first, many
from market.reads import row
from market.rules import KEY_REUSED, SENT_TWICE
from market.web import crossing

log = logging.getLogger("prelude")

TOKEN = "form_token"  # noqa: S105 — the name of a field
"""The hidden field of every form that is posted."""

KEPT = timedelta(days=1)
"""How long an answer is kept for who sends again."""

PATIENCE = 10.0
"""Seconds that the second waits for the answer of a first whose work is done."""

ANEW = {"anew": True}
"""The option of a route that is acted on as often as it is sent."""


def acted_on_once(method: str, opt: Mapping[str, Any]) -> bool:
    """Whether what is sent twice to a route is done once. Putting and deleting are alike when repeated without it (RFC 9110
    section 9.2.2)."""
    return method == "POST" and not ANEW.items() <= opt.items()


class _Kept(msgspec.Struct, frozen=True):
    """What is known of something sent before: the digest of what was sent, and its answer when there is one."""

    body: str
    answer: bytes | None


class _Reply(msgspec.Struct, array_like=True):
    """An answer as it went out."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass(slots=True)
class _Attempt:
    """One request that carries a token. `key` names it in the database, `secret` opens its answer, `body` is the digest of
    what it sends. `mine` tells this attempt from another at the same moment."""

    key: str
    secret: bytes
    body: str
    page: bool
    mine: str
    claimed: bool = False
    beaten: bool = False

    async def claim(self) -> None:
        """Claim the key, as the first statement of a transaction: waits for another that is at it, and is refused when that
        one has done it."""
        claimed = await many(
            "INSERT INTO posted (key, body, attempt, at) VALUES ({}, {}, {}, {}) ON CONFLICT (key) DO UPDATE "
            "SET at = EXCLUDED.at WHERE posted.attempt = EXCLUDED.attempt RETURNING key",
            self.key,
            self.body,
            self.mine,
            clock.now(),
        )
        if not claimed:
            self.beaten = True
            raise SENT_TWICE.refused()
        self.claimed = True

    async def kept(self) -> _Kept | None:
        return await row(_Kept, "SELECT body, answer FROM posted WHERE key = {}", self.key)

    async def keep(self, answer: _Reply) -> None:
        """Keep what was answered. Forgotten is the claim of something that was refused after all, which may be sent again, and
        of what a script of ours asks for with the fields of a form (a passkey's challenge), which is new each time."""
        asked_by_script = self.page and b"json" in dict(answer.headers).get(b"content-type", b"")
        if answer.status >= 400 or asked_by_script:
            await many("DELETE FROM posted WHERE key = {} AND attempt = {}", self.key, self.mine)
            return
        nonce = secrets.token_bytes(12)
        sealed = nonce + AESGCM(self.secret).encrypt(nonce, msgspec.msgpack.encode(answer), self.key.encode())
        await many("UPDATE posted SET answer = {} WHERE key = {} AND attempt = {}", sealed, self.key, self.mine)

    def opened(self, sealed: bytes) -> _Reply:
        return msgspec.msgpack.decode(
            AESGCM(self.secret).decrypt(sealed[:12], sealed[12:], self.key.encode()), type=_Reply
        )


class Once:
    """The middleware; it stands inside the one that knows who asks."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request: acted on, or answered as it was before. What only begins a session opts out with `opt=ANEW`: it makes
        nothing, and who signed out meanwhile would be answered with a session that has ended."""
        if scope["type"] == ScopeType.WEBSOCKET or not acted_on_once(scope["method"], scope["route_handler"].opt):
            await self.app(scope, receive, send)
            return
        request: Request[Any, Any, Any] = Request(scope, receive)
        attempt = await _attempt(request)
        if attempt is None:
            await self.app(scope, receive, send)
            return
        if (before := await attempt.kept()) is not None:
            # The guards stand within: who is answered from here would else not have met the one against other sites.
            await crossing.own_pages_only(request, scope["route_handler"])
            await _again(attempt, before, send)
            return
        answer = _Reply(500, [], b"")

        async def gather(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.headers = message["status"], [(name, value) for name, value in message["headers"]]
            elif message["type"] == "http.response.body":
                answer.body += message.get("body", b"")

        with at_first(attempt.claim):
            await self.app(scope, receive, gather)
        if attempt.beaten and (before := await attempt.kept()) is not None:
            await _again(attempt, before, send)
            return
        if attempt.claimed and answer.status < 500:
            # After a fault of ours the claim stands exactly when what was done stands, and who sends again is told to look.
            try:
                await attempt.keep(answer)
            except Exception:
                # What was done stands, and its answer goes out; only who sends again will not be given it.
                log.exception("the answer of a form could not be kept")
        await _send(answer, send)


async def _again(attempt: _Attempt, kept: _Kept, send: Send) -> None:
    """Answer as before, as soon as that is known."""
    if kept.body != attempt.body:
        raise KEY_REUSED.refused()
    end = asyncio.get_running_loop().time() + PATIENCE
    now: _Kept | None = kept
    while now is not None and now.answer is None and asyncio.get_running_loop().time() < end:
        await asyncio.sleep(0.05)
        now = await attempt.kept()
    if now is None or now.answer is None:
        raise SENT_TWICE.refused()
    await _send(attempt.opened(now.answer), send)


async def _send(answer: _Reply, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})


async def _attempt(request: Request[Any, Any, Any]) -> _Attempt | None:
    """What this request is known by, None when it carries no token: for a page's form the session and all that was typed,
    for a program who it acts for and the key it made."""
    path = request.scope["path"]
    if path.startswith("/api/"):
        token = request.headers.get("idempotency-key", "").strip().strip('"')
        actor = request.scope.get("user")
        if not token or actor is None or not actor.signed_in:
            return None
        whose = f"{actor.ref} {actor.method}"
        return _named([whose, path, token], hashlib.sha256(await request.body()).hexdigest(), page=False)
    session = request.scope.get("session_key") or crossing.visit_of(request)
    if not session or not request.content_type[0].endswith(("form-data", "x-www-form-urlencoded")):
        return None
    said = hashlib.sha256()
    token = ""
    for name, value in (await request.form()).multi_items():
        if name == TOKEN:
            token = str(value)
        elif isinstance(value, UploadFile):
            said.update(msgspec.json.encode([name, value.filename, hashlib.sha256(await value.read()).hexdigest()]))
            await value.seek(0)
        else:
            said.update(msgspec.json.encode([name, str(value)]))
    # What was typed is a part of the name: something else in the same form is another attempt.
    return _named([str(session), path, token, said.hexdigest()], said.hexdigest(), page=True) if token else None


def _named(parts: list[str], body: str, *, page: bool) -> _Attempt:
    said = msgspec.json.encode(parts)
    key = hashlib.sha256(b"prelude/once/key/v1" + said).hexdigest()
    return _Attempt(
        key, hashlib.sha256(b"prelude/once/answer/v1" + said).digest(), body, page, secrets.token_urlsafe(9)
    )


async def forget() -> int:
    """A job: delete what nobody will send again. Answers how many."""
    before: datetime = clock.now() - KEPT
    return len(await many("DELETE FROM posted WHERE at < {} RETURNING key", before))
