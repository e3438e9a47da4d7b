"""Contracts as they are read: lists, what stands around one, its milestones and its changes."""

from __future__ import annotations

from datetime import date

import msgspec

from market import clock
from market.contracts import rules
from market.contracts.tables import Change, Contract, Work
from market.reads import rows, the
from market.standing import Standing
from market.suppliers.rules import Figures, size_of

PER_PAGE = 20


class Listed(rules.Dates, frozen=True):
    """A contract as lists show it; its dates are those that its standing is reckoned from."""

    ref: str
    title: str
    value_minor: int
    currency: str
    begins_on: date
    buyer_name: str
    buyer_ref: str
    supplier_name: str
    supplier_ref: str
    employees: int | None
    turnover_minor: int | None
    balance_minor: int | None
    size_currency: str

    @property
    def standing(self) -> Standing:
        """Where it stands now."""
        return rules.standing(self, clock.now())

    @property
    def small_firm(self) -> bool | None:
        """Whether its supplier is a small firm; None when its size is not known."""
        return size_of(Figures(self.employees, self.turnover_minor, self.balance_minor, self.size_currency)).small


async def listed(before: str = "") -> list[Listed]:
    """A page of contracts, the newest first, at most :data:`PER_PAGE` and one more (which says that there is another
    page). `before` is the last reference of the page before."""
    return await rows(
        Listed,
        """
        SELECT c.drawn_up_at, c.buyer_signed_at, c.supplier_signed_at, c.ends_on, c.ended_at, c.ref, c.title, c.value_minor,
            c.currency, c.begins_on, b.name AS buyer_name, b.ref AS buyer_ref, s.name AS supplier_name, s.ref AS supplier_ref,
            s.employees, s.turnover_minor, s.balance_minor, s.currency AS size_currency
        FROM contract c JOIN organisation b ON b.id = c.buyer JOIN organisation s ON s.id = c.supplier
        WHERE ({} = '' OR c.id < (SELECT id FROM contract WHERE ref = {})) ORDER BY c.id DESC LIMIT {}
        """,
        before,
        before,
        PER_PAGE + 1,
    )


class Around(msgspec.Struct, frozen=True):
    """What a contract grew from and who its sides are: references, and what people call them."""

    award: str
    tender: str
    tender_title: str
    lot: str
    lot_number: int
    mission: str | None
    mission_title: str | None
    buyer: str
    buyer_name: str
    supplier: str
    supplier_name: str
    employees: int | None
    turnover_minor: int | None
    balance_minor: int | None
    size_currency: str

    @property
    def small_firm(self) -> bool | None:
        """Whether the supplier is a small firm; None when its size is not known."""
        return size_of(Figures(self.employees, self.turnover_minor, self.balance_minor, self.size_currency)).small


async def around(contract: Contract) -> Around:
    """What stands around a contract, in one question."""
    return await the(
        Around,
        """
        SELECT d.ref AS award, t.ref AS tender, t.title AS tender_title, l.ref AS lot, l.number AS lot_number,
            m.ref AS mission, m.title AS mission_title, b.ref AS buyer, b.name AS buyer_name, s.ref AS supplier,
            s.name AS supplier_name, s.employees, s.turnover_minor, s.balance_minor, s.currency AS size_currency
        FROM contract c JOIN decision d ON d.id = c.decision JOIN tender t ON t.id = c.tender JOIN lot l ON l.id = c.lot
        JOIN organisation b ON b.id = c.buyer JOIN organisation s ON s.id = c.supplier
        LEFT JOIN mission m ON m.id = c.mission WHERE c.id = {}
        """,
        contract.id,
    )


async def milestones_of(contract: Contract) -> list[Work]:
    """The milestones with what is owed and paid for each."""
    return await rows(
        Work,
        """
        SELECT m.ref, m.number, m.title, m.due_on, m.amount_minor, m.delivered_at, m.delivery_note, m.accepted_at,
            m.refused_reason, o.ref AS obligation, o.due_at AS payment_due_at, p.paid_at, p.confirmed_at
        FROM milestone m LEFT JOIN obligation o ON o.cause = 'milestone:' || m.ref
        LEFT JOIN LATERAL (SELECT paid_at, confirmed_at FROM payment WHERE obligation = o.id AND paid_at IS NOT NULL
            ORDER BY id DESC LIMIT 1) p ON true
        WHERE m.contract = {} ORDER BY m.number
        """,
        contract.id,
    )


async def changes_of(contract: Contract) -> list[Change]:
    """The changes, oldest first."""
    return await rows(
        Change,
        """
        SELECT g.ref, g.ground, g.text, g.reasons, g.clause, g.before, g.after, g.at, p.name AS by, g.approved_at,
            COALESCE(a.name, '') AS approved_by, g.standstill_ends_at, g.agreed_at, g.left_at, g.left_by
        FROM contract_change g JOIN person p ON p.id = g.by LEFT JOIN person a ON a.id = g.approved_by
        WHERE g.contract = {} ORDER BY g.id
        """,
        contract.id,
    )
