"""Where a tender stands, and what must hold before it is published, asked about, changed or ended."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Literal

import msgspec

from market import dates, policy, workdays
from market.arrival import Arrival
from market.budgets.rules import named
from market.hands.rules import pairs_of_hands
from market.questions import rules as questions
from market.refusals import Denial, rule
from market.standing import Standing, Tone
from market.tenders import cpv, facts, gate, value
from market.tenders.facts import Candidate
from market.tenders.periods import rules as periods
from market.wording import N_, _

if TYPE_CHECKING:
    from market.tenders.tables import Tender

Stage = Literal["draft", "questions", "open", "closed", "evaluation", "decided", "cancelled"]

STAGES: Mapping[Stage, tuple[str, Tone]] = {
    "draft": (N_("Draft"), "grey"),
    "questions": (N_("Open, taking questions"), "green"),
    "open": (N_("Open"), "green"),
    "closed": (N_("Closed, waiting to be opened"), "amber"),
    "evaluation": (N_("Bids opened"), "teal"),
    "decided": (N_("Decided"), "green"),
    "cancelled": (N_("Cancelled"), "red"),
}
"""The word for each stage, and its tone."""

TAKING: tuple[Stage, ...] = ("questions", "open")
"""The stages in which bids are taken."""


class Dates(msgspec.Struct, frozen=True):
    """What the standing of a tender is reckoned from: its dates, its lots and how many are decided, and the waiver asked for it."""

    published_at: datetime | None
    questions_until: datetime | None
    closes_at: datetime | None
    opened_at: datetime | None
    cancelled_at: datetime | None
    waiver_asked: str
    lots: int
    decided: int


def takes_bids(closes_at: datetime | None, now: datetime) -> bool:
    """Whether the time for bids still runs: what arrives at the stated moment itself is late."""
    return closes_at is not None and now < closes_at


def stage(tender: Tender | facts.Tender | Dates, now: datetime) -> Stage:
    """Where a tender stands at this moment, reckoned from its dates alone: nothing has to close it. Which lots are decided is
    not asked here: what is allowed does not depend on it."""
    if tender.cancelled_at is not None:
        return "cancelled"
    if tender.published_at is None:
        return "draft"
    if tender.opened_at is not None:
        return "evaluation"
    if not takes_bids(tender.closes_at, now):
        return "closed"
    if questions.are_taken(tender.questions_until, now):
        return "questions"
    return "open"


def standing(tender: Dates, now: datetime) -> Standing:
    """Where a tender stands, in words, and the date that matters now; after the opening, how many lots are decided."""
    found = stage(tender, now)
    if found == "evaluation" and 0 < tender.lots <= tender.decided:
        found = "decided"
    declared, tone = STAGES[found]
    word = _(declared)
    if found == "evaluation" and tender.decided:
        word = _("{decided} of {lots} lots decided", decided=tender.decided, lots=tender.lots)
    if found == "draft" and tender.waiver_asked:
        word, tone = _("With the minister"), "amber"
    if found in ("evaluation", "decided"):
        return Standing(found, word, tone, tender.opened_at, _("Opened"))
    if found == "cancelled":
        return Standing(found, word, tone, tender.cancelled_at, _("Cancelled"))
    label = {"draft": _("Planned to close"), "closed": _("Closed")}.get(found, "Closes")
    return Standing(found, word, tone, tender.closes_at, label)


# ── publishing ─────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("tender.already-published")
def draft_only(candidate: Candidate) -> str | None:
    """A tender is published once; what follows is an addition to it, dated and open."""
    if candidate.tender.published_at is not None:
        return _("This tender is published already. Add a change to it instead.")
    if candidate.tender.cancelled_at is not None:
        return _("This draft was given up. Begin a new one.")
    return None


@rule("tender.waiver-outstanding")
def not_waiting_for_the_minister(candidate: Candidate) -> str | None:
    """While a waiver is asked for, the tender stays as the minister reads it."""
    if candidate.tender.waiver_asked:
        return _(
            "Waiver request {waiver_asked} is with the minister. Wait for the decision, or withdraw the "
            "request to change the draft.",
            waiver_asked=candidate.tender.waiver_asked,
        )
    return None


@rule("tender.innovation-first", source="Design card: exercise or signed waiver first, for central government")
def innovation_first(candidate: Candidate) -> str | None:
    """A central-government purchase that is not a commodity follows a concluded innovation exercise on the same need, or a
    waiver that the department's minister signed."""
    found = gate.ask(candidate)
    if found.ground is not None:
        return None
    if _line(candidate, "exercise").holds and not _stopped(candidate):
        return _("The gate stays shut until what is missing of the exercise is there, or the minister waives it.")
    claimed = candidate.tender.commodity_claimed or gate.is_commodity(candidate.codes, candidate.now).commodity
    open_lines = [line for line in found.lines if not line.holds and line.code != "stop"]
    why = " ".join(line.says for line in open_lines if claimed or line.code != "commodity")
    if _stopped(candidate):
        return _("{why} Ask the minister for a waiver, or conclude a new exercise on this need first.", why=why)
    return _(
        "{why} Conclude an exercise on this subject first, or ask the minister for a waiver. If another "
        "body of your department has concluded one for you, name it under “Where it comes from”.",
        why=why,
    )


