"""Telling the demo story to its end, once: whether it was told is itself kept, so that one cut off is begun again.

The mark is the comment of the schema that holds the tables: it goes when they go. That of the beginning is made in an empty
database only; one that has people and no mark is somebody's own work, and stays as it is.
"""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic

from rich.progress import Progress

from market import db, migrations, seed
from market.accounts.tables import Organisation
from market.opendata import actions as opendata
from market.reads import the
from market.settings import InTheWay, settings
from search import outbox

TELLING = 7420260010
"""The lock (PostgreSQL's, of the session) of whoever tells the story: a second one waits and finds it told."""

BEGUN, TOLD = "The demo story, not told to its end", "The demo story, told"


async def tell() -> None:
    """Make the tables; play the story unless this database has had it; publish it and build its index. Nothing half is left:
    the mark of the end is the last thing written, and without it the next call empties the embedded database and plays anew; a
    database that DATABASE_URL names is somebody's own and is never emptied (:class:`~market.settings.InTheWay`)."""
    # Ctrl+C ends this process at once: half a story is worth nothing, and unwinding an act in the middle only adds words.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    # A short life with many small objects: looking for garbage less often saves a tenth.
    gc.set_threshold(50_000, 50, 50)
    await migrations.migrate()
    if not await the(bool, "SELECT pg_try_advisory_lock({})", TELLING):
        print("Another process is playing the story; waiting for it.", flush=True)
        await db.many("SELECT pg_advisory_lock({})", TELLING)
    mark = await the(str, "SELECT coalesce(obj_description('public'::regnamespace), '')")
    if mark == BEGUN:
        if settings().database_url:
            raise InTheWay(
                "the database that DATABASE_URL names holds a demo story that was cut off, and perhaps what you added: it is yours, and is not emptied "
                "for you. Name an empty one (`createdb`), or leave DATABASE_URL out for the embedded database, which begins again by itself"
            )
        print("The story was cut off; beginning again.", flush=True)
        await db.many("DROP SCHEMA public CASCADE")
        await db.many("CREATE SCHEMA public")
        await migrations.migrate()
    elif mark == TOLD or await Organisation.exists():
        return
    await _mark(BEGUN)
    with _shown() as show:
        counts = await seed.play(show)
    print(
        f"Played {sum(counts.values())} acts of the demo story. Building what is searched and published …", flush=True
    )
    while await opendata.publish():
        pass
    await outbox.reindex()
    await outbox.index().close()
    await _mark(TOLD)


async def _mark(words: str) -> None:
    await db.many(f"COMMENT ON SCHEMA public IS '{words}'")


@contextmanager
def _shown() -> Iterator[seed.Telling]:
    """How far the story is: a bar on a screen, a line at each fifth and every ten seconds in a file."""
    if sys.stdout.isatty():
        with Progress(transient=True) as bar:
            task = bar.add_task("Playing the demo story", total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        return
    print("Playing the demo story …", flush=True)
    last = [0, monotonic()]

    def line(done: int, total: int) -> None:
        if done * 5 // total > last[0] or monotonic() - last[1] > 10:
            last[:] = done * 5 // total, monotonic()
            print(f"  {done} of {total} acts", flush=True)

    yield line
