"""Transactions that nest safely, rows that must be there, and a log that the database itself protects."""

import asyncio
from collections.abc import Awaitable

import asyncpg
import pytest

from market import clock, db
from market.accounts.tables import Organisation
from market.actor import SYSTEM
from market.audit.actions import record
from market.audit.tables import Event
from market.refusals import NotFound
from tests import given

pytestmark = pytest.mark.usefixtures("clean")


async def _fail_after(work: Awaitable[object]) -> None:
    """Do this in a transaction that fails after all."""
    async with db.transaction():
        await work
        raise RuntimeError("it failed after all")


async def test_a_caught_inner_failure_undoes_the_inner_part_only() -> None:
    async with db.transaction():
        await given.organisation("Outer")
        with pytest.raises(RuntimeError):
            await _fail_after(given.organisation("Inner"))
    assert [row["name"] for row in await Organisation.select(Organisation.name)] == ["Outer"]


async def test_an_inner_database_error_does_not_poison_the_outer_transaction() -> None:
    async with db.transaction():
        first = await given.organisation("First")
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            async with db.transaction():
                await Organisation.insert(
                    Organisation(ref=first.ref, name="Twin", kind="buyer", created_at=clock.now())
                )
        await given.organisation("Second")
    assert await Organisation.count() == 2


async def test_arguments_stand_where_braces_are_and_doubled_braces_are_braces() -> None:
    row = await db.one(
        "SELECT {}::text AS first, '{{1,2}}'::int[] AS several, {}::int AS second, '{{}}' AS braces", "a{b}", 7
    )
    assert row == {"first": "a{b}", "several": [1, 2], "second": 7, "braces": "{}"}
    async with db.transaction():
        await db.many("SELECT set_config('prelude.test', {}, true)", "inside")
        assert (await db.one("SELECT current_setting('prelude.test') AS said"))["said"] == "inside"
    assert await db.one("SELECT 1 WHERE false") == {}


async def test_a_missing_row_is_not_found() -> None:
    with pytest.raises(NotFound):
        await db.find(Organisation, Organisation.ref == "O-NOBODY")
    assert await db.maybe(Organisation, Organisation.ref == "O-NOBODY") is None


async def test_a_locked_row_waits_for_the_first_transaction() -> None:
    row = await given.organisation("One")
    order: list[str] = []
    held = asyncio.Event()

    async def first() -> None:
        async with db.transaction():
            await db.find(Organisation, Organisation.id == row.id, lock=True)
            held.set()
            await db.many("SELECT pg_sleep(0.2)")
            order.append("first")

    async def second() -> None:
        await held.wait()
        async with db.transaction():
            await db.find(Organisation, Organisation.id == row.id, lock=True)
            order.append("second")

    await asyncio.gather(first(), second())
    assert order == ["first", "second"]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE event SET verb = 'x'", "DELETE FROM event", "TRUNCATE event", "UPDATE event SET body = '{{}}'"],
)
async def test_the_database_itself_refuses_to_change_the_log(statement: str) -> None:
    await record(SYSTEM, "mission.published", "mission:M-AAAAAAA")
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await db.many(statement)
    assert await Event.count() == 1


async def test_events_written_at_once_make_one_chain_without_a_gap() -> None:
    await asyncio.gather(*(record(SYSTEM, "mission.published", f"mission:M-{number}") for number in range(20)))
    assert [row["seq"] for row in await Event.select(Event.seq).order_by(Event.seq)] == list(range(1, 21))
    from market.audit.proofs import verify_log

    assert (await verify_log()).holds


async def test_an_event_of_a_failed_action_never_happened() -> None:
    with pytest.raises(RuntimeError):
        await _fail_after(record(SYSTEM, "mission.published", "mission:M-AAAAAAA"))
    assert await Event.count() == 0
