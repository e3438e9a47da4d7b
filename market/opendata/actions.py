"""Publishing: the log is followed, every change of a public process becomes a release, every process a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from market.db import find, many, maybe, one, transaction
from market.opendata import gathering, packages, releases
from market.opendata.facts import Step
from market.opendata.tables import Latest, Place, Process, Release, Whole
from market.proof import canonical
from market.reads import rows, the
from market.refusals import NotFound
from market.settings import settings

PUBLISH_LOCK = 7420260004
BATCH = 50

ANNOUNCED: dict[str, tuple[str, ...]] = {
    "challenge.published": ("planning",),
    "challenge.deadline-moved": ("planningUpdate",),
    "challenge.shortlisted": ("planningUpdate", "award", "contract"),
    "pitch.delivered": ("implementationUpdate",),
    "pitch.missed": ("contractTermination",),
    "challenge.concluded": ("planningUpdate",),
    "challenge.cancelled": ("planningUpdate",),
    "tender.published": ("tender",),
    "tender.changed": ("tenderUpdate",),
    "tender.deadline-moved": ("tenderUpdate",),
    "tender.question-answered": ("tenderUpdate",),
    "tender.opened": ("tenderUpdate",),
    "tender.cancelled": ("tenderCancellation",),
    "award.decided": ("award",),
    "award.standstill-moved": ("awardUpdate",),
    "award.set-aside": ("awardCancellation",),
    "contract.signed": ("contract",),
    "contract.change-approved": ("contractUpdate",),
    "contract.changed": ("contractAmendment",),
    "contract.ended": ("contractTermination",),
    "milestone.accepted": ("implementationUpdate",),
    "payment.paid": ("implementationUpdate",),
}
"""Which events are published, and with which codes of OCDS's releaseTag list."""


LOG = "log"
"""The name of our place in the log."""

ANEW = "anew"
"""Under this name it is counted how often everything was published anew."""


async def publish() -> int:
    """Publish what happened since the last run, in the order of the log; answers how many events were dealt with.

    One run at a time, so that the releases stand in the order of the log and a reader with a cursor never misses one.
    Each event is one release, once: releases and place are kept in one transaction, so a run that is killed leaves
    neither. An event about which nothing is public is passed.
    """
    async with transaction():
        if not await the(bool, "SELECT pg_try_advisory_xact_lock({})", PUBLISH_LOCK):
            return 0
        return await _go_on()


async def republish() -> tuple[int, list[str]]:
    """Publish the whole log anew, in one transaction: readers see the old releases until the new ones are complete.

    Ids and places stay. Answers how many releases there are now, and the ids of those whose bytes are no longer what they
    were (new and vanished ones included).
    """
    async with transaction():
        await one("SELECT pg_advisory_xact_lock({})", PUBLISH_LOCK)
        before = await _digests()
        await many("DELETE FROM release")
        await many("DELETE FROM process")
        await many("DELETE FROM place WHERE name = {}", LOG)
        while await _go_on():
            pass
        after = await _digests()
        await many(
            "INSERT INTO place AS p (name, event) VALUES ({}, 1) ON CONFLICT (name) DO UPDATE SET event = p.event + 1",
            ANEW,
        )
    return len(after), sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))


class Digest(msgspec.Struct, frozen=True):
    """What a release holds, shortened."""

    key: str
    digest: str


async def _digests() -> dict[str, str]:
    return {each.key: each.digest for each in await rows(Digest, "SELECT key, md5(body) AS digest FROM release")}


class Happened(msgspec.Struct, frozen=True):
    """An event that is announced."""

    seq: int
    verb: str
    about: list[str]
    at: datetime
    body: str


