"""What must hold before a budget is proposed, approved or changed, named for what is published, and counted against."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, ParamSpec, Protocol, cast

from market import dates, policy
from market.hands import rules as hands
from market.money import Money
from market.refusals import Denial, Rule, rule
from market.standing import Standing, Tone
from market.wording import N_, _

if TYPE_CHECKING:
    from market.budgets.tables import BudgetLine, Listed

P = ParamSpec("P")

TWO = N_("Own default: two persons for public money, after HM Treasury, Managing Public Money, annex 4.5")
COUNTED = N_(
    "Own default, after HM Treasury, Managing Public Money, chapter 2: nobody commits money that was not approved"
)

KINDS_OF_LINE: dict[str, str] = {
    "open": N_("Opened"),
    "raise": N_("Raised"),
    "lower": N_("Lowered"),
    "close": N_("Closed"),
}
"""What a line does, in words."""


# ── the financial year ─────────────────────────────────────────────────────────────────────────────────────────────


def first_day(year: int) -> date:
    """The first day of the financial year that begins in this year."""
    numbers = policy.IN_FORCE.budgets
    return date(year, numbers.year_begins_month, numbers.year_begins_day)


def last_day(year: int) -> date:
    """The last day of the financial year that begins in this year."""
    return first_day(year + 1) - timedelta(days=1)


def year_of(day: date) -> int:
    """The year in which the financial year of this day began."""
    return day.year if day >= first_day(day.year) else day.year - 1


def year_words(year: int) -> str:
    """A financial year as it is written: 2026/27, or one number where it is the calendar's."""
    last = last_day(year).year
    return str(year) if last == year else f"{year}/{last % 100:02d}"


def standing(budget: Listed, today: date) -> Standing:
    """Where a budget stands, in words, and the date that matters."""
    stages: dict[str, tuple[str, Tone]] = {
        "closed": (_("Closed"), "grey"),
        "proposed": (_("Waits for approval"), "amber"),
        "over": (_("Year over"), "grey"),
        "open": (_("Open"), "green"),
    }
    found = (
        "closed"
        if budget.closed_at
        else "proposed"
        if not budget.opened_at
        else "over"
        if last_day(budget.year) < today
        else "open"
    )
    word, tone = stages[found]
    return Standing(found, word, tone, budget.closed_at or budget.opened_at or budget.created_at, _("Since"))


# ── proposing and approving ────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Proposing:
    """What is known when a line is proposed: the budget as it stands (None for a new one), what the line does and by how much,
    the financial year it is for, and the day."""

    budget: Listed | None
    kind: str
    amount_minor: int
    year: int
    today: date


@dataclass(frozen=True, slots=True)
class Deciding:
    """What is known when somebody approves a line or leaves it: the budget as it stands, the line, and who asks and proposed."""

    budget: Listed
    line: BudgetLine
    doing: hands.Doing


def _too_low(budget: Listed, amount_minor: int) -> str | None:
    if budget.amount_minor - amount_minor >= budget.taken_minor:
        return None
    return _(
        "{taken} of it is reserved or committed, so it can be lowered by {left} at most.",
        taken=Money(budget.taken_minor, budget.currency),
        left=budget.left,
    )


@rule("budget.year-wrong", field="year", source=str(policy.number("budgets.years_ahead").source))
def year_is_near(proposing: Proposing) -> str | None:
    """A budget is for the present financial year or one of the next, and never for one that is over."""
    now, ahead = year_of(proposing.today), policy.IN_FORCE.budgets.years_ahead
    if proposing.budget is None and not now <= proposing.year <= now + ahead:
        return _(
            "Choose a financial year from {first} to {last}: write the year in which it begins.",
            first=year_words(now),
            last=year_words(now + ahead),
        )
    return None


@rule("budget.sum-missing", field="amount_minor")
def says_how_much(proposing: Proposing) -> str | None:
    """A budget is opened, raised or lowered by a sum; closing it needs none."""
    if (proposing.amount_minor > 0) == (proposing.kind != "close"):
        return None
    return _("A budget is closed without a sum.") if proposing.kind == "close" else _("Say how much.")


