"""What the shapes of the API are called in its description: by their nouns, wherever their files stand.

A program that was made from the description has these names in its code, so a module that moves must not change them. A
shape is called what its class is called; where two classes have one name, each says its noun:

    class Terms(msgspec.Struct):
        schema_name: ClassVar[str] = "TenderTerms"

A page of a list, `Items[TenderLine]`, is `ItemsOfTenderLine`.
"""

from __future__ import annotations

from typing import Any, get_args, get_origin

import msgspec
from litestar.exceptions import ImproperlyConfiguredException
from litestar.params import KwargDefinition
from litestar.plugins import OpenAPISchemaPlugin
from litestar.typing import FieldDefinition


def name_of(shape: Any) -> str:
    """What the shape is called in the description."""
    if held := get_args(shape):
        return f"{name_of(get_origin(shape))}Of{''.join(name_of(each) for each in held)}"
    return str(vars(shape).get("schema_name") or shape.__name__)


class NamedByNouns(OpenAPISchemaPlugin):
    """Gives every shape of the description its name. A name that two shapes would have is refused."""

    def __init__(self) -> None:
        self.named: dict[str, Any] = {}

    def is_plugin_supported_field(self, field_definition: FieldDefinition) -> bool:
        """Every struct, until it has a name; how one is described is the framework's to say."""
        told = field_definition.kwarg_definition
        if isinstance(told, KwargDefinition) and told.schema_component_key:
            return False
        return not field_definition.is_union and field_definition.is_subclass_of(msgspec.Struct)

    def to_openapi_schema(self, field_definition: FieldDefinition, schema_creator: Any) -> Any:
        """The shape, described under its name."""
        shape = field_definition.annotation
        name = name_of(shape)
        if (other := self.named.setdefault(name, shape)) != shape:
            raise ImproperlyConfiguredException(
                f"two shapes of the API would be called {name}: {_place(other)} and {_place(shape)}. "
                'Give each its noun: schema_name: ClassVar[str] = "NounOfIt".'
            )
        return schema_creator.for_field_definition(
            FieldDefinition.from_kwarg(
                annotation=shape, name="", kwarg_definition=KwargDefinition(schema_component_key=name)
            )
        )


def _place(shape: Any) -> str:
    return str(shape) if get_args(shape) else f"{shape.__module__}.{shape.__qualname__}"