async def _go_on() -> int:
    place = await maybe(Place, Place.name == LOG)
    events = await rows(
        Happened,
        """
        SELECT seq, verb, about, at, body FROM event
        WHERE verb = ANY({}::text[]) AND sealed_by = '' AND seq > {} ORDER BY seq LIMIT {}
        """,
        list(ANNOUNCED),
        place.event if place else 0,
        BATCH,
    )
    touched: dict[str, None] = {}
    for event in events:
        subject = process_of(event.about)
        made = await _release(subject, event) if subject else None
        if subject is None or made is None:
            continue
        await Release.insert(
            Release(
                key=made["id"],
                ocid=made["ocid"],
                event=event.seq,
                at=event.at,
                tags=list(made["tag"]),
                extensions=packages.extensions_of(made),
                body=packages.encode(made).decode(),
            )
        )
        touched[subject] = None
    for subject in touched:
        await _compile(subject)
    if events:
        await many(
            "INSERT INTO place (name, event) VALUES ({}, {}) ON CONFLICT (name) DO UPDATE SET event = EXCLUDED.event",
            LOG,
            events[-1].seq,
        )
    return len(events)


def process_of(about: Sequence[str]) -> str | None:
    """The process an event belongs to: its tender, else its challenge."""
    for kind in ("tender:", "challenge:"):
        for each in about:
            if each.startswith(kind):
                return each
    return None


def tags_of(verb: str, body: str) -> tuple[str, ...]:
    """The release tags of an event. A decision that nobody gets a lot is no award: it changes the tender."""
    if verb == "award.decided" and canonical.decode(body.encode()).get("outcome") == "not-awarded":
        return ("tenderUpdate",)
    return ANNOUNCED[verb]


async def _release(subject: str, event: Happened) -> dict[str, Any] | None:
    kind, _, ref = subject.partition(":")
    step = Step(str(event.seq), event.at, tags_of(event.verb, event.body))
    try:
        if kind == "tender":
            return releases.tender_release(await gathering.tender(ref, step.at), step, gathering.publisher())
        return releases.challenge_release(await gathering.challenge(ref, step.at), step, gathering.publisher())
    except NotFound:
        return None


class Released(msgspec.Struct, frozen=True):
    """A release as it was published."""

    key: str
    event: int
    at: datetime
    tags: list[str]
    body: str


async def _compile(subject: str) -> None:
    ocid = ocid_of(subject)
    published = await rows(
        Released, "SELECT key, event, at, tags, body FROM release WHERE ocid = {} ORDER BY event", ocid
    )
    compiled = packages.compiled_release([packages.decode(each.body) for each in published])
    links = [
        {
            "url": f"{settings().site_url}/api/ocds/releases/{each.key}",
            "date": releases.date(each.at),
            "tag": each.tags,
        }
        for each in published
    ]
    now: dict[str, Any] = {
        "last": published[-1].event,
        "tags": published[-1].tags,
        "began_at": published[0].at,
        "changed_at": published[-1].at,
        "extensions": packages.extensions_of(compiled),
        "listed": packages.encode(links).decode(),
        "compiled": packages.encode(compiled).decode(),
    }
    if await Process.exists().where(Process.ocid == ocid):
        await Process.update(**now).where(Process.ocid == ocid)
    else:
        await Process.insert(Process(ocid=ocid, subject=subject, **now))


@dataclass(frozen=True, slots=True)
class Page:
    """Releases or records as their bytes, the extensions they use, and the place behind the last of them. `more` says
    whether something follows already; the place is good to go on from in either case. `at` is when the newest of them
    happened: a full page of releases says the same for ever."""

    bodies: list[bytes]
    extensions: set[str]
    place: int
    more: bool
    at: datetime


async def page_of_releases(
    after: int = 0, limit: int = 100, *, ocid: str = "", since: datetime | None = None, tag: str = ""
) -> Page:
    """Releases behind a place, in the order of publication."""
    asked: list[Any] = [after]
    where = "event > {}"
    for condition, value in (("ocid = {}", ocid), ("at >= {}", since), ("{} = ANY(tags)", tag)):
        if value:
            where += f" AND {condition}"
            asked.append(value)
    return await _page(f"SELECT event AS place, at, {USED}, body FROM release WHERE {where}", asked, after, limit)  # noqa: S608


async def page_of_records(
    after: int = 0, limit: int = 100, *, since: datetime | None = None, kind: str = "", year: int | None = None
) -> Page:
    """Processes in the order of their last change, behind a place in it: one that changes comes again, at the end."""
    where, asked = _of_processes(after, since, kind, year)
    return await _page(
        f"SELECT last AS place, changed_at AS at, {USED}, {RECORD} AS body FROM process WHERE {where}",  # noqa: S608
        asked,
        after,
        limit,
    )


