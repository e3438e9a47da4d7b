"""Make or buy for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from litestar import Controller, get, post, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta

from market import drafts
from market.accounts import guards
from market.accounts.tables import Organisation
from market.builds import actions
from market.builds.tables import Build, Listed
from market.db import find
from market.web.api import IfMatch, Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class NewBuild(actions.BuildDraft, kw_only=True):
    """A record to draft; `body` is the reference of the body that decides."""

    body: Annotated[str, Meta(title="Body", min_length=1, max_length=16)]


class BuildView(msgspec.Struct):
    """A decision to make or to buy, or its draft. The estimate is in minor units of `currency`, without VAT; `etag` is what a
    change names as If-Match."""

    ref: str
    body: str
    title: str
    need: str
    market: str
    choice: str
    reasons: str
    estimated_minor: int | None
    currency: str
    published_at: datetime | None
    etag: str


def view(build: Listed) -> BuildView:
    """A record as the API shows it."""
    return BuildView(
        ref=build.ref,
        body=build.body_ref,
        title=build.title,
        need=build.need,
        market=build.market,
        choice=build.choice,
        reasons=build.reasons,
        estimated_minor=build.estimated_minor,
        currency=build.currency,
        published_at=build.published_at,
        etag=drafts.version_read(actions.BuildDraft, Build, build),
    )


class BuildsApi(Controller):
    """What bodies make themselves, and why."""

    path = "/api/v1/builds"
    tags = ["Make or buy"]

    @get("/", guards=[guards.public], summary="List decisions to make or to buy", operation_id="listBuilds")
    async def index(self) -> Items[BuildView]:
        """All published decisions, the newest first."""
        return Items([view(build) for build in await actions.published()])

    @post(
        "/",
        guards=[guards.signed_in],
        summary="Draft a decision",
        operation_id="draftBuild",
        responses=problem_responses(404, 409),
    )
    async def create(self, request: Visitor, data: JSONBody[NewBuild]) -> BuildView:
        """Draft a decision of a body; it is published when a second person has approved it."""
        body = await find(Organisation, Organisation.ref == data.body)
        build = await actions.draft(request.user, body.id, drafts.part(actions.BuildDraft, data))
        return view(await actions.readable(request.user, build.ref))

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read a decision",
        operation_id="readBuild",
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> BuildView:
        """One decision; a draft is seen by its body only."""
        return view(await actions.readable(request.user, ref))

    @put(
        "/{ref:str}",
        guards=[guards.signed_in],
        summary="Write a decision anew",
        operation_id="writeBuild",
        responses=problem_responses(404, 409, 428),
    )
    async def edit(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.BuildDraft], if_match: IfMatch = ""
    ) -> BuildView:
        """Write a draft anew. An approval lapses with it."""
        await actions.edit(request.user, ref, data, if_match)
        return view(await actions.readable(request.user, ref))

    @post(
        "/{ref:str}/publish",
        status_code=200,
        guards=[guards.signed_in],
        summary="Publish a decision",
        operation_id="publishBuild",
        responses=problem_responses(404, 409),
    )
    async def publish(self, request: Visitor, ref: FromPath[str]) -> BuildView:
        """Publish a draft; 409 with every rule that does not hold."""
        await actions.publish(request.user, ref)
        return view(await actions.readable(request.user, ref))
