"""Money owed and money paid, in integer minor units."""

from datetime import datetime

import msgspec
from piccolo.columns import Serial, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from market.accounts.tables import Organisation
from market.columns import (
    belongs_to,
    currency,
    maybe_words,
    minor_units,
    moment,
    number,
    reference,
    several,
    when,
    words,
)
from market.kinds import KINDS


class Obligation(Table):
    """A sum that one body came to owe another by a fact: a pitch was delivered, a milestone was accepted. Made once per
    fact (`cause` is unique), never altered."""

    id: Serial
    ref = reference(KINDS["obligation"].prefix)
    cause = Varchar(length=60, unique=True)
    """`kind:reference` of the fact, such as `pitch:PI-7KQ4M2X`: the same fact can never be owed twice."""
    payer = belongs_to(Organisation)
    payee = belongs_to(Organisation)
    amount_minor = minor_units()
    currency = currency()
    purpose = words()
    about = Varchar(length=40, index=True)
    """`kind:reference` of the challenge or contract it belongs to."""
    ancestors = several()
    """Every `kind:reference` the fact grew from, for the log's `about`."""
    accepted_by = Varchar(length=16, default="", null=False)
    """The reference of the person who accepted the deliverable: she may not release the money for it."""
    incurred_at = when()
    due_at = when()

    amount_is_positive = Check("amount_minor > 0")


class Payment(Table):
    """One attempt to pay an obligation through a provider. The row exists before the provider is called, its parameters
    are frozen, and the idempotency key is `ref`: a crash between call and answer is found and finished, never repeated."""

    id: Serial
    ref = reference(KINDS["payment"].prefix)
    obligation = belongs_to(Obligation)
    attempt = number(1)
    provider = Varchar(length=12)
    """stripe | simulated: who moved the money, or was to"""
    destination = words()
    """The payee's account at the provider as it was when the money was released; empty when payments are simulated."""
    state = Varchar(length=12, index=True)
    """due | unknown (sent, no answer yet) | paid | refused"""
    provider_ref = words()
    refusal = words()
    approved_by = Varchar(length=16)
    """The reference of the person who released it: never the one who accepted the deliverable."""
    asked_at = when()
    sent_at = moment()
    """When it was first sent: keys at the provider live for a day."""
    tried_at = moment()
    paid_at = moment()
    confirmed_at = moment()
    """When the payee said that the money arrived."""
    confirmed_by = maybe_words()

    one_attempt_at_a_time = Unique(["obligation", "attempt"])


class Hold(Table):
    """An attempt to pay that waits, because what it pays for was accepted on the very device that released it. It ends by itself, or
    when an auditor says that she has looked."""

    id: Serial
    payment = belongs_to(Payment)
    accepted_by = Varchar(length=16)
    released_by = Varchar(length=16)
    """The references of the two."""
    held_at = when()
    until = when()
    looked_at = moment()
    looked_by = Varchar(length=16, default="", null=False)
    found = words()
    """What the auditor found, in her words."""

    a_payment_is_held_once = Unique(["payment"])


class Entry(msgspec.Struct, frozen=True):
    """An obligation with its last attempt to pay, whose fields are None until the money was released once."""

    ref: str
    cause: str
    purpose: str
    about: str
    amount_minor: int
    currency: str
    incurred_at: datetime
    due_at: datetime
    payer: int
    payee: int
    payer_name: str
    payer_ref: str
    payee_name: str
    payee_ref: str
    payment: str | None
    state: str | None
    provider: str | None
    refusal: str | None
    paid_at: datetime | None
    confirmed_at: datetime | None
    held_until: datetime | None


class PayoutAccount(Table):
    """Where a supplier is paid: its account at the provider, and since when that may receive money."""

    id: Serial
    organisation = belongs_to(Organisation)
    provider = Varchar(length=12)
    account = words()
    active_at = moment()
    created_at = when()


class ProviderEvent(Table):
    """What a provider told us, exactly as it came; stored first, acted on by a job, once."""

    id: Serial
    provider = Varchar(length=12)
    event_id = Varchar(length=120, unique=True)
    kind = words()
    payload = words()
    received_at = when()
    done_at = moment(index=True)
