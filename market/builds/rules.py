"""What must hold before a body's decision to make or to buy is published; and nothing is built before it is."""

from __future__ import annotations

from dataclasses import dataclass

from market import policy
from market.refusals import rule
from market.wording import N_, _, together

CHOICES: dict[str, str] = {
    "make": N_("Make it: our own people build and keep it"),
    "buy": N_("Buy it: it goes through a challenge or a tender"),
}
"""The two ways."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A record of make or buy as far as its rules look at it; the estimate None where none is given."""

    published: bool
    need: str
    market: str
    choice: str
    reasons: str
    estimated_minor: int | None


@rule("build.already-published")
def not_yet_published(decision: Decision) -> str | None:
    """A decision is published once; who decides anew writes another."""
    return _("This is published already. Write another one if you decide anew.") if decision.published else None


@rule("build.incomplete", field="need", source="Own default: an in-house build is looked at as a purchase would be")
def says_everything(decision: Decision) -> str | None:
    """It says what is needed, what could be bought, which way is chosen and what that costs."""
    parts = (
        (decision.need.strip(), _("what is needed")),
        (decision.market.strip(), _("what could be bought or reused")),
        (decision.choice, _("whether you make or buy it")),
        (decision.estimated_minor, _("what that costs")),
    )
    missing = [words for said, words in parts if not said]
    return _("Still to say: {missing}.", missing=together(missing)) if missing else None


@rule("build.reasons-short", field="reasons", source=str(policy.number("reviews.make_or_buy_characters").source))
def has_reasons(decision: Decision) -> str | None:
    """Why it is made and not bought, or bought and not made, is said so that others can follow it."""
    least = policy.IN_FORCE.reviews.make_or_buy_characters
    if len(decision.reasons.strip()) < least:
        return _("Say why, in {least} characters or more. It is published.", least=least)
    return None


PUBLISH = (not_yet_published, says_everything, has_reasons)
"""For `actions.publish`; then a second person has to have approved it (`market.reviews.rules.PUBLISH`)."""

EDIT = (not_yet_published,)
"""For every change of a draft."""
