"""Publishing: the log is followed, every change of a public process becomes a release, every process a record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from market import clock
from market.db import find, many, maybe, one, transaction
from market.opendata import gathering, packages, releases
from market.opendata.facts import Step
from market.opendata.tables import Process, Release
from market.refusals import NotFound
from market.settings import settings

PUBLISH_LOCK = 7420260004
BATCH = 50

ANNOUNCED: dict[str, tuple[str, ...]] = {
    "challenge.published": ("planning",),
    "challenge.shortlisted": ("planningUpdate",),
    "challenge.concluded": ("planningUpdate",),
    "challenge.cancelled": ("planningUpdate",),
    "tender.published": ("tender",),
    "tender.changed": ("tenderUpdate",),
    "tender.question-answered": ("tenderUpdate",),
    "tender.opened": ("tenderUpdate",),
    "tender.cancelled": ("tenderCancellation",),
    "award.decided": ("award",),
    "award.set-aside": ("awardCancellation",),
    "contract.signed": ("contract",),
    "contract.changed": ("contractAmendment",),
    "contract.ended": ("contractTermination",),
    "milestone.accepted": ("implementationUpdate",),
    "payment.paid": ("implementationUpdate",),
}
"""Which events are published, and with which codes of OCDS's releaseTag list."""


async def publish() -> int:
    """Publish what happened since the last release, in the order of the log; answers how many events were dealt with.

    One run at a time, so the releases' ids follow the log and a reader with a cursor never misses one. Each event is one
    release, once: a repeat finds it there.
    """
    async with transaction():
        if not (await one("SELECT pg_try_advisory_xact_lock({}) AS mine", PUBLISH_LOCK))["mine"]:
            return 0
        rows = await many(
            "SELECT seq, verb, about, at FROM event WHERE verb = ANY({}::text[]) AND sealed_by = '' "
            "AND seq > (SELECT COALESCE(MAX(event), 0) FROM release) ORDER BY seq LIMIT {}",
            list(ANNOUNCED),
            BATCH,
        )
        touched: dict[str, None] = {}
        for row in rows:
            subject = process_of(row["about"])
            made = await _release(subject, row) if subject else None
            if made is None:
                # Nothing to publish about it; the place in the log is passed all the same by the next release.
                continue
            await Release.insert(
                Release(
                    key=made["id"],
                    ocid=made["ocid"],
                    event=row["seq"],
                    at=row["at"],
                    tags=list(made["tag"]),
                    body=packages.encode(made).decode(),
                )
            )
            touched[subject or ""] = None
        for subject in touched:
            await _compile(subject)
    return len(rows) if touched else 0


def process_of(about: Sequence[str]) -> str | None:
    """The process an event belongs to: its tender, else its challenge."""
    for kind in ("tender:", "challenge:"):
        for each in about:
            if each.startswith(kind):
                return each
    return None


async def _release(subject: str, row: dict[str, Any]) -> dict[str, Any] | None:
    kind, _, ref = subject.partition(":")
    step = Step(str(row["seq"]), row["at"], ANNOUNCED[row["verb"]])
    try:
        if kind == "tender":
            return releases.tender_release(await gathering.tender(ref, step.at), step, gathering.publisher())
        return releases.challenge_release(await gathering.challenge(ref), step, gathering.publisher())
    except NotFound:
        return None


async def _compile(subject: str) -> None:
    kind, _, ref = subject.partition(":")
    who = gathering.publisher()
    ocid = releases.tender_ocid(who, ref) if kind == "tender" else releases.challenge_ocid(who, ref)
    rows = await many("SELECT id, at, body FROM release WHERE ocid = {} ORDER BY id", ocid)
    compiled = packages.encode(packages.compiled_release([packages.decode(row["body"]) for row in rows])).decode()
    known = await maybe(Process, Process.ocid == ocid, lock=True)
    if known is None:
        known = Process(ocid=ocid, subject=subject, last=rows[-1]["id"], changed_at=rows[-1]["at"], compiled=compiled)
        await known.save()
    else:
        known.last, known.changed_at, known.compiled = rows[-1]["id"], rows[-1]["at"], compiled
        await known.save([Process.last, Process.changed_at, Process.compiled])


async def page_of_releases(
    after: int = 0, limit: int = 100, *, ocid: str = "", since: datetime | None = None, tag: str = ""
) -> tuple[list[str], int | None]:
    """Release bodies after a place in the order of publication, and the place to go on from (None at the end)."""
    rows = await many(
        "SELECT id, body FROM release WHERE id > {} AND ({} = '' OR ocid = {}) AND ({}::timestamptz IS NULL OR at >= {}) "
        "AND ({} = '' OR {} = ANY(tags)) ORDER BY id LIMIT {}",
        after,
        ocid,
        ocid,
        since,
        since,
        tag,
        tag,
        limit + 1,
    )
    return [row["body"] for row in rows[:limit]], rows[limit - 1]["id"] if len(rows) > limit else None


async def page_of_records(
    after: int = 0, limit: int = 100, *, since: datetime | None = None
) -> tuple[list[dict[str, Any]], int | None]:
    """Processes in the order of their last change, after a place in it: a process that changes comes again, later."""
    rows = await many(
        "SELECT ocid, last, compiled FROM process WHERE last > {} AND ({}::timestamptz IS NULL OR changed_at >= {}) "
        "ORDER BY last LIMIT {}",
        after,
        since,
        since,
        limit + 1,
    )
    return rows[:limit], rows[limit - 1]["last"] if len(rows) > limit else None


async def process(ocid: str) -> tuple[Process, list[str]]:
    """One process with the bodies of its releases; 404 for an ocid that is not ours."""
    found = await find(Process, Process.ocid == ocid)
    rows = await many("SELECT body FROM release WHERE ocid = {} ORDER BY id", ocid)
    return found, [row["body"] for row in rows]


async def release(key: str) -> Release:
    """One release by its id; 404 when there is none."""
    return await find(Release, Release.key == key)


async def newest() -> tuple[int, datetime]:
    """The place and moment of the newest release: what a page's freshness is judged by."""
    row = await one("SELECT id, at FROM release ORDER BY id DESC LIMIT 1")
    return (row["id"], row["at"]) if row else (0, clock.now())


def ocid_of(subject: str) -> str:
    """The ocid of `challenge:…` or `tender:…`, for links from its page."""
    kind, _, ref = subject.partition(":")
    return f"{settings().ocds_prefix}-{kind}-{ref}"
