"""What must hold at every step of an innovation exercise, and which stage it is in. Pure: facts in, reasons out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from challenges import meaning, methods
from market import policy
from market.arrival import Arrival
from market.questions import rules as questions
from market.refusals import rule
from market.standing import Standing, Tone
from market.wording import N_, _, _n

if TYPE_CHECKING:
    from challenges.tables import Challenge, InsightReport

Stage = Literal["draft", "questions", "open", "closed", "pitching", "concluded", "cancelled"]

STAGES: dict[Stage, tuple[str, Tone]] = {
    "draft": (N_("Draft"), "grey"),
    "questions": (N_("Open, taking questions"), "green"),
    "open": (N_("Open"), "green"),
    "closed": (N_("Being scored"), "amber"),
    "pitching": (N_("Pitching"), "teal"),
    "concluded": (N_("Concluded"), "grey"),
    "cancelled": (N_("Cancelled"), "red"),
}
"""Each stage in words, with the tone of its tag."""

TAKING: tuple[Stage, ...] = ("questions", "open")
"""The stages in which a supplier may apply."""


class Dates(msgspec.Struct, frozen=True):
    """What the stage of a challenge is reckoned from."""

    created_at: datetime | None
    published_at: datetime | None
    questions_until: datetime | None
    closes_at: datetime | None
    shortlisted_at: datetime | None
    decision_by: datetime | None
    concluded_at: datetime | None
    cancelled_at: datetime | None


def takes_applications(closes_at: datetime, now: datetime) -> bool:
    """Whether applying is still in time: what arrives at the stated moment itself is."""
    return now <= closes_at


def stage(challenge: Challenge | Dates, now: datetime) -> Stage:
    """Where a challenge stands at this moment. Nothing has to close it: the dates do."""
    if challenge.cancelled_at is not None:
        return "cancelled"
    if challenge.concluded_at is not None:
        return "concluded"
    if challenge.shortlisted_at is not None:
        return "pitching"
    if challenge.published_at is None or challenge.closes_at is None:
        return "draft"
    if not takes_applications(challenge.closes_at, now):
        return "closed"
    if questions.are_taken(challenge.questions_until, now):
        return "questions"
    return "open"


def standing(challenge: Challenge | Dates, now: datetime) -> Standing:
    """Where a challenge stands, in words, and the date that matters now."""
    found = stage(challenge, now)
    dates: dict[Stage, tuple[datetime | None, str]] = {
        "draft": (challenge.created_at, _("Begun")),
        "closed": (challenge.closes_at, _("Closed")),
        "pitching": (challenge.decision_by, _("Decision by")),
        "concluded": (challenge.concluded_at, _("Concluded")),
        "cancelled": (challenge.cancelled_at, _("Cancelled")),
    }
    word, tone = STAGES[found]
    return Standing(found, _(word), tone, *dates.get(found, (challenge.closes_at, _("Closes"))))


OWN = N_("Design card")
LAW = N_("Procurement Act 2023 sections 12 and 16")


# ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Ending:
    """What concluding looks at; `open_teams` are the short-listed whose pitch is neither delivered nor explained, `pitched` how
    many were delivered, and `unmeasured` the success criteria without a measured value."""

    challenge: Challenge | Dates
    open_teams: Sequence[str]
    pitched: int
    unmeasured: Sequence[str]
    report: InsightReport | None
    decision: str
    reasons: str
    now: Arrival


@rule("challenge.not-short-listed")
def short_list_is_made(facts: Ending) -> str | None:
    """A challenge is concluded after its short list, even an empty one."""
    if stage(facts.challenge, facts.now) not in ("pitching", "concluded", "cancelled"):
        return _("Make the short list first.")
    return None


@rule("challenge.already-ended")
def is_not_ended(facts: Ending) -> str | None:
    """A challenge ends once."""
    found = stage(facts.challenge, facts.now)
    if found in ("concluded", "cancelled"):
        return _("This challenge is {found} already.", found=found)
    return None


@rule("challenge.pitches-open", source=f"{OWN}, idea 5: companies are paid to pitch")
def every_pitch_is_accounted_for(facts: Ending) -> str | None:
    """Every short-listed team has pitched, or it is written down why not."""
    if facts.open_teams:
        return _(
            "Mark the pitch as delivered, or say why it was not given: {open_teams}.",
            open_teams="; ".join(facts.open_teams),
        )
    return None


@rule(
    "challenge.report-missing",
    field="report",
    source=f"{OWN}, idea 4: every exercise ends in a published insight report",
)
def report_is_written(facts: Ending) -> str | None:
    """What was learnt is written down for everybody: what was tried, what worked, the evidence, what others should know."""
    report = facts.report
    if report is None:
        return _("Write the insight report.")
    parts = (
        (report.title, _("its title")),
        (report.tried, _("what was tried")),
        (report.worked, _("what worked")),
        (report.evidence, _("the evidence")),
        (report.others, _("what others should know")),
    )
    return still_to_say(words for text, words in parts if not text.strip())


@rule(
    "challenge.report-says-nothing",
    field="report",
    source=str(policy.number("challenges.answer_words").source),
)
def report_says_something(facts: Ending) -> str | None:
    """Each part of the insight report says something: in enough different words, and not the same few again and again."""
    report = facts.report
    if report is None:
        return None
    parts = (
        (report.tried, _("what was tried")),
        (report.worked, _("what worked")),
        (report.did_not_work, _("what did not work")),
        (report.evidence, _("the evidence")),
        (report.others, _("what others should know")),
    )
    return still_too_little(words for text, words in parts if text.strip() and not meaning.is_answer(text))


@rule(
    "challenge.not-measured",
    field="measured",
    source=f"{OWN}, idea 23: no conclusion without a measured value per criterion",
)
def every_criterion_is_measured(facts: Ending) -> str | None:
    """Each success criterion is answered with a measured value, and how and when it was measured. Where no team pitched there
    was nothing to measure."""
    if facts.pitched and facts.unmeasured:
        return _(
            "Write down what was measured of each success criterion. Still without a value: {unmeasured}.",
            unmeasured="; ".join(facts.unmeasured),
        )
    return None


@rule("challenge.decision-missing", field="decision", source=f"{OWN}, idea 6: go, change or stop")
def decides(facts: Ending) -> str | None:
    """It ends with a decision: go, change, or stop. Stopping is a good outcome too."""
    if facts.decision not in ("go", "change", "stop"):
        return _("Decide: go, change or stop.")
    return None


@rule("challenge.reasons-missing", field="reasons", source=f"{OWN}, idea 6: evidence unlocks the next stage")
def gives_reasons(facts: Ending) -> str | None:
    """The decision comes with its reasons, in enough different words that somebody can weigh them."""
    if not facts.reasons.strip():
        return _("Give the reasons for the decision.")
    if not meaning.is_answer(facts.reasons):
        return still_too_little([_("the reasons for the decision")])
    return None


CONCLUDE = (
    short_list_is_made,
    is_not_ended,
    every_pitch_is_accounted_for,
    report_is_written,
    report_says_something,
    every_criterion_is_measured,
    decides,
    gives_reasons,
)
"""For `actions.conclude`."""

READY = CONCLUDE[:6]
"""What the page shows before the decision is typed."""


@rule("challenge.cannot-cancel")
def may_be_cancelled(challenge: Challenge, reason: str, now: Arrival) -> str | None:
    """A published challenge that has not ended may be cancelled; pitches already delivered stay owed."""
    found = stage(challenge, now)
    if found == "draft":
        return _("A draft is public to nobody and needs no cancelling.")
    if found in ("concluded", "cancelled"):
        return _("This challenge is {found} already.", found=found)
    return None


@rule("challenge.cancel-reason-missing", field="reason", source=LAW)
def says_why_it_is_cancelled(challenge: Challenge, reason: str, now: Arrival) -> str | None:
    """Whoever applied is told why it ends."""
    if not reason.strip():
        return _("Say why it is cancelled: everybody who applied will read it.")
    return None


CANCEL = (may_be_cancelled, says_why_it_is_cancelled)
"""For `actions.cancel`."""


def panel_stands(challenge: Challenge, now: datetime) -> str:
    """Why the panel and its marks stand as they are; empty while they may change."""
    return {
        "pitching": _("The short list is made; the panel's work is done."),
        "concluded": _("The short list is made; the panel's work is done."),
        "cancelled": _("This challenge was cancelled."),
    }.get(stage(challenge, now), "")


Shortfall = Literal["", "method", "pitches"]


@dataclass(frozen=True, slots=True)
class Effort:
    """What an exercise rests on: its method, how many teams pitched that reached the least mark, and the reference of the
    approved statement why the market stayed away (empty when there is none)."""

    method: str
    pitches: int
    statement: str


def falls_short(effort: Effort) -> Shortfall:
    """What was too little for an exercise to open the gate: its method has to count, and enough teams have to have pitched, or
    the innovation team agreed why the market stayed away. Empty when nothing was."""
    if not methods.approved(effort.method) or not methods.method(effort.method).counts:
        return "method"
    if effort.pitches < policy.IN_FORCE.challenges.pitches_least and not effort.statement:
        return "pitches"
    return ""


def keeps_the_gate_shut(effort: Effort) -> str | None:
    """Why a concluded exercise opens nothing, in words; None when it may."""
    least = policy.IN_FORCE.challenges.pitches_least
    return {
        "": None,
        "method": _("The method it was run by is not one that opens the gate."),
        "pitches": _n(
            "One team pitched, and it takes {least}, or a statement why the market stayed away that the innovation team approved.",
            "{number} teams pitched, and it takes {least}, or a statement why the market stayed away that the innovation team "
            "approved.",
            effort.pitches,
            least=least,
        ),
    }[falls_short(effort)]


def still_too_little(missing: Iterable[str]) -> str | None:
    """What says too little to be weighed, in one sentence; None when nothing does."""
    named = list(missing)
    if not named:
        return None
    return _(
        "Say more in your own words, at least {least} different ones for each: {named}.",
        least=policy.IN_FORCE.challenges.answer_words,
        named="; ".join(named),
    )


def still_to_say(missing: Iterable[str]) -> str | None:
    """What was left empty, in one sentence; None when nothing was."""
    named = list(missing)
    return _("Still to say: {named}.", named="; ".join(named)) if named else None
