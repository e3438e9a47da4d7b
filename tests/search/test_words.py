"""What a person types is read in one way, whatever it is."""

from __future__ import annotations

import pytest
from hypothesis import given as generated
from hypothesis import strategies as some

from search.words import MOST_WORDS, Asked, Part, Synonyms, asked_by, fold, running, tokens, typos_allowed


@pytest.mark.parametrize(
    ("typed", "understood"),
    [
        ("drone inspection", "drone inspection"),
        ("  drone   inspection  ", "drone inspection"),
        ('"bridge inspection" river', '"bridge inspection" river'),
        ("bridge -river", "bridge -river"),
        ('bridge -"river pier"', 'bridge -"river pier"'),
        ("bridge -river-pier", 'bridge -"river pier"'),
        ("covid-19", "covid 19"),
        ("- -- -'", ""),
        ('an "unclosed phrase', "unclosed phrase"),
        ('x "" y', "x y"),
        ("the inspection of bridges", "inspection bridges"),
        ('"the inspection of bridges"', '"the inspection of bridges"'),
        ("IT support", "IT support"),
        ("is it safe", "safe"),
        ("the of", "of"),
        ("“curly quotes”", '"curly quotes"'),
        ("price: £5,000", "price 5 000"),
        ("tab\tnew\nline\x00zero", "tab new line zero"),
    ],
)
def test_a_question_is_understood(typed: str, understood: str) -> None:
    assert asked_by(typed).text == understood


@pytest.mark.parametrize(
    ("typed", "unfinished"),
    [("drone insp", True), ("drone insp ", False), ('"drone insp"', False), ("drone -insp", False), ("drone.", False),
     ("", False), ("inspect the", True)],
)  # fmt: skip
def test_only_a_word_at_the_very_end_may_be_unfinished(typed: str, unfinished: bool) -> None:
    assert asked_by(typed).unfinished is unfinished


def test_a_pasted_page_costs_no_more_than_a_question() -> None:
    asked = asked_by("procurement " * 5_000)
    assert len(asked.parts) == MOST_WORDS
    assert asked_by("x" * 10_000).parts == ()


@generated(some.text(max_size=300))
def test_every_text_is_understood_and_reading_it_again_changes_nothing(typed: str) -> None:
    asked = asked_by(typed)
    assert sum(len(part.words) for part in (*asked.parts, *asked.excluded)) <= MOST_WORDS
    again = asked_by(asked.text + ("" if asked.unfinished else " "))
    assert [part.words for part in again.excluded] == [part.words for part in asked.excluded]


@generated(some.text(max_size=200))
def test_folded_words_fold_to_themselves(text: str) -> None:
    for word in tokens(text):
        assert tokens(word) == [word]


def test_parts_can_be_dropped_and_what_is_unwanted_stays() -> None:
    asked = asked_by("drone bridge insp -river")
    assert not asked.unfinished
    assert asked.keeping((0, 2)) == Asked((Part(("drone",)), Part(("insp",))), (Part(("river",)),), False)
    assert asked_by("drone bridge insp").keeping((1,)).unfinished is False
    assert asked_by("drone bridge insp").keeping((2,)).unfinished is True


def test_accents_and_capitals_fold_away_in_every_script() -> None:
    assert fold("Ünïcode ÇAĞ") == "unicode cag"
    assert fold("Ёлка") == "елка"
    assert tokens("Γειά σου") == ["γεια", "σου"]


def test_sentences_and_clauses_are_kept_apart() -> None:
    assert running("One two. Three, four; five v1.2 x") == [
        "one",
        "two",
        "|",
        "three",
        "|",
        "four",
        "|",
        "five",
        "v1",
        "2",
        "x",
    ]


@pytest.mark.parametrize(
    ("word", "typos"), [("tree", 0), ("trees", 1), ("dronebot", 1), ("inspecton", 2), ("72222300", 0), ("a" * 60, 0)]
)
def test_longer_words_forgive_more(word: str, typos: int) -> None:
    assert typos_allowed(word) == typos


def test_words_that_mean_the_same_are_symmetrical_and_folded() -> None:
    same = Synonyms.of([["Drone", "UAV", "unmanned aircraft"], ["uav", "vehicle"], ["", "!"]])
    assert same.of_words(("uav",)) == (("drone",), ("unmanned", "aircraft"), ("vehicle",))
    assert same.of_words(("unmanned", "aircraft")) == (("drone",), ("uav",))
    assert same.of_words(("boat",)) == ()
