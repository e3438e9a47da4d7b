"""The panel's ranking: aliases without order, conflicts left out, ties over the cut, and gaps said in sentences."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from challenges.scoring import BIRDS, Criterion, Mark, aliases, gaps, rank

CRITERIA = (Criterion("idea", "The idea", 60), Criterion("team", "The team", 40))
PANEL = ("Ada", "Ben")


def marks(given: Mapping[str, Mapping[str, Sequence[int]]]) -> list[Mark]:
    """From alias → evaluator → marks in the order of the criteria."""
    return [
        Mark(evaluator, alias, criterion.id, points)
        for alias, by in given.items()
        for evaluator, row in by.items()
        for criterion, points in zip(CRITERIA, row, strict=True)
    ]


def level(*scores: int) -> tuple[list[str], list[Mark]]:
    """Applications a, b, c … on which both evaluators agree."""
    names = [chr(ord("a") + n) for n in range(len(scores))]
    return names, marks(
        {name: dict.fromkeys(PANEL, (points, points)) for name, points in zip(names, scores, strict=True)}
    )


def test_points_are_averaged_weighted_and_explained() -> None:
    panel = rank(CRITERIA, ["Wren 20"], PANEL, marks({"Wren 20": {"Ada": (7, 10), "Ben": (8, 4)}}), {}, 2)
    (only,) = panel.standings
    assert only.total == 4500 + 2800
    assert only.says == (
        "The idea: average mark 7.5 of 10 (marks 7, 8), weight 60: 45.00 of 60 points.",
        "The team: average mark 7 of 10 (marks 4, 10), weight 40: 28.00 of 40 points.",
        "Total: 73.00 of 100 points from 2 evaluators, rank 1.",
    )
    assert only.apart == ("The team",)


@pytest.mark.parametrize(
    ("scores", "places", "ties", "shortlist", "ranks"),
    [
        pytest.param((9, 8, 7), 2, "take-all", "ab", [1, 2, 3], id="the best up to the places"),
        pytest.param((9, 8, 8, 7), 2, "take-all", "abc", [1, 2, 2, 4], id="all tied over the cut are taken"),
        pytest.param((9, 8, 8, 7), 3, "take-all", "abc", [1, 2, 2, 4], id="a tie that fits is no trouble"),
        pytest.param((8, 8, 8), 2, "take-all", "abc", [1, 1, 1], id="all level, all taken"),
        pytest.param((9, 8, 8, 7), 2, "take-none", "a", [1, 2, 2, 4], id="or, by the other rule, none of the tied"),
        pytest.param((9, 8, 8, 7), 3, "take-none", "abc", [1, 2, 2, 4], id="where a tie that fits is taken too"),
        pytest.param((9,), 3, "take-all", "a", [1], id="fewer than the places"),
        pytest.param((9, 0, 0), 3, "take-all", "a", [1, 2, 2], id="nobody is paid for no points"),
        pytest.param((), 3, "take-all", "", [], id="nobody applied"),
    ],
)
def test_the_short_list_is_cut_at_the_places(
    scores: tuple[int, ...], places: int, ties: str, shortlist: str, ranks: list[int]
) -> None:
    names, given_marks = level(*scores)
    panel = rank(CRITERIA, names, PANEL, given_marks, {}, places, ties=ties)
    assert panel.shortlist == tuple(shortlist)
    assert [standing.rank for standing in panel.standings] == ranks
    assert panel.tied_over_the_cut == (len(shortlist) > places)


def test_an_evaluator_with_a_conflict_is_left_out_whatever_she_marked() -> None:
    three = {"x": {"Ada": (10, 10), "Ben": (5, 5), "Cy": (5, 5)}, "y": {"Ada": (6, 6), "Ben": (6, 6), "Cy": (6, 6)}}
    free = rank(CRITERIA, ["x", "y"], ["Ada", "Ben", "Cy"], marks(three), {}, 1)
    fair = rank(CRITERIA, ["x", "y"], ["Ada", "Ben", "Cy"], marks(three), {"Ada": {"x"}}, 1)
    assert free.shortlist == ("x",)
    assert fair.shortlist == ("y",)
    assert {standing.alias: standing.evaluators for standing in fair.standings}["x"] == ("Ben", "Cy")


@pytest.mark.parametrize(
    ("given_marks", "conflicts", "says"),
    [
        pytest.param({"x": {"Ada": (1, 1)}}, {}, "Ben has not marked x on The idea, The team", id="a mark missing"),
        pytest.param({"x": {"Ada": (1, 1), "Ben": (1, 1)}}, {"Ada": ["x"]}, "at least 2 evaluators", id="too few free"),
        pytest.param({"x": {"Ada": (11, 1), "Ben": (1, 1)}}, {}, "outside 0 to 10", id="a mark over the highest"),
        pytest.param({"x": {"Ada": (-1, 1), "Ben": (1, 1)}}, {}, "outside 0 to 10", id="a mark under nought"),
    ],
)
def test_what_keeps_the_panel_from_ranking_is_said(
    given_marks: dict[str, dict[str, tuple[int, int]]], conflicts: dict[str, list[str]], says: str
) -> None:
    assert says in " ".join(gaps(CRITERIA, ["x"], PANEL, marks(given_marks), conflicts))
    with pytest.raises(ValueError, match=re.escape(says)):
        rank(CRITERIA, ["x"], PANEL, marks(given_marks), conflicts, 1)


def test_other_nonsense_is_refused() -> None:
    names, given_marks = level(5)
    with pytest.raises(ValueError, match="add up to 100"):
        rank(CRITERIA[:1], names, PANEL, given_marks, {}, 1)
    with pytest.raises(ValueError, match="twice"):
        rank(CRITERIA, names, PANEL, [*given_marks, given_marks[0]], {}, 1)
    with pytest.raises(ValueError, match="no paid place"):
        rank(CRITERIA, names, PANEL, given_marks, {}, 0)
    with pytest.raises(ValueError, match="rule for ties"):
        rank(CRITERIA, names, PANEL, given_marks, {}, 1, ties="toss")


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(0, 10)), max_size=8), st.integers(1, 5), st.randoms())
def test_the_order_of_everything_changes_nothing(rows: list[tuple[int, int]], places: int, random: object) -> None:
    names = [f"n{n}" for n in range(len(rows))]
    given_marks = marks({name: {"Ada": row, "Ben": row[::-1]} for name, row in zip(names, rows, strict=True)})
    shuffled, order = list(given_marks), list(names)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    random.shuffle(order)  # type: ignore[attr-defined]
    panel = rank(CRITERIA, names, PANEL, given_marks, {}, places)
    assert rank(CRITERIA, order, PANEL[::-1], shuffled, {}, places) == panel
    taken = {standing.total for standing in panel.standings if standing.shortlisted}
    left = {standing.total for standing in panel.standings if not standing.shortlisted and standing.total}
    assert not taken or not left or min(taken) > max(left)
    assert len(panel.shortlist) >= min(places, sum(standing.total > 0 for standing in panel.standings))


@given(st.sets(st.text(min_size=1), max_size=150), st.text(min_size=1))
def test_every_application_has_an_alias_of_its_own(applications: set[str], seed: str) -> None:
    given_aliases = aliases(applications, seed)
    assert set(given_aliases) == applications
    assert len(set(given_aliases.values())) == len(applications)
    assert list(given_aliases.values()) == sorted(given_aliases.values())
    assert aliases(sorted(applications, reverse=True), seed) == given_aliases


def test_aliases_hide_the_order_of_arrival_and_differ_from_challenge_to_challenge() -> None:
    arrived = [f"AP-{n:04d}" for n in range(1, 25)]
    one, other = aliases(arrived, "seed one"), aliases(arrived, "seed two")
    assert all(re.fullmatch(r"[A-Z][a-z]+ [1-9]\d", alias) for alias in one.values())
    assert len({alias.split()[0] for alias in one.values()}) == 24
    assert [one[application] for application in arrived] != sorted(one.values())
    assert sum(one[application] == other[application] for application in arrived) < 3
    assert len(set(BIRDS)) == len(BIRDS) > 100


def test_aliases_without_a_secret_are_refused() -> None:
    with pytest.raises(ValueError, match="seed"):
        aliases(["a"], "")
