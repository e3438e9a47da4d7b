"""What Piccolo cannot say: the log is append-only, a counting envelope is never altered, one open session of each thing."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from market.db import many

ID = "2026-11-22T00:00:10:000000"
VERSION = "1.38.0"
DESCRIPTION = "guards in the database itself"

STATEMENTS = (
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only: % is refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
    END $$
    """,
    "CREATE TRIGGER event_is_append_only BEFORE UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER event_is_never_emptied BEFORE TRUNCATE ON event EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER bid_is_append_only BEFORE UPDATE OR DELETE ON bid FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER opening_is_append_only BEFORE UPDATE OR DELETE ON opening FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE TRIGGER obligation_is_append_only BEFORE UPDATE OR DELETE ON obligation FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "CREATE INDEX event_about ON event USING gin (about)",
    "CREATE INDEX outbox_waiting ON outbox (id) WHERE done_at IS NULL",
    "CREATE INDEX letter_waiting ON letter (id) WHERE sent_at IS NULL",
    "CREATE UNIQUE INDEX membership_once ON membership (person, organisation, role) WHERE until IS NULL",
    "CREATE UNIQUE INDEX profile_once ON profile (organisation)",
    "CREATE UNIQUE INDEX waiver_once_open ON waiver (tender) WHERE decided_at IS NULL AND withdrawn_at IS NULL",
    "CREATE UNIQUE INDEX decision_once ON decision (lot) WHERE set_aside_at IS NULL",
    "CREATE UNIQUE INDEX complaint_once ON complaint (decision, supplier)",
    "CREATE UNIQUE INDEX organisation_identifier_once ON organisation (scheme, identifier) WHERE identifier <> ''",
    "CREATE INDEX bid_counting ON bid (lot, supplier, id DESC)",
)


async def forwards() -> MigrationManager:
    """Triggers, partial and GIN indexes."""
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await many(statement.replace("{", "{{").replace("}", "}}"))

    manager.add_raw(run)
    return manager
