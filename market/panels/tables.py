"""Who sits on a panel, what she declared, what she marked, and what the panel says where it disagrees."""

from piccolo.columns import Serial, Varchar
from piccolo.constraints import Check, Unique
from piccolo.table import Table

from market.accounts.tables import Person
from market.columns import belongs_to, moment, number, several, when, words


class Seat(Table):
    """A person's place on the panel of a record: she marks only after declaring, and nothing she has an interest in."""

    id: Serial
    panel = Varchar(length=40, index=True)
    """`kind:reference` of the record whose panel it is."""
    person = belongs_to(Person)
    named_at = when()
    named_by = belongs_to(Person, index=False)
    named_because = words()
    """Owed when she joins a panel whose work has begun."""
    begun_told_at = moment()
    """When she was written to that there is something to judge, where she was named before."""
    declared_at = moment()
    conflicts = several()
    """References of the suppliers she has an interest in; she neither sees nor marks what they sent."""
    statement = words()
    """What the interest is; also what she says of one that she does not hold to be a conflict."""
    locked_at = moment()
    """When she handed her marks in."""
    excused_at = moment()
    """When she left the panel; her marks do not count."""
    excused_because = words()

    somebody_sits_once = Unique(["panel", "person"])


class Sheet(Table):
    """One evaluator's marks for one thing that was sent, kept as a whole."""

    id: Serial
    seat = belongs_to(Seat)
    subject = Varchar(length=40)
    """`kind:reference` of what is marked."""
    at = when()

    a_thing_has_one_sheet_of_each = Unique(["seat", "subject"])


class Mark(Table):
    """Points (0–100) on one criterion of a sheet, with the reason the supplier will read."""

    id: Serial
    sheet = belongs_to(Sheet)
    criterion = Varchar(length=16)
    """The criterion's reference."""
    points = number()
    reason = words()

    points_are_of_a_hundred = Check("points BETWEEN 0 AND 100")
    a_criterion_is_marked_once = Unique(["sheet", "criterion"])


class Consensus(Table):
    """What a panel says where its members' marks lie far apart, once all are locked."""

    id: Serial
    panel = Varchar(length=40, unique=True)
    note = words()
    at = when()
    by = belongs_to(Person, index=False)
