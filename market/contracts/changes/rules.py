"""On which grounds a contract in force is changed, within which limits, and who has to agree before a change takes effect.

The law knows ten grounds (Procurement Act 2023 section 74 and Schedule 8); `GROUNDS` is the table of those that a contract
here can be changed on. The other three are not offered: a transfer after a corporate restructuring (Schedule 8 paragraph 9),
because no contract here changes its supplier, and the two of defence authorities (paragraphs 10 and 11).

Every limit is reckoned from the contract as both sides first signed it, never from what earlier changes have made of it, and
the increases of all changes in effect are added up with the new one. All sums are without VAT, as contracts here are: a share
is the same with VAT and without. Only for the comparison with a threshold VAT is added, because the thresholds include it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from market import dates, policy, workdays
from market.arrival import Arrival
from market.budgets.rules import with_vat
from market.contracts.rules import REASON, Part, not_in_force
from market.hands import rules as hands
from market.money import Money
from market.refusals import rule
from market.tenders.gate import Gate
from market.wording import N_, _

if TYPE_CHECKING:
    from market.contracts.tables import Contract, ContractChange

Limit = Literal["none", "small", "half"]
KINDS_OF_LIMIT: Final[tuple[Limit, ...]] = ("half", "small", "none")


@dataclass(frozen=True, slots=True)
class Ground:
    """A ground on which a contract may be changed: what it says, what the buyer has to answer for it, and where it stands.

    `limit` says how much may be added on it: "half" the policy's share for the grounds of Schedule 8 that have one, "small"
    the share of small changes, "none" where the Act names none. `term` says whether the term may move by no more than the
    policy's share. `quotes` says where the words stand that the change relies on. `same` says that the nature or scope of the
    contract must stay what it is, and is the buyer's own statement.
    """

    words: str
    asks: str
    source: str
    limit: Limit
    term: bool
    quotes: Literal["", "contract", "tender"]
    same: bool


GROUNDS: Final[Mapping[str, Ground]] = MappingProxyType(
    {
        "provided-for": Ground(
            N_("The contract provided for the change clearly and unambiguously"),
            N_("How the quoted words of contract and tender provide for this very change"),
            N_("Procurement Act 2023 Schedule 8 paragraph 1"),
            limit="none",
            term=False,
            quotes="contract",
            same=True,
        ),
        "urgency": Ground(
            N_("Extreme and unavoidable urgency, or the protection of life"),
            N_(
                "What is urgent, why it was neither caused nor to be foreseen by the buyer, and why a competition would be too late"
            ),
            N_("Procurement Act 2023 Schedule 8 paragraphs 2 and 3, with section 42 and Schedule 5 paragraph 13"),
            limit="none",
            term=False,
            quotes="",
            same=False,
        ),
        "unforeseeable": Ground(
            N_("Circumstances that could not reasonably have been foreseen"),
            N_("What happened, and why it could not be foreseen before the award"),
            N_("Procurement Act 2023 Schedule 8 paragraph 4"),
            limit="half",
            term=False,
            quotes="",
            same=True,
        ),
        "known-risk": Ground(
            N_("A known risk, identified in the tender, has materialised"),
            N_(
                "How the risk came about without either side, why the change goes no further than needed, and why a new "
                "contract would not be in the public interest, value for money included"
            ),
            N_("Procurement Act 2023 Schedule 8 paragraphs 5 to 7"),
            limit="half",
            term=False,
            quotes="tender",
            same=False,
        ),
        "additional": Ground(
            N_("Additional goods, services or works, where another supplier would mean undue difficulty"),
            N_(
                "Why those of another supplier would be different or incompatible, and what difficulties and what double "
                "cost that would mean"
            ),
            N_("Procurement Act 2023 Schedule 8 paragraph 8"),
            limit="half",
            term=False,
            quotes="",
            same=False,
        ),
        "not-substantial": Ground(
            N_("The change is not substantial"),
            N_("Why neither the scope nor, in favour of the supplier, the economic balance changes materially"),
            N_("Procurement Act 2023 section 74(3)"),
            limit="small",
            term=True,
            quotes="",
            same=True,
        ),
        "below-threshold": Ground(
            N_("The change is below the threshold"),
            N_("What is added, and why it is of a kind that the contract already provides for"),
            N_("Procurement Act 2023 section 74(4) to (6)"),
            limit="small",
            term=True,
            quotes="",
            same=True,
        ),
    }
)
"""The grounds by the code that a change is kept with."""


@dataclass(frozen=True, slots=True)
class Signed:
    """The contract as both sides first signed it, which every limit is reckoned from: its value without VAT, its days, and the
    words of its terms."""

    value: Money
    begins_on: date
    ends_on: date
    terms: str

    @property
    def days(self) -> int:
        """Its term, the first and the last day included."""
        return (self.ends_on - self.begins_on).days + 1


class Earlier(msgspec.Struct, frozen=True):
    """What a change in effect has added: money without VAT, and days (less than zero where it made the term shorter)."""

    ground: str
    added_minor: int
    days: int


@dataclass(frozen=True, slots=True)
class Changing:
    """What is known when a change is proposed, and again when a second person approves it.

    `contract` is the contract as it is now, `signed` as it was first signed; `earlier` are the changes in effect, `waiting`
    says whether another one waits. `reasons`, `clause`, `same` and `standstill` are what the proposer says: how the ground is
    met, the words relied on, that nature and scope stay, and that nothing takes effect before a standstill is over. `notice`
    are the words of the published tender. `kind` is goods-services, works, light-touch, concession or utilities; `threshold`
    what binds this body for it, with VAT. `gate` is what the gate says of the tender as the change would make it; None where
    the change adds no money.
    """

    contract: Contract
    signed: Signed
    earlier: Sequence[Earlier]
    waiting: bool
    ground: str
    text: str
    reasons: str
    clause: str
    same: bool
    standstill: bool
    new_ends_on: date | None
    added: Part | None
    notice: str
    kind: str
    threshold: Money
    gate: Gate | None
    now: Arrival

    @property
    def rests_on(self) -> Ground | None:
        """The row of the table; None for a ground that is none."""
        return GROUNDS.get(self.ground)

    @property
    def money(self) -> Money:
        """What it adds, without VAT."""
        return Money(self.added.amount_minor if self.added else 0, self.signed.value.currency)

    @property
    def days(self) -> int:
        """By how many days it moves the end."""
        if self.new_ends_on is None or self.contract.ends_on is None:
            return 0
        return (self.new_ends_on - self.contract.ends_on).days


@dataclass(frozen=True, slots=True)
class Deciding:
    """What is known when somebody approves a change, agrees to it or leaves it: for which side, and what the table of acts that
    one pair of hands does not do is asked with."""

    contract: Contract
    change: ContractChange
    side: Literal["buyer", "supplier"]
    doing: hands.Doing
    now: Arrival


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of one limit is used: its grounds, the most that may be added and what has been, without VAT, and both in per
    cent of the value as first signed. `most` is None where the law names no limit. The last two are days of the term."""

    grounds: tuple[str, ...]
    percent: int | None
    most: Money | None
    used: Money
    days_most: int | None
    days_used: int

    @property
    def left(self) -> Money | None:
        """What may still be added; None where there is no limit."""
        return None if self.most is None else Money(max(0, self.most.minor - self.used.minor), self.used.currency)

    @property
    def near(self) -> bool:
        """Whether so much is used that auditors are shown it."""
        share = policy.IN_FORCE.contracts.change_near_percent
        by_money = self.most is not None and self.used.minor * 100 >= self.most.minor * share and self.used.minor > 0
        return by_money or bool(self.days_most and abs(self.days_used) * 100 >= self.days_most * share)


