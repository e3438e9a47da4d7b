"""Evaluations, awards and complaints for people."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.params import FromPath
from msgspec import Meta

from market import clock
from market.accounts import guards
from market.accounts.tables import Organisation
from market.actor import SUPPLIER_ROLES, Actor
from market.audit.thread import thread
from market.awards import actions, evaluation, rules
from market.awards.readers import is_buyer, shown_reasons, standing_for
from market.awards.tables import Decision
from market.db import find
from market.panels import actions as panels
from market.panels import pages as panel_pages
from market.proof import canonical
from market.reads import the
from market.refusals import NotFound, refusals
from market.suppliers.rules import size_of
from market.tenders.readers import lots_of, published
from market.tenders.tables import Lot, Tender
from market.web import forms
from market.web.pages import Visitor, show, to
from market.wording import N_, _


class Nothing(msgspec.Struct):
    """A form of a button alone."""


class DecisionForm(msgspec.Struct):
    """The fields of a decision that are the same for every lot; reasons to set bids aside are read by the bids' names.
    `winner` is a bid's reference or “nobody”."""

    reasons: Annotated[str, Meta(title=N_("Reasons"), max_length=8000)]
    winner: Annotated[str, Meta(title=N_("Who is awarded the lot"), max_length=16)]


class EvaluationPages(Controller):
    """The evaluation of a tender: its panel, reading and marking bids, deciding its lots."""

    path = "/"
    include_in_schema = False

    @get("/evaluations", guards=[guards.signed_in])
    async def mine(self, request: Visitor) -> Response[bytes]:
        """The evaluations I take part in."""
        seats = [(seat, rules.standing_of_seat(seat)) for seat in await actions.mine(request.user)]
        return show(request, "awards/mine.html", seats=seats)

    @get("/tenders/{ref:str}/evaluation", guards=[guards.signed_in])
    async def standing(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """Who evaluates, how far they are, and what can be done now."""
        return await _standing(request, ref)

    @post("/tenders/{ref:str}/evaluation/panel", guards=[guards.buyer])
    async def name(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Name an evaluator."""
        form = await forms.read(request, panels.Naming)
        with form.acting():
            await panels.name(request.user, evaluation.panel(ref), form.data)
            return to(f"/tenders/{ref}/evaluation", _("The evaluator is named, and told by letter."))
        return await _standing(request, ref, naming=form)

    @post("/tenders/{ref:str}/evaluation/excuse", guards=[guards.buyer])
    async def excuse(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Excuse an evaluator."""
        form = await forms.read(request, panels.Excuse)
        with form.acting():
            await panels.excuse(request.user, evaluation.panel(ref), form.data)
            return to(f"/tenders/{ref}/evaluation", _("She is excused. Her marks do not count."))
        return await _standing(request, ref, excusing=form)

    @post("/tenders/{ref:str}/evaluation/declaration", guards=[guards.signed_in])
    async def declare(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Declare my interests."""
        form = await forms.read(request, panels.Declaration)
        with form.acting():
            await panels.declare(request.user, evaluation.panel(ref), form.data, form.version)
            return to(f"/tenders/{ref}/evaluation", _("Your declaration is kept. Now read and mark the bids."))
        return await _standing(request, ref, declaring=form)

    @post("/tenders/{ref:str}/evaluation/submit", guards=[guards.signed_in])
    async def submit(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Lock my marks."""
        form = await forms.read(request, Nothing)
        with form.acting():
            await panels.lock(request.user, evaluation.panel(ref))
            return to(f"/tenders/{ref}/evaluation", _("Your marks are handed in and locked. Thank you."))
        return await _standing(request, ref, submitting=form)

    @post("/tenders/{ref:str}/evaluation/consensus", guards=[guards.signed_in])
    async def explain(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Write down why the marks lie far apart."""
        form = await forms.read(request, panels.ConsensusDraft)
        with form.acting():
            await panels.explain(request.user, evaluation.panel(ref), form.data, form.version)
            return to(f"/tenders/{ref}/evaluation", _("What the panel says is kept."))
        return await _standing(request, ref, explaining=form)

    @get("/tenders/{ref:str}/evaluation/{bid:str}", guards=[guards.signed_in])
    async def bid(self, request: Visitor, ref: FromPath[str], bid: FromPath[str]) -> Response[bytes]:
        """One bid: its answers for those who have opened it, and my marks."""
        return await _bid(request, ref, bid, None)

    @post("/tenders/{ref:str}/evaluation/{bid:str}/read", guards=[guards.signed_in])
    async def read(self, request: Visitor, ref: FromPath[str], bid: FromPath[str]) -> Response[Any]:
        """Open a bid; that I did is written down."""
        await actions.read_bid(request.user, ref, bid)
        return to(f"/tenders/{ref}/evaluation/{bid}")

    @post("/tenders/{ref:str}/evaluation/{bid:str}", guards=[guards.signed_in])
    async def mark(self, request: Visitor, ref: FromPath[str], bid: FromPath[str]) -> Response[Any]:
        """Keep my marks of a bid."""
        standing, _member = await standing_for(request.user, ref)
        subject = standing.panel.matter.subject(f"bid:{bid}")
        if subject is None:
            raise NotFound("Bid")
        form = await panel_pages.read_marks(request, subject)
        with form.acting():
            marks = panel_pages.marks(form, subject)
            await panels.mark(request.user, evaluation.panel(ref), subject.ref, marks, form.version)
            return to(
                f"/tenders/{ref}/evaluation",
                _("Your marks of this bid are kept. You can change them until you hand in."),
            )
        return await _bid(request, ref, bid, form)

    @post("/tenders/{ref:str}/evaluation/{bid:str}/ask", guards=[guards.buyer])
    async def ask(self, request: Visitor, ref: FromPath[str], bid: FromPath[str]) -> Response[Any]:
        """Ask a bidder about a low price."""
        question = await actions.ask_about_price(request.user, ref, bid)
        lot = await the(
            str, "SELECT l.ref FROM opened_bid ob JOIN lot l ON l.id = ob.lot WHERE ob.id = {}", question.bid
        )
        return to(f"/tenders/{ref}/evaluation/lots/{lot}", _("The bidder is asked to explain its price."))

    @get("/tenders/{ref:str}/evaluation/lots/{lot:str}", guards=[guards.signed_in])
    async def lot(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[bytes]:
        """The ranking of a lot, and its decision."""
        return await _lot(request, ref, lot, forms.blank(DecisionForm))

    @post("/tenders/{ref:str}/evaluation/lots/{lot:str}", guards=[guards.buyer])
    async def decide(self, request: Visitor, ref: FromPath[str], lot: FromPath[str]) -> Response[Any]:
        """Decide a lot."""
        form = await forms.read(request, DecisionForm)
        with form.acting():
            decision = await actions.decide(request.user, ref, lot, _decision(form))
            return to(f"/awards/{decision.ref}", _("The lot is decided. Every bidder gets a letter with its scores."))
        return await _lot(request, ref, lot, form)

    @get("/tenders/{ref:str}/awards", guards=[guards.public])
    async def of_tender(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """What was decided about each lot of a tender."""
        tender = await published(ref)
        decisions = [
            (
                decision,
                await actions.winner_of(decision),
                rules.standing_of_decision(decision, await actions.open_complaints(decision), clock.now()),
            )
            for decision in await actions.decisions_of(tender)
        ]
        return show(
            request,
            "awards/of_tender.html",
            tender=tender,
            lots=await lots_of(tender),
            decisions=decisions,
            steps=await thread(f"tender:{ref}"),
        )


def _decision(form: forms.Form[DecisionForm]) -> actions.DecisionDraft:
    """The decision as typed: reasons to set a bid aside stand in `aside-B-…`."""
    aside = [
        actions.SetAsideBid(name.removeprefix("aside-"), str(value).strip())
        for name, value in form.values.items()
        if name.startswith("aside-") and str(value).strip()
    ]
    winner = "" if form.data.winner == "nobody" else form.data.winner
    return actions.DecisionDraft(form.data.reasons, winner, aside)


async def _standing(request: Visitor, ref: str, **typed: forms.Form[Any]) -> Response[bytes]:
    standing, member = await standing_for(request.user, ref)
    buyer = is_buyer(request.user, standing.tender)
    owed = standing.panel.waiting()
    given = panel_pages.blanks(standing.panel, member, **typed)
    return show(
        request,
        "awards/evaluation.html",
        status=given["form"].status,
        standing=standing,
        tender=standing.tender,
        panel=standing.panel,
        owed=owed,
        stands=rules.standing_of_evaluation(standing.tender, owed, len(standing.lots) - len(standing.decisions)),
        member=member,
        is_buyer=buyer,
        speaks=panels.speaks(request.user, standing.panel),
        insider=buyer or request.user.wears("auditor") is not None,
        candidates=await panels.candidates(standing.panel.matter) if buyer else [],
        **given,
    )


async def _bid(request: Visitor, ref: str, bid_ref: str, form: forms.Form[Any] | None) -> Response[bytes]:
    standing, member = await standing_for(request.user, ref)
    bid = standing.bid(bid_ref)
    subject = standing.panel.matter.subject(bid.subject) if bid else None
    if bid is None or subject is None:
        raise NotFound("Bid")
    blocked = actions.barred(request.user, standing, bid)
    locked = bool(member and member.seat.locked_at) or bool(subject.closed)
    given = panel_pages.marking(standing.panel, member, subject, form)
    return show(
        request,
        "awards/bid.html",
        status=given["form"].status,
        standing=standing,
        tender=standing.tender,
        lot=next(lot for lot in standing.lots if lot.id == bid.lot),
        bid=bid,
        blocked=blocked,
        has_read=not blocked and await panels.has_read(request.user, bid.subject),
        marking=member is not None and not blocked and not locked and not bid.problem,
        **given,
    )


async def _lot(request: Visitor, ref: str, lot_ref: str, form: forms.Form[DecisionForm]) -> Response[bytes]:
    standing, _member = await standing_for(request.user, ref, ranking=True)
    lot = standing.lot(lot_ref)
    if lot is None:
        raise NotFound("Lot")
    decided = standing.decisions.get(lot.id)
    reckoned = standing.protocol(lot, {}) if standing.complete and not decided else None
    protocol = canonical.decode(decided.ranking.encode()) if decided else reckoned
    return show(
        request,
        "awards/decide.html",
        status=form.status,
        standing=standing,
        tender=standing.tender,
        lot=lot,
        decided=decided,
        protocol=protocol,
        winners=_winners(protocol) if protocol else [],
        waiting=standing.panel.waiting(),
        questions={bid.ref: standing.questions.get(bid.id) for bid in standing.bids_of(lot)},
        is_buyer=is_buyer(request.user, standing.tender),
        form=form,
    )


def _winners(protocol: dict[str, Any]) -> list[tuple[str, ...]]:
    """Who may be awarded the lot, as choices: the ranked bids, and nobody."""
    ranked = [
        (
            bid["bid"],
            bid["name"],
            _("First by the published criteria")
            if bid["bid"] == protocol["awarded"]
            else _("Rank {rank}", rank=bid["rank"]),
        )
        for bid in protocol["placed"]
        if bid["rank"]
    ]
    return [*ranked, ("nobody", _("Nobody"))]


class AwardPages(Controller):
    """Decisions as everybody sees them, complaints about them, and questions about prices."""

    path = "/awards"
    include_in_schema = False

    @get("/{ref:str}", guards=[guards.public])
    async def one(self, request: Visitor, ref: FromPath[str]) -> Response[bytes]:
        """A decision: who, why, the ranking, the standstill, the complaints."""
        return await _award(request, ref)

    @post("/{ref:str}/complaint", guards=[guards.supplier])
    async def complain(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Complain about it."""
        form = await forms.read(request, actions.ComplaintDraft)
        with form.acting():
            await actions.complain(request.user, ref, form.data)
            return to(f"/awards/{ref}", _("Your complaint is lodged. No contract is drawn up until it is answered."))
        return await _award(request, ref, complaint=form)

    @post("/{ref:str}/complaint/{complaint:str}/answer", guards=[guards.buyer])
    async def answer(self, request: Visitor, ref: FromPath[str], complaint: FromPath[str]) -> Response[Any]:
        """Answer a complaint."""
        form = await forms.read(request, AnswerForm)
        with form.acting():
            given = actions.ComplaintAnswer(form.data.upheld == "yes", form.data.answer, form.data.mark_again)
            await actions.answer_complaint(request.user, ref, complaint, given)
            return to(f"/awards/{ref}", _("The complaint is answered, and who is concerned is told by letter."))
        return await _award(request, ref, answer=form)

    @post("/{ref:str}/set-aside", guards=[guards.buyer])
    async def set_aside(self, request: Visitor, ref: FromPath[str]) -> Response[Any]:
        """Take the decision back."""
        form = await forms.read(request, actions.TakingBack)
        with form.acting():
            await actions.set_aside(request.user, ref, form.data)
            return to(f"/awards/{ref}", _("The decision is set aside. Decide the lot again."))
        return await _award(request, ref, taking_back=form)

    @get("/prices/{bid:str}", guards=[guards.supplier])
    async def price(self, request: Visitor, bid: FromPath[str]) -> Response[bytes]:
        """What I am asked about my price."""
        return await _price(request, bid, forms.blank(actions.Explanation))

    @post("/prices/{bid:str}", guards=[guards.supplier])
    async def explain(self, request: Visitor, bid: FromPath[str]) -> Response[Any]:
        """Explain my price."""
        form = await forms.read(request, actions.Explanation)
        with form.acting():
            asked = await _asked(request.user, bid)
            await actions.explain_price(request.user, asked.tender_ref, asked.bid, form.data)
            return to(f"/awards/prices/{bid}", _("Your explanation is with the buyer."))
        return await _price(request, bid, form)


class AnswerForm(msgspec.Struct):
    """An answer to a complaint as the page asks for it: `upheld` is yes or no."""

    upheld: Annotated[str, Meta(title=N_("Your decision on the complaint"), pattern="^(yes|no)$")]
    answer: Annotated[str, Meta(title=N_("Your answer"), max_length=8000)]
    mark_again: bool = False


async def _award(request: Visitor, ref: str, **typed: forms.Form[Any]) -> Response[bytes]:
    decision = await find(Decision, Decision.ref == ref)
    tender = await find(Tender, Tender.id == decision.tender)
    buyer = is_buyer(request.user, tender)
    firm, facts = await actions.complaining(request.user, decision)
    given: dict[str, forms.Form[Any]] = {
        "complaint": forms.blank(actions.ComplaintDraft),
        "answer": forms.blank(AnswerForm),
        "taking_back": forms.blank(actions.TakingBack),
        **typed,
    }
    wrong = next(iter(typed.values()), given["complaint"])
    winner = await actions.winner_of(decision)
    complaints = await actions.complaints_of(decision)
    open_complaints = [complaint for complaint in complaints if complaint.answered_at is None]
    now = clock.now()
    protocol = canonical.decode(decision.ranking.encode())
    return show(
        request,
        "awards/one.html",
        status=wrong.status,
        decision=decision,
        tender=tender,
        lot=await find(Lot, Lot.id == decision.lot),
        buyer=await find(Organisation, Organisation.id == tender.buyer),
        winner=winner,
        small=size_of(winner) if winner else None,
        protocol=protocol,
        best=next((bid for bid in protocol["placed"] if winner and bid["supplier"] == winner.ref), None),
        shown=await shown_reasons(request.user, tender, decision),
        complaints=[(complaint, rules.standing_of_complaint(complaint)) for complaint in complaints],
        open=open_complaints,
        standing=rules.standing_of_decision(decision, len(open_complaints), now),
        firm=firm,
        may_complain=firm is not None and not refusals(rules.COMPLAIN, facts),
        is_buyer=buyer,
        manages=request.user.wears("buyer", "contract-manager", organisation=tender.buyer) is not None,
        overseer=request.user.wears("auditor") is not None,
        standstill=rules.in_standstill(decision, now),
        steps=await thread(f"award:{ref}"),
        form=wrong,
        **given,
    )


class PriceAsked(msgspec.Struct, frozen=True):
    """A question about a price, as its bidder reads it."""

    bid: str
    tender_ref: str
    title: str
    price_minor: int
    currency: str
    answer_by: datetime
    answer: str
    answered_at: datetime | None


async def _asked(actor: Actor, bid: str) -> PriceAsked:
    """The question about a price of one of the actor's firms; the bid by its envelope's reference or its own."""
    return await the(
        PriceAsked,
        """
        SELECT b.ref AS bid, t.ref AS tender_ref, t.title, ob.price_minor, ob.currency, q.answer_by, q.answer, q.answered_at
        FROM price_question q JOIN opened_bid ob ON ob.id = q.bid JOIN bid b ON b.id = ob.bid JOIN tender t ON t.id = ob.tender
        WHERE {} IN (b.ref, ob.ref) AND ob.supplier = ANY({}::int[])
        """,
        bid,
        actor.organisations(*SUPPLIER_ROLES),
    )


async def _price(request: Visitor, bid: str, form: forms.Form[actions.Explanation]) -> Response[bytes]:
    asked = await _asked(request.user, bid)
    return show(request, "awards/price.html", status=form.status, asked=asked, address=bid, form=form)
