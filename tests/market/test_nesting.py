"""How deep JSON nests is counted before it is read, so that every reader of it refuses the same bytes in the same words."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import nesting
from market.nesting import DEEPEST, TooDeep
from market.openapi.document import Unreadable, load
from market.openapi.limits import MAX_DEPTH
from market.portal.intake.reading import DEEPEST as DEEPEST_RELEASE
from market.portal.intake.reading import Defect, Found, published
from market.proof import canonical, chain, verify
from market.proof.signing import Bundle, NotABundle

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(st.sampled_from('a"\\[]{}\n\u225b\ud800')),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.sampled_from('"\\[{'), max_size=3), inner),
)


def lists(levels: int, inside: str = "1") -> str:
    return "[" * levels + inside + "]" * levels


def levels_of(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(levels_of, inner), default=0)


@pytest.mark.parametrize("block", [1, 7, 65_536])
@given(ANYTHING, st.booleans())
def test_exactly_the_lists_and_objects_that_stand_in_one_another_are_counted(
    block: int, value: Any, escaped: bool
) -> None:
    text, deep = json.dumps(value, ensure_ascii=escaped, indent=1), levels_of(value)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nesting, "_BLOCK", block)
        nesting.check(text, deep)
        if deep:
            with pytest.raises(TooDeep, match=f"more than {deep - 1} deep"):
                nesting.check(text, deep - 1)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, '"x" [' * 65 + "?", lists(65, '"]]]]"'), lists(900)]
)
def test_what_a_reader_would_go_down_into_is_refused_whether_or_not_it_ends(text: str) -> None:
    for given_as in (text, text.encode(), text.encode("utf-16"), text.encode("utf-32")):
        with pytest.raises(TooDeep, match=f"lists and objects stand more than {DEEPEST} deep"):
            nesting.read(given_as)


def test_brackets_within_text_and_beside_one_another_are_not_depth() -> None:
    plain = [["[" * 1_000, '"[\\"[' * 1_000, "\\"], *([[]] * 1_000)]
    assert nesting.read(json.dumps(plain), 2) == plain


def test_reading_takes_what_json_takes_and_refuses_the_rest_as_it_does() -> None:
    assert nesting.read(b'\xef\xbb\xbf{"a": [1]}') == {"a": [1]}
    assert nesting.read('{"a": 1.5}', parse_float=str) == {"a": "1.5"}
    for text in ("[", b"\xff", "", "[1,]"):
        with pytest.raises(ValueError, match=r".") as refused:
            nesting.read(text)
        assert not isinstance(refused.value, TooDeep)


# ── who reads ──────────────────────────────────────────────────────────────────────────────────────────────────────


def canonical_words(inner: str) -> str:
    try:
        canonical.decode(f'{{"a":{inner}}}'.encode())
    except canonical.NotCanonical as error:
        return str(error)
    return ""


def bundle_words(inner: str) -> str:
    try:
        Bundle.from_text(f'{{"format": "other", "version": 1, "key": {inner}}}')
    except NotABundle as error:
        return str(error) if "not a signed" in str(error) else ""
    return ""


def document_words(inner: str) -> str:
    try:
        load(f'{{"a": {inner}}}'.encode())
    except Unreadable as error:
        return error.reason
    return ""


def release_words(inner: str) -> str:
    (one,) = published(f'{{"ocid": "o", "tag": ["tender"], "odd": {inner}}}'.encode())
    assert isinstance(one, Found | Defect)
    return one.reason if isinstance(one, Defect) else ""


@pytest.mark.parametrize(
    ("words", "deepest", "said"),
    [
        (canonical_words, DEEPEST, f"lists and objects stand more than {DEEPEST} deep in one another"),
        (bundle_words, DEEPEST, "The file is not a signed document."),
        (document_words, MAX_DEPTH, f"The document nests deeper than {MAX_DEPTH} levels."),
        (release_words, DEEPEST_RELEASE, "The brackets are nested deeper than any real release; it was not read."),
    ],
)
def test_each_reader_has_one_limit_and_one_sentence_for_it(
    words: Callable[[str], str], deepest: int, said: str
) -> None:
    assert words(lists(deepest - 1)) == ""
    assert [words(lists(levels)) for levels in (deepest, 500, 3_000, 50_000)] == [said] * 4


def test_no_stack_is_too_small_for_what_is_taken_nor_does_a_large_one_let_more_in() -> None:
    def asked(limit: int) -> list[str]:
        before = sys.getrecursionlimit()
        sys.setrecursionlimit(limit)
        try:
            return [
                words(lists(levels))
                for words in (canonical_words, bundle_words, document_words, release_words)
                for levels in (60, 200, 2_000)
            ]
        finally:
            sys.setrecursionlimit(before)

    assert asked(1_000) == asked(20_000)


def test_one_release_that_nests_too_deep_spoils_only_itself() -> None:
    good = '{"ocid": "%s", "tag": ["tender"]}'
    text = f'{{"releases": [{good % "a"}, {{"ocid": "b", "x": {lists(3_000)}}}, {good % "c"}]}}'
    every = list(published(text.encode()))
    assert [each.data["ocid"] for each in every if isinstance(each, Found)] == ["a", "c"]
    assert [each.reason[:23] for each in every if isinstance(each, Defect)] == ["The brackets are nested"]


def test_the_checks_in_the_terminal_say_that_such_a_file_is_none(tmp_path: Path) -> None:
    file = tmp_path / "file.json"
    file.write_text(lists(100_000))
    assert verify.receipt(file) == (["BROKEN  The file is not a receipt, or not a register of opening."], 1)
    with pytest.raises(chain.NotALog, match="one JSON object a line"):
        list(verify.read_heads([lists(100_000).encode()]))
