"""What must hold before somebody is proposed, confirmed or withdrawn as minister, auditor or operator."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from market import mailboxes, policy, workdays
from market.accounts.rules import APPOINTED
from market.arrival import Arrival
from market.hands import rules as hands
from market.refusals import Denial, rule
from market.wording import N_, _

if TYPE_CHECKING:
    from market.appointments.tables import Appointment, Listed

TWO = N_("Own default: nobody makes by herself those who decide, oversee or run the site")


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is known when somebody is proposed: the role, her first day (None where the role has none) and the moment;
    `own`: the mailbox is the proposer's; `shared`: several people read it; `others`: how many could confirm it; `auditors`: how
    many hold that office now."""

    role: str
    since: datetime | None
    now: Arrival
    instrument: str
    own: bool
    shared: bool
    others: int
    auditors: int


@dataclass(frozen=True, slots=True)
class Confirming:
    """What is known when somebody confirms: who proposed (`doing`), whether she herself is the one appointed, and whether one of
    the two is an operator."""

    appointment: Appointment
    doing: hands.Doing
    own: bool
    operator_among_them: bool


@dataclass(frozen=True, slots=True)
class Withdrawing:
    """What is known when somebody stops an appointment."""

    appointment: Appointment
    reason: str
    now: Arrival


def waits(row: Appointment | Listed) -> bool:
    """Whether it still waits for a second person."""
    return row.confirmed_at is None and row.withdrawn_at is None


def is_coming(row: Appointment | Listed, now: datetime) -> bool:
    """Whether it is published and not yet in effect: an auditor can still object."""
    return row.withdrawn_at is None and row.effect_at is not None and row.effect_at > now


def state_code(row: Appointment | Listed, now: datetime) -> Literal["waiting", "coming", "in-effect", "withdrawn"]:
    """Where it stands, for programs; it follows from its dates."""
    if row.withdrawn_at is not None:
        return "withdrawn"
    if waits(row):
        return "waiting"
    return "coming" if is_coming(row, now) else "in-effect"


@rule("appointment.not-appointed", field="role", source=TWO)
def is_an_office(proposal: Proposal) -> str | None:
    """Two people appoint ministers, auditors and operators; everybody else is invited by her own body."""
    return None if proposal.role in APPOINTED else _("Choose minister, auditor or operator.")


@rule(
    "appointment.back-dated",
    field="office_since",
    source="Own default: nobody held an office here before it was proposed",
)
def is_not_back_dated(proposal: Proposal) -> str | None:
    """An office begins on the day of its proposal at the earliest: what was signed before stays unsigned."""
    if proposal.since is not None and workdays.local_day(proposal.since) < workdays.local_day(proposal.now):
        return _(
            "The first day in office cannot be before today: what was done before then was done without the office."
        )
    return None


@rule(
    "appointment.instrument-missing",
    field="instrument",
    source=str(policy.number("people.instrument_characters").source),
)
def names_its_instrument(proposal: Proposal) -> str | None:
    """An appointment rests on a paper that others can ask for, and names it."""
    least = policy.IN_FORCE.people.instrument_characters
    if len(proposal.instrument.strip()) < least:
        return _(
            "Name the letter or order that appoints her, with its date, in at least {least} characters.", least=least
        )
    return None


@rule("appointment.own", field="email", source=TWO)
def is_for_somebody_else(proposal: Proposal) -> str | None:
    """Nobody proposes herself."""
    return _("This is your own address. Somebody else proposes you.") if proposal.own else None


@rule("appointment.shared-mailbox", field="email", source=mailboxes.source_of_shared())
def is_read_by_one(proposal: Proposal) -> str | None:
    """Whoever decides, oversees or runs the site reads her letters alone."""
    return _("Several people read this mailbox. Enter her own address.") if proposal.shared else None


@rule("appointment.nobody-confirms", source=TWO)
def somebody_can_confirm(proposal: Proposal) -> str | None:
    """While there is one operator and no auditor, nobody is appointed."""
    if proposal.others:
        return None
    return _(
        "Nobody else here can confirm this yet. It takes a second operator, whom whoever runs the site lets in with “market "
        "operator”, or an auditor."
    )


@rule("appointment.auditor-first", field="role", source=TWO)
def somebody_can_object(proposal: Proposal) -> str | None:
    """What two people appoint, an auditor can stop before it takes effect: while there is none, the first auditor is appointed and
    nobody else."""
    if proposal.auditors or proposal.role == "auditor":
        return None
    return _("There is no auditor yet who could object. Appoint the first auditor before anybody else.")


PROPOSE = (
    is_an_office,
    is_not_back_dated,
    names_its_instrument,
    is_for_somebody_else,
    is_read_by_one,
    somebody_can_confirm,
    somebody_can_object,
)
"""For `actions.propose`, beside what every role asks (`INVITE` of accounts)."""


@rule("appointment.decided")
def still_waits(confirming: Confirming) -> str | None:
    """An appointment is confirmed once, and not after it was withdrawn."""
    if confirming.appointment.withdrawn_at is not None:
        return _("This proposal was withdrawn.")
    return _("This appointment is confirmed already.") if confirming.appointment.confirmed_at is not None else None


@rule("appointment.same-person", source=TWO)
def another_person_confirms(confirming: Confirming) -> str | None:
    """Who proposed somebody does not confirm her."""
    return hands.both(confirming.doing)


@rule("appointment.one-pair-of-hands", source=str(policy.number("people.invited_days").source))
def not_somebody_proposed_lately(confirming: Confirming) -> str | None:
    """Nor does whoever was lately appointed on the proposer's word, on whose word she was, or on the same person's as she."""
    return hands.as_one(confirming.doing)


@rule("appointment.own-confirmed", source=TWO)
def is_not_her_own(confirming: Confirming) -> str | None:
    """Nobody confirms herself."""
    return _("This is your own appointment. Somebody else confirms it.") if confirming.own else None


@rule("appointment.no-operator", source=TWO)
def an_operator_is_among_them(confirming: Confirming) -> str | None:
    """Two operators appoint, or an operator and an auditor: auditors alone do not make auditors."""
    if confirming.operator_among_them:
        return None
    return _("An auditor proposed this, so an operator has to confirm it.")


CONFIRM = (
    still_waits,
    another_person_confirms,
    not_somebody_proposed_lately,
    is_not_her_own,
    an_operator_is_among_them,
)
"""For `actions.confirm`."""


@rule("appointment.in-effect")
def is_not_in_effect(withdrawing: Withdrawing) -> str | None:
    """An appointment is stopped before it takes effect, once; afterwards the role is ended, which is another act."""
    row = withdrawing.appointment
    if row.withdrawn_at is not None:
        return _("This was withdrawn already.")
    if row.effect_at is not None and row.effect_at <= withdrawing.now:
        return _("This is in effect. End the role on the page of the body's people.")
    return None


@rule("appointment.objection-unreasoned", field="reason")
def says_why(withdrawing: Withdrawing) -> str | None:
    """Why an appointment was stopped is public."""
    least = policy.IN_FORCE.people.instrument_characters
    if len(withdrawing.reason.strip()) < least:
        return _("Say why, in at least {least} characters. Everybody can read it.", least=least)
    return None


WITHDRAW = (is_not_in_effect, says_why)
"""For `actions.withdraw`."""

NO_PROGRAM = Denial(
    "appointment.by-program",
    N_("A program does not appoint anybody. Sign in to do that."),
    norm="Only a person who signed in appoints: a stolen token must not make ministers.",
    status=403,
)
