"""What was sent with a token of its own, so that it is done once."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from market.db import many

ID = "2026-11-30T16:30:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "what was sent"

STATEMENTS = (
    "CREATE TABLE posted (key VARCHAR(64) PRIMARY KEY, body VARCHAR(64) NOT NULL DEFAULT '', "
    "attempt VARCHAR(16) NOT NULL DEFAULT '', at TIMESTAMPTZ NOT NULL, answer BYTEA)",
    "CREATE INDEX posted_at ON posted (at)",
)


async def forwards() -> MigrationManager:
    """One table."""
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await many(statement)

    manager.add_raw(run)
    return manager
