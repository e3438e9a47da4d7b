"""Who an organisation is in a register, and whether it is a small firm.

An identifier is a scheme of org-id.guide and the number in that register, `GB-COH-08407369`. A number is checked by its
shape, and by its check digits where the register has them (python-stdnum); that it exists, and is theirs, only the
register can say. Whether a firm is small is derived from its size and never from what it says of itself.
"""

from __future__ import annotations

import importlib
import re
from functools import lru_cache
from typing import Final, Literal

import msgspec
import yaml
from stdnum.exceptions import ValidationError

from market import policy
from market.money import Money
from market.wording import _, together

_SEPARATORS: Final = re.compile(r"[\s.]+")
_DASHES: Final = dict.fromkeys(range(0x2010, 0x2016), "-")


class Scheme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A register. `country` is an ISO 3166-1 code, empty for the whole world; `says` is what a number looks like, for the
    form's hint; `page` an address with `{number}` in it where one exists."""

    code: str
    name: str
    country: str
    kind: str
    pattern: str
    example: str
    says: str
    digits: int = 0
    checked_by: str = ""
    page: str = ""
    keep_spaces: bool = False


class Identifier(msgspec.Struct, frozen=True, order=True):
    """A number in a register, both as they are compared: normalised and checked."""

    scheme: str
    number: str

    def __str__(self) -> str:
        return f"{self.scheme}-{self.number}"

    @property
    def page(self) -> str | None:
        """Where anybody can look it up, or None."""
        address = scheme(self.scheme).page
        return address.format(number=self.number) if address else None


@lru_cache(maxsize=1)
def _schemes() -> dict[str, Scheme]:
    rows = yaml.safe_load((policy.REFERENCE / "identifier_schemes.yaml").read_text(encoding="utf-8"))
    return {each.code: each for each in msgspec.convert(rows, tuple[Scheme, ...])}


def schemes(country: str | None = None) -> tuple[Scheme, ...]:
    """The registers of a country and those of the whole world, or all of them, for a form's choices."""
    return tuple(each for each in _schemes().values() if country is None or each.country in {country, ""})


def scheme(code: str) -> Scheme:
    """One register. An unknown code is refused (ValueError): its numbers could not be checked."""
    try:
        return _schemes()[code]
    except KeyError:
        raise ValueError(f"{code!r} is not a register whose numbers can be checked here") from None


def check(code: str, number: str) -> Identifier:
    """The identifier for what a person typed: capitals, no spaces or dots, zeros put back in front (8407369 for company
    08407369). Refused (ValueError, with what to type): another shape, a wrong check digit, an unknown register."""
    register = scheme(code)
    typed = number.upper().translate(_DASHES)
    plain = " ".join(typed.split()) if register.keep_spaces else _SEPARATORS.sub("", typed)
    if register.digits:
        plain = _padded(plain, register.digits)
    if not re.fullmatch(register.pattern, plain, re.ASCII):
        raise ValueError(
            f"Enter the number as it stands in the register ({register.name}): {register.says}, for example {register.example}"
        )
    if register.checked_by:
        plain = plain.replace("-", "")
        try:
            importlib.import_module(f"stdnum.{register.checked_by}").validate(plain)
        except ValidationError:
            raise ValueError(
                f"{plain} is not a number of this register ({register.name}): its check digits do not fit; look for a slip"
            ) from None
    return Identifier(code, plain)


def parse(text: str) -> Identifier:
    """Read `GB-COH-08407369`. The longest known scheme it begins with counts; anything else is refused (ValueError)."""
    stripped = text.strip()
    for code in sorted(_schemes(), key=len, reverse=True):
        if stripped.upper().startswith(f"{code}-"):
            return check(code, stripped[len(code) + 1 :])
    raise ValueError("Enter the register and the number, like GB-COH-08407369")


def _padded(plain: str, digits: int) -> str:
    """Leading zeros that people drop, put back — also behind a two-letter prefix (SC1234 is SC001234)."""
    match = re.fullmatch(r"([A-Z]{0,2})([0-9]+)", plain)
    return match[1] + match[2].zfill(digits - len(match[1])) if match else plain


