"""Public questions and their answers, whatever record they are about."""

from piccolo.columns import Serial, Varchar
from piccolo.constraints import Check
from piccolo.table import Table

from market.accounts.tables import Organisation, Person
from market.columns import belongs_to, may_belong_to, maybe_words, moment, reference, when, words


class PublicQuestion(Table):
    """A question any registered supplier may ask about a published record until the stated time, and the answer. Both are
    published together, to everybody at once; the asker stays unnamed, to the buyer as well."""

    id: Serial
    ref = reference("Q")
    record = Varchar(length=40, default="", null=False, index=True)
    """What it is about, `kind:reference`; the record's own noun knows the rest."""
    asker = belongs_to(Organisation)
    text = words()
    asked_at = when()
    asked_told_at = moment()
    """When the buyer's officers were written to about it; NULL while it waits to be gathered into their next letter."""
    answer = maybe_words()
    answered_at = moment()
    answered_by = may_belong_to(Person)
    answer_told_at = moment()
    """When those who asked or take part were written to that it is answered; NULL while that letter is gathered."""

    an_answer_has_its_moment_and_its_officer = Check(
        "(answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answered_by IS NULL)"
    )
