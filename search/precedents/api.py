"""“Has somebody done this already?” for programs."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from market.accounts import guards
from market.web.pages import Visitor
from market.web.problems import problem_responses
from search import rules
from search.index import IndexUnavailable
from search.precedents import actions


class PrecedentView(msgspec.Struct):
    """Something that was done, learnt, bought or built, with the words it shares with the draft."""

    id: str
    kind: str
    title: str
    url: str
    stage: str
    who: str
    shared: list[str]


class PrecedentSaid(msgspec.Struct):
    """An answer of the buyer's: reuse, join, differs or nothing; `chosen` the id of what she reuses or joins."""

    answer: str
    chosen: str
    reason: str
    at: datetime
    shown: list[PrecedentView]


class PrecedentsView(msgspec.Struct):
    """For a draft what is alike now, with `seen`, which an answer sends back; and every answer, newest first."""

    seen: str | None
    shown: list[PrecedentView]
    answers: list[PrecedentSaid]


class PrecedentsApi(Controller):
    """Before something is published its drafter looks whether somebody has done it already."""

    path = "/api/v1/precedents"
    tags = ["Search"]

    @get(
        "/{kind:str}/{ref:str}",
        guards=[guards.public],
        opt={"reading_is_an_event": True},
        summary="See who has done it already",
        operation_id="readPrecedents",
        responses=problem_responses(404, 503),
    )
    async def one(self, request: Visitor, kind: FromPath[str], ref: FromPath[str]) -> PrecedentsView:
        """Of a draft, for its buyer and whoever reviews it, what is alike now and what was answered; of what is published, for
        everybody, the answers as they were. `kind` is challenge, tender or waiver."""
        return await view(request, kind, ref)

    @post(
        "/{kind:str}/{ref:str}",
        guards=[guards.signed_in],
        summary="Answer for what others have done",
        operation_id="answerPrecedents",
        responses=problem_responses(404, 409, 503),
    )
    async def answer(
        self, request: Visitor, kind: FromPath[str], ref: FromPath[str], data: JSONBody[actions.PrecedentAnswer]
    ) -> PrecedentsView:
        """As the buyer of a draft, say what follows from the list, and why. It is published with the draft; when its words change
        it is answered anew."""
        await actions.compare(request.user, kind, ref, data)
        return await view(request, kind, ref)


async def view(request: Visitor, kind: str, ref: str) -> PrecedentsView:
    """What the actor may read of a subject's precedents."""
    subject, until = await actions.readable(request.user, kind, ref)
    shown = None
    if subject.published_at is None and kind != "waiver":
        try:
            shown = await actions.alike(subject)
        except IndexUnavailable as down:
            raise rules.UNAVAILABLE.refused() from down
    return PrecedentsView(
        seen=None if shown is None else actions.fingerprint(shown),
        shown=[_precedent(each) for each in shown or ()],
        answers=[
            PrecedentSaid(row.answer, row.chosen, row.reason, row.at, [_precedent(each) for each in then])
            for row, then in await actions.answers(subject, until)
        ],
    )


def _precedent(each: actions.Shown) -> PrecedentView:
    return PrecedentView(each.id, each.kind, each.title, each.url, each.stage, each.who, list(each.shared))
