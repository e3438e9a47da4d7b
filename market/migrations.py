"""Bringing a database to the tables this code expects: one command, one process, never each worker."""

from __future__ import annotations

import contextlib
import io

from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.engine.finder import engine_finder

from market.db import many, one, transaction

APPS = ("market", "challenges", "search")


async def migrate() -> list[str]:
    """Apply what is missing, oldest first; answers the ids applied, empty when the database was up to date.

    An advisory lock makes a second process wait instead of applying the same file twice (Piccolo takes no lock). All or nothing:
    Piccolo notes a migration only after it is applied, so one that was killed in between would be applied twice.
    """
    before = await applied()
    connection = await engine_finder().get_new_connection()  # type: ignore[union-attr]
    try:
        await connection.execute("SELECT pg_advisory_lock(7420260001)")
        with contextlib.redirect_stdout(io.StringIO()):
            async with transaction():
                for app in APPS:
                    result = await ForwardsMigrationManager(app_name=app).run()
                    if not result.success:
                        raise RuntimeError(f"a migration of {app} failed: {result.message}")
    finally:
        await connection.close()
    return sorted(await applied() - before)


async def applied() -> set[str]:
    """The ids of all migrations this database has had, as `app:id`; empty for a new database."""
    there = await one("SELECT to_regclass('migration') IS NOT NULL AS there")
    if not there["there"]:
        return set()
    return {f"{row['app_name']}:{row['name']}" for row in await many("SELECT app_name, name FROM migration")}


async def missing() -> list[str]:
    """What the tables of this code need and the migrated database lacks, in words; empty when they agree.

    Compared by what PostgreSQL itself says: tables and columns, and the constraints named in the code.
    """
    from piccolo.conf.apps import Finder

    there = {
        (row["table_name"], row["column_name"])
        for row in await many(
            "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        )
    }
    constraints = {row["conname"] for row in await many("SELECT conname FROM pg_constraint")}
    wanted: set[tuple[str, str]] = set()
    found = []
    for table in Finder().get_table_classes(include_apps=list(APPS)):
        name = table._meta.tablename
        for column in table._meta.columns:
            wanted.add((name, column._meta.db_column_name))
        for constraint in table._meta.constraints:
            if constraint._meta.name not in constraints:
                found.append(f"{name} lacks the constraint {constraint._meta.name}")
    found += [f"{table}.{column} is in the code, not in the database" for table, column in sorted(wanted - there)]
    known = {table for table, _ in wanted}
    found += [
        f"{table}.{column} is in the database, not in the code"
        for table, column in sorted(there - wanted)
        if table in known
    ]
    return found
