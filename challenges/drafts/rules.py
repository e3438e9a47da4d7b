"""What must hold before a challenge is published. Pure: facts in, reasons out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from challenges import methods
from challenges.effort import rules as effort
from challenges.effort.facts import Draft
from challenges.rules import LAW, OWN, still_to_say
from market import dates, policy, workdays
from market.arrival import Arrival
from market.budgets.rules import named
from market.money import Money
from market.refusals import Denial, rule
from market.tenders import cpv
from market.wording import N_, _, _n

if TYPE_CHECKING:
    from challenges.tables import Challenge


ROUTES: dict[str, str] = {
    "tender": N_("A tender of this body"),
    "call-off": N_("A call-off from a framework of this body"),
    "other-body": N_("Another body of the department buys"),
}
"""How what follows an exercise would be bought."""


PROFILE = re.compile(r"[a-z0-9][a-z0-9.-]*@[0-9]+(\.[0-9]+)*")
"""How an API standards profile is named: `name@version`."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Fee and dates as they are typed, each date None where nothing was said; and the moment."""

    fee: Money
    closes_at: datetime | None
    pitches_by: datetime | None
    decision_by: datetime | None
    now: Arrival


@rule("challenge.already-published")
def not_yet_published(draft: Draft) -> str | None:
    """A challenge is published once; what is public is not quietly rewritten."""
    if draft.challenge.published_at is not None:
        return _("This challenge is published already.")
    return None


@rule("challenge.mission-missing", field="mission", source=f"{OWN}, idea 1: challenges are filed under a mission")
def serves_a_published_mission(draft: Draft) -> str | None:
    """It is filed under a published mission, so that everybody sees which aim it serves."""
    if draft.mission is None:
        return _("Choose the mission it serves.")
    if draft.mission.published_at is None:
        return _("The mission it is filed under is not published yet. Publish the mission first or choose another.")
    return None


@rule("challenge.problem-missing", field="problem", source=f"{OWN}, idea 2: a problem, never a specification")
def states_the_problem(draft: Draft) -> str | None:
    """It says what the problem is, who has it, and how that is known."""
    row = draft.challenge
    parts = (
        (row.title, _("the problem in one sentence")),
        (row.problem, _("the problem")),
        (row.who_has_it, _("who has it")),
        (row.evidence, _("how you know")),
    )
    return still_to_say(words for text, words in parts if not text.strip())


@rule("challenge.scope-missing", field="out_of_scope", source=LAW)
def says_what_is_out_of_scope(draft: Draft) -> str | None:
    """It says what is out of scope, so that nobody spends a week on the wrong thing."""
    if not draft.challenge.out_of_scope.strip():
        return _("Say what is out of scope; write “Nothing” if nothing is.")
    return None


@rule("challenge.method-not-approved", field="method", source=f"{OWN}, idea 4: the list of approved methods")
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


@rule("challenge.too-many-codes", field="cpv", source=str(policy.number("gate.exercise_codes_most").source))
def names_few_codes(draft: Draft) -> str | None:
    """It names few codes: each of them opens the gate for what is bought in its class, so they are those that the exercise
    can say something about."""
    most = policy.IN_FORCE.gate.exercise_codes_most
    if len(draft.challenge.cpv) > most:
        return _(
            "There are {number} CPV codes. Choose the {most} at most that this exercise can say something about.",
            number=len(draft.challenge.cpv),
            most=most,
        )
    return None


@rule("challenge.code-too-wide", field="cpv", source=str(policy.number("gate.exercise_code_digits_least").source))
def codes_are_narrow(draft: Draft) -> str | None:
    """Each code is precise enough that one exercise can explore it."""
    least = policy.IN_FORCE.gate.exercise_code_digits_least
    wide = [code for code in draft.challenge.cpv if cpv.known(code) and len(cpv.digits(code)) < least]
    if wide:
        return _(
            "Too wide for one exercise: {codes}. Choose codes with at least {least} digits before the zeros.",
            codes="; ".join(cpv.named(code) for code in wide),
            least=least,
        )
    return None


@rule(
    "challenge.follow-on-missing",
    field="follow_on_minor",
    source=f"{OWN}, idea 3: an exercise comes before a purchase, which suppliers know of from the first day",
)
def states_the_follow_on(draft: Draft) -> str | None:
    """It says what may be bought when it goes well: the value, how it would be bought, which body would pay, and by when that
    is decided. The exercise opens tenders of that body only, and only up to the policy's share of that value."""
    row = draft.challenge
    parts = (
        (row.follow_on_minor, _("what may follow is worth, without VAT")),
        (row.follow_on_route, _("how it would be bought")),
        (row.follow_on_payer, _("who would pay")),
        (row.follow_on_by, _("by when that is decided")),
    )
    return still_to_say(words for said, words in parts if not said)


@rule("challenge.follow-on-route-wrong", field="follow_on_route")
def the_route_fits_the_payer(draft: Draft) -> str | None:
    """Another body buys where another body pays, and the buyer itself where it pays itself."""
    row = draft.challenge
    if not row.follow_on_route or not row.follow_on_payer:
        return None
    other = row.follow_on_payer != row.buyer
    if other and row.follow_on_route != "other-body":
        return _("Another body would pay. Choose “another body buys”, or the body itself as the one that pays.")
    if not other and row.follow_on_route == "other-body":
        return _("Say which other body would pay, or choose another way of buying.")
    return None


@rule("challenge.follow-on-too-early", field="follow_on_by")
def the_follow_on_is_decided_later(draft: Draft) -> str | None:
    """Whether to buy is decided when it is known how the exercise ended, and not before."""
    by, ends = draft.challenge.follow_on_by, draft.challenge.decision_by
    if by is not None and ends is not None and by < workdays.local_day(ends):
        return _("Decide whether to buy on the day the exercise is decided or later.")
    return None


