"""What must hold before a mission is published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from market.refusals import rule
from market.wording import _

if TYPE_CHECKING:
    from datetime import date

    from market.accounts.tables import Organisation
    from market.missions.tables import Listed, Measured, Mission

Criteria = Sequence["Measured"]


@rule("mission.already-published")
def not_yet_published(mission: Mission | Listed, criteria: Criteria) -> str | None:
    """A mission is published once; what is public is not quietly rewritten."""
    if mission.published_at is not None:
        return _("This mission is published already.")
    return None


@rule("mission.statement-missing", field="statement")
def says_what_it_is_for(mission: Mission | Listed, criteria: Criteria) -> str | None:
    """A mission says what shall be different for whom."""
    if not mission.statement.strip():
        return _("Say in a few sentences what shall be different, and for whom.")
    return None


@rule("mission.criteria-missing", source="Design card, idea 1: measurable, time-bound success criteria")
def is_measurable(mission: Mission | Listed, criteria: Criteria) -> str | None:
    """Without a measure nobody can tell whether a mission succeeded."""
    if not criteria:
        return _("Add at least one success criterion with a measure and a target.")
    return None


@rule("mission.criteria-without-date", source="Design card, idea 1: measurable, time-bound success criteria")
def is_time_bound(mission: Mission | Listed, criteria: Criteria) -> str | None:
    """Every success criterion has a date by which it is judged."""
    undated = [criterion.measure for criterion in criteria if criterion.due_on is None]
    if undated:
        return _("Give a date by which this is judged: {late}.", late="; ".join(undated))
    return None


@rule("mission.judged-before-it-begins", source="Design card, idea 1: measurable, time-bound success criteria")
def is_judged_while_it_runs(mission: Mission | Listed, criteria: Criteria) -> str | None:
    """What a mission changed can only be judged once it has begun."""
    begins_on = mission.begins_on
    early = [
        criterion.measure for criterion in criteria if begins_on and criterion.due_on and criterion.due_on < begins_on
    ]
    if early:
        return _("This is judged before the mission begins: {early}.", early="; ".join(early))
    return None


PUBLISH = (not_yet_published, says_what_it_is_for, is_measurable, is_time_bound, is_judged_while_it_runs)
"""For `actions.publish`."""

EDIT = (not_yet_published,)
"""For every change of a draft."""


@rule("mission.ends-before-it-begins", field="ends_on")
def ends_after_it_begins(begins_on: date | None, ends_on: date | None) -> str | None:
    """A mission has a first day and a later last one: it is time-bound."""
    if begins_on and ends_on and ends_on <= begins_on:
        return _("The last day has to come after the first.")
    return None


DATES = (ends_after_it_begins,)
"""For drafting a mission and writing it anew."""


@rule("mission.owner-not-central", field="owner", source="Design card, idea 1: missions set by the centre")
def is_set_by_the_centre(owner: Organisation | None) -> str | None:
    """A mission is set by a department of central government."""
    if owner is None or owner.tier != "central":
        return _("Choose a department from the list.")
    return None


OWNER = (is_set_by_the_centre,)
"""For drafting a mission."""
