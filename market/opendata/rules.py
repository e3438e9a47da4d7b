"""What is refused of those who read open data."""

from __future__ import annotations

from market.refusals import Denial
from market.wording import N_

BAD_CURSOR = Denial(
    "open-data.bad-cursor",
    N_("Take the cursor from `links.next`."),
    norm="A page is asked for by the address of the page before it.",
    field="cursor",
    status=400,
)

NO_ZONE = Denial(
    "open-data.no-zone",
    N_("Write the moment with its zone, like 2026-11-22T09:00:00Z."),
    norm="A moment says its zone: nobody guesses which was meant.",
    field="since",
    status=400,
)
