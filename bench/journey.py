"""What a page, a bid, a check of the log, an import and a lint cost, each beside the least it could cost, in one run.

Run: `python bench/journey.py [--seconds 4] [--keep FOLDER] [--only pages|reads|bids|log|import|lint]`. The demo story is played
into a folder of its own (kept and used again with `--keep`), then served by one granian process with production settings;
a bare Litestar application with one JSON answer is served by the same command beside it. One generator, eight kept-alive
connections, asks them in turns. Processor time per request is told as well as requests a second, because on a busy
machine only the former is steady; the ratio is of processor time.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

CONNECTIONS = 8
TICK = os.sysconf("SC_CLK_TCK")
SECRET = "for measuring 8d1f60b2c94e7a35e0b7c26f91d84a53"


def bare() -> Any:
    """The least a Litestar application can do: one small JSON answer."""
    from litestar import Litestar, get

    @get("/")
    async def answer() -> dict[str, Any]:
        return {"ref": "T-2345678", "title": "Sensors for road gullies", "stage": "open", "value_minor": 15_600_000}

    return Litestar([answer], openapi_config=None)


SERVE_BARE = """
from granian import Granian
from granian.constants import Interfaces, Loops
from granian.log import LogLevels
import sys
if __name__ == "__main__":
    Granian("journey:bare", address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.ASGI, factory=True,
            workers=1, loop=Loops.uvloop, websockets=False, log_level=LogLevels.warning, log_access=False).serve()
"""


@dataclass
class Measured:
    """Requests a second and processor milliseconds a request; `size` is the bytes of the last body."""

    rate: float
    cost: float
    p50: float
    p99: float
    size: int


class Server:
    """A server process, and what its processes have spent."""

    def __init__(self, command: list[str], environment: dict[str, str], port: int, path: str) -> None:
        self.port = port
        self.process = subprocess.Popen(command, env=environment, cwd=HERE, start_new_session=True)
        deadline = time.monotonic() + 60
        while True:
            try:
                with socket.create_connection(("127.0.0.1", port), 1) as probe:
                    probe.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                    if probe.recv(12).startswith(b"HTTP/1.1"):
                        return
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise SystemExit(f"nothing answers on port {port}")
            time.sleep(0.1)

    def spent(self) -> float:
        """Processor seconds of the process and its children so far."""
        total = 0
        for status in Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = status.read_text().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(fields[2]) == self.process.pid:
                total += int(fields[11]) + int(fields[12])
        return total / TICK

    def stop(self) -> None:
        """End it."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _ask(port: int, request: bytes, until: float, took: list[float], sizes: list[int]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"{request.splitlines()[0]!r} answered {head.splitlines()[0]!r}")
        length = next(
            int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")
        )
        await reader.readexactly(length)
        took.append(time.perf_counter() - began)
        sizes.append(length)
    writer.close()


