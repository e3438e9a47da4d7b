"""Which addresses this server may call when somebody else names them: the one list, for every caller.

Server-side request forgery is the classic attack on a service that calls addresses it is given, because the server reaches
what strangers may not (OWASP). So a name is looked up once, every address it has must be public, and whoever calls connects
to the very address that was judged, after every redirect anew: there is no second look-up that could answer differently.

What is public is written down here and not asked of the standard library, whose answer differs between versions of Python:
IPv4 is public except for what the registry of special purposes keeps (IANA, RFC 6890), IPv6 only within what is given out as
global unicast (2000::/3, RFC 4291), and an IPv6 address that stands for an IPv4 address is as public as that.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Collection, Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import NamedTuple
from urllib.parse import urlsplit

from market.wording import _, either, together

PORTS = {"https": frozenset((443, 8443)), "http": frozenset((80, 8080))}
"""The ports of the web that are called, by protocol. Behind others stand mail servers, databases and consoles."""

_GIVEN_OUT = IPv6Network("2000::/3")

_SPECIAL = [
    ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",  # looks public, and is the console of the machine it is asked from in one large cloud
        "2001::/23", "2001:db8::/32", "3fff::/20",  # among them Teredo (2001::/32), which leads on to an IPv4 address
        "2002::/16",  # 6to4 leads on too, by relays of strangers, and nobody publishes there
    )
]  # fmt: skip

_STANDS_FOR = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
"""IPv6 addresses whose last four bytes are the IPv4 address that is reached: mapped (RFC 4291), NAT64 (RFC 6052). A server
that has IPv6 alone sees every IPv4 host under the second, so it is judged by what it stands for and not refused."""

Resolve = Callable[[str, int], list[str]]
"""Every address of a name, for a port."""


class Forbidden(Exception):
    """The address may not be called; the reason is in plain words."""


class Address(NamedTuple):
    """What a URL says of where it leads, before its name is looked up."""

    scheme: str
    host: str
    port: int


def address(url: str, schemes: Collection[str] = ("https",)) -> Address:
    """Where a URL leads. :class:`Forbidden` for what is none, for another protocol, and for one that carries a name and a
    password (they hide the host from who reads it)."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise Forbidden(_("The address is not a URL.")) from None
    if not host or parts.username is not None or parts.password is not None:
        raise Forbidden(_("The address needs a host and may hold no user name."))
    if parts.scheme not in schemes:
        beginnings = either(f"{each}://" for each in sorted(schemes)[::-1])
        raise Forbidden(_("The address must begin with {beginnings}.", beginnings=beginnings))
    return Address(parts.scheme, host, port or (443 if parts.scheme == "https" else 80))


def check_port(scheme: str, port: int) -> None:
    """:class:`Forbidden` for a port that is not one of the web's."""
    if port not in PORTS.get(scheme, ()):
        called = together(map(str, sorted(PORTS.get(scheme, ()))))
        raise Forbidden(_("Port {port} is not called; only {called} are.", port=port, called=called))


def check_addresses(host: str, addresses: Iterable[str]) -> None:
    """:class:`Forbidden` unless every address of a host is public: a name that leads to one private address among public
    ones is how the choice between them is handed to an attacker."""
    for each in addresses:
        if not is_public(each):
            raise Forbidden(f"{host} leads to {each}, which is not a public address.")


def is_public(text: str) -> bool:
    """Whether an address belongs to the public internet and leads nowhere else. No address is not public."""
    try:
        parsed: IPv4Address | IPv6Address = ip_address(text.split("%")[0])
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and any(parsed in network for network in _STANDS_FOR):
        parsed = IPv4Address(parsed.packed[-4:])
    if isinstance(parsed, IPv6Address) and parsed not in _GIVEN_OUT:
        return False
    return not any(parsed in network for network in _SPECIAL if network.version == parsed.version)


def is_loopback(text: str) -> bool:
    """Whether an address is this machine's own."""
    try:
        return ip_address(text.split("%")[0]).is_loopback
    except ValueError:
        return False


def look_up(host: str, port: int) -> list[str]:
    """Every address a name has, once."""
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return list(dict.fromkeys(str(each[4][0]).split("%")[0] for each in answers))