@rule("budget.line-waits")
def no_other_line_waits(proposing: Proposing) -> str | None:
    """One change of a budget waits at a time, so that whoever approves it sees what it changes."""
    if proposing.budget is not None and proposing.budget.waiting:
        return _("A change of this budget waits for approval already. Decide that one first.")
    return None


@rule("budget.not-open")
def changes_an_open_budget(proposing: Proposing) -> str | None:
    """Only a budget that was approved, and is not closed, is raised, lowered or closed."""
    budget = proposing.budget
    if budget is None or (budget.opened_at is not None and budget.closed_at is None):
        return None
    return _("This budget is closed.") if budget.closed_at else _("This budget has not been approved.")


@rule("budget.below-taken", field="amount_minor", source=COUNTED)
def stays_above_what_is_taken(proposing: Proposing) -> str | None:
    """A budget is never lowered below what is reserved or committed."""
    if proposing.budget is None or proposing.kind != "lower":
        return None
    return _too_low(proposing.budget, proposing.amount_minor)


PROPOSE = (year_is_near, says_how_much, no_other_line_waits, changes_an_open_budget, stays_above_what_is_taken)
"""For `actions.propose` and `actions.change`."""


@rule("budget.decided")
def still_waits(deciding: Deciding) -> str | None:
    """What was proposed is approved once, or left once."""
    if deciding.line.approved_at is not None:
        return _("This was approved already.")
    return _("This was taken back or not approved.") if deciding.line.left_at is not None else None


@rule("budget.same-person", source=TWO)
def another_person_approves(deciding: Deciding) -> str | None:
    """Who proposed what may be spent does not approve it."""
    return hands.both(deciding.doing)


@rule("budget.one-pair-of-hands", source=str(policy.number("people.invited_days").source))
def not_somebody_let_in_lately(deciding: Deciding) -> str | None:
    """Nor does whoever was lately let into the body by the one who proposed, who let her in, or whom the same person let in."""
    return hands.as_one(deciding.doing)


@rule("budget.taken-since", source=COUNTED)
def still_above_what_is_taken(deciding: Deciding) -> str | None:
    """When a lowering is approved, what was reserved or committed since it was proposed counts."""
    return _too_low(deciding.budget, deciding.line.amount_minor) if deciding.line.kind == "lower" else None


APPROVE = (still_waits, another_person_approves, not_somebody_let_in_lately, still_above_what_is_taken)
"""For `actions.approve`."""
LEAVE = (still_waits,)
"""For `actions.leave`."""


# ── naming one for what is published ───────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Naming:
    """What is known of the budget that a draft names: the budget as it stands (None when none is named), the body (its id) and
    currency of the draft, what publishing it would reserve, VAT included, and the day."""

    budget: Listed | None
    body: int
    currency: str
    needed_minor: int
    today: date


class Spending(Protocol):
    """What is published and spends money: a challenge or a tender, with the budget it names."""

    @property
    def naming(self) -> Naming:
        """What is known of its budget."""


@rule("budget.missing", field="budget", source=COUNTED)
def names_its_budget(spending: Spending) -> str | None:
    """What spends money names the budget it is paid from before it is published."""
    if spending.naming.budget is None:
        return _("Choose the budget it is paid from.")
    return None


@rule("budget.other-body", field="budget", source=COUNTED)
def budget_is_its_own(spending: Spending) -> str | None:
    """A body spends from its own budgets. Where another body of the department would pay for what follows an exercise, that
    body publishes the tender and names its own."""
    naming = spending.naming
    if naming.budget is not None and naming.budget.body != naming.body:
        return _("This budget is of another body. Choose one of your own.")
    return None


@rule("budget.not-approved", field="budget", source=TWO)
def budget_is_approved(spending: Spending) -> str | None:
    """A budget counts when a finance officer has approved it, and until it is closed."""
    budget = spending.naming.budget
    if budget is None or (budget.opened_at is not None and budget.closed_at is None):
        return None
    if budget.closed_at is not None:
        return _("Budget {ref} is closed. Choose another.", ref=budget.ref)
    return _("Budget {ref} waits for a finance officer to approve it.", ref=budget.ref)


