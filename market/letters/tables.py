"""Letters: what was written to whom, and whether it left."""

from piccolo.columns import Serial, Varchar
from piccolo.table import Table

from market.columns import moment, number, reference, when, words, yes_or_no


class Letter(Table):
    """One message to one address, written in the transaction of the act it tells of; a job sends it, again if need be."""

    id: Serial
    ref = reference("L")
    person = Varchar(length=16, default="", null=False, index=True)
    """The addressee's reference when she has an account: she can read her letters at `/letters`."""
    address = Varchar(length=254, index=True)
    name = words()
    subject = words()
    text = words()
    about = Varchar(length=40, default="", null=False, index=True)
    """`kind:reference` of the record it is about."""
    written_at = when()
    sent_at = moment(index=True)
    tried = number()
    again_at = moment()
    """Not to be tried before; NULL at first and when it is not tried again."""
    failure = words()
    stops = words()
    """A path that ends letters of this kind with one request and no signing in; empty where there is none."""
    secret = yes_or_no()
    """Its link opens an account to whoever holds it: only the mailbox proves whose it is, so it is not shown at `/letters`,
    and once it has left the link is not kept."""
