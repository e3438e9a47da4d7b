"""The one database: PostgreSQL, embedded or given. Transactions that nest safely, and rows that must be there."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import cache, lru_cache
from itertools import count
from string import Formatter
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

import asyncpg
from piccolo.columns.combination import And, Or, Where, WhereRaw
from piccolo.engine.finder import engine_finder
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
from piccolo.querystring import QueryString
from piccolo.table import Table

from market import embedded
from market.keeper import CannotStart
from market.refusals import NotFound
from market.settings import InTheWay, settings

T = TypeVar("T", bound=Table)
Condition: TypeAlias = Where | WhereRaw | And | Or


def database_url() -> str:
    """Where the database is: the one the operator gave, else the embedded server under `var/`, started when needed.

    Each process asks for itself, children too: an embedded server stops when the last that asked has ended.
    """
    given = settings().database_url or os.environ.get("DATABASE_URL")
    if given:
        return given
    try:
        return embedded.address(settings().var)
    except CannotStart as reason:
        raise Unreachable(str(reason)) from None


class Unreachable(InTheWay):
    """The database does not answer or refuses us; the message says why and what to do, without the password."""


async def must_answer() -> None:
    """Connect once and let go. Raises :class:`Unreachable`: asked before any table is read, whose engine would connect by
    itself and fail with a page of text."""
    await (await connection()).close()


async def connection() -> asyncpg.Connection[Any]:
    """A connection of one's own, outside the pool. Raises :class:`Unreachable`."""
    url = database_url()
    try:
        return await asyncpg.connect(url, timeout=15)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        where = urlsplit(url)
        named = f"{where.netloc.rpartition('@')[2] or 'this machine'}{where.path}"
        why = str(error) or "no answer within 15 seconds"
        raise Unreachable(
            f"The database at {named} cannot be used: {why}. Start it, or correct DATABASE_URL."
        ) from error


def stop_embedded() -> None:
    """This process no longer uses the embedded server; it stops when nobody else does."""
    embedded.leave(settings().var)


def new_engine() -> PostgresEngine:
    """The engine for this process. No extension is asked for: any PostgreSQL 15 or newer will do."""
    return PostgresEngine(config={"dsn": database_url()}, extensions=())


@cache
def engine() -> PostgresEngine:
    """The engine every table uses. It is asked for with every query, and Piccolo would look it up anew each time."""
    found = engine_finder()
    if not isinstance(found, PostgresEngine):
        raise TypeError("market/piccolo_conf.py must name a PostgresEngine")
    return found


@asynccontextmanager
async def pool(size: int = 10) -> AsyncIterator[None]:
    """Keep up to `size` connections open while inside; the application's lifespan and the worker use it.

    A connection goes back as it is: by default asyncpg would ask the server to forget the session's settings after every
    query, a second journey for each, and nothing here leaves any behind (locks are those of a transaction, and one that
    is still open is rolled back). Statements are prepared once for each connection; there are more than asyncpg's hundred.
    """
    await engine().start_connection_pool(min_size=1, max_size=size, reset=_as_it_is, statement_cache_size=600)
    try:
        yield
    finally:
        await engine().close_connection_pool()


async def _as_it_is(connection: object) -> None:
    """Nothing to forget."""


Last: TypeAlias = Callable[[list[Any]], Awaitable[None]]
"""Work for the end of a transaction: called once, with everything that was put off for it, in the order it was given."""


class _Transaction(PostgresTransaction):
    """Piccolo's transaction, with what it does last before it commits."""

    __slots__ = ("put_off",)

    def __init__(self) -> None:
        super().__init__(engine())
        self.put_off: list[tuple[Last, Any]] = []

    async def end(self) -> None:
        """Do what was put off."""
        gathered: dict[Last, list[Any]] = {}
        for work, item in self.put_off:
            gathered.setdefault(work, []).append(item)
        for work, items in gathered.items():
            await work(items)

    async def let_go(self) -> None:
        """Leave nothing behind, however it ended. When the connection is lost, Piccolo's own rollback fails before it
        gives the connection back and before it forgets the transaction: whoever goes on in the same task would then
        speak into a dead connection for ever."""
        if engine().current_transaction.get() is self:
            engine().current_transaction.set(None)
        connection = getattr(self, "connection", None)
        if connection is None:
            return
        if not (self._committed or self._rolled_back):
            # Nobody knows how it ended: nobody is given this connection, and the server rolls back what is open.
            with suppress(asyncpg.InterfaceError):  # it was given back already
                connection.terminate()
        if (connections := engine().pool) is not None:
            await connections.release(connection)  # a second time it does nothing


