"""What somebody may do in a body to which another has lent her. Everything else the body does itself."""

from __future__ import annotations

MAY: frozenset[str] = frozenset(
    {
        *("panel.declared", "panel.marked", "panel.submitted", "panel.explained"),
        *("application.read", "bid.read"),
        *("tender.officer-enrolled", "opening.contributed", "tender.opened"),
        *("review.approved", "review.sent-back", "review.team-approved", "challenge.quiet-approved"),
        *("budget.approved", "budget.left"),
        "payment.released",
    }
)
"""The verbs of the log: to mark, to hold a code of an opening, to read before publication, to approve budgets and release money. What is not here is refused, also a verb that is
new; `market.hands.rules` says of each act whether it is the body's own, and a test holds the two together."""
