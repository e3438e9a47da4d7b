"""One table for the public questions of every kind of record; those of tenders move into it."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from market.db import many

ID = "2026-11-30T03:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "public questions of every kind of record"

STATEMENTS = (
    "CREATE TABLE public_question (id serial PRIMARY KEY, ref varchar(16) NOT NULL DEFAULT '' UNIQUE, "
    "record varchar(40) NOT NULL DEFAULT '', asker integer NOT NULL REFERENCES organisation ON DELETE RESTRICT ON UPDATE RESTRICT, "
    "text text NOT NULL DEFAULT '', asked_at timestamptz NOT NULL, asked_told_at timestamptz, answer text, "
    "answered_at timestamptz, answered_by integer REFERENCES person ON DELETE RESTRICT ON UPDATE RESTRICT, "
    "answer_told_at timestamptz, CONSTRAINT an_answer_has_its_moment_and_its_officer CHECK "
    "((answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answered_by IS NULL)))",
    "CREATE INDEX public_question_record ON public_question (record)",
    "CREATE INDEX public_question_asker ON public_question (asker)",
    "CREATE INDEX public_question_untold ON public_question (record) "
    "WHERE CASE WHEN answered_at IS NULL THEN asked_told_at ELSE answer_told_at END IS NULL",
    "INSERT INTO public_question (ref, record, asker, text, asked_at, asked_told_at, answer, answered_at, answered_by, "
    "answer_told_at) SELECT q.ref, 'tender:' || t.ref, q.asker, q.text, q.asked_at, q.asked_at, q.answer, q.answered_at, "
    "q.answered_by, q.answered_at FROM tender_question q JOIN tender t ON t.id = q.tender ORDER BY q.id",
    "DROP TABLE tender_question",
)


async def forwards() -> MigrationManager:
    """The table, its rows, and the old one gone. Letters about what is there have been written."""
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await many(statement)

    manager.add_raw(run)
    return manager
