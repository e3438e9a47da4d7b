"""The challenge that a key answers, and the page where a person confirms what her program prepared."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath
from msgspec import Meta

from market import clock
from market.accounts import guards, passkeys
from market.confirming import actions, readers, rules
from market.confirming.doing import do
from market.touch import ACTS
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class Confirmation(msgspec.Struct):
    """What was shown."""

    digest: Annotated[str, Meta(max_length=64)] = ""


class TouchPages(Controller):
    """The challenge that a key answers."""

    path = "/touch"
    include_in_schema = False

    @post("/options", guards=[guards.signed_in], status_code=200)
    async def options(self, request: Visitor) -> dict[str, Any]:
        """What the browser needs to have the person's key used in this session."""
        return await passkeys.touch_options(request.user, str(request.scope.get("session_key", "")))


class PreparedPages(Controller):
    """What a program prepared: read it, confirm it or withdraw it."""

    path = readers.HERE
    include_in_schema = False

    @get("/{ref:str}", guards=[guards.signed_in])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """What would be done, in plain words."""
        return await _one(request, ref)

    @post("/{ref:str}/confirm", guards=[guards.signed_in])
    async def confirm(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Do it, as the person who confirms it."""
        form = await forms.read(request, Confirmation)
        with form.acting():
            row = await actions.confirm(request.user, ref, form.data.digest)
            status, answer = await do(request, row, ",".join(sorted(form.confirmed)))
            await actions.answered(request.user, ref, status, answer)
            if status < 400:
                return to(f"{readers.HERE}/{ref}", _("It is done."))
            return await _one(request, ref, status=status)
        return await _one(request, ref, form)

    @post("/{ref:str}/withdraw", guards=[guards.signed_in])
    async def withdraw(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take it back."""
        form = await forms.read(request, Confirmation)
        with form.acting():
            await actions.withdraw(request.user, ref)
            return to(f"{readers.HERE}/{ref}", _("It is withdrawn. Nothing was done."))
        return await _one(request, ref, form)


async def _one(request: Visitor, ref: str, form: forms.Form[Any] | None = None, status: int = 200) -> Response[bytes]:
    row = await actions.prepared(request.user, ref)
    shown = form or forms.blank(Confirmation)
    shown.values = {**shown.values, "digest": row.digest}
    view = readers.view(row)
    return show(
        request,
        "confirming/prepared.html",
        status=form.status if form else status,
        form=shown,
        row=row,
        act=ACTS[row.act],
        state=rules.state(row, clock.arrived(), tried=row.tried_at is not None),
        records=readers.records(row.path),
        told=readers.told(row),
        refused=[each.get("reason", "") for each in (view.answer or {}).get("reasons", [])] if not row.done_at else [],
        questions=actions.questions(row),
    )
