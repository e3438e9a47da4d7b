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
from market.missions.tables import Listed, Measured, Mission, SuccessCriterion
from market.reads import rows, the
from market.refusals import NotFound, insist
from market.touch import binds
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
        place = max((before.place for before in await criteria_of(mission.id)), default=0) + 1
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
        criterion = await find(
            SuccessCriterion, (SuccessCriterion.mission == mission.id) & (SuccessCriterion.place == place)
        )
        await criterion.remove()
        await record(
            actor,
            "mission.criterion-removed",
            f"mission:{ref}",
            {"measure": criterion.measure},
            organisation=acting_for,
            sealed_by=f"publication:mission:{ref}",
        )
    return mission


@binds(N_("publish a mission"))
async def publish(actor: Actor, ref: str) -> Mission:
    """Publish a mission: from now on it is public and its criteria stand."""
    async with transaction():
        mission, acting_for = await _locked(actor, ref)
        criteria = await criteria_of(mission.id)
        insist(rules.PUBLISH, mission, criteria)
        mission.published_at = clock.now()
        await mission.save([Mission.published_at])
        await record(
            actor,
            "mission.published",
            f"mission:{ref}",
            {"title": mission.title, "criteria": [criterion.measure for criterion in criteria]},
            organisation=acting_for,
        )
    return mission


_LISTED = """
SELECT m.id, m.ref, m.owner, o.ref AS owner_ref, o.name AS owner_name, m.title, m.statement, m.begins_on, m.ends_on,
    m.created_at, m.published_at
FROM mission m JOIN organisation o ON o.id = m.owner
"""


async def readable(actor: Actor, ref: str) -> Listed:
    """A mission; a draft is seen by its owner and the operator only, to everybody else it does not exist."""
    mission = await the(Listed, _LISTED + "WHERE m.ref = {}", ref)
    if mission.published_at is None and not may_edit(actor, mission.owner):
        raise NotFound("Mission")
    return mission


async def criteria_of(*missions: int) -> list[Measured]:
    """The success criteria of these missions (ids) in their order."""
    return await rows(
        Measured,
        """
        SELECT mission, place, measure, baseline, target, unit, due_on FROM success_criterion
        WHERE mission = ANY({}::int[]) ORDER BY mission, place
        """,
        list(missions),
    )


async def published() -> list[Listed]:
    """All published missions, those that end soonest first."""
    return await rows(Listed, _LISTED + "WHERE m.published_at IS NOT NULL ORDER BY m.ends_on, m.id")


async def drafts_for(actor: Actor) -> list[Listed]:
    """The drafts this person may go on with, the newest first: an operator all of them, a department's people its own."""
    return await rows(
        Listed,
        _LISTED + "WHERE m.published_at IS NULL AND ({} OR m.owner = ANY({}::int[])) ORDER BY m.created_at DESC",
        actor.wears("operator") is not None,
        actor.organisations("buyer", "minister"),
    )


async def _draft(actor: Actor, ref: str) -> tuple[Mission, str]:
    """A mission that is not public yet, locked, with the body acted for."""
    mission, acting_for = await _locked(actor, ref)
    insist(rules.EDIT, mission, ())
    return mission, acting_for


async def _locked(actor: Actor, ref: str) -> tuple[Mission, str]:
    """A mission to be changed, with the body acted for; a draft of another department does not exist."""
    mission = await find(Mission, Mission.ref == ref, lock=True)
    if mission.published_at is None and not may_edit(actor, mission.owner):
        raise NotFound("Mission")
    return mission, _may_edit(actor, mission.owner)
