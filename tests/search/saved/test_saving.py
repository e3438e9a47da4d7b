"""Keeping a search, being told, following its feed, stopping it; and suppliers side by side."""

import xml.etree.ElementTree as tree
from datetime import timedelta

import pytest
from litestar import Litestar

from market import clock
from market.audit.actions import announce
from market.letters.tables import Letter
from market.refusals import NotFound, Refused
from search import outbox
from search.index import Index
from search.saved import actions as alerts
from tests import given, given_tenders
from tests.search.engines import embedded as engine
from tests.search.test_searching import firm

__all__ = ["engine"]

pytestmark = pytest.mark.usefixtures("clean")


async def test_a_kept_search_is_told_once_about_what_is_new(engine: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerts, "index", lambda: engine)
    somebody = await given.person(await given.supplier(), "supplier-admin")
    with clock.at(given.TODAY):
        await alerts.save(somebody, alerts.SaveDraft("q=bridges&kind=tender", "Bridges", "at-once"))
        assert await alerts.tell_waiting() == 0
    with clock.at(given.TODAY + timedelta(hours=1)):
        there = await given_tenders.published()
        await announce(f"tender:{there.tender.ref}")
        await outbox.drain()
    with clock.at(given.TODAY + timedelta(hours=2)):
        assert await alerts.tell_waiting() == 1
        assert await alerts.tell_waiting() == 0
    with clock.at(given.TODAY + timedelta(hours=3)):
        assert await alerts.tell_waiting() == 0
    letter = await Letter.objects().first()
    assert letter is not None
    assert letter.subject == "1 new for “Bridges”"
    assert there.tender.ref in letter.text


async def test_what_a_portal_brings_late_and_what_the_index_learns_late_is_told_all_the_same(engine: Index) -> None:
    somebody = await given.person(await given.supplier(), "supplier-admin")
    with clock.at(given.TODAY):
        await alerts.save(somebody, alerts.SaveDraft("q=bridges&kind=tender", "Bridges", "at-once"))
        there = await given_tenders.published()
        await announce(f"tender:{there.tender.ref}")
    with clock.at(given.TODAY + timedelta(hours=3)):
        assert await alerts.tell_waiting() == 0
        await outbox.drain()
    with clock.at(given.TODAY + timedelta(hours=4)):
        assert await alerts.tell_waiting() == 1
        await announce(f"tender:{there.tender.ref}")
        await outbox.drain()
        assert await alerts.tell_waiting() == 0


async def test_what_could_be_found_before_it_was_kept_is_not_told(engine: Index) -> None:
    somebody = await given.person(await given.supplier(), "supplier-admin")
    there = await given_tenders.published()
    await announce(f"tender:{there.tender.ref}")
    await outbox.drain()
    await alerts.save(somebody, alerts.SaveDraft("kind=tender", "Tenders", "at-once"))
    assert await alerts.tell_waiting() == 0
    await outbox.reindex()
    assert await alerts.tell_waiting() == 0


async def test_a_daily_letter_comes_once_a_day_with_all_that_came_meanwhile(engine: Index) -> None:
    somebody = await given.person(await given.supplier(), "supplier-admin")
    with clock.at(given.TODAY):
        await alerts.save(somebody, alerts.SaveDraft("kind=supplier", "Firms", "daily"))
        await firm("Kestrel Ltd", "drones")
        await outbox.drain()
    with clock.at(given.TODAY + timedelta(hours=20)):
        await firm("Heron Ltd", "drones")
        await outbox.drain()
        assert await alerts.tell_waiting() == 0
    with clock.at(given.TODAY + timedelta(hours=25)):
        assert await alerts.tell_waiting() == 1
        await firm("Plover Ltd", "drones")
        await outbox.drain()
        assert await alerts.tell_waiting() == 0
    letter = await Letter.objects().first()
    assert letter is not None
    assert letter.subject == "2 new for “Firms”"
    assert "Kestrel Ltd\nhttp://localhost:8000/suppliers/" in letter.text


async def test_a_mail_program_stops_the_letters_with_its_own_button(engine: Index, app: Litestar) -> None:
    somebody = await given.person(await given.supplier(), "supplier-admin")
    saved, token = await alerts.save(somebody, alerts.SaveDraft("kind=supplier", "Firms", "at-once"))
    await firm("Kestrel Ltd", "drones")
    await outbox.drain()
    await alerts.tell_waiting()
    letter = await Letter.objects().first()
    assert letter is not None
    assert letter.stops == f"/search/stop/{token}"
    async with given.browser(app) as client:
        for _ in range(2):
            pressed = await client.post(letter.stops, content="List-Unsubscribe=One-Click", headers={"origin": "null"})
            assert pressed.status_code == 200
    assert not await alerts.mine(somebody)
    assert saved.rhythm == "at-once"


