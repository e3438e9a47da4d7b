"""What a contract needs before it is drawn up and signed, and what may be done under it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from market import dates, policy, workdays
from market.arrival import Arrival
from market.awards import rules as awards
from market.money import Money
from market.refusals import rule
from market.standing import Standing, Tone
from market.wording import N_, _

if TYPE_CHECKING:
    from market.awards.tables import Decision
    from market.contracts.tables import Contract, Milestone

Stage = Literal["unsigned", "in-force", "ended", "given-up"]

STAGES: Final[Mapping[Stage, tuple[str, Tone]]] = MappingProxyType(
    {
        "unsigned": (N_("Waiting for signatures"), "amber"),
        "in-force": (N_("In force"), "green"),
        "ended": (N_("Ended"), "grey"),
        "given-up": (N_("Given up"), "red"),
    }
)
"""The word for each stage, and its tone."""


class Dates(msgspec.Struct, frozen=True):
    """What the standing of a contract is reckoned from."""

    drawn_up_at: datetime | None
    buyer_signed_at: datetime | None
    supplier_signed_at: datetime | None
    ends_on: date | None
    ended_at: datetime | None


def standing(contract: Contract | Dates, now: datetime) -> Standing:
    """Where a contract stands, in words, and the date that matters now: in force from the second signature until it is ended
    early or its last day is over."""
    stage: Stage
    when: date | datetime | None
    if contract.buyer_signed_at is None or contract.supplier_signed_at is None:
        stage, when, label = "unsigned", contract.drawn_up_at, _("Drawn up")
        if contract.ended_at is not None:
            stage, when, label = "given-up", contract.ended_at, _("Given up")
    elif contract.ended_at is not None:
        stage, when, label = "ended", contract.ended_at, _("Ended")
    elif contract.ends_on is not None and workdays.is_over(workdays.end_of_day(contract.ends_on), now):
        stage, when, label = "ended", contract.ends_on, _("Ended")
    else:
        stage, when, label = "in-force", contract.ends_on, _("Ends")
    word, tone = STAGES[stage]
    return Standing(stage, _(word), tone, when, label)


REASON: Final = 20
"""The fewest characters of a reason that the other side is owed."""

Side = Literal["buyer", "supplier"]

_PROFILE: Final = N_("Design card, idea 10: no contract and no milestone without a conforming API")


@dataclass(frozen=True, slots=True)
class Part:
    """A milestone as it is drafted."""

    title: str
    due_on: date | None
    amount_minor: int


@dataclass(frozen=True, slots=True)
class DrawingUp:
    """What is known when the buyer draws a contract up: the decision, the winning price, and what the buyer adds."""

    decision: Decision
    open_complaints: int
    price: Money
    begins_on: date
    ends_on: date
    milestones: Sequence[Part]
    indicators: Sequence[str]
    now: Arrival
    certificate: str
    """What is wrong with the supplier's certificate for the tender's API profile; empty when nothing is."""


@dataclass(frozen=True, slots=True)
class Signing:
    """What is known when a side signs: the digest it signs, whether the same person signed for the other side, how many
    complaints about the award wait for an answer, and whether the award was set aside since."""

    contract: Contract
    side: Side
    digest: str
    signed_other_side: bool
    agreed: bool
    open_complaints: int
    set_aside: bool
    certificate: str
    """What is wrong with the supplier's certificate for the tender's API profile; empty when nothing is."""


@dataclass(frozen=True, slots=True)
class Working:
    """What is known about a milestone when it is delivered, accepted or refused; `words` is the note or the reason."""

    contract: Contract
    milestone: Milestone
    words: str
    certificate: str
    """What is wrong with the supplier's certificate for the tender's API profile; empty when nothing is."""
    withheld: str
    """Why the supplier's access is withheld; empty when it is not."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What is known when a contract is ended early, or given up before it is in force."""

    contract: Contract
    reason: str


# ── drawing up ─────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("contract.nothing-awarded")
def follows_an_award(drawing: DrawingUp) -> str | None:
    """A contract follows a decision that awards a lot and was not set aside."""
    if drawing.decision.set_aside_at is not None:
        return _("This decision was set aside. Decide the lot again.")
    return None if drawing.decision.winner is not None else _("This lot was awarded to nobody.")


@rule("contract.drawn-up-already")
def drawn_up_once(drawing: DrawingUp) -> str | None:
    """One contract is drawn up from a decision."""
    return (
        _("Contract {contract} was drawn up already.", contract=drawing.decision.contract)
        if drawing.decision.contract
        else None
    )


@rule("contract.standstill", source="Procurement Act 2023 section 51(1): no contract before the end of the standstill")
def standstill_is_over(drawing: DrawingUp) -> str | None:
    """No contract is entered into during the standstill, so that a wrong decision can still be put right."""
    if awards.in_standstill(drawing.decision, drawing.now):
        day = dates.day(drawing.decision.standstill_ends_at)
        return _("The standstill has not ended yet. Come back when it has: after {day}.", day=day)
    return None


