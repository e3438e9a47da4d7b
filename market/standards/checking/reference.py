"""The API reference of a lodged document as plain data: what a page shows of each operation, and nothing that runs.

Read leniently: a document that fails its profile still has a reference. References within the document are followed, a few
levels deep; nothing outside it is. Sizes are bounded, and what was left out is counted.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec

from market.wording import _, either

METHODS: Final = ("get", "post", "put", "patch", "delete", "head", "options", "trace")
MOST_OPERATIONS: Final = 400
MOST_FIELDS: Final = 60
DEEP: Final = 2
"""Levels of fields within fields that are shown."""
LONG: Final = 1_200


class Field(msgspec.Struct, omit_defaults=True):
    """A parameter, or a member of a body: `place` is path, query, header or cookie for a parameter, `level` its depth."""

    name: str
    kind: str
    required: bool = False
    says: str = ""
    place: str = ""
    level: int = 0


class Body(msgspec.Struct, omit_defaults=True):
    """What is sent or answered: its media type and its members."""

    media: str
    kind: str = ""
    fields: list[Field] = []


class Answer(msgspec.Struct, omit_defaults=True):
    """A response by its status code."""

    code: str
    says: str = ""
    bodies: list[Body] = []


class Operation(msgspec.Struct, omit_defaults=True):
    """One method of one path."""

    method: str
    path: str
    name: str = ""
    title: str = ""
    says: str = ""
    deprecated: bool = False
    parameters: list[Field] = []
    sends: list[Body] = []
    answers: list[Answer] = []


class Outline(msgspec.Struct, omit_defaults=True):
    """The whole reference. `security` says in words how callers are known; `left_out` counts operations not shown."""

    title: str = ""
    version: str = ""
    says: str = ""
    openapi: str = ""
    contact: str = ""
    licence: str = ""
    servers: list[str] = []
    security: list[str] = []
    operations: list[Operation] = []
    left_out: int = 0


def outline(data: Any) -> Outline:
    """The reference of a document as data; an empty one for anything that is not an OpenAPI document."""
    if type(data) is not dict:
        return Outline()
    return _Reader(data).whole()


class _Reader:
    def __init__(self, data: dict[str, Any]) -> None:
        self.data = data

    def whole(self) -> Outline:
        data, info = self.data, self.object(self.data.get("info"))
        contact, licence = self.object(info.get("contact")), self.object(info.get("license"))
        made = Outline(
            title=_text(info.get("title"), 200),
            version=_text(info.get("version"), 60),
            says=_text(info.get("description"), 4_000),
            openapi=_text(data.get("openapi") or data.get("swagger"), 20),
            contact=_text(contact.get("email") or contact.get("url") or contact.get("name"), 200),
            licence=_text(licence.get("name"), 100),
            servers=[_text(self.object(each).get("url"), 300) for each in self.items(data.get("servers"))[:10] if each],
            security=self.security(),
        )
        for path, item in self.object(data.get("paths")).items():
            item = self.object(item)
            shared = self.items(item.get("parameters"))
            for method in METHODS:
                if type(item.get(method)) is not dict:
                    continue
                if len(made.operations) >= MOST_OPERATIONS:
                    made.left_out += 1
                    continue
                made.operations.append(self.operation(str(path), method, item[method], shared))
        return made

    def security(self) -> list[str]:
        schemes = self.object(self.object(self.data.get("components")).get("securitySchemes"))
        schemes = schemes or self.object(self.data.get("securityDefinitions"))
        told = []
        for name, given in list(schemes.items())[:12]:
            scheme = self.object(given)
            kind = _text(scheme.get("type"), 30)
            if kind == "http":
                words = f"HTTP {_text(scheme.get('scheme'), 30)}"
            elif kind == "apiKey":
                words = _(
                    "a key in the {place} {name}",
                    place=_text(scheme.get("in"), 20),
                    name=_text(scheme.get("name"), 60),
                )
            elif kind == "oauth2":
                words = f"OAuth 2.0 ({', '.join(str(each) for each in self.object(scheme.get('flows')))})"
            else:
                words = kind
            told.append(f"{_text(name, 60)}: {words}")
        return told

    def operation(self, path: str, method: str, given: dict[str, Any], shared: list[Any]) -> Operation:
        parameters: dict[tuple[str, str], Field] = {}
        sends: list[Body] = []
        for each in [*shared, *self.items(given.get("parameters"))][:MOST_FIELDS]:
            found = self.object(each)
            if found.get("in") == "body":
                sends.append(self.body("application/json", found.get("schema")))
                continue
            field = Field(
                _text(found.get("name"), 100),
                self.kind(found.get("schema") or found),
                found.get("required") is True,
                _text(found.get("description"), LONG),
                _text(found.get("in"), 20),
            )
            parameters[field.place, field.name] = field
        content = self.object(self.object(given.get("requestBody")).get("content"))
        sends += [self.body(media, self.object(each).get("schema")) for media, each in list(content.items())[:6]]
        return Operation(
            method=method.upper(),
            path=_text(path, 300),
            name=_text(given.get("operationId"), 120),
            title=_text(given.get("summary"), 300),
            says=_text(given.get("description"), LONG),
            deprecated=given.get("deprecated") is True,
            parameters=list(parameters.values()),
            sends=sends,
            answers=[
                self.answer(str(code), each) for code, each in list(self.object(given.get("responses")).items())[:24]
            ],
        )

    def answer(self, code: str, given: Any) -> Answer:
        found = self.object(given)
        content = self.object(found.get("content"))
        bodies = [self.body(media, self.object(each).get("schema")) for media, each in list(content.items())[:6]]
        if not content and found.get("schema"):
            bodies = [self.body("application/json", found["schema"])]
        return Answer(_text(code, 10), _text(found.get("description"), LONG), bodies)

    def body(self, media: Any, schema: Any) -> Body:
        fields: list[Field] = []
        self.fields(schema, fields, 0, frozenset())
        return Body(_text(media, 100), self.kind(schema), fields)

    def fields(self, schema: Any, into: list[Field], level: int, seen: frozenset[int]) -> None:
        found = self.object(schema)
        if id(found) in seen or level > DEEP:
            return
        seen = seen | {id(found)}
        if found.get("items") is not None:
            self.fields(found["items"], into, level, seen)
        for part in [*self.items(found.get("allOf")), *self.items(found.get("oneOf"))][:8]:
            self.fields(part, into, level, seen)
        required = self.items(found.get("required"))
        for name, each in self.object(found.get("properties")).items():
            if len(into) >= MOST_FIELDS:
                return
            member = self.object(each)
            into.append(
                Field(
                    _text(name, 100),
                    self.kind(member),
                    name in required,
                    _text(member.get("description"), 400),
                    "",
                    level,
                )
            )
            self.fields(member, into, level + 1, seen)

    def kind(self, schema: Any, depth: int = 0) -> str:
        given = schema if type(schema) is dict else {}
        name = str(given.get("$ref", "")).rpartition("/")[2]
        found = self.object(given)
        told = found.get("type")
        kind = either(str(each) for each in told) if isinstance(told, list) else _text(told, 40)
        if kind == "array" and depth < 3:
            return _("list of {self}", self=self.kind(found.get("items"), depth + 1) or _("anything"))
        enum = self.items(found.get("enum"))
        if enum:
            shown = ", ".join(str(each)[:40] for each in enum[:6])
            return f"one of {shown}{' …' if len(enum) > 6 else ''}"
        if kind in ("", "object") and name:
            return name[:80]
        form = _text(found.get("format"), 40)
        return f"{kind} ({form})" if form and kind else kind or ("object" if found.get("properties") else "")

    def object(self, value: Any) -> dict[str, Any]:
        """The object, with references within the document followed; empty for anything else."""
        for _turn in range(12):
            if type(value) is not dict:
                return {}
            target = value.get("$ref")
            if not isinstance(target, str) or not target.startswith("#/"):
                return value
            value = self.at(target)
        return {}

    def at(self, target: str) -> Any:
        here: Any = self.data
        for step in target[2:].split("/"):
            step = step.replace("~1", "/").replace("~0", "~")
            if type(here) is dict:
                here = here.get(step)
            elif type(here) is list and step.isdigit() and int(step) < len(here):
                here = here[int(step)]
            else:
                return None
        return here

    @staticmethod
    def items(value: Any) -> list[Any]:
        return value if type(value) is list else []


def _text(value: Any, most: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value).replace("\0", " ").strip()
    return text if len(text) <= most else text[: most - 2].rstrip() + " …"
