"""What the description of the API says of every endpoint that binds, because it follows from the act it calls: 202, prepared."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import CodeType, FunctionType, ModuleType
from typing import Any

from litestar.openapi.datastructures import ResponseSpec
from litestar.plugins import ReceiveRoutePlugin
from litestar.routes import BaseRoute, HTTPRoute

from market.confirming.readers import PreparedView
from market.touch import ACTS, Act

OURS = ("market.", "challenges.", "search.")

PREPARED = {
    202: ResponseSpec(
        data_container=PreparedView,
        description="This binds others, so no token does it: it is prepared, nothing is done yet. The token's person confirms it with her "
        "passkey at `confirm_at`; read at `status_at` (also in `Location`) what it was answered then.",
        generate_examples=False,
    )
}


class DescribedByItsAct(ReceiveRoutePlugin):
    """Adds to each endpoint that binds what a program is answered."""

    def receive_route(self, route: BaseRoute) -> None:
        """Called for every route when it is registered."""
        if not isinstance(route, HTTPRoute):
            return
        for handler in route.route_handlers:
            if handler.resolve_include_in_schema() and any(act.prepared for act in acts_of(handler.fn)):
                handler.responses = {**PREPARED, **(handler.responses or {})}


def acts_of(function: Callable[..., Any]) -> list[Act]:
    """The acts that bind which a handler calls, itself or through one function in between."""
    function = getattr(function, "func", function)
    function = getattr(function, "__func__", function)
    found = {act.name: act for each in _called(function, 2) if (act := ACTS.get(_name(each))) is not None}
    return [found[name] for name in sorted(found)]


def _name(function: Any) -> str:
    return f"{getattr(function, '__module__', '')}.{getattr(function, '__qualname__', '')}"


def _called(function: Callable[..., Any], deep: int) -> Iterator[Any]:
    """Whatever a function names that may be called, and what that names in turn."""
    if not isinstance(function, FunctionType) or not deep:
        return
    names = set(_names(function.__code__))
    for name in names:
        value = function.__globals__.get(name)
        named = [getattr(value, each, None) for each in names] if isinstance(value, ModuleType) else [value]
        for each in named:
            if isinstance(each, FunctionType):
                yield each
                if _name(each) not in ACTS and each.__module__.startswith(OURS):
                    yield from _called(each, deep - 1)


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
