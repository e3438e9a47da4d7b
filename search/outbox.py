"""Keeping the index true: the outbox is drained in batches, the index can be built from nothing, and checked.

An entry carries a name only; the record is read when the entry is drained. So entries may come twice, late or in another
order, a drain may die half-way and be done again, and the index still ends as the database is. One drain runs at a time.
"""

from __future__ import annotations

import logging
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

import msgspec

from market import clock
from market.audit.tables import Outbox
from market.beside import Beside
from market.db import many, one, transaction
from market.kinds import KINDS
from market.reads import row, rows, the
from market.settings import settings
from search import faces
from search.documents import SearchDocument
from search.engines import open_index
from search.index import Index, IndexRefused, IndexUnavailable

log = logging.getLogger("prelude.search")

DRAIN_LOCK = 7420260003
"""Held while the index is told: so numbers of arrival are given, and committed, in their order."""
REINDEX_LOCK = 7420260004
BATCH = 500

MAY_WAIT = timedelta(minutes=1)
LOOK_EVERY = 10.0
_building = Beside("reindex", "--if-needed")
_looked: tuple[float, datetime | None] = (float("-inf"), None)


@cache
def index() -> Index:
    """The engine of this process; opened at its first use."""
    known = settings()
    return open_index(url=known.meilisearch_url, key=known.meilisearch_key, folder=known.var / "search")


async def drain(into: Index | None = None) -> int:
    """Tell the index what changed since the last drain; answers how many entries were dealt with.

    While the engine is down nothing is lost: the entries stay, and the next drain finds them. An entry that cannot be
    shown (a kind nobody described) is kept with its reason and does not stop the others; nor does a document that the
    engine refuses.
    """
    try:
        return await _drain(into or index())
    except IndexUnavailable:
        return 0


class Entry(msgspec.Struct, frozen=True):
    """A subject and its number: in the outbox, or that of its arrival."""

    id: int
    subject: str


async def _drain(engine: Index) -> int:
    async with transaction():
        if not await the(bool, "SELECT pg_try_advisory_xact_lock({})", DRAIN_LOCK):
            return 0
        entries = await rows(
            Entry, "SELECT id, subject FROM outbox WHERE done_at IS NULL AND tried < 5 ORDER BY id LIMIT {}", BATCH
        )
        if not entries:
            return 0
        behind: dict[int, list[str]] = {}
        failed: dict[int, str] = {}
        for entry in entries:
            try:
                behind[entry.id] = await faces.subjects_behind(entry.subject)
            except faces.UnknownKind as unknown:
                failed[entry.id] = str(unknown)
        shown = await faces.faces_of(list(dict.fromkeys(each for subjects in behind.values() for each in subjects)))
        refused = await _tell(engine, await _arriving([each for each in shown.values() if each is not None]))
        await engine.delete([subject for subject, document in shown.items() if document is None])
        for entry_id, subjects in behind.items():
            if reasons := [refused[each] for each in subjects if each in refused]:
                failed[entry_id] = reasons[0]
        done = [entry.id for entry in entries if entry.id not in failed]
        await Outbox.update({Outbox.done_at: clock.now()}).where(Outbox.id.is_in(done or [0]))
        for number, reason in failed.items():
            await Outbox.update({Outbox.failure: reason, Outbox.tried: Outbox.tried + 1}).where(Outbox.id == number)
    return len(done)


async def _tell(engine: Index, documents: list[SearchDocument]) -> dict[str, str]:
    """Write them to the index; answers which it refuses, and why. What one document is refused for halts no other."""
    try:
        await engine.upsert(documents)
    except IndexRefused as refused:
        if len(documents) == 1:
            log.error("%s cannot be found: %s", documents[0].id, refused)
            return {documents[0].id: str(refused)}
        half = len(documents) // 2
        return {**await _tell(engine, documents[:half]), **await _tell(engine, documents[half:])}
    return {}


async def _arriving(documents: list[SearchDocument]) -> list[SearchDocument]:
    """The same documents with their numbers; what was never findable gets the next ones."""
    await many(
        "INSERT INTO arrival (subject) SELECT d.id FROM unnest({}::text[]) WITH ORDINALITY AS d(id, at) "
        "WHERE NOT EXISTS (SELECT 1 FROM arrival a WHERE a.subject = d.id) ORDER BY d.at",
        [each.id for each in documents],
    )
    return await numbered(documents)


