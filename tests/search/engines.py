"""A real Meilisearch on a free loopback port, for tests and benchmarks; stopped by its process when they are over."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from search.documents import SearchDocument
from search.embedded import EmbeddedIndex
from search.index import SCHEMA_VERSION, Index, read_synonyms
from search.meili import MeilisearchIndex
from tests.processes import free_port
from tests.search import given
from tests.waiting import LONGEST, until

ROOT = Path(__file__).resolve().parent.parent.parent


class Server:
    """A server of our own: where it listens, what opens it; it can be killed and begun again with what it kept."""

    process: subprocess.Popen[bytes]

    def __init__(self, path: str, folder: str, memory: str) -> None:
        port = free_port()
        self.url, self.key = f"http://127.0.0.1:{port}", secrets.token_hex(16)
        self._folder = folder
        self._command = [
            path, "--http-addr", f"127.0.0.1:{port}", "--db-path", f"{folder}/data", "--dump-dir", f"{folder}/dumps",
            "--master-key", self.key, "--no-analytics", "--max-indexing-memory", memory,
        ]  # fmt: skip

    def begin(self) -> None:
        """Start it, and wait until it is healthy."""
        self.process = subprocess.Popen(
            self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=self._folder
        )
        _wait_until_healthy(self.url, self.process)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.process.kill()
        self.process.wait()

    def lose(self) -> None:
        """Begin again with nothing, as a server does whose disk is gone."""
        self.kill()
        shutil.rmtree(f"{self._folder}/data")
        self.begin()


def program() -> str | None:
    """The server's program: on the PATH, or fetched by `.ci/meilisearch.sh`."""
    fetched = ROOT / "var" / "meilisearch" / "meilisearch"
    return shutil.which("meilisearch") or (str(fetched) if fetched.exists() else None)


@contextmanager
def serving(path: str, *, memory: str = "512MiB", kept: Path | None = None) -> Iterator[Server]:
    """Start the program, wait until it is healthy, stop it in the end; what it kept goes too, unless a folder was named."""
    folder = str(kept) if kept else tempfile.mkdtemp(prefix="prelude-meilisearch-")
    server = Server(path, folder, memory)
    try:
        server.begin()
        yield server
    finally:
        server.process.terminate()
        try:
            server.process.wait(timeout=LONGEST)
        except subprocess.TimeoutExpired:
            server.kill()
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


def _wait_until_healthy(url: str, process: subprocess.Popen[bytes]) -> None:
    def healthy() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"meilisearch stopped at once with code {process.returncode}")
        try:
            with urllib.request.urlopen(f"{url}/health", timeout=LONGEST):
                return True
        except (urllib.error.URLError, OSError):
            return False

    until(healthy, lambda: "meilisearch never becomes healthy")


def needed_program() -> str:
    """The server's program. Without it: skipped, or failed where `CI=true` promises it."""
    path = program()
    if path is None:
        reason = "no Meilisearch server: run .ci/meilisearch.sh, or put meilisearch on the PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


@pytest.fixture(scope="session")
def meilisearch_server() -> Iterator[Server]:
    """One server for the whole run."""
    with serving(needed_program()) as server:
        yield server


ENGINES = ["embedded", pytest.param("meilisearch", marks=pytest.mark.meilisearch)]


def opened(request: pytest.FixtureRequest, folder: Path) -> Index:
    """A new index of the engine that the test is run with."""
    if request.param == "embedded":
        return EmbeddedIndex(folder, read_synonyms())
    server: Server = request.getfixturevalue("meilisearch_server")
    return MeilisearchIndex(server.url, server.key, f"test_{secrets.token_hex(4)}", read_synonyms())


@pytest.fixture(params=ENGINES)
async def index(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Index]:
    """An empty, prepared index of either engine, for tests that write."""
    engine = opened(request, tmp_path)
    await engine.prepare()
    yield engine
    await engine.close()


