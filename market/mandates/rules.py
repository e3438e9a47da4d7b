"""When a mandate on paper may be entered, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from market import dates, policy
from market.arrival import Arrival
from market.hands import rules as hands
from market.refusals import Denial, rule
from market.wording import N_, _


class Facts(Protocol):
    """The dates of a mandate."""

    @property
    def expires_at(self) -> datetime:
        """Until when it may be entered."""

    @property
    def withdrawn_at(self) -> datetime | None:
        """When its person took it back."""

    @property
    def done_at(self) -> datetime | None:
        """When it was entered, and done."""


@dataclass(frozen=True, slots=True)
class Entering:
    """Somebody is about to enter a paper. `same_text`: the characters that are printed on it are those of what is kept, and what is
    kept is what was printed. `printed_on` and `today` are days of the site's zone."""

    mandate: Facts
    at: Arrival
    doing: hands.Doing
    same_text: bool
    signed_on: date
    printed_on: date
    today: date
    kept_at: str


@rule("mandate.done")
def not_done_yet(entering: Entering) -> str | None:
    """A mandate is entered once, and done once."""
    return _("This mandate was entered already, and what it is about is done.") if entering.mandate.done_at else None


@rule("mandate.withdrawn")
def not_withdrawn(entering: Entering) -> str | None:
    """Whose it is takes it back at any time before it is entered."""
    if entering.mandate.withdrawn_at is not None:
        return _("The person who signed this mandate has withdrawn it. Nothing is done.")
    return None


@rule("mandate.expired", source=str(policy.number("people.mandate_days").source))
def in_time(entering: Entering) -> str | None:
    """A mandate is entered within the policy's days after it was printed."""
    mandate = entering.mandate
    if mandate.done_at is None and mandate.withdrawn_at is None and entering.at >= mandate.expires_at:
        return _("This mandate was not entered in time. She prints and signs it anew.")
    return None


@rule(
    "mandate.same-person",
    source="Own default: who has no device shows a paper, which only another person can have seen",
)
def somebody_else_enters(entering: Entering) -> str | None:
    """Nobody enters her own mandate."""
    return hands.both(entering.doing)


@rule("mandate.one-pair-of-hands", source=str(policy.number("people.invited_days").source))
def not_somebody_let_in_lately(entering: Entering) -> str | None:
    """Nor does whom she lately let into the body, who let her in, or whom the same person did."""
    return hands.as_one(entering.doing)


@rule("mandate.other-text", field="characters")
def is_what_was_printed(entering: Entering) -> str | None:
    """What is done is, letter for letter, what was printed and signed: the characters on the paper say so."""
    if entering.same_text:
        return None
    return _("These are not the characters of this mandate. Compare the reference and the characters with the paper.")


@rule("mandate.signed-on", field="signed_on")
def signed_after_it_was_printed(entering: Entering) -> str | None:
    """The day beside the signature lies between the printing and today."""
    if entering.printed_on <= entering.signed_on <= entering.today:
        return None
    return _(
        "It was printed on {day}, so it was signed on that day or later, and not after today.",
        day=dates.day(entering.printed_on),
    )


@rule("mandate.paper-unnamed", field="kept_at", source=str(policy.number("people.instrument_characters").source))
def says_where_the_paper_is(entering: Entering) -> str | None:
    """Where the paper is kept is said so that an auditor can ask for it."""
    least = policy.IN_FORCE.people.instrument_characters
    if len(entering.kept_at.strip()) >= least:
        return None
    return _("Say where the paper is kept, and under which number, in at least {least} characters.", least=least)


ENTER = (
    not_done_yet,
    not_withdrawn,
    in_time,
    somebody_else_enters,
    not_somebody_let_in_lately,
    is_what_was_printed,
    signed_after_it_was_printed,
    says_where_the_paper_is,
)
"""For `actions.enter`."""


@dataclass(frozen=True, slots=True)
class Withdrawing:
    """Somebody takes her mandate back."""

    mandate: Facts


@rule("mandate.ended")
def has_not_ended(withdrawing: Withdrawing) -> str | None:
    """What was done is not taken back with the paper it rests on, and a mandate is withdrawn once."""
    if withdrawing.mandate.done_at is not None:
        return _("This mandate was entered already. What was done stands until it is undone in its own way.")
    return _("This mandate was withdrawn already.") if withdrawing.mandate.withdrawn_at is not None else None


WITHDRAW = (has_not_ended,)
"""For `actions.withdraw`."""

NOT_DONE = Denial(
    "mandate.refused",
    N_("The paper is in order, but what it is about was refused, and nothing was done: {why}"),
    norm="What a mandate is about is judged by the rules of the moment in which it is entered, as if she did it herself.",
)


def state(mandate: Facts, at: Arrival) -> str:
    """Where a mandate stands: done | withdrawn | expired | waiting."""
    if mandate.done_at is not None:
        return "done"
    if mandate.withdrawn_at is not None:
        return "withdrawn"
    return "expired" if at >= mandate.expires_at else "waiting"
