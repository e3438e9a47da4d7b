"""The functions of `spectral:oas`: what only makes sense in an OpenAPI document. How the whole is
structured is judged by :mod:`structure`.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from market.openapi import schemas
from market.openapi.filters import number_of
from market.openapi.functions import (
    BadOptions,
    Call,
    Hit,
    Judge,
    Maker,
    dialect_of,
    faults_to_hits,
    no_options,
    only,
    unreferenced,
)
from market.openapi.graph import MISSING
from market.openapi.structure import make_document_schema, official

METHODS = ("get", "head", "post", "put", "patch", "delete", "options", "trace")


def operations(paths: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and operation of every operation."""
    if type(paths) is not dict:
        return
    for path, item in paths.items():
        if type(item) is dict:
            for method, operation in item.items():
                if method in METHODS and type(operation) is dict:
                    yield path, method, operation


def make_op_success(options: dict[str, Any]) -> Judge:
    """An operation must describe at least one 2xx or 3xx response."""
    no_options(options)

    def judge(call: Call) -> list[Hit] | None:
        if type(call.value) is not dict:
            return None
        for status in call.value:
            if "oas3" in call.formats and status in ("2XX", "3XX"):
                return None
            if 200 <= number_of(status) < 400:
                return None
        return [Hit("the operation describes no 2xx or 3xx response")]

    return judge


def make_op_id_unique(options: dict[str, Any]) -> Judge:
    """No two operations may share an operationId."""
    no_options(options)

    def judge(call: Call) -> list[Hit]:
        seen: set[str] = set()
        hits = []
        for path, method, operation in operations(call.plain()):
            if "operationId" not in operation:
                continue
            sign = json.dumps(operation["operationId"], sort_keys=True, default=str)
            if sign in seen:
                hits.append(Hit("operationId must be unique", (path, method, "operationId")))
            seen.add(sign)
        return hits

    return judge


def make_op_params(options: dict[str, Any]) -> Judge:
    """Parameters of an operation must differ in name and place; body and form data exclude each other."""
    no_options(options)

    def judge(call: Call) -> list[Hit] | None:
        if type(call.value) is not list or len(call.value) < 2:
            return None
        seen: set[tuple[str, str]] = set()
        hits, bodies, forms = [], [], []
        for number, parameter in enumerate(call.plain()):
            if type(parameter) is not dict or "$ref" in parameter:
                continue
            sign = (str(parameter.get("in", MISSING)), str(parameter.get("name", MISSING)))
            if sign in seen:
                hits.append(Hit("another parameter has the same name and place", (number,)))
            seen.add(sign)
            if sign[0] == "body":
                bodies.append(number)
            elif sign[0] == "formData":
                forms.append(number)
        if bodies and forms:
            hits.append(Hit("an operation cannot have both body and form data"))
        hits.extend(Hit("an operation cannot have two bodies", (number,)) for number in bodies[1:])
        return hits

    return judge


def make_tag_defined(options: dict[str, Any]) -> Judge:
    """Tags of operations must be described in the document's tags."""
    no_options(options)

    def judge(call: Call) -> list[Hit] | None:
        value = call.plain()
        if type(value) is not dict:
            return None
        tags = value.get("tags")
        known = (
            {tag["name"] for tag in tags if type(tag) is dict and type(tag.get("name")) is str}
            if type(tags) is list
            else set()
        )
        hits = []
        for path, method, operation in operations(value.get("paths")):
            mine = operation.get("tags")
            if type(mine) is list:
                for number, tag in enumerate(mine):
                    if type(tag) is not str or tag not in known:
                        hits.append(Hit("the tag is not described in tags", ("paths", path, method, "tags", number)))
        return hits

    return judge


_IN_PATH = re.compile(r"\{;?\??[a-zA-Z0-9_-]+\*?\}", re.ASCII)


