"""Every route has one guard; what the description of the API says of who may come in follows from it, and is true."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from typing import Any

import pytest
from litestar import Litestar, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute
from litestar.testing import create_test_client

from market.accounts import guards
from market.accounts.described import SIGNED_IN, DescribedByItsGuard
from market.web import once, problems
from market.web.limits import limit_of
from tests import given
from tests.architecture.trees import SOURCES, nodes, place

GUARDS = {
    guard
    for guard in vars(guards).values()
    if callable(guard) and not inspect.isclass(guard) and getattr(guard, "__module__", "") == guards.__name__
}


def guards_of(handler: HTTPRouteHandler) -> list[Any]:
    """Those of `market.accounts.guards` that stand before a handler, on whatever layer."""
    return [guard for guard in (getattr(each, "func", each) for each in handler.resolve_guards()) if guard in GUARDS]


def routes(app: Litestar) -> Iterator[tuple[str, HTTPRoute, HTTPRouteHandler]]:
    """Every method at every path, with its handler; without the answers to OPTIONS that Litestar writes itself."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for method, (handler, _) in sorted(route.route_handler_map.items()):
                if not handler.fn.__module__.startswith("litestar.routes"):
                    yield method, route, handler


def without_one_guard(app: Litestar) -> list[str]:
    return [f"{method} {route.path}" for method, route, handler in routes(app) if len(guards_of(handler)) != 1]


def test_every_route_says_once_who_may_come_in(app: Litestar) -> None:
    assert len(list(routes(app))) > 400
    assert without_one_guard(app) == []


def test_a_door_without_a_guard_or_with_two_would_be_found() -> None:
    @get("/open", sync_to_thread=False)
    def open_door() -> None: ...

    @get("/twice", guards=[guards.signed_in, guards.buyer], sync_to_thread=False)
    def twice() -> None: ...

    @get("/guarded", guards=[guards.signed_in], sync_to_thread=False)
    def guarded() -> None: ...

    app = Litestar([open_door, twice, guarded], openapi_config=None)
    assert without_one_guard(app) == ["GET /open", "GET /twice"]


def described(app: Litestar) -> Iterator[tuple[str, HTTPRoute, HTTPRouteHandler, dict[str, Any]]]:
    paths = app.openapi_schema.to_schema()["paths"]
    for method, route, handler in routes(app):
        if handler.resolve_include_in_schema():
            yield method, route, handler, paths[route.path_format][method.lower()]


def test_the_description_says_what_follows_from_guard_and_path(app: Litestar) -> None:
    wrong = []
    for method, route, handler, operation in described(app):
        asks = guards_of(handler) != [guards.public]
        expected = {"400"} | ({"401", "403"} if asks else set()) | ({"429"} if limit_of(route.path) else set())
        said = set(operation["responses"])
        if not expected <= said or (not asks and said & {"401", "403"}):
            wrong.append(f"{method} {route.path}: {sorted(said)}")
        if operation.get("security") != (SIGNED_IN if asks else None):
            wrong.append(f"{method} {route.path}: {operation.get('security')}")
    assert wrong == []


def test_the_description_names_the_key_of_whatever_is_done_once_and_the_version_of_whatever_is_changed(
    app: Litestar,
) -> None:
    wrong = []
    keys = 0
    for method, route, handler, operation in described(app):
        headers = {each["name"]: each for each in operation.get("parameters", []) if each["in"] == "header"}
        said = set(operation["responses"])
        heeded = method == "POST" and guards_of(handler) != [guards.public]
        if ("Idempotency-Key" in headers) != heeded or (heeded and not {"409", "422"} <= said):
            wrong.append(f"{method} {route.path}: Idempotency-Key, {sorted(said)}")
        if ("If-Match" in headers) != ("428" in said) or ("428" in said and "409" not in said):
            wrong.append(f"{method} {route.path}: If-Match, {sorted(said)}")
        keys += heeded
    assert wrong == []
    assert keys > 80


def test_nobody_types_what_follows_from_guard_and_path() -> None:
    typed = [
        f"{place(path)}:{node.lineno}"
        for path in SOURCES
        for node in nodes(path)
        if (isinstance(node, ast.keyword) and node.arg == "security" and path.stem == "api")
        or (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", "") == "problem_responses"
            and {400, 401, 403} & {code.value for code in node.args if isinstance(code, ast.Constant)}
        )
    ]
    assert typed == [], "market/accounts/described.py adds it"


def test_what_a_handler_says_itself_stays_beside_what_follows() -> None:
    @get("/api/v1/log/x", guards=[guards.auditor], responses=problems.problem_responses(404), sync_to_thread=False)
    def guarded() -> None: ...

    @get("/x", guards=[guards.public], sync_to_thread=False)
    def plain() -> None: ...

    @post("/made", guards=[guards.signed_in], tags=["Tenders"], sync_to_thread=False)
    def made() -> None: ...

    @post("/anew", guards=[guards.signed_in], tags=["Tenders"], opt=once.ANEW, sync_to_thread=False)
    def anew() -> None: ...

    with create_test_client([guarded, plain, made, anew], plugins=[DescribedByItsGuard()]) as client:
        paths = client.app.openapi_schema.to_schema()["paths"]
    assert set(paths["/api/v1/log/x"]["get"]["responses"]) == {"200", "400", "401", "403", "404", "429", "503"}
    assert paths["/api/v1/log/x"]["get"]["security"] == SIGNED_IN
    assert paths["/api/v1/log/x"]["get"]["description"] == "A token needs the scope `read`."
    assert set(paths["/x"]["get"]["responses"]) == {"200", "400", "503"}
    assert [each["name"] for each in paths["/made"]["post"]["parameters"]] == ["Idempotency-Key"]
    assert set(paths["/made"]["post"]["responses"]) == {"201", "400", "401", "403", "408", "409", "413", "422", "503"}
    assert "parameters" not in paths["/anew"]["post"]
    assert set(paths["/anew"]["post"]["responses"]) == {"201", "400", "401", "403", "408", "413", "503"}


def an_address(route: HTTPRoute) -> str:
    """The path with something in each place that is a parameter."""
    filled = {"int": "1", "date": "2026-01-01"}
    return "/".join(
        part if isinstance(part, str) else filled.get(part.type.__name__, "X-1")
        for part in ["", *route.path_components]
    )


@pytest.mark.usefixtures("clean")
async def test_every_guarded_endpoint_refuses_strangers_as_described(app: Litestar) -> None:
    """Without a token 401; for an organisation that is not hers, and without the role that the guard wants, 403; and what is
    public asks nobody who she is."""
    person = await given.person(await given.organisation(), "evaluator")
    token = await given.token(person)
    foreign = {**token, "prelude-organisation": (await given.organisation()).ref}
    wrong = []
    async with given.browser(app) as client:
        for method, route, handler, operation in described(app):
            name, address, documented = f"{method} {route.path}", an_address(route), set(operation["responses"])
            unknown = await client.request(method, address)
            if (unknown.status_code == 401) != ("401" in documented):
                wrong.append(f"{name}: {unknown.status_code} without a token")
            if "403" not in documented:
                continue
            if (await client.request(method, address, headers=foreign)).status_code != 403:
                wrong.append(f"{name}: not 403 for another organisation")
            (guard,) = guards_of(handler)
            if guard is not guards.signed_in and "evaluator" not in guard.__name__:
                answer = await client.request(method, address, headers=token)
                if answer.status_code != 403 or answer.json()["reasons"][0]["code"] != "access.role-needed":
                    wrong.append(f"{name}: {answer.status_code} without the role")
    assert wrong == []
