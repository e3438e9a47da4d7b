"""Passwords: kept as argon2id, compared in the same time whether or not there is an account.

Hashing takes about a tenth of a second of one processor and 64 MiB on purpose (RFC 9106), so it runs in two threads of
its own: a flood of guesses waits in their queue and the rest of the site goes on.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()
_threads = ThreadPoolExecutor(2, thread_name_prefix="argon2")


@cache
def _nobodys() -> str:
    """A hash that no password fits in practice: what is compared when there is no account, for the same work."""
    return _hasher.hash("the password of nobody, compared so that a stranger cannot tell by the clock")


def _matches(kept: str, password: str) -> bool:
    try:
        return _hasher.verify(kept or _nobodys(), password) and bool(kept)
    except (VerificationError, InvalidHashError):
        return False


async def hashed(password: str) -> str:
    """The argon2id hash to keep; the parameters stand inside it."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _hasher.hash, password)


async def matches(kept: str, password: str) -> bool:
    """Whether the password fits what was kept. An empty `kept` (no account, or one without a password) costs the same
    and never fits."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _matches, kept, password)


def outdated(kept: str) -> bool:
    """Whether a hash was made with weaker parameters than today's and should be made anew at the next sign-in."""
    return bool(kept) and _hasher.check_needs_rehash(kept)
