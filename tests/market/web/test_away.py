"""When the database is away, full or silent: people and programs are told so, at once, and that it is no fault of theirs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from litestar import Litestar

from market import away, db
from market.bids.tables import Bid
from market.web import problems
from tests import given, given_tenders
from tests.processes import free_port

pytestmark = pytest.mark.usefixtures("clean")


@asynccontextmanager
async def nobody_there(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The database is where nobody listens: what its pools and its watch see when the server has gone."""
    engine = db.engine()
    gone = {"dsn": f"postgresql://nobody@127.0.0.1:{free_port()}/nothing"}
    async with asyncpg.create_pool(**gone, min_size=0, max_size=4) as empty:
        await db._watch.close()
        with monkeypatch.context() as patched:
            patched.setattr(engine, "pool", empty)
            patched.setattr(engine, "sealing", empty)
            patched.setattr(engine, "config", gone)
            yield


async def test_without_the_database_people_and_programs_are_told_when_to_come_again(
    app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    headers = await given.token(firm)
    address = f"/api/v1/tenders/{there.tender.ref}/lots/{there.lots[0].ref}/bids"
    async with given.browser(app) as client, nobody_there(monkeypatch):
        page = await client.get("/tenders")
        sent = await client.post(address, json={"price_minor": 1, "answers": {}, "declared": True}, headers=headers)
        health = await client.get("/health")
    assert (page.status_code, page.headers["retry-after"]) == (503, "10")
    assert "Our records cannot be reached" in page.text
    assert "The fault is ours" not in page.text, "nothing failed"
    assert (sent.status_code, sent.headers["retry-after"]) == (503, "10")
    assert sent.headers["content-type"] == "application/problem+json"
    assert [each["code"] for each in sent.json()["reasons"]] == ["web.database-away"]
    assert health.status_code == 503
    async with given.browser(app) as client:
        assert (await client.get("/health")).status_code == 200, "and back by itself"
        assert (await client.get("/tenders")).status_code == 200


async def test_readers_who_take_every_connection_are_sent_away_and_bids_go_on(
    app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    headers = await given.token(firm)
    bid = there.bid()
    body = {"price_minor": bid.price_minor, "answers": bid.answers, "declared": True}
    monkeypatch.setattr(away, "PATIENCE", 0.2)
    readers, taken = db.pools()[0], []
    try:
        taken += [await readers.acquire() for _ in range(readers.get_max_size())]
        async with given.browser(app) as client:
            page = await client.get("/tenders")
            health = await client.get("/health")
            sealed = await client.post(
                f"/api/v1/tenders/{there.tender.ref}/lots/{there.lots[0].ref}/bids", json=body, headers=headers
            )
    finally:
        for each in taken:
            await readers.release(each)
    assert (page.status_code, page.headers["retry-after"]) == (503, "10")
    assert health.status_code == 200, "full is not away"
    assert sealed.status_code == 201
    assert await Bid.count() == 1


async def test_a_lock_that_is_not_let_go_is_given_up(app: Litestar) -> None:
    assert (await db.one("SHOW lock_timeout"))["lock_timeout"] == f"{away.LOCKS}s"
    assert (await db.one("SHOW idle_in_transaction_session_timeout"))["idle_in_transaction_session_timeout"] == "1min"
    there = await given_tenders.published()
    holder = await db.connection()
    try:
        async with holder.transaction():
            await holder.execute("SELECT 1 FROM tender WHERE ref = $1 FOR UPDATE", there.tender.ref)
            with pytest.raises(asyncpg.LockNotAvailableError) as given_up:
                await _locked_for_an_instant(there.tender.ref)
    finally:
        await holder.close()
    assert problems._judged(given_up.value)[0] == 503


async def _locked_for_an_instant(ref: str) -> None:
    async with db.transaction():
        await db.many("SET LOCAL lock_timeout = '100ms'")
        await db.many("SELECT 1 FROM tender WHERE ref = {} FOR UPDATE", ref)


async def _cut_off(_: list[object]) -> None:
    """End the server's side of the transaction that calls this, as a crash before the answer would."""
    mine = (await db.one("SELECT pg_backend_pid() AS pid"))["pid"]
    other = await db.connection()
    try:
        await other.execute("SELECT pg_terminate_backend($1)", mine)
    finally:
        await other.close()


async def test_what_may_have_been_kept_is_never_called_failed() -> None:
    async def keeping() -> None:
        async with db.transaction():
            await given.organisation("Kept or not")
            db.put_off(_cut_off, None)

    with pytest.raises(away.NotKnown) as silent:
        await keeping()
    status, reasons, headers = problems._judged(silent.value)
    assert (status, [each.code for each in reasons]) == (503, ["web.not-known-whether-kept"])
    assert headers["retry-after"]
    assert await db.one("SELECT 1 AS one") == {"one": 1}, "the pool has forgotten the connection"


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.ConnectionDoesNotExistError("gone"),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.AdminShutdownError("terminating connection"),
        asyncpg.ReadOnlySQLTransactionError("cannot execute INSERT in a read-only transaction"),
        asyncpg.TooManyConnectionsError("sorry, too many clients already"),
        asyncpg.DiskFullError("no space left"),
        ConnectionRefusedError("refused"),
        away.Away("full"),
    ],
)
def test_a_database_that_is_away_is_503_and_says_when_to_come_again(error: Exception) -> None:
    status, reasons, headers = problems._judged(error)
    assert (status, [each.code for each in reasons], headers) == (503, ["web.database-away"], {"retry-after": "10"})


@pytest.mark.parametrize(
    ("error", "status"), [(asyncpg.UniqueViolationError("twice"), 500), (FileNotFoundError("a template"), 500)]
)
def test_a_fault_of_ours_is_not_called_an_outage(error: Exception, status: int) -> None:
    assert problems._judged(error)[0] == status
