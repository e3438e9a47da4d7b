"""Insight reports for programs."""

from __future__ import annotations

from datetime import date, datetime

import msgspec
from litestar import Controller, get, post, put
from litestar.params import FromPath, JSONBody

from challenges.exercise import measures_of
from challenges.insights import actions, listing
from challenges.tables import Challenge, InsightReport
from market import drafts
from market.accounts import guards
from market.db import find
from market.web.api import IfMatch, Items
from market.web.pages import Visitor
from market.web.problems import problem_responses


class MeasuredView(msgspec.Struct):
    """A success criterion with what was measured of it: figures in decimals in its unit. `baseline` is null where nobody knew where
    it stood; `value`, `measured_on` and `measured_how` are null while nothing was measured."""

    ref: str
    measure: str
    unit: str
    baseline: str | None
    better: str
    target: str
    due_on: date
    how: str
    value: str | None
    measured_on: date | None
    measured_how: str | None


class ReportView(msgspec.Struct):
    """An insight report with the challenge it comes from, and what was measured of its success criteria."""

    ref: str
    challenge: str
    title: str
    tried: str
    worked: str
    did_not_work: str
    evidence: str
    others: str
    decision: str
    measured: list[MeasuredView]
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
        found = [await actions.report(each.ref) for each in await listing.reports()]
        return Items([await report_view(*each) for each in found])

    @get(
        "/{ref:str}",
        guards=[guards.public],
        summary="Read an insight report",
        operation_id="readInsight",
        responses=problem_responses(404),
    )
    async def one(self, ref: FromPath[str]) -> ReportView:
        """One published report."""
        return await report_view(*await actions.report(ref))


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
        return await report_view(row, await find(Challenge, Challenge.ref == ref))


class MeasuredApi(Controller):
    """What was measured of the success criteria of one challenge."""

    path = "/api/v1/challenges/{ref:str}/measures/{measure:str}/values"
    tags = ["Challenges"]

    @post(
        guards=[guards.signed_in],
        summary="Write down what was measured",
        operation_id="addMeasuredValue",
        responses=problem_responses(404, 409, 422),
    )
    async def add(
        self, request: Visitor, ref: FromPath[str], measure: FromPath[str], data: JSONBody[actions.ValueDraft]
    ) -> MeasuredView:
        """Append a value of a success criterion; the newest counts, and is published with the report."""
        await actions.measure(request.user, ref, measure, data)
        found = await measured_views(await find(Challenge, Challenge.ref == ref))
        return next(each for each in found if each.ref == measure)


async def measured_views(challenge: Challenge) -> list[MeasuredView]:
    """The success criteria with what was measured of them, whoever asks."""
    return [
        MeasuredView(
            ref=each.ref,
            measure=each.measure,
            unit=each.unit,
            baseline=each.baseline or None,
            better=each.better,
            target=each.target,
            due_on=each.due_on,
            how=each.how,
            value=each.value or None,
            measured_on=each.measured_on,
            measured_how=each.measured_how or None,
        )
        for each in await measures_of(challenge)
    ]


async def report_view(report: InsightReport, challenge: Challenge) -> ReportView:
    """The report with its challenge's reference and decision, and what was measured."""
    return ReportView(
        ref=report.ref,
        challenge=challenge.ref,
        **drafts.stored(actions.ReportDraft, report),
        decision=challenge.decision,
        measured=await measured_views(challenge),
        published_at=report.published_at,
        etag=drafts.version(actions.ReportDraft, report),
    )
