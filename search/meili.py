"""The search engine on a Meilisearch server (1.21 or newer).

One index holds every kind, and a tab is a filter on `kind`: see `docs/decisions/one-search-index.md`. Searches go over kept
connections (`search/wire.py`). Administration and indexing use the official client, which is synchronous and opens a
connection per call, and therefore runs in threads. A write is accepted long before it is done and can still fail in its
task, so each one is waited for and a failed task raises.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Any, TypeVar

import meilisearch
import msgspec
from meilisearch.errors import MeilisearchApiError, MeilisearchCommunicationError, MeilisearchTimeoutError
from meilisearch.index import Index as MeilisearchIndexClient

from market import clock
from search import marking, records
from search.documents import SearchDocument
from search.index import (
    ORDERS,
    SCHEMA_VERSION,
    SEARCHED,
    Ask,
    Hit,
    HitPage,
    Index,
    IndexRefused,
    IndexUnavailable,
    Place,
)
from search.records import BATCH, SHOWN, lines_of
from search.wire import Wire
from search.words import Synonyms

log = logging.getLogger("prelude.search")

T = TypeVar("T")

_TASK_PATIENCE = timedelta(hours=6)
"""A million documents take the better part of an hour, and the server answers for several of their pieces at once."""


class _Formatted(msgspec.Struct):
    title: str = ""
    ref: str = ""
    supplier_names: list[str] = []
    buyer: str = ""
    region: str = ""
    keywords: list[str] = []
    track_record: list[str] = []
    cpv: list[str] = []
    certificates: list[str] = []
    summary: str = ""
    body: str = ""


class _Found(SearchDocument, frozen=True, kw_only=True, forbid_unknown_fields=False):
    formatted: _Formatted = msgspec.field(default_factory=_Formatted, name="_formatted")


class _Answered(msgspec.Struct):
    hits: list[_Found] = []
    total: int = msgspec.field(default=0, name="estimatedTotalHits")
    facets: dict[str, dict[str, int]] = msgspec.field(default_factory=dict, name="facetDistribution")


class _Many(msgspec.Struct):
    results: list[_Answered]


class _Fault(msgspec.Struct):
    message: str = ""
    code: str = ""


_read_many = msgspec.json.Decoder(_Many).decode


class MeilisearchIndex(Index):
    """The seam over a Meilisearch server; `key` may search, index and administer."""

    def __init__(self, url: str, key: str | None, name: str, synonyms: Synonyms) -> None:
        self.synonyms = synonyms
        self._url = url.rstrip("/")
        self._key = key
        self._name = name
        self._uid = f"{name}_v{SCHEMA_VERSION}"
        self._built = f"{self._uid}_built"
        """An empty index whose existence says that a rebuild was once completed."""
        self._wire: Wire | None = None
        self._writing = asyncio.Lock()
        self._prepared = False

    # Searching

    async def _answer(self, ask: Ask) -> HitPage:
        place = ask.place
        where = [*map(_choice, ask.where), *_bounds(ask)]
        first = self._question(ask, where)
        by_place = place.value is not None and ask.order is not None
        first |= _HITS | {"limit": ask.limit + 1, "offset": place.skip if by_place else place.offset}
        if not ask.asked.parts:
            first["attributesToHighlight"] = []
        asks = [first]
        if ask.order is not None:
            field, direction = ORDERS[ask.order]
            first["sort"] = [f"{field}:{direction}", f"tie:{direction}"]
            if by_place:
                first["filter"] = [*where, _after(field, direction, place)]
                asks.append(self._question(ask, where) | {"limit": 0})
        asks[-1]["facets"] = list(ask.facets)
        for facet in ask.aside:
            others = [*map(_choice, ask.without(facet)), *_bounds(ask)]
            asks.append(self._question(ask, others) | {"limit": 0, "facets": [facet]})
        answers = await self._multi_search(asks)
        counted = answers[1 if by_place else 0]
        facets = counted.facets
        for answer in answers:
            if answer is not counted:
                facets.update(answer.facets)
        found = answers[0].hits
        return HitPage(
            hits=tuple(_hit(one) for one in found[: ask.limit]),
            more=len(found) > ask.limit,
            total=counted.total,
            facets={name: _most_first(values) for name, values in facets.items()},
        )

    async def _totals(self, asks: Sequence[Ask]) -> list[int]:
        questions = [self._question(ask, [*map(_choice, ask.where), *_bounds(ask)]) | {"limit": 0} for ask in asks]
        return [answer.total for answer in await self._multi_search(questions)]

    def _question(self, ask: Ask, where: list[str]) -> dict[str, Any]:
        said = ask.asked.text
        if not ask.asked.unfinished and said:
            said += " "
        return {"indexUid": self._uid, "q": said, "filter": where, "matchingStrategy": "all"}

    async def _multi_search(self, questions: list[dict[str, Any]]) -> list[_Answered]:
        body = msgspec.json.encode({"queries": questions})
        try:
            status, answer = await self._asked_over().post("/multi-search", body)
        except OSError as error:
            raise IndexUnavailable(f"Meilisearch does not answer: {error or type(error).__name__}") from error
        if status == 200:
            try:
                return _read_many(answer).results
            except msgspec.MsgspecError as error:
                raise IndexUnavailable(f"what answers is not Meilisearch: {error}") from error
        trouble = _trouble(status, *_fault(answer))
        if isinstance(trouble, IndexRefused):
            # Its settings are not ours (a server that lost its data begins without any), or the fault is ours. Whoever
            # searches can do nothing about either.
            log.error("a search was refused: %s", trouble)
            raise IndexUnavailable(str(trouble)) from trouble
        raise trouble

    def _asked_over(self) -> Wire:
        """The connections of the running loop."""
        if self._wire is None or self._wire.loop is not asyncio.get_running_loop():
            self._wire = Wire(self._url, self._key)
        return self._wire

    # Keeping

    async def prepare(self) -> bool:
        """Create the index when it is missing, and bring its settings up to date when they differ from the code's."""
        empty = await self._admin(self._make_ready)
        self._prepared = True
        return empty

    async def upsert(self, documents: Iterable[SearchDocument]) -> None:
        """Send the records in pieces and wait for their tasks."""
        batches = [batch for batch in lines_of(documents) if batch]
        if batches:
            async with self._writing:
                await self._ready()
                await self._admin(lambda client: self._write(client, self._uid, batches))

    async def delete(self, ids: Iterable[str]) -> None:
        """Delete by the keys made of the ids, in one task, and wait for it."""
        keys = [records.key(id_) for id_ in ids]
        if keys:
            async with self._writing:
                await self._ready()
                await self._admin(lambda client: _wait(client, [_delete(client.index(self._uid), keys)]))

    async def rebuild(self, documents: AsyncIterator[SearchDocument]) -> int:
        """Fill a second index, swap the two, and remove what is left over."""
        async with self._writing:
            await self._ready()
            fresh = f"{self._uid}_next_{secrets.token_hex(4)}"
            await self._admin(lambda client: self._create(client, fresh))
            try:
                written, batch = 0, []
                tasks: list[int] = []
                async for document in documents:
                    batch.append(document)
                    if len(batch) == BATCH:
                        tasks += await self._send(fresh, batch)
                        written, batch = written + len(batch), []
                tasks += await self._send(fresh, batch)
                written += len(batch)
                await self._admin(lambda client: _wait(client, tasks))
                await self._admin(lambda client: self._swap(client, fresh))
            finally:
                with suppress(IndexUnavailable, IndexRefused):
                    await self._admin(lambda client: self._tidy(client, fresh))
            return written

    async def ids(self) -> dict[str, str]:
        """Page through the records, ten thousand at a time."""

        def read(client: meilisearch.Client) -> dict[str, str]:
            found: dict[str, str] = {}
            index = client.index(self._uid)
            while True:
                page = index.get_documents({"fields": ["id", "fingerprint"], "limit": 10_000, "offset": len(found)})
                found.update((one.id, one.fingerprint) for one in page.results)
                if not page.results or len(found) >= page.total:
                    return found

        return await self._admin(read)

    async def close(self) -> None:
        """Close the connections; the next search opens new ones."""
        if self._wire is not None:
            self._wire.close()
            self._wire = None

    async def _ready(self) -> None:
        if not self._prepared:
            await self._admin(self._make_ready)
            self._prepared = True

    async def _admin(self, work: Callable[[meilisearch.Client], T], seconds: int = 60) -> T:
        """Do something with the official client, in a thread and with a client of its own (it is not thread-safe)."""

        def run() -> T:
            try:
                return work(meilisearch.Client(self._url, self._key, timeout=seconds))
            except MeilisearchApiError as error:
                raise _trouble(error.status_code, error.message, error.code or "") from error
            except (MeilisearchCommunicationError, MeilisearchTimeoutError, OSError) as error:
                raise IndexUnavailable(f"Meilisearch does not answer: {error}") from error

        return await asyncio.to_thread(run)

    def _make_ready(self, client: meilisearch.Client) -> bool:
        wanted = records.settings(self.synonyms)
        index = client.index(self._uid)
        try:
            present = index.get_settings()
        except MeilisearchApiError as error:
            if error.code != "index_not_found":
                raise
            self._create(client, self._uid)
            _wait(client, [client.delete_index(self._built).task_uid], forgive="index_not_found")
            return True
        if any(not _agrees(value, present.get(name)) for name, value in wanted.items()):
            _wait(client, [index.update_settings(wanted).task_uid])
        try:
            client.get_raw_index(self._built)
        except MeilisearchApiError as error:
            if error.code != "index_not_found":
                raise
            return True
        return False

    def _create(self, client: meilisearch.Client, uid: str) -> None:
        made = client.create_index(uid, {"primaryKey": "key"}).task_uid
        told = client.index(uid).update_settings(records.settings(self.synonyms)).task_uid
        _wait(client, [made, told], forgive="index_already_exists")

    async def _send(self, uid: str, documents: list[SearchDocument]) -> list[int]:
        lines = list(lines_of(documents))
        return await self._admin(
            lambda client: [
                client.index(uid).add_documents_raw(line, content_type="application/x-ndjson").task_uid
                for line in lines
            ]
        )

    def _write(self, client: meilisearch.Client, uid: str, batches: list[bytes]) -> None:
        index = client.index(uid)
        _wait(
            client,
            [index.add_documents_raw(lines, content_type="application/x-ndjson").task_uid for lines in batches],
        )

    def _swap(self, client: meilisearch.Client, fresh: str) -> None:
        _wait(client, [client.swap_indexes([{"indexes": [self._uid, fresh]}]).task_uid])
        _wait(client, [client.create_index(self._built).task_uid], forgive="index_already_exists")

    def _tidy(self, client: meilisearch.Client, fresh: str) -> None:
        """Remove what a rebuild leaves: its own second index, those of rebuilds that died, those of older versions."""
        long_ago = clock.now() - timedelta(hours=6)
        tasks = []
        for one in client.get_raw_indexes({"limit": 1000})["results"]:  # type: ignore[call-overload]
            uid = str(one["uid"])
            made = datetime.fromisoformat(str(one["createdAt"])).astimezone(UTC)
            ours = uid.startswith(f"{self._name}_v")
            left_over = ours and "_next_" in uid and made < long_ago
            older = ours and uid not in (self._uid, self._built) and not uid.startswith(f"{self._uid}_next_")
            if uid == fresh or left_over or older:
                tasks.append(client.delete_index(uid).task_uid)
        _wait(client, tasks)


