"""What must hold before what decides whom the rule binds is proposed, confirmed, objected to or withdrawn; and when it holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from market import dates, policy, workdays
from market.arrival import Arrival
from market.hands import rules as hands
from market.refusals import Denial, Refusal, refusals, rule
from market.wording import N_, _

if TYPE_CHECKING:
    from market.rulings.tables import Listed

TWO = N_("Own default: nobody decides by herself that the rule does not bind")

ABOUT: dict[str, str] = {
    "tier": N_("Tier of government"),
    "department": N_("Department that answers for it"),
    "commodity": N_("Commodity against the list"),
    "policy": N_("Numbers of the policy"),
    "commodities": N_("List of commodities"),
    "contract-kinds": N_("List of kinds of contract"),
    "waiver-grounds": N_("List of grounds of a waiver"),
}
"""What a ruling can be about, as people read it."""

TEXTS = ("policy", "commodities", "contract-kinds", "waiver-grounds")
"""Those that are about a text beside the program."""

TIERS: dict[str, str] = {
    "central": N_("Central government"),
    "sub-central": N_("Sub-central government"),
    "local": N_("Local government"),
    "health": N_("Health"),
    "other": N_("Other public body"),
}
"""The tiers of buyers, as people read them."""


BOUND = "bound"
"""What holds of a draft whose claim no ruling lets stand: the list decides."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What is known when something is proposed. `others`: how many could confirm it; `auditors`: how many could object; `belongs`: whether she is of the body
    that it is about, or of its department; `open_already`: the reference of a ruling about the same thing that does not hold
    yet, empty when there is none."""

    before: str
    after: str
    ground: str
    instrument: str
    others: int
    auditors: int
    belongs: bool
    open_already: str


@dataclass(frozen=True, slots=True)
class Confirming:
    """What is known when somebody confirms: who proposed (`doing`), whether one of the two is an operator, whether she is of
    the body concerned, and what holds now (`stands`), which the proposal said it changes."""

    ruling: Listed
    doing: hands.Doing
    operator_among_them: bool
    belongs: bool
    stands: str


@dataclass(frozen=True, slots=True)
class Stopping:
    """What is known when somebody objects, lifts an objection, or withdraws a ruling; `own`: the objection that stands is
    hers."""

    ruling: Listed
    reason: str
    own: bool
    now: Arrival


def objections_until(now: datetime) -> datetime:
    """The last moment at which an auditor can object to what is published now."""
    return workdays.add_working_days(now, policy.IN_FORCE.rulings.wait_working_days)


def effect_at(until: datetime) -> datetime:
    """From when a ruling holds to which auditors could object until then: what arrived in the last second has had its turn."""
    return until + timedelta(seconds=policy.IN_FORCE.bids.opening_wait_seconds)


def waits(row: Listed) -> bool:
    """Whether it still waits for a second person."""
    return row.confirmed_at is None and row.withdrawn_at is None


def is_objected(row: Listed) -> bool:
    """Whether an objection stands against it."""
    return row.objected_at is not None and row.withdrawn_at is None


def holds(row: Listed, now: datetime) -> bool:
    """Whether it is in force."""
    return row.withdrawn_at is None and row.objected_at is None and row.effect_at is not None and row.effect_at <= now


def is_coming(row: Listed, now: datetime) -> bool:
    """Whether it is published and not yet in force, and nothing stops it."""
    return row.confirmed_at is not None and row.withdrawn_at is None and row.objected_at is None and not holds(row, now)


STATES: dict[str, tuple[str, str]] = {
    "waiting": (N_("Waits for a second person"), "amber"),
    "published": (N_("Published, not yet in force"), "amber"),
    "objected": (N_("Stopped by an objection"), "red"),
    "in-force": (N_("In force"), "green"),
    "withdrawn": (N_("Withdrawn"), "grey"),
}
"""Where a ruling can stand: in words and in colour."""


def state_code(row: Listed, now: datetime) -> str:
    """Where it stands."""
    if row.withdrawn_at is not None:
        return "withdrawn"
    if waits(row):
        return "waiting"
    if is_objected(row):
        return "objected"
    return "in-force" if holds(row, now) else "published"


def state(row: Listed, now: datetime) -> tuple[str, str]:
    """Where it stands, in words and in colour."""
    words, tone = STATES[state_code(row, now)]
    return _(words), tone


def value_words(about: str, value: str) -> str:
    """What something is changed from or to, as people read it."""
    if about == "commodity":
        return _("no commodity by the list") if value == BOUND else _("a commodity: {codes}", codes=value)
    if about in TEXTS:
        return _("version {digest}", digest=value[:12]) if value else _("none")
    return _(TIERS[value]) if about == "tier" and value in TIERS else value or _("none")


@rule("ruling.changes-nothing", field="after")
def changes_something(proposal: Proposal) -> str | None:
    """What is proposed is otherwise than what holds."""
    return _("This is so already. Choose what it shall be.") if proposal.before == proposal.after else None


@rule("ruling.ground-missing", field="ground", source=str(policy.number("rulings.ground_characters").source))
def says_on_what_ground(proposal: Proposal) -> str | None:
    """Everybody can read why the rule is to bind otherwise."""
    least = policy.IN_FORCE.rulings.ground_characters
    if len(proposal.ground.strip()) < least:
        return _("Say why, in at least {least} characters. Everybody can read it.", least=least)
    return None


@rule("ruling.instrument-missing", field="instrument", source=str(policy.number("people.instrument_characters").source))
def names_its_paper(proposal: Proposal) -> str | None:
    """It rests on a paper that others can ask for, and names it."""
    least = policy.IN_FORCE.people.instrument_characters
    if len(proposal.instrument.strip()) < least:
        return _("Name the paper it rests on, with its date, in at least {least} characters.", least=least)
    return None


@rule("ruling.own-body", source=N_("Own default: nobody decides whether the rule binds herself"))
def is_about_others(proposal: Proposal) -> str | None:
    """Nobody of the body concerned, or of its department, proposes what binds it."""
    return _("You belong to the body that this is about. Somebody else has to.") if proposal.belongs else None


@rule("ruling.nobody-confirms", source=TWO)
def somebody_can_confirm(proposal: Proposal) -> str | None:
    """While there is one operator and no auditor, the rule binds as it does."""
    if proposal.others:
        return None
    return _("Nobody else here can confirm this yet. It takes a second operator, or an auditor.")


@rule("ruling.nobody-objects", source=TWO)
def somebody_can_object(proposal: Proposal) -> str | None:
    """The waiting time is there so that an auditor can object: while there is no auditor, the rule binds as it does."""
    return None if proposal.auditors else _("There is no auditor yet who could object. Appoint one under Appointments.")


@rule("ruling.open-already")
def no_other_waits(proposal: Proposal) -> str | None:
    """One thing has one open proposal: a second would hide what the first was objected to for. Withdraw the first."""
    if proposal.open_already:
        return _("{ref} is about the same and not decided yet. Withdraw it first.", ref=proposal.open_already)
    return None


PROPOSE = (
    changes_something,
    says_on_what_ground,
    names_its_paper,
    is_about_others,
    somebody_can_confirm,
    somebody_can_object,
    no_other_waits,
)
"""For `actions.propose`."""


@rule("ruling.decided")
def still_waits(confirming: Confirming) -> str | None:
    """A ruling is confirmed once, and not after it was withdrawn."""
    if confirming.ruling.withdrawn_at is not None:
        return _("This proposal was withdrawn.")
    return _("This is confirmed already.") if confirming.ruling.confirmed_at is not None else None


@rule("ruling.same-person", source=TWO)
def another_person_confirms(confirming: Confirming) -> str | None:
    """Who proposed it does not confirm it."""
    return hands.both(confirming.doing)


@rule("ruling.one-pair-of-hands", source=str(policy.number("people.invited_days").source))
def not_by_her_own_mailbox(confirming: Confirming) -> str | None:
    """Nor does whom the proposer lately let in, who let her in, or whom the same person did: a second mailbox is no second
    person."""
    return hands.as_one(confirming.doing)


@rule("ruling.own-body-confirmed", source=N_("Own default: nobody decides whether the rule binds herself"))
def is_about_another_body(confirming: Confirming) -> str | None:
    """Nor does anybody of that body, or of its department, confirm it."""
    return _("You belong to the body that this is about. Somebody else has to.") if confirming.belongs else None


@rule("ruling.no-operator", source=TWO)
def an_operator_is_among_them(confirming: Confirming) -> str | None:
    """Two operators decide, or an operator and an auditor."""
    if confirming.operator_among_them:
        return None
    return _("An auditor proposed this, so an operator has to confirm it.")


@rule("ruling.overtaken")
def changes_what_holds(confirming: Confirming) -> str | None:
    """What is confirmed changes what holds now, as the proposal says."""
    if confirming.stands != confirming.ruling.before:
        return _("What holds has changed since this was proposed. Withdraw it and propose it anew.")
    return None


CONFIRM = (
    still_waits,
    another_person_confirms,
    not_by_her_own_mailbox,
    is_about_another_body,
    an_operator_is_among_them,
    changes_what_holds,
)
"""For `actions.confirm`."""


@rule("ruling.too-late-to-object", source=str(policy.number("rulings.wait_working_days").source))
def objects_in_time(stopping: Stopping) -> str | None:
    """An auditor objects after it was confirmed and before the waiting time is over; the last second is in time."""
    row = stopping.ruling
    if row.withdrawn_at is not None:
        return _("This was withdrawn, so there is nothing to object to.")
    if row.objections_until is None:
        return _("Nobody has confirmed this yet. An auditor can object once it is confirmed.")
    if workdays.is_over(row.objections_until, stopping.now):
        return _("Objections could be made until {day}. Propose the opposite.", day=dates.day(row.objections_until))
    return None


@rule("ruling.objected-already")
def nobody_objected_yet(stopping: Stopping) -> str | None:
    """One objection is enough, and stands until who made it lifts it."""
    return _("An objection stands already.") if stopping.ruling.objected_at is not None else None


@rule("ruling.reason-missing", field="reason", source=str(policy.number("people.instrument_characters").source))
def says_why(stopping: Stopping) -> str | None:
    """Why a ruling was stopped is public."""
    least = policy.IN_FORCE.people.instrument_characters
    if len(stopping.reason.strip()) < least:
        return _("Say why, in at least {least} characters. Everybody can read it.", least=least)
    return None


OBJECT = (objects_in_time, nobody_objected_yet, says_why)
"""For `actions.object_to`."""


@rule("ruling.not-your-objection")
def lifts_her_own(stopping: Stopping) -> str | None:
    """Who objected lifts the objection, and nobody else; the waiting time then begins anew."""
    return None if stopping.own else _("Only the auditor who objected can lift the objection.")


LIFT = (lifts_her_own,)
"""For `actions.lift`."""


@rule("ruling.in-force")
def does_not_hold_yet(stopping: Stopping) -> str | None:
    """A ruling is withdrawn before it holds; afterwards another ruling changes it back."""
    if stopping.ruling.withdrawn_at is not None:
        return _("This was withdrawn already.")
    if holds(stopping.ruling, stopping.now):
        return _("This is in force. Propose the opposite.")
    return None


WITHDRAW = (does_not_hold_yet, says_why)
"""For `actions.withdraw`."""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a text that came into force at a moment."""

    about: str
    digest: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Serving:
    """A text beside the program: the versions of it that came into force until now, oldest first, and its own digest."""

    registered: Sequence[Version]
    digest: str
    now: Arrival


