"""What all nouns of standards share: the norm they come from, and what is refused when too much is asked at once."""

from __future__ import annotations

from typing import Final

from market.refusals import Denial
from market.wording import N_

OWN: Final = N_("Design card, idea 10: mandated interoperable standards")

REASON: Final = 40
"""The fewest characters of a reason for an exemption or an appeal."""

BUSY = Denial(
    "standard.busy",
    N_("Too many documents are being checked. Try again in a minute."),
    norm="As many documents are checked at once as the machine can read.",
    status=503,
)
