"""The last second of a tender: many suppliers send while one firm holds hundreds of connections, and a worker may be killed.

Run: `python bench/deadline.py [--suppliers 200] [--hostile 250] [--seconds 1.5] [--workers 2] [--kill] [--json]`.

The real server is begun over a database of its own, on the server that DATABASE_URL names or the embedded one. Each supplier
has a connection and sends one bid at a moment drawn from the last seconds before the deadline; a quarter as many send in the
half second after it. The hostile firm sends bids over each of its connections as fast as it is answered, from three seconds
before. A bid is *in time* when its last byte had left its sender before the deadline, *late* when its first left after it by more than
the kernel can tell moments apart (two ticks: `market/web/received.py`), both by this machine's clock; what lies between may be either. Told are the two counts that must be 0: in time and answered late, late
and accepted; and, after a worker was killed (SIGKILL, in the middle), how many receipts that were given are not in the database.
Nothing waits longer than a minute for an answer.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import secrets
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

LONGEST = 60.0
"""Seconds that anybody waits for an answer."""


RESOLUTION = 2 * time.clock_getres(5)
"""Seconds within which the kernel does not tell moments apart."""


@dataclass
class Sent:
    """One bid on its way: when its first byte left and its last, and what came back. `status` is 0 when nothing did."""

    began: float = 0.0
    ended: float = 0.0
    answered: float = 0.0
    status: int = 0
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> str:
        """The code of the first reason it was refused with."""
        return str(next(iter(self.body.get("reasons", [])), {}).get("code", ""))


def request(path: str, token: str, body: bytes) -> bytes:
    """A bid as it goes over the line."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nAuthorization: {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Status and body of one answer."""
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-length"))
    return int(head.split(b" ", 2)[1]), await reader.readexactly(length)


async def supplier(port: int, path: str, token: str, body: bytes, at: float) -> Sent:
    """Connect, wait for the moment, send all of it, wait for the answer."""
    sent = Sent()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    whole = request(path, token, body)
    await asyncio.sleep(max(0.0, at - time.time()))
    try:
        sent.began = time.time()
        writer.write(whole)
        await writer.drain()
        sent.ended = time.time()
        async with asyncio.timeout(LONGEST):
            sent.status, told = await answer(reader)
        sent.answered = time.time()
        sent.body = json.loads(told)
    except (OSError, EOFError, TimeoutError):
        pass
    writer.close()
    return sent


def hostile(port: int, path: str, token: str, body: bytes, connections: int, until: float, told: Any) -> None:
    """Another process: hold the connections, and send over each as fast as it answers."""
    counted: Counter[int] = Counter()
    whole = request(path, token, body)

    async def one() -> None:
        while time.time() < until:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                while time.time() < until:
                    writer.write(whole)
                    async with asyncio.timeout(LONGEST):
                        status, _ = await answer(reader)
                    counted[status] += 1
                writer.close()
            except (OSError, EOFError, TimeoutError):
                counted[0] += 1
                await asyncio.sleep(0.05)

    async def all_of_them() -> None:
        await asyncio.gather(*[one() for _ in range(connections)])

    asyncio.run(all_of_them())
    told.send(dict(counted))


def serving(environment: dict[str, str], port: int, workers: int) -> subprocess.Popen[bytes]:
    """The server; returns when it answers."""
    command = [sys.executable, "-m", "market", "serve", "--port", str(port), "--no-worker", "--workers", str(workers)]
    process = subprocess.Popen(
        command, cwd=HERE, env=environment, stdout=sys.stderr, stderr=sys.stderr, start_new_session=True
    )
    end = time.monotonic() + 120
    while time.monotonic() < end and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1) as probe:
                probe.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if probe.recv(12) == b"HTTP/1.1 200":
                    return process
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("the server does not answer")


