"""Suppliers of other portals: what is looked up by place in a list or queue, and one holder of a record at a time."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from market.db import many

ID = "2026-11-22T00:01:10:000000"
VERSION = "1.38.0"
DESCRIPTION = "suppliers of other portals: lists, queues, one holder"

STATEMENTS = (
    "CREATE INDEX imported_supplier_listed ON imported_supplier (lower(name), id) WHERE shown_as IS NULL",
    "CREATE INDEX imported_supplier_number ON imported_supplier (scheme, identifier) WHERE identifier <> ''",
    "CREATE INDEX doubtful_suppliers_waiting ON doubtful_suppliers (score DESC, id) WHERE answered_at IS NULL",
    "CREATE UNIQUE INDEX supplier_claim_asked_once ON supplier_claim (supplier, organisation) "
    "WHERE answered_at IS NULL AND withdrawn_at IS NULL",
    "CREATE UNIQUE INDEX supplier_claim_one_holder ON supplier_claim (supplier) WHERE granted AND released_at IS NULL",
    # What was imported before has its suppliers resolved with the next import.
    "UPDATE imported_notice SET matched_at = NULL WHERE facts::json -> 'suppliers' ->> 0 IS NOT NULL",
)


async def forwards() -> MigrationManager:
    """Indexes, and what was imported before."""
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await many(statement)

    manager.add_raw(run)
    return manager
