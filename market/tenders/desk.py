"""What tenders put on people's desks before their bids are opened: questions, and claims that something is a commodity."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from market import clock
from market.actor import Actor
from market.questions import desk as questions
from market.reads import rows
from market.tenders import cpv
from market.tenders.listing import standings
from market.tenders.readers import topic_of
from market.tenders.tables import Tender
from market.web.desk import Placed, Waiting
from market.wording import N_, _, _n


class Claim(msgspec.Struct, frozen=True):
    """A tender that somebody should look at, with its buyer's name."""

    ref: str
    title: str
    buyer: str


async def waiting(actor: Actor) -> list[Waiting]:
    """For buyers questions and changes to approve, for operators claims."""
    found: list[Waiting] = []
    if ours := actor.organisations("buyer"):
        tenders = await Tender.objects().where(
            Tender.buyer.is_in(ours)
            & Tender.published_at.is_not_null()
            & Tender.cancelled_at.is_null()
            & Tender.opened_at.is_null()
        )
        found = await questions.waiting(topic_of(tender) for tender in tenders)
        found += await _proposed(actor, ours)
    found += _overdue(actor) + await _near(actor)
    if not actor.wears("operator"):
        return found
    claims = await rows(
        Claim,
        """
        SELECT t.ref, t.title, o.name AS buyer FROM tender t JOIN organisation o ON o.id = t.buyer WHERE t.commodity_claimed
          AND t.commodity_confirmed_at IS NULL AND t.published_at IS NULL AND t.cancelled_at IS NULL
          AND tier_binding(o.id, t.created_at, {}) = 'central' AND NOT EXISTS (
            SELECT 1 FROM ruling r WHERE r.about = 'commodity' AND r.tender = t.ref AND r.withdrawn_at IS NULL
          )
        ORDER BY t.id
        """,
        clock.now(),
    )
    return found + [
        Waiting(
            _("{buyer} says it buys a commodity: check the claim", buyer=each.buyer), f"/tenders/{each.ref}", each.title
        )
        for each in claims
    ]


class Proposed(msgspec.Struct, frozen=True):
    """A change of a running tender that waits for a second person."""

    ref: str
    tender: str
    title: str
    at: datetime


async def _proposed(actor: Actor, bodies: Sequence[int]) -> list[Waiting]:
    found = await rows(
        Proposed,
        """
        SELECT c.ref, t.ref AS tender, t.title, c.at FROM tender_change c JOIN tender t ON t.id = c.tender
        WHERE t.buyer = ANY({}::int[]) AND c.by <> {} AND c.approved_at IS NULL AND c.left_at IS NULL
          AND t.cancelled_at IS NULL AND t.opened_at IS NULL AND t.closes_at > {} ORDER BY c.at
        """,
        list(bodies),
        actor.person,
        clock.now(),
    )
    return [
        Waiting(
            _("Approve the change of a running tender that a colleague proposed, or not"),
            f"/tenders/{each.tender}/changes/{each.ref}",
            each.title,
            since=each.at,
        )
        for each in found
    ]


def _overdue(actor: Actor) -> list[Waiting]:
    """For operators and auditors: lines of the list of commodities that were to be reviewed by now."""
    late = cpv.overdue(clock.now()) if actor.wears("operator", "auditor") else []
    if not late:
        return []
    words = _n(
        "{number} line of the list of commodities is past its review",
        "{number} lines of the list of commodities are past their review",
        len(late),
    )
    return [Waiting(words, "/rulings/text?about=commodities", min(each.code for each in late))]


async def _near(actor: Actor) -> list[Waiting]:
    """For auditors: published tenders that stayed just below the threshold, until their bids are opened."""
    if not actor.wears("auditor"):
        return []
    near = await rows(
        Claim,
        """
        SELECT t.ref, t.title, o.name AS buyer FROM tender t JOIN organisation o ON o.id = t.buyer
        WHERE t.published_at IS NOT NULL AND t.opened_at IS NULL AND t.cancelled_at IS NULL
          AND t.gate_trace LIKE '%"near":true%' ORDER BY t.id
        """,
    )
    return [
        Waiting(_("{buyer} stays just below the threshold", buyer=each.buyer), f"/tenders/{each.ref}", each.title)
        for each in near
    ]


async def records(bodies: Sequence[int], editing: Sequence[int]) -> list[Placed]:
    """The tenders of these bodies, the newest first."""
    places = {
        "draft": N_("Drafts"),
        "questions": N_("Open"),
        "open": N_("Open"),
        "decided": N_("Finished"),
        "cancelled": N_("Finished"),
    }
    found = await Tender.objects().where(Tender.buyer.is_in(list(bodies))).order_by(Tender.id, ascending=False)
    stands = await standings([each.ref for each in found])
    return [
        Placed(
            places.get(stands[each.ref].stage, N_("Bids to open and score")),
            each.title or _("Untitled tender"),
            f"/tenders/{each.ref}",
            _("Tender. {stage}", stage=stands[each.ref].word),
        )
        for each in found
    ]


async def counts() -> dict[str, int]:
    """What the operator's desk says of tenders."""
    (tenders,) = await rows(
        int, "SELECT count(*) FROM tender WHERE published_at IS NOT NULL AND cancelled_at IS NULL AND opened_at IS NULL"
    )
    return {"tenders": tenders}
