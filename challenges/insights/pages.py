"""What was learnt, for people: writing the report, and reading those that are published."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath
from msgspec import Meta

from challenges import exercise, frame
from challenges.insights import actions, listing, rules
from market import clock, drafts
from market.accounts import guards
from market.audit.thread import thread
from market.refusals import refusals
from market.tenders import cpv
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import N_, _


class InsightPages(Controller):
    """Insight reports: what was tried, what worked, what others should know."""

    path = "/insights"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor) -> Response[bytes]:
        """All published reports, the newest first."""
        return show(request, "insights/list.html", reports=await listing.reports())

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One published report."""
        report, challenge = await actions.report(ref)
        standing = rules.standing(rules.Dates(challenge.decision, report.published_at), clock.now())
        return show(
            request,
            "insights/one.html",
            **{**await frame.around(request, challenge), "standing": standing},
            report=report,
            measures=await exercise.measures_of(challenge),
            codes=[(code, cpv.label(code)) for code in challenge.cpv if cpv.known(code)],
            steps=await thread(f"challenge:{challenge.ref}"),
        )


class ValueOf(actions.ValueDraft, kw_only=True):
    """What was measured of which success criterion (its reference)."""

    measure: Annotated[str, Meta(title=N_("Success criterion"), min_length=1, max_length=16)]


class MeasuredPages(Controller):
    """What was measured of the success criteria of one challenge, as its officer writes it down."""

    path = "/challenges/{ref:str}/measured"
    include_in_schema = False

    @get("/", guards=[guards.buyer])
    async def measured(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The criteria with their values, and a form for another."""
        return await _measured(request, ref, forms.blank(ValueOf))

    @post("/", guards=[guards.buyer])
    async def write(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Append a value."""
        form = await forms.read(request, ValueOf)
        with form.acting():
            given = drafts.part(actions.ValueDraft, form.data)
            await actions.measure(request.user, ref, form.data.measure, given)
            return to(f"/challenges/{ref}/measured", _("The value is written down."))
        return await _measured(request, ref, form)


async def _measured(request: Visitor, ref: str, form: forms.Form[ValueOf]) -> Response[bytes]:
    challenge = await frame.run_by(request, ref)
    measures = await exercise.measures_of(challenge)
    return show(
        request,
        "challenges/measured.html",
        status=form.status,
        **await frame.around(request, challenge),
        measures=measures,
        options=[(each.ref, each.measure) for each in measures],
        may=not refusals(rules.REPORT, challenge, clock.arrived()),
        form=form,
    )


class ReportPages(Controller):
    """The insight report of one challenge as its officer writes it."""

    path = "/challenges/{ref:str}/report"
    include_in_schema = False

    @get("/", guards=[guards.buyer])
    async def report(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The insight report as far as it is written."""
        row = await actions.report_of(await frame.run_by(request, ref))
        return await frame.form_page(request, ref, "challenges/report.html", forms.stored(actions.ReportDraft, row))

    @post("/", guards=[guards.buyer])
    async def write_report(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep the report."""
        form = await forms.read(request, actions.ReportDraft)
        with form.acting():
            await actions.write_report(request.user, ref, form.data, form.version)
            return to(f"/challenges/{ref}/manage", _("The report is saved. It is published when you conclude."))
        return await frame.form_page(request, ref, "challenges/report.html", form)
