"""What must hold before a mission is published."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from market.refusals import rule

if TYPE_CHECKING:
    from market.missions.tables import Mission, SuccessCriterion

Criteria = Sequence["SuccessCriterion"]


@rule("mission.already-published")
def not_yet_published(mission: Mission, criteria: Criteria) -> str | None:
    """A mission is published once; what is public is not quietly rewritten."""
    if mission.published_at is not None:
        return "This mission is published already."
    return None


@rule("mission.statement-missing", field="statement")
def says_what_it_is_for(mission: Mission, criteria: Criteria) -> str | None:
    """A mission says what shall be different for whom."""
    if not mission.statement.strip():
        return "Say in a few sentences what shall be different, and for whom."
    return None


@rule("mission.criteria-missing", source="Design card, idea 1: measurable, time-bound success criteria")
def is_measurable(mission: Mission, criteria: Criteria) -> str | None:
    """Without a measure nobody can tell whether a mission succeeded."""
    if not criteria:
        return "Add at least one success criterion with a measure and a target."
    return None


@rule("mission.criteria-without-date", source="Design card, idea 1: measurable, time-bound success criteria")
def is_time_bound(mission: Mission, criteria: Criteria) -> str | None:
    """Every success criterion has a date by which it is judged."""
    late = [each.measure for each in criteria if each.due_on is None]
    if late:
        return f"Give a date by which this is judged: {'; '.join(late)}."
    return None


PUBLISH = (not_yet_published, says_what_it_is_for, is_measurable, is_time_bound)
"""For `actions.publish`."""