@rule(
    "contract.complaint-open",
    source="Procurement Act 2023 section 101: a challenge in standstill suspends the contract",
)
def no_complaint_is_open(drawing: DrawingUp) -> str | None:
    """A complaint stops the contract until it is answered."""
    return (
        _("A complaint about this decision waits for an answer. Answer it first.") if drawing.open_complaints else None
    )


@rule("contract.dates", field="ends_on")
def ends_after_it_begins(drawing: DrawingUp) -> str | None:
    """A contract ends after it begins."""
    return None if drawing.ends_on > drawing.begins_on else _("The last day must be after the first day.")


@rule("contract.no-milestones", field="m1_title")
def has_milestones(drawing: DrawingUp) -> str | None:
    """What is paid is paid for something delivered: a contract has at least one milestone."""
    return None if drawing.milestones else _("Add at least one milestone.")


@rule("contract.milestone-incomplete", field="m1_title")
def milestones_are_whole(drawing: DrawingUp) -> str | None:
    """A milestone has a title, a date and an amount."""
    wrong = [
        str(place)
        for place, each in enumerate(drawing.milestones, 1)
        if not each.title.strip() or each.due_on is None or each.amount_minor <= 0
    ]
    return (
        _("Give a title, a date and an amount above zero to milestone {wrong}.", wrong=", ".join(wrong))
        if wrong
        else None
    )


@rule("contract.milestone-dates", field="m1_due_on")
def milestones_fall_within(drawing: DrawingUp) -> str | None:
    """Milestones are due between the first and the last day."""
    outside = [
        each.title or str(place)
        for place, each in enumerate(drawing.milestones, 1)
        if each.due_on is not None and not drawing.begins_on <= each.due_on <= drawing.ends_on
    ]
    return _("Due before the first day or after the last: {outside}.", outside=", ".join(outside)) if outside else None


@rule("contract.amounts", field="m1_amount_minor")
def milestones_sum_to_the_value(drawing: DrawingUp) -> str | None:
    """The amounts of the milestones add up to the price that won, no more and no less."""
    total = Money(sum(each.amount_minor for each in drawing.milestones), drawing.price.currency)
    if not drawing.milestones or total == drawing.price:
        return None
    return _(
        "The milestones add up to {total}; they must make {price}, the price of the winning bid.",
        total=total,
        price=drawing.price,
    )


@rule("contract.indicators", field="indicators", source="Procurement Act 2023 section 52(1)")
def has_performance_indicators(drawing: DrawingUp) -> str | None:
    """A large contract has key performance indicators."""
    limits = policy.IN_FORCE.contracts
    named = [each for each in drawing.indicators if each.strip()]
    if drawing.price.currency != policy.IN_FORCE.currency or drawing.price.minor <= limits.kpi_value:
        return None
    if len(named) >= limits.kpi_minimum:
        return None
    most = Money(limits.kpi_value, policy.IN_FORCE.currency)
    return _(
        "A contract of more than {most} has at least {kpi_minimum} performance indicators.",
        most=most,
        kpi_minimum=limits.kpi_minimum,
    )


@rule("contract.certificate-missing", source=_PROFILE)
def supplier_is_certified(drawing: DrawingUp) -> str | None:
    """A contract that asks for an API profile is drawn up with a supplier whose certificate for it is in force."""
    return drawing.certificate or None


# ── signing ────────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("contract.ended")
def not_given_up(signing: Signing) -> str | None:
    """A contract that was given up or ended is not signed."""
    return _("This contract was given up.") if signing.contract.ended_at else None


@rule("contract.signed-already")
def side_has_not_signed(signing: Signing) -> str | None:
    """Each side signs once."""
    signed = signing.contract.buyer_signed_at if signing.side == "buyer" else signing.contract.supplier_signed_at
    return _("The {side} has signed already.", side=signing.side) if signed else None


@rule("contract.other-document", field="digest")
def signs_this_document(signing: Signing) -> str | None:
    """Both sides sign the same bytes: a signature names the digest of the document."""
    if signing.digest.strip().lower() == signing.contract.digest:
        return None
    return _("This is not the digest of the document. Read the document again and sign what you see.")


@rule("contract.not-confirmed", field="agreed")
def says_so(signing: Signing) -> str | None:
    """A signature is a deliberate act."""
    return None if signing.agreed else _("Confirm that you have read the document and sign it for your organisation.")


@rule("contract.both-sides")
def signs_for_one_side(signing: Signing) -> str | None:
    """Nobody signs a contract with herself."""
    return (
        _("You signed for the other side; somebody else has to sign for this one.")
        if signing.signed_other_side
        else None
    )


@rule(
    "contract.signing-suspended",
    source="Procurement Act 2023 section 101: a challenge in standstill suspends the contract",
)
def no_complaint_waits(signing: Signing) -> str | None:
    """Nobody signs while a complaint that was lodged in time waits for its answer, also one that came in the last second, as the
    contract was drawn up."""
    if signing.open_complaints:
        return _(
            "A complaint about this award was lodged in time and waits for an answer. Nobody signs before it is answered."
        )
    return None


