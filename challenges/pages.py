"""Challenges for people: the public list and page, drafting, applying, the panel, running it to its end, what was learnt."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery

from challenges import actions, judging, listing, methods, pitches, rules
from challenges.tables import Application, Challenge, Criterion, Pitch
from market import clock, policy, workdays
from market.accounts import guards
from market.accounts.tables import Organisation
from market.actor import SUPPLIER_ROLES, Actor
from market.audit.thread import happened, thread
from market.db import find, maybe
from market.missions import actions as missions
from market.missions.tables import Mission
from market.panels import actions as panels
from market.panels import pages as panel_pages
from market.panels import rules as panel_rules
from market.payments import actions as payments
from market.questions import actions as questions
from market.questions import pages as questions_pages
from market.refusals import NotFound, checklist, refusals
from market.tenders import cpv
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import N_, _

SECTIONS: dict[str, tuple[type[actions.Section], str]] = {
    "problem": (actions.Problem, N_("The problem")),
    "success": (actions.Success, N_("Success and scope")),
    "offer": (actions.Offer, N_("Fee, places and dates")),
    "terms": (actions.Terms, N_("Terms")),
    "subject": (actions.Subject, N_("Subject and standards")),
}
"""The parts of a draft that are one form each; criteria and evaluators are lists of their own."""

STAGES_SHOWN: tuple[tuple[str, str, tuple[rules.Stage, ...]], ...] = (
    ("open", N_("Open"), ("questions", "open")),
    ("running", N_("Being scored or pitching"), ("closed", "pitching")),
    ("ended", N_("Ended"), ("concluded", "cancelled")),
)
"""The filters of the public list: value, words, stages."""


class Nothing(msgspec.Struct):
    """A form of a button alone."""


async def _public(request: Visitor, ref: str) -> Challenge:
    challenge = await find(Challenge, Challenge.ref == ref)
    actions.may_see(request.user, challenge)
    return challenge


async def _run(request: Visitor, ref: str) -> Challenge:
    """For the buyer officer's pages."""
    challenge = await find(Challenge, Challenge.ref == ref)
    actions.must_run(request.user, challenge)
    return challenge


async def _frame(request: Visitor, challenge: Challenge) -> dict[str, Any]:
    """What every page about one challenge needs."""
    standing = rules.standing(challenge, clock.now())
    return {
        "challenge": challenge,
        "stage": standing.stage,
        "standing": standing,
        "fee": actions.fee(challenge),
        "buyer": await find(Organisation, Organisation.id == challenge.buyer),
        "runs": request.user.wears("buyer", organisation=challenge.buyer) is not None,
    }


async def _own(actor: Actor, challenge: Challenge) -> Application | None:
    """What the visitor's organisation sent to this challenge."""
    mine = actor.organisations(*SUPPLIER_ROLES)
    if not mine:
        return None
    return await maybe(Application, (Application.challenge == challenge.id) & Application.supplier.is_in(mine))


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
        return await _challenge(request, await _public(request, ref), forms.blank(questions.QuestionDraft))

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
        return await _challenge(request, await _public(request, ref), form)

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
    frame = await _frame(request, challenge)
    topic = actions.topic_of(challenge)
    decided = challenge.shortlisted_at is not None
    live = await actions.live_applications(challenge) if decided else []
    teams = await actions.names([each.supplier for each in live if each.shortlisted])
    report = await pitches.report_of(challenge)
    return show(
        request,
        "challenges/one.html",
        status=form.status,
        **frame,
        mission=await maybe(Mission, Mission.id == challenge.mission) if challenge.mission else None,
        method=methods.method(challenge.method) if methods.approved(challenge.method) else None,
        criteria=await actions.criteria_of(challenge),
        codes=[(code, cpv.label(code)) for code in challenge.cpv if cpv.known(code)],
        topic=topic,
        asked=await questions.questions_shown(request.user, topic),
        own=await _own(request.user, challenge),
        seat=await judging.seat(request.user, challenge),
        supplies=request.user.wears(*SUPPLIER_ROLES) is not None,
        applications=len(live) if decided else None,
        teams=sorted(teams.values(), key=lambda each: each.name),
        report=report if report and report.published_at else None,
        fee_days=policy.IN_FORCE.payments.pitch_fee_days,
        steps=await thread(f"challenge:{challenge.ref}"),
        form=form,
    )


