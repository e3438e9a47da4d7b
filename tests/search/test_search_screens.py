"""Searching in a real browser: results follow the typing and the focus stays, every page is accessible on a phone.

No server: what the browser asks for is answered by the app in this process, over the embedded index.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import msgspec
import pytest
from axe_playwright_python.async_playwright import Axe
from litestar import Litestar
from playwright.async_api import Browser, Page, Route, expect

from challenges.tables import Challenge
from market import clock
from market.accounts.tables import Organisation
from market.actor import Actor
from market.audit.actions import announce
from market.suppliers.tables import Profile
from search import outbox
from search.index import Index
from search.inviting import actions as inviting
from search.precedents import actions as precedents
from tests import given, given_tenders
from tests.search.engines import embedded as engine
from tests.search.precedents.test_precedents import drafting, learnt
from tests.search.test_searching import firm

__all__ = ["engine"]

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("clean")]


@asynccontextmanager
async def visiting(
    app: Litestar, browser: Browser, actor: Actor | None = None, width: int = 320
) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page whose requests the app answers, for whoever is signed in; and what the browser complained of."""
    context = await browser.new_context(viewport={"width": width, "height": 900})
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    async with given.browser(app) as client:
        if actor:
            await given.signed_in(client, actor)

        async def answer(route: Route) -> None:
            asked = urlsplit(route.request.url)
            found = await client.get(f"{asked.path}?{asked.query}" if asked.query else asked.path)
            headers = {
                name: value for name, value in found.headers.items() if name not in ("content-encoding", "set-cookie")
            }
            await route.fulfill(status=found.status_code, body=found.content, headers=headers)

        await page.route("**/*", answer)
        yield page, complaints
    await context.close()


async def kept(page: Page, name: str) -> None:
    """A screenshot, where PRELUDE_SHOTS names a folder."""
    if folder := os.environ.get("PRELUDE_SHOTS"):
        await page.screenshot(path=f"{folder}/search-{name}.png", full_page=True)


async def test_results_follow_the_typing_and_everything_else_stays_where_it_was(
    engine: Index, app: Litestar, chromium: Browser
) -> None:
    await firm("Kestrel Ltd", "drone inspection")
    await firm("Heron Ltd", "catering")
    there = await given_tenders.published()
    await announce(f"tender:{there.tender.ref}")
    await outbox.drain()
    async with visiting(app, chromium, width=1280) as (page, complaints):
        await page.goto("http://localhost/search?region=Yorkshire+and+the+Humber")
        await expect(page.locator(".pre-summary")).to_have_text("2 results")
        await page.evaluate("window.here = 'the same page'")
        box = page.get_by_role("searchbox")
        await box.press_sequentially("drone inspecton", delay=15)
        await expect(page.locator(".pre-summary")).to_have_text("1 result")
        await expect(page.locator("#found-words")).to_have_text("1 result")
        await expect(page.locator(".pre-results")).to_contain_text("Kestrel Ltd")
        await expect(page.locator(".pre-results")).not_to_contain_text("Heron")
        await expect(page.locator(".pre-tabs__list")).not_to_contain_text("Tenders")
        await expect(page).to_have_title("drone inspecton – search – Prelude")
        await expect(page).to_have_url("http://localhost/search?region=Yorkshire+and+the+Humber&q=drone+inspecton")
        await expect(box).to_be_focused()
        assert await box.input_value() == "drone inspecton"
        assert await page.evaluate("window.here") == "the same page"
        await page.get_by_role("link", name="Kestrel Ltd").click()
        await expect(page.get_by_role("heading", level=1)).to_have_text("Kestrel Ltd")
        await page.go_back()
        await expect(page.locator(".pre-summary")).to_have_text("1 result")
        await expect(page.get_by_role("searchbox")).to_have_value("drone inspecton")
        await page.get_by_role("searchbox").fill("zymurgy")
        await expect(page.locator(".pre-empty")).to_contain_text("Nothing found for “zymurgy”")
        assert complaints == []


