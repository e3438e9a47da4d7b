"""What a program prepared, for the program."""

from __future__ import annotations

from litestar import Controller, get, post
from litestar.params import FromPath

from market.accounts import guards, scopes
from market.confirming import actions
from market.confirming.readers import THERE, PreparedView, view
from market.web.api import Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class PreparedApi(Controller):
    """What binds is confirmed by the person: here a program reads whether she has."""

    path = THERE
    tags = ["People and organisations"]

    @get("/", guards=[guards.signed_in], summary="List what is prepared", operation_id="listPreparedActs")
    async def several(self, request: Visitor) -> Items[PreparedView]:
        """The hundred newest acts that programs prepared for the token's person."""
        return Items([view(row) for row in await actions.prepared_for(request.user)])

    @get(
        "/{ref:str}",
        guards=[guards.signed_in],
        summary="Read what became of a prepared act",
        operation_id="readPreparedAct",
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str]) -> PreparedView:
        """Whether the person confirmed it, and what it was answered."""
        return view(await actions.prepared(request.user, ref))

    @post(
        "/{ref:str}/withdraw",
        guards=[guards.signed_in],
        status_code=200,
        summary="Withdraw a prepared act",
        operation_id="withdrawPreparedAct",
        opt=scopes.WHOEVER_PREPARED,
        responses=problem_responses(404, 409),
    )
    async def withdraw(self, request: Visitor, ref: FromPath[str]) -> PreparedView:
        """Take it back before it is confirmed."""
        await actions.withdraw(request.user, ref)
        return view(await actions.prepared(request.user, ref))
