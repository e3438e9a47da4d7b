"""The job that makes live checks: calls the sandbox from a process of its own, then records what it found as runs.

The calls are made outside any transaction, by a process that has no database, no secrets but the sandbox's own credential,
a limit on memory, and an end: it is killed when it does not finish.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
from datetime import timedelta

import msgspec

from market import clock
from market.db import find, maybe, transaction
from market.proof.certificates import Outcome
from market.reads import rows
from market.settings import ROOT, settings
from market.standards.checking import apart
from market.standards.checking.outcome import Run
from market.standards.components import actions, fetching
from market.standards.exemptions import actions as exemptions
from market.standards.profiles import actions as publishing
from market.standards.sandboxes import actions as sandboxes
from market.standards.sandboxes import live
from market.standards.tables import LiveCheck, Lodgement, PublishedProfile, Service
from market.wording import _

REQUESTS = 200
SECONDS = 120.0
"""One live check: so many requests and seconds, at most."""
PACE = 0.25
"""Seconds between two requests to somebody's machine."""
AGAIN = timedelta(minutes=10)
"""A check that was begun and never finished, because the worker died, is begun again after this long."""


async def run_waiting() -> int:
    """The job: make one live check that waits; answers how many were made."""
    row = await _begin()
    if row is None:
        return 0
    service = await find(Service, Service.id == row.service)
    lodged = await find(Lodgement, Lodgement.id == row.lodgement)
    stopped, requests = "", 0
    for label in service.profiles:
        profile = await publishing.named(label)
        if profile is None or not publishing.composed_of(profile).of_kind("live"):
            continue
        report = await _try(service, lodged, profile)
        stopped = stopped or report.stopped
        requests += len(report.evidence.get("requests", ()))
        await actions.settle_live(service, lodged, profile, await _run(service, lodged, profile, report))
    row.finished_at, row.stopped, row.requests = clock.now(), stopped, requests
    await row.save([LiveCheck.finished_at, LiveCheck.stopped, LiveCheck.requests])
    return 1


async def _begin() -> LiveCheck | None:
    now = clock.now()
    async with transaction():
        waiting = await rows(
            int,
            """
            SELECT id FROM live_check WHERE finished_at IS NULL AND (began_at IS NULL OR began_at < {}) ORDER BY id LIMIT 1
            FOR UPDATE SKIP LOCKED
            """,
            now - AGAIN,
        )
        row = await maybe(LiveCheck, LiveCheck.id == waiting[0]) if waiting else None
        if row is not None:
            row.began_at = now
            await row.save([LiveCheck.began_at])
    return row


async def _try(service: Service, lodged: Lodgement, profile: PublishedProfile) -> live.Report:
    """Call the sandbox; the reason when it cannot be."""
    sandbox = await sandboxes.of_service(service)
    if sandbox is None:
        return live.Report([], {}, _("The sandbox was taken away."))
    trial = live.Trial(
        document=bytes(lodged.document),
        sandbox=sandbox.address,
        token=sandbox.token,
        ruleset=profile.ruleset,
        description=profile.description,
        writable=bool(sandbox.writable),
        credentials=sandboxes.credentials(sandbox, service),
        loopback=settings().loopback,
        own_hosts=sorted(fetching.guard().own_hosts),
        requests=REQUESTS,
        seconds=SECONDS,
        pace=0.0 if settings().loopback else PACE,
    )
    return await asyncio.to_thread(_apart, trial)


def _apart(trial: live.Trial) -> live.Report:
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "market.standards.sandboxes.live"],
                input=msgspec.msgpack.encode(trial),
                capture_output=True,
                timeout=trial.seconds + 60,
                cwd=folder,
                env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HYPOTHESIS_STORAGE_DIRECTORY": folder},
                check=False,
            )
            return msgspec.msgpack.decode(done.stdout, type=live.Report)
        except subprocess.TimeoutExpired:
            return live.Report([], {}, _("The live check took too long and was stopped."))
        except msgspec.DecodeError:
            return live.Report([], {}, _("The live check broke off; the fault is ours."))


async def _run(service: Service, lodged: Lodgement, profile: PublishedProfile, report: live.Report) -> Run:
    """The record of a live check: the description checked once more, with what the sandbox did."""
    now = clock.now()
    checked = await apart.ask(
        bytes(lodged.document),
        publishing.composed_of(profile),
        profile.description,
        at=now,
        name=str(lodged.name),
        waivers=await exemptions.waivers_of(service, publishing.label(profile), now),
        extra=report.findings,
    )
    run = msgspec.structs.replace(checked.run, live=report.evidence)
    if report.stopped and run.outcome is not Outcome.FAIL:
        run = msgspec.structs.replace(run, outcome=Outcome.COULD_NOT_CHECK, reason=report.stopped)
    return run
