"""Searches somebody wants to hear about: kept, told by letter, stopped with one click."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import parse_qsl

import msgspec
from msgspec import Meta

from market import clock
from market.accounts.people import tell_person
from market.accounts.sessions import digest, new_token
from market.actor import SYSTEM, Actor
from market.audit.actions import record
from market.db import find, transaction
from market.refusals import Refused
from market.wording import N_
from search import queries, rules
from search.index import IndexUnavailable, Range, Results, Sort
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
    rhythm: Annotated[Literal["at-once", "daily", "never"], Meta(title=N_("How often"))] = "daily"


def asked_of(saved: SavedSearch) -> queries.Asked:
    """The search as it was saved, always from its first page."""
    return queries.asked_in([(name, value) for name, value in parse_qsl(saved.query) if name != "cursor"])


async def save(actor: Actor, given: SaveDraft) -> tuple[SavedSearch, str]:
    """Keep a search of one's own; the second value is the token of its private feed, shown once and in its letters."""
    person = actor.must_be_person()
    queries.asked_in(parse_qsl(given.query))
    token = new_token()
    async with transaction():
        if len(await mine(actor)) >= MOST:
            raise rules.TOO_MANY_SAVED.refused(most=MOST)
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