def _line(candidate: Candidate, code: str) -> gate.Line:
    """What the gate found on one question while it is shut; a question that was not asked holds."""
    found = gate.ask(candidate)
    holds = gate.Line(code, True, "")
    if found.ground is not None:
        return holds
    return next((line for line in found.lines if line.code == code and not line.holds), holds)


def _stopped(candidate: Candidate) -> bool:
    return not _line(candidate, "stop").holds


def _says(line: gate.Line) -> str | None:
    return None if line.holds else line.says


@rule(
    "tender.after-a-stop",
    source="Own default: an exercise that ends with “stop” is a finding, and only a minister sets it aside",
)
def nothing_after_a_stop(candidate: Candidate) -> str | None:
    """After an exercise that ended with “stop”, a central-government tender for the same need (one of its CPV codes has to do
    with a code of the exercise) opens only with a minister's waiver whose statement names it. The newest conclusion of the
    buyer's family counts, for each code; which exercise the tender names makes no difference."""
    return _says(_line(candidate, "stop"))


@rule("tender.exercise-too-small", source=str(policy.number("challenges.pitches_least").source))
def enough_was_done(candidate: Candidate) -> str | None:
    """The exercise it comes from rests on enough paid pitches, or on a public statement why the market stayed away that the
    innovation team approved, as it was found when it was concluded."""
    return _says(_line(candidate, "effort"))


@rule("tender.need-unsaid", field="same_need", source="Policy: gate.statement_characters")
def the_need_is_the_same(candidate: Candidate) -> str | None:
    """A tender says which exercise it comes from and why the need is the same; when that ended with “change”, also what
    changed. Readers see both side by side."""
    return _says(_line(candidate, "need"))


@rule("tender.follow-on-exceeded", source="Policy: gate.follow_on_percent")
def within_the_follow_on(candidate: Candidate) -> str | None:
    """An exercise opens tenders of the body that its challenge named as the payer, and together only up to the policy's
    share of the follow-on that the challenge stated before it was published."""
    return _says(_line(candidate, "follow-on"))


@rule("tender.description-missing", field="description")
def says_what_is_bought(candidate: Candidate) -> str | None:
    """The notice says in words what is to be bought."""
    if not candidate.tender.description.strip():
        return _("Say in a few sentences what you want to buy, and for whom.")
    return None


@rule("tender.kind-missing", field="contract_kind", source="Procurement Act 2023 Schedule 1")
def says_which_kind_of_contract(candidate: Candidate) -> str | None:
    """A tender says which kind of contract it is: goods or services, works, light touch, a concession, or for a utility
    activity. Each has its own threshold, so nothing is assumed."""
    if not candidate.tender.contract_kind:
        return _("Say which kind of contract this is. It decides which threshold binds.")
    return None


@rule(
    "tender.kind-wrong",
    field="contract_kind",
    source="Procurement Regulations 2024 regulations 42 and 45, Schedules 1 and 3",
)
def kind_fits_the_codes(candidate: Candidate) -> str | None:
    """The kind of contract is one that its CPV codes and its buyer can have: works are division 45 and nothing else, light
    touch services are those of the list, a utility activity is not central government's. Where codes cannot tell, the
    buyer says why, in public."""
    return value.misfit(candidate) if candidate.tender.contract_kind else None


@rule("tender.commodity-statement-missing", field="commodity_statement")
def claim_is_explained(candidate: Candidate) -> str | None:
    """Who calls a purchase a commodity says why, in public."""
    if candidate.tender.commodity_claimed and not candidate.tender.commodity_statement.strip():
        return _("Say why this is a commodity. The statement is published with the tender.")
    return None


@rule("tender.lots-missing")
def has_lots(candidate: Candidate) -> str | None:
    """A tender has at least one lot; a single one is the whole."""
    if not candidate.lots:
        return _("Add at least one lot with its value, CPV codes and criteria.")
    return None


