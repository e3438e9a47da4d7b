"""Whether a port is free, asked before anything else is done.

A server may share its port with another that allows it (SO_REUSEPORT, which workers of one site need), and the system then
deals requests to both in turn: two sites would answer as one. So the port is first bound plainly, which fails when anybody
listens there. `localhost` is looked at in both of its addresses, since browsers try them in turn.
"""

from __future__ import annotations

import errno
import socket

LOOPBACK = ("127.0.0.1", "::1")


def taken(port: int, hosts: tuple[str, ...] = LOOPBACK) -> bool:
    """Whether somebody listens at this port. Raises `PermissionError` where this user may not (below 1024, mostly)."""
    for host in hosts:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as tried:
            tried.setsockopt(
                socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
            )  # connections that are only fading away do not count
            try:
                tried.bind((host, port))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    return True
                if isinstance(error, PermissionError):
                    raise
                # A machine without IPv6 has no ::1 and nobody can listen there.
    return False


def refusal(port: int, again: str, hosts: tuple[str, ...] = LOOPBACK) -> str:
    """Why the port cannot be served at and what to do, in one sentence; empty when it can. `again` is what to type with
    another port, such as `make demo PORT={}`."""
    if not 1 <= port <= 65_535:
        return f"Port {port} does not exist: ports are numbers from 1 to 65535; try `{again.format(8000)}`"
    try:
        if not taken(port, hosts):
            return ""
    except PermissionError:
        return f"Port {port} is for the system's own services; try `{again.format(8000)}`"
    free = next(each for each in (*range(port + 1, 65_536), 8000) if each > 1023 and not taken(each, hosts))
    return f"Port {port} is in use; try `{again.format(free)}`"
