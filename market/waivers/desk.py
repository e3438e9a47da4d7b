"""What waivers put on people's desks: requests for the minister, and what she decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from market import clock
from market.actor import Actor
from market.reads import rows
from market.standing import Standing
from market.waivers import rules
from market.web.desk import Waiting
from market.wording import _


class Asked(msgspec.Struct, frozen=True):
    """A request for a waiver: whose, for which tender."""

    ref: str
    title: str
    buyer: str
    asked_at: datetime


class Decided(rules.Dates, frozen=True):
    """A request that a minister granted or refused."""

    ref: str
    title: str
    buyer: str

    @property
    def standing(self) -> Standing:
        """Where it stands now."""
        return rules.standing(self, clock.now())


async def waiting(actor: Actor) -> list[Waiting]:
    """The requests that wait for this minister, the oldest first."""
    if not actor.wears("minister"):
        return []
    found = await rows(
        Asked,
        """
        SELECT w.ref, t.title, o.name AS buyer, w.asked_at FROM waiver w JOIN tender t ON t.id = w.tender
        JOIN organisation o ON o.id = w.buyer WHERE w.department = ANY({}::int[]) AND w.decided_at IS NULL
          AND w.withdrawn_at IS NULL ORDER BY w.asked_at
        """,
        actor.organisations("minister"),
    )
    return [
        Waiting(
            _("Sign or refuse: {buyer} asks for a waiver", buyer=each.buyer),
            f"/waivers/{each.ref}",
            each.title,
            since=each.asked_at,
        )
        for each in found
    ]


async def decided(departments: Sequence[int], most: int = 12) -> list[Decided]:
    """What the ministers of these departments decided last."""
    return await rows(
        Decided,
        """
        SELECT w.ref, t.title, o.name AS buyer, w.asked_at, w.withdrawn_at, w.decided_at,
          w.refusal_reason, w.revoked_at, w.valid_until FROM waiver w
        JOIN tender t ON t.id = w.tender JOIN organisation o ON o.id = w.buyer
        WHERE w.department = ANY({}::int[]) AND w.decided_at IS NOT NULL ORDER BY w.decided_at DESC LIMIT {}
        """,
        list(departments),
        most,
    )


async def counts() -> dict[str, int]:
    """What the auditor's desk says of waivers."""
    (waived,) = await rows(int, "SELECT count(*) FROM waiver WHERE decided_at IS NOT NULL AND refusal_reason = ''")
    return {"waived": waived}
