"""Killed between any two steps, the server and the worker lose nothing that was confirmed and do nothing twice.

The real server and two workers run as processes on a loopback port, over this test's database, with the demonstration
clock in a file of their own and letters going to a mail server inside the test. Every act that only one may do is sent four
times at once. `PRELUDE_KILLS=all` kills after every step; by default after six steps drawn with a fixed seed.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from market import clock
from market.audit import proofs
from market.db import many, one
from tests import given
from tests.conftest import EMPTY
from tests.journeys.journey import BEGINS, DAY, STEPS, Cast, Journey, cast
from tests.market.letters.test_sending import MailServer
from tests.processes import free_port
from tests.waiting import LONGEST, until, until_awaited

pytestmark = [pytest.mark.slow, pytest.mark.long]

KILLS = os.environ.get("PRELUDE_KILLS", "6")
TOGETHER = ("/opening", "/decision", "/signatures", "/release", "/confirm", "/acceptance", "/conclude", "/shortlist")
"""Where the last part of an address that is posted to is one of these, four requests are sent at once."""


class House:
    """The processes, each the leader of a group of its own so that killing it takes everything it started."""

    def __init__(self, var: Path, smtp: int) -> None:
        self.var = var
        var.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.environment = {
            **os.environ,
            "PRELUDE_VAR": str(var),
            "PRELUDE_DEMO": "1",
            "SITE_URL": "http://localhost:8000",
            "SMTP_URL": f"smtp://127.0.0.1:{smtp}",
        }
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start what is called so: `server`, or a worker."""
        command = ["serve", "--no-worker", "--port", str(self.port)] if name == "server" else ["worker"]
        with (self.var / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "market", *command],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str, *, group: bool = True) -> None:
        """SIGKILL: no goodbye. Without `group` only the process itself, as when memory runs out."""
        process = self.running.pop(name)
        if group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        process.wait()
        # Whoever is left of its group has to notice that its parent is gone, and end by itself.
        until(lambda: not _alive(process.pid), lambda: "a child goes on without its parent")

    def stop(self) -> None:
        """Everything, at the end of the test."""
        for name in list(self.running):
            self.kill(name)

    def told(self) -> str:
        """The last that they wrote."""
        return "\n".join(f"{file.name}: {file.read_text()[-2000:]}" for file in self.var.glob("*.log"))


def _alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