@rule("ruling.text-not-registered", source=str(policy.number("rulings.deploy_days").source))
def text_is_in_force(serving: Serving) -> str | None:
    """A site serves with the policy file and the lists in force and no others: the newest version that two people confirmed and
    no auditor stopped, or for some days the one before it."""
    if not serving.registered:
        return _("No version of it is registered in this database. Run `python -m market migrate`.")
    newest = serving.registered[-1]
    if serving.digest == newest.digest:
        return None
    until = workdays.add_days(newest.since, policy.IN_FORCE.rulings.deploy_days)
    before = serving.registered[-2].digest if len(serving.registered) > 1 else ""
    if serving.digest == before:
        if not workdays.is_over(until, serving.now):
            return None
        return _("A newer version has been in force since {day}. Lay it there.", day=dates.day(newest.since))
    return _(
        "Its version {digest} is not one that two people confirmed and that is in force. Propose it under Rulings, or lay the "
        "version in force ({newest}) there.",
        digest=serving.digest[:12],
        newest=newest.digest[:12],
    )


SERVE = (text_is_in_force,)
"""Before a site is served, and for `python -m market policy`."""


def may_be_served(serving: Serving) -> Refusal | None:
    """Why a text may not be served, None when it may."""
    return next(iter(refusals(SERVE, serving)), None)


