"""Saved searches, what buyers looked at before they published, short lists, invitations and letters between suppliers."""

from piccolo.columns import BigInt, Serial, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.columns import belongs_to, moment, reference, when, words
from market.kinds import KINDS


class SavedSearch(Table):
    """A search somebody wants to hear about: its address, how often, and the private feed's token (hashed)."""

    id: Serial
    ref = reference(KINDS["search"].prefix)
    person = belongs_to(Person)
    name = words()
    query = words()
    """The search page's query string, exactly as in its URL."""
    rhythm = Varchar(length=8, default="daily", null=False)
    """daily | at-once | never (feed only)"""
    token = Varchar(length=64)
    """The key of the private feed and of the link that stops it: it opens public facts only, so it is kept readable for
    the letters."""
    token_hash = Varchar(length=64, unique=True)
    created_at = when()
    told_until = moment()
    told_upto = BigInt(default=0, null=False)
    """The last arrival that was looked at for it."""
    stopped_at = moment()


class Arrival(Table):
    """A thing that became findable here, numbered in the order of arrival. Alerts and feeds go by this number: neither the
    date on a record nor the time of its publication says when the index first held it."""

    id: Serial
    subject = Varchar(length=64, unique=True, null=False)
    """`kind:reference`, as a document of the index is called."""


class LookedAt(Table):
    """What a buyer was shown of others' work while she drafted, and what she answered. Rows are only added: the last one
    before publication is her answer, the earlier ones stay."""

    id: Serial
    subject = Varchar(length=40, index=True, null=False)
    """`challenge:reference` or `tender:reference`; a waiver is asked for a tender."""
    shown = words()
    """JSON: a list of objects with id, kind, title, url, shared (words) and score, in the order they were shown."""
    answer = Varchar(length=8, null=False)
    """reuse | join | differs | nothing (there was nothing alike to answer for)"""
    chosen = words()
    """The id of what she reuses or joins; empty otherwise."""
    reason = words()
    by = belongs_to(Person)
    at = when()

    answer_is_known = Check("answer IN ('reuse','join','differs','nothing')")


class Shortlisted(Table):
    """A supplier that a buyer's body keeps in mind. Nobody else sees it, and nothing follows from it."""

    id: Serial
    buyer = belongs_to(Organisation)
    supplier = belongs_to(Organisation)
    added_by = belongs_to(Person)
    added_at = when()

    a_supplier_is_listed_once = Unique(["buyer", "supplier"])


class Invited(Table):
    """A supplier whom a buyer told of something that is open to all, by letter, once."""

    id: Serial
    subject = Varchar(length=40, index=True, null=False)
    """`challenge:reference` or `tender:reference`."""
    supplier = belongs_to(Organisation)
    by = belongs_to(Person)
    at = when()

    a_supplier_is_invited_once = Unique(["subject", "supplier"])


class Approach(Table):
    """A letter from one supplier to another about bidding together, carried by the platform so that neither learns an
    address the other did not give."""

    id: Serial
    ref = reference("AL")
    sender = belongs_to(Organisation)
    receiver = belongs_to(Organisation)
    text = words()
    by = belongs_to(Person)
    at = when()
