"""Every event that is published becomes one release in the order of the log, once, and says nothing that is not public."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime, timedelta
from typing import Any, get_args

import pytest

from challenges import actions as challenges
from challenges.insights import actions as insights
from challenges.pitches import actions as pitches
from challenges.tables import Pitch
from market import clock, db, drafts
from market.actor import SYSTEM
from market.audit.actions import record
from market.awards import actions as awards
from market.bids import actions as bids
from market.contracts import actions as contracts
from market.contracts.changes import actions as changes
from market.contracts.changes.drafts import ChangeDraft
from market.contracts.tables import Milestone
from market.db import many, one
from market.opendata import actions, feed, gathering, packages
from market.opendata.shapes import Tag
from market.payments import actions as payments
from market.payments.tables import Obligation
from market.tenders import actions as tenders
from market.tenders import readers
from market.tenders.changes import actions as tender_changes
from market.tenders.tables import Tender
from tests import given, given_awards, given_tenders
from tests.challenges import exercise
from tests.market.opendata.conformance import structural_errors
from tests.waiting import LONGEST

pytestmark = pytest.mark.usefixtures("clean")

DAY = timedelta(days=1)
MORE = "Two more villages flood; the same sensors are fitted there as well."
WHY = "Sensors of another maker would not speak with those in the gullies; every reading would be paid for twice."
GONE = "Both sides agreed that the trial had shown enough."


async def published() -> list[dict[str, Any]]:
    """Everything published after all that waits is published."""
    while await actions.publish():
        pass
    return [json.loads(row["body"]) for row in await many("SELECT body FROM release ORDER BY event")]


async def tags() -> list[list[str]]:
    return [each["tag"] for each in await published()]


async def announced(seq: int) -> dict[str, Any] | None:
    row = await one("SELECT body FROM release WHERE event = {}", seq)
    return json.loads(row["body"]) if row else None


async def pay(cause: str, releaser: Any, at: datetime) -> None:
    """Release and pay what is owed for this."""
    with clock.at(at):
        owed = await Obligation.objects().where(Obligation.cause == cause).first()
        assert owed is not None
        await payments.release(releaser, owed.ref)
        while await payments.pay_waiting():
            pass


async def test_a_challenge_from_its_problem_to_its_report() -> None:
    made = await exercise.heard()
    second = await given.person(made.buyer, "finance-officer")
    (first, *_) = await pitches.pitches_of(await made.row())
    await pay(f"pitch:{first.ref}", second, exercise.HEARD + timedelta(hours=5))
    with clock.at(exercise.HEARD + DAY):
        await insights.write_report(made.officer, made.ref, exercise.REPORT, drafts.NOTHING)
        await exercise.measured(made)
        await challenges.conclude(made.officer, made.ref, challenges.Conclusion("go", "It met the target."))
    found = await published()
    assert [each["tag"] for each in found] == [
        ["planning"],
        ["planningUpdate", "award", "contract"],
        ["implementationUpdate"],
        ["implementationUpdate"],
        ["implementationUpdate"],
        ["planningUpdate"],
    ]
    assert {each["ocid"] for each in found} == {f"ocds-prelud-challenge-{made.ref}"}
    start, shortlist, delivered, _, paid, end = found
    assert start["planning"]["budget"]["amount"] == {"amount": 9600, "currency": "GBP"}, "VAT included"
    assert start["planning"]["budget"]["id"].startswith("BU-")
    assert [each["id"] for each in start["planning"]["milestones"]] == ["applications"]
    assert not {"awards", "contracts"} & start.keys()
    assert {each["status"] for each in shortlist["contracts"]} == {"active"}
    met = [each["implementation"]["milestones"][0]["status"] for each in delivered["contracts"]]
    assert sorted(met) == ["met", "met"]
    assert all("transactions" not in each["implementation"] for each in delivered["contracts"])
    (transaction,) = [one for each in paid["contracts"] for one in each["implementation"].get("transactions", [])]
    assert transaction["value"] == {"amount": 4000, "currency": "GBP"}
    assert [each["title"] for each in end["planning"]["milestones"]][-1] == "Concluded: go on"
    assert [each["documentType"] for each in end["planning"]["documents"]] == [
        "marketEngagementNotice",
        "marketStudies",
    ]
    assert all(len(each["planning"]["documents"]) == 1 for each in found[:-1])


async def test_a_missed_pitch_is_a_cancelled_contract() -> None:
    made = await exercise.shortlisted()
    at = exercise.HEARD
    with clock.at(exercise.CLOSED + 2 * DAY):
        for pitch in await pitches.pitches_of(await made.row()):
            await pitches.schedule(
                made.officer,
                pitch.ref,
                pitches.Schedule(at, "Corn Street"),
                await given.as_is(pitches.Schedule, Pitch, pitch.ref),
            )
    (first, second) = await pitches.pitches_of(await made.row())
    with clock.at(at + timedelta(hours=2)):
        await pitches.deliver(made.panel[0], first.ref, pitches.Delivery("Heard."))
        await pitches.miss(made.officer, second.ref, "Nobody came.")
    last = (await published())[-1]
    assert last["tag"] == ["contractTermination"]
    states = {each["id"]: each["status"] for each in last["contracts"]}
    assert states == {f"pitch-{first.ref}": "active", f"pitch-{second.ref}": "cancelled"}
    assert {each["id"]: each["status"] for each in last["awards"]}[f"pitch-{second.ref}"] == "cancelled"


async def test_a_cancelled_challenge_says_why() -> None:
    made = await exercise.opened()
    with clock.at(exercise.BEGINS + DAY):
        await challenges.cancel(made.officer, made.ref, "The brook was moved.")
    first, last = await published()
    assert (first["tender"]["status"], last["tender"]["status"]) == ("planning", "cancelled")
    assert "documents" not in first["tender"]
    assert last["tender"]["documents"][0]["description"] == "The brook was moved."


async def test_a_tender_from_notice_to_payment() -> None:
    with clock.at(given.TODAY):
        case, decision = await given_awards.awarded()
        contract = await given_awards.in_force(case, decision)
        manager = await given.person(case.there.buyer, "contract-manager")
        other = await given.person(case.there.buyer, "finance-officer")
        other = await given.also(other, case.there.buyer, "buyer")
    signed = contract.drawn_up_at + 30 * DAY
    (first, *_) = await Milestone.objects().where(Milestone.contract == contract.id).order_by(Milestone.number)
    with clock.at(signed):
        await contracts.deliver(case.firms[1], contract.ref, first.ref, contracts.Delivery("Here."))
        await contracts.accept(manager, contract.ref, first.ref)
    await pay(f"milestone:{first.ref}", other, signed + DAY)
    assert contract.ends_on is not None
    with clock.at(signed + 2 * DAY):
        change = ChangeDraft("additional", MORE, WHY, new_ends_on=contract.ends_on + 9 * DAY)
        proposed = await changes.propose(manager, contract.ref, change)
        await changes.approve(other, contract.ref, proposed.ref)
    with clock.at(signed + 3 * DAY):
        await changes.agree(case.firms[1], contract.ref, proposed.ref)
    with clock.at(signed + 4 * DAY):
        await contracts.end(manager, contract.ref, contracts.End(GONE))
    found = await published()
    assert [each["tag"] for each in found] == [
        ["tenderUpdate"],
        ["award"],
        ["contract"],
        ["implementationUpdate"],
        ["implementationUpdate"],
        ["contractUpdate"],
        ["contractAmendment"],
        ["contractTermination"],
    ]
    opened, award, contracted, accepted, paid, noticed, changed, ended = found
    counts = {each["measure"]: each["value"] for each in opened["bids"]["statistics"]}
    assert counts == {"bids": 2, "validBids": 2, "smeBids": 2}
    assert "awards" not in opened
    assert award["awards"][0]["value"] == {"amount": 40000, "currency": "GBP"}
    assert "contracts" not in award
    assert contracted["contracts"][0]["status"] == "active"
    work = contracted["contracts"][0]["implementation"]
    assert [each["status"] for each in work["milestones"]] == ["scheduled", "scheduled"]
    assert [each["status"] for each in accepted["contracts"][0]["implementation"]["milestones"]] == ["met", "scheduled"]
    assert "transactions" not in accepted["contracts"][0]["implementation"]
    assert paid["contracts"][0]["implementation"]["transactions"][0]["value"]["amount"] == 20000
    assert all("amendments" not in each["contracts"][0] for each in (contracted, accepted, paid))
    (notice,) = [each for each in noticed["contracts"][0]["documents"] if each["id"] == proposed.ref]
    assert notice["documentType"] == "contractChangeNotice"
    assert "amendments" not in noticed["contracts"][0], "the notice comes before the change"
    assert noticed["contracts"][0]["period"] == paid["contracts"][0]["period"]
    assert changed["contracts"][0]["amendments"][0]["rationale"] == MORE
    assert changed["contracts"][0]["period"]["endDate"] > paid["contracts"][0]["period"]["endDate"]
    assert (changed["contracts"][0]["status"], ended["contracts"][0]["status"]) == ("active", "terminated")
    package = packages.release_package(
        found, gathering.publisher(), uri="http://localhost:8000/api/ocds/releases", published_at=signed
    )
    assert structural_errors(packages.encode(package)) == []


async def test_a_tender_that_moves_and_one_that_is_cancelled() -> None:
    with clock.at(given.TODAY):
        there = await given.tendering()
        await there.publish()
    before = there.tender.closes_at
    assert before is not None
    with clock.at(given.TODAY + DAY):
        await tender_changes.change(
            there.officers[0], there.ref, tender_changes.Change("A little later.", "deadline", "no", before + 5 * DAY)
        )
    with clock.at(given.TODAY + 2 * DAY):
        await tenders.cancel(there.officers[0], there.ref, tenders.Ending("The money is gone."))
    first, moved, ended = await published()
    assert [first["tag"], moved["tag"], ended["tag"]] == [["tender"], ["tenderUpdate"], ["tenderCancellation"]]
    assert first["tender"]["tenderPeriod"]["endDate"] < moved["tender"]["tenderPeriod"]["endDate"]
    assert [each["tender"]["status"] for each in (first, moved, ended)] == ["active", "active", "cancelled"]
    assert len(first["tender"]["documents"]) == 1
    assert ended["tender"]["documents"][-1]["description"] == "The money is gone."


async def test_an_award_taken_back_and_a_lot_that_nobody_gets() -> None:
    with clock.at(given.TODAY):
        case, decision = await given_awards.awarded()
    with clock.at(case.opened_at + 3 * DAY):
        await awards.set_aside(
            case.buyer, decision.ref, awards.TakingBack("A mark was wrong, and it changes who wins.")
        )
    found = await published()
    assert [each["tag"] for each in found] == [["tenderUpdate"], ["award"], ["awardCancellation"]]
    assert [each["awards"][0]["status"] for each in found[1:]] == ["active", "cancelled"]
    assert actions.tags_of("award.decided", '{"outcome":"not-awarded"}') == ("tenderUpdate",)
    assert actions.tags_of("award.decided", '{"outcome":"awarded"}') == ("award",)


def test_every_tag_is_described_and_put_into_words() -> None:
    used = {tag for each in actions.ANNOUNCED.values() for tag in each}
    assert used == set(get_args(Tag))
    assert {each[0] for each in actions.ANNOUNCED.values()} <= feed.SAID.keys()
    assert feed.SAID.keys() == used


async def test_before_the_opening_nothing_tells_how_many_bid_or_who() -> None:
    with clock.at(given.TODAY):
        there = await given.tendering(lots=1)
        await there.publish()
        supplier = await given.supplier("Quietly Bidding Ltd")
        firm = await given.person(supplier, "supplier-admin")
        lots = await readers.lots_of(there.tender)
        criteria = await many("SELECT ref FROM lot_criterion WHERE lot = {} AND kind = 'quality'", lots[0].id)
        draft = bids.BidDraft(15_000_000, {each["ref"]: "We have done this." for each in criteria}, True)
        await bids.submit(firm, there.ref, lots[0].ref, draft)
    assert there.tender.closes_at is not None
    with clock.at(there.tender.closes_at + DAY):
        await record(SYSTEM, "tender.changed", f"tender:{there.ref}", {"closed_at_before": None})
        found = await published()
        process, _ = await actions.process(actions.ocid_of(f"tender:{there.ref}"))
    told = json.dumps(found) + process.compiled + process.listed
    assert [each["tag"] for each in found] == [["tender"], ["tenderUpdate"]]
    assert '"bids"' not in told
    assert supplier.ref not in told
    assert supplier.identifier not in told
    assert "Quietly" not in told


async def test_drafts_have_no_release_and_stop_nobody() -> None:
    made = await exercise.drafted()
    with clock.at(given.TODAY):
        draft = await given.tendering()
        # Events that come to nothing, more of them than one run reads, and behind them one that is published.
        for _ in range(actions.BATCH + 3):
            await record(SYSTEM, "tender.changed", f"tender:{draft.ref}")
        await record(SYSTEM, "challenge.cancelled", f"challenge:{made.ref}")
        await record(SYSTEM, "payment.paid", "payment:PY-NOWHERE")
        assert await actions.publish() == actions.BATCH
        other = await given.tendering()
        await other.publish()
        found = await published()
    assert [each["ocid"] for each in found] == [actions.ocid_of(f"tender:{other.ref}")]
    place = await one("SELECT event FROM place WHERE name = 'log'")
    assert place["event"] == (await one("SELECT max(seq) AS seq FROM event WHERE verb = 'tender.published'"))["seq"]
    assert await actions.publish() == 0


async def test_sealed_events_are_never_announced() -> None:
    with clock.at(given.TODAY):
        there = await given.tendering()
        await there.publish()
        await record(SYSTEM, "tender.changed", f"tender:{there.ref}", sealed_by=f"opening:tender:{there.ref}")
    assert await tags() == [["tender"]]


async def some_tender() -> Tender:
    """A published tender without its notice in the log, so that the test says which events there are."""
    with clock.at(given.TODAY):
        return (await given_tenders.published()).tender


async def told(tender: Tender, minutes: int = 0) -> None:
    """One more event about it."""
    with clock.at(given.TODAY + timedelta(minutes=minutes)):
        await record(SYSTEM, "tender.question-answered", f"tender:{tender.ref}")


async def test_two_publishers_at_once_publish_once() -> None:
    tender = await some_tender()
    for _ in range(30):
        await told(tender)

    async def all_of_it() -> None:
        for _ in range(20):
            await actions.publish()
            await asyncio.sleep(0)

    await asyncio.gather(all_of_it(), all_of_it(), all_of_it())
    rows = await many("SELECT event FROM release ORDER BY id")
    seqs = [row["seq"] for row in await many("SELECT seq FROM event ORDER BY seq")]
    assert [row["event"] for row in rows] == seqs


async def test_a_publisher_killed_in_the_middle_leaves_nothing_and_repeats_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first, second = await some_tender(), await some_tender()
    for tender in (first, second, first):
        await told(tender)
    whole, calls = packages.compiled_release, []

    def dying(releases: Any) -> dict[str, Any]:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(releases)

    with monkeypatch.context() as patch:
        patch.setattr(packages, "compiled_release", dying)
        with pytest.raises(KeyboardInterrupt):
            await actions.publish()
    assert await many("SELECT 1 FROM release") == await many("SELECT 1 FROM process") == []
    assert len(await published()) == 3
    assert await actions.publish() == 0
    assert len(await many("SELECT 1 FROM release")) == 3


async def test_a_reader_with_a_cursor_misses_nothing_that_is_written_meanwhile() -> None:
    there = [await some_tender() for _ in range(3)]
    written, wanted = 0, 60
    seen: list[str] = []
    changed: list[str] = []

    async def write(tender: Tender) -> None:
        nonlocal written
        for number in range(wanted // len(there)):
            async with db.transaction():
                await told(tender, number)
                # The transaction stays open while others begin theirs and the publisher runs.
                await asyncio.sleep(0.002 * (number % 3))
            written += 1

    async def publish() -> None:
        for _ in range(10_000):
            did = await actions.publish()
            if not did and written == wanted:
                return

    async def read() -> None:
        place = last = 0
        while len(seen) < wanted:
            page = await actions.page_of_releases(place, 7)
            seen.extend(json.loads(body)["id"] for body in page.bodies)
            place = page.place
            records = await actions.page_of_records(last, 2)
            changed.extend(json.loads(body)["ocid"] for body in records.bodies)
            last = records.place
            await asyncio.sleep(0.001)

    reading = asyncio.create_task(read())
    await asyncio.gather(*(write(each) for each in there), publish())
    await asyncio.wait_for(reading, LONGEST)
    assert seen == [row["key"] for row in await many("SELECT key FROM release ORDER BY event")]
    assert len(seen) == len(set(seen)) == wanted
    assert set(changed) == {actions.ocid_of(f"tender:{each.ref}") for each in there}


async def test_a_record_moves_to_the_end_when_its_process_changes() -> None:
    first, second = await some_tender(), await some_tender()
    await told(first)
    await told(second)
    await published()
    page = await actions.page_of_records(0, 1)
    assert [json.loads(each)["ocid"] for each in page.bodies] == [actions.ocid_of(f"tender:{first.ref}")]
    assert page.more
    await told(first)
    await published()
    page = await actions.page_of_records(page.place, 10)
    assert [json.loads(each)["ocid"] for each in page.bodies] == [
        actions.ocid_of(f"tender:{each.ref}") for each in (second, first)
    ]
    links = json.loads(page.bodies[1])["releases"]
    assert [each["tag"] for each in links] == [["tenderUpdate"], ["tenderUpdate"]]
    assert not page.more
    assert (await actions.page_of_records(page.place)).bodies == []
    assert [process.ocid for process in await actions.last_changed(1)] == [actions.ocid_of(f"tender:{first.ref}")]


async def test_pages_are_filtered_by_process_moment_and_tag() -> None:
    first, second = await some_tender(), await some_tender()
    await told(first, 1)
    await told(second, 2)
    await published()
    ocid = actions.ocid_of(f"tender:{second.ref}")
    cases: list[tuple[dict[str, Any], int]] = [
        ({"ocid": ocid}, 1),
        ({"since": given.TODAY + timedelta(minutes=2)}, 1),
        ({"since": given.TODAY}, 2),
        ({"tag": "tenderUpdate"}, 2),
        ({"tag": "award"}, 0),
        ({"ocid": ocid, "tag": "tenderUpdate", "since": given.TODAY}, 1),
    ]
    for asked, count in cases:
        assert len((await actions.page_of_releases(**asked)).bodies) == count, asked
    assert len((await actions.page_of_records(since=given.TODAY + timedelta(minutes=2))).bodies) == 1
    assert len((await actions.page_of_records(year=2026)).bodies) == 2
    assert (await actions.page_of_records(year=2025)).bodies == []


async def test_publishing_anew_from_the_log_gives_the_same_bytes_at_the_same_places() -> None:
    """Published step by step as things happen, and once more from nothing when all has happened."""

    async def step() -> None:
        while await actions.publish():
            pass

    with clock.at(given.TODAY):
        there = await given.tendering()
        await there.publish()
    await step()
    assert there.tender.closes_at is not None
    with clock.at(given.TODAY + DAY):
        await tender_changes.change(
            there.officers[0],
            there.ref,
            tender_changes.Change("A little later.", "deadline", "no", there.tender.closes_at + DAY),
        )
    await step()
    with clock.at(given.TODAY + 2 * DAY):
        (last,) = await readers.addenda_of(await readers.tender_of(there.ref))
        once_more = tender_changes.Change(
            "A little later once more.", "deadline", "no", there.tender.closes_at + 3 * DAY, last=last.ref
        )
        await tender_changes.change(there.officers[0], there.ref, once_more)
        await step()
    with clock.at(given.TODAY + 3 * DAY):
        await tenders.cancel(there.officers[0], there.ref, tenders.Ending("The money is gone."))
    await step()
    made = await exercise.shortlisted()
    await step()
    with clock.at(exercise.CLOSED + 2 * DAY):
        for pitch in await pitches.pitches_of(await made.row()):
            await pitches.schedule(
                made.officer,
                pitch.ref,
                pitches.Schedule(exercise.HEARD, "Corn Street"),
                await given.as_is(pitches.Schedule, Pitch, pitch.ref),
            )
    for number, pitch in enumerate(await pitches.pitches_of(await made.row())):
        with clock.at(exercise.HEARD + timedelta(hours=2 + number)):
            await pitches.deliver(made.panel[0], pitch.ref, pitches.Delivery("Heard."))
        await step()
    second = await given.person(made.buyer, "finance-officer")
    await pay(f"pitch:{pitch.ref}", second, exercise.HEARD + timedelta(hours=5))
    await step()
    with clock.at(exercise.HEARD + DAY):
        await insights.write_report(made.officer, made.ref, exercise.REPORT, drafts.NOTHING)
        await exercise.measured(made)
        await challenges.conclude(made.officer, made.ref, challenges.Conclusion("stop", "It did not help anybody."))
    await step()
    with clock.at(given.TODAY):
        case, decision = await given_awards.awarded()
    await step()
    contract = await given_awards.in_force(case, decision)
    await step()
    assert contract.ends_on is not None
    manager = await given.person(case.there.buyer, "contract-manager")
    signed = contract.drawn_up_at + 3 * DAY
    more = ChangeDraft(
        "additional",
        MORE,
        WHY,
        new_ends_on=contract.ends_on + DAY,
        milestone_title="Part 3",
        milestone_due_on=contract.ends_on,
        milestone_minor=1_000,
    )
    with clock.at(signed):
        proposed = await changes.propose(manager, contract.ref, more)
        await changes.approve(case.buyer, contract.ref, proposed.ref)
        await changes.agree(case.firms[1], contract.ref, proposed.ref)
    await step()
    with clock.at(signed + DAY):
        await contracts.end(manager, contract.ref, contracts.End(GONE))
    await step()
    as_it_happened = await many("SELECT event, key, at, tags, extensions, body FROM release ORDER BY event")
    processes = await many("SELECT ocid, last, listed, compiled FROM process ORDER BY ocid")
    assert len(as_it_happened) == 16
    state = await actions.state()
    count, differing = await actions.republish()
    assert (count, differing) == (16, [])
    assert await many("SELECT event, key, at, tags, extensions, body FROM release ORDER BY event") == as_it_happened
    assert await many("SELECT ocid, last, listed, compiled FROM process ORDER BY ocid") == processes
    assert await actions.state() != state
    assert await actions.publish() == 0


async def test_what_can_no_longer_be_derived_is_named_when_all_is_published_anew() -> None:
    tender = await some_tender()
    await told(tender)
    (before,) = await published()
    await many("UPDATE organisation SET name = 'Department for Streets' WHERE id = {}", tender.buyer)
    assert await actions.republish() == (1, [before["id"]])
    assert (await announced(1) or {})["buyer"]["name"] == "Department for Streets"
