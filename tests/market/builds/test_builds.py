"""Make or buy: written down, approved by a second person, and public; refused while something is missing."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from litestar import Litestar

from market import clock
from market.actor import Actor
from market.audit.tables import Event
from market.builds import actions, rules
from market.builds.tables import Build
from market.db import many
from market.proof import canonical
from market.refusals import NotFound, Refused, refusals
from tests import given

WHY = (
    "It is four hundred lines that change whenever the crews learn something, and two of our own people know the crews."
)
DRAFT = actions.BuildDraft(
    "A planner for the rounds of crews",
    "Two crews get a list at seven, which somebody copies by hand.",
    "Three planners on the market plan deliveries, at £18,000 a year.",
    "make",
    WHY,
    4_200_000,
)
WHOLE = rules.Decision(False, DRAFT.need, DRAFT.market, DRAFT.choice, WHY, 4_200_000)


async def refused(doing: Awaitable[Any]) -> list[str]:
    with pytest.raises(Refused) as caught:
        await doing
    return [each.code for each in caught.value.reasons]


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        ({}, []),
        ({"choice": "buy"}, []),
        ({"need": " "}, ["build.incomplete"]),
        ({"market": ""}, ["build.incomplete"]),
        ({"choice": ""}, ["build.incomplete"]),
        ({"estimated_minor": None}, ["build.incomplete"]),
        ({"reasons": "x"}, ["build.reasons-short"]),
        ({"reasons": "x" * 79}, ["build.reasons-short"]),
        ({"reasons": "x" * 80}, []),
        ({"published": True}, ["build.already-published"]),
    ],
)
def test_a_decision_says_need_market_choice_reasons_and_cost(changed: dict[str, Any], codes: list[str]) -> None:
    assert [each.code for each in refusals(rules.PUBLISH, replace(WHOLE, **changed))] == codes


async def drafted() -> tuple[Actor, Actor, Build]:
    """A whole draft with its drafter and a colleague."""
    body = await given.organisation()
    officer, colleague = await given.person(body, "buyer"), await given.person(body, "contract-manager", "Colin Abara")
    return officer, colleague, await actions.draft(officer, body.id, DRAFT)


@pytest.mark.usefixtures("clean")
async def test_it_is_published_when_others_work_was_looked_at_and_a_second_person_approved_it() -> None:
    with clock.at(given.TODAY):
        officer, colleague, build = await drafted()
        unread = ["review.precedents-unseen", "review.not-approved"]
        assert await refused(actions.publish(officer, build.ref)) == unread
        await given.approved("build", build.ref, officer, colleague)
        edited = actions.BuildDraft(**{**{n: getattr(DRAFT, n) for n in DRAFT.__struct_fields__}, "choice": "buy"})
        await actions.edit(officer, build.ref, edited, await given.as_is(actions.BuildDraft, Build, build.ref))
        assert await refused(actions.publish(officer, build.ref)) == ["review.not-approved"]
        await given.approved("build", build.ref, officer, colleague)
        await actions.publish(officer, build.ref)
        late = actions.edit(officer, build.ref, DRAFT, await given.as_is(actions.BuildDraft, Build, build.ref))
        assert await refused(late) == ["build.already-published"]
    event = await Event.objects().get(Event.verb == "build.published")
    assert event is not None
    told = canonical.decode(event.body.encode())
    assert (told["choice"], told["approved"]) == ("buy", [{"by": colleague.ref, "for": "body"}])
    for change in ("UPDATE build SET choice = 'make'", "DELETE FROM build"):
        with pytest.raises(asyncpg.PostgresError):
            await many(change)


@pytest.mark.usefixtures("clean")
async def test_a_draft_is_there_for_its_body_alone() -> None:
    with clock.at(given.TODAY):
        officer, colleague, build = await drafted()
        stranger = await given.person(await given.organisation(), "buyer")
        assert (await actions.readable(colleague, build.ref)).title == DRAFT.title
        seen = await given.as_is(actions.BuildDraft, Build, build.ref)
        for doing in (
            actions.readable(stranger, build.ref),
            actions.edit(stranger, build.ref, DRAFT, seen),
            actions.publish(stranger, build.ref),
        ):
            with pytest.raises(NotFound):
                await doing
        assert [each.ref for each in await actions.drafts_of(officer)] == [build.ref]
        assert await actions.published() == []


@pytest.mark.usefixtures("clean")
async def test_the_pages_lead_from_an_empty_draft_to_the_public_decision(app: Litestar) -> None:
    with clock.at(given.TODAY):
        body = await given.organisation()
        officer, colleague = await given.person(body, "buyer"), await given.person(body, "evaluator", "Tom Hallworth")
        async with given.browser(app) as client, given.browser(app) as public:
            await given.signed_in(client, officer)
            made = await client.post("/make-or-buy/new", data={"title": "A planner for the rounds of crews"})
            assert made.status_code == 303
            path = made.headers["location"]
            assert "Still to say: what is needed" in (await client.get(path)).text
            typed = {"title": DRAFT.title, "need": DRAFT.need, "market": DRAFT.market, "choice": "make"}
            typed |= {"reasons": WHY, "estimated_minor": "42,000"}
            assert (await given.filled(client, f"{path}/edit", typed)).status_code == 303
            assert (await public.get(path)).status_code == 404
            early = await client.post(f"{path}/publish")
            assert early.status_code == 409
            assert "This cannot be published yet" in early.text
            await given.approved("build", path.rpartition("/")[2], officer, colleague)
            assert (await client.post(f"{path}/publish")).status_code == 303
            shown = (await public.get(path)).text
            for words in ("Make it: our own people build and keep it", "£42,000", "Tom Hallworth", "Three planners"):
                assert words in shown, words
            assert DRAFT.title in (await public.get("/make-or-buy")).text


@pytest.mark.usefixtures("clean")
async def test_programs_draft_write_and_publish_a_decision(app: Litestar) -> None:
    with clock.at(given.TODAY):
        body = await given.organisation()
        officer = await given.person(body, "buyer")
        mine = await given.token(officer)
        async with given.browser(app) as client:
            new = {"body": body.ref, "title": DRAFT.title}
            made = await client.post("/api/v1/builds", json=new, headers=mine)
            assert made.status_code == 201
            path = f"/api/v1/builds/{made.json()['ref']}"
            assert (await client.get(path)).status_code == 404
            whole = {name: getattr(DRAFT, name) for name in DRAFT.__struct_fields__}
            assert (await client.put(path, json=whole, headers=mine)).status_code == 428
            seen = {**mine, "if-match": made.json()["etag"]}
            assert (await client.put(path, json=whole, headers=seen)).status_code == 200
            assert (await client.put(path, json=whole, headers=seen)).status_code == 409
            await given.approved("build", made.json()["ref"], officer)
            done = await client.post(f"{path}/publish", headers=mine)
            assert done.status_code == 200
            assert [each["choice"] for each in (await client.get("/api/v1/builds")).json()["items"]] == ["make"]