class Item(msgspec.Struct, frozen=True):
    """A release or record as its text, its place, when it happened, and the extensions it uses."""

    place: int
    at: datetime
    used: str
    body: str


async def _page(query: str, asked: list[Any], after: int, limit: int) -> Page:
    items = await rows(Item, f"{query} ORDER BY place LIMIT {{}}", *asked, limit + 1)
    shown = items[:limit]
    return Page(
        [each.body.encode() for each in shown],
        {name for used in {each.used for each in shown} for name in used.split()},
        shown[-1].place if shown else after,
        len(items) > limit,
        max((each.at for each in shown), default=NEVER),
    )


def _of_processes(after: int, since: datetime | None, kind: str, year: int | None) -> tuple[str, list[Any]]:
    asked: list[Any] = [after]
    where = "last > {}"
    if since is not None:
        where += " AND changed_at >= {}"
        asked.append(since)
    if kind:
        where += " AND subject LIKE {}"
        asked.append(f"{kind}:%")
    if year is not None:
        where += " AND began_at >= {} AND began_at < {}"
        asked += [datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)]
    return where, asked


async def page_of_processes(
    after: int = 0, limit: int = 100, *, since: datetime | None = None, year: int | None = None
) -> list[Whole]:
    """The processes behind a place, those that changed longest ago first; `year` is the one they began in."""
    where, asked = _of_processes(after, since, "", year)
    return await rows(
        Whole,
        f"SELECT ocid, subject, last, listed, compiled FROM process WHERE {where} ORDER BY last LIMIT {{}}",  # noqa: S608
        *asked,
        limit,
    )


async def last_changed(
    limit: int = 100, *, before: int = 0, since: datetime | None = None, kind: str = ""
) -> list[Latest]:
    """The processes that changed last, newest first; from a place on downwards when `before` is given."""
    asked: list[Any] = [before or 2**62]
    where = "last < {}"
    if since is not None:
        where += " AND changed_at >= {}"
        asked.append(since)
    if kind:
        where += " AND subject LIKE {}"
        asked.append(f"{kind}:%")
    return await rows(
        Latest,
        f"SELECT ocid, subject, last, changed_at, tags, compiled FROM process WHERE {where} ORDER BY last DESC LIMIT {{}}",  # noqa: S608
        *asked,
        limit,
    )


USED = "array_to_string(extensions, ' ') AS used"
"""The extensions as one text: a list would be read element by element, for every row of a page."""

RECORD = r"""E'\x7b"ocid":"' || ocid || '","releases":' || listed || ',"compiledRelease":' || compiled || E'\x7d'"""
"""The record of a process, as the database writes it (braces by number, since a brace marks an argument): links to its
releases, and all of them compiled."""


def record_of(process: Whole) -> bytes:
    """The same of a process at hand."""
    return f'{{"ocid":"{process.ocid}","releases":{process.listed},"compiledRelease":{process.compiled}}}'.encode()


async def process(ocid: str) -> tuple[Process, list[str]]:
    """One process with the bodies of its releases; 404 for an ocid that is not ours."""
    found = await find(Process, Process.ocid == ocid)
    return found, await rows(str, "SELECT body FROM release WHERE ocid = {} ORDER BY event", ocid)


async def release(key: str) -> Release:
    """One release by its id; 404 when there is none."""
    return await find(Release, Release.key == key)


async def state() -> str:
    """A name for all that is published: it changes with every release, and when everything was published anew."""
    return await the(
        str,
        """
        SELECT COALESCE((SELECT event FROM place WHERE name = {}), 0) || '-'
          || COALESCE((SELECT key FROM release ORDER BY event DESC LIMIT 1), '') AS state
        """,
        ANEW,
    )


NEVER = datetime(2000, 1, 1, tzinfo=UTC)
"""What stands for the moment of the newest release while there is none: a moment that does not move, so that the answer
keeps its ETag."""


def ocid_of(subject: str) -> str:
    """The ocid of `challenge:…` or `tender:…`."""
    kind, _, ref = subject.partition(":")
    who = gathering.publisher()
    return releases.tender_ocid(who, ref) if kind == "tender" else releases.challenge_ocid(who, ref)
