"""The one seam behind which either search engine works: what may be asked, what comes back, and how questions are relaxed.

Two engines stand behind it: a Meilisearch server where one is configured, and the embedded engine in a folder where none
is. Both understand the same questions, answer in the same shape and pass the same tests. An index is a copy: losing it
loses nothing, and :meth:`Index.rebuild` makes it again while the old one goes on serving.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec
from markupsafe import Markup
from rapidfuzz.distance import OSA

from search import words
from search.documents import Kind, SearchDocument, clean
from search.words import Asked, Synonyms

SCHEMA_VERSION = 5
"""Raised whenever documents are stored or understood differently; an index of another version is made anew."""

FACETS = (
    "kind", "stage", "buyer", "supplier_names", "sector", "cpv_path", "region", "value_band", "sme_suitable", "source",
    "year", "certificates", "experience", "profile_passed", "licence", "currency", "open_to_partners",
)  # fmt: skip
"""What can be filtered by and counted. Values within one facet are alternatives; different facets must all hold."""

RANGES = ("value_minor", "opens_at", "closes_at", "published_at", "arrival")
"""Numbers that can be bounded on either side. A document that lacks the number is outside every range."""

SEARCHED = (
    "title", "ref", "supplier_names", "buyer", "region", "keywords", "track_record", "cpv", "certificates", "summary", "body",
)  # fmt: skip
"""Where words are looked for, the more telling fields first."""

FACET_VALUES_MOST = 200
"""Values listed under a facet, the most frequent first."""

DEEPEST = 10_000
"""Ranked results that can be paged through. Sorted ones have no end: their cursor is a place in the order."""

SYNONYMS_FILE = Path(__file__).resolve().parent.parent / "fixtures" / "reference" / "search-synonyms.json"


class IndexUnavailable(Exception):
    """The engine cannot answer now (down, starting, not built, being written elsewhere). Nothing is lost: pages say that
    results may lag, and what was to be written stays in the outbox."""


class IndexRefused(Exception):
    """The engine answered that it will not do this: a fault of ours or of its settings, never of the person searching."""


class BadCursor(ValueError):
    """The cursor does not belong to this question; begin again at the first page."""


class Sort(StrEnum):
    """In which order results come."""

    RELEVANCE = "relevance"
    """Best match first; without words, the most popular first."""
    CLOSING_SOON = "closing-soon"
    """Earliest closing first, those that never close last. Bound `closes_at` from now to leave the closed ones out."""
    NEWEST = "newest"
    VALUE = "value"
    """Highest value first, compared as numbers whatever the currency."""
    ARRIVED = "arrived"
    """What became findable last comes first: for feeds, which must not miss what a portal brings late."""


ORDERS = {
    Sort.CLOSING_SOON: ("by_closing", "asc"),
    Sort.NEWEST: ("by_newest", "desc"),
    Sort.VALUE: ("by_value", "desc"),
    Sort.ARRIVED: ("by_arrival", "desc"),
    Sort.RELEVANCE: ("by_popularity", "desc"),
}
"""The number kept for each order, see :func:`order_value`, and its direction; equals are told apart by :func:`tie`."""


class Range(msgspec.Struct, frozen=True):
    """Both ends belong to the range; None leaves that side open."""

    at_least: int | None = None
    at_most: int | None = None


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A question. Unknown facets and ranges raise ValueError; unknown values simply find nothing."""

    text: str = ""
    kinds: tuple[Kind, ...] = ()
    filters: Mapping[str, Sequence[str]] = {}
    ranges: Mapping[str, Range] = {}
    sort: Sort = Sort.RELEVANCE
    cursor: str = ""
    limit: int = 20
    facets: tuple[str, ...] = ()
    relax: bool = True
    """When no document has all the words, look for fewer and say so."""


class Reason(msgspec.Struct, frozen=True):
    """Why a document was found: the field, and the words in it as they are written there."""

    field: str
    words: tuple[str, ...]


class Hit(msgspec.Struct, frozen=True):
    """One result. `document` comes without its body and keywords; the marked texts are escaped and safe to print."""

    document: SearchDocument
    title: Markup
    snippet: Markup
    reasons: tuple[Reason, ...]


