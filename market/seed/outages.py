"""The outage of the story: what the heartbeat of its server says, and the deadline that moves by it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from challenges import outage as challenge_outage
from market import clock
from market.outages import actions, heartbeat
from market.outages.heartbeat import Beat

SERVER = "the-story"


def _folder() -> Path:
    return heartbeat.folder() / SERVER


def _beat(moment: datetime, machine: datetime) -> None:
    heartbeat.write(Beat(moment, machine, SERVER, "web", 1, True), _folder())


async def away(since: datetime, until: datetime, challenge: str, now: datetime) -> None:
    """The server did not answer between these moments, and the deadline of this challenge moves; that it does not is an error.
    From the outage's end until now, when the story is told, it answered, and that is known at once: a site that
    runs beside the story says of itself only that it is there now, and all the time before would be another outage."""
    _beat(since, since)
    _beat(until, until)
    _beat(now, until + timedelta(seconds=heartbeat.EVERY))
    await actions.gather(SERVER, _folder())
    if not await challenge_outage.settle(challenge):
        raise RuntimeError(f"the outage did not move the deadline of {challenge}")


async def present(until: datetime) -> None:
    """It still answered when the story had been told: its clock was moved, as the story moves it."""
    _beat(clock.now(), until + timedelta(seconds=2 * heartbeat.EVERY))
    await actions.gather(SERVER, _folder())
