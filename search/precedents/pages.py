"""Pages of “Has somebody done this already?”: asked of a draft, answered by its buyer, shown to everybody after."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from market.accounts import guards
from market.kinds import KINDS
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import N_, _
from search.index import IndexUnavailable
from search.inviting import actions as inviting
from search.precedents import actions as precedents

ANSWERS = {
    "reuse": N_("Reuse it: what exists serves"),
    "join": N_("Join it: take part in what is under way"),
    "differs": N_("Mine differs"),
    "nothing": N_("Nobody has done this before, as far as we can find"),
}
SAID = {
    "reuse": N_("The buyer reuses"),
    "join": N_("The buyer joins"),
    "differs": N_("The buyer says how it differs"),
    "nothing": N_("Nothing alike was found"),
}


class PrecedentPages(Controller):
    """“Has somebody done this already?”"""

    path = "/search/similar"
    include_in_schema = False

    @get("/{kind:str}/{ref:str}", guards=[guards.public], opt={"reading_is_an_event": True})
    async def looking(self, request: Visitor, kind: FromPath[str], ref: FromPath[str]) -> Response[bytes]:
        """For the buyer of a draft what is alike and her answer; for everybody, after publication, both as they were."""
        return await _similar(request, kind, ref, forms.blank(precedents.PrecedentAnswer))

    @post("/{kind:str}/{ref:str}", guards=[guards.buyer])
    async def answer(self, request: Visitor, kind: FromPath[str], ref: FromPath[str]) -> Response[Any]:
        """Keep her answer."""
        form = await forms.read(request, precedents.PrecedentAnswer)
        with form.acting():
            await precedents.compare(request.user, kind, ref, form.data)
            subject = await precedents.subject_of(kind, ref)
            return to(subject.url, _("Your answer is kept. It is published with what you were shown."))
        return await _similar(request, kind, ref, form)


async def _similar(
    request: Visitor, kind: str, ref: str, form: forms.Form[precedents.PrecedentAnswer]
) -> Response[bytes]:
    subject, until = await precedents.readable(request.user, kind, ref)
    given = await precedents.answers(subject, until)
    drafting = subject.published_at is None and kind != "waiver"
    drafting = drafting and request.user.wears("buyer", organisation=subject.buyer) is not None
    shown: list[precedents.Shown] | None = []
    if drafting:
        try:
            shown = await precedents.alike(subject)
        except IndexUnavailable:
            shown = None
    offered = [(value, _(text)) for value, text in ANSWERS.items() if (value == "nothing") is not bool(shown)]
    if not shown:
        offered = [each for each in offered if each[0] not in ("reuse", "join")]
    return show(
        request,
        "search/similar.html",
        status=form.status,
        subject=subject,
        asked_for=f"/waivers/{ref}" if kind == "waiver" else subject.url,
        waiver=ref if kind == "waiver" else None,
        drafting=drafting,
        shown=shown,
        seen=precedents.fingerprint(shown or []),
        given=given,
        answers=offered,
        said=SAID,
        kinds=KINDS,
        choices=[(each.id, f"{each.title} ({KINDS[each.kind].one})") for each in shown or []],
        told=await inviting.invited(subject.id) if subject.published_at else [],
        form=form,
    )
