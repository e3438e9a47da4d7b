"""Challenges for people: the public list and page, running one to its end, and the methods by which they are run."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery

from challenges import actions, exercise, frame, listing, methods, rules
from challenges.applications import actions as applications
from challenges.changes import actions as changes
from challenges.drafts import actions as drafting
from challenges.insights import actions as insights
from challenges.insights import rules as insight_rules
from challenges.judging import actions as judging
from challenges.judging.pages import panel_page
from challenges.pitches.listing import pitches_of
from challenges.quiet import actions as quiet
from challenges.tables import Challenge
from market import clock, policy
from market.accounts import guards
from market.actor import SUPPLIER_ROLES
from market.audit.thread import thread
from market.budgets import readers as budgets
from market.budgets.rules import year_words
from market.db import maybe
from market.missions.tables import Mission
from market.outages import actions as outages
from market.panels import actions as panels
from market.panels import pages as panel_pages
from market.panels import rules as panel_rules
from market.questions import actions as questions
from market.questions import pages as questions_pages
from market.refusals import checklist, refusals
from market.reviews.readers import approvals_of
from market.tenders import cpv
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import N_, _

STAGES_SHOWN: tuple[tuple[str, str, tuple[rules.Stage, ...]], ...] = (
    ("open", N_("Open"), ("questions", "open")),
    ("running", N_("Being scored or pitching"), ("closed", "pitching")),
    ("ended", N_("Ended"), ("concluded", "cancelled")),
)
"""The filters of the public list: value, words, stages."""


# ── the public list and page, and questions ─────────────────────────────────────────────────────────────────────────


class ChallengePages(Controller):
    """The list of challenges, one challenge, questions and answers."""

    path = "/challenges"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor, stage: FromQuery[str | None] = None) -> Response[bytes]:
        """All published challenges, those that close soonest first; a buyer finds her drafts above."""
        challenges = await listing.published()
        kept = next((stages for value, _words, stages in STAGES_SHOWN if value == stage), None)
        return show(
            request,
            "challenges/list.html",
            rows=sorted((each for each in challenges if kept is None or each.stage in kept), key=_soonest),
            drafts=await listing.drafts_of(request.user.organisations("buyer")),
            filters=[
                (value, _(words), sum(each.stage in stages for each in challenges))
                for value, words, stages in STAGES_SHOWN
            ],
            chosen=stage if kept else None,
            total=len(challenges),
        )

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """One challenge with everything public about it."""
        return await _challenge(request, await frame.visible(request, ref), forms.blank(questions.QuestionDraft))

    @post("/{ref:str}/questions", guards=[guards.supplier])
    async def ask(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Ask in public, unnamed."""
        form = await forms.read(request, questions.QuestionDraft)
        with form.acting():
            await actions.ask(request.user, ref, form.data)
            return to(
                f"/challenges/{ref}#questions",
                _(
                    "Your question is with the buyer. It is published with its answer, without your name; we write "
                    "to you then."
                ),
            )
        return await _challenge(request, await frame.visible(request, ref), form)

    @get("/{ref:str}/questions/{question:str}", guards=[guards.buyer])
    async def question(self, request: Visitor, ref: FromPath[str], question: FromPath[str]) -> Response[bytes]:
        """The question and a field for its answer."""
        return await _answering(request, ref, question, forms.blank(questions.AnswerDraft))

    @post("/{ref:str}/questions/{question:str}", guards=[guards.buyer])
    async def answer(self, request: Visitor, ref: FromPath[str], question: FromPath[str]) -> Response[Any]:
        """Publish the answer."""
        form = await forms.read(request, questions.AnswerDraft)
        with form.acting():
            await actions.answer(request.user, ref, question, form.data)
            return to(
                f"/challenges/{ref}#questions",
                _("Question and answer are public. Whoever asked or applied is told by letter."),
            )
        return await _answering(request, ref, question, form)


