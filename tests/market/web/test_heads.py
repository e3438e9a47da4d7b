"""HEAD wherever GET is answered."""

from __future__ import annotations

import pytest
from litestar import Litestar

from tests import given

pytestmark = pytest.mark.usefixtures("clean")

ADDRESSES = (
    "/",
    "/challenges",
    "/search?q=drone",
    "/log",
    "/api/v1/tenders",
    "/api/ocds/records",
    "/nothing-here",
    "/desk",
)


@pytest.mark.parametrize("path", ADDRESSES)
async def test_head_answers_as_get_does_without_the_body(app: Litestar, path: str) -> None:
    async with given.browser(app) as client:
        asked, told = await client.head(path), await client.get(path)
    assert asked.status_code == told.status_code
    assert asked.content == b""
    assert asked.headers["content-type"] == told.headers["content-type"]
    assert asked.headers["content-security-policy"] == told.headers["content-security-policy"]


async def test_head_is_refused_where_nothing_can_be_read(app: Litestar) -> None:
    async with given.browser(app) as client:
        answer = await client.head("/sign-out/now", headers={"accept": "text/html"})
        posted = await client.head("/account/passkeys/options")
    assert answer.status_code == 404
    assert posted.status_code == 405
    assert set(posted.headers["allow"].split(", ")) == {"OPTIONS", "POST"}
