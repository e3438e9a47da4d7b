"""Letters for operators: the list, one letter's story, and the acts on it."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery

from market import kinds
from market.accounts import guards
from market.postroom import actions
from market.web import forms
from market.web.pages import Visitor, next_page, show, to
from market.wording import _


class PostroomPages(Controller):
    """What was written to whom and why, what was tried, and what the mail server said."""

    path = "/postroom"
    include_in_schema = False

    @get("/", guards=[guards.operator])
    async def index(self, request: Visitor, before: FromQuery[int | None] = None) -> Response[bytes]:
        """The newest letters, by person, record, template and what became of them."""
        form = forms.asked(request, actions.Filter)
        letters: list[actions.Kept] = []
        with form.acting():
            letters = await actions.letters(request.user, form.data, before)
        shown = letters[: actions.PER_PAGE]
        return show(
            request,
            "postroom/list.html",
            status=form.status,
            form=form,
            letters=shown,
            next=next_page(request, shown[-1].id if len(letters) > len(shown) else None),
            filtered=any(form.values.get(name) for name in actions.Filter.__struct_fields__),
            away=await actions.server_away(),
        )

    @get("/{ref:str}", guards=[guards.operator])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Why it was written, what was tried, what the server answered."""
        return await _letter(request, ref, forms.blank(actions.Death))

    @post("/{ref:str}/again", guards=[guards.operator])
    async def again(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Send it again."""
        form = forms.blank(actions.Death)
        with form.acting():
            await actions.send_again(request.user, ref)
            return to(f"/postroom/{ref}", _("The letter is sent again within a minute."))
        return await _letter(request, ref, form)

    @post("/{ref:str}/dead", guards=[guards.operator])
    async def dead(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Mark its address as dead."""
        form = await forms.read(request, actions.Death)
        with form.acting():
            await actions.mark_dead(request.user, ref, form.data)
            return to(f"/postroom/{ref}", _("The address is marked as dead. Nothing is sent to it any more."))
        return await _letter(request, ref, form)

    @post("/{ref:str}/alive", guards=[guards.operator])
    async def alive(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Mark its address as alive again."""
        form = forms.blank(actions.Death)
        with form.acting():
            await actions.mark_alive(request.user, ref)
            return to(f"/postroom/{ref}", _("Letters are sent to the address again."))
        return await _letter(request, ref, form)


async def _letter(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    letter, tries = await actions.letter(request.user, ref)
    return show(
        request,
        "postroom/one.html",
        status=form.status,
        form=form,
        letter=letter,
        tries=[{"when": each.at, "text": each.answer} for each in tries],
        record=kinds.address(letter.about),
        event=kinds.sentence(letter.verb, letter.done_to.partition(":")[2]) if letter.verb else "",
        may_send=not (letter.secret and letter.sent_at) and letter.address_dead_since is None,
    )