@rule("challenge.profile-malformed", field="profile", source=f"{OWN}, idea 10: mandated interoperable standards")
def names_a_profile_with_its_version(draft: Draft) -> str | None:
    """A standards profile, where there is one, is named with its version."""
    if draft.challenge.profile and not PROFILE.fullmatch(draft.challenge.profile):
        return _("Write the profile as name@version, like open-services@1.")
    return None


@rule("challenge.fee-missing", field="fee_minor", source=f"{OWN}, idea 5: companies are paid to pitch")
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
    source=f"{OWN}, idea 12: terms are part of every challenge",
)
def states_its_terms(draft: Draft) -> str | None:
    """It says who owns the result, who owns the data, and what share of later sales comes back."""
    row = draft.challenge
    parts = (
        (row.intellectual_property, _("who owns the result")),
        (row.data_terms, _("who owns the data")),
        (row.revenue_share, _("what share of later sales comes back (“none” is an answer)")),
    )
    return still_to_say(words for text, words in parts if not text.strip())


@rule("challenge.criteria-missing", field="criteria", source=LAW)
def says_how_applications_are_scored(draft: Draft) -> str | None:
    """It names what applications are scored on before anybody writes one."""
    if not draft.criteria:
        return _("Add at least one criterion that applications are scored on.")
    return None


@rule("challenge.weights-not-100", field="weight", source=LAW)
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
    return still_to_say(words for date, words in parts if date is None)


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
    source=str(policy.number("challenges.applying_working_days").source),
)
def leaves_time_to_apply(draft: Draft) -> str | None:
    """Small firms have the policy's working days to find it, think, and apply."""
    closes, least = draft.challenge.closes_at, policy.IN_FORCE.challenges.applying_working_days
    if closes is None:
        return None
    days = workdays.working_days_between(draft.now, closes)
    if closes <= draft.now:
        return _("The closing date has passed. Leave at least {least} working days to apply.", least=least)
    if days < least:
        return _n(
            "It would close in {number} working day. Leave at least {least} working days to apply.",
            "It would close in {number} working days. Leave at least {least} working days to apply.",
            days,
            least=least,
        )
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
    *effort.SAYS,
    says_what_is_out_of_scope,
    uses_an_approved_method,
    names_its_subject,
    names_few_codes,
    codes_are_narrow,
    names_a_profile_with_its_version,
    pays_for_a_pitch,
    *effort.PAYS,
    pays_enough_teams,
    states_the_follow_on,
    the_route_fits_the_payer,
    the_follow_on_is_decided_later,
    states_its_terms,
    says_how_applications_are_scored,
    weights_make_a_hundred,
    has_its_dates,
    dates_are_in_order,
    leaves_time_to_apply,
    leaves_time_to_answer,
    names_its_panel,
    *named(not_yet_published),
)
"""For `actions.publish`; the draft's page shows them from its first minute."""


EDIT = (not_yet_published,)
"""For every change of a draft."""


MISSION_UNKNOWN = Denial(
    "challenge.mission-unknown",
    N_("There is no published mission of this reference."),
    norm="A challenge serves a mission that everybody can read.",
    field="mission",
)


PAYER_UNKNOWN = Denial(
    "challenge.payer-unknown",
    N_("Choose the body itself or another one of its department."),
    norm="What follows an exercise is paid for by a body of the family that ran it.",
    field="follow_on_payer",
    status=422,
)


CPV_UNKNOWN = Denial(
    "challenge.cpv-unknown",
    N_("Not in the vocabulary: {codes}."),
    norm="A code is one of the Common Procurement Vocabulary.",
    field="cpv",
    source="Regulation (EC) No 213/2008",
    status=422,
)


def questions_end(challenge: Challenge, published: datetime) -> datetime | None:
    """When questions end: as the buyer said, or else at the policy's share of the time to apply."""
    if challenge.questions_until is not None or challenge.closes_at is None:
        return challenge.questions_until
    return min(
        workdays.questions_close_at(published, challenge.closes_at), workdays.answers_due_at(challenge.closes_at)
    )


# ── what is asked once more ────────────────────────────────────────────────────────────────────────────────────────


@rule("challenge.fee-unusual", field="fee_minor", source="Policy: asks.pitch_fee_from", asks=True)
def fee_is_usual(offered: Offered) -> str | None:
    """A fee for which nobody would be paid to pitch is asked about once more: it is owed to every team, win or lose."""
    if offered.fee.minor < policy.IN_FORCE.asks.pitch_fee_from:
        return None
    return _("Every team would be paid {fee} for its pitch. Is that the sum you mean?", fee=offered.fee)


@rule("challenge.dates-far", field="closes_at", source="Policy: asks.deadline_days", asks=True)
def dates_are_near(offered: Offered) -> str | None:
    """Dates more than a year away are asked about once more: they are nearly always mistyped years."""
    steps = (
        (offered.closes_at, N_("Applications would close on {moment}. That is in more than {time}.")),
        (offered.pitches_by, N_("Pitches would be heard by {moment}. That is in more than {time}.")),
        (offered.decision_by, N_("You would decide by {moment}. That is in more than {time}.")),
    )
    far = [
        _(words, moment=dates.moment_zone(at), time=dates.lasting(at - offered.now))
        for at, words in steps
        if at is not None and at - offered.now > timedelta(days=policy.IN_FORCE.asks.deadline_days)
    ]
    return _("{far} Is that what you mean?", far=" ".join(far)) if far else None


ASKED = (fee_is_usual, dates_are_near)
"""For `actions.edit` of the offer, when nothing forbids it."""
