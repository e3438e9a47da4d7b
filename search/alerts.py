"""Searches somebody wants to hear about: kept, told by letter, stopped with one click; and every search as a feed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape, quoteattr

import msgspec
from msgspec import Meta

from market import clock
from market.accounts.people import tell_person
from market.accounts.sessions import digest, new_token
from market.actor import SYSTEM, Actor
from market.audit.actions import record
from market.db import find, transaction
from market.refusals import Refusal, Refused
from market.settings import settings
from search import queries
from search.index import Hit, IndexUnavailable, Query, Range, Results, Sort
from search.outbox import arrived, index
from search.tables import SavedSearch

log = logging.getLogger("prelude.search")

MOST = 30
"""Searches one person may keep."""
TOLD_AT_ONCE = 25
"""Results listed in one letter; the rest is on the page."""


class SaveDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What is kept of a search: its address, a name, and how often to write (`never`: the feed only)."""

    query: Annotated[str, Meta(title="Search", max_length=2000)]
    name: Annotated[str, Meta(title="Name", min_length=1, max_length=120)]
    rhythm: Annotated[Literal["at-once", "daily", "never"], Meta(title="How often")] = "daily"


def asked_of(saved: SavedSearch) -> queries.Asked:
    """The search as it was saved, always from its first page."""
    return queries.read([(name, value) for name, value in parse_qsl(saved.query) if name != "cursor"])


async def save(actor: Actor, given: SaveDraft) -> tuple[SavedSearch, str]:
    """Keep a search of one's own; the second value is the token of its private feed, shown once and in its letters."""
    person = actor.must_be_person()
    queries.read(parse_qsl(given.query))
    token = new_token()
    async with transaction():
        if len(await mine(actor)) >= MOST:
            raise Refused(
                Refusal("search.too-many-saved", f"You saved {MOST} searches. Stop one before you save another.")
            )
        saved = SavedSearch(
            person=person,
            name=given.name.strip(),
            query=given.query.lstrip("?"),
            rhythm=given.rhythm,
            token=token,
            token_hash=digest(token),
            created_at=clock.now(),
            told_until=clock.now(),
            told_upto=await arrived(),
        )
        await saved.save()
        await record(
            actor,
            "search.saved",
            f"person:{actor.ref}",
            private={"query": saved.query, "rhythm": saved.rhythm},
            sealed_by=f"publication:person:{actor.ref}",
        )
    return saved, token


async def mine(actor: Actor) -> list[SavedSearch]:
    """The searches a person keeps, newest first."""
    return (
        await SavedSearch.objects()
        .where((SavedSearch.person == actor.must_be_person()) & (SavedSearch.stopped_at.is_null()))
        .order_by(SavedSearch.id, ascending=False)
    )


async def stop(actor: Actor, ref: str) -> SavedSearch:
    """Stop one of one's own."""
    async with transaction():
        saved = await find(
            SavedSearch, (SavedSearch.ref == ref) & (SavedSearch.person == actor.must_be_person()), lock=True
        )
        await _stop(actor, saved)
    return saved


async def stop_by_token(token: str) -> SavedSearch:
    """Stop with the link of a letter, without signing in (RFC 8058 asks for one step)."""
    async with transaction():
        saved = await find(SavedSearch, SavedSearch.token_hash == digest(token), lock=True)
        await _stop(SYSTEM, saved)
    return saved


async def _stop(actor: Actor, saved: SavedSearch) -> None:
    if saved.stopped_at is None:
        saved.stopped_at = clock.now()
        await saved.save([SavedSearch.stopped_at])
        await record(actor, "search.stopped", f"search:{saved.ref}", sealed_by=f"publication:search:{saved.ref}")


async def by_token(token: str) -> SavedSearch:
    """The saved search of a private feed; 404 when there is none or it was stopped."""
    return await find(SavedSearch, (SavedSearch.token_hash == digest(token)) & SavedSearch.stopped_at.is_null())


async def ever(token: str) -> SavedSearch:
    """The saved search of a letter's link, stopped or not."""
    return await find(SavedSearch, SavedSearch.token_hash == digest(token))


async def tell_waiting() -> int:
    """A job: write to everybody whose search has new results since she was last told; answers how many letters.

    New is what became findable since, in the order of arrival: a notice that a portal brings a week late is new today, and
    what was published while the index was down is told when it is found again.
    """
    now, upto = clock.now(), await arrived()
    due = await SavedSearch.objects().where(
        SavedSearch.stopped_at.is_null()
        & (SavedSearch.rhythm != "never")
        & (SavedSearch.told_upto < upto)
        & (
            (SavedSearch.rhythm == "at-once")
            | ((SavedSearch.rhythm == "daily") & (SavedSearch.told_until <= now - timedelta(days=1)))
        )
    )
    letters = 0
    for saved in due:
        try:
            letters += await _tell(saved.id, now, upto)
        except IndexUnavailable:
            return letters
        except Refused as unreadable:
            log.warning("the kept search %s asks for what is not known any more: %s", saved.ref, unreadable)
    return letters


async def _tell(saved_id: int, now: datetime, upto: int) -> int:
    async with transaction():
        saved = await find(SavedSearch, SavedSearch.id == saved_id, lock=True)
        if saved.stopped_at is not None or saved.told_upto >= upto:
            return 0
        fresh = await since(asked_of(saved), saved.told_upto, upto, now)
        saved.told_until, saved.told_upto = now, upto
        await saved.save([SavedSearch.told_until, SavedSearch.told_upto])
        if not fresh.total:
            return 0
        await tell_person(
            saved.person,
            "search/alert.txt",
            stops=f"/search/stop/{saved.token}",
            saved=saved,
            hits=[hit.document for hit in fresh.hits],
            count=fresh.total,
            results=asked_of(saved).address(),
            token=saved.token,
        )
    return 1


async def since(asked: queries.Asked, after: int, upto: int, now: datetime) -> Results:
    """What became findable after one arrival and not after another, the last first; as many as a letter lists."""
    query = asked.query(now, facets=False, limit=TOLD_AT_ONCE)
    window = Range(at_least=after + 1, at_most=upto)
    return await index().search(
        msgspec.structs.replace(query, sort=Sort.ARRIVED, relax=False, ranges={**query.ranges, "arrival": window})
    )


# ── feeds ──────────────────────────────────────────────────────────────────────────────────────────────────────────


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
