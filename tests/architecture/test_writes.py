"""Whoever writes rows writes down that she did, wherever her function stands and whatever its file is called; and who only reads
writes nothing."""

from __future__ import annotations

import ast
import inspect
from types import ModuleType

import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from tests.architecture.calls import Graph, house, name_of, read

RECORD = "market.audit.actions.record"

SILENT = {
    "the log itself": {"market.audit.actions._write_down"},
    "signatures over the log: an event for each would make another one due": {
        "market.audit.checkpoints._extend",
        "market.audit.checkpoints._publish",
        "market.audit.checkpoints._same_key",
        "market.audit.witnesses._keep",
    },
    "asks that a face be told again, or says that it was: nothing happened to the record": {
        "market.audit.actions.announce",
        "search.outbox._arriving",
        "search.outbox._drain",
        "search.outbox.turn",
    },
    "counts tries, or forgets the count": {"market.web.limits.forget_full", "market.web.limits.spend"},
    "a letter keeps by itself what caused it, and every try": {
        "market.letters.actions._tie",
        "market.letters.actions.write",
        "market.letters.sending._mark",
        "market.letters.sending._mark_server",
    },
    "notes that a letter which a date asked for was written": {
        "market.bids.actions.tell_officers",
        "market.bids.confirmations.tell_unconfirmed",
        "market.contracts.changes.actions.tell_standstills",
        "market.panels.actions.tell_begun",
        "market.postroom.bounces.tell_waiting",
        "market.questions.actions._tell",
        "market.waivers.reviews.actions._tell",
        "search.saved.actions._tell",
    },
    "a secret that is good for an hour, until what it proves is recorded; and forgetting it": {
        "market.accounts.actions._write_reset",
        "market.accounts.actions.forget_expired",
        "market.accounts.passkeys._challenge",
        "market.suppliers.actions.forget_unconfirmed",
    },
    "what a server's own file says, kept: a deadline that moves because of it is recorded": {
        "market.outages.actions._keep"
    },
    "whether a form was answered already": {
        "market.web.once._Attempt.claim",
        "market.web.once._Attempt.keep",
        "market.web.once.forget",
    },
    "what somebody else's server said, kept until a job has looked at it": {"market.payments.actions.told"},
    "an import, whose run keeps every count; notices are other portals' facts": {
        "market.portal.intake.importing.Run._flush",
        "market.portal.intake.keeping._quarantine",
        "market.portal.intake.keeping.keep",
    },
    "a place in the queue of live checks, whose result is recorded": {"market.standards.sandboxes.actions.queue"},
}
"""Functions that write without a record, by the reason. Names are taken off this list; put on it only with a reason that is true."""

READS_OWN = {"/api/v1/applications": "one's own applications: reading is an event when another does it"}


def test_every_function_that_writes_leaves_a_record() -> None:
    """It reaches `record` itself, or it is called by nobody but functions that do."""
    writing, excused = house().writing(), set().union(*SILENT.values())
    assert len(writing) > 150
    assert len([path for path in writing if not path.rpartition(".")[0].endswith("actions")]) > 40
    assert house().silent(RECORD, excused) == set(), "record it, or give the reason in SILENT"
    assert excused - house().silent(RECORD, set()) == set(), "these leave a record: take them off SILENT"


def test_nothing_is_written_by_a_get(app: Litestar) -> None:
    """No GET comes to a function that writes or records. Where reading a sealed thing is itself an event, the handler says so."""
    writing = house().reaching(house().writing() | {RECORD})
    wrong, known = [], 0
    for route in app.routes:
        for handler in getattr(route, "route_handlers", []):
            if isinstance(handler, HTTPRouteHandler) and "GET" in handler.http_methods and (name := name_of(handler)):
                known += name in house().functions
                if (name in writing) != (bool(handler.opt.get("reading_is_an_event")) or route.path in READS_OWN):
                    wrong.append(f"{route.path}: {name}")
    assert known > 200
    assert wrong == [], "a GET that records says `reading_is_an_event`, and no other"


# ── the reader of these tests ──────────────────────────────────────────────────────────────────────────────────────

MADE_UP = '''
import market.audit.actions as log
from market.audit.actions import record as write_down
from market.audit.tables import Outbox
from market.db import many

def record(*facts): ...

CLEAR = "DELETE FROM outbox"

async def straight(actor):
    """Says that it will INSERT INTO nothing."""
    await Outbox.insert(Outbox())
    await write_down(actor, "a.b", "c:d")

async def by_module(actor, row):
    await row.save()
    await log.record(actor, "a.b", "c:d")

async def another_of_that_name(row):
    await row.save()
    record(row)

async def by_sql():
    await many(CLEAR)

async def by_text(table):
    await many(f"UPDATE {table} SET at = now()")

async def asks():
    """UPDATE outbox SET nothing."""
    return await many("SELECT 1"), [].insert(0, {}), {}.update({})

async def _part(row):
    await row.remove()

async def heard(actor, row):
    await _part(row)
    await write_down(actor, "a.b", "c:d")

async def _shared(row):
    await Outbox.delete().where(Outbox.id == 1)

async def one(actor, row):
    await _shared(row)
    await write_down(actor, "a.b", "c:d")

async def two(row):
    await _shared(row)

async def inside(actor):
    from market.audit.actions import record
    await Outbox.update({}).where(True)
    await record(actor, "a.b", "c:d")

class Room:
    async def put(self):
        await Outbox.insert()
        await self.tell()

    async def tell(self):
        await write_down(None, "a.b", "c:d")

class Other:
    async def put_away(self):
        await Outbox.insert()

async def keeps(thing, actor):
    await thing.put_away()
    await write_down(actor, "a.b", "c:d")

async def throws(thing):
    await thing.put_away()
'''


@pytest.fixture(scope="module")
def graph() -> Graph:
    module = ModuleType("tests.made_up")
    exec(compile(MADE_UP, "made_up", "exec"), vars(module))
    return read({module: ast.parse(MADE_UP)})


def short(names: set[str]) -> set[str]:
    return {name.removeprefix("tests.made_up.") for name in names}


def test_who_writes_is_seen_through_piccolo_and_through_sql(graph: Graph) -> None:
    assert short(graph.writing()) == {
        *("straight", "by_module", "another_of_that_name", "by_sql", "by_text", "_part", "_shared", "inside"),
        *("Room.put", "Other.put_away"),
    }


def test_who_is_silent_is_seen_whatever_else_is_called_record(graph: Graph) -> None:
    assert short(graph.silent(RECORD, set())) == {
        "another_of_that_name",
        "by_sql",
        "by_text",
        "_shared",
        "Other.put_away",
    }
    assert short(graph.silent(RECORD, {"tests.made_up.two"})) == {
        "another_of_that_name",
        "by_sql",
        "by_text",
        "Other.put_away",
    }


def test_the_reader_knows_handlers_and_what_is_wrapped() -> None:
    from market.db import transaction

    assert name_of(transaction) == "market.db.transaction"
    assert name_of(inspect.unwrap) == ""
