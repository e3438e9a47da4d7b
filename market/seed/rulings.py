"""Who decided in the story that the rule does not bind: the first tiers and departments of bodies, and a ruling that an auditor stopped."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from market.accounts.tables import Organisation
from market.db import find
from market.rulings import actions
from market.seed.cast import Cast
from market.seed.script import Act, Script


def rulings(script: Script, cast: Cast) -> Iterator[Act]:
    """Each proposed by one, confirmed by another; what nobody objects to holds when its time has come."""
    first, made = script["first_tiers"], dict[str, str]()
    for each in script["buyers"]:
        if each["tier"] == "central":
            continue
        key = each["key"]
        draft = {"body": key, "to": each["tier"], **first["grounds"][each["tier"]]}
        propose = partial(_propose, cast, made, key, first["proposed_by"], draft)
        yield Act(script.moment(first["proposed_at"]), f"ruling {key}", propose)
        confirm = partial(_confirm, cast, made, key, first["confirmed_by"])
        yield Act(script.moment(first["confirmed_at"]), f"ruling {key} confirmed", confirm)
    for each in script["buyers"]:
        if "department" not in each:
            continue
        key = f"{each['key']} of {each['department']}"
        answers = partial(_propose_department, cast, made, key, first["proposed_by"], each, first["department"])
        yield Act(script.moment(first["proposed_at"]), f"ruling {key}", answers)
        confirm = partial(_confirm, cast, made, key, first["confirmed_by"])
        yield Act(script.moment(first["confirmed_at"]), f"ruling {key} confirmed", confirm)
    yield Act(script.moment(first["in_force_at"]), "rulings in force", actions.tell_in_force)
    for each in script["rulings"]:
        key = each["key"]
        propose = partial(_propose, cast, made, key, each["proposed_by"], each)
        yield Act(script.moment(each["proposed_at"]), f"ruling {key}", propose)
        confirm = partial(_confirm, cast, made, key, each["confirmed_by"])
        yield Act(script.moment(each["confirmed_at"]), f"ruling {key} confirmed", confirm)
        if "objected_by" in each:
            objects = partial(_object, cast, made, key, each)
            yield Act(script.moment(each["objected_at"]), f"objection {key}", objects)


async def _propose(cast: Cast, made: dict[str, str], key: str, by: str, each: dict[str, Any]) -> None:
    body = await find(Organisation, Organisation.id == cast.organisations[each["body"]].id)
    draft = actions.TierDraft(body.ref, each["to"], each["ground"], each["instrument"])
    made[key] = (await actions.propose_tier(await cast.actor(by), draft)).ref


async def _propose_department(
    cast: Cast, made: dict[str, str], key: str, by: str, each: dict[str, Any], why: dict[str, str]
) -> None:
    draft = actions.DepartmentDraft(
        cast.organisations[each["key"]].ref,
        cast.organisations[each["department"]].ref,
        why["ground"],
        why["instrument"],
    )
    made[key] = (await actions.propose_department(await cast.actor(by), draft)).ref


async def _confirm(cast: Cast, made: dict[str, str], key: str, by: str) -> None:
    await actions.confirm(await cast.actor(by), made[key])


async def _object(cast: Cast, made: dict[str, str], key: str, each: dict[str, Any]) -> None:
    await actions.object_to(await cast.actor(each["objected_by"]), made[key], actions.Reason(each["objection"]))
