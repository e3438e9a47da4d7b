"""The one database: PostgreSQL, embedded or given. Transactions that nest safely, and rows that must be there."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from itertools import count
from pathlib import Path
from string import Formatter
from types import TracebackType
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

import asyncpg
from piccolo.columns.combination import And, Or, Where, WhereRaw
from piccolo.engine.finder import engine_finder
from piccolo.engine.postgres import PostgresEngine, PostgresTransaction
from piccolo.querystring import QueryString
from piccolo.table import TABLE_REGISTRY, Table

from market import away, embedded
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
        return await asyncpg.connect(url, timeout=15, server_settings=_name())
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


class Engine(PostgresEngine):
    """Piccolo's engine, asking the way everything here asks: on the connection of the transaction that is open, else on the
    one that the request holds, else on one of the pool; and noting which tables an answer rests on."""

    sealing: asyncpg.Pool[Any] | None = None
    """The connections that are kept for bids, so that nobody who reads can take them; None where nobody bids (a job)."""

    async def run_querystring(self, querystring: QueryString, in_pool: bool = True) -> Any:
        """The rows of a query that Piccolo built."""
        statement, arguments = querystring.compile_string(engine_type=self.engine_type)
        return await _ask(statement, arguments)

    def transaction(self, allow_nested: bool = True) -> PostgresTransaction:
        """All or nothing; see :class:`Transaction`."""
        return Transaction(self, allow_nested)


Last: TypeAlias = Callable[[list[Any]], Awaitable[None]]
"""Work for the end of a transaction: called once, with everything that was put off for it, in the order it was given."""


class Transaction(PostgresTransaction):
    """A transaction that leaves nothing behind, however it ends, and does last what was put off: see :func:`put_off`.

    Piccolo's own one forgets neither its connection nor itself when the server is gone at the end: whatever the task asked
    afterwards would still be asked of the dead connection.
    """

    def __init__(self, engine: PostgresEngine, allow_nested: bool = True) -> None:
        super().__init__(engine, allow_nested)
        self.put_off: list[tuple[Last, Any]] = []

    async def commit(self) -> None:
        """Do what was put off, then commit. Raises :class:`~market.away.NotKnown` when the server fell silent meanwhile."""
        gathered: dict[Last, list[Any]] = {}
        for work, item in self.put_off:
            gathered.setdefault(work, []).append(item)
        for work, items in gathered.items():
            await work(items)
        try:
            async with asyncio.timeout(away.COMMITTING):
                await super().commit()  # type: ignore[no-untyped-call]
        except Exception as error:
            if isinstance(error, asyncpg.PostgresError) and not away.is_away(error):
                raise  # the server says itself that it kept nothing
            if _answers(self.connection):
                self.connection.terminate()
            raise away.NotKnown("the database fell silent while it was told to commit") from error

    async def __aenter__(self) -> PostgresTransaction:
        if self._parent is not None:
            return self._parent
        self.lending = _lend()
        self.connection = await self.lending.__aenter__()
        try:
            self.transaction = self.connection.transaction()
            await self.begin()  # type: ignore[no-untyped-call]
        except BaseException:
            await self.lending.__aexit__(None, None, None)
            raise
        self.context = self.engine.current_transaction.set(self)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        if self._parent is not None:
            return error is None
        try:
            if error is None and not self._committed and not self._rolled_back:
                try:
                    await self.commit()
                except BaseException:
                    if _answers(self.connection):
                        await self.rollback()  # type: ignore[no-untyped-call]
                    raise
            elif error is not None and not self._rolled_back and _answers(self.connection):
                await self.rollback()  # type: ignore[no-untyped-call]
        finally:
            self.engine.current_transaction.reset(self.context)
            await self.lending.__aexit__(None, None, None)
        return error is None


class _Held:
    """The connection that a request keeps from its first question to the beginning of its answer.

    Who asks at the same time within one request waits for the turn instead of taking a second connection: were each of ten
    requests holding one of ten and waiting for another, none would ever get it.
    """

    __slots__ = ("connection", "ended", "sealing", "turn")

    def __init__(self, sealing: bool) -> None:
        self.sealing = sealing
        self.connection: Any = None
        self.turn = asyncio.Lock()
        self.ended = False

    async def taken(self) -> Any:
        """The connection, taken from the pool at the first question and anew when the server has cut it off."""
        if self.connection is not None and not _answers(self.connection):
            await self._give_back()
        if self.connection is None:
            self.connection = await _taken(self._pool, away.PATIENCE_SEALING if self.sealing else away.PATIENCE)
        return self.connection

    @property
    def _pool(self) -> asyncpg.Pool[Any]:
        return engine().sealing if self.sealing and engine().sealing is not None else _pool()

    async def _give_back(self) -> None:
        lent, self.connection = self.connection, None
        if lent is not None:
            await self._pool.release(lent)

    async def rest(self) -> None:
        """Give the connection back until something is asked again."""
        async with self.turn:
            await self._give_back()

    async def end(self) -> None:
        """Give the connection back; what is asked later takes one of the pool for each question."""
        async with self.turn:
            self.ended = True
            await self._give_back()


def _answers(connection: Any) -> bool:
    """Whether the connection stands. One that the server cut off has left the pool already and does not even say so."""
    try:
        return not connection.is_closed()
    except asyncpg.InterfaceError:
        return False


def _pool() -> asyncpg.Pool[Any]:
    """The pool that is open."""
    if (connections := engine().pool) is None:
        raise RuntimeError("no pool is open: market.db.pool opens it")
    return connections


def pools() -> list[asyncpg.Pool[Any]]:
    """The pools that are open."""
    return [each for each in (engine().pool, engine().sealing) if each is not None]


async def _taken(connections: asyncpg.Pool[Any], patience: float = away.PATIENCE) -> Any:
    """A connection of the pool. Raises :class:`~market.away.Away` when there is none in time, or no server."""
    try:
        return await connections.acquire(timeout=patience)
    except TimeoutError as error:
        raise away.Away(f"no connection to the database within {patience:g} seconds") from error
    except OSError as error:
        raise away.Away(f"the database cannot be reached: {error}") from error


_held: ContextVar[_Held | None] = ContextVar("held", default=None)
_rested: ContextVar[set[str] | None] = ContextVar("rested", default=None)


@asynccontextmanager
async def held(*, sealing: bool = False) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """One connection for all that is asked inside; with `sealing` one of those that are kept for bids. What is yielded gives it back before the end: a page of fifteen questions
    costs a third when it does not queue at the pool for each, but who reads a long answer slowly must not keep one."""
    holding = _Held(sealing)
    token = _held.set(holding if engine().pool is not None else None)
    try:
        yield holding.end
    finally:
        _held.reset(token)
        await holding.end()


async def let_go() -> None:
    """Give the request's connection back while it waits for something else than the database; nothing inside a transaction."""
    if (holding := _held.get()) is not None and _current() is None:
        await holding.rest()


