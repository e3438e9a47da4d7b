"""The insight report of an exercise: written after the closing, published with the conclusion."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from challenges import meaning
from challenges.effort import rules as effort
from challenges.exercise import (
    ancestors,
    must_run,
)
from challenges.insights import rules
from challenges.tables import Challenge, InsightReport, MeasuredValue, SuccessMeasure
from market import clock
from market.accounts.edits import Trace, revise
from market.actor import Actor
from market.audit.actions import record
from market.db import find, maybe, transaction
from market.refusals import NotFound, insist
from market.wording import N_


class ReportDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What was learnt, for everybody who has the same problem."""

    title: Annotated[str, Meta(title=N_("Title of the report"), min_length=5, max_length=200)]
    tried: Annotated[str, Meta(title=N_("What was tried"), max_length=20000)] = ""
    worked: Annotated[str, Meta(title=N_("What worked"), max_length=20000)] = ""
    did_not_work: Annotated[str, Meta(title=N_("What did not work"), max_length=20000)] = ""
    evidence: Annotated[str, Meta(title=N_("The evidence"), max_length=20000)] = ""
    others: Annotated[str, Meta(title=N_("What others should know"), max_length=20000)] = ""


class ValueDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What was measured of a success criterion: the figure in the criterion's unit, on which day, and how."""

    value: Annotated[str, Meta(title=N_("What was measured"), min_length=1, max_length=40)]
    measured_on: Annotated[date, Meta(title=N_("Measured on"))]
    how: Annotated[str, Meta(title=N_("How it was measured"), min_length=1, max_length=2000)]


async def write_report(actor: Actor, ref: str, given: ReportDraft, seen: str) -> InsightReport:
    """Write the insight report of a challenge, or write it anew from what was `seen` of it; it is published when the
    challenge is concluded."""
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = must_run(actor, challenge)
        insist(rules.REPORT, challenge, clock.arrived())
        report = await maybe(InsightReport, InsightReport.challenge == challenge.id, lock=True)
        author = actor.must_be_person()
        if report is None:
            report = InsightReport(challenge=challenge.id, written_by=author)
        trace = Trace("insight_report.drafted", f"insight_report:{report.ref}")
        await revise(given, seen, report, trace=trace, written_by=author)
        await record(
            actor,
            "insight_report.drafted",
            f"insight_report:{report.ref}",
            about=await ancestors(challenge),
            organisation=hat.organisation_ref,
            sealed_by=f"publication:insight_report:{report.ref}",
        )
    return report


async def measure(actor: Actor, ref: str, measure_ref: str, given: ValueDraft) -> MeasuredValue:
    """Write down what was measured of a success criterion (its reference). It is appended: the newest counts, and is published
    with the report."""
    async with transaction():
        challenge = await find(Challenge, Challenge.ref == ref, lock=True)
        hat = must_run(actor, challenge)
        now = clock.arrived()
        insist(rules.REPORT, challenge, now)
        row = await find(
            SuccessMeasure, (SuccessMeasure.ref == measure_ref) & (SuccessMeasure.challenge == challenge.id)
        )
        figure = meaning.figure(given.value)
        if figure is None:
            raise effort.NOT_A_FIGURE.refused(beside="value")
        insist(rules.MEASURE, rules.Measuring(challenge, given.measured_on, given.how, now))
        value = MeasuredValue(
            measure=row.id,
            value=figure,
            measured_on=given.measured_on,
            how=given.how.strip(),
            at=clock.now(),
            by=actor.must_be_person(),
        )
        await value.save()
        await record(
            actor,
            "challenge.measured",
            f"challenge:{ref}",
            {"measure": row.ref},
            private={"value": figure, "unit": row.unit, "on": given.measured_on.isoformat()},
            about=(await ancestors(challenge))[1:],
            organisation=hat.organisation_ref,
        )
    return value


async def report_of(challenge: Challenge) -> InsightReport | None:
    """The insight report of a challenge, published or not."""
    return await maybe(InsightReport, InsightReport.challenge == challenge.id)


async def report(ref: str) -> tuple[InsightReport, Challenge]:
    """A published insight report with its challenge; a draft does not exist for anybody here."""
    row = await find(InsightReport, InsightReport.ref == ref)
    if row.published_at is None:
        raise NotFound("InsightReport")
    return row, await find(Challenge, Challenge.id == row.challenge)
