"""Questions to a Meilisearch server, over connections that are kept.

A search is one small request to one server, thousands of times: a general HTTP client spends more of our time on it than
the rest of a search takes. This knows the one case there is (RFC 9112): a POST of JSON, answered with a length or in
chunks, on a connection that stays. It asks for uncompressed answers, because a compressed kept-alive answer of this server
stalls by some 40 ms. Whatever else arrives ends the connection and raises an OSError.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

AT_ONCE = 64
"""Connections to the server at one time; whoever comes later waits."""
TO_ANSWER = 8.0
TO_CONNECT = 2.0
LARGEST = 64 * 2**20
"""Bytes of an answer that are read; a page of results has some twenty thousand."""

_HEAD_ENDS = b"\r\n\r\n"


class Broken(ConnectionError):
    """The other side went away, or said what is no answer to a request."""


class _Unanswered(Broken):
    """Not one byte came back."""


class _Connection:
    """One connection, asked one thing at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.stays = True

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Send it; the status and the body that come back."""
        self.writer.write(request)
        try:
            head = await self.reader.readuntil(_HEAD_ENDS)
        except (asyncio.IncompleteReadError, ConnectionError) as gone:
            said = gone.partial if isinstance(gone, asyncio.IncompleteReadError) else b""
            raise (Broken if said else _Unanswered)("the server closed the connection") from gone
        except asyncio.LimitOverrunError as endless:
            raise Broken("the server does not answer in HTTP/1.1") from endless
        try:
            return await self._body(head)
        except (ValueError, KeyError, asyncio.IncompleteReadError) as wrong:
            raise Broken("the server does not answer in HTTP/1.1, or broke off") from wrong

    async def _body(self, head: bytes) -> tuple[int, bytes]:
        first, *lines = head[:-4].split(b"\r\n")
        version, status = first.split(b" ", 2)[:2]
        if version != b"HTTP/1.1":
            raise ValueError(version)
        said = {name.lower(): value.strip().lower() for name, _, value in (line.partition(b":") for line in lines)}
        self.stays = said.get(b"connection") != b"close"
        if said.get(b"transfer-encoding") == b"chunked":
            return int(status), await self._chunks()
        return int(status), await self.reader.readexactly(_size(said[b"content-length"], 10))

    async def _chunks(self) -> bytes:
        found: list[bytes] = []
        while size := _size((await self.reader.readline()).partition(b";")[0], 16):
            found.append((await self.reader.readexactly(size + 2))[:-2])
            if sum(map(len, found)) > LARGEST:
                raise ValueError("too large")
        while (await self.reader.readline()).strip():
            pass
        return b"".join(found)

    def end(self) -> None:
        """Close it, whatever is still under way."""
        self.stays = False
        self.writer.transport.abort()


class Wire:
    """The connections of one event loop to one server; `key` is sent with every request."""

    def __init__(self, url: str, key: str | None) -> None:
        parts = urlsplit(url)
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or "localhost"
        self._port = parts.port or (443 if self._secure else 80)
        self._path = parts.path.rstrip("/")
        self._head = f"Host: {parts.netloc.rpartition('@')[2]}\r\nAccept-Encoding: identity\r\nContent-Type: application/json\r\n"
        if key:
            self._head += f"Authorization: Bearer {key}\r\n"
        self.loop = asyncio.get_running_loop()
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._idle: list[_Connection] = []

    async def post(self, path: str, body: bytes) -> tuple[int, bytes]:
        """Ask; the status and the body of the answer. An OSError when none comes in time.

        A kept connection that was closed meanwhile answers nothing: the question is then put once more, on a new one.
        """
        request = f"POST {self._path}{path} HTTP/1.1\r\n{self._head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        async with self._turns, asyncio.timeout(TO_ANSWER):
            while self._idle:
                try:
                    return await self._over(self._idle.pop(), request)
                except _Unanswered:
                    continue
            return await self._over(await self._connect(), request)

    async def _over(self, connection: _Connection, request: bytes) -> tuple[int, bytes]:
        try:
            answer = await connection.ask(request)
        except BaseException:
            connection.end()
            raise
        if connection.stays:
            self._idle.append(connection)
        else:
            connection.end()
        return answer

    async def _connect(self) -> _Connection:
        async with asyncio.timeout(TO_CONNECT):
            opened = await asyncio.open_connection(self._host, self._port, ssl=self._secure or None, limit=2**20)
        return _Connection(*opened)

    def close(self) -> None:
        """Close the connections that are idle; those in use end with their questions' loop."""
        while self._idle:
            self._idle.pop().end()


def _size(text: bytes, base: int) -> int:
    size = int(text, base)
    if not 0 <= size <= LARGEST:
        raise ValueError("too large")
    return size
