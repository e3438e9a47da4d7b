"""What programs prepared for a person to confirm, and what people without a device printed to sign on paper."""

from datetime import date, datetime

import msgspec
from piccolo.columns import Varchar
from piccolo.columns.column_types import Serial
from piccolo.constraints import Check
from piccolo.table import Table

from market.accounts.tables import ApiToken, Organisation, Person
from market.columns import (
    belongs_to,
    day,
    may_belong_to,
    maybe_number,
    maybe_words,
    moment,
    octets,
    reference,
    when,
    words,
)


class PreparedAct(Table):
    """A call of a program that binds, kept as it came until the token's person confirms it. What was sent never changes; what
    becomes of it is a date."""

    id: Serial
    ref = reference("PA")
    person = belongs_to(Person)
    token = belongs_to(ApiToken)
    act = words()
    """Where the act is written, as `market.touch.ACTS` names it."""
    method = Varchar(length=8)
    path = words()
    """The address that was called, with its query."""
    organisation = Varchar(length=16, default="", null=False)
    """For which of the person's bodies the program acts; empty for the first she joined."""
    content_type = words()
    body = octets()
    seen = words()
    """The version that is changed (If-Match)."""
    confirmed = words()
    """What was asked once more, and confirmed by the program (Prelude-Confirm)."""
    digest = Varchar(length=64)
    """SHA-256 over all that was sent: what the person confirms names it."""
    prepared_at = when()
    expires_at = when()
    withdrawn_at = moment()
    tried_at = moment()
    """When she last confirmed it."""
    done_at = moment()
    """When it was done; NULL as long as it was refused."""
    status = maybe_number()
    answer = maybe_words()
    """What the act answered when it was last tried, as a program is told: its status and its JSON."""

    it_ends_once = Check("withdrawn_at IS NULL OR done_at IS NULL")


class Prepared(msgspec.Struct, frozen=True):
    """A prepared act as it is read, with the token that asked for it."""

    id: int
    ref: str
    person: int
    token_name: str
    act: str
    method: str
    path: str
    organisation: str
    content_type: str
    body: bytes
    seen: str
    confirmed: str
    digest: str
    prepared_at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None
    tried_at: datetime | None
    done_at: datetime | None
    status: int | None
    answer: str | None


class Mandate(Table):
    """An act that binds, as a person without a device typed it: printed, signed on paper, and entered by a second person of the
    body with her own passkey, who then has it done in the first one's name. What was printed never changes; what becomes of it
    is a date."""

    id: Serial
    ref = reference("MA")
    person = belongs_to(Person)
    """Whose act it is."""
    organisation = belongs_to(Organisation)
    """For which body she acts."""
    act = words()
    """Where the act is written, as `market.touch.ACTS` names it."""
    path = words()
    """The address her form was sent to, with its query."""
    body = octets()
    """All she typed, as a form is sent (application/x-www-form-urlencoded)."""
    digest = Varchar(length=64)
    """SHA-256 over all of it: its first characters are printed."""
    prepared_at = when()
    expires_at = when()
    withdrawn_at = moment()
    tried_at = moment()
    """When it was last entered, and refused."""
    answer = maybe_words()
    """The reasons of that, as JSON."""
    entered_by = may_belong_to(Person, index=True)
    signed_on = day()
    """The day that stands on the paper beside the signature."""
    kept_at = maybe_words()
    """Where the paper is kept."""
    done_at = moment()

    it_ends_once = Check("withdrawn_at IS NULL OR done_at IS NULL")
    done_by_somebody_else = Check(
        "(done_at IS NULL AND entered_by IS NULL AND signed_on IS NULL AND kept_at IS NULL) "
        "OR (done_at IS NOT NULL AND entered_by <> person AND signed_on IS NOT NULL AND kept_at <> '')"
    )


class Mandated(msgspec.Struct, frozen=True):
    """A mandate as it is read, with its people and its body."""

    ref: str
    person: int
    person_ref: str
    name: str
    organisation: int
    organisation_ref: str
    organisation_name: str
    act: str
    path: str
    body: bytes
    digest: str
    prepared_at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None
    tried_at: datetime | None
    answer: str | None
    entered_by: int | None
    entered_by_ref: str | None
    entered_by_name: str | None
    signed_on: date | None
    kept_at: str | None
    done_at: datetime | None
