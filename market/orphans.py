"""What `serve` started ends with it, even when it was killed without a word.

A server process whose parent died would go on answering on the same port (the socket may be shared), beside the one that is
started in its place and perhaps with older code. So every child looks, once a second, whether its parent is still there.
"""

from __future__ import annotations

import asyncio
import os
import signal

PARENT = "PRELUDE_PARENT"
"""The variable in which `serve` tells its children its process id; without it nobody is watched."""


def adopt() -> None:
    """From now on the children of this process end when it does."""
    os.environ[PARENT] = str(os.getpid())


async def end_with_parent() -> None:
    """Wait until the parent is gone, then end this process: first as asked to, and after five seconds in any case."""
    parent = os.environ.get(PARENT)
    if parent is None:
        return
    while os.getppid() == int(parent):  # noqa: ASYNC110 - nobody tells a process that its parent died
        await asyncio.sleep(1)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.sleep(5)
    os._exit(1)