def kill_a_worker(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL one of the server's own workers, which have its command line."""
    mine = Path(f"/proc/{process.pid}/cmdline").read_bytes()
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    workers = [int(each) for each in children if Path(f"/proc/{each}/cmdline").read_bytes() == mine]
    os.kill(workers[0], signal.SIGKILL)


async def prepared(suppliers: int) -> tuple[Any, list[str], str]:
    """A tender that is open for a month, a token for each supplier, and the hostile firm's."""
    from market import db
    from tests import given, given_tenders

    async with db.pool(4):
        there = await given_tenders.published()
        tokens = []
        for _ in range(suppliers + 1):
            firm = await given.person(await given.supplier(), "supplier-admin")
            tokens.append((await given.token(firm))["authorization"])
    return there, tokens[1:], tokens[0]


async def said(url: str, statement: str, *arguments: Any) -> list[Any]:
    """Rows of one question, over a connection of its own."""
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        return list(await connection.fetch(statement, *arguments))
    finally:
        await connection.close()


async def last_second(asked: argparse.Namespace, environment: dict[str, str], port: int) -> dict[str, Any]:
    """Everybody sends; answers what came of it."""
    import msgspec

    url = environment["DATABASE_URL"]
    after = asked.suppliers // 4
    there, tokens, enemy = await prepared(asked.suppliers + after)
    path = f"/api/v1/tenders/{there.tender.ref}/lots/{there.lots[0].ref}/bids"
    body = msgspec.json.encode(there.bid())
    server = await asyncio.to_thread(serving, environment, port, asked.workers)
    try:
        # Each worker reads its code and opens its connections once before anything counts.
        await asyncio.gather(*[supplier(port, path, "Bearer nobody", body, 0) for _ in range(8 * asked.workers)])
        deadline = time.time() + 5 + asked.seconds
        closes = datetime.fromtimestamp(deadline, UTC)
        await said(url, "UPDATE tender SET closes_at = $1, questions_until = $2", closes, closes - timedelta(days=1))
        there_end, here_end = multiprocessing.Pipe()
        flood = multiprocessing.get_context("spawn").Process(
            target=hostile, args=(port, path, enemy, body, asked.hostile, deadline + 1, here_end)
        )
        flood.start()
        moments = [deadline - random.random() * asked.seconds for _ in range(asked.suppliers)]
        moments += [deadline + random.random() * 0.5 for _ in range(after)]
        sending = [
            asyncio.create_task(supplier(port, path, token, body, at))
            for token, at in zip(tokens, moments, strict=True)
        ]
        if asked.kill:
            await asyncio.sleep(deadline - asked.seconds / 2 - time.time())
            kill_a_worker(server)
        sent = await asyncio.gather(*sending)
        enemy_told = await asyncio.to_thread(lambda: there_end.recv() if there_end.poll(LONGEST) else {})
        await asyncio.to_thread(flood.join, 10)
        kept = {row["receipt"]: row["received_at"] for row in await said(url, "SELECT receipt, received_at FROM bid")}
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            await asyncio.to_thread(server.wait, 30)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
    return counted(sent, deadline, kept, enemy_told)


def counted(sent: list[Sent], deadline: float, kept: dict[str, datetime], enemy: dict[int, int]) -> dict[str, Any]:
    """What is told of a run."""
    in_time = [each for each in sent if each.ended and each.ended < deadline]
    late = [each for each in sent if each.began >= deadline + RESOLUTION]
    given = [each for each in sent if each.status == 201]
    lag = sorted(
        datetime.fromisoformat(each.body["received_at"]).timestamp() - each.ended
        for each in in_time
        if each.status == 201
    )
    took = sorted(each.answered - each.ended for each in in_time if each.status)
    return {
        "in_time": len(in_time),
        "in_time_kept": sum(each.status == 201 for each in in_time),
        "in_time_answered_late": sum(each.code == "bid.too-late" for each in in_time),
        "in_time_otherwise": dict(
            Counter(
                f"{each.status} {each.code}".strip()
                for each in in_time
                if each.status != 201 and each.code != "bid.too-late"
            )
        ),
        "between": len(sent) - len(in_time) - len(late) - sum(not each.ended for each in sent),
        "late": len(late),
        "late_accepted": sum(each.status == 201 for each in late),
        "receipts": len(given),
        "receipts_lost": sum(each.body["receipt"] not in kept for each in given),
        "kept_after_the_deadline": sum(moment.timestamp() >= deadline for moment in kept.values()),
        "hostile_answers": {str(status): number for status, number in sorted(enemy.items())},
        "lag_ms_p50_max": [round(1000 * each, 1) for each in (statistics.median(lag), lag[-1])] if lag else [],
        "answered_ms_p50_max": [round(1000 * each) for each in (statistics.median(took), took[-1])] if took else [],
    }


def main() -> int:
    """Run it once; 0 when no count that must be 0 is another."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--suppliers", type=int, default=200)
    told.add_argument("--hostile", type=int, default=250, help="connections of the hostile firm")
    told.add_argument("--seconds", type=float, default=1.5, help="before the deadline, in which the suppliers send")
    told.add_argument("--workers", type=int, default=2)
    told.add_argument("--kill", action="store_true", help="kill a worker of the server in the middle")
    told.add_argument("--json", action="store_true", help="print the counts as one line of JSON")
    asked = told.parse_args()
    with tempfile.TemporaryDirectory(prefix="prelude-deadline-") as folder:
        os.environ.setdefault("PRELUDE_VAR", folder)
        os.environ.setdefault("PRELUDE_SECRET", "a secret for measuring, never for serving anybody")
        os.environ["PRELUDE_DEMO"] = ""
        port = 10_000 + secrets.randbelow(20_000)
        os.environ["SITE_URL"] = f"http://localhost:{port}"
        from market.db import database_url, stop_embedded
        from market.settings import settings

        given, base = os.environ.get("DATABASE_URL"), database_url()
        name = f"deadline_{secrets.token_hex(4)}"
        os.environ["DATABASE_URL"] = urlunsplit(urlsplit(base)._replace(path=f"/{quote(name)}"))
        settings.cache_clear()
        asyncio.run(said(base, f"CREATE DATABASE {name}"))
        try:
            subprocess.run([sys.executable, "-m", "market", "migrate"], cwd=HERE, check=True, stdout=subprocess.DEVNULL)
            found = asyncio.run(last_second(asked, dict(os.environ), port))
        finally:
            asyncio.run(said(base, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)"))
            if not given:
                stop_embedded()
    if asked.json:
        print(json.dumps(found))
    else:
        print(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {vars(asked)}")
        for what, number in found.items():
            print(f"{what.replace('_', ' '):28} {number}")
    return int(
        bool(found["in_time_answered_late"] or found["late_accepted"] or found["receipts_lost"])
        or found["kept_after_the_deadline"] > 0
    )


if __name__ == "__main__":
    sys.exit(main())
