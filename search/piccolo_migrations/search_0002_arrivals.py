from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import BigInt, Varchar
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-28T00:00:01:000000"
VERSION = "1.38.0"
DESCRIPTION = "the order in which things became findable"

COMMON = {
    "primary_key": False,
    "unique": False,
    "index": False,
    "index_method": IndexMethod.btree,
    "choices": None,
    "db_column_name": None,
    "secret": False,
}


async def forwards() -> MigrationManager:
    """A number for each thing that can be found, and how far each kept search was told."""
    manager = MigrationManager(migration_id=ID, app_name="search", description=DESCRIPTION)
    manager.add_table(class_name="Arrival", tablename="arrival", schema=None, columns=None)
    manager.add_column(
        table_class_name="Arrival",
        tablename="arrival",
        column_name="subject",
        db_column_name="subject",
        column_class_name="Varchar",
        column_class=Varchar,
        params={**COMMON, "length": 64, "default": "", "null": False, "unique": True},
        schema=None,
    )
    manager.add_column(
        table_class_name="SavedSearch",
        tablename="saved_search",
        column_name="told_upto",
        db_column_name="told_upto",
        column_class_name="BigInt",
        column_class=BigInt,
        params={**COMMON, "default": 0, "null": False},
        schema=None,
    )
    return manager
