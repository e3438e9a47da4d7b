"""Bringing a database to the tables this code expects: numbered files, each run once, by one process at a time.

A migration is a file of an app's `piccolo_migrations`, such as `market_0001_first_tables.sql`; `docs/conventions.md` says how
to write one. What was run is noted in `applied_migration`, with a digest of the file: a file that has run is never edited.
"""

from __future__ import annotations

import asyncio
import logging
import re
import runpy
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg

from market import catalogue
from market.catalogue import Connection
from market.db import connection
from market.settings import ROOT, InTheWay

log = logging.getLogger("prelude.migrations")

APPS: Mapping[str, Path] = {app: ROOT / app / "piccolo_migrations" for app in ("market", "challenges", "search")}
"""Where each app's migrations lie, in the order of the floors: a migration names tables of its own app and of those before it."""

ALONE = 7420260001
"""The lock (PostgreSQL's, of the session) of whoever migrates."""

LOCK_TIMEOUT = "2s"
"""How long a migration waits for a table that somebody uses. Whoever wants the table after it waits as long: behind a
migration that waits, every reader of the table queues, and a site that does not answer is worse than one not yet upgraded."""

PAUSES = (1.0, 2.0, 4.0, 8.0)
"""Seconds between the tries, in which the others have the table; after the last try it is given up."""

NOTES = """
CREATE TABLE IF NOT EXISTS applied_migration (
    name text PRIMARY KEY,
    digest text NOT NULL,
    begun_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz
)
"""
"""Without `ended_at`: begun outside a transaction and cut off."""

