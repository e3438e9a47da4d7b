"""Missions and how we shall know that they succeeded."""

from piccolo.columns import Serial, Varchar
from piccolo.table import Table

from market.accounts.tables import Organisation
from market.columns import belongs_to, day, moment, number, reference, when, words
from market.kinds import KINDS


class Mission(Table):
    """A public aim set by the centre, with success criteria; challenges, tenders and contracts are filed under one."""

    id: Serial
    ref = reference(KINDS["mission"].prefix)
    owner = belongs_to(Organisation)
    title = words()
    statement = words()
    begins_on = day()
    ends_on = day()
    created_at = when()
    published_at = moment()


class SuccessCriterion(Table):
    """One measure of a mission: what is counted, where it stood, where it shall stand, and by when."""

    id: Serial
    mission = belongs_to(Mission)
    place = number()
    measure = words()
    baseline = words()
    target = words()
    unit = Varchar(length=60, default="", null=False)
    due_on = day()
