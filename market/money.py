"""Money: an integer count of minor units and the currency they are of; never a float, never converted."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

# ISO 4217: currencies whose minor unit is not a hundredth.
_EXPONENTS = {
    "JPY": 0,
    "KRW": 0,
    "ISK": 0,
    "CLP": 0,
    "PYG": 0,
    "UGX": 0,
    "VND": 0,
    "XAF": 0,
    "XOF": 0,
    "BHD": 3,
    "KWD": 3,
    "OMR": 3,
    "TND": 3,
    "JOD": 3,
}
_SIGNS = {"GBP": "£", "EUR": "€", "USD": "$"}
_TYPED = re.compile(r"\d{1,3}(,\d{3})*(\.\d+)?|\d+(\.\d+)?", re.ASCII)


def exponent(currency: str) -> int:
    """How many decimal places the currency has (ISO 4217): 2 for most, 0 for the yen, 3 for the dinar."""
    return _EXPONENTS.get(currency, 2)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`minor` units (pence, cents) of `currency`, an ISO 4217 code in capitals. Sums across currencies are refused."""

    minor: int
    currency: str = "GBP"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Z]{3}", self.currency):
            raise ValueError(f"{self.currency!r} is not a currency code such as GBP")

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: Money) -> bool:
        return not other < self

    def __str__(self) -> str:
        places = exponent(self.currency)
        major = Decimal(self.minor).scaleb(-places)
        whole = places == 0 or major == major.to_integral_value()
        digits = f"{major:,.0f}" if whole else f"{major:,.{places}f}"
        sign = _SIGNS.get(self.currency)
        amount = f"{sign}{digits}" if sign else f"{digits} {self.currency}"
        return amount.replace(f"{sign}-", f"-{sign}") if sign else amount

    @property
    def major(self) -> Decimal:
        """The amount in major units (pounds), exact: what OCDS writes as `amount`."""
        return Decimal(self.minor).scaleb(-exponent(self.currency))

    def share(self, weights: Sequence[int]) -> list[Money]:
        """Split by whole-number weights so that the parts sum to the whole; the earliest parts take what is left over."""
        total = sum(weights)
        if total <= 0 or any(weight < 0 for weight in weights):
            raise ValueError("weights must be whole numbers, not negative, and not all zero")
        parts = [self.minor * weight // total for weight in weights]
        for place in range(self.minor - sum(parts)):
            parts[place % len(parts)] += 1
        return [Money(part, self.currency) for part in parts]

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be combined: money is never converted here")


def parse(text: str, currency: str = "GBP") -> Money:
    """Read what a person typed — “£1,500”, “1500.50” — into minor units. Refused (ValueError, with what to type): words,
    negative amounts, more decimals than the currency has, misplaced commas."""
    plain = text.strip().removeprefix(_SIGNS.get(currency, currency)).strip()
    if not _TYPED.fullmatch(plain):
        raise ValueError(
            "Enter an amount in pounds, like 1,500 or 1500.50"
            if currency == "GBP"
            else "Enter an amount, like 1,500 or 1500.50"
        )
    value = Decimal(plain.replace(",", "")).scaleb(exponent(currency))
    if value != value.to_integral_value():
        raise ValueError(f"Enter an amount with at most {exponent(currency)} decimal places")
    return Money(int(value), currency)
