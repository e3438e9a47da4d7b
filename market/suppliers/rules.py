"""What must hold before a firm registers or its profile is kept; and whether it is a small firm."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from market import organisations as registers
from market.money import Money
from market.refusals import Denial, rule
from market.wording import N_, _

if TYPE_CHECKING:
    from market.accounts.tables import Organisation

_CPV = re.compile(r"\d{8}(?:-\d)?")


@dataclass(frozen=True, slots=True)
class Firm:
    """What a firm says of itself when it registers, as far as it can be judged without asking anybody."""

    country: str
    scheme: str
    identifier: str
    cpv: Sequence[str]


def plain_cpv(codes: Sequence[str]) -> list[str]:
    """CPV codes as they are kept: 8 digits without the check digit, each once, in the order given."""
    return list(dict.fromkeys(code.strip()[:8] for code in codes if code.strip()))


@rule("supplier.number-missing", field="identifier")
def a_register_comes_with_a_number(firm: Firm) -> str | None:
    """Whoever names a register gives the firm's number in it; a sole trader, who stands in none, names none."""
    if firm.scheme and not firm.identifier.strip():
        return _("Enter the firm's number in that register, or choose that you trade in your own name.")
    return None


@rule("supplier.register-missing", field="scheme")
def a_number_comes_with_a_register(firm: Firm) -> str | None:
    """A number says nothing without the register it is from."""
    if firm.identifier.strip() and not firm.scheme:
        return _("Choose the register this number is from.")
    return None


@rule("supplier.register-of-another-country", field="scheme")
def the_register_is_of_the_firms_country(firm: Firm) -> str | None:
    """The register is one of the country the firm is established in, or one of the whole world."""
    known = {each.code for each in registers.schemes(firm.country)}
    if firm.scheme and firm.scheme not in known:
        return _("This register is not of the country you chose. Change one of the two.")
    return None


@rule("supplier.number-not-valid", field="identifier", source="org-id.guide; check digits of the register itself")
def the_number_can_be_right(firm: Firm) -> str | None:
    """The number has the shape of its register, and its check digits fit where it has them. That it exists and is the
    firm's own, only the register can say; buyers see the link to it."""
    if not firm.scheme or not firm.identifier.strip():
        return None
    try:
        registers.check(firm.scheme, firm.identifier)
    except ValueError as error:
        return str(error)
    return None


@rule("supplier.cpv-not-valid", field="cpv", source="Regulation (EC) No 213/2008")
def codes_look_like_codes(firm: Firm) -> str | None:
    """Each code of the Common Procurement Vocabulary has 8 digits, with or without its check digit."""
    wrong = [code for code in firm.cpv if not _CPV.fullmatch(code.strip())]
    if wrong:
        return _("Enter CPV codes of 8 digits, like 72000000. This is none: {wrong}.", wrong=", ".join(wrong)[:80])
    return None


REGISTER = (
    a_register_comes_with_a_number,
    a_number_comes_with_a_register,
    the_register_is_of_the_firms_country,
    the_number_can_be_right,
    codes_look_like_codes,
)
"""For `actions.ask_to_register` and `actions.register`."""


ADDRESS_TAKEN = Denial(
    "supplier.address-taken",
    N_("There is an account with this address. Sign in instead."),
    norm="An address opens one account.",
    field="email",
)

CONFIRMED_ALREADY = Denial(
    "supplier.confirmed-already",
    N_("This is confirmed already. Sign in instead."),
    norm="A registration is confirmed once.",
    status=410,
)

CONFIRMED_TOO_LATE = Denial(
    "supplier.confirmed-too-late",
    N_("This link is more than two days old. Register again."),
    norm="The link of a registration is good for two days.",
    status=410,
)


@rule("supplier.profile-cpv-not-valid", field="cpv", source="Regulation (EC) No 213/2008")
def profile_codes_look_like_codes(cpv: Sequence[str]) -> str | None:
    """Each code of a profile has 8 digits too."""
    refusal = codes_look_like_codes(Firm("", "", "", cpv))
    return refusal.reason if refusal else None


UPDATE = (profile_codes_look_like_codes,)
"""For `actions.update_profile`."""


class Figures(msgspec.Struct, frozen=True):
    """What a firm's size is judged by."""

    employees: int | None
    turnover_minor: int | None
    balance_minor: int | None
    currency: str


def size_of(firm: Organisation | Figures) -> registers.SizeVerdict:
    """Whether a firm is a small or medium-sized enterprise, by the definition of its money: the Procurement Act's for
    pounds, the European Recommendation's for euros."""
    size = registers.Size(
        firm.employees,
        None if firm.turnover_minor is None else Money(firm.turnover_minor, firm.currency),
        None if firm.balance_minor is None else Money(firm.balance_minor, firm.currency),
    )
    return registers.size_of(size, "eu" if firm.currency == "EUR" else "uk")
