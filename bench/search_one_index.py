"""One index with a kind in each document, or one index for each kind asked together: which answers sooner?

    python -m bench.search_one_index [--size 20000]

The corpus is put into a Meilisearch server twice: as the site keeps it, and parted into an index for each kind. The 300
questions of `search_quality` are then put to both in turns, by one client over one kept connection, nothing decoded:

- everything: twenty results in one order of relevance, six facets counted, and the count of each kind (one request with
  the facet `kind`, against a federated search whose facets are merged);
- one tab: twenty results of one kind with its facets, and the counts of the other kinds beside it.

It also prints how many of the first ten results the two have in common, because scores of different indexes are merged by
a rule of the server's own.
"""

from __future__ import annotations

import argparse
import asyncio
import time
from statistics import mean, median
from typing import Any

import msgspec

from bench.search_corpus import Corpus
from bench.search_quality import flow, questions
from search.documents import Kind, SearchDocument
from search.index import Ask, Index, Query, _understand, read_synonyms
from search.meili import _HITS, MeilisearchIndex, _bounds, _choice
from tests.search.engines import program, serving

FACETS = ("stage", "sector", "region", "value_band", "year", "source")
KINDS = (Kind.SUPPLIER, Kind.CHALLENGE, Kind.TENDER, Kind.NOTICE)
"""Those that the corpus has."""


def asked(index: MeilisearchIndex, ask: Ask, *more: str) -> dict[str, Any]:
    """A question to one index, with these conditions besides the question's own."""
    where = [*map(_choice, ask.without("kind")), *_bounds(ask), *more]
    return index._question(ask, where)


def together(one: MeilisearchIndex, ask: Ask) -> dict[str, Any]:
    """Everything, of the one index."""
    return {"queries": [asked(one, ask) | _HITS | {"limit": 20, "facets": ["kind", *FACETS]}]}


def federated(parted: dict[Kind, MeilisearchIndex], ask: Ask) -> dict[str, Any]:
    """Everything, of all the indexes."""
    counted = {index._uid: list(FACETS) for index in parted.values()}
    return {
        "federation": {"limit": 20, "facetsByIndex": counted, "mergeFacets": {"maxValuesPerFacet": 200}},
        "queries": [asked(index, ask) | _HITS for index in parted.values()],
    }


def one_tab(one: MeilisearchIndex, ask: Ask, kind: Kind) -> dict[str, Any]:
    """One kind and the counts of all, of the one index."""
    chosen = asked(one, ask, f'kind = "{kind.value}"') | _HITS | {"limit": 20, "facets": list(FACETS)}
    return {"queries": [chosen, asked(one, ask) | {"limit": 0, "facets": ["kind"]}]}


def tab_of_many(parted: dict[Kind, MeilisearchIndex], ask: Ask, kind: Kind) -> dict[str, Any]:
    """One kind and the counts of all, of the indexes."""
    chosen = asked(parted[kind], ask) | _HITS | {"limit": 20, "facets": list(FACETS)}
    return {"queries": [chosen, *(asked(each, ask) | {"limit": 0} for at, each in parted.items() if at is not kind)]}


async def main(size: int) -> None:
    """Fill, ask in turns, print."""
    path = program()
    if path is None:
        raise SystemExit("no Meilisearch server: run .ci/meilisearch.sh")
    documents: list[SearchDocument] = list(Corpus().documents(size))
    with serving(path) as server:
        one = MeilisearchIndex(server.url, server.key, "one", read_synonyms())
        parted = {kind: MeilisearchIndex(server.url, server.key, f"of_{kind.value}", read_synonyms()) for kind in KINDS}
        indexes: list[Index] = [one, *parted.values()]
        for index, some in [
            (one, documents),
            *((each, [d for d in documents if d.kind is kind]) for kind, each in parted.items()),
        ]:
            await index.rebuild(flow(some))
        wire = one._asked_over()

        async def ask(body: dict[str, Any]) -> tuple[float, list[str]]:
            sent = msgspec.json.encode(body)
            began = time.perf_counter()
            status, answer = await wire.post("/multi-search", sent)
            took = time.perf_counter() - began
            if status != 200:
                raise SystemExit(answer.decode())
            found = msgspec.json.decode(answer)
            return took, [
                f"{hit['kind']}:{hit['ref']}"
                for hit in found.get("hits", (found.get("results") or [{}])[0].get("hits", ()))
            ]

        for label, first, second in (
            ("everything", lambda a, k: together(one, a), lambda a, k: federated(parted, a)),
            ("one tab", lambda a, k: one_tab(one, a, k), lambda a, k: tab_of_many(parted, a, k)),
        ):
            took: tuple[list[float], list[float]] = ([], [])
            alike = []
            for number, (_, query) in enumerate(questions(documents)):
                plain = _understand(msgspec.structs.replace(query, kinds=(), sort=Query().sort))
                kind = KINDS[number % len(KINDS)]
                for turn in range(3):
                    pair = [await ask(make(plain, kind)) for make in (first, second)]
                    if turn:
                        took[0].append(pair[0][0])
                        took[1].append(pair[1][0])
                ours, theirs = set(pair[0][1][:10]), set(pair[1][1][:10])
                alike.append(len(ours & theirs) / len(ours) if ours else float(not theirs))
            a, b = (median(each) * 1000 for each in took)
            print(
                f"{label}: one index {a:.1f} ms, {len(parted)} indexes {b:.1f} ms, ratio {b / a:.2f}; first ten in common {mean(alike):.3f}"
            )
        for index in indexes:
            await index.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, default=20_000)
    asyncio.run(main(parser.parse_args().size))
