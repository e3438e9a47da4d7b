"""Tenders for people: the list, one tender, a draft as a task list, its sections, its opening officers."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery

from market import clock, policy, workdays
from market.accounts import guards
from market.accounts.people import holders
from market.accounts.tables import Organisation, Person
from market.actor import SUPPLIER_ROLES
from market.audit.thread import happened, thread
from market.db import find, maybe
from market.missions import actions as missions
from market.missions.tables import Mission
from market.money import Money
from market.questions import actions as questions
from market.questions import pages as questions_pages
from market.refusals import checklist
from market.standards.profiles import actions as standards
from market.tenders import actions, cpv, gate, rules
from market.tenders.listing import listed, standings
from market.tenders.tables import Lot, LotCriterion, Tender
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


class Named(msgspec.Struct):
    """A person chosen from a list, by her reference."""

    person: str


class Copied(msgspec.Struct):
    """The lot whose criteria are copied, by its reference."""

    source: str


class Following(msgspec.Struct):
    """Whether to be written to."""

    wanted: bool = False


class TenderPages(Controller):
    """Everything about tenders before bids are opened."""

    path = "/tenders"
    include_in_schema = False

    @get("/", guards=[guards.public])
    async def index(self, request: Visitor, stage: FromQuery[str] = "", after: FromQuery[str] = "") -> Response[bytes]:
        """Published tenders, those that close soonest first."""
        page = await listed(stage, after)
        mine = await actions.drafts_of(request.user)
        drafts = await standings([each.ref for each in mine])
        return show(request, "tenders/list.html", page=page, stage=stage, mine=mine, drafts=drafts)

    @get("/cpv", guards=[guards.public])
    async def codes(self, request: Visitor, q: FromQuery[str] = "") -> Response[bytes]:
        """Find the code for what is bought."""
        found = [(entry, cpv.standing(entry.code)) for entry in cpv.search(q[:100], 40)]
        return show(request, "tenders/cpv.html", q=q[:100], found=found)

    @get("/new", guards=[guards.buyer])
    async def new(self, request: Visitor, exercise: FromQuery[str] = "") -> Response[bytes]:
        """An empty draft, or one carried over from a concluded exercise."""
        body = await _body(request)
        values: dict[str, Any] = {"cpv": []}
        if exercise:
            carried = await actions.carried_over(body, exercise)
            values = {
                "title": carried.title,
                "cpv": carried.cpv,
                "mission": carried.mission,
                "exercise": carried.exercise,
            }
        return await _beginning(request, body, forms.blank(actions.NewTender, **values))

    @post("/new", guards=[guards.buyer])
    async def create(self, request: Visitor) -> Response[Any]:
        """Keep the draft and go on to its task list."""
        body = await _body(request)
        form = await forms.read(request, actions.NewTender)
        with form.acting():
            tender = await actions.draft(request.user, body.id, form.data)
            return to(f"/tenders/{tender.ref}", _("The draft is saved. Nobody outside your organisation sees it."))
        return await _beginning(request, body, form)

    @get("/{ref:str}", guards=[guards.public], opt={"reading_is_an_event": True})
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """A published tender for everybody, a draft for those who may see it."""
        return await _tender(request, await actions.readable(request.user, ref))

    # ── sections of a draft ──

    @get("/{ref:str}/about", guards=[guards.buyer])
    async def about(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """What is bought."""
        tender = await _own(request, ref)
        form = forms.stored(actions.About, tender, **await actions.shown_about(tender))
        return await _section(request, tender, "about", form)

    @post("/{ref:str}/about", guards=[guards.buyer])
    async def describe(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep what is bought."""
        form = await forms.read(request, actions.About)
        with form.acting():
            await actions.describe(request.user, ref, form.data, form.version)
            return to(f"/tenders/{ref}", _("What you want to buy is saved."))
        return await _section(request, await _own(request, ref), "about", form)

    @get("/{ref:str}/origin", guards=[guards.buyer])
    async def origin(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Where it comes from."""
        tender = await _own(request, ref)
        return await _section(request, tender, "origin", forms.stored(actions.Origin, tender))

    @post("/{ref:str}/origin", guards=[guards.buyer])
    async def explain(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep where it comes from."""
        form = await forms.read(request, actions.Origin)
        with form.acting():
            await actions.explain_origin(request.user, ref, form.data, form.version)
            return to(f"/tenders/{ref}", _("Where it comes from is saved."))
        return await _section(request, await _own(request, ref), "origin", form)

    @get("/{ref:str}/dates", guards=[guards.buyer])
    async def dates(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The dates."""
        tender = await _own(request, ref)
        return await _section(request, tender, "dates", forms.stored(actions.Dates, tender))

    @post("/{ref:str}/dates", guards=[guards.buyer])
    async def set_dates(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep the dates."""
        form = await forms.read(request, actions.Dates)
        with form.acting():
            await actions.set_dates(request.user, ref, form.data, form.version)
            return to(f"/tenders/{ref}", _("The dates are saved."))
        return await _section(request, await _own(request, ref), "dates", form)

    @get("/{ref:str}/terms", guards=[guards.buyer])
    async def terms(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """The terms."""
        tender = await _own(request, ref)
        return await _section(request, tender, "terms", forms.stored(actions.Terms, tender))

    @post("/{ref:str}/terms", guards=[guards.buyer])
    async def set_terms(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep the terms."""
        form = await forms.read(request, actions.Terms)
        with form.acting():
            await actions.set_terms(request.user, ref, form.data, form.version)
            return to(f"/tenders/{ref}", _("The terms are saved."))
        return await _section(request, await _own(request, ref), "terms", form)

    # ── lots and criteria ──

    @get("/{ref:str}/lots/new", guards=[guards.buyer])
    async def new_lot(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """An empty lot."""
        tender = await _own(request, ref)
        form = forms.blank(actions.LotDraft, cpv=tender.cpv, sme_suitable=True)
        return await _section(request, tender, "lot", form, lot=None)

    @post("/{ref:str}/lots/new", guards=[guards.buyer])
    async def add_lot(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Keep the lot and go on to its criteria."""
        form = await forms.read(request, actions.LotDraft)
        with form.acting():
            lot = await actions.add_lot(request.user, ref, form.data)
            return to(
                f"/tenders/{ref}/lots/{lot.ref}",
                _("Lot {number} is added. Now say how bids are scored.", number=lot.number),
            )
        return await _section(request, await _own(request, ref), "lot", form, lot=None)

    @get("/{ref:str}/lots/{lot:str}", guards=[guards.buyer])
    async def lot(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[bytes]:
        """A lot with its criteria."""
        return await _lot(request, ref, lot, forms.blank(actions.CriterionDraft))

    @get("/{ref:str}/lots/{lot:str}/edit", guards=[guards.buyer])
    async def edit_lot(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[bytes]:
        """What a lot is."""
        tender = await _own(request, ref)
        row = await find(Lot, (Lot.ref == lot) & (Lot.tender == tender.id))
        return await _section(request, tender, "lot", forms.stored(actions.LotDraft, row), lot=row)

    @post("/{ref:str}/lots/{lot:str}/edit", guards=[guards.buyer])
    async def revise_lot(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[Any]:
        """Keep what a lot is."""
        form = await forms.read(request, actions.LotDraft)
        with form.acting():
            row = await actions.revise_lot(request.user, lot, form.data, form.version)
            return to(f"/tenders/{ref}/lots/{lot}", _("Lot {number} is saved.", number=row.number))
        tender = await _own(request, ref)
        row = await find(Lot, (Lot.ref == lot) & (Lot.tender == tender.id))
        return await _section(request, tender, "lot", form, lot=row)

    @post("/{ref:str}/lots/{lot:str}/drop", guards=[guards.buyer])
    async def drop_lot(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[Any]:
        """Take a lot out."""
        await actions.drop_lot(request.user, lot)
        return to(f"/tenders/{ref}", _("The lot is taken out; the others moved up."))

    @post("/{ref:str}/lots/{lot:str}/criteria", guards=[guards.buyer])
    async def add_criterion(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[Any]:
        """Add a criterion."""
        form = await forms.read(request, actions.CriterionDraft)
        with form.acting():
            await actions.add_criterion(request.user, lot, form.data)
            return to(f"/tenders/{ref}/lots/{lot}", _("The criterion is added."))
        return await _lot(request, ref, lot, form)

    @post("/{ref:str}/lots/{lot:str}/criteria/{criterion:str}/drop", guards=[guards.buyer])
    async def drop_criterion(
        self, request: Visitor, ref: FromPath[str], lot: FromPath[str], criterion: FromPath[str]
    ) -> Response[Any]:
        """Take a criterion out."""
        await actions.drop_criterion(request.user, criterion)
        return to(f"/tenders/{ref}/lots/{lot}", _("The criterion is taken out."))

    @post("/{ref:str}/lots/{lot:str}/copy", guards=[guards.buyer])
    async def copy(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[Any]:
        """Take the criteria of another lot."""
        form = await forms.read(request, Copied)
        await actions.copy_criteria(request.user, lot, form.data.source)
        return to(f"/tenders/{ref}/lots/{lot}", _("The criteria are copied."))

    # ── opening officers ──

    @get("/{ref:str}/officers", guards=[guards.buying_side])
    async def officers(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Who opens the bids."""
        return await _officers(request, ref, forms.blank(Named))

    @post("/{ref:str}/officers", guards=[guards.buyer])
    async def name_officer(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Name one."""
        form = await forms.read(request, Named)
        with form.acting():
            await actions.name_officer(request.user, ref, form.data.person)
            return to(
                f"/tenders/{ref}/officers", _("The opening officer is named, and asked by letter to make her code.")
            )
        return await _officers(request, ref, form)

    @post("/{ref:str}/officers/{person:str}/drop", guards=[guards.buyer])
    async def drop_officer(self, request: Visitor, ref: FromPath[str], person: FromPath[str]) -> Response[Any]:
        """Take one off."""
        await actions.drop_officer(request.user, ref, person)
        return to(f"/tenders/{ref}/officers", _("The opening officer is taken off."))

    @post("/{ref:str}/officers/enrol", guards=[guards.buying_side])
    async def enrol(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Make my code and show it, this once. Not a redirect: a second address would have to know the code."""
        secret = await actions.enrol(request.user, ref)
        tender = await find(Tender, Tender.ref == ref)
        shown = show(request, "tenders/code.html", tender=tender, code=secret.code)
        shown.headers["cache-control"] = "no-store"
        return shown

    # ── publishing and what follows ──

    @post("/{ref:str}/publish", guards=[guards.buyer])
    async def publish(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Publish the tender; refused with every rule that does not hold."""
        form = forms.blank(Following)
        with form.acting():
            await actions.publish(request.user, ref)
            return to(f"/tenders/{ref}", _("The tender is published. Bids are taken from now on."))
        return await _tender(request, await actions.readable(request.user, ref), form)

    @post("/{ref:str}/commodity", guards=[guards.operator])
    async def confirm_commodity(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Let the buyer's claim stand."""
        form = await forms.read(request, actions.Override)
        with form.acting():
            await actions.confirm_commodity(request.user, ref, form.data)
            return to(f"/tenders/{ref}", _("The buyer's statement stands. Your reason is published with the tender."))
        return await _tender(request, await actions.readable(request.user, ref), form)

    @post("/{ref:str}/questions", guards=[guards.supplier])
    async def ask(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Ask a question."""
        form = await forms.read(request, questions.QuestionDraft)
        with form.acting():
            await actions.ask(request.user, ref, form.data)
            return to(
                f"/tenders/{ref}#questions",
                _(
                    "Your question is with the buyer. It is published with its answer, without your name; we write "
                    "to you then."
                ),
            )
        return await _tender(request, await actions.readable(request.user, ref), form)

    @get("/{ref:str}/questions/{question:str}", guards=[guards.buyer])
    async def question(self, request: Visitor, ref: FromPath[str], question: FromPath[str]) -> Response[bytes]:
        """A question to be answered."""
        return await _question(request, ref, question, forms.blank(questions.AnswerDraft))

    @post("/{ref:str}/questions/{question:str}", guards=[guards.buyer])
    async def answer(self, request: Visitor, ref: FromPath[str], question: FromPath[str]) -> Response[Any]:
        """Answer it."""
        form = await forms.read(request, questions.AnswerDraft)
        with form.acting():
            await actions.answer(request.user, ref, question, form.data)
            return to(
                f"/tenders/{ref}#questions",
                _("Question and answer are public. Whoever asked or follows the tender is told by letter."),
            )
        return await _question(request, ref, question, form)

    @get("/{ref:str}/change", guards=[guards.buyer])
    async def change(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Add a change."""
        return await _section(request, await _own(request, ref), "change", forms.blank(actions.Change))

    @post("/{ref:str}/change", guards=[guards.buyer])
    async def add_change(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Publish the change."""
        form = await forms.read(request, actions.Change)
        with form.acting():
            await actions.change(request.user, ref, form.data)
            return to(
                f"/tenders/{ref}#changes", _("The change is published, and those who follow the tender are told.")
            )
        return await _section(request, await _own(request, ref), "change", form)

    @get("/{ref:str}/cancel", guards=[guards.buyer])
    async def cancelling(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Before it is cancelled."""
        return await _section(request, await _own(request, ref), "cancel", forms.blank(actions.Ending))

    @post("/{ref:str}/cancel", guards=[guards.buyer])
    async def cancel(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Cancel it."""
        form = await forms.read(request, actions.Ending)
        with form.acting():
            await actions.cancel(request.user, ref, form.data)
            return to(f"/tenders/{ref}", _("The tender is cancelled, and those who follow it are told why."))
        return await _section(request, await _own(request, ref), "cancel", form)

    @post("/{ref:str}/follow", guards=[guards.supplier])
    async def follow(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Be written to when it changes, or no longer."""
        form = await forms.read(request, Following)
        await actions.follow(request.user, ref, form.data.wanted)
        said = (
            _("We write to you when this tender changes.")
            if form.data.wanted
            else _("We no longer write to you about this.")
        )
        return to(f"/tenders/{ref}", said)


async def _body(request: Visitor) -> Organisation:
    """The body the buyer drafts for: hers; with several, the one she first joined."""
    hat = request.user.must_wear("buyer")
    return await find(Organisation, Organisation.id == hat.organisation)


async def _own(request: Visitor, ref: str) -> Tender:
    """A tender whose buyer the actor is; to others these pages do not exist."""
    tender = await find(Tender, Tender.ref == ref)
    request.user.must_wear("buyer", organisation=tender.buyer, secret=True)
    return tender


async def _beginning(request: Visitor, body: Organisation, form: forms.Form[actions.NewTender]) -> Response[bytes]:
    return show(
        request,
        "tenders/new.html",
        status=form.status,
        form=form,
        body=body,
        exercises=await _exercises(body),
        missions=await _missions(),
    )


async def _missions() -> list[tuple[str, str]]:
    return [(each.ref, each.title) for each in await missions.published()]


async def _exercises(body: Organisation) -> list[tuple[str, str]]:
    found = await actions.exercises_for(body)
    titles = await actions.titles_of([each.reference for each in found])
    return [(each.reference, f"{titles.get(each.reference, each.reference)} ({each.reference})") for each in found]


async def _section(request: Visitor, tender: Tender, name: str, form: forms.Form[Any], **facts: Any) -> Response[bytes]:
    """One section of a draft, or one act on a published tender, as a page with a form."""
    body = await find(Organisation, Organisation.id == tender.buyer)
    lots = await actions.lots_of(tender)
    context: dict[str, Any] = {
        "tender": tender,
        "form": form,
        "lots": lots,
        "minimum_days": policy.IN_FORCE.tendering.minimum_days(),
        "standstill_days": policy.IN_FORCE.award.standstill_working_days,
        "days_after_change": policy.IN_FORCE.tendering.days_left_after_change,
        **facts,
    }
    if name == "about":
        context["missions"] = await _missions()
    if name == "origin":
        candidate = await actions.candidate(tender)
        context |= {
            "exercises": await _exercises(body),
            "gate": gate.ask(candidate),
            "verdict": gate.is_commodity(candidate.codes),
            "central": body.tier == "central",
        }
    if name == "terms":
        context["profiles"] = [
            (standards.label(each), f"{each.title}, {each.version}") for each in await standards.published()
        ]
        context["offered_limit"] = policy.IN_FORCE.award.lots_limit(len(lots)) if len(lots) > 1 else None
    return show(request, f"tenders/{name}.html", status=form.status, **context)


async def _lot(request: Visitor, ref: str, lot: str, form: forms.Form[actions.CriterionDraft]) -> Response[bytes]:
    tender = await _own(request, ref)
    row = await find(Lot, (Lot.ref == lot) & (Lot.tender == tender.id))
    others = [each for each in await actions.lots_of(tender) if each.id != row.id]
    found = await actions.criteria_of([row, *others])
    return show(
        request,
        "tenders/criteria.html",
        status=form.status,
        tender=tender,
        lot=row,
        value=Money(row.value_minor, tender.currency),
        codes=[(code, cpv.label(code)) for code in row.cpv if cpv.known(code)],
        criteria=found[row.id],
        total=sum(each.weight for each in found[row.id]),
        sources=[
            (each.ref, _("Lot {number}: {title}", number=each.number, title=each.title))
            for each in others
            if found[each.id]
        ],
        bounds=policy.IN_FORCE.award,
        form=form,
    )


async def _officers(request: Visitor, ref: str, form: forms.Form[Named]) -> Response[bytes]:
    tender = await find(Tender, Tender.ref == ref)
    request.user.must_wear(*actions.BUYING_SIDE, organisation=tender.buyer, secret=True)
    named = await actions.officers_of(tender)
    people = {each.id: each for each in await holders(tender.buyer)}
    rows = []
    for officer in named:
        known = people.get(officer.person)
        name = known.name if known else (await find(Person, Person.id == officer.person)).name
        rows.append({"officer": officer, "name": name, "ref": known.ref if known else ""})
    able = await holders(tender.buyer, *actions.BUYING_SIDE)
    taken = {officer.person for officer in named}
    return show(
        request,
        "tenders/officers.html",
        status=form.status,
        form=form,
        tender=tender,
        officers=rows,
        me=next((each for each in named if each.person == request.user.person), None),
        able=[(each.ref, each.name) for each in able if each.id not in taken],
        needed=policy.IN_FORCE.tendering.opening_officers_minimum,
        is_buyer=request.user.wears("buyer", organisation=tender.buyer) is not None,
    )


async def _question(
    request: Visitor, ref: str, question: str, form: forms.Form[questions.AnswerDraft]
) -> Response[bytes]:
    topic = actions.topic_of(await _own(request, ref))
    return await questions_pages.answering(request, topic, question, form)


async def _tender(request: Visitor, tender: Tender, form: forms.Form[Any] | None = None) -> Response[bytes]:
    """The page of a tender: a draft's task list, or what the public reads."""
    found = await actions.candidate(tender)
    mine = actions.works_for(request.user, tender)
    context: dict[str, Any] = {
        "tender": tender,
        "buyer": found.buyer,
        "mission": await maybe(Mission, Mission.id == tender.mission) if tender.mission else None,
        "stage": rules.stage(tender, found.now),
        "standing": (await standings([tender.ref]))[tender.ref],
        "lots": [_lot_shown(tender, lot, found.criteria.get(lot.id, ())) for lot in found.lots],
        "total": found.value,
        "codes": [(code, cpv.label(code)) for code in found.codes if cpv.known(code)],
        "topic": (topic := actions.topic_of(tender)),
        "asked": await questions.questions_shown(request.user, topic),
        "addenda": await actions.addenda_of(tender),
        "steps": await thread(f"tender:{tender.ref}"),
        "mine": mine,
        "is_buyer": request.user.wears("buyer", organisation=tender.buyer) is not None,
        "form": form or forms.blank(questions.QuestionDraft),
    }
    if tender.published_at is None:
        context["compared"] = await happened("draft.compared", f"tender:{tender.ref}")
        return _draft(request, found, context)
    supplier = request.user.wears(*SUPPLIER_ROLES) is not None
    context |= {
        "lines": actions.gate_lines(tender),
        "method": found.method,
        "badge": await _badge(tender, found),
        "supplier": supplier,
        "follows": supplier and await actions.follows(request.user, tender),
    }
    return show(request, "tenders/one.html", status=context["form"].status, **context)


def _lot_shown(tender: Tender, lot: Lot, criteria: Any) -> dict[str, Any]:
    return {
        "lot": lot,
        "value": Money(lot.value_minor, tender.currency),
        "codes": [(code, cpv.label(code)) for code in lot.cpv if cpv.known(code)],
        "criteria": list[LotCriterion](criteria),
    }


async def _badge(tender: Tender, found: rules.Candidate) -> dict[str, str | None]:
    """The line that answers the public's first question: why may this open?"""
    reference = tender.ground_reference
    if tender.ground == "exercise":
        title = (await actions.titles_of([reference])).get(reference)
        text = _("Came from the exercise “{title}”.", title=title) if title else _("Came from an exercise.")
        return {"kind": "exercise", "text": text, "href": f"/challenges/{reference}", "link": _("See what was learnt")}
    if tender.ground == "waiver":
        signed = next(
            (each for each in found.evidence if each.ground == "waiver" and each.reference == reference), None
        )
        text = _("No exercise came before this.")
        if signed:
            day = _day(signed.completed_at)
            text = _("No exercise came before this: waived by {name}, on {day}.", name=signed.signed_by, day=day)
        return {
            "kind": "waiver",
            "text": text,
            "href": f"/waivers/{reference}",
            "link": _("Check the signature"),
        }
    if tender.ground == "commodity":
        return {"kind": "commodity", "text": tender.commodity_statement, "href": "#gate", "link": _("Why it may open")}
    return {
        "kind": "not-bound",
        "text": _("The rule that an exercise comes first binds central government; this buyer is not part of it."),
        "href": "#gate",
        "link": _("Why it may open"),
    }


def _day(moment: Any) -> str:
    day = workdays.local_day(moment)
    return f"{day.day} {day:%B %Y}"


def _draft(request: Visitor, found: rules.Candidate, context: dict[str, Any]) -> Response[bytes]:
    tender = found.tender
    checks = checklist(rules.PUBLISH, found)
    open_codes = {refusal.code for _rule, refusal in checks if refusal}
    here = f"/tenders/{tender.ref}" if context["is_buyer"] else None

    def task(text: str, path: str, started: bool, *blocking: str, hint: str | None = None) -> dict[str, Any]:
        missing = bool(open_codes & {f"tender.{each}" for each in blocking})
        state = ("attention" if started else "not-started") if missing else "done"
        return {"text": text, "href": f"{here}/{path}" if here else None, "state": state, "hint": hint}

    lots = "lots-missing", "lot-incomplete", "weights-wrong", "price-weight-wrong"
    tasks = [
        task(_("What you want to buy"), "about", bool(tender.description), "description-missing"),
        task(
            _("Where it comes from"),
            "origin",
            bool(tender.exercise or tender.commodity_claimed or found.evidence),
            "innovation-first",
            "commodity-statement-missing",
            hint=_("An exercise, a waiver, or a commodity"),
        ),
        {**task(_("Lots and how bids are scored"), "lots/new", bool(found.lots), *lots), "href": "#lots"},
        task(
            _("Dates"),
            "dates",
            tender.closes_at is not None,
            "tendering-period-short",
            "questions-dates-wrong",
            "contract-dates-wrong",
        ),
        task(_("Terms"), "terms", bool(tender.terms), "undivided-reason-missing", "lots-limit-wrong"),
        task(_("Opening officers"), "officers", bool(found.officers), "officers-missing"),
        {
            "text": _("See who has done this already"),
            "href": f"/search/similar/tender/{tender.ref}" if here else None,
            "state": "done" if context["compared"] else "not-started",
            "hint": _("Published with your answer"),
        },
    ]
    asked = gate.ask(found)
    return show(
        request,
        "tenders/draft.html",
        status=context["form"].status,
        **context,
        tasks=tasks,
        checks=checks,
        ready=not open_codes,
        gate=asked,
        frozen=tender.waiver_asked,
        asks_waiver=asked.ground is None and not tender.waiver_asked and context["is_buyer"],
        confirms=request.user.wears("operator") is not None and tender.commodity_claimed,
        now=clock.now(),
    )
