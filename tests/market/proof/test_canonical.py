"""Canonical bytes: one byte string per fact, RFC 8785's, and nothing that two readers could read differently."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.proof.canonical import DEEPEST, EXACT, NotCanonical, decode, encode

plain = st.recursive(
    st.none() | st.booleans() | st.integers(-EXACT, EXACT) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(plain)
def test_what_is_encoded_reads_back_as_the_same_facts(value: Any) -> None:
    assert decode(encode(value)) == value
    assert json.loads(encode(value)) == value


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(-9, 9)))
def test_the_order_in_which_keys_were_put_in_does_not_matter(value: dict[str, int]) -> None:
    assert encode(value) == encode(dict(reversed(value.items())))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"b": 1, "a": [True, None, "x"]}, '{"a":[true,null,"x"],"b":1}'),
        ("€\"\\\b\t\n\f\r\x0f\x7f", '"€\\"\\\\\\b\\t\\n\\f\\r\\u000f\x7f"'),
        # The order of RFC 8785, section 3.2.3: by UTF-16 code units, so U+1F600 (D83D DE00) before U+FB33.
        ({"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\u0080": 6, "\u00f6": 7},
         '{"\\r":2,"1":4,"\u0080":6,"\u00f6":7,"\u20ac":1,"\U0001f600":5,"\ufb33":3}'),
        (EXACT, "9007199254740991"),
        ([], "[]"),
        ({}, "{}"),
    ],
)  # fmt: skip
def test_the_bytes_are_those_of_the_standard(value: Any, expected: str) -> None:
    assert encode(value) == expected.encode()


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (1.0, "float"),
        (float("nan"), "float"),
        (Decimal("1.5"), "Decimal"),
        (b"bytes", "bytes"),
        ((1, 2), "tuple"),
        ({1: "x"}, "key"),
        ({"a": {"b": 0.5}}, "“b” is float"),
        ("\ud800", "surrogate"),
        ({"\ud800": 1}, "surrogate"),
        (EXACT + 1, "2\\^53"),
        (-EXACT - 1, "2\\^53"),
    ],
)
def test_what_has_no_single_form_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(NotCanonical, match=reason):
        encode(value)


def test_deep_nesting_is_refused_both_ways() -> None:
    value: Any = "x"
    for _ in range(DEEPEST):
        value = [value]
    assert decode(encode(value)) == value
    with pytest.raises(NotCanonical):
        encode([value])
    with pytest.raises(NotCanonical):
        decode(b"[" * 100_000 + b"]" * 100_000)


@pytest.mark.parametrize(
    "data",
    [
        b'{"a": 1}',
        b'{"b":1,"a":2}',
        b'{"a":1,"a":1}',
        b'{"a":1,"a":2}',
        b'"\\u0041"',
        b"1.0",
        b"1e3",
        b"NaN",
        b"-0",
        b"01",
        b"9007199254740992",
        b"1" * 5000,
        b"",
        b" 1",
        b"1\n",
        b'\xef\xbb\xbf"a"',
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\\ud800"',
        b'"a',
    ],
)
def test_any_other_spelling_is_refused(data: bytes) -> None:
    with pytest.raises(NotCanonical):
        decode(data)
