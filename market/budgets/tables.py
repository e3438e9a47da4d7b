"""Budgets, the dated lines that make and change them, and what was promised from them."""

from datetime import datetime

import msgspec
from piccolo.columns import BigInt, Serial, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.columns import belongs_to, currency, may_belong_to, minor_units, moment, number, reference, when, words
from market.kinds import KINDS
from market.money import Money


class Budget(Table):
    """Money that a body may spend on a purpose within a financial year. How much it is follows from its approved lines."""

    id: Serial
    ref = reference(KINDS["budget"].prefix)
    body = belongs_to(Organisation)
    year = number()
    """The year in which its financial year begins."""
    purpose = words()
    currency = currency()
    created_at = when()

    year_is_real = Check("year BETWEEN 2000 AND 2100")


class BudgetLine(Table):
    """What one person proposed of a budget and another approved: that it opens, is raised, lowered or closed. What was
    proposed stays as it was, and no date is set twice: a trigger keeps both."""

    id: Serial
    ref = reference("BL")
    budget = belongs_to(Budget)
    kind = Varchar(length=8)
    """open | raise | lower | close"""
    amount_minor = minor_units()
    """By how much, VAT included, in minor units of the budget's currency; zero when it is closed."""
    reason = words()
    proposed_at = when()
    proposed_by = belongs_to(Person)
    approved_at = moment()
    approved_by = may_belong_to(Person)
    left_at = moment()
    """When it was taken back or not approved; nothing changed then."""
    left_by = may_belong_to(Person)

    kind_is_known = Check("kind IN ('open','raise','lower','close')")
    amount_fits_the_kind = Check("(kind = 'close' AND amount_minor = 0) OR (kind <> 'close' AND amount_minor > 0)")
    another_person_approved = Check("approved_by <> proposed_by")
    approved_or_left = Check("approved_at IS NULL OR left_at IS NULL")


class BudgetEntry(Table):
    """A change of what is promised from a budget, with its sign. Append-only: sums of these are what is reserved and what is
    committed."""

    id: Serial
    budget = belongs_to(Budget)
    about = Varchar(length=40, index=True)
    """`kind:reference` of the challenge or tender that names the budget."""
    part = Varchar(length=40)
    """`kind:reference` of the lot or contract of it, or again the challenge itself."""
    kind = Varchar(length=9)
    """reserved | committed"""
    amount_minor = BigInt(default=0, null=False)
    """VAT included, in minor units of the budget's currency; below zero where less is promised than before."""
    cause = Varchar(length=20)
    """published | changed | decided | set-aside | signed | change-approved | change-agreed | change-left | short-listed | ended |
    cancelled"""
    at = when()

    kind_is_known = Check("kind IN ('reserved','committed')")
    amount_is_something = Check("amount_minor <> 0")


class Listed(msgspec.Struct, frozen=True):
    """A budget as it stands: its approved sum, what is reserved, committed and paid from it, all in minor units of its currency.
    `opened_at` and `closed_at` are when that was approved, None before; `waiting` is the reference of the line that waits to be
    approved, empty when none does."""

    id: int
    ref: str
    body: int
    body_ref: str
    body_name: str
    year: int
    purpose: str
    currency: str
    created_at: datetime
    amount_minor: int
    reserved_minor: int
    committed_minor: int
    paid_minor: int
    opened_at: datetime | None
    closed_at: datetime | None
    waiting: str

    @property
    def taken_minor(self) -> int:
        """What is promised: reserved or committed."""
        return self.reserved_minor + self.committed_minor

    @property
    def left_minor(self) -> int:
        """What can still be promised."""
        return self.amount_minor - self.taken_minor

    @property
    def amount(self) -> Money:
        """The approved sum."""
        return Money(self.amount_minor, self.currency)

    @property
    def reserved(self) -> Money:
        """What is set aside for what was published."""
        return Money(self.reserved_minor, self.currency)

    @property
    def committed(self) -> Money:
        """What is bound by short lists and contracts."""
        return Money(self.committed_minor, self.currency)

    @property
    def paid(self) -> Money:
        """What was paid of that, without VAT, as payments are made."""
        return Money(self.paid_minor, self.currency)

    @property
    def left(self) -> Money:
        """What can still be promised."""
        return Money(self.left_minor, self.currency)


class Line(msgspec.Struct, frozen=True):
    """A line with the people who proposed, approved or left it; empty names and None where nobody did."""

    ref: str
    kind: str
    amount_minor: int
    reason: str
    proposed_at: datetime
    proposer: str
    approved_at: datetime | None
    approver: str
    left_at: datetime | None
    leaver: str


class Use(msgspec.Struct, frozen=True):
    """What one challenge or tender takes from a budget, in minor units."""

    about: str
    reserved_minor: int
    committed_minor: int


class Level(msgspec.Struct, frozen=True):
    """What one part of a challenge or tender takes from a budget (its id) now, in minor units."""

    budget: int
    about: str
    part: str
    reserved_minor: int
    committed_minor: int
