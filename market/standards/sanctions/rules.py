"""When access is withheld, and what an appeal needs. Access is withheld by dates: nothing has to be switched on or off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

import msgspec

from market import policy
from market.arrival import Arrival
from market.refusals import rule
from market.standards.certificates.rules import only_later_gates
from market.standards.checking.outcome import Run
from market.standards.rules import REASON
from market.wording import _

if TYPE_CHECKING:
    from market.standards.tables import Withholding

Sanction = Literal["cure", "withheld", "restored"]


class Dates(msgspec.Struct, frozen=True):
    """What a sanction's state is reckoned from."""

    cure_until: datetime
    restored_at: datetime | None


def sanction(row: Withholding | Dates, at: datetime) -> Sanction:
    """Where a sanction stands at a moment, by its dates."""
    if row.restored_at is not None and row.restored_at <= at:
        return "restored"
    return "withheld" if at > row.cure_until else "cure"


class Lapsed(Dates, frozen=True):
    """A notice or withholding with its reason; `result` is the record of the latest run of its service where that failed."""

    reason: str
    result: str | None


def withheld(notices: Sequence[Lapsed], at: datetime, pinned: date | None) -> str:
    """Why a supplier may not apply, bid or be paid a milestone at a moment; empty when it may. What is withheld only for rules
    that became gates after the day `pinned` does not count."""
    reasons = [
        notice.reason
        for notice in notices
        if sanction(notice, at) == "withheld"
        and not (pinned and notice.result and only_later_gates(Run.from_json(notice.result.encode()), pinned))
    ]
    if not reasons:
        return ""
    return _(
        "Access is withheld: {reasons} It returns by itself as soon as the check passes. Mend it, lodge "
        "the document again, or appeal, under Components.",
        reasons=" ".join(dict.fromkeys(reasons)),
    )


@dataclass(frozen=True, slots=True)
class Appealing:
    """What is known when a supplier appeals: the sanction, until when it may, and its words."""

    row: Withholding
    until: datetime
    words: str
    now: Arrival


@rule("appeal.nothing-open")
def something_is_open(appealing: Appealing) -> str | None:
    """There is a notice or a withholding to appeal against."""
    return _("Access has returned already.") if sanction(appealing.row, appealing.now) == "restored" else None


@rule("appeal.already-there")
def appeals_once(appealing: Appealing) -> str | None:
    """One appeal against one sanction; it is answered in writing."""
    return _("You have appealed already.") if appealing.row.appealed_at is not None else None


@rule("appeal.too-late", source=str(policy.number("sanctions.appeal_working_days").source))
def appeals_in_time(appealing: Appealing) -> str | None:
    """An appeal comes within the policy's working days after the end of the cure period."""
    return (
        _("The time to appeal has passed. A passing check still restores access.")
        if appealing.now > appealing.until
        else None
    )


@rule("appeal.reason-missing", field="words")
def says_why_it_is_wrong(appealing: Appealing) -> str | None:
    """An appeal says what is wrong with the sanction."""
    return None if len(appealing.words.strip()) >= REASON else _("Say in a sentence or two why this is wrong.")


MAY_APPEAL = (something_is_open, appeals_once, appeals_in_time)
"""What the page asks before an appeal is written."""

APPEAL = (*MAY_APPEAL, says_why_it_is_wrong)
"""For a supplier's appeal."""


@rule("appeal.not-waiting")
def an_appeal_waits(row: Withholding, words: str) -> str | None:
    """The operator answers an appeal once."""
    if row.appealed_at is None:
        return _("Nobody has appealed.")
    return _("This appeal is answered already.") if row.answered_at is not None else None


@rule("appeal.answer-missing", field="words")
def answers_with_reasons(row: Withholding, words: str) -> str | None:
    """The answer gives its reasons: it is public."""
    return None if len(words.strip()) >= REASON else _("Give the reasons; they are published.")


ANSWER = (an_appeal_waits, answers_with_reasons)
"""For the operator's answer."""