@rule("budget.year-over", field="budget", source=str(policy.number("budgets.year_begins_month").source))
def budget_year_goes_on(spending: Spending) -> str | None:
    """Nothing new is published from the budget of a financial year that is over."""
    naming = spending.naming
    if naming.budget is None or last_day(naming.budget.year) >= naming.today:
        return None
    return _(
        "Budget {ref} was for the year that ended on {day}. Choose another.",
        ref=naming.budget.ref,
        day=dates.day(last_day(naming.budget.year)),
    )


@rule("budget.other-currency", field="budget", source="Own default: money is never converted here")
def budget_has_the_currency(spending: Spending) -> str | None:
    """A budget and what is paid from it have one currency."""
    naming = spending.naming
    if naming.budget is None or naming.budget.currency == naming.currency:
        return None
    return _("Budget {ref} is in {currency}. Choose another.", ref=naming.budget.ref, currency=naming.budget.currency)


@rule("budget.too-small", field="budget", source=COUNTED)
def budget_is_enough(spending: Spending) -> str | None:
    """The budget has enough left for all that publishing may lead to, VAT included."""
    naming = spending.naming
    budget = naming.budget
    if budget is None or budget.opened_at is None or budget.currency != naming.currency:
        return None
    if budget.left_minor >= naming.needed_minor:
        return None
    return _(
        "Budget {ref} has {left} left, and this needs {needed}, VAT included. A finance officer can raise it.",
        ref=budget.ref,
        left=budget.left,
        needed=Money(naming.needed_minor, naming.currency),
    )


def may_be_named(budget: Listed, currency: str, today: date) -> bool:
    """Whether a draft of its body in this currency is offered it; it may still wait for approval, or have too little left."""
    return budget.closed_at is None and budget.currency == currency and last_day(budget.year) >= today


NAMED = (
    names_its_budget,
    budget_is_its_own,
    budget_is_approved,
    budget_year_goes_on,
    budget_has_the_currency,
    budget_is_enough,
)
"""For the publication of challenges and tenders, beside their own rules."""


def named(beside: Rule[P]) -> tuple[Rule[P], ...]:
    """The same, in the type of the rules they stand beside: whatever those judge says what is known of its budget too."""
    return cast("tuple[Rule[P], ...]", NAMED)


# ── counting ───────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Growing:
    """What is known, under the budget's lock, when more is to be promised from it than before: by how much, VAT included."""

    budget: Listed
    more_minor: int


@rule("budget.not-enough", source=COUNTED)
def has_enough_left(growing: Growing) -> str | None:
    """Nothing is promised that the budget does not have: not by an award, nor by a contract that grows."""
    budget = growing.budget
    if growing.more_minor <= max(budget.left_minor, 0):
        return None
    return _(
        "Budget {ref} has {left} left, and this needs {more} more, VAT included. A finance officer can raise it first.",
        ref=budget.ref,
        left=budget.left,
        more=Money(growing.more_minor, budget.currency),
    )


@rule("budget.closed-since", source=COUNTED)
def is_not_closed(growing: Growing) -> str | None:
    """From a closed budget nothing more is promised."""
    if growing.more_minor > 0 and growing.budget.closed_at is not None:
        return _("Budget {ref} is closed, so nothing more can be promised from it.", ref=growing.budget.ref)
    return None


GROW = (is_not_closed, has_enough_left)
"""For `counting.keep`."""

UNKNOWN = Denial(
    "budget.unknown",
    N_("Choose a budget of your body from the list."),
    norm="A draft names a budget of its own body.",
    field="budget",
    status=422,
)
"""Said of a reference that is not on the list."""


def with_vat(minor: int) -> int:
    """A sum without VAT, in minor units, with the standard rate of VAT on it, rounded up: what thresholds are compared with
    (Procurement Act 2023 section 4 and Schedule 3), and what a budget is counted against, since most public bodies recover
    none of it. What is zero-rated is reckoned with it too: an estimate that is too high binds, one that is too low would not."""
    return -(-minor * (100 + policy.IN_FORCE.thresholds.vat_percent) // 100)
