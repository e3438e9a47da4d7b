"""The PostgreSQL that comes along: its address for whoever asks. It starts for the first and stops after the last.

Each process that uses it holds a shared lock on `postgres.users`; the system takes the lock back even from a process that was
killed. The keeper (`market/keeper.py`), a process of its own and the server's parent, ends the server once it can have that
lock for itself, so nothing stays behind whatever happens to the others; and when the keeper is killed, the system tells the server.
Whoever leaves last waits until the server has stopped.
"""

from __future__ import annotations

import atexit
import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO
from urllib.parse import quote

from market import keeper
from market.keeper import CannotStart, lock_file, try_alone

STARTING = 120
"""Seconds that a server may take to start; one that was killed repeats what it had not written yet."""
TURN = 0.02
"""Seconds between two looks while something starts or stops."""


class InUse(Exception):
    """Somebody else uses the server."""


@dataclass
class _Stay:
    """The use that this process makes of one folder: its id (a fork is somebody else), its lock, the keepers it began."""

    process: int
    lock: IO[str]
    keepers: list[subprocess.Popen[bytes]] = field(default_factory=list)


_stays: dict[Path, _Stay] = {}


def address(folder: Path, options: Sequence[str] = ()) -> str:
    """The address of the server whose data lies in `folder`/postgres, which is made and started when needed, with `options`
    such as `fsync=off`. It stays up until this process ends or calls :func:`leave`.

    Raises :class:`~market.keeper.CannotStart` with words for people."""
    folder = folder.resolve()
    stay = _stays.get(folder)
    if stay is None or stay.process != os.getpid():
        stay = _enter(folder)
    deadline = time.monotonic() + STARTING
    while time.monotonic() < deadline:
        if not _kept(folder):
            stay.keepers.append(_begin(folder, options))
        elif (where := _told(folder)[1]) and _answers(where):
            return f"postgresql://postgres@/postgres?host={quote(where, safe='/')}"
        time.sleep(TURN)
    raise CannotStart(f"PostgreSQL did not start within {STARTING} seconds; {folder / 'postgres.log'} says why.")


def leave(folder: Path) -> None:
    """This process no longer uses the server; the last one to leave sees it stopped. Nothing happens for one that is not in."""
    folder = folder.resolve()
    stay = _stays.get(folder)
    if stay is None or stay.process != os.getpid():
        return
    del _stays[folder]
    with stay.lock as lock:
        if try_alone(lock):
            _stop(folder)
            for each in stay.keepers:
                each.wait()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """While inside, nobody uses the server of this folder: it is stopped. Raises :class:`InUse` when somebody does."""
    folder = folder.resolve()
    with _users(folder) as lock:
        for _ in range(100):  # a keeper that is just stopping has it for a moment
            if try_alone(lock):
                break
            time.sleep(TURN)
        else:
            raise InUse
        _stop(folder)
        yield


def _enter(folder: Path) -> _Stay:
    lock = _users(folder)
    fcntl.flock(lock, fcntl.LOCK_SH)
    if folder not in _stays:
        atexit.register(leave, folder)
    stay = _stays[folder] = _Stay(os.getpid(), lock)
    return stay


def _users(folder: Path) -> IO[str]:
    """The file that is locked by who uses the server."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return lock_file(folder / "postgres.users")
    except PermissionError:
        raise CannotStart(keeper.not_ours(folder)) from None


def _kept(folder: Path) -> bool:
    """Whether a keeper is there: it holds this lock as long as it lives."""
    with lock_file(folder / "postgres.keeper") as lock:
        return not try_alone(lock)


def _told(folder: Path) -> list[str]:
    """What the keeper wrote once its server was ready: its process id and the folder of the socket; until then, nothing."""
    with lock_file(folder / "postgres.keeper") as told:
        told.seek(0)
        return [*told.read().split("\n"), "", ""]


def _answers(where: str) -> bool:
    """Whether a server listens there: a keeper that was killed leaves its words behind."""
    with socket.socket(socket.AF_UNIX) as tried:
        try:
            tried.connect(f"{where}/.s.PGSQL.5432")
        except OSError:
            return False
    return True


def _begin(folder: Path, options: Sequence[str]) -> subprocess.Popen[bytes]:
    """Start a keeper and wait until its server is ready, or until it says what is in the way."""
    begun = subprocess.Popen(
        [sys.executable, "-I", keeper.__file__, str(folder), *options],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,  # Ctrl+C is for the users: what they still have to write needs the server
    )
    assert begun.stdout is not None
    with begun.stdout as said:
        words = said.read().decode(errors="replace").strip()
    if words != keeper.READY:
        begun.wait()
        raise CannotStart(words or f"The keeper of PostgreSQL ended without a word ({begun.returncode}).")
    return begun


def _stop(folder: Path) -> None:
    """End the keeper, and so the server; the caller holds the lock of those who use it."""
    while _kept(folder):
        if told := _told(folder)[0]:
            with suppress(ProcessLookupError):
                os.kill(int(told), signal.SIGTERM)
        time.sleep(TURN)
