"""The heartbeat: a file outside the database in which every process writes, every few seconds, that it lives and whether the
database answered it.

It lies under `var/heartbeat/` of each server, one file a day (UTC); files older than a month are removed. A line is written
with one call and brought to the disk before the next (fsync), so that a server whose power fails loses one beat, which is true:
it was about to be away. A line has six words:

    2026-11-30T11:59:55.123456+00:00 2026-11-30T11:59:55.123456+00:00 server web 4711 yes

the moment by the clock of the service, the moment by the machine's (they differ in a demonstration, whose clock is moved: a
clock that jumps is no outage), the server, the kind of process, its number, and whether the database answered in time.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from market import clock
from market.settings import settings

log = logging.getLogger("prelude.heartbeat")

EVERY: Final = 5.0
"""Seconds between two beats of a process."""

BOUND: Final = 3.0
"""Seconds in which the database has to answer; what takes longer is written down as no answer."""

BREAK: Final = timedelta(seconds=30)
"""Two answered beats of a server farther apart than this are two stretches, with time between them in which it was away."""

KEPT: Final = timedelta(days=31)
CHUNK: Final = 64 * 1024


class Beat(msgspec.Struct, frozen=True):
    """One line of the file, with the line itself."""

    moment: datetime
    machine: datetime
    server: str
    process: str
    number: int
    answered: bool

    @property
    def serves(self) -> bool:
        """Whether the service was there for people at this moment: a process that answers them had the database."""
        return self.answered and self.process == "web"

    def line(self) -> bytes:
        """The line that is written for it, with its end."""
        says = "yes" if self.answered else "no"
        words = (self.moment.isoformat(), self.machine.isoformat(), self.server, self.process, str(self.number), says)
        return " ".join(words).encode() + b"\n"


class Stretch(msgspec.Struct):
    """Time in which one server answered without a break, and the digest of the lines that say so. `gap_digest` and `gap_beats`
    are of the lines between the stretch before and the first beat of this one, that one included: the source of an outage."""

    server: str
    since: datetime
    until: datetime
    machine_until: datetime
    beats: int
    digest: str
    gap_digest: str
    gap_beats: int


def read(line: bytes) -> Beat | None:
    """What a line says; None for one that was cut off or is not ours."""
    words = line.decode("utf-8", "replace").split()
    if not line.endswith(b"\n") or len(words) != 6 or words[5] not in ("yes", "no"):
        return None
    try:
        moment, machine = datetime.fromisoformat(words[0]), datetime.fromisoformat(words[1])
        beat = Beat(moment, machine, words[2], words[3], int(words[4]), words[5] == "yes")
    except ValueError:
        return None
    return beat if moment.tzinfo and machine.tzinfo else None


def folder() -> Path:
    """Where the files of this server lie."""
    return settings().var / "heartbeat"


def server() -> str:
    """The name of this machine, without spaces."""
    return "-".join(socket.gethostname().split()) or "server"


def write(beat: Beat, into: Path) -> None:
    """Put the beat at the end of its day's file and bring it to the disk; a new day removes what is too old."""
    into.mkdir(parents=True, exist_ok=True)
    file = into / f"{beat.machine.astimezone(UTC):%Y-%m-%d}.beats"
    fresh = not file.exists()
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        os.write(handle, beat.line())
        os.fsync(handle)
    finally:
        os.close(handle)
    if fresh:
        oldest = f"{beat.machine.astimezone(UTC) - KEPT:%Y-%m-%d}.beats"
        for each in into.glob("????-??-??.beats"):
            if each.name < oldest:
                each.unlink(missing_ok=True)


async def beating(process: str, asks: Callable[[], Awaitable[object]]) -> None:
    """Write a beat every few seconds for as long as this process lives; `asks` puts a question to the database. Whatever goes
    wrong with the file is logged, and stops nobody."""
    while True:
        try:
            async with asyncio.timeout(BOUND):
                await asks()
            answered = True
        except Exception:
            answered = False
        beat = Beat(clock.now(), clock.machine(), server(), process, os.getpid(), answered)
        try:
            await asyncio.to_thread(write, beat, folder())
        except OSError:
            log.exception("the heartbeat could not be written to %s", folder())
        await asyncio.sleep(EVERY)


def lines(since: datetime | None, of: Path) -> Iterator[bytes]:
    """The lines written after `since` by the machine's clock, oldest first, and a few from before; all of them without it."""
    for file in sorted(of.glob("????-??-??.beats")):
        if since is None or file.name >= f"{since.astimezone(UTC):%Y-%m-%d}.beats":
            with file.open("rb") as opened:
                if since is not None:
                    _go_near(opened, since)
                yield from opened


def _go_near(file: BinaryIO, since: datetime) -> None:
    """Stand at the beginning of a line that is not after `since`, seeking from the end: what is new is little."""
    at = file.seek(0, os.SEEK_END)
    while at > 0:
        at = max(0, at - CHUNK)
        file.seek(at)
        if at:
            file.readline()
        here = file.tell()
        beat = read(file.readline())
        if beat is not None and beat.machine <= since:
            file.seek(here)
            return
    file.seek(0)


def stretches(last: Stretch | None, written: Iterable[bytes]) -> list[Stretch]:
    """The stretches that these lines of one server make, beginning with `last` (its own object is not changed): pure.

    Lines up to the end of `last` by the machine's clock are passed: nobody adds to what was measured. What follows the last
    answered beat of a process that serves people waits for the next one.
    """
    made = [msgspec.structs.replace(last)] if last else []
    waiting: list[bytes] = []
    for line in written:
        beat = read(line)
        if beat is None or (made and beat.machine <= made[-1].machine_until):
            continue
        waiting.append(line)
        if not beat.serves:
            continue
        joined = b"".join(waiting)
        if made and beat.machine - made[-1].machine_until <= BREAK:
            here = made[-1]
            here.until, here.machine_until = max(here.until, beat.moment), beat.machine
            here.beats += 1
            here.digest = hashlib.sha256(here.digest.encode() + joined).hexdigest()
        else:
            digest = hashlib.sha256(joined).hexdigest()
            made.append(
                Stretch(
                    server=beat.server,
                    since=beat.moment,
                    until=beat.moment,
                    machine_until=beat.machine,
                    beats=1,
                    digest=digest,
                    gap_digest=digest,
                    gap_beats=len(waiting) - 1,
                )
            )
        waiting = []
    return made