class Results(msgspec.Struct, frozen=True):
    """The answer to a :class:`Query`."""

    hits: tuple[Hit, ...]
    total: int
    """All documents that match, not only those listed."""
    kinds: dict[Kind, int]
    """For the tabs: how many of each kind match all but the choice of kind."""
    facets: dict[str, dict[str, int]]
    """Counts per value, most first; each facet is counted as if nothing had been chosen in it."""
    next_cursor: str | None
    relaxed: bool = False
    """No document has all the words: these results are for `searched_for` only."""
    searched_for: str = ""
    dropped: tuple[str, ...] = ()
    did_you_mean: str | None = None


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a page begins. Ranked results: `offset`. Sorted ones: after (`value`, `tie`), `skip` of that very pair seen."""

    offset: int = 0
    value: int | None = None
    tie: int = 0
    skip: int = 0
    kept: tuple[int, ...] | None = None
    """Parts of the question that a relaxed search kept."""


class Ask(msgspec.Struct, frozen=True):
    """What an engine is asked, after reading, checking and deciding what to count beside what."""

    asked: Asked
    where: tuple[tuple[str, tuple[str, ...]], ...]
    ranges: tuple[tuple[str, Range], ...]
    order: Sort | None
    """None ranks by match; :attr:`Sort.RELEVANCE` here means by popularity."""
    place: Place
    limit: int
    facets: tuple[str, ...] = ()
    """To be counted over the matches."""
    aside: tuple[str, ...] = ()
    """To be counted over the matches without the facet's own choice."""

    def without(self, facet: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The choices, but for those in one facet."""
        return tuple(choice for choice in self.where if choice[0] != facet)


class HitPage(msgspec.Struct, frozen=True):
    """What an engine gives back for an :class:`Ask`: up to `limit` hits and whether more follow."""

    hits: tuple[Hit, ...]
    more: bool
    total: int
    facets: dict[str, dict[str, int]]


class Index(ABC):
    """An engine behind the seam. Every method may raise :class:`IndexUnavailable`."""

    synonyms: Synonyms

    async def search(self, query: Query) -> Results:
        """Answer a question; relax it, visibly, when nothing has all its words."""
        ask = _understand(query)
        place = ask.place
        dropped: tuple[str, ...] = ()
        everything = ask.asked
        if place.kept is not None:
            if any(part >= len(everything.parts) for part in place.kept):
                raise BadCursor
            ask = msgspec.structs.replace(ask, asked=everything.keeping(place.kept))
        answer = await self._answer(ask)
        alone: Sequence[int] = ()
        if not answer.total and not query.cursor and everything.parts:
            alone = await self._alone(ask)
            kept = await self._fewer(ask, alone) if query.relax and len(everything.parts) > 1 else None
            if kept:
                place = msgspec.structs.replace(place, kept=kept)
                ask = msgspec.structs.replace(ask, asked=everything.keeping(kept), place=place)
                answer = await self._answer(ask)
        if place.kept is not None:
            dropped = tuple(" ".join(part.words) for at, part in enumerate(everything.parts) if at not in place.kept)
        meant = await self._meant(ask.asked, answer.hits) if not query.cursor else None
        if not meant and not all(alone):
            meant = await self._nearest(ask, everything, [place for place, total in enumerate(alone) if not total])
        counts = answer.facets.get("kind", {})
        return Results(
            hits=answer.hits,
            total=answer.total,
            kinds={kind: counts[kind.value] for kind in Kind if counts.get(kind.value)},
            facets={facet: answer.facets.get(facet, {}) for facet in query.facets},
            next_cursor=_next_cursor(query, ask, answer),
            relaxed=place.kept is not None,
            searched_for=ask.asked.text,
            dropped=dropped,
            did_you_mean=meant,
        )

    async def totals(self, queries: Sequence[Query]) -> list[int]:
        """How many documents answer each question, all of its words, in one go: for “try without this filter”."""
        asks = [msgspec.structs.replace(_understand(query), facets=(), aside=(), limit=0) for query in queries]
        return await self._totals(asks) if asks else []

    async def _alone(self, ask: Ask) -> list[int]:
        """How many documents each part finds by itself."""
        bare = msgspec.structs.replace(ask, facets=(), aside=(), limit=0)
        return await self._totals([_with(bare, (place,)) for place in range(len(ask.asked.parts))])

    async def _fewer(self, ask: Ask, alone: Sequence[int]) -> tuple[int, ...] | None:
        """The parts to keep: those that find something alone, then as many of them from the left as find something
        together."""
        bare = msgspec.structs.replace(ask, facets=(), aside=(), limit=0)
        count = len(ask.asked.parts)
        known = tuple(place for place in range(count) if alone[place])
        shorter = [known[:end] for end in range(len(known), 1, -1) if len(known[:end]) < count]
        together = await self._totals([_with(bare, some) for some in shorter]) if shorter else []
        for some, total in zip(shorter, together, strict=True):
            if total:
                return some
        return known[:1] or None

    async def _nearest(self, ask: Ask, asked: Asked, unknown: Sequence[int]) -> str | None:
        """The question with words that are there in place of words that find nothing, when such a question finds
        something: the word most like the typed one, among those that begin like it."""
        better: dict[int, str] = {}
        for place in unknown:
            part = asked.parts[place]
            typed = words.fold(part.words[0])
            if part.phrase or len(typed) < 4 or typed.isdigit():
                continue
            beginnings = [typed[:end] for end in range(len(typed) - 1, max(2, len(typed) // 2 - 1), -1)]
            asks = [_begins(ask, beginning) for beginning in beginnings]
            totals = await self._totals([msgspec.structs.replace(one, facets=()) for one in asks])
            longest = next((one for one, total in zip(asks, totals, strict=True) if total), None)
            if longest is None:
                continue
            hits = (await self._answer(longest)).hits
            seen = Counter(words.fold(word) for hit in hits for reason in hit.reasons for word in reason.words)
            near = min((OSA.distance(typed, word), -times, word) for word, times in seen.items()) if seen else None
            if near and 0 < near[0] <= min(3, len(typed) // 2):
                better[place] = near[2]
        if not better:
            return None
        parts = tuple(words.Part((better[at],)) if at in better else part for at, part in enumerate(asked.parts))
        meant = Asked(parts, asked.excluded)
        bare = msgspec.structs.replace(ask, asked=meant, facets=(), aside=(), limit=0, place=Place())
        return meant.text if (await self._totals([bare]))[0] else None

    async def _meant(self, asked: Asked, hits: Sequence[Hit]) -> str | None:
        """The question as the found documents spell it, when none of them spells a word as it was typed."""
        if not hits:
            return None
        seen: Counter[str] = Counter()
        for hit in hits:
            seen.update({words.fold(word) for reason in hit.reasons for word in reason.words})
        better: dict[int, str] = {}
        for place, part in enumerate(asked.parts):
            typed = words.fold(part.words[0])
            allowed = words.typos_allowed(typed)
            if part.phrase or not allowed or self.synonyms.of_words((typed,)):
                continue
            unfinished = asked.unfinished and place == len(asked.parts) - 1
            if any(word == typed or (unfinished and word.startswith(typed)) for word in seen):
                continue
            near = [(OSA.distance(typed, word, score_cutoff=allowed), -times, word) for word, times in seen.items()]
            near = [one for one in near if one[0] <= allowed]
            if near:
                better[place] = min(near)[2]
        if not better:
            return None
        parts = tuple(words.Part((better[at],)) if at in better else part for at, part in enumerate(asked.parts))
        exact = Asked(tuple(words.Part((words.fold(asked.parts[at].words[0]),), phrase=True) for at in better))
        return Asked(parts, asked.excluded).text if await self._unknown(exact) else None

    async def _unknown(self, asked: Asked) -> bool:
        """Whether nothing at all has one of these words as it is written: a word that is known is not a mistake."""
        bare = Ask(asked=asked, where=(), ranges=(), order=None, place=Place(), limit=0)
        return 0 in await self._totals([_with(bare, (place,)) for place in range(len(asked.parts))])

    @abstractmethod
    async def _answer(self, ask: Ask) -> HitPage:
        """One page of hits with everything that was to be counted."""

    @abstractmethod
    async def _totals(self, asks: Sequence[Ask]) -> list[int]:
        """How many documents match each, in one go."""

    @abstractmethod
    async def prepare(self) -> bool:
        """Make sure that an index with today's settings and schema exists; True when it was never completed by a
        :meth:`rebuild` and wants one. Called once when a process starts; harmless when repeated."""

    @abstractmethod
    async def upsert(self, documents: Iterable[SearchDocument]) -> None:
        """Add documents, replacing those with the same id; returns when they can be found."""

    @abstractmethod
    async def delete(self, ids: Iterable[str]) -> None:
        """Remove documents by id (`kind:ref`); unknown ids are passed over. Returns when they can no longer be found."""

    @abstractmethod
    async def rebuild(self, documents: AsyncIterator[SearchDocument]) -> int:
        """Make the index anew from all the documents there are, then put it in place of the old one in one step.

        Until then the old one answers. When it fails the old one stays. Writes of this process wait for it; a change that
        another process made meanwhile must be written again afterwards (the outbox does). Returns how many were indexed.
        """

    @abstractmethod
    async def ids(self) -> dict[str, str]:
        """Every document's id with its :attr:`SearchDocument.fingerprint`: what `search check` compares."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of connections, files and threads."""


def read_synonyms(file: Path = SYNONYMS_FILE) -> Synonyms:
    """The editable list of words that mean the same."""
    return Synonyms.of(msgspec.json.decode(file.read_bytes())["groups"])


def tie(id_: str) -> int:
    """A number of 19 bits that follows from the id and settles the order of equals in the same way everywhere."""
    return int.from_bytes(hashlib.blake2b(id_.encode(), digest_size=4).digest()) >> 13


NEVER = 2**44 - 2
"""Stands for `does not close` in the order by closing time."""


def order_value(document: SearchDocument, order: Sort) -> int:
    """The number a document is sorted by; what is unknown comes last."""
    if order is Sort.CLOSING_SOON:
        return NEVER if document.closes_at is None else max(-1, min(document.closes_at, NEVER - 1))
    value = {
        Sort.NEWEST: document.published_at,
        Sort.VALUE: document.value_minor,
        Sort.ARRIVED: document.arrival,
        Sort.RELEVANCE: document.popularity,
    }[order]
    return -1 if value is None else max(-1, min(value, NEVER))


def _begins(ask: Ask, beginning: str) -> Ask:
    """What has a word that begins so, whatever was chosen."""
    asked = Asked((words.Part((beginning,)),), unfinished=True)
    return msgspec.structs.replace(
        ask, asked=asked, where=(), ranges=(), order=None, place=Place(), facets=("kind",), aside=(), limit=20
    )


def _with(ask: Ask, parts: tuple[int, ...]) -> Ask:
    return msgspec.structs.replace(ask, asked=ask.asked.keeping(parts), place=Place())


def _understand(query: Query) -> Ask:
    if unknown := [name for name in (*query.filters, *query.facets) if name not in FACETS]:
        raise ValueError(f"not a facet: {', '.join(unknown)}")
    if unknown := [name for name in query.ranges if name not in RANGES]:
        raise ValueError(f"not a range: {', '.join(unknown)}")
    if not 0 <= query.limit <= 1000:
        raise ValueError("a page holds between 0 and 1,000 results")
    asked = words.asked_by(query.text)
    where = {name: tuple(dict.fromkeys(map(clean, values))) for name, values in query.filters.items() if values}
    if query.kinds:
        where["kind"] = tuple(kind.value for kind in query.kinds)
    wanted = dict.fromkeys(("kind", *query.facets))
    order = query.sort if query.sort is not Sort.RELEVANCE or not asked.parts else None
    return Ask(
        asked=asked,
        where=tuple(where.items()),
        ranges=tuple(query.ranges.items()),
        order=order,
        place=_read_cursor(query) if query.cursor else Place(),
        limit=query.limit,
        facets=tuple(facet for facet in wanted if facet not in where),
        aside=tuple(facet for facet in wanted if facet in where),
    )


def _next_cursor(query: Query, ask: Ask, answer: HitPage) -> str | None:
    if not answer.more or not answer.hits:
        return None
    if ask.order is None:
        offset = ask.place.offset + len(answer.hits)
        if offset + query.limit > DEEPEST:
            return None
        return _write_cursor(query, Place(offset=offset, kept=ask.place.kept))
    order = ask.order
    pairs = [(order_value(hit.document, order), tie(hit.document.id)) for hit in answer.hits]
    last = pairs[-1]
    same = next((at for at, pair in enumerate(reversed(pairs)) if pair != last), len(pairs))
    if same == len(pairs) and (ask.place.value, ask.place.tie) == last:
        same += ask.place.skip
    return _write_cursor(query, Place(value=last[0], tie=last[1], skip=same, kept=ask.place.kept))


def _seal(query: Query) -> bytes:
    facts: Any = (query.text, query.kinds, sorted((name, sorted(v)) for name, v in query.filters.items()),
                  sorted(query.ranges.items()), query.sort)  # fmt: skip
    return hashlib.blake2b(msgspec.json.encode(facts), digest_size=6).digest()


def _write_cursor(query: Query, place: Place) -> str:
    return base64.urlsafe_b64encode(_seal(query) + msgspec.json.encode(place)).decode().rstrip("=")


def _read_cursor(query: Query) -> Place:
    text = query.cursor
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        if raw[:6] != _seal(query):
            raise BadCursor("the cursor belongs to another question")
        place = msgspec.json.decode(raw[6:], type=Place)
    except (binascii.Error, ValueError, msgspec.MsgspecError) as error:
        raise BadCursor("the cursor cannot be read") from error
    if not (0 <= place.offset <= DEEPEST and 0 <= place.skip <= DEEPEST and 0 <= place.tie < 2**19):
        raise BadCursor("the cursor points nowhere")
    if place.value is not None and not -1 <= place.value <= NEVER:
        raise BadCursor("the cursor points nowhere")
    return place
