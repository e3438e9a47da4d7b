"""What is asked of whoever moves the money, what may come back, and a simulation that moves none."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Order:
    """One payment to make, frozen when it was released. `key` is the idempotency key: the same for every try of this
    order. `first_sent_at` tells a provider how old an unanswered try is."""

    key: str
    amount_minor: int
    currency: str
    destination: str
    purpose: str
    obligation: str
    first_sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Paid:
    """The money is on its way; `reference` is the provider's."""

    reference: str


@dataclass(frozen=True, slots=True)
class Declined:
    """The provider said no for good; a new try needs a new order."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Nobody knows: the same order is sent again later, with the same key."""

    reason: str


Outcome = Paid | Declined | Unanswered


class Unreachable(Exception):
    """The provider did not answer a question that can be asked again later; nothing was decided."""


class Provider(Protocol):
    """What this product asks of a payment provider."""

    name: str

    async def pay(self, order: Order) -> Outcome:
        """Pay once per key, however often it is asked."""
        ...


class Simulated:
    """Moves no money. For demonstrations: every page and letter about money says that it is simulated."""

    name = "simulated"

    async def pay(self, order: Order) -> Outcome:
        """Always paid, at once."""
        return Paid(f"simulated-{order.key}")
