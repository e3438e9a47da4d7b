"""How much of Meilisearch's own first page the embedded engine finds: 300 questions in groups, one line per group.

`python -m bench.search_quality [--size 20000]` indexes the corpus in both engines, asks both, and prints for each group
the overlap of the first ten results, whether Meilisearch's first one is among them, and how far totals and facet counts
differ. Every question says which group it belongs to; all are drawn from the corpus by a fixed seed.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from statistics import mean, median

from bench.search_corpus import NOW, REGIONS, Corpus
from search.documents import Kind, SearchDocument
from search.embedded import EmbeddedIndex
from search.index import Index, Query, Range, Results, Sort, read_synonyms
from search.meili import MeilisearchIndex
from search.words import UNASKED, tokens
from tests.search.engines import program, serving

TARGET = 0.92


async def flow(documents: Iterable[SearchDocument]) -> AsyncIterator[SearchDocument]:
    """An asynchronous iterator over them."""
    for document in documents:
        yield document


def misspell(word: str, chance: random.Random, times: int = 1) -> str:
    """The word with so many typos, never in its first letter."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    for _ in range(times):
        at = chance.randrange(1, len(word))
        way = chance.randrange(4)
        if way == 0:
            word = word[:at] + word[at + 1 :]
        elif way == 1:
            word = word[:at] + chance.choice(letters) + word[at:]
        elif way == 2:
            word = word[:at] + chance.choice(letters) + word[at + 1 :]
        elif at + 1 < len(word):
            word = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word


def questions(documents: Sequence[SearchDocument]) -> list[tuple[str, Query]]:
    """300 questions in eleven groups."""
    chance = random.Random(2026)

    def titled() -> list[str]:
        while True:
            words = [word for word in tokens(chance.choice(documents).title) if word not in UNASKED]
            if len(words) >= 2:
                return words

    def long_word(least: int) -> tuple[list[str], int]:
        while True:
            words = titled()[:4]
            places = [at for at, word in enumerate(words) if len(word) >= least and word.isalpha()]
            if places:
                return words, chance.choice(places)

    def topic(count: int) -> str:
        while True:
            text = tokens(chance.choice(documents).body)
            if len(text) > 40:
                at = chance.randrange(len(text) - 12)
                words = [word for word in text[at : at + 12] if word not in UNASKED and len(word) > 3]
                if len(words) >= count:
                    return " ".join(words[:count])

    asked: list[tuple[str, Query]] = []
    for _ in range(40):
        asked.append(("exact", Query(text=" ".join(titled()) + " ")))
    for _ in range(40):
        words = titled()[:3]
        cut = max(2, len(words[-1]) - chance.randrange(1, 5))
        asked.append(("prefix", Query(text=" ".join([*words[:-1], words[-1][:cut]]))))
    for _ in range(40):
        words, at = long_word(5)
        words[at] = misspell(words[at], chance)
        asked.append(("one typo", Query(text=" ".join(words) + " ")))
    for _ in range(30):
        words, at = long_word(9)
        words[at] = misspell(words[at], chance, 2)
        asked.append(("two typos", Query(text=" ".join(words) + " ")))
    for number in range(40):
        asked.append(("topic", Query(text=topic(1 + number % 3) + " ")))
    for _ in range(20):
        words = topic(3).split()
        words[0] = misspell(words[0], chance)
        words[-1] = words[-1][: max(3, len(words[-1]) - 2)]
        asked.append(("topic, typo, prefix", Query(text=" ".join(words))))
    for _ in range(15):
        words = titled()
        at = chance.randrange(len(words) - 1)
        asked.append(("phrase", Query(text=f'"{words[at]} {words[at + 1]}"')))
    for _ in range(15):
        words = topic(2).split()
        asked.append(("minus", Query(text=f"{words[0]} -{words[1]} ")))
    for number in range(30):
        filters = {"region": [chance.choice(REGIONS)]}
        if number % 3 == 0:
            filters["value_band"] = ["100k-500k", "500k-1m"]
        asked.append(
            ("filter", Query(text=topic(1), filters=filters, kinds=(Kind.CHALLENGE,) if number % 2 else (),
                             facets=("kind", "region", "year", "sector", "value_band"))),
        )  # fmt: skip
    for number in range(15):
        filters = {"sector": [f"{chance.choice((45, 48, 71, 72, 73, 79, 80, 85))}"]} if number % 2 else {}
        asked.append(("browse", Query(filters=filters, facets=("kind", "region", "year"))))
    for number in range(15):
        sort = (Sort.NEWEST, Sort.CLOSING_SOON, Sort.VALUE)[number % 3]
        asked.append(("sort", Query(text=topic(1), sort=sort, ranges={"closes_at": Range(at_least=NOW)})))
    return asked


