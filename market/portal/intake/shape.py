"""The shape of a release, place by place, as the standard's own schema has it."""

from __future__ import annotations

from functools import cache
from typing import Any

from market import ocds

PROSE = frozenset(
    [
        "title",
        "description",
        "name",
        "legalName",
        "rationale",
        "statusDetails",
        "procurementMethodDetails",
        "procurementMethodRationale",
        "awardCriteriaDetails",
        "eligibilityCriteria",
        "submissionMethodDetails",
        "streetAddress",
        "locality",
        "region",
        "countryName",
    ]
)
"""Fields that people read: in them `&amp;` is never meant."""


class Node:
    """One place of the schema: what may stand there."""

    __slots__ = (
        "codes",
        "dated",
        "item",
        "name",
        "nullable",
        "numeric",
        "properties",
        "prose",
        "respelt",
        "text",
        "types",
        "whole",
    )

    def __init__(self, name: str, schema: dict[str, Any]) -> None:
        given = schema.get("type", "object" if "properties" in schema else [])
        self.name = name
        self.types = frozenset([given] if isinstance(given, str) else given)
        self.nullable = "null" in self.types and not self.types & {"object", "array"}
        self.text, self.numeric = "string" in self.types, bool(self.types & {"number", "integer"})
        self.dated = schema.get("format") == "date-time"
        closed = "enum" in schema
        self.codes = frozenset(code for code in schema["enum"] if code) if closed else None
        self.respelt = {code.casefold(): code for code in self.codes} if self.codes else {}
        self.prose = self.text and name in PROSE
        self.whole = bool(schema.get("wholeListMerge"))
        self.item: Node | None = None
        self.properties: dict[str, Node] = {}


@cache
def root() -> Node:
    """The place where a release stands, with every place below it."""
    schema = ocds.release_schema()
    made: dict[str, Node] = {}

    def node(name: str, given: dict[str, Any]) -> Node:
        reference = given.get("$ref")
        if reference:
            name = reference.rsplit("/", 1)[1]
            if name in made:
                return made[name]
            given = schema["definitions"][name]
        one = Node(name, given)
        if reference:
            made[name] = one
        if isinstance(given.get("items"), dict):
            one.item = node(name, given["items"])
        for key, each in given.get("properties", {}).items():
            one.properties[key] = node(key, each)
        return one

    return node("release", schema)
