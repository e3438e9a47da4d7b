"""The panel for people: declare, mark, hand in."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from challenges import exercise, frame
from challenges.judging import actions
from market.accounts import guards
from market.panels import actions as panels
from market.panels import pages as panel_pages
from market.refusals import NotFound
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class PanelPages(Controller):
    """An evaluator's work: declare, mark, hand in."""

    path = "/challenges/{ref:str}/panel"
    include_in_schema = False

    @get("/", guards=[guards.buying_side])
    async def panel(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """What is next: wait, declare, mark, hand in."""
        return await panel_page(request, ref)

    @post("/declaration", guards=[guards.buying_side])
    async def declare(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Declare one's interests."""
        form = await forms.read(request, panels.Declaration)
        with form.acting():
            await panels.declare(request.user, actions.panel(ref), form.data, form.version)
            return to(
                f"/challenges/{ref}/panel", _("Your declaration is kept. These are the applications you may mark.")
            )
        return await panel_page(request, ref, declaring=form)

    @post("/submit", guards=[guards.buying_side])
    async def submit(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Lock one's marks."""
        form = await forms.read(request, frame.Nothing)
        with form.acting():
            await panels.lock(request.user, actions.panel(ref))
            return to(f"/challenges/{ref}/panel", _("Your marks are handed in and locked. Thank you."))
        return await panel_page(request, ref, submitting=form)

    @get("/{application:str}", guards=[guards.buying_side], reading_is_an_event=True)
    async def application(self, request: Visitor, ref: FromPath[str], application: FromPath[str]) -> Response[bytes]:
        """An application under its alias, with a mark and a reason for each criterion."""
        return await _marking(request, ref, application, None)

    @post("/{application:str}", guards=[guards.buying_side])
    async def mark(self, request: Visitor, ref: FromPath[str], application: FromPath[str]) -> Response[Any]:
        """Keep the marks."""
        panel = await exercise.panel_of(await frame.visible(request, ref))
        _member, subject = panels.visible(request.user, panel, f"application:{application}")
        form = await panel_pages.read_marks(request, subject)
        with form.acting():
            marks = panel_pages.marks(form, subject)
            await panels.mark(request.user, actions.panel(ref), subject.ref, marks, form.version)
            return to(f"/challenges/{ref}/panel", _("Your marks are kept. You can change them until you hand in."))
        return await _marking(request, ref, application, form)


async def panel_page(request: Visitor, ref: str, **typed: forms.Form[Any]) -> Response[bytes]:
    """The panel as this evaluator sees it, with what was typed."""
    challenge = await frame.visible(request, ref)
    panel = await exercise.panel_of(challenge)
    member = panels.seated(request.user, panel)
    given = panel_pages.blanks(panel, member, **typed)
    return show(
        request,
        "challenges/panel.html",
        status=given["form"].status,
        **await frame.around(request, challenge),
        panel=panel,
        member=member,
        speaks=panels.speaks(request.user, panel),
        applications={f"application:{each.ref}": each for each in await exercise.live_applications(challenge)},
        **given,
    )


async def _marking(request: Visitor, ref: str, application: str, form: forms.Form[Any] | None) -> Response[bytes]:
    reading = await actions.read_application(request.user, application)
    challenge, member = reading.challenge, reading.member
    panel = await exercise.panel_of(challenge)
    subject = panel.matter.subject(f"application:{application}")
    if reading.sees != "panel" or member is None or subject is None or challenge.ref != ref:
        raise NotFound("Application")
    given = panel_pages.marking(panel, member, subject, form)
    return show(
        request,
        "challenges/mark.html",
        status=given["form"].status,
        **await frame.around(request, challenge),
        application=reading.application,
        locked=member.seat.locked_at is not None,
        **given,
    )
