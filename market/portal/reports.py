"""What a run came to, in words: for the terminal and the operator's page."""

from __future__ import annotations

from typing import Any

from market.db import find, many
from market.portal.tables import ImportRun, Source

MOST_LINES = 20
"""Rejected items listed in the terminal; the page shows all."""


async def lines(run: ImportRun) -> list[str]:
    """The report of a run as it is printed at its end."""
    source = await find(Source, Source.id == run.source)
    told = [
        f"{source.title} ({source.name}): {run.read:,} read, {run.new:,} new, {run.changed:,} changed, "
        f"{run.unchanged:,} unchanged, {run.rejected:,} rejected."
    ]
    if run.rejected:
        waiting = await rejected(source, run)
        told += [f"  {each['position']}: {each['reason']}" for each in waiting[:MOST_LINES]]
        if run.rejected > min(len(waiting), MOST_LINES):
            told.append(f"  … all of them: /portals/quarantine?source={source.name}")
    if run.failure:
        told.append(f"  Stopped: {run.failure} Give the same command again to go on from here.")
    return told


async def rejected(source: Source, run: ImportRun) -> list[dict[str, Any]]:
    """What this run could not read, in its order; of a run that was begun anew, what it found broken again too."""
    return await many(
        "SELECT ref, position, reason, mended_at FROM quarantined WHERE source = {} AND (run = {} OR mended_at IS NULL) "
        "ORDER BY run = {} DESC, id LIMIT 500",
        source.id,
        run.id,
        run.id,
    )
