"""Who shall be minister, auditor or operator, on whose word, and from when."""

from datetime import datetime

import msgspec
from piccolo.columns import Serial, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from market.accounts.tables import Invitation, Organisation, Person
from market.actor import Role
from market.columns import belongs_to, may_belong_to, moment, reference, when, words


class Appointment(Table):
    """Somebody proposed for an office, by name, with the instrument that appoints her. It is public from its confirmation, and
    she acts from `effect_at`; what becomes of it before is a date."""

    id: Serial
    ref = reference("OF")
    organisation = belongs_to(Organisation)
    name = words()
    email = Varchar(length=254)
    role = Varchar(length=20)
    title = words()
    instrument = words()
    """What appoints her, as one would cite it: the letter, the order, its date."""
    since = moment()
    """The first moment of her first day in office; a role without an office begins when it takes effect."""
    until = moment()
    proposed_by = belongs_to(Person)
    proposed_at = when()
    confirmed_by = may_belong_to(Person)
    confirmed_at = moment()
    effect_at = moment()
    """From when she acts: never before the policy's hours of publication are over."""
    invitation = may_belong_to(Invitation)
    withdrawn_by = may_belong_to(Person)
    withdrawn_at = moment()
    withdrawn_because = words()

    role_is_appointed = Check("role IN ('minister','auditor','operator')")
    another_person_confirmed = Check("confirmed_by <> proposed_by")
    published_before_effect = Check("(confirmed_at IS NULL) = (effect_at IS NULL) AND effect_at > confirmed_at")


class Listed(msgspec.Struct, frozen=True):
    """An appointment as it is read, with the body and those who proposed, confirmed or withdrew it."""

    ref: str
    body: str
    body_ref: str
    name: str
    role: Role
    title: str
    instrument: str
    since: datetime | None
    until: datetime | None
    proposer: str
    proposed_at: datetime
    confirmer: str | None
    confirmed_at: datetime | None
    effect_at: datetime | None
    withdrawer: str | None
    withdrawn_at: datetime | None
    withdrawn_because: str


class Installed(msgspec.Struct, frozen=True):
    """Somebody who has held an office since the site was installed, without an appointment: nobody was there to make one."""

    name: str
    role: Role
    title: str
    body: str
    body_ref: str
    since: datetime
    until: datetime | None
