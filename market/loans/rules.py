"""What must hold before one body lends a person to another."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from market import policy
from market.arrival import Arrival
from market.hands import rules as hands
from market.refusals import Denial, rule
from market.wording import N_, _

if TYPE_CHECKING:
    from market.loans.tables import Listed, Loan

NEVER_LENT = ("buyer", "minister")
"""Roles that are the body itself: who drafts, names, signs and accepts, and who waives the rule."""
TWO = N_("Own default: each body says so itself, by somebody else than the one who is lent")


@dataclass(frozen=True, slots=True)
class Terms:
    """A loan that is proposed or agreed to. `kinds` are those of the two bodies, `same` whether they are one; `of_lender`: she is the
    lender's own (not lent to it); `of_borrower`: she has a role in the borrower; `own` and `lent` count the borrower's people, its
    own as pairs of hands, without her; `herself`: who acts is the one who is lent."""

    role: str
    instrument: str
    since: datetime
    until: datetime
    now: Arrival
    kinds: tuple[str, str]
    same: bool
    of_lender: bool
    of_borrower: bool
    own: int
    lent: int
    herself: bool


@dataclass(frozen=True, slots=True)
class Agreeing:
    """What is known when somebody agrees: the loan, who proposed it, and for which side she would agree."""

    loan: Loan
    doing: hands.Doing


@rule("loan.between-bodies", field="lender", source=TWO)
def is_between_two_public_bodies(terms: Terms) -> str | None:
    """One public body lends to another: a firm's people are no second person of a buyer."""
    if terms.same or terms.kinds != ("buyer", "buyer"):
        return _("Choose another public body that buys.")
    return None


@rule("loan.role-not-lent", field="role", source="Own default: what is a body's own to do it does itself")
def is_a_role_that_is_lent(terms: Terms) -> str | None:
    """Somebody lent marks, holds a code or releases money; buyers and ministers are the body itself."""
    if terms.role in NEVER_LENT:
        return _("Nobody is lent in this role: it is the body's own.")
    return None


@rule("loan.instrument-missing", field="instrument", source=str(policy.number("people.instrument_characters").source))
def names_its_instrument(terms: Terms) -> str | None:
    """A loan rests on an agreement of the two bodies that others can ask for."""
    least = policy.IN_FORCE.people.instrument_characters
    if len(terms.instrument.strip()) < least:
        return _("Name the agreement of the two bodies, with its date, in at least {least} characters.", least=least)
    return None


@rule("loan.too-long", field="until", source=str(policy.number("people.loan_days").source))
def is_for_a_time(terms: Terms) -> str | None:
    """A loan ends, within the policy's days: who is needed for longer is employed."""
    most = policy.IN_FORCE.people.loan_days
    if terms.until <= max(terms.since, terms.now):
        return _("The last day has to be after the first, and to come.")
    if terms.until - terms.since > timedelta(days=most + 1):
        return _("A loan lasts at most {most} days. Agree on another when it is over.", most=most)
    return None


@rule("loan.not-theirs", field="person", source="Own default: nobody lends whom she has borrowed")
def belongs_to_the_lender(terms: Terms) -> str | None:
    """A body lends its own people, not those whom it borrows."""
    return None if terms.of_lender else _("She is not of the body that lends her, or is lent to it herself.")


@rule("loan.belongs-here", field="person", source="Own default: a person is of a body, or lent to it")
def does_not_belong_here(terms: Terms) -> str | None:
    """Whoever has a role in a body is not lent to it: she would count twice."""
    return _("She has a role in the body that borrows already.") if terms.of_borrower else None


@rule("loan.too-many", source=str(policy.number("people.lent_percent").source))
def is_not_most_of_the_body(terms: Terms) -> str | None:
    """A body that consists of borrowed people decides nothing itself."""
    most = policy.IN_FORCE.people.lent_percent
    if 100 * (terms.lent + 1) > most * (terms.own + terms.lent + 1):
        return _(
            "At most {most}% of the people of a body are lent. It has {own} of its own and {lent} lent.",
            most=most,
            own=terms.own,
            lent=terms.lent,
        )
    return None


@rule("loan.own", source=TWO)
def is_not_her_own(terms: Terms) -> str | None:
    """Nobody lends herself."""
    return _("You are the one who is lent. Somebody else of your body says so.") if terms.herself else None


PROPOSE = (
    is_between_two_public_bodies,
    is_a_role_that_is_lent,
    names_its_instrument,
    is_for_a_time,
    belongs_to_the_lender,
    does_not_belong_here,
    is_not_most_of_the_body,
    is_not_her_own,
)
"""For `actions.propose`, and again for `actions.agree`."""


@rule("loan.decided")
def still_waits(agreeing: Agreeing) -> str | None:
    """A loan is agreed to once, and not after it was ended."""
    if agreeing.loan.ended_at is not None:
        return _("This loan was ended.")
    return _("This loan is agreed already.") if agreeing.loan.agreed_at is not None else None


@rule("loan.same-person", source=TWO)
def another_person_agrees(agreeing: Agreeing) -> str | None:
    """Who proposed a loan for one body does not agree to it for the other."""
    return hands.both(agreeing.doing)


@rule("loan.one-pair-of-hands", source=str(policy.number("people.invited_days").source))
def nobody_let_in_lately_agrees(agreeing: Agreeing) -> str | None:
    """Nor does whoever counts as one pair of hands with her."""
    return hands.as_one(agreeing.doing)


AGREE = (still_waits, another_person_agrees, nobody_let_in_lately_agrees)
"""For `actions.agree`, beside the terms."""


@rule("loan.ended-already")
def is_not_ended(loan: Loan) -> str | None:
    """A loan is ended once."""
    return _("This loan was ended already.") if loan.ended_at is not None else None


END = (is_not_ended,)
"""For `actions.end`."""

NOBODY = Denial(
    "loan.nobody",
    N_("Nobody of that body has this reference. Ask her for it: it stands in her account, such as P-7KQ4M2X."),
    norm="Whom a body lends is named by the reference of her account.",
    field="person",
)


def waits(row: Listed) -> bool:
    """Whether the other body has not agreed yet."""
    return row.agreed_at is None and row.ended_at is None


def is_in_force(row: Listed, now: datetime) -> bool:
    """Whether she works there now, or will."""
    return row.agreed_at is not None and row.ended_at is None and row.until > now
