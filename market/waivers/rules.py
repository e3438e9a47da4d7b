"""Where a waiver request stands, and what must hold before it is asked for, withdrawn, signed or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from market import dates, policy, workdays
from market.arrival import Arrival
from market.hands import rules as hands
from market.refusals import Denial, rule
from market.standing import Standing, Tone
from market.tenders import gate
from market.tenders import rules as tender_rules
from market.tenders.facts import Candidate
from market.waivers.grounds import grounds
from market.wording import N_, _, together

if TYPE_CHECKING:
    from market.waivers.tables import Waiver

Stage = Literal["asked", "withdrawn", "refused", "in-force", "suspended", "revoked", "expired"]

STAGES: Mapping[Stage, tuple[str, Tone]] = {
    "asked": (N_("Waiting for the minister"), "amber"),
    "withdrawn": (N_("Withdrawn"), "grey"),
    "refused": (N_("Refused"), "red"),
    "in-force": (N_("In force"), "green"),
    "suspended": (N_("Suspended"), "red"),
    "revoked": (N_("Revoked"), "red"),
    "expired": (N_("Expired"), "grey"),
}
"""The word for each stage, and its tone."""

_LONG_ENOUGH = policy.IN_FORCE.gate.waiver_reason_characters


class Dates(msgspec.Struct, frozen=True):
    """What the standing of a waiver is reckoned from."""

    asked_at: datetime | None
    withdrawn_at: datetime | None
    decided_at: datetime | None
    refusal_reason: str
    revoked_at: datetime | None
    suspends_at: datetime | None
    valid_until: datetime | None


def stage(waiver: Waiver | Dates, now: datetime) -> Stage:
    """Where a request stands now, reckoned from its dates: nothing has to end a waiver."""
    if waiver.withdrawn_at is not None:
        return "withdrawn"
    if waiver.decided_at is None:
        return "asked"
    if waiver.refusal_reason:
        return "refused"
    if waiver.revoked_at is not None:
        return "revoked"
    if waiver.valid_until is not None and workdays.is_over(waiver.valid_until, now):
        return "expired"
    if waiver.suspends_at is not None and workdays.is_over(waiver.suspends_at, now):
        return "suspended"
    return "in-force"


def standing(waiver: Waiver | Dates, now: datetime) -> Standing:
    """Where a request stands, in words, and the date that matters now."""
    found = stage(waiver, now)
    dates: dict[Stage, tuple[datetime | None, str]] = {
        "asked": (waiver.asked_at, _("Asked")),
        "withdrawn": (waiver.withdrawn_at, _("Withdrawn")),
        "refused": (waiver.decided_at, _("Refused")),
        "in-force": (waiver.valid_until, _("Valid until")),
        "suspended": (waiver.suspends_at, _("Suspended since")),
        "revoked": (waiver.revoked_at, _("Revoked")),
        "expired": (waiver.valid_until, _("Expired")),
    }
    word, tone = STAGES[found]
    return Standing(found, _(word), tone, *dates[found])


@dataclass(frozen=True, slots=True)
class Wish:
    """What a buyer asks for, beside the tender it is asked for. `shown` are the references of the concluded exercises on
    the same subject that were put before her."""

    tender: Candidate
    ground: str
    statement: str
    evidence: Sequence[str]
    similar: str
    cost_of_waiting: str
    valid_until: datetime
    shown: Sequence[str]


# ── asking ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("waiver.not-a-draft")
def for_a_draft(wish: Wish) -> str | None:
    """A waiver is asked for before a tender is published: afterwards it would excuse what has been done."""
    if wish.tender.tender.published_at is not None:
        return _("This tender is published. A waiver comes before publication.")
    return None


@rule("waiver.asked-already")
def one_at_a_time(wish: Wish) -> str | None:
    """One request is with the minister at a time; a refused one is followed by a new one, not by an edited one."""
    if wish.tender.tender.waiver_asked:
        return _(
            "Request {waiver_asked} is with the minister already. Wait, or withdraw it first.",
            waiver_asked=wish.tender.tender.waiver_asked,
        )
    return None


@rule("waiver.not-needed")
def the_gate_is_shut(wish: Wish) -> str | None:
    """A minister is asked only where the gate would otherwise stay shut."""
    found = gate.ask(wish.tender)
    if found.ground is not None:
        return _("This tender needs no waiver. {says}", says=found.lines[-1].says)
    return None


@rule("waiver.tender-incomplete")
def the_purchase_is_described(wish: Wish) -> str | None:
    """The minister signs for lots with their codes and values, so these are there before she is asked."""
    for found in (
        tender_rules.has_lots(wish.tender),
        tender_rules.lots_are_complete(wish.tender),
        tender_rules.says_what_is_bought(wish.tender),
    ):
        if found is not None:
            return _(
                "Finish the lots and the description first: the minister signs for exactly these. {reason}",
                reason=found.reason,
            )
    return None


@rule("waiver.ground-unknown", field="ground")
def ground_is_on_the_list(wish: Wish) -> str | None:
    """A waiver rests on one of the published grounds."""
    return None if wish.ground in grounds() else _("Choose one of the grounds on the list.")


@rule("waiver.statement-short", field="statement", source="Policy: gate.waiver_reason_characters")
def the_reason_can_be_checked(wish: Wish) -> str | None:
    """The statement says enough that somebody else can check it."""
    if len(wish.statement.strip()) < _LONG_ENOUGH:
        return _(
            "Say why in at least {long_enough} characters: the statement is published with the decision.",
            long_enough=_LONG_ENOUGH,
        )
    return None


@rule("waiver.evidence-missing", field="evidence")
def something_shows_it(wish: Wish) -> str | None:
    """A statement is shown to be true by something that can be looked up."""
    if not [each for each in wish.evidence if each.strip()]:
        return _(
            "Give at least one piece of evidence: the reference of an exercise, a link, or a document by its name."
        )
    return None


@rule("waiver.exercise-unnamed", field="evidence")
def the_exercise_is_named(wish: Wish) -> str | None:
    """Who relies on somebody else's exercise names it."""
    ground = grounds().get(wish.ground)
    if ground and ground.names_an_exercise and not any(re.search(r"\bCH-\w+|https://", each) for each in wish.evidence):
        return _("Name the exercise you rely on by its reference (like CH-7KQ4M2X) or its address.")
    return None


