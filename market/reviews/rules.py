"""Who approves what for publication, and what publication asks: that a second person read exactly this, and that its drafter
looked whether somebody has done it before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, TypeAlias

import msgspec

from market import dates, policy
from market.arrival import Arrival
from market.hands import rules as hands
from market.proof import canonical
from market.refusals import Denial, rule
from market.wording import N_, _

Side: TypeAlias = Literal["body", "team"]
"""A second person of the body; the standing innovation team."""

State: TypeAlias = Literal["not-asked", "waits", "edits", "approved", "lapsed"]


class Step(msgspec.Struct, frozen=True):
    """One step of a review, with the names of whoever took it and of whom she asked (empty for answers)."""

    ref: str
    kind: str
    side: str
    version: str
    words: str
    by_ref: str
    by: str
    title: str
    asked_ref: str
    asked: str
    at: datetime


class Looked(msgspec.Struct, frozen=True):
    """The last answer for what others have done: for which words, how much was shown, what was said, and when."""

    version: str
    found: int
    answer: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Ready:
    """What publication asks of a draft beside the rules of its noun. `version` is of all that would be published now, `words`
    of what others' work is compared with; `team` says whether the innovation team has to approve as well."""

    version: str
    steps: Sequence[Step]
    team: bool
    words: str
    looked: Looked | None
    now: Arrival


@dataclass(frozen=True, slots=True)
class Asking:
    """Somebody is about to ask a colleague to read a draft: whether that one acts for the body at all, and what the table of hands
    is asked with for her."""

    able: bool
    doing: hands.Doing


@dataclass(frozen=True, slots=True)
class Deciding:
    """Somebody is about to approve a draft or to ask for edits: `seen` and `now` are the version she read and that there is."""

    state: State
    seen: str
    now: str
    doing: hands.Doing
    reason: str


def state(steps: Sequence[Step], version: str, side: Side) -> State:
    """Where a review stands for this side and this version. An approval is of one version; whoever changed the draft since asks
    again. What was sent back waits until somebody asks again, too."""
    answered = max(
        (place for place, each in enumerate(steps) if each.kind != "asked" and each.side == side), default=-1
    )
    asked = max((place for place, each in enumerate(steps) if each.kind == "asked"), default=-1)
    answer = steps[answered] if answered >= 0 else None
    if answer is not None and answer.kind == "approved" and answer.version == version:
        return "approved"
    if asked > answered:
        return "waits"
    if answer is None:
        return "not-asked"
    return "edits" if answer.kind == "edits" else "lapsed"


def approvals(ready: Ready) -> list[Step]:
    """The approvals that hold for what would be published now, the body's before the team's."""
    sides: tuple[Side, ...] = ("body", "team") if ready.team else ("body",)
    return [
        next(each for each in reversed(ready.steps) if (each.kind, each.side) == ("approved", side))
        for side in sides
        if state(ready.steps, ready.version, side) == "approved"
    ]


def announced(ready: Ready) -> dict[str, canonical.Plain]:
    """What the log says of a publication's review: the version, who approved it, and the answer for others' work."""
    return {
        "approved": [{"by": each.by_ref, "for": each.side} for each in approvals(ready)],
        "approved_version": ready.version,
        "precedents": ready.looked.answer if ready.looked else None,
    }


# ── asking and answering ───────────────────────────────────────────────────────────────────────────────────────────


@rule("review.nobody-to-read-it", field="person")
def somebody_able_is_asked(facts: Asking) -> str | None:
    """Whoever is asked acts for the body that drafts it, or is lent to it."""
    return None if facts.able else _("Choose somebody of your body, or somebody who is lent to it.")


@rule(
    "review.asked-a-drafter",
    field="person",
    source="Own default: two persons behind every binding act, after HM Treasury, Managing Public Money, annex 4.5",
)
def another_one_is_asked(facts: Asking) -> str | None:
    """Nobody is asked who could not approve: who wrote it, or counts as one pair of hands with who did."""
    if hands.both(facts.doing):
        return _("She wrote part of this herself. Choose somebody who did not.")
    if hands.as_one(facts.doing):
        return _(
            "She counts as one pair of hands with somebody who wrote it. Choose somebody else, or borrow a person."
        )
    return None


@rule("review.not-asked")
def somebody_asked(facts: Deciding) -> str | None:
    """What is approved was sent for review; after an answer its drafter asks again when it was changed."""
    if facts.state in ("not-asked", "edits", "lapsed"):
        return _("Nobody has asked for this to be read as it is now. Its drafter sends it for review.")
    return None


@rule("review.approved-already")
def it_is_not_approved(facts: Deciding) -> str | None:
    """One approval of one version is enough."""
    return _("This version is approved already.") if facts.state == "approved" else None


@rule("review.may-not-be-sent-back")
def it_waits_or_is_approved(facts: Deciding) -> str | None:
    """Edits are asked for while somebody waits for an answer, or until it is published where it was approved."""
    if facts.state in ("waits", "approved"):
        return None
    return _("Nobody waits for your answer: its drafter sends it for review again.")


@rule("review.changed-since-read", source="Own default: an approval holds for exactly what was read")
def it_is_what_was_read(facts: Deciding) -> str | None:
    """An approval holds for exactly the version that was read."""
    if facts.seen != facts.now:
        return _("It was changed since you read it. Read it as it is now, then decide.")
    return None


