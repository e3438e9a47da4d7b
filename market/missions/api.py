"""Missions for programs."""

from __future__ import annotations

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
from market.missions.tables import Mission
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


async def view(mission: Mission) -> MissionView:
    """The row with its criteria."""
    owner = await find(Organisation, Organisation.id == mission.owner)
    return MissionView(
        ref=mission.ref,
        owner=owner.ref,
        **drafts.stored(actions.MissionDraft, mission),
        published_at=mission.published_at,
        criteria=[
            CriterionView(place=criterion.place, **drafts.stored(actions.CriterionDraft, criterion))
            for criterion in await actions.criteria_of(mission)
        ],
        etag=drafts.version(actions.MissionDraft, mission),
    )


class MissionsApi(Controller):
    """Missions with their success criteria."""

    path = "/api/v1/missions"
    tags = ["Missions"]

    @get("/", guards=[guards.public], summary="List missions", operation_id="listMissions")
    async def index(self) -> Items[MissionView]:
        """All published missions, those that end soonest first."""
        return Items([await view(mission) for mission in await actions.published()])

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
        return await view(await actions.draft(request.user, owner.id, data))

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read a mission",
        operation_id="readMission",
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> MissionView:
        """One mission; a draft is seen by its owner and the operator only."""
        mission = await find(Mission, Mission.ref == ref)
        actions.may_see(request.user, mission)
        return await view(mission)

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
        return await view(await actions.edit(request.user, ref, data, if_match))

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
        return await view(await actions.remove_criterion(request.user, ref, place))

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
        return await view(await find(Mission, Mission.ref == ref))

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
        return await view(await actions.publish(request.user, ref))
