"""What every page about one challenge needs: the challenge, for whoever may see it, and what stands around it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Response

from challenges import exercise, rules
from challenges.tables import Challenge
from market import clock
from market.accounts.tables import Organisation
from market.db import find
from market.refusals import Refusal
from market.web import forms
from market.web.pages import Visitor, show


class Nothing(msgspec.Struct):
    """A form of a button alone."""


async def visible(request: Visitor, ref: str) -> Challenge:
    """For those who may know of it."""
    challenge = await find(Challenge, Challenge.ref == ref)
    exercise.may_see(request.user, challenge)
    return challenge


async def run_by(request: Visitor, ref: str) -> Challenge:
    """For the buyer officer's pages."""
    challenge = await find(Challenge, Challenge.ref == ref)
    exercise.must_run(request.user, challenge)
    return challenge


async def around(request: Visitor, challenge: Challenge) -> dict[str, Any]:
    """The challenge, where it stands, and what this visitor is to it."""
    standing = rules.standing(challenge, clock.now())
    return {
        "challenge": challenge,
        "stage": standing.stage,
        "standing": standing,
        "fee": exercise.fee(challenge),
        "buyer": await find(Organisation, Organisation.id == challenge.buyer),
        "runs": request.user.wears("buyer", organisation=challenge.buyer) is not None,
    }


async def form_page(
    request: Visitor, ref: str, template: str, form: forms.Form[Any], blocked: Sequence[Refusal] = ()
) -> Response[bytes]:
    """A page of one form, for the officer who runs the challenge. `blocked` says why the state alone refuses what it is for."""
    challenge = await run_by(request, ref)
    return show(request, template, status=form.status, **await around(request, challenge), form=form, blocked=blocked)
