"""Fetching from a portal over HTTP, against a server on this machine."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from aiohttp import web

from market import clock
from market.portal import imports, rules
from market.portal.intake import sources
from market.portal.intake.fetching import Patience, Unreachable, fetching
from market.portal.intake.importing import Wanted
from market.portal.intake.sources import Paging
from market.portal.tables import ImportedNotice, ImportRun, Source
from market.refusals import Refused
from tests.market.portal.library import release

HURRY = Patience(between=0, tries=3, first=0, longest=0)


@asynccontextmanager
async def portal(answer: Callable[[web.Request], Any]) -> AsyncIterator[str]:
    """A portal on a free port of this machine that answers every request with `answer`."""

    async def handle(request: web.Request) -> web.StreamResponse:
        given = answer(request)
        return given if isinstance(given, web.StreamResponse) else web.json_response(given)

    application = web.Application()
    application.router.add_get("/{path:.*}", handle)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    assert runner.addresses
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def page(number: int, last: int, request: web.Request, size: int = 3) -> dict[str, Any]:
    """Page `number` of `last`, each with `size` releases."""
    made: dict[str, Any] = {"version": "1.1", "releases": [release(number * size + n) for n in range(size)]}
    if number < last:
        made["links"] = {"next": f"/pages?n={number + 1}"}
    return made


async def run(url: str, **how: Any) -> ImportRun:
    wanted = Wanted("uk-contracts-finder", url)
    return await imports.run(wanted, allow_private=True, patience=HURRY, **how)


@pytest.mark.usefixtures("clean")
async def test_pages_are_followed_to_the_last_and_reading_again_changes_nothing() -> None:
    asked: list[str] = []

    def answer(request: web.Request) -> Any:
        asked.append(str(request.rel_url))
        return page(int(request.query.get("n", 0)), 3, request)

    async with portal(answer) as url:
        first = await run(f"{url}/pages")
        again = await run(f"{url}/pages")
    assert (first.read, first.new) == (12, 12)
    assert asked[:4] == ["/pages", "/pages?n=1", "/pages?n=2", "/pages?n=3"]
    assert (again.read, again.unchanged) == (12, 12)


@pytest.mark.usefixtures("clean")
async def test_a_portal_that_fails_is_asked_again_and_a_run_that_gave_up_goes_on_where_it_stopped() -> None:
    asked: list[str] = []
    down = True

    def answer(request: web.Request) -> Any:
        asked.append(str(request.rel_url))
        number = int(request.query.get("n", 0))
        if number == 1 and asked.count("/pages?n=1") == 1:
            return web.Response(status=429, headers={"retry-after": "0"})
        if number == 2 and down:
            return web.Response(status=503)
        return page(number, 3, request)

    async with portal(answer) as url:
        stopped = await run(f"{url}/pages")
        assert stopped.ended_at is None
        assert "answered 503" in stopped.failure
        assert (stopped.read, asked.count("/pages?n=1"), asked.count("/pages?n=2")) == (6, 2, 3)
        down = False
        ended = await run(f"{url}/pages")
    assert ended.id == stopped.id
    assert (ended.read, ended.new, ended.failure) == (12, 12, "")
    assert asked.count("/pages") == 1


@pytest.mark.usefixtures("clean")
async def test_a_run_can_take_one_page_at_a_time_as_the_job_does() -> None:
    async with portal(lambda request: page(int(request.query.get("n", 0)), 2, request)) as url:
        first = await run(f"{url}/pages", pages=1)
        assert (first.read, first.ended_at) == (3, None)
        second = await run(f"{url}/pages", pages=1)
        third = await run(f"{url}/pages", pages=1)
    assert (second.id, third.id) == (first.id, first.id)
    assert third.read == 9
    assert third.ended_at is not None
    assert await ImportedNotice.count() == 9


@pytest.mark.usefixtures("clean")
async def test_an_empty_last_page_is_no_defect_and_a_circle_is_left() -> None:
    def answer(request: web.Request) -> Any:
        if request.path == "/circle":
            return {**page(0, 0, request), "links": {"next": "/circle"}}
        if "n" in request.query:
            return {"version": "1.1", "releases": []}
        return page(0, 1, request)

    async with portal(answer) as url:
        ended = await run(f"{url}/pages")
        round_and_round = await run(f"{url}/circle")
    assert (ended.read, ended.rejected) == (3, 0)
    assert "in a circle" in round_and_round.failure


@pytest.mark.usefixtures("clean")
async def test_the_job_reads_what_is_due_page_by_page_and_rests_until_it_is_due_again() -> None:
    await sources.settle()
    assert await imports.due() == 0
    async with portal(lambda request: page(int(request.query.get("n", 0)), 1, request)) as url:
        portals = sources.portals()
        name = "uk-contracts-finder"
        before = portals[name]
        portals[name] = msgspec.structs.replace(before, url=f"{url}/pages")
        try:
            await sources.settle()
            await Source.update({Source.every_hours: 24}).where(Source.name == name)
            did = [await imports.due(allow_private=True, patience=HURRY) for _ in range(3)]
            with clock.at(clock.now() + timedelta(hours=25)):
                did.append(await imports.due(allow_private=True, patience=HURRY))
        finally:
            portals[name] = before
    assert did == [3, 3, 0, 3]
    assert await ImportRun.count() == 2


async def test_a_cursor_is_carried_from_the_page_into_the_next_address() -> None:
    answer = {"releases": [1], "meta": {"after": "ab/c="}}
    async with portal(lambda _: answer) as url, fetching(HURRY, allow_private=True) as fetcher:
        paging = Paging(by="cursor", field="meta.after", parameter="after")
        first = await fetcher.page(f"{url}/x?limit=5&after=old", paging)
        assert first.next == f"{url}/x?limit=5&after=ab%2Fc%3D"
        assert json.loads(first.path.read_bytes()) == answer
        assert (await fetcher.page(f"{url}/x", None)).next is None
    assert not first.path.exists()


async def test_a_page_that_is_not_there_is_said_at_once() -> None:
    count = 0

    def answer(_: web.Request) -> web.Response:
        nonlocal count
        count += 1
        return web.Response(status=404)

    async with portal(answer) as url, fetching(HURRY, allow_private=True) as fetcher:
        with pytest.raises(Unreachable, match="answered 404"):
            await fetcher.page(f"{url}/x", None)
    assert count == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/x",
        "http://localhost/x",
        "http://[::1]/x",
        "http://10.0.0.7/x",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:127.0.0.1]/x",
        "http://0.0.0.0/x",
    ],
)
async def test_an_address_that_only_this_server_can_reach_is_refused(url: str) -> None:
    async with fetching(HURRY) as fetcher:
        with pytest.raises(Refused) as refused:
            await fetcher.page(url, None)
    assert refused.value.reasons[0].code == "portal.address-private"


async def test_a_redirect_leads_no_further_than_an_address_would() -> None:
    def answer(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"location": "file:///etc/passwd" if request.path == "/a" else "/b"})

    async with portal(answer) as url, fetching(HURRY, allow_private=True) as fetcher:
        with pytest.raises(Refused, match="not an address of the web"):
            await fetcher.page(f"{url}/a", None)
        with pytest.raises(Unreachable, match="without end"):
            await fetcher.page(f"{url}/b", None)


def test_only_addresses_of_the_web_are_read() -> None:
    assert rules.web_address("ftp://portal.example/x") is not None
