"""Migrations are run once, whole or again, by one process; what is in their way is named; and what differs is found."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from market import catalogue, db, migrations
from market.catalogue import Connection
from market.rulings import texts
from market.settings import ROOT, InTheWay, settings
from tests.processes import newcomer, run

SHELF = """-- Books and where they stand.
--
-- transaction: yes

CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'refused';
END $$;

-- A board.
CREATE TABLE shelf (
    id     serial PRIMARY KEY,
    number integer NOT NULL UNIQUE DEFAULT 0
);

CREATE TABLE book (
    id    serial PRIMARY KEY,
    shelf integer NOT NULL REFERENCES shelf ON DELETE RESTRICT ON UPDATE RESTRICT,
    title text NOT NULL DEFAULT '',
    pages integer,
    CONSTRAINT a_book_has_pages CHECK (pages > 0)
);
CREATE INDEX book_shelf ON book (shelf);
CREATE INDEX book_long ON book (pages) WHERE pages > 500;
CREATE TRIGGER book_is_kept BEFORE DELETE ON book FOR EACH ROW EXECUTE FUNCTION refuse();
"""
COLOUR = "-- The colour of a book.\n-- transaction: yes\nALTER TABLE book ADD COLUMN colour text NOT NULL DEFAULT '';\n"
BY_TITLE = "-- Books by title.\n-- transaction: no\nCREATE UNIQUE INDEX CONCURRENTLY book_title ON book (title);\n"

Write = Callable[[Mapping[str, str]], list[migrations.Migration]]


@pytest.fixture
async def empty(database: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """An empty database of its own, where `market.db.connection` leads."""
    given = os.environ["DATABASE_URL"]
    name = f"migrations_{os.getpid()}"
    server = await asyncpg.connect(given)
    await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
    await server.execute(f"CREATE DATABASE {name}")
    url = urlsplit(given)._replace(path=f"/{name}").geturl()
    monkeypatch.setenv("DATABASE_URL", url)
    settings.cache_clear()
    yield url
    monkeypatch.undo()
    settings.cache_clear()
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Files of an app called `library`, beside those written before in the same test."""

    def files(texts: Mapping[str, str]) -> list[migrations.Migration]:
        for name, text in texts.items():
            (tmp_path / name).write_text(text)
        return migrations.files({"library": tmp_path})

    return files


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """As patient as a test can be; how patient they are is held below."""
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "500ms")
    monkeypatch.setattr(migrations, "PAUSES", (0.05, 0.05))


@asynccontextmanager
async def session() -> AsyncIterator[Connection]:
    connected = await db.connection()
    try:
        yield connected
    finally:
        await connected.close()


async def holds() -> catalogue.Catalogue:
    async with session() as asked:
        return await catalogue.catalogue_of(asked)


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"library_0002_shelf.sql": SHELF}, "library_0002_shelf.sql stands where library_0001 must"),
        (
            {"library_0001_shelf.sql": SHELF, "library_0003_colour.sql": COLOUR},
            "library_0003_colour.sql stands where library_0002 must: number migrations without gaps or doubles",
        ),
        (
            {"library_0001_shelf.sql": SHELF, "library_0001_colour.sql": COLOUR},
            "library_0001_shelf.sql stands where library_0002 must",
        ),
        ({"shelf.sql": SHELF}, "shelf.sql is no migration"),
        ({"market_0001_shelf.sql": SHELF}, "named library_0001_words.sql"),
        ({"library_0001_shelf.sql~": SHELF}, "is no migration"),
        ({"library_0001_shelf.sql": "CREATE TABLE shelf (id serial);"}, "must say once"),
        ({"library_0001_shelf.sql": SHELF + "COMMIT;\n"}, "run in a transaction and ends it"),
        ({"library_0001_a.sql": BY_TITLE.replace("n: no", "n: yes")}, "`-- transaction: no`"),
        ({"library_0001_a.sql": COLOUR.replace("n: yes", "n: no")}, "one statement that can be repeated"),
        ({"library_0001_a.sql": BY_TITLE + "DROP INDEX CONCURRENTLY book_long;"}, "one statement that can be repeated"),
        ({"library_0001_shelf.sql": SHELF + "INSERT INTO public.shelf DEFAULT VALUES;"}, "names the schema public"),
        ({"library_0001_a.py": "async def apply(connection): ..."}, "must have TRANSACTION"),
        ({"library_0001_a.py": "TRANSACTION = True"}, "and async def apply(connection)"),
    ],
)
def test_a_file_that_breaks_the_rules_is_refused_before_the_database_is_asked(
    files: Mapping[str, str], why: str, write: Write
) -> None:
    with pytest.raises(InTheWay) as refused:
        write(files)
    assert why in str(refused.value)


