"""What was decided about whom the rule binds, and what auditors objected to."""

from datetime import datetime

import msgspec
from piccolo.columns import ForeignKey, OnDelete, OnUpdate, Serial, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.columns import belongs_to, may_belong_to, moment, reference, when, words
from market.kinds import KINDS


class Ruling(Table):
    """Something that decides whom or what the rule binds is to be otherwise: what, from what to what, on which ground and
    paper. One person proposes, another confirms; it is public at once and holds from `effect_at`, unless an auditor objects
    by `objections_until`."""

    id: Serial
    ref = reference(KINDS["ruling"].prefix)
    about = Varchar(length=20, default="", null=False)
    """tier | department | commodity, or which text: policy | commodities | contract-kinds | waiver-grounds"""
    organisation = may_belong_to(Organisation, index=True)
    """The body that the rule then binds otherwise."""
    tender = Varchar(length=16, default="", null=False, index=True)
    """The draft whose statement stands against the list of commodities."""
    before = words()
    after = words()
    ground = words()
    instrument = words()
    """The paper it rests on, as one would cite it."""
    proposed_by = may_belong_to(Person)
    proposed_at = when()
    confirmed_by = may_belong_to(Person)
    confirmed_at = moment()
    objections_until = moment()
    """The last moment at which an auditor can object."""
    effect_at = moment()
    """From when it holds, unless an objection stands."""
    withdrawn_by = may_belong_to(Person)
    withdrawn_at = moment()
    withdrawn_because = words()
    told_at = moment()
    """When those concerned were told that it holds."""

    another_person_confirmed = Check("confirmed_by <> proposed_by")
    published_before_effect = Check(
        "(confirmed_at IS NULL) = (effect_at IS NULL) AND (effect_at IS NULL) = (objections_until IS NULL) "
        "AND objections_until >= confirmed_at AND effect_at >= objections_until"
    )


class Objection(Table):
    """An auditor's objection to a ruling: while it stands, the ruling does not hold."""

    id: Serial
    ruling = belongs_to(Ruling)
    made_by = belongs_to(Person, index=False)
    at = when()
    because = words()
    lifted_at = moment()


class TextVersion(Table):
    """The whole text that a ruling about the policy file or a list is about."""

    id: Serial
    ruling = ForeignKey(Ruling, null=False, unique=True, on_delete=OnDelete.restrict, on_update=OnUpdate.restrict)
    digest = Varchar(length=64, default="", null=False)
    """SHA-256 of the text in UTF-8, line ends as Unix writes them and one at its end."""
    text = words()


class Listed(msgspec.Struct, frozen=True):
    """A ruling as it is read, with the names of the body and the people, and the objection that stands (its reason, None when
    none does)."""

    id: int
    ref: str
    about: str
    organisation: int | None
    body: str
    body_ref: str
    tender: str
    tender_public: bool
    before: str
    after: str
    ground: str
    instrument: str
    proposer: str
    proposer_ref: str
    proposed_at: datetime
    confirmer: str
    confirmer_ref: str
    confirmed_at: datetime | None
    objections_until: datetime | None
    effect_at: datetime | None
    withdrawer: str
    withdrawn_at: datetime | None
    withdrawn_because: str
    objector: str
    objector_ref: str
    objected_at: datetime | None
    objected_because: str
