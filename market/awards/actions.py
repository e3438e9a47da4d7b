"""Evaluating opened bids, deciding lots, and answering complaints."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

import asyncpg
import msgspec
from msgspec import Meta

from market import clock, policy, workdays
from market.accounts.people import tell
from market.accounts.tables import Organisation
from market.actor import BUYER_ROLES, SUPPLIER_ROLES, Actor, Role
from market.audit.actions import record
from market.awards import evaluation, rules
from market.awards.evaluation import Evaluation, OpenBid
from market.awards.tables import Complained, Complaint, Decision, PriceQuestion, Seated
from market.bids.tables import OpenedBid
from market.budgets import counting
from market.budgets.rules import with_vat
from market.db import find, maybe, transaction
from market.panels import actions as panels
from market.panels import rules as panel_rules
from market.proof import canonical
from market.reads import rows
from market.refusals import NotFound, Refusal, Refused, insist, refusals
from market.standards.certificates import actions as certificates
from market.suppliers.rules import size_of
from market.tenders.evidence import bought, take_turns
from market.tenders.growth import at_its_price
from market.tenders.readers import candidate, published, reserves
from market.tenders.tables import Lot, Tender
from market.touch import binds
from market.wording import N_, _

Reason = Annotated[str, Meta(title=N_("Reason"), max_length=4000)]


class Explanation(msgspec.Struct, forbid_unknown_fields=True):
    """Why a price that looks abnormally low can be kept."""

    answer: Annotated[str, Meta(title=N_("Explanation"), max_length=8000)]


class SetAsideBid(msgspec.Struct, forbid_unknown_fields=True):
    """A bid (by reference) that is passed over, and why."""

    bid: Annotated[str, Meta(max_length=16)]
    reason: Reason


class DecisionDraft(msgspec.Struct, forbid_unknown_fields=True):
    """How a lot is decided: the reference of the bid that is awarded, or nothing to award it to nobody; the reasons, which
    all bidders read; and the bids ranked before it that are set aside."""

    reasons: Annotated[str, Meta(title=N_("Reasons"), max_length=8000)]
    winner: Annotated[str, Meta(title=N_("Award to"), max_length=16)] = ""
    set_aside: Annotated[list[SetAsideBid], Meta(max_length=100)] = []


class ComplaintDraft(msgspec.Struct, forbid_unknown_fields=True):
    """What a bidder holds to be wrong with a decision."""

    text: Annotated[str, Meta(title=N_("What is wrong with the decision"), min_length=20, max_length=8000)]


class ComplaintAnswer(msgspec.Struct, forbid_unknown_fields=True):
    """The buyer's answer, which is published. When the complaint is upheld the decision is set aside; with `mark_again` the
    panel's scores are unlocked, so that the lots not decided are scored anew."""

    upheld: Annotated[bool, Meta(title=N_("Is the complaint right"))]
    answer: Annotated[str, Meta(title=N_("Your answer"), max_length=8000)]
    mark_again: bool = False


class TakingBack(msgspec.Struct, forbid_unknown_fields=True):
    """Why the buyer takes a decision back on its own account."""

    reason: Reason
    mark_again: bool = False


# ── what concerns every action ──────────────────────────────────────────────────────────────────────────────────────────────────────


def ancestors(tender: Tender) -> list[str]:
    """What an award grew from, for the log's `about`: its tender, and the exercise the tender came from."""
    return [f"tender:{tender.ref}", *([f"challenge:{tender.exercise}"] if tender.exercise else [])]


def _secret(tender: Tender) -> str:
    """The seal on events of an evaluation that name people: it is never broken for the public."""
    return f"evaluation:tender:{tender.ref}"


# ── reading, and telling the panel ──────────────────────────────────────────────────────────────────────────────────


