"""Every verb that the code writes into the log has a sentence."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from market.audit.thread import VERBS
from market.oversight.verbs import KINDS, SENTENCES, parts, sentence
from market.settings import ROOT

VERB = re.compile(r"[a-z_-]+\.[a-z]+(-[a-z]+)*")


def _verbs(node: ast.AST) -> set[str]:
    return {
        each.value
        for each in ast.walk(node)
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and VERB.fullmatch(each.value)
    }


def _name(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (each for each in ast.walk(tree) if isinstance(each, ast.Call))


def recorded(source: str) -> set[str]:
    """The verbs given to `record(…)` in a module: directly, or through a function of the module that passes them on."""
    tree = ast.parse(source)
    found: set[str] = set()
    passing: set[str] = set()
    for function in ast.walk(tree):
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


def sources() -> Iterator[Path]:
    for folder in ("market", "challenges", "search"):
        for path in (ROOT / folder).rglob("*.py"):
            if "piccolo_migrations" not in path.parts:
                yield path


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
    used = {verb: path.name for path in sources() for verb in recorded(path.read_text(encoding="utf-8"))}
    assert len(used) > 50
    missing = {verb: place for verb, place in used.items() if verb not in SENTENCES}
    assert missing == {}, "write these into market/oversight/verbs.py"
    assert set(VERBS) <= set(SENTENCES)


def test_every_kind_of_record_that_is_written_about_has_a_name() -> None:
    """The third argument of `record(…)` begins with the kind, as in `f"tender:{ref}"`."""
    kinds = {}
    for path in sources():
        for call in _calls(ast.parse(path.read_text(encoding="utf-8"))):
            if _name(call) == "record" and len(call.args) > 2 and isinstance(call.args[2], ast.JoinedStr):
                first = call.args[2].values[0]
                if isinstance(first, ast.Constant) and str(first.value).endswith(":"):
                    kinds[str(first.value)[:-1]] = path.name
    assert len(kinds) > 10
    assert {kind: place for kind, place in kinds.items() if kind not in KINDS} == {}


def test_a_sentence_has_one_place_for_the_record() -> None:
    for verb, words in SENTENCES.items():
        assert words.count("{it}") == 1, verb
        assert words[0].islower(), verb
    assert sentence("tender.published", "T-2222222") == "published the tender T-2222222"
    assert parts("contract.signed") == ("put the contract ", " into force: both sides have signed")
    assert sentence("moon.landed", "M-1") == "did “moon.landed” to M-1"
    assert "tender" in KINDS
