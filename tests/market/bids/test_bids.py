"""Sealing and opening bids through actions, pages and the API, on a real database."""

import asyncio
import re
from datetime import timedelta

import pytest
from litestar import Litestar
from litestar.routes import HTTPRoute

from market import clock, db
from market.actor import Actor
from market.audit.actions import record
from market.audit.proofs import public_log
from market.audit.tables import Event
from market.bids import actions, lanes
from market.bids.tables import Bid, OpenedBid, Opening
from market.db import find, many
from market.letters.tables import Letter
from market.proof import canonical, sealing
from market.refusals import NotFound, Refused
from market.tenders import actions as tenders
from market.tenders.changes import actions as changes
from tests import given, given_tenders
from tests.waiting import until_awaited

pytestmark = pytest.mark.usefixtures("clean")


async def test_the_last_envelope_before_the_deadline_is_the_one_that_is_opened() -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier("Kestrel Ltd"), "supplier-admin")
    other = await given.person(await given.supplier("Heron Ltd"), "supplier-member")
    ref, lot = there.tender.ref, there.lots[0].ref
    await actions.submit(firm, ref, lot, there.bid(5_000_000))
    last = await actions.submit(firm, ref, lot, there.bid(4_800_000))
    await actions.submit(other, ref, lot, there.bid(4_500_000))
    await actions.withdraw(other, ref, lot)
    await given_tenders.opened(there)
    rows = await OpenedBid.objects()
    assert [(row.price_minor, row.problem) for row in rows] == [(4_800_000, "")]
    opening = await find(Opening, Opening.tender == there.tender.id)
    (entry,) = canonical.decode(opening.register.encode())
    assert entry["envelope_sha256"] == last.receipt.envelope_sha256
    sealing.check_receipt(last.receipt, (await Bid.objects().get(Bid.ref == last.bid.ref)).envelope)  # type: ignore[union-attr]


async def test_what_arrived_last_counts_even_when_it_was_written_first() -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    ref, lot, now = there.tender.ref, there.lots[0].ref, clock.now()
    with clock.at(now + timedelta(seconds=2)):
        later = await actions.submit(firm, ref, lot, there.bid(4_000_000))
    with clock.at(now + timedelta(seconds=1)):
        await actions.submit(firm, ref, lot, there.bid(6_000_000))
    assert [each.latest for each in await actions.mine(firm)] == [True, False]
    await given_tenders.opened(there)
    assert [(row.bid, row.price_minor) for row in await OpenedBid.objects()] == [(later.bid.id, 4_000_000)]


async def test_a_bid_withdrawn_twice_at_once_is_withdrawn_once() -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    ref, lot = there.tender.ref, there.lots[0].ref
    await actions.submit(firm, ref, lot, there.bid())
    answers = await asyncio.gather(*(actions.withdraw(firm, ref, lot) for _ in range(2)), return_exceptions=True)
    (refused,) = [each for each in answers if isinstance(each, Refused)]
    assert [reason.code for reason in refused.reasons] == ["bid.nothing-to-withdraw"]
    assert await Bid.count() == 2


@pytest.mark.parametrize("exchanged", ["the key", "the key and its commitment"])
async def test_nothing_is_sealed_to_a_key_that_was_exchanged_after_publication(exchanged: str) -> None:
    there, other = await given_tenders.published(), await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    facts = {"key_commitment": there.tender.key_commitment}
    await record(there.officer, "tender.published", f"tender:{there.tender.ref}", facts)
    await many("UPDATE tender SET public_key = {} WHERE id = {}", other.tender.public_key, there.tender.id)
    if exchanged == "the key and its commitment":
        await many(
            "UPDATE tender SET platform_share = {}, key_commitment = {} WHERE id = {}",
            other.tender.platform_share,
            other.tender.key_commitment,
            there.tender.id,
        )
        await many("DELETE FROM opening_officer WHERE tender = {}", there.tender.id)
        await many("UPDATE opening_officer SET tender = {} WHERE tender = {}", there.tender.id, other.tender.id)
    with pytest.raises(Refused) as refused:
        await actions.submit(firm, there.tender.ref, there.lots[0].ref, there.bid())
    assert [reason.code for reason in refused.value.reasons] == ["bid.key-altered"]
    assert await Bid.count() == 0