def make_path_params(options: dict[str, Any]) -> Judge:
    """The parameters in a path and those described for it must be the same, required, and given once."""
    no_options(options)

    def judge(call: Call) -> list[Hit] | None:
        paths = call.plain()
        if type(paths) is not dict:
            return None
        hits: list[Hit] = []
        shapes: dict[str, str] = {}
        for path, item in paths.items():
            if type(item) not in (dict, list):
                continue
            call.deadline.tick()
            shape = _IN_PATH.sub("%", path)
            if shape in shapes:
                hits.append(Hit(f'the paths "{shapes[shape]}" and "{path}" are the same', (path,)))
            else:
                shapes[shape] = path
            expected: list[str] = []
            for match in _IN_PATH.findall(path):
                name = re.sub(r"[{}?*;]", "", match)
                if name in expected:
                    hits.append(Hit(f'the path uses "{{{name}}}" more than once', (path,)))
                else:
                    expected.append(name)
            if type(item) is not dict:
                continue
            above: dict[Any, tuple[Any, ...]] = {}
            _path_parameters(item.get("parameters"), (path, "parameters"), above, hits)
            for method, operation in item.items():
                if method not in METHODS or type(operation) not in (dict, list):
                    continue
                own: dict[Any, tuple[Any, ...]] = {}
                given = operation.get("parameters") if type(operation) is dict else None
                _path_parameters(given, (path, method, "parameters"), own, hits)
                known = {**above, **own}
                for name, steps in known.items():
                    if name not in expected:
                        hits.append(Hit(f'the parameter "{name}" is not used in the path "{path}"', steps))
                for name in expected:
                    if name not in known:
                        hits.append(Hit(f'the parameter "{{{name}}}" of the path is not described', (path, method)))
        return hits

    return judge


def _path_parameters(given: Any, base: tuple[Any, ...], seen: dict[Any, tuple[Any, ...]], hits: list[Hit]) -> None:
    if type(given) is not list:
        return
    for number, parameter in enumerate(given):
        if type(parameter) is not dict or parameter.get("in") != "path" or "name" not in parameter:
            continue
        name = str(parameter["name"])
        steps = (*base, number)
        if parameter.get("required") is not True:
            hits.append(Hit(f'the path parameter "{name}" must be required', steps))
        if name in seen:
            hits.append(Hit(f'the path parameter "{name}" is described twice', steps))
        else:
            seen[name] = steps


def make_form_consumes(options: dict[str, Any]) -> Judge:
    """An operation with form data must consume a form media type (OpenAPI 2.0)."""
    no_options(options)

    def judge(call: Call) -> list[Hit] | None:
        value = call.plain()
        if type(value) is not dict:
            return None
        consumes, parameters = value.get("consumes"), value.get("parameters")
        if type(consumes) is not list or type(parameters) is not list:
            return None
        form = any(type(each) is dict and each.get("in") == "formData" for each in parameters)
        types = ",".join(str(each) for each in consumes)
        if form and "application/x-www-form-urlencoded" not in types and "multipart/form-data" not in types:
            return [Hit("consumes must name a form media type when a parameter is form data")]
        return None

    return judge


def make_discriminator(options: dict[str, Any]) -> Judge:
    """The discriminator must be a required property of the schema (OpenAPI 2.0)."""
    no_options(options)

    def judge(call: Call) -> list[Hit] | None:
        value = call.plain()
        if type(value) is not dict or type(value.get("discriminator")) is not str:
            return None
        name = value["discriminator"]
        hits = []
        properties = value.get("properties")
        if type(properties) is not dict or name not in properties:
            hits.append(Hit("the discriminator property is not defined", ("properties",)))
        required = value.get("required")
        if type(required) is not list or name not in required:
            hits.append(Hit("the discriminator property is not required", ("required",)))
        return hits

    return judge


