"""The panel for programs: before the short list it reads applications without names."""

from __future__ import annotations

import msgspec
from litestar import Controller, get, post, put
from litestar.params import FromPath, JSONBody

from challenges import exercise
from challenges.judging import actions
from challenges.tables import Challenge
from market.accounts import guards, scopes
from market.db import find
from market.panels import actions as panels
from market.panels.actions import MarkGiven
from market.panels.api import ConsensusView, DeclarationView, MemberView, consensus_view, declaration_view, member_views
from market.panels.matter import Subject
from market.panels.panel import Member, Panel
from market.web.api import IfMatch
from market.web.pages import Visitor
from market.web.problems import problem_responses


class AliasView(msgspec.Struct):
    """An application as an evaluator finds it in her list, with her own marks and their `etag`."""

    ref: str
    alias: str
    marked: bool
    marks: list[MarkGiven]
    etag: str


class ApplicantView(msgspec.Struct):
    """A name to declare against."""

    ref: str
    name: str


class PanelView(msgspec.Struct):
    """The panel. For the buyer officer: its members and what keeps it from ranking. For an evaluator: whom to declare
    against until she hands in, what she declared, and what she may mark. `consensus` is for those who have no interest in any applicant."""

    challenge: str
    members: list[MemberView]
    gaps: list[str]
    applicants: list[ApplicantView]
    applications: list[AliasView]
    declaration: DeclarationView | None
    consensus: ConsensusView


class PanelApi(Controller):
    """The panel: its members, what they declare, and their marks."""

    path = "/api/v1/challenges/{ref:str}/panel"
    tags = ["Panel and pitches"]

    @get(
        guards=[guards.signed_in],
        summary="Read the panel",
        operation_id="readPanel",
        responses=problem_responses(404),
    )
    async def panel(self, request: Visitor, ref: FromPath[str]) -> PanelView:
        """For the buyer officer and the evaluators, each what concerns her."""
        return await panel_view(request, ref)

    @post(
        guards=[guards.signed_in],
        summary="Name an evaluator",
        operation_id="nameEvaluator",
        responses=problem_responses(404, 409),
    )
    async def name(self, request: Visitor, ref: FromPath[str], data: JSONBody[panels.Naming]) -> PanelView:
        """Put one of the buyer's people on the panel."""
        await panels.name(request.user, actions.panel(ref), data)
        return await panel_view(request, ref)

    @post(
        "/excuse",
        status_code=200,
        guards=[guards.signed_in],
        summary="Excuse an evaluator",
        operation_id="excuseEvaluator",
        responses=problem_responses(404, 409),
    )
    async def excuse(self, request: Visitor, ref: FromPath[str], data: JSONBody[panels.Excuse]) -> PanelView:
        """Take somebody off the panel with a reason."""
        await panels.excuse(request.user, actions.panel(ref), data)
        return await panel_view(request, ref)

    @post(
        "/declaration",
        status_code=200,
        guards=[guards.signed_in],
        summary="Declare interests",
        operation_id="declareInterests",
        responses=problem_responses(404, 409, 428),
    )
    async def declare(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[panels.Declaration], if_match: IfMatch = ""
    ) -> PanelView:
        """Declare against the applicants' names, before seeing an application; until you hand in, add to it."""
        await panels.declare(request.user, actions.panel(ref), data, if_match)
        return await panel_view(request, ref)

    @post(
        "/submit",
        status_code=200,
        guards=[guards.signed_in],
        summary="Hand in marks",
        operation_id="handInMarks",
        responses=problem_responses(404, 409),
    )
    async def submit(self, request: Visitor, ref: FromPath[str]) -> PanelView:
        """Lock one's marks."""
        await panels.lock(request.user, actions.panel(ref))
        return await panel_view(request, ref)

    @put(
        "/consensus",
        guards=[guards.signed_in],
        summary="Say why marks lie far apart",
        operation_id="explainMarks",
        responses=problem_responses(404, 409, 428),
    )
    async def explain(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[panels.ConsensusDraft], if_match: IfMatch = ""
    ) -> PanelView:
        """What the panel says where its marks lie far apart, when all have handed in; owed before the short list."""
        await panels.explain(request.user, actions.panel(ref), data, if_match)
        return await panel_view(request, ref)


class MarksApi(Controller):
    """The marks of one evaluator for one application."""

    path = "/api/v1/challenges/{ref:str}/applications/{application:str}/marks"
    tags = ["Applications"]

    @put(
        guards=[guards.signed_in],
        summary="Mark an application",
        operation_id="markApplication",
        opt=scopes.CHALLENGES,
        responses=problem_responses(404, 409, 422, 428),
    )
    async def mark(
        self,
        request: Visitor,
        ref: FromPath[str],
        application: FromPath[str],
        data: JSONBody[panels.Marks],
        if_match: IfMatch = "",
    ) -> PanelView:
        """Mark every criterion with a reason, as an evaluator who has declared; again until you hand in."""
        await panels.mark(request.user, actions.panel(ref), f"application:{application}", data, if_match)
        return await panel_view(request, ref)


async def panel_view(request: Visitor, ref: str) -> PanelView:
    """What concerns this member or officer; nobody else is told that there is a panel."""
    challenge = await find(Challenge, Challenge.ref == ref)
    panel = await exercise.panel_of(challenge)
    officer = request.user.wears("buyer", organisation=challenge.buyer) is not None
    member = panel.member(request.user.person) if officer else panels.seated(request.user, panel)
    working = member if member in panel.active and not panel.matter.settled else None
    declares = working is not None and working.seat.locked_at is None
    return PanelView(
        challenge.ref,
        member_views(panel) if officer else [],
        panel.gaps() if officer and not panel.matter.settled else [],
        [ApplicantView(firm, name) for firm, name in panel.matter.suppliers.items()] if declares else [],
        [_alias_view(panel, working, subject) for subject in panel.to_mark(working)] if working else [],
        declaration_view(member),
        consensus_view(request.user, panel),
    )


def _alias_view(panel: Panel, member: Member, subject: Subject) -> AliasView:
    kept = panel.sheet(member, subject)
    return AliasView(
        subject.ref.partition(":")[2],
        subject.name,
        subject not in panel.unmarked(member),
        [MarkGiven(criterion, mark.points, mark.reason) for criterion, mark in kept.marks.items()],
        kept.version,
    )