def _soonest(challenge: listing.Listed) -> tuple[bool, float]:
    """Open ones by the time that is left, then the rest by how recently something happened."""
    standing = challenge.standing
    still = standing.stage in rules.TAKING
    stamp = standing.when.timestamp() if isinstance(standing.when, datetime) else 0.0
    return not still, stamp if still else -stamp


async def _challenge(
    request: Visitor, challenge: Challenge, form: forms.Form[questions.QuestionDraft]
) -> Response[bytes]:
    topic = actions.topic_of(challenge)
    decided = challenge.shortlisted_at is not None
    live = await exercise.live_applications(challenge) if decided else []
    report = await insights.report_of(challenge)
    budget = await budgets.by_id(challenge.budget)
    return show(
        request,
        "challenges/one.html",
        status=form.status,
        **await frame.around(request, challenge),
        mission=await maybe(Mission, Mission.id == challenge.mission) if challenge.mission else None,
        method=methods.method(challenge.method) if methods.approved(challenge.method) else None,
        measures=await exercise.measures_of(challenge),
        statements=await quiet.statements_of(challenge),
        criteria=await exercise.criteria_of(challenge),
        codes=[(code, cpv.label(code)) for code in challenge.cpv if cpv.known(code)],
        topic=topic,
        asked=await questions.questions_shown(request.user, topic),
        own=await applications.application_of(request.user, challenge),
        seat=await judging.seat(request.user, challenge),
        supplies=request.user.wears(*SUPPLIER_ROLES) is not None,
        applications=len(live) if decided else None,
        teams=sorted((each for each in live if each.shortlisted), key=lambda each: each.supplier_name),
        report=report if report and report.published_at else None,
        decision=insight_rules.standing(
            insight_rules.Dates(challenge.decision, challenge.concluded_at), clock.now()
        ).word,
        follow_on=await drafting.stated(challenge),
        budget=budget,
        budget_year=year_words(budget.year) if budget else "",
        fee_days=policy.IN_FORCE.payments.pitch_fee_days,
        steps=await thread(f"challenge:{challenge.ref}"),
        outages=await outages.moves_of(f"challenge:{challenge.ref}"),
        addenda=await changes.addenda_of(challenge),
        approved=await approvals_of(f"challenge:{challenge.ref}"),
        form=form,
    )


async def _answering(
    request: Visitor, ref: str, question: str, form: forms.Form[questions.AnswerDraft]
) -> Response[bytes]:
    topic = actions.topic_of(await frame.run_by(request, ref))
    return await questions_pages.answering(request, topic, question, form)


# ── running it to its end ───────────────────────────────────────────────────────────────────────────────────────────