@rule("tender.lot-incomplete")
def lots_are_complete(candidate: Candidate) -> str | None:
    """Every lot says what it is (CPV codes of the vocabulary) and what it is estimated to be worth."""
    wrong = []
    for lot in candidate.lots:
        if lot.value_minor <= 0:
            wrong.append(_("Lot {number} has no estimated value.", number=lot.number))
        if not lot.cpv:
            wrong.append(_("Lot {number} has no CPV code.", number=lot.number))
        wrong += [
            _("Lot {number}: {code} is not a CPV code.", number=lot.number, code=code)
            for code in lot.cpv
            if not cpv.known(code)
        ]
    return " ".join(wrong) or None


@rule("tender.undivided-reason-missing", field="undivided_reason", source="Procurement Act 2023 section 18(2)")
def divided_or_explained(candidate: Candidate) -> str | None:
    """A contract is divided into lots, or the notice says why it is not."""
    if len(candidate.lots) == 1 and len(candidate.tender.undivided_reason.strip()) < _REASON:
        return _("Say in at least {reason} characters why this is not divided into lots.", reason=_REASON)
    return None


_REASON = policy.IN_FORCE.tendering.lots_reason_characters


def offered_limit(lots: int) -> int | None:
    """How many of so many lots one supplier may win when the buyer asks for a limit without a number; none for one lot."""
    return policy.IN_FORCE.award.lots_limit(lots) if lots > 1 else None


@rule("tender.lots-limit-wrong", field="lots_per_supplier")
def lots_limit_fits(candidate: Candidate) -> str | None:
    """A limit on the lots one supplier may win lies between one and their number."""
    limit = candidate.tender.lots_per_supplier
    if limit is not None and candidate.lots and not 1 <= limit <= len(candidate.lots):
        return _(
            "One supplier may win between 1 and {number} lots; leave it empty for no limit.", number=len(candidate.lots)
        )
    return None


@rule("tender.weights-wrong", source="Procurement Act 2023 section 23: the relative importance of criteria is stated")
def weights_sum_to_the_whole(candidate: Candidate) -> str | None:
    """The weights of each lot's criteria sum to 100."""
    total = policy.IN_FORCE.award.weights_total
    wrong = []
    for lot in candidate.lots:
        weights = sum(each.weight for each in candidate.criteria.get(lot.id, ()))
        if not candidate.criteria.get(lot.id):
            wrong.append(_("Lot {number} has no criterion.", number=lot.number))
        elif weights != total:
            wrong.append(
                _(
                    "The weights of lot {number} sum to {weights}; they must sum to {total}.",
                    number=lot.number,
                    weights=weights,
                    total=total,
                )
            )
    return " ".join(wrong) or None


@rule("tender.price-weight-wrong", source="Policy: award.price_weight_minimum and award.price_weight_maximum")
def price_has_its_weight(candidate: Candidate) -> str | None:
    """Each lot has one criterion that is the price, and its weight is within the policy's bounds: wider for a commodity."""
    bounds = policy.IN_FORCE.award
    least, wrong = bounds.price_weight_minimum, []
    for lot in candidate.lots:
        prices = [each for each in candidate.criteria.get(lot.id, ()) if each.kind == "price"]
        commodity = gate.is_commodity(lot.cpv, candidate.now).commodity or gate.commodity(candidate).holds
        most = bounds.price_weight_maximum_commodity if commodity else bounds.price_weight_maximum
        if len(prices) > 1:
            wrong.append(
                _("Lot {number} has {prices} price criteria; it may have one.", number=lot.number, prices=len(prices))
            )
        elif not prices and candidate.criteria.get(lot.id):
            wrong.append(
                _(
                    "Lot {number} does not score the price; give it a weight of {least} to {most}.",
                    number=lot.number,
                    least=least,
                    most=most,
                )
            )
        elif prices and not least <= prices[0].weight <= most:
            wrong.append(
                _(
                    "In lot {number} the price weighs {weight}; it must weigh {least} to {most}.",
                    number=lot.number,
                    weight=prices[0].weight,
                    least=least,
                    most=most,
                )
            )
    return " ".join(wrong) or None


@rule("tender.tendering-period-short", field="closes_at", source="Procurement Act 2023 section 54(4)")
def time_enough_to_bid(candidate: Candidate) -> str | None:
    """Suppliers have the tendering period of the Act: 25 full days when every document is there with the notice, more when some
    come later, fewer after a qualifying planned notice or in a state of urgency that the tender explains."""
    closes, least = candidate.tender.closes_at, periods.shortest(candidate.tender)
    if closes is None:
        return _("Say until when bids are taken.")
    days = workdays.full_days_between(candidate.now, closes)
    if closes <= candidate.now or days < least:
        first = workdays.local_day(candidate.now) + timedelta(days=least)
        day = dates.day(first)
        return _(
            "Bids must be taken for at least {least} days: until {day} or later, if you publish today.",
            least=least,
            day=day,
        )
    return None


