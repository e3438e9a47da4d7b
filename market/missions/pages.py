"""Missions for people."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from market.accounts import bodies, guards
from market.accounts.tables import Organisation
from market.audit.thread import grown
from market.db import find, maybe
from market.missions import actions, rules
from market.missions.tables import Listed, Mission
from market.refusals import Refusal, checklist, insist, refusals
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class MissionPages(Controller):
    """The list of missions, one mission, and drafting one."""

    path = "/missions"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor) -> Response[bytes]:
        """All published missions; who sets missions finds her drafts above."""
        drafts = await actions.drafts_for(request.user)
        return show(request, "missions/list.html", missions=await actions.published(), drafts=drafts)

    @get("/new", guards=[guards.operator])
    async def new(self, request: Visitor) -> Response[bytes]:
        """An empty draft."""
        return await _drafting(request, forms.blank(actions.NewMission))

    @post("/new", guards=[guards.operator])
    async def create(self, request: Visitor) -> Response[Any]:
        """Keep the draft and go on to its criteria."""
        form = await forms.read(request, actions.NewMission)
        owner = await maybe(Organisation, Organisation.ref == form.found.get("owner", ""))
        form.beside(_slips(form, refusals(rules.OWNER, owner)))
        with form.acting():
            given = form.data
            insist(rules.OWNER, owner)
            mission = await actions.draft(request.user, owner.id if owner else 0, given)
            return to(f"/missions/{mission.ref}", _("The draft is saved. Add its success criteria."))
        return await _drafting(request, form)

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """A mission, its criteria and what is filed under it."""
        return await _mission(request, ref, forms.blank(actions.CriterionDraft))

    @get("/{ref:str}/edit", guards=[guards.signed_in])
    async def editing(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """A draft as it stands, to be written anew."""
        mission = await actions.readable(request.user, ref)
        if mission.published_at is not None:
            return to(f"/missions/{ref}")
        draft = forms.stored(actions.MissionDraft, await find(Mission, Mission.ref == ref))
        return await _drafting(request, draft, mission)

    @post("/{ref:str}/edit", guards=[guards.signed_in])
    async def edit(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep the draft as it is written now."""
        form = await forms.read(request, actions.MissionDraft)
        form.beside(_slips(form, []))
        with form.acting():
            await actions.edit(request.user, ref, form.data, form.version)
            return to(f"/missions/{ref}", _("The draft is saved."))
        return await _drafting(request, form, await actions.readable(request.user, ref))

    @post("/{ref:str}/criteria/{place:int}/remove", guards=[guards.signed_in])
    async def remove_criterion(self, request: Visitor, ref: FromPath[str], place: FromPath[int]) -> Response[Any]:
        """Take a success criterion out of a draft."""
        await actions.remove_criterion(request.user, ref, place)
        return to(f"/missions/{ref}", _("The success criterion is removed."))

    @post("/{ref:str}/criteria", guards=[guards.signed_in])
    async def add_criterion(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Add a success criterion."""
        form = await forms.read(request, actions.CriterionDraft)
        with form.acting():
            await actions.add_criterion(request.user, ref, form.data)
            return to(f"/missions/{ref}", _("The success criterion is added."))
        return await _mission(request, ref, form)

    @post("/{ref:str}/publish", guards=[guards.signed_in])
    async def publish(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Publish the mission."""
        await actions.publish(request.user, ref)
        return to(f"/missions/{ref}", _("The mission is published."))


def _slips(form: forms.Form[Any], also: list[Refusal]) -> list[Refusal]:
    """What the rules say of a draft as far as it could be read."""
    return [*refusals(rules.DATES, form.found.get("begins_on"), form.found.get("ends_on")), *also]


async def _drafting(request: Visitor, form: forms.Form[Any], mission: Listed | None = None) -> Response[bytes]:
    return show(
        request,
        "missions/draft.html",
        status=form.status,
        form=form,
        departments=await bodies.departments(),
        mission=mission,
    )


async def _mission(request: Visitor, ref: str, form: forms.Form[actions.CriterionDraft]) -> Response[bytes]:
    mission = await actions.readable(request.user, ref)
    criteria = await actions.criteria_of(mission.id)
    return show(
        request,
        "missions/one.html",
        status=form.status,
        mission=mission,
        criteria=criteria,
        filed=await grown(f"mission:{mission.ref}"),
        checks=checklist(rules.PUBLISH, mission, criteria),
        form=form,
    )
