"""The paper to print and sign, and the page where a second person enters it."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery
from msgspec import Meta

from market import clock, policy
from market.accounts import guards
from market.confirming import paper, readers
from market.confirming.tables import Mandated
from market.mandates import actions, rules
from market.mandates.doing import doing
from market.touch import ACTS
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class Withdrawal(msgspec.Struct):
    """Nothing is said."""

    why: Annotated[str, Meta(max_length=1)] = ""


class MandatePages(Controller):
    """Mandates on paper: one's own, and those that a colleague hands over."""

    path = paper.HERE
    include_in_schema = False

    @get("/", guards=[guards.signed_in])
    async def several(self, request: Visitor) -> Response[bytes]:
        """Those one signed or entered, and where a paper is entered."""
        return await _several(request, forms.blank(actions.Found))

    @post("/find", guards=[guards.signed_in])
    async def find(self, request: Visitor) -> Response[Any]:
        """The mandate of the paper before her."""
        form = await forms.read(request, actions.Found)
        with form.acting():
            row = await actions.look_up(request.user, form.data.ref, form.data.characters)
            return to(f"{paper.HERE}/{row.ref}?{urlencode({'characters': form.data.characters})}")
        return await _several(request, form)

    @get("/{ref:str}", guards=[guards.signed_in])
    async def one(self, request: Visitor, ref: FromPath[str], characters: FromQuery[str] = "") -> Response[bytes]:
        """For whose it is the paper; for a colleague who has typed its characters what it says, to compare and enter."""
        return await _one(request, ref, forms.blank(actions.Entry, characters=characters))

    @post("/{ref:str}/enter", guards=[guards.signed_in])
    async def enter(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Do what the paper says, in the name of whoever signed it."""
        form = await forms.read(request, actions.Entry)
        with form.acting():
            await actions.enter(request.user, ref, form.data, doing(request))
            return to(f"{paper.HERE}/{ref}", _("It is done, by mandate on paper. You and she are told by letter."))
        return await _one(request, ref, form)

    @post("/{ref:str}/withdraw", guards=[guards.signed_in])
    async def withdraw(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take one's own mandate back."""
        form = await forms.read(request, Withdrawal)
        with form.acting():
            await actions.withdraw(request.user, ref)
            return to(f"{paper.HERE}/{ref}", _("It is withdrawn. Whoever holds the paper can do nothing with it."))
        return await _one(request, ref, form)


async def _several(request: Visitor, form: forms.Form[actions.Found]) -> Response[bytes]:
    now = clock.arrived()
    return show(
        request,
        "mandates/list.html",
        status=form.status,
        form=form,
        mandates=[
            (row, ACTS[row.act].words, rules.state(row, now)) for row in await paper.of(request.user.must_be_person())
        ],
        days=policy.IN_FORCE.people.mandate_days,
    )


async def _one(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    row = await actions.mandate(request.user, ref)
    characters = str(form.values.get("characters", ""))
    hers = request.user.person == row.person
    return show(
        request,
        "mandates/one.html",
        status=form.status,
        form=form,
        row=row,
        act=ACTS[row.act],
        state=rules.state(row, clock.arrived()),
        hers=hers,
        reads=hers or request.user.person == row.entered_by or actions.same_text(row, characters),
        characters=_printed(row),
        records=readers.records(row.path),
        fields=paper.typed(row.body),
        told=readers.typed(paper.typed(row.body)),
        refused=actions.refused(row) if hers else [],
    )


def _printed(row: Mandated) -> str:
    """The first characters of the digest in groups of four, as they are read aloud."""
    first = row.digest[: paper.CHARACTERS]
    return " ".join(first[place : place + 4] for place in range(0, len(first), 4))