async def read_bid(actor: Actor, tender_ref: str, bid_ref: str) -> OpenBid:
    """Open a bid for oneself: an evaluator without a conflict, a buyer officer of the buyer, or an auditor. The first time is
    written into the log; the price is shown elsewhere, when the panel has handed in."""
    async with transaction():
        tender = await published(tender_ref)
        standing = await evaluation.of(tender)
        bid = standing.bid(bid_ref)
        hat = _reader(actor, standing)
        if bid is None or (hat is None and standing.panel.member(actor.person) is None):
            raise NotFound("Bid")
        if reasons := barred(actor, standing, bid):
            raise Refused(*reasons)
        await panels.write_down_reading(
            actor,
            "bid.read",
            bid.subject,
            partial(find, OpenedBid, OpenedBid.id == bid.id, lock=True),
            about=[f"tender:{tender.ref}"],
            organisation=hat.organisation_ref if hat else standing.buyer.ref,
            sealed_by=_secret(tender),
        )
    return bid


def barred(actor: Actor, standing: Evaluation, bid: OpenBid) -> list[Refusal]:
    """Why somebody on the panel may not read a bid; an officer or auditor who is not on it may."""
    if standing.panel.member(actor.person) is None:
        return []
    member, subject = panels.visible(actor, standing.panel, bid.subject)
    return refusals(panel_rules.READ, panel_rules.Marking(standing.panel.matter, member.seat, subject, {}))


def _reader(actor: Actor, standing: Evaluation) -> Any:
    return actor.wears(*BUYER_ROLES, organisation=standing.tender.buyer) or actor.wears("auditor")


async def tell_panels() -> int:
    """A job: when bids are open, write to the evaluators who were named before that they can begin. Answers how many were
    told."""
    opened = "SELECT ref, opened_at FROM tender WHERE opened_at IS NOT NULL AND cancelled_at IS NULL"
    return await panels.tell_next_begun("tender", opened, evaluation.panel)


async def mine(actor: Actor) -> list[Seated]:
    """The evaluations the actor is on the panel of, those that wait for her first."""
    return await rows(
        Seated,
        """
        SELECT t.ref, t.title, o.name AS buyer, t.closes_at, t.opened_at, t.cancelled_at,
          s.declared_at, s.locked_at, s.excused_at
        FROM seat s JOIN tender t ON s.panel = 'tender:' || t.ref JOIN organisation o ON o.id = t.buyer WHERE s.person = {}
        ORDER BY (s.locked_at IS NULL AND s.excused_at IS NULL) DESC, s.named_at DESC
        """,
        actor.person,
    )


# ── low prices ─────────────────────────────────────────────────────────────────────────────────────────────────────


def _low(standing: Evaluation, bid: OpenBid) -> str | None:
    if not standing.complete or bid.problem:
        return None
    lot = next(lot for lot in standing.lots if lot.id == bid.lot)
    return next((each.low for each in standing.ranking(lot).placed if each.bid == bid.ref), None)


async def ask_about_price(actor: Actor, tender_ref: str, bid_ref: str) -> PriceQuestion:
    """The buyer asks a bidder to explain a price that looks abnormally low."""
    async with transaction():
        tender = await published(tender_ref, lock=True)
        hat = actor.must_wear(*BUYER_ROLES, organisation=tender.buyer)
        standing = await evaluation.of(tender)
        bid = standing.bid(bid_ref)
        if bid is None:
            raise NotFound("Bid")
        low = _low(standing, bid)
        insist(
            rules.ASK,
            rules.Asking(tender, low, bid.lot in standing.decisions, standing.questions.get(bid.id), answer=""),
        )
        now = clock.now()
        question = PriceQuestion(
            bid=bid.id,
            asked_at=now,
            asked_by=actor.must_be_person(),
            answer_by=workdays.add_working_days(now, policy.IN_FORCE.award.low_reply_working_days),
        )
        await question.save()
        await tell(
            bid.supplier,
            "awards/low_price.txt",
            roles=SUPPLIER_ROLES,
            about=f"tender:{tender.ref}",
            tender=tender,
            bid=bid.ref,
            question=question,
        )
        await record(
            actor,
            "price.questioned",
            f"bid:{bid.ref}",
            about=[f"tender:{tender.ref}"],
            organisation=hat.organisation_ref,
            sealed_by=_secret(tender),
        )
    return question


