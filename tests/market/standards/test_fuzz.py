"""Fuzzing of the reader, the JSONPath, the functions and the whole engine.

By default a few hundred examples in a fixed order, so that a run is quick and repeatable. A long run:

    PRELUDE_FUZZ_EXAMPLES=20000 pytest tests/market/standards/test_fuzz.py -q
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from market.openapi import patterns
from market.openapi.document import Document, Unreadable, load
from market.openapi.functions import BadOptions, Call
from market.openapi.graph import MISSING, Graph, Match
from market.openapi.jsonpath import BadPath, compile_path, evaluate
from market.openapi.limits import Deadline, OutOfTime
from market.openapi.patterns import BadPattern, PatternTimeout
from market.openapi.ruleset import FUNCTIONS, RulesetRefused, read
from market.openapi.run import lint
from market.standards.checking.changes.comparison import compare
from tests.cost import at_most

EXAMPLES = int(os.environ.get("PRELUDE_FUZZ_EXAMPLES", "25"))
FUZZ = settings(
    max_examples=EXAMPLES,
    derandomize="PRELUDE_FUZZ_EXAMPLES" not in os.environ,
    database=None,
)
EVERYTHING = read('extends: [["spectral:oas", all]]')

NAMES = st.sampled_from(
    [
        "openapi",
        "swagger",
        "info",
        "title",
        "version",
        "description",
        "contact",
        "paths",
        "get",
        "put",
        "post",
        "delete",
        "parameters",
        "in",
        "name",
        "required",
        "schema",
        "type",
        "format",
        "enum",
        "items",
        "properties",
        "additionalProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "example",
        "examples",
        "default",
        "value",
        "externalValue",
        "responses",
        "200",
        "404",
        "default",
        "content",
        "application/json",
        "headers",
        "links",
        "callbacks",
        "requestBody",
        "components",
        "schemas",
        "securitySchemes",
        "security",
        "tags",
        "servers",
        "url",
        "variables",
        "$ref",
        "$id",
        "id",
        "nullable",
        "x-nullable",
        "readOnly",
        "discriminator",
        "/a",
        "/a/{id}",
        "/b/",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "multipleOf",
        "uniqueItems",
        "minLength",
        "definitions",
        "host",
        "consumes",
        "operationId",
        "webhooks",
        "xml",
        "attribute",
        "constructor",
        "length",
        "__proto__",
    ]
)
TEXTS = st.one_of(
    st.sampled_from(
        ["", "3.0.3", "3.1.0", "2.0", "string", "integer", "array", "object", "path", "query", "body", "(((", "^a+$",
         "date-time", "2020-01-01", "#", "#/", "#/components/schemas/a", "#/paths", "#/definitions/a", "{a}", "https://a/{b}",
         "http://example.com/", "eval(", "true", "null", "~1", "%2F"]
    ),
    NAMES,
    st.text(max_size=8),
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), TEXTS
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(NAMES, TEXTS), inner, max_size=5),
        st.builds(lambda pointer: {"$ref": pointer}, TEXTS),
    ),
    max_leaves=25,
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Something that says it is OpenAPI and then is anything at all, in places rules look at."""
    made: dict[str, Any] = draw(st.dictionaries(NAMES, VALUES, max_size=4))
    version = draw(st.sampled_from(["3.0.3", "3.1.0", "3.2.0", "2.0"]))
    made["swagger" if version == "2.0" else "openapi"] = version
    schema = draw(VALUES)
    operation = {
        "parameters": draw(VALUES),
        "responses": {"200": {"content": {"application/json": {"schema": schema, "example": draw(VALUES)}}}},
        "security": draw(VALUES),
        "callbacks": draw(VALUES),
    }
    made["paths"] = {"/a/{id}": {draw(st.sampled_from(["get", "post", "parameters"])): operation}, "/b": draw(VALUES)}
    made["components"] = {"schemas": {"a": draw(VALUES), "b": schema}}
    made["definitions"] = {"a": draw(VALUES)}
    return made


