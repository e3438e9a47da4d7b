"""When the last byte of a connection reached this machine, as the kernel wrote it down.

A busy process reads late what came in time: with hundreds of requests at once, tens of milliseconds, more on a busy machine. Linux keeps
for each connection when data last came in (`tcpi_last_data_recv` of `tcp_info(7)`, counted in ticks), so the moment does not depend
on how busy we are. A body whose last part came out of order is complete when the missing part came, and that is the moment
that is kept. Where the kernel does not say (another system, a socket that is none of TCP), the moment of reading counts.
"""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, Final

LINUX: Final = sys.platform == "linux"
COARSE: Final = 6
"""`CLOCK_MONOTONIC_COARSE` of `clock_gettime(2)`: where the clock that nobody sets stood at the last tick."""

TICK: Final = time.clock_getres(COARSE) if LINUX else 0.0
"""Seconds between two ticks, within which it is not known when something came: 0.001 to 0.01. Who sent has the benefit."""

BREATH: Final = 0.001
"""Seconds in which the kernel is asked and the clock is read."""

TRIES: Final = 8

MOST: Final = 20.0
"""Seconds: nothing waits longer to be read, so more than that is no answer."""

_LAST_DATA: Final = struct.Struct("=I")
_AT: Final = 8 + 11 * 4
"""Where `tcpi_last_data_recv`, in milliseconds, stands in `struct tcp_info`: the same since Linux 2.6."""

Peer = tuple[str, int]

_descriptors: dict[Peer, int] = {}
"""The connections of this process by the address and port of the other end, as far as they were looked up."""


def came(scope: Mapping[str, Any], now: Callable[[], datetime]) -> datetime:
    """When the last byte of what this request's sender sent came in, by the clock that is given. The kernel is asked and the clock is
    read in one breath: when the processor was taken from us in between, both once more."""
    breaths = []
    for _ in range(TRIES):
        begun = time.monotonic()
        moment = now() - timedelta(seconds=before_now(scope))
        breaths.append((time.monotonic() - begun, moment))
        if breaths[-1][0] < BREATH:
            break
    return min(breaths)[1]


def before_now(scope: Mapping[str, Any]) -> float:
    """How many seconds ago the last byte of what this request's sender sent came in, in doubt the longer; 0 when it is not known."""
    client = scope.get("client")
    if not LINUX or not client:
        return 0.0
    peer = (str(client[0]), int(client[1]))
    since = _silent(_descriptors.get(peer), peer)
    if since is None:
        _look_up()
        since = _silent(_descriptors.get(peer), peer)
    return since if since is not None and 0 < since < MOST else 0.0


def _silent(descriptor: int | None, peer: Peer) -> float | None:
    """Seconds from the beginning of the tick in which data last came until now; None when this is not the peer's connection."""
    if descriptor is None:
        return None
    try:
        with _lent(descriptor) as lent:
            told = lent.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _AT + 4)
            tick, now = time.clock_gettime(COARSE), time.monotonic()
            # Asked last: were the descriptor another connection's by now, it would not be this peer's.
            if _named(lent.getpeername()) != peer or len(told) < _AT + 4:
                return None
    except OSError:
        return None
    return now - tick + float(_LAST_DATA.unpack_from(told, _AT)[0]) / 1000


def _look_up() -> None:
    """Find every connection of this process anew."""
    _descriptors.clear()
    for name in os.listdir("/proc/self/fd"):
        # What is no socket, or not connected, has no other end.
        with suppress(OSError), _lent(int(name)) as lent:
            named = lent.getpeername()
            if isinstance(named, tuple):
                _descriptors[_named(named)] = int(name)


@contextmanager
def _lent(descriptor: int) -> Iterator[socket.socket]:
    """The socket, which stays its owner's to close."""
    lent = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 0, fileno=descriptor)
    try:
        yield lent
    finally:
        lent.detach()


def _named(peer: Any) -> Peer:
    """An address of IPv4 is the same whether it came over a socket of IPv6 or not."""
    return str(peer[0]).removeprefix("::ffff:"), int(peer[1])
