"""Load the real firms and problem statements as a demonstration, so that searching them can be felt and put under load.

    python -m bench.corpus [DIR] [--limit N] [--into FOLDER]

DIR is the folder of real data beside the repository (`../shared/data`, or `$PRELUDE_SHARED_DATA`). Everything goes into a
database and an index of its own, in FOLDER (`var/corpus`); serve it with `PRELUDE_VAR=FOLDER python -m market serve`.
Firms, their projects and the problem statements are real; closing dates are spread over the year so that filters have
something to do, and nothing stands in the log, because nobody did anything. So it is never loaded in production, nor
beside rows or documents that something else wrote.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.search_corpus import ROOT, _text, data_folder

if TYPE_CHECKING:
    from search.index import Index

BODY = "Demonstration of real problem statements"
AT_ONCE = 500
QUESTIONS = (
    "thermometer", "cooling of turbine blades", "hypersonic", "underwater acoustic sensor", "machine lerning", "photonic cristal",
    "wireless power", "\"additive manufacturing\"", "lidar -aircraft", "vaccine", "soil moisture", "cyber securty", "hydrogen storage",
    "polymer coating corrosion", "brain computer", "satelite propulsion", "water treatment membrane", "speech recognition",
)  # fmt: skip


def _lines(file: Path, limit: int) -> Iterator[dict[str, Any]]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        yield from (json.loads(line) for line in islice(lines, limit))


def _batches(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(islice(rows, AT_ONCE)):
        yield batch


async def _holds_documents(index: Index) -> bool:
    """Whether there is anything to be lost in this index; one that was never built holds nothing."""
    from search.index import IndexUnavailable

    try:
        return bool(await index.ids())
    except IndexUnavailable:
        return False


async def load(folder: Path, limit: int) -> int:
    """Fill an empty database and its index; answers the exit code."""
    from challenges.tables import Challenge
    from market import clock, db, migrations
    from market.accounts.tables import Organisation, Person
    from market.rulings.texts import register_first
    from market.suppliers.tables import Profile
    from search import outbox
    from search.index import IndexUnavailable, Query
    from search.queries import FACETS, FILTERS

    await migrations.migrate()
    async with db.pool(4):
        if await Organisation.count() or await Challenge.count():
            print("Refused: this database holds rows already. Name an empty one, or another folder.", file=sys.stderr)
            return 2
        if await _holds_documents(outbox.index()):
            print("Refused: this index holds documents already, and they would be replaced.", file=sys.stderr)
            return 2
        await register_first()
        began, now = time.perf_counter(), clock.now()
        body = Organisation(name=BODY, kind="buyer", tier="central", created_at=now)
        await body.save()
        nobody = Person(name="Nobody", email="nobody@demonstration.example", created_at=now)
        await nobody.save()
        firms = 0
        for batch in _batches(_lines(folder / "suppliers" / "us-sbir-firms-to-2013.jsonl.gz", limit)):
            rows = [
                Organisation(
                    name=_text(each["name"], 200) or "Unnamed firm", kind="supplier", country="US", created_at=now
                )
                for each in batch
            ]
            ids = [row["id"] for row in await Organisation.insert(*rows).returning(Organisation.id)]
            await Profile.insert(*(_profile(firm, each, now) for firm, each in zip(ids, batch, strict=True)))
            firms += len(batch)
        problems = 0
        for batch in _batches(_lines(folder / "challenges" / "us-sbir-topics.jsonl.gz", limit)):
            await Challenge.insert(
                *(
                    Challenge(
                        buyer=body.id,
                        title=_text(each["Topic Name"], 300) or "Untitled",
                        problem=_text(each["Description"], 8000),
                        created_at=now,
                        created_by=nobody.id,
                        published_at=now - timedelta(days=(problems + at) % 365),
                        closes_at=now + timedelta(days=(problems + at) * 7 % 240 - 180),
                    )
                    for at, each in enumerate(batch)
                )
            )
            problems += len(batch)
        print(f"{firms:,} firms and {problems:,} problem statements in {time.perf_counter() - began:.0f} s")
        began = time.perf_counter()
        print(f"{await outbox.reindex():,} documents in the index in {time.perf_counter() - began:.0f} s")
        facets = tuple(FACETS[name] for name in FILTERS if name != "cpv")
        times = []
        try:
            for question in QUESTIONS * 5:
                asked = time.perf_counter()
                await outbox.index().search(Query(text=question, facets=facets))
                times.append((time.perf_counter() - asked) * 1000)
        except IndexUnavailable as down:
            print(f"The index does not answer: {down}", file=sys.stderr)
            return 1
        worst = statistics.quantiles(times, n=100)[98]
        print(
            f"{len(times)} searches with all filters counted: median {statistics.median(times):.1f} ms, p99 {worst:.0f} ms"
        )
        await outbox.index().close()
    return 0


def _profile(firm: int, told: dict[str, Any], now: Any) -> Any:
    from market.suppliers.tables import Profile

    projects = [each for each in told["awards"] if each.get("title") and each["title"] != "N/A"]
    titles = list(dict.fromkeys(_text(each["title"], 160) for each in projects))
    return Profile(
        organisation=firm,
        summary="; ".join(titles[:3]),
        description="\n\n".join(_text(each.get("abstract"), 1500) for each in projects[:4]),
        capabilities=titles[:8],
        updated_at=now,
    )


def main() -> int:
    """Read the arguments, refuse what must not be, load."""
    parser = argparse.ArgumentParser(prog="python -m bench.corpus", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="the folder of real data")
    parser.add_argument("--limit", type=int, default=1_000_000, help="at most so many firms and so many statements")
    parser.add_argument("--into", type=Path, default=ROOT / "var" / "corpus", help="where its database and index live")
    given = parser.parse_args()
    if os.environ.get("PRELUDE_ENV") == "production":
        print("Refused: this is a demonstration, and PRELUDE_ENV says production.", file=sys.stderr)
        return 2
    folder = given.folder or data_folder()
    if not (folder / "suppliers").is_dir():
        print(f"Refused: there is no folder of firms in {folder}.", file=sys.stderr)
        return 2
    os.environ["PRELUDE_VAR"] = str(given.into.resolve())
    code = asyncio.run(load(folder, given.limit))
    if code == 0:
        print(f"Serve it: PRELUDE_VAR={os.environ['PRELUDE_VAR']} python -m market serve")
    return code


if __name__ == "__main__":
    sys.exit(main())
