"""Fetches what a portal publishes over HTTP: politely, into a file, and only from the public internet.

A portal that is busy (429, 5xx, a broken connection) is asked again after a pause that doubles, or after what its
`Retry-After` says. Only http and https are spoken. An address that leads to this machine or to a private network is
refused, by name, by number and after every redirect, because the operator's server can reach what strangers may not
(OWASP: server-side request forgery); the check is made on the very addresses that are then connected to.
"""

from __future__ import annotations

import asyncio
import hashlib
import ipaddress
import socket
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

import aiohttp
import msgspec
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from market import VERSION
from market.portal import rules
from market.portal.intake import reading
from market.portal.intake.sources import Paging
from market.refusals import insist
from market.wording import _

LARGEST = 16 * 1024**3
"""The most bytes one address may send; more is refused, so that a portal gone wrong does not fill the disk."""

LARGEST_PAGE = 64 * 1024**2
"""A larger document is a file, not a page: nothing follows it."""

_BUSY = {408, 425, 429, 500, 502, 503, 504}
_MOVED = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Patience:
    """How a portal is treated: seconds between two requests, how often a failed one is made, the first pause after a
    failure (it doubles), and the longest pause a portal may ask for."""

    between: float = 1.0
    tries: int = 6
    first: float = 2.0
    longest: float = 300.0


class Unreachable(Exception):
    """The portal did not answer as it should, told in a sentence."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one address sent: the file it was written to, the SHA-256 of its bytes, and the address of the page after it.
    `empty` says that the page is sound and holds no release, as the last one often does."""

    url: str
    path: Path
    digest: str
    next: str | None
    empty: bool


class _PublicOnly(AbstractResolver):
    """Looks names up and refuses the whole name when any of its addresses is not public."""

    def __init__(self) -> None:
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        insist((rules.public_address,), host, [each["host"] for each in found])
        return found

    async def close(self) -> None:
        await self._inner.close()


def _public_socket(where: tuple[Any, ...]) -> socket.socket:
    """The last look, at the very address that is connected to: digits can be written in more ways than a check of names
    foresees (the client reads those of other scripts as ours)."""
    family, kind, protocol, _, address = where
    insist((rules.public_address,), address[0], [address[0]])
    return socket.socket(family, kind, protocol)


class Fetcher:
    """One conversation with one portal. Use :func:`fetching`."""

    def __init__(
        self, session: aiohttp.ClientSession, folder: Path, patience: Patience, *, allow_private: bool
    ) -> None:
        self._session, self._folder, self._patience, self._private = session, folder, patience, allow_private
        self._asked = False

    async def page(self, url: str, paging: Paging | None) -> Page:
        """Fetch one address to the end. Raises :class:`Unreachable`, or `Refused` for an address that must not be asked."""
        waits = self._patience.first
        for left in range(self._patience.tries - 1, -1, -1):
            if self._asked and self._patience.between:
                await asyncio.sleep(self._patience.between)
            self._asked = True
            try:
                return await self._once(url, paging)
            except _Busy as busy:
                if not left:
                    raise Unreachable(_("{url} could not be read: {words}.", url=url, words=busy.words)) from busy
                pause = min(busy.after if busy.after is not None else waits, self._patience.longest)
                waits *= 2
                await asyncio.sleep(pause)
        raise AssertionError("patience has at least one try")

    async def _once(self, url: str, paging: Paging | None) -> Page:
        target = url
        for _turn in range(6):
            self._refuse(target)
            try:
                async with self._session.get(target, allow_redirects=False) as answer:
                    if answer.status in _MOVED and "location" in answer.headers:
                        target = urljoin(target, answer.headers["location"])
                        continue
                    if answer.status in _BUSY:
                        raise _Busy(
                            _("the portal answered {status}", status=answer.status),
                            _after(answer.headers.get("retry-after")),
                        )
                    if answer.status != 200:
                        raise Unreachable(
                            _("{url} could not be read: the portal answered {status}.", url=url, status=answer.status)
                        )
                    path, digest, size = await self._written(answer)
            except (aiohttp.ClientError, TimeoutError) as error:
                if (refused := _refusal(error)) is not None:
                    raise refused from error
                raise _Busy(_("the connection failed ({name})", name=type(error).__name__), None) from error
            following, empty = _what_follows(path, size, url, paging)
            return Page(url, path, digest, following, empty)
        raise Unreachable(_("{url} could not be read: it leads from one address to the next without end.", url=url))

    def _refuse(self, url: str) -> None:
        insist((rules.web_address,), url)
        if self._private:
            return
        host = urlsplit(url).hostname or ""
        with suppress(ValueError):
            insist((rules.public_address,), host, [str(ipaddress.ip_address(host))])
        insist((rules.web_port,), url)

    async def _written(self, answer: aiohttp.ClientResponse) -> tuple[Path, str, int]:
        digest, size = hashlib.sha256(), 0
        handle = tempfile.NamedTemporaryFile(dir=self._folder, suffix=".page", delete=False)  # noqa: SIM115
        with handle:
            async for piece in answer.content.iter_chunked(1024 * 256):
                digest.update(piece)
                size += len(piece)
                if size > LARGEST:
                    raise Unreachable(_("{url} sends more than 16 GB; it was not read further.", url=answer.url))
                handle.write(piece)
        return Path(handle.name), digest.hexdigest(), size