def make_security_defined(options: dict[str, Any]) -> Judge:
    """Security requirements must name schemes and scopes that the document defines."""
    only(options, oasVersion=lambda value: value in (2, 3))
    version = options.get("oasVersion", 3)

    def judge(call: Call) -> list[Hit] | None:
        value = call.plain()
        if type(value) is not dict or not value:
            return None
        for scopes in value.values():
            if type(scopes) is not list or not all(type(scope) is str for scope in scopes):
                return None
        data = call.graph.data
        if type(data) is not dict:
            return None
        defined = data.get("securityDefinitions") if version == 2 else None
        if version == 3 and type(data.get("components")) is dict:
            defined = data["components"].get("securitySchemes")
        hits = []
        for name, scopes in value.items():
            if type(defined) is not dict or name not in defined:
                hits.append(Hit(f'the security scheme "{name}" is not defined', (name,)))
                continue
            known = _scopes(defined[name], version)
            for number, scope in enumerate(scopes):
                if scope not in known:
                    hits.append(Hit(f'the scope "{scope}" is not defined', (name, number)))
        return hits

    return judge


def _scopes(scheme: Any, version: int) -> set[str]:
    if type(scheme) is not dict:
        return set()
    if version == 2:
        scopes = scheme.get("scopes")
        return set(scopes) if type(scopes) is dict else set()
    flows = scheme.get("flows")
    found: set[str] = set()
    if type(flows) is dict:
        for flow in flows.values():
            if type(flow) is dict and type(flow.get("scopes")) is dict:
                found |= set(flow["scopes"])
    return found


_COMPONENTS = ["schemas", "responses", "parameters", "examples", "requestBodies", "headers", "links", "callbacks"]


def make_unused_component(options: dict[str, Any]) -> Judge:
    """Each component must be referred to somewhere in the document."""
    no_options(options)

    def judge(call: Call) -> list[Hit] | None:
        value = call.value
        components = value.get("components") if type(value) is dict else None
        if type(components) is not dict:
            return None
        hits: list[Hit] = []
        for kind in _COMPONENTS:
            if type(components.get(kind)) is dict:
                hits.extend(unreferenced(call, f"#/components/{kind}", list(components[kind])))
        return hits

    return judge


def make_ref_siblings(options: dict[str, Any]) -> Judge:
    """Nothing may stand beside `$ref` (OpenAPI 2.0 and 3.0: it would be ignored)."""
    no_options(options)

    def judge(call: Call) -> list[Hit] | None:
        home = call.match.home
        holder = call.graph.content[home] if home >= 0 else None
        if type(holder) is not dict or len(holder) == 1:
            return None
        base = call.graph.path(home)
        return [Hit("stands beside $ref, where it is ignored", (*base, key), True) for key in holder if key != "$ref"]

    return judge


_VARIABLE = re.compile(r"\{(.+?)\}")
_VARIABLE_KEYS = {"enum", "default", "description", "examples"}
_SPECIAL = {"http", "https", "ws", "wss", "ftp"}
_HOST = re.compile(r"(?:[^@/?#\s]*@)?(\[[0-9a-fA-F:.]+\]|[^\s:/?#\[\]@<>^|%\\]+)(?::(\d{0,5}))?\Z")


def is_url(text: str) -> bool:
    """Whether a browser would accept `text` as an absolute URL (WHATWG URL, the parts that matter for servers)."""
    text = text.strip()
    match = re.match(r"([A-Za-z][A-Za-z0-9+.\-]*):(.*)\Z", text, re.DOTALL)
    if match is None:
        return False
    scheme, rest = match.group(1).lower(), match.group(2)
    if scheme not in _SPECIAL:
        return True
    authority = re.split(r"[/?#\\]", rest.lstrip("/\\"), maxsplit=1)[0]
    host = _HOST.match(authority)
    return host is not None and int(host.group(2) or 0) < 65536


