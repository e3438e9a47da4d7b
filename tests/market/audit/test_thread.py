"""The thread says where a line stands, what comes next, and what was not needed, from the log alone."""

from __future__ import annotations

from typing import Any

import pytest

from market.actor import Actor
from market.audit.actions import record
from market.audit.thread import decided, thread
from tests import given

pytestmark = pytest.mark.usefixtures("clean")


async def states(subject: str) -> list[tuple[str, str]]:
    return [(step.name, step.state) for step in await thread(subject)]


async def somebody() -> Actor:
    return await given.person(await given.organisation(), "buyer")


async def happens(actor: Actor, verb: str, subject: str, *about: str, **facts: Any) -> None:
    await record(actor, verb, subject, facts, about=list(about))


async def test_an_exercise_under_way_shows_every_step_that_may_follow() -> None:
    await happens(await somebody(), "challenge.published", "challenge:CH-ONE", title="Gullies flood")
    assert await states("challenge:CH-ONE") == [
        ("Problem", "done"),
        ("Exercise", "now"),
        ("Tender", "todo"),
        ("Award", "todo"),
        ("Contract", "todo"),
        ("Payments", "todo"),
    ]


async def test_an_exercise_that_ends_with_stop_leads_to_its_fees_and_to_nothing_else() -> None:
    buyer = await somebody()
    await happens(buyer, "challenge.published", "challenge:CH-ONE", title="Gullies flood")
    await happens(
        buyer, "obligation.incurred", "obligation:OB-1", "challenge:CH-ONE", amount_minor=1000, currency="GBP"
    )
    await happens(buyer, "challenge.concluded", "challenge:CH-ONE", decision="stop")
    assert await states("challenge:CH-ONE") == [("Problem", "done"), ("Exercise", "done"), ("Payments", "now")]
    await happens(buyer, "payment.paid", "payment:PY-1", "challenge:CH-ONE", amount_minor=1000, currency="GBP")
    assert (await states("challenge:CH-ONE"))[-1] == ("Payments", "done")


async def test_paid_pitches_do_not_end_a_line_whose_tender_is_still_to_come() -> None:
    buyer = await somebody()
    await happens(buyer, "challenge.published", "challenge:CH-ONE", title="Gullies flood")
    await happens(
        buyer, "obligation.incurred", "obligation:OB-1", "challenge:CH-ONE", amount_minor=1000, currency="GBP"
    )
    await happens(buyer, "payment.paid", "payment:PY-1", "challenge:CH-ONE", amount_minor=1000, currency="GBP")
    await happens(buyer, "challenge.concluded", "challenge:CH-ONE", decision="go")
    assert dict(await states("challenge:CH-ONE")) == {
        "Problem": "done",
        "Exercise": "done",
        "Tender": "now",
        "Award": "todo",
        "Contract": "todo",
        "Payments": "todo",
    }


async def test_an_exercise_that_the_rule_did_not_ask_for_is_spared_and_one_without_a_reason_is_missing() -> None:
    buyer = await somebody()
    await happens(buyer, "tender.published", "tender:T-ONE", ground="commodity")
    await happens(buyer, "tender.published", "tender:T-TWO", ground="")
    assert (await states("tender:T-ONE"))[0] == ("Exercise", "spared")
    assert (await states("tender:T-TWO"))[0] == ("Exercise", "missing")


async def test_payments_go_on_until_the_whole_worth_of_the_contract_was_owed_and_paid() -> None:
    buyer = await somebody()
    line = ("tender:T-ONE", "award:A-ONE", "contract:C-ONE")
    await happens(buyer, "tender.published", "tender:T-ONE", ground="commodity")
    await happens(buyer, "tender.opened", "tender:T-ONE")
    await happens(buyer, "award.decided", "award:A-ONE", "tender:T-ONE")
    await happens(buyer, "contract.signed", "contract:C-ONE", *line[:2], value_minor=3000)
    for number, amount in enumerate((1000, 2000), 1):
        assert (await states("contract:C-ONE"))[-1] == ("Payments", "now")
        owed = {"amount_minor": amount, "currency": "GBP"}
        await happens(buyer, "obligation.incurred", f"obligation:OB-{number}", *line, **owed)
        assert (await states("contract:C-ONE"))[-1] == ("Payments", "now")
        await happens(buyer, "payment.paid", f"payment:PY-{number}", *line, **owed)
    assert (await states("contract:C-ONE"))[-1] == ("Payments", "done")


