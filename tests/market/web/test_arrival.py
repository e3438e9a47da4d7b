"""The last byte decides: what was complete before the deadline is kept however long it waits, what was not is late."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from litestar import Litestar

from challenges.applications import actions as applications
from challenges.tables import Application
from market import clock, db
from market.awards import actions as awards
from market.bids import actions as bids
from market.bids import confirmations
from market.bids.tables import Bid
from market.questions import actions as questions
from market.refusals import Refused
from market.tenders import actions as tenders
from market.tenders import readers
from market.tenders.changes import actions as changes
from market.web import arrival
from tests import given, given_awards, given_tenders
from tests.challenges import exercise
from tests.sent import send

pytestmark = pytest.mark.usefixtures("clean")

SECOND = timedelta(seconds=1)


@pytest.fixture
def moving(tmp_path: Path) -> AsyncIterator[None]:
    """A clock that everybody sees move, as at a demonstration."""
    clock.follow(tmp_path / "clock")
    yield
    clock.follow(None)


@dataclass
class Bidding:
    """A tender that closes in a minute, a firm's program, and its bid as it goes over the line."""

    there: given_tenders.Published
    headers: dict[str, str]

    @property
    def address(self) -> str:
        return f"/api/v1/tenders/{self.there.tender.ref}/lots/{self.there.lots[0].ref}/bids"

    @property
    def body(self) -> bytes:
        return msgspec.json.encode(self.there.bid())


async def bidding() -> Bidding:
    there = await given_tenders.published(closes_in=timedelta(minutes=1))
    firm = await given.person(await given.supplier(), "supplier-admin")
    return Bidding(there, {**await given.token(firm), "content-type": "application/json"})


async def two_minutes_pass() -> None:
    clock.shift(timedelta(minutes=2))


@pytest.mark.usefixtures("moving")
async def test_headers_in_time_and_the_last_byte_late_is_late(app: Litestar) -> None:
    sent = await bidding()

    async def the_rest() -> bytes:
        await two_minutes_pass()
        return sent.body[-1:]

    late = await send(app, sent.address, sent.headers, [sent.body[:-1], the_rest])
    assert (late.status, late.codes) == (409, ["bid.too-late"])
    assert await Bid.count() == 0