def make_server_variables(options: dict[str, Any]) -> Judge:
    """Variables of a server URL must be described, used, within their enumeration, and give valid URLs."""
    only(options, checkSubstitutions=lambda v: type(v) is bool, requireDefault=lambda v: type(v) is bool)
    substitute, default = options.get("checkSubstitutions", False), options.get("requireDefault", False)

    def judge(call: Call) -> list[Hit] | None:
        server = call.plain()
        if not _is_server(server):
            return [Hit("the server object is not valid")]
        url: str = server["url"]
        variables: dict[str, Any] = server.get("variables", {})
        found = list(dict.fromkeys(_VARIABLE.findall(url)))
        hits = [
            Hit(f'the variable "{name}" is not in the URL', ("variables", name))
            for name in variables
            if name not in found
        ]
        if not found:
            return hits
        missing = [name for name in found if name not in variables]
        if missing:
            hits.append(Hit(f"variables of the URL are not described: {', '.join(missing)}", ("variables",)))
        if "variables" not in server:
            return hits
        choices: list[tuple[str, list[str]]] = []
        for name, variable in variables.items():
            if name not in found:
                continue
            allowed = variable.get("enum", MISSING)
            usual = variable.get("default", MISSING)
            if allowed is not MISSING:
                choices.append((name, allowed))
                if usual is not MISSING and usual not in allowed:
                    hits.append(Hit(f'the default of "{name}" is not in its enum', ("variables", name, "default")))
            else:
                choices.append((name, [usual] if usual is not MISSING else []))
            if usual is MISSING and default:
                hits.append(Hit(f'the variable "{name}" has no default', ("variables", name)))
        if substitute and choices:
            bad = _bad_urls(url, choices)
            if bad:
                hits.append(Hit(f"variables lead to invalid URLs: {', '.join(bad)}", ("variables",)))
        return hits

    return judge


def _is_server(server: Any) -> bool:
    if type(server) is not dict or type(server.get("url")) is not str:
        return False
    variables = server.get("variables", {})
    if type(variables) is not dict:
        return False
    for variable in variables.values():
        if type(variable) is not dict:
            return False
        for key, value in variable.items():
            if key == "enum":
                if type(value) is not list or not all(type(each) is str for each in value):
                    return False
            elif key in _VARIABLE_KEYS:
                if type(value) is not str:
                    return False
            elif not key.startswith("x-"):
                return False
    return True


def _bad_urls(url: str, choices: list[tuple[str, list[str]]]) -> list[str]:
    bad: list[str] = []
    names = [name for name, _ in choices]
    for values in itertools.islice(itertools.product(*(values for _, values in choices)), 1_000):
        text = url
        for name, value in zip(names, values, strict=True):
            text = text.replace("{" + name + "}", value)
            if len(text) > 10_000:
                return bad
        if not is_url(text):
            bad.append(text[:200])
            if len(bad) == 5:
                break
    return bad


def make_tags_unique(options: dict[str, Any]) -> Judge:
    """No two tags may have the same name."""
    no_options(options)

    def judge(call: Call) -> list[Hit] | None:
        tags = call.plain()
        if type(tags) is not list or not all(type(tag) is dict and type(tag.get("name")) is str for tag in tags):
            return None
        seen: set[str] = set()
        hits = []
        for number, tag in enumerate(tags):
            if tag["name"] in seen:
                hits.append(Hit(f'the tag "{tag["name"]}" is described twice', (number, "name")))
            seen.add(tag["name"])
        return hits

    return judge


# --- examples -----------------------------------------------------------------------------------------------------


def _example_dialect(call: Call) -> str:
    if "oas3.1" in call.formats or "oas3.2" in call.formats:
        declared = call.graph.data.get("jsonSchemaDialect") if type(call.graph.data) is dict else None
        if type(declared) is str:
            return dialect_of({"$schema": declared}, "draft2020-12")
        return "draft2020-12"
    return "draft4" if call.formats & {"oas2", "oas3"} else "draft7"