_HITS: dict[str, Any] = {
    "attributesToRetrieve": list(SHOWN),
    "attributesToHighlight": list(SEARCHED),
    "attributesToCrop": ["summary", "body"],
    "cropLength": marking.SNIPPET_WORDS,
    "cropMarker": marking.GAP,
    "highlightPreTag": marking.START,
    "highlightPostTag": marking.END,
}


def _quoted(value: str) -> str:
    """A value inside a filter: whatever it contains, it stays one string."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _choice(choice: tuple[str, tuple[str, ...]]) -> str:
    facet, values = choice
    return f"{facet} IN [{', '.join(map(_quoted, values))}]"


def _bounds(ask: Ask) -> list[str]:
    said = []
    for field, bounds in ask.ranges:
        if bounds.at_least is not None:
            said.append(f"{field} >= {int(bounds.at_least)}")
        if bounds.at_most is not None:
            said.append(f"{field} <= {int(bounds.at_most)}")
        if bounds.at_least is None and bounds.at_most is None:
            said.append(f"{field} EXISTS")
    return said


def _after(field: str, direction: str, place: Place) -> str:
    beyond, reached = (">", ">=") if direction == "asc" else ("<", "<=")
    return f"{field} {beyond} {place.value} OR ({field} = {place.value} AND tie {reached} {place.tie})"


def _most_first(values: dict[str, int]) -> dict[str, int]:
    return dict(sorted(values.items(), key=lambda item: (-item[1], item[0])))


def _hit(found: _Found) -> Hit:
    shown = found.formatted
    fields = []
    for field, said in zip(SEARCHED, _searched(shown), strict=True):
        if said and marking.START in (said if isinstance(said, str) else "".join(said)):
            fields.append((field, (said,) if isinstance(said, str) else said))
    return Hit(
        document=SearchDocument(**dict(zip(SHOWN, _facts(found), strict=True))),
        title=marking.html(shown.title or found.title),
        snippet=marking.snippet(shown.summary, shown.body),
        reasons=marking.reasons(fields),
    )


_searched = attrgetter(*SEARCHED)
_facts = attrgetter(*SHOWN)


def _delete(index: MeilisearchIndexClient, keys: list[str]) -> int:
    """The server's batch call; the client's own method for it is deprecated in favour of filters, which would need an
    index over every key."""
    return int(index.http.post(f"indexes/{index.uid}/documents/delete-batch", keys)["taskUid"])


def _wait(client: meilisearch.Client, tasks: Iterable[int], forgive: str = "") -> None:
    """Wait for tasks; one that failed or was cancelled raises, unless its code is the forgiven one."""
    patience = int(_TASK_PATIENCE.total_seconds() * 1000)
    for uid in tasks:
        task = client.wait_for_task(uid, timeout_in_ms=patience, interval_in_ms=10)
        if task.status != "succeeded":
            error = task.error or {}
            if not forgive or error.get("code") != forgive:
                raise IndexRefused(f"Meilisearch task {uid} {task.status}: {error.get('message', 'no reason given')}")


def _agrees(wanted: Any, present: Any) -> bool:
    """Whether a setting already says what we want; lists without an order of their own are compared sorted."""
    if isinstance(wanted, dict) and isinstance(present, dict):
        return all(_agrees(value, present.get(name)) for name, value in wanted.items())
    return bool(wanted == present)


def _fault(answer: bytes) -> tuple[str, str]:
    try:
        fault = msgspec.json.decode(answer, type=_Fault)
    except msgspec.MsgspecError:
        return answer[:200].decode(errors="replace"), ""
    return fault.message, fault.code


def _trouble(status: int, message: str, code: str) -> Exception:
    """Not built, not allowed, overloaded or broken: unavailable. Everything else it refuses is our mistake."""
    if status >= 500 or status in (401, 403, 408, 429) or code == "index_not_found":
        return IndexUnavailable(f"Meilisearch answered {status}: {message}")
    return IndexRefused(f"Meilisearch answered {status} {code}: {message}")
