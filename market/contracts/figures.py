"""What the public figures say of contracts: those that both sides signed, for how much, and how many of them small firms won."""

from __future__ import annotations

from datetime import datetime

import msgspec

from market.reads import rows
from market.suppliers import rules


class Won(msgspec.Struct, frozen=True):
    """The signed contracts of one firm under one mission (its id) in one currency, with the figures the firm gave."""

    mission: int | None
    currency: str
    contracts: int
    value_minor: int
    employees: int | None
    turnover_minor: int | None
    balance_minor: int | None
    firm_currency: str

    @property
    def small(self) -> bool:
        """Whether the firm is small by its figures."""
        firm = rules.Figures(self.employees, self.turnover_minor, self.balance_minor, self.firm_currency)
        return rules.size_of(firm).small is True


async def won() -> list[Won]:
    """Signed contracts by mission, firm and currency."""
    return await rows(
        Won,
        """
        SELECT c.mission, c.currency, count(*) AS contracts, sum(c.value_minor)::bigint AS value_minor, s.employees,
          s.turnover_minor, s.balance_minor, s.currency AS firm_currency
        FROM contract c JOIN organisation s ON s.id = c.supplier
        WHERE c.buyer_signed_at IS NOT NULL AND c.supplier_signed_at IS NOT NULL GROUP BY c.mission, c.currency, s.id
        """,
    )


class Begun(msgspec.Struct, frozen=True):
    """The first contract that both sides signed of those that grew from an exercise (its reference)."""

    exercise: str
    signed_at: datetime


async def first_signed() -> list[Begun]:
    """For every exercise that led to a contract, when the first of them was signed."""
    return await rows(
        Begun,
        """
        SELECT t.exercise, min(greatest(c.buyer_signed_at, c.supplier_signed_at)) AS signed_at
        FROM contract c JOIN tender t ON t.id = c.tender
        WHERE c.buyer_signed_at IS NOT NULL AND c.supplier_signed_at IS NOT NULL AND t.exercise <> '' GROUP BY t.exercise
        """,
    )
