"""What suppliers sent, with its challenge, its pitch and its fee, in one query; for pages, programs and desks alike."""

from __future__ import annotations

from collections.abc import Sequence

from challenges.applications import rules
from market import clock
from market.money import Money
from market.reads import rows, the
from market.standing import Standing


class Sent(rules.Dates, frozen=True):
    """An application as its supplier finds it in a list. `pitch` and `owed` are references of the pitch and of what is owed
    for it, None where there is none."""

    ref: str
    summary: str
    challenge: str
    title: str
    buyer_name: str
    fee_minor: int
    currency: str
    pitch: str | None
    place_or_link: str
    missed_because: str
    owed: str | None

    @property
    def standing(self) -> Standing:
        """How far it has come."""
        return rules.standing(self, clock.now())

    @property
    def fee(self) -> Money:
        """What its pitch is paid."""
        return Money(self.fee_minor, self.currency)


_SENT = """
SELECT a.ref, a.summary, a.withdrawn_at, a.shortlisted, c.ref AS challenge, c.title, b.name AS buyer_name, c.fee_minor, c.currency,
  c.created_at, c.published_at, c.questions_until, c.closes_at, c.shortlisted_at, c.pitches_by, c.decision_by, c.concluded_at,
  c.cancelled_at, p.ref AS pitch, COALESCE(p.place_or_link, '') AS place_or_link,
  COALESCE(p.missed_because, '') AS missed_because, p.scheduled_at, p.delivered_at, p.missed_at, o.ref AS owed, m.paid_at
FROM application a JOIN challenge c ON c.id = a.challenge JOIN organisation b ON b.id = c.buyer
LEFT JOIN pitch p ON p.application = a.id LEFT JOIN obligation o ON o.cause = 'pitch:' || p.ref
LEFT JOIN LATERAL (SELECT paid_at FROM payment WHERE payment.obligation = o.id ORDER BY attempt DESC LIMIT 1) m ON true
"""


async def sent_by(suppliers: Sequence[int]) -> list[Sent]:
    """What these suppliers sent, the newest first."""
    return await rows(
        Sent,
        _SENT + "WHERE a.supplier = ANY({}::int[]) ORDER BY a.submitted_at DESC",
        list(suppliers),
    )


async def in_play(suppliers: Sequence[int]) -> list[Sent]:
    """What these suppliers sent and may still win, by when it closes."""
    return await rows(
        Sent,
        _SENT
        + """
        WHERE a.supplier = ANY({}::int[]) AND a.withdrawn_at IS NULL AND c.concluded_at IS NULL AND c.cancelled_at IS NULL
          AND (c.shortlisted_at IS NULL OR a.shortlisted) ORDER BY c.closes_at
        """,
        list(suppliers),
    )


async def sent(ref: str) -> Sent:
    """One application (its reference)."""
    return await the(Sent, _SENT + "WHERE a.ref = {}", ref)
