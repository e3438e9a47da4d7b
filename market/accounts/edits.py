"""Changing what is stored: nobody's words are overwritten unseen. Every action that writes a draft over a row goes through
:func:`revise`, which compares under the row's lock what the change was written from with what is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from piccolo.table import Table

from market import drafts
from market.accounts import rules
from market.dates import moment
from market.proof import canonical
from market.reads import row
from market.refusals import Refused, insist, refusals


@dataclass(frozen=True, slots=True)
class Trace:
    """Where the log tells of earlier changes of the same thing: the events of `subject` with this verb that say `facts`."""

    verb: str
    subject: str
    facts: Mapping[str, canonical.Plain] = field(default_factory=dict)


async def revise(
    given: msgspec.Struct,
    seen: str,
    /,
    *rows: Table,
    trace: Trace,
    shown: Mapping[str, Any] | None = None,
    **computed: Any,
) -> None:
    """Write a draft over rows that the caller has locked (or makes, under the lock of their parent), when they are as they were when it was begun: `seen` is their
    :func:`market.drafts.version` then. Raises :class:`market.drafts.Overtaken` when somebody saved meanwhile. `shown` and
    `computed` are those of :func:`market.drafts.stored` and :func:`market.drafts.keep`."""
    kind = type(given)
    now = drafts.version(kind, *rows)
    await must_have_seen(seen, now, drafts.stored(kind, *rows, **(shown or {})), trace)
    await drafts.keep(given, *rows, **computed)


async def must_have_seen(seen: str, now: str, stored: Mapping[str, Any], trace: Trace) -> None:
    """The check alone, under a lock that the caller holds: for what is not one draft in one row. `stored` is what a form
    would show of it now. Without a version it is refused (428), with another one it was overtaken (409)."""
    seen = seen.strip().removeprefix("W/").strip('"')
    if unsaid := refusals((rules.says_what_it_was_written_from,), seen):
        raise Refused(*unsaid, status=428)
    if seen == now:
        return
    last = await _last(trace)
    by, at = (last.name if last and last.name else "Somebody"), (last.at if last else None)
    try:
        insist((rules.nobody_saved_meanwhile,), seen, now, by, moment(at) if at else "")
    except Refused as refused:
        raise drafts.Overtaken(refused.reasons[0], stored, now, by, at) from None


class Saved(msgspec.Struct, frozen=True):
    """When something was changed last and by whom; no name for what the system did."""

    at: datetime
    name: str | None


async def _last(trace: Trace) -> Saved | None:
    return await row(
        Saved,
        """
        SELECT e.at, p.name FROM event e LEFT JOIN person p ON p.ref = e.actor
        WHERE e.subject = {} AND e.verb = {} AND e.body::jsonb @> {}::jsonb ORDER BY e.seq DESC LIMIT 1
        """,
        trace.subject,
        trace.verb,
        canonical.encode(dict(trace.facts)).decode(),
    )
