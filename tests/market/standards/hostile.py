"""Documents and rulesets made to hurt the engine: each with what must come of it. All are built here, none is fetched."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

HEAD = 'openapi: 3.0.3\ninfo: {title: A, version: 1.0.0, description: "x"}\npaths: {}\n'


def api(**more: Any) -> bytes:
    """A small OpenAPI document with members added."""
    document: dict[str, Any] = {
        "openapi": "3.0.3",
        "info": {"title": "A", "version": "1.0.0", "description": "A description that is long enough."},
        "security": [{}],
        "paths": {},
    }
    return json.dumps({**document, **more}).encode()


def nested(levels: int, opening: str, closing: str, inside: str = "1") -> str:
    return opening * levels + inside + closing * levels


def billion_laughs(levels: int) -> bytes:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [" + ", ".join([f"*a{level - 1}"] * 10) + "]")
    return (HEAD + "\n".join(lines)).encode()


def schemas(**given: Any) -> bytes:
    return api(components={"schemas": given})


def answer(schema: Any, **media: Any) -> bytes:
    content = {"application/json": {"schema": schema, **media}}
    return api(paths={"/a": {"get": {"responses": {"200": {"description": "x", "content": content}}}}})


def doubling(levels: int) -> dict[str, Any]:
    """Schemas of which each refers twice to the next: 2^levels when expanded."""
    made: dict[str, Any] = {}
    for level in range(levels):
        onward = {"$ref": f"#/components/schemas/S{level + 1}"}
        made[f"S{level}"] = {"type": "object", "properties": {"a": onward, "b": onward}}
    made[f"S{levels}"] = {"type": "string"}
    return made


def doubling_any_of(levels: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for level in range(levels):
        onward = {"$ref": f"#/components/schemas/S{level + 1}"}
        made[f"S{level}"] = {"anyOf": [onward, onward]}
    made[f"S{levels}"] = {"type": "string"}
    return made


def circle(size: int) -> dict[str, Any]:
    return {
        f"S{n}": {
            "type": "object",
            "properties": {"next": {"$ref": f"#/components/schemas/S{(n + 1) % size}"}},
            "example": {"next": {}},
        }
        for n in range(size)
    }


def chain(size: int) -> dict[str, Any]:
    made: dict[str, Any] = {f"S{n}": {"$ref": f"#/components/schemas/S{n + 1}"} for n in range(size)}
    made[f"S{size}"] = {"type": "string", "example": 1}
    return made


Made = Callable[[], bytes]

UNREADABLE: dict[str, tuple[Made, str]] = {
    "nothing": (lambda: b"", "empty"),
    "white space": (lambda: b" \n\t\n", "empty"),
    "only a byte order mark": (lambda: b"\xef\xbb\xbf", "empty"),
    "only a comment": (lambda: b"# nothing here\n", "empty"),
    "nine megabytes of spaces": (lambda: b" " * 9_000_000, "too-large"),
    "a ten-megabyte string": (lambda: api(x="y" * 10_000_000), "too-large"),
    "a three-megabyte string": (lambda: api(x="y" * 3_000_000), "too-long"),
    "a three-megabyte YAML string": (lambda: (HEAD + "x: " + "y" * 3_000_000).encode(), "too-long"),
    "a picture": (lambda: b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xfe" * 50, "not-text"),
    "latin-1": (lambda: "openapi: 3.0.0\ninfo: {title: Café}".encode("latin-1"), "not-text"),
    "a NUL character": (lambda: b'{"openapi": "3.0.0", "a": "\x00"}', "not-text"),
    "half a character": (lambda: b'{"openapi": "3.0.0", "a": "\\ud800"}', "not-text"),
    "half a character as a name": (lambda: b'{"openapi": "3.0.0", "\\udfff": 1}', "not-text"),
    "NaN": (lambda: b'{"openapi": "3.0.0", "a": NaN}', "not-a-number"),
    "Infinity": (lambda: b'{"openapi": "3.0.0", "a": -Infinity}', "not-a-number"),
    "a YAML infinity": (lambda: (HEAD + "x: .inf").encode(), "not-a-number"),
    "a YAML NaN": (lambda: (HEAD + "x: .NaN").encode(), "not-a-number"),
    "a number of ten thousand digits": (lambda: b'{"openapi": "3.0.0", "a": ' + b"9" * 10_000 + b"}", "number"),
    "a YAML number of ten thousand digits": (lambda: (HEAD + "x: " + "9" * 10_000).encode(), "number"),
    "JSON lists nested 100,000 deep": (lambda: nested(100_000, "[", "]").encode(), "too-deep"),
    "JSON objects nested 500 deep": (lambda: nested(500, '{"a":', "}").encode(), "too-deep"),
    "JSON objects nested 130 deep": (lambda: nested(130, '{"a":', "}").encode(), "too-deep"),
    "YAML lists nested 100,000 deep": (lambda: ("a: " + nested(100_000, "[", "]")).encode(), "too-deep"),
    "YAML dashes nested 50,000 deep": (lambda: ("- " * 50_000 + "a").encode(), "too-deep"),
    "brackets that never close": (lambda: b"[" * 1_000_000, "too-deep"),
    "braces that never close": (lambda: b'{"a":' * 1_000_000, "too-deep"),
    "a billion laughs": (lambda: billion_laughs(9), "alias-bomb"),
    "laughs of merge keys": (
        lambda: (
            HEAD
            + "m0: &m0 {"
            + ", ".join(f"k{n}: 1" for n in range(1_000))
            + "}\n"
            + "\n".join(f"n{n}: {{<<: *m0}}" for n in range(300))
        ).encode(),
        "alias-bomb",
    ),
    "an alias that contains itself": (lambda: (HEAD + "a: &a [*a]").encode(), "alias-loop"),
    "an alias to nothing": (lambda: (HEAD + "a: *nothing").encode(), "syntax"),
    "two million values": (lambda: b'{"openapi":"3.0.0","a":[' + b"1," * 1_600_000 + b"1]}", "too-many-values"),
    "broken JSON": (lambda: b'{"openapi": "3.0.0", "info": {"title": ', "syntax"),
    "broken YAML": (lambda: b"openapi: 3.0.0\ninfo: [title: {", "syntax"),
    "tabs in YAML": (lambda: b"openapi: 3.0.0\n\tinfo: {}\n", "syntax"),
    "two YAML documents": (lambda: (HEAD + "---\n" + HEAD).encode(), "several-documents"),
    "control characters": (lambda: (HEAD + "x: a\x07b").encode(), "syntax"),
}
"""Refused before any rule runs, with the code of the refusal."""

ODD: dict[str, Made] = {
    "a pattern of four thousand million letters": lambda: schemas(
        A={"type": "string", "pattern": "a{4000000000}", "example": "a"}
    ),
    "a pattern whose repeats multiply": lambda: schemas(
        A={"type": "object", "patternProperties": {"((a{1000}){1000}){1000}": {}}, "example": {"a": 1}}
    ),
    "five hundred heavy patterns": lambda: schemas(
        A={
            "type": "object",
            "properties": {f"p{n}": {"type": "string", "pattern": f"^[a-z]{{9999}}{n}$"} for n in range(500)},
            "example": {"p0": "a"},
        }
    ),
    "a bare string": lambda: b'"openapi"',
    "a bare number": lambda: b"3",
    "a list": lambda: b"[1, 2, 3]",
    "null": lambda: b"null",
    "an unknown format": lambda: b'{"hello": "world"}',
    "a future OpenAPI": lambda: b'{"openapi": "4.0.0"}',
    "openapi is a list": lambda: b'{"openapi": [3]}',
    "openapi is a number": lambda: b'{"openapi": 3.0, "paths": {}}',
    "openapi and swagger at once": lambda: b'{"openapi": "3.0.0", "swagger": "2.0"}',
    "paths is null": lambda: api(paths=None),
    "paths is a list": lambda: api(paths=[1, None, "a"]),
    "an operation is a string": lambda: api(paths={"/a": {"get": "no", "post": None, "put": 3}}),
    "parameters is an object": lambda: api(paths={"/a": {"parameters": {}, "get": {"parameters": {"in": "path"}}}}),
    "parameters hold nulls": lambda: api(paths={"/a/{b}": {"get": {"parameters": [None, 1, "a", [], {"in": "path"}]}}}),
    "responses is a list": lambda: api(paths={"/a": {"get": {"responses": [{"description": "x"}]}}}),
    "tags hold nulls": lambda: api(tags=[None, {"name": None}, {"name": {}}, {}]),
    "security holds strings": lambda: api(security=["key", None, {"key": "all"}, {"key": [1]}]),
    "servers hold nulls": lambda: api(servers=[None, {"url": None}, {"url": "{a}{b}", "variables": {"a": None}}]),
    "a million server addresses": lambda: api(
        servers=[
            {
                "url": "https://{a}{b}{c}{d}{e}{f}/",
                "variables": {k: {"enum": ["x"] * 10, "default": "x"} for k in "abcdef"},
            }
        ]
    ),
    "a reference to itself": lambda: schemas(A={"$ref": "#/components/schemas/A"}),
    "references in a ring": lambda: schemas(A={"$ref": "#/components/schemas/B"}, B={"$ref": "#/components/schemas/A"}),
    "a reference to the root": lambda: schemas(A={"properties": {"all": {"$ref": "#"}}, "example": {"all": 1}}),
    "a reference to its parent": lambda: schemas(A={"type": "object", "properties": {"a": {"$ref": "#/components"}}}),
    "a circle of 300 schemas": lambda: schemas(**circle(300)),
    "a chain of 3,000 references": lambda: schemas(**chain(3_000)),
    "references that double 60 times": lambda: answer(
        {"$ref": "#/components/schemas/S0"}, example={"a": {"b": {"a": 1}}}
    ).replace(b'"paths"', b'"components": ' + json.dumps({"schemas": doubling(60)}).encode() + b', "paths"'),
    "alternatives that double 30 times": lambda: schemas(
        A={**doubling_any_of(30)["S0"], "type": "object", "example": 1}
    ).replace(b'"schemas": {', b'"schemas": {' + json.dumps(doubling_any_of(30)).encode()[1:-1] + b", "),
    "a reference over http": lambda: schemas(A={"$ref": "http://127.0.0.1:9/secret"}),
    "a reference to a file": lambda: schemas(A={"$ref": "file:///etc/passwd"}),
    "a reference up the tree": lambda: schemas(A={"$ref": "../../../../etc/passwd#/root"}),
    "a reference that is no text": lambda: schemas(A={"$ref": {"a": 1}}, B={"$ref": None}, C={"$ref": ""}),
    "a reference with odd escapes": lambda: schemas(A={"$ref": "#/%zz/~2/%F0%9F"}, B={"$ref": "#"}, C={"$ref": "#/"}),
    "a reference into a string": lambda: schemas(A={"$ref": "#/openapi/0"}, B={"$ref": "#/openapi"}),
    "references with siblings in a ring": lambda: schemas(
        A={"$ref": "#/components/schemas/B", "properties": {"x": {"$ref": "#/components/schemas/A"}}},
        B={"$ref": "#/components/schemas/A", "description": "b"},
    ),
    "a pattern that backtracks": lambda: schemas(
        A={"type": "string", "pattern": "^(a|aa)+$", "example": "a" * 70 + "!"}
    ),
    "a pattern that is none": lambda: schemas(A={"type": "string", "pattern": "(((", "example": "a"}),
    "a pattern of a thousand groups": lambda: schemas(
        A={"type": "string", "pattern": "(" * 900 + ")" * 900, "example": "a"}
    ),
    "an enumeration of objects": lambda: schemas(
        A={"type": "object", "enum": [{"a": n} for n in range(3_000)], "example": {}}
    ),
    "a thousand equal values": lambda: schemas(
        A={"type": "array", "uniqueItems": True, "example": [[{"a": 1}]] * 1_000}
    ),
    "a schema that is everything wrong": lambda: schemas(
        A={
            "type": ["file", 3],
            "required": "yes",
            "properties": [],
            "items": 7,
            "enum": {},
            "minimum": "1",
            "allOf": {},
            "nullable": "maybe",
            "example": 1,
            "default": [],
        }
    ),
    "duplicate names": lambda: b'{"openapi": "3.0.0", "info": {"title": "a", "title": "b"}, "paths": {}, "paths": {}}',
    "names that are numbers and nulls": lambda: (HEAD + "1: a\n1.5: b\nnull: c\ntrue: d\n? [x]\n: e\n").encode(),
    "tags that make objects": lambda: (HEAD + 'x: !!python/object/apply:os.system ["true"]\ny: !secret z\n').encode(),
    "names of Python": lambda: schemas(__class__={"type": "object"}, __init__={"__proto__": {"constructor": 1}}),
    "names of JavaScript": lambda: schemas(
        constructor={"type": "string", "example": 1}, toString={"type": "string"}, length={"type": "integer"}
    ),
    "a path of 100,000 characters": lambda: api(paths={"/" + "a-" * 50_000: {"get": {}}}),
    "a path of 2,000 parameters": lambda: api(paths={"/" + "/".join(f"{{p{n}}}" for n in range(2_000)): {"get": {}}}),
    "five thousand paths": lambda: api(paths={f"/p{n}": {"get": {"responses": {}}} for n in range(5_000)}),
    "very large numbers": lambda: schemas(A={"type": "number", "multipleOf": 1e-300, "example": 1e300, "maximum": 1}),
    "zero as a divisor": lambda: schemas(A={"type": "number", "multipleOf": 0, "example": 1}),
    "a right-to-left override": lambda: api(tags=[{"name": "\u202egnp.exe"}, {"name": "\ufeff"}]),
    "UTF-16": lambda: api().decode().encode("utf-16"),
    "a trailing comma": lambda: b'{"openapi": "3.0.0", "info": {"title": "a", "version": "1",}, "paths": {},}',
}
"""Read, judged in time, and never a crash."""

RULESETS: dict[str, tuple[str, str]] = {
    "nothing": ("", "cannot be read"),
    "a list": ("- a", "a ruleset is an object"),
    "no rules": ("description: x", "needs rules"),
    "a JavaScript function": (
        "functions: [evil]\nrules: {r: {given: $, then: {function: evil}}}",
        "rule r: the function 'evil' is JavaScript",
    ),
    "a pattern that multiplies": (
        "rules: {r: {given: $, then: {function: pattern, functionOptions: {match: '((a{1000}){1000}){1000}'}}}}",
        "multiply beyond",
    ),
    "an extension over http": ("extends: http://127.0.0.1/ruleset.yaml", "is not known here"),
    "an extension of a file": ("extends: ./secret.yaml", "is not known here"),
    "an extension of a package": ("extends: '@evil/ruleset'", "is not known here"),
    "a JSONPath that is code": (
        "rules: {r: {given: '$[?(process.exit())]', then: {function: truthy}}}",
        "'process' is not known",
    ),
    "a JSONPath that calls a constructor": (
        "rules: {r: {given: \"$[?(@.constructor.constructor('return 1')())]\", then: {function: truthy}}}",
        "rule r",
    ),
    "a JSONPath that never closes": (
        "rules: {r: {given: '$[?((((((((@', then: {function: truthy}}}",
        "rule r",
    ),
    "a JSONPath nested 500 deep": (
        "rules: {r: {given: '$[?(" + "(" * 500 + "@" + ")" * 500 + ")]', then: {function: truthy}}}",
        "rule r",
    ),
    "a JSONPath of 5,000 characters": (
        "rules: {r: {given: '$" + ".a" * 2_500 + "', then: {function: truthy}}}",
        "too long",
    ),
    "a pattern that is none": (
        "rules: {r: {given: $, then: {function: pattern, functionOptions: {match: '((('}}}}",
        "rule r",
    ),
    "a pattern of Python": (
        "rules: {r: {given: $, then: {function: pattern, functionOptions: {match: '(?P<a>x)'}}}}",
        "rule r",
    ),
    "an alias that refers to itself": (
        "aliases: {A: ['#B'], B: ['#A']}\nrules: {r: {given: '#A', then: {function: truthy}}}",
        "refers to itself",
    ),
    "aliases that multiply": (
        "aliases: {"
        + ", ".join(f"A{n}: ['#A{n + 1}', '#A{n + 1}', '#A{n + 1}', '#A{n + 1}']" for n in range(12))
        + ", A12: [$]}\nrules: {r: {given: '#A0', then: {function: truthy}}}",
        "multiplies",
    ),
    "an unknown alias": ("rules: {r: {given: '#Nobody', then: {function: truthy}}}", "does not exist"),
    "an unknown severity": ("rules: {r: {given: $, severity: fatal, then: {function: truthy}}}", "is not a severity"),
    "an unknown rule switched on": ("rules: {nobody: error}", "no such rule"),
    "a schema that refers to itself": (
        "rules: {r: {given: $, then: {function: schema, functionOptions: {schema: "
        "{definitions: {a: {$ref: '#/definitions/a'}}, $ref: '#/definitions/a'}}}}}",
        "refers to itself",
    ),
    "a schema that is none": (
        "rules: {r: {given: $, then: {function: schema, functionOptions: {schema: {type: file}}}}}",
        "cannot be used",
    ),
    "an alias bomb": (billion_laughs(9).decode(), "multiply the document"),
    "a rule that is a number": ("extends: spectral:oas\nrules: {path-params: 12}", "is not a severity"),
    "options that are none": (
        "rules: {r: {given: $, then: {function: length, functionOptions: {most: 3}}}}",
        'does not take the option "most"',
    ),
    "two rules of one name": (
        "rules:\n  r: {given: $, then: {function: truthy}}\n  r: {given: $.a, then: {function: truthy}}",
        "Duplicate key",
    ),
}
"""Refused at import, with words of the reason."""
