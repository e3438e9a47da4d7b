"""Why a letter came and what was tried; addresses that are dead; how the mail server does."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from market.db import many

ID = "2026-11-30T01:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "letters keep their cause and their tries"

STATEMENTS = (
    "ALTER TABLE letter ADD COLUMN template VARCHAR(80) NOT NULL DEFAULT '', ADD COLUMN event BIGINT, "
    "ADD COLUMN organisation INTEGER, ADD COLUMN gave_up_at TIMESTAMPTZ, ADD COLUMN passed_on_at TIMESTAMPTZ, "
    "ADD COLUMN copies INTEGER NOT NULL DEFAULT 0",
    # What was given up before is not told of now: those letters are old news.
    "UPDATE letter SET gave_up_at = written_at, passed_on_at = written_at WHERE sent_at IS NULL AND tried > 7",
    "CREATE INDEX letter_template ON letter (template)",
    "CREATE INDEX letter_event ON letter (event)",
    "CREATE INDEX letter_gave_up_at ON letter (gave_up_at)",
    "CREATE TABLE letter_try (id SERIAL PRIMARY KEY, letter INTEGER NOT NULL REFERENCES letter ON DELETE RESTRICT "
    "ON UPDATE RESTRICT, at TIMESTAMPTZ NOT NULL, answer TEXT NOT NULL DEFAULT '', sent BOOLEAN NOT NULL DEFAULT false)",
    "CREATE INDEX letter_try_letter ON letter_try (letter)",
    "CREATE TABLE dead_address (id SERIAL PRIMARY KEY, address VARCHAR(254) NOT NULL DEFAULT '' UNIQUE, since TIMESTAMPTZ NOT NULL, "
    "reason TEXT NOT NULL DEFAULT '', marked_by VARCHAR(16) NOT NULL DEFAULT '')",
    "CREATE TABLE mail_server (id SERIAL PRIMARY KEY, host VARCHAR(254) NOT NULL DEFAULT '' UNIQUE, failures INTEGER NOT NULL DEFAULT 0, "
    "failing_since TIMESTAMPTZ, again_at TIMESTAMPTZ, answer TEXT NOT NULL DEFAULT '')",
)


async def forwards() -> MigrationManager:
    """Six columns, three tables and their indexes."""
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await many(statement)

    manager.add_raw(run)
    return manager