async def explain_price(actor: Actor, tender_ref: str, bid_ref: str, given: Explanation) -> PriceQuestion:
    """The bidder explains its price."""
    async with transaction():
        tender = await published(tender_ref)
        standing = await evaluation.of(tender)
        bid = standing.bid(bid_ref)
        if bid is None:
            raise NotFound("Bid")
        hat = actor.must_wear(*SUPPLIER_ROLES, organisation=bid.supplier, secret=True)
        question = await maybe(PriceQuestion, PriceQuestion.bid == bid.id, lock=True)
        insist(rules.EXPLAIN, rules.Asking(tender, "", bid.lot in standing.decisions, question, given.answer))
        if question is None:
            raise NotFound("PriceQuestion")
        question.answer, question.answered_at = given.answer.strip(), clock.now()
        question.answered_by = actor.must_be_person()
        await question.save([PriceQuestion.answer, PriceQuestion.answered_at, PriceQuestion.answered_by])
        await tell(
            tender.buyer,
            "awards/price_explained.txt",
            roles=BUYER_ROLES,
            about=f"tender:{tender.ref}",
            tender=tender,
            bid=bid.ref,
            supplier=bid.supplier_name,
        )
        await record(
            actor,
            "price.explained",
            f"bid:{bid.ref}",
            private={"answer": question.answer},
            about=[f"tender:{tender.ref}"],
            organisation=hat.organisation_ref,
            sealed_by=_secret(tender),
        )
    return question


# ── deciding ───────────────────────────────────────────────────────────────────────────────────────────────────────


@binds(N_("award a lot"))
async def decide(actor: Actor, tender_ref: str, lot_ref: str, given: DecisionDraft) -> Decision:
    """The buyer decides a lot: it goes to the bid that ranks first by the published criteria, or to nobody.

    Every bidder of the lot gets a letter in the same transaction; the standstill begins with this day.
    """
    async with transaction():
        tender = await published(tender_ref, lock=True)
        hat = actor.must_wear(*BUYER_ROLES, organisation=tender.buyer)
        await take_turns(tender.ground_reference, tender.exercise)
        standing = await evaluation.of(tender)
        lot = standing.lot(lot_ref)
        if lot is None:
            raise NotFound("Lot")
        now = clock.now()
        set_aside = {each.bid: each.reason.strip() for each in given.set_aside}
        decided = lot.id in standing.decisions
        reckoned = standing.protocol(lot, set_aside) if standing.complete and not decided else None
        chosen = standing.bid(given.winner) if given.winner else None
        missing = (
            await certificates.problem(chosen.supplier, tender.profile, now, buyer=tender.buyer, tender=tender.ref)
            if chosen is not None
            else ""
        )
        asked = _deciding(standing, lot, reckoned, given, set_aside, missing)
        if chosen is not None:
            asked = replace(asked, gate=at_its_price(await candidate(tender.ref), lot.id, chosen.price.minor))
        insist(rules.DECIDE, asked)
        if reckoned is None:
            raise NotFound("Evaluation")
        winner = standing.bid(given.winner) if given.winner else None
        stored = canonical.encode(reckoned).decode()
        decision = Decision(
            tender=tender.id,
            lot=lot.id,
            winner=winner.id if winner else None,
            ranking=stored,
            reasons=given.reasons.strip(),
            decided_at=now,
            decided_by=actor.must_be_person(),
            standstill_ends_at=workdays.standstill_ends_at(now),
        )
        try:
            await decision.save()
        except asyncpg.UniqueViolationError as raced:
            raise rules.decided_once.refused(replace(asked, decided=True)) from raced
        await bought(lot.id, winner.price.minor if winner else 0)
        await _tell_all(standing, lot, decision, reckoned, winner)
        facts = await _facts(standing, lot, decision, reckoned, winner)
        if asked.gate is not None:
            facts |= {"gate": asked.gate.ground, "gate_reference": asked.gate.reference}
        await record(
            actor,
            "award.decided",
            f"award:{decision.ref}",
            facts,
            about=ancestors(tender),
            organisation=hat.organisation_ref,
            announce=[f"tender:{tender.ref}", *([f"supplier:{winner.supplier_ref}"] if winner else [])],
        )
        await counting.keep(
            actor,
            f"tender:{tender.ref}",
            f"lot:{lot.ref}",
            reserved=with_vat(winner.price.minor) if winner else 0,
            committed=0,
            cause="decided",
        )
    return decision


