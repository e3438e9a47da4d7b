"""Deadlines that move because no server answered, on a real database: a tender, a challenge, and whoever would abuse it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta

import asyncpg
import pytest
from litestar import Litestar

from challenges import outage as challenge_outage
from challenges.applications import actions as applications
from challenges.judging import actions as judging
from market import clock
from market.audit.actions import record
from market.audit.tables import Event
from market.bids import actions as bids
from market.bids.tables import Bid
from market.db import many
from market.letters.tables import Letter
from market.opendata import actions as opendata
from market.opendata.tables import Release
from market.outages import actions, heartbeat
from market.outages.heartbeat import Beat
from market.outages.tables import DeadlineMove, Presence
from market.proof import canonical
from market.refusals import Refused
from market.seed import outages as story
from market.tenders import outage as tender_outage
from market.tenders.tables import Tender
from market.worker import CLOSING
from tests import given, given_tenders
from tests.challenges import exercise

pytestmark = pytest.mark.usefixtures("clean", "quiet")

MINUTE = timedelta(minutes=1)


@pytest.fixture
def quiet() -> Iterator[None]:
    """No heartbeat yet, and none left."""
    shutil.rmtree(heartbeat.folder(), ignore_errors=True)
    yield
    shutil.rmtree(heartbeat.folder(), ignore_errors=True)


def answered(since: datetime, until: datetime, server: str = "one") -> None:
    """A server answered from one moment to another: its first and last beats and those between, in its file."""
    at = since
    while at <= until:
        heartbeat.write(Beat(at, at, server, "web", 7, True), heartbeat.folder())
        at += timedelta(seconds=25)
    heartbeat.write(Beat(until, until, server, "web", 7, True), heartbeat.folder())


def away_at(closes: datetime, before: int = 20, after: int = 30) -> datetime:
    """The service was away from so many minutes before the deadline to so many after; answers when it was back for a minute."""
    answered(closes - (before + 2) * MINUTE, closes - before * MINUTE)
    answered(closes + after * MINUTE, closes + (after + 1) * MINUTE)
    return closes + (after + 1) * MINUTE


async def deadline(ref: str) -> datetime:
    found = await Tender.objects().get(Tender.ref == ref)
    assert found is not None
    return found.closes_at


async def letters(template: str) -> list[str]:
    return [each["subject"] for each in await Letter.select(Letter.subject).where(Letter.template == template)]


async def test_an_outage_at_the_deadline_moves_it_and_a_bid_refused_as_late_is_sent_again(app: Litestar) -> None:
    there = await given_tenders.published()
    ref, lot, closes = there.tender.ref, there.lots[0].ref, there.tender.closes_at
    auditor = await given.person(await given.organisation("Audit Office", kind="audit"), "auditor")
    early = await given.person(await given.supplier("Kestrel Ltd"), "supplier-admin")
    late = await given.person(await given.supplier("Heron Ltd"), "supplier-admin")
    await bids.submit(early, ref, lot, there.bid(5_000_000))
    back = away_at(closes)
    with clock.at(back):
        with pytest.raises(Refused) as refused:
            await bids.submit(late, ref, lot, there.bid(4_000_000))
        assert [each.code for each in refused.value.reasons] == ["bid.too-late"]
        assert await actions.settle(CLOSING) == 1
        assert await actions.settle(CLOSING) == 0
        moved = await deadline(ref)
        assert moved > back + timedelta(hours=12)
        await bids.submit(late, ref, lot, there.bid(4_000_000))
    assert await Bid.count() == 2
    assert len(await letters("outages/moved.txt")) == 2
    assert len(await letters("outages/alert.txt")) == 1
    assert len(await letters("outages/moved-buyer.txt")) >= 1
    event = await Event.objects().get(Event.verb == "tender.deadline-moved")
    assert event is not None
    assert event.actor == "system"
    said = canonical.decode(event.body.encode())
    assert said["closed_at_before"] == closes.isoformat()
    assert said["closes_at"] == moved.isoformat()
    assert (said["away_since"], said["away_until"]) == (
        (closes - 20 * MINUTE).isoformat(),
        (closes + 30 * MINUTE).isoformat(),
    )
    assert (said["last_server"], said["first_server"]) == ("one", "one")
    stretch = (await Presence.objects().order_by(Presence.id))[1]
    assert said["gap_digest"] == stretch.gap_digest
    browser = await given.signed_in(given.browser(app), auditor)
    assert "/audit/outages" in (await browser.get("/audit")).text
    seen = (await browser.get("/audit/outages")).text
    assert ref in seen
    assert stretch.gap_digest[:16] in seen


async def test_everybody_reads_at_the_tender_and_in_the_log_why_its_deadline_moved(app: Litestar) -> None:
    there = await given.tendering()
    closes = (await there.publish()).closes_at
    with clock.at(away_at(closes)):
        await actions.settle(CLOSING)
        browser = given.browser(app)
        page = (await browser.get(f"/tenders/{there.ref}")).text
        (move,) = (await browser.get(f"/api/v1/tenders/{there.ref}")).json()["deadline_moves"]
        log = (await browser.get("/log")).text
    assert "because our service was away" in page
    assert "because the service was away" in log
    assert datetime.fromisoformat(move["closed_at"]) == closes
    assert datetime.fromisoformat(move["closes_at"]) == await deadline(there.ref)
    assert datetime.fromisoformat(move["away_since"]) == closes - 20 * MINUTE


async def test_nothing_is_opened_after_an_outage_before_the_new_deadline_even_when_no_job_runs() -> None:
    there = await given_tenders.published()
    back = away_at(there.tender.closes_at)
    with clock.at(back), pytest.raises(Refused) as refused:
        await bids.contribute(there.officers[0], there.tender.ref, there.codes[0])
    assert [each.code for each in refused.value.reasons] == ["opening.too-early"]
    assert await deadline(there.tender.ref) > back
    assert await DeadlineMove.count() == 1


async def test_what_was_opened_stays_opened() -> None:
    there = await given_tenders.published()
    closes = there.tender.closes_at
    await given_tenders.opened(there)
    back = away_at(closes)
    with clock.at(back):
        await actions.gather()
        assert not await tender_outage.settle(there.tender.ref)
    assert await deadline(there.tender.ref) == closes


async def test_while_another_server_answers_one_that_is_away_moves_nothing() -> None:
    there = await given_tenders.published()
    closes = there.tender.closes_at
    back = away_at(closes)
    answered(closes - 30 * MINUTE, closes + 40 * MINUTE, server="two")
    with clock.at(back):
        assert await actions.settle(CLOSING) == 0
    assert await Presence.count() == 3
    assert await deadline(there.tender.ref) == closes


async def test_two_servers_that_disagree_are_away_only_while_neither_answers() -> None:
    there = await given_tenders.published()
    closes = there.tender.closes_at
    back = away_at(closes, before=40)
    answered(closes - 50 * MINUTE, closes - 25 * MINUTE, server="two")
    with clock.at(back):
        assert await actions.settle(CLOSING) == 1
    move = await DeadlineMove.objects().first()
    assert move is not None
    assert (move.last_server, move.away_since) == ("two", closes - 25 * MINUTE)


async def test_a_firm_that_causes_one_outage_after_the_other_gains_no_more_than_the_policy_says() -> None:
    there = await given_tenders.published()
    seen = [await deadline(there.tender.ref)]
    for _ in range(5):
        with clock.at(away_at(seen[-1])):
            await actions.settle(CLOSING)
            seen.append(await deadline(there.tender.ref))
    assert len(set(seen)) == 4
    assert seen == sorted(seen)


async def test_an_operator_who_forges_a_gap_is_contradicted_by_the_log() -> None:
    there = await given_tenders.published()
    closes = there.tender.closes_at
    back = away_at(closes)
    with clock.at(closes - 10 * MINUTE):
        await record(there.officer, "tender.followed", f"tender:{there.tender.ref}")
    with clock.at(back):
        assert await actions.settle(CLOSING) == 0
    assert await deadline(there.tender.ref) == closes


async def test_an_operator_who_takes_lines_out_of_the_file_changes_nothing_that_was_measured() -> None:
    there = await given_tenders.published()
    closes = there.tender.closes_at
    answered(closes - 30 * MINUTE, closes + 5 * MINUTE)
    with clock.at(closes + 5 * MINUTE):
        await actions.gather()
    shutil.rmtree(heartbeat.folder())
    with clock.at(away_at(closes)):
        assert await actions.settle(CLOSING) == 0
    for statement in (
        "UPDATE presence SET until = since, beats = beats + 1, machine_until = machine_until + interval '1 second'",
        "UPDATE presence SET since = since + interval '1 second'",
        "DELETE FROM presence",
        "TRUNCATE presence",
    ):
        with pytest.raises(asyncpg.RestrictViolationError):
            await many(statement)
    assert await deadline(there.tender.ref) == closes


async def test_a_service_that_was_only_just_begun_was_not_away_before() -> None:
    there = await given_tenders.published()
    closes = there.tender.closes_at
    answered(closes + 30 * MINUTE, closes + 31 * MINUTE)
    with clock.at(closes + 31 * MINUTE):
        assert await actions.settle(CLOSING) == 0


async def test_open_data_says_the_old_deadline_of_the_notice_and_the_new_one_of_the_amendment() -> None:
    there = await given.tendering()
    closes = (await there.publish()).closes_at
    with clock.at(away_at(closes)):
        await actions.settle(CLOSING)
        while await opendata.publish():
            pass
    bodies = [each["body"] for each in await Release.select(Release.body).order_by(Release.id)]
    shown = [body for body in bodies if '"tenderPeriod"' in body]
    assert len(shown) == 2
    assert f'"endDate":"{closes:%Y-%m-%dT%H:%M}' in shown[0].replace(" ", "")
    assert f'"endDate":"{await deadline(there.ref):%Y-%m-%dT%H:%M}' in shown[1].replace(" ", "")
    assert (await opendata.republish())[1] == []


async def test_a_challenge_moves_by_the_same_rule_and_whoever_came_late_is_told(app: Litestar) -> None:
    made = await exercise.applied(2)
    closes = (await made.row()).closes_at
    late = await given.person(await given.supplier("Heron Ltd"), "supplier-admin")
    back = away_at(closes)
    with clock.at(back):
        with pytest.raises(Refused) as refused:
            await applications.apply(late, made.ref, exercise.APPLICATION)
        assert [each.code for each in refused.value.reasons] == ["application.too-late"]
        assert await actions.settle(CLOSING) == 1
        assert (await made.row()).closes_at > back
        await applications.apply(late, made.ref, exercise.APPLICATION)
        page = (await given.browser(app).get(f"/challenges/{made.ref}")).text
        (move,) = (await given.browser(app).get(f"/api/v1/challenges/{made.ref}")).json()["deadline_moves"]
        assert datetime.fromisoformat(move["closed_at"]) == closes
    assert "because our service was away" in page
    assert len(await letters("outages/moved.txt")) == 3


async def test_the_panel_that_comes_first_after_an_outage_finds_the_challenge_open_again() -> None:
    made = await exercise.applied(2)
    back = away_at((await made.row()).closes_at)
    with clock.at(back):
        await judging.panel(made.ref)()
    row = await made.row()
    assert row.closes_at > back
    assert all(not each.alias for each in await judging._live(row))


async def test_a_challenge_whose_applications_were_dealt_to_the_panel_does_not_move() -> None:
    made = await exercise.applied(2)
    closes = (await made.row()).closes_at
    with clock.at(closes + MINUTE):
        await judging.panel(made.ref)()
    with clock.at(away_at(closes)):
        await actions.gather()
        assert not await challenge_outage.settle(made.ref)
    assert (await made.row()).closes_at == closes


async def test_the_story_s_outage_is_the_only_one_though_a_site_beside_it_says_that_it_is_there() -> None:
    made = await exercise.applied(2)
    closes = (await made.row()).closes_at
    since, until, now = closes - 16 * MINUTE, closes + 26 * MINUTE, closes + timedelta(days=38)
    with clock.at(until):
        await story.away(since, until, made.ref, now)
    answered(now, now + MINUTE)
    await actions.gather()

    away = await actions.silences(since - timedelta(days=30))
    assert [each.until - each.since for each in away] == [42 * MINUTE]