@rule("tender.questions-dates-wrong", field="questions_until")
def questions_end_before_closing(candidate: Candidate) -> str | None:
    """Questions are taken from publication on, and end early enough that the last answer is there in time."""
    until, closes = candidate.tender.questions_until, candidate.tender.closes_at
    if until is None:
        return _("Say until when questions are taken.")
    if until <= candidate.now:
        return _("The time for questions is over already. Choose a later one.")
    if closes is not None and until > workdays.answers_due_at(closes):
        due = workdays.local_day(workdays.answers_due_at(closes))
        day = dates.day(due)
        return _("The last answer is due on {day}: questions must end by then.", day=day)
    return None


@rule("tender.officers-one-hand", source=str(policy.number("people.invited_days").source))
def codes_are_in_several_hands(candidate: Candidate) -> str | None:
    """As many of the codes as open the bids are in different pairs of hands: officers of whom one let the other in lately, or
    whom the same person let in, count as one."""
    least = policy.IN_FORCE.tendering.opening_officers_minimum
    hands = pairs_of_hands((each.person_ref for each in candidate.officers), candidate.links)
    if len(candidate.officers) >= least > hands:
        return _(
            "The opening officers count as {hands}, and it takes {least}: one of them let the other in here, or somebody let in "
            "both, less than {days} days ago. Name somebody who has been here longer.",
            hands=hands,
            least=least,
            days=policy.IN_FORCE.people.invited_days,
        )
    return None


@rule("tender.officers-missing", source="Policy: tendering.opening_officers_minimum; nobody opens bids alone")
def enough_officers_hold_a_code(candidate: Candidate) -> str | None:
    """Two opening officers of the buyer hold their own codes: without two of them no bid can ever be read."""
    least = policy.IN_FORCE.tendering.opening_officers_minimum
    if len(candidate.officers) < least:
        return _("Name at least {least} opening officers; {number} named.", least=least, number=len(candidate.officers))
    waiting = [each for each in candidate.officers if each.enrolled_at is None]
    if waiting:
        return _(
            "{number} of {officers} opening officers have not yet written down their code.",
            number=len(waiting),
            officers=len(candidate.officers),
        )
    return None


@rule(
    "tender.contract-dates-wrong",
    field="contract_begins_on",
    source="Procurement Act 2023 section 51(2): no contract is signed during the standstill",
)
def contract_dates_follow(candidate: Candidate) -> str | None:
    """The contract begins when bids have closed, one has been chosen and the standstill is over, and it ends after it begins."""
    tender = candidate.tender
    if tender.contract_begins_on is None or tender.contract_ends_on is None:
        return _("Say when the contract begins and ends.")
    if tender.contract_ends_on < tender.contract_begins_on:
        return _("The contract ends before it begins.")
    if tender.closes_at is None:
        return None
    over = workdays.local_day(workdays.standstill_ends_at(tender.closes_at))
    if tender.contract_begins_on <= over:
        return _(
            "The contract begins before a bid can be chosen and the standstill is over: not before the day after {day}.",
            day=dates.day(over),
        )
    return None


PUBLISH = (
    draft_only,
    innovation_first,
    nothing_after_a_stop,
    enough_was_done,
    the_need_is_the_same,
    within_the_follow_on,
    not_waiting_for_the_minister,
    says_what_is_bought,
    says_which_kind_of_contract,
    kind_fits_the_codes,
    claim_is_explained,
    has_lots,
    lots_are_complete,
    divided_or_explained,
    lots_limit_fits,
    weights_sum_to_the_whole,
    price_has_its_weight,
    time_enough_to_bid,
    periods.planned_notice_qualifies,
    periods.urgency_is_explained,
    questions_end_before_closing,
    contract_dates_follow,
    enough_officers_hold_a_code,
    codes_are_in_several_hands,
    *named(draft_only),
)
"""For `actions.publish`; the same list is on the draft's page from the first minute."""


# ── changing a draft ───────────────────────────────────────────────────────────────────────────────────────────────


@rule("tender.not-a-draft")
def still_a_draft(tender: Tender) -> str | None:
    """What is published is not quietly rewritten."""
    if tender.published_at is not None:
        return _("This tender is published. Add a change to it instead; everybody sees what changed and when.")
    return None


