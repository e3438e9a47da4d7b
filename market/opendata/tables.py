"""What was published as open contracting data: every release as its bytes, and each process compiled."""

from __future__ import annotations

from datetime import datetime

import msgspec
from piccolo.columns import BigInt, Serial, Varchar
from piccolo.table import Table

from market.columns import several, when, words


class Release(Table):
    """One release, exactly as it was published. Written by one run at a time in the order of the log, so that `event` is
    an order in which a reader can follow without missing any, and the same after everything was published anew."""

    id: Serial
    key = Varchar(length=80, unique=True)
    """The release id: the ocid and the event it announces."""
    ocid = Varchar(length=80, index=True)
    event = BigInt(unique=True)
    """The seq of the event it announces: the reader's cursor."""
    at = when(index=True)
    tags = several()
    extensions = several()
    """The extensions whose fields it has, so that a package can name them without reading it."""
    body = words()


class Process(Table):
    """One contracting process: all its releases merged. `last` is the event of its newest release and moves it to the end
    of the list of records whenever something happens."""

    id: Serial
    ocid = Varchar(length=80, unique=True)
    subject = Varchar(length=40, unique=True)
    """`challenge:…` or `tender:…`"""
    last = BigInt(unique=True)
    began_at = when(index=True)
    """The moment of its first release; its year says in which yearly file it stands."""
    changed_at = when()
    tags = several()
    """What its newest release announced."""
    extensions = several()
    listed = words()
    """Links to its releases as a record lists them, as JSON."""
    compiled = words()


class Place(Table):
    """How far the log has been read for publication. It passes events about which nothing is published, too."""

    name = Varchar(length=20, primary_key=True)
    event = BigInt(default=0, null=False)
    """The seq of the last event that was dealt with."""


class Whole(msgspec.Struct, frozen=True):
    """A process with all that its record is made of."""

    ocid: str
    subject: str
    last: int
    listed: str
    compiled: str


class Latest(msgspec.Struct, frozen=True):
    """A process as it stands after its last change."""

    ocid: str
    subject: str
    last: int
    changed_at: datetime
    tags: list[str]
    compiled: str