class RunPages(Controller):
    """The officer's desk for one challenge: the panel's progress, the short list, pitches, report, end."""

    path = "/challenges/{ref:str}"
    include_in_schema = False

    @get("/manage", guards=[guards.buyer])
    async def manage(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Where it stands and what is next."""
        return await _manage(request, ref)

    @post("/shortlist", guards=[guards.buyer])
    async def shortlist(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Make the short list."""
        form = await forms.read(request, frame.Nothing)
        with form.acting():
            await judging.shortlist(request.user, ref)
            return to(
                f"/challenges/{ref}/manage", _("The short list is made. Everybody who applied was told by letter.")
            )
        return await _manage(request, ref, listing=form)

    @post("/panel/consensus", guards=[guards.buying_side])
    async def explain(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Write down why the marks lie far apart: a member on the panel's page, an officer without a seat on hers."""
        form = await forms.read(request, panels.ConsensusDraft)
        seat = await judging.seat(request.user, await frame.visible(request, ref))
        with form.acting():
            await panels.explain(request.user, judging.panel(ref), form.data, form.version)
            return to(f"/challenges/{ref}/{'panel' if seat else 'manage'}", _("What the panel says is kept."))
        if seat:
            return await panel_page(request, ref, explaining=form)
        return await _manage(request, ref, explaining=form)

    @get("/conclude", guards=[guards.buyer])
    async def ending(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """What still blocks the conclusion, and the decision."""
        return await _concluding(request, ref, forms.blank(actions.Conclusion))

    @post("/conclude", guards=[guards.buyer])
    async def conclude(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Go, change or stop."""
        form = await forms.read(request, actions.Conclusion)
        with form.acting():
            await actions.conclude(request.user, ref, form.data)
            return to(f"/challenges/{ref}", _("The challenge is concluded and its insight report is public."))
        return await _concluding(request, ref, form)

    @get("/cancel", guards=[guards.buyer])
    async def cancelling(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Ask why before it is cancelled."""
        return await _cancelling(request, ref, forms.blank(exercise.Because))

    @post("/cancel", guards=[guards.buyer])
    async def cancel(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Cancel it."""
        form = await forms.read(request, exercise.Because)
        with form.acting():
            await actions.cancel(request.user, ref, form.data.reason)
            return to(f"/challenges/{ref}", _("The challenge is cancelled. Everybody who applied was told why."))
        return await _cancelling(request, ref, form)


async def _cancelling(request: Visitor, ref: str, form: forms.Form[exercise.Because]) -> Response[bytes]:
    challenge = await frame.run_by(request, ref)
    blocked = refusals((rules.may_be_cancelled,), challenge, "", clock.arrived())
    return await frame.form_page(request, ref, "challenges/cancel.html", form, blocked=blocked)


async def _manage(request: Visitor, ref: str, **typed: forms.Form[Any]) -> Response[Any]:
    challenge = await frame.run_by(request, ref)
    if challenge.published_at is None:
        return to(f"/challenges/{ref}/draft")
    closed = rules.stage(challenge, clock.now()) == "closed"
    decided = challenge.shortlisted_at is not None
    live = await exercise.live_applications(challenge) if closed or decided else []
    panel = await exercise.panel_of(challenge)
    given = panel_pages.blanks(panel, None, **typed)
    awaited = await exercise.open_teams(challenge)
    topic = actions.topic_of(challenge)
    return show(
        request,
        "challenges/manage.html",
        status=given["form"].status,
        **await frame.around(request, challenge),
        panel=panel,
        speaks=panels.speaks(request.user, panel),
        checks=checklist(panel_rules.READY, panel.readiness()) if closed else [],
        count=len(live) if closed or decided else None,
        ranking=sorted(live, key=lambda each: (each.rank, each.supplier_name)) if decided else [],
        pitches=await pitches_of(challenge),
        report=await insights.report_of(challenge),
        unmeasured=[each for each in await exercise.measures_of(challenge) if not each.value],
        shut=rules.keeps_the_gate_shut(await exercise.effort_of(challenge)) if decided and not awaited else None,
        topic=topic,
        asked=[row for row in await questions.questions_about(topic.record) if row.answered_at is None],
        **given,
    )


async def _concluding(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    challenge = await frame.run_by(request, ref)
    return show(
        request,
        "challenges/conclude.html",
        status=form.status,
        **await frame.around(request, challenge),
        checks=checklist(rules.READY, await actions.ending(challenge)),
        shut=rules.keeps_the_gate_shut(await exercise.effort_of(challenge)),
        form=form,
    )


# ── how exercises are run ───────────────────────────────────────────────────────────────────────────────────────────


PAID = {
    "nothing": N_("Nothing"),
    "fee": N_("The same fixed fee for every team"),
    "milestone": N_("For each target met"),
    "grant": N_("A fixed sum for the team's time"),
}
"""What is paid in a stage, in words."""


class MethodPages(Controller):
    """The approved methods of exercise: when to use which, their stages, what is paid, and the law."""

    path = "/methods"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor) -> Response[bytes]:
        """All approved methods, the most usual first."""
        return show(request, "methods/list.html", methods=methods.methods())

    @get("/{code:str}", guards=[guards.public])
    async def one(self, request: Visitor, code: FromPath[str]) -> Response[bytes]:
        """One method, and the challenges that were run by it."""
        run = [each for each in await listing.published() if each.method == code]
        return show(
            request,
            "methods/one.html",
            method=methods.named(code),
            paid={code: _(words) for code, words in PAID.items()},
            rows_of=run[:20],
        )
