"""Sealed bids and their opening."""

from __future__ import annotations

from datetime import datetime

import msgspec
from piccolo.columns import Serial, Varchar
from piccolo.constraints import Unique
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.columns import belongs_to, currency, minor_units, octets, reference, several, when, words, yes_or_no
from market.kinds import KINDS
from market.tenders.tables import Addendum, Lot, Tender


class Bid(Table):
    """One sealed envelope, or a withdrawal, exactly as it arrived. Append-only: what the supplier sent last for a lot before
    the deadline counts."""

    id: Serial
    ref = reference(KINDS["bid"].prefix)
    tender = belongs_to(Tender)
    lot = belongs_to(Lot)
    supplier = belongs_to(Organisation)
    person = belongs_to(Person)
    act = Varchar(length=10, default="submit", null=False)
    """submit | withdraw"""
    envelope = octets()
    """Encrypted to the tender's key; empty for a withdrawal."""
    digest = Varchar(length=64)
    receipt = Varchar(length=64)
    """SHA-256 over the envelope's digest, the context and the moment: what the supplier keeps."""
    received_at = when(index=True)


class BidConfirmation(Table):
    """A supplier's word that an envelope it sealed before a change still stands after it. Append-only, and sealed like the
    bid until the opening. It covers every change up to the one it names."""

    id: Serial
    ref = reference("BC")
    tender = belongs_to(Tender)
    bid = belongs_to(Bid)
    addendum = belongs_to(Addendum)
    person = belongs_to(Person)
    digest = Varchar(length=64)
    """The envelope's, as the supplier named it."""
    receipt = Varchar(length=64)
    """SHA-256 over the envelope's digest, its context, the change and the moment: what the supplier keeps."""
    confirmed_at = when()

    a_bid_is_confirmed_once_for_a_change = Unique(["bid", "addendum"])


class ConfirmationLetter(Table):
    """That a supplier was told that its bid waits to be confirmed: once when the change came, once before the deadline."""

    id: Serial
    bid = belongs_to(Bid)
    addendum = belongs_to(Addendum)
    last = yes_or_no()
    """Whether it was the reminder before the deadline."""
    at = when()

    a_letter_is_written_once = Unique(["bid", "addendum", "last"])


class Envelope(msgspec.Struct, frozen=True):
    """The last envelope of a supplier for a lot, with whose it is. It counts unless `unconfirmed` names a change that came after
    it and that the supplier has not confirmed."""

    id: int
    ref: str
    lot: int
    supplier: int
    envelope: bytes
    digest: str
    receipt: str
    received_at: datetime
    lot_ref: str
    supplier_ref: str
    supplier_name: str
    unconfirmed: str


class Sent(msgspec.Struct, frozen=True):
    """What a supplier sent, without its contents. `latest` says whether it is the last for its lot, `registered` whether the
    register of opening names it, `problem` why it was set aside then, empty when it was not."""

    ref: str
    act: str
    digest: str
    receipt: str
    received_at: datetime
    tender_ref: str
    tender_title: str
    opened_at: datetime | None
    cancelled_at: datetime | None
    lot_ref: str
    lot_number: int
    lot_title: str
    latest: bool
    registered: bool
    unconfirmed: str
    """The last change that came after it and was not confirmed; empty when it counts as it is."""
    confirmation: str
    """The last word of the supplier that it still stands after a change; empty when there is none."""
    problem: str


class Opening(Table):
    """The act of opening: once per tender, by two officers, with the register as it was published."""

    id: Serial
    ref = reference(KINDS["opening"].prefix)
    tender = belongs_to(Tender)
    first_officer = belongs_to(Person)
    second_officer = belongs_to(Person)
    opened_at = when()
    register = words()
    """Canonical JSON: every counting envelope with supplier, lot, time and digest. Prices are shown when the panel has scored."""
    digest = Varchar(length=64)

    a_tender_is_opened_once = Unique(["tender"])


class Entry(msgspec.Struct, frozen=True):
    """One envelope of the register of opening."""

    bid: str
    envelope_sha256: str
    lot: str
    received_at: datetime
    supplier: str
    supplier_name: str
    unconfirmed: str = ""
    """The change that its supplier did not confirm, so that it was not opened; empty when it counts."""


class SetAside(msgspec.Struct, frozen=True):
    """A bid that was set aside at the opening: its reference, why, and the codes of the reasons."""

    bid: str
    problem: str
    codes: list[str]


class OpenedBid(Table):
    """What was in a counting envelope, or why it does not count; of a bid that was set aside nothing else is kept here, and
    its envelope stands as it came. Append-only."""

    id: Serial
    ref = reference("BD")
    bid = belongs_to(Bid)
    tender = belongs_to(Tender)
    lot = belongs_to(Lot)
    supplier = belongs_to(Organisation)
    price_minor = minor_units()
    currency = currency()
    answers = words()
    """Canonical JSON: criterion reference → what the supplier wrote."""
    declarations = words()
    problem = words()
    """Why the bid was set aside at the opening, in words that everybody may read; empty when it counts."""
    problem_codes = several()
    """The codes of those reasons, as the rule book has them."""

    a_bid_is_opened_once = Unique(["bid"])
