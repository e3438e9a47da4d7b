"""What every body of the story may spend: one budget for each financial year, proposed by one and approved by another."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from market.budgets import actions, readers, rules
from market.budgets.tables import Listed
from market.seed.cast import FIRST, Cast
from market.seed.script import REFS, Act, Script


def budgets(script: Script, cast: Cast) -> Iterator[Act]:
    """The budgets of every year that the story touches, at its beginning, and what was changed of them since."""
    first, last = rules.year_of(script.day(FIRST)), rules.year_of(script.today)
    for each in script["budgets"]:
        for year in range(first, last + 1):
            at = script.moment(FIRST) + timedelta(hours=1)
            yield Act(at, f"budget {each['body']} {year}", partial(_open, cast, each, year))
    for each in script["budget_changes"]:
        name = f"budget-change {each['body']}"
        yield Act(script.moment(each["proposed_at"]), name, partial(_change, script, cast, each))
        if "approved_at" in each:
            yield Act(script.moment(each["approved_at"]), name, partial(_approve, script, cast, each))


def named(script: Script, text: dict[str, Any]) -> str:
    """The reference of the budget that a challenge or tender names: its buyer's of the year in which it is published."""
    day = script.day(text["published_at"]) if "published_at" in text else script.today
    return REFS[f"budget:{text['buyer']}:{rules.year_of(day)}"]


async def _open(cast: Cast, each: dict[str, Any], year: int) -> None:
    given = actions.BudgetDraft(each["purpose"], year, each["amount_minor"])
    body = cast.organisations[each["body"]]
    budget = await actions.propose(await cast.actor(each["proposed_by"]), body.id, given)
    REFS[f"budget:{each['body']}:{year}"] = budget.ref
    row = await readers.one(budget.ref)
    await actions.approve(await cast.actor(each["approved_by"]), row.ref, row.waiting)


async def _present(script: Script, each: dict[str, Any]) -> Listed:
    return await readers.one(REFS[f"budget:{each['body']}:{rules.year_of(script.today)}"])


async def _change(script: Script, cast: Cast, each: dict[str, Any]) -> None:
    given = actions.LineDraft(each["kind"], each["reason"], each["amount_minor"])
    row = await _present(script, each)
    await actions.change(await cast.actor(each["proposed_by"]), row.ref, given)


async def _approve(script: Script, cast: Cast, each: dict[str, Any]) -> None:
    row = await _present(script, each)
    await actions.approve(await cast.actor(each["approved_by"]), row.ref, row.waiting)
