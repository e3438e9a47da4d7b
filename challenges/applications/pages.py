"""Applications for people: applying, and a supplier's own applications."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from challenges import exercise, frame
from challenges import rules as challenge_rules
from challenges.applications import actions, listing, rules
from challenges.judging import actions as judging
from challenges.tables import Application, Challenge
from market import clock, policy
from market.accounts import guards
from market.actor import SUPPLIER_ROLES
from market.db import find
from market.refusals import refusals
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class ApplicationPages(Controller):
    """Applying, and a supplier's own applications."""

    include_in_schema = False

    @get("/challenges/{ref:str}/apply", guards=[guards.supplier])
    async def form(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """An empty application, or the way to the one there is."""
        challenge = await frame.visible(request, ref)
        own = await actions.application_of(request.user, challenge)
        if own is not None and rules.applies_once(own):
            return to(f"/applications/{own.ref}")
        return await _applying(request, challenge, forms.stored(actions.ApplicationDraft, own), None)

    @post("/challenges/{ref:str}/apply", guards=[guards.supplier])
    async def apply(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Send the application."""
        form = await forms.read(request, actions.ApplicationDraft)
        with form.acting():
            row = await actions.apply(request.user, ref, form.data)
            return to(f"/applications/{row.ref}", _("Your application has arrived. The receipt is in your letters."))
        return await _applying(request, await frame.visible(request, ref), form, None)

    @get("/applications", guards=[guards.supplier])
    async def mine(self, request: Visitor) -> Response[bytes]:
        """What my organisation sent, and where each stands."""
        rows = await listing.sent_by(request.user.organisations(*SUPPLIER_ROLES))
        return show(request, "challenges/applications.html", rows=rows)

    @get("/applications/{ref:str}", guards=[guards.signed_in], reading_is_an_event=True)
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """An application as this reader may see it; the reading is written down unless it is her own."""
        reading = await judging.read_application(request.user, ref)
        return await _application(request, reading, 200)

    @get("/applications/{ref:str}/change", guards=[guards.supplier])
    async def change_form(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The application as it was sent, to be changed."""
        row, challenge = await _mine(request, ref)
        return await _applying(request, challenge, forms.stored(actions.ApplicationDraft, row), row)

    @post("/applications/{ref:str}/change", guards=[guards.supplier])
    async def change(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Replace what was sent."""
        form = await forms.read(request, actions.ApplicationDraft)
        with form.acting():
            await actions.change(request.user, ref, form.data, form.version)
            return to(f"/applications/{ref}", _("Your application is changed. The new receipt is in your letters."))
        row, challenge = await _mine(request, ref)
        return await _applying(request, challenge, form, row)

    @post("/applications/{ref:str}/withdraw", guards=[guards.supplier])
    async def withdraw(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take it back."""
        row = await actions.withdraw(request.user, ref)
        return to(f"/applications/{row.ref}", _("Your application is withdrawn."))


async def _mine(request: Visitor, ref: str) -> tuple[Application, Challenge]:
    row = await find(Application, Application.ref == ref)
    request.user.must_wear(*SUPPLIER_ROLES, organisation=row.supplier, secret=True)
    return row, await find(Challenge, Challenge.id == row.challenge)


async def _applying(
    request: Visitor, challenge: Challenge, form: forms.Form[Any], row: Application | None
) -> Response[bytes]:
    return show(
        request,
        "challenges/apply.html",
        status=form.status,
        **await frame.around(request, challenge),
        criteria=await exercise.criteria_of(challenge),
        application=row,
        late=challenge_rules.stage(challenge, clock.now()) not in challenge_rules.TAKING,
        form=form,
    )


async def _application(request: Visitor, reading: judging.Reading, status: int) -> Response[bytes]:
    row, challenge = reading.application, reading.challenge
    taken = reading.sees == "own" and not refusals(rules.APPLY, challenge, clock.arrived())
    return show(
        request,
        "challenges/application.html",
        status=status,
        **await frame.around(request, challenge),
        application=row,
        sees=reading.sees,
        supplier=reading.supplier,
        sent=await listing.sent(row.ref),
        feedback=await judging.feedback(challenge, row) if reading.sees != "panel" else [],
        note=judging.note_of(await exercise.panel_of(challenge)) if challenge.shortlisted_at else "",
        digest=actions.digest(row),
        may_change=taken and not rules.is_not_withdrawn(row),
        may_again=taken and not rules.applies_once(row),
        evaluators=policy.IN_FORCE.panels.evaluators_minimum,
    )
