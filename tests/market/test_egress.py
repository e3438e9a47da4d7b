"""One list says which addresses are called, and every caller asks it: one row for each kind of address, for both callers."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from ipaddress import ip_network

import pytest

from market import egress
from market.portal import rules
from market.portal.intake.fetching import Patience, fetching
from market.refusals import Refused
from market.standards.sandboxes.calling import Guard
from tests.architecture.trees import ROOT, SOURCES

PUBLIC, CLOSED = True, False

ADDRESSES = [
    ("8.8.8.8", PUBLIC, "an IPv4 address that was given out"),
    ("93.184.216.34", PUBLIC, "another"),
    ("0.0.0.0", CLOSED, "this machine (RFC 1122)"),
    ("0.1.2.3", CLOSED, "this network"),
    ("10.0.0.1", CLOSED, "private (RFC 1918)"),
    ("172.16.5.4", CLOSED, "private"),
    ("172.31.255.255", CLOSED, "private, the last one"),
    ("172.32.0.1", PUBLIC, "the one after the private block"),
    ("192.168.1.1", CLOSED, "private"),
    ("100.64.1.1", CLOSED, "a carrier's own network (RFC 6598)"),
    ("100.128.0.1", PUBLIC, "the block after the carrier's"),
    ("127.0.0.1", CLOSED, "loopback"),
    ("127.9.9.9", CLOSED, "loopback, elsewhere"),
    ("169.254.169.254", CLOSED, "the console of a cloud's machine (link-local)"),
    ("168.63.129.16", CLOSED, "the console of another cloud's, which looks public"),
    ("192.0.0.9", CLOSED, "protocol assignments, which newer Pythons call global"),
    ("192.0.2.1", CLOSED, "documentation"),
    ("192.88.99.1", CLOSED, "a relay of 6to4"),
    ("198.18.0.1", CLOSED, "benchmarks"),
    ("198.51.100.1", CLOSED, "documentation"),
    ("203.0.113.1", CLOSED, "documentation"),
    ("224.0.0.1", CLOSED, "multicast"),
    ("239.255.255.250", CLOSED, "multicast"),
    ("240.0.0.1", CLOSED, "reserved"),
    ("255.255.255.255", CLOSED, "broadcast"),
    ("2606:4700:4700::1111", PUBLIC, "an IPv6 address that was given out"),
    ("2a00:1450:4001::1", PUBLIC, "another"),
    ("::", CLOSED, "unspecified"),
    ("::1", CLOSED, "loopback"),
    ("::127.0.0.1", CLOSED, "IPv4-compatible, as IPv6 once wrote IPv4"),
    ("::ffff:127.0.0.1", CLOSED, "mapped: loopback"),
    ("::ffff:10.0.0.1", CLOSED, "mapped: private"),
    ("::ffff:169.254.169.254", CLOSED, "mapped: a console"),
    ("::ffff:8.8.8.8", PUBLIC, "mapped: public"),
    ("64:ff9b::7f00:1", CLOSED, "NAT64: loopback"),
    ("64:ff9b::a9fe:a9fe", CLOSED, "NAT64: a console"),
    ("64:ff9b::808:808", PUBLIC, "NAT64: public, as a server without IPv4 sees every IPv4 host"),
    ("64:ff9b:1::808:808", CLOSED, "a network's own NAT64"),
    ("2002:7f00:1::", CLOSED, "6to4: loopback"),
    ("2002:808:808::", CLOSED, "6to4: public, by a stranger's relay"),
    ("2001:0:7f00:1::1", CLOSED, "Teredo"),
    ("2001:db8::1", CLOSED, "documentation"),
    ("3fff::1", CLOSED, "documentation (RFC 9637)"),
    ("fc00::1", CLOSED, "unique local"),
    ("fd00:ec2::254", CLOSED, "unique local: a console"),
    ("fe80::1", CLOSED, "link-local"),
    ("fe80::1%eth0", CLOSED, "link-local with its interface"),
    ("fec0::1", CLOSED, "site-local, which Python calls global"),
    ("ff02::1", CLOSED, "multicast"),
    ("4000::1", CLOSED, "not given out"),
    ("not an address", CLOSED, "no address"),
    ("", CLOSED, "nothing"),
    ("127.1", CLOSED, "loopback, as a C library reads it"),
    ("0x7f000001", CLOSED, "loopback, in other digits"),
]


@pytest.mark.parametrize(("address", "verdict", "kind"), ADDRESSES, ids=[f"{row[0]}: {row[2]}" for row in ADDRESSES])
def test_every_caller_judges_an_address_alike(address: str, verdict: bool, kind: str) -> None:
    assert egress.is_public(address) is verdict
    assert (rules.public_address("a.example", [address]) is None) is verdict
    permitted = False
    with suppress(egress.Forbidden):
        permitted = Guard().permitted("https://a.example/", lambda host, port: [address])[3] == address
    assert permitted is verdict


def test_a_name_with_one_private_address_among_public_ones_is_refused_whole() -> None:
    for mixed in (["8.8.8.8", "10.0.0.1"], ["10.0.0.1", "8.8.8.8"], ["2606:4700:4700::1111", "::1"]):
        assert rules.public_address("a.example", mixed) is not None
        with pytest.raises(egress.Forbidden, match="which is not a public address"):
            Guard().permitted("https://a.example/", lambda host, port, mixed=mixed: mixed)  # type: ignore[misc]


@pytest.mark.parametrize(
    ("port", "over_https", "over_http"),
    [
        (443, True, False),
        (8443, True, False),
        (80, False, True),
        (8080, False, True),
        (22, False, False),
        (25, False, False),
        (5432, False, False),
        (6379, False, False),
        (9200, False, False),
        (65535, False, False),
    ],
)
def test_only_the_ports_of_the_web_are_called(port: int, over_https: bool, over_http: bool) -> None:
    assert (rules.web_port(f"https://a.example:{port}/") is None) is over_https
    assert (rules.web_port(f"http://a.example:{port}/") is None) is over_http
    permitted = False
    with suppress(egress.Forbidden):
        permitted = bool(Guard().permitted(f"https://a.example:{port}/", lambda host, port: ["8.8.8.8"]))
    assert permitted is over_https


def test_a_name_is_looked_up_once_and_the_address_that_was_judged_is_the_one_called() -> None:
    answers = iter((["8.8.8.8"], ["127.0.0.1"]))
    assert Guard().permitted("https://rebinding.example/", lambda host, port: next(answers))[3] == "8.8.8.8"
    assert next(answers) == ["127.0.0.1"], "nobody asked a second time"


async def test_a_redirect_is_judged_like_the_first_address(monkeypatch: pytest.MonkeyPatch) -> None:
    where = ""

    async def moved(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 302 Found\r\nlocation: {where}\r\ncontent-length: 0\r\n\r\n".encode())
        writer.close()

    server = await asyncio.start_server(moved, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    monkeypatch.setitem(egress.PORTS, "http", frozenset((80, port)))
    elsewhere = [network for network in egress._SPECIAL if network != ip_network("127.0.0.0/8")]
    monkeypatch.setattr(egress, "_SPECIAL", elsewhere)  # the first address stands on this machine
    async with server, fetching(Patience(between=0, tries=1, first=0)) as fetcher:
        for where, code in (  # noqa: B007 (the server reads it)
            (f"http://10.0.0.1:{port}/", "portal.address-private"),
            ("http://169.254.169.254/latest", "portal.address-private"),
            ("http://[::1]/", "portal.address-private"),
            ("http://127.0.0.1:22/", "portal.port-not-web"),
            ("file:///etc/passwd", "portal.address-not-web"),
        ):
            with pytest.raises(Refused) as refused:
                await fetcher.page(f"http://127.0.0.1:{port}/", None)
            assert [each.code for each in refused.value.reasons] == [code]


def test_nobody_else_decides_what_is_public_or_calls_what_others_name() -> None:
    deciding = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(r"\.is_(global|private|link_local|reserved)\b|ipv4_mapped|getaddrinfo\(", path.read_text())
    }
    assert deciding - {"market/web/limits.py"} == {"market/egress.py"}, "limits counts callers, and calls nobody"
    calling = {
        str(path.relative_to(ROOT))
        for path in SOURCES
        if re.search(
            r"^\s*(import|from) (aiohttp|http\.client|urllib\.request|requests|httpx)\b", path.read_text(), re.M
        )
    }
    assert calling == {
        "market/greeting.py",  # asks this machine whether it serves
        "market/portal/intake/fetching.py",
        "market/standards/sandboxes/calling.py",
        "market/witness.py",  # calls the log that its own keeper names, wherever that is
        "market/standards/sandboxes/live.py",  # puts the answers of `calling` into the form that schemathesis reads
    }
