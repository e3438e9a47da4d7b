"""What was decided about opened bids, and what followed."""

from __future__ import annotations

from datetime import datetime

import msgspec
from piccolo.columns import Serial, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.bids.tables import OpenedBid
from market.columns import belongs_to, may_belong_to, moment, reference, when, words, yes_or_no
from market.kinds import KINDS
from market.tenders.tables import Lot, Tender


class Decision(Table):
    """The award of a lot, or that nobody gets it, with reasons; it takes effect when the standstill has passed."""

    id: Serial
    ref = reference(KINDS["award"].prefix)
    tender = belongs_to(Tender)
    lot = belongs_to(Lot)
    winner = may_belong_to(OpenedBid)
    """NULL when the lot is not awarded."""
    ranking = words()
    """Canonical JSON of the reckoning: every bid's scores, price points, total, rank, and each number explained."""
    reasons = words()
    decided_at = when()
    decided_by = belongs_to(Person)
    standstill_ends_at = moment()
    set_aside_at = moment()
    set_aside_reason = words()
    contract = Varchar(length=16, default="", null=False)
    """The reference of the contract drawn up from it, written by contracts; a contracted decision stands."""


class PriceQuestion(Table):
    """The buyer asks a bidder to explain a price that looks abnormally low. Such a bid may be set aside for its price only
    after she answered or let the time for it pass (Procurement Act 2023 section 19(3) to (5))."""

    id: Serial
    bid = belongs_to(OpenedBid)
    asked_at = when()
    asked_by = belongs_to(Person, index=False)
    answer_by = when()
    answer = words()
    answered_at = moment()
    answered_by = may_belong_to(Person)

    a_price_is_asked_about_once = Unique(["bid"])


class Complaint(Table):
    """A bidder's protest against a decision, lodged in standstill; it stops the contract until answered."""

    id: Serial
    ref = reference(KINDS["complaint"].prefix)
    decision = belongs_to(Decision)
    supplier = belongs_to(Organisation)
    person = belongs_to(Person)
    text = words()
    lodged_at = when()
    answer = words()
    upheld = yes_or_no()
    answered_at = moment()
    answered_by = may_belong_to(Person)


class Complained(msgspec.Struct, frozen=True):
    """A complaint as it is shown, with the firm that lodged it."""

    ref: str
    supplier: int
    supplier_ref: str
    supplier_name: str
    text: str
    lodged_at: datetime
    answer: str
    upheld: bool
    answered_at: datetime | None


class Seated(msgspec.Struct, frozen=True):
    """An evaluation that somebody is on the panel of: the tender, and what she did for it."""

    ref: str
    title: str
    buyer: str
    closes_at: datetime | None
    opened_at: datetime | None
    cancelled_at: datetime | None
    declared_at: datetime | None
    locked_at: datetime | None
    excused_at: datetime | None
