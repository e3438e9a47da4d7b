"""The installed Chromium, for every test that looks at pages as a person does."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.async_api import Browser

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

PATIENCE = 30_000
"""Milliseconds that anything on a page is waited for, as Playwright waits for a page; its five seconds for what is expected on one
are too few where others use the processor."""


@pytest.fixture(scope="module")
async def chromium() -> AsyncIterator[Browser]:
    """A browser. Where there is none the tests that need it are skipped, and fail with CI=true."""
    from playwright.async_api import async_playwright, expect

    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed")
        pytest.skip("Chromium is not installed")
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield started
        await started.close()
