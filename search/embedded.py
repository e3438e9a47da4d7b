"""The search engine in a folder, for when no server is configured: tantivy, asked so that it answers like Meilisearch.

The folder is a disposable copy. `current` names the generation that answers; a rebuild writes another generation beside it
and then replaces that one small file, so readers in any process move over between two searches. One writer at a time
holds `writer.lock`; readers never wait. A generation of another schema version is not read: :meth:`EmbeddedIndex.prepare`
says that a rebuild is wanted.

Ids are raw text: deleting by an unsigned number deletes nothing in this release of tantivy, without saying so.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import shutil
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec
import tantivy
from tantivy import FieldType, Occur, Order, Query

from search import marking
from search.documents import SearchDocument
from search.index import (
    FACET_VALUES_MOST,
    ORDERS,
    SCHEMA_VERSION,
    SEARCHED,
    Ask,
    Hit,
    HitPage,
    Index,
    IndexUnavailable,
    Place,
    Range,
    tie,
)
from search.ranking import Ranking
from search.stored import document_of, packed, running_fields, schema, stored_form
from search.words import Synonyms

T = TypeVar("T")

WINDOW = 60
"""Candidates that are measured together. Pages are cut from whole windows, so that no result is shown twice."""

_BATCH = 1_000
_WHOLE = "built-from-everything"
"""A file in a generation that a rebuild completed; others hold only what was written since they began."""
_LOCK_PATIENCE = 60.0


class _Reader:
    """One generation, open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index = tantivy.Index.open(str(path))
        self.index.config_reader("manual", 0)
        self.schema = self.index.schema
        self._stamp: tuple[int, int] | None = None
        self._lock = threading.Lock()

    def searcher(self) -> tantivy.Searcher:
        """A searcher over the last commit of whichever process."""
        found = os.stat(self.path / "meta.json")
        stamp = (found.st_mtime_ns, found.st_ino)
        if stamp != self._stamp:
            with self._lock:
                self.index.reload()
                self._stamp = stamp
        return self.index.searcher()


