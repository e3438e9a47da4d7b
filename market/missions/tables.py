"""Missions and how we shall know that they succeeded."""

from datetime import date, datetime

import msgspec
from piccolo.columns import Serial, Varchar
from piccolo.table import Table

from market.accounts.tables import Organisation
from market.columns import belongs_to, day, moment, number, reference, when, words
from market.kinds import KINDS


class Mission(Table):
    """A public aim set by the centre, with success criteria; challenges, tenders and contracts are filed under one."""

    id: Serial
    ref = reference(KINDS["mission"].prefix)
    owner = belongs_to(Organisation)
    title = words()
    statement = words()
    begins_on = day()
    ends_on = day()
    created_at = when()
    published_at = moment()


class Listed(msgspec.Struct, frozen=True):
    """A mission as it is read, with its department."""

    id: int
    ref: str
    owner: int
    owner_ref: str
    owner_name: str
    title: str
    statement: str
    begins_on: date | None
    ends_on: date | None
    created_at: datetime
    published_at: datetime | None


class SuccessCriterion(Table):
    """One measure of a mission: what is counted, where it stood, where it shall stand, and by when."""

    id: Serial
    mission = belongs_to(Mission)
    place = number()
    measure = words()
    baseline = words()
    target = words()
    unit = Varchar(length=60, default="", null=False)
    due_on = day()


class Measured(msgspec.Struct, frozen=True):
    """A success criterion as it is read; `mission` is the id of its mission."""

    mission: int
    place: int
    measure: str
    baseline: str
    target: str
    unit: str
    due_on: date | None
