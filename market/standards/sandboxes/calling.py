"""Calls to an address a supplier named: to the very address that was judged public (:mod:`market.egress`), and bounded.

TLS still verifies the host name. Redirects are not followed, proxies of the environment are not used, and requests, bytes
and seconds are counted. An explicit setting permits loopback for the demonstration and the tests; nothing else is ever
permitted.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic, sleep
from urllib.parse import urlsplit

from market.egress import Forbidden, Resolve, address, check_addresses, check_port, is_loopback, look_up
from market.wording import _

LARGEST = 2_000_000
"""Bytes read of one answer, unless the guard is given another number."""


class Exhausted(Exception):
    """The run used up its requests, bytes or seconds."""


class Unreachable(Exception):
    """Nobody answered, or not in HTTP."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer: status, headers in lower case, the body as far as it was read, and the milliseconds it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    milliseconds: int
    reason: str = ""


@dataclass(slots=True)
class Guard:
    """What may be called, and how much. `own_hosts` are the platform's own names, which suppliers may not point us at."""

    loopback: bool = False
    own_hosts: frozenset[str] = frozenset()
    requests: int = 200
    volume: int = 20_000_000
    seconds: float = 60.0
    timeout: float = 5.0
    """Seconds of silence after which a connection is given up."""
    patience: float = 15.0
    """Seconds one request may take in all: an answer that drips for ever is cut off."""
    largest: int = LARGEST
    pace: float = 0.0
    """Seconds between the beginnings of two requests, at least."""
    log: list[tuple[str, str, int]] = field(default_factory=list)
    _began: float = field(default_factory=monotonic)
    _last: float = 0.0

    def permitted(self, url: str, resolve: Resolve | None = None) -> tuple[str, str, int, str]:
        """Scheme, host, port and the checked address for a URL. Raises :class:`Forbidden`."""
        scheme, host, port = address(url, ("https", "http") if self.loopback else ("https",))
        if host.rstrip(".").lower() in self.own_hosts:
            raise Forbidden(_("The address is this platform's own."))
        addresses = (resolve or look_up)(host, port)
        if not addresses:
            raise Forbidden(_("{host} has no address.", host=host))
        if not (self.loopback and all(map(is_loopback, addresses))):
            address(url)  # http is for this machine alone
            check_port(scheme, port)
            check_addresses(host, addresses)
        return scheme, host, port, addresses[0]

    def fetch(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        resolve: Resolve | None = None,
    ) -> Reply:
        """Make one request. Raises :class:`Forbidden`, :class:`Exhausted` or :class:`Unreachable`."""
        if len(self.log) >= self.requests:
            raise Exhausted(_("{requests} requests were made.", requests=self.requests))
        if monotonic() - self._began > self.seconds:
            raise Exhausted(_("{seconds:.0f} seconds were used.", seconds=self.seconds))
        if self.volume <= 0:
            raise Exhausted(_("The bytes of the run were used up."))
        scheme, host, port, judged = self.permitted(url, resolve)
        sleep(max(0.0, self._last + self.pace - monotonic()))
        self._last = monotonic()
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        began = monotonic()
        connection = _Connection(scheme, host, port, judged, self.timeout)
        timer = threading.Timer(min(self.patience, max(0.1, self.seconds - (began - self._began))), connection.abort)
        timer.daemon = True
        timer.start()
        try:
            connection.request(method, target, body=body, headers=dict(headers or {}))
            answer = connection.getresponse()
            data = answer.read(min(self.largest, self.volume) + 1)
            if connection.aborted:
                raise TimeoutError
            spent = int((monotonic() - began) * 1000)
            self.volume -= len(data)
            self.log.append((method, url[:500], answer.status))
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, fields, data[: self.largest], spent, answer.reason or "")
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.log.append((method, url[:500], 0))
            raise Unreachable(_("{host} did not answer: {name}.", host=host, name=type(error).__name__)) from None
        finally:
            timer.cancel()
            connection.close()


class _Connection(http.client.HTTPConnection):
    """A connection to one checked address that speaks for one host name."""

    def __init__(self, scheme: str, host: str, port: int, address: str, timeout: float) -> None:
        super().__init__(host, port, timeout=timeout)
        self.default_port = 443 if scheme == "https" else 80
        self._scheme, self._address = scheme, address
        self.aborted = False
        self._wire: socket.socket | None = None  # an answer without a length takes `self.sock` over

    def abort(self) -> None:
        """Cut the connection off; whoever reads it gets an error or the end."""
        self.aborted = True
        if self._wire is not None:
            with suppress(OSError):
                socket.socket.shutdown(self._wire, socket.SHUT_RDWR)

    def connect(self) -> None:
        self.sock = self._wire = socket.create_connection((self._address, self.port), self.timeout)
        if self._scheme == "https":
            context = ssl.create_default_context()
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            secure = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock = self._wire = secure
            secure.do_handshake()
        if self.aborted:
            raise TimeoutError