@FUZZ
@given(
    st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
)
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        document = load(raw)
    except Unreadable:
        return
    assert isinstance(document, Document)
    document.locate(("a", 0, "b"))


@FUZZ
@given(VALUES, st.sampled_from(["json", "yaml", "flow"]), st.data())
def test_what_is_written_is_read_and_found_where_it_stands(value: Any, how: str, data: st.DataObject) -> None:
    if how == "json":
        text = json.dumps(value, indent=data.draw(st.sampled_from([None, 2])), ensure_ascii=data.draw(st.booleans()))
    else:
        quoted = yaml.SafeDumper
        text = yaml.dump(
            value, Dumper=quoted, default_flow_style=how == "flow", default_style='"' if how == "flow" else None
        )
    try:
        document = load(text.encode("utf-8", "surrogatepass"))
    except Unreadable:
        return
    if how == "json":
        assert document.data == value
    for path, _ in walked(document.data):
        line, column = document.locate(path)
        assert line >= 1
        assert column >= 1
    if how == "json" and isinstance(value, dict) and not document.problems:
        for key in value:
            line, column = document.locate((key,))
            assert document.text.split("\n")[line - 1][column - 1 :].startswith('"')


def walked(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Any]]:
    found = [(path, value)]
    if isinstance(value, dict):
        for key, each in value.items():
            found.extend(walked(each, (*path, key)))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            found.extend(walked(each, (*path, number)))
    return found


PIECES = st.sampled_from(
    ["$", ".", "..", "*", "[", "]", "[*]", "['a']", "[0]", "[-1]", "[1:2]", "[a,b]", "~", "^", "@", "?(", ")", "(", "[?(",
     ")]", "@.type", "@property", "@parent", "@root", "@path", " === ", " == ", " && ", " || ", "!", "'a'", "\"b\"", "1",
     "/a/i", ".match(/x/)", ".length", ".includes('a')", "void 0", "typeof ", " in ", "null", "undefined", " > ", "paths",
     "schemas", "@.enum", "@.constructor.name", "? 1 : 2", "[", ",", "Object.keys(@)", ".slice(1,2)", "+", "-", "%"]
)  # fmt: skip
PATHS = st.one_of(
    st.lists(PIECES, max_size=9).map(lambda parts: "$" + "".join(parts)),
    st.lists(PIECES, max_size=6).map(lambda parts: "$..[?(" + "".join(parts) + ")]"),
    st.text(max_size=20),
)


@FUZZ
@given(PATHS, documents())
def test_any_expression_is_refused_or_runs(source: str, document: dict[str, Any]) -> None:
    try:
        expression = compile_path(source)
    except BadPath:
        return
    document = json.loads(json.dumps(document))
    graph = Graph(document)
    for view in (graph.resolved, graph.unresolved):
        for match in evaluate(expression, view, Deadline(5, "fuzz"), lambda words: None):
            assert exists(document, view.place(match))


def exists(document: Any, path: tuple[Any, ...]) -> bool:
    here = document
    for step in path:
        if (isinstance(here, dict) and step in here) or (
            isinstance(here, list) and isinstance(step, int) and step < len(here)
        ):
            here = here[step]
        else:
            return isinstance(here, dict) and "$ref" in here
    return True


PARTS = st.sampled_from(
    ["a", "(", ")", "(?:", "(?<n>", "(?<!", "|", "*", "+?", "{2}", "{99}", "{4000,}", "{0,9999999999}", "[", "]", "^", "$", "\\k<n>",
     "\\1", "\\cA", "\\b", "\\s", "\\S", "\\u{1F600}", "\\x4", "."]
)  # fmt: skip


