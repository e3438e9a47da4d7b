"""Why the market stayed away, for people: the buyer says it, the innovation team decides."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from challenges import exercise, frame
from challenges.quiet import actions, rules
from challenges.tables import Challenge
from market import policy
from market.accounts import guards
from market.refusals import NotFound, checklist
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class QuietPages(Controller):
    """The page of one challenge on which few teams pitching is explained and judged."""

    path = "/challenges/{ref:str}/quiet"
    include_in_schema = False

    @get("/", guards=[guards.signed_in])
    async def statement(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """What was said, and the form for whoever may go on."""
        return await _page(request, ref, forms.blank(actions.StatementDraft))

    @post("/", guards=[guards.buyer])
    async def state(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Say it."""
        form = await forms.read(request, actions.StatementDraft)
        with form.acting():
            await actions.state(request.user, ref, form.data)
            return to(f"/challenges/{ref}/quiet", _("Your statement is with the innovation team. They write to you."))
        return await _page(request, ref, form)

    @post("/verdict", guards=[guards.operator])
    async def decide(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Approve or refuse it."""
        form = await forms.read(request, actions.Verdict)
        with form.acting():
            await actions.decide(request.user, ref, form.data)
            return to(f"/challenges/{ref}/quiet", _("Your decision is public. The buyer was told by letter."))
        return await _page(request, ref, form)


async def _page(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    challenge = await frame.visible(request, ref)
    runs = request.user.wears("buyer", organisation=challenge.buyer) is not None
    decides = request.user.wears("operator") is not None
    if challenge.published_at is None or not (runs or decides):
        raise NotFound("Challenge")
    stating = await actions.stating(challenge)
    newest = stating.before[-1] if stating.before else None
    waits = newest is not None and not newest.verdict
    deciding = await actions.deciding(request.user, challenge, newest) if decides and waits and newest else None
    return show(
        request,
        "challenges/quiet.html",
        status=form.status,
        **await frame.around(request, challenge),
        statements=stating.before,
        pitches=stating.pitches,
        least=policy.IN_FORCE.challenges.pitches_least,
        words=policy.IN_FORCE.challenges.quiet_words,
        **await _found(challenge),
        blocks=[each for _rule, each in checklist(rules.MAY_STATE, stating) if each] if runs and not waits else [],
        may_state=runs and all(each is None for _rule, each in checklist(rules.MAY_STATE, stating)),
        unable=[each for _rule, each in checklist(rules.MAY_DECIDE, deciding) if each] if deciding else [],
        decides=deciding is not None,
        form=form,
    )


async def _found(challenge: Challenge) -> dict[str, Any]:
    """How many applied and were invited: what whoever decides has to see."""
    live = await exercise.live_applications(challenge) if challenge.shortlisted_at else []
    return {"applied": len(live), "invited": sum(each.shortlisted for each in live)}