@contextmanager
def resting() -> Iterator[set[str]]:
    """The names of the tables that were asked inside, gathered as it goes."""
    names: set[str] = set()
    token = _rested.set(names)
    try:
        yield names
    finally:
        _rested.reset(token)


@asynccontextmanager
async def _lend() -> AsyncIterator[Any]:
    """The request's connection for one turn; one of the pool; or, without a pool, one of its own."""
    holding = _held.get()
    if holding is not None:
        async with holding.turn:
            if not holding.ended:
                yield await holding.taken()
                return
    if (connections := engine().pool) is not None:
        connection = await _taken(connections)
        try:
            yield connection
        finally:
            await connections.release(connection)
        return
    connection = await engine().get_new_connection()
    try:
        yield connection
    finally:
        await connection.close()


async def _ask(statement: str, arguments: Sequence[Any]) -> list[Any]:
    """The rows of one statement in PostgreSQL's own spelling."""
    if (names := _rested.get()) is not None:
        names |= tables_of(statement)
    current = engine().current_transaction.get()
    if current is not None:
        return list(await current.connection.fetch(statement, *arguments))
    async with _lend() as connection:
        return list(await connection.fetch(statement, *arguments))


_TEXT = re.compile(r"'(?:[^']|'')*'|--[^\n]*")
_NAMED = re.compile(
    r'(?:\b(?:FROM|JOIN|INTO|UPDATE|USING)|,)\s+(?:ONLY\s+)?(?:"?public"?\.)?"?([a-z_][a-z0-9_]*)"?', re.I
)


@lru_cache(maxsize=4096)
def tables_of(statement: str) -> frozenset[str]:
    """Our tables that a statement names where a table may stand. It may name one too many (a column of a list that is called
    like a table), never one too few: a kept answer is then dropped too early, not too late."""
    ours = {table._meta.tablename for table in TABLE_REGISTRY}
    return frozenset(name.lower() for name in _NAMED.findall(_TEXT.sub("''", statement))) & ours


def new_engine() -> Engine:
    """The engine for this process. No extension is asked for: any PostgreSQL 15 or newer will do."""
    return Engine(config={"dsn": database_url(), "server_settings": _name()}, extensions=())


def _name() -> dict[str, str]:
    """What our connections are called in `pg_stat_activity`: the command they are for, such as `prelude worker`."""
    command = sys.argv[1:2] if Path(sys.argv[0]).name == "__main__.py" else []
    return {"application_name": " ".join(["prelude", *command])}


