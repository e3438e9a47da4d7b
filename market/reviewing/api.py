"""Reviews for programs: the draft as a whole, sending it for review, approving it, asking for edits."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, HeaderParameter, JSONBody

from market.accounts import guards
from market.db import transaction
from market.reviewing.matters import matter_of, readable, seen_of
from market.reviews import actions, rules
from market.reviews.actions import Matter
from market.web.pages import Visitor
from market.web.problems import problem_responses

Read = Annotated[
    str,
    HeaderParameter(
        name="If-Match",
        required=False,
        description="The `etag` of the draft as it was read. An answer is about exactly that version: 409 when it was changed "
        "since, 428 without it.",
    ),
]
"""Which version an answer is about."""


class ReviewStep(msgspec.Struct):
    """One step of a review: `kind` is asked, approved or edits; `side` is body or team. `words` are a note or reasons."""

    ref: str
    kind: str
    side: str
    words: str
    by: str
    asked: str | None
    at: datetime


class ReviewedField(msgspec.Struct):
    """A field of the draft, and what it says; empty where nothing is said."""

    name: str
    says: str


class ReviewedPart(msgspec.Struct):
    """A section, a lot or a criterion of the draft."""

    title: str
    fields: list[ReviewedField]


class ReviewView(msgspec.Struct):
    """A draft as it would be published, what publication still lacks, what is unusual, and where its review stands: not-asked,
    waits, edits, approved or lapsed, for the body and (None when it need not) for the innovation team."""

    record: str
    title: str
    etag: str
    state: str
    team_state: str | None
    parts: list[ReviewedPart]
    lacks: list[str]
    unusual: list[str]
    steps: list[ReviewStep]


class ReviewsApi(Controller):
    """Before something is published a second person reads it."""

    path = "/api/v1/reviews"
    tags = ["Reviews"]

    @get(
        "/{kind:str}/{ref:str}",
        guards=[guards.signed_in],
        summary="Read a draft as a whole",
        operation_id="readReview",
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, kind: FromPath[str], ref: FromPath[str]) -> ReviewView:
        """A draft (`kind` is challenge or tender) with the steps of its review; for its body, and for the innovation team where
        it reads it too."""
        return await view(await readable(request.user, kind, ref))

    @post(
        "/{kind:str}/{ref:str}/requests",
        guards=[guards.signed_in],
        summary="Send a draft for review",
        operation_id="askForReview",
        responses=problem_responses(404, 409),
    )
    async def ask(
        self, request: Visitor, kind: FromPath[str], ref: FromPath[str], data: JSONBody[actions.ReviewRequest]
    ) -> ReviewView:
        """As a buyer officer, ask a colleague who wrote no part of it; she is told by letter."""
        async with transaction():
            await actions.ask(request.user, await matter_of(kind, ref, lock=True), data)
        return await view(await matter_of(kind, ref))

    @post(
        "/{kind:str}/{ref:str}/approvals",
        guards=[guards.signed_in],
        summary="Approve a draft",
        operation_id="approveReview",
        responses=problem_responses(404, 409, 428),
    )
    async def approve(
        self, request: Visitor, kind: FromPath[str], ref: FromPath[str], if_match: Read = ""
    ) -> ReviewView:
        """Approve exactly the version that was read, for the body or (as an operator) for the innovation team. Any edit lets the
        approval lapse."""
        async with transaction():
            await actions.approve(request.user, await matter_of(kind, ref, lock=True), if_match)
        return await view(await matter_of(kind, ref))

    @post(
        "/{kind:str}/{ref:str}/edits",
        guards=[guards.signed_in],
        summary="Ask for edits",
        operation_id="askForEdits",
        responses=problem_responses(404, 409, 428),
    )
    async def edits(
        self,
        request: Visitor,
        kind: FromPath[str],
        ref: FromPath[str],
        data: JSONBody[actions.Edits],
        if_match: Read = "",
    ) -> ReviewView:
        """Send the draft back with reasons, which the drafter reads and the public does not."""
        async with transaction():
            await actions.ask_for_edits(request.user, await matter_of(kind, ref, lock=True), if_match, data)
        return await view(await matter_of(kind, ref))


async def view(matter: Matter) -> ReviewView:
    """A draft and where its review stands."""
    seen = await seen_of(matter)
    ready = seen.ready
    return ReviewView(
        record=matter.subject,
        title=matter.title,
        etag=ready.version,
        state=rules.state(ready.steps, ready.version, "body"),
        team_state=rules.state(ready.steps, ready.version, "team") if matter.team else None,
        parts=[
            ReviewedPart(part.title, [ReviewedField(fact.name, fact.says) for fact in part.facts])
            for part in matter.parts
        ],
        lacks=list(seen.lacks),
        unusual=list(seen.unusual),
        steps=[
            ReviewStep(
                ref=each.ref,
                kind=each.kind,
                side=each.side,
                words=each.words,
                by=each.by_ref,
                asked=each.asked_ref or None,
                at=each.at,
            )
            for each in ready.steps
        ],
    )
