"""The worker: every job in a task of its own, a failing or hanging one alone, and an end that waits for what runs."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar

import pytest

from market import db, worker
from market.accounts.tables import Organisation
from market.db import one
from market.letters import sending
from market.worker import Job
from tests import given
from tests.waiting import LONGEST, until_awaited


@asynccontextmanager
async def running(*jobs: Job) -> AsyncIterator[asyncio.Event]:
    """The worker with these jobs, until the end of the block."""
    stop = asyncio.Event()
    work = asyncio.create_task(worker.forever(jobs, stop))
    try:
        yield stop
    finally:
        stop.set()
        work.cancel()
        await asyncio.wait([work])


async def until(holds: Callable[[], bool]) -> None:
    """Wait until it holds, while the worker goes on."""

    async def so() -> bool:
        return holds()

    await until_awaited(so)


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
    tries: list[str] = []

    async def failing() -> int:
        tries.append("failing")
        raise RuntimeError("no")

    async def steady() -> int:
        tries.append("steady")
        return 0

    async with running(Job("failing", 0.01, failing), Job("steady", 0.01, steady)):
        await until(lambda: min(tries.count("failing"), tries.count("steady")) >= 3)
    assert "the job failing failed" in caplog.text


async def test_a_job_that_hangs_is_broken_off_at_its_limit_and_delays_itself_alone(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun: list[str] = []

    async def hanging() -> int:
        begun.append("hanging")
        await asyncio.Event().wait()
        return 1

    async def steady() -> int:
        begun.append("steady")
        return 0

    async with running(Job("hanging", 0.01, hanging, limit=0.2), Job("steady", 0.01, steady)):
        await until(lambda: begun.count("steady") >= 3)
        assert begun.count("hanging") == 1
        await until(lambda: begun.count("hanging") >= 2)
    assert "the job hanging was broken off after 0.2 seconds" in caplog.text


async def test_a_job_that_is_cancelled_from_within_goes_on_at_its_next_turn() -> None:
    begun: list[int] = []

    async def cancelled() -> int:
        begun.append(1)
        raise asyncio.CancelledError

    async with running(Job("cancelled", 0.01, cancelled)):
        await until(lambda: len(begun) >= 3)


async def test_a_job_never_runs_beside_itself() -> None:
    present, most, runs = 0, 0, 0

    async def busy() -> int:
        nonlocal present, most, runs
        present, runs = present + 1, runs + 1
        most = max(most, present)
        await asyncio.sleep(0.001)
        present -= 1
        return 1

    async with running(Job("busy", 0.01, busy)):
        await until(lambda: runs > 20)
    assert most == 1


async def test_the_worker_ends_after_the_present_runs() -> None:
    begun, ended = asyncio.Event(), []

    async def slow() -> int:
        begun.set()
        await asyncio.sleep(0.1)
        ended.append("slow")
        return 1

    stop = asyncio.Event()
    work = asyncio.create_task(worker.forever((Job("slow", 0.01, slow), Job("idle", 3600, _idle)), stop))
    await begun.wait()
    stop.set()
    await asyncio.wait_for(work, LONGEST)
    assert ended == ["slow"]


async def test_the_worker_ends_at_the_limit_of_a_run_that_hangs() -> None:
    begun = asyncio.Event()

    async def hanging() -> int:
        begun.set()
        await asyncio.Event().wait()
        return 0

    stop = asyncio.Event()
    work = asyncio.create_task(worker.forever((Job("hanging", 1, hanging, limit=0.1),), stop))
    await begun.wait()
    stop.set()
    await asyncio.wait_for(work, LONGEST)


async def _idle() -> int:
    return 0


@pytest.mark.usefixtures("clean")
async def test_a_connection_lost_inside_a_transaction_stops_nothing() -> None:
    turns: list[str] = []

    async def losing() -> int:
        async with db.transaction():
            await given.organisation(f"Body {len(turns)}")
            if not turns:
                turns.append("lost")
                await _cut_off((await one("SELECT pg_backend_pid() AS pid"))["pid"])
                await one("SELECT 1")
        turns.append("done")
        return 0

    async def other() -> int:
        await Organisation.count()
        return 0

    async with running(Job("losing", 0.05, losing), Job("other", 0.01, other)):
        await until(lambda: turns.count("done") >= 2)
    assert "Body 0" not in [row["name"] for row in await Organisation.select(Organisation.name)]
    assert not db.engine().transaction_exists()


async def _cut_off(backend: int) -> None:
    """End this server process, as somebody else who may."""
    outside = await db.connection()
    try:
        await outside.execute("SELECT pg_terminate_backend($1)", backend)
    finally:
        await outside.close()


_left: ContextVar[bool] = ContextVar("left", default=False)


async def test_what_a_run_leaves_in_its_context_is_gone_at_the_next() -> None:
    seen: list[bool] = []

    async def leaving() -> int:
        seen.append(_left.get())
        _left.set(True)
        return 0

    async with running(Job("leaving", 0.01, leaving)):
        await until(lambda: len(seen) >= 2)
    assert seen[:2] == [False, False]


def test_every_job_of_the_site_has_its_own_name_a_rhythm_and_a_limit() -> None:
    every = (*worker.JOBS, *worker.APART)
    names = [job.name for job in every]
    assert len(names) == len(set(names))
    assert {"search", "payments", "open data"} <= set(names)
    assert all(0 < job.every <= 86_400 and 0 < job.limit <= 3600 for job in every)


def test_letters_end_a_turn_by_themselves_before_the_job_is_broken_off() -> None:
    job = next(job for job in worker.JOBS if job.name == "letters")
    assert job.limit > sending.A_WHILE + sending.WITHIN + sending.GOODBYE
