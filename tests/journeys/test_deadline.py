"""The last second of a tender against the real server: `bench/deadline.py`, with fewer people."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from market import clock
from market.bids import actions as bids
from market.db import many
from market.outages import actions as outages
from market.outages import heartbeat
from market.outages.heartbeat import Beat
from market.reads import rows
from market.refusals import Refused
from market.rulings import texts
from market.settings import ROOT
from market.worker import CLOSING
from tests import given, given_tenders
from tests.processes import free_port
from tests.waiting import LONGEST, until_awaited

pytestmark = [pytest.mark.slow, pytest.mark.long]


def last_second(*options: str) -> dict[str, Any]:
    """What came of one run with 60 suppliers, 15 latecomers and 80 hostile connections."""
    command = [sys.executable, "bench/deadline.py", "--suppliers", "60", "--hostile", "80", "--json", *options]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=2 * LONGEST)
    lines = ran.stdout.splitlines()
    assert lines, ran.stderr[-4000:]
    return dict(json.loads(lines[-1]))


@pytest.mark.usefixtures("database")
def test_nobody_in_time_is_late_and_nobody_late_is_in_time_while_one_firm_holds_eighty_connections() -> None:
    told = last_second()
    assert told["in_time"] > 0
    assert told["late"] > 0
    assert (told["in_time_answered_late"], told["late_accepted"], told["kept_after_the_deadline"]) == (0, 0, 0)
    assert told["in_time_kept"] == told["in_time"], told
    assert told["hostile_answers"]["201"] <= 10, "its allowance"
    assert told["receipts_lost"] == 0


@pytest.mark.usefixtures("database")
def test_with_a_worker_killed_in_the_middle_no_receipt_that_was_given_is_lost() -> None:
    told = last_second("--kill")
    assert told["receipts"] > 0
    assert (told["receipts_lost"], told["in_time_answered_late"], told["late_accepted"]) == (0, 0, 0)
    assert set(told["in_time_otherwise"]) <= {"0"}, "cut off, and nothing else"


def serving(port: int, var: Path) -> subprocess.Popen[bytes]:
    """The real server over the tests' own rows, in a group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "market", "serve", "--port", str(port), "--no-worker"],
        cwd=ROOT,
        env={**os.environ, "PRELUDE_VAR": str(var), "SITE_URL": f"http://localhost:{port}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


@pytest.mark.usefixtures("clean")
async def test_a_server_killed_before_the_deadline_loses_no_receipt_and_whoever_was_cut_off_sends_again(
    tmp_path: Path,
) -> None:
    """The real server and its own heartbeat; what follows the kill is told by a clock, because ten minutes are long."""
    await texts.register_first()  # a site serves the policy and the lists that its database knows, and no others
    there = await given_tenders.published()
    ref, lot = there.tender.ref, there.lots[0].ref
    early = await given.person(await given.supplier("Kestrel Ltd"), "supplier-admin")
    cut_off = await given.person(await given.supplier("Heron Ltd"), "supplier-admin")
    headers, port = await given.token(early), free_port()
    folder = tmp_path / "heartbeat"
    server = serving(port, tmp_path)

    def beats() -> list[Beat]:
        read = [heartbeat.read(line) for line in heartbeat.lines(None, folder)] if folder.exists() else []
        return [each for each in read if each is not None and each.serves]

    async with httpx.AsyncClient(base_url=f"http://localhost:{port}", timeout=LONGEST) as client:

        async def serves() -> bool:
            try:
                return (await client.get("/health")).status_code == 200
            except httpx.TransportError:
                return False

        try:
            await until_awaited(serves)
            bid = there.bid(5_000_000)
            body = {"price_minor": bid.price_minor, "answers": bid.answers, "declared": True}
            sealed = await client.post(f"/api/v1/tenders/{ref}/lots/{lot}/bids", json=body, headers=headers)
            assert sealed.status_code == 201, sealed.text
            since = clock.machine()

            async def beaten() -> bool:
                return any(each.machine > since for each in beats())

            await until_awaited(beaten)
        finally:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()
    last = max(each.moment for each in beats())
    closes, back = last + timedelta(seconds=1), last + timedelta(minutes=16)
    await many("UPDATE tender SET closes_at = {} WHERE ref = {}", closes, ref)
    with clock.at(back):
        heartbeat.write(Beat(back, back, heartbeat.server(), "web", 8, True), folder)
        with pytest.raises(Refused) as late:
            await bids.submit(cut_off, ref, lot, there.bid(4_000_000))
        assert [each.code for each in late.value.reasons] == ["bid.too-late"]
        await outages.gather(folder=folder)
        assert await outages.settle(CLOSING) == 1
        again = await bids.submit(cut_off, ref, lot, there.bid(4_000_000))
    kept = await rows(str, "SELECT receipt FROM bid ORDER BY id")
    assert kept == [sealed.json()["receipt"], again.receipt.digest]
