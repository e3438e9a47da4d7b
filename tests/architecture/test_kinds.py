"""Every kind of record has all that a kind needs, and every verb that the code writes into the log has a sentence.

What is missing is named in words, one by one: `lacking` reads `market.kinds` and whatever else is keyed by a kind.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from litestar import Litestar

from market.columns import Reference
from market.db import many
from market.kind import Kind
from market.kinds import DEEDS, KINDS, ROWS, parts, sentence
from search import documents, faces
from search.standing import STANDINGS
from tests.architecture import trees
from tests.architecture.test_house import tables
from tests.architecture.trees import SOURCES, parsed, walk
from tests.search import test_leaks

SAME = {"supplier": "organisation", "component": "service"}
"""Kinds that are another look at the rows of one."""

STAGELESS = {"supplier"}
"""Kinds that are found and stand nowhere: a firm is there."""

UNTITLED = {
    "service": "a component may be confidential",
    "component": "the log speaks of the service",
    "exemption": "is called by its reference alone",
    "notice": "has its title within its facts, and the log is of our own records",
    "imported_supplier": "has as many names as portals",
}
"""Kinds that have a page and that the log calls by their reference, and why."""

VERB = re.compile(r"[a-z_-]+\.[a-z]+(-[a-z]+)*")


def _verbs(node: ast.AST) -> set[str]:
    return {
        each.value
        for each in walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and VERB.fullmatch(each.value)
    }


def _name(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (each for each in walk(tree) if isinstance(each, ast.Call))


def recorded(source: str) -> set[str]:
    """The verbs given to `record(…)` in a module: directly, or through a function of the module that passes them on."""
    tree = trees.of(source)
    found: set[str] = set()
    passing: set[str] = set()
    for function in walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for call in _calls(function):
                if _name(call) == "record" and len(call.args) > 1:
                    found |= _verbs(call.args[1])
                    if isinstance(call.args[1], ast.Name):
                        passing.add(function.name)
    for call in _calls(tree):
        if _name(call) in passing:
            for given in [*call.args, *(keyword.value for keyword in call.keywords)]:
                found |= _verbs(given)
    return found


def test_the_reader_of_this_test_finds_verbs_given_directly_in_a_choice_and_through_a_helper() -> None:
    source = """
async def act(actor):
    await record(actor, "noun.done" if actor else "noun.undone", "noun:1", {"title": "not.this"})
    await _event(actor, "noun.helped", words="no verb")
async def _event(actor, verb, words=""):
    await record(actor, verb, "noun:1")
