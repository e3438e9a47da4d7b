"""A real browser for journeys: Chromium, and people who find things by their labels as anybody would.

A visit fails on everything a browser complains of: an error in the console (a breach of the content security policy is
one), an exception of a script, an answer of this site that was not asked for, a request to any other site.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Dialog,
    Locator,
    Page,
    Request,
    Response,
    expect,
)
from playwright.async_api import (
    TimeoutError as TookTooLong,
)

from tests.waiting import until_awaited

CONFIRM = "Confirm with your passkey"
"""The title of the page that asks for a key."""

PAUSE = 250
"""Milliseconds in which a page may still say it, before it is loaded again."""


def shots() -> Path | None:
    """Where to keep screenshots: the folder named by PRELUDE_SHOTS, or nowhere."""
    named = os.environ.get("PRELUDE_SHOTS")
    if not named:
        return None
    folder = Path(named)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def named(label: str) -> re.Pattern[str]:
    """A field's label, whether or not the page says that the field may be left empty, for good or until publication."""
    return re.compile(rf"^\s*{re.escape(label)}(\s*\((optional|needed to \w+)\))?\s*$")


class Visit:
    """Somebody at a browser of her own. `place` is where a form or list is looked for: the page, or a part of it."""

    def __init__(self, page: Page, site: str, name: str, email: str = "", password: str = "") -> None:
        self.page, self.site, self.name = page, site, name
        self.email, self.password = email, password
        self.complaints: list[str] = []
        self._expected: set[int] = set()
        page.context.on("console", self._said)
        page.context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))
        page.context.on("response", self._answered)
        page.context.on("requestfailed", self._failed)
        page.on("dialog", self._agree)

    # ── what the browser complains of ───────────────────────────────────────────────────────────────────────────────

    def _said(self, message: ConsoleMessage) -> None:
        # A refused form (409, 422) is an answer; the browser notes it as an error, and `_answered` judges it.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(f"console: {message.text}")

    def _answered(self, answer: Response) -> None:
        if not answer.url.startswith(self.site):
            self.complaints.append(f"another site: {answer.url}")
        elif answer.status >= 400 and answer.status not in self._expected:
            self.complaints.append(f"{answer.status}: {answer.request.method} {urlsplit(answer.url).path}")

    def _failed(self, request: Request) -> None:
        # Going on before a page is whole, and downloads, end requests: the browser calls that aborted.
        if request.failure != "net::ERR_ABORTED":
            self.complaints.append(f"{request.failure}: {request.url}")

    async def _agree(self, dialog: Dialog) -> None:
        await dialog.accept()

    @contextmanager
    def refused(self, *statuses: int) -> Iterator[None]:
        """Inside, answers with these statuses are what is wanted."""
        self._expected = set(statuses)
        yield
        self._expected = set()

    # ── going about ─────────────────────────────────────────────────────────────────────────────────────────────────

    async def go(self, path: str) -> None:
        """Open an address of the site; whoever was signed out meanwhile signs in on the way."""
        await self.page.goto(self.site + path, wait_until="domcontentloaded")
        await self._on_the_way()

    async def _on_the_way(self) -> None:
        if self.path == "/sign-in" and self.email:
            await self.give_password()

    async def sign_in(self) -> None:
        """Sign in as one does who comes from nowhere in particular: to the desk."""
        await self.go("/desk")
        await self.headed("Your desk")

    async def give_password(self) -> None:
        """Fill in the form of signing in."""
        await self.fill("Email address", self.email)
        await self.fill("Password", self.password)
        await self.press("Sign in")

    async def sign_out(self) -> None:
        """End the session with the button in the header."""
        async with self.page.expect_navigation(wait_until="domcontentloaded"):
            await self.page.get_by_role("button", name="Sign out", exact=True).click()

    async def desk(self, waiting: str) -> None:
        """Go to the desk and from there to something that waits."""
        await self.go("/desk")
        await self.follow(waiting, self.page.get_by_role("region", name="Waiting for you"))

    async def follow(self, text: str, place: Locator | None = None) -> None:
        """Click a link (or a link that looks like a button) by its words."""
        here = place or self.main
        link = here.get_by_role("link", name=text).or_(here.get_by_role("button", name=text)).first
        async with self.page.expect_navigation(wait_until="domcontentloaded"):
            await link.click()
        await self._on_the_way()

    async def press(self, text: str, place: Locator | None = None) -> None:
        """Press a button of a form, and wait for the page that answers; where it binds others, confirm with the key that the
        demonstration lends."""
        async with self.page.expect_navigation(wait_until="domcontentloaded"):
            await (place or self.main).get_by_role("button", name=text, exact=True).click()
        if (await self.page.title()).startswith(CONFIRM):
            # The page that asks for the key is an answer (403), which the browser notes as an error.
            self.complaints = [each for each in self.complaints if not each.startswith("403: POST ")]
            async with self.page.expect_navigation(wait_until="domcontentloaded"):
                await self.main.get_by_role("button", name="Touch the demonstration key", exact=True).click()

    async def gets_a_device(self) -> None:
        """From now on a passkey can be made and used here: a virtual authenticator that confirms its owner."""
        devices = await self.page.context.new_cdp_session(self.page)
        await devices.send("WebAuthn.enable")
        device = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        await devices.send("WebAuthn.addVirtualAuthenticator", {"options": device})

    # ── filling in ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def main(self) -> Locator:
        """The main part of the page."""
        return self.page.get_by_role("main")

    def group(self, legend: str) -> Locator:
        """Fields that belong together, by their legend."""
        return self.main.get_by_role("group", name=legend)

    async def fill(self, label: str, text: str, place: Locator | None = None) -> None:
        """Type into the field with this label."""
        await (place or self.main).get_by_label(named(label)).fill(text)

    async def fields(self, place: Locator | None = None, **texts: str) -> None:
        """Type into several fields; their labels in the order given, underscores for spaces."""
        for label, text in texts.items():
            await self.fill(label.replace("_", " "), text, place)

    async def select(self, label: str, option: str) -> None:
        """Choose from a list."""
        await self.main.get_by_label(named(label)).select_option(label=option)

    async def choose(self, option: str) -> None:
        """Choose one of several."""
        await self.main.get_by_role("radio", name=option, exact=True).check()

    async def tick(self, label: str) -> None:
        """Tick a box."""
        await self.main.get_by_role("checkbox", name=label).check()

    async def unfold(self, summary: str) -> None:
        """Open what is folded away."""
        await self.main.locator("summary", has_text=summary).click()

    # ── looking ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def sees(self, *texts: str) -> None:
        """The page says each of these."""
        for text in texts:
            await expect(self.main).to_contain_text(text)

    async def sees_not(self, *texts: str) -> None:
        """The page says none of these."""
        for text in texts:
            await expect(self.main).not_to_contain_text(text)

    async def headed(self, text: str) -> None:
        """The page's heading."""
        await expect(self.page.get_by_role("heading", level=1)).to_contain_text(text)

    async def mended(self, *mistakes: str) -> None:
        """The summary names these mistakes, each a link to its field, which says the same."""
        summary = self.page.locator(".govuk-error-summary")
        for mistake in mistakes:
            link = summary.get_by_role("link", name=mistake)
            target = await link.get_attribute("href")
            assert target, mistake
            assert target.startswith("#"), mistake
            await expect(self.page.locator(f"#{target[1:]}-error")).to_contain_text(mistake)
            await link.click()
            await expect(self.page.locator(target)).to_be_focused()

    async def until(self, text: str) -> None:
        """Load the page again until the worker has done its part and the page says so."""

        async def said() -> bool:
            if await self.main.get_by_text(text).count():
                return True
            await self.page.reload(wait_until="domcontentloaded")
            try:
                await self.main.get_by_text(text).first.wait_for(timeout=PAUSE)
            except TookTooLong:
                return False
            return True

        await until_awaited(said, lambda: f"{self.path} never says “{text}”")

    @property
    def path(self) -> str:
        """Where she is."""
        return urlsplit(self.page.url).path

    def ref(self, kind: str) -> str:
        """The reference of the record whose page this is: the part of the address after `kind`."""
        found = re.search(rf"/{kind}/([A-Z]+-[0-9A-Z]+)", self.page.url)
        assert found, f"{self.page.url} is not a page of {kind}"
        return found[1]

    def holds(self) -> None:
        """Nothing was complained of."""
        assert self.complaints == [], f"{self.name}: {self.complaints}"


@asynccontextmanager
async def visit(
    chromium: Browser,
    site: str,
    name: str,
    email: str = "",
    password: str = "",
    *,
    scripts: bool = True,
    width: int = 1280,
) -> AsyncIterator[Visit]:
    """Somebody at a browser of her own, closed at the end."""
    context = await chromium.new_context(
        viewport={"width": width, "height": 900}, java_script_enabled=scripts, accept_downloads=True, locale="en-GB"
    )
    try:
        yield Visit(await context.new_page(), site, name, email, password)
    finally:
        await context.close()
