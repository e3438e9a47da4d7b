"""The demo story plays on every day of the year, and stands afterwards where it says that it stands."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

import pytest

from challenges import rules as challenge_rules
from challenges.tables import Challenge
from market import clock, seed
from market.db import find, many
from market.seed.script import REFS, Script, story
from market.tenders import rules as procurement
from market.tenders.tables import Tender
from tests.conftest import EMPTY

pytestmark = [pytest.mark.slow, pytest.mark.long]

OPENED = {"evaluating", "standstill", "contracted"}
"""What the story tells apart after the opening of a tender; its stage is one."""


@pytest.fixture
async def emptied(database: None) -> AsyncIterator[None]:
    """No row of another test before, none of this one after."""
    await many(EMPTY.replace("{", "{{").replace("}", "}}"))
    yield
    await many(EMPTY.replace("{", "{{").replace("}", "}}"))


@pytest.mark.parametrize(
    "day",
    [
        datetime(2026, 12, 25, 0, 5, tzinfo=clock.ZONE),
        datetime(2027, 3, 28, 12, 0, tzinfo=clock.ZONE),
        datetime(2028, 2, 29, 23, 50, tzinfo=clock.ZONE),
    ],
    ids=["just after midnight at Christmas", "Easter Sunday, when the clocks change", "a leap day at night"],
)
async def test_the_story_plays_and_stands_where_it_says(day: datetime, emptied: None) -> None:
    with clock.at(day):
        await seed.play()
        script = story(clock.now())
        wrong = [
            f"{each['key']} should be {each['stage']} and is {stage}"
            for each, stage in [*(await _challenges(script)), *(await _tenders(script))]
            if stage != ("evaluation" if each["stage"] in OPENED else each["stage"])
        ]
    assert wrong == []


async def _challenges(script: Script) -> list[tuple[dict[str, Any], str]]:
    return [
        (
            each,
            challenge_rules.stage(
                await find(Challenge, Challenge.ref == REFS[f"challenge:{each['key']}"]),
                clock.now(),
            ),
        )
        for each in script["challenges"]
    ]


async def _tenders(script: Script) -> list[tuple[dict[str, Any], str]]:
    return [
        (
            each,
            procurement.stage(
                await find(Tender, Tender.ref == REFS[f"tender:{each['key']}"]),
                clock.now(),
            ),
        )
        for each in script["tenders"]
    ]
