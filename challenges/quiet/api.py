"""Why the market stayed away, for programs."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from challenges import frame
from challenges.quiet import actions
from challenges.tables import Challenge
from market.accounts import guards, scopes
from market.db import find
from market.refusals import NotFound
from market.web.api import Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class StatementView(msgspec.Struct):
    """What a buyer said of few teams pitching, and what the innovation team decided: `verdict` is approved or refused, empty while
    it waits."""

    ref: str
    text: str
    proposed_at: datetime
    verdict: str
    reasons: str
    decided_at: datetime | None


class QuietApi(Controller):
    """Why few teams pitched."""

    path = "/api/v1/challenges/{ref:str}/statements"
    tags = ["Challenges"]

    @get(
        guards=[guards.public],
        summary="List statements why the market stayed away",
        operation_id="listQuietStatements",
        responses=problem_responses(404),
    )
    async def index(self, request: Visitor, ref: FromPath[str]) -> Items[StatementView]:
        """What was said of this exercise, the newest last."""
        return await _views(await frame.visible(request, ref))

    @post(
        guards=[guards.signed_in],
        summary="Say why the market stayed away",
        operation_id="stateQuietMarket",
        responses=problem_responses(404, 409),
    )
    async def state(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.StatementDraft]
    ) -> Items[StatementView]:
        """Say why fewer teams pitched than the policy asks; without it such an exercise opens nothing."""
        await actions.state(request.user, ref, data)
        return await _views(await find(Challenge, Challenge.ref == ref))

    @post(
        "/verdict",
        status_code=200,
        guards=[guards.signed_in],
        summary="Approve or refuse a statement",
        operation_id="decideQuietStatement",
        opt=scopes.TEAM,
        responses=problem_responses(404, 409),
    )
    async def decide(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.Verdict]
    ) -> Items[StatementView]:
        """As the innovation team: agree that the market stayed away, or not, with reasons."""
        await actions.decide(request.user, ref, data)
        return await _views(await find(Challenge, Challenge.ref == ref))


async def _views(challenge: Challenge) -> Items[StatementView]:
    if challenge.published_at is None:
        raise NotFound("Challenge")
    found = await actions.statements_of(challenge)
    return Items(msgspec.convert(found, list[StatementView], from_attributes=True))