async def _answering(
    request: Visitor, ref: str, question: str, form: forms.Form[questions.AnswerDraft]
) -> Response[bytes]:
    topic = actions.topic_of(await _run(request, ref))
    return await questions_pages.answering(request, topic, question, form)


# ── drafting ────────────────────────────────────────────────────────────────────────────────────────────────────────


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
        return await _tasks(request, ref, forms.blank(Nothing))

    @post("/{ref:str}/publish", guards=[guards.buyer])
    async def publish(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Publish, or show again what blocks it."""
        form = await forms.read(request, Nothing)
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

    @get("/{ref:str}/draft/{section:str}", guards=[guards.buyer])
    async def section(
        self, request: Visitor, ref: FromPath[str], section: FromPath[str], q: FromQuery[str | None] = None
    ) -> Response[bytes]:
        """One section with what is stored in it."""
        challenge = await _run(request, ref)
        kind, _title = _known(section)
        form = forms.stored(kind, challenge, **await actions.shown_in(challenge))
        return await _section(request, challenge, section, form, (q or "")[:200])

    @post("/{ref:str}/draft/{section:str}", guards=[guards.buyer])
    async def write(self, request: Visitor, ref: FromPath[str], section: FromPath[str]) -> Response[Any]:
        """Keep one section."""
        kind, title = _known(section)
        form = await forms.read(request, kind)
        with form.acting():
            await actions.edit(request.user, ref, form.data, form.version)
            return to(f"/challenges/{ref}/draft", _("{title} saved.", title=title))
        return await _section(request, await _run(request, ref), section, form, "")

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
    if section not in SECTIONS:
        raise NotFound("Section")
    kind, title = SECTIONS[section]
    return kind, _(title)


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
    challenge = await _run(request, ref)
    if challenge.published_at is not None:
        return to(f"/challenges/{ref}/manage")
    checks = checklist(rules.PUBLISH, await actions.facts(challenge, clock.now()))
    return show(
        request,
        "challenges/draft.html",
        status=form.status,
        **await _frame(request, challenge),
        tasks=_task_list(
            challenge,
            await actions.facts(challenge, clock.now()),
            await happened("draft.compared", f"challenge:{challenge.ref}"),
        ),
        checks=checks,
        similar=[
            each
            for each in await listing.reports()
            if each.challenge != challenge.ref and cpv.overlaps(challenge.cpv, each.cpv)
        ],
        form=form,
    )


def _task_list(challenge: Challenge, facts: rules.Draft, compared: bool) -> list[dict[str, Any]]:
    """Each section with its state: done when no rule of publication objects to one of its fields. Then what nobody is made
    to do: `compared` says whether the buyer looked at what others have done."""
    blamed = {refusal.field for _rule, refusal in checklist(rules.PUBLISH, facts) if refusal}
    found = []
    for name, (kind, title) in SECTIONS.items():
        fields = set(kind.__struct_fields__)
        begun = any(getattr(challenge, field) for field in fields - {"method", "title"})
        state = "done" if not fields & blamed else "attention" if begun else "not-started"
        found.append({"text": _(title), "href": f"/challenges/{challenge.ref}/draft/{name}", "state": state})
    criteria = "attention" if facts.criteria else "not-started"
    panel = "attention" if facts.panel else "not-started"
    found.append(
        {
            "text": _("Scoring criteria"),
            "href": f"/challenges/{challenge.ref}/draft/criteria",
            "state": criteria if {"criteria", "weight"} & blamed else "done",
        }
    )
    found.append(
        {
            "text": _("Evaluators"),
            "href": f"/challenges/{challenge.ref}/evaluators",
            "state": panel if "person" in blamed else "done",
        }
    )
    found.append(
        {
            "text": _("See who has done this already"),
            "href": f"/search/similar/challenge/{challenge.ref}",
            "state": "done" if compared else "not-started",
            "hint": _("Published with your answer"),
        }
    )
    return found


async def _section(
    request: Visitor, challenge: Challenge, section: str, form: forms.Form[Any], q: str
) -> Response[bytes]:
    chosen = form.values.get("cpv", [])
    codes = [chosen] if isinstance(chosen, str) else list(chosen)
    hits = [(each.code, f"{each.label} ({each.code})") for each in cpv.search(q, 12)] if q else []
    return show(
        request,
        "challenges/section.html",
        status=form.status,
        **await _frame(request, challenge),
        section=section,
        heading=_(SECTIONS[section][1]),
        missions=await _mission_options(),
        methods=_method_options(),
        codes=[(code, f"{cpv.label(code)} ({code})" if cpv.known(code) else code) for code in codes],
        hits=[hit for hit in hits if hit[0] not in codes],
        q=q,
        places_minimum=policy.IN_FORCE.challenges.places_minimum,
        applying_days=policy.IN_FORCE.challenges.applying_days,
        form=form,
    )


async def _criteria(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    challenge = await _run(request, ref)
    criteria: list[Criterion] = await actions.criteria_of(challenge)
    frame = await _frame(request, challenge)
    return show(
        request,
        "challenges/criteria.html",
        status=form.status,
        **frame,
        criteria=criteria,
        total=sum(each.weight for each in criteria),
        form=form,
    )


async def _evaluators(request: Visitor, ref: str, **typed: forms.Form[Any]) -> Response[bytes]:
    challenge = await _run(request, ref)
    panel = await actions.panel_of(challenge)
    given = panel_pages.blanks(panel, None, **typed)
    return show(
        request,
        "challenges/evaluators.html",
        status=given["form"].status,
        **await _frame(request, challenge),
        panel=panel,
        candidates=await panels.candidates(panel.matter),
        minimum=policy.IN_FORCE.panels.evaluators_minimum,
        **given,
    )


# ── applying ────────────────────────────────────────────────────────────────────────────────────────────────────────


class ApplicationPages(Controller):
    """Applying, and a supplier's own applications."""

    include_in_schema = False

    @get("/challenges/{ref:str}/apply", guards=[guards.supplier])
    async def form(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """An empty application, or the way to the one there is."""
        challenge = await _public(request, ref)
        own = await _own(request.user, challenge)
        if own is not None and rules.applies_once(own):
            return to(f"/applications/{own.ref}")
        return await _applying(request, challenge, forms.stored(actions.ApplicationDraft, own), None)

    @post("/challenges/{ref:str}/apply", guards=[guards.supplier])
    async def apply(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Send the application."""
        form = await forms.read(request, actions.ApplicationDraft)
        with form.acting():
            row = await actions.apply(request.user, ref, form.data)
            return to(f"/applications/{row.ref}", _("Your application has arrived. The receipt is in your letters."))
        return await _applying(request, await _public(request, ref), form, None)

    @get("/applications", guards=[guards.supplier])
    async def mine(self, request: Visitor) -> Response[bytes]:
        """What my organisation sent, and where each stands."""
        rows = await actions.applications_by(request.user.organisations(*SUPPLIER_ROLES))
        found = [await _progress(row) for row in rows]
        buyers = await actions.names([each["challenge"].buyer for each in found])
        return show(request, "challenges/applications.html", rows=found, buyers=buyers)

    @get("/applications/{ref:str}", guards=[guards.signed_in], reading_is_an_event=True)
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """An application as this reader may see it; the reading is written down unless it is her own."""
        reading = await judging.read(request.user, ref)
        return await _application(request, reading, 200)

    @get("/applications/{ref:str}/change", guards=[guards.supplier])
    async def change_form(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The application as it was sent, to be changed."""
        row, challenge = await _mine(request, ref)
        return await _applying(request, challenge, forms.stored(actions.ApplicationDraft, row), row)

    @post("/applications/{ref:str}/change", guards=[guards.supplier])
    async def change(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Replace what was sent."""
        form = await forms.read(request, actions.ApplicationDraft)
        with form.acting():
            await actions.change(request.user, ref, form.data, form.version)
            return to(f"/applications/{ref}", _("Your application is changed. The new receipt is in your letters."))
        row, challenge = await _mine(request, ref)
        return await _applying(request, challenge, form, row)

    @post("/applications/{ref:str}/withdraw", guards=[guards.supplier])
    async def withdraw(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take it back."""
        row = await actions.withdraw(request.user, ref)
        return to(f"/applications/{row.ref}", _("Your application is withdrawn."))


async def _mine(request: Visitor, ref: str) -> tuple[Application, Challenge]:
    row = await find(Application, Application.ref == ref)
    request.user.must_wear(*SUPPLIER_ROLES, organisation=row.supplier, secret=True)
    return row, await find(Challenge, Challenge.id == row.challenge)


async def _applying(
    request: Visitor, challenge: Challenge, form: forms.Form[Any], row: Application | None
) -> Response[bytes]:
    return show(
        request,
        "challenges/apply.html",
        status=form.status,
        **await _frame(request, challenge),
        criteria=await actions.criteria_of(challenge),
        application=row,
        late=rules.stage(challenge, clock.now()) not in rules.TAKING,
        form=form,
    )


async def _progress(row: Application) -> dict[str, Any]:
    """One of a supplier's applications with its challenge and what comes next."""
    challenge = await find(Challenge, Challenge.id == row.challenge)
    stage = rules.stage(challenge, clock.now())
    pitch = await pitches.pitch_of(row)
    owed = await payments.of_cause(f"pitch:{pitch.ref}") if pitch is not None else None
    if row.withdrawn_at is not None:
        word, tone, when, label = _("Withdrawn"), "grey", row.withdrawn_at, _("Withdrawn")
    elif stage in rules.TAKING:
        word, tone, when, label = _("Sent"), "green", challenge.closes_at, _("Change it until")
    elif stage == "closed":
        word, tone, when, label = _("Being scored"), "amber", challenge.decision_by, _("Decision by")
    elif owed is not None and owed.paid_at is not None:
        word, tone, when, label = _("Pitched and paid"), "green", owed.paid_at, _("Paid")
    elif pitch is not None and pitch.delivered_at is not None:
        word, tone, when, label = (
            _("Pitched, fee owed"),
            "amber",
            workdays.pitch_fee_due_at(pitch.delivered_at),
            _("Fee due"),
        )
    elif pitch is not None and pitch.missed_at is not None:
        word, tone, when, label = _("Pitch not given"), "red", pitch.missed_at, _("Marked")
    elif row.shortlisted and stage == "pitching" and pitch is not None:
        at = pitch.scheduled_at or challenge.pitches_by
        word, tone, when, label = _("Invited to pitch"), "teal", at, _("Pitch") if pitch.scheduled_at else _("Pitch by")
    elif stage == "cancelled":
        word, tone, when, label = _("Cancelled"), "red", challenge.cancelled_at, _("Cancelled")
    else:
        word, tone, when, label = _("Not short-listed"), "grey", challenge.shortlisted_at, _("Decided")
    return {
        "application": row,
        "challenge": challenge,
        "stage": stage,
        "pitch": pitch,
        "owed": owed,
        "word": word,
        "tone": tone,
        "when": when,
        "label": label,
        "fee": actions.fee(challenge),
    }


async def _application(request: Visitor, reading: judging.Reading, status: int) -> Response[bytes]:
    row, challenge = reading.application, reading.challenge
    taken = reading.sees == "own" and not refusals(rules.APPLY, challenge, clock.now())
    progress = await _progress(row)
    return show(
        request,
        "challenges/application.html",
        status=status,
        **await _frame(request, challenge),
        application=row,
        sees=reading.sees,
        supplier=reading.supplier,
        progress=progress,
        feedback=await judging.feedback(challenge, row) if reading.sees != "panel" else [],
        note=judging.note_of(await actions.panel_of(challenge)) if challenge.shortlisted_at else "",
        digest=actions.digest(row),
        may_change=taken and not rules.is_not_withdrawn(row),
        may_again=taken and not rules.applies_once(row),
        fee_due=workdays.pitch_fee_due_at(progress["pitch"].delivered_at)
        if progress["pitch"] and progress["pitch"].delivered_at
        else None,
        evaluators=policy.IN_FORCE.panels.evaluators_minimum,
    )


# ── the panel ───────────────────────────────────────────────────────────────────────────────────────────────────────


class PanelPages(Controller):
    """An evaluator's work: declare, mark, hand in."""

    path = "/challenges/{ref:str}/panel"
    include_in_schema = False

    @get("/", guards=[guards.buying_side])
    async def panel(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """What is next: wait, declare, mark, hand in."""
        return await _panel(request, ref)

    @post("/declaration", guards=[guards.buying_side])
    async def declare(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Declare one's interests."""
        form = await forms.read(request, panels.Declaration)
        with form.acting():
            await panels.declare(request.user, judging.panel(ref), form.data, form.version)
            return to(
                f"/challenges/{ref}/panel", _("Your declaration is kept. These are the applications you may mark.")
            )
        return await _panel(request, ref, declaring=form)

    @post("/submit", guards=[guards.buying_side])
    async def submit(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Lock one's marks."""
        form = await forms.read(request, Nothing)
        with form.acting():
            await panels.lock(request.user, judging.panel(ref))
            return to(f"/challenges/{ref}/panel", _("Your marks are handed in and locked. Thank you."))
        return await _panel(request, ref, submitting=form)

    @post("/consensus", guards=[guards.buying_side])
    async def explain(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Write down why the marks lie far apart: a member on the panel's page, an officer without a seat on hers."""
        form = await forms.read(request, panels.ConsensusDraft)
        seat = await judging.seat(request.user, await _public(request, ref))
        with form.acting():
            await panels.explain(request.user, judging.panel(ref), form.data, form.version)
            return to(f"/challenges/{ref}/{'panel' if seat else 'manage'}", _("What the panel says is kept."))
        if seat:
            return await _panel(request, ref, explaining=form)
        return await _manage(request, ref, explaining=form)

    @get("/{application:str}", guards=[guards.buying_side], reading_is_an_event=True)
    async def application(self, request: Visitor, ref: FromPath[str], application: FromPath[str]) -> Response[bytes]:
        """An application under its alias, with a mark and a reason for each criterion."""
        return await _marking(request, ref, application, None)

    @post("/{application:str}", guards=[guards.buying_side])
    async def mark(self, request: Visitor, ref: FromPath[str], application: FromPath[str]) -> Response[Any]:
        """Keep the marks."""
        panel = await actions.panel_of(await _public(request, ref))
        _member, subject = panels.visible(request.user, panel, f"application:{application}")
        form = await panel_pages.read_marks(request, subject)
        with form.acting():
            marks = panel_pages.marks(form, subject)
            await panels.mark(request.user, judging.panel(ref), subject.ref, marks, form.version)
            return to(f"/challenges/{ref}/panel", _("Your marks are kept. You can change them until you hand in."))
        return await _marking(request, ref, application, form)


async def _panel(request: Visitor, ref: str, **typed: forms.Form[Any]) -> Response[bytes]:
    challenge = await _public(request, ref)
    panel = await actions.panel_of(challenge)
    member = panels.seated(request.user, panel)
    given = panel_pages.blanks(panel, member, **typed)
    return show(
        request,
        "challenges/panel.html",
        status=given["form"].status,
        **await _frame(request, challenge),
        panel=panel,
        member=member,
        speaks=panels.speaks(request.user, panel),
        applications={f"application:{each.ref}": each for each in await actions.live_applications(challenge)},
        **given,
    )


async def _marking(request: Visitor, ref: str, application: str, form: forms.Form[Any] | None) -> Response[bytes]:
    reading = await judging.read(request.user, application)
    challenge, member = reading.challenge, reading.member
    panel = await actions.panel_of(challenge)
    subject = panel.matter.subject(f"application:{application}")
    if reading.sees != "panel" or member is None or subject is None or challenge.ref != ref:
        raise NotFound("Application")
    given = panel_pages.marking(panel, member, subject, form)
    return show(
        request,
        "challenges/mark.html",
        status=given["form"].status,
        **await _frame(request, challenge),
        application=reading.application,
        locked=member.seat.locked_at is not None,
        **given,
    )


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
        form = await forms.read(request, Nothing)
        with form.acting():
            await judging.shortlist(request.user, ref)
            return to(
                f"/challenges/{ref}/manage", _("The short list is made. Everybody who applied was told by letter.")
            )
        return await _manage(request, ref, listing=form)

    @get("/pitches/{pitch:str}", guards=[guards.buying_side])
    async def pitch(self, request: Visitor, ref: FromPath[str], pitch: FromPath[str]) -> Response[bytes]:
        """One pitch: arrange it, mark it."""
        return await _pitch(request, ref, pitch, None)

    @post("/pitches/{pitch:str}/schedule", guards=[guards.buyer])
    async def schedule(self, request: Visitor, ref: FromPath[str], pitch: FromPath[str]) -> Response[Any]:
        """Arrange it."""
        form = await forms.read(request, pitches.Schedule)
        with form.acting():
            await pitches.schedule(request.user, pitch, form.data, form.version)
            return to(f"/challenges/{ref}/pitches/{pitch}", _("The pitch is arranged. The team was told by letter."))
        return await _pitch(request, ref, pitch, form)

    @post("/pitches/{pitch:str}/deliver", guards=[guards.buying_side])
    async def deliver(self, request: Visitor, ref: FromPath[str], pitch: FromPath[str]) -> Response[Any]:
        """Mark it as delivered: the fee is owed."""
        form = await forms.read(request, pitches.Delivery)
        with form.acting():
            await pitches.deliver(request.user, pitch, form.data)
            return to(f"/challenges/{ref}/pitches/{pitch}", _("The pitch is delivered. Its fee is owed from now on."))
        return await _pitch(request, ref, pitch, form)

    @post("/pitches/{pitch:str}/miss", guards=[guards.buyer])
    async def miss(self, request: Visitor, ref: FromPath[str], pitch: FromPath[str]) -> Response[Any]:
        """Write down that it was not given."""
        form = await forms.read(request, actions.Because)
        with form.acting():
            await pitches.miss(request.user, pitch, form.data.reason)
            return to(f"/challenges/{ref}/pitches/{pitch}", _("It is written down that the pitch was not given."))
        return await _pitch(request, ref, pitch, form)

    @get("/report", guards=[guards.buyer])
    async def report(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The insight report as far as it is written."""
        row = await pitches.report_of(await _run(request, ref))
        return await _reporting(request, ref, forms.stored(pitches.ReportDraft, row))

    @post("/report", guards=[guards.buyer])
    async def write_report(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep the report."""
        form = await forms.read(request, pitches.ReportDraft)
        with form.acting():
            await pitches.write_report(request.user, ref, form.data, form.version)
            return to(f"/challenges/{ref}/manage", _("The report is saved. It is published when you conclude."))
        return await _reporting(request, ref, form)

    @get("/conclude", guards=[guards.buyer])
    async def ending(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """What still blocks the conclusion, and the decision."""
        return await _concluding(request, ref, forms.blank(pitches.Conclusion))

    @post("/conclude", guards=[guards.buyer])
    async def conclude(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Go, change or stop."""
        form = await forms.read(request, pitches.Conclusion)
        with form.acting():
            await pitches.conclude(request.user, ref, form.data)
            return to(f"/challenges/{ref}", _("The challenge is concluded and its insight report is public."))
        return await _concluding(request, ref, form)

    @get("/cancel", guards=[guards.buyer])
    async def cancelling(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Ask why before it is cancelled."""
        return await _cancelling(request, ref, forms.blank(actions.Because))

    @post("/cancel", guards=[guards.buyer])
    async def cancel(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Cancel it."""
        form = await forms.read(request, actions.Because)
        with form.acting():
            await actions.cancel(request.user, ref, form.data.reason)
            return to(f"/challenges/{ref}", _("The challenge is cancelled. Everybody who applied was told why."))
        return await _cancelling(request, ref, form)


async def _manage(request: Visitor, ref: str, **typed: forms.Form[Any]) -> Response[Any]:
    challenge = await _run(request, ref)
    if challenge.published_at is None:
        return to(f"/challenges/{ref}/draft")
    closed = rules.stage(challenge, clock.now()) == "closed"
    decided = challenge.shortlisted_at is not None
    live = await actions.live_applications(challenge) if closed or decided else []
    firms = await actions.names([each.supplier for each in live]) if decided else {}
    heard = await pitches.pitches_of(challenge)
    panel = await actions.panel_of(challenge)
    given = panel_pages.blanks(panel, None, **typed)
    topic = actions.topic_of(challenge)
    return show(
        request,
        "challenges/manage.html",
        status=given["form"].status,
        **await _frame(request, challenge),
        panel=panel,
        speaks=panels.speaks(request.user, panel),
        checks=checklist(panel_rules.READY, panel.readiness()) if closed else [],
        count=len(live) if closed or decided else None,
        ranking=sorted(((each, firms[each.supplier]) for each in live), key=lambda pair: (pair[0].rank, pair[1].name))
        if decided
        else [],
        pitches=[(each, firms[each.supplier], pitches.heard(each)) for each in heard if each.supplier in firms],
        report=await pitches.report_of(challenge),
        topic=topic,
        asked=[row for row in await questions.questions_about(topic.record) if row.answered_at is None],
        **given,
    )


async def _pitch(request: Visitor, ref: str, pitch: str, form: forms.Form[Any] | None) -> Response[bytes]:
    challenge = await _public(request, ref)
    request.user.must_wear("buyer", "evaluator", organisation=challenge.buyer, secret=True)
    row = await find(Pitch, (Pitch.ref == pitch) & (Pitch.challenge == challenge.id))
    arranging = form if form and form.kind is pitches.Schedule else forms.stored(pitches.Schedule, row)
    now = clock.now()
    return show(
        request,
        "challenges/pitch.html",
        status=form.status if form else 200,
        **await _frame(request, challenge),
        pitch=row,
        heard=pitches.heard(row),
        team=await find(Organisation, Organisation.id == row.supplier),
        fee_days=policy.IN_FORCE.payments.pitch_fee_days,
        owed=await payments.of_cause(f"pitch:{row.ref}"),
        arranging=arranging,
        may_deliver=not refusals(rules.DELIVER, challenge, row, now),
        may_arrange=not refusals(rules.SCHEDULE, challenge, row, now),
        may_miss=not refusals(rules.MISS, challenge, row, now),
        form=form or arranging,
    )


async def _reporting(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    challenge = await _run(request, ref)
    return show(request, "challenges/report.html", status=form.status, **await _frame(request, challenge), form=form)


async def _concluding(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    challenge = await _run(request, ref)
    return show(
        request,
        "challenges/conclude.html",
        status=form.status,
        **await _frame(request, challenge),
        checks=checklist(rules.READY, await pitches.ending(challenge)),
        shut=rules.keeps_the_gate_shut(challenge, await pitches.delivered(challenge)),
        form=form,
    )


async def _cancelling(request: Visitor, ref: str, form: forms.Form[Any]) -> Response[bytes]:
    challenge = await _run(request, ref)
    return show(request, "challenges/cancel.html", status=form.status, **await _frame(request, challenge), form=form)


# ── what was learnt ─────────────────────────────────────────────────────────────────────────────────────────────────


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
        report, challenge = await pitches.report(ref)
        return show(
            request,
            "insights/one.html",
            **{**await _frame(request, challenge), "standing": pitches.learnt(report, challenge)},
            report=report,
            codes=[(code, cpv.label(code)) for code in challenge.cpv if cpv.known(code)],
            steps=await thread(f"challenge:{challenge.ref}"),
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
        if not methods.approved(code):
            raise NotFound("Method")
        run = [each for each in await listing.published() if each.method == code]
        return show(
            request,
            "methods/one.html",
            method=methods.method(code),
            paid={code: _(words) for code, words in PAID.items()},
            rows_of=run[:20],
        )
