"""The API's description is whole, and no request that can be made from it (or against it) makes the server fail.

Requests are generated from the description, valid and invalid ones; in half of them references are real, and in some a
string, a number or a date is replaced by a hostile one. They are sent as everybody in turn, to journeys that stand at
different stages. `PRELUDE_FUZZ` sets how many requests are made per operation (5 of each kind by default).
"""

from __future__ import annotations

import itertools
import json
import os
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings
from hypothesis.errors import Unsatisfiable
from litestar import Litestar
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from market import clock
from market.db import many
from tests import given as rows
from tests.conftest import EMPTY
from tests.journeys.journey import BEGINS, DAY, STEPS, Inside, cast

pytestmark = [pytest.mark.slow]

EACH = int(os.environ.get("PRELUDE_FUZZ", "5"))
STAGES = ("draft_challenge", "apply", "pitches", "ask_waiver", "seal_bids", "evaluate", "milestone_paid")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

STRINGS = (
    "\x00",
    "a\x00b",
    "\ud800",
    "\udfff\ud800",
    "\u202e\u0000\uffff",
    "' OR 1=1 --",
    "{}",
    "{0}",
    "%s%n",
    "../../etc/passwd",
    "<script>alert(1)</script>",
    "𝕏" * 300,
    "a" * 100_000,
    "0001-01-01",
    "9999-12-31",
    "0000-00-00",
    "2026-02-30",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "2026-03-29T01:30:00Z",
    "NaN",
    "-1",
    "٣",
    "²",
    "1" * 400,
)
ADDRESSABLE = tuple(each for each in STRINGS if len(each) < 1000 and "\ud800" not in each)
"""Those that fit into an address."""

NUMBERS = (0, -1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**40, 1e308, -1e308, 0.1, True)
OPEN_TO_ALL = {"checkApi"}
"""What is posted by anybody and changes nothing."""
FURNITURE = ("/api/v1", "/api/v1/openapi.json", "/api/v1/{path:str}")
"""The description itself."""

KINDS = {
    "challenges": "challenge",
    "applications": "application",
    "pitches": "pitch",
    "questions": "public_question",
    "insights": "insight_report",
    "tenders": "tender",
    "lots": "lot",
    "bids": "bid",
    "waivers": "waiver",
    "awards": "decision",
    "of": "tender",
    "contracts": "contract",
    "milestones": "milestone",
    "payments": "obligation",
    "budgets": "budget",
    "lines": "budget_line",
    "budget": "budget",
    "missions": "mission",
    "measures": "success_measure",
    "organisations": "organisation",
    "suppliers": "organisation",
    "officers": "person",
    "person": "person",
    "winner": "bid",
    "bid": "bid",
    "award": "decision",
    "buyer": "organisation",
    "owner": "organisation",
    "supplier": "organisation",
    "mission": "mission",
    "exercise": "challenge",
    "conflicts": "organisation",
}
"""Which table's references belong after a path segment, or in a field of this name."""


@pytest.fixture(scope="module")
async def journeys(database: None, app: Litestar) -> AsyncIterator[list[Inside]]:
    """One journey at each stage; each knows the references of what it made."""
    await many(EMPTY.replace("{", "{{").replace("}", "}}"))
    made: list[Inside] = []
    before: dict[str, list[str]] = {}
    for stage in STAGES:
        with clock.at(BEGINS - DAY):
            journey = Inside(await cast(), app)
        for step in STEPS[: STEPS.index(stage) + 1]:
            await getattr(journey, step)()
        after = await references()
        KNOWN[len(made)] = {
            name: [ref for ref in refs if ref not in before.get(name, [])] for name, refs in after.items()
        }
        made.append(journey)
        before = after
    await made[-1].work()
    yield made
    for journey in made:
        await journey.client.aclose()
    await many(EMPTY.replace("{", "{{").replace("}", "}}"))


async def references() -> dict[str, list[str]]:
    """Every reference by the table it is of."""
    columns = await many(
        "SELECT table_name FROM information_schema.columns WHERE column_name = 'ref' AND table_schema = 'public'"
    )
    names = [row["table_name"] for row in columns]
    return {name: [row["ref"] for row in await many(f"SELECT ref FROM {name} ORDER BY ref")] for name in names}


