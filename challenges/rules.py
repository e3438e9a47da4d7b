"""What must hold at every step of an innovation exercise, and which stage it is in. Pure: facts in, reasons out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import msgspec

from challenges import methods
from market import dates, policy, workdays
from market.questions import rules as questions
from market.refusals import Denial, rule
from market.standing import Standing, Tone
from market.tenders import cpv
from market.wording import N_, _, _n

if TYPE_CHECKING:
    from challenges.tables import Application, Challenge, Criterion, InsightReport, Pitch
    from market.missions.tables import Mission

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

PROFILE = re.compile(r"[a-z0-9][a-z0-9.-]*@[0-9]+(\.[0-9]+)*")
"""How an API standards profile is named: `name@version`."""


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
    return Standing(found, _(word), tone, *dates.get(found, (challenge.closes_at, "Closes")))


DECISIONS: dict[str, tuple[str, Tone]] = {
    "go": (N_("Goes on"), "green"),
    "change": (N_("Changes"), "amber"),
    "stop": (N_("Stops"), "grey"),
}
"""What was decided at the end of an exercise, in words, with the tone of its tag."""


class Learnt(msgspec.Struct, frozen=True):
    """What the standing of an insight report is reckoned from: its exercise's decision, and when it became public."""

    decision: str
    published_at: datetime | None


def learnt(report: Learnt, now: datetime) -> Standing:
    """Where an insight report stands: how its exercise ended."""
    if report.published_at is None or now < report.published_at:
        return Standing("draft", _("Draft"), "grey")
    word, tone = DECISIONS.get(report.decision, (N_("Published"), "grey"))
    return Standing(report.decision, _(word), tone, report.published_at, _("Published"))


@dataclass(frozen=True, slots=True)
class Draft:
    """What publication looks at: the row, its mission when it names one, its criteria, how many are on the panel, and
    the moment."""

    challenge: Challenge
    mission: Mission | None
    criteria: Sequence[Criterion]
    panel: int
    now: datetime


_OWN = N_("Design card")
_LAW = N_("Procurement Act 2023 sections 12 and 16")


@rule("challenge.already-published")
def not_yet_published(draft: Draft) -> str | None:
    """A challenge is published once; what is public is not quietly rewritten."""
    if draft.challenge.published_at is not None:
        return _("This challenge is published already.")
    return None


@rule("challenge.mission-missing", field="mission", source=f"{_OWN}, idea 1: challenges are filed under a mission")
def serves_a_published_mission(draft: Draft) -> str | None:
    """It is filed under a published mission, so that everybody sees which aim it serves."""
    if draft.mission is None:
        return _("Choose the mission it serves.")
    if draft.mission.published_at is None:
        return _("The mission it is filed under is not published yet. Publish the mission first or choose another.")
    return None


@rule("challenge.problem-missing", field="problem", source=f"{_OWN}, idea 2: a problem, never a specification")
def states_the_problem(draft: Draft) -> str | None:
    """It says what the problem is, who has it, and how that is known."""
    row = draft.challenge
    parts = (
        (row.title, _("the problem in one sentence")),
        (row.problem, _("the problem")),
        (row.who_has_it, _("who has it")),
        (row.evidence, _("how you know")),
    )
    return _still(words for text, words in parts if not text.strip())


@rule("challenge.success-missing", field="success", source=f"{_OWN}, idea 2: how success will be measured")
def says_how_success_is_seen(draft: Draft) -> str | None:
    """It says how everybody will see that the problem is solved."""
    if not draft.challenge.success.strip():
        return _("Say how we shall know that the problem is solved.")
    return None


@rule("challenge.scope-missing", field="out_of_scope", source=_LAW)
def says_what_is_out_of_scope(draft: Draft) -> str | None:
    """It says what is out of scope, so that nobody spends a week on the wrong thing."""
    if not draft.challenge.out_of_scope.strip():
        return _("Say what is out of scope; write “Nothing” if nothing is.")
    return None


@rule("challenge.method-not-approved", field="method", source=f"{_OWN}, idea 4: the list of approved methods")
def uses_an_approved_method(draft: Draft) -> str | None:
    """It is run by a method on the approved list; only those open the gate."""
    if not methods.approved(draft.challenge.method):
        return _("Choose a method from the approved list.")
    return None


