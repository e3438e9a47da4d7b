"""What every test stands on: a real PostgreSQL of its own, the tables migrated once, emptied after each test."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from litestar import Litestar

from market import embedded
from tests.chromium import chromium

__all__ = ["chromium"]

_folder = Path(tempfile.mkdtemp(prefix="prelude-test-"))

os.environ["PRELUDE_VAR"] = str(_folder / "var")
os.environ["PRELUDE_SECRET"] = "a secret that only these tests know, 32 characters and more"
os.environ["SITE_URL"] = "http://localhost:8000"
os.environ["PRELUDE_LOOPBACK"] = "1"
for name in ("MEILISEARCH_URL", "STRIPE_KEY", "SMTP_URL", "PRELUDE_ENV", "PRELUDE_DEMO"):
    os.environ.pop(name, None)

os.environ["DATABASE_URL"] = os.environ.get("PRELUDE_TEST_DATABASE_URL") or embedded.address(
    _folder, ["fsync=off", "full_page_writes=off"]
)

settings.register_profile("prelude", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True)
settings.load_profile("prelude")
"""How Hypothesis asks here: nothing depends on how busy the machine is, and what failed says how to ask it again. A test adds what is
its own, as the number of its examples."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first, so that the workers end together; the order within stays as random as it was. Whatever asks for
    rows is marked `database`, and is no part of `make quick`."""
    items.sort(key=lambda each: each.get_closest_marker("slow") is None)
    for each in items:
        if "database" in getattr(each, "fixturenames", ()):
            each.add_marker("database")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the database before its folder goes."""
    embedded.leave(_folder)
    shutil.rmtree(_folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def database() -> AsyncIterator[None]:
    """The migrated database with its pool open."""
    from market import db, reads
    from market.migrations import migrate

    reads.check_types()
    await migrate()
    async with db.pool(sealing=4, serving=True):
        yield


EMPTY = """
DO $$
DECLARE name text; filled boolean; names text := '';
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'applied_migration' LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', name) INTO filled;
        IF filled THEN EXECUTE format('DELETE FROM %s', name); END IF;
    END LOOP;
END $$
"""


@pytest.fixture
async def clean(database: None) -> AsyncIterator[None]:
    """An empty database; emptied again afterwards. Ask for it (or for a fixture that does) in every test with rows."""
    from market.db import many

    # An empty database is another log, with a key of its own; others than this fixture empty it too.
    outside = _folder / "var" / "log"
    shutil.rmtree(outside, ignore_errors=True)
    yield
    await many(EMPTY.replace("{", "{{").replace("}", "}}"))
    shutil.rmtree(outside, ignore_errors=True)


@pytest.fixture(scope="session")
def app(database: None) -> Litestar:
    """The whole site. Ask for it through `given.browser(app)`; the pool is opened by `database`, not by its lifespan."""
    from market.app import create

    return create()
