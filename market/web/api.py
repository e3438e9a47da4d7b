"""Shapes that every endpoint shares."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeAlias, TypeVar

import msgspec
from litestar import Request
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import HeaderParameter

from market import nesting
from market.actor import Actor

T = TypeVar("T")


IfMatch: TypeAlias = Annotated[
    str,
    HeaderParameter(
        name="If-Match",
        required=False,
        description="The `etag` of what you change, as you read it; `new` for what was never written. Without it the answer is 428; when somebody saved "
        "meanwhile it is 409, with what is `stored` now and its `etag`.",
    ),
]
"""What a change was written from (RFC 9110 section 13.1.1); handlers give it the default `""`, which actions refuse."""

Confirm: TypeAlias = Annotated[
    str,
    HeaderParameter(
        name="Prelude-Confirm",
        required=False,
        description="What looks like a slip is asked once more: the answer is 409, and each such reason has a `confirm`. When it "
        "is meant, send the same again with these here, between commas.",
    ),
]
"""The confirmations of a program; handlers give it the default `""` and hand `confirmed(…)` of it to the action."""


def confirmed(given: str) -> frozenset[str]:
    """The confirmations in the header."""
    return frozenset(each.strip() for each in given.split(",") if each.strip())


class Items(msgspec.Struct, Generic[T]):
    """A page of a list. `next` is the address of the next page, None on the last."""

    items: list[T]
    next: str | None = None


class Asked(Request[Actor, Any, State]):
    """A request whose JSON is looked at before it is read: what nests too deep is refused, whatever is asked."""

    async def json(self) -> Any:
        """The JSON of the body; :class:`~market.nesting.TooDeep` is answered as 400 (`form.too-deep`)."""
        nesting.check(await self.body())
        return await super().json()


def json_document(words: str) -> dict[int, ResponseSpec]:
    """For the OpenAPI document: a 200 whose bytes were written elsewhere (a release, a signed document) is a JSON object
    and not a string; `words` say which."""
    return {200: ResponseSpec(data_container=dict[str, Any], description=words, generate_examples=False)}
