"""Questions about challenges move into the table of the marketplace that holds those of every kind of record."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from market.db import many

ID = "2026-11-30T03:00:10:000000"
VERSION = "1.38.0"
DESCRIPTION = "questions are kept with those of tenders"

STATEMENTS = (
    "INSERT INTO public_question (ref, record, asker, text, asked_at, asked_told_at, answer, answered_at, answered_by, "
    "answer_told_at) SELECT q.ref, 'challenge:' || c.ref, q.asker, q.text, q.asked_at, q.asked_at, q.answer, q.answered_at, "
    "q.answered_by, q.answered_at FROM question q JOIN challenge c ON c.id = q.challenge ORDER BY q.id",
    "DROP TABLE question",
)


async def forwards() -> MigrationManager:
    """The rows move, the old table goes."""
    manager = MigrationManager(migration_id=ID, app_name="challenges", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await many(statement)

    manager.add_raw(run)
    return manager