async def test_what_is_missing_is_run_in_order_and_once(empty: str, write: Write) -> None:
    first = write({"library_0001_shelf.sql": SHELF})
    assert await migrations.migrate(first) == ["library_0001_shelf"]
    filled = "TRANSACTION = True\nasync def apply(connection):\n    await connection.execute('INSERT INTO shelf DEFAULT VALUES')"
    later = write(
        {"library_0002_colour.sql": COLOUR, "library_0003_title.sql": BY_TITLE, "library_0004_one.py": filled}
    )
    assert await migrations.migrate(later) == ["library_0002_colour", "library_0003_title", "library_0004_one"]
    assert await migrations.migrate(later) == []
    async with session() as asked:
        assert await asked.fetchval("SELECT count(*) FROM shelf") == 1
    assert catalogue.Item("index", "book", "book_title") in await holds()


async def test_one_that_fails_names_its_line_and_leaves_nothing_and_those_before_it_stay(
    empty: str, write: Write
) -> None:
    wrong = COLOUR + "UPDATE book SET hue = 'red';\n"
    files = write({"library_0001_shelf.sql": SHELF, "library_0002_colour.sql": wrong})
    with pytest.raises(InTheWay, match=r'library_0002_colour, line 4 failed, and nothing of it is kept: .*"hue"'):
        await migrations.migrate(files)
    assert catalogue.Item("column", "book", "title") in await holds()
    assert catalogue.Item("column", "book", "colour") not in await holds()
    assert await migrations.migrate(write({"library_0002_colour.sql": COLOUR})) == ["library_0002_colour"]