def kind_of(stated: str, codes: Sequence[str]) -> str:
    """The kind of contract as the tender states it, which its publication judged; where it states none (before kinds were
    stated), works when all codes are of division 45, construction work, and else goods and services."""
    if stated:
        return stated
    return "works" if codes and all(code.startswith("45") for code in codes) else "goods-services"


def percent_of(limit: Limit, kind: str) -> int | None:
    """The share of the value as first signed that may be added under a limit, for a kind of contract."""
    numbers = policy.IN_FORCE.contracts
    if limit == "small":
        return numbers.change_works_percent if kind == "works" else numbers.change_percent
    # Paragraphs 4(2), 5(2) and 8(2) of Schedule 8 lift the limit for utilities contracts.
    return numbers.change_grounds_percent if limit == "half" and kind != "utilities" else None


def sharing(limit: Limit) -> tuple[str, ...]:
    """The grounds whose increases are added up under one limit."""
    return tuple(code for code, ground in GROUNDS.items() if ground.limit == limit)


def allowance(signed: Signed, earlier: Iterable[Earlier], limit: Limit, kind: str) -> Allowance:
    """How much of a limit the changes in effect have used."""
    grounds, percent = sharing(limit), percent_of(limit, kind)
    counted = [each for each in earlier if each.ground in grounds]
    return Allowance(
        grounds,
        percent,
        None if percent is None else Money(signed.value.minor * percent // 100, signed.value.currency),
        Money(sum(each.added_minor for each in counted), signed.value.currency),
        _days_most(signed) if limit == "small" else None,
        sum(each.days for each in counted),
    )


def _days_most(signed: Signed) -> int:
    return signed.days * policy.IN_FORCE.contracts.change_term_percent // 100


def _plain(words: str) -> str:
    return " ".join(words.split()).casefold()


# ── proposing ──────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("change.not-in-force")
def changes_what_is_in_force(changing: Changing) -> str | None:
    """Only a contract in force is changed, and none whose last day is over: what has ended is bought anew."""
    ends_on = changing.contract.ends_on
    if ends_on is not None and workdays.is_over(workdays.end_of_day(ends_on), changing.now):
        return _("The last day of this contract is over. What is still needed is bought anew.")
    return not_in_force(changing.contract)


@rule("change.one-at-a-time")
def no_change_waits(changing: Changing) -> str | None:
    """A change is agreed or left before another is proposed, so that everybody knows what they agree to."""
    return _("Another change waits to be approved or agreed to.") if changing.waiting else None


@rule("change.ground-unknown", field="ground", source="Procurement Act 2023 section 74 and Schedule 8")
def has_a_ground_in_law(changing: Changing) -> str | None:
    """A public contract is changed only on a ground the law knows."""
    return None if changing.ground in GROUNDS else _("Choose the ground of the change from the list.")


@rule("change.text-missing", field="text")
def says_what_changes(changing: Changing) -> str | None:
    """A change says what it changes and why; it is published."""
    return (
        None
        if len(changing.text.strip()) >= REASON
        else _("Say what changes and why, in at least {reason} characters.", reason=REASON)
    )


@rule("change.reasons-missing", field="reasons", source="Procurement Act 2023 section 74 and Schedule 8")
def says_how_the_ground_is_met(changing: Changing) -> str | None:
    """Whoever relies on a ground answers what the Act asks for it, at the length of the policy."""
    ground, least = changing.rests_on, policy.IN_FORCE.contracts.change_reason_characters
    if ground is None or len(changing.reasons.strip()) >= least:
        return None
    return _("Answer, in at least {least} characters: {asks}.", least=least, asks=_(ground.asks))


@rule("change.clause-missing", field="clause", source="Procurement Act 2023 Schedule 8 paragraphs 1(a) and 6(b)")
def quotes_what_it_relies_on(changing: Changing) -> str | None:
    """Who relies on what the contract provided for quotes the words, which stand both in the contract as it was signed and in
    the tender it came from; who relies on a known risk quotes where the tender names it."""
    ground, least = changing.rests_on, policy.IN_FORCE.contracts.change_clause_characters
    if ground is None or not ground.quotes:
        return None
    quoted = _plain(changing.clause)
    if len(quoted) < least:
        return _("Quote the words it relies on, at least {least} characters of them.", least=least)
    if ground.quotes == "contract" and quoted not in _plain(changing.signed.terms):
        return _("These words do not stand in the terms of the contract as it was signed.")
    if quoted not in _plain(changing.notice):
        return _("These words do not stand in the tender as it was published.")
    return None


@rule(
    "change.nature",
    field="same",
    source="Procurement Act 2023 section 74(3)(b), 74(4)(c) and (5); Schedule 8 paragraphs 1(b) and 4(1)(b)",
)
def nature_stays(changing: Changing) -> str | None:
    """A change on a ground that asks for it leaves the nature and scope of the contract as they are: nothing of a kind that the
    contract does not provide for already. The buyer states it."""
    ground = changing.rests_on
    if ground is None or not ground.same or changing.same:
        return None
    return _("State that nature and scope of the contract stay as they are. Where they do not, choose another ground.")


@rule("change.dates", field="new_ends_on")
def still_ends_after_it_begins(changing: Changing) -> str | None:
    """A new last day lies after the first day."""
    begins = changing.contract.begins_on
    if changing.new_ends_on is None or begins is None or changing.new_ends_on > begins:
        return None
    return _("The new last day must be after the first day of the contract.")


@rule("change.milestone-incomplete", field="milestone_title")
def added_milestone_is_whole(changing: Changing) -> str | None:
    """An added milestone has a title, a date and an amount, or there is none."""
    added = changing.added
    if added is None or (added.title.strip() and added.due_on is not None and added.amount_minor > 0):
        return None
    return _("Give the added milestone a title, a date and an amount, or leave all three empty.")


# ── the limits ─────────────────────────────────────────────────────────────────────────────────────────────────────


@rule(
    "change.term",
    field="new_ends_on",
    source="Procurement Act 2023 section 74(3)(a); adding up: section 74(7) and (8). Own default for changes below the threshold",
)
def term_stays_within_its_share(changing: Changing) -> str | None:
    """A change that is not substantial, or below the threshold, moves the end by no more than the policy's share of the term as
    first signed, alone and added up with earlier ones on these grounds."""
    ground = changing.rests_on
    if ground is None or not ground.term or not changing.days:
        return None
    most = _days_most(changing.signed)
    moved = sum(each.days for each in changing.earlier if each.ground in sharing("small"))
    if abs(changing.days) <= most and abs(moved + changing.days) <= most:
        return None
    return _(
        "The end may move by {most} days in all on this ground, {percent} per cent of the {term} days first signed. It has "
        "moved by {moved}, and this change moves it by {days}.",
        most=most,
        percent=policy.IN_FORCE.contracts.change_term_percent,
        term=changing.signed.days,
        moved=moved,
        days=changing.days,
    )


def _beyond(changing: Changing, limit: Limit) -> str | None:
    """What a limit says against the money of a change; None when it is kept, or is not the limit of its ground."""
    ground = changing.rests_on
    if ground is None or ground.limit != limit or not changing.money.minor:
        return None
    allowed = allowance(changing.signed, changing.earlier, limit, changing.kind)
    if allowed.most is None or allowed.used + changing.money <= allowed.most:
        return None
    return _(
        "At most {most} may be added, {percent} per cent of the {value} first signed, on this ground and those it counts "
        "with. Changes in effect have added {used}, and this one adds {money}. What is more is bought anew.",
        most=allowed.most,
        percent=allowed.percent,
        value=changing.signed.value,
        used=allowed.used,
        money=changing.money,
    )


@rule(
    "change.half",
    field="milestone_minor",
    source="Procurement Act 2023 Schedule 8 paragraphs 4(1)(c), 5(1)(b) and 8(1)(d). Own default: adding up, whichever of the three is named",
)
def increases_stay_within_half(changing: Changing) -> str | None:
    """What could not be foreseen, known risks and additional goods, services or works together add no more than the policy's
    share of the value as first signed. The Act asks it of each change; here they are added up, so that half is half however
    often and on whichever of the three grounds it is asked for. Utilities contracts have no such limit."""
    return _beyond(changing, "half")


@rule(
    "change.small",
    field="milestone_minor",
    source="Procurement Act 2023 section 74(4)(a) and, for the economic balance, 74(3)(c). Own default: adding up, after section 74(7) and (8)",
)
def small_changes_stay_small(changing: Changing) -> str | None:
    """Changes that are not substantial, or below the threshold, together add no more than the policy's share of the value as
    first signed: one for goods and services, another for works. The Act asks it of each change below the threshold; here
    they are added up, so that ten small changes are not one large one."""
    return _beyond(changing, "small")


@rule("change.threshold", field="milestone_minor", source="Procurement Act 2023 section 74(4)(b) and (6)")
def small_changes_stay_below_the_threshold(changing: Changing) -> str | None:
    """All that changes below the threshold have added, VAT included, stays below the threshold that binds this body for this
    kind of contract. A contract in another currency cannot be compared, and is not changed on this ground."""
    if changing.ground != "below-threshold" or not changing.money.minor:
        return None
    if changing.money.currency != changing.threshold.currency:
        return _("The threshold is in {currency}: choose another ground.", currency=changing.threshold.currency)
    before = sum(each.added_minor for each in changing.earlier if each.ground == "below-threshold")
    whole = Money(with_vat(before + changing.money.minor), changing.money.currency)
    if whole < changing.threshold:
        return None
    return _(
        "Changes below the threshold would add {with_vat} with VAT; that is not below the threshold of {threshold}.",
        with_vat=whole,
        threshold=changing.threshold,
    )


@rule(
    "change.standstill-owed",
    field="standstill",
    source="Own default: the Act names no limit for what the contract provided for; others get time to object",
)
def large_growth_waits(changing: Changing) -> str | None:
    """What the contract provided for has no limit in the Act. Where it adds more than half of the value first signed, all such
    changes added up, a standstill is chosen."""
    if changing.ground != "provided-for" or not changing.money.minor or changing.standstill:
        return None
    percent = policy.IN_FORCE.contracts.change_grounds_percent
    before = sum(each.added_minor for each in changing.earlier if each.ground == "provided-for")
    if (before + changing.money.minor) * 100 <= changing.signed.value.minor * percent:
        return None
    return _("This adds more than {percent} per cent of the value first signed. Choose a standstill.", percent=percent)


@rule(
    "change.gate",
    field="milestone_minor",
    source="Design card, idea 3: an exercise, or a minister's waiver, before the contract",
)
def whole_passes_the_gate(changing: Changing) -> str | None:
    """The contract as the change would make it passes the gate that its tender passed: what an exercise or a waiver did not
    allow as a whole is not reached in two steps."""
    if changing.gate is None or changing.gate.ground is not None:
        return None
    return _(
        "As large as this change would make it, the contract would not pass the gate. {why}",
        why=changing.gate.open_questions,
    )


# ── approving, agreeing, leaving ───────────────────────────────────────────────────────────────────────────────────


@rule(
    "change.same-person",
    source="Own default: two persons for public money, after HM Treasury, Managing Public Money, annex 4.5",
)
def second_person_approves(deciding: Deciding) -> str | None:
    """Whoever proposed a change does not approve it."""
    return hands.both(deciding.doing)


@rule("change.one-pair-of-hands", source=str(policy.number("people.invited_days").source))
def not_somebody_let_in_lately(deciding: Deciding) -> str | None:
    """Nor does whoever was lately let into the body by the one who proposed, who let her in, or whom the same person let in."""
    return hands.as_one(deciding.doing)


@rule("change.approved-already")
def approved_once(deciding: Deciding) -> str | None:
    """A change is approved once, before the supplier is asked."""
    return _("This change was approved already.") if deciding.change.approved_at else None


@rule("change.ended")
def contract_goes_on(deciding: Deciding) -> str | None:
    """A contract that has ended is changed no more."""
    return _("This contract has ended.") if deciding.contract.ended_at else None


@rule("change.agreed-already")
def agreed_once(deciding: Deciding) -> str | None:
    """A change is agreed once."""
    return _("This change was agreed already.") if deciding.change.agreed_at else None


@rule("change.left-already")
def not_left(deciding: Deciding) -> str | None:
    """A change that was left is not agreed to; another is proposed instead."""
    return _("This change was left. Another can be proposed.") if deciding.change.left_at else None


@rule("change.not-approved", source="Procurement Act 2023 section 75(1): the notice comes before the change")
def is_approved(deciding: Deciding) -> str | None:
    """The supplier is asked when a second person of the buyer has approved a change and its notice is published."""
    if deciding.change.approved_at is not None or deciding.side == "buyer":
        return None
    return _("A second person of the buyer has not approved this change yet.")


@rule("change.standstill", source="Procurement Act 2023 section 76(1)")
def standstill_is_over(deciding: Deciding) -> str | None:
    """No change takes effect before the end of the standstill that its notice provides for."""
    ends_at = deciding.change.standstill_ends_at
    if ends_at is None or workdays.is_over(ends_at, deciding.now):
        return None
    return _(
        "The standstill of this change has not ended yet. Come back when it has: after {day}.", day=dates.day(ends_at)
    )


LIMITS = (
    term_stays_within_its_share,
    increases_stay_within_half,
    small_changes_stay_small,
    small_changes_stay_below_the_threshold,
    large_growth_waits,
    whole_passes_the_gate,
)
"""What a change may not exceed: asked when it is proposed and again when it is approved."""
CHANGE = (
    changes_what_is_in_force,
    no_change_waits,
    has_a_ground_in_law,
    says_what_changes,
    says_how_the_ground_is_met,
    quotes_what_it_relies_on,
    nature_stays,
    still_ends_after_it_begins,
    added_milestone_is_whole,
    *LIMITS,
)
"""For `actions.propose`."""
APPROVE = (contract_goes_on, agreed_once, not_left, approved_once, second_person_approves, not_somebody_let_in_lately)
"""For `actions.approve`, which asks the limits again."""
LEAVE = (contract_goes_on, agreed_once, not_left, is_approved)
"""For `actions.leave`: the buyer may at any time before it takes effect, the supplier once it is asked."""
AGREE = (*LEAVE, standstill_is_over)
"""For `actions.agree`: with it the change takes effect."""