@rule("tender.frozen")
def not_before_the_minister(tender: Tender) -> str | None:
    """While a waiver is asked for, nothing changes in the tender that the minister is reading."""
    if tender.waiver_asked:
        return _(
            "Waiver request {waiver_asked} is with the minister, so this draft is frozen. Withdraw the "
            "request to change it.",
            waiver_asked=tender.waiver_asked,
        )
    return None


EDIT = (still_a_draft, not_before_the_minister)
"""For every change of a draft, its lots, criteria and opening officers."""


@rule("tender.not-overridden-by-list")
def claim_differs_from_the_list(tender: Tender, codes: Sequence[str], now: Arrival) -> str | None:
    """Operators let a claim stand only where the buyer claims a commodity and the list says otherwise."""
    if not tender.commodity_claimed or not tender.commodity_statement.strip():
        return _("The buyer has not stated that this is a commodity.")
    if gate.is_commodity(codes, now).commodity:
        return _("The list of commodities agrees with the buyer already.")
    return None


CONFIRM = (claim_differs_from_the_list,)
"""For `actions.propose_commodity`."""


@rule("tender.date-unreal", source="Own default: dates that nobody alive will see are slips of the keyboard")
def dates_are_of_this_century(*moments: datetime | date | None) -> str | None:
    """The dates of a tender are of this century."""
    if any(moment is not None and not 2000 <= moment.year < 2100 for moment in moments):
        return _("One of the dates is not of this century. Check the years.")
    return None


# ── the end ────────────────────────────────────────────────────────────────────────────────────


@rule("tender.profile-unknown", field="profile", source="Design card, idea 10: mandated interoperable standards")
def profile_is_published(profile: str, known: bool) -> str | None:
    """A tender names a published version of a standards profile, so that everybody knows from the first day what must pass."""
    if not profile or known:
        return None
    return _("There is no profile {profile}. Choose one that is published under Standards, or none.", profile=profile)


@rule("tender.not-running")
def published_and_running(tender: Tender, decided: bool) -> str | None:
    """Only a published tender is cancelled, and only once."""
    if tender.published_at is None:
        return _("This tender is a draft; nobody has to be told that it ends.")
    if tender.cancelled_at is not None:
        return _("This tender is cancelled already.")
    return None


@rule("tender.already-awarded", source="Procurement Act 2023 section 55: a procurement is terminated before a contract")
def nothing_is_decided(tender: Tender, decided: bool) -> str | None:
    """After an award a tender is not cancelled; the award is set aside first, in the open."""
    if decided:
        return _("An award of this tender stands. Set it aside first.")
    return None


CANCEL = (published_and_running, nothing_is_decided)
"""For `actions.cancel`."""


# ── what is chosen from lists ──────────────────────────────────────────────────────────────────────────────────────

STAGE_UNKNOWN = Denial(
    "tender.stage-unknown",
    N_("There is no such stage of a tender."),
    norm="Tenders are listed by the stages there are.",
    field="stage",
    status=400,
)

MISSION_UNKNOWN = Denial(
    "tender.mission-unknown",
    N_("Choose a published mission from the list."),
    norm="A tender serves a mission that everybody can read.",
    field="mission",
    status=422,
)

EXERCISE_UNKNOWN = Denial(
    "tender.exercise-unknown",
    N_("{exercise} is not a concluded exercise of your body or your department. Choose one from the list."),
    norm="The exercise that a tender names is concluded, and one of the buyer's family.",
    field="exercise",
    status=422,
)

CPV_UNKNOWN = Denial(
    "tender.cpv-unknown",
    "{why}",
    norm="A code is one of the Common Procurement Vocabulary.",
    field="cpv",
    source="Regulation (EC) No 213/2008",
    status=422,
)

SAME_LOT = Denial(
    "tender.same-lot",
    N_("Choose another lot to copy from."),
    norm="Criteria are copied from another lot.",
    field="source",
)

OFFICER_ELSEWHERE = Denial(
    "tender.officer-elsewhere",
    N_("An opening officer is a person of the buyer. Choose one."),
    norm="Bids are opened by people of the buyer.",
    field="person",
    status=422,
)

OFFICER_NAMED_ALREADY = Denial(
    "tender.officer-named-already",
    N_("{name} is named already."),
    norm="An opening officer is named once: two people open, not one person twice.",
    field="person",
)

NOT_AN_OFFICER = Denial(
    "tender.not-an-officer",
    N_("You are not named as an opening officer of this tender."),
    norm="Only those whom the buyer named hold a code.",
    status=403,
)
