"""Bringing a database to the tables this code expects: one command, one process, never each worker."""

from __future__ import annotations

import contextlib
import io

from piccolo.apps.migrations.commands.forwards import ForwardsMigrationManager
from piccolo.engine.finder import engine_finder

from market.db import many, one

APPS = ("market", "challenges", "search")


async def migrate() -> list[str]:
    """Apply what is missing, oldest first; answers the ids applied, empty when the database was up to date.

    An advisory lock makes a second process wait instead of applying the same file twice (Piccolo takes no lock).
    """
    before = await applied()
    connection = await engine_finder().get_new_connection()  # type: ignore[union-attr]
    try:
        await connection.execute("SELECT pg_advisory_lock(7420260001)")
        with contextlib.redirect_stdout(io.StringIO()):
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
