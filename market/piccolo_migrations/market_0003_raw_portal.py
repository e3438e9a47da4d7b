"""Other portals' notices: what is looked up by place in a queue, and bytes that are compressed already."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from market.db import many

ID = "2026-11-22T00:00:20:000000"
VERSION = "1.38.0"
DESCRIPTION = "portal in: queues and compressed bytes"

STATEMENTS = (
    "CREATE INDEX raw_item_procurement ON raw_item (source, ocid)",
    "CREATE INDEX imported_notice_unmatched ON imported_notice (id) WHERE matched_at IS NULL",
    "CREATE INDEX imported_notice_closing ON imported_notice (closes_at) WHERE shown_as IS NULL",
    "CREATE INDEX quarantined_waiting ON quarantined (id DESC) WHERE mended_at IS NULL",
    "CREATE INDEX doubtful_pair_waiting ON doubtful_pair (score DESC, id) WHERE answered_at IS NULL",
    "ALTER TABLE raw_item ALTER COLUMN content SET STORAGE EXTERNAL",
    "ALTER TABLE imported_notice ALTER COLUMN compiled SET STORAGE EXTERNAL",
    "ALTER TABLE quarantined ALTER COLUMN content SET STORAGE EXTERNAL",
)


async def forwards() -> MigrationManager:
    """Indexes and storage."""
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await many(statement)

    manager.add_raw(run)
    return manager
