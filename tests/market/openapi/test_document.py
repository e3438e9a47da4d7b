"""Reading: YAML 1.2 core, places of values, faults of the text."""

from __future__ import annotations

from typing import Any

import pytest

from market.openapi.document import Unreadable, load

YAML = b"""\
openapi: 3.0.3
info:
  title: A
  "x-list":
    - one
    - {b: 1, c: [x,
        y]}
paths:
  /a: &a
    get: {}
  /b: *a
"""
JSON = b'{\n  "openapi": "3.0.3",\n  "info": {"title": "A", "x": [1, {"b": "\\n"},\n   3]}\n}'


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"), ("yes", "yes"), ("on", "on"), ("true", True), ("True", True), ("null", None), ("~", None), ("", None),
        ("2020-01-01", "2020-01-01"), ("2001-12-14T21:59:43Z", "2001-12-14T21:59:43Z"), ("0o17", 15), ("017", 17), ("0x1F", 31),
        ("1_000", "1_000"), ("12:30", "12:30"), ("1e3", 1000.0), (".5", 0.5), ("-1", -1), ("+1", 1), ("1.2.3", "1.2.3"),
        ("'1'", "1"), ('"null"', "null"), ("!!str 1", "1"), ("!!int '1'", 1), ("!!float 1", 1.0), ("=", "="), ("<<", "<<"),
    ],
)  # fmt: skip
def test_plain_scalars_follow_yaml_1_2(text: str, value: Any) -> None:
    read = load(f"a: {text}\n".encode()).data["a"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (1, 1)), (("openapi",), (1, 1)), (("info", "title"), (3, 3)), (("info", "x-list", 0), (5, 7)),
        (("info", "x-list", 1, "c", 1), (7, 9)), (("paths", "/b"), (11, 3)), (("paths", "/b", "get"), (10, 5)),
        (("info", "nothing", "here"), (2, 1)),
    ],
)  # fmt: skip
def test_places_in_yaml(path: Any, place: tuple[int, int]) -> None:
    assert load(YAML).locate(path) == place


@pytest.mark.parametrize(
    ("path", "place"),
    [((), (1, 1)), (("openapi",), (2, 3)), (("info", "title"), (3, 12)), (("info", "x", 1, "b"), (3, 36)), (("info", "x", 2), (4, 4)),
     (("info", "y"), (3, 3))],
)  # fmt: skip
def test_places_in_json(path: Any, place: tuple[int, int]) -> None:
    assert load(JSON).locate(path) == place


def test_an_alias_is_a_copy_with_its_own_path() -> None:
    data = load(YAML).data
    assert data["paths"]["/a"] == data["paths"]["/b"]
    assert data["paths"]["/a"] is not data["paths"]["/b"]


def test_merge_keys() -> None:
    data = load(b"a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc: {<<: [*a, *b], z: 3}\nd: {x: 9, <<: *a}\n").data
    assert data["c"] == {"x": 1, "y": 1, "z": 3}
    assert data["d"] == {"x": 1, "y": 1}


def test_faults_of_the_text_are_placed() -> None:
    document = load(b"a: {1: x, true: y}\nb:\n  c: 1\n  c: 2\n? [z]\n: q\ne: !odd r\n")
    assert [(each.kind, each.path, each.line) for each in document.problems] == [
        ("incompatible-value", ("a", "1"), 1),
        ("incompatible-value", ("a", "true"), 1),
        ("duplicate-key", ("b", "c"), 4),
        ("incompatible-value", (), 1),
        ("syntax", ("e",), 7),
    ]
    assert document.data == {"a": {"1": "x", "true": "y"}, "b": {"c": 2}, "e": "r"}


def test_names_used_twice_in_json_are_found_at_any_depth() -> None:
    document = load(b'{"a": [{"b": 1,\n "b": 2}], "c": {"d": {"e": 1, "e": 1}}}')
    assert sorted((each.path, each.line) for each in document.problems) == [(("a", 0, "b"), 2), (("c", "d", "e"), 2)]


def test_the_digest_names_the_bytes() -> None:
    assert load(JSON).digest == load(JSON).digest
    assert load(JSON).digest != load(JSON + b" ").digest


@pytest.mark.parametrize(
    ("text", "why", "line"),
    [
        ('{"a":\n [1,\n], "b" 2}', "trailing comma in array", 3),
        ('{"a": 1,\n "b": [}', "invalid character", 2),
        ('{"a": 1,\n "b": "\\q"}', "invalid escape character in string", 2),
        ('{"a": 1,\n "b": {\n', "it ends in the middle of a value", 3),
    ],
)
def test_what_starts_like_json_but_is_not_is_told_in_words_that_no_interpreter_chooses(
    text: str, why: str, line: int
) -> None:
    with pytest.raises(Unreadable) as told:
        load(text.encode())
    assert (told.value.code, told.value.line) == ("syntax", line)
    assert told.value.reason == f"The document starts like JSON but is not: {why}."
