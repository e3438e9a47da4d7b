"""The one scale of marks, and the arithmetic of marks that everything judged by a panel shares.

Points are reckoned exactly and rounded once, half up, to hundredths for each criterion; totals add up what is printed, and no
ranking compares anything finer. So a letter holds everything that was decided, and a pencil is enough to check it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

import msgspec

from market import policy
from market.wording import N_, _

WORDS: Final = (N_("not answered"), N_("poor"), N_("weak"), N_("acceptable"), N_("good"), N_("excellent"))
"""What marks mean, in equal steps from 0 to the highest."""


class Line(msgspec.Struct, frozen=True):
    """One criterion of what was marked: `points` in hundredths, and the sentence a letter quotes."""

    criterion: str
    name: str
    weight: int
    points: int
    says: str


def word(points: int, highest: int = policy.IN_FORCE.panels.highest_mark) -> str:
    """What a mark means: the word of the last step it has reached."""
    return _(WORDS[points * (len(WORDS) - 1) // highest])


def scale(highest: int = policy.IN_FORCE.panels.highest_mark) -> tuple[tuple[int, str], ...]:
    """The steps of the scale: the least mark of each, and its word."""
    return tuple((-(-step * highest // (len(WORDS) - 1)), _(name)) for step, name in enumerate(WORDS))


def hundredths(points: Fraction) -> int:
    """Points as a whole number of hundredths, rounded half up (2.345 becomes 235)."""
    return int((points * 100 + Fraction(1, 2)) // 1)


def shown(points: int) -> str:
    """Hundredths as people read them: 3650 is “36.50”."""
    return f"{points // 100}.{points % 100:02d}"


def average(marks: Sequence[int]) -> Fraction:
    """The exact mean of the evaluators' marks. None at all is refused (ValueError): silence is not a zero."""
    if not marks:
        raise ValueError("there are no marks to average")
    return Fraction(sum(marks), len(marks))


def decimal(value: Fraction) -> str:
    """A mean mark for a sentence: whole where it is whole, else to two places, “about” where places were dropped."""
    if value.denominator == 1:
        return str(value.numerator)
    rounded = hundredths(value)
    text = shown(rounded).rstrip("0")
    return text if Fraction(rounded, 100) == value else _("about {text}", text=text)


def weights_add_up(weights: Iterable[int], total: int = policy.IN_FORCE.award.weights_total) -> bool:
    """Whether the weights are positive and make exactly the whole."""
    held = list(weights)
    return bool(held) and all(weight > 0 for weight in held) and sum(held) == total


def line(
    criterion: str, name: str, weight: int, marks: Sequence[int], highest: int = policy.IN_FORCE.panels.highest_mark
) -> Line:
    """What the marks on one criterion come to. No mark at all is refused (ValueError), and one outside the scale."""
    if not marks:
        raise ValueError(f"there is no mark for {name}")
    if any(not 0 <= mark <= highest for mark in marks):
        raise ValueError(f"a mark for {name} is outside 0 to {highest}")
    mean = average(marks)
    points = hundredths(mean / highest * weight)
    says = _(
        "{name}: average mark {mean} of {highest}, weight {weight}: {points} of {weight} points.",
        name=name,
        mean=decimal(mean),
        highest=highest,
        weight=weight,
        points=shown(points),
    )
    return Line(criterion, name, weight, points, says)


def apart(marks: Sequence[int], spread: int = policy.IN_FORCE.panels.spread_points) -> bool:
    """Whether marks lie so far from each other that the panel should talk about it."""
    return bool(marks) and max(marks) - min(marks) >= spread
