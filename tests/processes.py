"""`python -m market …` in processes of its own, in the environment of somebody who has just come."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import sys
from pathlib import Path

from market.settings import ROOT

MARKET = (sys.executable, "-m", "market")


def free_port() -> int:
    """A port of loopback that nobody listens at. It lies below those that the system gives to whoever asks for any (32768 and more),
    so that nobody gets it before the process that it is for has begun."""
    while True:
        port = random.randrange(10_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def newcomer(var: Path, **more: str) -> dict[str, str]:
    """A newcomer's environment: nothing of the tests' own."""
    mine = ("PRELUDE_", "DATABASE_URL", "SITE_URL", "MEILISEARCH", "STRIPE", "SMTP")
    return {name: value for name, value in os.environ.items() if not name.startswith(mine)} | {
        "PRELUDE_VAR": str(var),
        **more,
    }


def run(*command: str, var: Path, **more: str) -> subprocess.CompletedProcess[str]:
    """One command, to its end."""
    return subprocess.run(
        [*MARKET, *command], cwd=ROOT, env=newcomer(var, **more), capture_output=True, text=True, check=False
    )


def begin(*command: str, var: Path, program: tuple[str, ...] = MARKET) -> subprocess.Popen[str]:
    """One command that goes on: all it says on one pipe, and a group of its own, so that `os.killpg` reaches what it starts."""
    return subprocess.Popen(
        [*program, *command],
        cwd=ROOT,
        env=newcomer(var),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
