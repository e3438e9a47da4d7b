"""Every page type in Chromium, as everybody who may see it: nothing that axe finds, nothing sideways at 320 px, one heading
of the first level, a title of its own, and a keyboard that gets past the header.

The pages are those of the demo story; the list of page types is the application's own, so a new page without an example
fails here. PRELUDE_SHOTS=folder keeps a screenshot of every page at both widths.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import asyncpg
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page

from market.app import create
from tests.journeys.browser import Visit, shots
from tests.journeys.pages_shown import AWAY, ERRORS, FILES, PAGES, VISITOR, Asked
from tests.served import ROOT, Served, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

WIDTHS = (1280, 320)
WIDE = {"rules": {"target-size": {"enabled": True}}}
NARROW = {"runOnly": ["aria-hidden-focus", "scrollable-region-focusable", "target-size"]}
"""What a narrower window can change: the same page was asked everything at the first width."""
LOOKERS = 3
"""Browsers at work at the same time."""


def page_routes() -> set[str]:
    """The addresses of every route that answers GET with something for people."""
    return {
        route.path
        for route in create().routes
        for handler in getattr(route, "route_handlers", [])
        if "GET" in {str(each) for each in handler.http_methods} and not route.path.startswith("/api/")
    }


@dataclass
class Told:
    """The served story, and the addresses that stand in letters."""

    site: Served
    letters: dict[str, str]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    """A site with the whole demo story, and with what the story leaves out."""
    with served(tmp_path_factory.mktemp("story")) as site:
        site.command("demo", "--no-serve")
        yield Told(site, prepare(site))


def prepare(site: Served) -> dict[str, str]:
    """Run `tests.journeys.prepared` beside the site."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.journeys.prepared"],
        cwd=ROOT,
        env=site.environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    addresses: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    return addresses


async def examples(told: Told) -> list[tuple[str, str, str, int]]:
    """Every example as (route, whom to ask as, address, status)."""
    found: list[tuple[str, str, str, int]] = [("problem", who, path, status) for who, path, status in ERRORS]
    found += [(route, VISITOR, path, 200) for route, path in told.letters.items()]
    connection = await asyncpg.connect(told.site.environment["DATABASE_URL"])
    try:
        for route, listed in PAGES.items():
            for each in listed:
                if isinstance(each, Asked):
                    row = await connection.fetchrow(each.sql)
                    assert row is not None, f"no example of {route}: {each.sql}"
                    assert row[0] is not None, f"nobody for {route}: {each.sql}"
                    found.append((route, row[0], row[1], 200))
                else:
                    found.append((route, *each, 200))
        return found
    finally:
        await connection.close()


async def people(told: Told) -> dict[str, str]:
    """References by address."""
    connection = await asyncpg.connect(told.site.environment["DATABASE_URL"])
    try:
        return {row["email"]: row["ref"] for row in await connection.fetch("SELECT email, ref FROM person")}
    finally:
        await connection.close()


def test_every_page_of_the_application_has_an_example() -> None:
    letters = {"/invitations/{token:str}", "/password/{token:str}", "/register/{token:str}", "/search/stop/{token:str}"}
    listed = PAGES.keys() | FILES | AWAY | letters
    assert page_routes() - listed == set(), "pages without an example in pages_shown.py"
    assert listed - page_routes() == set(), "examples of pages that are gone"


