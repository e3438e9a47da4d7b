"""Reading: rows are structs whose fields are the query's columns, asked on one connection for each request."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import datetime

import asyncpg
import msgspec
import pytest

from market import db
from market.accounts.tables import Organisation
from market.reads import row, rows, the
from market.refusals import NotFound
from tests import given

pytestmark = pytest.mark.usefixtures("clean")


class Body(msgspec.Struct, frozen=True):
    """An organisation, as these tests read it."""

    ref: str
    name: str
    left_at: datetime | None = None


class Ref(msgspec.Struct, frozen=True):
    """The reference alone."""

    ref: str


ALL = "SELECT name, ref, NULL::timestamptz AS left_at FROM organisation ORDER BY id"


async def test_columns_become_fields_by_name_in_any_order() -> None:
    first, second = await given.organisation("First"), await given.organisation("Second")
    assert await rows(Body, ALL) == [Body(first.ref, "First"), Body(second.ref, "Second")]
    assert await row(Body, ALL) == Body(first.ref, "First")


async def test_nothing_is_an_empty_list_none_or_not_found() -> None:
    assert await rows(Body, ALL) == []
    assert await row(Body, ALL) is None
    with pytest.raises(NotFound):
        await the(Body, ALL)


async def test_a_plain_type_takes_the_first_column() -> None:
    await given.organisation("First")
    assert await rows(str, "SELECT name FROM organisation") == ["First"]
    assert await the(int, "SELECT count(*) FROM organisation WHERE name = {}", "First") == 1


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("SELECT name FROM organisation", "ref"),
        ("SELECT ref, name, NULL::timestamptz AS left_at, kind FROM organisation", "kind"),
        ("SELECT ref, name AS name, id::text AS other, NULL::timestamptz AS left_at FROM organisation", "other"),
    ],
)
async def test_a_query_that_answers_other_columns_than_the_fields_is_refused(sql: str, why: str) -> None:
    await given.organisation("First")
    with pytest.raises(TypeError, match=why):
        await rows(Body, sql)


@pytest.mark.parametrize("value", ["NULL::text", "7"])
async def test_a_value_that_the_annotation_does_not_allow_is_named_in_tests(value: str) -> None:
    with pytest.raises(TypeError, match=r"Ref\.ref"):
        await rows(Ref, f"SELECT {value} AS ref")


PID = "SELECT pg_backend_pid()"


async def test_what_a_request_asks_is_asked_on_one_connection_and_its_transactions_too() -> None:
    async with db.held():
        first = await the(int, PID)
        assert await asyncio.gather(*(the(int, PID) for _ in range(20))) == [first] * 20
        async with db.transaction():
            assert await the(int, PID) == first
            assert await db.one(PID) == {"pg_backend_pid": first}
        assert await Organisation.count() == 0


async def test_a_hundred_requests_at_once_share_ten_connections() -> None:
    async def request() -> int:
        async with db.held():
            one, two = await asyncio.gather(the(int, PID), the(int, PID))
            async with db.transaction():
                await the(int, "SELECT 1 FROM pg_sleep(0.001)")
            return int(one == two)

    assert await asyncio.gather(*(request() for _ in range(100))) == [1] * 100


async def test_after_the_answer_has_begun_the_connection_is_free_for_others() -> None:
    connections = db.engine().pool
    assert connections is not None
    async with db.held() as give_back:
        await the(int, PID)
        kept = connections.get_size() - connections.get_idle_size()
        await give_back()
        assert connections.get_size() - connections.get_idle_size() == kept - 1
        assert await the(int, "SELECT 1") == 1


async def test_a_connection_that_the_server_cuts_off_is_replaced() -> None:
    async with db.held():
        await _cut_off(await the(int, PID))
        with suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
            await the(int, PID)
        assert await the(int, "SELECT 1") == 1


async def _lost_inside_a_transaction() -> None:
    async with db.transaction():
        await _cut_off(await the(int, PID))
        await the(int, PID)


async def test_a_connection_lost_inside_a_transaction_leaves_nothing_behind() -> None:
    for _ in range(12):
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await _lost_inside_a_transaction()
        assert not db.engine().transaction_exists()
        assert await the(int, "SELECT 1") == 1


async def _cut_off(pid: int) -> None:
    other = await db.connection()
    try:
        await other.fetch("SELECT pg_terminate_backend($1, 5000)", pid)
    finally:
        await other.close()


STATEMENTS = {
    "SELECT 1 FROM tender": {"tender"},
    "SELECT t.ref FROM tender AS t JOIN lot ON lot.tender = t.id LEFT JOIN organisation o ON o.id = t.buyer": {
        "tender",
        "lot",
        "organisation",
    },
    "WITH late AS (SELECT id FROM bid) SELECT 1 FROM late, person p WHERE p.id IN (SELECT person FROM membership)": {
        "bid",
        "person",
        "membership",
    },
    'SELECT "tender"."ref" FROM "public"."tender" WHERE title = \'FROM lot\' -- FROM person': {"tender"},
    "SELECT extract(epoch FROM at) FROM event e, unnest(e.about) AS a WHERE EXISTS (SELECT FROM ONLY outbox)": {
        "event",
        "outbox",
    },
    "UPDATE lot SET title = '' FROM tender WHERE tender.id = lot.tender RETURNING lot.id": {"lot", "tender"},
    "INSERT INTO organisation (name) SELECT name FROM person": {"organisation", "person"},
    "DELETE FROM allowance USING person": {"allowance", "person"},
}


@pytest.mark.parametrize("statement", STATEMENTS)
def test_the_tables_of_a_statement_are_known_from_its_text(statement: str) -> None:
    assert STATEMENTS[statement] == db.tables_of(statement)


async def test_what_an_answer_rests_on_is_gathered_from_raw_and_built_queries_alike() -> None:
    with db.resting() as names:
        await rows(str, "SELECT name FROM person")
        await Organisation.select(Organisation.name)
        async with db.transaction():
            await rows(int, "SELECT id FROM lot")
    assert names == {"person", "organisation", "lot"}
    await rows(int, "SELECT id FROM bid")
    assert "bid" not in names
