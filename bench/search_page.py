"""How fast the search page is, asked for over HTTP, beside the bare engine's own answer to the same question.

    python -m bench.search_page [--size 200000] [--engine meilisearch] [--folder DIR]

The corpus is put into a Meilisearch server (or an embedded index) in DIR, once for each size, and kept there; the site is
served by one granian process with production settings. One client with one connection asks each of the 300 questions of
`search_quality` in turns: the page (twenty rows, tabs, every filter counted), the same as JSON, the same as JSON without
filters counted, and beside each the bare engine: for Meilisearch the very requests that the site made for it, over one
kept-alive connection of the same client, nothing decoded. Ratios are of medians. Processor time is that of the serving
process, by the system's account, while eight connections ask; a bare Litestar application with one small answer, served in the same way, says what
the least request costs.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import parse_qsl

import msgspec

from bench.journey import CONNECTIONS, SERVE_BARE, Server, free_port
from bench.search_corpus import Corpus
from bench.search_quality import flow, questions
from market import clock, db
from market.settings import ROOT
from search import queries
from search.embedded import EmbeddedIndex
from search.index import Index, Query, read_synonyms
from search.meili import MeilisearchIndex
from tests.search import engines

ROUNDS = 3
"""Times that each question is asked for the processor's account."""


@dataclass
class Asked:
    """One address of the site, and what the site itself asks the engine for it."""

    path: str
    bodies: list[bytes]


class Client:
    """One kept-alive connection, and nothing done with the answers but to read them."""

    def __init__(self, port: int, headers: str = "") -> None:
        self.port, self.headers = port, headers

    async def open(self) -> Client:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**22)
        return self

    async def ask(self, path: str, body: bytes | None = None) -> float:
        """Seconds until the whole answer was there."""
        head = f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: localhost\r\n{self.headers}"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        began = time.perf_counter()
        self.writer.write(f"{head}\r\n".encode() + (body or b""))
        answer = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        if not answer.startswith(b"http/1.1 200"):
            raise SystemExit(f"{path} answered {answer.splitlines()[0].decode()}")
        if b"content-length:" in answer:
            await self.reader.readexactly(int(answer.split(b"content-length:")[1].split(b"\r\n")[0]))
        else:
            while size := int(await self.reader.readline(), 16):
                await self.reader.readexactly(size + 2)
            await self.reader.readexactly(2)
        return time.perf_counter() - began


def address_of(query: Query) -> str:
    """The address that asks a benchmark's question of the site."""
    names = {facet: name for name, facet in queries.FACETS.items()}
    chosen = tuple((names[facet], value) for facet, values in query.filters.items() for value in values)
    kind = query.kinds[0] if query.kinds else None
    asked = queries.Asked(query.text, kind, chosen, query.sort, open_only=bool(query.ranges))
    return asked.address()


async def what_is_asked(index: MeilisearchIndex, query: Query) -> list[bytes]:
    """The requests to the engine that a question of the site makes."""
    made: list[bytes] = []
    really = index._multi_search

    async def listening(requests: list[dict[str, object]]) -> list[object]:
        made.append(msgspec.json.encode({"queries": requests}))
        return await really(requests)  # type: ignore[return-value]

    index._multi_search = listening  # type: ignore[method-assign, assignment]
    await index.search(query)
    index._multi_search = really  # type: ignore[method-assign]
    return made


async def filled(index: Index, size: int) -> None:
    """The corpus in the index, unless it is there."""
    if not await index.prepare() and len(await index.ids()) == size:
        return
    began = time.perf_counter()
    await index.rebuild(flow(Corpus().documents(size)))
    print(f"{size:,} documents made and indexed in {time.perf_counter() - began:.0f} s", flush=True)


def site(folder: Path, **more: str) -> Server:
    """The site in production settings, over a database without rows."""
    environment = os.environ | {
        "PRELUDE_VAR": str(folder), "PRELUDE_SECRET": secrets.token_hex(32), "PRELUDE_ENV": "production",
        "SITE_URL": "https://localhost", "PRELUDE_PROXIES": "127.0.0.1", "STRIPE_KEY": "simulated", "SMTP_URL": "none",
        "MEILISEARCH_URL": "embedded", "PYTHONPATH": f"{ROOT}:{ROOT}/bench", **more,
    }  # fmt: skip
    port = free_port()
    return Server([sys.executable, "-m", "market", "serve", "--port", str(port)], environment, port, "/about")


