"""JavaScript's regular expressions: what is one, what it means, and what is too big to be run."""

from __future__ import annotations

import pytest

from market.openapi.formats import FORMATS, is_regex
from market.openapi.limits import MAX_GROUPS
from market.openapi.patterns import BadPattern, TooBig, compiled
from tests.cost import at_most


@pytest.mark.parametrize(
    ("source", "good", "bad"),
    [
        (r"^(?<a>x+)-\k<a>$", "xx-xx", "xx-x"),
        (r"^\S+$", "ab", "a\u00a0b"),
        (r"^[\s]$", "\u2003", "a"),
        (r"^a+?b$", "aab", "a"),
        (r"^a{2}?$", "aa", "a"),
        (r"^\x41\u0042$", "AB", "x41"),
        (r"^\x4$", "x4", "\x04"),
        (r"^\8$", "8", ""),
        (r"^\1\cA$", "\x01\x01", "1A"),
        (r"^[+*]+$", "+*", ""),
        (r"^\++$", "++", ""),
        (r"^a{0,99999999999}$", "", "b"),
        (r"^[\w-\.]+$", "a.b-c", "a b"),
    ],
)
def test_an_expression_means_what_javascript_means(source: str, good: str, bad: str) -> None:
    assert compiled(source).search(good)
    assert not compiled(source).search(bad)


@pytest.mark.parametrize(
    "source", ["a++", "a{2}+", "x?+", "^*", "a$+", r"\b?", "^{2}", "a|?b", "(?>a)", "(?<=a)*", "(?i)a", "[z-a]"]
)
def test_what_javascript_refuses_is_refused(source: str) -> None:
    with pytest.raises(BadPattern):
        compiled(source)
    assert not is_regex(source)


@pytest.mark.parametrize(
    "source",
    ["a{4000000000}", "((a{1000}){1000}){1000}", "(?:(?:ab{50}){50}){50}", "[a-z]{99999999999}", "(x|y{9999}){2}"],
)
def test_repeats_that_multiply_are_refused_before_they_are_written_out(source: str) -> None:
    with at_most(0.5), pytest.raises(TooBig):
        compiled(source)
    assert is_regex(source), "it is one all the same"


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("(?:a|", ")"), ("(?=", ")"), ("(?:", "){2}")])
def test_groups_within_groups_are_refused_beyond_a_number_and_not_where_a_stack_ends(
    opening: str, closing: str
) -> None:
    times = 5 if closing.endswith("}") else MAX_GROUPS
    assert compiled(opening * times + "a" + closing * times).search("a" * 32)
    for deeper in (MAX_GROUPS + 1, 150, 245):
        with pytest.raises(TooBig, match=f"more than {MAX_GROUPS} deep in one another"):
            compiled(opening * deeper + "a" + closing * deeper)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("date-time", ["2026-11-22T09:00:00Z", "2026-11-22T09:00:00", "2026-11-22 23:59:60Z"], ["2026-11-22", "2026-11-22T24:00:00Z"]),
        ("time", ["09:00:00+01:00", "09:00:00.5"], ["9:00:00", "12:59:60"]),
        ("uri", ["https://u:p@a.example:80/b%20c?d#e", "urn:isbn:1", "mailto:a@b.example", "http://[::1]/"],
         ["//a/b", "a b", "https://a.example/[", "http://[::1%25]/x]", "https://a.example:8a/"]),
        ("uri-reference", ["../a?b#c", "//h/p", "", "#f"], ["a b", "https://a[b", "%zz"]),
        ("uri-template", ["/a/{b}{?c,d*}", "/a/{+b:3}"], ["/a/{", "/a/{b c}", "/a/{b:0}"]),
        ("url", ["https://a.example:8080/?x"], ["http://localhost/", "a.example"]),
        ("ipv4", ["192.168.0.1", "255.055.1.1"], ["256.1.1.1", "1.2.3"]),
        ("ipv6", ["::1", "::ffff:1.2.3.4"], ["fe80::1%eth0", "1::2::3"]),
        ("regex", ["[a-z]+", "a{4000000000}"], ["(", r"a\Z"]),
    ],
)  # fmt: skip
def test_a_format_accepts_what_it_means_and_nothing_else(name: str, good: list[str], bad: list[str]) -> None:
    test = FORMATS.get(("string", name), is_regex)
    assert [text for text in good if not test(text)] == []
    assert [text for text in bad if test(text)] == []
