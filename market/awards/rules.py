"""Where an evaluation, a decision and a complaint stand, what a decision needs, and when a complaint about it is heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from market import policy, workdays
from market.arrival import Arrival
from market.panels.rules import REASON
from market.refusals import rule
from market.standing import Standing, Tone
from market.tenders.gate import Gate
from market.wording import N_, _

if TYPE_CHECKING:
    from market.awards.tables import Complained, Complaint, Decision, PriceQuestion, Seated
    from market.tenders.tables import Tender


EVALUATION: Mapping[str, tuple[str, Tone]] = {
    "cancelled": (N_("Cancelled"), "red"),
    "sealed": (N_("Bids still sealed"), "grey"),
    "scoring": (N_("Being scored"), "teal"),
    "ready": (N_("Ready to decide"), "amber"),
    "decided": (N_("Decided"), "green"),
}
"""The word for each stage of the evaluation of a tender, and its tone."""

SEAT: Mapping[str, tuple[str, Tone]] = {
    "cancelled": (N_("Cancelled"), "red"),
    "excused": (N_("Excused"), "grey"),
    "handed-in": (N_("Handed in"), "green"),
    "sealed": (N_("Bids still sealed"), "grey"),
    "declaring": (N_("Declare your interests"), "amber"),
    "marking": (N_("Mark the bids"), "amber"),
}
"""The same of what one evaluator has to do."""

DECISION: Mapping[str, tuple[str, Tone]] = {
    "set-aside": (N_("Set aside"), "red"),
    "contracted": (N_("Contract drawn up"), "green"),
    "stopped": (N_("Stopped by a complaint"), "amber"),
    "standstill": (N_("Standstill"), "amber"),
    "over": (N_("Standstill over"), "teal"),
    "not-awarded": (N_("Not awarded"), "grey"),
}
"""The same of a decision about a lot."""

COMPLAINT: Mapping[str, tuple[str, Tone]] = {
    "open": (N_("Waits for an answer"), "amber"),
    "upheld": (N_("Upheld"), "red"),
    "rejected": (N_("Rejected"), "grey"),
}
"""The same of a complaint."""


def _standing(stages: Mapping[str, tuple[str, Tone]], stage: str, when: datetime | None, label: str) -> Standing:
    word, tone = stages[stage]
    return Standing(stage, _(word), tone, when, label)


def standing_of_evaluation(tender: Tender, owed: Sequence[str], undecided: int) -> Standing:
    """Where an evaluation stands: `owed` is what the panel still has to do, `undecided` how many lots are not decided."""
    if tender.cancelled_at is not None:
        return _standing(EVALUATION, "cancelled", tender.cancelled_at, _("Cancelled"))
    if tender.opened_at is None:
        return _standing(EVALUATION, "sealed", tender.closes_at, _("Closes"))
    stage = "scoring" if owed else "ready" if undecided else "decided"
    return _standing(EVALUATION, stage, tender.opened_at, _("Opened"))


def standing_of_seat(seat: Seated) -> Standing:
    """What an evaluator has to do for a tender she is on the panel of."""
    first = {
        "cancelled": seat.cancelled_at is not None,
        "excused": seat.excused_at is not None,
        "handed-in": seat.locked_at is not None,
        "sealed": seat.opened_at is None,
        "declaring": seat.declared_at is None,
        "marking": True,
    }
    stage = next(stage for stage, holds in first.items() if holds)
    return _standing(SEAT, stage, seat.opened_at or seat.closes_at, _("Opened") if seat.opened_at else _("Closes"))


def standing_of_decision(decision: Decision, complaints: int, now: datetime) -> Standing:
    """Where a decision about a lot stands; `complaints` is how many wait for an answer."""
    if decision.set_aside_at is not None:
        return _standing(DECISION, "set-aside", decision.set_aside_at, _("Set aside"))
    if decision.contract:
        return _standing(DECISION, "contracted", decision.decided_at, _("Decided"))
    if complaints:
        return _standing(DECISION, "stopped", decision.standstill_ends_at, _("Standstill ends"))
    if in_standstill(decision, now):
        return _standing(DECISION, "standstill", decision.standstill_ends_at, _("Standstill ends"))
    return _standing(DECISION, "over" if decision.winner else "not-awarded", decision.decided_at, _("Decided"))


def standing_of_complaint(complaint: Complained) -> Standing:
    """Whether a complaint was answered, and how."""
    if complaint.answered_at is None:
        return _standing(COMPLAINT, "open", complaint.lodged_at, _("Lodged"))
    return _standing(COMPLAINT, "upheld" if complaint.upheld else "rejected", complaint.answered_at, _("Answered"))


@dataclass(frozen=True, slots=True)
class Low:
    """A bid whose price looks abnormally low: what was asked and answered about it, None when nothing was."""

    bid: str
    question: PriceQuestion | None


@dataclass(frozen=True, slots=True)
class Deciding:
    """What is known when a lot is decided.

    `waiting` says what the panel still owes; `expected` is the bid that ranks first after the limit on lots and what was
    set aside (empty: none is left); `winner` the one to be awarded (empty: not awarded). `bids` are the ranked bids of the
    lot, `set_aside` the reason for each that is passed over. `low` are the bids set aside whose price looks abnormally low.
    `certificate` is what is wrong with the winner's certificate for the tender's API profile: empty when one is in force,
    None when the tender asks for none or nobody has looked. `gate` is what the gate says of the tender at what it would now
    cost; None where that is no more than what was published.
    """

    tender: Tender
    decided: bool
    waiting: Sequence[str]
    bids: Sequence[str]
    expected: str
    expected_name: str
    winner: str
    set_aside: Mapping[str, str]
    reasons: str
    now: Arrival
    low: Sequence[Low]
    certificate: str | None
    gate: Gate | None


@dataclass(frozen=True, slots=True)
class Asking:
    """What is known when the buyer asks about a price, or the bidder answers. `low` says why it looks low, if it does."""

    tender: Tender
    low: str | None
    decided: bool
    question: PriceQuestion | None
    answer: str


@dataclass(frozen=True, slots=True)
class Complaining:
    """What is known when a bidder complains: whether she bid for the lot and won it, and what she lodged before."""

    decision: Decision
    bidder: bool
    won: bool
    before: Complaint | None
    now: Arrival


@dataclass(frozen=True, slots=True)
class Answering:
    """What is known when the buyer answers a complaint."""

    decision: Decision
    complaint: Complaint
    answer: str


@dataclass(frozen=True, slots=True)
class SettingAside:
    """What is known when a decision is taken back."""

    decision: Decision
    reason: str


# ── the decision ───────────────────────────────────────────────────────────────────────────────────────────────────


@rule("award.tender-cancelled")
def tender_goes_on(deciding: Deciding) -> str | None:
    """A cancelled tender is not awarded."""
    return _("This tender was cancelled.") if deciding.tender.cancelled_at else None


@rule("award.not-opened")
def bids_were_opened(deciding: Deciding) -> str | None:
    """Nothing is decided before the bids are open."""
    return None if deciding.tender.opened_at else _("The bids are not open yet.")


@rule("award.decided-already")
def decided_once(deciding: Deciding) -> str | None:
    """A lot has one decision in force; another is possible only when that one is set aside."""
    return _("This lot has been decided already.") if deciding.decided else None


@rule(
    "award.panel-incomplete",
    source="Procurement Act 2023 section 19: tenders are assessed by the published criteria before a contract is awarded",
)
def panel_has_finished(deciding: Deciding) -> str | None:
    """Every evaluator has submitted, and every bid was scored by enough people without a conflict."""
    return " ".join(deciding.waiting) or None


@rule(
    "award.reasons-missing", field="reasons", source="Procurement Act 2023 section 50: the award notice and summaries"
)
def says_why(deciding: Deciding) -> str | None:
    """A decision gives its reasons in words, beside the numbers; so does a decision to award nothing."""
    return (
        None
        if len(deciding.reasons.strip()) >= REASON
        else _("Give the reasons, in at least {reason} characters.", reason=REASON)
    )


@rule("award.set-aside-unknown", field="set_aside")
def sets_aside_bids_of_the_lot(deciding: Deciding) -> str | None:
    """Only a ranked bid of the lot can be set aside."""
    if deciding.waiting or deciding.decided:
        return None
    unknown = sorted(set(deciding.set_aside) - set(deciding.bids))
    return _("These are not ranked bids of this lot: {unknown}.", unknown=", ".join(unknown)) if unknown else None


@rule("award.set-aside-unreasoned", field="set_aside", source="Procurement Act 2023 sections 19(3), 26 and 28")
def sets_aside_with_a_reason(deciding: Deciding) -> str | None:
    """A bid that is passed over is told why, in words that can be checked."""
    bare = [bid for bid, reason in deciding.set_aside.items() if len(reason.strip()) < REASON]
    return (
        _("Say why you set aside {bare}, in at least {reason} characters.", bare=", ".join(bare), reason=REASON)
        if bare
        else None
    )


@rule(
    "award.price-unexplained",
    field="set_aside",
    source="Procurement Act 2023 section 19(4): a reasonable opportunity to show that the price can be kept",
)
def low_price_could_be_explained(deciding: Deciding) -> str | None:
    """A bid whose price looks abnormally low is set aside only after its bidder could explain the price."""
    early = [
        each.bid
        for each in deciding.low
        if each.question is None
        or (each.question.answered_at is None and not workdays.is_over(each.question.answer_by, deciding.now))
    ]
    if not early:
        return None
    return _(
        "Ask about the price first and wait for the answer, or until its time has passed: {early}.",
        early=", ".join(early),
    )


@rule(
    "award.not-the-first",
    field="winner",
    source="Procurement Act 2023 section 19(2): the most advantageous tender is the one that best satisfies the criteria",
)
def awards_the_first(deciding: Deciding) -> str | None:
    """A lot is awarded to the bid that ranks first by the published criteria, after the limit on lots and what was set
    aside for a reason; or to nobody."""
    if deciding.waiting or deciding.decided or deciding.winner in ("", deciding.expected):
        return None
    if deciding.winner not in deciding.bids:
        return _("Choose one of the ranked bids of this lot.")
    if not deciding.expected:
        return _("No bid is left that this lot may be awarded to.")
    return _(
        "{expected_name} is first. Award the lot to it, or set its bid aside and say why.",
        expected_name=deciding.expected_name,
    )


@rule("award.certificate-missing", field="winner", source="Design card, idea 10: no award without a conforming API")
def winner_is_certified(deciding: Deciding) -> str | None:
    """A tender that asks for an API profile is awarded only to a supplier whose certificate for it is in force."""
    return (deciding.certificate or None) if deciding.winner and deciding.tender.profile else None


@rule(
    "award.gate-shut",
    field="winner",
    source="Design card, idea 3: an exercise, or a minister's waiver, before the contract. Own default: at the real price",
)
def real_value_passes_the_gate(deciding: Deciding) -> str | None:
    """What a tender turns out to cost passes the gate as its estimates did: an award that lifts the whole above the threshold,
    the follow-on or the value a minister signed for is not made."""
    if deciding.gate is None or deciding.gate.ground is not None:
        return None
    return _(
        "At this price the tender would cost more than was published, and so large it would not pass the gate. {why} Award the "
        "lot to nobody, and ask anew with what you know now.",
        why=deciding.gate.open_questions,
    )


@rule("price.not-low")
def looks_low(asking: Asking) -> str | None:
    """Only a price that looks abnormally low is asked about."""
    return None if asking.low else _("This price does not look abnormally low beside the others.")


@rule("price.lot-decided")
def asks_before_deciding(asking: Asking) -> str | None:
    """A price is asked about, and explained, before the lot is decided."""
    return _("This lot has been decided.") if asking.decided else None


@rule("price.asked-already")
def asked_once(asking: Asking) -> str | None:
    """The question is put once."""
    return _("This bidder has been asked already.") if asking.question else None


@rule("price.not-asked")
def was_asked(asking: Asking) -> str | None:
    """A price is explained when the buyer asks."""
    return None if asking.question else _("Nobody has asked about this price.")


@rule("price.answered-already")
def answered_once(asking: Asking) -> str | None:
    """An explanation is given once."""
    return _("You have explained this price already.") if asking.question and asking.question.answered_at else None


@rule("price.answer-missing", field="answer")
def explains(asking: Asking) -> str | None:
    """An explanation says something."""
    return (
        None
        if len(asking.answer.strip()) >= REASON
        else _("Explain the price, in at least {reason} characters.", reason=REASON)
    )


# ── after the decision ─────────────────────────────────────────────────────────────────────────────────────────────


def in_standstill(decision: Decision, now: datetime) -> bool:
    """Whether the standstill runs, in which a complaint stops the contract and none is drawn up."""
    return decision.standstill_ends_at is not None and not workdays.is_over(decision.standstill_ends_at, now)


@rule("complaint.not-a-bidder")
def has_bid_for_the_lot(complaining: Complaining) -> str | None:
    """A decision is complained about by those who bid for the lot."""
    return None if complaining.bidder else _("Only those who bid for this lot can complain about its decision.")


@rule("complaint.won")
def has_not_won(complaining: Complaining) -> str | None:
    """Who was awarded the lot has nothing to complain about."""
    return _("You were awarded this lot.") if complaining.won else None


@rule("complaint.decision-set-aside")
def decision_stands(complaining: Complaining) -> str | None:
    """A decision that was set aside is complained about no more."""
    return (
        _("This decision was set aside already; the lot will be decided again.")
        if complaining.decision.set_aside_at
        else None
    )


@rule(
    "complaint.too-late",
    source="Procurement Act 2023 section 51: the standstill is there so that a decision can be challenged before a contract",
)
def within_the_standstill(complaining: Complaining) -> str | None:
    """A complaint that stops the contract is lodged before the standstill ends."""
    if complaining.decision.standstill_ends_at is None or in_standstill(complaining.decision, complaining.now):
        return None
    return _(
        "The standstill has ended, so a complaint here no longer stops the contract. A claim in court "
        "is possible for {claims_days} days from when you knew of the reason for it.",
        claims_days=policy.IN_FORCE.award.claims_days,
    )


@rule("complaint.lodged-already")
def complains_once(complaining: Complaining) -> str | None:
    """A bidder lodges one complaint about a decision."""
    return _("You have lodged a complaint about this decision already.") if complaining.before else None


@rule("complaint.answered-already")
def not_answered(answering: Answering) -> str | None:
    """A complaint is answered once."""
    return _("This complaint has been answered already.") if answering.complaint.answered_at else None


@rule("complaint.decision-gone")
def answers_about_a_standing_decision(answering: Answering) -> str | None:
    """When another complaint had the decision set aside, there is nothing left to answer."""
    return _("This decision was set aside already.") if answering.decision.set_aside_at else None


@rule("complaint.answer-missing", field="answer")
def answers_with_reasons(answering: Answering) -> str | None:
    """Whoever complains is told why she was right or not."""
    return (
        None
        if len(answering.answer.strip()) >= REASON
        else _("Give your reasons, in at least {reason} characters.", reason=REASON)
    )


@rule("award.set-aside-already")
def still_in_force(setting: SettingAside) -> str | None:
    """A decision is set aside once."""
    return _("This decision was set aside already.") if setting.decision.set_aside_at else None


@rule("award.contracted")
def not_contracted(setting: SettingAside) -> str | None:
    """A decision from which a contract was drawn up stands; give up the contract first."""
    if setting.decision.contract:
        return _(
            "Contract {contract} was drawn up from this decision. Give the contract up first.",
            contract=setting.decision.contract,
        )
    return None


@rule("award.set-aside-reason-missing", field="reason")
def says_why_it_is_taken_back(setting: SettingAside) -> str | None:
    """Why a decision was taken back is published."""
    return (
        None if len(setting.reason.strip()) >= REASON else _("Say why, in at least {reason} characters.", reason=REASON)
    )


ASK = (looks_low, asks_before_deciding, asked_once)
"""For `actions.ask_about_price`."""
EXPLAIN = (was_asked, asks_before_deciding, answered_once, explains)
"""For `actions.explain_price`."""
DECIDE = (
    tender_goes_on,
    bids_were_opened,
    decided_once,
    panel_has_finished,
    says_why,
    sets_aside_bids_of_the_lot,
    sets_aside_with_a_reason,
    low_price_could_be_explained,
    awards_the_first,
    winner_is_certified,
    real_value_passes_the_gate,
)
"""For `actions.decide`."""
COMPLAIN = (has_bid_for_the_lot, has_not_won, decision_stands, within_the_standstill, complains_once)
"""For `actions.complain`."""
ANSWER = (not_answered, answers_about_a_standing_decision, answers_with_reasons)
"""For `actions.answer_complaint`."""
SET_ASIDE = (still_in_force, not_contracted, says_why_it_is_taken_back)
"""For `actions.set_aside`."""
