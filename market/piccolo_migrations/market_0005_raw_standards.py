"""What Piccolo cannot say of standards: each version once, documents and runs never altered, one open notice of each thing."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from market.db import many

ID = "2026-11-22T00:00:50:000000"
VERSION = "1.38.0"
DESCRIPTION = "guards of standards"

STATEMENTS = (
    "CREATE UNIQUE INDEX published_profile_once ON published_profile (name, version)",
    "CREATE UNIQUE INDEX lodgement_once ON lodgement (service, number)",
    "CREATE UNIQUE INDEX withholding_once_open ON withholding (service, profile) WHERE restored_at IS NULL",
    "CREATE INDEX check_run_latest ON check_run (service, profile, id DESC)",
    "CREATE TRIGGER published_profile_is_append_only BEFORE UPDATE OR DELETE ON published_profile FOR EACH ROW "
    "EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER lodgement_is_append_only BEFORE UPDATE OR DELETE ON lodgement FOR EACH ROW "
    "EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER check_run_is_append_only BEFORE UPDATE OR DELETE ON check_run FOR EACH ROW "
    "EXECUTE FUNCTION refuse_change()",
)


async def forwards() -> MigrationManager:
    """Triggers and partial indexes."""
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await many(statement)

    manager.add_raw(run)
    return manager
