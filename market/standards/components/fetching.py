"""Fetching a document from the public address a supplier gave, through the guard on the way out.

No action does this: it happens before one, outside any transaction, and its result is the bytes that are lodged.
"""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit

from market.egress import Forbidden
from market.openapi.limits import MAX_BYTES
from market.settings import settings
from market.standards.components.rules import NOT_FETCHED
from market.standards.sandboxes.calling import Exhausted, Guard, Unreachable
from market.wording import _

SECONDS = 20.0
"""How long the document may take to arrive."""


def guard(**more: float) -> Guard:
    """A guard for what suppliers name: nothing but public addresses, never our own; loopback only where the settings say so."""
    made = Guard(loopback=settings().loopback, own_hosts=frozenset({settings().host} - {"localhost"}))
    for name, value in more.items():
        setattr(made, name, value)
    return made


async def document(address: str) -> tuple[bytes, str]:
    """The document at an address, and the name it has there. Refused (422) with the reason when nothing can be had."""
    address = address.strip()
    if urlsplit(address).fragment:
        address = address.partition("#")[0]
    asked = guard(requests=1, seconds=SECONDS, patience=SECONDS, largest=MAX_BYTES, volume=MAX_BYTES + 1)
    headers = {"accept": "application/vnd.oai.openapi, application/yaml, application/json, text/*;q=0.5"}
    try:
        answer = await asyncio.to_thread(asked.fetch, "GET", address, headers)
    except (Forbidden, Exhausted, Unreachable) as refused:
        raise NOT_FETCHED.refused(why=refused) from None
    if 300 <= answer.status < 400:
        raise NOT_FETCHED.refused(
            why=_(
                "The address answers {status}: it leads on to another. Give the address it leads to.",
                status=answer.status,
            )
        )
    if answer.status != 200:
        raise NOT_FETCHED.refused(why=_("The address answers {status}, not with a document.", status=answer.status))
    if len(answer.body) >= MAX_BYTES:
        raise NOT_FETCHED.refused(
            why=_("What is at the address has more than {max_bytes:,} bytes.", max_bytes=MAX_BYTES)
        )
    return answer.body, urlsplit(address).path.rpartition("/")[2][:200]