class Size(msgspec.Struct, frozen=True):
    """What a firm's size is derived from: staff in full-time equivalents, a year's turnover, and the balance sheet total;
    None where it is not known. Figures are those of the firm with its linked and partner enterprises (Recommendation
    2003/361/EC Annex article 6), or a subsidiary of a giant would be small."""

    staff: int | None = None
    turnover: Money | None = None
    balance: Money | None = None


class SizeVerdict(msgspec.Struct, frozen=True):
    """`small` is True or False, or None when the figures do not decide it; `size` is the finer class where the definition
    has one; `why` says which figure decided; `source` is the law."""

    small: bool | None
    size: Literal["micro", "small", "medium", "sme", "large", "unknown"]
    why: str
    source: str


def size_of(size: Size, definition: Literal["uk", "eu"] = "uk") -> SizeVerdict:
    """Whether a firm is a small or medium-sized enterprise, and why.

    `uk`: Procurement Act 2023 section 123(1), which knows no finer classes. `eu`: Recommendation 2003/361/EC. Both ask
    for few staff *and* a small turnover *or* balance sheet. Figures in another currency than the definition's decide
    nothing, since money is never converted; negative figures are refused (ValueError).
    """
    limits = policy.IN_FORCE.small_firms_uk if definition == "uk" else policy.IN_FORCE.small_firms_eu
    currency = policy.IN_FORCE.currency if definition == "uk" else "EUR"
    source = policy.number(f"small_firms_{definition}.staff_fewer_than").source
    if min(size.staff or 0, *(money.minor for money in (size.turnover, size.balance) if money), 0) < 0:
        raise ValueError("staff, turnover and balance sheet are not negative")
    if size.staff is None:
        return SizeVerdict(None, "unknown", _("The number of staff is not known."), source)
    if size.staff >= limits.staff_fewer_than:
        return SizeVerdict(
            False,
            "large",
            _(
                "{staff} staff are not fewer than {staff_fewer_than}.",
                staff=size.staff,
                staff_fewer_than=limits.staff_fewer_than,
            ),
            source,
        )
    turnover = size.turnover if size.turnover and size.turnover.currency == currency else None
    balance = size.balance if size.balance and size.balance.currency == currency else None
    bounds = (
        (_("turnover"), turnover, Money(limits.turnover_at_most, currency)),
        (_("balance sheet total"), balance, Money(limits.balance_at_most, currency)),
    )
    within = next(((what, money, most) for what, money, most in bounds if money and money <= most), None)
    if within is None and (turnover is None or balance is None):
        lacking = together(
            _("the {what} in {currency}", what=what, currency=currency)
            for what, money, _most in bounds
            if money is None
        )
        return SizeVerdict(
            None, "unknown", _("The staff are few enough, but {lacking} is not known.", lacking=lacking), source
        )
    if within is None:
        why = _(
            "Turnover {turnover} is over {most} and balance sheet total {balance} over {most_balance}.",
            turnover=turnover,
            most=bounds[0][2],
            balance=balance,
            most_balance=bounds[1][2],
        )
        return SizeVerdict(False, "large", why, source)
    what, money, most = within
    why = _(
        "{staff} staff are fewer than {staff_fewer_than}, and a {what} of {money} is at most {most}.",
        staff=size.staff,
        staff_fewer_than=limits.staff_fewer_than,
        what=what,
        money=money,
        most=most,
    )
    return SizeVerdict(True, _class(size.staff, turnover, balance, limits), why, source)


def _class(
    staff: int, turnover: Money | None, balance: Money | None, limits: policy.SmallFirms
) -> Literal["micro", "small", "medium", "sme"]:
    if not limits.small_staff_fewer_than:
        return "sme"
    least = min(money.minor for money in (turnover, balance) if money)
    if staff < limits.micro_staff_fewer_than and least <= limits.micro_money_at_most:
        return "micro"
    if staff < limits.small_staff_fewer_than and least <= limits.small_money_at_most:
        return "small"
    return "medium"
