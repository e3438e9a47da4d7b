"""Scores a source from everything that is kept of it."""

from __future__ import annotations

import msgspec

from market import clock
from market.portal.intake.keeping import facts_of, notes_of
from market.portal.intake.quality import Quality, plain
from market.portal.tables import Source
from market.reads import rows

AT_ONCE = 2000
"""Notices read in one query."""


class _Scored(msgspec.Struct, frozen=True):
    id: int
    facts: str
    note_codes: list[str]


async def score(source: Source) -> None:
    """Reckon the quality report anew and keep it with the source. Memory stays flat: the notices are read in portions."""
    quality, last, now = Quality(source.name), 0, clock.now()
    while portion := await rows(
        _Scored,
        "SELECT id, facts, note_codes FROM imported_notice WHERE source = {} AND id > {} ORDER BY id LIMIT {}",
        source.id,
        last,
        AT_ONCE,
    ):
        for notice in portion:
            quality.add(facts_of(notice.facts), notes_of(notice.note_codes), now)
        last = portion[-1].id
    report = msgspec.json.encode(plain(quality.report())).decode()
    await Source.update({Source.quality: report, Source.quality_at: now}).where(Source.id == source.id)