@asynccontextmanager
async def _whole() -> AsyncIterator[None]:
    whole = _Transaction()
    try:
        async with whole:
            yield
            await whole.end()
    finally:
        await whole.let_go()


def put_off(work: Last, item: Any) -> bool:
    """Have `work` done with `item` as the last thing before the present transaction commits; a part that is undone takes
    back what it put off. Answers False, and does nothing, when there is no transaction."""
    current = _current()
    if current is None:
        return False
    current.put_off.append((work, item))
    return True


def _current() -> _Transaction | None:
    current = engine().current_transaction.get()
    if current is not None and not isinstance(current, _Transaction):
        raise RuntimeError("open transactions with market.db.transaction()")
    return current


@asynccontextmanager
async def transaction() -> AsyncIterator[None]:
    """All or nothing. Inside another transaction it opens a savepoint, so a caught inner failure undoes the inner part
    only (Piccolo alone would join the outer one and keep half)."""
    current = _current()
    if current is None:
        async with _whole():
            yield
        return
    savepoint, put_off_before = await current.savepoint(), len(current.put_off)
    try:
        yield
    except BaseException:
        del current.put_off[put_off_before:]
        await savepoint.rollback_to()  # type: ignore[no-untyped-call]
        raise
    await savepoint.release()  # type: ignore[no-untyped-call]


@asynccontextmanager
async def one_transaction() -> AsyncIterator[None]:
    """Like :func:`transaction`, but inside another one it is simply a part of it: for work whose failure is never caught in
    between, such as writing the log."""
    if _current() is not None:
        yield
        return
    async with _whole():
        yield


@cache
def _one_of(table: type[Table]) -> str:
    """The query for one row of this table. Piccolo writes the list of columns anew for every query, which costs more than
    all the rest of reading a row; here it is written once."""
    columns = ", ".join(f'"{each._meta.db_column_name}" AS "{each._meta.name}"' for each in table._meta.columns)
    return f"SELECT {columns} FROM {table._meta.get_formatted_tablename()} WHERE {{}} LIMIT 1"  # noqa: S608 — names of our own tables


async def maybe(table: type[T], where: Condition, *, lock: bool = False) -> T | None:
    """The row, or None. With `lock` nobody else changes it until this transaction ends."""
    sql = _one_of(table) + (" FOR UPDATE" if lock else "")
    rows = await engine().run_querystring(QueryString(sql, where.querystring))
    return table(**rows[0], _exists_in_db=True) if rows else None


async def find(table: type[T], where: Condition, *, lock: bool = False) -> T:
    """The row, or :class:`~market.refusals.NotFound` (404). With `lock` nobody else changes it until this transaction ends."""
    row = await maybe(table, where, lock=lock)
    if row is None:
        raise NotFound(table.__name__)
    return row


async def one(sql: str, *arguments: Any) -> dict[str, Any]:
    """The first row of a raw query, as a dictionary; empty when there is none. `{}` stands for each argument."""
    rows = await many(sql, *arguments)
    return rows[0] if rows else {}


async def many(sql: str, *arguments: Any) -> list[dict[str, Any]]:
    """All rows of a raw query, as dictionaries. `{}` stands for each argument, `{{` and `}}` for braces."""
    return [dict(row) for row in await _fetched(_numbered(sql), arguments)]


async def _fetched(statement: str, arguments: Sequence[Any]) -> list[Any]:
    """The rows, on the connection of the transaction that is open or on one of the pool. Piccolo does the same and reads
    the text of the query anew each time, which costs as much as a short query."""
    current = engine().current_transaction.get()
    if current is not None:
        return list(await current.connection.fetch(statement, *arguments))
    if (connections := engine().pool) is None:
        return list(await engine()._run_in_new_connection(statement, arguments))
    async with connections.acquire() as connection:
        return list(await connection.fetch(statement, *arguments))


@lru_cache(maxsize=4096)
def _numbered(sql: str) -> str:
    """The query with `$1`, `$2` … for its arguments, as PostgreSQL wants it."""
    numbers = count(1)
    return "".join(
        text + ("" if name is None else f"${next(numbers)}") for text, name, _, _ in Formatter().parse(sql)
    )  # fmt: skip
