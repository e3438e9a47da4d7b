from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Timestamptz
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-22T00:01:20:000000"
VERSION = "1.38.0"
DESCRIPTION = "who was told that bids can be opened, and that they are open"

MOMENT = {
    "default": None,
    "null": True,
    "primary_key": False,
    "unique": False,
    "index": False,
    "index_method": IndexMethod.btree,
    "choices": None,
    "db_column_name": None,
    "secret": False,
}


async def forwards() -> MigrationManager:
    """Two moments, empty for what is there already."""
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)
    for table, class_name, column in (
        ("tender", "Tender", "closing_told_at"),
        ("panelist", "Panelist", "opening_told_at"),
    ):
        manager.add_column(
            table_class_name=class_name,
            tablename=table,
            column_name=column,
            db_column_name=column,
            column_class_name="Timestamptz",
            column_class=Timestamptz,
            params=dict(MOMENT),
            schema=None,
        )
    return manager
