from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Boolean, Text
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-22T00:02:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "where a released payment goes, and letters whose link opens an account"

PLAIN = {
    "null": False,
    "primary_key": False,
    "unique": False,
    "index": False,
    "index_method": IndexMethod.btree,
    "choices": None,
    "db_column_name": None,
    "secret": False,
}


async def forwards() -> MigrationManager:
    """Nothing and no, for what is there already."""
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)
    manager.add_column(
        table_class_name="Payment",
        tablename="payment",
        column_name="destination",
        db_column_name="destination",
        column_class_name="Text",
        column_class=Text,
        params={**PLAIN, "default": ""},
        schema=None,
    )
    manager.add_column(
        table_class_name="Letter",
        tablename="letter",
        column_name="secret",
        db_column_name="secret",
        column_class_name="Boolean",
        column_class=Boolean,
        params={**PLAIN, "default": False},
        schema=None,
    )
    return manager
