"""Pitches for programs."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath, JSONBody

from challenges import frame
from challenges.exercise import Because, belongs
from challenges.pitches import actions
from challenges.tables import Pitch
from market import drafts
from market.accounts import guards
from market.accounts.tables import Organisation
from market.db import find
from market.web.api import IfMatch, Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class PitchView(msgspec.Struct):
    """A short-listed team's paid pitch."""

    ref: str
    supplier: str
    scheduled_at: datetime | None
    place_or_link: str
    delivered_at: datetime | None
    missed_at: datetime | None
    missed_because: str
    etag: str


class PitchesApi(Controller):
    """The pitches of a challenge."""

    path = "/api/v1/challenges/{ref:str}/pitches"
    tags = ["Panel and pitches"]

    @get(
        "/",
        guards=[guards.signed_in],
        summary="List pitches",
        operation_id="listPitches",
        responses=problem_responses(404),
    )
    async def list_pitches(self, request: Visitor, ref: FromPath[str]) -> Items[PitchView]:
        """The pitches the asker may see: the buyer's people and overseers all, a supplier her own."""
        challenge = await frame.visible(request, ref)
        rows = [each for each in await actions.pitches_of(challenge) if actions.may_see(request.user, challenge, each)]
        return Items([await pitch_view(each) for each in rows])

    @post(
        "/{pitch:str}/schedule",
        status_code=200,
        guards=[guards.signed_in],
        summary="Arrange a pitch",
        operation_id="schedulePitch",
        responses=problem_responses(404, 409, 428),
    )
    async def schedule(
        self,
        request: Visitor,
        ref: FromPath[str],
        pitch: FromPath[str],
        data: JSONBody[actions.Schedule],
        if_match: IfMatch = "",
    ) -> PitchView:
        """Say when and where; the team is told by letter."""
        await belongs(Pitch, pitch, ref)
        return await pitch_view(await actions.schedule(request.user, pitch, data, if_match))

    @post(
        "/{pitch:str}/deliver",
        status_code=200,
        guards=[guards.signed_in],
        summary="Mark a pitch as delivered",
        operation_id="deliverPitch",
        responses=problem_responses(404, 409),
    )
    async def deliver(
        self, request: Visitor, ref: FromPath[str], pitch: FromPath[str], data: JSONBody[actions.Delivery]
    ) -> PitchView:
        """From now on its fee is owed, win or lose."""
        await belongs(Pitch, pitch, ref)
        return await pitch_view(await actions.deliver(request.user, pitch, data))

    @post(
        "/{pitch:str}/miss",
        status_code=200,
        guards=[guards.signed_in],
        summary="Mark a pitch as not given",
        operation_id="missPitch",
        responses=problem_responses(404, 409),
    )
    async def miss(
        self, request: Visitor, ref: FromPath[str], pitch: FromPath[str], data: JSONBody[Because]
    ) -> PitchView:
        """Say why it was not given; no fee is owed."""
        await belongs(Pitch, pitch, ref)
        return await pitch_view(await actions.miss(request.user, pitch, data.reason))


async def pitch_view(pitch: Pitch) -> PitchView:
    """The pitch with its team."""
    team = await find(Organisation, Organisation.id == pitch.supplier)
    return PitchView(
        ref=pitch.ref,
        supplier=team.ref,
        **drafts.stored(actions.Schedule, pitch),
        delivered_at=pitch.delivered_at,
        missed_at=pitch.missed_at,
        missed_because=pitch.missed_because,
        etag=drafts.version(actions.Schedule, pitch),
    )
