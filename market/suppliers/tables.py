"""A supplier's profile: told once, versioned, read by every buyer."""

from piccolo.columns import Serial, Varchar
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.columns import belongs_to, maybe_number, moment, number, several, when, words, yes_or_no


class Profile(Table):
    """What a supplier can do and has done, in its own words; public. One per supplier."""

    id: Serial
    organisation = belongs_to(Organisation)
    summary = words()
    description = words()
    capabilities = several()
    cpv = several()
    regions = several()
    certificates = several()
    founded = maybe_number()
    open_to_partners = yes_or_no()
    """Whether other suppliers may find it as a bid partner."""
    version = number(1)
    updated_at = when()


class ProfileVersion(Table):
    """The profile as it stood: what a buyer relied on can be read later."""

    id: Serial
    organisation = belongs_to(Organisation)
    version = number()
    snapshot = words()
    """Canonical JSON of the profile and the organisation's public facts."""
    at = when()
    by = belongs_to(Person)


class Registration(Table):
    """A firm that asked to join and has not yet proved its address by the letter's link. Nothing else is made before:
    so nobody can hold a company's number with somebody else's address, nor learn which addresses have an account.
    Deleted a week after it expired."""

    id: Serial
    email = Varchar(length=254, index=True)
    token_hash = Varchar(length=64, unique=True)
    """SHA-256 of the letter's token."""
    facts = words()
    """The registration form as JSON, without the password."""
    password_hash = words()
    asked_at = when()
    expires_at = when()
    confirmed_at = moment()
