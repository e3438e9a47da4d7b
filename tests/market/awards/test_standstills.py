"""A bank holiday that is proclaimed late: it counts no more, and running standstills end later, in public."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from market import clock, workdays
from market.audit.tables import Event
from market.awards import actions, standstills
from market.awards.tables import Decision
from market.db import find, many
from market.letters.tables import Letter
from market.proof import canonical
from market.refusals import Refused
from market.settings import ROOT
from tests import given_awards

DAY = timedelta(days=1)
PROGRAM = """
from datetime import date, datetime, UTC
from market import workdays
print(workdays.is_working_day(date(2027, 6, 3)), workdays.holiday(date(2027, 6, 3)))
print(workdays.standstill_ends_at(datetime(2027, 6, 1, 9, tzinfo=UTC)).date())
"""


def reckoned(folder: Path, extra: str) -> list[str]:
    """What a process says of a Thursday in June under a policy file with these extra days."""
    text = (ROOT / "fixtures/reference/policy.yaml").read_text()
    assert text.count('value: ""') == 1
    file = folder / "policy.yaml"
    file.write_text(text.replace('value: ""', f'value: "{extra}"'))
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "PRELUDE_POLICY": str(file)},
        capture_output=True,
        text=True,
        check=False,
    )
    return ran.stdout.split("\n")[:-1] or [ran.stderr[-300:]]


def test_a_day_that_the_policy_lists_is_no_working_day_and_periods_end_later(tmp_path: Path) -> None:
    assert reckoned(tmp_path, "") == ["True None", "2027-06-10"]
    assert reckoned(tmp_path, "2027-06-03") == ["False Proclaimed bank holiday", "2027-06-11"]
    assert reckoned(tmp_path, "2027-06-05 2027-06-03") == ["False Proclaimed bank holiday", "2027-06-11"]
    assert "Invalid isoformat" in reckoned(tmp_path, "the third of June")[0]


@pytest.mark.usefixtures("clean")
async def test_a_running_standstill_moves_with_the_calendar_and_everybody_is_told_once() -> None:
    """The state that a proclamation leaves: the end was reckoned with a day that counts no more."""
    case, decision = await given_awards.awarded()
    right = workdays.standstill_ends_at(decision.decided_at)
    assert decision.standstill_ends_at == right
    before = right - DAY
    with clock.at(decision.decided_at + DAY):
        assert await standstills.move_waiting() == 0
        await many("UPDATE decision SET standstill_ends_at = {}", before)
        assert await standstills.move_waiting() == 1
        assert await standstills.move_waiting() == 0
    assert (await find(Decision, Decision.ref == decision.ref)).standstill_ends_at == right
    event = await Event.objects().get(Event.verb == "award.standstill-moved")
    assert event is not None
    said = canonical.decode(event.body.encode())
    assert (said["standstill_ended_at_before"], said["standstill_ends_at"]) == (
        before.isoformat(),
        right.isoformat(),
    )
    told = {row.person for row in await Letter.objects().where(Letter.template == "awards/standstill_moved.txt")}
    assert {case.firms[0].ref, case.firms[1].ref, case.buyer.ref} <= told
    with clock.at(before + timedelta(hours=1)):
        await actions.complain(case.firms[0], decision.ref, actions.ComplaintDraft("My method was misread by both."))


@pytest.mark.usefixtures("clean")
async def test_a_standstill_that_is_over_stays_over_and_none_ends_earlier() -> None:
    case, decision = await given_awards.awarded()
    right = workdays.standstill_ends_at(decision.decided_at)
    await many("UPDATE decision SET standstill_ends_at = {}", right - DAY)
    with clock.at(right - DAY + timedelta(seconds=1)):
        assert await standstills.move_waiting() == 0
        with pytest.raises(Refused) as late:
            await actions.complain(case.firms[0], decision.ref, actions.ComplaintDraft("Misread by both of them."))
        assert [each.code for each in late.value.reasons] == ["complaint.too-late"]
    await many("UPDATE decision SET standstill_ends_at = {}", right + DAY)
    with clock.at(decision.decided_at + DAY):
        assert await standstills.move_waiting() == 0
