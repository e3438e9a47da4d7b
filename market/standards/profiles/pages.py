"""Profile versions for people: their rules in plain words, and publishing one."""

from __future__ import annotations

import json
from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from market import clock
from market.accounts import guards
from market.db import find
from market.refusals import NotFound
from market.standards.checking.profiles import Profile
from market.standards.profiles import actions as publishing
from market.standards.tables import PublishedProfile
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class ProfilePages(Controller):
    """Profile versions and their rules."""

    path = "/standards"
    include_in_schema = False

    @get("/publish", guards=[guards.operator])
    async def publishing_form(self, request: Visitor) -> Response[bytes]:
        """The two texts of a new version."""
        return show(request, "standards/publish.html", form=forms.blank(publishing.ProfileDraft))

    @post("/publish", guards=[guards.operator])
    async def publish(self, request: Visitor) -> Response[Any]:
        """Publish it."""
        form = await forms.read(request, publishing.ProfileDraft)
        with form.acting():
            row = await publishing.publish(request.user, form.data)
            return to(
                f"/standards/profiles/{row.name}/{row.version}",
                _("{title}, version {version}, is published.", title=row.title, version=row.version),
            )
        return show(request, "standards/publish.html", status=form.status, form=form)

    @get("/profiles/{name:str}/{version:str}", guards=[guards.public])
    async def profile(self, request: Visitor, name: FromPath[str], version: FromPath[str]) -> Response[bytes]:
        """A profile version with its rules in plain words."""
        row = await _version(name, version)
        return show(
            request,
            "standards/profile.html",
            row=row,
            profile=publishing.composed_of(row),
            today=clock.now().date(),
            versions=await publishing.versions_of(name),
            certified=await publishing.certified_under(row),
        )

    @get("/profiles/{name:str}/{version:str}/ruleset.yaml", guards=[guards.public])
    async def ruleset(self, request: Visitor, name: FromPath[str], version: FromPath[str]) -> Response[bytes]:
        """The ruleset as published: any linter that reads the Spectral format can run it."""
        row = await _version(name, version)
        return Response(str(row.ruleset).encode(), media_type="application/yaml; charset=utf-8")

    @get("/profiles/{name:str}/{version:str}/rules/{rule:str}", guards=[guards.public])
    async def rule(
        self, request: Visitor, name: FromPath[str], version: FromPath[str], rule: FromPath[str]
    ) -> Response[bytes]:
        """One rule: why it exists, how to mend a finding, examples that pass and fail."""
        row = await _version(name, version)
        profile = publishing.composed_of(row)
        card = profile.cards.get(rule)
        if card is None:
            raise NotFound("rule")
        return show(
            request,
            "standards/rule.html",
            row=row,
            card=card,
            tier=card.tier_on(clock.now().date()),
            passing=_examples(profile, card.passing),
            failing=_examples(profile, card.failing),
            definition=_definition(profile, rule),
        )


async def _version(name: str, version: str) -> PublishedProfile:
    return await find(PublishedProfile, (PublishedProfile.name == name) & (PublishedProfile.version == version))


def _examples(profile: Profile, examples: Any) -> list[str]:
    """What each example puts into the base document or drops from it, as lines; the base itself as such."""
    told = []
    for each in examples:
        lines = [f"{pointer}: {json.dumps(value, ensure_ascii=False)}" for pointer, value in each.put.items()]
        lines += [_("without {pointer}", pointer=pointer) for pointer in each.drop]
        told.append("\n".join(lines) or _("the base document as it stands"))
    return told


def _definition(profile: Profile, rule: str) -> str:
    """The lines of the ruleset that define a rule, as published."""
    lines, taken, indent = profile.text.splitlines(), [], -1
    for line in lines:
        bare = line.lstrip()
        depth = len(line) - len(bare)
        if indent >= 0:
            if bare and depth <= indent:
                break
            taken.append(line)
        elif bare.startswith((f"{rule}:", f'"{rule}":')):
            indent = depth
            taken.append(line)
    return "\n".join(taken).rstrip()
