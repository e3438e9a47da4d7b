"""Waivers of the innovation-first rule, asked by buyers, decided by ministers."""

from piccolo.columns import Serial, Varchar
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.columns import belongs_to, may_belong_to, moment, reference, several, when, words
from market.kinds import KINDS
from market.tenders.tables import Tender


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
    """The minister's office as it stood at the decision."""
    refusal_reason = words()
    revoked_at = moment()
    """When the minister took a signed waiver back; from then on it opens nothing, and what it opened stays."""
    revoked_by = may_belong_to(Person)
    revocation_reason = words()
    document = words()
    """The canonical JSON that was signed, byte for byte."""
    bundle = words()
    """Everything a stranger needs to verify the signature offline, as JSON."""