class _Busy(Exception):
    def __init__(self, words: str, after: float | None) -> None:
        super().__init__(words)
        self.words, self.after = words, after


@asynccontextmanager
async def fetching(patience: Patience | None = None, *, allow_private: bool = False) -> AsyncIterator[Fetcher]:
    """A :class:`Fetcher` whose files last as long as this block. `allow_private` lifts the refusal of private addresses."""
    connector = (
        aiohttp.TCPConnector(limit=2, resolver=ThreadedResolver())
        if allow_private
        else aiohttp.TCPConnector(limit=2, resolver=_PublicOnly(), socket_factory=_public_socket)
    )
    with tempfile.TemporaryDirectory(prefix="portal-") as folder:
        async with aiohttp.ClientSession(
            connector=connector,
            headers={"user-agent": f"Prelude/{VERSION}", "accept": "application/json, text/csv, */*"},
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=30, sock_read=120),
        ) as session:
            yield Fetcher(session, Path(folder), patience or Patience(), allow_private=allow_private)


def _after(said: str | None) -> float | None:
    return float(said) if said and said.strip().isdigit() else None


def _refusal(error: BaseException | None) -> BaseException | None:
    """The refusal of the resolver, however the client wrapped it."""
    from market.refusals import Refused

    while error is not None:
        if isinstance(error, Refused):
            return error
        error = error.__cause__ or error.__context__
    return None


def _what_follows(path: Path, size: int, url: str, paging: Paging | None) -> tuple[str | None, bool]:
    if paging is None or size > LARGEST_PAGE:
        return None, False
    try:
        page = reading.decode(path.read_bytes(), dict[str, msgspec.Raw])
    except reading.NOT_JSON:
        return None, False
    lists = [bytes(page[key]).strip() for key in ("releases", "records") if key in page]
    empty = bool(lists) and all(each in (b"[]", b"null") or not each[1:-1].strip() for each in lists)
    found = _at(page, "links.next" if paging.by == "links.next" else paging.field)
    if not found or empty:
        return None, empty
    if paging.by == "links.next":
        return urljoin(url, found), empty
    parts = urlsplit(url)
    asked = [(key, value) for key, value in parse_qsl(parts.query) if key != paging.parameter]
    return urlunsplit(parts._replace(query=urlencode([*asked, (paging.parameter, found)]))), empty


def _at(page: dict[str, msgspec.Raw], path: str) -> str:
    first, *steps = path.split(".")
    value = msgspec.json.decode(page[first]) if first in page else None
    for step in steps:
        value = value.get(step) if isinstance(value, dict) else None
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