NO_PROGRAM = Denial(
    "ruling.by-program",
    N_("A program does not decide whom the rule binds. Sign in to do that."),
    norm="Only a person who signed in proposes, confirms or stops a ruling: a stolen token must not switch the rule off.",
    status=403,
)

NO_TIER = Denial(
    "ruling.no-such-tier",
    N_("Choose a tier from the list."),
    norm="The tier is one of those the law knows, and only buyers have one.",
    field="after",
)

NO_DEPARTMENT = Denial(
    "ruling.no-such-department",
    N_("Choose a central department, or none when this is one itself."),
    norm="The department that answers for a body is a central one; a department itself names none.",
    field="after",
)

NO_SUCH_TEXT = Denial(
    "ruling.no-such-text",
    N_("Choose the text from the list."),
    norm="The texts that are registered are the policy file, and the lists of commodities, kinds of contract and grounds of a waiver.",
    field="about",
)

TEXT_UNREADABLE = Denial(
    "ruling.text-unreadable",
    N_("This cannot be read: {why}"),
    norm="A new version is a whole file of the same shape: of the policy each number with its value, unit, source and sentence.",
    field="text",
)

NOTHING_REGISTERED = Denial(
    "ruling.nothing-registered",
    N_("No version of this text is registered yet. Whoever runs the site runs “market migrate” once."),
    norm="A new version changes one that is registered.",
    field="about",
)