@pytest.fixture(scope="session", params=ENGINES)
async def shelf(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Index]:
    """An index of either engine filled with :data:`tests.search.given.DOCUMENTS`; tests only read it."""
    engine = opened(request, tmp_path_factory.mktemp("shelf"))
    await engine.upsert(given.DOCUMENTS)
    yield engine
    await engine.close()


@pytest.fixture(scope="session", params=ENGINES)
async def warehouses(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Index]:
    """260 documents that are nearly equal, for paging; tests only read it."""
    engine = opened(request, tmp_path_factory.mktemp("warehouses"))
    await engine.upsert(given.many(260))
    yield engine
    await engine.close()


ASKING = ("outbox", "pages", "api", "saved.actions", "saved.feeds", "precedents.actions")
"""The modules of search that ask the engine of the process."""


@asynccontextmanager
async def used(made: Index, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Index]:
    """While inside, the whole application searches and writes this index, which begins complete and empty."""
    await made.prepare()
    await made.rebuild(_nothing())
    for module in ASKING:
        monkeypatch.setattr(f"search.{module}.index", lambda: made)
    yield made
    await made.close()


async def _nothing() -> AsyncIterator[SearchDocument]:
    for nothing in ():
        yield nothing


@pytest.fixture
async def embedded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: None) -> AsyncIterator[Index]:
    """The embedded index in a folder of its own, used by the whole application."""
    async with used(EmbeddedIndex(tmp_path / "search", read_synonyms()), monkeypatch) as made:
        yield made


@pytest.fixture(params=ENGINES)
async def either(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: None
) -> AsyncIterator[Index]:
    """An index of either engine, used by the whole application."""
    async with used(opened(request, tmp_path / "search"), monkeypatch) as made:
        yield made


def _nobody_listens(request: pytest.FixtureRequest, folder: Path) -> Index:
    return MeilisearchIndex(f"http://127.0.0.1:{free_port()}", "key", "prelude", read_synonyms())


def _wrong_key(request: pytest.FixtureRequest, folder: Path) -> Index:
    server: Server = request.getfixturevalue("meilisearch_server")
    return MeilisearchIndex(server.url, "not the key", "prelude", read_synonyms())


def _never_built_on_the_server(request: pytest.FixtureRequest, folder: Path) -> Index:
    server: Server = request.getfixturevalue("meilisearch_server")
    return MeilisearchIndex(server.url, server.key, "never_built", read_synonyms())


def _never_built(request: pytest.FixtureRequest, folder: Path) -> Index:
    return EmbeddedIndex(folder / "nothing", read_synonyms())


def _damaged(request: pytest.FixtureRequest, folder: Path) -> Index:
    generation = folder / f"v{SCHEMA_VERSION}-damaged"
    generation.mkdir()
    (generation / "meta.json").write_text("{ not what it was")
    (folder / "current").write_text(generation.name)
    return EmbeddedIndex(folder, read_synonyms())


def _of_another_version(request: pytest.FixtureRequest, folder: Path) -> Index:
    (folder / "v0-old").mkdir()
    (folder / "v0-old" / "meta.json").write_text("{}")
    (folder / "current").write_text("v0-old")
    return EmbeddedIndex(folder, read_synonyms())


@pytest.fixture(
    params=[
        pytest.param(_nobody_listens, id="nobody-listens"),
        pytest.param(_wrong_key, id="wrong-key", marks=pytest.mark.meilisearch),
        pytest.param(_never_built_on_the_server, id="never-built-on-the-server", marks=pytest.mark.meilisearch),
        pytest.param(_never_built, id="never-built"),
        pytest.param(_damaged, id="damaged"),
        pytest.param(_of_another_version, id="of-another-version"),
    ]
)
async def unavailable(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Index]:
    """An index that cannot answer, for each of the reasons there are."""
    engine: Index = request.param(request, tmp_path)
    yield engine
    await engine.close()
