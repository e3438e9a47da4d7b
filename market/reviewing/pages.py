"""The review of a draft: the draft as it would be published, what to notice, and two buttons."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath

from market.accounts import guards
from market.db import transaction
from market.kinds import KINDS
from market.reviewing.matters import matter_of, may, readable, seen_of
from market.reviews import actions, rules
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import N_, _

STATES: dict[rules.State, tuple[str, str]] = {
    "not-asked": (N_("Not read yet"), "grey"),
    "waits": (N_("Waits to be read"), "amber"),
    "edits": (N_("Edits asked for"), "amber"),
    "approved": (N_("Approved"), "green"),
    "lapsed": (N_("Changed since approved"), "red"),
}
"""Where a review stands, in words, with the colour."""


BACK = {"challenge": "/challenges/", "tender": "/tenders/", "build": "/make-or-buy/"}
"""Where the draft of each kind is."""


class Nothing(msgspec.Struct):
    """A form of a button alone."""


class ReviewPages(Controller):
    """Sending a draft for review, reading it, and answering."""

    path = "/reviews"
    include_in_schema = False

    @get("/{kind:str}/{ref:str}", guards=[guards.signed_in])
    async def one(self, request: Visitor, kind: FromPath[str], ref: FromPath[str]) -> Response[bytes]:
        """The draft as a whole, for its body and for whoever reads it."""
        return await _one(request, kind, ref)

    @post("/{kind:str}/{ref:str}/ask", guards=[guards.buyer])
    async def ask(self, request: Visitor, kind: FromPath[str], ref: FromPath[str]) -> Response[Any]:
        """Send it for review."""
        form = await forms.read(request, actions.ReviewRequest)
        with form.acting():
            async with transaction():
                await actions.ask(request.user, await matter_of(kind, ref, lock=True), form.data)
            return to(f"/reviews/{kind}/{ref}", _("It is sent for review. You are written to when it is answered."))
        return await _one(request, kind, ref, asking=form)

    @post("/{kind:str}/{ref:str}/approve", guards=[guards.signed_in])
    async def approve(self, request: Visitor, kind: FromPath[str], ref: FromPath[str]) -> Response[Any]:
        """Approve it as it was read."""
        form = await forms.read(request, Nothing)
        with form.acting():
            async with transaction():
                await actions.approve(request.user, await matter_of(kind, ref, lock=True), form.version)
            return to(f"/reviews/{kind}/{ref}", _("Approved as you read it. Any edit lets the approval lapse."))
        return await _one(request, kind, ref, answering=form)

    @post("/{kind:str}/{ref:str}/edits", guards=[guards.signed_in])
    async def edits(self, request: Visitor, kind: FromPath[str], ref: FromPath[str]) -> Response[Any]:
        """Send it back with reasons."""
        form = await forms.read(request, actions.Edits)
        with form.acting():
            async with transaction():
                matter = await matter_of(kind, ref, lock=True)
                await actions.ask_for_edits(request.user, matter, form.version, form.data)
            return to(f"/reviews/{kind}/{ref}", _("Your reasons are with the drafter, who sends it again."))
        return await _one(request, kind, ref, answering=form)


async def _one(
    request: Visitor,
    kind: str,
    ref: str,
    asking: forms.Form[Any] | None = None,
    answering: forms.Form[Any] | None = None,
) -> Response[bytes]:
    matter = await readable(request.user, kind, ref)
    seen = await seen_of(matter)
    side = may(request.user, seen)
    stands = rules.state(seen.ready.steps, seen.ready.version, "body")
    team = rules.state(seen.ready.steps, seen.ready.version, "team") if matter.team else None
    mine = team if side == "team" else stands
    drafts = request.user.wears("buyer", organisation=matter.body) is not None
    failed = asking or answering
    return show(
        request,
        "reviews/one.html",
        status=failed.status if failed else 200,
        matter=matter,
        label=KINDS[kind].one,
        back=BACK[kind] + ref + ("/draft" if kind == "challenge" else ""),
        drafts=drafts,
        seen=seen,
        side=side,
        stands=(_(STATES[stands][0]), STATES[stands][1]),
        team=(_(STATES[team][0]), STATES[team][1]) if team else None,
        may_answer=side is not None and mine in ("waits", "approved") and not matter.published,
        may_approve=side is not None and mine == "waits" and not matter.published,
        able=[(each.ref, each.name) for each in await actions.able(matter.body) if each.ref != request.user.ref],
        form=failed or forms.blank(actions.ReviewRequest),
        asking=asking or forms.blank(actions.ReviewRequest),
        answering=answering or forms.blank(actions.Edits),
    )
