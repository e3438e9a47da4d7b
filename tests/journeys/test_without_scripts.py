"""The journey in browsers that run no script, as far as it goes without a passkey: up to the minister's signature."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from tests.journeys.clicking import UP_TO_THE_PASSKEY, begun
from tests.served import served

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def test_everything_but_the_passkey_works_without_scripts(chromium: Browser, tmp_path: Path) -> None:
    with served(tmp_path) as site:
        async with begun(chromium, site, tmp_path, scripts=False) as journey:
            await journey.play(*UP_TO_THE_PASSKEY)
            minister = journey.minister
            await minister.desk("Sign or refuse")
            await minister.sees("A passkey needs a script in this page, and scripts are switched off.")
            await expect(minister.main.get_by_role("button", name="Sign with your passkey")).to_be_hidden()
            minister.holds()
