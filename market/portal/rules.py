"""What must hold before another portal is asked, a doubtful pair is decided, a merge is undone or an item is replayed."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from market.refusals import rule

if TYPE_CHECKING:
    from market.portal.tables import DoubtfulPair, NoticeMerge, Quarantined


@rule("portal.address-not-web", source="OWASP: server-side request forgery")
def web_address(url: str) -> str | None:
    """Only addresses of the web are read: no file of this machine, and no other protocol."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"“{url[:120]}” is not an address of the web. Give one that begins with https:// or http://."
    return None


@rule("portal.address-private", source="OWASP: server-side request forgery")
def public_address(host: str, addresses: Sequence[str]) -> str | None:
    """A portal stands on the public internet: what only this server can reach is not read for others to see."""
    for each in addresses:
        address = ipaddress.ip_address(each.split("%")[0])
        inner = _inside(address)
        if not inner.is_global or inner.is_multicast:
            return f"{host} leads to {each}, which is not an address of the public internet. To read it all the same, say --allow-private."
    return None


def _inside(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that an IPv6 address stands for: mapped, 6to4 (RFC 3056), Teredo (RFC 4380) or NAT64 (RFC 6052)."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None) or address


@rule("pair.decided-already")
def not_decided_yet(pair: DoubtfulPair) -> str | None:
    """A doubtful pair is decided once; a joining is taken back by undoing it."""
    if pair.answered_at is not None:
        return "Somebody has decided this pair already. Reload the list."
    return None


@rule("merge.undone-already")
def still_joined(merge: NoticeMerge) -> str | None:
    """Only what is joined can be taken apart."""
    if merge.undone_at is not None:
        return "These two have been taken apart already."
    return None


@rule("quarantine.mended-already")
def not_mended_yet(item: Quarantined) -> str | None:
    """What has been mended is in; mending it again would bring it in twice."""
    if item.mended_at is not None:
        return "This has been mended and imported already."
    return None


@rule("quarantine.still-broken", field="text")
def can_be_read_now(reasons: Sequence[str]) -> str | None:
    """A mended item is read by the same reader as any other, and comes in only when it finds nothing wrong."""
    if reasons:
        return f"It still cannot be read: {' '.join(reasons[:3])}"
    return None


@rule("portal.busy")
def nobody_else_reads_it(free: bool) -> str | None:
    """One run at a time reads a portal, so that its counts and its position are true."""
    if not free:
        return "Another run is reading this portal. Wait until it has ended."
    return None


DECIDE = (not_decided_yet,)
"""For `actions.decide`."""

UNDO = (still_joined,)
"""For `actions.undo`."""

REPLAY = (not_mended_yet,)
"""For `actions.replay`, before anything is read."""
