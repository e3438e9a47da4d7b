"""The JSONPath of rulesets, with its quirks, over plain and referring documents."""

from __future__ import annotations

from typing import Any

import pytest

from market.openapi.filters import BadFilter, parse
from market.openapi.graph import Graph, View
from market.openapi.jsonpath import BadPath, compile_path, evaluate
from market.openapi.limits import MAX_CONDITION_DEPTH, Deadline
from tests.cost import at_most

DOCUMENT: Any = {
    "openapi": "3.0.3",
    "paths": {
        "/a": {
            "get": {"tags": ["x"], "responses": {"200": {"headers": {"X-A": {}}}, "404": {"$ref": "#/components/r"}}},
            "post": {"deprecated": True, "responses": {"2XX": {}}},
        },
        "/b/status": {"parameters": [{"in": "query", "name": "q"}, {"in": "path", "name": "p"}, None, 7]},
    },
    "components": {
        "r": {"description": "shared", "headers": {"X-B": {"type": "string"}}},
        "schemas": {
            "A": {
                "type": "object",
                "properties": {"type": {"enum": ["a", "b"]}, "next": {"$ref": "#/components/schemas/A"}},
            },
            "B": {"type": ["array", "null"], "items": {"type": "string", "enum": []}},
        },
    },
    "tags": [{"name": "x"}, {"name": "y"}, {"name": "z"}],
}


def found(source: str, resolved: bool = True) -> list[tuple[str, Any]]:
    graph = Graph(DOCUMENT)
    view: View = graph.resolved if resolved else graph.unresolved
    matches = evaluate(compile_path(source), view, Deadline(5, "test"), lambda words: None)
    return [("/".join(map(str, view.place(match))), match.value) for match in matches]


def places(source: str, resolved: bool = True) -> list[str]:
    return [place for place, _ in found(source, resolved)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("$", [""]),
        ("$.openapi", ["openapi"]),
        ("$['openapi']", ["openapi"]),
        ("$.['openapi']", ["openapi"]),
        ("$.paths[*]", ["paths//a", "paths//b/status"]),
        ("$.paths['/a'][get,post].deprecated", ["paths//a/post/deprecated"]),
        ("$.paths.'/b/status'.parameters[0].name", ["paths//b/status/parameters/0/name"]),
        ("$.tags[0]", ["tags/0"]),
        ("$.tags[-1:]", ["tags/2"]),
        ("$.tags[(@.length-1)]", ["tags/2"]),
        ("$.tags[0:2].name", ["tags/0/name", "tags/1/name"]),
        ("$.tags[::2]", ["tags/0", "tags/2"]),
        (
            "$..name",
            [
                "tags/0/name",
                "tags/1/name",
                "tags/2/name",
                "paths//b/status/parameters/0/name",
                "paths//b/status/parameters/1/name",
            ],
        ),
        (
            "$..[name]",
            [
                "tags/0/name",
                "tags/1/name",
                "tags/2/name",
                "paths//b/status/parameters/0/name",
                "paths//b/status/parameters/1/name",
            ],
        ),
        ("$.tags.[name]", ["tags/0/name", "tags/1/name", "tags/2/name"]),
        ("$.nothing", []),
        ("$.openapi.length", []),
    ],
)
def test_an_expression_finds_its_values(source: str, expected: list[str]) -> None:
    assert sorted(places(source)) == sorted(expected)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("$..parameters[?(@ && @.in == 'query')]", ["paths//b/status/parameters/0"]),
        ("$..parameters[?(@.in == 'query')]", ["paths//b/status/parameters/0"]),
        ("$.paths[?(@property && @property.match(/status$/))]", ["paths//b/status"]),
        ("$.paths[?(@property === '/a')].post", ["paths//a/post"]),
        ("$.paths[*][?(@ && @.deprecated == true)]", ["paths//a/post"]),
        ("$.tags[?(@.name !== 'x' && !(@.name == 'y'))]", ["tags/2"]),
        ("$.tags[?(@.name > 'x')].name", ["tags/1/name", "tags/2/name"]),
        ("$.tags[?(@property > 0)]", ["tags/1", "tags/2"]),
        ("$.tags[?(['x', 'z'].includes(@.name))]", ["tags/0", "tags/2"]),
        ("$.tags[?(@.name in ['y'])]", ["tags/1"]),
        ("$.tags[?(@.nothing === void 0 && typeof @.name == 'string')]", ["tags/0", "tags/1", "tags/2"]),
        ("$.tags[?(@.name ? @.name.length == 1 : false)]", ["tags/0", "tags/1", "tags/2"]),
        ("$.tags[?(@parentProperty == 'tags' && @.name == 'x')]", ["tags/0"]),
        ("$.tags[?(@.name.toUpperCase() + '!' == 'Y!')]", ["tags/1"]),
        ("$.components.schemas[?(@.type.constructor.name === 'Array' && @.type.includes('array'))]", ["components/schemas/B"]),
        ("$.components.schemas..[?(@property !== 'properties' && @ && @.enum)]",
         ["components/schemas/A/properties/type", "components/schemas/B/items"]),
        ("$..[?(@path == \"$['tags'][0]\")]", ["tags/0"]),
        ("$.tags[?(@root.openapi == '3.0.3' && @.name == 'z')]", ["tags/2"]),
        ("$.tags[?(Object.keys(@).length == 1 && @.name == 'x')]", ["tags/0"]),
        ("$.openapi@string()", None),
        ("$.tags..@string()", ["tags/0/name", "tags/1/name", "tags/2/name"]),
    ],
)  # fmt: skip
def test_a_condition_selects_its_values(source: str, expected: list[str] | None) -> None:
    if expected is None:
        with pytest.raises(BadPath):
            compile_path(source)
    else:
        assert sorted(places(source)) == sorted(expected)


