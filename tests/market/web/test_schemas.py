"""The shapes of the API are called by their nouns in its description, wherever their files stand."""

from __future__ import annotations

import re
import types
from typing import Any, ClassVar

import msgspec
import pytest
from litestar import Litestar, get
from litestar.exceptions import ImproperlyConfiguredException

from market.web.api import Items
from market.web.schemas import NamedByNouns


def shape(module: str, name: str, **said: Any) -> type[msgspec.Struct]:
    """A struct as if it stood in that module."""

    def body(made: dict[str, Any]) -> None:
        made |= {"__module__": module, "__annotations__": {"text": str}, **said}

    return types.new_class(name, (msgspec.Struct,), {}, body)


def described(*shapes: Any) -> dict[str, Any]:
    """The shapes of the description of an application that answers each of these."""
    routes = []
    for place, each in enumerate(shapes):

        def answer() -> Any: ...

        answer.__annotations__["return"] = each
        routes.append(get(f"/{place}", sync_to_thread=False)(answer))
    app = Litestar(routes, plugins=[NamedByNouns()])
    schemas: dict[str, Any] = app.openapi_schema.to_schema()["components"]["schemas"]
    return schemas


class Street(msgspec.Struct):
    """A street, of which the town has several."""

    name: str
    crosses: list[Street]


class Town(msgspec.Struct):
    """A town."""

    schema_name: ClassVar[str] = "Municipality"

    streets: Items[Street]
    widest: Street | None = None


class Port(Town):
    """A town at the sea, which does not inherit the name."""


def test_a_shape_is_called_by_its_class_or_by_the_noun_it_gives() -> None:
    assert set(described(Town, Port, Items[Town])) == {
        "Municipality",
        "Port",
        "Street",
        "ItemsOfStreet",
        "ItemsOfMunicipality",
    }


def test_what_refers_to_a_shape_names_it_alike() -> None:
    shapes = described(Town)
    assert shapes["ItemsOfStreet"]["properties"]["items"]["items"] == {"$ref": "#/components/schemas/Street"}
    assert shapes["Street"]["properties"]["crosses"]["items"] == {"$ref": "#/components/schemas/Street"}
    assert shapes["Municipality"]["properties"]["streets"] == {"$ref": "#/components/schemas/ItemsOfStreet"}


def test_a_module_that_moves_changes_no_name() -> None:
    before = described(shape("market.roads.api", "Bridge"), Items[shape("market.roads.api", "Ferry")])
    after = described(shape("market.water.views", "Bridge"), Items[shape("search.api", "Ferry")])
    assert set(before) == set(after) == {"Bridge", "Ferry", "ItemsOfFerry"}


def test_two_shapes_of_one_name_are_refused_by_both_their_places() -> None:
    one, other = shape("market.roads.api", "Terms"), shape("market.water.api", "Terms")
    with pytest.raises(ImproperlyConfiguredException) as refused:
        described(one, other)
    assert "two shapes of the API would be called Terms: market.roads.api.Terms and market.water.api.Terms" in str(
        refused.value
    )
    named = shape("market.water.api", "Terms", schema_name="WaterTerms")
    assert set(described(one, named)) == {"Terms", "WaterTerms"}


def test_no_name_in_our_description_says_where_a_file_stands(app: Litestar) -> None:
    names = set(app.openapi_schema.to_schema()["components"]["schemas"])
    assert len(names) > 200
    assert [name for name in names if not re.fullmatch(r"([A-Z][a-z0-9]+)+", name)] == []
    assert {"Problem", "TenderTerms", "ChallengeTerms", "ItemsOfTenderLine"} <= names
