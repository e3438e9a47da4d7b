"""The first pages, the desks and the auditor's walk in a real browser: no violation that axe can find, nothing sideways."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from litestar import Litestar
from playwright.async_api import Browser, Route, async_playwright

from market import clock
from market.actor import Actor
from market.suppliers.tables import Profile
from tests import given, given_awards
from tests.market.front.given_market import challenge

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("clean")]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed")
        pytest.skip("Chromium is not installed")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield started
        await started.close()


async def looked_at(browser: Browser, client: httpx.AsyncClient, *paths: str) -> None:
    """Open each page, its requests answered by the application in this task, and hold it to the rules."""
    context = await browser.new_context(viewport={"width": 320, "height": 900}, java_script_enabled=True)

    async def answer(route: Route) -> None:
        response = await client.get(route.request.url)
        await route.fulfill(status=response.status_code, headers=dict(response.headers), body=response.content)

    await context.route("**/*", answer)
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    for path in paths:
        reached = await page.goto(f"http://localhost:8000{path}", wait_until="load")
        assert reached is not None
        assert reached.status == 200, path
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320, path
        found = await Axe().run(page, options=RULES)
        assert [(each["id"], each["nodes"][0]["html"]) for each in found.response["violations"]] == [], path
    assert complaints == []
    await context.close()


async def test_the_public_pages_are_open_to_everybody(app: Litestar, browser: Browser) -> None:
    with clock.at(given.TODAY):
        case, decision = await given_awards.awarded(lots=2)
        await given_awards.in_force(case, decision)
        await given.mission(case.there.buyer)
        await challenge("Gullies flood streets before anybody knows that they are blocked")
        async with given.browser(app) as client:
            await looked_at(
                browser,
                client,
                "/",
                "/figures",
                "/log",
                "/about",
                "/accessibility",
                "/open-data",
            )


async def test_the_desks_and_the_walk_are_open_to_everybody(app: Litestar, browser: Browser) -> None:
    with clock.at(given.TODAY):
        case, decision = await given_awards.awarded()
        agreed = await given_awards.in_force(case, decision)
        await Profile.insert(
            Profile(organisation=case.suppliers[1].id, summary="Drones", cpv=["71631000"], updated_at=clock.now())
        )
        await challenge("Gullies flood streets", closes_in=timedelta(days=3))
        minister = await given.person(case.there.buyer, "minister", title="Minister for Roads")
        await given.mission(case.there.buyer)
        auditor = await given.person(await given.organisation(kind="audit"), "auditor")
        operator = await given.person(await given.organisation(kind="operator"), "operator")
        record = f"/audit/records/contract/{agreed.ref}"
        visits: list[tuple[Actor, tuple[str, ...]]] = [
            (case.buyer, ("/desk",)),
            (case.firms[1], ("/desk",)),
            (minister, ("/desk",)),
            (operator, ("/desk",)),
            (auditor, ("/desk", "/audit", record, f"{record}/check")),
        ]
        for actor, paths in visits:
            async with given.browser(app) as client:
                await looked_at(browser, await given.signed_in(client, actor), *paths)
