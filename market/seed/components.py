"""Components of the story as acts: listed, lodged, checked, exempted, withheld and restored."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from market.seed.cast import Cast
from market.seed.script import FOLDER, REFS, Act, Script
from market.standards.components import actions
from market.standards.exemptions import actions as exemptions
from market.standards.sanctions import actions as sanctions


def components(script: Script, cast: Cast) -> Iterator[Act]:
    """Every component with its documents, the exemptions, and what the worker did by itself."""
    for each in script["services"]:
        yield Act(script.moment(each["listed_at"]), f"listing {each['key']}", partial(_list, cast, each))
        for lodged in each["lodged"]:
            name = f"lodging {each['key']} {lodged['file']}"
            yield Act(script.moment(lodged["at"]), name, partial(_lodge, cast, each, lodged["file"]))
        for at in each.get("checked_again", []):
            yield Act(script.moment(at), f"check {each['key']}", partial(_check_again, cast, each))
    for each in script["exemptions"]:
        yield Act(script.moment(each["asked_at"]), f"exemption {each['service']}", partial(_ask, script, cast, each))
        yield Act(script.moment(each["signed_at"]), f"exemption {each['service']}", partial(_sign, cast, each))
    for at in script["checks"]:
        yield Act(script.moment(at), "check by itself", _by_itself)


async def _list(cast: Cast, text: dict[str, Any]) -> None:
    given = actions.ServiceDraft(
        title=text["title"],
        does=text["does"].strip(),
        profiles=list(text["profiles"]),
        used_by=text.get("used_by", "").strip(),
        licence=text.get("licence", ""),
        price_terms=text.get("price_terms", "").strip(),
        cpv=list(text["cpv"]),
        maturity=text["maturity"],
        private=text.get("private", False),
        offered_for=[REFS[f"tender:{key}"] for key in text.get("offered_for", [])],
    )
    service = await actions.list_service(await cast.firm(text["supplier"]), given)
    REFS[f"service:{text['key']}"] = str(service.ref)


async def _lodge(cast: Cast, text: dict[str, Any], file: str) -> None:
    raw = (FOLDER / "apis" / file).read_bytes()
    await actions.lodge(await cast.firm(text["supplier"]), REFS[f"service:{text['key']}"], raw, file)


async def _check_again(cast: Cast, text: dict[str, Any]) -> None:
    await actions.check_again(await cast.firm(text["supplier"]), REFS[f"service:{text['key']}"])


async def _ask(script: Script, cast: Cast, text: dict[str, Any]) -> None:
    given = exemptions.ExemptionDraft(
        profile=text["profile"],
        ground=text["ground"],
        reason=text["reason"].strip(),
        control=text["control"].strip(),
        expires_on=script.day(text["expires_on"]),
        service=REFS[f"service:{text['service']}"],
        scope=text["scope"].strip(),
    )
    buyer = cast.organisations[text["buyer"]].id
    row = await exemptions.ask(await cast.actor(text["asked_by"]), buyer, given)
    REFS[f"exemption:{text['service']}"] = str(row.ref)


async def _sign(cast: Cast, text: dict[str, Any]) -> None:
    await exemptions.sign(await cast.actor(text["signed_by"]), REFS[f"exemption:{text['service']}"])


async def _by_itself() -> None:
    await actions.recheck()
    await sanctions.tell_withheld()
