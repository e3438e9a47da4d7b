"""Contracts: what was agreed, who signed, what was delivered."""

from datetime import date, datetime

import msgspec
from piccolo.columns import Serial, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.awards.tables import Decision
from market.columns import (
    belongs_to,
    currency,
    day,
    may_belong_to,
    minor_units,
    moment,
    number,
    reference,
    when,
    words,
    yes_or_no,
)
from market.kinds import KINDS
from market.missions.tables import Mission
from market.tenders.tables import Lot, Tender


class Contract(Table):
    """An agreement that follows an award; in force when both sides have signed the same document."""

    id: Serial
    ref = reference(KINDS["contract"].prefix)
    decision = belongs_to(Decision)
    tender = belongs_to(Tender)
    lot = belongs_to(Lot)
    buyer = belongs_to(Organisation)
    supplier = belongs_to(Organisation)
    mission = may_belong_to(Mission)
    title = words()
    value_minor = minor_units()
    currency = currency()
    begins_on = day()
    ends_on = day()
    terms = words()
    document = words()
    """The canonical JSON both sides sign, fixed when the contract is drawn up."""
    digest = Varchar(length=64)
    drawn_up_at = when()
    drawn_up_by = belongs_to(Person)
    supplier_signed_at = moment()
    supplier_signed_by = may_belong_to(Person)
    buyer_signed_at = moment()
    buyer_signed_by = may_belong_to(Person)
    ended_at = moment()
    ended_by = may_belong_to(Person)
    ended_reason = words()
    """Why it ended early, or why it was given up before both had signed."""

    a_decision_is_contracted_once = Unique(["decision"])


class ContractChange(Table):
    """A change to a contract in force, proposed by one of the buyer with a coded ground, approved by another, and agreed by the
    supplier; what was before stays beside what is after. Published, never overwritten: a trigger keeps what was proposed
    and every date once it is set."""

    id: Serial
    ref = reference("CC")
    contract = belongs_to(Contract)
    ground = Varchar(length=30)
    text = words()
    reasons = words()
    """How the ground is met: the answer to what the Act asks for it."""
    clause = words()
    """The words of contract and tender that it relies on; empty where the ground relies on none."""
    same = yes_or_no()
    """The buyer's statement that nature and scope of the contract stay as they are."""
    standstill = yes_or_no()
    """Whether the buyer chose a standstill between the notice and the change."""
    before = words()
    after = words()
    old_ends_on = day()
    """The last day when it was proposed; NULL where it leaves the last day alone."""
    new_ends_on = day()
    milestone_title = words()
    milestone_due_on = day()
    milestone_minor = minor_units()
    """What an added milestone pays; zero when none is added."""
    at = when()
    by = belongs_to(Person)
    approved_at = moment()
    """When a second person of the buyer approved it and its notice was published; NULL before."""
    approved_by = may_belong_to(Person)
    standstill_ends_at = moment()
    """The last moment at which the supplier may not agree yet; NULL without a standstill."""
    agreed_at = moment()
    """When the supplier agreed, after the approval and the standstill; only then does it take effect."""
    agreed_by = may_belong_to(Person)
    left_at = moment()
    """When it was left: the buyer took it back, or the supplier did not agree. Nothing changed then."""
    left_by = Varchar(length=8, default="", null=False)
    """buyer | supplier; empty when it was not left."""


class StandstillLetter(Table):
    """That both sides were told that the standstill of a change is over."""

    id: Serial
    change = belongs_to(ContractChange, index=False)
    at = when()

    told_once = Unique(["change"])


class Change(msgspec.Struct, frozen=True):
    """A change as it is published, with the names of who proposed and who approved it; the latter is empty before."""

    ref: str
    ground: str
    text: str
    reasons: str
    clause: str
    before: str
    after: str
    at: datetime
    by: str
    approved_at: datetime | None
    approved_by: str
    standstill_ends_at: datetime | None
    agreed_at: datetime | None
    left_at: datetime | None
    left_by: str


class Milestone(Table):
    """A part of the work with a date and a price; accepting it creates the obligation to pay."""

    id: Serial
    ref = reference(KINDS["milestone"].prefix)
    contract = belongs_to(Contract)
    number = number()
    title = words()
    due_on = day()
    amount_minor = minor_units()
    delivered_at = moment()
    delivered_by = may_belong_to(Person)
    delivery_note = words()
    accepted_at = moment()
    accepted_by = may_belong_to(Person)
    refused_reason = words()
    """Why the last delivery was not accepted; emptied by the next delivery."""
    change = may_belong_to(ContractChange)
    """The agreed change that added it; NULL for one of the contract as it was signed."""

    milestone_numbers_are_unique = Unique(["contract", "number"])
    amount_is_positive = Check("amount_minor > 0")


class Work(msgspec.Struct, frozen=True):
    """A milestone with what is owed and paid for it: `obligation` and its day are None until it is accepted, `paid_at` and
    `confirmed_at` those of the payment that went through."""

    ref: str
    number: int
    title: str
    due_on: date | None
    amount_minor: int
    delivered_at: datetime | None
    delivery_note: str
    accepted_at: datetime | None
    refused_reason: str
    obligation: str | None
    payment_due_at: datetime | None
    paid_at: datetime | None
    confirmed_at: datetime | None
