"""The rules of missions, on rows in memory."""

from datetime import UTC, date, datetime

import pytest

from market.missions.rules import PUBLISH
from market.missions.tables import Mission, SuccessCriterion
from market.refusals import refusals
from tests import given

DATED = given.row(SuccessCriterion, measure="Bridges inspected in a year", target="all", due_on=date(2030, 1, 1))
UNDATED = given.row(SuccessCriterion, measure="Happiness", target="more", due_on=None)


def mission(**facts: object) -> Mission:
    return given.row(
        Mission, title="Safe bridges", **{"statement": "Every bridge every year.", "published_at": None, **facts}
    )


@pytest.mark.parametrize(
    ("row", "criteria", "codes"),
    [
        (mission(), [DATED], []),
        (mission(), [], ["mission.criteria-missing"]),
        (mission(), [DATED, UNDATED], ["mission.criteria-without-date"]),
        (mission(statement=" "), [DATED], ["mission.statement-missing"]),
        (mission(published_at=datetime(2026, 1, 1, tzinfo=UTC)), [DATED], ["mission.already-published"]),
        (mission(statement=""), [], ["mission.statement-missing", "mission.criteria-missing"]),
    ],
)
def test_a_mission_is_published_once_with_a_statement_and_dated_criteria(
    row: Mission, criteria: list[SuccessCriterion], codes: list[str]
) -> None:
    assert [refusal.code for refusal in refusals(PUBLISH, row, criteria)] == codes
