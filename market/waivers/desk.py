"""What waivers put on people's desks: requests for the minister, and what she decided."""

from __future__ import annotations

from collections.abc import Sequence

from market import clock
from market.actor import Actor
from market.reads import rows
from market.standing import Standing
from market.waivers import rules
from market.waivers.listing import waiting_for
from market.waivers.reviews import readers as reviews
from market.web.desk import Waiting
from market.wording import _


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
    """The requests that wait for this minister or her delegate, the oldest first."""
    if not actor.signed_in:
        return []
    to_review = [
        Waiting(
            _("Answer the review of a waiver: does it still hold?"),
            f"/waivers/{each.waiver}#reviews",
            each.title,
            when=each.answer_by,
        )
        for each in await reviews.waiting_for(actor.organisations("minister"))
    ]
    return to_review + [
        Waiting(
            _("Sign or refuse: {buyer} asks for a waiver", buyer=each.buyer_name)
            if actor.wears("minister", organisation=each.department_id)
            else _("Sign for the minister, or leave it to her: {buyer} asks for a waiver", buyer=each.buyer_name),
            f"/waivers/{each.ref}",
            each.title,
            since=each.asked_at,
        )
        for each in await waiting_for(actor)
    ]


async def decided(departments: Sequence[int], most: int = 12) -> list[Decided]:
    """What the ministers of these departments decided last."""
    return await rows(
        Decided,
        """
        SELECT w.ref, t.title, o.name AS buyer, w.asked_at, w.withdrawn_at, w.decided_at,
          w.refusal_reason, w.revoked_at, w.suspends_at, w.valid_until FROM waiver w
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