async def test_a_late_bid_is_refused_and_nothing_is_kept() -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    with clock.at(there.tender.closes_at), pytest.raises(Refused) as refused:
        await actions.submit(firm, there.tender.ref, there.lots[0].ref, there.bid())
    assert [reason.code for reason in refused.value.reasons] == ["bid.too-late"]
    assert await Bid.count() == 0


async def test_what_is_stored_before_the_opening_holds_no_clear_text_and_the_log_shows_no_bid() -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    words = "A sentence that must never be found anywhere"
    sealed = await actions.submit(firm, there.tender.ref, there.lots[0].ref, there.bid(words=words))
    stored = (await many("SELECT envelope FROM bid"))[0]["envelope"]
    assert words.encode() not in stored
    lines = b"".join([part async for part in public_log()])
    assert sealed.bid.ref.encode() not in lines
    assert b"bid.sealed" not in lines
    await given_tenders.opened(there)
    assert sealed.bid.ref.encode() in b"".join([part async for part in public_log()])


async def test_one_officer_alone_opens_nothing_and_a_wrong_secret_changes_nothing() -> None:
    there = await given_tenders.published()
    ref = there.tender.ref
    with clock.at(there.tender.closes_at + timedelta(minutes=1)):
        with pytest.raises(Refused) as wrong:
            await actions.contribute(there.officers[0], ref, there.codes[1])
        assert wrong.value.reasons[0].code == "opening.wrong-secret"
        assert await actions.contribute(there.officers[0], ref, there.codes[0]) is None
        with pytest.raises(Refused) as twice:
            await actions.contribute(there.officers[0], ref, there.codes[0])
        assert twice.value.reasons[0].code == "opening.contributed-already"
        assert await Opening.count() == 0
        assert await actions.contribute(there.officers[1], ref, there.codes[1]) is not None
        with pytest.raises(Refused) as again:
            await actions.contribute(there.officers[1], ref, there.codes[1])
    assert "opening.done" in [reason.code for reason in again.value.reasons]


async def test_a_key_record_that_was_altered_opens_nothing_and_says_so() -> None:
    there = await given_tenders.published()
    ref = there.tender.ref
    await many("UPDATE opening_officer SET share = {} WHERE person = {}", b"PRELUDE", there.officers[0].person)
    with clock.at(there.tender.closes_at + timedelta(minutes=1)):
        with pytest.raises(Refused):
            await actions.contribute(there.officers[0], ref, there.codes[0])
        assert await actions.contribute(there.officers[1], ref, there.codes[1]) is None
    other = await given_tenders.published()
    await many("UPDATE tender SET key_commitment = {} WHERE id = {}", "0" * 64, other.tender.id)
    with clock.at(other.tender.closes_at + timedelta(minutes=1)):
        assert await actions.contribute(other.officers[0], other.tender.ref, other.codes[0]) is None
        with pytest.raises(Refused) as refused:
            await actions.contribute(other.officers[1], other.tender.ref, other.codes[1])
    assert [reason.code for reason in refused.value.reasons] == ["opening.key-refused"]
    assert refused.value.status == 409
    assert await Opening.count() == 0


async def test_officers_are_told_when_the_deadline_has_passed_and_when_the_other_was_there() -> None:
    there = await given_tenders.published()
    first, second = there.officers
    assert await actions.tell_officers() == 0
    with clock.at(there.tender.closes_at):
        assert await actions.tell_officers() == 0, "what arrived in time may still wait for its turn"
    with clock.at(there.tender.closes_at + timedelta(minutes=1)):
        assert await actions.tell_officers() == 1
        assert await actions.tell_officers() == 0
        await actions.contribute(first, there.tender.ref, there.codes[0])
        await actions.contribute(second, there.tender.ref, there.codes[1])
    subjects = {
        person.ref: [
            letter.subject for letter in await Letter.objects().where(Letter.person == person.ref).order_by(Letter.id)
        ]
        for person in (first, second, there.officer)
    }
    ready = "Enter your code: the bids for Inspecting bridges by drone can be opened"
    nobody = "Nobody has bid for Inspecting bridges by drone"
    assert subjects[first.ref] == [ready, nobody], "she is a buyer officer too"
    assert subjects[second.ref] == [ready, "One more code is needed to open the bids for Inspecting bridges by drone"]
    assert subjects[there.officer.ref] == [nobody]