def _deciding(
    standing: Evaluation,
    lot: Lot,
    reckoned: dict[str, Any] | None,
    given: DecisionDraft,
    set_aside: dict[str, str],
    certificate: str,
) -> rules.Deciding:
    placed = reckoned["placed"] if reckoned else []
    ranked = [each["bid"] for each in placed if each["rank"] is not None]
    expected = reckoned["awarded"] if reckoned else ""
    low = [
        rules.Low(each["bid"], standing.questions.get(bid.id))
        for each in placed
        if each["low"] and each["bid"] in set_aside and (bid := standing.bid(each["bid"])) is not None
    ]
    return rules.Deciding(
        tender=standing.tender,
        decided=lot.id in standing.decisions,
        waiting=standing.panel.waiting(),
        bids=ranked,
        expected=expected,
        expected_name=next((str(each["name"]) for each in placed if each["bid"] == expected), ""),
        winner=given.winner,
        set_aside=set_aside,
        reasons=given.reasons,
        now=clock.arrived(),
        low=low,
        certificate=certificate,
        gate=None,
    )


async def _facts(
    standing: Evaluation, lot: Lot, decision: Decision, reckoned: dict[str, Any], winner: OpenBid | None
) -> dict[str, Any]:
    """What the public record says of a decision."""
    facts: dict[str, Any] = {
        "lot": lot.ref,
        "outcome": "awarded" if winner else "not-awarded",
        "bids": len(standing.bids_of(lot)),
        "set_aside": len(reckoned["set_aside"]),
        "ranking_sha256": hashlib.sha256(decision.ranking.encode()).hexdigest(),
        "standstill_ends_at": decision.standstill_ends_at.isoformat(),
    }
    if winner is None:
        return facts
    supplier = await find(Organisation, Organisation.id == winner.supplier)
    return facts | {
        "supplier": winner.supplier_ref,
        "total": next(each["total"] for each in reckoned["placed"] if each["bid"] == winner.ref),
        "price_minor": winner.price.minor,
        "currency": winner.price.currency,
        "sme": size_of(supplier).small,
    }


async def _tell_all(
    standing: Evaluation, lot: Lot, decision: Decision, reckoned: dict[str, Any], winner: OpenBid | None
) -> None:
    """Letters to everybody who bid for the lot: their own scores and reasons, and the winner's."""
    placed = {each["bid"]: each for each in reckoned["placed"]}
    best = placed.get(winner.ref) if winner else None
    for bid in standing.bids_of(lot):
        template = "awards/won.txt" if winner and bid.id == winner.id else "awards/lost.txt"
        await tell(
            bid.supplier,
            template if winner else "awards/not_awarded.txt",
            roles=SUPPLIER_ROLES,
            about=f"award:{decision.ref}",
            tender=standing.tender,
            buyer=standing.buyer,
            lot=lot,
            decision=decision,
            own=placed.get(bid.ref),
            best=best,
            problem=bid.problem,
            set_aside=reckoned["set_aside"].get(bid.ref, ""),
            ranked=sum(each["rank"] is not None for each in reckoned["placed"]),
            allotment=reckoned["allotment"],
        )