@rule("challenge.cpv-missing", field="cpv", source="Regulation (EC) No 213/2008")
def names_its_subject(draft: Draft) -> str | None:
    """It carries at least one known code of the procurement vocabulary, so that suppliers and the gate find it."""
    if not draft.challenge.cpv:
        return _("Add at least one CPV code that says what it is about.")
    unknown = [code for code in draft.challenge.cpv if not cpv.known(code)]
    if unknown:
        return _("Not in the vocabulary: {unknown}.", unknown=", ".join(unknown))
    return None


@rule("challenge.profile-malformed", field="profile", source=f"{_OWN}, idea 10: mandated interoperable standards")
def names_a_profile_with_its_version(draft: Draft) -> str | None:
    """A standards profile, where there is one, is named with its version."""
    if draft.challenge.profile and not PROFILE.fullmatch(draft.challenge.profile):
        return _("Write the profile as name@version, like open-services@1.")
    return None


@rule("challenge.fee-missing", field="fee_minor", source=f"{_OWN}, idea 5: companies are paid to pitch")
def pays_for_a_pitch(draft: Draft) -> str | None:
    """Every short-listed team is paid the same fee, and it is known from the first day."""
    if draft.challenge.fee_minor <= 0:
        return _("Say what every delivered pitch is paid.")
    return None


@rule("challenge.too-few-places", field="places", source=str(policy.number("challenges.places_minimum").source))
def pays_enough_teams(draft: Draft) -> str | None:
    """It pays at least as many teams as the policy asks: one paid pitch is a direct award by another name."""
    least = policy.IN_FORCE.challenges.places_minimum
    if draft.challenge.places < least:
        return _("Pay at least {least} teams to pitch.", least=least)
    return None


@rule(
    "challenge.terms-missing",
    field="intellectual_property",
    source=f"{_OWN}, idea 12: terms are part of every challenge",
)
def states_its_terms(draft: Draft) -> str | None:
    """It says who owns the result, who owns the data, and what share of later sales comes back."""
    row = draft.challenge
    parts = (
        (row.intellectual_property, _("who owns the result")),
        (row.data_terms, _("who owns the data")),
        (row.revenue_share, _("what share of later sales comes back (“none” is an answer)")),
    )
    return _still(words for text, words in parts if not text.strip())


@rule("challenge.criteria-missing", field="criteria", source=_LAW)
def says_how_applications_are_scored(draft: Draft) -> str | None:
    """It names what applications are scored on before anybody writes one."""
    if not draft.criteria:
        return _("Add at least one criterion that applications are scored on.")
    return None


@rule("challenge.weights-not-100", field="weight", source=_LAW)
def weights_make_a_hundred(draft: Draft) -> str | None:
    """The weights of the criteria add up to 100."""
    total = sum(criterion.weight for criterion in draft.criteria)
    if draft.criteria and total != policy.IN_FORCE.award.weights_total:
        return _(
            "The weights add up to {total}. Make them {weights_total}.",
            total=total,
            weights_total=policy.IN_FORCE.award.weights_total,
        )
    return None


@rule("challenge.dates-missing", field="closes_at")
def has_its_dates(draft: Draft) -> str | None:
    """It says until when one may apply, by when pitches are heard, and by when it is decided."""
    row = draft.challenge
    parts = (
        (row.closes_at, _("until when suppliers may apply")),
        (row.pitches_by, _("by when pitches are heard")),
        (row.decision_by, _("by when you decide")),
    )
    return _still(words for date, words in parts if date is None)


@rule("challenge.dates-out-of-order", field="closes_at")
def dates_are_in_order(draft: Draft) -> str | None:
    """Questions end before applying does, pitches follow, and the decision comes last."""
    row = draft.challenge
    steps = (
        (row.questions_until, _("questions end")),
        (row.closes_at, _("applications close")),
        (row.pitches_by, _("pitches are heard")),
        (row.decision_by, _("it is decided")),
    )
    known = [(moment, words) for moment, words in steps if moment is not None]
    for (earlier, first), (later, second) in pairwise(known):
        if later <= earlier:
            return _("Put the dates in order: {second} after {first}.", second=second, first=first)
    return None


