"""A draft for its officers: its tasks, its sections, what still blocks it, and publishing."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery

from challenges import exercise, frame, methods
from challenges.drafts import actions, rules
from challenges.effort.facts import Draft
from challenges.exercise import fees
from challenges.insights import listing as insights_listing
from challenges.judging import actions as judging
from challenges.tables import Challenge, Criterion
from market import clock, policy
from market.accounts import guards
from market.budgets import readers as budgets
from market.missions import actions as missions
from market.money import Money
from market.panels import actions as panels
from market.panels import pages as panel_pages
from market.refusals import NotFound, checklist, refusals
from market.reviews import rules as reviews
from market.reviews.rules import Ready
from market.tenders import cpv
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class DraftPages(Controller):
    """A draft as a list of tasks: its sections, criteria and evaluators, what still blocks it, and publishing."""

    path = "/challenges"
    include_in_schema = False

    @get("/new", guards=[guards.buyer])
    async def new(self, request: Visitor) -> Response[bytes]:
        """The first question: what is the problem?"""
        return await _problem(request, forms.blank(actions.Problem, method="open-challenge"))

    @post("/new", guards=[guards.buyer])
    async def create(self, request: Visitor) -> Response[Any]:
        """Keep the draft and go on to its tasks."""
        form = await forms.read(request, actions.Problem)
        with form.acting():
            challenge = await actions.draft(request.user, request.user.must_wear("buyer").organisation, form.data)
            return to(
                f"/challenges/{challenge.ref}/draft", _("The draft is kept. Nobody outside your organisation sees it.")
            )
        return await _problem(request, form)

    @get("/{ref:str}/draft", guards=[guards.buyer])
    async def tasks(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The draft's sections and what still blocks its publication."""
        return await _tasks(request, ref, forms.blank(frame.Nothing))

    @post("/{ref:str}/publish", guards=[guards.buyer])
    async def publish(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Publish, or show again what blocks it."""
        form = await forms.read(request, frame.Nothing)
        with form.acting():
            await actions.publish(request.user, ref)
            return to(f"/challenges/{ref}", _("The challenge is published. Suppliers can ask and apply from now on."))
        return await _tasks(request, ref, form)

    @get("/{ref:str}/draft/criteria", guards=[guards.buyer])
    async def criteria(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """What applications are scored on."""
        return await _criteria(request, ref, forms.blank(actions.CriterionDraft))

    @post("/{ref:str}/draft/criteria", guards=[guards.buyer])
    async def add_criterion(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Add a criterion."""
        form = await forms.read(request, actions.CriterionDraft)
        with form.acting():
            await actions.add_criterion(request.user, ref, form.data)
            return to(f"/challenges/{ref}/draft/criteria", _("The criterion is added."))
        return await _criteria(request, ref, form)

    @post("/{ref:str}/draft/criteria/{criterion:str}/remove", guards=[guards.buyer])
    async def remove_criterion(self, request: Visitor, ref: FromPath[str], criterion: FromPath[str]) -> Response[Any]:
        """Take a criterion out."""
        await actions.remove_criterion(request.user, ref, criterion)
        return to(f"/challenges/{ref}/draft/criteria", _("The criterion is removed."))

    @get("/{ref:str}/draft/measures", guards=[guards.buyer])
    async def measures(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """What success is measured by."""
        return await _measures(request, ref, forms.blank(actions.MeasureDraft))

    @post("/{ref:str}/draft/measures", guards=[guards.buyer])
    async def add_measure(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Add a success criterion."""
        form = await forms.read(request, actions.MeasureDraft)
        with form.acting():
            await actions.add_measure(request.user, ref, form.data)
            return to(f"/challenges/{ref}/draft/measures", _("The success criterion is added."))
        return await _measures(request, ref, form)

    @post("/{ref:str}/draft/measures/{measure:str}/remove", guards=[guards.buyer])
    async def remove_measure(self, request: Visitor, ref: FromPath[str], measure: FromPath[str]) -> Response[Any]:
        """Take a success criterion out."""
        await actions.remove_measure(request.user, ref, measure)
        return to(f"/challenges/{ref}/draft/measures", _("The success criterion is removed."))

    @get("/{ref:str}/draft/{section:str}", guards=[guards.buyer])
    async def section(
        self, request: Visitor, ref: FromPath[str], section: FromPath[str], q: FromQuery[str | None] = None
    ) -> Response[Any]:
        """One section with what is stored in it."""
        challenge = await frame.run_by(request, ref)
        kind, _title = _known(section)
        form = forms.stored(kind, challenge, **await actions.shown_in(challenge))
        return await _section(request, challenge, section, form, (q or "")[:200])

    @post("/{ref:str}/draft/{section:str}", guards=[guards.buyer])
    async def write(self, request: Visitor, ref: FromPath[str], section: FromPath[str]) -> Response[Any]:
        """Keep one section."""
        kind, title = _known(section)
        form = await forms.read(request, kind)
        with form.acting():
            await actions.edit(request.user, ref, form.data, form.version, form.confirmed)
            return to(f"/challenges/{ref}/draft", _("{title} saved.", title=title))
        return await _section(request, await frame.run_by(request, ref), section, form, "")

    @get("/{ref:str}/evaluators", guards=[guards.buyer])
    async def evaluators(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Who is on the panel."""
        return await _evaluators(request, ref)

    @post("/{ref:str}/evaluators", guards=[guards.buyer])
    async def name_evaluator(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Put somebody on the panel."""
        form = await forms.read(request, panels.Naming)
        with form.acting():
            await panels.name(request.user, judging.panel(ref), form.data)
            return to(f"/challenges/{ref}/evaluators", _("The evaluator is named."))
        return await _evaluators(request, ref, naming=form)

    @post("/{ref:str}/evaluators/excuse", guards=[guards.buyer])
    async def excuse(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take somebody off the panel."""
        form = await forms.read(request, panels.Excuse)
        with form.acting():
            await panels.excuse(request.user, judging.panel(ref), form.data)
            return to(f"/challenges/{ref}/evaluators", _("The evaluator is excused."))
        return await _evaluators(request, ref, excusing=form)


def _known(section: str) -> tuple[type[actions.Section], str]:
    if section not in actions.SECTIONS:
        raise NotFound("Section")
    return actions.SECTIONS[section], _(actions.TITLES[section])


async def _mission_options() -> list[tuple[str, str]]:
    return [(each.ref, each.title) for each in await missions.published()]


def _method_options() -> list[tuple[str, str, str]]:
    return [(each.code, each.name, each.when) for each in methods.methods()]


async def _problem(request: Visitor, form: forms.Form[actions.Problem]) -> Response[bytes]:
    return show(
        request,
        "challenges/new.html",
        status=form.status,
        form=form,
        missions=await _mission_options(),
        methods=_method_options(),
    )


async def _tasks(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[Any]:
    challenge = await frame.run_by(request, ref)
    if challenge.published_at is not None:
        return to(f"/challenges/{ref}/manage")
    facts, ready = await actions.facts_of(challenge, clock.arrived()), await actions.ready_of(challenge)
    checks = [*checklist(rules.PUBLISH, facts), *checklist(reviews.PUBLISH, ready)]
    return show(
        request,
        "challenges/draft.html",
        status=form.status,
        **await frame.around(request, challenge),
        tasks=_task_list(challenge, facts, ready),
        checks=checks,
        similar=[
            each
            for each in await insights_listing.reports()
            if each.challenge != challenge.ref and cpv.overlaps(challenge.cpv, each.cpv)
        ],
        form=form,
    )


def _task_list(challenge: Challenge, facts: Draft, ready: Ready) -> list[dict[str, Any]]:
    """Each section with its state: done when no rule of publication objects to one of its fields. Then the look at what others
    have done, and the second person."""
    blamed = {refusal.field for _rule, refusal in checklist(rules.PUBLISH, facts) if refusal}
    sections = []
    for name, kind in actions.SECTIONS.items():
        fields = set(kind.__struct_fields__)
        begun = any(getattr(challenge, field) for field in fields - {"method", "title"})
        state = "done" if not fields & blamed else "attention" if begun else "not-started"
        sections.append(
            {"text": _(actions.TITLES[name]), "href": f"/challenges/{challenge.ref}/draft/{name}", "state": state}
        )
    here = f"/challenges/{challenge.ref}"
    looked = "attention" if ready.looked else "not-started"
    read = "attention" if ready.steps else "not-started"
    measures, criteria, panel = (
        "attention" if begun else "not-started" for begun in (facts.measures, facts.criteria, facts.panel)
    )
    return [
        *sections,
        {
            "text": _("Success criteria"),
            "href": f"{here}/draft/measures",
            "state": measures if "measures" in blamed else "done",
        },
        {
            "text": _("Scoring criteria"),
            "href": f"{here}/draft/criteria",
            "state": criteria if {"criteria", "weight"} & blamed else "done",
        },
        {"text": _("Evaluators"), "href": f"{here}/evaluators", "state": panel if "person" in blamed else "done"},
        {
            "text": _("See who has done this already"),
            "href": f"/search/similar/challenge/{challenge.ref}",
            "state": looked if refusals(reviews.LOOKING, ready) else "done",
            "hint": _("Published with your answer"),
        },
        {
            "text": _("A second person reads it"),
            "href": f"/reviews/challenge/{challenge.ref}",
            "state": read if refusals(reviews.READING, ready) else "done",
            "hint": _("Any later edit lets the approval lapse"),
        },
    ]


async def _section(
    request: Visitor, challenge: Challenge, section: str, form: forms.Form[Any], q: str
) -> Response[Any]:
    if challenge.published_at is not None and not form.failed:
        said = _("This challenge is published. Add a change to it instead; everybody sees what changed and when.")
        return to(f"/challenges/{challenge.ref}/manage", said, kind="notice")
    chosen = form.values.get("cpv", [])
    codes = [chosen] if isinstance(chosen, str) else list(chosen)
    hits = [(each.code, f"{each.label} ({each.code})") for each in cpv.search(q, 12)] if q else []
    return show(
        request,
        "challenges/section.html",
        status=form.status,
        **await frame.around(request, challenge),
        section=section,
        heading=_(actions.TITLES[section]),
        missions=await _mission_options(),
        methods=_method_options(),
        codes=[(code, f"{cpv.label(code)} ({code})" if cpv.known(code) else code) for code in codes],
        hits=[hit for hit in hits if hit[0] not in codes],
        q=q,
        budgets=await budgets.to_name(challenge.buyer, challenge.currency) if section == "budget" else [],
        needed=Money(fees(challenge, challenge.places), challenge.currency),
        payers=[(each.ref, each.name) for each in await actions.payers(challenge.buyer)],
        routes=[(code, _(words)) for code, words in rules.ROUTES.items()],
        follow_on_percent=policy.IN_FORCE.gate.follow_on_percent,
        codes_most=policy.IN_FORCE.gate.exercise_codes_most,
        places_minimum=policy.IN_FORCE.challenges.places_minimum,
        applying_days=policy.IN_FORCE.challenges.applying_working_days,
        fee_least=Money(policy.IN_FORCE.challenges.fee_for(challenge.follow_on_minor or 0), challenge.currency),
        per_mille=policy.IN_FORCE.challenges.fee_per_mille,
        mark_from=policy.IN_FORCE.challenges.least_mark_from,
        mark_to=policy.IN_FORCE.challenges.least_mark_to,
        form=form,
    )


async def _criteria(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    challenge = await frame.run_by(request, ref)
    criteria: list[Criterion] = await exercise.criteria_of(challenge)
    return show(
        request,
        "challenges/criteria.html",
        status=form.status,
        **await frame.around(request, challenge),
        criteria=criteria,
        total=sum(each.weight for each in criteria),
        form=form,
    )


async def _measures(request: Visitor, ref: str, form: forms.Form[actions.MeasureDraft]) -> Response[bytes]:
    challenge = await frame.run_by(request, ref)
    return show(
        request,
        "challenges/measures.html",
        status=form.status,
        **await frame.around(request, challenge),
        measures=await exercise.measures_of(challenge),
        form=form,
    )


async def _evaluators(request: Visitor, ref: str, **typed: forms.Form[Any]) -> Response[bytes]:
    challenge = await frame.run_by(request, ref)
    panel = await exercise.panel_of(challenge)
    given = panel_pages.blanks(panel, None, **typed)
    return show(
        request,
        "challenges/evaluators.html",
        status=given["form"].status,
        **await frame.around(request, challenge),
        panel=panel,
        candidates=await panels.candidates(panel.matter),
        minimum=policy.IN_FORCE.panels.evaluators_minimum,
        **given,
    )