# ── after the decision ─────────────────────────────────────────────────────────────────────────────────────────────


async def bidders_of(decision: Decision) -> list[int]:
    """Who bid for the lot of a decision."""
    return await rows(int, "SELECT supplier FROM opened_bid WHERE lot = {} ORDER BY id", decision.lot)


async def winner_of(decision: Decision) -> Organisation | None:
    """The supplier a decision awards its lot to, None when to nobody."""
    if decision.winner is None:
        return None
    bid = await find(OpenedBid, OpenedBid.id == decision.winner)
    return await find(Organisation, Organisation.id == bid.supplier)


async def complaining(actor: Actor, decision: Decision) -> tuple[int | None, rules.Complaining]:
    """For which of her firms the actor can complain about a decision (None: for none), and what the rules are to judge."""
    mine = actor.organisations(*SUPPLIER_ROLES)
    firm = next((bidder for bidder in await bidders_of(decision) if bidder in mine), None)
    winner = await winner_of(decision)
    before = await maybe(Complaint, (Complaint.decision == decision.id) & (Complaint.supplier == (firm or 0)))
    won = winner is not None and winner.id == firm
    return firm, rules.Complaining(decision, firm is not None, won, before, clock.arrived())


async def complain(actor: Actor, award_ref: str, given: ComplaintDraft) -> Complaint:
    """A bidder complains within the standstill: no contract is drawn up until the complaint is answered."""
    actor.must_wear(*SUPPLIER_ROLES)
    async with transaction():
        decision = await find(Decision, Decision.ref == award_ref, lock=True)
        firm, facts = await complaining(actor, decision)
        insist(rules.COMPLAIN, facts)
        tender, lot = await find(Tender, Tender.id == decision.tender), await find(Lot, Lot.id == decision.lot)
        complaint = Complaint(
            decision=decision.id,
            supplier=firm,
            person=actor.must_be_person(),
            text=given.text.strip(),
            lodged_at=facts.now,
        )
        await complaint.save()
        about = f"award:{decision.ref}"
        common = {"tender": tender, "lot": lot, "decision": decision, "complaint": complaint}
        await tell(firm or 0, "awards/complaint_received.txt", roles=SUPPLIER_ROLES, about=about, **common)
        await tell(tender.buyer, "awards/complaint_lodged.txt", roles=BUYER_ROLES, about=about, **common)
        winner = await winner_of(decision)
        if winner is not None:
            await tell(winner.id, "awards/complaint_waits.txt", roles=SUPPLIER_ROLES, about=about, **common)
        await record(
            actor,
            "complaint.lodged",
            f"complaint:{complaint.ref}",
            {"lot": lot.ref},
            private={"text": complaint.text},
            about=[about, *ancestors(tender)],
            announce=[about],
        )
    return complaint


@binds(N_("answer a complaint about an award"))
async def answer_complaint(actor: Actor, award_ref: str, complaint_ref: str, given: ComplaintAnswer) -> Complaint:
    """The buyer answers: a complaint that is upheld sets the decision aside, one that is rejected lets it go on."""
    async with transaction():
        decision = await find(Decision, Decision.ref == award_ref, lock=True)
        tender = await find(Tender, Tender.id == decision.tender)
        hat = actor.must_wear(*BUYER_ROLES, organisation=tender.buyer)
        complaint = await find(
            Complaint, (Complaint.ref == complaint_ref) & (Complaint.decision == decision.id), lock=True
        )
        insist(rules.ANSWER, rules.Answering(decision, complaint, given.answer))
        lot = await find(Lot, Lot.id == decision.lot)
        complaint.answer, complaint.upheld = given.answer.strip(), given.upheld
        complaint.answered_at, complaint.answered_by = clock.now(), actor.must_be_person()
        await complaint.save([Complaint.answer, Complaint.upheld, Complaint.answered_at, Complaint.answered_by])
        about = f"award:{decision.ref}"
        common = {"tender": tender, "lot": lot, "decision": decision, "complaint": complaint}
        await tell(complaint.supplier, "awards/complaint_answered.txt", roles=SUPPLIER_ROLES, about=about, **common)
        winner = await winner_of(decision)
        if winner is not None and not given.upheld:
            await tell(winner.id, "awards/complaint_rejected.txt", roles=SUPPLIER_ROLES, about=about, **common)
        await record(
            actor,
            "complaint.answered",
            f"complaint:{complaint.ref}",
            {"upheld": given.upheld},
            private={"answer": complaint.answer},
            about=[about, *ancestors(tender)],
            organisation=hat.organisation_ref,
            announce=[about],
        )
        if given.upheld:
            reason = _("A complaint was upheld: {answer}", answer=complaint.answer)
            await _take_back(actor, hat.organisation_ref, tender, decision, reason, given.mark_again)
    return complaint