NAME = re.compile(r"(?P<app>[a-z]+)_(?P<number>\d{4})_[a-z0-9_]+\.(?:sql|py)")
DECLARED = re.compile(r"^-- transaction: (yes|no)$", re.MULTILINE)
ITS_OWN = re.compile(
    r"^\s*(BEGIN|COMMIT|ROLLBACK|START\s+TRANSACTION|SAVEPOINT\s+\w+)\s*;", re.IGNORECASE | re.MULTILINE
)
COMMENT = re.compile(r"^\s*--.*$", re.MULTILINE)
OUTSIDE = re.compile(
    r"(?P<act>CREATE(?:\s+UNIQUE)?\s+INDEX|DROP\s+INDEX)\s+CONCURRENTLY\s+(?P<index>[a-z0-9_]+)(?:\s+ON\s[^;]+)?;",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Migration:
    """One file, read and found to be well formed."""

    app: str
    number: int
    name: str
    """The file's name without its ending."""
    digest: str
    """SHA-256 of the text, line ends as Unix writes them."""
    transaction: bool
    """Whether all of it happens or nothing; else it can be repeated after it was cut off."""
    sql: str
    """Empty for one in Python."""
    apply: Callable[[Connection], Awaitable[None]] | None

    async def run(self, session: Connection) -> None:
        """Do what the file says. Raises :class:`InTheWay` with the line of the file that PostgreSQL refuses."""
        try:
            if self.apply is not None:
                await self.apply(session)
            else:
                await session.execute(self.sql)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            raise
        except asyncpg.PostgresError as error:
            place = int(error.position) if getattr(error, "position", None) else 0
            line = f", line {self.sql.count(chr(10), 0, place - 1) + 1}" if place and self.sql else ""
            kept = "nothing of it is kept" if self.transaction else "the next run does it again"
            raise InTheWay(f"The migration {self.name}{line} failed, and {kept}: {error}") from error


def files(apps: Mapping[str, Path] = APPS) -> list[Migration]:
    """Every migration, in the order in which an empty database has them. Raises :class:`InTheWay` for a file that is no
    migration, a number that is missing or given twice, and a file that breaks the rules of its kind."""
    found = []
    for app, folder in apps.items():
        paths = sorted(path for path in folder.iterdir() if not path.name.startswith((".", "__pycache__")))
        for number, path in enumerate(paths, start=1):
            named = NAME.fullmatch(path.name)
            if named is None or named["app"] != app:
                raise InTheWay(f"{path} is no migration: they are named {app}_0001_words.sql (or .py)")
            if int(named["number"]) != number:
                raise InTheWay(
                    f"{path.name} stands where {app}_{number:04} must: number migrations without gaps or doubles"
                )
            found.append(_read(app, number, path))
    return found


def _read(app: str, number: int, path: Path) -> Migration:
    text = path.read_text(encoding="utf-8")
    digest = sha256(text.encode()).hexdigest()
    if path.suffix == ".py":
        module = runpy.run_path(str(path))
        if not isinstance(module.get("TRANSACTION"), bool) or not callable(module.get("apply")):
            raise InTheWay(f"{path.name} must have TRANSACTION = True (or False) and async def apply(connection)")
        return Migration(app, number, path.stem, digest, module["TRANSACTION"], "", module["apply"])
    declared = DECLARED.findall(text)
    if len(declared) != 1:
        raise InTheWay(
            f"{path.name} must say once, on a line of its own, `-- transaction: yes` or `-- transaction: no`"
        )
    bare = COMMENT.sub("", text).strip()
    inside = declared == ["yes"]
    if re.search(r"\bpublic\.", bare):
        raise InTheWay(
            f"{path.name} names the schema public: leave it out, the operator may keep the tables in another"
        )
    if inside and (ITS_OWN.search(bare) or re.search(r"\bCONCURRENTLY\b", bare, re.IGNORECASE)):
        raise InTheWay(
            f"{path.name} is run in a transaction and ends it: leave out BEGIN and COMMIT, and give what is done "
            "CONCURRENTLY a file of its own with `-- transaction: no`"
        )
    if not inside and not OUTSIDE.fullmatch(bare):
        raise InTheWay(
            f"{path.name} is run outside a transaction, so it must be one statement that can be repeated: CREATE INDEX "
            "CONCURRENTLY name ON …; or DROP INDEX CONCURRENTLY name; – anything else in Python, repeatable by itself"
        )
    return Migration(app, number, path.stem, digest, inside, text, None)


async def migrate(migrations: Sequence[Migration] | None = None) -> list[str]:
    """Run what is missing, in order; answers the names, none when the database was up to date.

    Raises :class:`InTheWay`, before anything is changed, for a database that is not ours to change, and in the middle for a
    migration that fails or does not get its tables: those before it are kept and noted, nothing of it is, and the next run
    goes on there."""
    migrations = files() if migrations is None else migrations
    session = await connection()
    try:
        async with _alone(session):
            todo = await _lacking(session, migrations)
            if todo:
                await session.execute(NOTES)
            for each in todo:
                await _patiently(session, each)
    finally:
        await session.close()
    return [each.name for each in todo]


@asynccontextmanager
async def _alone(session: Connection) -> AsyncIterator[None]:
    """One process migrates, others wait. They ask again and again instead of standing in PostgreSQL's queue: who stands
    there is at a statement, CREATE INDEX CONCURRENTLY waits for the end of every statement, and the two would wait for
    each other for ever."""
    asked = 0
    while not await session.fetchval("SELECT pg_try_advisory_lock($1)", ALONE):
        if not asked:
            log.warning("another process is migrating this database; waiting for it")
        asked += 1
        await asyncio.sleep(0.1)
    try:
        yield
    finally:
        if not session.is_closed():
            await session.execute("SELECT pg_advisory_unlock($1)", ALONE)


async def _patiently(session: Connection, migration: Migration) -> None:
    """Run one migration and note it; when somebody holds what it needs, let go and try again after a pause."""
    others = await connection()
    seen: list[str] = []
    try:
        for pause in (*PAUSES, None):
            watch = asyncio.create_task(_watch(others, session.get_server_pid(), seen))
            try:
                await (_whole if migration.transaction else _repeatable)(session, migration)
                return
            except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
                pass
            finally:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
            who = "; ".join(seen) or "somebody who was gone before it could be seen who"
            if pause is None:
                raise InTheWay(
                    f"The migration {migration.name} was given up after {len(PAUSES) + 1} tries: {who}. Wait for that to end, "
                    "or end it, and run `python -m market migrate` again"
                )
            log.warning("%s is tried again in %g s: %s", migration.name, pause, who)
            await asyncio.sleep(pause)
    finally:
        await others.close()


async def _whole(session: Connection, migration: Migration) -> None:
    """All of it and its note, or nothing: one that is killed in between has not happened."""
    async with session.transaction():
        await session.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'; SET LOCAL statement_timeout = 0")
        await migration.run(session)
        await session.execute(
            "INSERT INTO applied_migration (name, digest, ended_at) VALUES ($1, $2, now())",
            migration.name,
            migration.digest,
        )


async def _repeatable(session: Connection, migration: Migration) -> None:
    """Note that it begins, do it, note that it ended. What was begun and cut off is done again: an index that was not
    finished is dropped first (PostgreSQL leaves it there, of use to nobody), one that was is kept. Raises
    :class:`InTheWay` when somebody else made an index of that name."""
    begun = await session.fetchval("SELECT true FROM applied_migration WHERE name = $1", migration.name)
    statement = OUTSIDE.fullmatch(COMMENT.sub("", migration.sql).strip())
    index = statement["index"] if statement else None
    valid = await session.fetchval("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)", index)
    there = valid is not None
    makes = statement is not None and statement["act"].upper().startswith("CREATE")
    if makes and there and not begun:
        raise InTheWay(
            f"The migration {migration.name} makes the index {index}, and there is one that no migration made: drop it "
            f"(DROP INDEX CONCURRENTLY {index}) and run `python -m market migrate` again"
        )
    await session.execute(
        "INSERT INTO applied_migration (name, digest) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET digest = $2",
        migration.name,
        migration.digest,
    )
    await session.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'; SET statement_timeout = 0")
    try:
        if makes and valid is False:
            await session.execute(f"DROP INDEX CONCURRENTLY {index}")
            there = False
        if statement is None or makes != there:
            await migration.run(session)
    finally:
        if not session.is_closed():
            await session.execute("RESET lock_timeout; RESET statement_timeout")
    await session.execute("UPDATE applied_migration SET ended_at = now() WHERE name = $1", migration.name)


HOLDERS = """
SELECT DISTINCT pid, coalesce(nullif(application_name, ''), 'a program that gives no name') AS program, usename AS who,
       state, to_char(query_start, 'YYYY-MM-DD HH24:MI:SS TZ') AS since,
       (SELECT min(CASE locktype WHEN 'relation' THEN 'holds ' || relation::regclass
            WHEN 'virtualxid' THEN 'began before the index and may still write to its table' ELSE 'holds rows it must change' END)
        FROM pg_locks WHERE pid = $1 AND NOT granted) AS how
FROM unnest(pg_blocking_pids($1)) AS holder (pid) LEFT JOIN pg_stat_activity USING (pid)
"""


async def _watch(others: Connection, waiting: int, seen: list[str]) -> None:
    """Who is in the way of the process `waiting`, for as long as it waits: afterwards nobody can say it."""
    while True:
        if rows := await others.fetch(HOLDERS, waiting):
            seen[:] = map(_holder, rows)
        await asyncio.sleep(0.1)


def _holder(row: Mapping[str, Any]) -> str:
    how = row["how"] or "holds what it needs"
    if not row["pid"]:
        return f"a prepared transaction (pg_prepared_xacts) {how}"
    return (
        f"{row['program']} (process {row['pid']}, user {row['who'] or 'unknown'}, {row['state'] or 'in a state unknown to us'}, "
        f"last statement begun {row['since'] or 'at a moment unknown to us'}) {how}; "
        f"SELECT pg_terminate_backend({row['pid']}) ends it"
    )


async def _lacking(session: Connection, migrations: Iterable[Migration], *, newer: bool = False) -> list[Migration]:
    """The migrations that this database has not had. Raises :class:`InTheWay` for one that is not ours to change: made by
    version 0.1.0, by other files than these, by a newer version (unless `newer` is welcome), or by nobody we know."""
    migrations = list(migrations)
    notes: dict[str, asyncpg.Record] = {}
    if await session.fetchval("SELECT to_regclass('applied_migration')"):
        notes = {row["name"]: row for row in await session.fetch("SELECT * FROM applied_migration")}
    if not notes:
        await _must_be_empty(session, migrations)
    named = {each.name: each for each in migrations}
    highest = {each.app: each.number for each in migrations}
    for name in sorted(notes.keys() - named.keys()):
        app, number, _ = name.split("_", 2)
        if int(number) <= highest.get(app, 0):
            raise InTheWay(
                f"This database has had the migration {name}, and the file of that number is another one here: put back the "
                "file that was run, and number the other one after it"
            )
        if not newer:
            raise InTheWay(
                f"This database has had the migration {name}, which this version of Prelude does not know: a newer version "
                "made it. Install that version again; an older one changes nothing in it"
            )
    for name, note in notes.items():
        if name in named and note["ended_at"] and note["digest"] != named[name].digest:
            raise InTheWay(
                f"The migration {name} was edited after this database had had it ({note['ended_at']:%Y-%m-%d}): put the file "
                "back as it was, and write what is to change into a new migration"
            )
    lacking = [each for each in migrations if each.name not in notes or not notes[each.name]["ended_at"]]
    had = {(each.app, each.number): each.name for each in migrations if each not in lacking}
    for each in lacking:
        if later := had.get((each.app, each.number + 1)):
            raise InTheWay(
                f"This database has had {later} and not {each.name}, which comes before it: restore the whole backup"
            )
    return lacking


async def _must_be_empty(session: Connection, migrations: Iterable[Migration]) -> None:
    """Raises :class:`InTheWay` for a database without notes that holds tables of ours already."""
    earlier = await session.fetchval(
        "SELECT count(*) = 3 FROM pg_attribute WHERE attrelid = to_regclass('migration') "
        "AND attname IN ('app_name', 'name', 'ran_on')"
    )
    if earlier and (had := await session.fetchval("SELECT count(*) FROM migration WHERE app_name = 'market'")):
        raise InTheWay(
            f"Version 0.1.0 made this database (its table migration names {had} of that version's), and this version cannot "
            "take it over: nothing in it was changed. Keep version 0.1.0 for it, or begin in an empty database: "
            "`make demo-fresh` for the demonstration, `createdb` and another DATABASE_URL elsewhere"
        )
    makes = {name for each in migrations for name in re.findall(r"^CREATE TABLE (\w+)", each.sql, re.MULTILINE)}
    there = await session.fetch(
        "SELECT relname::text FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = ANY($1) "
        "ORDER BY 1",
        list(makes),
    )
    if there:
        some = ", ".join(row["relname"] for row in there[:3]) + (" …" if there[3:] else "")
        raise InTheWay(
            f"This database has tables of ours ({some}) and no note of a migration, so nobody can say which version made "
            "them: nothing in it was changed. Restore the whole backup, or begin in an empty database"
        )


async def must_be_applied() -> None:
    """Raises :class:`InTheWay` for a database that this version cannot work on. One that a newer version has migrated is
    good: migrations only add, so that servers may be replaced one by one."""
    session = await connection()
    try:
        migrations = files()
        lacking = await _lacking(session, migrations, newer=True)
    finally:
        await session.close()
    if lacking == migrations:
        raise InTheWay("The database has no tables yet: run `python -m market migrate` first")
    if lacking:
        raise InTheWay(f"The database lacks {lacking[0].name}: run `python -m market migrate` first")


async def check(migrations: Sequence[Migration] | None = None) -> list[str]:
    """What differs between the tables in the code, what the migrations make, and what the database has, in words and in
    both directions; nothing when they agree. Changes nothing: what it compares with is made in a schema that is not kept."""
    migrations = files() if migrations is None else migrations
    session = await connection()
    try:
        lacking = await _lacking(session, migrations)
        has = await catalogue.catalogue_of(session)
        async with catalogue.scratch(session):
            await session.execute(NOTES)
            notes = await catalogue.catalogue_of(session)
            for each in migrations:
                if each not in lacking:
                    await _tried(session, each)
            had = await catalogue.catalogue_of(session)
            for each in lacking:
                await _tried(session, each)
            makes = await catalogue.catalogue_of(session) if lacking else had
        async with catalogue.scratch(session):
            await session.execute(classes())
            says = await catalogue.catalogue_of(session)
    finally:
        await session.close()
    lines = [f"{each.name} has not been applied to the database: run `python -m market migrate`" for each in lacking]
    if len(lacking) < len(migrations):
        lines += catalogue.differences(had, has, "the migrations", "the database")
    made = {item: text for item, text in makes.items() if item not in notes}
    return lines + catalogue.differences(says, catalogue.sayable(made), "the table classes", "the migrations")


async def _tried(session: Connection, migration: Migration) -> None:
    """One migration on empty tables, inside the transaction that is undone."""
    sql = (
        migration.sql if migration.transaction else re.sub(r"\bCONCURRENTLY\b", "", migration.sql, flags=re.IGNORECASE)
    )
    await replace(migration, sql=sql).run(session)


def classes() -> str:
    """The SQL with which Piccolo would make the tables of the code."""
    from piccolo.conf.apps import Finder
    from piccolo.table import sort_table_classes

    tables = sort_table_classes(Finder().get_table_classes(include_apps=list(APPS)))
    return ";\n".join(statement for table in tables for statement in table.create_table().ddl)
