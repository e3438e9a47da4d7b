"""What was published below the threshold, or within a follow-on, is not awarded above it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from market import clock
from market.awards import actions
from market.awards.actions import DecisionDraft, TakingBack
from market.awards.tables import Decision
from market.refusals import Refused
from market.tenders import evidence, readers
from tests import given, given_awards

pytestmark = pytest.mark.usefixtures("clean")

WHY = given_awards.WHY
BRIDGES = ["71631450"]


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


async def scored(case: given_awards.Evaluated) -> given_awards.Evaluated:
    await given_awards.panel(case)
    await given_awards.scored(case)
    return case


async def decide(case: given_awards.Evaluated, lot: int = 0, firm: int = 1) -> Decision:
    with clock.at(case.opened_at + timedelta(days=2)):
        return await actions.decide(
            case.buyer, case.ref, case.there.lots[lot].ref, DecisionDraft(WHY, case.bids[firm, lot])
        )


async def test_a_tender_published_below_the_threshold_is_not_awarded_above_it() -> None:
    case = await scored(await given_awards.opened(11_900_000, 11_800_000, ground="below-threshold"))
    with pytest.raises(Refused) as refused:
        await decide(case)
    assert codes(refused) == ["award.gate-shut"]
    assert refused.value.reasons[0].field == "winner"
    assert "No minister has signed a waiver" in refused.value.reasons[0].reason
    assert await Decision.count() == 0
    nobody = await actions.decide(
        case.buyer, case.ref, case.there.lots[0].ref, DecisionDraft("It costs twice as much.")
    )
    assert nobody.winner is None


async def test_a_price_above_the_estimate_is_awarded_while_the_whole_stays_below() -> None:
    case = await scored(await given_awards.opened(11_300_000, 11_200_000, ground="below-threshold"))
    decision = await decide(case)
    assert (await readers.lots_of(case.there.tender))[0].bought_minor == 11_200_000
    with clock.at(case.opened_at + timedelta(days=3)):
        await actions.set_aside(case.buyer, decision.ref, TakingBack("The winner no longer stands by its bid."))
    assert (await readers.lots_of(case.there.tender))[0].bought_minor is None


async def test_lots_awarded_one_after_the_other_are_added_up_at_their_prices() -> None:
    case = await scored(
        await given_awards.opened([5_900_000, 5_900_000], [5_800_000, 5_800_000], lots=2, ground="below-threshold")
    )
    for lot in case.there.lots:
        lot.value_minor = 5_000_000
        await lot.save([type(lot).value_minor])
    await decide(case)
    with pytest.raises(Refused) as refused:
        await decide(case, lot=1)
    assert codes(refused) == ["award.gate-shut"]


async def test_lots_awarded_at_once_are_added_up_too() -> None:
    case = await scored(
        await given_awards.opened([5_900_000, 5_900_000], [5_800_000, 5_800_000], lots=2, ground="below-threshold")
    )
    for lot in case.there.lots:
        lot.value_minor = 5_000_000
        await lot.save([type(lot).value_minor])
    tried = await asyncio.gather(decide(case), decide(case, lot=1), return_exceptions=True)
    told = [each for each in tried if isinstance(each, Refused)]
    assert len(told) == 1, tried
    assert [[reason.code for reason in each.reasons] for each in told] == [["award.gate-shut"]]


async def test_an_exercise_named_by_the_tender_opens_the_gate_at_the_real_price() -> None:
    said = {"exercise": "CH-BRIDGE", "same_need": given.SAME, "ground": "below-threshold"}
    case = await scored(await given_awards.opened(11_900_000, 11_800_000, **said))
    with clock.at(case.there.tender.published_at):
        await given.exercise(case.there.buyer, "CH-BRIDGE", BRIDGES)
    assert (await decide(case)).winner is not None


async def test_a_price_above_what_the_minister_signed_for_is_not_awarded() -> None:
    case = await scored(await given_awards.opened(11_900_000, 11_800_000, ground="waiver", ground_reference="W-SMALL"))
    await evidence.accept_evidence(
        case.buyer,
        ground="waiver",
        reference="W-SMALL",
        buyer=case.there.buyer.id,
        cpv=BRIDGES,
        tender=case.there.tender.id,
        ceiling_minor=6_000_000,
        signed_by="Helena Marchbanks",
        completed_at=clock.now(),
    )
    with pytest.raises(Refused) as refused:
        await decide(case)
    assert codes(refused) == ["award.gate-shut"]
    assert "W-SMALL was signed for £60,000" in refused.value.reasons[0].reason


async def two_small_ones() -> list[given_awards.Evaluated]:
    """Two tenders of one body in one class, each estimated at £50,000 and offered for £62,000."""
    body = await given.organisation("Department for Roads")
    said = {"body": body, "ground": "below-threshold"}
    cases = [await scored(await given_awards.opened(6_300_000, 6_200_000, **said)) for _ in range(2)]
    for lot in (lot for case in cases for lot in case.there.lots):
        lot.value_minor = 5_000_000
        await lot.save([type(lot).value_minor])
    return cases


@pytest.mark.parametrize("first", [0, 1])
async def test_a_tender_does_not_grow_beside_what_was_published_after_it(first: int) -> None:
    """Two small tenders of one class, within the threshold together by their estimates: whichever is awarded first, the other is
    not awarded at a price that takes both beyond it."""
    cases = await two_small_ones()
    await decide(cases[first])
    with pytest.raises(Refused) as refused:
        await decide(cases[1 - first])
    assert codes(refused) == ["award.gate-shut"]
    assert cases[first].ref in refused.value.reasons[0].reason


async def test_two_small_tenders_of_one_body_do_not_grow_at_once() -> None:
    cases = await two_small_ones()
    tried = await asyncio.gather(*(decide(case) for case in cases), return_exceptions=True)
    told = [each for each in tried if isinstance(each, Refused)]
    assert len(told) == 1, tried
    assert [[reason.code for reason in each.reasons] for each in told] == [["award.gate-shut"]]


async def test_what_others_bought_with_the_exercise_counts_at_its_price() -> None:
    """Two tenders on one follow-on of £100,000, which opens £150,000: each price alone is within it, both are not."""
    body = await given.organisation("Department for Roads")
    await given.exercise(body, "CH-BRIDGE", BRIDGES, follow_on_minor=10_000_000)
    said = {"exercise": "CH-BRIDGE", "same_need": given.SAME, "ground": "exercise", "ground_reference": "CH-BRIDGE"}
    cases = [await scored(await given_awards.opened(8_900_000, 8_800_000, body=body, **said)) for _ in range(2)]
    tried = await asyncio.gather(*(decide(case) for case in cases), return_exceptions=True)
    told = [each for each in tried if isinstance(each, Refused)]
    assert len(told) == 1, tried
    assert [[reason.code for reason in each.reasons] for each in told] == [["award.gate-shut"]]
    assert "Other tenders have used £88,000 of it" in told[0].reasons[0].reason
