"""The database when it is away, full or silent: how long one waits for it, and which failures say so.

Whoever asks then is told at once that it is our fault and when to try again, instead of waiting for ever or being told that
something is wrong with what she sent.
"""

from __future__ import annotations

from typing import Final

import asyncpg

PATIENCE: Final = 10.0
"""Seconds that whoever reads waits for a connection."""

PATIENCE_SEALING: Final = 25.0
"""Seconds that a bid waits for one: it has arrived, and its sender cannot come again after the deadline."""

LOCKS: Final = 20
"""Seconds that a statement waits for somebody else's lock, of a tender for example."""

IDLE: Final = 60
"""Seconds after which the server takes back what a transaction holds that asks nothing more."""

COMMITTING: Final = 20.0
"""Seconds that a commit may take, which waits for a second copy of the database where there is one."""

AGAIN: Final = 10
"""Seconds after which whoever was sent away should try again."""


class Away(Exception):
    """The database cannot be reached, or no connection was free in time. Nothing was written."""


class NotKnown(Exception):
    """The database fell silent while it was told to keep something: it may stand, or not."""


_SAYS_SO: Final = (
    Away,
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.LockNotAvailableError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
"""A connection that breaks, a server that begins or ends or is a copy, one without room, and a lock that is not let go."""


def is_away(error: BaseException) -> bool:
    """Whether this failure says that the database is away, and not that something is wrong with what was asked."""
    return isinstance(error, _SAYS_SO)
