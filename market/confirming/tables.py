"""What programs prepared for a person to confirm."""

from datetime import datetime

import msgspec
from piccolo.columns import Varchar
from piccolo.columns.column_types import Serial
from piccolo.constraints import Check
from piccolo.table import Table

from market.accounts.tables import ApiToken, Person
from market.columns import belongs_to, maybe_number, maybe_words, moment, octets, reference, when, words


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
