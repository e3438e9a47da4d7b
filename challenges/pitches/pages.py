"""Pitches for people: arranged, marked as given or as missed."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath

from challenges import exercise, frame
from challenges.pitches import actions, rules
from challenges.tables import Pitch
from market import clock, policy
from market.accounts import guards
from market.accounts.tables import Organisation
from market.db import find
from market.payments import actions as payments
from market.refusals import refusals
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class PitchPages(Controller):
    """One pitch of a challenge, for the buyer's people."""

    path = "/challenges/{ref:str}/pitches/{pitch:str}"
    include_in_schema = False

    @get("/", guards=[guards.buying_side])
    async def pitch(self, request: Visitor, ref: FromPath[str], pitch: FromPath[str]) -> Response[bytes]:
        """One pitch: arrange it, mark it."""
        return await _pitch(request, ref, pitch, None)

    @post("/schedule", guards=[guards.buyer])
    async def schedule(self, request: Visitor, ref: FromPath[str], pitch: FromPath[str]) -> Response[Any]:
        """Arrange it."""
        form = await forms.read(request, actions.Schedule)
        with form.acting():
            await actions.schedule(request.user, pitch, form.data, form.version)
            return to(f"/challenges/{ref}/pitches/{pitch}", _("The pitch is arranged. The team was told by letter."))
        return await _pitch(request, ref, pitch, form)

    @post("/deliver", guards=[guards.buying_side])
    async def deliver(self, request: Visitor, ref: FromPath[str], pitch: FromPath[str]) -> Response[Any]:
        """Mark it as delivered: the fee is owed."""
        form = await forms.read(request, actions.Delivery)
        with form.acting():
            await actions.deliver(request.user, pitch, form.data)
            return to(f"/challenges/{ref}/pitches/{pitch}", _("The pitch is delivered. Its fee is owed from now on."))
        return await _pitch(request, ref, pitch, form)

    @post("/miss", guards=[guards.buyer])
    async def miss(self, request: Visitor, ref: FromPath[str], pitch: FromPath[str]) -> Response[Any]:
        """Write down that it was not given."""
        form = await forms.read(request, exercise.Because)
        with form.acting():
            await actions.miss(request.user, pitch, form.data.reason)
            return to(f"/challenges/{ref}/pitches/{pitch}", _("It is written down that the pitch was not given."))
        return await _pitch(request, ref, pitch, form)


async def _pitch(request: Visitor, ref: str, pitch: str, form: forms.Form[Any] | None) -> Response[bytes]:
    challenge = await frame.visible(request, ref)
    request.user.must_wear("buyer", "evaluator", organisation=challenge.buyer, secret=True)
    row = await find(Pitch, (Pitch.ref == pitch) & (Pitch.challenge == challenge.id))
    arranging = form if form and form.kind is actions.Schedule else forms.stored(actions.Schedule, row)
    now = clock.arrived()
    return show(
        request,
        "challenges/pitch.html",
        status=form.status if form else 200,
        **await frame.around(request, challenge),
        pitch=row,
        heard=rules.standing(row),
        team=await find(Organisation, Organisation.id == row.supplier),
        fee_days=policy.IN_FORCE.payments.pitch_fee_days,
        owed=await payments.of_cause(f"pitch:{row.ref}"),
        arranging=arranging,
        may_deliver=not refusals(rules.DELIVER, challenge, row, now),
        may_arrange=not refusals(rules.SCHEDULE, challenge, row, now),
        may_miss=not refusals(rules.MISS, challenge, row, now),
        form=form or arranging,
    )