def load(server: Server, path: str, seconds: float, headers: str = "") -> Measured:
    """Ask for one address over eight connections, for so long."""
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/html, application/json\r\n{headers}\r\n".encode()
    took: list[float] = []
    sizes: list[int] = []

    async def all_of_them() -> None:
        until = time.perf_counter() + seconds
        await asyncio.gather(*[_ask(server.port, request, until, took, sizes) for _ in range(CONNECTIONS)])

    before, began = server.spent(), time.perf_counter()
    asyncio.run(all_of_them())
    lasted, spent = time.perf_counter() - began, server.spent() - before
    took.sort()
    return Measured(
        len(took) / lasted,
        spent / len(took) * 1000,
        took[len(took) // 2] * 1000,
        took[min(len(took) - 1, int(len(took) * 0.99))] * 1000,
        sizes[-1],
    )


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print one table in Markdown."""
    print(f"\n## {title}\n\n| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    sys.stdout.flush()


def play(var: Path) -> dict[str, str]:
    """The story played into `var`, once; answers the environment that serves it."""
    environment = {
        **os.environ,
        "PRELUDE_VAR": str(var),
        "PRELUDE_SECRET": SECRET,
        "PYTHONPATH": f"{HERE}:{HERE}/bench",
    }
    for name in ("DATABASE_URL", "MEILISEARCH_URL", "STRIPE_KEY", "SMTP_URL", "PRELUDE_ENV", "PRELUDE_DEMO"):
        environment.pop(name, None)
    if not (var / "played").exists():
        print("playing the story …", file=sys.stderr)
        subprocess.run(
            [sys.executable, "-m", "market", "demo", "--no-serve"],
            env={**environment, "SITE_URL": "http://localhost:8000"},
            cwd=HERE,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        (var / "played").touch()
    return environment


def pages(environment: dict[str, str], seconds: float, refs: dict[str, str], token: str) -> None:
    """Pages and JSON answers beside the bare answer."""
    served = {
        **environment,
        "PRELUDE_ENV": "production",
        "SITE_URL": "https://localhost",
        "PRELUDE_PROXIES": "127.0.0.1",
        "STRIPE_KEY": "simulated",
        "SMTP_URL": "none",
        "MEILISEARCH_URL": "embedded",
    }
    one, other = free_port(), free_port()
    ours = Server([sys.executable, "-m", "market", "serve", "--port", str(one)], served, one, "/about")
    least = Server([sys.executable, "-c", SERVE_BARE, str(other)], environment, other, "/")
    asked = {
        "tender page": (f"/tenders/{refs['tender']}", ""),
        "tender, JSON": (f"/api/v1/tenders/{refs['tender']}", ""),
        "search page": ("/search?q=drone+inspecton", ""),
        "search, JSON": ("/api/v1/search?q=drone+inspecton", ""),
        "home page": ("/", ""),
        "challenge page": (f"/challenges/{refs['challenge']}", ""),
        "contract page": (f"/contracts/{refs['contract']}", ""),
        "list of tenders": ("/tenders", ""),
        "who am I, JSON, by token": ("/api/v1/me", f"Authorization: Bearer {token}\r\n"),
        "static file": ("/static/site.css", ""),
    }
    asked["static file"] = (refs["static"], "")
    rows = []
    try:
        load(least, "/", 1)
        for name, (path, headers) in asked.items():
            load(ours, path, 0.5, headers)
            first = load(least, "/", seconds / 2)
            found = load(ours, path, seconds, headers)
            second = load(least, "/", seconds / 2)
            base = Measured(
                statistics.mean((first.rate, second.rate)), statistics.mean((first.cost, second.cost)), 0, 0, 0
            )
            rows.append(
                [
                    name,
                    f"{found.cost:.2f}",
                    f"{base.cost:.3f}",
                    f"**{found.cost / base.cost:.1f}**",
                    f"{found.rate:,.0f}",
                    f"{base.rate:,.0f}",
                    f"{found.p50:.1f} / {found.p99:.1f}",
                    f"{found.size:,}",
                ]
            )
    finally:
        ours.stop()
        least.stop()
    table(
        "Answers beside a bare Litestar JSON answer",
        ["answer", "CPU ms", "bare CPU ms", "ratio", "requests/s", "bare requests/s", "p50 / p99 ms", "bytes"],
        rows,
    )


async def reads(seconds: float, refs: dict[str, str]) -> None:
    """Statements and processor time of an answer within this process, without a server: the best of several rounds, beside
    the bare answer in the same rounds."""
    from market import app, db

    statements, ask = [0], db._ask

    async def counted(statement: str, arguments: Any) -> list[Any]:
        statements[0] += 1
        return await ask(statement, arguments)

    async def answer(application: Any, path: str, header: tuple[bytes, bytes]) -> None:
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(b"host", b"localhost"), header],
            "client": ("127.0.0.1", 1),
            "server": ("localhost", 80),
        }
        status: list[int] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            status.append(message.get("status", 0))

        await application(scope, receive, send)
        if status[0] != 200:
            raise SystemExit(f"{path} answered {status[0]}")

    async def cost(*asked: Any) -> float:
        began, spent, count = time.perf_counter(), time.process_time(), 0
        while time.perf_counter() - began < seconds / 8:
            await answer(*asked)
            count += 1
        return (time.process_time() - spent) / count * 1000

    nobody, ours, least = (b"accept", b"text/html, application/json"), app.create(), bare()
    asked: dict[str, tuple[str, tuple[bytes, bytes]]] = {
        "tender page": (f"/tenders/{refs['tender']}", nobody),
        "contract page": (f"/contracts/{refs['contract']}", nobody),
        "list of tenders": ("/tenders", nobody),
        "list of contracts": ("/contracts", nobody),
        "public log": ("/log", nobody),
        "who am I, JSON, by token": ("/api/v1/me", (b"authorization", f"Bearer {refs['token']}".encode())),
        "my account, signed in": ("/account", (b"cookie", f"session={refs['session']}".encode())),
    }
    rows = []
    for name, (path, header) in asked.items():
        await answer(ours, path, header)
        statements[0], db._ask = 0, counted
        await answer(ours, path, header)
        db._ask = ask
        pairs = [(await cost(ours, path, header), await cost(least, "/", nobody)) for _ in range(4)]
        spent, base = min(spent for spent, _ in pairs), min(base for _, base in pairs)
        rows.append([name, str(statements[0]), f"{spent:.2f}", f"{base:.3f}", f"**{spent / base:.0f}**"])
    table(
        "Statements and processor time within one process",
        ["answer", "statements", "CPU ms", "bare CPU ms", "ratio"],
        rows,
    )


async def _timed(work: Callable[[], Coroutine[Any, Any, int]], seconds: float) -> tuple[float, float]:
    """How many a second of the clock, and of this process's processor time."""
    done, began, spent = 0, time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        done += await work()
    return done / (time.perf_counter() - began), done / (time.process_time() - spent)


async def bids(seconds: float) -> None:
    """Sealing a bid through the action, beside one committed insert of the same bytes; by one and by eight at once."""
    from market.accounts.sessions import actor_of
    from market.bids import actions
    from market.db import many, one, transaction

    row = await one(
        "SELECT t.ref AS tender, l.ref AS lot, l.id FROM tender t JOIN lot l ON l.tender = t.id WHERE t.published_at < now() "
        "AND t.closes_at > now() AND t.cancelled_at IS NULL ORDER BY t.closes_at DESC LIMIT 1"
    )
    people = await many(
        "SELECT person FROM membership WHERE role = 'supplier-admin' ORDER BY person LIMIT {}", CONNECTIONS
    )
    actors = [await actor_of(each["person"], "password") for each in people]
    words = "How we shall know before the street floods, and what the crew is told. " * 20
    answers = {each.ref: words for each in await actions.criteria_of(row["id"]) if each.kind == "quality"}
    draft = actions.BidDraft(5_000_000, answers, True)
    kept = (await actions.submit(actors[0], row["tender"], row["lot"], draft)).bid
    envelope = bytes((await one("SELECT envelope FROM bid WHERE ref = {}", kept.ref))["envelope"])
    await many("CREATE TABLE IF NOT EXISTS bare_bytes (id bigserial PRIMARY KEY, held bytea NOT NULL)")

    async def seal(number: int) -> None:
        await actions.submit(actors[number], row["tender"], row["lot"], draft)

    async def insert(number: int) -> None:
        async with transaction():
            await many("INSERT INTO bare_bytes (held) VALUES ({})", envelope)

    async def at_once(what: Callable[[int], Coroutine[Any, Any, None]], count: int) -> int:
        await asyncio.gather(*[what(number) for number in range(count)])
        return count

    rows = []
    for count in (1, CONNECTIONS):
        ours, ours_cpu = await _timed(lambda count=count: at_once(seal, count), seconds)
        least, least_cpu = await _timed(lambda count=count: at_once(insert, count), seconds)
        rows.append(
            [
                f"{count} at once",
                f"{ours:,.0f}",
                f"{least:,.0f}",
                f"**{least / ours:.1f}**",
                f"{1000 / ours_cpu:.2f}",
                f"{1000 / least_cpu:.2f}",
            ]
        )
    table(
        f"Sealing a bid beside a committed insert of its envelope ({len(envelope):,} bytes)",
        ["", "bids/s", "inserts/s", "ratio", "CPU ms a bid", "CPU ms an insert"],
        rows,
    )


async def log(seconds: float) -> None:
    """Recomputing the whole log from the database, beside only hashing the same bytes."""
    import hashlib

    from market.audit import proofs
    from market.db import many

    events = (await proofs.verify_log()).events
    rows = await many("SELECT body, private_body FROM event")
    parts = [str(each["body"] or "").encode() + str(each["private_body"] or "").encode() for each in rows]

    async def verify() -> int:
        report = await proofs.verify_log()
        if not report.holds:
            raise SystemExit(f"the log does not hold: {report.broken}")
        return report.events

    async def hash_only() -> int:
        held = b""
        for each in parts:
            held = hashlib.sha256(held + each).digest()
        return len(parts)

    rate, cpu = await _timed(verify, seconds)
    least, _ = await _timed(hash_only, min(1, seconds))
    size = sum(map(len, parts)) / max(1, len(parts))
    table(
        f"Verifying the log ({events:,} events of {size:,.0f} bytes, read from the database)",
        ["", "events/s", "events per CPU second"],
        [
            ["verify", f"{rate:,.0f}", f"{cpu:,.0f}"],
            ["only hashing", f"{least:,.0f}", f"ratio **{least / cpu:.1f}**"],
        ],
    )


async def imports(var: Path) -> None:
    """Importing real releases (or the golden packages) into the database, beside only parsing them."""
    from market.db import one
    from market.portal import imports
    from market.portal.intake import importing

    shared = (
        Path(os.environ.get("PRELUDE_SHARED_DATA", HERE.parent / "shared" / "data")) / "ocds" / "uk-contracts-finder"
    )
    folder = shared if shared.is_dir() else HERE / "fixtures" / "ocds"
    bench = var / "import"
    shutil.rmtree(bench, ignore_errors=True)
    bench.mkdir()
    copies, raw = 4, []
    for file in sorted(folder.glob("*.json")):
        for number in range(copies):
            # The same notices under other ocids, or nothing would be left to do after the first copy.
            text = file.read_text().replace("ocds-", f"ocds-{number}{int(time.time()) % 100000}", 1_000_000)
            (bench / f"{number}-{file.name}").write_text(text)
            raw.append(text.encode())
    began, spent = time.perf_counter(), time.process_time()
    read = 0
    for wanted in importing.plan(str(bench)):
        read += (await imports.run(wanted)).read
    lasted, cpu = time.perf_counter() - began, time.process_time() - spent
    began = time.process_time()
    for each in raw:
        json.loads(each)
    parsing = time.process_time() - began
    held = (await one("SELECT count(*) AS n FROM imported_notice"))["n"]
    table(
        f"Importing {read:,} releases ({sum(map(len, raw)) / 1e6:.1f} MB from {folder.name}), {held:,} notices kept",
        ["", "releases/s", "releases per CPU second"],
        [
            ["import", f"{read / lasted:,.0f}", f"{read / cpu:,.0f}"],
            ["only json.loads", "", f"{read / parsing:,.0f} (ratio **{cpu / parsing:.0f}**)"],
        ],
    )


def lint(environment: dict[str, str], seconds: float) -> None:
    """Checking an API description against a profile, beside only parsing it; ours is the document."""
    from datetime import UTC, datetime

    from market.standards.checking.check import check
    from market.standards.checking.profiles import profile, shipped

    raw = subprocess.run(
        [sys.executable, "-m", "market", "openapi"], env=environment, cwd=HERE, check=True, capture_output=True
    ).stdout
    at = datetime(2026, 11, 22, tzinfo=UTC)
    rows = []
    parsed, began = 0, time.process_time()
    while time.process_time() - began < min(1, seconds):
        json.loads(raw)
        parsed += 1
    least = (time.process_time() - began) / parsed
    for name, version in shipped():
        of = profile(name, version)
        check(raw, of, at=at, name="openapi.json")
        done, began = 0, time.process_time()
        while done < 2 or time.process_time() - began < seconds / 2:
            run = check(raw, of, at=at, name="openapi.json")
            done += 1
        spent = (time.process_time() - began) / done
        rows.append(
            [
                of.label,
                run.outcome.value,
                f"{spent * 1000:.0f}",
                f"{len(raw) / 1e6 / spent:.1f}",
                f"**{spent / least:.0f}**",
            ]
        )
    table(
        f"Linting our own API description ({len(raw) / 1000:,.0f} kB; json.loads alone {least * 1000:.1f} ms)",
        ["profile", "outcome", "CPU ms a document", "MB per CPU second", "ratio to parsing"],
        rows,
    )


async def inside(var: Path, seconds: float, only: str) -> dict[str, str]:
    """What needs the database in this process; answers the references and the token that the pages are asked with."""
    from market import db
    from market.accounts.sessions import begin, digest, new_token
    from market.accounts.tables import ApiToken
    from market.clock import now
    from market.web.pages import assets

    async with db.pool():
        found = {"static": assets().url("site.css")}
        for kind, query in {
            "tender": "SELECT ref FROM tender WHERE opened_at IS NOT NULL ORDER BY id LIMIT 1",
            "challenge": "SELECT ref FROM challenge WHERE concluded_at IS NOT NULL ORDER BY id LIMIT 1",
            "contract": "SELECT ref FROM contract WHERE supplier_signed_at IS NOT NULL ORDER BY id LIMIT 1",
        }.items():
            found[kind] = (await db.one(query))["ref"]
        person = (await db.one("SELECT person FROM membership WHERE role = 'buyer' ORDER BY id LIMIT 1"))["person"]
        found["token"] = new_token("prelude_")
        soon = now().replace(year=now().year + 1)
        await ApiToken.insert(
            ApiToken(
                person=person,
                name="bench",
                token_hash=digest(found["token"]),
                scopes=["read"],
                created_at=now(),
                expires_at=soon,
            )
        )
        found["session"] = await begin(person, "password")
        if only in ("", "reads"):
            await reads(seconds, found)
        if only in ("", "bids"):
            await bids(seconds)
        if only in ("", "log"):
            await log(seconds)
        if only in ("", "import"):
            await imports(var)
    return found


def main() -> None:
    """Print every table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--seconds", type=float, default=4, help="how long each answer is asked for")
    asked.add_argument("--keep", type=Path, help="a folder for the story's database, used again the next time")
    asked.add_argument("--only", choices=["pages", "reads", "bids", "log", "import", "lint"], default="")
    given = asked.parse_args()
    var = (given.keep or Path(tempfile.mkdtemp(prefix="prelude-bench-"))).resolve()
    var.mkdir(parents=True, exist_ok=True)
    environment = play(var)
    os.environ.clear()
    os.environ.update(environment)
    from market.db import database_url

    environment["DATABASE_URL"] = database_url()
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    try:
        found = asyncio.run(inside(var, given.seconds, given.only))
        if given.only in ("", "pages"):
            pages(environment, given.seconds, found, found["token"])
        if given.only in ("", "lint"):
            lint(environment, given.seconds)
    finally:
        if not given.keep:
            from market.db import stop_embedded

            stop_embedded()
            shutil.rmtree(var, ignore_errors=True)


if __name__ == "__main__":
    main()
