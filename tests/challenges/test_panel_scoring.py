"""The short list: aliases without order, and ties over the cut."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from challenges.judging.scoring import BIRDS, Criterion, aliases, rank

CRITERIA = (Criterion("idea", "The idea", 60), Criterion("team", "The team", 40))


def level(*scores: int) -> dict[str, dict[str, list[int]]]:
    """Applications a, b, c … on which two evaluators agree."""
    return {chr(ord("a") + n): {"idea": [points] * 2, "team": [points] * 2} for n, points in enumerate(scores)}


def test_points_are_averaged_weighted_and_explained() -> None:
    (only,) = rank(CRITERIA, {"Wren 20": {"idea": [70, 80], "team": [100, 40]}}, 2).standings
    assert only.total == 4500 + 2800
    assert only.says == (
        "The idea: average mark 75 of 100, weight 60: 45.00 of 60 points.",
        "The team: average mark 70 of 100, weight 40: 28.00 of 40 points.",
        "Total: 73.00 of 100 points from 2 evaluators, rank 1.",
    )


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
    ranking = rank(CRITERIA, level(*(10 * score for score in scores)), places, ties=ties)
    assert ranking.shortlist == tuple(shortlist)
    assert [standing.rank for standing in ranking.standings] == ranks
    assert ranking.tied_over_the_cut == (len(shortlist) > places)


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(ValueError, match="add up to 100"):
        rank(CRITERIA[:1], level(50), 1)
    with pytest.raises(ValueError, match="no mark for The team"):
        rank(CRITERIA, {"a": {"idea": [50, 60]}}, 1)
    with pytest.raises(ValueError, match="no paid place"):
        rank(CRITERIA, level(50), 0)
    with pytest.raises(ValueError, match="rule for ties"):
        rank(CRITERIA, level(50), 1, ties="toss")


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=8), st.integers(1, 5), st.randoms())
def test_the_order_of_everything_changes_nothing(rows: list[tuple[int, int]], places: int, random: Random) -> None:
    marks = {f"n{n}": {"idea": [one, other], "team": [other, one]} for n, (one, other) in enumerate(rows)}
    order = list(marks)
    random.shuffle(order)
    shuffled = {name: {key: given_marks[::-1] for key, given_marks in marks[name].items()} for name in order}
    ranking = rank(CRITERIA, marks, places)
    assert rank(CRITERIA, shuffled, places) == ranking
    taken = {standing.total for standing in ranking.standings if standing.shortlisted}
    left = {standing.total for standing in ranking.standings if not standing.shortlisted and standing.total}
    assert not taken or not left or min(taken) > max(left)
    assert len(ranking.shortlist) >= min(places, sum(standing.total > 0 for standing in ranking.standings))


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


@given(st.lists(st.sampled_from(BIRDS), max_size=40), st.text(min_size=1))
def test_no_alias_is_a_bird_that_an_applicant_is_called_after(birds: list[str], seed: str) -> None:
    called = [f"{birds[0]} Surveys Ltd", *(f"The {bird.upper()}works" for bird in birds[1:])] if birds else []
    dealt = aliases([f"AP-{n:04d}" for n in range(60)], seed, called)
    assert len(set(dealt.values())) == 60
    assert {alias.rpartition(" ")[0] for alias in dealt.values()}.isdisjoint(birds)


def test_when_every_bird_is_an_applicant_the_aliases_are_numbers_alone() -> None:
    dealt = aliases(["AP-1", "AP-2", "AP-3"], "a seed", [f"{bird} and Sons" for bird in BIRDS])
    assert len(set(dealt.values())) == 3
    assert all(re.fullmatch(r"Application [1-9]\d+", alias) for alias in dealt.values())


def test_aliases_without_a_secret_are_refused() -> None:
    with pytest.raises(ValueError, match="seed"):
        aliases(["a"], "")