class Outside(Journey):
    """The journey over a socket to a server that others kill."""

    def __init__(self, people: Cast, house: House, twenty: list[dict[str, str]]) -> None:
        super().__init__(people)
        self.house, self.twenty = house, twenty
        self.client = given.Client(base_url=f"http://127.0.0.1:{house.port}", timeout=LONGEST)
        self.shown: datetime | None = None
        self.storms: Counter[str] = Counter()

    async def ready(self) -> None:
        """Wait until the server answers."""

        async def answers() -> bool:
            try:
                await self.client.get("/api/v1/missions")
            except httpx.TransportError:
                return False
            return True

        await until_awaited(answers, self.house.told)

    async def send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> httpx.Response:
        if self.shown != self.moment:
            # The clock's file is replaced in one motion, as the demonstration does it.
            seconds = int((self.moment - datetime.now(UTC)).total_seconds())
            beside = self.house.var / "clock.new"
            beside.write_text(str(seconds))
            beside.replace(self.house.var / "clock")
            self.shown = self.moment
        sent = {"json": body} if path.startswith("/api/") else {"data": body}
        return await self.client.request(method, path, headers=headers, **sent)

    async def searchable(self) -> None:
        async def found() -> bool:
            return (await self.client.get("/api/v1/search")).status_code == 200

        await until_awaited(found, self.house.told)

    async def work(self, obligation: str = "") -> None:
        async def paid() -> bool:
            return bool((await self.ask("", "GET", f"payments/{obligation}"))["state"] == "paid")

        if obligation:
            await until_awaited(paid, self.house.told)

    async def ask(self, who: str, method: str, path: str, body: Any = None, expect: int = 200, seen: str = "") -> Any:
        if method == "GET" or expect not in (200, 201) or not path.endswith(TOGETHER):
            return await super().ask(who, method, path, body, expect, seen)
        headers = {"accept": "application/json", **self.cast.tokens[who], **({"if-match": seen} if seen else {})}
        answers = await asyncio.gather(
            *[self.send(method, path if path.startswith("/") else f"/api/v1/{path}", body, headers) for _ in range(4)]
        )
        statuses = sorted(each.status_code for each in answers)
        assert statuses == [expect, 409, 409, 409], f"{path}: {statuses} {[each.text[:200] for each in answers]}"
        self.storms[path.rsplit("/", 1)[1]] += 1
        for each in answers:
            if each.status_code == 409:
                assert each.json()["reasons"][0]["code"]
        return next(each for each in answers if each.status_code == expect).json()

    async def by_hand(self, who: str, path: str, typed: dict[str, str] | None = None) -> httpx.Response:
        first = await super().by_hand(who, path, typed) if not path.endswith(TOGETHER) else None
        if first is not None:
            return first
        answers = await asyncio.gather(*[super(Outside, self).by_hand(who, path, typed) for _ in range(4)])
        statuses = [each.status_code for each in answers]
        assert set(statuses) <= {303, 409}, f"{path}: {statuses}"
        assert statuses.count(303) <= 1, f"{path}: {statuses}"
        self.storms[path.rsplit("/", 1)[1]] += 1
        return min(answers, key=lambda each: each.status_code)

    def confirmed(self) -> list[tuple[str, str]]:
        """Who reads what: every record the journey has made so far."""
        reads = [("ada", f"challenges/{self.challenge}"), ("", "insights")]
        reads += [(name, f"challenges/{self.challenge}/applications/{ref}") for name, ref in self.applications.items()]
        reads += [("ada", f"tenders/{ref}") for ref in (self.tender, self.waived) if ref]
        reads += [("ada", f"waivers/{self.waiver}")] if self.waiver else []
        reads += [(name, "bids") for name in ("kestrel", "heron")]
        reads += [("", f"tenders/{self.tender}/opening")] if self.bids else []
        reads += [("", f"awards/{self.award['ref']}")] if self.award else []
        reads += [("", f"contracts/{self.contract['ref']}")] if self.contract else []
        return reads

    async def remembered(self) -> dict[str, Any]:
        """What is read now, by who and what; payments are left out, which the worker moves on."""
        found = {}
        for who, what in self.confirmed():
            answer = await self.ask(who, "GET", what)
            for milestone in answer.get("milestones", []):
                milestone["paid_at"] = None
            found[f"{who} {what}"] = answer
        return found


@pytest.fixture
def mail() -> Iterator[MailServer]:
    """A mail server that keeps what it gets."""
    with MailServer() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
async def outside(database: None, mail: MailServer, tmp_path: Path) -> AsyncIterator[Outside]:
    """The cast and the processes."""
    await many(EMPTY.replace("{", "{{").replace("}", "}}"))
    with clock.at(BEGINS - DAY):
        people = await cast()
        firms = [await given.supplier(f"Twenty {number} Ltd") for number in range(20)]
        twenty = [await given.token(await given.person(firm, "supplier-admin")) for firm in firms]
    house = House(tmp_path / "var", mail.server_address[1])
    journey = Outside(people, house, twenty)
    try:
        for name in ("server", "worker", "second worker"):
            house.start(name)
        await journey.ready()
        yield journey
    finally:
        house.stop()
        await journey.client.aclose()
    await many(EMPTY.replace("{", "{{").replace("}", "}}"))


async def twenty_at_once(journey: Outside) -> set[str]:
    """Twenty firms seal a bid for the waived tender at once; answers the receipts they got."""
    journey.turn(70)
    tender = await journey.ask("ada", "GET", f"tenders/{journey.waived}")
    (lot,) = tender["lots"]
    body = {
        "price_minor": 8_000_000,
        "answers": {each["ref"]: "At once." for each in lot["criteria"] if each["kind"] == "quality"},
        "declared": True,
    }
    async with httpx.AsyncClient(base_url=journey.client.base_url, timeout=LONGEST) as client:
        answers = await asyncio.gather(
            *[
                client.post(f"/api/v1/tenders/{journey.waived}/lots/{lot['ref']}/bids", json=body, headers=each)
                for each in journey.twenty
            ]
        )
    assert [each.status_code for each in answers] == [201] * 20, [each.text[:300] for each in answers]
    return {each.json()["receipt"] for each in answers}