@rule("contract.award-set-aside", source="Procurement Act 2023 section 101")
def award_stands(signing: Signing) -> str | None:
    """What was drawn up from an award that was set aside is signed by nobody."""
    return (
        _("The award was set aside after this was drawn up. Give it up and decide the lot again.")
        if signing.set_aside
        else None
    )


@rule("contract.certificate-lapsed", source=_PROFILE)
def is_certified_when_signing(signing: Signing) -> str | None:
    """Nobody signs while the certificate for the API profile of the tender is not in force."""
    return signing.certificate or None


# ── milestones ─────────────────────────────────────────────────────────────────────────────────────────────────────


def not_in_force(contract: Contract) -> str | None:
    """Why nothing is done under a contract; None while it binds, and after its last day until it is ended."""
    if contract.ended_at is not None:
        return _("This contract has ended.")
    signed = contract.buyer_signed_at and contract.supplier_signed_at
    return None if signed else _("This contract is not in force: both sides have to sign it first.")


@rule("milestone.not-in-force")
def contract_is_in_force(working: Working) -> str | None:
    """Nothing is delivered under a contract that is not in force."""
    return not_in_force(working.contract)


@rule("milestone.accepted-already")
def not_accepted(working: Working) -> str | None:
    """An accepted milestone is closed."""
    return _("This milestone was accepted already.") if working.milestone.accepted_at else None


@rule("milestone.delivered-already")
def not_waiting(working: Working) -> str | None:
    """A delivery is judged before there is another."""
    if working.milestone.delivered_at is not None and not working.milestone.refused_reason:
        return _("This milestone is marked delivered and waits for the buyer.")
    return None


@rule("milestone.note-missing", field="note")
def says_what_was_delivered(working: Working) -> str | None:
    """Whoever accepts needs to know what to look at."""
    return None if working.words.strip() else _("Say what you delivered and where the buyer can see it.")


@rule("milestone.not-delivered")
def was_delivered(working: Working) -> str | None:
    """Only what was delivered is accepted or refused."""
    if working.milestone.delivered_at is None or working.milestone.refused_reason:
        return _("The supplier has not marked this milestone delivered.")
    return None


@rule("milestone.reason-missing", field="problem")
def says_why_not(working: Working) -> str | None:
    """Who refuses a delivery says what is wrong, so that it can be put right."""
    return (
        None
        if len(working.words.strip()) >= REASON
        else _("Say what is wrong, in at least {reason} characters.", reason=REASON)
    )


@rule("milestone.certificate-missing", source=_PROFILE)
def is_certified_when_paid(working: Working) -> str | None:
    """A milestone is accepted, and so paid, while the certificate for the API profile of the tender is in force. Rules that
    became gates after the tender was published do not count."""
    return working.certificate or None


@rule(
    "milestone.access-withheld",
    source="Platform rules: access is withheld from those who break them until they mend it",
)
def payment_is_not_withheld(working: Working) -> str | None:
    """While access is withheld milestones wait; what is owed already is paid."""
    return working.withheld or None


# ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("contract.ended-already")
def ends_once(ending: Ending) -> str | None:
    """A contract ends once."""
    return _("This contract has ended already.") if ending.contract.ended_at else None


@rule(
    "contract.end-reason-missing",
    field="reason",
    source="Procurement Act 2023 section 80: contract termination notices",
)
def says_why_it_ends(ending: Ending) -> str | None:
    """Why a contract ended early is published."""
    return (
        None
        if len(ending.reason.strip()) >= REASON
        else _("Say why it ends, in at least {reason} characters.", reason=REASON)
    )


DRAW_UP = (
    follows_an_award,
    drawn_up_once,
    standstill_is_over,
    no_complaint_is_open,
    supplier_is_certified,
    ends_after_it_begins,
    has_milestones,
    milestones_are_whole,
    milestones_fall_within,
    milestones_sum_to_the_value,
    has_performance_indicators,
)
"""For `actions.draw_up`."""
TIME_HAS_COME = (follows_an_award, drawn_up_once, standstill_is_over, no_complaint_is_open)
"""What has to be over before a buyer is reminded that a contract is to be drawn up."""
READY = (*TIME_HAS_COME, supplier_is_certified)
"""Those of them that the award's page shows before anything is typed."""
WAITS = (not_given_up, side_has_not_signed)
"""Whether a side is asked for its signature."""
SUSPENDS = (no_complaint_waits, award_stands)
"""Why nobody may sign yet, which the page says in place of the button."""
SIGN = (*WAITS, *SUSPENDS, signs_this_document, says_so, signs_for_one_side, is_certified_when_signing)
"""For `actions.sign`."""
DELIVER = (contract_is_in_force, not_accepted, not_waiting, says_what_was_delivered)
"""For `actions.deliver`."""
ACCEPT = (not_accepted, was_delivered, is_certified_when_paid, payment_is_not_withheld)
"""For `actions.accept`; what was delivered before a contract ended can still be accepted, and is then paid."""
REFUSE = (not_accepted, was_delivered, says_why_not)
"""For `actions.refuse`."""
END = (ends_once, says_why_it_ends)
"""For `actions.end`."""
