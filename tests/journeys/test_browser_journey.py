"""The whole main journey in Chromium, by clicking, with a virtual authenticator for the minister's passkey."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.journeys.clicking import FROM_THE_PASSKEY, UP_TO_THE_PASSKEY, begun
from tests.served import served

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def test_from_a_problem_to_an_audited_contract_by_clicking(chromium: Browser, tmp_path: Path) -> None:
    with served(tmp_path) as site:
        async with begun(chromium, site, tmp_path, scripts=True) as journey:
            await journey.play(*UP_TO_THE_PASSKEY, *FROM_THE_PASSKEY)