@rule(
    "waiver.stop-unnamed",
    field="statement",
    source="Own default: a minister who sets a finding aside knows of it, and says so",
)
def the_stop_is_named(wish: Wish) -> str | None:
    """After an exercise on the same need that ended with “stop”, the statement names it by its reference and says why the
    purchase goes on all the same. Asked of the buyer, and again at the moment the minister signs."""
    unnamed = [each.reference for each in gate.stopping(wish.tender) if each.reference not in wish.statement]
    if unnamed:
        return _(
            "{stops} ended with “stop” on the same need. Name it by its reference in the statement, and say why the purchase "
            "goes on all the same.",
            stops=together(unnamed),
        )
    return None


@rule("waiver.similar-unanswered", field="similar")
def similar_exercises_are_answered(wish: Wish) -> str | None:
    """Where exercises on the same subject are on record, the buyer says why they do not serve, or that they do."""
    if wish.shown and len(wish.similar.strip()) < 20:
        return _(
            "On the same subject there is {shown}. Say how each bears on this request.", shown=", ".join(wish.shown)
        )
    return None


@rule("waiver.cost-missing", field="cost_of_waiting")
def waiting_has_a_cost(wish: Wish) -> str | None:
    """The minister weighs an exercise against waiting for one, so she is told what waiting costs."""
    if len(wish.cost_of_waiting.strip()) < 10:
        return _("Say what it costs to wait for an exercise: money, weeks, people.")
    return None