@FUZZ
@given(
    st.one_of(
        st.text(alphabet="ab^$.*+?()[]{}|\\/-,01dwspPuk<>=!:x", max_size=15), st.lists(PARTS, max_size=14).map("".join)
    ),
    st.sampled_from(["", "i", "m", "s", "g"]),
    st.text(max_size=15),
)
def test_any_pattern_is_refused_or_runs(source: str, flags: str, text: str) -> None:
    with at_most(1), suppress(BadPattern, PatternTimeout):
        patterns.Pattern(source, flags).search(text)


OPTION_NAMES = st.sampled_from(
    [
        "match",
        "notMatch",
        "values",
        "min",
        "max",
        "type",
        "disallowDigits",
        "separator",
        "keyedBy",
        "properties",
        "schema",
        "dialect",
        "allErrors",
        "oasVersion",
        "schemaField",
        "reusableObjectsLocation",
        "checkSubstitutions",
        "requireDefault",
    ]
)


@FUZZ
@given(st.sampled_from(sorted(FUNCTIONS)), st.dictionaries(OPTION_NAMES, VALUES, max_size=2), documents(), VALUES)
def test_any_function_takes_any_options_and_any_value(
    name: str, options: dict[str, Any], document: dict[str, Any], value: Any
) -> None:
    try:
        judge = FUNCTIONS[name](options)
    except BadOptions:
        return
    document["value"] = value
    # As when it was read: nothing occurs in two places at once.
    graph = Graph(json.loads(json.dumps(document)))
    for formats in (frozenset({"oas2"}), frozenset({"oas3", "oas3.0"}), frozenset({"oas3", "oas3.1"})):
        for key in ("value", "paths", "absent"):
            kid = graph.resolved.step(0, key)
            match = Match(kid.home, kid.key, kid.value, kid.node, None) if kid else Match(0, key, MISSING, -1, None)
            call = Call(match, match.value, (), graph.resolved, formats, Deadline(5, "fuzz"), {})
            try:
                for hit in judge(call) or ():
                    assert hit.message
            except (PatternTimeout, OutOfTime):
                pass


@FUZZ
@given(documents())
def test_any_document_is_judged_without_a_failure_of_the_engine(document: dict[str, Any]) -> None:
    raw = json.dumps(document).encode()
    try:
        loaded = load(raw)
    except Unreadable:
        return
    result = lint(loaded, EVERYTHING)
    assert not [words for words in result.undone.values() if "engine failed" in words], result.undone
    for finding in result.findings:
        assert exists(loaded.data, finding.path), finding
        assert finding.line >= 1
    again = lint(load(raw), EVERYTHING)
    assert again.findings == result.findings


@FUZZ
@given(documents(), documents())
def test_any_two_documents_can_be_compared(old: dict[str, Any], new: dict[str, Any]) -> None:
    compare(old, new)
    assert compare(old, old).changes == ()


@FUZZ
@given(
    st.dictionaries(
        st.sampled_from(["rules", "extends", "aliases", "formats", "overrides", "functions", "x-a"]), VALUES, max_size=4
    )
)
def test_any_ruleset_is_read_or_refused(given_ruleset: dict[str, Any]) -> None:
    with suppress(RulesetRefused):
        read(json.dumps(given_ruleset))


@FUZZ
@given(
    st.fixed_dictionaries(
        {
            "given": st.one_of(PATHS, VALUES),
            "then": st.one_of(
                VALUES, st.fixed_dictionaries({"function": st.sampled_from(sorted(FUNCTIONS)), "field": TEXTS})
            ),
        },
        optional={"severity": VALUES, "formats": VALUES, "message": TEXTS, "resolved": VALUES, "recommended": VALUES},
    ),
    documents(),
)
def test_any_rule_is_refused_or_runs(rule: dict[str, Any], document: dict[str, Any]) -> None:
    try:
        ruleset = read(json.dumps({"rules": {"r": rule}}))
    except RulesetRefused:
        return
    result = lint(load(json.dumps(document).encode()), ruleset)
    assert not [words for words in result.undone.values() if "engine failed" in words], result.undone
