"""What could be found before arrivals were numbered is not new to anybody."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from market.db import many

ID = "2026-11-28T00:00:02:000000"
VERSION = "1.38.0"
DESCRIPTION = "numbers for what was findable before"

STATEMENTS = (
    "INSERT INTO arrival (subject) SELECT subject FROM outbox WHERE done_at IS NOT NULL GROUP BY subject ORDER BY min(id)",
    "UPDATE saved_search SET told_upto = (SELECT COALESCE(max(id), 0) FROM arrival)",
)


async def forwards() -> MigrationManager:
    """Numbers for the outbox' subjects, and every kept search told up to them."""
    manager = MigrationManager(migration_id=ID, app_name="search", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await many(statement)

    manager.add_raw(run)
    return manager