async def test_a_contract_that_ended_early_owes_no_more_than_was_accepted() -> None:
    buyer = await somebody()
    await happens(buyer, "tender.published", "tender:T-ONE", ground="commodity")
    await happens(buyer, "tender.opened", "tender:T-ONE")
    await happens(buyer, "award.decided", "award:A-ONE", "tender:T-ONE")
    line = ("tender:T-ONE", "award:A-ONE", "contract:C-ONE")
    await happens(buyer, "contract.signed", "contract:C-ONE", *line[:2], value_minor=3000)
    await happens(buyer, "obligation.incurred", "obligation:OB-1", *line, amount_minor=1000, currency="GBP")
    await happens(buyer, "payment.paid", "payment:PY-1", *line, amount_minor=1000, currency="GBP")
    await happens(buyer, "contract.ended", "contract:C-ONE", *line[:2])
    steps = await thread("contract:C-ONE")
    assert [(step.name, step.text) for step in steps if step.name == "Contract"] == [("Contract", "Ended")]
    assert steps[-1].state == "done"


async def test_lots_are_counted_as_decided_until_their_award_is_set_aside() -> None:
    buyer = await somebody()
    await happens(buyer, "award.decided", "award:A-ONE", "tender:T-ONE")
    await happens(buyer, "award.decided", "award:A-TWO", "tender:T-ONE")
    await happens(buyer, "award.decided", "award:A-ELSE", "tender:T-ELSE")
    assert await decided(["T-ONE", "T-NONE"]) == {"T-ONE": 2}
    await happens(buyer, "award.set-aside", "award:A-TWO", "tender:T-ONE")
    assert await decided(["T-ONE"]) == {"T-ONE": 1}


async def test_what_is_a_part_of_a_record_shows_the_thread_of_the_whole() -> None:
    buyer = await somebody()
    line = ("award:A-ONE", "tender:T-ONE")
    await happens(buyer, "mission.published", "mission:M-ONE")
    await happens(buyer, "tender.published", "tender:T-ONE", "mission:M-ONE", ground="commodity")
    await happens(buyer, "bid.sealed", "bid:B-ONE", "tender:T-ONE")
    await happens(buyer, "tender.opened", "tender:T-ONE", "opening:OP-ONE")
    await happens(buyer, "award.decided", "award:A-ONE", "tender:T-ONE")
    await happens(buyer, "complaint.lodged", "complaint:CP-ONE", *line)
    await happens(buyer, "contract.signed", "contract:C-ONE", *line, value_minor=1000)
    await happens(buyer, "award.decided", "award:A-TWO", "tender:T-ONE")
    money = {"amount_minor": 1000, "currency": "GBP"}
    await happens(buyer, "milestone.accepted", "milestone:MS-ONE", "contract:C-ONE", *line)
    await happens(buyer, "obligation.incurred", "obligation:OB-ONE", "contract:C-ONE", *line, **money)
    await happens(buyer, "payment.paid", "payment:PY-ONE", "contract:C-ONE", *line, **money)
    contract = await states("contract:C-ONE")
    assert [state for _, state in contract[1:]] == ["done"] * 4
    for part in ("milestone:MS-ONE", "obligation:OB-ONE", "payment:PY-ONE"):
        assert await states(part) == contract
    for part in ("bid:B-ONE", "opening:OP-ONE"):
        assert await states(part) == await states("tender:T-ONE")
    assert await states("complaint:CP-ONE") == await states("award:A-ONE")
    assert await states("mission:M-ONE") == [], "many threads begin at a mission"


async def test_a_paid_pitch_shows_the_thread_of_its_exercise() -> None:
    buyer = await somebody()
    await happens(buyer, "challenge.published", "challenge:CH-ONE", title="Gullies flood")
    for verb, subject in (
        ("application.submitted", "application:AP-ONE"),
        ("pitch.delivered", "pitch:PT-ONE"),
        ("obligation.incurred", "obligation:OB-ONE"),
        ("payment.paid", "payment:PY-ONE"),
    ):
        await happens(buyer, verb, subject, "challenge:CH-ONE", amount_minor=1000, currency="GBP")
        assert await states(subject) == await states("challenge:CH-ONE")
