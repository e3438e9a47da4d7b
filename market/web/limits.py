"""Allowances: how often something may be tried.

Guessing and letters are counted in the database, so that all processes share one count (:func:`spend`). Reading what is
public costs nobody a secret, only the machine's time: that is counted in each process by itself, without writing anything
(:func:`not_flooding`, the application's second guard).
"""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers.base import BaseRouteHandler

from market import clock
from market.db import many, one
from market.refusals import Refused
from market.rules import TOO_MANY_TRIES
from market.settings import settings
from market.wording import _n

KEPT = 20_000
"""Addresses a process remembers; the one that asked longest ago is forgotten first."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `burst` tries at once, refilled evenly over `seconds`."""

    name: str
    burst: int
    seconds: int


async def spend(limit: Limit, who: str) -> None:
    """Take one try of `who` from the allowance, atomically; refused (429, with when to try again) when none is left."""
    now = clock.now()
    key = f"{limit.name}:{who}"[:200]
    row = await one(
        "INSERT INTO allowance AS a (key, tries, at) VALUES ({}, {}, {}) ON CONFLICT (key) DO UPDATE SET tries = "
        "GREATEST(-1, LEAST({}::real, a.tries + {}::real * GREATEST(0, EXTRACT(EPOCH FROM (EXCLUDED.at - a.at)))::real) - 1), "
        "at = EXCLUDED.at RETURNING tries",
        key,
        float(limit.burst - 1),
        now,
        float(limit.burst),
        limit.burst / limit.seconds,
    )
    if row["tries"] < 0:
        raise _too_many(max(1, round(limit.seconds / limit.burst)))


async def forget_full() -> int:
    """Delete the allowances nobody has used for a day: they are full again by now. Answers how many."""
    before = clock.now() - timedelta(days=1)
    return len(await many("DELETE FROM allowance WHERE at < {} RETURNING key", before))


def client_of(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """The network address of the asker, for limits.

    Behind a proxy that `PRELUDE_PROXIES` names it is the last address of `X-Forwarded-For` that is none of those proxies:
    what stands before it may have been made up by the asker. Of an IPv6 address the first 64 bits count, because a whole
    such network is given to one household (RFC 6177).
    """
    address = connection.client.host if connection.client else ""
    trusted = settings().proxies
    if _within(address, trusted):
        for each in reversed(connection.headers.get("x-forwarded-for", "").split(",")):
            if not each.strip():
                continue
            address = each.strip()
            if not _within(address, trusted):
                break
    return _household(address)


@lru_cache(KEPT)
def _household(address: str) -> str:
    """The address that is counted: an IPv4 address, the network of an IPv6 address, “unknown” when it is neither."""
    try:
        number = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(number, ipaddress.IPv6Address):
        mapped = number.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((number, 64), strict=False))
    return str(number)


# ── reading what is public ─────────────────────────────────────────────────────────────────────────────────────────

COSTLY = {
    "/search": Limit("search", 60, 60),
    "/api/v1/search": Limit("search", 60, 60),
    "/log/events.jsonl": Limit("whole-log", 6, 60),
    "/api/ocds": Limit("open-data", 120, 60),
    "/open-data/": Limit("open-data", 120, 60),
    "/api/v1/log": Limit("log", 120, 60),
    "/log": Limit("log", 120, 60),
    "/tenders/cpv": Limit("codes", 120, 60),
    "/portals/suppliers": Limit("imported-suppliers", 60, 60),
    "/api/v1/portals/suppliers": Limit("imported-suppliers", 60, 60),
    "/figures": Limit("figures", 60, 60),
    "/api/v1/standards": Limit("standards", 30, 60),
    "/standards": Limit("standards", 60, 60),
}
"""What costs the machine much for one address that asks: the longest beginning of the path decides."""


def limit_of(path: str) -> Limit | None:
    """The allowance of each address at this path, None where there is none."""
    beginning = max((costly for costly in COSTLY if path.startswith(costly)), key=len, default=None)
    return COSTLY[beginning] if beginning else None


_left: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()


async def not_flooding(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse (429) an address that asks for costly public things faster than a person or a polite program would. This
    machine itself is not counted: what asks from here is the operator's."""
    if (limit := limit_of(connection.scope["path"])) is None:
        return
    who = client_of(connection)
    if _this_machine(who):
        return
    now = time.monotonic()
    tries, at = _left.pop((limit.name, who), (float(limit.burst), now))
    tries = min(float(limit.burst), tries + (now - at) * limit.burst / limit.seconds)
    _left[limit.name, who] = (max(0.0, tries - 1), now)
    if len(_left) > KEPT:
        _left.popitem(last=False)
    if tries < 1:
        raise _too_many(max(1, round(limit.seconds / limit.burst)))


@lru_cache(KEPT)
def _this_machine(who: str) -> bool:
    return who != "unknown" and ipaddress.ip_network(who).is_loopback


@lru_cache(KEPT)
def _within(address: str, networks: tuple[str, ...]) -> bool:
    try:
        number = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(number in ipaddress.ip_network(each) for each in networks)


def _too_many(wait: int) -> Refused:
    return TOO_MANY_TRIES.refused(time=_n("{number} second", "{number} seconds", wait))
