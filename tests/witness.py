"""A witness in the database: what is written by a transaction that holds the chain's lock, besides the log itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from market.audit.actions import CHAIN_LOCK
from market.db import many

NOTE = """
CREATE SCHEMA witness
CREATE TABLE written (what text NOT NULL)
"""

FUNCTION = f"""
CREATE FUNCTION witness.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory' AND granted
               AND (classid::bigint << 32) + objid::bigint = {CHAIN_LOCK}) THEN
        INSERT INTO witness.written VALUES (TG_OP || ' ' || TG_TABLE_NAME);
    END IF;
    RETURN NULL;
END $$
"""

WATCH = """
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'
                AND tablename NOT IN ('event', 'letter', 'migration') LOOP
        EXECUTE format('CREATE TRIGGER witness AFTER INSERT OR UPDATE OR DELETE ON %s EXECUTE FUNCTION witness.note()', name);
    END LOOP;
    -- A letter learns the number of its event under the lock, and nothing else.
    CREATE TRIGGER witness AFTER INSERT OR DELETE OR UPDATE OF person, address, subject, text, about, sent_at, tried
        ON letter EXECUTE FUNCTION witness.note();
END $$
"""


@asynccontextmanager
async def of_the_lock() -> AsyncIterator[Callable[[], Awaitable[list[str]]]]:
    """Watch every table while inside; what is yielded answers what was written under the lock, each thing once."""
    for statement in (NOTE, FUNCTION, WATCH):
        await many(statement.replace("{", "{{").replace("}", "}}"))

    async def written() -> list[str]:
        return [row["what"] for row in await many("SELECT DISTINCT what FROM witness.written ORDER BY what")]

    try:
        yield written
    finally:
        await many("DROP SCHEMA witness CASCADE")