KILLED = """
import asyncio, os, sys
from pathlib import Path
import asyncpg
from market import migrations
begun, at, folder = asyncpg.Connection.execute, sys.argv[1], Path(sys.argv[2])
async def execute(self, sql, *arguments, **options):
    if sql.startswith(at):
        os._exit(9)
    return await begun(self, sql, *arguments, **options)
asyncpg.Connection.execute = execute
asyncio.run(migrations.migrate(migrations.files({"library": folder})))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("at", "left"),
    [
        ("INSERT INTO applied_migration", ["library_0001_shelf", "library_0002_title"]),
        ("UPDATE applied_migration", ["library_0002_title"]),
    ],
)
async def test_killed_between_a_migration_and_its_note_the_next_run_goes_on(
    at: str, left: list[str], empty: str, write: Write, tmp_path: Path
) -> None:
    """The first in one transaction with its note; the index, made outside, is there and not noted as ended."""
    files = write({"library_0001_shelf.sql": SHELF, "library_0002_title.sql": BY_TITLE})
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", KILLED, at, str(tmp_path)],
        cwd=ROOT,
        env=newcomer(tmp_path / "var", DATABASE_URL=empty),
        check=False,
    )
    assert done.returncode == 9
    assert (catalogue.Item("table", "", "book") in await holds()) == (len(left) == 1)
    assert await migrations.migrate(files) == left
    assert await migrations.migrate(files) == []


async def test_an_index_that_was_cut_off_is_dropped_and_made_again(empty: str, write: Write) -> None:
    files = write({"library_0001_shelf.sql": SHELF, "library_0002_title.sql": BY_TITLE})
    await migrations.migrate(files[:1])
    async with session() as asked:
        await asked.execute("INSERT INTO shelf DEFAULT VALUES; INSERT INTO book (shelf) VALUES (1), (1)")
        with pytest.raises(
            InTheWay, match="library_0002_title failed, and the next run does it again: could not create"
        ):
            await migrations.migrate(files)
        half = (await holds())[catalogue.Item("index", "book", "book_title")]
        assert half.endswith("(not valid: its making was cut off)")
        await asked.execute("UPDATE book SET title = id::text")
    assert await migrations.migrate(files) == ["library_0002_title"]
    assert "not valid" not in (await holds())[catalogue.Item("index", "book", "book_title")]


async def test_an_index_that_is_to_go_goes_also_half_made_and_is_not_missed(empty: str, write: Write) -> None:
    drop = "-- Books by title are asked for no more.\n-- transaction: no\nDROP INDEX CONCURRENTLY book_title;\n"
    files = write({"library_0001_shelf.sql": SHELF, "library_0002_a.sql": drop, "library_0003_b.sql": drop})
    await migrations.migrate(files[:1])
    async with session() as asked:
        await asked.execute("INSERT INTO shelf DEFAULT VALUES; INSERT INTO book (shelf) VALUES (1), (1)")
        with pytest.raises(asyncpg.UniqueViolationError):
            await asked.execute("CREATE UNIQUE INDEX CONCURRENTLY book_title ON book (title)")
    assert catalogue.Item("index", "book", "book_title") in await holds()
    assert await migrations.migrate(files) == ["library_0002_a", "library_0003_b"]
    assert catalogue.Item("index", "book", "book_title") not in await holds()


async def test_an_index_that_no_migration_made_is_not_taken_for_ours(empty: str, write: Write) -> None:
    files = write({"library_0001_shelf.sql": SHELF, "library_0002_title.sql": BY_TITLE})
    await migrations.migrate(files[:1])
    async with session() as asked:
        await asked.execute("CREATE INDEX book_title ON book (pages)")
    for _ in range(2):
        with pytest.raises(InTheWay, match="there is one that no migration made: drop it"):
            await migrations.migrate(files)


def test_a_table_is_waited_for_two_seconds_and_asked_for_again() -> None:
    assert (migrations.LOCK_TIMEOUT, migrations.PAUSES) == ("2s", (1.0, 2.0, 4.0, 8.0))


@pytest.mark.parametrize(
    ("second", "held", "how"),
    [
        (COLOUR, "LOCK TABLE book IN ACCESS SHARE MODE", "holds book"),
        (BY_TITLE, "LOCK TABLE book IN SHARE MODE", "holds book"),
        (BY_TITLE, "INSERT INTO book (shelf) VALUES (1)", "began before the index and may still write to its table"),
        (COLOUR + "UPDATE shelf SET number = 2;", "UPDATE shelf SET number = 3", "holds rows it must change"),
    ],
)
async def test_who_holds_a_table_is_named_and_when_she_has_gone_it_is_done(
    second: str, held: str, how: str, empty: str, write: Write, impatient: None
) -> None:
    files = write({"library_0001_shelf.sql": SHELF, "library_0002_more.sql": second})
    await migrations.migrate(files[:1])
    before = await holds()
    async with session() as holder:
        await holder.execute("SET application_name = 'a long report'; INSERT INTO shelf DEFAULT VALUES")
        async with holder.transaction():
            await holder.execute(held)
            with pytest.raises(InTheWay) as refused:
                await migrations.migrate(files)
        words = str(refused.value)
        assert words.startswith("The migration library_0002_more was given up after 3 tries: a long report (process ")
        assert f"(process {holder.get_server_pid()}, user " in words
        assert "idle in transaction, last statement begun 20" in words
        assert f"{how}; SELECT pg_terminate_backend({holder.get_server_pid()}) ends it" in words
        assert {item for item in await holds() if item.name != "book_title"} == set(before)
        assert await migrations.migrate(files) == ["library_0002_more"]


async def test_one_who_lets_go_in_a_pause_is_not_spoken_of(
    empty: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrations, "LOCK_TIMEOUT", "200ms")
    monkeypatch.setattr(migrations, "PAUSES", (0.1,) * 200)
    files = write({"library_0001_shelf.sql": SHELF, "library_0002_colour.sql": COLOUR})
    await migrations.migrate(files[:1])
    async with session() as holder:
        held = holder.transaction()
        await held.start()
        await holder.execute("LOCK TABLE book")
        migrating = asyncio.create_task(migrations.migrate(files))
        async with session() as asked:
            while not await asked.fetchval(
                "SELECT EXISTS (SELECT FROM pg_locks WHERE relation IS NOT NULL AND NOT granted)"
            ):
                await asked.execute("SELECT pg_sleep(0.01)")
        assert not migrating.done()
        await held.rollback()
        assert await migrating == ["library_0002_colour"]


async def test_two_at_once_run_each_migration_once_also_those_that_wait_for_every_statement(
    empty: str, write: Write
) -> None:
    files = write(
        {"library_0001_shelf.sql": SHELF, "library_0002_title.sql": BY_TITLE, "library_0003_colour.sql": COLOUR}
    )
    done = await asyncio.gather(*(migrations.migrate(files) for _ in range(3)))
    assert sorted(done) == [[], [], [each.name for each in files]]


async def test_a_file_that_has_run_is_not_edited_renamed_or_put_elsewhere(
    empty: str, write: Write, tmp_path: Path
) -> None:
    files = write({"library_0001_shelf.sql": SHELF, "library_0002_colour.sql": COLOUR})
    await migrations.migrate(files)
    edited = write({"library_0001_shelf.sql": SHELF.replace("pages > 0", "pages > 1")})
    with pytest.raises(
        InTheWay, match=r"library_0001_shelf was edited after this database had had it \(20.*new migration"
    ):
        await migrations.migrate(edited)
    write({"library_0001_shelf.sql": SHELF.replace("\n", "\r\n")})
    (tmp_path / "library_0002_colour.sql").rename(tmp_path / "library_0003_colour.sql")
    moved = write({"library_0002_title.sql": BY_TITLE})
    for act in (migrations.migrate, migrations.check):
        with pytest.raises(
            InTheWay, match="has had the migration library_0002_colour, and the file of that number is another"
        ):
            await act(moved)


async def test_a_note_that_was_lost_is_no_reason_to_run_an_older_migration_after_a_newer(
    empty: str, write: Write
) -> None:
    files = write({"library_0001_shelf.sql": SHELF, "library_0002_colour.sql": COLOUR, "library_0003_a.sql": BY_TITLE})
    await migrations.migrate(files)
    async with session() as asked:
        await asked.execute("DELETE FROM applied_migration WHERE name = 'library_0002_colour'")
    with pytest.raises(InTheWay, match="has had library_0003_a and not library_0002_colour, which comes before it"):
        await migrations.migrate(files)


async def test_our_own_connections_say_which_command_they_are_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(ROOT / "market" / "__main__.py"), "worker", "--once"])
    async with session() as asked:
        assert await asked.fetchval("SHOW application_name") == "prelude worker"


async def test_a_database_of_a_newer_version_is_served_and_not_migrated(
    empty: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write({"library_0001_shelf.sql": SHELF, "library_0002_colour.sql": COLOUR})
    monkeypatch.setattr(migrations, "files", lambda: files[:1])
    with pytest.raises(InTheWay, match="no tables yet: run `python -m market migrate` first"):
        await migrations.must_be_applied()
    await migrations.migrate(files)
    before = await holds()
    for act in (migrations.migrate, migrations.check):
        with pytest.raises(
            InTheWay, match=r"has had the migration library_0002_colour, which this version .* does not know"
        ):
            await act(files[:1])
    await migrations.must_be_applied()
    assert await holds() == before


async def test_a_database_that_lacks_a_migration_is_not_served(
    empty: str, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = write({"library_0001_shelf.sql": SHELF, "library_0002_colour.sql": COLOUR})
    await migrations.migrate(files[:1])
    monkeypatch.setattr(migrations, "files", lambda: files)
    with pytest.raises(InTheWay, match="lacks library_0002_colour: run `python -m market migrate` first"):
        await migrations.must_be_applied()


VERSION_0_1_0 = """
CREATE TABLE migration (
    id serial PRIMARY KEY,
    name varchar(200) NOT NULL DEFAULT '',
    app_name varchar(200) NOT NULL DEFAULT '',
    ran_on timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
INSERT INTO migration (name, app_name) VALUES
    ('2026-11-22T00:00:00:000000', 'market'), ('2026-11-22T00:00:10:000000', 'market'),
    ('2026-11-22T00:00:01:000000', 'challenges'), ('2026-11-28T00:00:02:000000', 'search');
CREATE TABLE organisation (id serial PRIMARY KEY, ref varchar(16) NOT NULL UNIQUE DEFAULT 'O-6N5J6HZ', name text);
CREATE TABLE event (id serial PRIMARY KEY, seq bigint NOT NULL UNIQUE DEFAULT 0);
INSERT INTO event (seq) VALUES (1)
"""


@pytest.mark.parametrize(
    "kept", ["", "DROP TABLE event, organisation", "DELETE FROM migration WHERE app_name <> 'market'"]
)
async def test_a_database_of_0_1_0_is_refused_in_words_and_stays_as_it_was(kept: str, empty: str) -> None:
    async with session() as asked:
        await asked.execute(f"{VERSION_0_1_0}; {kept}")
    before = await holds()
    for act in (migrations.migrate, migrations.check, migrations.must_be_applied):
        with pytest.raises(InTheWay) as refused:
            await act()
        assert str(refused.value).startswith(
            "Version 0.1.0 made this database (its table migration names 2 of that version"
        )
        assert "nothing in it was changed. Keep version 0.1.0 for it, or begin in an empty database" in str(
            refused.value
        )
    assert await holds() == before


@pytest.mark.slow
async def test_no_command_works_on_a_database_of_0_1_0(empty: str, tmp_path: Path) -> None:
    async with session() as asked:
        await asked.execute(VERSION_0_1_0)
    for command in ("migrate", "serve --port 1", "worker", "demo --no-serve"):
        done = await asyncio.to_thread(run, *command.split(), var=tmp_path, DATABASE_URL=empty)
        assert (done.returncode, done.stdout) == (2, ""), command
        assert done.stderr.startswith("Refused: Version 0.1.0 made this database"), command
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    "lost", ["DROP TABLE migration", "DELETE FROM migration", "ALTER TABLE migration RENAME TO other"]
)
async def test_tables_of_ours_without_a_note_are_refused_whoever_made_them(lost: str, empty: str) -> None:
    async with session() as asked:
        await asked.execute(f"{VERSION_0_1_0}; {lost}")
    before = await holds()
    for act in (migrations.migrate, migrations.check):
        with pytest.raises(InTheWay, match=r"has tables of ours \(event, organisation\) and no note of a migration"):
            await act()
    assert await holds() == before


async def test_somebody_elses_tables_are_no_reason_to_refuse(empty: str, write: Write) -> None:
    async with session() as asked:
        await asked.execute("CREATE TABLE migration (version integer); CREATE TABLE theirs (id integer)")
    assert await migrations.migrate(write({"library_0001_shelf.sql": SHELF})) == ["library_0001_shelf"]


async def test_checking_names_what_somebody_changed_by_hand_and_changes_nothing(empty: str) -> None:
    assert [line.split()[0] for line in await migrations.check()] == [each.name for each in migrations.files()]
    assert await holds() == {}
    await migrations.migrate()
    assert await migrations.check() == []
    async with session() as asked:
        await asked.execute("DROP TRIGGER event_is_append_only ON event; CREATE TABLE mine (id integer)")
    before = await holds()
    trigger, table = sorted(await migrations.check(), reverse=True)
    assert trigger.startswith(
        "the trigger event_is_append_only of event is missing in the database; the migrations make it"
    )
    assert table == "the table mine is in the database and the migrations do not make it: TABLE"
    assert await holds() == before


ONE_SIDED = [
    (
        "ALTER TABLE mission ADD COLUMN colour text",
        "the column colour of mission is in the migrations and the table classes",
    ),
    (
        "ALTER TABLE mission DROP COLUMN title",
        "the column title of mission is missing in the migrations; the table classes",
    ),
    ("ALTER TABLE mission ALTER title DROP NOT NULL", "the column title of mission is `text DEFAULT ''::text` in the"),
    ("ALTER TABLE mission ALTER title SET DEFAULT 'x'", "the column title of mission is `text NOT NULL DEFAULT 'x'"),
    ("ALTER TABLE mission ALTER ref TYPE text", "the column ref of mission is `text NOT NULL` in the migrations"),
    ("ALTER TABLE mission DROP CONSTRAINT mission_ref_key", "the constraint mission_ref_key of mission is missing in"),
    ("ALTER TABLE milestone DROP CONSTRAINT amount_is_positive", "the constraint amount_is_positive of milestone is"),
    ("DROP INDEX event_at", "the index event_at of event is missing in the migrations; the table classes make it"),
    (
        "CREATE INDEX mission_title ON mission (title)",
        "the index mission_title of mission is in the migrations and the",
    ),
    ("CREATE TABLE third (id serial PRIMARY KEY)", "the table third is in the migrations and the table classes do not"),
    ("CREATE INDEX anything ON mission (lower(title)) WHERE id > 1", ""),
    ("DROP TRIGGER event_is_append_only ON event", ""),
]
"""What a migration does and what is said when no table class goes with it. The last two no table class can say."""


async def test_a_migration_without_its_table_class_is_named_and_the_other_way_round(database: None) -> None:
    """By one mechanism in both directions: what a class has and no migration makes is what a migration takes away here."""
    async with session() as asked:
        async with catalogue.scratch(asked):
            await asked.execute(migrations.classes())
            says = await catalogue.catalogue_of(asked)
        async with catalogue.scratch(asked):
            for each in migrations.files():
                await each.run(asked)
            for change, words in ONE_SIDED:
                savepoint = asked.transaction()
                await savepoint.start()
                await asked.execute(change)
                makes = catalogue.sayable(await catalogue.catalogue_of(asked))
                lines = catalogue.differences(says, makes, "the table classes", "the migrations")
                assert [line[: len(words)] for line in lines] == [words] * bool(words), change
                await savepoint.rollback()


def test_no_default_of_a_column_is_drawn_by_chance() -> None:
    """The database would give every row the one that was drawn when its table was made: references have none there."""
    assert migrations.classes() == migrations.classes()


async def test_checking_compares_the_classes_with_what_is_yet_to_be_run_as_well(database: None, tmp_path: Path) -> None:
    (tmp_path / "library_0001_colour.sql").write_text(COLOUR.replace("book", "mission"))
    lacking, more = await migrations.check([*migrations.files(), *migrations.files({"library": tmp_path})])
    assert lacking == "library_0001_colour has not been applied to the database: run `python -m market migrate`"
    assert more.startswith(
        "the column colour of mission is in the migrations and the table classes do not make it: text NOT"
    )


@pytest.mark.slow
def test_the_command_says_what_it_did_and_what_differs(tmp_path: Path) -> None:
    names = [each.name for each in migrations.files()]
    lacking = run("migrate", "--check", var=tmp_path)
    assert (lacking.returncode, lacking.stderr) == (1, "")
    assert [line.split(" has not been applied")[0] for line in lacking.stdout.splitlines()] == names
    done = run("migrate", var=tmp_path)
    first = [f"{file.name} registered as its first version" for file in texts.files().values()]
    assert (done.returncode, done.stdout.splitlines()) == (0, [f"{name} applied" for name in names] + first)
    again = run("migrate", var=tmp_path)
    assert (again.returncode, again.stdout) == (0, "The database is up to date.\n")
    same = run("migrate", "--check", var=tmp_path)
    assert (same.returncode, same.stdout) == (0, "The tables in the code, the migrations and the database agree.\n")