async def test_nobody_opens_while_a_bid_that_is_in_time_may_still_wait_for_its_turn() -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    closes = there.tender.closes_at
    assert closes is not None
    with clock.at(closes + timedelta(seconds=59)), pytest.raises(Refused) as refused:
        await actions.contribute(there.officers[0], there.tender.ref, there.codes[0])
    assert [each.code for each in refused.value.reasons] == ["opening.too-early"]
    with clock.at(closes + timedelta(seconds=59)), clock.arriving(closes - timedelta(seconds=1)):
        await actions.submit(firm, there.tender.ref, there.lots[0].ref, there.bid())
    await given_tenders.opened(there, closes + timedelta(minutes=1))
    assert await OpenedBid.count() == 1


async def test_a_firm_seals_ten_envelopes_for_a_lot_in_ten_minutes_and_the_last_stands(app: Litestar) -> None:
    there = await given_tenders.published(lots=2)
    firm = await given.person(await given.supplier(), "supplier-admin")
    headers = await given.token(firm)
    address = f"/api/v1/tenders/{there.tender.ref}/lots/{there.lots[0].ref}/bids"
    body = {"price_minor": 5_000_000, "answers": there.bid().answers, "declared": True}
    begun = clock.now()
    async with given.browser(app) as client:
        for number in range(10):
            with clock.at(begun + timedelta(seconds=number)):
                made = await client.post(address, json=body, headers=headers)
            assert made.status_code == 201
        with clock.at(begun + timedelta(seconds=30)):
            more = await client.post(address, json=body, headers=headers)
        assert (more.status_code, more.headers["retry-after"]) == (429, "570")
        assert more.json()["reasons"][0]["code"] == "bid.too-many"
        assert "What you sealed last still stands" in more.json()["detail"]
        assert await Bid.count() == 10
        with clock.at(begun + timedelta(seconds=31)):
            page = await client.get(f"/tenders/{there.tender.ref}/lots/{there.lots[0].ref}/bid")
            assert page.status_code in (200, 303)
            await actions.submit(firm, there.tender.ref, there.lots[1].ref, there.bid(lot=1))
            assert (await client.post(f"{address}/withdraw", headers=headers)).status_code == 200, "it may always go"
        with clock.at(begun + timedelta(minutes=10)):
            assert (await client.post(address, json=body, headers=headers)).status_code == 201


async def test_one_firm_that_waits_keeps_no_connection_from_another() -> None:
    held, free = await given_tenders.published(), await given_tenders.published()
    hostile = await given.person(await given.supplier(), "supplier-admin")
    other = await given.person(await given.supplier(), "supplier-admin")
    holder = await db.connection()
    try:
        async with holder.transaction():
            await holder.execute("SELECT 1 FROM tender WHERE ref = $1 FOR UPDATE", held.tender.ref)
            many_at_once = [
                asyncio.create_task(_over_a_connection_for_bids(hostile, held)) for _ in range(lanes.MOST_WAITING + 9)
            ]
            await until_awaited(_waits_for_a_lock)
            kept = await _over_a_connection_for_bids(other, free)
            assert kept is not None
            assert not all(each.done() for each in many_at_once)
    finally:
        await holder.close()
    ended = await asyncio.gather(*many_at_once)
    assert [each for each in ended if isinstance(each, str)].count("bid.too-many-at-once") == 8
    assert sum(not isinstance(each, str) for each in ended) == 10, "the rest is beyond the allowance"


async def _over_a_connection_for_bids(firm: Actor, there: given_tenders.Published) -> actions.Sealed | str:
    async with db.held(sealing=True):
        try:
            return await actions.submit(firm, there.tender.ref, there.lots[0].ref, there.bid())
        except Refused as refused:
            return refused.reasons[0].code


async def _waits_for_a_lock() -> bool:
    return (await db.one("SELECT count(*) AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock'"))["n"] > 0


async def test_of_what_is_sent_with_one_token_three_at_a_time_are_looked_at() -> None:
    inside, most = 0, 0

    async def looked_at(token: bytes) -> None:
        nonlocal inside, most
        async with lanes.line({"headers": [(b"authorization", token)]}):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*[looked_at(b"Bearer one") for _ in range(20)])
    assert most == lanes.AT_ONCE
    inside = most = 0
    await asyncio.gather(*[looked_at(b"Bearer %d" % number) for number in range(20)])
    assert most == 20


