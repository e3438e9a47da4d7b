"""What is most like a text somebody is writing: has this been done, learnt, bought or built already?

The most telling words of the text are those that it repeats and the index rarely has. Documents that hold two of them
together are looked for, for every pair; a document's likeness is the weight of all the words it was found by. Nothing
but searches behind the seam is used, so both engines give the same kind of answer, and the reasons are words that a
person can check.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import log

import msgspec

from search import words
from search.documents import Kind
from search.index import Ask, Hit, Index, Place, Reason
from search.words import Asked, Part

MOST_CONSIDERED = 40
MOST_TELLING = 6
MOST_CHARACTERS = 8_000
COMMON = 0.2
"""A word that more than this share of all documents has tells nothing."""


class Likeness(msgspec.Struct, frozen=True):
    """A document like the text: the words they share, the most telling first, and how much these weigh together."""

    hit: Hit
    shared: tuple[str, ...]
    weight: float


async def similar(
    index: Index,
    text: str,
    *,
    kinds: Sequence[Kind] = (),
    filters: Mapping[str, Sequence[str]] | None = None,
    without: Iterable[str] = (),
    limit: int = 5,
) -> tuple[Likeness, ...]:
    """The documents most like `text`, best first; ids in `without` (the text's own document) are left out.

    One shared word is a coincidence, so a document shares at least two.
    """
    where = {name: tuple(values) for name, values in (filters or {}).items() if values}
    if kinds:
        where["kind"] = tuple(kind.value for kind in kinds)
    ask = Ask(
        asked=Asked(), where=tuple(where.items()), ranges=(), order=None, place=Place(), limit=3 * limit,
        facets=() if kinds else ("kind",), aside=("kind",) if kinds else (),
    )  # fmt: skip
    weights = await _telling(index, ask, text)
    pairs = list(combinations(weights, 2))
    answers = await asyncio.gather(*(index._answer(_for(ask, pair)) for pair in pairs))
    unwanted = set(without)
    found: dict[str, Hit] = {}
    shared: dict[str, set[str]] = {}
    for pair, answer in zip(pairs, answers, strict=True):
        for hit in answer.hits:
            id_ = hit.document.id
            if id_ not in unwanted:
                found[id_] = _together(found[id_], hit) if id_ in found else hit
                shared.setdefault(id_, set()).update(pair)
    alike = [
        Likeness(
            hit, tuple(word for word in weights if word in shared[id_]), sum(weights[word] for word in shared[id_])
        )
        for id_, hit in found.items()
    ]
    alike.sort(key=lambda one: (-one.weight, -one.hit.document.popularity, one.hit.document.id))
    return tuple(alike[:limit])


async def _telling(index: Index, ask: Ask, text: str) -> dict[str, float]:
    """The most telling words with their weights, heaviest first."""
    said = Counter(
        word
        for word in words.tokens(text[:MOST_CHARACTERS])
        if len(word) >= 4 and not word.isdigit() and word not in words.UNASKED
    )
    considered = [word for word, _ in said.most_common(MOST_CONSIDERED)]
    everything, *totals = await index._totals([ask, *(_for(ask, (word,)) for word in considered)])
    weighed = {
        word: (1 + log(said[word])) * log(1 + everything / total)
        for word, total in zip(considered, totals, strict=True)
        if 0 < total <= max(3, everything * COMMON)
    }
    heaviest = sorted(weighed, key=lambda word: (-weighed[word], word))[:MOST_TELLING]
    return {word: weighed[word] for word in heaviest}


def _for(ask: Ask, some: Sequence[str]) -> Ask:
    """The words exactly as they are, all of them."""
    return msgspec.structs.replace(ask, asked=Asked(tuple(Part((word,), phrase=True) for word in some)))


def _together(one: Hit, other: Hit) -> Hit:
    """The same document found twice, with the reasons of both."""
    reasons: dict[str, dict[str, None]] = {}
    for reason in (*one.reasons, *other.reasons):
        reasons.setdefault(reason.field, {}).update(dict.fromkeys(reason.words))
    return msgspec.structs.replace(one, reasons=tuple(Reason(field, tuple(said)) for field, said in reasons.items()))