@rule(
    "challenge.too-short",
    field="closes_at",
    source=str(policy.number("challenges.applying_days").source),
)
def leaves_time_to_apply(draft: Draft) -> str | None:
    """Small firms have the policy's days to find it, think, and apply."""
    closes, least = draft.challenge.closes_at, policy.IN_FORCE.challenges.applying_days
    if closes is None:
        return None
    days = workdays.full_days_between(draft.now, closes)
    if closes <= draft.now:
        return _("The closing date has passed. Leave at least {least} days to apply.", least=least)
    if days < least:
        return _("It would close in {days} days. Leave at least {least} days to apply.", days=days, least=least)
    return None


@rule(
    "challenge.questions-end-wrongly",
    field="questions_until",
    source=str(policy.number("questions.answer_working_days_before_close").source),
)
def leaves_time_to_answer(draft: Draft) -> str | None:
    """Questions are taken for a while, and end early enough that the last answer is read before closing."""
    until, closes = draft.challenge.questions_until, draft.challenge.closes_at
    if until is None or closes is None:
        return None
    if until <= draft.now:
        return _("The end of questions has passed. Choose a later one, or leave it empty for the usual one.")
    if until > workdays.answers_due_at(closes):
        days = policy.IN_FORCE.questions.answer_working_days_before_close
        return _n(
            "End questions at least {number} full working day before it closes, so that answers can be used.",
            "End questions at least {number} full working days before it closes, so that answers can be used.",
            days,
        )
    return None


@rule("challenge.panel-too-small", field="person", source=str(policy.number("panels.evaluators_minimum").source))
def names_its_panel(draft: Draft) -> str | None:
    """The panel is named before anybody applies, so that nobody is chosen for whom she would favour."""
    least = policy.IN_FORCE.panels.evaluators_minimum
    if draft.panel < least:
        if not draft.panel:
            return _("Name at least {least} evaluators; there are none.", least=least)
        return _n(
            "Name at least {least} evaluators; there is {number}.",
            "Name at least {least} evaluators; there are {number}.",
            draft.panel,
            least=least,
        )
    return None


PUBLISH = (
    not_yet_published,
    serves_a_published_mission,
    states_the_problem,
    says_how_success_is_seen,
    says_what_is_out_of_scope,
    uses_an_approved_method,
    names_its_subject,
    names_a_profile_with_its_version,
    pays_for_a_pitch,
    pays_enough_teams,
    states_its_terms,
    says_how_applications_are_scored,
    weights_make_a_hundred,
    has_its_dates,
    dates_are_in_order,
    leaves_time_to_apply,
    leaves_time_to_answer,
    names_its_panel,
)
"""For `actions.publish`; the draft's page shows them from its first minute."""

EDIT = (not_yet_published,)
"""For every change of a draft."""


def _still(missing: Iterable[str]) -> str | None:
    named = list(missing)
    return _("Still to say: {named}.", named="; ".join(named)) if named else None


# ── applying ────────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("application.too-late", source=_LAW)
def before_it_closes(challenge: Challenge, now: datetime) -> str | None:
    """What reaches us after the closing time is not taken, whoever sends it: everybody has the same time."""
    if challenge.published_at and challenge.closes_at and not takes_applications(challenge.closes_at, now):
        return _(
            "This challenge closed on {closes_at}. Applications can no longer be sent, changed or withdrawn.",
            closes_at=dates.moment(challenge.closes_at),
        )
    return None


@rule("application.not-open")
def is_open(challenge: Challenge, now: datetime) -> str | None:
    """Applications are taken while the challenge is published and neither cancelled nor decided."""
    found = stage(challenge, now)
    if found == "cancelled":
        return _("This challenge was cancelled. Nothing can be sent to it.")
    if found == "draft":
        return _("This challenge is not published.")
    return None


APPLY = (is_open, before_it_closes)
"""For applying, changing and withdrawing."""


@rule("application.already-there")
def applies_once(application: Application | None) -> str | None:
    """A supplier applies once to a challenge, and changes that application until it closes."""
    if application is not None and application.withdrawn_at is None:
        return _("You have applied already. Change your application instead.")
    return None


