"""Make or buy for people: the public list, one decision, and drafting it."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath

from market import policy
from market.accounts import guards
from market.builds import actions, rules
from market.builds.tables import Build, Listed
from market.db import find
from market.money import Money
from market.refusals import checklist
from market.reviews import rules as reviews
from market.reviews.readers import approvals_of
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class Nothing(msgspec.Struct):
    """A form of a button alone."""


class BuildPages(Controller):
    """What bodies make themselves, and why."""

    path = "/make-or-buy"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor) -> Response[bytes]:
        """All published decisions; who drafts finds her drafts above."""
        return show(
            request,
            "builds/list.html",
            builds=await actions.published(),
            drafts=await actions.drafts_of(request.user),
            choices=rules.CHOICES,
        )

    @get("/new", guards=[guards.buyer])
    async def new(self, request: Visitor) -> Response[bytes]:
        """An empty draft."""
        return _drafting(request, forms.blank(actions.BuildDraft), None)

    @post("/new", guards=[guards.buyer])
    async def create(self, request: Visitor) -> Response[Any]:
        """Keep the draft."""
        form = await forms.read(request, actions.BuildDraft)
        with form.acting():
            body = request.user.must_wear("buyer").organisation
            build = await actions.draft(request.user, body, form.data)
            return to(f"/make-or-buy/{build.ref}", _("The draft is saved. Nobody outside your organisation sees it."))
        return _drafting(request, form, None)

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """A decision, or its draft with what it still lacks."""
        return await _one(request, ref, forms.blank(Nothing))

    @get("/{ref:str}/edit", guards=[guards.buyer])
    async def editing(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """A draft as it stands, to be written anew."""
        build = await actions.readable(request.user, ref)
        if build.published_at is not None:
            return to(f"/make-or-buy/{ref}")
        return _drafting(request, forms.stored(actions.BuildDraft, await find(Build, Build.ref == ref)), build)

    @post("/{ref:str}/edit", guards=[guards.buyer])
    async def edit(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep the draft as it is written now."""
        form = await forms.read(request, actions.BuildDraft)
        with form.acting():
            await actions.edit(request.user, ref, form.data, form.version)
            return to(f"/make-or-buy/{ref}", _("The draft is saved."))
        return _drafting(request, form, await actions.readable(request.user, ref))

    @post("/{ref:str}/publish", guards=[guards.buyer])
    async def publish(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Publish the decision."""
        form = await forms.read(request, Nothing)
        with form.acting():
            await actions.publish(request.user, ref)
            return to(f"/make-or-buy/{ref}", _("The decision is published."))
        return await _one(request, ref, form)


def _drafting(request: Visitor, form: forms.Form[Any], build: Listed | None) -> Response[bytes]:
    return show(
        request,
        "builds/draft.html",
        status=form.status,
        form=form,
        build=build,
        choices=[(code, _(words)) for code, words in rules.CHOICES.items()],
        least=policy.IN_FORCE.reviews.make_or_buy_characters,
    )


async def _one(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    build = await actions.readable(request.user, ref)
    row = await find(Build, Build.ref == ref)
    checks = [
        *checklist(rules.PUBLISH, actions.decision_of(build)),
        *checklist(reviews.PUBLISH, await actions.ready_of(row)),
    ]
    return show(
        request,
        "builds/one.html",
        status=form.status,
        build=build,
        cost=None if build.estimated_minor is None else Money(build.estimated_minor, build.currency),
        choice=_(rules.CHOICES[build.choice]) if build.choice else None,
        checks=checks,
        ready=not any(refusal for _rule, refusal in checks),
        drafts=request.user.wears("buyer", organisation=build.body) is not None,
        approved=await approvals_of(f"build:{ref}") if build.published_at else [],
        form=form,
    )
