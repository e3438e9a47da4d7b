from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Text
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-22T00:05:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "where letters of a kind are stopped"


async def forwards() -> MigrationManager:
    """The path that one request stops letters of this kind at."""
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)
    manager.add_column(
        table_class_name="Letter",
        tablename="letter",
        column_name="stops",
        db_column_name="stops",
        column_class_name="Text",
        column_class=Text,
        params={
            "default": "",
            "null": False,
            "primary_key": False,
            "unique": False,
            "index": False,
            "index_method": IndexMethod.btree,
            "choices": None,
            "db_column_name": None,
            "secret": False,
        },
        schema=None,
    )
    return manager
