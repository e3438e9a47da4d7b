"""What is append-only row by row is not emptied at one stroke either: TRUNCATE passes by triggers that look at rows."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from market.db import many

ID = "2026-11-22T00:00:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "append-only tables cannot be emptied"

STATEMENTS = (
    "CREATE TRIGGER bid_is_never_emptied BEFORE TRUNCATE ON bid EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER opening_is_never_emptied BEFORE TRUNCATE ON opening EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER obligation_is_never_emptied BEFORE TRUNCATE ON obligation EXECUTE FUNCTION refuse_change()",
)


async def forwards() -> MigrationManager:
    """Statement triggers beside those of the rows."""
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await many(statement)

    manager.add_raw(run)
    return manager
