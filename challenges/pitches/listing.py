"""The pitches of one challenge in one query, for its officers' page."""

from __future__ import annotations

from challenges.pitches import rules
from challenges.tables import Challenge
from market.reads import rows
from market.standing import Standing


class Listed(rules.Dates, frozen=True):
    """A pitch as a list shows it, with the name of its team."""

    ref: str
    supplier_name: str
    place_or_link: str

    @property
    def standing(self) -> Standing:
        """Where it stands."""
        return rules.standing(self)


async def pitches_of(challenge: Challenge) -> list[Listed]:
    """The pitches of the short-listed teams, in the order in which they are heard."""
    return await rows(
        Listed,
        """
        SELECT p.ref, o.name AS supplier_name, p.place_or_link, p.scheduled_at, p.delivered_at, p.missed_at
        FROM pitch p JOIN organisation o ON o.id = p.supplier WHERE p.challenge = {} ORDER BY p.scheduled_at, p.id
        """,
        challenge.id,
    )
