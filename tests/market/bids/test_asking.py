"""A price that looks like a slip is asked about once more before it is sealed, on the page and in the API; one above the published
maximum is not taken at all."""

import re
from html import unescape

import pytest
from litestar import Litestar

from market.bids import actions
from market.bids.tables import Bid
from market.db import many
from market.refusals import AskedOnceMore, Refused
from tests import given, given_tenders

pytestmark = pytest.mark.usefixtures("clean")

FIFTY_TIMES = 300_000_000


async def test_a_bid_fifty_times_the_estimate_is_asked_about_on_the_page_and_sealed_when_it_is_meant(
    app: Litestar,
) -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    address = f"/tenders/{there.tender.ref}/lots/{there.lots[0].ref}/bid"
    typed = {f"answer-{ref}": words for ref, words in there.bid().answers.items()} | {"declared": "yes"}
    async with given.browser(app) as client:
        await given.signed_in(client, firm)
        assert "asked about once more" in (await client.get(address)).text
        asked = await client.post(address, data={**typed, "price_minor": "3,000,000"})
        assert asked.status_code == 409
        assert "Is this what you mean?" in asked.text
        assert (
            "Your price is £3,000,000; the buyer estimates this lot at £60,000. That is 50 times as much." in asked.text
        )
        assert "3,000,000" in asked.text
        assert await Bid.count() == 0
        (confirm,) = re.findall(r'name="confirm" type="checkbox" value="([^"]+)"', unescape(asked.text))
        slip = await client.post(address, data={**typed, "price_minor": "30,000,000", "confirm": confirm})
        assert slip.status_code == 409, "another figure is another question"
        assert await Bid.count() == 0
        sealed = await client.post(address, data={**typed, "price_minor": "3,000,000", "confirm": confirm})
        assert sealed.status_code == 303
    assert await Bid.count() == 1


async def test_the_api_says_what_to_send_and_takes_it(app: Litestar) -> None:
    there = await given_tenders.published()
    firm = await given.person(await given.supplier(), "supplier-admin")
    headers = await given.token(firm)
    address = f"/api/v1/tenders/{there.tender.ref}/lots/{there.lots[0].ref}/bids"
    body = {"price_minor": FIFTY_TIMES, "answers": there.bid().answers, "declared": True}
    async with given.browser(app) as client:
        asked = await client.post(address, json=body, headers=headers)
        (reason,) = asked.json()["reasons"]
        assert (asked.status_code, reason["code"], reason["field"]) == (409, "bid.price-far", "price_minor")
        again = await client.post(address, json=body, headers={**headers, "Prelude-Confirm": "bid.price-far"})
        assert again.status_code == 409, "the code alone names no figure"
        made = await client.post(address, json=body, headers={**headers, "Prelude-Confirm": reason["confirm"]})
        assert made.status_code == 201


async def test_a_bid_above_the_published_maximum_is_refused_and_no_confirmation_helps() -> None:
    there = await given_tenders.published()
    await many("UPDATE lot SET maximum_minor = 7000000 WHERE id = {}", there.lots[0].id)
    firm = await given.person(await given.supplier(), "supplier-admin")
    lot = there.lots[0].ref
    with pytest.raises(Refused) as refused:
        await actions.submit(firm, there.tender.ref, lot, there.bid(7_000_001), ["bid.above-the-maximum"])
    assert not isinstance(refused.value, AskedOnceMore)
    assert [each.code for each in refused.value.reasons] == ["bid.above-the-maximum"]
    assert "£70,000" in refused.value.reasons[0].reason
    await actions.submit(firm, there.tender.ref, lot, there.bid(7_000_000))
    assert await Bid.count() == 1