class EmbeddedIndex(Index):
    """The seam over a folder."""

    def __init__(self, folder: Path, synonyms: Synonyms) -> None:
        self.synonyms = synonyms
        self._folder = folder
        self._reader: _Reader | None = None
        self._opening = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None
        self._writing = asyncio.Lock()

    # Searching

    async def _answer(self, ask: Ask) -> HitPage:
        return await self._run(lambda: self._find(ask))

    async def _totals(self, asks: Sequence[Ask]) -> list[int]:
        return await self._run(lambda: [self._total(ask) for ask in asks])

    def _total(self, ask: Ask) -> int:
        reader = self._open()
        searcher = reader.searcher()
        ranking = self._ranking(ask, reader, searcher)
        return _count(searcher, _query(ranking.matching(), _filters(reader.schema, ask.where, ask.ranges)))

    def _ranking(self, ask: Ask, reader: _Reader, searcher: tantivy.Searcher) -> Ranking:
        return Ranking(ask.asked, self.synonyms, reader.schema, lambda word: searcher.doc_freq("words", word))

    def _find(self, ask: Ask) -> HitPage:
        reader = self._open()
        searcher = reader.searcher()
        ranking = self._ranking(ask, reader, searcher)
        filters = _filters(reader.schema, ask.where, ask.ranges)
        matching = ranking.matching()
        everything = _query(matching, filters)
        if ask.order is None:
            found = self._ranked(ask, ranking, searcher, filters)
        else:
            found = self._ordered(ask, ranking, reader.schema, searcher, [*matching, *filters])
        facets = _distribution(searcher, everything, ask.facets) if ask.facets else {}
        for facet in ask.aside:
            others = _query(matching, _filters(reader.schema, ask.without(facet), ask.ranges))
            facets |= _distribution(searcher, others, (facet,))
        page = found[: ask.limit]
        return HitPage(
            hits=tuple(_hit(document_of(stored), ranking) for stored in page),
            more=len(found) > ask.limit,
            total=_total_of(ask, facets),
            facets=facets,
        )

    def _ranked(
        self, ask: Ask, ranking: Ranking, searcher: tantivy.Searcher, filters: list[tuple[Occur, Query]]
    ) -> list[tantivy.Document]:
        """The window or windows that the page lies in, measured. Documents without typos come before all others, so
        the costly search for typos is made only when there are too few of them to fill the windows."""
        first = ask.place.offset // WINDOW
        last = (ask.place.offset + ask.limit) // WINDOW
        for typos in (False, True):
            found = searcher.search(
                _query(ranking.scored(typos), filters),
                limit=(last - first + 1) * WINDOW,
                offset=first * WINDOW,
                count=False,
                weight_by_field="weight",
            )
            if len(found.hits) == (last - first + 1) * WINDOW:
                break
        ordered: list[tantivy.Document] = []
        for start in range(0, len(found.hits), WINDOW):
            candidates = [searcher.doc(address) for _, address in found.hits[start : start + WINDOW]]
            fields = [running_fields(stored) for stored in candidates]
            ranking.learn(set().union(*(field for many in fields for field in many)))
            measured = []
            for stored, many in zip(candidates, fields, strict=True):
                popularity, mark = int(stored.get_first("popularity") or 0), tie(str(stored.get_first("id")))
                measured.append(((*ranking.measure(many), -popularity, -mark), stored))
            measured.sort(key=lambda one: one[0])
            ordered += [stored for _, stored in measured]
        begin = ask.place.offset - first * WINDOW
        return ordered[begin : begin + ask.limit + 1]

    def _ordered(
        self,
        ask: Ask,
        ranking: Ranking,
        schema: tantivy.Schema,
        searcher: tantivy.Searcher,
        clauses: list[tuple[Occur, Query]],
    ) -> list[tantivy.Document]:
        assert ask.order is not None
        field, direction = ORDERS[ask.order]
        skip = 0
        if ask.place.value is not None:
            clauses = [*clauses, (Occur.Must, _after(schema, field, direction, ask.place))]
            skip = ask.place.skip
        found = searcher.search(
            _query(clauses, []),
            limit=ask.limit + 1,
            offset=skip,
            count=False,
            order_by_field=field,
            order=Order.Asc if direction == "asc" else Order.Desc,
        )
        stored = [searcher.doc(address) for _, address in found.hits]
        ranking.learn(set().union(*(field for one in stored for field in running_fields(one))))
        return stored

    # Keeping

    async def prepare(self) -> bool:
        """Begin an empty generation when there is none of this version."""

        def make_ready() -> bool:
            if self._generation() is None:
                with self._locked():
                    if self._generation() is None:
                        self._make_current(self._new_generation())
            return not (self._open().path / _WHOLE).exists()

        return await self._run(make_ready)

    async def upsert(self, documents: Iterable[SearchDocument]) -> None:
        """Delete by id and add, in one commit; of the same id twice in a batch the last counts."""
        latest = {document.id: document for document in documents}
        if latest:
            await self._write(lambda writer: _replace(writer, latest.values()))

    async def delete(self, ids: Iterable[str]) -> None:
        """Delete by id, in one commit."""
        unwanted = list(ids)
        if unwanted:
            await self._write(lambda writer: [writer.delete_documents_by_term("id", id_) for id_ in unwanted])

    async def rebuild(self, documents: AsyncIterator[SearchDocument]) -> int:
        """Fill another generation, holding the lock so that every other writer waits, then point at it."""
        async with self._writing:
            lock = self._locked()
            await self._run(lock.__enter__)
            try:
                return await self._fill(documents)
            finally:
                await self._run(lambda: lock.__exit__(None, None, None))

    async def _fill(self, documents: AsyncIterator[SearchDocument]) -> int:
        path = await self._run(self._new_generation)
        try:
            writer = tantivy.Index.open(str(path)).writer(256_000_000, 2)
            seen: set[str] = set()
            batch: list[SearchDocument] = []

            def add(some: list[SearchDocument]) -> None:
                for document in some:
                    if document.id in seen:
                        writer.delete_documents_by_term("id", document.id)
                    seen.add(document.id)
                    writer.add_document(stored_form(document))

            async for document in documents:
                batch.append(document)
                if len(batch) == _BATCH:
                    await self._run(partial(add, batch))
                    batch = []

            def finish() -> None:
                add(batch)
                writer.commit()
                writer.wait_merging_threads()
                (path / _WHOLE).touch()
                self._make_current(path)

            await self._run(finish)
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise
        return len(seen)

    async def ids(self) -> dict[str, str]:
        """Read from the stored documents themselves, not from what is believed about them."""

        def read() -> dict[str, str]:
            searcher = self._open().searcher()
            found = searcher.search(Query.all_query(), limit=max(1, searcher.num_docs), count=False)
            documents = (document_of(searcher.doc(at)) for _, at in found.hits)
            return {document.id: document.fingerprint for document in documents}

        return await self._run(read)

    async def close(self) -> None:
        """Let the threads end; the next call begins new ones."""
        self._reader = None
        if self._threads is not None:
            self._threads.shutdown(wait=True)
            self._threads = None

    async def _run(self, work: Callable[[], T]) -> T:
        """In a thread of this index; whatever goes wrong with the files means that it cannot answer."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(max(2, os.cpu_count() or 2), thread_name_prefix="search")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            self._reader = None
            raise IndexUnavailable(f"the embedded index cannot be used: {error}") from error

    async def _write(self, work: Callable[[tantivy.IndexWriter], object]) -> None:
        def run() -> None:
            with self._locked():
                path = self._generation()
                if path is None:
                    path = self._new_generation()
                    self._make_current(path)
                writer = tantivy.Index.open(str(path)).writer(30_000_000, 1)
                try:
                    work(writer)
                    writer.commit()
                finally:
                    writer.wait_merging_threads()

        async with self._writing:
            await self._run(run)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """The only writer, of all processes; another one is waited for."""
        self._folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._folder / "writer.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            patience = time.monotonic() + _LOCK_PATIENCE
            while True:
                try:
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() > patience:
                        raise IndexUnavailable("another process is writing the index") from error
                    time.sleep(0.02)
            yield
        finally:
            os.close(handle)

    def _generation(self) -> Path | None:
        """The folder that answers now; None when there is none of today's schema."""
        try:
            name = (self._folder / "current").read_text().strip()
        except FileNotFoundError:
            return None
        path = self._folder / name
        if not name.startswith(f"v{SCHEMA_VERSION}-") or not (path / "meta.json").exists():
            return None
        return path

    def _open(self) -> _Reader:
        path = self._generation()
        if path is None:
            raise IndexUnavailable("the index has not been built yet")
        reader = self._reader
        if reader is None or reader.path != path:
            with self._opening:
                if self._reader is None or self._reader.path != path:
                    self._reader = _Reader(path)
                reader = self._reader
        return reader

    def _new_generation(self) -> Path:
        path = self._folder / f"v{SCHEMA_VERSION}-{time.time_ns():020d}-{secrets.token_hex(3)}"
        path.mkdir(parents=True)
        tantivy.Index(schema(), str(path))
        return path

    def _make_current(self, path: Path) -> None:
        """Point at a generation; the one before is kept for readers that are about to open it, older ones go."""
        before = self._generation()
        beside = self._folder / f"current.{os.getpid()}"
        beside.write_text(path.name)
        beside.replace(self._folder / "current")
        for other in self._folder.glob("v*-*"):
            if other.is_dir() and other not in (path, before):
                shutil.rmtree(other, ignore_errors=True)


