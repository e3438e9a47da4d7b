"""Everything that happens without a click: the JOBS table and the tasks that run them.

No job makes anything true that the law cares about: deadlines pass by themselves (a comparison with now), and one that an
outage moves is moved by whoever would open something, if this job did not come first. Jobs only carry
what actions left behind: letters, payments, search entries. Each takes its rows with SKIP LOCKED and commits as it goes,
so a killed worker loses nothing and two workers never do the same thing twice.

Jobs run beside each other, each in a task of its own and never twice at once in one process. A run has a time limit, and a
context of its own: one that hangs, fails or loses its connection delays itself and nobody else.
"""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial

from challenges import actions as challenges
from challenges import outage as challenge_outage
from challenges.judging import actions as judging
from market import clock, db, migrations, orphans
from market.accounts import actions as accounts
from market.audit import checkpoints
from market.awards import actions as awards
from market.awards import standstills
from market.bids import actions as bids
from market.bids import confirmations
from market.contracts.changes import actions as contract_changes
from market.letters import sending
from market.opendata import actions as opendata
from market.opendata import files as opendata_files
from market.outages import actions as outages
from market.outages import heartbeat
from market.payments import actions as payments
from market.portal import imports as portal
from market.postroom import bounces
from market.questions import actions as questions
from market.rulings import actions as rulings
from market.rulings.texts import must_be_registered
from market.settings import settings
from market.standards.components import actions as standards
from market.standards.components import conformance
from market.standards.sanctions import actions as sanctions
from market.suppliers import actions as suppliers
from market.tenders import actions as tenders
from market.tenders import outage as tender_outage
from market.waivers.reviews import actions as reviews
from market.web import once as sent_once
from search import outbox as search
from search.saved import actions as alerts

log = logging.getLogger("prelude.worker")


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work, done again every `every` seconds; `run` answers how much it did (0 when there was nothing). A run
    that takes longer than `limit` seconds is broken off and begun anew at the next turn: what it committed stays."""

    name: str
    every: float
    run: Callable[[], Awaitable[int]]
    limit: float = 120


CLOSING = {
    "challenge": (challenge_outage.RUNNING, challenge_outage.settle),
    "tender": (tender_outage.RUNNING, tender_outage.settle),
}
"""Whatever closes at a deadline that an outage moves."""

JOBS: tuple[Job, ...] = (
    Job("outages", 10, partial(outages.settle, CLOSING)),
    Job("search", 1, search.drain),
    Job("stages", 30, search.turn),
    Job("alerts", 60, alerts.tell_waiting),
    Job("open data", 5, opendata.publish),
    Job("panels", 30, judging.tell_panels),
    Job("openings", 30, bids.tell_officers),
    Job("evaluations", 30, awards.tell_panels),
    Job("questions", 60, partial(questions.tell_waiting, {"challenge": challenges.hold, "tender": tenders.hold})),
    Job("letters", 2, sending.send_waiting),
    Job("letters that came back", 10, bounces.tell_waiting),
    Job("payments", 2, payments.pay_waiting),
    Job("provider events", 10, payments.read_provider),
    Job("payout accounts", 600, payments.look_after_accounts),
    Job("portals", 60, portal.due, limit=900),
    Job("API checks", 600, standards.recheck, limit=900),
    Job("live API checks", 15, conformance.run_waiting, limit=900),
    Job("standstills", 600, standstills.move_waiting),
    Job("standstills of changes", 60, contract_changes.tell_standstills),
    Job("unconfirmed bids", 30, confirmations.tell_unconfirmed),
    Job("reviews of waivers", 60, reviews.tell_waiting),
    Job("access withheld", 60, sanctions.tell_withheld),
    Job("rulings in force", 30, rulings.tell_in_force),
    Job("forgetting", 3600, accounts.forget_expired),
    Job("what was sent", 3600, sent_once.forget),
    Job("unconfirmed registrations", 3600, suppliers.forget_unconfirmed),
    Job("checkpoints of the log", 1, checkpoints.grow),
)

APART: tuple[Job, ...] = (Job("index", 60, search.mend), Job("open data files", 600, opendata_files.due))
"""What takes minutes: only started here, in a process of its own. `once` leaves it out; commands do the same by hand."""

CONNECTIONS = len(JOBS) + len(APART) + sending.AT_ONCE + 1
"""Every job may hold one in a transaction, hanging or not, and the letters being sent mark theirs without waiting for them.
Connections are opened when they are needed and closed when they idle."""

THREADS = 2 * (len(JOBS) + len(APART))
"""Those in which calls wait that block: a broken-off run leaves its thread behind until the call ends."""


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
    """Run the jobs beside each other, each at its rhythm, until `stop` is set; then end when the present runs have ended, or
    their limits. A job that fails is logged and tried again at its next turn."""
    stopping, clean = stop or asyncio.Event(), copy_context()
    async with asyncio.TaskGroup() as tasks:
        for job in jobs:
            tasks.create_task(_turns(job, stopping, clean))


async def _turns(job: Job, stopping: asyncio.Event, clean: Context) -> None:
    while not stopping.is_set():
        # In a context of its own nothing of an earlier run is left, above all no transaction whose connection is gone.
        run = asyncio.create_task(_within_limit(job), context=clean.copy())
        try:
            await asyncio.wait([run])
        finally:
            run.cancel()
        if run.cancelled() or not run.result():
            with suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), job.every)


async def _within_limit(job: Job) -> int:
    try:
        async with asyncio.timeout(job.limit) as clock_of_run:
            return await job.run()
    except Exception:
        if clock_of_run.expired():
            log.exception("the job %s was broken off after %g seconds; it is tried again", job.name, job.limit)
        else:
            log.exception("the job %s failed; it is tried again", job.name)
    return 0


async def main() -> None:
    """The worker process: the pool, the demo clock, the tasks; ends after the present runs on SIGTERM or SIGINT."""
    if settings().demo:
        clock.follow(settings().var / "clock")
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(THREADS, "job"))
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    await migrations.must_be_applied()
    await must_be_registered()
    async with db.pool(CONNECTIONS):
        watch = asyncio.create_task(orphans.end_with_parent())
        beats = asyncio.create_task(heartbeat.beating("worker", outages.answers))
        await forever((*JOBS, *APART), stop)
        beats.cancel()
        watch.cancel()
    await search.index().close()
