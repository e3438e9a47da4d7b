"""Questions over kept connections, with a server of our own that answers as it is told."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from search import wire
from search.wire import Broken, Wire

Answering = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@asynccontextmanager
async def answered_by(answering: Answering, path: str = "") -> AsyncIterator[tuple[Wire, list[int]]]:
    """A wire to a server that does so with each connection, and the connections that were made."""
    made: list[int] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        made.append(len(made))
        try:
            await answering(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    opened = Wire(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}{path}", "a key")
    try:
        yield opened, made
    finally:
        opened.close()
        server.close()


async def question(reader: asyncio.StreamReader) -> bytes:
    """One whole request; empty when there is none."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    return head + await reader.readexactly(length)


def always(answer: bytes, times: int = 1000) -> Answering:
    """The same bytes for so many questions, then the connection is closed."""

    async def answering(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(times):
            if not await question(reader):
                return
            writer.write(answer)
            await writer.drain()

    return answering


async def test_one_connection_serves_one_question_after_the_other() -> None:
    async with answered_by(always(LENGTH)) as (to, made):
        assert [await to.post("/multi-search", b"[1]") for _ in range(5)] == [(200, b"{}")] * 5
        assert made == [0]


async def test_the_question_carries_key_and_length_and_asks_for_plain_bytes() -> None:
    heard: list[bytes] = []

    async def listening(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await question(reader))
        writer.write(LENGTH)

    async with answered_by(listening, "/behind/a/proxy") as (to, _):
        await to.post("/multi-search", b"[1,2]")
    head, _, body = heard[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /behind/a/proxy/multi-search HTTP/1.1\r\nHost: 127.0.0.1:")
    assert {b"Accept-Encoding: identity", b"Authorization: Bearer a key", b"Content-Length: 5"} <= set(
        head.split(b"\r\n")
    )
    assert body == b"[1,2]"


async def test_an_answer_in_chunks_is_put_together_and_the_connection_stays() -> None:
    chunks = b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n"
    async with answered_by(always(chunks)) as (to, made):
        assert [await to.post("/", b"") for _ in range(2)] == [(202, b"abc0123456789")] * 2
        assert made == [0]


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced_unnoticed() -> None:
    async with answered_by(always(LENGTH, times=1)) as (to, made):
        assert [await to.post("/", b"") for _ in range(3)] == [(200, b"{}")] * 3
        assert made == [0, 1, 2]


async def test_a_connection_that_shall_not_stay_is_not_used_again() -> None:
    async with answered_by(always(b"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n")) as (to, made):
        assert [await to.post("/", b"") for _ in range(2)] == [(200, b"")] * 2
        assert made == [0, 1]


@pytest.mark.parametrize(
    "nonsense",
    [
        b"",
        b"220 mail.example ESMTP\r\n\r\n",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 two hundred\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nbroken off",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nno size\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 2**21,
    ],
)
async def test_what_is_no_answer_raises_one_named_error(nonsense: bytes) -> None:
    async with answered_by(always(nonsense, times=1)) as (to, _):
        with pytest.raises(Broken):
            await to.post("/", b"")


async def test_a_server_that_says_nothing_is_waited_for_so_long_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "TO_ANSWER", 0.05)
    silent = asyncio.Event()

    async def saying_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent.wait()

    async with answered_by(saying_nothing) as (to, _):
        with pytest.raises(TimeoutError):
            await to.post("/", b"")
        silent.set()


async def test_many_questions_at_once_share_a_bounded_number_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "AT_ONCE", 4)
    async with answered_by(always(LENGTH)) as (to, made):
        assert await asyncio.gather(*(to.post("/", b"") for _ in range(50))) == [(200, b"{}")] * 50
        assert len(made) <= 4
