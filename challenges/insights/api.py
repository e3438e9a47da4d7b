"""Insight reports for programs."""

from __future__ import annotations

from datetime import datetime

import msgspec
from litestar import Controller, get, put
from litestar.params import FromPath, JSONBody

from challenges.insights import actions, listing
from challenges.tables import Challenge, InsightReport
from market import drafts
from market.accounts import guards
from market.db import find
from market.web.api import IfMatch, Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class ReportView(msgspec.Struct):
    """An insight report with the challenge it comes from."""

    ref: str
    challenge: str
    title: str
    tried: str
    worked: str
    did_not_work: str
    evidence: str
    others: str
    decision: str
    published_at: datetime | None
    etag: str


class InsightsApi(Controller):
    """What was learnt."""

    path = "/api/v1/insights"
    tags = ["Insight reports"]

    @get(
        "/",
        guards=[guards.public],
        summary="List insight reports",
        operation_id="listInsights",
    )
    async def index(self) -> Items[ReportView]:
        """All published reports, the newest first."""
        return Items(msgspec.convert(await listing.reports(), list[ReportView], from_attributes=True))

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read an insight report",
        operation_id="readInsight",
        responses=problem_responses(404),
    )
    async def one(self, ref: FromPath[str]) -> ReportView:
        """One published report."""
        return report_view(*await actions.report(ref))


class ReportApi(Controller):
    """The insight report of one challenge as its officer writes it."""

    path = "/api/v1/challenges/{ref:str}/report"
    tags = ["Challenges"]

    @put(
        guards=[guards.signed_in],
        summary="Write the insight report",
        operation_id="writeInsightReport",
        responses=problem_responses(404, 409, 428),
    )
    async def report(
        self, request: Visitor, ref: FromPath[str], data: JSONBody[actions.ReportDraft], if_match: IfMatch = ""
    ) -> ReportView:
        """Write the report anew; it is published with the conclusion."""
        row = await actions.write_report(request.user, ref, data, if_match)
        return report_view(row, await find(Challenge, Challenge.ref == ref))


def report_view(report: InsightReport, challenge: Challenge) -> ReportView:
    """The report with its challenge's reference and decision."""
    return ReportView(
        ref=report.ref,
        challenge=challenge.ref,
        **drafts.stored(actions.ReportDraft, report),
        decision=challenge.decision,
        published_at=report.published_at,
        etag=drafts.version(actions.ReportDraft, report),
    )
