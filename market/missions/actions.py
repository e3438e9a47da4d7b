"""Setting missions: drafted and published by the operator or the department that owns them."""

from __future__ import annotations

from datetime import date
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from market import clock, drafts
from market.accounts.edits import Trace, revise
from market.accounts.tables import Organisation
from market.actor import Actor
from market.audit.actions import record
from market.db import find, transaction
from market.missions import rules
from market.missions.tables import Mission, SuccessCriterion
from market.refusals import NotFound, insist
from market.wording import N_


class MissionDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked about a mission."""

    title: Annotated[str, Meta(title=N_("Title"), min_length=5, max_length=160)]
    statement: Annotated[str, Meta(title=N_("What shall be different"), max_length=4000)]
    begins_on: Annotated[date, Meta(title=N_("First day"))]
    ends_on: Annotated[date, Meta(title=N_("Last day"))]


class NewMission(MissionDraft, kw_only=True):
    """A mission to draft; `owner` is the reference of its department."""

    owner: Annotated[str, Meta(title=N_("Department"), min_length=1, max_length=16)]


class CriterionDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What is asked about one success criterion."""

    schema_name: ClassVar[str] = "MissionCriterionDraft"
    measure: Annotated[str, Meta(title=N_("What is measured"), min_length=3, max_length=300)]
    baseline: Annotated[str, Meta(title=N_("Where it stands"), max_length=200)]
    target: Annotated[str, Meta(title=N_("Where it shall stand"), min_length=1, max_length=200)]
    due_on: Annotated[date, Meta(title=N_("Judged on"))]
    unit: Annotated[str, Meta(title=N_("Unit"), max_length=60)] = ""


def may_edit(actor: Actor, owner: int) -> bool:
    """Whether the actor sets missions of this department: its buyers and ministers, and operators."""
    return bool(actor.wears("operator") or actor.wears("buyer", "minister", organisation=owner))


def may_see(actor: Actor, mission: Mission) -> None:
    """A draft is seen by its owner and the operator only; to everybody else it does not exist."""
    if mission.published_at is None and not may_edit(actor, mission.owner):
        raise NotFound("Mission")


def _may_edit(actor: Actor, owner: int) -> str:
    if operator := actor.wears("operator"):
        return operator.organisation_ref
    return actor.must_wear("buyer", "minister", organisation=owner).organisation_ref


async def draft(actor: Actor, owner: int, given: MissionDraft) -> Mission:
    """Begin a mission of the department `owner` (its id)."""
    async with transaction():
        department = await find(Organisation, Organisation.id == owner)
        acting_for = _may_edit(actor, owner)
        insist(rules.OWNER, department)
        insist(rules.DATES, given.begins_on, given.ends_on)
        mission = Mission(**drafts.facts(given, owner=department.id, created_at=clock.now()))
        await mission.save()
        await record(
            actor,
            "mission.drafted",
            f"mission:{mission.ref}",
            organisation=acting_for,
            sealed_by=f"publication:mission:{mission.ref}",
        )
    return mission


async def edit(actor: Actor, ref: str, given: MissionDraft, seen: str) -> Mission:
    """Write a draft anew, from the version of it that was `seen`; its department stays."""
    async with transaction():
        mission, acting_for = await _draft(actor, ref)
        insist(rules.DATES, given.begins_on, given.ends_on)
        await revise(given, seen, mission, trace=Trace("mission.edited", f"mission:{ref}"))
        await record(
            actor,
            "mission.edited",
            f"mission:{ref}",
            organisation=acting_for,
            sealed_by=f"publication:mission:{ref}",
        )
    return mission


async def add_criterion(actor: Actor, ref: str, given: CriterionDraft) -> SuccessCriterion:
    """Add a success criterion to a mission that is not published yet."""
    async with transaction():
        mission, acting_for = await _draft(actor, ref)
        place = max((each.place for each in await criteria_of(mission)), default=0) + 1
        criterion = SuccessCriterion(mission=mission.id, place=place, **drafts.facts(given))
        await criterion.save()
        await record(
            actor,
            "mission.criterion-added",
            f"mission:{ref}",
            {"measure": given.measure},
            organisation=acting_for,
            sealed_by=f"publication:mission:{ref}",
        )
    return criterion


async def remove_criterion(actor: Actor, ref: str, place: int) -> Mission:
    """Take the success criterion at `place` out of a draft."""
    async with transaction():
        mission, acting_for = await _draft(actor, ref)
        row = await find(SuccessCriterion, (SuccessCriterion.mission == mission.id) & (SuccessCriterion.place == place))
        await row.remove()
        await record(
            actor,
            "mission.criterion-removed",
            f"mission:{ref}",
            {"measure": row.measure},
            organisation=acting_for,
            sealed_by=f"publication:mission:{ref}",
        )
    return mission


async def publish(actor: Actor, ref: str) -> Mission:
    """Publish a mission: from now on it is public and its criteria stand."""
    async with transaction():
        mission = await find(Mission, Mission.ref == ref, lock=True)
        if mission.published_at is None and not may_edit(actor, mission.owner):
            raise NotFound("Mission")
        acting_for = _may_edit(actor, mission.owner)
        criteria = await criteria_of(mission)
        insist(rules.PUBLISH, mission, criteria)
        mission.published_at = clock.now()
        await mission.save([Mission.published_at])
        await record(
            actor,
            "mission.published",
            f"mission:{ref}",
            {"title": mission.title, "criteria": [each.measure for each in criteria]},
            organisation=acting_for,
        )
    return mission


async def criteria_of(mission: Mission) -> list[SuccessCriterion]:
    """The success criteria of a mission in their order."""
    return (
        await SuccessCriterion.objects().where(SuccessCriterion.mission == mission.id).order_by(SuccessCriterion.place)
    )


async def published() -> list[Mission]:
    """All published missions, those that end soonest first."""
    return await Mission.objects().where(Mission.published_at.is_not_null()).order_by(Mission.ends_on)


async def drafts_for(actor: Actor) -> list[Mission]:
    """The drafts this person may go on with, the newest first: an operator all of them, a department's people its own."""
    query = Mission.objects().where(Mission.published_at.is_null()).order_by(Mission.created_at, ascending=False)
    if actor.wears("operator"):
        return await query
    own = actor.organisations("buyer", "minister")
    return await query.where(Mission.owner.is_in(own)) if own else []


async def _draft(actor: Actor, ref: str) -> tuple[Mission, str]:
    """A mission that is not public yet, locked, with the body acted for; to everybody else a draft does not exist."""
    mission = await find(Mission, Mission.ref == ref, lock=True)
    if mission.published_at is None and not may_edit(actor, mission.owner):
        raise NotFound("Mission")
    acting_for = _may_edit(actor, mission.owner)
    insist(rules.EDIT, mission, ())
    return mission, acting_for
