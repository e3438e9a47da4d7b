"""What an e-mail address shows of whoever reads it: whether one person does, and whose domain it is in.

Addresses are compared as text in ASCII: a name in another script, or one written to look like another, is another name.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import lru_cache
from typing import Final

import msgspec
import yaml

from market import policy

_LABEL: Final = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
DOMAIN: Final = re.compile(rf"{_LABEL}(\.{_LABEL})+", re.ASCII)
"""A host name as RFC 1123 section 2.1 has it, lower case, with at least one dot."""


class _List(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    source: str
    says: str
    words: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()


class _Lists(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    shared: _List
    nobodys: _List


@lru_cache(maxsize=1)
def _lists() -> _Lists:
    return msgspec.convert(yaml.safe_load((policy.REFERENCE / "mailboxes.yaml").read_text(encoding="utf-8")), _Lists)


def host_of(address: str) -> str:
    """The part behind the last sign @, lower case and without a dot at its end."""
    return address.rpartition("@")[2].strip().lower().rstrip(".")


def mailbox_of(address: str) -> str:
    """The mailbox an address reaches: what stands behind a plus sign only sorts one person's mail (RFC 5233, section 1)."""
    name, _, host = address.strip().lower().rpartition("@")
    return f"{name.partition('+')[0]}@{host.rstrip('.')}"


def is_shared(address: str) -> bool:
    """Whether the name before the sign @ says that several people read it: made of the list's words alone."""
    name = mailbox_of(address).rpartition("@")[0]
    words = [word for word in re.split(r"[^a-z]+", name) if word]
    return bool(words) and all(word in _lists().shared.words for word in words)


def plain_domain(domain: str) -> str:
    """A domain as it is kept and compared: lower case, without the sign @ before it or a dot behind it."""
    return domain.strip().lower().removeprefix("@").rstrip(".")


def is_host(domain: str) -> bool:
    """Whether this is a domain at all, in ASCII."""
    return len(domain) <= 253 and DOMAIN.fullmatch(domain) is not None


def is_another_script(domain: str) -> bool:
    """Whether a label is the ASCII form of other letters (RFC 5890, section 2.3.2.1), which may look like any name."""
    return any(label.startswith("xn--") for label in domain.split("."))


def is_nobodys(domain: str) -> bool:
    """Whether it is an ending under which others register names, or mail that anybody may open."""
    return domain in _lists().nobodys.domains


def is_within(host: str, domain: str) -> bool:
    """Whether a host is this domain or below it: “mail.town.example” is below “town.example”, “town.example.evil.example” and
    “eviltown.example” are not."""
    return host == domain or host.endswith("." + domain)


def is_outside(address: str, own: Collection[str], others: Collection[str]) -> bool:
    """Whether an address is outside a body's `own` verified domains. Where a domain of another body lies nearer, it is that
    body's: below a county's domain a school may have its own. A body without a domain has nobody inside."""
    host = host_of(address)
    mine = max((len(each) for each in own if is_within(host, each)), default=0)
    theirs = max((len(each) for each in others if is_within(host, each)), default=0)
    return not mine or theirs > mine


def source_of_shared() -> str:
    """Where the list of shared mailboxes comes from, for the rule that applies it."""
    return _lists().shared.source


def source_of_nobodys() -> str:
    """Where the list of domains that show no body comes from."""
    return _lists().nobodys.source
