"""Allowances: how often something may be tried, counted in the database so that all processes share one count."""

from __future__ import annotations

from dataclasses import dataclass

from market import clock
from market.db import one
from market.refusals import Refusal, Refused


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
        "GREATEST(-1, LEAST({}::real, a.tries + {}::real * EXTRACT(EPOCH FROM (EXCLUDED.at - a.at))::real) - 1), "
        "at = EXCLUDED.at RETURNING tries",
        key,
        float(limit.burst - 1),
        now,
        float(limit.burst),
        limit.burst / limit.seconds,
    )
    if row["tries"] < 0:
        wait = max(1, round(limit.seconds / limit.burst))
        raise Refused(
            Refusal("access.too-many-tries", f"Too many tries. Wait {wait} seconds and try again."), status=429
        )
