"""Letters: what was written to whom and why, what was tried, and whether it left."""

from datetime import datetime

import msgspec
from piccolo.columns import BigInt, Serial, Varchar
from piccolo.table import Table

from market.columns import belongs_to, maybe_number, moment, number, reference, when, words, yes_or_no
from market.kinds import KINDS


class Letter(Table):
    """One message to one address, written in the transaction of the act it tells of; a job sends it, again if need be."""

    id: Serial
    ref = reference(KINDS["letter"].prefix)
    template = Varchar(length=80, default="", null=False, index=True)
    """The file of `templates/email/` it was made from; empty for letters written before this was kept."""
    event = BigInt(null=True, default=None, index=True)
    """The number (seq) of the log's event that caused it; NULL when a moment caused it (a deadline came near) or nothing was
    recorded."""
    person = Varchar(length=16, default="", null=False, index=True)
    """The addressee's reference when she has an account: she can read her letters at `/letters`."""
    organisation = maybe_number()
    """The body for whose people it was written; NULL when it was for one person whatever she works for."""
    address = Varchar(length=254, index=True)
    name = words()
    subject = words()
    text = words()
    about = Varchar(length=40, default="", null=False, index=True)
    """`kind:reference` of the record it is about."""
    written_at = when()
    sent_at = moment(index=True)
    tried = number()
    """How often it was offered since it was last asked for; a server that does not answer at all is not counted."""
    again_at = moment()
    """Not to be tried before; NULL at first and when it is not tried again."""
    failure = words()
    """The server's last answer while it has not left."""
    gave_up_at = moment(index=True)
    """It came back: refused for ever, or given up after the last try, or its address is dead."""
    passed_on_at = moment()
    """Those who are told when a letter comes back were told of this one."""
    copies = number()
    """How often it was asked for again after it had left: each copy travels under a number of its own."""
    stops = words()
    """A path that ends letters of this kind with one request and no signing in; empty where there is none."""
    secret = yes_or_no()
    """Its link opens an account to whoever holds it: only the mailbox proves whose it is, so it is not shown at `/letters`,
    and once it has left the link is not kept."""


class Listed(msgspec.Struct, frozen=True):
    """A letter as its reader's list shows it: without its text."""

    id: int
    ref: str
    name: str
    address: str
    subject: str
    written_at: datetime


class LetterTry(Table):
    """One time a letter was offered to the mail server, and what the server answered. Kept as long as the letter."""

    id: Serial
    letter = belongs_to(Letter)
    at = when()
    answer = words()
    """In the server's words, or what kept us from hearing any."""
    sent = yes_or_no()


class DeadAddress(Table):
    """An address to which nothing is sent any more, because an operator said so."""

    id: Serial
    address = Varchar(length=254, unique=True)
    """Lower case."""
    since = when()
    reason = words()
    marked_by = Varchar(length=16)
    """The operator's reference."""


class MailServer(Table):
    """How the mail server does: one row for each that was ever named. While it does not answer, letters rest."""

    id: Serial
    host = Varchar(length=254, unique=True)
    failures = number()
    """How often in a row it could not be spoken with; 0 when the last letter went well."""
    failing_since = moment()
    again_at = moment()
    """Not to be spoken to before."""
    answer = words()
    """What it said last, or what kept us from hearing anything."""