async def wrong_with(page: Page, path: str, name: str) -> list[str]:
    """What axe finds on a page at 320 pixels, and whether it is wider than the screen."""
    await page.goto(f"http://localhost{path}", wait_until="load")
    await kept(page, f"{name}-320")
    seen = await Axe().run(page)
    assert len(seen.response["passes"]) > 10, f"axe did not look at {path}"
    faults = [f"{path}: {each['id']}" for each in seen.response["violations"]]
    if await page.evaluate("document.documentElement.scrollWidth") > 320:
        faults.append(f"{path}: sideways")
    if os.environ.get("PRELUDE_SHOTS"):
        await page.set_viewport_size({"width": 1280, "height": 900})
        await kept(page, f"{name}-1280")
        await page.set_viewport_size({"width": 320, "height": 900})
    return faults


async def invited_and_open(body: Organisation) -> tuple[str, str]:
    """Two firms of a short list that read letters; the first is open to bidding together."""
    refs = []
    for name, partners in (("Kestrel Ltd", True), ("Heron Surveys Ltd", False)):
        row = await firm(name, "drone inspection", "bridges")
        await Profile.update({Profile.open_to_partners: partners, Profile.cpv: ["71631450"]}).where(
            Profile.organisation == row.id
        )
        await given.person(row, "supplier-admin")
        refs.append(str(row.ref))
    return refs[0], refs[1]


@pytest.mark.slow
async def test_every_page_is_accessible_and_fits_a_phone(engine: Index, app: Litestar, chromium: Browser) -> None:
    await learnt()
    there = await given_tenders.published()
    kestrel, heron = await invited_and_open(there.buyer)
    writer = await given.person(await given.supplier("Plover Ltd"), "supplier-admin")
    body, officer, challenge = await drafting()
    subject = await precedents.subject_of("challenge", challenge.ref)
    await announce(f"tender:{there.tender.ref}", f"supplier:{kestrel}", f"supplier:{heron}")
    await outbox.drain()
    shown = await precedents.alike(subject)
    given_ = {"answer": "differs", "seen": precedents.fingerprint(shown), "reason": "Ours are tidal; theirs fall dry."}
    await precedents.compare(officer, "challenge", challenge.ref, msgspec.convert(given_, precedents.PrecedentAnswer))
    await inviting.shortlist(there.officer, [kestrel, heron])
    await inviting.invite(there.officer, inviting.Invitation(f"tender:{there.tender.ref}", [kestrel]))
    similar = f"/search/similar/challenge/{challenge.ref}"
    wrong: list[str] = []
    async with visiting(app, chromium, there.officer) as (page, complaints):
        for path, name in (
            ("/search?q=bridges&sector=71&cpv=716&from=1,000&within=90", "filters"),
            ("/search?kind=supplier", "suppliers"),
            ("/search?q=drone&kind=supplier&region=Wales&partners=true", "empty"),
            (f"/search/shortlist/add?ref={kestrel}&ref={heron}", "shortlist-add"),
            ("/search/shortlist", "shortlist"),
            (f"/search/compare?ref={kestrel}&ref={heron}", "compare"),
        ):
            wrong += await wrong_with(page, path, name)
        assert complaints == []
    async with visiting(app, chromium, officer) as (page, _):
        wrong += await wrong_with(page, similar, "similar-draft")
        wrong += await wrong_with(page, f"/challenges/{challenge.ref}/draft", "challenge-draft")
    async with visiting(app, chromium, writer) as (page, _):
        wrong += await wrong_with(page, f"/search/partners/{kestrel}", "partner")
    await Challenge.update({Challenge.published_at: clock.now()}).where(Challenge.id == challenge.id)
    async with visiting(app, chromium) as (page, _):
        wrong += await wrong_with(page, similar, "similar-public")
        wrong += await wrong_with(page, f"/search/similar/tender/{there.tender.ref}", "similar-tender")
    assert body.name
    assert wrong == []