def overlap(theirs: Results, ours: Results) -> float:
    """The share of the reference's first ten that the other has among its first ten; 1 when both found nothing."""
    wanted = {hit.document.id for hit in theirs.hits[:10]}
    found = {hit.document.id for hit in ours.hits[:10]}
    return len(wanted & found) / len(wanted) if wanted else float(not found)


def facet_difference(theirs: Results, ours: Results) -> float:
    """Counts that differ, as a share of all counts."""
    total = sum(sum(values.values()) for values in theirs.facets.values())
    apart = sum(
        abs(values.get(name, 0) - ours.facets[facet].get(name, 0))
        for facet, values in theirs.facets.items()
        for name in {*values, *ours.facets[facet]}
    )
    return apart / total if total else float(apart > 0)


async def compare(reference: Index, candidate: Index, asked: list[tuple[str, Query]], verbose: bool) -> float:
    """Ask both, print the table, and give back the overlap over all questions."""
    rows: dict[str, list[tuple[float, float, float, float, float, float]]] = {}
    for group, query in asked:
        started = time.perf_counter()
        theirs = await reference.search(query)
        between = time.perf_counter()
        ours = await candidate.search(query)
        ended = time.perf_counter()
        first = {hit.document.id for hit in theirs.hits[:1]} <= {hit.document.id for hit in ours.hits[:10]}
        share = overlap(theirs, ours)
        totals = abs(theirs.total - ours.total) / max(1, theirs.total)
        rows.setdefault(group, []).append(
            (share, float(first), totals, facet_difference(theirs, ours), between - started, ended - between)
        )
        if verbose and share < 0.9:
            print(f"  {share:.1f} {group:20} {query.text!r} {theirs.total} {ours.total}", theirs.relaxed, ours.relaxed)
            for at in range(10):
                left = theirs.hits[at].document if at < len(theirs.hits) else None
                right = ours.hits[at].document if at < len(ours.hits) else None
                print(f"      {left and left.title[:60]!s:62} | {right and right.title[:60]}")
    print(f"{'group':22}{'n':>4}{'overlap@10':>12}{'first found':>13}{'totals off':>12}{'facets off':>12}"
          f"{'Meilisearch ms':>16}{'embedded ms':>13}")  # fmt: skip
    everything = [row for many in rows.values() for row in many]
    for group, many in [*rows.items(), ("all", everything)]:
        share, first_found, totals, facets = (mean(row[at] for row in many) for at in range(4))
        print(f"{group:22}{len(many):>4}{share:>12.3f}{first_found:>13.3f}{totals:>12.2%}{facets:>12.2%}"
              f"{median(row[4] for row in many) * 1000:>16.1f}{median(row[5] for row in many) * 1000:>13.1f}")  # fmt: skip
    worst = sorted(row[5] for row in everything)
    print(
        f"embedded, all questions: p50 {median(worst) * 1000:.1f} ms, p99 {worst[int(len(worst) * 0.99)] * 1000:.1f} ms"
    )
    return mean(row[0] for row in everything)


async def main(size: int, verbose: bool) -> int:
    """Index, ask, print; 1 when the overlap is below the target."""
    path = program()
    if path is None:
        raise SystemExit("no Meilisearch server: run .ci/meilisearch.sh")
    documents = list(Corpus().documents(size))
    asked = questions(documents)
    assert len(asked) == 300
    with serving(path) as server, tempfile.TemporaryDirectory() as folder:
        reference = MeilisearchIndex(server.url, server.key, "quality", read_synonyms())
        candidate = EmbeddedIndex(Path(folder), read_synonyms())
        for name, index in (("Meilisearch", reference), ("embedded", candidate)):
            started = time.perf_counter()
            await index.rebuild(flow(documents))
            print(f"{name}: {size} documents indexed in {time.perf_counter() - started:.1f} s")
        reached = await compare(reference, candidate, asked, verbose)
        await reference.close()
        await candidate.close()
    print(f"overlap@10 of the embedded engine with Meilisearch: {reached:.3f} (target {TARGET})")
    return 0 if reached >= TARGET else 1


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=20_000)
    parser.add_argument("--verbose", action="store_true", help="show the questions on which the engines differ")
    given = parser.parse_args()
    sys.exit(asyncio.run(main(given.size, given.verbose)))
