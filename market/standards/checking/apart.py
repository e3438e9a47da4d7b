"""Checking apart from the server: documents of strangers are read in a process of their own, which may be killed.

The engine bounds itself; this is the second wall. The process checks one submission at a time over its pipes, has a limit on
memory, no database and no secrets in its environment, and is killed when it does not answer in time. Then the answer is
*could not check*, and the next submission gets a new process.
"""

from __future__ import annotations

import signal

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C ends this process without a word

import asyncio
import atexit
import hashlib
import resource
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import IO, Any, Final

import msgspec

from market.openapi.document import Unreadable, load
from market.openapi.limits import run_seconds
from market.openapi.ruleset import RulesetRefused
from market.proof.certificates import Outcome
from market.settings import ROOT
from market.standards.checking import reference
from market.standards.checking.changes import comparison as changes
from market.standards.checking.check import check
from market.standards.checking.outcome import Finding, Run, Waiver
from market.standards.checking.profiles import Profile, compose
from market.standards.rules import BUSY
from market.wording import _

MEMORY: Final = 3_000_000_000
"""Bytes of address space the process may take."""
PATIENCE: Final = 3.0
"""How often the engine's own limit of processor time is waited for, on a busy machine."""
WAITING: Final = 24
"""Submissions that may wait at once; more are refused rather than queued for minutes."""


class Changed(msgspec.Struct, omit_defaults=True):
    """A difference from the version before: how it touches callers, what changed in words, and its place."""

    code: str
    level: str
    words: str
    path: list[str]


class Submission(msgspec.Struct):
    """A document to be checked against a profile (its two texts); `previous` is an earlier version
    to compare it with, None without one; with `gating` what it breaks decides."""

    raw: bytes
    ruleset: str
    description: str
    at: datetime
    name: str
    waivers: list[Waiver]
    previous: bytes | None
    gating: bool
    extra: list[Finding] = []
    """Findings made elsewhere that decide with the others: those of a live check."""


class Checked(msgspec.Struct):
    """The run, what changed since the version before (with a reason where that could not be told), the reference."""

    run: Run
    changes: list[Changed]
    unchanged_because: str
    outline: reference.Outline


@lru_cache(maxsize=32)
def composed(ruleset: str, description: str) -> Profile:
    """A profile from its two texts; kept, because composing takes longer than checking."""
    return compose(ruleset, description)


def answer(submission: Submission) -> Checked:
    """What the process does with a submission; pure but for the time it takes."""
    profile = composed(submission.ruleset, submission.description)
    comparison = changes.compare_files(submission.previous, submission.raw) if submission.previous is not None else None
    extra = changes.findings(comparison, profile) if comparison is not None and submission.gating else []
    extra = [*extra, *submission.extra]
    run = check(
        submission.raw, profile, at=submission.at, name=submission.name, waivers=submission.waivers, extra=extra
    )
    try:
        shown = reference.outline(load(submission.raw).data)
    except Unreadable:
        shown = reference.Outline()
    differences = [
        Changed(each.code, each.level, each.words, [str(step) for step in each.path])
        for each in (comparison.changes if comparison is not None else ())
    ]
    return Checked(run, differences[:500], comparison.reason if comparison is not None else "", shown)


async def ask(
    raw: bytes,
    profile: Profile,
    description: str,
    *,
    at: datetime,
    name: str = "",
    waivers: Sequence[Waiver] = (),
    previous: bytes | None = None,
    gating: bool = False,
    extra: Sequence[Finding] = (),
) -> Checked:
    """Check a document apart. Refused (503) when too many wait already; never raises for what is in a document."""
    submission = Submission(
        raw=raw,
        ruleset=profile.text,
        description=description,
        at=at,
        name=name,
        waivers=list(waivers),
        previous=previous,
        gating=gating,
        extra=list(extra),
    )
    if _process.waiting >= WAITING:
        raise BUSY.refused()
    return await asyncio.to_thread(_process.ask, submission, profile)


class _Process:
    """The one process of this server, begun at the first submission and again whenever it died."""

    def __init__(self) -> None:
        self.waiting = 0
        self._turn = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None

    def ask(self, submission: Submission, profile: Profile) -> Checked:
        """Check one submission in its turn."""
        self.waiting += 1
        try:
            with self._turn:
                return self._exchange(submission, profile)
        finally:
            self.waiting -= 1

    def _exchange(self, submission: Submission, profile: Profile) -> Checked:
        size = len(submission.raw) + len(submission.previous or b"")
        limit = PATIENCE * run_seconds(size) + 10
        child = self._running()
        timer = threading.Timer(limit, child.kill)
        timer.start()
        try:
            assert child.stdin is not None
            assert child.stdout is not None
            _send(child.stdin, msgspec.msgpack.encode(submission))
            return msgspec.msgpack.decode(_receive(child.stdout), type=Checked)
        except (OSError, EOFError, msgspec.DecodeError):
            late = not timer.is_alive()
            self.close()
            reason = (
                _("The check took too long and was stopped.") if late else _("The check broke off; the fault is ours.")
            )
            return Checked(_nothing(submission, profile, reason), [], reason, reference.Outline())
        finally:
            timer.cancel()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._child is None or self._child.poll() is not None:
            self.close()
            self._child = subprocess.Popen(
                [sys.executable, "-m", "market.standards.checking.apart"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=ROOT,
                env={"PATH": "/usr/bin:/bin"},
            )
        return self._child

    def close(self) -> None:
        """End the process and let go of its pipes."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    continue


_process = _Process()
atexit.register(_process.close)


def _nothing(submission: Submission, profile: Profile, reason: str) -> Run:
    return Run(
        document="sha256:" + hashlib.sha256(submission.raw).hexdigest(),
        profile=profile.name,
        profile_version=profile.version,
        profile_digest=profile.digest,
        outcome=Outcome.COULD_NOT_CHECK,
        findings=[],
        started_at=submission.at,
        finished_at=submission.at,
        name=submission.name,
        reason=reason,
    )


def _send(pipe: IO[bytes], data: bytes) -> None:
    pipe.write(struct.pack(">I", len(data)) + data)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes:
    head = pipe.read(4)
    if len(head) < 4:
        raise EOFError
    size: int = struct.unpack(">I", head)[0]
    data = pipe.read(size)
    if len(data) < size:
        raise EOFError
    return data


def serve() -> int:
    """The process: check what comes by standard input until it ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    incoming: Any = sys.stdin.buffer
    outgoing: Any = sys.stdout.buffer
    while True:
        try:
            submission = msgspec.msgpack.decode(_receive(incoming), type=Submission)
        except EOFError:
            return 0
        try:
            checked = answer(submission)
        except (MemoryError, RecursionError, RulesetRefused):
            # Too much for this process: it ends, and the server says that nothing could be checked.
            return 1
        _send(outgoing, msgspec.msgpack.encode(checked))


if __name__ == "__main__":
    sys.exit(serve())
