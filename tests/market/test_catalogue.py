"""Two schemas are compared by what PostgreSQL says of them, and every kind of difference is named."""

from __future__ import annotations

import pytest

from market import catalogue, migrations
from tests.market.test_migrations import SHELF, session


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            "DROP TRIGGER book_is_kept ON book",
            "the trigger book_is_kept of book is missing in the database; the migrations",
        ),
        (
            "ALTER TABLE book DISABLE TRIGGER book_is_kept",
            "the trigger book_is_kept of book is `CREATE TRIGGER book_is_kept",
        ),
        (
            "CREATE TRIGGER another AFTER INSERT ON shelf FOR EACH ROW EXECUTE FUNCTION refuse()",
            "the trigger another of shelf is in the database and the migrations do not make it",
        ),
        (
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$",
            "the function refuse() is `trigger plpgsql BEGIN RETURN NULL; END` in the database; the migrations make it",
        ),
        (
            "DROP INDEX book_long",
            "the index book_long of book is missing in the database; the migrations make it: CREATE",
        ),
        (
            "CREATE INDEX other ON book (title)",
            "the index other of book is in the database and the migrations do not make",
        ),
        (
            "DROP INDEX book_long; CREATE INDEX book_long ON book (pages) WHERE pages > 400",
            "the index book_long of book is `CREATE INDEX book_long ON book USING btree (pages) WHERE pages > 400` in the",
        ),
        (
            "ALTER TABLE book ALTER title SET DEFAULT 'none'",
            "the column title of book is `text NOT NULL DEFAULT 'none'::text` in the database; the migrations make it `text NOT",
        ),
        ("ALTER TABLE book ALTER title DROP DEFAULT", "the column title of book is `text NOT NULL` in the database"),
        ("ALTER TABLE book ALTER title DROP NOT NULL", "the column title of book is `text DEFAULT ''::text` in the"),
        (
            "ALTER TABLE book ALTER pages TYPE bigint",
            "the column pages of book is `bigint` in the database; the migrations",
        ),
        (
            "ALTER TABLE book ALTER title SET STORAGE EXTERNAL",
            "the column title of book is `text STORAGE EXTERNAL NOT NULL",
        ),
        ('ALTER TABLE book ALTER title TYPE text COLLATE "C"', "the column title of book is `text COLLATE"),
        ("ALTER TABLE book DROP COLUMN pages CASCADE", "the column pages of book is missing in the database"),
        (
            "ALTER TABLE book ADD colour text",
            "the column colour of book is in the database and the migrations do not make it",
        ),
        (
            "ALTER TABLE book RENAME title TO name",
            "the column name of book is in the database and the migrations do not",
        ),
        (
            "ALTER TABLE book DROP CONSTRAINT a_book_has_pages",
            "the constraint a_book_has_pages of book is missing in the",
        ),
        (
            "ALTER TABLE book DROP CONSTRAINT a_book_has_pages, ADD CONSTRAINT a_book_has_pages CHECK (pages > 1)",
            "the constraint a_book_has_pages of book is `CHECK ((pages > 1))` in the database; the migrations make it `CHECK",
        ),
        (
            "ALTER TABLE book DROP CONSTRAINT book_shelf_fkey, ADD CONSTRAINT book_shelf_fkey FOREIGN KEY (shelf) "
            "REFERENCES shelf ON DELETE CASCADE ON UPDATE RESTRICT",
            "the constraint book_shelf_fkey of book is `FOREIGN KEY (shelf) REFERENCES shelf(id) ON UPDATE RESTRICT ON DELETE",
        ),
        (
            "ALTER TABLE book ADD CONSTRAINT a_book_is_known CHECK (title IN ('a', 'b') OR (id > 1 AND shelf > 2))",
            "the constraint a_book_is_known of book is in the database and the migrations do not make it: CHECK",
        ),
        (
            "ALTER TABLE shelf DROP CONSTRAINT shelf_number_key",
            "the constraint shelf_number_key of shelf is missing in the",
        ),
        ("ALTER TABLE book DROP CONSTRAINT book_pkey", "the constraint book_pkey of book is missing in the database"),
        (
            "CREATE TABLE third (id serial PRIMARY KEY)",
            "the table third is in the database and the migrations do not make it",
        ),
        ("DROP TABLE book", "the table book is missing in the database; the migrations make it: TABLE"),
        ("ALTER TABLE book SET UNLOGGED", "the table book is `UNLOGGED TABLE` in the database; the migrations make it"),
        (
            "CREATE VIEW long AS SELECT * FROM book WHERE pages > 500",
            "the view long is in the database and the migrations do",
        ),
        ("ALTER SEQUENCE book_id_seq INCREMENT 2", "the sequence book_id_seq of book is `integer by 2` in the"),
    ],
)
async def test_every_kind_of_difference_is_named(change: str, words: str, database: None) -> None:
    async with session() as asked, catalogue.scratch(asked):
        await asked.execute(SHELF)
        wanted = await catalogue.catalogue_of(asked)
        assert catalogue.differences(wanted, wanted, "the migrations", "the database") == []
        await asked.execute(change)
        lines = catalogue.differences(wanted, await catalogue.catalogue_of(asked), "the migrations", "the database")
    assert any(line.startswith(words) for line in lines), lines
    assert all(change.startswith("DROP TABLE") or line.startswith("the ") for line in lines)


async def test_what_came_back_from_a_backup_is_not_different(database: None) -> None:
    """A backup holds constraints and indexes as PostgreSQL writes them; read again, some are written otherwise."""
    async with session() as asked, catalogue.scratch(asked):
        for each in migrations.files():
            await each.run(asked)
        before = await catalogue.catalogue_of(asked)
        for item, definition in before.items():
            if item.kind == "constraint" and definition.startswith("CHECK"):
                await asked.execute(f"ALTER TABLE {item.owner} DROP CONSTRAINT {item.name}")
                await asked.execute(f"ALTER TABLE {item.owner} ADD CONSTRAINT {item.name} {definition}")
            elif item.kind == "index":
                await asked.execute(f"DROP INDEX {item.name}; {definition}")
        after = await catalogue.catalogue_of(asked)
    role = catalogue.Item("constraint", "membership", "role_is_known")
    assert before[role] != after[role]
    assert catalogue.differences(before, after, "the migrations", "the database") == []


async def test_of_a_table_too_many_its_columns_are_not_listed_as_well(database: None) -> None:
    async with session() as asked, catalogue.scratch(asked):
        await asked.execute(SHELF)
        wanted = await catalogue.catalogue_of(asked)
        await asked.execute("CREATE TABLE third (id integer PRIMARY KEY, name text UNIQUE)")
        lines = catalogue.differences(wanted, await catalogue.catalogue_of(asked), "the migrations", "the database")
    assert lines == ["the table third is in the database and the migrations do not make it: TABLE"]