@binds(N_("set a decision aside"))
async def set_aside(actor: Actor, award_ref: str, given: TakingBack, roles: tuple[Role, ...] = BUYER_ROLES) -> Decision:
    """The buyer takes a decision back on its own account, for example because the winner no longer stands by its bid. The lot
    can then be decided again. `roles` are those of the buyer's people who may."""
    async with transaction():
        decision = await find(Decision, Decision.ref == award_ref, lock=True)
        tender = await find(Tender, Tender.id == decision.tender)
        hat = actor.must_wear(*roles, organisation=tender.buyer)
        insist(rules.SET_ASIDE, rules.SettingAside(decision, given.reason))
        await _take_back(actor, hat.organisation_ref, tender, decision, given.reason.strip(), given.mark_again)
    return decision


async def _take_back(
    actor: Actor, organisation: str, tender: Tender, decision: Decision, reason: str, mark_again: bool
) -> None:
    lot = await find(Lot, Lot.id == decision.lot)
    decision.set_aside_at, decision.set_aside_reason = clock.now(), reason
    await decision.save([Decision.set_aside_at, Decision.set_aside_reason])
    await bought(lot.id, None)
    if mark_again:
        standing = await evaluation.of(tender)
        await panels.unlock(standing.panel, "awards/mark_again.txt", tender=tender, lot=lot)
    for bidder in await bidders_of(decision):
        await tell(
            bidder,
            "awards/set_aside.txt",
            roles=SUPPLIER_ROLES,
            about=f"award:{decision.ref}",
            tender=tender,
            lot=lot,
            decision=decision,
        )
    await record(
        actor,
        "award.set-aside",
        f"award:{decision.ref}",
        {"lot": lot.ref, "marked_again": mark_again},
        private={"reason": reason},
        about=ancestors(tender),
        organisation=organisation,
        announce=[f"tender:{tender.ref}"],
    )
    await counting.keep(
        actor,
        f"tender:{tender.ref}",
        f"lot:{lot.ref}",
        reserved=reserves(lot),
        committed=0,
        cause="set-aside",
        as_far_as_there_is=True,
    )


async def open_complaints(decision: Decision) -> int:
    """How many complaints about a decision wait for an answer."""
    return int(await Complaint.count().where((Complaint.decision == decision.id) & Complaint.answered_at.is_null()))


async def complaints_of(decision: Decision) -> list[Complained]:
    """The complaints about a decision, oldest first."""
    return await rows(
        Complained,
        """
        SELECT c.ref, c.supplier, o.ref AS supplier_ref, o.name AS supplier_name, c.text, c.lodged_at, c.answer, c.upheld,
          c.answered_at
        FROM complaint c JOIN organisation o ON o.id = c.supplier WHERE c.decision = {} ORDER BY c.id
        """,
        decision.id,
    )


async def decisions_of(tender: Tender) -> list[Decision]:
    """Every decision about the lots of a tender, the set-aside ones too, oldest first."""
    return await Decision.objects().where(Decision.tender == tender.id).order_by(Decision.id)