@dataclass
class Looker:
    """One browser that looks at pages as one person after another."""

    chromium: Browser
    site: Served
    refs: dict[str, str]
    wrong: dict[str, list[str]] = field(default_factory=dict)
    titles: dict[str, set[str]] = field(default_factory=dict)

    async def look_as(self, who: str, shown: list[tuple[str, str, int]]) -> None:
        """Look at everything that this person is asked to look at."""
        context = await self.chromium.new_context(viewport={"width": 1280, "height": 900}, locale="en-GB")
        try:
            if who:
                await self.become(context, who)
            page = await context.new_page()
            visit = Visit(page, self.site.url, who)
            for route, path, status in shown:
                visit.complaints.clear()
                with visit.refused(*([status] if status >= 400 else [])):
                    faults = await self.look_at(page, route, path, status, who)
                if faults or visit.complaints:
                    self.wrong[f"{path} as {who or 'a visitor'}"] = [*faults, *visit.complaints]
        finally:
            await context.close()

    async def become(self, context: BrowserContext, who: str) -> None:
        """Sign in through the page of the demonstration."""
        ref = next(ref for email, ref in self.refs.items() if email.startswith(who))
        form = await context.request.get(f"{self.site.url}/demo")
        token = re.search(r'name="csrf_token" value="([^"]*)"', await form.text())
        assert token is not None
        fields = {"csrf_token": token[1], "person": ref}
        answer = await context.request.post(
            f"{self.site.url}/demo/sign-in", form=fields, headers={"origin": self.site.url}
        )
        assert answer.ok, await answer.text()

    async def look_at(self, page: Page, route: str, path: str, status: int, who: str) -> list[str]:
        """What is wrong with one page, at both widths."""
        answer = await page.goto(self.site.url + path, wait_until="load")
        assert answer is not None
        if answer.status != status:
            return [f"answered {answer.status}"]
        if status == 200 and page.url.split("/", 3)[3] != path[1:]:
            return [f"went on to {page.url}"]
        faults = []
        headings = await page.locator("h1").count()
        if headings != 1:
            faults.append(f"{headings} first headings")
        self.titles.setdefault(await page.title(), set()).add(route)
        faults += [f"no space in {words!r}" for words in RUN_TOGETHER.findall(await page.inner_text("main"))]
        await page.evaluate(Axe().axe_script)
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": 900})
            narrow = width != WIDTHS[0]
            seen = await page.evaluate(
                "asked => axe.run(asked)", {"resultTypes": ["violations"], **(NARROW if narrow else WIDE)}
            )
            assert len(seen["passes"]) > (0 if narrow else 10), "axe did not look"
            faults += [
                f"{width}: {each['id']} {node['html'][:160]}"
                for each in seen["violations"]
                for node in each["nodes"][:3]
            ]
            reach = await page.evaluate("document.documentElement.scrollWidth")
            if reach > width:
                faults.append(f"{width}: {reach} wide: {await page.evaluate(WIDEST)}")
            if folder := shots():
                name = re.sub(r"[^a-z0-9]+", "-", f"{route}-{who.split('@')[0]}".lower()).strip("-")
                await page.screenshot(path=folder / f"{name}-{path.count('?')}-{width}.png", full_page=True)
        await page.set_viewport_size({"width": WIDTHS[0], "height": 900})
        faults += await self.keyboard(page)
        return faults

    async def keyboard(self, page: Page) -> list[str]:
        """The first stop of the Tab key leads to the content, and one sees where one is."""
        await page.keyboard.press("Tab")
        first = await page.evaluate(FOCUSED)
        if first["text"] == "There is a problem":
            return []
        if "Skip to main content" not in first["text"]:
            return [f"the Tab key stops first at {first['text'][:60]}"]
        return [] if first["seen"] else ["the skip link is not seen"]


RUN_TOGETHER = re.compile(r"[^\n]{0,40}[a-z0-9][.!?][A-Z][a-z]+ [^\n]{0,20}")
"""Two sentences without a space between them, as templates lose the end of a line."""

WIDEST = """[...document.querySelectorAll("main *")].filter((each) => each.getBoundingClientRect().right > innerWidth + 1)
  .slice(0, 3).map((each) => each.outerHTML.slice(0, 120)).join(" | ")"""
FOCUSED = """(() => { const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at);
  return { text: at.textContent.trim(), seen: box.width > 20 && box.height > 10 && box.top >= 0 &&
    (style.outlineStyle !== "none" || style.boxShadow !== "none") }; })()"""


async def test_every_page_is_accessible_to_everybody_who_may_see_it(chromium: Browser, told: Told) -> None:
    by_person: dict[str, list[tuple[str, str, int]]] = {}
    for route, who, path, status in await examples(told):
        by_person.setdefault(who, []).append((route, path, status))
    queue = sorted(by_person.items(), key=lambda item: -len(item[1]))
    looker = Looker(chromium, told.site, await people(told))

    async def look() -> None:
        while queue:
            await looker.look_as(*queue.pop(0))

    await asyncio.gather(*(look() for _ in range(LOOKERS)))
    assert looker.wrong == {}
    assert {title: routes for title, routes in looker.titles.items() if len(routes) > 1} == {}, "two pages, one title"
