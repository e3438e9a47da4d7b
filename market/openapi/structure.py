"""Whether a document is structured as its OpenAPI version says, judged by jsonschema-rs against the official schemas.

The schemas come with the openapi-spec-validator package, the vocabularies of JSON Schema with jsonschema-specifications.
Changes are made when they are loaded, so that a mistake is reported where it is and not as “none of these fits”:
where the official schema says “exactly one of X and Reference”, this one looks for `$ref` first and then judges one
branch; a choice among objects with a constant `type` is decided by that type. From OpenAPI 3.1 on a Schema Object is
JSON Schema 2020-12, and the meta-schema that says so is put in its place.
"""

from __future__ import annotations

import copy
import json
import threading
from functools import lru_cache
from importlib import resources
from typing import Any

import jsonschema_rs
from jsonschema_specifications import REGISTRY as META_SCHEMAS  # type: ignore[import-untyped]

from market.openapi.formats import is_regex
from market.openapi.functions import Call, Hit, Judge, no_options

MOST = 5_000
"""Faults of structure that are told of one document."""


def make_document_schema(options: dict[str, Any]) -> Judge:
    """The document must be structured as its OpenAPI version says. The validator's own start-up, half a second of the
    first use in a process, is spent here, when a ruleset is read, and not on somebody's document."""
    no_options(options)
    official("v3.0")

    def judge(call: Call) -> list[Hit] | None:
        if "oas2" in call.formats:
            version = "v2.0"
        elif "oas3.2" in call.formats:
            version = "v3.2"
        elif "oas3.1" in call.formats:
            version = "v3.1"
        else:
            version = "v3.0"
        hits: list[Hit] = []
        _watch.deadline = call.deadline
        for error in official(version).iter_errors(call.graph.data):
            _structural(error, hits)
            if len(hits) > MOST:
                break
        return hits

    return judge


_watch = threading.local()
"""The stopwatch of the document that is being judged: the validator asks back whether patterns are patterns."""


def _is_regex(text: str) -> bool:
    _watch.deadline.check()
    return is_regex(text)


def _structural(error: Any, hits: list[Hit]) -> None:
    """The finding of one jsonschema-rs error, and those of the alternatives that were tried."""
    kind = error.kind
    name = kind.name
    path = tuple(error.instance_path)
    if name == "additionalProperties":
        hits.extend(Hit(f'"{each}" is not expected here', (*path, each)) for each in kind.unexpected)
        return
    tried: list[Hit] = []
    missing = []
    for branch in getattr(kind, "context", None) or ():
        for inner in branch:
            _structural(inner, tried)
            missing.append(inner.kind.property if inner.kind.name == "required" else "")
    hits.extend(hit for hit in tried if hit.steps != path)
    last = f'"{path[-1]}" ' if path else "the document "
    message = error.message if len(error.message) < 300 else f"is not valid here ({name})"
    if missing and all(missing):
        message = "needs " + " or ".join(f'"{each}"' for each in dict.fromkeys(missing))
    hits.append(Hit(f"{last}— {message}", path))


@lru_cache(maxsize=8)
def official(version: str) -> Any:
    """The validator for `v2.0`, `v3.0`, `v3.1` or `v3.2`, made once per process (about a tenth of a second)."""
    place = resources.files("openapi_spec_validator") / "resources" / "schemas" / version / "schema.json"
    schema = json.loads(place.read_text())
    _amend(schema, version)
    sharp = _discriminating(schema, schema)
    options: dict[str, Any] = {
        "validate_formats": True,
        "ignore_unknown_formats": True,
        "pattern_options": jsonschema_rs.RegexOptions(),
        "offline": True,
        "formats": {"regex": _is_regex},
    }
    if version in ("v2.0", "v3.0"):
        sharp["$schema"] = "http://json-schema.org/draft-07/schema#"
        sharp.pop("id", None)
        return jsonschema_rs.Draft7Validator(sharp, **options)
    sharp = _with_schema_objects(sharp, _base_vocabulary(version))
    return jsonschema_rs.Draft202012Validator(sharp, **options)


