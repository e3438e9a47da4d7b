"""The worker's loop: every job in its turn, a failing one again, and an end that waits for the present job."""

import asyncio

import pytest

from market import worker
from market.worker import Job
from tests.waiting import LONGEST


async def test_once_runs_every_job_until_nothing_is_left() -> None:
    waiting = [3, 0]
    ran: list[str] = []

    async def busy() -> int:
        ran.append("busy")
        waiting[0] -= 1
        return 1 if waiting[0] >= 0 else 0

    async def idle() -> int:
        ran.append("idle")
        return 0

    assert await worker.once((Job("busy", 1, busy), Job("idle", 1, idle))) == {"busy": 3, "idle": 0}
    assert ran == ["busy"] * 4 + ["idle"]


async def test_a_failing_job_stops_nobody_and_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    stop = asyncio.Event()
    tries: list[str] = []

    async def failing() -> int:
        tries.append("failing")
        raise RuntimeError("no")

    async def steady() -> int:
        tries.append("steady")
        if tries.count("failing") >= 2:
            stop.set()
        return 0

    await asyncio.wait_for(worker.forever((Job("failing", 0.01, failing), Job("steady", 0.01, steady)), stop), LONGEST)
    assert tries.count("failing") >= 2
    assert "the job failing failed" in caplog.text


def test_every_job_of_the_site_has_its_own_name_and_a_rhythm() -> None:
    names = [job.name for job in worker.JOBS]
    assert len(names) == len(set(names))
    assert {"search", "payments", "open data"} <= set(names)
    assert all(0 < job.every <= 86_400 for job in worker.JOBS)
