"""What is looked at before a challenge is published. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from market.arrival import Arrival
from market.budgets.rules import Naming

if TYPE_CHECKING:
    from challenges.tables import Challenge, Criterion, Measure
    from market.missions.tables import Mission


@dataclass(frozen=True, slots=True)
class Draft:
    """What publication looks at: the row, its mission when it names one, what success is measured by, what applications are
    scored on, how many are on the panel, what is known of the budget it is paid from, and the moment."""

    challenge: Challenge
    mission: Mission | None
    measures: Sequence[Measure]
    criteria: Sequence[Criterion]
    panel: int
    naming: Naming
    now: Arrival
