"""What stands before every act that binds: whoever has not just used her key is asked for it, and the act goes on.

The middleware stands inside the one that does what is sent twice once (:mod:`market.web.once`). A form that carries the answer
of a key has it checked first, in a transaction of its own, so that the act's own stays whole. When the act then says that it
wants a key (:class:`market.touch.TouchNeeded`), the page that asks for it holds every field that was typed, and sends them to
the same address again. A program has no key: what it calls is kept for its person, who confirms it on a page. Who has no device
has what she typed kept to be printed and signed (:mod:`market.confirming.paper`); it goes the same way, so that nothing is put on
paper but what an act asked a key for.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.enums import MediaType, ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from market import db, policy
from market.accounts import passkeys
from market.accounts.sessions import FOR
from market.actor import Actor
from market.confirming import actions, paper, readers
from market.refusals import Refused
from market.touch import Act
from market.web import crossing, once, problems
from market.web.pages import show, to
from market.wording import _

TOUCH = "touch"
"""The field with the answer of a key; no form of ours has a field of this name for anything else."""

DEMONSTRATION = "demonstration key"
"""What stands there in a demonstration."""

ON_PAPER = "on paper"
"""What stands there when she has no device, and wants to sign a mandate on paper."""

OURS = {TOUCH, once.TOKEN, "csrf_token"}
"""Fields that are made anew each time a form is shown."""


class Confirming:
    """The middleware: takes a key that is brought, and asks for one that is wanted."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. What only reads passes through."""
        if scope["type"] != ScopeType.HTTP or scope["method"] in crossing.SAFE:
            await self.app(scope, receive, send)
            return
        request: Request[Actor, Any, Any] = Request(scope, receive)
        program = scope["path"].startswith("/api/")
        mistake = "" if program else await _take(request)
        asked = False

        async def unless_asked(message: Message) -> None:
            nonlocal asked
            if message["type"] == "http.response.start":
                act = problems.wanted(scope)
                asked = act is not None and (act.prepared or not program)
            if not asked:
                await send(message)

        await self.app(scope, receive, unless_asked)
        if asked and (act := problems.wanted(scope)) is not None:
            if program:
                answer = await _prepared(request, act)
            elif await _brought(request) == ON_PAPER:
                answer = await _printed(request, act)
            else:
                answer = await _page(request, act, mistake)
            await answer.to_asgi_response(app=None, request=request)(scope, receive, send)


async def _prepared(request: Request[Actor, Any, Any], act: Act) -> Response[bytes]:
    """What a program is answered that may not bind anybody itself: where its person confirms the call, and where it reads that
    she has (RFC 9110 section 15.3.3)."""
    query = request.scope["query_string"].decode("latin-1")
    call = actions.Call(
        method=request.scope["method"],
        path=request.scope["path"] + (f"?{query}" if query else ""),
        organisation=request.headers.get(FOR, "").strip(),
        content_type=request.headers.get("content-type", ""),
        body=await request.body(),
        seen=request.headers.get("if-match", ""),
        confirmed=request.headers.get("prelude-confirm", ""),
    )
    row = await actions.prepare(request.user, act, call)
    view = readers.view(await actions.prepared(request.user, row.ref))
    return Response(
        msgspec.json.encode(view), status_code=202, media_type=MediaType.JSON, headers={"location": view.status_at}
    )


async def _take(request: Request[Actor, Any, Any]) -> str:
    """Check the key that a form brings, if any; answers what was wrong with it. One that was checked before, by the same form
    sent twice, adds nothing and takes nothing: the session says whether it was used just now."""
    session = request.scope.get("session_key")
    brought = await _brought(request)
    if not session or not brought:
        return ""
    # The guards stand within: a page of another site must not touch anything either.
    await crossing.own_pages_only(request, request.scope["route_handler"])
    mistake, actor = "", request.user
    if brought == ON_PAPER:
        # Also when a key was just used: she asks for a paper, so nothing is done now.
        request.scope["user"] = replace(actor, touched_at=None)
        return ""
    with db.at_first(_nothing):
        try:
            if brought == DEMONSTRATION:
                actor = await passkeys.touch_demonstration_key(actor, str(session))
            else:
                actor = await passkeys.touch(actor, str(session), brought)
        except Refused as refused:
            mistake, actor = refused.reasons[0].reason, await passkeys.as_touched(actor, str(session))
    request.scope["user"] = actor
    return mistake


async def _brought(request: Request[Actor, Any, Any]) -> str:
    """What the form has in the field of the key; '' for what is no form."""
    if not request.content_type[0].endswith(("form-data", "x-www-form-urlencoded")):
        return ""
    return str((await request.form()).get(TOUCH, ""))


async def _nothing() -> None:
    """Taking a key is no part of what the form does: its claim waits for the act."""


async def _typed(request: Request[Actor, Any, Any]) -> tuple[str, list[tuple[str, str]]]:
    """The address a form was sent to, and (name, value) of every field of it."""
    typed = []
    for name, value in (await request.form()).multi_items():
        if isinstance(value, str) and name not in OURS:
            typed.append((name, value))
    query = request.scope["query_string"].decode("latin-1")
    return request.scope["path"] + (f"?{query}" if query else ""), typed


async def _printed(request: Request[Actor, Any, Any], act: Act) -> Response[Any]:
    """Where she finds what she typed, to print and sign it."""
    row = await paper.prepare(request.user, act, *await _typed(request))
    return to(
        f"{paper.HERE}/{row.ref}", _("Nothing is done yet. Print this page, sign it, and hand it to a colleague.")
    )


async def _page(request: Request[Actor, Any, Any], act: Act, mistake: str) -> Response[bytes]:
    action, typed = await _typed(request)
    return show(
        request,
        "confirming/touch.html",
        status=403,
        act=act,
        mandate_days=policy.IN_FORCE.people.mandate_days,
        mistake=mistake,
        action=action,
        typed=typed,
        keys=await passkeys.keys_of(request.user.must_be_person()),
    )