def _amend(schema: dict[str, Any], version: str) -> None:
    """What later editions of the official schemas, or the text of the specification, say otherwise.

    OpenAPI 2.0 requires the scopes of OAuth 2. In OpenAPI 3.1 the URL of a server may hold variables in braces, other URLs
    may be relative, a reference may have siblings, and a path item may hold `$ref` beside its operations.
    """
    if version == "v2.0":
        for name, part in schema["definitions"].items():
            if name.startswith("oauth2") and name.endswith("Security"):
                part["required"].append("scopes")
    if version == "v3.1":
        parts = schema["$defs"]
        del parts["server"]["properties"]["url"]["format"]
        del parts["reference"]["unevaluatedProperties"]
        parts["path-item"]["properties"]["$ref"] = {"type": "string", "format": "uri-reference"}
        parts["paths"]["patternProperties"]["^/"] = {"$ref": "#/$defs/path-item"}
        for flow in parts["oauth-flows"]["$defs"].values():
            for member in flow["properties"].values():
                if member.get("format") == "uri":
                    member["format"] = "uri-reference"
        parts["example"]["properties"]["externalValue"]["format"] = "uri-reference"


_VOCABULARIES = ("core", "applicator", "unevaluated", "validation", "meta-data", "format-annotation", "content")


def _base_vocabulary(version: str) -> Any:
    """What OpenAPI adds to JSON Schema: discriminator, xml, externalDocs."""
    folder = resources.files("openapi_schema_validator") / "schemas"
    place = "oas3.1/vocabularies/base" if version == "v3.1" else "oas3.2/meta/2025-09-17.json"
    return json.loads(folder.joinpath(*place.split("/")).read_text())


