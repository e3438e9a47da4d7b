"""Rulesets: what they extend, switch, re-level and override; and what each function judges."""

from __future__ import annotations

import json
from typing import Any

import pytest

from market.openapi.document import load
from market.openapi.ruleset import detect, read
from market.openapi.run import LintFinding, lint


def findings(ruleset: str, document: Any, name: str | None = None) -> list[LintFinding]:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    result = lint(load(raw), read(ruleset), name)
    assert not result.undone
    return [finding for finding in result.findings if finding.rule != "unrecognized-format"]


def judged(function: str, value: Any, options: str = "") -> int:
    ruleset = f"rules: {{r: {{given: $.value, then: {{function: {function}{', functionOptions: ' + options if options else ''}}}}}}}"
    return len(findings(ruleset, {"openapi": "3.0.0", "value": value}))


@pytest.mark.parametrize(
    ("function", "options", "good", "bad"),
    [
        ("truthy", "", ["a", 1, [], {}, True], ["", 0, False, None]),
        ("falsy", "", ["", 0, None, False], ["a", [], {}]),
        ("defined", "", [None, 0, ""], []),
        ("undefined", "", [], [None, 0]),
        ("pattern", "{match: '^a'}", ["ab", 7, None, {}], ["ba", ""]),
        ("pattern", "{notMatch: '/^A/i'}", ["ba"], ["ab"]),
        ("pattern", "{match: '^a$'}", ["a"], ["a\n"]),
        ("enumeration", "{values: [a, 1, null]}", ["a", 1, None, {}, []], ["b", 2, True]),
        ("length", "{min: 1, max: 2}", ["ab", [1], {"a": 1}, 2, None], ["", [1, 2, 3], 3]),
        ("casing", "{type: camel}", ["aB", "a1B", ""], ["AB", "a_b", "a-b"]),
        ("casing", "{type: pascal}", ["AbCd", "A"], ["abCd", "UUID"]),
        ("casing", "{type: kebab}", ["a-b"], ["a--b", "A-b", "-a"]),
        ("casing", "{type: snake, disallowDigits: true}", ["a_b"], ["a_1"]),
        ("casing", "{type: macro}", ["A_B"], ["A_b"]),
        ("casing", "{type: cobol}", ["A-B"], ["a-b"]),
        ("casing", "{type: flat, separator: {char: '/', allowLeading: true}}", ["/a/b", "/", "a"], ["/A"]),
        ("casing", "{type: pascal, separator: {char: ''}}", ["Ab"], ["ABC"]),
        ("alphabetical", "", [["a", "b"], [1, 2, 10], {"a": 1, "b": 2}, ["A", "b"]], [["b", "a"], [2, 1], {"b": 1, "a": 1}]),
        ("alphabetical", "{keyedBy: n}", [[{"n": "a"}, {"n": "b"}]], [[{"n": "b"}, {"n": "a"}], [1, 2]]),
        ("or", "{properties: [a, b]}", [{"a": 1}, {"a": 1, "b": 1}, "x"], [{"c": 1}]),
        ("xor", "{properties: [a, b]}", [{"a": 1}, {"b": 1}], [{"c": 1}, {"a": 1, "b": 1}]),
        ("schema", "{schema: {type: object, required: [a]}}", [{"a": 1}], [{}, 1]),
        ("schema", "{schema: {type: string, format: date}}", ["2024-02-29"], ["2023-02-29", "x"]),
        ("schema", "{schema: {anyOf: [{const: 1}, {type: string}]}}", [1, 1.0, "a"], [True]),
        ("schema", "{schema: {if: {type: string}, then: {minLength: 2}, else: {type: integer}}}", ["ab", 1], ["a", 1.5]),
        ("schema", "{schema: {type: array, uniqueItems: true}}", [[1, "1", [1], {"a": 1}]], [[1, 1.0], [{"a": [1]}, {"a": [1]}]]),
        ("schema", "{schema: {$schema: 'http://json-schema.org/draft-04/schema#', minimum: 1, exclusiveMinimum: true}}", [2], [1]),
        ("typedEnum", "", [{"type": "string", "enum": ["a"]}, {"type": "number", "enum": [1, 1.5]}], [{"type": "integer", "enum": [1.5]}]),
    ],
)  # fmt: skip
def test_a_function_judges_what_it_is_for(function: str, options: str, good: list[Any], bad: list[Any]) -> None:
    for value in good:
        assert judged(function, value, options) == 0, value
    for value in bad:
        assert judged(function, value, options) > 0, value