@rule(
    "review.same-person",
    source="Own default: two persons behind every binding act, after HM Treasury, Managing Public Money, annex 4.5",
)
def a_second_person_answers(facts: Deciding) -> str | None:
    """Whoever wrote a draft, or a part of it, does not approve it; nor does one person approve for the body and for the
    innovation team."""
    return hands.both(facts.doing)


@rule("review.one-pair-of-hands", source=str(policy.number("people.invited_days").source))
def a_second_pair_of_hands_answers(facts: Deciding) -> str | None:
    """Who was let in by the drafter lately, or let her in, is no second person."""
    return hands.as_one(facts.doing)


@rule("review.reasons-missing", field="words", source=str(policy.number("reviews.reason_characters").source))
def edits_have_reasons(facts: Deciding) -> str | None:
    """Whoever asks for edits says which, and why."""
    least = policy.IN_FORCE.reviews.reason_characters
    if len(facts.reason.strip()) < least:
        return _("Say what to change and why, in {least} characters or more.", least=least)
    return None


ASK = (somebody_able_is_asked, another_one_is_asked)
"""For `actions.ask`."""

APPROVE = (
    somebody_asked,
    it_is_not_approved,
    it_is_what_was_read,
    a_second_person_answers,
    a_second_pair_of_hands_answers,
)
"""For `actions.approve`."""

EDITS = (
    it_waits_or_is_approved,
    it_is_what_was_read,
    a_second_person_answers,
    edits_have_reasons,
)
"""For `actions.ask_for_edits`."""


# ── publishing ─────────────────────────────────────────────────────────────────────────────────────────────────────


@rule(
    "review.precedents-unseen",
    source="Procurement Act 2023 section 12(1): value for money; public money is not spent twice on one question unseen",
)
def somebody_looked(ready: Ready) -> str | None:
    """Before something is published its drafter has looked whether somebody has done it already, and says what she found."""
    if ready.looked is None:
        return _("Look whether somebody has done this already, and say what you found.")
    return None


@rule(
    "review.precedents-of-other-words",
    source="Procurement Act 2023 section 12(1): value for money; public money is not spent twice on one question unseen",
)
def these_words_were_looked_for(ready: Ready) -> str | None:
    """The look was for the words of the draft as they are now."""
    if ready.looked is not None and ready.looked.version != ready.words:
        return _(
            "What you want has other words since you looked who has done it already. Look again, and answer for it."
        )
    return None


@rule("review.precedents-too-old", source=str(policy.number("reviews.precedent_days").source))
def it_was_looked_lately(ready: Ready) -> str | None:
    """The look was not longer ago than the policy's days: others may have begun since."""
    days = policy.IN_FORCE.reviews.precedent_days
    if ready.looked is not None and ready.looked.at < ready.now - timedelta(days=days):
        return _(
            "You looked who has done this already on {day}. That is more than {days} days ago: look again.",
            day=dates.day(ready.looked.at),
            days=days,
        )
    return None


_SAYS: dict[State, str] = {
    "not-asked": N_("Nobody else of your body has read it. Send it for review."),
    "waits": N_("It waits for a second person of your body to read it."),
    "edits": N_("Edits were asked for. Make them, then send it for review again."),
    "lapsed": N_("It was changed since it was approved, so the approval no longer holds. Send it for review again."),
}

_TEAM_SAYS: dict[State, str] = {
    "not-asked": N_("The innovation team reads your body's first exercises, too. Send it for review."),
    "waits": N_("It waits for the innovation team, which reads your body's first exercises, too."),
    "edits": N_("The innovation team asked for edits. Make them, then send it for review again."),
    "lapsed": N_("It was changed since the innovation team approved it. Send it for review again."),
}


@rule(
    "review.not-approved",
    source="Own default: two persons behind every binding act, after HM Treasury, Managing Public Money, annex 4.5",
)
def a_second_person_approved(ready: Ready) -> str | None:
    """Somebody of the body who did not write it has read and approved it exactly as it would be published."""
    stands = state(ready.steps, ready.version, "body")
    return None if stands == "approved" else _(_SAYS[stands])


@rule("review.team-not-approved", source=str(policy.number("reviews.team_exercises").source))
def the_team_approved(ready: Ready) -> str | None:
    """The first exercises of a body are approved by the standing innovation team as well."""
    if not ready.team:
        return None
    stands = state(ready.steps, ready.version, "team")
    return None if stands == "approved" else _(_TEAM_SAYS[stands])


LOOKING = (somebody_looked, these_words_were_looked_for, it_was_looked_lately)
"""What publication asks of the look at others' work."""

READING = (a_second_person_approved, the_team_approved)
"""What publication asks of the review; for a change that a second person has to approve, too."""

PUBLISH = (*LOOKING, *READING)
"""For whatever publishes a draft, after the rules of its noun; its page shows them from its first minute."""


PUBLISHED_ALREADY = Denial(
    "review.published-already",
    N_("This is published. What was reviewed stays as it is."),
    norm="What is published is not reviewed any more: it is changed by an addendum.",
)

NOT_YOURS = Denial(
    "review.not-yours",
    N_("The innovation team does not read this one: the body has concluded enough exercises."),
    norm="The innovation team reads the first exercises of a body, and no later ones.",
)