@cache
def engine() -> Engine:
    """The engine every table uses. It is asked for with every query, and Piccolo would look it up anew each time."""
    found = engine_finder()
    if not isinstance(found, Engine):
        raise TypeError("market/piccolo_conf.py must name an Engine")
    return found


@asynccontextmanager
async def pool(size: int = 10, *, sealing: int = 0, serving: bool = False) -> AsyncIterator[None]:
    """Keep up to `size` connections open while inside, and `sealing` more for bids alone; the application's lifespan and the
    worker use it. With `serving`, people wait for the answers: no statement waits longer for a lock, and no transaction holds
    one longer without asking anything, than :mod:`market.away` says. A job has a limit of its own.

    A connection goes back as it is: by default asyncpg would ask the server to forget the session's settings after every
    query, a second journey for each, and nothing here leaves any behind (locks are those of a transaction, and one that
    is still open is rolled back). Statements are prepared once for each connection; there are more than asyncpg's hundred.
    """
    limits = {"lock_timeout": f"{away.LOCKS}s", "idle_in_transaction_session_timeout": f"{away.IDLE}s"}
    kept: dict[str, Any] = {
        "min_size": 1,
        "reset": _as_it_is,
        "statement_cache_size": 600,
        "timeout": away.PATIENCE,
        "server_settings": {**_name(), **(limits if serving else {})},
    }
    await engine().start_connection_pool(max_size=size, **kept)
    if sealing:
        engine().sealing = await asyncpg.create_pool(**{**engine().config, **kept, "max_size": sealing})
    try:
        yield
    finally:
        if (bids := engine().sealing) is not None:
            engine().sealing = None
            await bids.close()
        await engine().close_connection_pool()
        await _watch.close()


class _Watch:
    """A connection that only asks whether the database is there: a full pool is not an answer to that. Whoever asks at the
    same time gets the same answer, so that nobody is refused a connection because others watch."""

    def __init__(self) -> None:
        self._asking: asyncio.Task[bool] | None = None
        self._connection: asyncpg.Connection[Any] | None = None

    async def well(self) -> bool:
        """Whether the database answers within three seconds."""
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> bool:
        try:
            async with asyncio.timeout(3):
                if self._connection is None or self._connection.is_closed():
                    self._connection = await asyncpg.connect(**engine().config, timeout=3)
                return bool(await self._connection.fetchval("SELECT 1") == 1)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await self.close()
            return False

    async def close(self) -> None:
        """Forget the connection."""
        gone, self._connection = self._connection, None
        if gone is not None:
            gone.terminate()


_watch = _Watch()


async def well() -> bool:
    """Whether the database answers, asked over a connection that nobody else can take."""
    return await _watch.well()


async def _as_it_is(connection: object) -> None:
    """Nothing to forget."""


def put_off(work: Last, item: Any) -> bool:
    """Have `work` done with `item` as the last thing before the present transaction commits; a part that is undone takes
    back what it put off. Answers False, and does nothing, when there is no transaction."""
    current = _current()
    if current is None:
        return False
    current.put_off.append((work, item))
    return True


def _current() -> Transaction | None:
    current = engine().current_transaction.get()
    if current is not None and not isinstance(current, Transaction):
        raise TypeError("market.db.Engine makes every transaction")
    return current


_at_first: ContextVar[Callable[[], Awaitable[None]] | None] = ContextVar("at_first", default=None)


@contextmanager
def at_first(statement: Callable[[], Awaitable[None]]) -> Iterator[None]:
    """Do this as the first thing of every outermost transaction that is opened inside: it stands or falls with it."""
    token = _at_first.set(statement)
    try:
        yield
    finally:
        _at_first.reset(token)


@asynccontextmanager
async def _outermost() -> AsyncIterator[None]:
    async with engine().transaction():
        if (first := _at_first.get()) is not None:
            await first()
        yield


@asynccontextmanager
async def transaction() -> AsyncIterator[None]:
    """All or nothing. Inside another transaction it opens a savepoint, so a caught inner failure undoes the inner part
    only (Piccolo alone would join the outer one and keep half)."""
    current = _current()
    if current is None:
        async with _outermost():
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
    async with _outermost():
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
    return [dict(record) for record in await fetched(sql, *arguments)]


async def fetched(sql: str, *arguments: Any) -> list[Any]:
    """All rows of a raw query as the driver's records; :mod:`market.reads` makes structs of them."""
    return await _ask(_numbered(sql), arguments)


@lru_cache(maxsize=4096)
def _numbered(sql: str) -> str:
    """The query with `$1`, `$2` … for its arguments, as PostgreSQL wants it."""
    numbers = count(1)
    return "".join(
        text + ("" if name is None else f"${next(numbers)}") for text, name, _, _ in Formatter().parse(sql)
    )  # fmt: skip
