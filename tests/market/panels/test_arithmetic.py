"""The one scale of marks and its arithmetic: exact, rounded once, and told in sentences."""

from __future__ import annotations

from fractions import Fraction

import pytest

from market.panels.arithmetic import apart, decimal, hundredths, line, scale, shown, weights_add_up, word


@pytest.mark.parametrize(
    ("points", "means"),
    [
        (0, "not answered"),
        (19, "not answered"),
        (20, "poor"),
        (59, "weak"),
        (60, "acceptable"),
        (85, "good"),
        (99, "good"),
        (100, "excellent"),
    ],
)
def test_a_mark_has_the_word_of_the_step_it_has_reached(points: int, means: str) -> None:
    assert word(points) == means


@pytest.mark.parametrize("highest", [5, 10, 100])
def test_the_scale_says_the_least_mark_of_every_word(highest: int) -> None:
    steps = scale(highest)
    assert [step for step, _ in steps] == [round(n * highest / 5) for n in range(6)]
    assert [word(step, highest) for step, _ in steps] == [name for _, name in steps]


@pytest.mark.parametrize(
    ("marks", "far"), [((50, 89), False), ((50, 90), True), ((90, 50, 70), True), ((50,), False), ((), False)]
)
def test_marks_lie_far_apart_from_two_steps_on(marks: tuple[int, ...], far: bool) -> None:
    assert apart(marks) is far


def test_a_line_says_what_the_marks_on_a_criterion_come_to() -> None:
    found = line("idea", "The idea", 60, [70, 80])
    assert (found.points, found.says) == (
        4500,
        "The idea: average mark 75 of 100, weight 60: 45.00 of 60 points.",
    )
    assert "about 76.67" in line("idea", "The idea", 60, [70, 80, 80]).says
    assert decimal(Fraction(230, 3)) == "about 76.67"


@pytest.mark.parametrize(
    ("marks", "says"), [([], "no mark"), ([101], "outside 0 to 100"), ([5, -1], "outside 0 to 100")]
)
def test_a_line_without_sound_marks_is_refused(marks: list[int], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        line("idea", "The idea", 60, marks)


@pytest.mark.parametrize(
    ("points", "number", "text"),
    [
        (Fraction(2345, 1000), 235, "2.35"),
        (Fraction(2344, 1000), 234, "2.34"),
        (Fraction(0), 0, "0.00"),
        (Fraction(36), 3600, "36.00"),
        (Fraction(40, 3), 1333, "13.33"),
    ],
)
def test_points_are_rounded_half_up_to_hundredths(points: Fraction, number: int, text: str) -> None:
    assert hundredths(points) == number
    assert shown(number) == text


@pytest.mark.parametrize(
    ("weights", "holds"),
    [([100], True), ([60, 40], True), ([60, 39], False), ([60, 41], False), ([110, -10], False), ([100, 0], False)],
)
def test_weights_make_exactly_a_hundred(weights: list[int], holds: bool) -> None:
    assert weights_add_up(weights) is holds
