"""Everything that happens without a click: the JOBS table and its loop.

No job makes anything true that the law cares about: deadlines pass by themselves (a comparison with now). Jobs only carry
what actions left behind: letters, payments, search entries. Each takes its rows with SKIP LOCKED and commits as it goes,
so a killed worker loses nothing and two workers never do the same thing twice.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

from challenges import judging
from market import clock, db, orphans
from market.accounts import actions as accounts
from market.awards import actions as awards
from market.bids import actions as bids
from market.letters import actions as letters
from market.opendata import actions as opendata
from market.opendata import files as opendata_files
from market.payments import actions as payments
from market.portal import imports as portal
from market.settings import settings
from market.standards import actions as standards
from market.standards import conformance, sanctions
from market.suppliers import actions as suppliers
from search import outbox as search
from search.saved import actions as alerts

log = logging.getLogger("prelude.worker")


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work, done again every `every` seconds; `run` answers how much it did (0 when there was nothing)."""

    name: str
    every: float
    run: Callable[[], Awaitable[int]]


JOBS: tuple[Job, ...] = (
    Job("search", 1, search.drain),
    Job("stages", 30, search.turn),
    Job("alerts", 60, alerts.tell_waiting),
    Job("open data", 5, opendata.publish),
    Job("panels", 30, judging.tell_panels),
    Job("openings", 30, bids.tell_officers),
    Job("evaluations", 30, awards.tell_panels),
    Job("letters", 2, letters.send_waiting),
    Job("payments", 2, payments.pay_waiting),
    Job("provider events", 10, payments.read_provider),
    Job("payout accounts", 600, payments.look_after_accounts),
    Job("portals", 60, portal.due),
    Job("API checks", 600, standards.recheck),
    Job("live API checks", 15, conformance.run_waiting),
    Job("access withheld", 60, sanctions.tell_withheld),
    Job("forgetting", 3600, accounts.forget_expired),
    Job("unconfirmed registrations", 3600, suppliers.forget_unconfirmed),
)

APART: tuple[Job, ...] = (Job("index", 60, search.mend), Job("open data files", 600, opendata_files.due))
"""What takes minutes: only started here, in a process of its own. `once` leaves it out; commands do the same by hand."""


async def once(jobs: tuple[Job, ...] = JOBS) -> dict[str, int]:
    """Run every job until each finds nothing more to do (at most a hundred rounds each); answers how much each did."""
    done: dict[str, int] = {}
    for job in jobs:
        for _ in range(100):
            did = await job.run()
            done[job.name] = done.get(job.name, 0) + did
            if not did:
                break
    return done


async def forever(jobs: tuple[Job, ...] = JOBS, stop: asyncio.Event | None = None) -> None:
    """Run the jobs at their rhythm until `stop` is set. A job that fails is logged and tried again at its next turn."""
    stopping = stop or asyncio.Event()
    turns = {job.name: 0.0 for job in jobs}
    while not stopping.is_set():
        began = monotonic()
        for job in jobs:
            if stopping.is_set() or monotonic() < turns[job.name]:
                continue
            try:
                did = await job.run()
            except Exception:
                log.exception("the job %s failed; it is tried again", job.name)
                did = 0
            turns[job.name] = monotonic() + (0 if did else job.every)
        pause = max(0.05, min([turn - monotonic() for turn in turns.values()] or [1.0]))
        if monotonic() - began < pause:
            try:
                await asyncio.wait_for(stopping.wait(), pause)
            except TimeoutError:
                continue


async def main() -> None:
    """The worker process: the pool, the demo clock, the loop; ends after the present job on SIGTERM or SIGINT."""
    if settings().demo:
        clock.follow(settings().var / "clock")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await db.must_answer()
    async with db.pool(4):
        watch = asyncio.create_task(orphans.end_with_parent())
        await forever((*JOBS, *APART), stop)
        watch.cancel()
    await search.index().close()
