"""How fast searching is beside the bare engines: ratios measured in one run, with the same questions.

`python -m bench.search_speed [--size 20000] [--engine both] [--beside 1000000]` prints, with and without facets:

- Meilisearch: the whole search through the seam against the bare server's answer to the very same request (same
  connection, nothing decoded), and the processor time that our process spends on a search;
- embedded: median and 99th percentile, against the bare library finding the first twenty documents for the same words
  with its own query parser (no typos, no facets, no ranking, no marks), which is the least any search could cost;
- with `--beside`: how much longer Meilisearch takes with that many documents than with `--size` of them, both on one server
  and asked in turns.

Latencies are of one client. The questions are those of `search_quality`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from statistics import median

import msgspec

from bench.search_corpus import Corpus
from bench.search_quality import flow, questions
from search.documents import SearchDocument
from search.embedded import EmbeddedIndex
from search.index import Index, Query, read_synonyms
from search.meili import MeilisearchIndex
from search.words import asked_by
from tests.search.engines import program, serving

FACETS = ("kind", "stage", "sector", "region", "value_band", "year")


def percentile(times: Sequence[float], share: float) -> float:
    """In milliseconds."""
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000


async def clocked(work: Callable[[], Awaitable[object]]) -> float:
    """Seconds that it took."""
    started = time.perf_counter()
    await work()
    return time.perf_counter() - started


async def through_meilisearch(index: MeilisearchIndex, asked: list[Query]) -> None:
    """Each question twice: through the seam, and its recorded requests bare."""
    sent: list[bytes] = []
    multi_search = index._multi_search

    async def recording(requests: list[dict[str, object]]) -> list[object]:
        sent.append(msgspec.json.encode({"queries": requests}))
        return await multi_search(requests)  # type: ignore[return-value]

    async def bare(bodies: list[bytes]) -> None:
        for body in bodies:
            await index._asked_over().post("/multi-search", body)

    for label, facets in (("without facets", ()), ("with facets", FACETS)):
        ours: list[float] = []
        theirs: list[float] = []
        plain = [msgspec.structs.replace(query, facets=facets) for query in asked]
        recorded: list[list[bytes]] = []
        index._multi_search = recording  # type: ignore[method-assign, assignment]
        for query in plain:
            sent.clear()
            await index.search(query)
            recorded.append(list(sent))
        index._multi_search = multi_search  # type: ignore[method-assign]
        for query, bodies in zip(plain, recorded, strict=True):
            theirs.append(await clocked(lambda bodies=bodies: bare(bodies)))  # type: ignore[misc]
            ours.append(await clocked(lambda query=query: index.search(query)))  # type: ignore[misc]
        spent = time.process_time()
        for query in plain:
            await index.search(query)
        cpu = (time.process_time() - spent) / len(plain) * 1000
        spent = time.process_time()
        for bodies in recorded:
            await bare(bodies)
        bare_cpu = (time.process_time() - spent) / len(plain) * 1000
        each = median(a / b for a, b in zip(ours, theirs, strict=True))
        print(f"Meilisearch, {label}: p50 {percentile(ours, 0.5):.1f} ms, p99 {percentile(ours, 0.99):.1f} ms;"
              f" bare server p50 {percentile(theirs, 0.5):.1f} ms; ratio of medians"
              f" {median(ours) / median(theirs):.2f}, median of ratios {each:.2f};"
              f" processor {cpu:.2f} ms per search, of which the bare request {bare_cpu:.2f} ms")  # fmt: skip


async def through_embedded(index: EmbeddedIndex, asked: list[Query]) -> None:
    """Each question through the seam and through the bare library."""
    reader = index._open()

    def bare(query: Query) -> None:
        searcher = reader.searcher()
        said = " ".join(word for part in asked_by(query.text).parts for word in part.words) or "*"
        parsed = reader.index.parse_query(said.lower(), ["words"], conjunction_by_default=True)
        for _, address in searcher.search(parsed, limit=20).hits:
            searcher.doc(address)

    for label, facets in (("without facets", ()), ("with facets", FACETS)):
        plain = [msgspec.structs.replace(query, facets=facets) for query in asked]
        ours: list[float] = []
        theirs: list[float] = []
        for query in plain[:30]:
            await index.search(query)
        for query in plain:
            started = time.perf_counter()
            bare(query)
            theirs.append(time.perf_counter() - started)
            ours.append(await clocked(lambda query=query: index.search(query)))  # type: ignore[misc]
        spent = time.process_time()
        for query in plain:
            await index.search(query)
        cpu = (time.process_time() - spent) / len(plain) * 1000
        print(f"embedded, {label}: p50 {percentile(ours, 0.5):.1f} ms, p90 {percentile(ours, 0.9):.1f} ms,"
              f" p99 {percentile(ours, 0.99):.1f} ms; bare library p50 {percentile(theirs, 0.5):.1f} ms;"
              f" ratio of medians {median(ours) / median(theirs):.1f}; processor {cpu:.1f} ms per search")  # fmt: skip


async def at_two_sizes(small: MeilisearchIndex, large: MeilisearchIndex, asked: list[Query]) -> None:
    """Each question to both, in turns, twice; the second time counts."""
    for label, facets in (("without facets", ()), ("with facets", FACETS)):
        plain = [msgspec.structs.replace(query, facets=facets) for query in asked]
        took: tuple[list[float], list[float]] = ([], [])
        for turn in range(2):
            for query in plain:
                for times, index in zip(took, (small, large), strict=True):
                    seconds = await clocked(lambda query=query, index=index: index.search(query))  # type: ignore[misc]
                    if turn:
                        times.append(seconds)
        few, many = took
        print(f"Meilisearch, {label}: p50 {percentile(few, 0.5):.1f} and {percentile(many, 0.5):.1f} ms, p99"
              f" {percentile(few, 0.99):.1f} and {percentile(many, 0.99):.1f} ms, ratio of medians"
              f" {median(many) / median(few):.2f}")  # fmt: skip


async def fill(index: Index, size: int, keep: bool) -> None:
    """Index the corpus, unless a kept index already holds it."""
    if keep and not await index.prepare() and len(await index.ids()) == size:
        return
    started = time.perf_counter()
    await index.rebuild(flow(Corpus().documents(size)))
    print(f"{size} documents made and indexed in {time.perf_counter() - started:.0f} s", flush=True)


async def writes(index: Index, sample: list[SearchDocument]) -> None:
    """Until what was written can be found."""
    for count in (1, 100, 1000):
        times = [await clocked(lambda count=count: index.upsert(sample[:count])) for _ in range(5)]  # type: ignore[misc]
        print(f"  {count:>5} documents written and findable after {median(times) * 1000:.0f} ms")


async def main(size: int, engine: str, folder: Path | None, beside: int) -> None:
    """Fill, ask, print."""
    sample = list(Corpus().documents(20_000))
    asked = [query for _, query in questions(sample)]
    gc.collect()
    gc.freeze()
    if engine in ("both", "embedded"):
        with tempfile.TemporaryDirectory() as temporary:
            embedded = EmbeddedIndex(folder or Path(temporary), read_synonyms())
            await fill(embedded, size, keep=folder is not None)
            await through_embedded(embedded, asked)
            await writes(embedded, sample)
            await embedded.close()
    path = program()
    if engine in ("both", "meilisearch"):
        if path is None:
            raise SystemExit("no Meilisearch server: run .ci/meilisearch.sh")
        with serving(path, memory="4GiB" if max(size, beside) > 100_000 else "512MiB") as server:
            meilisearch = MeilisearchIndex(server.url, server.key, "speed", read_synonyms())
            await fill(meilisearch, size, keep=False)
            if beside:
                large = MeilisearchIndex(server.url, server.key, "beside", read_synonyms())
                await fill(large, beside, keep=False)
                await at_two_sizes(meilisearch, large, asked)
                await large.close()
            await through_meilisearch(meilisearch, asked)
            await writes(meilisearch, sample)
            await meilisearch.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--engine", choices=("both", "meilisearch", "embedded"), default="both")
    parser.add_argument("--folder", type=Path, help="keep the embedded index here and use it again")
    parser.add_argument("--beside", type=int, default=0, help="compare with an index of that many documents")
    given = parser.parse_args()
    asyncio.run(main(given.size, given.engine, given.folder, given.beside))