async def test_every_address_that_seals_or_withdraws_has_the_connections_of_bids(app: Litestar) -> None:
    found = {
        (method, route.path_format): lanes.seals(
            {"method": method, "path": re.sub(r"\{[^}]*\}", "X-1", route.path_format)}
        )
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
    }
    assert sorted(path for (method, path), seals in found.items() if seals) == [
        "/api/v1/tenders/{ref}/lots/{lot}/bids",
        "/api/v1/tenders/{ref}/lots/{lot}/bids/confirm",
        "/api/v1/tenders/{ref}/lots/{lot}/bids/withdraw",
        "/tenders/{ref}/lots/{lot}/bid",
        "/tenders/{ref}/lots/{lot}/confirm",
        "/tenders/{ref}/lots/{lot}/withdraw",
    ]
    assert {method for (method, _), seals in found.items() if seals} == {"POST"}


async def test_before_the_deadline_not_even_the_officers_can_open() -> None:
    there = await given_tenders.published()
    with pytest.raises(Refused) as refused:
        await actions.contribute(there.officers[0], there.tender.ref, there.codes[0])
    assert refused.value.reasons[0].code == "opening.too-early"


async def test_twenty_suppliers_in_the_same_second_all_get_receipts() -> None:
    there = await given_tenders.published()
    firms = [await given.person(await given.supplier(), "supplier-admin") for _ in range(20)]
    sent = await asyncio.gather(
        *(actions.submit(firm, there.tender.ref, there.lots[0].ref, there.bid()) for firm in firms)
    )
    assert len({each.receipt.digest for each in sent}) == 20
    assert await Bid.count() == 20
    assert await Event.count().where(Event.verb == "bid.sealed") == 20


async def test_two_second_officers_at_once_open_the_bids_once() -> None:
    there = await given_tenders.published()
    with clock.at(there.tender.closes_at + timedelta(minutes=1)):
        results = await asyncio.gather(
            *(
                actions.contribute(actor, there.tender.ref, code)
                for actor, code in zip(there.officers, there.codes, strict=True)
            ),
            *(
                actions.contribute(actor, there.tender.ref, code)
                for actor, code in zip(there.officers, there.codes, strict=True)
            ),
            return_exceptions=True,
        )
    assert sum(isinstance(each, Opening) for each in results) == 1
    assert sum(isinstance(each, Refused) for each in results) == 2
    assert await Opening.count() == 1


async def test_a_damaged_envelope_is_kept_with_its_reason_and_stops_nobody_else() -> None:
    there = await given_tenders.published()
    firms = [await given.person(await given.supplier(), "supplier-admin") for _ in range(2)]
    for firm in firms:
        await actions.submit(firm, there.tender.ref, there.lots[0].ref, there.bid())
    await many("ALTER TABLE bid DISABLE TRIGGER bid_is_append_only")
    await many(
        "UPDATE bid SET envelope = set_byte(envelope, length(envelope) - 1, 255 - get_byte(envelope, length(envelope) - 1)) "
        "WHERE id = (SELECT min(id) FROM bid)"
    )
    await many("ALTER TABLE bid ENABLE TRIGGER bid_is_append_only")
    await given_tenders.opened(there)
    problems = [row["problem"] for row in await OpenedBid.select(OpenedBid.problem).order_by(OpenedBid.id)]
    assert "exchanged after it arrived" in problems[0]
    assert problems[1] == ""


async def test_an_earlier_envelope_put_in_the_place_of_a_later_one_is_not_read() -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    for price in (6_000_000, 5_000_000):
        await actions.submit(firm, there.tender.ref, there.lots[0].ref, there.bid(price))
    await many("ALTER TABLE bid DISABLE TRIGGER bid_is_append_only")
    await many("UPDATE bid SET envelope = (SELECT envelope FROM bid ORDER BY id LIMIT 1)")
    await many("ALTER TABLE bid ENABLE TRIGGER bid_is_append_only")
    await given_tenders.opened(there)
    (opened,) = await OpenedBid.objects()
    assert (opened.price_minor, opened.answers) == (0, "")
    assert "exchanged after it arrived" in opened.problem


