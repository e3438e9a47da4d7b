"""Tenders for people: the list, one tender or its draft as a task list, its publication, and what follows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath, FromQuery

from market import dates, policy
from market.accounts import guards
from market.actor import SUPPLIER_ROLES
from market.audit.thread import decided, thread
from market.budgets.rules import NAMED, year_words
from market.db import find
from market.money import Money
from market.outages import actions as outages
from market.questions import actions as questions
from market.questions import pages as questions_pages
from market.refusals import Refusal, Rule, checklist, refusals
from market.reviews import rules as reviews
from market.reviews.readers import approvals_of
from market.rulings.readers import of_draft
from market.tenders import actions, cpv, facts, gate, method, readers, rules, value
from market.tenders.changes import proposals
from market.tenders.changes import words as changes
from market.tenders.drafts.whole import ready_of
from market.tenders.facts import Candidate
from market.tenders.listing import drafts_of, listed
from market.tenders.tables import Tender
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import _


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
        return show(request, "tenders/list.html", page=page, stage=stage, mine=await drafts_of(request.user))

    @get("/cpv", guards=[guards.public])
    async def codes(self, request: Visitor, q: FromQuery[str] = "") -> Response[bytes]:
        """Find the code for what is bought."""
        entries = [(entry, cpv.standing(entry.code)) for entry in cpv.search(q[:100], 40)]
        return show(request, "tenders/cpv.html", q=q[:100], found=entries)

    @get("/{ref:str}", guards=[guards.public], opt={"reading_is_an_event": True})
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """A published tender for everybody, a draft for those who may see it."""
        return await _tender(request, await readers.readable(request.user, ref))

    # ── publishing and what follows ──

    @post("/{ref:str}/publish", guards=[guards.buyer])
    async def publish(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Publish the tender; refused with every rule that does not hold."""
        form = forms.blank(Following)
        with form.acting():
            await actions.publish(request.user, ref)
            return to(f"/tenders/{ref}", _("The tender is published. Bids are taken from now on."))
        return await _tender(request, await readers.readable(request.user, ref), form)

    @post("/{ref:str}/commodity", guards=[guards.operator])
    async def propose_commodity(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Propose that the buyer's claim stands."""
        form = await forms.read(request, actions.Override)
        with form.acting():
            made = await actions.propose_commodity(request.user, ref, form.data)
            return to(f"/rulings/{made.ref}", _("Proposed. Somebody else confirms it; they are told by letter."))
        return await _tender(request, await readers.readable(request.user, ref), form)

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
        return await _tender(request, await readers.readable(request.user, ref), form)

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

    @get("/{ref:str}/cancel", guards=[guards.buyer])
    async def cancelling(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Before it is cancelled."""
        return await _cancelling(request, ref, forms.blank(actions.Ending))

    @post("/{ref:str}/cancel", guards=[guards.buyer])
    async def cancel(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Cancel it."""
        form = await forms.read(request, actions.Ending)
        with form.acting():
            await actions.cancel(request.user, ref, form.data)
            return to(f"/tenders/{ref}", _("The tender is cancelled, and those who follow it are told why."))
        return await _cancelling(request, ref, form)

    @post("/{ref:str}/follow", guards=[guards.supplier])
    async def follow(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Be written to when it changes, or no longer."""
        form = await forms.read(request, Following)
        await actions.follow(request.user, ref, form.data.wanted)
        now_on = _("We write to you when this tender changes.")
        return to(f"/tenders/{ref}", now_on if form.data.wanted else _("We no longer write to you about this."))


async def _own(request: Visitor, ref: str) -> facts.Tender:
    """A tender whose buyer the actor is; to others these pages do not exist."""
    tender = await readers.tender_of(ref)
    request.user.must_wear("buyer", organisation=tender.buyer, secret=True)
    return tender


async def _cancelling(request: Visitor, ref: str, form: forms.Form[actions.Ending]) -> Response[bytes]:
    tender = await _own(request, ref)
    row = await find(Tender, Tender.ref == ref)
    blocked = refusals(rules.CANCEL, row, bool(await decided([ref])))
    return show(request, "tenders/cancel.html", status=form.status, tender=tender, form=form, blocked=blocked)


async def _question(
    request: Visitor, ref: str, question: str, form: forms.Form[questions.AnswerDraft]
) -> Response[bytes]:
    return await questions_pages.answering(request, readers.topic_of(await _own(request, ref)), question, form)


async def _tender(request: Visitor, tender: facts.Tender, form: forms.Form[Any] | None = None) -> Response[bytes]:
    """The page of a tender: a draft's task list, or what the public reads."""
    candidate = await readers.candidate_of(tender)
    topic = readers.topic_of(tender)
    context: dict[str, Any] = {
        "tender": tender,
        "stage": rules.stage(tender, candidate.now),
        "standing": await readers.standing_of(candidate),
        "lots": [
            {
                "lot": lot,
                "value": Money(lot.value_minor, tender.currency),
                "codes": [(code, cpv.label(code)) for code in lot.cpv if cpv.known(code)],
                "criteria": candidate.criteria[lot.id],
            }
            for lot in candidate.lots
        ],
        "total": candidate.value,
        "worth": value.worth(candidate),
        "vat": policy.IN_FORCE.thresholds.vat_percent,
        "kind": value.kind_label(tender.contract_kind),
        "notice": value.notice(value.worth(candidate), tender.buyer_tier),
        "topic": topic,
        "asked": await questions.questions_shown(request.user, topic),
        "addenda": [
            {"at": each.at, "title": changes.title(each), "text": each.text, "said": changes.said(each, candidate)}
            for each in await readers.addenda_of(tender)
        ],
        "outages": await outages.moves_of(f"tender:{tender.ref}"),
        "steps": await thread(f"tender:{tender.ref}"),
        "is_buyer": request.user.wears("buyer", organisation=tender.buyer) is not None,
        "works": readers.works_for(request.user, tender),
        "form": form or forms.blank(questions.QuestionDraft),
    }
    if tender.published_at is None:
        return await _draft(request, candidate, context)
    supplier = request.user.wears(*SUPPLIER_ROLES) is not None
    proposed = await proposals.proposals_of(request.user, tender.ref) if context["is_buyer"] else []
    origin = gate.named(candidate)
    return show(
        request,
        "tenders/one.html",
        status=context["form"].status,
        **context,
        proposals=proposed,
        lines=readers.gate_lines(tender),
        origin=origin,
        stated=gate.follow_on(origin) if origin else None,
        method=method.stated(candidate),
        badge=await _badge(candidate),
        budget=(paid_from := candidate.naming.budget),
        budget_year=year_words(paid_from.year) if paid_from else "",
        approved=await approvals_of(f"tender:{tender.ref}"),
        supplier=supplier,
        follows=supplier and await readers.follows(request.user, tender),
    )


async def _badge(candidate: Candidate) -> dict[str, str]:
    """The line that answers the public's first question: why may this open?"""
    tender = candidate.tender
    reference = tender.ground_reference
    if tender.ground == "exercise":
        title = (await readers.titles_of([reference])).get(reference)
        text = _("Came from the exercise “{title}”.", title=title) if title else _("Came from an exercise.")
        return {"kind": "exercise", "text": text, "href": f"/challenges/{reference}", "link": _("See what was learnt")}
    if tender.ground == "waiver":
        text = _("No exercise came before this.")
        for waiver in candidate.evidence:
            if (waiver.ground, waiver.reference) == ("waiver", reference):
                day = dates.day(waiver.completed_at)
                text = _("No exercise came before this: waived by {name}, on {day}.", name=waiver.signed_by, day=day)
        return {
            "kind": "waiver",
            "text": text,
            "href": f"/waivers/{reference}",
            "link": _("Check the signature"),
        }
    if tender.ground == "commodity":
        return {"kind": "commodity", "text": tender.commodity_statement, "href": "#gate", "link": _("Why it may open")}
    if tender.ground == "below-threshold":
        line = next((line for line in readers.gate_lines(tender) if line.code == "value"), None)
        return {
            "kind": "not-bound",
            "text": line.says if line else _("Its value is below the threshold."),
            "href": "#gate",
            "link": _("Why it may open"),
        }
    return {
        "kind": "not-bound",
        "text": _("The rule that an exercise comes first binds central government; this buyer is not part of it."),
        "href": "#gate",
        "link": _("Why it may open"),
    }


def _state_of(reviewed: Sequence[tuple[Rule[Any], Refusal | None]], ours: Sequence[Rule[Any]], begun: bool) -> str:
    """How a task stands whose rules are these."""
    if not any(refusal for each, refusal in reviewed if each in ours):
        return "done"
    return "attention" if begun else "not-started"


async def _draft(request: Visitor, candidate: Candidate, context: dict[str, Any]) -> Response[bytes]:
    tender = candidate.tender
    ready = await ready_of(await find(Tender, Tender.ref == tender.ref))
    reviewed = checklist(reviews.PUBLISH, ready)
    checks = [*checklist(rules.PUBLISH, candidate), *reviewed]
    open_codes = {refusal.code for _rule, refusal in checks if refusal}
    here = f"/tenders/{tender.ref}" if context["is_buyer"] else None

    def task(text: str, path: str, started: bool, *blocking: str, hint: str | None = None) -> dict[str, Any]:
        missing = bool(open_codes & {f"tender.{code}" for code in blocking})
        state = ("attention" if started else "not-started") if missing else "done"
        return {"text": text, "href": f"{here}/{path}" if here else None, "state": state, "hint": hint}

    lots = "lots-missing", "lot-incomplete", "weights-wrong", "price-weight-wrong"
    origin = "innovation-first", "after-a-stop", "need-unsaid", "follow-on-exceeded", "commodity-statement-missing"
    planned = (
        "tendering-period-short",
        "questions-dates-wrong",
        "planned-notice-wrong",
        "urgency-unexplained",
        "contract-dates-wrong",
    )
    tasks = [
        task(
            _("What you want to buy"),
            "about",
            bool(tender.description),
            "description-missing",
            "kind-missing",
            "kind-wrong",
        ),
        task(
            _("Where it comes from"),
            "origin",
            bool(tender.exercise or tender.commodity_claimed or candidate.evidence),
            *origin,
            hint=_("An exercise, a waiver, a commodity, or a value below the threshold"),
        ),
        {**task(_("Lots and how bids are scored"), "lots/new", bool(candidate.lots), *lots), "href": "#lots"},
        task(
            _("Dates"),
            "dates",
            tender.closes_at is not None,
            *planned,
        ),
        task(_("Terms"), "terms", bool(tender.terms), "undivided-reason-missing", "lots-limit-wrong"),
        {
            **task(_("Budget"), "budget", candidate.naming.budget is not None),
            "state": "attention"
            if candidate.naming.budget and open_codes & {each.code for each in NAMED}
            else "done"
            if candidate.naming.budget
            else "not-started",
        },
        task(_("Opening officers"), "officers", bool(candidate.officers), "officers-missing"),
        {
            "text": _("See who has done this already"),
            "href": f"/search/similar/tender/{tender.ref}" if here else None,
            "state": _state_of(reviewed, reviews.LOOKING, ready.looked is not None),
            "hint": _("Published with your answer"),
        },
        {
            "text": _("A second person reads it"),
            "href": f"/reviews/tender/{tender.ref}" if context["works"] else None,
            "state": _state_of(reviewed, reviews.READING, bool(ready.steps)),
            "hint": _("Any later edit lets the approval lapse"),
        },
    ]
    asked = gate.ask(candidate)
    return show(
        request,
        "tenders/draft.html",
        status=context["form"].status,
        **context,
        tasks=tasks,
        checks=checks,
        ready=not open_codes,
        alike=[(each, Money(each.value_minor, tender.currency)) for each in await readers.alike_of(tender)],
        months=policy.IN_FORCE.thresholds.same_class_months,
        gate=asked,
        frozen=tender.waiver_asked,
        asks_waiver=asked.ground is None and not tender.waiver_asked and context["is_buyer"],
        confirms=request.user.wears("operator") is not None and tender.commodity_claimed,
        ruling=await of_draft(tender.ref) if tender.commodity_claimed else None,
        ground_characters=policy.IN_FORCE.rulings.ground_characters,
    )
