"""Examples against their schemas, where one schema stands within another."""

from __future__ import annotations

from typing import Any

import pytest

from market.openapi.limits import MAX_GROUPS, MAX_SCHEMA_DEPTH, Deadline, OutOfTime
from market.openapi.schemas import Compiler, validate


def within(word: str, inner: Any) -> dict[str, Any]:
    if word in ("items", "not"):
        return {word: inner}
    return {"properties": {"x": inner}} if word == "properties" else {word: [inner]}


def value(word: str, levels: int, end: Any) -> Any:
    for _ in range(levels):
        end = {"x": end} if word == "properties" else [end] if word == "items" else end
    return end


def faults(word: str, schemas: int, end: Any) -> int:
    """How many faults a value has that so many schemas judge, one within another; the last takes only one text."""
    groups = "(" * MAX_GROUPS + "a" + ")" * MAX_GROUPS
    schema: dict[str, Any] = {"type": "string", "pattern": groups}
    for _ in range(schemas - 1):
        schema = within(word, schema)
    check = Compiler("draft7").compile(schema, Deadline(5, "test"))
    return len(validate(check, value(word, schemas - 1, end), Deadline(5, "test")))


@pytest.mark.parametrize("word", ["properties", "items", "allOf", "anyOf", "oneOf"])
def test_a_value_is_judged_through_a_number_of_schemas_and_not_to_where_a_stack_ends(word: str) -> None:
    assert faults(word, MAX_SCHEMA_DEPTH, "a") == 0
    assert faults(word, MAX_SCHEMA_DEPTH, 1) > 0
    for more in (MAX_SCHEMA_DEPTH + 1, 465, 2_000):
        with pytest.raises(OutOfTime, match="the schema recurses too deep"):
            faults(word, more, "a")


def test_what_denies_a_denial_takes_as_many_schemas() -> None:
    assert faults("not", MAX_SCHEMA_DEPTH - 1, "a") == 0
    assert faults("not", MAX_SCHEMA_DEPTH - 1, "b") > 0
    with pytest.raises(OutOfTime, match="the schema recurses too deep"):
        faults("not", MAX_SCHEMA_DEPTH + 1, "a")