def generated(operation: Any, count: int) -> list[Case]:
    """So many valid and so many invalid cases for one operation, the same on every run."""
    found: list[Case] = []
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @seed(2026)
        @settings(
            max_examples=count,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        @given(case=operation.as_strategy(generation_mode=mode))
        def collect(case: Case) -> None:
            found.append(case)

        try:
            collect()
        except Unsatisfiable:
            continue
    return found


KNOWN: dict[int, dict[str, list[str]]] = {}
"""The references each journey made, by table."""


class Trouble:
    """Turns a generated case into a request, with real references and hostile values put in by a fixed chance."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}
        self.chance = random.Random(20261122)

    def real(self, name: str) -> str | None:
        """A reference that belongs there, or None."""
        found = self.known.get(KINDS.get(name, ""), [])
        return self.chance.choice(found) if found else None

    def request(self, case: Case) -> tuple[str, str, bytes, dict[str, str]]:
        """Method, address, body and headers."""
        if case.path_parameters and self.chance.random() < 0.85:
            segments = case.operation.path.split("/")
            for before, segment in itertools.pairwise(segments):
                name = segment.strip("{}")
                if segment.startswith("{") and name in case.path_parameters:
                    kind = case.path_parameters.get("kind") if before == "{kind}" else before
                    case.path_parameters[name] = self.real(str(kind)) or case.path_parameters[name]
                    if self.chance.random() < 0.1:
                        case.path_parameters[name] = self.chance.choice(ADDRESSABLE)
        kwargs = case.as_transport_kwargs(base_url="http://localhost:8000")
        body = kwargs.pop("json", None)
        if isinstance(body, dict | list):
            kwargs["data"] = json.dumps(self.bent(body)).encode()
        elif body is not None:
            kwargs["data"] = json.dumps(body).encode()
        if kwargs.get("params") and self.chance.random() < 0.3:
            name = self.chance.choice(sorted(kwargs["params"]))
            kwargs["params"] = {**kwargs["params"], name: self.chance.choice(ADDRESSABLE)}
        kwargs.setdefault("headers", {})
        allowed = ("method", "url", "headers", "params", "data", "cookies")
        ready = requests.Request(**{name: value for name, value in kwargs.items() if name in allowed}).prepare()
        sent = ready.body if isinstance(ready.body, bytes) else (ready.body or "").encode()
        headers = {"accept": "application/json"}
        if sent:
            headers["content-type"] = ready.headers.get("content-type", "application/json")
        return str(ready.method), str(ready.url), sent, headers

    def bent(self, value: Any, name: str = "") -> Any:
        """The same structure, some leaves replaced."""
        if isinstance(value, dict):
            return {key: self.bent(each, key) for key, each in value.items()}
        if isinstance(value, list):
            return [self.bent(each, name) for each in value]
        chance = self.chance.random()
        if isinstance(value, str):
            known = self.real(name)
            if known and chance < 0.85:
                return known
            return self.chance.choice(STRINGS) if chance > 0.93 else value
        if isinstance(value, int | float) and chance > 0.9:
            return self.chance.choice(NUMBERS)
        return value


@pytest.mark.long
async def test_no_request_makes_the_server_fail(app: Litestar, journeys: list[Inside]) -> None:
    schema = schemathesis.openapi.from_dict(app.openapi_schema.to_schema())
    trouble = Trouble()
    wrong: dict[str, str] = {}
    statuses: dict[int, int] = {}
    operations = [each.ok() for each in schema.get_all_operations()]
    for operation in operations:
        for number, case in enumerate(generated(operation, EACH)):
            place = trouble.chance.randrange(len(journeys))
            journey, trouble.known = journeys[place], KNOWN[place]
            who = trouble.chance.choice(["", "ada", "ada", "ada", "heron", "heron", *journey.cast.tokens])
            method, address, body, headers = trouble.request(case)
            if who:
                headers.update(journey.cast.tokens[who])
            with clock.at(journey.moment):
                answer = await journey.client.request(method, address, content=body, headers=headers)
            statuses[answer.status_code] = statuses.get(answer.status_code, 0) + 1
            complaint = judged(case, answer)
            if complaint:
                wrong.setdefault(
                    f"{operation.label}: {complaint}", f"#{number} as {who or 'nobody'}: {address[:200]} {body[:300]!r}"
                )
    told = "\n".join(f"{what}\n    {example}" for what, example in wrong.items())
    assert not wrong, f"{len(wrong)} kinds of trouble in {sum(statuses.values())} requests {statuses}\n{told}"
    assert len(operations) > 100
    # What is drawn differs from run to run: that many are accepted shows that it is not all thrown away at the door.
    assert statuses[200] + statuses.get(201, 0) > len(operations) * 2 // 3, statuses
    for expected in (400, 401, 403, 404, 409):
        assert statuses[expected] > 10, statuses


def judged(case: Case, answer: httpx.Response) -> str:
    """What is wrong with an answer, in a line; empty when nothing is."""
    if answer.status_code >= 500 and answer.status_code != 503:
        return f"{answer.status_code} {answer.text[:200]}"
    if answer.status_code >= 400 and answer.headers.get("content-type", "") != "application/problem+json":
        return f"{answer.status_code} is not a problem document: {answer.headers.get('content-type')}"
    try:
        case.validate_response(answer, checks=CHECKS)
    except FailureGroup as failures:
        return "; ".join(f"{answer.status_code} {each.title}" for each in failures.exceptions)
    return ""


async def test_the_description_is_whole(app: Litestar) -> None:
    schema = app.openapi_schema.to_schema()
    names = []
    for path, methods in schema["paths"].items():
        for method, operation in methods.items():
            if method in ("parameters", "summary"):
                continue
            what = f"{method.upper()} {path}"
            names.append(operation["operationId"])
            assert operation.get("summary"), what
            assert operation.get("description"), what
            assert operation.get("tags"), what
            refusals = {code: each for code, each in operation["responses"].items() if code >= "400"}
            for code, each in refusals.items():
                assert "application/problem+json" in each["content"], f"{what} {code}"
            if "requestBody" in operation:
                assert "400" in refusals, what
                assert "404" in refusals or "{" not in path, what
            if operation.get("security"):
                assert "401" in refusals, what
            if method != "get" and operation["operationId"] not in OPEN_TO_ALL:
                assert operation.get("security"), what
    assert len(names) == len(set(names))
    assert len(names) > 100


async def test_every_endpoint_is_in_the_description(app: Litestar) -> None:
    described = {path.replace("{", "").replace("}", "") for path in app.openapi_schema.to_schema()["paths"]}
    for route in app.routes:
        if route.path.startswith("/api/") and route.path not in FURNITURE:
            plain = "/".join(part.strip("{}").split(":")[0] for part in route.path.split("/"))
            assert plain.rstrip("/") in {each.rstrip("/") for each in described}, route.path


async def test_the_description_is_served(app: Litestar) -> None:
    async with rows.browser(app) as client:
        answer = await client.get("/api/v1/openapi.json", headers={"accept": "application/json"})
    assert answer.status_code == 200
    assert answer.json()["info"]["title"] == "Prelude"
