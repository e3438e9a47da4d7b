"""What is refused is answered in the same words by every version of Python, and codes never change."""

from __future__ import annotations

import base64
import http
import json

import pytest
from litestar import Litestar
from litestar.exceptions import HTTPException

from market.nesting import DEEPEST
from market.web import crossing, problems
from market.web.pages import FLASH
from tests import given


@pytest.mark.parametrize(
    ("status", "phrase", "code"),
    [
        (400, "Bad Request", "web.bad-request"),
        (405, "Method Not Allowed", "web.method-not-allowed"),
        (413, "Content Too Large", "web.request-entity-too-large"),
        (414, "URI Too Long", "web.request-uri-too-long"),
        (416, "Range Not Satisfiable", "web.requested-range-not-satisfiable"),
        (422, "Unprocessable Content", "web.unprocessable-entity"),
        (429, "Too Many Requests", "web.too-many-requests"),
        (503, "Service Unavailable", "web.service-unavailable"),
    ],
)
def test_a_status_has_the_words_of_rfc_9110_and_the_code_it_always_had(status: int, phrase: str, code: str) -> None:
    assert problems.phrase(status) == phrase
    assert problems.problem_responses(status)[status].description == phrase
    unsaid = HTTPException(status_code=status)
    assert unsaid.detail == http.HTTPStatus(status).phrase
    assert [reason.code for reason in problems._judged(unsaid)[1]] == [code]
    if status < 500:
        assert [reason.reason for reason in problems._judged(unsaid)[1]] == [phrase]
        assert problems._judged(HTTPException("Said.", status_code=status))[1][0].reason == "Said."


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("levels", [DEEPEST + 1, 500, 3_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"title":', "}"), ("[", "")])
async def test_a_body_that_nests_too_deep_is_refused_with_one_code_however_deep(
    app: Litestar, levels: int, opening: str, closing: str
) -> None:
    buyer = await given.organisation()
    headers = {**await given.token(await given.person(buyer, "minister")), "content-type": "application/json"}
    async with given.browser(app) as client:
        told = await client.post("/api/v1/missions", content=opening * levels + closing * levels, headers=headers)
    assert (told.status_code, told.json()["title"]) == (400, "Bad Request")
    assert [(each["code"], each["reason"]) for each in told.json()["reasons"]] == [
        ("form.too-deep", "This is nested too deeply to be read.")
    ]


@pytest.mark.usefixtures("clean")
async def test_a_body_that_nests_as_deep_as_may_be_is_judged_by_what_it_says(app: Litestar) -> None:
    buyer = await given.organisation()
    headers = {**await given.token(await given.person(buyer, "minister")), "content-type": "application/json"}
    async with given.browser(app) as client:
        told = await client.post("/api/v1/missions", content="[" * DEEPEST + "]" * DEEPEST, headers=headers)
    assert (told.status_code, told.json()["reasons"][0]["code"]) == (400, "form.invalid")


@pytest.mark.usefixtures("clean")
@pytest.mark.parametrize("said", ["[" * 2_500, json.dumps(["success", [[["["]]] * 3])])
async def test_a_cookie_that_nests_too_deep_says_nothing(app: Litestar, said: str) -> None:
    packed = base64.urlsafe_b64encode(said.encode()).decode()
    async with given.browser(app) as client:
        told = await client.get(
            "/", headers={"cookie": f"{crossing.cookie_name(FLASH)}={packed}", "accept": "text/html"}
        )
    assert told.status_code == 200