@rule(
    "waiver.validity-wrong",
    field="valid_until",
    source="Policy: gate.waiver_maximum_months; exceptions end by themselves",
)
def it_ends_within_a_year(wish: Wish) -> str | None:
    """A waiver ends by itself, within the policy's months from the day it is asked for."""
    most = workdays.add_months(wish.tender.now, policy.IN_FORCE.gate.waiver_maximum_months)
    if wish.valid_until <= wish.tender.now:
        return _("Choose a day in the future.")
    if wish.valid_until > most:
        day = dates.day(most)
        return _(
            "No waiver lasts longer than {months} months. Choose a day until {day}.",
            months=policy.IN_FORCE.gate.waiver_maximum_months,
            day=day,
        )
    return None


ASK = (
    for_a_draft,
    one_at_a_time,
    the_gate_is_shut,
    the_purchase_is_described,
    ground_is_on_the_list,
    the_reason_can_be_checked,
    something_shows_it,
    the_exercise_is_named,
    the_stop_is_named,
    similar_exercises_are_answered,
    waiting_has_a_cost,
    it_ends_within_a_year,
)
"""For `actions.ask`."""


# ── deciding ───────────────────────────────────────────────────────────────────────────────────────────────────────


@rule("waiver.already-decided")
def still_open(waiver: Waiver, now: Arrival) -> str | None:
    """A request is decided once, and a withdrawn one not at all."""
    if waiver.withdrawn_at is not None:
        return _("This request was withdrawn by the buyer.")
    if waiver.decided_at is not None:
        return _("This request has been decided already. Read the decision on its page.")
    return None


@rule("waiver.out-of-date")
def still_of_use(waiver: Waiver, now: Arrival) -> str | None:
    """A waiver whose last day has passed opens nothing, so it is not signed."""
    if waiver.valid_until is not None and workdays.is_over(waiver.valid_until, now):
        return _("The last day that was asked for has passed. Refuse the request, or have the buyer ask anew.")
    return None


SIGN = (still_open, still_of_use)
"""For `actions.begin_signing` and `actions.sign`."""

NAMED = (the_stop_is_named,)
"""For `actions.begin_signing` and `actions.sign` too: an exercise may have stopped since it was asked."""


@rule("waiver.same-person", source="Own default: an exception is looked at by somebody who does not need it")
def another_person_signs(doing: hands.Doing) -> str | None:
    """A minister who asked for a waiver herself, as a buyer, does not sign it; she may refuse it."""
    return hands.both(doing)


SIGNER = (another_person_signs,)
"""For `actions.begin_signing` and `actions.sign`; a delegate's own business is refused with her instrument."""

REFUSE = (still_open,)
"""For `actions.refuse`."""

WITHDRAW = (still_open,)
"""For `actions.withdraw`."""


@rule("waiver.refusal-short", field="reason", source="Policy: gate.waiver_reason_characters")
def refusal_says_why(reason: str) -> str | None:
    """Who refuses says why, so that the buyer knows what to do instead."""
    if len(reason.strip()) < _LONG_ENOUGH:
        return _(
            "Say why in at least {long_enough} characters: the buyer, and the public, read it.",
            long_enough=_LONG_ENOUGH,
        )
    return None


@rule("waiver.not-in-force")
def is_in_force(waiver: Waiver, now: Arrival) -> str | None:
    """A waiver is revoked once, while it is in force; what was published with it before stays published."""
    if stage(waiver, now) not in ("in-force", "suspended"):
        return _("Only a waiver that is in force can be revoked.")
    return None


REVOKE = (is_in_force,)
"""For `actions.revoke`."""


STANDING_UNKNOWN = Denial(
    "waiver.standing-unknown",
    N_("There is no such standing of a waiver."),
    norm="Waivers are listed by the standings there are.",
    field="standing",
    status=400,
)

CHANGED_MEANWHILE = Denial(
    "waiver.changed-meanwhile",
    N_("What you were asked to sign is no longer what is asked. Read it again."),
    norm="A minister signs what she read.",
)

SIGNATURE_REFUSED = Denial(
    "waiver.signature-refused",
    N_("The signature does not hold. {why}"),
    norm="What is kept as signed was signed with the minister's own key, for this waiver.",
    status=422,
)

NOT_IN_OFFICE = Denial(
    "waiver.not-in-office",
    N_("You do not hold this office now."),
    norm="A waiver is signed by whoever holds the office on that day.",
    status=403,
)
