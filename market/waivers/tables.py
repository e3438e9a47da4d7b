"""Waivers of the innovation-first rule, asked by buyers, decided by ministers."""

from piccolo.columns import Serial, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from market.accounts.tables import Membership, Organisation, Person
from market.columns import (
    belongs_to,
    currency,
    may_belong_to,
    maybe_minor_units,
    minor_units,
    moment,
    reference,
    several,
    when,
    words,
)
from market.kinds import KINDS
from market.tenders.tables import Tender


class Delegation(Table):
    """An instrument with which a minister lets a named office-holder sign waivers for her: of which bodies, for which things,
    up to what value together, from when until when. Signed with her passkey; public from then on; hers to take back at once."""

    id: Serial
    ref = reference(KINDS["delegation"].prefix)
    department = belongs_to(Organisation)
    minister = belongs_to(Person)
    membership = belongs_to(Membership)
    """The office under which she signs: the instrument ends with it."""
    delegate = belongs_to(Person)
    title = words()
    """The delegate's office, as it stands under her signatures."""
    cpv = several()
    """Each holds what lies below it."""
    bodies = several()
    """The references of the bodies whose requests she may sign."""
    ceiling_minor = minor_units()
    """The most that all waivers signed under it may be good for together, without VAT."""
    currency = currency()
    begins_at = when()
    until = when()
    reason = words()
    drafted_at = when()
    dropped_at = moment()
    """When the minister dropped it unsigned; it never becomes public."""
    signed_at = moment()
    office = words()
    """The minister's office as it stood when she signed."""
    document = words()
    """The canonical JSON that was signed, byte for byte."""
    bundle = words()
    """Everything a stranger needs to verify the signature offline, as JSON."""
    revoked_at = moment()
    revoked_by = may_belong_to(Person)
    revocation_reason = words()

    it_ends_after_it_begins = Check("until > begins_at")
    it_has_a_ceiling = Check("ceiling_minor > 0")


class Waiver(Table):
    """One request that a tender may open without an exercise of its own, and what the minister decided. A refused
    request stays; only a new one can follow. Granted, it carries a signature anybody can check offline."""

    id: Serial
    ref = reference(KINDS["waiver"].prefix)
    tender = belongs_to(Tender)
    buyer = belongs_to(Organisation)
    department = belongs_to(Organisation)
    """Whose minister decides."""
    ground = Varchar(length=30)
    """A code of `fixtures/reference/waiver_grounds.yaml`, such as `equivalent-exercise`."""
    statement = words()
    """Why, in plain words."""
    evidence = words()
    """What shows it: links and references, one a line."""
    shown = several()
    """The references of the concluded exercises on the same subject that the buyer was shown when she asked."""
    similar = words()
    """What she answered: why they do not serve, or what she found herself."""
    cost_of_waiting = words()
    asked_at = when()
    asked_by = belongs_to(Person)
    withdrawn_at = moment()
    valid_until = moment()
    """Asked for by the buyer, within the policy's limit; from then on it no longer opens anything."""
    decided_at = moment()
    minister = may_belong_to(Person)
    office = words()
    """The minister's office as it stood at the decision; of a delegate, for whom she signed and under which instrument."""
    delegation = may_belong_to(Delegation, index=True)
    """The instrument under which it was signed, where the minister did not sign herself."""
    refusal_reason = words()
    suspends_at = moment()
    """When it is suspended unless its review is answered before; None while no answer is owed."""
    revoked_at = moment()
    """When the minister took a signed waiver back; from then on it opens nothing, and what it opened stays."""
    revoked_by = may_belong_to(Person)
    revocation_reason = words()
    document = words()
    """The canonical JSON that was signed, byte for byte."""
    bundle = words()
    """Everything a stranger needs to verify the signature offline, as JSON."""


class WaiverReview(Table):
    """One review of a waiver: because half of its life is over, or because an auditor called for it. The minister answers it
    with her signature; unanswered by the policy's days the waiver opens nothing until she does."""

    id: Serial
    ref = reference("WR")
    waiver = belongs_to(Waiver)
    called_by = may_belong_to(Person)
    """The auditor who called for it; None when the day came by itself."""
    why = words()
    begins_at = when()
    answer_by = when()
    answer = Varchar(length=8, default="", null=False)
    """keeps | narrows | revokes; empty before she wrote one down. It does nothing until she signs it."""
    says = words()
    new_until = moment()
    new_ceiling_minor = maybe_minor_units()
    """What a narrower waiver is good for, without VAT; None where the value stays."""
    answered_at = moment()
    answered_by = may_belong_to(Person)
    office = words()
    document = words()
    """The canonical JSON that was signed, byte for byte."""
    bundle = words()
    """Everything a stranger needs to verify the signature offline, as JSON."""
    due_told_at = moment()
    suspended_told_at = moment()

    answer_is_known = Check("answer IN ('','keeps','narrows','revokes')")
