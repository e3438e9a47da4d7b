"""Panels, scores, decisions and complaints through their actions, on a real database with bids opened for real."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from market import clock, workdays
from market.audit.proofs import public_log, verify_log
from market.audit.tables import Event
from market.awards import actions, evaluation
from market.awards.actions import (
    ComplaintAnswer,
    ComplaintDraft,
    DecisionDraft,
    Explanation,
    SetAsideBid,
    TakingBack,
)
from market.awards.tables import Complaint, Decision
from market.db import find
from market.letters.tables import Letter
from market.panels import actions as panels
from market.proof import canonical
from market.refusals import NotFound, Refused
from market.tenders.tables import Tender
from tests import given, given_awards, given_tenders
from tests.given_awards import WHY

pytestmark = pytest.mark.usefixtures("clean")


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


async def subjects(about: str) -> list[str]:
    return sorted(row["subject"] for row in await Letter.select(Letter.subject).where(Letter.about == about))


async def test_a_lot_is_evaluated_and_awarded_and_everybody_hears_why() -> None:
    case, decision = await given_awards.awarded(5_000_000, 4_000_000)
    kept = canonical.decode(decision.ranking.encode())
    assert [(each["name"], each["rank"], each["total"]) for each in kept["placed"]] == [
        ("Heron Ltd", 1, 8800),
        ("Kestrel Ltd", 2, 8000),
    ]
    assert decision.standstill_ends_at == workdays.standstill_ends_at(decision.decided_at)
    event = await Event.objects().get(Event.verb == "award.decided")
    assert event is not None
    assert event.about == [f"award:{decision.ref}", f"tender:{case.ref}"]
    facts = canonical.decode(event.body.encode())
    assert (facts["supplier"], facts["total"], facts["bids"], facts["price_minor"], facts["sme"]) == (
        case.suppliers[1].ref,
        8800,
        2,
        4_000_000,
        True,
    )
    won = await Letter.objects().get((Letter.person == case.firms[1].ref) & Letter.subject.like("You won%"))
    lost = await Letter.objects().get(Letter.subject.like("You did not win%"))
    assert won is not None
    assert lost is not None
    assert (won.person, lost.person) == (case.firms[1].ref, case.firms[0].ref)
    for said in ("Total: 80.00 of 100 points, rank 2.", "Total: 88.00 of 100 points, rank 1.", "A sound answer", WHY):
        assert said in lost.text
    assert "Kestrel" not in won.text


async def test_an_evaluator_named_before_the_opening_is_told_when_the_bids_are_open() -> None:
    there = await given_tenders.published()
    evaluator = await given.person(there.buyer, "evaluator")
    late = await given.person(there.buyer, "evaluator")
    ref = there.tender.ref
    await panels.name(there.officer, evaluation.panel(ref), panels.Naming(evaluator.ref))
    assert await actions.tell_panels() == 0
    await given_tenders.opened(there)
    with clock.at(there.tender.closes_at + timedelta(hours=2)):
        with pytest.raises(Refused) as wordless:
            await panels.name(there.officer, evaluation.panel(ref), panels.Naming(late.ref))
        assert codes(wordless) == ["panel.late-unexplained"]
        await panels.name(there.officer, evaluation.panel(ref), panels.Naming(late.ref, "There are more bids."))
        assert (await actions.tell_panels(), await actions.tell_panels()) == (1, 0)
    told = await Letter.select(Letter.person).where(Letter.subject.like("The bids to % are open: declare%"))
    assert [each["person"] for each in told] == [evaluator.ref]


async def test_nobody_learns_a_price_before_everybody_has_submitted() -> None:
    case = await given_awards.opened()
    first, second = await given_awards.panel(case)
    with clock.at(case.opened_at + timedelta(days=1)):
        for bid in case.bids.values():
            await given_awards.mark(first, case, bid, given_awards.marks(case, 70))
        await given_awards.lock(first, case)
        tender = await find(Tender, Tender.ref == case.ref)
        assert not (await evaluation.of(tender)).complete
        for bid in case.bids.values():
            await given_awards.mark(second, case, bid, given_awards.marks(case, 70))
        await given_awards.lock(second, case)
        assert (await evaluation.of(tender)).complete
    assert "All marks are in: decide about Inspecting bridges by drone" in await subjects(f"tender:{case.ref}")


async def test_who_declares_an_interest_reads_no_bid_of_that_firm() -> None:
    case = await given_awards.opened()
    (evaluator, _) = await given_awards.panel(case, conflicts={0: [case.suppliers[0].ref]})
    with clock.at(case.opened_at + timedelta(hours=2)):
        with pytest.raises(Refused) as refused:
            await actions.read_bid(evaluator, case.ref, case.bids[0, 0])
        assert codes(refused) == ["panel.interest-declared"]
        await actions.read_bid(evaluator, case.ref, case.bids[1, 0])


async def test_reading_a_bid_is_written_down_once_and_never_shown_to_the_public() -> None:
    case = await given_awards.opened()
    (evaluator, _) = await given_awards.panel(case)
    with clock.at(case.opened_at + timedelta(hours=2)):
        for _ in range(2):
            bid = await actions.read_bid(evaluator, case.ref, case.bids[0, 0])
        assert list(bid.answers.values()) == ["We have done this before."] * 2
        await actions.read_bid(case.buyer, case.ref, case.bids[0, 0])
        for stranger in (case.firms[1], await given.person(await given.organisation(), "buyer")):
            with pytest.raises(NotFound):
                await actions.read_bid(stranger, case.ref, case.bids[0, 0])
    readers = await Event.select(Event.actor).where(Event.verb == "bid.read").order_by(Event.seq)
    assert [row["actor"] for row in readers] == [evaluator.ref, case.buyer.ref]
    assert b"bid.read" not in b"".join([part async for part in public_log()])
    assert (await verify_log()).broken is None


async def test_one_evaluator_is_not_a_panel_and_a_conflict_can_leave_too_few() -> None:
    case = await given_awards.opened()
    await given_awards.panel(case, 2, conflicts={0: [case.suppliers[1].ref]})
    await given_awards.scored(case)
    with pytest.raises(Refused) as refused:
        await given_awards.decided(case)
    assert "award.panel-incomplete" in codes(refused)
    assert (
        "Fewer than 2 evaluators without a conflict of interest for: Heron Ltd, lot 1."
        in refused.value.reasons[0].reason
    )
    case.panel.clear()
    await given_awards.panel(case, 1)
    await given_awards.scored(case)
    assert (await given_awards.decided(case)).winner is not None


async def test_an_evaluator_who_falls_ill_is_excused_and_another_takes_her_place() -> None:
    case = await given_awards.opened()
    ill, _ = await given_awards.panel(case)
    why = panels.Excuse(ill.ref, "She has fallen ill for a month.")
    await panels.excuse(case.buyer, evaluation.panel(case.ref), why)
    with pytest.raises(Refused) as refused:
        await given_awards.mark(ill, case, case.bids[0, 0], given_awards.marks(case, 10))
    assert codes(refused) == ["panel.excused"]
    case.panel.remove(ill)
    await given_awards.panel(case, 1)
    await given_awards.scored(case)
    assert (await given_awards.decided(case)).winner is not None


async def test_the_first_is_awarded_or_the_next_when_it_is_set_aside_with_a_reason() -> None:
    case = await given_awards.opened()
    await given_awards.panel(case)
    await given_awards.scored(case)
    lot = case.there.lots[0].ref
    with pytest.raises(Refused) as second:
        await actions.decide(case.buyer, case.ref, lot, DecisionDraft(WHY, case.bids[0, 0]))
    assert codes(second) == ["award.not-the-first"]
    assert "Heron Ltd is first" in second.value.reasons[0].reason
    with pytest.raises(Refused) as bare:
        await actions.decide(
            case.buyer, case.ref, lot, DecisionDraft(WHY, case.bids[0, 0], [SetAsideBid(case.bids[1, 0], "no")])
        )
    assert codes(bare) == ["award.set-aside-unreasoned"]
    reason = "An exclusion ground applies: it was convicted of fraud in May."
    draft = DecisionDraft(WHY, case.bids[0, 0], [SetAsideBid(case.bids[1, 0], reason)])
    decision = await actions.decide(case.buyer, case.ref, lot, draft)
    winner = await actions.winner_of(decision)
    assert winner is not None
    assert winner.id == case.suppliers[0].id
    lost = await Letter.objects().get((Letter.person == case.firms[1].ref) & Letter.subject.like("You did not win%"))
    assert lost is not None
    assert reason in lost.text


async def test_a_lot_may_be_awarded_to_nobody_with_reasons_and_a_lot_without_bids_needs_no_panel() -> None:
    case = await given_awards.opened([5_000_000, 0], lots=2)
    with pytest.raises(Refused) as unevaluated:
        await actions.decide(case.buyer, case.ref, case.there.lots[1].ref, DecisionDraft(WHY))
    assert codes(unevaluated) == ["award.panel-incomplete"]
    await given_awards.panel(case)
    await given_awards.scored(case)
    with pytest.raises(Refused) as unreasoned:
        await actions.decide(case.buyer, case.ref, case.there.lots[1].ref, DecisionDraft("No."))
    assert codes(unreasoned) == ["award.reasons-missing"]
    empty = await actions.decide(
        case.buyer, case.ref, case.there.lots[1].ref, DecisionDraft("Nobody bid for this lot.")
    )
    nobody = await actions.decide(
        case.buyer, case.ref, case.there.lots[0].ref, DecisionDraft("The money was cut in March.")
    )
    assert (empty.winner, nobody.winner) == (None, None)
    assert await subjects(f"award:{nobody.ref}") == ["Nobody was awarded lot 1 of Inspecting bridges by drone — why"]


async def test_a_supplier_ahead_everywhere_keeps_no_more_lots_than_the_limit() -> None:
    case = await given_awards.opened([4_000_000, 4_000_000], [5_000_000, 4_100_000], lots=2, lots_per_supplier=1)
    await given_awards.panel(case)
    await given_awards.scored(case)
    lots = [lot.ref for lot in case.there.lots]
    with pytest.raises(Refused) as over:
        await actions.decide(case.buyer, case.ref, lots[1], DecisionDraft(WHY, case.bids[0, 1]))
    assert codes(over) == ["award.not-the-first"]
    second = await actions.decide(case.buyer, case.ref, lots[1], DecisionDraft(WHY, case.bids[1, 1]))
    first = await actions.decide(case.buyer, case.ref, lots[0], DecisionDraft(WHY, case.bids[0, 0]))
    winners = [await actions.winner_of(each) for each in (first, second)]
    assert [each.name for each in winners if each] == ["Kestrel Ltd", "Heron Ltd"]
    assert "one supplier may be awarded at most 1" in canonical.decode(second.ranking.encode())["allotment"][0]


async def test_a_low_price_is_set_aside_only_after_it_could_be_explained() -> None:
    case = await given_awards.opened(10_000_000, 3_000_000)
    await given_awards.panel(case)
    await given_awards.scored(case)
    lot, low = case.there.lots[0].ref, case.bids[1, 0]
    draft = DecisionDraft(WHY, case.bids[0, 0], [SetAsideBid(low, "Nobody can do this work at that price.")])
    with pytest.raises(Refused) as unasked:
        await actions.decide(case.buyer, case.ref, lot, draft)
    assert codes(unasked) == ["award.price-unexplained"]
    with pytest.raises(Refused) as high:
        await actions.ask_about_price(case.buyer, case.ref, case.bids[0, 0])
    assert codes(high) == ["price.not-low"]
    question = await actions.ask_about_price(case.buyer, case.ref, low)
    with pytest.raises(Refused) as waiting:
        await actions.decide(case.buyer, case.ref, lot, draft)
    assert codes(waiting) == ["award.price-unexplained"]
    with pytest.raises(NotFound):
        await actions.explain_price(case.firms[0], case.ref, low, Explanation("It is not my bid at all, I think."))
    await actions.explain_price(
        case.firms[1], case.ref, low, Explanation("We own the drones already and fly them anyway.")
    )
    assert (await actions.decide(case.buyer, case.ref, lot, draft)).winner is not None
    assert question.answer_by > question.asked_at


async def test_two_decisions_on_one_lot_at_once_leave_one() -> None:
    case = await given_awards.opened()
    await given_awards.panel(case)
    await given_awards.scored(case)
    draft = DecisionDraft(WHY, case.bids[1, 0])
    found = await asyncio.gather(
        *(actions.decide(case.buyer, case.ref, case.there.lots[0].ref, draft) for _ in range(3)), return_exceptions=True
    )
    refused = [each for each in found if isinstance(each, Refused)]
    assert [each.reasons[0].code for each in refused] == ["award.decided-already"] * 2
    assert await Decision.count() == 1
    assert await Event.count().where(Event.verb == "award.decided") == 1


async def test_only_the_buyer_decides() -> None:
    case = await given_awards.opened()
    for stranger in (case.firms[0], await given.person(await given.organisation(), "buyer")):
        with pytest.raises(Refused) as refused:
            await actions.decide(stranger, case.ref, case.there.lots[0].ref, DecisionDraft(WHY))
        assert refused.value.status == 403


async def test_a_complaint_in_standstill_is_rejected_and_the_award_goes_on() -> None:
    case, decision = await given_awards.awarded()
    with clock.at(decision.decided_at + timedelta(days=1)):
        complaint = await actions.complain(
            case.firms[0], decision.ref, ComplaintDraft("My method was misread by both.")
        )
        with pytest.raises(Refused) as again:
            await actions.complain(case.firms[0], decision.ref, ComplaintDraft("My method was misread, I say again."))
        assert codes(again) == ["complaint.lodged-already"]
        with pytest.raises(Refused) as won:
            await actions.complain(case.firms[1], decision.ref, ComplaintDraft("I would like to have won by more."))
        assert codes(won) == ["complaint.won"]
        assert await actions.open_complaints(decision) == 1
        answer = ComplaintAnswer(False, "Both evaluators quote your page three, word for word.")
        await actions.answer_complaint(case.buyer, decision.ref, complaint.ref, answer)
        with pytest.raises(Refused) as twice:
            await actions.answer_complaint(case.buyer, decision.ref, complaint.ref, answer)
        assert codes(twice) == ["complaint.answered-already"]
    assert await actions.open_complaints(decision) == 0
    assert (await find(Decision, Decision.ref == decision.ref)).set_aside_at is None
    assert [each for each in await subjects(f"award:{decision.ref}") if "rejected" in each] == [
        "A complaint about your award for Inspecting bridges by drone was rejected: it goes on",
        "Your complaint about Inspecting bridges by drone was rejected — the answer",
    ]
    lines = b"".join([part async for part in public_log()])
    assert b"complaint.lodged" in lines
    assert b"misread" not in lines


async def test_a_complaint_after_the_standstill_is_too_late() -> None:
    case, decision = await given_awards.awarded()
    assert decision.standstill_ends_at is not None
    with clock.at(decision.standstill_ends_at):
        await actions.complain(case.firms[0], decision.ref, ComplaintDraft("In the last second, which still counts."))
    await Complaint.delete(force=True)
    with clock.at(decision.standstill_ends_at + timedelta(seconds=1)), pytest.raises(Refused) as late:
        await actions.complain(case.firms[0], decision.ref, ComplaintDraft("A second later, which does not count."))
    assert codes(late) == ["complaint.too-late"]


async def test_an_upheld_complaint_sets_the_decision_aside_and_the_lot_is_scored_and_decided_again() -> None:
    case, decision = await given_awards.awarded()
    with clock.at(decision.decided_at + timedelta(days=1)):
        complaint = await actions.complain(
            case.firms[0], decision.ref, ComplaintDraft("My method was misread by both.")
        )
        answer = ComplaintAnswer(True, "The annex was overlooked by both evaluators.", True)
        await actions.answer_complaint(case.buyer, decision.ref, complaint.ref, answer)
        with pytest.raises(Refused) as unmarked:
            await actions.decide(case.buyer, case.ref, case.there.lots[0].ref, DecisionDraft(WHY, case.bids[1, 0]))
        assert codes(unmarked) == ["award.panel-incomplete"]
    await given_awards.scored(case, {(0, 0): 100})
    again = await given_awards.decided(case, firm=0)
    winner = await actions.winner_of(again)
    assert winner is not None
    assert winner.id == case.suppliers[0].id
    kept = await find(Decision, Decision.ref == decision.ref)
    assert kept.set_aside_reason == "A complaint was upheld: The annex was overlooked by both evaluators."
    assert canonical.decode(kept.ranking.encode())["placed"][0]["name"] == "Heron Ltd"
    verbs = [
        row["verb"] for row in await Event.select(Event.verb).where(Event.subject.like("award:%")).order_by(Event.seq)
    ]
    assert verbs == ["award.decided", "award.set-aside", "award.decided"]


async def test_the_buyer_takes_a_decision_back_with_a_reason_once() -> None:
    case, decision = await given_awards.awarded()
    with pytest.raises(Refused) as bare:
        await actions.set_aside(case.buyer, decision.ref, TakingBack("Oops"))
    assert codes(bare) == ["award.set-aside-reason-missing"]
    reason = TakingBack("The winner withdrew its bid this morning.")
    await actions.set_aside(case.buyer, decision.ref, reason)
    with pytest.raises(Refused) as again:
        await actions.set_aside(case.buyer, decision.ref, reason)
    assert codes(again) == ["award.set-aside-already"]
    with clock.at(decision.decided_at), pytest.raises(Refused) as gone:
        await actions.complain(case.firms[0], decision.ref, ComplaintDraft("There is nothing left to complain of."))
    assert codes(gone) == ["complaint.decision-set-aside"]
