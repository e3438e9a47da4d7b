"""What must hold when a buyer says why the market stayed away, and when the innovation team agrees or not. Pure: facts in, reasons
out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from challenges import meaning
from challenges.rules import stage, still_too_little
from market import policy
from market.arrival import Arrival
from market.hands import rules as hands
from market.refusals import rule
from market.wording import N_, _

if TYPE_CHECKING:
    from challenges.tables import Challenge, Statement

WHY = N_("Own default: that nobody came is easily said by whoever asked nobody, so somebody else looks at it")


@dataclass(frozen=True, slots=True)
class Stating:
    """What is known when a buyer says why the market stayed away: how many teams pitched that count, whose pitches are neither
    given nor explained, what was said before, and the text."""

    challenge: Challenge
    pitches: int
    open_teams: Sequence[str]
    before: Sequence[Statement]
    text: str
    now: Arrival


@dataclass(frozen=True, slots=True)
class Deciding:
    """What is known when the innovation team decides. `doing`: who did what to the challenge before; `of_the_buyer`: whether
    whoever decides has a role in the body that ran it, or in one of its department."""

    challenge: Challenge
    statement: Statement
    doing: hands.Doing
    of_the_buyer: bool
    reasons: str
    now: Arrival


@rule("quiet.not-now")
def pitches_are_heard(stating: Stating) -> str | None:
    """Why few teams pitched is said after the short list and before the conclusion."""
    if stage(stating.challenge, stating.now) != "pitching":
        return _("Say this after the short list and before you conclude.")
    return None


@rule("quiet.pitches-open")
def all_pitches_are_accounted_for(stating: Stating) -> str | None:
    """It is said when every invited team has pitched, or it is written down why not."""
    if stating.open_teams:
        return _(
            "Mark the pitch as delivered, or say why it was not given: {open_teams}.",
            open_teams="; ".join(stating.open_teams),
        )
    return None


@rule("quiet.not-needed", source=str(policy.number("challenges.pitches_least").source))
def too_few_pitched(stating: Stating) -> str | None:
    """Where enough teams pitched nobody has to explain anything."""
    if stating.pitches >= policy.IN_FORCE.challenges.pitches_least:
        return _("Enough teams pitched. Nothing has to be explained.")
    return None


@rule("quiet.said-already")
def is_not_said_already(stating: Stating) -> str | None:
    """One statement at a time: another one is made only after the innovation team has refused the one before."""
    if any(each.verdict == "" for each in stating.before):
        return _("A statement waits for the innovation team.")
    if any(each.verdict == "approved" for each in stating.before):
        return _("The innovation team has approved a statement already.")
    return None


@rule("quiet.too-short", field="text", source=str(policy.number("challenges.quiet_words").source))
def says_what_was_done(stating: Stating) -> str | None:
    """It says how suppliers were looked for, who was asked, and why they stayed away."""
    least = policy.IN_FORCE.challenges.quiet_words
    if not meaning.says_something(stating.text, least):
        return _(
            "Say how you looked for suppliers, whom you asked, and why they stayed away, in at least {least} different words.",
            least=least,
        )
    return None


STATE = (
    pitches_are_heard,
    all_pitches_are_accounted_for,
    too_few_pitched,
    is_not_said_already,
    says_what_was_done,
)
"""For `actions.state`."""

MAY_STATE = STATE[:4]
"""Whether the page offers it."""


@rule("quiet.decided-already")
def still_waits(deciding: Deciding) -> str | None:
    """A statement is decided once, and before the exercise is concluded."""
    if deciding.statement.verdict:
        return _("This statement is decided already.")
    if stage(deciding.challenge, deciding.now) != "pitching":
        return _("The exercise has ended. Nothing can be decided about it any more.")
    return None


@rule("quiet.own-body", source=WHY)
def decides_about_others(deciding: Deciding) -> str | None:
    """Nobody of the body that ran the exercise, or of its department, decides."""
    if deciding.of_the_buyer:
        return _(
            "You belong to the body that ran this exercise, or to its department. Somebody else of your team decides."
        )
    return None


@rule("quiet.same-person", source=WHY)
def another_person_decides(deciding: Deciding) -> str | None:
    """Whoever said it, or wrote the challenge, does not decide about it."""
    return hands.both(deciding.doing)


@rule("quiet.one-pair-of-hands", source=str(policy.number("people.invited_days").source))
def not_somebody_let_in_lately(deciding: Deciding) -> str | None:
    """Nor does somebody whom they let in lately, or who let them in."""
    return hands.as_one(deciding.doing)


@rule("quiet.unreasoned", field="reasons", source=str(policy.number("challenges.answer_words").source))
def decides_with_reasons(deciding: Deciding) -> str | None:
    """Approving it opens the gate: why it was approved or refused is public."""
    return None if meaning.is_answer(deciding.reasons) else still_too_little([_("your reasons")])


DECIDE = (
    still_waits,
    decides_about_others,
    another_person_decides,
    not_somebody_let_in_lately,
    decides_with_reasons,
)
"""For `actions.decide`."""

MAY_DECIDE = DECIDE[:4]
"""Whether the page offers it."""
