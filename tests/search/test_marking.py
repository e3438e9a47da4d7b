"""Marked texts are whole, short and harmless."""

from __future__ import annotations

import re

from hypothesis import given as generated
from hypothesis import strategies as some

from search.marking import END, GAP, SNIPPET_WORDS, START, crop, html, mark, marked_words
from search.ranking import Ranking
from search.words import Synonyms, asked_by, tokens


def ready(question: str, *texts: str) -> Ranking:
    from search.stored import schema

    ranking = Ranking(asked_by(question), Synonyms(), schema(), lambda word: 0)
    ranking.learn({word for text in texts for word in tokens(text)})
    return ranking


def shown(question: str, text: str) -> str:
    return str(html(mark(text, ready(question, text))))


def test_words_are_marked_whole_with_typos_and_capitals() -> None:
    assert shown("inspecton ", "Drone Inspection.") == "Drone <mark>Inspection</mark>."
    assert (
        shown("insp", "Inspect, inspector; unInspected") == "<mark>Inspect</mark>, <mark>inspector</mark>; unInspected"
    )


def test_text_that_is_not_ascii_is_marked_in_the_same_way() -> None:
    assert shown("cafe", "Le Café “Central”") == "Le <mark>Café</mark> “Central”"
    assert (
        shown('"cafe central"', "Café Central, central café") == "<mark>Café</mark> <mark>Central</mark>, central café"
    )


def test_a_phrase_is_marked_only_where_it_stands() -> None:
    assert shown('"bridge inspection"', "inspection: bridge inspection") == "inspection: <mark>bridge inspection</mark>"


@generated(some.text(max_size=400), some.text(alphabet="abc<>&'\" ", max_size=30))
def test_only_our_own_tags_ever_appear(text: str, question: str) -> None:
    out = shown(question, text.replace(START, "").replace(END, ""))
    assert not re.search(r"<(?!/?mark>)", out)
    assert out.count("<mark>") == out.count("</mark>")
    assert START not in out


@generated(some.lists(some.sampled_from(["alpha", "beta", f"{START}hit{END}", "g.", "d,"]), max_size=200))
def test_a_cropped_text_is_short_and_still_shows_a_match(words: list[str]) -> None:
    text = " ".join(words)
    cut = crop(text)
    assert len(tokens(cut)) <= SNIPPET_WORDS
    if START in text:
        assert START in cut
    assert cut.strip(GAP) in text


def test_marked_words_are_listed_once_as_they_are_written() -> None:
    assert marked_words([f"{START}Drone{END} and {START}drone{END}", f"{START}insp{END}ection"]) == (
        "Drone",
        "drone",
        "inspection",
    )
