"""The standard that decides, by clicking in Chromium: an award that is refused until the winner's API passes, and a firm
whose access is withheld when its API stops passing, and comes back by itself when it passes again."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import Browser

from tests.journeys.browser import Visit, visit
from tests.journeys.standing import PASSWORD
from tests.market.standards.documents import failing, good
from tests.served import ROOT, Served, served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SERVICE = "Findings of inspections"
DOES = "Tells a council what an inspection of a bridge found, bridge by bridge."
WHY = "It meets the need best and the price is fair for what is offered."


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A site on which a tender that names a profile waits for its decision."""
    with served(tmp_path_factory.mktemp("standards")) as running:
        yield running


@pytest.fixture(scope="module")
def stage(site: Served) -> dict[str, str]:
    """What was entered; the site's clock is turned to two days after the opening."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.journeys.standing"],
        cwd=ROOT,
        env=site.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    entered: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    site.move_clock(datetime.fromisoformat(entered["now"]) - datetime.now(UTC))
    return entered


async def listed(firm: Visit, offer: str) -> None:
    """List a service, offered for a tender, and come to the page where its document is lodged."""
    await firm.go(f"/components/mine?offer={offer}")
    await firm.follow("List a service")
    await firm.fill("Name", SERVICE)
    await firm.fill("What it does", DOES)
    await firm.tick("UK core profile")
    await firm.press("List it")
    await firm.headed("Lodge its OpenAPI document")


async def lodged(firm: Visit, document: bytes) -> None:
    """Paste a document and read the result."""
    await firm.fill("Or paste it here", document.decode())
    await firm.press("Lodge and check")
    await firm.headed("The latest result")


async def test_an_award_is_refused_until_the_api_passes(
    chromium: Browser,
    site: Served,
    stage: dict[str, str],
) -> None:
    async with AsyncExitStack() as stack:
        buyer = await stack.enter_async_context(visit(chromium, site.url, "buyer", stage["buyer"], PASSWORD))
        heron = await stack.enter_async_context(visit(chromium, site.url, "heron", stage["heron"], PASSWORD))
        await buyer.sign_in()
        await buyer.go(f"/tenders/{stage['tender']}/evaluation/lots/{stage['lot']}")
        await buyer.choose("Heron Ltd")
        await buyer.fill("Reasons", WHY)
        with buyer.refused(409):
            await buyer.press("Decide the lot")
        await buyer.sees("There is no certificate under uk-core 1.0.0: the supplier has lodged no API for it")

        await heron.sign_in()
        await listed(heron, stage["tender"])
        await lodged(heron, failing())
        await heron.sees("Fail", "There is somebody to ask", "to mend before it passes", "No certificate is in force")
        with buyer.refused(409):
            await buyer.press("Decide the lot")
        await buyer.sees("The supplier mends them")

        await heron.follow("Lodge a newer document")
        await lodged(heron, good())
        await heron.sees("Pass", "Certified until", "Take the certificate")
        await buyer.press("Decide the lot")
        await buyer.headed("Lot 1 goes to Heron Ltd")
        buyer.holds()
        heron.holds()


async def test_access_is_withheld_and_comes_back_by_itself(
    chromium: Browser,
    site: Served,
    stage: dict[str, str],
) -> None:
    bid = f"/tenders/{stage['later']}/lots/{stage['later_lot']}/bid"
    async with AsyncExitStack() as stack:
        kestrel = await stack.enter_async_context(visit(chromium, site.url, "kestrel", stage["kestrel"], PASSWORD))
        public = await stack.enter_async_context(visit(chromium, site.url, "public"))
        await kestrel.sign_in()
        await listed(kestrel, stage["later"])
        await lodged(kestrel, good())
        await kestrel.sees("Certified until")
        await kestrel.follow("Lodge a newer document")
        await lodged(kestrel, failing())
        await kestrel.go("/components/mine")
        await kestrel.sees("no longer passes uk-core 1.0.0")
        await kestrel.go(bid)
        await kestrel.sees_not("Access is withheld")

        site.move_clock(timedelta(days=20))
        await kestrel.go(bid)
        await kestrel.sees("Access is withheld")
        await kestrel.go("/components/mine")
        await kestrel.follow("The notice, and how to appeal")
        await kestrel.sees("Access withheld", "Why this is wrong", "Access returns by itself")
        await public.go("/standards/register")
        await public.sees("Kestrel Ltd", "Access withheld", "no longer passes")

        await kestrel.go("/components/mine")
        await kestrel.follow("Lodge a document")
        await lodged(kestrel, good("1.2.2"))
        await kestrel.sees("Certified until")
        await kestrel.go(bid)
        await kestrel.sees_not("Access is withheld")
        await public.go("/standards/register")
        await public.sees("The check passed", "Withheld until")
        await public.go("/letters")
        await public.until("Your access is back")
        await public.sees("Your access is withheld until the API", "Your access is back")
        kestrel.holds()
        public.holds()
