"""The rules of missions, on rows in memory."""

from datetime import UTC, date, datetime

import pytest

from market.accounts.tables import Organisation
from market.missions.rules import DATES, OWNER, PUBLISH
from market.missions.tables import Measured, Mission
from market.refusals import refusals
from tests import given

DATED = Measured(1, 1, "Bridges inspected in a year", "some", "all", "", date(2030, 1, 1))
UNDATED = Measured(1, 2, "Happiness", "some", "more", "", None)


def mission(**facts: object) -> Mission:
    return given.row(
        Mission,
        title="Safe bridges",
        **{"statement": "Every bridge every year.", "begins_on": date(2026, 1, 1), "published_at": None, **facts},
    )


@pytest.mark.parametrize(
    ("row", "criteria", "codes"),
    [
        (mission(), [DATED], []),
        (mission(), [], ["mission.criteria-missing"]),
        (mission(), [DATED, UNDATED], ["mission.criteria-without-date"]),
        (mission(begins_on=date(2031, 1, 1)), [DATED], ["mission.judged-before-it-begins"]),
        (mission(statement=" "), [DATED], ["mission.statement-missing"]),
        (mission(published_at=datetime(2026, 1, 1, tzinfo=UTC)), [DATED], ["mission.already-published"]),
        (mission(statement=""), [], ["mission.statement-missing", "mission.criteria-missing"]),
    ],
)
def test_a_mission_is_published_once_with_a_statement_and_dated_criteria(
    row: Mission, criteria: list[Measured], codes: list[str]
) -> None:
    assert [refusal.code for refusal in refusals(PUBLISH, row, criteria)] == codes


def test_a_mission_ends_after_it_begins_and_is_set_by_a_department() -> None:
    assert refusals(DATES, date(2026, 1, 1), date(2026, 1, 2)) == []
    assert [each.code for each in refusals(DATES, date(2026, 1, 2), date(2026, 1, 2))] == [
        "mission.ends-before-it-begins"
    ]
    assert refusals(OWNER, given.row(Organisation, tier="central")) == []
    for owner in (None, given.row(Organisation, tier="local")):
        assert [each.code for each in refusals(OWNER, owner)] == ["mission.owner-not-central"]