@rule("application.withdrawn")
def is_not_withdrawn(application: Application) -> str | None:
    """A withdrawn application is sent again as a whole, not changed."""
    if application.withdrawn_at is not None:
        return _("This application is withdrawn. You can apply again until the challenge closes.")
    return None


@rule(
    "application.access-withheld",
    source="Platform rules: access is withheld from those who break them until they mend it",
)
def is_not_withheld(withheld: str) -> str | None:
    """A supplier whose access is withheld may sign in, mend and appeal, but not apply; `withheld` says why it is."""
    return withheld or None


@rule("application.own-challenge", source="Procurement Act 2023 sections 81 to 83")
def is_not_the_buyer(challenge: Challenge, supplier: int) -> str | None:
    """Nobody applies to a challenge of her own organisation."""
    if challenge.buyer == supplier:
        return _("An organisation cannot apply to its own challenge.")
    return None


# ── the short list ──────────────────────────────────────────────────────────────────────────────────────────────────


@rule("shortlist.not-closed", source=_LAW)
def applying_is_over(challenge: Challenge, now: datetime) -> str | None:
    """The short list is made after the closing."""
    if stage(challenge, now) in ("draft", *TAKING):
        return _("The short list is made after the challenge has closed.")
    return None


@rule("shortlist.already-made")
def is_made_once(challenge: Challenge, now: datetime) -> str | None:
    """The short list is made once."""
    found = stage(challenge, now)
    if found in ("pitching", "concluded"):
        return _("The short list is made already.")
    if found == "cancelled":
        return _("This challenge was cancelled.")
    return None


SHORTLIST = (applying_is_over, is_made_once)
"""For `judging.shortlist`, before what the panel owes (`READY` of panels)."""


# ── pitches ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("pitch.not-now")
def challenge_is_pitching(challenge: Challenge, pitch: Pitch, now: datetime) -> str | None:
    """Pitches are arranged and heard between the short list and the conclusion."""
    if stage(challenge, now) != "pitching":
        return _("Pitches are arranged and heard between the short list and the conclusion.")
    return None


@rule("pitch.already-delivered")
def pitch_is_not_delivered(challenge: Challenge, pitch: Pitch, now: datetime) -> str | None:
    """What was delivered is written down once: its fee is owed."""
    if pitch.delivered_at is not None:
        return _("This pitch is marked as delivered; its fee is owed.")
    return None


@rule("pitch.already-missed")
def pitch_is_not_missed(challenge: Challenge, pitch: Pitch, now: datetime) -> str | None:
    """That a pitch was not given is written down once; if it was a mistake it can still be arranged anew or delivered."""
    if pitch.missed_at is not None:
        return _("This pitch is marked as not given already.")
    return None


@rule("pitch.reason-missing", field="reason")
def says_why_it_was_missed(reason: str) -> str | None:
    """No fee is owed for a pitch that was not given, so it is said why."""
    return None if reason.strip() else _("Say why the pitch was not given.")


@rule("pitch.not-scheduled")
def pitch_is_scheduled(challenge: Challenge, pitch: Pitch, now: datetime) -> str | None:
    """A pitch is heard at a time the team was told."""
    if pitch.scheduled_at is None:
        return _("Arrange a time for this pitch first; the team is told by letter.")
    return None


@rule("pitch.too-early")
def pitch_time_has_come(challenge: Challenge, pitch: Pitch, now: datetime) -> str | None:
    """Nothing is marked as delivered before its time."""
    if pitch.scheduled_at is not None and now < pitch.scheduled_at:
        return _(
            "This pitch is arranged for {scheduled_at}. Mark it when it has been given.",
            scheduled_at=dates.moment(pitch.scheduled_at),
        )
    return None


SCHEDULE = (challenge_is_pitching, pitch_is_not_delivered)
"""For `pitches.schedule`."""
DELIVER = (challenge_is_pitching, pitch_is_not_delivered, pitch_is_scheduled, pitch_time_has_come)
"""For `pitches.deliver`."""
MISS = (challenge_is_pitching, pitch_is_not_delivered, pitch_is_not_missed)
"""For `pitches.miss`."""


