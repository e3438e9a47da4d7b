"""Changing a published challenge, for people."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from challenges import frame
from challenges.changes import actions, rules
from market.accounts import guards
from market.refusals import refusals
from market.web import forms
from market.web.pages import Visitor, to
from market.wording import _


class ChallengeChangePages(Controller):
    """The page on which an officer changes a published challenge."""

    path = "/challenges/{ref:str}/change"
    include_in_schema = False

    @get("/", guards=[guards.buyer])
    async def change(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The form."""
        return await _page(request, ref, forms.blank(actions.Change))

    @post("/", guards=[guards.buyer])
    async def add(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Publish the change."""
        form = await forms.read(request, actions.Change)
        with form.acting():
            await actions.change(request.user, ref, form.data)
            return to(f"/challenges/{ref}#changes", _("The change is published. Who applied or asked is told."))
        return await _page(request, ref, form)


async def _page(request: Visitor, ref: str, form: forms.Form[actions.Change]) -> Response[bytes]:
    changing = actions.as_it_is(await frame.run_by(request, ref))
    blocked = refusals((rules.change_while_applications_are_taken,), changing)
    return await frame.form_page(request, ref, "challenges/change.html", form, blocked=blocked)
