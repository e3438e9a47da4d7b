"""“How to add a migration” (docs/conventions.md) is true: the column of its example comes into a copy of the tree and into a database, by
the files that the text names and no others; and what the text forbids is refused in words."""

from __future__ import annotations

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from market import migrations
from tests.architecture.copies import Copy, section
from tests.market.test_migrations import empty

__all__ = ["empty"]

pytestmark = [pytest.mark.slow, pytest.mark.long]

TITLE = "How to add a migration"
FOLDER = "market/piccolo_migrations"

COMPUTED = """TRANSACTION = True


async def apply(connection):
    await connection.execute("UPDATE lot SET colour = 'teal' WHERE colour = ''")
"""


def written() -> str:
    """The migration that the text shows."""
    (sql,) = re.findall(r"^```sql\n(.*?)^```", section(TITLE), re.MULTILINE | re.DOTALL)
    return str(sql)


def steps() -> list[str]:
    """The files that the numbered lines name, as patterns: a noun and the words of a name are whoever writes it's own."""
    lines = re.findall(r"^\d\. (.*)", section(TITLE), re.MULTILINE)
    files = [name for line in lines for name in re.findall(r"`([\w/<>.-]+\.\w+)`", line)]
    return [re.sub(r"<noun>|(?<=market_)\d{4}_\w+(?=\.sql)", "*", name) for name in files]


def test_a_column_needs_its_class_and_the_next_file_and_what_is_forbidden_is_refused(
    tmp_path: Path, empty: str
) -> None:
    copy = Copy(tmp_path, DATABASE_URL=empty)
    number = max(each.number for each in migrations.files() if each.app == "market") + 1
    copy.run("market", "migrate")

    # Her class alone: it is named what the migration and the database do not have.
    copy.add(
        "market/tenders/tables.py",
        '    colour = words()\n    """The colour of its folder."""\n',
        after="    sme_suitable = yes_or_no(True)\n",
    )
    assert "colour" in copy.refused("market", "migrate", "--check")

    # A file that is not the next one, or does not say how it is run, is not begun.
    for name, sql, words in (
        (f"market_{number + 1:04}_colours_of_lots.sql", written(), f"stands where market_{number:04} must"),
        (f"market_{number - 1:04}_colours_of_lots.sql", written(), "number migrations without gaps or doubles"),
        (f"market_{number:04}_colours_of_lots.sql", written().replace("-- transaction: yes\n", ""), "must say once"),
        (
            f"market_{number:04}_colours_of_lots.sql",
            written().replace("yes", "no"),
            "one statement that can be repeated",
        ),
    ):
        copy.add(f"{FOLDER}/{name}", sql)
        assert words in copy.refused("market", "migrate"), name
        (copy.tree / FOLDER / name).unlink()

    # As the text says: these files and no other.
    migration = f"{FOLDER}/market_{number:04}_colours_of_lots.sql"
    copy.add(migration, written())
    assert copy.changed() == {"market/tenders/tables.py", migration}
    assert [path for path in copy.changed() if not any(fnmatch(path, each) for each in steps())] == []
    assert "has not been applied" in copy.refused("market", "migrate", "--check")
    copy.run("market", "migrate")
    copy.run("market", "migrate", "--check")

    # Where something must be computed.
    copy.add(f"{FOLDER}/market_{number + 1:04}_teal.py", COMPUTED)
    copy.run("market", "migrate")
    copy.run("market", "migrate", "--check")

    # What has run is not edited any more.
    (copy.tree / migration).write_text(written().replace("''", "'amber'"))
    assert "was edited after this database had had it" in copy.refused("market", "migrate")
