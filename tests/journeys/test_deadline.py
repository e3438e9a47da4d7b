"""The last second of a tender against the real server: `bench/deadline.py`, with fewer people."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from market.settings import ROOT
from tests.waiting import LONGEST

pytestmark = [pytest.mark.slow, pytest.mark.long]


def last_second(*options: str) -> dict[str, Any]:
    """What came of one run with 60 suppliers, 15 latecomers and 80 hostile connections."""
    command = [sys.executable, "bench/deadline.py", "--suppliers", "60", "--hostile", "80", "--json", *options]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=2 * LONGEST)
    lines = ran.stdout.splitlines()
    assert lines, ran.stderr[-4000:]
    return dict(json.loads(lines[-1]))


@pytest.mark.usefixtures("database")
def test_nobody_in_time_is_late_and_nobody_late_is_in_time_while_one_firm_holds_eighty_connections() -> None:
    told = last_second()
    assert told["in_time"] > 0
    assert told["late"] > 0
    assert (told["in_time_answered_late"], told["late_accepted"], told["kept_after_the_deadline"]) == (0, 0, 0)
    assert told["in_time_kept"] == told["in_time"], told
    assert told["hostile_answers"]["201"] <= 10, "its allowance"
    assert told["receipts_lost"] == 0


@pytest.mark.usefixtures("database")
def test_with_a_worker_killed_in_the_middle_no_receipt_that_was_given_is_lost() -> None:
    told = last_second("--kill")
    assert told["receipts"] > 0
    assert (told["receipts_lost"], told["in_time_answered_late"], told["late_accepted"]) == (0, 0, 0)
    assert set(told["in_time_otherwise"]) <= {"0"}, "cut off, and nothing else"