@pytest.mark.usefixtures("moving")
async def test_an_act_without_a_body_of_its_own_is_judged_by_its_last_byte_too(app: Litestar) -> None:
    sent = await bidding()
    assert (await send(app, sent.address, sent.headers, [sent.body])).status == 201

    async def the_rest() -> bytes:
        await two_minutes_pass()
        return b" "

    late = await send(app, f"{sent.address}/withdraw", sent.headers, [b" ", the_rest])
    assert (late.status, late.codes) == (409, ["bid.too-late"])


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Whoever asks the database for a connection waits."""
    taken = [(pool, await pool.acquire()) for pool in db.pools() for _ in range(pool.get_max_size())]
    try:
        yield
    finally:
        for pool, each in taken:
            await pool.release(each)


@pytest.mark.usefixtures("moving")
async def test_a_whole_body_in_time_is_kept_although_the_pool_is_empty(app: Litestar) -> None:
    sent = await bidding()
    async with nothing_left():
        waiting = asyncio.create_task(send(app, sent.address, sent.headers, [sent.body]))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        await two_minutes_pass()
    kept = await waiting
    assert kept.status == 201, kept.body
    assert datetime.fromisoformat(kept.json()["received_at"]) < sent.there.tender.closes_at


@pytest.mark.usefixtures("moving")
async def test_thirty_bids_sent_before_are_kept_although_the_tender_is_held_across_the_deadline(app: Litestar) -> None:
    there = await given_tenders.published(closes_in=timedelta(minutes=1))
    firms = [await given.person(await given.supplier(), "supplier-admin") for _ in range(30)]
    programs = [Bidding(there, {**await given.token(firm), "content-type": "application/json"}) for firm in firms]
    holder = await db.connection()
    try:
        held = holder.transaction()
        await held.start()
        await holder.execute("SELECT 1 FROM tender WHERE ref = $1 FOR UPDATE", there.tender.ref)
        waiting = [asyncio.create_task(send(app, each.address, each.headers, [each.body])) for each in programs]
        await asyncio.sleep(0.5)
        assert not any(each.done() for each in waiting)
        await two_minutes_pass()
        late = asyncio.create_task(send(app, programs[0].address, programs[0].headers, [programs[0].body]))
        await asyncio.sleep(0.5)
        await held.rollback()
    finally:
        await holder.close()
    assert [each.status for each in await asyncio.gather(*waiting)] == [201] * 30
    assert (await late).codes == ["bid.too-late"]
    assert await Bid.count() == 30


# ── every act with a deadline ──────────────────────────────────────────────────────────────────────────────────────


@dataclass
class Act:
    """Something that may be done until `until`, and the code with which it is refused afterwards."""

    until: datetime
    does: Callable[[], Awaitable[Any]]
    late: str


async def sealing() -> Act:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    ref, lot = there.tender.ref, there.lots[0].ref
    assert there.tender.closes_at is not None
    return Act(there.tender.closes_at - SECOND, lambda: bids.submit(firm, ref, lot, there.bid()), "bid.too-late")


async def withdrawing() -> Act:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    ref, lot = there.tender.ref, there.lots[0].ref
    await bids.submit(firm, ref, lot, there.bid())
    assert there.tender.closes_at is not None
    return Act(there.tender.closes_at - SECOND, lambda: bids.withdraw(firm, ref, lot), "bid.too-late")


async def asking_about_a_tender() -> Act:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    assert there.tender.questions_until is not None
    asked = questions.QuestionDraft("Is there a radio network?")
    return Act(there.tender.questions_until, lambda: tenders.ask(firm, there.tender.ref, asked), "question.time-over")


async def changing_a_tender() -> Act:
    made = await given.tendering()
    tender = await made.publish()
    closes = tender.closes_at
    assert closes is not None
    later = closes + timedelta(days=10)
    said = changes.Change("The gullies are listed now.", "deadline", "no", later)
    return Act(
        closes - SECOND,
        lambda: changes.change(made.officers[0], tender.ref, said),
        "tender.closed-to-addenda",
    )


async def applying() -> Act:
    made = await exercise.opened()
    firm = await given.person(await given.supplier(), "supplier-admin")
    closes = (await made.row()).closes_at
    assert closes is not None
    return Act(closes, lambda: applications.apply(firm, made.ref, exercise.APPLICATION), "application.too-late")


async def withdrawing_an_application() -> Act:
    made = await exercise.opened()
    firm = await given.person(await given.supplier(), "supplier-admin")
    sent = await applications.apply(firm, made.ref, exercise.APPLICATION)
    closes = (await made.row()).closes_at
    assert closes is not None
    return Act(closes, lambda: applications.withdraw(firm, sent.ref), "application.too-late")


async def changing_an_application() -> Act:
    made = await exercise.opened()
    firm = await given.person(await given.supplier(), "supplier-admin")
    sent = await applications.apply(firm, made.ref, exercise.APPLICATION)
    seen = await given.as_is(applications.ApplicationDraft, Application, sent.ref)
    other = msgspec.structs.replace(exercise.APPLICATION, approach="Another approach, with other sensors in the gully.")
    closes = (await made.row()).closes_at
    assert closes is not None
    return Act(closes, lambda: applications.change(firm, sent.ref, other, seen), "application.too-late")


async def complaining() -> Act:
    case, decision = await given_awards.awarded()
    said = awards.ComplaintDraft("My method was misread by both.")
    assert decision.standstill_ends_at is not None
    return Act(
        decision.standstill_ends_at, lambda: awards.complain(case.firms[0], decision.ref, said), "complaint.too-late"
    )


async def confirming_a_bid() -> Act:
    made = await given.tendering()
    tender = await made.publish()
    (lot, *_) = await readers.lots_of(tender)
    criteria = (await readers.criteria_of([lot]))[lot.id]
    firm = await given.person(await given.supplier(), "supplier-admin")
    answers = {each.ref: "With counts." for each in criteria if each.kind == "quality"}
    sent = await bids.submit(firm, tender.ref, lot.ref, bids.BidDraft(7_000_000, answers, True))
    more = changes.Change("Lot 1 now also asks for 4,000 more homes.", "material", "yes")
    changed = await given.changed(made.officers, tender.ref, more)
    word = confirmations.Word(sent.receipt.envelope_sha256, str(changed.ref))
    assert tender.closes_at is not None
    return Act(
        tender.closes_at - SECOND, lambda: confirmations.confirm(firm, tender.ref, lot.ref, word), "bid.too-late"
    )


ACTS = [
    sealing,
    withdrawing,
    confirming_a_bid,
    asking_about_a_tender,
    changing_a_tender,
    applying,
    withdrawing_an_application,
    changing_an_application,
    complaining,
]


@pytest.mark.parametrize("prepared", ACTS)
async def test_what_arrived_in_time_is_done_however_late_its_turn_comes(prepared: Callable[[], Awaitable[Act]]) -> None:
    with clock.at(given.TODAY):
        act = await prepared()
    with clock.at(act.until + 5 * SECOND), clock.arriving(act.until):
        await act.does()


@pytest.mark.parametrize("prepared", ACTS)
async def test_what_arrived_late_is_refused_with_the_reason(prepared: Callable[[], Awaitable[Act]]) -> None:
    with clock.at(given.TODAY):
        act = await prepared()
    with clock.at(act.until + 5 * SECOND), clock.arriving(act.until + 2 * SECOND), pytest.raises(Refused) as refused:
        await act.does()
    assert act.late in [each.code for each in refused.value.reasons]


# ── bodies ─────────────────────────────────────────────────────────────────────────────────────────────────────────


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(app: Litestar) -> None:
    sent = await bidding()
    announced = await send(app, sent.address, {**sent.headers, "content-length": "12000001"}, [b"x"] * 9)
    assert (announced.status, announced.asked) == (413, 0)
    assert announced.codes == ["web.request-entity-too-large"]
    assert announced.headers["connection"] == "close"
    streamed = await send(app, sent.address, sent.headers, [b"x" * 1_000_000] * 40)
    assert (streamed.status, streamed.asked) == (413, 13)
    page = await send(app, "/sign-in", {"accept": "text/html", "content-length": "9" * 40}, [b""])
    assert (page.status, page.headers["content-type"]) == (413, "text/html; charset=utf-8")
    assert page.headers["content-security-policy"]


async def test_a_body_that_stalls_is_answered_after_a_while_and_does_nothing(
    app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = await bidding()
    monkeypatch.setattr(arrival, "STALL", 0.05)

    async def never() -> bytes:
        await asyncio.Event().wait()
        return b""

    stalled = await send(app, sent.address, sent.headers, [sent.body[:9], never])
    assert (stalled.status, stalled.codes) == (408, ["web.request-timeout"])
    assert await Bid.count() == 0


async def test_who_hangs_up_in_the_middle_has_done_nothing(app: Litestar) -> None:
    sent = await bidding()
    gone = await send(app, sent.address, sent.headers, [sent.body], hangs_up=True)
    assert gone.status == 0
    assert await Bid.count() == 0


async def test_a_body_in_many_pieces_reaches_the_action_whole(app: Litestar) -> None:
    sent = await bidding()
    padded = sent.body + b" " * 1_000_000
    pieces = [padded[at : at + 9_999] for at in range(0, len(padded), 9_999)]
    assert (await send(app, sent.address, sent.headers, pieces)).status == 201


def test_outside_of_a_request_the_moment_is_the_present_one() -> None:
    with clock.at(given.TODAY):
        assert clock.arrived() == given.TODAY
        with clock.arriving(given.TODAY - SECOND):
            assert clock.arrived() == given.TODAY - SECOND
            assert clock.now() == given.TODAY
        assert clock.arrived() == given.TODAY