async def numbered(documents: list[SearchDocument]) -> list[SearchDocument]:
    """The same documents with the numbers of their arrival."""
    arrived = await rows(
        Entry, "SELECT id, subject FROM arrival WHERE subject = ANY({}::text[])", [each.id for each in documents]
    )
    numbers = {each.subject: each.id for each in arrived}
    return [msgspec.structs.replace(each, arrival=numbers.get(each.id, 0)) for each in documents]


async def arrived() -> int:
    """The number of the last thing that became findable."""
    return await the(int, "SELECT COALESCE(max(id), 0) FROM arrival")


async def behind() -> datetime | None:
    """Since when changes wait to be told to the index, when that is longer than a minute: results may then lag, and pages
    say so. Looked up every few seconds at most, because every page of results asks."""
    global _looked
    at, found = _looked
    if time.monotonic() - at > LOOK_EVERY:
        since = await row(datetime, "SELECT at FROM outbox WHERE done_at IS NULL AND tried < 5 ORDER BY at LIMIT 1")
        found = since if since is not None and since < clock.now() - MAY_WAIT else None
        _looked = (time.monotonic(), found)
    return found


async def turn() -> int:
    """Ask for the faces of records whose dates have passed since they were last told (a challenge closed, a waiver ended):
    whoever shows a record reckons its stage, but the one that is filtered by and counted has to be told. Imported notices, of which there may be a million, are
    asked after for a month; who was away for longer rebuilds the index. A certificate that ends changes a component and its
    supplier."""
    turned = " UNION ALL ".join(
        f"SELECT '{name}:' || ref AS subject, at FROM ({kind.turns}) {name}"  # noqa: S608 - the kinds' own queries
        for name, kind in KINDS.items()
        if kind.turns
    )
    told = await many(
        "WITH turning AS (SELECT {}::timestamptz AS now, {}::text AS zone), "  # noqa: S608 - the kinds' own queries
        f"turned AS ({turned}) INSERT INTO outbox (subject, verb, at) "
        "SELECT DISTINCT subject, 'stage.turned', now FROM turned, turning "
        "WHERE turned.at < now AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.subject = turned.subject AND o.at > turned.at) "
        "RETURNING id",
        clock.now(),
        str(clock.ZONE),
    )
    return len(told)


async def mend() -> int:
    """The job: an index that is new, of another version, or was lost (its server came back empty, its folder was deleted) is
    built anew, in a process of its own so that letters do not wait for it. Always answers 0: nothing is left to do at
    once."""
    try:
        if not _building.running and await index().prepare():
            await _building.begin()
    except IndexUnavailable as down:
        log.warning("the search engine is not there: %s", down)
    return 0


async def everything() -> AsyncIterator[SearchDocument]:
    """Every document that should be found now."""
    for kind in faces.FACES:
        refs = await rows(str, KINDS[kind].public)
        for start in range(0, len(refs), BATCH):
            shown = await faces.faces_of([f"{kind}:{ref}" for ref in refs[start : start + BATCH]])
            for document in await numbered([document for document in shown.values() if document is not None]):
                yield document


async def reindex(into: Index | None = None, *, only_if_needed: bool = False) -> int:
    """Build the index anew beside the old one and swap; the site keeps serving. What changes meanwhile stays in the outbox
    and is told afterwards. One such building at a time. Answers how many documents there are; -1 when none was needed."""
    engine = into or index()
    async with transaction():
        await one("SELECT pg_advisory_xact_lock({})", REINDEX_LOCK)
        if not await engine.prepare() and only_if_needed:
            return -1
        began = clock.now()
        count = await engine.rebuild(everything())
        # What was told before the reading began, and had arrived before, is in what was read. The rest is drained on top.
        await many(
            "UPDATE outbox o SET done_at = {} WHERE done_at IS NULL AND at < {} AND EXISTS "
            "(SELECT 1 FROM arrival a WHERE a.subject = o.subject)",
            clock.now(),
            began,
        )
    return count


@dataclass(frozen=True, slots=True)
class Differences:
    """Where index and database disagree, by document id; all empty when they agree."""

    missing: tuple[str, ...]
    stale: tuple[str, ...]
    surplus: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.missing or self.stale or self.surplus)


async def check(against: Index | None = None) -> Differences:
    """Compare the index with the database, document by document."""
    held = await (against or index()).ids()
    wanted = {document.id: document.fingerprint async for document in everything()}
    return Differences(
        missing=tuple(sorted(set(wanted) - set(held))),
        stale=tuple(sorted(id_ for id_, print_ in wanted.items() if id_ in held and held[id_] != print_)),
        surplus=tuple(sorted(set(held) - set(wanted))),
    )
