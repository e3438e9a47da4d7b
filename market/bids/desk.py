"""What bids put on people's desks: codes to be entered once the deadline has passed, and tenders that a firm may bid for."""

from __future__ import annotations

from datetime import datetime

import msgspec

from market import clock
from market.actor import SUPPLIER_ROLES, Actor
from market.bids import rules
from market.reads import rows
from market.web.desk import Fitting, Open, Waiting
from market.wording import _


class ToOpen(msgspec.Struct, frozen=True):
    """A tender whose bids may be opened, and whether this person's own code is still missing."""

    ref: str
    title: str
    closes_at: datetime
    owes: bool


class ToConfirm(msgspec.Struct, frozen=True):
    """A tender with a bid of this person's firm that a change made unconfirmed."""

    ref: str
    title: str
    closes_at: datetime


async def _unconfirmed(actor: Actor) -> list[Waiting]:
    found = await rows(
        ToConfirm,
        """
        SELECT t.ref, t.title, t.closes_at FROM tender t
        WHERE t.published_at IS NOT NULL AND t.cancelled_at IS NULL AND t.opened_at IS NULL AND t.closes_at > {}
          AND EXISTS (
            SELECT 1 FROM (
              SELECT DISTINCT ON (lot, supplier) * FROM bid WHERE tender = t.id AND supplier = ANY({}::int[])
              ORDER BY lot, supplier, received_at DESC, id DESC
            ) b JOIN addendum a ON a.tender = t.id AND a.unconfirms AND a.at >= b.received_at
            WHERE b.act = 'submit'
              AND NOT EXISTS (SELECT 1 FROM bid_confirmation c WHERE c.bid = b.id AND c.addendum >= a.id)
          )
        ORDER BY t.closes_at
        """,
        clock.now(),
        actor.organisations(*SUPPLIER_ROLES),
    )
    return [
        Waiting(
            _("The tender changed: confirm your bid or seal another, or it does not count"),
            f"/tenders/{each.ref}/bid",
            each.title,
            each.closes_at,
        )
        for each in found
    ]


async def waiting(actor: Actor) -> list[Waiting]:
    """For suppliers bids to confirm after a change; for opening officers their code, for the buyer's others that it is time."""
    found = await rows(
        ToOpen,
        """
        SELECT t.ref, t.title, t.closes_at, f.id IS NOT NULL AND f.contributed_at IS NULL AS owes
        FROM tender t LEFT JOIN opening_officer f ON f.tender = t.id AND f.person = {}
        WHERE t.published_at IS NOT NULL AND t.cancelled_at IS NULL AND t.opened_at IS NULL AND t.closes_at <= {}
          AND (t.buyer = ANY({}::int[]) OR f.id IS NOT NULL AND f.contributed_at IS NULL) ORDER BY t.closes_at
        """,
        actor.person,
        rules.opened_when_closed_at(clock.now()),
        actor.organisations("buyer", "contract-manager"),
    )
    return (await _unconfirmed(actor)) + [
        Waiting(
            _("Enter your code to open the bids")
            if each.owes
            else _("The bids may be opened: two opening officers must enter their codes"),
            f"/tenders/{each.ref}/opening",
            each.title,
            since=each.closes_at,
        )
        for each in found
    ]


async def fits(fitting: Fitting, most: int) -> list[Open]:
    """Tenders that take bids, by the codes of the firms or, without codes, by their regions; those they bid for left out."""
    return await rows(
        Open,
        """
        SELECT 'Tender' AS kind, '/tenders/' || t.ref AS href, t.title, o.name AS buyer, t.closes_at,
          (SELECT sum(l.value_minor)::bigint FROM lot l WHERE l.tender = t.id) AS minor, t.currency,
          t.region = ANY({}::text[]) AS near
        FROM tender t JOIN organisation o ON o.id = t.buyer
        WHERE t.published_at IS NOT NULL AND t.cancelled_at IS NULL AND t.opened_at IS NULL AND t.closes_at > {}
          AND NOT EXISTS (SELECT 1 FROM bid b WHERE b.tender = t.id AND b.supplier = ANY({}::int[]))
          AND (EXISTS (SELECT 1 FROM unnest(t.cpv || ARRAY(SELECT unnest(l.cpv) FROM lot l WHERE l.tender = t.id)) code
            WHERE code LIKE ANY({}::text[])) OR cardinality({}::text[]) = 0 AND t.region = ANY({}::text[]))
        ORDER BY near DESC, t.closes_at LIMIT {}
        """,
        fitting.places,
        clock.now(),
        fitting.firms,
        fitting.heads,
        fitting.heads,
        fitting.places,
        most,
    )
