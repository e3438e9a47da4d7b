"""What must hold when a supplier applies, changes or withdraws, and how far an application has come. Pure: facts in, reasons out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from challenges.rules import LAW, stage, takes_applications, words_of
from market.refusals import rule
from market.wording import _

if TYPE_CHECKING:
    from challenges.tables import Application, Challenge


@rule("application.too-late", source=LAW)
def before_it_closes(challenge: Challenge, now: datetime) -> str | None:
    """What reaches us after the closing time is not taken, whoever sends it: everybody has the same time."""
    if challenge.published_at and challenge.closes_at and not takes_applications(challenge.closes_at, now):
        return _(
            "This challenge closed on {closes_at}. Applications can no longer be sent, changed or withdrawn.",
            closes_at=words_of(challenge.closes_at),
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
