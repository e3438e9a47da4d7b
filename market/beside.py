"""Commands of this program that a job begins in a process of their own, because they take minutes and letters must not wait."""

from __future__ import annotations

import asyncio
import sys

from market.settings import ROOT


class Beside:
    """One command with its arguments; it runs once at a time for each process that begins it."""

    def __init__(self, *arguments: str) -> None:
        self._arguments = arguments
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        """Whether the one that was begun last has not ended yet."""
        return self._process is not None and self._process.returncode is None

    async def begin(self) -> None:
        """Begin `python -m market` with the arguments, and do not wait for it."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "market", *self._arguments, cwd=ROOT, stdout=asyncio.subprocess.DEVNULL
        )
