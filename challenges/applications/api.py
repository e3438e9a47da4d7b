"""Applications for programs. What is shown follows the same secrets as the pages: before the closing nobody at the buyer learns
who applied or how many."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import Controller, get, post, put
from litestar.params import FromPath, JSONBody

from challenges import exercise, frame
from challenges.applications import actions, listing
from challenges.judging import actions as judging
from challenges.pitches import actions as pitches
from challenges.pitches.api import PitchView, pitch_view
from challenges.tables import Application
from market import drafts
from market.accounts import guards
from market.accounts.tables import Organisation
from market.actor import SUPPLIER_ROLES
from market.db import find
from market.panels.api import ReasonView
from market.web.api import IfMatch, Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class FeedbackView(msgspec.Struct):
    """How one criterion was reckoned, with every mark and reason."""

    criterion: str
    says: str
    marks: list[ReasonView]


class ApplicationView(msgspec.Struct):
    """An application. For the panel `supplier` and the times are null and `alias` is given; for the supplier the other way
    round. `digest` is the receipt: SHA-256 of what was sent, over canonical JSON."""

    ref: str
    challenge: str
    supplier: str | None
    alias: str | None
    summary: str
    approach: str
    evidence: str
    team: str
    digest: str
    submitted_at: datetime | None
    edited_at: datetime | None
    withdrawn_at: datetime | None
    shortlisted: bool | None
    rank: int | None
    total: str | None
    feedback: list[FeedbackView]
    pitch: PitchView | None
    etag: str


class NewApplication(actions.ApplicationDraft, kw_only=True):
    """An application; `supplier` (a reference) is needed only by who belongs to several."""

    supplier: str = ""


class ApplicationsApi(Controller):
    """Applications to a challenge and their marks."""

    path = "/api/v1/challenges/{ref:str}/applications"
    tags = ["Applications"]

    @get(
        "/",
        guards=[guards.signed_in],
        summary="List applications",
        operation_id="listApplications",
        reading_is_an_event=True,
        responses=problem_responses(404),
    )
    async def index(self, request: Visitor, ref: FromPath[str]) -> Items[ApplicationView]:
        """Those the asker may read: a supplier her own; an evaluator, once she has declared, those she may mark; the
        buyer and auditors all, after the short list. Each reading is written down."""
        challenge = await frame.visible(request, ref)
        return Items([await application_view(each) for each in await judging.readable(request.user, challenge)])

    @post(
        "/",
        guards=[guards.signed_in],
        summary="Apply",
        operation_id="apply",
        responses=problem_responses(404, 409),
    )
    async def apply(self, request: Visitor, ref: FromPath[str], data: JSONBody[NewApplication]) -> ApplicationView:
        """Apply once; 409 when it has closed. The answer is the receipt."""
        supplier = await find(Organisation, Organisation.ref == data.supplier) if data.supplier else None
        given = drafts.part(actions.ApplicationDraft, data)
        row = await actions.apply(request.user, ref, given, supplier.id if supplier else None)
        return await _application(request, row.ref)

    @get(
        "/{application:str}",
        guards=[guards.signed_in],
        summary="Read an application",
        operation_id="readApplication",
        reading_is_an_event=True,
        responses=problem_responses(404),
    )
    async def one(self, request: Visitor, ref: FromPath[str], application: FromPath[str]) -> ApplicationView:
        """One application, as the asker may see it."""
        await exercise.belongs(Application, application, ref)
        return await _application(request, application)

    @put(
        "/{application:str}",
        guards=[guards.signed_in],
        summary="Change an application",
        operation_id="changeApplication",
        responses=problem_responses(404, 409, 428),
    )
    async def change(
        self,
        request: Visitor,
        ref: FromPath[str],
        application: FromPath[str],
        data: JSONBody[actions.ApplicationDraft],
        if_match: IfMatch = "",
    ) -> ApplicationView:
        """Replace what was sent, until it closes."""
        await exercise.belongs(Application, application, ref)
        await actions.change(request.user, application, data, if_match)
        return await _application(request, application)

    @post(
        "/{application:str}/withdraw",
        status_code=200,
        guards=[guards.signed_in],
        summary="Withdraw an application",
        operation_id="withdrawApplication",
        responses=problem_responses(404, 409),
    )
    async def withdraw(self, request: Visitor, ref: FromPath[str], application: FromPath[str]) -> ApplicationView:
        """Take it back, until it closes."""
        await exercise.belongs(Application, application, ref)
        await actions.withdraw(request.user, application)
        return await _application(request, application)


class MyApplicationsApi(Controller):
    """A supplier's own applications."""

    path = "/api/v1/applications"
    tags = ["Applications"]

    @get(
        "/",
        guards=[guards.supplier],
        summary="List own applications",
        operation_id="listOwnApplications",
    )
    async def index(self, request: Visitor) -> Items[ApplicationView]:
        """What the asker's organisations sent, the newest first."""
        rows = await listing.sent_by(request.user.organisations(*SUPPLIER_ROLES))
        return Items([await _application(request, each.ref) for each in rows])


async def application_view(reading: judging.Reading) -> ApplicationView:
    """The application as this reader may see it."""
    row, challenge, own = reading.application, reading.challenge, reading.sees == "own"
    decided = challenge.shortlisted_at is not None and row.withdrawn_at is None
    pitch = await pitches.pitch_of(row) if decided else None
    panel = reading.sees == "panel"
    return ApplicationView(
        ref=row.ref,
        challenge=challenge.ref,
        supplier=reading.supplier.ref if reading.supplier else None,
        alias=None if own else row.alias,
        **drafts.stored(actions.ApplicationDraft, row),
        digest=actions.digest(row),
        submitted_at=None if panel else row.submitted_at,
        edited_at=None if panel else row.edited_at,
        withdrawn_at=row.withdrawn_at,
        shortlisted=row.shortlisted if decided else None,
        rank=row.rank if decided else None,
        total=row.total if decided else None,
        feedback=[
            FeedbackView(each.name, each.says, [ReasonView(mark.points, mark.word, mark.reason) for mark in each.marks])
            for each in await judging.feedback(challenge, row)
        ]
        if decided
        else [],
        pitch=await pitch_view(pitch) if pitch else None,
        etag=drafts.version(actions.ApplicationDraft, row),
    )


async def _application(request: Visitor, ref: str) -> ApplicationView:
    return await application_view(await judging.read_application(request.user, ref))