async def test_the_page_keeps_what_was_typed_and_shows_every_mistake(app: Litestar) -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    method, team = there.criteria[there.lots[0].id][:2]
    address = f"/tenders/{there.tender.ref}/lots/{there.lots[0].ref}/bid"
    async with given.browser(app) as client:
        await given.signed_in(client, firm)
        wrong = await client.post(address, data={f"answer-{method.ref}": "By drone, at dawn.", "price_minor": "a lot"})
        assert wrong.status_code == 422
        assert "By drone, at dawn." in wrong.text
        assert "Enter an amount in pounds" in wrong.text
        fields = {f"answer-{method.ref}": "By drone.", f"answer-{team.ref}": "Six people.", "price_minor": "48,000"}
        undeclared = await client.post(address, data=fields)
        assert undeclared.status_code == 422
        assert "Confirm the declaration" in undeclared.text
        sent = await client.post(address, data={**fields, "declared": "yes"})
        assert sent.status_code == 303
        assert "Sealed" in (await client.get(f"/tenders/{there.tender.ref}/bid")).text
        mine = await client.get("/bids")
        assert "Inspecting bridges by drone" in mine.text
        with clock.at(there.tender.closes_at):
            await given.signed_in(client, firm)
            late = await client.post(address, data={**fields, "declared": "yes"})
    assert late.status_code == 409
    assert "The deadline has passed" in late.text
    assert "Six people." in late.text
    assert [row["subject"] for row in await Letter.select(Letter.subject)] == ["Your bid for “Part 1” is sealed"]


async def test_the_opening_page_publishes_the_register_only_after_the_opening(app: Litestar) -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier("Kestrel Ltd"), "supplier-admin")
    await actions.submit(firm, there.tender.ref, there.lots[0].ref, there.bid())
    address = f"/tenders/{there.tender.ref}/opening"
    async with given.browser(app) as client:
        before = await client.get(address)
        assert "The bids are sealed" in before.text
        assert "Kestrel" not in before.text
        assert (await client.get(f"/api/v1{address}")).status_code == 404
        with clock.at(there.tender.closes_at + timedelta(minutes=1)):
            for actor, code in zip(there.officers, there.codes, strict=True):
                await given.signed_in(client, actor)
                assert (await client.post(address, data={"code": code})).status_code == 303
            after = await client.get(address)
            assert "Kestrel Ltd" in after.text
            assert (await client.get(f"/api/v1{address}")).json()["register"][0]["supplier_name"] == "Kestrel Ltd"


async def test_the_api_seals_withdraws_and_answers_late_with_the_same_code(app: Litestar) -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    headers = await given.token(firm)
    address = f"/api/v1/tenders/{there.tender.ref}/lots/{there.lots[0].ref}/bids"
    bid = there.bid()
    body = {"price_minor": bid.price_minor, "answers": bid.answers, "declared": True}
    async with given.browser(app) as client:
        made = await client.post(address, json=body, headers=headers)
        assert made.status_code == 201
        assert len(made.json()["receipt"]) == 64
        assert (await client.post(f"{address}/withdraw", headers=headers)).status_code == 200
        assert [each["counts"] for each in (await client.get("/api/v1/bids", headers=headers)).json()["items"]] == [
            True,
            False,
        ]
        with clock.at(there.tender.closes_at):
            late = await client.post(address, json=body, headers=headers)
    assert late.status_code == 409
    assert late.json()["reasons"][0]["code"] == "bid.too-late"


async def test_somebody_elses_receipt_does_not_exist() -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    other = await given.person(await given.supplier(), "supplier-admin")
    sealed = await actions.submit(firm, there.tender.ref, there.lots[0].ref, there.bid())
    assert (await actions.receipt_of(firm, sealed.bid.ref)).digest == sealed.receipt.digest
    with pytest.raises(NotFound):
        await actions.receipt_of(other, sealed.bid.ref)


async def test_a_bidder_is_written_to_when_the_tender_changes_or_ends() -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    await actions.submit(firm, there.tender.ref, there.lots[0].ref, there.bid())
    explained = changes.Change("A gully is an iron box in the road.", "clarification", "no")
    await changes.change(there.officer, there.tender.ref, explained)
    await tenders.cancel(there.officer, there.tender.ref, tenders.Ending("Five of the depots are not heated."))
    subjects = [
        letter.subject for letter in await Letter.objects().where(Letter.person == firm.ref).order_by(Letter.id)
    ]
    assert [
        subject for subject in subjects if "explains something" in subject or "is cancelled" in subject
    ] == subjects[-2:]
    assert len(subjects) == 3