def test_keys_and_parents() -> None:
    assert found("$.components.schemas[*]~") == [("components/schemas/A", "A"), ("components/schemas/B", "B")]
    assert places("$.tags[?(@.name == 'y')].name^") == ["tags/1"]
    assert places("$..enum^^") == ["components/schemas/A/properties", "components/schemas/B"]
    assert "paths//a" in places("$..get^")
    assert places("$..[?(@ === 'q')]^.in") == ["paths//b/status/parameters/0/in"]
    assert places("$.paths[*].get.tags^^.post.deprecated") == ["paths//a/post/deprecated"]
    assert places("$..headers[*]^^.tags") == []
    with pytest.raises(BadPath, match="above the document"):
        compile_path("$^.a")


def test_references_are_followed_and_named_by_where_they_lead() -> None:
    assert places("$.paths[*].get.responses[*].headers[*]") == [
        "paths//a/get/responses/200/headers/X-A",
        "components/r/headers/X-B",
    ]
    assert places("$.paths[*].get.responses[*].headers[*]", resolved=False) == [
        "paths//a/get/responses/200/headers/X-A"
    ]
    assert places("$.paths[*].get.responses[?(@property == '404')].$ref") == []
    assert places("$.paths[*].get.responses[?(@property == '404')].$ref", resolved=False) == [
        "paths//a/get/responses/404/$ref"
    ]


def test_a_circular_reference_is_left_as_it_is_written() -> None:
    assert places("$.components.schemas.A.properties.next.$ref") == ["components/schemas/A/properties/next/$ref"]


def test_a_condition_that_would_throw_is_no_match_and_is_told() -> None:
    told: list[str] = []
    graph = Graph(DOCUMENT)
    expression = compile_path("$..parameters[?(!(@.name.length == 2))]")
    matches = evaluate(expression, graph.resolved, Deadline(5, "test"), told.append)
    assert len(matches) == 2
    assert told == [
        "!(@.name.length == 2): cannot read name of null",
        "!(@.name.length == 2): cannot read length of undefined",
    ]


@pytest.mark.parametrize(
    "source",
    ["", "a", "$.", "$[", "$[?(]", "$[?(@.a", "$.a~b", "$[?(x)]", "$[?(@.a = 1)]", "$[?(@.eval('1'))]", "$[?(this)]",
     "$[?(@ => 1)]", "$['a", "$..", "$[1:2:0]", "$[?(@.a &&)]", "$[(@.b)]", "$.a..", "$[?(@.a.b.c)", "$[?(`x`)]"],
)  # fmt: skip
def test_what_is_no_expression_is_refused_with_the_place(source: str) -> None:
    if source == "$..":
        assert compile_path(source).containers
        return
    with pytest.raises(BadPath) as refused:
        compile_path(source)
    assert str(refused.value)


def condition(source: str, value: Any) -> list[Any]:
    view = Graph({"a": value}).resolved
    return evaluate(compile_path(f"$[?({source})]"), view, Deadline(5, "test"), lambda words: None)


@pytest.mark.parametrize(("first", "again"), [("@.z", " || @.z"), ("@", ".z"), ("1", " + 1"), ("@.z", " && @.z")])
def test_a_condition_is_refused_beyond_a_number_of_steps_and_not_where_a_stack_ends(first: str, again: str) -> None:
    steps = MAX_CONDITION_DEPTH - 4
    assert len(condition(first + again * steps, {})) == (again == " + 1")
    for more in (MAX_CONDITION_DEPTH, 300, 490, 2_000):
        with pytest.raises(BadFilter, match="the condition nests too deep"):
            parse(first + again * more)


def test_many_signs_before_a_value_are_read_at_once() -> None:
    with at_most(0.5):
        assert condition("!" * 58 + "@.z", {"z": 1})
    with pytest.raises(BadFilter, match="the condition nests too deep"):
        parse("!" * 59 + "@.z")