def test_absence_is_judged_by_field() -> None:
    for function, wrong in (("truthy", True), ("defined", True), ("undefined", False), ("falsy", False)):
        ruleset = f"rules: {{r: {{given: $.info, then: {{field: a.b, function: {function}}}}}}}"
        found = findings(ruleset, {"openapi": "3.0.0", "info": {"a": {}}})
        assert bool(found) is wrong
        assert all(finding.path == ("info", "a") for finding in found)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("'@key'", {("a", "X"), ("a", "y"), ("a", "$id")}),
        ("X.z", {("a", "X", "z")}),
        ("$..z", {("a", "X", "z")}),
        ("'y[0]'", {("a", "y", 0)}),
        ("$id", {("a", "$id")}),
    ],
)
def test_a_field_is_a_name_a_path_every_key_or_an_expression(field: str, expected: set[Any]) -> None:
    ruleset = f"rules: {{r: {{given: $.a, then: {{field: {field}, function: length, functionOptions: {{min: 99}}}}}}}}"
    assert {finding.path for finding in findings(ruleset, {"a": {"X": {"z": "s"}, "y": ["t"], "$id": "u"}})} == expected


def test_extending_takes_recommended_rules_all_or_none() -> None:
    recommended, everything, none = (
        read(f'extends: [["spectral:oas", {how}]]') for how in ("recommended", "all", "off")
    )
    assert len(everything.enabled()) == 57
    assert len(none.enabled()) == 0
    assert {rule.name for rule in recommended.enabled()} == {
        rule.name for rule in read("extends: spectral:oas").enabled()
    }
    assert "info-license" not in {rule.name for rule in recommended.enabled()}


def test_a_rule_is_switched_re_levelled_or_redefined() -> None:
    ruleset = read(
        "extends: [['spectral:oas', off]]\n"
        "rules: {info-license: true, info-contact: hint, path-params: off, tag-description: {given: $, then: {function: truthy}}}"
    )
    assert {rule.name: rule.severity for rule in ruleset.enabled()} == {
        "info-license": 1,
        "info-contact": 3,
        "tag-description": 1,
    }


def test_a_published_profile_can_be_extended_by_name() -> None:
    base = "rules: {a: {given: $, severity: error, then: {field: x, function: truthy}}}"
    ruleset = read("extends: house\nrules: {a: warn}", {"house": base})
    assert [(rule.name, rule.severity) for rule in ruleset.enabled()] == [("a", 1)]


def test_formats_decide_which_rules_run() -> None:
    ruleset = "rules: {r: {given: $, formats: [oas3.1], then: {field: x, function: truthy}}}"
    assert findings(ruleset, {"openapi": "3.0.3"}) == []
    assert len(findings(ruleset, {"openapi": "3.1.0"})) == 1
    assert detect({"swagger": "2.0"}) == {"oas2"}
    assert detect({"openapi": "3.1"}) == {"oas3", "oas3.1"}
    assert detect({"openapi": "3.9.0"}) == {"oas3"}


def test_an_alias_differs_by_format() -> None:
    ruleset = (
        "aliases: {A: {targets: [{formats: [oas2], given: [$.two]}, {formats: [oas3], given: ['$.three[*]']}]}}\n"
        "rules: {r: {given: '#A.x', then: {function: undefined}}}"
    )
    assert [f.path for f in findings(ruleset, {"openapi": "3.0.0", "three": [{"x": 1}], "two": {"x": 1}})] == [
        ("three", 0, "x")
    ]
    assert [f.path for f in findings(ruleset, {"swagger": "2.0", "three": [{"x": 1}], "two": {"x": 1}})] == [
        ("two", "x")
    ]


