"""Reviews of waivers for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from market.accounts import guards, scopes
from market.actor import Actor
from market.waivers import actions as waivers
from market.waivers.reviews import actions, readers
from market.waivers.reviews.rules import Review
from market.web.api import IfMatch, Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class ReviewView(msgspec.Struct):
    """One review of a waiver. `called_by` is the auditor's name, empty when the day came by itself; `answer` is `keeps`, `narrows`
    or `revokes` once the minister has signed it, and empty before. Money is in minor units of the tender's currency. `etag` is what
    an answer names as If-Match; it is empty for everybody but the minister."""

    schema_name: ClassVar[str] = "WaiverReviewView"
    ref: str
    called_by: str
    why: str
    begins_at: datetime
    answer_by: datetime
    answer: str
    says: str
    new_until: datetime | None
    new_ceiling_minor: int | None
    answered_at: datetime | None
    office: str
    etag: str


class ReviewSignature(msgspec.Struct, forbid_unknown_fields=True):
    """What `navigator.credentials.get()` answered, as `credential.toJSON()` writes it (WebAuthn Level 3)."""

    schema_name: ClassVar[str] = "WaiverReviewSignature"
    credential: dict[str, Any]


def view(review: Review, actor: Actor) -> ReviewView:
    """A review as everybody reads it: an answer is one when it is signed."""
    signed = review.answered_at is not None
    return ReviewView(
        ref=review.ref,
        called_by=review.called_by,
        why=review.why,
        begins_at=review.begins_at,
        answer_by=review.answer_by,
        answer=review.answer if signed else "",
        says=review.says if signed else "",
        new_until=review.new_until if signed else None,
        new_ceiling_minor=review.new_ceiling_minor if signed else None,
        answered_at=review.answered_at,
        office=review.office,
        etag=readers.version(review) if actor.wears("minister", organisation=review.department) else "",
    )


class WaiverReviewsApi(Controller):
    """Reviews of waivers."""

    path = "/api/v1/waivers/{ref:str}/reviews"
    tags = ["Waivers"]

    @get(
        "",
        guards=[guards.public],
        summary="The reviews of a waiver",
        operation_id="listWaiverReviews",
        opt={"reading_is_an_event": True},
        responses=problem_responses(404),
    )
    async def of(self, request: Visitor, ref: FromPath[str]) -> Items[ReviewView]:
        """Every review of a waiver, those to come too, the first to begin first."""
        await waivers.readable(request.user, ref)
        return Items([view(each, request.user) for each in await readers.reviews_of(ref)])

    @post(
        "",
        guards=[guards.signed_in],
        summary="Call for a review",
        operation_id="callForWaiverReview",
        opt=scopes.TEAM,
        responses=problem_responses(404, 409),
    )
    async def call(self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Call]) -> ReviewView:
        """As an auditor, have the minister look at a waiver again; unanswered it is suspended."""
        made = await actions.call(request.user, ref, data)
        return view(await readers.review(ref, made.ref), request.user)

    @post(
        "/{review:str}",
        guards=[guards.signed_in],
        status_code=200,
        summary="Write an answer down",
        operation_id="writeWaiverReview",
        responses=problem_responses(404, 409, 428),
    )
    async def write(
        self,
        request: Visitor,
        ref: FromPath[str],
        review: FromPath[str],
        data: JSONBody[actions.AnswerDraft],
        if_match: IfMatch = "",
    ) -> ReviewView:
        """As the minister, write an answer down; it does nothing, and is not shown, until it is signed."""
        await actions.write(request.user, ref, review, data, if_match)
        return view(await readers.review(ref, review), request.user)

    @post(
        "/{review:str}/sign/options",
        guards=[guards.signed_in],
        status_code=200,
        summary="Begin to sign an answer",
        operation_id="beginSigningWaiverReview",
        responses=problem_responses(404, 409, 428),
    )
    async def options(
        self, request: Visitor, ref: FromPath[str], review: FromPath[str], if_match: IfMatch = ""
    ) -> dict[str, Any]:
        """WebAuthn request options for the minister's passkey, good once and for five minutes, over the answer whose `etag` she read."""
        return await actions.begin_signing(request.user, ref, review, if_match)

    @post(
        "/{review:str}/sign",
        guards=[guards.signed_in],
        status_code=200,
        summary="Sign an answer",
        operation_id="signWaiverReview",
        responses=problem_responses(404, 409, 422),
    )
    async def sign(
        self, request: Visitor, ref: FromPath[str], review: FromPath[str], data: JSONBody[ReviewSignature]
    ) -> ReviewView:
        """Answer with the passkey's answer: the waiver is kept, narrowed or revoked from now on."""
        await actions.sign(request.user, ref, review, msgspec.json.encode(data.credential).decode())
        return view(await readers.review(ref, review), request.user)
