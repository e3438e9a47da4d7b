"""Dates and sums of a draft that look like slips are asked about once more: truth tables, and the page and the API."""

import re
from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
from litestar import Litestar

from market import clock, drafts
from market.audit.tables import Event
from market.db import find
from market.money import Money
from market.refusals import AskedOnceMore, refusals
from market.tenders.drafts import actions, rules
from market.tenders.readers import lots_of
from market.tenders.tables import Lot, Tender
from tests import given

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("closes_at", "begins", "ends", "codes"),
    [
        (None, None, None, []),
        (NOW + timedelta(days=30), date(2027, 2, 1), date(2029, 1, 31), []),
        (NOW + timedelta(days=365), None, None, []),
        (NOW + timedelta(days=366), None, None, ["tender.deadline-far"]),
        (datetime(2049, 4, 10, 11, tzinfo=UTC), None, None, ["tender.deadline-far"]),
        (None, date(2029, 1, 1), date(2030, 1, 1), ["tender.contract-far"]),
        (NOW + timedelta(days=30), date(2026, 12, 1), date(2027, 12, 1), ["tender.contract-before-bids"]),
        (None, date(2027, 2, 1), date(2037, 2, 1), []),
        (None, date(2027, 2, 1), date(2072, 2, 1), ["tender.contract-long"]),
    ],
)
def test_dates_that_look_like_slips_are_asked_about(
    closes_at: datetime | None, begins: date | None, ends: date | None, codes: list[str]
) -> None:
    asked = refusals(rules.ASKED_OF_DATES, rules.Planned(closes_at, begins, ends, NOW))
    assert [each.code for each in asked] == codes
    assert all(each.confirm for each in asked)


def test_a_deadline_in_twenty_two_years_is_asked_about_in_these_words() -> None:
    asked = rules.deadline_is_near(rules.Planned(datetime(2049, 4, 10, 11, tzinfo=UTC), None, None, NOW))
    assert asked
    assert asked.reason == (
        "Bids would be taken until Sat 10 Apr 2049, 12:00 BST. That is in more than 22 years. Is it the deadline you mean?"
    )


@pytest.mark.parametrize(
    ("value", "maximum", "codes"),
    [
        (10_000, None, []),
        (9_999, None, ["tender.lot-value-unusual"]),
        (9_999_999_999, None, []),
        (10_000_000_000, None, ["tender.lot-value-unusual"]),
        (6_000_000, 6_000_000, []),
        (6_000_000, 5_999_999, ["tender.maximum-below-estimate"]),
        (1, 0, ["tender.lot-value-unusual", "tender.maximum-below-estimate"]),
    ],
)
def test_sums_that_look_like_slips_are_asked_about(value: int, maximum: int | None, codes: list[str]) -> None:
    most = None if maximum is None else Money(maximum)
    assert [each.code for each in refusals(rules.ASKED_OF_LOTS, Money(value), most)] == codes


@pytest.mark.usefixtures("clean")
async def test_a_mistyped_year_is_asked_about_on_the_page_kept_when_meant_and_named_in_the_log(app: Litestar) -> None:
    made = await given.tendering()
    buyer, address = made.officers[0], f"/tenders/{made.tender.ref}/dates"
    year = clock.now().year + 22
    async with given.browser(app) as client:
        await given.signed_in(client, buyer)
        form = await client.get(address)
        (version,) = re.findall(r'name="version" value="([^"]+)"', form.text)
        typed = {"version": version, "closes_at": f"{year}-04-10T12:00"}
        asked = await client.post(address, data=typed)
        assert asked.status_code == 409
        assert "Is it the deadline you mean?" in asked.text
        assert f"{year}-04-10T12:00" in asked.text
        (confirm,) = re.findall(r'name="confirm" type="checkbox" value="([^"]+)"', unescape(asked.text))
        other = await client.post(address, data={**typed, "closes_at": f"{year}-05-10T12:00", "confirm": confirm})
        assert other.status_code == 409
        assert (await client.post(address, data={**typed, "confirm": confirm})).status_code == 303
    tender = await find(Tender, Tender.ref == made.tender.ref)
    assert tender.closes_at is not None
    assert tender.closes_at.year == year
    event = await Event.objects().where(Event.verb == "tender.revised").order_by(Event.seq, ascending=False).first()
    assert event is not None
    assert '"confirmed":["tender.deadline-far"]' in str(event.body)


@pytest.mark.usefixtures("clean")
async def test_a_lot_with_a_highest_price_is_kept_shown_and_changed(app: Litestar) -> None:
    made = await given.tendering(lots=1)
    buyer = made.officers[0]
    (lot,) = await lots_of(made.tender)
    wanted = actions.LotDraft("Terraces", 7_800_000, given.CODES, maximum_minor=7_000_000)
    row = await find(Lot, Lot.ref == lot.ref)
    seen = drafts.version(actions.LotDraft, row)
    with pytest.raises(AskedOnceMore) as asked:
        await actions.revise_lot(buyer, lot.ref, wanted, seen)
    assert [each.code for each in asked.value.reasons] == ["tender.maximum-below-estimate"]
    wanted.maximum_minor = 9_000_000
    await actions.revise_lot(buyer, lot.ref, wanted, seen)
    async with given.browser(app) as client:
        await given.signed_in(client, buyer)
        form = await client.get(f"/tenders/{made.tender.ref}/lots/{lot.ref}/edit")
        assert 'name="maximum_minor" type="text" value="90000"' in form.text
        headers = await given.token(buyer)
        shown = (await client.get(f"/api/v1/tenders/{made.tender.ref}", headers=headers)).json()
        assert [each["maximum_minor"] for each in shown["lots"]] == [9_000_000]
        body = {"title": "Gardens", "value_minor": 10**11, "cpv": given.CODES}
        address = f"/api/v1/tenders/{made.tender.ref}/lots"
        refused = await client.post(address, json=body, headers=headers)
        (reason,) = refused.json()["reasons"]
        assert (refused.status_code, reason["code"]) == (409, "tender.lot-value-unusual")
        told = {**headers, "Prelude-Confirm": reason["confirm"]}
        assert (await client.post(address, json=body, headers=told)).status_code == 201
    await actions.drop_lot(buyer, (await lots_of(made.tender))[1].ref)
    await made.publish()
    async with given.browser(app) as client:
        page = await client.get(f"/tenders/{made.tender.ref}")
    assert "The highest price that is taken is £90,000 without VAT" in page.text