def test_overrides_by_file_and_by_place() -> None:
    ruleset = """
rules: {r: {given: $..x, severity: error, then: {function: undefined}}}
overrides:
  - {files: ["legacy/*.json"], rules: {r: off}}
  - {files: ["**/a.json#/old"], rules: {r: hint}}
"""
    document = {"openapi": "3.0.0", "x": 1, "old": {"x": 1}}
    assert [finding.severity for finding in findings(ruleset, document, "b.json")] == ["error", "error"]
    assert findings(ruleset, document, "legacy/b.json") == []
    assert {finding.path: finding.severity for finding in findings(ruleset, document, "api/a.json")} == {
        ("x",): "error",
        ("old", "x"): "hint",
    }


def test_messages_are_filled_in() -> None:
    ruleset = (
        "rules: {r: {given: $.info.title, description: D, message: '{{property}} {{value}} {{path}} {{description}}: {{error}}', "
        "then: {function: pattern, functionOptions: {match: '^z'}}}}"
    )
    (finding,) = findings(ruleset, {"openapi": "3.0.0", "info": {"title": "a"}})
    assert finding.message == 'title "a" #/info/title D: "a" must match the pattern ^z'


def test_faults_of_the_text_have_the_severity_the_ruleset_gives_them() -> None:
    raw = b"openapi: 3.0.0\nresponses: {200: a}\ninfo: 1\ninfo: 2\n"
    usual = findings("rules: {r: {given: $, then: {function: truthy}}}", raw)
    assert [(finding.rule, finding.severity, finding.line) for finding in usual] == [
        ("parser", "error", 2),
        ("parser", "error", 4),
    ]
    lenient = "parserOptions: {incompatibleValues: hint, duplicateKeys: off}\nrules: {r: {given: $, then: {function: truthy}}}"
    assert [finding.severity for finding in findings(lenient, raw)] == ["hint"]


def test_findings_on_shared_parts_are_told_once_where_they_stand() -> None:
    document = {
        "openapi": "3.0.0",
        "paths": {f"/{name}": {"get": {"responses": {"200": {"$ref": "#/components/responses/R"}}}} for name in "abc"},
        "components": {"responses": {"R": {"description": "", "headers": {"bad": {}}}}},
    }
    ruleset = "rules: {r: {given: '$.paths[*][*].responses[*].headers[*]', then: {field: schema, function: truthy}}}"
    assert [finding.path for finding in findings(ruleset, document)] == [
        ("components", "responses", "R", "headers", "bad")
    ]


def test_a_member_that_is_missing_from_what_a_reference_leads_to_is_told_beside_the_reference() -> None:
    document = {
        "openapi": "3.0.0",
        "components": {
            "schemas": {"A": {"properties": {"b": {"$ref": "#/components/schemas/B", "description": "x"}}}, "B": {}}
        },
    }
    ruleset = "rules: {r: {given: '$..properties[*]', then: {field: description, function: truthy}}}"
    (finding,) = findings(ruleset, document)
    assert finding.path == ("components", "schemas", "A", "properties", "b", "description")


def test_components_that_are_no_object_hold_nothing_unused() -> None:
    ruleset = "extends: [['spectral:oas', off]]\nrules: {oas3-unused-component: error}"
    assert findings(ruleset, {"openapi": "3.0.0", "components": {"schemas": ["a", "b"]}}) == []
    assert len(findings(ruleset, {"openapi": "3.0.0", "components": {"schemas": {"A": {}, "B": {}}}})) == 2


def test_read_only_properties_may_be_absent_from_requests_only() -> None:
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/A"}, "example": {}}}
    schema = {"type": "object", "required": ["id"], "properties": {"id": {"type": "string", "readOnly": True}}}

    def document(operation: Any) -> Any:
        return {"openapi": "3.0.0", "paths": {"/a": {"post": operation}}, "components": {"schemas": {"A": schema}}}

    ruleset = "extends: [['spectral:oas', off]]\nrules: {oas3-valid-media-example: error}"
    assert findings(ruleset, document({"requestBody": {"content": content}})) == []
    assert len(findings(ruleset, document({"responses": {"200": {"content": content}}}))) == 1
