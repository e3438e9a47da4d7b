"""Changes of a running tender that wait for a second person, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import msgspec
from litestar import Controller, get, post
from litestar.params import FromPath

from market.accounts import guards
from market.tenders.changes import proposals
from market.tenders.changes.actions import Change
from market.web.api import Confirm, Items, confirmed
from market.web.pages import Visitor
from market.web.problems import problem_responses


class ProposalView(msgspec.Struct):
    """A change that takes two people, for the buyer alone: as it was sent, who proposed it, and how it was decided. `addendum` is
    the reference under which it was published; empty before."""

    schema_name: ClassVar[str] = "ProposedTenderChange"
    ref: str
    kind: str
    change: Change
    at: datetime
    by: str
    approved_at: datetime | None
    approved_by: str
    addendum: str
    left_at: datetime | None
    left_by: str


def _view(found: proposals.Proposal) -> ProposalView:
    return ProposalView(
        ref=found.ref,
        kind=found.kind,
        change=found.given,
        at=found.at,
        by=found.by,
        approved_at=found.approved_at,
        approved_by=found.approved_by,
        addendum=found.addendum,
        left_at=found.left_at,
        left_by=found.left_by,
    )


class TenderChangesApi(Controller):
    """Proposed changes: read, approved and left by people of the buyer."""

    path = "/api/v1/tenders/{ref:str}/changes"
    tags = ["Tenders"]

    @get(
        "/",
        guards=[guards.signed_in],
        summary="List proposed changes",
        operation_id="listTenderChanges",
        responses=problem_responses(404),
    )
    async def proposed(self, request: Visitor, ref: FromPath[str]) -> Items[ProposalView]:
        """Every change that was proposed to a second person, oldest first; 404 for whoever is not of the buyer."""
        return Items([_view(each) for each in await proposals.proposals_of(request.user, ref)])

    @post(
        "/{change:str}/approval",
        status_code=200,
        guards=[guards.signed_in],
        summary="Approve a proposed change",
        operation_id="approveTenderChange",
        responses=problem_responses(404, 409),
    )
    async def approve(
        self, request: Visitor, ref: FromPath[str], change: FromPath[str], confirm: Confirm = ""
    ) -> ProposalView:
        """Approve a change that somebody else proposed, which publishes it; 409 with every rule that does not hold now."""
        await proposals.approve(request.user, ref, change, confirmed(confirm))
        return _view(await proposals.proposal(request.user, ref, change))

    @post(
        "/{change:str}/leave",
        status_code=200,
        guards=[guards.signed_in],
        summary="Leave a proposed change",
        operation_id="leaveTenderChange",
        responses=problem_responses(404, 409),
    )
    async def leave(self, request: Visitor, ref: FromPath[str], change: FromPath[str]) -> ProposalView:
        """Take a proposed change back, or do not approve it. The tender stays as it is."""
        await proposals.leave(request.user, ref, change)
        return _view(await proposals.proposal(request.user, ref, change))
