"""What must hold when a supplier applies, changes or withdraws, and how far an application has come. Pure: facts in, reasons out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Literal

from challenges import rules as challenges
from challenges.rules import LAW, TAKING, stage, takes_applications
from market import dates, workdays
from market.arrival import Arrival
from market.refusals import rule
from market.standing import Standing, Tone
from market.wording import N_, _

if TYPE_CHECKING:
    from challenges.tables import Application, Challenge


@rule("application.too-late", source=LAW)
def before_it_closes(challenge: Challenge, now: Arrival) -> str | None:
    """What reaches us after the closing time is not taken, whoever sends it: everybody has the same time."""
    if challenge.published_at and challenge.closes_at and not takes_applications(challenge.closes_at, now):
        return _(
            "This challenge closed on {closes_at}. Applications can no longer be sent, changed or withdrawn.",
            closes_at=dates.moment(challenge.closes_at),
        )
    return None


@rule("application.not-open")
def is_open(challenge: Challenge, now: Arrival) -> str | None:
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


Stage = Literal["withdrawn", "sent", "scored", "paid", "owed", "missed", "invited", "cancelled", "left-out"]

STAGES: dict[Stage, tuple[str, Tone]] = {
    "withdrawn": (N_("Withdrawn"), "grey"),
    "sent": (N_("Sent"), "green"),
    "scored": (N_("Being scored"), "amber"),
    "paid": (N_("Pitched and paid"), "green"),
    "owed": (N_("Pitched, fee owed"), "amber"),
    "missed": (N_("Pitch not given"), "red"),
    "invited": (N_("Invited to pitch"), "teal"),
    "cancelled": (N_("Cancelled"), "red"),
    "left-out": (N_("Not short-listed"), "grey"),
}
"""How far an application has come, in words, with the tone of its tag."""


class Dates(challenges.Dates, frozen=True):
    """What the standing of an application is reckoned from: the dates of its challenge, of its pitch where it has one, and of
    the fee."""

    pitches_by: datetime | None
    withdrawn_at: datetime | None
    shortlisted: bool
    scheduled_at: datetime | None
    delivered_at: datetime | None
    missed_at: datetime | None
    paid_at: datetime | None


def progress(application: Dates, now: datetime) -> Stage:
    """How far an application has come at this moment."""
    at = stage(application, now)
    if application.withdrawn_at is not None:
        return "withdrawn"
    if at in TAKING:
        return "sent"
    if at == "closed":
        return "scored"
    if application.paid_at is not None:
        return "paid"
    if application.delivered_at is not None:
        return "owed"
    if application.missed_at is not None:
        return "missed"
    if application.shortlisted and at == "pitching":
        return "invited"
    return "cancelled" if at == "cancelled" else "left-out"


def standing(application: Dates, now: datetime) -> Standing:
    """How far an application has come, in words, and the date that matters to its supplier now."""
    reached, given = progress(application, now), application.delivered_at
    turns: dict[Stage, tuple[datetime | None, str]] = {
        "withdrawn": (application.withdrawn_at, _("Withdrawn")),
        "sent": (application.closes_at, _("Change it until")),
        "scored": (application.decision_by, _("Decision by")),
        "paid": (application.paid_at, _("Paid")),
        "owed": (workdays.pitch_fee_due_at(given) if given else None, _("Fee due")),
        "missed": (application.missed_at, _("Marked")),
        "invited": (application.scheduled_at, _("Pitch"))
        if application.scheduled_at
        else (application.pitches_by, _("Pitch by")),
        "cancelled": (application.cancelled_at, _("Cancelled")),
        "left-out": (application.shortlisted_at, _("Decided")),
    }
    word, tone = STAGES[reached]
    return Standing(reached, _(word), tone, *turns[reached])