"""
    assert recorded(source) == {"noun.done", "noun.undone", "noun.helped"}


def test_every_recorded_verb_is_in_plain_words() -> None:
    used = {verb: path.name for path in SOURCES for verb in recorded(path.read_text(encoding="utf-8"))}
    assert len(used) > 50
    missing = {verb: place for verb, place in used.items() if verb not in DEEDS}
    assert missing == {}, "write these into market/kinds.py, under the kind they happen to"


def test_every_kind_of_record_that_is_written_about_has_a_name() -> None:
    """The third argument of `record(…)` begins with the kind, as in `f"tender:{ref}"`."""
    kinds = {}
    for path in SOURCES:
        for call in _calls(parsed(path)):
            if _name(call) == "record" and len(call.args) > 2 and isinstance(call.args[2], ast.JoinedStr):
                first = call.args[2].values[0]
                if isinstance(first, ast.Constant) and str(first.value).endswith(":"):
                    kinds[str(first.value)[:-1]] = path.name
    assert len(kinds) > 10
    assert {kind: place for kind, place in kinds.items() if kind not in KINDS} == {}


def test_a_sentence_has_one_place_for_the_record() -> None:
    for verb, words in DEEDS.items():
        assert words.count("{it}") == 1, verb
        assert words[0].islower(), verb
    assert sentence("tender.published", "T-2222222") == "published the tender T-2222222"
    assert parts("contract.signed") == ("put the contract ", " into force: both sides have signed")
    assert sentence("moon.landed", "M-1") == "did “moon.landed” to M-1"
    assert "tender" in KINDS


def has_a_page(app: Litestar, address: str) -> bool:
    """Whether the site answers at this address with one page for each reference."""
    return any(re.fullmatch(re.escape(address) + r"\{[a-z]+:str\}", route.path) for route in app.routes)


def lacking(kind: Kind, app: Litestar) -> list[str]:
    """What a kind needs and has not, in words."""
    missing = []
    own = kind.one.split(" of ")[0]
    if kind.a.partition(" ")[0] not in ("a", "an", "another") or not own or not kind.many:
        missing.append("its words: one with its article, and many")
    prefixes = {column.prefix for table in tables() for column in table._meta.columns if isinstance(column, Reference)}
    if kind.prefix and kind.prefix not in prefixes:
        missing.append(f"a table whose references begin with {kind.prefix}-")
    others = [each.name for each in ROWS if each.prefix == kind.prefix != "" and each.name != kind.name]
    if [other for other in others if SAME.get(kind.name) != other and SAME.get(other) != kind.name]:
        missing.append(f"a prefix of its own: {kind.prefix}- is that of {', '.join(others)}")
    if kind.address and not has_a_page(app, kind.address):
        missing.append(f"a page at {kind.address}…")
    if kind.address and not kind.titles and kind.name not in UNTITLED:
        missing.append("the query of its title, or the log calls it by its reference")
    missing += [f"a sentence for {verb}" for verb in (*kind.steps, kind.appears) if verb and verb not in kind.deeds]
    missing += [f"the kind {whole}, of which it is a part" for whole in kind.part_of or () if whole not in KINDS]
    if kind.appears and not kind.tab:
        missing.append("what its list is called")
    if kind.findable:
        missing += [] if kind.address else ["an address, so that what is found can be read"]
        missing += [] if kind.public else ["the query of all that may be found"]
        missing += [] if kind.name in faces.FACES else ["its public face in search.faces.FACES"]
        stands = kind.name in STANDINGS or kind.name in STAGELESS
        missing += [] if stands else ["where it stands, in search.standing.STANDINGS"]
        missing += [] if kind.name in set(documents.Kind) else ["its place among the tabs in search.documents.Kind"]
        missing += [] if kind.name in test_leaks.CASES else ["what of it may be found, in tests/search/test_leaks.py"]
    return missing


def test_every_kind_has_all_that_a_kind_needs(app: Litestar) -> None:
    assert {name: missing for name, kind in KINDS.items() if (missing := lacking(kind, app))} == {}
    assert set(faces.FACES) == set(documents.Kind) == {name for name, kind in KINDS.items() if kind.findable}


def test_what_a_new_kind_lacks_is_named_one_by_one(app: Litestar) -> None:
    kind = Kind("show_and_tell", "a show-and-tell", "shows-and-tell")
    assert lacking(kind, app) == []
    assert lacking(replace(kind, many=""), app) == ["its words: one with its article, and many"]
    assert lacking(replace(kind, prefix="ST"), app) == ["a table whose references begin with ST-"]
    assert lacking(replace(kind, prefix="W"), app) == ["a prefix of its own: W- is that of waiver"]
    assert lacking(replace(kind, address="/shows/"), app) == [
        "a page at /shows/…",
        "the query of its title, or the log calls it by its reference",
    ]
    assert lacking(replace(kind, steps=("show_and_tell.held",)), app) == ["a sentence for show_and_tell.held"]
    assert lacking(replace(kind, part_of=("fair",)), app) == ["the kind fair, of which it is a part"]
    found = replace(kind, tab="Shows", appears="show_and_tell.held", deeds={"show_and_tell.held": "held {it}"})
    assert lacking(found, app) == [
        "an address, so that what is found can be read",
        "the query of all that may be found",
        "its public face in search.faces.FACES",
        "where it stands, in search.standing.STANDINGS",
        "its place among the tabs in search.documents.Kind",
        "what of it may be found, in tests/search/test_leaks.py",
    ]


def test_a_verb_belongs_to_one_kind() -> None:
    every = [verb for kind in ROWS for verb in kind.deeds]
    assert len(every) == len(set(every))
    assert set(every) < set(DEEDS)


@pytest.mark.usefixtures("clean")
async def test_the_queries_of_every_kind_can_be_asked() -> None:
    for kind in ROWS:
        for query, given in ((kind.titles, ["X-1"]), (kind.behind, "X-1")):
            assert not query or await many(query, *[given] * query.count("{}")) == []
        assert not kind.public or await many(kind.public) == []
        turning = "WITH turning AS (SELECT now() AS now, 'Europe/London' AS zone) "
        assert not kind.turns or await many(turning + kind.turns) == []


def test_references_begin_with_what_their_kind_says() -> None:
    """No table of the house writes the prefix of a kind by hand: it would go on when the kind's changes."""
    by_hand = [
        f"{path.parent.name}/{path.name}: {prefix}"
        for path in SOURCES
        for prefix in re.findall(r'(?<![a-z_])reference\("([A-Z]+)"\)', path.read_text(encoding="utf-8"))
        if prefix in {kind.prefix for kind in ROWS}
    ]
    assert by_hand == []