def _with_schema_objects(schema: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
    """The schema of OpenAPI 3.1 or later with Schema Objects judged by the meta-schema of JSON Schema 2020-12.

    The vocabularies are written out as one object: nothing has to be looked up at run time. OpenAPI's own vocabulary
    counts for a Schema Object itself and not for those inside it, as in the dialect that Spectral uses.
    """
    parts: dict[str, Any] = {}

    def written(value: Any, prefix: str) -> Any:
        if type(value) is list:
            return [written(each, prefix) for each in value]
        if type(value) is not dict:
            return value
        if type(value.get("$dynamicRef")) is str:
            return {"$ref": "#/$defs/inner-schema"}
        made = {key: written(each, prefix) for key, each in value.items() if key != "format" or type(each) is not str}
        pointer = value.get("$ref")
        if type(pointer) is str:
            made["$ref"] = f"#/$defs/{_named(prefix, pointer)}"
        return made

    def members(meta: dict[str, Any], prefix: str) -> dict[str, Any]:
        for name, part in meta.get("$defs", {}).items():
            parts[f"{prefix}-{name}"] = written(part, prefix)
        found: dict[str, Any] = written(meta["properties"], prefix)
        return found

    properties: dict[str, Any] = {}
    for name in _VOCABULARIES:
        properties |= members(META_SCHEMAS.contents(f"https://json-schema.org/draft/2020-12/meta/{name}"), name)
    whole = META_SCHEMAS.contents("https://json-schema.org/draft/2020-12/schema")["properties"]
    properties |= {name: written(each, "validation") for name, each in whole.items()}
    properties["pattern"] = {"type": "string", "format": "regex"}
    properties["patternProperties"].pop("propertyNames", None)
    one, several = properties["type"]["anyOf"]
    properties["type"] = {
        "if": {"type": "string"},
        "then": one,
        "else": {"type": "array", "if": {"type": "array"}, "then": several},
    }
    parts["inner-schema"] = _only_schemas({"properties": properties})
    own = members(base, "base")
    parts["schema"] = _only_schemas({"$ref": "#/$defs/inner-schema", "properties": own})
    schema["$defs"] = {**schema["$defs"], **parts}
    made: dict[str, Any] = _pointing(schema)
    return made


def _named(prefix: str, pointer: str) -> str:
    """The part that a reference of a vocabulary means: one of its own, or the strings of the validation vocabulary."""
    vocabulary, _, name = pointer.rpartition("#/$defs/")
    return f"{vocabulary.rpartition('/')[2] or prefix}-{name}"


def _only_schemas(then: dict[str, Any]) -> dict[str, Any]:
    """A Schema Object is an object judged by `then`, or true or false."""
    return {"if": {"type": "object"}, "then": then, "else": {"type": "boolean"}}


def _pointing(value: Any) -> Any:
    """A schema in which `$dynamicRef` to the meta-schema is a plain reference to Schema Objects."""
    if type(value) is list:
        return [_pointing(each) for each in value]
    if type(value) is not dict:
        return value
    if type(value.get("$dynamicRef")) is str:
        return {"$ref": "#/$defs/schema"}
    return {key: _pointing(each) for key, each in value.items()}


def _discriminating(value: Any, root: dict[str, Any]) -> Any:
    """The schema with every “X or Reference” choice decided by the presence of `$ref`, and every choice among objects
    with a constant `type` decided by that type."""
    if type(value) is list:
        return [_discriminating(each, root) for each in value]
    if type(value) is not dict:
        return value
    pointer = value.get("$ref")
    if type(pointer) is str and pointer.startswith(_DRAFT4):
        return _from_draft4(pointer.removeprefix(_DRAFT4))
    made = {key: _discriminating(each, root) for key, each in value.items()}
    if made.get("exclusiveMinimum") is True and "minimum" in made:
        made["exclusiveMinimum"] = made.pop("minimum")
    for word in ("oneOf", "anyOf"):
        branches = value.get(word)
        if type(branches) is not list or not all(type(branch) is dict for branch in branches):
            continue
        decided = _by_flag(branches, root) or _by_reference(branches) or _by_type(branches, root)
        if decided is not None:
            made.pop(word)
            made.update(decided)
    return made


_DRAFT4 = "http://json-schema.org/draft-04/schema#"


def _from_draft4(pointer: str) -> Any:
    """A part of the draft-04 meta-schema that the OpenAPI 2.0 schema borrows, written out in place."""
    meta = META_SCHEMAS.contents(_DRAFT4.rstrip("#"))

    def written(value: Any) -> Any:
        if type(value) is list:
            return [written(each) for each in value]
        if type(value) is not dict:
            return value
        if type(value.get("$ref")) is str:
            return written(at(value["$ref"].lstrip("#")))
        return _discriminating({key: written(each) for key, each in value.items()}, {})

    def at(path: str) -> Any:
        here: Any = meta
        for step in path.strip("/").split("/"):
            here = here[step]
        return here

    return written(at(pointer))


def _is_reference(branch: dict[str, Any]) -> bool:
    pointer = branch.get("$ref")
    return type(pointer) is str and pointer.rsplit("/", 1)[-1] in ("Reference", "jsonReference", "reference")


def _by_flag(branches: list[dict[str, Any]], root: dict[str, Any]) -> dict[str, Any] | None:
    """“A schema, or true or false”: objects are judged as what they may be, everything else as a flag."""
    others = [branch for branch in branches if branch != {"type": "boolean"}]
    if len(others) == len(branches) or not others:
        return None
    whole = copy.deepcopy(others[0]) if len(others) == 1 else _by_reference(others)
    return {"if": {"type": "object"}, "then": whole, "else": {"type": "boolean"}} if whole is not None else None


def _by_reference(branches: list[dict[str, Any]]) -> dict[str, Any] | None:
    """“X or Reference”: decided by the presence of `$ref`."""
    references = [branch for branch in branches if _is_reference(branch)]
    others = [branch for branch in branches if not _is_reference(branch)]
    if len(references) != 1 or len(others) != 1:
        return None
    return {
        "if": {"type": "object", "required": ["$ref"]},
        "then": copy.deepcopy(references[0]),
        "else": copy.deepcopy(others[0]),
    }


def _by_type(branches: list[dict[str, Any]], root: dict[str, Any]) -> dict[str, Any] | None:
    """A chain of if/else over objects told apart by constants: security schemes by `type` (and `flow`), the places of a
    parameter by `in`; None when there are none."""
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = []
    for branch in branches:
        pointer = branch.get("$ref")
        target: Any = branch if "properties" in branch and pointer is None else None
        names: tuple[str, ...] = ("in",)
        if type(pointer) is str and pointer.startswith("#/"):
            target, names = root, ("type", "flow")
            for step in pointer[2:].split("/"):
                target = target.get(step, {})
        if target is None:
            return None
        properties = target.get("properties", {})
        constants: dict[str, Any] = {}
        for name in names:
            said = properties.get(name, {})
            values = said.get("enum", [said["const"]] if "const" in said else None)
            if values is not None and len(values) == 1:
                constants[name] = {"const": values[0]}
        if names[0] not in constants:
            return None
        cases.append(({"type": "object", "required": list(constants), "properties": constants}, branch))
    first = names[0]
    chain: dict[str, Any] = {"type": "object", "required": [first], "properties": {}}
    for name in names:
        words = {case["properties"][name]["const"] for case, _ in cases if name in case["properties"]}
        if words:
            chain["properties"][name] = {"enum": sorted(words)}
    for case, branch in reversed(cases):
        chain = {"if": case, "then": copy.deepcopy(branch), "else": chain}
    return chain
