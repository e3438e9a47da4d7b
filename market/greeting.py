"""Says where the site is once its page answers, and not before. Run by its path, beside the server, with the port and the lines.

It ends by itself: after it has spoken, when the server is gone, or after five minutes.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence

PATIENCE = 300
"""Seconds until it gives up on a server that is there and does not answer."""


def beside(address: str, lines: Sequence[str]) -> subprocess.Popen[bytes]:
    """Begin to wait for the page at `address`, in a process of its own, to print `lines` then."""
    return subprocess.Popen([sys.executable, "-I", __file__, address, *lines], stdin=subprocess.DEVNULL)


def answers(address: str) -> bool:
    """Whether the page is there."""
    asked = urllib.request.build_opener(
        urllib.request.ProxyHandler({})
    )  # a proxy of the environment is for other sites
    try:
        with asked.open(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def greet(address: str, lines: Sequence[str]) -> int:
    """Wait, then print."""
    parent, deadline = os.getppid(), time.monotonic() + PATIENCE
    while not answers(address):
        if os.getppid() != parent or time.monotonic() > deadline:
            return 1
        time.sleep(0.1)
    print("\n".join(lines), flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(greet(sys.argv[1], sys.argv[2:]))
    except KeyboardInterrupt:
        sys.exit(130)
