"""Changes between two versions: what breaks callers is named in words, what does not is not called breaking."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from market.standards.checking.changes.comparison import compare, compare_files, findings
from market.standards.checking.changes.schemas import DEEPEST
from market.standards.checking.profiles import profile

PERMIT = "/permits/{permit-id}"


def base() -> Any:
    made = copy.deepcopy(profile("uk-core").base)
    made["paths"]["/permits"] = {
        "post": {
            "operationId": "applyForPermit",
            "parameters": [{"name": "notify", "in": "query", "schema": {"type": "boolean"}}],
            "requestBody": {
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["zone"],
                            "properties": {
                                "zone": {"type": "string", "enum": ["A", "B"], "maxLength": 10},
                                "note": {"type": "string"},
                                "id": {"type": "string", "readOnly": True},
                            },
                        }
                    }
                }
            },
            "responses": {"201": {"description": "Applied", "headers": {"Location": {"required": True}}}},
        }
    }
    permit = made["components"]["schemas"]["Permit"]
    permit["required"] = ["id"]
    permit["properties"]["state"] = {"type": "string", "enum": ["valid", "expired"]}
    permit["properties"]["next"] = {"$ref": "#/components/schemas/Permit"}
    return made


Edit = Callable[[Any], object]


def body(document: Any) -> Any:
    return document["paths"]["/permits"]["post"]["requestBody"]["content"]["application/json"]["schema"]


def permit(document: Any) -> Any:
    return document["components"]["schemas"]["Permit"]


BREAKING: dict[str, tuple[Edit, str]] = {
    "path-removed": (lambda d: d["paths"].pop("/permits"), "The path /permits was removed"),
    "operation-removed": (lambda d: d["paths"]["/permits"].pop("post"), "POST /permits was removed"),
    "parameter-required": (
        lambda d: d["paths"]["/permits"]["post"]["parameters"][0].update(required=True),
        "the query parameter notify is now required",
    ),
    "parameter-added-required": (
        lambda d: d["paths"]["/permits"]["post"]["parameters"].append(
            {"name": "ward", "in": "query", "required": True}
        ),
        "the query parameter ward was added and is required",
    ),
    "body-required": (
        lambda d: d["paths"]["/permits"]["post"]["requestBody"].update(required=True),
        "the body is now required",
    ),
    "body-removed": (lambda d: d["paths"]["/permits"]["post"].pop("requestBody"), "no longer takes a body"),
    "media-type-removed": (
        lambda d: d["paths"]["/permits"]["post"]["requestBody"].update(content={"text/csv": {}}),
        "can no longer be sent as application/json",
    ),
    "property-required": (lambda d: body(d)["required"].append("note"), "the property note is now required"),
    "property-added-required": (
        lambda d: (body(d)["properties"].update(ward={"type": "string"}), body(d)["required"].append("ward")),
        "the property ward was added and is required",
    ),
    "object-closed": (lambda d: body(d).update(additionalProperties=False), "no longer accepted"),
    "enum-narrowed": (lambda d: body(d)["properties"]["zone"]["enum"].remove("B"), "the values B were removed"),
    "maxLength-changed": (
        lambda d: body(d)["properties"]["zone"].update(maxLength=5),
        "maxLength changed from 10 to 5",
    ),
    "pattern-changed": (lambda d: body(d)["properties"]["note"].update(pattern="^x"), "the pattern ^x was added"),
    "type-changed": (
        lambda d: body(d)["properties"]["note"].update(type="integer"),
        "the type changed from string to integer",
    ),
    "response-removed": (
        lambda d: d["paths"]["/permits"]["post"].update(responses={"202": {"description": "Later"}}),
        "the response 201 is no longer described",
    ),
    "header-removed": (
        lambda d: d["paths"]["/permits"]["post"]["responses"]["201"].pop("headers"),
        "no longer has the header Location",
    ),
    "property-removed": (lambda d: permit(d)["properties"].pop("expiryDate"), "the property expiryDate was removed"),
    "property-optional": (lambda d: permit(d).pop("required"), "the property id may now be absent"),
    "type-widened": (
        lambda d: permit(d)["properties"]["expiryDate"].update(nullable=True),
        "the type changed from string to null, string",
    ),
    "security-added": (
        lambda d: None,
        "was open and now needs authentication",
    ),
    "security-removed": (
        lambda d: (
            d["components"]["securitySchemes"].update(token={"type": "http", "scheme": "bearer"}),
            d.update(security=[{"token": []}]),
        ),
        "can no longer be called with key",
    ),
    "security-scheme-changed": (
        lambda d: d["components"]["securitySchemes"]["key"].update({"in": "query"}),
        "in changed from header to query",
    ),
}

HARMLESS: dict[str, Edit] = {
    "path-added": lambda d: d["paths"].update({"/zones": {"get": {"responses": {}}}}),
    "operation-added": lambda d: d["paths"]["/permits"].update(get={"responses": {}}),
    "parameter-added": lambda d: d["paths"]["/permits"]["post"]["parameters"].append({"name": "ward", "in": "query"}),
    "parameter-removed": lambda d: d["paths"]["/permits"]["post"]["parameters"].clear(),
    "property-added": lambda d: permit(d)["properties"].update(zone={"type": "string"}),
    "enum-widened": lambda d: body(d)["properties"]["zone"]["enum"].append("C"),
    "maxLength-changed": lambda d: body(d)["properties"]["zone"].update(maxLength=20),
    "response-added": lambda d: d["paths"]["/permits"]["post"]["responses"].update({"409": {"description": "No"}}),
    "operation-deprecated": lambda d: d["paths"]["/permits"]["post"].update(deprecated=True),
    "security-widened": lambda d: d["security"].append({"token": []}),
    "server-removed": lambda d: d.update(servers=[{"url": "https://new.example.gov.uk/v1"}]),
    "operation-id-changed": lambda d: d["paths"]["/permits"]["post"].update(operationId="apply"),
}


@pytest.mark.parametrize("code", BREAKING)
def test_a_breaking_change_is_named_in_plain_words(code: str) -> None:
    old, new = base(), base()
    edit, words = BREAKING[code]
    edit(new)
    if code == "security-added":
        old["security"] = []
    breaking = compare(old, new).breaking
    assert code in {change.code for change in breaking}
    assert any(words in change.words for change in breaking), [change.words for change in breaking]


@pytest.mark.parametrize("code", HARMLESS)
def test_what_callers_can_live_with_is_told_but_not_breaking(code: str) -> None:
    old, new = base(), base()
    HARMLESS[code](new)
    comparison = compare(old, new)
    assert code in {change.code for change in comparison.changes}
    assert comparison.breaking == []


def test_the_same_document_has_no_changes_and_circles_end() -> None:
    assert compare(base(), base()).changes == ()


def test_alternatives_of_one_name_are_compared_in_order() -> None:
    document = base()
    body(document)["oneOf"] = [{"title": "A", "type": "string"}, {"title": "A", "type": "integer"}]
    assert compare(document, copy.deepcopy(document)).changes == ()


def test_renaming_a_parameter_in_a_path_or_moving_a_schema_is_no_change() -> None:
    old, new = base(), base()
    item = new["paths"].pop(PERMIT)
    item["get"]["parameters"][0]["name"] = "id"
    new["paths"]["/permits/{id}"] = item
    new["components"]["schemas"]["Pass"] = new["components"]["schemas"].pop("Permit")
    text = json.dumps(new).replace("#/components/schemas/Permit", "#/components/schemas/Pass")
    assert compare(old, json.loads(text)).breaking == []


def test_all_of_is_compared_as_what_it_amounts_to() -> None:
    old, new = base(), base()
    whole = permit(new)
    new["components"]["schemas"]["Named"] = {"type": "object", "properties": {"id": whole["properties"].pop("id")}}
    new["components"]["schemas"]["Permit"] = {"allOf": [{"$ref": "#/components/schemas/Named"}, whole]}
    assert compare(old, new).breaking == []


@pytest.mark.parametrize(
    ("old", "new", "announced"),
    [
        ("1.2.0", "2.0.0", True),
        ("1.2.0", "1.3.0", False),
        ("0.4.1", "0.5.0", True),
        ("0.4.1", "0.4.2", False),
        ("", "", False),
    ],
)
def test_a_break_is_announced_by_a_new_major_version(old: str, new: str, announced: bool) -> None:
    before, after = base(), base()
    before["info"]["version"], after["info"]["version"] = old, new
    after["paths"].pop("/permits")
    comparison = compare(before, after)
    assert comparison.new_major is announced
    found = findings(comparison, profile("uk-core"))
    assert bool(found) is not announced
    for finding in found:
        assert finding.rule == "ukc-26-no-breaking-without-major"
        assert finding.tier == "gate"
    assert findings(comparison, profile("minimal")) == []


def test_what_cannot_be_read_is_a_reason() -> None:
    assert "empty" in compare_files(b"", b"{}").reason
    assert "not an OpenAPI document" in compare_files(b"[]", b"{}").reason
    assert compare_files(b"openapi: 3.0.0\npaths: {/a: {}}", b'{"paths": null}').changes


def chained(schemas: int, kind: str, word: str) -> dict[str, Any]:
    """A document whose only answer has a schema that leads to another, and so on, and ends in a value of this kind."""

    def within(inner: Any) -> dict[str, Any]:
        return {"items": inner} if word == "items" else {"properties": {"x": inner}} if word == "x" else {word: [inner]}

    links = {f"A{n}": within({"$ref": f"#/components/schemas/A{n + 1}"}) for n in range(1, schemas)}
    answer = {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/A1"}}}}
    return {
        "openapi": "3.0.3",
        "info": {"title": "t", "version": "1.0.0"},
        "paths": {"/a": {"get": {"responses": {"200": answer}}}},
        "components": {"schemas": {**links, f"A{schemas}": {"type": kind}}},
    }


@pytest.mark.parametrize("word", ["x", "items", "oneOf", "anyOf"])
def test_schemas_within_schemas_are_compared_to_a_number_and_not_to_where_a_stack_ends(word: str) -> None:
    told = compare(chained(DEEPEST, "string", word), chained(DEEPEST, "integer", word))
    assert (told.reason, [change.code for change in told.changes]) == ("", ["type-changed"])
    for more in (DEEPEST + 1, 3_000):
        told = compare(chained(more, "string", word), chained(more, "integer", word))
        assert (told.reason, told.changes) == ("The documents nest too deep to be compared.", ())
