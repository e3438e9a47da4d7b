"""What Piccolo cannot say of sandboxes: one for each service, and one live check of it waiting at a time."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from market.db import many

ID = "2026-11-22T00:06:10:000000"
VERSION = "1.38.0"
DESCRIPTION = "guards of sandboxes"

STATEMENTS = (
    "CREATE UNIQUE INDEX sandbox_once ON sandbox (service)",
    "CREATE UNIQUE INDEX live_check_once_waiting ON live_check (service) WHERE finished_at IS NULL",
)


async def forwards() -> MigrationManager:
    """Two partial or unique indexes."""
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await many(statement)

    manager.add_raw(run)
    return manager
