"""Saved searches."""

from piccolo.columns import Serial, Varchar
from piccolo.table import Table

from market.accounts.tables import Person
from market.columns import belongs_to, moment, reference, when, words


class SavedSearch(Table):
    """A search somebody wants to hear about: its address, how often, and the private feed's token (hashed)."""

    id: Serial
    ref = reference("S")
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
    stopped_at = moment()