@rule("pitch.time-passed", field="scheduled_at")
def is_arranged_ahead(scheduled_at: datetime, now: datetime) -> str | None:
    """A pitch is arranged for a time to come."""
    if scheduled_at <= now:
        return _("Choose a time to come.")
    return None


# ── the end ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Ending:
    """What concluding looks at; `open_teams` are the short-listed whose pitch is neither delivered nor explained."""

    challenge: Challenge
    open_teams: Sequence[str]
    report: InsightReport | None
    decision: str
    reasons: str
    now: datetime


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


@rule("challenge.pitches-open", source=f"{_OWN}, idea 5: companies are paid to pitch")
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
    source=f"{_OWN}, idea 4: every exercise ends in a published insight report",
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
    return _still(words for text, words in parts if not text.strip())


@rule("challenge.decision-missing", field="decision", source=f"{_OWN}, idea 6: go, change or stop")
def decides(facts: Ending) -> str | None:
    """It ends with a decision: go, change, or stop. Stopping is a good outcome too."""
    if facts.decision not in ("go", "change", "stop"):
        return "Decide: go, change or stop."
    return None


@rule("challenge.reasons-missing", field="reasons", source=f"{_OWN}, idea 6: evidence unlocks the next stage")
def gives_reasons(facts: Ending) -> str | None:
    """The decision comes with its reasons."""
    if not facts.reasons.strip():
        return _("Give the reasons for the decision.")
    return None


CONCLUDE = (short_list_is_made, is_not_ended, every_pitch_is_accounted_for, report_is_written, decides, gives_reasons)
"""For `pitches.conclude`."""

READY = CONCLUDE[:4]
"""What the page shows before the decision is typed."""


@rule("report.published")
def report_is_open(challenge: Challenge, now: datetime) -> str | None:
    """The report is written after the closing and stands once the challenge is concluded."""
    found = stage(challenge, now)
    if found == "concluded":
        return _("The insight report is published and stays as it is.")
    if found == "cancelled":
        return _("This challenge was cancelled.")
    if found in ("draft", *TAKING):
        return _("Write the insight report after the challenge has closed.")
    return None


REPORT = (report_is_open,)
"""For `pitches.write_report`."""


@rule("challenge.cannot-cancel")
def may_be_cancelled(challenge: Challenge, reason: str, now: datetime) -> str | None:
    """A published challenge that has not ended may be cancelled; pitches already delivered stay owed."""
    found = stage(challenge, now)
    if found == "draft":
        return _("A draft is public to nobody and needs no cancelling.")
    if found in ("concluded", "cancelled"):
        return _("This challenge is {found} already.", found=found)
    return None


@rule("challenge.cancel-reason-missing", field="reason", source=_LAW)
def says_why_it_is_cancelled(challenge: Challenge, reason: str, now: datetime) -> str | None:
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


def keeps_the_gate_shut(challenge: Challenge, delivered: int) -> str | None:
    """Why a concluded exercise is no evidence for the gate, or None when it is: its method has to count, and at least
    one team has to have pitched — an exercise nobody took part in taught nothing about the market."""
    if not methods.approved(challenge.method) or not methods.method(challenge.method).counts:
        return _("The method it was run by is not one that opens the gate.")
    if delivered == 0:
        return _("No team pitched, so nothing was learnt from the market.")
    return None


def questions_end(challenge: Challenge, published: datetime) -> datetime | None:
    """When questions end: as the buyer said, or else at the policy's share of the time to apply."""
    if challenge.questions_until is not None or challenge.closes_at is None:
        return challenge.questions_until
    return min(
        workdays.questions_close_at(published, challenge.closes_at), workdays.answers_due_at(challenge.closes_at)
    )


# ── what is chosen from lists ──────────────────────────────────────────────────────────────────────────────────────

MISSION_UNKNOWN = Denial(
    "challenge.mission-unknown",
    N_("There is no published mission of this reference."),
    norm="A challenge serves a mission that everybody can read.",
    field="mission",
)

CPV_UNKNOWN = Denial(
    "challenge.cpv-unknown",
    N_("Not in the vocabulary: {codes}."),
    norm="A code is one of the Common Procurement Vocabulary.",
    field="cpv",
    source="Regulation (EC) No 213/2008",
    status=422,
)
