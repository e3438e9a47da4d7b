"""One noun for panels: the seats and marks of tenders move into it; challenges bring theirs in their own migration."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from market.db import many

ID = "2026-11-30T00:20:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "panels"

STATEMENTS = (
    'CREATE TABLE "seat" ('
    '"id" SERIAL PRIMARY KEY NOT NULL, '
    "\"panel\" VARCHAR(40) NOT NULL DEFAULT '', "
    '"person" INTEGER NOT NULL REFERENCES "person" ("id") ON DELETE RESTRICT ON UPDATE RESTRICT, '
    '"named_at" TIMESTAMPTZ NOT NULL, '
    '"named_by" INTEGER NOT NULL REFERENCES "person" ("id") ON DELETE RESTRICT ON UPDATE RESTRICT, '
    "\"named_because\" TEXT NOT NULL DEFAULT '', "
    '"begun_told_at" TIMESTAMPTZ, '
    '"declared_at" TIMESTAMPTZ, '
    "\"conflicts\" TEXT[] NOT NULL DEFAULT '{{}}', "
    "\"statement\" TEXT NOT NULL DEFAULT '', "
    '"locked_at" TIMESTAMPTZ, '
    '"excused_at" TIMESTAMPTZ, '
    "\"excused_because\" TEXT NOT NULL DEFAULT '', "
    'CONSTRAINT "somebody_sits_once" UNIQUE ("panel", "person"))',
    'CREATE TABLE "sheet" ('
    '"id" SERIAL PRIMARY KEY NOT NULL, '
    '"seat" INTEGER NOT NULL REFERENCES "seat" ("id") ON DELETE RESTRICT ON UPDATE RESTRICT, '
    "\"subject\" VARCHAR(40) NOT NULL DEFAULT '', "
    '"at" TIMESTAMPTZ NOT NULL, '
    'CONSTRAINT "a_thing_has_one_sheet_of_each" UNIQUE ("seat", "subject"))',
    'CREATE TABLE "mark" ('
    '"id" SERIAL PRIMARY KEY NOT NULL, '
    '"sheet" INTEGER NOT NULL REFERENCES "sheet" ("id") ON DELETE RESTRICT ON UPDATE RESTRICT, '
    "\"criterion\" VARCHAR(16) NOT NULL DEFAULT '', "
    '"points" INTEGER NOT NULL DEFAULT 0, '
    "\"reason\" TEXT NOT NULL DEFAULT '', "
    'CONSTRAINT "points_are_of_a_hundred" CHECK (points BETWEEN 0 AND 100), '
    'CONSTRAINT "a_criterion_is_marked_once" UNIQUE ("sheet", "criterion"))',
    'CREATE TABLE "consensus" ('
    '"id" SERIAL PRIMARY KEY NOT NULL, '
    "\"panel\" VARCHAR(40) NOT NULL DEFAULT '' UNIQUE, "
    "\"note\" TEXT NOT NULL DEFAULT '', "
    '"at" TIMESTAMPTZ NOT NULL, '
    '"by" INTEGER NOT NULL REFERENCES "person" ("id") ON DELETE RESTRICT ON UPDATE RESTRICT)',
    'CREATE INDEX "seat_panel" ON "seat" ("panel")',
    'CREATE INDEX "seat_person" ON "seat" ("person")',
    'CREATE INDEX "sheet_seat" ON "sheet" ("seat")',
    'CREATE INDEX "mark_sheet" ON "mark" ("sheet")',
    "INSERT INTO seat (panel, person, named_at, named_by, begun_told_at, declared_at, conflicts, statement, locked_at, "
    "excused_at, excused_because) SELECT 'tender:' || t.ref, p.person, p.named_at, p.named_by, p.opening_told_at, "
    "p.declared_at, array_remove(string_to_array(p.conflicts, E'\\n'), ''), p.statement, p.submitted_at, p.excused_at, "
    "p.excused_reason FROM panelist p JOIN tender t ON t.id = p.tender ORDER BY p.id",
    "INSERT INTO sheet (seat, subject, at) SELECT s.id, 'bid:' || b.ref, max(x.at) FROM bid_score x "
    "JOIN panelist p ON p.id = x.panelist JOIN tender t ON t.id = p.tender "
    "JOIN seat s ON s.panel = 'tender:' || t.ref AND s.person = p.person "
    "JOIN opened_bid o ON o.id = x.bid JOIN bid b ON b.id = o.bid GROUP BY s.id, b.ref ORDER BY min(x.id)",
    "INSERT INTO mark (sheet, criterion, points, reason) SELECT h.id, c.ref, x.points, x.reason FROM bid_score x "
    "JOIN panelist p ON p.id = x.panelist JOIN tender t ON t.id = p.tender "
    "JOIN seat s ON s.panel = 'tender:' || t.ref AND s.person = p.person "
    "JOIN opened_bid o ON o.id = x.bid JOIN bid b ON b.id = o.bid "
    "JOIN sheet h ON h.seat = s.id AND h.subject = 'bid:' || b.ref JOIN lot_criterion c ON c.id = x.criterion ORDER BY x.id",
    "DROP TABLE bid_score",
    "DROP TABLE panelist",
)


async def forwards() -> MigrationManager:
    """Four tables, what was in two, and those two gone."""
    manager = MigrationManager(migration_id=ID, app_name="market", description=DESCRIPTION)

    async def run() -> None:
        for statement in STATEMENTS:
            await many(statement)

    manager.add_raw(run)
    return manager
