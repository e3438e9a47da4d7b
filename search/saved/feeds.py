"""Every search as a feed that other programs follow: Atom, JSON and a calendar of deadlines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from xml.sax.saxutils import escape, quoteattr

import msgspec

from market import clock
from market.settings import settings
from search import queries
from search.index import Hit, Query, Range, Sort
from search.outbox import index


async def newest(asked: queries.Asked, limit: int = 50) -> Sequence[Hit]:
    """The results of a search that became findable last, for its feed."""
    query = asked.query(clock.now(), facets=False, limit=limit)
    return (await index().search(msgspec.structs.replace(query, sort=Sort.ARRIVED, cursor="", relax=False))).hits


async def closing(asked: queries.Asked, limit: int = 200) -> Sequence[Hit]:
    """Results whose deadline is still ahead, soonest first, for the calendar."""
    query: Query = asked.query(clock.now(), facets=False, limit=limit)
    ahead = Range(at_least=int(clock.now().timestamp()))
    return (
        await index().search(
            msgspec.structs.replace(
                query, sort=Sort.CLOSING_SOON, cursor="", ranges={**query.ranges, "closes_at": ahead}
            )
        )
    ).hits


def link(url: str) -> str:
    """The full address of a result."""
    return url if url.startswith("http") else f"{settings().site_url}{url}"


def _stamp(seconds: int | None) -> str:
    return datetime.fromtimestamp(seconds or 0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def as_atom(asked: queries.Asked, hits: Sequence[Hit], here: str, title: str) -> bytes:
    """The results as an Atom feed (RFC 4287)."""
    newest_at = max((hit.document.published_at or 0 for hit in hits), default=0)
    entries = "".join(
        f"<entry><id>{escape(link(hit.document.url))}</id><title>{escape(hit.document.title)}</title>"
        f"<link href={quoteattr(link(hit.document.url))}/><updated>{_stamp(hit.document.published_at)}</updated>"
        f"<category term={quoteattr(hit.document.kind.value)}/><summary>{escape(hit.document.summary)}</summary></entry>"
        for hit in hits
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom">'
        f'<id>{escape(here)}</id><title>{escape(title)}</title><link rel="self" href={quoteattr(here)}/>'
        f"<link href={quoteattr(settings().site_url + asked.address())}/><author><name>Prelude</name></author>"
        f"<updated>{_stamp(newest_at)}</updated>{entries}</feed>"
    ).encode()


def as_json(asked: queries.Asked, hits: Sequence[Hit], here: str, title: str) -> bytes:
    """The results as a JSON feed (jsonfeed.org version 1.1)."""
    items = [
        {
            "id": hit.document.id,
            "url": link(hit.document.url),
            "title": hit.document.title,
            "summary": hit.document.summary,
            "content_text": hit.document.summary or hit.document.title,
            "date_published": _stamp(hit.document.published_at),
            "tags": [hit.document.kind.value],
        }
        for hit in hits
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": title,
        "home_page_url": settings().site_url + asked.address(),
        "feed_url": here,
        "items": items,
    }
    return msgspec.json.encode(feed)


def as_calendar(hits: Sequence[Hit], title: str) -> bytes:
    """The deadlines of the results as an iCalendar (RFC 5545), lines folded at 75 octets."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Prelude//Deadlines//EN", f"X-WR-CALNAME:{_told(title)}"]
    for hit in hits:
        closes = datetime.fromtimestamp(hit.document.closes_at or 0, UTC)
        published = datetime.fromtimestamp(hit.document.published_at or 0, UTC)
        lines += [
            "BEGIN:VEVENT",
            f"UID:{hit.document.id}@prelude",
            f"DTSTAMP:{published:%Y%m%dT%H%M%SZ}",
            f"DTSTART:{closes:%Y%m%dT%H%M%SZ}",
            f"SUMMARY:{_told('Closes: ' + hit.document.title)}",
            f"DESCRIPTION:{_told(hit.document.summary)}",
            f"URL:{link(hit.document.url)}",
            "END:VEVENT",
        ]
    lines.append("END:VCALENDAR")
    return "".join(_folded(line) for line in lines).encode()


def _told(text: str) -> str:
    """Text as RFC 5545 section 3.3.11 writes it."""
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\r", "").replace("\n", "\\n")


def _folded(line: str) -> str:
    parts, current = [], ""
    for character in line:
        if len((current + character).encode()) > 73:
            parts.append(current)
            current = ""
        current += character
    parts.append(current)
    return "\r\n ".join(parts) + "\r\n"