def _checked(call: Call, schema: Any, value: Any, below: tuple[Any, ...], relax: tuple[str, ...]) -> list[Hit]:
    """The faults of one example against its schema; nothing when the schema is circular, one when it is no schema."""
    if value is MISSING:
        return [Hit("the example has no value", below)]
    dialect = _example_dialect(call)
    key = ("compiler", dialect, relax)
    if key not in call.memory:
        nullable = "x-nullable" if "oas2" in call.formats else "nullable"
        call.memory[key] = (schemas.Compiler(dialect, False, relax, nullable), schemas.MetaCheck(dialect), {})
    compiler, meta, made = call.memory[key]
    check = made.get(id(schema))
    if check is None:
        try:
            meta.check(schema, call.deadline)
            check = compiler.compile(schema, call.deadline)
        except (schemas.BadSchema, schemas.Unresolvable) as error:
            check = error
        except RecursionError:
            check = schemas.Unresolvable("the schema nests too deep")
        made[id(schema)] = check
        call.memory.setdefault("kept", []).append(schema)
    if isinstance(check, schemas.Unresolvable):
        return []
    if isinstance(check, schemas.BadSchema):
        return [Hit(f"the example cannot be judged: {check}", below)]
    return faults_to_hits(schemas.validate(check, value, call.deadline), call, below)


def make_schema_function(options: dict[str, Any]) -> Judge:
    """The value must be valid against a JSON Schema in the dialect of the document's OpenAPI version."""
    only(options, schema=lambda value: type(value) is dict)
    schema = options.get("schema", {})
    return lambda call: _checked(call, schema, call.plain() if call.value is not MISSING else MISSING, (), ())


def make_example(options: dict[str, Any]) -> Judge:
    """Examples must be valid against their schema; read-only and write-only properties may be left out of examples of
    requests and responses respectively."""
    only(
        options,
        oasVersion=lambda value: value in (2, 3),
        schemaField=lambda value: type(value) is str,
        type=lambda value: value in ("media", "schema"),
    )
    version, field, kind = options.get("oasVersion", 3), options.get("schemaField", "$"), options.get("type", "schema")

    def judge(call: Call) -> list[Hit] | None:
        target = call.plain()
        if type(target) is not dict:
            return None
        schema = target if field == "$" else target.get(field)
        if type(schema) is not dict:
            return None
        if "oas2" in call.formats and type(schema.get("required")) is bool:
            schema = {key: value for key, value in schema.items() if key != "required"}
        relax = {"request": ("readOnly",), "response": ("writeOnly",)}.get(call.zone, ()) if kind == "media" else ()
        items = _schema_items(target, version) if kind == "schema" else _media_items(target, version)
        hits: list[Hit] = []
        for below, value in items:
            hits.extend(_checked(call, schema, value, below, relax))
        return hits

    return judge


def _schema_items(target: dict[str, Any], version: int) -> Iterator[tuple[tuple[Any, ...], Any]]:
    for name in ("example", "x-example", "default") if version == 2 else ("example", "default"):
        if name in target:
            yield (name,), target[name]


def _media_items(target: dict[str, Any], version: int) -> Iterator[tuple[tuple[Any, ...], Any]]:
    if version == 3 and "example" in target:
        yield ("example",), target["example"]
        return
    examples: Any = target.get("examples")
    if type(examples) not in (dict, list):
        return
    for key, value in examples.items() if type(examples) is dict else enumerate(examples):
        if version == 2:
            yield ("examples", key), value
        elif type(value) in (dict, list) and "externalValue" not in value:
            yield ("examples", key, "value"), value.get("value", MISSING) if type(value) is dict else MISSING


OAS: dict[str, Maker] = {
    "oasDiscriminator": make_discriminator,
    "oasDocumentSchema": make_document_schema,
    "oasExample": make_example,
    "oasOpFormDataConsumeCheck": make_form_consumes,
    "oasOpIdUnique": make_op_id_unique,
    "oasOpParams": make_op_params,
    "oasOpSuccessResponse": make_op_success,
    "oasPathParam": make_path_params,
    "oasSchema": make_schema_function,
    "oasSecurityDefined": make_security_defined,
    "oasTagDefined": make_tag_defined,
    "oasUnusedComponent": make_unused_component,
    "refSiblings": make_ref_siblings,
    "serverVariables": make_server_variables,
    "uniquenessTags": make_tags_unique,
}
__all__ = ["OAS", "BadOptions", "is_url", "official", "operations"]
