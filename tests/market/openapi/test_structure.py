"""The structure of a document, by its version: what is wrong, and where it is said to be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from market.openapi.document import load
from market.openapi.ruleset import read
from market.openapi.run import LintResult, lint

RULES = read("extends: [[spectral:oas, off]]\nrules: {oas2-schema: error, oas3-schema: error}")
INFO = {"title": "A", "version": "1.0.0"}


def judged(document: dict[str, Any]) -> LintResult:
    return lint(load(json.dumps({"info": INFO, "paths": {}, **document}).encode()), RULES)


def places(document: dict[str, Any]) -> list[str]:
    return sorted({"/".join(map(str, each.path)) for each in judged(document).findings})


def schema(version: str, given: Any) -> dict[str, Any]:
    return {"openapi": version, "components": {"schemas": {"A": given}}}


def parameter(version: str, given: Any) -> dict[str, Any]:
    responses = {"200": {"description": "x"}}
    return {"openapi": version, "paths": {"/a": {"get": {"parameters": [given], "responses": responses}}}}


@pytest.mark.parametrize("version", ["3.1.0", "3.1.1", "3.2.0"])
@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"type": "object", "properties": {"a": {"type": ["string", "null"]}}}, []),
        (True, []),
        ("text", ["components/schemas/A"]),
        ({"type": "strin"}, ["components/schemas/A/type"]),
        ({"type": ["string", "strin"]}, ["components/schemas/A/type/1"]),
        ({"type": []}, ["components/schemas/A/type"]),
        ({"type": 4}, ["components/schemas/A/type"]),
        ({"required": True}, ["components/schemas/A/required"]),
        ({"allOf": ["", {}]}, ["components/schemas/A/allOf/0"]),
        ({"properties": {"a": {"items": 4}}}, ["components/schemas/A/properties/a/items"]),
        ({"properties": {"a": {"minLength": -1}}}, ["components/schemas/A/properties/a/minLength"]),
        ({"pattern": "("}, ["components/schemas/A/pattern"]),
        ({"pattern": "[\\w-\\.]+"}, []),
        ({"xml": {"attribute": 1}}, ["components/schemas/A/xml/attribute"]),
        ({"dependentRequired": {"a": [1]}}, ["components/schemas/A/dependentRequired/a/0"]),
        ({"$defs": {"a": 5}}, ["components/schemas/A/$defs/a"]),
        ({"$ref": 5}, ["components/schemas/A/$ref"]),
    ],
)
def test_a_schema_object_is_json_schema(version: str, given: Any, expected: list[str]) -> None:
    assert places(schema(version, given)) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"name": "a", "in": "query", "schema": {}}, []),
        ({"name": "a", "in": "body", "schema": {}}, ["in"]),
        ({"name": "a", "in": None, "schema": {}}, ["in"]),
        ({"name": "a", "schema": {}}, [""]),
        ({"name": "a", "in": "path", "schema": {}}, [""]),
        ({"name": "a", "in": "path", "required": False, "schema": {}}, ["required"]),
        ({"name": "a", "in": "header", "style": "form", "schema": {}}, ["style"]),
        ({"name": "a", "in": "query"}, [""]),
    ],
)
def test_a_parameter_is_judged_by_where_it_is_and_told_once(given: dict[str, Any], expected: list[str]) -> None:
    base = "paths//a/get/parameters/0"
    assert places(parameter("3.0.3", given)) == [f"{base}/{each}".rstrip("/") for each in expected]
    messages = [each.detail for each in judged(parameter("3.0.3", given)).findings]
    assert len(messages) == len(set(messages))
    if "schema" not in given:
        assert messages == ['"0" — needs "schema" or "content"']


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (True, []),
        ({"type": "string"}, []),
        ({"$ref": "#/components/schemas/A"}, []),
        ({"type": "strin"}, ["components/schemas/A/additionalProperties/type"]),
        ("text", ["components/schemas/A/additionalProperties"]),
    ],
)
def test_a_choice_between_a_schema_and_a_flag_is_made_by_what_it_is(given: Any, expected: list[str]) -> None:
    assert places(schema("3.0.3", {"additionalProperties": given})) == expected


def test_servers_may_have_variables_and_urls_of_flows_may_be_relative() -> None:
    flows = {"clientCredentials": {"tokenUrl": "/token", "scopes": {}}}
    schemes = {"a": {"type": "oauth2", "flows": flows}}
    server = {"url": "https://{place}.example", "variables": {"place": {"default": "x"}}}
    assert places({"openapi": "3.1.0", "servers": [server], "components": {"securitySchemes": schemes}}) == []


def test_a_path_item_and_a_schema_may_refer_and_a_reference_may_have_siblings() -> None:
    item = {"summary": "Here", "get": {"responses": {"200": {"$ref": "#/components/responses/R", "x-a": 1}}}}
    parts = {"pathItems": {"P": item}, "responses": {"R": {"description": "x"}}}
    assert (
        places({"openapi": "3.1.0", "paths": {"/a": {"$ref": "#/components/pathItems/P"}}, "components": parts}) == []
    )


def test_oauth_of_openapi_2_names_its_scopes() -> None:
    scheme = {"type": "oauth2", "flow": "implicit", "authorizationUrl": "https://a.example"}
    document = {"swagger": "2.0", "securityDefinitions": {"a": scheme}}
    assert places(document) == ["securityDefinitions/a"]
    assert places({**document, "securityDefinitions": {"a": {**scheme, "scopes": {}}}}) == []


def test_many_costly_patterns_end_with_the_time_of_the_run() -> None:
    made = {f"p{number}": {"type": "string", "pattern": f"^[a-z]{{9000}}{number}$"} for number in range(3000)}
    result = judged(schema("3.0.3", {"type": "object", "properties": made}))
    assert "out of time" in result.undone["oas3-schema"]