def _replace(writer: tantivy.IndexWriter, documents: Iterable[SearchDocument]) -> None:
    for document in documents:
        writer.delete_documents_by_term("id", document.id)
        writer.add_document(stored_form(document))


def _filters(
    schema: tantivy.Schema, where: Sequence[tuple[str, tuple[str, ...]]], ranges: Sequence[tuple[str, Range]]
) -> list[tuple[Occur, Query]]:
    """Conditions that a document must meet and that add nothing to its score."""
    conditions = [
        Query.term_query(schema, facet, values[0], "basic")
        if len(values) == 1
        else Query.term_set_query(schema, facet, list(values))
        for facet, values in where
    ]
    for name, bounds in ranges:
        if bounds.at_least is None and bounds.at_most is None:
            conditions.append(Query.exists_query(name))
        else:
            conditions.append(
                Query.range_query(schema, name, FieldType.Integer, _whole(bounds.at_least), _whole(bounds.at_most))
            )
    return [(Occur.Must, Query.const_score_query(condition, 0.0)) for condition in conditions]


def _whole(number: int | None) -> int | None:
    return None if number is None else max(-(2**63), min(int(number), 2**63 - 1))


def _query(clauses: list[tuple[Occur, Query]], filters: list[tuple[Occur, Query]]) -> Query:
    every = [*clauses, *filters]
    if not any(occur is Occur.Must for occur, _ in every):
        every = [(Occur.Must, Query.all_query()), *every]
    return Query.boolean_query(every)


def _after(schema: tantivy.Schema, field: str, direction: str, place: Place) -> Query:
    assert place.value is not None
    bound = packed(place.value, place.tie)
    if direction == "asc":
        condition = Query.range_query(schema, field, FieldType.Integer, bound, None)
    else:
        condition = Query.range_query(schema, field, FieldType.Integer, None, bound)
    return Query.const_score_query(condition, 0.0)


def _count(searcher: tantivy.Searcher, query: Query) -> int:
    """All that matches; the library's type declarations do not mention the attribute."""
    return int(searcher.search(query, limit=1, count=True).count or 0)  # type: ignore[attr-defined]


def _total_of(ask: Ask, facets: dict[str, dict[str, int]]) -> int:
    """Every document has one kind, so the counts of the (chosen) kinds are the total, and no further count is needed."""
    chosen = dict(ask.where).get("kind")
    return sum(count for kind, count in facets["kind"].items() if chosen is None or kind in chosen)


def _distribution(searcher: tantivy.Searcher, query: Query, facets: Sequence[str]) -> dict[str, dict[str, int]]:
    asked = {facet: {"terms": {"field": facet, "size": FACET_VALUES_MOST}} for facet in facets}
    found = searcher.aggregate(query, asked)
    return {
        facet: dict(
            sorted(
                ((str(one["key"]), int(one["doc_count"])) for one in found[facet]["buckets"]),
                key=lambda item: (-item[1], item[0]),
            )
        )
        for facet in facets
    }


def _hit(document: SearchDocument, ranking: Ranking) -> Hit:
    fields = {field: getattr(document, field) for field in SEARCHED}
    texts = {field: (value,) if isinstance(value, str) else value for field, value in fields.items()}
    if ranking.wanted:
        texts = {field: tuple(marking.mark(text, ranking) for text in many) for field, many in texts.items()}
    summary, body = marking.crop(texts["summary"][0]), marking.crop(texts["body"][0])
    shown = texts | {"summary": (summary,), "body": (body,)}
    return Hit(
        document=msgspec.structs.replace(document, body="", keywords=()),
        title=marking.html(texts["title"][0]),
        snippet=marking.snippet(summary, body),
        reasons=marking.reasons(shown.items()),
    )
