"""Find, filter, compare, keep, get the alert, open the feed, stop: a buyer in a real browser, with and without scripts, with
each engine, over the real site with its worker."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as tree
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, expect

from tests.journeys.browser import Visit, shots, visit
from tests.journeys.clicking import entered
from tests.search.engines import ENGINES, needed_program, serving
from tests.served import ROOT, Served, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ENTRY = "{http://www.w3.org/2005/Atom}entry"
TITLE = "{http://www.w3.org/2005/Atom}title"


@pytest.fixture(params=ENGINES)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    """The site over one of the engines."""
    if request.param == "embedded":
        with served(tmp_path) as running:
            yield running
    else:
        with (
            serving(needed_program()) as server,
            served(tmp_path, MEILISEARCH_URL=server.url, MEILISEARCH_KEY=server.key) as running,
        ):
            yield running


def come(site: Served, round_: str) -> None:
    """Firms come to the market."""
    subprocess.run(
        [sys.executable, "-m", "tests.journeys.firms", round_],
        cwd=ROOT,
        env={**os.environ, **site.environment},
        check=True,
        capture_output=True,
    )


async def looked_at(ada: Visit, name: str) -> None:
    """At both widths: nothing for axe to complain of, nothing wider than a phone; kept as pictures where that is wished."""
    for width in (1280, 320):
        await ada.page.set_viewport_size({"width": width, "height": 900})
        found = (await Axe().run(ada.page)).response
        assert len(found["passes"]) > 10, f"axe did not look at {name}"
        assert [each["id"] for each in found["violations"]] == [], f"{name} at {width}"
        assert await ada.page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} goes sideways"
        if folder := shots():
            await ada.page.screenshot(path=folder / f"search-journey-{name}-{width}.png", full_page=True)
    await ada.page.set_viewport_size({"width": 1280, "height": 900})


async def lists(ada: Visit, *names: str) -> None:
    """The results are these, whatever their order."""
    results = ada.page.get_by_role("list", name="Results")
    await expect(results.get_by_role("heading")).to_have_count(len(names))
    for name in names:
        await expect(results.get_by_role("heading", name=name)).to_be_visible()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
async def test_a_buyer_finds_filters_compares_keeps_and_is_told(site: Served, chromium: Browser, scripts: bool) -> None:
    people = entered(site)
    come(site, "1")
    ada_ = people["ada"]
    async with visit(chromium, site.url, ada_["name"], ada_["email"], ada_["password"], scripts=scripts) as ada:
        await ada.sign_in()
        await ada.go("/search?kind=supplier")
        await ada.until("Gannet Aerial Ltd")

        # Find, with a typo. Where scripts run nothing is pressed.
        box = ada.page.get_by_role("searchbox")
        if scripts:
            await box.press_sequentially("drone inspecton", delay=10)
        else:
            await box.fill("drone inspecton")
            await ada.press("Search")
        await lists(ada, "Gannet Aerial Ltd", "Petrel Surveys Ltd", "Fulmar Robotics Ltd")
        await ada.sees("Did you mean", "Found in")
        await ada.follow("drone inspection")
        assert "q=drone+inspection" in ada.page.url
        if scripts:
            await looked_at(ada, "found")

        # Filter.
        for fold in ("Region", "Certificate"):
            if await ada.main.locator("details:not([open]) > summary.pre-fold__summary", has_text=fold).count():
                await ada.unfold(fold)
        await ada.group("Region").get_by_role("checkbox", name="North East").check()
        await ada.press("Apply filters")
        await lists(ada, "Gannet Aerial Ltd", "Petrel Surveys Ltd")
        narrowed = ada.page.url
        await ada.follow("Remove filter: North East")
        await lists(ada, "Gannet Aerial Ltd", "Petrel Surveys Ltd", "Fulmar Robotics Ltd")
        await ada.page.go_back(wait_until="domcontentloaded")
        assert ada.page.url == narrowed
        await lists(ada, "Gannet Aerial Ltd", "Petrel Surveys Ltd")

        # Compare.
        await ada.tick("Gannet Aerial Ltd")
        await ada.tick("Petrel Surveys Ltd")
        await ada.press("Compare")
        await ada.headed("Suppliers side by side")
        await ada.sees("ISO 27001", "Cyber Essentials", "drone inspection of bridges")
        if scripts:
            await looked_at(ada, "compared")

        # Keep, with everything that was chosen.
        await ada.go(narrowed.removeprefix(site.url))
        await ada.follow("Save this search")
        await ada.fill("Name", "Flying in the north")
        await ada.choose("At once")
        if scripts:
            await looked_at(ada, "keeping")
        await ada.press("Save the search")
        await ada.sees("Flying in the north", "A letter as soon as something new is published")
        if scripts:
            await looked_at(ada, "kept")

        # Somebody new comes, and the alert with her.
        come(site, "2")
        await ada.go("/letters")
        site.command("worker", "--once")
        await ada.until("1 new for “Flying in the north”")
        await ada.follow("1 new for “Flying in the north”")
        await ada.sees("Shearwater Flight Ltd")
        letter = await ada.main.inner_text()
        if scripts:
            await looked_at(ada, "told")

        # The feeds, which need no session.
        await ada.go("/search/saved")
        for link, ending in (("Atom feed", "atom"), ("JSON feed", "json"), ("Deadlines for your calendar", "ics")):
            address = await ada.main.get_by_role("link", name=link).get_attribute("href")
            assert address is not None
            fresh = await chromium.new_context()
            answer = await fresh.request.get(f"{site.url}{address}")
            assert answer.status == 200
            assert answer.headers["cache-control"] == "private, no-store"
            if ending == "atom":
                titles = [each.findtext(TITLE) for each in tree.fromstring(await answer.body()).iter(ENTRY)]
                assert titles == ["Shearwater Flight Ltd", "Petrel Surveys Ltd", "Gannet Aerial Ltd"]
            elif ending == "json":
                assert (await answer.json())["items"][0]["title"] == "Shearwater Flight Ltd"
            else:
                assert (await answer.text()).startswith("BEGIN:VCALENDAR")
            await fresh.close()

        # One click in the letter stops it, and the feeds with it.
        (stop,) = [line for line in letter.split() if "/search/stop/" in line]
        await ada.go(urlsplit(stop).path)
        await ada.press("Stop")
        await ada.headed("You hear no more of “Flying in the north”")
        if scripts:
            await looked_at(ada, "stopped")
        await ada.go("/search/saved")
        await ada.sees("You have saved no search yet")
        ada.holds()
