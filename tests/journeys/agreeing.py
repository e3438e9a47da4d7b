"""What pages say of where a record stands, read as a reader does: the word, the colour of its tag, and the date with its words."""

from __future__ import annotations

import re
from typing import NamedTuple

import httpx

ROW = re.compile(r'<li class="pre-row">.*?</li>\s*(?=<li class="pre-row">|</ul>)', re.DOTALL)
TAG = re.compile(r'<strong class="pre-tag pre-tag--(\w+)">(.*?)</strong>')
WHEN = re.compile(r'<div class="pre-row__when">(?:<span class="pre-row__label">(.*?)</span> )?<time datetime="(.*?)"')
LINK = re.compile(r'<h\d class="pre-row__title"><a class="govuk-link" href="(.*?)"')
HEADING = re.compile(r'<p class="pre-heading__state">\s*<strong class="pre-tag pre-tag--(\w+)">(.*?)</strong>')
NEXT = re.compile(r'href="([^"]*)" rel="next"')


class Said(NamedTuple):
    """What a row says of a record."""

    word: str
    tone: str
    label: str
    when: str


async def rows_of(client: httpx.AsyncClient, address: str) -> dict[str, Said]:
    """Every row of a list and of the pages after it, by the address of its record."""
    rows: dict[str, Said] = {}
    while address:
        answer = await client.get(address)
        assert answer.status_code == 200, address
        for row in ROW.findall(answer.text):
            tag, when, link = TAG.search(row), WHEN.search(row), LINK.search(row)
            assert link is not None
            word, tone = (tag[2], tag[1]) if tag else ("", "")
            rows[link[1]] = Said(word, tone, *((when[1] or "", when[2]) if when else ("", "")))
        following = NEXT.search(answer.text)
        address = following[1].replace("&amp;", "&") if following else ""
    return rows


async def heading_of(client: httpx.AsyncClient, address: str) -> tuple[str, str]:
    """The word and the tone beside the title of a record's own page."""
    tag = HEADING.search((await client.get(address)).text)
    return (tag[2], tag[1]) if tag else ("", "")
