"""Bids that a change made unconfirmed: told, confirmed, replaced, or not counted and never read."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from datetime import timedelta

import pytest
from litestar import Litestar

from market import clock
from market.actor import Actor
from market.audit.proofs import public_log
from market.bids import actions, confirmations, desk, rules
from market.bids.confirmations import Word
from market.bids.tables import Bid, BidConfirmation, OpenedBid, Opening
from market.db import connection, find, many
from market.letters.tables import Letter
from market.proof import confirming
from market.refusals import AskedOnceMore, NotFound, Refused, refusals
from market.tenders import readers
from market.tenders.changes import actions as changes
from market.tenders.changes import proposals
from market.tenders.facts import Lot
from market.tenders.tables import Addendum, Tender
from tests import given

pytestmark = pytest.mark.usefixtures("clean")

HOUR = timedelta(hours=1)


@dataclass
class There:
    """A published tender of two lots, its officers with their codes, and firms."""

    made: given.Tendering
    tender: Tender
    lots: list[Lot]
    bid: actions.BidDraft

    async def firm(self, name: str) -> Actor:
        return await given.person(await given.supplier(name), "supplier-admin")

    async def seal(self, firm: Actor, lot: int = 0, read: str = "", confirmed: Collection[str] = ()) -> actions.Sealed:
        criteria = (await readers.criteria_of(self.lots))[self.lots[lot].id]
        answers = {each.ref: "With counts." for each in criteria if each.kind == "quality"}
        draft = actions.BidDraft(7_000_000, answers, True, read)
        return await actions.submit(firm, self.tender.ref, self.lots[lot].ref, draft, confirmed)

    async def change(self, kind: str = "material", text: str = "Lot 1 now also asks for 4,000 more homes.") -> Addendum:
        earlier = await readers.addenda_of(await readers.tender_of(self.tender.ref))
        return await given.changed(
            self.made.officers,
            self.tender.ref,
            changes.Change(
                text,
                kind,  # type: ignore[arg-type]
                "yes" if kind == "material" else "no",
                last=earlier[-1].ref if earlier else "",
            ),
        )

    async def confirm(self, firm: Actor, digest: str, addendum: str, lot: int = 0) -> confirmations.Confirmed:
        return await confirmations.confirm(firm, self.tender.ref, self.lots[lot].ref, Word(digest, addendum))

    async def open(self) -> Opening:
        assert self.tender.closes_at is not None
        with clock.at(self.tender.closes_at + HOUR):
            for officer, code in zip(self.made.officers, self.made.codes, strict=True):
                await actions.contribute(officer, self.tender.ref, code)
        return await find(Opening, Opening.tender == self.tender.id)


@pytest.fixture
async def there(clean: None) -> AsyncIterator[There]:
    with clock.at(given.TODAY):
        made = await given.tendering()
        tender = await made.publish()
        yield There(made, tender, await readers.lots_of(tender), actions.BidDraft(1))


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


async def test_of_three_sealed_bids_one_is_confirmed_one_replaced_and_one_not_counted(there: There) -> None:
    kestrel, heron, wren, late = [await there.firm(name) for name in ("Kestrel", "Heron", "Wren", "Late")]
    kept, _replaced, left = await there.seal(kestrel), await there.seal(heron), await there.seal(wren)
    with clock.at(given.TODAY + HOUR):
        change = await there.change()
    assert [each.unconfirmed for each in await actions.mine(wren)] == [change.ref]
    with clock.at(given.TODAY + 2 * HOUR):
        said = await there.confirm(kestrel, kept.receipt.envelope_sha256, change.ref)
        again = await there.seal(heron, read=change.ref)
        after = await there.seal(late, read=change.ref)
    assert [rules.standing(each).stage for each in await actions.mine(kestrel)] == ["counts"]
    assert [rules.standing(each).stage for each in await actions.mine(heron)] == ["counts", "replaced"]
    assert [rules.standing(each).stage for each in await actions.mine(wren)] == ["unconfirmed"]
    assert (await confirmations.receipt_of(kestrel, said.row.ref)).digest == said.receipt.digest == said.row.receipt
    opening = await there.open()
    entries = {each.envelope_sha256: each.unconfirmed for each in actions.register_of(opening)}
    assert entries == {
        kept.receipt.envelope_sha256: "",
        again.receipt.envelope_sha256: "",
        after.receipt.envelope_sha256: "",
        left.receipt.envelope_sha256: change.ref,
    }
    assert {row.bid for row in await OpenedBid.objects()} == {kept.bid.id, again.bid.id, after.bid.id}
    assert [rules.standing(each).stage for each in await actions.mine(wren)] == ["not-counted"]
    letters = {row.template for row in await Letter.objects().where(Letter.person == wren.ref)}
    assert "bids/not_counted.txt" in letters
    assert "bids/opened.txt" not in letters


async def test_a_clarification_leaves_sealed_bids_as_they_are(there: There) -> None:
    firm = await there.firm("Kestrel")
    await there.seal(firm)
    with clock.at(given.TODAY + HOUR):
        await there.change("clarification", "A gully is an iron box in the road.")
    assert [rules.standing(each).stage for each in await actions.mine(firm)] == ["counts"]


async def test_another_change_asks_again_and_the_change_that_was_not_read_is_not_confirmed(there: There) -> None:
    firm = await there.firm("Kestrel")
    sealed = await there.seal(firm)
    digest = sealed.receipt.envelope_sha256
    with clock.at(given.TODAY + HOUR):
        first = await there.change()
        await there.confirm(firm, digest, first.ref)
    with clock.at(given.TODAY + 2 * HOUR):
        second = await there.change(text="Lot 2 now asks for steel instead of iron.")
        assert [each.unconfirmed for each in await actions.mine(firm)] == [second.ref]
        with pytest.raises(Refused) as refused:
            await there.confirm(firm, digest, first.ref)
        assert codes(refused) == ["bid.confirms-another-change"]
        await there.confirm(firm, digest, second.ref)
        with pytest.raises(Refused) as refused:
            await there.confirm(firm, digest, second.ref)
        assert codes(refused) == ["bid.confirmed-already"]
    assert await BidConfirmation.count() == 2


async def test_nobody_confirms_the_bid_of_another_or_after_the_deadline(there: There) -> None:
    kestrel, thief = await there.firm("Kestrel"), await there.firm("Thief")
    sealed = await there.seal(kestrel)
    digest = sealed.receipt.envelope_sha256
    with clock.at(given.TODAY + HOUR):
        change = await there.change()
        with pytest.raises(Refused) as refused:
            await there.confirm(thief, digest, change.ref)
        assert codes(refused) == ["bid.nothing-to-withdraw"]
    with clock.at(given.TODAY + 2 * HOUR):
        own = await there.seal(thief, read=change.ref)
        with pytest.raises(Refused) as refused:
            await there.confirm(thief, digest, change.ref)
        assert codes(refused) == ["bid.confirmed-already", "bid.confirms-another-envelope"]
        with pytest.raises(Refused) as refused:
            await there.confirm(kestrel, own.receipt.envelope_sha256, change.ref)
        assert codes(refused) == ["bid.confirms-another-envelope"]
    buyer = there.made.officers[0]
    with clock.at(given.TODAY + HOUR), pytest.raises(Exception, match="supplier"):
        await there.confirm(buyer, digest, change.ref)
    assert there.tender.closes_at is not None
    with clock.at(there.tender.closes_at), pytest.raises(Refused) as refused:
        await there.confirm(kestrel, digest, change.ref)
    assert codes(refused) == ["bid.too-late"]
    assert await BidConfirmation.count() == 0


async def test_a_withdrawn_bid_is_not_confirmed_back_into_the_tender(there: There) -> None:
    firm = await there.firm("Kestrel")
    sealed = await there.seal(firm)
    with clock.at(given.TODAY + HOUR):
        change = await there.change()
        await actions.withdraw(firm, there.tender.ref, there.lots[0].ref)
        with pytest.raises(Refused) as refused:
            await there.confirm(firm, sealed.receipt.envelope_sha256, change.ref)
    assert codes(refused) == ["bid.nothing-to-withdraw"]


async def test_a_confirmation_is_sealed_until_the_opening_and_never_rewritten(there: There) -> None:
    firm = await there.firm("Kestrel")
    sealed = await there.seal(firm)
    with clock.at(given.TODAY + HOUR):
        change = await there.change()
        said = await there.confirm(firm, sealed.receipt.envelope_sha256, change.ref)
    hidden = b"".join([part async for part in public_log()])
    assert b"bid.confirmed" not in hidden
    assert said.receipt.digest.encode() not in hidden
    with pytest.raises(Exception, match="append-only"):
        await many("UPDATE bid_confirmation SET addendum = addendum")
    with pytest.raises(NotFound):
        await confirmations.receipt_of(await there.firm("Thief"), said.row.ref)
    await there.open()
    assert said.receipt.digest.encode() in b"".join([part async for part in public_log()])


async def test_suppliers_are_told_at_once_reminded_before_the_deadline_and_left_alone_once_they_confirmed(
    there: There,
) -> None:
    kestrel, heron = await there.firm("Kestrel"), await there.firm("Heron")
    kept, _other = await there.seal(kestrel), await there.seal(heron)

    async def told(firm: Actor) -> int:
        return await Letter.count().where((Letter.person == firm.ref) & (Letter.template == "bids/unconfirmed.txt"))

    assert await confirmations.tell_unconfirmed() == 0
    with clock.at(given.TODAY + HOUR):
        change = await there.change()
        assert await confirmations.tell_unconfirmed() == 2
        assert await confirmations.tell_unconfirmed() == 0
        await there.confirm(kestrel, kept.receipt.envelope_sha256, change.ref)
        assert await desk.waiting(kestrel) == []
        (item,) = await desk.waiting(heron)
        assert (item.href, item.when) == (f"/tenders/{there.tender.ref}/bid", there.tender.closes_at)
    assert (await told(kestrel), await told(heron)) == (1, 1)
    assert there.tender.closes_at is not None
    with clock.at(there.tender.closes_at - 70 * HOUR):
        assert await confirmations.tell_unconfirmed() == 1
        assert await confirmations.tell_unconfirmed() == 0
    assert (await told(kestrel), await told(heron)) == (1, 2)
    with clock.at(there.tender.closes_at):
        assert await confirmations.tell_unconfirmed() == 0
        assert [each for each in await desk.waiting(heron) if "confirm" in each.text] == []


async def test_who_stopped_following_is_told_all_the_same(there: There) -> None:
    from market.tenders import actions as tenders

    firm = await there.firm("Kestrel")
    await there.seal(firm)
    await tenders.follow(firm, there.tender.ref, wanted=False)
    with clock.at(given.TODAY + HOUR):
        await there.change()
        await confirmations.tell_unconfirmed()
    letters = [row.template for row in await Letter.objects().where(Letter.person == firm.ref).order_by(Letter.id)]
    assert letters == ["bids/submit.txt", "bids/unconfirmed.txt"]


async def test_the_page_says_what_changed_and_takes_the_word(app: Litestar, there: There) -> None:
    firm = await there.firm("Kestrel")
    await there.seal(firm)
    path = f"/tenders/{there.tender.ref}"
    with clock.at(given.TODAY + HOUR):
        change = await there.change()
        async with given.browser(app) as client:
            await given.signed_in(client, firm)
            page = (await client.get(f"{path}/bid")).text
            assert "4,000 more homes" in page
            assert "Not confirmed" in page
            (sent,) = await actions.mine(firm)
            typed = {"envelope_sha256": sent.digest, "addendum": change.ref}
            assert (await client.post(f"{path}/lots/{there.lots[0].ref}/confirm", data=typed)).status_code == 303
            assert "Not confirmed" not in (await client.get(f"{path}/bid")).text
            (sent,) = await actions.mine(firm)
            place = f"/confirmations/{sent.confirmation}/receipt.json"
            assert place in (await client.get("/bids")).text
            kept = confirming.Confirmation.from_plain((await client.get(place)).json())
            assert (kept.addendum, kept.envelope_sha256) == (change.ref, sent.digest)
            await given.signed_in(client, await there.firm("Thief"))
            assert (await client.get(place)).status_code == 404


async def test_programs_confirm_and_the_register_names_what_did_not_count(app: Litestar, there: There) -> None:
    kestrel, wren = await there.firm("Kestrel"), await there.firm("Wren")
    kept = await there.seal(kestrel)
    await there.seal(wren)
    place = f"/api/v1/tenders/{there.tender.ref}"
    async with given.browser(app) as client:
        with clock.at(given.TODAY + HOUR):
            change = await there.change()
            headers = await given.token(kestrel)
            (mine,) = (await client.get("/api/v1/bids", headers=headers)).json()["items"]
            assert (mine["latest"], mine["counts"], mine["unconfirmed"]) == (True, False, change.ref)
            word = {"envelope_sha256": kept.receipt.envelope_sha256, "addendum": change.ref}
            confirm = f"{place}/lots/{there.lots[0].ref}/bids/confirm"
            answer = await client.post(confirm, json=word, headers=headers)
            assert answer.status_code == 201, answer.text
            assert answer.json()["addendum"] == change.ref
        await there.open()
        register = (await client.get(f"{place}/opening")).json()["register"]
        assert sorted(each["unconfirmed"] for each in register) == sorted(["", change.ref])
        page = (await client.get(f"/tenders/{there.tender.ref}/opening")).text
    assert f"No: not confirmed after {change.ref}" in page
    assert "1 bid was opened" in page


# ── bids that were begun before a change ───────────────────────────────────────────────────────────────────────────


FIRST = rules.LastChange("AD-1", given.TODAY, "Lot 1 now also asks for 4,000 more homes.")


@pytest.mark.parametrize(
    ("read", "last", "asks"),
    [("", None, []), ("AD-1", FIRST, []), ("", FIRST, ["bid.changed-since"]), ("AD-0", FIRST, ["bid.changed-since"])],
)
def test_a_bid_names_the_last_change_that_its_writer_read(
    read: str, last: rules.LastChange | None, asks: list[str]
) -> None:
    assert [each.code for each in refusals(rules.WRITTEN, read, last)] == asks


async def test_a_page_opened_before_a_change_seals_nothing_until_its_reader_has_seen_the_change(
    app: Litestar, there: There
) -> None:
    firm = await there.firm("Kestrel")
    path = f"/tenders/{there.tender.ref}/lots/{there.lots[0].ref}/bid"
    criteria = (await readers.criteria_of(there.lots))[there.lots[0].id]
    typed = {f"answer-{each.ref}": "With counts." for each in criteria if each.kind == "quality"}
    typed |= {"price_minor": "70,000", "declared": "yes", "read": ""}
    async with given.browser(app) as client:
        await given.signed_in(client, firm)
        assert 'name="read" value=""' in (await client.get(path)).text
        with clock.at(given.TODAY + HOUR):
            change = await there.change()
            asked = await client.post(path, data=typed)
            assert asked.status_code == 409
            assert "Lot 1 now also asks for 4,000 more homes." in asked.text
            assert "With counts." in asked.text, "what was typed is there"
            assert await Bid.count() == 0
            assert (await client.post(path, data=typed)).status_code == 409, "sending it again is no answer"
            (confirm,) = re.findall(r'name="confirm" type="checkbox" value="([^"]+)"', asked.text)
        with clock.at(given.TODAY + 2 * HOUR):
            assert (await client.post(path, data={**typed, "confirm": confirm})).status_code == 303
            assert f'name="read" value="{change.ref}"' in (await client.get(path)).text
    assert [rules.standing(each).stage for each in await actions.mine(firm)] == ["counts"]


async def test_programs_name_the_change_they_read_or_are_asked(app: Litestar, there: There) -> None:
    firm = await there.firm("Kestrel")
    criteria = (await readers.criteria_of(there.lots))[there.lots[0].id]
    answers = {each.ref: "With counts." for each in criteria if each.kind == "quality"}
    body = {"price_minor": 7_000_000, "answers": answers, "declared": True}
    path = f"/api/v1/tenders/{there.tender.ref}/lots/{there.lots[0].ref}/bids"
    async with given.browser(app) as client:
        headers = await given.token(firm)
        with clock.at(given.TODAY + HOUR):
            change = await there.change()
            asked = await client.post(path, json=body, headers=headers)
            (reason,) = asked.json()["reasons"]
            assert (asked.status_code, reason["code"]) == (409, "bid.changed-since")
            made = await client.post(path, json={**body, "read": change.ref}, headers=headers)
            assert made.status_code == 201, made.text
            meant = await client.post(path, json=body, headers={**headers, "Prelude-Confirm": reason["confirm"]})
            assert meant.status_code == 201, meant.text


async def test_a_bid_that_waits_while_the_tender_changes_is_asked_about_and_not_kept(there: There) -> None:
    """It arrived before the change and takes its turn after it: it would be unconfirmed the moment it is kept."""
    firm = await there.firm("Kestrel")
    more = changes.Change("Lot 1 now also asks for 4,000 more homes.", "material", "yes")
    proposed = await proposals.propose(there.made.officers[0], there.tender.ref, more)
    outside = await connection()
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
    try:
        async with outside.transaction():
            await outside.execute("SELECT 1 FROM tender WHERE ref = $1 FOR UPDATE", there.tender.ref)
            changing = asyncio.create_task(proposals.approve(there.made.officers[1], there.tender.ref, proposed.ref))
            while not await outside.fetchval(waiting):
                assert not changing.done(), "it did not wait for the tender"
                await asyncio.sleep(0)
            sealing = asyncio.create_task(there.seal(firm))
            while await outside.fetchval(waiting) < 2:
                assert not sealing.done(), "it did not wait for the tender"
                await asyncio.sleep(0)
        change = await changing
        with pytest.raises(AskedOnceMore) as asked:
            await sealing
    finally:
        await outside.close()
    assert codes(asked) == ["bid.changed-since"]
    assert await Bid.count() == 0
    with clock.at(given.TODAY + HOUR):
        await there.seal(firm, read=change.ref)
    assert [rules.standing(row).stage for row in await actions.mine(firm)] == ["counts"]