async def test_one_click_in_a_letter_stops_it_and_ends_the_feed(
    engine: Index, app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "index", lambda: engine)
    somebody = await given.person(await given.supplier(), "supplier-admin")
    _, token = await alerts.save(somebody, alerts.SaveDraft("q=bridges", "Bridges"))
    async with given.browser(app) as client:
        assert (await client.get(f"/search/feed/{token}/new.atom")).status_code == 200
        page = await client.get(f"/search/stop/{token}")
        assert "Stop letters about" in page.text
        field = page.text.split('name="csrf_token" value="')[1].split('"')[0]
        stopped = await client.post(f"/search/stop/{token}", data={"csrf_token": field})
        assert (stopped.status_code, "You hear no more of “Bridges”" in stopped.text) == (200, True)
        assert (await client.get(f"/search/feed/{token}/new.atom")).status_code == 404
        assert "You hear no more of “Bridges”" in (await client.get(f"/search/stop/{token}")).text
    with pytest.raises(NotFound):
        await alerts.by_token(token)


async def test_any_search_is_a_feed_and_a_calendar(
    engine: Index, app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alerts, "index", lambda: engine)
    there = await given_tenders.published(title="Inspecting; bridges, “safely” & soon – çà et là")
    await announce(f"tender:{there.tender.ref}")
    await outbox.drain()
    async with given.browser(app) as client:
        atom = await client.get("/search/feed.atom", params={"q": "bridges"})
        listed = (await client.get("/search/feed.json", params={"kind": "tender"})).json()
        calendar = await client.get("/search/feed.ics")
    entries = tree.fromstring(atom.content).findall("{http://www.w3.org/2005/Atom}entry")
    assert len(entries) == 1
    assert listed["items"][0]["url"].endswith(f"/tenders/{there.tender.ref}")
    lines = calendar.text.replace("\r\n ", "").split("\r\n")
    assert "BEGIN:VEVENT" in lines
    assert any(line.startswith("SUMMARY:Closes: Inspecting\\; bridges\\, ") for line in lines)
    assert all(len(line.encode()) <= 75 for line in calendar.text.split("\r\n"))


async def test_the_page_keeps_a_search_and_lists_it(engine: Index, app: Litestar) -> None:
    somebody = await given.person(await given.supplier(), "supplier-admin")
    async with given.browser(app) as client:
        await given.signed_in(client, somebody)
        assert "Once a day" in (await client.get("/search/save", params={"q": "drones", "region": "Wales"})).text
        wrong = await client.post("/search/save", data={"query": "q=drones", "name": ""})
        assert wrong.status_code == 422
        kept = {"query": "q=drones&region=Wales", "name": "Drones in Wales", "rhythm": "daily"}
        assert (await client.post("/search/save", data=kept)).status_code == 303
        page = await client.get("/search/saved")
        assert "Drones in Wales" in page.text
        assert "/search?q=drones&amp;region=Wales" in page.text
        (saved,) = await alerts.mine(somebody)
        assert (await client.post(f"/search/saved/{saved.ref}/stop")).status_code == 303
        assert "You have saved no search yet" in (await client.get("/search/saved")).text


async def test_somebody_keeps_thirty_searches_and_no_more() -> None:
    somebody = await given.person(await given.supplier(), "supplier-admin")
    for number in range(alerts.MOST):
        await alerts.save(somebody, alerts.SaveDraft(f"q={number}", str(number)))
    with pytest.raises(Refused) as refused:
        await alerts.save(somebody, alerts.SaveDraft("q=x", "x"))
    assert refused.value.reasons[0].code == "search.too-many-saved"


async def test_two_to_four_suppliers_stand_side_by_side(engine: Index, app: Litestar) -> None:
    first, second = await firm("Kestrel Ltd", "drones"), await firm("Heron Ltd", "maps")
    async with given.browser(app) as client:
        page = await client.get("/search/compare", params={"ref": [first.ref, second.ref]})
        assert page.status_code == 200
        assert "Kestrel Ltd" in page.text
        assert "maps" in page.text
        assert (await client.get("/search/compare", params={"ref": first.ref})).status_code == 400
        assert (await client.get("/search/compare", params={"ref": [first.ref, "O-NOBODY"]})).status_code == 404
