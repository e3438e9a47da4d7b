"""Sending the form that was signed on paper: the very fields, to the very address, inside this process, as who signed it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec
from litestar import Request

from market.accounts.sessions import CONFIRMED_BY
from market.actor import Actor
from market.confirming.doing import call
from market.confirming.tables import Mandated
from market.mandates.actions import Reason
from market.refusals import Refusal
from market.rules import FAILED
from market.web import crossing
from market.web.forms import hearing


class _Reason(msgspec.Struct):
    code: str = ""
    reason: str = ""
    confirm: str = ""


class _Problem(msgspec.Struct):
    reasons: list[_Reason] = []


def doing(request: Request[Any, Any, Any]) -> Callable[[Actor, Mandated], Awaitable[Sequence[Reason]]]:
    """What does it, beside the request of whoever enters the paper."""

    async def does(actor: Actor, row: Mandated) -> Sequence[Reason]:
        key = f"mandate {row.ref}"
        headers = {
            "accept": "application/json",
            "content-type": "application/x-www-form-urlencoded",
            "content-length": str(len(row.body)),
            # Nothing from outside names a session like this, so its token is nobody's but ours.
            "x-csrf-token": crossing.token_for(key),
        }
        with hearing() as heard:
            status, said = await call(
                request, "POST", row.path, headers, row.body, {CONFIRMED_BY: actor, "session_key": key}
            )
        if status < 400:
            return []
        return [Reason(each.code, each.reason, each.confirm) for each in heard or _told(said)]

    return does


def _told(said: str) -> Sequence[_Reason | Refusal]:
    try:
        return msgspec.json.decode(said, type=_Problem).reasons or [FAILED.refusal()]
    except msgspec.DecodeError:
        return [FAILED.refusal()]
