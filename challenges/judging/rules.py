"""What must hold when the short list of a challenge is made. Pure: facts in, reasons out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from challenges.rules import LAW, TAKING, stage
from market.arrival import Arrival
from market.refusals import rule
from market.wording import _

if TYPE_CHECKING:
    from challenges.tables import Challenge


@rule("shortlist.not-closed", source=LAW)
def applying_is_over(challenge: Challenge, now: Arrival) -> str | None:
    """The short list is made after the closing."""
    if stage(challenge, now) in ("draft", *TAKING):
        return _("The short list is made after the challenge has closed.")
    return None


@rule("shortlist.already-made")
def is_made_once(challenge: Challenge, now: Arrival) -> str | None:
    """The short list is made once."""
    found = stage(challenge, now)
    if found in ("pitching", "concluded"):
        return _("The short list is made already.")
    if found == "cancelled":
        return _("This challenge was cancelled.")
    return None


SHORTLIST = (applying_is_over, is_made_once)
"""For `actions.shortlist`, before what the panel owes (`READY` of panels)."""
