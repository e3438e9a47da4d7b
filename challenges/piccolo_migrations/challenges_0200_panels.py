"""The panels of challenges are panels like others: seats, marks (of 100 instead of 10) and notes move to the market's tables."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from market.db import many

ID = "2026-11-30T00:20:10:000000"
VERSION = "1.38.0"
DESCRIPTION = "panels"

STATEMENTS = (
    "INSERT INTO seat (panel, person, named_at, named_by, named_because, begun_told_at, declared_at, conflicts, statement, "
    "locked_at, excused_at, excused_because) SELECT 'challenge:' || c.ref, e.person, e.named_at, c.created_by, "
    "e.named_because, CASE WHEN e.named_at < c.closing_told_at THEN c.closing_told_at END, e.declared_at, e.conflicts, "
    "e.statement, e.submitted_at, e.excused_at, e.excused_because FROM evaluator e JOIN challenge c ON c.id = e.challenge "
    "ORDER BY e.id",
    "INSERT INTO sheet (seat, subject, at) SELECT s.id, 'application:' || a.ref, max(x.at) FROM score x "
    "JOIN evaluator e ON e.id = x.evaluator JOIN challenge c ON c.id = e.challenge "
    "JOIN seat s ON s.panel = 'challenge:' || c.ref AND s.person = e.person "
    "JOIN application a ON a.id = x.application GROUP BY s.id, a.ref ORDER BY min(x.id)",
    "INSERT INTO mark (sheet, criterion, points, reason) SELECT h.id, k.ref, x.points * 10, x.reason FROM score x "
    "JOIN evaluator e ON e.id = x.evaluator JOIN challenge c ON c.id = e.challenge "
    "JOIN seat s ON s.panel = 'challenge:' || c.ref AND s.person = e.person JOIN application a ON a.id = x.application "
    "JOIN sheet h ON h.seat = s.id AND h.subject = 'application:' || a.ref JOIN criterion k ON k.id = x.criterion "
    "ORDER BY x.id",
    "INSERT INTO consensus (panel, note, at, \"by\") SELECT 'challenge:' || ref, panel_note, shortlisted_at, created_by "
    "FROM challenge WHERE panel_note <> '' AND shortlisted_at IS NOT NULL",
    "DROP TABLE score",
    "DROP TABLE evaluator",
    "ALTER TABLE challenge DROP COLUMN closing_told_at, DROP COLUMN panel_note",
)


async def forwards() -> MigrationManager:
    """What was in two tables and two columns, and those gone."""
    manager = MigrationManager(migration_id=ID, app_name="challenges", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await many(statement)

    manager.add_raw(run)
    return manager