async def measured(
    label: str, served: Server, paths: list[str], bare: tuple[int, str] | None, bodies: list[list[bytes]]
) -> None:
    """Each address in turns with its bare requests; then all of them again for the processor's account."""
    ours = await Client(served.port, "Accept: text/html, application/json\r\n").open()
    theirs = await Client(bare[0], f"Authorization: Bearer {bare[1]}\r\n").open() if bare else None
    took: list[float] = []
    least: list[float] = []
    for path, many in zip(paths, bodies, strict=True):
        for turn in range(2):
            alone = sum([await theirs.ask("/multi-search", body) for body in many]) if theirs else 0.0
            with_site = await ours.ask(path)
            if turn:
                least.append(alone)
                took.append(with_site)
    asking = [await Client(served.port, ours.headers).open() for _ in range(CONNECTIONS)]
    waiting = iter([*paths] * ROUNDS)

    async def in_turns(client: Client) -> None:
        for path in waiting:
            await client.ask(path)

    before, began = served.spent(), time.perf_counter()
    await asyncio.gather(*map(in_turns, asking))
    lasted, cost = time.perf_counter() - began, (served.spent() - before) / (ROUNDS * len(paths)) * 1000
    took_sorted = sorted(took)
    said = f"{label}: p50 {median(took) * 1000:.1f} ms, p99 {took_sorted[int(len(took) * 0.99)] * 1000:.1f} ms"
    if bare:
        each = median(a / b for a, b in zip(took, least, strict=True))
        said += f"; bare engine p50 {median(least) * 1000:.1f} ms; ratio of medians {median(took) / median(least):.2f}"
        said += f", median of ratios {each:.2f}"
    print(
        f"{said}; {CONNECTIONS} at once: {ROUNDS * len(paths) / lasted:.0f} a second, processor {cost:.2f} ms each",
        flush=True,
    )


async def least_request() -> None:
    """What a request costs in which nothing happens."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT}/bench"}
    port = free_port()
    served = Server([sys.executable, "-c", SERVE_BARE, str(port)], environment, port, "/")
    try:
        await measured("bare Litestar answer", served, ["/"] * 300, None, [[]] * 300)
    finally:
        served.stop()


def begin(folder: Path) -> None:
    """A database without rows in the folder, for all that is served."""
    os.environ.pop("MEILISEARCH_URL", None)
    os.environ["PRELUDE_VAR"] = str(folder)
    os.environ["DATABASE_URL"] = db.database_url()
    subprocess.run([sys.executable, "-m", "market", "migrate"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


async def main(sizes: list[int], engine: str, folder: Path) -> None:
    """Fill, serve, ask, print."""
    asked = [query for _, query in questions(list(Corpus().documents(20_000)))]
    addresses = [address_of(query) for query in asked]
    await least_request()
    for size in sizes:
        print(f"{size:,} documents, {engine}", flush=True)
        here = folder / f"{engine}-{size}"
        here.mkdir(parents=True, exist_ok=True)
        if engine == "embedded":
            embedded = EmbeddedIndex(here / "search", read_synonyms())
            await filled(embedded, size)
            await embedded.close()
            served = site(here)
            try:
                await ask_all(served, addresses, None, asked, None)
            finally:
                served.stop()
            continue
        path = engines.program()
        if path is None:
            raise SystemExit("no Meilisearch server: run .ci/meilisearch.sh")
        with engines.serving(path, kept=here, memory="4GiB" if size > 100_000 else "512MiB") as server:
            index = MeilisearchIndex(server.url, server.key, "prelude", read_synonyms())
            await filled(index, size)
            served = site(here, MEILISEARCH_URL=server.url, MEILISEARCH_KEY=server.key)
            try:
                await ask_all(served, addresses, (int(server.url.rpartition(":")[2]), server.key), asked, index)
            finally:
                served.stop()
                await index.close()


async def ask_all(
    served: Server,
    addresses: list[str],
    bare: tuple[int, str] | None,
    asked: list[Query],
    index: MeilisearchIndex | None,
) -> None:
    """The page, the JSON answer, and the JSON answer without counts."""
    for label, path, facets in (("page", "/search", True), ("JSON", "/api/v1/search", True),
                                ("JSON without filters counted", "/api/v1/search", False)):  # fmt: skip
        paths = [f"{path}{address.removeprefix('/search')}" for address in addresses]
        if not facets:
            paths = [f"{each}{'&' if '?' in each else '?'}counts=0" for each in paths]
        bodies: list[list[bytes]] = [[] for _ in paths]
        if index is not None:
            for place, address in enumerate(addresses):
                said = queries.asked_in(parse_qsl(address.partition("?")[2])).query(clock.now(), facets=facets)
                bodies[place] = await what_is_asked(index, said)
        await measured(label, served, paths, bare, bodies)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--size", type=int, nargs="+", default=[20_000])
    parser.add_argument("--engine", choices=("meilisearch", "embedded"), default="meilisearch")
    parser.add_argument("--folder", type=Path, help="where the indexes are kept; a temporary folder by default")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = given.folder or Path(temporary)
        begin(place)
        asyncio.run(main(given.size, given.engine, place))
