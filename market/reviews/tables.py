"""What was asked, approved or sent back before a publication, and what a drafter found of others' work."""

from piccolo.columns import Serial, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.columns import belongs_to, may_belong_to, number, reference, when, words


class Review(Table):
    """One step of a review: somebody was asked to read a draft, or answered. Append-only."""

    id: Serial
    ref = reference("RV")
    subject = Varchar(length=40, index=True, null=False)
    """What is read, `kind:reference`."""
    body = belongs_to(Organisation)
    """The body that drafts it."""
    kind = Varchar(length=8, null=False)
    """asked | approved | edits"""
    side = Varchar(length=4, default="body", null=False)
    """body: a second person of the body | team: the standing innovation team"""
    version = Varchar(length=64, null=False)
    """Digest of everything that would have been published at that moment (`market.reviews.whole`)."""
    words = words()
    """A note to whoever is asked; the reasons of edits that are asked for. They stay with the body."""
    asked_of = may_belong_to(Person, index=True)
    """Who is asked to read it; NULL for answers."""
    by = belongs_to(Person)
    at = when()

    kind_is_known = Check("kind IN ('asked','approved','edits')")
    side_is_known = Check("side IN ('body','team')")


class Precedent(Table):
    """The small fact that publication needs: the drafter looked at what others had done, and answered for it. Written by the
    search through `market.reviews.actions.keep_answer`; the last one counts. Append-only."""

    id: Serial
    subject = Varchar(length=40, index=True, null=False)
    body = belongs_to(Organisation)
    version = Varchar(length=64, null=False)
    """Digest of the words that were looked for."""
    found = number()
    """How many things alike were shown."""
    answer = Varchar(length=8, null=False)
    """reuse | join | differs | nothing"""
    reason = words()
    by = belongs_to(Person)
    at = when()

    answer_is_known = Check("answer IN ('reuse','join','differs','nothing')")
