"""How the gate was walked through, talked round or used up, each try through the actions on a real database."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from market import clock
from market.actor import Actor
from market.audit.tables import Event
from market.letters.tables import Letter
from market.refusals import Refused
from market.seed.authenticator import Authenticator
from market.tenders import actions, gate, readers
from market.tenders.drafts import actions as drafting
from market.tenders.tables import Lot
from market.waivers import actions as waivers
from tests import given
from tests.market.waivers.test_waiver_actions import WHY, request

pytestmark = pytest.mark.usefixtures("clean")

WHO = "The week-three call found who is at risk, and CH-STOP found that the flag changed nothing for them."
PREDICTION = ["48610000", "72300000"]


def codes(refused: pytest.ExceptionInfo[Refused]) -> list[str]:
    return [reason.code for reason in refused.value.reasons]


async def refused(publishing: Any) -> list[str]:
    with pytest.raises(Refused) as caught:
        await publishing
    return codes(caught)


async def worth(made: given.Tendering, minor: int) -> None:
    """Every lot of the draft is estimated at so much."""
    for lot in await readers.lots_of(made.tender):
        said = drafting.LotDraft(lot.title, minor, lot.cpv, lot.description)
        await drafting.revise_lot(made.officers[0], lot.ref, said, await given.as_is(drafting.LotDraft, Lot, lot.ref))


async def granted(made: given.Tendering, minister: Actor, device: Authenticator, ref: str) -> None:
    await waivers.sign(minister, ref, json.dumps(device.sign(await waivers.begin_signing(minister, ref))))


async def test_the_prediction_platform_that_the_exercise_said_not_to_buy_is_refused() -> None:
    made = await given.tendering(codes=PREDICTION, exercised=False)
    await given.exercise(made.buyer, "CH-STOP", PREDICTION, outcome="stop")
    assert await refused(made.publish()) == ["tender.innovation-first", "tender.after-a-stop"]
    # Nor by naming it, nor by an older exercise that went on, nor by a broader code.
    await given.origin(made, "CH-STOP")
    assert "tender.after-a-stop" in await refused(made.publish())
    broad = await given.tendering(made.buyer, codes=["72000000"], exercised=False)
    assert "tender.after-a-stop" in await refused(broad.publish())
    # Nor by another body of the department.
    agency = await given.organisation(department=made.buyer.id)
    sister = await given.tendering(agency, codes=PREDICTION, exercised=False)
    assert "tender.after-a-stop" in await refused(sister.publish())


async def test_an_exercise_that_goes_on_after_the_stop_opens_the_gate_again() -> None:
    made = await given.tendering(codes=PREDICTION, exercised=False)
    await given.exercise(made.buyer, "CH-BEFORE", PREDICTION)
    await given.exercise(made.buyer, "CH-STOP", PREDICTION, outcome="stop")
    await given.origin(made, "CH-BEFORE")
    assert "tender.after-a-stop" in await refused(made.publish())
    await given.exercise(made.buyer, "CH-AFTER", PREDICTION)
    await given.origin(made, "CH-AFTER")
    assert (await made.publish()).ground_reference == "CH-AFTER"


async def test_after_a_stop_only_a_waiver_whose_statement_names_it_opens_the_gate() -> None:
    made = await given.tendering(codes=PREDICTION, exercised=False)
    await given.exercise(made.buyer, "CH-STOP", PREDICTION, outcome="stop")
    minister, device = await given.minister(made.buyer)
    said = "It does not serve: it asked another question of other people."
    assert await refused(waivers.ask(made.officers[0], made.ref, request(similar=said))) == ["waiver.stop-unnamed"]
    asked = await waivers.ask(made.officers[0], made.ref, request(statement=f"{WHY} {WHO}", similar=said))
    await granted(made, minister, device, asked.ref)
    tender = await made.publish()
    assert (tender.ground, tender.ground_reference) == ("waiver", asked.ref)
    assert {line.code: line.holds for line in readers.gate_lines(tender)}["stop"] is False


async def test_a_stop_between_the_request_and_the_signature_is_not_signed_away_unread() -> None:
    made = await given.tendering(codes=PREDICTION, exercised=False)
    minister, device = await given.minister(made.buyer)
    asked = await waivers.ask(made.officers[0], made.ref, request())
    await given.exercise(made.buyer, "CH-STOP", PREDICTION, outcome="stop")
    assert await refused(granted(made, minister, device, asked.ref)) == ["waiver.stop-unnamed"]


async def test_a_stop_after_the_signature_closes_the_gate_that_the_waiver_had_opened() -> None:
    made = await given.tendering(codes=PREDICTION, exercised=False)
    minister, device = await given.minister(made.buyer)
    asked = await waivers.ask(made.officers[0], made.ref, request())
    await granted(made, minister, device, asked.ref)
    await given.exercise(made.buyer, "CH-STOP", PREDICTION, outcome="stop")
    assert "tender.after-a-stop" in await refused(made.publish())


async def test_fifty_million_after_a_follow_on_of_one_is_refused() -> None:
    made = await given.tendering(lots=1)
    await worth(made, 5_000_000_000)
    assert await refused(made.publish()) == ["tender.innovation-first", "tender.follow-on-exceeded"]
    await worth(made, 150_000_000)
    assert (await made.publish()).ground == "exercise"


async def test_two_tenders_do_not_use_the_same_follow_on_twice_not_even_at_once() -> None:
    first = await given.tendering(lots=1)
    second = await given.tendering(first.buyer, lots=1, exercised=False)
    await given.origin(second, first.tender.exercise)
    for made in (first, second):
        await worth(made, 100_000_000)
    tried = await asyncio.gather(first.publish(), second.publish(), return_exceptions=True)
    told = [each for each in tried if isinstance(each, Refused)]
    assert len(told) == 1
    assert [reason.code for reason in told[0].reasons] == ["tender.innovation-first", "tender.follow-on-exceeded"]
    assert "Other tenders have used £1,000,000" in told[0].reasons[1].reason


async def test_what_is_withdrawn_before_anything_was_bought_gives_its_share_back_and_no_more() -> None:
    first = await given.tendering(lots=1)
    await worth(first, 100_000_000)
    await first.publish()
    again = await given.tendering(first.buyer, lots=1, exercised=False)
    await given.origin(again, first.tender.exercise)
    await worth(again, 100_000_000)
    assert "tender.follow-on-exceeded" in await refused(again.publish())
    await actions.cancel(first.officers[0], first.ref, actions.Ending("We found that half of it is not needed."))
    await again.publish()
    third = await given.tendering(first.buyer, lots=1, exercised=False)
    await given.origin(third, first.tender.exercise)
    await worth(third, 100_000_000)
    assert "tender.follow-on-exceeded" in await refused(third.publish())


async def test_an_exercise_of_a_sister_body_opens_only_for_the_body_that_it_named_to_pay() -> None:
    department = await given.organisation()
    sister = await given.organisation(department=department.id)
    await given.exercise(sister, "CH-HERS")
    made = await given.tendering(department, exercised=False)
    await given.origin(made, "CH-HERS")
    assert await refused(made.publish()) == ["tender.innovation-first", "tender.follow-on-exceeded"]
    await given.exercise(sister, "CH-OURS", payer=department)
    await given.origin(made, "CH-OURS")
    assert (await made.publish()).ground_reference == "CH-OURS"


async def test_an_exercise_from_before_a_follow_on_was_asked_for_opens_nothing() -> None:
    made = await given.tendering(exercised=False)
    await given.exercise(made.buyer, "CH-OLD", follow_on_minor=None)
    await given.origin(made, "CH-OLD")
    assert "tender.follow-on-exceeded" in await refused(made.publish())


async def test_a_change_opens_the_gate_when_the_tender_says_what_changed() -> None:
    made = await given.tendering(exercised=False)
    await given.exercise(made.buyer, "CH-CHANGE", outcome="change")
    await given.origin(made, "CH-CHANGE")
    assert await refused(made.publish()) == ["tender.innovation-first", "tender.need-unsaid"]
    await given.origin(made, "CH-CHANGE", what_changed=given.SAME)
    assert (await made.publish()).ground_reference == "CH-CHANGE"


async def test_a_revoked_waiver_opens_nothing_and_its_buyer_is_told_why() -> None:
    made = await given.tendering(exercised=False)
    minister, device = await given.minister(made.buyer)
    asked = await waivers.ask(made.officers[0], made.ref, request())
    reason = waivers.Reason(
        "The councils were asked after all, and none of them is in a hurry. Conclude an exercise first."
    )
    with pytest.raises(Refused) as early:
        await waivers.revoke(minister, asked.ref, reason)
    assert codes(early) == ["waiver.not-in-force"]
    await granted(made, minister, device, asked.ref)
    assert await refused(waivers.revoke(made.officers[0], asked.ref, reason)) != []
    await waivers.revoke(minister, asked.ref, reason)
    assert gate.ask(await readers.candidate(made.ref)).ground is None
    assert "tender.innovation-first" in await refused(made.publish())
    assert await refused(waivers.revoke(minister, asked.ref, reason)) == ["waiver.not-in-force"]
    letter = await Letter.objects().where(Letter.subject.like("The minister revoked%")).first()
    assert letter is not None
    assert reason.reason[:40] in letter.text
    assert await Event.exists().where(Event.verb == "waiver.revoked")
    assert (await waivers.statistics()).in_force == 0


async def test_readers_see_the_need_and_what_is_bought_side_by_side(app: Any) -> None:
    with clock.at(given.TODAY):
        made = await given.tendering()
        await made.publish()
        async with given.browser(app) as client:
            page = (await client.get(f"/tenders/{made.ref}")).text
    assert "The need, and what is bought" in page
    assert "Crews empty gullies by the calendar" in page
    assert "Forty towns have the gullies that were tried" in page
    assert "may buy for £1,000,000, without VAT" in page
