"""Loans: whom a body lends to which other body, on what paper, in which role, from when until when."""

from datetime import datetime

import msgspec
from piccolo.columns import Serial, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from market.accounts.tables import Membership, Organisation, Person
from market.actor import Role
from market.columns import belongs_to, may_belong_to, moment, reference, when, words


class Loan(Table):
    """A person of one body who works for another. It binds once an administrator of each body has signed; then it is public, and
    what it says stays."""

    id: Serial
    ref = reference("LN")
    lender = belongs_to(Organisation)
    borrower = belongs_to(Organisation)
    person = belongs_to(Person)
    role = Varchar(length=20)
    instrument = words()
    """The agreement between the two bodies, as one would cite it."""
    since = when()
    until = when()
    proposed_by = belongs_to(Person)
    proposed_for = belongs_to(Organisation)
    """The body for which it was proposed, lender or borrower; the other one agrees."""
    proposed_at = when()
    agreed_by = may_belong_to(Person)
    agreed_at = moment()
    membership = may_belong_to(Membership)
    ended_by = may_belong_to(Person)
    ended_at = moment()

    two_bodies = Check("lender <> borrower")
    another_person_agreed = Check("agreed_by <> proposed_by")
    ends_after_it_begins = Check("until > since")


class Listed(msgspec.Struct, frozen=True):
    """A loan as it is read, with its bodies and people by name."""

    ref: str
    lender: str
    lender_ref: str
    lender_id: int
    borrower: str
    borrower_ref: str
    borrower_id: int
    name: str
    person_ref: str
    role: Role
    instrument: str
    since: datetime
    until: datetime
    proposer: str
    proposed_for: int
    proposed_at: datetime
    agreer: str | None
    agreed_at: datetime | None
    ended_at: datetime | None
