"""What the servers' heartbeats say, kept, and the deadlines that moved by it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec
from piccolo.columns import Serial, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from market.accounts.tables import Organisation
from market.columns import belongs_to, number, when, words


class Presence(Table):
    """Time in which one server answered without a break, filled from its own file. It only grows: a trigger refuses everything
    but a later end, so that nobody makes a server absent afterwards."""

    id: Serial
    server = words()
    since = when()
    until = when(index=True)
    machine_until = when()
    """The last beat by the machine's own clock, which nobody moves in a demonstration."""
    beats = number()
    digest = Varchar(length=64)
    """SHA-256, chained over the lines of the heartbeat that were read."""
    gap_digest = Varchar(length=64)
    """SHA-256 of the lines between the stretch before and the first beat of this one: the source of an outage."""
    gap_beats = number()

    it_ends_after_it_begins = Check("until >= since")


class DeadlineMove(Table):
    """A deadline that moved because the service was away, and the measurement it rested on. Append-only."""

    id: Serial
    record = Varchar(length=40, index=True)
    """What closes then, `kind:reference`."""
    closed_at = when()
    """The deadline before."""
    closes_at = when()
    away_since = when()
    """When a server answered for the last time before."""
    away_until = when()
    """When a server answered again."""
    last_server = words()
    first_server = words()
    last_digest = Varchar(length=64)
    """Of the lines up to the last answer before."""
    gap_digest = Varchar(length=64)
    """Of the lines from there to the first answer after."""
    at = when()

    it_moves_later = Check("closes_at > closed_at")
    an_outage_counts_once = Unique(["record", "away_since"])


class LateComer(Table):
    """A body whom the deadline of a record turned away: it is told when that deadline moves. Shown nowhere."""

    id: Serial
    record = Varchar(length=40)
    organisation = belongs_to(Organisation)
    at = when()

    a_body_is_noted_once = Unique(["record", "organisation"])


class Moved(msgspec.Struct, frozen=True):
    """A move of a deadline by rule as pages, programs and the event show it: from when to when, and the measurement it rests on,
    the time in which no server answered."""

    schema_name: ClassVar[str] = "DeadlineMove"
    record: str
    closed_at: datetime
    closes_at: datetime
    away_since: datetime
    away_until: datetime
    last_server: str
    first_server: str
    last_digest: str
    gap_digest: str
    at: datetime