async def test_killed_between_any_two_steps_nothing_confirmed_is_lost(outside: Outside, mail: MailServer) -> None:
    house = outside.house
    chance = random.Random(20261122)
    places = set(STEPS) if KILLS == "all" else set(chance.sample(STEPS, int(KILLS)))
    kills: Counter[str] = Counter()
    receipts: set[str] = set()
    for step in STEPS:
        if step == "seal_bids":
            receipts = await twenty_at_once(outside)
        await getattr(outside, step)()
        if step in places:
            before = await outside.remembered()
            logged = (await one("SELECT max(seq) AS n FROM event"))["n"]
            victims = chance.choice([["server"], ["server", "worker"], ["server", "worker", "second worker"]])
            alone = chance.random() < 0.3
            for name in victims:
                house.kill(name, group=not (alone and name == "server"))
                kills[name] += 1
            for name in victims:
                house.start(name)
            await outside.client.aclose()
            outside.client = given.Client(base_url=f"http://127.0.0.1:{house.port}", timeout=LONGEST)
            await outside.ready()
            assert await outside.remembered() == before, step
            assert (await one("SELECT max(seq) AS n FROM event"))["n"] >= logged
    assert kills["server"] >= len(places)
    # The clock was moved by weeks: what that turns (a waiver whose review nobody answered) is asked for at a job's next look.
    await beside(house, "worker", "--once")
    await quiet(outside)
    house.stop()

    assert {row["receipt"] for row in await many("SELECT receipt FROM bid")} >= receipts
    assert len(receipts) == 20
    row = await one(
        "SELECT count(*) AS payments, count(DISTINCT obligation) AS obligations, count(DISTINCT provider_ref) AS orders "
        "FROM payment WHERE state = 'paid'"
    )
    assert (row["payments"], row["obligations"], row["orders"]) == (3, 3, 3)
    assert (await one("SELECT count(*) AS n FROM event WHERE verb = 'payment.paid'"))["n"] == 3
    assert (await one("SELECT count(*) AS n FROM event WHERE verb = 'tender.opened'"))["n"] == 1
    assert (await one("SELECT count(*) AS n FROM opening"))["n"] == 1
    assert (await one("SELECT count(*) AS n FROM decision"))["n"] == 1
    letters = [row["ref"].lower() for row in await many("SELECT ref FROM letter WHERE sent_at IS NOT NULL")]
    arrived = Counter(str(message["Message-ID"]).strip("<>").split("@")[0] for message in mail.got)
    assert set(arrived) == set(letters)
    assert len(letters) > 30
    # A worker that dies between the mail server's "kept" and its own commit sends that one letter again, with its number.
    assert sum(arrived.values()) - len(arrived) <= kills["worker"] + kills["second worker"]
    report = await proofs.verify_log()
    assert report.holds
    for command, says in ((["search-check"], "They agree."), (["verify", "log"], "holds")):
        done = await beside(house, *command)
        assert says in done.stdout, done.stdout
    for path in ("opening", "decision", "signatures", "release", "confirm", "acceptance", "conclude", "shortlist"):
        assert outside.storms[path] >= 1, path


async def beside(house: House, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the site beside it, and hold it to its success."""
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "market", *command],
        env=house.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


async def quiet(journey: Outside) -> None:
    """Wait until the workers have nothing left to do."""
    row: dict[str, Any] = {}

    async def idle() -> bool:
        nonlocal row
        row = await one(
            "SELECT (SELECT count(*) FROM outbox WHERE done_at IS NULL) AS outbox, "
            "(SELECT count(*) FROM letter WHERE sent_at IS NULL) AS letters, "
            "(SELECT count(*) FROM payment WHERE state IN ('due', 'unknown')) AS payments"
        )
        return not any(row.values())

    await until_awaited(idle, lambda: f"{row} {journey.house.told()}")
