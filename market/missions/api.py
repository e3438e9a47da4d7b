"""Missions for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import ClassVar

import msgspec
from litestar import Controller, delete, get, post, put
from litestar.params import FromPath, JSONBody

from market import drafts
from market.accounts import guards
from market.accounts.tables import Organisation
from market.db import find
from market.missions import actions
from market.missions.tables import Listed, Measured, Mission
from market.web.api import IfMatch, Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class CriterionView(msgspec.Struct):
    """A success criterion as the API shows it; `place` names it within its mission."""

    schema_name: ClassVar[str] = "MissionCriterionView"
    place: int
    measure: str
    baseline: str
    target: str
    unit: str
    due_on: date | None


class MissionView(msgspec.Struct):
    """A mission as the API shows it; `owner` is an organisation's reference, `etag` what a change names as If-Match."""

    ref: str
    owner: str
    title: str
    statement: str
    begins_on: date | None
    ends_on: date | None
    published_at: datetime | None
    criteria: list[CriterionView]
    etag: str


def view(mission: Listed, criteria: Sequence[Measured]) -> MissionView:
    """A mission with its criteria; what others have among them is left out."""
    return MissionView(
        ref=mission.ref,
        owner=mission.owner_ref,
        title=mission.title,
        statement=mission.statement,
        begins_on=mission.begins_on,
        ends_on=mission.ends_on,
        published_at=mission.published_at,
        criteria=[
            msgspec.convert(criterion, CriterionView, from_attributes=True)
            for criterion in criteria
            if criterion.mission == mission.id
        ],
        etag=drafts.version_read(actions.MissionDraft, Mission, mission),
    )


async def shown(request: Visitor, ref: str) -> MissionView:
    """The mission of this reference as it stands."""
    mission = await actions.readable(request.user, ref)
    return view(mission, await actions.criteria_of(mission.id))


class MissionsApi(Controller):
    """Missions with their success criteria."""

    path = "/api/v1/missions"
    tags = ["Missions"]

    @get("/", guards=[guards.public], summary="List missions", operation_id="listMissions")
    async def index(self) -> Items[MissionView]:
        """All published missions, those that end soonest first."""
        missions = await actions.published()
        criteria = await actions.criteria_of(*(mission.id for mission in missions))
        return Items([view(mission, criteria) for mission in missions])

    @post(
        "/",
        guards=[guards.signed_in],
        summary="Draft a mission",
        operation_id="draftMission",
        responses=problem_responses(404, 409),
    )
    async def create(self, request: Visitor, data: JSONBody[actions.NewMission]) -> MissionView:
        """Draft a mission for a department."""
        owner = await find(Organisation, Organisation.ref == data.owner)
        mission = await actions.draft(request.user, owner.id, data)
        return await shown(request, mission.ref)

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read a mission",
        operation_id="readMission",
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> MissionView:
        """One mission; a draft is seen by its owner and the operator only."""
        return await shown(request, ref)

    @put(
        "/{ref:str}",
        guards=[guards.signed_in],
        summary="Write a mission anew",
        operation_id="writeMission",
        responses=problem_responses(404, 409, 428),
    )
    async def edit(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.MissionDraft], if_match: IfMatch = ""
    ) -> MissionView:
        """Write a draft anew; its department stays."""
        await actions.edit(request.user, ref, data, if_match)
        return await shown(request, ref)

    @delete(
        "/{ref:str}/criteria/{place:int}",
        status_code=200,
        guards=[guards.signed_in],
        summary="Remove a success criterion",
        operation_id="removeCriterion",
        responses=problem_responses(404, 409),
    )
    async def remove_criterion(self, request: Visitor, ref: FromPath[str], place: FromPath[int]) -> MissionView:
        """Take a success criterion out of a draft."""
        await actions.remove_criterion(request.user, ref, place)
        return await shown(request, ref)

    @post(
        "/{ref:str}/criteria",
        guards=[guards.signed_in],
        summary="Add a success criterion",
        operation_id="addCriterion",
        responses=problem_responses(404, 409),
    )
    async def add_criterion(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.CriterionDraft]
    ) -> MissionView:
        """Add a success criterion to a draft."""
        await actions.add_criterion(request.user, ref, data)
        return await shown(request, ref)

    @post(
        "/{ref:str}/publish",
        status_code=200,
        guards=[guards.signed_in],
        summary="Publish a mission",
        operation_id="publishMission",
        responses=problem_responses(404, 409),
    )
    async def publish(self, request: Visitor, ref: FromPath[str]) -> MissionView:
        """Publish a draft; 409 with every rule that does not hold."""
        await actions.publish(request.user, ref)
        return await shown(request, ref)
