from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns.column_types import Timestamptz, Varchar
from piccolo.columns.indexes import IndexMethod

ID = "2026-11-22T00:01:30:000000"
VERSION = "1.38.0"
DESCRIPTION = "proposed changes of a contract that are left"

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
    """When, and by which side, a proposed change was left."""
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)
    manager.add_column(
        table_class_name="ContractChange",
        tablename="contract_change",
        column_name="left_at",
        db_column_name="left_at",
        column_class_name="Timestamptz",
        column_class=Timestamptz,
        params={**COMMON, "default": None, "null": True},
        schema=None,
    )
    manager.add_column(
        table_class_name="ContractChange",
        tablename="contract_change",
        column_name="left_by",
        db_column_name="left_by",
        column_class_name="Varchar",
        column_class=Varchar,
        params={**COMMON, "length": 8, "default": "", "null": False},
        schema=None,
    )
    return manager
