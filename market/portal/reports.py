"""What a run came to, in words: for the terminal and the operator's page."""

from __future__ import annotations

from datetime import datetime

import msgspec

from market.db import find
from market.portal.tables import ImportRun, Source
from market.reads import rows

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
        told += [f"  {each.position}: {each.reason}" for each in waiting[:MOST_LINES]]
        if run.rejected > min(len(waiting), MOST_LINES):
            told.append(f"  … all of them: /portals/quarantine?source={source.name}")
    if run.failure:
        told.append(f"  Stopped: {run.failure} Give the same command again to go on from here.")
    return told


class Rejected(msgspec.Struct, frozen=True):
    """Something that a run could not read: where it stood, why, and whether it has been mended since."""

    ref: str
    position: str
    reason: str
    mended_at: datetime | None


async def rejected(source: Source, run: ImportRun) -> list[Rejected]:
    """What this run could not read, in its order; of a run that was begun anew, what it found broken again too."""
    return await rows(
        Rejected,
        """
        SELECT ref, position, reason, mended_at FROM quarantined
        WHERE source = {} AND (run = {} OR mended_at IS NULL)
        ORDER BY run = {} DESC, id LIMIT 500
        """,
        source.id,
        run.id,
        run.id,
    )
