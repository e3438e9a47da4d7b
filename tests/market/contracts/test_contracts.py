"""Contracts through their actions, on a real database: drawn up from an award, signed by both, delivered, changed, ended."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import timedelta

import msgspec
import pytest
from litestar import Litestar

from market import clock
from market.audit.actions import record
from market.audit.tables import Event
from market.audit.thread import thread
from market.awards import actions as awards
from market.awards.actions import ComplaintAnswer, ComplaintDraft
from market.awards.tables import Decision
from market.contracts import actions, readers
from market.contracts.actions import Delivery, End, RefusedDelivery, Signature
from market.contracts.tables import Contract, Milestone
from market.db import find
from market.letters.tables import Letter
from market.payments.tables import Obligation
from market.proof import canonical
from market.refusals import NotFound, Refused
from tests import given, given_awards

pytestmark = pytest.mark.usefixtures("clean")


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


async def test_a_contract_waits_for_the_end_of_the_standstill_and_for_every_complaint() -> None:
    case, decision = await given_awards.awarded()
    assert decision.standstill_ends_at is not None
    with clock.at(decision.standstill_ends_at):
        with pytest.raises(Refused) as early:
            await actions.draw_up(case.buyer, decision.ref, given_awards.draft(decision))
        assert codes(early) == ["contract.standstill"]
        complaint = await awards.complain(
            case.firms[0], decision.ref, awards.ComplaintDraft("My method was misread by both.")
        )
    with pytest.raises(Refused) as stopped:
        await given_awards.drawn_up(case, decision)
    assert codes(stopped) == ["contract.complaint-open"]
    answer = awards.ComplaintAnswer(False, "Both evaluators quote your page three, word for word.")
    await awards.answer_complaint(case.buyer, decision.ref, complaint.ref, answer)
    contract = await given_awards.drawn_up(case, decision)
    assert (await find(Decision, Decision.ref == decision.ref)).contract == contract.ref
    with pytest.raises(Refused) as again:
        await given_awards.drawn_up(case, decision)
    assert codes(again) == ["contract.drawn-up-already"]
    with pytest.raises(Refused) as kept:
        await awards.set_aside(case.buyer, decision.ref, awards.TakingBack("We have changed our minds about it."))
    assert codes(kept) == ["award.contracted"]


async def test_the_document_holds_everything_and_its_digest_is_of_its_bytes() -> None:
    case, decision = await given_awards.awarded(terms="The readings are public.", profile="")
    contract = await given_awards.drawn_up(case, decision)
    assert contract.digest == hashlib.sha256(contract.document.encode()).hexdigest()
    document = canonical.decode(contract.document.encode())
    assert (document["value_minor"], document["buyer"]["name"], document["supplier"]["name"]) == (
        4_000_000,
        "Department for Roads",
        "Heron Ltd",
    )
    assert [each["promised"] for each in document["promises"]] == ["We have done this before."] * 2
    assert sum(each["amount_minor"] for each in document["milestones"]) == document["value_minor"]
    assert document["terms"] == "The readings are public."
    event = await Event.objects().get(Event.verb == "contract.drawn-up")
    assert event is not None
    assert event.about == [f"contract:{contract.ref}", f"award:{decision.ref}", f"tender:{case.ref}"]


async def test_milestones_that_do_not_make_the_price_are_refused() -> None:
    case, decision = await given_awards.awarded()
    assert decision.standstill_ends_at is not None
    with clock.at(decision.standstill_ends_at + timedelta(days=1)):
        with pytest.raises(Refused) as short:
            await actions.draw_up(case.buyer, decision.ref, given_awards.draft(decision, 3_900_000))
        assert codes(short) == ["contract.amounts"]
        assert short.value.status == 422
        late = msgspec.structs.replace(given_awards.draft(decision), ends_on=given_awards.draft(decision).begins_on)
        with pytest.raises(Refused) as dates:
            await actions.draw_up(case.buyer, decision.ref, late)
        assert codes(dates) == ["contract.dates", "contract.milestone-dates"]
    assert await Contract.count() == 0


async def test_both_sides_sign_the_same_document_in_either_order_and_then_it_is_in_force() -> None:
    case, decision = await given_awards.awarded()
    await record(case.buyer, "tender.published", f"tender:{case.ref}", {"ground": "not-central"})
    contract = await given_awards.drawn_up(case, decision)
    right = Signature(contract.digest, True)
    with pytest.raises(Refused) as other:
        await actions.sign(case.firms[1], contract.ref, Signature("0" * 64, True))
    assert codes(other) == ["contract.other-document"]
    with pytest.raises(Refused) as unsaid:
        await actions.sign(case.firms[1], contract.ref, Signature(contract.digest))
    assert codes(unsaid) == ["contract.not-confirmed"]
    for stranger in (case.firms[0], await given.person(case.suppliers[1], "supplier-member")):
        with pytest.raises(Refused) as refused:
            await actions.sign(stranger, contract.ref, right)
        assert refused.value.status == 403
    await actions.sign(case.buyer, contract.ref, right)
    assert await Event.count().where(Event.verb == "contract.signed") == 0
    with pytest.raises(Refused) as twice:
        await actions.sign(case.buyer, contract.ref, right)
    assert codes(twice) == ["contract.signed-already"]
    await actions.sign(case.firms[1], contract.ref, right)
    event = await Event.objects().get(Event.verb == "contract.signed")
    assert event is not None
    assert canonical.decode(event.body.encode())["document_sha256"] == contract.digest
    assert await Letter.count().where(Letter.subject.like("%is in force")) == 5
    steps = {step.name: step.text for step in await thread(f"contract:{contract.ref}")}
    assert (steps["Award"], steps["Contract"]) == ("Decided", "In force")


async def test_nobody_signs_while_a_complaint_of_the_last_second_waits_nor_after_it_set_the_award_aside(
    app: Litestar,
) -> None:
    case, decision = await given_awards.awarded()
    assert decision.standstill_ends_at is not None
    contract = await given_awards.drawn_up(case, decision)
    with clock.at(decision.standstill_ends_at):  # it arrived in time, and was kept after the contract had been drawn up
        complaint = await awards.complain(case.firms[0], decision.ref, ComplaintDraft("My method was misread by both."))
    right = Signature(contract.digest, True)
    for who in (case.buyer, case.firms[1]):
        with pytest.raises(Refused) as refused:
            await actions.sign(who, contract.ref, right)
        assert codes(refused) == ["contract.signing-suspended"]
    async with given.browser(app) as client:
        await given.signed_in(client, case.buyer)
        page = (await client.get(f"/contracts/{contract.ref}")).text
        assert "was lodged in time and waits for an answer" in page
        assert "Sign the contract" not in page
    answer = ComplaintAnswer(True, "The annex was overlooked by both evaluators.", True)
    await awards.answer_complaint(case.buyer, decision.ref, complaint.ref, answer)
    with pytest.raises(Refused) as gone:
        await actions.sign(case.buyer, contract.ref, right)
    assert codes(gone) == ["contract.award-set-aside"]
    assert await Event.count().where(Event.verb == "contract.signature-given") == 0


async def test_two_signatures_of_one_side_at_once_leave_one_and_the_contract_enters_into_force_once() -> None:
    case, decision = await given_awards.awarded()
    contract = await given_awards.drawn_up(case, decision)
    right = Signature(contract.digest, True)
    acts = [case.buyer, case.buyer, case.firms[1], case.firms[1]]
    found = await asyncio.gather(*(actions.sign(each, contract.ref, right) for each in acts), return_exceptions=True)
    refused = [each.reasons[0].code for each in found if isinstance(each, Refused)]
    assert refused == ["contract.signed-already"] * 2
    assert await Event.count().where(Event.verb == "contract.signed") == 1
    assert await Event.count().where(Event.verb == "contract.signature-given") == 2


async def test_drawing_up_twice_at_once_leaves_one_contract() -> None:
    case, decision = await given_awards.awarded()
    found = await asyncio.gather(*(given_awards.drawn_up(case, decision) for _ in range(2)), return_exceptions=True)
    assert [each.reasons[0].code for each in found if isinstance(each, Refused)] == ["contract.drawn-up-already"]
    assert await Contract.count() == 1


async def test_nobody_signs_for_both_sides() -> None:
    case, decision = await given_awards.awarded()
    contract = await given_awards.drawn_up(case, decision)
    await actions.sign(case.firms[1], contract.ref, Signature(contract.digest, True))
    await Contract.update({Contract.supplier_signed_by: case.buyer.person}).where(Contract.id == contract.id)
    with pytest.raises(Refused) as refused:
        await actions.sign(case.buyer, contract.ref, Signature(contract.digest, True))
    assert codes(refused) == ["contract.both-sides"]


async def test_an_accepted_milestone_is_owed_once_and_a_refused_one_is_delivered_again() -> None:
    case, decision = await given_awards.awarded()
    contract = await given_awards.in_force(case, decision)
    first, second = await Milestone.objects().where(Milestone.contract == contract.id).order_by(Milestone.number)
    manager = await given.person(case.there.buyer, "contract-manager")
    with pytest.raises(Refused) as early:
        await actions.accept(manager, contract.ref, first.ref)
    assert codes(early) == ["milestone.not-delivered"]
    await actions.deliver(case.firms[1], contract.ref, first.ref, Delivery("All 200 fitted; the list is attached."))
    with pytest.raises(Refused) as twice:
        await actions.deliver(case.firms[1], contract.ref, first.ref, Delivery("Again."))
    assert codes(twice) == ["milestone.delivered-already"]
    await actions.refuse(manager, contract.ref, first.ref, RefusedDelivery("Eleven of them failed the leaf-soup test."))
    with pytest.raises(Refused) as refused:
        await actions.accept(manager, contract.ref, first.ref)
    assert codes(refused) == ["milestone.not-delivered"]
    await actions.deliver(case.firms[1], contract.ref, first.ref, Delivery("The eleven were replaced."))
    found = await asyncio.gather(
        *(actions.accept(manager, contract.ref, first.ref) for _ in range(2)), return_exceptions=True
    )
    assert [each.reasons[0].code for each in found if isinstance(each, Refused)] == ["milestone.accepted-already"]
    obligation = await find(Obligation, Obligation.cause == f"milestone:{first.ref}")
    assert (obligation.amount_minor, obligation.payee, obligation.accepted_by) == (
        2_000_000,
        case.suppliers[1].id,
        manager.ref,
    )
    assert f"tender:{case.ref}" in obligation.ancestors
    rows = await readers.milestones_of(contract)
    assert [row.obligation for row in rows] == [obligation.ref, None]
    with pytest.raises(NotFound):
        await actions.deliver(case.firms[1], "C-NOTHERE", second.ref, Delivery("Nothing."))
    with pytest.raises(Refused) as rival:
        await actions.deliver(case.firms[0], contract.ref, second.ref, Delivery("I am not the supplier."))
    assert rival.value.status == 403


async def test_nothing_is_delivered_before_both_have_signed_or_after_the_end() -> None:
    case, decision = await given_awards.awarded()
    contract = await given_awards.drawn_up(case, decision)
    first, second = await Milestone.objects().where(Milestone.contract == contract.id).order_by(Milestone.number)
    with pytest.raises(Refused) as unsigned:
        await actions.deliver(case.firms[1], contract.ref, first.ref, Delivery("Ready."))
    assert codes(unsigned) == ["milestone.not-in-force"]
    for who in (case.buyer, case.firms[1]):
        await actions.sign(who, contract.ref, Signature(contract.digest, True))
    await actions.deliver(case.firms[1], contract.ref, first.ref, Delivery("Ready."))
    with pytest.raises(Refused) as bare:
        await actions.end(case.buyer, contract.ref, End("Enough"))
    assert codes(bare) == ["contract.end-reason-missing"]
    await actions.end(case.buyer, contract.ref, End("Both sides agreed that the trial had shown enough."))
    with pytest.raises(Refused) as ended:
        await actions.deliver(case.firms[1], contract.ref, second.ref, Delivery("Late."))
    assert codes(ended) == ["milestone.not-in-force"]
    assert (await actions.accept(case.buyer, contract.ref, first.ref)).accepted_at is not None
    assert (await find(Decision, Decision.ref == decision.ref)).set_aside_at is None


async def test_a_contract_given_up_before_it_is_in_force_frees_the_lot_for_the_next() -> None:
    case, decision = await given_awards.awarded()
    contract = await given_awards.drawn_up(case, decision)
    manager = case.there.officers[1]
    assert manager.wears("buyer") is None, "who may draw a contract up may give it up"
    await actions.end(manager, contract.ref, End("The winner does not stand by its price any more."))
    assert (await find(Decision, Decision.ref == decision.ref)).set_aside_at is not None
    with pytest.raises(Refused) as refused:
        await actions.sign(case.firms[1], contract.ref, Signature(contract.digest, True))
    assert codes(refused) == ["contract.ended", "contract.award-set-aside"]
    reason = "It withdrew after the award, in writing, on the second of March."
    draft = awards.DecisionDraft(given_awards.WHY, case.bids[0, 0], [awards.SetAsideBid(case.bids[1, 0], reason)])
    again = await awards.decide(case.buyer, case.ref, case.there.lots[0].ref, draft)
    following = await given_awards.drawn_up(case, again)
    assert following.supplier == case.suppliers[0].id


async def test_the_list_goes_back_page_by_page() -> None:
    case, decision = await given_awards.awarded()
    contract = await given_awards.drawn_up(case, decision)
    assert [row.ref for row in await readers.listed()] == [contract.ref]
    assert await readers.listed(before=contract.ref) == []


async def test_a_decision_taken_back_while_its_contract_is_drawn_up_ends_one_way_only() -> None:
    case, decision = await given_awards.awarded()
    found = await asyncio.gather(
        given_awards.drawn_up(case, decision),
        awards.set_aside(case.buyer, decision.ref, awards.TakingBack("We have changed our minds about it.")),
        return_exceptions=True,
    )
    refused = [each.reasons[0].code for each in found if isinstance(each, Refused)]
    assert refused in (["contract.nothing-awarded"], ["award.contracted"])
    kept = await find(Decision, Decision.ref == decision.ref)
    assert bool(kept.contract) != bool(kept.set_aside_at)
