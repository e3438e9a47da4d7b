"""Records of make or buy."""

from __future__ import annotations

from datetime import datetime

import msgspec
from piccolo.columns import Serial, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.columns import belongs_to, currency, maybe_minor_units, moment, reference, when, words
from market.kinds import KINDS


class Build(Table):
    """What a body needs, what there is to buy, and whether it makes or buys it. What is published stays as it is."""

    id: Serial
    ref = reference(KINDS["build"].prefix)
    body = belongs_to(Organisation)
    title = words()
    need = words()
    market = words()
    """What could be bought or reused, and what it would cost."""
    choice = Varchar(length=4, default="", null=False)
    """make | buy; empty until it is said."""
    reasons = words()
    estimated_minor = maybe_minor_units()
    """What the chosen way costs over its life, without VAT."""
    currency = currency()
    created_at = when()
    created_by = belongs_to(Person)
    published_at = moment(index=True)

    choice_is_known = Check("choice IN ('','make','buy')")


class Listed(msgspec.Struct, frozen=True):
    """A record of make or buy as it is read, with the body that decides."""

    id: int
    ref: str
    body: int
    body_ref: str
    body_name: str
    title: str
    need: str
    market: str
    choice: str
    reasons: str
    estimated_minor: int | None
    currency: str
    created_at: datetime
    published_at: datetime | None
